/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's case table: CSV after RFC 4180, from a spreadsheet or a script. Every complaint
 * names line and column (in bytes, from 1). */
#include "base/json.h"
#include "base/units.h"
#include "base/utf8.h"
#include "design_build.h"
#include "param_name.h"

#include <stdlib.h>

#define MAX_NUMBER     2147483647u
#define MAX_CELL_BYTES 1024u

struct table_reader {
    struct ds_span text, file;
    size_t at, line_start;
    uint32_t line;
    uint32_t limit;
    struct ds_arena *a;
    struct sweep_problems *problems;
    struct ds_err *err;
    bool has_real;
    bool failed;
};

struct cell {
    struct ds_span text;
    size_t start; /* in the file */
    bool quoted;
    bool last; /* of its row */
};

static void complain(struct table_reader *t, size_t at, const char *what, struct ds_span value)
{
    struct sweep_pos pos = {t->line, (unsigned)(at - t->line_start) + 1};
    t->failed = true;
    if (value.len > 0)
        sweep_problem_add(t->problems, t->file, pos, "'%.*s': %s",
                          (int)(value.len > 60 ? 60 : value.len), value.ptr, what);
    else
        sweep_problem_add(t->problems, t->file, pos, "%s", what);
}

static int too_big(struct table_reader *t)
{
    return ds_fail(t->err, DS_ETOOBIG, "the case table is larger than the memory for it");
}

/* Without doubled quotes. */
static int unquote(struct table_reader *t, struct ds_span in, struct ds_span *out)
{
    *out = in;
    if (in.len == 0 || !memchr(in.ptr, '"', in.len))
        return 0;
    char *text = ds_new(t->a, char, in.len + 1);
    size_t n = 0;
    if (!text)
        return too_big(t);
    for (size_t i = 0; i < in.len; i++) {
        text[n++] = in.ptr[i];
        i += in.ptr[i] == '"';
    }
    *out = (struct ds_span){text, n};
    return 0;
}

/* From an opening quote; t->at ends behind the closing one. */
static int quoted_cell(struct table_reader *t, struct cell *c)
{
    size_t i = t->at + 1, start = i;
    for (;; i++) {
        if (i >= t->text.len || t->text.ptr[i] == '\n') {
            complain(t, t->at, "quotes are not closed on this line", DS_SPAN(""));
            c->text = DS_SPAN("?"); /* said already: not empty as well */
            t->at = i;
            return 0;
        }
        if (t->text.ptr[i] != '"')
            continue;
        if (i + 1 < t->text.len && t->text.ptr[i + 1] == '"')
            i++;
        else
            break;
    }
    t->at = i + 1;
    return unquote(t, (struct ds_span){t->text.ptr + start, i - start}, &c->text);
}

static void plain_cell(struct table_reader *t, struct cell *c)
{
    size_t i = t->at;
    while (i < t->text.len && t->text.ptr[i] != ',' && t->text.ptr[i] != '\n') {
        if (t->text.ptr[i] == '"')
            complain(t, i, "a quote inside a value; quote the whole value and double it",
                     DS_SPAN(""));
        i++;
    }
    c->text = ds_span_trim((struct ds_span){t->text.ptr + t->at, i - t->at});
    t->at = i;
}

static void check_bytes(struct table_reader *t, const struct cell *c)
{
    if (c->text.len > MAX_CELL_BYTES)
        complain(t, c->start, "longer than 1024 bytes", c->text);
    for (size_t i = 0; i < c->text.len; i++)
        if ((unsigned char)c->text.ptr[i] < 0x20 || c->text.ptr[i] == 0x7f) {
            complain(t, c->start, "a control byte in the value", c->text);
            return;
        }
}

