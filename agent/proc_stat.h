/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_stat.h - the few fields of /proc/PID/stat that say whose child a process is
 *
 * The text holds the program's name, which any program chooses: hostile. Pure, and safe
 * between fork and exec. Format: proc(5). */
#ifndef DECKSWEEP_AGENT_PROC_STAT_H
#define DECKSWEEP_AGENT_PROC_STAT_H

#include "decksweep/span.h"

struct proc_stat {
    int32_t pid, ppid, sid;
    char state;         /* R S D Z T t X I */
    uint32_t n_threads; /* of a zombie: more than 1 while threads of it still run */
    uint64_t start_ticks;
    uint64_t rss_pages;
};

/* False: the text is no stat line. */
bool proc_stat_parse(struct ds_span text, struct proc_stat *out);

/* "Pss:     123 kB" of smaps_rollup, in bytes; false: no such line. */
bool proc_pss_parse(struct ds_span text, uint64_t *bytes);

#endif
