/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_path.h - paths of the Kubernetes API: written with escapes, and read for messages. Pure. */
#ifndef DS_KUBE_KUBE_PATH_H
#define DS_KUBE_KUBE_PATH_H

#include "base/buf.h"
#include "http/http.h"

/* Append the path of a collection or object:
 * ("v1", "x", "pods", NULL, NULL)             -> /api/v1/namespaces/x/pods
 * ("batch/v1", "x", "jobs", "j", NULL)        -> /apis/batch/v1/namespaces/x/jobs/j
 * ("decksweep.io/v1alpha1", "x", "sweeps", "s", "status") -> .../sweeps/s/status
 * namespace_ NULL: of the whole cluster. Names are escaped. Returns 0 or DS_ETOOBIG. */
int kube_path_put(struct ds_buf *out, const char *group_version, const char *namespace_,
                  const char *plural, const char *name, const char *subresource);

/* Append "?key=value" or "&key=value", whichever is due; value escaped. */
int kube_query_put(struct ds_buf *out, const char *key, const char *value);

/* A path taken apart; spans borrow it, names still escaped. "" where there is none. */
struct kube_place {
    struct ds_span group;   /* "" of the core */
    struct ds_span version; /* "" when this is no path of a resource */
    struct ds_span namespace_, resource, name, subresource;
    bool watches; /* watch=1 in the query */
};
void kube_path_read(const char *path, struct kube_place *out);

/* The word that RBAC uses: get list watch create update patch delete deletecollection. */
const char *kube_verb(enum http_method method, const struct kube_place *at);

#endif
