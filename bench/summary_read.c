/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast summaries are read: SPE9's shape (191 vectors, 90 reports), Norne's (2504), by memory.
 *
 * build/gcc/bench/summary_read [seconds a line]. One line a question: cases a second and MB/s of
 * UNSMRY, on one core; the last, a log like Flow's PRT. */
#include "agent/prt.h"
#include "summary/ecl_write.h"
#include "summary/smspec.h"
#include "summary/unsmry.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct shape {
    const char *name;
    size_t n_vectors, n_reports;
};

struct files {
    struct ds_buf spec, data;
};

static char names[4000][2][24];

static void make_files(const struct shape *s, struct files *f)
{
    struct ecl_write_vector *v = calloc(s->n_vectors, sizeof *v);
    float *row = calloc(s->n_vectors, sizeof *row);
    if (!v || !row)
        abort();
    for (size_t i = 0; i < s->n_vectors; i++) {
        static const char *const WORDS[] = {"WOPR", "WWPR", "WGPR", "WBHP", "WOPT", "WWCT"};
        (void)snprintf(names[i][0], sizeof names[i][0], "%s",
                       i ? WORDS[i * 6 / s->n_vectors] : "TIME");
        (void)snprintf(names[i][1], sizeof names[i][1], "W%zu", i);
        v[i] = (struct ecl_write_vector){names[i][0], i ? names[i][1] : NULL,
                                         i ? "STB/DAY" : "DAYS", 0};
    }
    struct ecl_write_spec spec = {.unit_system = 2,
                                  .nx = 24,
                                  .ny = 25,
                                  .nz = 15,
                                  .start = {1, 1, 2015, 0, 0, 0},
                                  .vectors = v,
                                  .n_vectors = s->n_vectors};
    buf_init(&f->spec, 64u << 20);
    buf_init(&f->data, 256u << 20);
    struct ecl_writer ws = {&f->spec, false}, wd = {&f->data, false};
    ecl_write_smspec(&ws, &spec);
    for (size_t r = 0; r < s->n_reports; r++) {
        for (size_t i = 0; i < s->n_vectors; i++)
            row[i] = (float)(r + 1) * (i ? 1.5f * (float)i : 10.0f);
        ecl_write_seqhdr(&wd, (int32_t)r + 1);
        ecl_write_ministep(&wd, (int32_t)r, row, s->n_vectors);
    }
    free(v);
    free(row);
}

static void say(const char *what, const struct shape *s, double seconds, size_t n, size_t bytes)
{
    (void)printf("%-34s %-6s %8.1f us a case %8.0f MB/s\n", what, s->name,
                 seconds * 1e6 / (double)n, (double)bytes * (double)n / seconds / 1e6);
}

static void bench_shape(const struct shape *s, double seconds)
{
    struct files f;
    make_files(s, &f);
    struct ds_arena *keep = arena_create((size_t)256 << 20), *a = arena_create((size_t)256 << 20);
    struct smspec spec;
    struct unsmry u;
    struct ds_bytes data = ds_bytes_of(buf_span(&f.data));
    if (smspec_read(ds_bytes_of(buf_span(&f.spec)), false, keep, &spec, NULL) < 0)
        abort();
    uint32_t *places = calloc(spec.n_params, sizeof *places);
    float *out = calloc(spec.n_params * s->n_reports, sizeof *out);
    if (!places || !out)
        abort();
    for (uint32_t i = 0; i < spec.n_params; i++)
        places[i] = i;
    double begin = now_s();
    size_t n = 0;
    for (; now_s() - begin < seconds; n++) {
        arena_reset(a);
        if (unsmry_index(&data, 1, false, spec.n_params, a, &u, NULL) < 0)
            abort();
        unsmry_read_columns(&u, u.reports, u.n_reports, places, spec.n_params, out, u.n_reports);
    }
    say("index, all vectors at all reports", s, now_s() - begin, n, data.len);
    begin = now_s();
    for (n = 0; now_s() - begin < seconds; n++) {
        arena_reset(a);
        if (unsmry_index(&data, 1, false, spec.n_params, a, &u, NULL) < 0)
            abort();
    }
    say("index alone", s, now_s() - begin, n, data.len);
    begin = now_s();
    for (n = 0; now_s() - begin < seconds; n++) {
        struct unsmry_scan scan;
        unsmry_scan_init(&scan, 0);
        unsmry_scan_feed(&scan, data.data, data.len);
        if (scan.n_reports != s->n_reports)
            abort();
    }
    say("scan in constant memory", s, now_s() - begin, n, data.len);
    begin = now_s();
    for (n = 0; now_s() - begin < seconds; n++) {
        arena_reset(a);
        if (smspec_read(ds_bytes_of(buf_span(&f.spec)), false, a, &spec, NULL) < 0)
            abort();
    }
    say("SMSPEC", s, now_s() - begin, n, f.spec.len);
    free(places);
    free(out);
    arena_destroy(a);
    arena_destroy(keep);
    buf_clear(&f.spec);
    buf_clear(&f.data);
}

static void bench_log(double seconds)
{
    struct shape s = {"PRT", 0, 0};
    struct ds_buf b;
    buf_init(&b, 64u << 20);
    for (int step = 0; step < 120; step++) {
        (void)buf_printf(&b, "\n\nReport step %2d/120 at day %d/3650, date = 01-Jan-2015\n", step,
                         step * 30);
        (void)buf_put_text(&b, "\nStarting time step 0, stepsize 1 days, at day 0/31\n");
        for (int i = 0; i < 60; i++)
            (void)buf_put_text(&b, ":  PROD :  10, 10 :  20000.0 :   0.0 :  25400.0 :  20000.0 :"
                                   "   1.27 :   0.000 :     0.0 :  2891.9 :\n");
        (void)buf_put_text(&b, "\nWarning: Keyword MESSAGES is not supported\n\n");
    }
    (void)buf_put_text(&b, "\nError summary:\nWarnings 241\nErrors 0\nBugs 0\n");
    double begin = now_s();
    size_t n = 0;
    for (; now_s() - begin < seconds; n++) {
        struct prt_reader r;
        struct prt_facts facts;
        prt_init(&r);
        prt_feed(&r, PRT_STREAM_PRT, b.data, b.len);
        prt_finish(&r, &facts);
        if (facts.last_step != 119 || facts.n_errors != 0)
            abort();
    }
    say("log", &s, now_s() - begin, n, b.len);
    buf_clear(&b);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.5;
    static const struct shape SHAPES[] = {{"SPE9", 191, 90}, {"Norne", 2504, 247}};
    for (size_t i = 0; i < DS_COUNT(SHAPES); i++)
        bench_shape(&SHAPES[i], seconds);
    bench_log(seconds);
    return 0;
}
