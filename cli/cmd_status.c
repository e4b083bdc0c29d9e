/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep status TARGET - how far a sweep is, now or all the time */
#include "base/clock_io.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/cluster_status_io.h"
#include "cli/cmd.h"
#include "cli/display_io.h"
#include "cli/text.h"
#include "cli/watch_io.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>

#define OUT_BYTES  (16u << 20)
#define FIND_MS    5000
#define POLL_MS    200
#define MAX_LISTED 64u

struct status {
    struct cli *cli;
    struct target *t;
    struct watch watch;
    struct display *display; /* --watch */
    struct display_state view;
    bool dataset;
    uint64_t dataset_bytes;
};

/* Exit status: nothing left to do and not all of it is ok. */
static int status_of(const struct census *c)
{
    bool over = c->n_new == 0 && c->n_outstanding == 0;
    return over && (c->n_failed > 0 || c->n_no_fit > 0 || c->n_lacking > 0) ? CLI_CASES : CLI_OK;
}

/* Rows of the design that one event's case stands for. */
static uint32_t rows_of(void *context, const struct event *e)
{
    const struct status *s = context;
    const struct design *d = &s->t->design;
    int64_t row = -1;
    uint32_t n = 0;
    if (d->n_rows != s->t->census.n_distinct && e->number >= 0 && e->number <= UINT32_MAX)
        row = design_find_number(d, (uint32_t)e->number);
    if (row < 0)
        return 1;
    for (uint32_t i = (uint32_t)row; i < d->n_rows; i++)
        n += s->t->census.tally_of_row[i] == s->t->census.tally_of_row[row];
    return n;
}

static void take_event(void *context, const struct watch_run *run, const struct event *e)
{
    struct status *s = context;
    (void)run;
    if (s->display)
        display_event(s->display, e);
    else
        display_state_event(&s->view, e);
}

/* The counts are the census's; what the runs' files add is who runs what, and how fast. */
static int read_view(struct status *s, struct ds_err *err)
{
    const struct census *c = &s->t->census;
    int64_t now = clock_unix_ms(), first = now;
    struct display_setup setup = {.n_total = s->t->design.n_rows, .now_ms = now};
    int rc = display_state_init(&s->view, &setup, s->t->arena, err);
    if (rc == 0)
        rc = watch_find(&s->watch, s->t, err);
    if (rc == 0)
        rc = watch_read(&s->watch, take_event, s, err);
    for (size_t i = 0; i < s->watch.n_runs; i++)
        if (s->watch.runs[i].first_ms > 0 && s->watch.runs[i].first_ms < first)
            first = s->watch.runs[i].first_ms;
    s->view.setup.now_ms = first;
    s->view.setup.n_done_before = c->n_done;
    s->view.setup.n_failed_before = c->n_failed;
    s->view.n_ok = s->view.n_failed = 0;
    return rc;
}

static void find_dataset(struct status *s)
{
    static const char *const NAMES[] = {"dataset/summary.nc", "dataset/summary.csv",
                                        "dataset/summary.csv.gz", "dataset/summary.csv.zst"};
    for (size_t i = 0; i < DS_COUNT(NAMES); i++) {
        uint64_t bytes;
        if (store_head(s->t->store, target_key(s->t, NAMES[i]), &bytes, NULL) == 0) {
            s->dataset = true;
            s->dataset_bytes += bytes;
        }
    }
}

/* ---- for people ---- */

static void put_count(struct ds_buf *out, const char *name, uint32_t n)
{
    if (n > 0)
        (void)buf_printf(out, "  %-24s %9u\n", name, n);
}

static void put_counts(const struct status *s, struct ds_buf *out)
{
    const struct census *c = &s->t->census;
    char size[UNITS_TEXT_BYTES];
    units_format_size(c->stored_bytes, size);
    text_put(out, s->t->label);
    (void)buf_printf(out, ": %u %s (%s), plan %s\n", s->t->design.n_rows,
                     s->t->design.n_rows == 1 ? "case" : "cases",
                     design_method_name(s->t->plan.method), s->t->plan_digest);
    put_count(out, "ok", c->n_done);
    for (unsigned v = VERDICT_DECK_ERROR; v < VERDICT_COUNT; v++)
        put_count(out, verdict_name((enum verdict)v), c->n_failed_by[v]);
    put_count(out, "failed, will be retried", c->n_outstanding);
    put_count(out, "lacking a kept class", c->n_lacking);
    put_count(out, "does not fit here", c->n_no_fit);
    put_count(out, "not yet run", c->n_new);
    if (c->n_orphaned > 0)
        (void)buf_printf(out, "  %u results belong to no case of this plan (`decksweep prune`)\n",
                         c->n_orphaned);
    (void)buf_printf(out, "  %s of results stored\n", size);
}

