/* SPDX-License-Identifier: GPL-3.0-or-later */
/* number_list.h - "0-9,17": case numbers as people and rounds write them. Pure. */
#ifndef DS_CONTRACT_NUMBER_LIST_H
#define DS_CONTRACT_NUMBER_LIST_H

#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/round.h"

/* Parse ranges, sort them and join what touches or overlaps.
 *
 * text   "0-9,17": blanks around parts are fine; at most 1,000,000 parts
 * a      keeps *ranges
 *
 * Returns 0, or DS_EPARSE naming the part that is wrong, DS_ETOOBIG. Cost: O(n log n). */
int number_list_parse(struct ds_span text, struct ds_arena *a, const struct number_range **ranges,
                      size_t *n_ranges, struct ds_err *err) DS_CHECKED;

/* Append "0-9,17". */
void number_list_put(struct ds_buf *out, const struct number_range *ranges, size_t n_ranges);

/* Is number in the (sorted, disjoint) ranges? Binary search. */
bool number_list_has(const struct number_range *ranges, size_t n_ranges, uint32_t number);

#endif
