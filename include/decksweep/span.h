/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span.h - text and bytes with an explicit length, borrowed from somebody
 *
 * A span owns nothing and is no C string: no terminator. Parsing is slicing. Print one
 * with "%.*s", DS_FMT(span). All functions are pure and reentrant. */
#ifndef DECKSWEEP_SPAN_H
#define DECKSWEEP_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ds_span {
    const char *ptr;
    size_t len;
};

struct ds_bytes {
    const unsigned char *data;
    size_t len;
};

#define DS_FMT(s)    (int)(s).len, (s).ptr
#define DS_SPAN(lit) ((struct ds_span){"" lit, sizeof(lit) - 1})
#define DS_COUNT(a)  (sizeof(a) / sizeof((a)[0]))

static inline struct ds_span ds_span_of(const char *text) /* borrows a C string; NULL is "" */
{
    return text ? (struct ds_span){text, strlen(text)} : (struct ds_span){"", 0};
}

static inline struct ds_bytes ds_bytes_of(struct ds_span s)
{
    return (struct ds_bytes){(const unsigned char *)s.ptr, s.len};
}

static inline bool ds_span_eq(struct ds_span a, struct ds_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool ds_span_is(struct ds_span a, const char *text)
{
    return ds_span_eq(a, ds_span_of(text));
}

/* FNV-1a of 32 bits, which names in datasets hold too. Not against people who choose keys. */
uint32_t ds_span_hash(struct ds_span s);

/* Byte order as memcmp; a prefix sorts before the longer text. For qsort of names. */
int ds_span_compare(struct ds_span a, struct ds_span b);

bool ds_span_starts(struct ds_span s, const char *prefix);
bool ds_span_ends(struct ds_span s, const char *suffix);
bool ds_span_eq_nocase(struct ds_span a, struct ds_span b); /* ASCII only */

/* Without leading and trailing blanks, tabs, \r and \n. */
struct ds_span ds_span_trim(struct ds_span s);

/* Cut at the first `at`: *head is what stands before, the result what stands after.
 * Without an `at`, *head is all of s and the result is empty with ptr at s's end. */
struct ds_span ds_span_cut(struct ds_span s, char at, struct ds_span *head);

/* Shell-like match of the whole text: `*` any bytes, `?` one, `[a-z]`, `[!a]`; `\` quotes
 * the next byte. Linear in practice; bounded by |pattern| * |text|. */
bool ds_span_glob(struct ds_span pattern, struct ds_span text);

/* Edit distance (Levenshtein) but for case, at most `limit` (0 .. 8); for "did you mean". */
size_t ds_span_distance(struct ds_span a, struct ds_span b, size_t limit);

#endif
