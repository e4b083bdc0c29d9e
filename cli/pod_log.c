/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/pod_log.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>

#define LEAST_ID 4u

int pod_log_init(struct pod_log *l, struct ds_span text, bool by_id, struct ds_err *err)
{
    uint64_t number;
    *l = (struct pod_log){.number = -1, .step = -1};
    if (!by_id && units_parse_u64(text, UINT32_MAX, &number, NULL) == 0) {
        l->number = (int64_t)number;
        return 0;
    }
    bool is_id = text.len >= LEAST_ID && text.len <= CASE_ID_CHARS;
    for (size_t i = 0; i < text.len && is_id; i++)
        is_id = (text.ptr[i] >= '0' && text.ptr[i] <= '9')
                || (text.ptr[i] >= 'a' && text.ptr[i] <= 'f');
    if (!is_id)
        return ds_fail(err, DS_EINPUT,
                       "%.*s is no case: CASE is a number, or an id of 16 hexadecimal digits or "
                       "the first 4 or more of them",
                       DS_FMT(text));
    memcpy(l->id_start, text.ptr, text.len);
    return 0;
}

static bool is_ours(const struct pod_log *l, const struct event *e)
{
    if (l->number >= 0)
        return e->number == l->number;
    return strncmp(e->id.hex, l->id_start, strlen(l->id_start)) == 0;
}

/* ---- the simulator's last lines ---- */

static struct ds_span without_last_newline(struct ds_span s)
{
    while (s.len > 0 && s.ptr[s.len - 1] == '\n')
        s.len--;
    return s;
}

struct ds_span pod_log_new_part(struct ds_span before, struct ds_span now)
{
    before = without_last_newline(before);
    now = without_last_newline(now);
    /* The longest end of before that begins now. Its start may lie inside a line: tails are cut by
     * bytes. Its end must be a line's, or before may have ended within a line that grew. */
    size_t from = before.len > now.len ? before.len - now.len : 0;
    for (; from < before.len; from++) {
        size_t n = before.len - from;
        if (memcmp(before.ptr + from, now.ptr, n) != 0)
            continue;
        if (n == now.len)
            return (struct ds_span){now.ptr + n, 0};
        if (now.ptr[n] == '\n')
            return (struct ds_span){now.ptr + n + 1, now.len - n - 1};
        /* The last line grew: it is shown anew, from its start. */
        while (n > 0 && now.ptr[n - 1] != '\n')
            n--;
        return (struct ds_span){now.ptr + n, now.len - n};
    }
    return now;
}

static void put_tail(struct pod_log *l, const struct event *e, struct ds_buf *out)
{
    struct ds_span part = pod_log_new_part(ds_span_of(l->tail), ds_span_of(e->tail));
    if (e->tail[0] == '\0')
        return;
    if (part.len > 0) {
        (void)buf_put_span(out, part);
        (void)buf_put_char(out, '\n');
    }
    memcpy(l->tail, e->tail, sizeof l->tail);
    l->tail[sizeof l->tail - 1] = '\0';
}

/* ---- events as lines ---- */

static void put_time(int64_t at_ms, struct ds_buf *out)
{
    char text[24];
    units_format_date(at_ms / 1000, text);
    (void)buf_printf(out, "[%s] ", text);
}

static void put_started(const struct event *e, struct ds_buf *out)
{
    put_time(e->at_ms, out);
    (void)buf_printf(out, "case %lld started", (long long)e->number);
    if (e->attempt > 1)
        (void)buf_printf(out, ", attempt %lld", (long long)e->attempt);
    if (e->slot >= 0)
        (void)buf_printf(out, ", slot %lld", (long long)e->slot);
    if (e->cpuset[0])
        (void)buf_printf(out, ", CPUs %s", e->cpuset);
    if (e->limit_mem_bytes > 0) {
        char size[UNITS_TEXT_BYTES];
        units_format_size((uint64_t)e->limit_mem_bytes, size);
        (void)buf_printf(out, ", memory limit %s", size);
    }
    (void)buf_put_char(out, '\n');
}

