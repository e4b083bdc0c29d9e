/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events for people: `kubectl describe sweep` shows them. Sent and forgotten: a lost one costs nothing. */
#include "base/clock_io.h"
#include "base/log_io.h"
#include "kube/kube_path.h"
#include "scheduler/controller_parts_io.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENT_BODY_BYTES (16u << 10)

struct event_send {
    struct controller *c;
    struct event_send *next;
    struct ds_buf body;
    bool count_up;
    char name[EVENT_NAME_BYTES];
};

static void send_free(struct event_send *s)
{
    for (struct event_send **at = &s->c->sends; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    s->c->n_events--;
    buf_clear(&s->body);
    free(s);
}

void recorder_clear(struct controller *c)
{
    while (c->sends)
        send_free(c->sends);
}

static void on_sent(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct event_send *s = context;
    (void)body;
    if (s->count_up && status == 404)
        event_filter_forget(s->c->events, s->name); /* the API server's TTL is over */
    else if (status < 200 || status > 299)
        controller_say_once(s->c, "an event was not written: %s", err ? err->text : "no answer");
    send_free(s);
}

static void start_send(struct event_send *s, const struct sweep_view *sweep)
{
    ds_auto_buf path;
    uint64_t id;
    struct ds_err err = {0};
    buf_init(&path, 4096);
    (void)kube_path_put(&path, "v1", sweep->namespace_, "events", s->count_up ? s->name : NULL,
                        NULL);
    struct kube_call call = {
        .method = s->count_up ? HTTP_PATCH : HTTP_POST,
        .path = path.data ? path.data : "",
        .content_type = s->count_up ? "application/merge-patch+json" : NULL,
        .body = {.data = s->body.data, .len = s->body.len},
        .max_tries = 3,
    };
    if (s->body.failed || kube_start(s->c->kube, &call, on_sent, s, &id, &err) < 0)
        on_sent(s, 0, (struct ds_span){"", 0}, &err);
}

void recorder_say(struct controller *c, const struct sweep_view *sweep, bool warning,
                  const char *reason, const char *text)
{
    char name[EVENT_NAME_BYTES];
    const struct event_memory *m;
    int64_t now_ms = clock_monotonic_ms(), now_s = clock_unix_ms() / 1000;
    log_info("%s/%s: %s: %s", sweep->namespace_, sweep->name, reason, text);
    (void)snprintf(name, sizeof name, "%.40s.%016llx", sweep->name,
                   (unsigned long long)clock_unix_ms() << 20 | (controller_random(c) & 0xfffff));
    enum event_verdict verdict =
        c->n_events >= EVENTS_IN_FLIGHT
            ? EVENT_DROP
            : event_filter_take(c->events, sweep->uid, reason, text, name, now_ms, &m);
    if (verdict == EVENT_DROP) {
        c->metrics.n_events_dropped++;
        return;
    }
    struct event_send *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->c = c;
    s->next = c->sends;
    c->sends = s;
    c->n_events++;
    c->metrics.n_events++;
    s->count_up = verdict == EVENT_COUNT_UP;
    memcpy(s->name, m->name, sizeof s->name);
    buf_init(&s->body, EVENT_BODY_BYTES);
    struct api_event e = {.sweep = sweep,
                          .reason = reason,
                          .text = text,
                          .warning = warning,
                          .memory = m,
                          .first_s = now_s - (now_ms - m->first_ms) / 1000,
                          .now_s = now_s,
                          .instance = c->me};
    if (s->count_up)
        api_put_event_count(&s->body, &e);
    else
        api_put_event(&s->body, &e);
    start_send(s, sweep);
}
