/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv.h - the text of summary.csv and parameters.csv
 *
 * summary.csv is res2df's long form: DATE,REAL,<vectors>, a line for each case and time at
 * which the case has a value; float32 as shortest digits, NaN empty. Pure. */
#ifndef DECKSWEEP_COLLECTOR_CSV_H
#define DECKSWEEP_COLLECTOR_CSV_H

#include "base/buf.h"
#include "collector/dataset.h"

#define CSV_DATE_BYTES 20u /* "2015-01-01 00:00:00" and a terminator */

/* "DATE,REAL,FOPR,...\n". DS_ETOOBIG as out. */
int csv_put_summary_header(const struct dataset *ds, struct ds_buf *out,
                           struct ds_err *err) DS_CHECKED;

/* The axis as text, CSV_DATE_BYTES each: "2015-01-01" when all are midnights, else with the
 * time of day. a keeps; NULL: the arena is full. */
char *csv_dates(const struct align_times *axis, struct ds_arena *a);

/* Bytes that csv_put_case may need for one row of the design. */
size_t csv_case_bytes(size_t n_vectors, size_t n_times);

/* The lines of one case. values: [vector][stride] with n_times (<= stride) values each
 * counting; dates: csv_dates. at has csv_case_bytes of room. Returns the bytes written. */
size_t csv_put_case(uint32_t number, const float *values, size_t n_vectors, size_t stride,
                    size_t n_times, const char *dates, char *at);

/* parameters.csv, lines of rows first .. first+n; with its header when first is 0. scratch:
 * reset by the caller between calls. DS_ETOOBIG, DS_EPARSE (design). */
int csv_put_parameters(const struct dataset *ds, uint32_t first, uint32_t n,
                       struct ds_arena *scratch, struct ds_buf *out, struct ds_err *err) DS_CHECKED;

#endif
