/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guardian_io.h - the process that outlives its worker by a moment, to kill what it left
 *
 * Forked by the worker; holds the read end of a pipe whose only write end the worker holds.
 * When the pipe ends without a word, the worker is gone: the guardian looks through /proc for
 * processes that carry the worker's token in their environment, sit in a session the worker
 * recorded, or descend from such, kills them until none is left, and ends. It costs no time
 * while the worker lives. */
#ifndef DECKSWEEP_AGENT_GUARDIAN_IO_H
#define DECKSWEEP_AGENT_GUARDIAN_IO_H

#include "decksweep/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GUARDIAN_SESSIONS    4096u
#define GUARDIAN_TOKEN_BYTES 96u

struct guardian_board { /* shared memory: worker writes, guardian reads when it is gone */
    char token[GUARDIAN_TOKEN_BYTES];            /* "DECKSWEEP_RUN=<pid>.<start>.<ns>/" */
    uint64_t born_ticks;                         /* of the worker: nothing older is ever killed */
    volatile int32_t session[GUARDIAN_SESSIONS]; /* 0 = free */
};

struct guardian {
    struct guardian_board *board;
    pid_t pid;
    int pidfd; /* readable when the guardian ended: start another */
    int pipe;  /* write end */
};

/* token as in the board; DS_EIO. A guardian zeroed but for board == NULL is legal to stop. */
int guardian_start(struct guardian *g, const char *token, uint64_t born_ticks,
                   struct ds_err *err) DS_CHECKED;
/* After its pidfd became readable: reap it and fork another with the same board. */
int guardian_restart(struct guardian *g, struct ds_err *err) DS_CHECKED;
/* Nothing is left to guard: it ends at once. Waits for it (milliseconds). */
void guardian_stop(struct guardian *g);

/* What the guardian does when its worker is gone; also for `decksweep run` after the death of
 * its worker. Kills until two looks find nothing, or for at most limit_ms. Gives how many. */
unsigned guardian_sweep(int proc_fd, const struct guardian_board *board, int64_t limit_ms);

#endif
