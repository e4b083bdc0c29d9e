/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sim_controller.h - a controller's shell around reconcile(), with caches that lag and writes that fail */
#ifndef DS_TESTS_SIM_CONTROLLER_H
#define DS_TESTS_SIM_CONTROLLER_H

#include "sim_world.h"

struct sim_ctl {
    struct sim_world *w;
    int64_t skew_s;
    struct sim_sweep sweep; /* caches */
    struct sim_job job[MAX_JOBS];
    struct sim_pod pod[MAX_PODS];
    struct reconciled r;
    struct cluster_limits limits;
    bool in_go, put_done, fenced; /* fenced: this go has written the status */
    uint32_t at;
    uint64_t version; /* of the Sweep that the go was decided from, or that it has written */
    const char *trouble;
    int64_t not_before_s;
};

static inline int64_t clock_of(const struct sim_ctl *c)
{
    return c->w->now_s + c->skew_s;
}

/* ---- caches: each delivery brings one object, or all of a kind, up to date ---- */

static inline void see_sweep(struct sim_ctl *c)
{
    c->sweep = c->w->sweep;
    c->sweep.view.once_token = c->sweep.token;
    c->sweep.view.deck_name = c->sweep.deck_name;
    c->sweep.view.deck_present = c->sweep.view.deck_owned = c->sweep.deck;
}

static inline void see_job(struct sim_ctl *c, uint32_t i)
{
    struct sim_job before = c->job[i], *j = &c->job[i];
    *j = c->w->job[i];
    j->v.name = j->name;
    j->v.uid = j->uid;
    j->v.completed_indexes = j->done_list;
    j->v.failed_indexes = j->failed_list;
    before.v.uid = before.uid;
    job_view_note_seen(&j->v, before.used ? &before.v : NULL, clock_of(c));
}

static inline void see_pod(struct sim_ctl *c, uint32_t i)
{
    struct sim_pod before = c->pod[i], *p = &c->pod[i];
    *p = c->w->pod[i];
    p->v.name = p->v.uid = p->uid;
    p->v.job_uid = p->job_uid;
    p->v.node = "";
    p->v.message = p->message >= 0 ? c->w->message[p->message] : "";
    before.v.uid = before.uid;
    pod_view_note_seen(&p->v, before.used ? &before.v : NULL, clock_of(c));
}

static inline void see_all(struct sim_ctl *c)
{
    see_sweep(c);
    for (uint32_t i = 0; i < MAX_JOBS; i++)
        if (c->w->job[i].used || c->job[i].used)
            see_job(c, i);
    for (uint32_t i = 0; i < MAX_PODS; i++)
        if (c->w->pod[i].used || c->pod[i].used)
            see_pod(c, i);
}

static inline void restart(struct sim_ctl *c)
{
    for (uint32_t i = 0; i < MAX_JOBS; i++)
        c->job[i].used = false;
    for (uint32_t i = 0; i < MAX_PODS; i++)
        c->pod[i].used = false;
    c->in_go = false;
    c->trouble = NULL;
    c->not_before_s = 0;
    see_all(c);
}

/* ---- laws that each write keeps ---- */

static inline bool is_known(const struct sim_world *w, const char *name)
{
    for (uint32_t i = 0; i < w->n_names; i++)
        if (strcmp(w->names[i], name) == 0)
            return true;
    return false;
}

static inline void check_write(struct sim_world *w, const struct sweep_status *was,
                               const struct sweep_status *is)
{
    claim_holds(w, is->census_number >= was->census_number, "census numbers only grow");
    claim_holds(w, is->observed_generation >= was->observed_generation, "generation only grows");
    claim_holds(w, is->core_seconds >= was->core_seconds, "core seconds only grow");
    for (uint32_t i = 1; i < is->n_rounds; i++)
        claim_holds(w, is->rounds[i].number > is->rounds[i - 1].number, "rounds only go forward");
    claim_holds(w, was->n_rounds == 0 || is->n_rounds > 0, "history is not lost");
    claim_holds(w, is->phase != PHASE_SUCCEEDED || is->totals.n_done == is->totals.n_rows,
                "what succeeded is done");
    claim_holds(w, is->step.kind != STEP_ROUND || is->step.number <= w->n_rounds,
                "a round that a census has made");
    for (uint32_t i = 0; i < is->step.n_jobs; i++)
        if (is->step.job[i].outcome != JOB_PENDING && is->step.job[i].uid[0]
            && !is_known(w, is->step.job[i].name) && w->n_names < DS_COUNT(w->names))
            snprintf(w->names[w->n_names++], STATUS_NAME_BYTES, "%s", is->step.job[i].name);
}

