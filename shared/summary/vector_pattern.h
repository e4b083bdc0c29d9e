/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vector_pattern.h - which vectors a user means by "F*", "WBHP", "WBHP:PROD*", "BPR:10,10,3"
 *
 * A pattern is parts joined by ':'. Each part is a glob (* ? [a-z] and \ as quote). The first
 * is matched against the keyword without regard to case; the rest against the rest of the
 * key: names as stored, with regard to case first, without if nothing of the name has
 * lower-case letters. A pattern without ':' means every vector of that keyword: "WOPR" is
 * "WOPR:*", as ERT reads it. "*" is everything. Pure. */
#ifndef DS_SUMMARY_VECTOR_PATTERN_H
#define DS_SUMMARY_VECTOR_PATTERN_H

#include "summary/smspec.h"

#define VECTOR_PATTERN_BYTES 256u /* longest pattern */

/* Would it ever match? DS_EINPUT: empty, too long, control bytes, an unclosed '['. */
int vector_pattern_check(struct ds_span pattern, struct ds_err *err) DS_CHECKED;

/* key: canonical ("WBHP:PROD"). */
bool vector_pattern_matches(struct ds_span pattern, struct ds_span key);

/* Any of n patterns. */
bool vector_patterns_match(const struct ds_span *patterns, size_t n, struct ds_span key);

#endif
