/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs_io.h"
#include "base/yaml.h"
#include "scheduler/sweep_schema.h"
#include "sweep_help.h"

#include <math.h>

/* The example of the reference is complete: every key of the table stands in it or is
 * tested below. */
static const char WHOLE[] =
    "apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nmetadata: {name: spe1-injection}\nspec:\n"
    "  deck: model/SPE1.DATA\n"
    "  parameters:\n"
    "    PORO:  {uniform: {min: 0.20, max: 0.35}}\n"
    "    KX:    {values: [100, 250, 500]}\n"
    "    GRATE: {linspace: {from: 50e3, to: 150e3, count: 5}, decimals: 0}\n"
    "    GEO:   {files: \"geo/real-*\"}\n"
    "    FLT:   {files: \"flt/real-*.inc\", with: GEO}\n"
    "    KZ:    {expression: \"0.1 * KX\"}\n"
    "  design:\n    method: latin-hypercube\n    samples: 200\n    seed: 42\n"
    "    where: \"PORO * KX > 20\"\n"
    "  simulator:\n    preset: flow\n    judge: eclipse\n    version: \"2022.10\"\n"
    "    image: registry.example/opm-flow@sha256:0\n    args: [\"--solver-max-restarts=20\"]\n"
    "    wallTime: 2h\n"
    "  resources: {memory: 2GiB, ranks: 2, threads: 3, pilot: 8}\n"
    "  failure:\n    retries: {out-of-memory: 5, lost: 6}\n    notConvergedArgs: [\"--x=1\"]\n"
    "    maxFailed: 10%\n"
    "  results:\n    store: s3://bucket/prefix\n    keep: [summary, grid, \"*.Z\", \"A?\"]\n"
    "    trim: off\n    compression: 7\n"
    "  collect: {vectors: [\"F*\", \"WBHP:*\"], times: {every: 30d}, formats: [csv, csv.zst]}\n"
    "  run: Suspended\n"
    "  deckFrom: {configMap: NAME}\n"
    "  once: {token: a, do: [refill, accept]}\n"
    "  cluster: {queue: q, priorityClass: p, nodeSelector: {a: b}, tolerations: [{key: x}],\n"
    "            labels: {l: m}, annotations: {n: o}, imagePullSecrets: [s], maxWorkers: 5,\n"
    "            workerCores: 8, serviceAccount: sa, credentialsSecret: cs,\n"
    "            securityContext: {runAsUser: 1}, ttl: 1d}\n";

Test(sweep, every_key_arrives_where_it_belongs)
{
    auto_case c = parse_text(WHOLE);
    const struct sweep *s = &c.sweep;
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect(ds_span_is(s->name, "spe1-injection"));
    cr_expect(ds_span_is(s->deck, "model/SPE1.DATA"));
    cr_expect_eq(s->deck_pos.line, 5);
    cr_expect_eq(s->n_params, 6);
    cr_expect_eq(s->method, DESIGN_LATIN_HYPERCUBE);
    cr_expect_eq(s->samples, 200);
    cr_expect_eq(s->seed, 42);
    cr_expect(ds_span_is(s->where, "PORO * KX > 20"));
    cr_expect(s->preset_flow);
    cr_expect_eq(s->judge, JUDGE_ECLIPSE);
    cr_expect(ds_span_is(s->version_pin, "2022.10"));
    cr_expect(ds_span_is(s->image, "registry.example/opm-flow@sha256:0"));
    cr_expect(s->n_args == 1 && ds_span_is(s->args[0], "--solver-max-restarts=20"));
    cr_expect_eq(s->wall_ms, 7200000);
    cr_expect_eq(s->memory_bytes, 2ull << 30);
    cr_expect(s->ranks == 2 && s->threads == 3 && s->pilot == 8);
    cr_expect_eq(s->retries[VERDICT_OUT_OF_MEMORY], 5);
    cr_expect_eq(s->retries[VERDICT_LOST], 6);
    cr_expect_eq(s->retries[VERDICT_CRASHED], 1);
    cr_expect_eq(s->retries[VERDICT_NOT_CONVERGED], 1);
    cr_expect_eq(s->n_not_converged_args, 1);
    cr_expect_float_eq(s->max_failed_fraction, 0.1, 1e-15);
    cr_expect_lt(s->max_failed_cases, 0);
    cr_expect(ds_span_is(s->store, "s3://bucket/prefix"));
    cr_expect_eq(s->keep.classes, CLASS_SUMMARY | CLASS_GRID);
    cr_expect_eq(s->keep.n_globs, 2);
    cr_expect(ds_span_is(s->keep.globs[0], "*.Z") && ds_span_is(s->keep.globs[1], "A?"));
    cr_expect_eq(s->trim, TRIM_OFF);
    cr_expect_eq(s->compression, 7);
    cr_expect_eq(s->collect.n_vectors, 2);
    cr_expect_eq(s->collect.times, TIMES_EVERY);
    cr_expect_eq(s->collect.every_s, 30 * 86400);
    cr_expect(!s->collect.netcdf && s->collect.csv && !s->collect.csv_gz && s->collect.csv_zst);
    cr_expect(ds_span_is(s->run, "Suspended"));
    cr_expect(ds_span_is(s->deck_from_kind, "configMap") && ds_span_is(s->deck_from, "NAME"));
    cr_expect(s->cluster && ds_span_is(yaml_get(s->cluster, "queue")->text, "q"));
    cr_expect(s->once && ds_span_is(yaml_get(s->once, "token")->text, "a"));
}

