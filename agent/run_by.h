/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_by.h - who ended a run */
#ifndef DECKSWEEP_AGENT_RUN_BY_H
#define DECKSWEEP_AGENT_RUN_BY_H

enum run_by {
    RUN_BY_ITSELF = 0, /* the leader ended */
    RUN_BY_WALL_LIMIT, /* we ended it: wall time */
    RUN_BY_MEM_LIMIT,  /* we ended it: memory */
    RUN_BY_DISK_LIMIT, /* the caller ended it: scratch */
    RUN_BY_REQUEST,    /* the caller ended it: interrupted, cancelled */
};

#endif
