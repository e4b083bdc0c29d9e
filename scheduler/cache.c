/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/cache.h"

#include "scheduler/cache_pack.h"

#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_BYTES  (16u << 20) /* one object decoded, or the node table */
#define LIST_MAX_BYTES (256u << 20)

void cache_init(struct cache *c)
{
    memset(c, 0, sizeof *c);
    c->scratch = arena_create(SCRATCH_BYTES);
}

/* ---- lists of objects inside a slot ---- */

static struct cache_object **objects(const struct ds_buf *list)
{
    return (struct cache_object **)(void *)list->data;
}

static void list_add(struct ds_buf *list, struct cache_object *o)
{
    o->at = list->len / sizeof(void *);
    if (buf_put(list, &o, sizeof(void *)) < 0)
        abort();
}

/* The last one takes its place. */
static void list_remove(struct ds_buf *list, struct cache_object *o)
{
    struct cache_object **at = objects(list);
    size_t last = list->len / sizeof(void *) - 1;
    at[o->at] = at[last];
    at[o->at]->at = o->at;
    list->len -= sizeof(void *);
}

static struct pod_view *pod_views(const struct sweep_slot *s)
{
    return (struct pod_view *)(void *)s->pod_views.data;
}

static void attach(struct sweep_slot *s, struct cache_object *o)
{
    o->slot = s;
    if (!s)
        return;
    if (o->kind == CACHE_SWEEP) {
        s->sweep = o;
    } else if (o->kind == CACHE_JOB) {
        list_add(&s->jobs, o);
    } else if (o->kind == CACHE_MAP) {
        list_add(&s->maps, o);
    } else {
        list_add(&s->pods, o);
        if (buf_put(&s->pod_views, o->packed, sizeof(struct pod_view)) < 0)
            abort();
    }
}

static void detach(struct cache_object *o)
{
    struct sweep_slot *s = o->slot;
    if (!s)
        return;
    if (o->kind == CACHE_SWEEP) {
        s->sweep = NULL;
    } else if (o->kind == CACHE_JOB) {
        list_remove(&s->jobs, o);
    } else if (o->kind == CACHE_MAP) {
        list_remove(&s->maps, o);
    } else {
        size_t at = o->at;
        list_remove(&s->pods, o);
        s->pod_views.len -= sizeof(struct pod_view);
        pod_views(s)[at] = pod_views(s)[s->pod_views.len / sizeof(struct pod_view)];
    }
    o->slot = NULL;
}

/* ---- slots ---- */

struct sweep_slot *cache_slot(struct cache *c, const char *key)
{
    struct keyed_item *i = keyed_find(&c->slots, key);
    return i ? (struct sweep_slot *)(void *)((char *)i - offsetof(struct sweep_slot, item)) : NULL;
}