static int next_cell(struct table_reader *t, struct cell *c)
{
    *c = (struct cell){.text = DS_SPAN(""), .start = t->at};
    int rc = 0;
    size_t first = t->at;
    while (first < t->text.len && (t->text.ptr[first] == ' ' || t->text.ptr[first] == '\t'))
        first++;
    if (first < t->text.len && t->text.ptr[first] == '"') {
        t->at = first;
        c->quoted = true;
        rc = quoted_cell(t, c);
        while (t->at < t->text.len && (t->text.ptr[t->at] == ' ' || t->text.ptr[t->at] == '\r'))
            t->at++;
        if (t->at < t->text.len && t->text.ptr[t->at] != ',' && t->text.ptr[t->at] != '\n') {
            complain(t, t->at, "text behind a closing quote", DS_SPAN(""));
            while (t->at < t->text.len && t->text.ptr[t->at] != ',' && t->text.ptr[t->at] != '\n')
                t->at++;
        }
    } else {
        plain_cell(t, c);
    }
    check_bytes(t, c);
    c->last = t->at >= t->text.len || t->text.ptr[t->at] == '\n';
    if (!c->last)
        t->at++;
    return rc;
}

static void next_line(struct table_reader *t)
{
    if (t->at < t->text.len)
        t->at++;
    t->line++;
    t->line_start = t->at;
}

/* Goes behind a line of blanks only. */
static bool pass_blank_line(struct table_reader *t)
{
    size_t i = t->at;
    while (i < t->text.len
           && (t->text.ptr[i] == ' ' || t->text.ptr[i] == '\r' || t->text.ptr[i] == '\t'))
        i++;
    if (i < t->text.len && t->text.ptr[i] != '\n')
        return false;
    t->at = i;
    next_line(t);
    return true;
}

static const char *bad_name(struct ds_span s, size_t column)
{
    if (ds_span_is(s, "REAL"))
        return column == 0 ? NULL : "REAL numbers the cases and must be the first column";
    if (param_name_is_reserved(s))
        return "this name is decksweep's own; choose another";
    if (s.len > 0 && memchr(s.ptr, ';', s.len))
        return "the table seems to use ';'; separate columns with commas";
    return param_name_is_word(s) && s.len <= PARAM_NAME_MAX_BYTES
               ? NULL
               : "no name of a parameter; use letters, digits and _, no digit first";
}

static int read_header(struct table_reader *t, struct case_table *out)
{
    struct ds_span *names = ds_new(t->a, struct ds_span, SWEEP_MAX_PARAMETERS + 1);
    struct cell c = {.last = false};
    size_t n = 0;
    if (!names)
        return too_big(t);
    for (size_t column = 0; !c.last; column++) {
        int rc = next_cell(t, &c);
        if (rc < 0)
            return rc;
        const char *why = bad_name(c.text, column);
        if (why) {
            complain(t, c.start, why, c.text);
            continue;
        }
        if (column == 0 && ds_span_is(c.text, "REAL")) {
            t->has_real = true;
            continue;
        }
        for (size_t i = 0; i < n; i++)
            if (ds_span_eq(names[i], c.text))
                complain(t, c.start, "this column stands here twice", c.text);
        if (n == SWEEP_MAX_PARAMETERS)
            return ds_fail(t->err, DS_ETOOBIG, "more than %u columns", SWEEP_MAX_PARAMETERS);
        names[n++] = c.text;
    }
    if (n == 0 && !t->failed)
        complain(t, t->line_start, "no column of values", DS_SPAN(""));
    next_line(t);
    out->names = names;
    out->n_names = n;
    return t->failed ? DS_EINPUT : 0;
}

static bool is_missing(const struct cell *c)
{
    static const char *const WORDS[] = {"nan", "na",   "n/a",  "#n/a",     "null",      "none",
                                        "inf", "+inf", "-inf", "infinity", "-infinity", "-nan"};
    for (size_t i = 0; !c->quoted && i < DS_COUNT(WORDS); i++)
        if (ds_span_eq_nocase(c->text, ds_span_of(WORDS[i])))
            return true;
    return false;
}

