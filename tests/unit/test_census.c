/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/round.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MIB  (UINT64_C(1) << 20)
#define ID_A "00000000000000aa"
#define ID_B "00000000000000bb"
#define ID_C "00000000000000cc"

static const uint32_t NUMBERS[] = {0, 1, 2, 5};
static struct case_id ids[4];

/* Rows 0..3 have numbers 0 1 2 5 and ids A B A C: rows 0 and 2 are one simulation. */
static struct design small_design(void)
{
    const char *hex[] = {ID_A, ID_B, ID_A, ID_C};
    for (size_t i = 0; i < 4; i++)
        memcpy(ids[i].hex, hex[i], CASE_ID_CHARS);
    return (struct design){.n_rows = 4, .number = NUMBERS, .id = ids};
}

static const struct census_policy POLICY = {
    .keep = {.classes = CLASS_SUMMARY | CLASS_LOG},
    .retries = {[VERDICT_OUT_OF_MEMORY] = 2,
                [VERDICT_LOST] = 3,
                [VERDICT_CRASHED] = 1,
                [VERDICT_OUT_OF_DISK] = 1,
                [VERDICT_INCOMPLETE] = 1,
                [VERDICT_NOT_CONVERGED] = 1},
    .wall_ms = 3600 * 1000,
    .cores = 1,
};
static const struct measured MEASURED = {.estimate_mem_bytes = 100 * MIB};
static const struct capacity CAPACITY = {.cores = 2, .mem_bytes = 1000 * MIB};

#define MAX_KEYS 8
struct row {
    const char *claim;
    const char *keys[MAX_KEYS];
    enum case_state want; /* of id B, row 1 */
    enum verdict last;
    uint32_t next_attempt;
    struct census_policy policy; /* used when cores > 0 */
};

static struct census take(const struct design *d, const char *const *keys,
                          const struct census_policy *policy, struct ds_arena *a)
{
    struct listing_key listing[MAX_KEYS];
    struct census c;
    struct ds_err err = {0};
    size_t n = 0;
    for (; n < MAX_KEYS && keys[n]; n++)
        listing[n] = (struct listing_key){ds_span_of(keys[n]), 10};
    cr_assert_eq(census_take(d, listing, n, &MEASURED, CAPACITY, policy, a, &c, &err), 0, "%s",
                 err.text);
    return c;
}

#define B(rest) "failed/" ID_B "." rest ".tar.zst"
#define WITH(...)                                                                                  \
    {                                                                                              \
        .keep = {.classes = CLASS_SUMMARY | CLASS_LOG}, .wall_ms = 3600 * 1000, .cores = 1,        \
        .retries = {[VERDICT_OUT_OF_MEMORY] = 2, [VERDICT_NOT_CONVERGED] = 1}, __VA_ARGS__         \
    }

