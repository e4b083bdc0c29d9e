/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cluster_io.h"

#include "base/clock_io.h"
#include "base/env_io.h"
#include "kube/kube_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_BYTES    2048u
#define OBJECT_BYTES  ((size_t)4 << 20)
#define LIST_BYTES    ((size_t)256 << 20)
#define PAGE          "500"
#define MAX_SWEEPS    100000u
#define NEAR_EDITS    3u
#define MAX_NAMED     5u
#define TURN_MS       200
#define SERVICE_TOKEN "/var/run/secrets/kubernetes.io/serviceaccount/token"

bool cluster_is_asked(const struct cli *cli)
{
    return cmd_has(cli->line, "namespace") || cmd_has(cli->line, "context")
           || cmd_has(cli->line, "kubeconfig");
}

bool cluster_is_configured(void)
{
    char path[4096];
    const char *listed = env_get("KUBECONFIG"), *home = env_get("HOME");
    if (listed && *listed)
        return true;
    int n = home ? snprintf(path, sizeof path, "%s/.kube/config", home) : -1;
    if (n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0)
        return true;
    return env_get("KUBERNETES_SERVICE_HOST") && access(SERVICE_TOKEN, F_OK) == 0;
}

int cluster_open(const struct cli *cli, struct cluster *out, struct ds_err *err)
{
    struct kube_options o = {
        .kubeconfig = cmd_text(cli->line, "kubeconfig"),
        .context = cmd_text(cli->line, "context"),
        .namespace_ = cmd_text(cli->line, "namespace"),
    };
    struct cluster c = {.arena = cli->arena, .context = o.context};
    c.loop = http_loop_create(0, "decksweep/" DECKSWEEP_VERSION);
    int rc = kube_open(&o, c.loop, &c.kube, err);
    if (rc < 0) {
        http_loop_destroy(c.loop);
        return rc;
    }
    *out = c;
    return 0;
}

void cluster_close(struct cluster *c)
{
    kube_close(c->kube);
    http_loop_destroy(c->loop);
    *c = (struct cluster){0};
}

/* ---- single objects ---- */

static int parse_sweep(struct cluster *c, struct ds_span body, struct sweep_report *out,
                       struct json **object, struct ds_err *err)
{
    struct json *j = NULL;
    int rc = json_parse(body, OBJECT_BYTES, &j, err);
    if (rc == 0)
        rc = sweep_report_read(j, c->context, out, err);
    if (rc < 0) {
        json_destroy(j);
        return ds_wrap(err, "%s", kube_server(c->kube));
    }
    if (object)
        *object = j;
    else
        json_destroy(j);
    return 0;
}

static bool namespace_is_missing(struct cluster *c)
{
    ds_auto_buf path = {0};
    struct ds_span body;
    struct ds_err ignored;
    buf_init(&path, PATH_BYTES);
    (void)kube_path_put(&path, "v1", NULL, "namespaces", kube_namespace(c->kube), NULL);
    struct kube_call call = {
        .method = HTTP_GET, .path = path.data, .max_body_bytes = OBJECT_BYTES, .max_tries = 1};
    return path.data && kube_do(c->kube, &call, c->arena, &body, NULL, &ignored) == DS_ENOTFOUND;
}

static int fail_no_namespace(const struct cluster *c, struct ds_err *err)
{
    return ds_fail(err, DS_ENOTFOUND, "the cluster %s has no namespace %s", kube_server(c->kube),
                   kube_namespace(c->kube));
}

/* Names a mistyped one may have meant; else the first few. */
static void put_near_names(const char *name, struct sweep_report *const *list, size_t n,
                           struct ds_buf *out)
{
    unsigned shown = 0;
    for (size_t i = 0; i < n && shown < MAX_NAMED; i++)
        if (ds_span_distance(ds_span_of(name), ds_span_of(list[i]->name), NEAR_EDITS + 1)
            <= NEAR_EDITS)
            (void)buf_printf(out, "%s%s", shown++ ? ", " : ": did you mean ", list[i]->name);
    if (shown > 0) {
        (void)buf_put_char(out, '?');
        return;
    }
    for (size_t i = 0; i < n && i < MAX_NAMED; i++)
        (void)buf_printf(out, "%s%s", i ? ", " : "; there is ", list[i]->name);
    if (n > MAX_NAMED)
        (void)buf_put_text(out, ", ...");
}

static int explain_missing(struct cluster *c, const char *name, struct ds_err *err)
{
    struct sweep_report **list = NULL;
    size_t n = 0;
    ds_auto_buf names = {0};
    struct ds_err other = {0};
    int rc = cluster_list_sweeps(c, false, &list, &n, &other);
    if (rc == DS_ENOTFOUND) { /* no CRD, no namespace: that is what to say */
        *err = other;
        return rc;
    }
    buf_init(&names, 1024);
    if (rc == 0)
        put_near_names(name, list, n, &names);
    return ds_fail(err, DS_ENOTFOUND, "no Sweep %s in namespace %s of %s%s", name,
                   kube_namespace(c->kube), kube_server(c->kube), names.data ? names.data : "");
}

