/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What reconcile() wished, done: the status first, then one action after the other, each when the one
 * before has answered. Answers go into the cache at once, so that the next decision sees them
 * before the watch does. */
#include "base/clock_io.h"
#include "base/log_io.h"
#include "kube/kube_path.h"
#include "scheduler/controller_parts_io.h"

#include <stdio.h>
#include <stdlib.h>

#define OBJECT_BYTES (8u << 20)
#define JOBS         "batch/v1"

/* ---- requests ---- */

struct target {
    const char *group_version, *plural, *name, *subresource;
};

static void send(struct sweep_work *w, enum http_method method, const struct target *t,
                 const char *content_type, kube_done_f done)
{
    struct controller *c = w->c;
    const struct sweep_view *view = slot_view(w->slot);
    ds_auto_buf path;
    uint64_t id;
    struct ds_err err = {0};
    buf_init(&path, 4096);
    (void)kube_path_put(&path, t->group_version, view->namespace_, t->plural, t->name,
                        t->subresource);
    if (method == HTTP_POST)
        (void)kube_query_put(&path, "fieldValidation", "Strict");
    struct kube_call call = {
        .method = method,
        .path = path.data ? path.data : "",
        .content_type = content_type,
        .body = {.data = w->body.data, .len = w->body.len},
        .max_body_bytes = OBJECT_BYTES,
    };
    int rc = buf_check(&w->body, "request", &err);
    if (rc == 0)
        rc = kube_start(c->kube, &call, done, w, &id, &err);
    if (rc < 0) /* answered like a failure, from here: no recursion */
        done(w, 0, (struct ds_span){"", 0}, &err);
}

static bool is_good(int status)
{
    return status >= 200 && status <= 299;
}

/* A write that stays refused: reconcile says so in the status until a go succeeds. What passes by
 * itself is worth no word the first time; an API server that has just been started does not know our
 * Roles for a second or two. */
static void fail(struct sweep_work *w, const char *what, const struct ds_err *err)
{
    enum ds_code code = err ? err->code : DS_EIO;
    const char *words = err && err->text[0] ? err->text : "no answer";
    w->c->metrics.n_write_errors++;
    controller_say_once(w->c, "%s: %s: %s", w->slot->key, what, words);
    unsigned patience = code == DS_EINPUT || code == DS_EEXIST ? 0 : code == DS_EDENIED ? 2 : 1;
    if (w->failures >= patience)
        (void)snprintf(w->trouble, sizeof w->trouble, "%s: %s", what, words);
    work_end(w, true);
}

static struct cache_object *take_object(struct sweep_work *w, enum cache_kind kind,
                                        struct ds_span body)
{
    struct controller *c = w->c;
    unsigned scope = w->slot->sweep->scope; /* watches of one namespace have one number */
    ds_auto_json j = NULL;
    struct cache_now now = controller_now();
    struct sweep_slot *touched;
    struct object_ref ref;
    struct ds_err err = {0};
    char key[CACHE_KEY_BYTES];
    if (json_parse(body, OBJECT_BYTES, &j, &err) < 0
        || cache_put(&c->cache, kind, scope, true, j, &now, &touched, &err) < 0) {
        controller_say_once(c, "an answer could not be used: %s", err.text);
        return NULL;
    }
    arena_reset(c->arena);
    if (object_ref_decode(j, c->arena, &ref, NULL) < 0)
        return NULL;
    (void)snprintf(key, sizeof key, "%s/%s", ref.namespace_, ref.name);
    return cache_find(&c->cache, kind, key);
}

/* Did the Sweep go away, or did we lose the right to act, while a request was under way? */
static bool goes_on(struct sweep_work *w)
{
    if (slot_view(w->slot) && controller_may_write(w->c))
        return true;
    work_end(w, false);
    return false;
}

/* ---- the status ---- */

static void on_fresh_sweep(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    if (!slot_view(w->slot)) {
        work_end(w, false);
        return;
    }
    if (!is_good(status)) {
        if (status == 404)
            work_end(w, true); /* the watch will say so */
        else
            fail(w, "reading the Sweep", err);
        return;
    }
    bool usable = take_object(w, CACHE_SWEEP, body) != NULL;
    w->wrote = usable; /* look again at once; not at what stays the same */
    work_end(w, !usable);
}

