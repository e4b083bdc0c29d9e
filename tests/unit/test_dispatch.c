/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/dispatch.h"

#include <criterion/criterion.h>

#define MIB (UINT64_C(1) << 20)
#define MAX 64

/* Slots by hand: n places, memory for all of them. */
static struct slots places(uint32_t n, uint64_t mem_bytes)
{
    static struct slot at[MAX];
    return (struct slots){.at = at, .n_max = n, .n = n, .cores = 1, .mem_bytes = mem_bytes};
}

struct bench {
    struct ds_arena *arena;
    struct slots slots;
    struct dispatch *d;
    uint32_t rows[MAX];
};

static void setup(struct bench *b, uint32_t n_rows, struct slots slots,
                  const struct dispatch_policy *policy, const struct dispatch_prior *prior,
                  uint32_t n_prior)
{
    b->arena = arena_create(1u << 20);
    b->slots = slots;
    for (uint32_t i = 0; i < n_rows; i++)
        b->rows[i] = i * 10;
    cr_assert_eq(
        dispatch_create(policy, b->rows, n_rows, prior, n_prior, &b->slots, b->arena, &b->d, NULL),
        0);
}

static struct dispatch_order must_start(struct bench *b)
{
    struct dispatch_order o;
    cr_assert_eq(dispatch_next(b->d, &o), DISPATCH_START);
    return o;
}

static enum dispatch_fate end(struct bench *b, const struct dispatch_order *o, enum verdict verdict,
                              uint64_t peak)
{
    struct dispatch_verdict v = {.item = o->item,
                                 .verdict = verdict,
                                 .limit_bytes = o->limit_bytes,
                                 .peak_bytes = peak,
                                 .run_ms = 100};
    dispatch_ended(b->d, o->place);
    return dispatch_judged(b->d, &v);
}

static const struct dispatch_policy plain = {.retries = {[VERDICT_OUT_OF_MEMORY] = 2,
                                                         [VERDICT_CRASHED] = 1,
                                                         [VERDICT_OUT_OF_DISK] = 1,
                                                         [VERDICT_INCOMPLETE] = 1,
                                                         [VERDICT_NOT_CONVERGED] = 1},
                                             .estimate_bytes = 100 * MIB};

Test(dispatch, runs_every_row_once_in_order_and_then_says_done)
{
    struct bench b;
    struct dispatch_order o[2], none;
    setup(&b, 3, places(2, 0), &plain, NULL, 0);
    o[0] = must_start(&b);
    o[1] = must_start(&b);
    cr_expect_eq(o[0].item.row, 0);
    cr_expect_eq(o[1].item.row, 10);
    cr_expect_eq(o[0].item.attempt, 1);
    cr_expect_neq(o[0].place, o[1].place);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT, "no place is free");
    cr_expect_eq(end(&b, &o[0], VERDICT_OK, 0), FATE_DONE);
    o[0] = must_start(&b);
    cr_expect_eq(o[0].item.row, 20);
    cr_expect_eq(end(&b, &o[1], VERDICT_OK, 0), FATE_DONE);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT, "one runs");
    dispatch_ended(b.d, o[0].place);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT, "one is not judged");
    struct dispatch_verdict v = {.item = o[0].item, .verdict = VERDICT_OK};
    cr_expect_eq(dispatch_judged(b.d, &v), FATE_DONE);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_DONE);
    cr_expect_eq(dispatch_count(b.d).done, 3);
    arena_destroy(b.arena);
}

Test(dispatch, a_crash_is_tried_again_after_all_others_and_a_second_one_is_final)
{
    struct bench b;
    struct dispatch_order o, none;
    setup(&b, 2, places(1, 0), &plain, NULL, 0);
    o = must_start(&b);
    cr_expect_eq(end(&b, &o, VERDICT_CRASHED, 0), FATE_RETRY);
    o = must_start(&b);
    cr_expect_eq(o.item.row, 10, "ordinary cases first");
    cr_expect_eq(end(&b, &o, VERDICT_OK, 0), FATE_DONE);
    o = must_start(&b);
    cr_expect_eq(o.item.row, 0);
    cr_expect_eq(o.item.attempt, 2);
    cr_expect_eq(end(&b, &o, VERDICT_CRASHED, 0), FATE_FINAL);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_DONE);
    cr_expect_eq(dispatch_count(b.d).failed, 1);
    cr_expect_eq(dispatch_count(b.d).attempts[VERDICT_CRASHED], 2);
    arena_destroy(b.arena);
}

