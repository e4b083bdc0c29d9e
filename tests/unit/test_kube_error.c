/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of the API, refusals in words, warnings, plugins' answers. */
#include "kube/kube_error.h"
#include "kube/kube_exec.h"
#include "kube/kube_warning.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(kube_path, paths_are_built_escaped)
{
    static const struct {
        const char *gv, *ns, *plural, *name, *sub, *path;
    } CASES[] = {
        {"v1", "x", "pods", NULL, NULL, "/api/v1/namespaces/x/pods"},
        {"v1", NULL, "nodes", NULL, NULL, "/api/v1/nodes"},
        {"batch/v1", "x", "jobs", "j", NULL, "/apis/batch/v1/namespaces/x/jobs/j"},
        {"decksweep.io/v1alpha1", "x", "sweeps", "s", "status",
         "/apis/decksweep.io/v1alpha1/namespaces/x/sweeps/s/status"},
        {"v1", "../x", "pods", "a/b?c#d", NULL, "/api/v1/namespaces/..%2Fx/pods/a%2Fb%3Fc%23d"}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        ds_auto_buf b;
        buf_init(&b, 1000);
        cr_assert_eq(kube_path_put(&b, CASES[i].gv, CASES[i].ns, CASES[i].plural, CASES[i].name,
                                   CASES[i].sub),
                     0);
        cr_expect_str_eq(b.data, CASES[i].path);
    }
    ds_auto_buf q;
    buf_init(&q, 1000);
    (void)buf_put_text(&q, "/p");
    (void)kube_query_put(&q, "labelSelector", "a/b=c,d in (e,f)");
    cr_expect_eq(kube_query_put(&q, "limit", "5"), 0);
    cr_expect_str_eq(q.data, "/p?labelSelector=a%2Fb%3Dc%2Cd%20in%20%28e%2Cf%29&limit=5");
}

struct place {
    enum http_method method;
    const char *path, *group, *ns, *resource, *name, *sub, *verb;
};

Test(kube_path, paths_are_read_for_messages)
{
    static const struct place CASES[] = {
        {HTTP_GET, "/api/v1/namespaces/x/pods", "", "x", "pods", "", "", "list"},
        {HTTP_GET, "/api/v1/pods?watch=1&x=y", "", "", "pods", "", "", "watch"},
        {HTTP_GET, "/api/v1/pods?a=b&watch=true", "", "", "pods", "", "", "watch"},
        {HTTP_GET, "/api/v1/namespaces/x", "", "", "namespaces", "x", "", "get"},
        {HTTP_GET, "/api/v1/namespaces", "", "", "namespaces", "", "", "list"},
        {HTTP_POST, "/apis/batch/v1/namespaces/x/jobs", "batch", "x", "jobs", "", "", "create"},
        {HTTP_PUT, "/apis/g/v1/namespaces/x/r/n/status", "g", "x", "r", "n", "status", "update"},
        {HTTP_PATCH, "/apis/g/v1/namespaces/x/r/n", "g", "x", "r", "n", "", "patch"},
        {HTTP_DELETE, "/apis/g/v1/namespaces/x/r/n", "g", "x", "r", "n", "", "delete"},
        {HTTP_DELETE, "/apis/g/v1/namespaces/x/r", "g", "x", "r", "", "", "deletecollection"},
        {HTTP_GET, "/api/v1/namespaces/x/pods/p/proxy/a/b", "", "x", "pods", "p", "proxy", "get"},
        {HTTP_GET, "/healthz", "", "", "", "", "", "list"},
        {HTTP_GET, "/apis/", "", "", "", "", "", "list"},
        {HTTP_GET, "", "", "", "", "", "", "list"}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        const struct place *c = &CASES[i];
        struct kube_place at;
        kube_path_read(c->path, &at);
        cr_expect(ds_span_is(at.group, c->group) && ds_span_is(at.namespace_, c->ns)
                      && ds_span_is(at.resource, c->resource) && ds_span_is(at.name, c->name)
                      && ds_span_is(at.subresource, c->sub),
                  "%s", c->path);
        cr_expect_str_eq(kube_verb(c->method, &at), c->verb, "%s", c->path);
    }
}

#define SWEEPS "/apis/decksweep.io/v1alpha1/namespaces/n/sweeps"

struct said {
    enum http_method method;
    const char *path;
    int status;
    bool in_cluster;
    const char *body;
    int code;
    const char *text, *not_text;
};