static void read_sweep(struct sweep_work *w, kube_done_f done)
{
    const struct target t = {SWEEP_API_VERSION, SWEEP_PLURAL, slot_view(w->slot)->name, NULL};
    buf_reset(&w->body);
    send(w, HTTP_GET, &t, NULL, done);
}

static void on_status_put(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    if (!goes_on(w))
        return;
    if (status == 409) {
        w->c->metrics.n_conflicts++;
        read_sweep(w, on_fresh_sweep);
        return;
    }
    if (!is_good(status)) {
        fail(w, "writing the status", err);
        return;
    }
    w->status_ms = clock_monotonic_ms();
    w->c->metrics.n_status_writes++;
    w->wrote = true;
    free(w->status);
    w->status = NULL;
    if (!take_object(w, CACHE_SWEEP, body))
        work_end(w, true);
    else
        act_next(w);
}

static void put_status(struct sweep_work *w)
{
    const struct sweep_view *view = slot_view(w->slot);
    const struct target t = {SWEEP_API_VERSION, SWEEP_PLURAL, view->name, "status"};
    struct ds_err err = {0};
    buf_reset(&w->body);
    if (api_put_status(view, w->status, &w->body, &err) < 0)
        fail(w, "the status", &err);
    else
        send(w, HTTP_PUT, &t, NULL, on_status_put);
}

/* ---- creating a Job: the whole Sweep, the ConfigMap of its spec, the Job ---- */

static bool render(struct sweep_work *w, bool spec, uint32_t job, struct ds_err *err)
{
    struct controller *c = w->c;
    const struct sweep_view *view = slot_view(w->slot);
    struct manifest_input in = {
        .sweep = w->object,
        .view = view,
        .status = &view->status,
        .limits = &c->limits,
        .nodes = w->nodes,
        .n_nodes = w->n_nodes,
        .agent_image = c->o->agent_image,
        .version = DECKSWEEP_VERSION,
    };
    buf_reset(&w->body);
    return spec ? job_manifest_spec(&in, &w->body, err) == 0
                : job_manifest(&in, job, &w->body, err) == 0;
}

/* No Job can be made of this spec: reconcile says so in the status. */
static void refuse(struct sweep_work *w, const struct ds_err *err)
{
    const struct sweep_view *view = slot_view(w->slot);
    if (err->code != DS_EINPUT && err->code != DS_ETOOBIG) {
        fail(w, "making a Job", err);
        return;
    }
    (void)snprintf(w->refused, sizeof w->refused, "%s", err->text);
    w->refused_generation = view->generation;
    w->wrote = true;
    work_end(w, false);
}

static void on_whole_sweep(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    struct ds_err why = {0};
    struct object_ref ref;
    int64_t generation = -1;
    if (!goes_on(w))
        return;
    const struct sweep_view *view = slot_view(w->slot);
    if (!is_good(status)) {
        fail(w, "reading the Sweep", err);
        return;
    }
    if (json_parse(body, OBJECT_BYTES, &w->object, &why) < 0) {
        fail(w, "reading the Sweep", &why);
        return;
    }
    arena_reset(w->c->arena);
    (void)json_i64(json_get(json_get(w->object, "metadata"), "generation"), &generation);
    if (object_ref_decode(w->object, w->c->arena, &ref, NULL) < 0 || generation != view->generation
        || strcmp(ref.uid, view->uid) != 0) {
        (void)take_object(w, CACHE_SWEEP, body); /* edited meanwhile: decide anew */
        w->wrote = true;
        work_end(w, false);
        return;
    }
    act_next(w);
}

/* Whose is what already has the name that we want to use? */
static bool is_ours(struct sweep_work *w, struct ds_span body)
{
    ds_auto_json j = NULL;
    struct object_ref ref;
    arena_reset(w->c->arena);
    return json_parse(body, OBJECT_BYTES, &j, NULL) == 0
           && object_ref_decode(j, w->c->arena, &ref, NULL) == 0 && !ref.deleting
           && strcmp(ref.owner_uid, slot_view(w->slot)->uid) == 0;
}

