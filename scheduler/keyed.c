/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/keyed.h"

#include <stdlib.h>

static uint64_t hash_key(const char *key)
{
    uint64_t h = 14695981039346656037ull; /* FNV-1a */
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 1099511628211ull;
    return h ^ (h >> 32);
}

void keyed_clear(struct keyed *t)
{
    free(t->slot);
    memset(t, 0, sizeof *t);
}

struct keyed_item *keyed_find(const struct keyed *t, const char *key)
{
    uint64_t hash = hash_key(key);
    if (t->room == 0)
        return NULL;
    for (struct keyed_item *i = t->slot[hash & (t->room - 1)]; i; i = i->next)
        if (i->hash == hash && strcmp(i->key, key) == 0)
            return i;
    return NULL;
}

static void grow(struct keyed *t)
{
    size_t room = t->room ? t->room * 2 : 64;
    struct keyed_item **slot = calloc(room, sizeof(struct keyed_item *));
    if (!slot)
        abort();
    for (size_t s = 0; s < t->room; s++) {
        for (struct keyed_item *i = t->slot[s], *next; i; i = next) {
            next = i->next;
            i->next = slot[i->hash & (room - 1)];
            slot[i->hash & (room - 1)] = i;
        }
    }
    free(t->slot);
    t->slot = slot;
    t->room = room;
}

void keyed_add(struct keyed *t, struct keyed_item *item)
{
    if (t->n >= t->room)
        grow(t);
    item->hash = hash_key(item->key);
    item->next = t->slot[item->hash & (t->room - 1)];
    t->slot[item->hash & (t->room - 1)] = item;
    t->n++;
}

void keyed_remove(struct keyed *t, struct keyed_item *item)
{
    struct keyed_item **at = &t->slot[item->hash & (t->room - 1)];
    while (*at && *at != item)
        at = &(*at)->next;
    if (*at) {
        *at = item->next;
        t->n--;
    }
}

struct keyed_item *keyed_next(const struct keyed *t, struct keyed_scan *s)
{
    struct keyed_item *found = s->next;
    while (!found && s->slot < t->room)
        found = t->slot[s->slot++];
    s->next = found ? found->next : NULL;
    return found;
}
