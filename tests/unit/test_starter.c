/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs_io.h"
#include "cli/shell_text.h"
#include "cli/starter.h"
#include "decksweep/sweep.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct closure_file file_of(const char *name, const char *text)
{
    return (struct closure_file){.display = ds_span_of(name),
                                 .bundle_path = ds_span_of(name),
                                 .content = ds_span_of(text),
                                 .is_text = true,
                                 .is_common = true};
}

Test(starter, a_sweep_gets_its_name_from_the_deck)
{
    static const struct {
        const char *deck, *name;
    } ROWS[] = {
        {"SPE1CASE1.DATA", "spe1case1"},
        {"NORNE_ATW2013.DATA", "norne-atw2013"},
        {"__x__.DATA", "x"},
        {"\xc3\xb6.DATA", "sweep"},
        {".DATA", "data"},
        {"A23456789012345678901234567890123456789-B.DATA",
         "a23456789012345678901234567890123456789"},
    };
    ds_auto_arena a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_span name = starter_name(ds_span_of(ROWS[i].deck), a);
        cr_expect(ds_span_is(name, ROWS[i].name), "%s: '%.*s'", ROWS[i].deck, DS_FMT(name));
    }
}

Test(starter, placeholders_of_all_files_are_found_once)
{
    struct closure_file files[] = {
        file_of("A.DATA", "PORO\n 300*<PORO> / <IENS>\n-- <NOT>\n<KX>\n"),
        file_of("b.inc", "<KX> <ABC>\n"),
    };
    struct closure c = {.files = files, .n_files = 2};
    ds_auto_arena a = arena_create(1u << 20);
    const struct ds_span *names;
    size_t n;
    cr_assert_eq(starter_find_params(&c, a, &names, &n, NULL), 0);
    cr_assert_eq(n, 3);
    cr_expect(ds_span_is(names[0], "ABC"));
    cr_expect(ds_span_is(names[1], "KX"));
    cr_expect(ds_span_is(names[2], "PORO"));
}

Test(starter, the_hint_is_a_line_with_one_number)
{
    static const struct {
        const char *text;
        bool found;
        uint32_t line;
        const char *now;
    } ROWS[] = {
        {"PORO\n 300*0.3 /\n", true, 2, "300*<PORO> /"},
        {"poro -- porosity\n\n-- a comment\n\t0.25 /\n", true, 4, "<PORO> /"},
        {"PORO\n 0.1 0.2 0.3 /\n", false, 0, ""},
        {"PORO\n 300* /\n", false, 0, ""},
        {"PORO\n <X> /\n", false, 0, ""},
        {"PERMX\n 100*500 /\nPORO\n0.1 0.2 /\n", true, 2, "100*<PERMX> /"},
        {"", false, 0, ""},
        {"PORO", false, 0, ""},
    };
    ds_auto_arena a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct closure_file f = file_of("A.DATA", ROWS[i].text);
        struct closure c = {.files = &f, .n_files = 1};
        struct starter_hint h = starter_find_hint(&c, a);
        cr_expect_eq(h.found, ROWS[i].found, "row %zu", i);
        if (!h.found)
            continue;
        cr_expect_eq(h.line, ROWS[i].line, "row %zu", i);
        cr_expect(ds_span_is(h.now, ROWS[i].now), "row %zu: '%.*s'", i, DS_FMT(h.now));
    }
}

