/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbers of a distribution or a range: which are there, and do they make sense. */
#include "base/units.h"
#include "sweep_reader.h"

#include <math.h>
#include <stdio.h>

#define Z90 1.2815515655446004 /* standard normal quantile of 0.9 */

/* The numbers of all kinds; a kind takes some of them. */
enum field { MIN, MODE, MAX, MEAN, SD, Q10, Q90, FROM, TO, COUNT, N_FIELDS };
static const char *const FIELDS[N_FIELDS] = {"min", "mode", "max",  "mean", "sd",
                                             "q10", "q90",  "from", "to",   "count"};
#define BIT(f) (1u << (f))

struct form { /* which fields a kind takes: all of first, or all of other */
    enum param_kind kind;
    unsigned first, other;
};

static const struct form FORMS[] = {
    {PARAM_UNIFORM, BIT(MIN) | BIT(MAX), 0},
    {PARAM_LOGUNIFORM, BIT(MIN) | BIT(MAX), 0},
    {PARAM_NORMAL, BIT(MEAN) | BIT(SD), BIT(Q10) | BIT(Q90)},
    {PARAM_LOGNORMAL, BIT(MEAN) | BIT(SD), BIT(Q10) | BIT(Q90)},
    {PARAM_TRUNCATED_NORMAL, BIT(MEAN) | BIT(SD) | BIT(MIN) | BIT(MAX), 0},
    {PARAM_TRIANGULAR, BIT(MIN) | BIT(MODE) | BIT(MAX), 0},
    {PARAM_PERT, BIT(MIN) | BIT(MODE) | BIT(MAX), 0},
    {PARAM_INTEGERS, BIT(MIN) | BIT(MAX), 0},
    {PARAM_LINSPACE, BIT(FROM) | BIT(TO) | BIT(COUNT), 0},
    {PARAM_LOGSPACE, BIT(FROM) | BIT(TO) | BIT(COUNT), 0},
};

struct given {
    unsigned mask;
    double v[N_FIELDS];
    struct sweep_pos pos[N_FIELDS];
};

static const char *field_name(enum param_kind kind, enum field f)
{
    if (kind == PARAM_LOGNORMAL && (f == MEAN || f == SD))
        return f == MEAN ? "meanlog" : "sdlog";
    return FIELDS[f];
}

static void list_fields(enum param_kind kind, unsigned mask, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    for (unsigned f = 0; f < N_FIELDS && n < room; f++)
        if (mask & BIT(f))
            n += (size_t)snprintf(out + n, room - n, "%s%s", n ? ", " : "",
                                  field_name(kind, (enum field)f));
}

static void unknown_field(struct sweep_reader *r, const char *path, const struct form *form,
                          const struct yaml_node *c)
{
    struct ds_span names[N_FIELDS];
    size_t n = 0;
    for (unsigned f = 0; f < N_FIELDS; f++)
        if ((form->first | form->other) & BIT(f))
            names[n++] = ds_span_of(field_name(form->kind, (enum field)f));
    char near[NEAREST_BYTES], all[100];
    nearest_word(c->key, names, n, near);
    list_fields(form->kind, form->first | form->other, all, sizeof all);
    reader_bad(r, pos_of_key(c), "%s.%.*s: unknown key%s; it takes %s", path,
               (int)(c->key.len > 60 ? 60 : c->key.len), c->key.ptr, near, all);
}

/* The numbers in {min: .., max: ..}; false after a problem. */
static bool read_fields(struct sweep_reader *r, const char *path, const struct form *form,
                        const struct yaml_node *node, struct given *out)
{
    if (!reader_is_map(r, path, node))
        return false;
    reader_report_doubles(r, path, node);
    size_t before = r->problems->n + r->problems->more;
    for (const struct yaml_node *c = node->first; c; c = c->next) {
        unsigned f = 0;
        while (f < N_FIELDS
               && (!((form->first | form->other) & BIT(f))
                   || !ds_span_is(c->key, field_name(form->kind, (enum field)f))))
            f++;
        if (f == N_FIELDS) {
            unknown_field(r, path, form, c);
            continue;
        }
        char sub[READER_PATH_BYTES];
        reader_join(sub, path, ds_span_of(field_name(form->kind, (enum field)f)));
        bool whole = f == COUNT || form->kind == PARAM_INTEGERS;
        double lo = f == COUNT ? 1 : -9007199254740991.0;
        double hi = f == COUNT ? SWEEP_MAX_CASES : 9007199254740991.0;
        if (whole ? reader_whole(r, sub, c, lo, hi, &out->v[f])
                  : reader_number(r, sub, c, &out->v[f])) {
            out->mask |= BIT(f);
            out->pos[f] = pos_of(c);
        }
    }
    if (r->problems->n + r->problems->more > before)
        return false;
    if (out->mask == form->first || (form->other && out->mask == form->other))
        return true;
    char a[80], b[80];
    list_fields(form->kind, form->first, a, sizeof a);
    list_fields(form->kind, form->other, b, sizeof b);
    reader_bad(r, pos_of(node), "%s: write all of %s%s%s, and nothing else", path, a,
               form->other ? "; or " : "", b);
    return false;
}

