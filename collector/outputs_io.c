/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/outputs_io.h"

#include "base/fs_io.h"
#include "collector/csv.h"
#include "collector/stats_pass_io.h"
#include "collector/write_csv_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMATS         3u
#define PARAMETER_BATCH 4096u
#define HEADER_BYTES    ((size_t)64 << 20)

static const struct {
    enum csv_format format;
    const char *name;
} CSV[FORMATS] = {
    {CSV_PLAIN, "summary.csv"}, {CSV_GZ, "summary.csv.gz"}, {CSV_ZST, "summary.csv.zst"}};

struct outputs {
    const struct dataset *ds;
    const char *dir;
    struct summary_nc *nc;
    struct csv_file *csv[FORMATS];
    bool has_nc, has_csv[FORMATS], has_statistics;
    struct ds_arena *a; /* dates */
    const char *dates;
    struct chunk_place *place; /* of summary.nc, for the statistics */
    bool *take;                /* rows that count in them */
    char nc_path[4096], spool_path[4096];
    struct stats_pass *pass;
    float *gather; /* one case: [vector][time] */
    char *lines;
};

static char *file_path(const struct outputs *o, const char *name, char out[4096])
{
    (void)snprintf(out, 4096, "%s/%s", o->dir, name);
    return out;
}

static int start_csv(struct outputs *o, struct ds_err *err)
{
    const struct dataset *ds = o->ds;
    ds_auto_buf header;
    buf_init(&header, HEADER_BYTES);
    int rc = csv_put_summary_header(ds, &header, err);
    o->dates = csv_dates(&ds->axis, o->a);
    if (!o->dates)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu dates", ds->axis.n);
    o->gather = malloc(ds->n_vectors * ds->axis.n * sizeof(float) + 1);
    o->lines = malloc(csv_case_bytes(ds->n_vectors, ds->axis.n));
    if (!o->gather || !o->lines)
        abort();
    for (size_t i = 0; rc == 0 && i < FORMATS; i++) {
        char path[4096];
        if (!o->has_csv[i])
            continue;
        rc = csv_file_create(file_path(o, CSV[i].name, path), CSV[i].format, &o->csv[i], err);
        if (rc == 0)
            rc = csv_file_put(o->csv[i], header.data, header.len, err);
    }
    return rc;
}

int outputs_create(const char *dir, const struct dataset *ds, const struct sweep_collect *what,
                   struct outputs **out, struct ds_err *err)
{
    struct outputs *o = calloc(1, sizeof *o);
    if (!o)
        abort();
    *o = (struct outputs){.ds = ds,
                          .dir = dir,
                          .has_nc = what->netcdf,
                          .has_csv = {what->csv, what->csv_gz, what->csv_zst},
                          .a = arena_create((size_t)16 << 20)};
    char path[4096];
    int rc = 0;
    if (o->has_nc)
        rc = summary_nc_create(file_path(o, "summary.nc", path), ds, &o->nc, err);
    if (rc == 0 && (what->csv || what->csv_gz || what->csv_zst))
        rc = start_csv(o, err);
    if (rc < 0) {
        outputs_destroy(o);
        return rc;
    }
    *out = o;
    return 0;
}

void outputs_destroy(struct outputs *o)
{
    if (!o)
        return;
    stats_pass_end(o->pass);
    free(o->place);
    free(o->take);
    summary_nc_abandon(o->nc);
    for (size_t i = 0; i < FORMATS; i++)
        csv_file_abandon(o->csv[i]);
    arena_destroy(o->a);
    free(o->gather);
    free(o->lines);
    free(o);
}

/* Format a case once, for all formats. */
static int put_csv_case(struct outputs *o, uint32_t row, uint32_t i, uint32_t n, const float *slab,
                        struct ds_err *err)
{
    const struct dataset *ds = o->ds;
    size_t n_times = ds->axis.n;
    for (size_t v = 0; v < ds->n_vectors; v++)
        memcpy(o->gather + v * n_times, slab + (v * n + i) * n_times, n_times * sizeof(float));
    size_t len = csv_put_case(ds->design->number[row], o->gather, ds->n_vectors, n_times, n_times,
                              o->dates, o->lines);
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < FORMATS; k++)
        if (o->csv[k])
            rc = csv_file_put(o->csv[k], o->lines, len, err);
    return rc;
}

int outputs_put_block(struct outputs *o, uint32_t first, uint32_t n, const float *slab,
                      struct ds_err *err)
{
    int rc = o->nc ? summary_nc_put_block(o->nc, first, n, slab, err) : 0;
    for (uint32_t i = 0; rc == 0 && o->gather && i < n; i++)
        if (o->ds->rows[first + i].verdict != VERDICT_NONE)
            rc = put_csv_case(o, first + i, i, n, slab, err);
    return rc;
}

