/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One sweep at a time: what is known is handed to reconcile(), what it decides to controller_act_io.c.
 * A slot is never decided while a request of it is under way. */
#include "base/clock_io.h"
#include "base/log_io.h"
#include "scheduler/controller_parts_io.h"

#include <stdio.h>
#include <stdlib.h>

#define STREAK_MOST    20u /* writes in a row without news from a watch: something is odd */
#define STREAK_WAIT_MS 5000

static struct sweep_work *work_new(struct controller *c, struct sweep_slot *slot)
{
    struct sweep_work *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->c = c;
    w->slot = slot;
    buf_init(&w->body, 2u << 20);
    slot->work = w;
    return w;
}

static void forget_go(struct sweep_work *w)
{
    free(w->action);
    free(w->status);
    json_destroy(w->object);
    w->action = NULL;
    w->status = NULL;
    w->object = NULL;
    w->n_actions = w->at = 0;
    w->spec_made = w->wrote = false;
    buf_clear(&w->body);
}

void work_free(struct controller *c, struct sweep_slot *slot)
{
    struct sweep_work *w = slot->work;
    if (!w)
        return;
    due_drop(&c->due, &slot->due);
    forget_go(w);
    free(w);
    slot->work = NULL;
}

void work_touched(void *controller, struct sweep_slot *slot)
{
    struct controller *c = controller;
    struct sweep_work *w = slot->work;
    if (!slot->sweep) {
        if (w && !w->busy)
            work_free(c, slot);
        (void)cache_slot_tidy(&c->cache, slot);
        return;
    }
    if (!w)
        w = work_new(c, slot);
    w->streak = 0;
    if (c->leading)
        controller_ask(c, slot, w->decided_ms + RECONCILE_GAP_MS);
}

void work_end(struct sweep_work *w, bool failed)
{
    struct controller *c = w->c;
    struct sweep_slot *slot = w->slot;
    int64_t now = clock_monotonic_ms(), wait = -1;
    bool wrote = w->wrote;
    forget_go(w);
    if (w->busy)
        c->n_writing--;
    w->busy = false;
    if (!slot->sweep) {
        work_free(c, slot);
        (void)cache_slot_tidy(&c->cache, slot);
        return;
    }
    if (failed) {
        wait = RETRY_FIRST_MS << (w->failures < 6 ? w->failures : 6);
        wait = wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS;
        wait = wait / 2 + (int64_t)(controller_random(c) % (uint32_t)wait) / 2;
        w->failures++;
        w->not_before_ms = now + wait;
    } else {
        w->failures = 0;
        if (wrote) {
            w->streak++;
            wait = w->streak > STREAK_MOST ? STREAK_WAIT_MS : 0;
            if (w->streak == STREAK_MOST + 1)
                log_warn("%s: %u writes in a row that changed nothing seen: slowing down",
                         slot->key, w->streak);
        } else if (w->again) {
            wait = 0;
        }
    }
    w->again = false;
    if (wait >= 0)
        controller_ask(c, slot, now + wait);
}

/* ---- what reconcile reads ---- */

static struct job_view *take_jobs(struct sweep_work *w, const struct sweep_view *view, size_t *n)
{
    struct sweep_slot *slot = w->slot;
    struct job_view *jobs = ds_new(w->c->arena, struct job_view, slot_job_count(slot));
    *n = 0;
    for (size_t i = 0; jobs && i < slot_job_count(slot); i++) {
        const struct cache_object *o = slot_job(slot, i);
        if (strcmp(o->owner_uid, view->uid) == 0) /* else of an older Sweep of this name */
            jobs[(*n)++] = *(const struct job_view *)o->packed;
    }
    return jobs;
}

static void take_nodes(struct sweep_work *w)
{
    struct controller *c = w->c;
    if (w->nodes_known && w->nodes_version == c->cache.nodes_version
        && w->nodes_of == w->slot->sweep->packed)
        return;
    w->n_nodes = cache_node_classes(&c->cache, slot_place(w->slot), w->nodes);
    w->nodes_version = c->cache.nodes_version;
    w->nodes_of = w->slot->sweep->packed;
    w->nodes_known = true;
}

