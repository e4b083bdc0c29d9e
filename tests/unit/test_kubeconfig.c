/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kubeconfig files: merging, choosing, paths, and what is refused. */
#include "kube/kubeconfig.h"

#include <criterion/criterion.h>

#define CA "LS0tLS1CRUdJTg==" /* "-----BEGIN" */

static const char MAIN[] =
    "apiVersion: v1\nkind: Config\nextra: {a: b}\n"
    "clusters:\n"
    "- name: one\n  cluster:\n    server: https://one:6443/\n    certificate-authority: "
    "pki/ca.crt\n"
    "    tls-server-name: kube\n    proxy-url: http://proxy:3128\n"
    "- name: two\n  cluster: {server: two.example, certificate-authority-data: " CA "}\n"
    "- name: open\n  cluster: {server: 'https://open', insecure-skip-tls-verify: true}\n"
    "users:\n"
    "- name: jane\n  user: {client-certificate-data: " CA ", client-key: /abs/key.pem}\n"
    "- name: token\n  user: {token: abc, tokenFile: tok}\n"
    "- name: plugin\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n"
    "      command: bin/login\n      args: [a, 'b c']\n      env: [{name: N, value: v}, {name: "
    "E}]\n"
    "      provideClusterInfo: true\n      interactiveMode: IfAvailable\n      installHint: get "
    "it\n"
    "contexts:\n"
    "- name: a\n  context: {cluster: one, user: jane, namespace: ns}\n"
    "- name: b\n  context: {cluster: two, user: token}\n"
    "- name: c\n  context: {cluster: open, user: plugin}\n"
    "- name: nobody\n  context: {cluster: one}\n"
    "- name: no-cluster\n  context: {cluster: none, user: jane}\n"
    "- name: no-user\n  context: {cluster: one, user: none}\n"
    "current-context: a\n";

static int choose(struct ds_arena *a, const char *text, const char *context, struct kube_login *out,
                  struct ds_err *err)
{
    struct kubeconfig c;
    kubeconfig_init(&c, a);
    int rc = kubeconfig_add(&c, ds_span_of(text), "/home/x/config", err);
    return rc < 0 ? rc : kubeconfig_select(&c, context, out, err);
}

Test(kubeconfig, a_context_is_read_with_all_that_belongs_to_it)
{
    struct kube_login l;
    struct ds_err err;
    ds_auto_arena a = arena_create(1 << 20);
    cr_assert_eq(choose(a, MAIN, NULL, &l, &err), 0, "%s", err.text);
    cr_expect_str_eq(l.context, "a");
    cr_expect_str_eq(l.server, "https://one:6443");
    cr_expect_str_eq(l.namespace_, "ns");
    cr_expect_str_eq(l.ca_file, "/home/x/pki/ca.crt");
    cr_expect_str_eq(l.server_name, "kube");
    cr_expect_str_eq(l.proxy, "http://proxy:3128");
    cr_expect(ds_span_is(l.cert_pem, "-----BEGIN"));
    cr_expect_str_eq(l.key_file, "/abs/key.pem");
    cr_expect(!l.token && !l.insecure && !l.exec.command);
    cr_assert_eq(choose(a, MAIN, "b", &l, &err), 0, "%s", err.text);
    cr_expect_str_eq(l.server, "https://two.example");
    cr_expect(ds_span_is(l.ca_pem, "-----BEGIN") && !l.ca_file && !l.namespace_);
    cr_expect_str_eq(l.token, "abc");
    cr_expect_str_eq(l.token_file, "/home/x/tok");
    cr_assert_eq(choose(a, MAIN, "c", &l, &err), 0, "%s", err.text);
    cr_expect(l.insecure);
    cr_expect_str_eq(l.exec.command, "/home/x/bin/login");
    cr_expect(l.exec.n_args == 2 && strcmp(l.exec.args[1], "b c") == 0);
    cr_expect(l.exec.n_env == 2 && strcmp(l.exec.env[0].value, "v") == 0
              && strcmp(l.exec.env[1].value, "") == 0);
    cr_expect(l.exec.provide_cluster_info && !l.exec.always_interactive);
    cr_assert_eq(choose(a, MAIN, "nobody", &l, &err), 0, "%s", err.text);
    cr_expect(!l.token && l.cert_pem.len == 0);
}

