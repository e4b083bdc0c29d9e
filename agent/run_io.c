/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_io.c - the host: one epoll descriptor over the leaders' pidfds, the guardian's and a
 * timer; each step reaps, looks, decides (watch.c) and acts.
 *
 * A run passes through: running; ending (a signal went out); leader ended (what is left of
 * it is killed until a look finds nothing); wholly ended (waits to be taken). */
#include "agent/cgroup_io.h"
#include "agent/proc_io.h"
#include "agent/run_state.h"
#include "agent/spawn_io.h"
#include "agent/watch.h"
#include "base/clock_io.h"
#include "base/fs_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_TIMER      UINT64_MAX
#define EVENT_GUARDIAN   (UINT64_MAX - 1)
#define DEFAULT_GRACE_MS 5000
#define DESTROY_MS       2000
#define DRAIN_MAX_MS     50
#define TOKEN_NAME       "DECKSWEEP_RUN="

/* ---- the host ---- */

static int watch_fd(const struct run_host *h, int fd, uint64_t what, struct ds_err *err)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = what};
    if (epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "epoll_ctl");
    return 0;
}

static int open_descriptors(struct run_host *h, struct ds_err *err)
{
    h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (h->epoll_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "epoll_create");
    h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (h->timer_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "timerfd_create");
    h->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (h->proc_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "open /proc");
    return watch_fd(h, h->timer_fd, EVENT_TIMER, err);
}

static void want_exit_statuses(void)
{
    struct sigaction now;
    if (sigaction(SIGCHLD, NULL, &now) == 0
        && (now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT))) {
        memset(&now, 0, sizeof(now));
        now.sa_handler = SIG_DFL;
        (void)sigaction(SIGCHLD, &now, NULL);
    }
}

static int introduce_self(struct run_host *h, struct ds_err *err)
{
    struct proc_stat st;
    want_exit_statuses();
    h->self = getpid();
    if (!proc_read_stat(h->proc_fd, h->self, &st))
        return ds_fail_errno(err, DS_EIO, errno, "read /proc/self/stat");
    h->sid = st.sid;
    snprintf(h->token, sizeof(h->token), TOKEN_NAME "%d.%llu.%llx/", (int)h->self,
             (unsigned long long)st.start_ticks, (unsigned long long)clock_monotonic_ns());
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "become child subreaper");
    int rc = guardian_start(&h->guardian, h->token, st.start_ticks, err);
    return rc < 0 ? rc : watch_fd(h, h->guardian.pidfd, EVENT_GUARDIAN, err);
}

int run_host_create(struct run_host **out, struct ds_err *err)
{
    struct run_host *h = calloc(1, sizeof(*h));
    if (!h)
        return ds_fail_errno(err, DS_EIO, ENOMEM, "run host");
    h->epoll_fd = h->timer_fd = h->proc_fd = h->oom_fd = -1;
    h->next_id = 1;
    proc_table_init(&h->table);
    buf_init(&h->env, 64u << 20);
    h->runs = calloc(RUN_MAX_RUNS, sizeof(*h->runs));
    int rc = h->runs ? open_descriptors(h, err) : ds_fail_errno(err, DS_EIO, ENOMEM, "run host");
    if (rc == 0)
        rc = introduce_self(h, err);
    if (rc < 0) {
        run_host_destroy(h);
        return rc;
    }
    h->oom_fd = cgroup_open_oom();
    *out = h;
    return 0;
}

int run_host_fd(const struct run_host *h)
{
    return h->epoll_fd;
}

size_t run_count(const struct run_host *h)
{
    return h->n_runs;
}

static struct run *find_run(const struct run_host *h, uint64_t id)
{
    for (uint32_t i = 0; i < h->high; i++) {
        if (id != 0 && h->runs[i].id == id)
            return &h->runs[i];
    }
    return NULL;
}

/* ---- starting ---- */

static struct run *free_place(struct run_host *h, uint32_t *index)
{
    for (uint32_t i = 0; i < RUN_MAX_RUNS; i++) {
        if (h->runs[i].id == 0) {
            *index = i;
            if (i >= h->high)
                h->high = i + 1;
            return &h->runs[i];
        }
    }
    return NULL;
}

