/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker's loop: one thread that waits for signals, ended cases and the publisher, and
 * after each of them starts what may start. Everything that takes long happens elsewhere. */
#include "agent/work.h"
#include "agent/worker.h"
#include "base/clock_io.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ARENA_CAP     ((size_t)4 << 30)
#define OUT_CAP       ((size_t)4 << 20)
#define UNSETTLED_CAP ((size_t)64 << 20)
#define RUN_MS_CAP    ((size_t)16 << 20)
#define WAIT_MS       1000
#define SECOND_SIGNAL 2

static int take_signals(struct worker *w, struct ds_err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    int sys = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (sys != 0)
        return ds_fail_errno(err, DS_EIO, sys, "signals");
    w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return w->signal_fd < 0 ? ds_fail_errno(err, DS_EIO, errno, "signalfd") : 0;
}

/* Signals that came together (Ctrl-C, and the parent's SIGTERM for it) are one wish. */
static void read_signals(struct worker *w)
{
    struct signalfd_siginfo info;
    bool any = false;
    while (read(w->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        any = true;
    w->n_signals += any;
}

static void end_all(struct worker *w, bool at_once)
{
    for (uint32_t i = 0; i < w->slots.n_max; i++) {
        if (w->running[i].run_id == 0)
            continue;
        if (at_once)
            run_kill(w->host, w->running[i].run_id, RUN_BY_REQUEST);
        else
            run_stop(w->host, w->running[i].run_id);
    }
    if (w->version_run != 0)
        run_kill(w->host, w->version_run, RUN_BY_REQUEST);
}

/* Told to stop, nobody listens, or it makes no sense to go on: end what runs. Cases that run
 * while the store or the disk refuses may end by themselves. */
static void heed_stops(struct worker *w)
{
    if (w->out_closed && w->n_signals == 0)
        w->n_signals = 1;
    bool stop = w->n_signals > 0 || w->exit_status == WORK_SIMULATOR;
    if (!stop)
        return;
    if (w->exit_status == 0)
        w->exit_status = WORK_INTERRUPTED;
    if (!w->told_stop)
        end_all(w, false);
    else if (w->n_signals == SECOND_SIGNAL)
        end_all(w, true);
    if (w->n_signals == SECOND_SIGNAL)
        w->n_signals++; /* once */
    w->told_stop = true;
}

/* Nothing runs and nothing may start: how long is that borne? True: no longer. */
static bool patience_is_over(struct worker *w, bool waits, int64_t now_ms, int64_t patience_ms)
{
    if (!waits) {
        w->patience_ms = 0;
        return false;
    }
    if (w->patience_ms == 0)
        w->patience_ms = now_ms + patience_ms;
    return now_ms >= w->patience_ms;
}

/* Is there nothing more to do here? */
static bool is_over(struct worker *w, bool nothing_left, int64_t now_ms)
{
    struct publish_state s = publisher_look(w->publisher);
    if (w->n_running > 0) {
        w->patience_ms = 0; /* something works: the next wait is a new one */
        return false;
    }
    if (w->n_held > 0 || w->version == VERSION_ASKED)
        return false;
    if (s.n_busy > s.n_stuck) {
        publisher_hurry(w->publisher);
        return false;
    }
    if (w->store_refuses && s.n_stuck > 0) {
        bool over =
            w->exit_status != 0 || patience_is_over(w, true, now_ms, WORKER_STORE_PATIENCE_MS);
        if (over && w->exit_status != WORK_INTERRUPTED)
            w->exit_status = WORK_STORE;
        return over;
    }
    if (w->exit_status != 0 || nothing_left)
        return true;
    if (patience_is_over(w, w->disk_paused, now_ms, WORKER_DISK_PATIENCE_MS)) {
        worker_error(w, "scratch %s stays nearly full; make room or use another --scratch",
                     w->scratch.path);
        w->exit_status = WORK_STORE;
        return true;
    }
    return false;
}

static void wait_for_something(struct worker *w)
{
    struct pollfd fds[] = {
        {.fd = w->signal_fd, .events = POLLIN},
        {.fd = run_host_fd(w->host), .events = POLLIN},
        {.fd = publisher_fd(w->publisher), .events = POLLIN},
        {.fd = w->out.len > 0 ? STDOUT_FILENO : -1, .events = POLLOUT},
    };
    if (poll(fds, DS_COUNT(fds), WAIT_MS) < 0)
        return;
    if (fds[0].revents)
        read_signals(w);
}

static void loop(struct worker *w)
{
    for (;;) {
        bool nothing_left = false;
        worker_take_ended(w);
        worker_take_notes(w);
        heed_stops(w);
        worker_start_more(w, &nothing_left);
        int64_t now_ms = clock_monotonic_ms();
        worker_watch_use(w, now_ms);
        worker_say_progress(w, now_ms);
        worker_flush(w, false);
        if (is_over(w, nothing_left, now_ms)) {
            worker_take_notes(w); /* what was settled since the last look */
            return;
        }
        wait_for_something(w);
    }
}

static void init_worker(struct worker *w, const struct work_options *options)
{
    *w = (struct worker){.options = options,
                         .arena = arena_create(ARENA_CAP),
                         .signal_fd = -1,
                         .began_ms = clock_monotonic_ms()};
    w->scratch = (struct scratch){
        .parent_fd = -1, .fd = -1, .lock_fd = -1, .cases_fd = -1, .spool_fd = -1, .kept_fd = -1};
    buf_init(&w->out, OUT_CAP);
    buf_init(&w->unsettled, UNSETTLED_CAP);
    buf_init(&w->run_ms, RUN_MS_CAP);
    (void)snprintf(w->prefix, sizeof w->prefix, "%s/", options->sweep);
    if (options->node)
        (void)snprintf(w->node, sizeof w->node, "%s", options->node);
    else if (gethostname(w->node, sizeof w->node - 1) < 0)
        w->node[0] = '\0';
}

int work_run(const struct work_options *options)
{
    struct worker w;
    struct ds_err err = {0};
    init_worker(&w, options);
    int status = take_signals(&w, &err) < 0 ? WORK_STORE : worker_load(&w);
    if (status == 0)
        status = worker_ask_version(&w);
    if (status == 0) {
        worker_say_worker(&w);
        loop(&w);
        status = w.exit_status;
        worker_report(&w);
        worker_say_ended(&w);
    } else {
        w.exit_status = status;
        worker_report(&w);
    }
    worker_flush(&w, true);
    worker_unload(&w);
    if (w.signal_fd >= 0)
        (void)close(w.signal_fd);
    return status;
}