Test(kubeconfig, the_first_file_wins_name_by_name)
{
    struct kubeconfig c;
    struct kube_login l;
    struct ds_err err;
    ds_auto_arena a = arena_create(1 << 20);
    kubeconfig_init(&c, a);
    cr_assert_eq(kubeconfig_add(&c,
                                DS_SPAN("users: [{name: token, user: {token: first}}]\n"
                                        "clusters: []\n"),
                                "/f/1", &err),
                 0);
    cr_assert_eq(kubeconfig_add(&c, DS_SPAN(""), "/f/empty", &err), 0);
    cr_assert_eq(kubeconfig_add(&c, DS_SPAN("current-context: b\n"), "/f/2", &err), 0);
    cr_assert_eq(kubeconfig_add(&c, ds_span_of(MAIN), "/home/x/config", &err), 0, "%s", err.text);
    cr_assert_eq(kubeconfig_select(&c, "", &l, &err), 0, "%s", err.text);
    cr_expect_str_eq(l.context, "b");
    cr_expect_str_eq(l.token, "first");
    cr_expect(!l.token_file, "an entry is taken wholly");
    cr_expect_str_eq(l.file, "/f/1");
}

struct wrong {
    const char *text, *context;
    int code;
    const char *words;
};

#define ONE(cluster, user)                                                                         \
    "clusters: [{name: c, cluster: " cluster "}]\nusers: [{name: u, user: " user "}]\n"            \
    "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
#define OK "{server: 'https://s'}"

static const struct wrong WRONG[] = {
    {MAIN, "z", DS_EINPUT, "no context \"z\"; there are: a, b, c, nobody, no-cluster, no-user"},
    {MAIN, "no-cluster", DS_EINPUT, "there is no cluster \"none\""},
    {MAIN, "no-user", DS_EINPUT, "there is no user \"none\""},
    {"{}", NULL, DS_EINPUT, "no current-context"},
    {"", NULL, DS_EINPUT, "no current-context"},
    {"[1]", NULL, DS_EINPUT, "/home/x/config: no kubeconfig"},
    {"a: [", NULL, DS_EPARSE, "/home/x/config:2:1: no YAML"},
    {"a: &x 1", NULL, DS_EUNSUPPORTED, "anchors"},
    {"clusters: 5", NULL, DS_EINPUT, "clusters must be a list"},
    {"users: [5]", NULL, DS_EINPUT, "a user without a name"},
    {"users: [{name: a}, {name: a}]", NULL, DS_EINPUT, "a second user with the name \"a\""},
    {ONE("{}", "{}"), NULL, DS_EINPUT, "the cluster has no server"},
    {ONE("{server: 'ftp://x'}", "{}"), NULL, DS_EINPUT, "server must be an URL of https or http"},
    {ONE("{server: 'https://s', certificate-authority-data: '*'}", "{}"), NULL, DS_EINPUT,
     "certificate-authority-data: no base64"},
    {ONE("{server: 'https://s', insecure-skip-tls-verify: yes}", "{}"), NULL, DS_EINPUT,
     "must be true or false"},
    {ONE("{server: 'https://s', insecure-skip-tls-verify: true, certificate-authority: x}", "{}"),
     NULL, DS_EINPUT, "remove one of them"},
    {ONE(OK, "{client-certificate: x}"), NULL, DS_EINPUT, "go together"},
    {ONE(OK, "{auth-provider: {name: gcp}}"), NULL, DS_EINPUT, "exec plugin"},
    {ONE(OK, "{as-groups: [a]}"), NULL, DS_EINPUT, "need as"},
    {ONE(OK, "{as: a, as-user-extra: {b: [c]}}"), NULL, DS_EINPUT, "as-user-extra"},
    {ONE(OK, "{token: [1]}"), NULL, DS_EINPUT, "token must be a text"},
    {ONE(OK, "{token: \"a\\0b\"}"), NULL, DS_EINPUT, "token must be a text"},
    {ONE(OK, "{exec: {}}"), NULL, DS_EINPUT, "exec has no command"},
    {ONE(OK, "{exec: {command: x}}"), NULL, DS_EINPUT, "apiVersion must be"},
    {ONE(OK, "{exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}}"), NULL,
     DS_EINPUT, "apiVersion must be"},
    {ONE(OK, "{exec: {command: x, apiVersion: client.authentication.k8s.io/v1, args: [[a]]}}"),
     NULL, DS_EINPUT, "a text is expected"},
    {ONE(OK,
         "{exec: {command: x, apiVersion: client.authentication.k8s.io/v1, env: [{value: a}]}}"),
     NULL, DS_EINPUT, "a name is expected"}};

