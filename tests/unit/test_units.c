/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/units.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static const struct ds_err FRESH;

Test(units, whole_numbers_are_digits_up_to_a_limit)
{
    static const struct {
        const char *text;
        uint64_t max;
        int rc;
        uint64_t value;
    } ROWS[] = {
        {"0", 9, 0, 0},
        {"9", 9, 0, 9},
        {"10", 9, DS_ETOOBIG, 0},
        {"007", 9, 0, 7},
        {"", 9, DS_EPARSE, 0},
        {"-1", 9, DS_EPARSE, 0},
        {"+1", 9, DS_EPARSE, 0},
        {" 1", 9, DS_EPARSE, 0},
        {"1x", 9, DS_EPARSE, 0},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, DS_ETOOBIG, 0},
        {"99999999999999999999999", UINT64_MAX, DS_ETOOBIG, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        uint64_t v = 0;
        struct ds_err err = FRESH;
        cr_expect_eq(units_parse_u64(ds_span_of(ROWS[i].text), ROWS[i].max, &v, &err), ROWS[i].rc,
                     "%s", ROWS[i].text);
        cr_expect_eq(v, ROWS[i].value, "%s", ROWS[i].text);
    }
}

Test(units, numbers_are_decimal_and_finite)
{
    static const char *const BAD[] = {"",    "+",  ".",  "e5",  "1e",    "1e+", "0x1", "inf",
                                      "nan", "1 ", " 1", "1,5", "1e999", "--1", "1d5", "1_0"};
    static const struct {
        const char *text;
        double value;
    } GOOD[] = {{"1", 1},     {"-1.5", -1.5}, {"+.5", .5},   {"5.", 5},
                {"1e5", 1e5}, {"1E-5", 1e-5}, {"1e-999", 0}, {"00.10", .1}};
    double v;
    for (size_t i = 0; i < DS_COUNT(BAD); i++)
        cr_expect_lt(units_parse_double(ds_span_of(BAD[i]), &v, NULL), 0, "%s", BAD[i]);
    for (size_t i = 0; i < DS_COUNT(GOOD); i++) {
        cr_expect_eq(units_parse_double(ds_span_of(GOOD[i].text), &v, NULL), 0, "%s", GOOD[i].text);
        cr_expect_eq(v, GOOD[i].value, "%s", GOOD[i].text);
    }
    char longer[100];
    memset(longer, '1', sizeof longer);
    cr_expect_eq(units_parse_double((struct ds_span){longer, sizeof longer}, &v, NULL), DS_EPARSE);
}

Test(units, sizes_have_units_of_1024_unless_they_say_KB)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t bytes;
    } ROWS[] = {
        {"4096", 0, 4096},        {"1K", 0, 1024},         {"512MiB", 0, 512ull << 20},
        {"8 GiB", 0, 8ull << 30}, {"2GB", 0, 2000000000},  {"1.5TiB", 0, 3ull << 39},
        {"8g", 0, 8ull << 30},    {"2Gi", 0, 2ull << 30},  {"0", 0, 0},
        {"1e3", 0, 1000},         {"-1", DS_ETOOBIG, 0},   {"x", DS_EPARSE, 0},
        {"1PB", DS_EPARSE, 0},    {"1e30", DS_ETOOBIG, 0}, {"", DS_EPARSE, 0},
        {"1 G B", DS_EPARSE, 0},  {"1.5", 0, 1},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        uint64_t v = 0;
        cr_expect_eq(units_parse_size(ds_span_of(ROWS[i].text), &v, NULL), ROWS[i].rc, "%s",
                     ROWS[i].text);
        cr_expect_eq(v, ROWS[i].bytes, "%s: %llu", ROWS[i].text, (unsigned long long)v);
    }
}

Test(units, durations_add_up_and_bare_numbers_are_seconds)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t ms;
    } ROWS[] = {
        {"90s", 0, 90000},        {"15m", 0, 900000},       {"2h", 0, 7200000},
        {"1d", 0, 86400000},      {"1h30m", 0, 5400000},    {"250ms", 0, 250},
        {"45", 0, 45000},         {"1.5h", 0, 5400000},     {"1w", 0, 604800000},
        {"2 h", 0, 7200000},      {"", DS_EPARSE, 0},       {"h", DS_EPARSE, 0},
        {"2x", DS_EPARSE, 0},     {"-1h", DS_EPARSE, 0},    {"1h 30", DS_EPARSE, 0},
        {"1h30", DS_EPARSE, 0},   {"4000d", DS_ETOOBIG, 0}, {"1e300d", DS_ETOOBIG, 0},
        {"1e9999", DS_EPARSE, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        uint64_t v = 0;
        cr_expect_eq(units_parse_duration(ds_span_of(ROWS[i].text), &v, NULL), ROWS[i].rc, "%s",
                     ROWS[i].text);
        cr_expect_eq(v, ROWS[i].ms, "%s: %llu", ROWS[i].text, (unsigned long long)v);
    }
}

