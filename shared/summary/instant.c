/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/instant.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define DAY_S INT64_C(86400)

/* Nearest instant that is a whole number of units after an origin phase_s before START;
 * *off_s: how far it is from exact_s. Seconds after START. */
static int64_t nearest(double exact_s, int64_t unit_s, int64_t phase_s, double *off_s)
{
    double units = nearbyint((exact_s + (double)phase_s) / (double)unit_s);
    int64_t snapped_s = (int64_t)units * unit_s - phase_s;
    *off_s = fabs((double)snapped_s - exact_s);
    return snapped_s;
}

bool summary_instant(int64_t start_s, float time, bool in_hours, int64_t *instant_s)
{
    static const int64_t UNITS_S[] = {DAY_S, 3600, 60, 1};
    assert(start_s >= INSTANT_FIRST_UNIX && start_s <= INSTANT_LAST_UNIX);
    double unit_s = in_hours ? 3600.0 : (double)DAY_S;
    double exact_s = (double)time * unit_s;
    if (!(exact_s >= 0) || exact_s > (double)(INSTANT_LAST_UNIX - start_s))
        return false;
    double ulp_s = (double)(nextafterf(time, INFINITY) - time) * unit_s;
    int64_t clock_s = (start_s % DAY_S + DAY_S) % DAY_S; /* START's time of day */
    int64_t after_s = 0;
    for (size_t i = 0; i < sizeof UNITS_S / sizeof UNITS_S[0]; i++) {
        double off_s = 0;
        after_s = nearest(exact_s, UNITS_S[i], 0, &off_s);
        if (off_s <= ulp_s)
            break;
        int64_t on_clock_s = nearest(exact_s, UNITS_S[i], clock_s % UNITS_S[i], &off_s);
        if (off_s <= ulp_s && on_clock_s >= 0) {
            after_s = on_clock_s;
            break;
        }
    }
    *instant_s = start_s + after_s;
    return *instant_s <= INSTANT_LAST_UNIX;
}
