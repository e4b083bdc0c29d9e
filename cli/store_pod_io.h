/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_pod_io.h - reach the results of a cluster sweep on a claim: a short-lived pod of our own
 *
 * The pod is made with the caller's rights, sees nothing of the claim but the sweep's own
 * folder (read-only unless asked), asks for no CPU, ends itself when nobody asks any more, is
 * owned by the Sweep, and is deleted by store_close. While it lives, SIGINT, SIGTERM and SIGHUP
 * make the next use of the store fail with DS_EINTR, so that the command comes to its
 * store_close; a second one ends the process as usual (the pod then ends by itself). */
#ifndef DS_CLI_STORE_POD_IO_H
#define DS_CLI_STORE_POD_IO_H

#include "base/json.h"
#include "kube/kube_io.h"
#include "store/store.h"

struct store_pod_options {
    struct http_loop *loop; /* kube's; borrows until store_close */
    struct kube *kube;      /* borrows until store_close */
    const struct json
        *sweep; /* the Sweep as the API server has it: metadata.name, namespace and uid;
                               * spec.results.store, spec.cluster; status.agentImage. Borrows for the call */
    bool write;
    /* Something the user waits for, now and then ("waiting for pod x: ContainerCreating"); NULL: silent. */
    void (*say)(void *context, const char *text);
    void *context;
    int64_t wait_ms; /* 0: 2 min, till the pod must answer */
};

/* Create the pod, wait until it answers; gives a store with keys "<sweep>/...". A folder that does
 * not exist yet is an empty one.
 *
 * DS_EINPUT: results.store is not pvc://; DS_ENOTFOUND: no such claim; DS_EDENIED names verb,
 * resource and Role; DS_EAGAIN: the controller has not looked at the Sweep yet (no
 * status.agentImage); DS_ETIMEOUT with the scheduler's or kubelet's words; DS_EINTR.
 * gives: store_close, which deletes the pod. */
int store_pod_open(const struct store_pod_options *o, struct store **out,
                   struct ds_err *err) DS_CHECKED;

#endif
