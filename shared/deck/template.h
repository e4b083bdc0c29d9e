/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template.h - placeholders <NAME> of deck files: find, check values, fill in
 *
 * A placeholder is `<`, a letter or `_`, letters, digits or `_`, `>`, anywhere outside
 * comments and the line after TITLE. Pure, reentrant. */
#ifndef DS_DECK_TEMPLATE_H
#define DS_DECK_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "deck/closure.h"
#include "deck/problem.h"
#include "decksweep/plan.h"

#define TEMPLATE_MAX_VALUE_BYTES 4096u

struct template_slot {
    struct ds_span name;
    uint32_t line, column;
    size_t offset;      /* of '<' in the file's text */
    char quote;         /* ' or " when it stands between such quotes, else 0 */
    char before, after; /* the bytes next to it; '\n' at the line's ends */
    bool repeats;       /* what stands before it is "n*" */
    bool is_count;      /* what stands behind it is '*': it is a repeat count */
};

/* All placeholders of one file's text, in order. stop_line: placeholders after it are not
 * read by the simulator and left out; 0 = none. DS_ETOOBIG: arena, or above 1,000,000. */
int template_find(struct ds_span text, uint32_t stop_line, struct ds_arena *a,
                  struct template_slot **out, size_t *n, struct ds_err *err) DS_CHECKED;

/* Placeholders of a whole closure against the declared names.
 *
 * names     sorted or not; IENS, REAL and ITER are the caller's to add
 * used      gives: n_names flags, true where the deck or a case file has it
 * slots     (may be NULL) gives every slot with its file, for checking values */
struct template_use {
    struct template_slot slot;
    uint32_t file; /* of the closure */
    uint32_t name; /* index into names */
};
int template_check(const struct closure *c, const struct ds_span *names, size_t n_names, bool *used,
                   struct ds_arena *a, struct template_use **uses, size_t *n_uses,
                   struct deck_problems *problems, struct ds_err *err) DS_CHECKED;

/* May value stand in this slot? Inside quotes: no quote, newline or control byte, and at most
 * TEMPLATE_MAX_VALUE_BYTES. Outside: one number or bare word [A-Za-z0-9_.+-]; not empty; no
 * "--" with its neighbours; after "n*" a number or bare word that is none itself; as a count a
 * positive whole number; no D-less oddities such as "nan" or "inf". err: "'x' cannot stand
 * here: why". Does not name the file: the caller wraps. Cost: O(value). */
int template_check_value(const struct template_slot *slot, struct ds_span value,
                         struct ds_err *err) DS_CHECKED;

/* ---- rendering: prepare once, render for every case ---- */

struct template_piece {
    struct ds_span text; /* literal text before the slot (or at the end) */
    int32_t name;        /* index into names; -1 at the end */
};
struct template_plan {
    struct ds_span path; /* in the bundle */
    const struct template_piece *pieces;
    size_t n_pieces;
    size_t literal_bytes;
};

/* Cut one file of the bundle into literals and slots, trims of this path applied first (their
 * `was` must be what stands there: DS_ECORRUPT). Placeholders that are not in names stay as
 * text: template_check has refused them where the simulator reads them. text, names, trims:
 * borrowed by out. a keeps the pieces and a trimmed copy. DS_ETOOBIG: arena. Cost: one pass. */
int template_prepare(struct ds_span path, struct ds_span text, const struct ds_span *names,
                     size_t n_names, const struct trim_edit *trims, size_t n_trims,
                     struct ds_arena *a, struct template_plan *out, struct ds_err *err) DS_CHECKED;

/* Append the rendered file. values: n_names entries, as checked. DS_ETOOBIG: out's cap. */
int template_render(const struct template_plan *t, const struct ds_span *values, size_t n_values,
                    struct ds_buf *out, struct ds_err *err) DS_CHECKED;

#endif
