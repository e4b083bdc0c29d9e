/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event.h - what a worker says while it works: one JSON object a line on stdout
 *
 * The live view and the log, never truth: the store is. Readers ignore kinds and fields
 * they do not know. Pure; lines come from a pipe another program writes: hostile. */
#ifndef DECKSWEEP_EVENT_H
#define DECKSWEEP_EVENT_H

#include "decksweep/result.h"

struct ds_buf;

enum event_kind {
    EVENT_NONE = 0,
    EVENT_WORKER, /* first line: slots, cores, memory, scratch */
    EVENT_STAGED,
    EVENT_STARTED,   /* pid, slot, cpuset, limit */
    EVENT_PROGRESS,  /* report step k of n, time, last lines */
    EVENT_FINISHED,  /* verdict and reason; not yet safe */
    EVENT_COMMITTED, /* safe in the store */
    EVENT_FAILED,    /* a failed attempt is safe in the store; `final` or to be tried again */
    EVENT_NOTE,      /* a sentence for people: paused for disk, membind refused, ... */
    EVENT_ENDED,     /* last line: counts, exit status */
};

#define EVENT_TAIL_BYTES 1024u
#define EVENT_TEXT_BYTES 512u

/* Numbers are -1 where they do not apply. */
struct event {
    enum event_kind kind;
    int64_t at_ms;  /* Unix time, milliseconds */
    int64_t number; /* case number */
    struct case_id id;
    int64_t slot, n_slots, pid, attempt;
    int64_t step, n_steps; /* report steps done / of the schedule */
    double time_days;      /* simulated; NaN unknown */
    enum verdict verdict;
    bool final; /* EVENT_FAILED: will not be tried again */
    int64_t wall_ms, peak_mem_bytes, limit_mem_bytes;
    char cpuset[128];
    char text[EVENT_TEXT_BYTES]; /* reason, note, scratch directory */
    char tail[EVENT_TAIL_BYTES]; /* the simulator's last lines, \n between */
};

#define EVENT_LINE_BYTES 8192u

void event_init(struct event *e, enum event_kind kind, int64_t at_ms);

/* Append one line with its \n. */
int event_encode(const struct event *e, struct ds_buf *out, struct ds_err *err) DS_CHECKED;

/* Decode one line (without \n, at most EVENT_LINE_BYTES). DS_EPARSE when it is none. */
int event_decode(struct ds_span line, struct event *out, struct ds_err *err) DS_CHECKED;

#endif