static void put_running(const struct status *s, struct ds_buf *out)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < s->view.n_slots; i++) {
        const struct display_slot *slot = &s->view.slots[i];
        if (slot->phase != SHOWN_STAGED && slot->phase != SHOWN_RUNNING)
            continue;
        if (n++ == MAX_LISTED) {
            (void)buf_put_text(out, "  ...\n");
            break;
        }
        char took[UNITS_TEXT_BYTES];
        int64_t ms = clock_unix_ms() - slot->started_ms;
        units_format_duration(slot->started_ms > 0 && ms > 0 ? ms : 0, took);
        (void)buf_printf(out, "  case %-6lld slot %-3u", (long long)slot->number, i);
        if (slot->step >= 0 && slot->n_steps > 0)
            (void)buf_printf(out, "  report step %lld of %lld", (long long)slot->step,
                             (long long)slot->n_steps);
        (void)buf_printf(out, "  %s\n", slot->phase == SHOWN_STAGED ? "staging" : took);
    }
}

static void put_runs(const struct status *s, struct ds_buf *out)
{
    bool alive = watch_alive(&s->watch);
    const struct census *c = &s->t->census;
    bool left = c->n_new > 0 || c->n_outstanding > 0;
    if (!alive) {
        if (left)
            (void)buf_put_text(out, "nothing runs: the same `decksweep run` goes on\n");
        return;
    }
    for (size_t i = 0; i < s->watch.n_runs; i++) {
        (void)buf_put_text(out, "running: ");
        text_put(out, ds_span_of(s->watch.runs[i].key + strlen(s->t->prefix)));
        (void)buf_put_char(out, '\n');
    }
    put_running(s, out);
    int64_t eta_ms = display_eta_ms(&s->view, clock_unix_ms());
    double rate = display_rate_per_s(&s->view, clock_unix_ms());
    if (eta_ms > 0 && rate > 0) {
        char eta[UNITS_TEXT_BYTES];
        units_format_duration(eta_ms, eta);
        (void)buf_printf(out, "  %.1f cases a minute, about %s left\n", rate * 60, eta);
    }
}

static void put_text(const struct status *s, struct ds_buf *out)
{
    put_counts(s, out);
    put_runs(s, out);
    uint32_t n = s->view.n_reasons, first = n > DISPLAY_REASONS ? n - DISPLAY_REASONS : 0;
    for (uint32_t i = first; i < n; i++) {
        const struct display_reason *r = &s->view.reasons[i % DISPLAY_REASONS];
        (void)buf_printf(out, "  case %lld: %s%s", (long long)r->number,
                         r->verdict ? verdict_name(r->verdict) : "failed", r->text[0] ? ": " : "");
        text_put(out, ds_span_of(r->text));
        (void)buf_put_char(out, '\n');
    }
    if (s->t->census.n_failed > 0)
        (void)buf_printf(out, "why cases failed: decksweep ls %.*s --failed\n",
                         DS_FMT(s->t->label));
    if (s->dataset) {
        char size[UNITS_TEXT_BYTES];
        units_format_size(s->dataset_bytes, size);
        (void)buf_printf(out, "dataset: %.*s/dataset (%s)\n", DS_FMT(s->t->label), size);
    } else {
        (void)buf_printf(out, "no dataset yet: decksweep collect %.*s\n", DS_FMT(s->t->label));
    }
}

/* ---- for scripts ---- */

