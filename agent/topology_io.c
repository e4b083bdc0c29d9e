/* SPDX-License-Identifier: GPL-3.0-or-later */
/* topology_io.c - hwloc's tree into plain numbers
 *
 * A core's node is the smallest node of ordinary memory whose CPUs include the core; memory
 * of another kind (HBM, persistent, of a GPU) is neither counted nor bound to: a case that
 * was sized for DRAM must not land there. */
#include "agent/topology_io.h"

#include "agent/cgroup_io.h"
#include "agent/topology.h"
#include "base/fs_io.h"
#include "base/units.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define XML_MAX_BYTES  (16u << 20)
#define XML_HEAD_BYTES 4096u
#define NODES_MAX      CPUSET_MAX_PUS

struct reading {
    hwloc_topology_t hw;
    struct ds_arena *a;
    struct topo_core *cores;
    size_t n_cores;
    struct topo_numa *numa;
    hwloc_obj_t *node; /* by index of numa */
    size_t n_numa;
};

static void destroy_at(hwloc_topology_t *hw)
{
    if (*hw)
        hwloc_topology_destroy(*hw);
}
#define ds_auto_hwloc __attribute__((cleanup(destroy_at))) hwloc_topology_t

static bool is_ordinary(const struct hwloc_obj *node)
{
    static const char *const OTHER[] = {"MCDRAM",    "HBM", "NVM", "NVDIMM", "SPM",
                                        "GPUMemory", "CXL", "DAX", "Special"};
    for (size_t i = 0; node->subtype && i < DS_COUNT(OTHER); i++) {
        if (strncmp(node->subtype, OTHER[i], strlen(OTHER[i])) == 0)
            return false;
    }
    return true;
}

/* Nodes of ordinary memory; all of them where there is no such node. */
static int read_nodes(struct reading *r, struct ds_err *err)
{
    int n = hwloc_get_nbobjs_by_type(r->hw, HWLOC_OBJ_NUMANODE);
    if (n < 0 || n > (int)NODES_MAX)
        return ds_fail(err, DS_ETOOBIG, "topology: %d NUMA nodes", n);
    r->numa = ds_new(r->a, struct topo_numa, (size_t)n + 1);
    r->node = ds_new(r->a, hwloc_obj_t, (size_t)n + 1);
    if (!r->numa || !r->node)
        return ds_fail(err, DS_ETOOBIG, "topology: the machine is too large");
    for (int all = 0; all < 2 && r->n_numa == 0; all++) {
        for (int i = 0; i < n; i++) {
            hwloc_obj_t o = hwloc_get_obj_by_type(r->hw, HWLOC_OBJ_NUMANODE, (unsigned)i);
            if (!all && !is_ordinary(o))
                continue;
            if (o->os_index >= CPUSET_MAX_PUS)
                return ds_fail(err, DS_ETOOBIG, "topology: NUMA node number %u", o->os_index);
            r->node[r->n_numa] = o;
            r->numa[r->n_numa++] = (struct topo_numa){.os_index = o->os_index,
                                                      .mem_bytes = o->attr->numanode.local_memory};
        }
    }
    return 0;
}

/* The smallest node that holds the core's CPUs, else one that shares some, else the first. */
static unsigned node_of(const struct reading *r, hwloc_const_cpuset_t cpus)
{
    unsigned best = 0;
    int best_weight = 0;
    for (size_t i = 0; i < r->n_numa; i++) {
        hwloc_const_cpuset_t local = r->node[i]->cpuset;
        if (!hwloc_bitmap_intersects(cpus, local))
            continue;
        int weight = hwloc_bitmap_weight(local);
        if (best_weight == 0 || weight < best_weight) {
            best = (unsigned)i;
            best_weight = weight;
        }
    }
    return best;
}

static unsigned kind_of(const struct reading *r, hwloc_const_cpuset_t cpus)
{
    int n = hwloc_cpukinds_get_nr(r->hw, 0);
    int kind = n > 0 ? hwloc_cpukinds_get_by_cpuset(r->hw, cpus, 0) : -1;
    int efficiency = -1;
    if (kind < 0
        || hwloc_cpukinds_get_info(r->hw, (unsigned)kind, NULL, &efficiency, NULL, NULL, 0))
        return 0;
    return efficiency < 0 || efficiency >= n ? 0 : (unsigned)(n - 1 - efficiency);
}

