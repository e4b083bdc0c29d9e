/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/files_values.h"
#include "base/buf.h"
#include "decksweep/sweep.h"

#include <criterion/criterion.h>

static const struct plan_param params[] = {
    {.name = {"FLT", 3}, .is_files = true},
    {.name = {"GEO", 3}, .is_files = true},
};
static const struct plan plan = {.deck_dir = {"model/", 6}, .params = params, .n_params = 2};
static struct ds_arena *a;
static struct files_values values;

static void make(void)
{
    struct ds_err err = {0};
    struct design d;
    a = arena_create(1 << 20);
    cr_assert_eq(design_decode(DS_SPAN("case,id,FLT,GEO\n"
                                       "0,0000000000000000,geo/one/f/a.inc,geo/one\n"
                                       "1,1111111111111111,../b.inc,geo/one\n"
                                       "2,2222222222222222,geo/one/f/a.inc,geo/two\n"),
                               a, &d, &err),
                 0, "%s", err.text);
    cr_assert_eq(files_values_find(&plan, &d, a, &values, &err), 0, "%s", err.text);
}
static void clear(void)
{
    arena_destroy(a);
}
TestSuite(files_values, .init = make, .fini = clear);

Test(files_values, are_the_distinct_paths_in_the_bundle)
{
    static const char *const want[] = {"b.inc", "model/geo/one", "model/geo/one/f/a.inc",
                                       "model/geo/two"};
    cr_assert_eq(values.n, DS_COUNT(want));
    for (size_t i = 0; i < values.n; i++)
        cr_expect(ds_span_is(values.paths[i], want[i]), "%s", want[i]);
}

Test(files_values, a_file_belongs_to_every_case_with_a_value_at_or_above_it)
{
    static const struct {
        const char *path;
        bool of_case[3];
    } CASES[] = {
        {"b.inc", {false, true, false}},
        {"model/b.inc", {true, true, true}},
        {"model/geo/one/f/a.inc", {true, true, true}},
        {"model/geo/one/f/b.inc", {true, true, false}},
        {"model/geo/two/f/a.inc", {false, false, true}},
        {"model/geo/one.inc", {true, true, true}},
    };
    static const char *const has[3][2] = {
        {"geo/one/f/a.inc", "geo/one"}, {"../b.inc", "geo/one"}, {"geo/one/f/a.inc", "geo/two"}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        int32_t owner = files_values_owner(&values, ds_span_of(CASES[i].path));
        for (size_t k = 0; k < 3; k++) {
            int32_t own[2];
            for (size_t v = 0; v < 2; v++) {
                struct ds_span path = files_values_path(&plan, ds_span_of(has[k][v]), a);
                own[v] = files_values_index(&values, path);
                cr_assert_neq(own[v], FILES_VALUES_COMMON);
            }
            cr_expect_eq(files_values_has(&values, owner, own, 2), CASES[i].of_case[k],
                         "%s in case %zu", CASES[i].path, k);
        }
    }
}

Test(files_values, that_do_not_fit_are_refused_not_taken_for_common_files)
{
    struct design d;
    struct ds_err err = {0};
    struct files_values got;
    ds_auto_buf csv;
    buf_init(&csv, 1u << 20);
    (void)buf_put_text(&csv, "case,id,FLT,GEO\n");
    for (unsigned i = 0; i < 20; i++)
        (void)buf_printf(&csv, "%u,%016x,flt/%03000u,geo/%03000u\n", i, i, i, i);
    cr_assert_eq(design_decode(buf_span(&csv), a, &d, &err), 0, "%s", err.text);
    ds_auto_arena small = arena_create(100u << 10); /* the list fits, its texts do not */
    cr_expect_eq(files_values_find(&plan, &d, small, &got, &err), DS_ETOOBIG);
    ds_auto_arena enough = arena_create(2u << 20);
    cr_assert_eq(files_values_find(&plan, &d, enough, &got, &err), 0, "%s", err.text);
    cr_expect_eq(got.n, 40);
}
