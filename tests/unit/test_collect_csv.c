/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/units.h"
#include "collector/csv.h"
#include "collector/dataset.h"

#include <criterion/criterion.h>
#include <math.h>

Test(collect_csv, has_res2df_columns_and_a_line_for_each_time_with_a_value)
{
    ds_auto_arena a = arena_create(1 << 20);
    int64_t at[3] = {0, 86400, 172800};
    struct dataset_vector vectors[] = {{.key = DS_SPAN("FOPR"), .occurrence = 1},
                                       {.key = DS_SPAN("BPR:1,2,3"), .occurrence = 1},
                                       {.key = DS_SPAN("WOPR:PRODUCER"), .occurrence = 2}};
    struct dataset ds = {.axis = {at, 3}, .vectors = vectors, .n_vectors = 3};
    const float values[] = {1.5f, NAN, 0.1f, NAN, NAN, -0.0f, 100.0f, NAN, 1e-20f};
    char lines[512];
    ds_auto_buf header;
    buf_init(&header, 4096);
    cr_assert_eq(csv_put_summary_header(&ds, &header, NULL), 0);
    cr_expect_str_eq(header.data, "DATE,REAL,FOPR,\"BPR:1,2,3\",WOPR:PRODUCER#2\n");
    char *dates = csv_dates(&ds.axis, a);
    cr_assert_geq(sizeof lines, csv_case_bytes(3, 3));
    size_t n = csv_put_case(17, values, 3, 3, 3, dates, lines);
    lines[n] = '\0';
    cr_expect_str_eq(lines, "1970-01-01,17,1.5,,100\n1970-01-03,17,0.1,-0,1e-20\n");
}

Test(collect_csv, shows_the_time_of_day_on_every_line_when_one_is_not_midnight)
{
    ds_auto_arena a = arena_create(1 << 20);
    int64_t at[2] = {0, 90061};
    struct align_times axis = {at, 2};
    char *dates = csv_dates(&axis, a);
    cr_expect_str_eq(dates, "1970-01-01 00:00:00");
    cr_expect_str_eq(dates + CSV_DATE_BYTES, "1970-01-02 01:01:01");
}

Test(collect_csv, never_needs_more_room_than_it_says)
{
    enum { VECTORS = 50, TIMES = 7 };
    ds_auto_arena a = arena_create(1 << 20);
    static float values[VECTORS * TIMES];
    static int64_t at[TIMES];
    for (size_t i = 0; i < VECTORS * TIMES; i++)
        values[i] = -1.17549435e-38f;
    for (size_t i = 0; i < TIMES; i++)
        at[i] = (int64_t)i * 100001;
    struct align_times axis = {at, TIMES};
    char *room = arena_take(a, csv_case_bytes(VECTORS, TIMES), 1);
    size_t n = csv_put_case(2147483647, values, VECTORS, TIMES, TIMES, csv_dates(&axis, a), room);
    cr_expect_leq(n, csv_case_bytes(VECTORS, TIMES));
}

Test(collect_csv, parameters_have_the_columns_people_join_on)
{
    static const char TEXT[] = "case,id,SENSNAME,SENSCASE,GEO,PORO\n"
                               "3,00000000000000aa,PORO,low,\"a,b\",0.25\n"
                               "9,00000000000000bb,PORO,high,c,0.5\n";
    ds_auto_arena a = arena_create(1 << 20);
    struct design d;
    cr_assert_eq(design_decode(ds_span_of(TEXT), a, &d, NULL), 0);
    struct dataset_row rows[] = {{.verdict = VERDICT_OK, .attempts = 1},
                                 {.verdict = VERDICT_TIMEOUT, .attempts = 2}};
    struct dataset ds = {.design = &d, .rows = rows, .n_rows = 2};
    ds_auto_buf out;
    buf_init(&out, 4096);
    cr_assert_eq(csv_put_parameters(&ds, 0, 2, a, &out, NULL), 0);
    cr_expect_str_eq(out.data, "REAL,case_id,verdict,attempts,SENSNAME,SENSCASE,GEO,PORO\n"
                               "3,00000000000000aa,ok,1,PORO,low,\"a,b\",0.25\n"
                               "9,00000000000000bb,timeout,2,PORO,high,c,0.5\n");
}

Test(collect_csv, blocks_follow_the_memory_given)
{
    cr_expect_eq(dataset_block_rows(16 << 20, 191, 90, 2000), (16 << 20) / (191 * 90 * 4));
    cr_expect_eq(dataset_block_rows(16 << 20, 191, 90, 10), 10);
    cr_expect_eq(dataset_block_rows(16 << 20, 2500, 20000, 2000), 1, "never less than a case");
    cr_expect_eq(dataset_block_rows(16 << 20, 0, 0, 7), 7);
}
