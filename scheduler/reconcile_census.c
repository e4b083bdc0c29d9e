/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What follows from a census. Its report is the only thing that moves a sweep forward: pods of
 * rounds give hints, the store gives truth, and a census is who has read it. */
#include "scheduler/reconcile_parts.h"

bool decide_read_report(const struct deciding *d, struct census_report *out, const char **why)
{
    const struct step_job *job = &d->st->step.job[0];
    *why = job->text;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (p->phase != POD_SUCCEEDED || strcmp(p->job_uid, job->uid) != 0 || !p->message[0])
            continue;
        if (census_report_decode(ds_span_of(p->message), out, NULL) == 0)
            return true;
        *why = "the census pod's report cannot be read: is the agent image of this version?";
    }
    return false;
}

static void end_sweep(struct deciding *d, enum sweep_phase phase)
{
    struct sweep_status *st = d->st;
    st->phase = phase;
    st->ended_s = d->in->now_s;
}

/* Three rounds that left no new key in the store end in nothing. One that was stopped does not
 * count. */
static bool is_idle(struct sweep_status *st, const struct census_report *r)
{
    static const char *const STOPPED[] = {"Suspended", "Cancelled", "Edited", "Refused",
                                          STOPPED_MAX_FAILED};
    const struct round_line *last = st->n_rounds > 0 ? &st->rounds[st->n_rounds - 1] : NULL;
    bool idle = last && strcmp(last->plan_digest, r->plan_digest) == 0
                && last->keys_before == r->totals.n_keys;
    for (size_t i = 0; idle && i < DS_COUNT(STOPPED); i++)
        idle = strcmp(last->outcome, STOPPED[i]) != 0;
    st->idle_rounds = idle ? st->idle_rounds + 1 : 0;
    return st->idle_rounds >= ROUND_MAX_IDLE;
}

static void stall(struct deciding *d, const char *what, const char *words)
{
    decide_print(d->st->message, sizeof d->st->message, "%s%s%s", what, words[0] ? ": " : "",
                 words);
    end_sweep(d, PHASE_STALLED);
    d->st->wants_census = false;
    decide_event(d, EVENT_TYPE_WARNING, "Stalled", "%s", d->st->message);
}

static void add_round_line(struct deciding *d, const struct census_report *r)
{
    struct sweep_status *st = d->st;
    if (st->n_rounds == STATUS_MAX_ROUNDS) {
        memmove(&st->rounds[0], &st->rounds[1], (STATUS_MAX_ROUNDS - 1) * sizeof st->rounds[0]);
        st->n_rounds--;
    }
    struct round_line *line = &st->rounds[st->n_rounds++];
    memset(line, 0, sizeof *line);
    line->number = r->round;
    memcpy(line->plan_digest, r->plan_digest, sizeof line->plan_digest);
    line->n_shapes = r->n_shapes;
    line->keys_before = r->totals.n_keys;
    line->started_s = d->in->now_s;
    for (uint32_t i = 0; i < r->n_shapes; i++) {
        line->n_chunks += r->shape[i].n_chunks;
        line->n_cases += r->shape[i].n_cases;
    }
}

/* Rounds count anew where results.store is another one or was emptied: a finished Job of such a
 * name may still be there, and is none of this round. */
static void name_round_job(struct deciding *d, uint32_t i)
{
    struct step *step = &d->st->step;
    char name[STATUS_NAME_BYTES];
    reconcile_job_name(d->in->sweep->name, d->st->spec_hash, step, i, name);
    if (decide_find_job(d->in, name))
        decide_print(step->job[i].name, sizeof step->job[i].name, "%s-c%u", name,
                     d->st->census_number);
    else
        decide_copy(step->job[i].name, sizeof step->job[i].name, name);
}

