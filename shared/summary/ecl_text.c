/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/ecl_text.h"

#include <stdlib.h>

#define MAX_NUMBER_CHARS 40u

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t skip_blanks(struct ds_bytes b, size_t at)
{
    while (at < b.len && is_blank(b.data[at]))
        at++;
    return at;
}

static size_t skip_item(struct ds_bytes b, size_t at)
{
    while (at < b.len && !is_blank(b.data[at]))
        at++;
    return at;
}

static int ends(struct ds_err *err, size_t at)
{
    return ds_fail(err, DS_EAGAIN, "the text ends inside the record at offset %zu", at);
}

/* A text of exactly n characters in quotes; it may itself hold quotes. */
static int quoted(struct ds_bytes b, size_t *at, size_t n, struct ds_span *out, size_t begin,
                  struct ds_err *err)
{
    size_t p = skip_blanks(b, *at);
    if (p < b.len && b.data[p] != '\'')
        return ds_fail(err, DS_ECORRUPT, "no quote at offset %zu where a text should begin", p);
    if (b.len - p < n + 2)
        return ends(err, begin);
    if (b.data[p + n + 1] != '\'')
        return ds_fail(err, DS_ECORRUPT, "the text at offset %zu is not %zu characters long", p, n);
    *out = (struct ds_span){(const char *)b.data + p + 1, n};
    *at = p + n + 2;
    return 0;
}

