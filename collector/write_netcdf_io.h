/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write_netcdf_io.h - summary.nc and statistics.nc through netcdf-c
 *
 * Files are made for streaming: a slab of rows is one chunk a vector, chunk caches hold one
 * byte (netCDF else keeps every variable's chunks), deflate and shuffle only. HDF5 is not
 * thread-safe: all calls come from one thread at a time. Format: docs/dataset.md. */
#ifndef DECKSWEEP_COLLECTOR_WRITE_NETCDF_IO_H
#define DECKSWEEP_COLLECTOR_WRITE_NETCDF_IO_H

#include "collector/dataset.h"

struct summary_nc;

/* Create path (replacing it) with all dimensions and vector variables of ds. borrows ds until
 * closed. DS_ENOSPC, DS_EIO; gives: summary_nc_close. */
int summary_nc_create(const char *path, const struct dataset *ds, struct summary_nc **out,
                      struct ds_err *err) DS_CHECKED;

/* Rows first .. first+n of every vector. slab: [vector][n][time]; a vector whose rows are
 * all NaN is not written (it reads as NaN). first is a multiple of ds->block_rows. */
int summary_nc_put_block(struct summary_nc *w, uint32_t first, uint32_t n, const float *slab,
                         struct ds_err *err) DS_CHECKED;

/* What stands along case, parameters and counts; then the file is complete but open. */
int summary_nc_finish(struct summary_nc *w, struct ds_err *err) DS_CHECKED;

/* Where the packed chunks (chunk.h) of the vectors stand in the file. */
struct chunk_place {
    uint64_t at;
    uint32_t bytes; /* 0: all NaN, there is none */
};
/* [vector][block of rows], after the last block; gives: free. The file's bytes there do not change
 * any more and may be read by others, whatever is done with w. */
struct chunk_place *summary_nc_take_places(struct summary_nc *w);

/* Close; errors of the last write show here. w is gone also on failure. */
int summary_nc_close(struct summary_nc *w, struct ds_err *err) DS_CHECKED;
void summary_nc_abandon(struct summary_nc *w); /* NULL is legal; the file is left half made */

/* Gives the statistics of the vectors in turn: out[STAT_KINDS][n_times]. */
typedef int (*statistics_next_f)(void *context, size_t vector, double *out, struct ds_err *err);

/* Write statistics.nc. */
int statistics_nc_write(const char *path, const struct dataset *ds, statistics_next_f next,
                        void *context, struct ds_err *err) DS_CHECKED;

#endif
