/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index.h - which archive each row of the design is read from, by the store's keys alone
 *
 * Rows with equal ids share one slot. A slot's source is the best archive under cases/ (one
 * with the summary class before one without, then the longest keep word), else the
 * archive of the highest failed attempt. Pure. */
#ifndef DECKSWEEP_COLLECTOR_INDEX_H
#define DECKSWEEP_COLLECTOR_INDEX_H

#include "base/arena.h"
#include "decksweep/plan.h"

struct index_slot {
    uint32_t first_row;
    struct ds_span key; /* inside the sweep's folder, terminated; "" nothing yet */
    uint64_t size_bytes;
    int64_t mtime_ms;     /* as listed */
    enum verdict verdict; /* OK for keys under cases/, NONE when there is nothing */
    uint32_t attempt;     /* of a failed source */
    uint32_t n_failed;    /* archives under failed/ */
    char keep[KEEP_WORD_BYTES];
};

struct index {
    struct index_slot *slots;
    uint32_t n_slots;
    uint32_t *slot_of_row; /* n_rows */
    uint32_t *table;       /* open addressing: slot + 1 */
    uint32_t mask;
    struct ds_arena *arena;
    const struct design *design; /* borrowed */
};

/* DS_ETOOBIG: the arena (about 150 bytes a row). a keeps. */
int index_start(const struct design *d, struct ds_arena *a, struct index *out,
                struct ds_err *err) DS_CHECKED;
/* One key of the listing, relative to the sweep's folder, in any order; keys that are not
 * ours or of no row are passed over. DS_ETOOBIG: the arena. */
int index_add(struct index *x, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms,
              struct ds_err *err) DS_CHECKED;

#endif
