/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The method is Raffaele Giulietti's "The Schubfach way to render doubles" (2020), written
 * for binary32: scale the value and the two ends of its rounding interval by a power of ten, so that
 * the interval holds at least one and at most ten integers, then choose among at most
 * four candidates. Products keep a sticky bit, which makes comparisons exact. */
#include "base/float_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ceil(10^k * 2^-r) with r such that 2^63 <= g < 2^64, for k = -31 .. 45. */
#define POWER_FIRST (-31)
static const uint64_t POWER[77] = {
    0x81ceb32c4b43fcf5, 0xa2425ff75e14fc32, 0xcad2f7f5359a3b3f, 0xfd87b5f28300ca0e,
    0x9e74d1b791e07e49, 0xc612062576589ddb, 0xf79687aed3eec552, 0x9abe14cd44753b53,
    0xc16d9a0095928a28, 0xf1c90080baf72cb2, 0x971da05074da7bef, 0xbce5086492111aeb,
    0xec1e4a7db69561a6, 0x9392ee8e921d5d08, 0xb877aa3236a4b44a, 0xe69594bec44de15c,
    0x901d7cf73ab0acda, 0xb424dc35095cd810, 0xe12e13424bb40e14, 0x8cbccc096f5088cc,
    0xafebff0bcb24aaff, 0xdbe6fecebdedd5bf, 0x89705f4136b4a598, 0xabcc77118461cefd,
    0xd6bf94d5e57a42bd, 0x8637bd05af6c69b6, 0xa7c5ac471b478424, 0xd1b71758e219652c,
    0x83126e978d4fdf3c, 0xa3d70a3d70a3d70b, 0xcccccccccccccccd, 0x8000000000000000,
    0xa000000000000000, 0xc800000000000000, 0xfa00000000000000, 0x9c40000000000000,
    0xc350000000000000, 0xf424000000000000, 0x9896800000000000, 0xbebc200000000000,
    0xee6b280000000000, 0x9502f90000000000, 0xba43b74000000000, 0xe8d4a51000000000,
    0x9184e72a00000000, 0xb5e620f480000000, 0xe35fa931a0000000, 0x8e1bc9bf04000000,
    0xb1a2bc2ec5000000, 0xde0b6b3a76400000, 0x8ac7230489e80000, 0xad78ebc5ac620000,
    0xd8d726b7177a8000, 0x878678326eac9000, 0xa968163f0a57b400, 0xd3c21bcecceda100,
    0x84595161401484a0, 0xa56fa5b99019a5c8, 0xcecb8f27f4200f3a, 0x813f3978f8940985,
    0xa18f07d736b90be6, 0xc9f2c9cd04674edf, 0xfc6f7c4045812297, 0x9dc5ada82b70b59e,
    0xc5371912364ce306, 0xf684df56c3e01bc7, 0x9a130b963a6c115d, 0xc097ce7bc90715b4,
    0xf0bdc21abb48db21, 0x96769950b50d88f5, 0xbc143fa4e250eb32, 0xeb194f8e1ae525fe,
    0x92efd1b8d0cf37bf, 0xb7abc627050305ae, 0xe596b7b0c643c71a, 0x8f7e32ce7bea5c70,
    0xb35dbf821ae4f38c,
};

static const char PAIRS[200] = {
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "6869707172737475767778798081828384858687888990919293949596979899"};

struct decimal { /* digits * 10^exponent */
    uint32_t digits;
    int exponent;
};

/* g * cp / 2^64, the last bit set when anything was cut off. */
static uint32_t scale(uint64_t g, uint32_t cp)
{
    uint64_t low = (g & 0xffffffffu) * cp;
    uint64_t high = (g >> 32) * cp + (low >> 32);
    return (uint32_t)(high >> 32) | ((uint32_t)high > 1);
}

