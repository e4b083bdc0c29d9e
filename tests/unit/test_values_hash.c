/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/values_hash.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTORS = 21, REPORTS = 7, STRIDE = 9 };

static struct summary_vector vectors[VECTORS];
static const struct summary_vector *order[VECTORS];
static int64_t instants[REPORTS];
static float values[VECTORS * STRIDE];

static void make(void)
{
    static char keys[VECTORS][16];
    for (size_t i = 0; i < VECTORS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], i == 3 ? "TCPU" : "WOPR:W%zu", i);
        vectors[i] = (struct summary_vector){.key = ds_span_of(keys[i]),
                                             .keyword = i == 3 ? DS_SPAN("TCPU") : DS_SPAN("WOPR"),
                                             .occurrence = 1};
        order[i] = &vectors[i];
        for (size_t r = 0; r < STRIDE; r++)
            values[i * STRIDE + r] = (float)(i * 100 + r) * 0.5f;
    }
    for (size_t r = 0; r < REPORTS; r++)
        instants[r] = (int64_t)r * 86400;
}

static uint64_t hash(void)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct values_hash x;
    cr_assert_eq(values_hash_init(&x, order, VECTORS, a, NULL), 0);
    uint64_t first = values_hash_of(&x, instants, REPORTS, values, STRIDE);
    instants[1]++; /* what is kept between cases depends on their times */
    uint64_t other = values_hash_of(&x, instants, REPORTS, values, STRIDE);
    instants[1]--;
    cr_expect_neq(other, first);
    cr_expect_eq(values_hash_of(&x, instants, REPORTS, values, STRIDE), first);
    return first;
}

/* The definition, plainly: what datasets of earlier versions hold. */
static uint64_t mixed(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t plainly(void)
{
    uint64_t sum = 1, times = 7;
    for (size_t r = 0; r < REPORTS; r++)
        times = mixed(times, (uint64_t)instants[r]);
    for (size_t i = 0; i < VECTORS; i++) {
        if (ds_span_is(order[i]->keyword, "TCPU"))
            continue;
        uint64_t h = mixed(times, order[i]->occurrence);
        for (size_t k = 0; k < order[i]->key.len; k++)
            h = mixed(h, (unsigned char)order[i]->key.ptr[k]);
        for (size_t r = 0; r < REPORTS; r++) {
            uint32_t bits;
            memcpy(&bits, &values[i * STRIDE + r], sizeof bits);
            h = mixed(h, bits);
        }
        sum += h;
    }
    return sum;
}

Test(values_hash, is_what_it_always_was)
{
    make();
    cr_expect_eq(hash(), plainly());
}

Test(values_hash, changes_with_any_value_but_run_times)
{
    make();
    uint64_t before = hash();
    for (size_t i = 0; i < VECTORS; i++)
        for (size_t r = 0; r < STRIDE; r++) {
            float kept = values[i * STRIDE + r];
            values[i * STRIDE + r] = -1;
            bool counts = i != 3 && r < REPORTS;
            cr_expect_eq(hash() != before, counts, "vector %zu, report %zu", i, r);
            values[i * STRIDE + r] = kept;
        }
}

Test(values_hash, does_not_change_with_the_order_of_vectors)
{
    make();
    uint64_t before = hash();
    for (size_t i = 0; i < VECTORS / 2; i++) {
        const struct summary_vector *swap = order[i];
        order[i] = order[VECTORS - 1 - i];
        order[VECTORS - 1 - i] = swap;
        for (size_t r = 0; r < STRIDE; r++) {
            float value = values[i * STRIDE + r];
            values[i * STRIDE + r] = values[(VECTORS - 1 - i) * STRIDE + r];
            values[(VECTORS - 1 - i) * STRIDE + r] = value;
        }
    }
    cr_expect_eq(hash(), before);
}
