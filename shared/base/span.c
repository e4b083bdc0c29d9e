/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decksweep/span.h"

#include <assert.h>

uint32_t ds_span_hash(struct ds_span s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
    return h;
}

int ds_span_compare(struct ds_span a, struct ds_span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c != 0)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

bool ds_span_starts(struct ds_span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.ptr, prefix, n) == 0;
}

bool ds_span_ends(struct ds_span s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.len >= n && memcmp(s.ptr + s.len - n, suffix, n) == 0;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool ds_span_eq_nocase(struct ds_span a, struct ds_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct ds_span ds_span_trim(struct ds_span s)
{
    while (s.len > 0 && blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct ds_span ds_span_cut(struct ds_span s, char at, struct ds_span *head)
{
    const char *hit = s.len ? memchr(s.ptr, at, s.len) : NULL;
    if (!hit) {
        *head = s;
        return (struct ds_span){s.ptr ? s.ptr + s.len : s.ptr, 0};
    }
    size_t n = (size_t)(hit - s.ptr);
    *head = (struct ds_span){s.ptr, n};
    return (struct ds_span){hit + 1, s.len - n - 1};
}

/* One pattern element at p against byte c; *used is its length in the pattern. */
static bool match_one(struct ds_span p, char c, size_t *used)
{
    *used = 1;
    if (p.ptr[0] == '?')
        return true;
    if (p.ptr[0] == '\\' && p.len > 1) {
        *used = 2;
        return p.ptr[1] == c;
    }
    if (p.ptr[0] != '[')
        return p.ptr[0] == c;
    size_t i = 1;
    bool negate = i < p.len && (p.ptr[i] == '!' || p.ptr[i] == '^');
    if (negate)
        i++;
    bool hit = false;
    size_t first = i;
    for (; i < p.len && (p.ptr[i] != ']' || i == first); i++) {
        unsigned char lo = (unsigned char)p.ptr[i], hi = lo;
        if (i + 2 < p.len && p.ptr[i + 1] == '-' && p.ptr[i + 2] != ']') {
            hi = (unsigned char)p.ptr[i + 2];
            i += 2;
        }
        hit |= (unsigned char)c >= lo && (unsigned char)c <= hi;
    }
    if (i >= p.len) /* no closing bracket: a plain '[' */
        return c == '[';
    *used = i + 1;
    return hit != negate;
}

bool ds_span_glob(struct ds_span pattern, struct ds_span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.len) {
        size_t used = 1;
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            mark = t;
        } else if (p < pattern.len
                   && match_one((struct ds_span){pattern.ptr + p, pattern.len - p}, text.ptr[t],
                                &used)) {
            p += used;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

#define DISTANCE_MAX_LEN 64u

size_t ds_span_distance(struct ds_span a, struct ds_span b, size_t limit)
{
    assert(limit <= 8);
    if (a.len > DISTANCE_MAX_LEN || b.len > DISTANCE_MAX_LEN)
        return limit;
    size_t row[DISTANCE_MAX_LEN + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[j - 1]));
            diagonal = row[j];
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[b.len] < limit ? row[b.len] : limit;
}
