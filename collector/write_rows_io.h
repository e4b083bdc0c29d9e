/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write_rows_io.h - the variables along case: numbers, parameters, verdicts, provenance */
#ifndef DECKSWEEP_COLLECTOR_WRITE_ROWS_IO_H
#define DECKSWEEP_COLLECTOR_WRITE_ROWS_IO_H

#include "collector/dataset.h"
#include "collector/hdf5_io.h"

/* Define them in a netCDF file in define mode: netCDF's status. */
int rows_define(int file, int dim_case, const struct dataset *ds);
/* Write them, with the file open in HDF5. DS_EIO, DS_ENOSPC, DS_ETOOBIG. */
int rows_put(struct hdf5_file *file, const struct dataset *ds, struct ds_err *err) DS_CHECKED;

#endif
