/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spawn_io.c - clone, prepare, execute
 *
 * child_main shares memory, stack page tables and errno with its suspended parent. It makes
 * system calls only, never returns, and writes nothing but *report. Its stack is a static
 * block: one spawn at a time. ASan is off in it, because a frame that never returns would
 * leave its poison behind. */
#include "agent/spawn_io.h"

#include "base/clock_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 65536
#define IN_CHILD    __attribute__((noinline, no_sanitize("address", "undefined")))

enum stage { AT_NONE, AT_PARENT, AT_CWD, AT_STDIN, AT_STDOUT, AT_STDERR, AT_EXEC };

struct report { /* written by the child, read by the parent after it */
    volatile enum stage failed_at;
    volatile int sys;
    volatile bool cpubind, membind;
};

struct order {
    const struct run_spec *spec;
    const char *path;
    const char *const *env;
    pid_t parent;
    unsigned n_nodes;
    struct report report;
};

static IN_CHILD void give_up(struct order *o, enum stage at)
{
    o->report.sys = errno;
    o->report.failed_at = at;
    _exit(127);
}

/* By the kernel's own call: libc refuses its two internal signals, which a parent may have left
 * ignored. All zero is SIG_DFL in every layout of the kernel's structure (32 bytes at most). */
static IN_CHILD void reset_signals(void)
{
    const unsigned long plain[4] = {0};
    for (int s = 1; s < NSIG; s++)
        (void)syscall(SYS_rt_sigaction, s, plain, NULL, NSIG / 8); /* KILL and STOP refuse: fine */
}

static IN_CHILD void volunteer_for_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, "1000", 4);
    close(fd);
}

/* Put fd where it belongs; what was opened below 3 because stdio was closed moves up first. */
static IN_CHILD bool place_fd(int fd, int where)
{
    if (fd == where) {
        int flags = fcntl(fd, F_GETFD);
        return flags >= 0 && fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == 0;
    }
    return dup2(fd, where) == where;
}

static IN_CHILD int open_high(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0 || fd > 2)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return high;
}

static IN_CHILD void redirect(struct order *o)
{
    const struct run_spec *s = o->spec;
    const int create = O_WRONLY | O_CREAT | O_TRUNC;
    const char *out_path = s->stdout_path ? s->stdout_path : "/dev/null";
    const char *err_path = s->stderr_path ? s->stderr_path : "/dev/null";
    int in = open_high("/dev/null", O_RDONLY);
    if (in < 0)
        give_up(o, AT_STDIN);
    int out = s->stdout_fd > 0 ? fcntl(s->stdout_fd, F_DUPFD_CLOEXEC, 3)
                               : open_high(out_path, s->stdout_path ? create : O_WRONLY);
    if (out < 0)
        give_up(o, AT_STDOUT);
    int err = -1;
    if (s->stderr_fd > 0)
        err = fcntl(s->stderr_fd, F_DUPFD_CLOEXEC, 3);
    else if (s->stdout_path && s->stderr_path && strcmp(s->stdout_path, s->stderr_path) == 0)
        err = out;
    else
        err = open_high(err_path, s->stderr_path ? create : O_WRONLY);
    if (err < 0)
        give_up(o, AT_STDERR);
    if (!place_fd(in, 0) || !place_fd(out, 1) || !place_fd(err, 2))
        give_up(o, AT_STDIN);
}

static IN_CHILD void bind_here(struct order *o)
{
    const struct run_spec *s = o->spec;
    if (s->cpus)
        o->report.cpubind =
            syscall(SYS_sched_setaffinity, 0, sizeof(s->cpus->word), s->cpus->word) == 0;
    if (!s->nodes || o->n_nodes == 0)
        return;
    /* preferred, not strict: a full node must not mean a killed case. The kernel reads one
     * bit less than maxnode says. */
    int mode = o->n_nodes > 1 ? MPOL_PREFERRED_MANY : MPOL_PREFERRED;
    o->report.membind =
        syscall(SYS_set_mempolicy, mode, s->nodes->word, (unsigned long)CPUSET_MAX_PUS + 1) == 0;
}

static IN_CHILD void close_others(void)
{
    if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
        return;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536)
        limit.rlim_cur = 65536;
    for (int fd = 3; fd < (int)limit.rlim_cur; fd++)
        close(fd);
}

