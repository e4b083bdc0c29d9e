/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/lexer.h"

#include <criterion/criterion.h>
#include <math.h>

static void expect_span(struct ds_span got, const char *want, const char *about)
{
    cr_expect(ds_span_is(got, want), "%s: got '%.*s', want '%s'", about, DS_FMT(got), want);
}

Test(lexer, a_comment_begins_at_two_dashes_outside_quotes)
{
    static const struct {
        const char *line, *kept;
    } rows[] = {
        {"ABC --Comment", "ABC "},
        {"--all of it", ""},
        {"ABC '--name' --Comment", "ABC '--name' "},
        {"'G--1' 5 /", "'G--1' 5 /"},
        {"ABC \"-- not balanced", "ABC \"-- not balanced"},
        {"ABC '-- not balanced", "ABC '-- not balanced"},
        {"a-b -1 - -", "a-b -1 - -"},
        {"-5 -- '", "-5 "},
        {"'a' 'b' -- c", "'a' 'b' "},
        {"'a'--", "'a'"},
        {"", ""},
        {"-", "-"},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++)
        expect_span(deck_strip_comment(ds_span_of(rows[i].line)), rows[i].kept, rows[i].line);
}

Test(lexer, a_record_ends_at_the_first_unquoted_slash)
{
    static const struct {
        const char *line;
        bool raw;
        size_t at;
    } rows[] = {
        {"1 2 / 3", false, 4},   {"'a/b' /", false, 6},  {"/", false, 0},
        {"'a/b", false, 4},      {"a'b/c' /", false, 7}, {"none", false, 4},
        {"WU = A/2 /", true, 9}, {"WU = A/2", true, 6},  {"\"a/b\" 1 /", false, 8},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++)
        cr_expect_eq(deck_find_slash(ds_span_of(rows[i].line), rows[i].raw), rows[i].at, "%s",
                     rows[i].line);
}

Test(lexer, tokens_are_cut_at_separators_and_single_quotes)
{
    struct ds_span line = DS_SPAN(" 'my well' 3*0.25,\tOPEN\x01X \"a b\" 'open"), token;
    static const char *const want[] = {"'my well'", "3*0.25", "OPEN", "X", "\"a", "b\"", "'open"};
    size_t at = 0, n = 0;
    while (deck_next_token(line, &at, &token)) {
        cr_assert_lt(n, DS_COUNT(want));
        expect_span(token, want[n++], "token");
    }
    cr_expect_eq(n, DS_COUNT(want));
    expect_span(deck_unquote(DS_SPAN("'a b'")), "a b", "unquote");
    expect_span(deck_unquote(DS_SPAN("'a")), "'a", "an open quote stays");
}

Test(lexer, lines_end_at_newlines_only)
{
    struct ds_span text = DS_SPAN("a\r\nb\rc\n\nlast"), line;
    static const char *const want[] = {"a\r", "b\rc", "", "last"};
    size_t at = 0, n = 0;
    while (deck_next_line(text, &at, &line))
        expect_span(line, want[n++], "line");
    cr_expect_eq(n, 4);
}

Test(lexer, repeat_counts_are_whole_numbers_above_zero)
{
    static const struct {
        const char *token, *value;
        uint64_t repeat;
        bool good;
    } rows[] = {
        {"3*0.25", "0.25", 3, true}, {"7*", "", 7, true},       {"*", "", 1, true},
        {"0.25", "0.25", 1, true},   {"0*1", "1", 0, false},    {"*5", "5", 1, false},
        {"a*b", "a*b", 1, true},     {"'x*'", "'x*'", 1, true}, {"99999999999*1", "1", 0, false},
        {"2*3*4", "3*4", 2, true},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        uint64_t repeat = 0;
        struct ds_span value;
        bool good = deck_split_repeat(ds_span_of(rows[i].token), &repeat, &value);
        cr_expect_eq(good, rows[i].good, "%s", rows[i].token);
        if (good) {
            cr_expect_eq(repeat, rows[i].repeat, "%s", rows[i].token);
            expect_span(value, rows[i].value, rows[i].token);
        }
    }
}

Test(lexer, numbers_may_have_fortran_exponents)
{
    double d = 0;
    int64_t i = 0;
    cr_expect(deck_parse_double(DS_SPAN("1.5D-3"), &d) && d == 1.5e-3);
    cr_expect(deck_parse_double(DS_SPAN("-2"), &d) && d == -2);
    cr_expect(!deck_parse_double(DS_SPAN("nan"), &d));
    cr_expect(!deck_parse_double(DS_SPAN("0,25"), &d));
    cr_expect(!deck_parse_double(DS_SPAN(""), &d));
    cr_expect(deck_parse_int(DS_SPAN("-12"), &i) && i == -12);
    cr_expect(!deck_parse_int(DS_SPAN("1e1"), &i));
    cr_expect(!deck_parse_int(DS_SPAN("10.0"), &i));
}

Test(lexer, the_keyword_table_knows_how_many_records_follow)
{
    static const struct {
        const char *name;
        enum deck_size_kind kind;
        unsigned count;
    } rows[] = {
        {"DIMENS", DECK_SIZE_FIXED, 1},
        {"OIL", DECK_SIZE_FIXED, 0},
        {"WELSPECS", DECK_SIZE_SLASH, 0},
        {"TUNING", DECK_SIZE_FIXED, 3},
        {"PVTO", DECK_SIZE_OTHER, 0},
        {"SWOF", DECK_SIZE_OTHER, 0},
        {"VFPPROD", DECK_SIZE_OPEN, 0},
        {"GECONT", DECK_SIZE_DOUBLE_SLASH, 0},
        {"PYINPUT", DECK_SIZE_CODE, 1},
        {"FOPR", DECK_SIZE_FIXED, 0},
        {"WBHP", DECK_SIZE_FIXED, 1},
        {"BPR", DECK_SIZE_SLASH, 0},
        {"WUFOO", DECK_SIZE_FIXED, 1},
        {"FIPXYZ", DECK_SIZE_FIXED, 1},
        {"FOOBARXX", DECK_SIZE_UNKNOWN_KEYWORD, 0},
        {"", DECK_SIZE_UNKNOWN_KEYWORD, 0},
        {"ABCDEFGHI", DECK_SIZE_UNKNOWN_KEYWORD, 0},
        {"SAVE", DECK_SIZE_FIXED, 1},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct deck_size size = deck_keyword_size(ds_span_of(rows[i].name));
        cr_expect_eq(size.kind, rows[i].kind, "%s", rows[i].name);
        if (size.kind == DECK_SIZE_FIXED || size.kind == DECK_SIZE_CODE)
            cr_expect_eq(size.count, rows[i].count, "%s", rows[i].name);
    }
    cr_expect(deck_keyword_size(DS_SPAN("PVTO")).tables);
    cr_expect(deck_keyword_size(DS_SPAN("UDQ")).raw);
    cr_expect(!deck_is_keyword_word(DS_SPAN("1ABC")));
    cr_expect(deck_is_keyword_word(DS_SPAN("PVT-M")));
    cr_expect(!deck_is_keyword_word(DS_SPAN("'PORO'")));
}
