/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_error.h - a refusal of the API server in words that help
 *
 * Status objects are hostile (a proxy may answer anything): bounded and shown without control
 * codes. Pure. */
#ifndef DS_KUBE_KUBE_ERROR_H
#define DS_KUBE_KUBE_ERROR_H

#include "kube/kube_path.h"

struct kube_status {
    char reason[64];          /* "AlreadyExists"; "" when this is no Status */
    char message[400];        /* plain text; of another answer its first line */
    char kind[64], name[256]; /* details: what it is about */
    int code;                 /* 0: not said */
    int64_t retry_after_ms;   /* details.retryAfterSeconds; -1 none */
    bool too_new;             /* a resourceVersion that the server has not reached */
};
void kube_status_read(struct ds_span body, struct kube_status *out);
struct json;
void kube_status_of(const struct json *status, struct kube_status *out);

struct kube_asked {
    enum http_method method;
    const char *path;       /* of the request */
    const char *server;     /* URL */
    const char *credential; /* how we log in, and what to do when that is refused; one sentence */
    bool in_cluster;        /* we are the controller */
};

/* Fill err from an answer that is no 2xx and return its code (see kube_do). The text names verb,
 * resource and namespace, what the server says, and what to do: the ClusterRole of ours that
 * allows it (403), the login (401), how to install (no such kind). */
int kube_error_fill(const struct kube_asked *q, int status, struct ds_span body,
                    struct ds_err *err);

/* "create sweeps/x in namespace n", for messages. */
void kube_asked_words(const struct kube_asked *q, char *out, size_t room);

/* The ClusterRole of decksweep that allows it; NULL: none does. */
const char *kube_role_for(const char *verb, const struct kube_place *at, bool in_cluster);

#endif