static void on_taken(struct sweep_work *w, const char *what, int status, struct ds_span body,
                     const struct ds_err *err, enum cache_kind kind)
{
    struct ds_err why = {0};
    if (!goes_on(w))
        return;
    if (!is_good(status)) {
        fail(w, "reading what has the name", err);
    } else if (!is_ours(w, body)) {
        (void)ds_fail(&why, DS_EEXIST, "%s of the name that is needed belongs to somebody else",
                      what);
        fail(w, "creating", &why);
    } else {
        (void)take_object(w, kind, body);
        w->wrote = true;
        if (kind == CACHE_MAP)
            w->spec_made = true;
        else
            w->at++;
        act_next(w);
    }
}

static void on_taken_job(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    on_taken(context, "a Job", status, body, err, CACHE_JOB);
}

static void on_taken_map(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    on_taken(context, "a ConfigMap", status, body, err, CACHE_MAP);
}

static void spec_target(struct sweep_work *w, char name[STATUS_NAME_BYTES], struct target *t)
{
    const struct sweep_view *view = slot_view(w->slot);
    job_manifest_spec_name(view->name, view->edit_hash, name);
    *t = (struct target){"v1", "configmaps", name, NULL};
}

static void on_spec_made(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    char name[STATUS_NAME_BYTES];
    struct target t;
    if (!goes_on(w))
        return;
    if (status == 409) {
        spec_target(w, name, &t);
        buf_reset(&w->body);
        send(w, HTTP_GET, &t, NULL, on_taken_map);
        return;
    }
    if (!is_good(status)) {
        fail(w, "creating the ConfigMap of the spec", err);
        return;
    }
    (void)take_object(w, CACHE_MAP, body);
    w->wrote = w->spec_made = true;
    act_next(w);
}

static void make_spec(struct sweep_work *w)
{
    const struct target t = {"v1", "configmaps", NULL, NULL};
    struct ds_err err = {0};
    if (render(w, true, 0, &err))
        send(w, HTTP_POST, &t, NULL, on_spec_made);
    else
        refuse(w, &err);
}

static void on_job_made(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    if (!goes_on(w))
        return;
    const struct action *a = &w->action[w->at];
    if (status == 409) {
        const struct target t = {JOBS, "jobs", a->name, NULL};
        buf_reset(&w->body);
        send(w, HTTP_GET, &t, NULL, on_taken_job);
        return;
    }
    if (!is_good(status)) {
        fail(w, "creating a Job", err);
        return;
    }
    log_info("%s: Job %s is made", w->slot->key, a->name);
    w->c->metrics.n_jobs_created++;
    (void)take_object(w, CACHE_JOB, body);
    w->wrote = true;
    w->at++;
    act_next(w);
}