int outputs_start_statistics(struct outputs *o, size_t memory_bytes, int (*tick)(void *context),
                             void *context, struct ds_err *err)
{
    o->has_statistics = o->nc && o->ds->plan->method != DESIGN_ONE_AT_A_TIME;
    if (!o->has_statistics)
        return 0;
    o->take = calloc(o->ds->n_rows + 1, sizeof *o->take);
    if (!o->take)
        abort();
    for (uint32_t row = 0; row < o->ds->n_rows; row++)
        o->take[row] = o->ds->rows[row].verdict == VERDICT_OK;
    o->place = summary_nc_take_places(o->nc);
    struct stats_what what = {.ds = o->ds,
                              .path = file_path(o, "summary.nc", o->nc_path),
                              .spool_path = file_path(o, "spool", o->spool_path),
                              .place = o->place,
                              .take = o->take,
                              .memory_bytes = memory_bytes,
                              .tick = tick,
                              .context = context};
    return stats_pass_start(&what, &o->pass, err);
}

static int finish_nc(struct outputs *o, struct ds_err *err)
{
    char path[4096];
    int rc = summary_nc_finish(o->nc, err);
    if (rc < 0)
        return rc;
    struct summary_nc *nc = o->nc;
    o->nc = NULL;
    rc = summary_nc_close(nc, err);
    if (rc < 0 || !o->has_statistics)
        return rc;
    rc = statistics_nc_write(file_path(o, "statistics.nc", path), o->ds, stats_pass_next, o->pass,
                             err);
    stats_pass_end(o->pass);
    o->pass = NULL;
    return rc;
}

static int write_parameters(struct outputs *o, struct ds_err *err)
{
    char path[4096];
    struct csv_file *f = NULL;
    ds_auto_buf text;
    buf_init(&text, (size_t)1 << 30);
    ds_auto_arena scratch = arena_create((size_t)1 << 30);
    int rc = csv_file_create(file_path(o, "parameters.csv", path), CSV_PLAIN, &f, err);
    for (uint32_t first = 0; rc == 0 && first < o->ds->n_rows; first += PARAMETER_BATCH) {
        uint32_t left = o->ds->n_rows - first;
        arena_reset(scratch);
        buf_reset(&text);
        rc = csv_put_parameters(o->ds, first, left < PARAMETER_BATCH ? left : PARAMETER_BATCH,
                                scratch, &text, err);
        if (rc == 0)
            rc = csv_file_put(f, text.data, text.len, err);
    }
    if (rc == 0)
        return csv_file_close(f, err);
    csv_file_abandon(f);
    return rc;
}

int outputs_finish(struct outputs *o, struct ds_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < FORMATS; i++) {
        struct csv_file *f = o->csv[i];
        o->csv[i] = NULL;
        if (f)
            rc = csv_file_close(f, err);
    }
    if (rc == 0 && o->nc)
        rc = finish_nc(o, err);
    return rc == 0 ? write_parameters(o, err) : rc;
}

static int publish_one(struct outputs *o, const char *name, struct store *s, struct ds_span prefix,
                       struct collect_report *report, struct ds_err *err)
{
    char path[4096];
    ds_auto_fd fd = open(file_path(o, name, path), O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    struct collect_object *object = &report->objects[report->n_objects];
    int n = snprintf(object->key, sizeof object->key, "%.*sdataset/%s", DS_FMT(prefix), name);
    if (n < 0 || (size_t)n >= sizeof object->key)
        return ds_fail(err, DS_EINPUT, "the sweep's folder has too long a name");
    object->size_bytes = (uint64_t)st.st_size;
    struct store_body body = {.data = NULL, .fd = fd, .len = object->size_bytes, .given = true};
    int rc = store_put(s, object->key, body, err);
    if (rc < 0)
        return ds_wrap(err, "%s", object->key);
    report->n_objects++;
    (void)unlink(path); /* the store may have kept it; else two copies for as short as can be */
    return 0;
}

static int remove_statistics(struct store *s, struct ds_span prefix, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    int n = snprintf(key, sizeof key, "%.*sdataset/statistics.nc", DS_FMT(prefix));
    return n > 0 && (size_t)n < sizeof key ? store_remove(s, key, err) : 0;
}

int outputs_publish(struct outputs *o, struct store *s, struct ds_span prefix,
                    struct collect_report *report, struct ds_err *err)
{
    int rc = publish_one(o, "parameters.csv", s, prefix, report, err);
    for (size_t i = 0; rc == 0 && i < FORMATS; i++)
        if (o->has_csv[i])
            rc = publish_one(o, CSV[i].name, s, prefix, report, err);
    if (rc == 0 && o->has_statistics)
        rc = publish_one(o, "statistics.nc", s, prefix, report, err);
    else if (rc == 0 && o->has_nc)
        rc = remove_statistics(s, prefix, err);
    if (rc == 0 && o->has_nc)
        rc = publish_one(o, "summary.nc", s, prefix, report, err);
    return rc;
}
