/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A watch: does what kube_reflect.h wishes and hands on what comes. Callbacks may stop any watch:
 * a stopped one is freed when its own code has been left. */
#include "base/clock_io.h"
#include "kube/kube_list.h"
#include "kube/kube_reflect.h"
#include "kube/kube_send_io.h"

#include <stdlib.h>
#include <sys/random.h>

#define PAGE_BYTES   ((size_t)16 << 20) /* one object at least; more than this comes in pieces */
#define WHOLE_BYTES  ((size_t)64 << 20) /* a list in one piece */
#define PATH_BYTES   ((size_t)16 << 10)
#define LIST_MS      INT64_C(120000)
#define AS_METADATA  ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
#define AS_METADATAS ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

struct kube_watch {
    struct kube *k;
    struct kube_reflector r;
    struct kube_watch_callbacks on;
    struct ds_buf path; /* with selectors */
    bool metadata_only;
    uint64_t request, timer;  /* 0 none */
    struct ds_buf line;       /* of a watch: what came of it */
    enum kube_failure ending; /* why we ended the stream; 0 we did not */
    int64_t retry_after_ms;
    unsigned depth; /* of our functions on the stack */
    bool stopped, troubled;
};

static void pump(struct kube_watch *w);

static void watch_destroy(struct kube_watch *w)
{
    buf_clear(&w->path);
    buf_clear(&w->line);
    free(w);
}

static void enter(struct kube_watch *w)
{
    w->depth++;
}

/* false: w is gone or going. */
static bool leave(struct kube_watch *w)
{
    bool stopped = w->stopped;
    if (--w->depth == 0 && stopped)
        watch_destroy(w);
    return !stopped;
}

void kube_watch_stop(struct kube_watch *w)
{
    if (!w)
        return;
    kube_cancel(w->k, w->request);
    http_cancel(kube_loop(w->k), w->timer);
    w->stopped = true;
    if (w->depth == 0)
        watch_destroy(w);
}

static void tell_trouble(struct kube_watch *w, const struct ds_err *err)
{
    if (w->troubled || w->stopped)
        return;
    w->troubled = true;
    if (w->on.trouble)
        w->on.trouble(w->on.context, err);
}

static void failed(struct kube_watch *w, enum kube_failure f, int64_t retry_after_ms,
                   const struct ds_err *err)
{
    bool usual = f == KUBE_GONE || (f == KUBE_TOO_BIG && w->r.page > 1);
    if (!usual)
        tell_trouble(w, err);
    if (!w->stopped)
        kube_reflector_failed(&w->r, f, retry_after_ms, clock_monotonic_ms());
}

/* An answer that is no 2xx, or none. */
static void refused(struct kube_watch *w, const struct http_response *r, const struct ds_err *err)
{
    struct kube_status s;
    if (err->code == DS_ETOOBIG && r->status == 0) {
        failed(w, KUBE_TOO_BIG, -1, err);
        return;
    }
    kube_status_read(r->body, &s);
    int64_t wait = r->retry_after_ms > s.retry_after_ms ? r->retry_after_ms : s.retry_after_ms;
    failed(w, kube_failure_of(r->status, &s), wait, err);
}

/* ---- lists ---- */

static int hand_object(struct kube_watch *w, const struct json *object, struct ds_err *err)
{
    struct ds_span version;
    if (!kube_object_is_sane(object, &version))
        return ds_fail(err, DS_EINPUT, "an object of the list has no name or version");
    if (w->on.object)
        w->on.object(w->on.context, object);
    return 0;
}

/* All objects of a page, one tree at a time. */
static int hand_page(struct kube_watch *w, struct kube_list *l, struct ds_err *err)
{
    int rc = 0;
    if (kube_reflector_page_is_first(&w->r) && w->on.relist)
        w->on.relist(w->on.context);
    while (rc == 0 && !w->stopped) {
        ds_auto_json object = NULL;
        rc = kube_list_next(l, &object, err);
        if (rc <= 0)
            return rc;
        rc = hand_object(w, object, err);
    }
    return rc;
}

