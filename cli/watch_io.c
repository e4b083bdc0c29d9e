/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/watch_io.h"

#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "base/units.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)

struct finding {
    struct watch *w;
    char host[HOST_NAME_MAX + 1];
};

/* "<utc>-<host>-<pid>.jsonl": the time ends in Z, the host may hold '-' as well. */
static bool parse_name(struct ds_span key, struct ds_span *host, uint32_t *pid)
{
    struct ds_span name = path_stem(key);
    size_t last = name.len, first = 0;
    while (last > 0 && name.ptr[last - 1] != '-')
        last--;
    while (first + 1 < name.len && !(name.ptr[first] == 'Z' && name.ptr[first + 1] == '-'))
        first++;
    first++;
    uint64_t number;
    struct ds_span digits = {name.ptr + last, name.len - last};
    if (last == 0 || first + 1 >= last || !ds_span_ends(key, ".jsonl")
        || units_parse_u64(digits, INT_MAX, &number, NULL) < 0)
        return false;
    *host = (struct ds_span){name.ptr + first + 1, last - 1 - (first + 1)};
    *pid = (uint32_t)number;
    return true;
}

/* Is pid a decksweep? Numbers are used again, above all after a reboot. */
static bool process_is_alive(uint32_t pid)
{
    char path[64], name[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%u/comm", pid);
    ds_auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, name, sizeof name - 1);
    return n > 0 && strncmp(name, "decksweep", strlen("decksweep")) == 0;
}

static bool run_is_alive(const struct watch_run *r)
{
    if (r->same_host) /* between two rounds the last word is also "ended" */
        return process_is_alive(r->pid);
    return !r->ended && clock_unix_ms() - r->mtime_ms < WATCH_ALIVE_MS;
}

static int find_run(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    struct finding *f = context;
    struct watch *w = f->w;
    struct watch_run r = {.mtime_ms = mtime_ms};
    struct ds_span host;
    if (key.len >= sizeof r.key || !parse_name(key, &host, &r.pid))
        return 0;
    for (size_t i = 0; i < w->n_runs; i++)
        if (ds_span_is(key, w->runs[i].key)) {
            w->runs[i].mtime_ms = mtime_ms;
            return 0;
        }
    memcpy(r.key, key.ptr, key.len);
    r.same_host = ds_span_is(host, f->host);
    if (size_bytes > WATCH_TAIL_BYTES)
        r.offset = size_bytes - WATCH_TAIL_BYTES;
    if (!run_is_alive(&r) || w->n_runs == WATCH_MAX_RUNS)
        return 0;
    w->runs[w->n_runs++] = r;
    return 0;
}

int watch_find(struct watch *w, const struct target *t, struct ds_err *err)
{
    struct finding f = {.w = w};
    char prefix[STORE_KEY_BYTES];
    w->t = t;
    if (gethostname(f.host, sizeof f.host) < 0)
        f.host[0] = '\0';
    (void)snprintf(prefix, sizeof prefix, "%sruns/", t->prefix);
    int rc = store_list(t->store, prefix, find_run, &f, err);
    return rc == DS_ENOTFOUND ? 0 : rc;
}

static void shift_slots(struct watch *w, struct watch_run *r, struct event *e)
{
    if (e->kind == EVENT_WORKER && e->n_slots > 0 && r->n_slots == 0) {
        r->n_slots = e->n_slots;
        for (size_t i = 0; i < w->n_runs; i++)
            if (&w->runs[i] != r)
                r->slot_offset += w->runs[i].n_slots;
    }
    if (e->slot >= 0)
        e->slot += r->slot_offset;
    if (e->kind == EVENT_WORKER)
        e->n_slots += r->slot_offset;
}

/* Whole lines of text; returns how much of it they are. */
static size_t take_lines(struct watch *w, struct watch_run *r, struct ds_span text,
                         watch_event_f fn, void *context)
{
    size_t used = 0;
    for (;;) {
        const char *end = memchr(text.ptr + used, '\n', text.len - used);
        if (!end)
            return used;
        struct ds_span line = {text.ptr + used, (size_t)(end - text.ptr) - used};
        struct event e;
        used += line.len + 1;
        if (line.len > EVENT_LINE_BYTES || event_decode(line, &e, NULL) < 0)
            continue;
        if (r->first_ms == 0)
            r->first_ms = e.at_ms;
        r->ended = e.kind == EVENT_ENDED;
        shift_slots(w, r, &e);
        fn(context, r, &e);
    }
}

static int read_run(struct watch *w, struct watch_run *r, char *room, watch_event_f fn,
                    void *context, struct ds_err *err)
{
    uint64_t size;
    int rc = store_head(w->t->store, r->key, &size, err);
    while (rc == 0 && size > r->offset) {
        size_t n = size - r->offset > READ_BYTES ? READ_BYTES : (size_t)(size - r->offset);
        rc = store_get_range(w->t->store, r->key, r->offset, room, n, err);
        if (rc < 0)
            break;
        size_t used = take_lines(w, r, (struct ds_span){room, n}, fn, context);
        if (used == 0 && n < READ_BYTES)
            break; /* half a line: the rest comes */
        r->offset += used > 0 ? used : n;
    }
    return rc == DS_ENOTFOUND ? 0 : rc;
}

int watch_read(struct watch *w, watch_event_f fn, void *context, struct ds_err *err)
{
    char *room = malloc(READ_BYTES);
    if (!room)
        abort();
    int rc = 0;
    for (size_t i = 0; i < w->n_runs && rc == 0; i++)
        rc = read_run(w, &w->runs[i], room, fn, context, err);
    free(room);
    return rc;
}

bool watch_alive(const struct watch *w)
{
    for (size_t i = 0; i < w->n_runs; i++)
        if (run_is_alive(&w->runs[i]))
            return true;
    return false;
}
