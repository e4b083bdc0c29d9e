/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What needs more than one key: method and parameters, `with` partners, formulas. */
#include "base/units.h"
#include "design.h"
#include "design_quantile.h"
#include "expr.h"
#include "sweep_order.h"
#include "sweep_reader.h"

#include <math.h>
#include <stdio.h>

static bool is_listed(enum param_kind k)
{
    return k == PARAM_DISCRETE || k == PARAM_INTEGERS || k == PARAM_VALUES || k == PARAM_LINSPACE
           || k == PARAM_LOGSPACE || k == PARAM_FILES;
}

static const struct sweep_param *find_param(const struct sweep *s, struct ds_span name)
{
    for (size_t i = 0; i < s->n_params; i++)
        if (ds_span_eq(s->params[i].name, name))
            return &s->params[i];
    return NULL;
}

static void nearest_param(const struct sweep_reader *r, struct ds_span name,
                          char out[NEAREST_BYTES])
{
    struct ds_span names[SWEEP_MAX_PARAMETERS];
    for (size_t i = 0; i < r->out->n_params; i++)
        names[i] = r->out->params[i].name;
    nearest_word(name, names, r->out->n_params, out);
}

static void check_samples(struct sweep_reader *r)
{
    struct sweep *s = r->out;
    bool sampled = s->method == DESIGN_LATIN_HYPERCUBE || s->method == DESIGN_SOBOL
                   || s->method == DESIGN_MONTE_CARLO;
    if (sampled && !r->has_samples)
        reader_bad(r, s->design_pos, "spec.design.samples: missing; %s needs a number of cases",
                   design_method_name(s->method));
    if ((s->method == DESIGN_GRID || s->method == DESIGN_ONE_AT_A_TIME) && r->has_samples)
        reader_bad(r, r->samples_pos,
                   "spec.design.samples: %s counts its cases itself; remove samples",
                   design_method_name(s->method));
    if (s->method == DESIGN_TABLE && s->table_file.len == 0)
        reader_bad(r, s->design_pos, "spec.design.file: missing; name the CSV file of the cases");
    if (s->method != 0 && s->method != DESIGN_TABLE && s->table_file.len > 0)
        reader_bad(r, s->table_pos, "spec.design.file: only method table reads a file; remove it");
}

static void check_with(struct sweep_reader *r, const struct sweep_param *p)
{
    const struct sweep_param *leader = find_param(r->out, p->with);
    int n = (int)p->name.len;
    const char *name = p->name.ptr;
    /* 0: files, which nobody has counted yet */
    uint64_t n_here = quantile_list_length(p, 0);
    uint64_t n_there = leader ? quantile_list_length(leader, 0) : 0;
    if (!leader) {
        char near[NEAREST_BYTES];
        nearest_param(r, p->with, near);
        reader_bad(r, p->pos, "spec.parameters.%.*s.with: there is no parameter '%.*s'%s", n, name,
                   (int)(p->with.len > 60 ? 60 : p->with.len), p->with.ptr, near);
    } else if (leader == p || leader->with.len > 0) {
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s.with: '%.*s' moves with another itself; name the one that "
                   "leads",
                   n, name, DS_FMT(p->with));
    } else if (!is_listed(p->kind) || p->kind == PARAM_DISCRETE || !is_listed(leader->kind)) {
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s.with: only lists move together: values, files, integers, "
                   "linspace, logspace (discrete may lead)",
                   n, name);
    } else if (n_here > 0 && n_there > 0 && n_here != n_there) {
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s.with: %llu values here, %llu in %.*s; both need as many",
                   n, name, (unsigned long long)n_here, (unsigned long long)n_there,
                   DS_FMT(p->with));
    } else if (!isnan(leader->low) || !isnan(leader->base) || !isnan(leader->high)) {
        reader_bad(
            r, p->pos,
            "spec.parameters.%.*s.with: %.*s has low, base or high of its own, which name no "
            "place in a list; remove them",
            n, name, DS_FMT(p->with));
    }
}

static void check_low_high(struct sweep_reader *r, const struct sweep_param *p)
{
    bool given = !isnan(p->low) || !isnan(p->base) || !isnan(p->high);
    if (given && (quantile_lists_texts(p) || p->kind == PARAM_EXPRESSION || p->with.len > 0))
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s: low, base and high are for numbers that vary by "
                   "themselves; remove them",
                   DS_FMT(p->name));
}

/* decimals must leave the values of a range apart. */
static void check_decimals(struct sweep_reader *r, const struct sweep_param *p)
{
    if (p->decimals < 0)
        return;
    if (quantile_lists_texts(p))
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s.decimals: there are texts, which are never "
                   "rounded; remove it",
                   DS_FMT(p->name));
    bool range = p->kind == PARAM_UNIFORM || p->kind == PARAM_LOGUNIFORM
                 || p->kind == PARAM_TRUNCATED_NORMAL || p->kind == PARAM_TRIANGULAR
                 || p->kind == PARAM_PERT;
    if (range && p->min < p->max
        && units_round(p->min, p->decimals) == units_round(p->max, p->decimals))
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s.decimals: %d leaves only one value between min and max; "
                   "write more",
                   DS_FMT(p->name), p->decimals);
}