Test(dispatch, a_deck_error_is_final_at_once)
{
    struct bench b;
    setup(&b, 1, places(1, 0), &plain, NULL, 0);
    struct dispatch_order o = must_start(&b);
    cr_expect_eq(end(&b, &o, VERDICT_DECK_ERROR, 0), FATE_FINAL);
    arena_destroy(b.arena);
}

Test(dispatch, out_of_memory_comes_back_first_with_twice_the_memory)
{
    struct bench b;
    struct dispatch_policy policy = plain;
    policy.user_memory_bytes = 100 * MIB;
    setup(&b, 3, places(2, 1000 * MIB), &policy, NULL, 0);
    struct dispatch_order o = must_start(&b);
    cr_expect_eq(o.limit_bytes, 100 * MIB, "%llu", (unsigned long long)o.limit_bytes);
    cr_expect_eq(end(&b, &o, VERDICT_OUT_OF_MEMORY, 100 * MIB), FATE_RETRY);
    o = must_start(&b);
    cr_expect_eq(o.item.row, 0, "before the ordinary ones");
    cr_expect_eq(o.item.attempt, 2);
    cr_expect_eq(o.limit_bytes, 200 * MIB);
    cr_expect_eq(end(&b, &o, VERDICT_OUT_OF_MEMORY, 200 * MIB), FATE_RETRY);
    o = must_start(&b);
    cr_expect_eq(o.limit_bytes, 400 * MIB);
    cr_expect_eq(end(&b, &o, VERDICT_OUT_OF_MEMORY, 400 * MIB), FATE_FINAL, "budget 2");
    arena_destroy(b.arena);
}

Test(dispatch, a_retry_too_large_for_this_worker_is_left_to_the_next_round)
{
    struct bench b;
    struct dispatch_order o, none;
    struct dispatch_policy policy = plain;
    policy.user_memory_bytes = 100 * MIB;
    setup(&b, 1, places(1, 110 * MIB), &policy, NULL, 0);
    o = must_start(&b);
    cr_expect_eq(end(&b, &o, VERDICT_OUT_OF_MEMORY, 100 * MIB), FATE_POSTPONED);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_DONE);
    cr_expect_eq(dispatch_count(b.d).postponed, 1);
    arena_destroy(b.arena);
}

Test(dispatch, a_big_retry_holds_ordinary_cases_back_until_it_fits)
{
    struct bench b;
    struct dispatch_order first, second, none;
    struct dispatch_policy policy = plain;
    policy.user_memory_bytes = 100 * MIB;
    setup(&b, 5, places(2, 210 * MIB), &policy, NULL, 0);
    first = must_start(&b);
    second = must_start(&b);
    cr_expect_eq(end(&b, &first, VERDICT_OUT_OF_MEMORY, 100 * MIB), FATE_RETRY);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT, "200 MiB are not free yet");
    cr_expect_eq(end(&b, &second, VERDICT_OK, 90 * MIB), FATE_DONE);
    first = must_start(&b);
    cr_expect_eq(first.item.row, 0);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT, "an ordinary case does not fit beside");
    cr_expect_eq(end(&b, &first, VERDICT_OK, 150 * MIB), FATE_DONE);
    cr_expect_eq(must_start(&b).item.row, 20);
    arena_destroy(b.arena);
}

Test(dispatch, peaks_of_finished_siblings_decide_how_many_run_at_once)
{
    struct bench b;
    struct dispatch_policy policy = plain;
    policy.estimate_bytes = 400 * MIB;
    setup(&b, 10, places(4, 800 * MIB), &policy, NULL, 0);
    struct dispatch_order o[4], none;
    o[0] = must_start(&b);
    o[1] = must_start(&b);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT, "the estimate allows two");
    cr_expect_eq(end(&b, &o[0], VERDICT_OK, 100 * MIB), FATE_DONE);
    cr_expect_eq(end(&b, &o[1], VERDICT_OK, 100 * MIB), FATE_DONE);
    for (int i = 0; i < 4; i++)
        o[i] = must_start(&b);
    arena_destroy(b.arena);
}

