/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/serve.h"

#include "base/json.h"
#include "base/sha256.h"
#include "base/units.h"
#include "http/http_target.h"
#include "store/store.h"

#include <stdlib.h>

/* Takes as long for every token of a length, whatever is right in it. */
static bool token_fits(const struct serve_policy *p, struct ds_span token)
{
    char hex[65];
    unsigned differ = 0;
    if (token.len == 0 || token.len > SERVE_TOKEN_BYTES)
        return false;
    sha256_of(token.ptr, token.len, hex);
    for (size_t i = 0; i < 64; i++)
        differ |= (unsigned)(unsigned char)hex[i] ^ (unsigned)(unsigned char)p->token_sha256[i];
    return differ == 0;
}

static int read_key(struct ds_span key, struct ds_arena *a, struct serve_request *out, int *status,
                    struct ds_err *err)
{
    *status = 400;
    if (!store_key_is_valid(key))
        return ds_fail(err, DS_EINPUT,
                       "'%.*s' is no key: relative, at most %u bytes, no component empty or "
                       "starting with '.'",
                       (int)(key.len < 100 ? key.len : 100), key.ptr, STORE_KEY_BYTES);
    out->key = arena_cstr(a, key);
    return out->key ? 0 : ds_fail(err, DS_ETOOBIG, "the key is too long");
}

static int read_word(struct ds_span query, const char *name, struct ds_arena *a, char **out,
                     struct ds_err *err)
{
    struct ds_span text = DS_SPAN("");
    bool found;
    int rc = http_query_get(query, name, a, &text, &found, err);
    if (rc < 0)
        return rc;
    if (text.len > STORE_KEY_BYTES + 1)
        return ds_fail(err, DS_EINPUT, "%s is too long", name);
    *out = arena_cstr(a, text);
    return *out ? 0 : ds_fail(err, DS_ETOOBIG, "%s is too long", name);
}

static int read_list(struct ds_span query, struct ds_arena *a, struct serve_request *out,
                     int *status, struct ds_err *err)
{
    char *number = NULL;
    *status = 400;
    out->what = SERVE_LIST;
    int rc = read_word(query, "prefix", a, &out->prefix, err);
    rc = rc < 0 ? rc : read_word(query, "after", a, &out->after, err);
    rc = rc < 0 ? rc : read_word(query, "snapshot", a, &number, err);
    if (rc < 0)
        return rc;
    struct ds_span prefix = ds_span_of(out->prefix);
    if (prefix.len > 0
        && (!ds_span_ends(prefix, "/")
            || !store_key_is_valid((struct ds_span){prefix.ptr, prefix.len - 1})))
        return ds_fail(err, DS_EINPUT, "prefix is neither empty nor a key and '/'");
    if (!number || number[0] == '\0')
        return 0;
    return units_parse_u64(ds_span_of(number), INT64_MAX, &out->snapshot, err);
}

static int read_put(const struct serve_policy *p, const struct serve_asked *asked,
                    struct serve_request *out, int *status, struct ds_err *err)
{
    if (asked->if_none_match.len > 0 && !ds_span_is(asked->if_none_match, "*")) {
        *status = 400;
        return ds_fail(err, DS_EINPUT, "If-None-Match can only be *");
    }
    if (asked->length < 0) {
        *status = 411;
        return ds_fail(err, DS_EINPUT, "the upload does not tell its length");
    }
    if ((uint64_t)asked->length > p->max_object_bytes) {
        *status = 413;
        return ds_fail(err, DS_ETOOBIG, "the upload is of %lld bytes; at most %llu are taken",
                       (long long)asked->length, (unsigned long long)p->max_object_bytes);
    }
    out->what = SERVE_PUT;
    out->if_absent = asked->if_none_match.len > 0;
    out->length = (uint64_t)asked->length;
    return 0;
}

