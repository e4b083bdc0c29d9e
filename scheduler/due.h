/* SPDX-License-Identifier: GPL-3.0-or-later */
/* due.h - what is to be looked at, and when: a heap of items that live in the caller's records
 *
 * An item is in once; asking again for an earlier time moves it up, for a later one changes
 * nothing. Pure. */
#ifndef DS_SCHEDULER_DUE_H
#define DS_SCHEDULER_DUE_H

#include "base/buf.h"

struct due_item {
    int64_t at_ms;
    size_t place; /* in the heap, from 1; 0: not in */
};
struct due_queue {
    struct ds_buf heap; /* struct due_item * */
};

void due_init(struct due_queue *q);
void due_clear(struct due_queue *q);
size_t due_count(const struct due_queue *q);
void due_ask(struct due_queue *q, struct due_item *item, int64_t at_ms);
void due_drop(struct due_queue *q, struct due_item *item); /* not in: nothing */
int64_t due_next_ms(const struct due_queue *q);            /* INT64_MAX: none */
/* How long to wait before looking again at what has been so for for_ms: a quarter of that, within
 * least_ms and most_ms. */
static inline int64_t due_patience_ms(int64_t for_ms, int64_t least_ms, int64_t most_ms)
{
    int64_t wait = for_ms / 4;
    return wait < least_ms ? least_ms : wait > most_ms ? most_ms : wait;
}
/* The earliest item that is due, taken out; NULL: none is. */
struct due_item *due_take(struct due_queue *q, int64_t now_ms);

#endif