/* The file must be one that the parser takes: with hint, without, with placeholders. */
Test(starter, every_starter_file_is_a_valid_sweep_file)
{
    static const struct ds_span PARAMS[] = {DS_SPAN("KX"), DS_SPAN("PORO")};
    static struct ds_span vectors[60];
    for (size_t i = 0; i < DS_COUNT(vectors); i++)
        vectors[i] = DS_SPAN("WBHP");
    struct starter rows[] = {
        {.deck_path = DS_SPAN("SPE1.DATA"), .name = DS_SPAN("spe1")},
        {.deck_path = DS_SPAN("a \"b\"\\c/\xc3\xb6.DATA"),
         .name = DS_SPAN("x"),
         .hint = {.found = true,
                  .path = DS_SPAN("A\n\033.DATA"),
                  .line = 3,
                  .was = DS_SPAN("1 /"),
                  .now = DS_SPAN("<PORO> /"),
                  .name = "PORO",
                  .value = 0.3},
         .writes_restart = true,
         .n_report_steps = 3,
         .cells = 300,
         .vectors = vectors,
         .n_vectors = DS_COUNT(vectors)},
        {.deck_path = DS_SPAN("SPE1.DATA"),
         .name = DS_SPAN("spe1"),
         .params = PARAMS,
         .n_params = 2},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        ds_auto_buf out;
        ds_auto_arena a = arena_create(16u << 20);
        struct sweep *sweep = ds_new(a, struct sweep, 1);
        struct sweep_problems *problems = ds_new(a, struct sweep_problems, 1);
        struct ds_err err = {0};
        buf_init(&out, 1u << 20);
        starter_put(&rows[i], &out);
        cr_assert_eq(sweep_parse(DS_SPAN("sweep.yaml"), buf_span(&out), a, sweep, problems, &err),
                     0, "%s\n%s", err.text, out.data);
        cr_expect(ds_span_eq(sweep->deck, rows[i].deck_path), "'%.*s'", DS_FMT(sweep->deck));
        cr_expect(ds_span_eq(sweep->name, rows[i].name));
        cr_expect_eq(sweep->n_params, rows[i].n_params);
        cr_expect_null(strstr(out.data, " \n"), "no blanks at line ends");
        cr_expect_null(memchr(out.data, '\033', out.len));
    }
}

Test(starter, the_commented_example_works_when_the_comment_signs_go)
{
    struct starter s = {.deck_path = DS_SPAN("SPE1.DATA"),
                        .name = DS_SPAN("spe1"),
                        .hint = {.found = true,
                                 .path = DS_SPAN("SPE1.DATA"),
                                 .line = 3,
                                 .was = DS_SPAN("300*0.3 /"),
                                 .now = DS_SPAN("300*<PORO> /"),
                                 .name = "PORO",
                                 .value = 0.3}};
    ds_auto_buf out, edited;
    ds_auto_arena a = arena_create(16u << 20);
    buf_init(&out, 1u << 20);
    buf_init(&edited, 1u << 20);
    starter_put(&s, &out);
    struct ds_span rest = buf_span(&out), line;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        struct ds_span words = ds_span_trim(line);
        if (ds_span_is(words, "design: {method: grid}"))
            continue;
        if (ds_span_starts(words, "# parameters:") || ds_span_starts(words, "#   PORO:")
            || ds_span_starts(words, "# design: {"))
            (void)buf_printf(&edited, "  %.*s\n", (int)(words.len - 2), words.ptr + 2);
        else
            (void)buf_printf(&edited, "%.*s\n", DS_FMT(line));
    }
    struct sweep *sweep = ds_new(a, struct sweep, 1);
    struct sweep_problems *problems = ds_new(a, struct sweep_problems, 1);
    struct ds_err err = {0};
    cr_assert_eq(sweep_parse(DS_SPAN("sweep.yaml"), buf_span(&edited), a, sweep, problems, &err), 0,
                 "%s\n%s", err.text, edited.data);
    cr_assert_eq(sweep->n_params, 1);
    cr_expect_float_eq(sweep->params[0].min, 0.24, 1e-12);
    cr_expect_float_eq(sweep->params[0].max, 0.36, 1e-12);
    cr_expect_eq(sweep->samples, 50);
}

Test(starter, shell_words_are_quoted_only_where_needed)
{
    static const struct {
        const char *in, *out;
    } ROWS[] = {
        {"flow", "flow"},       {"--a=b,c", "--a=b,c"}, {"", "''"},   {"a b", "'a b'"},
        {"it's", "'it'\\''s'"}, {"$HOME", "'$HOME'"},   {"*", "'*'"}, {"\xc3\xb6", "'\xc3\xb6'"},
        {"~x", "'~x'"},         {"a\nb", "'a\nb'"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_buf out;
        buf_init(&out, 4096);
        shell_put_word(&out, ds_span_of(ROWS[i].in));
        cr_expect_str_eq(out.data, ROWS[i].out);
    }
}