static uint32_t sweeps_ahead(struct sweep_work *w)
{
    struct controller *c = w->c;
    const struct keyed *t = &c->cache.table[CACHE_SWEEP];
    struct keyed_scan scan = {0};
    size_t n = 0, self = 0;
    if (c->limits.max_sweeps_active == 0)
        return 0;
    const struct sweep_view **all = ds_new(c->arena, const struct sweep_view *, t->n);
    for (struct keyed_item *i; all && (i = keyed_next(t, &scan));) {
        const struct cache_object *o =
            (const void *)((const char *)i - offsetof(struct cache_object, item));
        if (o == w->slot->sweep)
            self = n;
        all[n++] = o->packed;
    }
    return all ? reconcile_sweeps_ahead(all, n, self) : 0;
}

/* What a Sweep object does not say. */
static struct sweep_view *complete_view(struct sweep_work *w)
{
    struct sweep_view *view = slot_view_mutable(w->slot);
    char key[CACHE_KEY_BYTES];
    const struct cache_object *deck = NULL;
    if (view->deck_source == DECK_CONFIG_MAP) {
        (void)snprintf(key, sizeof key, "%s/%s", view->namespace_, view->deck_name);
        deck = cache_find(&w->c->cache, CACHE_MAP, key);
    }
    view->deck_present = deck != NULL;
    const struct cache_map *map = deck ? deck->packed : NULL;
    view->deck_owned =
        map && strcmp(map->kind, "bundle") == 0 && strcmp(map->owner_uid, view->uid) == 0;
    if (w->refused[0] && w->refused_generation == view->generation)
        view->refused = w->refused;
    return view;
}

static void decide(struct sweep_work *w, struct sweep_view *view)
{
    struct controller *c = w->c;
    struct reconcile_input in = {.sweep = view};
    arena_reset(c->arena);
    take_nodes(w);
    in.jobs = take_jobs(w, view, &in.n_jobs);
    in.pods = slot_pods(w->slot);
    in.n_pods = slot_pod_count(w->slot);
    in.nodes = w->nodes;
    in.n_nodes = w->n_nodes;
    in.limits = &c->limits;
    in.sweeps_ahead = sweeps_ahead(w);
    in.controller_version = DECKSWEEP_VERSION;
    in.agent_image = c->o->agent_image;
    in.now_s = clock_unix_ms() / 1000;
    in.trouble = w->trouble;
    int64_t start = clock_monotonic_ns();
    reconcile(&in, c->decided);
    metrics_count_reconcile(&c->metrics, clock_monotonic_ns() - start);
    w->decided_ms = clock_monotonic_ms();
    if (c->decided->wake_s != 0) {
        int64_t wait = (c->decided->wake_s - in.now_s) * 1000;
        controller_ask(c, w->slot, w->decided_ms + (wait > 1000 ? wait : 1000));
    }
}

/* ---- looking around ---- */

/* Jobs that have no pods and do not say why, and Jobs that a list has lost. */
static void look_at_jobs(struct sweep_work *w)
{
    int64_t now_ms = clock_monotonic_ms(), now_s = clock_unix_ms() / 1000;
    for (size_t i = 0; i < slot_job_count(w->slot); i++) {
        struct cache_object *o = slot_job(w->slot, i);
        const struct job_view *j = o->packed;
        if (o->unsure && !o->asked)
            act_look_up_job(w->c, o);
        if (j->deleting || j->complete || j->failed || j->suspended || j->n_active > 0)
            continue;
        if (j->seen_s == 0 || now_s - j->seen_s < WHY_AFTER_S)
            controller_ask(w->c, w->slot, now_ms + WHY_AFTER_S * INT64_C(1000));
        else if (o->why_at_ms == 0 || now_ms - o->why_at_ms >= WHY_EVERY_MS)
            act_ask_why(w->c, o);
        else
            controller_ask(w->c, w->slot, o->why_at_ms + WHY_EVERY_MS);
    }
}

/* How long what is known of the claim holds. */
static int64_t claim_lasts_ms(const struct sweep_work *w, const struct sweep_view *view)
{
    return view->claim_missing
               ? due_patience_ms(w->claim_ms - w->claim_gone_ms, CLAIM_MISSING_MS, CLAIM_OLD_MS)
               : CLAIM_OLD_MS;
}

static bool needs_claim(const struct sweep_work *w, const struct sweep_view *view, int64_t now)
{
    if (!view->claim[0])
        return false;
    return w->claim_ms == 0 || strcmp(w->claim, view->claim) != 0
           || now - w->claim_ms >= claim_lasts_ms(w, view);
}

