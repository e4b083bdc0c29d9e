/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods that choose by themselves; docs/designs.md. Free columns come by name, because
 * the order of keys in a file means nothing. */
#include "base/units.h"
#include "design_build.h"
#include "design_random.h"

#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int design_fill_grid(struct build *b)
{
    uint64_t n = 1;
    for (size_t i = 0; i < b->n_columns; i++)
        if (b->columns[i].is_free
            && (__builtin_mul_overflow(n, b->columns[i].length, &n) || n > UINT32_MAX))
            n = UINT32_MAX;
    int rc = build_make_room(b, n);
    uint64_t run = n; /* rows for which a column stays as it is */
    for (size_t i = 0; i < b->n_columns && rc == 0; i++) {
        if (!b->columns[i].is_free)
            continue;
        uint64_t length = b->columns[i].length;
        run /= length;
        for (uint32_t row = 0; row < b->n_rows && rc == 0; row++)
            rc = build_put_choice(
                b, row, i, (struct choice){.kind = CHOOSE_PLACE, .place = row / run % length});
    }
    return rc;
}

int design_fill_latin(struct build *b)
{
    uint32_t n = b->sweep->samples;
    int rc = build_make_room(b, n);
    uint32_t *stratum = ds_new(b->a, uint32_t, n);
    if (!stratum)
        return build_too_big(b);
    for (size_t i = 0; i < b->n_columns && rc == 0; i++) {
        struct random_stream r;
        if (!b->columns[i].is_free)
            continue;
        random_start(&r, b->sweep->seed, "sample", b->columns[i].name);
        random_permutation(&r, stratum, n);
        for (uint32_t row = 0; row < n && rc == 0; row++) {
            double part = (stratum[row] + random_uniform(&r)) / n;
            rc = build_put_choice(b, row, i, (struct choice){.kind = CHOOSE_PART, .part = part});
        }
    }
    return rc;
}

int design_fill_monte_carlo(struct build *b)
{
    uint32_t n = b->sweep->samples;
    int rc = build_make_room(b, n);
    for (size_t i = 0; i < b->n_columns && rc == 0; i++) {
        struct random_stream r;
        if (!b->columns[i].is_free)
            continue;
        random_start(&r, b->sweep->seed, "sample", b->columns[i].name);
        for (uint32_t row = 0; row < n && rc == 0; row++)
            rc = build_put_choice(b, row, i,
                                  (struct choice){.kind = CHOOSE_PART, .part = random_uniform(&r)});
    }
    return rc;
}

/* Moved round the unit interval; never quite 0 or 1, whose quantiles may be infinite. */
static double shifted(double point, double shift)
{
    double part = point + shift;
    part -= part >= 1;
    return part < 0x1p-53 ? 0x1p-53 : part > 1 - 0x1p-53 ? 1 - 0x1p-53 : part;
}

