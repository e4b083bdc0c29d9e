/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sweep_help.h"

#include <math.h>

#define DESIGN_OF(method) "method: " method ", samples: 64, seed: 7"

/* ---- methods ---- */

Test(design, a_grid_counts_through_lists_by_name_last_fastest)
{
    auto_case c = expand_with("B: {values: [x, z]}, A: {linspace: {from: 1, to: 2, count: 3}}, "
                              "C: {integers: {min: 7, max: 8}}",
                              "method: grid", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 12);
    static const char *const WANT[][3] = {
        {"1", "x", "7"}, {"1", "x", "8"}, {"1", "z", "7"}, {"1", "z", "8"}, {"1.5", "x", "7"}};
    for (uint32_t i = 0; i < DS_COUNT(WANT); i++) {
        cr_expect(ds_span_is(cell(&c, i, "A"), WANT[i][0]));
        cr_expect(ds_span_is(cell(&c, i, "B"), WANT[i][1]));
        cr_expect(ds_span_is(cell(&c, i, "C"), WANT[i][2]));
    }
    cr_expect(c.t.columns[0].is_number && !c.t.columns[1].is_number && c.t.columns[2].is_number);
}

Test(design, a_grid_of_nothing_is_one_case)
{
    auto_case c = expand_with("", "method: grid", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 1);
    cr_assert_eq(c.t.n_columns, 0);
}

Test(design, a_grid_beyond_a_million_cases_is_refused_with_its_count)
{
    auto_case c =
        expand_with("A: {integers: {min: 1, max: 2000}}, B: {integers: {min: 1, max: 1000}}",
                    "method: grid", NULL);
    cr_assert_eq(c.rc, DS_EINPUT);
    cr_assert(strstr(c.err.text, "2000000 cases"), "%s", c.err.text);
    auto_case d =
        expand_with("A: {integers: {min: 0, max: 9007199254740991}}, B: {integers: {min: 0, "
                    "max: 9007199254740990}}, C: {values: [1, 2]}",
                    "method: grid", NULL);
    cr_assert_eq(d.rc, DS_EINPUT);
}

Test(design, latin_hypercube_puts_one_point_into_every_stratum)
{
    auto_case c = expand_with("A: {uniform: {min: 0, max: 1}}, B: {normal: {mean: 0, sd: 1}}",
                              "method: latin-hypercube, samples: 1000", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    int seen_a[1000] = {0}, seen_b[1000] = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        seen_a[(int)(number(&c, i, "A") * 1000)]++;
        seen_b[(int)(0.5 * erfc(-number(&c, i, "B") / sqrt(2)) * 1000)]++;
    }
    int ok_a = 0, ok_b = 0;
    for (int i = 0; i < 1000; i++) {
        ok_a += seen_a[i] == 1;
        ok_b += seen_b[i] == 1;
    }
    cr_expect_eq(ok_a, 1000);
    cr_expect_geq(ok_b, 998); /* ten digits may move a point over an edge */
}

Test(design, latin_hypercube_of_a_list_takes_every_value_as_often)
{
    auto_case c =
        expand_with("A: {values: [a, b, c, d]}", "method: latin-hypercube, samples: 40", NULL);
    int n[4] = {0};
    for (uint32_t i = 0; i < 40; i++)
        n[cell(&c, i, "A").ptr[0] - 'a']++;
    for (int i = 0; i < 4; i++)
        cr_expect_eq(n[i], 10);
}

/* Sobol in one to three dimensions from Joe and Kuo's table, without the first point 0:
 * 0.5 | 0.75, 0.25 | ...; the shift is one number a parameter. */
