/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/twins.h"

#include <math.h>
#include <stdlib.h>

struct hashed {
    uint64_t hash;
    uint32_t row;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool counts(const struct dataset *ds, uint32_t row)
{
    return ds->rows[row].verdict == VERDICT_OK && ds->rows[row].values_hash != 0;
}

static size_t gather(const struct dataset *ds, const uint64_t *hash, struct hashed *out)
{
    size_t n = 0;
    for (uint32_t row = 0; row < ds->n_rows; row++)
        if (counts(ds, row))
            out[n++] = (struct hashed){hash ? hash[row] : ds->rows[row].values_hash, row};
    qsort(out, n, sizeof *out, by_hash);
    return n;
}

static size_t group_end(const struct hashed *h, size_t i, size_t n)
{
    size_t end = i + 1;
    while (end < n && h[end].hash == h[i].hash)
        end++;
    return end;
}

int twins_find(const struct dataset *ds, struct ds_arena *scratch, struct twins *out,
               struct ds_err *err)
{
    struct hashed *h = ds_new(scratch, struct hashed, ds->n_rows);
    if (!h)
        return ds_fail(err, DS_ETOOBIG, "no room to compare %u cases", ds->n_rows);
    struct twins t = {.n_cases = 0};
    size_t n = gather(ds, NULL, h);
    for (size_t i = 0, end = 0; i < n; i = end) {
        end = group_end(h, i, n);
        const struct case_id *id = ds->design->id;
        size_t other = i + 1;
        while (other < end && case_id_eq(id[h[i].row], id[h[other].row]))
            other++;
        if (other == end)
            continue;
        if (t.n_cases == 0) {
            t.a = h[i].row;
            t.b = h[other].row;
        }
        t.n_cases += (uint32_t)(end - i);
    }
    *out = t;
    return 0;
}

static uint64_t hash_cell(struct ds_span cell, size_t param)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ (param * UINT64_C(0x9e3779b97f4a7c15));
    for (size_t i = 0; i < cell.len; i++)
        h = (h ^ (unsigned char)cell.ptr[i]) * UINT64_C(1099511628211);
    h ^= h >> 32;
    return h * UINT64_C(0xd6e8feb86659fd93);
}

/* Hash of every cell, [parameter][row]. */
static int hash_cells(const struct dataset *ds, uint64_t *cells, struct ds_err *err)
{
    ds_auto_arena line = arena_create((size_t)64 << 20);
    for (uint32_t row = 0; row < ds->n_rows; row++) {
        arena_reset(line);
        struct ds_span *text = ds_new(line, struct ds_span, ds->design->n_params + 1);
        if (!text)
            return ds_fail(err, DS_ETOOBIG, "no room for a row");
        int rc = design_row(ds->design, row, line, text, NULL, err);
        if (rc < 0)
            return rc;
        for (size_t p = 0; p < ds->design->n_params; p++)
            cells[p * ds->n_rows + row] = hash_cell(text[p], p);
    }
    return 0;
}

/* Sets of rows that differ in parameter p alone: *any there are, and all with equal values. */
static bool is_idle(const struct dataset *ds, const uint64_t *cells, const uint64_t *others,
                    size_t p, struct hashed *h)
{
    const uint64_t *own = cells + p * ds->n_rows;
    size_t n = gather(ds, others, h);
    bool any = false;
    for (size_t i = 0, end = 0; i < n; i = end) {
        end = group_end(h, i, n);
        for (size_t k = i + 1; k < end; k++) {
            if (own[h[k].row] == own[h[i].row])
                continue;
            any = true;
            if (ds->rows[h[k].row].values_hash != ds->rows[h[i].row].values_hash)
                return false;
        }
    }
    return any;
}

int twins_find_idle(const struct dataset *ds, struct ds_arena *scratch, bool *moves_nothing,
                    struct ds_err *err)
{
    size_t n_params = ds->design->n_params, n = ds->n_rows;
    uint64_t *cells = n ? ds_new(scratch, uint64_t, n * n_params) : NULL;
    uint64_t *all = ds_new(scratch, uint64_t, n), *others = ds_new(scratch, uint64_t, n);
    struct hashed *h = ds_new(scratch, struct hashed, n);
    if (!cells || !all || !others || !h)
        return ds_fail(err, DS_ETOOBIG, "no room to compare the parameters of %zu cases", n);
    int rc = hash_cells(ds, cells, err);
    if (rc < 0)
        return rc;
    for (size_t p = 0; p < n_params; p++)
        for (size_t row = 0; row < n; row++)
            all[row] += cells[p * n + row];
    for (size_t p = 0; p < n_params; p++) {
        for (size_t row = 0; row < n; row++)
            others[row] = all[row] - cells[p * n + row];
        moves_nothing[p] = is_idle(ds, cells, others, p, h);
    }
    return 0;
}

/* ---- rank correlation ---- */

struct ranked {
    double value;
    size_t at;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;
    return (x > y) - (x < y);
}

/* Ranks, the mean of ties; r[i].value must be set, r[i].at = i. */
static void rank(struct ranked *r, size_t n, double *ranks)
{
    qsort(r, n, sizeof *r, by_value);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && !(r[end].value > r[i].value))
            end++;
        for (size_t k = i; k < end; k++)
            ranks[r[k].at] = 0.5 * (double)(i + end - 1);
        i = end;
    }
}

static double correlation(const double *a, const double *b, size_t n)
{
    double mean = 0.5 * (double)(n - 1), ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0.0;
}

double twins_rank_correlation(const double *x, const float *y, size_t n_y, size_t n,
                              struct ds_arena *scratch)
{
    struct ranked *r = ds_new(scratch, struct ranked, n);
    double *rank_x = ds_new(scratch, double, n), *rank_y = ds_new(scratch, double, n);
    double largest = 0;
    for (size_t v = 0; r && rank_x && rank_y && v < n_y; v++) {
        const float *column = y + v * n;
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (!isnan(column[i]) && !isnan(x[i]))
                r[k] = (struct ranked){x[i], k}, k++;
        if (k < 3)
            continue;
        rank(r, k, rank_x);
        k = 0;
        for (size_t i = 0; i < n; i++)
            if (!isnan(column[i]) && !isnan(x[i]))
                r[k] = (struct ranked){(double)column[i], k}, k++;
        rank(r, k, rank_y);
        largest = fmax(largest, fabs(correlation(rank_x, rank_y, k)));
    }
    return largest;
}
