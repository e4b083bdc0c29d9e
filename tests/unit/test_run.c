/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/proc_io.h"
#include "agent/run_io.h"
#include "base/clock_io.h"
#include "base/fs_io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char naughty[PATH_MAX + 32];
static char dir[] = "/tmp/decksweep-test-run-XXXXXX";
static struct run_host *host;

/* build/gcc/tests/test_run -> build/gcc/support/naughty, built if it is not there. */
static void find_naughty(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    cr_assert(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(naughty, sizeof(naughty), "%s/support/naughty", self);
    cr_assert(access(naughty, X_OK) == 0, "%s is missing: make support", naughty);
}

static void set_up(void)
{
    struct ds_err err;
    find_naughty();
    cr_assert(mkdtemp(dir) != NULL);
    cr_assert(run_host_create(&host, &err) == 0, "%s", err.text);
}

static void tear_down(void)
{
    run_host_destroy(host);
    cr_expect(fs_remove_tree_at(AT_FDCWD, dir, NULL) == 0);
    /* the subreaper has no child left, of whatever kind */
    cr_expect(waitpid(-1, NULL, WNOHANG) < 0, "a child is left behind");
}

TestSuite(run, .init = set_up, .fini = tear_down, .timeout = 60);

static uint64_t start(const char *const *argv, struct run_spec spec)
{
    struct ds_err err;
    uint64_t id = 0;
    spec.argv = argv;
    spec.cwd = spec.cwd ? spec.cwd : dir;
    cr_assert(run_start(host, &spec, &id, &err) == 0, "%s", err.text);
    return id;
}

#define START(spec, ...) start((const char *const[]){naughty, __VA_ARGS__, NULL}, spec)

static void step(int wait_ms)
{
    struct ds_err err;
    struct pollfd p = {.fd = run_host_fd(host), .events = POLLIN};
    poll(&p, 1, wait_ms);
    cr_assert(run_host_step(host, &err) == 0, "%s", err.text);
}

static struct run_result wait_ended(int64_t limit_ms)
{
    struct run_result r = {0};
    int64_t end = clock_monotonic_ms() + limit_ms;
    while (!run_take_ended(host, &r) && clock_monotonic_ms() < end)
        step(50);
    cr_assert(r.id > 0, "the run did not end");
    return r;
}

static void pass(int64_t ms)
{
    int64_t end = clock_monotonic_ms() + ms;
    while (clock_monotonic_ms() < end)
        step(20);
}

static const struct run_spec PLAIN = {.oom_first = true};

static void slurp(const char *name, char *text, size_t room)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, room - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

Test(run, tells_exit_codes_and_signals)
{
    static const struct {
        const char *how, *what;
        int exit_code, signal;
    } row[] = {{"exit", "0", 0, 0},
               {"exit", "7", 7, 0},
               {"signal", "9", -1, 9},
               {"signal", "6", -1, 6},
               {"signal", "15", -1, 15}};
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        uint64_t id = START(PLAIN, row[i].how, row[i].what);
        struct run_result r = wait_ended(5000);
        cr_expect(r.id == id && r.exit_code == row[i].exit_code && r.signal == row[i].signal,
                  "%s %s gave %d, %d", row[i].how, row[i].what, r.exit_code, r.signal);
        cr_expect(r.ended_by == RUN_BY_ITSELF && r.n_left == 0);
    }
}

Test(run, says_that_a_program_is_missing)
{
    struct ds_err err;
    uint64_t id = 0;
    char script[PATH_MAX];
    char text[PATH_MAX];
    snprintf(script, sizeof(script), "%s/script", dir);
    snprintf(text, sizeof(text), "%s/text", dir);
    FILE *f = fopen(script, "w");
    fputs("#!/nowhere/python\n", f);
    fclose(f);
    f = fopen(text, "w");
    fputs("just text\n", f);
    fclose(f);
    chmod(script, 0755);
    chmod(text, 0755);
    const struct {
        const char *program, *says;
    } row[] = {{"decksweep-no-such-program", "no such program in PATH"},
               {"/nowhere/flow", "No such file"},
               {"./nothing", "No such file"},
               {dir, "Permission denied"},
               {script, "interpreter"},
               {text, "neither a program"}};
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        struct run_spec s = {.argv = (const char *const[]){row[i].program, NULL}, .cwd = dir};
        cr_expect(run_start(host, &s, &id, &err) == DS_ESIMULATOR, "%s", row[i].program);
        cr_expect(strstr(err.text, row[i].says), "%s: %s", row[i].program, err.text);
    }
    cr_expect(run_count(host) == 0);
}

