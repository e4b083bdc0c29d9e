/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/store_pod_io.h"

#include "base/clock_io.h"
#include "base/log_io.h"
#include "base/sha256.h"
#include "cli/store_pod.h"
#include "kube/kube_path.h"
#include "scheduler/job_manifest.h"
#include "store/pod_store_io.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define WAIT_MS        120000
#define LOOK_FIRST_MS  100
#define LOOK_LAST_MS   1000
#define SAY_AFTER_MS   4000
#define EVENTS_MS      15000 /* between two looks at the pod's events */
#define DELETE_MS      5000
#define TOKEN_CHARS    64
#define POD_NAME_BYTES (SWEEP_MAX_NAME_BYTES + 24)
#define ARENA_BYTES    ((size_t)64 << 20)

struct store_pod {
    struct store_pod_options o;
    char name[POD_NAME_BYTES], namespace_[64], sweep[SWEEP_MAX_NAME_BYTES + 1];
    char token[TOKEN_CHARS + 1];
    struct ds_arena *a;
    struct store *store;
    bool created;
    struct sigaction before[3];
    bool has_signals;
};

/* ---- signals ---- */

static const int STOPS[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t stopped;
static unsigned n_users; /* of the handler: pods of this process */

static void on_stop(int number)
{
    (void)number;
    stopped = 1;
}

static bool is_stopped(void)
{
    return stopped != 0;
}

static void take_signals(struct store_pod *p)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
    if (n_users++ == 0)
        stopped = 0;
    for (size_t i = 0; i < DS_COUNT(STOPS); i++)
        (void)sigaction(STOPS[i], &action, &p->before[i]);
    p->has_signals = true;
}

static void give_signals_back(struct store_pod *p)
{
    for (size_t i = 0; p->has_signals && i < DS_COUNT(STOPS); i++)
        (void)sigaction(STOPS[i], &p->before[i], NULL);
    n_users -= p->has_signals;
    p->has_signals = false;
}

/* ---- requests ---- */

static const char *path_of(struct store_pod *p, const char *plural, const char *name)
{
    ds_auto_buf path;
    buf_init(&path, 4096);
    (void)kube_path_put(&path, "v1", p->namespace_, plural, name, NULL);
    return arena_cstr(p->a, buf_span(&path));
}

static int get_json(struct store_pod *p, const char *path, struct json **out, struct ds_err *err)
{
    struct ds_span body;
    struct kube_call call = {.method = HTTP_GET, .path = path, .body.fd = -1};
    int rc;
    do
        rc = kube_do(p->o.kube, &call, p->a, &body, NULL, err);
    while (rc == DS_EINTR && !is_stopped());
    return rc < 0 ? rc : json_parse(body, (size_t)32 << 20, out, err);
}

static void delete_pod(struct store_pod *p, const char *name, bool tell)
{
    static const char now[] = "{\"gracePeriodSeconds\":1}";
    struct ds_span body;
    struct ds_err err = {0};
    struct kube_call call = {.method = HTTP_DELETE,
                             .path = path_of(p, "pods", name),
                             .body = {.data = now, .fd = -1, .len = sizeof now - 1},
                             .deadline_ms = DELETE_MS,
                             .max_tries = 2};
    int rc, tries = 0;
    do
        rc = kube_do(p->o.kube, &call, p->a, &body, NULL, &err);
    while (rc == DS_EINTR && tries++ < 3);
    if (rc < 0 && rc != DS_ENOTFOUND && tell)
        log_warn("store pod %s was not deleted (%s); it ends by itself", name, err.text);
}

