/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/due.h"

#include <assert.h>

#define DUE_MAX_BYTES (64u << 20)

void due_init(struct due_queue *q)
{
    buf_init(&q->heap, DUE_MAX_BYTES);
}

void due_clear(struct due_queue *q)
{
    buf_clear(&q->heap);
}

static struct due_item **items(const struct due_queue *q)
{
    return (struct due_item **)(void *)q->heap.data;
}

size_t due_count(const struct due_queue *q)
{
    return q->heap.len / sizeof(void *);
}

static void set(struct due_queue *q, size_t place, struct due_item *item)
{
    items(q)[place - 1] = item;
    item->place = place;
}

static void move_up(struct due_queue *q, struct due_item *item)
{
    size_t place = item->place;
    for (; place > 1 && items(q)[place / 2 - 1]->at_ms > item->at_ms; place /= 2)
        set(q, place, items(q)[place / 2 - 1]);
    set(q, place, item);
}

static void move_down(struct due_queue *q, struct due_item *item)
{
    size_t place = item->place, n = due_count(q);
    for (size_t child; (child = place * 2) <= n; place = child) {
        if (child < n && items(q)[child]->at_ms < items(q)[child - 1]->at_ms)
            child++;
        if (items(q)[child - 1]->at_ms >= item->at_ms)
            break;
        set(q, place, items(q)[child - 1]);
    }
    set(q, place, item);
}

void due_ask(struct due_queue *q, struct due_item *item, int64_t at_ms)
{
    if (item->place != 0) {
        if (at_ms < item->at_ms) {
            item->at_ms = at_ms;
            move_up(q, item);
        }
        return;
    }
    item->at_ms = at_ms;
    int rc = buf_put(&q->heap, &item, sizeof(void *));
    assert(rc == 0); /* eight million sweeps */
    (void)rc;
    item->place = due_count(q);
    move_up(q, item);
}

void due_drop(struct due_queue *q, struct due_item *item)
{
    size_t n = due_count(q), place = item->place;
    if (place == 0)
        return;
    struct due_item *last = items(q)[n - 1];
    q->heap.len -= sizeof(void *);
    item->place = 0;
    if (last == item)
        return;
    set(q, place, last);
    move_up(q, last);
    move_down(q, last);
}

int64_t due_next_ms(const struct due_queue *q)
{
    return due_count(q) ? items(q)[0]->at_ms : INT64_MAX;
}

struct due_item *due_take(struct due_queue *q, int64_t now_ms)
{
    struct due_item *first = due_count(q) ? items(q)[0] : NULL;
    if (!first || first->at_ms > now_ms)
        return NULL;
    due_drop(q, first);
    return first;
}
