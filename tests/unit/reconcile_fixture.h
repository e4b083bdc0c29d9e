/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reconcile_fixture.h - one sweep, its Jobs and pods, set up by hand; go() decides and takes the status over */
#ifndef DS_TESTS_RECONCILE_FIXTURE_H
#define DS_TESTS_RECONCILE_FIXTURE_H

#include "base/buf.h"
#include "scheduler/reconcile.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PLAN "00112233445566ff"
#define NOW  1795264000

struct world {
    struct sweep_view sweep;
    struct job_view job[32];
    size_t n_jobs;
    struct pod_view pod[64];
    size_t n_pods;
    struct node_class node[4];
    size_t n_nodes;
    struct cluster_limits limits;
    uint32_t sweeps_ahead;
    const char *trouble;
    int64_t now_s;
    struct reconciled out;
    char text[64][STATUS_NAME_BYTES]; /* names and uids of what is in the world */
    size_t n_texts;
    unsigned next_uid;
    char message[4][CENSUS_REPORT_BYTES + 1];
    size_t n_messages;
};

static inline const char *keep(struct world *w, const char *text)
{
    cr_assert_lt(w->n_texts, DS_COUNT(w->text));
    char *at = w->text[w->n_texts++];
    size_t n = strnlen(text, STATUS_NAME_BYTES - 1);
    memmove(at, text, n); /* text may be of this world */
    at[n] = '\0';
    return at;
}

static inline struct world *new_world(void)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.now_s = NOW;
    w.sweep = (struct sweep_view){.namespace_ = "n",
                                  .name = "spe1",
                                  .uid = "sweep-uid",
                                  .resource_version = "1",
                                  .generation = 1,
                                  .spec_hash = "aaaaaaaaaaaaaaaa",
                                  .edit_hash = "eeeeeeeeeeeeeeee",
                                  .deck_source = DECK_CONFIG_MAP,
                                  .deck_name = "spe1-0123456789abcdef",
                                  .deck_present = true,
                                  .once_token = "",
                                  .claim = "results",
                                  .claim_path = "a",
                                  .ttl_s = 3600};
    w.sweep.status.max_failed = -1;
    return &w;
}

/* Decide; what the API server would hold afterwards is the input of the next go. */
static inline const struct reconciled *go(struct world *w)
{
    struct reconcile_input in = {.sweep = &w->sweep,
                                 .jobs = w->job,
                                 .n_jobs = w->n_jobs,
                                 .pods = w->pod,
                                 .n_pods = w->n_pods,
                                 .nodes = w->node,
                                 .n_nodes = w->n_nodes,
                                 .limits = &w->limits,
                                 .sweeps_ahead = w->sweeps_ahead,
                                 .trouble = w->trouble,
                                 .controller_version = "0.4.0",
                                 .agent_image = "decksweep:0.4.0",
                                 .now_s = w->now_s};
    reconcile(&in, &w->out);
    w->sweep.status = w->out.status;
    return &w->out;
}

static inline const struct action *action_of(const struct world *w, enum action_kind kind, size_t n)
{
    for (uint32_t i = 0; i < w->out.n_actions; i++)
        if (w->out.action[i].kind == kind && n-- == 0)
            return &w->out.action[i];
    return NULL;
}

static inline size_t count_actions(const struct world *w, enum action_kind kind)
{
    size_t n = 0;
    while (action_of(w, kind, n))
        n++;
    return n;
}

static inline bool said(const struct world *w, const char *reason)
{
    for (size_t n = 0; action_of(w, ACT_EVENT, n); n++)
        if (strcmp(action_of(w, ACT_EVENT, n)->reason, reason) == 0)
            return true;
    return false;
}

static inline struct job_view *add_job(struct world *w, const char *name, enum step_kind kind,
                                       uint32_t completions)
{
    struct job_view *j = &w->job[w->n_jobs++];
    char uid[32];
    snprintf(uid, sizeof uid, "uid-%u", ++w->next_uid);
    *j = (struct job_view){.name = keep(w, name),
                           .uid = keep(w, uid),
                           .kind = kind,
                           .reason = "",
                           .message = "",
                           .why = "",
                           .completions = completions,
                           .parallelism = completions,
                           .completed_indexes = "",
                           .failed_indexes = "",
                           .created_s = w->now_s,
                           .seen_s = w->now_s};
    return j;
}

