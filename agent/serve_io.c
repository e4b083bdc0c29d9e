/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep-agent serve: an upload goes into a file without a name in the folder's own file
 * system, so that whatever ends us leaves nothing of it; only when all of it is here is it
 * committed as every other object is. */
#include "agent/serve_io.h"

#include "agent/serve.h"
#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "decksweep/cluster.h"
#include "http/http_server_io.h"
#include "http/http_target.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE_HEADER       "X-Decksweep-Store"
#define DEFAULT_OBJECT    ((uint64_t)64 << 30)
#define DEFAULT_IDLE_MS   300000u
#define LISTING_BYTES     ((size_t)1 << 30)
#define MAX_LISTED        10000000u
#define PAGE_BYTES        ((size_t)8 << 20)
#define MAX_CONNECTIONS   32u
#define CONNECTION_IDLE_S 120u

struct serve {
    struct serve_policy policy;
    struct store *store;
    const char *folder;
    struct http_server *server;
    int64_t last_ms; /* when something was asked last */
    size_t n_open;   /* exchanges under way */

    struct ds_arena *listing; /* keeps the snapshot */
    struct ds_buf objects;    /* struct serve_object[] */
    uint64_t snapshot;
    char *snapshot_prefix;
};

struct upload {
    struct serve_request request;
    int fd;
    uint64_t received;
};

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

/* ---- answers ---- */

static void answer_fault(struct http_exchange *x, int status, const struct ds_err *err)
{
    char code[16];
    ds_auto_buf body;
    buf_init(&body, DS_ERR_TEXT_BYTES + 2);
    (void)snprintf(code, sizeof code, "%d", (int)err->code);
    (void)buf_printf(&body, "%s\n", err->text);
    http_answer_header(x, CODE_HEADER, code);
    http_answer(x, status, "text/plain; charset=utf-8", buf_span(&body));
}

static void answer_ok(struct http_exchange *x, int status, const char *type, struct ds_span body)
{
    http_answer_header(x, CODE_HEADER, "0");
    http_answer(x, status, type, body);
}

/* ---- listing ---- */

static int take_object(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    struct serve *s = context;
    struct serve_object object = {arena_copy(s->listing, key), size_bytes, mtime_ms};
    if (!object.key.ptr || s->objects.len / sizeof object >= MAX_LISTED)
        return DS_ETOOBIG;
    return buf_put(&s->objects, &object, sizeof object);
}

/* Look at the folder anew: pages of one listing come from one look. */
static int take_snapshot(struct serve *s, const char *prefix, struct ds_err *err)
{
    arena_reset(s->listing);
    buf_reset(&s->objects);
    s->snapshot++;
    s->snapshot_prefix = arena_cstr(s->listing, ds_span_of(prefix));
    int rc = store_list(s->store, prefix, take_object, s, err);
    if (rc == DS_ETOOBIG)
        rc = ds_fail(err, DS_ETOOBIG, "too many objects to list");
    if (rc == 0)
        serve_sort((struct serve_object *)(void *)s->objects.data,
                   s->objects.len / sizeof(struct serve_object));
    return rc;
}

static void answer_list(struct serve *s, struct http_exchange *x, const struct serve_request *r)
{
    struct ds_err err = {0};
    ds_auto_buf page;
    buf_init(&page, PAGE_BYTES);
    int rc = 0;
    if (r->snapshot == 0 || r->snapshot != s->snapshot || !s->snapshot_prefix
        || strcmp(s->snapshot_prefix, r->prefix) != 0)
        rc = take_snapshot(s, r->prefix, &err);
    if (rc == 0)
        rc = serve_put_page((const struct serve_object *)(const void *)s->objects.data,
                            s->objects.len / sizeof(struct serve_object), r->after, s->snapshot,
                            &page);
    if (rc < 0 && err.code == 0)
        (void)ds_fail(&err, DS_ETOOBIG, "a page of the listing is larger than %zu MiB",
                      PAGE_BYTES >> 20);
    if (rc < 0)
        answer_fault(x, serve_status(err.code), &err);
    else
        answer_ok(x, 200, "application/json", buf_span(&page));
}