static void take_page(struct kube_watch *w, struct ds_span body)
{
    struct kube_list l;
    struct ds_err err;
    bool whole = false;
    int rc = kube_list_open(body, &l, &err);
    if (rc == 0) {
        rc = hand_page(w, &l, &err);
        if (rc == 0 && kube_list_version(&l).len == 0)
            rc = ds_fail(&err, DS_EINPUT, "a list without resourceVersion");
        if (rc == 0 && !w->stopped)
            whole = kube_reflector_page(&w->r, kube_list_version(&l), kube_list_more(&l),
                                        clock_monotonic_ms());
        kube_list_close(&l);
    }
    if (rc < 0) {
        (void)ds_wrap(&err, "%s", w->path.data);
        failed(w, KUBE_ODD, -1, &err);
    }
    if (!whole)
        return;
    w->troubled = false;
    if (w->on.synced)
        w->on.synced(w->on.context);
}

static void on_list(void *context, const struct http_response *r, const struct ds_err *err)
{
    struct kube_watch *w = context;
    enter(w);
    w->request = 0;
    if (err)
        refused(w, r, err);
    else
        take_page(w, r->body);
    pump(w);
    (void)leave(w);
}

/* ---- watches ---- */

static int end_stream(struct kube_watch *w, enum kube_failure f, int64_t retry_after_ms)
{
    w->ending = f;
    w->retry_after_ms = retry_after_ms;
    return DS_EIO;
}

static int take_error(struct kube_watch *w, const struct json *status, struct ds_err *err)
{
    struct kube_status s;
    kube_status_of(status, &s);
    (void)ds_fail(err, DS_EIO, "%s: the watch ends: %s (%d)", w->path.data, s.message, s.code);
    return end_stream(w, kube_failure_of(s.code, &s), s.retry_after_ms);
}

static int take_line(struct kube_watch *w, struct ds_span line, struct ds_err *err)
{
    struct kube_event e;
    if (ds_span_trim(line).len == 0)
        return 0;
    if (kube_event_read(line, &e, err) < 0) {
        (void)ds_wrap(err, "%s", w->path.data);
        return end_stream(w, KUBE_ODD, -1);
    }
    int rc = 0;
    if (e.type == KUBE_ERROR)
        rc = take_error(w, e.object, err);
    else if (e.type == KUBE_DELETED && w->on.deleted)
        w->on.deleted(w->on.context, e.object);
    else if ((e.type == KUBE_ADDED || e.type == KUBE_MODIFIED) && w->on.object)
        w->on.object(w->on.context, e.object);
    if (rc == 0 && !w->stopped) {
        w->troubled = false;
        kube_reflector_event(&w->r, e.version);
    }
    kube_event_clear(&e);
    return rc;
}

/* Whole lines are taken from where they lie; the rest waits in w->line. */
static int take_bytes(struct kube_watch *w, struct ds_span bytes, struct ds_err *err)
{
    while (bytes.len > 0 && !w->stopped) {
        const char *end = memchr(bytes.ptr, '\n', bytes.len);
        struct ds_span piece = {bytes.ptr, end ? (size_t)(end - bytes.ptr) : bytes.len};
        struct ds_span line = piece;
        if ((!end || w->line.len > 0) && buf_put_span(&w->line, piece) < 0) {
            (void)ds_fail(err, DS_ETOOBIG, "%s: an event larger than %zu MiB", w->path.data,
                          KUBE_LINE_MOST_BYTES >> 20);
            return end_stream(w, KUBE_ODD, -1);
        }
        if (!end)
            return 0;
        if (w->line.len > 0)
            line = buf_span(&w->line);
        bytes.len -= piece.len + 1;
        bytes.ptr += piece.len + 1;
        int rc = take_line(w, line, err);
        buf_reset(&w->line);
        if (rc < 0)
            return rc;
    }
    return w->stopped ? ds_fail(err, DS_EINTR, "stopped") : 0;
}

static int on_watch_data(void *context, struct ds_span bytes, struct ds_err *err)
{
    struct kube_watch *w = context;
    enter(w);
    int rc = take_bytes(w, bytes, err);
    return leave(w) ? rc : DS_EINTR;
}

