/* SPDX-License-Identifier: GPL-3.0-or-later */
/* controller_parts_io.h - what the files of the controller share; nobody else includes it */
#ifndef DS_SCHEDULER_CONTROLLER_PARTS_IO_H
#define DS_SCHEDULER_CONTROLLER_PARTS_IO_H

#include "http/http_server_io.h"
#include "kube/kube_io.h"
#include "scheduler/api_write.h"
#include "scheduler/cache.h"
#include "scheduler/controller_io.h"
#include "scheduler/controller_metrics.h"
#include "scheduler/job_manifest.h"
#include "scheduler/lease.h"
#include "scheduler/limits.h"

#define STATUS_EVERY_MS   5000  /* status of one sweep, unless it is urgent */
#define RECONCILE_GAP_MS  50    /* between two decisions about one sweep */
#define CLAIM_OLD_MS      60000 /* a claim is looked up again after so long, */
#define CLAIM_MISSING_MS  5000  /* and at first after so long when it was not there */
#define WHY_AFTER_S       10    /* a Job without pods for so long has a reason */
#define WHY_EVERY_MS      30000
#define RETRY_FIRST_MS    1000
#define RETRY_MOST_MS     60000
#define EVENTS_IN_FLIGHT  32u
#define SYNC_PATIENCE_MS  10000 /* for what we can do without: nodes, limits */
#define MAX_WATCHES       (4u * CONTROLLER_MAX_NAMESPACES + 4u)
#define LOGGED_REMEMBERED 64u

struct controller;

struct watched { /* one watch */
    struct controller *c;
    enum cache_kind kind;
    bool limits; /* the ConfigMap of limits instead of a kind of the cache */
    bool needed; /* nothing is decided before it has been listed */
    bool synced, in_list;
    unsigned scope;
    const char *what; /* for messages and metrics */
    struct kube_watch *watch;
};

/* What is being done for one sweep: allocated as long as its slot has a Sweep. */
struct sweep_work {
    struct controller *c;
    struct sweep_slot *slot;
    bool busy;  /* a request is under way; the slot is looked at again when it has answered */
    bool again; /* it changed meanwhile */
    bool wrote; /* something was written in this go: look again at once */
    struct action *action; /* malloc; performed one after the other */
    uint32_t n_actions, at;
    struct sweep_status *status;          /* to be written first; NULL: written, or unchanged */
    struct json *object;                  /* the whole Sweep, while Jobs are created from it */
    bool spec_made;                       /* the ConfigMap of its spec exists */
    char trouble[DS_ERR_TEXT_BYTES + 64]; /* of the last go that failed; "" it did not */
    char refused[STATUS_TEXT_BYTES];      /* no Job can be made of this generation */
    int64_t refused_generation;
    int64_t status_ms, decided_ms, claim_ms; /* monotonic; 0 never */
    int64_t claim_gone_ms;                   /* since when the claim is missing; 0 it is there */
    int64_t not_before_ms;                   /* after a failure */
    unsigned failures, streak;               /* in a row; writes in a row without news */
    char claim[256];                         /* that was looked up */
    struct node_class nodes[NODE_CLASSES_MAX];
    size_t n_nodes;
    uint64_t nodes_version;
    bool nodes_known;
    const void *nodes_of; /* the record they were made for */
    struct ds_buf body;   /* of the request under way */
};

struct controller {
    const struct controller_options *o;
    struct http_loop *loop;
    struct kube *kube;
    struct cache cache;
    struct due_queue due;
    struct watched watch[MAX_WATCHES];
    size_t n_watches;
    struct cluster_limits limits;
    struct lease_state lease;
    struct ds_buf lease_body;
    int64_t lease_started_ms;
    bool lease_busy, leading, stopping, ready;
    struct event_filter *events;
    struct event_send *sends;
    struct ask *asks;
    unsigned n_events; /* in flight */
    struct metrics metrics;
    struct http_server *server;
    struct reconciled *decided;
    struct ds_arena *arena; /* short-lived: one decision, one answer */
    int64_t started_ms;
    char me[LEASE_NAME_BYTES];
    const char *namespace_; /* of Lease and limits */
    unsigned n_writing;     /* sweeps with a request under way */
    uint64_t logged[LOGGED_REMEMBERED];
    unsigned n_logged;
    uint64_t random;
};

/* ---- controller_io.c ---- */
struct cache_now controller_now(void);
uint32_t controller_random(struct controller *c);
/* Look at it at that time (monotonic). */
void controller_ask(struct controller *c, struct sweep_slot *slot, int64_t at_ms);
void controller_ask_all(struct controller *c);
bool controller_may_write(const struct controller *c);
/* One line, unless it was said among the last ones. */
void controller_say_once(struct controller *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- controller_watch_io.c ---- */
unsigned controller_watches(const struct controller_options *o); /* how many there will be */
int controller_watch(struct controller *c, struct ds_err *err) DS_CHECKED;
void controller_unwatch(struct controller *c);

/* ---- controller_work_io.c: deciding ---- */
void work_look(struct controller *c, struct sweep_slot *slot);
void work_free(struct controller *c, struct sweep_slot *slot);
/* The go is over; failed: wait before the next. */
void work_end(struct sweep_work *w, bool failed);
/* The Sweep is gone, or another one has its name. */
void work_touched(void *controller, struct sweep_slot *slot);

/* ---- controller_act_io.c: performing ---- */
void act_next(struct sweep_work *w);

/* ---- controller_ask_io.c ---- */
void asks_clear(struct controller *c);
/* Ask why a Job has no pods; the slot is looked at again when the answer is new. */
void act_ask_why(struct controller *c, struct cache_object *job);
/* The claim of this sweep's store, into its view. */
void act_look_up_claim(struct sweep_work *w);
/* A Job that the last list lacked: is it there? */
void act_look_up_job(struct controller *c, struct cache_object *job);

/* ---- recorder_io.c ---- */
void recorder_say(struct controller *c, const struct sweep_view *sweep, bool warning,
                  const char *reason, const char *text);
void recorder_clear(struct controller *c);

/* ---- lease_io.c ---- */
int64_t lease_turn(struct controller *c); /* once a turn; when it wants the next (monotonic) */
void lease_release(struct controller *c); /* at the end; waits a second at most */

/* ---- endpoints_io.c ---- */
int endpoints_open(struct controller *c, struct ds_err *err) DS_CHECKED;

#endif
