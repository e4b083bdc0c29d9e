/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rounds of a cluster: shapes by need, chunks of their own length for each. */
#include "base/arena.h"
#include "decksweep/round.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)

struct made { /* a design of n rows with ids of their own, and a census of it */
    struct ds_arena *a;
    struct design design;
    struct census census;
    struct plan plan;
    struct measured measured;
    struct census_policy policy;
};

/* needs[i]: MiB that row i needs; 0: done. Every seventh number is left out. */
static struct made make(const uint64_t *needs_mib, uint32_t n)
{
    struct made m = {.a = arena_create(64 << 20),
                     .plan = {.ranks = 1, .threads = 2},
                     .measured = {.scratch_bytes = 5 * MIB}};
    uint32_t *number = ds_new(m.a, uint32_t, n), *of_row = ds_new(m.a, uint32_t, n);
    struct case_id *id = ds_new(m.a, struct case_id, n);
    m.census.tally = ds_new(m.a, struct case_tally, n);
    for (uint32_t i = 0; i < n; i++) {
        char hex[CASE_ID_CHARS + 1];
        (void)snprintf(hex, sizeof hex, "%016x", i);
        memcpy(id[i].hex, hex, CASE_ID_CHARS);
        number[i] = i + i / 7;
        of_row[i] = i;
        m.census.tally[i] = (struct case_tally){.row = i,
                                                .state = needs_mib[i] ? CASE_NEW : CASE_DONE,
                                                .next_attempt = 1 + i % 3,
                                                .need_mem_bytes = needs_mib[i] * MIB};
    }
    m.census.tally_of_row = of_row;
    m.census.n_distinct = n;
    m.design = (struct design){.n_rows = n, .number = number, .id = id};
    return m;
}

static struct round decide(struct made *m, const uint32_t *cases, uint32_t n_shapes)
{
    struct round_request request = {
        .n = 3, .plan_digest = "0123456789abcdef", .chunk_cases = cases, .n_shapes = n_shapes};
    struct round r;
    struct ds_err err = {0};
    cr_assert_eq(census_decide(&m->census, &m->design, &m->plan, &m->measured, &m->policy, &request,
                               m->a, &r, &err),
                 0, "%s", err.text);
    return r;
}

static uint32_t cases_of(const struct round_chunk *c)
{
    uint32_t n = 0;
    for (size_t i = 0; i < c->n_ranges; i++)
        n += c->ranges[i].last - c->ranges[i].first + 1;
    return n;
}

Test(round_cut, needs_are_told_smallest_first_with_their_cases)
{
    const uint64_t mib[] = {100, 0, 400, 100, 200, 100, 400};
    struct made m = make(mib, DS_COUNT(mib));
    const struct round_need *needs;
    size_t n;
    cr_assert_eq(
        census_needs(&m.census, &m.design, &m.policy, CENSUS_MAX_NEEDS, m.a, &needs, &n, NULL), 0);
    cr_assert_eq(n, 3);
    const struct round_need want[] = {{100 * MIB, 3}, {200 * MIB, 1}, {400 * MIB, 2}};
    for (size_t i = 0; i < 3; i++)
        cr_assert(needs[i].mem_bytes == want[i].mem_bytes && needs[i].n_cases == want[i].n_cases);
    arena_destroy(m.a);
}

Test(round_cut, beyond_the_most_shapes_the_larger_needs_share_the_largest)
{
    const uint64_t mib[] = {500, 100, 400, 200, 300};
    struct made m = make(mib, DS_COUNT(mib));
    const struct round_need *needs;
    size_t n;
    cr_assert_eq(census_needs(&m.census, &m.design, &m.policy, 2, m.a, &needs, &n, NULL), 0);
    cr_assert_eq(n, 2);
    cr_assert_eq(needs[0].mem_bytes, 100 * MIB);
    cr_assert_eq(needs[0].n_cases, 1);
    cr_assert_eq(needs[1].mem_bytes, 500 * MIB);
    cr_assert_eq(needs[1].n_cases, 4);
    struct round r = decide(&m, (const uint32_t[]){9, 9}, 2);
    cr_assert_eq(r.n_chunks, 2);
    /* their numbers ascend although their needs did not */
    cr_assert_eq(r.chunks[1].ranges[0].first, 0);
    cr_assert_eq(r.chunks[1].ranges[r.chunks[1].n_ranges - 1].last, 4);
    arena_destroy(m.a);
}

