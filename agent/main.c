/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep-agent - what runs where the simulator is */
#include "agent/pod_io.h"
#include "agent/serve_io.h"
#include "agent/work.h"
#include "base/env_io.h"
#include "base/log_io.h"
#include "base/units.h"
#include "cmd/program_io.h"
#include "decksweep/cluster.h"
#include "decksweep/result.h"
#include "decksweep/sweep.h"

static const struct cmd_option WORK_OPTIONS[] = {
    {"store", 0, VALUE_TEXT, "URL", "where the sweep lives: a folder or s3://bucket/prefix"},
    {"sweep", 0, VALUE_TEXT, "NAME", "the sweep's name"},
    {"plan", 0, VALUE_TEXT, "DIGEST", "digest of its plan (16 hexadecimal digits)"},
    {"round", 0, VALUE_COUNT, "N", "number of the round"},
    {"index", 0, VALUE_COUNT, "I", "which chunk of the round"},
    {"first-index", 0, VALUE_COUNT, "F",
     "in a pod of an Indexed Job, instead of --index: the chunk is F + $JOB_COMPLETION_INDEX"},
    {"message", 0, VALUE_TEXT, "FILE",
     "with --first-index: leave the report there too (default: /dev/termination-log)"},
    {"scratch", 0, VALUE_FOLDER, "DIR", "where cases run (default: $TMPDIR, else /var/tmp)"},
    {"cores", 0, VALUE_COUNT, "N", "use at most so many cores"},
    {"memory", 0, VALUE_SIZE, "SIZE", "use at most so much memory"},
    {"keep-scratch", 0, VALUE_CHOICE, "failed", "leave the folders of failed cases in scratch"},
    {"mark-starts", 0, VALUE_NONE, NULL,
     "one case at a time, each marked in started/ before it starts: for a chunk whose pod died"},
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static bool is_name(const char *text)
{
    struct ds_span s = ds_span_of(text);
    if (s.len == 0 || s.len > SWEEP_MAX_NAME_BYTES || s.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == '/' || s.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool is_digest(const char *text)
{
    struct case_id id; /* the same sixteen digits */
    return case_id_parse(ds_span_of(text), &id);
}

/* The chunk of a pod: its index in the Job, counted from where the Job's shape begins. */
static int pod_index(struct cli *cli, uint64_t *index, uint64_t *failures)
{
    const char *own = env_get(ENV_INDEX), *failed = env_get(ENV_INDEX_FAILED);
    uint64_t first = cmd_number(cli->line, "first-index", 0), at = 0;
    if (cmd_has(cli->line, "index"))
        return cli_usage(cli, "--index and --first-index exclude each other");
    if (!own || units_parse_u64(ds_span_of(own), UINT32_MAX, &at, NULL) < 0)
        return cli_usage(cli, "--first-index: $" ENV_INDEX
                              " holds no number; it is set in pods of Indexed Jobs");
    *index = first + at;
    if (!failed || units_parse_u64(ds_span_of(failed), UINT32_MAX, failures, NULL) < 0)
        *failures = 0;
    return 0;
}

/* What a pod's environment adds. */
static void fill_pod(const struct cmd_line *l, uint64_t failures, struct work_options *o)
{
    const char *disk = env_get(ENV_SCRATCH_BYTES);
    o->message_path = cmd_has(l, "message") ? cmd_text(l, "message") : POD_MESSAGE;
    o->mark_starts = o->mark_starts || failures > 0;
    o->their_version = env_get(ENV_VERSION);
    if (!disk || units_parse_u64(ds_span_of(disk), UINT64_MAX, &o->ephemeral_bytes, NULL) < 0)
        o->ephemeral_bytes = 0;
}

static int work(struct cli *cli)
{
    const struct cmd_line *l = cli->line;
    static const char *const needed[] = {"store", "sweep", "plan", "round"};
    bool in_pod = cmd_has(l, "first-index");
    for (size_t i = 0; i < DS_COUNT(needed); i++)
        if (!cmd_has(l, needed[i]))
            return cli_usage(cli, "--%s is missing", needed[i]);
    if (!in_pod && !cmd_has(l, "index"))
        return cli_usage(cli, "--index is missing");
    uint64_t round = cmd_number(l, "round", 0), index = cmd_number(l, "index", 0);
    uint64_t cores = cmd_number(l, "cores", 0), failures = 0;
    int rc = in_pod ? pod_index(cli, &index, &failures) : 0;
    if (rc != 0)
        return rc;
    if (!is_name(cmd_text(l, "sweep")))
        return cli_usage(cli, "--sweep: '%s' is no sweep's name", cmd_text(l, "sweep"));
    if (!is_digest(cmd_text(l, "plan")))
        return cli_usage(cli, "--plan: '%s' is not 16 hexadecimal digits", cmd_text(l, "plan"));
    if (round < 1 || round > UINT32_MAX || index > UINT32_MAX || cores > UINT32_MAX)
        return cli_usage(cli, "--round, --index or --cores is out of range");
    struct work_options options = {
        .store_url = cmd_text(l, "store"),
        .sweep = cmd_text(l, "sweep"),
        .plan_digest = cmd_text(l, "plan"),
        .round = (uint32_t)round,
        .index = (uint32_t)index,
        .scratch = cmd_text(l, "scratch"),
        .cores = (uint32_t)cores,
        .memory_bytes = cmd_number(l, "memory", 0),
        .keep_failed = cmd_has(l, "keep-scratch"),
        .mark_starts = cmd_has(l, "mark-starts"),
    };
    const char *node = env_get(ENV_NODE); /* also in a census pod, which runs the pilot */
    options.node = node && node[0] ? node : NULL;
    if (in_pod)
        fill_pod(l, failures, &options);
    return work_run(&options);
}

static const struct cmd_entry CMD_WORK = {
    .name = "work",
    .args = "",
    .summary = "run the cases of one chunk of a round",
    .text = "Reads plan, design, bundle and round from the store, runs the cases of the chunk side "
            "by side in slots of this machine, judges and archives them, and commits each "
            "archive to the store. It may be killed at any moment and started again: what is "
            "committed is not run again.\n"
            "\n"
            "Events go to standard output, one JSON object a line; see docs/worker.md.\n",
    .options = WORK_OPTIONS,
    .exits = "0 every case of the chunk has its outcome, failed ones included\n"
             "2 wrong use, or the chunk does not fit this machine\n"
             "75 interrupted: the same command goes on\n"
             "76 the store or the scratch folder refuses\n"
             "77 the simulator is missing or of another version than the plan's\n",
    .run = work,
};

static int install(struct cli *cli)
{
    struct ds_err err = {0};
    if (pod_install(cli->line->args[0], &err) < 0) {
        log_error("%s", err.text);
        return err.code == DS_EINPUT ? WORK_INPUT : WORK_STORE;
    }
    return CLI_OK;
}

static const struct cmd_entry CMD_INSTALL = {
    .name = "install",
    .args = "DIR",
    .summary = "copy the programs with their loader and libraries (init container of pods)",
    .text =
        "Copies bin/ and lib/ from above this program into DIR, where another image's container "
        "finds them: the programs run there whatever libc that image has.\n",
    .exits = "0 done\n2 this program does not stand in a bin/ beside a lib/\n76 DIR refuses\n",
    .run = install,
};

static int version(struct cli *cli)
{
    ds_auto_buf out;
    buf_init(&out, 1u << 16);
    if (cli->json)
        (void)buf_printf(&out, "{\"decksweep\":\"%s\"}\n", DECKSWEEP_VERSION);
    else
        (void)buf_printf(&out, "decksweep-agent %s\n", DECKSWEEP_VERSION);
    cli_put(cli, &out);
    return CLI_OK;
}

static const struct cmd_entry CMD_VERSION = {
    .name = "version",
    .args = "",
    .summary = "show the version",
    .json = true,
    .run = version,
};

static const struct cmd_entry *const COMMANDS[] = {&CMD_WORK, &CMD_INSTALL, &cmd_serve,
                                                   &CMD_VERSION, NULL};

static const struct program PROGRAM = {
    .name = "decksweep-agent",
    .summary = "run simulator cases for decksweep",
    .version = DECKSWEEP_VERSION,
    .commands = COMMANDS,
    .text = "The worker of decksweep: decksweep run starts it, and in a cluster every pod of a "
            "round is one.\n",
    .environment = "JOB_COMPLETION_INDEX, DECKSWEEP_INDEX_FAILURES, DECKSWEEP_SCRATCH_BYTES, "
                   "DECKSWEEP_NODE, DECKSWEEP_VERSION: with --first-index, as the controller sets "
                   "them in a pod.\n"
                   "TMPDIR: where cases run when --scratch is not given (else /var/tmp).\n",
    .see_also = "decksweep(1), flow(1)\n",
};

int main(int argc, char **argv)
{
    return program_main(&PROGRAM, argc, argv);
}
