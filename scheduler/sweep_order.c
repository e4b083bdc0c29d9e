/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sweep_order.h"

#include "expr.h"

/* By name, or -1; params are sorted. */
static ptrdiff_t index_of(const struct sweep *s, struct ds_span name)
{
    size_t lo = 0, hi = s->n_params;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = ds_span_compare(s->params[mid].name, name);
        if (c == 0)
            return (ptrdiff_t)mid;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

/* Is everything that expression p uses known already? */
static bool is_ready(const struct sweep *s, const struct sweep_param *p, const bool *done)
{
    struct expr_name names[EXPR_MAX_NAMES];
    size_t n, at;
    if (expr_scan(p->expression, names, &n, &at, NULL) < 0)
        return true;
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t used = index_of(s, names[i].name);
        if (used >= 0 && &s->params[used] != p && s->params[used].kind == PARAM_EXPRESSION
            && !done[used])
            return false;
    }
    return true;
}

int sweep_order_expressions(const struct sweep *s, size_t *order, size_t *n, size_t *stuck)
{
    bool done[SWEEP_MAX_PARAMETERS] = {false};
    bool again = true;
    *n = 0;
    while (again) { /* each pass finds at least one, or ends it */
        again = false;
        for (size_t i = 0; i < s->n_params; i++) {
            if (s->params[i].kind != PARAM_EXPRESSION || done[i]
                || !is_ready(s, &s->params[i], done))
                continue;
            done[i] = again = true;
            order[(*n)++] = i;
        }
    }
    for (size_t i = 0; i < s->n_params; i++)
        if (s->params[i].kind == PARAM_EXPRESSION && !done[i]) {
            *stuck = i;
            return DS_EINPUT;
        }
    return 0;
}
