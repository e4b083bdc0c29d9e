/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strtod and snprintf are used on text that was checked to hold digits, sign, point and
 * exponent only; programs never call setlocale(LC_NUMERIC), so the point is a point. */
#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX_CHARS 64u
#define TEN_YEARS_MS     (UINT64_C(3653) * 86400 * 1000)

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

int units_parse_u64(struct ds_span text, uint64_t max, uint64_t *out, struct ds_err *err)
{
    uint64_t value = 0;
    if (text.len == 0)
        return ds_fail(err, DS_EPARSE, "a whole number is expected");
    for (size_t i = 0; i < text.len; i++) {
        if (!digit(text.ptr[i]))
            return ds_fail(err, DS_EPARSE, "'%.*s' is no whole number", DS_FMT(text));
        if (__builtin_mul_overflow(value, 10u, &value)
            || __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value) || value > max)
            return ds_fail(err, DS_ETOOBIG, "%.*s is more than %llu", DS_FMT(text),
                           (unsigned long long)max);
    }
    *out = value;
    return 0;
}

static size_t skip_digits(struct ds_span s, size_t i)
{
    while (i < s.len && digit(s.ptr[i]))
        i++;
    return i;
}

/* Length of the number at the start of s, 0 if none stands there. */
static size_t number_length(struct ds_span s)
{
    size_t i = s.len > 0 && (s.ptr[0] == '+' || s.ptr[0] == '-') ? 1 : 0;
    size_t whole = skip_digits(s, i), n_digits = whole - i;
    i = whole;
    if (i < s.len && s.ptr[i] == '.') {
        size_t end = skip_digits(s, i + 1);
        n_digits += end - i - 1;
        i = end;
    }
    if (n_digits == 0)
        return 0;
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        size_t at = i + 1;
        if (at < s.len && (s.ptr[at] == '+' || s.ptr[at] == '-'))
            at++;
        size_t end = skip_digits(s, at);
        if (end > at)
            i = end;
    }
    return i;
}

int units_parse_double(struct ds_span text, double *out, struct ds_err *err)
{
    char copy[NUMBER_MAX_CHARS + 1];
    if (text.len == 0 || text.len > NUMBER_MAX_CHARS || number_length(text) != text.len)
        return ds_fail(err, DS_EPARSE, "'%.*s' is no number", (int)(text.len > 60 ? 60 : text.len),
                       text.ptr);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    double value = strtod(copy, NULL);
    if (!isfinite(value))
        return ds_fail(err, DS_ETOOBIG, "'%s' is beyond the range of numbers", copy);
    *out = value;
    return 0;
}

struct unit {
    const char *name;
    double factor;
};

static const struct unit *find_unit(const struct unit *units, size_t n, struct ds_span name)
{
    for (size_t i = 0; i < n; i++)
        if (ds_span_eq_nocase(name, ds_span_of(units[i].name)))
            return &units[i];
    return NULL;
}

int units_parse_size(struct ds_span text, uint64_t *bytes, struct ds_err *err)
{
    static const struct unit SIZES[] = {
        {"", 1},        {"B", 1},        {"K", 0x1p10},   {"KiB", 0x1p10}, {"KB", 1e3},
        {"M", 0x1p20},  {"MiB", 0x1p20}, {"MB", 1e6},     {"G", 0x1p30},   {"GiB", 0x1p30},
        {"GB", 1e9},    {"T", 0x1p40},   {"TiB", 0x1p40}, {"TB", 1e12},    {"Ki", 0x1p10},
        {"Mi", 0x1p20}, {"Gi", 0x1p30},  {"Ti", 0x1p40},
    };
    struct ds_span s = ds_span_trim(text);
    size_t n = number_length(s);
    double value = 0;
    if (n == 0 || units_parse_double((struct ds_span){s.ptr, n}, &value, NULL) < 0)
        return ds_fail(err, DS_EPARSE, "'%.*s' is no size; write 512MiB or 8GiB", DS_FMT(s));
    struct ds_span name = ds_span_trim((struct ds_span){s.ptr + n, s.len - n});
    const struct unit *u = find_unit(SIZES, DS_COUNT(SIZES), name);
    if (!u)
        return ds_fail(err, DS_EPARSE, "'%.*s': unknown unit '%.*s'; write KiB, MiB, GiB or TiB",
                       DS_FMT(s), DS_FMT(name));
    value *= u->factor;
    if (!(value >= 0 && value < 0x1p60))
        return ds_fail(err, DS_ETOOBIG, "'%.*s' is no possible size", DS_FMT(s));
    *bytes = (uint64_t)value;
    return 0;
}

