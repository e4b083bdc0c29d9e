/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/session_io.h"

#include "agent/topology_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "contract/number_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define MACHINE_ARENA_BYTES ((size_t)256 << 20)
#define LOOK_ARENA_BYTES    ((size_t)4 << 30)
#define MAX_CORES           1000000u

int session_read_options(const struct cli *cli, struct session_options *o)
{
    uint64_t cores = cmd_number(cli->line, "cores", 0);
    if (cmd_has(cli->line, "cores") && (cores == 0 || cores > MAX_CORES))
        return cli_usage(cli, "--cores is a number from 1 to %u", MAX_CORES);
    o->sweep_path = cli_arg(cli, 0);
    o->store_url = cmd_text(cli->line, "store");
    o->cores = (uint32_t)cores;
    o->memory_bytes = cmd_number(cli->line, "memory", 0);
    if (cmd_has(cli->line, "memory") && o->memory_bytes == 0)
        return cli_usage(cli, "--memory is more than 0: no case runs without memory");
    return 0;
}

static void hint_at_deck(const char *path)
{
    struct ds_span ext = path_extension(ds_span_of(path));
    if (ext.len == 4 && strncasecmp(ext.ptr, "DATA", 4) == 0)
        log_info("%s looks like a deck, not a sweep file: `decksweep init %s > sweep.yaml` writes "
                 "a sweep file for it",
                 path, path);
}

void session_tell_faults(const char *path, const struct plan_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++)
        log_error("%.*s", DS_FMT(faults->texts[i]));
    if (faults->more > 0)
        log_error("and %zu more", faults->more);
    hint_at_deck(path);
}

/* Every range must have a case: a mistyped number would run nothing and look like success. */
static int check_only(const struct design *d, const struct census_policy *policy,
                      struct ds_err *err)
{
    uint32_t row = 0; /* ranges and numbers both ascend */
    for (size_t i = 0; i < policy->n_only; i++) {
        const struct number_range *r = &policy->only[i];
        while (row < d->n_rows && d->number[row] < r->first)
            row++;
        if (row < d->n_rows && d->number[row] <= r->last)
            continue;
        char range[32];
        (void)snprintf(range, sizeof range, r->first == r->last ? "%u" : "%u-%u", r->first,
                       r->last);
        return d->n_rows == 0
                   ? ds_fail(err, DS_EINPUT, "--only: the design has no case at all")
                   : ds_fail(err, DS_EINPUT,
                             "--only: the design has no case %s; its numbers are %u to %u", range,
                             d->number[0], d->number[d->n_rows - 1]);
    }
    return 0;
}

static int fill_policy(struct cli *cli, const struct session_options *o, struct session *s,
                       struct ds_err *err)
{
    struct census_policy *policy = &s->policy;
    *policy = census_policy_of(s->view->plan);
    policy->accept_narrow = o->accept;
    policy->refill = o->refill;
    if (!o->only)
        return 0;
    int rc =
        number_list_parse(ds_span_of(o->only), cli->arena, &policy->only, &policy->n_only, err);
    return rc < 0 ? ds_wrap(err, "--only") : check_only(s->view->design, policy, err);
}

int session_load(struct cli *cli, const struct session_options *o, struct session *s,
                 struct ds_err *err)
{
    struct plan_faults faults;
    *s = (struct session){0};
    int rc = plan_load(o->sweep_path, &s->planned, &faults, err);
    if (rc < 0 && faults.n > 0) {
        session_tell_faults(o->sweep_path, &faults);
        planned_destroy(s->planned);
        s->planned = NULL;
        return rc;
    }
    if (rc < 0) {
        (void)cli_fail(cli, err);
        return rc;
    }
    s->view = planned_view(s->planned);
    (void)snprintf(s->prefix, sizeof s->prefix, "%.*s/", DS_FMT(s->view->plan->name));
    rc = fill_policy(cli, o, s, err);
    if (rc < 0)
        (void)cli_fail(cli, err);
    return rc;
}

int session_look_at_machine(const struct session_options *o, struct session *s, struct ds_err *err)
{
    const struct plan *p = s->view->plan;
    s->machine = arena_create(MACHINE_ARENA_BYTES);
    int rc = topology_detect(s->machine, &s->topology, err);
    if (rc < 0)
        return rc;
    s->limits = (struct slots_request){.cores = p->ranks * p->threads,
                                       .cores_limit = o->cores,
                                       .mem_limit_bytes = o->memory_bytes};
    return slots_capacity(&s->topology, &s->limits, &s->capacity, err);
}

