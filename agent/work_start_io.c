/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/command.h"
#include "agent/parameters.h"
#include "agent/worker.h"
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CASE_ARENA_CAP   ((size_t)256 << 20)
#define VERSION_LIMIT_MS 30000
#define BACKLOG_A_PLACE  4u
#define BACKLOG_LEAST    16u

/* ---- may anything start? ---- */

/* Ended cases that wait to be packed fill the disk; the running ones must not run ahead. */
static bool is_backlogged(struct worker *w)
{
    return publisher_look(w->publisher).n_waiting
           > BACKLOG_LEAST + BACKLOG_A_PLACE * w->slots.n_max;
}

static bool may_start(struct worker *w)
{
    if (w->n_signals > 0 || w->exit_status != 0 || w->store_refuses || is_backlogged(w)
        || (w->next_start_ms > 0 && clock_monotonic_ms() < w->next_start_ms))
        return false;
    /* What ends before the version is known has to be held: no more than there is room for. */
    if (w->version == VERSION_ASKED && w->n_running + w->n_held >= w->slots.n_max)
        return false;
    bool low = worker_disk_is_low(w) || w->budget_paused;
    if (low && !w->disk_paused)
        worker_note(w, "scratch is nearly full: nothing new starts until there is room");
    if (!low && w->disk_paused)
        worker_note(w, "scratch has room again");
    w->disk_paused = low;
    return !low;
}

/* Somebody may have committed this case since the listing. */
static bool is_covered(struct worker *w, struct case_id id)
{
    struct result_key key = {.kind = KEY_CASE, .id = id, .verdict = VERDICT_OK};
    char name[RESULT_KEY_BYTES], full[STORE_KEY_BYTES];
    uint64_t bytes;
    memcpy(key.keep, w->keep, sizeof key.keep);
    result_key_encode(&key, name);
    (void)snprintf(full, sizeof full, "%s%s", w->prefix, name);
    return store_head(w->store, full, &bytes, NULL) == 0;
}

/* ---- one case ---- */

static struct attempt *make_attempt(struct worker *w, const struct dispatch_order *order)
{
    struct attempt *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->item = order->item;
    t->number = w->design.number[order->item.row];
    t->id = w->design.id[order->item.row];
    t->limit_bytes = order->limit_bytes;
    t->keep_folder = w->options->keep_failed;
    t->arena = arena_create(CASE_ARENA_CAP);
    attempt_name(t->number, t->item.attempt, t->name);
    return t;
}

static void unmake_attempt(struct worker *w, struct attempt *t)
{
    int rc = fs_remove_tree_at(w->scratch.cases_fd, t->name, NULL);
    (void)rc; /* goes with the scratch folder */
    arena_destroy(t->arena);
    free(t);
}

static int build_command(struct worker *w, struct attempt *t, const struct plan *filled,
                         struct ds_err *err)
{
    struct command_case c = {.deck = w->plan.deck_name,
                             .output = DS_SPAN("."),
                             .altered_args = t->item.altered_args,
                             .as_root = geteuid() == 0};
    return command_build(filled, &c, t->arena, &t->argv, &t->n_argv, err);
}

static int run_case(struct worker *w, struct attempt *t, struct running *r, struct ds_err *err)
{
    const struct slot *slot = &w->slots.at[r->place];
    char cwd[PATH_MAX_BYTES], out[PATH_MAX_BYTES], errors[PATH_MAX_BYTES];
    const char *in = w->scratch.path;
    int n = snprintf(cwd, sizeof cwd, "%s/cases/%s/%.*s", in, t->name, DS_FMT(w->plan.deck_dir));
    int m = snprintf(out, sizeof out, "%s/cases/%s/stdout", in, t->name);
    int k = snprintf(errors, sizeof errors, "%s/cases/%s/stderr", in, t->name);
    if (n < 0 || (size_t)n >= sizeof cwd || m < 0 || (size_t)m >= sizeof out || k < 0
        || (size_t)k >= sizeof errors)
        return ds_fail(err, DS_ETOOBIG, "scratch %s: name too long", in);
    struct run_spec spec = {.argv = t->argv,
                            .env = w->env,
                            .cwd = cwd,
                            .stdout_path = out,
                            .stderr_path = errors,
                            .cpus = &slot->cpus,
                            .nodes = slot->bind_memory ? &slot->nodes : NULL,
                            .oom_first = true,
                            .shared_memory = w->plan.ranks > 1,
                            .mem_limit_bytes = t->limit_bytes,
                            .wall_limit_ms = w->plan.wall_ms,
                            .grace_ms = WORKER_KILL_GRACE_MS};
    t->started_unix_ms = clock_unix_ms();
    return run_start(w->host, &spec, &r->run_id, err);
}

static void occupy(struct worker *w, struct attempt *t, struct running *r)
{
    const struct slot *slot = &w->slots.at[r->place];
    r->attempt = t;
    r->started_ms = clock_monotonic_ms();
    cpuset_format(&slot->cpus, r->cpuset);
    cpuset_format(&slot->nodes, r->nodeset);
    t->cpuset = ds_span_of(r->cpuset);
    t->nodeset = ds_span_of(r->nodeset);
    worker_watch_start(&r->watch, r->started_ms);
    w->n_running++;
}

