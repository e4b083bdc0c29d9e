/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_json.h - one object of the API server, whatever somebody wrote into it
 *
 * The API server takes and gives back what is nested deeper than json_parse goes (managedFields
 * may be). Such an object must not hide those beside it: what lies deeper than KUBE_JSON_DEPTH
 * reads as null. Pure. */
#ifndef DS_KUBE_KUBE_JSON_H
#define DS_KUBE_KUBE_JSON_H

#include "base/json.h"

#define KUBE_JSON_DEPTH 48u
/* Of one object as text: etcd keeps 1.5 MiB, and Go writes one byte as six (\u003c). */
#define KUBE_OBJECT_MOST_BYTES ((size_t)12 << 20)

/* As json_parse, but for depth. */
int kube_json_parse(struct ds_span text, size_t max_bytes, struct json **out,
                    struct ds_err *err) DS_CHECKED;

#endif
