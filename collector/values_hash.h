/* SPDX-License-Identifier: GPL-3.0-or-later */
/* values_hash.h - one number that is equal where all summary values of two cases are equal
 *
 * Run times (TCPU and kin) do not count, nor does the order of the vectors. The number is kept in
 * the dataset and compared with those of later collects: it may not change. Pure. */
#ifndef DECKSWEEP_COLLECTOR_VALUES_HASH_H
#define DECKSWEEP_COLLECTOR_VALUES_HASH_H

#include "base/arena.h"
#include "summary/smspec.h"

/* What depends on the vectors (and on the times last seen) only. */
struct values_hash {
    const struct summary_vector *const *vectors;
    uint32_t *place; /* of those that count, in vectors */
    uint64_t *start; /* their states before the first value, for `times` */
    size_t n;
    uint64_t times; /* hash of the times; 0 none yet */
};

/* vectors: n, borrowed as long as x lives. a keeps. DS_ETOOBIG: the arena. */
int values_hash_init(struct values_hash *x, const struct summary_vector *const *vectors, size_t n,
                     struct ds_arena *a, struct ds_err *err) DS_CHECKED;

/* values: [vector][stride], of which n_reports count; instants_s: n_reports. Never 0. */
uint64_t values_hash_of(struct values_hash *x, const int64_t *instants_s, size_t n_reports,
                        const float *values, size_t stride);

#endif