static const struct row ROWS[] = {
    {"nothing in the store is a new case", {NULL}, CASE_NEW, VERDICT_NONE, 1},
    {"a covering key is done", {"cases/" ID_B ".sl.tar.zst"}, CASE_DONE, VERDICT_OK, 1},
    {"a wider key covers", {"cases/" ID_B ".slg.tar.zst"}, CASE_DONE, VERDICT_OK, 1},
    {"a narrower key lacks a class", {"cases/" ID_B ".s.tar.zst"}, CASE_LACKING, VERDICT_NONE, 1},
    {"a narrower key is done when accepted",
     {"cases/" ID_B ".s.tar.zst"},
     CASE_DONE,
     VERDICT_OK,
     1,
     WITH(.accept_narrow = true)},
    {"a narrower key beside a covering one does no harm",
     {"cases/" ID_B ".s.tar.zst", "cases/" ID_B ".sl.tar.zst"},
     CASE_DONE,
     VERDICT_OK,
     1},
    {"a deck error is final at once", {B("1.deck-error")}, CASE_FAILED, VERDICT_DECK_ERROR, 2},
    {"one crash comes back", {B("1.crashed")}, CASE_OUTSTANDING, VERDICT_CRASHED, 2},
    {"two crashes are final", {B("1.crashed"), B("2.crashed")}, CASE_FAILED, VERDICT_CRASHED, 3},
    {"attempts of different verdicts have budgets of their own",
     {B("1.crashed"), B("2.incomplete")},
     CASE_OUTSTANDING,
     VERDICT_INCOMPLETE,
     3},
    {"two verdicts under one number both count",
     {B("1.crashed"), B("1.deck-error")},
     CASE_FAILED,
     VERDICT_DECK_ERROR,
     2},
    {"non-convergence is final without other arguments",
     {B("1.not-converged")},
     CASE_FAILED,
     VERDICT_NOT_CONVERGED,
     2},
    {"non-convergence comes back once with other arguments",
     {B("1.not-converged")},
     CASE_OUTSTANDING,
     VERDICT_NOT_CONVERGED,
     2,
     WITH(.has_not_converged_args = true)},
    {"a timeout at the present wall time is final",
     {B("1.timeout-3600")},
     CASE_FAILED,
     VERDICT_TIMEOUT,
     2},
    {"a timeout at a shorter wall time does not count",
     {B("1.timeout-600")},
     CASE_OUTSTANDING,
     VERDICT_TIMEOUT,
     2},
    {"three times out of memory are final",
     {B("1.out-of-memory-100"), B("2.out-of-memory-200"), B("3.out-of-memory-400")},
     CASE_FAILED,
     VERDICT_OUT_OF_MEMORY,
     4},
    {"out of memory below what the user gives now does not count",
     {B("1.out-of-memory-100"), B("2.out-of-memory-200"), B("3.out-of-memory-400")},
     CASE_OUTSTANDING,
     VERDICT_OUT_OF_MEMORY,
     4,
     WITH(.user_memory_bytes = 500 * MIB)},
    {"what would need more than the machine does not fit and is not final",
     {B("1.out-of-memory-900")},
     CASE_NO_FIT,
     VERDICT_OUT_OF_MEMORY,
     2},
    {"granted attempts count no longer",
     {B("1.deck-error"), "failed/" ID_B ".1.granted"},
     CASE_OUTSTANDING,
     VERDICT_DECK_ERROR,
     2},
    {"an attempt after the granted one counts",
     {B("1.deck-error"), B("2.deck-error"), "failed/" ID_B ".1.granted"},
     CASE_FAILED,
     VERDICT_DECK_ERROR,
     3},
    {"an open marker is one lost attempt",
     {"started/" ID_B ".1"},
     CASE_OUTSTANDING,
     VERDICT_LOST,
     2},
    {"four open markers are final",
     {"started/" ID_B ".1", "started/" ID_B ".2", "started/" ID_B ".3", "started/" ID_B ".4"},
     CASE_FAILED,
     VERDICT_LOST,
     5},
    {"a marker with an outcome is no lost attempt",
     {"started/" ID_B ".1", B("1.crashed")},
     CASE_OUTSTANDING,
     VERDICT_CRASHED,
     2},
    {"foreign files say nothing",
     {"cases/README", "failed/" ID_B ".x.crashed.tar.zst", "cases/" ID_B ".sl.tar"},
     CASE_NEW,
     VERDICT_NONE,
     1},
};

Test(census, gives_each_case_its_state)
{
    struct design d = small_design();
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        const struct census_policy *policy = ROWS[i].policy.cores ? &ROWS[i].policy : &POLICY;
        struct census c = take(&d, ROWS[i].keys, policy, a);
        const struct case_tally *t = &c.tally[c.tally_of_row[1]];
        cr_expect_eq(t->state, ROWS[i].want, "%s: got %s", ROWS[i].claim,
                     case_state_name(t->state));
        cr_expect_eq(t->last_verdict, ROWS[i].last, "%s: got %s", ROWS[i].claim,
                     verdict_name(t->last_verdict));
        cr_expect_eq(t->next_attempt, ROWS[i].next_attempt, "%s: attempt %u", ROWS[i].claim,
                     t->next_attempt);
    }
}

Test(census, counts_rows_but_runs_distinct_cases)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *keys[MAX_KEYS] = {"cases/" ID_A ".sl.tar.zst", "cases/ffffffffffffffff.sl.tar.zst",
                                  "failed/ffffffffffffffff.1.crashed.tar.zst"};
    struct census c = take(&d, keys, &POLICY, a);
    cr_expect_eq(c.n_done, 2);
    cr_expect_eq(c.n_new, 2);
    cr_expect_eq(c.n_distinct, 3);
    cr_expect_eq(c.n_orphaned, 1);
}

