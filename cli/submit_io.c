/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Sweep comes first and its deck second, because the deck's ConfigMap is owned by it: a
 * census waits for exactly the deck that the Sweep names. A deck for the store comes first where
 * that is possible; where it is not, the Sweep stands Suspended until the deck is there. */
#include "cli/submit_io.h"

#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/units.h"
#include "cli/store_pod_io.h"
#include "cli/submit_parts_io.h"
#include "kube/kube_path.h"
#include "scheduler/job_manifest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES    2048u
#define OBJECT_BYTES  ((size_t)8 << 20)
#define TRIES         5
#define CONTROLLER_MS 60000 /* till the controller must have looked at a new Sweep */

const char *submit_label(const struct submit *s)
{
    ds_auto_buf label;
    buf_init(&label, 1024);
    sweep_report_label(&s->report, &label);
    return arena_cstr(s->cli->arena, buf_span(&label));
}

/* ---- objects of the API ---- */

static const char *path_of(struct submit *s, const char *group_version, const char *plural,
                           const char *name, bool strict)
{
    ds_auto_buf path;
    buf_init(&path, PATH_BYTES);
    (void)kube_path_put(&path, group_version, s->namespace_, plural, name, NULL);
    if (strict) { /* a key that this cluster's CRD does not know is an error, not dropped */
        (void)kube_query_put(&path, "fieldValidation", "Strict");
        (void)kube_query_put(&path, "fieldManager", "decksweep");
    }
    return arena_cstr(s->cli->arena, buf_span(&path));
}

static int call_json(struct submit *s, const struct kube_call *call, struct json **out,
                     struct ds_err *err)
{
    struct ds_span body;
    int rc = kube_do(s->c.kube, call, s->cli->arena, &body, NULL, err);
    return rc < 0 || !out ? rc : json_parse(body, OBJECT_BYTES, out, err);
}

static int take_object(struct submit *s, struct json *object, struct ds_err *err)
{
    int rc = sweep_report_read(object, s->c.context, &s->report, err);
    json_destroy(s->object);
    s->object = object;
    return rc;
}

/* What is there of that name: s->object, NULL when nothing is. */
static int get_sweep(struct submit *s, struct ds_err *err)
{
    struct json *object = NULL;
    struct kube_call call = {.method = HTTP_GET,
                             .path = path_of(s, SWEEP_API_VERSION, SWEEP_PLURAL, s->name, false),
                             .body.fd = -1,
                             .max_body_bytes = OBJECT_BYTES};
    int rc = call_json(s, &call, &object, err);
    if (rc == 0)
        return take_object(s, object, err);
    json_destroy(s->object);
    s->object = NULL;
    return rc == DS_ENOTFOUND ? 0 : rc;
}

static int check_claim(struct submit *s, struct ds_err *err)
{
    struct ds_span claim, path;
    int rc = manifest_claim_parse(s->sweep->store, &claim, &path, err);
    if (rc < 0)
        return rc;
    const char *name = arena_cstr(s->cli->arena, claim);
    struct kube_call call = {.method = HTTP_GET,
                             .path = path_of(s, "v1", "persistentvolumeclaims", name, false),
                             .body.fd = -1};
    rc = call_json(s, &call, NULL, err);
    if (rc == DS_ENOTFOUND)
        return ds_fail(err, DS_ENOTFOUND,
                       "spec.results.store names the claim %s, but the namespace %s has no such "
                       "PersistentVolumeClaim (or there is no such namespace); `kubectl get pvc -n "
                       "%s` lists those there are",
                       name, s->namespace_, s->namespace_);
    return rc;
}

/* ---- create or update ---- */

/* A collection that is not there: no CRD, or no namespace. */
static int explain_missing(struct submit *s, struct ds_err *err)
{
    struct sweep_report **list;
    size_t n;
    struct ds_err other = {0};
    if (cluster_list_sweeps(&s->c, false, &list, &n, &other) < 0)
        *err = other;
    return err->code;
}

static int send_new(struct submit *s, const struct sweep_edit *edit, struct ds_err *err)
{
    struct json *object = NULL;
    ds_auto_buf body;
    buf_init(&body, SWEEP_OBJECT_BYTES);
    int rc = sweep_object_put(s->root, edit, s->namespace_, &body, err);
    if (rc < 0)
        return rc;
    struct kube_call call = {.method = HTTP_POST,
                             .path = path_of(s, SWEEP_API_VERSION, SWEEP_PLURAL, NULL, true),
                             .body = {.data = body.data, .fd = -1, .len = body.len},
                             .max_body_bytes = OBJECT_BYTES};
    rc = call_json(s, &call, &object, err);
    if (rc == DS_ENOTFOUND)
        return explain_missing(s, err);
    return rc < 0 ? rc : take_object(s, object, err);
}

