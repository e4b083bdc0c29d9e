/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/units.h"
#include "collector/collect.h"
#include "collector/hints.h"
#include "collector/merge_io.h"
#include "collector/outputs_io.h"
#include "collector/preview.h"
#include "collector/take_io.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_BYTES      ((size_t)4 << 30)
#define LAST_XARRAY_UNIX INT64_C(9223372036) /* int64 nanoseconds end in April 2262 */

struct collect {
    struct store *store;
    struct ds_span prefix;
    const struct collect_options *options;
    struct collect_report *report;
    struct ds_arena *a;            /* of the call; while the merge runs only its thread takes */
    struct ds_arena *report_arena; /* the caller's */
    char dir[4096];
    struct dataset ds;
    struct index index;
    struct schema schema;
    struct merge merge;
    struct preview preview;
    struct hints hints;
    struct taken *taken; /* NULL: every archive is read */
    bool torn;           /* it did not read back: not to be taken again */
    struct outputs *outputs;
    uint32_t n_archives; /* rows that have one */
    uint32_t n_done;
};

/* ---- what is there ---- */

struct listing {
    struct collect *c;
    struct ds_err *err;
};

static int on_key(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    struct listing *l = context;
    size_t skip = l->c->prefix.len;
    if (key.len <= skip)
        return 0;
    struct ds_span inside = {key.ptr + skip, key.len - skip};
    return index_add(&l->c->index, inside, size_bytes, mtime_ms, l->err);
}

static int list_folder(struct collect *c, const char *folder, struct ds_err *err)
{
    struct listing l = {c, err};
    struct ds_span prefix = arena_format(c->a, "%.*s%s", DS_FMT(c->prefix), folder);
    if (!prefix.ptr)
        return ds_fail(err, DS_ETOOBIG, "no room");
    int rc = store_list(c->store, prefix.ptr, on_key, &l, err);
    return rc == DS_ENOTFOUND ? 0 : rc;
}

static int take_listing(struct collect *c, const struct design *d, struct ds_err *err)
{
    int rc = index_start(d, c->a, &c->index, err);
    if (rc == 0)
        rc = list_folder(c, "cases/", err);
    return rc == 0 ? list_folder(c, "failed/", err) : rc;
}

static void reset_rows(struct collect *c)
{
    struct dataset *ds = &c->ds;
    c->n_archives = 0;
    for (uint32_t row = 0; row < ds->n_rows; row++) {
        const struct index_slot *slot = &c->index.slots[c->index.slot_of_row[row]];
        bool listed = slot->key.len > 0;
        ds->rows[row] =
            (struct dataset_row){.verdict = slot->verdict,
                                 .attempts = slot->n_failed + (slot->verdict == VERDICT_OK),
                                 .ended = "",
                                 .reason = "",
                                 .node = "",
                                 .simulator_version = "",
                                 .source = slot->key.ptr,
                                 .wall_s = NAN,
                                 .peak_mem_bytes = -1,
                                 .last_report_step = -1,
                                 .n_chops = -1,
                                 .n_problems = -1,
                                 .source_bytes = listed ? (int64_t)slot->size_bytes : -1,
                                 .source_mtime_ms = listed ? slot->mtime_ms : -1};
        c->n_archives += listed;
    }
}

static int start_rows(struct collect *c, struct ds_err *err)
{
    c->ds.rows = ds_new(c->a, struct dataset_row, c->ds.n_rows);
    if (!c->ds.rows)
        return ds_fail(err, DS_ETOOBIG, "no room for %u cases", c->ds.n_rows);
    reset_rows(c);
    return 0;
}

