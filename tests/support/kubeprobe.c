/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kubeprobe - the Kubernetes client by hand and for tests
 *   kubeprobe [-k KUBECONFIG] [-c CONTEXT] [-t TRIES] info
 *   kubeprobe ... get|delete PATH            one call; its body on stdout
 *   kubeprobe ... post|put|patch PATH JSON
 *   kubeprobe ... watch PATH SECONDS [LABELS]   a line for everything that is told
 *   kubeprobe ... meta PATH SECONDS             the same, metadata alone
 *   kubeprobe ... stream PATH                   the body as it comes
 * Errors end with the negative ds_code as "error -8: text" and status 1. */
#include "base/clock_io.h"
#include "base/json.h"
#include "base/log_io.h"
#include "kube/kube_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_BYTES ((size_t)64 << 20)

static int say_error(const struct ds_err *err)
{
    (void)printf("error %d: %s\n", err->code, err->text);
    return 1;
}

static struct ds_span text_of(const struct json *object, const char *key)
{
    struct ds_span text;
    return json_text(json_get(json_get(object, "metadata"), key), &text) ? text : DS_SPAN("?");
}

static void on_relist(void *context)
{
    (void)context;
    (void)printf("relist\n");
}
static void on_object(void *context, const struct json *o)
{
    (void)context;
    (void)printf("object %.*s %.*s%s\n", DS_FMT(text_of(o, "name")),
                 DS_FMT(text_of(o, "resourceVersion")), json_get(o, "spec") ? " spec" : "");
}
static void on_deleted(void *context, const struct json *o)
{
    (void)context;
    (void)printf("deleted %.*s\n", DS_FMT(text_of(o, "name")));
}
static void on_synced(void *context)
{
    (void)context;
    (void)printf("synced\n");
}
static void on_trouble(void *context, const struct ds_err *err)
{
    (void)context;
    (void)printf("trouble %d: %s\n", err->code, err->text);
}

static int watch(struct kube *k, struct http_loop *loop, bool metadata, const char *path,
                 const char *seconds, const char *labels)
{
    struct kube_watch_callbacks on = {NULL,       on_relist, on_object,
                                      on_deleted, on_synced, on_trouble};
    struct kube_watch *w;
    struct ds_err err;
    int64_t until = clock_monotonic_ms() + (int64_t)(strtod(seconds, NULL) * 1000);
    int rc = metadata ? kube_watch_metadata_start(k, path, labels, NULL, &on, &w, &err)
                      : kube_watch_start(k, path, labels, NULL, &on, &w, &err);
    if (rc < 0)
        return say_error(&err);
    for (int64_t left; rc == 0 && (left = until - clock_monotonic_ms()) > 0;) {
        rc = http_turn(loop, (int)left, NULL, NULL, 0, &err);
        (void)fflush(stdout);
    }
    kube_watch_stop(w);
    return rc < 0 ? say_error(&err) : 0;
}

struct streaming {
    bool over;
    int rc;
};

static int on_bytes(void *context, struct ds_span bytes, struct ds_err *err)
{
    (void)context, (void)err;
    (void)fwrite(bytes.ptr, 1, bytes.len, stdout);
    (void)fflush(stdout);
    return 0;
}

static void on_stream_end(void *context, int status, struct ds_span body, const struct ds_err *err)
{
    struct streaming *s = context;
    (void)status, (void)body;
    s->over = true;
    s->rc = err ? say_error(err) : 0;
}

static int stream(struct kube *k, struct http_loop *loop, const char *path)
{
    struct streaming s = {0};
    struct ds_err err;
    uint64_t id;
    struct kube_call c = {.method = HTTP_GET, .path = path, .accept = "*/*"};
    int rc = kube_stream(k, &c, on_bytes, on_stream_end, &s, &id, &err);
    while (rc == 0 && !s.over)
        rc = http_turn(loop, -1, NULL, NULL, 0, &err);
    return rc < 0 ? say_error(&err) : s.rc;
}

static int call(struct kube *k, unsigned tries, const char *verb, char **args)
{
    static const char *const VERBS[] = {"", "get", "head", "put", "post", "patch", "delete"};
    struct kube_call c = {.path = args[0], .max_tries = tries};
    struct ds_span body = DS_SPAN("");
    struct ds_err err;
    int status = 0;
    for (size_t i = 1; i < DS_COUNT(VERBS); i++)
        if (strcmp(VERBS[i], verb) == 0)
            c.method = (enum http_method)i;
    if (args[1])
        c.body = (struct http_body){.data = args[1], .len = strlen(args[1])};
    if (c.method == HTTP_PATCH)
        c.content_type = "application/merge-patch+json";
    ds_auto_arena a = arena_create(BODY_BYTES);
    if (kube_do(k, &c, a, &body, &status, &err) < 0)
        return say_error(&err);
    (void)printf("%d %.*s\n", status, DS_FMT(body));
    return 0;
}

static int act(struct kube *k, struct http_loop *loop, unsigned tries, int n, char **args)
{
    if (n == 1 && strcmp(args[0], "info") == 0) {
        (void)printf("%s %s %s\n", kube_server(k), kube_namespace(k), kube_context(k));
        return 0;
    }
    if (n >= 3 && (strcmp(args[0], "watch") == 0 || strcmp(args[0], "meta") == 0))
        return watch(k, loop, args[0][0] == 'm', args[1], args[2], n > 3 ? args[3] : NULL);
    if (n == 2 && strcmp(args[0], "stream") == 0)
        return stream(k, loop, args[1]);
    if (n == 2 || n == 3)
        return call(k, tries, args[0], args + 1);
    (void)fprintf(stderr, "usage: see tests/support/kubeprobe.c\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct kube_options o = {0};
    struct ds_err err;
    unsigned tries = 0;
    int option;
    while ((option = getopt(argc, argv, "+k:c:n:t:p")) != -1) {
        if (option == 'k')
            o.kubeconfig = optarg;
        else if (option == 'c')
            o.context = optarg;
        else if (option == 'n')
            o.namespace_ = optarg;
        else if (option == 't')
            tries = (unsigned)strtod(optarg, NULL);
        else if (option == 'p')
            o.in_cluster = true;
        else
            return 2;
    }
    log_init("kubeprobe");
    struct http_loop *loop = http_loop_create(0, "decksweep-test");
    struct kube *k = NULL;
    int rc = kube_open(&o, loop, &k, &err) < 0 ? say_error(&err)
                                               : act(k, loop, tries, argc - optind, argv + optind);
    kube_close(k);
    http_loop_destroy(loop);
    return rc;
}
