/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_io.h - a Kubernetes API server: credentials, requests, watches
 *
 * Knows no kind of object and no policy: paths and JSON go in, JSON comes out. Credentials are
 * read again when they may have changed (tokenFile and the service account's token every
 * minute; an exec plugin's when they expire or after a 401). Warnings of the server go to the
 * log once each. Everything, the waiting of watches included, is driven by http_turn alone.
 * kube_do turns the loop, so callbacks of other requests and watches run inside it; from within
 * a callback only kube_start is legal (kube_do: DS_EINPUT). One thread. */
#ifndef DS_KUBE_KUBE_IO_H
#define DS_KUBE_KUBE_IO_H

#include "http/http.h"

struct kube_options {       /* NULL: as kubectl does */
    const char *kubeconfig; /* else $KUBECONFIG (a list by ':'), else ~/.kube/config */
    const char *context;    /* else current-context */
    const char *namespace_; /* else the context's, else "default" */
    bool in_cluster;        /* the service account of this pod, nothing else */
};

struct kube;
/* Reads the files; no request is made. In a pod without a kubeconfig the service account is
 * used. DS_EINPUT: unknown context (names those there are), no such file, bad YAML, no server;
 * DS_EDENIED. loop: borrows. gives: kube_close. */
int kube_open(const struct kube_options *o, struct http_loop *loop, struct kube **out,
              struct ds_err *err) DS_CHECKED;
void kube_close(struct kube *k); /* NULL is legal; requests under way are forgotten */
const char *kube_namespace(const struct kube *k);
const char *kube_server(const struct kube *k);  /* URL, for messages */
const char *kube_context(const struct kube *k); /* "" in a cluster */

struct kube_call {
    enum http_method method;
    const char *path;         /* "/api/v1/namespaces/x/pods?labelSelector=..." encoded */
    const char *content_type; /* NULL: application/json */
    const char *accept;       /* NULL: application/json */
    struct http_body body;
    const struct http_header *headers; /* further ones */
    size_t n_headers;
    size_t max_body_bytes; /* 0: 32 MiB */
    int64_t deadline_ms;   /* 0: 30 s; kube_stream: none */
    int64_t idle_ms;       /* no byte for so long: DS_ETIMEOUT; 0 none */
    unsigned
        max_tries; /* 0: 5 for GET, PUT, DELETE; POST and PATCH only after 429 and before sending */
    /* kube_do only. NULL, or out: the last answer with its headers, in a; also when its status makes
     * it an error (a pod's own 404 behind the proxy); status 0: none came. */
    struct http_response *answer;
};

/* Told of every answer, watches and their lists included, for metrics: verb "GET", "LIST",
 * "WATCH" (when it ends), "POST", ..., status 0 when none came. NULL: nobody. */
typedef void (*kube_seen_f)(void *context, const char *verb, int status);
void kube_observe(struct kube *k, kube_seen_f seen, void *context);

/* One call to its end. An answer that is no 2xx is an error whose text says verb, resource and the
 * server's message (kube_error.h): DS_ENOTFOUND 404, DS_EEXIST 409 AlreadyExists, DS_EAGAIN 409
 * Conflict and 410, DS_EDENIED 401 403, DS_EINPUT 400 422, DS_ETIMEOUT, DS_EIO. *status may be NULL. */
int kube_do(struct kube *k, const struct kube_call *c, struct ds_arena *a, struct ds_span *body,
            int *status, struct ds_err *err) DS_CHECKED;

/* The same without waiting: done is called from http_turn, once. err NULL: a 2xx came; else as
 * kube_do's, with the status (0: no answer) and the body of the refusal. *c is copied but for the
 * bytes of body, which are borrowed till done. */
typedef void (*kube_done_f)(void *context, int status, struct ds_span body,
                            const struct ds_err *err);
int kube_start(struct kube *k, const struct kube_call *c, kube_done_f done, void *context,
               uint64_t *id, struct ds_err *err) DS_CHECKED;

/* The body of a 2xx as it comes (logs with follow, files through a pod's proxy). */
typedef int (*kube_data_f)(void *context, struct ds_span bytes, struct ds_err *err);
int kube_stream(struct kube *k, const struct kube_call *c, kube_data_f data, kube_done_f done,
                void *context, uint64_t *id, struct ds_err *err) DS_CHECKED;

/* Forget a request of kube_start or kube_stream: done is not called. Unknown ids are fine. */
void kube_cancel(struct kube *k, uint64_t id);

/* ---- a kind, watched for ever (client-go's reflector; state machine in kube_reflect.h) ---- */
struct json;
struct kube_watch_callbacks {
    void *context;
    /* A list begins: what is not seen before `synced` is gone. */
    void (*relist)(void *context);
    void (*object)(void *context, const struct json *object); /* new or changed; borrowed */
    void (*deleted)(void *context, const struct json *object);
    void (*synced)(void *context); /* the list is complete */
    /* Something went wrong; it is being retried. Told once until it works again. */
    void (*trouble)(void *context, const struct ds_err *err);
};
struct kube_watch;
/* path: of the collection, without query; selector: label selector or NULL; field: likewise.
 * The first list goes out with the next http_turn; callbacks come from within it and may stop
 * this watch or any other. Strings are copied. gives: kube_watch_stop, before kube_close. */
int kube_watch_start(struct kube *k, const char *path, const char *label_selector,
                     const char *field_selector, const struct kube_watch_callbacks *on,
                     struct kube_watch **out, struct ds_err *err) DS_CHECKED;
void kube_watch_stop(struct kube_watch *w); /* NULL is legal */
/* The same with only apiVersion, kind and metadata of each object (PartialObjectMetadata): for
 * kinds whose content costs memory and is nobody's business. */
int kube_watch_metadata_start(struct kube *k, const char *path, const char *label_selector,
                              const char *field_selector, const struct kube_watch_callbacks *on,
                              struct kube_watch **out, struct ds_err *err) DS_CHECKED;

#endif