int units_parse_duration(struct ds_span text, uint64_t *ms, struct ds_err *err)
{
    static const struct unit UNITS[] = {
        {"", 1e3},     {"ms", 1},     {"s", 1e3},     {"m", 60e3},
        {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}, {"w", 7 * 86400e3},
    };
    struct ds_span whole = ds_span_trim(text), s = whole;
    double total = 0;
    do {
        size_t n = number_length(s), end = n;
        while (end < s.len && !digit(s.ptr[end]) && s.ptr[end] != '.')
            end++;
        struct ds_span name = ds_span_trim((struct ds_span){s.ptr + n, end - n});
        const struct unit *u = find_unit(UNITS, DS_COUNT(UNITS), name);
        double value = 0;
        if (n == 0 || units_parse_double((struct ds_span){s.ptr, n}, &value, NULL) < 0)
            u = NULL;
        if (!u || value < 0 || (name.len == 0 && end != whole.len))
            return ds_fail(err, DS_EPARSE, "'%.*s' is no duration; write 90s, 30m, 2h or 1d",
                           DS_FMT(whole));
        total += value * u->factor;
        s = (struct ds_span){s.ptr + end, s.len - end};
    } while (s.len > 0);
    if (total > (double)TEN_YEARS_MS)
        return ds_fail(err, DS_ETOOBIG, "'%.*s' is more than ten years", DS_FMT(whole));
    *ms = (uint64_t)(total + 0.5);
    return 0;
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (public domain formula). */
int64_t units_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void units_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static bool fixed_digits(struct ds_span s, size_t at, size_t n, unsigned *out)
{
    if (at + n > s.len)
        return false;
    *out = 0;
    for (size_t i = at; i < at + n; i++) {
        if (!digit(s.ptr[i]))
            return false;
        *out = *out * 10 + (unsigned)(s.ptr[i] - '0');
    }
    return true;
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned char DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : DAYS[month - 1];
}

int units_parse_date(struct ds_span text, int64_t *unix_s, struct ds_err *err)
{
    struct ds_span s = ds_span_trim(text);
    if (s.len > 0 && s.ptr[s.len - 1] == 'Z')
        s.len--;
    unsigned y, mo, d, h = 0, mi = 0, sec = 0;
    bool ok = fixed_digits(s, 0, 4, &y) && s.len >= 10 && s.ptr[4] == '-'
              && fixed_digits(s, 5, 2, &mo) && s.ptr[7] == '-' && fixed_digits(s, 8, 2, &d);
    if (ok && s.len > 10)
        ok = s.len == 19 && (s.ptr[10] == 'T' || s.ptr[10] == ' ') && fixed_digits(s, 11, 2, &h)
             && s.ptr[13] == ':' && fixed_digits(s, 14, 2, &mi) && s.ptr[16] == ':'
             && fixed_digits(s, 17, 2, &sec);
    ok = ok && y >= 1 && mo >= 1 && mo <= 12 && d >= 1 && d <= month_days(y, mo) && h < 24
         && mi < 60 && sec < 60;
    if (!ok)
        return ds_fail(err, DS_EPARSE, "'%.*s' is no date; write 2030-12-31", DS_FMT(text));
    *unix_s = units_days_from_civil(y, mo, d) * 86400 + (int64_t)h * 3600 + (int64_t)mi * 60 + sec;
    return 0;
}

void units_format_date(int64_t unix_s, char out[24])
{
    int64_t days = unix_s / 86400, rest = unix_s % 86400, year;
    unsigned month, day;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    units_civil_from_days(days, &year, &month, &day);
    (void)snprintf(out, 24, "%04lld-%02u-%02uT%02u:%02u:%02uZ",
                   (long long)(year < 0 || year > 9999 ? 0 : year), month % 100, day % 100,
                   (unsigned)(rest / 3600), (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
}

void units_format_size(uint64_t bytes, char out[UNITS_TEXT_BYTES])
{
    static const char *const NAMES[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t u = 0;
    while (value >= 1024 && u + 1 < DS_COUNT(NAMES)) {
        value /= 1024;
        u++;
    }
    (void)snprintf(out, UNITS_TEXT_BYTES, u == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value,
                   NAMES[u]);
}

void units_format_duration(int64_t ms, char out[UNITS_TEXT_BYTES])
{
    int64_t s = (ms < 0 ? 0 : ms) / 1000;
    if (s < 60)
        (void)snprintf(out, UNITS_TEXT_BYTES, "%.1fs", (double)(ms < 0 ? 0 : ms) / 1000);
    else if (s < 3600)
        (void)snprintf(out, UNITS_TEXT_BYTES, "%dm%02ds", (int)(s / 60), (int)(s % 60));
    else if (s < 86400)
        (void)snprintf(out, UNITS_TEXT_BYTES, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
    else
        (void)snprintf(out, UNITS_TEXT_BYTES, "%lldd%02dh", (long long)(s / 86400),
                       (int)(s / 3600 % 24));
}

double units_round(double value, int decimals)
{
    char text[400];
    if (!isfinite(value))
        return value;
    if (decimals < 0)
        (void)snprintf(text, sizeof text, "%.9e", value);
    else
        (void)snprintf(text, sizeof text, "%.*f", decimals, value);
    double rounded = strtod(text, NULL);
    return rounded == 0 ? 0.0 : rounded;
}

size_t units_format_number(double value, char out[UNITS_NUMBER_BYTES])
{
    assert(isfinite(value));
    if (value == 0)
        value = 0.0;
    if (fabs(value) < 0x1p53 && value == floor(value))
        return (size_t)snprintf(out, UNITS_NUMBER_BYTES, "%lld", (long long)value);
    int n = (int)units_format_fast(value, out);
    if (n > 0)
        return (size_t)n;
    for (int digits = 10; digits <= 17; digits++) {
        n = snprintf(out, UNITS_NUMBER_BYTES, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return (size_t)n;
}

size_t units_format_float(float value, char out[UNITS_NUMBER_BYTES])
{
    if (isnan(value))
        return (size_t)snprintf(out, UNITS_NUMBER_BYTES, "nan");
    int n = 0;
    for (int digits = 6; digits <= 9; digits++) {
        n = snprintf(out, UNITS_NUMBER_BYTES, "%.*g", digits, (double)value);
        if (strtof(out, NULL) == value)
            break;
    }
    return (size_t)n;
}
