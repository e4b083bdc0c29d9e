/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 100,000 cases of 5 parameters: expanded, ids, design.csv and its SHA-256, and read back.
 * One line of result: seconds of each step, peak memory. */
#include "base/clock_io.h"
#include "base/sha256.h"
#include "scheduler/design.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const char SWEEP[] =
    "apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {name: bench}\nspec:\n"
    "  deck: X.DATA\n  parameters:\n"
    "    PORO: {uniform: {min: 0.2, max: 0.35}}\n    KX: {loguniform: {min: 10, max: 1000}}\n"
    "    NTG: {normal: {mean: 0.7, sd: 0.05}}\n    OWC: {triangular: {min: 2000, mode: 2050, max: "
    "2100}}\n"
    "    KZ: {expression: \"0.1 * KX\"}\n"
    "  design: {method: latin-hypercube, samples: 100000}\n";

static void die(const char *what)
{
    (void)fprintf(stderr, "design_bench: %s\n", what);
    exit(1);
}

int main(void)
{
    static struct sweep_problems problems;
    struct sweep sweep;
    struct ds_err err;
    struct design_table t;
    struct design d;
    struct design_inputs in = {0};
    ds_auto_arena a = arena_create((size_t)1 << 30);
    ds_auto_arena index = arena_create((size_t)1 << 28);
    ds_auto_buf csv;
    char hex[65];
    buf_init(&csv, DESIGN_MAX_BYTES);
    if (sweep_parse(DS_SPAN("bench.yaml"), ds_span_of(SWEEP), a, &sweep, &problems, &err) < 0)
        die(err.text);
    int64_t t0 = clock_monotonic_ns();
    if (design_expand(&sweep, &in, a, &t, &problems, &err) < 0)
        die(err.text);
    int64_t t1 = clock_monotonic_ns();
    struct case_identity shared = {.preset_flow = true, .version = DS_SPAN("2022.10"), .ranks = 1};
    memset(shared.base_digest, 'a', 64);
    struct case_id *ids = ds_new(a, struct case_id, t.n_rows);
    if (!ids || design_make_ids(&t, &shared, NULL, 0, false, a, ids, &err) < 0)
        die("ids");
    int64_t t2 = clock_monotonic_ns();
    if (design_write_csv(&t, ids, &csv, &err) < 0)
        die(err.text);
    sha256_of(csv.data, csv.len, hex);
    int64_t t3 = clock_monotonic_ns();
    if (design_decode(buf_span(&csv), index, &d, &err) < 0)
        die(err.text);
    int64_t t4 = clock_monotonic_ns();
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    (void)printf("design: %u cases x %zu: %.3f s (expand %.3f, ids %.3f, csv+sha256 %.3f), "
                 "decode %.1f ms, peak %ld MB\n",
                 d.n_rows, d.n_params, (double)(t3 - t0) / 1e9, (double)(t1 - t0) / 1e9,
                 (double)(t2 - t1) / 1e9, (double)(t3 - t2) / 1e9, (double)(t4 - t3) / 1e6,
                 u.ru_maxrss / 1024);
    return 0;
}
