/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write_rows_io.h - the variables along case: numbers, parameters, verdicts, provenance */
#ifndef DECKSWEEP_COLLECTOR_WRITE_ROWS_IO_H
#define DECKSWEEP_COLLECTOR_WRITE_ROWS_IO_H

#include "collector/dataset.h"

/* Define them in a file in define mode; then write them. Results are netCDF's status. */
int rows_define(int file, int dim_case, const struct dataset *ds);
int rows_put(int file, const struct dataset *ds);

#endif
