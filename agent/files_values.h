/* SPDX-License-Identifier: GPL-3.0-or-later */
/* files_values.h - which file of the bundle belongs to which value of a `files` parameter
 *
 * A value is a file or a folder; a case gets the files of its own values and the common ones. A value
 * may lie below another one (geo/one/fault.inc, geo/one): its files belong to both.
 * Pure, reentrant. */
#ifndef DECKSWEEP_AGENT_FILES_VALUES_H
#define DECKSWEEP_AGENT_FILES_VALUES_H

#include "base/arena.h"
#include "decksweep/plan.h"

#define FILES_VALUES_COMMON (-1)

struct files_values {
    struct ds_span *paths; /* in the bundle: files or folders; sorted, distinct */
    int32_t *above;        /* of each: the nearest value that is a folder above it, or COMMON */
    size_t n;
};

/* Every value that a row of the design has; none without such a parameter. a keeps.
 * DS_ETOOBIG: more than 1,000,000, or the arena; DS_EPARSE: a row of the design. One pass. */
int files_values_find(const struct plan *p, const struct design *d, struct ds_arena *a,
                      struct files_values *out, struct ds_err *err) DS_CHECKED;

/* A value (a path from the deck's folder) as a path in the bundle. */
struct ds_span files_values_path(const struct plan *p, struct ds_span value, struct ds_arena *a);

/* The value that is this path or the nearest folder above it, or FILES_VALUES_COMMON. */
int32_t files_values_owner(const struct files_values *v, struct ds_span path);

/* The place of exactly this path, or FILES_VALUES_COMMON. */
int32_t files_values_index(const struct files_values *v, struct ds_span path);

/* Do files of this owner belong to a case with these n values? Common ones do. */
bool files_values_has(const struct files_values *v, int32_t owner, const int32_t *values, size_t n);

#endif
