/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP client against a server that misbehaves on purpose. */
#include "../support/evil_http.h"
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "http/http.h"

#include <criterion/criterion.h>
#include <sys/timerfd.h>

static pid_t server;
static char base[64], log_path[64];
static struct http_loop *loop;
static struct ds_arena *a;
static struct ds_err err;

static void begin(const char *script)
{
    uint16_t port = 0;
    (void)snprintf(log_path, sizeof log_path, "/tmp/ds-http-%d.log", (int)getpid());
    server = evil_start(script, log_path, &port);
    (void)snprintf(base, sizeof base, "http://127.0.0.1:%u", port);
    loop = http_loop_create(0, "decksweep-test");
    a = arena_create((size_t)64 << 20);
}

static void finish(void)
{
    http_loop_destroy(loop);
    arena_destroy(a);
    evil_stop(server);
    (void)unlink(log_path);
    loop = NULL;
    a = NULL;
    server = 0;
}

TestSuite(http, .timeout = 60);

static const char *url(const char *path)
{
    return arena_format(a, "%s%s", base, path).ptr;
}

static struct http_request get(const char *path)
{
    return (struct http_request){.method = HTTP_GET,
                                 .url = url(path),
                                 .max_body_bytes = (size_t)1 << 20,
                                 .deadline_ms = 10000,
                                 .idempotent = true};
}

static size_t n_requests(void)
{
    struct ds_span text;
    size_t n = 0;
    cr_assert_eq(fs_read_file(log_path, 1 << 20, a, &text, &err), 0, "%s", err.text);
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

Test(http, a_body_and_its_headers_come_whole)
{
    struct http_response r;
    begin("rule GET /a?x=%20\nstatus 200 OK\nheader X-One: two\nheader Date: Sun, 06 Nov 1994 "
          "08:49:37 GMT\nbody hello\n");
    struct http_request q = get("/a?x=%20");
    cr_assert_eq(http_do(loop, &q, a, &r, &err), 0, "%s", err.text);
    cr_expect_eq(r.status, 200);
    cr_expect(ds_span_is(r.body, "hello"));
    cr_expect(ds_span_is(http_response_header(&r, "x-one"), "two"));
    cr_expect_eq(r.date_s, 784111777);
    cr_expect_eq(r.tries, 1);
    cr_expect_eq(r.received_bytes, 5);
    finish();
}

struct unhappy {
    const char *script, *text; /* the err, or NULL: an answer */
    int code, status;
    unsigned tries, requests;
};

static const struct unhappy UNHAPPY[] = {
    {"rule GET /x 2\nstatus 503 No\nbody later\nrule GET /x\nbody ok\n", NULL, 0, 200, 3, 3},
    {"rule GET /x\nstatus 500 No\nbody never\n", NULL, 0, 500, 3, 3},
    {"rule GET /x\nstatus 404 No\nbody none\n", NULL, 0, 404, 1, 1},
    {"rule GET /x\nstatus 301 Gone\nheader Location: /y\nbody go\nrule GET /y\nbody y\n", NULL, 0,
     301, 1, 1},
    {"rule GET /x 1\nreset\nrule GET /x\nbody ok\n", NULL, 0, 200, 2, 2},
    {"rule GET /x 1\nlength 100\nbody half\ncut\nrule GET /x\nbody ok\n", NULL, 0, 200, 2, 2},
    {"rule GET /x 1\nchunk half\ncut\nrule GET /x\nbody ok\n", NULL, 0, 200, 2, 2},
    {"rule GET /x 1\nlength 100\nbody half\nreset\nrule GET /x\nbody ok\n", NULL, 0, 200, 2, 2},
    {"rule GET /x\nlength 100\nbody half\ncut\n", "3 tries: ", DS_EIO, 0, 3, 3},
    {"rule GET /x\nraw garbage that is no HTTP\\r\\n\\r\\n\ncut\n", "3 tries: ", DS_EIO, 0, 3, 3},
    {"rule GET /x\nstatus 200 OK\nrepeat 300000 0123456789\n", "larger than 1048576 bytes",
     DS_ETOOBIG, 0, 1, 1},
    {"rule GET /x\nstatus 400 OK\nrepeat 300000 0123456789\n", NULL, 0, 400, 1, 1},
    {"rule GET /x\nchunks 300 0 "
     "0123456789012345678901234567890123456789012345678901234567890123456789\n",
     NULL, 0, 200, 1, 1},
    {"rule GET /x\nraw HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nContent-Length: "
     "3\\r\\n\\r\\nabc\n"
     "close\n",
     NULL, 0, 200, 1, 1},
};

Test(http, what_a_server_does_wrong_is_tried_again_or_told)
{
    for (size_t i = 0; i < DS_COUNT(UNHAPPY); i++) {
        const struct unhappy *u = &UNHAPPY[i];
        struct http_response r = {0};
        begin(u->script);
        struct http_request q = get("/x");
        q.max_tries = 3;
        int rc = http_do(loop, &q, a, &r, &err);
        cr_expect_eq(rc, u->code, "%zu: %d %s", i, rc, rc < 0 ? err.text : "");
        if (u->text)
            cr_expect(rc < 0 && strstr(err.text, u->text), "%zu: %s", i, err.text);
        if (u->code == 0) {
            cr_expect_eq(r.status, u->status, "%zu: %d", i, r.status);
            cr_expect_eq(r.tries, u->tries, "%zu: %u", i, r.tries);
            cr_expect(r.body.len <= (r.status == 200 ? 1u << 20 : 64u << 10));
        }
        cr_expect_eq(n_requests(), u->requests, "%zu: %zu requests", i, n_requests());
        finish();
    }
}

Test(http, a_hundred_thousand_headers_are_refused)
{
    struct http_response r;
    ds_auto_buf script;
    buf_init(&script, 1 << 20);
    (void)buf_put_text(&script, "rule GET /few\nstatus 200 OK\n");
    for (int i = 0; i < 55; i++)
        (void)buf_printf(&script, "header H%d: %d\n", i, i);
    (void)buf_put_text(&script, "body x\nrule GET /many\nstatus 200 OK\n");
    for (int i = 0; i < 55; i++) {
        (void)buf_put_text(&script, "header Long: ");
        for (int k = 0; k < 400; k++)
            (void)buf_put_text(&script, "abcdefgh");
        (void)buf_put_text(&script, "\n");
    }
    begin(script.data);
    struct http_request q = get("/few");
    cr_assert_eq(http_do(loop, &q, a, &r, &err), 0, "%s", err.text);
    cr_expect_eq(r.n_headers, HTTP_MAX_HEADERS);
    q = get("/many");
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_ETOOBIG, "%s", err.text);
    finish();
}

