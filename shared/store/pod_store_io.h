/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pod_store_io.h - one sweep's folder on a claim, through a store pod (`decksweep-agent serve`)
 *
 * struct store over HTTP: either through the API server's proxy to a pod, or straight to an
 * address. Keys are "<sweep>/..." as in every store; others are DS_ENOTFOUND, and no write may
 * name them. What travels is bounded; small objects come with one request, larger ones in
 * pieces that are read ahead, and one that was replaced between two pieces is DS_EAGAIN.
 * Requests that failed on the way are made again; a commit whose first try had arrived
 * after all reports existed.
 *
 * Threads may share the store: their requests wait for each other. No locks and no growing
 * objects (a remote store, see store.h). */
#ifndef DS_STORE_POD_STORE_IO_H
#define DS_STORE_POD_STORE_IO_H

#include "kube/kube_io.h"
#include "store/store.h"

struct pod_store_options {
    struct http_loop *loop; /* borrows until closed; used by the calling thread alone */
    struct kube *kube;      /* NULL: base_url. borrows until closed */
    const char *namespace_; /* of the pod */
    const char *pod;
    const char *base_url; /* "http://127.0.0.1:8080", without kube */
    const char *token;    /* what the pod was told the SHA-256 of */
    const char *sweep;    /* its name: what every key begins with */
    const char *label;    /* "pvc://claim/path": store_url, for messages */
    /* Asked before every request and every second while one waits; true: DS_EINTR. May be NULL. */
    bool (*interrupted)(void);
    /* Called once by store_close. May be NULL. */
    void (*closed)(void *context);
    void *context;
};

/* No request is made. gives: store_close. */
int pod_store_open(const struct pod_store_options *o, struct store **out,
                   struct ds_err *err) DS_CHECKED;

/* Does it answer? 0, DS_EAGAIN (not yet: nobody listens), DS_EDENIED (wrong token), ... One try,
 * within 5 s. */
int pod_store_ping(struct store *base, struct ds_err *err) DS_CHECKED;

#endif
