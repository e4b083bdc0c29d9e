/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From sweep to table: columns by name, one method fills those that vary by themselves, the
 * others follow, formulas are computed, the filter leaves rows out. */
#include "design.h"

#include "base/path.h"
#include "base/units.h"
#include "design_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define POOL_BYTES ((size_t)64 << 10)

int build_too_big(struct build *b)
{
    return ds_fail(b->err, DS_ETOOBIG, "the design is larger than the memory for it");
}

int build_make_room(struct build *b, uint64_t n_rows)
{
    if (n_rows > SWEEP_MAX_CASES || n_rows * (b->n_columns + 1) > DESIGN_MAX_CELLS) {
        sweep_problem_add(b->problems, DS_SPAN(""), b->sweep->design_pos,
                          "spec.design: %llu cases of %zu parameters; at most %u cases and %u "
                          "values are possible",
                          (unsigned long long)n_rows, b->n_columns, SWEEP_MAX_CASES,
                          DESIGN_MAX_CELLS);
        return DS_EINPUT;
    }
    size_t n = (size_t)n_rows, n_cells = n * b->n_columns;
    b->n_rows = (uint32_t)n;
    b->number = ds_new(b->a, uint32_t, n);
    b->cells = ds_new(b->a, struct ds_span, n_cells);
    b->values = ds_new(b->a, double, n_cells);
    if (!b->number || !b->cells || !b->values)
        return build_too_big(b);
    for (uint32_t i = 0; i < b->n_rows; i++)
        b->number[i] = i;
    for (size_t i = 0; i < b->n_columns; i++)
        if (b->columns[i].leader >= 0) {
            struct build_column *leader = &b->columns[b->columns[i].leader];
            leader->place = leader->place ? leader->place : ds_new(b->a, uint32_t, n);
            if (!leader->place)
                return build_too_big(b);
        }
    return 0;
}

static char *pool_take(struct build *b, size_t n)
{
    if (n > b->pool_left) {
        b->pool = ds_new(b->a, char, POOL_BYTES);
        b->pool_left = b->pool ? POOL_BYTES : 0;
    }
    if (!b->pool)
        return NULL;
    char *at = b->pool;
    b->pool += n;
    b->pool_left -= n;
    return at;
}

static int bad_number(struct build *b, uint32_t row, size_t column, double value)
{
    const struct sweep_param *p = b->columns[column].param;
    sweep_problem_add(b->problems, DS_SPAN(""), p ? p->pos : b->sweep->design_pos,
                      "spec.parameters.%.*s: case %u gets %g, which is no finite number",
                      DS_FMT(b->columns[column].name), b->number[row], value);
    return DS_EINPUT;
}

int build_put_number(struct build *b, uint32_t row, size_t column, double value, int decimals)
{
    char text[UNITS_NUMBER_BYTES];
    size_t n, at = (size_t)row * b->n_columns + column;
    if (!isfinite(value))
        return bad_number(b, row, column, value);
    if (decimals == -2)
        n = units_format_number(value, text);
    else
        value = units_round_text(value, decimals, text, &n);
    char *kept = pool_take(b, n);
    if (!kept)
        return build_too_big(b);
    memcpy(kept, text, n);
    b->cells[at] = (struct ds_span){kept, n};
    b->values[at] = value;
    return 0;
}

void build_put_text(struct build *b, uint32_t row, size_t column, struct ds_span text)
{
    size_t at = (size_t)row * b->n_columns + column;
    b->cells[at] = text;
    b->values[at] = NAN;
}

static int put_place(struct build *b, uint32_t row, size_t column, uint64_t place)
{
    const struct build_column *c = &b->columns[column];
    const struct sweep_param *p = c->param;
    if (c->place)
        c->place[row] = (uint32_t)place;
    switch (p->kind) {
    case PARAM_FILES:
        build_put_text(b, row, column, c->files[place]);
        return 0;
    case PARAM_VALUES:
    case PARAM_DISCRETE:
        build_put_text(b, row, column, p->values[place].text);
        if (!p->values[place].is_text)
            b->values[(size_t)row * b->n_columns + column] = p->values[place].number;
        return 0;
    case PARAM_INTEGERS:
        return build_put_number(b, row, column, quantile_listed(p, place), -2);
    default:
        return build_put_number(b, row, column, quantile_listed(p, place), p->decimals);
    }
}

int build_put_choice(struct build *b, uint32_t row, size_t column, struct choice c)
{
    const struct build_column *x = &b->columns[column];
    if (c.kind == CHOOSE_NUMBER)
        return build_put_number(b, row, column, c.number,
                                x->param->decimals >= 0 ? x->param->decimals : -2);
    if (c.kind == CHOOSE_PLACE)
        return put_place(b, row, column, c.place);
    if (quantile_is_continuous(x->param->kind))
        return build_put_number(b, row, column, quantile_of(x->param, c.part), x->param->decimals);
    return put_place(b, row, column, quantile_place(x->param, x->n_files, c.part));
}