static void put_json_running(const struct status *s, struct json_writer *w)
{
    jw_key(w, "running");
    jw_array(w);
    for (uint32_t i = 0; i < s->view.n_slots && watch_alive(&s->watch); i++) {
        const struct display_slot *slot = &s->view.slots[i];
        if (slot->phase != SHOWN_STAGED && slot->phase != SHOWN_RUNNING)
            continue;
        jw_object(w);
        jw_kv_i64(w, "case", slot->number);
        jw_kv_u64(w, "slot", i);
        jw_kv_i64(w, "attempt", slot->attempt);
        jw_kv_i64(w, "report_step", slot->step);
        jw_kv_i64(w, "n_report_steps", slot->n_steps);
        jw_kv_i64(w, "started_ms", slot->started_ms);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void put_json(const struct status *s, struct ds_buf *out)
{
    const struct census *c = &s->t->census;
    int64_t now = clock_unix_ms(), eta_ms = display_eta_ms(&s->view, now);
    bool alive = watch_alive(&s->watch);
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_text(&w, "sweep", s->t->sweep);
    jw_kv_text(&w, "target", s->t->label);
    jw_kv_cstr(&w, "plan", s->t->plan_digest);
    jw_kv_u64(&w, "cases", s->t->design.n_rows);
    jw_key(&w, "states");
    jw_object(&w);
    jw_kv_u64(&w, "new", c->n_new);
    jw_kv_u64(&w, "outstanding", c->n_outstanding);
    jw_kv_u64(&w, "done", c->n_done);
    jw_kv_u64(&w, "lacking", c->n_lacking);
    jw_kv_u64(&w, "failed", c->n_failed);
    jw_kv_u64(&w, "no_fit", c->n_no_fit);
    jw_end_object(&w);
    jw_key(&w, "failed_by");
    jw_object(&w);
    for (unsigned v = VERDICT_DECK_ERROR; v < VERDICT_COUNT; v++)
        if (c->n_failed_by[v] > 0)
            jw_kv_u64(&w, verdict_name((enum verdict)v), c->n_failed_by[v]);
    jw_end_object(&w);
    jw_kv_u64(&w, "orphaned", c->n_orphaned);
    jw_kv_u64(&w, "stored_bytes", c->stored_bytes);
    jw_kv_bool(&w, "alive", alive);
    put_json_running(s, &w);
    double rate = alive ? display_rate_per_s(&s->view, now) : -1;
    jw_kv_double(&w, "cases_per_s", rate < 0 ? NAN : rate);
    if (alive && eta_ms >= 0)
        jw_kv_i64(&w, "eta_ms", eta_ms);
    jw_kv_bool(&w, "dataset", s->dataset);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
}

static int print_once(struct status *s, struct ds_err *err)
{
    int rc = read_view(s, err);
    if (rc < 0)
        return rc;
    find_dataset(s);
    ds_auto_buf out;
    buf_init(&out, OUT_BYTES);
    if (s->cli->json)
        put_json(s, &out);
    else
        put_text(s, &out);
    cli_put(s->cli, &out);
    return 0;
}

/* ---- --watch ---- */

/* A first reading teaches what happened so far; the display then starts from the census. */
static int start_display(struct status *s, struct ds_err *err)
{
    char name[SWEEP_MAX_NAME_BYTES + 1];
    int rc = read_view(s, err);
    if (rc < 0)
        return rc;
    uint32_t done = s->view.setup.n_done_before, failed = s->view.setup.n_failed_before;
    (void)snprintf(name, sizeof name, "%.*s", DS_FMT(s->t->sweep));
    struct display_options o = {
        .setup = {.name = name,
                  .n_total = s->t->design.n_rows,
                  .now_ms = s->view.setup.now_ms,
                  .rows_of = rows_of,
                  .context = s},
        .color = s->cli->color_err,
        .own_signals = true,
    };
    s->display = display_create(&o);
    s->watch = (struct watch){0};
    rc = watch_find(&s->watch, s->t, err);
    if (rc == 0)
        rc = watch_read(&s->watch, take_event, s, err);
    display_rebase(s->display, done, failed);
    return rc;
}

static int follow(struct status *s, struct ds_err *err)
{
    int rc = start_display(s, err);
    int64_t found_ms = clock_monotonic_ms();
    while (rc == 0 && watch_alive(&s->watch)) {
        display_tick(s->display, 0);
        (void)poll(NULL, 0, POLL_MS);
        rc = watch_read(&s->watch, take_event, s, err);
        if (rc == 0 && clock_monotonic_ms() - found_ms > FIND_MS) {
            found_ms = clock_monotonic_ms();
            rc = watch_find(&s->watch, s->t, err);
        }
    }
    display_destroy(s->display);
    s->display = NULL;
    return rc;
}

/* Like tail -F: who watches may come before the run. The run's file of events is there before
 * its plan, so that what follows sees it at work. */
static int wait_for_plan(const struct cli *cli, struct target *t, struct ds_err *err)
{
    target_close(t);
    log_info("%.*s has no plan yet: waiting for `decksweep run` to make one (Ctrl-C ends)",
             DS_FMT(t->label));
    while (!target_has_plan(t))
        (void)poll(NULL, 0, POLL_MS);
    return target_open_counted(cli, STORE_READ, t, err);
}

static int run_local(struct cli *cli, struct target *t, int *status, struct ds_err *err)
{
    struct status s = {.cli = cli, .t = t};
    int rc = target_open_store(t, STORE_READ, err);
    if (rc == 0)
        rc = target_load(t, err);
    if (rc == 0)
        rc = target_count(t, err);
    if (rc == DS_ENOTFOUND && cmd_has(cli->line, "watch") && target_may_come(t))
        rc = wait_for_plan(cli, t, err);
    if (rc == 0 && cmd_has(cli->line, "watch")) {
        rc = follow(&s, err);
        s = (struct status){.cli = cli, .t = t};
        if (rc == 0) /* what the run left */
            rc = target_load(t, err);
        if (rc == 0)
            rc = target_count(t, err);
    }
    if (rc == 0)
        rc = print_once(&s, err);
    if (rc == 0)
        *status = status_of(&t->census);
    return rc;
}

static int run_list(struct cli *cli)
{
    struct ds_err err = {0};
    bool all = cmd_has(cli->line, "all-namespaces");
    if (!all && !cluster_is_asked(cli) && !cluster_is_configured())
        return cli_usage(cli, "TARGET is missing (without one the Sweeps of a cluster are listed, "
                              "but there is no kubeconfig)");
    if (cmd_has(cli->line, "watch"))
        return cli_usage(cli, "--watch needs a TARGET");
    return cluster_status_list(cli, all, &err) < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    int status = CLI_OK;
    if (!cli_arg(cli, 0))
        return run_list(cli);
    if (cmd_has(cli->line, "all-namespaces"))
        return cli_usage(cli, "--all-namespaces lists Sweeps: it takes no TARGET");
    int rc = target_find(cli, &t, &err);
    if (rc == DS_ENOTFOUND && cmd_has(cli->line, "watch") && target_may_come(&t))
        rc = wait_for_plan(cli, &t, &err);
    if (rc == 0 && t.cluster)
        rc = cluster_status(cli, &t, cmd_has(cli->line, "watch"), &status, &err);
    else if (rc == 0)
        rc = run_local(cli, &t, &status, &err);
    target_close(&t);
    return rc < 0 ? cli_fail(cli, &err) : status;
}

static const struct cmd_option OPTIONS[] = {
    {"watch", 'w', VALUE_NONE, NULL,
     "keep showing until the run ends; before it began, wait for its plan"},
    {"all-namespaces", 'A', VALUE_NONE, NULL, "without TARGET: Sweeps of all namespaces"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep status results/spe1 --watch", "the live view, from a second terminal"},
    {"decksweep status results/spe1 --json | jq .states", "counts for a script"},
    {"decksweep status spe1 -n team", "a Sweep in a cluster: totals, round, conditions and why"},
    {"decksweep status -n team", "a line each for all Sweeps of a namespace"},
    {NULL, NULL},
};

const struct cmd_entry cmd_status = {
    .name = "status",
    .args = "[TARGET]",
    .summary = "show how far a sweep is: totals, running cases, remaining time",
    .text =
        "Counts come from the store, running cases from the newest files under runs/. Of a Sweep "
        "in a cluster they come from its .status: counts of the last census, hints of pods "
        "that ended since, and conditions, of which those marked ! keep it from going on. "
        "Without TARGET the Sweeps of the namespace are listed.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .exits = "0 the sweep goes on, or every case is ok\n"
             "1 nothing is left to do and some cases are not ok\n"
             "2 the input is wrong; a Sweep in a cluster is Refused\n"
             "3 the world is wrong: no such sweep, unreadable store; a Sweep is Stalled\n",
    .json = true,
    .run = run,
};