Test(run, says_which_folder_or_file_refused)
{
    struct ds_err err;
    uint64_t id = 0;
    struct run_spec s = {.argv = (const char *const[]){naughty, "exit", "0", NULL}};
    s.cwd = "/nowhere";
    cr_expect(run_start(host, &s, &id, &err) == DS_ENOTFOUND && strstr(err.text, "/nowhere"));
    s.cwd = dir;
    s.stdout_path = "no/such/folder";
    cr_expect(run_start(host, &s, &id, &err) == DS_ENOTFOUND && strstr(err.text, "no/such"));
}

Test(run, starts_with_a_clean_slate)
{
    char text[512];
    int leak = open("/dev/null", O_RDONLY); /* no O_CLOEXEC on purpose */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGHUP, SIG_IGN);
    struct run_spec s = {.stdout_path = "out", .stderr_path = "err"};
    START(s, "fds");
    cr_expect(wait_ended(5000).exit_code == 0);
    slurp("out", text, sizeof(text));
    cr_expect(strcmp(text, "0 1 2 \n") == 0, "%s", text);
    START(s, "masks");
    wait_ended(5000);
    slurp("out", text, sizeof(text));
    cr_expect(strstr(text, "SigBlk:\t0000000000000000")
                  && strstr(text, "SigIgn:\t0000000000000000"),
              "%s", text);
    close(leak);
}

Test(run, works_when_its_own_stdio_is_closed)
{
    char text[64];
    int keep[3];
    for (int i = 0; i < 3; i++) {
        keep[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        close(i);
    }
    struct run_spec s = {.stdout_path = "out", .stderr_path = "out"};
    uint64_t id = START(s, "fds");
    struct run_result r = wait_ended(5000);
    for (int i = 0; i < 3; i++) {
        dup2(keep[i], i);
        close(keep[i]);
    }
    cr_expect(r.id == id);
    slurp("out", text, sizeof(text));
    cr_expect(strcmp(text, "0 1 2 \n") == 0, "%s", text);
}

static void status_line(pid_t pid, const char *key, char *out, size_t room)
{
    char path[64];
    char line[1024];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    out[0] = '\0';
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            snprintf(out, room, "%s", line + strlen(key) + 1);
            out[strcspn(out, "\n")] = '\0';
            memmove(out, out + strspn(out, "\t "), strlen(out + strspn(out, "\t ")) + 1);
        }
    }
    if (f)
        fclose(f);
}

Test(run, binds_the_process_to_its_cpus_and_offers_it_to_the_oom_killer)
{
    struct cpuset here;
    struct cpuset one;
    struct run_usage u;
    char want[CPUSET_TEXT_BYTES];
    char got[1024];
    char path[64];
    char adj[16] = "";
    status_line(getpid(), "Cpus_allowed_list:", got, sizeof(got));
    cr_assert(cpuset_parse(ds_span_of(got), &here, NULL) == 0);
    int last = -1;
    for (int i = cpuset_first(&here); i >= 0; i = cpuset_next(&here, i))
        last = i;
    cpuset_clear(&one);
    cpuset_add(&one, (unsigned)last);
    cpuset_format(&one, want);
    struct run_spec s = {.cpus = &one, .oom_first = true};
    uint64_t id = START(s, "sleep", "20");
    cr_assert(run_look(host, id, &u) && u.cpubind);
    status_line(u.pid, "Cpus_allowed_list:", got, sizeof(got));
    cr_expect(strcmp(got, want) == 0, "%s instead of %s", got, want);
    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)u.pid);
    int fd = open(path, O_RDONLY);
    (void)!read(fd, adj, sizeof(adj) - 1);
    close(fd);
    cr_expect(strcmp(adj, "1000\n") == 0, "%s", adj);
    run_kill(host, id, RUN_BY_REQUEST);
    struct run_result r = wait_ended(5000);
    cr_expect(r.cpubind && r.signal == SIGKILL && r.ended_by == RUN_BY_REQUEST);
}

