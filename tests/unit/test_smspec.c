/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys, classes and kinds of vectors; rows of UNSMRY files; patterns. */
#include "summary/ecl_write.h"
#include "summary/smspec.h"
#include "summary/unsmry.h"
#include "summary/vector_pattern.h"

#include <criterion/criterion.h>

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

TestSuite(smspec, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- a SMSPEC of any vectors ---- */

struct column {
    const char *keyword, *wgname, *unit;
    int32_t num;
    const char *lgr;
    int32_t x, y, z;
};

#define MAX 64

static void put_spec(bool formatted, const char *names, unsigned width, const struct column *c,
                     size_t n, const int32_t *start, size_t n_start)
{
    struct ecl_writer w = {&bytes, formatted};
    const char *keyword[MAX], *wgname[MAX], *unit[MAX], *lgr[MAX];
    int32_t num[MAX], x[MAX], y[MAX], z[MAX];
    bool local = false;
    for (size_t i = 0; i < n; i++) {
        keyword[i] = c[i].keyword;
        wgname[i] = c[i].wgname ? c[i].wgname : ":+:+:+:+";
        unit[i] = c[i].unit ? c[i].unit : "";
        lgr[i] = c[i].lgr ? c[i].lgr : "";
        num[i] = c[i].num;
        x[i] = c[i].x, y[i] = c[i].y, z[i] = c[i].z;
        local |= c[i].lgr != NULL;
    }
    buf_reset(&bytes);
    ecl_put_mess(&w, "TNAVHEAD"); /* foreign, and no data */
    ecl_put_f64(&w, "TNAVTIME", (const double[]){1.5, -2e100}, 2);
    ecl_put_i32(&w, "DIMENS", (const int32_t[]){(int32_t)n, 10, 10, 3, 0, -1}, 6);
    ecl_put_text(&w, "KEYWORDS", 8, keyword, n);
    ecl_put_text(&w, names, width, wgname, n);
    ecl_put_i32(&w, "NUMS", num, n);
    if (local) {
        ecl_put_text(&w, "LGRS", 8, lgr, n);
        ecl_put_i32(&w, "NUMLX", x, n);
        ecl_put_i32(&w, "NUMLY", y, n);
        ecl_put_i32(&w, "NUMLZ", z, n);
    }
    ecl_put_text(&w, "UNITS", 8, unit, n);
    ecl_put_i32(&w, "STARTDAT", start, n_start);
}

static struct ds_bytes written(void)
{
    return ds_bytes_of(buf_span(&bytes));
}

static const int32_t START[6] = {1, 1, 2015, 0, 0, 0};

static const struct {
    struct column c;
    const char *key; /* NULL: the column holds nothing */
    enum vector_class class;
    bool rate, total, state;
} VECTORS[] = {
    {{"TIME", NULL, "DAYS", 0}, "TIME", VECTOR_MISC},
    {{"NEWTON", NULL, "", 0}, "NEWTON", VECTOR_MISC},
    {{"TCPU", NULL, "SECONDS", 0}, "TCPU", VECTOR_MISC},
    {{"FOPR", "FIELD", "STB/DAY", 0}, "FOPR", VECTOR_FIELD, true},
    {{"FOPT", NULL, "STB", 0}, "FOPT", VECTOR_FIELD, false, true},
    {{"FPR", NULL, "PSIA", 0}, "FPR", VECTOR_FIELD, false, false, true},
    {{"FOPTH", NULL, "STB", 0}, "FOPTH", VECTOR_FIELD, false, true},
    {{"WOPR", "PROD", "STB/DAY", 0}, "WOPR:PROD", VECTOR_WELL, true},
    {{"WBHP", "A/1 H", "PSIA", 0}, "WBHP:A/1 H", VECTOR_WELL},
    {{"WOPR", NULL, "STB/DAY", 0}, NULL, VECTOR_WELL},
    {{"WOPR", "", "STB/DAY", 0}, NULL, VECTOR_WELL},
    {{"", NULL, "", 0}, NULL, VECTOR_MISC},
    {{"WWCT", "P-1", "", 0}, "WWCT:P-1", VECTOR_WELL, true},
    {{"GOPR", "NORTH", "STB/DAY", 0}, "GOPR:NORTH", VECTOR_GROUP, true},
    {{"GPR", "NORTH", "PSIA", 0}, "GPR:NORTH", VECTOR_NODE},
    {{"NPR", "NODE1", "PSIA", 0}, "NPR:NODE1", VECTOR_NODE},
    {{"GNETPR", "NORTH", "PSIA", 0}, "GNETPR:NORTH", VECTOR_NODE},
    {{"BPR", NULL, "PSIA", 300}, "BPR:10,10,3", VECTOR_BLOCK, false, false, true},
    {{"BGSAT", NULL, "", 1}, "BGSAT:1,1,1", VECTOR_BLOCK, false, false, true},
    {{"BGSAT", NULL, "", 301}, "BGSAT:301", VECTOR_BLOCK, false, false, true},
    {{"BPR", NULL, "", -5}, NULL, VECTOR_BLOCK, false, false, true},
    {{"RPR", NULL, "PSIA", 2}, "RPR:2", VECTOR_REGION, false, false, true},
    {{"RORFR", NULL, "", 1}, "RORFR:1", VECTOR_REGION},
    {{"RPR__FIP", NULL, "PSIA", 7}, "RPR__FIP:7", VECTOR_REGION, false, false, true},
    {{"ROFT", NULL, "STB", 1 + 32768 * (2 + 10)}, "ROFT:1-2", VECTOR_REGION_PAIR, false, true},
    {{"RXF", NULL, "", 3 + 32768 * (4 + 10)}, "RXF:3-4", VECTOR_REGION_PAIR},
    {{"RNLF", NULL, "", 3 + 32768 * (4 + 10)}, "RNLF:3-4", VECTOR_REGION_PAIR},
    {{"RGFR+", NULL, "", 5 + 32768 * (6 + 10)}, "RGFR+:5-6", VECTOR_REGION_PAIR, true},
    {{"COPR", "PROD", "STB/DAY", 300}, "COPR:PROD:10,10,3", VECTOR_CONNECTION, true},
    {{"COPRL", "PROD", "STB/DAY", 300}, "COPRL:PROD:10,10,3", VECTOR_COMPLETION, true},
    {{"WOPRL__1", "PROD", "STB/DAY", 1}, "WOPRL__1:PROD", VECTOR_COMPLETION, true},
    {{"WOPRL", "PROD", "STB/DAY", 2}, "WOPRL:PROD:2", VECTOR_COMPLETION, true},
    {{"SOFR", "PROD", "STB/DAY", 3}, "SOFR:PROD:3", VECTOR_SEGMENT, true},
    {{"SPR", "PROD", "PSIA", 3}, "SPR:PROD:3", VECTOR_SEGMENT},
    {{"AAQR", NULL, "STB/DAY", 1}, "AAQR:1", VECTOR_AQUIFER, true},
    {{"AAQT", NULL, "STB", 1}, "AAQT:1", VECTOR_AQUIFER, false, true},
    {{"AAQP", NULL, "PSIA", 2}, "AAQP:2", VECTOR_AQUIFER, false, false, true},
    {{"LBPR", NULL, "PSIA", 0, "LGR1", 3, 5, 5},
     "LBPR:LGR1:3,5,5",
     VECTOR_LOCAL_BLOCK,
     false,
     false,
     true},
    {{"LWOPR", "WELL2", "STB/DAY", 0, "LGR1"}, "LWOPR:LGR1:WELL2", VECTOR_LOCAL_WELL, true},
    {{"LWWITH", "WELL2", "STB", 0, "LGR1", 3, 5, 5},
     "LWWITH:LGR1:WELL2:3,5,5",
     VECTOR_LOCAL_WELL,
     false,
     true},
    {{"LCOPR", "WELL2", "STB/DAY", 0, "LGR1", 3, 5, 5},
     "LCOPR:LGR1:WELL2:3,5,5",
     VECTOR_LOCAL_CONNECTION,
     true},
    {{"FUOPR", NULL, "", 0}, "FUOPR", VECTOR_FIELD}, /* UDQ: any meaning */
    {{"STEPTYPE", NULL, "", 0}, "STEPTYPE", VECTOR_MISC},
};

static void expect_vectors(const struct smspec *spec)
{
    size_t next = 0;
    for (size_t i = 0; i < DS_COUNT(VECTORS); i++) {
        if (!VECTORS[i].key)
            continue;
        cr_assert_lt(next, spec->n_vectors);
        const struct summary_vector *v = &spec->vectors[next++];
        cr_expect(ds_span_is(v->key, VECTORS[i].key), "%.*s is not %s", DS_FMT(v->key),
                  VECTORS[i].key);
        cr_expect_eq(v->place, i);
        cr_expect_eq(v->class, VECTORS[i].class, "%s", VECTORS[i].key);
        cr_expect_eq(v->is_rate, VECTORS[i].rate, "%s is a rate", VECTORS[i].key);
        cr_expect_eq(v->is_total, VECTORS[i].total, "%s is a total", VECTORS[i].key);
        cr_expect_eq(v->is_state, VECTORS[i].state, "%s is a state", VECTORS[i].key);
        cr_expect(ds_span_is(v->keyword, VECTORS[i].c.keyword));
        cr_expect(ds_span_is(v->unit, VECTORS[i].c.unit));
        cr_expect_eq(smspec_find(spec, v->key, 1), v);
    }
    cr_expect_eq(next, spec->n_vectors);
    cr_expect_eq(spec->n_params, DS_COUNT(VECTORS));
}

Test(smspec, every_class_of_vector_has_its_canonical_key_and_kind)
{
    struct column c[DS_COUNT(VECTORS)];
    struct ds_err err;
    for (size_t i = 0; i < DS_COUNT(VECTORS); i++)
        c[i] = VECTORS[i].c;
    for (int formatted = 0; formatted < 2; formatted++) {
        struct smspec spec;
        put_spec(formatted, "WGNAMES", 8, c, DS_COUNT(c), START, 6);
        cr_assert_eq(smspec_read(written(), formatted, arena, &spec, &err), 0, "%s", err.text);
        expect_vectors(&spec);
        cr_expect_eq(spec.units, SUMMARY_FIELD); /* no INTEHEAD: told by STB and PSIA */
        cr_expect_eq(spec.restart_step, 0);
        cr_expect(ds_span_is(smspec_find(&spec, DS_SPAN("LWOPR:LGR1:WELL2"), 1)->wgname, "WELL2"));
        cr_expect(ds_span_is(smspec_find(&spec, DS_SPAN("LWOPR:LGR1:WELL2"), 1)->lgr, "LGR1"));
        cr_expect_eq(smspec_find(&spec, DS_SPAN("ROFT:1-2"), 1)->pair[1], 2);
        cr_expect(smspec_find(&spec, DS_SPAN("FOPTH"), 1)->is_history);
        cr_expect_not(smspec_find(&spec, DS_SPAN("FOPT"), 1)->is_history);
        cr_expect_null(smspec_find(&spec, DS_SPAN("FOPT"), 2));
        cr_expect_null(smspec_find(&spec, DS_SPAN("NOPE"), 1));
    }
}

Test(smspec, names_longer_than_8_come_from_NAMES_and_a_start_of_three_ints_is_midnight)
{
    static const struct column C[] = {{"TIME", NULL, "HOURS", 0},
                                      {"WOPR", "PRODUCER_LONG_1", "SCC/HR", 0},
                                      {"WOPR", "PRODUCER_LONG_2", "SCC/HR", 0},
                                      {"WOPR", ":+:+:+:+:+:+:+:+", "SCC/HR", 0}};
    for (int formatted = 0; formatted < 2; formatted++) {
        struct smspec spec;
        struct ds_err err;
        put_spec(formatted, "NAMES", 20, C, DS_COUNT(C), (const int32_t[]){15, 6, 1999}, 3);
        cr_assert_eq(smspec_read(written(), formatted, arena, &spec, &err), 0, "%s", err.text);
        cr_expect_eq(spec.n_vectors, 3);
        cr_expect_not_null(smspec_find(&spec, DS_SPAN("WOPR:PRODUCER_LONG_2"), 1));
        cr_expect(spec.has_start && spec.start_s == 929404800, "%lld", (long long)spec.start_s);
        cr_expect(spec.in_hours);
        cr_expect_eq(spec.n_doubles, 0);
    }
}

Test(smspec, wells_that_share_their_first_8_characters_are_told_apart)
{
    static const struct column C[] = {{"TIME", NULL, "DAYS", 0},
                                      {"WOPR", "PRODUCER_1", "", 0},
                                      {"WOPR", "PRODUCER_2", "", 0},
                                      {"WOPR", "PRODUCER_3", "", 0}};
    struct smspec spec;
    put_spec(false, "WGNAMES", 8, C, DS_COUNT(C), START, 6);
    cr_assert_eq(smspec_read(written(), false, arena, &spec, NULL), 0);
    cr_expect_eq(spec.n_vectors, 4);
    cr_expect_eq(spec.n_doubles, 2);
    cr_expect(ds_span_is(spec.double_key, "WOPR:PRODUCER"));
    for (uint32_t i = 1; i <= 3; i++)
        cr_expect_eq(smspec_find(&spec, DS_SPAN("WOPR:PRODUCER"), i), &spec.vectors[i]);
}

Test(smspec, a_start_that_is_no_date_is_said_to_be_none)
{
    static const struct column C[] = {{"TIME", NULL, "DAYS", 0}};
    static const int32_t BAD[][6] = {{0, 1, 2015, 0, 0, 0},  {32, 1, 2015, 0, 0, 0},
                                     {1, 13, 2015, 0, 0, 0}, {1, 1, 0, 0, 0, 0},
                                     {1, 1, 2015, 24, 0, 0}, {30, 2, 2015, 0, 0, 0},
                                     {1, 1, -5, 0, 0, 0},    {1, 1, 2015, 0, 0, -1}};
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        struct smspec spec;
        put_spec(false, "WGNAMES", 8, C, 1, BAD[i], 6);
        cr_assert_eq(smspec_read(written(), false, arena, &spec, NULL), 0);
        cr_expect_not(spec.has_start, "%zu", i);
    }
}

