/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cJSON is the reader; a struct json is a cJSON in disguise, so that the type stays here. */
#include "base/json.h"

#include "base/units.h"
#include "base/utf8.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>

#define JSON_MAX_DEPTH 64u

static const cJSON *in(const struct json *j)
{
    return (const cJSON *)(const void *)j;
}

static const struct json *out_of(const cJSON *c)
{
    return (const struct json *)(const void *)c;
}

/* cJSON recurses once a level and takes NUL for the end: look before it does. */
static int check_text(struct ds_span text, struct ds_err *err)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\0')
            return ds_fail(err, DS_EPARSE, "JSON: NUL byte at offset %zu", i);
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_MAX_DEPTH)
                return ds_fail(err, DS_ETOOBIG, "JSON: nested deeper than %u at offset %zu",
                               JSON_MAX_DEPTH, i);
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

int json_parse(struct ds_span text, size_t max_bytes, struct json **out, struct ds_err *err)
{
    if (text.len > max_bytes)
        return ds_fail(err, DS_ETOOBIG, "JSON: more than %zu bytes", max_bytes);
    int rc = check_text(text, err);
    if (rc < 0)
        return rc;
    const char *end = NULL;
    cJSON *c = cJSON_ParseWithLengthOpts(text.ptr, text.len, &end, false);
    size_t at = end ? (size_t)(end - text.ptr) : 0;
    if (!c)
        return ds_fail(err, DS_EPARSE, "JSON: syntax error at offset %zu", at);
    struct ds_span rest = ds_span_trim((struct ds_span){text.ptr + at, text.len - at});
    if (rest.len > 0) {
        cJSON_Delete(c);
        return ds_fail(err, DS_EPARSE, "JSON: something follows the value at offset %zu", at);
    }
    *out = (struct json *)(void *)c;
    return 0;
}

void json_destroy(struct json *j)
{
    cJSON_Delete((cJSON *)(void *)j);
}

const struct json *json_get(const struct json *j, const char *key)
{
    return j && cJSON_IsObject(in(j)) ? out_of(cJSON_GetObjectItemCaseSensitive(in(j), key)) : NULL;
}

bool json_is_null(const struct json *j)
{
    return !j || cJSON_IsNull(in(j));
}

bool json_is_object(const struct json *j)
{
    return j && cJSON_IsObject(in(j));
}

bool json_is_array(const struct json *j)
{
    return j && cJSON_IsArray(in(j));
}

size_t json_count(const struct json *j)
{
    return json_is_object(j) || json_is_array(j) ? (size_t)cJSON_GetArraySize(in(j)) : 0;
}

const struct json *json_first(const struct json *j)
{
    return json_is_object(j) || json_is_array(j) ? out_of(in(j)->child) : NULL;
}

const struct json *json_next(const struct json *child)
{
    return child ? out_of(in(child)->next) : NULL;
}

struct ds_span json_key(const struct json *child)
{
    return ds_span_of(child ? in(child)->string : NULL);
}

bool json_text(const struct json *j, struct ds_span *out)
{
    if (!j || !cJSON_IsString(in(j)))
        return false;
    *out = ds_span_of(in(j)->valuestring);
    return true;
}

bool json_number(const struct json *j, double *out)
{
    if (!j || !cJSON_IsNumber(in(j)))
        return false;
    *out = in(j)->valuedouble;
    return true;
}

bool json_bool(const struct json *j, bool *out)
{
    if (!j || !cJSON_IsBool(in(j)))
        return false;
    *out = cJSON_IsTrue(in(j));
    return true;
}

bool json_u64(const struct json *j, uint64_t max, uint64_t *out)
{
    double v;
    assert(max < UINT64_C(1) << 53);
    if (!json_number(j, &v) || !(v >= 0 && v <= (double)max) || v != floor(v))
        return false;
    *out = (uint64_t)v;
    return true;
}

bool json_i64(const struct json *j, int64_t *out)
{
    double v;
    if (!json_number(j, &v) || !(fabs(v) < 0x1p53) || v != floor(v))
        return false;
    *out = (int64_t)v;
    return true;
}

