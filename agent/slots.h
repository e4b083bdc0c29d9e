/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots.h - where cases run side by side: disjoint CPU sets, and memory shared between them
 *
 * slots_plan lays out places for cases on a machine; each is a set of whole cores that never
 * straddles an L3 cache or a NUMA node unless one case needs more cores than these have.
 * The layout never changes while a worker lives; what changes is how many places may be in
 * use at once, because that is decided by memory too (slots_resize, slots_admit).
 *
 * Places are ordered so that any first k of them are the best k: fast cores before slow
 * ones, whole cores before hardware threads, spread over packages, NUMA nodes and caches.
 * A worker therefore fills the free place with the lowest index.
 *
 * Pure and reentrant. A topology describes a real machine or a test file: bounded, sane. */
#ifndef DECKSWEEP_AGENT_SLOTS_H
#define DECKSWEEP_AGENT_SLOTS_H

#include "decksweep/round.h"
#include "decksweep/topology.h"

struct ds_buf;

/* What worker and system keep for themselves when the memory is not given by the user:
 * 64 MiB or 1/64 of all, whichever is more. */
#define SLOTS_RESERVE_BYTES (UINT64_C(64) << 20)

struct slots_request {
    uint32_t cores;           /* of one case: ranks x threads; >= 1 */
    uint64_t mem_bytes;       /* one case needs; 0 = unknown: memory does not decide */
    uint32_t want;            /* at most so many places; 0 = as many as fit */
    bool use_smt;             /* hardware threads may stand for cores when those are used up;
                                 a cores_limit above the number of cores turns it on */
    uint32_t cores_limit;     /* --cores; 0 = all */
    uint64_t mem_limit_bytes; /* --memory; 0 = what the topology says, less a reserve */
};

struct slot {
    struct cpuset cpus;      /* PUs of this place; disjoint from all others */
    struct cpuset nodes;     /* NUMA nodes (operating system numbers) near it */
    bool bind_memory;        /* the machine has several nodes: prefer `nodes` for memory */
    unsigned n_cores;        /* cores (or hardware threads) it has: the request's */
    unsigned n_l3, n_numa;   /* caches and nodes it touches: 1 unless a case needs more */
    uint64_t node_mem_bytes; /* this place's part of its nodes' memory; 0 unknown */
    struct ds_span why;      /* "2 cores of L3 #3, NUMA node 1" */
};

struct slots {
    struct slot *at;           /* n_max places, best first */
    uint32_t n_max;            /* places that the cores allow */
    uint32_t n;                /* of these at once, given what one case needs; 1 .. n_max */
    uint32_t cores;            /* cores of one case */
    uint64_t mem_bytes;        /* for all cases together; 0 = unknown, no bound */
    uint64_t share_bytes;      /* limit of an ordinary case: mem_bytes / n; 0 = none */
    uint64_t need_bytes;       /* of one case, as slots_resize was told last; 0 unknown */
    struct ds_span why_places; /* what bounds n_max, for people */
};

/* Lay out the places.
 *
 * topo   borrows; n_cores >= 1
 * a      keeps everything in out (about 1.2 KB a place)
 *
 * Errors: DS_EINPUT: --cores or --memory is more than there is, with the numbers.
 * DS_ENOFIT: not even one case fits: cores, quota or memory, with the numbers.
 * DS_ETOOBIG: arena. Cost: O(cores log cores). */
int slots_plan(const struct topology *topo, const struct slots_request *want, struct ds_arena *a,
               struct slots *out, struct ds_err *err) DS_CHECKED;

/* The largest single case that can run here (for the census): cores after --cores and quota,
 * memory after --memory and reserve. Same errors as slots_plan for bad limits. */
int slots_capacity(const struct topology *topo, const struct slots_request *limits,
                   struct capacity *out, struct ds_err *err) DS_CHECKED;

/* Set n and share_bytes for cases that need need_bytes each (0 = unknown). n is at least 1,
 * also when need_bytes is more than mem_bytes: slots_admit then says that it never fits. */
void slots_resize(struct slots *s, uint64_t need_bytes);

/* Append what bounds n, in one line without \\n: "16 cores (machine), 2 a case; memory allows
 * 3 at once: 24 GiB, 7.5 GiB a case". */
void slots_why(const struct slots *s, struct ds_buf *out);

/* What an ordinary case will need, learnt from finished siblings: 1.15 x the largest peak,
 * but never more than mem_bytes while the peak itself fits; without peaks the estimate. */
uint64_t slots_need_from_peaks(const struct slots *s, uint64_t estimate_bytes,
                               uint64_t largest_peak_bytes, uint32_t n_peaks);

enum slots_answer {
    SLOTS_START = 1, /* now, with limit_bytes */
    SLOTS_WAIT,      /* when a running case has ended */
    SLOTS_NEVER,     /* needs more than all the memory: a bigger worker */
};

struct slots_admission {
    enum slots_answer answer;
    uint64_t limit_bytes; /* SLOTS_START: the case's limit, to be reserved; 0 = no limit */
};

/* May a case start now?
 *
 * n_running        cases running
 * reserved_bytes   sum of their limits
 * need_bytes       of this case (an out-of-memory retry may need more than the others);
 *                  0 = unknown
 * exact            the size is the user's (`memory: 2GiB`): the limit is need_bytes itself
 *
 * Otherwise the limit is the larger of need and an equal share, as far as it is free; a case gets less
 * than its share only when its need is covered. A lone case always starts unless it can
 * never fit. */
struct slots_admission slots_admit(const struct slots *s, uint32_t n_running,
                                   uint64_t reserved_bytes, uint64_t need_bytes, bool exact);

#endif
