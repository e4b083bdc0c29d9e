/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.h - which members of an archive are a run's summary. Pure. */
#ifndef DECKSWEEP_COLLECTOR_PARTS_H
#define DECKSWEEP_COLLECTOR_PARTS_H

#include "archive/archive.h"

/* The files of one summary: SMSPEC with UNSMRY before S0001..; FSMSPEC with FUNSMRY, A0001... */
struct parts {
    const struct archive_member *spec; /* NULL: none */
    bool formatted;
    const struct archive_member *const *data; /* in order */
    size_t n_data;
};

/* Find the summary of root (without extension, any case) in folder dir ("" or ending in '/').
 * a keeps out->data. DS_ETOOBIG: the arena. */
int parts_find(const struct archive_index *x, struct ds_span dir, struct ds_span root,
               struct ds_arena *a, struct parts *out, struct ds_err *err) DS_CHECKED;

/* Where the base `root` of a restart lies, as SMSPEC of a case in dir names it: that very
 * path, else the only SMSPEC of that base name anywhere in x, else (root "") the only SMSPEC. Gives
 * folder and root for parts_find; false: nowhere, or in several places. */
bool parts_locate_base(const struct archive_index *x, struct ds_span dir, struct ds_span root,
                       struct ds_arena *a, struct ds_span *base_dir, struct ds_span *base_root);

#endif
