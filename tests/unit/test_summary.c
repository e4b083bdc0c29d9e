/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real summaries against readings by two independent programs, bit for bit; cut files. */
#include "base/fs_io.h"
#include "summary/chain.h"
#include "summary/ecl_write.h"
#include "summary/instant.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DATA "tests/data/summary/"

static struct ds_arena *arena;

static void set_up(void)
{
    arena = arena_create((size_t)64 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

TestSuite(summary, .init = set_up, .fini = tear_down, .timeout = 60);

static struct ds_bytes load(const char *path)
{
    struct ds_span s;
    struct ds_err err;
    cr_assert_eq(fs_read_file(path, 64 << 20, arena, &s, &err), 0, "%s", err.text);
    return ds_bytes_of(s);
}

/* ---- the expected tables ---- */

#define MAX_COLUMNS 300

struct table {
    char *text;
    size_t n_columns; /* vectors */
    struct ds_span key[MAX_COLUMNS], unit[MAX_COLUMNS];
    size_t n_rows;
    int report[200], mini[200];
    float *value; /* [row][column] */
};

static struct ds_span next_field(char **at)
{
    char *p = *at;
    struct ds_span s;
    if (*p == '"') {
        char *end = strchr(p + 1, '"');
        s = (struct ds_span){p + 1, (size_t)(end - p - 1)};
        p = end + 1;
    } else {
        size_t n = strcspn(p, ",\n");
        s = (struct ds_span){p, n};
        p += n;
    }
    *at = *p == ',' ? p + 1 : p;
    return s;
}

static void load_table(const char *path, struct table *t)
{
    struct ds_bytes b = load(path);
    char *at = (char *)b.data;
    memset(t, 0, sizeof *t);
    (void)next_field(&at), (void)next_field(&at);
    while (*at != '\n')
        t->key[t->n_columns++] = next_field(&at);
    at++;
    (void)next_field(&at), (void)next_field(&at);
    for (size_t i = 0; i < t->n_columns; i++)
        t->unit[i] = next_field(&at);
    cr_assert_eq(*at, '\n');
    at++;
    t->value = ds_new(arena, float, 200 * t->n_columns);
    while (at < (char *)b.data + b.len) {
        cr_assert_lt(t->n_rows, 200);
        t->report[t->n_rows] = atoi(next_field(&at).ptr);
        t->mini[t->n_rows] = atoi(next_field(&at).ptr);
        for (size_t i = 0; i < t->n_columns; i++)
            t->value[t->n_rows * t->n_columns + i] = strtof(next_field(&at).ptr, NULL);
        cr_assert_eq(*at, '\n');
        at++;
        t->n_rows++;
    }
}

struct real {
    const char *name, *spec, *data, *expected;
    bool formatted;
    size_t n_parts; /* 0: unified */
    size_t n_reports;
    enum summary_units units;
};

static const struct real REAL[] = {
    {"SPE1CASE1", "spe1case1/SPE1CASE1.SMSPEC", "spe1case1/SPE1CASE1.UNSMRY", "SPE1CASE1.csv",
     false, 0, 120, SUMMARY_FIELD},
    {"SPE9", "spe9/SPE9.SMSPEC", "spe9/SPE9.UNSMRY", "SPE9.csv", false, 0, 90, SUMMARY_FIELD},
    {"SPE1CASE2", "restart-chain/SPE1CASE2.SMSPEC", "restart-chain/SPE1CASE2.UNSMRY",
     "SPE1CASE2.csv", false, 0, 120, SUMMARY_FIELD},
    {"SPE1CASE2_RESTART", "restart-chain/SPE1CASE2_RESTART.SMSPEC",
     "restart-chain/SPE1CASE2_RESTART.UNSMRY", "SPE1CASE2_RESTART.csv", false, 0, 60,
     SUMMARY_FIELD},
    {"FORMATTED", "formatted/FORMATTED.FSMSPEC", "formatted/FORMATTED.FUNSMRY", "FORMATTED.csv",
     true, 0, 15, SUMMARY_FIELD},
    {"MULTIPLE", "multiple/MULTIPLE.SMSPEC", "multiple/MULTIPLE.S", "MULTIPLE.csv", false, 15, 15,
     SUMMARY_FIELD},
};

static struct ds_bytes parts[16];

static void open_real(const struct real *r, struct smspec *spec, struct unsmry *u)
{
    char path[200];
    struct ds_err err;
    (void)snprintf(path, sizeof path, DATA "%s", r->spec);
    cr_assert_eq(smspec_read(load(path), r->formatted, arena, spec, &err), 0, "%s", err.text);
    for (size_t i = 0; i < (r->n_parts ? r->n_parts : 1); i++) {
        (void)snprintf(path, sizeof path, DATA "%s", r->data);
        if (r->n_parts)
            (void)snprintf(path + strlen(path), 8, "%04u", (unsigned)i + 1);
        parts[i] = load(path);
    }
    cr_assert_eq(unsmry_index(parts, r->n_parts ? r->n_parts : 1, r->formatted, spec->n_params,
                              arena, u, &err),
                 0, "%s", err.text);
}

static void expect_bits(float got, float want, const char *what, size_t row)
{
    uint32_t a, b;
    memcpy(&a, &got, 4);
    memcpy(&b, &want, 4);
    cr_expect_eq(a, b, "%s row %zu: %.9g is not %.9g", what, row, (double)got, (double)want);
}

Test(summary, every_vector_of_every_real_case_equals_the_independent_readings_bit_for_bit)
{
    for (size_t c = 0; c < DS_COUNT(REAL); c++) {
        const struct real *r = &REAL[c];
        struct table t;
        struct smspec spec;
        struct unsmry u;
        char path[200];
        (void)snprintf(path, sizeof path, DATA "expected/%s", r->expected);
        load_table(path, &t);
        open_real(r, &spec, &u);
        cr_assert_eq(spec.n_vectors, t.n_columns, "%s", r->name);
        cr_assert_eq(u.n_steps, t.n_rows, "%s: %zu steps", r->name, u.n_steps);
        cr_assert_eq(u.n_reports, r->n_reports, "%s: %zu reports", r->name, u.n_reports);
        cr_assert_eq(u.state, UNSMRY_WHOLE, "%s: %s", r->name, u.trouble);
        cr_assert_eq(spec.units, r->units);
        cr_assert_eq(spec.time_place, 0);
        cr_assert(spec.has_start && spec.start_s == 1420070400, "%s starts at %lld", r->name,
                  (long long)spec.start_s);
        uint32_t *places = ds_new(arena, uint32_t, t.n_columns);
        for (size_t i = 0; i < t.n_columns; i++) {
            const struct summary_vector *v = &spec.vectors[i];
            cr_assert(ds_span_eq(v->key, t.key[i]), "%s: %.*s is not %.*s", r->name, DS_FMT(v->key),
                      DS_FMT(t.key[i]));
            cr_assert(ds_span_eq(v->unit, t.unit[i]), "%s: %.*s", r->name, DS_FMT(v->key));
            cr_assert_eq(smspec_find(&spec, v->key, 1), v);
            places[i] = v->place;
        }
        float *columns = ds_new(arena, float, t.n_columns *(t.n_rows + 3));
        unsmry_read_columns(&u, NULL, u.n_steps, places, t.n_columns, columns, t.n_rows + 3);
        float *row = ds_new(arena, float, spec.n_params);
        for (size_t s = 0; s < t.n_rows; s++) {
            cr_assert_eq(u.steps[s].report, t.report[s]);
            cr_assert_eq(u.steps[s].ministep, t.mini[s]);
            cr_assert_eq(u.steps[s].is_report, s + 1 == t.n_rows || t.report[s + 1] != t.report[s]);
            unsmry_read_row(&u, s, row);
            for (size_t i = 0; i < t.n_columns; i++) {
                float want = t.value[s * t.n_columns + i];
                expect_bits(row[places[i]], want, t.key[i].ptr, s);
                expect_bits(columns[i * (t.n_rows + 3) + s], want, t.key[i].ptr, s);
            }
        }
    }
}

Test(summary, report_columns_are_the_last_ministeps_of_each_report)
{
    struct smspec spec;
    struct unsmry u;
    open_real(&REAL[0], &spec, &u);
    float times[120];
    uint32_t place = spec.time_place;
    unsmry_read_columns(&u, u.reports, u.n_reports, &place, 1, times, 120);
    cr_expect_eq(times[0], 31.0f);
    cr_expect_eq(times[1], 59.0f);
    cr_expect_eq(times[119], 3650.0f);
}

Test(summary, a_file_cut_at_any_byte_keeps_its_whole_steps_and_says_that_it_is_cut)
{
    struct smspec spec;
    struct unsmry all, u;
    struct ds_err err;
    open_real(&REAL[0], &spec, &all);
    struct ds_bytes whole = parts[0];
    struct ds_arena *scratch = arena_create(8 << 20);
    size_t boundary = 0, steps = 0;
    for (size_t n = 0; n <= 3000; n++) {
        struct ds_bytes cut = {whole.data, n};
        arena_reset(scratch);
        cr_assert_eq(unsmry_index(&cut, 1, false, spec.n_params, scratch, &u, &err), 0);
        struct ecl_reader r;
        struct ecl_record rec;
        ecl_reader_init(&r, whole, false);
        boundary = steps = 0;
        while (r.at < n && ecl_next(&r, &rec, NULL) == 0 && rec.end <= n) {
            boundary = rec.end;
            steps += ecl_is(&rec, "PARAMS");
        }
        cr_assert_eq(u.n_steps, steps, "cut at %zu", n);
        cr_assert_eq(u.state, n == boundary ? UNSMRY_WHOLE : UNSMRY_CUT, "cut at %zu", n);
        struct unsmry_scan s;
        unsmry_scan_init(&s, spec.time_place);
        unsmry_scan_feed(&s, whole.data, n);
        cr_assert_eq(s.n_steps, steps);
        cr_assert_eq(s.state, u.state, "cut at %zu", n);
        cr_assert_eq(s.record_bytes, boundary);
        cr_assert_eq(s.step_bytes, u.step_bytes);
        cr_assert_eq(s.n_reports, u.n_reports);
    }
    arena_destroy(scratch);
}

Test(summary, a_formatted_file_cut_at_any_byte_keeps_its_whole_steps)
{
    struct smspec spec;
    struct unsmry all, u;
    struct ds_err err;
    open_real(&REAL[4], &spec, &all);
    struct ds_bytes whole = parts[0];
    struct ds_arena *scratch = arena_create(8 << 20);
    for (size_t n = 0; n <= 2500; n++) {
        struct ds_bytes cut = {whole.data, n};
        arena_reset(scratch);
        cr_assert_eq(unsmry_index(&cut, 1, true, spec.n_params, scratch, &u, &err), 0);
        cr_assert_leq(u.n_steps, all.n_steps);
        cr_assert_neq(u.state, UNSMRY_CORRUPT, "cut at %zu: %s", n, u.trouble);
        for (size_t s = 0; s < u.n_steps; s++)
            cr_assert_eq(u.steps[s].data, all.steps[s].data);
    }
    cr_assert_eq(u.n_steps, 2);
    arena_destroy(scratch);
}

Test(summary, a_spec_cut_at_any_byte_is_not_yet_there_or_complete)
{
    struct ds_bytes whole = load(DATA "spe1case1/SPE1CASE1.SMSPEC");
    struct ds_bytes text = load(DATA "formatted/FORMATTED.FSMSPEC");
    struct smspec spec;
    for (size_t n = 0; n < whole.len; n++)
        cr_assert_eq(smspec_read((struct ds_bytes){whole.data, n}, false, arena, &spec, NULL),
                     DS_EAGAIN, "cut at %zu", n);
    for (size_t n = 0; n < text.len; n++) {
        int rc = smspec_read((struct ds_bytes){text.data, n}, true, arena, &spec, NULL);
        cr_assert_eq(rc, DS_EAGAIN, "cut at %zu", n);
    }
}

Test(summary, scanning_in_pieces_of_any_size_gives_the_same)
{
    struct ds_bytes b = load(DATA "spe9/SPE9.UNSMRY");
    for (size_t piece = 1; piece < 3000; piece = piece * 3 + 1) {
        struct unsmry_scan s;
        unsmry_scan_init(&s, 0);
        for (size_t at = 0; at < b.len; at += piece) {
            unsmry_scan_feed(&s, b.data + at, b.len - at < piece ? b.len - at : piece);
            cr_assert_neq(s.state, UNSMRY_CORRUPT);
        }
        cr_assert_eq(s.state, UNSMRY_WHOLE);
        cr_assert_eq(s.n_reports, 90);
        cr_assert_eq(s.n_seqhdr, 90);
        cr_assert_eq(s.n_steps, 92);
        cr_assert_eq(s.seqhdr, 90);
        cr_assert_eq(s.time, 900.0f);
        cr_assert_eq(s.step_bytes, b.len);
    }
}

/* ---- restart chain ---- */

Test(summary, a_continued_case_has_its_bases_history_before_its_own)
{
    struct smspec base, own;
    struct unsmry base_data, own_data;
    struct ds_err err;
    open_real(&REAL[2], &base, &base_data);
    struct ds_bytes base_bytes[1] = {parts[0]};
    base_data.parts = base_bytes;
    open_real(&REAL[3], &own, &own_data);
    cr_assert(ds_span_is(chain_base_root(&own), "SPE1CASE2"));
    cr_assert_eq(own.restart_step, 60);
    struct chain_link links[] = {{&own, &own_data}, {&base, &base_data}};
    struct chain c;
    cr_assert_eq(chain_join(links, 2, arena, &c, &err), 0, "%s", err.text);
    cr_assert_eq(c.n_reports, 120);
    cr_assert_eq(c.n_steps, 63 + 60);
    cr_assert_eq(c.missing_root.len, 0);
    cr_assert_eq(c.n_missing_reports, 0);
    float chained[120], whole[120];
    uint32_t time_vector = 0, place = 0;
    chain_read_columns(&c, c.reports, 120, &time_vector, 1, chained, 120);
    unsmry_read_columns(&base_data, base_data.reports, 120, &place, 1, whole, 120);
    for (size_t i = 0; i < 120; i++)
        cr_expect_eq(chained[i], whole[i], "report %zu: %g and %g", i, (double)chained[i],
                     (double)whole[i]);
    const struct summary_vector *wbhp = smspec_find(&own, DS_SPAN("WBHP:PROD"), 1);
    uint32_t vector = (uint32_t)(wbhp - own.vectors);
    chain_read_columns(&c, c.reports, 120, &vector, 1, chained, 120);
    unsmry_read_columns(&base_data, base_data.reports, 120, &wbhp->place, 1, whole, 120);
    for (size_t i = 0; i < 60; i++)
        expect_bits(chained[i], whole[i], "WBHP:PROD", i);
}

Test(summary, a_missing_base_is_told_and_its_absence_is_no_failure)
{
    struct smspec own;
    struct unsmry data;
    struct chain c;
    struct ds_err err;
    open_real(&REAL[3], &own, &data);
    struct chain_link link = {&own, &data};
    cr_assert_eq(chain_join(&link, 1, arena, &c, &err), 0);
    cr_assert(ds_span_is(c.missing_root, "SPE1CASE2"));
    cr_assert_eq(c.n_missing_reports, 60);
    cr_assert_eq(c.n_reports, 60);
}

Test(summary, a_base_that_ended_early_leaves_a_told_gap)
{
    struct smspec base, own;
    struct unsmry base_data, own_data;
    struct ds_err err;
    struct chain c;
    open_real(&REAL[2], &base, &base_data);
    struct ds_bytes cut = {parts[0].data, 8000};
    cr_assert_eq(unsmry_index(&cut, 1, false, base.n_params, arena, &base_data, &err), 0);
    size_t had = base_data.n_reports;
    cr_assert(had > 10 && had < 60);
    open_real(&REAL[3], &own, &own_data);
    struct chain_link links[] = {{&own, &own_data}, {&base, &base_data}};
    cr_assert_eq(chain_join(links, 2, arena, &c, &err), 0);
    cr_assert_eq(c.n_missing_reports, 60 - had);
    cr_assert_eq(c.n_reports, had + 60);
}

/* A run of reports 1 .. n from report step `from` on, 10 days each; FOPT is 1000 * link + day. */
struct made {
    struct ds_buf spec_bytes, data_bytes;
    struct smspec spec;
    struct unsmry data;
    struct ds_bytes part;
};

static void make_run(struct made *m, int link, int from, int n, int32_t day_of_start)
{
    static const struct ecl_write_vector V[] = {
        {"TIME", NULL, "DAYS", 0}, {"FOPT", NULL, "SM3", 0}, {"FWPT", NULL, "SM3", 0}};
    struct ecl_write_spec s = {.unit_system = 1,
                               .nx = 1,
                               .ny = 1,
                               .nz = 1,
                               .start = {day_of_start, 1, 2015, 0, 0, 0},
                               .restart = from ? "BASE" : NULL,
                               .restart_step = from,
                               .vectors = V,
                               .n_vectors = link == 0 ? 3 : 2};
    struct ecl_writer ws = {&m->spec_bytes, false}, wd = {&m->data_bytes, false};
    struct ds_err err;
    buf_init(&m->spec_bytes, 1 << 20);
    buf_init(&m->data_bytes, 1 << 20);
    ecl_write_smspec(&ws, &s);
    for (int i = 1; i <= n; i++) {
        float day = (float)(from + i) * 10;
        const float half[3] = {day - 5, 0, 0}, row[3] = {day, (float)link * 1000 + day, 7};
        ecl_write_seqhdr(&wd, i); /* counts anew, as other simulators do */
        ecl_write_ministep(&wd, 2 * i, half, s.n_vectors);
        ecl_write_ministep(&wd, 2 * i + 1, row, s.n_vectors);
    }
    m->part = ds_bytes_of(buf_span(&m->data_bytes));
    cr_assert_eq(smspec_read(ds_bytes_of(buf_span(&m->spec_bytes)), false, arena, &m->spec, &err),
                 0, "%s", err.text);
    cr_assert_eq(unsmry_index(&m->part, 1, false, m->spec.n_params, arena, &m->data, &err), 0);
}

static void drop_run(struct made *m)
{
    buf_clear(&m->spec_bytes);
    buf_clear(&m->data_bytes);
}

Test(summary, a_base_that_is_itself_continued_is_followed_and_surplus_steps_are_dropped)
{
    struct made own, base, first;
    struct chain c;
    struct ds_err err;
    make_run(&own, 0, 6, 3, 1);   /* reports 7 8 9 */
    make_run(&base, 1, 4, 5, 1);  /* 5 6, and 7 8 9 that the case did otherwise */
    make_run(&first, 2, 0, 4, 1); /* 1 2 3 4 */
    struct chain_link links[] = {
        {&own.spec, &own.data}, {&base.spec, &base.data}, {&first.spec, &first.data}};
    cr_assert_eq(chain_join(links, 3, arena, &c, &err), 0, "%s", err.text);
    cr_assert_eq(c.n_reports, 9);
    cr_assert_eq(c.n_steps, 18);
    cr_expect_eq(c.missing_root.len, 0);
    uint32_t fopt = 1, fwpt = 2;
    float total[9], water[9];
    chain_read_columns(&c, c.reports, 9, &fopt, 1, total, 9);
    chain_read_columns(&c, c.reports, 9, &fwpt, 1, water, 9);
    for (int i = 0; i < 9; i++) {
        int link = i < 4 ? 2 : i < 6 ? 1 : 0;
        cr_expect_eq(total[i], (float)link * 1000 + (float)(i + 1) * 10, "report %d: %g", i + 1,
                     (double)total[i]);
        cr_expect(link == 0 ? water[i] == 7 : isnan(water[i])); /* bases have no FWPT */
    }
    cr_assert_eq(chain_join(links, 2, arena, &c, &err), 0);
    cr_expect(ds_span_is(c.missing_root, "BASE"));
    cr_expect_eq(c.n_missing_reports, 4);
    drop_run(&own);
    drop_run(&base);
    drop_run(&first);
}

Test(summary, a_base_of_another_start_or_a_circle_of_bases_is_refused)
{
    struct made own, base, same;
    struct chain c;
    struct ds_err err = {0};
    make_run(&own, 0, 6, 3, 1);
    make_run(&base, 1, 0, 6, 2);
    make_run(&same, 1, 6, 3, 1);
    struct chain_link other_start[] = {{&own.spec, &own.data}, {&base.spec, &base.data}};
    cr_expect_eq(chain_join(other_start, 2, arena, &c, &err), DS_ECORRUPT);
    cr_expect(strstr(err.text, "START"), "%s", err.text);
    struct chain_link circle[] = {{&own.spec, &own.data}, {&same.spec, &same.data}};
    cr_expect_eq(chain_join(circle, 2, arena, &c, &err), DS_ECORRUPT);
    drop_run(&own);
    drop_run(&base);
    drop_run(&same);
}

Test(summary, vectors_of_many_classes_as_flow_writes_them_have_their_keys_and_kinds)
{
    struct smspec spec;
    struct ds_buf said;
    struct ds_err err;
    buf_init(&said, 1 << 20);
    cr_assert_eq(smspec_read(load(DATA "classes/CLASSES.SMSPEC"), false, arena, &spec, &err), 0,
                 "%s", err.text);
    for (size_t i = 0; i < spec.n_vectors; i++) {
        const struct summary_vector *v = &spec.vectors[i];
        (void)buf_printf(&said, "%.*s [%.*s] %s%s%s%s%s num %d\n", DS_FMT(v->key), DS_FMT(v->unit),
                         vector_class_name(v->class), v->is_rate ? " rate" : "",
                         v->is_total ? " total" : "", v->is_state ? " state" : "",
                         v->is_history ? " history" : "", (int)v->num);
    }
    struct ds_bytes want = load(DATA "classes/keys.txt");
    cr_expect(ds_span_eq(buf_span(&said), (struct ds_span){(const char *)want.data, want.len}),
              "%.*s", DS_FMT(buf_span(&said)));
    buf_clear(&said);
}

/* ---- time ---- */

Test(summary, time_snaps_to_the_coarsest_unit_within_one_ulp)
{
    const int64_t JAN_2015 = 1420070400;
    static const struct {
        double days;
        bool in_hours;
        int64_t start_offset_s, want_after_s;
    } CASES[] = {
        {0, false, 0, 0},
        {1, false, 0, 86400},
        {31, false, 0, 31 * 86400},
        {3650, false, 0, INT64_C(3650) * 86400},
        {0.5, false, 0, 43200},
        {1.0 / 24, false, 0, 3600},
        {1.0 / 24 / 60, false, 0, 60},
        {1.0 / 86400, false, 0, 1},
        /* 2018-04-05 00:36:00, which float32 puts at 00:36:02.109 */
        {1190.025, false, 0, INT64_C(1190) * 86400 + 2160},
        {365.25, false, 0, 31557600},
        {14610.25, false, 0, INT64_C(14610) * 86400 + 21600},
        {52.14285714, false, 0, 4505143}, /* 7 * 52.14285714 days meet no whole second */
        {24, true, 0, 86400},
        {0.5, true, 0, 1800},
        /* START at 06:30: DATES at midnight, TSTEP at 06:30 */
        {0.7291666666, false, 23400, 63000},
        {10, false, 23400, 864000},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        int64_t at = 0, start = JAN_2015 + CASES[i].start_offset_s;
        cr_assert(summary_instant(start, (float)CASES[i].days, CASES[i].in_hours, &at));
        cr_expect_eq(at - start, CASES[i].want_after_s, "%.9g: %lld", CASES[i].days,
                     (long long)(at - start));
    }
}

Test(summary, a_time_that_is_no_instant_is_refused)
{
    static const float BAD[] = {-1.0f, NAN, INFINITY, -INFINITY, 1e30f, 3e6f, -0.001f};
    int64_t at = 77;
    for (size_t i = 0; i < DS_COUNT(BAD); i++)
        cr_expect_not(summary_instant(1420070400, BAD[i], false, &at), "%g", (double)BAD[i]);
    cr_expect(summary_instant(INSTANT_LAST_UNIX, 0.0f, false, &at));
    cr_expect(summary_instant(INSTANT_FIRST_UNIX, 0.0f, false, &at));
}
