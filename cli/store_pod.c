/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/store_pod.h"

#include "base/arena.h"
#include "scheduler/job_manifest.h"

#include <stdio.h>

#define DEFAULT_ID  1000
#define MAX_ITEMS   64u
#define MAX_ID      2147483647
#define WORDS_BYTES 300u

/* ---- pieces of the Sweep ---- */

/* Labels and annotations that only we set. */
static bool is_ours(struct ds_span key)
{
    return ds_span_is(key, LABEL_MANAGED_BY) || ds_span_starts(key, SWEEP_GROUP "/");
}

/* As the controller's pods have it, or they would never meet. */
static void put_claim_label(struct json_writer *w, struct ds_span claim)
{
    char name[256], label[CLAIM_LABEL_BYTES];
    (void)snprintf(name, sizeof name, "%.*s", DS_FMT(claim));
    manifest_claim_label(name, label);
    jw_kv_cstr(w, LABEL_CLAIM, label);
}

static void copy_text_map(struct json_writer *w, const struct json *map)
{
    size_t n = 0;
    for (const struct json *child = json_first(map); child && n < MAX_ITEMS;
         child = json_next(child), n++) {
        struct ds_span text;
        if (!json_text(child, &text) || is_ours(json_key(child)))
            continue;
        jw_key_span(w, json_key(child));
        jw_text(w, text);
    }
}

/* A value of a toleration: text or number. */
static void copy_scalar(struct json_writer *w, const struct json *child)
{
    struct ds_span text;
    int64_t number;
    if (json_text(child, &text)) {
        jw_key_span(w, json_key(child));
        jw_text(w, text);
    } else if (json_i64(child, &number)) {
        jw_key_span(w, json_key(child));
        jw_i64(w, number);
    }
}

