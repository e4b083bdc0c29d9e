/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real OPM Flow in a slot: binding of every rank, memory, and what is left after a kill. */
#include "agent/command.h"
#include "agent/proc_io.h"
#include "agent/run_io.h"
#include "base/clock_io.h"
#include "base/fs_io.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/decksweep-test-mpi-XXXXXX";
static char mpi_dir[64];
static struct run_host *host;
static struct ds_arena *a;

static void set_up(void)
{
    struct ds_err err;
    if (access("/usr/bin/flow", X_OK) < 0)
        cr_skip_test("OPM Flow is not installed");
    a = arena_create(16u << 20);
    cr_assert(mkdtemp(dir) != NULL);
    char path[PATH_MAX];
    struct ds_span deck;
    cr_assert(fs_read_file("tests/data/decks/spe1/SPE1CASE2.DATA", 1 << 20, a, &deck, &err) == 0);
    snprintf(path, sizeof(path), "%s/CASE.DATA", dir);
    cr_assert(fs_replace_file(path, deck, &err) == 0);
    snprintf(mpi_dir, sizeof(mpi_dir), "%s/mpi", dir);
    cr_assert(fs_make_dirs(mpi_dir, &err) == 0);
    cr_assert(run_host_create(&host, &err) == 0, "%s", err.text);
}

static void tear_down(void)
{
    run_host_destroy(host);
    arena_destroy(a);
    cr_expect(fs_remove_tree_at(AT_FDCWD, dir, NULL) == 0);
    cr_expect(waitpid(-1, NULL, WNOHANG) < 0, "a child is left behind");
}

TestSuite(run_mpi, .init = set_up, .fini = tear_down, .timeout = 120);

static void step(int ms)
{
    struct ds_err err;
    struct pollfd p = {.fd = run_host_fd(host), .events = POLLIN};
    poll(&p, 1, ms);
    cr_assert(run_host_step(host, &err) == 0, "%s", err.text);
}

static uint64_t start(uint32_t ranks, const struct cpuset *cpus)
{
    struct ds_err err;
    const char *const *argv = NULL;
    const char *const *env = NULL;
    size_t n = 0;
    uint64_t id = 0;
    struct plan p = {.preset_flow = true, .ranks = ranks, .threads = 1};
    struct command_case c = {
        .deck = DS_SPAN("CASE.DATA"), .output = DS_SPAN("."), .as_root = geteuid() == 0};
    cr_assert(command_build(&p, &c, a, &argv, &n, &err) == 0, "%s", err.text);
    const char *const *extra = command_mpi_words(&p, ds_span_of(mpi_dir), a);
    cr_assert(command_environment((const char *const *)environ, &p, extra, a, &env, &err) == 0);
    struct run_spec s = {.argv = argv,
                         .env = env,
                         .cwd = dir,
                         .stdout_path = "stdout",
                         .stderr_path = "stderr",
                         .cpus = cpus,
                         .oom_first = true,
                         .shared_memory = ranks > 1};
    cr_assert(run_start(host, &s, &id, &err) == 0, "%s", err.text);
    return id;
}

/* Processes named `name` in session sid that run on `cpus` only; *all counts those on others. */
static unsigned bound(pid_t sid, const char *name, const char *cpus, unsigned *all)
{
    unsigned n = 0;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY);
    DIR *d = opendir("/proc");
    *all = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[300];
        char line[256];
        char comm[64] = "";
        char list[128] = "";
        struct proc_stat st;
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid <= 0 || !proc_read_stat(proc, pid, &st) || st.sid != sid)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f)) {
            (void)sscanf(line, "Name: %63s", comm);
            (void)sscanf(line, "Cpus_allowed_list: %127s", list);
        }
        if (f)
            fclose(f);
        if (strcmp(comm, name) == 0) {
            (*all)++;
            n += strcmp(list, cpus) == 0;
        }
    }
    closedir(d);
    close(proc);
    return n;
}

static void last_cpu(struct cpuset *one, char text[CPUSET_TEXT_BYTES])
{
    int last = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
    cpuset_clear(one);
    cpuset_add(one, (unsigned)last);
    cpuset_format(one, text);
}

static struct run_result finish(int64_t limit_ms)
{
    struct run_result r = {0};
    int64_t end = clock_monotonic_ms() + limit_ms;
    while (!run_take_ended(host, &r) && clock_monotonic_ms() < end)
        step(50);
    cr_assert(r.id > 0, "the run did not end");
    return r;
}

Test(run_mpi, a_serial_flow_runs_on_the_cpus_of_its_slot_and_ends_well)
{
    struct cpuset one;
    struct run_usage u;
    char cpus[CPUSET_TEXT_BYTES];
    unsigned all = 0;
    last_cpu(&one, cpus);
    uint64_t id = start(1, &one);
    cr_assert(run_look(host, id, &u));
    unsigned n = 0;
    for (int i = 0; i < 100 && n == 0; i++) {
        n = bound(u.pid, "flow", cpus, &all);
        step(10);
    }
    cr_expect(n == 1 && all == 1, "%u of %u processes on CPU %s", n, all, cpus);
    struct run_result r = finish(60000);
    cr_expect(r.exit_code == 0 && r.n_left == 0 && r.cpubind, "exit %d", r.exit_code);
    cr_expect(r.peak_mem_bytes > (50u << 20) && r.peak_mem_bytes < (400u << 20), "%llu",
              (unsigned long long)r.peak_mem_bytes);
    cr_expect(r.cpu_ms > 100 && r.wall_ms > 100);
}

