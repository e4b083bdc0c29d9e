/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work.h - run one chunk of a round (DESIGN.md 8; docs/worker.md) */
#ifndef DS_AGENT_WORK_H
#define DS_AGENT_WORK_H

#include <stdbool.h>
#include <stdint.h>

struct work_options { /* texts borrowed */
    const char *store_url, *sweep, *plan_digest;
    uint32_t round, index;
    const char *scratch;   /* NULL: $TMPDIR, else /var/tmp */
    uint32_t cores;        /* 0: all */
    uint64_t memory_bytes; /* 0: all */
    bool keep_failed;      /* --keep-scratch failed */
    bool mark_starts;      /* one slot, started/ before each case: a case killed a pod before */
    /* In a pod; else NULL and 0. */
    const char *message_path;  /* where the report goes too */
    const char *node;          /* its name; NULL: this host's */
    uint64_t ephemeral_bytes;  /* what the kubelet allows this pod of local disk */
    const char *their_version; /* of the controller that made the pod */
};

enum work_exit {
    WORK_SETTLED = 0,      /* every case of the chunk has its outcome, failures included */
    WORK_INPUT = 2,        /* wrong use */
    WORK_INTERRUPTED = 75, /* told to stop, or the parent is gone */
    WORK_STORE = 76,       /* store or scratch refuse */
    WORK_SIMULATOR = 77,   /* not there, or another version than the plan's */
};

/* Events go to stdout, reasons of early ends to stderr. Takes over SIGTERM, SIGINT, SIGHUP, SIGPIPE
 * and child processes of the whole program. Returns an enum work_exit. */
int work_run(const struct work_options *options);

#endif