static void on_watch_end(void *context, const struct http_response *r, const struct ds_err *err)
{
    struct kube_watch *w = context;
    struct ds_err too_short;
    enter(w);
    w->request = 0;
    bool cut = w->line.len > 0;
    buf_clear(&w->line); /* an event of megabytes is rare: do not keep its room */
    if (w->ending != 0) {
        failed(w, w->ending, w->retry_after_ms, err);
    } else if (err) {
        refused(w, r, err);
    } else if (cut || kube_reflector_ended(&w->r, clock_monotonic_ms())) {
        (void)ds_fail(&too_short, DS_EIO, "%s: the watch ended %s", w->path.data,
                      cut ? "in the middle of an event" : "at once");
        if (cut)
            failed(w, KUBE_AWAY, -1, &too_short);
        else
            tell_trouble(w, &too_short);
    }
    pump(w);
    (void)leave(w);
}

/* ---- doing what is wished ---- */

static int send_wish(struct kube_watch *w, enum kube_wish wish, struct ds_err *err)
{
    bool lists = wish == KUBE_WISH_LIST;
    ds_auto_buf path;
    buf_init(&path, PATH_BYTES);
    (void)buf_put_span(&path, buf_span(&w->path));
    if (kube_reflector_ask(&w->r, clock_monotonic_ms(), &path) < 0)
        return ds_fail(err, DS_ETOOBIG, "%.100s: the path is too long", w->path.data);
    struct kube_send s = {.gzip = lists,
                          .context = w,
                          .data = lists ? NULL : on_watch_data,
                          .done = lists ? on_list : on_watch_end};
    s.call = (struct kube_call){.method = HTTP_GET, .path = path.data, .max_tries = 1};
    s.call.accept = !w->metadata_only ? NULL
                    : lists           ? "application/json" AS_METADATAS
                                      : "application/json" AS_METADATA;
    s.call.max_body_bytes = w->r.unpaged ? WHOLE_BYTES : PAGE_BYTES;
    s.call.deadline_ms = lists ? LIST_MS : 0;
    s.call.idle_ms = lists ? 0 : KUBE_WATCH_IDLE_MS;
    w->ending = 0;
    return kube_send(w->k, &s, &w->request, err);
}

static void on_timer(void *context)
{
    struct kube_watch *w = context;
    enter(w);
    w->timer = 0;
    pump(w);
    (void)leave(w);
}

static void pump(struct kube_watch *w)
{
    struct ds_err err;
    int64_t now = clock_monotonic_ms();
    if (w->stopped)
        return;
    enum kube_wish wish = kube_reflector_wish(&w->r, now);
    if (wish != KUBE_WISH_NOTHING && send_wish(w, wish, &err) < 0)
        failed(w, KUBE_ODD, -1, &err);
    int64_t due = kube_reflector_due_ms(&w->r);
    if (due != INT64_MAX && !w->stopped && w->timer == 0)
        http_timer(kube_loop(w->k), due - now, on_timer, w, &w->timer);
}

static int start(struct kube *k, const char *path, const char *labels, const char *fields,
                 const struct kube_watch_callbacks *on, bool metadata_only, struct kube_watch **out,
                 struct ds_err *err)
{
    uint64_t seed = 0;
    struct kube_watch *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    *w = (struct kube_watch){.k = k, .on = *on, .metadata_only = metadata_only};
    buf_init(&w->path, PATH_BYTES / 2);
    buf_init(&w->line, KUBE_LINE_MOST_BYTES);
    (void)buf_put_text(&w->path, path);
    if (labels)
        (void)kube_query_put(&w->path, "labelSelector", labels);
    if (fields)
        (void)kube_query_put(&w->path, "fieldSelector", fields);
    int rc = buf_check(&w->path, "path and selectors of a watch", err);
    if (rc < 0) {
        watch_destroy(w);
        return rc;
    }
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)clock_monotonic_ns();
    kube_reflector_init(&w->r, seed);
    http_timer(kube_loop(k), 0, on_timer, w, &w->timer);
    *out = w;
    return 0;
}

int kube_watch_start(struct kube *k, const char *path, const char *label_selector,
                     const char *field_selector, const struct kube_watch_callbacks *on,
                     struct kube_watch **out, struct ds_err *err)
{
    return start(k, path, label_selector, field_selector, on, false, out, err);
}

int kube_watch_metadata_start(struct kube *k, const char *path, const char *label_selector,
                              const char *field_selector, const struct kube_watch_callbacks *on,
                              struct kube_watch **out, struct ds_err *err)
{
    return start(k, path, label_selector, field_selector, on, true, out, err);
}