/* What the Job actions of the last go do to the world. */
static inline void perform(struct world *w)
{
    for (uint32_t i = 0; i < w->out.n_actions; i++) {
        const struct action *a = &w->out.action[i];
        if (a->kind == ACT_CREATE_JOB) {
            const struct step *s = &w->out.status.step;
            add_job(w, a->name, s->kind, s->kind == STEP_ROUND ? s->job[a->job].shape.n_chunks : 1);
        }
        for (size_t k = 0; k < w->n_jobs; k++) {
            if (strcmp(w->job[k].name, a->name) != 0)
                continue;
            if (a->kind == ACT_DELETE_JOB)
                w->job[k--] = w->job[--w->n_jobs];
            else if (a->kind == ACT_SET_TTL)
                w->job[k].has_ttl = true;
            else if (a->kind == ACT_SET_PARALLELISM)
                w->job[k].parallelism = (uint32_t)a->number;
        }
    }
}

static inline struct job_view *job_of(struct world *w, size_t n) /* of the step */
{
    for (size_t i = 0; i < w->n_jobs; i++)
        if (strcmp(w->job[i].name, w->sweep.status.step.job[n].name) == 0)
            return &w->job[i];
    return NULL;
}

static inline struct pod_view *add_pod(struct world *w, const struct job_view *j, int64_t index,
                                       enum pod_phase phase)
{
    struct pod_view *p = &w->pod[w->n_pods++];
    bool ended = phase == POD_SUCCEEDED || phase == POD_FAILED;
    *p = (struct pod_view){.name = "pod",
                           .uid = "pod-uid",
                           .job_uid = j->uid,
                           .node = "node",
                           .kind = j->kind,
                           .index = index,
                           .phase = phase,
                           .created_s = w->now_s,
                           .started_s = phase == POD_PENDING ? 0 : w->now_s,
                           .ended_s = ended ? w->now_s : 0,
                           .seen_s = w->now_s,
                           .why = "",
                           .waiting = "",
                           .exit_code = ended ? phase == POD_FAILED : -1,
                           .cpus = 2,
                           .message = ""};
    return p;
}

static inline struct census_report report(enum census_outcome outcome)
{
    struct census_report r = {.outcome = outcome,
                              .decksweep = "0.4.0",
                              .plan_digest = PLAN,
                              .max_failed = -1,
                              .bundle_stored = true};
    r.totals = (struct census_totals){.n_rows = 10, .n_outstanding = 10};
    if (outcome == CENSUS_FINISHED) {
        r.totals.n_done = 10;
        r.totals.n_outstanding = 0;
        r.collected = true;
    }
    return r;
}

static inline void add_shape(struct census_report *r, uint32_t n_chunks)
{
    struct census_shape *s = &r->shape[r->n_shapes++];
    *s = (struct census_shape){
        .first_index = r->n_shapes > 1 ? s[-1].first_index + s[-1].n_chunks : 0,
        .n_chunks = n_chunks,
        .n_cases = 5 * n_chunks,
        .deadline_s = 1800,
        .pod = {.cpus = 2, .mem_bytes = 1u << 30, .scratch_bytes = 1u << 30, .slots = 2}};
}

static inline struct pod_view *add_report(struct world *w, const struct census_report *r)
{
    struct pod_view *p = add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED);
    ds_auto_buf text;
    struct ds_err err = {0};
    buf_init(&text, 8192);
    cr_assert_eq(census_report_encode(r, &text, &err), 0, "%s", err.text);
    cr_assert_lt(w->n_messages, DS_COUNT(w->message));
    snprintf(w->message[w->n_messages], sizeof w->message[0], "%s", text.data);
    p->message = w->message[w->n_messages++];
    return p;
}

/* Until the first census Job runs. */
static inline struct world *in_census(void)
{
    struct world *w = new_world();
    go(w);
    perform(w);
    go(w);
    cr_assert_eq(w->sweep.status.step.kind, STEP_CENSUS);
    cr_assert_eq(w->sweep.status.step.job[0].outcome, JOB_ACTIVE);
    return w;
}

/* Until the Jobs of round 1 run: one a shape, n_chunks indexes each. */
static inline struct world *in_round_of(uint32_t n_shapes, uint32_t n_chunks, int64_t max_failed)
{
    struct world *w = in_census();
    struct census_report r = report(CENSUS_ROUND);
    r.round = 1;
    r.max_failed = max_failed;
    for (uint32_t i = 0; i < n_shapes; i++)
        add_shape(&r, n_chunks);
    add_report(w, &r);
    go(w);
    perform(w);
    job_of(w, 0);
    w->job[0].complete = true; /* the census Job */
    w->job[0].completed_indexes = "0";
    go(w);
    perform(w);
    cr_assert_eq(w->sweep.status.step.kind, STEP_ROUND);
    for (uint32_t i = 0; i < n_shapes; i++)
        cr_assert_eq(w->sweep.status.step.job[i].outcome, JOB_ACTIVE);
    return w;
}

static inline struct world *in_round(uint32_t n_chunks)
{
    return in_round_of(1, n_chunks, -1);
}

#endif