/* "vectors F*,WBHP:* times every 2592000 s" */
static int describe_what(struct collect *c, struct ds_err *err)
{
    const struct sweep_collect *what = c->options->what;
    ds_auto_buf text;
    buf_init(&text, (size_t)1 << 20);
    (void)buf_put_text(&text, "vectors ");
    for (size_t i = 0; i < what->n_vectors; i++)
        (void)buf_printf(&text, "%s%.*s", i ? "," : "", DS_FMT(what->vectors[i]));
    switch (what->times) {
    case TIMES_REPORT:
        (void)buf_put_text(&text, " times report");
        break;
    case TIMES_EVERY:
        (void)buf_printf(&text, " times every %lld s", (long long)what->every_s);
        break;
    case TIMES_MONTHLY:
        (void)buf_put_text(&text, " times monthly");
        break;
    case TIMES_YEARLY:
        (void)buf_put_text(&text, " times yearly");
        break;
    case TIMES_DATES:
        (void)buf_put_text(&text, " times");
        for (size_t i = 0; i < what->n_dates; i++) {
            char date[24];
            units_format_date(what->dates[i], date);
            (void)buf_printf(&text, "%c%s", i ? ',' : ' ', date);
        }
        break;
    }
    c->ds.what = arena_copy(c->a, buf_span(&text));
    return buf_check(&text, "collect", err);
}

/* ---- one merge ---- */

static int tell(struct collect *c, const char *doing, struct ds_err *err)
{
    struct collect_progress p = {c->n_done, c->ds.n_rows, doing};
    if (c->options->progress && c->options->progress(c->options->context, &p) != 0)
        return ds_fail(err, DS_EINTR, "interrupted; the dataset is as it was");
    return 0;
}

/* Count in how many rows each vector has a value. */
static void count_values(struct dataset *ds, uint32_t n, const float *slab)
{
    size_t n_times = ds->axis.n;
    for (size_t v = 0; v < ds->n_vectors; v++) {
        for (uint32_t i = 0; i < n; i++) {
            const float *values = slab + (v * n + i) * n_times;
            size_t t = 0;
            while (t < n_times && isnan(values[t]))
                t++;
            ds->vectors[v].cases_with += t < n_times;
        }
    }
}

/* The files are laid out while the first cases are read. */
static int on_begin(void *context, struct ds_err *err)
{
    struct collect *c = context;
    return outputs_create(c->dir, &c->ds, c->options->what, &c->outputs, err);
}

static int on_block(void *context, uint32_t first, uint32_t n, float *slab, struct ds_err *err)
{
    struct collect *c = context;
    int rc = taken_fill(c->taken, first, n, slab, err);
    c->torn |= rc < 0;
    if (rc < 0)
        return rc;
    count_values(&c->ds, n, slab);
    hints_take(&c->hints, &c->ds, first, n, slab);
    preview_take(&c->preview, &c->ds, first, n, slab);
    rc = outputs_put_block(c->outputs, first, n, slab, err);
    c->n_done = first + n;
    return rc == 0 ? tell(c, "reading", err) : rc;
}

static size_t memory_of(const struct collect *c)
{
    return c->options->memory_bytes ? c->options->memory_bytes : COLLECT_MEMORY_BYTES;
}

/* Times and vectors are decided: lay out the dataset. */
static int lay_out(struct collect *c, struct ds_err *err)
{
    struct dataset *ds = &c->ds;
    if (ds->epoch_s == INT64_MAX)
        ds->epoch_s = 0;
    int rc = align_axis(c->options->what, &ds->reports, ds->epoch_s, c->a, &ds->axis, err);
    if (rc < 0)
        return rc;
    if (c->options->must_match && ds->axis.n > 0 && c->schema.n == 0)
        return ds_fail(
            err, DS_EINPUT,
            "no case has a vector that any of the patterns matches; the dataset stays as it is");
    ds->vectors = c->schema.vectors;
    ds->n_vectors = c->schema.n;
    for (size_t v = 0; v < ds->n_vectors; v++)
        ds->vectors[v].cases_with = 0;
    ds->block_rows = dataset_block_rows(memory_of(c) / 2, ds->n_vectors, ds->axis.n, ds->n_rows);
    c->n_done = 0;
    preview_choose(&c->preview, ds);
    hints_start(&c->hints, ds, c->a);
    return 0;
}

/* What it warned of is found again by the merge that follows. */
static void forget_merge(struct collect *c)
{
    c->report->n_warnings = c->report->n_more_warnings = 0;
    c->merge.said_doubles = false;
    if (c->torn)
        merge_warn(&c->merge, "the present summary.nc does not read back: all archives are read");
    outputs_destroy(c->outputs);
    c->outputs = NULL;
    taken_close(c->taken);
    c->taken = NULL;
    reset_rows(c);
}

