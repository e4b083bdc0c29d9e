/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums saturate: sizes come from keys of a store and from an environment, and what is too
 * large for 64 bits is too large for every node. */
#include "scheduler/pod_size.h"

#include "base/units.h"

#define MIB               (UINT64_C(1) << 20)
#define UNKNOWN_MEM_BYTES (UINT64_C(2) << 30) /* a core's share where nothing is known */
#define DEFAULT_CORES     8u
#define DEFAULT_CHUNKS    2000u
#define DEFAULT_CHUNK_S   600u
#define SHORTEST_CHUNK_MS 60000u
#define MAX_DEADLINE_S    INT32_MAX

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t out;
    return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t up_to_mib(uint64_t bytes)
{
    return bytes > UINT64_MAX - MIB ? bytes : (bytes + MIB - 1) / MIB * MIB;
}

/* Pods ask for whole MiB, so the rest of a node or limit is no use. */
static uint64_t down_to_mib(uint64_t bytes)
{
    return bytes / MIB * MIB;
}

static uint32_t cores_of(const struct pod_need *need)
{
    uint64_t cores = times(need->ranks ? need->ranks : 1, need->threads ? need->threads : 1);
    return (uint32_t)least(cores, UINT32_MAX);
}

static uint64_t shm_of(const struct pod_need *need, uint64_t slots)
{
    if (need->ranks <= 1)
        return POD_SHM_BYTES;
    return times(times(POD_SHM_RANK_BYTES, need->ranks), slots);
}

/* All that is not the cases' own. */
static uint64_t overhead_of(const struct pod_need *need, uint64_t slots)
{
    return add(add(POD_AGENT_BYTES, times(POD_AGENT_SLOT_BYTES, slots)), shm_of(need, slots));
}

static uint64_t disk_of(const struct pod_need *need, uint64_t slots)
{
    /* a worker starts nothing new when four fifths are used, nor with less than this free */
    uint64_t one = most(need->scratch_bytes, POD_CASE_DISK_BYTES);
    uint64_t cases = times(add(one, one / 4), slots);
    return up_to_mib(add(add(POD_DISK_BYTES, need->bundle_bytes), cases));
}

static bool has_disk(const struct node_class *c, uint64_t bytes)
{
    return c->scratch_bytes == 0 || bytes <= c->scratch_bytes; /* 0: not told */
}

struct capacity pod_capacity(const struct pod_need *need, const struct node_class *nodes,
                             size_t n_nodes, const struct pod_limits *limits)
{
    struct capacity cap = {0};
    uint64_t over = overhead_of(need, 1), limit = down_to_mib(limits->worker_mem_bytes);
    for (size_t i = 0; i < n_nodes; i++) {
        const struct node_class *c = &nodes[i];
        uint64_t mem = down_to_mib(limit ? least(c->mem_bytes, limit) : c->mem_bytes);
        if (c->n_nodes == 0)
            continue;
        if (c->cpus > cap.cores)
            cap.cores = c->cpus;
        if (c->cpus >= cores_of(need) && has_disk(c, disk_of(need, 1)) && mem > over)
            cap.mem_bytes = most(cap.mem_bytes, mem - over);
    }
    if (n_nodes == 0)
        return (struct capacity){.mem_bytes = limit ? most(1, limit > over ? limit - over : 1) : 0};
    /* 0 would mean that nothing is known */
    cap.cores = (uint32_t)most(1, cap.cores);
    cap.mem_bytes = most(1, cap.mem_bytes);
    return cap;
}

/* Memory of one case where nobody knows what it needs: its cores' share of a node. One that takes
 * all cores leaves an eighth: pods that are no DaemonSet's hold some on every node, and a guess is not
 * worth waiting for them for ever. */
