/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keyed.h - records by name: a hash table whose items live inside the caller's records. Pure. */
#ifndef DS_SCHEDULER_KEYED_H
#define DS_SCHEDULER_KEYED_H

#include "decksweep/span.h"

struct keyed_item {
    struct keyed_item *next;
    uint64_t hash;
    const char *key; /* the record's own; must not change while it is in */
};
struct keyed {
    struct keyed_item **slot; /* NULL: empty */
    size_t room, n;
};

void keyed_clear(struct keyed *t); /* frees the slots, never the items */
struct keyed_item *keyed_find(const struct keyed *t, const char *key);
/* item->key is set; it must not be in. Aborts when there is no memory. */
void keyed_add(struct keyed *t, struct keyed_item *item);
void keyed_remove(struct keyed *t, struct keyed_item *item);
/* All items, in no order: start with NULL; the returned one may be removed before the next call. */
struct keyed_scan {
    size_t slot;
    struct keyed_item *next;
};
struct keyed_item *keyed_next(const struct keyed *t, struct keyed_scan *s); /* s zeroed at first */

#endif
