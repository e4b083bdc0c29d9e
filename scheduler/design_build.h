/* SPDX-License-Identifier: GPL-3.0-or-later */
/* design_build.h - the table while it is filled; private to the design files */
#ifndef DS_SCHEDULER_DESIGN_BUILD_H
#define DS_SCHEDULER_DESIGN_BUILD_H

#include "design.h"
#include "design_quantile.h"

struct file_name { /* a path of a `files` parameter, or the last part of one */
    struct ds_span name;
    size_t place; /* in build_column.files */
    bool is_path;
};

struct build_column {
    struct ds_span name;
    const struct sweep_param *param; /* NULL: a column of the case table only */
    const struct ds_span *files;     /* PARAM_FILES: what it found */
    size_t n_files;
    const struct file_name *file_names; /* of a table's column: 2 x n_files, sorted */
    uint64_t length;                    /* of its list; 0: continuous, computed or from the table */
    bool is_free;                       /* varies by itself */
    int32_t leader;                     /* column it moves with, or -1 */
    int32_t table_cell;                 /* column of the case table, or -1 */
    uint32_t *place;                    /* n_rows: place in the list, where others move with it */
};

struct build {
    const struct sweep *sweep;
    const struct design_inputs *in;
    struct ds_arena *a;
    struct sweep_problems *problems;
    struct ds_err *err;
    struct build_column *columns; /* by name */
    size_t n_columns;
    uint32_t n_rows;
    uint32_t *number;
    struct ds_span *cells;
    double *values; /* as cells; NaN where a text stands */
    struct ds_span *sens;
    char *pool; /* room for texts of numbers */
    size_t pool_left;
};

/* A choice for one cell. */
enum choice_kind { CHOOSE_PART, CHOOSE_PLACE, CHOOSE_NUMBER };
struct choice {
    enum choice_kind kind;
    double part;    /* 0 < part < 1 of the distribution or list */
    uint64_t place; /* in the list */
    double number;  /* as the user wrote it */
};

/* "No room" as an error. */
int build_too_big(struct build *b);
/* Rows, cells and numbers 0 .. n-1. DS_ETOOBIG; DS_EINPUT above SWEEP_MAX_CASES. */
int build_make_room(struct build *b, uint64_t n_rows);
/* Put a number, rounded by decimals (-1: ten digits; -2: as it is), into a cell. */
int build_put_number(struct build *b, uint32_t row, size_t column, double value, int decimals);
void build_put_text(struct build *b, uint32_t row, size_t column, struct ds_span text);
/* Put what a choice gives into a free column's cell. */
int build_put_choice(struct build *b, uint32_t row, size_t column, struct choice c);
/* Column by name, or -1. */
int32_t build_find(const struct build *b, struct ds_span name);

/* One design method each: make room, fill the free columns. */
int design_fill_grid(struct build *b);
int design_fill_latin(struct build *b);
int design_fill_sobol(struct build *b);
int design_fill_monte_carlo(struct build *b);
int design_fill_one_at_a_time(struct build *b);

/* Columns that the case table has, read once before columns are made. */
struct case_table {
    const struct ds_span *names; /* without REAL */
    size_t n_names;
    const bool *is_number; /* n_names: every cell reads as a number */
    uint32_t n_rows;
    const uint32_t *number;      /* ascending */
    const uint32_t *line;        /* of each row in the file */
    const struct ds_span *cells; /* n_rows x n_names */
};
/* RFC 4180, a byte order mark and CR LF accepted. file: names it in problems (borrows); limit: the
 * first rows only, 0 all. DS_EINPUT: problems were added. */
int case_table_read(struct ds_span text, struct ds_span file, uint32_t limit, struct ds_arena *a,
                    struct case_table *out, struct sweep_problems *problems,
                    struct ds_err *err) DS_CHECKED;

/* Names by which a table's cells may call the column's files. */
int design_index_files(struct build *b, struct build_column *c);
/* A table's file column must name what was found: that is what joins the closure. cell: a path, or
 * a file name that only one of them has. file, line: where it stands. */
int design_put_file_cell(struct build *b, uint32_t row, size_t column, struct ds_span cell,
                         struct ds_span file, uint32_t line);

/* Formulas and the filter, when all other cells are filled. */
int design_compute(struct build *b);
int design_filter(struct build *b, struct design_table *out);

#endif
