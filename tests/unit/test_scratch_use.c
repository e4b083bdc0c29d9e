/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/scratch_use.h"
#include "decksweep/span.h"

#include <criterion/criterion.h>

#define MIB ((uint64_t)1 << 20)

Test(scratch_use, pauses_at_80_and_ends_the_largest_case_at_95_percent)
{
    static const uint64_t cases[] = {10 * MIB, 0, 70 * MIB, 70 * MIB};
    static const struct {
        uint64_t budget, used;
        bool ending, pause;
        int64_t end_one;
    } rows[] = {
        {0, 1000 * MIB, false, false, -1},
        {100 * MIB, 0, false, false, -1},
        {100 * MIB, 79 * MIB, false, false, -1},
        {100 * MIB, 80 * MIB, false, true, -1},
        {100 * MIB, 94 * MIB, false, true, -1},
        {100 * MIB, 95 * MIB, false, true, 2},
        {100 * MIB, 95 * MIB, true, true, -1},
        {100 * MIB, 300 * MIB, false, true, 2},
        {1, MIB, false, true, 2},
        {UINT64_MAX, UINT64_MAX - 100, false, true, 2},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct scratch_use u = {.budget_bytes = rows[i].budget,
                                .used_bytes = rows[i].used,
                                .case_bytes = cases,
                                .n_places = DS_COUNT(cases),
                                .ending = rows[i].ending};
        struct scratch_wish w = scratch_decide(&u);
        cr_expect_eq(w.pause, rows[i].pause, "row %zu", i);
        cr_expect_eq(w.end_one, rows[i].end_one, "row %zu: %lld", i, (long long)w.end_one);
    }
}

Test(scratch_use, nothing_is_ended_where_nothing_runs)
{
    static const uint64_t none[2] = {0, 0};
    struct scratch_use u = {
        .budget_bytes = MIB, .used_bytes = MIB, .case_bytes = none, .n_places = 2};
    cr_expect_eq(scratch_decide(&u).end_one, -1);
    cr_expect(scratch_decide(&u).pause);
}

Test(scratch_use, the_budget_is_what_the_pod_has_without_our_own_part)
{
    cr_expect_eq(scratch_budget(0), 0);
    cr_expect_eq(scratch_budget(SCRATCH_OURS_BYTES + 5), 5);
    cr_expect_eq(scratch_budget(SCRATCH_OURS_BYTES), 1);
    cr_expect_eq(scratch_budget(1), 1);
}
