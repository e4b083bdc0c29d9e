/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches into the cache. Every kind is listed and watched for ever; what changes a decision marks its
 * slot. An object that cannot be used is said once and skipped. */
#include "base/log_io.h"
#include "kube/kube_path.h"
#include "scheduler/controller_parts_io.h"

#include <malloc.h>

#define OURS       LABEL_MANAGED_BY "=decksweep"
#define OUR_PODS   OURS "," LABEL_KIND " in (census,round)"
#define DAEMON_SET "pod-template-generation" /* a label that pods of DaemonSets alone have */

static void tell_all(struct controller *c)
{
    struct keyed_scan scan = {0};
    for (struct keyed_item *i; (i = keyed_next(&c->cache.slots, &scan));)
        work_touched(c,
                     (struct sweep_slot *)(void *)((char *)i - offsetof(struct sweep_slot, item)));
}

/* A ConfigMap came or went: sweeps that wait for a deck of that name. */
static void tell_waiting(struct controller *c, const struct json *map)
{
    const struct json *meta = json_get(map, "metadata");
    struct ds_span name, namespace_;
    struct keyed_scan scan = {0};
    if (!json_text(json_get(meta, "name"), &name)
        || !json_text(json_get(meta, "namespace"), &namespace_))
        return;
    for (struct keyed_item *i; (i = keyed_next(&c->cache.slots, &scan));) {
        struct sweep_slot *s =
            (struct sweep_slot *)(void *)((char *)i - offsetof(struct sweep_slot, item));
        const struct sweep_view *w = slot_view(s);
        if (w && ds_span_is(name, w->deck_name) && ds_span_is(namespace_, w->namespace_))
            work_touched(c, s);
    }
}

static void take_limits(struct controller *c, const struct json *map)
{
    struct limits_problems problems = {.n = 0};
    limits_read(map, &c->limits, &problems);
    for (size_t i = 0; i < problems.n; i++)
        controller_say_once(c, "%s", problems.text[i]);
    tell_all(c);
}

static void on_relist(void *context)
{
    struct watched *w = context;
    metrics_watch(&w->c->metrics, w->what)->relists++;
    w->in_list = true;
    if (!w->limits)
        cache_list_begins(&w->c->cache, w->kind, w->scope);
}

static void on_object(void *context, const struct json *object)
{
    struct watched *w = context;
    struct controller *c = w->c;
    struct cache_now now = controller_now();
    struct sweep_slot *touched;
    struct ds_err err = {0};
    metrics_watch(&c->metrics, w->what)->objects++;
    if (w->limits) {
        take_limits(c, object);
        return;
    }
    if (cache_put(&c->cache, w->kind, w->scope, false, object, &now, &touched, &err) < 0) {
        controller_say_once(c, "%s: an object is skipped: %s", w->what, err.text);
        return;
    }
    struct sweep_slot *left = c->cache.left;
    if (touched)
        work_touched(c, touched);
    if (left)
        work_touched(c, left);
    if (w->kind == CACHE_MAP)
        tell_waiting(c, object);
}

static void on_deleted(void *context, const struct json *object)
{
    struct watched *w = context;
    if (w->limits) {
        take_limits(w->c, NULL);
        return;
    }
    struct sweep_slot *touched = cache_remove(&w->c->cache, w->kind, object);
    if (touched)
        work_touched(w->c, touched);
    if (w->kind == CACHE_MAP)
        tell_waiting(w->c, object);
}

static void on_synced(void *context)
{
    struct watched *w = context;
    struct cache_now now = controller_now();
    if (!w->synced)
        metrics_watch(&w->c->metrics, w->what)->synced++;
    w->synced = true;
    if (!w->limits && w->in_list)
        cache_list_ends(&w->c->cache, w->kind, w->scope, &now, work_touched, w->c);
    w->in_list = false;
    (void)malloc_trim(0); /* a list passes through much more memory than it leaves behind */
}

static void on_trouble(void *context, const struct ds_err *err)
{
    struct watched *w = context;
    metrics_watch(&w->c->metrics, w->what)->troubles++;
    log_warn("watching %s: %s", w->what, err->text);
}

struct watch_kind {
    const char *what, *group_version, *plural, *labels;
    enum cache_kind kind;
    bool metadata, limits, needed, everywhere;
};
static const struct watch_kind WATCHES[] = {
    {"sweeps", SWEEP_API_VERSION, SWEEP_PLURAL, NULL, CACHE_SWEEP, false, false, true, false},
    {"jobs", "batch/v1", "jobs", OURS, CACHE_JOB, false, false, true, false},
    {"pods", "v1", "pods", OUR_PODS, CACHE_POD, false, false, true, false},
    {"configmaps", "v1", "configmaps", NULL, CACHE_MAP, true, false, true, false},
    {"nodes", "v1", "nodes", NULL, CACHE_NODE, false, false, false, true},
    {"daemonset pods", "v1", "pods", DAEMON_SET, CACHE_LOAD, false, false, false, true},
    {"limits", "v1", "configmaps", NULL, CACHE_MAP, false, true, false, true},
};

static int start_one(struct controller *c, const struct watch_kind *k, unsigned scope,
                     struct ds_err *err)
{
    struct watched *w = &c->watch[c->n_watches];
    const char *namespace_ = k->limits            ? c->namespace_
                             : k->everywhere      ? NULL
                             : c->o->n_namespaces ? c->o->namespaces[scope]
                                                  : NULL;
    struct kube_watch_callbacks on = {w, on_relist, on_object, on_deleted, on_synced, on_trouble};
    ds_auto_buf path;
    buf_init(&path, 4096);
    *w = (struct watched){.c = c,
                          .kind = k->kind,
                          .limits = k->limits,
                          .needed = k->needed,
                          .scope = scope,
                          .what = k->what};
    (void)kube_path_put(&path, k->group_version, namespace_, k->plural, NULL, NULL);
    int rc = buf_check(&path, "path", err);
    if (rc == 0 && k->metadata)
        rc = kube_watch_metadata_start(c->kube, path.data, k->labels, NULL, &on, &w->watch, err);
    else if (rc == 0)
        rc = kube_watch_start(c->kube, path.data, k->labels,
                              k->limits ? "metadata.name=" LIMITS_CONFIG_MAP : NULL, &on, &w->watch,
                              err);
    if (rc < 0)
        return rc;
    metrics_watch(&c->metrics, w->what)->wanted++;
    c->n_watches++;
    return 0;
}

static unsigned count_scopes(const struct controller_options *o, const struct watch_kind *k)
{
    return k->everywhere || o->n_namespaces == 0 ? 1 : (unsigned)o->n_namespaces;
}

unsigned controller_watches(const struct controller_options *o)
{
    unsigned n = 0;
    for (size_t k = 0; k < DS_COUNT(WATCHES); k++)
        n += count_scopes(o, &WATCHES[k]);
    return n;
}

int controller_watch(struct controller *c, struct ds_err *err)
{
    for (size_t k = 0; k < DS_COUNT(WATCHES); k++) {
        for (unsigned s = 0; s < count_scopes(c->o, &WATCHES[k]); s++) {
            int rc = start_one(c, &WATCHES[k], s, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

void controller_unwatch(struct controller *c)
{
    for (size_t i = 0; i < c->n_watches; i++)
        kube_watch_stop(c->watch[i].watch);
    c->n_watches = 0;
}
