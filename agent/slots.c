/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots.c - laying out places for cases
 *
 * Cores are sorted so that neighbours share most: package, NUMA node, L3, kind. A place is
 * cut out of a group of cores. The groups are those of the smallest level in which one case
 * fits: an L3 inside a NUMA node, a NUMA node, a package, the machine. Nothing is ever put
 * together across groups, so a case that fits an L3 never straddles one; cores left over
 * in a group stay idle, and `why` says how many.
 *
 * With hardware threads the whole layout is made again for the second thread of each core,
 * then the third: thread t only of cores that have one. The places of later threads come
 * last in the order.
 *
 * The order of places spreads: a place's rank inside its L3 counts before its L3's rank
 * inside the node, before the node's inside the package, before the package. */
#include "agent/slots.h"

#include "base/arena.h"
#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum level { LEVEL_L3, LEVEL_NUMA, LEVEL_PACKAGE, LEVEL_MACHINE };

struct unit { /* a core, or one hardware thread of it */
    const struct topo_core *core;
    unsigned thread; /* ALL_THREADS: the whole core */
    unsigned taken;  /* already in a place */
};
#define ALL_THREADS 0xffffffffu

struct place { /* a slot before it is written out */
    const struct unit *const *units;
    unsigned thread, kind;
    unsigned package, numa, l3; /* of its first unit */
    unsigned rank_l3, rank_numa, rank_package, rank_machine;
    unsigned serial; /* keeps the order total */
};

struct plan_work {
    const struct topology *topo;
    struct ds_arena *a;
    uint32_t cores;
    struct place *places;
    size_t n_places, room;
    unsigned idle; /* units left over in groups too small or not divisible */
};

static int compare_unit(const void *x, const void *y)
{
    const struct unit *a = x;
    const struct unit *b = y;
    const struct topo_core *p = a->core;
    const struct topo_core *q = b->core;
    if (p->package != q->package)
        return p->package < q->package ? -1 : 1;
    if (p->numa != q->numa)
        return p->numa < q->numa ? -1 : 1;
    if (p->l3 != q->l3)
        return p->l3 < q->l3 ? -1 : 1;
    if (p->kind != q->kind)
        return p->kind < q->kind ? -1 : 1;
    return p < q ? -1 : p > q;
}

static bool same_group(const struct topo_core *p, const struct topo_core *q, enum level level)
{
    switch (level) {
    case LEVEL_L3:
        return p->l3 == q->l3 && p->numa == q->numa && p->package == q->package;
    case LEVEL_NUMA:
        return p->numa == q->numa;
    case LEVEL_PACKAGE:
        return p->package == q->package;
    default:
        return true;
    }
}

/* A NUMA node may span packages and a package several nodes: for the NUMA level the sort by
 * package would tear a node apart, so that level sorts by node first. */
static int compare_unit_numa(const void *x, const void *y)
{
    const struct unit *a = x;
    const struct unit *b = y;
    if (a->core->numa != b->core->numa)
        return a->core->numa < b->core->numa ? -1 : 1;
    return compare_unit(x, y);
}

static size_t group_end(const struct unit *u, size_t n, size_t from, enum level level)
{
    size_t end = from + 1;
    while (end < n && same_group(u[from].core, u[end].core, level))
        end++;
    return end;
}

static void sort_units(struct unit *u, size_t n, enum level level)
{
    qsort(u, n, sizeof(*u), level == LEVEL_NUMA ? compare_unit_numa : compare_unit);
}

static size_t largest_group(struct unit *u, size_t n, enum level level)
{
    size_t best = 0;
    sort_units(u, n, level);
    for (size_t i = 0; i < n;) {
        size_t end = group_end(u, n, i, level);
        if (end - i > best)
            best = end - i;
        i = end;
    }
    return best;
}

