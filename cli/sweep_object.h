/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_object.h - a sweep file as the object that an API server takes
 *
 * The file says what it says on a laptop: comments go, keys without a value go, a number
 * keeps its value without passing through anything that rounds, and a text stays a text, also one
 * that looks like a number (version: 2022.10), because here the place of a key decides what
 * stands there, not the look of its value. Pure; the file has passed sweep_parse before. */
#ifndef DS_CLI_SWEEP_OBJECT_H
#define DS_CLI_SWEEP_OBJECT_H

#include "base/buf.h"
#include "base/yaml.h"

#define SWEEP_OBJECT_BYTES ((size_t)8 << 20)

/* What submit says in the file's stead. NULL: as the file has it. */
struct sweep_edit {
    const char *image;      /* spec.simulator.image */
    const char *config_map; /* spec.deckFrom.configMap, instead of all of deckFrom */
    const char *store_key;  /* spec.deckFrom.store, likewise */
    const char *run;        /* spec.run */
    const char *once_token; /* spec.once with once_do; NULL: once goes, unless keep_once */
    const char *once_do[4];
    bool keep_once; /* the file's own */
};

/* Append the value of spec as JSON. DS_EINPUT: no mapping spec. DS_ETOOBIG. */
int sweep_object_put_spec(const struct yaml_node *root, const struct sweep_edit *e,
                          struct ds_buf *out, struct ds_err *err) DS_CHECKED;

/* Append the whole object: apiVersion, kind, metadata (name, the file's labels and annotations) in
 * namespace_, spec. */
int sweep_object_put(const struct yaml_node *root, const struct sweep_edit *e,
                     const char *namespace_, struct ds_buf *out, struct ds_err *err) DS_CHECKED;

/* Append the JSON Patch (RFC 6902) that gives the object with that resourceVersion this spec and adds
 * the file's labels and annotations; what else stands in metadata stays. has_labels,
 * has_annotations: does the object have any? */
int sweep_object_put_patch(const struct yaml_node *root, const struct sweep_edit *e,
                           const char *resource_version, bool has_labels, bool has_annotations,
                           struct ds_buf *out, struct ds_err *err) DS_CHECKED;

/* Append a YAML number as JSON: "+5" -> 5, ".5" -> 0.5, "1e5" -> 100000, "0.10" as it is. A whole number
 * below 2^53 becomes plain digits, which integer fields of a CRD want. false: it is none. */
bool sweep_object_put_number(struct ds_span text, struct ds_buf *out);

#endif
