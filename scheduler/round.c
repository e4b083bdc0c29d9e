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

/* Cases of p[0..n) with the need of the first. */
static size_t run_of_need(const struct picked *p, size_t n)
{
    size_t end = 0;
    while (end < n && p[end].mem_bytes == p[0].mem_bytes)
        end++;
    return end;
}

/* At most max_shapes distinct needs: beyond, the larger ones share the largest. */
static void merge_needs(struct picked *p, size_t n, uint32_t max_shapes)
{
    uint32_t n_needs = 0;
    for (size_t i = 0; i < n; i += run_of_need(p + i, n - i)) {
        if (++n_needs < max_shapes)
            continue;
        for (size_t k = i; k < n; k++)
            p[k].mem_bytes = p[n - 1].mem_bytes;
        qsort(p + i, n - i, sizeof *p, by_need_then_number);
        return;
    }
}

static size_t count_needs(const struct picked *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i += run_of_need(p + i, n - i))
        count++;
    return count;
}

static int make_shapes(const struct picked *p, size_t n, const struct plan *plan,
                       const struct measured *m, struct ds_arena *a, struct round *r,
                       struct ds_err *err)
{
    struct shape *shapes = ds_new(a, struct shape, count_needs(p, n));
    if (!shapes)
        return ds_fail(err, DS_ETOOBIG, "shapes do not fit");
    for (size_t i = 0; i < n; i += run_of_need(p + i, n - i))
        shapes[r->n_shapes++] = shape_of(plan, m, p[i].mem_bytes);
    r->shapes = shapes;
    return 0;
}

/* Chunks of one shape's cases p[0..n): as many as it takes, all of about one length. */
static int cut_even(const struct picked *p, size_t n, uint32_t shape, uint32_t at_most,
                    struct ds_arena *a, struct round_chunk *chunks, size_t *n_chunks,
                    struct ds_err *err)
{
    size_t count = (n + at_most - 1) / at_most;
    for (size_t k = 0, from = 0; k < count; k++) {
        size_t to = n / count * (k + 1) + (k + 1 < n % count ? k + 1 : n % count);
        struct round_chunk *chunk = &chunks[(*n_chunks)++];
        chunk->shape = shape;
        int rc = to_ranges(p + from, to - from, a, chunk, err);
        if (rc < 0)
            return rc;
        from = to;
    }
    return 0;
}

/* Chunks of at_most cases, the last one shorter. */
static int cut_full(const struct picked *p, size_t n, uint32_t shape, uint32_t at_most,
                    struct ds_arena *a, struct round_chunk *chunks, size_t *n_chunks,
                    struct ds_err *err)
{
    for (size_t i = 0; i < n; i += at_most) {
        size_t here = n - i < at_most ? n - i : at_most;
        struct round_chunk *chunk = &chunks[(*n_chunks)++];
        chunk->shape = shape;
        int rc = to_ranges(p + i, here, a, chunk, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int cut_chunks(const struct picked *p, size_t n, const struct round_request *request,
                      struct ds_arena *a, struct round *r, struct ds_err *err)
{
    const uint32_t *by_shape = request->n_shapes > 0 ? request->chunk_cases : NULL;
    size_t room = 0, shape = 0;
    for (size_t i = 0, run = 0; i < n; i += run, shape++) {
        uint32_t at_most = by_shape ? by_shape[shape] : request->cases_per_chunk;
        run = run_of_need(p + i, n - i);
        room += run / at_most + 1;
    }
    struct round_chunk *chunks = ds_new(a, struct round_chunk, room);
    if (!chunks)
        return ds_fail(err, DS_ETOOBIG, "a round of %zu cases does not fit", n);
    shape = 0;
    for (size_t i = 0, run = 0; i < n; i += run, shape++) {
        run = run_of_need(p + i, n - i);
        int rc = by_shape ? cut_even(p + i, run, (uint32_t)shape, by_shape[shape], a, chunks,
                                     &r->n_chunks, err)
                          : cut_full(p + i, run, (uint32_t)shape, request->cases_per_chunk, a,
                                     chunks, &r->n_chunks, err);
        if (rc < 0)
            return rc;
    }
    r->chunks = chunks;
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

/* What is to be run, by need. */
static int pick_all(const struct census *c, const struct design *d,
                    const struct census_policy *policy, uint32_t max_shapes, struct ds_arena *a,
                    struct picked **out, size_t *n, struct ds_err *err)
{
    struct picked *picked = ds_new(a, struct picked, c->n_distinct);
    bool *wanted = ds_new(a, bool, c->n_distinct);
    if (!picked || !wanted)
        return ds_fail(err, DS_ETOOBIG, "a round of %u cases does not fit", c->n_distinct);
    mark_wanted(c, d, policy, wanted);
    *n = pick(c, d, policy, wanted, picked);
    merge_needs(picked, *n, max_shapes);
    *out = picked;
    return 0;
}

int census_needs(const struct census *c, const struct design *d, const struct census_policy *policy,
                 uint32_t max_shapes, struct ds_arena *a, const struct round_need **out, size_t *n,
                 struct ds_err *err)
{
    struct picked *picked = NULL;
    size_t n_picked = 0, k = 0;
    int rc = pick_all(c, d, policy, max_shapes, a, &picked, &n_picked, err);
    if (rc < 0)
        return rc;
    struct round_need *needs = ds_new(a, struct round_need, count_needs(picked, n_picked));
    if (!needs)
        return ds_fail(err, DS_ETOOBIG, "shapes do not fit");
    for (size_t i = 0, run = 0; i < n_picked; i += run) {
        run = run_of_need(picked + i, n_picked - i);
        needs[k++] = (struct round_need){picked[i].mem_bytes, (uint32_t)run};
    }
    *out = needs;
    *n = k;
    return 0;
}

int census_decide(const struct census *c, const struct design *d, const struct plan *p,
                  const struct measured *m, const struct census_policy *policy,
                  const struct round_request *request, struct ds_arena *a, struct round *out,
                  struct ds_err *err)
{
    struct round r = {.n = request->n, .reverse = request->reverse};
    struct picked *picked = NULL;
    size_t n_picked = 0;
    bool by_shape = request->chunk_cases && request->n_shapes > 0;
    uint32_t max_shapes = by_shape ? request->n_shapes : CENSUS_MAX_NEEDS;
    memcpy(r.plan_digest, request->plan_digest, PLAN_DIGEST_BYTES);
    int rc = pick_all(c, d, policy, max_shapes, a, &picked, &n_picked, err);
    if (rc < 0)
        return rc;
    if (n_picked > 0 && !by_shape && request->cases_per_chunk == 0) {
        rc = one_chunk(picked, n_picked, p, m, a, &r, err);
    } else if (n_picked > 0) {
        rc = make_shapes(picked, n_picked, p, m, a, &r, err);
        rc = rc < 0 ? rc : cut_chunks(picked, n_picked, request, a, &r, err);
    }
    rc = rc < 0 ? rc : list_attempts(picked, n_picked, a, &r, err);
    if (rc == 0)
        *out = r;
    return rc;
}
