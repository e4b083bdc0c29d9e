/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a pod runs as, where it may run, and what it mounts. Of the Sweep only known fields of
 * known types are taken over; the rest is passed by. */
#include "scheduler/job_parts.h"

#define DEFAULT_USER     1000
#define NODE_GONE_S      60 /* then a pod of a node that does not answer is given up */
#define MAX_GROUPS       32u
#define MAX_TOLERATIONS  32u
#define MAX_PULL_SECRETS 16u

/* ---- as whom ---- */

static void put_id(struct making *m, const struct json *from, const char *key, int64_t least)
{
    int64_t id = DEFAULT_USER;
    if (!json_i64(json_get(from, key), &id) || id < least || id > INT32_MAX)
        id = DEFAULT_USER;
    jw_kv_i64(&m->w, key, id);
}

static void put_groups(struct json_writer *w, const struct json *list)
{
    size_t n = 0;
    int64_t id;
    if (json_count(list) == 0 || !json_is_array(list))
        return;
    jw_key(w, "supplementalGroups");
    jw_array(w);
    for (const struct json *at = json_first(list); at && n < MAX_GROUPS; at = json_next(at), n++)
        if (json_i64(at, &id) && id >= 0 && id <= INT32_MAX)
            jw_i64(w, id);
    jw_end_array(w);
}

/* fsGroup at the root of a claim only: a million archives need not be changed at each start. */
static void put_pod_security(struct making *m)
{
    const struct json *from = json_get(m->cluster, "securityContext");
    struct json_writer *w = &m->w;
    bool always = ds_span_is(job_text_of(from, "fsGroupChangePolicy"), "Always");
    jw_key(w, "securityContext");
    jw_object(w);
    jw_kv_bool(w, "runAsNonRoot", true);
    put_id(m, from, "runAsUser", 1);
    put_id(m, from, "runAsGroup", 0);
    put_id(m, from, "fsGroup", 0);
    jw_kv_cstr(w, "fsGroupChangePolicy", always ? "Always" : "OnRootMismatch");
    put_groups(w, json_get(from, "supplementalGroups"));
    jw_key(w, "seccompProfile");
    jw_object(w);
    jw_kv_cstr(w, "type", "RuntimeDefault");
    jw_end_object(w);
    jw_end_object(w);
}

void job_put_container_security(struct making *m)
{
    struct json_writer *w = &m->w;
    jw_key(w, "securityContext");
    jw_object(w);
    jw_kv_bool(w, "allowPrivilegeEscalation", false);
    jw_kv_bool(w, "readOnlyRootFilesystem", true);
    jw_key(w, "capabilities");
    jw_object(w);
    jw_key(w, "drop");
    jw_array(w);
    jw_cstr(w, "ALL");
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
}

/* ---- where ---- */

static void put_toleration(struct json_writer *w, const struct json *t)
{
    static const char *const KEYS[] = {"effect", "key", "operator", "value"};
    int64_t seconds;
    jw_object(w);
    for (size_t i = 0; i < DS_COUNT(KEYS); i++) {
        struct ds_span text = job_text_of(t, KEYS[i]);
        if (text.len > 0)
            jw_kv_text(w, KEYS[i], text);
    }
    if (json_i64(json_get(t, "tolerationSeconds"), &seconds) && seconds >= 0)
        jw_kv_i64(w, "tolerationSeconds", seconds);
    jw_end_object(w);
}

/* An empty one would tolerate everything. */
static bool is_toleration(const struct json *t)
{
    return job_text_of(t, "key").len > 0 || ds_span_is(job_text_of(t, "operator"), "Exists");
}

static bool names_taint(const struct json *list, const char *key)
{
    for (const struct json *at = json_first(list); at; at = json_next(at))
        if (ds_span_is(job_text_of(at, "key"), key))
            return true;
    return false;
}

/* Without these a pod stays five minutes on a node that is gone. A user who names the taint knows
 * better. */
