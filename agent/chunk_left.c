/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/chunk_left.h"

#include <assert.h>
#include <stdlib.h>

#define NOT_FOUND UINT32_MAX
#define MIB       (UINT64_C(1) << 20)
#define GROW_FROM 256u

struct attempt_seen {
    uint32_t at; /* index into rows */
    uint32_t attempt;
    enum key_kind kind;
    enum verdict verdict;
    uint64_t limit;
};

struct chunk_seen {
    const struct round *round;
    const struct round_chunk *chunk;
    const struct plan *plan;
    const struct design *design;
    struct ds_arena *scratch;
    uint32_t *rows; /* ascending */
    bool *left_out; /* covered, or a duplicate of an earlier one */
    uint32_t n_rows;
    uint32_t *table; /* id -> index into rows */
    uint32_t mask;
    struct attempt_seen *attempts;
    size_t n_attempts, room;
    char want[KEEP_WORD_BYTES];
};

static int take_rows(struct chunk_seen *s, struct ds_err *err)
{
    const struct round_chunk *c = s->chunk;
    uint64_t n = 0;
    for (size_t i = 0; i < c->n_ranges; i++)
        n += (uint64_t)c->ranges[i].last - c->ranges[i].first + 1;
    if (n > s->design->n_rows)
        return ds_fail(err, DS_ECORRUPT, "the round names %llu cases, the design has %u",
                       (unsigned long long)n, s->design->n_rows);
    s->rows = ds_new(s->scratch, uint32_t, n);
    s->left_out = ds_new(s->scratch, bool, n);
    if (!s->rows || !s->left_out)
        return ds_fail(err, DS_ETOOBIG, "a chunk of %llu cases does not fit",
                       (unsigned long long)n);
    for (size_t i = 0; i < c->n_ranges; i++) {
        int64_t row = design_find_number(s->design, c->ranges[i].first);
        uint64_t count = (uint64_t)c->ranges[i].last - c->ranges[i].first + 1;
        if (row < 0 || (uint64_t)row + count > s->design->n_rows
            || s->design->number[(uint64_t)row + count - 1] != c->ranges[i].last)
            return ds_fail(err, DS_ECORRUPT, "the round names cases %u-%u, which the design lacks",
                           c->ranges[i].first, c->ranges[i].last);
        for (uint64_t k = 0; k < count; k++)
            s->rows[s->n_rows++] = (uint32_t)row + (uint32_t)k;
    }
    return 0;
}

static uint32_t find(const struct chunk_seen *s, struct case_id id, uint32_t *slot)
{
    uint32_t i = (uint32_t)case_id_hash(id) & s->mask;
    while (s->table[i] != NOT_FOUND && !case_id_eq(s->design->id[s->rows[s->table[i]]], id))
        i = (i + 1) & s->mask;
    *slot = i;
    return s->table[i];
}

static int build_table(struct chunk_seen *s, struct ds_err *err)
{
    uint32_t room = 16;
    while (room < s->n_rows * UINT64_C(2))
        room *= 2;
    s->mask = room - 1;
    s->table = ds_new(s->scratch, uint32_t, room);
    if (!s->table)
        return ds_fail(err, DS_ETOOBIG, "a chunk of %u cases does not fit", s->n_rows);
    memset(s->table, 0xff, room * sizeof *s->table);
    for (uint32_t at = 0; at < s->n_rows; at++) {
        uint32_t slot;
        if (find(s, s->design->id[s->rows[at]], &slot) == NOT_FOUND)
            s->table[slot] = at;
        else
            s->left_out[at] = true;
    }
    return 0;
}

int chunk_begin(const struct round *round, uint32_t index, const struct plan *plan,
                const struct design *design, struct ds_arena *scratch, struct chunk_seen **out,
                struct ds_err *err)
{
    if (index >= round->n_chunks)
        return ds_fail(err, DS_EINPUT, "round %u has %zu chunks; there is no index %u", round->n,
                       round->n_chunks, index);
    struct chunk_seen *s = ds_new(scratch, struct chunk_seen, 1);
    if (!s)
        return ds_fail(err, DS_ETOOBIG, "a chunk does not fit");
    *s = (struct chunk_seen){.round = round,
                             .chunk = &round->chunks[index],
                             .plan = plan,
                             .design = design,
                             .scratch = scratch};
    keep_word(&plan->keep, s->want);
    int rc = take_rows(s, err);
    if (rc == 0)
        rc = build_table(s, err);
    if (rc == 0)
        *out = s;
    return rc;
}

