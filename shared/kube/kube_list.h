/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kube_list.h - a list of the API server, object by object
 *
 * A tree of a whole page of pods takes tens of megabytes; so the text is cut at its objects
 * and one tree lives at a time. Texts are hostile. Pure. */
#ifndef DS_KUBE_KUBE_LIST_H
#define DS_KUBE_KUBE_LIST_H

#include "base/json.h"

struct kube_list {
    struct ds_span text, items; /* borrowed; items: what is left between [ and ] */
    struct json *metadata;
    bool first;
};

/* DS_EPARSE, DS_EINPUT: no JSON object with metadata (an object) and items (an array or null).
 * text: borrowed while l is used. gives: kube_list_close. */
int kube_list_open(struct ds_span text, struct kube_list *l, struct ds_err *err) DS_CHECKED;
void kube_list_close(struct kube_list *l);

struct ds_span kube_list_version(const struct kube_list *l); /* "" none */
struct ds_span kube_list_more(const struct kube_list *l);    /* the continue token; "" none */

/* 1 and the next object (gives: json_destroy), 0 at the end, or DS_EPARSE, DS_ETOOBIG. */
int kube_list_next(struct kube_list *l, struct json **object, struct ds_err *err) DS_CHECKED;

#endif
