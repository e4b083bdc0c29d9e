/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people read: conditions, the one-line message, and counts of what runs. Words of the
 * scheduler and the kubelet are passed on as they are: they name what to mend. */
#include "scheduler/reconcile_parts.h"

#define UNSCHEDULED_SAID_S 5 /* a pod without a node for so long is worth a word */

/* ---- what keeps pods from running ---- */

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

struct obstacle {
    const char *reason, *words;
};

/* The first pod of the Job that waits for something it may never get. Where some pod runs or is about
 * to, others that wait for room are the usual thing. */
static struct obstacle find_pod_obstacle(struct deciding *d, const char *job_uid)
{
    struct obstacle found = {NULL, NULL};
    bool starts = false, waits_for_room = false;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (p->deleting || p->phase > POD_RUNNING || !decide_is_of(p, job_uid))
            continue;
        if (p->phase == POD_RUNNING && !waits_badly(p))
            return (struct obstacle){NULL, NULL};
        if (p->phase != POD_PENDING)
            continue;
        starts = starts || (p->node[0] && !waits_badly(p));
        if (found.reason)
            continue;
        int64_t since = p->seen_s ? p->seen_s : p->created_s;
        if (waits_badly(p))
            found = (struct obstacle){p->waiting, p->why};
        else if (p->unschedulable && decide_is_over(d, since, UNSCHEDULED_SAID_S)) {
            found = (struct obstacle){"Unschedulable", p->why};
            waits_for_room = true;
        } else if (p->unschedulable)
            decide_wake(d, since + UNSCHEDULED_SAID_S);
    }
    if (waits_for_room && starts)
        return (struct obstacle){NULL, NULL};
    return found;
}

static struct obstacle find_job_obstacle(struct deciding *d, const struct step_job *job)
{
    const struct job_view *j = decide_find_job(d->in, job->name);
    if (!j || j->complete || j->failed || j->deleting)
        return (struct obstacle){NULL, NULL};
    if (j->suspended)
        return (struct obstacle){"Queued", "the Job is suspended: its queue has not admitted it"};
    if (j->n_active == 0 && j->why[0])
        return (struct obstacle){"FailedCreate", j->why};
    return find_pod_obstacle(d, job->uid);
}

static struct obstacle find_obstacle(struct deciding *d)
{
    const struct step *step = &d->st->step;
    struct obstacle found = {NULL, NULL};
    if (d->in->trouble && d->in->trouble[0])
        return (struct obstacle){"ApiServerRefuses", d->in->trouble};
    if (!decide_is_busy(d->st))
        return found;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES && !found.reason; i++)
        if (step->job[i].outcome == JOB_ACTIVE)
            found = find_job_obstacle(d, &step->job[i]);
    return found;
}

static void say_fits(struct deciding *d)
{
    const struct sweep_view *w = d->in->sweep;
    const struct step *step = &d->st->step;
    uint32_t n = 0;
    for (uint32_t i = 0; step->kind == STEP_ROUND && i < step->n_jobs; i++) {
        uint32_t bound =
            decide_one_node_bound(w, &step->job[i].shape, d->in->nodes, d->in->n_nodes);
        n = bound > n ? bound : n;
    }
    if (n > 0)
        decide_condition(d, COND_SCHEDULABLE, 'T', "OneNode",
                         "claim %s can be mounted by one %s only: at most %u worker%s at a time",
                         w->claim, w->read_write_once_pod ? "pod" : "node", n, n == 1 ? "" : "s");
    else
        decide_condition(d, COND_SCHEDULABLE, 'T', "Fits", "pods find room");
}

