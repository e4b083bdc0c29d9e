/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: jobs wait, run and end; libcurl's sockets and the caller's descriptors share one poll.
 * libcurl forbids most calls from its own callbacks, so callbacks only mark: jobs start, end and
 * are freed between its turns. */
#include "base/clock_io.h"
#include "http/http_job_io.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#define CONNECTIONS  16u
#define MOST_AGAIN   2u
#define REQUEST_ROOM ((size_t)256 << 10) /* url and headers of one request */

struct timer {
    struct timer *next;
    uint64_t id;
    int64_t due_ms;
    void (*fire)(void *context); /* NULL: over */
    void *context;
};

struct sockets { /* what libcurl waits for */
    struct pollfd *at;
    size_t n, room;
};

struct http_loop {
    CURLM *multi;
    const char *user_agent;
    struct http_job *jobs, **jobs_end;
    struct timer *timers;
    struct sockets sockets;
    struct pollfd *poll; /* sockets and the caller's: rebuilt each time */
    size_t poll_room;
    int64_t curl_due_ms;
    uint64_t last_id, random;
    size_t n_happened; /* callbacks called in this turn */
    bool turning, wants_fresh;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static void *grow(void *at, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return at;
    *room = *room ? *room * 2 : 16;
    void *more = reallocarray(at, *room, size);
    if (!more)
        abort();
    return more;
}

/* ---- libcurl asks to be woken ---- */

static int on_socket_wish(CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket)
{
    struct sockets *s = &((struct http_loop *)context)->sockets;
    size_t i = 0;
    (void)easy, (void)of_socket;
    while (i < s->n && s->at[i].fd != fd)
        i++;
    if (what == CURL_POLL_REMOVE) {
        if (i < s->n)
            s->at[i] = s->at[--s->n];
        return 0;
    }
    if (i == s->n) {
        s->at = grow(s->at, s->n, &s->room, sizeof *s->at);
        s->n++;
    }
    short events =
        (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    s->at[i] = (struct pollfd){.fd = fd, .events = events};
    return 0;
}

static int on_timer_wish(CURLM *multi, long timeout_ms, void *context)
{
    struct http_loop *loop = context;
    (void)multi;
    loop->curl_due_ms = timeout_ms < 0 ? INT64_MAX : clock_monotonic_ms() + timeout_ms;
    return 0;
}

/* ---- life ---- */

struct http_loop *http_loop_create(unsigned max_connections, const char *user_agent)
{
    (void)pthread_once(&curl_once, start_curl);
    struct http_loop *loop = calloc(1, sizeof *loop);
    CURLM *m = curl_multi_init();
    if (!loop || !m)
        abort();
    loop->multi = m;
    loop->user_agent = user_agent;
    loop->jobs_end = &loop->jobs;
    loop->curl_due_ms = INT64_MAX;
    if (getrandom(&loop->random, sizeof loop->random, 0) != (ssize_t)sizeof loop->random
        || loop->random == 0)
        loop->random = (uint64_t)clock_monotonic_ns() | 1;
    long most = max_connections > 0 ? (long)max_connections : (long)CONNECTIONS;
    bool ok = curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket_wish) == CURLM_OK;
    ok &= curl_multi_setopt(m, CURLMOPT_SOCKETDATA, loop) == CURLM_OK;
    ok &= curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer_wish) == CURLM_OK;
    ok &= curl_multi_setopt(m, CURLMOPT_TIMERDATA, loop) == CURLM_OK;
    ok &= curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS, most) == CURLM_OK;
    ok &= curl_multi_setopt(m, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK;
    assert(ok);
    (void)ok;
    return loop;
}

static void job_destroy(struct http_job *j)
{
    if (j->easy) {
        (void)curl_multi_remove_handle(j->loop->multi, j->easy);
        http_try_close(j);
    }
    buf_clear(&j->body);
    arena_destroy(j->head_memory);
    arena_destroy(j->memory);
    free(j);
}

void http_loop_destroy(struct http_loop *loop)
{
    if (!loop)
        return;
    assert(!loop->turning);
    while (loop->jobs) {
        struct http_job *next = loop->jobs->next;
        job_destroy(loop->jobs);
        loop->jobs = next;
    }
    while (loop->timers) {
        struct timer *next = loop->timers->next;
        free(loop->timers);
        loop->timers = next;
    }
    (void)curl_multi_cleanup(loop->multi);
    free(loop->sockets.at);
    free(loop->poll);
    free(loop);
}

