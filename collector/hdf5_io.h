/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hdf5_io.h - fill a file that netCDF has defined, without netCDF
 *
 * netCDF's own way deflates inside the library, one chunk at a time with one method for all
 * bytes, and keeps 40 KB a variable while the file is open; here whole packed chunks (chunk.h)
 * pass by. The file must not be open in netCDF meanwhile. HDF5 is not thread-safe: one call
 * at a time in the whole process. */
#ifndef DECKSWEEP_COLLECTOR_HDF5_IO_H
#define DECKSWEEP_COLLECTOR_HDF5_IO_H

#include "decksweep/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hdf5_file;

/* HDF5 does not say that a disk is full: is it, where path lies? */
bool hdf5_disk_is_full(const char *path);

/* Open path and n of its datasets, each of two dimensions. DS_EIO. gives: hdf5_file_close or
 * hdf5_file_abandon. */
int hdf5_file_open(const char *path, const char *const *names, size_t n, struct hdf5_file **out,
                   struct ds_err *err) DS_CHECKED;

/* The chunk of dataset i that begins at (row, 0), as its filters leave it; written once. *at: where
 * in the file it stands from now on, for reading without HDF5. DS_EIO, DS_ENOSPC. */
int hdf5_write_chunk(struct hdf5_file *f, size_t i, uint64_t row, const void *packed, size_t bytes,
                     uint64_t *at, struct ds_err *err) DS_CHECKED;

/* Elements first .. first+n of a dataset of one dimension. */
enum hdf5_type { HDF5_TEXT, HDF5_WHOLE, HDF5_REAL }; /* const char *, long long, double */
int hdf5_write_rows(struct hdf5_file *f, const char *name, enum hdf5_type type, uint64_t first,
                    uint64_t n, const void *values, struct ds_err *err) DS_CHECKED;

/* Overwrite a number attribute of dataset i that is there. */
int hdf5_set_attribute(struct hdf5_file *f, size_t i, const char *name, int value,
                       struct ds_err *err) DS_CHECKED;

/* f is gone also on failure. */
int hdf5_file_close(struct hdf5_file *f, struct ds_err *err) DS_CHECKED;
void hdf5_file_abandon(struct hdf5_file *f); /* NULL is legal */

#endif
