/* SPDX-License-Identifier: GPL-3.0-or-later */
/* align.h - put the report steps of many cases on one time axis
 *
 * An instant is whole seconds since 1970 of the proleptic Gregorian calendar without time zone,
 * as summary/instant.h recovers it from float32 TIME; cases join on it. Pure, reentrant. */
#ifndef DECKSWEEP_COLLECTOR_ALIGN_H
#define DECKSWEEP_COLLECTOR_ALIGN_H

#include "base/arena.h"
#include "decksweep/sweep.h"

#define ALIGN_MAX_TIMES 20000u
#define ALIGN_NONE      UINT32_MAX

/* A sorted set of distinct instants. */
struct align_times {
    int64_t *at_s;
    size_t n;
};

/* into = into + more[0 .. n) (strictly ascending). Both may be empty. a keeps a new array, only
 * when it grows. DS_ETOOBIG: more than ALIGN_MAX_TIMES, or the arena is full. */
int align_unite(struct align_times *into, const int64_t *more, size_t n, struct ds_arena *a,
                struct ds_err *err) DS_CHECKED;

bool align_has(const struct align_times *times, int64_t instant_s); /* binary search */

/* The axis that a sweep asks for.
 *
 * reports   the union of the ok cases' report times; the axis itself for TIMES_REPORT
 * start_s   earliest START: where TIMES_EVERY counts from; months and years follow it
 * out       gives: for grids every instant after start_s up to the last report; for
 *           TIMES_DATES the dates as given
 * DS_ETOOBIG: more than ALIGN_MAX_TIMES, or the arena is full. */
int align_axis(const struct sweep_collect *what, const struct align_times *reports, int64_t start_s,
               struct ds_arena *a, struct align_times *out, struct ds_err *err) DS_CHECKED;

/* Does the axis of a grid (EVERY, MONTHLY, YEARLY) end before the last report? Dates that
 * somebody chose one by one are as meant: false. */
bool align_misses_last(const struct sweep_collect *what, const struct align_times *reports,
                       const struct align_times *axis);

/* Where the value at one time of the axis comes from, as report indexes of a case. */
struct align_source {
    uint32_t before; /* report at or before the time; ALIGN_NONE: none */
    uint32_t after;  /* report at or after it; ALIGN_NONE: nothing there, the value is NaN */
    double weight;   /* of after, 0 .. 1 */
};

/* For each time of the axis the case's report(s). reports: n, strictly ascending.
 * on_grid false: only a report at that very instant counts. start_s: the case's START; on a
 * grid nothing is there at or before it. out: axis->n entries. Cost O(axis + reports). */
void align_map(const struct align_times *axis, const int64_t *reports, size_t n, bool on_grid,
               int64_t start_s, struct align_source *out);

/* Is the value at every time of the axis that of the report of the same index? Then align_fill
 * would only copy. */
bool align_is_straight(const struct align_source *map, size_t n_times);

/* One vector of one case on the axis: values[0 .. reports) -> out[0 .. n_times). interpolate:
 * linear in time (totals, pressures, saturations), else the report at or after the time. */
void align_fill(const float *values, const struct align_source *map, size_t n_times,
                bool interpolate, float *out);

#endif
