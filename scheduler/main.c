/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep-scheduler - the controller of Sweeps in a Kubernetes cluster */
#include "base/env_io.h"
#include "cmd/program_io.h"
#include "scheduler/controller_io.h"

#include <stdio.h>

static const struct cmd_option RUN_OPTIONS[] = {
    {"agent-image", 0, VALUE_TEXT, "IMAGE",
     "image with decksweep-agent, for the pods (default: $DECKSWEEP_AGENT_IMAGE)"},
    {"namespaces", 0, VALUE_TEXT, "LIST",
     "look at Sweeps of these namespaces only, by comma (default: all)"},
    {"lease-namespace", 0, VALUE_TEXT, "NAME",
     "where the Lease and the ConfigMap decksweep-limits are (default: its own)"},
    {"listen", 0, VALUE_TEXT, "ADDRESS:PORT",
     "answer /healthz, /readyz and /metrics there (default: 0.0.0.0:8080); none: nowhere"},
    {"kubeconfig", 0, VALUE_FILE, "FILE",
     "outside a cluster (default: $KUBECONFIG, else the pod's service account)"},
    {"context", 0, VALUE_TEXT, "NAME", "of the kubeconfig (default: its current one)"},
    {"no-leader-election", 0, VALUE_NONE, NULL,
     "act without a Lease: for tests, where no other controller runs"},
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static int split_namespaces(struct cli *cli, struct controller_options *o)
{
    struct ds_span rest = ds_span_of(cmd_text(cli->line, "namespaces")), one;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, ',', &one);
        one = ds_span_trim(one);
        if (one.len == 0)
            continue;
        if (o->n_namespaces == CONTROLLER_MAX_NAMESPACES)
            return cli_usage(cli, "--namespaces: more than %u", CONTROLLER_MAX_NAMESPACES);
        o->namespaces[o->n_namespaces++] = arena_cstr(cli->arena, one);
    }
    return 0;
}

/* "0.0.0.0:8080", "[::]:8080", ":8080" (all addresses), "none". */
static int split_listen(struct cli *cli, struct controller_options *o)
{
    const char *text = cmd_text(cli->line, "listen");
    struct ds_span all = ds_span_of(text ? text : "0.0.0.0:8080");
    size_t colon = all.len;
    unsigned port = 0;
    if (ds_span_is(all, "none"))
        return 0;
    while (colon > 0 && all.ptr[colon - 1] != ':')
        colon--;
    for (size_t i = colon; i < all.len && port <= UINT16_MAX; i++)
        port = all.ptr[i] >= '0' && all.ptr[i] <= '9' ? port * 10 + (unsigned)(all.ptr[i] - '0')
                                                      : UINT16_MAX + 1u;
    if (colon == 0 || colon == all.len || port > UINT16_MAX)
        return cli_usage(cli, "--listen: '%s' is no ADDRESS:PORT", all.ptr);
    struct ds_span address = {all.ptr, colon - 1};
    if (address.len > 1 && address.ptr[0] == '[' && address.ptr[address.len - 1] == ']')
        address = (struct ds_span){address.ptr + 1, address.len - 2};
    o->listen_address = address.len ? arena_cstr(cli->arena, address) : "0.0.0.0";
    o->listen_port = (uint16_t)port;
    return 0;
}

static int run(struct cli *cli)
{
    const struct cmd_line *l = cli->line;
    struct ds_err err = {0};
    struct controller_options o = {
        .agent_image = cmd_text(l, "agent-image"),
        .lease_namespace = cmd_text(l, "lease-namespace"),
        .kubeconfig = cmd_text(l, "kubeconfig"),
        .context = cmd_text(l, "context"),
        .alone = cmd_has(l, "no-leader-election"),
    };
    if (!o.agent_image)
        o.agent_image = env_get("DECKSWEEP_AGENT_IMAGE");
    if (!o.agent_image || !o.agent_image[0])
        return cli_usage(cli, "--agent-image is missing, and DECKSWEEP_AGENT_IMAGE is not set");
    int rc = split_namespaces(cli, &o);
    if (rc == 0)
        rc = split_listen(cli, &o);
    if (rc != 0)
        return rc;
    return controller_run(&o, &err) < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static const struct cmd_entry CMD_RUN = {
    .name = "run",
    .args = "",
    .summary = "turn Sweeps into Jobs until told to end",
    .text =
        "Watches Sweeps, their Jobs and pods, and the nodes; for each Sweep it alternates a "
        "census, which counts what the store holds, and a round of workers, until every case is "
        "done. It parses no deck, reads no Secret and touches no result. It may be killed at any "
        "moment and started again: what it knows is in the Sweeps' status.\n"
        "\n"
        "Of several only the one that holds the Lease acts; another takes over within 15 "
        "seconds, and at once when the first is told to end (SIGTERM). What an administrator may "
        "set is in the ConfigMap decksweep-limits, read as it changes. docs/controller.md "
        "explains its log and its metrics.\n",
    .options = RUN_OPTIONS,
    .exits = "0 told to end\n2 wrong use, no such kubeconfig or context\n3 the system "
             "refuses\n",
    .run = run,
};

static int version(struct cli *cli)
{
    (void)fprintf(cli->out, "decksweep-scheduler %s\n", DECKSWEEP_VERSION);
    return CLI_OK;
}

static const struct cmd_entry CMD_VERSION = {
    .name = "version",
    .args = "",
    .summary = "print the version",
    .run = version,
};

static const struct cmd_entry *const COMMANDS[] = {&CMD_RUN, &CMD_VERSION, NULL};

static const struct program PROGRAM = {
    .name = "decksweep-scheduler",
    .summary = "controller of decksweep's Sweeps in a Kubernetes cluster",
    .version = DECKSWEEP_VERSION,
    .commands = COMMANDS,
    .environment = "DECKSWEEP_AGENT_IMAGE image with decksweep-agent, when --agent-image is not "
                   "given\nKUBECONFIG how to reach the cluster from outside\n",
    .see_also = "decksweep(1), decksweep-agent(1)",
};

/* In a pod it is started with options alone: that means `run`. */
int main(int argc, char **argv)
{
    static char command[] = "run";
    char *with[CMD_MAX_GIVEN];
    bool bare = argc == 1
                || (argv[1][0] == '-' && strcmp(argv[1], "--help") != 0
                    && strcmp(argv[1], "-h") != 0 && strcmp(argv[1], "--version") != 0);
    if (!bare || (size_t)argc + 1 >= DS_COUNT(with))
        return program_main(&PROGRAM, argc, argv);
    with[0] = argv[0];
    with[1] = command;
    for (int i = 1; i < argc; i++)
        with[i + 1] = argv[i];
    with[argc + 1] = NULL;
    return program_main(&PROGRAM, argc + 1, with);
}
