/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep submit SWEEP - run a sweep in a cluster */
#include "base/env_io.h"
#include "cli/cluster_io.h"
#include "cli/cmd.h"
#include "cli/submit_io.h"

#include <signal.h>

static int run(struct cli *cli)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a reader of our messages may go; the deck must still come */
    const struct cmd_line *l = cli->line;
    const char *image = env_get("DECKSWEEP_SIMULATOR_IMAGE");
    struct submit_options o = {
        .sweep_path = cli_arg(cli, 0),
        .image = image && image[0] != '\0' ? image : NULL,
        .retry_failed = cmd_has(l, "retry-failed"),
        .refill = cmd_has(l, "refill"),
        .accept = cmd_has(l, "accept"),
        .replace = cmd_has(l, "replace"),
        .wait = cmd_has(l, "wait"),
        .dry_run = cmd_has(l, "dry-run"),
    };
    if (o.accept && o.refill)
        return cli_usage(cli, "--accept and --refill exclude each other");
    if (o.wait && o.dry_run)
        return cli_usage(cli, "--dry-run sends nothing that --wait could wait for");
    return submit_sweep(cli, &o);
}

static const struct cmd_option OPTIONS[] = {
    CLUSTER_OPTIONS,
    {"wait", 'w', VALUE_NONE, NULL, "show how it goes until the sweep ends, and end as it does"},
    {"retry-failed", 0, VALUE_NONE, NULL, "give finally failed cases all their attempts again"},
    {"refill", 0, VALUE_NONE, NULL,
     "run again what is done but lacks files that results.keep asks for now"},
    {"accept", 0, VALUE_NONE, NULL, "take such cases as they are"},
    {"replace", 0, VALUE_NONE, NULL,
     "go on although the Sweep or the store's plan is of a deck with another name"},
    {"dry-run", 0, VALUE_NONE, NULL, "check, write the object to standard output, send nothing"},
    {0},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep submit sweep.yaml -n reservoir --wait", "run it and follow it"},
    {"decksweep submit sweep.yaml", "again after an edit: only what is new runs"},
    {"decksweep submit sweep.yaml --dry-run", "what would be sent, for kubectl or a repository"},
    {0},
};

const struct cmd_entry cmd_submit = {
    .name = "submit",
    .args = "SWEEP",
    .summary = "run a sweep in a Kubernetes cluster",
    .text =
        "Checks sweep file and deck as plan does (no simulator is needed here), creates or updates "
        "the Sweep of that name in the cluster, and brings the deck with all its files: as a "
        "ConfigMap, or through a short-lived pod into the store when it is larger. results.store "
        "must be pvc://claim/path, and spec.simulator.image or DECKSWEEP_SIMULATOR_IMAGE names the "
        "image that holds the simulator.\n"
        "\n"
        "Submit the same file again to grow or edit the sweep: what is committed is not run again. "
        "Ctrl-C while waiting leaves the sweep running.\n",
    .options = OPTIONS,
    .exits = "0 submitted; with --wait: every case is ok\n"
             "1 with --wait: the sweep ended and some cases are not ok\n"
             "2 the input is wrong: usage, sweep file, deck; with --wait: the cluster refused it\n"
             "3 the world is wrong: cluster, claim, rights; with --wait: the sweep is stalled\n"
             "130 interrupted: the sweep goes on in the cluster\n",
    .examples = EXAMPLES,
    .run = run,
};