static int floor_log10_pow2(int e, bool three_quarters)
{
    return (e * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* Shortest decimal of c * 2^q; uneven: c is a power of two, its lower neighbour is nearer. */
static struct decimal shortest(uint32_t c, int q, bool uneven)
{
    uint32_t odd = c & 1; /* ends of the interval belong to it when c is even */
    int k = floor_log10_pow2(q, uneven);
    int h = q + floor_log2_pow10(-k) + 1;
    uint64_t g = POWER[-k - POWER_FIRST];
    uint32_t lower = scale(g, (4 * c - 2 + uneven) << h) + odd;
    uint32_t value = scale(g, (4 * c) << h);
    uint32_t upper = scale(g, (4 * c + 2) << h) - odd;

    uint32_t s = value / 4;
    if (s >= 10) {
        uint32_t tens = s / 10;
        bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;
        if (down != up)
            return (struct decimal){tens + up, k + 1};
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up)
        return (struct decimal){s + up, k};
    uint32_t middle = 4 * s + 2;
    bool round_up = value > middle || (value == middle && (s & 1));
    return (struct decimal){s + round_up, k};
}

static struct decimal without_zeros(struct decimal d)
{
    while (d.digits % 100 == 0) {
        d.digits /= 100;
        d.exponent += 2;
    }
    if (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent += 1;
    }
    return d;
}

static unsigned digits_of(uint32_t x, char text[10]) /* right-aligned in text; how many */
{
    unsigned at = 10;
    while (x >= 100) {
        at -= 2;
        memcpy(text + at, PAIRS + (size_t)2 * (x % 100), 2);
        x /= 100;
    }
    if (x >= 10) {
        at -= 2;
        memcpy(text + at, PAIRS + (size_t)2 * x, 2);
    } else {
        text[--at] = (char)('0' + x);
    }
    return 10 - at;
}

static size_t put_scientific(const char *digits, unsigned n, int point, char *out)
{
    char *p = out;
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, n - 1);
        p += n - 1;
    }
    int e = point - 1; /* -45 .. 38 */
    *p++ = 'e';
    *p++ = e < 0 ? '-' : '+';
    memcpy(p, PAIRS + (size_t)2 * (unsigned)(e < 0 ? -e : e), 2);
    return (size_t)(p + 2 - out);
}

/* point: the value is 0.DIGITS * 10^point. */
static size_t put_plain(const char *digits, unsigned n, int point, char *out)
{
    if (point <= 0) {
        size_t zeros = (size_t)-point;
        static const char ZEROS[9] = "0.0000000";
        memcpy(out, ZEROS, sizeof ZEROS);
        memcpy(out + 2 + zeros, digits, n);
        return 2 + zeros + n;
    }
    unsigned whole = (unsigned)point;
    if (whole >= n) {
        memcpy(out, digits, n);
        memset(out + n, '0', whole - n);
        return whole;
    }
    memcpy(out, digits, whole);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, n - whole);
    return n + 1;
}

static const char NOT_A_NUMBER[3] = "nan", INFINITE[3] = "inf"; /* without terminators */

size_t float_text_put(float value, char out[FLOAT_TEXT_BYTES])
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t fraction = bits & 0x7fffff, biased = bits >> 23 & 0xff;
    size_t at = 0;
    if (biased == 0xff && fraction) {
        memcpy(out, NOT_A_NUMBER, sizeof NOT_A_NUMBER);
        return sizeof NOT_A_NUMBER;
    }
    if (bits >> 31)
        out[at++] = '-';
    if (biased == 0xff) {
        memcpy(out + at, INFINITE, sizeof INFINITE);
        return at + sizeof INFINITE;
    }
    if (biased == 0 && fraction == 0) {
        out[at] = '0';
        return at + 1;
    }
    uint32_t c = biased ? fraction | 0x800000 : fraction;
    int q = (biased ? (int)biased : 1) - 150;
    struct decimal d = without_zeros(shortest(c, q, fraction == 0 && biased > 1));
    char text[10];
    unsigned n = digits_of(d.digits, text);
    int point = d.exponent + (int)n;
    if (point < -4 || point > 12)
        return at + put_scientific(text + 10 - n, n, point, out + at);
    return at + put_plain(text + 10 - n, n, point, out + at);
}