static struct sweep_slot *slot_for(struct cache *c, const char *namespace_, const char *sweep)
{
    char key[CACHE_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s/%s", namespace_, sweep);
    struct sweep_slot *s = cache_slot(c, key);
    if (s)
        return s;
    size_t len = strlen(key) + 1;
    s = calloc(1, sizeof *s + len);
    if (!s)
        abort();
    memcpy(s->key, key, len);
    s->item.key = s->key;
    struct ds_buf *const list[] = {&s->jobs, &s->maps, &s->pods, &s->pod_views};
    for (size_t i = 0; i < DS_COUNT(list); i++)
        buf_init(list[i], LIST_MAX_BYTES);
    keyed_add(&c->slots, &s->item);
    return s;
}

static void slot_free(struct cache *c, struct sweep_slot *s)
{
    keyed_remove(&c->slots, &s->item);
    buf_clear(&s->jobs);
    buf_clear(&s->maps);
    buf_clear(&s->pods);
    buf_clear(&s->pod_views);
    free(s);
}

bool cache_slot_tidy(struct cache *c, struct sweep_slot *s)
{
    bool needed = s->sweep || s->work || s->due.place != 0 || s->jobs.len > 0 || s->maps.len > 0
                  || s->pods.len > 0;
    if (!needed)
        slot_free(c, s);
    return !needed;
}

struct sweep_view *slot_view_mutable(struct sweep_slot *s)
{
    return s->sweep ? (struct sweep_view *)s->sweep->packed : NULL;
}

struct cache_object *slot_job(const struct sweep_slot *s, size_t i)
{
    return objects(&s->jobs)[i];
}

struct cache_object *slot_map(const struct sweep_slot *s, size_t i, size_t *n)
{
    *n = s->maps.len / sizeof(void *);
    return i < *n ? objects(&s->maps)[i] : NULL;
}

/* ---- objects ---- */

static struct cache_object *object_of(struct keyed_item *i)
{
    return i ? (struct cache_object *)(void *)((char *)i - offsetof(struct cache_object, item))
             : NULL;
}

struct cache_object *cache_find(const struct cache *c, enum cache_kind kind, const char *key)
{
    return object_of(keyed_find(&c->table[kind], key));
}

static struct cache_object *object_new(struct cache *c, enum cache_kind kind, const char *key)
{
    size_t len = strlen(key) + 1;
    struct cache_object *o = calloc(1, sizeof *o + len);
    if (!o)
        abort();
    memcpy(o->key, key, len);
    o->item.key = o->key;
    o->kind = (uint8_t)kind;
    keyed_add(&c->table[kind], &o->item);
    return o;
}

struct sweep_slot *cache_drop(struct cache *c, struct cache_object *o)
{
    struct sweep_slot *slot = o->slot;
    if (o->kind == CACHE_NODE || o->kind == CACHE_LOAD)
        c->nodes_version++;
    detach(o);
    keyed_remove(&c->table[o->kind], &o->item);
    free(o->packed);
    free(o);
    return slot;
}

void cache_clear(struct cache *c)
{
    for (unsigned k = 0; k < CACHE_KINDS; k++) {
        struct keyed_scan scan = {0};
        for (struct keyed_item *i; (i = keyed_next(&c->table[k], &scan));)
            (void)cache_drop(c, object_of(i));
        keyed_clear(&c->table[k]);
    }
    struct keyed_scan scan = {0};
    for (struct keyed_item *i; (i = keyed_next(&c->slots, &scan));)
        slot_free(c, (struct sweep_slot *)(void *)((char *)i - offsetof(struct sweep_slot, item)));
    keyed_clear(&c->slots);
    arena_destroy(c->scratch);
}

bool cache_set_why(struct cache_object *job, const char *why)
{
    const struct job_view *old = job->packed;
    struct packed new;
    if (strcmp(old->why, why) == 0)
        return false;
    cache_pack_why(old, job->owner_uid, why, &new);
    free(job->packed);
    job->packed = new.block;
    job->owner_uid = new.owner_uid;
    return true;
}

void cache_set_deleting(struct cache_object *job)
{
    ((struct job_view *)job->packed)->deleting = true;
}

static void make_key(const struct object_ref *ref, char out[CACHE_KEY_BYTES])
{
    if (ref->namespace_[0])
        (void)snprintf(out, CACHE_KEY_BYTES, "%s/%s", ref->namespace_, ref->name);
    else
        (void)snprintf(out, CACHE_KEY_BYTES, "%s", ref->name);
}

static uint64_t version_of(const char *text)
{
    uint64_t n = 0;
    for (; *text >= '0' && *text <= '9' && n < UINT64_MAX / 16; text++)
        n = n * 10 + (uint64_t)(*text - '0');
    return *text ? 0 : n;
}

static bool is_stale(const struct cache_object *o, uint64_t version, int64_t now_ms)
{
    return version != 0 && o->version != 0 && version < o->version && now_ms < o->own_until_ms;
}

static const char *sweep_of(enum cache_kind kind, const struct object_ref *ref)
{
    if (kind == CACHE_SWEEP)
        return ref->name;
    return kind == CACHE_JOB || kind == CACHE_POD || kind == CACHE_MAP ? ref->sweep : "";
}

/* The new record in place of the old; true: a decision may differ. */
static bool replace(struct cache *c, struct cache_object *o, const struct object_ref *ref,
                    struct packed *new)
{
    const char *sweep = sweep_of((enum cache_kind)o->kind, ref);
    struct sweep_slot *slot = sweep[0] ? slot_for(c, ref->namespace_, sweep) : NULL;
    bool differs = !o->packed || o->slot != slot || new->differs;
    struct sweep_slot *left = NULL;
    if (o->slot == slot && slot && o->packed && o->kind != CACHE_SWEEP) {
        if (o->kind == CACHE_POD)
            pod_views(slot)[o->at] = *(const struct pod_view *)new->block;
        free(o->packed);
        o->packed = new->block;
    } else {
        if (o->slot && o->slot != slot) {
            left = o->slot;
            detach(o);
        }
        free(o->packed);
        o->packed = new->block;
        attach(slot, o);
    }
    o->owner_uid = new->owner_uid;
    if (left && !cache_slot_tidy(c, left))
        c->left = left;
    return differs;
}

int cache_put(struct cache *c, enum cache_kind kind, unsigned scope, bool own,
              const struct json *object, const struct cache_now *now, struct sweep_slot **touched,
              struct ds_err *err)
{
    char key[CACHE_KEY_BYTES];
    struct object_ref ref;
    struct packed new = {0};
    *touched = c->left = NULL;
    arena_reset(c->scratch);
    int rc = object_ref_decode(object, c->scratch, &ref, err);
    if (rc < 0)
        return rc;
    make_key(&ref, key);
    struct cache_object *o = cache_find(c, kind, key);
    uint64_t version = version_of(ref.resource_version);
    if (o && is_stale(o, version, now->mono_ms)) {
        o->seen = true;
        return 0;
    }
    rc = cache_pack(kind, object, &ref, c->scratch, o ? o->packed : NULL, now->unix_s, &new, err);
    if (rc < 0) {
        c->n_skipped++;
        if (o)
            o->seen = true;
        return rc;
    }
    if (!new.block) { /* not, or no longer, of interest */
        *touched = o ? cache_drop(c, o) : NULL;
        return 0;
    }
    if (!o)
        o = object_new(c, kind, key);
    bool differs = replace(c, o, &ref, &new);
    o->version = version;
    o->scope = (uint16_t)scope;
    o->seen = true;
    o->unsure = false;
    if (own)
        o->own_until_ms = now->mono_ms + CACHE_OWN_MS;
    if (differs && (kind == CACHE_NODE || kind == CACHE_LOAD))
        c->nodes_version++;
    *touched = differs ? o->slot : NULL;
    return 0;
}

struct sweep_slot *cache_remove(struct cache *c, enum cache_kind kind, const struct json *object)
{
    char key[CACHE_KEY_BYTES];
    struct object_ref ref;
    arena_reset(c->scratch);
    if (object_ref_decode(object, c->scratch, &ref, NULL) < 0)
        return NULL;
    make_key(&ref, key);
    struct cache_object *o = cache_find(c, kind, key);
    return o ? cache_drop(c, o) : NULL;
}

void cache_list_begins(struct cache *c, enum cache_kind kind, unsigned scope)
{
    struct keyed_scan scan = {0};
    for (struct keyed_item *i; (i = keyed_next(&c->table[kind], &scan));)
        if (object_of(i)->scope == scope)
            object_of(i)->seen = false;
}

void cache_list_ends(struct cache *c, enum cache_kind kind, unsigned scope,
                     const struct cache_now *now,
                     void (*touched)(void *context, struct sweep_slot *slot), void *context)
{
    struct keyed_scan scan = {0};
    for (struct keyed_item *i; (i = keyed_next(&c->table[kind], &scan));) {
        struct cache_object *o = object_of(i);
        if (o->scope != scope || o->seen)
            continue;
        if (now->mono_ms < o->own_until_ms) {
            o->unsure = true;
            if (o->slot)
                touched(context, o->slot);
            continue;
        }
        struct sweep_slot *slot = cache_drop(c, o);
        if (slot)
            touched(context, slot);
    }
}

size_t cache_node_classes(struct cache *c, const struct placement *p,
                          struct node_class out[NODE_CLASSES_MAX])
{
    const struct keyed *nodes = &c->table[CACHE_NODE], *loads = &c->table[CACHE_LOAD];
    struct node_view *node = calloc(nodes->n + 1, sizeof *node);
    struct node_load *load = calloc(loads->n + 1, sizeof *load);
    struct keyed_scan scan = {0};
    size_t n = 0, m = 0;
    if (!node || !load)
        abort();
    for (struct keyed_item *i; (i = keyed_next(nodes, &scan));)
        node[n++] = *(const struct node_view *)object_of(i)->packed;
    memset(&scan, 0, sizeof scan);
    for (struct keyed_item *i; (i = keyed_next(loads, &scan));)
        load[m++] = *(const struct node_load *)object_of(i)->packed;
    arena_reset(c->scratch);
    size_t classes = node_classes_make(node, n, load, m, p, c->scratch, out);
    free(node);
    free(load);
    return classes;
}
