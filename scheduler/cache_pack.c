/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/cache_pack.h"

#include <stdlib.h>

static void *take_block(size_t bytes)
{
    void *block = malloc(bytes ? bytes : 1);
    if (!block)
        abort();
    return block;
}

/* Texts behind a struct, one after the other. */
static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *put_text(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t n = strlen(text) + 1;
    char *here = *at;
    memcpy(here, text, n);
    *at += n;
    return here;
}

/* Move every text that the list points at behind the struct. */
static void put_texts(char *at, const char **const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *texts[i] = put_text(&at, *texts[i]);
}

static size_t count_texts(const char **const *texts, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += text_bytes(*texts[i]);
    return bytes;
}

static struct placement take_placement(const struct json *object, struct ds_arena *a)
{
    struct placement p = {0};
    if (placement_decode(object, a, &p, NULL) < 0)
        memset(&p, 0, sizeof p);
    return p;
}

static size_t placement_bytes(const struct placement *p)
{
    size_t n = p->n_selector * sizeof *p->selector + p->n_tolerations * sizeof *p->tolerations;
    for (size_t i = 0; i < p->n_selector; i++)
        n += text_bytes(p->selector[i].key) + text_bytes(p->selector[i].value);
    for (size_t i = 0; i < p->n_tolerations; i++)
        n += text_bytes(p->tolerations[i].key) + text_bytes(p->tolerations[i].value)
             + text_bytes(p->tolerations[i].effect);
    return n;
}

/* Tables at `at` (aligned), their texts behind; returns what is free then. */
static char *put_placement(char *at, const struct placement *from, struct placement *to)
{
    struct node_label *selector = (struct node_label *)(void *)at;
    struct node_toleration *toleration =
        (struct node_toleration *)(void *)(selector + from->n_selector);
    at = (char *)(toleration + from->n_tolerations);
    for (size_t i = 0; i < from->n_selector; i++) {
        selector[i].key = put_text(&at, from->selector[i].key);
        selector[i].value = put_text(&at, from->selector[i].value);
    }
    for (size_t i = 0; i < from->n_tolerations; i++) {
        toleration[i] = from->tolerations[i];
        toleration[i].key = put_text(&at, from->tolerations[i].key);
        toleration[i].value = put_text(&at, from->tolerations[i].value);
        toleration[i].effect = put_text(&at, from->tolerations[i].effect);
    }
    *to = (struct placement){selector, from->n_selector, toleration, from->n_tolerations};
    return at;
}

static int pack_sweep(const struct json *object, struct ds_arena *a,
                      const struct sweep_record *before, struct packed *out, struct ds_err *err)
{
    struct sweep_view *v = ds_new(a, struct sweep_view, 1);
    if (!v)
        return ds_fail(err, DS_ETOOBIG, "Sweep: too big");
    int rc = sweep_view_decode(object, a, v, err);
    if (rc < 0)
        return rc;
    if (before && strcmp(before->view.claim, v->claim) == 0) { /* not in the object */
        v->claim_missing = before->view.claim_missing;
        v->read_write_once = before->view.read_write_once;
        v->read_write_once_pod = before->view.read_write_once_pod;
    }
    struct placement place = take_placement(object, a);
    const char **texts[] = {&v->namespace_, &v->name,       &v->uid,
                            &v->deck_name,  &v->once_token, &v->resource_version,
                            &v->claim,      &v->claim_path, &v->refused};
    struct sweep_record *w =
        take_block(sizeof *w + placement_bytes(&place) + count_texts(texts, DS_COUNT(texts)));
    put_texts(put_placement((char *)(w + 1), &place, &w->place), texts, DS_COUNT(texts));
    w->view = *v;
    out->block = w;
    out->owner_uid = "";
    out->differs = true;
    return 0;
}

/* The owner's uid stands behind the view. */
static const char *put_owner(void *block, size_t view_bytes, const struct object_ref *ref)
{
    char *at = (char *)block + view_bytes;
    return put_text(&at, ref->owner_uid);
}

static int pack_job(const struct json *object, const struct object_ref *ref, struct ds_arena *a,
                    const struct job_view *before, int64_t now_s, struct packed *out,
                    struct ds_err *err)
{
    struct job_view v;
    int rc = job_view_decode(object, a, &v, err);
    if (rc < 0)
        return rc;
    if (before && strcmp(before->uid, v.uid) != 0)
        before = NULL;
    if (before && v.n_active == 0)
        v.why = before->why; /* from events, not in the object */
    job_view_note_seen(&v, before, now_s);
    size_t bytes = job_view_bytes(&v);
    out->block = take_block(bytes + text_bytes(ref->owner_uid));
    out->differs = !before || !job_view_same(before, &v);
    (void)job_view_pack(&v, out->block);
    out->owner_uid = put_owner(out->block, bytes, ref);
    return 0;
}

static int pack_pod(const struct json *object, const struct object_ref *ref, struct ds_arena *a,
                    const struct pod_view *before, int64_t now_s, struct packed *out,
                    struct ds_err *err)
{
    struct pod_view v;
    int rc = pod_view_decode(object, a, &v, err);
    if (rc < 0)
        return rc;
    if (before && strcmp(before->uid, v.uid) != 0)
        before = NULL;
    pod_view_note_seen(&v, before, now_s);
    size_t bytes = pod_view_bytes(&v);
    out->block = take_block(bytes + text_bytes(ref->owner_uid));
    out->differs = !before || !pod_view_same(before, &v);
    (void)pod_view_pack(&v, out->block);
    out->owner_uid = put_owner(out->block, bytes, ref);
    return 0;
}