/* The caller's environment with our token in front: looking for it then reads little. */
static const char *const *make_env(struct run_host *h, const char *const *env, char *token,
                                   size_t room, uint64_t id)
{
    const char *const *from = env ? env : (const char *const *)environ;
    const char *mine = token;
    snprintf(token, room, "%s%llu", h->token, (unsigned long long)id);
    buf_reset(&h->env);
    buf_put(&h->env, &mine, sizeof(mine));
    for (; *from; from++) {
        if (strncmp(*from, TOKEN_NAME, sizeof(TOKEN_NAME) - 1) != 0)
            buf_put(&h->env, from, sizeof(*from));
    }
    mine = NULL;
    buf_put(&h->env, &mine, sizeof(mine));
    return h->env.failed ? NULL : (const char *const *)(const void *)h->env.data;
}

/* Does the kernel's "last process number" show the one just made? Then it can be relied on to
 * tell that no process is new. */
static void note_pid(struct run_host *h, pid_t pid)
{
    pid_t last = 0;
    if (!h->loadavg_tried) {
        h->loadavg_tried = true;
        h->loadavg_lies = !proc_last_pid(h->proc_fd, &last) || last < pid || last > pid + 10000;
    }
    if (h->known_valid && pid == h->known_pid + 1)
        h->known_pid = pid;
    else
        h->known_valid = false;
    h->unlisted = true;
}

static void arm_timer(struct run_host *h, int64_t now_ms);

int run_start(struct run_host *h, const struct run_spec *spec, uint64_t *id, struct ds_err *err)
{
    uint32_t index = 0;
    struct spawn_made made;
    char token[GUARDIAN_TOKEN_BYTES + 24];
    struct run *r = free_place(h, &index);
    if (!r)
        return ds_fail(err, DS_ETOOBIG, "more than %u runs at once", RUN_MAX_RUNS);
    const char *const *env = make_env(h, spec->env, token, sizeof(token), h->next_id);
    if (!env)
        return ds_fail(err, DS_ETOOBIG, "start %s: the environment is too large", spec->argv[0]);
    uint64_t oom_kills = cgroup_read_oom(h->oom_fd);
    int64_t now_ms = clock_monotonic_ms();
    int rc = spawn_start(spec, env, &made, err);
    if (rc < 0) {
        h->known_valid = false;
        return rc;
    }
    *r = (struct run){.id = h->next_id++,
                      .pid = made.pid,
                      .pidfd = made.pidfd,
                      .unwatched = spec->unwatched,
                      .shared_memory = spec->shared_memory,
                      .start_ms = now_ms,
                      .wall_limit_ms = spec->wall_limit_ms,
                      .grace_ms = spec->grace_ms ? spec->grace_ms : DEFAULT_GRACE_MS,
                      .mem_limit_bytes = spec->mem_limit_bytes,
                      .oom_kills_before = oom_kills,
                      .cpubind = made.cpubind,
                      .membind = made.membind};
    h->guardian.board->session[index] = made.pid;
    h->n_runs++;
    note_pid(h, made.pid);
    rc = watch_fd(h, r->pidfd, index, err);
    if (rc < 0) { /* out of epoll watches: the tick will reap it */
        r->unwanted = true;
        run_kill(h, r->id, RUN_BY_REQUEST);
        return rc;
    }
    arm_timer(h, now_ms);
    *id = r->id;
    return 0;
}

/* ---- ending ---- */

void run_stop(struct run_host *h, uint64_t id)
{
    struct run *r = find_run(h, id);
    if (!r || r->stop_asked)
        return;
    r->stop_asked = true;
    if (!r->has_ended_by)
        r->asked_by = RUN_BY_REQUEST;
    h->next_tick_ms = 0;
    arm_timer(h, clock_monotonic_ms());
}

void run_kill(struct run_host *h, uint64_t id, enum run_by by)
{
    struct run *r = find_run(h, id);
    if (!r || r->kill_asked)
        return;
    r->kill_asked = true;
    r->asked_by = by;
    h->next_tick_ms = 0;
    arm_timer(h, clock_monotonic_ms());
}

/* Reap the leader if it has ended. */
static void reap_leader(struct run_host *h, struct run *r)
{
    struct rusage used;
    if (r->id == 0 || r->leader_ended || wait4(r->pid, &r->status, WNOHANG, &used) != r->pid)
        return;
    r->leader_ended = true;
    r->end_ms = clock_monotonic_ms();
    run_add_usage(h, r, &used);
    if (r->pidfd >= 0)
        close(r->pidfd); /* leaves the epoll set with it */
    r->pidfd = -1;
    h->drain_ms = 1;
}

