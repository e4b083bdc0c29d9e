/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.h - the vectors of all cases together, found by key
 *
 * A vector is (key, occurrence): wells whose names share their first 8 characters give one key
 * twice in a case, and are told apart by their order. Pure. */
#ifndef DECKSWEEP_COLLECTOR_SCHEMA_H
#define DECKSWEEP_COLLECTOR_SCHEMA_H

#include "collector/dataset.h"

#define SCHEMA_MAX_VECTORS 100000u
#define SCHEMA_NONE        UINT32_MAX

struct schema {
    struct dataset_vector *vectors;
    uint32_t n, room;
    uint32_t *table; /* open addressing: index + 1 */
    uint32_t mask;
    struct ds_arena *arena;
};

void schema_init(struct schema *s, struct ds_arena *a); /* keeps a */

/* Index, or SCHEMA_NONE. */
uint32_t schema_find(const struct schema *s, struct ds_span key, uint32_t occurrence);

/* Add a vector that is not there; text is copied, name made from key and occurrence. DS_ETOOBIG:
 * more than SCHEMA_MAX_VECTORS, or the arena. */
int schema_add(struct schema *s, const struct dataset_vector *v, uint32_t *index,
               struct ds_err *err) DS_CHECKED;

#endif
