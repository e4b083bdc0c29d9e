/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_io.h - what one case archive says: its record and the reports of its summary
 *
 * Reads case.json, SMSPEC (or FSMSPEC) and UNSMRY (FUNSMRY, S0001.., A0001..) by ranges, never
 * a whole archive. SMSPEC files that are equal byte for byte are parsed once. The history before a
 * restart comes from the base's summary, found in the archive or in the sweep's bundle, and
 * is read once. Archives are hostile. A reader belongs to one thread. */
#ifndef DECKSWEEP_COLLECTOR_READ_IO_H
#define DECKSWEEP_COLLECTOR_READ_IO_H

#include "collector/dataset.h"
#include "store/store.h"

#define READ_MAX_UNSMRY_BYTES ((size_t)1 << 31)

/* The vectors of one SMSPEC, in its order. Lives as long as the reader. */
struct layout {
    size_t n;
    const struct dataset_vector *vectors; /* name and cases_with unset */
    const uint32_t *place;                /* index of each in PARAMS */
    uint32_t *column; /* for the caller: where each goes, SCHEMA_NONE for nowhere */
    uint32_t bound;   /* for the caller: which schema `column` was made for; 0 none */
    int64_t start_s;
    bool in_hours;
    enum unit_system units;
    bool has_doubles; /* keys that occur twice: wells that share their first 8 characters */
    struct ds_span double_key; /* the first of them */
};

/* One case. Everything but layout lives until the next read. */
struct case_data {
    struct case_record record; /* of case.json */
    struct layout *layout;     /* NULL: no summary that can be read */
    size_t n_reports;
    const int64_t *instants_s; /* strictly ascending */
    const float *values;       /* [vector of layout][report]; NULL when only times were read */
    size_t n_dropped;          /* reports left out: TIME no instant, or not after the one before */
    struct ds_span trouble;    /* "" or why there is no, or not all, summary: one line */
};

struct case_reader;

/* s, prefix, p: borrowed while it lives. want: patterns of vectors to take (the rest is not
 * decoded). gives: case_reader_destroy. */
struct case_reader *case_reader_create(struct store *s, struct ds_span prefix, const struct plan *p,
                                       const struct sweep_collect *want);
void case_reader_destroy(struct case_reader *r); /* NULL is legal */

/* Read the archive under key (relative to prefix). times_only: values stay NULL.
 *
 * A damaged summary is no failure: out->trouble says what is wrong. Fails (and the row
 * has no data) when the archive itself or its case.json cannot be read: DS_ECORRUPT,
 * DS_ENOTFOUND, DS_EIO, DS_EPARSE, DS_ETOOBIG. */
int case_reader_read(struct case_reader *r, struct ds_span key, bool times_only,
                     struct case_data *out, struct ds_err *err) DS_CHECKED;

#endif