static struct round decide(const struct census *c, const struct design *d,
                           const struct census_policy *policy, uint32_t per_chunk,
                           struct ds_arena *a)
{
    struct plan p = {.ranks = 1, .threads = 1};
    struct round r;
    struct ds_err err = {0};
    const struct round_request request = {
        .n = 1, .plan_digest = "0123456789abcdef", .cases_per_chunk = per_chunk};
    cr_assert_eq(census_decide(c, d, &p, &MEASURED, policy, &request, a, &r, &err), 0);
    return r;
}

Test(census, round_holds_what_is_left_under_the_lowest_number)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *keys[MAX_KEYS] = {"cases/" ID_B ".sl.tar.zst"};
    struct census c = take(&d, keys, &POLICY, a);
    struct round r = decide(&c, &d, &POLICY, 0, a);
    cr_assert_eq(r.n_chunks, 1);
    cr_assert_eq(r.chunks[0].n_ranges, 2);
    cr_expect_eq(r.chunks[0].ranges[0].first, 0);
    cr_expect_eq(r.chunks[0].ranges[0].last, 0);
    cr_expect_eq(r.chunks[0].ranges[1].first, 5);
    cr_expect_eq(r.n_attempts, 0);
}

Test(census, only_may_name_any_row_of_a_simulation)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *none[MAX_KEYS] = {NULL};
    const struct number_range only[] = {{2, 2}};
    struct census_policy policy = POLICY;
    policy.only = only;
    policy.n_only = 1;
    struct census c = take(&d, none, &policy, a);
    struct round r = decide(&c, &d, &policy, 0, a);
    cr_assert_eq(r.n_chunks, 1);
    cr_expect_eq(r.chunks[0].n_ranges, 1);
    cr_expect_eq(r.chunks[0].ranges[0].first, 0, "number 2 is the simulation of number 0");
}

Test(census, out_of_memory_cases_come_back_in_a_bigger_shape)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *keys[MAX_KEYS] = {B("1.out-of-memory-200")};
    struct census c = take(&d, keys, &POLICY, a);
    struct round r = decide(&c, &d, &POLICY, 100, a);
    cr_assert_eq(r.n_shapes, 2);
    cr_expect_eq(r.shapes[0].mem_bytes, 100 * MIB);
    cr_expect_eq(r.shapes[1].mem_bytes, 400 * MIB);
    cr_assert_eq(r.n_chunks, 2);
    cr_expect_eq(r.chunks[1].shape, 1);
    cr_expect_eq(r.chunks[1].ranges[0].first, 1);
    cr_expect_eq(round_attempt_of(&r, 1), 2);
    cr_expect_eq(round_attempt_of(&r, 0), 1);
}

Test(census, one_worker_gets_cases_of_every_need_in_one_chunk_of_the_smallest_shape)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *keys[MAX_KEYS] = {B("1.out-of-memory-200")};
    struct census c = take(&d, keys, &POLICY, a);
    struct round r = decide(&c, &d, &POLICY, 0, a);
    cr_assert_eq(r.n_shapes, 1);
    cr_expect_eq(r.shapes[0].mem_bytes, 100 * MIB);
    cr_assert_eq(r.n_chunks, 1);
    cr_expect_eq(r.chunks[0].shape, 0);
    cr_assert_eq(r.chunks[0].n_ranges, 2, "0-1,5 in the order of numbers, not of needs");
    cr_expect_eq(r.chunks[0].ranges[0].last, 1);
    cr_expect_eq(round_attempt_of(&r, 1), 2);
}

Test(census, lacking_cases_run_again_only_when_asked)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *keys[MAX_KEYS] = {"cases/" ID_A ".s.tar.zst", "cases/" ID_B ".sl.tar.zst",
                                  "cases/" ID_C ".sl.tar.zst"};
    struct census_policy policy = POLICY;
    struct census c = take(&d, keys, &policy, a);
    cr_expect_eq(c.n_lacking, 2);
    cr_expect_eq(decide(&c, &d, &policy, 0, a).n_chunks, 0);
    policy.refill = true;
    cr_expect_eq(decide(&c, &d, &policy, 0, a).n_chunks, 1);
}

