/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http_retry.h - is a request worth another try, and when? Pure. */
#ifndef DS_HTTP_HTTP_RETRY_H
#define DS_HTTP_HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum http_trouble { /* what ended a try without an answer */
                    HTTP_ANSWERED = 0,
                    HTTP_NO_CONNECTION, /* resolve, connect refused or timed out: nothing was sent */
                    HTTP_BROKEN,        /* reset, EOF or timeout after something was sent */
                    HTTP_TLS,           /* certificate or handshake: never worth another try */
                    HTTP_OURS,          /* cap, callback, usage: never */
};

struct http_try {
    enum http_trouble trouble;
    int status;             /* HTTP_ANSWERED */
    int64_t retry_after_ms; /* -1 none */
    bool idempotent;
    unsigned tries; /* made so far, this one included; 1 .. */
    unsigned max_tries;
    int64_t elapsed_ms, deadline_ms; /* deadline 0: none */
    uint32_t random;                 /* uniform: jitter */
};

/* 429, 500, 502, 503, 504 and connection trouble: exponential from 250 ms, factor 2, cap 20 s, full
 * jitter on the upper half; Retry-After is a lower bound (capped at 120 s). -1: give up. */
int64_t http_retry_wait_ms(const struct http_try *t);

#endif
