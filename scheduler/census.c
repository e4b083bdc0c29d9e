/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counting what the store holds (DESIGN.md 7). Two passes over the keys: the first learns
 * which attempts were granted again and which have an outcome, the second counts what is left
 * against the budgets. A tally stands for one distinct id; totals count rows. */
#include "base/arena.h"
#include "decksweep/round.h"

#include <assert.h>
#include <stdlib.h>

#define MASK_ATTEMPTS 64u
#define NOT_FOUND     UINT32_MAX
#define MIB           (UINT64_C(1) << 20)

struct index { /* open addressing: id -> tally; a power of two, at most half full */
    uint32_t *slot;
    uint32_t mask;
};

struct counting {         /* what is only needed while counting, per tally */
    uint32_t granted;     /* attempts up to it count no longer */
    uint64_t has_outcome; /* bit attempt-1 of attempts that have an archive */
    uint64_t has_marker;  /* bit attempt-1 of started/ */
    uint8_t failed[VERDICT_COUNT];
    bool covers;
};

static uint64_t attempt_bit(uint32_t attempt)
{
    uint32_t at = attempt == 0 ? 0 : attempt - 1;
    return UINT64_C(1) << (at < MASK_ATTEMPTS ? at : MASK_ATTEMPTS - 1);
}

static uint32_t index_find(const struct index *x, const struct case_tally *tally,
                           const struct design *d, struct case_id id, uint32_t *at)
{
    uint32_t i = (uint32_t)case_id_hash(id) & x->mask;
    while (x->slot[i] != NOT_FOUND && !case_id_eq(d->id[tally[x->slot[i]].row], id))
        i = (i + 1) & x->mask;
    *at = i;
    return x->slot[i];
}

static int index_build(struct index *x, const struct design *d, struct ds_arena *a,
                       struct census *out, struct ds_err *err)
{
    uint32_t room = 16;
    while (room < d->n_rows * UINT64_C(2))
        room *= 2;
    x->mask = room - 1;
    x->slot = ds_new(a, uint32_t, room);
    out->tally = ds_new(a, struct case_tally, d->n_rows);
    uint32_t *of_row = ds_new(a, uint32_t, d->n_rows);
    if (!x->slot || !out->tally || !of_row)
        return ds_fail(err, DS_ETOOBIG, "a census of %u cases does not fit", d->n_rows);
    memset(x->slot, 0xff, room * sizeof *x->slot);
    out->tally_of_row = of_row;
    for (uint32_t row = 0; row < d->n_rows; row++) {
        uint32_t at, t = index_find(x, out->tally, d, d->id[row], &at);
        if (t == NOT_FOUND) {
            t = out->n_distinct++;
            x->slot[at] = t;
            out->tally[t] = (struct case_tally){.row = row};
        }
        of_row[row] = t;
    }
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct case_id));
}

static uint32_t count_distinct(struct case_id *ids, size_t n)
{
    uint32_t distinct = 0;
    qsort(ids, n, sizeof *ids, compare_ids);
    for (size_t i = 0; i < n; i++)
        distinct += i == 0 || !case_id_eq(ids[i], ids[i - 1]);
    return distinct;
}

/* Of several case keys the one that covers wins, then the one that holds more classes. */
static void note_case_key(struct case_tally *t, struct counting *c, const struct result_key *k,
                          struct ds_span want)
{
    bool covers = keep_word_covers(ds_span_of(k->keep), want);
    bool better = t->keep[0] == '\0' || (covers && !c->covers)
                  || (covers == c->covers && strlen(k->keep) > strlen(t->keep));
    if (better)
        memcpy(t->keep, k->keep, sizeof t->keep);
    c->covers |= covers;
}

static void note_outcome(struct case_tally *t, struct counting *c, const struct result_key *k)
{
    t->n_attempts++;
    c->has_outcome |= attempt_bit(k->attempt);
    if (k->attempt >= t->last_failed_attempt) {
        t->last_failed_attempt = k->attempt;
        t->last_verdict = k->verdict;
        t->last_limit = k->limit;
    }
    if (k->verdict == VERDICT_OUT_OF_MEMORY && k->limit > t->largest_oom_mib)
        t->largest_oom_mib = k->limit;
    if (k->attempt >= t->next_attempt)
        t->next_attempt = k->attempt + 1;
}