Test(smspec, a_restart_names_its_base_and_step)
{
    static const struct ecl_write_vector V[] = {{"TIME", NULL, "DAYS", 0}};
    static const char ROOT[] = "/a/long/way/to some base/with blanks/BASE_CASE";
    struct ecl_write_spec s = {.unit_system = 3,
                               .nx = 1,
                               .ny = 1,
                               .nz = 1,
                               .start = {2, 3, 2001, 4, 5, 6000000},
                               .restart = ROOT,
                               .restart_step = 17,
                               .vectors = V,
                               .n_vectors = 1};
    for (int formatted = 0; formatted < 2; formatted++) {
        struct ecl_writer w = {&bytes, formatted};
        struct smspec spec;
        struct ds_err err;
        buf_reset(&bytes);
        ecl_write_smspec(&w, &s);
        cr_assert_eq(smspec_read(written(), formatted, arena, &spec, &err), 0, "%s", err.text);
        cr_expect(ds_span_is(spec.restart_root, ROOT), "%.*s", DS_FMT(spec.restart_root));
        cr_expect_eq(spec.restart_step, 17);
        cr_expect_eq(spec.units, SUMMARY_LAB);
        cr_expect_eq(spec.simulator, 100);
        cr_expect_eq(spec.start_s, 983505906);
        cr_expect_not(spec.in_hours); /* the unit says DAYS */
    }
}

