/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write_csv_io.h - a text file written through gzip, zstd or as it is */
#ifndef DECKSWEEP_COLLECTOR_WRITE_CSV_IO_H
#define DECKSWEEP_COLLECTOR_WRITE_CSV_IO_H

#include "decksweep/err.h"

#include <stddef.h>

enum csv_format { CSV_PLAIN, CSV_GZ, CSV_ZST };

struct csv_file;

/* Create path, replacing it; errors of all functions name it. DS_ENOSPC, DS_EIO, ... gives:
 * csv_file_close or csv_file_abandon. */
int csv_file_create(const char *path, enum csv_format format, struct csv_file **out,
                    struct ds_err *err) DS_CHECKED;
int csv_file_put(struct csv_file *f, const char *text, size_t n, struct ds_err *err) DS_CHECKED;
/* Flush and close; f is gone also on failure. */
int csv_file_close(struct csv_file *f, struct ds_err *err) DS_CHECKED;
void csv_file_abandon(struct csv_file *f); /* NULL is legal */

#endif