static const struct said SAID[] = {
    {HTTP_POST, SWEEPS, 404, false, "404 page not found\n", DS_ENOTFOUND,
     "create sweeps in namespace n: the cluster https://s does not know sweeps.decksweep.io; "
     "decksweep is not installed there: kubectl apply -k k8s/base",
     "page"},
    {HTTP_GET, SWEEPS "/a", 404, false,
     "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"the server could not find the "
     "requested resource\",\"details\":{}}",
     DS_ENOTFOUND, "kubectl apply -k k8s/base", NULL},
    {HTTP_GET, SWEEPS "/a", 404, false,
     "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"sweeps.decksweep.io \\\"a\\\" not "
     "found\",\"details\":{\"name\":\"a\",\"kind\":\"sweeps\"}}",
     DS_ENOTFOUND, "get sweeps/a in namespace n: sweeps.decksweep.io \"a\" not found", "kubectl"},
    {HTTP_POST, SWEEPS, 404, false,
     "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"namespaces \\\"n\\\" not found\","
     "\"details\":{\"name\":\"n\",\"kind\":\"namespaces\"}}",
     DS_ENOTFOUND, "namespaces \"n\" not found", "kubectl"},
    {HTTP_GET, "/api/v1/namespaces/n/pods/p", 404, false, "", DS_ENOTFOUND, "not found", "kubectl"},
    {HTTP_POST, SWEEPS, 403, false,
     "{\"kind\":\"Status\",\"message\":\"x is forbidden: User \\\"jane\\\" cannot create "
     "resource\"}",
     DS_EDENIED,
     "kubectl create rolebinding decksweep-user --clusterrole=decksweep-user --user=jane "
     "-n n",
     NULL},
    {HTTP_GET, SWEEPS, 403, false,
     "{\"kind\":\"Status\",\"message\":\"x is forbidden: User \\\"jane\\\" cannot list resource\"}",
     DS_EDENIED, "--clusterrole=decksweep-view", NULL},
    {HTTP_GET, "/api/v1/namespaces/n/pods/p/log", 403, false,
     "{\"kind\":\"Status\",\"message\":\"User \\\"jane\\\" cannot get resource\"}", DS_EDENIED,
     "--clusterrole=decksweep-user", NULL},
    {HTTP_POST, "/apis/batch/v1/namespaces/n/jobs", 403, true,
     "{\"kind\":\"Status\",\"message\":\"User \\\"system:serviceaccount:a:b\\\" cannot "
     "create\\nx\"}",
     DS_EDENIED, "the ClusterRole decksweep-scheduler allows it", "rolebinding"},
    {HTTP_POST, "/apis/batch/v1/namespaces/n/jobs", 403, true,
     "{\"kind\":\"Status\",\"message\":\"pods is forbidden: exceeded quota: q\"}", DS_EDENIED,
     "exceeded quota: q", "ClusterRole"},
    {HTTP_GET, "/api/v1/nodes", 403, false,
     "{\"kind\":\"Status\",\"message\":\"User \\\"jane\\\" cannot list resource\"}", DS_EDENIED,
     "list nodes: User \"jane\" cannot list", "ClusterRole"},
    {HTTP_GET, SWEEPS, 401, false, "", DS_EDENIED,
     "list sweeps in namespace n: https://s does not accept who we are (401 Unauthorized); log in",
     NULL},
    {HTTP_PUT, SWEEPS "/a/status", 409, true,
     "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"changed\"}", DS_EAGAIN,
     "update sweeps/a/status in namespace n: changed (409 Conflict)", NULL},
    {HTTP_POST, SWEEPS, 409, false,
     "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"there\"}", DS_EEXIST, "there",
     NULL},
    {HTTP_POST, SWEEPS, 500, false, "\x1b[31mred\x07 \xff text", DS_EIO, "[31mred   text (500)",
     "\x1b"},
    {HTTP_POST, SWEEPS, 504, false, "", DS_ETIMEOUT, "refused without a reason (504)", NULL},
    {HTTP_POST, SWEEPS, 429, false, "Too many requests, please try again later.", DS_EAGAIN,
     "please try again later. (429)", NULL},
    {HTTP_GET, "/version", 500, false, "no", DS_EIO, "GET /version: no (500)", NULL}};

Test(kube_error, refusals_say_what_was_asked_and_what_to_do)
{
    for (size_t i = 0; i < DS_COUNT(SAID); i++) {
        const struct said *c = &SAID[i];
        struct kube_asked q = {c->method, c->path, "https://s", "log in", c->in_cluster};
        struct ds_err err = {0};
        int rc = kube_error_fill(&q, c->status, ds_span_of(c->body), &err);
        cr_expect_eq(rc, c->code, "%zu: %d %s", i, rc, err.text);
        cr_expect(err.code == rc && strstr(err.text, c->text), "%zu: %s", i, err.text);
        cr_expect(!c->not_text || !strstr(err.text, c->not_text), "%zu: %s", i, err.text);
    }
}