static int merge_once(struct collect *c, bool *surprised, struct ds_err *err)
{
    int rc = lay_out(c, err);
    if (rc == 0 && !c->options->from_scratch && !c->merge.final && !c->torn)
        taken_open(c->store, c->prefix, c->dir, &c->ds, &c->taken);
    c->merge.taken_from = taken_from(c->taken);
    c->report->n_taken_over = taken_count(c->taken);
    if (rc == 0)
        rc = merge_run(&c->merge, on_begin, on_block, c, surprised, err);
    if (rc == 0 && *surprised)
        forget_merge(c);
    return rc;
}

static int merge_cases(struct collect *c, struct ds_err *err)
{
    bool found = false, surprised = false;
    int rc = merge_expect_first(&c->merge, &found, err);
    if (rc == 0 && !found)
        rc = merge_scan(&c->merge, err);
    if (rc == 0)
        rc = merge_once(c, &surprised, err);
    if (rc < 0 && c->torn) {
        forget_merge(c);
        rc = merge_once(c, &surprised, err);
    }
    if (rc == 0 && surprised) {
        rc = merge_scan(&c->merge, err);
        if (rc == 0)
            rc = merge_once(c, &surprised, err);
    }
    return rc;
}

/* ---- around it ---- */

static int make_scratch(struct collect *c, struct ds_err *err)
{
    const char *base = env_temporary_folder(c->options->scratch_dir);
    int n = snprintf(c->dir, sizeof c->dir - 64, "%s/decksweep-collect-XXXXXX", base);
    if (n < 0 || (size_t)n >= sizeof c->dir - 64)
        return ds_fail(err, DS_EINPUT, "the scratch folder has too long a name");
    if (!mkdtemp(c->dir)) {
        int sys = errno;
        c->dir[0] = '\0';
        return ds_fail_errno(err, DS_EIO, sys, "no scratch folder in %s (TMPDIR names another)",
                             base);
    }
    return 0;
}

static void remove_scratch(struct collect *c)
{
    struct ds_err err;
    if (c->dir[0] && fs_remove_tree_at(AT_FDCWD, c->dir, &err) < 0)
        merge_warn(&c->merge, "%s stays behind: %s", c->dir, err.text);
}

static int on_statistic(void *context)
{
    return tell(context, "statistics", NULL);
}

static void count_rows(struct collect *c)
{
    struct collect_report *r = c->report;
    r->n_rows = c->ds.n_rows;
    for (uint32_t row = 0; row < c->ds.n_rows; row++) {
        const struct dataset_row *x = &c->ds.rows[row];
        if (!*x->source) /* has not run, or its archive cannot be read */
            r->n_missing++;
        else if (x->verdict == VERDICT_OK)
            r->n_ok++;
        else
            r->n_failed++;
    }
    r->n_vectors = (uint32_t)c->ds.n_vectors;
    r->n_times = (uint32_t)c->ds.axis.n;
}

static int make_preview(struct collect *c, struct ds_err *err)
{
    ds_auto_buf text;
    buf_init(&text, (size_t)64 << 10);
    int rc = preview_put(&c->preview, &c->ds, c->a, &text, err);
    if (rc == 0)
        c->report->preview = arena_copy(c->report_arena, buf_span(&text));
    return rc;
}

static int give_hints(struct collect *c, struct ds_err *err)
{
    ds_auto_arena scratch = arena_create(ARENA_BYTES);
    ds_auto_buf text;
    buf_init(&text, (size_t)1 << 20);
    if (c->ds.axis.n > 0)
        hints_put_unmatched(&c->ds, c->options->what->vectors, c->options->what->n_vectors, &text);
    int rc = hints_put(&c->hints, &c->ds, scratch, &text, err);
    struct ds_span line, rest = buf_span(&text);
    while (rc == 0 && rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        if (line.len > 0)
            merge_warn(&c->merge, "%.*s", DS_FMT(line));
    }
    return rc;
}

