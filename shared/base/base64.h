/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base64.h - RFC 4648, both alphabets when reading. Pure. */
#ifndef DS_BASE_BASE64_H
#define DS_BASE_BASE64_H

#include "base/arena.h"
#include "base/buf.h"

/* Append bytes as base64 with padding, in one line. 0 or DS_ETOOBIG. */
int base64_put(struct ds_buf *out, const void *bytes, size_t n);

/* Standard or URL-safe, padded or not, white space between is skipped. out: in a, terminated.
 * DS_EPARSE: another character, one character too many, bits that must be 0; DS_ETOOBIG: a. */
int base64_decode(struct ds_span text, struct ds_arena *a, struct ds_span *out,
                  struct ds_err *err) DS_CHECKED;

#endif