/* May this status wait for the next one? */
static bool can_wait(const struct sweep_work *w, const struct reconciled *r, int64_t now)
{
    if (r->urgent || r->fence || w->status_ms == 0 || now - w->status_ms >= STATUS_EVERY_MS)
        return false;
    for (uint32_t i = 0; i < r->n_actions; i++)
        if (r->action[i].kind != ACT_EVENT)
            return false;
    return true;
}

static bool same_status(const struct sweep_status *x, const struct sweep_status *y)
{
    ds_auto_buf a, b;
    buf_init(&a, API_STATUS_BYTES);
    buf_init(&b, API_STATUS_BYTES);
    return sweep_status_encode(x, &a, NULL) == 0 && sweep_status_encode(y, &b, NULL) == 0
           && ds_span_eq(buf_span(&a), buf_span(&b));
}

static void *copy_of(const void *from, size_t bytes)
{
    void *to = malloc(bytes ? bytes : 1);
    if (!to)
        abort();
    memcpy(to, from, bytes);
    return to;
}

static bool is_census(const struct sweep_status *st)
{
    return st->step.kind == STEP_CENSUS && st->step.ended_s == 0 && st->step.n_jobs > 0;
}

/* ConfigMaps of specs are ours alone: the one of a census under way comes back when somebody
 * deleted it (its pod waits for it), those of older edits go. The number of actions (0, 1). */
static uint32_t look_at_specs(struct sweep_work *w, const struct sweep_view *view,
                              struct action *out)
{
    char name[STATUS_NAME_BYTES];
    bool there = false;
    size_t n = 1;
    job_manifest_spec_name(view->name, view->edit_hash, name);
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const struct cache_object *o = slot_map(w->slot, i, &n);
        const struct cache_map *map = o ? o->packed : NULL;
        if (!map || strcmp(map->kind, "spec") != 0 || strcmp(o->owner_uid, view->uid) != 0)
            continue;
        if (strcmp(map->name, name) == 0) {
            there = true;
        } else if (!is_census(&view->status) && strlen(map->name) < sizeof out->name) {
            out->kind = ACT_DELETE_BUNDLE;
            (void)snprintf(out->name, sizeof out->name, "%s", map->name);
        }
    }
    if (!there && is_census(&view->status) && view->status.step.job[0].outcome == JOB_ACTIVE
        && strcmp(view->status.edit_hash, view->edit_hash) == 0) {
        out->kind = ACT_CREATE_JOB; /* makes the ConfigMap first, and then finds its Job */
        (void)snprintf(out->name, sizeof out->name, "%s", view->status.step.job[0].name);
    }
    return out->kind ? 1 : 0;
}

/* A finished sweep costs nothing; else a Sweep without its claim is looked at again. */
static void start_go(struct sweep_work *w, const struct sweep_view *view)
{
    struct reconciled *r = w->c->decided;
    int64_t now = clock_monotonic_ms();
    bool changed = r->status_changed && !same_status(&r->status, &view->status);
    if (view->claim_missing && !sweep_phase_is_final(r->status.phase))
        controller_ask(w->c, w->slot, w->claim_ms + claim_lasts_ms(w, view));
    if (changed && can_wait(w, r, now)) {
        controller_ask(w->c, w->slot, w->status_ms + STATUS_EVERY_MS);
        return;
    }
    if (!changed && r->n_actions == 0)
        r->n_actions = look_at_specs(w, view, &r->action[0]);
    if (!changed && r->n_actions == 0)
        return;
    if (changed || r->fence)
        w->status = copy_of(&r->status, sizeof r->status);
    w->action = copy_of(r->action, r->n_actions * sizeof r->action[0]);
    w->n_actions = r->n_actions;
    w->at = 0;
    w->busy = true;
    w->c->n_writing++;
    act_next(w);
}

void work_look(struct controller *c, struct sweep_slot *slot)
{
    struct sweep_work *w = slot->work;
    if (!w)
        return;
    if (w->busy) {
        w->again = true;
        return;
    }
    if (!slot->sweep) {
        work_touched(c, slot);
        return;
    }
    if (clock_monotonic_ms() < w->not_before_ms) {
        controller_ask(c, slot, w->not_before_ms);
        return;
    }
    struct sweep_view *view = complete_view(w);
    if (view->deleting)
        return;
    if (needs_claim(w, view, clock_monotonic_ms())) {
        w->busy = true;
        c->n_writing++;
        act_look_up_claim(w);
        return;
    }
    decide(w, view);
    look_at_jobs(w);
    start_go(w, view);
}
