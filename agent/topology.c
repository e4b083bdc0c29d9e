/* SPDX-License-Identifier: GPL-3.0-or-later */
/* topology.c - limits applied to a machine, in the order machine, affinity, cgroup */
#include "agent/topology.h"

#include "base/units.h"

#include <assert.h>
#include <stdlib.h>

static int compare_core(const void *x, const void *y)
{
    const struct topo_core *a = x;
    const struct topo_core *b = y;
    if (a->package != b->package)
        return a->package < b->package ? -1 : 1;
    if (a->numa != b->numa)
        return a->numa < b->numa ? -1 : 1;
    if (a->l3 != b->l3)
        return a->l3 < b->l3 ? -1 : 1;
    /* no two cores share a PU */
    return a->pus[0] < b->pus[0] ? -1 : a->pus[0] > b->pus[0];
}

/* Dense numbers by first appearance; distinct values are few and mostly neighbours. */
static unsigned number_of(unsigned *seen, unsigned *n, unsigned value)
{
    for (unsigned i = *n; i > 0; i--) {
        if (seen[i - 1] == value)
            return i - 1;
    }
    seen[*n] = value;
    return (*n)++;
}

static int compare_unsigned(const void *x, const void *y)
{
    const unsigned *a = x;
    const unsigned *b = y;
    return *a < *b ? -1 : *a > *b;
}

static void renumber_kinds(struct topo_core *cores, size_t n, unsigned *room)
{
    unsigned n_kinds = 0;
    for (size_t i = 0; i < n; i++)
        (void)number_of(room, &n_kinds, cores[i].kind);
    qsort(room, n_kinds, sizeof(*room), compare_unsigned);
    for (size_t i = 0; i < n; i++)
        cores[i].kind = number_of(room, &n_kinds, cores[i].kind);
}

int topology_settle(struct topo_core *cores, size_t n_cores, const struct topo_numa *numa,
                    size_t n_numa, struct ds_arena *a, struct topology *out, struct ds_err *err)
{
    unsigned *room = ds_new(a, unsigned, n_cores + 1);
    struct topology t = {.cores = cores, .n_cores = n_cores, .numa = numa, .n_numa = n_numa};
    if (!room)
        return ds_fail(err, DS_ETOOBIG, "topology: the machine is too large");
    if (n_cores == 0)
        return ds_fail(err, DS_ENOFIT, "no CPU may be used by this process");
    qsort(cores, n_cores, sizeof(*cores), compare_core);
    for (size_t i = 0; i < n_cores; i++) {
        assert(cores[i].n_pus > 0 && (cores[i].numa < n_numa || n_numa == 0));
        cores[i].package = number_of(room, &t.n_packages, cores[i].package);
        t.n_pus += cores[i].n_pus;
    }
    for (size_t i = 0; i < n_cores; i++)
        cores[i].l3 = number_of(room, &t.n_l3, cores[i].l3);
    renumber_kinds(cores, n_cores, room);
    t.mem_why = t.cpu_why = DS_SPAN("machine");
    *out = t;
    return 0;
}

/* ---- limits ---- */

struct allowed {
    struct cpuset cpus;
    bool any; /* some limit is given */
};

static struct allowed allowed_cpus(const struct topology_limits *l)
{
    struct allowed out = {.any = l->has_affinity || l->has_cpus};
    if (l->has_affinity)
        out.cpus = l->affinity;
    else
        out.cpus = l->cpus;
    if (l->has_affinity && l->has_cpus)
        cpuset_and(&out.cpus, &l->cpus);
    return out;
}

/* Nodes that may be used, and where each old index goes. A core near a node that may not be
 * used gets its memory from the first that may. */
static int restrict_nodes(const struct topology *whole, const struct topology_limits *l,
                          struct ds_arena *a, struct topo_numa **nodes, size_t *n, unsigned **map)
{
    *nodes = ds_new(a, struct topo_numa, whole->n_numa + 1);
    *map = ds_new(a, unsigned, whole->n_numa + 1);
    *n = 0;
    if (!*nodes || !*map)
        return -1;
    for (size_t i = 0; i < whole->n_numa; i++) {
        if (l->has_mems && !cpuset_has(&l->mems, whole->numa[i].os_index))
            continue;
        (*map)[i] = (unsigned)*n;
        (*nodes)[(*n)++] = whole->numa[i];
    }
    if (*n > 0 || whole->n_numa == 0)
        return 0;
    memcpy(*nodes, whole->numa, whole->n_numa * sizeof(**nodes)); /* mems of another machine */
    *n = whole->n_numa;
    for (size_t i = 0; i < whole->n_numa; i++)
        (*map)[i] = (unsigned)i;
    return 0;
}

