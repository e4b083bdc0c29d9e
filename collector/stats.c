/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/stats.h"

#include <math.h>
#include <string.h>

const char *const STAT_NAME[STAT_KINDS] = {"q10", "q50", "q90", "mean",
                                           "std", "min", "max", "count"};

#define PANEL      8u /* columns gathered together: a cache line of a row is read once */
#define RADIX_BITS 11u
#define BUCKETS    (1u << RADIX_BITS)

/* float32 and back, so that unsigned order is numeric order. */
static uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static double value_of(uint32_t key)
{
    uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static void sort_few(uint32_t *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t key = keys[i];
        size_t j = i;
        for (; j > 0 && keys[j - 1] > key; j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

/* Sort by 11 bits at a time, least significant first; a digit that all keys share is no pass.
 * The result is in the array that is returned. */
static uint32_t *sort_keys(uint32_t *keys, uint32_t *other, size_t n)
{
    if (n <= 48) {
        sort_few(keys, n);
        return keys;
    }
    static const unsigned SHIFT[3] = {0, RADIX_BITS, 2 * RADIX_BITS};
    uint32_t count[3][BUCKETS];
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n; i++)
        for (unsigned pass = 0; pass < 3; pass++)
            count[pass][keys[i] >> SHIFT[pass] & (BUCKETS - 1)]++;
    for (unsigned pass = 0; pass < 3; pass++) {
        uint32_t *c = count[pass];
        if (c[keys[0] >> SHIFT[pass] & (BUCKETS - 1)] == n)
            continue;
        uint32_t at = 0;
        for (unsigned b = 0; b < BUCKETS; b++) {
            uint32_t here = c[b];
            c[b] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++)
            other[c[keys[i] >> SHIFT[pass] & (BUCKETS - 1)]++] = keys[i];
        uint32_t *swap = keys;
        keys = other;
        other = swap;
    }
    return keys;
}

/* numpy's _lerp between the two order statistics around q (n - 1). */
static double quantile(const uint32_t *sorted, size_t n, double q)
{
    double place = q * (double)(n - 1);
    double below = floor(place);
    size_t i = (size_t)below;
    double low = value_of(sorted[i]);
    double high = i + 1 < n ? value_of(sorted[i + 1]) : low;
    double t = place - below, step = high - low;
    return t >= 0.5 ? high - step * (1 - t) : low + step * t;
}

static void stats_of(uint32_t *keys, uint32_t *other, size_t n, double *out, size_t out_stride)
{
    out[STAT_COUNT * out_stride] = (double)n;
    if (n == 0) {
        for (unsigned k = 0; k < STAT_COUNT; k++)
            out[k * out_stride] = NAN;
        return;
    }
    const uint32_t *sorted = sort_keys(keys, other, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += value_of(sorted[i]);
    double mean = sum / (double)n, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double off = value_of(sorted[i]) - mean;
        squares += off * off;
    }
    out[STAT_Q10 * out_stride] = quantile(sorted, n, 0.1);
    out[STAT_Q50 * out_stride] = quantile(sorted, n, 0.5);
    out[STAT_Q90 * out_stride] = quantile(sorted, n, 0.9);
    out[STAT_MEAN * out_stride] = mean;
    out[STAT_STD * out_stride] = sqrt(squares / (double)n);
    out[STAT_MIN * out_stride] = value_of(sorted[0]);
    out[STAT_MAX * out_stride] = value_of(sorted[n - 1]);
}

size_t stats_scratch_bytes(size_t n_rows)
{
    return n_rows * (PANEL + 1) * sizeof(uint32_t);
}

void stats_of_columns(const float *values, size_t n_rows, size_t stride, size_t n_columns,
                      const bool *take, void *scratch, double *out, size_t out_stride)
{
    uint32_t *panel = scratch, *other = panel + n_rows * PANEL;
    for (size_t first = 0; first < n_columns; first += PANEL) {
        size_t width = n_columns - first < PANEL ? n_columns - first : PANEL;
        size_t n[PANEL] = {0};
        for (size_t r = 0; r < n_rows; r++) {
            if (take && !take[r])
                continue;
            const float *row = values + r * stride + first;
            for (size_t c = 0; c < width; c++)
                if (!isnan(row[c]))
                    panel[c * n_rows + n[c]++] = key_of(row[c]);
        }
        for (size_t c = 0; c < width; c++)
            stats_of(panel + c * n_rows, other, n[c], out + first + c, out_stride);
    }
}