static inline const struct step_job *named_in_step(const struct sweep_status *st, const char *name)
{
    for (uint32_t i = 0; i < st->step.n_jobs; i++)
        if (strcmp(st->step.job[i].name, name) == 0)
            return &st->step.job[i];
    return NULL;
}

/* ---- writes ---- */

enum fate { FATE_GOOD = 0, FATE_NOT_DONE, FATE_DONE_BUT_ERROR };

static inline enum fate fate_of_write(struct sim_world *w)
{
    if (w->calm)
        return FATE_GOOD;
    uint32_t n = below(&w->chance, 100);
    return n < 4 ? FATE_NOT_DONE : n < 8 ? FATE_DONE_BUT_ERROR : FATE_GOOD;
}

static inline void fail_go(struct sim_ctl *c, const char *words)
{
    c->in_go = false;
    c->trouble = words;
    c->not_before_s = clock_of(c) + 1 + below(&c->w->chance, 10);
}

/* Through JSON now and then, as the API server has it. */
static inline struct sweep_status stored(struct sim_world *w, const struct sweep_status *st)
{
    struct sweep_status back = *st;
    ds_auto_buf text;
    ds_auto_json j = NULL;
    if (!percent(&w->chance, 3))
        return back;
    buf_init(&text, 1u << 18);
    claim_holds(w, sweep_status_encode(st, &text, NULL) == 0, "a status can be written");
    if (!w->broken && json_parse(buf_span(&text), 1u << 18, &j, NULL) == 0)
        sweep_status_decode(j, &back);
    claim_holds(w, memcmp(&back, st, sizeof back) == 0, "a status comes back as it was");
    return back;
}

static inline void put_status(struct sim_ctl *c)
{
    struct sim_world *w = c->w;
    w->n_writes++;
    if (c->version != w->sweep.version) { /* conflict */
        see_sweep(c);
        c->in_go = false;
        return;
    }
    enum fate fate = fate_of_write(w);
    if (fate == FATE_NOT_DONE) {
        fail_go(c, "API server says no");
        return;
    }
    if (c->r.status_changed) {
        check_write(w, &w->sweep.view.status, &c->r.status);
        w->sweep.view.status = stored(w, &c->r.status);
        w->sweep.version++;
        w->n_changes++;
    }
    if (fate == FATE_DONE_BUT_ERROR) {
        fail_go(c, "no answer");
        return;
    }
    see_sweep(c);
    c->version = c->sweep.version;
    c->put_done = c->fenced = true;
}

static inline void create_job(struct sim_ctl *c, const struct action *a)
{
    struct sim_world *w = c->w;
    const struct sweep_status *st = &c->sweep.view.status; /* as written */
    struct sim_job *j = find_sim_job(w, a->name);
    const struct step_job *of = named_in_step(&w->sweep.view.status, a->name);
    if (!c->fenced || c->version == w->sweep.version) { /* nobody came between */
        claim_holds(w, of && of->outcome == JOB_PENDING, "only Jobs that status names are made");
        claim_holds(w, !is_known(w, a->name), "no Job is made twice for one step");
    }
    if (!j) {
        j = w->job;
        while (j < w->job + MAX_JOBS && j->used)
            j++;
        if (j == w->job + MAX_JOBS)
            return;
        memset(j, 0, sizeof *j);
        j->used = true;
        snprintf(j->name, sizeof j->name, "%s", a->name);
        snprintf(j->uid, sizeof j->uid, "j%u", ++w->next_uid);
        bool round = st->step.kind == STEP_ROUND;
        const struct census_shape *s = &st->step.job[a->job].shape;
        j->v = (struct job_view){.kind = st->step.kind,
                                 .number = st->step.number,
                                 .shape = a->job,
                                 .reason = "",
                                 .message = "",
                                 .why = "",
                                 .completions = round ? s->n_chunks : 1,
                                 .created_s = w->now_s + w->api_skew_s};
        j->v.parallelism = reconcile_parallelism(&c->sweep.view, st, a->job, &c->limits, NULL, 0);
        j->first = round ? s->first_index : 0;
        j->spec = w->sweep.spec;
        j->max_failed = w->sweep.max_failed;
        j->once = !round && st->step.once[0] != '\0';
        w->n_changes++;
    }
    see_job(c, (uint32_t)(j - w->job));
}

