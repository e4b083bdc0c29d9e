/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/bundle_paths.h"

#include <criterion/criterion.h>

static const struct ds_span GEO[] = {{"geo/real-2", 10}, {"geo/real-10", 11}};
static const struct ds_span FLT[] = {{"flt/a.inc", 9}};
static const struct bundle_param PARAMS[] = {{{"FLT", 3}, FLT, 1}, {{"GEO", 3}, GEO, 2}};
static const struct ds_span REWRITTEN[] = {{"SPE1.DATA:7: '/x/\"y' -> 'abs/x/\"y'", 33}};
static const struct bundle_paths ALL = {.deck = {"model/SPE1.DATA", 15},
                                        .table = {"decksweep-table.csv", 19},
                                        .params = PARAMS,
                                        .n_params = 2,
                                        .rewritten = REWRITTEN,
                                        .n_rewritten = 1};

Test(bundle_paths, survive_their_text_in_their_order)
{
    struct ds_buf text;
    struct bundle_paths got;
    struct ds_err err = {0};
    buf_init(&text, 65536);
    struct ds_arena *a = arena_create(1 << 20);
    cr_assert_eq(bundle_paths_encode(&ALL, &text, &err), 0, "%s", err.text);
    cr_assert_eq(bundle_paths_decode(buf_span(&text), a, &got, &err), 0, "%s", err.text);
    cr_assert(ds_span_eq(got.deck, ALL.deck) && ds_span_eq(got.table, ALL.table));
    const struct bundle_param *geo = bundle_paths_find(&got, DS_SPAN("GEO"));
    cr_assert(geo && geo->n_paths == 2);
    cr_assert(ds_span_is(geo->paths[0], "geo/real-2") && ds_span_is(geo->paths[1], "geo/real-10"));
    cr_assert(bundle_paths_find(&got, DS_SPAN("FLT")) && !bundle_paths_find(&got, DS_SPAN("X")));
    cr_assert(got.n_rewritten == 1 && ds_span_eq(got.rewritten[0], REWRITTEN[0]));
    struct ds_buf again;
    buf_init(&again, 65536);
    cr_assert_eq(bundle_paths_encode(&got, &again, &err), 0);
    cr_assert(ds_span_eq(buf_span(&again), buf_span(&text)), "canonical");
    buf_clear(&again);
    buf_clear(&text);
    arena_destroy(a);
}

struct row {
    const char *claim, *text;
    int rc;
};

static const struct row ROWS[] = {
    {"a deck alone", "{\"version\":1,\"deck\":\"A.DATA\"}", 0},
    {"unknown keys are ignored", "{\"version\":1,\"deck\":\"A.DATA\",\"later\":[1]}", 0},
    {"null is absent", "{\"version\":1,\"deck\":\"A\",\"table\":null,\"files\":null}", 0},
    {"no version", "{\"deck\":\"A.DATA\"}", DS_EPARSE},
    {"a version of later", "{\"version\":2,\"deck\":\"A.DATA\"}", DS_EINPUT},
    {"no deck", "{\"version\":1}", DS_EPARSE},
    {"an absolute deck", "{\"version\":1,\"deck\":\"/etc/passwd\"}", DS_EINPUT},
    {"a deck above", "{\"version\":1,\"deck\":\"../A.DATA\"}", DS_EINPUT},
    {"a deck above, later", "{\"version\":1,\"deck\":\"x/../../A.DATA\"}", DS_EINPUT},
    {"a deck that is not UTF-8",
     "{\"version\":1,\"deck\":\"d\xe9"
     "ck.DATA\"}",
     DS_EINPUT},
    {"an empty deck", "{\"version\":1,\"deck\":\"\"}", DS_EINPUT},
    {"a deck with a control byte", "{\"version\":1,\"deck\":\"A\\u0001B\"}", DS_EINPUT},
    {"a table above", "{\"version\":1,\"deck\":\"A\",\"table\":\"../t.csv\"}", DS_EINPUT},
    {"a file above", "{\"version\":1,\"deck\":\"A\",\"files\":{\"G\":[\"x\",\"../y\"]}}",
     DS_EINPUT},
    {"a parameter without files", "{\"version\":1,\"deck\":\"A\",\"files\":{\"G\":[]}}", DS_EINPUT},
    {"a parameter that is none", "{\"version\":1,\"deck\":\"A\",\"files\":{\"a b\":[\"x\"]}}",
     DS_EPARSE},
    {"a parameter twice", "{\"version\":1,\"deck\":\"A\",\"files\":{\"G\":[\"x\"],\"G\":[\"y\"]}}",
     DS_EPARSE},
    {"files as a list", "{\"version\":1,\"deck\":\"A\",\"files\":[\"x\"]}", DS_EPARSE},
    {"a number as file", "{\"version\":1,\"deck\":\"A\",\"files\":{\"G\":[1]}}", DS_EPARSE},
    {"something else", "[]", DS_EPARSE},
    {"no JSON", "deck: A", DS_EPARSE},
    {"nothing", "", DS_EPARSE},
};

