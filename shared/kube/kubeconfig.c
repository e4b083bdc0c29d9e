/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kubeconfig.h"

#include "base/base64.h"
#include "base/path.h"
#include "base/yaml.h"

#include <stdio.h>

void kubeconfig_init(struct kubeconfig *c, struct ds_arena *a)
{
    *c = (struct kubeconfig){.a = a, .current_context = ""};
}

static struct kubeconfig_entry *find(struct kubeconfig_entry *list, struct ds_span name)
{
    while (list && !ds_span_eq(list->name, name))
        list = list->next;
    return list;
}

static int full(const char *file, struct ds_err *err)
{
    return ds_fail(err, DS_ETOOBIG, "%s: larger than fits", file);
}

static int add_entry(struct kubeconfig *c, struct kubeconfig_entry **list,
                     const struct yaml_node *item, const char *kind, const char *file,
                     struct ds_err *err)
{
    const struct yaml_node *name = yaml_get(item, "name");
    if (item->kind != YAML_MAP || !name || name->kind != YAML_SCALAR || name->text.len == 0)
        return ds_fail(err, DS_EINPUT, "%s:%u: a %s without a name", file, item->line, kind);
    struct kubeconfig_entry *known = find(*list, name->text);
    if (known && known->file == file)
        return ds_fail(err, DS_EINPUT, "%s:%u: a second %s with the name \"%.*s\"", file,
                       name->line, kind, DS_FMT(name->text));
    if (known)
        return 0;
    struct kubeconfig_entry *e = ds_new(c->a, struct kubeconfig_entry, 1);
    if (!e)
        return full(file, err);
    *e = (struct kubeconfig_entry){
        .name = name->text, .content = yaml_get(item, kind), .file = file};
    while (*list)
        list = &(*list)->next;
    *list = e;
    return 0;
}

static int add_list(struct kubeconfig *c, const struct yaml_node *root, const char *key,
                    struct kubeconfig_entry **list, const char *kind, const char *file,
                    struct ds_err *err)
{
    const struct yaml_node *n = yaml_get(root, key);
    if (yaml_is_null(n))
        return 0;
    if (n->kind != YAML_LIST)
        return ds_fail(err, DS_EINPUT, "%s:%u: %s must be a list", file, n->line, key);
    int rc = 0;
    for (const struct yaml_node *item = n->first; item && rc == 0; item = item->next)
        rc = add_entry(c, list, item, kind, file, err);
    return rc;
}

int kubeconfig_add(struct kubeconfig *c, struct ds_span text, const char *file, struct ds_err *err)
{
    struct yaml_node *root = NULL;
    struct yaml_mark at = {0, 0};
    struct ds_err why;
    const char *path = arena_cstr(c->a, ds_span_of(file));
    if (!path)
        return full(file, err);
    int rc = yaml_parse(text, KUBECONFIG_MOST_BYTES, c->a, &root, &at, &why);
    if (rc < 0)
        return ds_fail(err, why.code, "%s:%u:%u: %s", path, at.line, at.column, why.text);
    if (yaml_is_null(root))
        return 0;
    if (root->kind != YAML_MAP)
        return ds_fail(err, DS_EINPUT,
                       "%s: no kubeconfig: a mapping with clusters, users and "
                       "contexts is expected",
                       path);
    rc = add_list(c, root, "clusters", &c->clusters, "cluster", path, err);
    if (rc == 0)
        rc = add_list(c, root, "users", &c->users, "user", path, err);
    if (rc == 0)
        rc = add_list(c, root, "contexts", &c->contexts, "context", path, err);
    const struct yaml_node *current = yaml_get(root, "current-context");
    if (rc == 0 && c->current_context[0] == '\0' && !yaml_is_null(current)
        && current->kind == YAML_SCALAR) {
        c->current_context = arena_cstr(c->a, current->text);
        if (!c->current_context)
            rc = full(path, err);
    }
    return rc;
}

/* ---- reading one entry ---- */

