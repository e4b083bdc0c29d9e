/* SPDX-License-Identifier: GPL-3.0-or-later */
/* features.h - what a deck needs of a machine, and what its SUMMARY section produces
 *
 * From the closure's items alone; deck numbers that are placeholders count as unknown (0)
 * with a warning. Pure, reentrant. */
#ifndef DS_DECK_FEATURES_H
#define DS_DECK_FEATURES_H

#include "deck/closure.h"
#include "decksweep/plan.h"

/* out: every field of struct deck_features; writes_restart as the deck stands (the caller
 * clears it when it trims). title: text of TITLE, "" if none; borrows the closure. */
int features_read(const struct closure *c, struct ds_arena *a, struct deck_features *out,
                  struct ds_span *title, struct deck_problems *problems,
                  struct ds_err *err) DS_CHECKED;

/* Peak memory of one case under OPM Flow (DESIGN.md 6): an upper bound within 1.5 of what
 * was measured on every deck of tests/data/decks. ranks >= 1. */
uint64_t features_memory_bytes(const struct deck_features *f, uint32_t ranks);
/* The same in words: "69 MiB + 9000 cells x 7.6 KiB + ...". */
struct ds_span features_memory_words(const struct deck_features *f, uint32_t ranks,
                                     struct ds_arena *a);

/* Can the SUMMARY section produce a vector that this pattern ("FOPT", "W*", "WBHP:PROD*",
 * glob) matches? Where wells and groups are not listed one by one (patterns, placeholders) any
 * may. TIME and YEARS, which Flow always writes, are producible. */
bool features_summary_can(const struct closure *c, struct ds_span pattern);

/* Keywords of the SUMMARY section, upper case, sorted, once each; ALL and kin expanded. */
int features_summary_keywords(const struct closure *c, struct ds_arena *a, struct ds_span **out,
                              size_t *n, struct ds_err *err) DS_CHECKED;

#endif
