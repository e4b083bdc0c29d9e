/* SPDX-License-Identifier: GPL-3.0-or-later */
/* family_io.c - finding every process of every run
 *
 * A new process belongs to a run when it sits in the leader's session, or when climbing its
 * parents ends at a member. A process that left the session and whose parents died has us
 * for a parent (we are the subreaper): it is recognised by the token that all of a run's
 * processes inherit in their environment. What has us for a parent, no token and another
 * session than ours hides from us, and is ended; as PID 1 of a container such processes may
 * come from outside (exec into the pod), and are only reaped. */
#include "agent/proc_io.h"
#include "agent/run_state.h"
#include "agent/watch.h"
#include "base/clock_io.h"
#include "base/units.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BARE_LOOKS      3 /* so often a process may be between two programs */
#define CLIMB_MAX       4096
#define FULL_SCAN_EVERY 1000 /* ms: even when no new process is announced */

struct run *run_of_leader(struct run_host *h, pid_t pid)
{
    for (uint32_t i = 0; i < h->high; i++) {
        const struct run *r = &h->runs[i];
        if (r->id != 0 && r->pid == pid && !r->leader_ended)
            return &h->runs[i];
    }
    return NULL;
}

static struct run *run_of_session(struct run_host *h, pid_t sid)
{
    for (uint32_t i = 0; i < h->high; i++) {
        if (h->runs[i].id != 0 && h->runs[i].pid == sid)
            return &h->runs[i];
    }
    return NULL;
}

static struct run *run_of_id(struct run_host *h, uint64_t id)
{
    for (uint32_t i = 0; i < h->high; i++) {
        if (id != 0 && h->runs[i].id == id)
            return &h->runs[i];
    }
    return NULL;
}

static uint64_t run_of_token(struct run_host *h, pid_t pid)
{
    char rest[32];
    uint64_t id = 0;
    if (!proc_find_environ(h->proc_fd, pid, h->token, rest, sizeof(rest))
        || units_parse_u64(ds_span_of(rest), UINT64_MAX / 2, &id, NULL) < 0)
        return 0;
    return id;
}

/* Whose is a process that has us for a parent? */
static enum proc_class classify_child(struct run_host *h, const struct proc_stat *st, uint64_t *run)
{
    if (st->pid == h->guardian.pid)
        return PROC_FOREIGN;
    *run = run_of_token(h, st->pid);
    if (run_of_id(h, *run))
        return PROC_MEMBER;
    if (*run != 0) /* of a run that has ended: it escaped the last look */
        return PROC_STRAY;
    if (st->sid == h->sid)
        return PROC_FOREIGN;
    /* While a process executes another program it shows no environment at all. */
    struct proc_entry *e = proc_table_find(&h->table, st->pid);
    if (e && st->state != 'Z' && e->n_bare < BARE_LOOKS) {
        e->n_bare++;
        return PROC_NEW;
    }
    return h->self == 1 ? PROC_FOREIGN : PROC_STRAY;
}

/* Climb from st to somebody known. */
static enum proc_class classify(struct run_host *h, struct proc_stat st, uint64_t *run)
{
    for (int steps = 0; steps < CLIMB_MAX; steps++) {
        const struct run *r = run_of_leader(h, st.pid);
        if (!r)
            r = run_of_session(h, st.sid);
        if (r) {
            *run = r->id;
            return PROC_MEMBER;
        }
        if (st.ppid == h->self)
            return classify_child(h, &st, run);
        if (st.ppid <= 1)
            return PROC_FOREIGN;
        const struct proc_entry *parent = proc_table_find(&h->table, st.ppid);
        if (parent && parent->class != PROC_NEW) {
            *run = parent->run;
            return parent->class;
        }
        if (!proc_read_stat(h->proc_fd, st.ppid, &st))
            return PROC_NEW; /* the parent died this instant: look again next time */
    }
    return PROC_FOREIGN;
}

static bool add_listed(void *arg, pid_t pid, uint64_t inode)
{
    struct run_host *h = arg;
    return proc_table_add(&h->table, pid, inode);
}

/* As PID 1 we are given the orphans of everybody in the container. */
static void reap_foreign(struct run_host *h, const struct proc_entry *e)
{
    struct proc_stat st;
    if (proc_read_stat(h->proc_fd, e->pid, &st) && st.state == 'Z' && st.ppid == h->self
        && st.sid != h->sid && st.pid != h->guardian.pid)
        (void)waitpid(st.pid, NULL, WNOHANG);
}

static int list_and_classify(struct run_host *h, struct ds_err *err)
{
    size_t n = 0;
    proc_table_begin(&h->table);
    if (!proc_each(h->proc_fd, add_listed, h))
        return ds_fail_errno(err, DS_EIO, errno, "read /proc");
    struct proc_entry *e = proc_table_entries(&h->table, &n);
    bool settled = true;
    for (size_t i = 0; i < n; i++) {
        struct proc_stat st;
        if (h->self == 1 && e[i].class == PROC_FOREIGN)
            reap_foreign(h, &e[i]);
        if (e[i].class != PROC_NEW || !proc_read_stat(h->proc_fd, e[i].pid, &st))
            continue;
        e[i].start_ticks = st.start_ticks;
        e[i].class = classify(h, st, &e[i].run);
        settled = settled && e[i].class != PROC_NEW;
    }
    h->known_valid = settled;
    return 0;
}

