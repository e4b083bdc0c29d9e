/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reconcile.h - what is to be done for one Sweep, from what the API server shows
 *
 *     reconcile(sweep, jobs, pods, nodes, limits, now) -> new status + actions
 *
 * Pure: the shell (controller_io.c) keeps the caches, performs the actions and calls again.
 * Every action is idempotent: a Job's name says what it is for, a create that finds it is a
 * success when the owner is this Sweep. The views may be old, incomplete or repeated; only
 * `status`, written with the resourceVersion it was read with, is memory. One go of the shell:
 *
 *   1. status_changed or fence: PUT the status. A conflict, or any other failure: drop this go's
 *      actions, bring the Sweep up to date, look again. fence says so even for an unchanged
 *      status: the API server answers Conflict to an old resourceVersion also then, so no Job
 *      is ever made or deleted by what an old view of the Sweep says.
 *   2. the actions, in order; what a write answered goes into the cache at once. After a failure
 *      the rest is dropped; the shell backs off (1 s to a minute) and gives its words as
 *      `trouble` until a go succeeds.
 *
 * Only a status change that is not urgent and comes without fence may wait (5 s a sweep).
 *
 * Clocks: `now_s` and the times in status are the controller's, which may change; times in objects are
 * the API server's and the nodes'. Patience is counted from seen_s (views.h) where that is
 * known, and a time in status that lies absurdly far ahead counts as passed.
 *
 * The way of a sweep (DESIGN.md 7 and 11):
 *
 *     spec hash changed   -> delete Jobs of the old spec -> census
 *     census: round       -> status names round and shapes -> one Job a shape
 *     every Job ended     -> outcome in status -> TTL on the Jobs -> census
 *     census: finished    -> Complete; Succeeded or Failed
 *     census: no report   -> again after 10 s, 20 s, ... 5 min; Stalled after 6 in a row
 *     Suspended/Cancelled -> delete Jobs; resume is a census
 *     maxFailed passed    -> delete the Job, census with DECKSWEEP_STOPPED, collects
 */
#ifndef DS_SCHEDULER_RECONCILE_H
#define DS_SCHEDULER_RECONCILE_H

#include "decksweep/sweep_status.h"

enum run_wish { RUN_ACTIVE = 0, RUN_SUSPENDED, RUN_CANCELLED };
enum deck_source { DECK_NONE = 0, DECK_CONFIG_MAP, DECK_STORE, DECK_URL };

/* What of a Sweep object decides; texts borrow the object. */
struct sweep_view {
    const char *namespace_, *name, *uid, *resource_version;
    int64_t generation;
    bool deleting;
    enum run_wish run;
    char spec_hash[17]; /* of the spec without run, once, cluster, collect, results.store and
                         * failure.maxFailed, but with deckFrom */
    char edit_hash[17]; /* of the whole spec without run: any change asks for a census */
    enum deck_source deck_source;
    const char *deck_name;          /* of the ConfigMap, or key in the store */
    bool deck_present;              /* that ConfigMap exists */
    bool deck_owned;                /* submit made it for this Sweep: may be deleted when stored */
    const char *once_token;         /* "" none */
    uint32_t max_workers;           /* spec.cluster.maxWorkers; 0 none */
    bool has_queue;                 /* Kueue owns parallelism */
    char store_hash[17];            /* of results.store */
    const char *claim, *claim_path; /* of results.store pvc://claim/path; "" none */
    bool claim_missing;             /* there is no such claim */
    bool read_write_once;           /* the claim can be mounted by one node only */
    bool read_write_once_pod;
    int64_t created_s;
    int64_t ttl_s;       /* spec.cluster.ttl; a day */
    const char *refused; /* why this object cannot be used at all ("results.store must be
                              * pvc://... in a cluster"); NULL fine */
    struct sweep_status status;
};

struct job_view { /* a Job whose label LABEL_SWEEP and owner are this Sweep's */
    const char *name, *uid;
    enum step_kind kind;
    uint32_t number, shape; /* labels */
    char spec_hash[17];     /* label */
    bool deleting, suspended;
    bool complete, failed;        /* condition True */
    bool failure_target;          /* it will fail; pods may still end */
    const char *reason, *message; /* of that condition */
    const char *why;              /* why it has no pods: words of its last FailedCreate event; "" */
    uint32_t completions, parallelism;
    uint32_t n_active, n_succeeded, n_failed_pods;
    const char *completed_indexes, *failed_indexes; /* "1,3-5" */
    bool has_ttl;
    int64_t created_s, ended_s; /* 0 not; by the API server's and Job controller's clocks */
    int64_t seen_s;             /* since when this program knows it so (views.h); 0: unknown */
};

