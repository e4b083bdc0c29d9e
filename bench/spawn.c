/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spawn.c - what starting and ending one case costs a worker of 50 MB, beside plain fork
 *
 *   spawn [COUNT]    COUNT runs of /bin/true, two at a time, through run_io, then through
 *                    fork + exec + wait, both from this process with 50 MB touched. */
#include "agent/run_io.h"
#include "base/clock_io.h"
#include "base/units.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BALLAST (50u << 20)

static double cpu_ms(void)
{
    struct rusage own;
    struct rusage children;
    (void)getrusage(RUSAGE_SELF, &own);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    double s = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec
                        + children.ru_stime.tv_sec);
    double us = (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec
                         + children.ru_stime.tv_usec);
    return s * 1e3 + us / 1e3;
}

static int through_run_io(uint64_t n, double *start_ms)
{
    static const char *const ARGV[] = {"/bin/true", NULL};
    const struct run_spec spec = {.argv = ARGV, .cwd = "/", .oom_first = true};
    struct run_host *h = NULL;
    struct run_result r;
    struct ds_err err;
    uint64_t id = 0;
    uint64_t started = 0;
    int rc = run_host_create(&h, &err);
    for (uint64_t done = 0; rc == 0 && done < n;) {
        while (rc == 0 && started < n && run_count(h) < 2) {
            int64_t begin = clock_monotonic_ns();
            rc = run_start(h, &spec, &id, &err);
            *start_ms += (double)(clock_monotonic_ns() - begin) / 1e6;
            started++;
        }
        struct pollfd p = {.fd = run_host_fd(h), .events = POLLIN};
        (void)poll(&p, 1, 1000);
        rc = rc < 0 ? rc : run_host_step(h, &err);
        while (rc == 0 && run_take_ended(h, &r))
            done++;
    }
    if (rc < 0)
        fprintf(stderr, "spawn: %s\n", err.text);
    run_host_destroy(h);
    return rc;
}

static void start_plain(void)
{
    if (fork() == 0) {
        (void)execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
}

static void through_fork(uint64_t n)
{
    uint64_t started = 0;
    for (uint64_t done = 0; done < n;) {
        for (; started < n && started - done < 2; started++)
            start_plain();
        done += wait(NULL) > 0;
    }
}

int main(int argc, char **argv)
{
    uint64_t n = 2000;
    double start_ms = 0;
    if (argc > 1 && units_parse_u64(ds_span_of(argv[1]), 1000000, &n, NULL) < 0)
        return 2;
    char *ballast = mmap(NULL, BALLAST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ballast == MAP_FAILED)
        return 1;
    memset(ballast, 1, BALLAST);
    double cpu[3] = {cpu_ms()};
    int64_t t0 = clock_monotonic_ns();
    if (through_run_io(n, &start_ms) < 0)
        return 1;
    int64_t t1 = clock_monotonic_ns();
    cpu[1] = cpu_ms();
    through_fork(n);
    int64_t t2 = clock_monotonic_ns();
    cpu[2] = cpu_ms();
    double ours = (double)(t1 - t0) / 1e6 / (double)n;
    double plain = (double)(t2 - t1) / 1e6 / (double)n;
    printf("spawn: %.2f of fork+exec+wait's wall; run_io %.3f ms wall, %.3f ms CPU a run (start "
           "alone %.3f ms); fork %.3f ms wall, %.3f ms CPU\n",
           ours / plain, ours, (cpu[1] - cpu[0]) / (double)n, start_ms / (double)n, plain,
           (cpu[2] - cpu[1]) / (double)n);
    return 0;
}