static int restrict_core(const struct topo_core *core, const struct allowed *allowed,
                         const unsigned *map, struct ds_arena *a, struct topo_core *out)
{
    unsigned *pus = ds_new(a, unsigned, core->n_pus);
    *out = *core;
    out->n_pus = 0;
    if (!pus)
        return -1;
    for (unsigned i = 0; i < core->n_pus; i++) {
        if (!allowed->any || cpuset_has(&allowed->cpus, core->pus[i]))
            pus[out->n_pus++] = core->pus[i];
    }
    out->pus = pus;
    out->numa = map[core->numa];
    return 0;
}

static uint64_t node_memory(const struct topo_numa *numa, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += numa[i].mem_bytes;
    return sum;
}

static void least_memory(uint64_t bytes, struct ds_span why, struct topology *t)
{
    if (bytes > 0 && (t->mem_bytes == 0 || bytes < t->mem_bytes)) {
        t->mem_bytes = bytes;
        t->mem_why = why;
    }
}

/* "affinity mask 0-1, cgroup v2 /x cpuset.cpus, cgroup v2 /y cpu.max 1.5 CPUs" */
static struct ds_span explain_cpus(const struct topology *whole, const struct topology_limits *l,
                                   unsigned n_pus, struct ds_arena *a)
{
    char list[CPUSET_TEXT_BYTES];
    struct ds_span why = whole->cpu_why;
    bool by_cgroup = l->has_cpus && cpuset_count(&l->cpus) < whole->n_pus;
    if (n_pus < whole->n_pus && by_cgroup) {
        cpuset_format(&l->cpus, list);
        why = arena_format(a, "%.*s %s", DS_FMT(l->cpus_why), list);
    }
    if (n_pus < whole->n_pus && l->has_affinity
        && (!by_cgroup || cpuset_count(&l->affinity) < cpuset_count(&l->cpus))) {
        cpuset_format(&l->affinity, list);
        why = arena_format(a, "affinity mask %s", list);
    }
    if (l->cpu_quota > 0)
        why = arena_format(a, "%.*s, %.*s %.3g CPUs", DS_FMT(why), DS_FMT(l->quota_why),
                           l->cpu_quota);
    return why;
}

int topology_apply(const struct topology *whole, const struct topology_limits *limits,
                   struct ds_arena *a, struct topology *out, struct ds_err *err)
{
    struct allowed allowed = allowed_cpus(limits);
    struct topo_numa *nodes = NULL;
    unsigned *map = NULL;
    size_t n_nodes = 0;
    size_t n = 0;
    struct topology t = {0};
    struct topo_core *cores = ds_new(a, struct topo_core, whole->n_cores);
    if (!cores || restrict_nodes(whole, limits, a, &nodes, &n_nodes, &map) < 0)
        return ds_fail(err, DS_ETOOBIG, "topology: the machine is too large");
    for (size_t i = 0; i < whole->n_cores; i++) {
        if (restrict_core(&whole->cores[i], &allowed, map, a, &cores[n]) < 0)
            return ds_fail(err, DS_ETOOBIG, "topology: the machine is too large");
        n += cores[n].n_pus > 0;
    }
    int rc = topology_settle(cores, n, nodes, n_nodes, a, &t, err);
    if (rc < 0)
        return rc;
    t.mem_bytes = whole->mem_bytes;
    t.mem_available_bytes = whole->mem_available_bytes;
    t.mem_why = whole->mem_why;
    if (n_nodes < whole->n_numa)
        least_memory(node_memory(nodes, n_nodes), DS_SPAN("NUMA nodes allowed by the cpuset"), &t);
    least_memory(limits->mem_bytes, limits->mem_why, &t);
    t.cpu_quota = limits->cpu_quota;
    t.cpu_why = explain_cpus(whole, limits, t.n_pus, a);
    if (!t.cpu_why.ptr)
        return ds_fail(err, DS_ETOOBIG, "topology: the machine is too large");
    *out = t;
    return 0;
}
