/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http_target.h - what stands in a request line and in Range, taken apart
 *
 * Bytes of a client are hostile: nothing is decoded twice, a NUL or a broken escape is an
 * error, lengths are bounded. Pure and reentrant; RFC 3986 and RFC 9110. */
#ifndef DS_HTTP_HTTP_TARGET_H
#define DS_HTTP_HTTP_TARGET_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

#define HTTP_TARGET_BYTES 8192u

/* "/a%20b?x=1" -> path "/a b" (decoded, terminated, no NUL inside) and query "x=1" (as it stands). The form
 * with scheme and host, as proxies send it, is understood; anything else that does not begin
 * with '/' is DS_EINPUT. a: keeps path; query borrows text. */
int http_target_parse(struct ds_span text, struct ds_arena *a, struct ds_span *path,
                      struct ds_span *query, struct ds_err *err) DS_CHECKED;

/* First value of a name in "a=1&b=x%20y", decoded ('+' is a blank) into a. found false: not there. */
int http_query_get(struct ds_span query, const char *name, struct ds_arena *a, struct ds_span *out,
                   bool *found, struct ds_err *err) DS_CHECKED;

/* Append text with everything but A-Z a-z 0-9 - . _ ~ escaped; keep_slash: '/' stands too. */
void http_put_encoded(struct ds_buf *out, struct ds_span text, bool keep_slash);

enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_PART, HTTP_RANGE_OUTSIDE /* 416 */ };
/* "bytes=5-9", "bytes=5-", "bytes=-5" of an object of size bytes -> offset and length. What is
 * not one such range (several, other units, nonsense) is ignored as RFC 9110 allows: NONE. */
enum http_range http_range_parse(struct ds_span value, uint64_t size_bytes, uint64_t *offset,
                                 uint64_t *len);

#endif
