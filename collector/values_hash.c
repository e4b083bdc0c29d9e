/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/values_hash.h"

#include <string.h>

#define LANES 8u /* vectors at a time: each value waits for the one before in its own vector only */

static inline uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

int values_hash_init(struct values_hash *x, const struct summary_vector *const *vectors, size_t n,
                     struct ds_arena *a, struct ds_err *err)
{
    *x = (struct values_hash){.vectors = vectors,
                              .place = ds_new(a, uint32_t, n + 1),
                              .start = ds_new(a, uint64_t, n + 1)};
    if (!x->place || !x->start)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu vectors", n);
    for (size_t i = 0; i < n; i++)
        if (!vector_is_run_time(vectors[i]->keyword))
            x->place[x->n++] = (uint32_t)i;
    return 0;
}

/* Cases of one deck have the same times: then all states begin as they did before. */
static void start(struct values_hash *x, uint64_t times)
{
    if (x->times == times)
        return;
    x->times = times;
    for (size_t i = 0; i < x->n; i++) {
        const struct summary_vector *v = x->vectors[x->place[i]];
        uint64_t h = mix(times, v->occurrence);
        for (size_t k = 0; k < v->key.len; k++)
            h = mix(h, (unsigned char)v->key.ptr[k]);
        x->start[i] = h;
    }
}

static uint64_t hash_one(uint64_t h, const float *values, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        uint32_t bits;
        memcpy(&bits, &values[r], sizeof bits);
        h = mix(h, bits);
    }
    return h;
}

static uint64_t hash_lanes(const uint64_t *begin, const float *const *vectors, size_t n)
{
    uint64_t h[LANES], sum = 0;
    memcpy(h, begin, sizeof h);
    for (size_t r = 0; r < n; r++)
        for (unsigned k = 0; k < LANES; k++) {
            uint32_t bits;
            memcpy(&bits, &vectors[k][r], sizeof bits);
            h[k] = mix(h[k], bits);
        }
    for (unsigned k = 0; k < LANES; k++)
        sum += h[k];
    return sum;
}

uint64_t values_hash_of(struct values_hash *x, const int64_t *instants_s, size_t n_reports,
                        const float *values, size_t stride)
{
    uint64_t sum = 1, times = 7;
    size_t i = 0;
    for (size_t r = 0; r < n_reports; r++)
        times = mix(times, (uint64_t)instants_s[r]);
    start(x, times);
    for (; i + LANES <= x->n; i += LANES) {
        const float *vectors[LANES];
        for (unsigned k = 0; k < LANES; k++)
            vectors[k] = values + x->place[i + k] * stride;
        sum += hash_lanes(x->start + i, vectors, n_reports);
    }
    for (; i < x->n; i++)
        sum += hash_one(x->start[i], values + x->place[i] * stride, n_reports);
    return sum ? sum : 1;
}
