/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/hints.h"

#include "base/units.h"
#include "collector/twins.h"
#include "summary/smspec.h"
#include "summary/vector_pattern.h"

#include <math.h>

#define MOST_CELLS ((size_t)20000000) /* rows x parameters that are looked at */

static void choose(struct hints *h, const struct dataset *ds, bool field)
{
    for (uint32_t v = 0; v < ds->n_vectors && h->n_columns < HINTS_VECTORS; v++) {
        const struct dataset_vector *x = &ds->vectors[v];
        bool is_field = ds_span_starts(x->key, "F");
        if (is_field == field && !vector_is_run_time(x->keyword) && !ds_span_is(x->key, "TIME")
            && !ds_span_is(x->key, "YEARS"))
            h->column[h->n_columns++] = v;
    }
}

void hints_start(struct hints *h, const struct dataset *ds, struct ds_arena *a)
{
    *h = (struct hints){.n_columns = 0};
    choose(h, ds, true);
    choose(h, ds, false);
    h->last = ds_new(a, float, h->n_columns * ds->n_rows);
}

void hints_take(struct hints *h, const struct dataset *ds, uint32_t first, uint32_t n,
                const float *slab)
{
    size_t n_times = ds->axis.n;
    for (size_t c = 0; h->last && c < h->n_columns; c++)
        for (uint32_t i = 0; i < n; i++)
            h->last[c * ds->n_rows + first + i] =
                ds->rows[first + i].verdict == VERDICT_OK
                    ? dataset_last_value(slab + ((size_t)h->column[c] * n + i) * n_times, n_times)
                    : NAN;
}

static int put_twins(const struct dataset *ds, struct ds_arena *scratch, struct ds_buf *out,
                     struct ds_err *err)
{
    struct twins t;
    int rc = twins_find(ds, scratch, &t, err);
    if (rc == 0 && t.n_cases > 0)
        (void)buf_printf(
            out,
            "cases %u and %u have different parameters and the same summary%s: do the "
            "parameters reach the simulation (SKIPREST, a keyword given again later)?\n",
            ds->design->number[t.a], ds->design->number[t.b],
            t.n_cases > 2 ? ", and others have too" : "");
    return rc;
}

static bool is_sampled(const struct dataset *ds)
{
    enum design_method m = ds->plan->method;
    return m == DESIGN_LATIN_HYPERCUBE || m == DESIGN_SOBOL || m == DESIGN_MONTE_CARLO;
}

static size_t count_ok(const struct dataset *ds)
{
    size_t n = 0;
    for (uint32_t row = 0; row < ds->n_rows; row++)
        n += ds->rows[row].verdict == VERDICT_OK;
    return n;
}

/* A parameter as numbers; false: it is text, or does not change. */
static bool column_of(const struct dataset *ds, size_t p, struct ds_arena *line, double *x,
                      struct ds_span *cells)
{
    double low = INFINITY, high = -INFINITY;
    for (uint32_t row = 0; row < ds->n_rows; row++) {
        arena_reset(line);
        if (design_row(ds->design, row, line, cells, NULL, NULL) < 0
            || units_parse_double(cells[p], &x[row], NULL) < 0)
            return false;
        low = fmin(low, x[row]);
        high = fmax(high, x[row]);
    }
    return high > low;
}

/* Of n unrelated cases the largest of a few correlations is about 2 / sqrt(n). */
static void put_uncorrelated(const struct hints *h, const struct dataset *ds,
                             struct ds_arena *scratch, struct ds_buf *out)
{
    size_t n_ok = count_ok(ds), n_params = ds->plan->n_params;
    double *x = ds_new(scratch, double, ds->n_rows);
    struct ds_span *cells = ds_new(scratch, struct ds_span, ds->design->n_params + 1);
    ds_auto_arena line = arena_create((size_t)16 << 20);
    ds_auto_arena work = arena_create((size_t)1 << 30);
    if (!x || !cells || !h->last || n_ok < HINTS_MIN_ROWS)
        return;
    double least = 2.0 / sqrt((double)n_ok);
    for (size_t p = 0; p < n_params && p < ds->design->n_params; p++) {
        if (!ds->plan->params[p].is_number || !column_of(ds, p, line, x, cells))
            continue;
        arena_reset(work);
        double found = twins_rank_correlation(x, h->last, h->n_columns, ds->n_rows, work);
        if (found < least)
            (void)buf_printf(out,
                             "parameter %.*s seems to move nothing: its largest rank correlation "
                             "with the last value of any of %zu vectors is %.2f over %zu cases\n",
                             DS_FMT(ds->design->names[p]), h->n_columns, found, n_ok);
    }
}

void hints_put_unmatched(const struct dataset *ds, const struct ds_span *patterns, size_t n,
                         struct ds_buf *out)
{
    size_t n_unmatched = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t v = 0;
        while (v < ds->n_vectors && !vector_pattern_matches(patterns[i], ds->vectors[v].key))
            v++;
        if (v < ds->n_vectors)
            continue;
        if (n_unmatched < HINTS_PATTERNS)
            (void)buf_printf(out, "%s%.*s",
                             n_unmatched ? ", " : "no case has a vector that matches ",
                             DS_FMT(patterns[i]));
        n_unmatched++;
    }
    if (n_unmatched > HINTS_PATTERNS)
        (void)buf_printf(out, " and %zu more patterns", n_unmatched - HINTS_PATTERNS);
    if (n_unmatched > 0)
        (void)buf_put_text(out, "; is it in the deck's SUMMARY section?\n");
}

int hints_put(const struct hints *h, const struct dataset *ds, struct ds_arena *scratch,
              struct ds_buf *out, struct ds_err *err)
{
    size_t n_params = ds->design->n_params;
    int rc = ds->n_vectors > 0 ? put_twins(ds, scratch, out, err) : 0;
    if (rc < 0 || n_params == 0 || h->n_columns == 0 || ds->n_rows > MOST_CELLS / n_params)
        return rc;
    if (is_sampled(ds)) {
        put_uncorrelated(h, ds, scratch, out);
        return 0;
    }
    bool *idle = ds_new(scratch, bool, n_params);
    if (!idle)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu parameters", n_params);
    rc = twins_find_idle(ds, scratch, idle, err);
    for (size_t p = 0; rc == 0 && p < n_params; p++)
        if (idle[p])
            (void)buf_printf(out,
                             "parameter %.*s moves nothing: all cases that differ in it alone have "
                             "the same summary\n",
                             DS_FMT(ds->design->names[p]));
    return rc;
}