static int push_attempt(struct chunk_seen *s, const struct attempt_seen *a, struct ds_err *err)
{
    if (s->n_attempts == s->room) {
        size_t room = s->room ? 2 * s->room : GROW_FROM;
        struct attempt_seen *more = ds_new(s->scratch, struct attempt_seen, room);
        if (!more)
            return ds_fail(err, DS_ETOOBIG, "%zu earlier attempts do not fit", s->n_attempts);
        if (s->n_attempts > 0)
            memcpy(more, s->attempts, s->n_attempts * sizeof *more);
        s->attempts = more;
        s->room = room;
    }
    s->attempts[s->n_attempts++] = *a;
    return 0;
}

int chunk_note_key(struct chunk_seen *seen, struct ds_span key, struct ds_err *err)
{
    struct result_key k = result_key_decode(key);
    if (k.kind == KEY_OTHER)
        return 0;
    uint32_t slot, at = find(seen, k.id, &slot);
    if (at == NOT_FOUND)
        return 0;
    if (k.kind == KEY_CASE) {
        if (keep_word_covers(ds_span_of(k.keep), ds_span_of(seen->want)))
            seen->left_out[at] = true;
        return 0;
    }
    return push_attempt(seen, &(struct attempt_seen){at, k.attempt, k.kind, k.verdict, k.limit},
                        err);
}

static int compare_attempts(const void *x, const void *y)
{
    const struct attempt_seen *a = x, *b = y;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->attempt != b->attempt)
        return a->attempt < b->attempt ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

static uint64_t bytes_of(uint64_t mib) /* half of all numbers is more than any machine has */
{
    return mib > UINT64_MAX / 2 / MIB ? UINT64_MAX / 2 : mib * MIB;
}

/* Attempts [first, end) of one case, ascending; of one number the outcomes come first. */
static struct dispatch_prior prior_of(const struct chunk_seen *s, size_t first, size_t end)
{
    struct dispatch_prior p = {.row = s->rows[s->attempts[first].at], .next_attempt = 1};
    uint32_t granted = 0, answered = 0; /* answered: number of the last outcome */
    for (size_t i = first; i < end; i++) {
        const struct attempt_seen *t = &s->attempts[i];
        if (t->kind == KEY_GRANTED)
            granted = t->attempt > granted ? t->attempt : granted;
        else if (t->attempt >= p.next_attempt)
            p.next_attempt = t->attempt + 1;
    }
    for (size_t i = first; i < end; i++) {
        const struct attempt_seen *t = &s->attempts[i];
        if (t->kind == KEY_FAILED)
            answered = t->attempt;
        else if (t->kind == KEY_GRANTED || t->attempt == answered)
            continue; /* a marker whose attempt has an outcome says nothing more */
        enum verdict v = t->kind == KEY_STARTED ? VERDICT_LOST : t->verdict;
        if (v == VERDICT_OUT_OF_MEMORY && bytes_of(t->limit) > p.largest_oom_bytes)
            p.largest_oom_bytes = bytes_of(t->limit);
        if (t->attempt > granted
            && verdict_counts(v, t->limit, s->plan->wall_ms, s->plan->memory_bytes)
            && p.failed[v] < UINT8_MAX)
            p.failed[v]++;
    }
    return p;
}

static int find_priors(const struct chunk_seen *s, struct ds_arena *a, struct chunk *out,
                       struct ds_err *err)
{
    size_t n_cases = 0, first = 0;
    if (s->n_attempts > 0)
        qsort(s->attempts, s->n_attempts, sizeof *s->attempts, compare_attempts);
    for (size_t i = 0; i < s->n_attempts; i++)
        n_cases += i == 0 || s->attempts[i].at != s->attempts[i - 1].at;
    /* A round may know of attempts whose keys are gone: its numbers hold too. */
    struct dispatch_prior *p = ds_new(a, struct dispatch_prior, n_cases + s->round->n_attempts);
    if (!p)
        return ds_fail(err, DS_ETOOBIG, "%zu cases with earlier attempts do not fit", n_cases);
    uint32_t n = 0;
    for (size_t i = 1; i <= s->n_attempts; i++)
        if (i == s->n_attempts || s->attempts[i].at != s->attempts[first].at) {
            p[n++] = prior_of(s, first, i);
            first = i;
        }
    out->prior = p;
    out->n_prior = n;
    return 0;
}

