/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/scratch_use.h"
#include "agent/scratch_use_io.h"
#include "agent/worker.h"
#include "base/clock_io.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- markers ---- */

static void marker_key(const struct worker *w, struct case_id id, uint32_t attempt,
                       char out[STORE_KEY_BYTES])
{
    struct result_key key = {.kind = KEY_STARTED, .id = id, .attempt = attempt};
    char name[RESULT_KEY_BYTES];
    result_key_encode(&key, name);
    (void)snprintf(out, STORE_KEY_BYTES, "%s%s", w->prefix, name);
}

int worker_mark(struct worker *w, const struct attempt *t, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    bool existed;
    if (!w->mark_starts)
        return 0;
    marker_key(w, t->id, t->item.attempt, key);
    return store_put_if_absent(w->store, key, (struct store_body){.data = "", .fd = -1, .len = 0},
                               &existed, err);
}

void worker_unmark(struct worker *w, struct case_id id, uint32_t attempt)
{
    char key[STORE_KEY_BYTES];
    struct ds_err err = {0};
    if (!w->mark_starts)
        return;
    marker_key(w, id, attempt, key);
    if (store_remove(w->store, key, &err) < 0) /* it will count as one lost attempt */
        worker_note(w, "%s", err.text);
}

bool worker_must_mark(const struct worker *w)
{
    if (w->options->mark_starts)
        return true;
    for (uint32_t i = 0; w->options->message_path && i < w->chunk.n_prior; i++)
        if (w->chunk.prior[i].failed[VERDICT_LOST] > 0)
            return true;
    return false;
}

/* ---- used scratch ---- */

static void measure_cases(struct worker *w)
{
    char path[sizeof w->scratch.path + 64];
    for (uint32_t i = 0; i < w->slots.n_max; i++) {
        w->case_bytes[i] = 0;
        if (w->running[i].run_id == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/cases/%s", w->scratch.path,
                       w->running[i].attempt->name);
        w->case_bytes[i] = scratch_used_bytes(path);
    }
}

static void end_largest(struct worker *w, uint32_t place, int64_t now_ms)
{
    const struct running *r = &w->running[place];
    worker_note(w, "scratch is full: case %u, the largest, is ended", r->attempt->number);
    run_kill(w->host, r->run_id, RUN_BY_DISK_LIMIT);
    w->disk_ended_ms = now_ms;
}

void worker_watch_use(struct worker *w, int64_t now_ms)
{
    if (w->budget_bytes == 0 || now_ms < w->next_use_ms)
        return;
    if (now_ms - w->disk_ended_ms >= WORKER_DISK_END_MS)
        w->disk_ended_ms = 0;
    measure_cases(w);
    struct scratch_use use = {.budget_bytes = w->budget_bytes,
                              .used_bytes = scratch_used_bytes(w->scratch.path),
                              .case_bytes = w->case_bytes,
                              .n_places = w->slots.n_max,
                              .ending = w->disk_ended_ms > 0};
    struct scratch_wish wish = scratch_decide(&use);
    w->budget_paused = wish.pause;
    if (wish.end_one >= 0)
        end_largest(w, (uint32_t)wish.end_one, now_ms);
    int64_t cost_ms = clock_monotonic_ms() - now_ms, rest_ms = cost_ms * WORKER_USE_SHARE;
    w->next_use_ms = now_ms + (rest_ms > WORKER_USE_MS ? rest_ms : WORKER_USE_MS);
}
