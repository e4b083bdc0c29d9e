/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/backend_local_io.h"

#include "base/buf.h"
#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS    100
#define MAX_ARGS   32
#define TEXT_BYTES 64u

struct line_reader { /* one pipe, cut into lines; a line longer than the cap is dropped */
    int fd;
    struct ds_buf partial;
    bool overlong;
};

struct worker {
    pid_t pid;
    int signal_fd;
    struct line_reader out, err;
    const struct local_callbacks *cb;
    struct local_outcome outcome;
    int times_interrupted;
};

static void give_line(struct worker *w, const struct line_reader *r, struct ds_span line)
{
    struct event e;
    if (r == &w->err) {
        if (w->cb->text && line.len > 0)
            w->cb->text(w->cb->context, line);
    } else if (w->cb->event && event_decode(line, &e, NULL) == 0) {
        w->cb->event(w->cb->context, &e, line);
    }
}

static void take_bytes(struct worker *w, struct line_reader *r, struct ds_span got)
{
    while (got.len > 0) {
        struct ds_span head, rest = ds_span_cut(got, '\n', &head);
        bool whole = head.len < got.len;
        if (buf_put_span(&r->partial, head) < 0)
            r->overlong = true;
        if (whole) {
            if (!r->overlong)
                give_line(w, r, buf_span(&r->partial));
            buf_reset(&r->partial);
            r->overlong = false;
        }
        got = rest;
    }
}

/* Until the pipe is empty for now; closes it at its end. */
static void drain(struct worker *w, struct line_reader *r)
{
    char bytes[65536];
    while (r->fd >= 0) {
        ssize_t n = read(r->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            fs_close_at(&r->fd);
            return;
        }
        take_bytes(w, r, (struct ds_span){bytes, (size_t)n});
    }
}

static void take_signals(struct worker *w)
{
    struct signalfd_siginfo info;
    while (read(w->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        w->outcome.interrupted = true;
        w->times_interrupted++;
        (void)kill(w->pid, w->times_interrupted == 1 ? SIGTERM : SIGKILL);
        if (w->cb->interrupted)
            w->cb->interrupted(w->cb->context, w->times_interrupted);
    }
}

static int number_at(const char *text) /* digits of the kernel's, at most 7 */
{
    int n = 0;
    for (; *text >= '0' && *text <= '9' && n < 100000000; text++)
        n = n * 10 + (*text - '0');
    return n;
}

static void kill_children_of(pid_t parent)
{
    DIR *proc = opendir("/proc");
    const struct dirent *e;
    while (proc && (e = readdir(proc)) != NULL) { // NOLINT(concurrency-mt-unsafe): own DIR
        char path[300], text[512];
        if (e->d_name[0] < '1' || e->d_name[0] > '9')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        ds_auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (n <= 0)
            continue;
        text[n] = '\0';
        const char *after = strrchr(text, ')'); /* names may hold anything */
        if (after && strlen(after) > 4 && after[2] != 'Z' && number_at(after + 4) == parent)
            (void)kill((pid_t)number_at(e->d_name), SIGKILL);
    }
    if (proc)
        (void)closedir(proc);
}

/* As child subreaper everything the worker left comes to us: end it, level by level. */
static void end_what_is_left(void)
{
    for (int round = 0; round < 200; round++) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid < 0 && errno == ECHILD)
            return;
        kill_children_of(getpid());
        (void)poll(NULL, 0, 10);
    }
}

static bool reap(struct worker *w)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != w->pid)
            continue;
        w->outcome.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        w->outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        return true;
    }
    return false;
}

static void supervise(struct worker *w)
{
    bool ended = false, asked = false;
    while (!ended) {
        struct pollfd fds[] = {
            {w->out.fd, POLLIN, 0}, {w->err.fd, POLLIN, 0}, {w->signal_fd, POLLIN, 0}};
        (void)poll(fds, DS_COUNT(fds), TICK_MS);
        drain(w, &w->out);
        drain(w, &w->err);
        take_signals(w);
        ended = reap(w);
        bool stop = w->cb->tick && w->cb->tick(w->cb->context, clock_unix_ms());
        if (stop && !asked && !ended) {
            asked = w->outcome.stopped = true;
            (void)kill(w->pid, SIGTERM);
        }
    }
    end_what_is_left();
    drain(w, &w->out);
    drain(w, &w->err);
}

struct texts { /* numbers as arguments */
    char round[TEXT_BYTES], index[TEXT_BYTES], cores[TEXT_BYTES], memory[TEXT_BYTES];
};