static uint64_t guess_mem(const struct pod_need *need, const struct node_class *nodes,
                          size_t n_nodes, const struct pod_limits *limits)
{
    uint64_t over = overhead_of(need, 1), best = 0,
             floor = times(UNKNOWN_MEM_BYTES, cores_of(need));
    for (size_t i = 0; i < n_nodes; i++) {
        const struct node_class *c = &nodes[i];
        if (c->cpus < cores_of(need) || c->cpus == 0 || c->n_nodes == 0)
            continue;
        uint64_t share = times(c->mem_bytes / c->cpus, cores_of(need));
        best = most(best, least(c->mem_bytes - c->mem_bytes / 8, most(share, floor)));
    }
    best = best ? best : floor;
    if (limits->worker_mem_bytes)
        best = least(best, limits->worker_mem_bytes);
    best = down_to_mib(best);
    return best > over ? best - over : 1;
}

static struct pod_size size_for(const struct pod_need *need, uint64_t case_bytes, uint32_t slots)
{
    uint64_t mem = add(times(case_bytes, slots), overhead_of(need, slots));
    return (struct pod_size){.cpus = (uint32_t)least(times(cores_of(need), slots), UINT32_MAX),
                             .mem_bytes = up_to_mib(mem),
                             .scratch_bytes = disk_of(need, slots),
                             .shm_bytes = shm_of(need, slots),
                             .slots = slots};
}

uint64_t pod_size_places(const struct pod_size *pod, const struct node_class *nodes, size_t n_nodes)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n_nodes; i++) {
        const struct node_class *c = &nodes[i];
        uint64_t here = pod->cpus ? c->cpus / pod->cpus : 0;
        here = pod->mem_bytes ? least(here, c->mem_bytes / pod->mem_bytes) : here;
        if (c->scratch_bytes > 0 && pod->scratch_bytes > 0)
            here = least(here, c->scratch_bytes / pod->scratch_bytes);
        total = add(total, times(here, c->n_nodes));
    }
    return total;
}

static int refuse(const struct pod_need *need, const struct pod_size *one,
                  const struct node_class *nodes, size_t n_nodes, struct ds_err *err)
{
    struct node_class top = {0};
    char mem[UNITS_TEXT_BYTES], disk[UNITS_TEXT_BYTES], have[UNITS_TEXT_BYTES];
    char have_disk[UNITS_TEXT_BYTES];
    for (size_t i = 0; i < n_nodes; i++) {
        top.cpus = (uint32_t)most(top.cpus, nodes[i].cpus);
        top.mem_bytes = most(top.mem_bytes, nodes[i].mem_bytes);
        top.scratch_bytes = most(top.scratch_bytes, nodes[i].scratch_bytes);
    }
    units_format_size(one->mem_bytes, mem);
    units_format_size(one->scratch_bytes, disk);
    units_format_size(top.mem_bytes, have);
    units_format_size(top.scratch_bytes, have_disk);
    return ds_fail(err, DS_ENOFIT,
                   "one case needs %u %s, %s of memory and %s of disk with its worker; no kind of "
                   "node has that (at most %u CPUs, %s, %s): lower resources.ranks or "
                   "resources.memory, or add larger nodes",
                   cores_of(need), cores_of(need) == 1 ? "CPU" : "CPUs", mem, disk, top.cpus, have,
                   have_disk);
}

int pod_size_of(const struct pod_need *need, const struct node_class *nodes, size_t n_nodes,
                const struct pod_limits *limits, struct pod_size *out, struct ds_err *err)
{
    uint32_t at_most = (limits->worker_cores ? limits->worker_cores : DEFAULT_CORES);
    uint64_t slots = most(1, at_most / cores_of(need)), best_total = 0;
    uint64_t case_bytes = need->mem_bytes;
    struct pod_size best = {0};
    bool unknown = case_bytes == 0 && need->case_ms == 0;
    if (case_bytes == 0)
        case_bytes = unknown ? guess_mem(need, nodes, n_nodes, limits) : POD_UNMEASURED_BYTES;
    slots = need->pilot || unknown ? 1 : most(1, least(slots, need->n_cases));
    for (uint32_t s = 1; s <= slots; s++) {
        struct pod_size pod = size_for(need, case_bytes, s);
        if (limits->worker_mem_bytes && pod.mem_bytes > down_to_mib(limits->worker_mem_bytes))
            break;
        uint64_t total = n_nodes ? times(pod_size_places(&pod, nodes, n_nodes), s) : s;
        total = least(total, need->n_cases); /* more than all at once is no gain */
        if (total > 0 && total >= best_total) {
            best = pod;
            best_total = total;
        }
    }
    if (best_total == 0) {
        struct pod_size one = size_for(need, case_bytes, 1);
        return refuse(need, &one, nodes, n_nodes, err);
    }
    *out = best;
    return 0;
}

