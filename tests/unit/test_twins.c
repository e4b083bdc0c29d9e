/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"
#include "collector/twins.h"

#include <criterion/criterion.h>
#include <math.h>

#define ROWS 5u

/* A design of A and B with the values' hashes given; case i has id i. */
static void expect_idle(const char *claim, const char *const lines[ROWS],
                        const uint64_t hashes[ROWS], bool idle_a, bool idle_b)
{
    ds_auto_arena a = arena_create(1 << 20);
    ds_auto_buf text;
    buf_init(&text, 4096);
    (void)buf_put_text(&text, "case,id,A,B\n");
    struct dataset_row rows[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        (void)buf_printf(&text, "%u,000000000000000%u,%s\n", i, i, lines[i]);
        rows[i] = (struct dataset_row){.verdict = VERDICT_OK, .values_hash = hashes[i]};
    }
    struct design d;
    cr_assert_eq(design_decode(buf_span(&text), a, &d, NULL), 0);
    struct dataset ds = {.design = &d, .rows = rows, .n_rows = ROWS};
    bool idle[2];
    cr_assert_eq(twins_find_idle(&ds, a, idle, NULL), 0);
    cr_expect_eq(idle[0], idle_a, "%s: A", claim);
    cr_expect_eq(idle[1], idle_b, "%s: B", claim);
}

Test(twins, finds_parameters_that_move_nothing)
{
    const char *const oat[] = {"1,1", "0,1", "2,1", "1,0", "1,2"};
    const char *const sampled[] = {"1,1", "2,2", "3,3", "4,4", "5,5"};
    const uint64_t b_only[] = {7, 7, 7, 8, 9}, all[] = {1, 2, 3, 4, 5}, same[] = {7, 7, 7, 7, 7};
    expect_idle("only B moves", oat, b_only, true, false);
    expect_idle("both move", oat, all, false, false);
    expect_idle("none moves", oat, same, true, true);
    expect_idle("nothing can be said of a sample", sampled, same, false, false);
}

Test(twins, finds_cases_with_one_summary_but_not_rows_of_one_id)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct case_id id[4] = {{"000000000000000"}, {"111111111111111"}, {"111111111111111"}, {"2"}};
    struct design d = {.n_rows = 4, .id = id};
    struct dataset_row rows[4] = {{.verdict = VERDICT_OK, .values_hash = 5},
                                  {.verdict = VERDICT_OK, .values_hash = 6},
                                  {.verdict = VERDICT_OK, .values_hash = 6},
                                  {.verdict = VERDICT_OK, .values_hash = 7}};
    struct dataset ds = {.design = &d, .rows = rows, .n_rows = 4};
    struct twins t;
    cr_assert_eq(twins_find(&ds, a, &t, NULL), 0);
    cr_expect_eq(t.n_cases, 0, "one id is one simulation");
    rows[3].values_hash = 5;
    cr_assert_eq(twins_find(&ds, a, &t, NULL), 0);
    cr_expect_eq(t.n_cases, 2);
    cr_expect(t.a == 0 && t.b == 3);
    rows[3].verdict = VERDICT_TIMEOUT;
    cr_assert_eq(twins_find(&ds, a, &t, NULL), 0);
    cr_expect_eq(t.n_cases, 0, "failed cases do not count");
}

Test(twins, rank_correlation_is_spearmans)
{
    ds_auto_arena a = arena_create(1 << 20);
    const double x[] = {1, 2, 3, 4, 5, 6};
    /* 1 - 6 sum(d^2) / (n (n^2 - 1)) */
    const float monotone[] = {1, 8, 27, 64, 125, 216};
    const float some[] = {2, 1, 3, 6, 5, 4}; /* sum of squared rank differences 10: 1 - 60/210 */
    const float none[] = {1, 1, 1, 1, 1, 1}, holes[] = {NAN, 3, NAN, 2, NAN, 1};
    cr_expect_float_eq(twins_rank_correlation(x, monotone, 1, 6, a), 1.0, 1e-12);
    cr_expect_float_eq(twins_rank_correlation(x, some, 1, 6, a), 1.0 - 60.0 / 210.0, 1e-12);
    cr_expect_eq(twins_rank_correlation(x, none, 1, 6, a), 0.0);
    cr_expect_float_eq(twins_rank_correlation(x, holes, 1, 6, a), 1.0, 1e-12, "falling counts too");
}
