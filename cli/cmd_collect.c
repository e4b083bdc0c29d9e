/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep collect TARGET - merge all summary vectors into dataset/ */
#include "base/json.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/collect_progress_io.h"
#include "cli/target_io.h"
#include "cli/text.h"
#include "summary/vector_pattern.h"

#include <stdio.h>
#include <unistd.h>

#define REPORT_BYTES ((size_t)4 << 30)
#define MAX_PATTERNS 10000u

/* "F*,WBHP:*": commas inside a vector's name ("BPR:10,10,3") follow a digit and stand before
 * one; a pattern starts with a letter or a wildcard. */
static int parse_vectors(const char *text, struct ds_arena *a, struct sweep_collect *out,
                         struct ds_err *err)
{
    size_t room = 1;
    for (const char *c = text; *c; c++)
        room += *c == ',';
    if (room > MAX_PATTERNS)
        return ds_fail(err, DS_EINPUT, "--vectors: more than %u patterns", MAX_PATTERNS);
    struct ds_span *list = ds_new(a, struct ds_span, room);
    if (!list)
        return ds_fail(err, DS_ETOOBIG, "--vectors: too long");
    size_t n = 0;
    const char *start = text;
    for (const char *c = text;; c++) {
        bool digit_follows = *c == ',' && c[1] >= '0' && c[1] <= '9';
        bool digit_before = c > text && c[-1] >= '0' && c[-1] <= '9';
        if (*c != '\0' && (*c != ',' || (digit_follows && digit_before)))
            continue;
        struct ds_span one = ds_span_trim((struct ds_span){start, (size_t)(c - start)});
        if (one.len == 0)
            return ds_fail(err, DS_EINPUT, "--vectors: an empty pattern in '%s'", text);
        int rc = vector_pattern_check(one, err);
        if (rc < 0) {
            (void)ds_wrap(err, "--vectors");
            return rc;
        }
        list[n++] = one;
        if (*c == '\0')
            break;
        start = c + 1;
    }
    out->vectors = list;
    out->n_vectors = n;
    return 0;
}

static int choose(const struct cli *cli, struct target *t, struct sweep_collect *what,
                  struct ds_err *err)
{
    const struct sweep *sweep;
    const char *vectors = cmd_text(cli->line, "vectors");
    const char *times = cmd_text(cli->line, "times");
    const char *formats = cmd_text(cli->line, "formats");
    int rc = target_sweep(t, &sweep, err);
    if (rc < 0)
        return rc == DS_ENOTFOUND
                   ? ds_wrap(err, "the store has no copy of the sweep file; give it as TARGET")
                   : rc;
    *what = sweep->collect;
    if (vectors && parse_vectors(vectors, cli->arena, what, err) < 0)
        return DS_EINPUT;
    if (times) {
        rc = sweep_parse_times(ds_span_of(times), cli->arena, what, err);
        if (rc < 0)
            return ds_wrap(err, "--times");
    }
    if (formats) {
        rc = sweep_parse_formats(ds_span_of(formats), what, err);
        if (rc < 0)
            return ds_wrap(err, "--formats");
    }
    return 0;
}

static void put_json(const struct target *t, const struct collect_report *r, struct ds_buf *out)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_text(&w, "target", t->label);
    jw_kv_bool(&w, "no_cases", r->no_cases);
    jw_kv_u64(&w, "cases", r->n_rows);
    jw_kv_u64(&w, "ok", r->n_ok);
    jw_kv_u64(&w, "failed", r->n_failed);
    jw_kv_u64(&w, "missing", r->n_missing);
    jw_kv_u64(&w, "archives_read", r->n_archives);
    jw_kv_u64(&w, "taken_over", r->n_taken_over);
    jw_kv_u64(&w, "vectors", r->n_vectors);
    jw_kv_u64(&w, "times", r->n_times);
    jw_key(&w, "objects");
    jw_array(&w);
    for (size_t i = 0; i < r->n_objects; i++) {
        jw_object(&w);
        jw_kv_cstr(&w, "key", r->objects[i].key);
        jw_kv_u64(&w, "size_bytes", r->objects[i].size_bytes);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_key(&w, "warnings");
    jw_array(&w);
    for (size_t i = 0; i < r->n_warnings; i++)
        jw_text(&w, r->warnings[i]);
    jw_end_array(&w);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
}

