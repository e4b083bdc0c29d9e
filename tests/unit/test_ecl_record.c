/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of every type, in blocks of any split; damaged bytes and texts. */
#include "summary/ecl_write.h"
#include "summary/smspec.h"
#include "summary/unsmry.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static struct ds_arena *arena;
static struct ds_buf bytes;

static void set_up(void)
{
    arena = arena_create((size_t)64 << 20);
    buf_init(&bytes, (size_t)64 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
    buf_clear(&bytes);
}

TestSuite(ecl_record, .init = set_up, .fini = tear_down, .timeout = 60);

static struct ds_bytes written(void)
{
    return ds_bytes_of(buf_span(&bytes));
}

Test(ecl_record, records_of_every_type_and_size_round_trip)
{
    static const size_t COUNTS[] = {0, 1, 2, 3, 104, 105, 106, 210, 999, 1000, 1001, 2504};
    enum { MOST = 2504 };
    static int32_t ints[MOST], ints_back[MOST];
    static float reals[MOST], reals_back[MOST];
    static double doubles[MOST], doubles_back[MOST];
    static bool flags[MOST], flags_back[MOST];
    static const char *texts[MOST];
    static struct ds_span texts_back[MOST];
    for (size_t i = 0; i < MOST; i++) {
        ints[i] = i % 7 == 0 ? INT32_MIN : (int32_t)(i * 977) - 5000;
        reals[i] = (float)i * (i % 2 ? 1.25e-30f : -3.5e20f);
        doubles[i] = (double)i * (i % 3 ? 1.25e-120 : -3.5e150);
        flags[i] = i % 3 == 0;
        texts[i] = i % 2 ? "it's" : "";
    }
    for (int formatted = 0; formatted < 2; formatted++) {
        for (size_t c = 0; c < DS_COUNT(COUNTS); c++) {
            size_t n = COUNTS[c];
            struct ecl_writer w = {&bytes, formatted};
            struct ecl_reader r;
            struct ecl_record rec;
            struct ds_err err;
            buf_reset(&bytes);
            ecl_put_i32(&w, "INTS", ints, n);
            ecl_put_f32(&w, "REALS", reals, n);
            ecl_put_f64(&w, "DOUBLES", doubles, n);
            ecl_put_logi(&w, "FLAGS", flags, n);
            ecl_put_text(&w, "TEXTS", 8, texts, n);
            ecl_put_text(&w, "WIDE", 33, texts, n);
            ecl_put_mess(&w, "NOTE");
            ecl_reader_init(&r, written(), formatted);
            cr_assert_eq(ecl_next(&r, &rec, &err), 0, "%s", err.text);
            cr_assert(ecl_is(&rec, "INTS") && rec.type == ECL_INTE && rec.count == n);
            cr_assert_eq(ecl_read_i32(&r, &rec, 0, n, ints_back, &err), 0, "%s", err.text);
            cr_expect_arr_eq(ints, ints_back, n * sizeof *ints);
            size_t from = n / 3, some = n - from;
            cr_assert_eq(ecl_read_i32(&r, &rec, from, some, ints_back, &err), 0);
            cr_expect_arr_eq(ints + from, ints_back, some * sizeof *ints);
            cr_expect_eq(ecl_read_i32(&r, &rec, 1, n, ints_back, NULL), DS_ECORRUPT);
            cr_expect_eq(ecl_read_f32(&r, &rec, 0, n, reals_back, NULL), DS_ECORRUPT);
            cr_assert_eq(ecl_next(&r, &rec, &err), 0, "%s", err.text);
            cr_assert_eq(ecl_read_f32(&r, &rec, 0, n, reals_back, &err), 0);
            for (size_t i = 0; i < n; i++)
                cr_expect(formatted ? fabsf(reals[i] - reals_back[i]) <= fabsf(reals[i]) * 1e-7f
                                    : reals[i] == reals_back[i],
                          "%.9g %.9g", (double)reals[i], (double)reals_back[i]);
            cr_assert_eq(ecl_next(&r, &rec, &err), 0, "%s", err.text);
            cr_assert_eq(ecl_read_f64(&r, &rec, 0, n, doubles_back, &err), 0, "%s", err.text);
            for (size_t i = 0; i < n; i++)
                cr_expect(formatted ? fabs(doubles[i] - doubles_back[i]) <= fabs(doubles[i]) * 1e-13
                                    : doubles[i] == doubles_back[i],
                          "%.17g %.17g", doubles[i], doubles_back[i]);
            cr_assert_eq(ecl_next(&r, &rec, &err), 0, "%s", err.text);
            cr_assert_eq(ecl_read_logi(&r, &rec, 0, n, flags_back, &err), 0);
            cr_expect_arr_eq(flags, flags_back, n * sizeof *flags);
            for (int wide = 0; wide < 2; wide++) {
                cr_assert_eq(ecl_next(&r, &rec, &err), 0, "%s", err.text);
                cr_assert_eq(rec.size, wide ? 33 : 8);
                cr_assert_eq(ecl_read_text(&r, &rec, 0, n, texts_back, &err), 0, "%s", err.text);
                for (size_t i = 0; i < n; i++)
                    cr_expect(texts_back[i].len == rec.size
                              && ds_span_is(ds_span_trim(texts_back[i]), texts[i]));
            }
            cr_assert_eq(ecl_next(&r, &rec, &err), 0, "%s", err.text);
            cr_assert(ecl_is(&rec, "NOTE") && rec.type == ECL_MESS && rec.count == 0);
            cr_assert_eq(ecl_next(&r, &rec, &err), DS_ENOTFOUND);
        }
    }
}

static void put_raw(const char *text, size_t n)
{
    (void)buf_put(&bytes, text, n);
}
#define RAW(literal) put_raw(literal, sizeof(literal) - 1)

Test(ecl_record, blocks_of_any_split_are_one_record_and_large_counts_add_up)
{
    struct ecl_reader r;
    struct ecl_record rec;
    int32_t v[3];
    RAW("\0\0\0\20INTS    \0\0\0\3INTE\0\0\0\20"
        "\0\0\0\4\0\0\0\1\0\0\0\4\0\0\0\10\0\0\0\2\0\0\0\3\0\0\0\10");
    ecl_reader_init(&r, written(), false);
    cr_assert_eq(ecl_next(&r, &rec, NULL), 0);
    cr_assert_eq(ecl_read_i32(&r, &rec, 0, 3, v, NULL), 0);
    cr_expect(v[0] == 1 && v[1] == 2 && v[2] == 3);
    cr_assert_eq(ecl_read_i32(&r, &rec, 1, 2, v, NULL), 0);
    cr_expect(v[0] == 2 && v[1] == 3);
    /* 2 * 2^31 + 1 elements: the bytes end long before */
    buf_reset(&bytes);
    RAW("\0\0\0\20BIG     \xff\xff\xff\xfeX231\0\0\0\20"
        "\0\0\0\20BIG     \0\0\0\1INTE\0\0\0\20\0\0\0\4\0\0\0\1\0\0\0\4");
    ecl_reader_init(&r, written(), false);
    cr_expect_eq(ecl_next(&r, &rec, NULL), DS_EAGAIN);
    struct unsmry_scan s;
    unsmry_scan_init(&s, 0);
    unsmry_scan_feed(&s, bytes.data, bytes.len);
    cr_expect_eq(s.state, UNSMRY_CUT);
}

#define HEADER "\0\0\0\20INTS    \0\0\0\2INTE\0\0\0\20"

Test(ecl_record, bytes_that_contradict_the_format_are_corrupt_not_cut)
{
    static const struct {
        const char *raw;
        size_t n;
    } BAD[] = {
#define CASE(literal) {literal, sizeof(literal) - 1}
        CASE("\20\0\0\0INTS"),                                         /* little-endian */
        CASE("SMSPEC"),                                                /* text */
        CASE("\0\0\0\20INTS    \0\0\0\2INTE\0\0\0\21"),                /* header's tail */
        CASE("\0\0\0\20INTS    \0\0\0\2WHAT\0\0\0\20"),                /* type */
        CASE("\0\0\0\20INTS    \377\377\377\377INTE\0\0\0\20"),        /* negative count */
        CASE("\0\0\0\20INTS    \0\0\0\2X231\0\0\0\20"),                /* X231 without minus */
        CASE("\0\0\0\20INTS    \200\0\0\0X231\0\0\0\20"),              /* 2^62 elements */
        CASE("\0\0\0\20INTS    \0\0\0\2C000\0\0\0\20"),                /* texts of no length */
        CASE(HEADER "\0\0\0\0\0\0\0\0"),                               /* empty block */
        CASE(HEADER "\0\0\0\11\0\0\0\0"),                              /* more than left */
        CASE(HEADER "\0\0\0\3aaa\0\0\0\3"),                            /* cuts an element */
        CASE(HEADER "\377\377\377\377\0\0\0\0"),                       /* 4 GiB */
        CASE(HEADER "\0\0\0\10aaaaaaaa\0\0\0\7"),                      /* tail differs */
        CASE(HEADER "\0\0\0\4aaaa\0\0\0\4\0\0\0\10aaaaaaaa\0\0\0\10"), /* too many */
    };
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        struct ecl_reader r;
        struct ecl_record rec;
        struct ds_err err = {0};
        struct smspec spec;
        struct unsmry u;
        struct ds_bytes b = {(const unsigned char *)BAD[i].raw, BAD[i].n};
        ecl_reader_init(&r, b, false);
        cr_expect_eq(ecl_next(&r, &rec, &err), DS_ECORRUPT, "case %zu: %s", i, err.text);
        cr_expect_eq(r.at, 0);
        cr_expect_eq(smspec_read(b, false, arena, &spec, NULL), DS_ECORRUPT);
        cr_assert_eq(unsmry_index(&b, 1, false, 3, arena, &u, NULL), 0);
        cr_expect_eq(u.state, UNSMRY_CORRUPT);
        cr_expect_gt(strlen(u.trouble), 5);
        struct unsmry_scan s;
        unsmry_scan_init(&s, 0);
        unsmry_scan_feed(&s, b.data, b.len);
        if (BAD[i].n >= 24)
            cr_expect_eq(s.state, UNSMRY_CORRUPT, "case %zu", i);
    }
}

