/* SPDX-License-Identifier: GPL-3.0-or-later */
/* yaml.h - a YAML document as a plain tree, read through libyaml
 *
 * For files people write: one document of mappings, sequences and scalars, UTF-8 (a byte
 * order mark is skipped). Refused, because they surprise or explode: anchors, aliases, tags,
 * merge keys, keys that are no scalars, a second document, NUL bytes and UTF-16, nesting
 * deeper than YAML_MAX_DEPTH, more than YAML_MAX_NODES nodes. Public source of the format:
 * https://yaml.org/spec/1.1/. Pure and reentrant; texts are hostile. */
#ifndef DS_BASE_YAML_H
#define DS_BASE_YAML_H

#include "base/arena.h"

#define YAML_MAX_DEPTH 16u
#define YAML_MAX_NODES 200000u

enum yaml_kind { YAML_SCALAR = 1, YAML_LIST, YAML_MAP };

/* A list's items and a map's values are linked through next; key is set inside a map. */
struct yaml_node {
    enum yaml_kind kind;
    bool quoted;        /* scalar in quotes or a block scalar: text, never a number or null */
    bool block;         /* scalar after | or >: its bytes start on a later line */
    bool duplicate;     /* this key stood in the map before */
    bool is_key_quoted; /* of key */
    unsigned line;      /* 1-based, of the value's first byte */
    unsigned column;    /* 1-based, in characters */
    unsigned key_line, key_column;
    struct ds_span key;  /* "" in lists and for the root */
    struct ds_span text; /* scalar: content without quotes and escapes; else "" */
    size_t n;            /* children */
    struct yaml_node *first, *next;
};

/* Where a text is wrong. */
struct yaml_mark {
    unsigned line, column; /* 1-based */
};

/* Parse a whole text. max_bytes: larger texts are refused before anything is read.
 *
 * text    borrows for the call; the tree has its own copies
 * a       keeps the tree: at most about 150 bytes a node and the text
 * out     gives the root (a map, list or scalar); NULL for an empty document
 * where   gives the place of the failure; may be NULL
 *
 * DS_EPARSE (syntax, with libyaml's words), DS_EUNSUPPORTED (what is refused above),
 * DS_ETOOBIG (a bound, the arena). err's text has no position: it is in *where. */
int yaml_parse(struct ds_span text, size_t max_bytes, struct ds_arena *a, struct yaml_node **out,
               struct yaml_mark *where, struct ds_err *err) DS_CHECKED;

/* The value under key in a map, the first one if it stands there twice; NULL: not there, or no
 * map, or map is NULL. Linear. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Nothing: absent (NULL), empty, ~ or null without quotes. */
bool yaml_is_null(const struct yaml_node *node);

/* Is it an unquoted scalar that reads as a number? out may be NULL. */
bool yaml_number(const struct yaml_node *node, double *out);

#endif
