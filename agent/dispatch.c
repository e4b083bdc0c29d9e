/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chunk's cases are two cursors over its rows: those that ran out of memory before stand
 * first, then the ordinary ones; only retries are kept one by one. A big case that waits for
 * memory holds back ordinary ones, else it would wait until the end and the longest would run
 * last, alone; but beside other big ones that have to end first, what it does not need is
 * filled. */
#include "agent/dispatch.h"

#include <assert.h>

#define GROW_FROM 64u

struct place {
    bool busy;
    bool ordinary; /* needs what siblings need: teaches, and counts in the shares */
    struct dispatch_item item;
    uint64_t limit_bytes;
};

struct cursor { /* rows [at, end) have not started yet */
    uint32_t at, end;
};

struct dispatch {
    struct dispatch_policy policy;
    const uint32_t *rows;
    struct cursor big, ordinary;
    const struct dispatch_prior *prior;
    uint32_t n_prior;
    struct slots *slots;
    struct ds_arena *arena;
    struct place *places;
    struct dispatch_item *retries; /* waiting, in no order */
    uint32_t n_retries, room;
    uint32_t n_running;
    uint64_t n_unjudged, reserved_bytes;
    uint64_t held_bytes; /* kept for a big case that waits, while others are looked at */
    uint32_t n_peaks, n_oom;
    uint64_t largest_peak, largest_oom;
    struct dispatch_counts counts;
};

bool dispatch_is_final(const struct dispatch_policy *policy, const uint8_t failed[VERDICT_COUNT])
{
    for (unsigned v = VERDICT_DECK_ERROR; v < VERDICT_COUNT; v++) {
        uint32_t budget = policy->retries[v];
        if (v == VERDICT_NOT_CONVERGED && !policy->has_altered_args)
            budget = 0;
        if (failed[v] > budget)
            return true;
    }
    return false;
}

uint64_t dispatch_bigger(uint64_t limit_bytes, uint64_t all_bytes)
{
    uint64_t twice = limit_bytes > UINT64_MAX / 2 ? UINT64_MAX : 2 * limit_bytes;
    if (limit_bytes == 0)
        return 0;
    if (all_bytes == 0 || twice <= all_bytes)
        return twice;
    return all_bytes >= limit_bytes + limit_bytes / 4 ? all_bytes : 0;
}

/* What an ordinary case needs now. When more cases ran out of memory than went well, the
 * estimate was too low for all of them. */
static uint64_t ordinary_need(const struct dispatch *d)
{
    if (d->policy.user_memory_bytes > 0)
        return d->policy.user_memory_bytes;
    uint64_t need =
        slots_need_from_peaks(d->slots, d->policy.estimate_bytes, d->largest_peak, d->n_peaks);
    if (d->n_oom > d->n_peaks) {
        uint64_t bigger = dispatch_bigger(d->largest_oom, d->slots->mem_bytes);
        need = bigger > need ? bigger : need;
    }
    return need;
}