static uint32_t take_real(struct table_reader *t, const struct cell *c)
{
    uint64_t v = 0;
    if (units_parse_u64(c->text, MAX_NUMBER, &v, NULL) < 0) {
        complain(t, c->start,
                 c->text.len == 0 ? "REAL is empty; write a whole number from 0"
                                  : "REAL must be a whole number from 0 to 2147483647",
                 c->text);
        return 0;
    }
    return (uint32_t)v;
}

/* One line of values into cells[0 .. n_names). */
static int read_row(struct table_reader *t, const struct case_table *table, struct ds_span *cells,
                    bool *is_number, uint32_t *real)
{
    size_t n = 0;
    struct cell c = {.last = false};
    for (size_t column = 0; !c.last; column++) {
        int rc = next_cell(t, &c);
        double v;
        if (rc < 0)
            return rc;
        if (column == 0 && t->has_real) {
            *real = take_real(t, &c);
            continue;
        }
        if (n == table->n_names) {
            complain(t, c.start, "more cells than the header has columns", DS_SPAN(""));
            while (t->at < t->text.len && t->text.ptr[t->at] != '\n')
                t->at++;
            return 0;
        }
        if (c.text.len == 0)
            complain(t, c.start, "an empty cell; every case needs a value", DS_SPAN(""));
        else if (is_missing(&c))
            complain(t, c.start, "no value; every case needs one", c.text);
        else if (is_number[n] && units_parse_double(c.text, &v, NULL) < 0)
            is_number[n] = false;
        cells[n++] = c.text;
    }
    if (n < table->n_names)
        complain(t, t->at, "fewer cells than the header has columns; one is missing", DS_SPAN(""));
    return 0;
}