static void act(struct run_host *h, struct run *r, int64_t now_ms)
{
    const struct watch_view v = {.now_ms = now_ms,
                                 .start_ms = r->start_ms,
                                 .term_ms = r->term_ms,
                                 .wall_limit_ms = r->wall_limit_ms,
                                 .grace_ms = r->grace_ms,
                                 .mem_bytes = r->mem_bytes,
                                 .mem_limit_bytes = r->mem_limit_bytes,
                                 .n_processes = r->n_processes + h->n_unsure,
                                 .leader_ended = r->leader_ended,
                                 .stop_asked = r->stop_asked,
                                 .kill_asked = r->kill_asked,
                                 .asked_by = r->asked_by};
    struct watch_decision d = watch_decide(&v);
    if (d.action == WATCH_END) {
        r->wholly_ended = true;
        return;
    }
    if (d.action == WATCH_NONE)
        return;
    if (!r->leader_ended && !r->has_ended_by) {
        r->ended_by = d.by;
        r->has_ended_by = true;
    }
    int sig = d.action == WATCH_TERM ? SIGTERM : SIGKILL;
    if (sig == SIGTERM)
        r->term_ms = now_ms;
    r->ending = true;
    bool leader_only = r->unwatched && sig == SIGTERM;
    unsigned sent = leader_only ? 0 : family_signal(h, r, sig);
    if (r->leader_ended && sent > r->n_left)
        r->n_left = sent;
    if (!r->leader_ended && kill(r->pid, sig) == 0)
        (void)kill(r->pid, SIGCONT);
}

/* ---- the step ---- */

static void arm_timer(struct run_host *h, int64_t now_ms)
{
    int64_t wait_ms = -1;
    for (uint32_t i = 0; i < h->high; i++) {
        const struct run *r = &h->runs[i];
        int64_t want = -1;
        if (r->id == 0 || r->wholly_ended)
            continue;
        if (r->leader_ended)
            want = h->drain_ms;
        else if (!r->unwatched || r->ending || r->stop_asked || r->kill_asked)
            want = h->next_tick_ms > now_ms ? h->next_tick_ms - now_ms : 1;
        else if (r->wall_limit_ms > 0)
            want = RUN_TICK_MS;
        if (want >= 0 && (wait_ms < 0 || want < wait_ms))
            wait_ms = want;
    }
    if (h->n_strays + h->n_unsure > 0 && (wait_ms < 0 || wait_ms > (int64_t)h->drain_ms))
        wait_ms = h->drain_ms > 0 ? h->drain_ms : 1;
    struct itimerspec t = {0};
    if (wait_ms >= 0) {
        t.it_value.tv_sec = wait_ms / 1000;
        t.it_value.tv_nsec = wait_ms % 1000 * 1000000 + 1;
    }
    (void)timerfd_settime(h->timer_fd, 0, &t, NULL);
}

/* What has happened: leaders reaped, guardian replaced. Gives whether a leader ended. */
static bool take_events(struct run_host *h, int *rc, struct ds_err *err)
{
    struct epoll_event ev[64];
    bool any = false;
    int n = 0;
    do {
        n = epoll_wait(h->epoll_fd, ev, DS_COUNT(ev), 0);
        for (int i = 0; i < n; i++) {
            uint64_t expirations = 0;
            if (ev[i].data.u64 == EVENT_TIMER) {
                (void)!read(h->timer_fd, &expirations, sizeof(expirations));
            } else if (ev[i].data.u64 == EVENT_GUARDIAN) {
                *rc = guardian_restart(&h->guardian, err);
                if (*rc == 0)
                    *rc = watch_fd(h, h->guardian.pidfd, EVENT_GUARDIAN, err);
                h->known_valid = false;
            } else if (ev[i].data.u64 < h->high) {
                reap_leader(h, &h->runs[ev[i].data.u64]);
                any = true;
            }
        }
    } while (n == (int)DS_COUNT(ev));
    return any;
}

struct survey {    /* of all runs, before looking */
    bool draining; /* a leader has ended, its run has not */
    bool ending;   /* a signal went out or will: every process must be known */
    bool watched;
};

static struct survey survey_runs(struct run_host *h, bool tick)
{
    struct survey s = {0};
    for (uint32_t i = 0; i < h->high; i++) {
        struct run *r = &h->runs[i];
        if (r->id == 0 || r->wholly_ended)
            continue;
        if (tick && !r->leader_ended) /* whatever became of its descriptor */
            reap_leader(h, r);
        s.draining = s.draining || r->leader_ended;
        s.ending = s.ending || r->stop_asked || r->kill_asked || r->ending;
        s.watched = s.watched || !r->unwatched;
    }
    return s;
}

