/* SPDX-License-Identifier: GPL-3.0-or-later */
/* views.h - API objects as JSON into the plain structs that reconcile() reads
 *
 * Pure. Objects come from an API server that others write to: every field may be missing, of
 * another type or absurd. What cannot be used is zero or ""; texts are cut; nothing points into
 * the JSON afterwards: all texts are copied into the arena. Cost: O(size of the object).
 * Every decoder fails with DS_ETOOBIG (arena) or DS_EPARSE (no name, uid or such: said) only.
 *
 * A cache that replaces single objects packs each view into one block of its own: decode into a
 * scratch arena, malloc(x_view_bytes(v)), x_view_pack, arena_reset. A packed pod takes about
 * 0.5 KB. All text pointers of a decoded or packed view are set ("" when there is nothing),
 * except sweep_view.refused. */
#ifndef DS_SCHEDULER_VIEWS_H
#define DS_SCHEDULER_VIEWS_H

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/reconcile.h"

/* ---- whose object is it ---- */
struct object_ref {
    const char *kind, *namespace_, *name, *uid, *resource_version;
    const char *sweep;                               /* LABEL_SWEEP; "" none */
    const char *sweep_kind;                          /* LABEL_KIND */
    const char *owner_kind, *owner_uid, *owner_name; /* the owner with controller: true; "" none */
    bool deleting;
};
int object_ref_decode(const struct json *object, struct ds_arena *a, struct object_ref *out,
                      struct ds_err *err) DS_CHECKED;

/* ---- what reconcile reads ---- */

/* deck_present, deck_owned, read_write_once and read_write_once_pod are not in the object:
 * set them with sweep_view_set_deck and sweep_view_set_claim. */
int sweep_view_decode(const struct json *sweep, struct ds_arena *a, struct sweep_view *out,
                      struct ds_err *err) DS_CHECKED;
int job_view_decode(const struct json *job, struct ds_arena *a, struct job_view *out,
                    struct ds_err *err) DS_CHECKED;
int pod_view_decode(const struct json *pod, struct ds_arena *a, struct pod_view *out,
                    struct ds_err *err) DS_CHECKED;

/* When this program first saw the view in its present state: keep it through updates, so that
 * patience is measured by one clock (reconcile.h). before: the cached view, NULL when new. */
void job_view_note_seen(struct job_view *now, const struct job_view *before, int64_t now_s);
void pod_view_note_seen(struct pod_view *now, const struct pod_view *before, int64_t now_s);

/* May the difference of two views change a decision or the status? Saves a reconcile for the
 * many updates that say nothing new. */
bool job_view_same(const struct job_view *x, const struct job_view *y);
bool pod_view_same(const struct pod_view *x, const struct pod_view *y);

/* Into room of x_view_bytes bytes, aligned as malloc does; gives room as a view. */
size_t job_view_bytes(const struct job_view *v);
struct job_view *job_view_pack(const struct job_view *v, void *room);
size_t pod_view_bytes(const struct pod_view *v);
struct pod_view *pod_view_pack(const struct pod_view *v, void *room);

/* config_map: the one named by w->deck_name, or NULL when it does not exist. Owned: made by
 * submit for this Sweep, so that it may be deleted when the deck is in the store. */
void sweep_view_set_deck(struct sweep_view *w, const struct json *config_map);
/* claim: the PersistentVolumeClaim w->claim, or NULL when it does not exist. */
void sweep_view_set_claim(struct sweep_view *w, const struct json *claim);

/* Words of the newest FailedCreate event in an EventList (core/v1 or events.k8s.io/v1) about the
 * object with that uid; "" when there is none or it is older than since_s. */
const char *event_list_failed_create(const struct json *list, const char *uid, int64_t since_s,
                                     struct ds_arena *a);

/* ---- hashes of a spec, 16 hex; see reconcile.h ---- */
void sweep_store_hash(const struct json *spec, char out[17]); /* of results.store */
int sweep_spec_hash(const struct json *spec, struct ds_arena *scratch, char out[17],
                    struct ds_err *err) DS_CHECKED;
int sweep_edit_hash(const struct json *spec, struct ds_arena *scratch, char out[17],
                    struct ds_err *err) DS_CHECKED;

/* ---- node classes ---- */

struct node_taint {
    const char *key, *value;
    bool no_execute; /* else NoSchedule; PreferNoSchedule is left out */
};
struct node_label {
    const char *key, *value;
};
struct node_view {
    const char *name;
    bool ready, unschedulable;
    uint64_t cpu_milli, mem_bytes, scratch_bytes; /* allocatable */
    const struct node_taint *taints;
    size_t n_taints;
    const struct node_label *labels;
    size_t n_labels;
};
int node_view_decode(const struct json *node, struct ds_arena *a, struct node_view *out,
                     struct ds_err *err) DS_CHECKED;

/* What a pod of a DaemonSet takes away from its node. */
struct node_load {
    const char *node;
    uint64_t cpu_milli, mem_bytes, scratch_bytes;
};
/* true: the pod belongs to a DaemonSet, is bound to a node and has not ended. */
bool node_load_decode(const struct json *pod, struct ds_arena *a, struct node_load *out);

/* Where a sweep's pods may go: spec.cluster.nodeSelector and tolerations. */
struct node_toleration {
    const char *key, *value, *effect; /* "" any */
    bool exists;                      /* operator Exists */
};
struct placement {
    const struct node_label *selector;
    size_t n_selector;
    const struct node_toleration *tolerations;
    size_t n_tolerations;
};
int placement_decode(const struct json *sweep, struct ds_arena *a, struct placement *out,
                     struct ds_err *err) DS_CHECKED;

/* Nodes that can take the sweep's pods, equal rooms grouped, largest first (CPUs, then memory,
 * then scratch). Left out: not ready, unschedulable, tainted and not tolerated, not selected,
 * fake (LABEL_FAKE_NODE, unless a toleration or the selector names that key), less than one CPU.
 * More than NODE_CLASSES_MAX classes: the largest stay. loads in any order, several a node.
 * Returns the number of classes. Cost: O(nodes log nodes + loads log loads); scratch: 40 bytes a
 * load. Scratch full: no classes. */
size_t node_classes_make(const struct node_view *nodes, size_t n_nodes,
                         const struct node_load *loads, size_t n_loads, const struct placement *p,
                         struct ds_arena *scratch, struct node_class out[NODE_CLASSES_MAX]);

/* A quantity of Kubernetes ("250m", "1.5Gi", "1e3", "100k") in units / per_unit, rounded up:
 * CPUs with per_unit 1000, bytes with 1. false: none, negative or beyond 2^60. */
bool quantity_parse(struct ds_span text, uint64_t per_unit, uint64_t *out);

#endif
