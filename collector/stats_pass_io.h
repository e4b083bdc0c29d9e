/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats_pass_io.h - the second pass: statistics of a written summary.nc, vector by vector
 *
 * Two threads take vectors in turn; only reading packed chunks out of HDF5 is one at a time. Results
 * go through a spool file, so that summary.nc is closed (and its memory given back) before
 * statistics.nc is made. */
#ifndef DECKSWEEP_COLLECTOR_STATS_PASS_IO_H
#define DECKSWEEP_COLLECTOR_STATS_PASS_IO_H

#include "collector/write_netcdf_io.h"

/* take: n_rows, which rows count. memory_bytes bounds what is held at once. spool_fd: an open
 * file to fill with [vector][STAT_KINDS][time] doubles. tick: called now and then in the
 * caller's thread; negative stops (DS_EINTR). Rows are at least one. */
int stats_pass_run(struct summary_nc *w, const struct dataset *ds, const bool *take,
                   size_t memory_bytes, int spool_fd, int (*tick)(void *context, size_t vector),
                   void *context, struct ds_err *err) DS_CHECKED;

/* A statistics_next_f over the spool. */
struct stats_spool {
    int fd;
    size_t n_times;
};
int stats_spool_next(void *spool, size_t vector, double *out, struct ds_err *err);

#endif