/* The store's own folder, or the nearest one above it that is there, must let us write. */
static int check_place(const char *url, struct ds_err *err)
{
    ds_auto_arena a = arena_create(65536);
    struct ds_span path = ds_span_of(url);
    char *text = arena_cstr(a, path);
    while (text && access(text, F_OK) < 0) {
        path = path_dir(path);
        text = path.len > 0 ? arena_cstr(a, path) : arena_cstr(a, DS_SPAN("."));
        if (path.len == 0)
            break;
    }
    if (text && access(text, W_OK | X_OK) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "store %s: cannot write in %s", url, text);
    return 0;
}

static char *store_path(const struct session_options *o, const struct session *s)
{
    const struct sweep *w = s->view->sweep;
    struct ds_span url = o->store_url ? ds_span_of(o->store_url) : w->store;
    bool remote = ds_span_starts(url, "s3://") || ds_span_starts(url, "pvc://");
    bool own = o->store_url != NULL; /* the command line's paths start at the working directory */
    struct ds_span whole =
        remote || own ? url : path_normalise(s->machine, path_join(s->machine, w->dir, url));
    return whole.ptr ? strndup(whole.ptr, whole.len) : NULL;
}

int session_open_store(const struct session_options *o, enum store_mode mode, struct session *s,
                       struct ds_err *err)
{
    s->store_url = store_path(o, s);
    if (!s->store_url)
        return ds_fail(err, DS_ETOOBIG, "store: name too long");
    int rc = store_open(s->store_url, mode, &s->store, err);
    if (rc == DS_ENOTFOUND && mode == STORE_READ) {
        s->store = NULL;
        return check_place(s->store_url, err);
    }
    if (rc < 0)
        return rc;
    if (mode == STORE_READ && store_is_dir(s->store))
        return check_place(s->store_url, err);
    if (store_note(s->store)[0])
        log_info("%s", store_note(s->store));
    return 0;
}

static bool nothing_to_run(const struct session *s)
{
    const struct census *c = &s->census;
    return c->n_new + c->n_outstanding + c->n_no_fit + c->n_lacking == 0;
}

/* Where memory is the matter, where its size comes from matters too. */
static int refuse_size(const struct session *s, enum ds_code code, struct ds_span why,
                       struct ds_err *err)
{
    if (code == DS_ENOFIT && s->limits.cores > s->capacity.cores)
        return ds_fail(err, code,
                       "%.*s; give more --cores, lower resources.ranks or resources.threads, or "
                       "take a larger machine",
                       DS_FMT(why));
    return ds_fail(err, code,
                   "%s: %.*s; set resources.memory if you know better, or take a larger machine",
                   s->sizing.why, DS_FMT(why));
}

/* A finished sweep is looked at and collected on any machine: it has no slots there. */
static int lay_out(struct session *s, struct ds_err *err)
{
    struct ds_err why = {0};
    s->limits.mem_bytes = s->sizing.mem_bytes;
    int rc = slots_plan(&s->topology, &s->limits, s->machine, &s->slots, &why);
    if (rc == DS_ENOFIT && nothing_to_run(s)) {
        s->slots = (struct slots){.why_places = arena_copy(s->machine, ds_span_of(why.text))};
        return 0;
    }
    return rc < 0 ? refuse_size(s, (enum ds_code)rc, ds_span_of(why.text), err) : 0;
}

int session_need_slots(const struct session *s, struct ds_err *err)
{
    return s->slots.n_max > 0 ? 0 : refuse_size(s, DS_ENOFIT, s->slots.why_places, err);
}

int session_look_at_store(struct session *s, struct ds_err *err)
{
    const struct planned_view *v = s->view;
    arena_destroy(s->look);
    s->look = arena_create(LOOK_ARENA_BYTES);
    uint64_t dry_run = s->evidence.dry_run_peak_bytes;
    s->evidence = (struct size_evidence){.model_mem_bytes = v->model_mem_bytes,
                                         .dry_run_peak_bytes = dry_run,
                                         .machine_mem_bytes = s->capacity.mem_bytes};
    s->listing = (struct sweep_listing){0};
    if (s->store) {
        int rc = census_list(s->store, s->prefix, s->look, &s->listing, err);
        if (rc < 0)
            return rc;
        census_measure(s->store, s->prefix, v, &s->listing, &s->evidence);
    }
    size_case(v->plan, &s->evidence, &s->sizing);
    s->measured = (struct measured){.peak_mem_bytes = s->evidence.sibling_peak_bytes,
                                    .estimate_mem_bytes = s->sizing.mem_bytes,
                                    .scratch_bytes = s->sizing.scratch_bytes,
                                    .case_ms = s->sizing.case_ms};
    int rc = census_take(v->design, s->listing.keys, s->listing.n_keys, &s->measured, s->capacity,
                         &s->policy, s->look, &s->census, err);
    return rc < 0 ? rc : lay_out(s, err);
}

void session_clear(struct session *s)
{
    store_close(s->store);
    free(s->store_url);
    planned_destroy(s->planned);
    arena_destroy(s->look);
    arena_destroy(s->machine);
    *s = (struct session){0};
}