Test(census, a_refill_that_fails_for_good_ends)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *keys[MAX_KEYS] = {"cases/" ID_B ".s.tar.zst", B("1.deck-error"),
                                  "cases/" ID_A ".sl.tar.zst", "cases/" ID_C ".sl.tar.zst"};
    struct census_policy policy = POLICY;
    struct census c = take(&d, keys, &policy, a);
    cr_expect_eq(c.tally[1].state, CASE_LACKING, "without --refill it is done, only narrower");
    policy.refill = true;
    c = take(&d, keys, &policy, a);
    cr_expect_eq(c.tally[1].state, CASE_FAILED);
    cr_expect_eq(decide(&c, &d, &policy, 0, a).n_chunks, 0);
}

Test(census, after_out_of_memory_a_case_gets_all_there_is_when_that_is_a_quarter_more)
{
    static const struct {
        const char *key;
        enum case_state state;
        uint64_t need_mib;
    } rows[] = {
        {B("1.out-of-memory-400"), CASE_OUTSTANDING, 800},
        {B("1.out-of-memory-600"), CASE_OUTSTANDING, 1000},
        {B("1.out-of-memory-800"), CASE_OUTSTANDING, 1000},
        {B("1.out-of-memory-801"), CASE_NO_FIT, 1602},
        {B("1.out-of-memory-1000"), CASE_NO_FIT, 2000},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct design d = small_design();
        const char *keys[MAX_KEYS] = {rows[i].key};
        struct census c = take(&d, keys, &POLICY, a);
        cr_expect_eq(c.tally[1].state, rows[i].state, "%s", rows[i].key);
        cr_expect_eq(c.tally[1].need_mem_bytes, rows[i].need_mib * MIB, "%s", rows[i].key);
    }
}

Test(census, chunks_are_cut_by_number_of_cases)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *none[MAX_KEYS] = {NULL};
    struct census c = take(&d, none, &POLICY, a);
    struct round r = decide(&c, &d, &POLICY, 2, a);
    cr_assert_eq(r.n_chunks, 2);
    cr_expect_eq(r.chunks[0].ranges[0].last, 1);
    cr_expect_eq(r.chunks[1].ranges[0].first, 5);
}

Test(census, a_round_survives_its_text)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = small_design();
    const char *keys[MAX_KEYS] = {B("1.out-of-memory-200")};
    struct census c = take(&d, keys, &POLICY, a);
    struct round r = decide(&c, &d, &POLICY, 100, a), back;
    ds_auto_buf text;
    buf_init(&text, 1 << 20);
    struct ds_err err = {0};
    cr_assert_eq(round_encode(&r, &text, &err), 0);
    cr_assert_eq(round_decode(buf_span(&text), a, &back, &err), 0, "%s", err.text);
    cr_expect_eq(back.n, 1);
    cr_expect_str_eq(back.plan_digest, "0123456789abcdef");
    cr_expect_eq(back.n_chunks, 2);
    cr_expect_eq(back.shapes[1].mem_bytes, 400 * MIB);
    cr_expect_eq(round_attempt_of(&back, 1), 2);
}

Test(census, a_damaged_round_is_refused_with_what_is_wrong)
{
    static const char *const BAD[] = {
        "",
        "{}",
        "[]",
        "{\"n\":1}",
        "{\"n\":1,\"plan\":\"xyz\",\"shapes\":[],\"chunks\":[],\"attempts\":[]}",
        "{\"n\":1,\"plan\":\"0123456789abcdef\",\"shapes\":[],\"chunks\":[{\"cases\":\"0\","
        "\"shape\":0}],\"attempts\":[]}",
        "{\"n\":1,\"plan\":\"0123456789abcdef\",\"shapes\":[{\"cores\":0}],\"chunks\":[],"
        "\"attempts\":[]}",
        "{\"n\":1,\"plan\":\"0123456789abcdef\",\"shapes\":[],\"chunks\":[],\"attempts\":[[2,1],[1,"
        "1]]}",
    };
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct round r;
        struct ds_err err = {0};
        cr_expect_lt(round_decode(ds_span_of(BAD[i]), a, &r, &err), 0, "%s", BAD[i]);
        cr_expect_neq(err.text[0], '\0');
    }
}
