/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prune.h - which objects of a sweep's folder the present plan does not need. Pure. */
#ifndef DS_CLI_PRUNE_H
#define DS_CLI_PRUNE_H

#include "decksweep/plan.h"
#include "decksweep/round.h"

enum prune_reason {
    PRUNE_KEEP = 0,
    PRUNE_ORPHAN,   /* a result of a case that is not in the plan */
    PRUNE_NARROWER, /* an archive of a case that has a better one */
    PRUNE_PLAN,     /* plan.<digest>.json, design.<digest>.csv, bundle.<digest>.tar.zst of others,
                       decks of a cluster that were brought before */
    PRUNE_COUNT
};

struct prune_item {
    struct ds_span key;
    uint64_t size_bytes;
    enum prune_reason why;
};

struct prune_sums {
    size_t n[PRUNE_COUNT];
    uint64_t bytes[PRUNE_COUNT];
};

const char *prune_reason_words(enum prune_reason why);

/* What the decision looks at: the present plan and its ids, sorted once. */
struct prune_view {
    const struct plan *plan;
    const char *plan_digest;
    const struct design *design;
    const struct census *census;
    uint32_t *by_id; /* tallies in the order of their ids */
    /* deck.<digest>.tar.zst that the stored sweep file's deckFrom means; "" unknown: all are kept.
     * Set after prune_prepare. */
    struct ds_span deck_key;
};

/* a: keeps the order. Everything else is borrowed. Cost: O(n log n). DS_ETOOBIG: arena. */
int prune_prepare(const struct plan *p, const char *plan_digest, const struct design *d,
                  const struct census *c, struct ds_arena *a, struct prune_view *out,
                  struct ds_err *err) DS_CHECKED;

/* key: relative to the sweep's folder. A case archive is narrower only when the case has
 * another one that holds all that it holds. Cost: O(log n). */
enum prune_reason prune_decide(const struct prune_view *v, struct ds_span key);

#endif
