/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unsmry.h - the values of a summary: UNSMRY, FUNSMRY, S0001.., A0001..
 *
 * SEQHDR opens a report step, pairs of MINISTEP and PARAMS follow; the last one before the next
 * SEQHDR (or the end) holds the report's values. There is no record for time 0. Two ways to
 * read: unsmry_scan feeds on bytes as they come, in constant memory (live progress, judging);
 * struct unsmry indexes whole files in memory and reads rows and columns. Hostile input.
 * Pure, reentrant. */
#ifndef DS_SUMMARY_UNSMRY_H
#define DS_SUMMARY_UNSMRY_H

#include "summary/ecl_record.h"

/* ---- scanning in constant memory (unformatted) ---- */

enum unsmry_state {
    UNSMRY_WHOLE = 0, /* the bytes end behind a record (or there are none) */
    UNSMRY_CUT,       /* they end inside one: still being written, or cut */
    UNSMRY_CORRUPT,   /* they contradict the format; nothing more is taken */
};

struct unsmry_scan {
    /* results, after any feed */
    enum unsmry_state state;
    uint64_t fed_bytes;
    uint64_t record_bytes; /* behind the last whole record */
    uint64_t step_bytes;   /* behind the last whole PARAMS: where to cut a file for readers */
    uint32_t n_seqhdr;     /* SEQHDR seen */
    uint32_t n_reports;    /* SEQHDR that a whole PARAMS followed */
    uint32_t n_steps;      /* whole PARAMS */
    int32_t seqhdr;        /* value of the last SEQHDR; 0 none */
    float time;            /* TIME of the last whole PARAMS; NaN none */
    /* inside */
    uint32_t time_place;
    unsigned char carry[24];
    uint32_t n_carry;
    uint32_t phase, kind, size;
    uint32_t block_bytes, block_left;
    uint64_t left_bytes, done_bytes;
    uint64_t count_high;
    float next_time;
    bool report_open;
    unsigned char value[4];
};

/* time_place: column of TIME (struct smspec; 0 in nearly every file). */
void unsmry_scan_init(struct unsmry_scan *s, uint32_t time_place);

/* The next n bytes of the file, in any pieces. Never fails: see state. Cost: about
 * 1 ns a record byte that matters; payload is skipped. */
void unsmry_scan_feed(struct unsmry_scan *s, const void *bytes, size_t n);

/* ---- index of whole files in memory ---- */

struct unsmry_step {
    size_t data;      /* offset behind the header of PARAMS, in its part */
    uint32_t part;    /* of the files given */
    int32_t report;   /* value of the SEQHDR in force; 0 none */
    int32_t ministep; /* MINISTEP; -1 none */
    bool is_report;   /* last whole step of its report step */
};

#define UNSMRY_TROUBLE_BYTES 200u
#define UNSMRY_BATCH         16u

struct unsmry {
    const struct ds_bytes *parts; /* borrowed: must outlive this */
    size_t n_parts;
    bool formatted;
    uint32_t n_params;
    struct unsmry_step *steps;
    size_t n_steps;
    uint32_t *reports; /* indexes of the steps with is_report, ascending */
    size_t n_reports;
    enum unsmry_state state; /* the worst of the parts */
    size_t bad_part;         /* first part that is not whole; n_parts when all are */
    uint64_t step_bytes;     /* of bad_part (or the last part): behind the last whole PARAMS */
    char trouble[UNSMRY_TROUBLE_BYTES]; /* one line when state is not WHOLE, else "" */
    float *batch;                       /* scratch: UNSMRY_BATCH rows */
};

/* Index what is whole.
 *
 * parts     the one UNSMRY, or S0001, S0002, ... in order; the array too must outlive out
 * n_params  columns, of the SMSPEC
 * a         keeps; one array sized from the bytes, nothing per step
 *
 * Cut or corrupt files are no failure: what stands before the damage is indexed, state and
 * trouble say so. In a cut part the last step counts as its report's (is_report) as far as
 * this file knows: callers compare its TIME with the schedule's (a run that failed ends
 * inside a report step). A part after a damaged one is still indexed.
 * DS_ETOOBIG: the arena (n_params * 64 + 24 bytes a step). */
int unsmry_index(const struct ds_bytes *parts, size_t n_parts, bool formatted, uint32_t n_params,
                 struct ds_arena *a, struct unsmry *out, struct ds_err *err) DS_CHECKED;

/* All n_params values of one step, host order. step < n_steps (asserted). NaN where formatted
 * text is no number. Cost: memory bandwidth unformatted. */
void unsmry_read_row(const struct unsmry *u, size_t step, float *row);

/* Some columns of some steps.
 *
 * steps    n_steps indexes of steps (u->reports for the reports), or NULL: 0 .. n_steps
 * places   n_places columns, each below n_params (asserted)
 * out      value of column c at step s goes to out[c * stride + s]; stride >= n_steps */
void unsmry_read_columns(const struct unsmry *u, const uint32_t *steps, size_t n_steps,
                         const uint32_t *places, size_t n_places, float *out, size_t stride);

/* MULTOUT: is this the extension of a summary part ("S0001", "A0012")? Gives its number. */
bool unsmry_part_number(struct ds_span extension, bool *formatted, uint32_t *number);

#endif
