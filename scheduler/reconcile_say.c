/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people read: conditions, the one-line message, and counts of what runs. Words of the
 * scheduler and the kubelet are passed on as they are: they name what to mend. */
#include "scheduler/reconcile_parts.h"

#include <stdarg.h>
#include <stdio.h>

#define UNSCHEDULED_SAID_S 5 /* a pod without a node for so long is worth a word */

void decide_condition(struct deciding *d, enum sweep_condition_kind kind, char status,
                      const char *reason, const char *format, ...)
{
    struct sweep_condition *c = &d->st->cond[kind];
    char text[STATUS_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (c->status != status) {
        c->since_s = d->in->now_s;
        d->out->urgent = true;
    }
    c->status = status;
    c->observed_generation = d->in->sweep->generation;
    decide_copy(c->reason, sizeof c->reason, reason);
    decide_copy(c->message, sizeof c->message, text);
}

static bool waits_badly(const struct pod_view *p)
{
    static const char *const BAD[] = {"ErrImagePull",        "ImagePullBackOff",
                                      "InvalidImageName",    "ErrImageNeverPull",
                                      "RunContainerError",   "CreateContainerConfigError",
                                      "CreateContainerError"};
    for (size_t i = 0; i < DS_COUNT(BAD); i++)
        if (strcmp(p->waiting, BAD[i]) == 0)
            return true;
    return false;
}

/* The first thing that keeps pods of the step from running. */
static const char *find_obstacle(struct deciding *d, const char **reason)
{
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (p->phase != POD_PENDING || p->deleting)
            continue;
        if (waits_badly(p)) {
            *reason = p->waiting;
            return p->why;
        }
        if (p->unschedulable) {
            if (d->in->now_s - p->created_s >= UNSCHEDULED_SAID_S) {
                *reason = "Unschedulable";
                return p->why;
            }
            decide_wake(d, p->created_s + UNSCHEDULED_SAID_S);
        }
    }
    for (size_t i = 0; i < d->in->n_jobs; i++) {
        const struct job_view *j = &d->in->jobs[i];
        if (!j->complete && !j->failed && !j->deleting && j->why && j->why[0]) {
            *reason = "FailedCreate";
            return j->why;
        }
    }
    return NULL;
}

static void say_schedulable(struct deciding *d)
{
    const char *reason = "", *why;
    bool busy = d->st->step.kind != STEP_NONE && d->st->step.ended_s == 0;
    bool was_false = d->st->cond[COND_SCHEDULABLE].status == 'F';
    if (!busy) {
        if (was_false)
            decide_condition(d, COND_SCHEDULABLE, 'U', "Idle", "nothing is to be started");
        return;
    }
    why = find_obstacle(d, &reason);
    if (!why) {
        decide_condition(d, COND_SCHEDULABLE, 'T', "Fits", "pods find room");
        return;
    }
    decide_condition(d, COND_SCHEDULABLE, 'F', reason, "%s", why);
    decide_copy(d->st->message, sizeof d->st->message, why);
    if (!was_false)
        decide_event(d, EVENT_TYPE_WARNING, reason, "%s", why);
}

static void say_bundle(struct deciding *d)
{
    const struct sweep_view *w = d->in->sweep;
    if (d->st->bundle_stored)
        decide_condition(d, COND_BUNDLE_READY, 'T', "Stored", "the deck is in the store");
    else if (w->deck_source == DECK_NONE)
        decide_condition(d, COND_BUNDLE_READY, 'F', "NoDeck",
                         "spec.deckFrom is missing: decksweep submit writes it");
    else if (w->deck_source == DECK_CONFIG_MAP && !w->deck_present)
        decide_condition(d, COND_BUNDLE_READY, 'F', "Waiting", "waits for ConfigMap %s",
                         w->deck_name);
    else
        decide_condition(d, COND_BUNDLE_READY, 'T', "There", "the deck is there");
}

static void say_states(struct deciding *d)
{
    const struct sweep_status *st = d->st;
    bool busy = st->step.kind != STEP_NONE && st->step.ended_s == 0;
    bool ended = st->phase == PHASE_SUCCEEDED || st->phase == PHASE_FAILED;
    const char *phase = sweep_phase_name(st->phase);
    if (st->plan_digest[0])
        decide_condition(d, COND_PLANNED, 'T', "Planned", "plan %s", st->plan_digest);
    else
        decide_condition(d, COND_PLANNED, st->phase == PHASE_REFUSED ? 'F' : 'U', phase, "%s",
                         st->phase == PHASE_REFUSED ? st->message : "not planned yet");
    decide_condition(d, COND_PROGRESSING, busy ? 'T' : 'F', busy ? "Running" : phase, "%s",
                     busy && st->step.kind == STEP_ROUND ? "a round runs"
                     : busy                              ? "a census runs"
                                                         : st->message);
    decide_condition(d, COND_STALLED, st->phase == PHASE_STALLED ? 'T' : 'F', phase, "%s",
                     st->phase == PHASE_STALLED ? st->message : "");
    decide_condition(d, COND_COMPLETE, ended ? 'T' : 'F', phase, "%u of %u cases done, %u failed",
                     st->totals.n_done, st->totals.n_rows, st->totals.n_failed);
}

/* DecisionNeeded stands from the census that asked until the next one. */
static void say_decision(struct deciding *d)
{
    const struct sweep_status *st = d->st;
    bool asked = st->step.kind == STEP_CENSUS && st->step.ended_s != 0 && st->phase == PHASE_PENDING
                 && st->plan_digest[0] && st->census_tries == 0 && !st->wants_census;
    decide_condition(d, COND_DECISION_NEEDED, asked ? 'T' : 'F', asked ? "Waiting" : "No", "%s",
                     asked ? st->message : "");
}

static void say_counts(struct deciding *d)
{
    struct sweep_status *st = d->st;
    st->n_running = st->live_ok = st->live_failed = 0;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (p->kind != STEP_ROUND)
            continue;
        st->n_running += p->phase == POD_RUNNING;
        st->live_ok += p->n_ok;
        st->live_failed += p->n_failed;
    }
}

void decide_say(struct deciding *d)
{
    say_counts(d);
    say_bundle(d);
    say_schedulable(d);
    say_decision(d);
    say_states(d);
}
