/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kube_auth_io.h"

#include "base/base64.h"
#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/log_io.h"
#include "base/units.h"
#include "kube/kube_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNT         "/var/run/secrets/kubernetes.io/serviceaccount/"
#define CONFIG_BYTES    ((size_t)24 << 20)
#define FRESH_BYTES     ((size_t)8 << 20)
#define PEM_BYTES       ((size_t)2 << 20)
#define TOKEN_BYTES     ((size_t)64 << 10)
#define FILES_MS        INT64_C(60000)
#define PLUGIN_LEAST_MS INT64_C(5000) /* between two runs that a 401 asked for */
#define ADVICE_BYTES    400u

struct fresh { /* what was read last; in an arena of its own, which the next reading replaces */
    struct ds_arena *a;
    struct ds_span ca_pem, cert_pem, key_pem, token;
    int64_t expires_unix_s; /* of a plugin's */
};

struct kube_auth {
    struct ds_arena *a; /* login and what it borrows */
    struct kube_login login;
    bool in_cluster, warned;
    struct fresh fresh;
    int64_t read_ms; /* monotonic; INT64_MIN never */
    struct http_tls tls;
    char *bearer; /* value of Authorization */
    char advice[ADVICE_BYTES];
};

/* ---- finding the configuration ---- */

static int add_file(struct kubeconfig *c, const char *path, bool required, bool *found,
                    struct ds_err *err)
{
    struct ds_span text;
    struct ds_err why;
    int rc = fs_read_file(path, KUBECONFIG_MOST_BYTES, c->a, &text, &why);
    if (rc == DS_ENOTFOUND && !required)
        return 0;
    if (rc < 0)
        return ds_fail(err, rc == DS_ENOTFOUND ? DS_EINPUT : why.code, "kubeconfig: %s", why.text);
    *found = true;
    return kubeconfig_add(c, text, path, err);
}

/* $KUBECONFIG: a list; files that are missing are passed over. */
static int add_files(struct kubeconfig *c, const char *list, bool *found, struct ds_err *err)
{
    struct ds_span rest = ds_span_of(list), one;
    int rc = 0;
    while (rest.len > 0 && rc == 0) {
        rest = ds_span_cut(rest, ':', &one);
        const char *path = arena_cstr(c->a, one);
        if (!path)
            return ds_fail(err, DS_ETOOBIG, "$KUBECONFIG is too long");
        if (one.len > 0)
            rc = add_file(c, path, false, found, err);
    }
    return rc;
}

static int gather(const struct kube_options *o, struct kubeconfig *c, bool *found,
                  struct ds_err *err)
{
    const char *list = env_get("KUBECONFIG"), *home = env_get("HOME");
    if (o->kubeconfig)
        return add_file(c, o->kubeconfig, true, found, err);
    if (list && list[0])
        return add_files(c, list, found, err);
    if (!home || !home[0])
        return 0;
    struct ds_span path = arena_format(c->a, "%s/.kube/config", home);
    return path.ptr ? add_file(c, path.ptr, false, found, err)
                    : ds_fail(err, DS_ETOOBIG, "$HOME is too long");
}

static bool in_a_pod(void)
{
    return env_get("KUBERNETES_SERVICE_HOST") && env_get("KUBERNETES_SERVICE_PORT")
           && access(ACCOUNT "token", R_OK) == 0;
}

static int select_account(struct kube_auth *s, struct ds_err *err)
{
    const char *host = env_get("KUBERNETES_SERVICE_HOST"),
               *port = env_get("KUBERNETES_SERVICE_PORT");
    struct ds_span text;
    if (!in_a_pod())
        return ds_fail(err, DS_EINPUT,
                       "no service account: this is no pod, or its automountServiceAccountToken is "
                       "false");
    bool v6 = strchr(host, ':') != NULL;
    struct kube_login l = {.context = "", .file = ACCOUNT "token"};
    l.server =
        arena_format(s->a, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port).ptr;
    l.ca_file = ACCOUNT "ca.crt";
    l.token_file = ACCOUNT "token";
    if (fs_read_file(ACCOUNT "namespace", 4096, s->a, &text, NULL) == 0)
        l.namespace_ = arena_cstr(s->a, ds_span_trim(text));
    if (!l.server)
        return ds_fail(err, DS_ETOOBIG, "KUBERNETES_SERVICE_HOST is too long");
    s->login = l;
    s->in_cluster = true;
    return 0;
}

