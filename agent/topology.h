/* SPDX-License-Identifier: GPL-3.0-or-later */
/* topology.h (agent) - limits applied to a topology, and a topology shown to people
 *
 * Pure and reentrant. */
#ifndef DECKSWEEP_AGENT_TOPOLOGY_H
#define DECKSWEEP_AGENT_TOPOLOGY_H

#include "agent/slots.h"
#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/topology.h"

/* What stands between the machine and this process. has_* false: no such limit. */
struct topology_limits {
    bool has_affinity, has_cpus, has_mems;
    struct cpuset affinity;   /* sched_getaffinity */
    struct cpuset cpus;       /* cgroup cpuset, PUs */
    struct cpuset mems;       /* cgroup cpuset, NUMA nodes */
    double cpu_quota;         /* CPUs; 0 = none */
    uint64_t mem_bytes;       /* cgroup limit; 0 = none */
    struct ds_span quota_why; /* "cgroup v2 /a/b cpu.max" */
    struct ds_span mem_why;   /* "cgroup v1 memory /x memory.limit_in_bytes" */
    struct ds_span cpus_why;  /* "cgroup v2 /a cpuset.cpus.effective" */
};

/* Put cores in order (package, NUMA node, L3, position), number packages, L3s and kinds densely
 * from 0 in that order (kind: 0 = the fastest there is), and count. cores and numa: takes
 * both over into out, which keeps them; l3 and package may be any numbers before. numa of a core
 * is an index into numa already. Fills all of out but memory, quota and the whys. */
int topology_settle(struct topo_core *cores, size_t n_cores, const struct topo_numa *numa,
                    size_t n_numa, struct ds_arena *a, struct topology *out,
                    struct ds_err *err) DS_CHECKED;

/* Apply limits to a machine's topology. out may be whole. DS_ENOFIT: no PU is left.
 * DS_ETOOBIG: arena. */
int topology_apply(const struct topology *whole, const struct topology_limits *limits,
                   struct ds_arena *a, struct topology *out, struct ds_err *err) DS_CHECKED;

/* A tree of packages, NUMA nodes, caches and cores with the slots drawn beside the cores;
 * slots may be NULL. Equal cores in a row are folded. Ends in \n. */
void topology_describe(const struct topology *topo, const struct slots *slots, struct ds_buf *out);

/* The same as one JSON object with \n: format in docs/machines.md. */
void topology_describe_json(const struct topology *topo, const struct slots *slots,
                            struct ds_buf *out);

#endif
