/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pod_seen.h - the little that `logs` wants to know of pods. Pure. */
#ifndef DS_CLI_POD_SEEN_H
#define DS_CLI_POD_SEEN_H

#include "base/arena.h"
#include "base/json.h"

struct pod_seen {
    const char *name, *node; /* node "": none yet */
    int64_t created_s;
    char waiting[256]; /* why it has not started: reason and message; "" it has, or ended */
};

/* The items of a PodList; those without a name are left out. a: keeps. DS_ETOOBIG. */
int pod_seen_list(const struct json *list, struct ds_arena *a, struct pod_seen **out, size_t *n,
                  struct ds_err *err) DS_CHECKED;

/* The one created last; of several, the one with the greatest name. NULL: none. */
const struct pod_seen *pod_seen_newest(const struct pod_seen *pods, size_t n);

#endif
