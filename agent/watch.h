/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch.h - what to do about a run just now: nothing, SIGTERM, SIGKILL, or call it ended
 *
 * Pure and reentrant. */
#ifndef DECKSWEEP_AGENT_WATCH_H
#define DECKSWEEP_AGENT_WATCH_H

#include "agent/run_by.h"

#include <stdbool.h>
#include <stdint.h>

enum watch_action { WATCH_NONE, WATCH_TERM, WATCH_KILL, WATCH_END };

struct watch_view {
    int64_t now_ms, start_ms, term_ms;   /* term_ms: when SIGTERM went out; 0 not yet */
    uint64_t wall_limit_ms, grace_ms;    /* wall 0 = none */
    uint64_t mem_bytes, mem_limit_bytes; /* limit 0 = none */
    unsigned n_processes;                /* alive: neither zombie nor gone; the leader included */
    bool leader_ended;
    bool stop_asked, kill_asked;
    enum run_by asked_by;
};

struct watch_decision {
    enum watch_action action;
    enum run_by by; /* TERM, KILL: the reason, RUN_BY_ITSELF for leftovers of an ended leader */
};

/* Memory over the limit means SIGKILL at once: a process that is growing fast would take
 * its neighbours with it while it is asked politely. Equal to the limit is within it. */
struct watch_decision watch_decide(const struct watch_view *v);

/* Shared pages: is it worth reading PSS now, which costs the kernel a walk of the page
 * tables? When the RSS sum is over the limit, or has grown by 1/20 since the last reading,
 * but never more than 1/20 of the time: last_cost_us is what the last reading took. */
bool watch_wants_pss(uint64_t rss_bytes, uint64_t rss_at_last, uint64_t mem_limit_bytes,
                     int64_t since_last_us, int64_t last_cost_us);

/* PSS now, from the last reading and how RSS has moved since: the same fraction. */
uint64_t watch_estimate_pss(uint64_t rss_bytes, uint64_t rss_at_last, uint64_t pss_at_last);

#endif
