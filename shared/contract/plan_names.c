/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of the enums that plan.json and the sweep file share. */
#include "decksweep/sweep.h"

static const char *const METHODS[] = {
    [DESIGN_GRID] = "grid",
    [DESIGN_LATIN_HYPERCUBE] = "latin-hypercube",
    [DESIGN_SOBOL] = "sobol",
    [DESIGN_MONTE_CARLO] = "monte-carlo",
    [DESIGN_ONE_AT_A_TIME] = "one-at-a-time",
    [DESIGN_TABLE] = "table",
};

static const char *const JUDGES[] = {
    [JUDGE_FLOW] = "flow",
    [JUDGE_ECLIPSE] = "eclipse",
    [JUDGE_FILES] = "files",
};

const char *design_method_name(enum design_method m)
{
    return m >= DESIGN_GRID && m <= DESIGN_TABLE ? METHODS[m] : "unknown";
}

enum design_method design_method_from_name(struct ds_span name)
{
    for (size_t i = DESIGN_GRID; i < DS_COUNT(METHODS); i++)
        if (ds_span_is(name, METHODS[i]))
            return (enum design_method)i;
    return 0;
}

const char *judge_kind_name(enum judge_kind k)
{
    return k >= JUDGE_FLOW && k <= JUDGE_FILES ? JUDGES[k] : "unknown";
}

enum judge_kind judge_kind_from_name(struct ds_span name)
{
    for (size_t i = JUDGE_FLOW; i < DS_COUNT(JUDGES); i++)
        if (ds_span_is(name, JUDGES[i]))
            return (enum judge_kind)i;
    return 0;
}
