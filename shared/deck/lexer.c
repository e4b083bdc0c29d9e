/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/lexer.h"

#include "base/units.h"

#include <math.h>

bool deck_is_separator(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == ',' || c == '\v' || c == '\f' || c == '\n'
           || c == '\x01';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool deck_next_line(struct ds_span text, size_t *at, struct ds_span *line)
{
    if (*at >= text.len)
        return false;
    const char *start = text.ptr + *at;
    const char *end = memchr(start, '\n', text.len - *at);
    size_t length = end ? (size_t)(end - start) : text.len - *at;
    *line = (struct ds_span){start, length};
    *at += length + (end ? 1 : 0);
    return true;
}

/* First "--" from `from` on, or line.len. */
static size_t find_dashes(struct ds_span line, size_t from)
{
    while (from + 1 < line.len) {
        const char *dash = memchr(line.ptr + from, '-', line.len - from - 1);
        if (!dash)
            break;
        size_t at = (size_t)(dash - line.ptr);
        if (line.ptr[at + 1] == '-')
            return at;
        from = at + 1;
    }
    return line.len;
}

static size_t find_slash_from(struct ds_span line, size_t from)
{
    const char *slash = from < line.len ? memchr(line.ptr + from, '/', line.len - from) : NULL;
    return slash ? (size_t)(slash - line.ptr) : line.len;
}

/* The first terminator that no quote protects: a quote that opens before it and is closed
 * protects what stands inside; one that is never closed protects the rest of the line. */
static size_t find_unquoted(struct ds_span line, size_t (*find)(struct ds_span, size_t))
{
    size_t from = 0;
    for (;;) {
        size_t found = find(line, from);
        if (found == line.len || found == from)
            return found;
        size_t quote = from;
        while (quote < found && line.ptr[quote] != '\'' && line.ptr[quote] != '"')
            quote++;
        if (quote == found)
            return found;
        const char *close = memchr(line.ptr + quote + 1, line.ptr[quote], line.len - quote - 1);
        if (!close)
            return line.len;
        from = (size_t)(close - line.ptr) + 1;
        if (from >= line.len)
            return line.len;
    }
}

struct ds_span deck_strip_comment(struct ds_span line)
{
    return (struct ds_span){line.ptr, find_unquoted(line, find_dashes)};
}

size_t deck_find_slash(struct ds_span line, bool raw)
{
    if (!raw)
        return find_unquoted(line, find_slash_from);
    for (size_t i = line.len; i > 0; i--) {
        if (line.ptr[i - 1] == '/')
            return i - 1;
    }
    return line.len;
}

struct ds_span deck_first_word(struct ds_span line)
{
    size_t start = 0;
    while (start < line.len && deck_is_separator(line.ptr[start]))
        start++;
    size_t end = start;
    while (end < line.len && !deck_is_separator(line.ptr[end]))
        end++;
    return (struct ds_span){line.ptr + start, end - start};
}

bool deck_is_keyword_word(struct ds_span word)
{
    if (word.len == 0 || !is_letter(word.ptr[0]))
        return false;
    for (size_t i = 1; i < word.len; i++) {
        char c = word.ptr[i];
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '+')
            return false;
    }
    return true;
}

bool deck_next_token(struct ds_span line, size_t *at, struct ds_span *token)
{
    size_t i = *at;
    while (i < line.len && deck_is_separator(line.ptr[i]))
        i++;
    if (i >= line.len) {
        *at = line.len;
        return false;
    }
    size_t start = i;
    if (line.ptr[i] == '\'') {
        const char *close = memchr(line.ptr + i + 1, '\'', line.len - i - 1);
        i = close ? (size_t)(close - line.ptr) + 1 : line.len;
    } else {
        while (i < line.len && !deck_is_separator(line.ptr[i]))
            i++;
    }
    *token = (struct ds_span){line.ptr + start, i - start};
    *at = i;
    return true;
}

struct ds_span deck_unquote(struct ds_span token)
{
    if (token.len >= 2 && token.ptr[0] == '\'' && token.ptr[token.len - 1] == '\'')
        return (struct ds_span){token.ptr + 1, token.len - 2};
    return token;
}

static bool is_name_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

size_t deck_placeholder_length(struct ds_span text, size_t i)
{
    if (text.ptr[i] != '<' || i + 2 >= text.len || !is_name_char(text.ptr[i + 1])
        || is_digit(text.ptr[i + 1]))
        return 0;
    size_t end = i + 2;
    while (end < text.len && is_name_char(text.ptr[end]))
        end++;
    return end < text.len && text.ptr[end] == '>' ? end + 1 - i : 0;
}

bool deck_split_repeat(struct ds_span token, uint64_t *repeat, struct ds_span *value)
{
    size_t digits = 0;
    while (digits < token.len && is_digit(token.ptr[digits]))
        digits++;
    *repeat = 1;
    *value = token;
    if (digits >= token.len || token.ptr[digits] != '*')
        return true;
    *value = (struct ds_span){token.ptr + digits + 1, token.len - digits - 1};
    if (digits == 0)
        return value->len == 0;
    struct ds_span count = {token.ptr, digits};
    return units_parse_u64(count, INT32_MAX, repeat, NULL) == 0 && *repeat > 0;
}

bool deck_parse_double(struct ds_span token, double *out)
{
    char copy[64];
    if (token.len == 0 || token.len >= sizeof(copy))
        return false;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        copy[i] = (c == 'd' || c == 'D') ? 'e' : c;
    }
    return units_parse_double((struct ds_span){copy, token.len}, out, NULL) == 0 && isfinite(*out);
}

bool deck_parse_int(struct ds_span token, int64_t *out)
{
    bool negative = token.len > 0 && token.ptr[0] == '-';
    size_t sign = token.len > 0 && (negative || token.ptr[0] == '+') ? 1 : 0;
    uint64_t magnitude = 0;
    struct ds_span digits = {token.ptr + sign, token.len - sign};
    if (units_parse_u64(digits, INT64_MAX, &magnitude, NULL) != 0)
        return false;
    *out = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}
