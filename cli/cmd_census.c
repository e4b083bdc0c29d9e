/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep census - one look at a sweep from inside a pod of a cluster */
#include "cli/census_pod_io.h"

static int run(struct cli *cli)
{
    const struct cmd_line *l = cli->line;
    const char *deck = cmd_text(l, "deck");
    struct census_options o = {.sweep_file = cmd_text(l, "sweep-file"),
                               .store_url = cmd_text(l, "store"),
                               .mount = deck && strcmp(deck, "none") != 0 ? deck : NULL,
                               .scratch = cmd_text(l, "scratch")};
    if (!o.sweep_file)
        return cli_usage(cli, "--sweep-file is missing");
    if (!o.store_url)
        return cli_usage(cli, "--store is missing");
    return census_pod_run(cli, &o);
}

static const struct cmd_option OPTIONS[] = {
    {"sweep-file", 0, VALUE_FILE, "FILE", "the Sweep, as the API server has it"},
    {"store", 0, VALUE_FOLDER, "DIR", "where the claim is mounted"},
    {"deck", 0, VALUE_FOLDER, "DIR",
     "where the deck's ConfigMap is mounted; none: it is in the store"},
    {"scratch", 0, VALUE_FOLDER, "DIR",
     "unpack the deck and run the pilot below DIR (default: $TMPDIR, else /var/tmp)"},
    {0},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep census --sweep-file /sweep/sweep.json --store /store --deck /deck --scratch "
     "/scratch",
     "what the controller's census Job runs"},
    {0},
};

const struct cmd_entry cmd_census = {
    .name = "census",
    .args = "",
    .summary = "count what is done and decide the next round (used inside pods)",
    .text =
        "Started by the controller in a cluster, in a pod with the simulator's image. Plans from "
        "the deck that was brought, counts what the store holds, runs the pilot cases where "
        "nothing is measured yet and they fit, commits the next round, and, when nothing is "
        "left, collects the dataset. Says what it does on standard output, a line each; its "
        "answer to the controller is the pod's termination message (docs/cluster.md).\n",
    .options = OPTIONS,
    .exits = "0 the report is written, whatever it says\n"
             "2 wrong use\n"
             "3 not even a report could be written\n"
             "75 told to stop: the next census starts over\n",
    .examples = EXAMPLES,
    .run = run,
};
