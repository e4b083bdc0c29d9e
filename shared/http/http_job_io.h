/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http_job_io.h - what the loop and one try share; for shared/http only */
#ifndef DS_HTTP_HTTP_JOB_IO_H
#define DS_HTTP_HTTP_JOB_IO_H

#include "http/http_head.h"
#include "http/http_retry.h"

#define HTTP_ERROR_BODY_BYTES ((size_t)64 << 10)

enum http_job_state { JOB_WAITING = 1 /* for due_ms */, JOB_RUNNING, JOB_OVER };

struct http_job {
    struct http_job *next;
    struct http_loop *loop;
    size_t *n_happened; /* of the loop: callbacks called in this turn */
    uint64_t id;
    enum http_job_state state;
    bool cancelled;
    struct ds_arena *memory; /* url and headers as given */
    struct http_request given, r /* of this try */;
    int64_t began_ms, due_ms, last_byte_ms;
    unsigned tries, n_again;
    bool wants_fresh; /* a connection of its own making: the old one may be dead */
    /* one try */
    void *easy;
    void *lines, *connect_to; /* struct curl_slist */
    char *why;                /* curl's words */
    struct ds_arena *head_memory;
    struct http_head head;
    struct ds_buf body;
    bool given_out; /* bytes went to on.data: never again */
    uint64_t received, sent;
    int refused; /* ds_code of a callback or cap */
    struct ds_err refusal;
};

/* Set up job->easy for job->r; nothing is sent yet. */
int http_try_open(struct http_job *j, const char *user_agent, struct ds_err *err) DS_CHECKED;
void http_try_close(struct http_job *j); /* the easy handle is in no multi handle any more */

/* Judge how a try ended by curl's code; fills err unless HTTP_ANSWERED. */
enum http_trouble http_try_judge(struct http_job *j, int curl_code, struct ds_err *err);

/* All of the request as it may be sent? */
int http_request_check(const struct http_request *r, struct ds_err *err) DS_CHECKED;

/* "https://host:port" of an URL. */
struct ds_span http_origin(const char *url);

#endif
