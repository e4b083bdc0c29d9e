/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions that no watch answers: why a Job has no pods, whether a Job is really gone, what a claim is.
 * A question names its object by key: the object may go while it is under way. */
#include "base/clock_io.h"
#include "base/log_io.h"
#include "kube/kube_path.h"
#include "scheduler/controller_parts_io.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_BYTES  (8u << 20)
#define EVENTS_LISTED "200"

struct ask {
    struct controller *c;
    struct ask *next;
    char key[CACHE_KEY_BYTES], uid[64];
    int64_t since_s;
};

static struct ask *ask_new(struct controller *c, const struct cache_object *job)
{
    struct ask *a = calloc(1, sizeof *a);
    if (!a)
        abort();
    a->c = c;
    a->next = c->asks;
    c->asks = a;
    (void)snprintf(a->key, sizeof a->key, "%s", job->key);
    (void)snprintf(a->uid, sizeof a->uid, "%s", ((const struct job_view *)job->packed)->uid);
    return a;
}

static void ask_free(struct ask *a)
{
    for (struct ask **at = &a->c->asks; *at; at = &(*at)->next) {
        if (*at == a) {
            *at = a->next;
            break;
        }
    }
    free(a);
}

void asks_clear(struct controller *c)
{
    while (c->asks)
        ask_free(c->asks);
}

/* The Job that the question was about, if it is still there. */
static struct cache_object *job_of(const struct ask *a)
{
    struct cache_object *o = cache_find(&a->c->cache, CACHE_JOB, a->key);
    return o && strcmp(((const struct job_view *)o->packed)->uid, a->uid) == 0 ? o : NULL;
}

static struct kube_call get_call(const struct ds_buf *path)
{
    return (struct kube_call){
        .method = HTTP_GET, .path = path->data ? path->data : "", .max_body_bytes = ANSWER_BYTES};
}

/* ---- why a Job has no pods ---- */

static void on_events(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct ask *a = context;
    struct controller *c = a->c;
    struct cache_object *o = job_of(a);
    ds_auto_json j = NULL;
    if (status != 200) {
        controller_say_once(c, "events of Job %s: %s", a->key, err ? err->text : "no answer");
    } else if (o && json_parse(body, ANSWER_BYTES, &j, NULL) == 0) {
        arena_reset(c->arena);
        const char *why = event_list_failed_create(j, a->uid, a->since_s, c->arena);
        if (cache_set_why(o, why) && o->slot)
            work_touched(c, o->slot);
    }
    ask_free(a);
}

void act_ask_why(struct controller *c, struct cache_object *job)
{
    const struct job_view *j = job->packed;
    char field[160];
    ds_auto_buf path;
    uint64_t id;
    struct ds_err err = {0};
    struct ask *a = ask_new(c, job);
    job->why_at_ms = clock_monotonic_ms();
    a->since_s = clock_unix_ms() / 1000 - 2 * WHY_EVERY_MS / 1000;
    buf_init(&path, 4096);
    const struct sweep_view *view = job->slot ? slot_view(job->slot) : NULL;
    (void)snprintf(field, sizeof field, "involvedObject.uid=%s,reason=FailedCreate", j->uid);
    (void)kube_path_put(&path, "v1", view ? view->namespace_ : "", "events", NULL, NULL);
    (void)kube_query_put(&path, "fieldSelector", field);
    (void)kube_query_put(&path, "limit", EVENTS_LISTED);
    struct kube_call call = get_call(&path);
    if (!view || kube_start(c->kube, &call, on_events, a, &id, &err) < 0)
        on_events(a, 0, (struct ds_span){"", 0}, &err);
}

/* ---- a Job that the last list lacked ---- */

static void on_job(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct ask *a = context;
    struct controller *c = a->c;
    struct cache_object *o = job_of(a);
    struct cache_now now = controller_now();
    struct sweep_slot *touched = NULL;
    ds_auto_json j = NULL;
    (void)err;
    if (o) {
        o->asked = false;
        o->unsure = status != 200 && status != 404;
        if (status == 404)
            touched = cache_drop(&c->cache, o);
        else if (status == 200 && json_parse(body, ANSWER_BYTES, &j, NULL) == 0
                 && cache_put(&c->cache, CACHE_JOB, o->scope, false, j, &now, &touched, NULL) < 0)
            touched = NULL;
    }
    if (touched)
        work_touched(c, touched);
    ask_free(a);
}

void act_look_up_job(struct controller *c, struct cache_object *job)
{
    const struct sweep_view *view = job->slot ? slot_view(job->slot) : NULL;
    ds_auto_buf path;
    uint64_t id;
    struct ds_err err = {0};
    struct ask *a = ask_new(c, job);
    job->asked = true;
    buf_init(&path, 4096);
    (void)kube_path_put(&path, "batch/v1", view ? view->namespace_ : "", "jobs",
                        ((const struct job_view *)job->packed)->name, NULL);
    struct kube_call call = get_call(&path);
    if (!view || kube_start(c->kube, &call, on_job, a, &id, &err) < 0)
        on_job(a, 0, (struct ds_span){"", 0}, &err);
}

/* ---- the claim of a sweep's store ---- */

static void on_claim(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct sweep_work *w = context;
    struct sweep_view *view = slot_view_mutable(w->slot);
    ds_auto_json j = NULL;
    w->claim_ms = clock_monotonic_ms();
    if (view) {
        if (strcmp(w->claim, view->claim) != 0)
            w->claim_gone_ms = 0;
        (void)snprintf(w->claim, sizeof w->claim, "%s", view->claim);
        if (status == 404)
            sweep_view_set_claim(view, NULL);
        else if (status == 200 && json_parse(body, ANSWER_BYTES, &j, NULL) == 0)
            sweep_view_set_claim(view, j);
        else
            controller_say_once(w->c, "%s: claim %s: %s", w->slot->key, view->claim,
                                err ? err->text : "no answer");
        if (!view->claim_missing)
            w->claim_gone_ms = 0;
        else if (w->claim_gone_ms == 0)
            w->claim_gone_ms = w->claim_ms;
    }
    w->again = true;
    work_end(w, false);
}

void act_look_up_claim(struct sweep_work *w)
{
    const struct sweep_view *view = slot_view(w->slot);
    ds_auto_buf path;
    uint64_t id;
    struct ds_err err = {0};
    buf_init(&path, 4096);
    (void)kube_path_put(&path, "v1", view->namespace_, "persistentvolumeclaims", view->claim, NULL);
    struct kube_call call = get_call(&path);
    if (kube_start(w->c->kube, &call, on_claim, w, &id, &err) < 0)
        on_claim(w, 0, (struct ds_span){"", 0}, &err);
}