uint64_t pod_size_worker_mem(const struct pod_size *pod)
{
    uint64_t over =
        add(add(POD_AGENT_BYTES, times(POD_AGENT_SLOT_BYTES, pod->slots)), pod->shm_bytes);
    return pod->mem_bytes > over ? pod->mem_bytes - over : 1;
}

/* ---- chunks ---- */

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* So many cases last about ms on the pod's slots, at least one a slot. */
static uint64_t cases_in(const struct pod_need *need, const struct pod_size *pod, uint64_t ms)
{
    uint64_t waves = need->case_ms ? most(1, ms / add(need->case_ms, POD_CASE_MS)) : 1;
    return times(waves, pod->slots ? pod->slots : 1);
}

static uint64_t wanted_cases(const struct pod_need *need, const struct pod_size *pod,
                             const struct node_class *nodes, size_t n_nodes,
                             const struct pod_limits *limits)
{
    uint64_t chunk_s = limits->chunk_s ? limits->chunk_s : DEFAULT_CHUNK_S;
    uint64_t cases = cases_in(need, pod, chunk_s * 1000);
    uint64_t workers = pod_size_places(pod, nodes, n_nodes);
    if (need->pilot)
        return 1;
    if (limits->max_workers > 0)
        workers = workers ? least(workers, limits->max_workers) : limits->max_workers;
    if (workers > 0 && divide_up(need->n_cases, cases) < workers) {
        uint64_t share = divide_up(need->n_cases, workers);
        uint64_t shortest = cases_in(need, pod, least(SHORTEST_CHUNK_MS, chunk_s * 1000));
        cases = least(cases, most(share, shortest));
    }
    return most(1, least(cases, need->n_cases));
}

void pod_size_cut(const struct pod_need *needs, const struct pod_size *pods, size_t n,
                  const struct node_class *nodes, size_t n_nodes, const struct pod_limits *limits,
                  uint32_t *cases)
{
    uint64_t max_chunks = limits->max_chunks ? limits->max_chunks : DEFAULT_CHUNKS, chunks = 0;
    for (size_t i = 0; i < n; i++) {
        cases[i] = (uint32_t)wanted_cases(&needs[i], &pods[i], nodes, n_nodes, limits);
        chunks += divide_up(needs[i].n_cases, cases[i]);
    }
    if (chunks <= max_chunks)
        return;
    uint64_t spare = max_chunks > n ? max_chunks - n : 0; /* one each, the rest by need */
    for (size_t i = 0; i < n; i++) {
        uint64_t budget = 1 + spare * divide_up(needs[i].n_cases, cases[i]) / chunks;
        cases[i] = (uint32_t)most(cases[i], divide_up(needs[i].n_cases, budget));
    }
}

uint32_t pod_size_deadline_s(const struct pod_need *need, uint32_t slots, uint32_t n_cases)
{
    uint64_t waves = divide_up(n_cases, slots ? slots : 1);
    uint64_t attempt_s = divide_up(need->wall_ms, 1000);
    uint64_t all = times(times(attempt_s, add(need->retries, 1)), waves);
    return (uint32_t)least(add(POD_DEADLINE_S, all), MAX_DEADLINE_S);
}
