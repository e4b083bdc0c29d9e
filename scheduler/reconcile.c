/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of questions: has the spec changed, what does the user wish, what became of the
 * step under way, what comes next, what is left over, what is there to say. */
#include "scheduler/reconcile_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct action *decide_action(struct deciding *d, enum action_kind kind)
{
    if (d->out->n_actions == RECONCILE_MAX_ACTIONS) {
        decide_wake(d, d->in->now_s);
        return NULL;
    }
    struct action *a = &d->out->action[d->out->n_actions++];
    memset(a, 0, sizeof *a);
    a->kind = kind;
    return a;
}

void decide_wake(struct deciding *d, int64_t at_s)
{
    if (d->out->wake_s == 0 || at_s < d->out->wake_s)
        d->out->wake_s = at_s;
}

void decide_copy(char *out, size_t room, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    memset(out, 0, room);
    if (n < room) {
        memcpy(out, text ? text : "", n);
        return;
    }
    memcpy(out, text, room - 4);
    memcpy(out + room - 4, "...", 3);
}

void decide_event(struct deciding *d, enum event_type type, const char *reason, const char *format,
                  ...)
{
    struct action *a = decide_action(d, ACT_EVENT);
    va_list args;
    if (!a)
        return;
    a->type = type;
    decide_copy(a->reason, sizeof a->reason, reason);
    va_start(args, format);
    (void)vsnprintf(a->text, sizeof a->text, format, args);
    va_end(args);
}

void reconcile_job_name(const char *sweep, const char *spec_hash, const struct step *step,
                        uint32_t job, char out[STATUS_NAME_BYTES])
{
    memset(out, 0, STATUS_NAME_BYTES);
    if (step->kind == STEP_CENSUS)
        (void)snprintf(out, STATUS_NAME_BYTES, "%.40s-%.8s-c%u", sweep, spec_hash, step->number);
    else
        (void)snprintf(out, STATUS_NAME_BYTES, "%.40s-%.8s-r%u-%u", sweep, step->plan_digest,
                       step->number, job);
}

/* What somebody did on purpose forgets old failures. */
static void ask_for_census(struct sweep_status *st)
{
    st->wants_census = true;
    st->census_tries = st->idle_rounds = 0;
    st->not_before_s = 0;
}

static void forget_step(struct sweep_status *st)
{
    memset(&st->step, 0, sizeof st->step);
}

/* Another spec: everything that depended on the old one is forgotten; the Jobs of the old one
 * are nobody's now, and decide_tidy deletes them. */
static void take_new_spec(struct deciding *d)
{
    const struct sweep_view *w = d->in->sweep;
    struct sweep_status *st = d->st;
    bool first = st->spec_hash[0] == '\0';
    if (strcmp(st->spec_hash, w->spec_hash) == 0) {
        if (strcmp(st->edit_hash, w->edit_hash) != 0) {
            memcpy(st->edit_hash, w->edit_hash, sizeof st->edit_hash);
            ask_for_census(st);
        }
        return;
    }
    memcpy(st->spec_hash, w->spec_hash, sizeof st->spec_hash);
    memcpy(st->edit_hash, w->edit_hash, sizeof st->edit_hash);
    forget_step(st);
    memset(st->plan_digest, 0, sizeof st->plan_digest);
    memset(&st->totals, 0, sizeof st->totals);
    st->phase = PHASE_PENDING;
    st->bundle_stored = st->collected = false;
    st->ended_s = 0;
    ask_for_census(st);
    if (first)
        st->started_s = d->in->now_s;
    else
        decide_event(d, EVENT_TYPE_NORMAL, "Edited", "the spec has changed: planning again");
}

static bool is_stopped_by_user(enum sweep_phase p)
{
    return p == PHASE_SUSPENDED || p == PHASE_CANCELLED;
}

/* True: nothing may run now. */
static bool obey_run(struct deciding *d)
{
    struct sweep_status *st = d->st;
    enum run_wish wish = d->in->sweep->run;
    if (wish == RUN_ACTIVE) {
        if (is_stopped_by_user(st->phase)) {
            st->phase = PHASE_PENDING;
            st->ended_s = 0;
            ask_for_census(st);
            decide_event(d, EVENT_TYPE_NORMAL, "Resumed", "going on");
        }
        return false;
    }
    enum sweep_phase phase = wish == RUN_SUSPENDED ? PHASE_SUSPENDED : PHASE_CANCELLED;
    bool ended = st->phase == PHASE_SUCCEEDED || st->phase == PHASE_FAILED;
    if (st->phase != phase && !(ended && !st->wants_census)) {
        decide_end_step(d, sweep_phase_name(phase));
        decide_event(d, EVENT_TYPE_NORMAL, sweep_phase_name(phase),
                     "nothing more is started; what is committed is kept");
        st->phase = phase;
        if (phase == PHASE_CANCELLED)
            st->ended_s = d->in->now_s;
    }
    return true;
}