static int compare_priors(const void *x, const void *y)
{
    const struct dispatch_prior *a = x, *b = y;
    return (a->row > b->row) - (a->row < b->row);
}

static void heed_round(const struct chunk_seen *s, struct chunk *out)
{
    struct dispatch_prior *p = (struct dispatch_prior *)out->prior; /* ours, just made */
    assert(p);
    uint32_t n = out->n_prior, at = 0;
    for (size_t i = 0; i < s->round->n_attempts; i++) {
        int64_t row = design_find_number(s->design, s->round->attempts[i].number);
        uint32_t attempt = s->round->attempts[i].attempt;
        while (at < out->n_prior && row >= 0 && p[at].row < (uint32_t)row)
            at++;
        if (row < 0)
            continue;
        if (at < out->n_prior && p[at].row == (uint32_t)row) {
            if (attempt > p[at].next_attempt)
                p[at].next_attempt = attempt;
        } else {
            p[n++] = (struct dispatch_prior){.row = (uint32_t)row, .next_attempt = attempt};
        }
    }
    if (n > 1)
        qsort(p, n, sizeof *p, compare_priors);
    out->n_prior = n;
}

struct big {
    uint64_t oom_bytes;
    uint32_t row, place;
};

static int compare_bigs(const void *x, const void *y)
{
    const struct big *a = x, *b = y;
    if (a->oom_bytes != b->oom_bytes)
        return a->oom_bytes > b->oom_bytes ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

static uint64_t oom_bytes_of(const struct chunk *c, uint32_t row)
{
    struct dispatch_prior key = {.row = row};
    const struct dispatch_prior *p =
        c->n_prior ? bsearch(&key, c->prior, c->n_prior, sizeof key, compare_priors) : NULL;
    return p ? p->largest_oom_bytes : 0;
}

/* What needs most memory first: small cases fill what is left beside it. --join takes the same
 * cases from the far end, else both runs would do each of them at the same time. */
static int put_big_first(const struct chunk_seen *s, uint32_t *rows, struct chunk *c,
                         struct ds_err *err)
{
    struct big *bigs = ds_new(s->scratch, struct big, c->n_prior);
    uint32_t n = 0, kept = c->n_rows;
    bool back = s->round->reverse;
    if (!bigs)
        return ds_fail(err, DS_ETOOBIG, "%u earlier attempts do not fit", c->n_prior);
    for (uint32_t i = c->n_rows; c->n_prior > 0 && i > 0; i--) { /* others close up behind */
        uint64_t bytes = oom_bytes_of(c, rows[i - 1]);
        if (bytes > 0)
            bigs[n++] = (struct big){bytes, rows[i - 1], back ? UINT32_MAX - i : i};
        else
            rows[--kept] = rows[i - 1];
    }
    if (n > 1)
        qsort(bigs, n, sizeof *bigs, compare_bigs);
    for (uint32_t i = 0; i < n; i++)
        rows[back ? n - 1 - i : i] = bigs[i].row;
    return 0;
}

int chunk_finish(const struct chunk_seen *seen, struct ds_arena *a, struct chunk *out,
                 struct ds_err *err)
{
    struct chunk c = {.shape = seen->round->shapes[seen->chunk->shape]};
    int rc = find_priors(seen, a, &c, err);
    if (rc < 0)
        return rc;
    heed_round(seen, &c);
    uint32_t *rows = ds_new(a, uint32_t, seen->n_rows);
    if (!rows)
        return ds_fail(err, DS_ETOOBIG, "a chunk of %u cases does not fit", seen->n_rows);
    for (uint32_t i = 0; i < seen->n_rows; i++) {
        uint32_t at = seen->round->reverse ? seen->n_rows - 1 - i : i;
        if (seen->left_out[at])
            c.n_done++;
        else
            rows[c.n_rows++] = seen->rows[at];
    }
    c.rows = rows;
    rc = put_big_first(seen, rows, &c, err);
    if (rc == 0)
        *out = c;
    return rc;
}