static bool count_from(struct ds_span item, uint64_t *out)
{
    uint64_t value = 0;
    if (item.len == 0 || item.len > 13)
        return false;
    for (size_t i = 0; i < item.len; i++) {
        if (item.ptr[i] < '0' || item.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(item.ptr[i] - '0');
    }
    *out = value;
    return value <= ECL_MAX_COUNT;
}

static int header(struct ds_bytes b, size_t *at, struct ecl_record *out, struct ds_err *err)
{
    size_t begin = skip_blanks(b, *at);
    struct ds_span keyword = {"", 0}, type = {"    ", 4};
    size_t p = begin;
    int rc = quoted(b, &p, ECL_KEYWORD_CHARS, &keyword, begin, err);
    if (rc < 0)
        return rc;
    p = skip_blanks(b, p);
    size_t end = skip_item(b, p);
    if (end == b.len)
        return ends(err, begin);
    uint64_t count = 0;
    if (!count_from((struct ds_span){(const char *)b.data + p, end - p}, &count))
        return ds_fail(err, DS_ECORRUPT, "no count at offset %zu", p);
    rc = quoted(b, &end, 4, &type, begin, err);
    if (rc < 0)
        return rc;
    if (!ecl_type_from_name(type.ptr, &out->type, &out->size))
        return ds_fail(err, DS_ECORRUPT, "unknown type at offset %zu", end - 6);
    if (end == b.len)
        return ends(err, begin);
    while (keyword.len > 0 && keyword.ptr[keyword.len - 1] == ' ')
        keyword.len--;
    memset(out->keyword, 0, sizeof out->keyword);
    memcpy(out->keyword, keyword.ptr, keyword.len);
    out->count = out->type == ECL_MESS ? 0 : count;
    out->begin = *at;
    out->data = end;
    *at = end;
    return 0;
}

/* Behind the line break at or after `at`; b.len + 1 when there is none. */
static size_t behind_line(struct ds_bytes b, size_t at)
{
    while (at < b.len && b.data[at] != '\n' && is_blank(b.data[at]))
        at++;
    if (at < b.len && b.data[at] == '\n')
        return at + 1;
    return at < b.len ? at : b.len + 1;
}

int ecl_text_next(const struct ecl_reader *r, struct ecl_record *out, struct ds_err *err)
{
    struct ds_bytes b = r->bytes;
    struct ecl_record rec = {0};
    size_t at = r->at;
    if (skip_blanks(b, at) == b.len)
        return ds_fail(err, DS_ENOTFOUND, "no more records");
    int rc = header(b, &at, &rec, err);
    if (rc < 0)
        return rc;
    for (uint64_t i = 0; i < rec.count; i++) {
        struct ds_span text;
        if (rec.type == ECL_CHAR) {
            rc = quoted(b, &at, rec.size, &text, rec.begin, err);
            if (rc < 0)
                return rc;
            continue;
        }
        at = skip_blanks(b, at);
        if (at < b.len && b.data[at] == '\'')
            return ds_fail(err, DS_ECORRUPT,
                           "%s has %llu items where it should have %llu, before offset %zu",
                           rec.keyword, (unsigned long long)i, (unsigned long long)rec.count, at);
        at = skip_item(b, at);
        if (at == b.len)
            return ends(err, rec.begin);
    }
    rec.end = behind_line(b, at);
    if (rec.end > b.len)
        return ends(err, rec.begin);
    *out = rec;
    return 0;
}

void ecl_text_items_init(struct ecl_text_items *it, const struct ecl_reader *r,
                         const struct ecl_record *rec)
{
    *it = (struct ecl_text_items){r, rec, rec->data};
}

struct ds_span ecl_text_item(struct ecl_text_items *it)
{
    struct ds_bytes b = {it->reader->bytes.data, it->record->end};
    size_t p = skip_blanks(b, it->at);
    struct ds_span item = {(const char *)b.data + p, 0};
    if (p >= b.len)
        return (struct ds_span){NULL, 0};
    if (it->record->type == ECL_CHAR) {
        if (quoted(b, &it->at, it->record->size, &item, p, NULL) < 0)
            return (struct ds_span){NULL, 0};
        return item;
    }
    it->at = skip_item(b, p);
    item.len = it->at - p;
    return item;
}

bool ecl_text_i32(struct ds_span item, int32_t *out)
{
    int64_t value = 0;
    size_t i = item.len > 0 && (item.ptr[0] == '-' || item.ptr[0] == '+') ? 1 : 0;
    if (i == item.len || item.len > 11)
        return false;
    for (; i < item.len; i++) {
        if (item.ptr[i] < '0' || item.ptr[i] > '9')
            return false;
        value = value * 10 + (item.ptr[i] - '0');
    }
    if (item.ptr[0] == '-')
        value = -value;
    if (value < INT32_MIN || value > INT32_MAX)
        return false;
    *out = (int32_t)value;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Fortran writes 1.5D+01, and 1.5+101 where three digits leave no room for the letter: make
 * C's 1.5e+01 of it. False: no number. */
static bool to_c_number(struct ds_span item, char out[MAX_NUMBER_CHARS + 2])
{
    size_t n = 0;
    bool digits = false, exponent = false;
    if (item.len == 0 || item.len > MAX_NUMBER_CHARS)
        return false;
    for (size_t i = 0; i < item.len; i++) {
        char c = item.ptr[i];
        bool sign = c == '+' || c == '-';
        bool letter = c == 'D' || c == 'E' || c == 'd' || c == 'e';
        if (is_digit(c)) {
            digits = true;
        } else if (letter || (sign && i > 0 && (is_digit(out[n - 1]) || out[n - 1] == '.'))) {
            if (exponent || !digits)
                return false;
            exponent = true;
            digits = false;
            out[n++] = 'e';
            if (letter)
                continue;
        } else if (sign) {
            if (i > 0 && out[n - 1] != 'e')
                return false;
        } else if (c != '.' || exponent || memchr(item.ptr, '.', i)) {
            return false;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return digits;
}

/* What Fortran and C++ print for values that are no numbers. */
static bool to_special(struct ds_span item, float *out)
{
    bool negative = item.len > 0 && item.ptr[0] == '-';
    if (item.len > 0 && (item.ptr[0] == '-' || item.ptr[0] == '+'))
        item = (struct ds_span){item.ptr + 1, item.len - 1};
    if (ds_span_eq_nocase(item, DS_SPAN("nan"))) {
        *out = __builtin_nanf("");
        return true;
    }
    if (ds_span_eq_nocase(item, DS_SPAN("inf")) || ds_span_eq_nocase(item, DS_SPAN("infinity"))) {
        *out = negative ? -__builtin_inff() : __builtin_inff();
        return true;
    }
    return false;
}

bool ecl_text_f32(struct ds_span item, float *out)
{
    char text[MAX_NUMBER_CHARS + 2];
    if (!to_c_number(item, text))
        return to_special(item, out);
    *out = strtof(text, NULL); /* out of range: infinity, or 0 */
    return true;
}

bool ecl_text_f64(struct ds_span item, double *out)
{
    char text[MAX_NUMBER_CHARS + 2];
    float special;
    if (to_c_number(item, text)) {
        *out = strtod(text, NULL);
        return true;
    }
    if (!to_special(item, &special))
        return false;
    *out = (double)special;
    return true;
}

bool ecl_text_logi(struct ds_span item, bool *out)
{
    if (ds_span_eq_nocase(item, DS_SPAN("T")) || ds_span_eq_nocase(item, DS_SPAN("TRUE")))
        *out = true;
    else if (ds_span_eq_nocase(item, DS_SPAN("F")) || ds_span_eq_nocase(item, DS_SPAN("FALSE")))
        *out = false;
    else
        return false;
    return true;
}
