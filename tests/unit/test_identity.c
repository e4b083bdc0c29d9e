/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identity of cases (DESIGN.md 5) as far as the contract goes: which parts make an id. */
#include "base/sha256.h"
#include "scheduler/design.h"
#include "sweep_help.h"

static const struct ds_span NAMES[] = {{"KX", 2}, {"PORO", 4}};
static const struct ds_span VALUES[] = {{"100", 3}, {"0.25", 4}};
static const struct ds_span ARGS[] = {{"--a=1", 5}, {"--b", 3}};

static struct case_identity standard(void)
{
    struct case_identity s = {
        .preset_flow = true, .args = ARGS, .n_args = 2, .version = {"2022.10", 7}, .ranks = 1};
    memset(s.base_digest, 'a', 64);
    return s;
}

Test(identity, the_bytes_hashed_are_those_of_the_document)
{
    /* docs/identity.md shows this very text */
    static const char TEXT[] =
        "decksweep-case 1\n"
        "base aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
        "preset flow\nargs 2\n5:--a=1\n3:--b\nversion 7:2022.10\nranks 1\nparameters 2\n"
        "2:KX\n3:100\n4:PORO\n4:0.25\n";
    char hex[65];
    struct case_identity s = standard();
    struct case_id id = case_identity_of(&s, NAMES, VALUES, 2);
    sha256_of(TEXT, sizeof TEXT - 1, hex);
    cr_assert_arr_eq(id.hex, hex, CASE_ID_CHARS);
}

Test(identity, a_command_stands_with_all_its_words)
{
    static const struct ds_span COMMAND[] = {{"/opt/sim", 8}, {"{deck}", 6}};
    static const char TEXT[] =
        "decksweep-case 1\n"
        "base aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
        "command 2\n8:/opt/sim\n6:{deck}\nargs 0\nversion 0:\nranks 4\nparameters 0\n";
    char hex[65];
    struct case_identity s = {.command = COMMAND, .n_command = 2, .version = {"", 0}, .ranks = 4};
    memset(s.base_digest, 'a', 64);
    struct case_id id = case_identity_of(&s, NULL, NULL, 0);
    sha256_of(TEXT, sizeof TEXT - 1, hex);
    cr_assert_arr_eq(id.hex, hex, CASE_ID_CHARS);
}

Test(identity, every_part_that_decides_results_changes_the_id)
{
    static const struct ds_span SWAPPED[] = {{"--b", 3}, {"--a=1", 5}},
                                JOINED[] = {{"--a=1--b", 8}};
    static const struct ds_span OTHER_NAMES[] = {{"KX", 2}, {"PORA", 4}},
                                OTHER_VALUES[] = {{"100", 3}, {"0.26", 4}};
    static const struct ds_span SAME_NUMBER[] = {{"100.0", 5}, {"0.25", 4}},
                                SHIFTED[] = {{"10", 2}, {"00.25", 5}};
    struct case_identity base = standard();
    struct case_id ids[12];
    size_t n = 0;
    ids[n++] = case_identity_of(&base, NAMES, VALUES, 2);
    struct case_identity s = base;
    s.base_digest[63] = 'b';
    ids[n++] = case_identity_of(&s, NAMES, VALUES, 2);
    s = base;
    s.version = DS_SPAN("2022.11");
    ids[n++] = case_identity_of(&s, NAMES, VALUES, 2);
    s = base;
    s.ranks = 2;
    ids[n++] = case_identity_of(&s, NAMES, VALUES, 2);
    s = base;
    s.args = SWAPPED;
    ids[n++] = case_identity_of(&s, NAMES, VALUES, 2);
    s.args = JOINED;
    s.n_args = 1;
    ids[n++] = case_identity_of(&s, NAMES, VALUES, 2);
    s = base;
    s.preset_flow = false;
    s.command = ARGS;
    s.n_command = 1;
    ids[n++] = case_identity_of(&s, NAMES, VALUES, 2);
    ids[n++] = case_identity_of(&base, OTHER_NAMES, VALUES, 2);
    ids[n++] = case_identity_of(&base, NAMES, OTHER_VALUES, 2);
    ids[n++] = case_identity_of(&base, NAMES, SAME_NUMBER, 2);
    ids[n++] = case_identity_of(&base, NAMES, SHIFTED, 2);
    ids[n++] = case_identity_of(&base, NAMES, VALUES, 1);
    cr_assert_eq(n, DS_COUNT(ids));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            cr_expect_not(case_id_eq(ids[i], ids[j]), "%zu %zu", i, j);
    struct case_id again = case_identity_of(&base, NAMES, VALUES, 2);
    cr_expect(case_id_eq(ids[0], again));
}

static struct case_id first_id(const char *parameters, const char *more,
                               const struct design_digest *d, size_t n_d,
                               const struct design_inputs *in, bool use_number)
{
    char spec[2000];
    (void)snprintf(spec, sizeof spec, "  parameters: {%s}\n  design: {method: grid}\n%s",
                   parameters, more);
    auto_case c = parse_spec(spec);
    expand(&c, in);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    struct case_identity s = standard();
    struct case_id ids[64];
    struct ds_err err;
    cr_assert_eq(design_make_ids(&c.t, &s, d, n_d, use_number, c.a, ids, &err), 0, "%s", err.text);
    return ids[0];
}

