/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache.h - what the controller knows of the API server, as small records by name
 *
 * Objects come as JSON from watches and from answers to our own writes, are decoded by views.h
 * and kept packed; the JSON is gone when cache_put returns. Everything about one Sweep hangs
 * on its slot, which exists as soon as any object names the Sweep. Views of a packed pod lie in one
 * array a slot, so that reconcile reads them as they are.
 *
 * Own writes come before the watch shows them: an older version of an object that we wrote
 * CACHE_OWN_MS ago or less is ignored, and a list that lacks it does not remove it (it may have been
 * served from before); it is then `unsure` and the shell asks for it. Resource versions are compared as
 * numbers, as KEP-5504 allows; what is no number is always taken.
 *
 * Pure: times are arguments. One owner. Aborts when there is no memory. */
#ifndef DS_SCHEDULER_CACHE_H
#define DS_SCHEDULER_CACHE_H

#include "scheduler/due.h"
#include "scheduler/keyed.h"
#include "scheduler/views.h"

#define CACHE_OWN_MS    60000
#define CACHE_KEY_BYTES 320u /* "namespace/name" */

enum cache_kind {
    CACHE_SWEEP = 0,
    CACHE_JOB,
    CACHE_POD,
    CACHE_MAP, /* ConfigMaps, metadata alone */
    CACHE_NODE,
    CACHE_LOAD, /* pods of DaemonSets */
    CACHE_KINDS
};

struct cache_map {                             /* of a ConfigMap */
    const char *name, *uid, *owner_uid, *kind; /* label LABEL_KIND; "" none */
};

struct cache_object {
    struct keyed_item item;
    struct sweep_slot *slot; /* NULL: of no Sweep */
    void *packed; /* struct sweep_view, job_view, pod_view, cache_map, node_view, node_load */
    size_t at;    /* in the slot's list of its kind */
    uint64_t version;
    int64_t own_until_ms;
    uint16_t scope;
    uint8_t kind;
    bool seen;             /* by the list under way */
    bool unsure;           /* of a write of ours; the last list lacks it */
    bool asked;            /* the shell's: a request for it is under way */
    int64_t why_at_ms;     /* the shell's, of a Job: when its events were read */
    const char *owner_uid; /* of the controlling owner; in packed's block */
    char key[];
};

struct sweep_slot {
    struct keyed_item item;         /* "namespace/name" of the Sweep */
    struct cache_object *sweep;     /* NULL: there is no such Sweep, or not yet */
    struct ds_buf jobs, maps, pods; /* struct cache_object * */
    struct ds_buf pod_views;        /* struct pod_view, in the order of pods */
    struct due_item due;
    void *work; /* the shell's; a slot with work is not freed */
    char key[];
};

/* packed of a CACHE_SWEEP: the view comes first. */
struct sweep_record {
    struct sweep_view view;
    struct placement place;
};

struct cache {
    struct keyed table[CACHE_KINDS];
    struct keyed slots;
    struct sweep_slot *left; /* by the last cache_put: whom an object left that has another label
                              * now, when that slot goes on; NULL none */
    struct ds_arena *scratch;
    uint64_t nodes_version; /* counts changes of nodes and their loads */
    uint64_t n_skipped;     /* objects that could not be used */
};

struct cache_now {
    int64_t unix_s, mono_ms;
};

void cache_init(struct cache *c);
void cache_clear(struct cache *c);

/* Take an object. scope: number of the watch that it came from; own: answer to a write of ours.
 * *touched: the slot whose next decision may differ, or NULL. Fails only for objects that cannot be used
 * (what was known under their name stays): log and go on. */
int cache_put(struct cache *c, enum cache_kind kind, unsigned scope, bool own,
              const struct json *object, const struct cache_now *now, struct sweep_slot **touched,
              struct ds_err *err) DS_CHECKED;
/* The object is gone; name from its metadata. Gives the slot or NULL. */
struct sweep_slot *cache_remove(struct cache *c, enum cache_kind kind, const struct json *object);
struct sweep_slot *cache_drop(struct cache *c, struct cache_object *o);

/* A list of this scope begins; when it is over, what it did not show is dropped. touched is called for
 * every slot that lost something. */
void cache_list_begins(struct cache *c, enum cache_kind kind, unsigned scope);
void cache_list_ends(struct cache *c, enum cache_kind kind, unsigned scope,
                     const struct cache_now *now,
                     void (*touched)(void *context, struct sweep_slot *slot), void *context);

struct cache_object *cache_find(const struct cache *c, enum cache_kind kind, const char *key);
struct sweep_slot *cache_slot(struct cache *c, const char *key); /* NULL: none */
bool cache_slot_tidy(struct cache *c, struct sweep_slot *s); /* frees it if nobody needs it: true */

static inline const struct sweep_view *slot_view(const struct sweep_slot *s)
{
    return s->sweep ? (const struct sweep_view *)s->sweep->packed : NULL;
}
struct sweep_view *slot_view_mutable(struct sweep_slot *s);
static inline const struct placement *slot_place(const struct sweep_slot *s)
{
    return s->sweep ? &((const struct sweep_record *)s->sweep->packed)->place : NULL;
}
/* Words of a Job's last FailedCreate event. True: they are new. */
bool cache_set_why(struct cache_object *job, const char *why);
/* We have deleted that Job: it is going, whatever the watch still shows. */
void cache_set_deleting(struct cache_object *job);
static inline size_t slot_job_count(const struct sweep_slot *s)
{
    return s->jobs.len / sizeof(void *);
}
struct cache_object *slot_job(const struct sweep_slot *s, size_t i);
struct cache_object *slot_map(const struct sweep_slot *s, size_t i, size_t *n);
static inline size_t slot_pod_count(const struct sweep_slot *s)
{
    return s->pod_views.len / sizeof(struct pod_view);
}
static inline const struct pod_view *slot_pods(const struct sweep_slot *s)
{
    return (const struct pod_view *)(const void *)s->pod_views.data;
}

/* Classes of the nodes for pods placed so; see node_classes_make. */
size_t cache_node_classes(struct cache *c, const struct placement *p,
                          struct node_class out[NODE_CLASSES_MAX]);

#endif