static int read_object(const struct serve_policy *p, const struct serve_asked *asked,
                       struct serve_request *out, int *status, struct ds_err *err)
{
    if (asked->method == HTTP_GET || asked->method == HTTP_HEAD) {
        out->what = SERVE_GET;
        return 0;
    }
    if (asked->method != HTTP_PUT && asked->method != HTTP_DELETE) {
        *status = 405;
        return ds_fail(err, DS_EUNSUPPORTED, "objects know GET, HEAD, PUT and DELETE");
    }
    if (!p->write) {
        *status = 403;
        return ds_fail(err, DS_EDENIED, "this store pod was started for reading only");
    }
    if (asked->method == HTTP_PUT)
        return read_put(p, asked, out, status, err);
    out->what = SERVE_DELETE;
    return 0;
}

int serve_read(const struct serve_policy *p, const struct serve_asked *asked, struct ds_arena *a,
               struct serve_request *out, int *status, struct ds_err *err)
{
    static const char objects[] = "/v1/o/";
    struct serve_request request = {.prefix = "", .after = ""};
    struct ds_span path, query;
    int rc;
    if (!token_fits(p, asked->token)) {
        *status = 401;
        return ds_fail(err, DS_EDENIED, "the token is missing or wrong");
    }
    *status = 400;
    rc = http_target_parse(asked->target, a, &path, &query, err);
    if (rc < 0)
        return rc;
    bool reads = asked->method == HTTP_GET || asked->method == HTTP_HEAD;
    if (ds_span_starts(path, objects)) {
        struct ds_span key = {path.ptr + sizeof objects - 1, path.len - (sizeof objects - 1)};
        rc = read_key(key, a, &request, status, err);
        rc = rc < 0 ? rc : read_object(p, asked, &request, status, err);
    } else if (ds_span_is(path, "/v1/list") && reads) {
        rc = read_list(query, a, &request, status, err);
    } else if (ds_span_is(path, "/v1/ping") && reads) {
        request.what = SERVE_PING;
    } else {
        *status = 404;
        rc = ds_fail(err, DS_ENOTFOUND, "a store pod knows /v1/ping, /v1/list and /v1/o/<key>");
    }
    if (rc == 0)
        *out = request;
    return rc;
}

int serve_status(enum ds_code code)
{
    switch (code) {
    case DS_EINPUT:
    case DS_EPARSE:
        return 400;
    case DS_EDENIED:
        return 403;
    case DS_ENOTFOUND:
        return 404;
    case DS_EEXIST:
        return 412;
    case DS_ETOOBIG:
        return 413;
    case DS_ENOSPC:
        return 507;
    default:
        return 500;
    }
}

/* ---- listing ---- */

static int by_key(const void *a, const void *b)
{
    const struct serve_object *x = a, *y = b;
    return ds_span_compare(x->key, y->key);
}

void serve_sort(struct serve_object *objects, size_t n)
{
    if (n > 1)
        qsort(objects, n, sizeof *objects, by_key);
}

/* The first object whose key comes after. */
static size_t find_after(const struct serve_object *sorted, size_t n, struct ds_span after)
{
    size_t low = 0, high = n;
    while (after.len > 0 && low < high) {
        size_t middle = low + (high - low) / 2;
        if (ds_span_compare(sorted[middle].key, after) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int serve_put_page(const struct serve_object *sorted, size_t n, const char *after,
                   uint64_t snapshot, struct ds_buf *out)
{
    struct json_writer w;
    size_t first = find_after(sorted, n, ds_span_of(after));
    size_t end = n - first > SERVE_PAGE_KEYS ? first + SERVE_PAGE_KEYS : n;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_u64(&w, "snapshot", snapshot);
    jw_key(&w, "objects");
    jw_array(&w);
    for (size_t i = first; i < end; i++) {
        jw_array(&w);
        jw_text(&w, sorted[i].key);
        jw_u64(&w, sorted[i].size_bytes);
        jw_i64(&w, sorted[i].mtime_ms);
        jw_end_array(&w);
    }
    jw_end_array(&w);
    if (end < n)
        jw_kv_text(&w, "next", sorted[end - 1].key);
    jw_end_object(&w);
    return buf_check(out, "a page of the listing", NULL);
}
