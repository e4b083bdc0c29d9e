/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What workers report, as the next census learns it: all indexes of all rounds of this plan. */
#include "base/fs_io.h"
#include "scheduler/census_io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB    (UINT64_C(1) << 20)
#define PLAN   "0123456789abcdef"
#define PREFIX "s/"

struct report {
    uint32_t round, index;
    const char *plan;
    uint64_t n_ok, n_failed, peak_mib, ms_q50;
};

#define MAX_REPORTS 4
struct row {
    const char *claim;
    struct report reports[MAX_REPORTS];
    uint64_t peak_mib, ms_q50;
    uint32_t n_siblings;
};

static const struct row ROWS[] = {
    {"nothing at all", {{0}}, 0, 0, 0},
    {"one worker", {{1, 0, PLAN, 10, 0, 70, 900}}, 70, 900, 10},
    {"the largest peak of all indexes, whichever it is",
     {{1, 0, PLAN, 10, 0, 70, 900}, {1, 1, PLAN, 10, 0, 95, 900}, {1, 2, PLAN, 10, 0, 60, 900}},
     95,
     900,
     30},
    {"workers count as often as they ran cases",
     {{1, 0, PLAN, 2, 0, 70, 100}, {1, 1, PLAN, 50, 0, 70, 800}, {1, 17, PLAN, 2, 0, 70, 9000}},
     70,
     800,
     54},
    {"an odd worker does not move the median",
     {{1, 0, PLAN, 10, 0, 70, 500}, {2, 0, PLAN, 10, 0, 70, 510}, {2, 1, PLAN, 1, 0, 70, 99999}},
     70,
     510,
     21},
    {"reports of another plan are not of these cases",
     {{1, 0, "fedcba9876543210", 10, 0, 7000, 90000}, {2, 0, PLAN, 1, 0, 70, 500}},
     70,
     500,
     1},
    {"failed attempts tell a time only where none ended well",
     {{1, 0, PLAN, 0, 40, 0, 30}, {2, 0, PLAN, 1, 0, 70, 500}},
     70,
     500,
     1},
    {"where none ended well they do", {{1, 0, PLAN, 0, 40, 0, 30}}, 0, 30, 0},
};

struct world {
    char dir[4096];
    struct store *store;
};

static void build(struct world *w)
{
    char here[2048];
    struct ds_err err = {0};
    cr_assert(getcwd(here, sizeof here) != NULL);
    (void)snprintf(w->dir, sizeof w->dir, "%s/build/tmp", here);
    cr_assert_eq(fs_make_dirs(w->dir, &err), 0, "%s", err.text);
    (void)snprintf(w->dir, sizeof w->dir, "%s/build/tmp/measure-XXXXXX", here);
    cr_assert(mkdtemp(w->dir) != NULL);
    cr_assert_eq(store_open(w->dir, STORE_WRITE, &w->store, &err), 0, "%s", err.text);
}

static void put(struct world *w, const char *key, const void *data, size_t n)
{
    struct ds_err err = {0};
    struct store_body body = {.data = data, .fd = -1, .len = n};
    cr_assert_eq(store_put(w->store, key, body, &err), 0, "%s", err.text);
}

static void put_report(struct world *w, const struct report *from)
{
    struct chunk_report r = {
        .round = from->round,
        .index = from->index,
        .attempts = {[VERDICT_OK] = from->n_ok, [VERDICT_CRASHED] = from->n_failed},
        .peak_mem_bytes = from->peak_mib * MIB,
        .run_ms_q50 = from->ms_q50,
        .run_ms_max = from->ms_q50 * 2};
    char key[64];
    ds_auto_buf text;
    buf_init(&text, 65536);
    memcpy(r.plan_digest, from->plan, sizeof r.plan_digest);
    cr_assert_eq(chunk_report_encode(&r, &text, NULL), 0);
    (void)snprintf(key, sizeof key, PREFIX "rounds/%u.%u.json", from->round, from->index);
    put(w, key, text.data, text.len);
}

static void take_down(struct world *w)
{
    store_close(w->store);
    cr_assert_eq(fs_remove_tree_at(AT_FDCWD, w->dir, NULL), 0);
}

Test(census_measure, learns_from_every_index_of_every_round)
{
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        const struct row *r = &ROWS[i];
        struct world w;
        build(&w);
        put(&w, PREFIX "rounds/3.json", "{}", 2);
        put(&w, PREFIX "rounds/note.json", "{}", 2);
        put(&w, PREFIX "rounds/2.x.json", "{}", 2);
        put(&w, PREFIX "rounds/1.9.json", "damaged", 7);
        for (size_t k = 0; k < MAX_REPORTS && r->reports[k].plan; k++)
            put_report(&w, &r->reports[k]);
        struct sweep_listing listing;
        struct size_evidence e = {0};
        struct plan plan = {.ranks = 1};
        struct design design = {0};
        struct planned_view view = {.plan = &plan, .design = &design, .digest = PLAN};
        ds_auto_arena a = arena_create(1 << 20);
        cr_assert_eq(census_list(w.store, PREFIX, a, &listing, NULL), 0);
        cr_expect_eq(listing.last_round, 3);
        census_measure(w.store, PREFIX, &view, &listing, &e);
        cr_expect_eq(e.sibling_peak_bytes, r->peak_mib * MIB, "%s: %llu MiB", r->claim,
                     (unsigned long long)(e.sibling_peak_bytes / MIB));
        cr_expect_eq(e.sibling_ms_q50, r->ms_q50, "%s: %llu ms", r->claim,
                     (unsigned long long)e.sibling_ms_q50);
        cr_expect_eq(e.n_siblings, r->n_siblings, "%s: %u", r->claim, e.n_siblings);
        take_down(&w);
    }
}