Test(kubeconfig, what_is_wrong_is_told_with_file_and_line)
{
    for (size_t i = 0; i < DS_COUNT(WRONG); i++) {
        struct kube_login l;
        struct ds_err err = {0};
        ds_auto_arena a = arena_create(1 << 20);
        int rc = choose(a, WRONG[i].text, WRONG[i].context, &l, &err);
        cr_expect_eq(rc, WRONG[i].code, "%zu: %d %s", i, rc, err.text);
        cr_expect(strstr(err.text, WRONG[i].words), "%zu: %s", i, err.text);
    }
}

Test(kubeconfig, credentials_travel_in_the_open_only_at_home)
{
    static const struct {
        const char *server;
        bool ok;
    } CASES[] = {{"https://anywhere", true},       {"http://127.0.0.1:8001", true},
                 {"http://localhost", true},       {"http://[::1]:80/x", true},
                 {"http://localhost:1", true},     {"http://127.evil.example", false},
                 {"http://localhost.evil", false}, {"http://10.0.0.1", false},
                 {"http://[::1].evil", false},     {"ftp://127.0.0.1", false},
                 {"http://[::1", false},           {"http://127.0.0.1.", true},
                 {"http://127.0.0.1@evil", false}, {"http://", false}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++)
        cr_expect_eq(kube_server_is_private(CASES[i].server), CASES[i].ok, "%s", CASES[i].server);
}

#define SERVER(url, more)                                                                          \
    "clusters: [{name: c, cluster: {server: '" url "'" more                                        \
    "}}]\nusers: [{name: u, user: {token: "                                                        \
    "t}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"

Test(kubeconfig, what_runs_on_this_machine_is_never_asked_through_a_proxy_of_the_environment)
{
    static const struct {
        const char *text, *proxy; /* NULL: the environment's */
    } CASES[] = {{SERVER("https://127.0.0.1:6443", ""), ""},
                 {SERVER("http://localhost:8001", ""), ""},
                 {SERVER("https://[::1]:6443", ""), ""},
                 {SERVER("https://127.0.0.1:6443", ", proxy-url: http://p"), "http://p"},
                 {SERVER("https://10.0.0.1", ""), NULL},
                 {SERVER("127.0.0.1:6443", ""), ""},
                 {SERVER("https://localhost.example", ""), NULL}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct kube_login l;
        struct ds_err err = {0};
        ds_auto_arena a = arena_create(1 << 20);
        cr_assert_eq(choose(a, CASES[i].text, NULL, &l, &err), 0, "%zu: %s", i, err.text);
        cr_expect_eq(l.proxy == NULL, CASES[i].proxy == NULL, "%zu", i);
        if (l.proxy && CASES[i].proxy)
            cr_expect_str_eq(l.proxy, CASES[i].proxy, "%zu", i);
    }
}

Test(kubeconfig, a_server_with_a_user_in_its_url_is_refused)
{
    struct kube_login l;
    struct ds_err err = {0};
    ds_auto_arena a = arena_create(1 << 20);
    cr_expect_eq(choose(a, SERVER("http://127.0.0.1:8001@evil.example", ""), NULL, &l, &err),
                 DS_EINPUT);
    cr_expect(strstr(err.text, "must name no user"), "%s", err.text);
}
