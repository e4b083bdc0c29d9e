/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request to its end, and answers that outlive it. */
#include "http/http_head.h"

struct ds_span http_response_header(const struct http_response *r, const char *name)
{
    return http_head_get(r->header, r->n_headers, name);
}

/* ---- one request to its end ---- */

struct one {
    const struct http_callbacks *on;
    struct ds_arena *a;
    struct http_response *out;
    struct ds_err *err;
    int rc;
    bool over;
};

static int one_prepare(void *context, unsigned try_number, struct http_request *r,
                       struct ds_err *err)
{
    struct one *o = context;
    return o->on->prepare(o->on->context, try_number, r, err);
}

static bool one_again(void *context, const struct http_response *response)
{
    struct one *o = context;
    return o->on->again(o->on->context, response);
}

static void one_done(void *context, const struct http_response *response, const struct ds_err *err)
{
    struct one *o = context;
    o->over = true;
    if (err) {
        if (o->err)
            *o->err = *err;
        o->rc = err->code;
        return;
    }
    o->rc = http_response_copy(response, o->a, o->out, o->err);
}

int http_response_copy(const struct http_response *from, struct ds_arena *a,
                       struct http_response *out, struct ds_err *err)
{
    struct http_response r = *from;
    bool ok = true;
    for (size_t i = 0; i < r.n_headers && ok; i++) {
        r.header[i].name = arena_copy(a, r.header[i].name);
        r.header[i].value = arena_copy(a, r.header[i].value);
        ok = r.header[i].name.ptr && r.header[i].value.ptr;
    }
    r.body = arena_copy(a, r.body);
    if (!ok || !r.body.ptr)
        return ds_fail(err, DS_ETOOBIG, "no room for an answer of %zu bytes", from->body.len);
    *out = r;
    return 0;
}

int http_do(struct http_loop *loop, const struct http_request *r, struct ds_arena *a,
            struct http_response *out, struct ds_err *err)
{
    struct one o = {.on = &r->on, .a = a, .out = out, .err = err};
    struct http_request mine = *r;
    uint64_t id = 0;
    mine.on = (struct http_callbacks){.context = &o, .done = one_done};
    if (r->on.prepare)
        mine.on.prepare = one_prepare;
    if (r->on.again)
        mine.on.again = one_again;
    int rc = http_start(loop, &mine, &id, err);
    while (rc == 0 && !o.over)
        rc = http_turn(loop, -1, NULL, NULL, 0, err);
    if (rc < 0) {
        http_cancel(loop, id);
        return rc;
    }
    return o.rc;
}
