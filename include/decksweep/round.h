/* SPDX-License-Identifier: GPL-3.0-or-later */
/* round.h - census and rounds: what is left to do, decided from the store's keys alone
 *
 * census_decide is pure and the same on a laptop and on a cluster. rounds/<N>.json freezes
 * its answer before anything starts; a worker that comes back reads the same chunk.
 * rounds/<N>.<index>.json is what a worker reports at its end. Formats: docs/store.md. */
#ifndef DECKSWEEP_ROUND_H
#define DECKSWEEP_ROUND_H

#include "decksweep/plan.h"
#include "decksweep/result.h"

/* What one case needs. */
struct shape {
    uint32_t ranks, threads;
    uint32_t cores;     /* ranks x threads */
    uint64_t mem_bytes; /* starting size of the slot */
    uint64_t scratch_bytes;
    uint64_t gpu; /* reserved, 0 */
};

/* Ranges of case numbers, ascending and disjoint, both ends inclusive. */
struct number_range {
    uint32_t first, last;
};

struct round_attempt { /* only where the attempt number is not 1 */
    uint32_t number, attempt;
};

struct round_chunk {
    uint32_t shape; /* index into shapes */
    const struct number_range *ranges;
    size_t n_ranges;
};

struct round {
    uint32_t n; /* 1 .. */
    char plan_digest[PLAN_DIGEST_BYTES];
    const struct shape *shapes;
    size_t n_shapes;
    const struct round_chunk *chunks;
    size_t n_chunks;
    const struct round_attempt *attempts;
    size_t n_attempts; /* by number */
    bool reverse;      /* `--join`: start from the far end */
};

#define ROUND_MAX_BYTES (32u << 20)
int round_encode(const struct round *r, struct ds_buf *out, struct ds_err *err) DS_CHECKED;
int round_decode(struct ds_span text, struct ds_arena *a, struct round *out,
                 struct ds_err *err) DS_CHECKED;
uint32_t round_attempt_of(const struct round *r, uint32_t number); /* 1 when not listed */

/* rounds/<N>.<index>.json, also a pod's termination message (at most 4 KiB). */
struct chunk_report {
    char plan_digest[PLAN_DIGEST_BYTES];
    uint32_t round, index;
    uint64_t attempts[VERDICT_COUNT]; /* by verdict */
    uint64_t skipped;                 /* found done before the start */
    uint64_t failed_rows;             /* rows that no further attempt here can mend */
    uint64_t peak_mem_bytes;          /* largest of any case; 0 unknown */
    uint64_t run_ms_q50, run_ms_q90, run_ms_max;
    int64_t wall_ms, cpu_ms; /* of the whole worker */
    int exit_status;
    char node[64];
    char text[240]; /* why it ended early; "" it did not */
};
int chunk_report_encode(const struct chunk_report *r, struct ds_buf *out,
                        struct ds_err *err) DS_CHECKED;
int chunk_report_decode(struct ds_span text, struct chunk_report *out,
                        struct ds_err *err) DS_CHECKED;

/* ---- the listing: what the store's keys say about each distinct case ---- */

enum case_state {
    CASE_NEW = 0,     /* nothing under its id */
    CASE_OUTSTANDING, /* attempts exist, budget left */
    CASE_DONE,        /* a covering key */
    CASE_LACKING,     /* done, but under a narrower keep than now asked for */
    CASE_FAILED,      /* finally failed */
    CASE_NO_FIT,      /* needs more than the capacity; not final */
};
const char *case_state_name(enum case_state s);

struct case_tally { /* of one distinct id; row = lowest row of the design with it */
    uint32_t row;
    enum case_state state;
    enum verdict last_verdict;    /* of the highest attempt; OK when done */
    uint32_t next_attempt;        /* 1 + highest under failed/ and started/ */
    uint32_t n_attempts;          /* listed, granted ones included */
    uint64_t largest_oom_mib;     /* largest listed out-of-memory limit; 0 none */
    uint64_t need_mem_bytes;      /* what the next attempt should get */
    char keep[KEEP_WORD_BYTES];   /* of the best case key; "" none */
    uint32_t last_failed_attempt; /* highest attempt with an archive under failed/; 0 none */
    uint64_t last_limit;          /* its limit */
};

