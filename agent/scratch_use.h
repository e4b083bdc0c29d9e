/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch_use.h - how much of a pod's scratch is used, and what follows. Pure.
 *
 * A kubelet evicts a whole pod that outgrows its ephemeral-storage limit, with every slot's
 * case. So a worker in a pod looks first: at 80 % nothing new starts, at 95 % the case with the
 * largest folder is ended as out-of-disk, and the others go on. */
#ifndef DS_AGENT_SCRATCH_USE_H
#define DS_AGENT_SCRATCH_USE_H

#include "decksweep/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the pod's ephemeral storage that is not for cases: programs, log, /tmp. */
#define SCRATCH_OURS_BYTES ((uint64_t)256 << 20)

struct scratch_use {
    uint64_t budget_bytes; /* for everything in scratch; 0: not limited */
    uint64_t used_bytes;
    const uint64_t *case_bytes; /* by place; 0: nothing runs there */
    size_t n_places;
    bool ending; /* a case that was ended for its size is not gone yet */
};

struct scratch_wish {
    bool pause;      /* start nothing new */
    int64_t end_one; /* place whose case is to be ended; -1 none */
};
struct scratch_wish scratch_decide(const struct scratch_use *u);

/* From what the pod is allowed in all (request = limit); 0 in, 0 out. Less than our own part
 * leaves nothing: 1 byte. */
uint64_t scratch_budget(uint64_t ephemeral_bytes);

#endif
