/* SPDX-License-Identifier: GPL-3.0-or-later */
/* submit.h - what submit decides and writes, without a cluster in sight. Pure. */
#ifndef DS_CLI_SUBMIT_H
#define DS_CLI_SUBMIT_H

#include "base/buf.h"
#include "base/json.h"

#include <stdint.h>

/* A larger deck goes to the store through a store pod; a ConfigMap holds 1 MiB. */
#define SUBMIT_CONFIG_MAP_BYTES ((uint64_t)900 << 10)
#define SUBMIT_MANIFEST_BYTES   ((size_t)2 << 20)

/* The immutable ConfigMap that brings a deck: one key bundle.tar.zst, owned by the Sweep.
 * bundle: at most SUBMIT_CONFIG_MAP_BYTES. DS_ETOOBIG. */
int submit_config_map(const char *name, const char *namespace_, const char *sweep,
                      const char *sweep_uid, struct ds_span bundle, struct ds_buf *out,
                      struct ds_err *err) DS_CHECKED;

/* Of a ConfigMap with that name: does this Sweep own it (else one of an earlier life does)? */
bool submit_owns(const struct json *config_map, const char *sweep_uid);

/* Is the name taken by a sweep of another deck? The root decks' file names are compared, as a
 * store's plan is (plan_check_deck). DS_EINPUT says both, and --replace. */
int submit_check_deck(const struct json *object, struct ds_span deck,
                      struct ds_err *err) DS_CHECKED;

/* Are these two versions of decksweep fit to work together? */
enum submit_skew {
    SKEW_NONE = 0,
    SKEW_TELL,   /* the same x of 0.x.y, or of x.y.z from 1.0 on */
    SKEW_REFUSE, /* another one: formats may differ */
};
enum submit_skew submit_skew(struct ds_span ours, struct ds_span theirs /* "" unknown: none */);

#endif
