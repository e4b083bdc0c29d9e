/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../support/mem_files.h"
#include "deck/template.h"
#include "deck/trim.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(template, placeholders_are_found_outside_comments_and_title)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"PORO\n 300*<PORO> /\n", 1},
        {"-- <A>\n", 0},
        {"1 <A> -- <B>\n", 1},
        {"TITLE\nmy <A>\n<B>\n", 1},
        {"  title rest\n<A>\n<B>\n", 1},
        {"TITLE\nTITLE\n<A>\n", 1},
        {"'<A>--<B>' /\n", 2},
        {"a < b > c <> <1A> <A-B> <A B> <A\n", 0},
        {"<<A>>", 1},
        {"<A><B>", 2},
        {"<_x9>", 1},
        {"WBHP PROD < 5 /\n 'A>B' /\n", 0},
    };
    struct ds_arena *a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct template_slot *slots;
        size_t n = 99;
        cr_assert_eq(template_find(ds_span_of(rows[i].text), 0, a, &slots, &n, NULL), 0);
        cr_expect_eq(n, rows[i].n, "%s: %zu", rows[i].text, n);
    }
    arena_destroy(a);
}

Test(template, a_slot_knows_its_place_and_neighbours)
{
    struct ds_arena *a = arena_create(1u << 20);
    struct template_slot *s;
    size_t n = 0;
    cr_assert_eq(
        template_find(DS_SPAN("x\n 3*<A> '<B> c' -<C>/ <D>*0.2\n<E>\n"), 3, a, &s, &n, NULL), 0);
    cr_assert_eq(n, 5);
    cr_expect(s[0].line == 2 && s[0].column == 4 && s[0].repeats);
    cr_expect(s[0].before == '*' && s[0].after == ' ' && s[0].offset == 5);
    cr_expect(s[1].quote == '\'' && s[1].before == '\'');
    cr_expect(s[2].before == '-' && s[2].after == '/');
    cr_expect(s[3].is_count);
    cr_expect(s[4].line == 3 && s[4].before == '\n' && s[4].after == '\n');
    cr_assert_eq(template_find(DS_SPAN("<A>\nEND\n<B>\n"), 2, a, &s, &n, NULL), 0);
    cr_expect_eq(n, 1);
    arena_destroy(a);
}

Test(template, values_that_the_deck_would_read_differently_are_refused)
{
    static const struct {
        const char *deck, *value;
        bool good;
    } rows[] = {
        {" <X> /", "0.25", true},        {" <X> /", "-1e-05", true},
        {" <X> /", "1E5", true},         {" <X> /", "OPEN", true},
        {" <X> /", "WELL-1_a.b+", true}, {" <X> /", "", false},
        {" <X> /", "nan", false},        {" <X> /", "-Inf", false},
        {" <X> /", "two words", false},  {" <X> /", "a/b", false},
        {" <X> /", "0,25", false},       {" <X> /", "3*0.2", false},
        {" <X> /", "it's", false},       {" <X> /", "a--b", false},
        {" <X> /", "a\nb", false},       {" <X> /", "a\tb", false},
        {" <X> /", "--", false},         {" <X> /", "Schl\xc3\xbcssel", false},
        {" -<X> /", "5", true},          {" -<X> /", "-5", false},
        {" -<X> /", "+5", false},        {" <X>-1 /", "W", true},
        {" <X>-1 /", "W-", false},       {" 1<X> /", "-5", false},
        {" 0.<X> /", "-5", false},       {" W<X> /", "-5", true},
        {" <X><Y> /", "W-", false},      {" 3*<X> /", "0.2", true},
        {" 3*<X> /", "OPEN", false},     {" 3*<X> /", "1D3", true},
        {" <X>*0.2 /", "300", true},     {" <X>*0.2 /", "0", false},
        {" <X>*0.2 /", "-3", false},     {" <X>*0.2 /", "1.5", false},
        {" '<X>' /", "a/b c,d", true},   {" '<X>' /", "a--b", true},
        {" '<X>' /", "", true},          {" '<X>' /", "it's", false},
        {" '<X>' /", "a\"b", false},     {" '<X>' /", "a\nb", false},
        {" '<X>' /", "nan", true},       {" \"<X>\" /", "ab", true},
        {" \"<X>\" /", "a b", false},
    };
    struct ds_arena *a = arena_create(1u << 20);
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct template_slot *slots;
        size_t n = 0;
        struct ds_err err = {0};
        cr_assert_eq(template_find(ds_span_of(rows[i].deck), 0, a, &slots, &n, NULL), 0);
        cr_assert_geq(n, 1, "%s", rows[i].deck);
        int rc = template_check_value(&slots[0], ds_span_of(rows[i].value), &err);
        cr_expect_eq(rc == 0, rows[i].good, "%s with '%s': %s", rows[i].deck, rows[i].value,
                     err.text);
        cr_expect(rc == 0 || rc == DS_EINPUT);
    }
    arena_destroy(a);
}

