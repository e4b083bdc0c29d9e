/* SPDX-License-Identifier: GPL-3.0-or-later */
/* merge_io.h - read all cases, block by block, into slabs on one time axis
 *
 * A thread reads ahead into one slab while the caller writes the other. Times and vectors of
 * the dataset are first taken from the first ok case; a later case that brings others is a
 * surprise: the merge stops, merge_scan looks at all cases, and a second merge cannot be
 * surprised. Sweeps of one deck never are. */
#ifndef DECKSWEEP_COLLECTOR_MERGE_IO_H
#define DECKSWEEP_COLLECTOR_MERGE_IO_H

#include "collector/collect.h"
#include "collector/index.h"
#include "collector/read_io.h"
#include "collector/schema.h"

#define MERGE_NOT_TAKEN UINT32_MAX

struct merge {
    struct dataset *ds;
    struct schema *schema;
    const struct index *index;
    const struct sweep_collect *what;
    struct case_reader *reader;
    struct ds_arena *a; /* texts of rows, warnings, axis; only the reading thread takes */
    struct collect_report *report; /* counts and warnings are added here */
    const uint32_t *taken_from; /* of each row: its row in the old file, or MERGE_NOT_TAKEN; NULL */
    bool final;                 /* merge_scan has seen every case */
    enum summary_units units;   /* so far; ds->units once the merge is over */
    uint32_t units_number;      /* case number that units comes from */
    uint32_t *row_of_slot;      /* last row read of each slot, plus 1 */
    bool said_doubles;
    struct ds_span (*interned)[1024]; /* last texts, by hash */
};

/* DS_ETOOBIG: the arena. */
int merge_start(struct merge *m, struct ds_err *err) DS_CHECKED;

/* Times and vectors of the first ok case that can be read. *found false: there is none. */
int merge_expect_first(struct merge *m, bool *found, struct ds_err *err) DS_CHECKED;

/* Times and vectors of all cases. Without any ok case the times are those of the failed ones. */
int merge_scan(struct merge *m, struct ds_err *err) DS_CHECKED;

/* Reading has begun. Called once in the caller's thread, before the first block; a negative result
 * ends the merge. ds->rows and the arena are the reading thread's. */
typedef int (*merge_begin_f)(void *context, struct ds_err *err);

/* One block of rows is ready: slab [vector][n][time]. Called in the caller's thread, in
 * order; a negative result ends the merge. */
typedef int (*merge_block_f)(void *context, uint32_t first, uint32_t n, float *slab,
                             struct ds_err *err);

/* Read every row. ds has axis, vectors and block_rows. *surprised: stopped early, scan and
 * merge again. DS_EINPUT: cases of different unit systems. */
int merge_run(struct merge *m, merge_begin_f begin, merge_block_f ready, void *context,
              bool *surprised, struct ds_err *err) DS_CHECKED;

/* A sentence for people; the first COLLECT_MAX_WARNINGS are kept. */
void merge_warn(struct merge *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