static inline void change_job(struct sim_ctl *c, const struct action *a)
{
    struct sim_world *w = c->w;
    struct sim_job *j = find_sim_job(w, a->name);
    const struct step_job *of = named_in_step(&w->sweep.view.status, a->name);
    if (!j || strcmp(j->uid, a->uid) != 0)
        return;
    bool open = of && strcmp(of->uid, j->uid) == 0
                && (of->outcome == JOB_PENDING || of->outcome == JOB_ACTIVE);
    if ((!c->fenced || c->version == w->sweep.version) && a->kind != ACT_SET_PARALLELISM)
        claim_holds(w, !open, "a Job that is waited for is left alone");
    if (a->kind == ACT_DELETE_JOB) {
        remove_job(w, j);
    } else if (a->kind == ACT_SET_TTL) {
        claim_holds(w, j->v.complete || j->v.failed, "only finished Jobs get a TTL");
        j->v.has_ttl = true;
    } else {
        claim_holds(w, !w->sweep.view.has_queue, "a queue owns parallelism");
        j->v.parallelism = (uint32_t)a->number;
    }
    w->n_changes++;
    see_job(c, (uint32_t)(j - w->job));
}

static inline void perform_action(struct sim_ctl *c, const struct action *a)
{
    struct sim_world *w = c->w;
    if (a->kind == ACT_EVENT)
        return;
    w->n_writes++;
    enum fate fate = fate_of_write(w);
    if (fate != FATE_NOT_DONE) {
        if (a->kind == ACT_CREATE_JOB)
            create_job(c, a);
        else if (a->kind == ACT_DELETE_BUNDLE)
            w->sweep.deck = false;
        else
            change_job(c, a);
    }
    if (fate != FATE_GOOD)
        fail_go(c, "an action failed");
}

/* ---- one go, in steps: others may come between them ---- */

static inline void start_go(struct sim_ctl *c)
{
    const struct sim_world *w = c->w;
    static struct job_view jobs[MAX_JOBS];
    static struct pod_view pods[MAX_PODS];
    struct reconcile_input in = {.sweep = &c->sweep.view,
                                 .jobs = jobs,
                                 .pods = pods,
                                 .limits = &c->limits,
                                 .trouble = c->trouble,
                                 .controller_version = "1",
                                 .agent_image = "a",
                                 .now_s = clock_of(c)};
    for (uint32_t i = 0; i < MAX_JOBS; i++)
        if (c->job[i].used)
            jobs[in.n_jobs++] = c->job[i].v;
    for (uint32_t i = 0; i < MAX_PODS; i++)
        if (c->pod[i].used)
            pods[in.n_pods++] = c->pod[i].v;
    reconcile(&in, &c->r);
    c->version = c->sweep.version;
    c->fenced = false;
    c->at = 0;
    c->put_done = !c->r.status_changed && !c->r.fence;
    c->in_go = !c->put_done || c->r.n_actions > 0;
    if (!c->r.urgent && !c->r.fence && !w->calm && percent(&c->w->chance, 50))
        c->in_go = false; /* such a status may wait */
}

static inline void step_go(struct sim_ctl *c)
{
    if (!c->in_go) {
        if (clock_of(c) >= c->not_before_s)
            start_go(c);
    } else if (!c->put_done) {
        put_status(c);
    } else if (c->at < c->r.n_actions) {
        perform_action(c, &c->r.action[c->at++]);
    }
    if (c->in_go && c->put_done && c->at >= c->r.n_actions) {
        c->in_go = false;
        c->trouble = NULL;
    }
}

static inline void whole_go(struct sim_ctl *c)
{
    step_go(c);
    while (c->in_go)
        step_go(c);
}

#endif