static void say_started(struct worker *w, const struct attempt *t, const struct running *r)
{
    struct event e;
    struct run_usage usage = {0};
    (void)run_look(w->host, r->run_id, &usage);
    worker_init_event(&e, EVENT_STARTED);
    e.number = t->number;
    e.id = t->id;
    e.attempt = t->item.attempt;
    e.slot = r->place;
    e.pid = usage.pid;
    e.limit_mem_bytes = t->limit_bytes ? (int64_t)t->limit_bytes : -1;
    e.n_steps = w->plan.features.n_report_steps ? (int64_t)w->plan.features.n_report_steps : -1;
    (void)snprintf(e.cpuset, sizeof e.cpuset, "%.127s", r->cpuset);
    worker_say(w, &e);
}

static void say_staged(struct worker *w, const struct attempt *t, uint32_t place)
{
    struct event e;
    worker_init_event(&e, EVENT_STAGED);
    e.number = t->number;
    e.id = t->id;
    e.attempt = t->item.attempt;
    e.slot = place;
    e.wall_ms = t->stage_ms;
    worker_say(w, &e);
}

static int start_case(struct worker *w, struct attempt *t, struct running *r, struct ds_err *err)
{
    struct staged staged;
    int64_t from = clock_monotonic_ms();
    int rc =
        stage_case(w->stage, t->item.row, w->scratch.cases_fd, t->name, t->arena, &staged, err);
    if (rc < 0)
        return rc;
    t->values = staged.values;
    t->stage_ms = clock_monotonic_ms() - from;
    rc = build_command(w, t, staged.plan, err);
    rc = rc < 0 ? rc : worker_mark(w, t, err);
    if (rc < 0)
        return rc;
    say_staged(w, t, r->place);
    rc = run_case(w, t, r, err);
    if (rc < 0)
        worker_unmark(w, t->id, t->item.attempt);
    return rc;
}

/* A start that failed: the disk (or its inodes) or the system (processes, memory) may have
 * room later, a missing program never. */
static void heed_failure(struct worker *w, int rc, const struct dispatch_order *order,
                         const struct ds_err *err)
{
    int64_t now_ms = clock_monotonic_ms();
    dispatch_put_back(w->dispatch, order);
    if (rc != DS_ENOSPC && rc != DS_EIO) {
        worker_error(w, "%s", err->text);
        w->exit_status = rc == DS_ESIMULATOR ? WORK_SIMULATOR : WORK_STORE;
        return;
    }
    if (w->start_failed_ms == 0) {
        worker_note(w, "cannot start a case now: %s", err->text);
        w->start_failed_ms = now_ms;
    }
    if (rc == DS_ENOSPC)
        w->disk_low_ms = now_ms;
    w->next_start_ms = now_ms + WORKER_START_PAUSE_MS;
    if (w->n_running == 0 && now_ms - w->start_failed_ms > WORKER_DISK_PATIENCE_MS) {
        worker_error(w, "cannot start a case: %s", err->text);
        w->exit_status = WORK_STORE;
    }
}

static bool start_one(struct worker *w, const struct dispatch_order *order)
{
    struct ds_err err = {0};
    if (is_covered(w, w->design.id[order->item.row])) {
        dispatch_skip(w->dispatch, order->place);
        return true;
    }
    struct running *r = &w->running[order->place];
    *r = (struct running){.place = order->place};
    struct attempt *t = make_attempt(w, order);
    int rc = start_case(w, t, r, &err);
    if (rc < 0) {
        unmake_attempt(w, t);
        r->run_id = 0;
        heed_failure(w, rc, order, &err);
        return false;
    }
    w->start_failed_ms = w->next_start_ms = 0;
    occupy(w, t, r);
    say_started(w, t, r);
    return true;
}

void worker_start_more(struct worker *w, bool *done)
{
    struct dispatch_order order;
    *done = false;
    while (may_start(w)) {
        enum dispatch_answer answer = dispatch_next(w->dispatch, &order);
        if (answer != DISPATCH_START) {
            *done = answer == DISPATCH_DONE;
            return;
        }
        if (!start_one(w, &order))
            return;
    }
}

/* ---- the simulator's version ---- */

int worker_ask_version(struct worker *w)
{
    static const char *const argv[] = {"flow", "--version", NULL};
    char out[PATH_MAX_BYTES];
    struct ds_err err = {0};
    if (!w->plan.preset_flow || w->plan.simulator_version.len == 0) {
        w->version = VERSION_GOOD; /* a command's version is the user's word */
        return 0;
    }
    const char *const *env;
    int n = snprintf(out, sizeof out, "%s/version", w->scratch.path);
    if (command_version_environment((const char *const *)environ, &w->plan, w->arena, &env, &err)
        < 0) {
        worker_error(w, "%s", err.text);
        return WORK_STORE;
    }
    struct run_spec spec = {.argv = argv,
                            .env = env,
                            .cwd = w->scratch.path,
                            .stdout_path = n > 0 && (size_t)n < sizeof out ? out : NULL,
                            .unwatched = true,
                            .wall_limit_ms = VERSION_LIMIT_MS};
    if (run_start(w->host, &spec, &w->version_run, &err) < 0) {
        worker_error(w, "%s", err.text);
        return WORK_SIMULATOR;
    }
    w->version = VERSION_ASKED;
    return 0;
}
