/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/siblings.h"

struct id_set {     /* open addressing: row + 1; a power of two, at most half full */
    uint32_t *slot; /* NULL: no memory for it */
    uint32_t mask;
    const struct design *design;
};

static bool set_has(const struct id_set *s, struct case_id id, uint32_t *at)
{
    uint32_t i = (uint32_t)case_id_hash(id) & s->mask;
    while (s->slot[i] != 0 && !case_id_eq(s->design->id[s->slot[i] - 1], id))
        i = (i + 1) & s->mask;
    *at = i;
    return s->slot[i] != 0;
}

static void set_build(struct id_set *s, const struct design *d, struct ds_arena *a)
{
    uint32_t room = 16, at;
    while (room < d->n_rows * UINT64_C(2))
        room *= 2;
    *s = (struct id_set){.slot = ds_new(a, uint32_t, room), .mask = room - 1, .design = d};
    for (uint32_t row = 0; s->slot && row < d->n_rows; row++)
        if (!set_has(s, d->id[row], &at))
            s->slot[at] = row + 1;
}

/* -1 no case, 0 of another design, 1 of this one. */
static int kind_of(const struct id_set *s, struct ds_span key)
{
    uint32_t at;
    struct result_key k = result_key_decode(key);
    if (k.kind != KEY_CASE)
        return -1;
    return s->slot && set_has(s, k.id, &at);
}

size_t siblings_pick(const struct design *d, const struct listing_key *keys, size_t n_keys,
                     struct ds_arena *scratch, uint32_t *out, size_t max)
{
    struct id_set own;
    size_t n = 0, n_others = 0, seen = 0;
    set_build(&own, d, scratch);
    for (size_t i = 0; i < n_keys && i < UINT32_MAX; i++) {
        int kind = kind_of(&own, keys[i].key);
        n_others += kind == 0;
        if (kind == 1 && n < max)
            out[n++] = (uint32_t)i;
    }
    size_t room = max - n, wanted = n_others < room ? n_others : room;
    for (size_t i = 0; i < n_keys && i < UINT32_MAX && wanted > 0; i++) {
        if (kind_of(&own, keys[i].key) != 0)
            continue;
        /* the seen-th of n_others is taken where another wanted-th part begins */
        if (seen * wanted / n_others != (seen + 1) * wanted / n_others && n < max)
            out[n++] = (uint32_t)i;
        seen++;
    }
    return n;
}
