/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of columns: what each is called, means, and where in a row it comes from. Values
 * go out in batches, so that a sweep of any size needs one batch of memory. */
#include "collector/write_rows_io.h"

#include "base/buf.h"
#include "base/units.h"
#include "collector/names.h"
#include "collector/netcdf_io.h"

#include <math.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 1024u

enum column_type { COLUMN_TEXT, COLUMN_WHOLE, COLUMN_REAL, COLUMN_FLAG };

struct column {
    const char *name, *long_name, *units;
    enum column_type type;
    const char *(*text)(const struct dataset_row *row);
    long long (*whole)(const struct dataset_row *row);
};

static const char *text_verdict(const struct dataset_row *r)
{
    return verdict_name(r->verdict);
}
static const char *text_ended(const struct dataset_row *r)
{
    return r->ended;
}
static const char *text_reason(const struct dataset_row *r)
{
    return r->reason;
}
static const char *text_node(const struct dataset_row *r)
{
    return r->node;
}
static const char *text_version(const struct dataset_row *r)
{
    return r->simulator_version;
}
static const char *text_source(const struct dataset_row *r)
{
    return r->source;
}
static long long whole_attempt(const struct dataset_row *r)
{
    return r->attempt;
}
static long long whole_attempts(const struct dataset_row *r)
{
    return r->attempts;
}
static long long whole_altered(const struct dataset_row *r)
{
    return r->altered_args;
}
static long long whole_peak(const struct dataset_row *r)
{
    return r->peak_mem_bytes;
}
static long long whole_step(const struct dataset_row *r)
{
    return r->last_report_step;
}
static long long whole_chops(const struct dataset_row *r)
{
    return r->n_chops;
}
static long long whole_problems(const struct dataset_row *r)
{
    return r->n_problems;
}
static long long whole_source_bytes(const struct dataset_row *r)
{
    return r->source_bytes;
}
static long long whole_source_mtime(const struct dataset_row *r)
{
    return r->source_mtime_ms;
}
static long long whole_hash(const struct dataset_row *r)
{
    return (long long)r->values_hash;
}

static const struct column COLUMNS[] = {
    {"verdict", "what became of the case", NULL, COLUMN_TEXT, text_verdict, NULL},
    {"reason", "why it is not ok, in one line", NULL, COLUMN_TEXT, text_reason, NULL},
    {"ended", "how the simulator ended", NULL, COLUMN_TEXT, text_ended, NULL},
    {"attempt", "the attempt collected here, 0 none", NULL, COLUMN_WHOLE, NULL, whole_attempt},
    {"attempts", "attempts in the store", NULL, COLUMN_WHOLE, NULL, whole_attempts},
    {"altered_args", "ran with notConvergedArgs", NULL, COLUMN_FLAG, NULL, whole_altered},
    {"wall_s", "run time of the simulator", "s", COLUMN_REAL, NULL, NULL},
    {"peak_mem_bytes", "largest memory in use, -1 unknown", "byte", COLUMN_WHOLE, NULL, whole_peak},
    {"node", "machine it ran on", NULL, COLUMN_TEXT, text_node, NULL},
    {"simulator_version", "as the simulator reported it", NULL, COLUMN_TEXT, text_version, NULL},
    {"last_report_step", "last report step reached, -1 unknown", NULL, COLUMN_WHOLE, NULL,
     whole_step},
    {"n_chops", "time steps cut, -1 unknown", NULL, COLUMN_WHOLE, NULL, whole_chops},
    {"n_problems", "problems the simulator counted, -1 unknown", NULL, COLUMN_WHOLE, NULL,
     whole_problems},
    {"values_hash", "equal where all summary values are equal, 0 none", NULL, COLUMN_WHOLE, NULL,
     whole_hash},
    {"source_key", "the archive it was read from", NULL, COLUMN_TEXT, text_source, NULL},
    {"source_bytes", "size of that archive, -1 none", "byte", COLUMN_WHOLE, NULL,
     whole_source_bytes},
    {"source_mtime_ms", "unix time of that archive in the store in ms, -1 none", NULL, COLUMN_WHOLE,
     NULL, whole_source_mtime},
};

static int define_one(int file, int dim, const char *name, int type, const char *long_name,
                      int *var)
{
    int rc = nc_def_var(file, name, type, 1, &dim, var);
    return rc ? rc : netcdf_cstr(file, *var, "long_name", long_name);
}

