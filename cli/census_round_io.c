/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/slots.h"
#include "agent/topology_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/units.h"
#include "cli/census_work_io.h"
#include "scheduler/backend_local_io.h"

#include <stdio.h>
#include <unistd.h>

#define MACHINE_ARENA_BYTES ((size_t)256 << 20)
#define OWN_BYTES           (UINT64_C(256) << 20) /* what the census keeps while a case runs */
#define MIN_DISK_BYTES      (UINT64_C(64) << 20)
#define COMMIT_TRIES        1000

/* The first pilot cases that are still to be run, as ranges of one. */
static int pick_pilot(struct census_work *w, struct census_policy *policy, struct ds_err *err)
{
    const struct census *c = &w->census;
    uint32_t most = w->view->plan->pilot, n = 0;
    struct number_range *only = ds_new(w->look, struct number_range, most + 1);
    bool *taken = ds_new(w->look, bool, c->n_distinct + 1);
    if (!only || !taken)
        return ds_fail(err, DS_ETOOBIG, "the pilot does not fit");
    for (uint32_t row = 0; row < w->view->design->n_rows && n < most; row++) {
        uint32_t t = c->tally_of_row[row];
        enum case_state state = c->tally[t].state;
        if (taken[t] || (state != CASE_NEW && state != CASE_OUTSTANDING))
            continue;
        taken[t] = true;
        only[n++] =
            (struct number_range){w->view->design->number[row], w->view->design->number[row]};
    }
    *policy = w->policy;
    policy->only = only;
    policy->n_only = n;
    return 0;
}

/* Commit what decide makes of the request, under the next free number. */
static int commit(struct census_work *w, const struct census_policy *policy,
                  struct round_request *request, struct round *out, struct ds_err *err)
{
    request->n = w->listing.last_round + 1;
    memcpy(request->plan_digest, w->view->digest, sizeof request->plan_digest);
    for (int tries = 0; tries < COMMIT_TRIES; tries++, request->n++) {
        int rc = census_decide(&w->census, w->view->design, w->view->plan, &w->measured, policy,
                               request, w->look, out, err);
        if (rc == 0 && out->n_chunks == 0)
            return ds_fail(err, DS_EINPUT, "a round without cases");
        rc = rc < 0 ? rc : census_commit_round(w->store, w->prefix, out, err);
        if (rc != DS_EEXIST)
            return rc;
    }
    return ds_fail(err, DS_EEXIST, "rounds are taken faster than they can be counted");
}

/* ---- the pilot, in this pod ---- */

struct pilot {
    char last_words[DS_ERR_TEXT_BYTES / 2];
};

static void tell_event(void *context, const struct event *e, struct ds_span line)
{
    char size[UNITS_TEXT_BYTES] = "";
    (void)context;
    (void)line;
    if (e->peak_mem_bytes > 0)
        units_format_size((uint64_t)e->peak_mem_bytes, size);
    if (e->kind == EVENT_STARTED)
        census_say("pilot: case %lld, attempt %lld, started", (long long)e->number,
                   (long long)e->attempt);
    else if (e->kind == EVENT_FINISHED)
        census_say("pilot: case %lld: %s after %.1f s%s%s%s%s", (long long)e->number,
                   verdict_name(e->verdict), (double)e->wall_ms / 1000, size[0] ? ", peak " : "",
                   size, e->text[0] ? ": " : "", e->text);
}

static void tell_text(void *context, struct ds_span line)
{
    struct pilot *p = context;
    census_say("pilot: %.*s", DS_FMT(line));
    (void)snprintf(p->last_words, sizeof p->last_words, "%.*s",
                   (int)(line.len < 200 ? line.len : 200), line.ptr);
}

/* What scratch has free: statfs tells the node's disk, the environment what the kubelet allows. */
static int free_disk(const struct census_work *w, uint64_t *bytes, struct ds_err *err)
{
    const char *allowed = env_get(ENV_SCRATCH_BYTES);
    uint64_t limit;
    int rc = fs_free_bytes(w->scratch, bytes, err);
    if (rc == 0 && allowed && units_parse_u64(ds_span_of(allowed), UINT64_MAX, &limit, NULL) == 0
        && limit < *bytes)
        *bytes = limit;
    return rc;
}