struct listing_key { /* a key of the sweep's folder, as store_list gave it */
    struct ds_span key;
    uint64_t size_bytes;
};

struct census {
    const uint32_t *tally_of_row; /* n_rows of the design: index into tally */
    struct case_tally *tally;     /* n_distinct */
    uint32_t n_distinct;
    /* rows, not distinct cases */
    uint32_t n_new, n_outstanding, n_done, n_lacking, n_failed, n_no_fit;
    uint32_t n_failed_by[VERDICT_COUNT];
    uint32_t n_open_markers; /* distinct cases, not done, with an attempt that was only started */
    uint32_t n_orphaned;     /* distinct ids in the store that no row has */
    uint64_t stored_bytes;   /* of keys under cases/ and failed/ */
};

struct census_policy {
    struct keep keep;
    uint32_t retries[VERDICT_COUNT];
    bool has_not_converged_args;
    uint64_t wall_ms;
    uint64_t user_memory_bytes; /* 0 = auto */
    uint32_t cores;             /* one case needs: ranks x threads */
    bool accept_narrow;         /* --accept: a narrower key is done */
    bool refill;                /* --refill: lacking cases run again */
    const struct number_range *only;
    size_t n_only; /* --only; n_only 0 = all */
};

/* What the plan itself says; the options of a command come on top. */
struct census_policy census_policy_of(const struct plan *p);

struct capacity { /* the largest single case that can run */
    uint32_t cores;
    uint64_t mem_bytes; /* 0 = unknown, no limit */
};

struct measured {                /* what is known of lengths and peaks; zeros where not */
    uint64_t peak_mem_bytes;     /* largest of finished siblings */
    uint64_t estimate_mem_bytes; /* what sizing would give a case now */
    uint64_t scratch_bytes;
    uint64_t case_ms; /* median run time */
};

/* Count what the store holds. listing may be in any order and hold foreign keys. a keeps.
 * Cost: O(keys + rows). DS_ETOOBIG: arena. */
int census_take(const struct design *d, const struct listing_key *listing, size_t n_keys,
                const struct measured *m, struct capacity cap, const struct census_policy *policy,
                struct ds_arena *a, struct census *out, struct ds_err *err) DS_CHECKED;

/* What the cases of the next round need, smallest first: its shapes. */
struct round_need {
    uint64_t mem_bytes; /* 0 unknown */
    uint32_t n_cases;
};
#define CENSUS_MAX_NEEDS 64u

/* The needs that census_decide would make shapes of, at most max_shapes (1 .. CENSUS_MAX_NEEDS):
 * beyond that the larger ones share the largest. *n == 0: nothing is left. a: keeps. DS_ETOOBIG. */
int census_needs(const struct census *c, const struct design *d, const struct census_policy *policy,
                 uint32_t max_shapes, struct ds_arena *a, const struct round_need **out, size_t *n,
                 struct ds_err *err) DS_CHECKED;

struct round_request {
    uint32_t n; /* the round's number, 1 .. */
    char plan_digest[PLAN_DIGEST_BYTES];
    uint32_t cases_per_chunk; /* 0 = all in one chunk, of the smallest shape */
    /* Instead: at most so many cases a chunk, by shape, as census_needs gave them with max_shapes =
     * n_shapes; the chunks of a shape differ by one case at most. */
    const uint32_t *chunk_cases; /* n_shapes, each >= 1; NULL: cases_per_chunk */
    uint32_t n_shapes;
    bool reverse; /* --join */
};

/* The next round from a census: all new and outstanding cases that `only` admits (lacking
 * ones with refill), cut into chunks. n_chunks == 0: nothing
 * is left. Out-of-memory cases stand in shapes of their own; in one chunk for all the worker
 * gives each what its earlier attempts show, beside the others. */
int census_decide(const struct census *c, const struct design *d, const struct plan *p,
                  const struct measured *m, const struct census_policy *policy,
                  const struct round_request *request, struct ds_arena *a, struct round *out,
                  struct ds_err *err) DS_CHECKED;

#endif