Test(design, sobol_is_the_published_sequence_shifted)
{
    static const double POINTS[][3] = {
        {0.5, 0.5, 0.5},       {0.75, 0.25, 0.75},    {0.25, 0.75, 0.25},    {0.375, 0.375, 0.625},
        {0.875, 0.875, 0.125}, {0.625, 0.125, 0.375}, {0.125, 0.625, 0.875},
    };
    auto_case c = expand_with("A: {uniform: {min: 0, max: 1}}, B: {uniform: {min: 0, max: 1}}, "
                              "C: {uniform: {min: 0, max: 1}}",
                              "method: sobol, samples: 7, seed: 3", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    for (size_t d = 0; d < 3; d++) {
        const char name[2] = {(char)('A' + d), 0};
        double shift = number(&c, 0, name) - POINTS[0][d];
        for (uint32_t i = 1; i < 7; i++) {
            double want = POINTS[i][d] + shift;
            want -= floor(want);
            cr_expect_float_eq(number(&c, i, name), want, 1e-9, "%s %u: %g for %g", name, i,
                               number(&c, i, name), want);
        }
    }
}

Test(design, sobol_shifts_differ_by_parameter_and_by_seed)
{
    auto_case c = expand_with("A: {uniform: {min: 0, max: 1}}, B: {uniform: {min: 0, max: 1}}",
                              "method: sobol, samples: 1, seed: 1", NULL);
    auto_case d = expand_with("A: {uniform: {min: 0, max: 1}}, B: {uniform: {min: 0, max: 1}}",
                              "method: sobol, samples: 1, seed: 2", NULL);
    cr_expect_neq(number(&c, 0, "A"), number(&c, 0, "B"));
    cr_expect_neq(number(&c, 0, "A"), number(&d, 0, "A"));
}

static void many_parameters(char *out, size_t room, int n, const char *tail)
{
    size_t len = 0;
    for (int i = 0; i < n; i++)
        len += (size_t)snprintf(out + len, room - len, "%sP%02d: {uniform: {min: 0, max: 1}}",
                                i ? ", " : "", i);
    (void)snprintf(out + len, room - len, "%s", tail);
}

Test(design, sobol_takes_forty_parameters_and_not_one_more)
{
    char parameters[4096];
    many_parameters(parameters, sizeof parameters, 40, ", Z: {expression: \"P00 + 1\"}");
    auto_case c = expand_with(parameters, "method: sobol, samples: 16", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    double sum = 0;
    for (uint32_t i = 0; i < 16; i++)
        sum += number(&c, i, "P39");
    cr_expect(sum > 4 && sum < 12, "%g", sum);
    char spec[6000];
    many_parameters(parameters, sizeof parameters, 41, "");
    (void)snprintf(spec, sizeof spec, "  parameters: {%s}\n  design: {method: sobol, samples: 4}\n",
                   parameters);
    auto_case d = parse_spec(spec);
    cr_expect_eq(d.rc, DS_EINPUT);
    cr_expect(strstr(d.err.text, "sobol reaches 40 parameters, these are 41"), "%s", d.err.text);
}

static void same_prefix(const char *parameters, const char *small, const char *large, uint32_t n,
                        bool same)
{
    auto_case c = expand_with(parameters, small, NULL);
    auto_case d = expand_with(parameters, large, NULL);
    cr_assert(c.rc == 0 && d.rc == 0, "%s %s", c.err.text, d.err.text);
    bool equal = true;
    for (size_t i = 0; i < n * c.t.n_columns; i++)
        equal &= ds_span_eq(c.t.cells[i], d.t.cells[i]);
    cr_expect_eq(equal, same, "%s", small);
}

#define MIX                                                                                        \
    "A: {uniform: {min: 0, max: 1}}, B: {values: [1, 2, 3]}, C: {pert: {min: 1, mode: 2, max: "    \
    "4}}, "                                                                                        \
    "D: {expression: \"A * C\"}"

Test(design, sobol_and_monte_carlo_grow_without_changing_what_was)
{
    same_prefix(MIX, "method: monte-carlo, samples: 10", "method: monte-carlo, samples: 1000", 10,
                true);
    same_prefix(MIX, "method: sobol, samples: 10", "method: sobol, samples: 1000", 10, true);
    same_prefix(MIX, "method: latin-hypercube, samples: 10",
                "method: latin-hypercube, samples: 1000", 10, false);
}

Test(design, a_new_parameter_leaves_the_streams_of_others_alone)
{
    for (int lhs = 0; lhs < 2; lhs++) {
        const char *design =
            lhs ? "method: latin-hypercube, samples: 50" : "method: monte-carlo, samples: 50";
        auto_case c =
            expand_with("B: {uniform: {min: 0, max: 1}}, D: {values: [1, 2, 3]}", design, NULL);
        auto_case d = expand_with("A: {normal: {mean: 0, sd: 1}}, B: {uniform: {min: 0, max: 1}}, "
                                  "C: {values: [1]}, D: {values: [1, 2, 3]}",
                                  design, NULL);
        for (uint32_t i = 0; i < 50; i++) {
            cr_expect(ds_span_eq(cell(&c, i, "B"), cell(&d, i, "B")));
            cr_expect(ds_span_eq(cell(&c, i, "D"), cell(&d, i, "D")));
        }
    }
}

Test(design, the_order_of_keys_in_the_file_means_nothing)
{
    static const char *const METHODS[] = {
        "method: grid", "method: sobol, samples: 9", "samples: 9, method: latin-hypercube",
        "method: monte-carlo, samples: 9", "method: one-at-a-time"};
    for (size_t m = 0; m < DS_COUNT(METHODS); m++) {
        auto_case c = expand_with(
            "A: {values: [1, 2]}, B: {values: [x, z]}, C: {expression: \"A+1\"}", METHODS[m], NULL);
        auto_case d = expand_with(
            "C: {expression: \"A+1\"}, B: {values: [x, z]}, A: {values: [1, 2]}", METHODS[m], NULL);
        cr_assert_eq(c.t.n_rows, d.t.n_rows);
        for (size_t i = 0; i < c.t.n_rows * c.t.n_columns; i++)
            cr_expect(ds_span_eq(c.t.cells[i], d.t.cells[i]));
    }
}

Test(design, another_seed_gives_other_values_and_the_same_seed_the_same)
{
    same_prefix(MIX, "method: monte-carlo, samples: 9, seed: 5",
                "method: monte-carlo, samples: 9, seed: 5", 9, true);
    same_prefix(MIX, "method: monte-carlo, samples: 9, seed: 5",
                "method: monte-carlo, samples: 9, seed: 6", 9, false);
    same_prefix(MIX, "method: monte-carlo, samples: 9", "method: monte-carlo, samples: 9, seed: 1",
                9, true);
}

Test(design, one_at_a_time_is_a_base_and_two_cases_a_parameter)
{
    auto_case c = expand_with("A: {uniform: {min: 0, max: 100}}, B: {values: [500, 100, 250]}, "
                              "C: {normal: {mean: 5, sd: 1}, low: 1, high: 9.5}, F: {values: [3]}",
                              "method: one-at-a-time", NULL);
    static const char *const WANT[][6] = {
        {"base", "base", "50", "250", "5", "3"}, {"A", "low", "10", "250", "5", "3"},
        {"A", "high", "90", "250", "5", "3"},    {"B", "low", "50", "100", "5", "3"},
        {"B", "high", "50", "500", "5", "3"},    {"C", "low", "50", "250", "1", "3"},
        {"C", "high", "50", "250", "9.5", "3"},
    };
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 7);
    cr_assert(c.t.has_sens);
    for (uint32_t i = 0; i < 7; i++) {
        cr_expect(ds_span_is(c.t.sens[2 * i], WANT[i][0]), "%u", i);
        cr_expect(ds_span_is(c.t.sens[2 * i + 1], WANT[i][1]), "%u", i);
        cr_expect(ds_span_is(cell(&c, i, "A"), WANT[i][2]), "%u", i);
        cr_expect(ds_span_is(cell(&c, i, "B"), WANT[i][3]), "%u", i);
        cr_expect(ds_span_is(cell(&c, i, "C"), WANT[i][4]), "%u", i);
    }
}

Test(design, one_at_a_time_varies_one_value_that_has_a_low_or_high)
{
    auto_case c = expand_with("A: {values: [5], low: 4, high: 7}, B: {values: [1], high: 2}, "
                              "C: {values: [3], base: 9}",
                              "method: one-at-a-time", NULL);
    static const char *const WANT[][5] = {
        {"base", "base", "5", "1", "9"}, {"A", "low", "4", "1", "9"},  {"A", "high", "7", "1", "9"},
        {"B", "low", "5", "1", "9"},     {"B", "high", "5", "2", "9"},
    };
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, DS_COUNT(WANT));
    for (uint32_t i = 0; i < DS_COUNT(WANT); i++) {
        cr_expect(ds_span_is(c.t.sens[2 * i], WANT[i][0]), "%u", i);
        cr_expect(ds_span_is(c.t.sens[2 * i + 1], WANT[i][1]), "%u", i);
        for (uint32_t k = 0; k < 3; k++)
            cr_expect(ds_span_is(cell(&c, i, (char[]){(char)('A' + k), 0}), WANT[i][2 + k]), "%u",
                      i);
    }
}

