/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guardian_io.c - after the fork only system calls: other threads may have held any lock
 *
 * One look reads every process's stat once into a table, marks those with the token or a
 * recorded session, then spreads the mark to descendants until nothing changes. The table is
 * made before anything is killed, because killing a parent hides whose child a process was. */
#include "agent/guardian_io.h"

#include "agent/proc_io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TABLE_MAX 131072u
#define SWEEP_MS  10000

struct entry {
    int32_t pid, ppid;
    bool ours;
};

struct look {
    const struct guardian_board *board;
    int proc_fd;
    pid_t self;
    struct entry *table;
    size_t n;
};

static bool session_is_ours(const struct guardian_board *b, int32_t sid)
{
    for (size_t i = 0; i < GUARDIAN_SESSIONS; i++) {
        if (b->session[i] == sid && sid > 0)
            return true;
    }
    return false;
}

static bool look_at(void *arg, pid_t pid, uint64_t inode)
{
    struct look *l = arg;
    struct proc_stat st;
    char rest[8];
    (void)inode;
    if (pid == l->self || l->n >= TABLE_MAX || !proc_read_stat(l->proc_fd, pid, &st))
        return true;
    bool zombie = (st.state == 'Z' || st.state == 'X') && st.n_threads <= 1;
    if (zombie || st.start_ticks < l->board->born_ticks)
        return true;
    bool ours = session_is_ours(l->board, st.sid)
                || proc_find_environ(l->proc_fd, pid, l->board->token, rest, sizeof(rest));
    l->table[l->n++] = (struct entry){.pid = pid, .ppid = st.ppid, .ours = ours};
    return true;
}

/* The table is sorted by pid, as /proc lists it. */
static bool parent_is_ours(const struct look *l, int32_t ppid)
{
    size_t low = 0;
    size_t high = l->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (l->table[mid].pid < ppid)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->n && l->table[low].pid == ppid && l->table[low].ours;
}

static void spread(struct look *l)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < l->n; i++) {
            if (!l->table[i].ours && parent_is_ours(l, l->table[i].ppid))
                l->table[i].ours = changed = true;
        }
    }
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

unsigned guardian_sweep(int proc_fd, const struct guardian_board *board, int64_t limit_ms)
{
    unsigned n_killed = 0;
    unsigned quiet = 0;
    int64_t end = now_ms() + limit_ms;
    struct look l = {.board = board, .proc_fd = proc_fd, .self = getpid()};
    size_t bytes = TABLE_MAX * sizeof(struct entry);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return 0;
    l.table = map;
    while (quiet < 2 && now_ms() < end) {
        bool any = false;
        l.n = 0;
        (void)proc_each(proc_fd, look_at, &l);
        spread(&l);
        for (size_t i = 0; i < l.n; i++) {
            if (l.table[i].ours && kill(l.table[i].pid, SIGKILL) == 0) {
                any = true;
                n_killed++;
            }
        }
        quiet = any ? 0 : quiet + 1;
        if (quiet < 2)
            pause_ms(any ? 5 : 20);
    }
    (void)munmap(map, bytes);
    return n_killed;
}

static void keep_only(int fd)
{
    if (fd > 0 && syscall(SYS_close_range, 0u, (unsigned)fd - 1, 0u) < 0) {
        for (int i = 0; i < fd; i++)
            close(i);
    }
    if (syscall(SYS_close_range, (unsigned)fd + 1, ~0u, 0u) < 0) {
        for (int i = fd + 1; i < 65536; i++)
            close(i);
    }
}

static void be_deaf(void)
{
    static const int DEAF[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    struct sigaction plain;
    sigset_t none;
    memset(&plain, 0, sizeof(plain));
    plain.sa_handler = SIG_DFL;
    for (int s = 1; s < NSIG; s++)
        (void)sigaction(s, &plain, NULL);
    plain.sa_handler = SIG_IGN;
    for (size_t i = 0; i < sizeof(DEAF) / sizeof(DEAF[0]); i++)
        (void)sigaction(DEAF[i], &plain, NULL);
    sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void guardian_main(int pipe_fd, const struct guardian_board *board)
{
    char word = 0;
    ssize_t n = 0;
    (void)setsid();
    be_deaf();
    (void)prctl(PR_SET_NAME, "decksweep-guard");
    keep_only(pipe_fd);
    (void)!chdir("/");
    do
        n = read(pipe_fd, &word, 1);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)guardian_sweep(proc_fd, board, SWEEP_MS);
    }
    _exit(0);
}

static int fork_guardian(struct guardian *g, struct ds_err *err)
{
    int ends[2];
    sigset_t all;
    sigset_t before;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "guardian: pipe");
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        guardian_main(ends[0], g->board);
    }
    int sys = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        return ds_fail_errno(err, DS_EIO, sys, "guardian: fork");
    }
    g->pid = pid;
    g->pipe = ends[1];
    g->pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
    if (g->pidfd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "guardian: pidfd_open");
    return 0;
}

int guardian_start(struct guardian *g, const char *token, uint64_t born_ticks, struct ds_err *err)
{
    void *map = mmap(NULL, sizeof(struct guardian_board), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return ds_fail_errno(err, DS_EIO, errno, "guardian: shared memory");
    *g = (struct guardian){.board = map, .pid = -1, .pidfd = -1, .pipe = -1};
    size_t n = strlen(token);
    n = n < GUARDIAN_TOKEN_BYTES - 1 ? n : GUARDIAN_TOKEN_BYTES - 1;
    memcpy(g->board->token, token, n);
    g->board->born_ticks = born_ticks;
    int rc = fork_guardian(g, err);
    if (rc < 0)
        guardian_stop(g);
    return rc;
}

/* Close what belongs to the present guardian and reap it. */
static void let_go(struct guardian *g)
{
    if (g->pipe >= 0)
        close(g->pipe);
    if (g->pidfd >= 0)
        close(g->pidfd);
    g->pipe = g->pidfd = -1;
    while (g->pid > 0 && waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    g->pid = -1;
}

int guardian_restart(struct guardian *g, struct ds_err *err)
{
    let_go(g);
    return fork_guardian(g, err);
}

void guardian_stop(struct guardian *g)
{
    if (!g->board)
        return;
    if (g->pipe >= 0) {
        struct sigaction ignore;
        struct sigaction before;
        memset(&ignore, 0, sizeof(ignore));
        ignore.sa_handler = SIG_IGN;
        (void)sigaction(SIGPIPE, &ignore, &before); /* it may have been killed */
        (void)!write(g->pipe, "q", 1);
        (void)sigaction(SIGPIPE, &before, NULL);
    }
    if (g->pid > 0)
        (void)kill(g->pid, SIGCONT);
    let_go(g);
    (void)munmap(g->board, sizeof(*g->board));
    g->board = NULL;
}