static int choose(const struct kube_options *o, struct kube_auth *s, struct ds_err *err)
{
    struct kubeconfig c;
    bool found = false;
    if (o->in_cluster)
        return select_account(s, err);
    kubeconfig_init(&c, s->a);
    int rc = gather(o, &c, &found, err);
    if (rc < 0)
        return rc;
    if (found)
        return kubeconfig_select(&c, o->context, &s->login, err);
    if (in_a_pod() && !o->context)
        return select_account(s, err);
    return ds_fail(err, DS_EINPUT,
                   "no kubeconfig: set $KUBECONFIG or give --kubeconfig (looked at %s)",
                   env_get("KUBECONFIG") ? env_get("KUBECONFIG") : "~/.kube/config");
}

/* ---- what changes ---- */

static int read_pem(const char *file, struct ds_span data, struct ds_arena *a, struct ds_span *out,
                    struct ds_err *err)
{
    *out = data;
    if (!file)
        return 0;
    int rc = fs_read_file(file, PEM_BYTES, a, out, err);
    if (rc == 0 && ds_span_trim(*out).len == 0)
        rc = ds_fail(err, DS_EINPUT, "%s is empty", file);
    return rc;
}

static int read_token(const struct kube_login *l, struct ds_arena *a, struct ds_span *out,
                      struct ds_err *err)
{
    struct ds_span text;
    *out = ds_span_of(l->token);
    if (!l->token_file)
        return 0;
    int rc = fs_read_file(l->token_file, TOKEN_BYTES, a, &text, err);
    if (rc < 0)
        return l->token ? 0 : rc;
    *out = ds_span_trim(text);
    return out->len > 0 ? 0 : ds_fail(err, DS_EINPUT, "%s is empty", l->token_file);
}

static int run_plugin(struct kube_auth *s, struct fresh *f, struct ds_err *err)
{
    const struct kube_exec *x = &s->login.exec;
    struct kube_credential c = {0};
    struct ds_span text;
    ds_auto_buf info;
    buf_init(&info, FRESH_BYTES);
    if (x->always_interactive)
        return ds_fail(err, DS_EUNSUPPORTED,
                       "%s: its interactiveMode is Always: log in with kubectl "
                       "and use a kubeconfig with a token",
                       x->command);
    if (kube_exec_info_put(&info, &s->login, f->ca_pem) < 0)
        return ds_fail(err, DS_ETOOBIG, "%s: the cluster's description is too large", x->command);
    int rc = kube_exec_run(x, info.data, f->a, &text, err);
    if (rc == 0)
        rc = kube_exec_reply_read(text, x->api_version, f->a, &c, err);
    if (rc < 0)
        return ds_wrap(err, "the credential plugin %s of %s", x->command, s->login.file);
    f->token = c.token;
    f->expires_unix_s = c.expires_unix_s;
    if (c.cert_pem.len > 0) {
        f->cert_pem = c.cert_pem;
        f->key_pem = c.key_pem;
    }
    return 0;
}

static bool same(const struct fresh *a, const struct fresh *b)
{
    return ds_span_eq(a->ca_pem, b->ca_pem) && ds_span_eq(a->cert_pem, b->cert_pem)
           && ds_span_eq(a->key_pem, b->key_pem) && ds_span_eq(a->token, b->token);
}

static int read_anew(struct kube_auth *s, struct fresh *f, struct ds_err *err)
{
    const struct kube_login *l = &s->login;
    *f = (struct fresh){.a = arena_create(FRESH_BYTES), .expires_unix_s = INT64_MAX};
    int rc = read_pem(l->ca_file, l->ca_pem, f->a, &f->ca_pem, err);
    if (rc == 0)
        rc = read_pem(l->cert_file, l->cert_pem, f->a, &f->cert_pem, err);
    if (rc == 0)
        rc = read_pem(l->key_file, l->key_pem, f->a, &f->key_pem, err);
    if (rc == 0)
        rc = read_token(l, f->a, &f->token, err);
    if (rc == 0 && l->exec.command)
        rc = run_plugin(s, f, err);
    return rc;
}