static bool passes_max_failed(const struct deciding *d)
{
    const struct sweep_status *st = d->st;
    uint64_t failed = st->totals.n_failed;
    if (st->max_failed < 0 || st->step.kind != STEP_ROUND)
        return false;
    for (size_t i = 0; i < d->in->n_pods; i++)
        if (d->in->pods[i].kind == STEP_ROUND)
            failed += d->in->pods[i].n_failed_rows;
    return failed > (uint64_t)st->max_failed;
}

static void note_round_end(struct deciding *d)
{
    struct sweep_status *st = d->st;
    struct round_line *line = st->n_rounds > 0 ? &st->rounds[st->n_rounds - 1] : NULL;
    unsigned rough = 0;
    for (uint32_t i = 0; i < st->step.n_jobs; i++)
        rough += st->step.job[i].outcome != JOB_COMPLETE;
    const char *outcome = st->step.stopped[0] ? st->step.stopped : rough ? "Ended" : "Complete";
    if (line && line->number == st->step.number && line->ended_s == 0) {
        line->ended_s = d->in->now_s;
        decide_copy(line->outcome, sizeof line->outcome, outcome);
    }
    decide_event(d, rough ? EVENT_TYPE_WARNING : EVENT_TYPE_NORMAL, "RoundEnded",
                 "round %u: %s%s%s", st->step.number, outcome,
                 rough && st->step.job[0].text[0] ? ": " : "", rough ? st->step.job[0].text : "");
}

/* The step under way, if any, one step on. */
static void follow_step(struct deciding *d)
{
    struct sweep_status *st = d->st;
    struct census_report report;
    if (st->step.kind == STEP_NONE || st->step.ended_s != 0)
        return;
    if (st->step.kind == STEP_ROUND && !st->step.stopped[0] && passes_max_failed(d))
        decide_end_step(d, "MaxFailed");
    else if (!decide_step_ended(d))
        return;
    st->step.ended_s = d->in->now_s;
    d->out->urgent = true;
    if (st->step.kind == STEP_ROUND) {
        note_round_end(d);
        st->wants_census = true;
    } else if (decide_read_report(d, &report)) {
        decide_take_report(d, &report);
    } else {
        decide_no_report(d, st->step.job[0].text);
    }
}

static bool deck_is_there(const struct sweep_view *w, const struct sweep_status *st)
{
    return st->bundle_stored || w->deck_source == DECK_STORE || w->deck_source == DECK_URL
           || (w->deck_source == DECK_CONFIG_MAP && w->deck_present);
}

static void start_next(struct deciding *d)
{
    struct sweep_status *st = d->st;
    bool busy = st->step.kind != STEP_NONE && st->step.ended_s == 0;
    const struct sweep_view *w = d->in->sweep;
    if (!busy && !st->wants_census && w->once_token[0] && strcmp(w->once_token, st->once_done) != 0)
        ask_for_census(st);
    if (busy || !st->wants_census)
        return;
    if (!deck_is_there(w, st))
        return;
    if (d->in->now_s < st->not_before_s) {
        decide_wake(d, st->not_before_s);
        return;
    }
    decide_start_census(d);
}

static void decide_all(struct deciding *d)
{
    const struct sweep_view *w = d->in->sweep;
    struct sweep_status *st = d->st;
    st->observed_generation = w->generation;
    decide_copy(st->controller_version, sizeof st->controller_version, d->in->controller_version);
    decide_copy(st->agent_image, sizeof st->agent_image, d->in->agent_image);
    take_new_spec(d);
    if (w->refused) {
        decide_end_step(d, "Refused");
        st->phase = PHASE_REFUSED;
        st->wants_census = true; /* an edit that mends it need not change the plan */
        decide_copy(st->message, sizeof st->message, w->refused);
    } else if (!obey_run(d)) {
        if (st->phase == PHASE_REFUSED && st->wants_census)
            st->phase = PHASE_PENDING;
        follow_step(d);
        start_next(d);
    }
    decide_tidy(d);
    decide_say(d);
}

void reconcile(const struct reconcile_input *in, struct reconciled *out)
{
    struct deciding d = {.in = in, .st = &out->status, .out = out};
    assert(in->sweep && in->limits);
    out->status = in->sweep->status;
    out->n_actions = 0;
    out->wake_s = 0;
    out->urgent = false;
    if (!in->sweep->deleting) /* owner references take what is left with it */
        decide_all(&d);
    out->status_changed = memcmp(&out->status, &in->sweep->status, sizeof out->status) != 0;
}