static const struct ds_span names[] = {{"PORO", 4}, {"KX", 2}};
static const struct ds_span values[] = {{"0.25", 4}, {"100", 3}};

Test(template, rendering_fills_declared_slots_and_touches_nothing_else)
{
    struct ds_arena *a = arena_create(1u << 20);
    struct template_plan plan;
    ds_auto_buf b;
    buf_init(&b, 1000);
    struct ds_span text = DS_SPAN("<KX> -- <KX>\r\n'<PORO>'<KX>,<Q>\nTITLE\n<KX>\nend<PORO>");
    cr_assert_eq(template_prepare(DS_SPAN("f"), text, names, 2, NULL, 0, a, &plan, NULL), 0);
    cr_expect_eq(plan.n_pieces, 5);
    cr_assert_eq(template_render(&plan, values, 2, &b, NULL), 0);
    struct ds_span out = buf_span(&b);
    cr_expect(ds_span_is(out, "100 -- <KX>\r\n'0.25'100,<Q>\nTITLE\n<KX>\nend0.25"), "%.*s",
              DS_FMT(out));
    struct ds_err err = {0};
    ds_auto_buf small;
    buf_init(&small, 10);
    cr_expect_eq(template_render(&plan, values, 2, &small, &err), DS_ETOOBIG);
    arena_destroy(a);
}

Test(template, trims_are_applied_before_rendering_and_must_fit)
{
    struct ds_arena *a = arena_create(1u << 20);
    struct template_plan plan;
    struct ds_err err = {0};
    struct trim_edit edits[] = {
        {DS_SPAN("f"), 2, DS_SPAN(" BASIC=<KX> /"), DS_SPAN("  BASIC=0 /")},
        {DS_SPAN("g"), 1, DS_SPAN("other"), DS_SPAN("file")},
    };
    ds_auto_buf b;
    buf_init(&b, 1000);
    struct ds_span text = DS_SPAN("RPTRST\r\n BASIC=<KX> /\r\n<PORO>\r\n");
    cr_assert_eq(template_prepare(DS_SPAN("f"), text, names, 2, edits, 2, a, &plan, &err), 0, "%s",
                 err.text);
    cr_assert_eq(template_render(&plan, values, 2, &b, NULL), 0);
    cr_expect(ds_span_is(buf_span(&b), "RPTRST\r\n  BASIC=0 /\r\n0.25\r\n"));
    edits[0].was = DS_SPAN(" BASIC=2 /");
    cr_expect_eq(template_prepare(DS_SPAN("f"), text, names, 2, edits, 2, a, &plan, &err),
                 DS_ECORRUPT);
    edits[0].line = 9;
    cr_expect_eq(template_prepare(DS_SPAN("f"), text, names, 2, edits, 2, a, &plan, &err),
                 DS_ECORRUPT);
    arena_destroy(a);
}

Test(template, undeclared_names_are_all_listed_with_the_nearest_declared_one)
{
    struct ds_arena *a = arena_create(16u << 20);
    struct mem_files m;
    mem_init(&m, a);
    mem_add(
        &m, DS_SPAN("/w/CASE.DATA"),
        DS_SPAN("DIMENS\n 1 1 1 /\nPORO\n <PRO> /\nPERMX\n <KX> /\nPERMY\n <NOTHING> /\nEND\n<X>"));
    struct closure_request q = {.deck_path = DS_SPAN("/w/CASE.DATA"), .reader = &m.reader};
    struct deck_problems *p = ds_new(a, struct deck_problems, 1);
    struct closure c;
    struct ds_err err = {0};
    bool used[2] = {0};
    struct template_use *uses;
    size_t n_uses = 0;
    cr_assert_eq(closure_scan(&q, a, &c, p, &err), 0, "%s", err.text);
    cr_assert_eq(template_check(&c, names, 2, used, a, &uses, &n_uses, p, &err), 0);
    cr_assert_eq(p->n_errors, 2);
    cr_expect(strstr(p->at[0].text,
                     "CASE.DATA:4:2: <PRO> is no parameter of the sweep; did you mean <PORO>?"));
    cr_expect(
        strstr(p->at[1].text, "CASE.DATA:8:2: <NOTHING> is no parameter of the sweep; declare"));
    cr_expect(!used[0] && used[1]);
    cr_assert_eq(n_uses, 1);
    cr_expect(uses[0].name == 1 && uses[0].slot.line == 6);
    arena_destroy(a);
}
