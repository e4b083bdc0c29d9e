/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index, schema and parts: what is read, under which names */
#include "collector/index.h"
#include "collector/parts.h"
#include "collector/schema.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ID_A "00000000000000aa"
#define ID_B "00000000000000bb"

static struct design design_of(const char *const *ids, uint32_t n, struct ds_arena *a)
{
    struct case_id *id = ds_new(a, struct case_id, n);
    uint32_t *number = ds_new(a, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(id[i].hex, ids[i], CASE_ID_CHARS);
        number[i] = i * 10;
    }
    return (struct design){.n_rows = n, .id = id, .number = number};
}

static const char *source_of(const char *const *keys, size_t n, struct ds_arena *a,
                             struct index_slot *slot)
{
    struct design d = design_of((const char *[]){ID_A}, 1, a);
    struct index x;
    cr_assert_eq(index_start(&d, a, &x, NULL), 0);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(index_add(&x, ds_span_of(keys[i]), 1, 0, NULL), 0);
    *slot = x.slots[0];
    return slot->key.ptr;
}

Test(collect_index, takes_the_best_archive_of_a_case_in_whatever_order_keys_come)
{
    static const struct {
        const char *claim, *keys[4], *want;
        enum verdict verdict;
        uint32_t n_failed;
    } ROWS[] = {
        {"nothing", {NULL}, "", VERDICT_NONE, 0},
        {"foreign keys",
         {"cases/x", "runs/a.jsonl", "cases/" ID_B ".s.tar.zst"},
         "",
         VERDICT_NONE,
         0},
        {"a finished case before failed attempts",
         {"failed/" ID_A ".1.crashed.tar.zst", "cases/" ID_A ".sl.tar.zst"},
         "cases/" ID_A ".sl.tar.zst",
         VERDICT_OK,
         1},
        {"the wider of two",
         {"cases/" ID_A ".s.tar.zst", "cases/" ID_A ".slr.tar.zst"},
         "cases/" ID_A ".slr.tar.zst",
         VERDICT_OK,
         0},
        {"one with a summary before a wider one without",
         {"cases/" ID_A ".s.tar.zst", "cases/" ID_A ".lgir.tar.zst"},
         "cases/" ID_A ".s.tar.zst",
         VERDICT_OK,
         0},
        {"the last attempt by number, not by text",
         {"failed/" ID_A ".9.crashed.tar.zst", "failed/" ID_A ".10.timeout-60.tar.zst"},
         "failed/" ID_A ".10.timeout-60.tar.zst",
         VERDICT_TIMEOUT,
         2},
        {"marks without an archive",
         {"failed/" ID_A ".2.granted", "started/" ID_A ".3"},
         "",
         VERDICT_NONE,
         0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        const char *back[4];
        struct index_slot slot;
        size_t n = 0;
        while (n < 4 && ROWS[i].keys[n])
            n++;
        for (size_t k = 0; k < n; k++)
            back[k] = ROWS[i].keys[n - 1 - k];
        cr_expect_str_eq(source_of(ROWS[i].keys, n, a, &slot), ROWS[i].want, "%s", ROWS[i].claim);
        cr_expect_eq(slot.verdict, ROWS[i].verdict, "%s", ROWS[i].claim);
        cr_expect_eq(slot.n_failed, ROWS[i].n_failed, "%s", ROWS[i].claim);
        cr_expect_str_eq(source_of(back, n, a, &slot), ROWS[i].want, "%s, backwards",
                         ROWS[i].claim);
    }
}

Test(collect_index, rows_with_one_id_share_a_slot)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d = design_of((const char *[]){ID_A, ID_B, ID_A}, 3, a);
    struct index x;
    cr_assert_eq(index_start(&d, a, &x, NULL), 0);
    cr_expect_eq(x.n_slots, 2);
    cr_expect_eq(x.slot_of_row[0], x.slot_of_row[2]);
    cr_expect_neq(x.slot_of_row[0], x.slot_of_row[1]);
}

Test(collect_schema, finds_ten_thousand_vectors_by_key_and_occurrence)
{
    ds_auto_arena a = arena_create(64 << 20);
    struct schema s;
    schema_init(&s, a);
    for (uint32_t i = 0; i < 10000; i++) {
        char key[32];
        uint32_t at = 0;
        (void)snprintf(key, sizeof key, "WOPR:W%u", i / 2);
        struct dataset_vector v = {.key = ds_span_of(key), .occurrence = i % 2 + 1};
        cr_assert_eq(schema_find(&s, v.key, v.occurrence), SCHEMA_NONE);
        cr_assert_eq(schema_add(&s, &v, &at, NULL), 0);
        cr_assert_eq(at, i);
    }
    cr_expect_eq(schema_find(&s, DS_SPAN("WOPR:W17"), 2), 35);
    cr_expect_eq(schema_find(&s, DS_SPAN("WOPR:W17"), 3), SCHEMA_NONE);
    cr_expect_str_eq(s.vectors[35].name, "WOPR:W17#2");
}

