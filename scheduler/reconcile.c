/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of questions: has the spec changed, what does the user wish, what became of the
 * step under way, what comes next, what is left over, what is there to say. */
#include "base/utf8.h"
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

struct action *decide_job_action(struct deciding *d, enum action_kind kind, const char *name,
                                 const char *uid)
{
    struct action *a = decide_action(d, kind);
    if (!a)
        return NULL;
    decide_copy(a->name, sizeof a->name, name);
    decide_copy(a->uid, sizeof a->uid, uid);
    d->out->fence = true;
    return a;
}

void decide_wake(struct deciding *d, int64_t at_s)
{
    if (d->out->wake_s == 0 || at_s < d->out->wake_s)
        d->out->wake_s = at_s;
}

void decide_copy(char *out, size_t room, const char *text)
{
    struct ds_span s = ds_span_of(text);
    size_t used = 0, fits = 0; /* fits: what can stay when "..." must follow */
    memset(out, 0, room);
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_length((const unsigned char *)s.ptr + i, s.len - i);
        size_t step = n > 0 ? n : 1;
        if (used + step >= room) {
            memset(out + fits, 0, room - fits);
            memset(out + fits, '.', 3);
            return;
        }
        memcpy(out + used, n > 0 ? s.ptr + i : "?", step);
        used += step;
        i += step;
        if (used + 4 <= room)
            fits = used;
    }
}

bool decide_is_over(const struct deciding *d, int64_t since_s, int64_t patience_s)
{
    int64_t now = d->in->now_s;
    return now >= since_s + patience_s || since_s > now + patience_s;
}

__attribute__((format(printf, 3, 0))) static void print_list(char *out, size_t room,
                                                             const char *format, va_list args)
{
    char text[4 * STATUS_TEXT_BYTES];
    (void)vsnprintf(text, sizeof text, format, args);
    decide_copy(out, room, text);
}

void decide_print(char *out, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_list(out, room, format, args);
    va_end(args);
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
    print_list(a->text, sizeof a->text, format, args);
    va_end(args);
}

