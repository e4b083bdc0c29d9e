/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep topology - what of this machine a sweep would use, and where its slots lie */
#include "agent/slots.h"
#include "agent/topology.h"
#include "agent/topology_io.h"
#include "cli/cmd.h"

#define OUT_BYTES (64u << 20)

static int read_machine(const struct cli *cli, struct topology *topo, struct ds_err *err)
{
    const char *xml = cmd_text(cli->line, "xml");
    const char *synthetic = cmd_text(cli->line, "synthetic");
    if (xml && synthetic)
        return ds_fail(err, DS_EINPUT, "--xml and --synthetic: give one of them");
    if (xml)
        return topology_from_xml(xml, cli->arena, topo, err);
    if (synthetic)
        return topology_from_synthetic(synthetic, cli->arena, topo, err);
    return topology_detect(cli->arena, topo, err);
}

/* --slots N: the cores a case could have in each of N places; without it one core a place. */
static int plan_slots(const struct cli *cli, const struct topology *topo, struct slots *slots,
                      struct ds_err *err)
{
    uint64_t n = cmd_number(cli->line, "slots", 0);
    uint64_t cores = cmd_number(cli->line, "cores", 0);
    if (cmd_has(cli->line, "slots") && (n == 0 || n > topo->n_pus))
        return ds_fail(err, DS_EINPUT, "--slots: %llu is not between 1 and the %u CPUs usable here",
                       (unsigned long long)n, topo->n_pus);
    if (cmd_has(cli->line, "cores") && (cores == 0 || cores > topo->n_pus))
        return ds_fail(err, DS_EINPUT, "--cores: %llu is not between 1 and the %u CPUs usable here",
                       (unsigned long long)cores, topo->n_pus);
    uint64_t usable = cores > 0 ? cores : topo->n_cores;
    struct slots_request want = {
        .cores = n > 0 && usable > n ? (uint32_t)(usable / n) : 1,
        .want = (uint32_t)n,
        .use_smt = n > topo->n_cores,
        .cores_limit = (uint32_t)cores,
        .mem_bytes = cmd_number(cli->line, "case-memory", 0),
        .mem_limit_bytes = cmd_number(cli->line, "memory", 0),
    };
    return slots_plan(topo, &want, cli->arena, slots, err);
}

static int run(struct cli *cli)
{
    struct topology topo = {0};
    struct slots slots = {0};
    struct ds_err err = {0};
    int rc = read_machine(cli, &topo, &err);
    if (rc == 0)
        rc = plan_slots(cli, &topo, &slots, &err);
    if (rc < 0)
        return cli_fail(cli, &err);
    ds_auto_buf out;
    buf_init(&out, OUT_BYTES);
    if (cli->json) {
        topology_describe_json(&topo, &slots, &out);
    } else {
        topology_describe(&topo, &slots, &out);
        slots_why(&slots, &out);
        (void)buf_put_char(&out, '\n');
    }
    cli_put(cli, &out);
    return CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"slots", 0, VALUE_COUNT, "N", "lay out N slots of equal size (default: one for each core)"},
    {"cores", 0, VALUE_COUNT, "N", "as if `run` were given --cores N"},
    {"memory", 0, VALUE_SIZE, "SIZE", "as if `run` were given --memory SIZE"},
    {"case-memory", 0, VALUE_SIZE, "SIZE", "what one case needs: fewer slots when memory is short"},
    {"xml", 0, VALUE_FILE, "FILE", "another machine, from `lstopo FILE.xml`"},
    {"synthetic", 0, VALUE_TEXT, "TEXT", "another machine, from hwloc's synthetic description"},
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep topology", "what limits this machine: affinity, cgroups, memory"},
    {"decksweep topology --slots 4", "where four cases would run side by side"},
    {"decksweep topology --synthetic 'pack:2 l3:4 core:8 pu:2' --slots 8", "the same elsewhere"},
    {NULL, NULL},
};

const struct cmd_entry cmd_topology = {
    .name = "topology",
    .args = "",
    .summary = "show the cores and memory that a sweep would use, with its slots",
    .text =
        "Respects affinity mask, cgroup cpusets, CPU quota and memory limits, and says which of "
        "them counts.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .json = true,
    .run = run,
};