Test(kube_error, a_status_is_read_within_bounds)
{
    struct kube_status s;
    kube_status_read(
        DS_SPAN("{\"kind\":\"Status\",\"code\":429,\"details\":{\"retryAfterSeconds\":7,"
                "\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}]}}"),
        &s);
    cr_expect(s.code == 429 && s.retry_after_ms == 7000 && s.too_new);
    kube_status_read(DS_SPAN("{\"kind\":\"Status\",\"code\":99999,\"message\":5,\"details\":{"
                             "\"retryAfterSeconds\":-7,\"causes\":{}}}"),
                     &s);
    cr_expect(s.code == 0 && s.retry_after_ms == -1 && !s.too_new && s.message[0] == '\0');
    ds_auto_buf big;
    buf_init(&big, 100000);
    (void)buf_put_text(&big, "{\"kind\":\"Status\",\"message\":\"");
    for (int i = 0; i < 5000; i++)
        (void)buf_put_text(&big, "\xc3\xa4");
    (void)buf_put_text(&big, "\"}");
    kube_status_read(buf_span(&big), &s);
    cr_expect_eq(strlen(s.message), 398, "cut between characters");
}

Test(kube_warning, texts_come_out_of_their_quotes)
{
    static const struct {
        const char *header, *texts;
    } CASES[] = {{"299 - \"old API\"", "old API|"},
                 {"299 - \"a \\\"b\\\" c\"", "a \"b\" c|"},
                 {"299 - \"a\" \"Sat, 25 Aug 2012 23:34:45 GMT\", 299 host \"b\"", "a|b|"},
                 {"299 - \"no end", "no end|"},
                 {"299 - \"x\\", "x\\|"},
                 {"nothing", ""},
                 {"", ""}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct ds_span rest = ds_span_of(CASES[i].header);
        char text[KUBE_WARNING_BYTES], all[1000] = "";
        while (kube_warning_next(&rest, text))
            (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s|", text);
        cr_expect_str_eq(all, CASES[i].texts, "%s: %s", CASES[i].header, all);
    }
}

#define V1   "client.authentication.k8s.io/v1"
#define CRED "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":"

Test(kube_exec, answers_of_plugins)
{
    static const struct {
        const char *text;
        int code;
        const char *token;
        int64_t expires;
    } CASES[] = {
        {CRED "{\"token\":\"t\"}}", 0, "t", INT64_MAX},
        {CRED "{\"token\":\"t\",\"expirationTimestamp\":\"2026-11-21T17:36:18Z\"}}", 0, "t",
         1795282578},
        {CRED "{\"token\":\"t\",\"expirationTimestamp\":\"2026-11-21T18:36:18.123456+01:00\"}}", 0,
         "t", 1795282578},
        {CRED "{\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}}", 0, "", INT64_MAX},
        {CRED "{\"clientCertificateData\":\"c\"}}", DS_EINPUT, NULL, 0},
        {CRED "{\"clientKeyData\":\"c\",\"token\":\"t\"}}", DS_EINPUT, NULL, 0},
        {CRED "{}}", DS_EINPUT, NULL, 0},
        {CRED "{\"token\":\"a\\r\\nb\"}}", DS_EINPUT, NULL, 0},
        {CRED "{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}", DS_EPARSE, NULL, 0},
        {CRED "{\"token\":\"t\",\"expirationTimestamp\":\"2026-11-21T17:36:18\"}}", DS_EPARSE, NULL,
         0},
        {CRED "{\"token\":\"t\",\"expirationTimestamp\":\"2026-11-21T17:36:18+25:00\"}}", DS_EPARSE,
         NULL, 0},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
         "beta1\",\"status\":{\"token\":\"t\"}}",
         DS_EINPUT, NULL, 0},
        {"{\"kind\":\"Pod\"}", DS_EINPUT, NULL, 0},
        {"[]", DS_EINPUT, NULL, 0},
        {"token", DS_EPARSE, NULL, 0},
        {"", DS_EPARSE, NULL, 0}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct kube_credential c = {0};
        struct ds_err err = {0};
        ds_auto_arena a = arena_create(65536);
        int rc = kube_exec_reply_read(ds_span_of(CASES[i].text), V1, a, &c, &err);
        cr_expect_eq(rc, CASES[i].code, "%zu: %d %s", i, rc, err.text);
        if (rc == 0)
            cr_expect(ds_span_is(c.token, CASES[i].token) && c.expires_unix_s == CASES[i].expires,
                      "%zu", i);
    }
}

Test(kube_exec, the_end_of_a_jwt_is_read_for_messages)
{
    /* {"alg":"none"} . {"exp":1700000000,"sub":"x"} */
    cr_expect_eq(kube_token_expires(
                     DS_SPAN("eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDAsInN1YiI6IngifQ.c2ln")),
                 1700000000);
    cr_expect_eq(kube_token_expires(DS_SPAN("abc")), 0);
    cr_expect_eq(kube_token_expires(DS_SPAN("a.b.c")), 0);
    cr_expect_eq(kube_token_expires(DS_SPAN("..")), 0);
    cr_expect_eq(kube_token_expires(DS_SPAN("")), 0);
}
