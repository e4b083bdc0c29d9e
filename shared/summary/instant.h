/* SPDX-License-Identifier: GPL-3.0-or-later */
/* instant.h - float32 TIME back to the instant that the schedule meant
 *
 * TIME is float32 days (hours in LAB) since START: one unit in its last place is 21 s at ten
 * years, 337 s at a hundred. The instant is the nearest multiple of the coarsest of day, hour,
 * minute, second that lies within one such unit; multiples count from START (TSTEP) and
 * from midnight (DATES), START first. Pure. */
#ifndef DS_SUMMARY_INSTANT_H
#define DS_SUMMARY_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#define INSTANT_FIRST_UNIX INT64_C(-62135596800) /* 0001-01-01 */
#define INSTANT_LAST_UNIX  INT64_C(253402300799) /* 9999-12-31T23:59:59 */

/* Seconds since 1970 of a TIME value. start_s: START, in the range above (asserted).
 * false: not finite, negative, or after the year 9999. */
bool summary_instant(int64_t start_s, float time, bool in_hours, int64_t *instant_s);

#endif
