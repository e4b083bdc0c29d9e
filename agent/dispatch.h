/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispatch.h - which case starts next, and what follows a verdict
 *
 * The state of a chunk while a worker runs it, without knowing processes, files or clocks:
 * the loop asks dispatch_next whenever something may have changed, tells dispatch_ended when
 * a place is free again and dispatch_judged when a verdict is known (later: judging runs
 * beside the next case). Pure: same calls, same answers. One owner.
 *
 * Order: retries that need more memory first (they are known to be long and are waited for),
 * then the chunk's cases in their order, those that ran out of memory before at its head, then
 * other retries. While a big one waits for big ones to end, ordinary cases fill the memory
 * that it will not need. */
#ifndef DS_AGENT_DISPATCH_H
#define DS_AGENT_DISPATCH_H

#include "agent/slots.h"
#include "base/arena.h"
#include "decksweep/plan.h"
#include "decksweep/round.h"

#define DISPATCH_MAX_PLACES 4096u

/* What is fixed for a chunk. */
struct dispatch_policy {
    uint32_t retries[VERDICT_COUNT]; /* attempts beyond the first, by verdict */
    bool has_altered_args;           /* failure.notConvergedArgs is given */
    uint64_t estimate_bytes;         /* the shape's memory of one case; 0 unknown */
    uint64_t user_memory_bytes;      /* resources.memory; 0 = auto: peaks of siblings teach */
};

/* What earlier attempts left behind, for the cases that had any. */
struct dispatch_prior {
    uint32_t row;
    uint32_t next_attempt;         /* >= 1 */
    uint8_t failed[VERDICT_COUNT]; /* attempts that count */
    uint64_t largest_oom_bytes;    /* largest limit that did not suffice; 0 none */
};

/* One attempt to be made or being made. */
struct dispatch_item {
    uint32_t row; /* of the design */
    uint32_t attempt;
    uint64_t need_bytes; /* 0: an ordinary case, whatever siblings taught */
    int64_t known_ms;    /* run time of its last attempt; -1 unknown */
    bool altered_args;
    bool alone; /* only when nothing else runs: its disk was full */
    uint8_t failed[VERDICT_COUNT];
};

enum dispatch_answer {
    DISPATCH_START = 1, /* start what is in the order */
    DISPATCH_WAIT,      /* something must end or be judged first */
    DISPATCH_DONE,      /* nothing is left to start, running or unjudged */
};

struct dispatch_order {
    struct dispatch_item item;
    uint32_t place;       /* index into slots.at */
    uint64_t limit_bytes; /* the case's memory; 0 = no limit */
};

struct dispatch_counts {
    uint64_t left, waiting;           /* waiting: retries */
    uint64_t attempts[VERDICT_COUNT]; /* judged here */
    uint64_t done;                    /* ok here */
    uint64_t failed;                  /* finally failed here */
    uint64_t skipped;                 /* told by dispatch_skip */
    uint64_t postponed;               /* a retry that this worker is too small for */
    uint64_t peak_mem_bytes;          /* largest of an ok case; 0 unknown */
};

struct dispatch; /* opaque */

/* rows       n_rows design rows in the order they are to be run, those with largest_oom_bytes
 *            first (chunk_finish); borrowed for d's life
 * prior      n_prior entries ascending by row, or NULL; borrowed for d's life
 * slots      borrowed and resized while d lives
 * a          keeps d (about 40 bytes a retry, 100 a place; nothing a case)
 * DS_ETOOBIG: the arena. */
int dispatch_create(const struct dispatch_policy *policy, const uint32_t *rows, uint32_t n_rows,
                    const struct dispatch_prior *prior, uint32_t n_prior, struct slots *slots,
                    struct ds_arena *a, struct dispatch **out, struct ds_err *err) DS_CHECKED;

/* What to do now. START has noted the item as running in its place with its memory reserved.
 * Cost: O(places + retries). */
enum dispatch_answer dispatch_next(struct dispatch *d, struct dispatch_order *out);

/* The item just ordered will not be started after all: a covering key is there. */
void dispatch_skip(struct dispatch *d, uint32_t place);
/* The item just ordered could not be started now (disk): put it back. */
void dispatch_put_back(struct dispatch *d, const struct dispatch_order *order);

/* The place is free; its attempt awaits its verdict. */
void dispatch_ended(struct dispatch *d, uint32_t place);

struct dispatch_verdict {
    struct dispatch_item item;
    enum verdict verdict;
    uint64_t limit_bytes, peak_bytes; /* 0 unknown */
    int64_t run_ms;
};

enum dispatch_fate {
    FATE_DONE = 1,  /* ok */
    FATE_FINAL,     /* failed, no budget left */
    FATE_RETRY,     /* another attempt will be ordered here */
    FATE_POSTPONED, /* to be tried again, but not by this worker: too small */
    FATE_DROPPED,   /* cancelled: no attempt */
};

/* Once for every dispatch_ended, in any order. */
enum dispatch_fate dispatch_judged(struct dispatch *d, const struct dispatch_verdict *v);

struct dispatch_counts dispatch_count(const struct dispatch *d);

/* How much an out-of-memory retry should get: twice what did not suffice, but all there is
 * when that is at least a quarter more; 0: this worker is too small. all_bytes 0 = unknown. */
uint64_t dispatch_bigger(uint64_t limit_bytes, uint64_t all_bytes);

/* Is a case with these counted failures finally failed? */
bool dispatch_is_final(const struct dispatch_policy *policy, const uint8_t failed[VERDICT_COUNT]);

#endif
