/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_io.h"

#include "base/log_io.h"
#include "kube/kube_auth_io.h"
#include "kube/kube_error.h"
#include "kube/kube_send_io.h"
#include "kube/kube_warning.h"

#include <stdlib.h>

#define BODY_BYTES     ((size_t)32 << 20)
#define DEADLINE_MS    INT64_C(30000)
#define TRIES          5u
#define EXCHANGE_BYTES ((size_t)512 << 10)
#define MOST_HEADERS   16u /* of the caller */
#define WARNINGS_KNOWN 256u
#define WORDS_BYTES    400u

struct exchange { /* a request under way */
    struct exchange *next;
    struct kube *k;
    uint64_t id;
    struct ds_arena *a;
    struct kube_send s;
    struct http_header headers[KUBE_AUTH_MOST_HEADERS + MOST_HEADERS + 2];
    kube_done_f simple_done; /* of kube_start and kube_stream, with simple_context */
    void *simple_context;
};

struct kube {
    struct http_loop *loop;
    struct kube_auth *auth;
    const char *namespace_; /* of options or login; borrows own_namespace */
    char *own_namespace;
    struct exchange *under_way;
    kube_seen_f seen;
    void *seen_context;
    uint32_t warned[WARNINGS_KNOWN]; /* hashes of the warnings that were logged */
    size_t n_warned;
};

int kube_open(const struct kube_options *o, struct http_loop *loop, struct kube **out,
              struct ds_err *err)
{
    struct kube_auth *auth;
    int rc = kube_auth_open(o, &auth, err);
    if (rc < 0)
        return rc;
    struct kube *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    const char *of_context = kube_auth_login(auth)->namespace_;
    k->loop = loop;
    k->auth = auth;
    k->namespace_ = of_context ? of_context : "default";
    if (o && o->namespace_ && o->namespace_[0]) {
        k->own_namespace = strdup(o->namespace_);
        if (!k->own_namespace)
            abort();
        k->namespace_ = k->own_namespace;
    }
    *out = k;
    return 0;
}

static void exchange_destroy(struct exchange *x)
{
    arena_destroy(x->a);
    free(x);
}

void kube_close(struct kube *k)
{
    if (!k)
        return;
    while (k->under_way)
        kube_cancel(k, k->under_way->id);
    kube_auth_close(k->auth);
    free(k->own_namespace);
    free(k);
}

const char *kube_namespace(const struct kube *k)
{
    return k->namespace_;
}

const char *kube_server(const struct kube *k)
{
    return kube_auth_login(k->auth)->server;
}

const char *kube_context(const struct kube *k)
{
    return kube_auth_login(k->auth)->context;
}

struct http_loop *kube_loop(const struct kube *k)
{
    return k->loop;
}

void kube_observe(struct kube *k, kube_seen_f seen, void *context)
{
    k->seen = seen;
    k->seen_context = context;
}

static void unlink_exchange(struct exchange *x)
{
    struct exchange **at = &x->k->under_way;
    while (*at && *at != x)
        at = &(*at)->next;
    if (*at)
        *at = x->next;
}

void kube_cancel(struct kube *k, uint64_t id)
{
    struct exchange *x = k->under_way;
    while (x && x->id != id)
        x = x->next;
    if (!x)
        return;
    http_cancel(k->loop, id);
    unlink_exchange(x);
    exchange_destroy(x);
}

/* ---- what the server says beside the answer ---- */

static bool is_new_warning(struct kube *k, const char *text)
{
    uint32_t hash = ds_span_hash(ds_span_of(text));
    for (size_t i = 0; i < k->n_warned; i++)
        if (k->warned[i] == hash)
            return false;
    if (k->n_warned == WARNINGS_KNOWN) /* enough was said */
        return false;
    k->warned[k->n_warned++] = hash;
    return true;
}

static void log_warnings(struct kube *k, const struct http_response *r)
{
    char text[KUBE_WARNING_BYTES];
    for (size_t i = 0; i < r->n_headers; i++) {
        struct ds_span rest = r->header[i].value;
        if (!ds_span_is(r->header[i].name, "warning"))
            continue;
        while (kube_warning_next(&rest, text))
            if (is_new_warning(k, text))
                log_warn("the API server: %s", text);
    }
}

