/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/worker.h"
#include "base/clock_io.h"
#include "base/fs_io.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define VERSION_MAX_BYTES 4096u

bool worker_disk_is_low(struct worker *w)
{
    uint64_t free_bytes;
    if (fs_free_bytes(w->scratch.path, &free_bytes, NULL) < 0)
        return false;
    if (free_bytes < DISK_FULL_BYTES)
        w->disk_low_ms = clock_monotonic_ms();
    return free_bytes < w->watermark_bytes;
}

/* ---- an attempt has ended ---- */

static enum ending ending_of(const struct worker *w, const struct run_result *r)
{
    switch (r->ended_by) {
    case RUN_BY_WALL_LIMIT:
        return ENDING_WALL_TIME;
    case RUN_BY_MEM_LIMIT:
        return ENDING_MEMORY;
    case RUN_BY_DISK_LIMIT:
        return ENDING_DISK;
    case RUN_BY_REQUEST:
        return ENDING_STOPPED;
    case RUN_BY_ITSELF:
        break;
    }
    /* Somebody ends the whole machine: our own SIGTERM came too, or is about to. */
    bool asked = r->signal == SIGTERM || r->signal == SIGHUP || r->signal == SIGINT;
    return asked && w->n_signals > 0 ? ENDING_STOPPED : ENDING_ITSELF;
}

static void fill_attempt(struct worker *w, struct attempt *t, const struct run_result *r,
                         int64_t started_ms)
{
    t->ending = ending_of(w, r);
    t->exit_code = r->exit_code;
    t->signal = r->signal;
    t->run_ms = r->wall_ms;
    t->cpu_ms = r->cpu_ms;
    t->peak_mem_bytes = r->peak_mem_bytes;
    t->cpubind = r->cpubind;
    t->membind = r->membind;
    t->oom_kill_rose = r->oom_kills > 0;
    (void)worker_disk_is_low(w);
    t->disk_was_full = w->disk_low_ms > 0 && w->disk_low_ms >= started_ms;
}

static void end_case(struct worker *w, struct running *r, const struct run_result *result)
{
    struct attempt *t = r->attempt;
    fill_attempt(w, t, result, r->started_ms);
    worker_watch_end(&r->watch);
    /* The slot's texts are the place's; the attempt outlives its stay there. */
    t->cpuset = arena_copy(t->arena, ds_span_of(r->cpuset));
    t->nodeset = arena_copy(t->arena, ds_span_of(r->nodeset));
    dispatch_ended(w->dispatch, r->place);
    r->run_id = 0;
    r->attempt = NULL;
    w->n_running--;
    if (w->version == VERSION_ASKED && w->n_held < w->slots.n_max)
        w->held[w->n_held++] = t;
    else
        publisher_submit(w->publisher, t);
}

/* ---- the simulator has told its version ---- */

static bool version_agrees(struct worker *w, char *said, size_t room)
{
    struct ds_span text, line, first;
    ds_auto_arena a = arena_create(1u << 16);
    if (fs_read_file_at(w->scratch.fd, "version", VERSION_MAX_BYTES, a, &text, NULL) < 0)
        text = DS_SPAN("");
    (void)ds_span_cut(text, '\n', &line);
    line = ds_span_trim(line);
    (void)snprintf(said, room, "%.*s", DS_FMT(line));
    struct ds_span rest = ds_span_cut(line, ' ', &first);
    rest = ds_span_trim(rest);
    return ds_span_eq(rest, w->plan.simulator_version)
           || ds_span_eq(line, w->plan.simulator_version);
}

static void end_version(struct worker *w, const struct run_result *r)
{
    char said[200];
    bool good = version_agrees(w, said, sizeof said);
    w->version = good ? VERSION_GOOD : VERSION_BAD;
    w->version_run = 0;
    if (!good && r->ended_by != RUN_BY_REQUEST) { /* else we ended it: told to stop */
        worker_error(
            w,
            "flow --version says '%s', the plan was made for %.*s; install that version or "
            "plan again",
            said, DS_FMT(w->plan.simulator_version));
        w->exit_status = WORK_SIMULATOR;
    }
    for (uint32_t i = 0; i < w->n_held; i++) {
        if (!good)
            w->held[i]->ending = ENDING_STOPPED, w->held[i]->signal = SIGKILL;
        publisher_submit(w->publisher, w->held[i]);
    }
    w->n_held = 0;
}

static struct running *running_of(struct worker *w, uint64_t run_id)
{
    for (uint32_t i = 0; i < w->slots.n_max; i++)
        if (w->running[i].run_id == run_id)
            return &w->running[i];
    return NULL;
}

void worker_take_ended(struct worker *w)
{
    struct run_result result;
    struct ds_err err = {0};
    if (run_host_step(w->host, &err) < 0)
        worker_note(w, "%s", err.text);
    while (run_take_ended(w->host, &result)) {
        if (result.id == w->version_run) {
            end_version(w, &result);
            continue;
        }
        struct running *r = running_of(w, result.id);
        if (r)
            end_case(w, r, &result);
    }
}