static int add_place(struct plan_work *w, const struct unit *const *units)
{
    assert(w->n_places < w->room);
    struct place *p = &w->places[w->n_places];
    *p = (struct place){.units = units,
                        .thread = units[0]->thread,
                        .package = units[0]->core->package,
                        .numa = units[0]->core->numa,
                        .l3 = units[0]->core->l3,
                        .serial = (unsigned)w->n_places};
    for (uint32_t i = 0; i < w->cores; i++) {
        if (units[i]->core->kind > p->kind)
            p->kind = units[i]->core->kind;
    }
    w->n_places++;
    return 0;
}

/* Cut places out of one group. Places of one kind of core first; what is left of each kind
 * then makes mixed ones, so that no core that could work stays idle. */
static int cut_group(struct plan_work *w, struct unit *u, size_t n, struct ds_err *err)
{
    size_t n_whole = n / w->cores;
    const struct unit **picked = ds_new(w->a, const struct unit *, n);
    if (!picked)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    size_t n_picked = 0;
    unsigned max_kind = 0;
    for (size_t i = 0; i < n; i++)
        max_kind = u[i].core->kind > max_kind ? u[i].core->kind : max_kind;
    for (unsigned kind = 0; kind <= max_kind; kind++) {
        size_t of_kind = 0;
        for (size_t i = 0; i < n; i++)
            of_kind += u[i].core->kind == kind;
        size_t use = of_kind - of_kind % w->cores;
        for (size_t i = 0; i < n && use > 0; i++) {
            if (u[i].core->kind == kind) {
                picked[n_picked++] = &u[i];
                u[i].taken = 1;
                use--;
            }
        }
    }
    for (unsigned kind = 0; kind <= max_kind; kind++) {
        for (size_t i = 0; i < n; i++) {
            if (!u[i].taken && u[i].core->kind == kind)
                picked[n_picked++] = &u[i];
        }
    }
    for (size_t k = 0; k < n_whole; k++) {
        int rc = add_place(w, picked + k * w->cores);
        if (rc < 0)
            return rc;
    }
    w->idle += (unsigned)(n - n_whole * w->cores);
    return 0;
}

/* Units of thread t (ALL_THREADS: whole cores). */
static struct unit *units_of_thread(const struct plan_work *w, unsigned thread, size_t *n)
{
    struct unit *u = ds_new(w->a, struct unit, w->topo->n_cores);
    *n = 0;
    for (size_t i = 0; u && i < w->topo->n_cores; i++) {
        const struct topo_core *c = &w->topo->cores[i];
        if (thread == ALL_THREADS || thread < c->n_pus)
            u[(*n)++] = (struct unit){.core = c, .thread = thread};
    }
    return u;
}

static enum level level_for(struct unit *u, size_t n, uint32_t cores)
{
    for (enum level level = LEVEL_L3; level < LEVEL_MACHINE; level++) {
        if (largest_group(u, n, level) >= cores)
            return level;
    }
    return LEVEL_MACHINE;
}

/* Lay out all units of one thread number. */
static int lay_thread(struct plan_work *w, unsigned thread, struct ds_err *err)
{
    size_t n = 0;
    struct unit *u = units_of_thread(w, thread, &n);
    if (!u)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    if (n < w->cores) {
        w->idle += (unsigned)n;
        return 0;
    }
    enum level level = level_for(u, n, w->cores);
    sort_units(u, n, level);
    for (size_t i = 0; i < n;) {
        size_t end = group_end(u, n, i, level);
        int rc = cut_group(w, u + i, end - i, err);
        if (rc < 0)
            return rc;
        i = end;
    }
    return 0;
}

/* Ranks: how many earlier places share this one's L3, and how many earlier L3s its node,
 * nodes its package. Places are few thousands at most and this is quadratic in the worst
 * case only over distinct domains; counts are kept in tables indexed by domain. */
