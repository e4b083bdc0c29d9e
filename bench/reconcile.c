/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One decision about a sweep whose round has 2,000 pods: a whole round is gone through, one pod
 * at a time, as watch events would have it. One line of result a kind of round; p95 must stay
 * below 300 us. */
#include "scheduler/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_PODS 2000u
#define N_RUNS 5u

struct bench {
    struct sweep_view sweep;
    struct job_view job[CENSUS_MAX_SHAPES];
    struct pod_view pod[N_PODS];
    char name[CENSUS_MAX_SHAPES][STATUS_NAME_BYTES], uid[CENSUS_MAX_SHAPES][40];
    struct cluster_limits limits;
    struct reconciled out;
    double us[N_PODS * N_RUNS];
    size_t n;
};

static void fill_jobs(struct bench *b, uint32_t n_jobs)
{
    struct step *step = &b->sweep.status.step;
    step->kind = STEP_ROUND;
    step->number = 1;
    step->n_jobs = n_jobs;
    for (uint32_t i = 0; i < n_jobs; i++) {
        struct step_job *j = &step->job[i];
        (void)snprintf(b->name[i], sizeof b->name[i], "bench-00112233-r1-%u", i);
        (void)snprintf(b->uid[i], sizeof b->uid[i], "%08x-8c1d-4b52-a0f1-0123456789ab",
                       (i + 1) * 2654435761u); /* random, as UUIDs are */
        memcpy(j->name, b->name[i], sizeof j->name);
        memcpy(j->uid, b->uid[i], sizeof j->uid);
        j->outcome = JOB_ACTIVE;
        j->shape = (struct census_shape){.n_chunks = N_PODS / n_jobs,
                                         .pod = {.cpus = 8, .mem_bytes = 1u << 30, .slots = 8}};
        b->job[i] = (struct job_view){.name = b->name[i],
                                      .uid = b->uid[i],
                                      .kind = STEP_ROUND,
                                      .reason = "",
                                      .message = "",
                                      .why = "",
                                      .completions = N_PODS / n_jobs,
                                      .parallelism = N_PODS / n_jobs,
                                      .n_active = 1,
                                      .completed_indexes = "",
                                      .failed_indexes = ""};
    }
}

static void fill_pods(struct bench *b, uint32_t n_jobs)
{
    for (uint32_t i = 0; i < N_PODS; i++)
        b->pod[i] = (struct pod_view){.name = "pod",
                                      .uid = "uid",
                                      .job_uid = b->uid[i % n_jobs],
                                      .node = "node",
                                      .kind = STEP_ROUND,
                                      .index = i / n_jobs,
                                      .phase = POD_PENDING,
                                      .unschedulable = true,
                                      .why = "0/500 nodes are available: 500 Insufficient cpu",
                                      .waiting = "",
                                      .exit_code = -1,
                                      .cpus = 8,
                                      .message = ""};
}

static int64_t cpu_ns(void) /* of this thread: other work on the machine does not count */
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void decide(struct bench *b, uint32_t n_jobs, int64_t now_s)
{
    const struct reconcile_input in = {.sweep = &b->sweep,
                                       .jobs = b->job,
                                       .n_jobs = n_jobs,
                                       .pods = b->pod,
                                       .n_pods = N_PODS,
                                       .limits = &b->limits,
                                       .controller_version = "1",
                                       .agent_image = "agent",
                                       .now_s = now_s};
    int64_t start = cpu_ns();
    reconcile(&in, &b->out);
    b->us[b->n++] = (double)(cpu_ns() - start) / 1000;
    b->sweep.status = b->out.status;
}

static int compare(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static double run(struct bench *b, uint32_t n_jobs)
{
    int64_t now_s = 1800000000;
    b->n = 0;
    for (uint32_t k = 0; k < N_RUNS; k++) {
        memset(&b->sweep, 0, sizeof b->sweep);
        b->sweep = (struct sweep_view){.namespace_ = "n",
                                       .name = "bench",
                                       .uid = "u",
                                       .deck_source = DECK_STORE,
                                       .once_token = "",
                                       .deck_name = "",
                                       .claim = "c",
                                       .claim_path = ""};
        b->sweep.status.max_failed = 1000000; /* counted, never passed */
        fill_jobs(b, n_jobs);
        fill_pods(b, n_jobs);
        for (uint32_t i = 0; i < N_PODS; i++) {
            struct pod_view *p = &b->pod[i];
            p->phase = i % 16 == 3 ? POD_FAILED : i % 4 ? POD_SUCCEEDED : POD_RUNNING;
            p->unschedulable = false;
            p->started_s = p->seen_s = now_s;
            p->ended_s = p->phase == POD_RUNNING ? 0 : now_s;
            p->n_ok = 40;
            p->n_failed = p->n_failed_rows = i % 7;
            decide(b, n_jobs, now_s);
        }
    }
    qsort(b->us, b->n, sizeof b->us[0], compare);
    double p95 = b->us[b->n * 95 / 100];
    printf(
        "reconcile: %u pods of %u Jobs: p50 %.0f us, p95 %.0f us, most %.0f us (%zu decisions)\n",
        N_PODS, n_jobs, b->us[b->n / 2], p95, b->us[b->n - 1], b->n);
    return p95;
}

int main(void)
{
    static struct bench b;
    double one = run(&b, 1), many = run(&b, CENSUS_MAX_SHAPES);
    return one < 300 && many < 300 ? 0 : 1;
}
