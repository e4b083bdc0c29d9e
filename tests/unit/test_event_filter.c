/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/event_filter.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct event_filter *filter;
static void make(void)
{
    filter = calloc(1, sizeof *filter);
}
static void unmake(void)
{
    free(filter);
}
TestSuite(event_filter, .init = make, .fini = unmake);

static enum event_verdict say(const char *object, const char *reason, const char *text,
                              int64_t now_ms, const struct event_memory **m)
{
    static unsigned n;
    char name[32];
    (void)snprintf(name, sizeof name, "event.%u", n++);
    return event_filter_take(filter, object, reason, text, name, now_ms, m);
}

Test(event_filter, the_same_words_again_count_up_the_event_there_is)
{
    const struct event_memory *m;
    cr_assert_eq(say("u", "RoundEnded", "round 1", 1000, &m), EVENT_CREATE);
    char name[EVENT_NAME_BYTES];
    memcpy(name, m->name, sizeof name);
    cr_assert_eq(m->count, 1);
    cr_assert_eq(say("u", "RoundEnded", "round 1", 2000, &m), EVENT_COUNT_UP);
    cr_assert_str_eq(m->name, name);
    cr_assert_eq(m->count, 2);
    cr_assert_eq(say("v", "RoundEnded", "round 1", 2000, &m), EVENT_CREATE, "of another object");
    cr_assert_eq(say("u", "RoundEnded", "round 1", 2001 + EVENT_SAME_MS, &m), EVENT_CREATE,
                 "too long ago");
}

Test(event_filter, an_event_that_is_gone_is_made_anew)
{
    const struct event_memory *m;
    (void)say("u", "R", "t", 1000, &m);
    char name[EVENT_NAME_BYTES];
    memcpy(name, m->name, sizeof name);
    event_filter_forget(filter, name);
    cr_assert_eq(say("u", "R", "t", 1100, &m), EVENT_CREATE);
}

Test(event_filter, many_words_under_one_reason_become_one_event)
{
    const struct event_memory *m = NULL;
    unsigned created = 0;
    for (int i = 0; i < 20; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "case %d", i);
        created += say("u", "CaseFailed", text, 1000 + i, &m) == EVENT_CREATE;
    }
    cr_assert_eq(created, EVENT_SIMILAR + 1);
    cr_assert(m->combined);
    cr_assert_eq(m->count, 20 - EVENT_SIMILAR);
}

Test(event_filter, an_object_that_shouts_runs_dry_and_others_do_not)
{
    const struct event_memory *m;
    int64_t now = 5000;
    unsigned passed = 0;
    for (int i = 0; i < 200; i++)
        passed += say("loud", "R", "t", now, &m) != EVENT_DROP;
    cr_assert_eq(passed, EVENT_BURST);
    cr_assert_eq(say("calm", "R", "t", now, &m), EVENT_CREATE);
    now += EVENT_REFILL_MS - 1;
    cr_assert_eq(say("loud", "R", "t", now, &m), EVENT_DROP);
    now += 2;
    cr_assert_neq(say("loud", "R", "t", now, &m), EVENT_DROP, "one more after five minutes");
    cr_assert_eq(say("loud", "R", "t", now, &m), EVENT_DROP);
}

Test(event_filter, more_objects_than_it_remembers_are_no_trouble)
{
    const struct event_memory *m;
    for (int i = 0; i < 5000; i++) {
        char uid[16];
        (void)snprintf(uid, sizeof uid, "u%d", i);
        cr_assert_eq(say(uid, "R", "t", 1000 + i, &m), EVENT_CREATE);
    }
}
