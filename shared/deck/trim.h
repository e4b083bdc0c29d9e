/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trim.h - neutralise requests for restart output, nothing else
 *
 * RPTRST is emptied; RPTSOL and RPTSCHED lose their RESTART mnemonic and get 0 as 7th integer
 * control; SAVE becomes a comment. Line count never changes; every other mnemonic stays.
 * Whether to trim (keep, preset, a deck with SAVE that the user wants) is the caller's.
 * Pure, reentrant. */
#ifndef DS_DECK_TRIM_H
#define DS_DECK_TRIM_H

#include "deck/closure.h"
#include "decksweep/plan.h"

/* gives: edits in file and line order, borrowing a and the closure. At most one a line. */
int trim_find(const struct closure *c, struct ds_arena *a, struct trim_edit **out, size_t *n,
              struct ds_err *err) DS_CHECKED;

/* Append text with the edits of this path applied. DS_ECORRUPT: a line is not what the edit
 * says it was. edits: all of the plan's, others are passed over. */
int trim_apply(struct ds_span path, struct ds_span text, const struct trim_edit *edits, size_t n,
               struct ds_buf *out, struct ds_err *err) DS_CHECKED;

#endif
