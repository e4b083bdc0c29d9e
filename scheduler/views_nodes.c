/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rooms that a cluster's nodes offer to the pods of one sweep. */
#include "scheduler/views_parts.h"

#include <stdlib.h>

#define MAX_TAINTS 64u
#define MAX_LABELS 256u

/* ---- nodes ---- */

static void take_taints(struct taking *t, const struct json *list, struct node_view *out)
{
    size_t n = json_count(list) < MAX_TAINTS ? json_count(list) : MAX_TAINTS;
    struct node_taint *at = ds_new(t->a, struct node_taint, n);
    t->full = t->full || !at;
    for (const struct json *j = json_first(list); at && j && out->n_taints < n; j = json_next(j)) {
        bool no_execute = json_says(j, "effect", "NoExecute");
        if (!no_execute && !json_says(j, "effect", "NoSchedule"))
            continue;
        at[out->n_taints++] = (struct node_taint){
            .key = take_text(t, json_get(j, "key"), VIEW_NAME_BYTES),
            .value = take_text(t, json_get(j, "value"), VIEW_NAME_BYTES),
            .no_execute = no_execute,
        };
    }
    out->taints = at;
}

static const struct node_label *take_labels(struct taking *t, const struct json *map, size_t *n_out)
{
    size_t n = json_count(map) < MAX_LABELS ? json_count(map) : MAX_LABELS;
    struct node_label *at = ds_new(t->a, struct node_label, n);
    *n_out = 0;
    t->full = t->full || !at;
    for (const struct json *j = json_first(map); at && j && *n_out < n; j = json_next(j))
        at[(*n_out)++] = (struct node_label){.key = take_span(t, json_key(j), 2 * VIEW_NAME_BYTES),
                                             .value = take_text(t, j, VIEW_NAME_BYTES)};
    return at;
}

static uint64_t room_of(const struct json *allocatable, const char *resource, uint64_t per_unit)
{
    uint64_t n = 0;
    struct ds_span text = json_span(json_get(allocatable, resource));
    return quantity_parse(text, per_unit, &n) ? n : 0;
}

int node_view_decode(const struct json *node, struct ds_arena *a, struct node_view *out,
                     struct ds_err *err)
{
    struct taking t = {a, false};
    const struct json *m = json_get(node, "metadata"), *spec = json_get(node, "spec");
    const struct json *room = json_at2(node, "status", "allocatable");
    const struct json *ready = json_find(json_at2(node, "status", "conditions"), "type", "Ready");
    memset(out, 0, sizeof *out);
    out->name = take_text(&t, json_get(m, "name"), VIEW_NAME_BYTES);
    if (!out->name[0])
        return ds_fail(err, DS_EPARSE, "a node without name");
    out->ready =
        json_says(ready, "status", "True") && json_time(json_get(m, "deletionTimestamp")) == 0;
    (void)json_bool(json_get(spec, "unschedulable"), &out->unschedulable);
    out->cpu_milli = room_of(room, "cpu", 1000);
    out->mem_bytes = room_of(room, "memory", 1);
    out->scratch_bytes = room_of(room, "ephemeral-storage", 1);
    take_taints(&t, json_get(spec, "taints"), out);
    out->labels = take_labels(&t, json_get(m, "labels"), &out->n_labels);
    return take_check(&t, "node", err);
}

/* ---- what DaemonSets take ---- */

struct room {
    uint64_t cpu_milli, mem_bytes, scratch_bytes;
};

static struct room requests_of(const struct json *container_or_pod)
{
    const struct json *r = json_at2(container_or_pod, "resources", "requests");
    return (struct room){room_of(r, "cpu", 1000), room_of(r, "memory", 1),
                         room_of(r, "ephemeral-storage", 1)};
}

static struct room add(struct room x, struct room y)
{
    return (struct room){x.cpu_milli + y.cpu_milli, x.mem_bytes + y.mem_bytes,
                         x.scratch_bytes + y.scratch_bytes};
}

static uint64_t larger(uint64_t x, uint64_t y)
{
    return x > y ? x : y;
}

