/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of the Jobs of a step. A round's Job is followed index by index: it is over when
 * every index is settled, failed, or given up because Kubernetes will not bring it soon
 * (back-off, or a pod that a dead node cannot end). The next census takes what is left. */
#include "scheduler/reconcile_parts.h"

#include <stdio.h>

enum index_state { INDEX_OPEN = 0, INDEX_LIVE, INDEX_HELD, INDEX_DONE };

struct index_table {
    unsigned char state[RECONCILE_MAX_INDEXES];
    int64_t last_end_s[RECONCILE_MAX_INDEXES]; /* of failed pods */
    uint32_t n;
};

const struct job_view *decide_find_job(const struct reconcile_input *in, const char *name)
{
    for (size_t i = 0; i < in->n_jobs; i++)
        if (strcmp(in->jobs[i].name, name) == 0)
            return &in->jobs[i];
    return NULL;
}

/* Is this step written down? Jobs are made only for what a restart would find again. */
static bool step_is_written(const struct deciding *d)
{
    const struct step *now = &d->st->step, *was = &d->in->sweep->status.step;
    return now->kind == was->kind && now->number == was->number
           && strcmp(now->job[0].name, was->job[0].name) == 0;
}

/* "1,3-5": marks those below n. What is no list of numbers ends it. */
static void mark_indexes(struct index_table *t, const char *list)
{
    const char *p = list ? list : "";
    while (*p) {
        uint64_t bound[2] = {0, 0};
        int i = 0;
        for (; i < 2; i++) {
            if (*p < '0' || *p > '9')
                return;
            for (; *p >= '0' && *p <= '9' && bound[i] <= UINT32_MAX; p++)
                bound[i] = bound[i] * 10 + (uint64_t)(*p - '0');
            if (i == 0 && *p != '-')
                break;
            p += i == 0;
        }
        uint64_t last = i == 0 ? bound[0] : bound[1];
        for (uint64_t k = bound[0]; k <= last && k < t->n; k++)
            t->state[k] = INDEX_DONE;
        if (*p == ',')
            p++;
    }
}

static void mark_pod(struct index_table *t, const struct pod_view *p, int64_t now_s)
{
    if (p->index < 0 || (uint64_t)p->index >= t->n)
        return;
    unsigned char *state = &t->state[p->index];
    if (*state == INDEX_DONE)
        return;
    if (p->phase == POD_SUCCEEDED) {
        *state = INDEX_DONE;
    } else if (p->phase == POD_FAILED) {
        if (p->ended_s > t->last_end_s[p->index])
            t->last_end_s[p->index] = p->ended_s;
    } else if (p->deleting && now_s > p->delete_by_s + INDEX_PATIENCE_S) {
        if (*state == INDEX_OPEN)
            *state = INDEX_HELD;
    } else {
        *state = INDEX_LIVE;
    }
}

struct tally {
    uint32_t settled, given_up;
    int64_t next_s; /* when the next index loses patience; 0 none */
};

static struct tally count_indexes(const struct deciding *d, const struct job_view *j)
{
    static const struct index_table EMPTY = {.n = 0};
    struct index_table t = EMPTY;
    struct tally out = {0, 0, 0};
    int64_t now = d->in->now_s;
    t.n = j->completions < RECONCILE_MAX_INDEXES ? j->completions : RECONCILE_MAX_INDEXES;
    mark_indexes(&t, j->completed_indexes);
    mark_indexes(&t, j->failed_indexes);
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (strcmp(p->job_uid, j->uid) != 0)
            continue;
        mark_pod(&t, p, now);
        int64_t due = p->deleting ? p->delete_by_s + INDEX_PATIENCE_S + 1 : 0;
        if (due > now && (out.next_s == 0 || due < out.next_s))
            out.next_s = due;
    }
    for (uint32_t i = 0; i < t.n; i++) {
        int64_t due = t.last_end_s[i] + INDEX_PATIENCE_S + 1;
        out.settled += t.state[i] == INDEX_DONE;
        if (t.state[i] == INDEX_HELD)
            out.given_up++;
        if (t.state[i] != INDEX_OPEN || t.last_end_s[i] == 0)
            continue;
        if (due <= now)
            out.given_up++;
        else if (out.next_s == 0 || due < out.next_s)
            out.next_s = due;
    }
    return out;
}

static double core_seconds_of(const struct deciding *d, const char *job_uid)
{
    double sum = 0;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        int64_t end = p->ended_s ? p->ended_s : d->in->now_s;
        if (strcmp(p->job_uid, job_uid) == 0 && p->started_s > 0 && end > p->started_s)
            sum += (double)p->cpus * (double)(end - p->started_s);
    }
    return sum;
}

static void end_job(struct deciding *d, struct step_job *job, enum job_outcome outcome,
                    const char *text)
{
    d->st->core_seconds += core_seconds_of(d, job->uid);
    job->outcome = outcome;
    decide_copy(job->text, sizeof job->text, text);
    d->out->urgent = true;
}

static void delete_job(struct deciding *d, const char *name, const char *uid)
{
    struct action *a = decide_action(d, ACT_DELETE_JOB);
    if (!a)
        return;
    decide_copy(a->name, sizeof a->name, name);
    decide_copy(a->uid, sizeof a->uid, uid);
}