/* Memory policies of a process as numa_maps shows them; false: this kernel does not say. */
static bool policy_is(pid_t pid, const char *policy)
{
    char path[64];
    char line[1024] = "";
    snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
    FILE *f = fopen(path, "re");
    bool hit = f && fgets(line, sizeof(line), f) && strstr(line, policy) != NULL;
    if (f)
        fclose(f);
    return hit;
}

Test(run, prefers_the_memory_of_its_nodes_and_a_refusal_is_no_error)
{
    struct cpuset nodes;
    struct run_usage u;
    cpuset_clear(&nodes);
    cpuset_add(&nodes, 0);
    struct run_spec s = {.nodes = &nodes};
    uint64_t id = START(s, "sleep", "20");
    cr_assert(run_look(host, id, &u));
    if (u.membind && access("/proc/self/numa_maps", R_OK) == 0)
        cr_expect(policy_is(u.pid, "prefer"), "membind is said, but not so");
    run_kill(host, id, RUN_BY_REQUEST);
    wait_ended(5000);
    cpuset_clear(&nodes);
    cpuset_add(&nodes, 4000); /* no machine has that one */
    START(s, "exit", "4");
    struct run_result r = wait_ended(5000);
    cr_expect(!r.membind && r.exit_code == 4);
}

Test(run, stops_politely_then_firmly)
{
    struct run_spec s = {.grace_ms = 300};
    uint64_t id = START(s, "sleep", "60");
    run_stop(host, id);
    struct run_result r = wait_ended(3000);
    cr_expect(r.signal == SIGTERM && r.ended_by == RUN_BY_REQUEST);
    id = START(s, "deaf", "60");
    pass(100);
    int64_t begin = clock_monotonic_ms();
    run_stop(host, id);
    r = wait_ended(3000);
    int64_t took = clock_monotonic_ms() - begin;
    cr_expect(r.signal == SIGKILL && took >= 250 && took < 2000, "%d after %ld ms", r.signal, took);
}

Test(run, ends_a_run_at_its_wall_time)
{
    struct run_spec s = {.wall_limit_ms = 300, .grace_ms = 200};
    START(s, "sleep", "60");
    struct run_result r = wait_ended(3000);
    cr_expect(r.ended_by == RUN_BY_WALL_LIMIT && r.signal == SIGTERM);
    cr_expect(r.wall_ms >= 300 && r.wall_ms < 1500, "%ld", (long)r.wall_ms);
}

Test(run, ends_only_the_run_that_outgrows_its_memory)
{
    struct run_spec small = {.mem_limit_bytes = 64 << 20};
    uint64_t good = START(small, "hog", "20", "30");
    uint64_t bad = START(small, "hog", "150", "30");
    struct run_result r = wait_ended(5000);
    cr_expect(r.id == bad && r.ended_by == RUN_BY_MEM_LIMIT && r.signal == SIGKILL);
    cr_expect(r.peak_mem_bytes > (64 << 20));
    struct run_usage u;
    cr_expect(run_look(host, good, &u) && !u.ending);
    run_kill(host, good, RUN_BY_REQUEST);
    r = wait_ended(5000);
    cr_expect(r.peak_mem_bytes > (20 << 20) && r.peak_mem_bytes < (40 << 20), "%llu",
              (unsigned long long)r.peak_mem_bytes);
}

Test(run, counts_the_memory_of_all_processes)
{
    struct run_usage u;
    char command[3 * PATH_MAX];
    snprintf(command, sizeof(command), "'%s' hog 40 20 & '%s' hog 40 20 & wait", naughty, naughty);
    uint64_t id = start((const char *const[]){"sh", "-c", command, NULL}, PLAIN);
    pass(1500);
    cr_assert(run_look(host, id, &u));
    cr_expect(u.n_processes == 3, "%u", u.n_processes);
    cr_expect(u.mem_bytes > (80 << 20), "%llu", (unsigned long long)u.mem_bytes);
    run_kill(host, id, RUN_BY_REQUEST);
    wait_ended(5000);
}

