/* SPDX-License-Identifier: GPL-3.0-or-later */
/* controller_metrics.h - counts of the controller, and their text for Prometheus
 *
 * docs/controller.md explains each to administrators. Text format 0.0.4. Pure. */
#ifndef DS_SCHEDULER_CONTROLLER_METRICS_H
#define DS_SCHEDULER_CONTROLLER_METRICS_H

#include "base/buf.h"
#include "decksweep/sweep_status.h"

#define METRIC_VERBS   10u
#define METRIC_CODES   24u
#define METRIC_BUCKETS 12u /* of reconcile times */
#define METRIC_WATCHES 8u

struct metric_requests { /* by verb and code */
    char verb[12];
    int code;
    uint64_t n;
};
struct metric_watch {
    const char *what; /* "sweeps" */
    uint64_t relists, objects, troubles;
    unsigned synced, wanted;
};

struct metrics {
    /* counted as it goes */
    struct metric_requests requests[METRIC_VERBS * METRIC_CODES];
    size_t n_requests;
    uint64_t reconcile_bucket[METRIC_BUCKETS + 1];
    uint64_t n_reconciles, reconcile_ns;
    uint64_t n_status_writes, n_jobs_created, n_jobs_deleted, n_conflicts, n_write_errors;
    uint64_t n_events, n_events_dropped;
    struct metric_watch watch[METRIC_WATCHES];
    size_t n_watches;
    /* filled in before the text is made */
    uint64_t sweeps[PHASE_STALLED + 1];
    uint64_t jobs, pods, nodes; /* known */
    uint64_t queue, writing, skipped, resident_bytes;
    double cpu_s, start_s;
    bool leader, ready;
};

void metrics_count_request(struct metrics *m, const char *verb, int code);
void metrics_count_reconcile(struct metrics *m, int64_t ns);
struct metric_watch *metrics_watch(struct metrics *m, const char *what); /* what: keeps */
void metrics_put(const struct metrics *m, const char *version, struct ds_buf *out);

#endif
