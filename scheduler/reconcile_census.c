/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What follows from a census. Its report is the only thing that moves a sweep forward: pods of
 * rounds give hints, the store gives truth, and a census is who has read it. */
#include "scheduler/reconcile_parts.h"

#include <stdio.h>

bool decide_read_report(const struct deciding *d, struct census_report *out)
{
    const struct step *step = &d->st->step;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (p->kind == STEP_CENSUS && p->phase == POD_SUCCEEDED
            && strcmp(p->job_uid, step->job[0].uid) == 0
            && census_report_decode(ds_span_of(p->message), out, NULL) == 0)
            return true;
    }
    return false;
}

static void end_sweep(struct deciding *d, enum sweep_phase phase)
{
    struct sweep_status *st = d->st;
    st->phase = phase;
    st->ended_s = d->in->now_s;
}

/* Three rounds that left no new key in the store end in nothing: stop and say so. */
static bool is_idle(struct sweep_status *st, const struct census_report *r)
{
    const struct round_line *last = st->n_rounds > 0 ? &st->rounds[st->n_rounds - 1] : NULL;
    if (!last || strcmp(last->plan_digest, r->plan_digest) != 0
        || last->keys_before != r->totals.n_keys || strcmp(last->outcome, "Suspended") == 0)
        st->idle_rounds = 0;
    else
        st->idle_rounds++;
    return st->idle_rounds >= ROUND_MAX_IDLE;
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

static void start_round(struct deciding *d, const struct census_report *r)
{
    struct sweep_status *st = d->st;
    struct step *step = &st->step;
    if (is_idle(st, r)) {
        end_sweep(d, PHASE_STALLED);
        decide_copy(st->message, sizeof st->message,
                    r->text[0] ? r->text : "three rounds have brought no result");
        decide_event(d, EVENT_TYPE_WARNING, "Stalled", "%s", st->message);
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
        reconcile_job_name(d->in->sweep->name, st->spec_hash, step, i, step->job[i].name);
    }
    add_round_line(d, r);
    st->phase = PHASE_RUNNING;
    st->live_ok = st->live_failed = 0;
    decide_event(d, EVENT_TYPE_NORMAL, "RoundStarted", "round %u: %u cases in %u workers", r->round,
                 st->rounds[st->n_rounds - 1].n_cases, st->rounds[st->n_rounds - 1].n_chunks);
}

static void finish(struct deciding *d, const struct census_report *r)
{
    const struct census_totals *t = &r->totals;
    bool good = r->outcome == CENSUS_FINISHED && t->n_done == t->n_rows;
    end_sweep(d, good ? PHASE_SUCCEEDED : PHASE_FAILED);
    d->st->collected = r->collected;
    decide_event(d, good ? EVENT_TYPE_NORMAL : EVENT_TYPE_WARNING,
                 r->outcome == CENSUS_STOPPED ? "MaxFailed"
                 : good                       ? "Succeeded"
                                              : "CasesFailed",
                 "%u of %u cases are done, %u failed%s%s", t->n_done, t->n_rows, t->n_failed,
                 r->text[0] ? ": " : "", r->text);
}

void decide_take_report(struct deciding *d, const struct census_report *r)
{
    struct sweep_status *st = d->st;
    st->totals = r->totals;
    st->max_failed = r->max_failed;
    st->bundle_stored = st->bundle_stored || r->bundle_stored;
    memcpy(st->plan_digest, r->plan_digest, sizeof st->plan_digest);
    decide_copy(st->message, sizeof st->message, r->text);
    if (st->step.once[0] && r->outcome != CENSUS_TROUBLE)
        memcpy(st->once_done, st->step.once, sizeof st->once_done);
    if (r->outcome == CENSUS_TROUBLE) {
        decide_no_report(d, r->text);
        return;
    }
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
        st->phase = PHASE_PENDING;
        decide_event(d, EVENT_TYPE_WARNING, "DecisionNeeded", "%s", r->text);
        break;
    case CENSUS_REFUSED:
        end_sweep(d, PHASE_REFUSED);
        decide_event(d, EVENT_TYPE_WARNING, "Refused", "%s", r->text);
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
    st->census_tries++;
    decide_copy(st->message, sizeof st->message, why);
    if (st->census_tries >= CENSUS_MAX_TRIES) {
        end_sweep(d, PHASE_STALLED);
        decide_event(d, EVENT_TYPE_WARNING, "Stalled", "%u censuses in a row have failed: %s",
                     st->census_tries, why);
        return;
    }
    st->not_before_s = d->in->now_s + (wait < CENSUS_BACKOFF_MOST_S ? wait : CENSUS_BACKOFF_MOST_S);
    st->wants_census = true;
    decide_event(d, EVENT_TYPE_WARNING, "CensusFailed", "again in %lld s: %s",
                 (long long)(st->not_before_s - d->in->now_s), why);
}

void decide_start_census(struct deciding *d)
{
    struct sweep_status *st = d->st;
    const struct sweep_view *w = d->in->sweep;
    char stopped[STATUS_REASON_BYTES] = "";
    if (st->step.kind == STEP_ROUND)
        memcpy(stopped, st->step.stopped, sizeof stopped);
    memset(&st->step, 0, sizeof st->step);
    st->step.kind = STEP_CENSUS;
    st->step.number = ++st->census_number;
    st->step.n_jobs = 1;
    st->step.started_s = d->in->now_s;
    memcpy(st->step.stopped, stopped, sizeof stopped);
    if (strcmp(w->once_token, st->once_done) != 0)
        decide_copy(st->step.once, sizeof st->step.once, w->once_token);
    reconcile_job_name(w->name, st->spec_hash, &st->step, 0, st->step.job[0].name);
    st->wants_census = false;
    st->ended_s = 0;
    st->phase = st->n_rounds > 0 && st->plan_digest[0] ? PHASE_RUNNING : PHASE_PLANNING;
    d->out->urgent = true;
}