static int set_bearer(struct kube_auth *s, struct ds_err *err)
{
    const struct kube_login *l = &s->login;
    ds_auto_buf text;
    buf_init(&text, TOKEN_BYTES * 2);
    if (s->fresh.token.len > 0) {
        (void)buf_put_text(&text, "Bearer ");
        (void)buf_put_span(&text, s->fresh.token);
    } else if (l->username) {
        ds_auto_buf pair;
        buf_init(&pair, TOKEN_BYTES);
        (void)buf_printf(&pair, "%s:%s", l->username, l->password ? l->password : "");
        int bad = buf_check(&pair, "user name and password", err);
        if (bad < 0)
            return bad;
        (void)buf_put_text(&text, "Basic ");
        (void)base64_put(&text, pair.data, pair.len);
    }
    int rc = buf_check(&text, "the credential", err);
    if (rc < 0)
        return rc;
    free(s->bearer);
    s->bearer = text.len > 0 ? strdup(text.data) : NULL;
    if (text.len > 0 && !s->bearer)
        abort();
    return 0;
}

/* Read it all again. What cannot be read now leaves the old as it was, said once. */
static int refresh(struct kube_auth *s, bool *changed, struct ds_err *err)
{
    struct fresh f;
    bool first = s->read_ms == INT64_MIN;
    int rc = read_anew(s, &f, err);
    *changed = rc == 0 && (first || !same(&f, &s->fresh));
    if (rc < 0) {
        arena_destroy(f.a);
        return rc;
    }
    arena_destroy(s->fresh.a);
    s->fresh = f;
    s->read_ms = clock_monotonic_ms();
    s->warned = false;
    s->tls = (struct http_tls){.ca_pem = f.ca_pem,
                               .cert_pem = f.cert_pem,
                               .key_pem = f.key_pem,
                               .server_name = s->login.server_name,
                               .insecure = s->login.insecure,
                               .proxy = s->login.proxy};
    return set_bearer(s, err);
}

static bool reads_files(const struct kube_login *l)
{
    return l->ca_file || l->cert_file || l->key_file || l->token_file;
}

static int keep_fresh(struct kube_auth *s, struct ds_err *err)
{
    struct ds_err why;
    bool changed, first = s->read_ms == INT64_MIN;
    bool ended = s->fresh.expires_unix_s <= clock_unix_ms() / 1000;
    /* A plugin's credential is not asked for again because a file may have changed. */
    bool stale = !s->login.exec.command && reads_files(&s->login)
                 && clock_monotonic_ms() - s->read_ms >= FILES_MS;
    if (!first && !ended && !stale)
        return 0;
    int rc = refresh(s, &changed, &why);
    if (rc == 0)
        return 0;
    if (first || ended) {
        if (err)
            *err = why;
        return rc;
    }
    if (!s->warned)
        log_warn("the credentials are used as they were: %s", why.text);
    s->warned = true;
    s->read_ms = clock_monotonic_ms();
    return 0;
}

bool kube_auth_refused(struct kube_auth *s)
{
    struct ds_err why;
    bool changed = false;
    int64_t age = clock_monotonic_ms() - s->read_ms;
    if (s->login.exec.command ? age < PLUGIN_LEAST_MS : !reads_files(&s->login))
        return false;
    if (refresh(s, &changed, &why) < 0) {
        log_warn("after the API server's 401: %s", why.text);
        return false;
    }
    return changed;
}

/* ---- the outside ---- */

