/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Lease, as lease.c wishes. Requests are tried once and are short: waiting is what it decides. */
#include "base/clock_io.h"
#include "base/log_io.h"
#include "kube/kube_path.h"
#include "scheduler/controller_parts_io.h"

#define LEASE_NAME       "decksweep-scheduler"
#define LEASE_GROUP      "coordination.k8s.io/v1"
#define LEASE_REQUEST_MS 4000
#define LEASE_GOODBYE_MS 1000
#define LEASE_BODY_BYTES ((size_t)64 << 10)

static void take_answer(struct ds_span body, struct lease_record *out, bool *good)
{
    ds_auto_json j = NULL;
    *good = json_parse(body, LEASE_BODY_BYTES, &j, NULL) == 0;
    if (*good)
        lease_decode(j, out);
}

static void on_looked(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct controller *c = context;
    struct lease_record r = {0};
    bool good = status == 404;
    c->lease_busy = false;
    if (status == 200)
        take_answer(body, &r, &good);
    if (!good)
        controller_say_once(c, "lease %s/%s: %s", c->namespace_, LEASE_NAME,
                            err ? err->text : "no Lease in the answer");
    if (good && r.found && r.holder[0] && strcmp(r.holder, c->lease.me) != 0
        && strcmp(r.holder, c->lease.seen.holder) != 0)
        log_info("%s leads; this one waits", r.holder);
    lease_looked(&c->lease, good ? &r : NULL, clock_monotonic_ms(), controller_random(c));
}

static void on_wrote(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct controller *c = context;
    struct lease_record r = {0};
    bool good = false;
    c->lease_busy = false;
    if (status == 200 || status == 201)
        take_answer(body, &r, &good);
    else if (status != 409)
        controller_say_once(c, "lease %s/%s: %s", c->namespace_, LEASE_NAME,
                            err ? err->text : "not written");
    lease_wrote(&c->lease, good ? &r : NULL, c->lease_started_ms, clock_monotonic_ms(),
                controller_random(c));
}

static struct kube_call lease_call(struct controller *c, struct ds_buf *path, bool write)
{
    bool exists = !write || c->lease.seen.found;
    buf_reset(path);
    (void)kube_path_put(path, LEASE_GROUP, c->namespace_, "leases", exists ? LEASE_NAME : NULL,
                        NULL);
    return (struct kube_call){
        .method = !write   ? HTTP_GET
                  : exists ? HTTP_PUT
                           : HTTP_POST,
        .path = path->data ? path->data : "",
        .deadline_ms = LEASE_REQUEST_MS,
        .max_tries = 1,
        .max_body_bytes = LEASE_BODY_BYTES,
    };
}

static int start_request(struct controller *c, bool write, struct ds_err *err)
{
    ds_auto_buf path;
    uint64_t id;
    buf_init(&path, 4096);
    struct kube_call call = lease_call(c, &path, write);
    if (write) {
        buf_reset(&c->lease_body);
        int rc = lease_encode(&c->lease, c->namespace_, LEASE_NAME, clock_unix_ms() * 1000, false,
                              &c->lease_body, err);
        if (rc < 0)
            return rc;
        call.body = (struct http_body){.data = c->lease_body.data, .len = c->lease_body.len};
    }
    c->lease_started_ms = clock_monotonic_ms();
    return kube_start(c->kube, &call, write ? on_wrote : on_looked, c, &id, err);
}

static void say_change(struct controller *c)
{
    bool leads = lease_is_held(&c->lease, clock_monotonic_ms());
    if (leads && !c->leading) { /* also: again */
        log_info("leading as %s", c->lease.me);
        c->leading = true;
        controller_ask_all(c);
    }
}

int64_t lease_turn(struct controller *c)
{
    int64_t now = clock_monotonic_ms(), wake = 0;
    struct ds_err err = {0};
    if (c->o->alone) {
        if (!c->leading)
            controller_ask_all(c);
        c->leading = true;
        return INT64_MAX;
    }
    enum lease_wish wish = lease_next(&c->lease, now, &wake);
    if (wish == LEASE_LOST) {
        c->leading = false; /* the caches stay warm: it may well be ours again in a moment */
        log_warn("the Lease is lost: not renewed within %d s, or another controller has it; this "
                 "one waits",
                 LEASE_DEADLINE_MS / 1000);
    } else if (wish != LEASE_REST && !c->lease_busy) {
        c->lease_busy = true;
        if (start_request(c, wish == LEASE_WRITE, &err) < 0)
            on_wrote(c, 0, (struct ds_span){"", 0}, &err);
    }
    say_change(c);
    (void)lease_next(&c->lease, now, &wake);
    if (c->lease_busy) /* its answer wakes us; else only the end of our right to act */
        return c->lease.leading ? c->lease.held_until_ms : INT64_MAX;
    return wake;
}

void lease_release(struct controller *c)
{
    ds_auto_buf path, body;
    ds_auto_arena a = arena_create(LEASE_BODY_BYTES * 4);
    struct ds_span answer;
    buf_init(&path, 4096);
    buf_init(&body, LEASE_BODY_BYTES);
    if (c->o->alone || !lease_is_held(&c->lease, clock_monotonic_ms()) || !c->lease.known)
        return;
    struct kube_call call = lease_call(c, &path, true);
    call.deadline_ms = LEASE_GOODBYE_MS;
    if (lease_encode(&c->lease, c->namespace_, LEASE_NAME, clock_unix_ms() * 1000, true, &body,
                     NULL)
        < 0)
        return;
    call.body = (struct http_body){.data = body.data, .len = body.len};
    if (kube_do(c->kube, &call, a, &answer, NULL, NULL) == 0)
        log_info("the lease is free for others");
}