static void put_tolerations(struct making *m)
{
    static const char *const GONE[] = {"node.kubernetes.io/not-ready",
                                       "node.kubernetes.io/unreachable"};
    const struct json *list = json_get(m->cluster, "tolerations");
    struct json_writer *w = &m->w;
    size_t n = 0;
    jw_key(w, "tolerations");
    jw_array(w);
    for (const struct json *at = json_first(list); at && n < MAX_TOLERATIONS; at = json_next(at))
        if (json_is_array(list) && is_toleration(at)) {
            put_toleration(w, at);
            n++;
        }
    for (size_t i = 0; i < DS_COUNT(GONE); i++) {
        if (names_taint(list, GONE[i]))
            continue;
        jw_object(w);
        jw_kv_cstr(w, "effect", "NoExecute");
        jw_kv_cstr(w, "key", GONE[i]);
        jw_kv_cstr(w, "operator", "Exists");
        jw_kv_i64(w, "tolerationSeconds", NODE_GONE_S);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void put_selector(struct json_writer *w, const char *key, const char *value)
{
    jw_key(w, "labelSelector");
    jw_object(w);
    jw_key(w, "matchLabels");
    jw_object(w);
    jw_kv_cstr(w, key, value);
    jw_end_object(w);
    jw_end_object(w);
    jw_kv_cstr(w, "topologyKey", "kubernetes.io/hostname");
}

/* A claim that one node can mount: where its other pods are. The first of them goes anywhere. */
static void put_affinity(struct making *m)
{
    struct json_writer *w = &m->w;
    char label[CLAIM_LABEL_BYTES];
    manifest_claim_label(m->in->view->claim, label);
    jw_key(w, "affinity");
    jw_object(w);
    jw_key(w, "podAffinity");
    jw_object(w);
    jw_key(w, "requiredDuringSchedulingIgnoredDuringExecution");
    jw_array(w);
    jw_object(w);
    put_selector(w, LABEL_CLAIM, label);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
}

/* A claim that all nodes can mount: spread, so that no node's network carries all. */
static void put_spread(struct making *m)
{
    struct json_writer *w = &m->w;
    jw_key(w, "topologySpreadConstraints");
    jw_array(w);
    jw_object(w);
    put_selector(w, LABEL_SWEEP, m->in->view->name);
    jw_kv_i64(w, "maxSkew", 1);
    jw_kv_cstr(w, "whenUnsatisfiable", "ScheduleAnyway");
    jw_end_object(w);
    jw_end_array(w);
}

static void put_text_map(struct json_writer *w, const char *key, const struct json *map)
{
    struct ds_span text;
    if (!json_is_object(map) || json_count(map) == 0)
        return;
    jw_key(w, key);
    jw_object(w);
    for (const struct json *at = json_first(map); at; at = json_next(at))
        if (json_text(at, &text)) {
            jw_key_span(w, json_key(at));
            jw_text(w, text);
        }
    jw_end_object(w);
}

static void put_pull_secrets(struct json_writer *w, const struct json *list)
{
    struct ds_span name;
    size_t n = 0;
    if (!json_is_array(list) || json_count(list) == 0)
        return;
    jw_key(w, "imagePullSecrets");
    jw_array(w);
    for (const struct json *at = json_first(list); at && n < MAX_PULL_SECRETS; at = json_next(at))
        if (json_text(at, &name)) {
            jw_object(w);
            jw_kv_text(w, "name", name);
            jw_end_object(w);
            n++;
        }
    jw_end_array(w);
}

void job_put_placement(struct making *m)
{
    struct json_writer *w = &m->w;
    struct ds_span priority = job_text_of(m->cluster, "priorityClass");
    struct ds_span account = job_text_of(m->cluster, "serviceAccount");
    if (account.len > 0)
        jw_kv_text(w, "serviceAccountName", account);
    if (priority.len > 0)
        jw_kv_text(w, "priorityClassName", priority);
    put_text_map(w, "nodeSelector", json_get(m->cluster, "nodeSelector"));
    put_tolerations(m);
    if (m->in->view->read_write_once)
        put_affinity(m);
    else if (!m->is_census)
        put_spread(m);
    put_pull_secrets(w, json_get(m->cluster, "imagePullSecrets"));
    put_pod_security(m);
}

/* ---- what it mounts ---- */

static void put_mount(struct json_writer *w, const char *name, const char *path, const char *sub,
                      bool read_only)
{
    jw_object(w);
    jw_kv_cstr(w, "name", name);
    jw_kv_cstr(w, "mountPath", path);
    if (sub && sub[0])
        jw_kv_cstr(w, "subPath", sub);
    if (read_only)
        jw_kv_bool(w, "readOnly", true);
    jw_end_object(w);
}

void job_put_mounts(struct making *m)
{
    struct json_writer *w = &m->w;
    jw_key(w, "volumeMounts");
    jw_array(w);
    put_mount(w, "programs", POD_PROGRAMS, NULL, true);
    put_mount(w, "store", POD_STORE, m->in->view->claim_path, false);
    put_mount(w, "scratch", POD_SCRATCH, NULL, false);
    put_mount(w, "tmp", "/tmp", NULL, false);
    put_mount(w, "shm", "/dev/shm", NULL, false);
    if (m->is_census)
        put_mount(w, "spec", POD_SPEC, NULL, true);
    if (m->deck_map)
        put_mount(w, "deck", POD_DECK, NULL, true);
    jw_end_array(w);
}

static void put_source(struct json_writer *w, const char *name, const char *kind, const char *key,
                       const char *what)
{
    jw_object(w);
    jw_kv_cstr(w, "name", name);
    jw_key(w, kind);
    jw_object(w);
    if (key)
        jw_kv_cstr(w, key, what);
    jw_end_object(w);
    jw_end_object(w);
}

static void put_shm(struct making *m)
{
    struct json_writer *w = &m->w;
    jw_object(w);
    jw_kv_cstr(w, "name", "shm");
    jw_key(w, "emptyDir");
    jw_object(w);
    jw_kv_cstr(w, "medium", "Memory");
    ds_auto_buf size;
    buf_init(&size, 32);
    (void)buf_printf(&size, "%llu", (unsigned long long)m->pod.shm_bytes);
    jw_kv_text(w, "sizeLimit", buf_span(&size));
    jw_end_object(w);
    jw_end_object(w);
}

/* The scratch volumes have no limit of their own: the pod's ephemeral-storage counts them all, and
 * the agent, which knows it, ends cases before the kubelet ends the pod. */
void job_put_volumes(struct making *m)
{
    static const char *const EMPTY[] = {"programs", "scratch", "tmp"};
    char spec[STATUS_NAME_BYTES];
    struct json_writer *w = &m->w;
    jw_key(w, "volumes");
    jw_array(w);
    for (size_t i = 0; i < DS_COUNT(EMPTY); i++)
        put_source(w, EMPTY[i], "emptyDir", NULL, NULL);
    put_shm(m);
    put_source(w, "store", "persistentVolumeClaim", "claimName", m->in->view->claim);
    if (m->is_census) {
        job_manifest_spec_name(m->in->view->name, m->in->view->edit_hash, spec);
        put_source(w, "spec", "configMap", "name", spec);
    }
    if (m->deck_map)
        put_source(w, "deck", "configMap", "name", m->deck_map);
    jw_end_array(w);
}
