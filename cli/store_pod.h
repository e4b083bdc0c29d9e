/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_pod.h - the store pod's manifest, and what an API server says about it. Pure. */
#ifndef DS_CLI_STORE_POD_H
#define DS_CLI_STORE_POD_H

#include "base/buf.h"
#include "base/json.h"
#include "decksweep/cluster.h"

struct store_pod_plan {
    const char *name;       /* of the pod */
    const char *namespace_; /* of the Sweep */
    const char *sweep, *sweep_uid;
    const char *image;
    struct ds_span claim, path; /* of results.store; path "" : the claim's root */
    const char *token_sha256;   /* hex */
    bool write;
    bool one_node; /* the claim can be mounted by one node only: go where it is */
};

#define STORE_POD_MAX_BYTES ((size_t)128 << 10)
#define STORE_POD_LIFE_S    14400u /* activeDeadlineSeconds: the pod ends then, whatever happens */

/* The Pod as JSON. sweep: the object; spec.cluster's pull secrets, service account, selector,
 * tolerations, labels, annotations and security context go with it. DS_ETOOBIG. */
int store_pod_manifest(const struct store_pod_plan *p, const struct json *sweep, struct ds_buf *out,
                       struct ds_err *err) DS_CHECKED;

/* Can more than one node mount the claim? One without access modes is taken for one that cannot. */
bool claim_is_one_node(const struct json *claim);

enum store_pod_phase {
    STORE_POD_WAITS = 1, /* words: why, "" not known */
    STORE_POD_RUNS,
    STORE_POD_NEVER, /* it will not come: words say why */
};
/* words: "0/3 nodes are available: ...", "image x: ImagePullBackOff: ...", in a. */
enum store_pod_phase store_pod_look(const struct json *pod, struct ds_arena *a,
                                    struct ds_span *words);

/* The newest warning of an EventList (core/v1): "FailedMount: MountVolume...."; "" none. */
struct ds_span event_list_newest_warning(const struct json *list, struct ds_arena *a);

#endif
