/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The workers of one Job, index by index. It is over when every index is settled, failed, or
 * given up because Kubernetes will not bring it soon: back-off, or a pod that a dead node
 * cannot end. The next census takes what is left. */
#include "scheduler/reconcile_parts.h"

enum index_state { INDEX_OPEN = 0, INDEX_LIVE, INDEX_HELD, INDEX_DONE };

struct index_table {
    unsigned char state[RECONCILE_MAX_INDEXES];
    int64_t last_end_s[RECONCILE_MAX_INDEXES]; /* of failed pods; 0 none */
    uint32_t n;
};

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

/* When patience with this pod ends; 0: there is no reason for any. Counted from when we saw its state:
 * its own times are another machine's. */
static int64_t patience_end(const struct pod_view *p)
{
    if (p->phase == POD_FAILED) {
        int64_t end = p->seen_s ? p->seen_s : p->ended_s ? p->ended_s : p->created_s;
        return end + INDEX_PATIENCE_S;
    }
    if (!p->deleting)
        return 0;
    return (p->seen_s ? p->seen_s + p->grace_s : p->delete_by_s) + INDEX_PATIENCE_S;
}

static void mark_pod(struct index_table *t, const struct pod_view *p, int64_t now_s)
{
    if (p->index < 0 || (uint64_t)p->index >= t->n)
        return;
    unsigned char *state = &t->state[p->index];
    int64_t end = patience_end(p);
    if (*state == INDEX_DONE)
        return;
    if (p->phase == POD_SUCCEEDED) {
        *state = INDEX_DONE;
    } else if (p->phase == POD_FAILED) {
        if (end > t->last_end_s[p->index])
            t->last_end_s[p->index] = end;
    } else if (p->deleting && now_s >= end) {
        if (*state == INDEX_OPEN)
            *state = INDEX_HELD;
    } else {
        *state = INDEX_LIVE;
    }
}

static void note_due(struct index_tally *t, int64_t due_s, int64_t now_s)
{
    if (due_s > now_s && (t->next_s == 0 || due_s < t->next_s))
        t->next_s = due_s;
}

/* Pods that were deleted leave nothing to see: their index may wait in back-off for ten minutes.
 * Since when has a Job that got somewhere had no pods, and nobody says why? 0: it is not so. */
static int64_t idle_since(const struct job_view *j, const struct index_tally *t)
{
    bool idle = t->settled > 0 && t->n_alive == 0 && j->n_active == 0 && !j->suspended
                && j->why[0] == '\0' && !j->complete && !j->failed;
    return idle ? j->seen_s : 0;
}

static void give_up_open(const struct index_table *t, const struct job_view *j, int64_t now_s,
                         struct index_tally *out)
{
    int64_t idle = idle_since(j, out);
    bool idle_is_over = idle > 0 && now_s >= idle + INDEX_PATIENCE_S;
    /* Pods of dead nodes count as active: nothing more is started when they have all the places. */
    bool blocked = j->parallelism > 0 && out->n_held >= j->parallelism;
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->state[i] == INDEX_HELD)
            out->given_up++;
        if (t->state[i] != INDEX_OPEN)
            continue;
        if (t->last_end_s[i] == 0) {
            out->given_up += idle_is_over || blocked;
            if (idle > 0)
                note_due(out, idle + INDEX_PATIENCE_S, now_s);
        } else {
            out->given_up += now_s >= t->last_end_s[i];
            note_due(out, t->last_end_s[i], now_s);
        }
    }
}

struct index_tally decide_count_indexes(const struct deciding *d, const char *job_uid,
                                        const struct job_view *j)
{
    static const struct index_table EMPTY = {.n = 0};
    struct index_table t = EMPTY;
    struct index_tally out = {0};
    int64_t now = d->in->now_s;
    t.n = j->completions < RECONCILE_MAX_INDEXES ? j->completions : RECONCILE_MAX_INDEXES;
    mark_indexes(&t, j->completed_indexes);
    mark_indexes(&t, j->failed_indexes);
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (!decide_is_of(p, job_uid))
            continue;
        bool ended = p->phase == POD_SUCCEEDED || p->phase == POD_FAILED;
        out.n_alive += !ended;
        if (p->deleting && !ended) {
            out.n_held += now >= patience_end(p);
            note_due(&out, patience_end(p), now);
        }
        mark_pod(&t, p, now);
    }
    for (uint32_t i = 0; i < t.n; i++)
        out.settled += t.state[i] == INDEX_DONE;
    give_up_open(&t, j, now, &out);
    return out;
}

static const char *words_of(const struct pod_view *p)
{
    if (p->oom_killed)
        return "out of memory (killed by the kernel)";
    switch (p->exit_code) {
    case 75:
        return "interrupted (exit status 75)";
    case 76:
        return "the store or the scratch disk refuses (exit status 76)";
    case 77:
        return "the simulator is missing in the image or of another version (exit status 77)";
    default:
        break;
    }
    if (p->why[0])
        return p->why;
    if (p->disrupted)
        return "disrupted";
    return p->exit_code > 128 ? "killed by a signal" : p->exit_code > 0 ? "exit status not 0" : "";
}

const char *decide_failure_words(const struct deciding *d, const char *job_uid)
{
    const struct pod_view *newest = NULL;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        if (p->phase == POD_FAILED && decide_is_of(p, job_uid) && words_of(p)[0]
            && (!newest || p->ended_s > newest->ended_s))
            newest = p;
    }
    return newest ? words_of(newest) : "";
}

double decide_core_seconds(const struct deciding *d, const char *job_uid)
{
    double sum = 0;
    for (size_t i = 0; i < d->in->n_pods; i++) {
        const struct pod_view *p = &d->in->pods[i];
        int64_t end = p->ended_s ? p->ended_s : d->in->now_s;
        if (p->started_s > 0 && end > p->started_s && decide_is_of(p, job_uid))
            sum += (double)p->cpus * (double)(end - p->started_s);
    }
    return sum;
}
