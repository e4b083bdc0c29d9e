/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep - the command line: the table of commands */
#include "cli/cmd.h"

/* In the order of a sweep's life, which is the order of --help. */
static const struct cmd_entry *const COMMANDS[] = {
    &cmd_init,   &cmd_plan,   &cmd_render, &cmd_run,      &cmd_submit,  &cmd_cancel, &cmd_suspend,
    &cmd_resume, &cmd_status, &cmd_ls,     &cmd_show,     &cmd_logs,    &cmd_fetch,  &cmd_collect,
    &cmd_verify, &cmd_prune,  &cmd_census, &cmd_topology, &cmd_version, NULL,
};

static const struct program PROGRAM = {
    .name = "decksweep",
    .summary = "run parameter sweeps of reservoir-simulation decks",
    .version = DECKSWEEP_VERSION,
    .commands = COMMANDS,
    .text =
        "decksweep expands a sweep file into cases, sizes them, packs them on the cores of this "
        "machine, judges what the simulator did, keeps what matters of the results in a store, "
        "and merges all summary vectors into one dataset.\n"
        "\n"
        "SWEEP is a sweep file. TARGET is <store>/<sweep>, a folder; or a sweep file, which stands "
        "for its own store and name; or the name of a Sweep in a cluster, with -n NAMESPACE, "
        "--context, --kubeconfig as kubectl has them. A word with a '/' or an existing folder is "
        "a path; any other is a name when there is a kubeconfig. CASE is a case's number or its id "
        "(16 hexadecimal digits, or "
        "their unambiguous start). LIST is numbers and ranges: 0-9,17.\n"
        "\n"
        "Data goes to standard output, everything else to standard error. Commands that show "
        "something have --json.\n",
    .environment = "KUBECONFIG: which clusters there are, a list by ':' (else ~/.kube/config).\n"
                   "\n"
                   "NO_COLOR: when set and not empty, nothing is coloured.\n"
                   "\n"
                   "TMPDIR: where cases run when --scratch is not given (else /var/tmp).\n",
    .files =
        "<store>/<sweep>/: plan.json, design, bundle, cases/, failed/, rounds/, runs/, dataset/; "
        "see docs/store.md.\n",
    .see_also = "decksweep-agent(1), flow(1)\n",
};

int main(int argc, char **argv)
{
    return program_main(&PROGRAM, argc, argv);
}
