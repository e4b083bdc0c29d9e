/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many pods and sweeps at a time. */
#include "scheduler/reconcile_parts.h"

static uint32_t smaller_limit(uint32_t x, uint32_t y) /* 0: none */
{
    if (x == 0 || y == 0)
        return x + y;
    return x < y ? x : y;
}

static uint64_t fit(uint64_t room, uint64_t each)
{
    return each > 0 ? room / each : UINT32_MAX;
}

uint32_t decide_one_node_bound(const struct sweep_view *w, const struct census_shape *s,
                               const struct node_class *nodes, size_t n_nodes)
{
    uint64_t most = 0;
    if (w->read_write_once_pod)
        return 1;
    if (!w->read_write_once || n_nodes == 0)
        return 0;
    for (size_t i = 0; i < n_nodes; i++) {
        uint64_t n = fit(nodes[i].cpus, s->pod.cpus);
        uint64_t by_memory = fit(nodes[i].mem_bytes, s->pod.mem_bytes);
        uint64_t by_scratch =
            nodes[i].scratch_bytes ? fit(nodes[i].scratch_bytes, s->pod.scratch_bytes) : n;
        n = by_memory < n ? by_memory : n;
        n = by_scratch < n ? by_scratch : n;
        most = n > most ? n : most;
    }
    return most == 0 ? 1 : most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

/* max workers go to the open Jobs in their order, but each gets one. */
static uint32_t share_of(const struct step *step, uint32_t job, uint32_t max)
{
    uint32_t open = 0, left = max;
    for (uint32_t i = 0; i < step->n_jobs; i++)
        open += decide_is_open(step->job[i].outcome) || i == job;
    for (uint32_t i = 0; i < step->n_jobs; i++) {
        uint32_t want = step->job[i].shape.n_chunks;
        if (!decide_is_open(step->job[i].outcome) && i != job)
            continue;
        open--;
        uint32_t can = left > open + 1 ? left - open : 1; /* one stays for each that follows */
        uint32_t gets = want < can ? want : can;
        if (i == job)
            return gets;
        left = left > gets ? left - gets : 0;
    }
    return 1;
}

static uint32_t parallelism(const struct sweep_view *w, const struct sweep_status *st, uint32_t job,
                            const struct cluster_limits *limits, uint32_t node_bound)
{
    const struct step *step = &st->step;
    if (step->kind != STEP_ROUND || job >= step->n_jobs || job >= CENSUS_MAX_SHAPES)
        return 1;
    uint32_t n = step->job[job].shape.n_chunks;
    uint32_t max = smaller_limit(w->max_workers, limits->pods.max_workers);
    if (max > 0)
        n = share_of(step, job, max);
    if (node_bound > 0 && n > node_bound)
        n = node_bound;
    return n > 0 ? n : 1;
}

uint32_t reconcile_parallelism(const struct sweep_view *w, const struct sweep_status *st,
                               uint32_t job, const struct cluster_limits *limits,
                               const struct node_class *nodes, size_t n_nodes)
{
    uint32_t bound = st->step.kind == STEP_ROUND && job < CENSUS_MAX_SHAPES
                         ? decide_one_node_bound(w, &st->step.job[job].shape, nodes, n_nodes)
                         : 0;
    return parallelism(w, st, job, limits, bound);
}

/* Lowering kills running pods: only when a limit says so, not because a node went away. */
void decide_parallelism(struct deciding *d)
{
    const struct reconcile_input *in = d->in;
    const struct step *step = &d->st->step;
    if (in->sweep->has_queue || !decide_is_busy(d->st) || step->kind != STEP_ROUND)
        return;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++) {
        const struct job_view *j = decide_find_job(in, step->job[i].name);
        if (!j || step->job[i].outcome != JOB_ACTIVE || j->deleting || j->parallelism == 0)
            continue;
        uint32_t by_limits = parallelism(in->sweep, d->st, i, in->limits, 0);
        uint32_t want =
            reconcile_parallelism(in->sweep, d->st, i, in->limits, in->nodes, in->n_nodes);
        if (want < j->parallelism)
            want = by_limits < j->parallelism ? by_limits : j->parallelism;
        if (want == j->parallelism)
            continue;
        struct action *a = decide_job_action(d, ACT_SET_PARALLELISM, j->name, j->uid);
        if (a)
            a->number = want;
    }
}

static bool is_active(const struct sweep_view *w)
{
    return w->status.phase == PHASE_PLANNING || w->status.phase == PHASE_RUNNING;
}

static bool is_waiting(const struct sweep_view *w)
{
    const struct sweep_status *st = &w->status;
    bool new_here = st->spec_hash[0] == '\0' || strcmp(st->spec_hash, w->spec_hash) != 0;
    return !w->deleting && !w->refused && w->run == RUN_ACTIVE && !is_active(w)
           && (new_here || st->wants_census) && !w->claim_missing && decide_deck_is_there(w, st);
}

static bool is_older(const struct sweep_view *x, const struct sweep_view *y)
{
    if (x->created_s != y->created_s)
        return x->created_s < y->created_s;
    return strcmp(x->uid, y->uid) < 0;
}

uint32_t reconcile_sweeps_ahead(const struct sweep_view *const *all, size_t n, size_t self)
{
    uint32_t ahead = 0;
    for (size_t i = 0; i < n; i++)
        if (i != self && !all[i]->deleting)
            ahead += is_active(all[i]) || (is_waiting(all[i]) && is_older(all[i], all[self]));
    return ahead;
}
