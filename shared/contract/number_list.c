/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contract/number_list.h"

#include "base/units.h"

#include <stdlib.h>

#define MAX_PARTS  1000000u
#define MAX_NUMBER 0x7fffffffu

static int compare_first(const void *x, const void *y)
{
    const struct number_range *a = x, *b = y;
    return (a->first > b->first) - (a->first < b->first);
}

static int parse_part(struct ds_span part, struct number_range *out, struct ds_err *err)
{
    struct ds_span first, trimmed = ds_span_trim(part);
    struct ds_span last = ds_span_cut(trimmed, '-', &first);
    uint64_t from, to;
    bool single = first.len == trimmed.len;
    first = ds_span_trim(first);
    last = single ? first : ds_span_trim(last);
    if (units_parse_u64(first, MAX_NUMBER, &from, NULL) < 0
        || units_parse_u64(last, MAX_NUMBER, &to, NULL) < 0 || to < from)
        return ds_fail(err, DS_EPARSE, "'%.*s' is no case number or range; write 0-9,17",
                       DS_FMT(trimmed));
    *out = (struct number_range){(uint32_t)from, (uint32_t)to};
    return 0;
}

static size_t join_touching(struct number_range *r, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && r[i].first <= (uint64_t)r[kept - 1].last + 1) {
            if (r[i].last > r[kept - 1].last)
                r[kept - 1].last = r[i].last;
        } else {
            r[kept++] = r[i];
        }
    }
    return kept;
}

int number_list_parse(struct ds_span text, struct ds_arena *a, const struct number_range **ranges,
                      size_t *n_ranges, struct ds_err *err)
{
    size_t parts = 1;
    for (size_t i = 0; i < text.len; i++)
        parts += text.ptr[i] == ',';
    if (parts > MAX_PARTS)
        return ds_fail(err, DS_ETOOBIG, "a list of more than %u parts", MAX_PARTS);
    struct number_range *r = ds_new(a, struct number_range, parts);
    if (!r)
        return ds_fail(err, DS_ETOOBIG, "a list of %zu parts does not fit", parts);
    struct ds_span rest = text, part;
    for (size_t i = 0; i < parts; i++) {
        rest = ds_span_cut(rest, ',', &part);
        int rc = parse_part(part, &r[i], err);
        if (rc < 0)
            return rc;
    }
    qsort(r, parts, sizeof *r, compare_first);
    *n_ranges = join_touching(r, parts);
    *ranges = r;
    return 0;
}

void number_list_put(struct ds_buf *out, const struct number_range *ranges, size_t n_ranges)
{
    for (size_t i = 0; i < n_ranges; i++) {
        const char *comma = i ? "," : "";
        if (ranges[i].first == ranges[i].last)
            (void)buf_printf(out, "%s%u", comma, ranges[i].first);
        else
            (void)buf_printf(out, "%s%u-%u", comma, ranges[i].first, ranges[i].last);
    }
}

bool number_list_has(const struct number_range *ranges, size_t n_ranges, uint32_t number)
{
    size_t lo = 0, hi = n_ranges;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ranges[mid].last < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n_ranges && ranges[lo].first <= number;
}
