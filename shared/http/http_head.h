/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http_head.h - header lines of an answer, as they come from a hostile server
 *
 * Pure. RFC 9110 (fields, dates) and RFC 9112 (lines). */
#ifndef DS_HTTP_HTTP_HEAD_H
#define DS_HTTP_HTTP_HEAD_H

#include "http/http.h"

#define HTTP_HEAD_MOST_BYTES ((size_t)256 << 10) /* of all lines, interim answers included */
#define HTTP_HEAD_KEEP_BYTES ((size_t)64 << 10)  /* of the names and values that are kept */

struct http_head {
    struct ds_arena *a; /* names and values; owned by the caller */
    struct http_header header[HTTP_MAX_HEADERS];
    size_t n;
    size_t total_bytes;
};

void http_head_init(struct http_head *h, struct ds_arena *a /* keeps; >= HTTP_HEAD_KEEP_BYTES */);

/* One line with or without its end. A status line forgets what came before (interim answers);
 * a line without colon, a name that is none and what is beyond HTTP_MAX_HEADERS are dropped;
 * control bytes in values become blanks. DS_ETOOBIG: a bound above. */
int http_head_line(struct http_head *h, struct ds_span line, struct ds_err *err) DS_CHECKED;

struct ds_span http_head_get(const struct http_header *at, size_t n, const char *name); /* "" */

/* The three forms of RFC 9110 5.6.7 -> Unix seconds; 0: none of them. */
int64_t http_date_parse(struct ds_span text);

/* Seconds or a date -> ms from now_unix_s, 0 .. a day; -1: neither. */
int64_t http_retry_after_parse(struct ds_span text, int64_t now_unix_s);

/* Is it a field name / a field value that may be sent? */
bool http_is_field_name(struct ds_span name);
bool http_is_field_value(struct ds_span value);

#endif
