/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../support/mem_files.h"
#include "deck/features.h"
#include "deck/trim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

struct world {
    struct ds_arena *arena;
    struct mem_files files;
    struct closure closure;
    struct deck_features features;
    struct ds_span title;
    struct deck_problems *problems;
    struct ds_err err;
};

/* deck: text of /w/CASE.DATA. Returns the code of the first step that failed. */
static int read_deck(struct world *w, const char *deck)
{
    *w = (struct world){.arena = arena_create(64u << 20)};
    mem_init(&w->files, w->arena);
    w->problems = ds_new(w->arena, struct deck_problems, 1);
    mem_add(&w->files, DS_SPAN("/w/CASE.DATA"), ds_span_of(deck));
    struct closure_request q = {.deck_path = DS_SPAN("/w/CASE.DATA"), .reader = &w->files.reader};
    int rc = closure_scan(&q, w->arena, &w->closure, w->problems, &w->err);
    return rc != 0 ? rc
                   : features_read(&w->closure, w->arena, &w->features, &w->title, w->problems,
                                   &w->err);
}

Test(features, the_schedule_counts_report_steps_and_days)
{
    static const struct {
        const char *deck;
        uint32_t steps;
        double days;
    } rows[] = {
        {"SCHEDULE\nTSTEP\n 3*10 1.5\n 2 /\nTSTEP\n 1 /\n", 6, 34.5},
        {"LAB\nSCHEDULE\nTSTEP\n 12 12 /\n", 2, 1},
        {"START\n 1 JAN 2020 /\nSCHEDULE\nDATES\n 1 'FEB' 2020 /\n 1 JLY 2020 /\n/\n", 2, 182},
        {"START\n 31 'DEC' 2019 12:00:00 /\nSCHEDULE\nDATES\n 1 JAN 2020 06:30:00 /\n/\nTSTEP\n1 "
         "/\n",
         2, 0.5 + 6.5 / 24 + 1},
        {"SCHEDULE\nDATES\n 1 JAN 1984 /\n/\n", 1, 365},
        {"SCHEDULE\nTSTEP\n 1 2 /\nEND\nTSTEP\n 5 /\n", 2, 3},
        {"SCHEDULE\n", 0, 0},
        {"GRID\nPORO\n 1 /\nSCHEDULE\nWELSPECS\n 'TSTEP' G 1 1 1* OIL /\n/\nTSTEP\n 7 /\n", 1, 7},
        {"SCHEDULE\nTSTEP\n <DT> 2*5 /\n", 3, NAN},
        {"SCHEDULE\nTSTEP\n 2000000000*1 2000000000*1 /\n", 10000000, NAN},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct world w;
        struct ds_span deck = DS_SPAN("");
        struct ds_arena *a = arena_create(1u << 20);
        deck = arena_format(a, "RUNSPEC\nDIMENS\n 1 1 1 /\n%s", rows[i].deck);
        cr_assert_eq(read_deck(&w, deck.ptr), 0, "%zu %s", i, w.err.text);
        cr_expect_eq(w.features.n_report_steps, rows[i].steps, "row %zu: %u", i,
                     w.features.n_report_steps);
        double days = w.features.end_time_days;
        cr_expect(isnan(rows[i].days) ? isnan(days) : fabs(days - rows[i].days) < 1e-9,
                  "row %zu: %.12g", i, days);
        arena_destroy(w.arena);
        arena_destroy(a);
    }
}

Test(features, cells_that_actnum_switches_off_are_counted)
{
    static const struct {
        const char *grid;
        uint64_t active, inactive;
    } rows[] = {
        {"", 24, 0},
        {"ACTNUM\n 4*0 20*1 /\n", 20, 4},
        {"ACTNUM\n 4*0 10*1 /\n", 24, 0}, /* wrong count: nothing is believed */
        {"EQUALS\n ACTNUM 0 1 2 1 3 1 1 /\n/\n", 18, 6},
        {"EQUALS\n 'ACTNUM' 0 1 2 1 3 1 1 /\n ACTNUM 1 1 1 1 1 1 1 /\n/\n", 24, 0},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct world w;
        struct ds_arena *a = arena_create(1u << 20);
        struct ds_span deck =
            arena_format(a, "DIMENS\n 2 3\n 4 /\nOIL\nGAS\nWATER\nGRID\n%s", rows[i].grid);
        cr_assert_eq(read_deck(&w, deck.ptr), 0, "%s", w.err.text);
        cr_expect_eq(w.features.active_cells, rows[i].active, "row %zu", i);
        cr_expect_eq(w.features.inactive_cells, rows[i].inactive, "row %zu", i);
        cr_expect_eq(w.features.n_phases, 3);
        arena_destroy(w.arena);
        arena_destroy(a);
    }
}

