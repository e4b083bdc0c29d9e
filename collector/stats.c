/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/stats.h"

#include "base/vectorised.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const STAT_NAME[STAT_KINDS] = {"q10", "q50", "q90", "mean",
                                           "std", "min", "max", "count"};

#define PANEL      8u /* columns gathered together: a cache line of a row is read once */
#define FEW        48u
#define RADIX_BITS 11u
#define BUCKETS    (1u << RADIX_BITS)
#define BIN_BITS   9u
#define BINS       (1u << BIN_BITS)
#define WANTED     6u /* order statistics: two around each quantile */

static const double QUANTILE[3] = {0.1, 0.5, 0.9}; /* STAT_Q10 .. STAT_Q90 */

/* float32 and back, so that the order of the keys is numeric order. */
static inline uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((0u - (bits >> 31)) | 0x80000000u);
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
    if (n <= FEW) {
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

/* ---- order statistics ---- */

/* A column's keys: least, greatest, and those that are wanted. */
struct ordered {
    uint32_t least, most;
    size_t place[WANTED]; /* in the sorted column, ascending */
    uint32_t key[WANTED];
};

VECTORISED static void find_ends(const uint32_t *keys, size_t n, struct ordered *o)
{
    uint32_t least = keys[0], most = keys[0];
    for (size_t i = 0; i < n; i++) {
        least = keys[i] < least ? keys[i] : least;
        most = keys[i] > most ? keys[i] : most;
    }
    o->least = least;
    o->most = most;
}

static void set_places(struct ordered *o, size_t n)
{
    for (size_t q = 0; q < WANTED / 2; q++) {
        size_t below = (size_t)floor(QUANTILE[q] * (double)(n - 1));
        o->place[2 * q] = below;
        o->place[2 * q + 1] = below + 1 < n ? below + 1 : below;
    }
}

/* The bins that hold wanted places are marked; places become places among the keys of marked
 * bins. Returns how many keys that are. */
static size_t mark_bins(const uint32_t count[BINS], struct ordered *o, unsigned char marked[BINS])
{
    size_t before = 0, kept = 0;
    unsigned next = 0;
    for (unsigned b = 0; b < BINS && next < WANTED; b++) {
        size_t end = before + count[b];
        marked[b] = o->place[next] < end;
        for (; next < WANTED && o->place[next] < end; next++)
            o->place[next] -= before - kept;
        kept += marked[b] ? count[b] : 0;
        before = end;
    }
    return kept;
}

/* Only the neighbourhood of what is wanted is sorted: keys fall into bins of equal width between
 * the ends, and the bins that hold nothing wanted are left out. */
static void select_keys(uint32_t *keys, uint32_t *other, size_t n, struct ordered *o)
{
    find_ends(keys, n, o);
    set_places(o, n);
    uint32_t *kept = keys;
    size_t n_kept = n;
    if (n > FEW && o->least < o->most) {
        unsigned width = 32u - (unsigned)__builtin_clz(o->most - o->least);
        unsigned shift = width > BIN_BITS ? width - BIN_BITS : 0;
        uint32_t count[BINS] = {0};
        unsigned char marked[BINS] = {0};
        for (size_t i = 0; i < n; i++)
            count[(keys[i] - o->least) >> shift]++;
        size_t expect = mark_bins(count, o, marked);
        n_kept = 0;
        for (size_t i = 0; i < n; i++) { /* no branch: which keys stay cannot be foreseen */
            other[n_kept] = keys[i];
            n_kept += marked[(keys[i] - o->least) >> shift];
        }
        assert(n_kept == expect);
        (void)expect;
        kept = other;
    }
    const uint32_t *sorted =
        o->least < o->most ? sort_keys(kept, kept == keys ? other : keys, n_kept) : kept;
    for (unsigned i = 0; i < WANTED; i++)
        o->key[i] = sorted[o->place[i]];
}

/* numpy's _lerp between the two order statistics around q (n - 1). */
static double quantile(const struct ordered *o, size_t q, size_t n)
{
    double place = QUANTILE[q] * (double)(n - 1);
    double low = value_of(o->key[2 * q]), high = value_of(o->key[2 * q + 1]);
    double t = place - floor(place), step = high - low;
    return t >= 0.5 ? high - step * (1 - t) : low + step * t;
}

static void put_ordered(uint32_t *keys, uint32_t *other, size_t n, double *out, size_t out_stride)
{
    struct ordered o;
    select_keys(keys, other, n, &o);
    for (size_t q = 0; q < WANTED / 2; q++)
        out[(STAT_Q10 + q) * out_stride] = quantile(&o, q, n);
    out[STAT_MIN * out_stride] = value_of(o.least);
    out[STAT_MAX * out_stride] = value_of(o.most);
}

/* ---- a panel of columns ---- */

struct panel {
    const float *values; /* of its first column */
    size_t n_rows, stride;
    const bool *take;
    uint32_t *keys; /* [PANEL][n_rows] */
    size_t n[PANEL];
    double sum[PANEL], squares[PANEL];
};

/* Values that count, as keys and summed. Adding row by row is numpy's order too. */
static inline __attribute__((always_inline)) void gather(struct panel *p, size_t width)
{
    size_t n[PANEL] = {0};
    double sum[PANEL] = {0};
    for (size_t r = 0; r < p->n_rows; r++) {
        if (p->take && !p->take[r])
            continue;
        const float *row = p->values + r * p->stride;
        for (size_t c = 0; c < width; c++) {
            float value = row[c];
            sum[c] += isnan(value) ? 0.0 : (double)value;
        }
        for (size_t c = 0; c < width; c++) { /* a NaN is overwritten by what comes next */
            p->keys[c * p->n_rows + n[c]] = key_of(row[c]);
            n[c] += isnan(row[c]) ? 0u : 1u;
        }
    }
    memcpy(p->n, n, sizeof n);
    memcpy(p->sum, sum, sizeof sum);
}

static inline __attribute__((always_inline)) void add_squares(struct panel *p, size_t width)
{
    double mean[PANEL], squares[PANEL] = {0};
    for (size_t c = 0; c < PANEL; c++)
        mean[c] = p->n[c] > 0 ? p->sum[c] / (double)p->n[c] : 0;
    for (size_t r = 0; r < p->n_rows; r++) {
        if (p->take && !p->take[r])
            continue;
        const float *row = p->values + r * p->stride;
        for (size_t c = 0; c < width; c++) {
            double off = (double)row[c] - mean[c];
            squares[c] += isnan(row[c]) ? 0.0 : off * off;
        }
    }
    memcpy(p->squares, squares, sizeof squares);
}

/* The same, with a width that the compiler knows. */
VECTORISED static void sum_up_panel(struct panel *p)
{
    gather(p, PANEL);
    add_squares(p, PANEL);
}

static void sum_up(struct panel *p, size_t width)
{
    gather(p, width);
    add_squares(p, width);
}

static void put_column(struct panel *p, size_t c, uint32_t *other, double *out, size_t out_stride)
{
    size_t n = p->n[c];
    out[STAT_COUNT * out_stride] = (double)n;
    if (n == 0) {
        for (unsigned k = 0; k < STAT_COUNT; k++)
            out[k * out_stride] = NAN;
        return;
    }
    out[STAT_MEAN * out_stride] = p->sum[c] / (double)n;
    out[STAT_STD * out_stride] = sqrt(p->squares[c] / (double)n);
    put_ordered(p->keys + c * p->n_rows, other, n, out, out_stride);
}

size_t stats_scratch_bytes(size_t n_rows)
{
    return n_rows * (PANEL + 1) * sizeof(uint32_t);
}

void stats_of_columns(const float *values, size_t n_rows, size_t stride, size_t n_columns,
                      const bool *take, void *scratch, double *out, size_t out_stride)
{
    struct panel p = {.n_rows = n_rows, .stride = stride, .take = take, .keys = scratch};
    uint32_t *other = p.keys + n_rows * PANEL;
    for (size_t first = 0; first < n_columns; first += PANEL) {
        size_t width = n_columns - first < PANEL ? n_columns - first : PANEL;
        p.values = values + first;
        if (width == PANEL)
            sum_up_panel(&p);
        else
            sum_up(&p, width);
        for (size_t c = 0; c < width; c++)
            put_column(&p, c, other, out + first + c, out_stride);
    }
}