/* Free what is over; only between turns. */
static void sweep(struct http_loop *loop)
{
    struct http_job **at = &loop->jobs;
    while (*at) {
        struct http_job *j = *at;
        if (j->state == JOB_OVER || j->cancelled) {
            *at = j->next;
            job_destroy(j);
        } else {
            at = &j->next;
        }
    }
    loop->jobs_end = at;
    for (struct timer **t = &loop->timers; *t;) {
        struct timer *gone = *t;
        if (gone->fire) {
            t = &gone->next;
        } else {
            *t = gone->next;
            free(gone);
        }
    }
}

size_t http_in_flight(const struct http_loop *loop)
{
    size_t n = 0;
    for (const struct http_job *j = loop->jobs; j; j = j->next)
        n += j->state != JOB_OVER && !j->cancelled;
    return n;
}

void http_cancel(struct http_loop *loop, uint64_t id)
{
    for (struct http_job *j = loop->jobs; j; j = j->next)
        if (j->id == id)
            j->cancelled = true;
    for (struct timer *t = loop->timers; t; t = t->next)
        if (t->id == id)
            t->fire = NULL;
    if (!loop->turning)
        sweep(loop);
}

void http_timer(struct http_loop *loop, int64_t delay_ms, void (*fire)(void *context),
                void *context, uint64_t *id)
{
    struct timer *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    *t = (struct timer){.next = loop->timers,
                        .id = ++loop->last_id,
                        .due_ms = clock_monotonic_ms() + (delay_ms > 0 ? delay_ms : 0),
                        .fire = fire,
                        .context = context};
    loop->timers = t;
    *id = t->id;
}

/* ---- a request begins ---- */

static bool copy_request(struct http_job *j, const struct http_request *r)
{
    struct http_header *h = ds_new(j->memory, struct http_header, r->n_headers);
    j->given = *r;
    j->given.url = arena_cstr(j->memory, ds_span_of(r->url));
    j->given.headers = h;
    for (size_t i = 0; h && i < r->n_headers; i++) {
        h[i].name = arena_copy(j->memory, r->headers[i].name);
        h[i].value = arena_copy(j->memory, r->headers[i].value);
        if (!h[i].name.ptr || !h[i].value.ptr)
            return false;
    }
    return h && j->given.url;
}

int http_start(struct http_loop *loop, const struct http_request *r, uint64_t *id,
               struct ds_err *err)
{
    int rc = http_request_check(r, err);
    if (rc < 0)
        return rc;
    struct http_job *j = calloc(1, sizeof *j);
    if (!j)
        abort();
    j->memory = arena_create(REQUEST_ROOM);
    j->head_memory = arena_create(HTTP_HEAD_KEEP_BYTES + 4096);
    size_t most =
        r->max_body_bytes > HTTP_ERROR_BODY_BYTES ? r->max_body_bytes : HTTP_ERROR_BODY_BYTES;
    buf_init(&j->body, most);
    j->loop = loop;
    j->n_happened = &loop->n_happened;
    if (!copy_request(j, r)) {
        job_destroy(j);
        return ds_fail(err, DS_ETOOBIG, "the request's headers are larger than %zu KiB",
                       REQUEST_ROOM >> 10);
    }
    j->id = ++loop->last_id;
    j->state = JOB_WAITING;
    j->began_ms = j->due_ms = clock_monotonic_ms();
    *loop->jobs_end = j;
    loop->jobs_end = &j->next;
    *id = j->id;
    return 0;
}

/* ---- a request ends ---- */

static uint32_t next_random(struct http_loop *loop) /* xorshift64*: for jitter */
{
    uint64_t x = loop->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    loop->random = x;
    return (uint32_t)(x * UINT64_C(2685821657736338717) >> 32);
}

