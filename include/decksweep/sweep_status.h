/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_status.h - .status of a Sweep: what the controller has decided and seen
 *
 * Written by the controller alone, read by the command line and by people. It is input to
 * the next reconcile: nothing else is remembered. The k8s/base CRD holds the same fields with
 * bounds; docs/cluster.md explains them to users. Pure; texts come from an API server that
 * others write to: bounded, cut, never trusted. */
#ifndef DECKSWEEP_SWEEP_STATUS_H
#define DECKSWEEP_SWEEP_STATUS_H

#include "decksweep/cluster.h"

enum sweep_phase {
    PHASE_PENDING = 0, /* not looked at yet, or waits for its deck, for room, for a decision */
    PHASE_PLANNING,    /* a census runs before any round */
    PHASE_RUNNING,     /* a round, or the census after one */
    PHASE_SUSPENDED,   /* spec.run */
    PHASE_CANCELLED,   /* spec.run: final until edited */
    PHASE_SUCCEEDED,   /* every case ok, collected: final until the spec changes */
    PHASE_FAILED,      /* ended with cases that are not ok, or stopped by maxFailed; collected */
    PHASE_REFUSED,     /* sweep or deck are wrong: nothing ran; waits for an edit */
    PHASE_STALLED,     /* three rounds without progress, or a census that never succeeds */
};
const char *sweep_phase_name(enum sweep_phase p); /* "Running" */
enum sweep_phase sweep_phase_from_name(struct ds_span name);
bool sweep_phase_is_final(enum sweep_phase p); /* nothing more happens without an edit */

#define STATUS_NAME_BYTES     64u  /* Job names */
#define STATUS_TEXT_BYTES     512u /* messages; longer ones are cut with "..." */
#define STATUS_REASON_BYTES   64u  /* CamelCase */
#define STATUS_TIME_BYTES     24u  /* 2026-11-21T09:10:11Z; "" none */
#define STATUS_MAX_ROUNDS     8u   /* the newest */
#define STATUS_MAX_CONDITIONS 12u

/* Conditions, in the order they are shown. True is good for Planned, BundleReady, Schedulable,
 * Progressing and Complete; bad for the others. */
enum sweep_condition_kind {
    COND_BUNDLE_READY = 0, /* the deck is there */
    COND_PLANNED,          /* the plan of this spec is in the store */
    COND_SCHEDULABLE,      /* pods find nodes, images and quota */
    COND_PROGRESSING,      /* something runs */
    COND_DECISION_NEEDED,  /* spec.once must say what to do */
    COND_STALLED,
    COND_COMPLETE, /* ended, collected */
    COND_COUNT
};
const char *sweep_condition_name(enum sweep_condition_kind k);

struct sweep_condition {
    char status; /* 'T', 'F', 'U'; 0: not set yet */
    char reason[STATUS_REASON_BYTES];
    char message[STATUS_TEXT_BYTES];
    int64_t since_s; /* lastTransitionTime, Unix seconds */
    int64_t observed_generation;
};

enum step_kind { STEP_NONE = 0, STEP_CENSUS, STEP_ROUND };

enum job_outcome {                  /* of one Job of a step */
                   JOB_PENDING = 0, /* not known to have been created */
                   JOB_ACTIVE,      /* created; uid known */
                   JOB_COMPLETE,    /* every index settled */
                   JOB_ENDED,       /* ended with failed indexes, given up, deleted by us */
                   JOB_VANISHED,    /* somebody removed it */
};
const char *job_outcome_name(enum job_outcome o);

struct step_job {
    char name[STATUS_NAME_BYTES];
    char uid[40];
    enum job_outcome outcome;
    char text[STATUS_TEXT_BYTES / 2]; /* why it ended, when not JOB_COMPLETE */
    int64_t missing_s;                /* JOB_ACTIVE, but not to be seen since then; 0 it is */
    struct census_shape shape;        /* STEP_ROUND */
};

struct step { /* what is under way or was last: a census or a round */
    enum step_kind kind;
    uint32_t number;                     /* of the census (counts up for ever), or N of the round */
    char plan_digest[PLAN_DIGEST_BYTES]; /* STEP_ROUND */
    struct step_job job[CENSUS_MAX_SHAPES];
    uint32_t n_jobs;
    int64_t started_s, ended_s;        /* 0 not yet */
    char stopped[STATUS_REASON_BYTES]; /* why we ended it early: MaxFailed, Edited, ...; "" */
    char once[STATUS_NAME_BYTES];      /* STEP_CENSUS: spec.once.token that it obeys; "" none */
};

struct round_line { /* history, newest last */
    uint32_t number;
    char plan_digest[PLAN_DIGEST_BYTES];
    uint32_t n_shapes, n_chunks, n_cases;
    uint64_t keys_before; /* n_keys of the census that made it */
    char outcome[STATUS_REASON_BYTES];
    char text[STATUS_TEXT_BYTES / 2]; /* why, when not Complete */
    int64_t started_s, ended_s;
};

struct sweep_status {
    enum sweep_phase phase;
    int64_t observed_generation;
    char spec_hash[17];                /* of what the plan depends on; "" never looked at */
    char store_hash[17];               /* of results.store: what is stored is stored there */
    char edit_hash[17];                /* of all of the spec but run */
    char once_done[STATUS_NAME_BYTES]; /* last spec.once.token obeyed */
    char plan_digest[PLAN_DIGEST_BYTES];
    char controller_version[32], agent_image[256];
    struct census_totals totals;   /* of the last census */
    int64_t max_failed;            /* rows; -1 off */
    uint32_t n_running;            /* live hint: slots of the pods that run */
    uint32_t live_ok, live_failed; /* live hint: attempts that the round's ended pods report */
    struct step step;
    uint32_t census_number; /* of the last census begun */
    uint32_t census_tries;  /* censuses in a row that brought no report */
    int64_t not_before_s;   /* the next census waits so long */
    uint32_t idle_rounds;   /* in a row, without a new key */
    struct round_line rounds[STATUS_MAX_ROUNDS];
    uint32_t n_rounds;
    char bundle[STATUS_NAME_BYTES]; /* ConfigMap of submit whose deck the store has; "" none */
    bool bundle_stored, collected;  /* bundle_stored: the deck that spec.deckFrom names */
    bool wants_census;              /* something changed that a census must see */
    double core_seconds;            /* requested CPUs x time of every pod of ours that has ended */
    int64_t started_s, ended_s;
    char message[STATUS_TEXT_BYTES]; /* one line: what happens, or why not */
    struct sweep_condition cond[COND_COUNT];
};

/* As the JSON object under "status"; keys sorted, so equal statuses give equal bytes. */
int sweep_status_encode(const struct sweep_status *s, struct ds_buf *out,
                        struct ds_err *err) DS_CHECKED;
/* From the object under "status" (NULL: a Sweep without one). What is missing, of another type or
 * out of range is zero (max_failed: -1); what is unknown is ignored; never fails. */
struct json;
void sweep_status_decode(const struct json *status, struct sweep_status *out);

#endif
