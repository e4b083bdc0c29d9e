/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/command.h"
#include "agent/pod_io.h"
#include "agent/scratch_use.h"
#include "agent/topology_io.h"
#include "agent/worker.h"
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/log_io.h"
#include "base/sha256.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARENA_CAP         ((size_t)4 << 30)
#define COPY_BYTES        ((size_t)1 << 20)
#define MAX_ARCHIVERS     8u
#define SLOTS_AN_ARCHIVER 8u

static int exit_of(int rc)
{
    switch (rc) {
    case DS_ESIMULATOR:
        return WORK_SIMULATOR;
    case DS_EINPUT:
    case DS_ENOFIT:
        return WORK_INPUT;
    case DS_EINTR:
        return WORK_INTERRUPTED;
    default:
        return WORK_STORE;
    }
}

static int say(struct worker *w, int rc, const struct ds_err *err)
{
    worker_error(w, "%s", err->text);
    return exit_of(rc);
}

static const char *key_of(const struct worker *w, const char *name, size_t n, char *out)
{
    (void)snprintf(out, STORE_KEY_BYTES, "%s%.*s", w->prefix, (int)n, name);
    return out;
}

/* ---- plan and round ---- */

static int load_plan(struct worker *w, struct ds_err *err)
{
    char key[STORE_KEY_BYTES], digest[PLAN_DIGEST_BYTES];
    struct ds_span text;
    (void)snprintf(key, sizeof key, "%splan.%s.json", w->prefix, w->options->plan_digest);
    int rc = store_get(w->store, key, PLAN_MAX_BYTES, w->arena, &text, err);
    if (rc < 0)
        return rc;
    plan_digest(text, digest);
    if (strcmp(digest, w->options->plan_digest) != 0)
        return ds_fail(err, DS_ECORRUPT, "%s: its content has the digest %s", key, digest);
    rc = plan_decode(text, w->arena, &w->plan, err);
    return rc < 0 ? ds_wrap(err, "%s", key) : 0;
}

static int load_round(struct worker *w, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    struct ds_span text;
    (void)snprintf(key, sizeof key, "%srounds/%u.json", w->prefix, w->options->round);
    int rc = store_get(w->store, key, ROUND_MAX_BYTES, w->arena, &text, err);
    rc = rc < 0 ? rc : round_decode(text, w->arena, &w->round, err);
    if (rc < 0)
        return ds_wrap(err, "%s", key);
    if (strcmp(w->round.plan_digest, w->options->plan_digest) != 0)
        return ds_fail(err, DS_EINPUT, "%s is of plan %s, not of %s", key, w->round.plan_digest,
                       w->options->plan_digest);
    if (w->options->index >= w->round.n_chunks)
        return ds_fail(err, DS_EINPUT, "%s has %zu chunks; there is no index %u", key,
                       w->round.n_chunks, w->options->index);
    return 0;
}

/* ---- design.csv: a file in scratch, mapped, so that its pages need no memory of ours ---- */

static int copy_design(struct worker *w, const char *key, int fd, uint64_t *bytes,
                       struct ds_err *err)
{
    struct store_object *o = NULL;
    struct sha256 *h = sha256_create();
    ds_auto_arena a = arena_create(2 * COPY_BYTES);
    char *block = ds_new(a, char, COPY_BYTES), hex[65];
    int rc = store_object_open(w->store, key, &o, bytes, err);
    if (rc == 0 && *bytes > DESIGN_MAX_BYTES)
        rc = ds_fail(err, DS_ETOOBIG, "%s: %llu bytes", key, (unsigned long long)*bytes);
    for (uint64_t at = 0; rc == 0 && at < *bytes;) {
        size_t n = *bytes - at < COPY_BYTES ? (size_t)(*bytes - at) : COPY_BYTES;
        rc = store_object_read(o, at, block, n, err);
        rc = rc < 0 ? rc : fs_write_all(fd, block, n, err);
        sha256_add(h, block, n);
        at += n;
    }
    store_object_close(o);
    sha256_end(h, hex);
    sha256_destroy(h);
    if (rc == 0 && strcmp(hex, w->plan.design_sha256) != 0)
        rc = ds_fail(err, DS_ECORRUPT, "%s: its SHA-256 is not the plan's", key);
    return rc;
}

