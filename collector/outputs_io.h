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

int outputs_put_block(struct outputs *o, uint32_t first, uint32_t n, const float *slab,
                      struct ds_err *err) DS_CHECKED;

/* The last block is in and ds->rows are known: statistics begin, in a thread of their own. tick as in
 * struct stats_what. */
int outputs_start_statistics(struct outputs *o, size_t memory_bytes, int (*tick)(void *context),
                             void *context, struct ds_err *err) DS_CHECKED;

/* After that: complete summary.nc, write statistics.nc and parameters.csv. */
int outputs_finish(struct outputs *o, struct ds_err *err) DS_CHECKED;

/* Replace the sweep's dataset/ objects, each in one step; fills report->objects. */
int outputs_publish(struct outputs *o, struct store *s, struct ds_span prefix,
                    struct collect_report *report, struct ds_err *err) DS_CHECKED;

#endif
