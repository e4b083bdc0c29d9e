/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/stats.h"
#include "decksweep/span.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* generated with numpy 1.24.2: nanquantile (linear), nanmean, nanstd of float64 */
static const float VALUES_0[] = {3.5e+00f};
static const float VALUES_1[] = {1.0e+00f, 2.0e+00f};
static const float VALUES_2[] = {0.0e+00f, -0.0e+00f, 5.0e+00f, 5.0e+00f,
                                 5.0e+00f, -7.0e+00f, -7.0e+00f};
static const float VALUES_3[] = {1.00030756e+03f, 1.0746864e+03f, 9.314655e+02f,  NAN,
                                 8.863323e+02f,   7.520884e+02f,  1.0150359e+03f, NAN,
                                 8.7694836e+02f};
static const float VALUES_4[] = {NAN, NAN, NAN};
static const float VALUES_5[] = {
    -4.633929e+02f,  -1.2958745e+04f, -8.69637e+03f,   4.089765e+03f,   -1.8283714e+02f,
    2.7305122e+03f,  2.4002412e+04f,  -5.2844643e+01f, 7.553285e+02f,   9.937662e+00f,
    -6.226421e+01f,  1.1879271e+01f,  1.4725143e+03f,  6.65305e+01f,    6.726385e+03f,
    4.7707236e+03f,  -1.7014008e+03f, -1.5678744e+00f, 5.9224554e+02f,  -2.5772988e+03f,
    4.1877837e+03f,  3.025292e+01f,   -7.1104816e+02f, 1.582922e+02f,   -2.6335114e+02f,
    -7.187587e+04f,  -2.6438226e+02f, 2.703858e+03f,   4.232654e+04f,   5.175979e+02f,
    2.132167e+03f,   4.1521953e+03f,  -3.609575e+03f,  -7.555286e+01f,  3.745913e+03f,
    -1.7568892e+05f, -2.8747936e+01f, -3.926733e+04f,  4.264423e+03f,   -4.3510562e+02f,
    1.204108e+06f,   2.9342115e+04f,  8.162481e+01f,   -3.7277075e+03f, 1.6815709e+04f,
    1.6919781e+03f,  -2.3126416e+04f, -2.4416958e+03f, -2.2064885e+04f, 2.2314292e+05f,
    -3.9268716e+02f, -5.483045e+03f,  7.425404e+02f,   -4.3668853e+03f, 8.46408e+01f,
    -5.2431635e+02f, 1.6547614e+03f,  -4.419167e+04f,  -9.256497e+04f,  5.62281e+01f,
    -2.7480807e+02f};
static const struct {
    const char *claim;
    const float *values;
    size_t n;
    double want[STAT_KINDS];
} SETS[] = {
    {"one value", VALUES_0, DS_COUNT(VALUES_0), {3.5, 3.5, 3.5, 3.5, 0.0, 3.5, 3.5, 1.0}},
    {"two values", VALUES_1, DS_COUNT(VALUES_1), {1.1, 1.5, 1.9, 1.5, 0.5, 1.0, 2.0, 2.0}},
    {"ties and negative zero",
     VALUES_2,
     DS_COUNT(VALUES_2),
     {-7.0, 0.0, 5.0, 0.14285714285714285, 4.969293465978882, -7.0, 5.0, 7.0}},
    {"holes",
     VALUES_3,
     DS_COUNT(VALUES_3),
     {827.0043701171875, 931.4655151367188, 1038.89609375, 933.8377685546875, 99.5571258588081,
      752.08837890625, 1074.6864013671875, 7.0}},
    {"all NaN", VALUES_4, DS_COUNT(VALUES_4), {NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0.0}},
    {"sixty one values of both signs",
     VALUES_5,
     DS_COUNT(VALUES_5),
     {-22064.884765625, 9.937662124633789, 6726.384765625, 17526.099783701975, 158583.7960040173,
      -175688.921875, 1204108.0, 61.0}},
};

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

static bool near(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-13 * fmax(fabs(a), fabs(b));
}