static void start_round(struct deciding *d, const struct census_report *r)
{
    struct sweep_status *st = d->st;
    struct step *step = &st->step;
    if (is_idle(st, r)) {
        const char *words = st->rounds[st->n_rounds - 1].text;
        stall(d, "three rounds have brought no result", words[0] ? words : r->text);
        return;
    }
    memset(step, 0, sizeof *step);
    step->kind = STEP_ROUND;
    step->number = r->round;
    memcpy(step->plan_digest, r->plan_digest, sizeof step->plan_digest);
    step->n_jobs = r->n_shapes;
    step->started_s = d->in->now_s;
    for (uint32_t i = 0; i < r->n_shapes; i++) {
        step->job[i].shape = r->shape[i];
        name_round_job(d, i);
    }
    add_round_line(d, r);
    st->phase = PHASE_RUNNING;
    char text[STATUS_TEXT_BYTES];
    decide_round_text(&st->rounds[st->n_rounds - 1], text);
    decide_event(d, EVENT_TYPE_NORMAL, "RoundStarted", "%s", text);
}

static void finish(struct deciding *d, const struct census_report *r)
{
    const struct census_totals *t = &r->totals;
    bool good = r->outcome == CENSUS_FINISHED && t->n_done == t->n_rows;
    decide_print(d->st->message, sizeof d->st->message, "%s%u of %u cases are done, %u failed%s%s",
                 r->outcome == CENSUS_STOPPED ? "stopped, more cases failed than maxFailed: " : "",
                 t->n_done, t->n_rows, t->n_failed, r->text[0] ? "; " : "", r->text);
    end_sweep(d, good ? PHASE_SUCCEEDED : PHASE_FAILED);
    d->st->collected = r->collected;
    decide_event(d, good ? EVENT_TYPE_NORMAL : EVENT_TYPE_WARNING,
                 r->outcome == CENSUS_STOPPED ? STOPPED_MAX_FAILED
                 : good                       ? "Succeeded"
                                              : "CasesFailed",
                 "%s", d->st->message);
}

static void wait_for(struct deciding *d, const struct census_report *r)
{
    bool decision = r->outcome == CENSUS_DECISION;
    const char *reason = decision ? "DecisionNeeded" : "Refused";
    decide_copy(d->st->message, sizeof d->st->message, r->text[0] ? r->text : reason);
    if (decision) {
        d->st->phase = PHASE_PENDING;
        decide_condition(d, COND_DECISION_NEEDED, 'T', "Waiting", "%s", d->st->message);
    } else {
        end_sweep(d, PHASE_REFUSED);
    }
    decide_event(d, EVENT_TYPE_WARNING, reason, "%s", d->st->message);
}

static void take_counts(struct deciding *d, const struct census_report *r)
{
    struct sweep_status *st = d->st;
    const struct sweep_view *w = d->in->sweep;
    const char *ours = d->in->controller_version ? d->in->controller_version : "";
    if (r->totals.n_rows > 0) {
        st->totals = r->totals;
        st->max_failed = r->max_failed;
        st->live_ok = st->live_failed = st->n_running = 0;
    }
    if (r->bundle_stored && w->deck_owned && strlen(w->deck_name) < sizeof st->bundle)
        decide_copy(st->bundle, sizeof st->bundle, w->deck_name); /* its name carries its digest */
    st->bundle_stored = st->bundle_stored || r->bundle_stored;
    if (r->plan_digest[0] && strcmp(r->plan_digest, st->plan_digest) != 0) {
        memcpy(st->plan_digest, r->plan_digest, sizeof st->plan_digest);
        decide_event(d, EVENT_TYPE_NORMAL, "Planned", "plan %s: %u case%s, %u of them done",
                     r->plan_digest, r->totals.n_rows, r->totals.n_rows == 1 ? "" : "s",
                     r->totals.n_done);
    }
    if (r->decksweep[0] && ours[0] && strcmp(r->decksweep, ours) != 0)
        decide_event(d, EVENT_TYPE_WARNING, "VersionSkew",
                     "the agent image has decksweep %s, the controller is %s", r->decksweep, ours);
}

/* The census runs in an image that the user chose, so its report may say anything: what the
 * administrator's limits forbid is no round. Also when they became narrower meanwhile: the next
 * census knows. A case that needs more cores than a worker may have is given them. */
