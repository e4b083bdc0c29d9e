/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/float_text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t to_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static const char *text_of(float value)
{
    static char text[FLOAT_TEXT_BYTES + 1];
    size_t n = float_text_put(value, text);
    text[n] = '\0';
    return text;
}

static unsigned digits_in(const char *text)
{
    unsigned n = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9')
            continue;
        if (n == 0 && *text == '0')
            continue;
        n++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return n - zeros;
}

/* Same bits back, and no text with a digit less reads back the same. */
static bool is_shortest(uint32_t bits)
{
    float f = from_bits(bits);
    const char *text = text_of(f);
    if (strlen(text) > 16 || to_bits(strtof(text, NULL)) != bits)
        return false;
    unsigned digits = digits_in(text);
    if (digits <= 1)
        return true;
    char shorter[40];
    (void)snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, (double)f);
    if (to_bits(strtof(shorter, NULL)) == bits)
        return false;
    /* and of the texts of this length it is the nearest, or as near as printf's */
    char nearest[40];
    (void)snprintf(nearest, sizeof nearest, "%.*e", (int)digits - 1, (double)f);
    return fabs(strtod(text, NULL) - (double)f) <= fabs(strtod(nearest, NULL) - (double)f)
           || to_bits(strtof(nearest, NULL)) != bits;
}

Test(float_text, writes_known_values_as_people_do)
{
    static const struct {
        float value;
        const char *text;
    } ROWS[] = {
        {0.0f, "0"},
        {-0.0f, "-0"},
        {1.0f, "1"},
        {-1.5f, "-1.5"},
        {0.1f, "0.1"},
        {100.0f, "100"},
        {16777216.0f, "16777216"},
        {33554432.0f, "33554432"},
        {1e9f, "1000000000"},
        {9.99999e11f, "999999000000"},
        {1e12f, "1e+12"},
        {1e-5f, "0.00001"},
        {1e-6f, "1e-06"},
        {3.4028235e38f, "3.4028235e+38"},
        {1.1754944e-38f, "1.1754944e-38"},
        {1e-45f, "1e-45"},
        {2239.7f, "2239.7"},
        {970.45f, "970.45"},
        {0.3f, "0.3"},
        {1.0f / 3, "0.33333334"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        cr_expect_str_eq(text_of(ROWS[i].value), ROWS[i].text);
    cr_expect_str_eq(text_of(NAN), "nan");
    cr_expect_str_eq(text_of(INFINITY), "inf");
    cr_expect_str_eq(text_of(-INFINITY), "-inf");
}

Test(float_text, is_shortest_and_exact_around_every_power_of_two)
{
    for (uint32_t e = 0; e < 255; e++) {
        for (int d = -4; d <= 4; d++) {
            uint32_t bits = (uint32_t)((int64_t)(e << 23) + d);
            if (bits == 0 || bits >= 0x7f800000 || bits >> 31)
                continue;
            cr_expect(is_shortest(bits), "%08x -> %s", bits, text_of(from_bits(bits)));
        }
    }
}

Test(float_text, is_shortest_and_exact_for_half_a_million_random_patterns)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 500000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint32_t bits = (uint32_t)(x >> 32);
        if ((bits >> 23 & 0xff) == 0xff)
            continue;
        cr_assert(is_shortest(bits), "%08x -> %s", bits, text_of(from_bits(bits)));
    }
}

Test(float_text, is_shortest_and_exact_for_values_as_simulators_write_them)
{
    for (int i = 1; i <= 200000; i++) {
        float f = (float)i * 0.05f;
        cr_assert(is_shortest(to_bits(f)), "%s", text_of(f));
    }
}