static int define_column(int file, int dim, const struct column *c)
{
    static const int TYPE[] = {[COLUMN_TEXT] = NC_STRING,
                               [COLUMN_WHOLE] = NC_INT64,
                               [COLUMN_REAL] = NC_DOUBLE,
                               [COLUMN_FLAG] = NC_BYTE};
    int var = 0;
    int rc = define_one(file, dim, c->name, TYPE[c->type], c->long_name, &var);
    if (rc == NC_NOERR && c->units)
        rc = netcdf_cstr(file, var, "units", c->units);
    if (rc == NC_NOERR && c->type == COLUMN_FLAG)
        rc = netcdf_cstr(file, var, "dtype", "bool"); /* xarray's own mark of a bool */
    return rc;
}

static void param_variable(const struct plan_param *param, char out[NC_MAX_NAME])
{
    (void)snprintf(out, NC_MAX_NAME, "param_%.*s",
                   (int)(param->name.len < 200 ? param->name.len : 200), param->name.ptr);
}

/* Global attribute `coordinates`: xarray makes coordinates of them. */
static int define_coordinates(int file, const struct dataset *ds)
{
    ds_auto_buf text;
    buf_init(&text, (size_t)1 << 20);
    (void)buf_put_text(&text, "case_id verdict");
    for (size_t i = 0; i < ds->plan->n_params; i++) {
        char name[NC_MAX_NAME];
        param_variable(&ds->plan->params[i], name);
        (void)buf_printf(&text, " %s", name);
    }
    return netcdf_text(file, NC_GLOBAL, "coordinates", buf_span(&text));
}

int rows_define(int file, int dim_case, const struct dataset *ds)
{
    int var = 0;
    int rc = define_one(file, dim_case, "case", NC_INT, "case number of the design (REAL)", &var);
    rc = rc ? rc : define_one(file, dim_case, "case_id", NC_STRING, "identity of the case", &var);
    for (size_t i = 0; rc == NC_NOERR && i < DS_COUNT(COLUMNS); i++)
        rc = define_column(file, dim_case, &COLUMNS[i]);
    for (size_t i = 0; rc == NC_NOERR && i < ds->plan->n_params; i++) {
        const struct plan_param *param = &ds->plan->params[i];
        char name[NC_MAX_NAME];
        param_variable(param, name);
        rc = define_one(file, dim_case, name, param->is_number ? NC_DOUBLE : NC_STRING,
                        param->is_files ? "parameter (file of the deck)" : "parameter", &var);
    }
    if (rc == NC_NOERR && ds->design->has_sens) {
        rc = define_one(file, dim_case, "sensname", NC_STRING, "parameter that was moved", &var);
        rc = rc ? rc
                : define_one(file, dim_case, "senscase", NC_STRING, "where it was moved to", &var);
    }
    return rc ? rc : define_coordinates(file, ds);
}

union batch {
    const char *text[BATCH];
    long long whole[BATCH];
    double real[BATCH];
};

struct rows_writer {
    struct hdf5_file *file;
    const struct dataset *ds;
    union batch *batch;
    struct ds_err *err;
};

static int put_batch(struct rows_writer *w, const char *name, enum column_type type, size_t first,
                     size_t n)
{
    static const enum hdf5_type TYPE[] = {[COLUMN_TEXT] = HDF5_TEXT,
                                          [COLUMN_WHOLE] = HDF5_WHOLE,
                                          [COLUMN_REAL] = HDF5_REAL,
                                          [COLUMN_FLAG] = HDF5_WHOLE};
    return hdf5_write_rows(w->file, name, TYPE[type], first, n, w->batch, w->err);
}

static int put_column(struct rows_writer *w, const struct column *c)
{
    int rc = 0;
    for (size_t first = 0; rc == 0 && first < w->ds->n_rows; first += BATCH) {
        size_t n = w->ds->n_rows - first < BATCH ? w->ds->n_rows - first : BATCH;
        for (size_t i = 0; i < n; i++) {
            const struct dataset_row *row = &w->ds->rows[first + i];
            if (c->type == COLUMN_TEXT)
                w->batch->text[i] = c->text(row);
            else if (c->type == COLUMN_REAL)
                w->batch->real[i] = row->wall_s;
            else
                w->batch->whole[i] = c->whole(row);
        }
        rc = put_batch(w, c->name, c->type, first, n);
    }
    return rc;
}

