/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroup.h - where this process's control groups are mounted, and what their files say
 *
 * /proc/self/cgroup has one line a hierarchy, "4:cpu,cpuacct:/a/b" (v1) or "0::/a/b" (v2);
 * /proc/self/mountinfo says where each is mounted and which part of it. In a container the
 * mount often starts at our own group. Formats: cgroups(7), proc(5). Pure. */
#ifndef DECKSWEEP_AGENT_CGROUP_H
#define DECKSWEEP_AGENT_CGROUP_H

#include "base/arena.h"

enum cgroup_controller { CGROUP_CPU, CGROUP_CPUSET, CGROUP_MEMORY, CGROUP_CONTROLLERS };

struct cgroup_place {     /* of one controller */
    int version;          /* 0 = not there, 1, 2 */
    struct ds_span mount; /* "/sys/fs/cgroup/memory" */
    struct ds_span path;  /* below the mount, "" or "a/b": our group */
};

/* Places of the three controllers; a controller of a v1 hierarchy that is mounted wins over
 * v2. Text that cannot be understood means "not there". Keeps its text in a; {0} when full. */
void cgroup_find(struct ds_span proc_cgroup, struct ds_span mountinfo, struct ds_arena *a,
                 struct cgroup_place out[CGROUP_CONTROLLERS]);

/* cpu.max, "max 100000" or "150000 100000"; 0 = no quota. */
double cgroup_parse_cpu_max(struct ds_span text);
/* cpu.cfs_quota_us, "-1" or "150000", and cpu.cfs_period_us. */
double cgroup_parse_cfs(struct ds_span quota, struct ds_span period);
/* memory.max, "max" or bytes; v1's huge "no limit" (at least 2^60). 0 = no limit. */
uint64_t cgroup_parse_memory(struct ds_span text);
/* "oom_kill N" of memory.events (v2) or memory.oom_control (v1), or of /proc/vmstat. */
bool cgroup_parse_oom(struct ds_span text, uint64_t *kills);

#endif