/* ---- objects ---- */

static int open_object(const struct serve *s, const char *key, struct stat *st, int *fd,
                       struct ds_err *err)
{
    uint64_t size;
    int rc = store_head(s->store, key, &size, err);
    if (rc < 0)
        return rc;
    ds_auto_free char *path = NULL;
    if (asprintf(&path, "%s/%s", s->folder, key) < 0)
        abort();
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 || fstat(*fd, st) < 0) {
        rc = ds_fail_errno(err, DS_EIO, errno, "%s: open", key);
        fs_close_at(fd);
    } else if (!S_ISREG(st->st_mode)) {
        rc = ds_fail(err, DS_ECORRUPT, "%s: is not a regular file", key);
        fs_close_at(fd);
    }
    return rc;
}

/* Another one when the object was replaced: readers of pieces must not mix two. */
static void put_etag(struct http_exchange *x, const struct stat *st)
{
    char etag[80];
    (void)snprintf(etag, sizeof etag, "\"%llx-%llx-%llx-%lx\"", (unsigned long long)st->st_ino,
                   (unsigned long long)st->st_size, (unsigned long long)st->st_mtim.tv_sec,
                   st->st_mtim.tv_nsec);
    http_answer_header(x, "ETag", etag);
}

static void answer_object(const struct serve *s, struct http_exchange *x,
                          const struct serve_request *r)
{
    struct ds_err err = {0};
    char words[80];
    struct stat st = {0};
    int fd = -1;
    if (open_object(s, r->key, &st, &fd, &err) < 0) {
        answer_fault(x, serve_status(err.code), &err);
        return;
    }
    uint64_t size = (uint64_t)st.st_size, offset = 0, len = size;
    http_answer_header(x, "Accept-Ranges", "bytes");
    put_etag(x, &st);
    enum http_range range = http_range_parse(http_exchange_header(x, "Range"), size, &offset, &len);
    if (range == HTTP_RANGE_OUTSIDE) {
        (void)close(fd);
        (void)snprintf(words, sizeof words, "bytes */%llu", (unsigned long long)size);
        http_answer_header(x, "Content-Range", words);
        answer_ok(x, 416, "text/plain", DS_SPAN("outside of the object\n"));
        return;
    }
    if (range == HTTP_RANGE_PART) {
        (void)snprintf(words, sizeof words, "bytes %llu-%llu/%llu", (unsigned long long)offset,
                       (unsigned long long)(offset + len - 1), (unsigned long long)size);
        http_answer_header(x, "Content-Range", words);
    }
    http_answer_header(x, CODE_HEADER, "0");
    http_answer_file(x, range == HTTP_RANGE_PART ? 206 : 200, "application/octet-stream", fd,
                     offset, len);
}

static void answer_removed(const struct serve *s, struct http_exchange *x,
                           const struct serve_request *r)
{
    struct ds_err err = {0};
    if (store_remove(s->store, r->key, &err) < 0)
        answer_fault(x, serve_status(err.code), &err);
    else
        answer_ok(x, 200, "text/plain", DS_SPAN("removed\n"));
}

/* ---- uploads ---- */

