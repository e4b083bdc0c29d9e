/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/scratch_use.h"

#define PAUSE_PERCENT 80u
#define END_PERCENT   95u

uint64_t scratch_budget(uint64_t ephemeral_bytes)
{
    if (ephemeral_bytes == 0)
        return 0;
    return ephemeral_bytes > SCRATCH_OURS_BYTES ? ephemeral_bytes - SCRATCH_OURS_BYTES : 1;
}

static bool is_past(const struct scratch_use *u, unsigned percent)
{
    return u->used_bytes / percent >= u->budget_bytes / 100;
}

static int64_t largest(const struct scratch_use *u)
{
    int64_t best = -1;
    for (size_t i = 0; i < u->n_places; i++)
        if (u->case_bytes[i] > 0 && (best < 0 || u->case_bytes[i] > u->case_bytes[best]))
            best = (int64_t)i;
    return best;
}

struct scratch_wish scratch_decide(const struct scratch_use *u)
{
    struct scratch_wish wish = {.end_one = -1};
    if (u->budget_bytes == 0)
        return wish;
    wish.pause = is_past(u, PAUSE_PERCENT);
    if (!u->ending && is_past(u, END_PERCENT))
        wish.end_one = largest(u);
    return wish;
}