static void bad_order(struct sweep_reader *r, const char *path, const struct given *g,
                      enum field at, const char *rule)
{
    reader_bad(r, g->pos[at], "%s: the range is empty or turned round; %s is needed", path, rule);
}

static void check_range(struct sweep_reader *r, const char *path, const struct sweep_param *p,
                        const struct given *g)
{
    switch (p->kind) {
    case PARAM_LOGUNIFORM:
        if (!(p->min > 0))
            reader_bad(r, g->pos[MIN], "%s.min: must be above 0, for its logarithm is used", path);
        __attribute__((fallthrough));
    case PARAM_UNIFORM:
        if (!(p->min < p->max))
            bad_order(r, path, g, MAX, "min < max");
        else if (!isfinite(p->max - p->min))
            reader_bad(r, g->pos[MAX], "%s: the range is wider than numbers reach", path);
        break;
    case PARAM_INTEGERS:
        if (!(p->min <= p->max))
            bad_order(r, path, g, MAX, "min <= max");
        break;
    case PARAM_TRIANGULAR:
    case PARAM_PERT:
        if (!(p->min <= p->mode && p->mode <= p->max && p->min < p->max))
            bad_order(r, path, g, MODE, "min <= mode <= max, min < max");
        else if (!isfinite(p->max - p->min))
            reader_bad(r, g->pos[MAX], "%s: the range is wider than numbers reach", path);
        break;
    case PARAM_TRUNCATED_NORMAL:
        if (!(p->min < p->max))
            bad_order(r, path, g, MAX, "min < max");
        else if ((p->min - p->mean) / p->sd > 30 || (p->mean - p->max) / p->sd > 30)
            reader_bad(r, g->pos[MEAN],
                       "%s: min to max is more than 30 sd from the mean; nothing is left of it",
                       path);
        break;
    default:
        break;
    }
}

static void check_space(struct sweep_reader *r, const char *path, const struct sweep_param *p,
                        const struct given *g)
{
    if (p->kind == PARAM_LOGSPACE && !(p->from > 0))
        reader_bad(r, g->pos[FROM], "%s.from: must be above 0", path);
    if (p->kind == PARAM_LOGSPACE && !(p->to > 0))
        reader_bad(r, g->pos[TO], "%s.to: must be above 0", path);
    if (p->from == p->to && p->count > 1)
        reader_bad(r, g->pos[TO], "%s: from and to are equal; the range is empty", path);
    if (p->from != p->to && p->count == 1)
        reader_bad(r, g->pos[COUNT], "%s.count: 1 gives no room for both ends; write at least 2",
                   path);
}

/* mean and sd, or from q10 and q90. */
static void take_normal(struct sweep_reader *r, const char *path, struct sweep_param *p,
                        struct given *g)
{
    bool logs = p->kind == PARAM_LOGNORMAL;
    if (!(g->mask & BIT(Q10))) {
        p->mean = g->v[MEAN];
        p->sd = g->v[SD];
        if (!(p->sd > 0))
            reader_bad(r, g->pos[SD], "%s.%s: must be above 0", path, field_name(p->kind, SD));
        else if (logs && p->mean + 9 * p->sd > 700)
            reader_bad(r, g->pos[MEAN],
                       "%s: e to the meanlog is beyond all numbers; both are natural logarithms",
                       path);
        return;
    }
    if (logs && !(g->v[Q10] > 0)) {
        reader_bad(r, g->pos[Q10], "%s.q10: must be above 0", path);
        return;
    }
    if (!(g->v[Q10] < g->v[Q90])) {
        bad_order(r, path, g, Q90, "q10 < q90");
        return;
    }
    double lo = logs ? log(g->v[Q10]) : g->v[Q10], hi = logs ? log(g->v[Q90]) : g->v[Q90];
    p->mean = lo / 2 + hi / 2;
    p->sd = (hi - lo) / (2 * Z90);
    if (!isfinite(p->sd))
        reader_bad(r, g->pos[Q90], "%s: the range is wider than numbers reach", path);
}

void reader_numbers(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                    struct sweep_param *p)
{
    const struct form *form = FORMS;
    struct given g = {0};
    while (form->kind != p->kind)
        form++;
    if (!read_fields(r, path, form, node, &g))
        return;
    p->min = g.v[MIN];
    p->mode = g.v[MODE];
    p->max = g.v[MAX];
    p->from = g.v[FROM];
    p->to = g.v[TO];
    p->count = (uint32_t)g.v[COUNT];
    size_t before = r->problems->n;
    if (form->first & BIT(SD))
        take_normal(r, path, p, &g);
    if (form->first & BIT(FROM))
        check_space(r, path, p, &g);
    else if (r->problems->n == before)
        check_range(r, path, p, &g);
}