enum pod_phase { POD_PENDING = 0, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };
struct pod_view {
    const char *name, *uid, *job_uid, *node;
    enum step_kind kind;
    int64_t index; /* completion index; -1 none */
    enum pod_phase phase;
    bool deleting;
    int64_t delete_by_s;                   /* deletionTimestamp (grace included); 0 not deleting */
    int64_t grace_s;                       /* deletionGracePeriodSeconds */
    int64_t created_s, started_s, ended_s; /* 0 not; by the API server's and its node's clocks */
    int64_t seen_s;      /* since when this program knows phase and deletion so; 0: unknown */
    bool disrupted;      /* condition DisruptionTarget */
    bool unschedulable;  /* PodScheduled False */
    const char *why;     /* scheduler's, kubelet's or status.reason's words; "" */
    const char *waiting; /* reason a container waits for: ImagePullBackOff, ...; "" */
    bool oom_killed;
    int exit_code;       /* of the main container; -1 unknown */
    uint32_t n_failures; /* annotation job-index-failure-count of this index */
    uint32_t cpus;
    const char *message;     /* STEP_CENSUS: termination message; "" none */
    uint32_t n_ok, n_failed; /* STEP_ROUND: attempts its report counts */
    uint32_t n_failed_rows;  /* likewise: rows that failed for good */
};

struct cluster_limits { /* ConfigMap decksweep-limits; defaults in limits.c */
    struct pod_limits pods;
    uint32_t census_cpus;
    uint64_t census_mem_bytes;
    uint64_t census_scratch_bytes; /* ephemeral storage of a census, ours included */
    int64_t census_deadline_s;     /* 0 none */
    uint32_t max_sweeps_active;    /* with Jobs at a time; 0 no limit */
};

enum action_kind {
    ACT_CREATE_JOB = 1, /* status.step.job[job] */
    ACT_DELETE_JOB,     /* uid precondition, Background */
    ACT_SET_TTL,        /* ttlSecondsAfterFinished */
    ACT_SET_PARALLELISM,
    ACT_DELETE_BUNDLE, /* the ConfigMap of the deck, once it is in the store; name "": deck_name */
    ACT_EVENT,
};

enum event_type { EVENT_TYPE_NORMAL = 0, EVENT_TYPE_WARNING };

struct action {
    enum action_kind kind;
    uint32_t job; /* index into status.step.job */
    char name[STATUS_NAME_BYTES], uid[40];
    int64_t number; /* TTL in seconds, parallelism */
    enum event_type type;
    char reason[STATUS_REASON_BYTES];
    char text[STATUS_TEXT_BYTES];
};
#define RECONCILE_MAX_ACTIONS 64u
#define RECONCILE_MAX_INDEXES 4096u /* chunks of one Job */

struct reconciled {
    struct sweep_status status; /* as it should be */
    bool status_changed;
    bool urgent; /* do not wait for the 5 s */
    bool fence;  /* there are actions that an old view must not cause: PUT in any case */
    struct action action[RECONCILE_MAX_ACTIONS]; /* in the order they must be done */
    uint32_t n_actions;
    int64_t wake_s; /* look again then even if nothing happens; 0: no need */
};

struct reconcile_input {
    const struct sweep_view *sweep;
    const struct job_view *jobs;
    size_t n_jobs;
    const struct pod_view *pods; /* of those Jobs; finished Jobs' that status.step does not name
                                  * may be left out */
    size_t n_pods;
    const struct node_class *nodes;
    size_t n_nodes;
    const struct cluster_limits *limits;
    uint32_t sweeps_ahead; /* reconcile_sweeps_ahead; for limits->max_sweeps_active */
    const char *trouble;   /* words of the last action that failed; NULL or "": none since */
    const char *controller_version, *agent_image;
    int64_t now_s; /* Unix seconds, this machine's clock */
};

/* Decide. Never fails; more than RECONCILE_MAX_ACTIONS are left to the next call (wake_s = now).
 * Cost: O(jobs + pods), no allocation. */
void reconcile(const struct reconcile_input *in, struct reconciled *out);

/* How many other sweeps have a better right to run than all[self]: those planning or running,
 * and those that wait for longer. Cost: O(n). */
uint32_t reconcile_sweeps_ahead(const struct sweep_view *const *all, size_t n, size_t self);

/* Pods at a time for status.step.job[job], for its Job when it is made and as it goes on: at
 * most maxWorkers over all Jobs of the step that are not over (spec and limits), what one node
 * holds when only one can mount the claim, 1 for a census or ReadWriteOncePod; at least 1. */
uint32_t reconcile_parallelism(const struct sweep_view *w, const struct sweep_status *st,
                               uint32_t job, const struct cluster_limits *limits,
                               const struct node_class *nodes, size_t n_nodes);

/* Names: "<sweep>-<spec hash 8>-c<number>", "<sweep>-<plan 8>-r<number>-<shape>". */
void reconcile_job_name(const char *sweep, const char *spec_hash, const struct step *step,
                        uint32_t job, char out[STATUS_NAME_BYTES]);

#endif