Test(identity, what_does_not_decide_results_leaves_the_id_alone)
{
    static const char *const MORE[] = {
        "",
        "  resources: {memory: 3GiB, threads: 4, pilot: 9}\n",
        "  simulator: {wallTime: 1h, image: x}\n",
        "  results: {store: /elsewhere, keep: [all], trim: off, compression: 9}\n",
        "  failure: {retries: {lost: 9}, maxFailed: 3}\n",
        "  collect: {vectors: [F*]}\n",
        "  run: Suspended\n",
    };
    struct case_id base = first_id("A: {values: [1]}", "", NULL, 0, NULL, false);
    for (size_t i = 0; i < DS_COUNT(MORE); i++)
        cr_expect(case_id_eq(base, first_id("A: {values: [1]}", MORE[i], NULL, 0, NULL, false)),
                  "%s", MORE[i]);
    cr_expect(case_id_eq(base, first_id("A: {values: [1.0, 2]}", "", NULL, 0, NULL, false)));
    cr_expect(case_id_eq(
        base, first_id("A: {linspace: {from: 1, to: 5, count: 3}}", "", NULL, 0, NULL, false)));
    cr_expect_not(case_id_eq(base, first_id("A: {values: [\"1.0\"]}", "", NULL, 0, NULL, false)));
}

Test(identity, of_a_file_its_content_counts_not_its_name)
{
    static const struct ds_span ONE[] = {{"g/a", 3}}, TWO[] = {{"h/b", 3}};
    static const struct design_files F1[] = {{{"G", 1}, ONE, 1}}, F2[] = {{{"G", 1}, TWO, 1}};
    static const struct design_inputs I1 = {{"", 0}, F1, 1}, I2 = {{"", 0}, F2, 1};
    static const struct design_digest D[] = {{{"g/a", 3}, {"0123", 4}}, {{"h/b", 3}, {"0123", 4}}};
    static const struct design_digest OTHER[] = {{{"g/a", 3}, {"0124", 4}}};
    struct case_id a = first_id("G: {files: \"g/*\"}", "", D, 2, &I1, false);
    cr_expect(case_id_eq(a, first_id("G: {files: \"h/*\"}", "", D, 2, &I2, false)));
    cr_expect_not(case_id_eq(a, first_id("G: {files: \"g/*\"}", "", OTHER, 1, &I1, false)));
}

Test(identity, a_path_without_digest_is_an_error)
{
    static const struct ds_span ONE[] = {{"g/a", 3}};
    static const struct design_files F1[] = {{{"G", 1}, ONE, 1}};
    static const struct design_inputs I1 = {{"", 0}, F1, 1};
    auto_case c = expand_with("G: {files: \"g/*\"}", "method: grid", &I1);
    struct case_identity s = standard();
    struct case_id ids[1];
    struct ds_err err;
    cr_expect_eq(design_make_ids(&c.t, &s, NULL, 0, false, c.a, ids, &err), DS_ENOTFOUND);
}

Test(identity, the_case_number_enters_only_when_the_deck_uses_it)
{
    for (int z = 0; z < 2; z++) { /* IENS stands among the names where its order puts it */
        auto_case c =
            expand_with(z ? "Z: {values: [1, 1]}" : "A: {values: [1, 1]}", "method: grid", NULL);
        struct case_identity s = standard();
        struct case_id ids[2], numbered[2];
        struct ds_err err;
        cr_assert_eq(design_make_ids(&c.t, &s, NULL, 0, false, c.a, ids, &err), 0);
        cr_assert_eq(design_make_ids(&c.t, &s, NULL, 0, true, c.a, numbered, &err), 0);
        cr_expect(case_id_eq(ids[0], ids[1]));
        cr_expect_not(case_id_eq(numbered[0], numbered[1]));
        cr_expect_not(case_id_eq(ids[0], numbered[0]));
        const struct ds_span names[2][2] = {{{"A", 1}, {"IENS", 4}}, {{"IENS", 4}, {"Z", 1}}};
        const struct ds_span values[2][2] = {{{"1", 1}, {"0", 1}}, {{"0", 1}, {"1", 1}}};
        struct case_id want = case_identity_of(&s, names[z], values[z], 2);
        cr_expect(case_id_eq(numbered[0], want));
    }
}

Test(identity, distinct_ids_are_counted)
{
    ds_auto_arena a = arena_create(64u << 20);
    static struct case_id ids[100000];
    cr_expect_eq(case_id_count_distinct(ids, 0, a), 0);
    for (uint32_t i = 0; i < DS_COUNT(ids); i++) {
        char hex[65];
        uint32_t value = i % 77777;
        sha256_of(&value, sizeof value, hex);
        memcpy(ids[i].hex, hex, CASE_ID_CHARS);
    }
    cr_expect_eq(case_id_count_distinct(ids, DS_COUNT(ids), a), 77777);
    cr_expect_eq(case_id_count_distinct(ids, 1, a), 1);
    memset(ids, '0', sizeof ids); /* all alike, and alike in hash */
    cr_expect_eq(case_id_count_distinct(ids, DS_COUNT(ids), a), 1);
    ds_auto_arena small = arena_create(4096);
    cr_expect_eq(case_id_count_distinct(ids, DS_COUNT(ids), small), 0);
}