static void fill_response(struct http_job *j, struct http_response *out)
{
    long status = 0;
    *out = (struct http_response){.retry_after_ms = -1, .tries = j->tries};
    if (!j->easy)
        return;
    (void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
    out->status = (int)status;
    out->n_headers = j->head.n;
    memcpy(out->header, j->head.header, j->head.n * sizeof *out->header);
    out->received_bytes = j->received;
    out->body = buf_span(&j->body);
    struct ds_span after = http_response_header(out, "retry-after");
    if (after.len > 0)
        out->retry_after_ms = http_retry_after_parse(after, clock_unix_ms() / 1000);
    out->date_s = http_date_parse(http_response_header(out, "date"));
}

static void close_try(struct http_job *j)
{
    if (j->easy) {
        (void)curl_multi_remove_handle(j->loop->multi, j->easy);
        http_try_close(j);
    }
}

/* The last word. err NULL: the answer is in job->easy. */
static void finish(struct http_job *j, const struct ds_err *err)
{
    struct http_response response;
    if (j->cancelled || j->state == JOB_OVER)
        return;
    fill_response(j, &response);
    if (err)
        response.status = 0;
    j->state = JOB_OVER;
    j->loop->n_happened++;
    if (j->given.on.done)
        j->given.on.done(j->given.on.context, &response, err);
    close_try(j);
}

static bool wants_again(struct http_job *j, enum http_trouble trouble,
                        const struct http_response *r)
{
    const struct http_callbacks *on = &j->given.on;
    if (trouble != HTTP_ANSWERED || !on->again || j->n_again == MOST_AGAIN
        || (r->status >= 200 && r->status < 300))
        return false;
    j->loop->n_happened++;
    j->n_again++;
    return on->again(on->context, r);
}

/* A try is over: another one, or the end. */
static void end_try(struct http_job *j, enum http_trouble trouble, struct ds_err *err)
{
    struct http_response r;
    int64_t now = clock_monotonic_ms();
    fill_response(j, &r);
    struct http_try t = {.trouble = trouble,
                         .status = r.status,
                         .retry_after_ms = trouble == HTTP_ANSWERED ? r.retry_after_ms : -1,
                         .idempotent = j->given.idempotent,
                         .tries = j->tries,
                         .max_tries = j->given_out ? 1 : j->given.max_tries,
                         .elapsed_ms = now - j->began_ms,
                         .deadline_ms = j->given.deadline_ms,
                         .random = next_random(j->loop)};
    int64_t wait = wants_again(j, trouble, &r) ? 0 : http_retry_wait_ms(&t);
    if (j->cancelled)
        return;
    if (wait < 0) {
        if (trouble != HTTP_ANSWERED && j->tries > 1)
            (void)ds_wrap(err, "%u tries", j->tries);
        finish(j, trouble == HTTP_ANSWERED ? NULL : err);
        return;
    }
    close_try(j);
    j->wants_fresh = trouble == HTTP_BROKEN;
    j->state = JOB_WAITING;
    j->due_ms = now + wait;
}

static void launch(struct http_job *j)
{
    struct http_loop *loop = j->loop;
    struct ds_err err;
    int rc = 0;
    j->r = j->given;
    j->tries++;
    if (j->given.on.prepare) {
        loop->n_happened++;
        rc = j->given.on.prepare(j->given.on.context, j->tries, &j->r, &err);
        j->r.on = j->given.on;
        if (rc == 0 && !j->cancelled)
            rc = http_request_check(&j->r, &err);
    }
    if (j->cancelled)
        return;
    j->wants_fresh |= loop->wants_fresh;
    loop->wants_fresh = false;
    if (rc == 0)
        rc = http_try_open(j, loop->user_agent, &err);
    if (rc == 0 && curl_multi_add_handle(loop->multi, j->easy) != CURLM_OK)
        rc = ds_fail(&err, DS_EIO, "the HTTP library takes no further request");
    if (rc < 0) {
        finish(j, &err);
        return;
    }
    j->state = JOB_RUNNING;
    j->last_byte_ms = clock_monotonic_ms();
}

/* When its patience ends; INT64_MAX never. */
static int64_t patience_ms(const struct http_job *j)
{
    int64_t due = INT64_MAX;
    if (j->given.deadline_ms > 0)
        due = j->began_ms + j->given.deadline_ms;
    if (j->state == JOB_RUNNING && j->given.idle_ms > 0 && j->last_byte_ms + j->given.idle_ms < due)
        due = j->last_byte_ms + j->given.idle_ms;
    return due;
}

static void give_up_waiting(struct http_job *j, int64_t now)
{
    struct ds_err err;
    struct ds_span to = http_origin(j->given.url);
    if (j->given.deadline_ms > 0 && now >= j->began_ms + j->given.deadline_ms) {
        (void)ds_fail(&err, DS_ETIMEOUT, "%.*s gave no whole answer within %.1f s", DS_FMT(to),
                      (double)j->given.deadline_ms / 1000);
        j->loop->wants_fresh = true;
        finish(j, &err);
        return;
    }
    (void)ds_fail(&err, DS_ETIMEOUT, "%.*s sent nothing for %.1f s", DS_FMT(to),
                  (double)j->given.idle_ms / 1000);
    j->loop->wants_fresh = true;
    end_try(j, HTTP_BROKEN, &err);
}

/* Start, time out, fire what is due; returns when the next is. */
static int64_t run_due(struct http_loop *loop)
{
    int64_t now = clock_monotonic_ms(), next = INT64_MAX;
    for (struct http_job *j = loop->jobs; j; j = j->next) {
        if (j->cancelled || j->state == JOB_OVER)
            continue;
        if (now >= patience_ms(j))
            give_up_waiting(j, now);
        else if (j->state == JOB_WAITING && j->due_ms <= now)
            launch(j);
        int64_t due = j->state == JOB_WAITING ? j->due_ms : INT64_MAX;
        if (j->state != JOB_OVER && patience_ms(j) < due)
            due = patience_ms(j);
        next = due < next ? due : next;
    }
    for (struct timer *t = loop->timers; t; t = t->next) {
        void (*fire)(void *context) = t->fire;
        if (fire && t->due_ms <= now) {
            t->fire = NULL;
            loop->n_happened++;
            fire(t->context);
        } else if (fire && t->due_ms < next) {
            next = t->due_ms;
        }
    }
    return next < loop->curl_due_ms ? next : loop->curl_due_ms;
}

static void take_ended(struct http_loop *loop)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(loop->multi, &left)) != NULL) {
        struct http_job *j = NULL;
        struct ds_err err = {0};
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &j);
        if (j && !j->cancelled && j->state == JOB_RUNNING)
            end_try(j, http_try_judge(j, (int)code, &err), &err);
    }
}

