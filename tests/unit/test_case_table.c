/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sweep_help.h"

static struct sweep_case table_with(const char *spec, const char *csv, size_t n)
{
    struct design_inputs in = {.table_text = {csv, n ? n : strlen(csv)}};
    static const struct ds_span GEO[] = {{"geo/real-1", 10}, {"geo/real-2", 10}};
    static const struct design_files FILES[] = {{{"GEO", 3}, GEO, 2}};
    in.files = FILES;
    in.n_files = 1;
    struct sweep_case c = parse_spec(spec);
    expand(&c, &in);
    return c;
}

#define TABLE "  design: {method: table, file: cases.csv}\n"

Test(case_table, columns_become_parameters_and_cells_stay_as_they_are)
{
    auto_case c = table_with(TABLE, "KX,PORO,NAME\n1e5,0.250,\"a, \"\"b\"\"\"\n007,1,x\n", 0);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 2);
    cr_expect(ds_span_is(cell(&c, 0, "KX"), "1e5"));
    cr_expect(ds_span_is(cell(&c, 0, "PORO"), "0.250"));
    cr_expect(ds_span_is(cell(&c, 0, "NAME"), "a, \"b\""));
    cr_expect(ds_span_is(cell(&c, 1, "KX"), "007"));
    cr_expect(c.t.columns[0].is_number && !c.t.columns[1].is_number && c.t.columns[2].is_number);
    cr_expect_eq(c.t.number[0], 0);
    cr_expect_eq(c.t.number[1], 1);
}

Test(case_table, real_numbers_the_cases_and_orders_them)
{
    auto_case c = table_with(TABLE, "REAL,A\n17,x\n3,y\n2147483647,z\n", 0);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect(c.t.number[0] == 3 && c.t.number[1] == 17 && c.t.number[2] == 2147483647);
    cr_expect(ds_span_is(cell(&c, 0, "A"), "y") && ds_span_is(cell(&c, 2, "A"), "z"));
    cr_expect_eq(c.t.n_columns, 1);
}

Test(case_table, spreadsheets_bring_bom_crlf_blanks_and_empty_lines)
{
    auto_case c = table_with(TABLE,
                             "\xef\xbb\xbf"
                             "A, B\r\n1 , \"x\" \r\n\r\n2,y\r\n\r\n",
                             0);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 2);
    cr_expect(ds_span_is(cell(&c, 0, "A"), "1") && ds_span_is(cell(&c, 0, "B"), "x"));
    cr_expect(ds_span_is(cell(&c, 1, "B"), "y"));
    auto_case d = table_with(TABLE, "A\n1\n2", 0);
    cr_expect_eq(d.t.n_rows, 2);
}

Test(case_table, samples_take_the_first_rows_of_the_file)
{
    auto_case c = table_with("  design: {method: table, file: c.csv, samples: 2}\n",
                             "REAL,A\n9,x\n8,y\n7,z\n", 0);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 2);
    cr_expect(c.t.number[0] == 8 && c.t.number[1] == 9);
    auto_case d =
        table_with("  design: {method: table, file: c.csv, samples: 4}\n", "A\n1\n2\n3\n", 0);
    cr_expect_eq(d.rc, DS_EINPUT);
    cr_expect(strstr(d.err.text, "samples: 4, but the table has 3 rows"), "%s", d.err.text);
}

Test(case_table, expressions_files_and_fixed_values_stand_beside_columns)
{
    auto_case c =
        table_with("  parameters:\n    KZ: {expression: \"KX / 10\"}\n    F: {values: [5]}\n"
                   "    GEO: {files: \"geo/*\"}\n    KX: {}\n"
                   "  design: {method: table, file: c.csv, where: \"KX > 50\"}\n",
                   "KX,GEO\n100,geo/real-2\n10,real-1\n200,real-1\n", 0);
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_assert_eq(c.t.n_rows, 2);
    cr_expect_eq(number(&c, 0, "KZ"), 10);
    cr_expect_eq(number(&c, 1, "KZ"), 20);
    cr_expect(ds_span_is(cell(&c, 0, "GEO"), "geo/real-2")
              && ds_span_is(cell(&c, 1, "GEO"), "geo/real-1"));
    cr_expect_eq(number(&c, 0, "F"), 5);
    cr_expect_eq(c.t.number[1], 2);
}

