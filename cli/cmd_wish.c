/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep cancel | suspend | resume TARGET - say in spec.run what a Sweep in a cluster shall do */
#include "base/clock_io.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/target_io.h"
#include "cli/text.h"

#include <stdio.h>

struct wishing {
    struct cli *cli;
    enum run_wish wish;
    struct sweep_report *report;
};

static bool is_obeyed(void *context, const struct sweep_report *r)
{
    const struct wishing *w = context;
    return sweep_report_obeys(r, w->wish);
}

static int wait_for_it(struct wishing *w, struct target *t, struct ds_err *err)
{
    struct cluster_follow how = {.done = is_obeyed, .context = w};
    uint64_t most_ms = cmd_number(w->cli->line, "timeout", 0);
    if (most_ms > 0)
        how.deadline_ms = clock_monotonic_ms() + (int64_t)most_ms;
    int rc = cluster_follow(&t->cluster->at, w->report->name, &how, w->report, err);
    if (rc == DS_ETIMEOUT)
        return ds_fail(err, DS_ETIMEOUT,
                       "%.*s: spec.run is %s, but the controller has not done it within --timeout "
                       "(does decksweep-scheduler run?)",
                       DS_FMT(t->label), run_wish_name(w->wish));
    return rc;
}

static void put_json(const struct wishing *w, const struct target *t, bool changed)
{
    ds_auto_buf out = {0};
    struct json_writer j;
    buf_init(&out, 65536);
    jw_init(&j, &out);
    jw_object(&j);
    jw_kv_cstr(&j, "sweep", w->report->name);
    jw_kv_text(&j, "target", t->label);
    jw_kv_cstr(&j, "namespace", w->report->namespace_);
    jw_kv_cstr(&j, "run", run_wish_name(w->report->run));
    jw_kv_bool(&j, "changed", changed);
    jw_kv_cstr(&j, "phase", sweep_phase_name(w->report->status.phase));
    jw_kv_bool(&j, "obeyed", sweep_report_obeys(w->report, w->wish));
    jw_end_object(&j);
    (void)buf_put_char(&out, '\n');
    cli_put(w->cli, &out);
}

static int make_wish(struct wishing *w, struct target *t, struct ds_err *err)
{
    ds_auto_buf text = {0};
    int rc = 0;
    buf_init(&text, 4096);
    bool change = sweep_report_plan_wish(w->report, w->wish, &text);
    if (change)
        rc = cluster_set_run(&t->cluster->at, w->report->name, w->wish, w->report, err);
    if (rc < 0)
        return rc;
    log_info("%s", text.data ? text.data : "");
    bool over =
        !change && w->report->run != w->wish; /* nothing was asked for: nothing to wait for */
    if (cmd_has(w->cli->line, "wait") && !over)
        rc = wait_for_it(w, t, err);
    if (rc == 0 && w->cli->json)
        put_json(w, t, change);
    else if (rc == 0 && cmd_has(w->cli->line, "wait") && !over)
        log_info("%.*s: %s", DS_FMT(t->label), sweep_phase_name(w->report->status.phase));
    return rc;
}

static int find_and_wish(struct cli *cli, enum run_wish wish, struct target *t, struct ds_err *err)
{
    int rc = target_find(cli, t, err);
    if (rc < 0)
        return rc;
    if (!t->cluster)
        return ds_fail(err, DS_EINPUT,
                       "%.*s is a folder: `%s` is for Sweeps in a cluster; a run on this machine "
                       "ends with Ctrl-C, and the same `decksweep run` goes on",
                       DS_FMT(t->label), cli->line->entry->name);
    struct wishing w = {.cli = cli, .wish = wish, .report = &t->cluster->report};
    return make_wish(&w, t, err);
}

static int run_wish(struct cli *cli, enum run_wish wish)
{
    struct target t;
    struct ds_err err = {0};
    int rc = find_and_wish(cli, wish, &t, &err);
    target_close(&t);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run_cancel(struct cli *cli)
{
    return run_wish(cli, RUN_CANCELLED);
}

static int run_suspend(struct cli *cli)
{
    return run_wish(cli, RUN_SUSPENDED);
}

static int run_resume(struct cli *cli)
{
    return run_wish(cli, RUN_ACTIVE);
}

static const struct cmd_option OPTIONS[] = {
    {"wait", 'w', VALUE_NONE, NULL, "return when the controller has done it"},
    {"timeout", 0, VALUE_DURATION, "TIME", "with --wait: give up after so long (default: never)"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

#define WISH_EXITS                                                                                 \
    "0 done, or it was so already\n"                                                               \
    "2 the input is wrong\n"                                                                       \
    "3 the world is wrong: no such Sweep, no right to change it, --timeout\n"                      \
    "130 interrupted while waiting; what was asked for stands\n"

const struct cmd_entry cmd_cancel = {
    .name = "cancel",
    .args = "TARGET",
    .summary = "end a Sweep in a cluster; what is stored stays",
    .text = "Writes spec.run: Cancelled. The controller deletes the Sweep's Jobs; workers end the "
            "cases that run, which count as not run. Committed results stay, and `decksweep "
            "resume` takes the sweep up again. To remove the Sweep itself: kubectl delete sweep.",
    .options = OPTIONS,
    .exits = WISH_EXITS,
    .json = true,
    .run = run_cancel,
};

const struct cmd_entry cmd_suspend = {
    .name = "suspend",
    .args = "TARGET",
    .summary = "let a Sweep in a cluster rest, to go on later",
    .text = "Writes spec.run: Suspended. The controller deletes the Sweep's Jobs; workers end the "
            "cases that run, which run again later. Committed results stay.",
    .options = OPTIONS,
    .exits = WISH_EXITS,
    .json = true,
    .run = run_suspend,
};

const struct cmd_entry cmd_resume = {
    .name = "resume",
    .args = "TARGET",
    .summary = "go on with a suspended or cancelled Sweep in a cluster",
    .text = "Writes spec.run: Active. A census looks at what is stored, and what is outstanding "
            "runs.",
    .options = OPTIONS,
    .exits = WISH_EXITS,
    .json = true,
    .run = run_resume,
};
