/* SPDX-License-Identifier: GPL-3.0-or-later */
/* twins.h - hints that parameters do not do what their author thinks
 *
 * Cases with different parameters and the same summary; parameters whose change changes
 * nothing (a SKIPREST that skips the edit, a keyword that is overwritten later). Pure. */
#ifndef DECKSWEEP_COLLECTOR_TWINS_H
#define DECKSWEEP_COLLECTOR_TWINS_H

#include "collector/dataset.h"

struct twins {
    uint32_t a, b;    /* rows of different id with equal values_hash */
    uint32_t n_cases; /* ok rows that have such a twin; 0: none */
};

/* Over the ok rows. scratch: about 16 bytes a row. DS_ETOOBIG: the arena. */
int twins_find(const struct dataset *ds, struct ds_arena *scratch, struct twins *out,
               struct ds_err *err) DS_CHECKED;

/* For each parameter: is there a set of ok rows that differ in it alone, and have all such sets
 * equal values? moves_nothing: n_params entries. Says nothing of sampled designs, where no two rows
 * differ in one parameter only. scratch: about 24 bytes a row and parameter. DS_ETOOBIG. */
int twins_find_idle(const struct dataset *ds, struct ds_arena *scratch, bool *moves_nothing,
                    struct ds_err *err) DS_CHECKED;

/* Largest |Spearman's rank correlation| of x with any of n_y vectors, over n rows; pairs
 * with a NaN do not count. y: [vector][row]. 0 where fewer than 3 pairs count. scratch as above. */
double twins_rank_correlation(const double *x, const float *y, size_t n_y, size_t n,
                              struct ds_arena *scratch);

#endif
