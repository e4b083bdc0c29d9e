/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sweep's folder behind a store pod: one request at a time. */
#include "base/json.h"
#include "base/units.h"
#include "decksweep/cluster.h"
#include "http/http_target.h"
#include "store/pod_ask_io.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES    ((size_t)1 << 20) /* read ahead */
#define STRAIGHT_BYTES ((size_t)8 << 20) /* largest piece of a large read */
#define PAGE_BYTES     ((size_t)16 << 20)
#define ANSWER_BYTES   ((size_t)64 << 20)
#define ETAG_BYTES     128u
#define SLOWEST_BYTES  ((uint64_t)256 * 1024) /* a second, for deadlines of uploads */
#define PING_MS        5000

/* ---- reading ---- */

struct pod_object {
    struct store_object base;
    struct pod_store *s;
    char *key;
    char etag[ETAG_BYTES];
    uint64_t size;
    char *piece; /* read ahead: [at, at + len) */
    uint64_t at;
    size_t len;
};

/* "bytes 5-9/100" or "bytes * /100" -> 100; without it the whole came. */
static int total_of(const struct http_response *r, uint64_t *size)
{
    struct ds_span range = http_response_header(r, "content-range"), head;
    if (range.len == 0) {
        *size = r->body.len;
        return r->status == 200 ? 0 : DS_EPARSE;
    }
    return units_parse_u64(ds_span_cut(range, '/', &head), INT64_MAX, size, NULL);
}

/* Bytes [offset, offset + n) of the object into dst, as many as there are: *got. One request. */
static int fetch(struct pod_object *o, uint64_t offset, char *dst, size_t n, size_t *got,
                 struct ds_err *err)
{
    struct pod_store *s = o->s;
    struct http_response r;
    char range[64];
    ds_auto_buf path;
    buf_init(&path, HTTP_TARGET_BYTES);
    int rc = pod_object_path(s, o->key, &path, DS_ENOTFOUND, err);
    if (rc < 0)
        return rc;
    (void)snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)offset,
                   (unsigned long long)(offset + n - 1));
    struct pod_ask q = {.method = HTTP_GET,
                        .path = path.data,
                        .key = o->key,
                        .body.fd = -1,
                        .max_body_bytes = n,
                        .deadline_ms = POD_READ_MS,
                        .max_tries = POD_TRIES};
    pod_ask_header(&q, "Range", range);
    (void)pthread_mutex_lock(&s->mutex);
    rc = pod_ask(s, &q, &r, err);
    uint64_t size = 0;
    struct ds_span etag = rc == 0 ? http_response_header(&r, "etag") : DS_SPAN("");
    bool empty = rc == 0 && r.status == 416;
    if (rc == 0
        && (total_of(&r, &size) < 0 || etag.len >= ETAG_BYTES || (!empty && r.body.len > n)))
        rc = ds_fail(err, DS_ECORRUPT, "store %.200s: %.100s: an answer that makes no sense",
                     s->base.url, o->key);
    if (rc == 0 && o->etag[0] != '\0' && !ds_span_is(etag, o->etag))
        rc = ds_fail(err, DS_EAGAIN,
                     "store %.200s: %.100s was replaced while it was read; run the same command "
                     "again",
                     s->base.url, o->key);
    if (rc == 0) {
        *got = empty ? 0 : r.body.len;
        if (*got > 0)
            memcpy(dst, r.body.ptr, *got);
        memcpy(o->etag, etag.ptr, etag.len);
        o->etag[etag.len] = '\0';
        o->size = size;
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return rc;
}

static void pod_object_close(struct store_object *base)
{
    struct pod_object *o = (struct pod_object *)base;
    free(o->piece);
    free(o->key);
    free(o);
}

static struct pod_object *object_create(struct pod_store *s, const char *key, size_t room)
{
    struct pod_object *o = calloc(1, sizeof *o);
    if (!o)
        abort();
    o->base.ops = s->base.ops;
    o->s = s;
    o->key = strdup(key);
    o->piece = malloc(room);
    if (!o->key || !o->piece)
        abort();
    return o;
}

