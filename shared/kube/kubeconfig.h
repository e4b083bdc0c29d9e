/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kubeconfig.h - kubeconfig files: merged as kubectl does, and what one context says
 *
 * Of a name the first file that has it wins, wholly; so does the first current-context.
 * Unknown fields are ignored; what would make us somebody else if it were ignored is refused
 * (auth-provider, as-user-extra). Files are hostile. Pure.
 * Public source of the format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
#ifndef DS_KUBE_KUBECONFIG_H
#define DS_KUBE_KUBECONFIG_H

#include "base/arena.h"

#define KUBECONFIG_MOST_BYTES ((size_t)4 << 20) /* of one file */
#define KUBE_MOST_WORDS       64u               /* args, env, groups */

struct yaml_node;
struct kubeconfig_entry {
    struct kubeconfig_entry *next;
    struct ds_span name;
    const struct yaml_node *content; /* the map under cluster, user or context */
    const char *file;
};

struct kubeconfig {
    struct ds_arena *a;
    struct kubeconfig_entry *clusters, *users, *contexts;
    const char *current_context; /* "" none */
};
void kubeconfig_init(struct kubeconfig *c, struct ds_arena *a); /* keeps a */

/* Add one file's text. file: its path, for messages and for relative paths in it; kept.
 * DS_EPARSE, DS_EUNSUPPORTED, DS_ETOOBIG with file and line; DS_EINPUT: a name twice. */
int kubeconfig_add(struct kubeconfig *c, struct ds_span text, const char *file,
                   struct ds_err *err) DS_CHECKED;

struct kube_env {
    const char *name, *value;
};
struct kube_exec {
    const char *command; /* NULL: no plugin; a path when it has a '/' , else of PATH */
    const char *args[KUBE_MOST_WORDS];
    struct kube_env env[KUBE_MOST_WORDS];
    size_t n_args, n_env;
    const char *api_version, *install_hint; /* hint "" if none */
    bool provide_cluster_info, always_interactive;
};

/* One context: where to, and as whom. Absent texts are NULL, absent spans empty. */
struct kube_login {
    const char *context, *file; /* name "" in a cluster; the file of the user, for messages */
    const char *server, *namespace_;
    struct ds_span ca_pem, cert_pem, key_pem; /* of -data */
    const char *ca_file, *cert_file, *key_file;
    const char *server_name, *proxy; /* "" none, also none of the environment's */
    bool insecure, no_compression;
    const char *token, *token_file; /* the file wins while it can be read */
    const char *username, *password;
    const char *as_user, *as_uid, *as_groups[KUBE_MOST_WORDS];
    size_t n_as_groups;
    struct kube_exec exec;
};

/* context NULL or "": current-context. out borrows c's arena.
 * DS_EINPUT: no such context (names those there are), cluster, user, server; bad base64. */
int kubeconfig_select(const struct kubeconfig *c, const char *context, struct kube_login *out,
                      struct ds_err *err) DS_CHECKED;

/* localhost, 127.0.0.0/8 or [::1]? */
bool kube_server_is_loopback(const char *server);
/* May a credential travel to that URL in the open? https, or http to the loopback. */
bool kube_server_is_private(const char *server);

#endif