Test(design, one_at_a_time_of_texts_is_a_case_a_value)
{
    auto_case c = expand_with("A: {values: [north, south, west]}, B: {uniform: {min: 0, max: 1}}",
                              "method: one-at-a-time", NULL);
    cr_assert_eq(c.t.n_rows, 5);
    cr_expect(ds_span_is(cell(&c, 0, "A"), "north"));
    cr_expect(ds_span_is(cell(&c, 1, "A"), "south") && ds_span_is(c.t.sens[3], "south"));
    cr_expect(ds_span_is(cell(&c, 2, "A"), "west") && ds_span_is(c.t.sens[4], "A"));
    cr_expect(ds_span_is(cell(&c, 3, "A"), "north") && ds_span_is(c.t.sens[7], "low"));
}

Test(design, one_at_a_time_weighs_discrete_values_and_turns_falling_ranges)
{
    auto_case c = expand_with("A: {discrete: {values: [3, 1, 2], weights: [0.05, 0.9, 0.05]}}, "
                              "B: {linspace: {from: 10, to: 1, count: 10}}",
                              "method: one-at-a-time", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect_eq(number(&c, 0, "A"), 1);
    cr_expect_eq(number(&c, 1, "A"), 1);
    cr_expect_leq(number(&c, 3, "B"), 2);
    cr_expect_geq(number(&c, 4, "B"), 9);
}

/* ---- parameters that go together ---- */

Test(design, partners_take_the_same_place_of_their_lists)
{
    static const struct ds_span GEO[] = {{"g/1", 3}, {"g/2", 3}, {"g/3", 3}};
    static const struct ds_span FLT[] = {{"f/a", 3}, {"f/b", 3}, {"f/c", 3}};
    const struct design_files files[] = {{{"GEO", 3}, GEO, 3}, {{"FLT", 3}, FLT, 3}};
    const struct design_inputs in = {{"", 0}, files, 2};
    static const char *const DESIGNS[] = {
        "method: grid", "method: sobol, samples: 20", "method: latin-hypercube, samples: 20",
        "method: monte-carlo, samples: 20", "method: one-at-a-time"};
    for (size_t m = 0; m < DS_COUNT(DESIGNS); m++) {
        auto_case c = expand_with("GEO: {files: \"g/*\"}, FLT: {files: \"f/*\", with: GEO}, "
                                  "N: {values: [10, 20, 30], with: GEO}, X: {values: [1, 2]}",
                                  DESIGNS[m], &in);
        cr_assert_eq(c.rc, 0, "%s", c.err.text);
        for (uint32_t i = 0; i < c.t.n_rows; i++) {
            int place = cell(&c, i, "GEO").ptr[2] - '1';
            cr_expect_eq(cell(&c, i, "FLT").ptr[2] - 'a', place);
            cr_expect_eq(number(&c, i, "N"), 10 * (place + 1));
        }
        if (m == 0)
            cr_expect_eq(c.t.n_rows, 6);
        cr_expect(c.t.columns[0].is_files && c.t.columns[1].is_files && !c.t.columns[2].is_files);
    }
}

Test(design, partners_of_other_length_and_globs_without_match_are_told)
{
    static const struct ds_span GEO[] = {{"g/1", 3}, {"g/2", 3}};
    const struct design_files files[] = {{{"GEO", 3}, GEO, 2}, {{"FLT", 3}, GEO, 0}};
    const struct design_inputs in = {{"", 0}, files, 2};
    auto_case c = expand_with("GEO: {files: \"g/*\"}, N: {values: [10, 20, 30], with: GEO}",
                              "method: grid", &in);
    cr_expect_eq(c.rc, DS_EINPUT);
    cr_expect(strstr(c.err.text, "spec.parameters.N.with: 3 values here, 2 in GEO"), "%s",
              c.err.text);
    auto_case d = expand_with("FLT: {files: \"f/*\"}", "method: grid", &in);
    cr_expect_eq(d.rc, DS_EINPUT);
    cr_expect(strstr(d.err.text, "spec.parameters.FLT.files: nothing matches 'f/*'"), "%s",
              d.err.text);
}

Test(design, formulas_are_computed_in_the_order_they_need)
{
    auto_case c = expand_with("A: {expression: \"B + C\"}, B: {expression: \"C * 2\"}, "
                              "C: {expression: \"Z + 1\"}, Z: {values: [1, 2]}",
                              "method: grid", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect_eq(number(&c, 0, "A"), 6);
    cr_expect_eq(number(&c, 1, "A"), 9);
}

Test(design, formulas_see_rounded_numbers_and_are_rounded)
{
    auto_case c =
        expand_with("A: {linspace: {from: 0, to: 1, count: 4}, decimals: 1}, "
                    "B: {expression: \"A * 10\"}, C: {expression: \"A / 3\", decimals: 2}, "
                    "D: {expression: \"A / 3\"}",
                    "method: grid", NULL);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect(ds_span_is(cell(&c, 1, "A"), "0.3"));
    cr_expect(ds_span_is(cell(&c, 1, "B"), "3"));
    cr_expect(ds_span_is(cell(&c, 2, "C"), "0.23"));
    cr_expect(ds_span_is(cell(&c, 2, "D"), "0.2333333333"));
}

Test(design, a_result_that_is_no_number_names_the_case)
{
    auto_case c =
        expand_with("A: {values: [2, 1, 0]}, B: {expression: \"1 / A\"}", "method: grid", NULL);
    cr_assert_eq(c.rc, DS_EINPUT);
    cr_expect(strstr(c.err.text, "spec.parameters.B.expression: case 2: the result is inf"), "%s",
              c.err.text);
}

Test(design, where_leaves_rows_out_and_numbers_stay)
{
    auto_case c = expand_with("A: {integers: {min: 0, max: 9}}",
                              "method: grid, where: \"A > 6 || A == 2\"", NULL);
    static const uint32_t WANT[] = {2, 7, 8, 9};
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 4);
    cr_assert_eq(c.t.n_before_where, 10);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(c.t.number[i], WANT[i]);
        cr_expect_eq(number(&c, i, "A"), WANT[i]);
    }
    auto_case d =
        expand_with("A: {integers: {min: 0, max: 9}}", "method: grid, where: \"A > 60\"", NULL);
    cr_expect_eq(d.rc, DS_EINPUT);
    cr_expect(strstr(d.err.text, "spec.design.where: no case is left"), "%s", d.err.text);
    auto_case e = expand_with("A: {integers: {min: 0, max: 9}}",
                              "method: grid, where: \"sqrt(A - 3)\"", NULL);
    cr_expect_eq(e.rc, DS_EINPUT);
}

