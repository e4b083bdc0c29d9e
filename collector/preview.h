/* SPDX-License-Identifier: GPL-3.0-or-later */
/* preview.h - a table of the first rows for a terminal: case, parameters, last values. Pure. */
#ifndef DECKSWEEP_COLLECTOR_PREVIEW_H
#define DECKSWEEP_COLLECTOR_PREVIEW_H

#include "base/buf.h"
#include "collector/dataset.h"

#define PREVIEW_ROWS    5u
#define PREVIEW_COLUMNS 4u
#define PREVIEW_PARAMS  3u

struct preview {
    uint32_t column[PREVIEW_COLUMNS]; /* vectors shown */
    size_t n_columns;
    uint32_t row[PREVIEW_ROWS];
    float last[PREVIEW_ROWS][PREVIEW_COLUMNS]; /* last value that is there, or NaN */
    size_t n_rows;
    uint32_t n_more; /* rows that have run and are not shown */
};

/* Choose the vectors: FOPT, FOPR, FGPR, FWPR, FPR, FWCT, FGOR, then WBHP of wells, then any. */
void preview_choose(struct preview *p, const struct dataset *ds);
/* Rows of a slab that come next; those that have not run are passed over. */
void preview_take(struct preview *p, const struct dataset *ds, uint32_t first, uint32_t n,
                  const float *slab);
/* A header and a line a row. a: scratch. */
int preview_put(const struct preview *p, const struct dataset *ds, struct ds_arena *a,
                struct ds_buf *out, struct ds_err *err) DS_CHECKED;

#endif
