/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formulas: derived parameters in the order in which they depend on each other, then the
 * filter. Both see rounded numbers only. */
#include "design_build.h"
#include "expr.h"
#include "sweep_order.h"

#include <math.h>
#include <stdio.h>

struct formula {
    struct expr *e;
    size_t n;
    size_t column[EXPR_MAX_NAMES]; /* of each variable */
    double value[EXPR_MAX_NAMES];
};

static int bad(struct build *b, struct sweep_pos pos, const char *path, const char *what)
{
    sweep_problem_add(b->problems, DS_SPAN(""), pos, "%s: %s", path, what);
    return DS_EINPUT;
}

static int unknown_name(struct build *b, struct sweep_pos pos, const char *path,
                        struct ds_span name)
{
    size_t best = 3;
    struct ds_span near = DS_SPAN("");
    for (size_t i = 0; i < b->n_columns; i++) {
        size_t d = ds_span_distance(name, b->columns[i].name, best);
        if (d < best) {
            best = d;
            near = b->columns[i].name;
        }
    }
    char text[200];
    (void)snprintf(text, sizeof text, "there is no parameter or column '%.*s'%s%.*s%s",
                   (int)(name.len > 60 ? 60 : name.len), name.ptr,
                   near.len ? " (did you mean '" : "", DS_FMT(near), near.len ? "'?)" : "");
    return bad(b, pos, path, text);
}

/* Every variable is a column of numbers. */
static int bind(struct build *b, struct ds_span text, struct sweep_pos pos, const char *path,
                struct formula *f)
{
    struct expr_name names[EXPR_MAX_NAMES];
    struct ds_span vars[EXPR_MAX_NAMES];
    struct ds_err err;
    size_t n, at;
    if (expr_scan(text, names, &n, &at, &err) < 0)
        return bad(b, pos, path, err.text);
    for (size_t i = 0; i < n; i++) {
        int32_t column = build_find(b, names[i].name);
        if (column < 0)
            return unknown_name(b, pos, path, names[i].name);
        vars[i] = names[i].name;
        f->column[i] = (size_t)column;
    }
    f->n = n;
    if (expr_create(text, vars, n, &f->e, &at, &err) < 0)
        return bad(b, pos, path, err.text);
    return 0;
}

static int eval(struct build *b, struct formula *f, uint32_t row, struct sweep_pos pos,
                const char *path, double *out)
{
    char text[160];
    struct ds_err err;
    for (size_t i = 0; i < f->n; i++) {
        size_t at = (size_t)row * b->n_columns + f->column[i];
        f->value[i] = b->values[at];
        if (!isnan(f->value[i]))
            continue;
        (void)snprintf(text, sizeof text, "case %u: %.*s is '%.*s'; a formula needs numbers",
                       b->number[row], DS_FMT(b->columns[f->column[i]].name),
                       (int)(b->cells[at].len > 40 ? 40 : b->cells[at].len), b->cells[at].ptr);
        return bad(b, pos, path, text);
    }
    if (expr_eval(f->e, f->value, out, &err) < 0)
        return bad(b, pos, path, err.text);
    if (isfinite(*out))
        return 0;
    (void)snprintf(text, sizeof text,
                   "case %u: the result is %g, no finite number; a division by 0?", b->number[row],
                   *out);
    return bad(b, pos, path, text);
}

static int compute_column(struct build *b, size_t column)
{
    const struct sweep_param *p = b->columns[column].param;
    char path[160];
    struct formula f = {0};
    (void)snprintf(path, sizeof path, "spec.parameters.%.*s.expression",
                   (int)(p->name.len > 80 ? 80 : p->name.len), p->name.ptr);
    int rc = bind(b, p->expression, p->pos, path, &f);
    for (uint32_t row = 0; row < b->n_rows && rc == 0; row++) {
        double value;
        rc = eval(b, &f, row, p->pos, path, &value);
        if (rc == 0)
            rc = build_put_number(b, row, column, value, p->decimals);
    }
    expr_destroy(f.e);
    return rc;
}

int design_compute(struct build *b)
{
    const struct sweep *s = b->sweep;
    size_t *order = ds_new(b->a, size_t, s->n_params), n, stuck;
    if (!order)
        return build_too_big(b);
    if (sweep_order_expressions(s, order, &n, &stuck) < 0)
        return ds_fail(b->err, DS_EINPUT, "expressions depend on each other in a circle");
    for (size_t i = 0; i < n; i++) {
        int32_t column = build_find(b, s->params[order[i]].name);
        int rc = compute_column(b, (size_t)column);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void move_row(struct build *b, uint32_t to, uint32_t from)
{
    size_t n = b->n_columns;
    if (to == from)
        return;
    b->number[to] = b->number[from];
    if (n > 0)
        memcpy(&b->cells[to * n], &b->cells[from * n], n * sizeof *b->cells);
    if (b->sens)
        memcpy(&b->sens[2 * (size_t)to], &b->sens[2 * (size_t)from], 2 * sizeof *b->sens);
}

static int keep_rows(struct build *b, uint32_t *kept)
{
    const struct sweep *s = b->sweep;
    struct formula f = {0};
    int rc = bind(b, s->where, s->where_pos, "spec.design.where", &f);
    *kept = 0;
    for (uint32_t row = 0; row < b->n_rows && rc == 0; row++) {
        double keep = 0;
        rc = eval(b, &f, row, s->where_pos, "spec.design.where", &keep);
        if (rc == 0 && keep != 0)
            move_row(b, (*kept)++, row);
    }
    expr_destroy(f.e);
    if (rc == 0 && *kept == 0)
        rc = bad(b, s->where_pos, "spec.design.where", "no case is left; widen it");
    return rc;
}

int design_filter(struct build *b, struct design_table *out)
{
    uint32_t kept = b->n_rows;
    int rc = b->sweep->where.len > 0 ? keep_rows(b, &kept) : 0;
    if (rc < 0)
        return rc;
    out->n_rows = kept;
    out->number = b->number;
    out->cells = b->cells;
    out->sens = b->sens;
    return 0;
}