static bool passes_limits(const struct deciding *d, const struct census_report *r)
{
    const struct pod_limits *l = &d->in->limits->pods;
    uint64_t n_chunks = 0;
    bool ok = true;
    for (uint32_t i = 0; i < r->n_shapes; i++) {
        n_chunks += r->shape[i].n_chunks;
        ok = ok && (l->worker_mem_bytes == 0 || r->shape[i].pod.mem_bytes <= l->worker_mem_bytes);
    }
    uint64_t most = l->max_chunks > r->n_shapes ? l->max_chunks : r->n_shapes;
    return ok && (l->max_chunks == 0 || n_chunks <= most) && n_chunks <= RECONCILE_MAX_INDEXES;
}

void decide_take_report(struct deciding *d, const struct census_report *r)
{
    struct sweep_status *st = d->st;
    if (r->outcome == CENSUS_ROUND && !passes_limits(d, r)) {
        decide_no_report(d, "it asks for more workers, or larger ones, than the administrator's "
                            "limits (ConfigMap decksweep-limits) allow");
        return;
    }
    take_counts(d, r);
    if (r->outcome == CENSUS_TROUBLE) {
        decide_no_report(d, r->text);
        return;
    }
    if (st->step.once[0])
        memcpy(st->once_done, st->step.once, sizeof st->once_done);
    st->census_tries = 0;
    switch (r->outcome) {
    case CENSUS_ROUND:
        start_round(d, r);
        break;
    case CENSUS_FINISHED:
    case CENSUS_STOPPED:
        finish(d, r);
        break;
    case CENSUS_DECISION:
    case CENSUS_REFUSED:
        wait_for(d, r);
        break;
    case CENSUS_TROUBLE:
        break;
    }
}

void decide_no_report(struct deciding *d, const char *why)
{
    struct sweep_status *st = d->st;
    int64_t wait = CENSUS_BACKOFF_FIRST_S;
    for (uint32_t i = 0; i < st->census_tries && wait < CENSUS_BACKOFF_MOST_S; i++)
        wait *= 2;
    wait = wait < CENSUS_BACKOFF_MOST_S ? wait : CENSUS_BACKOFF_MOST_S;
    st->census_tries++;
    if (st->census_tries >= CENSUS_MAX_TRIES) {
        stall(d, "six censuses in a row have failed", why);
        return;
    }
    decide_print(st->message, sizeof st->message, "the census failed, again in %lld s%s%s",
                 (long long)wait, why[0] ? ": " : "", why);
    st->not_before_s = d->in->now_s + wait;
    st->wants_census = true;
    decide_event(d, EVENT_TYPE_WARNING, "CensusFailed", "%s", st->message);
}

void decide_start_census(struct deciding *d)
{
    struct sweep_status *st = d->st;
    const struct sweep_view *w = d->in->sweep;
    /* A census that failed has not yet done what the stop asked for: its successor shall. */
    bool stopped = strcmp(st->step.stopped, STOPPED_MAX_FAILED) == 0
                   && (st->step.kind == STEP_ROUND || st->census_tries > 0);
    memset(&st->step, 0, sizeof st->step);
    st->step.kind = STEP_CENSUS;
    st->step.number = ++st->census_number;
    st->step.n_jobs = 1;
    st->step.started_s = d->in->now_s;
    if (stopped)
        decide_copy(st->step.stopped, sizeof st->step.stopped, STOPPED_MAX_FAILED);
    if (strcmp(w->once_token, st->once_done) != 0)
        decide_copy(st->step.once, sizeof st->step.once, w->once_token);
    reconcile_job_name(w->name, st->spec_hash, &st->step, 0, st->step.job[0].name);
    st->wants_census = false;
    st->not_before_s = 0;
    st->ended_s = 0;
    st->phase = st->plan_digest[0] && st->n_rounds > 0 ? PHASE_RUNNING : PHASE_PLANNING;
    decide_condition(d, COND_DECISION_NEEDED, 'F', "No", "%s", "");
    d->out->urgent = true;
}
