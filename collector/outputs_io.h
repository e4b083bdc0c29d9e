/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outputs_io.h - the files of a dataset while they are made in a scratch folder
 *
 * Open, feed blocks of rows in order, finish, then publish into the store. */
#ifndef DECKSWEEP_COLLECTOR_OUTPUTS_IO_H
#define DECKSWEEP_COLLECTOR_OUTPUTS_IO_H

#include "collector/collect.h"
#include "collector/dataset.h"
#include "collector/write_netcdf_io.h"

struct outputs;

/* dir: existing scratch folder. ds, what: borrowed until destroyed. gives: outputs_destroy. */
int outputs_create(const char *dir, const struct dataset *ds, const struct sweep_collect *what,
                   struct outputs **out, struct ds_err *err) DS_CHECKED;
void outputs_destroy(struct outputs *o); /* NULL is legal; removes no files */

/* NULL when netCDF is not among the formats. */
struct summary_nc *outputs_nc(struct outputs *o);

int outputs_put_block(struct outputs *o, uint32_t first, uint32_t n, const float *slab,
                      struct ds_err *err) DS_CHECKED;

/* All rows are known: complete summary.nc, compute statistics, write parameters.csv. tick as
 * in stats_pass_run. */
int outputs_finish(struct outputs *o, size_t memory_bytes,
                   int (*tick)(void *context, size_t vector), void *context,
                   struct ds_err *err) DS_CHECKED;

/* Replace the sweep's dataset/ objects, each in one step; fills report->objects. */
int outputs_publish(struct outputs *o, struct store *s, struct ds_span prefix,
                    struct collect_report *report, struct ds_err *err) DS_CHECKED;

#endif
