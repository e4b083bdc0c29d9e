/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/controller_io.h"

#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/log_io.h"
#include "scheduler/controller_parts_io.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CONNECTIONS  16u /* beside those of the watches, which never end */
#define ARENA_BYTES  (64u << 20)
#define LOOKS_A_TURN 64u
#define TURN_MOST_MS 60000

struct cache_now controller_now(void)
{
    return (struct cache_now){clock_unix_ms() / 1000, clock_monotonic_ms()};
}

uint32_t controller_random(struct controller *c)
{
    c->random ^= c->random << 13; /* xorshift64: jitter, nothing else */
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (uint32_t)(c->random >> 32);
}

void controller_ask(struct controller *c, struct sweep_slot *slot, int64_t at_ms)
{
    if (slot->work)
        due_ask(&c->due, &slot->due, at_ms);
}

void controller_ask_all(struct controller *c)
{
    struct keyed_scan scan = {0};
    for (struct keyed_item *i; (i = keyed_next(&c->cache.slots, &scan));)
        controller_ask(
            c, (struct sweep_slot *)(void *)((char *)i - offsetof(struct sweep_slot, item)), 0);
}

bool controller_may_write(const struct controller *c)
{
    return c->leading && !c->stopping
           && (c->o->alone || lease_is_held(&c->lease, clock_monotonic_ms()));
}

void controller_say_once(struct controller *c, const char *format, ...)
{
    char text[1024];
    va_list args;
    uint64_t h = 14695981039346656037ull;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const char *p = text; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211ull;
    for (unsigned i = 0; i < LOGGED_REMEMBERED; i++)
        if (c->logged[i] == h)
            return;
    c->logged[c->n_logged++ % LOGGED_REMEMBERED] = h;
    log_warn("%s", text);
}

/* ---- life ---- */

static void on_seen(void *context, const char *verb, int status)
{
    struct controller *c = context;
    metrics_count_request(&c->metrics, verb, status);
}

static void make_name(struct controller *c)
{
    const char *pod = env_get("POD_NAME");
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) < 0 || !host[0])
        memcpy(host, "unknown", 8);
    (void)snprintf(c->me, sizeof c->me, "%.120s_%08x%08x", pod ? pod : host, controller_random(c),
                   controller_random(c));
}

static int open_all(struct controller *c, struct ds_err *err)
{
    struct kube_options k = {.kubeconfig = c->o->kubeconfig, .context = c->o->context};
    /* Where HTTP/2 does not get through, a watch takes a whole connection. */
    c->loop = http_loop_create(CONNECTIONS + controller_watches(c->o),
                               "decksweep-scheduler/" DECKSWEEP_VERSION);
    int rc = kube_open(&k, c->loop, &c->kube, err);
    if (rc < 0)
        return rc;
    kube_observe(c->kube, on_seen, c);
    c->namespace_ = c->o->lease_namespace ? c->o->lease_namespace : kube_namespace(c->kube);
    log_info("version %s, API server %s, own namespace %s", DECKSWEEP_VERSION, kube_server(c->kube),
             c->namespace_);
    if (endpoints_open(c, err) < 0) /* beside another one on this host: act all the same */
        log_warn("no endpoints: %s", err->text);
    return controller_watch(c, err);
}

static struct controller *create(const struct controller_options *o)
{
    struct controller *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->o = o;
    c->random = (uint64_t)clock_monotonic_ns() ^ (uint64_t)clock_unix_ms() << 20
                ^ (uint64_t)getpid() << 44 ^ 0x9e3779b97f4a7c15ull;
    c->events = calloc(1, sizeof *c->events);
    c->decided = calloc(1, sizeof *c->decided);
    if (!c->events || !c->decided)
        abort();
    c->arena = arena_create(ARENA_BYTES);
    c->started_ms = clock_monotonic_ms();
    cache_init(&c->cache);
    due_init(&c->due);
    buf_init(&c->lease_body, 64u << 10);
    limits_default(&c->limits);
    make_name(c);
    lease_init(&c->lease, c->me);
    return c;
}