static void pack_map(const struct object_ref *ref, const struct cache_map *before,
                     struct packed *out)
{
    struct cache_map v = {ref->name, ref->uid, ref->owner_uid, ref->sweep_kind};
    const char **texts[] = {&v.name, &v.uid, &v.owner_uid, &v.kind};
    struct cache_map *w = take_block(sizeof *w + count_texts(texts, DS_COUNT(texts)));
    put_texts((char *)(w + 1), texts, DS_COUNT(texts));
    *w = v;
    out->block = w;
    out->owner_uid = w->owner_uid;
    out->differs = !before || strcmp(before->uid, w->uid) != 0;
}

static bool same_node(const struct node_view *x, const struct node_view *y)
{
    if (x->ready != y->ready || x->unschedulable != y->unschedulable || x->cpu_milli != y->cpu_milli
        || x->mem_bytes != y->mem_bytes || x->scratch_bytes != y->scratch_bytes
        || x->n_taints != y->n_taints || x->n_labels != y->n_labels)
        return false;
    for (size_t i = 0; i < x->n_taints; i++)
        if (x->taints[i].no_execute != y->taints[i].no_execute
            || strcmp(x->taints[i].key, y->taints[i].key) != 0
            || strcmp(x->taints[i].value, y->taints[i].value) != 0)
            return false;
    for (size_t i = 0; i < x->n_labels; i++)
        if (strcmp(x->labels[i].key, y->labels[i].key) != 0
            || strcmp(x->labels[i].value, y->labels[i].value) != 0)
            return false;
    return true;
}

static size_t node_text_bytes(const struct node_view *v)
{
    size_t bytes = text_bytes(v->name);
    for (size_t i = 0; i < v->n_taints; i++)
        bytes += text_bytes(v->taints[i].key) + text_bytes(v->taints[i].value);
    for (size_t i = 0; i < v->n_labels; i++)
        bytes += text_bytes(v->labels[i].key) + text_bytes(v->labels[i].value);
    return bytes;
}

static int pack_node(const struct json *object, struct ds_arena *a, const struct node_view *before,
                     struct packed *out, struct ds_err *err)
{
    struct node_view v;
    int rc = node_view_decode(object, a, &v, err);
    if (rc < 0)
        return rc;
    size_t tables = sizeof v + v.n_taints * sizeof *v.taints + v.n_labels * sizeof *v.labels;
    struct node_view *w = take_block(tables + node_text_bytes(&v));
    struct node_taint *taints = (struct node_taint *)(void *)(w + 1);
    struct node_label *labels = (struct node_label *)(void *)(taints + v.n_taints);
    char *at = (char *)w + tables;
    *w = v;
    w->name = put_text(&at, v.name);
    for (size_t i = 0; i < v.n_taints; i++) {
        taints[i] = v.taints[i];
        taints[i].key = put_text(&at, v.taints[i].key);
        taints[i].value = put_text(&at, v.taints[i].value);
    }
    for (size_t i = 0; i < v.n_labels; i++) {
        labels[i].key = put_text(&at, v.labels[i].key);
        labels[i].value = put_text(&at, v.labels[i].value);
    }
    w->taints = taints;
    w->labels = labels;
    out->block = w;
    out->owner_uid = "";
    out->differs = !before || !same_node(before, w);
    return 0;
}

static void pack_load(const struct json *object, struct ds_arena *a, const struct node_load *before,
                      struct packed *out)
{
    struct node_load v;
    if (!node_load_decode(object, a, &v))
        return;
    struct node_load *w = take_block(sizeof *w + text_bytes(v.node));
    char *at = (char *)(w + 1);
    *w = v;
    w->node = put_text(&at, v.node);
    out->block = w;
    out->owner_uid = "";
    out->differs = !before || before->cpu_milli != v.cpu_milli || before->mem_bytes != v.mem_bytes
                   || before->scratch_bytes != v.scratch_bytes;
}

int cache_pack(enum cache_kind kind, const struct json *object, const struct object_ref *ref,
               struct ds_arena *scratch, const void *before, int64_t now_s, struct packed *out,
               struct ds_err *err)
{
    switch (kind) {
    case CACHE_SWEEP:
        return pack_sweep(object, scratch, before, out, err);
    case CACHE_JOB:
        return pack_job(object, ref, scratch, before, now_s, out, err);
    case CACHE_POD:
        return pack_pod(object, ref, scratch, before, now_s, out, err);
    case CACHE_MAP:
        pack_map(ref, before, out);
        return 0;
    case CACHE_NODE:
        return pack_node(object, scratch, before, out, err);
    case CACHE_LOAD:
        pack_load(object, scratch, before, out);
        return 0;
    case CACHE_KINDS:
        break;
    }
    return ds_fail(err, DS_EINPUT, "no such kind");
}

void cache_pack_why(const struct job_view *old, const char *owner_uid, const char *why,
                    struct packed *out)
{
    struct job_view v = *old;
    struct object_ref ref = {.owner_uid = owner_uid};
    v.why = why;
    size_t bytes = job_view_bytes(&v);
    out->block = take_block(bytes + text_bytes(owner_uid));
    (void)job_view_pack(&v, out->block);
    out->owner_uid = put_owner(out->block, bytes, &ref);
}
