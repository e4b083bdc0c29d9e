/* SPDX-License-Identifier: GPL-3.0-or-later */
/* collect.h - turn what a sweep's store holds into <sweep>/dataset/
 *
 * Follows the present plan: for each row of the design the best archive under cases/, else the
 * archive of its highest failed attempt. Of each archive only case.json, SMSPEC and
 * UNSMRY (or their formatted or multiple kin) are read, by ranges; rows of one block with
 * equal ids share one read. What the summary.nc that is there holds already is taken from it. Writes summary.nc, statistics.nc, parameters.csv and the CSV formats asked for,
 * each whole through a local temporary file and then replaced in the store in one step.
 * The format of the dataset for its readers: docs/dataset.md.
 *
 * Archives are hostile: one that cannot be read costs its own row (all NaN, a warning), never
 * the dataset. Three threads while it reads (one reads, two pack, one of them writes), two while it
 * computes statistics, one outside of it.
 * HDF5 is not thread-safe: one collect_run at a time in a process. */
#ifndef DECKSWEEP_COLLECT_H
#define DECKSWEEP_COLLECT_H

#include "base/arena.h"
#include "decksweep/plan.h"
#include "store/store.h"

#define COLLECT_MEMORY_BYTES ((size_t)32 << 20) /* default of memory_bytes */
#define COLLECT_MAX_WARNINGS 50u
#define COLLECT_MAX_OBJECTS  6u

struct collect_progress {
    uint32_t n_done, n_rows; /* rows of the design merged so far, of all that have archives */
    const char *doing;       /* "reading", "statistics", "writing"; static text */
};
/* Return non-zero to stop: collect_run then fails with DS_EINTR and leaves the old dataset. */
typedef int (*collect_progress_f)(void *context, const struct collect_progress *p);

struct collect_options {
    const struct sweep_collect *what;    /* borrows: vectors, times, formats */
    const char *scratch_dir;             /* for temporary files; NULL: $TMPDIR, else /var/tmp */
    size_t memory_bytes;                 /* of values held at once; 0 = COLLECT_MEMORY_BYTES */
    bool must_match;                     /* DS_EINPUT, nothing written, when no vector matches */
    bool from_scratch;                   /* do not take rows over from the present summary.nc */
    char plan_digest[PLAN_DIGEST_BYTES]; /* written into the dataset */
    collect_progress_f progress;         /* may be NULL; called in the caller's thread */
    void *context;
};

struct collect_object { /* what was written */
    char key[STORE_KEY_BYTES];
    uint64_t size_bytes;
};

struct collect_report {
    uint32_t n_rows;       /* of the design */
    uint32_t n_ok;         /* rows with a finished case */
    uint32_t n_failed;     /* rows with a failed attempt's archive */
    uint32_t n_missing;    /* rows that have not run, or whose archive cannot be read */
    uint32_t n_archives;   /* read now */
    uint32_t n_taken_over; /* rows taken over from the summary.nc that was there */
    uint32_t n_vectors, n_times;
    bool no_cases; /* nothing to collect: nothing was written */
    struct collect_object objects[COLLECT_MAX_OBJECTS];
    size_t n_objects;
    struct ds_span warnings[COLLECT_MAX_WARNINGS]; /* sentences for people; a keeps */
    size_t n_warnings;
    size_t n_more_warnings;
    struct ds_span preview; /* at most 7 lines: a table of the first rows; a keeps */
};

/* Collect one sweep.
 *
 * s        borrows; opened STORE_WRITE
 * prefix   borrows; the sweep's folder in s, "" or ending in '/'
 * p, d     borrow; the present plan and its design
 * a        keeps what *report refers to; at least 1 MiB
 * report   gives; complete on success only
 *
 * Returns 0, also when no case has run yet (report->no_cases), or
 *   DS_EINPUT   cases of different unit systems (names two), a date list out of range, an
 *               unknown vector pattern
 *   DS_ETOOBIG  more than ALIGN_MAX_TIMES times or SCHEMA_MAX_VECTORS vectors
 *   DS_EINTR    the progress callback said stop
 *   DS_ENOSPC, DS_EDENIED, DS_EIO   scratch or store
 * Cost: one pass over the archives and one over the written file (a second pass when
 * later cases bring times or vectors that the first did not have), 0.5 ms of CPU a case of 191
 * vectors and 90 reports; memory: memory_bytes + about 25 MB + 45 KB a vector + 1 KB a row (half of it
 * for one vector of all cases); scratch disk: the size of the dataset + 64 bytes a vector and time. */
int collect_run(struct store *s, struct ds_span prefix, const struct plan *p,
                const struct design *d, const struct collect_options *options, struct ds_arena *a,
                struct collect_report *report, struct ds_err *err) DS_CHECKED;

#endif
