/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ids of the cases, and design.csv. */
#include "design.h"

#include <assert.h>
#include <stdio.h>

#define NUMBER_NAME DS_SPAN("IENS") /* sorts among the parameters like any other name */

static const struct design_digest *find_digest(const struct design_digest *d, size_t n,
                                               struct ds_span path)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = ds_span_compare(d[mid].path, path);
        if (c == 0)
            return &d[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* The names hashed: the columns, and IENS in its place when it is used. */
static size_t name_parts(const struct design_table *t, bool use_number, struct ds_span *names,
                         size_t *number_at)
{
    size_t n = 0;
    *number_at = SIZE_MAX;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (use_number && *number_at == SIZE_MAX
            && ds_span_compare(NUMBER_NAME, t->columns[i].name) < 0) {
            *number_at = n;
            names[n++] = NUMBER_NAME;
        }
        names[n++] = t->columns[i].name;
    }
    if (use_number && *number_at == SIZE_MAX) {
        *number_at = n;
        names[n++] = NUMBER_NAME;
    }
    return n;
}

static size_t write_whole(uint32_t value, char out[12])
{
    char digits[12];
    size_t n = 0, len = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        out[len++] = digits[--n];
    return len;
}

static int row_parts(const struct design_table *t, uint32_t row,
                     const struct design_digest *digests, size_t n_digests, size_t number_at,
                     struct ds_span *parts, struct ds_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        struct ds_span cell = t->cells[(size_t)row * t->n_columns + i];
        n += n == number_at;
        if (t->columns[i].is_files) {
            const struct design_digest *d = find_digest(digests, n_digests, cell);
            if (!d)
                return ds_fail(err, DS_ENOTFOUND, "no digest of '%.*s'",
                               (int)(cell.len > 200 ? 200 : cell.len), cell.ptr);
            cell = d->hex;
        }
        parts[n++] = cell;
    }
    return 0;
}

int design_make_ids(const struct design_table *t, const struct case_identity *shared,
                    const struct design_digest *digests, size_t n_digests, bool use_number,
                    struct ds_arena *scratch, struct case_id *ids, struct ds_err *err)
{
    size_t number_at, room = t->n_columns + 1;
    struct ds_span *names = ds_new(scratch, struct ds_span, room);
    struct ds_span *parts = ds_new(scratch, struct ds_span, room);
    if (!names || !parts)
        return ds_fail(err, DS_ETOOBIG, "no memory for case ids");
    size_t n = name_parts(t, use_number, names, &number_at);
    struct case_hasher *h = case_hasher_create(shared, names, n);
    int rc = 0;
    for (uint32_t row = 0; row < t->n_rows && rc == 0; row++) {
        char digits[12];
        rc = row_parts(t, row, digests, n_digests, number_at, parts, err);
        if (use_number)
            parts[number_at] = (struct ds_span){digits, write_whole(t->number[row], digits)};
        if (rc == 0)
            ids[row] = case_hasher_id(h, parts);
    }
    case_hasher_destroy(h);
    return rc;
}

int design_write_csv(const struct design_table *t, const struct case_id *ids, struct ds_buf *out,
                     struct ds_err *err)
{
    (void)buf_put_text(out, t->has_sens ? "case,id,SENSNAME,SENSCASE" : "case,id");
    for (size_t i = 0; i < t->n_columns; i++) {
        (void)buf_put_char(out, ',');
        (void)csv_put_cell(out, t->columns[i].name);
    }
    (void)buf_put_char(out, '\n');
    for (uint32_t row = 0; row < t->n_rows && !out->failed; row++) {
        char start[12 + 1 + CASE_ID_CHARS];
        size_t n = write_whole(t->number[row], start);
        start[n++] = ',';
        memcpy(start + n, ids[row].hex, CASE_ID_CHARS);
        (void)buf_put(out, start, n + CASE_ID_CHARS);
        for (size_t i = 0; t->has_sens && i < 2; i++) {
            (void)buf_put_char(out, ',');
            (void)csv_put_cell(out, t->sens[2 * (size_t)row + i]);
        }
        for (size_t i = 0; i < t->n_columns; i++) {
            (void)buf_put_char(out, ',');
            (void)csv_put_cell(out, t->cells[(size_t)row * t->n_columns + i]);
        }
        (void)buf_put_char(out, '\n');
    }
    return buf_check(out, "design.csv", err);
}
