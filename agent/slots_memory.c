/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots_memory.c - how many places may be in use at once, and with which limit
 *
 * One budget is shared by all; a running case has reserved its limit until it ends. An equal
 * share is the ordinary limit, so that a case which needs a little more than was estimated
 * is not ended while memory lies idle. Measured peaks change need, and with it n and the
 * share of cases that start later. */
#include "agent/slots.h"
#include "base/buf.h"
#include "base/units.h"

#include <stdio.h>

void slots_resize(struct slots *s, uint64_t need_bytes)
{
    s->n = s->n_max;
    if (s->mem_bytes > 0 && need_bytes > 0) {
        uint64_t fit = s->mem_bytes / need_bytes;
        s->n = fit >= s->n_max ? s->n_max : fit > 0 ? (uint32_t)fit : 1;
    }
    s->need_bytes = need_bytes;
    s->share_bytes = s->mem_bytes / (s->n ? s->n : 1);
}

void slots_why(const struct slots *s, struct ds_buf *out)
{
    char all[UNITS_TEXT_BYTES];
    char need[UNITS_TEXT_BYTES];
    buf_put_span(out, s->why_places);
    if (s->n >= s->n_max)
        return;
    units_format_size(s->mem_bytes, all);
    units_format_size(s->need_bytes, need);
    buf_printf(out, "; memory allows %u at once: %s, %s a case", s->n, all, need);
}

uint64_t slots_need_from_peaks(const struct slots *s, uint64_t estimate_bytes,
                               uint64_t largest_peak_bytes, uint32_t n_peaks)
{
    if (n_peaks == 0 || largest_peak_bytes == 0)
        return estimate_bytes;
    if (largest_peak_bytes > UINT64_MAX / 2)
        return largest_peak_bytes;
    uint64_t need = largest_peak_bytes + largest_peak_bytes * 3 / 20;
    if (s->mem_bytes > 0 && need > s->mem_bytes && largest_peak_bytes <= s->mem_bytes)
        return s->mem_bytes;
    return need;
}

struct slots_admission slots_admit(const struct slots *s, uint32_t n_running,
                                   uint64_t reserved_bytes, uint64_t need_bytes, bool exact)
{
    struct slots_admission wait = {.answer = SLOTS_WAIT};
    struct slots_admission start = {.answer = SLOTS_START, .limit_bytes = need_bytes};
    if (s->mem_bytes > 0 && need_bytes > s->mem_bytes)
        return (struct slots_admission){.answer = SLOTS_NEVER};
    if (n_running >= s->n_max)
        return wait;
    if (s->mem_bytes == 0 || (exact && need_bytes > 0 && n_running == 0))
        return start;
    uint64_t left = reserved_bytes < s->mem_bytes ? s->mem_bytes - reserved_bytes : 0;
    if (n_running == 0)
        left = s->mem_bytes;
    /* nothing known: an equal share has to be free */
    uint64_t least = need_bytes > 0 ? need_bytes : s->share_bytes;
    if (least > left)
        return wait;
    if (exact && need_bytes > 0)
        return start;
    start.limit_bytes = need_bytes > s->share_bytes ? need_bytes : s->share_bytes;
    if (start.limit_bytes > left)
        start.limit_bytes = left;
    return start;
}
