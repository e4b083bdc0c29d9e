/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of the Jobs of a step, and what is to be done with Jobs that nobody waits for. */
#include "scheduler/reconcile_parts.h"

#define JOB_TEXT_BYTES (STATUS_TEXT_BYTES / 2)

const struct job_view *decide_find_job(const struct reconcile_input *in, const char *name)
{
    for (size_t i = 0; i < in->n_jobs; i++)
        if (strcmp(in->jobs[i].name, name) == 0)
            return &in->jobs[i];
    return NULL;
}

static void end_job(struct deciding *d, struct step_job *job, enum job_outcome outcome,
                    const char *text)
{
    if (job->uid[0])
        d->st->core_seconds += decide_core_seconds(d, job->uid);
    job->outcome = outcome;
    job->missing_s = 0;
    decide_copy(job->text, sizeof job->text, text);
    d->out->urgent = true;
}

/* "<n> of <all> workers <what>: <words>" */
static void end_rough(struct deciding *d, struct step_job *job, const struct job_view *j,
                      uint32_t n, const char *what)
{
    char text[JOB_TEXT_BYTES];
    const char *words = decide_failure_words(d, job->uid);
    decide_print(text, sizeof text, "%u of %u worker%s %s%s%s", n, j->completions,
                 j->completions == 1 ? "" : "s", what, words[0] ? ": " : "", words);
    end_job(d, job, JOB_ENDED, text);
}

static uint32_t count_listed(const char *list)
{
    uint32_t n = list && list[0] ? 1 : 0;
    for (const char *p = list ? list : ""; *p; p++)
        n += *p == ',';
    return n; /* a range counts once: "at least" */
}

/* True: it has failed or is about to. */
static bool take_failure(struct deciding *d, struct step_job *job, const struct job_view *j)
{
    char text[JOB_TEXT_BYTES];
    const char *words;
    if (!j->failed && !j->failure_target)
        return false;
    words = decide_failure_words(d, job->uid);
    decide_print(text, sizeof text, "%s%s%s: %s", words, words[0] ? "; " : "", j->reason,
                 j->message);
    end_job(d, job, JOB_ENDED, text);
    return true;
}

static void follow_round_job(struct deciding *d, struct step_job *job, const struct job_view *j)
{
    struct index_tally t = decide_count_indexes(d, job->uid, j);
    uint32_t n_failed = count_listed(j->failed_indexes);
    if (j->complete || (j->completions > 0 && t.settled >= j->completions && n_failed == 0))
        end_job(d, job, JOB_COMPLETE, "");
    else if (n_failed > 0 && (j->failed || t.settled >= j->completions))
        end_rough(d, job, j, n_failed, "failed twice");
    else if (take_failure(d, job, j))
        return;
    else if (t.given_up > 0 && t.settled + t.given_up >= j->completions)
        end_rough(d, job, j, t.given_up, "were given up, their pods died or their nodes are gone");
    else if (t.next_s != 0)
        decide_wake(d, t.next_s);
}

/* 1: a pod that succeeded left a message; -1: it left none; 0: no such pod is seen. */
static int census_pod_reported(const struct deciding *d, const char *job_uid)
{
    int found = 0;
    for (size_t i = 0; i < d->in->n_pods && found < 1; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (p->phase == POD_SUCCEEDED && decide_is_of(p, job_uid))
            found = p->message[0] ? 1 : -1;
    }
    return found;
}

static void follow_census_job(struct deciding *d, struct step_job *job, const struct job_view *j)
{
    int reported = census_pod_reported(d, job->uid);
    if (reported != 0) {
        end_job(d, job, reported > 0 ? JOB_COMPLETE : JOB_ENDED,
                reported > 0 ? "" : "the census pod left no report");
        return;
    }
    if (j->complete) {
        int64_t since = j->seen_s ? j->seen_s : j->ended_s;
        if (decide_is_over(d, since, CENSUS_MESSAGE_WAIT_S))
            end_job(d, job, JOB_ENDED, "the census pod went away with its report");
        else
            decide_wake(d, since + CENSUS_MESSAGE_WAIT_S);
        return;
    }
    if (take_failure(d, job, j))
        return;
    struct index_tally t = decide_count_indexes(d, job->uid, j);
    if (t.given_up > 0)
        end_rough(d, job, j, t.given_up, "were given up, their pods died or their nodes are gone");
    else if (t.next_s != 0)
        decide_wake(d, t.next_s);
}