Test(dispatch, not_converged_is_tried_once_more_with_other_arguments_if_there_are_any)
{
    struct bench b;
    struct dispatch_policy policy = plain;
    setup(&b, 1, places(1, 0), &policy, NULL, 0);
    struct dispatch_order o = must_start(&b);
    cr_expect_eq(end(&b, &o, VERDICT_NOT_CONVERGED, 0), FATE_FINAL, "no arguments, no budget");
    arena_destroy(b.arena);

    policy.has_altered_args = true;
    setup(&b, 1, places(1, 0), &policy, NULL, 0);
    o = must_start(&b);
    cr_expect_not(o.item.altered_args);
    cr_expect_eq(end(&b, &o, VERDICT_NOT_CONVERGED, 0), FATE_RETRY);
    o = must_start(&b);
    cr_expect(o.item.altered_args);
    cr_expect_eq(end(&b, &o, VERDICT_CRASHED, 0), FATE_RETRY);
    o = must_start(&b);
    cr_expect(o.item.altered_args, "and stays so");
    cr_expect_eq(end(&b, &o, VERDICT_NOT_CONVERGED, 0), FATE_FINAL);
    arena_destroy(b.arena);
}

Test(dispatch, a_case_whose_disk_was_full_runs_alone)
{
    struct bench b;
    struct dispatch_order a, c, none;
    setup(&b, 2, places(2, 0), &plain, NULL, 0);
    a = must_start(&b);
    c = must_start(&b);
    cr_expect_eq(end(&b, &a, VERDICT_OUT_OF_DISK, 0), FATE_RETRY);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT);
    cr_expect_eq(end(&b, &c, VERDICT_OK, 0), FATE_DONE);
    cr_expect_eq(must_start(&b).item.row, 0);
    arena_destroy(b.arena);
}

Test(dispatch, cancelled_is_no_attempt_and_not_tried_again)
{
    struct bench b;
    struct dispatch_order o, none;
    setup(&b, 1, places(1, 0), &plain, NULL, 0);
    o = must_start(&b);
    cr_expect_eq(end(&b, &o, VERDICT_CANCELLED, 0), FATE_DROPPED);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_DONE);
    cr_expect_eq(dispatch_count(b.d).failed, 0);
    arena_destroy(b.arena);
}

Test(dispatch, earlier_attempts_count_and_number_the_next_one)
{
    static const struct dispatch_prior prior[] = {
        {.row = 0, .next_attempt = 2, .failed = {[VERDICT_CRASHED] = 1}},
        {.row = 10, .next_attempt = 3, .failed = {[VERDICT_CRASHED] = 2}},
        {.row = 20,
         .next_attempt = 2,
         .failed = {[VERDICT_OUT_OF_MEMORY] = 1},
         .largest_oom_bytes = 150 * MIB},
    };
    struct bench b;
    struct dispatch_order o, none;
    setup(&b, 3, places(1, 1000 * MIB), &plain, prior, 3);
    o = must_start(&b);
    cr_expect_eq(o.item.attempt, 2);
    cr_expect_eq(end(&b, &o, VERDICT_CRASHED, 0), FATE_FINAL, "its second crash");
    o = must_start(&b);
    cr_expect_eq(o.item.row, 20, "row 10 is finally failed already");
    cr_expect_geq(o.limit_bytes, 300 * MIB);
    cr_expect_eq(end(&b, &o, VERDICT_OK, 200 * MIB), FATE_DONE);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_DONE);
    cr_expect_eq(dispatch_count(b.d).skipped, 1);
    arena_destroy(b.arena);
}

Test(dispatch, big_cases_of_earlier_rounds_and_ordinary_ones_share_the_memory)
{
    static const struct dispatch_prior prior[] = {
        {.row = 0, .next_attempt = 2, .largest_oom_bytes = 300 * MIB},
        {.row = 10, .next_attempt = 2, .largest_oom_bytes = 300 * MIB},
    };
    struct bench b;
    struct dispatch_order first, second, small[3], none;
    struct dispatch_policy policy = plain;
    policy.user_memory_bytes = 100 * MIB;
    setup(&b, 7, places(8, 1000 * MIB), &policy, prior, 2);
    first = must_start(&b);
    cr_expect_eq(first.item.row, 0);
    cr_expect_eq(first.limit_bytes, 600 * MIB);
    /* row 10 needs 600 MiB as well: it waits for row 0, and 400 MiB are nobody's till then */
    for (int i = 0; i < 3; i++) {
        small[i] = must_start(&b);
        cr_expect_eq(small[i].item.row, 20 + 10 * (uint32_t)i);
        cr_expect_eq(small[i].limit_bytes, 100 * MIB);
    }
    (void)must_start(&b);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT, "a fifth would make row 10 wait");
    cr_expect_eq(end(&b, &first, VERDICT_OK, 500 * MIB), FATE_DONE);
    second = must_start(&b);
    cr_expect_eq(second.item.row, 10, "the big one first, as soon as it fits");
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_WAIT);
    cr_expect_eq(end(&b, &small[0], VERDICT_OK, 50 * MIB), FATE_DONE);
    cr_expect_eq(must_start(&b).item.row, 60);
    cr_expect_eq(dispatch_count(b.d).left, 0);
    arena_destroy(b.arena);
}