struct rank_tables {
    unsigned *in_l3;      /* by l3: places of this thread and kind so far */
    unsigned *l3_rank;    /* by l3: 1 + its rank in the node, 0 not seen */
    unsigned *l3_in_numa; /* by numa */
    unsigned *numa_rank;
    unsigned *numa_in_package; /* by package */
};

static int make_tables(const struct plan_work *w, struct rank_tables *t)
{
    size_t n_l3 = 1;
    size_t n_numa = w->topo->n_numa + 1;
    size_t n_packages = 1;
    for (size_t i = 0; i < w->topo->n_cores; i++) {
        const struct topo_core *c = &w->topo->cores[i];
        n_l3 = c->l3 + 1 > n_l3 ? c->l3 + 1 : n_l3;
        n_numa = c->numa + 1 > n_numa ? c->numa + 1 : n_numa;
        n_packages = c->package + 1 > n_packages ? c->package + 1 : n_packages;
    }
    t->in_l3 = ds_new(w->a, unsigned, n_l3);
    t->l3_rank = ds_new(w->a, unsigned, n_l3);
    t->l3_in_numa = ds_new(w->a, unsigned, n_numa);
    t->numa_rank = ds_new(w->a, unsigned, n_numa);
    t->numa_in_package = ds_new(w->a, unsigned, n_packages);
    return t->in_l3 && t->l3_rank && t->l3_in_numa && t->numa_rank && t->numa_in_package ? 0 : -1;
}

static int compare_tier(const struct place *a, const struct place *b)
{
    unsigned ta = a->thread == ALL_THREADS ? 0 : a->thread;
    unsigned tb = b->thread == ALL_THREADS ? 0 : b->thread;
    if (ta != tb)
        return ta < tb ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return 0;
}

static int compare_tier_serial(const void *x, const void *y)
{
    const struct place *a = x;
    const struct place *b = y;
    int c = compare_tier(a, b);
    return c ? c : (a->serial < b->serial ? -1 : a->serial > b->serial);
}

