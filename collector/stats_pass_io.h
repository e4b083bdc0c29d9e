/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats_pass_io.h - the second pass: statistics of a written summary.nc, vector by vector
 *
 * A thread begins while the caller still completes and closes the file: both read packed chunks from
 * where they stand, without HDF5. The caller helps when it asks for results. They go through a
 * spool file, as they may be ready long before they are wanted. */
#ifndef DECKSWEEP_COLLECTOR_STATS_PASS_IO_H
#define DECKSWEEP_COLLECTOR_STATS_PASS_IO_H

#include "collector/write_netcdf_io.h"

struct stats_pass;

struct stats_what {
    const struct dataset *ds;        /* borrowed while the pass lives; has rows and times */
    const char *path;                /* of summary.nc; borrowed */
    const char *spool_path;          /* of a file to be made here; borrowed */
    const struct chunk_place *place; /* summary_nc_take_places; borrowed */
    const bool *take;                /* n_rows, which rows count; borrowed */
    size_t memory_bytes;             /* bounds what is held at once */
    int (*tick)(void *context);      /* now and then, in the thread of stats_pass_next; negative
                                      * stops (DS_EINTR) */
    void *context;
};

/* DS_EIO; gives: stats_pass_end. Without a second thread the caller does it all. */
int stats_pass_start(const struct stats_what *what, struct stats_pass **out,
                     struct ds_err *err) DS_CHECKED;
void stats_pass_end(struct stats_pass *p); /* NULL is legal; also before all is done */

/* A statistics_next_f: the results of a vector, each asked for once, in order. */
int stats_pass_next(void *pass, size_t vector, double *out, struct ds_err *err);

#endif
