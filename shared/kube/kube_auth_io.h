/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_auth_io.h - who we are to an API server, kept fresh; for shared/kube only
 *
 * Files are read again every minute, a plugin runs when its credential ends; both also after a
 * 401. What is handed out is valid until the next call. */
#ifndef DS_KUBE_KUBE_AUTH_IO_H
#define DS_KUBE_KUBE_AUTH_IO_H

#include "kube/kube_io.h"
#include "kube/kubeconfig.h"

struct kube_auth;
/* As kube_open. gives: kube_auth_close. */
int kube_auth_open(const struct kube_options *o, struct kube_auth **out,
                   struct ds_err *err) DS_CHECKED;
void kube_auth_close(struct kube_auth *s); /* NULL is legal */

const struct kube_login *kube_auth_login(const struct kube_auth *s);
bool kube_auth_in_cluster(const struct kube_auth *s);
/* One sentence: how we log in, and what to do when that is refused. */
const char *kube_auth_advice(struct kube_auth *s);

#define KUBE_AUTH_MOST_HEADERS 72u
/* What a request carries: header values borrow s. May run a plugin (up to a minute). */
int kube_auth_get(struct kube_auth *s, const struct http_tls **tls,
                  struct http_header headers[KUBE_AUTH_MOST_HEADERS], size_t *n,
                  struct ds_err *err) DS_CHECKED;

/* A 401 came: look again. true: something changed, it is worth another try. */
bool kube_auth_refused(struct kube_auth *s);

/* Run a plugin: its ExecCredential text into a. info: KUBERNETES_EXEC_INFO. */
int kube_exec_run(const struct kube_exec *x, const char *info, struct ds_arena *a,
                  struct ds_span *out, struct ds_err *err) DS_CHECKED;

#endif
