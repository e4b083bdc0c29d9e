/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/siblings.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define N_KEYS 4000
#define N_ROWS 100

static struct case_id ids[N_ROWS];
static char texts[N_KEYS][64];
static struct listing_key keys[N_KEYS];
static struct ds_arena *scratch;
static uint32_t out[SIBLINGS_MAX_LOOKS];

/* Row i has id i in hex. Key k is of a foreign case, until a test says otherwise. */
static void set_key(size_t k, const char *folder, uint64_t id)
{
    (void)snprintf(texts[k], sizeof texts[k], "%s/%016llx.sl.tar.zst", folder,
                   (unsigned long long)id);
    keys[k] = (struct listing_key){ds_span_of(texts[k]), 10};
}

static void make(void)
{
    char hex[CASE_ID_CHARS + 1];
    scratch = arena_create(SIBLINGS_ARENA_BYTES(N_ROWS));
    for (unsigned i = 0; i < N_ROWS; i++) {
        (void)snprintf(hex, sizeof hex, "%016x", i);
        memcpy(ids[i].hex, hex, CASE_ID_CHARS);
    }
    for (size_t k = 0; k < N_KEYS; k++)
        set_key(k, "cases", UINT64_C(0xff00000000) + k);
}
static void clear(void)
{
    arena_destroy(scratch);
}
TestSuite(siblings, .init = make, .fini = clear);

static size_t pick(uint32_t n_rows, size_t n_keys)
{
    struct design d = {.n_rows = n_rows, .id = ids};
    return siblings_pick(&d, keys, n_keys, scratch, out, SIBLINGS_MAX_LOOKS);
}

Test(siblings, cases_of_the_design_come_first_wherever_they_stand_among_others)
{
    set_key(3990, "cases", 7);
    set_key(200, "cases", 99);
    set_key(3000, "failed", 5); /* no case key */
    cr_expect_eq(pick(N_ROWS, N_KEYS), SIBLINGS_MAX_LOOKS);
    cr_expect_eq(out[0], 200);
    cr_expect_eq(out[1], 3990);
    cr_expect_eq(pick(50, N_KEYS), SIBLINGS_MAX_LOOKS);
    cr_expect_eq(out[0], 3990, "99 is no row of this design");
}

Test(siblings, others_are_spread_evenly_over_the_listing_and_bounded)
{
    bool part[8] = {false};
    size_t n = pick(N_ROWS, N_KEYS);
    cr_assert_eq(n, SIBLINGS_MAX_LOOKS);
    for (size_t i = 0; i < n; i++) {
        cr_assert_lt(out[i], N_KEYS);
        cr_expect(i == 0 || out[i] > out[i - 1], "each once");
        part[out[i] / (N_KEYS / 8)] = true;
    }
    for (size_t i = 0; i < DS_COUNT(part); i++)
        cr_expect(part[i], "none of the %zu-th part", i);
}

Test(siblings, of_few_keys_all_are_looked_at_once)
{
    bool seen[20] = {false};
    set_key(19, "cases", 1);
    set_key(4, "other", 1);
    cr_assert_eq(pick(N_ROWS, 20), 19);
    for (size_t i = 0; i < 19; i++) {
        cr_expect_not(seen[out[i]]);
        seen[out[i]] = true;
    }
    cr_expect_eq(out[0], 19);
    cr_expect_not(seen[4]);
    cr_expect_eq(pick(N_ROWS, 0), 0);
}

Test(siblings, without_memory_for_the_design_the_others_are_still_looked_at)
{
    struct design d = {.n_rows = N_ROWS, .id = ids};
    ds_auto_arena none = arena_create(0);
    cr_expect_eq(siblings_pick(&d, keys, 10, none, out, SIBLINGS_MAX_LOOKS), 10);
}