Test(smspec, params_of_another_width_than_the_spec_are_refused)
{
    struct ecl_writer w = {&bytes, false};
    struct unsmry u;
    static const float ROW[4] = {1, 2, 3, 4};
    ecl_write_seqhdr(&w, 1);
    ecl_write_ministep(&w, 0, ROW, 3);
    size_t good = bytes.len;
    ecl_write_seqhdr(&w, 2);
    ecl_write_ministep(&w, 1, ROW, 4);
    ecl_write_ministep(&w, 2, ROW, 3);
    struct ds_bytes b = written();
    cr_assert_eq(unsmry_index(&b, 1, false, 3, arena, &u, NULL), 0);
    cr_expect_eq(u.state, UNSMRY_CORRUPT);
    cr_expect_eq(u.n_steps, 1);
    cr_expect_eq(u.step_bytes, good);
    cr_expect(strstr(u.trouble, "4 values") && strstr(u.trouble, "3 vectors"), "%s", u.trouble);
}

Test(smspec, formatted_steps_without_a_blank_too_many_are_all_indexed)
{
    enum { STEPS = 5000 };
    for (uint32_t n = 0; n <= 12; n++) {
        struct unsmry u;
        buf_reset(&bytes);
        for (int i = 0; i < STEPS; i++) {
            (void)buf_printf(&bytes, "'PARAMS  '%u 'REAL'", n);
            for (uint32_t c = 0; c < n; c++)
                (void)buf_put_text(&bytes, "1 ");
        }
        (void)buf_put_char(&bytes, '\n');
        struct ds_bytes b = written();
        arena_reset(arena);
        cr_assert_eq(unsmry_index(&b, 1, true, n, arena, &u, NULL), 0);
        cr_expect_eq(u.n_steps, STEPS, "%u values: %zu steps", n, u.n_steps);
        cr_expect_eq(u.state, UNSMRY_WHOLE, "%u values: %s", n, u.trouble);
    }
}

