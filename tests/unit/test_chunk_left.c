/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/chunk_left.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define N 8

/* Case i has number i + 100 and an id of sixteen digits i. */
static uint32_t numbers[N];
static struct case_id ids[N];
static struct design design;
static struct plan plan;

static void make(void)
{
    for (uint32_t i = 0; i < N; i++) {
        numbers[i] = i + 100;
        memset(ids[i].hex, '0' + (int)i, CASE_ID_CHARS);
    }
    design = (struct design){.n_rows = N, .number = numbers, .id = ids};
    plan = (struct plan){.keep = {.classes = CLASS_SUMMARY | CLASS_LOG}, .wall_ms = 60000};
}
TestSuite(chunk_left, .init = make);

static struct chunk take(const struct round *r, const char *const *keys, size_t n,
                         struct ds_arena *a)
{
    struct chunk_seen *seen;
    struct chunk c;
    cr_assert_eq(chunk_begin(r, 0, &plan, &design, a, &seen, NULL), 0);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(chunk_note_key(seen, ds_span_of(keys[i]), NULL), 0);
    cr_assert_eq(chunk_finish(seen, a, &c, NULL), 0);
    return c;
}

static const struct shape one_shape = {.ranks = 1, .threads = 1, .cores = 1};
static const struct number_range all[] = {{100, 107}};
static const struct round_chunk whole = {.ranges = all, .n_ranges = 1};
static const struct round first = {
    .n = 1, .shapes = &one_shape, .n_shapes = 1, .chunks = &whole, .n_chunks = 1};

Test(chunk_left, of_an_empty_store_is_all_its_rows_in_order)
{
    ds_auto_arena a = arena_create(1u << 20);
    static const struct number_range ranges[] = {{101, 102}, {105, 105}};
    static const struct round_chunk part = {.ranges = ranges, .n_ranges = 2};
    struct round r = first;
    r.chunks = &part;
    struct chunk c = take(&r, NULL, 0, a);
    cr_assert_eq(c.n_rows, 3);
    cr_expect_eq(c.rows[0], 1);
    cr_expect_eq(c.rows[1], 2);
    cr_expect_eq(c.rows[2], 5);
    r.reverse = true;
    c = take(&r, NULL, 0, a);
    cr_expect_eq(c.rows[0], 5);
    cr_expect_eq(c.rows[2], 1);
}

Test(chunk_left, leaves_out_what_a_key_covers_and_only_that)
{
    static const char *const keys[] = {
        "cases/0000000000000000.sl.tar.zst",  /* exactly */
        "cases/1111111111111111.slr.tar.zst", /* wider */
        "cases/2222222222222222.s.tar.zst",   /* narrower */
        "cases/aaaaaaaaaaaaaaaa.sl.tar.zst",  /* not ours */
        "cases/3333333333333333.sl.tar.zst.tmp", "dataset/summary.nc",
    };
    ds_auto_arena a = arena_create(1u << 20);
    struct chunk c = take(&first, keys, DS_COUNT(keys), a);
    cr_assert_eq(c.n_rows, 6);
    cr_expect_eq(c.n_done, 2);
    cr_expect_eq(c.rows[0], 2);
}

Test(chunk_left, runs_equal_ids_once)
{
    ids[5] = ids[1];
    ds_auto_arena a = arena_create(1u << 20);
    struct chunk c = take(&first, NULL, 0, a);
    cr_expect_eq(c.n_rows, N - 1);
    cr_expect_eq(c.n_done, 1);
}

Test(chunk_left, counts_earlier_attempts_as_the_census_does)
{
    static const char *const keys[] = {
        "failed/1111111111111111.1.crashed.tar.zst",
        "failed/1111111111111111.2.out-of-memory-70.tar.zst",
        "failed/2222222222222222.1.timeout-59.tar.zst", /* below the present wall time */
        "failed/2222222222222222.2.timeout-60.tar.zst",
        "failed/3333333333333333.1.deck-error.tar.zst",
        "failed/3333333333333333.1.granted",
        "started/4444444444444444.1",
        "started/5555555555555555.1",
        "failed/5555555555555555.1.crashed.tar.zst",
        "failed/6666666666666666.1.crashed.tar.zst", /* two verdicts with one number: */
        "failed/6666666666666666.1.incomplete.tar.zst",
    };
    ds_auto_arena a = arena_create(1u << 20);
    struct chunk c = take(&first, keys, DS_COUNT(keys), a);
    cr_assert_eq(c.n_rows, N, "failed cases are still to be run");
    cr_assert_eq(c.n_prior, 6);
    const struct dispatch_prior *p = c.prior;
    cr_expect_eq(p[0].row, 1);
    cr_expect_eq(p[0].next_attempt, 3);
    cr_expect_eq(p[0].failed[VERDICT_CRASHED], 1);
    cr_expect_eq(p[0].failed[VERDICT_OUT_OF_MEMORY], 1);
    cr_expect_eq(p[0].largest_oom_bytes, UINT64_C(70) << 20);
    cr_expect_eq(p[1].failed[VERDICT_TIMEOUT], 1, "only the one of 60 s");
    cr_expect_eq(p[1].next_attempt, 3);
    cr_expect_eq(p[2].failed[VERDICT_DECK_ERROR], 0, "granted again");
    cr_expect_eq(p[2].next_attempt, 2);
    cr_expect_eq(p[3].failed[VERDICT_LOST], 1, "a marker without an outcome");
    cr_expect_eq(p[3].next_attempt, 2);
    cr_expect_eq(p[4].failed[VERDICT_LOST], 0, "a marker with one");
    cr_expect_eq(p[4].failed[VERDICT_CRASHED], 1);
    cr_expect_eq(p[5].failed[VERDICT_CRASHED], 1);
    cr_expect_eq(p[5].failed[VERDICT_INCOMPLETE], 1, "both count");
}

