/* SPDX-License-Identifier: GPL-3.0-or-later */
/* topology.h - what of a machine a process may really use, as plain numbers
 *
 * Filled by agent/topology_io.c from hwloc, sched_getaffinity and cgroups; by tests from
 * hwloc XML and synthetic strings. slots.c decides on it without seeing hwloc. PU numbers
 * are operating system indexes and need not be dense. Memory may be unknown (0). */
#ifndef DECKSWEEP_TOPOLOGY_H
#define DECKSWEEP_TOPOLOGY_H

#include "decksweep/err.h"
#include "decksweep/span.h"

struct ds_arena;

#define CPUSET_MAX_PUS 4096u
struct cpuset { /* a set of PU (or NUMA node) numbers 0 .. CPUSET_MAX_PUS-1 */
    uint64_t word[CPUSET_MAX_PUS / 64];
};

void cpuset_clear(struct cpuset *s);
void cpuset_add(struct cpuset *s, unsigned pu);
bool cpuset_has(const struct cpuset *s, unsigned pu);
unsigned cpuset_count(const struct cpuset *s);
int cpuset_first(const struct cpuset *s);           /* -1 when empty */
int cpuset_next(const struct cpuset *s, int after); /* -1 at the end */
bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b);
void cpuset_and(struct cpuset *s, const struct cpuset *with);
void cpuset_or(struct cpuset *s, const struct cpuset *with);
bool cpuset_eq(const struct cpuset *a, const struct cpuset *b);
/* "0-3,8" as the kernel writes it. Text is at most CPUSET_TEXT_BYTES; longer sets end in "...". */
#define CPUSET_TEXT_BYTES 256u
void cpuset_format(const struct cpuset *s, char out[CPUSET_TEXT_BYTES]);
int cpuset_parse(struct ds_span text, struct cpuset *out, struct ds_err *err) DS_CHECKED;

struct topo_core {
    const unsigned *pus; /* allowed PUs, ascending; n_pus >= 1 */
    unsigned n_pus;
    unsigned numa; /* index into numa[] of the nearest node with normal memory */
    unsigned l3;   /* index of its L3 domain (the package's where a machine has no L3) */
    unsigned package;
    unsigned kind; /* 0 = fastest; E-cores of a hybrid machine have higher numbers */
};

struct topo_numa {
    unsigned os_index;
    uint64_t mem_bytes; /* 0 = unknown */
};

struct topology {
    const struct topo_core *cores; /* by package, NUMA node, L3, logical index */
    size_t n_cores;
    const struct topo_numa *numa;
    size_t n_numa;
    unsigned n_l3, n_packages, n_pus;
    uint64_t mem_bytes;           /* usable by us: the least of machine, cgroup limits; 0 unknown */
    uint64_t mem_available_bytes; /* not used by others just now (MemAvailable); 0 unknown */
    double cpu_quota;             /* CPUs by CFS quota; 0 = none */
    struct ds_span mem_why;       /* "cgroup memory.max 8 GiB", "machine" */
    struct ds_span cpu_why;       /* "affinity mask 0-1", "cgroup quota 1.5" */
};

#endif