Test(sweep, parameters_come_sorted_with_their_kind)
{
    auto_case c = parse_text(WHOLE);
    static const char *const NAMES[] = {"FLT", "GEO", "GRATE", "KX", "KZ", "PORO"};
    static const enum param_kind KINDS[] = {PARAM_FILES,  PARAM_FILES,      PARAM_LINSPACE,
                                            PARAM_VALUES, PARAM_EXPRESSION, PARAM_UNIFORM};
    for (size_t i = 0; i < DS_COUNT(NAMES); i++) {
        cr_expect(ds_span_is(c.sweep.params[i].name, NAMES[i]));
        cr_expect_eq(c.sweep.params[i].kind, KINDS[i]);
    }
    cr_expect(ds_span_is(c.sweep.params[0].with, "GEO"));
    cr_expect_eq(c.sweep.params[2].decimals, 0);
    cr_expect_eq(c.sweep.params[3].decimals, -1);
    cr_expect(isnan(c.sweep.params[3].low));
}

Test(sweep, what_is_left_out_has_the_default_of_the_reference)
{
    auto_case c = parse_spec("  design: {method: grid}\n");
    const struct sweep *s = &c.sweep;
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect_eq(s->seed, 1);
    cr_expect(s->preset_flow);
    cr_expect_eq(s->judge, JUDGE_FLOW);
    cr_expect_eq(s->wall_ms, 24ull * 3600 * 1000);
    cr_expect_eq(s->memory_bytes, 0);
    cr_expect(s->ranks == 1 && s->threads == 1 && s->pilot == 4);
    cr_expect_eq(s->retries[VERDICT_OUT_OF_MEMORY], 2);
    cr_expect_eq(s->retries[VERDICT_LOST], 3);
    cr_expect_eq(s->retries[VERDICT_CRASHED], 1);
    cr_expect_eq(s->retries[VERDICT_OUT_OF_DISK], 1);
    cr_expect_eq(s->retries[VERDICT_INCOMPLETE], 1);
    cr_expect_eq(s->retries[VERDICT_NOT_CONVERGED], 0);
    cr_expect_eq(s->retries[VERDICT_DECK_ERROR], 0);
    cr_expect_eq(s->retries[VERDICT_TIMEOUT], 0);
    cr_expect(s->max_failed_fraction < 0 && s->max_failed_cases < 0);
    cr_expect(ds_span_is(s->store, "./results"));
    cr_expect_eq(s->keep.classes, CLASS_SUMMARY | CLASS_LOG);
    cr_expect_eq(s->trim, TRIM_AUTO);
    cr_expect_eq(s->compression, 3);
    cr_expect(s->collect.n_vectors == 1 && ds_span_is(s->collect.vectors[0], "*"));
    cr_expect_eq(s->collect.times, TIMES_REPORT);
    cr_expect(s->collect.netcdf && !s->collect.csv && !s->collect.csv_gz && !s->collect.csv_zst);
    cr_expect(ds_span_is(s->run, "Active"));
    cr_expect_null(s->cluster);
}