Test(ecl_record, texts_that_contradict_the_format_are_corrupt)
{
    static const char *const BAD[] = {
        "hello",
        " 'INTS    '  x 'INTE'\n 1\n",
        " 'INTS    '  1 'WHAT'\n 1\n",
        " 'INTS    '  -1 'INTE'\n 1\n",
        " 'INTS    '  99999999999999 'INTE'\n 1\n",
        " 'INTS'  1 'INTE'\n 1 2 3 4 5 6 7 8 9\n",
        " 'TEXTS   '  2 'CHAR'\n 'aaaaaaaa' 'bbb'      \n",
        " 'INTS    '  3 'INTE'\n 1 2\n 'NEXT    ' 1 'INTE'\n 3\n",
    };
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        struct ecl_reader r;
        struct ecl_record rec;
        ecl_reader_init(&r, ds_bytes_of(ds_span_of(BAD[i])), true);
        cr_expect_eq(ecl_next(&r, &rec, NULL), DS_ECORRUPT, "%s", BAD[i]);
    }
    static const char *const ITEMS[] = {"1.5", "1-", "99999999999", "x", "-", "+-1", "2147483648"};
    for (size_t i = 0; i < DS_COUNT(ITEMS); i++) {
        char text[100];
        int32_t v;
        struct ecl_reader r;
        struct ecl_record rec;
        (void)snprintf(text, sizeof text, " 'INTS    '  1 'INTE'\n %s\n", ITEMS[i]);
        ecl_reader_init(&r, ds_bytes_of(ds_span_of(text)), true);
        cr_assert_eq(ecl_next(&r, &rec, NULL), 0);
        cr_expect_eq(ecl_read_i32(&r, &rec, 0, 1, &v, NULL), DS_ECORRUPT, "%s", ITEMS[i]);
    }
}