Test(chunk_left, puts_first_what_ran_out_of_memory_the_largest_at_the_head)
{
    static const char *const keys[] = {
        "failed/2222222222222222.1.out-of-memory-70.tar.zst",
        "failed/4444444444444444.1.out-of-memory-70.tar.zst",
        "failed/4444444444444444.2.out-of-memory-140.tar.zst",
        "failed/5555555555555555.1.out-of-memory-70.tar.zst",
        "failed/6666666666666666.1.crashed.tar.zst",
        "cases/0000000000000000.sl.tar.zst",
    };
    static const uint32_t onwards[] = {4, 2, 5, 1, 3, 6, 7}, back[] = {5, 2, 4, 7, 6, 3, 1};
    ds_auto_arena a = arena_create(1u << 20);
    struct round r = first;
    struct chunk c = take(&r, keys, DS_COUNT(keys), a);
    cr_assert_eq(c.n_rows, DS_COUNT(onwards));
    cr_expect_arr_eq(c.rows, onwards, sizeof onwards);
    r.reverse = true;
    c = take(&r, keys, DS_COUNT(keys), a);
    cr_expect_arr_eq(c.rows, back, sizeof back);
}

Test(chunk_left, takes_attempt_numbers_of_the_round_where_the_keys_are_gone)
{
    static const struct round_attempt attempts[] = {{101, 4}, {103, 2}, {999, 9}};
    static const char *const keys[] = {"failed/3333333333333333.5.crashed.tar.zst"};
    struct round r = first;
    r.attempts = attempts;
    r.n_attempts = 3;
    ds_auto_arena a = arena_create(1u << 20);
    struct chunk c = take(&r, keys, 1, a);
    cr_assert_eq(c.n_prior, 2);
    cr_expect_eq(c.prior[0].row, 1);
    cr_expect_eq(c.prior[0].next_attempt, 4);
    cr_expect_eq(c.prior[1].row, 3);
    cr_expect_eq(c.prior[1].next_attempt, 6, "the listing knows more");
}

Test(chunk_left, refuses_a_round_that_names_cases_the_design_lacks)
{
    static const struct {
        const char *name;
        struct number_range range;
    } rows[] = {
        {"beyond", {106, 108}},
        {"before", {99, 101}},
        {"more than all", {0, 4000000000u}},
        {"nowhere", {500, 500}},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct round_chunk part = {.ranges = &rows[i].range, .n_ranges = 1};
        struct round r = first;
        struct chunk_seen *seen;
        r.chunks = &part;
        ds_auto_arena a = arena_create(1u << 20);
        cr_expect_eq(chunk_begin(&r, 0, &plan, &design, a, &seen, NULL), DS_ECORRUPT, "%s",
                     rows[i].name);
    }
    struct chunk_seen *seen;
    ds_auto_arena a = arena_create(1u << 20);
    cr_expect_eq(chunk_begin(&first, 1, &plan, &design, a, &seen, NULL), DS_EINPUT);
}

Test(chunk_left, bears_limits_that_no_machine_has)
{
    static const char *const keys[] = {
        "failed/1111111111111111.1.timeout-9223372036854775807.tar.zst",
        "failed/2222222222222222.1.timeout-18446744073709552.tar.zst",    /* 384 ms if it wraps */
        "failed/3333333333333333.1.out-of-memory-17592186044416.tar.zst", /* 0 bytes if it wraps */
    };
    ds_auto_arena a = arena_create(1u << 20);
    struct chunk c = take(&first, keys, DS_COUNT(keys), a);
    cr_assert_eq(c.n_prior, 3);
    cr_expect_eq(c.prior[0].failed[VERDICT_TIMEOUT], 1);
    cr_expect_eq(c.prior[1].failed[VERDICT_TIMEOUT], 1);
    cr_expect_eq(c.prior[2].largest_oom_bytes, UINT64_MAX / 2);
}

Test(chunk_left, bears_thousands_of_attempts)
{
    ds_auto_arena a = arena_create(8u << 20);
    struct chunk_seen *seen;
    struct chunk c;
    cr_assert_eq(chunk_begin(&first, 0, &plan, &design, a, &seen, NULL), 0);
    for (unsigned i = 1; i <= 2000; i++) {
        char key[96];
        (void)snprintf(key, sizeof key, "failed/7777777777777777.%u.crashed.tar.zst", i);
        cr_assert_eq(chunk_note_key(seen, ds_span_of(key), NULL), 0);
    }
    cr_assert_eq(chunk_finish(seen, a, &c, NULL), 0);
    cr_expect_eq(c.prior[0].next_attempt, 2001);
    cr_expect_eq(c.prior[0].failed[VERDICT_CRASHED], UINT8_MAX);
}