int run_host_step(struct run_host *h, struct ds_err *err)
{
    int rc = 0;
    bool ended = take_events(h, &rc, err);
    int64_t now_ms = clock_monotonic_ms();
    bool tick = now_ms >= h->next_tick_ms;
    const struct survey s = survey_runs(h, tick);
    if (s.draining || h->n_strays + h->n_unsure > 0 || (tick && (s.watched || s.ending))) {
        bool list = (tick && h->unlisted) || s.ending;
        int looked = family_look(h, now_ms, list, rc < 0 ? NULL : err);
        rc = rc < 0 ? rc : looked;
    }
    for (uint32_t i = 0; i < h->high; i++) {
        if (h->runs[i].id != 0 && !h->runs[i].wholly_ended)
            act(h, &h->runs[i], now_ms);
    }
    if (tick)
        h->next_tick_ms = now_ms + RUN_TICK_MS;
    if ((s.draining || h->n_strays + h->n_unsure > 0) && !ended)
        h->drain_ms = h->drain_ms * 2 < DRAIN_MAX_MS ? h->drain_ms * 2 + 1 : DRAIN_MAX_MS;
    arm_timer(h, now_ms);
    return rc;
}

bool run_take_ended(struct run_host *h, struct run_result *out)
{
    for (uint32_t i = 0; i < h->high; i++) {
        struct run *r = &h->runs[i];
        if (r->id == 0 || !r->wholly_ended)
            continue;
        bool unwanted = r->unwanted;
        uint64_t kills = cgroup_read_oom(h->oom_fd);
        uint64_t peak = r->peak_bytes;
        *out = (struct run_result){
            .id = r->id,
            .exit_code = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1,
            .signal = WIFSIGNALED(r->status) ? WTERMSIG(r->status) : 0,
            .ended_by = r->has_ended_by ? r->ended_by : RUN_BY_ITSELF,
            .wall_ms = r->end_ms - r->start_ms,
            .cpu_ms = r->cpu_us / 1000,
            .peak_mem_bytes = peak > r->kernel_peak_bytes ? peak : r->kernel_peak_bytes,
            .oom_kills = kills > r->oom_kills_before ? kills - r->oom_kills_before : 0,
            .n_left = r->n_left,
            .cpubind = r->cpubind,
            .membind = r->membind};
        h->guardian.board->session[i] = 0;
        r->id = 0;
        h->n_runs--;
        while (h->high > 0 && h->runs[h->high - 1].id == 0)
            h->high--;
        if (!unwanted)
            return true;
    }
    return false;
}

bool run_look(const struct run_host *h, uint64_t id, struct run_usage *out)
{
    const struct run *r = find_run(h, id);
    if (!r)
        return false;
    *out = (struct run_usage){.pid = r->pid,
                              .wall_ms = (r->leader_ended ? r->end_ms : clock_monotonic_ms())
                                         - r->start_ms,
                              .mem_bytes = r->mem_bytes,
                              .peak_mem_bytes = r->peak_bytes,
                              .n_processes = r->n_processes,
                              .ending = r->ending,
                              .cpubind = r->cpubind,
                              .membind = r->membind};
    return true;
}

/* ---- the end ---- */

static void kill_all(struct run_host *h)
{
    struct run_result ignored;
    int64_t end_ms = clock_monotonic_ms() + DESTROY_MS;
    for (uint32_t i = 0; i < h->high; i++)
        run_kill(h, h->runs[i].id, RUN_BY_REQUEST);
    (void)!family_look(h, clock_monotonic_ms(), true, NULL);
    while ((h->n_runs > 0 || h->n_strays + h->n_unsure > 0) && clock_monotonic_ms() < end_ms) {
        struct pollfd p = {.fd = h->epoll_fd, .events = POLLIN};
        (void)poll(&p, 1, 20);
        (void)!run_host_step(h, NULL);
        while (run_take_ended(h, &ignored))
            ;
    }
}

void run_host_destroy(struct run_host *h)
{
    if (!h)
        return;
    if (h->runs && h->guardian.board)
        kill_all(h);
    for (uint32_t i = 0; h->runs && i < h->high; i++) {
        if (h->runs[i].id != 0 && h->runs[i].pidfd >= 0)
            close(h->runs[i].pidfd);
    }
    guardian_stop(&h->guardian);
    fs_close_at(&h->epoll_fd);
    fs_close_at(&h->timer_fd);
    fs_close_at(&h->proc_fd);
    fs_close_at(&h->oom_fd);
    proc_table_clear(&h->table);
    buf_clear(&h->env);
    free(h->runs);
    free(h);
}
