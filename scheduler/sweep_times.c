/* SPDX-License-Identifier: GPL-3.0-or-later */
/* collect.times and collect.formats, also as the command line gives them. */
#include "base/buf.h"
#include "base/units.h"
#include "sweep_reader.h"

#include <stdlib.h>

#define MAX_DATES       20000u
#define MAX_TIMES_BYTES (512u << 10)

static int compare_dates(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Ascending and each once. */
static size_t sort_dates(int64_t *dates, size_t n)
{
    size_t kept = 0;
    qsort(dates, n, sizeof *dates, compare_dates);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || dates[kept - 1] != dates[i])
            dates[kept++] = dates[i];
    return kept;
}

static void take_dates(struct sweep_reader *r, const char *path, const struct yaml_node *node)
{
    struct sweep_collect *c = &r->out->collect;
    if (node->kind != YAML_LIST || node->n == 0 || node->n > MAX_DATES) {
        reader_bad(r, pos_of(node), "%s.dates: write a list of 1 to %u dates: [2030-12-31]", path,
                   MAX_DATES);
        return;
    }
    int64_t *dates = reader_take(r, node->n, sizeof *dates);
    size_t n = 0;
    for (const struct yaml_node *d = node->first; d && dates; d = d->next) {
        struct ds_err err;
        struct ds_span text;
        if (!reader_text(r, path, d, &text))
            continue;
        if (units_parse_date(text, &dates[n], &err) < 0)
            reader_bad(r, pos_of(d), "%s.dates: %s", path, err.text);
        else
            n++;
    }
    c->times = TIMES_DATES;
    c->dates = dates;
    c->n_dates = dates ? sort_dates(dates, n) : 0;
}

static void take_every(struct sweep_reader *r, const char *path, const struct yaml_node *node)
{
    struct ds_err err;
    struct ds_span text;
    uint64_t ms;
    if (!reader_text(r, path, node, &text))
        return;
    if (units_parse_duration(text, &ms, &err) < 0)
        reader_bad(r, pos_of(node), "%s.every: %s", path, err.text);
    else if (ms < 1000 || ms % 1000 != 0)
        reader_bad(r, pos_of(node), "%s.every: %.*s; write whole seconds, at least 1s, as 30d",
                   path, DS_FMT(text));
    else
        r->out->collect.every_s = (int64_t)(ms / 1000);
    r->out->collect.times = TIMES_EVERY;
}

static void take_word(struct sweep_reader *r, const char *path, const struct yaml_node *node)
{
    static const struct ds_span WORDS[] = {{"report", 6}, {"monthly", 7}, {"yearly", 6}};
    static const enum collect_times TIMES[] = {TIMES_REPORT, TIMES_MONTHLY, TIMES_YEARLY};
    size_t which = word_place(node->text, WORDS, DS_COUNT(WORDS));
    if (which < DS_COUNT(WORDS)) {
        r->out->collect.times = TIMES[which];
        return;
    }
    char near[NEAREST_BYTES];
    nearest_word(node->text, WORDS, DS_COUNT(WORDS), near);
    reader_bad(r, pos_of(node),
               "%s: '%.*s'%s; write report, monthly, yearly, {every: 30d} or {dates: "
               "[2030-12-31]}",
               path, (int)(node->text.len > 60 ? 60 : node->text.len), node->text.ptr, near);
}

void apply_times(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR) {
        take_word(r, k->path, node);
        return;
    }
    const struct yaml_node *every = yaml_get(node, "every"), *dates = yaml_get(node, "dates");
    if (node->kind != YAML_MAP || node->n != 1 || (!every && !dates)) {
        reader_bad(r, pos_of(node),
                   "%s: write report, monthly, yearly, {every: 30d} or {dates: [2030-12-31]}",
                   k->path);
        return;
    }
    if (every)
        take_every(r, k->path, every);
    else
        take_dates(r, k->path, dates);
}