static struct archive_index index_of(const char *const *names, size_t n, struct ds_arena *a)
{
    struct archive_member *m = ds_new(a, struct archive_member, n);
    for (size_t i = 0; i < n; i++)
        m[i].name = ds_span_of(names[i]);
    return (struct archive_index){m, n};
}

Test(collect_parts, finds_every_form_of_a_summary)
{
    static const struct {
        const char *claim, *names[6], *spec;
        size_t n_data;
        const char *first;
        bool formatted;
    } ROWS[] = {
        {"unified",
         {"case.json", "RUN.SMSPEC", "RUN.UNSMRY"},
         "RUN.SMSPEC",
         1,
         "RUN.UNSMRY",
         false},
        {"multiple, in order of number",
         {"RUN.S0010", "RUN.S0002", "RUN.SMSPEC"},
         "RUN.SMSPEC",
         2,
         "RUN.S0002",
         false},
        {"formatted", {"RUN.FSMSPEC", "RUN.FUNSMRY"}, "RUN.FSMSPEC", 1, "RUN.FUNSMRY", true},
        {"formatted multiple", {"RUN.FSMSPEC", "RUN.A0001"}, "RUN.FSMSPEC", 1, "RUN.A0001", true},
        {"unified before left over parts",
         {"RUN.S0001", "RUN.UNSMRY", "RUN.SMSPEC"},
         "RUN.SMSPEC",
         1,
         "RUN.UNSMRY",
         false},
        {"a lower-case name", {"run.smspec", "run.unsmry"}, "run.smspec", 1, "run.unsmry", false},
        {"another run's files are not ours",
         {"BASE.SMSPEC", "sub/RUN.SMSPEC", "RUN.PRT"},
         NULL,
         0,
         NULL,
         false},
        {"no values yet", {"RUN.SMSPEC"}, "RUN.SMSPEC", 0, NULL, false},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        size_t n = 0;
        while (n < 6 && ROWS[i].names[n])
            n++;
        struct archive_index x = index_of(ROWS[i].names, n, a);
        struct parts p;
        cr_assert_eq(parts_find(&x, DS_SPAN(""), DS_SPAN("RUN"), a, &p, NULL), 0);
        cr_expect_eq(p.spec != NULL, ROWS[i].spec != NULL, "%s", ROWS[i].claim);
        if (p.spec && ROWS[i].spec)
            cr_expect_str_eq(p.spec->name.ptr, ROWS[i].spec, "%s", ROWS[i].claim);
        cr_expect_eq(p.n_data, ROWS[i].n_data, "%s", ROWS[i].claim);
        if (p.n_data > 0)
            cr_expect_str_eq(p.data[0]->name.ptr, ROWS[i].first, "%s", ROWS[i].claim);
        cr_expect_eq(p.formatted, ROWS[i].formatted, "%s", ROWS[i].claim);
    }
}

Test(collect_parts, finds_a_restart_base_by_path_and_else_by_name)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct archive_index x =
        index_of((const char *[]){"model/RUN.DATA", "base/BASE.SMSPEC", "abs/x/OTHER.SMSPEC",
                                  "old/BASE.UNRST", "one/TWICE.SMSPEC", "two/TWICE.SMSPEC"},
                 6, a);
    struct ds_span dir, root;
    cr_expect(parts_locate_base(&x, DS_SPAN("model/"), DS_SPAN("../base/BASE"), a, &dir, &root));
    cr_expect(ds_span_is(dir, "base/") && ds_span_is(root, "BASE"));
    cr_expect(parts_locate_base(&x, DS_SPAN("model/"), DS_SPAN("/x/OTHER"), a, &dir, &root));
    cr_expect(ds_span_is(dir, "abs/x/"));
    cr_expect(parts_locate_base(&x, DS_SPAN(""), DS_SPAN("two/TWICE"), a, &dir, &root));
    cr_expect(ds_span_is(dir, "two/"));
    cr_expect_not(parts_locate_base(&x, DS_SPAN(""), DS_SPAN("TWICE"), a, &dir, &root),
                  "two candidates are none");
    cr_expect_not(parts_locate_base(&x, DS_SPAN(""), DS_SPAN("GONE"), a, &dir, &root));
}
