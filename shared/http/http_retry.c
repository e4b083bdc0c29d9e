/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http/http_retry.h"

#define FIRST_MS        INT64_C(250)
#define MOST_MS         INT64_C(20000)
#define MOST_ADVISED_MS INT64_C(120000)

static bool answer_asks_again(int status, bool idempotent)
{
    if (status == 429) /* turned away at the door: nothing was done */
        return true;
    return idempotent && (status == 500 || status == 502 || status == 503 || status == 504);
}

static bool is_worth_it(const struct http_try *t)
{
    switch (t->trouble) {
    case HTTP_ANSWERED:
        return answer_asks_again(t->status, t->idempotent);
    case HTTP_NO_CONNECTION:
        return true;
    case HTTP_BROKEN:
        return t->idempotent;
    case HTTP_TLS:
    case HTTP_OURS:
        return false;
    }
    return false;
}

int64_t http_retry_wait_ms(const struct http_try *t)
{
    if (t->tries >= t->max_tries || !is_worth_it(t))
        return -1;
    int64_t whole = FIRST_MS;
    for (unsigned i = 1; i < t->tries && whole < MOST_MS; i++)
        whole *= 2;
    if (whole > MOST_MS)
        whole = MOST_MS;
    int64_t half = whole / 2;
    int64_t wait = half + (int64_t)((uint64_t)half * t->random >> 32);
    int64_t advised = t->retry_after_ms > MOST_ADVISED_MS ? MOST_ADVISED_MS : t->retry_after_ms;
    if (wait < advised)
        wait = advised;
    if (t->deadline_ms > 0 && t->elapsed_ms + wait >= t->deadline_ms)
        return -1; /* the answer in hand is all there will be */
    return wait;
}