static int fill_sobol_rows(struct build *b, gsl_qrng *q, const size_t *column, size_t n_free)
{
    double shift[DESIGN_MAX_SOBOL], point[DESIGN_MAX_SOBOL];
    for (size_t d = 0; d < n_free; d++) {
        struct random_stream r;
        random_start(&r, b->sweep->seed, "shift", b->columns[column[d]].name);
        shift[d] = random_uniform(&r);
    }
    for (uint32_t row = 0; row < b->n_rows; row++) {
        (void)gsl_qrng_get(q, point);
        for (size_t d = 0; d < n_free; d++) {
            struct choice c = {.kind = CHOOSE_PART, .part = shifted(point[d], shift[d])};
            int rc = build_put_choice(b, row, column[d], c);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int design_fill_sobol(struct build *b)
{
    size_t column[DESIGN_MAX_SOBOL], n_free = 0;
    for (size_t i = 0; i < b->n_columns; i++) {
        if (!b->columns[i].is_free)
            continue;
        if (n_free == DESIGN_MAX_SOBOL) /* GSL would give zeros and say nothing */
            return ds_fail(b->err, DS_EINPUT, "sobol reaches %u parameters", DESIGN_MAX_SOBOL);
        column[n_free++] = i;
    }
    int rc = build_make_room(b, b->sweep->samples);
    if (rc < 0 || n_free == 0)
        return rc;
    gsl_qrng *q = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)n_free);
    if (!q)
        return build_too_big(b);
    rc = fill_sobol_rows(b, q, column, n_free);
    gsl_qrng_free(q);
    return rc;
}

/* ---- one at a time ---- */

struct ranked { /* places of a list, by their numbers */
    double number;
    uint64_t place;
};

static int compare_ranked(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* Values may stand in any order: their quantile goes by size (and weight). */
static int place_by_size(struct build *b, const struct build_column *c, double at, uint64_t *out)
{
    const struct sweep_param *p = c->param;
    if (p->kind != PARAM_VALUES && p->kind != PARAM_DISCRETE) {
        bool down = p->kind != PARAM_INTEGERS && p->from > p->to;
        *out = quantile_place(p, c->n_files, down ? 1 - at : at);
        return 0;
    }
    struct ranked *r = ds_new(b->a, struct ranked, p->n_values);
    double sum = 0;
    if (!r)
        return build_too_big(b);
    for (size_t i = 0; i < p->n_values; i++)
        r[i] = (struct ranked){p->values[i].number, i};
    qsort(r, p->n_values, sizeof *r, compare_ranked);
    *out = r[p->n_values - 1].place;
    for (size_t i = 0; i < p->n_values; i++) {
        sum += p->weights ? p->weights[r[i].place] : 1.0 / (double)p->n_values;
        if (at < sum) {
            *out = r[i].place;
            break;
        }
    }
    return 0;
}

static int choose(struct build *b, const struct build_column *c, double given, double at,
                  struct choice *out)
{
    if (!isnan(given)) {
        *out = (struct choice){.kind = CHOOSE_NUMBER, .number = given};
        return 0;
    }
    if (c->length == 0) {
        *out = (struct choice){.kind = CHOOSE_PART, .part = at};
        return 0;
    }
    *out = (struct choice){.kind = CHOOSE_PLACE};
    return quantile_lists_texts(c->param) ? 0 : place_by_size(b, c, at, &out->place);
}

/* Cases beside the base: low and high; each further text; nothing of one value without
 * a low or high of its own. */
static uint64_t count_cases(const struct build_column *c)
{
    if (!c->is_free || (c->length == 1 && isnan(c->param->low) && isnan(c->param->high)))
        return 0;
    return c->length > 0 && quantile_lists_texts(c->param) ? c->length - 1 : 2;
}

static int put_side(struct build *b, size_t column, uint32_t row, bool high)
{
    const struct build_column *c = &b->columns[column];
    struct choice pick;
    int rc = choose(b, c, high ? c->param->high : c->param->low, high ? 0.9 : 0.1, &pick);
    if (rc < 0)
        return rc;
    b->sens[2 * (size_t)row] = c->name;
    b->sens[2 * (size_t)row + 1] = high ? DS_SPAN("high") : DS_SPAN("low");
    return build_put_choice(b, row, column, pick);
}

static int put_cases(struct build *b, size_t column, uint32_t *row)
{
    const struct build_column *c = &b->columns[column];
    uint64_t n = count_cases(c);
    bool texts = c->is_free && c->length > 0 && quantile_lists_texts(c->param);
    int rc = 0;
    for (uint64_t k = 0; k < n && rc == 0; k++, (*row)++) {
        if (!texts) {
            rc = put_side(b, column, *row, k == 1);
            continue;
        }
        rc = build_put_choice(b, *row, column,
                              (struct choice){.kind = CHOOSE_PLACE, .place = k + 1});
        b->sens[2 * (size_t)*row] = c->name;
        b->sens[2 * (size_t)*row + 1] = b->cells[(size_t)*row * b->n_columns + column];
    }
    return rc;
}

int design_fill_one_at_a_time(struct build *b)
{
    uint64_t n = 1;
    for (size_t i = 0; i < b->n_columns; i++)
        n += count_cases(&b->columns[i]);
    int rc = build_make_room(b, n);
    if (rc < 0)
        return rc;
    b->sens = ds_new(b->a, struct ds_span, 2 * n);
    if (!b->sens)
        return build_too_big(b);
    b->sens[0] = b->sens[1] = DS_SPAN("base");
    for (size_t i = 0; i < b->n_columns && rc == 0; i++) {
        struct choice pick;
        if (!b->columns[i].is_free)
            continue;
        rc = choose(b, &b->columns[i], b->columns[i].param->base, 0.5, &pick);
        for (uint32_t row = 0; row < b->n_rows && rc == 0; row++)
            rc = build_put_choice(b, row, i, pick);
    }
    uint32_t row = 1;
    for (size_t i = 0; i < b->n_columns && rc == 0; i++)
        rc = put_cases(b, i, &row);
    return rc;
}