static struct room most(struct room x, struct room y)
{
    return (struct room){larger(x.cpu_milli, y.cpu_milli), larger(x.mem_bytes, y.mem_bytes),
                         larger(x.scratch_bytes, y.scratch_bytes)};
}

/* As the scheduler counts: containers and sidecars side by side, or one init container beside
 * the sidecars before it, whichever is more; then overhead. */
static struct room pod_requests(const struct json *spec)
{
    struct room sum = {0}, sidecars = {0}, start = {0};
    for (const struct json *c = json_first(json_get(spec, "containers")); c; c = json_next(c))
        sum = add(sum, requests_of(c));
    for (const struct json *c = json_first(json_get(spec, "initContainers")); c; c = json_next(c)) {
        struct room r = requests_of(c);
        if (json_says(c, "restartPolicy", "Always"))
            sidecars = add(sidecars, r);
        else
            start = most(start, add(sidecars, r));
    }
    sum = most(add(sum, sidecars), start);
    if (json_is_object(json_at2(spec, "resources", "requests"))) {
        struct room whole = requests_of(spec); /* of the pod as such */
        sum = most(sum, whole);
    }
    const struct json *over = json_get(spec, "overhead");
    return add(sum, (struct room){room_of(over, "cpu", 1000), room_of(over, "memory", 1), 0});
}

bool node_load_decode(const struct json *pod, struct ds_arena *a, struct node_load *out)
{
    struct taking t = {a, false};
    const struct json *spec = json_get(pod, "spec"), *status = json_get(pod, "status");
    const struct json *owners = json_at2(pod, "metadata", "ownerReferences");
    if (!json_find(owners, "kind", "DaemonSet") || json_span(json_get(spec, "nodeName")).len == 0
        || json_says(status, "phase", "Succeeded") || json_says(status, "phase", "Failed"))
        return false;
    struct room r = pod_requests(spec);
    *out = (struct node_load){.node = take_text(&t, json_get(spec, "nodeName"), VIEW_NAME_BYTES),
                              .cpu_milli = r.cpu_milli,
                              .mem_bytes = r.mem_bytes,
                              .scratch_bytes = r.scratch_bytes};
    return !t.full;
}

/* ---- where a sweep may go ---- */

int placement_decode(const struct json *sweep, struct ds_arena *a, struct placement *out,
                     struct ds_err *err)
{
    struct taking t = {a, false};
    const struct json *cluster = json_at2(sweep, "spec", "cluster");
    const struct json *list = json_get(cluster, "tolerations");
    size_t n = json_count(list) < MAX_TAINTS ? json_count(list) : MAX_TAINTS;
    struct node_toleration *at = ds_new(a, struct node_toleration, n);
    *out = (struct placement){0};
    out->selector = take_labels(&t, json_get(cluster, "nodeSelector"), &out->n_selector);
    t.full = t.full || !at;
    for (const struct json *j = json_first(list); at && j && out->n_tolerations < n;
         j = json_next(j))
        at[out->n_tolerations++] = (struct node_toleration){
            .key = take_text(&t, json_get(j, "key"), VIEW_NAME_BYTES),
            .value = take_text(&t, json_get(j, "value"), VIEW_NAME_BYTES),
            .effect = take_text(&t, json_get(j, "effect"), VIEW_NAME_BYTES),
            .exists = json_says(j, "operator", "Exists"),
        };
    out->tolerations = at;
    return take_check(&t, "placement", err);
}

static bool tolerates(const struct node_toleration *by, const char *key, const char *value,
                      const char *effect)
{
    if (by->effect[0] && strcmp(by->effect, effect) != 0)
        return false;
    if (by->key[0] == '\0')
        return by->exists; /* everything */
    return strcmp(by->key, key) == 0 && (by->exists || strcmp(by->value, value) == 0);
}

static bool is_tolerated(const struct placement *p, const char *key, const char *value,
                         const char *effect)
{
    for (size_t i = 0; i < p->n_tolerations; i++)
        if (tolerates(&p->tolerations[i], key, value, effect))
            return true;
    return false;
}

static const char *label_of(const struct node_view *n, const char *key)
{
    for (size_t i = 0; i < n->n_labels; i++)
        if (strcmp(n->labels[i].key, key) == 0)
            return n->labels[i].value;
    return NULL;
}