void decide_condition(struct deciding *d, enum sweep_condition_kind kind, char status,
                      const char *reason, const char *format, ...)
{
    struct sweep_condition *c = &d->st->cond[kind];
    va_list args;
    if (c->status != status) {
        c->since_s = d->in->now_s;
        d->out->urgent = true;
    }
    c->status = status;
    c->observed_generation = d->in->sweep->generation;
    decide_copy(c->reason, sizeof c->reason, reason);
    va_start(args, format);
    print_list(c->message, sizeof c->message, format, args);
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

/* ---- edits ---- */

void decide_ask_census(struct sweep_status *st)
{
    st->wants_census = true;
    st->census_tries = st->idle_rounds = 0;
    st->not_before_s = 0;
}

/* The round that is under way, or just was, into the history. */
static void note_round_end(struct deciding *d)
{
    struct sweep_status *st = d->st;
    const struct step *step = &st->step;
    struct round_line *line = st->n_rounds > 0 ? &st->rounds[st->n_rounds - 1] : NULL;
    const struct step_job *rough = NULL;
    for (uint32_t i = 0; i < step->n_jobs && !rough; i++)
        if (step->job[i].outcome != JOB_COMPLETE)
            rough = &step->job[i];
    const char *outcome = step->stopped[0] ? step->stopped
                          : rough          ? job_outcome_name(rough->outcome)
                                           : "Complete";
    const char *text = rough && !step->stopped[0] ? rough->text : "";
    if (line && line->number == step->number && line->ended_s == 0) {
        line->ended_s = d->in->now_s;
        decide_copy(line->outcome, sizeof line->outcome, outcome);
        decide_copy(line->text, sizeof line->text, text);
    }
    decide_event(d, rough ? EVENT_TYPE_WARNING : EVENT_TYPE_NORMAL, "RoundEnded",
                 "round %u: %s%s%s", step->number, outcome, text[0] ? ": " : "", text);
}

static void stop_step(struct deciding *d, const char *why)
{
    if (!decide_is_busy(d->st))
        return;
    decide_end_step(d, why);
    if (d->st->step.kind == STEP_ROUND)
        note_round_end(d);
}

/* Another spec: everything that depended on the old one is forgotten; the Jobs of the old one
 * are nobody's now, and decide_tidy deletes them. */
static void take_new_spec(struct deciding *d)
{
    const struct sweep_view *w = d->in->sweep;
    struct sweep_status *st = d->st;
    bool first = st->spec_hash[0] == '\0';
    /* A status of an older controller has no store's hash: that is no other store. */
    bool same_store = st->store_hash[0] == '\0' || strcmp(st->store_hash, w->store_hash) == 0;
    bool same_spec = same_store && strcmp(st->spec_hash, w->spec_hash) == 0;
    if (same_store)
        memcpy(st->store_hash, w->store_hash, sizeof st->store_hash);
    if (same_spec && strcmp(st->edit_hash, w->edit_hash) == 0)
        return;
    memcpy(st->edit_hash, w->edit_hash, sizeof st->edit_hash);
    decide_ask_census(st);
    d->out->urgent = true;
    if (same_spec)
        return;
    stop_step(d, "Edited");
    memcpy(st->spec_hash, w->spec_hash, sizeof st->spec_hash);
    memcpy(st->store_hash, w->store_hash, sizeof st->store_hash);
    if (!same_store)
        memset(st->bundle, 0, sizeof st->bundle); /* the deck is in the old one */
    memset(&st->step, 0, sizeof st->step);
    memset(st->plan_digest, 0, sizeof st->plan_digest);
    memset(&st->totals, 0, sizeof st->totals);
    st->max_failed = -1;
    st->n_running = st->live_ok = st->live_failed = 0;
    st->phase = PHASE_PENDING;
    st->bundle_stored =
        st->bundle[0] && w->deck_source == DECK_CONFIG_MAP && strcmp(st->bundle, w->deck_name) == 0;
    st->collected = false;
    st->ended_s = 0;
    memset(st->message, 0, sizeof st->message);
    decide_condition(d, COND_DECISION_NEEDED, 'F', "No", "%s", "");
    if (first)
        st->started_s = d->in->now_s;
    else
        decide_event(d, EVENT_TYPE_NORMAL, "Edited", "the spec has changed: planning again");
}

/* ---- spec.run ---- */

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
            decide_ask_census(st);
            d->out->urgent = true;
            decide_event(d, EVENT_TYPE_NORMAL, "Resumed", "going on");
        }
        return false;
    }
    enum sweep_phase phase = wish == RUN_SUSPENDED ? PHASE_SUSPENDED : PHASE_CANCELLED;
    bool ended = st->phase == PHASE_SUCCEEDED || st->phase == PHASE_FAILED;
    if (st->phase == phase || (ended && !st->wants_census))
        return true;
    stop_step(d, sweep_phase_name(phase));
    st->phase = phase;
    st->ended_s = phase == PHASE_CANCELLED ? d->in->now_s : 0;
    d->out->urgent = true;
    decide_event(d, EVENT_TYPE_NORMAL, sweep_phase_name(phase),
                 "nothing more is started; what is committed is kept");
    return true;
}

/* ---- the step under way ---- */

static bool is_of_step(const struct step *step, const struct pod_view *p)
{
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        if (step->job[i].uid[0] && decide_is_of(p, step->job[i].uid))
            return true;
    return false;
}

/* Pods of earlier rounds are in the totals already. */
static bool passes_max_failed(const struct deciding *d)
{
    const struct sweep_status *st = d->st;
    uint64_t failed = st->totals.n_failed;
    if (st->max_failed < 0 || st->step.kind != STEP_ROUND)
        return false;
    for (size_t i = 0; i < d->in->n_pods; i++)
        if (d->in->pods[i].n_failed_rows > 0 && is_of_step(&st->step, &d->in->pods[i]))
            failed += d->in->pods[i].n_failed_rows;
    return failed > (uint64_t)st->max_failed;
}

static void follow_step(struct deciding *d)
{
    struct sweep_status *st = d->st;
    struct census_report report;
    const char *why = "";
    if (!decide_is_busy(st))
        return;
    if (passes_max_failed(d))
        decide_end_step(d, STOPPED_MAX_FAILED);
    else if (!decide_step_ended(d))
        return;
    st->step.ended_s = d->in->now_s;
    d->out->urgent = true;
    if (st->step.kind == STEP_ROUND) {
        note_round_end(d);
        st->wants_census = true;
    } else if (decide_read_report(d, &report, &why)) {
        decide_take_report(d, &report);
    } else {
        decide_no_report(d, why);
    }
}