static int compare_place(const void *x, const void *y)
{
    const struct place *a = x;
    const struct place *b = y;
    int c = compare_tier(a, b);
    if (c)
        return c;
    if (a->rank_l3 != b->rank_l3)
        return a->rank_l3 < b->rank_l3 ? -1 : 1;
    if (a->rank_numa != b->rank_numa)
        return a->rank_numa < b->rank_numa ? -1 : 1;
    if (a->rank_package != b->rank_package)
        return a->rank_package < b->rank_package ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static int order_places(struct plan_work *w, struct ds_err *err)
{
    struct rank_tables t;
    if (make_tables(w, &t) < 0)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    if (w->n_places == 0)
        return 0;
    qsort(w->places, w->n_places, sizeof(*w->places), compare_tier_serial);
    size_t n_l3 = 1;
    for (size_t i = 0; i < w->topo->n_cores; i++)
        n_l3 = w->topo->cores[i].l3 + 1 > n_l3 ? w->topo->cores[i].l3 + 1 : n_l3;
    for (size_t i = 0; i < w->n_places; i++) {
        struct place *p = &w->places[i];
        if (i > 0 && compare_tier(p - 1, p) != 0)
            memset(t.in_l3, 0, n_l3 * sizeof(*t.in_l3));
        if (t.numa_rank[p->numa] == 0)
            t.numa_rank[p->numa] = ++t.numa_in_package[p->package];
        if (t.l3_rank[p->l3] == 0)
            t.l3_rank[p->l3] = ++t.l3_in_numa[p->numa];
        p->rank_l3 = t.in_l3[p->l3]++;
        p->rank_numa = t.l3_rank[p->l3];
        p->rank_package = t.numa_rank[p->numa];
    }
    qsort(w->places, w->n_places, sizeof(*w->places), compare_place);
    return 0;
}

/* ---- writing places out ---- */

static unsigned distinct(unsigned *seen, unsigned n_seen, unsigned value)
{
    for (unsigned i = 0; i < n_seen; i++) {
        if (seen[i] == value)
            return n_seen;
    }
    seen[n_seen] = value;
    return n_seen + 1;
}

static void put_units(const struct plan_work *w, const struct place *p, struct slot *s)
{
    cpuset_clear(&s->cpus);
    for (uint32_t i = 0; i < w->cores; i++) {
        const struct unit *u = p->units[i];
        for (unsigned k = 0; k < u->core->n_pus; k++) {
            if (u->thread == ALL_THREADS || u->thread == k)
                cpuset_add(&s->cpus, u->core->pus[k]);
        }
    }
}

static struct ds_span list_of(struct ds_arena *a, const unsigned *v, unsigned n)
{
    struct cpuset set;
    char text[CPUSET_TEXT_BYTES];
    cpuset_clear(&set);
    for (unsigned i = 0; i < n; i++)
        cpuset_add(&set, v[i] % CPUSET_MAX_PUS);
    cpuset_format(&set, text);
    return arena_copy(a, ds_span_of(text));
}

static const char *kind_word(const struct plan_work *w, const struct place *p)
{
    bool hybrid = false;
    unsigned lowest = p->units[0]->core->kind;
    for (size_t i = 0; i < w->topo->n_cores; i++)
        hybrid = hybrid || w->topo->cores[i].kind != w->topo->cores[0].kind;
    for (uint32_t i = 0; i < w->cores; i++)
        lowest = p->units[i]->core->kind < lowest ? p->units[i]->core->kind : lowest;
    if (!hybrid)
        return "";
    return lowest != p->kind ? "mixed " : p->kind == 0 ? "fast " : "slow ";
}

static int write_place(const struct plan_work *w, const struct place *p, struct slot *s,
                       struct ds_err *err)
{
    unsigned *numa = ds_new(w->a, unsigned, w->cores);
    unsigned *l3 = ds_new(w->a, unsigned, w->cores);
    if (!numa || !l3)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    put_units(w, p, s);
    cpuset_clear(&s->nodes);
    s->n_cores = w->cores;
    for (uint32_t i = 0; i < w->cores; i++) {
        const struct topo_core *c = p->units[i]->core;
        s->n_l3 = distinct(l3, s->n_l3, c->l3);
        s->n_numa = distinct(numa, s->n_numa, c->numa);
    }
    for (unsigned i = 0; i < s->n_numa && w->topo->n_numa > 0; i++)
        cpuset_add(&s->nodes, w->topo->numa[numa[i]].os_index % CPUSET_MAX_PUS);
    s->bind_memory = w->topo->n_numa > 1;
    char what[48];
    struct ds_span nodes = list_of(w->a, numa, s->n_numa);
    struct ds_span caches = list_of(w->a, l3, s->n_l3);
    if (p->thread == ALL_THREADS)
        snprintf(what, sizeof(what), "%u %score%s", w->cores, kind_word(w, p),
                 w->cores == 1 ? "" : "s");
    else
        snprintf(what, sizeof(what), "%u hardware thread%s (thread %u of %scores)", w->cores,
                 w->cores == 1 ? "" : "s", p->thread + 1, kind_word(w, p));
    s->why =
        arena_format(w->a, "%s of L3 %.*s, NUMA node %.*s%s", what, DS_FMT(caches), DS_FMT(nodes),
                     s->n_numa > 1 ? ": a case needs more cores than a node has"
                     : s->n_l3 > 1 ? ": a case needs more cores than an L3 has"
                                   : "");
    return s->why.ptr ? 0 : ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
}

/* ---- the plan ---- */

/* CPUs that may be busy at once. */
static int concurrent_cores(const struct topology *topo, const struct slots_request *want,
                            bool *use_smt, uint32_t *out, struct ds_err *err)
{
    uint32_t n_cores = (uint32_t)topo->n_cores;
    uint32_t n_pus = topo->n_pus > n_cores ? topo->n_pus : n_cores;
    *use_smt = want->use_smt || want->cores_limit > n_cores;
    if (want->cores_limit > n_pus)
        return ds_fail(err, DS_EINPUT,
                       "--cores %u: there are %u cores with %u hardware threads (%.*s)",
                       want->cores_limit, n_cores, n_pus, DS_FMT(topo->cpu_why));
    *out = want->cores_limit ? want->cores_limit : *use_smt ? n_pus : n_cores;
    if (topo->cpu_quota > 0) {
        uint32_t whole = topo->cpu_quota < 1 ? 1 : (uint32_t)fmin(floor(topo->cpu_quota), 1e6);
        *out = whole < *out ? whole : *out;
    }
    return 0;
}

static int memory_budget(const struct topology *topo, const struct slots_request *want,
                         uint64_t *out, struct ds_err *err)
{
    char has[UNITS_TEXT_BYTES];
    char asked[UNITS_TEXT_BYTES];
    uint64_t all = topo->mem_bytes;
    if (want->mem_limit_bytes > 0 && all > 0 && want->mem_limit_bytes > all) {
        units_format_size(all, has);
        units_format_size(want->mem_limit_bytes, asked);
        return ds_fail(err, DS_EINPUT, "--memory %s: there are %s (%.*s)", asked, has,
                       DS_FMT(topo->mem_why));
    }
    if (want->mem_limit_bytes > 0 || all == 0) {
        *out = want->mem_limit_bytes;
        return 0;
    }
    uint64_t reserve = all / 64 > SLOTS_RESERVE_BYTES ? all / 64 : SLOTS_RESERVE_BYTES;
    *out = all > 2 * reserve ? all - reserve : all / 2;
    if (topo->mem_available_bytes > 0 && topo->mem_available_bytes < *out)
        *out = topo->mem_available_bytes;
    return 0;
}

int slots_capacity(const struct topology *topo, const struct slots_request *limits,
                   struct capacity *out, struct ds_err *err)
{
    struct capacity c = {0};
    bool use_smt = false;
    int rc = concurrent_cores(topo, limits, &use_smt, &c.cores, err);
    if (rc == 0)
        rc = memory_budget(topo, limits, &c.mem_bytes, err);
    if (rc == 0)
        *out = c;
    return rc;
}

static int check_one_fits(const struct topology *topo, const struct slots_request *want,
                          const struct capacity *cap, struct ds_err *err)
{
    char need[UNITS_TEXT_BYTES];
    char has[UNITS_TEXT_BYTES];
    if (want->cores > cap->cores)
        return ds_fail(
            err, DS_ENOFIT, "a case needs %u cores (ranks x threads), %u may be used here (%s%.*s)",
            want->cores, cap->cores, want->cores_limit ? "--cores; " : "", DS_FMT(topo->cpu_why));
    if (cap->mem_bytes > 0 && want->mem_bytes > cap->mem_bytes) {
        units_format_size(want->mem_bytes, need);
        units_format_size(cap->mem_bytes, has);
        return ds_fail(err, DS_ENOFIT, "a case needs %s of memory, %s may be used here (%s%.*s)",
                       need, has, want->mem_limit_bytes ? "--memory; " : "", DS_FMT(topo->mem_why));
    }
    return 0;
}

static int lay_out(struct plan_work *w, bool use_smt, size_t target, struct ds_err *err)
{
    unsigned max_pus = 1;
    w->room = w->topo->n_pus > w->topo->n_cores ? w->topo->n_pus : w->topo->n_cores;
    w->places = ds_new(w->a, struct place, w->room);
    if (!w->places)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    int rc = lay_thread(w, ALL_THREADS, err);
    if (rc < 0 || !use_smt || w->n_places >= target)
        return rc < 0 ? rc : order_places(w, err);
    for (size_t i = 0; i < w->topo->n_cores; i++)
        max_pus = w->topo->cores[i].n_pus > max_pus ? w->topo->cores[i].n_pus : max_pus;
    w->n_places = 0;
    w->idle = 0;
    for (unsigned t = 0; t < max_pus && rc == 0; t++)
        rc = lay_thread(w, t, err);
    return rc < 0 ? rc : order_places(w, err);
}

/* Each place's part of its nodes' memory, by its part of their cores. */
static int share_nodes(const struct plan_work *w, struct slots *out, struct ds_err *err)
{
    unsigned *units = ds_new(w->a, unsigned, w->topo->n_numa + 1);
    if (!units)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    for (size_t i = 0; i < w->n_places; i++) {
        for (uint32_t k = 0; k < w->cores; k++)
            units[w->places[i].units[k]->core->numa % (w->topo->n_numa + 1)]++;
    }
    for (uint32_t i = 0; i < out->n_max; i++) {
        for (uint32_t k = 0; k < w->cores; k++) {
            unsigned numa = w->places[i].units[k]->core->numa;
            if (numa < w->topo->n_numa && units[numa] > 0)
                out->at[i].node_mem_bytes += w->topo->numa[numa].mem_bytes / units[numa];
        }
    }
    return 0;
}

static struct ds_span why_places(const struct plan_work *w, const struct slots_request *want,
                                 uint32_t limit, uint32_t n_max)
{
    const struct topology *t = w->topo;
    char idle[64] = "";
    if (n_max == want->want && want->want > 0)
        return arena_format(w->a, "%u asked for", n_max);
    if (n_max < w->n_places)
        return arena_format(
            w->a, "%u core%s of %zu (%s%.*s), %u a case", limit, limit == 1 ? "" : "s", t->n_cores,
            want->cores_limit == limit ? "--cores; " : "", DS_FMT(t->cpu_why), w->cores);
    if (w->idle > 0)
        snprintf(idle, sizeof(idle), "; %u idle, which would straddle a cache or node", w->idle);
    return arena_format(w->a, "%zu cores (%.*s), %u a case%s", t->n_cores, DS_FMT(t->cpu_why),
                        w->cores, idle);
}

int slots_plan(const struct topology *topo, const struct slots_request *want, struct ds_arena *a,
               struct slots *out, struct ds_err *err)
{
    struct capacity cap;
    bool use_smt = false;
    assert(topo->n_cores > 0 && want->cores > 0);
    int rc = slots_capacity(topo, want, &cap, err);
    if (rc == 0)
        rc = concurrent_cores(topo, want, &use_smt, &cap.cores, err);
    if (rc == 0)
        rc = check_one_fits(topo, want, &cap, err);
    if (rc < 0)
        return rc;
    uint32_t by_cores = cap.cores / want->cores;
    uint32_t target = want->want > 0 && want->want < by_cores ? want->want : by_cores;
    struct plan_work w = {.topo = topo, .a = a, .cores = want->cores};
    rc = lay_out(&w, use_smt, target, err);
    if (rc < 0)
        return rc;
    struct slots s = {.cores = want->cores, .mem_bytes = cap.mem_bytes};
    s.n_max = w.n_places < target ? (uint32_t)w.n_places : target;
    if (s.n_max == 0)
        return ds_fail(err, DS_ENOFIT, "a case needs %u cores, there are %zu", want->cores,
                       topo->n_cores);
    s.at = ds_new(a, struct slot, s.n_max);
    s.why_places = why_places(&w, want, cap.cores, s.n_max);
    if (!s.at || !s.why_places.ptr)
        return ds_fail(err, DS_ETOOBIG, "slots: the machine is too large");
    for (uint32_t i = 0; i < s.n_max; i++) {
        rc = write_place(&w, &w.places[i], &s.at[i], err);
        if (rc < 0)
            return rc;
    }
    rc = share_nodes(&w, &s, err);
    if (rc < 0)
        return rc;
    slots_resize(&s, want->mem_bytes);
    *out = s;
    return 0;
}
