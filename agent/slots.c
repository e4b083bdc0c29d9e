/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots.c - limits first, then the layout (slots_layout.c), then memory (slots_memory.c) */
#include "agent/slots.h"

#include "agent/slots_layout.h"
#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

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
        snprintf(what, sizeof(what), "%u %shardware thread%s", w->cores, kind_word(w, p),
                 w->cores == 1 ? "" : "s");
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
        snprintf(idle, sizeof(idle), "; %u left over", w->idle);
    return arena_format(w->a, "%zu cores (%.*s), %u a case%s", t->n_cores, DS_FMT(t->cpu_why),
                        w->cores, idle);
}

int slots_plan(const struct topology *topo, const struct slots_request *want, struct ds_arena *a,
               struct slots *out, struct ds_err *err)
{
    struct capacity cap = {0};
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
    rc = slots_lay_out(&w, use_smt, target, err);
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