static int load_design(struct worker *w, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    uint64_t bytes = 0;
    (void)key_of(w, w->plan.design_key.ptr, w->plan.design_key.len, key);
    ds_auto_fd fd =
        openat(w->scratch.fd, "design.csv", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: design.csv");
    int rc = copy_design(w, key, fd, &bytes, err);
    if (rc < 0)
        return ds_wrap(err, "%s", key);
    void *text = bytes ? mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    if (text == MAP_FAILED)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: design.csv: mmap");
    rc =
        design_decode((struct ds_span){text ? text : "", (size_t)bytes}, w->arena, &w->design, err);
    if (text)
        (void)madvise(text, (size_t)bytes, MADV_DONTNEED);
    return rc < 0 ? ds_wrap(err, "%s", key) : 0;
}

/* ---- what is left of the chunk ---- */

struct noting {
    const struct worker *w;
    struct chunk_seen *seen;
    struct ds_err *err;
};

static int note_key(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    struct noting *n = context;
    size_t skip = strlen(n->w->prefix);
    (void)size_bytes;
    (void)mtime_ms;
    if (key.len < skip)
        return 0;
    return chunk_note_key(n->seen, (struct ds_span){key.ptr + skip, key.len - skip}, n->err);
}

static int load_chunk(struct worker *w, struct ds_err *err)
{
    static const char *const folders[] = {"cases/", "failed/", "started/"};
    ds_auto_arena scratch = arena_create(ARENA_CAP);
    struct noting n = {.w = w, .err = err};
    int rc = chunk_begin(&w->round, w->options->index, &w->plan, &w->design, scratch, &n.seen, err);
    for (size_t i = 0; i < DS_COUNT(folders) && rc == 0; i++) {
        char prefix[STORE_KEY_BYTES];
        (void)snprintf(prefix, sizeof prefix, "%s%s", w->prefix, folders[i]);
        rc = store_list(w->store, prefix, note_key, &n, err);
        if (rc == DS_ENOTFOUND)
            rc = 0;
    }
    return rc < 0 ? rc : chunk_finish(n.seen, w->arena, &w->chunk, err);
}

/* ---- the machine ---- */

static int load_slots(struct worker *w, struct ds_err *err)
{
    const struct shape *shape = &w->round.shapes[w->round.chunks[w->options->index].shape];
    struct slots_request want = {
        .cores = shape->cores,
        .mem_bytes = w->plan.memory_bytes ? w->plan.memory_bytes : shape->mem_bytes,
        .want = w->mark_starts ? 1 : 0,
        .cores_limit = w->options->cores,
        .mem_limit_bytes = w->options->memory_bytes,
    };
    struct capacity here;
    int rc = topology_detect(w->arena, &w->topology, err);
    rc = rc < 0 ? rc : slots_capacity(&w->topology, &want, &here, err);
    if (rc < 0)
        return rc;
    /* Free memory moves between the census and now, and a shape is a starting size: a case
     * that was to have all there is takes what there is. */
    if (w->plan.memory_bytes == 0 && here.mem_bytes > 0 && want.mem_bytes > here.mem_bytes
        && want.mem_bytes - here.mem_bytes <= want.mem_bytes / 8)
        want.mem_bytes = here.mem_bytes;
    return slots_plan(&w->topology, &want, w->arena, &w->slots, err);
}

static int load_dispatch(struct worker *w, struct ds_err *err)
{
    struct dispatch_policy policy = {
        .has_altered_args = w->plan.n_not_converged_args > 0,
        .estimate_bytes = w->slots.need_bytes,
        .user_memory_bytes = w->plan.memory_bytes,
    };
    memcpy(policy.retries, w->plan.retries, sizeof policy.retries);
    w->running = ds_new(w->arena, struct running, w->slots.n_max);
    w->held = ds_new(w->arena, struct attempt *, w->slots.n_max);
    w->case_bytes = ds_new(w->arena, uint64_t, w->slots.n_max);
    if (!w->running || !w->held || !w->case_bytes)
        return ds_fail(err, DS_ETOOBIG, "%u places do not fit", w->slots.n_max);
    return dispatch_create(&policy, w->chunk.rows, w->chunk.n_rows, w->chunk.prior,
                           w->chunk.n_prior, &w->slots, w->arena, &w->dispatch, err);
}

/* Scratch must hold at least one case. */
static int check_space(struct worker *w, struct ds_err *err)
{
    uint64_t free_bytes, least = WORKER_MIN_DISK_BYTES;
    w->watermark_bytes =
        w->chunk.shape.scratch_bytes > least ? w->chunk.shape.scratch_bytes : least;
    int rc = fs_free_bytes(w->scratch.path, &free_bytes, err);
    if (rc < 0)
        return rc;
    w->budget_bytes = scratch_budget(w->options->ephemeral_bytes);
    if (w->budget_bytes > 0 && w->budget_bytes < free_bytes)
        free_bytes = w->budget_bytes;
    if (free_bytes >= w->watermark_bytes)
        return 0;
    char there[UNITS_TEXT_BYTES], wanted[UNITS_TEXT_BYTES];
    units_format_size(free_bytes, there);
    units_format_size(w->watermark_bytes, wanted);
    return ds_fail(err, DS_ENOSPC,
                   "scratch %s has %s free; one case needs %s: make room or use another --scratch",
                   w->scratch.path, there, wanted);
}

static int inherit(struct worker *w, const char *tag, struct ds_err *err)
{
    unsigned removed;
    return scratch_inherit(&w->scratch, tag, w->store, w->prefix, &w->n_inherited, &removed, err);
}

static int load_publisher(struct worker *w, struct ds_err *err)
{
    unsigned n = w->slots.n_max / SLOTS_AN_ARCHIVER;
    w->context = (struct attempt_context){.plan = &w->plan,
                                          .sweep = ds_span_of(w->options->sweep),
                                          .plan_digest = ds_span_of(w->options->plan_digest),
                                          .node = ds_span_of(w->node)};
    struct publish_setup setup = {.context = &w->context,
                                  .store = w->store,
                                  .prefix = w->prefix,
                                  .stage = w->stage,
                                  .cases_fd = w->scratch.cases_fd,
                                  .spool_fd = w->scratch.spool_fd,
                                  .kept_fd = w->scratch.kept_fd,
                                  .n_archivers = n < 1               ? 1
                                                 : n > MAX_ARCHIVERS ? MAX_ARCHIVERS
                                                                     : n};
    return publisher_create(&setup, &w->publisher, err);
}

static int load_stores(struct worker *w, struct ds_err *err)
{
    char tag[SCRATCH_NAME_BYTES];
    int rc = store_open(w->options->store_url, STORE_WRITE, &w->store, err);
    rc = rc < 0 ? rc : load_plan(w, err);
    rc = rc < 0 ? rc : load_round(w, err);
    if (rc < 0)
        return rc;
    keep_word(&w->plan.keep, w->keep);
    scratch_tag(ds_span_of(w->options->sweep), ds_span_of(store_url(w->store)), tag);
    rc = scratch_open(w->options->scratch, tag, w->options->keep_failed, &w->scratch, err);
    rc = rc < 0 ? rc : inherit(w, tag, err);
    return rc < 0 ? rc : load_design(w, err);
}

/* The program that argv starts, before a case finds out. */
static int check_simulator(struct worker *w, struct ds_err *err)
{
    char path[4096];
    ds_auto_arena a = arena_create((size_t)1 << 20);
    struct ds_span first = w->plan.preset_flow ? DS_SPAN("flow") : w->plan.command[0];
    const char *name = arena_cstr(a, first);
    if (!name || memchr(first.ptr, '{', first.len) || memchr(first.ptr, '<', first.len))
        return 0;
    if (first.ptr[0] != '/' && memchr(first.ptr, '/', first.len))
        return 0; /* seen from the case folder */
    if (w->plan.preset_flow && w->plan.ranks > 1
        && run_find_program("mpirun", w->env, path, sizeof path, err) < 0)
        return DS_ESIMULATOR;
    return run_find_program(name, w->env, path, sizeof path, err);
}

/* What killed ranks leave behind stays in the scratch folder, and goes with it. */
static int load_environment(struct worker *w, struct ds_err *err)
{
    struct ds_span dir = arena_format(w->arena, "%s/mpi", w->scratch.path);
    const char *const *extra = dir.ptr ? command_mpi_words(&w->plan, dir, w->arena) : NULL;
    if (!extra)
        return ds_fail(err, DS_ETOOBIG, "the environment is too large");
    if (w->plan.ranks > 1) {
        int rc = fs_make_dirs(dir.ptr, err);
        if (rc < 0)
            return rc;
    }
    return command_environment((const char *const *)environ, &w->plan, extra, w->arena, &w->env,
                               err);
}

int worker_load(struct worker *w)
{
    struct ds_err err = {0};
    char key[STORE_KEY_BYTES];
    int rc = load_stores(w, &err);
    rc = rc < 0 ? rc : load_chunk(w, &err);
    w->mark_starts = rc == 0 && worker_must_mark(w);
    rc = rc < 0 ? rc : load_slots(w, &err);
    rc = rc < 0 ? rc : check_space(w, &err);
    rc = rc < 0 ? rc : load_environment(w, &err);
    rc = rc < 0 ? rc : check_simulator(w, &err);
    if (rc == 0)
        rc = stage_create(w->store, key_of(w, w->plan.bundle_key.ptr, w->plan.bundle_key.len, key),
                          &w->plan, &w->design, w->scratch.fd, &w->stage, &err);
    rc = rc < 0 ? rc : load_dispatch(w, &err);
    /* The guardian is a fork: before threads, and while we are small. */
    rc = rc < 0 ? rc : run_host_create(&w->host, &err);
    rc = rc < 0 ? rc : load_publisher(w, &err);
    return rc < 0 ? say(w, rc, &err) : 0;
}

void worker_unload(struct worker *w)
{
    run_host_destroy(w->host);
    publisher_destroy(w->publisher);
    stage_destroy(w->stage);
    scratch_close(&w->scratch, true);
    store_close(w->store);
    buf_clear(&w->out);
    buf_clear(&w->unsettled);
    buf_clear(&w->run_ms);
    arena_destroy(w->arena);
}

/* ---- the report ---- */

static int compare_u32(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static void put_quantiles(struct worker *w, struct chunk_report *r)
{
    size_t n = w->run_ms.len / sizeof(uint32_t);
    if (n == 0)
        return;
    uint32_t *ms = (uint32_t *)(void *)w->run_ms.data;
    qsort(ms, n, sizeof *ms, compare_u32);
    r->run_ms_q50 = ms[n / 2];
    r->run_ms_q90 = ms[n * 9 / 10];
    r->run_ms_max = ms[n - 1];
}

/* The worker and all it waited for. */
static int64_t cpu_ms(void)
{
    struct rusage own, children;
    int64_t us = 0;
    if (getrusage(RUSAGE_SELF, &own) == 0 && getrusage(RUSAGE_CHILDREN, &children) == 0)
        us = (own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec
              + children.ru_stime.tv_sec)
                 * (int64_t)1000000
             + own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec
             + children.ru_stime.tv_usec;
    return us / 1000;
}

static void fill_report(struct worker *w, struct chunk_report *r)
{
    struct dispatch_counts c =
        w->dispatch ? dispatch_count(w->dispatch) : (struct dispatch_counts){0};
    *r = (struct chunk_report){.round = w->options->round,
                               .index = w->options->index,
                               .skipped = c.skipped + w->chunk.n_done,
                               .failed_rows = w->failed_rows,
                               .peak_mem_bytes = c.peak_mem_bytes,
                               .wall_ms = clock_monotonic_ms() - w->began_ms,
                               .cpu_ms = cpu_ms(),
                               .exit_status = w->exit_status};
    memcpy(r->attempts, c.attempts, sizeof r->attempts);
    (void)snprintf(r->plan_digest, sizeof r->plan_digest, "%s", w->options->plan_digest);
    (void)snprintf(r->node, sizeof r->node, "%.63s", w->node);
    (void)snprintf(r->text, sizeof r->text, "%.239s", w->why);
    put_quantiles(w, r);
}

void worker_report(struct worker *w)
{
    struct chunk_report r;
    char key[STORE_KEY_BYTES];
    struct ds_err err = {0};
    ds_auto_buf text;
    buf_init(&text, 1u << 16);
    fill_report(w, &r);
    if (w->options->message_path)
        pod_leave_message(w->options->message_path, &r);
    if (!w->dispatch)
        return; /* it has not begun: nothing that the next census could learn from */
    (void)snprintf(key, sizeof key, "%srounds/%u.%u.json", w->prefix, r.round, r.index);
    int rc = chunk_report_encode(&r, &text, &err);
    if (rc == 0)
        rc = store_put(w->store, key,
                       (struct store_body){.data = text.data, .fd = -1, .len = text.len}, &err);
    if (rc < 0) /* the next census reads case.json of some siblings instead */
        log_warn("%s is not written: %s", key, err.text);
}
