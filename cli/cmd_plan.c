/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep plan SWEEP - expand, check, size; writes nothing */
#include "cli/cmd.h"
#include "cli/cmd_plan_text.h"
#include "cli/dry_run_io.h"
#include "cli/session_io.h"
#include "cli/text.h"

#define OUT_BYTES ((size_t)64 << 20)

static int look(struct cli *cli, const struct session_options *o, struct session *s)
{
    struct ds_err err;
    int rc = session_look_at_machine(o, s, &err);
    rc = rc < 0 ? rc : session_open_store(o, STORE_READ, s, &err);
    rc = rc < 0 ? rc : session_look_at_store(s, &err);
    if (rc == 0 && cmd_has(cli->line, "measure")) {
        if (!s->view->plan->preset_flow)
            return cli_usage(cli, "--measure makes a dry run, which only the preset flow has");
        rc = dry_run_measure(s, NULL, &err);
        rc = rc < 0 ? ds_wrap(&err, "dry run") : session_look_at_store(s, &err);
    }
    return rc < 0 ? cli_fail(cli, &err) : 0;
}

static void put_plan(const struct cli *cli, const struct session *s)
{
    ds_auto_buf words, out;
    buf_init(&words, OUT_BYTES);
    buf_init(&out, OUT_BYTES);
    if (cli->json) {
        plan_show_json(s, &out);
    } else {
        plan_show_text(s, cmd_has(cli->line, "explain"), &words);
        text_put_lines(&out, buf_span(&words)); /* lines and names are the deck's */
    }
    cli_put(cli, &out);
}

static int run(struct cli *cli)
{
    struct session_options o = {0};
    struct session s;
    struct ds_err err;
    int status = session_read_options(cli, &o);
    if (status != 0)
        return status;
    status = session_load(cli, &o, &s, &err) < 0 ? ds_exit_status(err.code) : look(cli, &o, &s);
    if (status == 0) {
        put_plan(cli, &s);
        for (size_t i = 0; i < s.view->n_warnings; i++)
            log_warn("%.*s", DS_FMT(s.view->warnings[i]));
    }
    session_clear(&s);
    return status;
}

static const struct cmd_option OPTIONS[] = {
    {"explain", 'e', VALUE_NONE, NULL,
     "tell the reason of every size, every trimmed line, the slots"},
    {"measure", 0, VALUE_NONE, NULL, "make a dry run of the first case to size memory"},
    {"store", 0, VALUE_FOLDER, "URL", "look at URL instead of the sweep file's results.store"},
    {"cores", 'c', VALUE_COUNT, "N", "plan for at most N cores"},
    {"memory", 'm', VALUE_SIZE, "SIZE", "plan for at most SIZE of memory"},
    {0},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep plan sweep.yaml", "what would run, how long, how large"},
    {"decksweep plan sweep.yaml --explain", "and why"},
    {0},
};

const struct cmd_entry cmd_plan = {
    .name = "plan",
    .args = "SWEEP",
    .summary = "show what a sweep would run: cases, sizes, time, disk; writes nothing",
    .text =
        "Reads the sweep file and every file of the deck, expands the design, checks all of it, "
        "counts what the store already holds, and sizes the cases for this machine.\n",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .json = true,
    .run = run,
};
