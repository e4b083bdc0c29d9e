/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/pod_size.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const struct pod_limits LIMITS = {.worker_cores = 8, .max_chunks = 2000, .chunk_s = 600};

static struct pod_need need_of(uint32_t n_cases, uint64_t mem_bytes)
{
    return (struct pod_need){.n_cases = n_cases,
                             .ranks = 1,
                             .threads = 1,
                             .mem_bytes = mem_bytes,
                             .scratch_bytes = 40 * MIB,
                             .wall_ms = 3600 * 1000,
                             .retries = 3};
}

struct row {
    const char *claim;
    struct pod_need need;
    struct node_class nodes[2];
    size_t n_nodes;
    uint32_t worker_cores;
    uint32_t slots, cpus; /* wanted; slots 0: does not fit */
};

/* ranks and threads not given are 1 */
#define NEED(n, mem, ...)                                                                          \
    {                                                                                              \
        .n_cases = (n), .mem_bytes = (mem), .scratch_bytes = 40 * MIB, .wall_ms = 1000,            \
        __VA_ARGS__                                                                                \
    }

static const struct row ROWS[] = {
    {"a worker has the administrator's cores",
     NEED(1000, 100 * MIB),
     {{64, 256 * GIB, 0, 4}},
     1,
     8,
     8,
     8},
    {"nodes are filled without a rest: 7 x 9 instead of 8 x 7",
     NEED(1000, 100 * MIB),
     {{63, 256 * GIB, 0, 4}},
     1,
     8,
     7,
     7},
    {"a small node gets a small worker", NEED(1000, 100 * MIB), {{1, 4 * GIB, 0, 3}}, 1, 8, 1, 1},
    {"memory decides where it is scarce", NEED(1000, 3 * GIB), {{16, 16 * GIB, 0, 1}}, 1, 8, 5, 5},
    {"no more slots than cases", NEED(3, 100 * MIB), {{64, 256 * GIB, 0, 4}}, 1, 8, 3, 3},
    {"a case of several cores",
     NEED(100, 1 * GIB, .ranks = 2, .threads = 2),
     {{16, 64 * GIB, 0, 1}},
     1,
     8,
     2,
     8},
    {"one case may need more cores than a worker has by rule",
     NEED(100, 1 * GIB, .ranks = 12),
     {{16, 64 * GIB, 0, 1}},
     1,
     8,
     1,
     12},
    {"a case larger than every node", NEED(1, 100 * GIB), {{16, 64 * GIB, 0, 1}}, 1, 8, 0, 0},
    {"cores and memory that no one node has together",
     NEED(1, 100 * GIB, .ranks = 16),
     {{64, 64 * GIB, 0, 9}, {8, 256 * GIB, 0, 9}},
     2,
     8,
     0,
     0},
    {"the kind of node that has both",
     NEED(1, 100 * GIB, .ranks = 4),
     {{64, 64 * GIB, 0, 9}, {8, 256 * GIB, 0, 9}},
     2,
     8,
     1,
     4},
    {"disk decides too", NEED(100, 100 * MIB), {{8, 64 * GIB, 500 * MIB, 1}}, 1, 8, 4, 4},
    {"no disk for one case", NEED(100, 100 * MIB), {{8, 64 * GIB, 200 * MIB, 1}}, 1, 8, 0, 0},
    {"nothing is known of nodes: as large as may be", NEED(100, 100 * MIB), {{0}}, 0, 8, 8, 8},
    {"nothing is known of memory: one case a worker",
     NEED(100, 0),
     {{16, 64 * GIB, 0, 1}},
     1,
     8,
     1,
     1},
    {"cases that end before they are measured are small",
     NEED(100, 0, .case_ms = 20),
     {{16, 64 * GIB, 0, 1}},
     1,
     8,
     8,
     8},
    {"a pilot runs one case a worker",
     NEED(4, 100 * MIB, .pilot = true),
     {{16, 64 * GIB, 0, 1}},
     1,
     8,
     1,
     1},
    {"a class without nodes is none", NEED(4, 100 * MIB), {{16, 64 * GIB, 0, 0}}, 1, 8, 0, 0},
};

Test(pod_size, is_what_fits_most_cases_on_the_nodes)
{
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        const struct row *r = &ROWS[i];
        struct pod_limits limits = LIMITS;
        struct pod_size got = {0};
        struct ds_err err = {0};
        limits.worker_cores = r->worker_cores;
        int rc = pod_size_of(&r->need, r->nodes, r->n_nodes, &limits, &got, &err);
        cr_expect_eq(rc, r->slots ? 0 : DS_ENOFIT, "%s: %s", r->claim, err.text);
        cr_expect_eq(got.slots, r->slots, "%s: %u slots", r->claim, got.slots);
        cr_expect_eq(got.cpus, r->cpus, "%s: %u CPUs", r->claim, got.cpus);
        if (rc == 0) {
            cr_expect(r->need.mem_bytes == 0
                          || pod_size_worker_mem(&got) >= r->need.mem_bytes * got.slots,
                      "%s: %llu MiB for its cases", r->claim,
                      (unsigned long long)(pod_size_worker_mem(&got) / MIB));
            cr_expect_eq(got.mem_bytes % MIB, 0);
        }
    }
}

