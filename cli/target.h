/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target.h - what TARGET and CASE on the command line mean. Pure. */
#ifndef DS_CLI_TARGET_H
#define DS_CLI_TARGET_H

#include "base/arena.h"
#include "base/json.h"
#include "decksweep/plan.h"
#include "decksweep/round.h"

enum target_kind {
    TARGET_PATH = 1, /* <store>/<sweep> */
    TARGET_FILE,     /* a sweep file: by its ending .yaml or .yml */
    TARGET_NAME,     /* of a Sweep in a cluster */
};

struct target_facts { /* what the world says about the word */
    bool asked;       /* -n, --context or --kubeconfig was given */
    bool has_cluster; /* there is a kubeconfig, or we are in a pod */
    bool is_folder;   /* it names one */
};

struct target_words {
    enum target_kind kind;
    struct ds_span store; /* TARGET_PATH: "results", "s3://bucket/x", "." */
    struct ds_span sweep; /* TARGET_PATH: last component; TARGET_NAME: all of it */
    bool in_cluster;      /* TARGET_NAME; TARGET_FILE: the Sweep of the file's name there */
};

/* Take TARGET apart. With asked it is a name (or a sweep file, for its name); without, a word with
 * a '/' or an existing folder is a path, a sweep file stands for its store, and any other word is
 * a name when there is a cluster, else a path.
 *
 * DS_EINPUT: empty, no sweep's name at its end (".", "..", "/"), a name that is no DNS label of at
 * most 40 characters, pvc:// (names what to give), a path although a cluster was asked for. a: keeps. */
int target_parse(struct ds_span text, struct target_facts facts, struct ds_arena *a,
                 struct target_words *out, struct ds_err *err) DS_CHECKED;

/* CASE -> row of the design: a case number, an id, or the start of one (4 or more digits of which
 * one is a letter, or not a case's number) that only one case has. DS_EINPUT with what there is. Cost: O(rows). */
int target_find_case(const struct design *d, struct ds_span text, uint32_t *row,
                     struct ds_err *err) DS_CHECKED;

/* Key, relative to the sweep's folder, of the archive that shows a case best: the finished one,
 * else its last failed attempt. false: none yet. */
bool target_archive_key(const struct design *d, const struct case_tally *t,
                        char out[RESULT_KEY_BYTES]);

/* Put the key "parameters" with an object of the row's cells: numbers for parameters that are
 * numbers in every case, else text. cells: as design_row gives them. */
void target_put_params(struct json_writer *w, const struct plan *p, const struct design *d,
                       const struct ds_span *cells);

#endif