static int send_patch(struct submit *s, const struct sweep_edit *edit, struct ds_err *err)
{
    const struct json *meta = json_get(s->object, "metadata");
    struct json *object = NULL;
    ds_auto_buf body;
    buf_init(&body, SWEEP_OBJECT_BYTES);
    int rc = sweep_object_put_patch(s->root, edit, s->report.resource_version,
                                    json_is_object(json_get(meta, "labels")),
                                    json_is_object(json_get(meta, "annotations")), &body, err);
    if (rc < 0)
        return rc;
    struct kube_call call = {.method = HTTP_PATCH,
                             .path = path_of(s, SWEEP_API_VERSION, SWEEP_PLURAL, s->name, true),
                             .content_type = "application/json-patch+json",
                             .body = {.data = body.data, .fd = -1, .len = body.len},
                             .max_body_bytes = OBJECT_BYTES};
    rc = call_json(s, &call, &object, err);
    return rc < 0 ? rc : take_object(s, object, err);
}

static int check_there(struct submit *s, struct ds_err *err)
{
    struct ds_span theirs = ds_span_of(s->report.status.controller_version);
    int rc = s->o->replace ? 0 : submit_check_deck(s->object, s->sweep->deck, err);
    if (rc < 0)
        return rc;
    if (s->report.deleting)
        return ds_fail(err, DS_EAGAIN, "the Sweep %s is being deleted; submit again in a moment",
                       s->name);
    switch (submit_skew(DS_SPAN(DECKSWEEP_VERSION), theirs)) {
    case SKEW_NONE:
        break;
    case SKEW_TELL:
        log_warn("this is decksweep %s, the cluster's controller is %.*s", DECKSWEEP_VERSION,
                 DS_FMT(theirs));
        break;
    case SKEW_REFUSE:
        return ds_fail(err, DS_EUNSUPPORTED,
                       "this is decksweep %s, the cluster's controller is %.*s: what they exchange "
                       "may differ; use the same version",
                       DECKSWEEP_VERSION, DS_FMT(theirs));
    }
    return 0;
}

/* Create it, or make what is there what the file says. *what: "created", "configured",
 * "unchanged". */
static int apply(struct submit *s, const struct sweep_edit *edit, const char **what,
                 struct ds_err *err)
{
    int rc = DS_EAGAIN;
    for (int i = 0; i < TRIES && (rc == DS_EAGAIN || rc == DS_EEXIST); i++) {
        if (i > 0)
            rc = get_sweep(s, err);
        else
            rc = 0;
        if (rc == 0 && s->object)
            rc = check_there(s, err);
        if (rc < 0)
            return rc;
        char before[sizeof s->report.resource_version];
        memcpy(before, s->report.resource_version, sizeof before);
        bool there = s->object != NULL;
        rc = there ? send_patch(s, edit, err) : send_new(s, edit, err);
        if (rc == 0)
            *what = !there                                            ? "created"
                    : strcmp(before, s->report.resource_version) == 0 ? "unchanged"
                                                                      : "configured";
        if (rc == DS_ENOTFOUND && there)
            rc = DS_EAGAIN; /* deleted meanwhile */
    }
    return rc;
}

/* As kubectl says it; at once, because what follows may take long. */
static void __attribute__((format(printf, 2, 3))) say(struct submit *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vfprintf(s->cli->out, format, args);
    va_end(args);
    (void)fflush(s->cli->out);
}

/* ---- a deck that fits into a ConfigMap ---- */

static int post_config_map(struct submit *s, struct ds_span bundle, struct ds_err *err)
{
    ds_auto_buf body;
    buf_init(&body, SUBMIT_MANIFEST_BYTES);
    int rc =
        submit_config_map(s->config_map, s->namespace_, s->name, s->report.uid, bundle, &body, err);
    if (rc < 0)
        return rc;
    struct kube_call call = {.method = HTTP_POST,
                             .path = path_of(s, "v1", "configmaps", NULL, true),
                             .body = {.data = body.data, .fd = -1, .len = body.len}};
    return call_json(s, &call, NULL, err);
}

/* One of that name is there: of this Sweep, then it holds the same bytes; or of an earlier one of the
 * same name, then it goes. *mine: nothing is to be done. */
