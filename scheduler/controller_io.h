/* SPDX-License-Identifier: GPL-3.0-or-later */
/* controller_io.h - the controller: caches of the cluster around reconcile(), until it is told to end
 *
 * One thread around http_turn. Watches fill the cache (cache.h) and mark the slots that changed;
 * a marked slot is decided by reconcile() and its actions are performed one after the other; it
 * is looked at again only when they have answered. Only the leader writes. Nothing is remembered
 * but what the API server holds: it may be killed at any moment. docs/controller.md tells
 * administrators what it says and counts. */
#ifndef DS_SCHEDULER_CONTROLLER_IO_H
#define DS_SCHEDULER_CONTROLLER_IO_H

#include "decksweep/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROLLER_MAX_NAMESPACES 64u

struct controller_options { /* all borrowed */
    const char *agent_image;
    const char *namespaces[CONTROLLER_MAX_NAMESPACES];
    size_t n_namespaces;         /* 0: all of the cluster */
    const char *lease_namespace; /* where Lease and limits are; NULL: our own */
    const char *kubeconfig, *context;
    const char *listen_address; /* NULL: no endpoints */
    uint16_t listen_port;
    bool alone; /* no leader election */
};

/* Run until SIGTERM or SIGINT (returns 0). DS_EINPUT, DS_EDENIED: no such kubeconfig or context.
 * Leadership that is lost only means waiting: nothing is written from that moment on. */
int controller_run(const struct controller_options *o, struct ds_err *err) DS_CHECKED;

#endif