static bool admits(const struct node_view *n, const struct placement *p)
{
    const char *fake = label_of(n, LABEL_FAKE_NODE);
    bool wants_fake = false;
    if (!n->ready || n->unschedulable)
        return false;
    for (size_t i = 0; i < p->n_selector; i++) {
        const char *value = label_of(n, p->selector[i].key);
        if (!value || strcmp(value, p->selector[i].value) != 0)
            return false;
        wants_fake = wants_fake || strcmp(p->selector[i].key, LABEL_FAKE_NODE) == 0;
    }
    for (size_t i = 0; i < n->n_taints; i++)
        if (!is_tolerated(p, n->taints[i].key, n->taints[i].value,
                          n->taints[i].no_execute ? "NoExecute" : "NoSchedule"))
            return false;
    return !fake || strcmp(fake, "false") == 0 || wants_fake
           || is_tolerated(p, LABEL_FAKE_NODE, fake, "NoSchedule");
}

/* ---- classes ---- */

static int compare_loads(const void *x, const void *y)
{
    const struct node_load *a = x, *b = y;
    return strcmp(a->node, b->node);
}

static struct room load_of(const struct node_load *sorted, size_t n, const char *node)
{
    struct room sum = {0};
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(sorted[mid].node, node) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < n && strcmp(sorted[lo].node, node) == 0; lo++)
        sum = add(sum, (struct room){sorted[lo].cpu_milli, sorted[lo].mem_bytes,
                                     sorted[lo].scratch_bytes});
    return sum;
}

static uint64_t left(uint64_t has, uint64_t taken)
{
    return has > taken ? has - taken : 0;
}

static struct node_class class_of(const struct node_view *n, struct room taken)
{
    uint64_t cpus = left(n->cpu_milli, taken.cpu_milli) / 1000;
    return (struct node_class){.cpus = cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX,
                               .mem_bytes = left(n->mem_bytes, taken.mem_bytes),
                               .scratch_bytes = left(n->scratch_bytes, taken.scratch_bytes),
                               .n_nodes = 1};
}

/* Larger rooms first. */
static int compare_classes(const void *x, const void *y)
{
    const struct node_class *a = x, *b = y;
    if (a->cpus != b->cpus)
        return a->cpus > b->cpus ? -1 : 1;
    if (a->mem_bytes != b->mem_bytes)
        return a->mem_bytes > b->mem_bytes ? -1 : 1;
    return (a->scratch_bytes < b->scratch_bytes) - (a->scratch_bytes > b->scratch_bytes);
}

static size_t group(struct node_class *sorted, size_t n, struct node_class out[NODE_CLASSES_MAX])
{
    size_t n_out = 0;
    for (size_t i = 0; i < n; i++) {
        if (n_out > 0 && compare_classes(&out[n_out - 1], &sorted[i]) == 0)
            out[n_out - 1].n_nodes++;
        else if (n_out < NODE_CLASSES_MAX)
            out[n_out++] = sorted[i];
        else
            break;
    }
    return n_out;
}

size_t node_classes_make(const struct node_view *nodes, size_t n_nodes,
                         const struct node_load *loads, size_t n_loads, const struct placement *p,
                         struct ds_arena *scratch, struct node_class out[NODE_CLASSES_MAX])
{
    struct node_load *sorted = ds_new(scratch, struct node_load, n_loads);
    struct node_class *rooms = ds_new(scratch, struct node_class, n_nodes);
    size_t n = 0;
    if (!sorted || !rooms)
        return 0;
    if (n_loads > 0)
        memcpy(sorted, loads, n_loads * sizeof *sorted);
    qsort(sorted, n_loads, sizeof *sorted, compare_loads);
    for (size_t i = 0; i < n_nodes; i++) {
        if (!admits(&nodes[i], p))
            continue;
        rooms[n] = class_of(&nodes[i], load_of(sorted, n_loads, nodes[i].name));
        n += rooms[n].cpus > 0;
    }
    qsort(rooms, n, sizeof *rooms, compare_classes);
    return group(rooms, n, out);
}
