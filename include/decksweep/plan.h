/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.h - what is fixed by sweep file and deck alone, as every program reads it
 *
 * plan.json (small, canonical JSON) and design.csv (one line a case) are the contract
 * between the planner and everybody else: workers read their rows and never sample. Both
 * come from a store: hostile when decoded. Formats: docs/store.md. Pure and reentrant. */
#ifndef DECKSWEEP_PLAN_H
#define DECKSWEEP_PLAN_H

#include "decksweep/result.h"
#include "decksweep/sweep.h"

#define SHA256_HEX_BYTES  65u
#define PLAN_MAX_BYTES    (16u << 20)
#define DESIGN_MAX_BYTES  (1u << 30)
#define PLAN_RULE_VERSION 1 /* of the identity rule; hashed into every case id */

/* A restart request that is neutralised in the staged file; line count never changes. */
struct trim_edit {
    struct ds_span path; /* in the bundle */
    uint32_t line;       /* 1-based */
    struct ds_span was;  /* the line as it stands, without its end */
    struct ds_span now;  /* the line that replaces it */
};

/* What a deck needs of a machine; from deck/features.c. Zero where not known. */
struct deck_features {
    uint64_t nx, ny, nz;
    uint64_t active_cells; /* upper bound: cells not switched off by ACTNUM as far as read */
    uint64_t inactive_cells;
    uint64_t connections;    /* WELLDIMS wells x connections, or counted COMPDAT if larger */
    uint32_t n_phases;       /* 2 or 3 as the memory model counts */
    bool heavy;              /* ENDSCALE, HYSTER or tracers: 12 KiB a cell */
    uint32_t n_report_steps; /* TSTEP items + DATES records; after the restart step if any */
    double end_time_days;    /* sum of the schedule; NaN when it cannot be told */
    int64_t start_unix_s;    /* START as UTC; the default 1 Jan 1983 if absent */
    bool writes_restart;     /* after trim */
    bool unified, formatted;
    bool has_actionx, has_rptonly;
    bool is_restart;
    uint32_t restart_step;
    uint64_t estimated_output_bytes; /* of one case, what `keep` keeps; a rough upper guess */
};

struct plan_param {
    struct ds_span name;
    bool is_number; /* every value is a number: the dataset stores float64 */
    bool is_files;  /* values are paths (from the deck's folder) of files in the bundle */
    bool in_id;     /* false only for <IENS>-like built-ins that are unused */
};

struct plan {
    struct ds_span name;      /* of the sweep */
    struct ds_span deck_name; /* root file name as in the bundle, "SPE1.DATA" */
    struct ds_span deck_dir;  /* its folder inside the bundle, "" or "model/" (ends in /) */
    struct ds_span case_root; /* UPPERCASE base name of outputs, "SPE1" */
    char base_digest[SHA256_HEX_BYTES];
    struct ds_span bundle_key; /* "bundle.<digest>.tar.zst" */
    struct ds_span design_key; /* "design.<digest>.csv" */
    char design_sha256[SHA256_HEX_BYTES];
    uint32_t n_cases;    /* rows of design.csv */
    uint32_t n_distinct; /* distinct ids */

    enum design_method method;
    bool preset_flow;
    const struct ds_span *command;
    size_t n_command; /* {deck} {output} {ranks} {threads} */
    const struct ds_span *args;
    size_t n_args;
    enum judge_kind judge;
    struct ds_span simulator;         /* "flow", or the command's first word */
    struct ds_span simulator_version; /* as reported, or the pin; may be "" for a command */
    uint64_t wall_ms;
    uint64_t memory_bytes; /* what the user gave; 0 = auto */
    uint32_t ranks, threads, pilot;
    uint32_t retries[VERDICT_COUNT];
    const struct ds_span *not_converged_args;
    size_t n_not_converged_args;
    struct keep keep;
    uint32_t compression;
    bool trim;
    const struct trim_edit *trims;
    size_t n_trims;

    bool uses_case_number; /* <IENS> or <REAL> stands in the deck: the number is in the id */
    const struct plan_param *params;
    size_t n_params; /* columns of design.csv, by name */
    const struct ds_span *templates;
    size_t n_templates; /* bundle files with placeholders */
    /* Bundle files that lie at or below a value of a `files` parameter and yet belong to all
     * cases, because the deck names them by another way too; sorted. Mostly none. */
    const struct ds_span *common_files;
    size_t n_common_files;
    const struct ds_span *rewritten;
    size_t n_rewritten; /* "path:line: '/a/b' -> 'abs/a/b'" */
    struct deck_features features;
};

