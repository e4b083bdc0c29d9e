/* SPDX-License-Identifier: GPL-3.0-or-later */
/* healthz, readyz and metrics over plain HTTP. Nothing secret is in them, and nothing is changed. */
#include "base/clock_io.h"
#include "base/log_io.h"
#include "scheduler/controller_parts_io.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define METRICS_BYTES (1u << 20)

/* The second number of /proc/self/statm, in pages. */
static uint64_t resident_bytes(void)
{
    char line[128] = "";
    uint64_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (!fgets(line, sizeof line, f))
        line[0] = '\0';
    (void)fclose(f);
    for (const char *p = strchr(line, ' '); p && p[1] >= '0' && p[1] <= '9'; p++)
        pages = pages * 10 + (uint64_t)(p[1] - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void fill_in(struct controller *c)
{
    struct metrics *m = &c->metrics;
    struct rusage u = {0};
    struct keyed_scan scan = {0};
    memset(m->sweeps, 0, sizeof m->sweeps);
    for (struct keyed_item *i; (i = keyed_next(&c->cache.table[CACHE_SWEEP], &scan));) {
        const struct cache_object *o =
            (const void *)((const char *)i - offsetof(struct cache_object, item));
        unsigned phase = (unsigned)((const struct sweep_view *)o->packed)->status.phase;
        m->sweeps[phase <= PHASE_STALLED ? phase : 0]++;
    }
    (void)getrusage(RUSAGE_SELF, &u);
    m->cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec)
               + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    m->start_s = (double)(clock_unix_ms() - (clock_monotonic_ms() - c->started_ms)) / 1e3;
    m->jobs = c->cache.table[CACHE_JOB].n;
    m->pods = c->cache.table[CACHE_POD].n;
    m->nodes = c->cache.table[CACHE_NODE].n;
    m->queue = due_count(&c->due);
    m->writing = c->n_writing;
    m->skipped = c->cache.n_skipped;
    m->resident_bytes = resident_bytes();
    m->leader = c->leading;
    m->ready = c->ready;
}

static void answer_metrics(struct controller *c, struct http_exchange *x)
{
    ds_auto_buf text;
    buf_init(&text, METRICS_BYTES);
    fill_in(c);
    metrics_put(&c->metrics, DECKSWEEP_VERSION, &text);
    http_answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_span(&text));
}

static void answer_text(struct http_exchange *x, int status, struct ds_span text)
{
    http_answer(x, status, "text/plain; charset=utf-8", text);
}

static void on_request(void *context, struct http_exchange *x)
{
    struct controller *c = context;
    struct ds_span path;
    enum http_method method = http_exchange_method(x);
    (void)ds_span_cut(http_exchange_target(x), '?', &path);
    if (method != HTTP_GET && method != HTTP_HEAD)
        answer_text(x, 405, DS_SPAN("only GET\n"));
    else if (ds_span_is(path, "/healthz") || ds_span_is(path, "/livez"))
        answer_text(x, 200, DS_SPAN("ok\n")); /* this thread answers: it lives */
    else if (ds_span_is(path, "/readyz"))
        answer_text(x, c->ready ? 200 : 503,
                    c->ready ? DS_SPAN("ok\n") : DS_SPAN("the caches are being filled\n"));
    else if (ds_span_is(path, "/metrics"))
        answer_metrics(c, x);
    else
        answer_text(x, 404, DS_SPAN("there are /healthz, /readyz and /metrics\n"));
}

int endpoints_open(struct controller *c, struct ds_err *err)
{
    struct http_server_options o = {
        .address = c->o->listen_address,
        .port = c->o->listen_port,
        .max_connections = 64,
        .max_per_address = 8, /* no pod keeps the kubelet's probes out */
        .idle_s = 10,
        .max_header_bytes = 8192,
        .handler = {.context = c, .begin = on_request},
    };
    if (!c->o->listen_address)
        return 0;
    int rc = http_server_open(&o, &c->server, err);
    if (rc == 0)
        log_info("endpoints at %s:%u", o.address, http_server_port(c->server));
    return rc;
}