int32_t build_find(const struct build *b, struct ds_span name)
{
    size_t lo = 0, hi = b->n_columns;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = ds_span_compare(b->columns[mid].name, name);
        if (c == 0)
            return (int32_t)mid;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

/* ---- columns ---- */

static int find_files(struct build *b, struct build_column *c)
{
    for (size_t i = 0; i < b->in->n_files; i++)
        if (ds_span_eq(b->in->files[i].param, c->name)) {
            c->files = b->in->files[i].paths;
            c->n_files = b->in->files[i].n;
        }
    if (c->n_files > 0)
        return 0;
    sweep_problem_add(b->problems, DS_SPAN(""), c->param->pos,
                      "spec.parameters.%.*s.files: nothing matches '%.*s'; the pattern starts from "
                      "the sweep file's folder",
                      DS_FMT(c->name), (int)(c->param->files.len > 100 ? 100 : c->param->files.len),
                      c->param->files.ptr);
    return DS_EINPUT;
}

static int set_leader(struct build *b, struct build_column *c)
{
    c->leader = build_find(b, c->param->with);
    const struct build_column *l = c->leader >= 0 ? &b->columns[c->leader] : NULL;
    if (l && l->length == c->length && c->length <= SWEEP_MAX_CASES)
        return 0;
    sweep_problem_add(
        b->problems, DS_SPAN(""), c->param->pos,
        "spec.parameters.%.*s.with: %llu values here, %llu in %.*s; both need as many",
        DS_FMT(c->name), (unsigned long long)c->length, (unsigned long long)(l ? l->length : 0),
        DS_FMT(c->param->with));
    return DS_EINPUT;
}

static int compare_columns(const void *x, const void *y)
{
    const struct build_column *a = x, *b = y;
    return ds_span_compare(a->name, b->name);
}

/* The sweep's parameters and the table's columns, one each, by name. */
static int collect_columns(struct build *b, const struct case_table *t)
{
    const struct sweep *s = b->sweep;
    struct build_column *c = ds_new(b->a, struct build_column, s->n_params + t->n_names);
    size_t n = s->n_params;
    if (!c)
        return build_too_big(b);
    for (size_t i = 0; i < s->n_params; i++)
        c[i] = (struct build_column){
            .name = s->params[i].name, .param = &s->params[i], .leader = -1, .table_cell = -1};
    b->columns = c;
    b->n_columns = n;
    for (size_t i = 0; i < t->n_names; i++) {
        int32_t at = build_find(b, t->names[i]); /* among the sweep's, which are sorted */
        struct build_column *x = at >= 0 ? &c[at] : &c[n++];
        if (at < 0)
            *x = (struct build_column){.name = t->names[i], .leader = -1};
        x->table_cell = (int32_t)i;
    }
    qsort(c, n, sizeof *c, compare_columns);
    b->n_columns = n;
    return 0;
}

static int check_against_table(struct build *b, struct build_column *c)
{
    enum param_kind k = c->param->kind;
    const char *what = NULL;
    if (k == PARAM_EXPRESSION || k == PARAM_VALUES)
        what = c->table_cell >= 0 ? "is a column of the table too; keep one" : NULL;
    else if (k == PARAM_FILES && c->table_cell >= 0)
        what = c->param->with.len > 0
                   ? "moves with another one and is a column of the table too; keep one"
                   : NULL;
    else if (k == PARAM_FILES)
        what = c->n_files > 1 ? "is no column of the table" : NULL;
    else
        what = c->table_cell < 0 ? "is no column of the table; a column is missing" : NULL;
    if (!what)
        return 0;
    sweep_problem_add(b->problems, DS_SPAN(""), c->param->pos, "spec.parameters.%.*s: %s",
                      DS_FMT(c->name), what);
    return DS_EINPUT;
}

static int prepare_columns(struct build *b)
{
    int rc = 0;
    for (size_t i = 0; i < b->n_columns; i++) {
        struct build_column *c = &b->columns[i];
        if (!c->param)
            continue;
        enum param_kind k = c->param->kind;
        if (k == PARAM_FILES && find_files(b, c) < 0)
            rc = DS_EINPUT;
        if (k != PARAM_EXPRESSION && k != PARAM_TABLE && !quantile_is_continuous(k))
            c->length = quantile_list_length(c->param, c->n_files);
        c->is_free = k != PARAM_EXPRESSION && c->param->with.len == 0 && c->table_cell < 0;
        if (b->sweep->method == DESIGN_TABLE && check_against_table(b, c) < 0)
            rc = DS_EINPUT;
        if (c->table_cell >= 0 && c->n_files > 0 && design_index_files(b, c) < 0)
            return DS_ETOOBIG;
    }
    for (size_t i = 0; i < b->n_columns && rc == 0; i++)
        if (b->columns[i].param && b->columns[i].param->with.len > 0)
            rc = set_leader(b, &b->columns[i]);
    return rc;
}

/* ---- rows ---- */

static int fill_free(struct build *b)
{
    switch (b->sweep->method) {
    case DESIGN_GRID:
        return design_fill_grid(b);
    case DESIGN_LATIN_HYPERCUBE:
        return design_fill_latin(b);
    case DESIGN_SOBOL:
        return design_fill_sobol(b);
    case DESIGN_MONTE_CARLO:
        return design_fill_monte_carlo(b);
    default:
        return design_fill_one_at_a_time(b);
    }
}

static int fill_from_table(struct build *b, const struct case_table *t, struct ds_span file)
{
    int rc = build_make_room(b, t->n_rows);
    for (uint32_t row = 0; rc == 0 && row < t->n_rows; row++) {
        b->number[row] = t->number[row];
        for (size_t i = 0; i < b->n_columns && rc == 0; i++) {
            const struct build_column *c = &b->columns[i];
            if (c->table_cell < 0) {
                if (c->is_free)
                    rc = put_place(b, row, i, 0);
                continue;
            }
            struct ds_span cell = t->cells[(size_t)row * t->n_names + (size_t)c->table_cell];
            if (c->param && c->param->kind == PARAM_FILES) {
                rc = design_put_file_cell(b, row, i, cell, file, t->line[row]);
                continue;
            }
            build_put_text(b, row, i, cell);
            double value;
            if (t->is_number[c->table_cell] && units_parse_double(cell, &value, NULL) == 0)
                b->values[(size_t)row * b->n_columns + i] = value;
        }
    }
    return rc;
}

static int fill_followers(struct build *b)
{
    for (size_t i = 0; i < b->n_columns; i++) {
        int32_t leader = b->columns[i].leader;
        for (uint32_t row = 0; leader >= 0 && row < b->n_rows; row++) {
            int rc = put_place(b, row, i, b->columns[leader].place[row]);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static bool all_numbers(const struct build *b, size_t column)
{
    for (uint32_t row = 0; row < b->n_rows; row++)
        if (isnan(b->values[(size_t)row * b->n_columns + column]))
            return false;
    return b->n_rows > 0;
}

static int finish(struct build *b, struct design_table *out)
{
    struct design_column *columns = ds_new(b->a, struct design_column, b->n_columns);
    if (!columns)
        return build_too_big(b);
    for (size_t i = 0; i < b->n_columns; i++) {
        const struct build_column *c = &b->columns[i];
        columns[i].name = c->name;
        columns[i].is_files = c->param && c->param->kind == PARAM_FILES;
        columns[i].is_number = all_numbers(b, i);
    }
    *out = (struct design_table){.columns = columns,
                                 .n_columns = b->n_columns,
                                 .n_before_where = b->n_rows,
                                 .has_sens = b->sens != NULL};
    return design_filter(b, out);
}

static int expand(struct build *b, struct design_table *out)
{
    struct case_table t = {0};
    const struct sweep *s = b->sweep;
    struct ds_span file = path_join(b->a, s->dir, s->table_file);
    int rc = 0;
    if (s->method == DESIGN_TABLE)
        rc = case_table_read(b->in->table_text, file, s->samples, b->a, &t, b->problems, b->err);
    rc = rc < 0 ? rc : collect_columns(b, &t);
    rc = rc < 0 ? rc : prepare_columns(b);
    if (rc == 0)
        rc = s->method == DESIGN_TABLE ? fill_from_table(b, &t, file) : fill_free(b);
    rc = rc < 0 ? rc : fill_followers(b);
    rc = rc < 0 ? rc : design_compute(b);
    return rc < 0 ? rc : finish(b, out);
}

int design_expand(const struct sweep *sweep, const struct design_inputs *in, struct ds_arena *a,
                  struct design_table *out, struct sweep_problems *problems, struct ds_err *err)
{
    struct build b = {.sweep = sweep, .in = in, .a = a, .problems = problems, .err = err};
    size_t before = problems->n + problems->more;
    int rc = expand(&b, out);
    if (rc < 0 && problems->n + problems->more > before) {
        char text[SWEEP_PROBLEM_BYTES];
        sweep_problem_format(sweep->path, &problems->at[0], text);
        return ds_fail(err, DS_EINPUT, "%s", text);
    }
    return rc;
}
