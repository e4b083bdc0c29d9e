/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The next round from a census. Cases of one need share a shape: the ordinary ones the
 * first, out-of-memory cases that come back bigger the others, smallest first. Inside a shape
 * cases stay in the order of their numbers, so that chunks are ranges. One worker for all gets
 * one chunk in the smallest shape: it sees in the store's keys what a case ran out of, and
 * packs big and small ones side by side. */
#include "decksweep/round.h"

#include "base/arena.h"
#include "contract/number_list.h"

#include <stdlib.h>

#define MAX_SHAPES 64u

struct picked {
    uint32_t number; /* of the lowest row */
    uint32_t attempt;
    uint64_t mem_bytes;
};

static bool outstanding(const struct case_tally *t, const struct census_policy *policy)
{
    return t->state == CASE_NEW || t->state == CASE_OUTSTANDING
           || (t->state == CASE_LACKING && policy->refill);
}

/* Rows with equal ids are one simulation: naming any of them with --only runs it. */
static void mark_wanted(const struct census *c, const struct design *d,
                        const struct census_policy *policy, bool *wanted)
{
    for (uint32_t row = 0; row < d->n_rows; row++)
        if (policy->n_only == 0 || number_list_has(policy->only, policy->n_only, d->number[row]))
            wanted[c->tally_of_row[row]] = true;
}

static int by_need_then_number(const void *x, const void *y)
{
    const struct picked *a = x, *b = y;
    if (a->mem_bytes != b->mem_bytes)
        return a->mem_bytes < b->mem_bytes ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int by_number(const void *x, const void *y)
{
    const struct round_attempt *a = x, *b = y;
    return (a->number > b->number) - (a->number < b->number);
}

static size_t pick(const struct census *c, const struct design *d,
                   const struct census_policy *policy, const bool *wanted, struct picked *out)
{
    size_t n = 0;
    for (uint32_t t = 0; t < c->n_distinct; t++) {
        const struct case_tally *tally = &c->tally[t];
        if (!wanted[t] || !outstanding(tally, policy))
            continue;
        out[n++] = (struct picked){.number = d->number[tally->row],
                                   .attempt = tally->next_attempt,
                                   .mem_bytes = tally->need_mem_bytes};
    }
    qsort(out, n, sizeof *out, by_need_then_number);
    return n;
}

static struct shape shape_of(const struct plan *p, const struct measured *m, uint64_t mem_bytes)
{
    return (struct shape){.ranks = p->ranks,
                          .threads = p->threads,
                          .cores = p->ranks * p->threads,
                          .mem_bytes = mem_bytes,
                          .scratch_bytes = m->scratch_bytes};
}

/* The numbers of p[0..n) as ranges. */
static int to_ranges(const struct picked *p, size_t n, struct ds_arena *a,
                     struct round_chunk *chunk, struct ds_err *err)
{
    size_t runs = 0;
    for (size_t i = 0; i < n; i++)
        runs += i == 0 || p[i].number != p[i - 1].number + 1;
    struct number_range *r = ds_new(a, struct number_range, runs);
    if (!r)
        return ds_fail(err, DS_ETOOBIG, "a round of %zu cases does not fit", n);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && p[i].number == p[i - 1].number + 1)
            r[at - 1].last = p[i].number;
        else
            r[at++] = (struct number_range){p[i].number, p[i].number};
    }
    chunk->ranges = r;
    chunk->n_ranges = runs;
    return 0;
}

static int by_picked_number(const void *x, const void *y)
{
    const struct picked *a = x, *b = y;
    return (a->number > b->number) - (a->number < b->number);
}

/* p is ordered by need: the first one's is the shape. */
static int one_chunk(struct picked *p, size_t n, const struct plan *plan, const struct measured *m,
                     struct ds_arena *a, struct round *r, struct ds_err *err)
{
    struct shape *shape = ds_new(a, struct shape, 1);
    struct round_chunk *chunk = ds_new(a, struct round_chunk, 1);
    if (!shape || !chunk)
        return ds_fail(err, DS_ETOOBIG, "a round of %zu cases does not fit", n);
    *shape = shape_of(plan, m, p[0].mem_bytes);
    qsort(p, n, sizeof *p, by_picked_number);
    r->shapes = shape;
    r->chunks = chunk;
    r->n_shapes = r->n_chunks = 1;
    return to_ranges(p, n, a, chunk, err);
}