/* ---- what comes next ---- */

bool decide_deck_is_there(const struct sweep_view *w, const struct sweep_status *st)
{
    return st->bundle_stored || w->deck_source == DECK_STORE
           || (w->deck_source == DECK_CONFIG_MAP && w->deck_present);
}

static enum waiting find_wait(const struct deciding *d)
{
    const struct sweep_status *st = d->st;
    const struct sweep_view *w = d->in->sweep;
    uint32_t most = d->in->limits->max_sweeps_active;
    bool active = st->phase == PHASE_PLANNING || st->phase == PHASE_RUNNING;
    if (!decide_deck_is_there(w, st))
        return WAIT_DECK;
    if (w->claim_missing)
        return WAIT_CLAIM;
    if (d->in->now_s < st->not_before_s && st->not_before_s <= d->in->now_s + CENSUS_BACKOFF_MOST_S)
        return WAIT_BACKOFF;
    return most > 0 && !active && d->in->sweeps_ahead >= most ? WAIT_TURN : WAIT_NOT;
}

static void start_next(struct deciding *d)
{
    struct sweep_status *st = d->st;
    if (decide_is_busy(st) || !st->wants_census)
        return;
    if (sweep_phase_is_final(st->phase)) {
        st->phase = PHASE_PENDING;
        st->ended_s = 0;
    }
    d->waiting = find_wait(d);
    if (d->waiting == WAIT_NOT)
        decide_start_census(d);
    else if (d->waiting == WAIT_BACKOFF)
        decide_wake(d, st->not_before_s);
    else if (d->waiting == WAIT_TURN)
        decide_wake(d, d->in->now_s + TURN_WAIT_S);
}

static void refuse(struct deciding *d)
{
    struct sweep_status *st = d->st;
    stop_step(d, "Refused");
    if (st->phase != PHASE_REFUSED)
        decide_event(d, EVENT_TYPE_WARNING, "Refused", "%s", d->in->sweep->refused);
    st->phase = PHASE_REFUSED;
    st->wants_census = true; /* an edit that mends it need not change the plan */
    decide_copy(st->message, sizeof st->message, d->in->sweep->refused);
}

/* Did this step begin just now? Then nobody has made its Jobs yet. */
static bool is_fresh(const struct deciding *d)
{
    const struct step *now = &d->st->step, *was = &d->in->sweep->status.step;
    return decide_is_busy(d->st) && strcmp(now->job[0].name, was->job[0].name) != 0;
}

/* The shell drops the rest after a failure, and creating is what fails: in a namespace that is being
 * removed, or under a quota of Jobs. What old Jobs hold must become free all the same, else neither ends. */
static void put_deletions_first(struct reconciled *out)
{
    uint32_t front = 0;
    for (uint32_t i = 0; i < out->n_actions; i++) {
        struct action a = out->action[i];
        if (a.kind != ACT_DELETE_JOB && a.kind != ACT_SET_TTL)
            continue;
        memmove(&out->action[front + 1], &out->action[front], (i - front) * sizeof a);
        out->action[front++] = a;
    }
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
        refuse(d);
    } else if (!obey_run(d)) {
        follow_step(d);
        start_next(d);
        if (is_fresh(d))
            (void)decide_step_ended(d);
    }
    decide_tidy(d);
    decide_parallelism(d);
    decide_say(d);
    put_deletions_first(d->out);
}

/* Padding is zero in what decoders give. Should it ever differ, a write too much is all. */
static bool same_bytes(const void *x, const void *y, size_t n)
{
    return memcmp(x, y, n) == 0;
}

void reconcile(const struct reconcile_input *in, struct reconciled *out)
{
    struct deciding d = {.in = in, .st = &out->status, .out = out};
    assert(in->sweep && in->limits);
    out->status = in->sweep->status;
    out->n_actions = 0;
    out->wake_s = 0;
    out->urgent = out->fence = false;
    if (!in->sweep->deleting) /* owner references take what is left with it */
        decide_all(&d);
    out->status_changed = !same_bytes(&out->status, &in->sweep->status, sizeof out->status);
}