Test(sweep, null_values_count_as_absent)
{
    auto_case c = parse_spec("  design: {method: grid, where: , samples: ~}\n"
                             "  resources:\n  once: {token: , do: []}\n"
                             "  cluster: {queue: , maxWorkers: null}\n  deckFrom:\n");
    cr_expect_eq(c.rc, 0, "%s", c.err.text);
}

Test(sweep, the_reference_example_of_every_key_is_accepted)
{
    size_t n;
    const struct sweep_key *keys = sweep_schema_keys(&n);
    for (size_t i = 0; i < n; i++) {
        char spec[1024];
        const char *dot = strrchr(keys[i].path, '.');
        if (!dot || strncmp(keys[i].path, "spec.", 5) != 0 || !keys[i].apply)
            continue;
        const char *parent = keys[i].path + 5;
        int np = (int)(dot - parent);
        bool table = strcmp(keys[i].path, "spec.design.file") == 0;
        bool design = strncmp(parent, "design.", 7) == 0;
        const char *also = strstr(keys[i].path, "method")    ? ", samples: 4"
                           : strstr(keys[i].path, "samples") ? ", method: sobol"
                           : table                           ? ", method: table"
                                                             : ", method: grid";
        const char *params =
            design && !table && !strstr(keys[i].path, "where") && !strstr(keys[i].path, "seed")
                ? "  parameters: {A: {uniform: {min: 1, max: 2}}}\n"
                : "  parameters: {PORO: {values: [1]}, KX: {values: [2]}}\n";
        if (table)
            params = "";
        if (strcmp(keys[i].path, "spec.deck") == 0 || strcmp(keys[i].path, "spec.parameters") == 0)
            continue;
        if (dot == keys[i].path + 4) /* of spec itself */
            (void)snprintf(spec, sizeof spec, "  design: {method: grid}\n  %s: %s\n",
                           keys[i].path + 5, keys[i].example);
        else if (design)
            (void)snprintf(spec, sizeof spec, "%s  design: {%s: %s%s}\n", params, dot + 1,
                           keys[i].example, also);
        else
            (void)snprintf(spec, sizeof spec, "  design: {method: grid}\n  %.*s: {%s: %s}\n", np,
                           parent, dot + 1, keys[i].example);
        auto_case c = parse_spec(spec);
        cr_expect_eq(c.rc, 0, "%s\n%s", c.err.text, spec);
    }
    const struct param_key *kinds = sweep_schema_param_keys(&n);
    for (size_t i = 0; i < n; i++) {
        char spec[512];
        (void)snprintf(spec, sizeof spec,
                       "  parameters:\n    KX: {values: [1, 2]}\n    GEO: {files: \"g/*\"}\n"
                       "    P: %s\n  design: {method: monte-carlo, samples: 3}\n",
                       kinds[i].example);
        auto_case c = parse_spec(spec);
        cr_expect_eq(c.rc, 0, "%s\n%s", c.err.text, spec);
    }
}

Test(sweep, quantile_forms_become_mean_and_sd)
{
    auto_case c = parse_spec("  parameters:\n    A: {normal: {q10: 10, q90: 20}}\n"
                             "    B: {lognormal: {q10: 50, q90: 400}}\n"
                             "  design: {method: monte-carlo, samples: 1}\n");
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect_float_eq(c.sweep.params[0].mean, 15, 1e-12);
    cr_expect_float_eq(c.sweep.params[0].sd, 10 / (2 * 1.2815515655446004), 1e-12);
    cr_expect_float_eq(c.sweep.params[1].mean, (log(50) + log(400)) / 2, 1e-12);
}