static unsigned ancestor_number(hwloc_topology_t hw, hwloc_obj_t o, hwloc_obj_type_t type,
                                unsigned otherwise)
{
    hwloc_obj_t up = hwloc_get_ancestor_obj_by_type(hw, type, o);
    return up ? up->logical_index : otherwise;
}

static int read_core(struct reading *r, hwloc_obj_t o, hwloc_const_cpuset_t allowed,
                     struct ds_err *err)
{
    struct topo_core *c = &r->cores[r->n_cores];
    int weight = hwloc_bitmap_weight(o->cpuset);
    unsigned *pus = ds_new(r->a, unsigned, weight > 0 ? (size_t)weight : 1);
    unsigned n = 0;
    int pu = 0;
    if (!pus)
        return ds_fail(err, DS_ETOOBIG, "topology: the machine is too large");
    for (pu = hwloc_bitmap_first(o->cpuset); pu >= 0; pu = hwloc_bitmap_next(o->cpuset, pu)) {
        if (pu >= (int)CPUSET_MAX_PUS)
            return ds_fail(err, DS_ETOOBIG, "topology: CPU number %d; at most %u are supported", pu,
                           CPUSET_MAX_PUS);
        if (hwloc_bitmap_isset(allowed, (unsigned)pu))
            pus[n++] = (unsigned)pu;
    }
    if (n == 0)
        return 0;
    unsigned package = ancestor_number(r->hw, o, HWLOC_OBJ_PACKAGE, 0);
    *c = (struct topo_core){.pus = pus, .n_pus = n, .package = package};
    c->numa = node_of(r, o->cpuset);
    c->kind = kind_of(r, o->cpuset);
    /* without an L3 the package stands for it, above all real numbers */
    c->l3 = ancestor_number(r->hw, o, HWLOC_OBJ_L3CACHE, 0x10000u + package);
    r->n_cores++;
    return 0;
}