static void put_progress(const struct event *e, struct ds_buf *out)
{
    if (e->step < 0)
        return;
    put_time(e->at_ms, out);
    (void)buf_printf(out, "report step %lld", (long long)e->step);
    if (e->n_steps > 0)
        (void)buf_printf(out, " of %lld", (long long)e->n_steps);
    if (isfinite(e->time_days))
        (void)buf_printf(out, ", day %.6g", e->time_days);
    if (e->wall_ms >= 0) {
        char took[UNITS_TEXT_BYTES];
        units_format_duration(e->wall_ms, took);
        (void)buf_printf(out, ", after %s", took);
    }
    (void)buf_put_char(out, '\n');
}

static void put_end(const struct event *e, struct ds_buf *out)
{
    put_time(e->at_ms, out);
    if (e->kind == EVENT_COMMITTED)
        (void)buf_printf(out, "case %lld is stored", (long long)e->number);
    else
        (void)buf_printf(out, "case %lld: %s%s%s%s", (long long)e->number,
                         e->verdict ? verdict_name(e->verdict) : "failed",
                         e->kind != EVENT_FAILED ? ""
                         : e->final              ? ", not tried again"
                                                 : ", to be tried again",
                         e->text[0] ? ": " : "", e->text);
    (void)buf_put_char(out, '\n');
}

/* ---- reading ---- */

static void take_running(struct pod_log *l, const struct event *e, struct ds_buf *out)
{
    l->state = POD_CASE_RUNNING;
    if (e->kind == EVENT_STARTED) {
        l->started = *e;
        l->progress.kind = EVENT_NONE;
        l->step = -1;
        l->tail[0] = '\0';
        if (out)
            put_started(e, out);
    } else if (e->kind == EVENT_PROGRESS) {
        l->progress = *e;
        if (out && e->step != l->step)
            put_progress(e, out);
        l->step = e->step;
        if (out)
            put_tail(l, e, out);
    }
}

static void take_event(struct pod_log *l, const struct event *e, struct ds_buf *out)
{
    if (e->kind == EVENT_WORKER || e->kind == EVENT_ENDED)
        l->worker_ended = e->kind == EVENT_ENDED;
    if (!is_ours(l, e) || e->at_ms <= l->last_ms)
        return; /* read before: a log is asked for by the second */
    switch (e->kind) {
    case EVENT_STAGED:
    case EVENT_STARTED:
    case EVENT_PROGRESS:
        l->last_ms = e->at_ms;
        take_running(l, e, out);
        break;
    case EVENT_FINISHED:
        l->last_ms = e->at_ms;
        if (out)
            put_end(e, out);
        break;
    case EVENT_COMMITTED:
    case EVENT_FAILED:
        l->last_ms = e->at_ms;
        l->state = POD_CASE_ENDED;
        l->verdict = e->kind == EVENT_COMMITTED ? VERDICT_OK : e->verdict;
        l->final = e->kind == EVENT_COMMITTED || e->final;
        if (out)
            put_end(e, out);
        break;
    default:
        break;
    }
}

static void take_line(struct pod_log *l, struct ds_span line, struct ds_buf *out)
{
    struct event e;
    line = ds_span_trim(line);
    if (line.len > 0 && line.ptr[0] == '{' && event_decode(line, &e, NULL) == 0)
        take_event(l, &e, out);
}

void pod_log_feed(struct pod_log *l, struct ds_span bytes, struct ds_buf *out)
{
    while (bytes.len > 0) {
        const char *end = memchr(bytes.ptr, '\n', bytes.len);
        size_t n = end ? (size_t)(end - bytes.ptr) : bytes.len;
        if (l->n_line + n > sizeof l->line) {
            l->line_is_too_long = true;
            l->n_line = 0;
        } else if (!l->line_is_too_long) {
            memcpy(l->line + l->n_line, bytes.ptr, n);
            l->n_line += n;
        }
        if (end) {
            if (!l->line_is_too_long)
                take_line(l, (struct ds_span){l->line, l->n_line}, out);
            l->n_line = 0;
            l->line_is_too_long = false;
            n++;
        }
        bytes = (struct ds_span){bytes.ptr + n, bytes.len - n};
    }
}

void pod_log_put_state(struct pod_log *l, struct ds_buf *out)
{
    if (l->started.kind == EVENT_STARTED)
        put_started(&l->started, out);
    if (l->progress.kind != EVENT_PROGRESS)
        return;
    put_progress(&l->progress, out);
    put_tail(l, &l->progress, out);
}
