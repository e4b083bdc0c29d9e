/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8.h - texts from outside: what is UTF-8, and what may be shown. Pure. */
#ifndef DS_BASE_UTF8_H
#define DS_BASE_UTF8_H

#include "decksweep/span.h"

/* Bytes of the sequence at s (1 .. 4), 0 when there is none: overlong, surrogate, above
 * U+10FFFF, cut. left > 0. Form: RFC 3629. */
size_t utf8_length(const unsigned char *s, size_t left);

/* All of it well-formed? */
bool utf8_is_valid(struct ds_span text);

/* One step through a text that is to be shown: bytes to go on by (1 for a byte that starts no
 * sequence), and the code point, or '?' for control codes (C0, DEL, C1), invalid bytes, and marks
 * that turn the direction of text or break lines. s.len > 0. */
size_t utf8_step(struct ds_span s, uint32_t *code);

#endif