Test(bundle_paths, refuse_what_leaves_the_bundle)
{
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_arena *a = arena_create(1 << 20);
        struct bundle_paths got;
        struct ds_err err = {0};
        int rc = bundle_paths_decode(ds_span_of(ROWS[i].text), a, &got, &err);
        cr_expect_eq(rc, ROWS[i].rc, "%s: %d %s", ROWS[i].claim, rc, err.text);
        cr_expect(rc == 0 || strstr(err.text, BUNDLE_PATHS_NAME), "%s: %s", ROWS[i].claim,
                  err.text);
        arena_destroy(a);
    }
}

Test(bundle_paths, are_not_written_when_they_leave_the_bundle)
{
    struct bundle_paths bad = ALL;
    struct ds_buf text;
    struct ds_err err = {0};
    buf_init(&text, 65536);
    bad.deck = DS_SPAN("../SPE1.DATA");
    cr_assert_eq(bundle_paths_encode(&bad, &text, &err), DS_EINPUT);
    cr_assert(strstr(err.text, "../SPE1.DATA"));
    bad.deck = DS_SPAN("d\xe9"
                       "ck.DATA");
    cr_assert_eq(bundle_paths_encode(&bad, &text, &err), DS_EINPUT);
    cr_assert(strstr(err.text, "UTF-8"));
    buf_clear(&text);
}

Test(bundle_paths, names_carry_digests)
{
    char hex[BUNDLE_HEX_BYTES], key[BUNDLE_KEY_BYTES];
    cr_assert(bundle_name_digest(DS_SPAN("spe1-0123456789abcdef"), hex));
    cr_assert_str_eq(hex, "0123456789abcdef");
    cr_assert_not(bundle_name_digest(DS_SPAN("spe1-0123456789abcde"), hex));
    cr_assert_not(bundle_name_digest(DS_SPAN("spe1-0123456789ABCDEF"), hex));
    cr_assert_not(bundle_name_digest(DS_SPAN("spe10123456789abcdef"), hex));
    cr_assert_not(bundle_name_digest(DS_SPAN("-0123456789abcdef"), hex), "no name before it");
    cr_assert_not(bundle_name_digest(DS_SPAN(""), hex));
    bundle_key_of("0123456789abcdef", key);
    cr_assert_str_eq(key, "deck.0123456789abcdef.tar.zst");
    cr_assert(bundle_key_digest(ds_span_of(key), hex));
    cr_assert_str_eq(hex, "0123456789abcdef");
    char from[BUNDLE_KEY_BYTES];
    cr_assert(bundle_key_from(DS_SPAN("configMap"), DS_SPAN("x-0123456789abcdef"), from));
    cr_assert_str_eq(from, key);
    cr_assert(bundle_key_from(DS_SPAN("store"), ds_span_of(key), from));
    cr_assert_not(bundle_key_from(DS_SPAN("store"), DS_SPAN("x-0123456789abcdef"), from));
    cr_assert_not(bundle_key_from(DS_SPAN("configMap"), DS_SPAN("by-hand"), from));
    cr_assert_not(bundle_key_digest(DS_SPAN("bundle.0123456789abcdef.tar.zst"), hex));
    cr_assert_not(bundle_key_digest(DS_SPAN("deck.tar.zst"), hex));
}