static void check_method_param(struct sweep_reader *r, const struct sweep_param *p)
{
    enum design_method m = r->out->method;
    if (m == DESIGN_GRID && quantile_is_continuous(p->kind))
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s: grid needs a list of values, %s has none; use linspace "
                   "or values, or another method",
                   DS_FMT(p->name), param_kind_name(p->kind));
    if (m != DESIGN_TABLE && m != 0 && p->kind == PARAM_TABLE)
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s: no kind of values; write one like uniform: {min: 0.2, "
                   "max: 0.35}",
                   DS_FMT(p->name));
    bool fixed = p->kind == PARAM_VALUES && p->n_values == 1;
    if (m == DESIGN_TABLE && p->kind != PARAM_TABLE && p->kind != PARAM_EXPRESSION
        && p->kind != PARAM_FILES && !fixed)
        reader_bad(r, p->pos,
                   "spec.parameters.%.*s: method table takes values from its columns; remove this "
                   "one (expressions, files and single values may stay)",
                   DS_FMT(p->name));
}

static void check_dimensions(struct sweep_reader *r)
{
    const struct sweep *s = r->out;
    size_t free = 0;
    for (size_t i = 0; i < s->n_params; i++)
        free += s->params[i].kind != PARAM_EXPRESSION && s->params[i].with.len == 0;
    if (s->method == DESIGN_SOBOL && free > DESIGN_MAX_SOBOL)
        reader_bad(r, s->design_pos,
                   "spec.design.method: sobol reaches %u parameters, these are %zu; use "
                   "latin-hypercube",
                   DESIGN_MAX_SOBOL, free);
    if (s->method != DESIGN_TABLE && s->method != DESIGN_GRID && s->method != 0 && free == 0)
        reader_bad(r, s->design_pos,
                   "spec.design.method: %s needs a parameter that varies; use grid for one case",
                   design_method_name(s->method));
}

/* Names, functions and syntax of one formula. */
static void check_formula(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                          const struct sweep_param *self)
{
    struct expr_name names[EXPR_MAX_NAMES];
    struct ds_span vars[EXPR_MAX_NAMES];
    struct ds_err err;
    size_t n, at;
    if (expr_scan(node->text, names, &n, &at, &err) < 0) {
        reader_bad(r, pos_inside(node, at), "%s: %s", path, err.text);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct sweep_param *p = find_param(r->out, names[i].name);
        struct sweep_pos pos = pos_inside(node, names[i].offset);
        char near[NEAREST_BYTES];
        vars[i] = names[i].name;
        if (p && p == self)
            reader_bad(r, pos, "%s: refers to itself", path);
        else if (p && quantile_lists_texts(p))
            reader_bad(r, pos, "%s: %.*s has texts; a formula needs numbers", path,
                       DS_FMT(p->name));
        else if (p || r->out->method == DESIGN_TABLE) /* a column: looked for when it is read */
            continue;
        else {
            nearest_param(r, names[i].name, near);
            reader_bad(r, pos, "%s: there is no parameter '%.*s'%s", path,
                       (int)(names[i].name.len > 60 ? 60 : names[i].name.len), names[i].name.ptr,
                       near);
        }
    }
    struct expr *e = NULL;
    if (expr_create(node->text, vars, n, &e, &at, &err) < 0) {
        reader_bad(r, pos_inside(node, at), "%s: %s", path, err.text);
        return;
    }
    expr_destroy(e);
}

static void check_formulas(struct sweep_reader *r)
{
    struct sweep *s = r->out;
    for (size_t i = 0; i < s->n_params; i++) {
        char path[READER_PATH_BYTES], sub[READER_PATH_BYTES];
        if (!r->expression || !r->expression[i])
            continue;
        reader_join(path, "spec.parameters", s->params[i].name);
        reader_join(sub, path, DS_SPAN("expression"));
        check_formula(r, sub, r->expression[i], &s->params[i]);
    }
    if (r->where_node)
        check_formula(r, "spec.design.where", r->where_node, NULL);
    size_t *order = reader_take(r, s->n_params, sizeof *order), n = 0, stuck = 0;
    if (order && sweep_order_expressions(s, order, &n, &stuck) < 0)
        reader_bad(r, s->params[stuck].pos,
                   "spec.parameters.%.*s.expression: it depends on itself through others; break "
                   "the circle",
                   DS_FMT(s->params[stuck].name));
}

/* A command starts its own ranks: it has to be told how many. */
static bool is_told_ranks(const struct sweep *s)
{
    for (size_t i = 0; i < s->n_command; i++)
        if (memmem(s->command[i].ptr, s->command[i].len, "{ranks}", 7))
            return true;
    return false;
}

static void check_simulator(struct sweep_reader *r)
{
    struct sweep *s = r->out;
    if (r->has_preset && r->has_command)
        reader_bad(r, r->command_pos, "spec.simulator: both preset and command; keep one");
    s->preset_flow = !r->has_command;
    if (!r->has_judge)
        s->judge = s->preset_flow ? JUDGE_FLOW : JUDGE_FILES;
    if ((uint64_t)s->ranks * s->threads > 4096)
        reader_bad(r, r->threads_pos,
                   "spec.resources.threads: %u ranks with %u threads each are more than 4096 cores",
                   s->ranks, s->threads);
    if (s->ranks > 1 && s->n_command > 0 && !is_told_ranks(s))
        reader_bad(
            r, r->command_pos,
            "spec.simulator.command: holds no {ranks}, but spec.resources.ranks is %u; write "
            "for example [mpirun, -np, \"{ranks}\", ...]",
            s->ranks);
    s->retries[VERDICT_NOT_CONVERGED] = s->n_not_converged_args > 0 ? 1 : 0;
}

void sweep_check_all(struct sweep_reader *r)
{
    struct sweep *s = r->out;
    for (size_t i = 0; i < s->n_params; i++) {
        const struct sweep_param *p = &s->params[i];
        if (p->kind == 0)
            continue; /* said already */
        if (p->with.len > 0)
            check_with(r, p);
        check_low_high(r, p);
        check_decimals(r, p);
        check_method_param(r, p);
    }
    check_samples(r);
    check_dimensions(r);
    check_formulas(r);
    check_simulator(r);
}