static int pod_object_open(struct store *base, const char *key, struct store_object **out,
                           uint64_t *size_bytes, struct ds_err *err)
{
    struct pod_object *o = object_create((struct pod_store *)base, key, PIECE_BYTES);
    int rc = fetch(o, 0, o->piece, PIECE_BYTES, &o->len, err);
    if (rc < 0) {
        pod_object_close(&o->base);
        return rc;
    }
    *out = &o->base;
    *size_bytes = o->size;
    return 0;
}

static int pod_head(struct store *base, const char *key, uint64_t *size_bytes, struct ds_err *err)
{
    struct pod_object *o = object_create((struct pod_store *)base, key, 1);
    size_t got;
    int rc = fetch(o, 0, o->piece, 1, &got, err);
    if (rc == 0)
        *size_bytes = o->size;
    pod_object_close(&o->base);
    return rc;
}

static bool is_ahead(const struct pod_object *o, uint64_t offset)
{
    return offset >= o->at && offset - o->at < o->len;
}

/* The next piece that holds offset: at the end of the object the last PIECE_BYTES, because who
 * reads there (an archive's index) goes backwards. */
static int read_ahead(struct pod_object *o, uint64_t offset, struct ds_err *err)
{
    uint64_t last = o->size > PIECE_BYTES ? o->size - PIECE_BYTES : 0;
    uint64_t at = offset < last ? offset : last;
    o->len = 0;
    o->at = at;
    return fetch(o, at, o->piece, PIECE_BYTES, &o->len, err);
}

static int ends_early(const struct pod_object *o, struct ds_err *err)
{
    return ds_fail(err, DS_ECORRUPT, "store %.200s: %.100s: ends early", o->s->base.url, o->key);
}

static int pod_object_read(struct store_object *base, uint64_t offset, void *dst, size_t n,
                           struct ds_err *err)
{
    struct pod_object *o = (struct pod_object *)base;
    char *to = dst;
    if (offset > o->size || n > o->size - offset)
        return ends_early(o, err);
    while (n > 0) {
        size_t got = 0;
        if (is_ahead(o, offset)) {
            size_t skip = (size_t)(offset - o->at);
            got = o->len - skip < n ? o->len - skip : n;
            memcpy(to, o->piece + skip, got);
        } else {
            int rc = n >= PIECE_BYTES
                         ? fetch(o, offset, to, n < STRAIGHT_BYTES ? n : STRAIGHT_BYTES, &got, err)
                         : read_ahead(o, offset, err);
            if (rc < 0)
                return rc;
            if (got == 0 && !is_ahead(o, offset))
                return ends_early(o, err);
        }
        to += got;
        offset += got;
        n -= got;
    }
    return 0;
}

/* ---- listing ---- */

struct listing {
    const struct pod_store *s;
    store_list_f fn;
    void *context;
};

static int list_object(const struct listing *l, const struct json *row, struct ds_err *err)
{
    const struct json *key = json_first(row), *size = key ? json_next(key) : NULL;
    const struct json *mtime = size ? json_next(size) : NULL;
    struct ds_span text;
    uint64_t bytes;
    int64_t mtime_ms;
    char full[STORE_KEY_BYTES + 1];
    if (!json_text(key, &text) || !json_u64(size, ((uint64_t)1 << 53) - 1, &bytes)
        || !json_i64(mtime, &mtime_ms))
        return ds_fail(err, DS_ECORRUPT, "store %.200s: a listing that makes no sense",
                       l->s->base.url);
    int n = snprintf(full, sizeof full, "%s/%.*s", l->s->sweep, DS_FMT(text));
    if (n < 0 || (size_t)n >= sizeof full || !store_key_is_valid((struct ds_span){full, (size_t)n}))
        return 0; /* not a key here: nobody could ask for it */
    return l->fn(l->context, (struct ds_span){full, (size_t)n}, bytes, mtime_ms);
}