static void add(char **argv, size_t *n, const char *option, const char *value)
{
    if (!value)
        return;
    argv[(*n)++] = (char *)option;
    argv[(*n)++] = (char *)value;
}

static void build_argv(const struct local_request *r, struct texts *t, char **argv)
{
    size_t n = 0;
    (void)snprintf(t->round, sizeof t->round, "%u", r->round);
    (void)snprintf(t->index, sizeof t->index, "%u", r->index);
    (void)snprintf(t->cores, sizeof t->cores, "%u", r->cores);
    (void)snprintf(t->memory, sizeof t->memory, "%llu", (unsigned long long)r->memory_bytes);
    argv[n++] = (char *)"decksweep-agent";
    argv[n++] = (char *)"work";
    add(argv, &n, "--store", r->store_url);
    add(argv, &n, "--sweep", r->sweep);
    add(argv, &n, "--plan", r->plan_digest);
    add(argv, &n, "--round", t->round);
    add(argv, &n, "--index", t->index);
    add(argv, &n, "--scratch", r->scratch);
    add(argv, &n, "--cores", r->cores ? t->cores : NULL);
    add(argv, &n, "--memory", r->memory_bytes ? t->memory : NULL);
    add(argv, &n, "--keep-scratch", r->keep_failed ? "failed" : NULL);
    if (r->mark_starts)
        argv[n++] = (char *)"--mark-starts";
    argv[n] = NULL;
}

/* In the child, between fork and exec. */
static void become_worker(const char *agent, char *const *argv, int out, int err, pid_t parent)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(75);
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0); /* Ctrl-C of the terminal comes to us alone; we pass it on */
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)dup2(null, STDIN_FILENO);
    (void)execv(agent, argv);
    _exit(127);
}

static int start(struct worker *w, const struct local_request *r, struct ds_err *err)
{
    int out[2], errors[2];
    char *argv[MAX_ARGS];
    struct texts texts;
    build_argv(r, &texts, argv);
    if (access(r->agent, X_OK) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", r->agent);
    if (pipe2(out, O_CLOEXEC) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "pipe");
    if (pipe2(errors, O_CLOEXEC) < 0) {
        (void)close(out[0]);
        (void)close(out[1]);
        return ds_fail_errno(err, DS_EIO, errno, "pipe");
    }
    pid_t parent = getpid();
    w->pid = fork();
    if (w->pid == 0)
        become_worker(r->agent, argv, out[1], errors[1], parent);
    int sys = errno;
    (void)close(out[1]);
    (void)close(errors[1]);
    w->out.fd = out[0];
    w->err.fd = errors[0];
    if (w->pid < 0)
        return ds_fail_errno(err, DS_EIO, sys, "start %s", r->agent);
    (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(errors[0], F_SETFL, O_NONBLOCK);
    return 0;
}

int local_worker_run(const struct local_request *r, const struct local_callbacks *cb,
                     struct local_outcome *out, struct ds_err *err)
{
    struct worker w = {.cb = cb, .out.fd = -1, .err.fd = -1};
    sigset_t ours, before;
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGINT);
    (void)sigaddset(&ours, SIGTERM);
    (void)sigaddset(&ours, SIGHUP);
    (void)sigaddset(&ours, SIGCHLD);
    (void)pthread_sigmask(SIG_BLOCK, &ours, &before);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    buf_init(&w.out.partial, EVENT_LINE_BYTES);
    buf_init(&w.err.partial, EVENT_LINE_BYTES);
    w.signal_fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    int rc = w.signal_fd < 0 ? ds_fail_errno(err, DS_EIO, errno, "signalfd") : start(&w, r, err);
    if (rc == 0) {
        supervise(&w);
        *out = w.outcome;
    }
    fs_close_at(&w.signal_fd);
    fs_close_at(&w.out.fd);
    fs_close_at(&w.err.fd);
    buf_clear(&w.out.partial);
    buf_clear(&w.err.partial);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int local_find_agent(char path[4096], struct ds_err *err)
{
    ssize_t n = readlink("/proc/self/exe", path, 4096 - 32);
    if (n > 0) {
        path[n] = '\0';
        char *slash = strrchr(path, '/');
        (void)snprintf(slash ? slash + 1 : path, 32, "decksweep-agent");
        if (env_is_program(path))
            return 0;
    }
    if (env_find_program("decksweep-agent", path, 4096))
        return 0;
    return ds_fail(err, DS_ENOTFOUND,
                   "decksweep-agent is neither beside decksweep nor in PATH; install both");
}
