/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.h - one worker's state, shared by the files that act for it
 *
 *     loop.c            waits, and calls the others
 *     work_load_io.c    plan, design, round, slots, scratch, stage: everything before the loop
 *     work_start_io.c   starts a case
 *     work_end_io.c     what follows when one ends, is judged, is committed
 *     work_say_io.c     events on stdout, progress of running cases
 *     work_pod_io.c     markers, used scratch, termination message: only in pods
 *
 * One thread owns it. Only agent/ includes it. */
#ifndef DS_AGENT_WORKER_H
#define DS_AGENT_WORKER_H

#include "agent/attempt.h"
#include "agent/chunk_left.h"
#include "agent/dispatch.h"
#include "agent/publish_io.h"
#include "agent/run_io.h"
#include "agent/scratch_io.h"
#include "agent/slots.h"
#include "agent/stage_io.h"
#include "agent/work.h"
#include "decksweep/event.h"
#include "summary/unsmry.h"

#define WORKER_KILL_GRACE_MS     10000 /* SIGTERM to SIGKILL */
#define WORKER_STORE_PATIENCE_MS 10000 /* a refusing store is asked so long after the last case */
#define WORKER_DISK_PATIENCE_MS  10000 /* a full scratch is waited for so long */
#define WORKER_MIN_DISK_BYTES    ((uint64_t)16 << 20)
#define WORKER_START_PAUSE_MS    1000 /* after a start that failed */
#define WORKER_PROGRESS_MS       10000
#define WORKER_USE_MS            2000  /* between looks at how much scratch is used */
#define WORKER_USE_SHARE         20    /* but at most this part of the time */
#define WORKER_DISK_END_MS       15000 /* so long an ended case may take to give its room back */
#define WORKER_NAME_BYTES        65u

struct watch { /* what progress of a running case needs */
    int64_t next_ms;
    int summary_fd; /* -1: not there yet */
    uint64_t offset;
    struct unsmry_scan scan;
    double days_a_unit; /* TIME to days; 0: SMSPEC not read yet */
};

struct running {     /* a place of slots.at with its case */
    uint64_t run_id; /* 0: free */
    struct attempt *attempt;
    uint32_t place;
    int64_t started_ms; /* monotonic */
    struct watch watch;
    char cpuset[CPUSET_TEXT_BYTES], nodeset[CPUSET_TEXT_BYTES];
};

struct unsettled { /* a failed attempt between its verdict and its commit */
    struct case_id id;
    uint32_t attempt;
    bool final;
    char reason[EVENT_TEXT_BYTES];
};

enum version_state { VERSION_UNKNOWN = 0, VERSION_ASKED, VERSION_GOOD, VERSION_BAD };

struct worker {
    /* what it was told and what it has read */
    const struct work_options *options;
    struct ds_arena *arena; /* for the worker's life */
    struct store *store;
    struct plan plan;
    struct design design;
    struct round round;
    struct chunk chunk;
    struct attempt_context context;
    const char *const *env; /* of every case */
    /* what it works with */
    struct topology topology;
    struct slots slots;
    struct scratch scratch;
    struct stage *stage;
    struct dispatch *dispatch;
    struct run_host *host;
    struct publisher *publisher;
    /* what is under way */
    struct running *running; /* n = slots.n_max */
    struct attempt **held;   /* ended before the version was known; n = slots.n_max */
    uint64_t version_run;    /* run id of "flow --version"; 0 none */
    struct ds_buf out;       /* events not yet written */
    struct ds_buf unsettled; /* of struct unsettled */
    struct ds_buf run_ms;    /* of uint32_t, of ok cases */
    /* what stands in the way; times are monotonic */
    uint64_t watermark_bytes;
    uint64_t budget_bytes;   /* of scratch, in a pod; 0: what is free on the disk */
    uint64_t *case_bytes;    /* by place, at the last look; n = slots.n_max */
    int64_t next_use_ms;     /* the next look */
    int64_t disk_ended_ms;   /* a case was ended for its size; 0 not lately */
    int64_t patience_ms;     /* when patience ends; 0 none runs */
    int64_t disk_low_ms;     /* the last look that found no space; 0 never */
    int64_t start_failed_ms; /* since when starts fail; 0 they do not */
    int64_t next_start_ms;   /* not before */
    int64_t began_ms;
    enum version_state version;
    uint64_t failed_rows; /* of cases that failed for good here */
    uint32_t n_running, n_held;
    unsigned n_inherited; /* results of an earlier worker, committed at the start */
    int signal_fd;
    int n_signals;   /* told to stop so often */
    int exit_status; /* why it ends early; 0 */
    bool told_stop;  /* runs have been asked to end */
    bool store_refuses, disk_paused;
    bool budget_paused;               /* scratch is nearly used up */
    bool mark_starts;                 /* as told, or a case of this chunk was lost before */
    char why[DS_ERR_TEXT_BYTES];      /* it ends early; "" */
    bool out_closed;                  /* nobody reads the events */
    char prefix[STORE_KEY_BYTES / 2]; /* "<sweep>/" */
    char node[WORKER_NAME_BYTES];
    char keep[KEEP_WORD_BYTES];
};

/* ---- work_load_io.c ---- */
/* Everything before the first case. Returns 0, or the exit status with the reason said. */
int worker_load(struct worker *w);
void worker_unload(struct worker *w);
/* rounds/<N>.<index>.json. */
void worker_report(struct worker *w);

/* ---- work_start_io.c ---- */
/* Start what dispatch orders, as long as it orders and nothing forbids. *done: nothing is
 * left to start, running or unjudged. */
void worker_start_more(struct worker *w, bool *done);
/* "flow --version" beside the first cases. 0 or exit status. */
int worker_ask_version(struct worker *w);

/* ---- work_end_io.c ---- */
void worker_take_ended(struct worker *w);
void worker_take_notes(struct worker *w);
/* Space in scratch, now. True: below the watermark. */
bool worker_disk_is_low(struct worker *w);

/* ---- work_pod_io.c ---- */
/* started/<id>.<attempt> before a case starts, when this chunk needs it. */
int worker_mark(struct worker *w, const struct attempt *t, struct ds_err *err) DS_CHECKED;
/* The attempt is none: it was not started, or we ended it ourselves. */
void worker_unmark(struct worker *w, struct case_id id, uint32_t attempt);
/* Must this chunk be marked? A case of it was lost before. After the chunk is known. */
bool worker_must_mark(const struct worker *w);
/* Look how much of a pod's scratch is used when it is time; ends the largest case. */
void worker_watch_use(struct worker *w, int64_t now_ms);

/* ---- work_say_io.c ---- */
void worker_say(struct worker *w, const struct event *e);
void worker_note(struct worker *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The reason of an early end: said on stderr, kept for the report. */
void worker_error(struct worker *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void worker_init_event(struct event *e, enum event_kind kind);
void worker_say_worker(struct worker *w);
void worker_say_ended(struct worker *w);
void worker_watch_start(struct watch *watch, int64_t now_ms);
void worker_watch_end(struct watch *watch);
void worker_say_progress(struct worker *w, int64_t now_ms);
/* Write what a reader takes without blocking; all: wait for it (at most some seconds). */
void worker_flush(struct worker *w, bool all);

#endif
