/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/event_filter.h"

#include <stdio.h>

/* FNV-1a of 64 bits over texts with a NUL between; never 0. */
static uint64_t hash_texts(const char *a, const char *b, const char *c)
{
    const char *const part[] = {a, b, c};
    uint64_t h = 14695981039346656037ull;
    for (size_t i = 0; i < DS_COUNT(part); i++) {
        for (const char *p = part[i]; p && *p; p++)
            h = (h ^ (unsigned char)*p) * 1099511628211ull;
        h *= 1099511628211ull;
    }
    return h ? h : 1;
}

static bool take_token(struct event_filter *f, uint64_t object, int64_t now_ms)
{
    struct event_bucket *b = &f->bucket[0];
    for (size_t i = 0; i < EVENT_OBJECTS && b->object != object; i++) {
        struct event_bucket *at = &f->bucket[i];
        if (at->object == object || at->at_ms < b->at_ms)
            b = at;
    }
    if (b->object != object)
        *b = (struct event_bucket){object, EVENT_BURST, now_ms};
    b->tokens += (double)(now_ms - b->at_ms) / EVENT_REFILL_MS;
    if (b->tokens > EVENT_BURST)
        b->tokens = EVENT_BURST;
    b->at_ms = now_ms;
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}

static bool is_alive(const struct event_memory *m, int64_t now_ms)
{
    return m->same != 0 && now_ms - m->at_ms < EVENT_SAME_MS;
}

/* The event with this hash, or the place for it (same == 0); counts the similar ones. */
static struct event_memory *find_event(struct event_filter *f, uint64_t same, uint64_t similar,
                                       int64_t now_ms, uint32_t *n_similar)
{
    struct event_memory *found = NULL, *oldest = &f->event[0];
    *n_similar = 0;
    for (size_t i = 0; i < EVENT_REMEMBERED; i++) {
        struct event_memory *m = &f->event[i];
        if (!is_alive(m, now_ms))
            m->same = 0;
        if (m->same == 0 ? oldest->same != 0 : oldest->same != 0 && m->at_ms < oldest->at_ms)
            oldest = m;
        if (m->same == same)
            found = m;
        *n_similar += m->same != 0 && m->similar == similar && !m->combined;
    }
    if (found)
        return found;
    oldest->same = 0;
    return oldest;
}

enum event_verdict event_filter_take(struct event_filter *f, const char *object, const char *reason,
                                     const char *text, const char *name, int64_t now_ms,
                                     const struct event_memory **at)
{
    uint64_t similar = hash_texts(object, reason, NULL), same = hash_texts(object, reason, text);
    uint32_t n_similar;
    struct event_memory *m = find_event(f, same, similar, now_ms, &n_similar);
    bool combined = false;
    if (m->same == 0 && n_similar >= EVENT_SIMILAR) {
        combined = true;
        same = hash_texts(object, reason, "\x01"); /* no words of ours */
        m = find_event(f, same, similar, now_ms, &n_similar);
    }
    if (!take_token(f, hash_texts(object, NULL, NULL), now_ms))
        return EVENT_DROP;
    *at = m;
    if (m->same != 0) {
        m->at_ms = now_ms;
        m->count++;
        return EVENT_COUNT_UP;
    }
    *m = (struct event_memory){.same = same,
                               .similar = similar,
                               .first_ms = now_ms,
                               .at_ms = now_ms,
                               .count = 1,
                               .combined = combined};
    (void)snprintf(m->name, sizeof m->name, "%s", name);
    return EVENT_CREATE;
}

void event_filter_forget(struct event_filter *f, const char *name)
{
    for (size_t i = 0; i < EVENT_REMEMBERED; i++)
        if (f->event[i].same != 0 && strcmp(f->event[i].name, name) == 0)
            f->event[i].same = 0;
}
