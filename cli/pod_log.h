/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pod_log.h - one case in the log of a worker's pod. Pure.
 *
 * A worker writes events, a JSON object a line; the log may begin in the middle of one, hold other
 * programs' lines, repeat what was read before (logs are asked for by the second) and end
 * anywhere. What comes out is for people: a line an event, and those of the simulator's last lines
 * that were not shown yet. */
#ifndef DS_CLI_POD_LOG_H
#define DS_CLI_POD_LOG_H

#include "base/buf.h"
#include "decksweep/event.h"

enum pod_case_state {
    POD_CASE_UNSEEN = 0,
    POD_CASE_RUNNING, /* staged, started or in progress */
    POD_CASE_ENDED,   /* committed, or a failed attempt is: the store has its log */
};

struct pod_log {
    int64_t number; /* -1: found by its id */
    char id_start[CASE_ID_CHARS + 1];
    enum pod_case_state state;
    int64_t last_ms, step; /* of the newest event of the case */
    enum verdict verdict;  /* POD_CASE_ENDED */
    bool final;
    struct event started;  /* kind EVENT_NONE: not seen */
    struct event progress; /* newest; likewise */
    char tail[EVENT_TAIL_BYTES];
    bool worker_ended;
    /* half a line */
    char line[EVENT_LINE_BYTES];
    size_t n_line;
    bool line_is_too_long;
};

/* text: CASE as typed, a number or (by_id) the start of an id. DS_EINPUT: neither. */
int pod_log_init(struct pod_log *l, struct ds_span text, bool by_id, struct ds_err *err) DS_CHECKED;

/* Bytes of the log, in pieces of any size. out: what is new about the case; NULL: read only, to be
 * told by pod_log_put_state. Cost: O(bytes). */
void pod_log_feed(struct pod_log *l, struct ds_span bytes, struct ds_buf *out);

/* How it stands: started when and where, how far, the simulator's last lines. Later feeds go on from
 * there. */
void pod_log_put_state(struct pod_log *l, struct ds_buf *out);

/* The part of now that is not at the end of before: both are last lines of one growing text. All of
 * now when they share nothing. Whole lines. */
struct ds_span pod_log_new_part(struct ds_span before, struct ds_span now);

#endif
