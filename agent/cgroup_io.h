/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroup_io.h - the limits that control groups lay on this process */
#ifndef DECKSWEEP_AGENT_CGROUP_IO_H
#define DECKSWEEP_AGENT_CGROUP_IO_H

#include "agent/topology.h"

/* Least limit of our group and all above it, of v1, v2 or both. Adds to out, which the
 * caller zeroed; text borrows a. root: what stands for "/" ("" on a real machine; tests give
 * a folder). What is not there or unreadable is no limit. */
void cgroup_read_limits(const char *root, struct ds_arena *a, struct topology_limits *out);

/* A descriptor on the file that counts OOM kills of this process's group: memory.events,
 * memory.oom_control, or /proc/vmstat when the group keeps no count (the root group). -1: no
 * such file. The caller closes it. */
int cgroup_open_oom(void);
/* The count now; 0 when it does not say, or fd is -1. */
uint64_t cgroup_read_oom(int fd);

#endif
