/* SPDX-License-Identifier: GPL-3.0-or-later */
/* serve.h - what a request to a store pod asks for, and what it may. Pure.
 *
 *   GET    /v1/ping                                   "ok"
 *   GET    /v1/list?prefix=cases/&after=KEY&snapshot=N   a page of the listing, by key
 *   GET, HEAD /v1/o/<key>                             the object; Range: bytes=
 *   PUT    /v1/o/<key>                                create or replace; If-None-Match: * creates only
 *   DELETE /v1/o/<key>                                absent is fine
 *
 * Keys are relative to the sweep's folder. Every request carries the token. Every answer has
 * the header X-Decksweep-Store; one that is an error has the ds_code in it and the words as body,
 * so that the other side can tell our 404 from the API server's. */
#ifndef DS_AGENT_SERVE_H
#define DS_AGENT_SERVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "http/http.h"

#include <stdint.h>

#define SERVE_TOKEN_BYTES 256u /* longest token that is looked at */
#define SERVE_PAGE_KEYS   5000u

enum serve_what {
    SERVE_PING = 1,
    SERVE_LIST,
    SERVE_GET, /* HEAD too */
    SERVE_PUT,
    SERVE_DELETE,
};

struct serve_policy {
    char token_sha256[65]; /* lower-case hex */
    bool write;
    uint64_t max_object_bytes; /* of a PUT */
};

struct serve_asked { /* as it came */
    enum http_method method;
    struct ds_span target, token, if_none_match;
    int64_t length; /* Content-Length; -1 not told */
};

struct serve_request {
    enum serve_what what;
    char *key;            /* object; NULL otherwise */
    char *prefix, *after; /* SERVE_LIST; "" none */
    uint64_t snapshot;    /* SERVE_LIST; 0: a new one */
    bool if_absent;       /* SERVE_PUT */
    uint64_t length;      /* SERVE_PUT */
};

/* What is asked, when it may be asked. Order: token (DS_EDENIED, *status 401: nothing else is
 * told to who has none), path and key (DS_EINPUT 400, DS_ENOTFOUND 404), method (DS_EUNSUPPORTED
 * 405), rights (DS_EDENIED 403), length (411, DS_ETOOBIG 413). a: keeps texts. */
int serve_read(const struct serve_policy *p, const struct serve_asked *asked, struct ds_arena *a,
               struct serve_request *out, int *status, struct ds_err *err) DS_CHECKED;

/* The status that fits a failure of the store behind. */
int serve_status(enum ds_code code);

/* ---- listing ---- */
struct serve_object {
    struct ds_span key;
    uint64_t size_bytes;
    int64_t mtime_ms;
};

/* By key, for serve_put_page. */
void serve_sort(struct serve_object *objects, size_t n);

/* {"snapshot":7,"objects":[["cases/x",123,1700000000000],...],"next":"cases/x"}: at most
 * SERVE_PAGE_KEYS objects after `after`; "next" is missing on the last page. */
int serve_put_page(const struct serve_object *sorted, size_t n, const char *after,
                   uint64_t snapshot, struct ds_buf *out);

#endif
