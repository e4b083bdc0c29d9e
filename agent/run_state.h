/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_state.h - what run_io.c and family_io.c share about a host; nobody else includes it */
#ifndef DECKSWEEP_AGENT_RUN_STATE_H
#define DECKSWEEP_AGENT_RUN_STATE_H

#include "agent/guardian_io.h"
#include "agent/proc_table.h"
#include "agent/run_io.h"
#include "base/buf.h"

struct run {
    uint64_t id; /* 0 = free */
    pid_t pid;   /* the leader, and for ever the session */
    int pidfd;
    bool leader_ended, wholly_ended;
    bool unwanted; /* run_start failed after the process was made: never handed out */
    bool unwatched, shared_memory;
    bool stop_asked, kill_asked;
    bool ending; /* a signal went out */
    enum run_by asked_by, ended_by;
    bool has_ended_by;
    int64_t start_ms, end_ms, term_ms;
    uint64_t wall_limit_ms, grace_ms, mem_limit_bytes;
    uint64_t rss_bytes, mem_bytes, peak_bytes; /* of the last tick; mem is PSS if asked for */
    uint64_t rss_at_pss, pss_bytes;
    int64_t pss_at_us, pss_cost_us;
    unsigned n_processes, n_left;
    int64_t cpu_us;
    uint64_t kernel_peak_bytes; /* from rusage; 0 unknown */
    uint64_t oom_kills_before;
    int status; /* of the leader, wait(2) */
    bool cpubind, membind;
};

struct run_host {
    pid_t self;
    int32_t sid; /* own session: its children are the caller's own business */
    int epoll_fd, timer_fd, proc_fd;
    struct guardian guardian;
    char token[GUARDIAN_TOKEN_BYTES];
    uint64_t next_id;
    struct run *runs; /* RUN_MAX_RUNS */
    uint32_t high;    /* runs[0 .. high) may be in use */
    uint32_t n_runs;
    struct proc_table table;
    pid_t known_pid;   /* all processes up to this number are classified, or leaders */
    bool known_valid;  /* known_pid can be trusted */
    bool loadavg_lies; /* the kernel's last pid is of no use: list every time */
    bool loadavg_tried;
    bool unlisted; /* a leader was started after the last listing */
    int oom_fd;
    int64_t next_tick_ms, last_scan_ms;
    unsigned n_strays; /* alive at the last look */
    unsigned n_unsure; /* ours, but nobody's yet: any ended run may have left them */
    unsigned drain_ms; /* wait before the next look at killed ones */
    struct ds_buf env;
    uint64_t own_peak_bytes;
};

/* Bring the table up to date: classify new processes; memory and number of each run's; reap
 * orphans; end strays. Without force /proc is listed only when the kernel gave out process
 * numbers that we do not know. 0 or DS_EIO. */
int family_look(struct run_host *h, int64_t now_ms, bool force, struct ds_err *err) DS_CHECKED;

/* Send sig to every living process of a run (and SIGCONT, so that it is heard). Gives how many
 * there were. */
unsigned family_signal(struct run_host *h, const struct run *r, int sig);

struct run *run_of_leader(struct run_host *h, pid_t pid); /* NULL */

/* Add what the kernel says about a reaped process. */
struct rusage;
void run_add_usage(struct run_host *h, struct run *r, const struct rusage *used);

#endif
