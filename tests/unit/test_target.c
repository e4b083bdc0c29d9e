/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/prune.h"
#include "cli/target.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct target_facts LOCAL = {0}; /* no cluster anywhere */

Test(target, a_path_is_taken_apart_into_store_and_sweep)
{
    static const struct {
        const char *text, *store, *sweep;
    } ROWS[] = {
        {"results/spe1", "results", "spe1"},
        {"results/spe1/", "results", "spe1"},
        {"./results//spe1", "results", "spe1"},
        {"/data/x/../y/spe1", "/data/y", "spe1"},
        {"spe1", ".", "spe1"},
        {"/spe1", "/", "spe1"},
        {"s3://bucket/prefix/spe1", "s3://bucket/prefix", "spe1"},
    };
    ds_auto_arena a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct target_words w;
        struct ds_err err = {0};
        cr_assert_eq(target_parse(ds_span_of(ROWS[i].text), LOCAL, a, &w, &err), 0, "%s: %s",
                     ROWS[i].text, err.text);
        cr_expect_eq(w.kind, TARGET_PATH);
        cr_expect(ds_span_is(w.store, ROWS[i].store), "%s: '%.*s'", ROWS[i].text, DS_FMT(w.store));
        cr_expect(ds_span_is(w.sweep, ROWS[i].sweep), "%s: '%.*s'", ROWS[i].text, DS_FMT(w.sweep));
    }
    struct target_words w;
    cr_expect_eq(target_parse(DS_SPAN("jobs/spe1/sweep.yaml"), LOCAL, a, &w, NULL), 0);
    cr_expect_eq(w.kind, TARGET_FILE);
    cr_expect_eq(target_parse(DS_SPAN("x.yml"), LOCAL, a, &w, NULL), 0);
    cr_expect_eq(w.kind, TARGET_FILE);
}

Test(target, what_names_no_sweep_is_refused_with_what_to_give)
{
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"", "empty"},
        {".", "<store>/<sweep>"},
        {"..", "<store>/<sweep>"},
        {"/", "<store>/<sweep>"},
        {"results/Spe1", "does not end in a sweep's name"},
        {"results/spe1-", "does not end in a sweep's name"},
        {"results/spe_1", "does not end in a sweep's name"},
        {"r/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "does not end in a sweep's name"},
        {"pvc://claim/spe1", "--store"},
    };
    ds_auto_arena a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct target_words w;
        struct ds_err err = {0};
        cr_expect_eq(target_parse(ds_span_of(ROWS[i].text), LOCAL, a, &w, &err), DS_EINPUT, "%s",
                     ROWS[i].text);
        cr_expect(strstr(err.text, ROWS[i].says), "%s: %s", ROWS[i].text, err.text);
    }
}

Test(target, a_word_is_a_path_a_file_or_a_name_by_one_rule)
{
    static const struct {
        const char *text;
        struct target_facts facts; /* asked, has_cluster, is_folder */
        enum target_kind kind;
        bool in_cluster;
    } ROWS[] = {
        {"spe1", {false, false, false}, TARGET_PATH, false}, /* nothing else it could be */
        {"spe1", {false, true, false}, TARGET_NAME, true},
        {"spe1", {false, true, true}, TARGET_PATH, false}, /* what is here goes first */
        {"spe1", {true, true, true}, TARGET_NAME, true},   /* unless a cluster is asked for */
        {"spe1", {true, false, false}, TARGET_NAME, true}, /* the kubeconfig's error is the one */
        {"r/spe1", {false, true, false}, TARGET_PATH, false},
        {"./spe1", {false, true, false}, TARGET_PATH, false},
        {"spe1/", {false, true, true}, TARGET_PATH, false},
        {"s3://b/spe1", {false, true, false}, TARGET_PATH, false},
        {"x.yaml", {false, true, false}, TARGET_FILE, false},
        {"r/x.yaml", {true, true, false}, TARGET_FILE, true},
    };
    ds_auto_arena a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct target_words w = {0};
        struct ds_err err = {0};
        cr_assert_eq(target_parse(ds_span_of(ROWS[i].text), ROWS[i].facts, a, &w, &err), 0,
                     "%zu %s: %s", i, ROWS[i].text, err.text);
        cr_expect_eq(w.kind, ROWS[i].kind, "%zu %s is taken for %d", i, ROWS[i].text, w.kind);
        cr_expect_eq(w.in_cluster, ROWS[i].in_cluster, "%zu %s", i, ROWS[i].text);
        if (w.kind == TARGET_NAME)
            cr_expect(ds_span_is(w.sweep, "spe1"));
    }
}

Test(target, what_a_cluster_was_asked_for_and_is_no_name_is_refused)
{
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"r/spe1", "r/spe1 is a path, but -n"},
        {".", "is a path"},
        {"s3://b/spe1", "is a path"},
        {"Spe1", "is no name of a Sweep"},
        {"spe_1", "is no name of a Sweep"},
        {"pvc://claim/spe1", "with -n NAMESPACE"},
        {"", "TARGET is empty"},
    };
    struct target_facts asked = {.asked = true, .has_cluster = true};
    ds_auto_arena a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct target_words w;
        struct ds_err err = {0};
        cr_expect_eq(target_parse(ds_span_of(ROWS[i].text), asked, a, &w, &err), DS_EINPUT, "%s",
                     ROWS[i].text);
        cr_expect(strstr(err.text, ROWS[i].says), "%s: %s", ROWS[i].text, err.text);
    }
}