Test(run, counts_shared_pages_once_where_ranks_share_them)
{
    struct run_usage u;
    uint64_t once = START(((struct run_spec){.shared_memory = true}), "share", "60", "20");
    uint64_t twice = START(PLAIN, "share", "60", "20");
    pass(1500);
    cr_assert(run_look(host, once, &u) && u.n_processes == 2);
    cr_expect(u.mem_bytes > (60 << 20) && u.mem_bytes < (90 << 20), "%llu",
              (unsigned long long)u.mem_bytes);
    cr_assert(run_look(host, twice, &u));
    cr_expect(u.mem_bytes > (120 << 20), "%llu", (unsigned long long)u.mem_bytes);
    run_kill(host, once, RUN_BY_REQUEST);
    run_kill(host, twice, RUN_BY_REQUEST);
    wait_ended(5000);
    wait_ended(5000);
}

Test(run, leaves_nothing_of_a_run_that_ended_or_was_stopped)
{
    static const struct {
        const char *argv[4];
        unsigned pass_ms, least_left;
        bool ends_itself;
    } row[] = {{{"storm", "20", "60"}, 300, 0, false},
               {{"daemon", "60"}, 0, 1, true},
               {{"hidden", "60"}, 0, 0, true},
               {{"keep", "60"}, 300, 0, false},
               {{"rabbit", "60"}, 100, 0, true}};
    for (size_t i = 0; i < DS_COUNT(row); i++) {
        uint64_t id = START(((struct run_spec){.grace_ms = 100}), row[i].argv[0], row[i].argv[1],
                            row[i].argv[2]);
        pass(row[i].pass_ms);
        if (!row[i].ends_itself)
            run_stop(host, id);
        struct run_result r = wait_ended(8000);
        cr_expect(r.n_left >= row[i].least_left, "%s: %u left", row[i].argv[0], r.n_left);
        pass(300);
        struct run_usage u;
        cr_expect(!run_look(host, id, &u));
        char cmd[2 * PATH_MAX];
        snprintf(cmd, sizeof(cmd), "pgrep -f '^%s %s' >/dev/null", naughty,
                 i == 1 || i == 2 || i == 3 ? "sleep" : row[i].argv[0]);
        cr_expect(system(cmd) != 0, "%s: a process is left", row[i].argv[0]);
    }
}

Test(run, replaces_a_guardian_that_was_killed)
{
    cr_assert(system("pkill -9 -P $PPID -x decksweep-guard") == 0);
    pass(200);
    cr_expect(system("pgrep -P $PPID -x decksweep-guard > /dev/null") == 0);
    START(PLAIN, "exit", "3");
    cr_expect(wait_ended(3000).exit_code == 3);
}

Test(run, leaves_alone_what_its_caller_starts_itself)
{
    pid_t child = fork();
    if (child == 0) {
        sleep(1);
        _exit(9);
    }
    START(PLAIN, "exit", "0");
    wait_ended(3000);
    pass(1200);
    int status = 0;
    cr_expect(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 9);
}

Test(run, lets_an_unwatched_leader_end_its_own_processes)
{
    char command[2 * PATH_MAX];
    char text[64];
    snprintf(command, sizeof(command),
             "trap 'kill -0 $! && echo alive; kill $!; exit 5' TERM; '%s' sleep 60 & wait",
             naughty);
    struct run_spec s = {.unwatched = true, .stdout_path = "out"};
    uint64_t id = start((const char *const[]){"sh", "-c", command, NULL}, s);
    pass(200);
    run_stop(host, id);
    struct run_result r = wait_ended(4000);
    slurp("out", text, sizeof(text));
    cr_expect(r.exit_code == 5 && strcmp(text, "alive\n") == 0, "%d, '%s'", r.exit_code, text);
}

Test(run, many_at_once_are_told_apart)
{
    uint64_t id[40];
    bool seen[40] = {0};
    for (int i = 0; i < 40; i++) {
        char code[8];
        snprintf(code, sizeof(code), "%d", i + 1);
        id[i] = START(PLAIN, "exit", code);
    }
    for (int i = 0; i < 40; i++) {
        struct run_result r = wait_ended(5000);
        int at = r.exit_code - 1;
        cr_expect(at >= 0 && at < 40 && id[at] == r.id && !seen[at]);
        seen[at >= 0 && at < 40 ? at : 0] = true;
    }
    cr_expect(run_count(host) == 0);
}