Test(http, retry_after_is_waited_for_and_a_deadline_ends_the_waiting)
{
    struct http_response r;
    begin("rule GET /x 1\nstatus 429 Slow\nheader Retry-After: 1\nbody slow\nrule GET /x\nbody ok\n"
          "rule GET /far\nstatus 429 Slow\nheader Retry-After: 60\nbody slow\n");
    struct http_request q = get("/x");
    q.max_tries = 3;
    int64_t from = clock_monotonic_ms();
    cr_assert_eq(http_do(loop, &q, a, &r, &err), 0, "%s", err.text);
    int64_t took = clock_monotonic_ms() - from;
    cr_expect(r.status == 200 && took >= 1000 && took < 3000, "%d after %d ms", r.status,
              (int)took);
    q = get("/far");
    q.max_tries = 3;
    from = clock_monotonic_ms();
    cr_assert_eq(http_do(loop, &q, a, &r, &err), 0, "%s", err.text);
    cr_expect(r.status == 429 && r.retry_after_ms == 60000 && clock_monotonic_ms() - from < 1000);
    finish();
}

Test(http, a_post_is_sent_again_only_when_it_was_turned_away)
{
    struct http_response r;
    begin(
        "rule POST /busy 2\nstatus 429 Slow\nbody slow\nrule POST /busy\nstatus 201 Made\nbody ok\n"
        "rule POST /broken\nreset\nrule POST /sick\nstatus 503 No\nbody no\n");
    struct http_request q = get("/busy");
    q.method = HTTP_POST;
    q.idempotent = false;
    q.max_tries = 5;
    q.body = (struct http_body){.data = "{\"a\":1}", .len = 7};
    cr_assert_eq(http_do(loop, &q, a, &r, &err), 0, "%s", err.text);
    cr_expect(r.status == 201 && r.tries == 3);
    cr_expect_eq(n_requests(), 3);
    q.url = url("/broken");
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_EIO);
    cr_expect_eq(n_requests(), 4);
    q.url = url("/sick");
    cr_expect(http_do(loop, &q, a, &r, &err) == 0 && r.status == 503 && r.tries == 1);
    cr_expect_eq(n_requests(), 5);
    finish();
}