Test(case_table, mistakes_name_file_line_and_column)
{
    static const struct {
        const char *csv;
        size_t n;
        const char *says;
    } ROWS[] = {
        {"", 0, "cases.csv:1:1: the table is empty"},
        {"\n\n", 0, "cases.csv:3:1: the table is empty"},
        {"A,B\n", 0, "cases.csv:2:1: no line of values"},
        {"A,B\n1\n", 0, "cases.csv:2:2: fewer cells than the header has columns"},
        {"A,B\n1,2,3\n", 0, "cases.csv:2:5: more cells than the header"},
        {"A,B\n1,\n", 0, "cases.csv:2:3: an empty cell"},
        {"A,B\n1,2\n\"\",2\n", 0, "cases.csv:3:1: an empty cell"},
        {"A,B\n1,NaN\n", 0, "cases.csv:2:3: 'NaN': no value"},
        {"A,B\n1,-inf\n", 0, "cases.csv:2:3: '-inf': no value"},
        {"A,B\nn/a,1\n", 0, "cases.csv:2:1: 'n/a': no value"},
        {"A,A\n1,2\n", 0, "cases.csv:1:3: 'A': this column stands here twice"},
        {"A,1B\n1,2\n", 0, "cases.csv:1:3: '1B': no name of a parameter"},
        {"A,\n1,2\n", 0, "cases.csv:1:3: no name of a parameter"},
        {"A,REAL\n1,2\n", 0, "cases.csv:1:3: 'REAL': REAL numbers the cases and must be the first"},
        {"A,IENS\n1,2\n", 0, "cases.csv:1:3: 'IENS': this name is decksweep's own"},
        {"A;B\n1;2\n", 0, "cases.csv:1:1: 'A;B': the table seems to use ';'"},
        {"REAL\n1\n", 0, "cases.csv:1:1: no column of values"},
        {"REAL,A\nx,1\n", 0, "cases.csv:2:1: 'x': REAL must be a whole number"},
        {"REAL,A\n-1,1\n", 0, "cases.csv:2:1: '-1': REAL must be a whole number"},
        {"REAL,A\n1.0,1\n", 0, "cases.csv:2:1: '1.0': REAL must be a whole number"},
        {"REAL,A\n,1\n", 0, "cases.csv:2:1: REAL is empty"},
        {"REAL,A\n2147483648,1\n", 0, "cases.csv:2:1: '2147483648': REAL must be"},
        {"REAL,A\n3,1\n4,1\n3,1\n", 0, "cases.csv:4:1: REAL 3 stands on line 2 already"},
        {"A\n\"x\n", 0, "cases.csv:2:1: quotes are not closed on this line"},
        {"A\n\"x\"y\n", 0, "cases.csv:2:4: text behind a closing quote"},
        {"A\nx\"y\n", 0, "cases.csv:2:2: a quote inside a value"},
        {"A\nx\ty\n", 0, "cases.csv:2:1: 'x?y': a control byte in the value"},
        {"A\n1\0\n", 5, "cases.csv:1:1: a NUL byte"},
        {"\xef\xbb\xbf"
         "A\n1\0\n",
         8, "cases.csv:1:1: a NUL byte"},
        {"\xff\xfe"
         "A\0",
         4, "cases.csv:1:1: the table is UTF-16"},
        {"A\ncaf\xe9\n", 0, "cases.csv:1:1: the table is not UTF-8"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        auto_case c = table_with(TABLE, ROWS[i].csv, ROWS[i].n);
        cr_expect_eq(c.rc, DS_EINPUT, "%s", ROWS[i].csv);
        cr_expect(strncmp(c.err.text, ROWS[i].says, strlen(ROWS[i].says)) == 0,
                  "%zu wanted %s\ngot %s", i, ROWS[i].says, c.err.text);
    }
}

Test(case_table, a_parameter_without_its_column_is_told)
{
    static const struct {
        const char *parameters, *says;
    } ROWS[] = {
        {"PORO: {}",
         "s.yaml:6:16: spec.parameters.PORO: is no column of the table; a column is missing"},
        {"GEO: {files: \"geo/*\"}", "s.yaml:6:16: spec.parameters.GEO: is no column of the table"},
        {"A: {values: [1]}",
         "s.yaml:6:16: spec.parameters.A: is a column of the table too; keep one"},
        {"A: {expression: \"B\"}", "s.yaml:6:16: spec.parameters.A: is a column of the table too"},
        {"X: {expression: \"BB + 1\"}", "s.yaml:6:16: spec.parameters.X.expression: there is no "
                                        "parameter or column 'BB' (did you mean 'B'?)"},
        {"X: {expression: \"N + 1\"}",
         "s.yaml:6:16: spec.parameters.X.expression: case 0: N is 'name'; a formula needs numbers"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        char spec[400];
        (void)snprintf(spec, sizeof spec, "  parameters: {%s}\n" TABLE, ROWS[i].parameters);
        auto_case c = table_with(spec, "A,B,N\n1,2,name\n", 0);
        cr_expect_eq(c.rc, DS_EINPUT, "%s", spec);
        cr_expect(strncmp(c.err.text, ROWS[i].says, strlen(ROWS[i].says)) == 0,
                  "wanted %s\ngot    %s", ROWS[i].says, c.err.text);
    }
    auto_case c = table_with("  parameters: {GEO: {files: \"geo/*\"}}\n" TABLE, "GEO\nreal-3\n", 0);
    cr_expect_eq(c.rc, DS_EINPUT);
    cr_expect(strstr(c.err.text, "cases.csv:2:1: column GEO: 'real-3' is none of the files"), "%s",
              c.err.text);
}

/* Two files of one name, and one of its own; a second parameter in another folder. */
static struct sweep_case files_with(const char *parameters, const char *csv)
{
    static const struct ds_span GEO[] = {{"g/1/p.inc", 9}, {"g/2/p.inc", 9}, {"g/2/q.inc", 9}};
    static const struct ds_span FLT[] = {{"f/1.inc", 7}, {"f/2.inc", 7}, {"f/3.inc", 7}};
    static const struct design_files FILES[] = {{{"GEO", 3}, GEO, 3}, {{"FLT", 3}, FLT, 3}};
    const struct design_inputs in = {.table_text = ds_span_of(csv), .files = FILES, .n_files = 2};
    char spec[400];
    (void)snprintf(spec, sizeof spec, "  parameters: {%s}\n" TABLE, parameters);
    struct sweep_case c = parse_spec(spec);
    expand(&c, &in);
    return c;
}

Test(case_table, a_file_name_will_do_where_only_one_path_ends_in_it)
{
    auto_case c = files_with("GEO: {files: \"g/*\"}", "GEO\ng/2/p.inc\nq.inc\ng/1/p.inc\n");
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect(ds_span_is(cell(&c, 0, "GEO"), "g/2/p.inc"));
    cr_expect(ds_span_is(cell(&c, 1, "GEO"), "g/2/q.inc"));
    cr_expect(ds_span_is(cell(&c, 2, "GEO"), "g/1/p.inc"));
    static const struct {
        const char *csv, *says;
    } ROWS[] = {
        {"GEO\nq.inc\np.inc\n", "cases.csv:3:1: column GEO: 'p.inc' is the name of 'g/1/p.inc' and "
                                "of 'g/2/p.inc'; write the path"},
        {"GEO\nz.inc\n", "cases.csv:2:1: column GEO: 'z.inc' is none of the files"},
        {"GEO\na.inc\n", "cases.csv:2:1: column GEO: 'a.inc' is none of the files"},
        {"GEO\n2/p.inc\n", "cases.csv:2:1: column GEO: '2/p.inc' is none of the files"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        auto_case d = files_with("GEO: {files: \"g/*\"}", ROWS[i].csv);
        cr_expect_eq(d.rc, DS_EINPUT, "%s", ROWS[i].csv);
        cr_expect(strncmp(d.err.text, ROWS[i].says, strlen(ROWS[i].says)) == 0,
                  "wanted %s\ngot    %s", ROWS[i].says, d.err.text);
    }
}

Test(case_table, a_column_cannot_move_with_another_parameter_as_well)
{
    auto_case c = files_with("GEO: {files: \"g/*\"}, FLT: {files: \"f/*\", with: GEO}",
                             "GEO,FLT\nq.inc,2.inc\n");
    cr_expect_eq(c.rc, DS_EINPUT);
    cr_expect(strstr(c.err.text, "spec.parameters.FLT: moves with another one and is a column"),
              "%s", c.err.text);
}

Test(case_table, the_header_tells_its_names_without_real_behind_empty_lines)
{
    static const struct {
        const char *csv;
        size_t n;
        const char *first;
    } ROWS[] = {
        {"A,B\n1,2\n", 2, "A"},
        {"REAL,B\n", 1, "B"},
        {"\xef\xbb\xbf\r\n \n\"A\" , B\r\n1,2\r\n", 2, "A"},
        {"A,1B,C", 2, "A"}, /* what is wrong is told when the table is read */
        {"", 0, NULL},
        {"\n\n", 0, NULL},
        {"A\xff\n", 0, NULL},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1u << 20);
        const struct ds_span *names = NULL;
        size_t n = design_table_names(ds_span_of(ROWS[i].csv), a, &names);
        cr_assert_eq(n, ROWS[i].n, "%s", ROWS[i].csv);
        cr_expect(n == 0 || ds_span_is(names[0], ROWS[i].first), "%s", ROWS[i].csv);
    }
}

Test(case_table, all_mistakes_of_a_table_come_together)
{
    auto_case c = table_with(TABLE, "REAL,A,B\nx,,NaN\n1,2\n1,2,3\n", 0);
    cr_assert_eq(c.rc, DS_EINPUT);
    cr_expect_eq(c.problems.n, 5);
}

Test(case_table, a_wide_and_a_long_table_are_bounded)
{
    ds_auto_buf b;
    buf_init(&b, 64u << 20);
    for (int i = 0; i <= 1001; i++)
        (void)buf_printf(&b, "%sA%d", i ? "," : "", i);
    (void)buf_put_text(&b, "\n");
    auto_case c = table_with(TABLE, b.data, b.len);
    cr_expect_eq(c.rc, DS_ETOOBIG, "%s", c.err.text);
    buf_reset(&b);
    (void)buf_put_text(&b, "A\n");
    for (int i = 0; i < 1000002; i++)
        (void)buf_put_text(&b, "1\n");
    auto_case d = table_with(TABLE, b.data, b.len);
    cr_expect_lt(d.rc, 0, "%s", d.err.text);
}
