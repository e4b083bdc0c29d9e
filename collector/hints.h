/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hints.h - sentences about parameters that seem to do nothing; see twins.h. Pure. */
#ifndef DECKSWEEP_COLLECTOR_HINTS_H
#define DECKSWEEP_COLLECTOR_HINTS_H

#include "base/buf.h"
#include "collector/dataset.h"

#define HINTS_VECTORS  32u
#define HINTS_PATTERNS 8u  /* patterns without a vector that are named */
#define HINTS_MIN_ROWS 20u /* fewer say nothing about correlation */

struct hints {
    uint32_t column[HINTS_VECTORS]; /* vectors whose last values are kept: of the field first */
    size_t n_columns;
    float *last; /* [column][row]; NULL: not kept */
};

/* a keeps; 4 bytes a vector and row. Without room hints are silent. */
void hints_start(struct hints *h, const struct dataset *ds, struct ds_arena *a);
/* Rows of a slab that come next. */
void hints_take(struct hints *h, const struct dataset *ds, uint32_t first, uint32_t n,
                const float *slab);
/* Append a sentence that names the patterns which no vector of the dataset matches; nothing when
 * all have one. Cost: patterns x vectors. */
void hints_put_unmatched(const struct dataset *ds, const struct ds_span *patterns, size_t n,
                         struct ds_buf *out);
/* Append a sentence a line: twins, idle parameters. scratch: forgotten afterwards. DS_ETOOBIG. */
int hints_put(const struct hints *h, const struct dataset *ds, struct ds_arena *scratch,
              struct ds_buf *out, struct ds_err *err) DS_CHECKED;

#endif
