/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_schema.h - every key of a sweep file, in one table
 *
 * The parser walks it, `init` writes from it, and a test holds docs/sweep-file.md to it. Keys
 * of one parameter (distributions) are in a table of their own, because their names are the
 * user's one level above. */
#ifndef DS_SCHEDULER_SWEEP_SCHEMA_H
#define DS_SCHEDULER_SWEEP_SCHEMA_H

#include "decksweep/sweep.h"

struct sweep_reader; /* sweep_reader.h */
struct sweep_key;

/* Take the value of one key into reader->out, or add problems. node is never null. */
typedef void (*sweep_apply_f)(struct sweep_reader *r, const struct sweep_key *key,
                              const struct yaml_node *node);

struct sweep_key {
    const char *path;     /* "spec.design.samples" */
    const char *type;     /* for people: "whole number, 1 to 1000000" */
    const char *fallback; /* what holds without it; "" nothing; "required" */
    const char *example;  /* a value as it stands in the file */
    const char *help;     /* one sentence */
    sweep_apply_f apply;  /* NULL: a mapping of keys that follow in the table */
    size_t offset;        /* into struct sweep, for the appliers of one field */
    double min, max;      /* of numbers */
    const char *words;    /* of choices: "a|b|c", in the order of their enum from 1 */
};

/* Parents stand before their children. */
const struct sweep_key *sweep_schema_keys(size_t *n);

struct param_key {
    const char *name;     /* "uniform" or a common key, "decimals" */
    enum param_kind kind; /* 0: common to all */
    const char *form;     /* "{min, max}" */
    const char *example;  /* "{uniform: {min: 0.2, max: 0.35}}" */
    const char *help;
};
const struct param_key *sweep_schema_param_keys(size_t *n);
const char *param_kind_name(enum param_kind kind); /* "uniform"; "table" for PARAM_TABLE */

#endif
