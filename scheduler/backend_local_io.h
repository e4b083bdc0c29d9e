/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backend_local_io.h - one worker of this machine as a child process
 *
 * `decksweep run` is the parent and child subreaper of its worker: whatever the worker
 * leaves behind becomes our child and is ended. The worker gets SIGTERM when we die. */
#ifndef DS_SCHEDULER_BACKEND_LOCAL_IO_H
#define DS_SCHEDULER_BACKEND_LOCAL_IO_H

#include "decksweep/event.h"

struct local_request { /* texts borrowed; NULL or 0: the worker's default */
    const char *agent; /* path of decksweep-agent */
    const char *store_url, *sweep, *plan_digest;
    uint32_t round, index;
    const char *scratch;
    uint32_t cores;
    uint64_t memory_bytes;
    bool keep_failed; /* --keep-scratch failed */
    bool mark_starts; /* --mark-starts */
};

/* What the worker says while it runs. All may be NULL. */
struct local_callbacks {
    void *context;
    void (*event)(void *context, const struct event *e, struct ds_span line);
    void (*text)(void *context, struct ds_span line); /* a line of the worker's stderr */
    /* About ten times a second, and after every batch of events; true: end the sweep early. */
    bool (*tick)(void *context, int64_t now_ms);
    void (*interrupted)(void *context, int times); /* SIGINT, SIGTERM or SIGHUP came */
};

struct local_outcome {
    int exit_status; /* of the worker; -1 when a signal ended it */
    int signal;
    bool interrupted; /* the user asked */
    bool stopped;     /* tick asked */
};

/* Run one worker to its end. Blocks SIGINT, SIGTERM and SIGHUP meanwhile: the first asks the
 * worker to end (SIGTERM), a second one kills it and all below it. DS_ENOTFOUND: no agent;
 * DS_EIO. On return no descendant is alive. */
int local_worker_run(const struct local_request *r, const struct local_callbacks *cb,
                     struct local_outcome *out, struct ds_err *err) DS_CHECKED;

/* decksweep-agent beside this program, else in PATH. gives text in path. */
int local_find_agent(char path[4096], struct ds_err *err) DS_CHECKED;

#endif