/* Pods of this sweep that ended but were never deleted: their command was killed. */
static void delete_ended(struct store_pod *p)
{
    ds_auto_buf path;
    ds_auto_json list = NULL;
    char selector[256];
    buf_init(&path, 4096);
    (void)snprintf(selector, sizeof selector, LABEL_KIND "=store," LABEL_SWEEP "=%s", p->sweep);
    (void)kube_path_put(&path, "v1", p->namespace_, "pods", NULL, NULL);
    (void)kube_query_put(&path, "labelSelector", selector);
    (void)kube_query_put(&path, "limit", "20");
    if (path.failed || get_json(p, path.data, &list, NULL) < 0)
        return;
    for (const struct json *pod = json_first(json_get(list, "items")); pod; pod = json_next(pod)) {
        struct ds_span phase, name;
        if (json_text(json_get(json_get(pod, "status"), "phase"), &phase)
            && (ds_span_is(phase, "Succeeded") || ds_span_is(phase, "Failed"))
            && json_text(json_get(json_get(pod, "metadata"), "name"), &name))
            delete_pod(p, arena_cstr(p->a, name), false);
    }
}

/* ---- the pod comes ---- */

static int random_hex(char *out, size_t chars, struct ds_err *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[TOKEN_CHARS / 2];
    if (getrandom(bytes, chars / 2, 0) != (ssize_t)(chars / 2))
        return ds_fail(err, DS_EIO, "the system gives no random bytes");
    for (size_t i = 0; i < chars / 2; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[chars] = '\0';
    return 0;
}

static int copy_text(const struct json *object, const char *key, char *out, size_t room)
{
    struct ds_span text;
    if (!json_text(json_get(object, key), &text) || text.len == 0 || text.len >= room)
        return DS_EPARSE;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return 0;
}

/* The claim must be there: a pod of a missing one would wait for ever. */
static int look_at_claim(struct store_pod *p, struct ds_span claim, bool *one_node,
                         struct ds_err *err)
{
    ds_auto_json object = NULL;
    const char *name = arena_cstr(p->a, claim);
    int rc = get_json(p, path_of(p, "persistentvolumeclaims", name), &object, err);
    if (rc == DS_ENOTFOUND)
        return ds_fail(err, DS_ENOTFOUND,
                       "spec.results.store names the claim %s, but the namespace %s has none of "
                       "that name; `kubectl get pvc -n %s` lists those there are",
                       name, p->namespace_, p->namespace_);
    if (rc == 0)
        *one_node = claim_is_one_node(object);
    return rc;
}

static int post_pod(struct store_pod *p, const struct store_pod_plan *plan, struct ds_err *err)
{
    struct ds_span body;
    ds_auto_buf manifest;
    buf_init(&manifest, STORE_POD_MAX_BYTES);
    int rc = store_pod_manifest(plan, p->o.sweep, &manifest, err);
    if (rc < 0)
        return rc;
    struct kube_call call = {.method = HTTP_POST,
                             .path = path_of(p, "pods", NULL),
                             .body = {.data = manifest.data, .fd = -1, .len = manifest.len}};
    do
        rc = kube_do(p->o.kube, &call, p->a, &body, NULL, err);
    while (rc == DS_EINTR && !is_stopped());
    if (rc == DS_EEXIST) /* the name is random: an earlier try had arrived */
        rc = 0;
    return rc < 0 ? ds_wrap(err, "create the store pod") : 0;
}

static int create(struct store_pod *p, struct ds_err *err)
{
    char uid[80], image[512], url[1024], token_sha256[65], tail[9];
    struct store_pod_plan plan = {.namespace_ = p->namespace_, .write = p->o.write};
    const struct json *spec = json_get(p->o.sweep, "spec");
    const struct json *meta = json_get(p->o.sweep, "metadata");
    if (copy_text(meta, "name", p->sweep, sizeof p->sweep) < 0
        || copy_text(meta, "namespace", p->namespace_, sizeof p->namespace_) < 0
        || copy_text(meta, "uid", uid, sizeof uid) < 0
        || copy_text(json_get(spec, "results"), "store", url, sizeof url) < 0)
        return ds_fail(err, DS_EPARSE, "the Sweep has no usable name, uid or results.store");
    if (copy_text(json_get(p->o.sweep, "status"), "agentImage", image, sizeof image) < 0)
        return ds_fail(err, DS_EAGAIN,
                       "the controller has not looked at the Sweep %s yet (its status has no "
                       "agentImage); is decksweep-scheduler running?",
                       p->sweep);
    int rc = manifest_claim_parse(ds_span_of(url), &plan.claim, &plan.path, err);
    if (rc == 0)
        rc = look_at_claim(p, plan.claim, &plan.one_node, err);
    if (rc == 0)
        rc = random_hex(p->token, TOKEN_CHARS, err);
    if (rc == 0)
        rc = random_hex(tail, sizeof tail - 1, err);
    if (rc < 0)
        return rc;
    sha256_of(p->token, TOKEN_CHARS, token_sha256);
    (void)snprintf(p->name, sizeof p->name, "%s-store-%s", p->sweep, tail);
    plan.name = p->name;
    plan.sweep = p->sweep;
    plan.sweep_uid = uid;
    plan.image = image;
    plan.token_sha256 = token_sha256;
    rc = post_pod(p, &plan, err);
    /* Without an answer it may have been made all the same: then it is deleted too. */
    p->created = rc == 0 || rc == DS_EINTR || rc == DS_ETIMEOUT || rc == DS_EIO;
    return rc;
}

/* ---- waiting ---- */

struct waiting {
    int64_t begun_ms, said_ms, events_ms;
    struct ds_span words, said;
    struct ds_arena *a; /* of words */
};

/* What the kubelet says about it: mounts that fail stand in events only. */
static void look_at_events(struct store_pod *p, struct waiting *w)
{
    ds_auto_buf path;
    ds_auto_json list = NULL;
    char selector[POD_NAME_BYTES + 32];
    buf_init(&path, 4096);
    (void)snprintf(selector, sizeof selector, "involvedObject.name=%s", p->name);
    (void)kube_path_put(&path, "v1", p->namespace_, "events", NULL, NULL);
    (void)kube_query_put(&path, "fieldSelector", selector);
    if (path.failed || get_json(p, path.data, &list, NULL) < 0)
        return;
    struct ds_span warning = event_list_newest_warning(list, w->a);
    if (warning.len > 0)
        w->words = warning;
}

static void say(struct store_pod *p, struct waiting *w, int64_t now_ms)
{
    if (!p->o.say || now_ms - w->begun_ms < SAY_AFTER_MS
        || (w->said_ms != 0 && ds_span_eq(w->words, w->said)))
        return;
    struct ds_span text = arena_format(p->a, "waiting for the store pod %s%s%.*s", p->name,
                                       w->words.len > 0 ? ": " : "", DS_FMT(w->words));
    w->said = arena_copy(p->a, w->words);
    w->said_ms = now_ms;
    if (text.ptr)
        p->o.say(p->o.context, text.ptr);
}

/* *ready: its program runs. */
static int look(struct store_pod *p, struct waiting *w, bool *ready, struct ds_err *err)
{
    ds_auto_json pod = NULL;
    struct ds_span words;
    int rc = get_json(p, path_of(p, "pods", p->name), &pod, err);
    if (rc == DS_ENOTFOUND)
        return ds_fail(err, DS_EIO, "the store pod %s was deleted by somebody", p->name);
    if (rc < 0)
        return rc;
    enum store_pod_phase phase = store_pod_look(pod, w->a, &words);
    if (words.len > 0)
        w->words = words;
    if (phase == STORE_POD_NEVER)
        return ds_fail(err, DS_EIO, "the store pod %s does not run: %.*s", p->name,
                       DS_FMT(w->words));
    *ready = phase == STORE_POD_RUNS;
    return 0;
}

static int pause_ms(struct store_pod *p, int64_t ms)
{
    int64_t until = clock_monotonic_ms() + ms;
    for (;;) {
        int64_t left = until - clock_monotonic_ms();
        if (is_stopped())
            return DS_EINTR;
        if (left <= 0)
            return 0;
        int rc = http_turn(p->o.loop, (int)(left < 1000 ? left : 1000), NULL, NULL, 0, NULL);
        if (rc < 0 && rc != DS_EINTR)
            return rc;
    }
}

/* Ask API server and pod once. DS_EAGAIN: not yet. */
static int ask_once(struct store_pod *p, struct waiting *w, struct ds_err *err)
{
    bool runs = false;
    int rc = look(p, w, &runs, err);
    if (rc < 0)
        return rc;
    if (!runs)
        return DS_EAGAIN;
    rc = pod_store_ping(p->store, err);
    if (rc == DS_EAGAIN && err)
        w->words = arena_copy(w->a, ds_span_of(err->text));
    return rc;
}

static int wait_until_it_answers(struct store_pod *p, struct waiting *w, struct ds_err *err)
{
    int64_t limit = p->o.wait_ms > 0 ? p->o.wait_ms : WAIT_MS, every = LOOK_FIRST_MS;
    w->begun_ms = w->events_ms = clock_monotonic_ms();
    for (;;) {
        struct ds_err why = {0};
        int rc = ask_once(p, w, &why);
        if (rc != DS_EAGAIN) {
            if (rc < 0 && err)
                *err = why;
            return rc;
        }
        int64_t now = clock_monotonic_ms();
        bool late = now - w->begun_ms >= limit;
        if (now - w->events_ms > EVENTS_MS || late) {
            w->events_ms = now;
            look_at_events(p, w);
        }
        if (late)
            return ds_fail(err, DS_ETIMEOUT, "the store pod %s does not answer after %lld s%s%.*s",
                           p->name, (long long)(limit / 1000), w->words.len > 0 ? ": " : "",
                           DS_FMT(w->words));
        say(p, w, now);
        rc = pause_ms(p, every);
        if (rc < 0)
            return ds_fail(err, (enum ds_code)rc, "waiting for the store pod %s was interrupted",
                           p->name);
        every = every * 3 / 2 < LOOK_LAST_MS ? every * 3 / 2 : LOOK_LAST_MS;
    }
}

/* ---- opening and closing ---- */

static void end(void *context)
{
    struct store_pod *p = context;
    if (p->created)
        delete_pod(p, p->name, true);
    give_signals_back(p);
    arena_destroy(p->a);
    explicit_bzero(p->token, sizeof p->token);
    free(p);
}

static int open_store(struct store_pod *p, struct ds_err *err)
{
    char label[1024];
    if (copy_text(json_get(json_get(p->o.sweep, "spec"), "results"), "store", label, sizeof label)
        < 0)
        return ds_fail(err, DS_EPARSE, "the Sweep has no results.store");
    struct pod_store_options o = {.loop = p->o.loop,
                                  .kube = p->o.kube,
                                  .namespace_ = p->namespace_,
                                  .pod = p->name,
                                  .token = p->token,
                                  .sweep = p->sweep,
                                  .label = label,
                                  .interrupted = is_stopped,
                                  .closed = end,
                                  .context = p};
    return pod_store_open(&o, &p->store, err);
}

int store_pod_open(const struct store_pod_options *o, struct store **out, struct ds_err *err)
{
    struct store_pod *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->o = *o;
    p->a = arena_create(ARENA_BYTES);
    take_signals(p);
    int rc = create(p, err);
    if (rc == 0)
        rc = open_store(p, err);
    if (rc < 0) {
        end(p);
        return rc;
    }
    struct waiting w = {.a = arena_create(ARENA_BYTES)};
    delete_ended(p);
    rc = wait_until_it_answers(p, &w, err);
    arena_destroy(w.a);
    if (rc < 0) {
        store_close(p->store);
        return rc;
    }
    *out = p->store;
    return 0;
}