/* The command line's text as a sweep file's value, read by the same applier. */
static int read_value(struct ds_span text, const char *name, sweep_apply_f apply,
                      struct ds_arena *a, struct sweep *into, struct ds_err *err)
{
    struct yaml_node *root = NULL;
    int rc = yaml_parse(text, MAX_TIMES_BYTES, a, &root, NULL, err);
    if (rc < 0 || yaml_is_null(root))
        return ds_fail(err, DS_EINPUT, "%s: '%.*s' cannot be read", name,
                       (int)(text.len > 100 ? 100 : text.len), text.ptr);
    struct sweep_problems *problems = ds_new(a, struct sweep_problems, 1);
    if (!problems)
        return ds_fail(err, DS_ETOOBIG, "%s: too long", name);
    struct sweep_reader r = {.a = a, .out = into, .problems = problems};
    const struct sweep_key key = {.path = name};
    apply(&r, &key, root);
    if (problems->n > 0)
        return ds_fail(err, DS_EINPUT, "%s", problems->at[0].text);
    return r.full ? ds_fail(err, DS_ETOOBIG, "%s: too long", name) : 0;
}

/* "30d" -> "every: 30d"; "2020-01-01,2021-01-01" -> "dates: [...]": what begins with a digit. */
static bool put_shorthand(struct ds_span t, struct ds_buf *out)
{
    if (t.len == 0 || t.ptr[0] < '0' || t.ptr[0] > '9')
        return false;
    if (memchr(t.ptr, '-', t.len))
        (void)buf_printf(out, "dates: [%.*s]", DS_FMT(t));
    else
        (void)buf_printf(out, "every: %.*s", DS_FMT(t));
    return true;
}

/* "every=30d" -> "every: 30d"; "dates=2020-01-01,2021-01-01" -> "dates: [...]". */
static void put_as_yaml(struct ds_span text, struct ds_buf *out)
{
    struct ds_span head, t = ds_span_trim(text);
    if (put_shorthand(t, out))
        return;
    struct ds_span rest = ds_span_cut(t, '=', &head);
    if (head.len == t.len)
        rest = ds_span_cut(t, ':', &head);
    rest = ds_span_trim(rest);
    if (head.len == t.len) {
        (void)buf_put_span(out, t);
        return;
    }
    bool list = ds_span_is(head, "dates") && !ds_span_starts(rest, "[");
    (void)buf_printf(out, "%.*s: %s%.*s%s", DS_FMT(head), list ? "[" : "", DS_FMT(rest),
                     list ? "]" : "");
}

int sweep_parse_times(struct ds_span text, struct ds_arena *a, struct sweep_collect *out,
                      struct ds_err *err)
{
    ds_auto_buf yaml;
    struct sweep value = {0};
    buf_init(&yaml, MAX_TIMES_BYTES);
    put_as_yaml(text, &yaml);
    int rc = read_value(buf_span(&yaml), "times", apply_times, a, &value, err);
    if (rc < 0)
        return rc;
    out->times = value.collect.times;
    out->every_s = value.collect.every_s;
    out->dates = value.collect.dates;
    out->n_dates = value.collect.n_dates;
    return 0;
}

int sweep_parse_formats(struct ds_span text, struct sweep_collect *out, struct ds_err *err)
{
    ds_auto_buf yaml;
    ds_auto_arena a = arena_create(1u << 20);
    struct sweep value = {0};
    struct ds_span t = ds_span_trim(text);
    buf_init(&yaml, 4096);
    (void)buf_printf(&yaml, ds_span_starts(t, "[") ? "%.*s" : "[%.*s]", DS_FMT(t));
    int rc = read_value(buf_span(&yaml), "formats", apply_formats, a, &value, err);
    if (rc < 0)
        return rc;
    out->netcdf = value.collect.netcdf;
    out->csv = value.collect.csv;
    out->csv_gz = value.collect.csv_gz;
    out->csv_zst = value.collect.csv_zst;
    return 0;
}
