/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_send_io.h - one request with credentials; what calls and watches share, for shared/kube only */
#ifndef DS_KUBE_KUBE_SEND_IO_H
#define DS_KUBE_KUBE_SEND_IO_H

#include "kube/kube_io.h"

struct kube_send {
    struct kube_call call; /* as it is: no defaults but content types; deadline 0: none */
    bool gzip;
    void *context;
    kube_data_f data; /* NULL: collected */
    /* Once. err NULL: a 2xx; else what went wrong, of the transport or said by the server. */
    void (*done)(void *context, const struct http_response *r, const struct ds_err *err);
};
/* call's texts are copied, its body borrowed till done. */
int kube_send(struct kube *k, const struct kube_send *s, uint64_t *id,
              struct ds_err *err) DS_CHECKED;

struct http_loop *kube_loop(const struct kube *k);

#endif
