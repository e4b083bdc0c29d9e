/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep.h - the user's sweep file, parsed and checked, before any deck is read
 *
 * DESIGN.md section 4 is the specification, docs/sweep-file.md the user's reference. All
 * text borrows the arena that sweep_parse was given. Defaults are filled in; every number
 * is inside its documented range (parser's promise: later code asserts it). */
#ifndef DECKSWEEP_SWEEP_H
#define DECKSWEEP_SWEEP_H

#include "decksweep/err.h"
#include "decksweep/result.h"
#include "decksweep/span.h"

struct ds_arena;
struct ds_buf;
struct yaml_node;

#define SWEEP_MAX_FILE_BYTES (4u << 20)
#define SWEEP_MAX_PARAMETERS 1000u
#define SWEEP_MAX_CASES      1000000u
#define SWEEP_MAX_NAME_BYTES 40u
#define SWEEP_MAX_ERRORS     50u

struct sweep_pos { /* where in the sweep file; 1-based, 0 = not from a file (default) */
    unsigned line, column;
};

enum param_kind {
    PARAM_UNIFORM = 1,
    PARAM_LOGUNIFORM,
    PARAM_NORMAL,
    PARAM_LOGNORMAL,
    PARAM_TRUNCATED_NORMAL,
    PARAM_TRIANGULAR,
    PARAM_PERT,
    PARAM_DISCRETE,
    PARAM_INTEGERS,
    PARAM_VALUES,
    PARAM_LINSPACE,
    PARAM_LOGSPACE,
    PARAM_FILES,
    PARAM_EXPRESSION,
    PARAM_TABLE, /* a column of the table; no entry in the sweep file needed */
};

struct sweep_value {     /* one value of a list: a number, or text kept verbatim */
    struct ds_span text; /* as written; for numbers, as it renders */
    double number;
    bool is_text;
};

struct sweep_param {
    struct ds_span name; /* [A-Za-z_][A-Za-z0-9_]* */
    enum param_kind kind;
    struct sweep_pos pos;
    /* uniform, loguniform, integers: min, max. normal: mean, sd. lognormal: meanlog, sdlog
     * (q10/q90 are converted by the parser). truncated-normal: mean, sd, min, max.
     * triangular, pert: min, mode, max. linspace, logspace: from, to, count. */
    double min, mode, max, mean, sd, from, to;
    uint32_t count;
    const struct sweep_value *values; /* values, discrete */
    const double *weights;            /* discrete: n_values, sum 1 within 1e-9 */
    size_t n_values;
    struct ds_span files;      /* glob, relative to the sweep file */
    struct ds_span expression; /* muparser syntax */
    struct ds_span with;       /* moves with this parameter; "" for none */
    int decimals;              /* 0 .. 15; -1 = 10 significant digits */
    /* one-at-a-time: what the file gives; NaN where it does not (then the q10, median, q90) */
    double low, base, high;
};

enum design_method {
    DESIGN_GRID = 1,
    DESIGN_LATIN_HYPERCUBE,
    DESIGN_SOBOL,
    DESIGN_MONTE_CARLO,
    DESIGN_ONE_AT_A_TIME,
    DESIGN_TABLE,
};
const char *design_method_name(enum design_method m);            /* "latin-hypercube" */
enum design_method design_method_from_name(struct ds_span name); /* 0 if unknown */

enum judge_kind { JUDGE_FLOW = 1, JUDGE_ECLIPSE, JUDGE_FILES };
const char *judge_kind_name(enum judge_kind k);            /* "flow" */
enum judge_kind judge_kind_from_name(struct ds_span name); /* 0 if unknown */

enum trim_mode { TRIM_AUTO = 1, TRIM_OFF };

enum collect_times { TIMES_REPORT = 1, TIMES_EVERY, TIMES_MONTHLY, TIMES_YEARLY, TIMES_DATES };

struct sweep_collect {
    const struct ds_span *vectors; /* patterns, "F*" "WBHP:*"; default "*" */
    size_t n_vectors;
    enum collect_times times;
    int64_t every_s;      /* TIMES_EVERY */
    const int64_t *dates; /* TIMES_DATES: Unix seconds of UTC calendar time, ascending */
    size_t n_dates;
    bool netcdf, csv, csv_gz, csv_zst;
};

struct sweep {
    struct ds_span path; /* of the sweep file, for messages */
    struct ds_span dir;  /* folder that relative paths start from */
    struct ds_span name;
    struct ds_span deck; /* relative to dir, or absolute */
    struct sweep_pos deck_pos;
    const struct sweep_param *params; /* sorted by name */
    size_t n_params;

    enum design_method method;
    struct sweep_pos design_pos;
    uint32_t samples;
    uint64_t seed;
    struct ds_span where; /* "" none */
    struct sweep_pos where_pos;
    struct ds_span table_file; /* relative to dir, or absolute; "" none */
    struct sweep_pos table_pos;

    bool preset_flow;
    const struct ds_span *command; /* when not preset_flow */
    size_t n_command;
    enum judge_kind judge;
    struct ds_span version_pin; /* "" none */
    struct ds_span image;
    const struct ds_span *args;
    size_t n_args;
    uint64_t wall_ms; /* default 24 h */

    uint64_t memory_bytes; /* 0 = auto */
    uint32_t ranks, threads, pilot;

    uint32_t retries[VERDICT_COUNT]; /* extra attempts after the first, by verdict */
    const struct ds_span *not_converged_args;
    size_t n_not_converged_args;
    double max_failed_fraction; /* <0 off; else 0..1 of all cases */
    int64_t max_failed_cases;   /* <0 off */

    struct ds_span store; /* path, s3://..., pvc://... */
    struct sweep_pos store_pos;
    struct keep keep;
    enum trim_mode trim;
    uint32_t compression; /* 1 .. 19 */
    struct sweep_collect collect;

    struct ds_span run;                       /* Active | Suspended | Cancelled */
    struct ds_span deck_from_kind, deck_from; /* configMap | store | url; cluster only */
    /* Checked by type and otherwise opaque; NULL when absent. Used on clusters only. */
    const struct yaml_node *cluster, *once;
};

/* spec.failure.maxFailed as a number of rows of a design with n_rows; -1 off. */
int64_t sweep_max_failed(const struct sweep *w, uint32_t n_rows);

/* What is wrong with a sweep file, all of it. */
struct sweep_problem {
    struct ds_span file; /* "" the sweep file; else the case table */
    struct sweep_pos pos;
    char text[400]; /* "spec.parameters.PORO: ..." with what to do */
};
struct sweep_problems {
    struct sweep_problem at[SWEEP_MAX_ERRORS];
    size_t n;    /* kept, in file order */
    size_t more; /* found beyond those */
};

/* Parse and check a sweep file's text (YAML 1.1 by libyaml, one document, no anchors or
 * aliases, no tags, nesting <= 16, <= SWEEP_MAX_FILE_BYTES).
 *
 * path      borrows; names the file in messages, its folder is where paths start
 * text      borrows for the call
 * a         keeps everything out refers to
 * problems  gives all that is wrong, in file order (a YAML syntax error alone)
 *
 * Returns 0, or DS_EINPUT with err holding the first problem as "path:line:col: text". */
int sweep_parse(struct ds_span path, struct ds_span text, struct ds_arena *a, struct sweep *out,
                struct sweep_problems *problems, struct ds_err *err) DS_CHECKED;

/* "path:line:col: text" of one problem (without line and column where there are none), cut
 * to fit. path: of the sweep file. */
#define SWEEP_PROBLEM_BYTES 1024u
void sweep_problem_format(struct ds_span path, const struct sweep_problem *p,
                          char out[SWEEP_PROBLEM_BYTES]);

/* Add one, kept in order (a file's own lines ascend; the sweep file stands before others);
 * beyond SWEEP_MAX_ERRORS the last ones only count. file: borrows. */
void sweep_problem_add(struct sweep_problems *all, struct ds_span file, struct sweep_pos pos,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Parse values the command line may override, by the same rules as the file's: "report",
 * "monthly", "yearly", "every: 30d", "dates: [2020-01-01, 2021-01-01]" (also with '=' for ': ',
 * and dates without brackets); "netcdf,csv.gz". Fill those fields of out only. DS_EINPUT. */
int sweep_parse_times(struct ds_span text, struct ds_arena *a, struct sweep_collect *out,
                      struct ds_err *err) DS_CHECKED;
int sweep_parse_formats(struct ds_span text, struct sweep_collect *out,
                        struct ds_err *err) DS_CHECKED;

#endif