struct reader {
    const struct kubeconfig_entry *from;
    struct ds_arena *a;
    struct ds_err *err;
    int rc; /* the first trouble */
};

static void trouble(struct reader *r, const struct yaml_node *n, const char *what)
{
    if (r->rc == 0)
        r->rc = ds_fail(r->err, DS_EINPUT, "%s:%u: %s", r->from->file, n ? n->line : 1, what);
}

/* NULL: absent or empty. */
static const char *text_of(struct reader *r, const struct yaml_node *map, const char *key)
{
    const struct yaml_node *n = yaml_get(map, key);
    char what[160];
    if (yaml_is_null(n) || (n->kind == YAML_SCALAR && n->text.len == 0))
        return NULL;
    (void)snprintf(what, sizeof what, "%s must be a text", key);
    if (n->kind != YAML_SCALAR || memchr(n->text.ptr, '\0', n->text.len)) {
        trouble(r, n, what);
        return NULL;
    }
    const char *text = arena_cstr(r->a, n->text);
    if (!text)
        trouble(r, n, "larger than fits");
    return text;
}

static bool bool_of(struct reader *r, const struct yaml_node *map, const char *key)
{
    const struct yaml_node *n = yaml_get(map, key);
    char what[160];
    if (yaml_is_null(n))
        return false;
    if (n->kind == YAML_SCALAR && !n->quoted && ds_span_is(n->text, "true"))
        return true;
    (void)snprintf(what, sizeof what, "%s must be true or false", key);
    if (n->kind != YAML_SCALAR || n->quoted || !ds_span_is(n->text, "false"))
        trouble(r, n, what);
    return false;
}

/* A path, relative to the folder of its file. */
static const char *path_of(struct reader *r, const struct yaml_node *map, const char *key)
{
    const char *text = text_of(r, map, key);
    if (!text)
        return NULL;
    struct ds_span whole = path_join(r->a, path_dir(ds_span_of(r->from->file)), ds_span_of(text));
    if (!whole.ptr)
        trouble(r, map, "larger than fits");
    return whole.ptr;
}

static struct ds_span data_of(struct reader *r, const struct yaml_node *map, const char *key)
{
    const char *text = text_of(r, map, key);
    struct ds_span out = DS_SPAN("");
    struct ds_err why;
    char what[300];
    if (text && base64_decode(ds_span_of(text), r->a, &out, &why) < 0) {
        (void)snprintf(what, sizeof what, "%s: %.200s", key, why.text);
        trouble(r, yaml_get(map, key), what);
    }
    return out;
}

static size_t words_of(struct reader *r, const struct yaml_node *map, const char *key,
                       const char *out[KUBE_MOST_WORDS])
{
    const struct yaml_node *list = yaml_get(map, key);
    size_t n = 0;
    if (yaml_is_null(list))
        return 0;
    if (list->kind != YAML_LIST || list->n > KUBE_MOST_WORDS) {
        trouble(r, list, "a list of at most 64 texts is expected");
        return 0;
    }
    for (const struct yaml_node *w = list->first; w; w = w->next) {
        bool plain = w->kind == YAML_SCALAR && !memchr(w->text.ptr, '\0', w->text.len);
        out[n] = plain ? arena_cstr(r->a, w->text) : NULL;
        if (!out[n++]) {
            trouble(r, w, "a text is expected");
            return 0;
        }
    }
    return n;
}