static void destroy(struct controller *c)
{
    struct keyed_scan scan = {0};
    http_server_close(c->server);
    controller_unwatch(c);
    kube_close(c->kube);
    http_loop_destroy(c->loop);
    recorder_clear(c);
    asks_clear(c);
    for (struct keyed_item *i; (i = keyed_next(&c->cache.slots, &scan));)
        work_free(c, (struct sweep_slot *)(void *)((char *)i - offsetof(struct sweep_slot, item)));
    cache_clear(&c->cache);
    due_clear(&c->due);
    buf_clear(&c->lease_body);
    arena_destroy(c->arena);
    free(c->decided);
    free(c->events);
    free(c);
}

/* ---- the loop ---- */

static void look_if_ready(struct controller *c)
{
    bool all = true, needed = true;
    if (c->ready)
        return;
    for (size_t i = 0; i < c->n_watches; i++) {
        all = all && c->watch[i].synced;
        needed = needed && (c->watch[i].synced || !c->watch[i].needed);
    }
    c->ready = all || (needed && clock_monotonic_ms() - c->started_ms > SYNC_PATIENCE_MS);
    if (c->ready) {
        log_info("caches are filled: %zu sweeps, %zu Jobs, %zu pods, %zu nodes",
                 c->cache.table[CACHE_SWEEP].n, c->cache.table[CACHE_JOB].n,
                 c->cache.table[CACHE_POD].n, c->cache.table[CACHE_NODE].n);
        controller_ask_all(c);
    }
}

/* Returns when it wants to be called again, at the latest. */
static int64_t look_at_due(struct controller *c)
{
    int64_t now = clock_monotonic_ms();
    struct due_item *item;
    if (!c->ready)
        return now + 500;
    if (!controller_may_write(c))
        return INT64_MAX;
    for (unsigned i = 0; i < LOOKS_A_TURN && (item = due_take(&c->due, now)); i++)
        work_look(c,
                  (struct sweep_slot *)(void *)((char *)item - offsetof(struct sweep_slot, due)));
    return due_next_ms(&c->due);
}

static int turn(struct controller *c, int signals, struct ds_err *err)
{
    int fds[2] = {signals, c->server ? http_server_fd(c->server) : -1};
    bool readable[2] = {false, false};
    look_if_ready(c);
    int64_t wake = lease_turn(c), due = look_at_due(c), now = clock_monotonic_ms();
    if (due < wake)
        wake = due;
    int64_t wait = wake <= now ? 0 : wake - now > TURN_MOST_MS ? TURN_MOST_MS : wake - now;
    if (c->server && http_server_timeout_ms(c->server) >= 0
        && http_server_timeout_ms(c->server) < wait)
        wait = http_server_timeout_ms(c->server);
    int rc = http_turn(c->loop, (int)wait, fds, readable, c->server ? 2 : 1, err);
    if (rc < 0 && rc != DS_EINTR)
        return rc;
    if (c->server)
        http_server_turn(c->server);
    c->stopping = readable[0];
    return 0;
}

static int open_signals(struct ds_err *err)
{
    sigset_t set;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    int sys = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (sys != 0)
        return ds_fail_errno(err, DS_EIO, sys, "signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? ds_fail_errno(err, DS_EIO, errno, "signalfd") : fd;
}

int controller_run(const struct controller_options *o, struct ds_err *err)
{
    int signals = open_signals(err);
    if (signals < 0)
        return signals;
    struct controller *c = create(o);
    int rc = open_all(c, err);
    while (rc == 0 && !c->stopping)
        rc = turn(c, signals, err);
    if (c->stopping) {
        log_info("told to end");
        controller_unwatch(c);
        lease_release(c);
    }
    destroy(c);
    (void)close(signals);
    return rc;
}
