/* SPDX-License-Identifier: GPL-3.0-or-later */
/* design.h - from a checked sweep to the table of its cases
 *
 * docs/designs.md has the methods and the formulas, DESIGN.md section 4 the rules. Every number
 * is rounded the moment it exists; a cell's text is what the deck, design.csv, the id and the
 * dataset see. Nothing here depends on the order of keys in the sweep file, on the locale, the
 * processor or the clock. Pure and reentrant. */
#ifndef DS_SCHEDULER_DESIGN_H
#define DS_SCHEDULER_DESIGN_H

#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/plan.h"
#include "decksweep/sweep.h"

#define DESIGN_MAX_CELLS       20000000u /* rows x parameters */
#define DESIGN_MAX_TABLE_BYTES (256u << 20)
#define DESIGN_MAX_SOBOL       40u

/* What one `files` parameter found: texts as they stand in the deck, in the order in which they
 * are counted (sorted by memcmp by the caller; `with` pairs equal places). */
struct design_files {
    struct ds_span param;
    const struct ds_span *paths;
    size_t n;
};

/* What the sweep file only names; read by the caller. */
struct design_inputs {
    struct ds_span table_text;        /* content of sweep->table_file; "" without */
    const struct design_files *files; /* one for each PARAM_FILES, any order */
    size_t n_files;
};

struct design_column {
    struct ds_span name;
    bool is_number; /* every cell is a number (a table's cells: reads as one) */
    bool is_files;  /* cells are paths of a `files` parameter */
};

struct design_table {
    const struct design_column *columns; /* by name (memcmp) */
    size_t n_columns;
    uint32_t n_rows;
    uint32_t n_before_where;
    const uint32_t *number;      /* n_rows, strictly ascending */
    const struct ds_span *cells; /* n_rows x n_columns, row by row */
    bool has_sens;
    const struct ds_span *sens; /* has_sens: n_rows x 2: SENSNAME, SENSCASE */
};

/* The cases of a sweep.
 *
 * sweep     borrows; as sweep_parse gave it
 * in        borrows: texts of paths and table stay alive as long as out
 * a         keeps out; about 40 bytes a cell
 * problems  gives what is wrong, in file order (added to what it holds)
 *
 * DS_EINPUT: problems hold why (err the first of them): a grid of a continuous parameter, counts
 * of `with` partners that differ, files that match nothing, a value that is not finite, a table
 * with a missing column, an empty cell, NaN, a REAL that is double or no number, `where` that
 * leaves nothing, more than SWEEP_MAX_CASES. DS_ETOOBIG: the arena. Cost: some 0.1 us a cell. */
int design_expand(const struct sweep *sweep, const struct design_inputs *in, struct ds_arena *a,
                  struct design_table *out, struct sweep_problems *problems,
                  struct ds_err *err) DS_CHECKED;

/* The columns that a case table's header names, without REAL; its mistakes are left out here and
 * told by design_expand. *names: gives, borrows text. Returns how many; 0: no header. */
size_t design_table_names(struct ds_span text, struct ds_arena *a, const struct ds_span **names);

/* The content digest of one file that a `files` parameter names. */
struct design_digest {
    struct ds_span path; /* as in design_files.paths */
    struct ds_span hex;  /* SHA-256 of its content (a folder: of its digest list) */
};

/* Ids of all rows (DESIGN.md 5). digests: of every path in a files column, sorted by path
 * (memcmp); a path that is not there is DS_ENOTFOUND. use_number: the case number is in the id,
 * as value of the name IENS (<IENS> or <REAL> stands in the deck).
 * ids: n_rows, gives. scratch: may be reset afterwards. */
int design_make_ids(const struct design_table *t, const struct case_identity *shared,
                    const struct design_digest *digests, size_t n_digests, bool use_number,
                    struct ds_arena *scratch, struct case_id *ids, struct ds_err *err) DS_CHECKED;

/* Append design.csv: "case,id,[SENSNAME,SENSCASE,]names\n", a line a row. DS_ETOOBIG only. */
int design_write_csv(const struct design_table *t, const struct case_id *ids, struct ds_buf *out,
                     struct ds_err *err) DS_CHECKED;

#endif
