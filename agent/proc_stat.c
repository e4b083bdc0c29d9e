/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_stat.c - no libc but memory functions: the guardian runs this after fork. */
#include "agent/proc_stat.h"

/* Unsigned decimal at *at; false when there is none. Stops at the first other byte. */
static bool take_number(struct ds_span s, size_t *at, uint64_t *out)
{
    uint64_t v = 0;
    size_t from = *at;
    while (*at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9') {
        unsigned digit = (unsigned)(s.ptr[*at] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
        (*at)++;
    }
    *out = v;
    return *at > from;
}

/* Skip blanks and n fields. */
static bool skip_fields(struct ds_span s, size_t *at, unsigned n)
{
    for (;;) {
        while (*at < s.len && s.ptr[*at] == ' ')
            (*at)++;
        if (n == 0)
            return *at < s.len;
        if (*at >= s.len)
            return false;
        while (*at < s.len && s.ptr[*at] != ' ')
            (*at)++;
        n--;
    }
}

static bool take_pid(struct ds_span s, size_t *at, int32_t *out)
{
    uint64_t v = 0;
    if (!take_number(s, at, &v) || v > INT32_MAX)
        return false;
    *out = (int32_t)v;
    return true;
}

/* pid (comm) state ppid pgrp session tty_nr ... 20 num_threads 21 itrealvalue 22 starttime 23 vsize 24 rss */
bool proc_stat_parse(struct ds_span s, struct proc_stat *out)
{
    struct proc_stat p = {0};
    size_t at = 0;
    if (!take_pid(s, &at, &p.pid))
        return false;
    size_t close = s.len; /* the name may hold blanks and ')': its end is the last one */
    while (close > at && s.ptr[close - 1] != ')')
        close--;
    if (close == at)
        return false;
    at = close;
    if (!skip_fields(s, &at, 0))
        return false;
    p.state = s.ptr[at];
    if (!skip_fields(s, &at, 1) || !take_pid(s, &at, &p.ppid))
        return false;
    if (!skip_fields(s, &at, 1) || !take_pid(s, &at, &p.sid))
        return false;
    uint64_t threads = 0;
    if (!skip_fields(s, &at, 13) || !take_number(s, &at, &threads) || threads > UINT32_MAX)
        return false;
    p.n_threads = (uint32_t)threads;
    if (!skip_fields(s, &at, 1) || !take_number(s, &at, &p.start_ticks))
        return false;
    if (!skip_fields(s, &at, 1) || !take_number(s, &at, &p.rss_pages))
        return false;
    *out = p;
    return true;
}

bool proc_pss_parse(struct ds_span s, uint64_t *bytes)
{
    static const char KEY[] = "\nPss:";
    const char *hit = s.len ? memmem(s.ptr, s.len, KEY, sizeof(KEY) - 1) : NULL;
    if (!hit)
        return false;
    size_t at = (size_t)(hit - s.ptr) + sizeof(KEY) - 1;
    uint64_t kib = 0;
    while (at < s.len && (s.ptr[at] == ' ' || s.ptr[at] == '\t'))
        at++;
    if (!take_number(s, &at, &kib) || kib > UINT64_MAX / 1024)
        return false;
    *bytes = kib * 1024;
    return true;
}