Test(http, a_body_from_a_file_is_sent_whole_from_its_offset_and_again_after_a_refusal)
{
    struct http_response r;
    struct ds_span log;
    char path[] = "/tmp/ds-http-body-XXXXXX";
    begin("rule PUT /o 1\nstatus 503 No\nbody no\nrule PUT /o\nstatus 200 OK\nbody kept\n");
    int fd = mkostemp(path, O_CLOEXEC);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(write(fd, "0123456789", 10), 10);
    struct http_request q = get("/o");
    q.method = HTTP_PUT;
    q.max_tries = 2;
    q.body = (struct http_body){.fd = fd, .offset = 5, .len = 999990};
    cr_assert_eq(http_do(loop, &q, a, &r, &err), 0, "%s", err.text);
    cr_expect_eq(r.status, 200);
    cr_assert_eq(fs_read_file(log_path, 1 << 20, a, &log, &err), 0);
    cr_expect(strstr(log.ptr, "PUT /o bytes=999990 auth= body=56789012345"), "%s", log.ptr);
    q.body.len = 2000000; /* more than there is */
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_ECORRUPT, "%s", err.text);
    (void)close(fd);
    (void)unlink(path);
    finish();
}

Test(http, silence_and_slowness_end_by_idle_time_and_deadline)
{
    struct http_response r;
    begin(
        "rule GET /hang\nhang\nrule GET /slow\nchunks 100 50 x\nrule GET /stall\nchunk x\nhang\n");
    struct http_request q = get("/hang");
    q.idle_ms = 200;
    int64_t from = clock_monotonic_ms();
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_ETIMEOUT, "%s", err.text);
    cr_expect(clock_monotonic_ms() - from < 1000);
    q = get("/stall");
    q.idle_ms = 200;
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_ETIMEOUT, "%s", err.text);
    cr_expect(strstr(err.text, "sent nothing for 0.2 s"), "%s", err.text);
    q = get("/slow"); /* never silent for long, but late */
    q.idle_ms = 500;
    q.deadline_ms = 700;
    from = clock_monotonic_ms();
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_ETIMEOUT, "%s", err.text);
    int64_t took = clock_monotonic_ms() - from;
    cr_expect(took >= 690 && took < 1500, "%d ms", (int)took);
    finish();
}

struct piece {
    size_t n, bytes;
    uint64_t cancel; /* cancel this from within data */
    int refuse;
    int ended;
    struct ds_err err;
};

static int on_piece(void *context, struct ds_span bytes, struct ds_err *why)
{
    struct piece *p = context;
    p->n++;
    p->bytes += bytes.len;
    if (p->cancel)
        http_cancel(loop, p->cancel);
    return p->refuse ? ds_fail(why, DS_ECORRUPT, "enough of that") : 0;
}

static void on_piece_end(void *context, const struct http_response *r, const struct ds_err *why)
{
    struct piece *p = context;
    p->ended = why ? why->code : r->status;
    if (why)
        p->err = *why;
}

static uint64_t start_stream(const char *path, struct piece *p)
{
    uint64_t id;
    struct http_request q = get(path);
    q.max_tries = 3;
    q.on = (struct http_callbacks){.context = p, .data = on_piece, .done = on_piece_end};
    cr_assert_eq(http_start(loop, &q, &id, &err), 0, "%s", err.text);
    return id;
}

