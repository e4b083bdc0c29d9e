/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http_server_io.h - answering HTTP requests; the only user of libmicrohttpd
 *
 * No thread of its own: one descriptor becomes readable when there is work, and
 * http_server_turn does it without waiting. So it lives in the caller's own poll or http_turn
 * (http.h) beside everything else. Handlers are called from within http_server_turn and must
 * not take long: reading a file that is answered by http_answer_file is done piece by piece.
 *
 * Plain HTTP/1.1: TLS ends in front (the API server's proxy). Requests are hostile: headers
 * are capped at max_header_bytes, connections by number and idle time; bodies are handed on
 * as they come, and it is the handler that says how much is too much. */
#ifndef DS_HTTP_HTTP_SERVER_IO_H
#define DS_HTTP_HTTP_SERVER_IO_H

#include "http/http.h"

struct http_exchange; /* one request and its answer; lives until `ended` returned */

struct http_server_handler {
    void *context;
    /* The headers are here, no byte of the body. An answer given now is the answer, and the body
     * is not read (Expect: 100-continue is then refused). Required. */
    void (*begin)(void *context, struct http_exchange *x);
    /* A piece of the body. Answering here ends it like in begin. NULL: bodies are dropped. */
    void (*data)(void *context, struct http_exchange *x, struct ds_span bytes);
    /* All of the body is here and nothing was answered yet: answer. Not answering is a 500. NULL: 404. */
    void (*complete)(void *context, struct http_exchange *x);
    /* The last call for x, also when the client went away: whole says if all of the answer was
     * handed over. To free http_exchange_state. NULL: nothing to free. */
    void (*ended)(void *context, struct http_exchange *x, bool whole);
};

struct http_server_options {
    const char *address;      /* "127.0.0.1", "::1", "0.0.0.0"; NULL: all, IPv6 where there is */
    uint16_t port;            /* 0: a free one, see http_server_port */
    unsigned max_connections; /* 0: 64; more are refused */
    unsigned max_per_address; /* of those, by one client's IP address; 0: as many */
    unsigned idle_s;          /* 0: 60; a connection without a byte for so long is closed */
    size_t max_header_bytes;  /* 0: 32 KiB a connection */
    struct http_server_handler handler;
};

struct http_server;
/* DS_EINPUT: no such address; DS_EIO, DS_EDENIED with address and port: in use, not allowed.
 * gives: http_server_close, which drops what is under way (`ended` is called). */
int http_server_open(const struct http_server_options *o, struct http_server **out,
                     struct ds_err *err) DS_CHECKED;
void http_server_close(struct http_server *s); /* NULL is legal */
uint16_t http_server_port(const struct http_server *s);

int http_server_fd(const struct http_server *s);         /* to poll for reading; never changes */
int http_server_timeout_ms(const struct http_server *s); /* call turn by then; -1: no hurry */
void http_server_turn(struct http_server *s);            /* never blocks */

/* ---- the request ---- */
enum http_method http_exchange_method(const struct http_exchange *x); /* 0: another one */
struct ds_span http_exchange_target(const struct http_exchange *x);   /* raw: http_target_parse */
/* First header of that name, any case; "" if none. */
struct ds_span http_exchange_header(const struct http_exchange *x, const char *name);
int64_t http_exchange_length(const struct http_exchange *x); /* Content-Length; -1 not told */
void http_exchange_set_state(struct http_exchange *x, void *state);
void *http_exchange_state(const struct http_exchange *x);
/* Memory that goes with the exchange, at most 64 KiB: for decoded paths and the like. */
struct ds_arena *http_exchange_arena(struct http_exchange *x);

/* ---- the answer: once; a second one is ignored ---- */
/* For the answer to come; name and value are copied. */
void http_answer_header(struct http_exchange *x, const char *name, const char *value);
/* body is copied; for HEAD its length is told and it is not sent. */
void http_answer(struct http_exchange *x, int status, const char *content_type,
                 struct ds_span body);
/* [offset, offset+len) of a file, which must not shrink meanwhile (else the connection breaks).
 * takes fd, also when it fails. */
void http_answer_file(struct http_exchange *x, int status, const char *content_type, int fd,
                      uint64_t offset, uint64_t len);

#endif
