/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep-limits: defaults, ranges, and what is said of values that make no sense. */
#include "base/fs_io.h"
#include "base/json.h"
#include "base/yaml.h"
#include "scheduler/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct cluster_limits DEFAULTS = {
    .pods = {.worker_cores = 8, .max_chunks = 2000, .chunk_s = 600},
    .census_cpus = 1,
    .census_mem_bytes = UINT64_C(2) << 30,
    .census_scratch_bytes = UINT64_C(8) << 30,
};

static void expect_same(const struct cluster_limits *x, const struct cluster_limits *y,
                        const char *why)
{
    cr_expect_eq(x->pods.worker_cores, y->pods.worker_cores, "%s", why);
    cr_expect_eq(x->pods.worker_mem_bytes, y->pods.worker_mem_bytes, "%s", why);
    cr_expect_eq(x->pods.max_workers, y->pods.max_workers, "%s", why);
    cr_expect_eq(x->pods.max_chunks, y->pods.max_chunks, "%s", why);
    cr_expect_eq(x->pods.chunk_s, y->pods.chunk_s, "%s", why);
    cr_expect_eq(x->census_cpus, y->census_cpus, "%s", why);
    cr_expect_eq(x->census_mem_bytes, y->census_mem_bytes, "%s", why);
    cr_expect_eq(x->census_scratch_bytes, y->census_scratch_bytes, "%s", why);
    cr_expect_eq(x->census_deadline_s, y->census_deadline_s, "%s", why);
    cr_expect_eq(x->max_sweeps_active, y->max_sweeps_active, "%s", why);
}

static void read_text(const char *text, struct cluster_limits *out, struct limits_problems *p)
{
    ds_auto_json j = NULL;
    struct ds_err err = {0};
    memset(out, 0xa5, sizeof *out); /* nothing may be left over */
    cr_assert_eq(json_parse(ds_span_of(text), 1u << 20, &j, &err), 0, "%s", err.text);
    limits_read(j, out, p);
}

Test(limits, without_a_config_map_or_keys_are_the_defaults)
{
    static const char *const TEXTS[] = {"{}", "{\"data\":{}}", "{\"data\":null}", "[]",
                                        "3",  "{\"data\":[]}", "{\"data\":\"x\"}"};
    struct cluster_limits l;
    struct limits_problems p;
    limits_default(&l);
    expect_same(&l, &DEFAULTS, "limits_default");
    limits_read(NULL, &l, &p);
    expect_same(&l, &DEFAULTS, "NULL");
    for (size_t i = 0; i < DS_COUNT(TEXTS); i++) {
        read_text(TEXTS[i], &l, &p);
        expect_same(&l, &DEFAULTS, TEXTS[i]);
        cr_expect_eq(p.n, 0, "%s", TEXTS[i]);
    }
}

Test(limits, reads_every_key)
{
    static const struct cluster_limits WANT = {
        .pods = {16, UINT64_C(64) << 30, 200, 4096, 90},
        .census_cpus = 4,
        .census_mem_bytes = UINT64_C(12) << 30,
        .census_scratch_bytes = UINT64_C(100) << 30,
        .census_deadline_s = 7200,
        .max_sweeps_active = 5,
    };
    struct cluster_limits l;
    struct limits_problems p;
    read_text(
        "{\"data\":{\"worker-cores\":\"16\",\"worker-memory\":\"64GiB\",\"max-workers\":\"200\","
        "\"max-chunks\":\"4096\",\"chunk-duration\":\"1m30s\",\"census-cpus\":\" 4\\n\","
        "\"census-memory\":\"12GiB\",\"census-scratch\":\"100GiB\",\"census-deadline\":\"2h\","
        "\"max-active-sweeps\":\"5\"}}",
        &l, &p);
    cr_expect_eq(p.n, 0, "%s", p.text[0]);
    expect_same(&l, &WANT, "all");
}

