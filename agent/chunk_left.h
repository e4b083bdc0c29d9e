/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_left.h - the cases of one chunk that are really left, from round, design and listing
 *
 * A round is frozen; a worker that comes back to its chunk finds in the store what it has done
 * already: covered cases are left out, failed attempts count. Pure; keys are hostile. */
#ifndef DS_AGENT_CHUNK_LEFT_H
#define DS_AGENT_CHUNK_LEFT_H

#include "agent/dispatch.h"

struct chunk_seen; /* keys as they come, counted for the chunk's cases */

/* round, design: borrowed for the life of the result. index < round->n_chunks, else DS_EINPUT.
 * DS_ECORRUPT: the round names cases that the design lacks. DS_ETOOBIG: the arena.
 * scratch keeps the counting (about 16 bytes a case) until chunk_finish. */
int chunk_begin(const struct round *round, uint32_t index, const struct plan *plan,
                const struct design *design, struct ds_arena *scratch, struct chunk_seen **out,
                struct ds_err *err) DS_CHECKED;

/* One key of the sweep's folder (without the sweep's name). Foreign ones are passed over.
 * DS_ETOOBIG: the arena. */
int chunk_note_key(struct chunk_seen *seen, struct ds_span key, struct ds_err *err) DS_CHECKED;

struct chunk {
    const uint32_t *rows; /* left to do, in the order to run them: what ran out of memory
                             before first, the largest at the head (in a reversed round the smallest) */
    uint32_t n_rows;
    const struct dispatch_prior *prior; /* ascending by row */
    uint32_t n_prior;
    uint32_t n_done; /* left out: covered already, or twice in the chunk */
    struct shape shape;
};

/* a keeps what out refers to. */
int chunk_finish(const struct chunk_seen *seen, struct ds_arena *a, struct chunk *out,
                 struct ds_err *err) DS_CHECKED;

#endif