Test(stats, are_what_numpy_says)
{
    for (size_t i = 0; i < DS_COUNT(SETS); i++) {
        double out[STAT_KINDS];
        void *scratch = malloc(stats_scratch_bytes(SETS[i].n));
        stats_of_columns(SETS[i].values, SETS[i].n, 1, 1, NULL, scratch, out, 1);
        for (size_t k = 0; k < STAT_KINDS; k++) {
            bool exact = k != STAT_MEAN && k != STAT_STD;
            cr_expect(exact ? same(out[k], SETS[i].want[k]) : near(out[k], SETS[i].want[k]),
                      "%s: %s is %.17g, numpy says %.17g", SETS[i].claim, STAT_NAME[k], out[k],
                      SETS[i].want[k]);
        }
        free(scratch);
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

Test(stats, of_many_columns_equal_those_of_each_alone)
{
    enum { ROWS = 500, COLUMNS = 21, STRIDE = 23 };
    static float values[ROWS * STRIDE], column[ROWS];
    static double out[STAT_KINDS * COLUMNS];
    static bool take[ROWS];
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < ROWS * STRIDE; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        values[i] = x % 17 == 0 ? NAN : (float)((int64_t)x % 100000) * 1e-3f;
    }
    for (size_t r = 0; r < ROWS; r++)
        take[r] = r % 3 != 1;
    void *scratch = malloc(stats_scratch_bytes(ROWS));
    stats_of_columns(values, ROWS, STRIDE, COLUMNS, take, scratch, out, COLUMNS);
    free(scratch);
    for (size_t c = 0; c < COLUMNS; c++) {
        size_t n = 0;
        for (size_t r = 0; r < ROWS; r++)
            if (take[r] && !isnan(values[r * STRIDE + c]))
                column[n++] = values[r * STRIDE + c];
        qsort(column, n, sizeof *column, by_value);
        cr_expect_eq(out[STAT_COUNT * COLUMNS + c], (double)n);
        cr_expect_eq(out[STAT_MIN * COLUMNS + c], (double)column[0]);
        cr_expect_eq(out[STAT_MAX * COLUMNS + c], (double)column[n - 1]);
        double place = 0.5 * (double)(n - 1);
        size_t i = (size_t)place;
        double t = place - (double)i, low = (double)column[i], high = (double)column[i + (t > 0)];
        cr_expect_float_eq(out[STAT_Q50 * COLUMNS + c], low + t * (high - low), 1e-9);
    }
}

/* Order statistics are looked for in bins of equal width: whatever the values' shape, the bins
 * must give what sorting gives. */
static void expect_quantiles(const char *claim, float *values, size_t n)
{
    static const double Q[3] = {0.1, 0.5, 0.9};
    double out[STAT_KINDS];
    void *scratch = malloc(stats_scratch_bytes(n));
    stats_of_columns(values, n, 1, 1, NULL, scratch, out, 1);
    free(scratch);
    qsort(values, n, sizeof *values, by_value);
    cr_expect_eq(out[STAT_MIN], (double)values[0], "%s", claim);
    cr_expect_eq(out[STAT_MAX], (double)values[n - 1], "%s", claim);
    for (size_t k = 0; k < 3; k++) {
        double place = Q[k] * (double)(n - 1);
        size_t i = (size_t)place;
        double t = place - (double)i, low = (double)values[i];
        double step = (double)values[i + 1 < n ? i + 1 : i] - low;
        double want = t >= 0.5 ? low + step - step * (1 - t) : low + step * t;
        cr_expect_eq(out[STAT_Q10 + k], want, "%s, %zu values: %s is %.17g, not %.17g", claim, n,
                     STAT_NAME[STAT_Q10 + k], out[STAT_Q10 + k], want);
    }
}

Test(stats, quantiles_do_not_depend_on_the_shape_of_the_values)
{
    enum { MOST = 3000 };
    static float values[MOST];
    static const size_t COUNTS[] = {1, 2, 47, 48, 49, 50, 51, 1000, 2999, MOST};
    static const char *const SHAPES[] = {
        "ascending", "two clusters far apart", "one outlier", "three values", "both signs",
        "all equal", "zeros of both signs"};
    for (size_t shape = 0; shape < DS_COUNT(SHAPES); shape++)
        for (size_t c = 0; c < DS_COUNT(COUNTS); c++) {
            uint64_t x = 88172645463325252u;
            for (size_t i = 0; i < COUNTS[c]; i++) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                float noise = (float)(x % 1000000) * 1e-6f;
                const float shaped[] = {(float)i,
                                        x % 3 ? 1e-30f * (1 + noise) : 1e30f * (1 + noise),
                                        i == COUNTS[c] / 2 ? -3e38f : 1 + noise,
                                        (float)(x % 3),
                                        (noise - 0.5f) * 1e5f,
                                        273.15f,
                                        x % 2 ? 0.0f : -0.0f};
                values[i] = shaped[shape];
            }
            expect_quantiles(SHAPES[shape], values, COUNTS[c]);
        }
}

Test(stats, infinities_count_like_other_values)
{
    float values[] = {1, INFINITY, 3, -INFINITY, NAN, 2, 5};
    double out[STAT_KINDS];
    void *scratch = malloc(stats_scratch_bytes(7));
    stats_of_columns(values, 6, 1, 1, NULL, scratch, out, 1);
    cr_expect_eq(out[STAT_COUNT], 5);
    cr_expect_eq(out[STAT_MAX], INFINITY);
    cr_expect_eq(out[STAT_Q50], 2);
    cr_expect(isnan(out[STAT_MEAN]) && isnan(out[STAT_STD]));
    stats_of_columns(values, 3, 1, 1, NULL, scratch, out, 1);
    cr_expect_eq(out[STAT_MEAN], INFINITY);
    cr_expect(isnan(out[STAT_STD]));
    free(scratch);
}