Test(limits, names_each_bad_value_and_goes_on_with_its_default)
{
    static const struct {
        const char *key, *value, *words;
    } BAD[] = {
        {"worker-cores", "\"0\"", "write a whole number, 1 to 4096; the default 8 is used"},
        {"worker-cores", "\"4097\"", "the default 8 is used"},
        {"worker-cores", "\"-1\"", "the default 8 is used"},
        {"worker-cores", "\"none\"", "the default 8 is used"},
        {"worker-cores", "\"\"", "worker-cores: ''"},
        {"worker-cores", "8", "worker-cores: ''"},
        {"worker-cores", "null", "worker-cores: ''"},
        {"worker-cores", "{\"a\":1}", "the default 8 is used"},
        {"worker-memory", "\"64\"", "write a size, at least 256MiB, or none; the default none"},
        {"worker-memory", "\"1e300GiB\"", "the default none is used"},
        {"max-workers", "\"100001\"", "the default none is used"},
        {"max-chunks", "\"5000\"", "write a whole number, 1 to 4096; the default 2000 is used"},
        {"chunk-duration", "\"9s\"", "write a duration, 10s to 1d; the default 10m is used"},
        {"chunk-duration", "\"2d\"", "the default 10m is used"},
        {"chunk-duration", "\"soon\"", "'soon'"},
        {"census-cpus", "\"65\"", "the default 1 is used"},
        {"census-memory", "\"1MiB\"", "the default 2GiB is used"},
        {"census-scratch", "\"256MiB\"", "the default 8GiB is used"},
        {"census-deadline", "\"1s\"", "the default none is used"},
        {"max-active-sweeps", "\"0\"", "the default none is used"},
        {"worker-core", "\"4\"", "unknown key (did you mean 'worker-cores'?)"},
        {"Worker-Cores", "\"4\"", "unknown key (did you mean 'worker-cores'?)"},
        {"nonsense", "\"4\"", "decksweep-limits: nonsense: unknown key"},
    };
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        char text[200];
        struct cluster_limits l;
        struct limits_problems p;
        (void)snprintf(text, sizeof text, "{\"data\":{\"%s\":%s}}", BAD[i].key, BAD[i].value);
        read_text(text, &l, &p);
        cr_expect_eq(p.n, 1, "%s", text);
        cr_expect(strstr(p.text[0], BAD[i].key), "%s", p.text[0]);
        cr_expect(strstr(p.text[0], BAD[i].words), "%s", p.text[0]);
        expect_same(&l, &DEFAULTS, text);
    }
}

Test(limits, keep_only_so_many_problems)
{
    ds_auto_buf b;
    struct cluster_limits l;
    struct limits_problems p;
    buf_init(&b, 1u << 20);
    (void)buf_put_text(&b, "{\"data\":{\"worker-cores\":\"4\"");
    for (int i = 0; i < 1000; i++)
        (void)buf_printf(&b, ",\"%0200d\":\"x\"", i);
    (void)buf_put_text(&b, "}}");
    read_text(b.data, &l, &p);
    cr_expect_eq(p.n, LIMITS_MAX_PROBLEMS);
    cr_expect_eq(l.pods.worker_cores, 4);
}

/* The file that administrators read and the table say the same. */
Test(limits, of_k8s_base_are_the_defaults_and_name_every_key)
{
    ds_auto_arena a = arena_create(1u << 20);
    ds_auto_buf b;
    struct ds_span text;
    struct ds_err err = {0};
    struct yaml_node *root;
    struct cluster_limits l;
    struct limits_problems p;
    struct json_writer w;
    cr_assert_eq(fs_read_file("k8s/base/limits.yaml", 1u << 20, a, &text, &err), 0, "%s", err.text);
    cr_assert_eq(yaml_parse(text, 1u << 20, a, &root, NULL, &err), 0, "%s", err.text);
    const struct yaml_node *data = yaml_get(root, "data");
    cr_assert(data);
    cr_expect_eq(data->n, 10);
    buf_init(&b, 1u << 20);
    jw_init(&w, &b);
    jw_object(&w);
    jw_key(&w, "data");
    jw_object(&w);
    for (const struct yaml_node *m = data->first; m; m = m->next) {
        jw_key_span(&w, m->key);
        jw_text(&w, m->text);
    }
    jw_end_object(&w);
    jw_end_object(&w);
    read_text(b.data, &l, &p);
    cr_expect_eq(p.n, 0, "%s", p.text[0]);
    expect_same(&l, &DEFAULTS, "limits.yaml");
}