static int look_at_config_map(struct submit *s, bool *mine, struct ds_err *err)
{
    ds_auto_json object = NULL;
    struct kube_call get = {.method = HTTP_GET,
                            .path = path_of(s, "v1", "configmaps", s->config_map, false),
                            .body.fd = -1};
    int rc = call_json(s, &get, &object, err);
    *mine = false;
    if (rc < 0)
        return rc == DS_ENOTFOUND ? 0 : rc;
    *mine = submit_owns(object, s->report.uid);
    if (*mine)
        return 0;
    struct kube_call away = get;
    away.method = HTTP_DELETE;
    rc = call_json(s, &away, NULL, err);
    return rc == DS_ENOTFOUND ? 0 : rc;
}

static int bring_config_map(struct submit *s, struct ds_err *err)
{
    char *bytes = arena_take(s->cli->arena, (size_t)s->deck_bytes + 1, 1), size[UNITS_TEXT_BYTES];
    bool mine = false;
    if (!bytes)
        return ds_fail(err, DS_ETOOBIG, "the deck does not fit in memory's bound");
    int rc = fs_pread_all(s->deck_fd, bytes, (size_t)s->deck_bytes, 0, err);
    if (rc < 0)
        return rc;
    struct ds_span bundle = {bytes, (size_t)s->deck_bytes};
    rc = DS_EEXIST;
    for (int i = 0; i < TRIES && rc == DS_EEXIST && !mine; i++) {
        rc = post_config_map(s, bundle, err);
        if (rc == DS_EEXIST) {
            int looked = look_at_config_map(s, &mine, err);
            if (looked < 0)
                return looked;
        }
    }
    if (rc < 0 && !mine)
        return rc;
    units_format_size(s->deck_bytes, size);
    say(s, "configmap/%s %s (%s)\n", s->config_map, mine ? "unchanged" : "created", size);
    return 0;
}

/* ---- a larger one goes into the store ---- */

static bool knows_image(void *context, const struct sweep_report *r)
{
    (void)context;
    return r->status.agent_image[0] != '\0';
}

static int wait_for_controller(struct submit *s, struct ds_err *err)
{
    struct cluster_follow how = {.done = knows_image,
                                 .deadline_ms = clock_monotonic_ms() + CONTROLLER_MS};
    if (knows_image(NULL, &s->report))
        return 0;
    int rc = cluster_follow(&s->c, s->name, &how, &s->report, err);
    if (rc == DS_ETIMEOUT)
        return ds_fail(err, DS_ETIMEOUT,
                       "no controller has looked at the Sweep %s for %d s: is decksweep-scheduler "
                       "running? Then submit again",
                       s->name, CONTROLLER_MS / 1000);
    return rc < 0 ? rc : get_sweep(s, err);
}

static void say_waiting(void *context, const char *text)
{
    (void)context;
    log_info("%s", text);
}

static int upload(struct submit *s, struct store *store, struct ds_err *err)
{
    char key[STORE_KEY_BYTES], size[UNITS_TEXT_BYTES];
    bool existed = false;
    uint64_t there;
    (void)snprintf(key, sizeof key, "%s/%s", s->name, s->store_key);
    units_format_size(s->deck_bytes, size);
    int rc = store_head(store, key, &there, err);
    if (rc == DS_ENOTFOUND) {
        log_info("bringing the deck: %s", size);
        rc = store_put_if_absent(
            store, key, (struct store_body){.fd = s->deck_fd, .len = s->deck_bytes}, &existed, err);
    } else {
        existed = rc == 0;
    }
    if (rc == 0)
        say(s, "%s %s (%s)\n", s->store_key, existed ? "unchanged" : "stored", size);
    return rc;
}

static int bring_through_pod(struct submit *s, struct ds_err *err)
{
    struct store *store = NULL;
    int rc = wait_for_controller(s, err);
    if (rc == 0)
        rc = check_there(s, err);
    if (rc < 0)
        return rc;
    struct store_pod_options o = {.loop = s->c.loop,
                                  .kube = s->c.kube,
                                  .sweep = s->object,
                                  .write = true,
                                  .say = say_waiting};
    rc = store_pod_open(&o, &store, err);
    if (rc < 0)
        return rc;
    rc = upload(s, store, err);
    store_close(store);
    return rc;
}

static bool text_is(const struct json *object, const char *key, const char *text)
{
    struct ds_span value;
    return json_text(json_get(object, key), &value) && ds_span_is(value, text);
}

