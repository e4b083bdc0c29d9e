/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/design.h"
#include "sweep_help.h"

#define ID "0123456789abcdef"

Test(design_csv, what_is_written_is_read_back)
{
    auto_case c = expand_with(
        "A: {values: [\"a,b\", \"say \\\"x\\\"\", ' c ', plain]}, B: {values: [1, 2.5]}",
        "method: grid, where: \"B > 1 || B == 1\"", NULL);
    ds_auto_buf csv;
    struct design d;
    struct case_id ids[8];
    buf_init(&csv, 1 << 20);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    for (size_t i = 0; i < 8; i++) {
        memcpy(ids[i].hex, ID, CASE_ID_CHARS);
        ids[i].hex[0] = (char)('0' + i);
    }
    cr_assert_eq(design_write_csv(&c.t, ids, &csv, &c.err), 0);
    cr_assert_eq(design_decode(buf_span(&csv), c.a, &d, &c.err), 0, "%s", c.err.text);
    cr_assert_eq(d.n_rows, 8);
    cr_assert_eq(d.n_params, 2);
    cr_assert(ds_span_is(d.names[0], "A") && ds_span_is(d.names[1], "B") && !d.has_sens);
    for (uint32_t i = 0; i < 8; i++) {
        struct ds_span cells[2];
        cr_assert_eq(design_row(&d, i, c.a, cells, NULL, &c.err), 0);
        cr_expect_eq(d.number[i], c.t.number[i]);
        cr_expect(case_id_eq(d.id[i], ids[i]));
        cr_expect(ds_span_eq(cells[0], cell(&c, i, "A")) && ds_span_eq(cells[1], cell(&c, i, "B")));
    }
    cr_expect_eq(design_find_id(&d, ids[3]), 3);
    cr_expect_eq(design_find_id(&d, (struct case_id){"ffffffffffffffff"}), -1);
}

Test(design_csv, sensitivity_columns_travel_with_the_rows)
{
    auto_case c = expand_with("A: {uniform: {min: 0, max: 1}}, B: {values: [x, \"y, z\"]}",
                              "method: one-at-a-time", NULL);
    ds_auto_buf csv;
    struct design d;
    struct case_id ids[4];
    struct ds_span cells[2], sens[2];
    buf_init(&csv, 1 << 20);
    for (size_t i = 0; i < 4; i++)
        memcpy(ids[i].hex, ID, CASE_ID_CHARS);
    cr_assert_eq(design_write_csv(&c.t, ids, &csv, &c.err), 0);
    cr_assert(
        ds_span_starts(buf_span(&csv), "case,id,SENSNAME,SENSCASE,A,B\n0," ID ",base,base,0.5,x\n"),
        "%s", csv.data);
    cr_assert_eq(design_decode(buf_span(&csv), c.a, &d, &c.err), 0, "%s", c.err.text);
    cr_assert(d.has_sens && d.n_params == 2);
    cr_assert_eq(design_row(&d, 3, c.a, cells, sens, &c.err), 0);
    cr_expect(ds_span_is(sens[0], "B") && ds_span_is(sens[1], "y, z")
              && ds_span_is(cells[1], "y, z"));
}

Test(design_csv, rows_are_found_by_number)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d;
    struct ds_err err;
    struct ds_span text = DS_SPAN("case,id,A\n3," ID ",1\n7," ID ",2\n2147483647," ID ",3\n");
    cr_assert_eq(design_decode(text, a, &d, &err), 0, "%s", err.text);
    cr_expect_eq(design_find_number(&d, 3), 0);
    cr_expect_eq(design_find_number(&d, 7), 1);
    cr_expect_eq(design_find_number(&d, 2147483647), 2);
    cr_expect_eq(design_find_number(&d, 4), -1);
    cr_expect_eq(design_find_number(&d, 0), -1);
    cr_expect_eq(design_find_number(&d, 4294967295u), -1);
}

