/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/census_work_io.h"

#include <stdarg.h>
#include <stdio.h>

#define LOOK_ARENA_BYTES ((size_t)4 << 30)

void census_say(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' '; /* decks name things: one line stays one */
    (void)printf("%s\n", text);
    (void)fflush(stdout);
}

static uint32_t largest_budget(const struct plan *p)
{
    uint32_t most = p->n_not_converged_args > 0 ? 1 : 0;
    for (unsigned v = VERDICT_DECK_ERROR; v < VERDICT_COUNT; v++)
        if (v != VERDICT_NOT_CONVERGED && p->retries[v] > most)
            most = p->retries[v];
    return most;
}

struct pod_need census_pod_need(const struct census_work *w, uint64_t mem_bytes, uint32_t n_cases)
{
    const struct plan *p = w->view->plan;
    return (struct pod_need){.n_cases = n_cases,
                             .ranks = p->ranks,
                             .threads = p->threads,
                             .mem_bytes = mem_bytes,
                             .scratch_bytes = w->sizing.scratch_bytes,
                             .bundle_bytes = w->view->bundle_bytes,
                             .case_ms = w->sizing.case_ms,
                             .wall_ms = p->wall_ms,
                             .retries = largest_budget(p)};
}

static void fill_totals(struct census_work *w)
{
    const struct census *c = &w->census;
    struct census_totals *t = &w->report.totals;
    *t = (struct census_totals){.n_rows = w->view->design->n_rows,
                                .n_done = c->n_done,
                                .n_failed = c->n_failed,
                                .n_outstanding = c->n_new + c->n_outstanding,
                                .n_no_fit = c->n_no_fit,
                                .n_lacking = c->n_lacking,
                                .n_keys = w->listing.n_keys,
                                .stored_bytes = c->stored_bytes};
    memcpy(t->n_failed_by, c->n_failed_by, sizeof t->n_failed_by);
}

int census_look(struct census_work *w, struct ds_err *err)
{
    const struct planned_view *v = w->view;
    arena_destroy(w->look);
    w->look = arena_create(LOOK_ARENA_BYTES);
    int rc = census_list(w->store, w->prefix, w->look, &w->listing, err);
    if (rc < 0)
        return rc;
    w->evidence = (struct size_evidence){.model_mem_bytes = v->model_mem_bytes};
    census_measure(w->store, w->prefix, v, &w->listing, &w->evidence);
    size_case(v->plan, &w->evidence, &w->sizing); /* disk, which decides where a case fits */
    struct pod_need need = census_pod_need(w, 0, 1);
    w->capacity = pod_capacity(&need, w->nodes, w->n_nodes, &w->limits);
    w->evidence.machine_mem_bytes = w->capacity.mem_bytes;
    size_case(v->plan, &w->evidence, &w->sizing);
    w->measured = (struct measured){.peak_mem_bytes = w->evidence.sibling_peak_bytes,
                                    .estimate_mem_bytes = w->sizing.mem_bytes,
                                    .scratch_bytes = w->sizing.scratch_bytes,
                                    .case_ms = w->sizing.case_ms};
    rc = census_take(v->design, w->listing.keys, w->listing.n_keys, &w->measured, w->capacity,
                     &w->policy, w->look, &w->census, err);
    if (rc == 0)
        fill_totals(w);
    return rc;
}

bool census_is_unmeasured(const struct census_work *w)
{
    return w->evidence.sibling_peak_bytes == 0 && w->evidence.sibling_ms_q50 == 0;
}

uint32_t census_left(const struct census_work *w)
{
    const struct census *c = &w->census;
    return c->n_new + c->n_outstanding + (w->policy.refill ? c->n_lacking : 0);
}