/* The Sweep there names this very deck, and goes on with it. */
static bool has_deck(const struct submit *s)
{
    const struct json *spec = json_get(s->object, "spec");
    return text_is(json_get(spec, "deckFrom"), "store", s->store_key)
           && s->report.run != RUN_SUSPENDED;
}

static bool has_same_store(const struct submit *s)
{
    struct ds_span store;
    return json_text(json_get(json_get(json_get(s->object, "spec"), "results"), "store"), &store)
           && ds_span_eq(store, s->sweep->store);
}

static int bring_to_store(struct submit *s, const char **what, struct ds_err *err)
{
    struct sweep_edit waiting = s->edit;
    int rc = 0;
    if (s->object && has_deck(s))
        return apply(s, &s->edit, what, err);
    const char *first = NULL;
    if (s->object && has_same_store(s)) {
        rc = check_there(s, err);
    } else {
        waiting.run = "Suspended";
        rc = apply(s, &waiting, &first, err);
    }
    if (rc == 0)
        rc = bring_through_pod(s, err);
    if (rc == 0)
        rc = get_sweep(s, err);
    if (rc == 0)
        rc = apply(s, &s->edit, what, err);
    if (rc == 0 && first && strcmp(first, "created") == 0)
        *what = first;
    return rc;
}

/* ---- all of it ---- */

static int open_cluster(struct submit *s, struct ds_err *err)
{
    const struct cmd_line *l = s->cli->line;
    struct kube_options o = {.kubeconfig = cmd_text(l, "kubeconfig"),
                             .context = cmd_text(l, "context"),
                             .namespace_ = cmd_text(l, "namespace")};
    if (!o.namespace_)
        o.namespace_ = s->file_namespace;
    s->c = (struct cluster){.arena = s->cli->arena, .context = o.context};
    s->c.loop = http_loop_create(0, "decksweep/" DECKSWEEP_VERSION);
    int rc = kube_open(&o, s->c.loop, &s->c.kube, err);
    if (rc == 0)
        s->namespace_ = kube_namespace(s->c.kube);
    return rc;
}

/* The controller has seen this very deck in the store that the file names still. */
static bool is_stored(const struct submit *s)
{
    return s->object && has_same_store(s) && s->report.status.bundle_stored
           && strcmp(s->report.status.bundle, s->config_map) == 0;
}

static int send_all(struct submit *s, struct ds_err *err)
{
    const char *what = "";
    bool stored;
    int rc = open_cluster(s, err);
    rc = rc < 0 ? rc : check_claim(s, err);
    rc = rc < 0 ? rc : get_sweep(s, err);
    if (rc < 0)
        return rc;
    stored = is_stored(s);
    rc = s->store_key[0] != '\0' ? bring_to_store(s, &what, err) : apply(s, &s->edit, &what, err);
    if (rc < 0)
        return rc;
    say(s, "sweep." SWEEP_GROUP "/%s %s\n", s->name, what);
    return s->config_map[0] != '\0' && !stored ? bring_config_map(s, err) : 0;
}

static int show_object(struct submit *s, struct ds_err *err)
{
    ds_auto_buf out;
    const char *namespace_ = cmd_text(s->cli->line, "namespace");
    buf_init(&out, SWEEP_OBJECT_BYTES);
    if (!namespace_)
        namespace_ = s->file_namespace ? s->file_namespace : "default";
    int rc = sweep_object_put(s->root, &s->edit, namespace_, &out, err);
    if (rc < 0)
        return rc;
    (void)buf_put_char(&out, '\n');
    cli_put(s->cli, &out);
    return 0;
}

static void tell_next(const struct submit *s)
{
    const char *label = submit_label(s);
    if (s->n_cases > 0)
        log_info("%u cases; `decksweep status %s --watch` follows them", s->n_cases, label);
    else
        log_info("`decksweep status %s --watch` follows it", label);
}

int submit_sweep(struct cli *cli, const struct submit_options *o)
{
    struct submit s = {.cli = cli, .o = o, .deck_fd = -1};
    struct ds_err err = {0};
    bool told = false;
    int status = CLI_OK;
    int rc = submit_prepare(&s, &told, &err);
    if (rc == 0)
        rc = o->dry_run ? show_object(&s, &err) : send_all(&s, &err);
    if (rc < 0)
        status = told ? ds_exit_status(err.code) : cli_fail(cli, &err);
    else if (o->wait)
        status = submit_wait(&s);
    else if (!o->dry_run)
        tell_next(&s);
    json_destroy(s.object);
    cluster_close(&s.c);
    fs_close_at(&s.deck_fd);
    planned_destroy(s.planned);
    return status;
}