Test(sweep, numbers_render_as_decks_need_them_and_quoted_texts_stay)
{
    auto_case c = parse_spec(
        "  parameters:\n    A: {values: [1e5, 0.10, -0.0, \"1e5\", '0.10', abc, 1e-5, "
        "12345678901234567890, 0.1234567890123]}\n    B: {values: [0.126, 2], decimals: 2}\n"
        "  design: {method: grid}\n");
    static const char *const WANT[] = {"100000",         "0.1", "0",     "1e5",
                                       "0.10",           "abc", "1e-05", "1.2345678901234567e+19",
                                       "0.1234567890123"};
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    for (size_t i = 0; i < DS_COUNT(WANT); i++) {
        const struct sweep_value *v = &c.sweep.params[0].values[i];
        cr_expect(ds_span_is(v->text, WANT[i]), "%.*s for %s", DS_FMT(v->text), WANT[i]);
        cr_expect_eq(v->is_text, i >= 3 && i <= 5);
    }
    cr_expect(ds_span_is(c.sweep.params[1].values[0].text, "0.13"));
}

Test(sweep, a_command_brings_the_judge_of_files)
{
    auto_case c = parse_spec("  design: {method: grid}\n"
                             "  simulator: {command: [sh, -c, \"awk '{print}' {deck} {1..3}\"]}\n");
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect_not(c.sweep.preset_flow);
    cr_expect_eq(c.sweep.judge, JUDGE_FILES);
    cr_expect_eq(c.sweep.n_command, 3);
}