static void read_cluster(struct reader *r, struct kube_login *out)
{
    const struct yaml_node *c = r->from->content;
    out->server = text_of(r, c, "server");
    out->ca_pem = data_of(r, c, "certificate-authority-data");
    out->ca_file = out->ca_pem.len ? NULL : path_of(r, c, "certificate-authority");
    out->server_name = text_of(r, c, "tls-server-name");
    out->proxy = text_of(r, c, "proxy-url");
    out->insecure = bool_of(r, c, "insecure-skip-tls-verify");
    out->no_compression = bool_of(r, c, "disable-compression");
    if (!out->server) {
        trouble(r, c, "the cluster has no server");
        return;
    }
    struct ds_span url = ds_span_of(out->server);
    if (!ds_span_starts(url, "https://") && !ds_span_starts(url, "http://")) {
        if (strstr(out->server, "://")) {
            trouble(r, yaml_get(c, "server"), "server must be an URL of https or http");
            return;
        }
        url = arena_format(r->a, "https://%s", out->server);
    }
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    out->server = arena_cstr(r->a, url);
    if (!out->server) {
        trouble(r, c, "larger than fits");
        return;
    }
    if (strchr(out->server, '@'))
        trouble(r, yaml_get(c, "server"), "server must name no user: that belongs to users");
    if (!out->proxy && kube_server_is_loopback(out->server))
        out->proxy = ""; /* as kubectl: a proxy of the environment cannot reach it, nor may */
    if (out->insecure && (out->ca_pem.len > 0 || out->ca_file))
        trouble(r, yaml_get(c, "insecure-skip-tls-verify"),
                "a certificate-authority is given and insecure-skip-tls-verify says not to look at "
                "it: remove one of them");
}

static void read_exec(struct reader *r, const struct yaml_node *e, struct kube_exec *x)
{
    const struct yaml_node *env = yaml_get(e, "env");
    x->command = text_of(r, e, "command");
    if (!x->command) {
        trouble(r, e, "exec has no command");
        return;
    }
    if (strchr(x->command, '/'))
        x->command = path_of(r, e, "command");
    x->n_args = words_of(r, e, "args", x->args);
    x->api_version = text_of(r, e, "apiVersion");
    x->install_hint = text_of(r, e, "installHint");
    x->provide_cluster_info = bool_of(r, e, "provideClusterInfo");
    const char *mode = text_of(r, e, "interactiveMode");
    x->always_interactive = mode && strcmp(mode, "Always") == 0;
    if (!x->api_version
        || (strcmp(x->api_version, "client.authentication.k8s.io/v1") != 0
            && strcmp(x->api_version, "client.authentication.k8s.io/v1beta1") != 0))
        trouble(r, e,
                "exec: apiVersion must be client.authentication.k8s.io/v1 or v1beta1; a newer "
                "version of the plugin writes that");
    if (!yaml_is_null(env) && (env->kind != YAML_LIST || env->n > KUBE_MOST_WORDS)) {
        trouble(r, env, "env must be a list of at most 64 names and values");
        return;
    }
    for (const struct yaml_node *v = env ? env->first : NULL; v; v = v->next) {
        const char *name = text_of(r, v, "name"), *value = text_of(r, v, "value");
        if (!name || strchr(name, '='))
            trouble(r, v, "env: a name is expected");
        x->env[x->n_env++] = (struct kube_env){name, value ? value : ""};
    }
}

static void read_user(struct reader *r, struct kube_login *out)
{
    const struct yaml_node *u = r->from->content;
    out->cert_pem = data_of(r, u, "client-certificate-data");
    out->cert_file = out->cert_pem.len ? NULL : path_of(r, u, "client-certificate");
    out->key_pem = data_of(r, u, "client-key-data");
    out->key_file = out->key_pem.len ? NULL : path_of(r, u, "client-key");
    out->token = text_of(r, u, "token");
    out->token_file = path_of(r, u, "tokenFile");
    out->username = text_of(r, u, "username");
    out->password = text_of(r, u, "password");
    out->as_user = text_of(r, u, "as");
    out->as_uid = text_of(r, u, "as-uid");
    out->n_as_groups = words_of(r, u, "as-groups", out->as_groups);
    const struct yaml_node *exec = yaml_get(u, "exec"), *n = yaml_get(u, "auth-provider");
    if (!yaml_is_null(n))
        trouble(r, n,
                "auth-provider was removed from Kubernetes: use the exec plugin of your "
                "provider (for example gke-gcloud-auth-plugin or kubelogin)");
    n = yaml_get(u, "as-user-extra");
    if (!yaml_is_null(n))
        trouble(r, n, "as-user-extra is not taken here");
    if (!yaml_is_null(exec))
        read_exec(r, exec, &out->exec);
    bool cert = out->cert_pem.len > 0 || out->cert_file,
         key = out->key_pem.len > 0 || out->key_file;
    if (cert != key)
        trouble(r, u, "client-certificate and client-key go together");
    if ((out->as_uid || out->n_as_groups > 0) && !out->as_user)
        trouble(r, u, "as-uid and as-groups need as");
}

