/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena, buf, span, path, err: what everything stands on. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

/* ---- arena ---- */

Test(base, arena_memory_is_zeroed_aligned_and_apart)
{
    ds_auto_arena a = arena_create(1 << 20);
    unsigned char *last = NULL;
    for (size_t i = 0; i < 200; i++) {
        unsigned char *p = arena_take(a, i, 3);
        cr_assert_not_null(p);
        cr_expect_eq((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < i * 3; k++)
            cr_expect_eq(p[k], 0);
        memset(p, 0xab, i * 3);
        cr_expect_neq(p, last);
        last = p;
    }
}

Test(base, arena_gives_nothing_beyond_its_cap_or_on_overflow)
{
    ds_auto_arena a = arena_create(100000);
    volatile size_t most = SIZE_MAX; /* hidden from the compiler, which would complain */
    cr_expect_null(arena_take(a, most, 2));
    cr_expect_null(arena_take(a, most, 1));
    cr_expect_null(arena_take(a, 100001, 1));
    cr_expect_not_null(arena_take(a, 90000, 1));
    cr_expect_null(arena_take(a, 20000, 1));
    cr_expect_not_null(arena_take(a, 5000, 1));
    cr_expect_leq(arena_used_bytes(a), 100000);
}

Test(base, arena_reset_forgets_and_memory_is_zero_again)
{
    ds_auto_arena a = arena_create(1 << 20);
    memset(arena_take(a, 1000, 1), 1, 1000);
    (void)arena_take(a, 300000, 1);
    arena_reset(a);
    cr_expect_eq(arena_used_bytes(a), 0);
    const unsigned char *p = arena_take(a, 1000, 1);
    for (size_t i = 0; i < 1000; i++)
        cr_expect_eq(p[i], 0);
    arena_destroy(NULL);
}

Test(base, arena_texts_are_terminated_copies)
{
    ds_auto_arena a = arena_create(4096);
    struct ds_span s = arena_copy(a, (struct ds_span){"abcdef", 3});
    cr_expect(ds_span_is(s, "abc") && s.ptr[3] == '\0');
    cr_expect_str_eq(arena_cstr(a, DS_SPAN("")), "");
    cr_expect(ds_span_is(arena_format(a, "%d-%s", 5, "x"), "5-x"));
    cr_expect_null(arena_format(a, "%5000d", 1).ptr);
    cr_expect_null(arena_copy(a, (struct ds_span){"", 5000}).ptr);
}

/* ---- buf ---- */

Test(base, buf_grows_to_its_cap_and_not_beyond)
{
    ds_auto_buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(buf_put(&b, "0123456789", 10), 0);
    cr_expect_eq(b.len, 1000);
    cr_expect_eq(b.data[1000], '\0');
    cr_expect_eq(buf_put_char(&b, 'x'), DS_ETOOBIG);
    cr_expect_eq(b.len, 1000);
    struct ds_err err;
    cr_expect_eq(buf_check(&b, "thing", &err), DS_ETOOBIG);
    cr_expect_str_eq(err.text, "thing: more than 1000 bytes");
}

Test(base, buf_takes_nothing_more_after_a_refusal_until_reset)
{
    ds_auto_buf b;
    buf_init(&b, 4);
    cr_expect_eq(buf_put_text(&b, "abc"), 0);
    cr_expect_eq(buf_put_text(&b, "de"), DS_ETOOBIG);
    cr_expect_eq(buf_put_text(&b, "f"), DS_ETOOBIG);
    cr_expect(ds_span_is(buf_span(&b), "abc"));
    buf_reset(&b);
    cr_expect_eq(buf_put_text(&b, "wxyz"), 0);
    cr_expect_eq(buf_check(&b, "", NULL), 0);
    cr_expect_eq(buf_put(&b, NULL, 0), 0);
}

Test(base, buf_prints_short_and_long)
{
    ds_auto_buf b;
    buf_init(&b, 10000);
    cr_expect_eq(buf_printf(&b, "%s=%d;", "a", 5), 0);
    cr_expect_eq(buf_printf(&b, "%2000d", 7), 0);
    cr_expect_eq(b.len, 2004);
    cr_expect_eq(b.data[2003], '7');
    cr_expect_eq(b.data[2004], '\0');
    cr_expect_eq(buf_printf(&b, "%9000d", 7), DS_ETOOBIG);
    struct ds_buf empty = {0};
    cr_expect(ds_span_is(buf_span(&empty), ""));
    buf_clear(&empty);
}

/* ---- span ---- */

Test(base, spans_compare_like_memcmp_with_prefixes_first)
{
    static const char *const ORDER[] = {"", "A", "AB", "B", "_", "a", "\xc3"};
    for (size_t i = 0; i < DS_COUNT(ORDER); i++)
        for (size_t j = 0; j < DS_COUNT(ORDER); j++) {
            int c = ds_span_compare(ds_span_of(ORDER[i]), ds_span_of(ORDER[j]));
            cr_expect_eq((c > 0) - (c < 0), (i > j) - (i < j), "%zu %zu", i, j);
        }
}

Test(base, spans_have_fnv_1a_hashes)
{
    cr_expect_eq(ds_span_hash(DS_SPAN("")), 0x811c9dc5u);
    cr_expect_eq(ds_span_hash(DS_SPAN("a")), 0xe40c292cu);
    cr_expect_eq(ds_span_hash(DS_SPAN("foobar")), 0xbf9cf968u);
}

Test(base, spans_are_trimmed_cut_and_matched)
{
    struct ds_span head, rest = ds_span_cut(DS_SPAN("a=b=c"), '=', &head);
    cr_expect(ds_span_is(head, "a") && ds_span_is(rest, "b=c"));
    rest = ds_span_cut(DS_SPAN("abc"), '=', &head);
    cr_expect(ds_span_is(head, "abc") && rest.len == 0);
    rest = ds_span_cut(DS_SPAN(""), '=', &head);
    cr_expect(head.len == 0 && rest.len == 0);
    cr_expect(ds_span_is(ds_span_trim(DS_SPAN(" \t\r\n a b \n")), "a b"));
    cr_expect(ds_span_starts(DS_SPAN("abc"), "ab") && !ds_span_starts(DS_SPAN("a"), "ab"));
    cr_expect(ds_span_ends(DS_SPAN("abc"), "bc") && !ds_span_ends(DS_SPAN("c"), "bc"));
    cr_expect(ds_span_eq_nocase(DS_SPAN("aB1"), DS_SPAN("Ab1"))
              && !ds_span_eq_nocase(DS_SPAN("a"), DS_SPAN("ab")));
}

Test(base, globs_match_as_a_shell_does)
{
    static const struct {
        const char *pattern, *text;
        bool hit;
    } ROWS[] = {
        {"*", "", true},
        {"*", "abc", true},
        {"a*c", "abbc", true},
        {"a*c", "abd", false},
        {"?", "a", true},
        {"?", "", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[!a-c]x", "dx", true},
        {"[]a]", "]", true},
        {"[a-]", "-", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"[", "[", true},
        {"[a", "[a", true},
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"**a**", "bab", true},
        {"F*", "FOPR", true},
        {"W??P:*", "WBHP:P1", true},
        {"*.EGRID", "A.EGRID", true},
        {"*.EGRID", "A.EGRIDX", false},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_expect_eq(ds_span_glob(ds_span_of(ROWS[i].pattern), ds_span_of(ROWS[i].text)),
                     ROWS[i].hit, "%s %s", ROWS[i].pattern, ROWS[i].text);
    char stars[2001], as[5001];
    for (int i = 0; i < 1000; i++)
        memcpy(stars + 2 * i, "*a", 2);
    memset(as, 'a', 5000);
    cr_expect_not(ds_span_glob((struct ds_span){stars, 2000}, (struct ds_span){"b", 1}));
    cr_expect(ds_span_glob((struct ds_span){stars, 2000}, (struct ds_span){as, 5000}));
}

Test(base, distances_are_levenshteins_up_to_the_limit)
{
    cr_expect_eq(ds_span_distance(DS_SPAN("kitten"), DS_SPAN("sitting"), 8), 3);
    cr_expect_eq(ds_span_distance(DS_SPAN(""), DS_SPAN("abc"), 8), 3);
    cr_expect_eq(ds_span_distance(DS_SPAN("abc"), DS_SPAN("ABC"), 8), 0);
    cr_expect_eq(ds_span_distance(DS_SPAN("abc"), DS_SPAN("x"), 0), 0, "nothing can be nearer");
    cr_expect_eq(ds_span_distance(DS_SPAN("abcdefghij"), DS_SPAN(""), 8), 8);
    char longer[70] = {0};
    cr_expect_eq(ds_span_distance((struct ds_span){longer, 70}, DS_SPAN("a"), 4), 4);
}

/* ---- path ---- */

Test(base, paths_are_joined_normalised_and_taken_apart)
{
    ds_auto_arena a = arena_create(1 << 20);
    static const struct {
        const char *in, *out;
    } ROWS[] = {
        {"", "."},
        {".", "."},
        {"/", "/"},
        {"//", "/"},
        {"a//b/./c/", "a/b/c"},
        {"a/../b", "b"},
        {"a/..", "."},
        {"../a", "../a"},
        {"../../a", "../../a"},
        {"a/../../b", "../b"},
        {"/../a", "/a"},
        {"/a/../..", "/"},
        {"./a", "a"},
        {"a/b/../../..", ".."},
        {"..a/b", "..a/b"},
        {"/..", "/"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_span s = path_normalise(a, ds_span_of(ROWS[i].in));
        cr_expect(ds_span_is(s, ROWS[i].out), "%s: %.*s", ROWS[i].in, DS_FMT(s));
    }
    cr_expect(ds_span_is(path_join(a, DS_SPAN("a/b"), DS_SPAN("c")), "a/b/c"));
    cr_expect(ds_span_is(path_join(a, DS_SPAN("a/"), DS_SPAN("c")), "a/c"));
    cr_expect(ds_span_is(path_join(a, DS_SPAN("a"), DS_SPAN("/c")), "/c"));
    cr_expect(ds_span_is(path_join(a, DS_SPAN(""), DS_SPAN("c")), "c"));
    cr_expect(ds_span_is(path_base(DS_SPAN("a/b.c")), "b.c")
              && ds_span_is(path_base(DS_SPAN("x")), "x"));
    cr_expect(ds_span_is(path_dir(DS_SPAN("a/b/c")), "a/b")
              && ds_span_is(path_dir(DS_SPAN("/c")), "/"));
    cr_expect_eq(path_dir(DS_SPAN("c")).len, 0);
    cr_expect(ds_span_is(path_extension(DS_SPAN("a.b/c.DATA")), "DATA")
              && path_extension(DS_SPAN("a.b/c")).len == 0);
    cr_expect_eq(path_extension(DS_SPAN(".hidden")).len, 0);
    cr_expect(ds_span_is(path_stem(DS_SPAN("x/SPE1.DATA")), "SPE1")
              && ds_span_is(path_stem(DS_SPAN("a.")), "a"));
    cr_expect(ds_span_is(path_stem(DS_SPAN(".hidden")), ".hidden"));
}

Test(base, relative_paths_lead_from_one_folder_to_a_file)
{
    ds_auto_arena a = arena_create(1 << 20);
    static const struct {
        const char *from, *to, *out;
    } ROWS[] = {
        {"/a/b", "/a/b/c", "c"}, {"/a/b", "/a/c", "../c"},  {"/a/b", "/x/y", "../../x/y"},
        {"/a/b", "/a/b", "."},   {"/a/b/c", "/a", "../.."}, {".", "a/b", "a/b"},
        {"a", "a/b", "b"},       {"a/bc", "a/b", "../b"},   {"/", "/a", "a"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_span s = path_relative(a, ds_span_of(ROWS[i].from), ds_span_of(ROWS[i].to));
        cr_expect(ds_span_is(s, ROWS[i].out), "%s %s: %.*s", ROWS[i].from, ROWS[i].to, DS_FMT(s));
    }
}

Test(base, member_names_that_leave_the_folder_are_unsafe)
{
    static const char *const BAD[] = {"",     "/a", "a/../b", "..",    ".",    "a/./b",
                                      "a//b", "a/", "a\nb",   "a\x7f", "../a", "./a"};
    static const char *const GOOD[] = {"a",   "a/b",         "..a", "a..",
                                       "a b", "caf\xc3\xa9", "...", ".hidden"};
    for (size_t i = 0; i < DS_COUNT(BAD); i++)
        cr_expect_not(path_is_safe_member(ds_span_of(BAD[i])), "%s", BAD[i]);
    for (size_t i = 0; i < DS_COUNT(GOOD); i++)
        cr_expect(path_is_safe_member(ds_span_of(GOOD[i])), "%s", GOOD[i]);
    char longer[PATH_MAX_BYTES + 1];
    memset(longer, 'a', sizeof longer);
    cr_expect(path_is_safe_member((struct ds_span){longer, PATH_MAX_BYTES}));
    cr_expect_not(path_is_safe_member((struct ds_span){longer, PATH_MAX_BYTES + 1}));
    cr_expect_not(path_is_safe_member((struct ds_span){"a\0b", 3}));
}

/* ---- err ---- */

Test(base, errors_are_wrapped_refined_and_cut)
{
    struct ds_err err = {0};
    cr_expect_eq(ds_fail(&err, DS_EPARSE, "bad %d", 5), DS_EPARSE);
    cr_expect_eq(ds_wrap(&err, "f:%d", 7), DS_EPARSE);
    cr_expect_str_eq(err.text, "f:7: bad 5");
    cr_expect_eq(ds_fail_errno(&err, DS_EIO, ENOENT, "open %s", "x"), DS_ENOTFOUND);
    cr_expect_str_eq(err.text, "open x: No such file or directory");
    cr_expect_eq(err.sys, ENOENT);
    cr_expect_eq(ds_fail_errno(NULL, DS_EIO, EDQUOT, "x"), DS_ENOSPC);
    cr_expect_eq(ds_fail_errno(NULL, DS_EIO, EROFS, "x"), DS_EDENIED);
    cr_expect_eq(ds_fail(&err, DS_EINPUT, "%2000d", 1), DS_EINPUT);
    cr_expect_eq(strlen(err.text), DS_ERR_TEXT_BYTES - 1);
    cr_expect(ds_span_ends(ds_span_of(err.text), "..."));
    (void)ds_wrap(&err, "%2000d", 1);
    cr_expect_eq(strlen(err.text), DS_ERR_TEXT_BYTES - 1);
    (void)ds_fail(&err, DS_EINPUT, "a");
    (void)ds_fail(&err, DS_EINPUT, "again %s", err.text); /* an argument inside err itself */
    cr_expect_str_eq(err.text, "again a");
    cr_expect(ds_exit_status(DS_EINPUT) == 2 && ds_exit_status(DS_EIO) == 3
              && ds_exit_status(DS_EINTR) == 130 && ds_exit_status(0) == 0);
}