Test(pod_size, a_case_that_does_not_fit_is_told_with_the_numbers)
{
    struct pod_need need = need_of(1, 100 * GIB);
    struct node_class node = {16, 64 * GIB, 50 * GIB, 2};
    struct pod_size got;
    struct ds_err err = {0};
    cr_assert_eq(pod_size_of(&need, &node, 1, &LIMITS, &got, &err), DS_ENOFIT);
    cr_assert(strstr(err.text, "64.0 GiB") && strstr(err.text, "16 CPUs"), "%s", err.text);
}

/* Pods of nobody's DaemonSet (the controller, a cluster's DNS) hold some of every node: asking for
 * all of one would wait for ever. */
Test(pod_size, a_guess_of_memory_leaves_room_for_pods_that_are_there)
{
    static const struct node_class NODES[] = {
        {1, 24 * GIB, 0, 1}, {2, 24 * GIB, 0, 1}, {8, 2 * GIB, 0, 1}};
    static const uint32_t RANKS[] = {1, 2, 8};
    for (size_t i = 0; i < DS_COUNT(NODES); i++) {
        struct pod_need need = need_of(3, 0);
        struct pod_size got = {0};
        struct ds_err err = {0};
        need.ranks = RANKS[i];
        cr_assert_eq(pod_size_of(&need, &NODES[i], 1, &LIMITS, &got, &err), 0, "%s", err.text);
        cr_expect_leq(got.mem_bytes, NODES[i].mem_bytes / 8 * 7);
        cr_expect_geq(got.mem_bytes, NODES[i].mem_bytes / 4 * 3);
    }
}

Test(pod_size, several_ranks_have_their_shared_memory_inside_the_limit)
{
    struct pod_need need = need_of(10, 1 * GIB);
    struct node_class node = {8, 64 * GIB, 0, 1};
    struct pod_size got;
    need.ranks = 2;
    cr_assert_eq(pod_size_of(&need, &node, 1, &LIMITS, &got, NULL), 0);
    cr_assert_eq(got.slots, 4);
    cr_assert_eq(got.shm_bytes, 8 * POD_SHM_RANK_BYTES);
    cr_assert_geq(got.mem_bytes, 4 * GIB + got.shm_bytes);
}

Test(pod_size, the_capacity_is_the_largest_case_that_then_gets_a_pod)
{
    srand(11); // NOLINT(cert-msc*): any nodes will do
    for (int t = 0; t < 20000; t++) {
        struct node_class nodes[4];
        size_t n = 1 + (size_t)rand() % 4;
        for (size_t i = 0; i < n; i++)
            nodes[i] = (struct node_class){
                1 + (uint32_t)rand() % 64,
                (uint64_t)rand() % (64 * 1024) * MIB + (uint64_t)rand() % 7,
                rand() % 2 ? 0 : (uint64_t)rand() % 4096 * MIB, 1 + (uint32_t)rand() % 5};
        struct pod_need need = need_of(1 + (uint32_t)rand() % 50, 0);
        struct pod_limits limits = LIMITS;
        need.ranks = 1 + (uint32_t)rand() % 6;
        limits.worker_mem_bytes = rand() % 3 ? 0 : (uint64_t)rand() % (32 * 1024) * MIB + 5;
        struct capacity cap = pod_capacity(&need, nodes, n, &limits);
        struct pod_size got = {0};
        need.mem_bytes = cap.mem_bytes;
        cr_assert(cap.cores >= 1 && cap.mem_bytes >= 1, "0 would mean that nothing is known");
        int rc = pod_size_of(&need, nodes, n, &limits, &got, NULL);
        if (cap.mem_bytes > 1)
            cr_assert_eq(rc, 0, "a case as large as the capacity has a pod");
        need.mem_bytes = cap.mem_bytes + 1 * MIB;
        if (rc == 0 && got.slots > 0) {
            cr_assert(pod_size_places(&got, nodes, n) >= 1, "some node has room for it");
            cr_assert(limits.worker_mem_bytes == 0 || got.mem_bytes <= limits.worker_mem_bytes);
        }
        cr_assert_eq(pod_size_of(&need, nodes, n, &limits, &got, NULL), DS_ENOFIT,
                     "a larger one has none");
    }
}

Test(pod_size, absurd_sizes_neither_wrap_nor_fit)
{
    struct node_class node = {UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX};
    struct pod_need need = need_of(UINT32_MAX, UINT64_MAX);
    struct pod_size got;
    need.ranks = need.threads = UINT32_MAX;
    need.scratch_bytes = need.bundle_bytes = UINT64_MAX;
    need.wall_ms = UINT64_MAX;
    need.retries = UINT32_MAX;
    (void)pod_capacity(&need, &node, 1, &LIMITS);
    cr_assert_eq(
        pod_size_of(&need, &(struct node_class){8, 64 * GIB, GIB, 1}, 1, &LIMITS, &got, NULL),
        DS_ENOFIT);
    cr_assert_eq(pod_size_deadline_s(&need, 0, UINT32_MAX), INT32_MAX);
    cr_assert_eq(pod_size_worker_mem(&(struct pod_size){.slots = UINT32_MAX, .mem_bytes = 5}), 1);
}

