/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pod_ask_io.h - one request to a store pod; only shared/store/pod_*.c include it */
#ifndef DS_STORE_POD_ASK_IO_H
#define DS_STORE_POD_ASK_IO_H

#include "store/pod_store_io.h"
#include "store/store_ops.h"

#include <pthread.h>

#define POD_CODE_HEADER "x-decksweep-store"
#define POD_TOKEN_BYTES 256u
#define POD_READ_MS     120000
#define POD_TRIES       6u

struct pod_store {
    struct store base;
    struct pod_store_options o;
    char sweep[STORE_KEY_BYTES], token[POD_TOKEN_BYTES], root[2048]; /* root: before "/v1/..." */
    pthread_mutex_t mutex;
    struct ds_arena *answer; /* of the request under way */
};

struct pod_ask {
    enum http_method method;
    const char *path; /* "/v1/o/..." encoded */
    const char *key;  /* for messages */
    struct http_header header[3];
    size_t n_headers;
    struct http_body body;
    size_t max_body_bytes;
    int64_t deadline_ms;
    unsigned max_tries;
};

void pod_ask_header(struct pod_ask *q, const char *name, const char *value);

/* 0: the pod gave an answer that is no error of it, or 416. r's texts live until the next ask.
 * The caller holds the mutex. */
int pod_ask(struct pod_store *s, struct pod_ask *q, struct http_response *r,
            struct ds_err *err) DS_CHECKED;

/* The key in the sweep's folder, or NULL: it is of another sweep. */
const char *pod_inner_key(const struct pod_store *s, const char *key);

/* "/v1/o/..." of a key; one of another sweep is the error `stranger`. */
int pod_object_path(const struct pod_store *s, const char *key, struct ds_buf *out,
                    enum ds_code stranger, struct ds_err *err) DS_CHECKED;

#endif
