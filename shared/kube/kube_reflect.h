/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_reflect.h - list and watch of one collection, decided; the shell does what it wishes
 *
 * After client-go's reflector: a consistent list in pages, then a watch from the list's
 * resourceVersion, again and again from the last version seen. A version that the server
 * forgot (410, as an answer or inside a stream) means a new list; what is not understood
 * does, too, because an event may have been lost. A server that is away or busy means waiting
 * and watching on. Pure: events and the time go in. */
#ifndef DS_KUBE_KUBE_REFLECT_H
#define DS_KUBE_KUBE_REFLECT_H

#include "base/buf.h"
#include "base/json.h"
#include "kube/kube_error.h"

#define KUBE_PAGE             500u
#define KUBE_LINE_MOST_BYTES  (((size_t)12 << 20) + 4096) /* one event: an object and some words */
#define KUBE_WATCH_IDLE_MS    INT64_C(150000)             /* bookmarks come about every minute */
#define KUBE_WATCH_LEAST_S    300u /* timeoutSeconds: so long or up to twice */
#define KUBE_FIRST_BACKOFF_MS INT64_C(800)
#define KUBE_MOST_BACKOFF_MS  INT64_C(30000)
#define KUBE_VERSION_BYTES    128u
#define KUBE_CONTINUE_BYTES   4096u

enum kube_wish { KUBE_WISH_NOTHING = 0, KUBE_WISH_LIST, KUBE_WISH_WATCH };

enum kube_failure {                /* why a list or watch ended */
                    KUBE_GONE = 1, /* the version or the continue token is forgotten */
                    KUBE_AWAY,     /* no connection, broken, 429: the same again later */
                    KUBE_SICK, /* a 5xx: likewise, but the list may be what is wrong if it goes on */
                    KUBE_ODD,  /* anything else: list anew */
                    KUBE_TOO_BIG, /* of a page: the same again in smaller pieces */
};

struct kube_reflector {
    enum kube_wish next; /* LIST or WATCH */
    bool asked;          /* it is under way */
    bool mid_list;       /* a page of this list came already */
    bool unpaged;        /* list in one piece: pages kept expiring */
    unsigned page;       /* objects to ask for: fewer when they are large, more again later */
    unsigned n_pages_gone, n_failures, n_watch_failures /* in a row */;
    uint64_t n_events; /* of this watch, bookmarks included */
    int64_t due_ms, asked_ms, failed_ms, backoff_ms;
    uint64_t random;
    char version[KUBE_VERSION_BYTES];
    char next_page[KUBE_CONTINUE_BYTES]; /* "" the first page is due */
};

void kube_reflector_init(struct kube_reflector *r, uint64_t seed);

/* What to ask now; NOTHING while something is under way or before due. */
enum kube_wish kube_reflector_wish(const struct kube_reflector *r, int64_t now_ms);
int64_t kube_reflector_due_ms(const struct kube_reflector *r); /* INT64_MAX: under way */
/* Append the query of the wish; the shell adds selectors before. It is then under way. */
int kube_reflector_ask(struct kube_reflector *r, int64_t now_ms, struct ds_buf *path);

/* A page came. first: a new list begins (the shell tells before its objects). */
bool kube_reflector_page_is_first(const struct kube_reflector *r);
/* Its objects were handed on. version and next_page of its metadata ("" last page).
 * true: the list is complete. DS_ETOOBIG texts count as KUBE_ODD. */
bool kube_reflector_page(struct kube_reflector *r, struct ds_span version, struct ds_span next_page,
                         int64_t now_ms);

/* An event or bookmark of the watch was handed on. */
void kube_reflector_event(struct kube_reflector *r, struct ds_span version);
/* The watch ended as it should. true: a failure all the same (it was too short). */
bool kube_reflector_ended(struct kube_reflector *r, int64_t now_ms);
void kube_reflector_failed(struct kube_reflector *r, enum kube_failure f, int64_t retry_after_ms,
                           int64_t now_ms);

/* How an answer that is no 2xx (0: none came) or an ERROR event counts. */
enum kube_failure kube_failure_of(int status, const struct kube_status *s);

/* ---- one line of a watch ---- */
enum kube_event_type { KUBE_ADDED = 1, KUBE_MODIFIED, KUBE_DELETED, KUBE_BOOKMARK, KUBE_ERROR };
struct kube_event {
    enum kube_event_type type;
    const struct json *object; /* of tree; of KUBE_ERROR a Status */
    struct ds_span version;    /* of tree */
    struct json *tree;
};
/* DS_EPARSE, DS_EINPUT: no event, or an object without name or version. gives: kube_event_clear. */
int kube_event_read(struct ds_span line, struct kube_event *out, struct ds_err *err) DS_CHECKED;
void kube_event_clear(struct kube_event *e);

/* metadata.name and metadata.resourceVersion are there and of sane length? */
bool kube_object_is_sane(const struct json *object, struct ds_span *version);

#endif
