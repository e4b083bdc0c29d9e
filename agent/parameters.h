/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parameters.h - a case's values, and where they go: deck, words of the command, files
 *
 * The names of a sweep's placeholders are its parameters followed by IENS and REAL (the case
 * number) and ITER (0). Pure and reentrant. */
#ifndef DS_AGENT_PARAMETERS_H
#define DS_AGENT_PARAMETERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/plan.h"

#define PARAMETERS_BUILT_IN 3u

/* Names of all placeholders: plan->n_params + PARAMETERS_BUILT_IN entries in a, or NULL when
 * the arena is full. */
const struct ds_span *parameters_names(const struct plan *p, struct ds_arena *a);

/* The values of one row, in the order of the names. a keeps. DS_EPARSE: the row; DS_ETOOBIG. */
int parameters_values(const struct plan *p, const struct design *d, uint32_t row,
                      struct ds_arena *a, const struct ds_span **values,
                      struct ds_err *err) DS_CHECKED;

/* {"KX":{"value":250},"ROCK":{"value":"sand"}}\n : numbers of numeric parameters as numbers.
 * values: as from parameters_values. DS_ETOOBIG: out's cap. */
int parameters_put_json(const struct plan *p, const struct ds_span *values, struct ds_buf *out,
                        struct ds_err *err) DS_CHECKED;
/* "KX 250\n" a parameter; values with blanks in double quotes. */
int parameters_put_text(const struct plan *p, const struct ds_span *values, struct ds_buf *out,
                        struct ds_err *err) DS_CHECKED;

/* A word of the command with every <NAME> of the names replaced; other <...> stay. The word
 * itself when nothing is to be replaced. {NULL, 0}: arena full. */
struct ds_span parameters_fill(struct ds_span word, const struct ds_span *names,
                               const struct ds_span *values, size_t n, struct ds_arena *a);

/* A plan whose args, command and not_converged_args are filled in for one case; everything
 * else as in p (shallow). DS_ETOOBIG: the arena. */
int parameters_fill_plan(const struct plan *p, const struct ds_span *names,
                         const struct ds_span *values, size_t n, struct ds_arena *a,
                         struct plan *out, struct ds_err *err) DS_CHECKED;

#endif
