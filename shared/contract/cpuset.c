/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpuset.c - sets of PU or node numbers: a plain bitmap of fixed size, so that copying one is
 * an assignment and comparing two is a memcmp. */
#include "base/units.h"
#include "decksweep/topology.h"

#include <assert.h>
#include <stdio.h>

#define WORDS (CPUSET_MAX_PUS / 64)

void cpuset_clear(struct cpuset *s)
{
    memset(s, 0, sizeof(*s));
}

void cpuset_add(struct cpuset *s, unsigned pu)
{
    assert(pu < CPUSET_MAX_PUS);
    s->word[pu / 64] |= UINT64_C(1) << (pu % 64);
}

bool cpuset_has(const struct cpuset *s, unsigned pu)
{
    return pu < CPUSET_MAX_PUS && (s->word[pu / 64] >> (pu % 64) & 1) != 0;
}

unsigned cpuset_count(const struct cpuset *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < WORDS; i++)
        n += (unsigned)__builtin_popcountll(s->word[i]);
    return n;
}

/* Lowest member >= from, or -1. */
static int next_at(const struct cpuset *s, unsigned from)
{
    for (unsigned i = from / 64; i < WORDS; i++) {
        uint64_t w = s->word[i];
        if (i == from / 64)
            w &= ~UINT64_C(0) << (from % 64);
        if (w)
            return (int)(i * 64 + (unsigned)__builtin_ctzll(w));
    }
    return -1;
}

int cpuset_first(const struct cpuset *s)
{
    return next_at(s, 0);
}

int cpuset_next(const struct cpuset *s, int after)
{
    if (after + 1 >= (int)CPUSET_MAX_PUS)
        return -1;
    return next_at(s, after < 0 ? 0 : (unsigned)after + 1);
}

bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b)
{
    for (unsigned i = 0; i < WORDS; i++) {
        if (a->word[i] & b->word[i])
            return true;
    }
    return false;
}

void cpuset_and(struct cpuset *s, const struct cpuset *with)
{
    for (unsigned i = 0; i < WORDS; i++)
        s->word[i] &= with->word[i];
}

void cpuset_or(struct cpuset *s, const struct cpuset *with)
{
    for (unsigned i = 0; i < WORDS; i++)
        s->word[i] |= with->word[i];
}

bool cpuset_eq(const struct cpuset *a, const struct cpuset *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Last member of the run of consecutive numbers that starts at first. */
static int run_end(const struct cpuset *s, int first)
{
    int last = first;
    while (last + 1 < (int)CPUSET_MAX_PUS && cpuset_has(s, (unsigned)last + 1))
        last++;
    return last;
}

void cpuset_format(const struct cpuset *s, char out[CPUSET_TEXT_BYTES])
{
    size_t len = 0;
    out[0] = '\0';
    for (int first = cpuset_first(s); first >= 0;) {
        int last = run_end(s, first);
        char piece[32];
        int n = last > first
                    ? snprintf(piece, sizeof(piece), "%s%d-%d", len ? "," : "", first, last)
                    : snprintf(piece, sizeof(piece), "%s%d", len ? "," : "", first);
        /* "..." must always still fit behind what stands */
        if (len + (size_t)n + sizeof("...") > CPUSET_TEXT_BYTES) {
            memcpy(out + len, "...", sizeof("..."));
            return;
        }
        memcpy(out + len, piece, (size_t)n + 1);
        len += (size_t)n;
        first = cpuset_next(s, last);
    }
}

/* "3" or "3-7" (the kernel's stride form "0-31:2/4" is only ever written to it). */
static int parse_range(struct ds_span item, struct cpuset *out, struct ds_err *err)
{
    struct ds_span head;
    struct ds_span tail = ds_span_cut(item, '-', &head);
    uint64_t first = 0;
    uint64_t last = 0;
    int rc = units_parse_u64(head, CPUSET_MAX_PUS - 1, &first, err);
    if (rc < 0)
        return rc;
    last = first;
    if (head.len < item.len) {
        rc = units_parse_u64(tail, CPUSET_MAX_PUS - 1, &last, err);
        if (rc < 0)
            return rc;
    }
    if (last < first)
        return ds_fail(err, DS_EPARSE, "'%.*s': the range runs backwards", DS_FMT(item));
    for (uint64_t i = first; i <= last; i++)
        cpuset_add(out, (unsigned)i);
    return 0;
}

int cpuset_parse(struct ds_span text, struct cpuset *out, struct ds_err *err)
{
    struct cpuset set;
    cpuset_clear(&set);
    struct ds_span rest = ds_span_trim(text);
    while (rest.len > 0) {
        struct ds_span item;
        bool more = memchr(rest.ptr, ',', rest.len) != NULL;
        rest = ds_span_cut(rest, ',', &item);
        if (more && rest.len == 0)
            return ds_fail(err, DS_EPARSE, "CPU list '%.*s' ends in a comma", DS_FMT(text));
        int rc = parse_range(item, &set, err);
        if (rc < 0)
            return ds_wrap(err, "CPU list");
    }
    *out = set;
    return 0;
}