static int unknown_context(const struct kubeconfig *c, const char *name, struct ds_err *err)
{
    ds_auto_buf names;
    buf_init(&names, 300);
    for (const struct kubeconfig_entry *e = c->contexts; e; e = e->next)
        (void)buf_printf(&names, "%s%.*s", names.len ? ", " : "", DS_FMT(e->name));
    if (name[0] == '\0')
        return ds_fail(err, DS_EINPUT,
                       "the kubeconfig has no current-context; choose one with --context: %s",
                       names.len ? names.data : "there is none");
    return ds_fail(err, DS_EINPUT, "the kubeconfig has no context \"%s\"; there %s: %s", name,
                   names.len ? "are" : "is", names.len ? names.data : "none");
}

static struct ds_span scalar(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *n = yaml_get(map, key);
    return n && n->kind == YAML_SCALAR ? n->text : DS_SPAN("");
}

int kubeconfig_select(const struct kubeconfig *c, const char *context, struct kube_login *out,
                      struct ds_err *err)
{
    struct ds_span name = ds_span_of(context && context[0] ? context : c->current_context);
    const struct kubeconfig_entry *at = find(c->contexts, name);
    if (!at)
        return unknown_context(c, name.ptr, err);
    struct ds_span cluster_name = scalar(at->content, "cluster");
    struct ds_span user_name = scalar(at->content, "user");
    const struct kubeconfig_entry *cluster = find(c->clusters, cluster_name);
    const struct kubeconfig_entry *user = find(c->users, user_name);
    if (!cluster)
        return ds_fail(err, DS_EINPUT, "%s: context \"%.*s\": there is no cluster \"%.*s\"",
                       at->file, DS_FMT(name), DS_FMT(cluster_name));
    if (!user && user_name.len > 0)
        return ds_fail(err, DS_EINPUT, "%s: context \"%.*s\": there is no user \"%.*s\"", at->file,
                       DS_FMT(name), DS_FMT(user_name));
    struct kube_login l = {.context = arena_cstr(c->a, name), .file = user ? user->file : at->file};
    struct reader r = {.from = at, .a = c->a, .err = err};
    l.namespace_ = text_of(&r, at->content, "namespace");
    r.from = cluster;
    read_cluster(&r, &l);
    r.from = user;
    if (user)
        read_user(&r, &l);
    if (r.rc == 0 && !l.context)
        r.rc = full(at->file, err);
    if (r.rc == 0)
        *out = l;
    return r.rc;
}

/* Host of an URL of http or https; brackets stay. */
static struct ds_span host_of(const char *server)
{
    const char *host = strstr(server, "://");
    host = host ? host + 3 : server;
    size_t n = host[0] == '[' ? strcspn(host, "]") : 0;
    return (struct ds_span){host, n + strcspn(host + n, "/:?#")};
}

bool kube_server_is_loopback(const char *server)
{
    struct ds_span host = host_of(server);
    return ds_span_is(host, "localhost") || ds_span_is(host, "[::1]")
           || (ds_span_starts(host, "127.") && strspn(host.ptr, "0123456789.") == host.len);
}

bool kube_server_is_private(const char *server)
{
    struct ds_span s = ds_span_of(server);
    return ds_span_starts(s, "https://")
           || (ds_span_starts(s, "http://") && kube_server_is_loopback(server));
}
