/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock_io.h"
#include "base/yaml.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MAX_BYTES (4u << 20)

struct parsed {
    int rc;
    struct yaml_node *root;
    struct yaml_mark where;
    struct ds_err err;
};

static struct parsed parse(struct ds_arena *a, struct ds_span text)
{
    struct parsed p = {.root = NULL};
    p.rc = yaml_parse(text, MAX_BYTES, a, &p.root, &p.where, &p.err);
    return p;
}

Test(yaml, a_tree_has_kinds_texts_and_places)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct parsed p = parse(a, DS_SPAN("a: 1\nb: [x, \"y z\"]\nc:\n  d: |\n    two\n    lines\n"));
    cr_assert_eq(p.rc, 0, "%s", p.err.text);
    cr_assert_eq(p.root->kind, YAML_MAP);
    cr_assert_eq(p.root->n, 3);
    const struct yaml_node *b = yaml_get(p.root, "b");
    cr_assert_eq(b->kind, YAML_LIST);
    cr_assert_eq(b->n, 2);
    cr_assert(ds_span_is(b->first->next->text, "y z"));
    cr_assert(b->first->next->quoted && !b->first->quoted);
    cr_assert_eq(b->first->next->line, 2);
    cr_assert_eq(b->first->next->column, 8);
    cr_assert_eq(b->key_line, 2);
    cr_assert_eq(b->key_column, 1);
    const struct yaml_node *d = yaml_get(yaml_get(p.root, "c"), "d");
    cr_assert(d->block && d->quoted);
    cr_assert(ds_span_is(d->text, "two\nlines\n"));
    cr_assert_null(yaml_get(p.root, "e"));
    cr_assert_null(yaml_get(b, "e"));
    cr_assert_null(yaml_get(NULL, "e"));
}

Test(yaml, numbers_are_unquoted_decimal_and_finite)
{
    static const struct {
        const char *text;
        bool is_number;
        double value;
    } ROWS[] = {
        {"1", true, 1},      {"-2.5e3", true, -2500}, {"+.5", true, 0.5}, {"1.", true, 1},
        {"'1'", false, 0},   {"\"1\"", false, 0},     {"0x10", false, 0}, {"1_000", false, 0},
        {".inf", false, 0},  {".nan", false, 0},      {"1:30", false, 0}, {"1e999", false, 0},
        {"1e", false, 0},    {"e1", false, 0},        {"[1]", false, 0},  {"{a: 1}", false, 0},
        {"1e-400", true, 0}, {"- 1", false, 0},       {"~", false, 0},    {"--1", false, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct parsed p = parse(a, ds_span_of(ROWS[i].text));
        double v = 0;
        cr_assert_eq(p.rc, 0, "%s: %s", ROWS[i].text, p.err.text);
        cr_expect_eq(yaml_number(p.root, &v), ROWS[i].is_number, "%s", ROWS[i].text);
        cr_expect_eq(v, ROWS[i].value, "%s", ROWS[i].text);
    }
}

Test(yaml, null_is_empty_tilde_or_the_word_without_quotes)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct parsed p = parse(a, DS_SPAN("a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: []\ng: NULL\n"));
    cr_assert_eq(p.rc, 0, "%s", p.err.text);
    for (const char *k = "abcg"; *k; k++)
        cr_expect(yaml_is_null(yaml_get(p.root, (char[]){*k, 0})), "%c", *k);
    for (const char *k = "def"; *k; k++)
        cr_expect_not(yaml_is_null(yaml_get(p.root, (char[]){*k, 0})), "%c", *k);
    cr_expect(yaml_is_null(NULL));
}

Test(yaml, duplicate_keys_are_marked_on_the_later_one)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct parsed p = parse(a, DS_SPAN("a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\n"));
    cr_assert_eq(p.rc, 0, "%s", p.err.text);
    const struct yaml_node *first = p.root->first;
    cr_expect_not(first->duplicate);
    cr_expect(first->next->next->duplicate);
    const struct yaml_node *c = yaml_get(p.root, "b")->first;
    cr_expect_not(c->duplicate);
    cr_expect_not(c->next->duplicate);
    cr_expect(c->next->next->duplicate);
}

