/* SPDX-License-Identifier: GPL-3.0-or-later */
/* siblings.h - which stored cases to look at, to learn what one case needs
 *
 * A sibling has the plan's base digest, simulator and ranks. A case whose id stands in the
 * present design is one for certain, because its id says all that; of the others only their
 * case.json tells, and a store may hold very many of other plans. So: the design's own cases
 * first, then a bounded number of others, spread evenly over the listing. Pure, reentrant. */
#ifndef DS_SCHEDULER_SIBLINGS_H
#define DS_SCHEDULER_SIBLINGS_H

#include "base/arena.h"
#include "decksweep/round.h"

#define SIBLINGS_MAX_LOOKS           256u /* archives opened at most: a tenth of a second in a folder */
#define SIBLINGS_ARENA_BYTES(n_rows) ((size_t)(n_rows)*16 + 65536)

/* Places in keys of the cases to look at, best first; returns how many, at most max.
 * scratch: SIBLINGS_ARENA_BYTES; too small: the design's own are not preferred. O(keys + rows). */
size_t siblings_pick(const struct design *d, const struct listing_key *keys, size_t n_keys,
                     struct ds_arena *scratch, uint32_t *out, size_t max);

#endif
