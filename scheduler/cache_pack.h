/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_pack.h - an object as one block of memory for the cache; only cache.c includes it. Pure. */
#ifndef DS_SCHEDULER_CACHE_PACK_H
#define DS_SCHEDULER_CACHE_PACK_H

#include "scheduler/cache.h"

struct packed {
    void *block;           /* malloc; NULL: not of interest (a pod of a DaemonSet that has ended) */
    const char *owner_uid; /* in the block; "" */
    bool differs;          /* from before, in what a decision reads; true when before is NULL */
};

/* before: the packed record of this object, or NULL. Fails as the decoders of views.h do. */
int cache_pack(enum cache_kind kind, const struct json *object, const struct object_ref *ref,
               struct ds_arena *scratch, const void *before, int64_t now_s, struct packed *out,
               struct ds_err *err) DS_CHECKED;

/* The same Job with other words, in a new block. */
void cache_pack_why(const struct job_view *old, const char *owner_uid, const char *why,
                    struct packed *out);

#endif