/* A grid that counts from START need not meet the last report. */
static void warn_of_grid(struct collect *c)
{
    const struct dataset *ds = &c->ds;
    if (!align_misses_last(c->options->what, &ds->reports, &ds->axis))
        return;
    char last[24];
    units_format_date(ds->reports.at_s[ds->reports.n - 1], last);
    if (ds->axis.n == 0) {
        merge_warn(&c->merge,
                   "collect.times: the last report (%s) lies before the first time of the grid: "
                   "the dataset has no times; `times: report` has every report",
                   last);
        return;
    }
    char end[24];
    units_format_date(ds->axis.at_s[ds->axis.n - 1], end);
    merge_warn(&c->merge,
               "collect.times: the grid ends on %s, so the last report (%s) is not in the dataset; "
               "`times: report` has every report",
               end, last);
}

static void warn_of_times(struct collect *c)
{
    const struct dataset *ds = &c->ds;
    if (ds->axis.n > 0 && ds->axis.at_s[ds->axis.n - 1] > LAST_XARRAY_UNIX)
        merge_warn(&c->merge, "times go beyond the year 2262: xarray shows them as cftime objects, "
                              "pandas cannot hold them");
    if (ds->reports.n == 0)
        merge_warn(&c->merge, "no case has a report step: the dataset has no times");
    warn_of_grid(c);
}

static int write_dataset(struct collect *c, struct ds_err *err)
{
    int rc = merge_cases(c, err);
    if (rc < 0)
        return rc;
    rc = outputs_start_statistics(c->outputs, memory_of(c), on_statistic, c, err);
    if (rc == 0)
        rc = give_hints(c, err);
    if (rc < 0)
        return rc;
    warn_of_times(c);
    rc = outputs_finish(c->outputs, err);
    if (rc == 0)
        rc = tell(c, "writing", err);
    if (rc == 0)
        rc = outputs_publish(c->outputs, c->store, c->prefix, c->report, err);
    if (rc == 0)
        rc = make_preview(c, err);
    count_rows(c);
    return rc;
}

/* The caller's arena is not touched while two threads run: it may be in use. */
static void hand_over_warnings(struct collect *c)
{
    struct collect_report *r = c->report;
    for (size_t i = 0; i < r->n_warnings; i++) {
        r->warnings[i] = arena_copy(c->report_arena, r->warnings[i]);
        if (!r->warnings[i].ptr)
            r->warnings[i] = DS_SPAN("(no room for a warning)");
    }
}

static int collect_in(struct collect *c, const struct plan *p, const struct design *d,
                      struct ds_err *err)
{
    int rc = take_listing(c, d, err);
    if (rc == 0)
        rc = start_rows(c, err);
    if (rc == 0)
        rc = describe_what(c, err);
    if (rc < 0)
        return rc;
    if (c->n_archives == 0) {
        c->report->no_cases = true;
        count_rows(c);
        return 0;
    }
    schema_init(&c->schema, c->a);
    c->merge = (struct merge){.ds = &c->ds,
                              .schema = &c->schema,
                              .index = &c->index,
                              .what = c->options->what,
                              .a = c->a,
                              .report = c->report};
    c->merge.reader = case_reader_create(c->store, c->prefix, p, c->options->what);
    rc = merge_start(&c->merge, err);
    if (rc == 0)
        rc = make_scratch(c, err);
    if (rc == 0)
        rc = write_dataset(c, err);
    outputs_destroy(c->outputs);
    taken_close(c->taken);
    case_reader_destroy(c->merge.reader);
    remove_scratch(c);
    hand_over_warnings(c);
    return rc;
}

int collect_run(struct store *s, struct ds_span prefix, const struct plan *p,
                const struct design *d, const struct collect_options *options, struct ds_arena *a,
                struct collect_report *report, struct ds_err *err)
{
    ds_auto_arena own = arena_create(ARENA_BYTES);
    struct collect *c = ds_new(own, struct collect, 1);
    if (!c)
        abort();
    *report = (struct collect_report){.preview = DS_SPAN("")};
    *c = (struct collect){.store = s,
                          .prefix = prefix,
                          .options = options,
                          .report = report,
                          .a = own,
                          .report_arena = a,
                          .ds = {.plan = p,
                                 .design = d,
                                 .plan_digest = options->plan_digest,
                                 .created_unix_s = clock_unix_ms() / 1000,
                                 .n_rows = d->n_rows}};
    return collect_in(c, p, d, err);
}