static int put_sweep_path(struct cluster *c, const char *name, struct ds_buf *path,
                          struct ds_err *err)
{
    if (kube_path_put(path, SWEEP_API_VERSION, kube_namespace(c->kube), SWEEP_PLURAL, name, NULL)
        < 0)
        return ds_fail(err, DS_ETOOBIG, "%.64s...: the name is too long", name ? name : "");
    return 0;
}

int cluster_get_sweep(struct cluster *c, const char *name, struct sweep_report *out,
                      struct json **object, struct ds_err *err)
{
    ds_auto_buf path = {0};
    struct ds_span body;
    buf_init(&path, PATH_BYTES);
    int rc = put_sweep_path(c, name, &path, err);
    if (rc < 0)
        return rc;
    struct kube_call call = {.method = HTTP_GET, .path = path.data, .max_body_bytes = OBJECT_BYTES};
    rc = kube_do(c->kube, &call, c->arena, &body, NULL, err);
    if (rc == DS_ENOTFOUND)
        return explain_missing(c, name, err);
    return rc < 0 ? rc : parse_sweep(c, body, out, object, err);
}

int cluster_set_run(struct cluster *c, const char *name, enum run_wish wish,
                    struct sweep_report *out, struct ds_err *err)
{
    ds_auto_buf path = {0};
    char text[64];
    struct ds_span body;
    buf_init(&path, PATH_BYTES);
    int rc = put_sweep_path(c, name, &path, err);
    if (rc < 0)
        return rc;
    (void)kube_query_put(&path, "fieldManager", "decksweep");
    int n = snprintf(text, sizeof text, "{\"spec\":{\"run\":\"%s\"}}", run_wish_name(wish));
    struct kube_call call = {
        .method = HTTP_PATCH,
        .path = path.data,
        .content_type = "application/merge-patch+json",
        .body = {.data = text, .fd = -1, .len = (uint64_t)n},
        .max_body_bytes = OBJECT_BYTES,
        .max_tries = 5, /* the same twice changes nothing */
    };
    rc = kube_do(c->kube, &call, c->arena, &body, NULL, err);
    if (rc == DS_ENOTFOUND)
        return explain_missing(c, name, err);
    return rc < 0 ? rc : parse_sweep(c, body, out, NULL, err);
}

/* ---- lists ---- */

struct listing {
    struct cluster *c;
    struct sweep_report **at;
    size_t n, room;
    size_t n_strange; /* items that cannot be read */
};

static int take_item(struct listing *l, const struct json *item, struct ds_err *err)
{
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct sweep_report **more = ds_new(l->c->arena, struct sweep_report *, room);
        if (!more || l->n >= MAX_SWEEPS)
            return ds_fail(err, DS_ETOOBIG, "more than %u Sweeps", MAX_SWEEPS);
        if (l->n > 0)
            memcpy(more, l->at, l->n * sizeof(struct sweep_report *));
        l->at = more;
        l->room = room;
    }
    struct sweep_report *r = ds_new(l->c->arena, struct sweep_report, 1);
    if (!r)
        return ds_fail(err, DS_ETOOBIG, "the list of Sweeps does not fit");
    if (sweep_report_read(item, l->c->context, r, err) < 0)
        l->n_strange++;
    else
        l->at[l->n++] = r;
    return 0;
}

