/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_io.h - what one case archive says: its record and the reports of its summary
 *
 * Reads case.json, SMSPEC (or FSMSPEC) and UNSMRY (FUNSMRY, S0001.., A0001..) by ranges, never
 * a whole archive. SMSPEC files that are equal byte for byte are parsed once. The history before a
 * restart comes from the base's summary, found in the sweep's bundle (read once) or in the
 * archive. Archives are hostile. A reader belongs to one thread. */
#ifndef DECKSWEEP_COLLECTOR_READ_IO_H
#define DECKSWEEP_COLLECTOR_READ_IO_H

#include "collector/dataset.h"
#include "collector/values_hash.h"
#include "store/store.h"
#include "summary/smspec.h"

#define READ_MAX_SUMMARY_BYTES ((size_t)1 << 30) /* decompressed, of one case */

/* The SMSPEC of a case, with the vectors that are wanted. */
struct layout {
    struct smspec spec;
    const struct summary_vector *const *vectors; /* n, in SMSPEC order */
    size_t n;
    uint32_t *column; /* for the caller: where each goes, SCHEMA_NONE for nowhere */
    bool bound;       /* for the caller: every `column` is known */
    int64_t start_s;
    struct values_hash hash; /* for the caller: of the vectors that are wanted */
};

/* One case. Everything lives until the next read. */
struct case_data {
    struct case_record record; /* of case.json */
    struct layout *layout;     /* NULL: no summary that can be read */
    size_t n_reports;
    const int64_t *instants_s; /* strictly ascending */
    const float *values;       /* [vector of layout][stride]; NULL when only times were read */
    size_t stride;
    size_t n_dropped;       /* reports left out: TIME no instant, or not after the one before */
    struct ds_span trouble; /* "" or why there is no, or not all, summary: one line */
    struct ds_span note;    /* "" or what is true of the sweep rather than of this case */
};

struct case_reader;

/* s, prefix, p, what: borrowed while it lives; of `what` only the patterns count. gives:
 * case_reader_destroy. */
struct case_reader *case_reader_create(struct store *s, struct ds_span prefix, const struct plan *p,
                                       const struct sweep_collect *what);
void case_reader_destroy(struct case_reader *r); /* NULL is legal */

/* Read the archive under key (relative to prefix). times_only: values stay NULL.
 *
 * A damaged summary is no failure: out->trouble says what is wrong. Fails (and the row
 * has no data) when the archive itself or its case.json cannot be read: DS_ECORRUPT,
 * DS_ENOTFOUND, DS_EIO, DS_EPARSE, DS_ETOOBIG. */
int case_reader_read(struct case_reader *r, struct ds_span key, bool times_only,
                     struct case_data *out, struct ds_err *err) DS_CHECKED;

#endif