static void observe(struct kube *k, const struct exchange *x, int status)
{
    struct kube_place at;
    const struct kube_call *c = &x->s.call;
    if (!k->seen)
        return;
    kube_path_read(c->path, &at);
    bool of_many = c->method == HTTP_GET && at.resource.len > 0 && at.name.len == 0;
    k->seen(k->seen_context, of_many ? at.watches ? "WATCH" : "LIST" : http_method_name(c->method),
            status);
}

/* ---- one request ---- */

static int on_prepare(void *context, unsigned try_number, struct http_request *r,
                      struct ds_err *err)
{
    struct exchange *x = context;
    const struct kube_call *c = &x->s.call;
    size_t n = 0;
    (void)try_number;
    int rc = kube_auth_get(x->k->auth, &r->tls, x->headers, &n, err);
    if (rc < 0)
        return rc;
    struct ds_span json = DS_SPAN("application/json");
    x->headers[n++] =
        (struct http_header){DS_SPAN("Accept"), c->accept ? ds_span_of(c->accept) : json};
    if (c->body.len > 0)
        x->headers[n++] = (struct http_header){
            DS_SPAN("Content-Type"), c->content_type ? ds_span_of(c->content_type) : json};
    if (c->n_headers > 0)
        memcpy(x->headers + n, c->headers, c->n_headers * sizeof *c->headers);
    r->headers = x->headers;
    r->n_headers = n + c->n_headers;
    return 0;
}

static bool on_again(void *context, const struct http_response *r)
{
    struct exchange *x = context;
    return r->status == 401 && kube_auth_refused(x->k->auth);
}

static int on_data(void *context, struct ds_span bytes, struct ds_err *err)
{
    struct exchange *x = context; /* gone when data cancels it */
    return x->s.data(x->s.context, bytes, err);
}

static void say_what(const struct exchange *x, const struct http_response *r,
                     const struct ds_err *why, struct ds_err *err)
{
    struct kube_asked q = {.method = x->s.call.method,
                           .path = x->s.call.path,
                           .server = kube_server(x->k),
                           .in_cluster = kube_auth_in_cluster(x->k->auth)};
    char words[WORDS_BYTES];
    if (why) {
        kube_asked_words(&q, words, sizeof words);
        *err = *why;
        (void)ds_wrap(err, "%s", words);
        return;
    }
    q.credential = kube_auth_advice(x->k->auth);
    (void)kube_error_fill(&q, r->status, r->body, err);
}

static void on_done(void *context, const struct http_response *r, const struct ds_err *why)
{
    struct exchange *x = context;
    struct ds_err err;
    bool good = !why && r->status >= 200 && r->status < 300;
    observe(x->k, x, r->status);
    if (!why)
        log_warnings(x->k, r);
    if (!good)
        say_what(x, r, why, &err);
    unlink_exchange(x);
    if (x->s.done)
        x->s.done(x->s.context, r, good ? NULL : &err);
    else if (x->simple_done)
        x->simple_done(x->simple_context, r->status, r->body, good ? NULL : &err);
    exchange_destroy(x);
}

static const char *copy(struct ds_arena *a, const char *text, bool *ok)
{
    const char *mine = text ? arena_cstr(a, ds_span_of(text)) : NULL;
    *ok &= mine != NULL || !text;
    return mine;
}

/* x->s.call with texts of its own. */
static bool copy_call(struct exchange *x, const struct kube_call *c)
{
    bool ok = c->n_headers <= MOST_HEADERS;
    struct kube_call *mine = &x->s.call;
    mine->path = copy(x->a, c->path, &ok);
    mine->accept = copy(x->a, c->accept, &ok);
    mine->content_type = copy(x->a, c->content_type, &ok);
    struct http_header *h = ds_new(x->a, struct http_header, ok ? c->n_headers : 0);
    for (size_t i = 0; ok && h && i < c->n_headers; i++) {
        h[i].name = arena_copy(x->a, c->headers[i].name);
        h[i].value = arena_copy(x->a, c->headers[i].value);
        ok = h[i].name.ptr && h[i].value.ptr;
    }
    mine->headers = h;
    return ok && h;
}

static struct exchange *exchange_create(struct kube *k, const struct kube_send *s)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        abort();
    *x = (struct exchange){.k = k, .s = *s, .a = arena_create(EXCHANGE_BYTES)};
    return x;
}