/* It was there, and now it is not to be seen: gone, or our view is behind. */
static void miss_job(struct deciding *d, struct step_job *job)
{
    if (job->missing_s == 0) {
        job->missing_s = d->in->now_s;
        d->out->urgent = true;
    }
    if (decide_is_over(d, job->missing_s, MISSING_PATIENCE_S))
        end_job(d, job, JOB_VANISHED, "somebody deleted the Job");
    else
        decide_wake(d, job->missing_s + MISSING_PATIENCE_S);
}

static void follow_pending_job(struct deciding *d, struct step_job *job, uint32_t number,
                               const struct job_view *j)
{
    if (!j) {
        struct action *a = decide_job_action(d, ACT_CREATE_JOB, job->name, "");
        if (a)
            a->job = number;
    } else if (j->has_ttl) { /* of a former life of this sweep's store: it has been dealt with */
        if (!j->deleting)
            (void)decide_job_action(d, ACT_DELETE_JOB, j->name, j->uid);
        decide_wake(d, d->in->now_s + 2);
    } else if (j->deleting) {
        decide_wake(d, d->in->now_s + 2); /* its name is free in a moment */
    } else {
        decide_copy(job->uid, sizeof job->uid, j->uid);
        job->outcome = JOB_ACTIVE;
    }
}

static void follow_job(struct deciding *d, struct step_job *job, uint32_t number)
{
    const struct job_view *j = decide_find_job(d->in, job->name);
    if (job->outcome == JOB_PENDING)
        follow_pending_job(d, job, number, j);
    if (job->outcome != JOB_ACTIVE)
        return;
    if (!j) {
        miss_job(d, job);
        return;
    }
    if (j->deleting || strcmp(job->uid, j->uid) != 0) {
        end_job(d, job, JOB_VANISHED, "somebody deleted the Job");
        return;
    }
    job->missing_s = 0;
    if (d->st->step.kind == STEP_CENSUS)
        follow_census_job(d, job, j);
    else
        follow_round_job(d, job, j);
}

bool decide_step_ended(struct deciding *d)
{
    struct step *step = &d->st->step;
    bool ended = true;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++) {
        if (decide_is_open(step->job[i].outcome))
            follow_job(d, &step->job[i], i);
        ended = ended && !decide_is_open(step->job[i].outcome);
    }
    return ended;
}

void decide_end_step(struct deciding *d, const char *why)
{
    struct step *step = &d->st->step;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        if (decide_is_open(step->job[i].outcome))
            end_job(d, &step->job[i], JOB_ENDED, why);
    decide_copy(step->stopped, sizeof step->stopped, why);
    step->ended_s = d->in->now_s;
}

/* ---- what nobody waits for ---- */

/* Will the Job controller finish it in a moment, so that its record can stay? Not when a pod hangs
 * on a dead node. */
static bool ends_by_itself(struct deciding *d, const struct job_view *j)
{
    struct index_tally t = decide_count_indexes(d, j->uid, j);
    if (t.n_held > 0)
        return false;
    if (t.next_s != 0)
        decide_wake(d, t.next_s);
    if (j->kind == STEP_CENSUS && census_pod_reported(d, j->uid) != 0)
        return true;
    return j->failure_target || (j->completions > 0 && t.settled >= j->completions);
}

static bool is_wanted(const struct deciding *d, const struct job_view *j)
{
    const struct step *step = &d->st->step;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        if (strcmp(step->job[i].name, j->name) == 0)
            return decide_is_open(step->job[i].outcome);
    return false;
}

static void tidy_job(struct deciding *d, const struct job_view *j)
{
    if (j->complete || j->failed) {
        struct action *a = j->has_ttl ? NULL : decide_job_action(d, ACT_SET_TTL, j->name, j->uid);
        if (a)
            a->number = d->in->sweep->ttl_s;
    } else if (!ends_by_itself(d, j)) {
        (void)decide_job_action(d, ACT_DELETE_JOB, j->name, j->uid);
    }
}

void decide_tidy(struct deciding *d)
{
    const struct sweep_view *w = d->in->sweep;
    bool census = decide_is_busy(d->st) && d->st->step.kind == STEP_CENSUS;
    for (size_t i = 0; i < d->in->n_jobs; i++)
        if (!d->in->jobs[i].deleting && !is_wanted(d, &d->in->jobs[i]))
            tidy_job(d, &d->in->jobs[i]);
    if (d->st->bundle_stored && w->deck_owned && w->deck_present && !census)
        (void)decide_job_action(d, ACT_DELETE_BUNDLE,
                                strlen(w->deck_name) < STATUS_NAME_BYTES ? w->deck_name : "", "");
}