/* ---- notes of the publisher ---- */

static void fill_event(struct event *e, const struct publish_note *n)
{
    e->number = n->number;
    e->id = n->id;
    e->attempt = n->item.attempt;
    e->verdict = n->verdict;
    e->wall_ms = n->run_ms;
    e->peak_mem_bytes = n->peak_mem_bytes ? (int64_t)n->peak_mem_bytes : -1;
    e->limit_mem_bytes = n->limit_bytes ? (int64_t)n->limit_bytes : -1;
}

static void remember(struct worker *w, const struct publish_note *n, bool final)
{
    struct unsettled u = {.id = n->id, .attempt = n->item.attempt, .final = final};
    (void)snprintf(u.reason, sizeof u.reason, "%s", n->text);
    (void)buf_put(&w->unsettled, &u, sizeof u);
}

/* What was remembered of this attempt; forgets it. */
static bool recall(struct worker *w, const struct publish_note *n, struct unsettled *out)
{
    struct unsettled *u = (struct unsettled *)(void *)w->unsettled.data;
    size_t count = w->unsettled.len / sizeof *u;
    for (size_t i = 0; i < count; i++) {
        if (!case_id_eq(u[i].id, n->id) || u[i].attempt != n->item.attempt)
            continue;
        *out = u[i];
        u[i] = u[count - 1];
        w->unsettled.len -= sizeof *u;
        return true;
    }
    return false;
}

/* maxFailed counts rows: one simulation may stand for several. */
static uint64_t count_rows_of(const struct design *d, uint32_t row)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < d->n_rows; i++)
        n += memcmp(&d->id[i], &d->id[row], sizeof d->id[i]) == 0;
    return n;
}

static void take_judged(struct worker *w, const struct publish_note *n)
{
    struct event e;
    struct dispatch_verdict v = {.item = n->item,
                                 .verdict = n->verdict,
                                 .limit_bytes = n->limit_bytes,
                                 .peak_bytes = n->peak_mem_bytes,
                                 .run_ms = n->run_ms};
    enum dispatch_fate fate = dispatch_judged(w->dispatch, &v);
    worker_init_event(&e, EVENT_FINISHED);
    fill_event(&e, n);
    (void)snprintf(e.text, sizeof e.text, "%s", n->text);
    worker_say(w, &e);
    if (n->verdict == VERDICT_OK) {
        uint32_t ms = n->run_ms > 0 && n->run_ms < UINT32_MAX ? (uint32_t)n->run_ms : 0;
        (void)buf_put(&w->run_ms, &ms, sizeof ms);
    } else if (n->verdict != VERDICT_CANCELLED) {
        remember(w, n, fate == FATE_FINAL);
        if (fate == FATE_FINAL)
            w->failed_rows += count_rows_of(&w->design, n->item.row);
    } else {
        worker_unmark(w, n->id, n->item.attempt);
    }
}

static void take_committed(struct worker *w, const struct publish_note *n)
{
    struct event e;
    struct unsettled u = {0};
    worker_init_event(&e, n->verdict == VERDICT_OK ? EVENT_COMMITTED : EVENT_FAILED);
    fill_event(&e, n);
    if (n->verdict != VERDICT_OK && recall(w, n, &u)) {
        e.final = u.final;
        (void)snprintf(e.text, sizeof e.text, "%s", u.reason);
    }
    worker_say(w, &e);
}

/* Nothing new starts while the store refuses; what it refused is safe in scratch. */
static void take_stuck(struct worker *w, const struct publish_note *n)
{
    if (!w->store_refuses)
        worker_note(w, "the store takes no results now, nothing new starts: %s", n->text);
    w->store_refuses = true;
}

static void take_lost(struct worker *w, const struct publish_note *n)
{
    struct unsettled u;
    (void)recall(w, n, &u);
    worker_error(w, "case %u was not saved and has to run again: %s", n->number, n->text);
    if (n->verdict == VERDICT_NONE) { /* not even judged: it still counts as in hand */
        struct dispatch_verdict v = {.item = n->item, .verdict = VERDICT_CANCELLED};
        (void)dispatch_judged(w->dispatch, &v);
    }
    w->exit_status = WORK_STORE;
}

void worker_take_notes(struct worker *w)
{
    struct publish_note n;
    while (publisher_take(w->publisher, &n)) {
        if (n.kind == NOTE_JUDGED)
            take_judged(w, &n);
        else if (n.kind == NOTE_COMMITTED)
            take_committed(w, &n);
        else if (n.kind == NOTE_STUCK)
            take_stuck(w, &n);
        else
            take_lost(w, &n);
    }
    if (w->store_refuses && publisher_look(w->publisher).n_busy == 0) {
        w->store_refuses = false;
        w->patience_ms = 0;
        worker_note(w, "the store takes results again");
    }
}
