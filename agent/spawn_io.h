/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spawn_io.h - one process, started fast and clean
 *
 * The child borrows the parent's memory until it executes (clone with CLONE_VM and
 * CLONE_VFORK), so that the cost does not grow with the parent's size. Everything that could
 * need memory is done before. Call from one thread. */
#ifndef DECKSWEEP_AGENT_SPAWN_IO_H
#define DECKSWEEP_AGENT_SPAWN_IO_H

#include "agent/run_io.h"

struct spawn_made {
    pid_t pid;
    int pidfd; /* the caller closes it */
    bool cpubind, membind;
};

/* Start spec with this environment (NULL-ended). In the child: default signal handlers and
 * an empty mask, a session of its own, the death signal, oom_score_adj, no core files, cwd,
 * stdin from /dev/null, CPU and memory binding, no other descriptor. Errors as run_start. */
int spawn_start(const struct run_spec *spec, const char *const *env, struct spawn_made *out,
                struct ds_err *err) DS_CHECKED;

#endif