/* A file that has no name, also where O_TMPFILE is unknown (NFS removes it when we close). */
static int open_nameless(const struct serve *s, int *fd, struct ds_err *err)
{
    *fd = open(s->folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
    if (*fd >= 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
        return ds_fail_errno(err, DS_EIO, errno, "create a file for the upload");
    ds_auto_free char *path = NULL;
    if (asprintf(&path, "%s/.upload.XXXXXX", s->folder) < 0)
        abort();
    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "create a file for the upload");
    (void)unlink(path);
    return 0;
}

static void begin_upload(const struct serve *s, struct http_exchange *x,
                         const struct serve_request *r)
{
    struct ds_err err = {0};
    struct upload *u = ds_new(http_exchange_arena(x), struct upload, 1);
    int fd = -1;
    if (!u || open_nameless(s, &fd, &err) < 0) {
        if (!u)
            (void)ds_fail(&err, DS_ETOOBIG, "the request is too large");
        answer_fault(x, serve_status(err.code), &err);
        return;
    }
    *u = (struct upload){.request = *r, .fd = fd};
    http_exchange_set_state(x, u);
}

static void take_bytes(void *context, struct http_exchange *x, struct ds_span bytes)
{
    struct serve *s = context;
    struct upload *u = http_exchange_state(x);
    struct ds_err err = {0};
    s->last_ms = clock_monotonic_ms();
    if (!u)
        return; /* a body where none belongs */
    u->received += bytes.len;
    if (u->received > u->request.length) {
        (void)ds_fail(&err, DS_EINPUT, "the upload is longer than it said");
        answer_fault(x, 400, &err);
    } else if (fs_write_all(u->fd, bytes.ptr, bytes.len, &err) < 0) {
        (void)ds_wrap(&err, "%.200s: write", u->request.key);
        answer_fault(x, serve_status(err.code), &err);
    }
}

static void commit_upload(struct serve *s, struct http_exchange *x, const struct upload *u)
{
    struct ds_err err = {0};
    bool existed = false;
    struct store_body body = {.fd = u->fd, .len = u->received};
    int rc;
    if (u->received != u->request.length)
        rc = ds_fail(&err, DS_EINPUT, "the upload is shorter than it said");
    else if (u->request.if_absent)
        rc = store_put_if_absent(s->store, u->request.key, body, &existed, &err);
    else
        rc = store_put(s->store, u->request.key, body, &err);
    if (rc == 0 && existed)
        rc = ds_fail(&err, DS_EEXIST, "%.200s is there already", u->request.key);
    if (rc < 0)
        answer_fault(x, serve_status(err.code), &err);
    else
        answer_ok(x, 201, "text/plain", DS_SPAN("stored\n"));
}

/* ---- what the server calls ---- */

static void begin(void *context, struct http_exchange *x)
{
    struct serve *s = context;
    struct serve_request r;
    struct ds_err err = {0};
    int status = 500;
    struct serve_asked asked = {
        .method = http_exchange_method(x),
        .target = http_exchange_target(x),
        .token = http_exchange_header(x, STORE_POD_HEADER),
        .if_none_match = http_exchange_header(x, "If-None-Match"),
        .length = http_exchange_length(x),
    };
    s->n_open++;
    if (serve_read(&s->policy, &asked, http_exchange_arena(x), &r, &status, &err) < 0) {
        answer_fault(x, status, &err);
        return;
    }
    s->last_ms = clock_monotonic_ms(); /* strangers keep nobody alive */
    switch (r.what) {
    case SERVE_PING:
        answer_ok(x, 200, "text/plain", DS_SPAN("ok\n"));
        break;
    case SERVE_LIST:
        answer_list(s, x, &r);
        break;
    case SERVE_GET:
        answer_object(s, x, &r);
        break;
    case SERVE_PUT:
        begin_upload(s, x, &r);
        break;
    case SERVE_DELETE:
        answer_removed(s, x, &r);
        break;
    }
}

static void complete(void *context, struct http_exchange *x)
{
    struct serve *s = context;
    const struct upload *u = http_exchange_state(x);
    s->last_ms = clock_monotonic_ms();
    if (u)
        commit_upload(s, x, u);
}

static void ended(void *context, struct http_exchange *x, bool whole)
{
    struct serve *s = context;
    struct upload *u = http_exchange_state(x);
    (void)whole;
    s->n_open--;
    if (u)
        fs_close_at(&u->fd);
}

/* ---- the program ---- */

static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Until told to stop, or nobody has asked anything for idle_ms (0: for ever). */
static int serve_requests(struct serve *s, int64_t idle_ms, struct ds_err *err)
{
    while (!told_to_stop) {
        int64_t now = clock_monotonic_ms();
        int wait = http_server_timeout_ms(s->server);
        if (idle_ms > 0 && s->n_open == 0 && now - s->last_ms >= idle_ms) {
            log_info("nothing was asked for %lld s: the store pod ends",
                     (long long)(idle_ms / 1000));
            return 0;
        }
        if (wait < 0 || wait > 1000)
            wait = 1000;
        struct pollfd at = {.fd = http_server_fd(s->server), .events = POLLIN};
        if (poll(&at, 1, wait) < 0 && errno != EINTR)
            return ds_fail_errno(err, DS_EIO, errno, "poll");
        http_server_turn(s->server);
    }
    return 0;
}

static int open_server(struct serve *s, const struct cmd_line *l, struct ds_err *err)
{
    struct http_server_options o = {
        .address = cmd_text(l, "address"),
        .port = (uint16_t)cmd_number(l, "port", STORE_POD_PORT),
        .max_connections = MAX_CONNECTIONS,
        .idle_s = CONNECTION_IDLE_S,
        .handler = {s, begin, take_bytes, complete, ended},
    };
    int rc = store_open(s->folder, s->policy.write ? STORE_WRITE : STORE_READ, &s->store, err);
    if (rc == 0 && s->policy.write)
        rc = store_sweep_temporaries(s->store, "", err);
    return rc < 0 ? rc : http_server_open(&o, &s->server, err);
}

static bool is_sha256(const char *text)
{
    size_t n = text ? strspn(text, "0123456789abcdef") : 0;
    return n == 64 && text[n] == '\0';
}

static int serve(struct cli *cli)
{
    const struct cmd_line *l = cli->line;
    const char *token = env_get(ENV_STORE_TOKEN);
    struct ds_err err;
    struct serve s = {
        .folder = cmd_text(l, "folder"),
        .policy = {.write = cmd_has(l, "write"),
                   .max_object_bytes = cmd_number(l, "max-object", DEFAULT_OBJECT)},
    };
    if (!s.folder)
        return cli_usage(cli, "--folder is missing");
    if (cmd_number(l, "port", 0) > UINT16_MAX)
        return cli_usage(cli, "--port is out of range");
    if (!is_sha256(token))
        return cli_usage(cli, "%s is not set to the SHA-256 of a token, in hexadecimal",
                         ENV_STORE_TOKEN);
    memcpy(s.policy.token_sha256, token, sizeof s.policy.token_sha256);
    take_signals();
    s.listing = arena_create(LISTING_BYTES);
    buf_init(&s.objects, LISTING_BYTES);
    s.last_ms = clock_monotonic_ms();
    int status = 0;
    if (open_server(&s, l, &err) < 0) {
        status = cli_fail(cli, &err);
    } else {
        log_info("%s: %s on port %u", s.folder, s.policy.write ? "serving" : "serving, read only,",
                 http_server_port(s.server));
        if (serve_requests(&s, (int64_t)cmd_number(l, "idle", DEFAULT_IDLE_MS), &err) < 0)
            status = cli_fail(cli, &err);
    }
    http_server_close(s.server);
    store_close(s.store);
    buf_clear(&s.objects);
    arena_destroy(s.listing);
    return status;
}

static const struct cmd_option OPTIONS[] = {
    {"folder", 0, VALUE_FOLDER, "DIR", "the sweep's folder in its store"},
    {"write", 0, VALUE_NONE, NULL, "objects may be stored and removed too"},
    {"address", 0, VALUE_TEXT, "IP", "listen there only (default: every address)"},
    {"port", 0, VALUE_COUNT, "N", "listen on this port; 0 takes a free one (default: 8080)"},
    {"idle", 0, VALUE_DURATION, "TIME",
     "end when nothing was asked for so long; 0 never (default: 5m)"},
    {"max-object", 0, VALUE_SIZE, "SIZE", "take no larger object (default: 64GiB)"},
    {0},
};

const struct cmd_entry cmd_serve = {
    .name = "serve",
    .args = "",
    .summary = "give access to one sweep's folder over HTTP: the program of a store pod",
    .text = "Who asks must know the token whose SHA-256 is in DECKSWEEP_TOKEN_SHA256. An upload "
            "appears whole or not at all. SIGTERM ends it at once; nothing of an upload under way "
            "stays behind.\n",
    .options = OPTIONS,
    .exits = "0 told to stop, or nobody asked any more\n"
             "2 wrong use\n"
             "3 the folder or the port refuses\n",
    .run = serve,
};
