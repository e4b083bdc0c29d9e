/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ten digits without snprintf: value times a power of ten as a long double is within 2^-63 of
 * the true product; unless that lands next to a half, the nearest whole number is known, and
 * whole / 10^k is one correctly rounded division, hence what strtod would give. Everything
 * else (ties, tiny and huge numbers, doubles as long as long doubles) goes the slow way. */
#include "base/units.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#define DIGITS 10

static const double POWERS[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};

/* Decimals that leave ten significant digits, -1 when the fast way does not go. */
static int fast_decimals(double magnitude, int decimals)
{
    if (!(magnitude >= 1e-4 && magnitude < 1e9))
        return -1;
    int k = DIGITS - 1;
    if (magnitude >= 1)
        while (k > 0 && magnitude >= POWERS[DIGITS - k])
            k--;
    else
        while (magnitude * POWERS[k - DIGITS + 1] < 1)
            k++;
    return decimals < 0 ? k : decimals < k ? decimals : -1;
}

static size_t write_decimal(uint64_t whole, int k, bool negative, char *out)
{
    char digits[24];
    size_t n = 0, len = 0;
    while (k > 0 && whole % 10 == 0) {
        whole /= 10;
        k--;
    }
    for (; whole > 0 || (int)n <= k; whole /= 10)
        digits[n++] = (char)('0' + whole % 10);
    if (negative)
        out[len++] = '-';
    for (size_t i = n; i > 0; i--) {
        out[len++] = digits[i - 1];
        if (k > 0 && (int)i - 1 == k)
            out[len++] = '.';
    }
    out[len] = '\0';
    return len;
}

/* The fast way; false: it does not go. */
static bool round_fast(double value, int decimals, double *rounded, char text[UNITS_NUMBER_BYTES],
                       size_t *len)
{
    double magnitude = fabs(value);
    int k = LDBL_MANT_DIG >= 64 ? fast_decimals(magnitude, decimals) : -1;
    if (k < 0)
        return false;
    long double scaled = (long double)magnitude * (long double)POWERS[k];
    long double below = floorl(scaled);
    long double rest = scaled - below;
    uint64_t whole = (uint64_t)below + (rest > 0.5L);
    /* units_format_number prefers an exponent below 1e-4 */
    if (!(fabsl(rest - 0.5L) > 0x1p-20L && whole > 0 && (double)whole >= 1e-4 * POWERS[k]))
        return false;
    *rounded = (double)whole / POWERS[k];
    *len = write_decimal(whole, k, value < 0, text);
    if (value < 0)
        *rounded = -*rounded;
    return true;
}

double units_round_text(double value, int decimals, char text[UNITS_NUMBER_BYTES], size_t *len)
{
    double rounded;
    assert(isfinite(value));
    if (round_fast(value, decimals, &rounded, text, len))
        return rounded;
    rounded = units_round(value, decimals);
    *len = units_format_number(rounded, text);
    return rounded;
}

/* Ten digits that read back equal are the shortest such text: no other of up to fifteen digits
 * reads as the same double. */
size_t units_format_fast(double value, char out[UNITS_NUMBER_BYTES])
{
    double rounded;
    size_t len;
    return round_fast(value, -1, &rounded, out, &len) && rounded == value ? len : 0;
}
