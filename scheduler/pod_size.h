/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pod_size.h - how large the pods of a round are, and how its cases are cut into chunks
 *
 * A pod is one worker: some CPUs, some cases side by side (slots). It should be small enough to
 * find room on many nodes, large enough to share the cost of its start, and fill nodes without a
 * rest: of all numbers of slots the one is taken that lets the nodes there are run most
 * of these cases at once; of equals the largest, within the administrator's limits. Pure, reentrant;
 * node classes and limits come from the environment of a pod: any value is possible. */
#ifndef DS_SCHEDULER_POD_SIZE_H
#define DS_SCHEDULER_POD_SIZE_H

#include "decksweep/cluster.h"

/* What a pod needs besides its cases. */
#define POD_AGENT_BYTES      (UINT64_C(96) << 20) /* the worker itself */
#define POD_AGENT_SLOT_BYTES (UINT64_C(8) << 20)  /* of it for each slot: packing, spooling */
#define POD_SHM_RANK_BYTES   (UINT64_C(64) << 20) /* /dev/shm, a rank of a case with several */
#define POD_SHM_BYTES        (UINT64_C(64) << 20) /* /dev/shm where cases have one rank */
#define POD_DISK_BYTES       (UINT64_C(256) << 20)
#define POD_CASE_DISK_BYTES  (UINT64_C(16) << 20) /* what the worker wants free before a start */
#define POD_UNMEASURED_BYTES (UINT64_C(256) << 20)
#define POD_CASE_MS          10u  /* staging, packing and committing a case, besides its run */
#define POD_DEADLINE_S       900u /* on top of what the cases may take */

struct pod_need { /* the cases of one shape */
    uint32_t n_cases;
    uint32_t ranks, threads;
    /* Of one case. 0 unknown: one case a pod, with its cores' share of a node, 7/8 of
     * it at most; when others have ended before they could be measured (case_ms):
     * POD_UNMEASURED_BYTES. */
    uint64_t mem_bytes;
    uint64_t scratch_bytes; /* of one case */
    uint64_t bundle_bytes;  /* of the deck, unpacked once a pod */
    uint64_t case_ms;       /* 0 unknown */
    uint64_t wall_ms;       /* limit of one attempt */
    uint32_t retries;       /* largest budget of any verdict */
    bool pilot;             /* one case a chunk: they teach what the others need */
};

/* The largest single case that some node can run: capacity for census_take. Memory counts only
 * on nodes with enough CPUs and disk for one case. No classes: nothing is known, no limits
 * but the administrator's. need: cores, disk of one case. */
struct capacity pod_capacity(const struct pod_need *need, const struct node_class *nodes,
                             size_t n_nodes, const struct pod_limits *limits);

/* The pod for these cases; need->n_cases >= 1. DS_ENOFIT: one case fits no node class, with the
 * numbers and what to do. */
int pod_size_of(const struct pod_need *need, const struct node_class *nodes, size_t n_nodes,
                const struct pod_limits *limits, struct pod_size *out,
                struct ds_err *err) DS_CHECKED;

/* Memory that the cases of such a pod share: the worker's --memory. ranks: of one case. */
uint64_t pod_size_worker_mem(const struct pod_size *pod);

/* How many pods of this size the nodes can run at once; 0 unknown. */
uint64_t pod_size_places(const struct pod_size *pod, const struct node_class *nodes,
                         size_t n_nodes);

/* Cases a chunk: about limits->chunk_s of work, shorter (not below a minute) where workers would
 * be idle else, at least one a slot. For all shapes of a round together at most
 * limits->max_chunks chunks: pods[i], cases[i] belong to needs[i]. */
void pod_size_cut(const struct pod_need *needs, const struct pod_size *pods, size_t n,
                  const struct node_class *nodes, size_t n_nodes, const struct pod_limits *limits,
                  uint32_t *cases);

/* activeDeadlineSeconds of a pod with so many cases: 15 min + wallTime x (1 + retries) x
 * ceil(cases / slots). */
uint32_t pod_size_deadline_s(const struct pod_need *need, uint32_t slots, uint32_t n_cases);

#endif
