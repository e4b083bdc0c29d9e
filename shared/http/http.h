/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http.h - many HTTP requests in flight over one event loop; the only user of libcurl
 *
 * Requests are started, named by an id, and end in a call of on_done from within http_turn;
 * nothing blocks but http_turn, nothing runs beside it. Connections are kept and reused,
 * HTTP/2 where the server speaks it. TLS is verified unless a caller says otherwise aloud.
 * Bytes from a server are hostile: headers and bodies are capped, a redirect is never
 * followed (it is an answer like any other). Retries are decided by http_retry.h (pure) and made here.
 * A loop belongs to one thread; loops share nothing. No signal is used or handled: callers
 * ignore SIGPIPE. */
#ifndef DS_HTTP_HTTP_H
#define DS_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"

enum http_method { HTTP_GET = 1, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_PATCH, HTTP_DELETE };
const char *http_method_name(enum http_method m);

struct http_header {
    struct ds_span name, value; /* no CR, LF or NUL: DS_EINPUT */
};

struct http_tls { /* NULL or empty: the system's; PEM texts in memory. All borrowed till on_done */
    struct ds_span ca_pem, cert_pem, key_pem;
    const char *ca_file;
    const char *server_name; /* checked instead of the URL's host */
    bool insecure;           /* the caller has warned */
    const char *proxy;       /* URL; NULL: by the environment as curl does; "" none */
};

struct http_body {    /* what is sent */
    const void *data; /* NULL: from fd at offset */
    int fd;
    uint64_t offset, len;
};

#define HTTP_MAX_HEADERS 48u
struct http_response {
    int status;                                  /* 0: no answer */
    struct http_header header[HTTP_MAX_HEADERS]; /* lower-case names */
    size_t n_headers;
    struct ds_span body;     /* collected; "" when streamed */
    uint64_t received_bytes; /* of the body */
    int64_t retry_after_ms;  /* from Retry-After: seconds or a date; -1 none */
    int64_t date_s;          /* Date header as Unix seconds; 0 none: for skewed clocks */
    unsigned tries;
};
struct ds_span http_response_header(const struct http_response *r, const char *name); /* "" */

struct http_request;
struct http_callbacks { /* all from inside http_turn; may start and cancel requests */
    void *context;
    /* Before every try, the first included: set url, headers, tls and body anew (signatures,
     * rotated tokens). Negative: the request ends with err. NULL: as given. */
    int (*prepare)(void *context, unsigned try_number, struct http_request *r, struct ds_err *err);
    /* Bytes of a 2xx body as they come; NULL: collected up to max_body_bytes. Negative ends it.
     * Once some were given, the request is not tried again. */
    int (*data)(void *context, struct ds_span bytes, struct ds_err *err);
    /* Asked of an answer that is no 2xx before anything else: true: try again at once, with what
     * prepare says then (credentials that expired). At most twice. NULL: never. */
    bool (*again)(void *context, const struct http_response *response);
    /* Once. err NULL: an answer came, whatever its status. response borrows until return. */
    void (*done)(void *context, const struct http_response *response, const struct ds_err *err);
};

struct http_request {
    enum http_method method;
    const char *url;                   /* absolute, encoded; copied */
    const struct http_header *headers; /* copied */
    size_t n_headers;
    struct http_body body; /* borrowed till done */
    const struct http_tls *tls;
    size_t max_body_bytes; /* DS_ETOOBIG above; error bodies are cut at 64 KiB instead */
    int64_t connect_ms;    /* 0: 10 s */
    int64_t deadline_ms;   /* all tries and waits together; 0 none */
    int64_t idle_ms;       /* no byte for so long: DS_ETIMEOUT; 0 none */
    unsigned max_tries;    /* 0, 1: no retry */
    bool idempotent;       /* may be sent again after a connection broke */
    bool accept_gzip;      /* ask for a compressed body and unpack it; caps count unpacked bytes */
    struct http_callbacks on;
};

struct http_loop;
/* max_connections: to one host; 0: 16. user_agent borrows. gives: http_loop_destroy. */
struct http_loop *http_loop_create(unsigned max_connections, const char *user_agent);
void http_loop_destroy(struct http_loop *loop); /* NULL is legal; on_done is not called */

/* Never blocks. *id > 0. DS_EINPUT: no URL of http or https. */
int http_start(struct http_loop *loop, const struct http_request *r, uint64_t *id,
               struct ds_err *err) DS_CHECKED;
/* Call fire once from within http_turn when delay_ms have passed. *id as of a request. */
void http_timer(struct http_loop *loop, int64_t delay_ms, void (*fire)(void *context),
                void *context, uint64_t *id);
/* Forget a request (done is not called) or a timer. Unknown ids are fine. */
void http_cancel(struct http_loop *loop, uint64_t id);
size_t http_in_flight(const struct http_loop *loop); /* requests; waiting for a retry included */

/* Work until a callback was called, a descriptor is readable or timeout_ms passed (-1: for ever).
 * fds: further descriptors to wait for; readable[i] is set. Returns 0, DS_EINTR on a signal (also
 * one whose handler restarts system calls). Not from within a callback: DS_EINPUT. */
int http_turn(struct http_loop *loop, int timeout_ms, const int *fds, bool *readable, size_t n_fds,
              struct ds_err *err) DS_CHECKED;

/* All of it into a. DS_ETOOBIG: no room there. */
int http_response_copy(const struct http_response *from, struct ds_arena *a,
                       struct http_response *out, struct ds_err *err) DS_CHECKED;

/* One request to its end (turning the loop): body and headers in a. r->on is ignored but prepare
 * and again.
 * Returns 0 whatever the status; errors as on_done would get them. */
int http_do(struct http_loop *loop, const struct http_request *r, struct ds_arena *a,
            struct http_response *out, struct ds_err *err) DS_CHECKED;

#endif
