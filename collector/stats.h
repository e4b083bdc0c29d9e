/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats.h - statistics over cases, as numpy computes them from the values as float64
 *
 * Quantiles are numpy's nanquantile (linear interpolation between order statistics), std is
 * nanstd with ddof=0. NaN values do not count; where nothing counts all but count are NaN.
 * Quantiles are named as quantiles: q10 is what the oil industry calls P90. Pure. */
#ifndef DECKSWEEP_COLLECTOR_STATS_H
#define DECKSWEEP_COLLECTOR_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stat_kind {
    STAT_Q10,
    STAT_Q50,
    STAT_Q90,
    STAT_MEAN,
    STAT_STD,
    STAT_MIN,
    STAT_MAX,
    STAT_COUNT, /* how many values counted */
    STAT_KINDS
};
extern const char *const STAT_NAME[STAT_KINDS]; /* "q10" ... "count" */

/* Scratch that stats_of_columns needs for n rows, in bytes. */
size_t stats_scratch_bytes(size_t n_rows);

/* Statistics of every column of a table.
 *
 * values   borrows: row r begins at values + r * stride, n_columns (<= stride) values count
 * take     borrows: n_rows, rows to take; NULL = all
 * scratch  stats_scratch_bytes(n_rows), aligned as malloc's
 * out      gives: out[k * out_stride + column] for k of enum stat_kind
 * Infinities make mean and std what numpy makes of them. Cost: about 3 ns a value. */
void stats_of_columns(const float *values, size_t n_rows, size_t stride, size_t n_columns,
                      const bool *take, void *scratch, double *out, size_t out_stride);

#endif