Test(features, switches_are_read_where_they_count)
{
    struct world w;
    cr_assert_eq(read_deck(&w,
                           "RUNSPEC\nTITLE\n  a -- b\ndimens\n 10 10 3 /\noil\nWATER\nENDSCALE\n/\n"
                           "UNIFOUT\nFMTOUT\nWELLDIMS\n 5 7 /\nSUMMARY\nRPTONLY\nFOPR\nSCHEDULE\n"
                           "COMPDAT\n W 1 1 1 3 OPEN /\n 'P*' 1 1 2 2 /\n/\n"
                           "ACTIONX\n A 1 /\n FOPR < 5 /\n/\nENDACTIO\nRPTRST\nBASIC=2 /\n"),
                 0, "%s", w.err.text);
    cr_expect(ds_span_is(w.title, "a"), "%.*s", DS_FMT(w.title));
    cr_expect(w.features.heavy && w.features.unified && w.features.formatted);
    cr_expect(w.features.has_actionx && w.features.has_rptonly && w.features.writes_restart);
    cr_expect_eq(w.features.n_phases, 2);
    cr_expect_eq(w.features.connections, 3 + 5);
    cr_expect_eq(w.features.start_unix_s, INT64_C(410227200));
    arena_destroy(w.arena);
}

Test(features, memory_grows_with_cells_connections_and_ranks)
{
    struct deck_features f = {.active_cells = 9000, .n_phases = 3};
    uint64_t base = features_memory_bytes(&f, 1);
    cr_expect(base > (130u << 20) && base < (160u << 20), "%llu", (unsigned long long)base);
    f.connections = 1000;
    cr_expect_gt(features_memory_bytes(&f, 1), base);
    cr_expect_gt(features_memory_bytes(&f, 2), features_memory_bytes(&f, 1));
    f.heavy = true;
    f.active_cells = 44911;
    cr_expect(features_memory_bytes(&f, 1) > (565u << 20), "Norne's measured peak is covered");
    f = (struct deck_features){.active_cells = 1122000, .n_phases = 2};
    cr_expect(features_memory_bytes(&f, 1) > (UINT64_C(6179) << 20));
    f.active_cells = UINT64_C(1) << 60;
    cr_expect_gt(features_memory_bytes(&f, 1), UINT64_C(1) << 50);
}

Test(features, summary_patterns_are_answered)
{
    static const struct {
        const char *pattern;
        bool answer;
    } rows[] = {
        {"FOPR", true},      {"F*", true},        {"FOPT", false},    {"WBHP:*", true},
        {"WBHP:PROD", true}, {"WBHP:INJ", false}, {"WOPR:ANY", true}, {"TIME", true},
        {"BPR:*", false},    {"RUNSUM", false},   {"YEAR", true},     {"*", true},
        {"Q*", false},
    };
    struct world w;
    cr_assert_eq(
        read_deck(&w, "DIMENS\n 1 1 1 /\nSUMMARY\nRUNSUM\nFOPR\nWBHP\n 'PROD' /\nWOPR\n/\nDATE\n"
                      "SCHEDULE\n"),
        0, "%s", w.err.text);
    for (size_t i = 0; i < DS_COUNT(rows); i++)
        cr_expect_eq(features_summary_can(&w.closure, ds_span_of(rows[i].pattern)), rows[i].answer,
                     "%s", rows[i].pattern);
    arena_destroy(w.arena);
    cr_assert_eq(read_deck(&w, "DIMENS\n 1 1 1 /\nSUMMARY\nALL\nSCHEDULE\n"), 0);
    cr_expect_eq(features_summary_can(&w.closure, DS_SPAN("FOPT")), true);
    cr_expect_eq(features_summary_can(&w.closure, DS_SPAN("BPR:1,1,1")), false);
    struct ds_span *list;
    size_t n = 0;
    cr_assert_eq(features_summary_keywords(&w.closure, w.arena, &list, &n, NULL), 0);
    cr_expect_gt(n, 60);
    for (size_t i = 1; i < n; i++)
        cr_expect_lt(ds_span_compare(list[i - 1], list[i]), 0);
    arena_destroy(w.arena);
}

/* ---- trim ---- */

static void expect_trim(const char *body, const char *want)
{
    struct world w;
    struct ds_arena *a = arena_create(1u << 20);
    struct ds_span deck = arena_format(a, "DIMENS\n 1 1 1 /\nSCHEDULE\n%s", body);
    struct trim_edit *edits;
    size_t n = 0;
    ds_auto_buf b;
    buf_init(&b, 1u << 20);
    cr_assert_eq(read_deck(&w, deck.ptr), 0, "%s: %s", body, w.err.text);
    cr_assert_eq(trim_find(&w.closure, a, &edits, &n, &w.err), 0);
    cr_assert_eq(trim_apply(DS_SPAN("CASE.DATA"), deck, edits, n, &b, &w.err), 0, "%s", w.err.text);
    struct ds_span got = buf_span(&b),
                   all = arena_format(a, "DIMENS\n 1 1 1 /\nSCHEDULE\n%s", want);
    cr_expect(ds_span_eq(got, all), "%s\n gave\n%.*s", body, DS_FMT(got));
    arena_destroy(w.arena);
    arena_destroy(a);
}

#define ZEROS                                                                                      \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"