Test(pod_size, a_small_case_has_the_disk_that_a_worker_wants_free_before_a_start)
{
    struct pod_need need = need_of(1, 100 * MIB);
    struct pod_size got;
    need.scratch_bytes = 11 * MIB;
    cr_assert_eq(pod_size_of(&need, &(struct node_class){2, 8 * GIB, 0, 1}, 1, &LIMITS, &got, NULL),
                 0);
    cr_assert_geq(got.scratch_bytes, POD_DISK_BYTES + POD_CASE_DISK_BYTES * 5 / 4);
}

/* ---- chunks ---- */

static uint32_t cut_one(struct pod_need need, struct pod_size pod, const struct node_class *nodes,
                        size_t n_nodes, struct pod_limits limits)
{
    uint32_t cases = 0;
    pod_size_cut(&need, &pod, 1, nodes, n_nodes, &limits, &cases);
    return cases;
}

Test(pod_size, chunks_last_about_as_long_as_the_limit_says)
{
    static const struct node_class TWO = {8, 64 * GIB, 0, 2}, MANY = {8, 64 * GIB, 0, 100};
    static const struct {
        const char *claim;
        uint64_t case_ms;
        uint32_t n_cases;
        const struct node_class *nodes;
        uint32_t max_workers, want;
    } rows[] = {
        {"a minute a case: ten a slot", 59990, 10000, &TWO, 0, 80},
        {"an hour a case: one a slot", 3600 * 1000, 10000, &TWO, 0, 8},
        {"nothing is known of time: one a slot", 0, 10000, &TWO, 0, 8},
        {"cases of no time at all: one worker", 1, 1000, &TWO, 0, 1000},
        {"idle workers get their share", 59990, 800, &MANY, 0, 8},
        {"but no chunk is shorter than a minute", 990, 8000, &MANY, 0, 480},
        {"workers that may not run are not idle", 59990, 800, &MANY, 10, 80},
        {"no more than there are", 60000, 3, &TWO, 0, 3},
    };
    struct pod_size pod = {.cpus = 8, .mem_bytes = GIB, .slots = 8};
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct pod_need need = need_of(rows[i].n_cases, 100 * MIB);
        struct pod_limits limits = LIMITS;
        need.case_ms = rows[i].case_ms;
        limits.max_workers = rows[i].max_workers;
        uint32_t got = cut_one(need, pod, rows[i].nodes, 1, limits);
        cr_expect_eq(got, rows[i].want, "%s: %u", rows[i].claim, got);
    }
}

Test(pod_size, a_round_never_has_more_chunks_than_allowed)
{
    srand(13); // NOLINT(cert-msc*): any shapes will do
    for (int t = 0; t < 20000; t++) {
        struct pod_need needs[12];
        struct pod_size pods[12];
        uint32_t cases[12];
        size_t n = 1 + (size_t)rand() % 12;
        struct pod_limits limits = LIMITS;
        limits.max_chunks = (uint32_t)n + (uint32_t)rand() % 3000;
        struct node_class node = {8, 64 * GIB, 0, (uint32_t)rand() % 1000};
        for (size_t i = 0; i < n; i++) {
            needs[i] = need_of(1 + (uint32_t)rand() % 1000000, 100 * MIB);
            needs[i].case_ms = (uint64_t)rand() % 100000;
            needs[i].pilot = rand() % 10 == 0;
            uint32_t slots = 1 + (uint32_t)rand() % 8;
            pods[i] = (struct pod_size){.cpus = slots, .mem_bytes = GIB, .slots = slots};
        }
        pod_size_cut(needs, pods, n, &node, 1, &limits, cases);
        uint64_t chunks = 0;
        for (size_t i = 0; i < n; i++) {
            cr_assert(cases[i] >= 1 && cases[i] <= needs[i].n_cases);
            cr_assert(needs[i].pilot || cases[i] >= pods[i].slots || cases[i] == needs[i].n_cases,
                      "at least one case a slot");
            chunks += (needs[i].n_cases + cases[i] - 1) / cases[i];
        }
        cr_assert_leq(chunks, limits.max_chunks);
    }
}

Test(pod_size, a_pod_may_take_as_long_as_all_its_attempts)
{
    struct pod_need need = need_of(100, 100 * MIB);
    need.wall_ms = 600500;
    cr_assert_eq(pod_size_deadline_s(&need, 4, 10), 900 + 601 * 4 * 3);
    cr_assert_eq(pod_size_deadline_s(&need, 4, 4), 900 + 601 * 4);
}
