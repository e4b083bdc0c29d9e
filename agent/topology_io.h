/* SPDX-License-Identifier: GPL-3.0-or-later */
/* topology_io.h - what of this machine this process may really use; the only user of hwloc
 *
 * Several limits meet: the machine, the affinity mask, cgroup v1 or v2 cpuset, CPU quota and
 * memory limit of this cgroup and every one above it. The least counts, and mem_why and
 * cpu_why say which it was. Everything in a topology borrows the arena. Not thread-safe. */
#ifndef DECKSWEEP_AGENT_TOPOLOGY_IO_H
#define DECKSWEEP_AGENT_TOPOLOGY_IO_H

#include "base/arena.h"
#include "decksweep/topology.h"

/* This process, now. Cost: 5 to 50 ms. DS_EIO: hwloc or the kernel refused. DS_ENOFIT: the
 * limits leave no CPU. DS_ETOOBIG: more than CPUSET_MAX_PUS, or the arena is full. */
int topology_detect(struct ds_arena *a, struct topology *out, struct ds_err *err) DS_CHECKED;

/* A machine described by hwloc's XML (formats 1 and 2) or by its synthetic strings
 * ("pack:2 numa:2 l3:2 core:4 pu:2"). No limit of this process applies; disallowed PUs and
 * nodes of the file are left out. DS_EUNSUPPORTED: XML format 3 (hwloc 3 writes it). DS_EPARSE:
 * not such a text. DS_ENOTFOUND, DS_EDENIED, DS_ETOOBIG (file over 16 MiB). */
int topology_from_xml(const char *path, struct ds_arena *a, struct topology *out,
                      struct ds_err *err) DS_CHECKED;
int topology_from_synthetic(const char *text, struct ds_arena *a, struct topology *out,
                            struct ds_err *err) DS_CHECKED;

#endif