static void put_tolerations(struct json_writer *w, const struct json *list)
{
    size_t n = 0;
    if (json_count(list) == 0)
        return;
    jw_key(w, "tolerations");
    jw_array(w);
    for (const struct json *item = json_first(list); item && n < MAX_ITEMS;
         item = json_next(item), n++) {
        jw_object(w);
        for (const struct json *field = json_first(item); field; field = json_next(field))
            copy_scalar(w, field);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void put_pull_secrets(struct json_writer *w, const struct json *list)
{
    size_t n = 0;
    if (json_count(list) == 0)
        return;
    jw_key(w, "imagePullSecrets");
    jw_array(w);
    for (const struct json *item = json_first(list); item && n < MAX_ITEMS;
         item = json_next(item), n++) {
        struct ds_span name;
        if (!json_text(item, &name))
            continue;
        jw_object(w);
        jw_kv_text(w, "name", name);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static int64_t id_or(const struct json *context, const char *key, int64_t otherwise)
{
    int64_t id;
    return json_i64(json_get(context, key), &id) && id >= 0 && id <= MAX_ID ? id : otherwise;
}

static void put_pod_security(struct json_writer *w, const struct json *context)
{
    const struct json *groups = json_get(context, "supplementalGroups");
    struct ds_span policy = DS_SPAN("OnRootMismatch");
    size_t n = 0;
    (void)json_text(json_get(context, "fsGroupChangePolicy"), &policy);
    jw_key(w, "securityContext");
    jw_object(w);
    jw_kv_i64(w, "fsGroup", id_or(context, "fsGroup", DEFAULT_ID));
    jw_kv_text(w, "fsGroupChangePolicy", policy);
    jw_kv_i64(w, "runAsGroup", id_or(context, "runAsGroup", DEFAULT_ID));
    jw_kv_bool(w, "runAsNonRoot", true);
    jw_kv_i64(w, "runAsUser", id_or(context, "runAsUser", DEFAULT_ID));
    jw_key(w, "seccompProfile");
    jw_object(w);
    jw_kv_cstr(w, "type", "RuntimeDefault");
    jw_end_object(w);
    if (json_count(groups) > 0) {
        jw_key(w, "supplementalGroups");
        jw_array(w);
        for (const struct json *g = json_first(groups); g && n < MAX_ITEMS; g = json_next(g), n++) {
            int64_t id;
            if (json_i64(g, &id) && id >= 0 && id <= MAX_ID)
                jw_i64(w, id);
        }
        jw_end_array(w);
    }
    jw_end_object(w);
}

/* ---- the pod ---- */

static void put_metadata(struct json_writer *w, const struct store_pod_plan *p,
                         const struct json *cluster)
{
    jw_key(w, "metadata");
    jw_object(w);
    jw_kv_cstr(w, "name", p->name);
    jw_kv_cstr(w, "namespace", p->namespace_);
    jw_key(w, "labels");
    jw_object(w);
    copy_text_map(w, json_get(cluster, "labels"));
    jw_kv_cstr(w, LABEL_MANAGED_BY, "decksweep");
    jw_kv_cstr(w, LABEL_SWEEP, p->sweep);
    jw_kv_cstr(w, LABEL_KIND, "store");
    put_claim_label(w, p->claim);
    jw_end_object(w);
    jw_key(w, "annotations");
    jw_object(w);
    copy_text_map(w, json_get(cluster, "annotations"));
    jw_end_object(w);
    jw_key(w, "ownerReferences");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "apiVersion", SWEEP_API_VERSION);
    jw_kv_cstr(w, "kind", SWEEP_KIND);
    jw_kv_cstr(w, "name", p->sweep);
    jw_kv_cstr(w, "uid", p->sweep_uid);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
}

static void put_text_list(struct json_writer *w, const char *key, const char *const *texts)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; texts[i]; i++)
        jw_cstr(w, texts[i]);
    jw_end_array(w);
}

static void put_env(struct json_writer *w, const char *name, const char *value)
{
    jw_object(w);
    jw_kv_cstr(w, "name", name);
    jw_kv_cstr(w, "value", value);
    jw_end_object(w);
}

static void put_amounts(struct json_writer *w, const char *key, const char *cpu, const char *memory,
                        const char *scratch)
{
    jw_key(w, key);
    jw_object(w);
    jw_kv_cstr(w, "cpu", cpu);
    jw_kv_cstr(w, "ephemeral-storage", scratch);
    jw_kv_cstr(w, "memory", memory);
    jw_end_object(w);
}

static void put_container_security(struct json_writer *w)
{
    jw_key(w, "securityContext");
    jw_object(w);
    jw_kv_bool(w, "allowPrivilegeEscalation", false);
    jw_key(w, "capabilities");
    jw_object(w);
    put_text_list(w, "drop", (const char *const[]){"ALL", NULL});
    jw_end_object(w);
    jw_kv_bool(w, "readOnlyRootFilesystem", true);
    jw_end_object(w);
}

static void put_mount(struct json_writer *w, const struct store_pod_plan *p)
{
    char folder[sizeof POD_STORE + SWEEP_MAX_NAME_BYTES + 2], inner[1200];
    (void)snprintf(folder, sizeof folder, "%s/%.*s", POD_STORE, (int)SWEEP_MAX_NAME_BYTES,
                   p->sweep);
    (void)snprintf(inner, sizeof inner, "%.*s%s%s", DS_FMT(p->path), p->path.len > 0 ? "/" : "",
                   p->sweep);
    jw_key(w, "volumeMounts");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "mountPath", folder);
    jw_kv_cstr(w, "name", "results");
    jw_kv_bool(w, "readOnly", !p->write);
    jw_kv_cstr(w, "subPath", inner);
    jw_end_object(w);
    jw_end_array(w);
}