Test(design_csv, a_design_without_parameters_or_rows_is_whole)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct design d;
    struct ds_err err;
    cr_expect_eq(design_decode(DS_SPAN("case,id\n0," ID "\n"), a, &d, &err), 0, "%s", err.text);
    cr_expect(d.n_rows == 1 && d.n_params == 0);
    cr_expect_eq(design_decode(DS_SPAN("case,id,A\n"), a, &d, &err), 0);
    cr_expect_eq(d.n_rows, 0);
}

Test(design_csv, damage_is_told_with_its_line)
{
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"", "design.csv:1: not a whole design"},
        {"case,id\n0," ID, "design.csv:1: not a whole design"},
        {"x,id\n", "design.csv:1: the header does not start with case,id"},
        {"case\n", "design.csv:1: the header is no design's"},
        {"case,id,B,A\n", "design.csv:1: the names are not in order"},
        {"case,id,A,A\n", "design.csv:1: the names are not in order"},
        {"case,id,\"A\n", "design.csv:1: the header is no design's"},
        {"case,id\nx," ID "\n", "design.csv:2: no case number"},
        {"case,id\n\n", "design.csv:2: no case number"},
        {"case,id\n2147483648," ID "\n", "design.csv:2: no case number"},
        {"case,id\n99999999999999999999," ID "\n", "design.csv:2: no case number"},
        {"case,id\n-1," ID "\n", "design.csv:2: no case number"},
        {"case,id\n1," ID "\n1," ID "\n", "design.csv:3: case numbers do not ascend"},
        {"case,id\n2," ID "\n1," ID "\n", "design.csv:3: case numbers do not ascend"},
        {"case,id\n0,0123456789ABCDEF\n", "design.csv:2: no case id"},
        {"case,id\n0,0123\n", "design.csv:2: no case id"},
        {"case,id\n0," ID "0\n", "design.csv:2: no case id"},
        {"case,id,A\n0," ID "\n", "design.csv:2: wrong number of cells"},
        {"case,id,A\n0," ID ",1,2\n", "design.csv:2: wrong number of cells"},
        {"case,id,A\n0," ID ",\"1\n", "design.csv:2: wrong number of cells, or quotes"},
        {"case,id,A\n0," ID ",\"1\"x\n", "design.csv:2: wrong number of cells, or quotes"},
        {"case,id,A\n0," ID ",1\"\n", "design.csv:2: wrong number of cells, or quotes"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct design d;
        struct ds_err err = {0};
        cr_expect_eq(design_decode(ds_span_of(ROWS[i].text), a, &d, &err), DS_EPARSE, "%s",
                     ROWS[i].text);
        cr_expect(strncmp(err.text, ROWS[i].says, strlen(ROWS[i].says)) == 0, "%s: %s",
                  ROWS[i].text, err.text);
    }
}

Test(design_csv, cells_are_quoted_only_where_they_must)
{
    static const struct {
        const char *cell, *csv;
    } ROWS[] = {{"", ""},           {"a b", "a b"},       {"a,b", "\"a,b\""},
                {"\"", "\"\"\"\""}, {"a\nb", "\"a\nb\""}, {"'", "'"}};
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_buf b;
        buf_init(&b, 100);
        cr_expect_eq(csv_put_cell(&b, ds_span_of(ROWS[i].cell)), 0);
        cr_expect(ds_span_is(buf_span(&b), ROWS[i].csv), "%s", ROWS[i].csv);
    }
}

Test(design_csv, a_design_beyond_its_bounds_is_refused)
{
    ds_auto_buf b;
    ds_auto_arena a = arena_create(1u << 30);
    struct design d;
    struct ds_err err;
    buf_init(&b, 64u << 20);
    (void)buf_put_text(&b, "case,id\n");
    for (uint32_t i = 0; i <= SWEEP_MAX_CASES; i++)
        (void)buf_printf(&b, "%u," ID "\n", i);
    cr_expect_eq(design_decode(buf_span(&b), a, &d, &err), DS_ETOOBIG);
    ds_auto_arena small = arena_create(4096);
    struct ds_span most = buf_span(&b);
    most.len /= 2;
    while (most.ptr[most.len - 1] != '\n')
        most.len--;
    cr_expect_eq(design_decode(most, small, &d, &err), DS_ETOOBIG);
    cr_expect_eq(design_decode(most, a, &d, &err), 0);
}
