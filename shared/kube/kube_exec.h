/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_exec.h - the texts between us and a credential plugin
 * (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/). Pure. */
#ifndef DS_KUBE_KUBE_EXEC_H
#define DS_KUBE_KUBE_EXEC_H

#include "base/buf.h"
#include "kube/kubeconfig.h"

#include <stdint.h>

#define KUBE_EXEC_MOST_BYTES ((size_t)1 << 20) /* of what a plugin prints */

/* The value of KUBERNETES_EXEC_INFO. ca_pem: also when it came from a file. */
int kube_exec_info_put(struct ds_buf *out, const struct kube_login *login, struct ds_span ca_pem);

struct kube_credential {
    struct ds_span token, cert_pem, key_pem; /* in the arena; "" none; one of both kinds at least */
    int64_t expires_unix_s;                  /* INT64_MAX: not said */
};
/* DS_EPARSE, DS_EINPUT: no ExecCredential of api_version, neither token nor certificate, a token
 * that cannot be sent. */
int kube_exec_reply_read(struct ds_span text, const char *api_version, struct ds_arena *a,
                         struct kube_credential *out, struct ds_err *err) DS_CHECKED;

/* "2026-11-21T12:00:00.5+01:00" -> Unix seconds. */
int kube_time_parse(struct ds_span text, int64_t *unix_s, struct ds_err *err) DS_CHECKED;

/* When the token is a JWT that says when it ends: Unix seconds; 0: it does not say. The signature
 * is not looked at: for messages only. */
int64_t kube_token_expires(struct ds_span token);

#endif
