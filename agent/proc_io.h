/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_io.h - looking at processes through /proc
 *
 * proc_fd is an open directory of /proc. Functions return false when the process is gone or
 * hidden: never an error. None allocates: all are safe between fork and exec. */
#ifndef DECKSWEEP_AGENT_PROC_IO_H
#define DECKSWEEP_AGENT_PROC_IO_H

#include "agent/proc_stat.h"

#include <sys/types.h>

bool proc_read_stat(int proc_fd, pid_t pid, struct proc_stat *out);
bool proc_read_pss(int proc_fd, pid_t pid, uint64_t *bytes);

/* Does the environment a process was started with hold text? Gives what stands behind it, up
 * to the next NUL, cut at room - 1. */
bool proc_find_environ(int proc_fd, pid_t pid, const char *text, char *rest, size_t room);

/* The number the kernel gave out last in this PID namespace; false: it does not say. */
bool proc_last_pid(int proc_fd, pid_t *pid);

/* Call each(arg, pid, inode) for every process. (pid, inode) is one process: a number used
 * again has another inode. Ascending pids, as the kernel lists them. False: unreadable. */
bool proc_each(int proc_fd, bool (*each)(void *arg, pid_t pid, uint64_t inode), void *arg);

#endif