static int cut_chunks(const struct picked *p, size_t n, uint32_t cases_per_chunk,
                      struct ds_arena *a, struct round *r, struct ds_err *err)
{
    struct round_chunk *chunks =
        ds_new(a, struct round_chunk, n / cases_per_chunk + r->n_shapes + 1);
    if (!chunks)
        return ds_fail(err, DS_ETOOBIG, "a round of %zu cases does not fit", n);
    size_t n_chunks = 0, shape = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && end - i < cases_per_chunk && p[end].mem_bytes == p[i].mem_bytes)
            end++;
        while (shape + 1 < r->n_shapes && r->shapes[shape].mem_bytes < p[i].mem_bytes)
            shape++;
        chunks[n_chunks].shape = (uint32_t)shape;
        int rc = to_ranges(p + i, end - i, a, &chunks[n_chunks++], err);
        if (rc < 0)
            return rc;
        i = end;
    }
    r->chunks = chunks;
    r->n_chunks = n_chunks;
    return 0;
}

/* One shape for each distinct need; beyond MAX_SHAPES the last ones share the largest. */
static int make_shapes(struct picked *p, size_t n, const struct plan *plan,
                       const struct measured *m, struct ds_arena *a, struct round *r,
                       struct ds_err *err)
{
    struct shape *shapes = ds_new(a, struct shape, MAX_SHAPES);
    if (!shapes)
        return ds_fail(err, DS_ETOOBIG, "shapes do not fit");
    for (size_t i = 0; i < n; i++) {
        if (r->n_shapes > 0 && shapes[r->n_shapes - 1].mem_bytes == p[i].mem_bytes)
            continue;
        if (r->n_shapes == MAX_SHAPES - 1)
            for (size_t k = i; k < n; k++)
                p[k].mem_bytes = p[n - 1].mem_bytes;
        shapes[r->n_shapes++] = shape_of(plan, m, p[i].mem_bytes);
    }
    r->shapes = shapes;
    return 0;
}

static int list_attempts(const struct picked *p, size_t n, struct ds_arena *a, struct round *r,
                         struct ds_err *err)
{
    size_t later = 0;
    for (size_t i = 0; i < n; i++)
        later += p[i].attempt != 1;
    struct round_attempt *at = ds_new(a, struct round_attempt, later);
    if (!at)
        return ds_fail(err, DS_ETOOBIG, "a round of %zu cases does not fit", n);
    for (size_t i = 0, k = 0; i < n; i++)
        if (p[i].attempt != 1)
            at[k++] = (struct round_attempt){p[i].number, p[i].attempt};
    qsort(at, later, sizeof *at, by_number);
    r->attempts = at;
    r->n_attempts = later;
    return 0;
}

int census_decide(const struct census *c, const struct design *d, const struct plan *p,
                  const struct measured *m, const struct census_policy *policy,
                  const struct round_request *request, struct ds_arena *a, struct round *out,
                  struct ds_err *err)
{
    struct round r = {.n = request->n, .reverse = request->reverse};
    struct picked *picked = ds_new(a, struct picked, c->n_distinct);
    bool *wanted = ds_new(a, bool, c->n_distinct);
    if (!picked || !wanted)
        return ds_fail(err, DS_ETOOBIG, "a round of %u cases does not fit", c->n_distinct);
    memcpy(r.plan_digest, request->plan_digest, PLAN_DIGEST_BYTES);
    mark_wanted(c, d, policy, wanted);
    size_t n_picked = pick(c, d, policy, wanted, picked);
    int rc = 0;
    if (n_picked > 0 && request->cases_per_chunk == 0) {
        rc = one_chunk(picked, n_picked, p, m, a, &r, err);
    } else if (n_picked > 0) {
        rc = make_shapes(picked, n_picked, p, m, a, &r, err);
        rc = rc < 0 ? rc : cut_chunks(picked, n_picked, request->cases_per_chunk, a, &r, err);
    }
    rc = rc < 0 ? rc : list_attempts(picked, n_picked, a, &r, err);
    if (rc == 0)
        *out = r;
    return rc;
}