static void turn_until_idle(void)
{
    for (int i = 0; http_in_flight(loop) > 0 && i < 1000; i++)
        cr_assert_eq(http_turn(loop, 100, NULL, NULL, 0, &err), 0, "%s", err.text);
    cr_assert_eq(http_in_flight(loop), 0);
}

Test(http, a_stream_comes_in_pieces_and_is_never_repeated)
{
    struct piece whole = {0}, broken = {0}, refused = {.refuse = 1}, error = {0};
    begin("rule GET /s\nchunks 5 20 abc\nrule GET /b\nchunk abc\npause 50\nreset\n"
          "rule GET /e 2\nstatus 503 No\nbody x\nrule GET /e\nchunk abc\n");
    (void)start_stream("/s", &whole);
    (void)start_stream("/b", &broken);
    (void)start_stream("/s", &refused);
    (void)start_stream("/e", &error);
    turn_until_idle();
    cr_expect(whole.bytes == 15 && whole.n >= 2 && whole.ended == 200);
    cr_expect(broken.bytes == 3 && broken.ended == DS_EIO);
    cr_expect(refused.ended == DS_ECORRUPT && strcmp(refused.err.text, "enough of that") == 0);
    cr_expect(error.ended == 200 && error.bytes == 3);
    finish();
}

Test(http, requests_are_cancelled_from_outside_and_from_callbacks)
{
    struct piece killer = {0}, victim = {0}, self = {0}, plain = {0};
    begin("rule GET /s\nchunks 5 30 abc\nrule GET /v\nchunk a\nhang\n");
    uint64_t v = start_stream("/v", &victim);
    (void)start_stream("/s", &killer);
    killer.cancel = v;
    uint64_t s = start_stream("/s", &self);
    self.cancel = s;
    uint64_t p = start_stream("/v", &plain);
    http_cancel(loop, p);
    http_cancel(loop, 999999);
    turn_until_idle();
    cr_expect(killer.ended == 200 && victim.ended == 0 && plain.ended == 0 && plain.n == 0);
    cr_expect(self.n == 1 && self.ended == 0);
    finish();
}

static int sign(void *context, unsigned try_number, struct http_request *r, struct ds_err *why)
{
    static struct http_header h;
    char *text = context;
    if (try_number == 3)
        return ds_fail(why, DS_EDENIED, "no more credentials");
    (void)snprintf(text, 32, "try-%u", try_number);
    h = (struct http_header){DS_SPAN("Authorization"), ds_span_of(text)};
    r->headers = &h;
    r->n_headers = 1;
    return 0;
}

static bool again_on_401(void *context, const struct http_response *r)
{
    (void)context;
    return r->status == 401;
}

Test(http, every_try_is_prepared_anew_and_a_401_is_tried_again_at_once)
{
    struct http_response r;
    struct ds_span log;
    char text[32];
    begin("rule GET /x 1\nstatus 401 Who\nbody who\nrule GET /x 1\nstatus 200 OK\nbody ok\n"
          "rule GET /never\nstatus 401 Who\nbody who\n");
    struct http_request q = get("/x");
    q.on = (struct http_callbacks){.context = text, .prepare = sign, .again = again_on_401};
    cr_assert_eq(http_do(loop, &q, a, &r, &err), 0, "%s", err.text);
    cr_expect(r.status == 200 && r.tries == 2);
    cr_assert_eq(fs_read_file(log_path, 1 << 20, a, &log, &err), 0);
    cr_expect(strstr(log.ptr, "auth=try-1") && strstr(log.ptr, "auth=try-2"));
    q.url = url("/never");
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_EDENIED);
    cr_expect_str_eq(err.text, "no more credentials");
    q.on.prepare = NULL; /* at most twice more */
    cr_expect(http_do(loop, &q, a, &r, &err) == 0 && r.status == 401 && r.tries == 3);
    finish();
}