static const uint32_t NUMBERS[] = {0, 2, 5, 1234, 2000};
static const struct case_id IDS[] = {
    {"00000000000000aa"}, {"abcd000000000001"}, {"abcd000000000002"},
    {"1234567890abcdef"}, {"abcd000000000001"},
};

static struct design small(void)
{
    return (struct design){.n_rows = DS_COUNT(NUMBERS), .number = NUMBERS, .id = IDS};
}

Test(target, a_case_is_found_by_number_id_or_the_start_of_an_id)
{
    static const struct {
        const char *text;
        int rc;
        uint32_t row;
    } ROWS[] = {
        {"0", 0, 0},
        {"5", 0, 2},
        {"2000", 0, 4},
        {"1234", 0, 3},
        {"12345", 0, 3},
        {"000000", DS_OK, 0},
        {"abcd000000000002", 0, 2},
        {"abcd000000000001", 0, 1},
        {"abcd", DS_EINPUT, 0},
        {"abc", DS_EINPUT, 0},
        {"3", DS_EINPUT, 0},
        {"abce", DS_EINPUT, 0},
        {"ABCD000000000002", DS_EINPUT, 0},
        {"-1", DS_EINPUT, 0},
        {"", DS_EINPUT, 0},
        {"abcd0000000000021", DS_EINPUT, 0},
        {"99999999999999999999", DS_EINPUT, 0},
    };
    struct design d = small();
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        uint32_t row = 77;
        struct ds_err err = {0};
        int rc = target_find_case(&d, ds_span_of(ROWS[i].text), &row, &err);
        cr_expect_eq(rc, ROWS[i].rc, "%s: %d %s", ROWS[i].text, rc, err.text);
        cr_expect_eq(row, rc == 0 ? ROWS[i].row : 77, "%s", ROWS[i].text);
    }
}

Test(target, the_archive_of_a_case_is_the_finished_one_else_the_last_failure)
{
    struct design d = small();
    char key[RESULT_KEY_BYTES];
    struct case_tally done = {.row = 1, .state = CASE_DONE, .keep = "sl"};
    struct case_tally failed = {.row = 2,
                                .state = CASE_FAILED,
                                .last_failed_attempt = 3,
                                .last_verdict = VERDICT_TIMEOUT,
                                .last_limit = 7200};
    struct case_tally fresh = {.row = 0};
    cr_expect(target_archive_key(&d, &done, key));
    cr_expect_str_eq(key, "cases/abcd000000000001.sl.tar.zst");
    cr_expect(target_archive_key(&d, &failed, key));
    cr_expect_str_eq(key, "failed/abcd000000000002.3.timeout-7200.tar.zst");
    cr_expect(!target_archive_key(&d, &fresh, key));
}

Test(target, prune_takes_only_what_the_present_plan_does_not_need)
{
    static const struct {
        const char *key;
        enum prune_reason why;
    } ROWS[] = {
        {"cases/abcd000000000001.sl.tar.zst", PRUNE_KEEP},
        {"cases/abcd000000000001.s.tar.zst", PRUNE_NARROWER},
        {"cases/abcd000000000001.sg.tar.zst", PRUNE_KEEP},
        {"cases/ffff000000000001.sl.tar.zst", PRUNE_ORPHAN},
        {"failed/ffff000000000001.1.crashed.tar.zst", PRUNE_ORPHAN},
        {"failed/ffff000000000001.1.granted", PRUNE_ORPHAN},
        {"started/ffff000000000001.1", PRUNE_ORPHAN},
        {"failed/abcd000000000002.1.crashed.tar.zst", PRUNE_KEEP},
        {"plan.json", PRUNE_KEEP},
        {"plan.0123456789abcdef.json", PRUNE_KEEP},
        {"plan.fedcba9876543210.json", PRUNE_PLAN},
        {"design.aa.csv", PRUNE_KEEP},
        {"design.bb.csv", PRUNE_PLAN},
        {"bundle.cc.tar.zst", PRUNE_KEEP},
        {"bundle.dd.tar.zst", PRUNE_PLAN},
        {"deck.ee.tar.zst", PRUNE_KEEP},
        {"deck.ff.tar.zst", PRUNE_PLAN},
        {"design.csv", PRUNE_KEEP},
        {"design.mine.csv", PRUNE_KEEP},
        {"plan.notes.json", PRUNE_KEEP},
        {"sweep.yaml", PRUNE_KEEP},
        {"lock", PRUNE_KEEP},
        {"dataset/summary.nc", PRUNE_KEEP},
        {"cases/readme.txt", PRUNE_KEEP},
        {"rounds/1.json", PRUNE_KEEP},
    };
    struct design d = small();
    static struct case_tally tally[] = {
        {.row = 0}, {.row = 1, .keep = "sl"}, {.row = 2}, {.row = 3}};
    struct census c = {.tally = tally, .n_distinct = DS_COUNT(tally)};
    struct plan p = {.design_key = DS_SPAN("design.aa.csv"),
                     .bundle_key = DS_SPAN("bundle.cc.tar.zst")};
    struct prune_view v;
    ds_auto_arena a = arena_create(1u << 20);
    cr_assert_eq(prune_prepare(&p, "0123456789abcdef", &d, &c, a, &v, NULL), 0);
    cr_assert_eq(prune_decide(&v, DS_SPAN("deck.ff.tar.zst")), PRUNE_KEEP, "nobody knows better");
    v.deck_key = DS_SPAN("deck.ee.tar.zst");
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_expect_eq(prune_decide(&v, ds_span_of(ROWS[i].key)), ROWS[i].why, "%s", ROWS[i].key);
}
