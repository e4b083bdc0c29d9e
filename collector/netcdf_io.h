/* SPDX-License-Identifier: GPL-3.0-or-later */
/* netcdf_io.h - what both netCDF writers of this folder share; nobody else includes it */
#ifndef DECKSWEEP_COLLECTOR_NETCDF_IO_H
#define DECKSWEEP_COLLECTOR_NETCDF_IO_H

#include "collector/dataset.h"

#define NETCDF_DEFLATE_LEVEL 1

/* 0, or netCDF's status in words; a full disk (which HDF5 does not tell) is DS_ENOSPC. */
int netcdf_check(int status, const char *path, const char *what, struct ds_err *err) DS_CHECKED;

/* Flags of nc_create for this many vectors. */
int netcdf_create_mode(const struct dataset *ds);

/* Text and number attributes; var NC_GLOBAL for the file's. status as netCDF's. */
int netcdf_text(int file, int var, const char *name, struct ds_span text);
int netcdf_cstr(int file, int var, const char *name, const char *text);
int netcdf_int(int file, int var, const char *name, int value);

/* "seconds since 2015-01-01 00:00:00" */
#define NETCDF_TIME_UNITS_BYTES 64u
void netcdf_time_units(int64_t epoch_s, char out[NETCDF_TIME_UNITS_BYTES]);

/* Dimension and coordinate variable time of ds, and the file's own attributes. */
int netcdf_define_time(int file, const struct dataset *ds, int *dim, int *var);
int netcdf_put_time(int file, int var, const struct dataset *ds);
int netcdf_file_attributes(int file, const struct dataset *ds, const char *title);

/* A variable of vector v over dims, chunked by `chunk`, filled with NaN, cache of one byte. A name
 * that is taken (netCDF folds Unicode forms) gets "~2", "~3", ... */
int netcdf_define_vector(int file, const struct dataset_vector *v, int type, const int dims[2],
                         const size_t chunk[2], int *var);

#endif