Test(ecl_record, fortrans_ways_to_write_numbers_are_read)
{
    static const struct {
        const char *text;
        double want;
    } CASES[] = {{"0.12345678E+01", 1.2345678},
                 {"-.5", -0.5},
                 {"5.", 5},
                 {"0.1D+03", 100},
                 {"0.25-101", 0.25e-101},
                 {"1+5", 1e5},
                 {"-0.0", -0.0},
                 {"NaN", NAN},
                 {"-Infinity", -INFINITY},
                 {"12", 12},
                 {"1e3", 1000},
                 {"0.49406564584124654-323", 0x1p-1074}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        char text[100];
        double v = 77;
        struct ecl_reader r;
        struct ecl_record rec;
        (void)snprintf(text, sizeof text, " 'D       '  1 'DOUB'\n %s\n", CASES[i].text);
        ecl_reader_init(&r, ds_bytes_of(ds_span_of(text)), true);
        cr_assert_eq(ecl_next(&r, &rec, NULL), 0);
        cr_assert_eq(ecl_read_f64(&r, &rec, 0, 1, &v, NULL), 0, "%s", CASES[i].text);
        cr_expect((isnan(v) && isnan(CASES[i].want)) || v == CASES[i].want, "%s: %g", CASES[i].text,
                  v);
    }
}
