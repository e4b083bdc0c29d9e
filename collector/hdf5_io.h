/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hdf5_io.h - hand packed chunks to HDF5 as they are
 *
 * netCDF's own way deflates inside the library, one chunk at a time with one method for all
 * bytes; packing ourselves (chunk.h) and writing whole chunks takes a third of the time. The
 * file must not be open in netCDF meanwhile. Same thread as all HDF5. */
#ifndef DECKSWEEP_COLLECTOR_HDF5_IO_H
#define DECKSWEEP_COLLECTOR_HDF5_IO_H

#include "decksweep/err.h"

#include <stddef.h>
#include <stdint.h>

struct hdf5_chunks;

/* Open path and its n datasets, each of two dimensions. DS_EIO. gives: hdf5_chunks_close or
 * hdf5_chunks_abandon. */
int hdf5_chunks_open(const char *path, const char *const *names, size_t n, struct hdf5_chunks **out,
                     struct ds_err *err) DS_CHECKED;
/* The chunk of dataset i that begins at (row, 0), through its filters already. DS_EIO, DS_ENOSPC. */
int hdf5_chunks_write(struct hdf5_chunks *c, size_t i, uint64_t row, const void *packed,
                      size_t bytes, struct ds_err *err) DS_CHECKED;
/* c is gone also on failure. */
int hdf5_chunks_close(struct hdf5_chunks *c, struct ds_err *err) DS_CHECKED;
void hdf5_chunks_abandon(struct hdf5_chunks *c); /* NULL is legal */

#endif