static void follow_round_job(struct deciding *d, struct step_job *job, const struct job_view *j)
{
    struct tally t = count_indexes(d, j);
    if (t.settled >= j->completions) {
        bool clean = !j->failed_indexes || j->failed_indexes[0] == '\0';
        end_job(d, job, clean ? JOB_COMPLETE : JOB_ENDED, clean ? "" : "some indexes failed");
    } else if (t.settled + t.given_up >= j->completions) {
        char text[STATUS_TEXT_BYTES / 2];
        (void)snprintf(text, sizeof text,
                       "%u of %u workers were given up: their pods died or their node is gone",
                       t.given_up, j->completions);
        end_job(d, job, JOB_ENDED, text); /* decide_tidy deletes it */
    } else if (t.next_s != 0) {
        decide_wake(d, t.next_s);
    }
}

static bool census_pod_reported(const struct deciding *d, const struct job_view *j)
{
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (strcmp(p->job_uid, j->uid) == 0 && p->phase == POD_SUCCEEDED && p->message[0])
            return true;
    }
    return false;
}

static void follow_census_job(struct deciding *d, struct step_job *job, const struct job_view *j)
{
    if (census_pod_reported(d, j)) {
        end_job(d, job, JOB_COMPLETE, "");
    } else if (j->complete) {
        int64_t until = (j->ended_s ? j->ended_s : d->in->now_s) + CENSUS_MESSAGE_WAIT_S;
        if (d->in->now_s >= until)
            end_job(d, job, JOB_ENDED, "the census pod left no report");
        else
            decide_wake(d, until);
    }
}

static void follow_job(struct deciding *d, struct step_job *job, uint32_t number)
{
    const struct job_view *j = decide_find_job(d->in, job->name);
    if (job->outcome == JOB_PENDING && !j) {
        struct action *a = step_is_written(d) ? decide_action(d, ACT_CREATE_JOB) : NULL;
        if (a) {
            a->job = number;
            decide_copy(a->name, sizeof a->name, job->name);
        }
        return;
    }
    if (!j || j->deleting || (job->uid[0] && strcmp(job->uid, j->uid) != 0)) {
        if (job->outcome == JOB_ACTIVE)
            end_job(d, job, JOB_VANISHED, "the Job was deleted");
        else
            decide_wake(d, d->in->now_s + 2); /* an older one of this name is going away */
        return;
    }
    if (job->outcome == JOB_PENDING) {
        decide_copy(job->uid, sizeof job->uid, j->uid);
        job->outcome = JOB_ACTIVE;
    }
    if (d->st->step.kind == STEP_CENSUS)
        follow_census_job(d, job, j);
    else
        follow_round_job(d, job, j);
    if (job->outcome == JOB_ACTIVE && (j->failed || j->failure_target)) {
        char text[STATUS_TEXT_BYTES / 2];
        (void)snprintf(text, sizeof text, "%s: %s", j->reason ? j->reason : "Failed",
                       j->message ? j->message : "");
        end_job(d, job, JOB_ENDED, text);
    }
}

bool decide_step_ended(struct deciding *d)
{
    struct step *step = &d->st->step;
    bool ended = true;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++) {
        if (step->job[i].outcome == JOB_PENDING || step->job[i].outcome == JOB_ACTIVE)
            follow_job(d, &step->job[i], i);
        ended = ended && step->job[i].outcome != JOB_PENDING && step->job[i].outcome != JOB_ACTIVE;
    }
    return ended;
}

void decide_end_step(struct deciding *d, const char *why)
{
    struct step *step = &d->st->step;
    if (step->kind == STEP_NONE || step->ended_s != 0)
        return;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        if (step->job[i].outcome == JOB_PENDING || step->job[i].outcome == JOB_ACTIVE)
            end_job(d, &step->job[i], JOB_ENDED, why);
    decide_copy(step->stopped, sizeof step->stopped, why);
    step->ended_s = d->in->now_s;
}

/* Have its pods done everything, so that the Job controller will say so in a moment? */
static bool has_settled(const struct deciding *d, const struct job_view *j)
{
    if (j->kind == STEP_CENSUS)
        return census_pod_reported(d, j);
    return j->completions > 0 && count_indexes(d, j).settled >= j->completions;
}

static bool is_wanted(const struct deciding *d, const struct job_view *j)
{
    const struct step *step = &d->st->step;
    for (uint32_t i = 0; i < step->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        if (strcmp(step->job[i].name, j->name) == 0)
            return step->job[i].outcome == JOB_PENDING || step->job[i].outcome == JOB_ACTIVE;
    return false;
}

void decide_tidy(struct deciding *d)
{
    for (size_t i = 0; i < d->in->n_jobs; i++) {
        const struct job_view *j = &d->in->jobs[i];
        if (j->deleting || is_wanted(d, j))
            continue;
        bool finished = j->complete || j->failed;
        if (!finished) {
            if (!has_settled(d, j))
                delete_job(d, j->name, j->uid);
        } else if (!j->has_ttl) {
            struct action *a = decide_action(d, ACT_SET_TTL);
            if (!a)
                return;
            decide_copy(a->name, sizeof a->name, j->name);
            decide_copy(a->uid, sizeof a->uid, j->uid);
            a->number = d->in->sweep->ttl_s;
        }
    }
}