static int put_numbers(struct rows_writer *w)
{
    const struct design *d = w->ds->design;
    char(*id)[CASE_ID_CHARS + 1] = calloc(BATCH, sizeof *id);
    if (!id)
        abort();
    int rc = 0;
    for (size_t first = 0; rc == 0 && first < w->ds->n_rows; first += BATCH) {
        size_t n = w->ds->n_rows - first < BATCH ? w->ds->n_rows - first : BATCH;
        for (size_t i = 0; i < n; i++)
            w->batch->whole[i] = d->number[first + i];
        rc = put_batch(w, "case", COLUMN_WHOLE, first, n);
        for (size_t i = 0; i < n; i++) {
            memcpy(id[i], d->id[first + i].hex, CASE_ID_CHARS);
            w->batch->text[i] = id[i];
        }
        rc = rc ? rc : put_batch(w, "case_id", COLUMN_TEXT, first, n);
    }
    free(id);
    return rc;
}

/* The rows of one batch, decoded: cells[row][parameter], sens[row][2]. */
struct cells {
    struct ds_arena *arena;
    struct ds_span *cell;
    struct ds_span (*sens)[2];
    size_t n_params;
};

static int decode_rows(const struct rows_writer *w, size_t first, size_t n, struct cells *c)
{
    const struct design *d = w->ds->design;
    arena_reset(c->arena);
    c->n_params = d->n_params;
    c->cell = ds_new(c->arena, struct ds_span, n * c->n_params + 1);
    c->sens = arena_take(c->arena, n, sizeof *c->sens);
    if (!c->cell || !c->sens)
        return ds_fail(w->err, DS_ETOOBIG, "no room for %zu rows of the design", n);
    for (size_t i = 0; i < n; i++) {
        int rc = design_row(d, (uint32_t)(first + i), c->arena, c->cell + i * c->n_params,
                            d->has_sens ? c->sens[i] : NULL, w->err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int put_texts(struct rows_writer *w, const char *name, size_t first, size_t n,
                     const struct ds_span *text, size_t stride, struct ds_arena *a)
{
    for (size_t i = 0; i < n; i++) {
        char *copy = arena_cstr(a, text[i * stride]);
        if (!copy)
            return ds_fail(w->err, DS_ETOOBIG, "no room for %zu rows of the design", n);
        names_clean(copy, text[i * stride].len);
        w->batch->text[i] = copy;
    }
    return put_batch(w, name, COLUMN_TEXT, first, n);
}

static int put_param(struct rows_writer *w, size_t k, size_t first, size_t n, struct cells *c)
{
    char name[NC_MAX_NAME];
    param_variable(&w->ds->plan->params[k], name);
    if (!w->ds->plan->params[k].is_number)
        return put_texts(w, name, first, n, c->cell + k, c->n_params, c->arena);
    for (size_t i = 0; i < n; i++)
        if (units_parse_double(c->cell[i * c->n_params + k], &w->batch->real[i], NULL) < 0)
            w->batch->real[i] = NAN;
    return put_batch(w, name, COLUMN_REAL, first, n);
}

/* Rows are decoded once, one batch of them at a time. */
static int put_params(struct rows_writer *w)
{
    const struct dataset *ds = w->ds;
    ds_auto_arena arena = arena_create((size_t)1 << 30);
    struct cells c = {.arena = arena};
    int rc = 0;
    for (size_t first = 0; rc == 0 && first < ds->n_rows; first += BATCH) {
        size_t n = ds->n_rows - first < BATCH ? ds->n_rows - first : BATCH;
        rc = decode_rows(w, first, n, &c);
        for (size_t k = 0; rc == 0 && k < ds->plan->n_params && k < c.n_params; k++)
            rc = put_param(w, k, first, n, &c);
        if (rc == 0 && ds->design->has_sens) {
            rc = put_texts(w, "sensname", first, n, &c.sens[0][0], 2, arena);
            rc = rc ? rc : put_texts(w, "senscase", first, n, &c.sens[0][1], 2, arena);
        }
    }
    return rc;
}

int rows_put(struct hdf5_file *file, const struct dataset *ds, struct ds_err *err)
{
    union batch *b = malloc(sizeof *b);
    if (!b)
        abort();
    struct rows_writer w = {file, ds, b, err};
    int rc = put_numbers(&w);
    for (size_t i = 0; rc == 0 && i < DS_COUNT(COLUMNS); i++)
        rc = put_column(&w, &COLUMNS[i]);
    rc = rc ? rc : put_params(&w);
    free(b);
    return rc;
}
