/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock_io.h"
#include "decksweep/span.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(guardian, .timeout = 120);

static char bin[PATH_MAX]; /* build folder of the support programs */
static char mark[64];      /* an argument nobody else has */
static char guardian[32];

static void find_support(void)
{
    ssize_t n = readlink("/proc/self/exe", bin, sizeof(bin) - 32);
    cr_assert(n > 0);
    bin[n] = '\0';
    *strrchr(bin, '/') = '\0';
    *strrchr(bin, '/') = '\0';
    strcat(bin, "/support");
    snprintf(mark, sizeof(mark), "77.%d%lld", (int)getpid(),
             (long long)clock_monotonic_ns() % 100000);
}

/* Living processes with the mark on their command line. */
static unsigned marked(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[300];
        char line[8192];
        snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
        int fd = e->d_name[0] >= '0' && e->d_name[0] <= '9' ? open(path, O_RDONLY) : -1;
        ssize_t got = fd >= 0 ? read(fd, line, sizeof(line)) : 0;
        if (fd >= 0)
            close(fd);
        n += got > 0 && memmem(line, (size_t)got, mark, strlen(mark)) != NULL;
    }
    closedir(d);
    return n;
}

/* Start miniworker with words (NULL-ended); wait until it is ready. */
static pid_t start_worker(const char *const *words)
{
    int ends[2];
    char text[64] = "";
    char *argv[64];
    char path[PATH_MAX + 16];
    int n = 0;
    snprintf(path, sizeof(path), "%s/miniworker", bin);
    cr_assert(access(path, X_OK) == 0, "%s is missing: make support", path);
    argv[n++] = path;
    for (; *words; words++)
        argv[n++] = (char *)(uintptr_t)*words;
    argv[n] = NULL;
    cr_assert(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        execv(path, argv);
        _exit(127);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    cr_assert(got > 0, "miniworker did not start");
    cr_assert(sscanf(text, "ready %31[0-9]", guardian) == 1 && strtol(guardian, NULL, 10) > 1,
              "miniworker has no guardian: %s", text);
    return pid;
}

static unsigned wait_for(unsigned want, int64_t limit_ms)
{
    int64_t end = clock_monotonic_ms() + limit_ms;
    unsigned n = marked();
    while (n != want && clock_monotonic_ms() < end) {
        usleep(10000);
        n = marked();
    }
    return n;
}

static const struct {
    const char *name, *words[12];
    unsigned n; /* marked processes when all run, worker and guardian included */
} ROW[] = {
    {"one process", {"NAUGHTY", "sleep", "MARK"}, 3},
    {"one that ignores SIGTERM", {"NAUGHTY", "deaf", "MARK"}, 3},
    {"a tree", {"NAUGHTY", "storm", "10", "MARK"}, 23},
    {"a daemon with its own session", {"NAUGHTY", "keep", "MARK"}, 4},
    {"a shell with children", {"sh", "-c", "SELF sleep MARK & SELF keep MARK & wait"}, 6},
    {"two ranks of mpirun",
     {"mpirun", "--allow-run-as-root", "--bind-to", "none", "-np", "2", "--host", "localhost:2",
      "NAUGHTY", "sleep", "MARK"},
     5},
};

/* The row's words with NAUGHTY, SELF and MARK replaced. */
static const char *const *words_of(size_t row, char room[12][PATH_MAX])
{
    static const char *words[13];
    size_t n = 0;
    for (; n < 12 && ROW[row].words[n]; n++) {
        const char *w = ROW[row].words[n];
        if (!strcmp(w, "NAUGHTY"))
            snprintf(room[n], PATH_MAX, "%.4000s/naughty", bin);
        else if (!strcmp(w, "MARK"))
            snprintf(room[n], PATH_MAX, "%s", mark);
        else if (strstr(w, "SELF"))
            snprintf(room[n], PATH_MAX, "%.1200s/naughty sleep %s & %.1200s/naughty keep %s & wait",
                     bin, mark, bin, mark);
        else
            snprintf(room[n], PATH_MAX, "%s", w);
        words[n] = room[n];
    }
    words[n] = NULL;
    return words;
}

Test(guardian, leaves_no_process_two_seconds_after_kill_9_of_the_worker)
{
    static char room[12][PATH_MAX];
    find_support();
    for (size_t i = 0; i < DS_COUNT(ROW); i++) {
        pid_t pid = start_worker(words_of(i, room));
        unsigned n = wait_for(ROW[i].n, 10000);
        cr_expect(n == ROW[i].n, "%s: %u processes, not %u", ROW[i].name, n, ROW[i].n);
        usleep(150000);
        cr_assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
        int64_t begin = clock_monotonic_ms();
        n = wait_for(0, 2000);
        cr_expect(n == 0, "%s: %u processes are left", ROW[i].name, n);
        fprintf(stderr, "%s: gone after %lld ms\n", ROW[i].name,
                (long long)(clock_monotonic_ms() - begin));
    }
}

Test(guardian, does_its_work_also_when_it_was_killed_and_replaced_before)
{
    static char room[12][PATH_MAX];
    find_support();
    pid_t pid = start_worker(words_of(5, room));
    cr_expect(wait_for(ROW[5].n, 10000) == ROW[5].n);
    cr_assert(kill((pid_t)strtol(guardian, NULL, 10), SIGKILL) == 0);
    usleep(300000);
    cr_assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    cr_expect(wait_for(0, 2000) == 0, "%u are left", marked());
}

Test(guardian, ends_with_its_worker)
{
    static char room[12][PATH_MAX];
    char path[64];
    find_support();
    pid_t pid = start_worker(words_of(0, room));
    snprintf(path, sizeof(path), "/proc/%s", guardian);
    cr_expect(access(path, F_OK) == 0);
    /* orphans come to us, so that a dead guardian does not stay as init's zombie */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    cr_assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    int64_t end = clock_monotonic_ms() + 3000;
    while (access(path, F_OK) == 0 && clock_monotonic_ms() < end) {
        waitpid(-1, NULL, WNOHANG);
        usleep(10000);
    }
    cr_expect(access(path, F_OK) < 0, "the guardian is still there");
}

Test(guardian, works_the_same_when_sigterm_ends_the_worker)
{
    /* SIGTERM kills miniworker like SIGKILL would: it has no handler */
    static char room[12][PATH_MAX];
    find_support();
    pid_t pid = start_worker(words_of(2, room));
    cr_expect(wait_for(ROW[2].n, 10000) == ROW[2].n);
    cr_assert(kill(pid, SIGTERM) == 0 && waitpid(pid, NULL, 0) == pid);
    cr_expect(wait_for(0, 2000) == 0, "%u are left", marked());
}
