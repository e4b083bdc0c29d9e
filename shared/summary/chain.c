/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/chain.h"

#include <assert.h>
#include <math.h>

struct ds_span chain_base_root(const struct smspec *spec)
{
    return spec->restart_root;
}

/* What a link gives to the history: its reports with numbers in (restart, until]. */
struct share {
    size_t n_steps;     /* its first so many steps */
    uint32_t n_missing; /* reports that it should have and has not */
};

/* A report's number is the restart step plus its place: SEQHDR means other things elsewhere. */
static struct share share_of(const struct chain_link *link, int32_t until)
{
    const struct unsmry *u = link->data;
    struct share s = {u->n_steps, 0};
    if (until < 0) /* the case itself: all */
        return s;
    int64_t want = (int64_t)until - link->spec->restart_step;
    if (want <= 0)
        return (struct share){0, 0};
    if ((uint64_t)want > u->n_reports)
        s.n_missing = (uint32_t)(want - (int64_t)u->n_reports);
    else
        s.n_steps = (size_t)u->reports[want - 1] + 1;
    return s;
}

static float time_of(const struct chain_link *link, size_t step)
{
    float time = NAN;
    uint32_t one = (uint32_t)step, place = link->spec->time_place;
    if (place < link->data->n_params)
        unsmry_read_columns(link->data, &one, 1, &place, 1, &time, 1);
    return time;
}

/* An unfinished or overlapping base must not mix into what the continuation computed. */
static size_t steps_before(const struct chain_link *link, size_t n, float first)
{
    while (n > 0 && !isnan(first)) {
        float time = time_of(link, n - 1);
        if (isnan(time) || time < first)
            break;
        n--;
    }
    return n;
}

static int check_links(const struct chain_link *links, size_t n, struct ds_err *err)
{
    for (size_t i = 1; i < n; i++) {
        const struct smspec *own = links[i - 1].spec, *base = links[i].spec;
        if (own->has_start && base->has_start && own->start_s != base->start_s)
            return ds_fail(err, DS_ECORRUPT,
                           "the base '%.*s' of the restart has another START than its continuation",
                           DS_FMT(own->restart_root));
        if (own->in_hours != base->in_hours
            || (own->units && base->units && own->units != base->units))
            return ds_fail(err, DS_ECORRUPT, "the base '%.*s' of the restart has other units",
                           DS_FMT(own->restart_root));
        if (base->restart_step >= own->restart_step)
            return ds_fail(err, DS_ECORRUPT,
                           "a case that continues from report step %d names a base that itself "
                           "continues from step %d",
                           own->restart_step, base->restart_step);
    }
    return 0;
}

static const uint32_t *map_columns(const struct smspec *own, const struct smspec *base,
                                   struct ds_arena *a)
{
    uint32_t *columns = ds_new(a, uint32_t, own->n_vectors);
    for (size_t i = 0; columns && i < own->n_vectors; i++) {
        const struct summary_vector *v = &own->vectors[i];
        const struct summary_vector *there =
            own == base ? v : smspec_find(base, v->key, v->occurrence);
        columns[i] = there ? there->place : SMSPEC_NONE;
    }
    return columns;
}

/* How many links there are to use: up to the first that continues nothing. */
static size_t used_links(const struct chain_link *links, size_t n)
{
    size_t used = 1;
    while (used < n && links[used - 1].spec->restart_step > 0)
        used++;
    return used;
}

static void add_steps(struct chain *c, uint32_t link, size_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bool is_report = c->links[link].data->steps[i].is_report;
        if (is_report)
            c->reports[c->n_reports++] = (uint32_t)c->n_steps;
        c->steps[c->n_steps++] = (struct chain_step){link, i, is_report};
    }
}

int chain_join(const struct chain_link *links, size_t n_links, struct ds_arena *a,
               struct chain *out, struct ds_err *err)
{
    assert(n_links >= 1 && n_links <= CHAIN_MAX_LINKS);
    size_t n[CHAIN_MAX_LINKS], total = 0;
    struct chain c = {.links = links, .missing_root = {"", 0}};
    c.n_links = used_links(links, n_links);
    int rc = check_links(links, c.n_links, err);
    if (rc < 0)
        return rc;
    float first = NAN;
    for (size_t i = 0; i < c.n_links; i++) {
        struct share s = share_of(&links[i], i == 0 ? -1 : links[i - 1].spec->restart_step);
        n[i] = steps_before(&links[i], s.n_steps, first);
        c.n_missing_reports += s.n_missing;
        total += n[i];
        if (n[i] > 0)
            first = time_of(&links[i], 0);
    }
    const struct smspec *last = links[c.n_links - 1].spec;
    if (last->restart_step > 0) {
        c.missing_root = last->restart_root;
        c.n_missing_reports += (uint32_t)last->restart_step;
    }
    const uint32_t **columns = ds_new(a, const uint32_t *, c.n_links);
    c.steps = ds_new(a, struct chain_step, total);
    c.reports = ds_new(a, uint32_t, total);
    if (!columns || !c.steps || !c.reports || total >= UINT32_MAX)
        return ds_fail(err, DS_ETOOBIG, "no room for a history of %zu steps", total);
    for (size_t i = 0; i < c.n_links; i++) {
        columns[i] = map_columns(links[0].spec, links[i].spec, a);
        if (!columns[i])
            return ds_fail(err, DS_ETOOBIG, "no room for the columns of a restart's base");
    }
    c.columns = columns;
    for (size_t i = c.n_links; i-- > 0;)
        add_steps(&c, (uint32_t)i, n[i]);
    *out = c;
    return 0;
}

static float column_value(const struct chain *c, uint32_t link, uint32_t vector, const float *row)
{
    uint32_t place = c->columns[link][vector];
    return place < c->links[link].data->n_params ? row[place] : NAN;
}

void chain_read_columns(const struct chain *c, const uint32_t *steps, size_t n_steps,
                        const uint32_t *vectors, size_t n_vectors, float *out, size_t stride)
{
    assert(stride >= n_steps);
    for (size_t s = 0; s < n_steps; s++) {
        const struct chain_step *at = &c->steps[steps ? steps[s] : s];
        const struct unsmry *u = c->links[at->link].data;
        unsmry_read_row(u, at->step, u->batch);
        for (size_t v = 0; v < n_vectors; v++) {
            assert(vectors[v] < c->links[0].spec->n_vectors);
            out[v * stride + s] = column_value(c, at->link, vectors[v], u->batch);
        }
    }
}