static const struct dispatch_prior *prior_of(const struct dispatch *d, uint32_t row)
{
    uint32_t low = 0, high = d->n_prior;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (d->prior[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->n_prior && d->prior[low].row == row ? &d->prior[low] : NULL;
}

static bool ran_out_of_memory(const struct dispatch *d, uint32_t row)
{
    const struct dispatch_prior *p = prior_of(d, row);
    return p && p->largest_oom_bytes > 0;
}

int dispatch_create(const struct dispatch_policy *policy, const uint32_t *rows, uint32_t n_rows,
                    const struct dispatch_prior *prior, uint32_t n_prior, struct slots *slots,
                    struct ds_arena *a, struct dispatch **out, struct ds_err *err)
{
    assert(slots->n_max >= 1 && slots->n_max <= DISPATCH_MAX_PLACES);
    struct dispatch *d = ds_new(a, struct dispatch, 1);
    struct place *places = ds_new(a, struct place, slots->n_max);
    struct dispatch_item *retries = ds_new(a, struct dispatch_item, GROW_FROM);
    if (!d || !places || !retries)
        return ds_fail(err, DS_ETOOBIG, "a worker of %u places does not fit", slots->n_max);
    *d = (struct dispatch){.policy = *policy,
                           .rows = rows,
                           .prior = prior,
                           .n_prior = n_prior,
                           .slots = slots,
                           .arena = a,
                           .places = places,
                           .retries = retries,
                           .room = GROW_FROM};
    uint32_t n_big = 0;
    while (n_big < n_rows && ran_out_of_memory(d, rows[n_big]))
        n_big++;
    d->big = (struct cursor){0, n_big};
    d->ordinary = (struct cursor){n_big, n_rows};
    slots_resize(slots, ordinary_need(d));
    *out = d;
    return 0;
}

/* The case at the cursor as an attempt; false: it is finally failed already. */
static bool item_of_row(const struct dispatch *d, uint32_t row, struct dispatch_item *item)
{
    *item = (struct dispatch_item){.row = row, .attempt = 1, .known_ms = -1};
    const struct dispatch_prior *p = prior_of(d, row);
    if (!p)
        return true;
    item->attempt = p->next_attempt;
    memcpy(item->failed, p->failed, sizeof item->failed);
    if (dispatch_is_final(&d->policy, p->failed))
        return false;
    item->altered_args = d->policy.has_altered_args && p->failed[VERDICT_NOT_CONVERGED] > 0;
    if (p->largest_oom_bytes > 0) {
        uint64_t need = dispatch_bigger(p->largest_oom_bytes, d->slots->mem_bytes);
        need = need ? need : 2 * p->largest_oom_bytes;
        if (need > ordinary_need(d)) /* else siblings get as much by now */
            item->need_bytes = need;
    }
    return true;
}

static bool free_place(const struct dispatch *d, uint32_t *place)
{
    if (d->n_running >= d->slots->n_max)
        return false;
    for (uint32_t i = 0; i < d->slots->n_max; i++)
        if (!d->places[i].busy) {
            *place = i;
            return true;
        }
    return false;
}

/* Reserved when a big case waits: what runs now, or what will be there when the big ones that
 * run have ended and it has started, whichever is more. */
static uint64_t reserved_bytes(const struct dispatch *d)
{
    uint64_t later = d->held_bytes;
    if (later == 0)
        return d->reserved_bytes;
    for (uint32_t i = 0; i < d->slots->n_max; i++)
        if (d->places[i].busy && d->places[i].ordinary)
            later += d->places[i].limit_bytes;
    return later > d->reserved_bytes ? later : d->reserved_bytes;
}

static enum slots_answer admit(const struct dispatch *d, const struct dispatch_item *item,
                               uint64_t *limit)
{
    bool ordinary = item->need_bytes == 0;
    uint64_t need = ordinary ? ordinary_need(d) : item->need_bytes;
    if ((ordinary && d->n_running >= d->slots->n) || (item->alone && d->n_running > 0))
        return SLOTS_WAIT;
    struct slots_admission got = slots_admit(d->slots, d->n_running, reserved_bytes(d), need,
                                             d->policy.user_memory_bytes > 0);
    *limit = got.limit_bytes;
    return got.answer;
}

static void occupy(struct dispatch *d, const struct dispatch_item *item, uint32_t place,
                   uint64_t limit, struct dispatch_order *out)
{
    d->places[place] = (struct place){true, item->need_bytes == 0, *item, limit};
    d->n_running++;
    d->reserved_bytes += limit;
    *out = (struct dispatch_order){*item, place, limit};
}

/* The waiting retry that should go first: more memory, then longer. -1 none of this kind. */
static int64_t best_retry(const struct dispatch *d, bool bigger)
{
    int64_t best = -1;
    for (uint32_t i = 0; i < d->n_retries; i++) {
        const struct dispatch_item *r = &d->retries[i];
        if ((r->need_bytes > 0) != bigger)
            continue;
        const struct dispatch_item *b = best < 0 ? NULL : &d->retries[best];
        if (!b || r->need_bytes > b->need_bytes
            || (r->need_bytes == b->need_bytes && r->known_ms > b->known_ms))
            best = i;
    }
    return best;
}

static enum dispatch_answer start_retry(struct dispatch *d, int64_t i, uint32_t place,
                                        struct dispatch_order *out)
{
    uint64_t limit = 0;
    struct dispatch_item item = d->retries[i];
    enum slots_answer answer = admit(d, &item, &limit);
    if (answer == SLOTS_WAIT)
        return DISPATCH_WAIT;
    d->retries[i] = d->retries[--d->n_retries];
    if (answer == SLOTS_NEVER) { /* the machine shrank under us: the next round's */
        d->counts.postponed++;
        return DISPATCH_DONE;
    }
    occupy(d, &item, place, limit, out);
    return DISPATCH_START;
}

static enum dispatch_answer start_row(struct dispatch *d, struct cursor *c, uint32_t place,
                                      struct dispatch_item *item, struct dispatch_order *out)
{
    while (c->at < c->end) {
        uint64_t limit = 0;
        if (!item_of_row(d, d->rows[c->at], item)) {
            d->counts.skipped++;
            c->at++;
            continue;
        }
        enum slots_answer answer = admit(d, item, &limit);
        if (answer == SLOTS_WAIT)
            return DISPATCH_WAIT;
        c->at++;
        if (answer == SLOTS_NEVER) {
            d->counts.postponed++;
            continue;
        }
        occupy(d, item, place, limit, out);
        return DISPATCH_START;
    }
    return DISPATCH_DONE;
}

/* A big case waits: an ordinary one may start where it does not make it wait longer. */
static enum dispatch_answer fill_beside(struct dispatch *d, const struct dispatch_item *waiting,
                                        uint32_t place, struct dispatch_order *out)
{
    struct dispatch_item item;
    if (waiting->alone || waiting->need_bytes == 0)
        return DISPATCH_WAIT;
    d->held_bytes = waiting->need_bytes;
    enum dispatch_answer answer = start_row(d, &d->ordinary, place, &item, out);
    d->held_bytes = 0;
    return answer == DISPATCH_START ? DISPATCH_START : DISPATCH_WAIT;
}

enum dispatch_answer dispatch_next(struct dispatch *d, struct dispatch_order *out)
{
    uint32_t place;
    struct dispatch_item item;
    if (!free_place(d, &place))
        return DISPATCH_WAIT;
    enum dispatch_answer answer = DISPATCH_DONE;
    for (int64_t i = best_retry(d, true); i >= 0; i = best_retry(d, true)) {
        item = d->retries[i];
        answer = start_retry(d, i, place, out);
        if (answer == DISPATCH_WAIT)
            return fill_beside(d, &item, place, out);
        if (answer != DISPATCH_DONE)
            return answer;
    }
    answer = start_row(d, &d->big, place, &item, out);
    if (answer == DISPATCH_WAIT)
        return fill_beside(d, &item, place, out);
    if (answer == DISPATCH_DONE)
        answer = start_row(d, &d->ordinary, place, &item, out);
    if (answer != DISPATCH_DONE)
        return answer;
    for (int64_t i = best_retry(d, false); i >= 0; i = best_retry(d, false)) {
        answer = start_retry(d, i, place, out);
        if (answer != DISPATCH_DONE)
            return answer;
    }
    return d->n_running > 0 || d->n_unjudged > 0 ? DISPATCH_WAIT : DISPATCH_DONE;
}

static void vacate(struct dispatch *d, uint32_t place)
{
    assert(place < d->slots->n_max && d->places[place].busy);
    d->places[place].busy = false;
    d->n_running--;
    d->reserved_bytes -= d->places[place].limit_bytes;
}

/* Growth doubles in the arena; what it leaves behind is at most as much again. */
static void push_retry(struct dispatch *d, const struct dispatch_item *item)
{
    if (d->n_retries == d->room) {
        struct dispatch_item *more = ds_new(d->arena, struct dispatch_item, 2 * (size_t)d->room);
        if (!more) {
            d->counts.postponed++; /* the next round will find it outstanding */
            return;
        }
        memcpy(more, d->retries, d->n_retries * sizeof *more);
        d->retries = more;
        d->room *= 2;
    }
    d->retries[d->n_retries++] = *item;
}

void dispatch_skip(struct dispatch *d, uint32_t place)
{
    vacate(d, place);
    d->counts.skipped++;
}

/* The row before a cursor takes its turn again; a retry of that row is not its turn. */
static bool step_back(struct dispatch *d, struct cursor *c, uint32_t first,
                      const struct dispatch_item *item)
{
    struct dispatch_item fresh;
    if (c->at == first || d->rows[c->at - 1] != item->row || !item_of_row(d, item->row, &fresh)
        || fresh.attempt != item->attempt)
        return false;
    c->at--;
    return true;
}

void dispatch_put_back(struct dispatch *d, const struct dispatch_order *order)
{
    vacate(d, order->place);
    if (!step_back(d, &d->big, 0, &order->item)
        && !step_back(d, &d->ordinary, d->big.end, &order->item))
        push_retry(d, &order->item);
}

void dispatch_ended(struct dispatch *d, uint32_t place)
{
    vacate(d, place);
    d->n_unjudged++;
}

static void learn(struct dispatch *d, const struct dispatch_verdict *v)
{
    if (v->verdict == VERDICT_OUT_OF_MEMORY && v->item.need_bytes == 0) {
        d->n_oom++;
        if (v->limit_bytes > d->largest_oom)
            d->largest_oom = v->limit_bytes;
    }
    /* A case that once needed more than its siblings says nothing about them. */
    if (v->verdict == VERDICT_OK && v->item.need_bytes == 0 && v->peak_bytes > 0) {
        d->n_peaks++;
        if (v->peak_bytes > d->largest_peak)
            d->largest_peak = v->peak_bytes;
    }
    slots_resize(d->slots, ordinary_need(d));
}

static enum dispatch_fate fate_of_failure(struct dispatch *d, const struct dispatch_verdict *v)
{
    struct dispatch_item next = v->item;
    if (next.failed[v->verdict] < UINT8_MAX)
        next.failed[v->verdict]++;
    if (dispatch_is_final(&d->policy, next.failed)) {
        d->counts.failed++;
        return FATE_FINAL;
    }
    next.attempt++;
    next.known_ms = v->run_ms;
    next.alone = v->verdict == VERDICT_OUT_OF_DISK;
    next.altered_args |= v->verdict == VERDICT_NOT_CONVERGED;
    if (v->verdict == VERDICT_OUT_OF_MEMORY) {
        /* Seen at a peak above its limit it may already need more than twice of it. */
        uint64_t half_peak = v->peak_bytes / 2 + v->peak_bytes / 8;
        uint64_t had = v->limit_bytes > half_peak ? v->limit_bytes : half_peak;
        next.need_bytes = dispatch_bigger(had, d->slots->mem_bytes);
        if (next.need_bytes == 0) {
            d->counts.postponed++;
            return FATE_POSTPONED;
        }
    }
    push_retry(d, &next);
    return FATE_RETRY;
}

enum dispatch_fate dispatch_judged(struct dispatch *d, const struct dispatch_verdict *v)
{
    assert(d->n_unjudged > 0 && v->verdict > VERDICT_NONE && v->verdict < VERDICT_COUNT);
    d->n_unjudged--;
    d->counts.attempts[v->verdict]++;
    if (v->verdict == VERDICT_CANCELLED)
        return FATE_DROPPED;
    learn(d, v);
    if (v->verdict != VERDICT_OK)
        return fate_of_failure(d, v);
    d->counts.done++;
    if (v->peak_bytes > d->counts.peak_mem_bytes)
        d->counts.peak_mem_bytes = v->peak_bytes;
    return FATE_DONE;
}

struct dispatch_counts dispatch_count(const struct dispatch *d)
{
    struct dispatch_counts c = d->counts;
    c.left = d->big.end - d->big.at + d->ordinary.end - d->ordinary.at;
    c.waiting = d->n_retries;
    return c;
}
