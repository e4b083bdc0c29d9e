/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_io.h - start cases, watch them, end them, and leave nothing behind
 *
 * A run_host belongs to a process (a worker, or `decksweep run`): it makes that process the
 * child subreaper of all it starts, and keeps a guardian, a tiny forked process that kills
 * every case when its worker vanishes, even by kill -9. A run is one case's processes: the
 * leader that run_start made, which leads a session of its own, and all its descendants,
 * also those that left the session or lost their parents.
 *
 * Made for a loop of one thread that never blocks:
 *
 *     poll run_host_fd() for reading, along with everything else;
 *     when readable: run_host_step(host); while (run_take_ended(host, &result)) ...
 *
 * The descriptor becomes readable when a leader ends, every RUN_TICK_MS while runs are
 * watched, and when the guardian needs a new one. All calls must come from the thread that
 * called run_host_create (the parent-death signal belongs to a thread). SIGCHLD needs no
 * handler; an inherited "ignore" is undone, because it would hide exit statuses. Children that the caller starts by other means stay its
 * own as long as they stay in its session. */
#ifndef DECKSWEEP_AGENT_RUN_IO_H
#define DECKSWEEP_AGENT_RUN_IO_H

#include "agent/run_by.h"
#include "decksweep/err.h"
#include "decksweep/topology.h"

#include <sys/types.h>

#define RUN_TICK_MS  100
#define RUN_MAX_RUNS 4096u /* at once */

struct run_host;

/* DS_EIO: the kernel lacks pidfd, epoll or timerfd, or fork failed. gives: run_host_destroy. */
int run_host_create(struct run_host **out, struct ds_err *err) DS_CHECKED;
/* Kills what still runs (waits up to 2 s for it), ends the guardian. NULL is legal. */
void run_host_destroy(struct run_host *h);
int run_host_fd(const struct run_host *h); /* borrowed; poll for POLLIN */

struct run_spec {
    const char *const *argv; /* NULL-ended; argv[0] without '/' is looked up in env's PATH,
                                with '/' and relative it is seen from cwd */
    const char *const *env;  /* NULL-ended; NULL = the caller's. One variable is added. */
    const char *cwd;         /* NULL = the caller's */
    const char *stdout_path; /* seen from cwd, created or truncated; NULL = /dev/null */
    const char *stderr_path; /* the same path as stdout_path: both in one */
    int stdout_fd;           /* used instead of stdout_path when > 0; borrowed */
    int stderr_fd;
    const struct cpuset *cpus;  /* NULL = not bound */
    const struct cpuset *nodes; /* NUMA nodes preferred for memory; NULL = not bound */
    bool oom_first;             /* oom_score_adj 1000: the kernel takes it before others */
    bool unwatched;             /* no memory watch, and SIGTERM goes to the leader alone: for one
                                   that looks after its own processes */
    bool shared_memory;         /* ranks > 1: count PSS, not RSS */
    int death_signal;           /* when the parent dies; 0 = SIGKILL */
    uint64_t mem_limit_bytes;   /* 0 = none */
    uint64_t wall_limit_ms;     /* 0 = none */
    uint64_t grace_ms;          /* between SIGTERM and SIGKILL; 0 = 5000 */
};

/* Start one run. Non-blocking but for the exec itself (about 0.2 ms).
 *
 * id    gives a number > 0, never used again by this host
 *
 * DS_ESIMULATOR: the program is not there, is not executable, or its interpreter is missing.
 * DS_EIO and kin: cwd, stdout, stderr, fork or binding failed (text says which).
 * A refusal to bind memory is no error: result.membind says so. */
int run_start(struct run_host *h, const struct run_spec *spec, uint64_t *id,
              struct ds_err *err) DS_CHECKED;

/* End a run: SIGTERM to all its processes, SIGKILL after its grace. It ends later like any
 * other, with ended_by RUN_BY_REQUEST. Unknown ids and ended runs are ignored. */
void run_stop(struct run_host *h, uint64_t id);
/* The same with SIGKILL at once. by: RUN_BY_REQUEST or another reason to be told. */
void run_kill(struct run_host *h, uint64_t id, enum run_by by);

struct run_result {
    uint64_t id;
    int exit_code; /* of the leader; -1 when a signal ended it */
    int signal;    /* 0 when it exited */
    enum run_by ended_by;
    int64_t wall_ms;         /* start to end of the leader */
    int64_t cpu_ms;          /* user + system of all processes as far as they were waited for */
    uint64_t peak_mem_bytes; /* largest sum seen, or the kernel's own peak; 0 unknown */
    uint64_t oom_kills;      /* by how much the cgroup's oom_kill count rose meanwhile */
    unsigned n_left;         /* processes that outlived the leader and were killed */
    bool cpubind, membind;
};

/* Do what is due: reap, look at memory and limits, advance terminations, replace the
 * guardian. Never blocks. DS_EIO: /proc is unreadable or the guardian cannot be replaced
 * (runs go on; said once). Cost: about 30 us a process of a run. */
int run_host_step(struct run_host *h, struct ds_err *err) DS_CHECKED;

/* One run that has wholly ended (no process of it is left), or false. */
bool run_take_ended(struct run_host *h, struct run_result *out);

struct run_usage {
    pid_t pid; /* the leader */
    int64_t wall_ms;
    uint64_t mem_bytes, peak_mem_bytes; /* as of the last tick */
    unsigned n_processes;
    bool ending; /* SIGTERM or SIGKILL is sent */
    bool cpubind, membind;
};
/* False: no such run. */
bool run_look(const struct run_host *h, uint64_t id, struct run_usage *out);
size_t run_count(const struct run_host *h); /* runs not yet taken */

/* Path of a program as run_start would find it; DS_ESIMULATOR. path has PATH_MAX bytes. */
int run_find_program(const char *name, const char *const *env, char *path, size_t room,
                     struct ds_err *err) DS_CHECKED;

#endif