/* How much of this pod a case may have; false: it does not fit, and *why says so. */
static bool fits_here(const struct census_work *w, uint64_t *mem_bytes, char *why, size_t room)
{
    struct topology topology;
    struct capacity here;
    struct ds_err err = {0};
    uint64_t free_bytes = 0, disk = w->sizing.scratch_bytes + w->view->bundle_bytes;
    const struct plan *p = w->view->plan;
    struct slots_request limits = {.cores = p->ranks * p->threads};
    ds_auto_arena a = arena_create(MACHINE_ARENA_BYTES);
    if (topology_detect(a, &topology, &err) < 0
        || slots_capacity(&topology, &limits, &here, &err) < 0
        || free_disk(w, &free_bytes, &err) < 0) {
        (void)snprintf(why, room, "%s", err.text);
        return false;
    }
    uint64_t mem = here.mem_bytes > 2 * OWN_BYTES ? here.mem_bytes - OWN_BYTES : here.mem_bytes / 2;
    bool fits = here.cores >= limits.cores && free_bytes > disk + MIN_DISK_BYTES
                && (here.mem_bytes == 0 || w->sizing.mem_bytes <= mem);
    *mem_bytes = mem;
    (void)snprintf(why, room, "this pod has %u cores, %llu MiB of memory and %llu MiB of disk",
                   here.cores, (unsigned long long)(mem >> 20),
                   (unsigned long long)(free_bytes >> 20));
    return fits;
}

static int end_of_pilot(const struct pilot *p, const struct local_outcome *out, struct ds_err *err)
{
    const char *words = p->last_words[0] ? p->last_words : "no word of it";
    if (out->interrupted || out->exit_status == 75)
        return ds_fail(err, DS_EINTR, "the pilot was interrupted");
    if (out->exit_status == 77)
        return ds_fail(err, DS_ESIMULATOR, "%s", words);
    if (out->exit_status != 0)
        return ds_fail(err, DS_EIO, "the pilot's worker ended with %s %d: %s",
                       out->signal ? "signal" : "status",
                       out->signal ? out->signal : out->exit_status, words);
    return 0;
}

static int run_pilot(struct census_work *w, const struct round *round, uint64_t mem_bytes,
                     struct ds_err *err)
{
    char agent[4096];
    struct pilot p = {0};
    struct local_outcome out = {0};
    const struct local_callbacks cb = {.context = &p, .event = tell_event, .text = tell_text};
    int rc = local_find_agent(agent, err);
    if (rc < 0)
        return rc;
    struct local_request request = {.agent = agent,
                                    .store_url = store_url(w->store),
                                    .sweep = w->view->plan->name.ptr,
                                    .plan_digest = w->view->digest,
                                    .round = round->n,
                                    .scratch = w->scratch,
                                    .memory_bytes = mem_bytes,
                                    .mark_starts = true};
    rc = local_worker_run(&request, &cb, &out, err);
    return rc < 0 ? rc : end_of_pilot(&p, &out, err);
}

/* Serial and in this pod: only where it does not hold up the others for long. */
static bool is_short(const struct census_work *w, size_t n)
{
    return w->sizing.case_ms * n / 1000 <= w->limits.chunk_s;
}

int census_pilot(struct census_work *w, bool *ran, struct ds_err *err)
{
    char why[DS_ERR_TEXT_BYTES];
    struct census_policy policy;
    struct round_request request = {0};
    struct round round = {0};
    uint64_t mem_bytes;
    *ran = false;
    int rc = pick_pilot(w, &policy, err);
    if (rc < 0 || policy.n_only == 0)
        return rc;
    if (w->census.n_open_markers > 0) {
        census_say("pilot: not here, because a pod was lost with %u started cases",
                   w->census.n_open_markers);
        return 0;
    }
    if (!fits_here(w, &mem_bytes, why, sizeof why) || !is_short(w, policy.n_only)) {
        census_say("pilot: not here (%s; %s): a round of its own", w->sizing.why, why);
        return 0;
    }
    rc = commit(w, &policy, &request, &round, err);
    if (rc < 0)
        return rc;
    census_say("pilot: %zu case%s here, one at a time (%s)", policy.n_only,
               policy.n_only == 1 ? "" : "s", w->sizing.why);
    rc = run_pilot(w, &round, mem_bytes, err);
    *ran = rc == 0;
    return rc;
}

