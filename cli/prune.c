/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/prune.h"

#include "base/arena.h"

#include <stdlib.h>

const char *prune_reason_words(enum prune_reason why)
{
    static const char *const WORDS[] = {
        [PRUNE_KEEP] = "needed",
        [PRUNE_ORPHAN] = "results of cases that are not in the plan",
        [PRUNE_NARROWER] = "archives of cases that have one with more classes",
        [PRUNE_PLAN] = "earlier plans, designs, bundles and decks",
    };
    return WORDS[why];
}

/* Order of two ids as one comparison of bytes; qsort_r's context carries the tables. */
struct order {
    const struct design *d;
    const struct census *c;
};

static struct case_id id_of(const struct order *o, uint32_t tally)
{
    return o->d->id[o->c->tally[tally].row];
}

static int compare_tallies(const void *a, const void *b, void *context)
{
    struct case_id x = id_of(context, *(const uint32_t *)a);
    struct case_id y = id_of(context, *(const uint32_t *)b);
    return memcmp(x.hex, y.hex, CASE_ID_CHARS);
}

int prune_prepare(const struct plan *p, const char *plan_digest, const struct design *d,
                  const struct census *c, struct ds_arena *a, struct prune_view *out,
                  struct ds_err *err)
{
    uint32_t *by_id = ds_new(a, uint32_t, c->n_distinct);
    struct order order = {d, c};
    if (!by_id)
        return ds_fail(err, DS_ETOOBIG, "%u cases do not fit", c->n_distinct);
    for (uint32_t i = 0; i < c->n_distinct; i++)
        by_id[i] = i;
    qsort_r(by_id, c->n_distinct, sizeof *by_id, compare_tallies, &order);
    *out = (struct prune_view){p, plan_digest, d, c, by_id, DS_SPAN("")};
    return 0;
}

static const struct case_tally *find_tally(const struct prune_view *v, struct case_id id)
{
    struct order order = {v->design, v->census};
    uint32_t low = 0, high = v->census->n_distinct;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int sign = memcmp(id_of(&order, v->by_id[mid]).hex, id.hex, CASE_ID_CHARS);
        if (sign == 0)
            return &v->census->tally[v->by_id[mid]];
        if (sign < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* "<before><hex digits><after>", nothing else. */
static bool is_digest_key(struct ds_span key, const char *before, const char *after)
{
    size_t head = strlen(before), tail = strlen(after);
    if (!ds_span_starts(key, before) || !ds_span_ends(key, after) || key.len <= head + tail)
        return false;
    for (size_t i = head; i < key.len - tail; i++)
        if (!strchr("0123456789abcdef", key.ptr[i]) || key.ptr[i] == '\0')
            return false;
    return true;
}

static enum prune_reason decide_plan(const struct prune_view *v, struct ds_span key)
{
    if (is_digest_key(key, "design.", ".csv"))
        return ds_span_eq(key, v->plan->design_key) ? PRUNE_KEEP : PRUNE_PLAN;
    if (is_digest_key(key, "bundle.", ".tar.zst"))
        return ds_span_eq(key, v->plan->bundle_key) ? PRUNE_KEEP : PRUNE_PLAN;
    if (is_digest_key(key, "deck.", ".tar.zst"))
        return v->deck_key.len == 0 || ds_span_eq(key, v->deck_key) ? PRUNE_KEEP : PRUNE_PLAN;
    if (!is_digest_key(key, "plan.", ".json"))
        return PRUNE_KEEP;
    struct ds_span digest = {key.ptr + strlen("plan."), key.len - strlen("plan..json")};
    return ds_span_is(digest, v->plan_digest) ? PRUNE_KEEP : PRUNE_PLAN;
}

enum prune_reason prune_decide(const struct prune_view *v, struct ds_span key)
{
    struct result_key k = result_key_decode(key);
    if (k.kind == KEY_OTHER)
        return decide_plan(v, key);
    const struct case_tally *t = find_tally(v, k.id);
    if (!t)
        return PRUNE_ORPHAN;
    bool other = k.kind == KEY_CASE && strcmp(k.keep, t->keep) != 0;
    if (other && keep_word_covers(ds_span_of(t->keep), ds_span_of(k.keep)))
        return PRUNE_NARROWER;
    return PRUNE_KEEP;
}