Test(round_cut, chunks_of_one_shape_differ_by_one_case_at_most)
{
    uint64_t mib[17];
    for (size_t i = 0; i < DS_COUNT(mib); i++)
        mib[i] = i < 11 ? 100 : 800;
    struct made m = make(mib, DS_COUNT(mib));
    struct round r = decide(&m, (const uint32_t[]){4, 1}, 2);
    const uint32_t want[] = {4, 4, 3, 1, 1, 1, 1, 1, 1};
    cr_assert_eq(r.n_chunks, DS_COUNT(want));
    for (size_t i = 0; i < r.n_chunks; i++) {
        cr_expect_eq(cases_of(&r.chunks[i]), want[i], "chunk %zu: %u", i, cases_of(&r.chunks[i]));
        cr_expect_eq(r.chunks[i].shape, i < 3 ? 0u : 1u);
    }
    cr_assert_eq(r.shapes[0].cores, 2);
    cr_assert_eq(r.shapes[1].mem_bytes, 800 * MIB);
    arena_destroy(m.a);
}

/* For many random censuses: every outstanding case stands in exactly one chunk, of the shape of its
 * need or a larger one, in ascending order; no chunk is longer than its shape's limit. */
Test(round_cut, every_outstanding_case_stands_in_exactly_one_chunk)
{
    srand(7); // NOLINT(cert-msc*): any histories will do
    for (int t = 0; t < 300; t++) {
        uint64_t mib[400];
        uint32_t n = 1 + (uint32_t)rand() % 400, n_kinds = 1 + (uint32_t)rand() % 20;
        for (uint32_t i = 0; i < n; i++)
            mib[i] = rand() % 4 == 0 ? 0 : 64 * (1 + (uint64_t)rand() % n_kinds);
        struct made m = make(mib, n);
        const struct round_need *needs;
        size_t n_needs;
        uint32_t most = 1 + (uint32_t)rand() % 12, cases[12];
        cr_assert_eq(
            census_needs(&m.census, &m.design, &m.policy, most, m.a, &needs, &n_needs, NULL), 0);
        cr_assert(n_needs <= most);
        for (size_t i = 0; i < n_needs; i++)
            cases[i] = 1 + (uint32_t)rand() % 50;
        struct round r = decide(&m, cases, (uint32_t)n_needs);
        cr_assert_eq(r.n_shapes, n_needs);
        uint8_t seen[500] = {0};
        uint32_t of_shape[12] = {0};
        for (size_t k = 0; k < r.n_chunks; k++) {
            const struct round_chunk *c = &r.chunks[k];
            cr_assert(k == 0 || c->shape >= r.chunks[k - 1].shape, "shapes stand together");
            cr_assert(cases_of(c) >= 1 && cases_of(c) <= cases[c->shape]);
            of_shape[c->shape] += cases_of(c);
            for (size_t i = 0; i < c->n_ranges; i++) {
                cr_assert(i == 0 || c->ranges[i].first > c->ranges[i - 1].last + 1);
                for (uint32_t x = c->ranges[i].first; x <= c->ranges[i].last; x++) {
                    int64_t row = design_find_number(&m.design, x);
                    cr_assert(row >= 0);
                    cr_assert(mib[row] > 0 && r.shapes[c->shape].mem_bytes >= mib[row] * MIB);
                    seen[row]++;
                }
            }
        }
        for (uint32_t i = 0; i < n; i++)
            cr_assert_eq(seen[i], mib[i] > 0);
        for (size_t i = 0; i < n_needs; i++)
            cr_assert_eq(of_shape[i], needs[i].n_cases);
        arena_destroy(m.a);
    }
}

Test(round_cut, a_marker_without_outcome_is_open_until_the_case_is_done)
{
    static const struct {
        const char *claim, *keys[3];
        uint32_t want;
    } rows[] = {
        {"a marker alone", {"started/0000000000000000.1"}, 1},
        {"its archive closes it",
         {"started/0000000000000000.1", "failed/0000000000000000.1.crashed.tar.zst"},
         0},
        {"so does the finished case",
         {"started/0000000000000000.1", "cases/0000000000000000.sl.tar.zst"},
         0},
        {"a grant closes it",
         {"started/0000000000000000.1", "failed/0000000000000000.1.granted"},
         0},
        {"a second marker is one case still",
         {"started/0000000000000000.1", "started/0000000000000000.2"},
         1},
    };
    const uint64_t mib[] = {100};
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct made m = make(mib, 1);
        struct listing_key listing[3];
        size_t n = 0;
        for (; n < 3 && rows[i].keys[n]; n++)
            listing[n] = (struct listing_key){ds_span_of(rows[i].keys[n]), 1};
        struct census_policy policy = {.keep = {.classes = CLASS_SUMMARY | CLASS_LOG},
                                       .retries = {[VERDICT_LOST] = 3, [VERDICT_CRASHED] = 1}};
        struct census c;
        cr_assert_eq(census_take(&m.design, listing, n, &m.measured, (struct capacity){0}, &policy,
                                 m.a, &c, NULL),
                     0);
        cr_expect_eq(c.n_open_markers, rows[i].want, "%s: %u", rows[i].claim, c.n_open_markers);
        arena_destroy(m.a);
    }
}