/* One answer; *next: where the following one begins, "" at the end. */
static int take_page(struct listing *l, struct ds_span body, struct ds_span *next,
                     struct ds_err *err)
{
    struct json *page = NULL;
    struct ds_span more = {"", 0};
    int rc = json_parse(body, LIST_BYTES, &page, err);
    for (const struct json *item = json_first(json_get(page, "items")); item && rc == 0;
         item = json_next(item))
        rc = take_item(l, item, err);
    (void)json_text(json_get(json_get(page, "metadata"), "continue"), &more);
    *next = rc == 0 && more.len > 0 ? arena_copy(l->c->arena, more) : (struct ds_span){"", 0};
    json_destroy(page);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    const struct sweep_report *x = *(const struct sweep_report *const *)a;
    const struct sweep_report *y = *(const struct sweep_report *const *)b;
    int order = strcmp(x->namespace_, y->namespace_);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static int list_page(struct listing *l, bool all_namespaces, struct ds_span from,
                     struct ds_span *next, struct ds_err *err)
{
    ds_auto_buf path = {0};
    struct ds_span body;
    buf_init(&path, (size_t)PATH_BYTES + 8192);
    (void)kube_path_put(&path, SWEEP_API_VERSION,
                        all_namespaces ? NULL : kube_namespace(l->c->kube), SWEEP_PLURAL, NULL,
                        NULL);
    (void)kube_query_put(&path, "limit", PAGE);
    if (from.len > 0)
        (void)kube_query_put(&path, "continue", from.ptr);
    int rc = buf_check(&path, "the path of the list", err);
    if (rc < 0)
        return rc;
    struct kube_call call = {.method = HTTP_GET, .path = path.data, .max_body_bytes = LIST_BYTES};
    rc = kube_do(l->c->kube, &call, l->c->arena, &body, NULL, err);
    if (rc == DS_ENOTFOUND)
        return ds_fail(err, DS_ENOTFOUND,
                       "the cluster %s knows no Sweeps: decksweep is not installed there (an "
                       "administrator does it with `kubectl apply -k k8s/base`)",
                       kube_server(l->c->kube));
    return rc < 0 ? rc : take_page(l, body, next, err);
}

int cluster_list_sweeps(struct cluster *c, bool all_namespaces, struct sweep_report ***out,
                        size_t *n, struct ds_err *err)
{
    struct listing l = {.c = c};
    struct ds_span from = {"", 0};
    int rc;
    do
        rc = list_page(&l, all_namespaces, from, &from, err);
    while (rc == 0 && from.len > 0);
    if (rc < 0)
        return rc;
    if (l.n_strange > 0)
        log_warn("%zu Sweeps are not shown: this program cannot read them", l.n_strange);
    if (l.n == 0 && !all_namespaces && namespace_is_missing(c))
        return fail_no_namespace(c, err);
    if (l.n > 1)
        qsort(l.at, l.n, sizeof(struct sweep_report *), by_name);
    *out = l.at;
    *n = l.n;
    return 0;
}

/* ---- following ---- */

struct following {
    struct cluster *c;
    const struct cluster_follow *how;
    struct sweep_report *r;
    char name[254];
    bool seen, listed, gone, done;
    struct ds_err failed; /* code < 0: no use to go on */
};

static void on_object(void *context, const struct json *object)
{
    struct following *f = context;
    struct sweep_report now;
    struct ds_err err = {0};
    if (f->done || f->gone)
        return;
    if (sweep_report_read(object, f->c->context, &now, &err) < 0) {
        f->failed = err;
        return;
    }
    f->seen = f->listed = true;
    *f->r = now;
    if (f->how->display) {
        struct display_counts counts;
        char note[EVENT_TEXT_BYTES];
        sweep_report_counts(f->r, note, &counts);
        display_take_counts(f->how->display, &counts);
    }
    if (f->how->on_change)
        f->how->on_change(f->how->context, f->r);
    f->done = f->how->done(f->how->context, f->r);
}

static void on_deleted(void *context, const struct json *object)
{
    struct following *f = context;
    (void)object;
    f->gone = true;
}

static void on_relist(void *context)
{
    struct following *f = context;
    f->listed = false;
}

static void on_synced(void *context)
{
    struct following *f = context;
    f->gone = f->gone || !f->listed;
}

static void on_trouble(void *context, const struct ds_err *err)
{
    struct following *f = context;
    if (err->code == DS_EDENIED || err->code == DS_EINPUT)
        f->failed = *err;
    else if (f->how->display)
        display_say(f->how->display, "%s; trying again", err->text);
    else
        log_warn("%s; trying again", err->text);
}

static int follow(struct following *f, struct ds_err *err)
{
    const struct cluster_follow *how = f->how;
    int rc = 0;
    while (rc == 0 && !f->done && !f->gone && f->failed.code == DS_OK) {
        if (how->deadline_ms > 0 && clock_monotonic_ms() >= how->deadline_ms)
            return ds_fail(err, DS_ETIMEOUT, "waited too long");
        rc = http_turn(f->c->loop, TURN_MS, NULL, NULL, 0, err);
        if (how->display)
            display_tick(how->display, 0);
    }
    if (rc < 0 || f->done)
        return rc;
    if (f->failed.code != DS_OK) {
        *err = f->failed;
        return f->failed.code;
    }
    return ds_fail(err, DS_ENOTFOUND, "Sweep %s of namespace %s %s", f->name,
                   kube_namespace(f->c->kube), f->seen ? "was deleted" : "is not there");
}

int cluster_follow(struct cluster *c, const char *name, const struct cluster_follow *how,
                   struct sweep_report *r, struct ds_err *err)
{
    struct following f = {.c = c, .how = how, .r = r};
    (void)snprintf(f.name, sizeof f.name, "%s", name); /* which may be r->name */
    struct kube_watch_callbacks on = {
        .context = &f,
        .relist = on_relist,
        .object = on_object,
        .deleted = on_deleted,
        .synced = on_synced,
        .trouble = on_trouble,
    };
    struct kube_watch *watch = NULL;
    ds_auto_buf path = {0};
    char selector[512];
    buf_init(&path, PATH_BYTES);
    (void)snprintf(selector, sizeof selector, "metadata.name=%s", name);
    int rc = put_sweep_path(c, NULL, &path, err);
    if (rc == 0)
        rc = kube_watch_start(c->kube, path.data, NULL, selector, &on, &watch, err);
    if (rc == 0)
        rc = follow(&f, err);
    kube_watch_stop(watch);
    return rc;
}