static int ask_page(struct pod_store *s, struct ds_span prefix, struct ds_span after,
                    uint64_t snapshot, struct json **out, struct ds_err *err)
{
    struct http_response r;
    ds_auto_buf path;
    buf_init(&path, HTTP_TARGET_BYTES);
    (void)buf_put_text(&path, "/v1/list?prefix=");
    http_put_encoded(&path, prefix, false);
    (void)buf_put_text(&path, "&after=");
    http_put_encoded(&path, after, false);
    if (snapshot > 0)
        (void)buf_printf(&path, "&snapshot=%llu", (unsigned long long)snapshot);
    int rc = buf_check(&path, "the request", err);
    if (rc < 0)
        return rc;
    struct pod_ask q = {.method = HTTP_GET,
                        .path = path.data,
                        .key = "listing",
                        .body.fd = -1,
                        .max_body_bytes = PAGE_BYTES,
                        .deadline_ms = POD_READ_MS,
                        .max_tries = POD_TRIES};
    (void)pthread_mutex_lock(&s->mutex);
    rc = pod_ask(s, &q, &r, err);
    if (rc == 0) {
        rc = json_parse(r.body, PAGE_BYTES, out, err);
        if (rc < 0)
            (void)ds_wrap(err, "store %.200s: listing", s->base.url);
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return rc;
}

static int list_page(const struct listing *l, const struct json *page, struct ds_err *err)
{
    int rc = 0;
    for (const struct json *row = json_first(json_get(page, "objects")); row && rc == 0;
         row = json_next(row))
        rc = list_object(l, row, err);
    return rc;
}

static int pod_list(struct store *base, const char *prefix, store_list_f fn, void *context,
                    struct ds_err *err)
{
    struct pod_store *s = (struct pod_store *)base;
    struct listing l = {s, fn, context};
    const char *inner = prefix[0] == '\0' ? "" : pod_inner_key(s, prefix);
    char after[STORE_KEY_BYTES + 1] = "";
    uint64_t snapshot = 0;
    if (!inner)
        return 0; /* of another sweep: nothing is there */
    for (;;) {
        struct ds_span next;
        ds_auto_json page = NULL;
        int rc = ask_page(s, ds_span_of(inner), ds_span_of(after), snapshot, &page, err);
        if (rc == 0)
            rc = list_page(&l, page, err);
        if (rc != 0 || !json_text(json_get(page, "next"), &next))
            return rc;
        if (next.len >= sizeof after || ds_span_compare(next, ds_span_of(after)) <= 0
            || !json_u64(json_get(page, "snapshot"), INT64_MAX >> 10, &snapshot))
            return ds_fail(err, DS_ECORRUPT, "store %.200s: a listing that makes no sense",
                           s->base.url);
        memcpy(after, next.ptr, next.len);
        after[next.len] = '\0';
    }
}

/* ---- writing ---- */

static int put_one(struct pod_store *s, struct store_put_item *item, bool replace)
{
    struct http_response r;
    ds_auto_buf path;
    buf_init(&path, HTTP_TARGET_BYTES);
    int rc = pod_object_path(s, item->key, &path, DS_EINPUT, &item->err);
    if (rc < 0)
        return rc;
    struct pod_ask q = {
        .method = HTTP_PUT,
        .path = path.data,
        .key = item->key,
        .body = {.data = item->body.len > 0 ? item->body.data : "",
                 .fd = item->body.fd,
                 .len = item->body.len},
        .max_body_bytes = 65536,
        .deadline_ms = POD_READ_MS + (int64_t)(item->body.len / SLOWEST_BYTES) * 1000,
        .max_tries = POD_TRIES,
    };
    if (!replace)
        pod_ask_header(&q, "If-None-Match", "*");
    (void)pthread_mutex_lock(&s->mutex);
    rc = pod_ask(s, &q, &r, &item->err);
    (void)pthread_mutex_unlock(&s->mutex);
    if (rc == DS_EEXIST && !replace) {
        item->existed = true;
        item->err = (struct ds_err){0};
        rc = 0;
    }
    return rc;
}

static void pod_put_many(struct store *base, struct store_put_item *items, size_t n, bool replace)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].rc == 0)
            items[i].rc = put_one((struct pod_store *)base, &items[i], replace);
}

static int pod_remove(struct store *base, const char *key, struct ds_err *err)
{
    struct pod_store *s = (struct pod_store *)base;
    struct http_response r;
    ds_auto_buf path;
    buf_init(&path, HTTP_TARGET_BYTES);
    int rc = pod_object_path(s, key, &path, DS_EINPUT, err);
    if (rc < 0)
        return rc;
    struct pod_ask q = {.method = HTTP_DELETE,
                        .path = path.data,
                        .key = key,
                        .body.fd = -1,
                        .max_body_bytes = 65536,
                        .deadline_ms = POD_READ_MS,
                        .max_tries = POD_TRIES};
    (void)pthread_mutex_lock(&s->mutex);
    rc = pod_ask(s, &q, &r, err);
    (void)pthread_mutex_unlock(&s->mutex);
    return rc;
}