Test(units, dates_are_utc_calendar_time)
{
    static const struct {
        const char *text;
        int rc;
        int64_t s;
    } ROWS[] = {
        {"1970-01-01", 0, 0},
        {"2015-01-01T12:30:15Z", 0, 1420115415},
        {"2015-01-01 12:30:15", 0, 1420115415},
        {"2000-02-29", 0, 951782400},
        {"0001-01-01", 0, -62135596800},
        {"9999-12-31T23:59:59", 0, 253402300799},
        {"1900-02-29", DS_EPARSE, 0},
        {"2021-13-01", DS_EPARSE, 0},
        {"2021-00-01", DS_EPARSE, 0},
        {"2021-01-32", DS_EPARSE, 0},
        {"2021-1-1", DS_EPARSE, 0},
        {"2021-01-01T24:00:00", DS_EPARSE, 0},
        {"2021-01-01T1", DS_EPARSE, 0},
        {"0000-01-01", DS_EPARSE, 0},
        {"1 JAN 2015", DS_EPARSE, 0},
        {"", DS_EPARSE, 0},
        {"Z", DS_EPARSE, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        int64_t v = 0;
        cr_expect_eq(units_parse_date(ds_span_of(ROWS[i].text), &v, NULL), ROWS[i].rc, "%s",
                     ROWS[i].text);
        cr_expect_eq(v, ROWS[i].s, "%s: %lld", ROWS[i].text, (long long)v);
    }
}

Test(units, civil_days_and_back_are_the_same_for_four_hundred_thousand_days)
{
    for (int64_t day = -400000; day < 400000; day += 7) {
        int64_t y;
        unsigned m, d;
        units_civil_from_days(day, &y, &m, &d);
        cr_expect(m >= 1 && m <= 12 && d >= 1 && d <= 31);
        cr_expect_eq(units_days_from_civil(y, m, d), day);
    }
    char text[24];
    units_format_date(1420115415, text);
    cr_expect_str_eq(text, "2015-01-01T12:30:15Z");
    units_format_date(-1, text);
    cr_expect_str_eq(text, "1969-12-31T23:59:59Z");
}

Test(units, sizes_and_durations_read_well)
{
    char t[UNITS_TEXT_BYTES];
    static const struct {
        uint64_t bytes;
        const char *text;
    } SIZES[] = {{0, "0 B"},        {1023, "1023 B"},          {1024, "1.0 KiB"},
                 {1536, "1.5 KiB"}, {200ull << 20, "200 MiB"}, {UINT64_MAX, "16384 PiB"}};
    static const struct {
        int64_t ms;
        const char *text;
    } TIMES[] = {{0, "0.0s"},        {13250, "13.2s"},    {59999, "60.0s"}, {60000, "1m00s"},
                 {7500000, "2h05m"}, {90000000, "1d01h"}, {-5, "0.0s"}};
    for (size_t i = 0; i < DS_COUNT(SIZES); i++) {
        units_format_size(SIZES[i].bytes, t);
        cr_expect_str_eq(t, SIZES[i].text);
    }
    for (size_t i = 0; i < DS_COUNT(TIMES); i++) {
        units_format_duration(TIMES[i].ms, t);
        cr_expect_str_eq(t, TIMES[i].text);
    }
}

Test(units, rounding_leaves_ten_digits_or_the_decimals)
{
    cr_expect_eq(units_round(0.12345678949, -1), 0.1234567895);
    cr_expect_eq(units_round(123456789012345.0, -1), 123456789000000.0);
    cr_expect_eq(units_round(2.5, 0), 2);
    cr_expect_eq(units_round(-0.001, 2), 0);
    cr_expect_not(signbit(units_round(-0.0, -1)));
    cr_expect_eq(units_round(1e300, 2), 1e300);
    cr_expect(isnan(units_round(NAN, 2)));
}

Test(units, numbers_render_as_flow_reads_them)
{
    static const struct {
        double v;
        const char *text;
    } ROWS[] = {
        {1e5, "100000"},
        {-0.0, "0"},
        {0.1, "0.1"},
        {9007199254740991.0, "9007199254740991"},
        {9007199254740992.0, "9007199254740992"},
        {1e20, "1e+20"},
        {1e-5, "1e-05"},
        {0.30000000000000004, "0.30000000000000004"},
        {-2.5, "-2.5"},
        {1e-310, "1e-310"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        char t[UNITS_NUMBER_BYTES];
        cr_expect_eq(units_format_number(ROWS[i].v, t), strlen(ROWS[i].text));
        cr_expect_str_eq(t, ROWS[i].text);
    }
}

/* The fast way gives what the slow one gives, over all magnitudes, signs, decimals and ties. */
Test(units, rounding_with_text_equals_rounding_and_then_formatting)
{
    uint64_t state = 88172645463325252u;
    for (long i = 0; i < 400000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double u = (double)(state >> 11) * 0x1p-53;
        double v = pow(10, u * 26 - 9) * (state & 1 ? 1 : -1);
        v = i % 3 == 0 ? rint(v * 1000) / 1000 : i % 7 == 0 ? rint(v) + 0.5 : i % 11 == 0 ? u : v;
        int decimals = i % 2 ? -1 : (int)(i / 2 % 16);
        char fast[UNITS_NUMBER_BYTES], slow[UNITS_NUMBER_BYTES];
        size_t n;
        double a = units_round_text(v, decimals, fast, &n), b = units_round(v, decimals);
        size_t m = units_format_number(b, slow);
        if (a != b || n != m || strcmp(fast, slow) != 0 || signbit(a) != signbit(b))
            cr_expect_fail("%.17g at %d: %s, %s", v, decimals, fast, slow);
    }
}
