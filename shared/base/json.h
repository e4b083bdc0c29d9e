/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.h - reading JSON through cJSON, writing canonical JSON ourselves
 *
 * Reading: texts are hostile; size and depth are bounded before cJSON sees them. A tree is
 * owned by json_destroy; strings borrow it. Writing: keys come out in the order they are
 * put; callers who need canonical text put them sorted. Numbers are written by
 * units_format_number; NaN and infinities as null. Pure. */
#ifndef DS_BASE_JSON_H
#define DS_BASE_JSON_H

#include "base/buf.h"

struct json; /* a value inside a tree */

/* One JSON value and nothing behind it. Depth at most 64. DS_EPARSE with the byte offset,
 * DS_ETOOBIG above max_bytes. gives: json_destroy. */
int json_parse(struct ds_span text, size_t max_bytes, struct json **out,
               struct ds_err *err) DS_CHECKED;
void json_destroy(struct json *j);
static inline void json_destroy_at(struct json **j)
{
    json_destroy(*j);
}
#define ds_auto_json __attribute__((cleanup(json_destroy_at))) struct json *

/* All accept NULL for j, and then say "not there". */
bool json_is_null(const struct json *j);                            /* null, or not there */
const struct json *json_get(const struct json *j, const char *key); /* NULL: absent or no object */
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
size_t json_count(const struct json *j);             /* of array or object */
const struct json *json_first(const struct json *j); /* child, NULL */
const struct json *json_next(const struct json *child);
struct ds_span json_key(const struct json *child);         /* inside an object */
bool json_text(const struct json *j, struct ds_span *out); /* false: no string */
bool json_number(const struct json *j, double *out);       /* false: no number */
bool json_bool(const struct json *j, bool *out);
bool json_u64(const struct json *j, uint64_t max, uint64_t *out); /* whole, 0 .. max < 2^53 */
bool json_i64(const struct json *j, int64_t *out);                /* whole, |x| < 2^53 */

/* A writer keeps the commas right; depth at most 60. */
struct json_writer {
    struct ds_buf *out;
    uint64_t has_sibling; /* bit per depth */
    unsigned depth;
    bool after_key;
};
void jw_init(struct json_writer *w, struct ds_buf *out); /* borrows out while in use */
void jw_object(struct json_writer *w);
void jw_array(struct json_writer *w);
void jw_end_object(struct json_writer *w);
void jw_end_array(struct json_writer *w);
void jw_key(struct json_writer *w, const char *key);
void jw_key_span(struct json_writer *w, struct ds_span key);
void jw_text(struct json_writer *w,
             struct ds_span text); /* bytes that are no UTF-8 (utf8.h) become U+FFFD */
void jw_cstr(struct json_writer *w, const char *text);
void jw_u64(struct json_writer *w, uint64_t value);
void jw_i64(struct json_writer *w, int64_t value);
void jw_double(struct json_writer *w, double value);
void jw_bool(struct json_writer *w, bool value);
void jw_null(struct json_writer *w);
void jw_raw(struct json_writer *w, struct ds_span json); /* one value that is JSON already */
/* key and value in one line */
void jw_kv_text(struct json_writer *w, const char *key, struct ds_span text);
void jw_kv_cstr(struct json_writer *w, const char *key, const char *text);
void jw_kv_u64(struct json_writer *w, const char *key, uint64_t value);
void jw_kv_i64(struct json_writer *w, const char *key, int64_t value);
void jw_kv_double(struct json_writer *w, const char *key, double value);
void jw_kv_bool(struct json_writer *w, const char *key, bool value);

#endif