static void say_schedulable(struct deciding *d)
{
    struct obstacle o = find_obstacle(d);
    bool was_false = d->st->cond[COND_SCHEDULABLE].status == 'F';
    if (!o.reason && d->waiting == WAIT_CLAIM)
        o = (struct obstacle){"NoClaim", "results.store names a PersistentVolumeClaim that this "
                                         "namespace does not have"};
    else if (!o.reason && d->waiting == WAIT_TURN)
        o = (struct obstacle){"TooManySweeps", "as many sweeps as the limit allows are running; "
                                               "this one is waiting for its turn"};
    if (!o.reason) {
        if (decide_is_busy(d->st))
            say_fits(d);
        else if (was_false)
            decide_condition(d, COND_SCHEDULABLE, 'U', "Idle", "nothing is to be started");
        return;
    }
    decide_condition(d, COND_SCHEDULABLE, 'F', o.reason, "%s", o.words[0] ? o.words : o.reason);
    decide_copy(d->st->message, sizeof d->st->message, d->st->cond[COND_SCHEDULABLE].message);
    if (!was_false)
        decide_event(d, EVENT_TYPE_WARNING, o.reason, "%s", d->st->message);
}

/* ---- the other conditions ---- */

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

void decide_round_text(const struct round_line *line, char out[STATUS_TEXT_BYTES])
{
    decide_print(out, STATUS_TEXT_BYTES, "round %u: %u case%s in %u worker%s", line->number,
                 line->n_cases, line->n_cases == 1 ? "" : "s", line->n_chunks,
                 line->n_chunks == 1 ? "" : "s");
}

static void say_states(struct deciding *d)
{
    const struct sweep_status *st = d->st;
    bool busy = decide_is_busy(st);
    bool ended = st->phase == PHASE_SUCCEEDED || st->phase == PHASE_FAILED;
    const char *phase = sweep_phase_name(st->phase);
    if (st->phase == PHASE_REFUSED)
        decide_condition(d, COND_PLANNED, 'F', phase, "%s", st->message);
    else if (st->plan_digest[0])
        decide_condition(d, COND_PLANNED, 'T', "Planned", "plan %s", st->plan_digest);
    else
        decide_condition(d, COND_PLANNED, 'U', phase, "not planned yet");
    decide_condition(d, COND_PROGRESSING, busy ? 'T' : 'F', busy ? "Running" : phase, "%s",
                     st->message);
    decide_condition(d, COND_STALLED, st->phase == PHASE_STALLED ? 'T' : 'F', phase, "%s",
                     st->phase == PHASE_STALLED ? st->message : "");
    decide_condition(d, COND_COMPLETE, ended ? 'T' : 'F', phase, "%u of %u cases done, %u failed",
                     st->totals.n_done, st->totals.n_rows, st->totals.n_failed);
}

/* Live hints stay until the census that counts them. */
static void say_counts(struct deciding *d)
{
    struct sweep_status *st = d->st;
    const struct step *step = &st->step;
    if (step->kind != STEP_ROUND)
        return;
    st->n_running = st->live_ok = st->live_failed = 0;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        uint32_t k = 0;
        if (p->phase != POD_RUNNING && p->n_ok + p->n_failed == 0)
            continue;
        while (k < step->n_jobs && !decide_is_of(p, step->job[k].uid))
            k++;
        if (k == step->n_jobs)
            continue;
        if (p->phase == POD_RUNNING && step->ended_s == 0)
            st->n_running += step->job[k].shape.pod.slots;
        st->live_ok += p->n_ok;
        st->live_failed += p->n_failed;
    }
}

/* Final and waiting phases keep the words that they began with. */
static void say_message(struct deciding *d)
{
    struct sweep_status *st = d->st;
    char *out = st->message;
    size_t room = sizeof st->message;
    const struct round_line *line = st->n_rounds > 0 ? &st->rounds[st->n_rounds - 1] : NULL;
    if (st->phase == PHASE_SUSPENDED)
        decide_print(out, room, "suspended: resume with run: Active");
    else if (st->phase == PHASE_CANCELLED)
        decide_print(out, room, "cancelled: what is done is kept");
    else if (decide_is_busy(st) && st->step.kind == STEP_ROUND && line)
        decide_round_text(line, out);
    else if (decide_is_busy(st))
        decide_print(out, room, "census %u", st->step.number);
    else if (d->waiting == WAIT_DECK)
        decide_copy(out, room, st->cond[COND_BUNDLE_READY].message);
}

void decide_say(struct deciding *d)
{
    say_counts(d);
    say_bundle(d);
    say_message(d);
    say_schedulable(d);
    say_states(d);
}