static struct cache_object *find_object(struct sweep_work *w, enum cache_kind kind,
                                        const char *name)
{
    char key[CACHE_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s/%s", slot_view(w->slot)->namespace_, name);
    return cache_find(&w->c->cache, kind, key);
}

/* Is the ConfigMap of the spec there, as far as we know? */
static bool has_spec(struct sweep_work *w)
{
    char name[STATUS_NAME_BYTES];
    struct target t;
    spec_target(w, name, &t);
    const struct cache_object *o = find_object(w, CACHE_MAP, name);
    return w->spec_made || (o && strcmp(o->owner_uid, slot_view(w->slot)->uid) == 0);
}

static void create_job(struct sweep_work *w, const struct action *a)
{
    const struct target t = {JOBS, "jobs", NULL, NULL};
    struct ds_err err = {0};
    if (!w->object)
        read_sweep(w, on_whole_sweep);
    else if (slot_view(w->slot)->status.step.kind == STEP_CENSUS && !has_spec(w))
        make_spec(w);
    else if (render(w, false, a->job, &err))
        send(w, HTTP_POST, &t, NULL, on_job_made);
    else
        refuse(w, &err);
}

/* ---- the other actions ---- */

/* Deleted, gone before, or another one by now: in any case not there any more. */
static void on_deleted(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    (void)body;
    if (!goes_on(w))
        return;
    const struct action *a = &w->action[w->at];
    bool map = a->kind == ACT_DELETE_BUNDLE;
    struct cache_object *o = find_object(w, map ? CACHE_MAP : CACHE_JOB, a->name);
    if (!is_good(status) && status != 404 && status != 409) {
        fail(w, "deleting", err);
        return;
    }
    if (is_good(status))
        log_info("%s: %s %s is deleted", w->slot->key, map ? "ConfigMap" : "Job", a->name);
    if (o && map)
        (void)cache_drop(&w->c->cache, o);
    else if (o && strcmp(((const struct job_view *)o->packed)->uid, a->uid) == 0)
        cache_set_deleting(o);
    w->c->metrics.n_jobs_deleted += !map && is_good(status);
    w->wrote = true;
    w->at++;
    act_next(w);
}

static void on_patched(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    if (!goes_on(w))
        return;
    const struct action *a = &w->action[w->at];
    struct cache_object *o = find_object(w, CACHE_JOB, a->name);
    if (is_good(status)) {
        (void)take_object(w, CACHE_JOB, body);
    } else if (status == 404 || status == 409) {
        if (o && strcmp(((const struct job_view *)o->packed)->uid, a->uid) == 0)
            (void)cache_drop(&w->c->cache, o);
    } else {
        fail(w, "changing a Job", err);
        return;
    }
    w->wrote = true;
    w->at++;
    act_next(w);
}

static void delete_job(struct sweep_work *w, const struct action *a)
{
    const struct target t = {JOBS, "jobs", a->name, NULL};
    buf_reset(&w->body);
    api_put_delete(&w->body, a->uid);
    send(w, HTTP_DELETE, &t, NULL, on_deleted);
}

static void patch_job(struct sweep_work *w, const struct action *a)
{
    const struct target t = {JOBS, "jobs", a->name, NULL};
    buf_reset(&w->body);
    if (a->kind == ACT_SET_TTL)
        api_put_ttl(&w->body, a->uid, a->number);
    else
        api_put_parallelism(&w->body, a->uid, a->number);
    send(w, HTTP_PATCH, &t, "application/merge-patch+json", on_patched);
}

/* Only one that submit made for this very Sweep; false: nothing is to be done. */
static bool delete_map(struct sweep_work *w, struct action *a)
{
    const char *name = a->name[0] ? a->name : slot_view(w->slot)->deck_name;
    const struct cache_object *o = find_object(w, CACHE_MAP, name);
    if (!o || strcmp(o->owner_uid, slot_view(w->slot)->uid) != 0)
        return false;
    const struct cache_map *map = o->packed;
    const struct target t = {"v1", "configmaps", map->name, NULL};
    if (!a->name[0])
        (void)snprintf(a->name, sizeof a->name, "%s", map->name);
    buf_reset(&w->body);
    api_put_delete(&w->body, map->uid);
    send(w, HTTP_DELETE, &t, NULL, on_deleted);
    return true;
}

/* True: a request is under way. */
static bool perform(struct sweep_work *w, struct action *a)
{
    switch (a->kind) {
    case ACT_CREATE_JOB:
        create_job(w, a);
        return true;
    case ACT_DELETE_JOB:
        delete_job(w, a);
        return true;
    case ACT_SET_TTL:
    case ACT_SET_PARALLELISM:
        patch_job(w, a);
        return true;
    case ACT_DELETE_BUNDLE:
        return delete_map(w, a);
    case ACT_EVENT:
        recorder_say(w->c, slot_view(w->slot), a->type == EVENT_TYPE_WARNING, a->reason, a->text);
        return false;
    }
    return false;
}

void act_next(struct sweep_work *w)
{
    if (!goes_on(w))
        return;
    if (w->status) {
        put_status(w);
        return;
    }
    while (w->at < w->n_actions) {
        if (perform(w, &w->action[w->at]))
            return;
        w->at++;
    }
    w->trouble[0] = '\0';
    work_end(w, false);
}