static void note_key(struct case_tally *t, struct counting *c, const struct result_key *k,
                     struct ds_span want)
{
    switch (k->kind) {
    case KEY_CASE:
        note_case_key(t, c, k, want);
        break;
    case KEY_FAILED:
        note_outcome(t, c, k);
        break;
    case KEY_GRANTED:
        if (k->attempt > c->granted)
            c->granted = k->attempt;
        break;
    case KEY_STARTED:
        c->has_marker |= attempt_bit(k->attempt);
        if (k->attempt >= t->next_attempt)
            t->next_attempt = k->attempt + 1;
        break;
    case KEY_OTHER:
        break;
    }
}

/* Does this failed attempt use up budget under the present policy? */
static bool counts(const struct result_key *k, const struct counting *c,
                   const struct census_policy *policy)
{
    return k->attempt > c->granted
           && verdict_counts(k->verdict, k->limit, policy->wall_ms, policy->user_memory_bytes);
}

/* Markers of attempts that count and that nothing came of: the pod died in them. */
static unsigned open_markers(const struct counting *c)
{
    uint64_t left = c->has_marker & ~c->has_outcome;
    if (c->granted >= MASK_ATTEMPTS)
        return 0;
    left &= ~((c->granted ? UINT64_C(1) << c->granted : 1) - 1);
    return (unsigned)__builtin_popcountll(left);
}

static uint32_t budget(const struct census_policy *policy, enum verdict v)
{
    if (v == VERDICT_NOT_CONVERGED && !policy->has_not_converged_args)
        return 0;
    return policy->retries[v];
}

static bool is_final(struct case_tally *t, const struct counting *c,
                     const struct census_policy *policy)
{
    unsigned lost = open_markers(c);
    if (lost > 0 && t->last_verdict == VERDICT_NONE)
        t->last_verdict = VERDICT_LOST;
    for (unsigned v = VERDICT_DECK_ERROR; v < VERDICT_COUNT; v++) {
        unsigned n = c->failed[v] + (v == VERDICT_LOST ? lost : 0);
        if (n > budget(policy, (enum verdict)v))
            return true;
    }
    return false;
}

/* Twice what did not suffice, but all there is when that is at least a quarter more: the same
 * rule as a worker's own retries, so that an interrupted run goes on as it would have. */
static uint64_t after_out_of_memory(uint64_t limit_mib, uint64_t all_bytes)
{
    if (limit_mib > UINT64_MAX / 2 / MIB)
        return UINT64_MAX;
    uint64_t limit = limit_mib * MIB, twice = 2 * limit;
    bool all_is_more = twice > all_bytes && all_bytes >= limit + limit / 4;
    return limit > 0 && all_is_more ? all_bytes : twice;
}

static enum case_state state_of(struct case_tally *t, const struct counting *c,
                                const struct measured *m, struct capacity cap,
                                const struct census_policy *policy)
{
    if (t->next_attempt == 0)
        t->next_attempt = 1;
    uint64_t more = after_out_of_memory(t->largest_oom_mib, cap.mem_bytes);
    t->need_mem_bytes = more > m->estimate_mem_bytes ? more : m->estimate_mem_bytes;
    if (c->covers || (t->keep[0] != '\0' && policy->accept_narrow)) {
        t->last_verdict = VERDICT_OK;
        return CASE_DONE;
    }
    /* A refill that fails for good must end, or every round would take it up again. */
    bool lacks = t->keep[0] != '\0';
    if (lacks && !policy->refill)
        return CASE_LACKING;
    if (is_final(t, c, policy))
        return CASE_FAILED;
    bool fits = (cap.mem_bytes == 0 || t->need_mem_bytes <= cap.mem_bytes)
                && (cap.cores == 0 || policy->cores <= cap.cores);
    if (!fits)
        return CASE_NO_FIT;
    if (lacks)
        return CASE_LACKING;
    return t->n_attempts > 0 || c->has_marker ? CASE_OUTSTANDING : CASE_NEW;
}

