/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep run SWEEP - run what is outstanding on this machine, then collect */
#include "cli/cmd.h"
#include "cli/run_sweep_io.h"

#include <signal.h>

static int run(struct cli *cli)
{
    (void)signal(SIGPIPE, SIG_IGN); /* who stops reading our messages ends no sweep */
    const struct cmd_line *l = cli->line;
    const char *keep = cmd_text(l, "keep-scratch");
    struct run_options o = {
        .look = {.only = cmd_text(l, "only"),
                 .accept = cmd_has(l, "accept"),
                 .refill = cmd_has(l, "refill")},
        .scratch = cmd_text(l, "scratch"),
        .retry_failed = cmd_has(l, "retry-failed"),
        .replace = cmd_has(l, "replace"),
        .no_collect = cmd_has(l, "no-collect"),
        .join = cmd_has(l, "join"),
        .keep_failed = keep != NULL,
    };
    int status = session_read_options(cli, &o.look);
    if (status != 0)
        return status;
    if (o.look.accept && o.look.refill)
        return cli_usage(cli, "--accept and --refill exclude each other");
    if (o.join && (o.look.cores == 0 || o.look.memory_bytes == 0))
        return cli_usage(cli,
                         "--join needs --cores and --memory: what this second worker may take");
    return run_sweep(cli, &o);
}

static const struct cmd_option OPTIONS[] = {
    {"cores", 'c', VALUE_COUNT, "N", "use at most N cores (default: all this process may use)"},
    {"memory", 'm', VALUE_SIZE, "SIZE", "use at most SIZE of memory (8GiB, 512MiB)"},
    {"store", 0, VALUE_FOLDER, "URL",
     "keep results in URL instead of the sweep file's results.store"},
    {"scratch", 0, VALUE_FOLDER, "DIR", "run cases below DIR (default: $TMPDIR, else /var/tmp)"},
    {"only", 0, VALUE_TEXT, "LIST", "run these case numbers only: 0-9,17"},
    {"retry-failed", 0, VALUE_NONE, NULL, "give finally failed cases all their attempts again"},
    {"refill", 0, VALUE_NONE, NULL,
     "run again what is done but lacks files that results.keep asks for now"},
    {"accept", 0, VALUE_NONE, NULL, "take such cases as they are"},
    {"replace", 0, VALUE_NONE, NULL,
     "go on although the store's plan is of a deck with another name"},
    {"no-collect", 0, VALUE_NONE, NULL, "do not write the dataset at the end"},
    {"join", 0, VALUE_NONE, NULL,
     "help a run of the same sweep that holds the lock; starts from the far end"},
    {"keep-scratch", 0, VALUE_CHOICE, "failed",
     "leave the folders of failed cases in the scratch folder"},
    {0},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep run sweep.yaml", "run what is new or was interrupted, then collect"},
    {"decksweep run sweep.yaml --only 0-3", "try the first four cases"},
    {"decksweep run sweep.yaml --retry-failed", "once the cause is mended"},
    {0},
};

const struct cmd_entry cmd_run = {
    .name = "run",
    .args = "SWEEP",
    .summary = "run the outstanding cases of a sweep on this machine, then collect",
    .text =
        "Plans, counts what the store holds, runs the rest in slots of cores and memory, commits "
        "each case as one archive, and merges all summary vectors into the dataset. What is "
        "committed is never run again: after Ctrl-C, kill -9 or a reboot the same command goes "
        "on.\n"
        "\n"
        "The first Ctrl-C ends the running cases and keeps what is finished; they run again next "
        "time and no retry is used up. A second one does not wait.\n",
    .options = OPTIONS,
    .exits = "0 every case is ok\n"
             "1 the sweep ended and some cases are not ok\n"
             "2 the input is wrong: usage, sweep file, deck\n"
             "3 the world is wrong: store, disk, simulator missing\n"
             "130 interrupted: the same command goes on\n",
    .examples = EXAMPLES,
    .run = run,
};