Test(yaml, what_explodes_or_surprises_is_refused_with_its_place)
{
    static const struct {
        const char *text;
        int rc;
        unsigned line, column;
        const char *says;
    } ROWS[] = {
        {"a: &x 1\n", DS_EUNSUPPORTED, 1, 4, "anchors"},
        {"a: [1]\nb: *x\n", DS_EUNSUPPORTED, 2, 4, "aliases"},
        {"a: &l [1]\n", DS_EUNSUPPORTED, 1, 4, "anchors"},
        {"a: &m {b: 1}\n", DS_EUNSUPPORTED, 1, 4, "anchors"},
        {"a: !!str 1\n", DS_EUNSUPPORTED, 1, 4, "tags"},
        {"a: !local {b: 1}\n", DS_EUNSUPPORTED, 1, 4, "tags"},
        {"a: {<<: {b: 1}}\n", DS_EUNSUPPORTED, 1, 5, "merge"},
        {"? [a, b]\n: 1\n", DS_EUNSUPPORTED, 1, 3, "key"},
        {"a: 1\n---\nb: 1\n", DS_EUNSUPPORTED, 2, 1, "second document"},
        {"a: [1\n", DS_EPARSE, 2, 1, "no YAML"},
        {"a: 'x\n", DS_EPARSE, 2, 1, "no YAML"},
        {"a: 1\n b: 2\n", DS_EPARSE, 2, 3, "no YAML"},
        {"a: 1\n\tb: 2\n", DS_EPARSE, 2, 1, "no YAML"},
        {"a: b: c\n", DS_EPARSE, 1, 5, "no YAML"},
        {"a: @x\n", DS_EPARSE, 1, 4, "no YAML"},
        {"%TAG ! tag:x,2000:\n---\na: !y 1\n", DS_EUNSUPPORTED, 3, 4, "tags"},
        {"a: \"\\q\"\n", DS_EPARSE, 1, 5, "no YAML"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct parsed p = parse(a, ds_span_of(ROWS[i].text));
        cr_expect_eq(p.rc, ROWS[i].rc, "%s: %d %s", ROWS[i].text, p.rc, p.err.text);
        cr_expect(strstr(p.err.text, ROWS[i].says), "%s: %s", ROWS[i].text, p.err.text);
        cr_expect(p.where.line == ROWS[i].line && p.where.column == ROWS[i].column, "%s: %u:%u %s",
                  ROWS[i].text, p.where.line, p.where.column, p.err.text);
    }
}

Test(yaml, bytes_that_are_no_text_are_named)
{
    static const struct {
        struct ds_span text;
        const char *says;
        unsigned line, column;
    } ROWS[] = {
        {{"a: 1\nb\0c: 2\n", 13}, "NUL", 2, 2},
        {{"\xff\xfe"
          "a\0:\0",
          6},
         "UTF-16",
         1,
         1},
        {{"\xfe\xff\0a", 4}, "UTF-16", 1, 1},
        {{"a: 1\nbc: \xe9t\xe9\n", 13}, "UTF-8", 2, 6},
        {{"a: \x01\n", 5}, "UTF-8", 1, 4},
        {{"\x7f"
          "ELF\x02\x01\x01",
          7},
         "text file",
         1,
         1},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct parsed p = parse(a, ROWS[i].text);
        cr_expect_lt(p.rc, 0);
        cr_expect(strstr(p.err.text, ROWS[i].says), "%zu: %s", i, p.err.text);
        cr_expect(p.where.line == ROWS[i].line && p.where.column == ROWS[i].column, "%zu: %u:%u", i,
                  p.where.line, p.where.column);
    }
}

Test(yaml, a_utf8_byte_order_mark_and_crlf_are_taken)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct parsed p = parse(a, DS_SPAN("\xef\xbb\xbf"
                                       "a: x\r\nb: y\r\n"));
    cr_assert_eq(p.rc, 0, "%s", p.err.text);
    cr_assert(ds_span_is(yaml_get(p.root, "a")->text, "x"));
    cr_assert(ds_span_is(yaml_get(p.root, "b")->text, "y"));
}

Test(yaml, an_empty_file_has_no_root)
{
    static const char *const TEXTS[] = {"", "# nothing\n", "\n\n", "---\n...\n"};
    for (size_t i = 0; i < DS_COUNT(TEXTS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct parsed p = parse(a, ds_span_of(TEXTS[i]));
        cr_expect_eq(p.rc, 0, "%s", p.err.text);
        cr_expect(yaml_is_null(p.root));
    }
}

static struct ds_span repeat(const char *what, size_t times)
{
    size_t n = strlen(what);
    char *text = malloc(n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, what, n);
    return (struct ds_span){text, n * times};
}

Test(yaml, depth_is_bounded_at_sixteen)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct ds_span ok = DS_SPAN("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]");
    cr_assert_eq(parse(a, ok).rc, 0);
    struct ds_span deep = DS_SPAN("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]");
    struct parsed p = parse(a, deep);
    cr_assert_eq(p.rc, DS_ETOOBIG);
    cr_assert_eq(p.where.column, 17);
}

/* Hostile shapes of four megabytes end within two seconds, in bounded memory. */
Test(yaml, bombs_end_quickly)
{
    static const char *const UNITS[] = {"[",     "{a: ",  "- ",     "? ",   "{[",   "&a [",
                                        "a: [",  "!!a ",  "- - ",   "[a, ", "a\n",  "\"a\",",
                                        "[[a],", "{a: b", "a: b\n", "%A\n", "# \n", "---\n",
                                        "*a ",   "|\n",   "'",      "\\",   "-\n",  "x: |\n  a\n"};
    for (size_t i = 0; i < DS_COUNT(UNITS); i++) {
        struct ds_span text = repeat(UNITS[i], (MAX_BYTES - 1) / strlen(UNITS[i]));
        ds_auto_arena a = arena_create((size_t)256 << 20);
        int64_t start = clock_monotonic_ms();
        struct parsed p = parse(a, text);
        int64_t took = clock_monotonic_ms() - start;
        cr_expect_lt(took, 4000, "'%s' took %d ms, rc %d", UNITS[i], (int)took, p.rc);
        cr_expect_lt(arena_used_bytes(a), (size_t)80 << 20, "'%s'", UNITS[i]);
        free((void *)text.ptr);
    }
}

Test(yaml, a_file_of_a_hundred_megabytes_is_refused_at_once)
{
    struct ds_span text = repeat("a: b\n", 20u << 20);
    ds_auto_arena a = arena_create(1 << 20);
    int64_t start = clock_monotonic_ms();
    struct parsed p = parse(a, text);
    cr_assert_eq(p.rc, DS_ETOOBIG);
    cr_assert_lt(clock_monotonic_ms() - start, 100);
    cr_assert(strstr(p.err.text, "104857600 bytes"), "%s", p.err.text);
    free((void *)text.ptr);
}

Test(yaml, a_full_arena_is_an_error_not_a_crash)
{
    struct ds_span text = repeat("- abc\n", 10000);
    for (size_t cap = 4096; cap < 200000; cap += 7777) {
        ds_auto_arena a = arena_create(cap);
        cr_expect_eq(parse(a, text).rc, DS_ETOOBIG, "%zu", cap);
    }
    free((void *)text.ptr);
}
