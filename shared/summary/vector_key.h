/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vector_key.h - one column of a SMSPEC to a vector with its canonical key; for smspec.c
 *
 * Pure. Names are any bytes. */
#ifndef DS_SUMMARY_VECTOR_KEY_H
#define DS_SUMMARY_VECTOR_KEY_H

#include "summary/smspec.h"

struct vector_raw {
    struct ds_span keyword, wgname, lgr; /* trimmed */
    int32_t num;
    int32_t local[3];    /* NUMLX, NUMLY, NUMLZ */
    const int32_t *dims; /* grid; 0 unknown */
};

/* Up to the first NUL, without blanks at both ends. */
struct ds_span vector_key_trim(struct ds_span s);

/* What a keyword alone says; the same for a run of columns. */
struct vector_kind {
    struct ds_span keyword; /* borrowed */
    enum vector_class class;
    bool is_rate, is_total, is_history, is_state, is_time;
};

struct vector_kind vector_kind_of(struct ds_span keyword);

/* Fill all of out but unit, place and occurrence. kind: of raw->keyword. out->key is "" when the
 * column holds nothing: a blank keyword, a dummy well, a negative number. DS_ETOOBIG: the
 * arena. */
int vector_key_make(const struct vector_raw *raw, const struct vector_kind *kind,
                    struct ds_arena *a, struct summary_vector *out, struct ds_err *err) DS_CHECKED;

#endif
