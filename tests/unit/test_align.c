/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/units.h"
#include "collector/align.h"

#include <criterion/criterion.h>
#include <math.h>

static int64_t date(const char *text)
{
    int64_t s = 0;
    cr_assert_eq(units_parse_date(ds_span_of(text), &s, NULL), 0, "%s", text);
    return s;
}

Test(align, unites_time_sets_and_copies_them_only_to_grow)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct align_times t = {NULL, 0};
    const int64_t first[] = {10, 20, 40}, part[] = {10, 40}, more[] = {5, 20, 50};
    cr_assert_eq(align_unite(&t, first, 3, a, NULL), 0);
    const int64_t *before = t.at_s;
    cr_assert_eq(align_unite(&t, part, 2, a, NULL), 0);
    cr_expect_eq(t.at_s, before);
    cr_assert_eq(align_unite(&t, more, 3, a, NULL), 0);
    const int64_t want[] = {5, 10, 20, 40, 50};
    cr_assert_eq(t.n, 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(t.at_s[i], want[i]);
    cr_expect(align_has(&t, 40));
    cr_expect_not(align_has(&t, 41));
}

Test(align, refuses_more_than_twenty_thousand_times)
{
    ds_auto_arena a = arena_create(8 << 20);
    static int64_t many[ALIGN_MAX_TIMES + 1];
    for (size_t i = 0; i < DS_COUNT(many); i++)
        many[i] = (int64_t)i;
    struct align_times t = {NULL, 0};
    struct ds_err err;
    cr_expect_eq(align_unite(&t, many, DS_COUNT(many), a, &err), DS_ETOOBIG);
    cr_expect(strstr(err.text, "monthly"), "it says what to do: %s", err.text);
    struct align_times reports = {many, ALIGN_MAX_TIMES}, axis;
    struct sweep_collect every_s = {.times = TIMES_EVERY, .every_s = 1};
    cr_expect_eq(align_axis(&every_s, &reports, -10, a, &axis, &err), DS_ETOOBIG);
}

static void expect_axis(struct sweep_collect what, const char *start, const char *last,
                        const char *const *want, size_t n)
{
    ds_auto_arena a = arena_create(1 << 20);
    int64_t reports[] = {date(last)};
    struct align_times r = {reports, 1}, axis;
    cr_assert_eq(align_axis(&what, &r, date(start), a, &axis, NULL), 0);
    cr_expect_eq(axis.n, n, "%zu times, want %zu", axis.n, n);
    for (size_t i = 0; i < n && i < axis.n; i++)
        cr_expect_eq(axis.at_s[i], date(want[i]), "time %zu", i);
}

Test(align, grids_run_from_after_start_to_the_last_report)
{
    expect_axis((struct sweep_collect){.times = TIMES_MONTHLY}, "2015-01-01", "2015-03-01",
                (const char *[]){"2015-02-01", "2015-03-01"}, 2);
    expect_axis((struct sweep_collect){.times = TIMES_MONTHLY}, "2015-11-15", "2016-01-31",
                (const char *[]){"2015-12-01", "2016-01-01"}, 2);
    expect_axis((struct sweep_collect){.times = TIMES_YEARLY}, "2015-06-01", "2017-12-31",
                (const char *[]){"2016-01-01", "2017-01-01"}, 2);
    expect_axis((struct sweep_collect){.times = TIMES_EVERY, .every_s = 30 * 86400}, "2015-01-01",
                "2015-03-05", (const char *[]){"2015-01-31", "2015-03-02"}, 2);
    int64_t dates[] = {date("2014-01-01"), date("2015-02-03"), date("2030-01-01")};
    expect_axis((struct sweep_collect){.times = TIMES_DATES, .dates = dates, .n_dates = 3},
                "2015-01-01", "2016-01-01",
                (const char *[]){"2014-01-01", "2015-02-03", "2030-01-01"}, 3);
}

Test(align, fills_report_times_only_where_the_case_has_a_report)
{
    int64_t axis_at[] = {10, 20, 30, 40}, reports[] = {10, 30};
    struct align_times axis = {axis_at, 4};
    struct align_source map[4];
    align_map(&axis, reports, 2, false, 0, map);
    const float values[] = {1.0f, 3.0f};
    float out[4];
    align_fill(values, map, 4, true, out);
    cr_expect_eq(out[0], 1.0f);
    cr_expect(isnan(out[1]), "nothing is invented between reports");
    cr_expect_eq(out[2], 3.0f);
    cr_expect(isnan(out[3]));
}

Test(align, on_a_grid_totals_interpolate_and_rates_take_the_next_report)
{
    int64_t axis_at[] = {0, 5, 10, 15, 30, 35}, reports[] = {10, 30};
    struct align_times axis = {axis_at, 6};
    struct align_source map[6];
    align_map(&axis, reports, 2, true, 0, map);
    const float values[] = {100.0f, 300.0f};
    float total[6], rate[6];
    align_fill(values, map, 6, true, total);
    align_fill(values, map, 6, false, rate);
    cr_expect(isnan(total[0]) && isnan(rate[0]), "nothing is known at START");
    cr_expect(isnan(total[1]), "a total before the first report would be extrapolated");
    cr_expect_eq(rate[1], 100.0f, "a rate holds backwards to the report before");
    cr_expect_eq(total[2], 100.0f);
    cr_expect_eq(total[3], 150.0f);
    cr_expect_eq(rate[3], 300.0f);
    cr_expect_eq(total[4], 300.0f);
    cr_expect(isnan(total[5]) && isnan(rate[5]), "nothing is extrapolated behind the end");
}

Test(align, knows_when_a_grid_ends_before_the_last_report)
{
    int64_t at[] = {date("2015-02-01"), date("2015-03-01")};
    int64_t met[] = {date("2015-03-01")}, missed[] = {date("2015-03-31")};
    struct align_times two = {at, 2}, none = {NULL, 0}, on = {met, 1}, behind = {missed, 1};
    static const enum collect_times GRIDS[] = {TIMES_EVERY, TIMES_MONTHLY, TIMES_YEARLY};
    for (size_t i = 0; i < DS_COUNT(GRIDS); i++) {
        struct sweep_collect what = {.times = GRIDS[i], .every_s = 86400};
        cr_expect(align_misses_last(&what, &behind, &two));
        cr_expect(align_misses_last(&what, &behind, &none), "no time before the last report");
        cr_expect_not(align_misses_last(&what, &on, &two));
        cr_expect_not(align_misses_last(&what, &none, &none), "no report at all");
    }
    struct sweep_collect report = {.times = TIMES_REPORT}, dates = {.times = TIMES_DATES};
    cr_expect_not(align_misses_last(&report, &behind, &behind));
    cr_expect_not(align_misses_last(&dates, &behind, &two), "dates are as meant");
}

Test(align, only_a_case_with_every_time_of_the_axis_is_straight)
{
    int64_t at[] = {10, 20, 30};
    struct align_times axis = {at, 3};
    struct align_source map[3];
    static const struct {
        int64_t reports[4];
        size_t n;
        bool straight;
    } CASES[] = {{{10, 20, 30}, 3, true},
                 {{10, 20}, 2, false},
                 {{20, 30}, 2, false},
                 {{10, 20, 25, 30}, 4, false},
                 {{10, 20, 30, 40}, 4, true}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        align_map(&axis, CASES[i].reports, CASES[i].n, false, 0, map);
        cr_expect_eq(align_is_straight(map, 3), CASES[i].straight, "case %zu", i);
    }
    align_map(&axis, at, 3, true, 10, map);
    cr_expect(align_is_straight(map, 3));
}
