/* SPDX-License-Identifier: GPL-3.0-or-later */
/* starter.h - the commented sweep file that `decksweep init` writes for a deck. Pure.
 *
 * It runs as it stands: a deck without placeholders is one case, a deck with placeholders gets a
 * parameter for each, with values to be changed. How to put a first placeholder in is shown
 * on a line of the deck itself. */
#ifndef DS_CLI_STARTER_H
#define DS_CLI_STARTER_H

#include "base/arena.h"
#include "base/buf.h"
#include "deck/closure.h"

#define STARTER_MAX_PARAMS  1000u
#define STARTER_MAX_VECTORS 200u

/* A number of the deck that could become a placeholder. */
struct starter_hint {
    bool found;
    struct ds_span path; /* of the file, for people */
    uint32_t line;
    struct ds_span was; /* the line, trimmed */
    struct ds_span now; /* the line with <NAME> */
    char name[9];       /* the keyword above it: PORO */
    double value;
};

struct starter {
    struct ds_span deck_path;     /* as the sweep file shall say it */
    struct ds_span name;          /* of the sweep: a DNS label */
    const struct ds_span *params; /* placeholders that are in the deck, sorted, distinct */
    size_t n_params;
    const struct ds_span *vectors; /* keywords of the SUMMARY section */
    size_t n_vectors;
    struct starter_hint hint;
    bool writes_restart;
    uint32_t n_report_steps;
    uint64_t cells;
};

/* "SPE1CASE1.DATA" -> "spe1case1": letters, digits and '-', at most 40. a keeps; "sweep" when
 * nothing is left. */
struct ds_span starter_name(struct ds_span deck_name, struct ds_arena *a);

/* Placeholders of all text files of a closure but the built-in ones. DS_ETOOBIG. */
int starter_find_params(const struct closure *c, struct ds_arena *a, const struct ds_span **out,
                        size_t *n, struct ds_err *err) DS_CHECKED;

/* The first line under PORO, PERMX, MULTPV, ... that is one number. */
struct starter_hint starter_find_hint(const struct closure *c, struct ds_arena *a);

/* Append the file. */
void starter_put(const struct starter *s, struct ds_buf *out);

#endif
