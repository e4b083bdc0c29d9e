/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"
#include "base/utf8.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static int parse(const char *text, struct json **j, struct ds_err *err)
{
    return json_parse(ds_span_of(text), 1 << 20, j, err);
}

Test(json, values_are_read_with_their_types)
{
    ds_auto_json j = NULL;
    struct ds_err err;
    struct ds_span t;
    double d;
    bool b;
    uint64_t u;
    int64_t i;
    cr_assert_eq(
        parse(" {\"a\":[1,2.5,-3],\"b\":\"x\\u00e9\",\"c\":true,\"d\":null,\"e\":{}} ", &j, &err),
        0, "%s", err.text);
    const struct json *a = json_get(j, "a");
    cr_expect(json_is_object(j) && json_is_array(a) && json_count(a) == 3 && json_count(j) == 5);
    cr_expect(json_u64(json_first(a), 10, &u) && u == 1);
    cr_expect(json_number(json_next(json_first(a)), &d) && d == 2.5);
    cr_expect_not(json_u64(json_next(json_first(a)), 10, &u));
    cr_expect(json_i64(json_next(json_next(json_first(a))), &i) && i == -3);
    cr_expect(json_text(json_get(j, "b"), &t) && ds_span_is(t, "x\xc3\xa9"));
    cr_expect(json_bool(json_get(j, "c"), &b) && b);
    cr_expect(!json_text(json_get(j, "d"), &t) && !json_number(json_get(j, "d"), &d));
    cr_expect(ds_span_is(json_key(json_next(json_first(j))), "b"));
    cr_expect(json_is_null(json_get(j, "d")) && json_is_null(NULL));
    cr_expect(!json_is_null(a) && !json_is_null(json_get(j, "c")));
    cr_expect_null(json_get(j, "x"));
    cr_expect_null(json_get(a, "x"));
    cr_expect_null(json_first(NULL));
    cr_expect_not(json_u64(json_first(a), 0, &u));
}

Test(json, numbers_outside_their_range_are_refused)
{
    static const char *const TEXTS[] = {"-1",   "1.5", "9007199254740993", "1e300", "\"1\"", "true",
                                        "null", "[1]"};
    for (size_t k = 0; k < DS_COUNT(TEXTS); k++) {
        ds_auto_json j = NULL;
        uint64_t u;
        cr_assert_eq(parse(TEXTS[k], &j, NULL), 0);
        cr_expect_not(json_u64(j, (UINT64_C(1) << 53) - 1, &u), "%s", TEXTS[k]);
    }
}

Test(json, texts_that_are_no_json_are_refused)
{
    static const char *const BAD[] = {"",     " ",   "{",   "[1,]", "{\"a\":}",   "{a:1}", "1 2",
                                      "{} x", "\"a", "nul", "[1",   "{\"a\":1,}", "'a'",   "+1"};
    for (size_t k = 0; k < DS_COUNT(BAD); k++) {
        struct json *j = NULL;
        struct ds_err err = {0};
        cr_expect_eq(parse(BAD[k], &j, &err), DS_EPARSE, "%s", BAD[k]);
        cr_expect(strstr(err.text, "JSON"), "%s: %s", BAD[k], err.text);
        cr_expect_null(j);
    }
    struct json *j = NULL;
    cr_expect_eq(json_parse((struct ds_span){"[1\0]", 4}, 100, &j, NULL), DS_EPARSE);
    cr_expect_eq(json_parse(DS_SPAN("[1,2,3]"), 4, &j, NULL), DS_ETOOBIG);
}

Test(json, depth_is_bounded)
{
    char text[400];
    for (int depth = 60; depth < 80; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        ds_auto_json j = NULL;
        int rc = json_parse((struct ds_span){text, 2 * (size_t)depth}, 1000, &j, NULL);
        cr_expect_eq(rc, depth <= 64 ? 0 : DS_ETOOBIG, "%d", depth);
    }
    /* brackets inside texts do not count */
    ds_auto_json j = NULL;
    memset(text, '[', 300);
    text[0] = text[299] = '"';
    cr_expect_eq(json_parse((struct ds_span){text, 300}, 1000, &j, NULL), 0);
}

Test(json, the_writer_makes_canonical_text_that_reads_back)
{
    ds_auto_buf b;
    struct json_writer w;
    buf_init(&b, 10000);
    jw_init(&w, &b);
    jw_object(&w);
    jw_key(&w, "a");
    jw_array(&w);
    jw_u64(&w, UINT64_MAX);
    jw_i64(&w, -5);
    jw_double(&w, 1e5);
    jw_double(&w, 0.1);
    jw_double(&w, NAN);
    jw_double(&w, INFINITY);
    jw_end_array(&w);
    jw_kv_text(&w, "b\"\\", DS_SPAN("q\"\\\n\t\x01\x7f/\xc3\xa9"));
    jw_kv_bool(&w, "c", false);
    jw_key(&w, "d");
    jw_null(&w);
    jw_key(&w, "e");
    jw_object(&w);
    jw_end_object(&w);
    jw_end_object(&w);
    cr_expect_str_eq(b.data,
                     "{\"a\":[18446744073709551615,-5,100000,0.1,null,null],\"b\\\"\\\\\":"
                     "\"q\\\"\\\\\\n\\t\\u0001\\u007f/\xc3\xa9\",\"c\":false,\"d\":null,\"e\":{}}");
    ds_auto_json j = NULL;
    struct ds_span t;
    cr_assert_eq(json_parse(buf_span(&b), 10000, &j, NULL), 0);
    cr_expect(json_text(json_get(j, "b\"\\"), &t) && ds_span_is(t, "q\"\\\n\t\x01\x7f/\xc3\xa9"));
}

Test(json, bytes_that_are_no_utf8_become_the_replacement_character)
{
    static const struct {
        const char *in, *out;
        bool valid;
    } ROWS[] = {
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b",
         false},
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", false},                 /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", false}, /* surrogate */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", false},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", false},
        {"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"", "", true},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_buf b;
        struct json_writer w;
        buf_init(&b, 100);
        jw_init(&w, &b);
        jw_cstr(&w, ROWS[i].in);
        cr_expect_eq(b.len, strlen(ROWS[i].out) + 2);
        cr_expect(memcmp(b.data + 1, ROWS[i].out, b.len - 2) == 0, "%zu", i);
        cr_expect_eq(utf8_is_valid(ds_span_of(ROWS[i].in)), ROWS[i].valid, "%zu", i);
    }
}
