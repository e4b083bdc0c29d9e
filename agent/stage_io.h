/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stage_io.h - from the bundle to the folder of one case
 *
 * The bundle is unpacked once per worker, read-only. A case's folder recreates its tree: files
 * with placeholders are rendered, trimmed files were rendered once, all others are shared. A
 * file is shared by reflink where the file system can; small ones are copied; larger ones are
 * hard links, whose read-only mode keeps a simulator from writing through them; a worker that
 * runs as root, whom modes do not stop, copies them too. Never a symbolic link: Flow writes
 * its output beside the target.
 *
 * Files of a `files` parameter go only into the cases that have that value.
 *
 * stage_create belongs to one thread; stage_case may be called from that thread only. */
#ifndef DS_AGENT_STAGE_IO_H
#define DS_AGENT_STAGE_IO_H

#include "base/arena.h"
#include "decksweep/plan.h"
#include "store/store.h"

struct stage;

/* Read the bundle of the plan from the store and unpack it into <scratch_fd>/bundle.
 *
 * plan, design   borrowed for the life of the stage
 * DS_ECORRUPT: the archive, a member's name, a template or trim that does not match.
 * DS_ENOSPC, DS_EIO and kin. gives: stage_destroy. */
int stage_create(struct store *store, const char *bundle_key, const struct plan *plan,
                 const struct design *design, int scratch_fd, struct stage **out,
                 struct ds_err *err) DS_CHECKED;
void stage_destroy(struct stage *s); /* NULL is legal; leaves the files */

/* Is this path (inside the bundle) an input that every case gets as it is? (not rendered) */
bool stage_is_input(const struct stage *s, struct ds_span path);
/* Is it a file that is rendered for every case (that has it)? */
bool stage_is_rendered(const struct stage *s, struct ds_span path);

struct staged {
    const struct ds_span *values; /* plan->n_params + 3, as parameters_values */
    const struct plan *plan;      /* the plan, words of the command filled in for this case */
};

/* Make <cases_fd>/<name> with everything but the simulator's output: the tree, parameters.json
 * and parameters.txt. name must not exist yet. On failure what was made stays: the caller
 * removes the folder.
 *
 * a      keeps what out refers to
 * DS_ENOSPC, DS_EIO; DS_ECORRUPT: the row. Cost: about 20 us a file. */
int stage_case(struct stage *s, uint32_t row, int cases_fd, const char *name, struct ds_arena *a,
               struct staged *out, struct ds_err *err) DS_CHECKED;

#endif