/* takes x, also on failure. */
static int launch(struct exchange *x, const struct kube_call *c, uint64_t *id, struct ds_err *err)
{
    struct kube *k = x->k;
    struct ds_span url = {NULL, 0};
    if (c->path[0] == '/' && copy_call(x, c))
        url = arena_format(x->a, "%s%s", kube_server(k), c->path);
    if (!url.ptr) {
        exchange_destroy(x);
        return ds_fail(err, c->path[0] == '/' ? DS_ETOOBIG : DS_EINPUT,
                       "no path of the API, or more than fits: %.100s", c->path);
    }
    bool repeats = c->method != HTTP_POST && c->method != HTTP_PATCH;
    struct http_request r = {.method = c->method,
                             .url = url.ptr,
                             .body = c->body,
                             .max_body_bytes = c->max_body_bytes ? c->max_body_bytes : BODY_BYTES,
                             .deadline_ms = c->deadline_ms,
                             .idle_ms = c->idle_ms,
                             .max_tries = c->max_tries ? c->max_tries : TRIES,
                             .idempotent = repeats,
                             .accept_gzip = x->s.gzip && !kube_auth_login(k->auth)->no_compression,
                             .on = {.context = x,
                                    .prepare = on_prepare,
                                    .data = x->s.data ? on_data : NULL,
                                    .again = on_again,
                                    .done = on_done}};
    int rc = http_start(k->loop, &r, &x->id, err);
    if (rc < 0) {
        exchange_destroy(x);
        return rc;
    }
    x->next = k->under_way;
    k->under_way = x;
    *id = x->id;
    return 0;
}

int kube_send(struct kube *k, const struct kube_send *s, uint64_t *id, struct ds_err *err)
{
    return launch(exchange_create(k, s), &s->call, id, err);
}

static int start_simple(struct kube *k, const struct kube_send *s, kube_done_f done, void *context,
                        uint64_t *id, struct ds_err *err)
{
    struct exchange *x = exchange_create(k, s);
    x->simple_done = done;
    x->simple_context = context;
    return launch(x, &s->call, id, err);
}

int kube_start(struct kube *k, const struct kube_call *c, kube_done_f done, void *context,
               uint64_t *id, struct ds_err *err)
{
    struct kube_send s = {.call = *c, .gzip = c->method == HTTP_GET};
    if (s.call.deadline_ms == 0)
        s.call.deadline_ms = DEADLINE_MS;
    return start_simple(k, &s, done, context, id, err);
}

int kube_stream(struct kube *k, const struct kube_call *c, kube_data_f data, kube_done_f done,
                void *context, uint64_t *id, struct ds_err *err)
{
    struct kube_send s = {.call = *c, .data = data, .context = context};
    return start_simple(k, &s, done, context, id, err);
}

/* ---- waiting for one ---- */

struct one {
    struct ds_arena *a;
    struct http_response answer;
    struct ds_err err;
    int rc;
    bool over;
};

static void one_done(void *context, const struct http_response *r, const struct ds_err *err)
{
    struct one *o = context;
    o->over = true;
    o->rc = http_response_copy(r, o->a, &o->answer, &o->err);
    if (err) {
        o->err = *err;
        o->rc = err->code;
    }
}

int kube_do(struct kube *k, const struct kube_call *c, struct ds_arena *a, struct ds_span *body,
            int *status, struct ds_err *err)
{
    struct one o = {.a = a};
    struct kube_send s = {
        .call = *c, .gzip = c->method == HTTP_GET, .context = &o, .done = one_done};
    uint64_t id = 0;
    if (s.call.deadline_ms == 0)
        s.call.deadline_ms = DEADLINE_MS;
    if (c->answer)
        *c->answer = (struct http_response){.retry_after_ms = -1};
    int rc = kube_send(k, &s, &id, err);
    while (rc == 0 && !o.over)
        rc = http_turn(k->loop, -1, NULL, NULL, 0, err);
    if (rc < 0) {
        kube_cancel(k, id);
        return rc;
    }
    if (status)
        *status = o.answer.status;
    if (c->answer)
        *c->answer = o.answer;
    if (o.rc < 0 && err)
        *err = o.err;
    else if (o.rc == 0 && body)
        *body = o.answer.body;
    return o.rc;
}
