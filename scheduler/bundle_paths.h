/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bundle_paths.h - decksweep-bundle.json: which files of a brought bundle a sweep file means
 *
 * A sweep file names its deck, table and `files` by paths of the machine where it lies. In a
 * cluster the deck comes as one archive (docs/cluster.md): the plan's own bundle, the case
 * table, and this member, which says where in the archive each of them is. A census plans from
 * it as if the sweep file said these paths; plan digest, ids and numbers are then those of that
 * machine.
 *
 *     {"deck":"model/SPE1.DATA","files":{"GEO":["geo/real-1","geo/real-2"]},
 *      "rewritten":["SPE1.DATA:7: '/x/y.inc' -> 'abs/x/y.inc'"],"table":"decksweep-table.csv",
 *      "version":1}
 *
 * "files" holds the matches of each `files` parameter in their order, "rewritten" what the
 * planner changed when it made the bundle (it stands in the plan). table, files and rewritten
 * may be absent. All paths are safe member names. Pure and reentrant; the text is hostile. */
#ifndef DS_SCHEDULER_BUNDLE_PATHS_H
#define DS_SCHEDULER_BUNDLE_PATHS_H

#include "base/arena.h"
#include "base/buf.h"

#define BUNDLE_PATHS_NAME      "decksweep-bundle.json" /* member of the archive, or file beside */
#define BUNDLE_TABLE_NAME      "decksweep-table.csv"   /* the table's name in archives of ours */
#define BUNDLE_PATHS_MAX_BYTES (32u << 20)
#define BUNDLE_PATHS_VERSION   1

struct bundle_param { /* of kind `files` */
    struct ds_span name;
    const struct ds_span *paths; /* n_paths >= 1, in the order of their values */
    size_t n_paths;
};

struct bundle_paths {
    struct ds_span deck;
    struct ds_span table;              /* "" none */
    const struct bundle_param *params; /* sorted by name, no name twice */
    size_t n_params;
    const struct ds_span *rewritten;
    size_t n_rewritten;
};

/* Append canonical JSON. DS_EINPUT: a path that is no safe member name or no UTF-8 (says which).
 * DS_ETOOBIG: more than BUNDLE_PATHS_MAX_BYTES. */
int bundle_paths_encode(const struct bundle_paths *p, struct ds_buf *out,
                        struct ds_err *err) DS_CHECKED;

/* Decode; a keeps all texts. DS_EINPUT: a path that leaves the bundle (absolute, "..", control
 * bytes), a parameter without paths, a version that this program does not know. DS_EPARSE: no
 * such JSON. DS_ETOOBIG. Unknown keys are ignored. */
int bundle_paths_decode(struct ds_span text, struct ds_arena *a, struct bundle_paths *out,
                        struct ds_err *err) DS_CHECKED;

const struct bundle_param *bundle_paths_find(const struct bundle_paths *p,
                                             struct ds_span name); /* NULL */

/* ---- names that carry the digest of an archive's bytes ---- */

#define BUNDLE_HEX_BYTES 17u /* first 16 hex of SHA-256, terminated */
/* Does the name of a ConfigMap end in "-<16 hex>"? Then out is these. */
bool bundle_name_digest(struct ds_span config_map, char out[BUNDLE_HEX_BYTES]);
/* The archive's name in the sweep's folder of the store: "deck.<16 hex>.tar.zst". What submit puts
 * there itself (deckFrom.store) has the same name. */
#define BUNDLE_KEY_BYTES 40u
void bundle_key_of(const char *hex, char out[BUNDLE_KEY_BYTES]);
/* The archive that spec.deckFrom {kind: name} means, by that name; false: the names tell none. */
bool bundle_key_from(struct ds_span kind, struct ds_span name, char out[BUNDLE_KEY_BYTES]);
/* Is it such a name? Then hex is its digest. */
bool bundle_key_digest(struct ds_span key, char hex[BUNDLE_HEX_BYTES]);

#endif
