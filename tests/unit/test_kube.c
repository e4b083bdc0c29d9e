/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls, streams and watches against a scripted API server that misbehaves on purpose. */
#include "../support/evil_http.h"
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/json.h"
#include "kube/kube_io.h"

#include <criterion/criterion.h>
#include <sys/stat.h>

static pid_t server;
static char folder[64];
static struct http_loop *loop;
static bool keep_loop; /* several servers share one */
static struct kube *kube;
static struct ds_arena *a;
static struct ds_err err;

TestSuite(kube, .timeout = 60);

static const char *in_folder(const char *name)
{
    return arena_format(a, "%s/%s", folder, name).ptr;
}

static void put_file(const char *name, const char *text)
{
    cr_assert_eq(fs_replace_file(in_folder(name), ds_span_of(text), &err), 0, "%s", err.text);
}

static void begin_as(const char *script, const char *user)
{
    uint16_t port = 0;
    a = arena_create((size_t)64 << 20);
    (void)snprintf(folder, sizeof folder, "/tmp/ds-kube-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    server = evil_start(script, in_folder("log"), &port);
    put_file("config",
             arena_format(a,
                          "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%u/'}}]\n"
                          "users: [{name: u, user: %s}]\n"
                          "contexts: [{name: x, context: {cluster: c, user: u, namespace: n}}]\n"
                          "current-context: x\n",
                          port, user)
                 .ptr);
    put_file("token", "first\n");
    if (!keep_loop)
        loop = http_loop_create(0, "decksweep-test");
    struct kube_options o = {.kubeconfig = in_folder("config")};
    cr_assert_eq(kube_open(&o, loop, &kube, &err), 0, "%s", err.text);
}

static void begin(const char *script)
{
    begin_as(script, "{token: abc}");
}

static void finish(void)
{
    kube_close(kube);
    if (!keep_loop)
        http_loop_destroy(loop);
    evil_stop(server);
    cr_expect_eq(fs_remove_tree_at(AT_FDCWD, folder, &err), 0, "%s", err.text);
    arena_destroy(a);
}

static struct ds_span log_text(void)
{
    struct ds_span text = DS_SPAN("");
    cr_assert_eq(fs_read_file(in_folder("log"), 1 << 20, a, &text, &err), 0, "%s", err.text);
    return text;
}

static size_t n_in_log(const char *what)
{
    size_t n = 0;
    for (const char *at = log_text().ptr; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static int do_call(enum http_method m, const char *path, const char *json, struct ds_span *body)
{
    struct kube_call c = {.method = m, .path = path};
    if (json)
        c.body = (struct http_body){.data = json, .len = strlen(json)};
    return kube_do(kube, &c, a, body, NULL, &err);
}

#define STATUS(code, reason, message)                                                              \
    "status " code " No\nbody {\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason         \
    "\",\"message\":\"" message "\"}\n"

struct refusal {
    const char *script;
    int code;
    const char *text;
};

static const struct refusal REFUSALS[] = {
    {STATUS("404", "NotFound", "pods p not found"), DS_ENOTFOUND,
     "get pods/p in namespace n: pods"},
    {STATUS("409", "AlreadyExists", "is there"), DS_EEXIST, "is there (409 AlreadyExists)"},
    {STATUS("409", "Conflict", "modified"), DS_EAGAIN, "modified"},
    {STATUS("410", "Expired", "too old"), DS_EAGAIN, "too old"},
    {STATUS("422", "Invalid", "spec.x: wrong"), DS_EINPUT, "spec.x: wrong"},
    {STATUS("400", "BadRequest", "what"), DS_EINPUT, "what"},
    {STATUS("403", "Forbidden", "exceeded quota: q"), DS_EDENIED, ": exceeded quota: q"},
    {STATUS("403", "Forbidden",
            "pods is forbidden: User \\\\\"jane\\\\\" cannot get resource \\\\\"pods\\\\\""),
     DS_EDENIED, "--clusterrole=decksweep-view --user=jane -n n"},
    {STATUS("401", "Unauthorized", "Unauthorized"), DS_EDENIED, "get a new kubeconfig"},
    {STATUS("413", "RequestEntityTooLarge", "big"), DS_ETOOBIG, "big"},
    {"status 418 Tea\nbody I am\\x01a teapot\\nand more\n", DS_EIO, "I am a teapot (418)"},
    {"status 418 Tea\nbody \n", DS_EIO, "refused without a reason (418)"},
    {"status 302 Go\nheader Location: http://127.0.0.1:1/\nbody x\n", DS_EIO, "(302)"},
};

Test(kube, refusals_have_codes_and_words_that_help)
{
    ds_auto_buf script;
    buf_init(&script, 1 << 16);
    for (size_t i = 0; i < DS_COUNT(REFUSALS); i++)
        (void)buf_printf(&script, "rule GET /api/v1/namespaces/n/pods/p 1\n%s", REFUSALS[i].script);
    begin(script.data);
    for (size_t i = 0; i < DS_COUNT(REFUSALS); i++) {
        struct ds_span body = DS_SPAN("untouched");
        int rc = do_call(HTTP_GET, "/api/v1/namespaces/n/pods/p", NULL, &body);
        cr_expect_eq(rc, REFUSALS[i].code, "%zu: %d %s", i, rc, err.text);
        cr_expect(strstr(err.text, REFUSALS[i].text) != NULL, "%zu: %s", i, err.text);
        cr_expect(ds_span_is(body, "untouched"));
    }
    finish();
}

Test(kube, calls_carry_the_token_and_the_body)
{
    struct ds_span body;
    begin("rule POST /api/v1/namespaces/n/pods\nstatus 201 Made\nbody {\"a\":1}\n"
          "rule GET /api/v1/big\nrepeat 5000 0123456789\n");
    cr_assert_eq(do_call(HTTP_POST, "/api/v1/namespaces/n/pods", "{\"k\":2}", &body), 0, "%s",
                 err.text);
    cr_expect(ds_span_is(body, "{\"a\":1}"));
    cr_expect(strstr(log_text().ptr, "bytes=7 auth=Bearer abc body={\"k\":2}"));
    cr_expect_str_eq(kube_namespace(kube), "n");
    cr_expect_str_eq(kube_context(kube), "x");
    struct kube_call c = {.method = HTTP_GET, .path = "/api/v1/big", .max_body_bytes = 49999};
    cr_expect_eq(kube_do(kube, &c, a, &body, NULL, &err), DS_ETOOBIG);
    c.max_body_bytes = 50000;
    cr_expect_eq(kube_do(kube, &c, a, &body, NULL, &err), 0);
    c.path = "no/slash";
    cr_expect_eq(kube_do(kube, &c, a, &body, NULL, &err), DS_EINPUT);
    finish();
}

Test(kube, a_token_file_is_read_again_after_a_401)
{
    struct ds_span body;
    begin_as(
        "rule GET /a 1\nbody 1\nrule GET /a 1\nstatus 401 Who\nbody who\nrule GET /a 1\nbody 2\n"
        "rule GET /a\nstatus 401 Who\nbody who\n",
        "{tokenFile: token}");
    cr_assert_eq(do_call(HTTP_GET, "/a", NULL, &body), 0, "%s", err.text);
    put_file("token", "second\n");
    cr_assert_eq(do_call(HTTP_GET, "/a", NULL, &body), 0, "%s", err.text);
    cr_expect(ds_span_is(body, "2"));
    cr_expect(n_in_log("auth=Bearer first") == 2 && n_in_log("auth=Bearer second") == 1);
    cr_expect_eq(do_call(HTTP_GET, "/a", NULL, &body), DS_EDENIED, "the file did not change");
    cr_expect(strstr(err.text, "put a new token into") != NULL, "%s", err.text);
    cr_expect_eq(n_in_log("GET /a "), 4);
    finish();
}

static const char PLUGIN[] =
    "#!/bin/sh\n"
    "cd \"$(dirname \"$0\")\" || exit 1\n"
    "echo run >>runs\n"
    "printf '%s' \"$KUBERNETES_EXEC_INFO\" >info\n"
    "[ \"$1\" = fail ] && { echo 'log in first' >&2; exit 3; }\n"
    "[ \"$1\" = noise ] && { echo 'no json'; exit 0; }\n"
    "[ \"$1\" = flood ] && { yes; }\n"
    "n=$(wc -l <runs)\n"
    "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",'\n"
    "printf '\"status\":{\"token\":\"%s-%d\",\"expirationTimestamp\":\"%s\"}}' \"$WORD\" $n "
    "\"$1\"\n";

static void begin_plugin(const char *script, const char *argument)
{
    static char user[300];
    (void)snprintf(user, sizeof user,
                   "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, "
                   "args: ['%s'], env: [{name: WORD, value: tok}], provideClusterInfo: true}}",
                   argument);
    begin_as(script, user);
    put_file("plugin", PLUGIN);
    cr_assert_eq(chmod(in_folder("plugin"), 0755), 0);
}

Test(kube, a_credential_plugin_runs_once_until_its_credential_ends)
{
    struct ds_span body, info;
    begin_plugin("rule GET /a\nbody 1\n", "2099-01-01T00:00:00Z");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(do_call(HTTP_GET, "/a", NULL, &body), 0, "%s", err.text);
    cr_expect_eq(n_in_log("auth=Bearer tok-1 "), 3);
    cr_assert_eq(fs_read_file(in_folder("info"), 1 << 20, a, &info, &err), 0);
    cr_expect(strstr(info.ptr, "\"cluster\":{\"server\":\"http://127.0.0.1:") != NULL, "%s",
              info.ptr);
    finish();
    begin_plugin("rule GET /a\nbody 1\n", "2001-01-01T00:00:00.123+02:00");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(do_call(HTTP_GET, "/a", NULL, &body), 0, "%s", err.text);
    cr_expect_eq(n_in_log("auth=Bearer tok-3 "), 1);
    finish();
}

Test(kube, a_credential_plugin_that_fails_is_named)
{
    static const struct {
        const char *argument, *text;
    } CASES[] = {{"fail", "./plugin of "},
                 {"fail", "it ended with status 3"},
                 {"noise", "it printed no ExecCredential"},
                 {"flood", "it prints more than"},
                 {"yesterday", "expirationTimestamp \"yesterday\""}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct ds_span body;
        begin_plugin("rule GET /a\nbody 1\n", CASES[i].argument);
        cr_expect(do_call(HTTP_GET, "/a", NULL, &body) < 0);
        cr_expect(strstr(err.text, CASES[i].text) != NULL, "%zu: %s", i, err.text);
        cr_expect(strncmp(err.text, "GET /a: the credential plugin", 29) == 0, "%s", err.text);
        cr_expect_eq(access(in_folder("log"), F_OK) == 0 ? n_in_log("GET") : 0, 0);
        finish();
    }
}

/* ---- streams ---- */

struct heard {
    struct ds_buf text;
    bool over;
    int status, code;
};

static int on_bytes(void *context, struct ds_span bytes, struct ds_err *why)
{
    struct heard *h = context;
    (void)why;
    return buf_put_span(&h->text, bytes);
}

static void on_end(void *context, int status, struct ds_span body, const struct ds_err *why)
{
    struct heard *h = context;
    (void)body;
    h->over = true;
    h->status = status;
    h->code = why ? why->code : 0;
}

Test(kube, a_stream_is_handed_on_as_it_comes_and_can_be_cancelled)
{
    struct heard h = {0}, gone = {0}, bad = {0};
    uint64_t id;
    struct kube_call c = {.method = HTTP_GET, .path = "/log?follow=true"};
    begin("rule GET /log*\nchunks 3 30 line\\n\nrule GET /bad\n" STATUS("404", "NotFound", "none"));
    buf_init(&h.text, 1000);
    buf_init(&gone.text, 1000);
    buf_init(&bad.text, 1000);
    cr_assert_eq(kube_stream(kube, &c, on_bytes, on_end, &h, &id, &err), 0);
    cr_assert_eq(kube_stream(kube, &c, on_bytes, on_end, &gone, &id, &err), 0);
    kube_cancel(kube, id);
    kube_cancel(kube, 424242);
    c.path = "/bad";
    cr_assert_eq(kube_stream(kube, &c, on_bytes, on_end, &bad, &id, &err), 0);
    while (!h.over || !bad.over)
        cr_assert_eq(http_turn(loop, 100, NULL, NULL, 0, &err), 0);
    cr_expect(ds_span_is(buf_span(&h.text), "line\nline\nline\n") && h.status == 200
              && h.code == 0);
    cr_expect(!gone.over && gone.text.len == 0);
    cr_expect(bad.status == 404 && bad.code == DS_ENOTFOUND && bad.text.len == 0);
    buf_clear(&h.text);
    finish();
}

/* ---- watches ---- */

#define LIST(version, more, items)                                                                 \
    "body {\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version                      \
    "\",\"continue\":\"" more "\"},\"items\":[" items "]}\n"
#define OBJECT(name, version)                                                                      \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\\n"
#define BOOKMARK(version)                                                                          \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}\\n"
#define GONE_LINE                                                                                  \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\","     \
    "\"message\":\"too old\"}}\\n"

/* 70 levels: more than our parser takes, and Kubernetes does (managedFields may be so deep) */
#define OPEN10  "[[[[[[[[[["
#define CLOSE10 "]]]]]]]]]]"
#define DEEP                                                                                       \
    OPEN10 OPEN10 OPEN10 OPEN10 OPEN10 OPEN10 OPEN10 CLOSE10 CLOSE10 CLOSE10 CLOSE10 CLOSE10       \
        CLOSE10 CLOSE10
#define DEEP_OBJECT(name, version)                                                                 \
    "{\"metadata\":{\"managedFields\":" DEEP ",\"name\":\"" name                                   \
    "\",\"resourceVersion\":\"" version "\"}}"

struct told {
    struct ds_buf text; /* "R +a:1 -b S T " */
    struct kube_watch *stop_at_object;
};

static struct ds_span meta(const struct json *o, const char *key)
{
    struct ds_span text = DS_SPAN("?");
    (void)json_text(json_get(json_get(o, "metadata"), key), &text);
    return text;
}

static void on_relist(void *context)
{
    (void)buf_put_text(&((struct told *)context)->text, "R ");
}
static void on_object(void *context, const struct json *o)
{
    struct told *t = context;
    (void)buf_printf(&t->text, "+%.*s:%.*s ", DS_FMT(meta(o, "name")),
                     DS_FMT(meta(o, "resourceVersion")));
    if (t->stop_at_object)
        kube_watch_stop(t->stop_at_object);
}
static void on_deleted(void *context, const struct json *o)
{
    (void)buf_printf(&((struct told *)context)->text, "-%.*s ", DS_FMT(meta(o, "name")));
}
static void on_synced(void *context)
{
    (void)buf_put_text(&((struct told *)context)->text, "S ");
}
static void on_trouble(void *context, const struct ds_err *why)
{
    (void)why;
    (void)buf_put_text(&((struct told *)context)->text, "T ");
}

static struct kube_watch *watch(struct told *t)
{
    struct kube_watch_callbacks on = {t, on_relist, on_object, on_deleted, on_synced, on_trouble};
    struct kube_watch *w = NULL;
    buf_init(&t->text, 100000);
    cr_assert_eq(kube_watch_start(kube, "/api/v1/pods", "a=b,c in (d)", NULL, &on, &w, &err), 0);
    return w;
}

struct history {
    const char *script, *told; /* what is told, then the end of the script is waited for */
};

#define P    "rule GET /api/v1/pods?labelSelector=a%3Db%2Cc%20in%20%28d%29&"
#define IDLE P "watch=1*\nchunk \\n\nhang\n"

static const struct history HISTORIES[] = {
    /* pages, then events from the first page's version */
    {P "limit=500 1\n" LIST("7", "c1", OBJECT("a", "1")) P "limit=500&continue=c1 1\n" LIST(
         "8", "", OBJECT("b", "2")) P "watch=1&allowWatchBookmarks=true&resourceVersion=7&* 1\n"
                                      "chunk " EVENT("ADDED", "c", "9") EVENT("MODIFIED", "c", "10")
                                          EVENT("DELETED", "a", "11") "\nhang\n",
     "R +a:1 +b:2 S +c:9 +c:10 -a "},
    /* an event in pieces, a bookmark, the end: the next watch goes on from there */
    {P "limit=500 1\n" LIST("7", "", "") P
     "watch=1*resourceVersion=7&* 1\n"
     "chunk {\"type\":\"ADDED\",\"object\":{\"meta\npause 20\n"
     "chunk data\":{\"name\":\"c\",\"resourceVersion\":\"9\"}}}\\n" BOOKMARK(
         "44") "\n" P "watch=1*resourceVersion=44&* 1\nchunk " EVENT("ADDED", "d", "45") "\nhang\n",
     "R S +c:9 +d:45 "},
    /* 410 inside a 200: a new list at once */
    {P "limit=500 1\n" LIST("7", "", OBJECT("a", "1")) P
     "watch=1*resourceVersion=7&* 1\n"
     "chunk " GONE_LINE "\nhang\n" P "limit=500 1\n" LIST("70", "", OBJECT("a", "60")) P
     "watch=1*resourceVersion=70&* 1\nchunk " EVENT("ADDED", "e", "71") "\nhang\n",
     "R +a:1 S R +a:60 S +e:71 "},
    /* 410 as the answer */
    {P "limit=500 1\n" LIST("7", "", "") P "watch=1*resourceVersion=7&* 1\n" STATUS(
         "410", "Expired", "old") P "limit=500 1\n" LIST("70", "", "") P
     "watch=1*resourceVersion=70&* 1\nchunk " EVENT("ADDED", "e", "71") "\nhang\n",
     "R S R S +e:71 "},
    /* the continue token expires: the whole list again */
    {P "limit=500 1\n" LIST("7", "c1", OBJECT("a", "1")) P "limit=500&continue=c1 1\n" STATUS(
         "410", "Expired", "old") P "limit=500 1\n" LIST("9", "", OBJECT("a", "1")) P
     "watch=1*resourceVersion=9&* 1\nchunk " EVENT("ADDED", "e", "71") "\nhang\n",
     "R +a:1 R +a:1 S +e:71 "},
    /* broken in the middle of a line: told, the watch goes on, no list */
    {P "limit=500 1\n" LIST("7", "", "") P "watch=1*resourceVersion=7&* 1\nchunk " EVENT(
         "ADDED", "c", "9") "{\"type\":\"ADD\npause 300\nreset\n" P
                            "watch=1*resourceVersion=9&* 1\nchunk " EVENT("ADDED", "e",
                                                                          "71") "\nhang\n",
     "R S +c:9 T +e:71 "},
    /* the same with a clean end in the middle of a line */
    {P "limit=500 1\n" LIST("7", "", "") P "watch=1*resourceVersion=7&* 1\nchunk " EVENT(
         "ADDED", "c", "9") "{\"type\":\"ADD\n" P
                            "watch=1*resourceVersion=9&* 1\nchunk " EVENT("ADDED", "e",
                                                                          "71") "\nhang\n",
     "R S +c:9 T +e:71 "},
    /* garbage, and an object without a name: an event may be lost, so list anew */
    {P "limit=500 1\n" LIST("7", "", "") P "watch=1*resourceVersion=7&* 1\nchunk " EVENT(
         "ADDED", "c", "9") "<html>\\n\nhang\n" P "limit=500 1\n" LIST("70", "", OBJECT("c", "9")) P
     "watch=1*resourceVersion=70&* 1\nchunk "
     "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"71\"}}}\\n\nhang\n" P
     "limit=500 1\n" LIST("80", "", OBJECT("c", "9")) P
     "watch=1*resourceVersion=80&* 1\nchunk " EVENT("ADDED", "e", "81") "\nhang\n",
     "R S +c:9 T R +c:9 S T R +c:9 S +e:81 "},
    /* a list that is none, then one with an object that is none */
    {P "limit=500 1\nbody <html>busy</html>\n" P "limit=500 1\n" LIST("7", "", "{\"metadata\":{}}")
         P "limit=500 1\n" LIST("8", "", OBJECT("a", "1")) P
     "watch=1*resourceVersion=8&* 1\nchunk " EVENT("ADDED", "e", "71") "\nhang\n",
     "T R R +a:1 S +e:71 "},
    /* busy: waited for; the watch is asked again without a list */
    {P "limit=500 1\nstatus 429 Slow\nheader Retry-After: 1\nbody x\n" P
       "limit=500 1\n" LIST("7", "", "") P
     "watch=1*resourceVersion=7&* 1\nstatus 429 Slow\nbody x\n" P
     "watch=1*resourceVersion=7&* 1\nchunk " EVENT("ADDED", "e", "71") "\nhang\n",
     "T R S T +e:71 "},
    /* forbidden for a while */
    {P "limit=500 1\n" STATUS("403", "Forbidden", "no") P "limit=500 1\n" LIST("7", "", "") P
     "watch=1*resourceVersion=7&* 1\nchunk " EVENT("ADDED", "e", "71") "\nhang\n",
     "T R S +e:71 "},
    /* objects nested deeper than we read are told all the same: one of them must not hide the rest */
    {P "limit=500 1\n" LIST("7", "", DEEP_OBJECT("deep", "1") "," OBJECT("b", "2")) P
     "watch=1*resourceVersion=7&* 1\nchunk {\"type\":\"MODIFIED\",\"object\":" DEEP_OBJECT(
         "deep",
         "9") "}\\n{\"type\":\"DELETED\",\"object\":" DEEP_OBJECT("deep",
                                                                  "10") "}\\n" EVENT("ADDED", "e",
                                                                                     "11") "\nhang"
                                                                                           "\n",
     "R +deep:1 +b:2 S +deep:9 -deep +e:11 "},
    /* a page that is too large: the same in smaller pieces, at once */
    {P "limit=500 1\nrepeat 2000000 0123456789\n" P "limit=250 1\nrepeat 2000000 0123456789\n" P
       "limit=125 1\n" LIST("7", "c1", OBJECT("a", "1")) P
     "limit=250&continue=c1 1\n" LIST("8", "", OBJECT("b", "2")) P
     "watch=1*resourceVersion=7&* 1\nchunk " EVENT("ADDED", "e", "71") "\nhang\n",
     "R +a:1 +b:2 S +e:71 "},
};

struct world { /* the globals of one history: they all run at once */
    pid_t server;
    struct kube *kube;
    struct ds_arena *a;
    struct kube_watch *watch;
    struct told told;
    char folder[64];
};

static void leave_world(struct world *w)
{
    *w = (struct world){.server = server, .kube = kube, .a = a, .watch = w->watch, .told = w->told};
    memcpy(w->folder, folder, sizeof folder);
}

static void enter_world(const struct world *w)
{
    server = w->server;
    kube = w->kube;
    a = w->a;
    memcpy(folder, w->folder, sizeof folder);
}

static bool all_told(struct world *w)
{
    for (size_t i = 0; i < DS_COUNT(HISTORIES); i++)
        if (!strstr(buf_span(&w[i].told.text).ptr, HISTORIES[i].told))
            return false;
    return true;
}

Test(kube, a_watch_tells_everything_whatever_happens)
{
    static struct world w[DS_COUNT(HISTORIES)];
    loop = http_loop_create(0, "decksweep-test");
    keep_loop = true;
    for (size_t i = 0; i < DS_COUNT(HISTORIES); i++) {
        begin(HISTORIES[i].script);
        w[i].watch = watch(&w[i].told);
        struct told *t = &w[i].told;
        leave_world(&w[i]);
        cr_assert_eq(t, &w[i].told);
    }
    int64_t until = clock_monotonic_ms() + 40000;
    while (!all_told(w) && clock_monotonic_ms() < until)
        cr_assert_eq(http_turn(loop, 100, NULL, NULL, 0, &err), 0, "%s", err.text);
    for (size_t i = 0; i < DS_COUNT(HISTORIES); i++) {
        enter_world(&w[i]);
        cr_expect_str_eq(buf_span(&w[i].told.text).ptr, HISTORIES[i].told, "%zu: %s\n%s", i,
                         buf_span(&w[i].told.text).ptr, log_text().ptr);
        kube_watch_stop(w[i].watch);
        buf_clear(&w[i].told.text);
        keep_loop = i + 1 < DS_COUNT(HISTORIES);
        finish();
    }
}

Test(kube, a_watch_can_be_stopped_from_its_own_callback)
{
    struct told t = {0};
    begin(P "limit=500 1\n" LIST("7", "", OBJECT("a", "1") "," OBJECT("b", "2")) IDLE);
    t.stop_at_object = watch(&t);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(http_turn(loop, 50, NULL, NULL, 0, &err), 0);
    cr_expect_str_eq(t.text.data, "R +a:1 ");
    cr_expect_eq(http_in_flight(loop), 0);
    buf_clear(&t.text);
    finish();
    begin(P "limit=500 1\n" LIST("7", "", "") P "watch=1* 1\nchunk " EVENT("ADDED", "c", "9")
              EVENT("ADDED", "d", "10") "\nhang\n");
    t.stop_at_object = watch(&t);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(http_turn(loop, 50, NULL, NULL, 0, &err), 0);
    cr_expect_str_eq(t.text.data, "R S +c:9 ");
    cr_expect_eq(http_in_flight(loop), 0);
    buf_clear(&t.text);
    finish();
}

Test(kube, an_event_larger_than_can_be_is_dropped_and_listed_anew)
{
    struct told t = {0};
    begin(P "limit=500 1\n" LIST("7", "", "") P "watch=1* 1\nrepeat 1300000 0123456789\n" P
                                                "limit=500 1\n" LIST("8", "", OBJECT("a", "1"))
                                                    IDLE);
    struct kube_watch *w = watch(&t);
    int64_t until = clock_monotonic_ms() + 15000;
    while (!strstr(buf_span(&t.text).ptr, "S T R +a:1 S ") && clock_monotonic_ms() < until)
        cr_assert_eq(http_turn(loop, 100, NULL, NULL, 0, &err), 0, "%s", err.text);
    cr_expect_str_eq(t.text.data, "R S T R +a:1 S ");
    kube_watch_stop(w);
    buf_clear(&t.text);
    finish();
}

static void on_seen(void *context, const char *verb, int status)
{
    (void)buf_printf(context, "%s%d ", verb, status);
}

Test(kube, every_answer_is_seen_and_every_warning_said_once)
{
    struct told t = {0};
    struct ds_span body;
    ds_auto_buf seen;
    buf_init(&seen, 1000);
    begin(P "limit=500 1\n" LIST("7", "", "") P "watch=1* 1\nchunk " GONE_LINE "\nhang\n" P
                                                "limit=500 1\n" LIST("8", "", "") IDLE
          "rule GET /api/v1/namespaces/n/pods/x\nheader "
          "Warning: 299 - \"one \\\\\"old\\\\\" thing\", 299 - \"two\"\nbody 1\n");
    kube_observe(kube, on_seen, &seen);
    struct kube_watch *w = watch(&t);
    while (!strstr(buf_span(&t.text).ptr, "R S R S "))
        cr_assert_eq(http_turn(loop, 100, NULL, NULL, 0, &err), 0, "%s", err.text);
    int saved = dup(2), fds[2];
    char text[1000] = "";
    cr_assert(pipe(fds) == 0 && dup2(fds[1], 2) == 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(do_call(HTTP_GET, "/api/v1/namespaces/n/pods/x", NULL, &body), 0);
    cr_assert(dup2(saved, 2) == 2 && close(fds[1]) == 0);
    cr_assert(read(fds[0], text, sizeof text - 1) > 0);
    const char *one = strstr(text, "one \"old\" thing");
    cr_expect(one && strstr(text, "two") && !strstr(one + 1, "one \"old\""), "%s", text);
    cr_expect_str_eq(seen.data, "LIST200 WATCH0 LIST200 GET200 GET200 GET200 ");
    kube_watch_stop(w);
    buf_clear(&t.text);
    finish();
}