void jw_init(struct json_writer *w, struct ds_buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void before_value(struct json_writer *w)
{
    uint64_t bit = UINT64_C(1) << w->depth;
    if (!w->after_key && w->depth > 0 && (w->has_sibling & bit))
        (void)buf_put_char(w->out, ',');
    w->has_sibling |= bit;
    w->after_key = false;
}

static void open_with(struct json_writer *w, char c)
{
    before_value(w);
    (void)buf_put_char(w->out, c);
    assert(w->depth < 60);
    w->depth++;
    w->has_sibling &= ~(UINT64_C(1) << w->depth);
}

static void close_with(struct json_writer *w, char c)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    (void)buf_put_char(w->out, c);
}

void jw_object(struct json_writer *w)
{
    open_with(w, '{');
}

void jw_array(struct json_writer *w)
{
    open_with(w, '[');
}

void jw_end_object(struct json_writer *w)
{
    close_with(w, '}');
}

void jw_end_array(struct json_writer *w)
{
    close_with(w, ']');
}

static void put_escaped(struct ds_buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        (void)buf_put_text(out, "\\\"");
        break;
    case '\\':
        (void)buf_put_text(out, "\\\\");
        break;
    case '\n':
        (void)buf_put_text(out, "\\n");
        break;
    case '\r':
        (void)buf_put_text(out, "\\r");
        break;
    case '\t':
        (void)buf_put_text(out, "\\t");
        break;
    default:
        (void)buf_printf(out, "\\u%04x", c);
    }
}

static void put_string(struct ds_buf *out, struct ds_span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t plain = 0;
    (void)buf_put_char(out, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_length(p + i, s.len - i);
        bool escape = n == 1 && (p[i] < 0x20 || p[i] == '"' || p[i] == '\\' || p[i] == 0x7f);
        if (n > 0 && !escape) {
            i += n;
            continue;
        }
        (void)buf_put(out, p + plain, i - plain);
        if (n == 0)
            (void)buf_put_text(out, "\xef\xbf\xbd");
        else
            put_escaped(out, p[i]);
        plain = ++i;
    }
    (void)buf_put(out, p ? (const void *)(p + plain) : "", s.len - plain);
    (void)buf_put_char(out, '"');
}

void jw_key_span(struct json_writer *w, struct ds_span key)
{
    assert(!w->after_key && w->depth > 0);
    before_value(w);
    put_string(w->out, key);
    (void)buf_put_char(w->out, ':');
    w->after_key = true;
}

void jw_key(struct json_writer *w, const char *key)
{
    jw_key_span(w, ds_span_of(key));
}

void jw_text(struct json_writer *w, struct ds_span text)
{
    before_value(w);
    put_string(w->out, text);
}

void jw_cstr(struct json_writer *w, const char *text)
{
    jw_text(w, ds_span_of(text));
}

void jw_u64(struct json_writer *w, uint64_t value)
{
    before_value(w);
    (void)buf_printf(w->out, "%llu", (unsigned long long)value);
}

void jw_i64(struct json_writer *w, int64_t value)
{
    before_value(w);
    (void)buf_printf(w->out, "%lld", (long long)value);
}

void jw_raw(struct json_writer *w, struct ds_span json)
{
    before_value(w);
    (void)buf_put_span(w->out, json);
}

void jw_double(struct json_writer *w, double value)
{
    char text[UNITS_NUMBER_BYTES];
    before_value(w);
    if (!isfinite(value))
        (void)buf_put_text(w->out, "null");
    else
        (void)buf_put(w->out, text, units_format_number(value, text));
}

void jw_bool(struct json_writer *w, bool value)
{
    before_value(w);
    (void)buf_put_text(w->out, value ? "true" : "false");
}

void jw_null(struct json_writer *w)
{
    before_value(w);
    (void)buf_put_text(w->out, "null");
}

void jw_kv_text(struct json_writer *w, const char *key, struct ds_span text)
{
    jw_key(w, key);
    jw_text(w, text);
}

void jw_kv_cstr(struct json_writer *w, const char *key, const char *text)
{
    jw_kv_text(w, key, ds_span_of(text));
}

void jw_kv_u64(struct json_writer *w, const char *key, uint64_t value)
{
    jw_key(w, key);
    jw_u64(w, value);
}

void jw_kv_i64(struct json_writer *w, const char *key, int64_t value)
{
    jw_key(w, key);
    jw_i64(w, value);
}

void jw_kv_double(struct json_writer *w, const char *key, double value)
{
    jw_key(w, key);
    jw_double(w, value);
}

void jw_kv_bool(struct json_writer *w, const char *key, bool value)
{
    jw_key(w, key);
    jw_bool(w, value);
}