Test(trim, only_restart_requests_change)
{
    expect_trim("RPTRST\n BASIC=2 FLOWS\n ALLPROPS / rest\n",
                "RPTRST\n--  BASIC=2 FLOWS\n  BASIC=0 /\n");
    expect_trim("RPTRST\n BASIC=2\n-- note\n\n / \n",
                "RPTRST\n--  BASIC=2\n-- note\n\n  BASIC=0 /\n");
    expect_trim("RPTRST\n BASIC=0 /\n", "RPTRST\n BASIC=0 /\n");
    expect_trim("RPTRST\n /\n", "RPTRST\n /\n");
    expect_trim("SAVE\nTSTEP\n 1 /\n", "-- SAVE\nTSTEP\n 1 /\n");
    expect_trim("SAVE\n FORMATTED\n /\nTSTEP\n 1 /\n",
                "-- SAVE\n--  FORMATTED\n--  /\nTSTEP\n 1 /\n");
    expect_trim("RPTSCHED\n 1 0 0 0 0 0 2 1 /\n", "RPTSCHED\n 1 0 0 0 0 0 0 1 /\n");
    expect_trim("RPTSCHED\n 9*1 2 /\n", "RPTSCHED\n 6*1 0 2*1 2 /\n");
    expect_trim("RPTSCHED\n 6*0\n 2 /\n", "RPTSCHED\n 6*0\n 0 /\n");
    expect_trim("RPTSCHED\n 8* 3 /\n", "RPTSCHED\n 8* 3 /\n");
    expect_trim("RPTSCHED\n 9*" ZEROS "1 /\n", "RPTSCHED\n 6*" ZEROS "1 0 2*" ZEROS "1 /\n");
    expect_trim("RPTSCHED\n 1 2 3 /\n", "RPTSCHED\n 1 2 3 /\n");
    expect_trim("RPTSCHED\n 7*1 /\n", "RPTSCHED\n 6*1 0 /\n");
    expect_trim("RPTSCHED\n PRES 'RESTART=2'\n FIP=1 / x\n",
                "RPTSCHED\n PRES 'RESTART=0'\n FIP=1 / x\n");
    expect_trim("RPTSCHED\n restart WELLS=2 /\n", "RPTSCHED\n restart=0 WELLS=2 /\n");
    expect_trim("RPTSCHED\n 'RESTART' /\n", "RPTSCHED\n 'RESTART=0' /\n");
    expect_trim("RPTSCHED\n RESTART = 2 WELLS=2 /\n", "RPTSCHED\n RESTART = 0 WELLS=2 /\n");
    expect_trim("RPTSCHED\n RESTART= 2 /\n", "RPTSCHED\n RESTART= 0 /\n");
    expect_trim("RPTSCHED\n RESTART =2 /\n", "RPTSCHED\n RESTART =0 /\n");
    expect_trim("RPTSCHED\n RESTART=<R> X='RESTART' /\n", "RPTSCHED\n RESTART=0 X='RESTART' /\n");
    expect_trim("RPTSOL\r\n RESTART=2 FIP /\r\n", "RPTSOL\r\n RESTART=0 FIP /\r\n");
    expect_trim("WELSPECS\n SAVE G 1 1 1* OIL /\n RPTRST G 1 1 1* OIL /\n/\n",
                "WELSPECS\n SAVE G 1 1 1* OIL /\n RPTRST G 1 1 1* OIL /\n/\n");
    expect_trim("TSTEP\n 1 /\nEND\nRPTRST\n BASIC=2 /\n", "TSTEP\n 1 /\nEND\nRPTRST\n BASIC=2 /\n");
}

Test(trim, a_file_read_twice_is_edited_once)
{
    struct world w;
    cr_assert_eq(read_deck(&w, "DIMENS\n 1 1 1 /\n"), 0);
    mem_add(&w.files, DS_SPAN("/w/CASE.DATA"),
            DS_SPAN("DIMENS\n 1 1 1 /\nSCHEDULE\nINCLUDE\n'r' /\nINCLUDE\n'r' /\n"));
    mem_add(&w.files, DS_SPAN("/w/r"),
            DS_SPAN("RPTSCHED\n RESTART=2 7*2 /\nRPTRST\n BASIC=2 /\nSAVE\n"));
    struct closure_request q = {.deck_path = DS_SPAN("/w/CASE.DATA"), .reader = &w.files.reader};
    struct trim_edit *edits;
    size_t n = 0;
    cr_assert_eq(closure_scan(&q, w.arena, &w.closure, w.problems, &w.err), 0, "%s", w.err.text);
    cr_assert_eq(trim_find(&w.closure, w.arena, &edits, &n, &w.err), 0);
    cr_assert_eq(n, 3);
    cr_expect(ds_span_is(edits[0].now, " RESTART=0 7*2 /"), "%.*s", DS_FMT(edits[0].now));
    cr_expect(ds_span_is(edits[0].path, "r"));
    cr_expect(ds_span_is(edits[2].now, "-- SAVE"));
    arena_destroy(w.arena);
}
