/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The heap of due sweeps and the table of records, against slow and simple ones. */
#include "scheduler/due.h"
#include "scheduler/keyed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

Test(due, items_come_out_in_order_of_time_and_only_when_due)
{
    enum { N = 500 };
    static struct due_item item[N];
    static int64_t want[N]; /* 0: not in */
    struct due_queue q;
    uint32_t x = 12345;
    due_init(&q);
    for (int step = 0; step < 200000; step++) {
        x = x * 1664525u + 1013904223u;
        unsigned i = (x >> 8) % N;
        int64_t at = 1 + (x >> 3) % 10000;
        switch (x >> 30) {
        case 0:
        case 1:
            due_ask(&q, &item[i], at);
            if (want[i] == 0 || at < want[i])
                want[i] = at;
            break;
        case 2:
            due_drop(&q, &item[i]);
            want[i] = 0;
            break;
        default: {
            int64_t first = INT64_MAX, now = at;
            for (unsigned k = 0; k < N; k++)
                if (want[k] && want[k] < first)
                    first = want[k];
            cr_assert_eq(due_next_ms(&q), first);
            struct due_item *got = due_take(&q, now);
            cr_assert_eq(got != NULL, first <= now);
            if (got) {
                cr_assert_eq(want[got - item], first);
                want[got - item] = 0;
            }
        }
        }
    }
    while (due_take(&q, INT64_MAX))
        ;
    cr_assert_eq(due_count(&q), 0);
    due_clear(&q);
}

struct record {
    struct keyed_item item;
    char key[16];
    bool in;
};

Test(keyed, finds_what_is_in_and_nothing_else)
{
    enum { N = 3000 };
    static struct record r[N];
    struct keyed t = {0};
    size_t n = 0;
    uint32_t x = 7;
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(r[i].key, sizeof r[i].key, "ns/%u", i);
        r[i].item.key = r[i].key;
    }
    for (int step = 0; step < 50000; step++) {
        x = x * 1664525u + 1013904223u;
        struct record *at = &r[(x >> 8) % N];
        cr_assert_eq(keyed_find(&t, at->key), at->in ? &at->item : NULL);
        if (at->in)
            keyed_remove(&t, &at->item);
        else
            keyed_add(&t, &at->item);
        at->in = !at->in;
        n += at->in ? 1 : (size_t)-1;
        cr_assert_eq(t.n, n);
    }
    struct keyed_scan scan = {0};
    size_t seen = 0;
    for (struct keyed_item *i; (i = keyed_next(&t, &scan)); seen++)
        keyed_remove(&t, i); /* while scanning */
    cr_assert_eq(seen, n);
    cr_assert_eq(t.n, 0);
    cr_assert_null(keyed_find(&t, "ns/1"));
    keyed_clear(&t);
}

Test(due, what_stays_as_it_is_is_looked_at_less_and_less_often)
{
    static const struct {
        int64_t for_ms, wait_ms;
    } CASES[] = {{-1, 5000},      {0, 5000},       {20000, 5000},     {40000, 10000},
                 {200000, 50000}, {240000, 60000}, {INT64_MAX, 60000}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++)
        cr_expect_eq(due_patience_ms(CASES[i].for_ms, 5000, 60000), CASES[i].wait_ms, "%zu", i);
}