/* ---- the next round ---- */

struct cutting { /* by shape */
    const struct round_need *needs;
    struct pod_need pods[CENSUS_MAX_SHAPES];
    struct pod_size sizes[CENSUS_MAX_SHAPES];
    uint32_t cases[CENSUS_MAX_SHAPES];
    size_t n;
};

static int size_shapes(struct census_work *w, const struct census_policy *policy, bool pilot,
                       struct cutting *c, struct ds_err *err)
{
    uint32_t most = w->limits.max_chunks > 0 && w->limits.max_chunks < CENSUS_MAX_SHAPES
                        ? w->limits.max_chunks
                        : CENSUS_MAX_SHAPES;
    int rc =
        census_needs(&w->census, w->view->design, policy, most, w->look, &c->needs, &c->n, err);
    for (size_t i = 0; i < c->n && rc == 0; i++) {
        c->pods[i] = census_pod_need(w, c->needs[i].mem_bytes, c->needs[i].n_cases);
        c->pods[i].pilot = pilot;
        rc = pod_size_of(&c->pods[i], w->nodes, w->n_nodes, &w->limits, &c->sizes[i], err);
    }
    if (rc == 0)
        pod_size_cut(c->pods, c->sizes, c->n, w->nodes, w->n_nodes, &w->limits, c->cases);
    return rc;
}

static uint32_t cases_of(const struct round_chunk *chunk)
{
    uint32_t n = 0;
    for (size_t i = 0; i < chunk->n_ranges; i++)
        n += chunk->ranges[i].last - chunk->ranges[i].first + 1;
    return n;
}

static void describe(struct census_work *w, const struct round *round, const struct cutting *c)
{
    struct census_report *r = &w->report;
    uint32_t longest[CENSUS_MAX_SHAPES] = {0};
    r->outcome = CENSUS_ROUND;
    r->round = round->n;
    r->n_shapes = (uint32_t)round->n_shapes;
    for (size_t i = 0; i < round->n_chunks; i++) { /* chunks of a shape stand together */
        struct census_shape *s = &r->shape[round->chunks[i].shape];
        uint32_t n = cases_of(&round->chunks[i]);
        if (s->n_chunks++ == 0)
            s->first_index = (uint32_t)i;
        s->n_cases += n;
        if (n > longest[round->chunks[i].shape])
            longest[round->chunks[i].shape] = n;
    }
    for (size_t i = 0; i < round->n_shapes; i++) {
        struct census_shape *s = &r->shape[i];
        char mem[UNITS_TEXT_BYTES];
        s->pod = c->sizes[i];
        s->deadline_s = pod_size_deadline_s(&c->pods[i], s->pod.slots, longest[i]);
        units_format_size(s->pod.mem_bytes, mem);
        census_say("round %u: %u case%s in %u worker%s of %u CPU%s and %s, %u at a time%s",
                   round->n, s->n_cases, s->n_cases == 1 ? "" : "s", s->n_chunks,
                   s->n_chunks == 1 ? "" : "s", s->pod.cpus, s->pod.cpus == 1 ? "" : "s", mem,
                   s->pod.slots, s->n_chunks == 1 ? "" : " each");
    }
}

int census_next_round(struct census_work *w, bool pilot, struct ds_err *err)
{
    struct census_policy policy = w->policy;
    struct cutting c = {0};
    struct round round = {0};
    int rc = pilot ? pick_pilot(w, &policy, err) : 0;
    rc = rc < 0 ? rc : size_shapes(w, &policy, pilot, &c, err);
    struct round_request request = {.chunk_cases = c.cases, .n_shapes = (uint32_t)c.n};
    rc = rc < 0 ? rc : commit(w, &policy, &request, &round, err);
    if (rc == 0)
        describe(w, &round, &c);
    return rc;
}