/* ---- one turn ---- */

static int poll_ms(int64_t until_ms)
{
    int64_t left = until_ms == INT64_MAX ? -1 : until_ms - clock_monotonic_ms();
    return until_ms == INT64_MAX ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static int wait_for_some(struct http_loop *loop, const int *fds, size_t n_fds, int64_t until_ms,
                         struct ds_err *err)
{
    size_t n = loop->sockets.n;
    if (loop->poll_room < n + n_fds) {
        loop->poll_room = n + n_fds + 16;
        loop->poll = reallocarray(loop->poll, loop->poll_room, sizeof *loop->poll);
        if (!loop->poll)
            abort();
    }
    if (n > 0)
        memcpy(loop->poll, loop->sockets.at, n * sizeof *loop->poll);
    for (size_t i = 0; i < n_fds; i++)
        loop->poll[n + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    if (poll(loop->poll, n + n_fds, poll_ms(until_ms)) >= 0)
        return 0;
    if (errno == EINTR)
        return ds_fail(err, DS_EINTR, "interrupted");
    return ds_fail_errno(err, DS_EIO, errno, "poll");
}

/* Hand to libcurl what poll said of the first n: its sockets as they were then. */
static void work(struct http_loop *loop, size_t n)
{
    int running;
    for (size_t i = 0; i < n; i++) {
        short got = loop->poll[i].revents;
        int mask = (got & POLLIN ? CURL_CSELECT_IN : 0) | (got & POLLOUT ? CURL_CSELECT_OUT : 0)
                   | (got & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (mask != 0)
            (void)curl_multi_socket_action(loop->multi, loop->poll[i].fd, mask, &running);
    }
    if (loop->curl_due_ms <= clock_monotonic_ms()) {
        loop->curl_due_ms = INT64_MAX;
        (void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    take_ended(loop);
}

static bool note_readable(const struct http_loop *loop, size_t n_sockets, bool *readable,
                          size_t n_fds)
{
    bool any = false;
    for (size_t i = 0; i < n_fds; i++) {
        readable[i] = loop->poll[n_sockets + i].revents != 0;
        any |= readable[i];
    }
    return any;
}

int http_turn(struct http_loop *loop, int timeout_ms, const int *fds, bool *readable, size_t n_fds,
              struct ds_err *err)
{
    if (loop->turning)
        return ds_fail(err, DS_EINPUT, "waiting for an answer inside a callback of the same loop");
    int64_t until = timeout_ms < 0 ? INT64_MAX : clock_monotonic_ms() + timeout_ms;
    int rc = 0;
    loop->turning = true;
    loop->n_happened = 0;
    for (bool any = false; rc == 0 && !any;) {
        int64_t due = run_due(loop);
        due = loop->n_happened > 0 ? 0 : due < until ? due : until;
        size_t n_sockets = loop->sockets.n;
        rc = wait_for_some(loop, fds, n_fds, due, err);
        if (rc < 0)
            break;
        any = note_readable(loop, n_sockets, readable, n_fds);
        work(loop, n_sockets);
        any |= loop->n_happened > 0 || clock_monotonic_ms() >= until;
    }
    loop->turning = false;
    sweep(loop);
    return rc;
}