static void count_rows(const struct design *d, struct census *out)
{
    assert(out->tally_of_row && out->tally); /* index_build's promise */
    for (uint32_t row = 0; row < d->n_rows; row++) {
        const struct case_tally *t = &out->tally[out->tally_of_row[row]];
        uint32_t *const of_state[] = {
            [CASE_NEW] = &out->n_new,       [CASE_OUTSTANDING] = &out->n_outstanding,
            [CASE_DONE] = &out->n_done,     [CASE_LACKING] = &out->n_lacking,
            [CASE_FAILED] = &out->n_failed, [CASE_NO_FIT] = &out->n_no_fit,
        };
        ++*of_state[t->state];
        if (t->state == CASE_FAILED)
            out->n_failed_by[t->last_verdict]++;
    }
}

const char *case_state_name(enum case_state s)
{
    static const char *const NAMES[] = {
        [CASE_NEW] = "new",       [CASE_OUTSTANDING] = "outstanding",
        [CASE_DONE] = "done",     [CASE_LACKING] = "lacking",
        [CASE_FAILED] = "failed", [CASE_NO_FIT] = "does not fit here",
    };
    return NAMES[s];
}

struct census_policy census_policy_of(const struct plan *p)
{
    struct census_policy policy = {.keep = p->keep,
                                   .has_not_converged_args = p->n_not_converged_args > 0,
                                   .wall_ms = p->wall_ms,
                                   .user_memory_bytes = p->memory_bytes,
                                   .cores = p->ranks * p->threads};
    memcpy(policy.retries, p->retries, sizeof policy.retries);
    return policy;
}

int census_take(const struct design *d, const struct listing_key *listing, size_t n_keys,
                const struct measured *m, struct capacity cap, const struct census_policy *policy,
                struct ds_arena *a, struct census *out, struct ds_err *err)
{
    struct census c = {0};
    struct index x;
    char want[KEEP_WORD_BYTES];
    int rc = index_build(&x, d, a, &c, err);
    if (rc < 0)
        return rc;
    struct counting *counting = ds_new(a, struct counting, c.n_distinct);
    struct result_key *failed = ds_new(a, struct result_key, n_keys);
    struct case_id *foreign = ds_new(a, struct case_id, n_keys);
    if (!counting || !failed || !foreign)
        return ds_fail(err, DS_ETOOBIG, "a census of %zu keys does not fit", n_keys);
    keep_word(&policy->keep, want);

    size_t n_failed = 0, n_foreign = 0;
    for (size_t i = 0; i < n_keys; i++) {
        struct result_key k = result_key_decode(listing[i].key);
        uint32_t at, t;
        if (k.kind == KEY_OTHER)
            continue;
        c.stored_bytes += listing[i].size_bytes;
        t = index_find(&x, c.tally, d, k.id, &at);
        if (t == NOT_FOUND) {
            foreign[n_foreign++] = k.id;
            continue;
        }
        note_key(&c.tally[t], &counting[t], &k, ds_span_of(want));
        if (k.kind == KEY_FAILED)
            failed[n_failed++] = k;
    }
    for (size_t i = 0; i < n_failed; i++) {
        uint32_t at, t = index_find(&x, c.tally, d, failed[i].id, &at);
        if (counts(&failed[i], &counting[t], policy)
            && counting[t].failed[failed[i].verdict] < UINT8_MAX)
            counting[t].failed[failed[i].verdict]++;
    }
    for (uint32_t t = 0; t < c.n_distinct; t++) {
        c.tally[t].state = state_of(&c.tally[t], &counting[t], m, cap, policy);
        c.n_open_markers += c.tally[t].state != CASE_DONE && open_markers(&counting[t]) > 0;
    }
    c.n_orphaned = count_distinct(foreign, n_foreign);
    count_rows(d, &c);
    *out = c;
    return 0;
}
