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

struct deciding {
    const struct reconcile_input *in;
    struct sweep_status *st; /* = &out->status */
    struct reconciled *out;
};

/* ---- reconcile.c ---- */
struct action *decide_action(struct deciding *d, enum action_kind kind); /* NULL: no room */
void decide_wake(struct deciding *d, int64_t at_s); /* not later than that */
void decide_event(struct deciding *d, enum event_type type, const char *reason, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
void decide_copy(char *out, size_t room, const char *text); /* cut with "..." */

/* ---- reconcile_jobs.c: what became of the Jobs of the step ---- */
const struct job_view *decide_find_job(const struct reconcile_input *in, const char *name);
/* Creates, outcomes, given-up indexes. True: every Job of the step has ended. */
bool decide_step_ended(struct deciding *d);
/* End the step at once: delete what is active. */
void decide_end_step(struct deciding *d, const char *why);
/* Jobs nobody waits for: delete, or let them expire. */
void decide_tidy(struct deciding *d);

/* ---- reconcile_census.c: what follows from a census ---- */
/* The report of the ended census step; false: there is none. */
bool decide_read_report(const struct deciding *d, struct census_report *out);
void decide_take_report(struct deciding *d, const struct census_report *r);
void decide_no_report(struct deciding *d, const char *why);
void decide_start_census(struct deciding *d);

/* ---- reconcile_say.c: conditions, message, hints ---- */
void decide_condition(struct deciding *d, enum sweep_condition_kind kind, char status,
                      const char *reason, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void decide_say(struct deciding *d);

#endif