Test(http, bad_requests_are_refused_before_they_start)
{
    static const char *const BAD[] = {
        "ftp://x/", "file:///etc/passwd", "http://a b/", "http://x/\r\nHost: y", "", "gopher://x"};
    begin("");
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        struct http_request q = get("/");
        uint64_t id;
        q.url = BAD[i];
        cr_expect_eq(http_start(loop, &q, &id, &err), DS_EINPUT, "%s", BAD[i]);
    }
    static const struct http_header EVIL[] = {{DS_SPAN("X"), DS_SPAN("a\r\nY: b")},
                                              {DS_SPAN("X Y"), DS_SPAN("a")},
                                              {DS_SPAN(""), DS_SPAN("a")},
                                              {DS_SPAN("X\n"), DS_SPAN("a")}};
    for (size_t i = 0; i < DS_COUNT(EVIL); i++) {
        struct http_request q = get("/");
        uint64_t id;
        q.headers = &EVIL[i];
        q.n_headers = 1;
        cr_expect_eq(http_start(loop, &q, &id, &err), DS_EINPUT);
    }
    finish();
}

static void count(void *context)
{
    (*(int *)context)++;
}

static void nested(void *context)
{
    struct http_request q = get("/x");
    struct http_response r;
    *(int *)context = http_do(loop, &q, a, &r, &err);
}

Test(http, timers_and_descriptors_wake_the_loop)
{
    uint64_t id, gone, inner;
    int n = 0, never = 0, in_callback = 1, fds[2];
    bool readable = false;
    begin("rule GET /x\nbody x\n");
    cr_assert_eq(pipe(fds), 0);
    http_timer(loop, 50, count, &n, &id);
    http_timer(loop, 10, count, &never, &gone);
    http_timer(loop, 20, nested, &in_callback, &inner);
    http_cancel(loop, gone);
    int64_t from = clock_monotonic_ms();
    while (n == 0)
        cr_assert_eq(http_turn(loop, -1, &fds[0], &readable, 1, &err), 0);
    cr_expect(clock_monotonic_ms() - from >= 50 && never == 0 && !readable);
    cr_expect_eq(in_callback, DS_EINPUT, "waiting inside a callback is refused");
    cr_assert_eq(write(fds[1], "x", 1), 1);
    cr_assert_eq(http_turn(loop, -1, &fds[0], &readable, 1, &err), 0);
    cr_expect(readable);
    cr_assert_eq(http_turn(loop, 30, NULL, NULL, 0, &err), 0, "a timeout is no error");
    (void)close(fds[0]);
    (void)close(fds[1]);
    finish();
}

static void on_alarm(int number)
{
    (void)number;
}

Test(http, a_signal_ends_the_waiting)
{
    struct http_response r;
    begin("rule GET /hang\nhang\n");
    struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    (void)sigaction(SIGALRM, &act, NULL);
    (void)ualarm(200000, 0);
    struct http_request q = get("/hang");
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_EINTR);
    cr_expect_eq(http_in_flight(loop), 0);
    finish();
}

Test(http, fifty_requests_share_few_connections)
{
    struct piece p[50] = {{0}};
    begin("rule GET /s\nbody abc\n");
    for (size_t i = 0; i < DS_COUNT(p); i++)
        (void)start_stream("/s", &p[i]);
    turn_until_idle();
    for (size_t i = 0; i < DS_COUNT(p); i++)
        cr_expect_eq(p[i].ended, 200);
    cr_expect_eq(n_requests(), 50);
    finish();
}

Test(http, destroying_a_loop_forgets_what_is_under_way)
{
    struct piece p = {0};
    uint64_t id;
    int n = 0;
    begin("rule GET /v\nchunk a\nhang\n");
    (void)start_stream("/v", &p);
    (void)start_stream("/v", &p);
    http_timer(loop, 10000, count, &n, &id);
    while (p.n < 2)
        cr_assert_eq(http_turn(loop, 100, NULL, NULL, 0, &err), 0);
    finish();
    cr_expect(p.ended == 0 && n == 0);
}

Test(http, no_server_is_said_with_its_address)
{
    struct http_response r;
    begin("");
    struct http_request q = get("/");
    q.url = "http://user:secret@127.0.0.1:1/path?token=x";
    q.max_tries = 2;
    cr_expect_eq(http_do(loop, &q, a, &r, &err), DS_EIO);
    cr_expect(strstr(err.text, "127.0.0.1:1") && !strstr(err.text, "secret")
                  && !strstr(err.text, "token"),
              "%s", err.text);
    finish();
}
