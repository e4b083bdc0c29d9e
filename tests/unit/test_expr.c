/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/expr.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static const struct ds_span VARS[] = {{"x", 1}, {"y", 1}, {"min", 3}, {"e1", 2}};

static int evaluate(const char *text, double *out, size_t *at, struct ds_err *err)
{
    ds_auto_expr e = NULL;
    struct expr_name names[EXPR_MAX_NAMES];
    size_t n;
    static const double VALUES[] = {2, 3, 5, 7};
    int rc = expr_scan(ds_span_of(text), names, &n, at, err);
    rc = rc < 0 ? rc : expr_create(ds_span_of(text), VARS, DS_COUNT(VARS), &e, at, err);
    return rc < 0 ? rc : expr_eval(e, VALUES, out, err);
}

Test(expr, formulas_give_what_people_expect)
{
    static const struct {
        const char *text;
        double value;
    } ROWS[] = {
        {"1+2*3", 7},
        {"2^3^2", 512},
        {"-x^2", -4},
        {"(1+2)*3", 9},
        {"x*y", 6},
        {"x > 1 && y < 4", 1},
        {"x == 3 || y == 3", 1},
        {"x != 2", 0},
        {"x <= 2", 1},
        {"x >= 3", 0},
        {"x > 1 ? 10 : 20", 10},
        {"min(x, y)", 2},
        {"max(x,y,9)", 9},
        {"sum(1,2,3)", 6},
        {"avg(2,4)", 3},
        {"min + 1", 6},
        {"e1 * 1e1", 70},
        {"1e-1", 0.1},
        {"1.5E2", 150},
        {"log(_e)", 1},
        {"ln(exp(2))", 2},
        {"log10(1000)", 3},
        {"log2(8)", 3},
        {"abs(-x)", 2},
        {"sign(-3)", -1},
        {"rint(2.6)", 3},
        {"sqrt(16)", 4},
        {"asinh(0)+atanh(0)+acos(1)+asin(0)+atan(0)+cosh(0)+sinh(0)+tan(0)+cos(0)", 2},
        {"sin(_pi/2)", 1},
        {"atan2(0, 1)", 0},
        {"tanh(0)", 0},
        {" x ", 2},
        {"x/4", 0.5},
        {"acosh(1)", 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_err err = {0};
        double v = -1;
        size_t at;
        cr_expect_eq(evaluate(ROWS[i].text, &v, &at, &err), 0, "%s: %s", ROWS[i].text, err.text);
        cr_expect_float_eq(v, ROWS[i].value, 1e-12, "%s = %g", ROWS[i].text, v);
    }
}

Test(expr, wrong_formulas_are_refused_where_they_are_wrong)
{
    static const struct {
        const char *text;
        size_t at;
        const char *says;
    } ROWS[] = {
        {"", 0, "empty"},
        {"  ", 0, "empty"},
        {"x = 3", 2, "'=='"},
        {"x += 3", 3, "assigns"},
        {"foo(1)", 0, "unknown function 'foo'"},
        {"1 + sqr(2)", 4, "did you mean 'sqrt'"},
        {"1 + SIN(2)", 4, "did you mean 'sin'"},
        {"\"a\" == \"a\"", 0, "a text"},
        {"x; y", 1, "no meaning"},
        {"x # y", 2, "no meaning"},
        {"x % y", 2, "no meaning"},
        {"x \xc3\xa9", 2, "no meaning"},
        {"(x", 0, "parenthesis"},
        {"x)", 0, "cannot be read"},
        {"x +", 0, "cannot be read"},
        {"* x", 0, "cannot be read"},
        {"x y", 0, "cannot be read"},
        {"1, 2", 0, "2 results"},
        {"min()", 0, "cannot be read"},
        {"sin(1,2)", 0, "cannot be read"},
        {"zz + 1", 0, "cannot be read"},
        {"x ? 1", 0, "cannot be read"},
        {"1..2", 0, "cannot be read"},
        {"!x", 0, "cannot be read"},
        {"x & y", 0, "cannot be read"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_err err = {0};
        double v;
        size_t at = 99;
        cr_expect_eq(evaluate(ROWS[i].text, &v, &at, &err), DS_EINPUT, "%s", ROWS[i].text);
        cr_expect(strstr(err.text, ROWS[i].says), "%s: %s", ROWS[i].text, err.text);
        if (ROWS[i].at > 0)
            cr_expect_eq(at, ROWS[i].at, "%s: at %zu", ROWS[i].text, at);
    }
}

Test(expr, names_are_found_with_their_places_and_numbers_hold_none)
{
    struct expr_name names[EXPR_MAX_NAMES];
    struct ds_err err;
    size_t n, at;
    cr_assert_eq(expr_scan(DS_SPAN("1e5*KX + sin(PORO) - 2e + _pi*KX"), names, &n, &at, &err), 0,
                 "%s", err.text);
    cr_assert_eq(n, 4);
    cr_expect(ds_span_is(names[0].name, "KX") && names[0].offset == 4);
    cr_expect(ds_span_is(names[1].name, "PORO") && names[1].offset == 13);
    cr_expect(ds_span_is(names[2].name, "e"));
    cr_expect(ds_span_is(names[3].name, "KX"));
}

Test(expr, results_may_be_infinite_and_the_caller_sees_it)
{
    struct ds_err err;
    double v = 0;
    size_t at;
    cr_assert_eq(evaluate("1/(x-2)", &v, &at, &err), 0);
    cr_expect(isinf(v));
    cr_assert_eq(evaluate("sqrt(-1)", &v, &at, &err), 0);
    cr_expect(isnan(v));
}

Test(expr, deep_and_long_formulas_neither_crash_nor_hang)
{
    static const char *const UNITS[] = {"(", "-", "x?", "min(", "x^", "x+", "1,", "((x))+", "x?1:"};
    for (size_t i = 0; i < DS_COUNT(UNITS); i++) {
        char text[EXPR_MAX_BYTES + 1];
        size_t n = strlen(UNITS[i]), len = 0;
        while (len + n < EXPR_MAX_BYTES - 1) {
            memcpy(text + len, UNITS[i], n);
            len += n;
        }
        text[len++] = 'x';
        text[len] = '\0';
        struct ds_err err;
        double v;
        size_t at;
        (void)evaluate(text, &v, &at, &err);
    }
    char longer[EXPR_MAX_BYTES + 10];
    memset(longer, '1', sizeof longer);
    struct expr_name names[EXPR_MAX_NAMES];
    size_t n, at;
    cr_assert_eq(expr_scan((struct ds_span){longer, sizeof longer}, names, &n, &at, NULL),
                 DS_EINPUT);
}
