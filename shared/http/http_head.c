/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http/http_head.h"

#include "base/units.h"

#define DAY_S           INT64_C(86400)
#define MOST_DATE_WORDS 8u

void http_head_init(struct http_head *h, struct ds_arena *a)
{
    *h = (struct http_head){.a = a};
}

bool http_is_field_name(struct ds_span name)
{
    static const char TOKEN[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr(TOKEN, c)))
            return false;
    }
    return name.len > 0;
}

bool http_is_field_value(struct ds_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static struct ds_span plain_copy(struct ds_arena *a, struct ds_span text, bool lower)
{
    char *at = arena_take(a, text.len + 1, 1);
    for (size_t i = 0; at && i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f)
            c = ' ';
        at[i] = (char)(lower && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return (struct ds_span){at, at ? text.len : 0};
}

static int too_big(struct ds_err *err)
{
    return ds_fail(err, DS_ETOOBIG, "the answer's headers are larger than %zu KiB",
                   HTTP_HEAD_KEEP_BYTES >> 10);
}

int http_head_line(struct http_head *h, struct ds_span line, struct ds_err *err)
{
    h->total_bytes += line.len;
    if (h->total_bytes > HTTP_HEAD_MOST_BYTES)
        return too_big(err);
    if (ds_span_starts(line, "HTTP/")) {
        h->n = 0;
        arena_reset(h->a);
        return 0;
    }
    struct ds_span name, value;
    value = ds_span_trim(ds_span_cut(line, ':', &name));
    if (name.len == line.len || !http_is_field_name(name) || h->n == HTTP_MAX_HEADERS)
        return 0;
    if (arena_used_bytes(h->a) + name.len + value.len + 64 > HTTP_HEAD_KEEP_BYTES)
        return too_big(err);
    struct http_header kept = {plain_copy(h->a, name, true), plain_copy(h->a, value, false)};
    if (!kept.name.ptr || !kept.value.ptr)
        return too_big(err);
    h->header[h->n++] = kept;
    return 0;
}

struct ds_span http_head_get(const struct http_header *at, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (ds_span_is(at[i].name, name))
            return at[i].value;
    return DS_SPAN("");
}

/* 1 .. 12, 0 none. */
static unsigned month_of(struct ds_span word)
{
    static const char NAMES[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned m = 0; m < 12; m++)
        if (ds_span_eq_nocase(word, (struct ds_span){NAMES + (size_t)m * 3, 3}))
            return m + 1;
    return 0;
}

struct date_words {
    uint64_t number[MOST_DATE_WORDS];
    unsigned n_numbers, month;
    bool month_first; /* asctime: the year is last */
};

static bool is_date_gap(char c)
{
    return c == ' ' || c == ',' || c == '-' || c == ':';
}

static bool read_date_words(struct ds_span text, struct date_words *w)
{
    *w = (struct date_words){0};
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        while (at < text.len && !is_date_gap(text.ptr[at]))
            at++;
        struct ds_span word = {text.ptr + from, at - from};
        at++;
        if (word.len == 0)
            continue;
        if (word.ptr[0] < '0' || word.ptr[0] > '9') {
            unsigned month = month_of(word);
            if (month > 0 && w->month == 0) {
                w->month = month;
                w->month_first = w->n_numbers == 0;
            }
            continue;
        }
        if (w->n_numbers == 5 || units_parse_u64(word, 9999, &w->number[w->n_numbers++], NULL) < 0)
            return false;
    }
    return w->n_numbers == 5 && w->month > 0;
}

int64_t http_date_parse(struct ds_span text)
{
    struct date_words w;
    if (text.len > 64 || !read_date_words(ds_span_trim(text), &w))
        return 0;
    size_t time = w.month_first ? 1 : 2;
    uint64_t year = w.number[w.month_first ? 4 : 1];
    if (year < 100) /* RFC 850 */
        year += year < 70 ? 2000 : 1900;
    const uint64_t *t = &w.number[time];
    if (w.number[0] < 1 || w.number[0] > 31 || year < 1970 || t[0] > 23 || t[1] > 59 || t[2] > 60)
        return 0;
    int64_t days = units_days_from_civil((int64_t)year, w.month, (unsigned)w.number[0]);
    return days * DAY_S + (int64_t)(t[0] * 3600 + t[1] * 60 + t[2]);
}

int64_t http_retry_after_parse(struct ds_span text, int64_t now_unix_s)
{
    uint64_t seconds;
    text = ds_span_trim(text);
    int rc = units_parse_u64(text, (uint64_t)DAY_S, &seconds, NULL);
    if (rc == DS_ETOOBIG)
        return DAY_S * 1000;
    if (rc == 0)
        return (int64_t)seconds * 1000;
    int64_t date = http_date_parse(text);
    if (date == 0)
        return -1;
    int64_t wait = date - now_unix_s;
    return (wait < 0 ? 0 : wait > DAY_S ? DAY_S : wait) * 1000;
}