Test(design, samples_of_a_filtered_design_are_fewer_not_replaced)
{
    auto_case c = expand_with("A: {uniform: {min: 0, max: 1}}",
                              "method: monte-carlo, samples: 100, where: \"A > 0.5\"", NULL);
    auto_case d =
        expand_with("A: {uniform: {min: 0, max: 1}}", "method: monte-carlo, samples: 100", NULL);
    cr_assert_eq(c.rc, 0);
    cr_expect(c.t.n_rows > 30 && c.t.n_rows < 70);
    for (uint32_t i = 0; i < c.t.n_rows; i++)
        cr_expect(ds_span_eq(cell(&c, i, "A"), cell(&d, c.t.number[i], "A")));
}

/* ---- numbers ---- */

Test(design, every_number_has_ten_digits_or_the_decimals_asked_for)
{
    auto_case c =
        expand_with("A: {uniform: {min: 0.1, max: 0.9}}, B: {uniform: {min: 0, max: 1000}, "
                    "decimals: 2}, C: {loguniform: {min: 1e-9, max: 1e9}}, D: {uniform: {min: 1e5, "
                    "max: 9e5}, decimals: 0}",
                    "method: monte-carlo, samples: 500", NULL);
    for (uint32_t i = 0; i < 500; i++) {
        const char *names[] = {"A", "C"};
        for (int k = 0; k < 2; k++) {
            double v = number(&c, i, names[k]);
            char again[40];
            (void)snprintf(again, sizeof again, "%.9e", v);
            cr_expect_eq(strtod(again, NULL), v);
        }
        cr_expect_float_eq(number(&c, i, "B") * 100, rint(number(&c, i, "B") * 100), 1e-9);
        cr_expect_null(memchr(cell(&c, i, "D").ptr, '.', cell(&c, i, "D").len));
        cr_expect_null(memchr(cell(&c, i, "D").ptr, 'e', cell(&c, i, "D").len));
    }
}