/* Append canonical JSON: keys sorted, no blanks, numbers as units_format_number writes
 * them. Equal plans give equal bytes. Fails with DS_ETOOBIG only. */
int plan_encode(const struct plan *p, struct ds_buf *out, struct ds_err *err) DS_CHECKED;

/* Decode plan.json. Text borrows a. DS_EPARSE / DS_ECORRUPT / DS_ETOOBIG with the key. */
int plan_decode(struct ds_span text, struct ds_arena *a, struct plan *out,
                struct ds_err *err) DS_CHECKED;

/* The plan's name in keys: first 16 hex digits of SHA-256 over its JSON. */
#define PLAN_DIGEST_BYTES 17u
void plan_digest(struct ds_span plan_json, char out[PLAN_DIGEST_BYTES]);

/* ---- design.csv: "case,id,[SENSNAME,SENSCASE,]<names...>\n" then a line a case ---- */

/* Rows by index 0 .. n_rows-1, ascending number. Cells borrow the text. */
struct design {
    const struct ds_span *names; /* n_params; without case, id, SENSNAME, SENSCASE */
    size_t n_params;
    bool has_sens;
    uint32_t n_rows;
    const uint32_t *number;   /* n_rows, strictly ascending, 0 .. 2^31-1 */
    const struct case_id *id; /* n_rows */
    const uint32_t *offset;   /* n_rows: where the row's line starts in text (text < 4 GiB) */
    struct ds_span text;      /* borrowed */
};

/* Index design.csv. text: borrows, must outlive out. a: keeps the arrays (24 to 28 bytes a
 * row). DS_EPARSE with the line: wrong header, number, id, field count, quoting; numbers not
 * ascending. DS_ETOOBIG: > SWEEP_MAX_CASES rows. Cost: one pass. */
int design_decode(struct ds_span text, struct ds_arena *a, struct design *out,
                  struct ds_err *err) DS_CHECKED;

/* The cells of one row, unquoted into a when needed. cells: n_params entries. sens: two
 * entries (name, case), may be NULL. row < n_rows (asserted). */
int design_row(const struct design *d, uint32_t row, struct ds_arena *a, struct ds_span *cells,
               struct ds_span sens[2], struct ds_err *err) DS_CHECKED;

/* Row of a case number, or -1. Binary search. */
int64_t design_find_number(const struct design *d, uint32_t number);
/* First row (lowest number) with this id, or -1. Linear. */
int64_t design_find_id(const struct design *d, struct case_id id);

/* Append one CSV cell (RFC 4180 quoting only where needed). */
int csv_put_cell(struct ds_buf *out, struct ds_span cell);

/* Identity (DESIGN.md 5). Hash state of what all cases share, then one id a row. */
struct case_identity {
    char base_digest[SHA256_HEX_BYTES];
    bool preset_flow;
    const struct ds_span *command;
    size_t n_command;
    const struct ds_span *args;
    size_t n_args;
    struct ds_span version;
    uint32_t ranks;
};
/* names sorted by memcmp (asserted); values: text as rendered, for `files` the SHA-256 hex of
 * the content. Exact bytes hashed: docs/identity.md. Pure; some us a case. */
struct case_id case_identity_of(const struct case_identity *shared, const struct ds_span *names,
                                const struct ds_span *values, size_t n);

/* The same for many cases of one design: about 0.5 us a case. shared, names: borrows for the
 * call only. gives: case_hasher_destroy. */
struct case_hasher;
struct case_hasher *case_hasher_create(const struct case_identity *shared,
                                       const struct ds_span *names, size_t n);
void case_hasher_destroy(struct case_hasher *h); /* NULL is legal */
struct case_id case_hasher_id(struct case_hasher *h, const struct ds_span *values);

/* How many different ids stand in ids[0..n). a: scratch, 16 to 32 bytes a case; 0 when full. */
uint32_t case_id_count_distinct(const struct case_id *ids, uint32_t n, struct ds_arena *a);

#endif
