/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case_fixture.h"

#include <sys/stat.h>

static char big[BIG_BYTES + 1];

static const struct member_text members[] = {
    {"model/SPE1.DATA", "TITLE\n<KX>\nPORO\n 300*<KX> / -- <KX>\nINCLUDE\n '<GEO>/poro.inc' /\n"},
    {"model/big.inc", big},
    {"model/geo/one/poro.inc", "one <KX>\n"},
    {"model/geo/two/poro.inc", "two <KX>\n"},
    {"model/geo/two/more.inc", "more\n"},
    {"model/sched.inc", "RPTRST\n BASIC=2 /\nTSTEP\n 3*10 /\n"},
    {"shared/x.inc", "x\n"},
};
static const struct plan_param params[] = {
    {.name = {"GEO", 3}, .is_files = true},
    {.name = {"KX", 2}, .is_number = true},
};
static const struct ds_span templates[] = {
    {"model/SPE1.DATA", 15}, {"model/geo/one/poro.inc", 22}, {"model/geo/two/poro.inc", 22}};
static const struct trim_edit trims[] = {
    {.path = {"model/sched.inc", 15}, .line = 2, .was = {" BASIC=2 /", 10}, .now = {" /", 2}}};
static const char design_csv[] = "case,id,GEO,KX\n"
                                 "0,0000000000000000,geo/one,100\n"
                                 "7,1111111111111111,geo/two,2.5\n";

static struct fixture f;
static struct stage *stage;

static void make(void)
{
    struct ds_err err = {0};
    memset(big, '-', BIG_BYTES);
    fixture_make(&f, members, DS_COUNT(members), design_csv);
    f.plan = (struct plan){.deck_dir = DS_SPAN("model/"),
                           .deck_name = DS_SPAN("SPE1.DATA"),
                           .params = params,
                           .n_params = 2,
                           .templates = templates,
                           .n_templates = 3,
                           .trims = trims,
                           .n_trims = 1};
    cr_assert_eq(stage_create(f.store, "s/bundle", &f.plan, &f.design, f.scratch_fd, &stage, &err),
                 0, "%s", err.text);
}
static void clear(void)
{
    stage_destroy(stage);
    stage = NULL;
    fixture_clear(&f);
}
TestSuite(stage, .init = make, .fini = clear);

static struct staged stage_row(uint32_t row, const char *name)
{
    struct staged s;
    struct ds_err err = {0};
    cr_assert_eq(stage_case(stage, row, f.cases_fd, name, f.arena, &s, &err), 0, "%s", err.text);
    return s;
}

Test(stage, renders_placeholders_outside_comments_and_title_and_keeps_the_tree)
{
    (void)stage_row(0, "0.1");
    cr_expect_str_eq(text_of(&f, "0.1/model/SPE1.DATA"),
                     "TITLE\n<KX>\nPORO\n 300*100 / -- <KX>\nINCLUDE\n 'geo/one/poro.inc' /\n");
    cr_expect_str_eq(text_of(&f, "0.1/shared/x.inc"), "x\n");
    cr_expect_str_eq(text_of(&f, "0.1/model/big.inc"), big);
}

Test(stage, puts_files_of_a_value_only_where_the_case_has_it)
{
    (void)stage_row(0, "0.1");
    (void)stage_row(1, "7.1");
    cr_expect_str_eq(text_of(&f, "0.1/model/geo/one/poro.inc"), "one 100\n");
    cr_expect_str_eq(text_of(&f, "0.1/model/geo/two/poro.inc"), "(none)");
    cr_expect_str_eq(text_of(&f, "7.1/model/geo/two/poro.inc"), "two 2.5\n");
    cr_expect_str_eq(text_of(&f, "7.1/model/geo/two/more.inc"), "more\n");
    cr_expect_str_eq(text_of(&f, "7.1/model/geo/one/poro.inc"), "(none)");
}

/* The same bundle, staged by a plan with these files marked as everybody's. */
static void stage_with_common(const struct ds_span *paths, size_t n)
{
    struct ds_err err = {0};
    stage_destroy(stage);
    stage = NULL;
    cr_assert_eq(fs_remove_tree_at(f.scratch_fd, "bundle", NULL), 0);
    f.plan.common_files = paths;
    f.plan.n_common_files = n;
    cr_assert_eq(stage_create(f.store, "s/bundle", &f.plan, &f.design, f.scratch_fd, &stage, &err),
                 0, "%s", err.text);
}

Test(stage, puts_a_file_of_a_value_that_the_deck_also_names_plainly_into_every_case)
{
    static const struct ds_span common[] = {{"model/geo/one/poro.inc", 22},
                                            {"model/geo/two/more.inc", 22}};
    stage_with_common(common, DS_COUNT(common));
    (void)stage_row(0, "0.1");
    (void)stage_row(1, "7.1");
    cr_expect_str_eq(text_of(&f, "0.1/model/geo/one/poro.inc"), "one 100\n");
    cr_expect_str_eq(text_of(&f, "7.1/model/geo/one/poro.inc"), "one 2.5\n");
    cr_expect_str_eq(text_of(&f, "0.1/model/geo/two/more.inc"), "more\n");
    cr_expect_str_eq(text_of(&f, "7.1/model/geo/two/more.inc"), "more\n");
    cr_expect_str_eq(text_of(&f, "0.1/model/geo/two/poro.inc"), "(none)");
}