Test(sweep, times_of_the_command_line_follow_the_files_rules)
{
    static const struct {
        const char *text;
        int rc;
        enum collect_times times;
        int64_t every_s;
        size_t n_dates;
    } ROWS[] = {
        {"report", 0, TIMES_REPORT, 0, 0},
        {"monthly", 0, TIMES_MONTHLY, 0, 0},
        {" yearly ", 0, TIMES_YEARLY, 0, 0},
        {"every: 30d", 0, TIMES_EVERY, 30 * 86400, 0},
        {"every:1h", 0, TIMES_EVERY, 3600, 0},
        {"every=30d", 0, TIMES_EVERY, 30 * 86400, 0},
        {"dates=2020-01-01,2019-01-01,2020-01-01", 0, TIMES_DATES, 0, 2},
        {"dates: [2020-01-01T12:00:00]", 0, TIMES_DATES, 0, 1},
        {"{every: 1d}", 0, TIMES_EVERY, 86400, 0},
        {"hourly", DS_EINPUT, 0, 0, 0},
        {"", DS_EINPUT, 0, 0, 0},
        {"every=", DS_EINPUT, 0, 0, 0},
        {"every=2x", DS_EINPUT, 0, 0, 0},
        {"dates=2020-02-30", DS_EINPUT, 0, 0, 0},
        {"dates=", DS_EINPUT, 0, 0, 0},
        {"*x", DS_EINPUT, 0, 0, 0},
        {"[[[", DS_EINPUT, 0, 0, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_arena a = arena_create(1 << 20);
        struct sweep_collect c = {0};
        struct ds_err err = {0};
        cr_expect_eq(sweep_parse_times(ds_span_of(ROWS[i].text), a, &c, &err), ROWS[i].rc, "%s: %s",
                     ROWS[i].text, err.text);
        cr_expect(c.times == ROWS[i].times && c.every_s == ROWS[i].every_s
                      && c.n_dates == ROWS[i].n_dates,
                  "%s: %d %ld %zu", ROWS[i].text, (int)c.times, (long)c.every_s, c.n_dates);
    }
}

Test(sweep, formats_of_the_command_line_follow_the_files_rules)
{
    struct sweep_collect c = {.vectors = NULL, .n_vectors = 7};
    struct ds_err err;
    cr_assert_eq(sweep_parse_formats(DS_SPAN("netcdf,csv.gz"), &c, &err), 0);
    cr_expect(c.netcdf && !c.csv && c.csv_gz && !c.csv_zst && c.n_vectors == 7);
    cr_assert_eq(sweep_parse_formats(DS_SPAN("[csv]"), &c, &err), 0);
    cr_expect(!c.netcdf && c.csv);
    cr_expect_eq(sweep_parse_formats(DS_SPAN("csv,xls"), &c, &err), DS_EINPUT);
    cr_expect(strstr(err.text, "'xls' is none of"), "%s", err.text);
    cr_expect_eq(sweep_parse_formats(DS_SPAN(""), &c, &err), DS_EINPUT);
}

Test(sweep, an_object_of_an_api_server_is_a_sweep_file)
{
    auto_case c = parse_text(
        "{\"apiVersion\":\"decksweep.io/"
        "v1alpha1\",\"kind\":\"Sweep\",\"metadata\":{\"annotations\":{"
        "\"kubectl.kubernetes.io/last-applied-configuration\":\"{\\\"a\\\":1}\\n\"},"
        "\"creationTimestamp\":\"2026-11-21T09:10:11Z\",\"finalizers\":[\"a/b\"],\"generation\":3,"
        "\"managedFields\":[{\"fieldsV1\":{\"f:metadata\":{\"f:ownerReferences\":{\"k:{\\\"uid\\\":"
        "\\\"x\\\"}\":{}}}},\"manager\":\"kubectl\"}],\"name\":\"s\",\"namespace\":\"n\","
        "\"ownerReferences\":[],\"resourceVersion\":\"4711\",\"uid\":\"7f0c\"},\"spec\":{\"deck\":"
        "\"A.DATA\",\"design\":{\"method\":\"grid\",\"seed\":9007199254740991},\"parameters\":{"
        "\"K\":{"
        "\"linspace\":{\"count\":5,\"from\":50000,\"to\":1e+22}},\"L\":{\"values\":[0.1,-2,1e-7,"
        "\"x\"]}}},"
        "\"status\":{\"phase\":\"Running\",\"totals\":{\"cases\":1}}}");
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    cr_expect(ds_span_is(c.sweep.name, "s"));
    cr_expect_eq(c.sweep.params[0].to, 1e22);
    cr_expect_eq(c.sweep.params[1].n_values, 4);
    cr_expect_eq(c.sweep.seed, UINT64_C(9007199254740991));
    auto_case wrong = parse_text("apiVersion: decksweep.io/v1alpha1\nkind: Sweep\nstatu: {}\n"
                                 "metadata: {name: s, managedField: []}\n"
                                 "spec: {deck: A.DATA, design: {method: grid}, status: {}}\n");
    cr_expect_eq(wrong.rc, DS_EINPUT);
    cr_expect_eq(wrong.problems.n, 3, "%zu", wrong.problems.n);
}

Test(sweep, a_thousand_parameters_pass_and_one_more_does_not)
{
    for (size_t n = SWEEP_MAX_PARAMETERS; n <= SWEEP_MAX_PARAMETERS + 1; n++) {
        ds_auto_buf b;
        buf_init(&b, 1 << 20);
        (void)buf_put_text(&b, "  design: {method: grid}\n  parameters:\n");
        for (size_t i = 0; i < n; i++)
            (void)buf_printf(&b, "    P%zu: {values: [1]}\n", i);
        auto_case c = parse_spec(b.data);
        cr_expect_eq(c.rc == 0, n == SWEEP_MAX_PARAMETERS, "%zu: %s", n, c.err.text);
    }
}

/* docs/sweep-file.md shows the rows of the key table as they are in the program. */
Test(sweep, the_reference_document_has_every_key_of_the_table)
{
    ds_auto_arena a = arena_create(1 << 20);
    struct ds_span doc;
    struct ds_err err;
    size_t n;
    cr_assert_eq(fs_read_file("docs/sweep-file.md", 1 << 19, a, &doc, &err), 0, "%s", err.text);
    const struct sweep_key *keys = sweep_schema_keys(&n);
    for (size_t i = 0; i < n; i++) {
        const struct sweep_key *k = &keys[i];
        struct ds_span row = arena_format(a, "| `%s` | %s | %s | `%s` | %s |\n", k->path, k->type,
                                          k->fallback[0] ? k->fallback : "-", k->example, k->help);
        cr_expect(!k->apply || strstr(doc.ptr, row.ptr), "missing: %s", row.ptr);
    }
    const struct param_key *kinds = sweep_schema_param_keys(&n);
    for (size_t i = 0; i < n; i++) {
        struct ds_span row = arena_format(a, "| `%s` | %s | `%s` | %s |\n", kinds[i].name,
                                          kinds[i].form, kinds[i].example, kinds[i].help);
        cr_expect(strstr(doc.ptr, row.ptr), "missing: %s", row.ptr);
    }
}
