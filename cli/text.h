/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.h - words from outside, as a terminal may see them. Pure, independent of the locale.
 *
 * Names, reasons and log lines come from decks, simulators and stores: no byte of them may
 * move a cursor, colour a screen or turn the direction of writing. Text is UTF-8; width is
 * counted in terminal columns (combining marks 0, East Asian wide and emoji 2). */
#ifndef DS_CLI_TEXT_H
#define DS_CLI_TEXT_H

#include "base/buf.h"

#include <stdint.h>

size_t text_columns(struct ds_span s); /* of the cleaned text */

/* Append s cleaned, on one line: tabs and newlines become blanks. */
void text_put(struct ds_buf *out, struct ds_span s);

/* The same, keeping newlines and tabs: for whole log files. */
void text_put_lines(struct ds_buf *out, struct ds_span s);

/* Append at most `columns` columns of s cleaned; what is cut off ends in ".." where there
 * is room for it. Returns the columns used. */
size_t text_put_fit(struct ds_buf *out, struct ds_span s, size_t columns);

/* Append n times c. */
void text_put_repeat(struct ds_buf *out, char c, size_t n);

/* ---- tables: columns as wide as their widest cell, the last one ragged ---- */
#define TABLE_MAX_COLUMNS 64u
struct table {
    struct ds_arena *a;
    struct ds_span *cells; /* row by row, header first */
    size_t n_cells, room;
    unsigned n_columns;
    uint64_t right; /* bit per column: aligned to the right */
    size_t width[TABLE_MAX_COLUMNS];
};
struct ds_arena;
/* a: keeps the cells. */
void table_init(struct table *t, struct ds_arena *a, unsigned n_columns, uint64_t right);
/* Copies the text, cleaned. Cells beyond the arena's cap are dropped. */
void table_add(struct table *t, struct ds_span cell);
void table_add_text(struct table *t, const char *cell);
/* Append the table; lines end without blanks. */
void table_put(const struct table *t, struct ds_buf *out);

#endif