Test(smspec, rows_of_several_blocks_are_read_as_one)
{
    enum { N = 2504 };
    static float row[N], back[N], two[2 * 2];
    struct ecl_writer w = {&bytes, false};
    struct unsmry u;
    for (size_t i = 0; i < N; i++)
        row[i] = (float)i;
    ecl_write_seqhdr(&w, 1);
    ecl_write_ministep(&w, 0, row, N);
    for (size_t i = 0; i < N; i++)
        row[i] += 0.5f;
    ecl_write_ministep(&w, 1, row, N);
    struct ds_bytes b = written();
    cr_assert_eq(unsmry_index(&b, 1, false, N, arena, &u, NULL), 0);
    cr_assert_eq(u.n_steps, 2);
    unsmry_read_row(&u, 1, back);
    cr_expect_arr_eq(row, back, sizeof row);
    unsmry_read_columns(&u, NULL, 2, (const uint32_t[]){2503, 1000}, 2, two, 2);
    cr_expect(two[0] == 2503.0f && two[1] == 2503.5f && two[2] == 1000.0f && two[3] == 1000.5f);
    struct unsmry_scan s;
    unsmry_scan_init(&s, 1001);
    unsmry_scan_feed(&s, b.data, b.len);
    cr_expect_eq(s.time, 1001.5f);
}