static void put_container(struct json_writer *w, const struct store_pod_plan *p)
{
    char folder[sizeof POD_STORE + SWEEP_MAX_NAME_BYTES + 2];
    (void)snprintf(folder, sizeof folder, "%s/%.*s", POD_STORE, (int)SWEEP_MAX_NAME_BYTES,
                   p->sweep);
    jw_object(w);
    static const char agent[] = POD_AGENT;
    put_text_list(w, "command",
                  (const char *const[]){agent, "serve", "--folder", folder,
                                        p->write ? "--write" : NULL, NULL});
    jw_key(w, "env");
    jw_array(w);
    put_env(w, ENV_SWEEP, p->sweep);
    put_env(w, ENV_STORE_TOKEN, p->token_sha256);
    jw_end_array(w);
    jw_kv_cstr(w, "image", p->image);
    jw_kv_cstr(w, "name", "store");
    jw_key(w, "ports");
    jw_array(w);
    jw_object(w);
    jw_kv_u64(w, "containerPort", STORE_POD_PORT);
    jw_end_object(w);
    jw_end_array(w);
    jw_key(w, "resources");
    jw_object(w);
    put_amounts(w, "limits", "1", "512Mi", "64Mi");
    put_amounts(w, "requests", "0", "64Mi", "16Mi");
    jw_end_object(w);
    put_container_security(w);
    jw_kv_cstr(w, "terminationMessagePolicy", "FallbackToLogsOnError");
    put_mount(w, p);
    jw_end_object(w);
}

/* Where the claim's other pods are: pods of one label must meet on one node; the first is free. */
static void put_affinity(struct json_writer *w, struct ds_span claim)
{
    jw_key(w, "affinity");
    jw_object(w);
    jw_key(w, "podAffinity");
    jw_object(w);
    jw_key(w, "requiredDuringSchedulingIgnoredDuringExecution");
    jw_array(w);
    jw_object(w);
    jw_key(w, "labelSelector");
    jw_object(w);
    jw_key(w, "matchLabels");
    jw_object(w);
    put_claim_label(w, claim);
    jw_end_object(w);
    jw_end_object(w);
    jw_kv_cstr(w, "topologyKey", "kubernetes.io/hostname");
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
}

static void put_volumes(struct json_writer *w, const struct store_pod_plan *p)
{
    jw_key(w, "volumes");
    jw_array(w);
    jw_object(w);
    jw_kv_cstr(w, "name", "results");
    jw_key(w, "persistentVolumeClaim");
    jw_object(w);
    jw_kv_text(w, "claimName", p->claim);
    jw_end_object(w);
    jw_end_object(w);
    jw_end_array(w);
}

static void put_spec(struct json_writer *w, const struct store_pod_plan *p,
                     const struct json *cluster)
{
    struct ds_span account;
    jw_key(w, "spec");
    jw_object(w);
    jw_kv_u64(w, "activeDeadlineSeconds", STORE_POD_LIFE_S);
    if (p->one_node)
        put_affinity(w, p->claim);
    jw_kv_bool(w, "automountServiceAccountToken", false);
    jw_key(w, "containers");
    jw_array(w);
    put_container(w, p);
    jw_end_array(w);
    jw_kv_bool(w, "enableServiceLinks", false);
    put_pull_secrets(w, json_get(cluster, "imagePullSecrets"));
    if (json_count(json_get(cluster, "nodeSelector")) > 0) {
        jw_key(w, "nodeSelector");
        jw_object(w);
        copy_text_map(w, json_get(cluster, "nodeSelector"));
        jw_end_object(w);
    }
    jw_kv_cstr(w, "restartPolicy", "Never");
    put_pod_security(w, json_get(cluster, "securityContext"));
    if (json_text(json_get(cluster, "serviceAccount"), &account))
        jw_kv_text(w, "serviceAccountName", account);
    jw_kv_u64(w, "terminationGracePeriodSeconds", 5);
    put_tolerations(w, json_get(cluster, "tolerations"));
    put_volumes(w, p);
    jw_end_object(w);
}

int store_pod_manifest(const struct store_pod_plan *p, const struct json *sweep, struct ds_buf *out,
                       struct ds_err *err)
{
    const struct json *cluster = json_get(json_get(sweep, "spec"), "cluster");
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "apiVersion", "v1");
    jw_kv_cstr(&w, "kind", "Pod");
    put_metadata(&w, p, cluster);
    put_spec(&w, p, cluster);
    jw_end_object(&w);
    return buf_check(out, "the store pod", err);
}

bool claim_is_one_node(const struct json *claim)
{
    const struct json *modes = json_get(json_get(claim, "spec"), "accessModes");
    for (const struct json *m = json_first(modes); m; m = json_next(m)) {
        struct ds_span text;
        if (json_text(m, &text)
            && (ds_span_is(text, "ReadWriteMany") || ds_span_is(text, "ReadOnlyMany")))
            return false;
    }
    return true;
}