static size_t count_lines(const struct table_reader *t)
{
    size_t n = 1;
    const char *p = t->text.ptr + t->at, *end = t->text.ptr + t->text.len;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

struct table_rows {
    struct ds_span *cells;
    uint32_t *number, *line;
    bool *is_number;
};

static int read_rows(struct table_reader *t, struct case_table *out, struct table_rows *r)
{
    size_t most = count_lines(t);
    if (t->limit > 0 && most > t->limit)
        most = t->limit;
    if (most > SWEEP_MAX_CASES + 1 || most * out->n_names > DESIGN_MAX_CELLS)
        return ds_fail(t->err, DS_ETOOBIG, "the case table has more than %u lines or %u values",
                       SWEEP_MAX_CASES, DESIGN_MAX_CELLS);
    r->cells = ds_new(t->a, struct ds_span, most * out->n_names);
    r->number = ds_new(t->a, uint32_t, most);
    r->line = ds_new(t->a, uint32_t, most);
    r->is_number = ds_new(t->a, bool, out->n_names);
    if (!r->cells || !r->number || !r->line || !r->is_number)
        return too_big(t);
    for (size_t i = 0; i < out->n_names; i++)
        r->is_number[i] = true;
    while (t->at < t->text.len && out->n_rows < most && t->problems->more < 1000) {
        if (pass_blank_line(t))
            continue;
        uint32_t row = out->n_rows++;
        r->number[row] = row;
        r->line[row] = t->line;
        int rc =
            read_row(t, out, r->cells + (size_t)row * out->n_names, r->is_number, &r->number[row]);
        if (rc < 0)
            return rc;
        next_line(t);
    }
    return 0;
}

struct place {
    uint32_t number, row;
};

static int compare_places(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Rows in the order of REAL, each REAL once. */
static int sort_rows(struct table_reader *t, struct case_table *out, struct table_rows *r)
{
    size_t n = out->n_rows, width = out->n_names;
    struct place *order = ds_new(t->a, struct place, n);
    struct table_rows s = {ds_new(t->a, struct ds_span, n * width), ds_new(t->a, uint32_t, n),
                           ds_new(t->a, uint32_t, n), r->is_number};
    if (!order || !s.cells || !s.number || !s.line)
        return too_big(t);
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct place){r->number[i], i};
    qsort(order, n, sizeof *order, compare_places);
    for (size_t i = 0; i < n; i++) {
        uint32_t from = order[i].row;
        s.number[i] = order[i].number;
        s.line[i] = r->line[from];
        if (width > 0)
            memcpy(&s.cells[i * width], &r->cells[from * width], width * sizeof *s.cells);
        if (i > 0 && s.number[i] == s.number[i - 1]) {
            t->failed = true;
            sweep_problem_add(t->problems, t->file, (struct sweep_pos){s.line[i], 1},
                              "REAL %u stands on line %u already; every number once", s.number[i],
                              s.line[i - 1]);
        }
    }
    *r = s;
    return 0;
}

static int check_text(struct table_reader *t)
{
    struct ds_span x = t->text;
    if (x.len > DESIGN_MAX_TABLE_BYTES)
        return ds_fail(t->err, DS_ETOOBIG, "the case table has %zu bytes; at most %u are read",
                       x.len, DESIGN_MAX_TABLE_BYTES);
    if (ds_span_starts(x, "\xff\xfe") || ds_span_starts(x, "\xfe\xff"))
        complain(t, t->at, "the table is UTF-16; save it as UTF-8", DS_SPAN(""));
    else if (x.len > 0 && memchr(x.ptr, '\0', x.len))
        complain(t, t->at, "a NUL byte: this is no text file", DS_SPAN(""));
    else if (!utf8_is_valid(x))
        complain(t, t->at, "the table is not UTF-8; save it as UTF-8", DS_SPAN(""));
    return t->failed ? DS_EINPUT : 0;
}

/* To the first line that is not empty: the header. */
static int find_header(struct table_reader *t)
{
    if (ds_span_starts(t->text, "\xef\xbb\xbf"))
        t->at = t->line_start = 3;
    int rc = check_text(t);
    if (rc < 0)
        return rc;
    while (t->at < t->text.len && pass_blank_line(t))
        continue;
    if (t->at < t->text.len)
        return 0;
    complain(t, t->at, "the table is empty; the first line names the columns", DS_SPAN(""));
    return DS_EINPUT;
}

int case_table_read(struct ds_span text, struct ds_span file, uint32_t limit, struct ds_arena *a,
                    struct case_table *out, struct sweep_problems *problems, struct ds_err *err)
{
    struct table_reader t = {.text = text,
                             .file = file,
                             .line = 1,
                             .limit = limit,
                             .a = a,
                             .problems = problems,
                             .err = err};
    struct table_rows rows = {0};
    int rc = find_header(&t);
    rc = rc < 0 ? rc : read_header(&t, out);
    rc = rc < 0 ? rc : read_rows(&t, out, &rows);
    if (rc == 0 && out->n_rows == 0)
        complain(&t, t.at, "no line of values behind the header", DS_SPAN(""));
    if (rc == 0 && limit > out->n_rows && !t.failed)
        sweep_problem_add(problems, DS_SPAN(""), (struct sweep_pos){0, 0},
                          "spec.design.samples: %u, but the table has %u rows", limit, out->n_rows);
    if (rc == 0 && limit > out->n_rows)
        t.failed = true;
    rc = rc < 0 ? rc : sort_rows(&t, out, &rows);
    if (rc < 0 || t.failed)
        return rc < 0 ? rc : DS_EINPUT;
    out->cells = rows.cells;
    out->number = rows.number;
    out->line = rows.line;
    out->is_number = rows.is_number;
    return 0;
}

size_t design_table_names(struct ds_span text, struct ds_arena *a, const struct ds_span **names)
{
    struct sweep_problems *untold = ds_new(a, struct sweep_problems, 1);
    struct table_reader t = {.text = text, .file = DS_SPAN(""), .line = 1, .a = a};
    struct case_table table = {0};
    t.problems = untold;
    if (!untold || find_header(&t) < 0)
        return 0;
    (void)read_header(&t, &table); /* its mistakes are told by case_table_read */
    *names = table.names;
    return table.n_names;
}
