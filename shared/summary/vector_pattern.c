/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/vector_pattern.h"

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static struct ds_span to_upper(struct ds_span s, char out[VECTOR_PATTERN_BYTES])
{
    if (s.len > VECTOR_PATTERN_BYTES)
        s.len = VECTOR_PATTERN_BYTES;
    for (size_t i = 0; i < s.len; i++)
        out[i] = upper(s.ptr[i]);
    return (struct ds_span){out, s.len};
}

static bool has_lower(struct ds_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] >= 'a' && s.ptr[i] <= 'z')
            return true;
    return false;
}

int vector_pattern_check(struct ds_span pattern, struct ds_err *err)
{
    if (pattern.len == 0)
        return ds_fail(err, DS_EINPUT, "an empty vector pattern; write FOPT, WBHP:PROD or W*");
    if (pattern.len > VECTOR_PATTERN_BYTES)
        return ds_fail(err, DS_EINPUT, "a vector pattern of %zu bytes, at most %u", pattern.len,
                       VECTOR_PATTERN_BYTES);
    bool in_class = false;
    for (size_t i = 0; i < pattern.len; i++) {
        unsigned char c = (unsigned char)pattern.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return ds_fail(err, DS_EINPUT, "a control character in a vector pattern");
        if (c == '\\' && !in_class)
            i++;
        else if (c == '[' && !in_class)
            in_class = true;
        else if (c == ']' && in_class)
            in_class = false;
    }
    if (in_class)
        return ds_fail(err, DS_EINPUT,
                       "vector pattern '%.*s': [ without ]; write \\[ for the character",
                       DS_FMT(pattern));
    if (pattern.ptr[0] == ':' || pattern.ptr[0] == ' ')
        return ds_fail(err, DS_EINPUT, "vector pattern '%.*s': no keyword before the colon",
                       DS_FMT(pattern));
    return 0;
}

/* Cut at the first ':' that no '[' or '\' holds. False: there is none. */
static bool cut_at_colon(struct ds_span pattern, struct ds_span *head, struct ds_span *rest)
{
    bool in_class = false;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (c == '\\' && !in_class)
            i++;
        else if (c == '[')
            in_class = true;
        else if (c == ']')
            in_class = false;
        else if (c == ':' && !in_class) {
            *head = (struct ds_span){pattern.ptr, i};
            *rest = (struct ds_span){pattern.ptr + i + 1, pattern.len - i - 1};
            return true;
        }
    }
    *head = pattern;
    *rest = (struct ds_span){"", 0};
    return false;
}

bool vector_pattern_matches(struct ds_span pattern, struct ds_span key)
{
    char a[VECTOR_PATTERN_BYTES], b[VECTOR_PATTERN_BYTES];
    struct ds_span want, want_rest, keyword;
    if (pattern.len > VECTOR_PATTERN_BYTES)
        return false;
    bool has_rest = cut_at_colon(pattern, &want, &want_rest);
    struct ds_span rest = ds_span_cut(key, ':', &keyword);
    if (!ds_span_glob(to_upper(want, a), to_upper(keyword, b)))
        return false;
    if (!has_rest)
        return true;
    if (keyword.len == key.len) /* a key without a colon: F* of "F*:*" is not meant */
        return false;
    if (ds_span_glob(want_rest, rest))
        return true;
    if (has_lower(rest) || rest.len > VECTOR_PATTERN_BYTES)
        return false;
    return ds_span_glob(to_upper(want_rest, a), rest);
}

bool vector_patterns_match(const struct ds_span *patterns, size_t n, struct ds_span key)
{
    for (size_t i = 0; i < n; i++)
        if (vector_pattern_matches(patterns[i], key))
            return true;
    return false;
}
