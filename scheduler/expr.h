/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expr.h - formulas of a sweep file, through muparser
 *
 * + - * / ^, comparisons, && ||, a ? b : c, and the functions sin cos tan asin acos atan atan2
 * sinh cosh tanh asinh acosh atanh log2 log10 log ln (log = ln) exp sqrt sign rint abs
 * min max sum avg; the constants _pi and _e. Assignment, texts and several results in a row
 * are refused. https://beltoforion.de/en/muparser/. An expr belongs to one thread. */
#ifndef DS_SCHEDULER_EXPR_H
#define DS_SCHEDULER_EXPR_H

#include "decksweep/err.h"
#include "decksweep/span.h"

#define EXPR_MAX_BYTES 1000u
#define EXPR_MAX_NAMES 200u

struct expr_name {
    struct ds_span name;
    size_t offset; /* in the text */
    bool is_function;
};

/* The names that a formula uses, in its order, each time they stand there. names: room for
 * EXPR_MAX_NAMES. DS_EINPUT with *offset where the text is wrong: too long, assignment,
 * quotes, an unknown function or constant. */
int expr_scan(struct ds_span text, struct expr_name *names, size_t *n, size_t *offset,
              struct ds_err *err) DS_CHECKED;

struct expr;

/* names: the variables, n of them; may be more than the formula uses. gives: expr_destroy.
 * DS_EINPUT with *offset. Borrows nothing afterwards. */
int expr_create(struct ds_span text, const struct ds_span *names, size_t n, struct expr **out,
                size_t *offset, struct ds_err *err) DS_CHECKED;
void expr_destroy(struct expr *e); /* NULL is legal */
static inline void expr_destroy_at(struct expr **e)
{
    expr_destroy(*e);
}
#define ds_auto_expr __attribute__((cleanup(expr_destroy_at))) struct expr *

/* values: n of them, as the names stood. *out may be infinite or NaN (1/0): the caller says
 * which case. About 0.1 us. */
int expr_eval(struct expr *e, const double *values, double *out, struct ds_err *err) DS_CHECKED;

#endif