static void put_text(const struct target *t, const struct collect_report *r, struct ds_buf *out)
{
    if (r->no_cases) {
        (void)buf_printf(out, "%.*s: no case has run yet, nothing to collect\n", DS_FMT(t->label));
        return;
    }
    (void)buf_printf(out, "%.*s: %u %s (%u ok", DS_FMT(t->label), r->n_rows,
                     r->n_rows == 1 ? "case" : "cases", r->n_ok);
    if (r->n_failed > 0)
        (void)buf_printf(out, ", %u failed", r->n_failed);
    if (r->n_missing > 0)
        (void)buf_printf(out, ", %u missing", r->n_missing);
    (void)buf_printf(out, ") x %u times, %u vectors\n", r->n_times, r->n_vectors);
    for (size_t i = 0; i < r->n_objects; i++) {
        char size[UNITS_TEXT_BYTES];
        units_format_size(r->objects[i].size_bytes, size);
        (void)buf_printf(out, "  %10s  %s/%s\n", size, store_url(t->store), r->objects[i].key);
    }
    text_put_lines(out, r->preview);
}

static int collect(struct cli *cli, struct target *t, struct collect_report *report,
                   struct ds_err *err)
{
    struct sweep_collect what;
    int rc = choose(cli, t, &what, err);
    if (rc < 0)
        return rc;
    struct collect_options o = {
        .what = &what,
        .from_scratch = cmd_has(cli->line, "fresh"),
        .must_match = cmd_has(cli->line, "vectors"),
    };
    memcpy(o.plan_digest, t->plan_digest, sizeof o.plan_digest);
    ds_auto_arena arena = arena_create(REPORT_BYTES);
    rc = collect_with_progress(t->store, ds_span_of(t->prefix), &t->plan, &t->design, o, arena,
                               report, err);
    if (rc < 0)
        return ds_wrap(err, "collect %.*s", DS_FMT(t->label));
    ds_auto_buf out;
    buf_init(&out, 16u << 20);
    if (cli->json)
        put_json(t, report, &out);
    else
        put_text(t, report, &out);
    cli_put(cli, &out);
    return 0;
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    struct collect_report *report = ds_new(cli->arena, struct collect_report, 1);
    int rc = target_find(cli, &t, &err);
    if (rc == 0 && t.cluster)
        log_info("the last census of a Sweep in a cluster collects by itself; this reads every "
                 "archive through the API server and writes the dataset anew");
    if (rc == 0)
        rc = target_open_store(&t, STORE_WRITE, &err);
    if (rc == 0)
        rc = target_load(&t, &err);
    if (rc == 0)
        rc = collect(cli, &t, report, &err);
    target_close(&t);
    if (rc < 0)
        return cli_fail(cli, &err);
    return report->n_failed > 0 || report->n_missing > 0 ? CLI_CASES : CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"vectors", 0, VALUE_TEXT, "LIST",
     "patterns of summary vectors: 'F*,WBHP:*' (default: the sweep "
     "file's collect.vectors)"},
    {"times", 0, VALUE_TEXT, "T",
     "report, monthly, yearly, an interval such as 30d, or dates: "
     "2015-01-01,2016-01-01"},
    {"formats", 0, VALUE_TEXT, "LIST", "netcdf, csv, csv.gz, csv.zst"},
    {"fresh", 0, VALUE_NONE, NULL,
     "read every archive anew instead of taking over what the present "
     "dataset has"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep collect results/spe1", "what `run` does at its end; also while a sweep runs"},
    {"decksweep collect results/spe1 --vectors 'FOPT,WBHP:*' --times monthly --formats csv.gz",
     "other vectors, times and formats than the sweep file's"},
    {NULL, NULL},
};

const struct cmd_entry cmd_collect = {
    .name = "collect",
    .args = "TARGET",
    .summary = "merge all summary vectors into one dataset",
    .text =
        "Writes <store>/<sweep>/dataset/: summary.nc, statistics.nc, parameters.csv and the CSV "
        "formats asked for. (Of a Sweep in a cluster its last census does this.) Follows the "
        "present plan; cases that failed or have not run are NaN "
        "where they have nothing.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .exits = "0 every case is in the dataset and ok\n"
             "1 the dataset is written, and some cases failed or have not run\n"
             "2 the input is wrong: options, cases of different unit systems\n"
             "3 the world is wrong: store, disk\n"
             "130 interrupted\n",
    .json = true,
    .run = run,
};
