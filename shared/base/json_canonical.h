/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json_canonical.h - one text for equal JSON values, for hashing
 *
 * Members sorted by key bytes, no blanks, numbers by value (1e5 and 100000.0 are "100000"),
 * members that are null left out, because API servers drop them. Pure. */
#ifndef DS_BASE_JSON_CANONICAL_H
#define DS_BASE_JSON_CANONICAL_H

#include "base/arena.h"
#include "base/json.h"

/* A member to leave out: object[outer] when inner is NULL, else object[outer][inner]; an outer
 * object that loses its last member so is left out too. */
struct json_skip {
    const char *outer, *inner;
};

/* Append. scratch: 8 bytes a member. DS_ETOOBIG: scratch or out is full, or nested deeper than
 * 48. */
int json_put_canonical(const struct json *value, const struct json_skip *skip, size_t n_skip,
                       struct ds_arena *scratch, struct ds_buf *out, struct ds_err *err) DS_CHECKED;

#endif