static IN_CHILD int child_main(void *arg)
{
    struct order *o = arg;
    const struct run_spec *s = o->spec;
    sigset_t none;
    reset_signals();
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, s->death_signal ? s->death_signal : SIGKILL);
    if (getppid() != o->parent) /* it died before the signal was set */
        give_up(o, AT_PARENT);
    if (s->oom_first)
        volunteer_for_oom();
    struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (s->cwd && chdir(s->cwd) < 0)
        give_up(o, AT_CWD);
    redirect(o);
    bind_here(o);
    close_others();
    sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    execve(o->path, (char *const *)s->argv, (char *const *)o->env);
    give_up(o, AT_EXEC);
    return 127;
}

static int explain(const struct order *o, struct ds_err *err)
{
    const struct run_spec *s = o->spec;
    int sys = o->report.sys;
    const char *out = s->stdout_path ? s->stdout_path : "/dev/null";
    switch (o->report.failed_at) {
    case AT_CWD:
        return ds_fail_errno(err, DS_EIO, sys, "enter %s", s->cwd);
    case AT_STDIN:
        return ds_fail_errno(err, DS_EIO, sys, "open /dev/null");
    case AT_STDOUT:
        return ds_fail_errno(err, DS_EIO, sys, "open %s", out);
    case AT_STDERR:
        return ds_fail_errno(err, DS_EIO, sys, "open %s", s->stderr_path ? s->stderr_path : "-");
    case AT_EXEC:
        if (sys == E2BIG || sys == ENOMEM || sys == EAGAIN)
            return ds_fail_errno(err, DS_EIO, sys, "start %s", o->path);
        if (sys == ENOENT && access(o->path, F_OK) == 0)
            return ds_fail(err, DS_ESIMULATOR, "%s: the interpreter in its first line is missing",
                           o->path);
        if (sys == ENOEXEC)
            return ds_fail(err, DS_ESIMULATOR,
                           "%s: neither a program of this machine nor a script with a #! line",
                           o->path);
        return ds_fail_errno(err, DS_ESIMULATOR, sys, "start %s", o->path);
    default:
        return ds_fail_errno(err, DS_EIO, sys, "start %s", o->path);
    }
}

/* ---- finding the program ---- */

static const char *env_value(const char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; env && *env; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    }
    return NULL;
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int run_find_program(const char *name, const char *const *env, char *path, size_t room,
                     struct ds_err *err)
{
    if (!*name)
        return ds_fail(err, DS_ESIMULATOR, "the simulator's command is empty");
    if (strchr(name, '/')) {
        if (strlen(name) >= room)
            return ds_fail(err, DS_ETOOBIG, "%.200s...: too long a path", name);
        memcpy(path, name, strlen(name) + 1);
        return 0;
    }
    const char *list = env_value(env, "PATH");
    struct ds_span rest = ds_span_of(list ? list : "/usr/local/bin:/usr/bin:/bin");
    while (rest.len > 0) {
        struct ds_span dir;
        rest = ds_span_cut(rest, ':', &dir);
        if (dir.len == 0 || dir.ptr[0] != '/' || dir.len + strlen(name) + 2 > room)
            continue; /* a relative PATH entry would mean another program in every folder */
        memcpy(path, dir.ptr, dir.len);
        path[dir.len] = '/';
        memcpy(path + dir.len + 1, name, strlen(name) + 1);
        if (is_program(path))
            return 0;
    }
    return ds_fail(err, DS_ESIMULATOR, "%s: no such program in PATH (%s)", name,
                   list ? list : "not set");
}

int spawn_start(const struct run_spec *spec, const char *const *env, struct spawn_made *out,
                struct ds_err *err)
{
    static _Alignas(64) char stack[STACK_BYTES];
    char path[PATH_MAX];
    sigset_t all;
    sigset_t before;
    int rc = run_find_program(spec->argv[0], env, path, sizeof(path), err);
    if (rc < 0)
        return rc;
    struct order o = {.spec = spec, .path = path, .env = env, .parent = getpid()};
    o.n_nodes = spec->nodes ? cpuset_count(spec->nodes) : 0;
    sigfillset(&all);
    /* no handler of ours may run in the child while it shares our memory */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int pidfd = -1;
    pid_t pid = clone(child_main, stack + sizeof(stack),
                      CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &o, &pidfd);
    int sys = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return ds_fail_errno(err, DS_EIO, sys, "start %s: no process", path);
    if (o.report.failed_at != AT_NONE) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        close(pidfd);
        return explain(&o, err);
    }
    *out = (struct spawn_made){
        .pid = pid, .pidfd = pidfd, .cpubind = o.report.cpubind, .membind = o.report.membind};
    return 0;
}
