/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the store pod answers is checked as a stranger's. */
#include "store/pod_ask_io.h"

#include "base/units.h"
#include "decksweep/cluster.h"
#include "http/http_target.h"

#include <stdio.h>

/* ---- one request ---- */

void pod_ask_header(struct pod_ask *q, const char *name, const char *value)
{
    q->header[q->n_headers++] = (struct http_header){ds_span_of(name), ds_span_of(value)};
}

static int ask_through_kube(struct pod_store *s, const struct pod_ask *q, const char *url,
                            struct http_response *r, struct ds_err *err)
{
    struct ds_span body = DS_SPAN("");
    struct kube_call call = {.method = q->method,
                             .path = url,
                             .content_type = "application/octet-stream",
                             .accept = "*/*",
                             .body = q->body,
                             .headers = q->header,
                             .n_headers = q->n_headers,
                             .max_body_bytes = q->max_body_bytes,
                             .deadline_ms = q->deadline_ms,
                             .max_tries = q->max_tries,
                             .answer = r};
    int rc = kube_do(s->o.kube, &call, s->answer, &body, NULL, err);
    if (rc == 0)
        r->body = body;
    return rc;
}

static int ask_straight(struct pod_store *s, const struct pod_ask *q, const char *url,
                        struct http_response *r, struct ds_err *err)
{
    struct http_request request = {.method = q->method,
                                   .url = url,
                                   .headers = q->header,
                                   .n_headers = q->n_headers,
                                   .body = q->body,
                                   .max_body_bytes = q->max_body_bytes,
                                   .deadline_ms = q->deadline_ms,
                                   .max_tries = q->max_tries,
                                   .idempotent = true};
    return http_do(s->o.loop, &request, s->answer, r, err);
}

/* An error that the store pod itself told: its code and words. 0: it did not. */
static int told_error(const struct pod_store *s, const struct http_response *r, struct ds_err *err)
{
    struct ds_span code = http_response_header(r, POD_CODE_HEADER);
    uint64_t number;
    if (code.len < 2 || code.ptr[0] != '-'
        || units_parse_u64((struct ds_span){code.ptr + 1, code.len - 1}, -DS_ENOFIT, &number, NULL)
               < 0
        || number == 0)
        return 0;
    struct ds_span words = ds_span_trim(r->body);
    return ds_fail(err, (enum ds_code)(-(int)number), "store %.200s: %.*s", s->base.url,
                   (int)(words.len < 300 ? words.len : 300), words.ptr);
}

static int other_error(const struct pod_store *s, const struct pod_ask *q,
                       const struct http_response *r, struct ds_err *err)
{
    enum ds_code code = r->status == 404                       ? DS_ENOTFOUND
                        : r->status == 401 || r->status == 403 ? DS_EDENIED
                                                               : DS_EIO;
    return ds_fail(err, code, "store %.200s: %.100s: the store pod answered %d", s->base.url,
                   q->key, r->status);
}

static bool is_interrupted(const struct pod_store *s)
{
    return s->o.interrupted && s->o.interrupted();
}

int pod_ask(struct pod_store *s, struct pod_ask *q, struct http_response *r, struct ds_err *err)
{
    ds_auto_buf url;
    buf_init(&url, HTTP_TARGET_BYTES);
    (void)buf_printf(&url, "%s%s", s->root, q->path);
    int rc = buf_check(&url, "the request", err);
    if (rc < 0)
        return rc;
    pod_ask_header(q, STORE_POD_HEADER, s->token);
    struct ds_err why = {0};
    do {
        if (is_interrupted(s))
            return ds_fail(err, DS_EINTR, "interrupted");
        arena_reset(s->answer);
        *r = (struct http_response){0};
        why = (struct ds_err){0};
        rc = s->o.kube ? ask_through_kube(s, q, url.data, r, &why)
                       : ask_straight(s, q, url.data, r, &why);
    } while (rc == DS_EINTR); /* another signal than those that stop us */
    bool ours = r->status != 0 && http_response_header(r, POD_CODE_HEADER).len > 0;
    if (ours && (r->status / 100 == 2 || r->status == 416))
        return 0;
    int told = ours ? told_error(s, r, err) : 0;
    if (told < 0)
        return told;
    if (rc == 0)
        return other_error(s, q, r, err);
    if (rc == DS_ENOTFOUND && s->o.kube)
        return ds_fail(err, DS_EIO,
                       "store %.200s: the store pod %.100s is gone (it ended, or was deleted or "
                       "evicted); run the same command again",
                       s->base.url, s->o.pod);
    if (err)
        *err = why;
    return ds_wrap(err, "store %.200s: %.100s", s->base.url, q->key);
}

/* ---- keys ---- */

const char *pod_inner_key(const struct pod_store *s, const char *key)
{
    size_t n = strlen(s->sweep);
    return strncmp(key, s->sweep, n) == 0 && key[n] == '/' ? key + n + 1 : NULL;
}

int pod_object_path(const struct pod_store *s, const char *key, struct ds_buf *out,
                    enum ds_code stranger, struct ds_err *err)
{
    const char *inner = pod_inner_key(s, key);
    if (!inner)
        return ds_fail(err, stranger, "store %.200s: %.100s: not of the sweep %s", s->base.url, key,
                       s->sweep);
    (void)buf_put_text(out, "/v1/o/");
    http_put_encoded(out, ds_span_of(inner), true);
    return buf_check(out, "the request", err);
}