static int check_login(struct kube_auth *s, struct ds_err *err)
{
    const struct kube_login *l = &s->login;
    bool secret = l->token || l->token_file || l->username || l->exec.command;
    if (secret && !kube_server_is_private(l->server))
        return ds_fail(err, DS_EINPUT,
                       "%s: the credential would travel unencrypted; the cluster's "
                       "server must be an URL of https",
                       l->server);
    if (l->insecure)
        log_warn("%s: the server's certificate is not checked (insecure-skip-tls-verify in %s): "
                 "who sits in between can read and change everything",
                 l->server, l->file);
    return 0;
}

int kube_auth_open(const struct kube_options *o, struct kube_auth **out, struct ds_err *err)
{
    static const struct kube_options AS_KUBECTL;
    struct kube_auth *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->a = arena_create(CONFIG_BYTES);
    s->read_ms = INT64_MIN;
    s->fresh.expires_unix_s = INT64_MAX;
    int rc = choose(o ? o : &AS_KUBECTL, s, err);
    if (rc == 0)
        rc = check_login(s, err);
    bool changed;
    if (rc == 0 && !s->login.exec.command) /* a plugin can wait until a request is made */
        rc = refresh(s, &changed, err);
    if (rc < 0) {
        kube_auth_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void kube_auth_close(struct kube_auth *s)
{
    if (!s)
        return;
    arena_destroy(s->fresh.a);
    arena_destroy(s->a);
    free(s->bearer);
    free(s);
}

const struct kube_login *kube_auth_login(const struct kube_auth *s)
{
    return &s->login;
}

bool kube_auth_in_cluster(const struct kube_auth *s)
{
    return s->in_cluster;
}

static void say_expiry(const struct kube_auth *s, char *out, size_t room)
{
    int64_t at = kube_token_expires(s->fresh.token);
    char when[24];
    out[0] = '\0';
    if (at == 0 || at > clock_unix_ms() / 1000)
        return;
    units_format_date(at, when);
    (void)snprintf(out, room, "the token expired at %s; ", when);
}

const char *kube_auth_advice(struct kube_auth *s)
{
    const struct kube_login *l = &s->login;
    char expired[64];
    say_expiry(s, expired, sizeof expired);
    if (s->in_cluster)
        (void)snprintf(s->advice, sizeof s->advice, "%sthe service account's token is read from %s",
                       expired, l->token_file);
    else if (l->exec.command)
        (void)snprintf(s->advice, sizeof s->advice,
                       "%sthe credential plugin %.150s gave the login: log in with it again",
                       expired, l->exec.command);
    else if (l->token_file)
        (void)snprintf(s->advice, sizeof s->advice, "%sput a new token into %.200s", expired,
                       l->token_file);
    else if (l->token || l->username)
        (void)snprintf(s->advice, sizeof s->advice,
                       "%sthe token or password in %.150s is not valid (any more): get a new "
                       "kubeconfig",
                       expired, l->file);
    else if (s->fresh.cert_pem.len > 0)
        (void)snprintf(s->advice, sizeof s->advice,
                       "the client certificate in %.150s is not valid (any more): get a new "
                       "kubeconfig",
                       l->file);
    else
        (void)snprintf(s->advice, sizeof s->advice,
                       "context \"%.60s\" in %.150s has no token and no certificate", l->context,
                       l->file);
    return s->advice;
}

static void add(struct http_header *headers, size_t *n, struct ds_span name, const char *value)
{
    if (value)
        headers[(*n)++] = (struct http_header){name, ds_span_of(value)};
}

int kube_auth_get(struct kube_auth *s, const struct http_tls **tls,
                  struct http_header headers[KUBE_AUTH_MOST_HEADERS], size_t *n, struct ds_err *err)
{
    const struct kube_login *l = &s->login;
    int rc = keep_fresh(s, err);
    if (rc < 0)
        return rc;
    *n = 0;
    add(headers, n, DS_SPAN("Authorization"), s->bearer);
    add(headers, n, DS_SPAN("Impersonate-User"), l->as_user);
    add(headers, n, DS_SPAN("Impersonate-Uid"), l->as_uid);
    for (size_t i = 0; i < l->n_as_groups; i++)
        add(headers, n, DS_SPAN("Impersonate-Group"), l->as_groups[i]);
    *tls = &s->tls;
    return 0;
}