Test(smspec, one_damaged_part_of_many_costs_only_itself)
{
    struct ds_buf parts[3];
    struct ds_bytes b[3];
    struct unsmry u;
    static const float ROW[2] = {1, 2};
    for (int i = 0; i < 3; i++) {
        struct ecl_writer w = {&parts[i], false};
        buf_init(&parts[i], 10000);
        ecl_write_seqhdr(&w, i + 1);
        ecl_write_ministep(&w, i, ROW, 2);
        b[i] = ds_bytes_of(buf_span(&parts[i]));
    }
    b[1].len -= 5;
    cr_assert_eq(unsmry_index(b, 3, false, 2, arena, &u, NULL), 0);
    cr_expect_eq(u.n_reports, 2);
    cr_expect_eq(u.state, UNSMRY_CUT);
    cr_expect_eq(u.bad_part, 1);
    cr_expect_eq(u.steps[1].report, 3);
    cr_expect(ds_span_starts(ds_span_of(u.trouble), "part 2: "), "%s", u.trouble);
    for (int i = 0; i < 3; i++)
        buf_clear(&parts[i]);
}

Test(smspec, parts_of_multiple_files_are_known_by_their_extension)
{
    static const struct {
        const char *extension;
        bool is, formatted;
        uint32_t number;
    } CASES[] = {
        {"S0001", true, false, 1},      {"A0120", true, true, 120},  {"s0007", true, false, 7},
        {"S10000", true, false, 10000}, {"SMSPEC", false, false, 0}, {"S001", false, false, 0},
        {"X0001", false, false, 0},     {"S00x1", false, false, 0},  {"", false, false, 0}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        bool formatted = false;
        uint32_t number = 0;
        cr_expect_eq(unsmry_part_number(ds_span_of(CASES[i].extension), &formatted, &number),
                     CASES[i].is, "%s", CASES[i].extension);
        cr_expect_eq(formatted, CASES[i].formatted);
        cr_expect_eq(number, CASES[i].number);
    }
}

