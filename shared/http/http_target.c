/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http/http_target.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undo %XX once. */
static int decode(struct ds_span text, bool plus_is_blank, struct ds_arena *a, struct ds_span *out,
                  struct ds_err *err)
{
    char *to = arena_take(a, text.len + 1, 1);
    size_t n = 0;
    if (!to)
        return ds_fail(err, DS_ETOOBIG, "the request line is too long");
    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
            if (low < 0)
                return ds_fail(err, DS_EINPUT, "a broken %%-escape in the request line");
            c = high * 16 + low;
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == 0)
            return ds_fail(err, DS_EINPUT, "a NUL in the request line");
        to[n++] = (char)c;
    }
    *out = (struct ds_span){to, n};
    return 0;
}

/* "http://host:1/a" -> "/a": what a proxy may send. */
static struct ds_span without_host(struct ds_span text)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < DS_COUNT(schemes); i++) {
        if (!ds_span_starts(text, schemes[i]))
            continue;
        size_t at = strlen(schemes[i]);
        while (at < text.len && text.ptr[at] != '/')
            at++;
        return (struct ds_span){text.ptr + at, text.len - at};
    }
    return text;
}

int http_target_parse(struct ds_span text, struct ds_arena *a, struct ds_span *path,
                      struct ds_span *query, struct ds_err *err)
{
    if (text.len > HTTP_TARGET_BYTES)
        return ds_fail(err, DS_ETOOBIG, "the request line is longer than %u bytes",
                       HTTP_TARGET_BYTES);
    struct ds_span raw, rest, decoded;
    rest = ds_span_cut(without_host(text), '?', &raw);
    if (raw.len == 0 || raw.ptr[0] != '/')
        return ds_fail(err, DS_EINPUT, "the request line names no path");
    int rc = decode(raw, false, a, &decoded, err);
    if (rc < 0)
        return rc;
    *path = decoded;
    *query = rest;
    return 0;
}

int http_query_get(struct ds_span query, const char *name, struct ds_arena *a, struct ds_span *out,
                   bool *found, struct ds_err *err)
{
    *found = false;
    while (query.len > 0) {
        struct ds_span pair, key, value, decoded;
        query = ds_span_cut(query, '&', &pair);
        value = ds_span_cut(pair, '=', &key);
        if (!ds_span_is(key, name))
            continue;
        int rc = decode(value, true, a, &decoded, err);
        if (rc < 0)
            return rc;
        *out = decoded;
        *found = true;
        return 0;
    }
    return 0;
}

void http_put_encoded(struct ds_buf *out, struct ds_span text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                     || c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
        if (plain) {
            (void)buf_put_char(out, (char)c);
        } else {
            const char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
            (void)buf_put(out, escape, sizeof escape);
        }
    }
}

static bool parse_digits(struct ds_span text, uint64_t *out)
{
    if (text.len == 0 || text.len > 19)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *out = value;
    return true;
}

enum http_range http_range_parse(struct ds_span value, uint64_t size_bytes, uint64_t *offset,
                                 uint64_t *len)
{
    static const char unit[] = "bytes=";
    if (!ds_span_starts(value, unit))
        return HTTP_RANGE_NONE;
    struct ds_span spec = {value.ptr + sizeof unit - 1, value.len - (sizeof unit - 1)};
    struct ds_span first_text, last_text = ds_span_cut(spec, '-', &first_text);
    if (first_text.len == spec.len)
        return HTTP_RANGE_NONE; /* no '-' */
    uint64_t first = 0, last = UINT64_MAX;
    if (first_text.len == 0) { /* the last so many */
        if (!parse_digits(last_text, &last))
            return HTTP_RANGE_NONE;
        if (last == 0 || size_bytes == 0)
            return HTTP_RANGE_OUTSIDE;
        *len = last < size_bytes ? last : size_bytes;
        *offset = size_bytes - *len;
        return HTTP_RANGE_PART;
    }
    if (!parse_digits(first_text, &first) || (last_text.len > 0 && !parse_digits(last_text, &last))
        || last < first)
        return HTTP_RANGE_NONE;
    if (first >= size_bytes)
        return HTTP_RANGE_OUTSIDE;
    *offset = first;
    *len = (last < size_bytes ? last + 1 : size_bytes) - first;
    return HTTP_RANGE_PART;
}
