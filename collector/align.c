/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/align.h"

#include "base/units.h"

#include <math.h>

#define DAY_S INT64_C(86400)

static bool covers(const struct align_times *have, const int64_t *more, size_t n)
{
    size_t i = 0;
    for (size_t j = 0; j < n; j++) {
        while (i < have->n && have->at_s[i] < more[j])
            i++;
        if (i == have->n || have->at_s[i] != more[j])
            return false;
    }
    return true;
}

int align_unite(struct align_times *into, const int64_t *more, size_t n, struct ds_arena *a,
                struct ds_err *err)
{
    if (covers(into, more, n))
        return 0;
    int64_t *all = ds_new(a, int64_t, into->n + n);
    if (!all)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu times", into->n + n);
    size_t i = 0, j = 0, k = 0;
    while (i < into->n || j < n) {
        bool left = j == n || (i < into->n && into->at_s[i] <= more[j]);
        int64_t t = left ? into->at_s[i] : more[j];
        if (i < into->n && into->at_s[i] == t)
            i++;
        if (j < n && more[j] == t)
            j++;
        all[k++] = t;
    }
    if (k > ALIGN_MAX_TIMES)
        return ds_fail(err, DS_ETOOBIG,
                       "the cases have more than %u distinct report times; collect on a grid "
                       "(collect.times: monthly, yearly or {every: 30d})",
                       ALIGN_MAX_TIMES);
    *into = (struct align_times){all, k};
    return 0;
}

bool align_has(const struct align_times *times, int64_t instant_s)
{
    size_t low = 0, high = times->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (times->at_s[middle] < instant_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low < times->n && times->at_s[low] == instant_s;
}

/* The k-th instant of the grid after start, k = 1 .. */
static int64_t grid_instant(const struct sweep_collect *what, int64_t start_s, int64_t k)
{
    if (what->times == TIMES_EVERY)
        return start_s + k * what->every_s;
    int64_t day = start_s / DAY_S - (start_s % DAY_S < 0), year = 0;
    unsigned month = 0, dom = 0;
    units_civil_from_days(day, &year, &month, &dom);
    if (what->times == TIMES_YEARLY)
        return units_days_from_civil(year + k, 1, 1) * DAY_S;
    int64_t months = year * 12 + (int64_t)month - 1 + k;
    return units_days_from_civil(months / 12, (unsigned)(months % 12) + 1, 1) * DAY_S;
}

static int make_grid(const struct sweep_collect *what, int64_t start_s, int64_t last_s,
                     struct ds_arena *a, struct align_times *out, struct ds_err *err)
{
    size_t n = 0;
    while (grid_instant(what, start_s, (int64_t)n + 1) <= last_s) {
        if (++n > ALIGN_MAX_TIMES)
            return ds_fail(err, DS_ETOOBIG,
                           "collect.times gives more than %u times; use a "
                           "longer interval",
                           ALIGN_MAX_TIMES);
    }
    int64_t *at = ds_new(a, int64_t, n);
    if (!at)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu times", n);
    for (size_t i = 0; i < n; i++)
        at[i] = grid_instant(what, start_s, (int64_t)i + 1);
    *out = (struct align_times){at, n};
    return 0;
}

static int copy_dates(const struct sweep_collect *what, struct ds_arena *a, struct align_times *out,
                      struct ds_err *err)
{
    if (what->n_dates > ALIGN_MAX_TIMES)
        return ds_fail(err, DS_ETOOBIG, "collect.times: more than %u dates", ALIGN_MAX_TIMES);
    int64_t *at = ds_new(a, int64_t, what->n_dates);
    if (!at)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu dates", what->n_dates);
    size_t n = 0;
    for (size_t i = 0; i < what->n_dates; i++)
        if (n == 0 || what->dates[i] > at[n - 1])
            at[n++] = what->dates[i];
    *out = (struct align_times){at, n};
    return 0;
}

int align_axis(const struct sweep_collect *what, const struct align_times *reports, int64_t start_s,
               struct ds_arena *a, struct align_times *out, struct ds_err *err)
{
    switch (what->times) {
    case TIMES_DATES:
        return copy_dates(what, a, out, err);
    case TIMES_EVERY:
    case TIMES_MONTHLY:
    case TIMES_YEARLY:
        if (reports->n == 0 || (what->times == TIMES_EVERY && what->every_s <= 0)) {
            *out = (struct align_times){NULL, 0};
            return 0;
        }
        return make_grid(what, start_s, reports->at_s[reports->n - 1], a, out, err);
    case TIMES_REPORT:
        break;
    }
    *out = *reports;
    return 0;
}

bool align_misses_last(const struct sweep_collect *what, const struct align_times *reports,
                       const struct align_times *axis)
{
    if (what->times == TIMES_REPORT || what->times == TIMES_DATES || reports->n == 0)
        return false;
    return axis->n == 0 || axis->at_s[axis->n - 1] < reports->at_s[reports->n - 1];
}

void align_map(const struct align_times *axis, const int64_t *reports, size_t n, bool on_grid,
               int64_t start_s, struct align_source *out)
{
    size_t j = 0;
    for (size_t i = 0; i < axis->n; i++) {
        int64_t t = axis->at_s[i];
        while (j < n && reports[j] < t)
            j++;
        out[i] = (struct align_source){ALIGN_NONE, ALIGN_NONE, 1.0};
        if (j == n)
            continue;
        if (reports[j] == t) {
            out[i] = (struct align_source){(uint32_t)j, (uint32_t)j, 1.0};
        } else if (on_grid && t > start_s) {
            out[i].after = (uint32_t)j;
            if (j > 0) {
                out[i].before = (uint32_t)j - 1;
                out[i].weight =
                    (double)(t - reports[j - 1]) / (double)(reports[j] - reports[j - 1]);
            }
        }
    }
}

bool align_is_straight(const struct align_source *map, size_t n_times)
{
    for (size_t i = 0; i < n_times; i++)
        if (map[i].before != i || map[i].after != i)
            return false;
    return true;
}

void align_fill(const float *values, const struct align_source *map, size_t n_times,
                bool interpolate, float *out)
{
    for (size_t i = 0; i < n_times; i++) {
        struct align_source s = map[i];
        if (s.after == ALIGN_NONE || (interpolate && s.before == ALIGN_NONE)) {
            out[i] = NAN;
        } else if (!interpolate || s.before == s.after) {
            out[i] = values[s.after];
        } else {
            double low = (double)values[s.before], high = (double)values[s.after];
            out[i] = (float)(low + (high - low) * s.weight);
        }
    }
}
