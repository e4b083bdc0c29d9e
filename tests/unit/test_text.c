/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"
#include "cli/text.h"

#include <criterion/criterion.h>

static const char *clean(struct ds_buf *b, struct ds_span s)
{
    buf_reset(b);
    text_put(b, s);
    return b->data ? b->data : "";
}

Test(text, nothing_from_outside_reaches_the_terminal_as_control)
{
    static const struct {
        struct ds_span in;
        const char *out;
    } ROWS[] = {
        {DS_SPAN("plain"), "plain"},
        {DS_SPAN("a\tb\nc\rd"), "a b c d"},
        {DS_SPAN("\033[31mred"), "?[31mred"},
        {DS_SPAN("bell\a back\b del\x7f"), "bell? back? del?"},
        {DS_SPAN("nul\0end"), "nul?end"},
        {DS_SPAN("c1 \xc2\x9b"
                 "31m"),
         "c1 ?31m"},
        {DS_SPAN("bidi \xe2\x80\xae"
                 "x"),
         "bidi ?x"},
        {DS_SPAN("\xef\xbb\xbf"
                 "bom"),
         "?bom"},
        {DS_SPAN("\xff\xfe bad"), "?? bad"},
        {DS_SPAN("cut \xe2\x82"), "cut ??"},
        {DS_SPAN("overlong \xc0\xaf"), "overlong ??"},
        {DS_SPAN("surrogate \xed\xa0\x80"), "surrogate ???"},
        {DS_SPAN("gr\xc3\xb6\xc3\x9f"
                 "e \xe6\xb0\xb4"),
         "gr\xc3\xb6\xc3\x9f"
         "e \xe6\xb0\xb4"},
    };
    ds_auto_buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_expect_str_eq(clean(&b, ROWS[i].in), ROWS[i].out, "row %zu: '%s'", i, b.data);
}

Test(text, width_counts_columns_not_bytes)
{
    cr_expect_eq(text_columns(DS_SPAN("abc")), 3);
    cr_expect_eq(text_columns(DS_SPAN("gr\xc3\xb6\xc3\x9f"
                                      "e")),
                 5);
    cr_expect_eq(text_columns(DS_SPAN("\xe6\xb0\xb4\xe6\xb0\xb4")), 4, "two wide characters");
    cr_expect_eq(text_columns(DS_SPAN("e\xcc\x81")), 1, "a combining accent");
    cr_expect_eq(text_columns(DS_SPAN("\033[0m")), 4, "an escape is shown as text");
}

Test(text, what_does_not_fit_is_cut_between_characters)
{
    static const struct {
        const char *in;
        size_t columns;
        const char *out;
    } ROWS[] = {
        {"hello", 5, "hello"},
        {"hello world", 8, "hello .."},
        {"hello", 3, "hel"},
        {"hello", 0, ""},
        {"\xe6\xb0\xb4\xe6\xb0\xb4", 3, "\xe6\xb0\xb4"},
        {"\xe6\xb0\xb4", 1, ""},
        {"e\xcc\x81"
         "e\xcc\x81"
         "e",
         2,
         "e\xcc\x81"
         "e\xcc\x81"},
    };
    ds_auto_buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        buf_reset(&b);
        size_t used = text_put_fit(&b, ds_span_of(ROWS[i].in), ROWS[i].columns);
        cr_expect_str_eq(b.data ? b.data : "", ROWS[i].out, "row %zu", i);
        cr_expect_leq(used, ROWS[i].columns);
        cr_expect_eq(used, text_columns(buf_span(&b)));
    }
}

Test(text, logs_keep_lines_and_tabs_and_lose_carriage_returns)
{
    ds_auto_buf b;
    buf_init(&b, 4096);
    text_put_lines(&b, DS_SPAN("a\tb\r\nc\033x\rd\n"));
    cr_expect_str_eq(b.data, "a\tb\nc?x?d\n");
}

Test(text, tables_align_by_columns)
{
    ds_auto_arena a = arena_create(1u << 20);
    ds_auto_buf b;
    struct table t;
    buf_init(&b, 4096);
    table_init(&t, a, 3, 1);
    static const char *const CELLS[] = {"N",
                                        "NAME",
                                        "WHY",
                                        "1",
                                        ("gr\xc3\xb6\xc3\x9f"
                                         "er"),
                                        "",
                                        "10",
                                        "x",
                                        "a\nb"};
    for (size_t i = 0; i < DS_COUNT(CELLS); i++)
        table_add_text(&t, CELLS[i]);
    table_put(&t, &b);
    cr_expect_str_eq(b.data, " N  NAME    WHY\n 1  gr\xc3\xb6\xc3\x9f"
                             "er\n10  x       a b\n");
}