Test(stage, trims_a_file_that_is_not_rendered)
{
    (void)stage_row(0, "0.1");
    cr_expect_str_eq(text_of(&f, "0.1/model/sched.inc"), "RPTRST\n /\nTSTEP\n 3*10 /\n");
}

Test(stage, writes_the_parameters_for_programs_and_for_people)
{
    (void)stage_row(1, "7.1");
    cr_expect_str_eq(text_of(&f, "7.1/parameters.json"),
                     "{\"GEO\":{\"value\":\"geo/two\"},\"KX\":{\"value\":2.5}}\n");
    cr_expect_str_eq(text_of(&f, "7.1/parameters.txt"), "GEO geo/two\nKX 2.5\n");
}

Test(stage, what_a_simulator_does_to_an_input_reaches_no_other_case)
{
    (void)stage_row(0, "0.1");
    int fd = openat(f.cases_fd, "0.1/model/big.inc", O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd >= 0) { /* a hard link is read-only for all but root, and root gets a copy */
        cr_assert_eq(write(fd, "spoilt", 6), 6);
        (void)close(fd);
    }
    (void)stage_row(1, "7.1");
    cr_expect_str_eq(text_of(&f, "7.1/model/big.inc"), big);
}

Test(stage, makes_real_files_only)
{
    struct stat st;
    (void)stage_row(0, "0.1");
    for (size_t i = 0; i < DS_COUNT(members); i++) {
        char path[200];
        (void)snprintf(path, sizeof path, "0.1/%s", members[i].path);
        if (fstatat(f.cases_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
            cr_expect(S_ISREG(st.st_mode), "%s", path);
    }
}

Test(stage, knows_inputs_from_rendered_files_and_from_output)
{
    cr_expect(stage_is_input(stage, DS_SPAN("model/big.inc")));
    cr_expect(stage_is_input(stage, DS_SPAN("model/sched.inc")));
    cr_expect_not(stage_is_input(stage, DS_SPAN("model/SPE1.DATA")));
    cr_expect(stage_is_rendered(stage, DS_SPAN("model/SPE1.DATA")));
    cr_expect_not(stage_is_input(stage, DS_SPAN("model/SPE1.UNSMRY")));
    cr_expect_not(stage_is_rendered(stage, DS_SPAN("model/SPE1.UNSMRY")));
}

Test(stage, fills_the_words_of_the_command)
{
    static const struct ds_span args[] = {{"--kx=<KX>", 9}, {"--n=<IENS>", 10}};
    f.plan.args = args;
    f.plan.n_args = 2;
    struct staged s = stage_row(1, "7.1");
    cr_expect(ds_span_is(s.plan->args[0], "--kx=2.5"));
    cr_expect(ds_span_is(s.plan->args[1], "--n=7"));
}

Test(stage, refuses_a_folder_that_is_there_already)
{
    struct staged s;
    struct ds_err err = {0};
    (void)stage_row(0, "0.1");
    cr_expect_eq(stage_case(stage, 0, f.cases_fd, "0.1", f.arena, &s, &err), DS_EEXIST);
}

/* ---- bundles that do not match their plan ---- */

static void expect_refused(const struct plan *plan, enum ds_code code, const char *says)
{
    struct stage *s = NULL;
    struct ds_err err = {0};
    cr_assert_eq(fs_remove_tree_at(f.scratch_fd, "bundle", NULL), 0);
    cr_expect_eq(stage_create(f.store, "s/bundle", plan, &f.design, f.scratch_fd, &s, &err), code,
                 "%s", err.text);
    cr_expect_not_null(strstr(err.text, says), "%s", err.text);
}

Test(stage, refuses_a_bundle_that_lacks_a_template_or_has_another_line_to_trim)
{
    static const struct ds_span lacking[] = {{"model/NOPE.DATA", 15}};
    struct plan p = f.plan;
    p.templates = lacking;
    p.n_templates = 1;
    expect_refused(&p, DS_ECORRUPT, "model/NOPE.DATA");

    p = f.plan;
    p.common_files = lacking;
    p.n_common_files = 1;
    expect_refused(&p, DS_ECORRUPT, "model/NOPE.DATA");

    struct trim_edit other = trims[0];
    other.was = DS_SPAN(" BASIC=3 /");
    p = f.plan;
    p.trims = &other;
    expect_refused(&p, DS_ECORRUPT, "model/sched.inc");
}

Test(stage, refuses_what_is_no_archive_and_what_is_not_there)
{
    struct stage *s = NULL;
    struct ds_err err = {0};
    bool existed;
    struct store_body body = {.data = "no archive at all", .fd = -1, .len = 17};
    cr_assert_eq(store_put_if_absent(f.store, "s/junk", body, &existed, &err), 0);
    cr_assert_eq(fs_remove_tree_at(f.scratch_fd, "bundle", NULL), 0);
    cr_expect_eq(stage_create(f.store, "s/junk", &f.plan, &f.design, f.scratch_fd, &s, &err),
                 DS_ECORRUPT, "%s", err.text);
    cr_assert_eq(fs_remove_tree_at(f.scratch_fd, "bundle", NULL), 0);
    cr_expect_eq(stage_create(f.store, "s/none", &f.plan, &f.design, f.scratch_fd, &s, &err),
                 DS_ENOTFOUND, "%s", err.text);
}