/* ---- what is said about it ---- */

static struct ds_span text_at(const struct json *object, const char *key)
{
    struct ds_span text = DS_SPAN("");
    (void)json_text(json_get(object, key), &text);
    return text;
}

static struct ds_span join(struct ds_arena *a, const char *what, struct ds_span reason,
                           struct ds_span message)
{
    if (reason.len > WORDS_BYTES)
        reason.len = WORDS_BYTES;
    if (message.len > WORDS_BYTES)
        message.len = WORDS_BYTES;
    struct ds_span out =
        arena_format(a, "%s%s%.*s%s%.*s", what, what[0] ? ": " : "", DS_FMT(reason),
                     message.len > 0 ? ": " : "", DS_FMT(ds_span_trim(message)));
    return out.ptr ? out : DS_SPAN("");
}

static bool never_comes(struct ds_span reason)
{
    static const char *const words[] = {"ImagePullBackOff",           "InvalidImageName",
                                        "ErrImageNeverPull",          "ImageInspectError",
                                        "CreateContainerConfigError", "CreateContainerError",
                                        "RunContainerError"};
    for (size_t i = 0; i < DS_COUNT(words); i++)
        if (ds_span_is(reason, words[i]))
            return true;
    return false;
}

static enum store_pod_phase look_at_container(const struct json *status, struct ds_arena *a,
                                              struct ds_span *words)
{
    const struct json *container = json_first(json_get(status, "containerStatuses"));
    const struct json *state = json_get(container, "state");
    const struct json *waiting = json_get(state, "waiting"), *ended = json_get(state, "terminated");
    if (ended) {
        *words = join(a, "its program ended", text_at(ended, "reason"), text_at(ended, "message"));
        return STORE_POD_NEVER;
    }
    if (json_is_object(json_get(state, "running")))
        return STORE_POD_RUNS;
    if (waiting) {
        struct ds_span reason = text_at(waiting, "reason"), image = text_at(container, "image");
        bool of_image = memmem(reason.ptr, reason.len, "Image", 5) != NULL;
        char what[WORDS_BYTES + 8] = "";
        if (of_image)
            (void)snprintf(what, sizeof what, "image %.*s",
                           (int)(image.len < WORDS_BYTES ? image.len : WORDS_BYTES), image.ptr);
        *words = join(a, what, reason, text_at(waiting, "message"));
        if (never_comes(reason))
            return STORE_POD_NEVER;
    }
    return STORE_POD_WAITS;
}

enum store_pod_phase store_pod_look(const struct json *pod, struct ds_arena *a,
                                    struct ds_span *words)
{
    const struct json *status = json_get(pod, "status");
    *words = DS_SPAN("");
    enum store_pod_phase phase = look_at_container(status, a, words);
    if (phase != STORE_POD_WAITS)
        return phase;
    struct ds_span name = text_at(status, "phase");
    if (ds_span_is(name, "Failed") || ds_span_is(name, "Succeeded")) {
        *words = join(a, "", text_at(status, "reason"), text_at(status, "message"));
        return STORE_POD_NEVER;
    }
    for (const struct json *c = json_first(json_get(status, "conditions")); c; c = json_next(c))
        if (ds_span_is(text_at(c, "type"), "PodScheduled")
            && ds_span_is(text_at(c, "status"), "False"))
            *words = join(a, "", text_at(c, "reason"), text_at(c, "message"));
    return STORE_POD_WAITS;
}

struct ds_span event_list_newest_warning(const struct json *list, struct ds_arena *a)
{
    struct ds_span newest = DS_SPAN("");
    const struct json *found = NULL;
    for (const struct json *e = json_first(json_get(list, "items")); e; e = json_next(e)) {
        struct ds_span at = text_at(e, "lastTimestamp");
        if (at.len == 0)
            at = text_at(e, "eventTime");
        if (!ds_span_is(text_at(e, "type"), "Warning")
            || (found && ds_span_compare(at, newest) < 0))
            continue;
        newest = at;
        found = e;
    }
    return found ? join(a, "", text_at(found, "reason"), text_at(found, "message")) : newest;
}