/* ---- patterns ---- */

Test(smspec, patterns_match_as_users_of_ert_expect)
{
    static const struct {
        const char *pattern, *key;
        bool want;
    } CASES[] = {
        {"F*", "FOPR", true},
        {"F*", "WOPR:F1", false},
        {"f*", "FOPR", true},
        {"*", "BPR:10,10,3", true},
        {"WOPR", "WOPR:PROD", true},
        {"WOPR", "WOPRH:PROD", false},
        {"WBHP:*", "WBHP:A/1 H", true},
        {"WBHP:PROD", "WBHP:PROD", true},
        {"wbhp:prod", "WBHP:PROD", true},
        {"WBHP:PROD", "WBHP:prod", false},
        {"WBHP:P*", "WBHP:PROD", true},
        {"WBHP:P?", "WBHP:PROD", false},
        {"BPR:10,10,3", "BPR:10,10,3", true},
        {"BPR:10,10,3", "BPR:10,10,30", false},
        {"BPR:10,*", "BPR:10,10,3", true},
        {"W[OW]PR:*", "WWPR:I1", true},
        {"FOPR:*", "FOPR", false},
        {"*:*", "FOPR", false},
        {"*:PROD", "WOPR:PROD", true},
        {"COPR:PROD:*", "COPR:PROD:1,2,3", true},
        {"LW*:LGR1:*", "LWOPR:LGR1:W", true},
        {"W*:A\\*", "WOPR:A*", true},
        {"W*:A\\*", "WOPR:AB", false},
        {"", "FOPR", false},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++)
        cr_expect_eq(vector_pattern_matches(ds_span_of(CASES[i].pattern), ds_span_of(CASES[i].key)),
                     CASES[i].want, "%s on %s", CASES[i].pattern, CASES[i].key);
    cr_expect_eq(vector_pattern_check(DS_SPAN("W*:PROD"), NULL), 0);
    static const char *const BAD[] = {"", ":PROD", "W[OP", "F\nOPR"};
    for (size_t i = 0; i < DS_COUNT(BAD); i++)
        cr_expect_eq(vector_pattern_check(ds_span_of(BAD[i]), NULL), DS_EINPUT, "%s", BAD[i]);
}

Test(smspec, vectors_about_the_run_itself_are_known)
{
    static const char *const RUN[] = {"TCPU",   "TCPUDAY",  "ELAPSED",
                                      "NEWTON", "MSUMLINS", "TIMESTEP"};
    static const char *const NOT[] = {"TIME", "YEARS", "FOPR", "WOPR", "BPR", ""};
    for (size_t i = 0; i < DS_COUNT(RUN); i++)
        cr_expect(vector_is_run_time(ds_span_of(RUN[i])), "%s", RUN[i]);
    for (size_t i = 0; i < DS_COUNT(NOT); i++)
        cr_expect_not(vector_is_run_time(ds_span_of(NOT[i])), "%s", NOT[i]);
}