/* ---- what only a folder has ---- */

static int pod_sweep_temporaries(struct store *base, const char *prefix, struct ds_err *err)
{
    (void)base;
    (void)prefix;
    (void)err;
    return 0; /* the pod did when it started */
}

static int pod_lock(struct store *base, const char *key, const char *holder, int *fd,
                    struct ds_err *err)
{
    (void)base;
    (void)key;
    (void)holder;
    (void)err;
    *fd = -1;
    return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): as store_ops has it */
static int pod_open_append(struct store *base, const char *key, int *fd, struct ds_err *err)
{
    (void)fd;
    return ds_fail(err, DS_EUNSUPPORTED, "store %.200s: %.100s: nothing can be appended there",
                   base->url, key);
}

static void pod_close(struct store *base)
{
    struct pod_store *s = (struct pod_store *)base;
    if (s->o.closed)
        s->o.closed(s->o.context);
    arena_destroy(s->answer);
    (void)pthread_mutex_destroy(&s->mutex);
    explicit_bzero(s->token, sizeof s->token);
    free(s);
}

static const struct store_ops POD_OPS = {
    .close = pod_close,
    .put_many = pod_put_many,
    .object_open = pod_object_open,
    .object_read = pod_object_read,
    .object_close = pod_object_close,
    .head = pod_head,
    .list = pod_list,
    .remove = pod_remove,
    .sweep_temporaries = pod_sweep_temporaries,
    .lock = pod_lock,
    .open_append = pod_open_append,
};

static void put_root(const struct pod_store_options *o, struct ds_buf *out)
{
    if (!o->kube) {
        (void)buf_put_text(out, o->base_url);
        return;
    }
    (void)buf_put_text(out, "/api/v1/namespaces/");
    http_put_encoded(out, ds_span_of(o->namespace_), false);
    (void)buf_put_text(out, "/pods/");
    http_put_encoded(out, ds_span_of(o->pod), false);
    (void)buf_printf(out, ":%d/proxy", STORE_POD_PORT);
}

int pod_store_open(const struct pod_store_options *o, struct store **out, struct ds_err *err)
{
    ds_auto_buf root;
    struct pod_store *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    buf_init(&root, sizeof s->root - 1);
    put_root(o, &root);
    if (root.failed || strlen(o->token) >= sizeof s->token || strlen(o->sweep) >= sizeof s->sweep
        || strlen(o->label) >= sizeof s->base.url) {
        free(s);
        return ds_fail(err, DS_ETOOBIG, "a name of the store pod is too long");
    }
    s->base.ops = &POD_OPS;
    s->o = *o;
    memcpy(s->root, root.data, root.len + 1);
    memcpy(s->token, o->token, strlen(o->token) + 1);
    memcpy(s->sweep, o->sweep, strlen(o->sweep) + 1);
    memcpy(s->base.url, o->label, strlen(o->label) + 1);
    (void)pthread_mutex_init(&s->mutex, NULL);
    s->answer = arena_create(ANSWER_BYTES);
    *out = &s->base;
    return 0;
}

int pod_store_ping(struct store *base, struct ds_err *err)
{
    struct pod_store *s = (struct pod_store *)base;
    struct http_response r = {0};
    struct ds_err why = {0};
    struct pod_ask q = {.method = HTTP_GET,
                        .path = "/v1/ping",
                        .key = "ping",
                        .body.fd = -1,
                        .max_body_bytes = 65536,
                        .deadline_ms = PING_MS,
                        .max_tries = 1};
    (void)pthread_mutex_lock(&s->mutex);
    int rc = pod_ask(s, &q, &r, &why);
    bool answered = r.status != 0 && http_response_header(&r, POD_CODE_HEADER).len > 0;
    bool forbidden = r.status == 401 || r.status == 403;
    (void)pthread_mutex_unlock(&s->mutex);
    if (rc < 0 && err)
        *err = why;
    if (rc < 0 && rc != DS_EINTR && !answered && !forbidden) {
        if (err)
            err->code = DS_EAGAIN;
        return DS_EAGAIN;
    }
    return rc;
}