static int read_cores(struct reading *r, struct ds_err *err)
{
    hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(r->hw);
    /* some virtual machines show hardware threads only */
    hwloc_obj_type_t type =
        hwloc_get_nbobjs_by_type(r->hw, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    int n = hwloc_get_nbobjs_by_type(r->hw, type);
    if (n <= 0 || n > (int)CPUSET_MAX_PUS)
        return ds_fail(err, DS_ETOOBIG, "topology: %d cores", n);
    r->cores = ds_new(r->a, struct topo_core, (size_t)n);
    if (!r->cores)
        return ds_fail(err, DS_ETOOBIG, "topology: the machine is too large");
    for (int i = 0; i < n; i++) {
        int rc = read_core(r, hwloc_get_obj_by_type(r->hw, type, (unsigned)i), allowed, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_loaded(hwloc_topology_t hw, struct ds_arena *a, struct topology *out,
                       struct ds_err *err)
{
    struct reading r = {.hw = hw, .a = a};
    int rc = read_nodes(&r, err);
    if (rc == 0)
        rc = read_cores(&r, err);
    if (rc == 0)
        rc = topology_settle(r.cores, r.n_cores, r.numa, r.n_numa, a, out, err);
    for (size_t i = 0; rc == 0 && i < r.n_numa; i++)
        out->mem_bytes += r.numa[i].mem_bytes;
    return rc;
}

/* ---- from a description ---- */

/* The format's major number in "<topology version=\"3.0\">"; 0 when it is not said. */
static unsigned xml_major(struct ds_span text)
{
    static const char KEY[] = "<topology version=\"";
    size_t n = text.len < XML_HEAD_BYTES ? text.len : XML_HEAD_BYTES;
    const char *hit = memmem(text.ptr, n, KEY, sizeof(KEY) - 1);
    if (!hit)
        return 0;
    hit += sizeof(KEY) - 1;
    unsigned major = 0;
    for (; hit < text.ptr + n && *hit >= '0' && *hit <= '9' && major < 1000; hit++)
        major = major * 10 + (unsigned)(*hit - '0');
    return major;
}

int topology_from_xml(const char *path, struct ds_arena *a, struct topology *out,
                      struct ds_err *err)
{
    ds_auto_arena file = arena_create(XML_MAX_BYTES + 65536);
    ds_auto_hwloc hw = NULL;
    struct ds_span text;
    int rc = fs_read_file(path, XML_MAX_BYTES, file, &text, err);
    if (rc < 0)
        return rc;
    if (xml_major(text) > 2)
        return ds_fail(err, DS_EUNSUPPORTED,
                       "%s: hwloc XML format %u; this program reads formats 1 and 2: write the "
                       "file with `lstopo --export-xml-flags v2`",
                       path, xml_major(text));
    if (hwloc_topology_init(&hw) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "hwloc");
    if (hwloc_topology_set_xmlbuffer(hw, text.ptr, (int)text.len + 1) < 0
        || hwloc_topology_load(hw) < 0)
        return ds_fail(err, DS_EPARSE, "%s: no topology that hwloc can read", path);
    rc = read_loaded(hw, a, out, err);
    return rc < 0 ? ds_wrap(err, "%s", path) : 0;
}

int topology_from_synthetic(const char *text, struct ds_arena *a, struct topology *out,
                            struct ds_err *err)
{
    ds_auto_hwloc hw = NULL;
    if (hwloc_topology_init(&hw) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "hwloc");
    if (strlen(text) > 4096 || hwloc_topology_set_synthetic(hw, text) < 0
        || hwloc_topology_load(hw) < 0)
        return ds_fail(err, DS_EPARSE,
                       "'%.200s' is no hwloc synthetic topology (\"pack:2 l3:2 core:4 pu:2\")",
                       text);
    return read_loaded(hw, a, out, err);
}

/* ---- this machine ---- */

static void read_affinity(struct topology_limits *l)
{
    memset(&l->affinity, 0, sizeof(l->affinity));
    l->has_affinity =
        syscall(SYS_sched_getaffinity, 0, sizeof(l->affinity.word), l->affinity.word) > 0;
}

/* "MemTotal:       24683876 kB" */
static uint64_t meminfo(struct ds_span text, const char *key)
{
    while (text.len > 0) {
        struct ds_span line;
        struct ds_span name;
        struct ds_span number;
        uint64_t kib = 0;
        text = ds_span_cut(text, '\n', &line);
        struct ds_span value = ds_span_cut(line, ':', &name);
        (void)ds_span_cut(ds_span_trim(value), ' ', &number);
        if (ds_span_is(name, key) && units_parse_u64(number, UINT64_C(1) << 50, &kib, NULL) == 0)
            return kib * 1024;
    }
    return 0;
}

static void read_memory(struct topology *t)
{
    char text[8192];
    FILE *f = fopen("/proc/meminfo", "re");
    size_t n = f ? fread(text, 1, sizeof(text), f) : 0;
    if (f)
        (void)fclose(f);
    uint64_t total = meminfo((struct ds_span){text, n}, "MemTotal");
    if (total > 0)
        t->mem_bytes = total;
    t->mem_available_bytes = meminfo((struct ds_span){text, n}, "MemAvailable");
}

int topology_detect(struct ds_arena *a, struct topology *out, struct ds_err *err)
{
    ds_auto_hwloc hw = NULL;
    struct topology whole = {0};
    struct topology_limits limits = {0};
    if (hwloc_topology_init(&hw) < 0 || hwloc_topology_load(hw) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "hwloc cannot read this machine");
    int rc = read_loaded(hw, a, &whole, err);
    if (rc < 0)
        return rc;
    if (hwloc_topology_is_thissystem(hw)) { /* else HWLOC_XMLFILE or the like is set: a rehearsal */
        read_memory(&whole);
        /* a single node is the machine; some virtual machines tell less of it */
        struct topo_numa *only = ds_new(a, struct topo_numa, 1);
        if (only && whole.n_numa == 1 && whole.mem_bytes > 0) {
            *only = whole.numa[0];
            only->mem_bytes = whole.mem_bytes;
            whole.numa = only;
        }
        read_affinity(&limits);
        cgroup_read_limits("", a, &limits);
    }
    return topology_apply(&whole, &limits, a, out, err);
}
