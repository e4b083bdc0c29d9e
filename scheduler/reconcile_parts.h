/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reconcile_parts.h - the parts of reconcile(); only reconcile*.c includes it. Pure. */
#ifndef DS_SCHEDULER_RECONCILE_PARTS_H
#define DS_SCHEDULER_RECONCILE_PARTS_H

#include "scheduler/reconcile.h"

#define CENSUS_BACKOFF_FIRST_S 10
#define CENSUS_BACKOFF_MOST_S  300
#define CENSUS_MAX_TRIES       6u
#define CENSUS_MESSAGE_WAIT_S  30 /* a finished census whose pod is not seen yet */
#define ROUND_MAX_IDLE         3u
#define INDEX_PATIENCE_S       60 /* in back-off, or Terminating past its grace */
#define MISSING_PATIENCE_S     5  /* a Job that is not to be seen is gone */
#define TURN_WAIT_S            10

#define STOPPED_MAX_FAILED "MaxFailed" /* step.stopped; the census is told */

enum waiting { /* what keeps the next census from starting */
               WAIT_NOT = 0,
               WAIT_DECK,
               WAIT_CLAIM,
               WAIT_BACKOFF,
               WAIT_TURN
};

struct deciding {
    const struct reconcile_input *in;
    struct sweep_status *st; /* = &out->status */
    struct reconciled *out;
    enum waiting waiting;
};

/* ---- reconcile.c ---- */
struct action *decide_action(struct deciding *d, enum action_kind kind); /* NULL: no room */
struct action *decide_job_action(struct deciding *d, enum action_kind kind, const char *name,
                                 const char *uid);  /* NULL: no room */
void decide_wake(struct deciding *d, int64_t at_s); /* not later than that */
void decide_event(struct deciding *d, enum event_type type, const char *reason, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
/* Cut with "..." at a whole character; bytes that are no UTF-8 become '?', because what the API
 * server would change must not come back as a difference. */
void decide_copy(char *out, size_t room, const char *text);
void decide_print(char *out, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "round 2: 75 cases in 4 workers" */
void decide_round_text(const struct round_line *line, char out[STATUS_TEXT_BYTES]);
void decide_condition(struct deciding *d, enum sweep_condition_kind kind, char status,
                      const char *reason, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* now >= since + patience; also when since lies further ahead than patience: another clock. */
bool decide_is_over(const struct deciding *d, int64_t since_s, int64_t patience_s);
static inline bool decide_is_busy(const struct sweep_status *st)
{
    return st->step.kind != STEP_NONE && st->step.ended_s == 0;
}
static inline bool decide_is_open(enum job_outcome o)
{
    return o == JOB_PENDING || o == JOB_ACTIVE;
}
/* Somebody did something on purpose: a census, and old failures are forgotten. */
void decide_ask_census(struct sweep_status *st);
bool decide_deck_is_there(const struct sweep_view *w, const struct sweep_status *st);

/* Does the pod belong to that Job? Asked for every pod and Job: the first byte decides mostly. */
static inline bool decide_is_of(const struct pod_view *p, const char *job_uid)
{
    return p->job_uid[0] == job_uid[0] && strcmp(p->job_uid, job_uid) == 0;
}

/* ---- reconcile_indexes.c: the workers of one Job ---- */
struct index_tally {
    uint32_t settled;  /* succeeded or failed for good */
    uint32_t given_up; /* Kubernetes will not bring them soon */
    uint32_t n_alive;  /* pods that have not ended */
    uint32_t n_held;   /* of those: Terminating for longer than they should; their nodes are gone */
    int64_t next_s;    /* when the next index loses patience; 0 none */
};
struct index_tally decide_count_indexes(const struct deciding *d, const char *job_uid,
                                        const struct job_view *j);
/* Why pods of that Job failed, in words; "" unknown. The newest failure speaks. */
const char *decide_failure_words(const struct deciding *d, const char *job_uid);
double decide_core_seconds(const struct deciding *d, const char *job_uid);

/* ---- reconcile_jobs.c: what became of the Jobs of the step ---- */
const struct job_view *decide_find_job(const struct reconcile_input *in, const char *name);
/* Creates, outcomes, given-up indexes. True: every Job of the step has ended. */
bool decide_step_ended(struct deciding *d);
/* End the step at once; its Jobs are then nobody's. */
void decide_end_step(struct deciding *d, const char *why);
/* Jobs nobody waits for: delete, or let them expire; the deck's ConfigMap. */
void decide_tidy(struct deciding *d);

/* ---- reconcile_census.c: what follows from a census ---- */
/* The report of the ended census step; false: there is none, *why says so. */
bool decide_read_report(const struct deciding *d, struct census_report *out, const char **why);
void decide_take_report(struct deciding *d, const struct census_report *r);
void decide_no_report(struct deciding *d, const char *why);
void decide_start_census(struct deciding *d);

/* ---- reconcile_limits.c: how many at a time ---- */
/* What a node's room allows for a claim that one node mounts; 0: no bound. */
uint32_t decide_one_node_bound(const struct sweep_view *w, const struct census_shape *s,
                               const struct node_class *nodes, size_t n_nodes);
/* Parallelism of active Jobs, after an edit or when another shape is done. */
void decide_parallelism(struct deciding *d);

/* ---- reconcile_say.c: conditions, message, hints ---- */
void decide_say(struct deciding *d);

#endif
