/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/controller_metrics.h"

#include <stdio.h>

/* Upper bounds in microseconds. */
static const unsigned BOUND_US[METRIC_BUCKETS] = {5,   10,  25,   50,   100,   200,
                                                  300, 500, 1000, 2500, 10000, 100000};

void metrics_count_request(struct metrics *m, const char *verb, int code)
{
    size_t i = 0;
    while (i < m->n_requests
           && (m->requests[i].code != code || strcmp(m->requests[i].verb, verb) != 0))
        i++;
    if (i == DS_COUNT(m->requests))
        return;
    if (i == m->n_requests) {
        m->n_requests++;
        m->requests[i].code = code;
        (void)snprintf(m->requests[i].verb, sizeof m->requests[i].verb, "%s", verb);
    }
    m->requests[i].n++;
}

void metrics_count_reconcile(struct metrics *m, int64_t ns)
{
    size_t i = 0;
    while (i < METRIC_BUCKETS && ns > (int64_t)BOUND_US[i] * 1000)
        i++;
    m->reconcile_bucket[i]++;
    m->n_reconciles++;
    m->reconcile_ns += (uint64_t)ns;
}

struct metric_watch *metrics_watch(struct metrics *m, const char *what)
{
    for (size_t i = 0; i < m->n_watches; i++)
        if (strcmp(m->watch[i].what, what) == 0)
            return &m->watch[i];
    if (m->n_watches == METRIC_WATCHES)
        return &m->watch[METRIC_WATCHES - 1];
    m->watch[m->n_watches].what = what;
    return &m->watch[m->n_watches++];
}

static void head(struct ds_buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(struct ds_buf *out, const char *name, const char *type, const char *help,
                    uint64_t value)
{
    head(out, name, type, help);
    (void)buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void put_reconciles(const struct metrics *m, struct ds_buf *out)
{
    uint64_t sum = 0;
    head(out, "decksweep_reconcile_seconds", "histogram", "Time of one decision about one sweep.");
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        sum += m->reconcile_bucket[i];
        (void)buf_printf(out, "decksweep_reconcile_seconds_bucket{le=\"%g\"} %llu\n",
                         BOUND_US[i] / 1e6, (unsigned long long)sum);
    }
    (void)buf_printf(out, "decksweep_reconcile_seconds_bucket{le=\"+Inf\"} %llu\n",
                     (unsigned long long)m->n_reconciles);
    (void)buf_printf(out, "decksweep_reconcile_seconds_sum %.9f\n", (double)m->reconcile_ns / 1e9);
    (void)buf_printf(out, "decksweep_reconcile_seconds_count %llu\n",
                     (unsigned long long)m->n_reconciles);
}

static void put_watches(const struct metrics *m, struct ds_buf *out)
{
    head(out, "decksweep_watch_relists_total", "counter", "Lists made, the first one included.");
    for (size_t i = 0; i < m->n_watches; i++)
        (void)buf_printf(out, "decksweep_watch_relists_total{kind=\"%s\"} %llu\n", m->watch[i].what,
                         (unsigned long long)m->watch[i].relists);
    head(out, "decksweep_watch_objects_total", "counter",
         "Objects received from lists and watches.");
    for (size_t i = 0; i < m->n_watches; i++)
        (void)buf_printf(out, "decksweep_watch_objects_total{kind=\"%s\"} %llu\n", m->watch[i].what,
                         (unsigned long long)m->watch[i].objects);
    head(out, "decksweep_watch_troubles_total", "counter", "Times that a watch stopped working.");
    for (size_t i = 0; i < m->n_watches; i++)
        (void)buf_printf(out, "decksweep_watch_troubles_total{kind=\"%s\"} %llu\n",
                         m->watch[i].what, (unsigned long long)m->watch[i].troubles);
    head(out, "decksweep_watch_synced", "gauge",
         "1 when all watches of this kind have been listed.");
    for (size_t i = 0; i < m->n_watches; i++)
        (void)buf_printf(out, "decksweep_watch_synced{kind=\"%s\"} %d\n", m->watch[i].what,
                         m->watch[i].synced == m->watch[i].wanted);
}

static void put_requests(const struct metrics *m, struct ds_buf *out)
{
    head(out, "decksweep_api_requests_total", "counter",
         "Requests answered by the API server; code 0: no answer.");
    for (size_t i = 0; i < m->n_requests; i++)
        (void)buf_printf(out, "decksweep_api_requests_total{verb=\"%s\",code=\"%d\"} %llu\n",
                         m->requests[i].verb, m->requests[i].code,
                         (unsigned long long)m->requests[i].n);
}

static void put_writes(const struct metrics *m, struct ds_buf *out)
{
    put_one(out, "decksweep_status_writes_total", "counter", "Statuses written.",
            m->n_status_writes);
    put_one(out, "decksweep_jobs_created_total", "counter", "Jobs created.", m->n_jobs_created);
    put_one(out, "decksweep_jobs_deleted_total", "counter", "Jobs deleted before their end.",
            m->n_jobs_deleted);
    put_one(out, "decksweep_conflicts_total", "counter",
            "Writes refused because the object had changed.", m->n_conflicts);
    put_one(out, "decksweep_write_errors_total", "counter", "Writes that failed after all tries.",
            m->n_write_errors);
    put_one(out, "decksweep_events_total", "counter", "Events written or counted up.", m->n_events);
    put_one(out, "decksweep_events_dropped_total", "counter", "Events held back as spam.",
            m->n_events_dropped);
}

void metrics_put(const struct metrics *m, const char *version, struct ds_buf *out)
{
    head(out, "decksweep_build_info", "gauge", "Version of this controller.");
    (void)buf_printf(out, "decksweep_build_info{version=\"%s\"} 1\n", version);
    head(out, "decksweep_sweeps", "gauge", "Sweeps by phase.");
    for (unsigned p = 0; p <= PHASE_STALLED; p++)
        (void)buf_printf(out, "decksweep_sweeps{phase=\"%s\"} %llu\n",
                         sweep_phase_name((enum sweep_phase)p), (unsigned long long)m->sweeps[p]);
    head(out, "decksweep_objects", "gauge", "Objects known.");
    (void)buf_printf(out,
                     "decksweep_objects{kind=\"jobs\"} %llu\ndecksweep_objects{kind=\"pods\"} "
                     "%llu\ndecksweep_objects{kind=\"nodes\"} %llu\n",
                     (unsigned long long)m->jobs, (unsigned long long)m->pods,
                     (unsigned long long)m->nodes);
    put_one(out, "decksweep_leader", "gauge", "1 when this controller acts.", m->leader);
    put_one(out, "decksweep_ready", "gauge", "1 when every cache is filled.", m->ready);
    put_one(out, "decksweep_queue_length", "gauge", "Sweeps that are to be looked at.", m->queue);
    put_one(out, "decksweep_sweeps_writing", "gauge", "Sweeps with a request under way.",
            m->writing);
    put_one(out, "decksweep_objects_skipped_total", "counter", "Objects that could not be used.",
            m->skipped);
    put_reconciles(m, out);
    put_requests(m, out);
    put_watches(m, out);
    put_writes(m, out);
    put_one(out, "process_resident_memory_bytes", "gauge", "Resident memory.", m->resident_bytes);
    head(out, "process_cpu_seconds_total", "counter", "CPU time used.");
    (void)buf_printf(out, "process_cpu_seconds_total %.3f\n", m->cpu_s);
    head(out, "process_start_time_seconds", "gauge", "When it started, Unix seconds.");
    (void)buf_printf(out, "process_start_time_seconds %.3f\n", m->start_s);
}