Test(design, lists_keep_their_ends_and_whole_numbers_are_plain)
{
    auto_case c =
        expand_with("A: {linspace: {from: 50e3, to: 150e3, count: 5}}", "method: grid", NULL);
    cr_expect(ds_span_is(cell(&c, 0, "A"), "50000") && ds_span_is(cell(&c, 1, "A"), "75000")
              && ds_span_is(cell(&c, 4, "A"), "150000"));
    auto_case d = expand_with("A: {logspace: {from: 1, to: 1000, count: 4}}", "method: grid", NULL);
    static const char *const WANT[] = {"1", "10", "100", "1000"};
    for (uint32_t i = 0; i < 4; i++)
        cr_expect(ds_span_is(cell(&d, i, "A"), WANT[i]));
}

Test(design, texts_come_through_byte_for_byte)
{
    auto_case c = expand_with("A: {values: [\"1e5\", '0.10', \" x,y \", \"caf\xc3\xa9\"]}",
                              "method: grid", NULL);
    cr_expect(ds_span_is(cell(&c, 0, "A"), "1e5"));
    cr_expect(ds_span_is(cell(&c, 1, "A"), "0.10"));
    cr_expect(ds_span_is(cell(&c, 2, "A"), " x,y "));
    cr_expect(ds_span_is(cell(&c, 3, "A"), "caf\xc3\xa9"));
    cr_expect_not(c.t.columns[0].is_number);
}

Test(design, a_full_arena_is_an_error_not_a_crash)
{
    for (size_t cap = 70000; cap < 800000; cap += 40000) {
        ds_auto_arena a = arena_create(cap);
        struct sweep s;
        struct sweep_problems problems;
        struct design_table t;
        struct ds_err err;
        struct design_inputs in = {0};
        const char text[] =
            "apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {name: t}\nspec:\n  "
            "deck: D\n  parameters: {" MIX "}\n  design: {method: sobol, samples: 9999}\n";
        if (sweep_parse(DS_SPAN("s"), ds_span_of(text), a, &s, &problems, &err) == 0)
            cr_expect_eq(design_expand(&s, &in, a, &t, &problems, &err), DS_ETOOBIG);
    }
}
