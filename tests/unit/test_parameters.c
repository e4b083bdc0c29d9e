/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/parameters.h"

#include <criterion/criterion.h>

static const struct plan_param params[] = {
    {.name = {"KX", 2}, .is_number = true},
    {.name = {"ROCK", 4}},
};
static struct plan plan = {.params = params, .n_params = 2};

static struct design decode(const char *text, struct ds_arena *a)
{
    struct design d;
    cr_assert_eq(design_decode(ds_span_of(text), a, &d, NULL), 0);
    return d;
}

Test(parameters, of_a_case_are_its_row_and_its_number_and_zero)
{
    ds_auto_arena a = arena_create(1u << 20);
    struct design d = decode("case,id,KX,ROCK\n7,0123456789abcdef,250,\"a,b\"\n", a);
    const struct ds_span *names = parameters_names(&plan, a), *v;
    cr_assert_eq(parameters_values(&plan, &d, 0, a, &v, NULL), 0);
    cr_expect(ds_span_is(names[2], "IENS") && ds_span_is(v[2], "7"));
    cr_expect(ds_span_is(names[3], "REAL") && ds_span_is(v[3], "7"));
    cr_expect(ds_span_is(names[4], "ITER") && ds_span_is(v[4], "0"));
    cr_expect(ds_span_is(v[0], "250"));
    cr_expect(ds_span_is(v[1], "a,b"));
}

Test(parameters, are_written_as_json_and_as_text)
{
    static const struct ds_span v[] = {
        {"0.25", 4}, {"sand \"x\"", 8}, {"7", 1}, {"7", 1}, {"0", 1}};
    ds_auto_buf out;
    buf_init(&out, 1000);
    cr_assert_eq(parameters_put_json(&plan, v, &out, NULL), 0);
    cr_expect_str_eq(out.data,
                     "{\"KX\":{\"value\":0.25},\"ROCK\":{\"value\":\"sand \\\"x\\\"\"}}\n");
    buf_reset(&out);
    cr_assert_eq(parameters_put_text(&plan, v, &out, NULL), 0);
    cr_expect_str_eq(out.data, "KX 0.25\nROCK \"sand \"x\"\"\n");
}

Test(parameters, fill_words_of_the_command_and_leave_everything_else)
{
    static const struct {
        const char *word, *filled;
    } rows[] = {
        {"--perm=<KX>", "--perm=250"},
        {"<KX><ROCK><KX>", "250sand250"},
        {"plain", "plain"},
        {"<NOPE>", "<NOPE>"},
        {"<KX", "<KX"},
        {"a<b>c<KX>", "a<b>c250"},
        {"<<KX>>", "<250>"},
        {"case-<IENS>", "case-7"},
        {"", ""},
        {"<", "<"},
        {"<>", "<>"},
    };
    static const struct ds_span v[] = {{"250", 3}, {"sand", 4}, {"7", 1}, {"7", 1}, {"0", 1}};
    ds_auto_arena a = arena_create(1u << 20);
    const struct ds_span *names = parameters_names(&plan, a);
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct ds_span out = parameters_fill(ds_span_of(rows[i].word), names, v, 5, a);
        cr_expect(ds_span_is(out, rows[i].filled), "%s -> %.*s", rows[i].word, DS_FMT(out));
    }
}

Test(parameters, fill_a_plan_without_touching_it)
{
    static const struct ds_span v[] = {{"250", 3}, {"sand", 4}, {"7", 1}, {"7", 1}, {"0", 1}};
    static const struct ds_span args[] = {{"-a", 2}, {"<ROCK>", 6}};
    ds_auto_arena a = arena_create(1u << 20);
    struct plan p = plan, out;
    p.args = args;
    p.n_args = 2;
    cr_assert_eq(parameters_fill_plan(&p, parameters_names(&plan, a), v, 5, a, &out, NULL), 0);
    cr_expect(ds_span_is(out.args[1], "sand"));
    cr_expect(ds_span_is(p.args[1], "<ROCK>"));
}

Test(parameters, of_a_design_with_another_number_of_columns_are_refused)
{
    ds_auto_arena a = arena_create(1u << 20);
    struct design d = decode("case,id,KX\n7,0123456789abcdef,250\n", a);
    const struct ds_span *v;
    cr_expect_eq(parameters_values(&plan, &d, 0, a, &v, NULL), DS_ECORRUPT);
}