Test(dispatch, a_big_case_put_back_takes_its_turn_again_before_ordinary_ones)
{
    static const struct dispatch_prior prior[] = {
        {.row = 0, .next_attempt = 2, .largest_oom_bytes = 300 * MIB}};
    struct bench b;
    setup(&b, 3, places(2, 1000 * MIB), &plain, prior, 1);
    struct dispatch_order big = must_start(&b), small = must_start(&b);
    cr_expect_eq(dispatch_count(b.d).left, 1);
    dispatch_put_back(b.d, &big);
    dispatch_put_back(b.d, &small);
    cr_expect_eq(dispatch_count(b.d).left, 3);
    cr_expect_eq(dispatch_count(b.d).waiting, 0, "their turn again, no retries");
    cr_expect_eq(must_start(&b).item.row, 0);
    cr_expect_eq(must_start(&b).item.row, 10);
    arena_destroy(b.arena);
}

Test(dispatch, what_ran_out_of_less_than_siblings_get_now_is_an_ordinary_case)
{
    static const struct dispatch_prior prior[] = {
        {.row = 0, .next_attempt = 2, .largest_oom_bytes = 30 * MIB}};
    struct bench b;
    struct dispatch_policy policy = plain;
    policy.user_memory_bytes = 100 * MIB; /* given by the user since */
    setup(&b, 1, places(2, 1000 * MIB), &policy, prior, 1);
    cr_expect_eq(must_start(&b).limit_bytes, 100 * MIB);
    arena_destroy(b.arena);
}

Test(dispatch, an_order_put_back_or_skipped_frees_its_place)
{
    struct bench b;
    struct dispatch_order o, none;
    setup(&b, 2, places(1, 100 * MIB), &plain, NULL, 0);
    o = must_start(&b);
    dispatch_put_back(b.d, &o);
    o = must_start(&b);
    cr_expect_eq(o.item.row, 0, "the same again");
    dispatch_skip(b.d, o.place);
    o = must_start(&b);
    cr_expect_eq(o.item.row, 10);
    cr_expect_eq(end(&b, &o, VERDICT_CRASHED, 0), FATE_RETRY);
    o = must_start(&b);
    dispatch_put_back(b.d, &o);
    o = must_start(&b);
    cr_expect_eq(o.item.attempt, 2, "a retry is put back too");
    cr_expect_eq(end(&b, &o, VERDICT_OK, 0), FATE_DONE);
    cr_expect_eq(dispatch_next(b.d, &none), DISPATCH_DONE);
    cr_expect_eq(dispatch_count(b.d).skipped, 1);
    arena_destroy(b.arena);
}

Test(dispatch, hundreds_of_retries_are_all_kept)
{
    struct bench b;
    static uint32_t rows[1000];
    struct dispatch_order o;
    for (uint32_t i = 0; i < 1000; i++)
        rows[i] = i;
    b.arena = arena_create(1u << 20);
    b.slots = places(1, 0);
    cr_assert_eq(dispatch_create(&plain, rows, 1000, NULL, 0, &b.slots, b.arena, &b.d, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        o = must_start(&b);
        cr_assert_eq(end(&b, &o, VERDICT_CRASHED, 0), FATE_RETRY);
    }
    for (int i = 0; i < 1000; i++) {
        o = must_start(&b);
        cr_assert_eq(o.item.attempt, 2);
        cr_assert_eq(end(&b, &o, VERDICT_OK, 0), FATE_DONE);
    }
    cr_expect_eq(dispatch_next(b.d, &o), DISPATCH_DONE);
    cr_expect_eq(dispatch_count(b.d).done, 1000);
    arena_destroy(b.arena);
}

Test(dispatch, twice_the_memory_or_all_there_is_or_nothing)
{
    static const struct {
        uint64_t limit, all, bigger;
    } rows[] = {
        {100, 1000, 200}, {100, 200, 200}, {100, 150, 150}, {100, 125, 125},
        {100, 124, 0},    {100, 0, 200},   {0, 1000, 0},    {UINT64_MAX, 0, UINT64_MAX},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++)
        cr_expect_eq(dispatch_bigger(rows[i].limit, rows[i].all), rows[i].bigger, "row %zu", i);
}
