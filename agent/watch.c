/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/watch.h"

struct watch_decision watch_decide(const struct watch_view *v)
{
    struct watch_decision kill = {.action = WATCH_KILL};
    struct watch_decision term = {.action = WATCH_TERM};
    if (v->leader_ended && v->n_processes == 0)
        return (struct watch_decision){.action = WATCH_END};
    if (v->leader_ended)
        return kill; /* leftovers: nothing they write belongs to the case */
    if (v->kill_asked) {
        kill.by = v->asked_by;
        return kill;
    }
    if (v->mem_limit_bytes > 0 && v->mem_bytes > v->mem_limit_bytes) {
        kill.by = RUN_BY_MEM_LIMIT;
        return kill;
    }
    bool wall_over = v->wall_limit_ms > 0 && v->now_ms >= v->start_ms
                     && (uint64_t)(v->now_ms - v->start_ms) >= v->wall_limit_ms;
    if (!v->stop_asked && !wall_over)
        return (struct watch_decision){.action = WATCH_NONE};
    term.by = v->stop_asked ? v->asked_by : RUN_BY_WALL_LIMIT;
    if (v->term_ms == 0)
        return term;
    kill.by = term.by;
    if (v->now_ms >= v->term_ms && (uint64_t)(v->now_ms - v->term_ms) >= v->grace_ms)
        return kill;
    return (struct watch_decision){.action = WATCH_NONE};
}

bool watch_wants_pss(uint64_t rss_bytes, uint64_t rss_at_last, uint64_t mem_limit_bytes,
                     int64_t since_last_us, int64_t last_cost_us)
{
    if (rss_at_last == 0)
        return rss_bytes > 0;
    if (since_last_us < last_cost_us * 20)
        return false;
    if (mem_limit_bytes > 0 && rss_bytes > mem_limit_bytes)
        return true;
    return rss_bytes > rss_at_last + rss_at_last / 20;
}

uint64_t watch_estimate_pss(uint64_t rss_bytes, uint64_t rss_at_last, uint64_t pss_at_last)
{
    if (rss_at_last == 0 || pss_at_last > rss_at_last)
        return rss_bytes;
    return (uint64_t)((double)rss_bytes * ((double)pss_at_last / (double)rss_at_last));
}
