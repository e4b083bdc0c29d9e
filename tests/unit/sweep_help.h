/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_help.h - sweeps for tests: a whole file from the lines that matter, parsed, expanded */
#ifndef DS_TESTS_SWEEP_HELP_H
#define DS_TESTS_SWEEP_HELP_H

#include "scheduler/design.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct sweep_case {
    struct ds_arena *a;
    struct sweep sweep;
    struct sweep_problems problems;
    struct design_table t;
    struct ds_err err;
    int rc;
};

static inline void sweep_case_end(struct sweep_case *c)
{
    arena_destroy(c->a);
}
#define auto_case __attribute__((cleanup(sweep_case_end))) struct sweep_case

static inline struct sweep_case parse_text(const char *text)
{
    struct sweep_case c = {.a = arena_create((size_t)1 << 30)};
    c.rc = sweep_parse(DS_SPAN("s.yaml"), ds_span_of(text), c.a, &c.sweep, &c.problems, &c.err);
    return c;
}

/* A file with these lines under spec (indented by two), beside deck. */
static inline struct sweep_case parse_spec(const char *spec)
{
    struct sweep_case c = {.a = arena_create((size_t)1 << 30)};
    struct ds_span text = arena_format(c.a,
                                       "apiVersion: decksweep.io/v1alpha1\nkind: Sweep\n"
                                       "metadata: {name: t}\nspec:\n  deck: D.DATA\n%s",
                                       spec);
    c.rc = sweep_parse(DS_SPAN("s.yaml"), text, c.a, &c.sweep, &c.problems, &c.err);
    return c;
}

static inline void expand(struct sweep_case *c, const struct design_inputs *in)
{
    static const struct design_inputs NONE = {{"", 0}, NULL, 0};
    cr_assert_eq(c->rc, 0, "%s", c->err.text);
    c->rc = design_expand(&c->sweep, in ? in : &NONE, c->a, &c->t, &c->problems, &c->err);
}

/* Parameters and design, one line each, in flow style. */
static inline struct sweep_case expand_with(const char *parameters, const char *design,
                                            const struct design_inputs *in)
{
    char spec[8192];
    (void)snprintf(spec, sizeof spec, "  parameters: {%s}\n  design: {%s}\n", parameters, design);
    struct sweep_case c = parse_spec(spec);
    expand(&c, in);
    return c;
}

static inline struct ds_span cell(const struct sweep_case *c, uint32_t row, const char *name)
{
    for (size_t i = 0; i < c->t.n_columns; i++)
        if (ds_span_is(c->t.columns[i].name, name))
            return c->t.cells[(size_t)row * c->t.n_columns + i];
    cr_assert_fail("no column %s", name);
    return (struct ds_span){NULL, 0};
}

static inline double number(const struct sweep_case *c, uint32_t row, const char *name)
{
    char text[64];
    struct ds_span s = cell(c, row, name);
    (void)snprintf(text, sizeof text, "%.*s", DS_FMT(s));
    return strtod(text, NULL);
}

#endif
