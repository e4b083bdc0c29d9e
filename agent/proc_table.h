/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_table.h - which processes of the machine belong to which run
 *
 * Every process ever seen is classified once: of a run, or none of ours. A process cannot
 * become our descendant later, so a look costs one listing of /proc and one read for each
 * new process. Cost of memory: 40 bytes a process of the machine. */
#ifndef DECKSWEEP_AGENT_PROC_TABLE_H
#define DECKSWEEP_AGENT_PROC_TABLE_H

#include "agent/proc_stat.h"
#include "base/buf.h"

#include <sys/types.h>

enum proc_class {
    PROC_NEW = 0,
    PROC_FOREIGN, /* none of ours, or started by our caller for itself */
    PROC_MEMBER,  /* of the run `run` */
    PROC_STRAY,   /* ours, left its run without a trace: to be ended */
};

struct proc_entry {
    pid_t pid;
    enum proc_class class;
    uint64_t inode;
    uint64_t run;
    uint64_t start_ticks; /* as of its classification: guards against a number used again */
    uint64_t rss_bytes;
    unsigned n_bare; /* looks that found it ours but without a token */
    bool dead;       /* gone or a zombie as of the last look */
};

struct proc_table {
    struct ds_buf old, now; /* arrays of proc_entry by ascending pid */
    size_t at;              /* of the merge */
};

void proc_table_init(struct proc_table *t);
void proc_table_clear(struct proc_table *t);
struct proc_entry *proc_table_entries(struct proc_table *t, size_t *n);
struct proc_entry *proc_table_find(struct proc_table *t, pid_t pid); /* NULL */

/* A new listing: begin, add each (pid, inode) ascending. Known ones keep their class. */
void proc_table_begin(struct proc_table *t);
bool proc_table_add(struct proc_table *t, pid_t pid, uint64_t inode); /* false: table full */

#endif