void run_add_usage(struct run_host *h, struct run *r, const struct rusage *used)
{
    struct rusage own;
    r->cpu_us += (int64_t)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000
                 + used->ru_utime.tv_usec + used->ru_stime.tv_usec;
    /* A process that borrowed our memory until it executed inherits our peak: only more than
     * that is its own. */
    if (getrusage(RUSAGE_SELF, &own) == 0)
        h->own_peak_bytes = (uint64_t)own.ru_maxrss * 1024;
    uint64_t peak = (uint64_t)used->ru_maxrss * 1024;
    if (peak > h->own_peak_bytes + h->own_peak_bytes / 16 && peak > r->kernel_peak_bytes)
        r->kernel_peak_bytes = peak;
}

/* Reap an orphan that we were given; the leader is reaped by the loop. False: not yet, other
 * threads of it are still ending. */
static bool reap_orphan(struct run_host *h, struct proc_entry *e)
{
    struct rusage used;
    int status = 0;
    if (run_of_leader(h, e->pid))
        return true;
    pid_t got = wait4(e->pid, &status, WNOHANG, &used);
    struct run *r = run_of_id(h, e->run);
    if (got == e->pid && r)
        run_add_usage(h, r, &used);
    return got != 0;
}

static void look_at_member(struct run_host *h, struct proc_entry *e, uint64_t page_bytes)
{
    struct proc_stat st;
    e->rss_bytes = 0;
    e->dead = true;
    if (!proc_read_stat(h->proc_fd, e->pid, &st) || st.start_ticks != e->start_ticks)
        return;
    bool zombie = (st.state == 'Z' || st.state == 'X') && st.n_threads <= 1;
    if (zombie && (st.ppid != h->self || reap_orphan(h, e)))
        return;
    e->dead = false;
    e->rss_bytes = st.rss_pages * page_bytes;
    if (e->class == PROC_STRAY)
        (void)kill(e->pid, SIGKILL);
}

static void measure_pss(struct run_host *h, struct run *r)
{
    size_t n = 0;
    uint64_t sum = 0;
    int64_t begin = clock_monotonic_ns() / 1000;
    if (!watch_wants_pss(r->rss_bytes, r->rss_at_pss, r->mem_limit_bytes, begin - r->pss_at_us,
                         r->pss_cost_us))
        return;
    struct proc_entry *e = proc_table_entries(&h->table, &n);
    for (size_t i = 0; i < n; i++) {
        uint64_t pss = 0;
        if (e[i].class != PROC_MEMBER || e[i].run != r->id || e[i].dead)
            continue;
        sum += proc_read_pss(h->proc_fd, e[i].pid, &pss) ? pss : e[i].rss_bytes;
    }
    int64_t end = clock_monotonic_ns() / 1000;
    r->pss_bytes = sum;
    r->rss_at_pss = r->rss_bytes;
    r->pss_at_us = end;
    r->pss_cost_us = end - begin;
}

static void sum_up(struct run_host *h)
{
    size_t n = 0;
    const struct proc_entry *e = proc_table_entries(&h->table, &n);
    for (uint32_t i = 0; i < h->high; i++)
        h->runs[i].rss_bytes = h->runs[i].n_processes = 0;
    for (size_t i = 0; i < n; i++) {
        struct run *r = e[i].class == PROC_MEMBER && !e[i].dead ? run_of_id(h, e[i].run) : NULL;
        if (r) {
            r->rss_bytes += e[i].rss_bytes;
            r->n_processes++;
        }
    }
    for (uint32_t i = 0; i < h->high; i++) {
        struct run *r = &h->runs[i];
        if (r->id == 0 || r->unwatched)
            continue;
        r->mem_bytes = r->rss_bytes;
        if (r->shared_memory && r->n_processes > 1) {
            measure_pss(h, r);
            r->mem_bytes = watch_estimate_pss(r->rss_bytes, r->rss_at_pss, r->pss_bytes);
        }
        if (r->mem_bytes > r->peak_bytes)
            r->peak_bytes = r->mem_bytes;
    }
}

int family_look(struct run_host *h, int64_t now_ms, bool force, struct ds_err *err)
{
    pid_t last = 0;
    size_t n = 0;
    const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    bool said = !h->loadavg_lies && proc_last_pid(h->proc_fd, &last);
    bool quiet = said && h->known_valid && last == h->known_pid;
    if (!quiet || force || now_ms - h->last_scan_ms >= FULL_SCAN_EVERY) {
        int rc = list_and_classify(h, err);
        if (rc < 0)
            return rc;
        h->known_pid = last; /* read before the listing: later ones are seen next time */
        h->last_scan_ms = now_ms;
        h->unlisted = false;
    }
    struct proc_entry *e = proc_table_entries(&h->table, &n);
    h->n_strays = h->n_unsure = 0;
    for (size_t i = 0; i < n; i++) {
        if (e[i].class == PROC_MEMBER || e[i].class == PROC_STRAY)
            look_at_member(h, &e[i], page_bytes);
        h->n_strays += e[i].class == PROC_STRAY && !e[i].dead;
        h->n_unsure += e[i].class == PROC_NEW && e[i].n_bare > 0;
    }
    sum_up(h);
    return 0;
}

unsigned family_signal(struct run_host *h, const struct run *r, int sig)
{
    size_t n = 0;
    unsigned sent = 0;
    struct proc_entry *e = proc_table_entries(&h->table, &n);
    for (size_t i = 0; i < n; i++) {
        if (e[i].class != PROC_MEMBER || e[i].run != r->id || e[i].dead)
            continue;
        if (kill(e[i].pid, sig) == 0) {
            sent++;
            (void)kill(e[i].pid, SIGCONT);
        }
    }
    return sent;
}