Test(run_mpi, every_rank_runs_on_the_cpus_of_the_slot_and_nothing_is_left_after_a_stop)
{
    struct cpuset one;
    struct run_usage u = {0};
    char cpus[CPUSET_TEXT_BYTES];
    unsigned all = 0;
    unsigned n = 0;
    last_cpu(&one, cpus);
    uint64_t id = start(2, &one);
    cr_assert(run_look(host, id, &u));
    pid_t leader = u.pid;
    for (int i = 0; i < 500 && (n < 2 || u.n_processes < 3 || u.mem_bytes < (60 << 20)); i++) {
        n = bound(leader, "flow", cpus, &all);
        step(20);
        (void)run_look(host, id, &u);
    }
    cr_expect(n == 2 && all == 2, "%u of %u ranks on CPU %s", n, all, cpus);
    cr_expect(u.n_processes >= 3, "mpirun and two ranks, not %u", u.n_processes);
    run_stop(host, id);
    struct run_result r = finish(15000);
    cr_expect(r.ended_by == RUN_BY_REQUEST && r.peak_mem_bytes > 0);
    (void)bound(leader, "flow", cpus, &all);
    cr_expect(all == 0, "%u ranks are left", all);
}

static unsigned segments(const char *where)
{
    unsigned n = 0;
    DIR *d = opendir(where);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        n += strncmp(e->d_name, "vader_segment.", 14) == 0;
    if (d)
        closedir(d);
    return n;
}

Test(run_mpi, ranks_that_are_killed_leave_their_shared_memory_in_our_folder_only)
{
    unsigned before = segments("/dev/shm");
    uint64_t id = start(2, NULL);
    for (int i = 0; i < 500 && segments(mpi_dir) < 2; i++)
        step(20);
    cr_expect(segments(mpi_dir) == 2, "%u", segments(mpi_dir));
    run_kill(host, id, RUN_BY_MEM_LIMIT);
    struct run_result r = finish(10000);
    cr_expect(r.ended_by == RUN_BY_MEM_LIMIT && r.signal == 9);
    cr_expect(segments("/dev/shm") <= before, "something is left in /dev/shm");
}

struct session_memory {
    int proc_fd;
    pid_t sid;
    uint64_t rss_bytes, own_bytes; /* own: anonymous, in nobody else's address space */
    unsigned n_flows;              /* on the whole machine */
};

static bool add_memory(void *arg, pid_t pid, uint64_t inode)
{
    struct session_memory *m = arg;
    struct proc_stat st;
    char path[64], line[256];
    (void)inode;
    bool ours = proc_read_stat(m->proc_fd, pid, &st) && st.sid == m->sid;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        unsigned long long kib = 0;
        m->n_flows += strcmp(line, "Name:\tflow\n") == 0;
        if (ours && sscanf(line, "VmRSS: %llu", &kib) == 1)
            m->rss_bytes += kib << 10;
        else if (ours && sscanf(line, "RssAnon: %llu", &kib) == 1)
            m->own_bytes += kib << 10;
    }
    if (f)
        fclose(f);
    return true;
}

/* What all processes of session sid have resident now, added up as if they shared nothing. */
static struct session_memory memory_of(pid_t sid)
{
    struct session_memory m = {.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY), .sid = sid};
    cr_assert(m.proc_fd >= 0 && proc_each(m.proc_fd, add_memory, &m));
    close(m.proc_fd);
    return m;
}

Test(run_mpi, two_ranks_end_well_and_their_shared_memory_counts_once)
{
    uint64_t id = start(2, NULL);
    uint64_t rss_peak = 0, own_peak = 0;
    unsigned sharers = 2;
    struct run_usage u = {0};
    struct run_result r = {0};
    cr_assert(run_look(host, id, &u));
    while (!run_take_ended(host, &r)) {
        step(50);
        struct session_memory m = memory_of(u.pid);
        rss_peak = m.rss_bytes > rss_peak ? m.rss_bytes : rss_peak;
        own_peak = m.own_bytes > own_peak ? m.own_bytes : own_peak;
        sharers = m.n_flows + 1 > sharers ? m.n_flows + 1 : sharers; /* and mpirun */
    }
    cr_expect(r.exit_code == 0 && r.n_left == 0, "exit %d, %u left", r.exit_code, r.n_left);
    /* A page that n processes share counts as an n-th in each, so pages of libraries count the
     * less the more simulators run on this machine; what no other process has counts whole. A
     * quarter is left for what is estimated between two looks. */
    uint64_t least = own_peak + (rss_peak - own_peak) / sharers;
    cr_expect(own_peak > 0 && r.peak_mem_bytes > least / 4 * 3, "%llu, at least %llu, %u sharers",
              (unsigned long long)r.peak_mem_bytes, (unsigned long long)least, sharers);
    cr_expect(r.peak_mem_bytes < rss_peak / 10 * 9, "%llu of %llu resident",
              (unsigned long long)r.peak_mem_bytes, (unsigned long long)rss_peak);
}
