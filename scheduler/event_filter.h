/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_filter.h - which events are worth a request? client-go's correlator, small
 *
 * The same words about the same object again within EVENT_SAME_MS count up the event there is;
 * more than EVENT_SIMILAR different words under one reason become one "combined" event; and an
 * object has a bucket of EVENT_BURST events that gets one back every EVENT_REFILL_MS. What is
 * remembered is bounded: the longest unused is forgotten. Pure. */
#ifndef DS_SCHEDULER_EVENT_FILTER_H
#define DS_SCHEDULER_EVENT_FILTER_H

#include "decksweep/span.h"

#define EVENT_BURST      25
#define EVENT_REFILL_MS  300000
#define EVENT_SAME_MS    600000
#define EVENT_SIMILAR    10u
#define EVENT_OBJECTS    256u  /* buckets remembered */
#define EVENT_REMEMBERED 1024u /* events remembered */
#define EVENT_NAME_BYTES 80u   /* of the Event object */

struct event_bucket {
    uint64_t object; /* hash; 0 free */
    double tokens;
    int64_t at_ms;
};
struct event_memory {
    uint64_t same;    /* hash of object, reason and words; 0 free */
    uint64_t similar; /* hash of object and reason */
    int64_t first_ms, at_ms;
    uint32_t count;
    char name[EVENT_NAME_BYTES];
    bool combined;
};
struct event_filter {
    struct event_bucket bucket[EVENT_OBJECTS];
    struct event_memory event[EVENT_REMEMBERED];
};

enum event_verdict { EVENT_DROP = 0, EVENT_CREATE, EVENT_COUNT_UP };

/* object: its uid; name: of the Event to create, kept when that is the verdict (<= 79 bytes).
 * *at: what is to be created or counted up (name, count, combined); stays until the next call. Times
 * monotonic ms. Cost: two scans of the tables. */
enum event_verdict event_filter_take(struct event_filter *f, const char *object, const char *reason,
                                     const char *text, const char *name, int64_t now_ms,
                                     const struct event_memory **at);
/* The event could not be counted up (its TTL is over): forget it, so that it is created. */
void event_filter_forget(struct event_filter *f, const char *name);

#endif
