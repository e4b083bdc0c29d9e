/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of columns: what each is called, means, and where in a row it comes from. Values
 * go out in batches, so that a sweep of any size needs one batch of memory. */
#include "collector/write_rows_io.h"

#include "base/buf.h"
#include "base/units.h"
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

static int put_batch(int file, int var, enum column_type type, size_t first, size_t n,
                     union batch *b)
{
    switch (type) {
    case COLUMN_TEXT:
        return nc_put_vara_string(file, var, &first, &n, b->text);
    case COLUMN_REAL:
        return nc_put_vara_double(file, var, &first, &n, b->real);
    case COLUMN_WHOLE:
    case COLUMN_FLAG:
        break;
    }
    return nc_put_vara_longlong(file, var, &first, &n, b->whole);
}

static int put_column(int file, const struct dataset *ds, const struct column *c, union batch *b)
{
    int var = 0;
    int rc = nc_inq_varid(file, c->name, &var);
    for (size_t first = 0; rc == NC_NOERR && first < ds->n_rows; first += BATCH) {
        size_t n = ds->n_rows - first < BATCH ? ds->n_rows - first : BATCH;
        for (size_t i = 0; i < n; i++) {
            const struct dataset_row *row = &ds->rows[first + i];
            if (c->type == COLUMN_TEXT)
                b->text[i] = c->text(row);
            else if (c->type == COLUMN_REAL)
                b->real[i] = row->wall_s;
            else
                b->whole[i] = c->whole(row);
        }
        rc = put_batch(file, var, c->type, first, n, b);
    }
    return rc;
}

static int put_numbers(int file, const struct dataset *ds, union batch *b)
{
    int var_case = 0, var_id = 0;
    int rc = nc_inq_varid(file, "case", &var_case);
    rc = rc ? rc : nc_inq_varid(file, "case_id", &var_id);
    char(*id)[CASE_ID_CHARS + 1] = calloc(BATCH, sizeof *id);
    if (!id)
        abort();
    for (size_t first = 0; rc == NC_NOERR && first < ds->n_rows; first += BATCH) {
        size_t n = ds->n_rows - first < BATCH ? ds->n_rows - first : BATCH;
        for (size_t i = 0; i < n; i++)
            b->whole[i] = ds->design->number[first + i];
        rc = put_batch(file, var_case, COLUMN_WHOLE, first, n, b);
        for (size_t i = 0; i < n; i++) {
            memcpy(id[i], ds->design->id[first + i].hex, CASE_ID_CHARS);
            b->text[i] = id[i];
        }
        rc = rc ? rc : put_batch(file, var_id, COLUMN_TEXT, first, n, b);
    }
    free(id);
    return rc;
}

/* The rows of one batch, decoded: cells[row][parameter], sens[row][2], all terminated. */
struct cells {
    struct ds_arena *arena;
    struct ds_span *cell;
    struct ds_span (*sens)[2];
    size_t n_params;
};

static int decode_rows(const struct dataset *ds, size_t first, size_t n, struct cells *c)
{
    arena_reset(c->arena);
    c->n_params = ds->design->n_params;
    c->cell = ds_new(c->arena, struct ds_span, n * c->n_params + 1);
    c->sens = arena_take(c->arena, n, sizeof *c->sens);
    if (!c->cell || !c->sens)
        return NC_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (design_row(ds->design, (uint32_t)(first + i), c->arena, c->cell + i * c->n_params,
                       c->sens[i], NULL)
            < 0)
            return NC_ENOMEM;
    return NC_NOERR;
}

static int put_texts(int file, const char *name, size_t first, size_t n, struct cells *c,
                     const struct ds_span *(*pick)(const struct cells *c, size_t row, size_t k),
                     size_t k, union batch *b)
{
    int var = 0;
    int rc = nc_inq_varid(file, name, &var);
    for (size_t i = 0; i < n; i++) {
        b->text[i] = arena_cstr(c->arena, *pick(c, i, k));
        if (!b->text[i])
            return NC_ENOMEM;
    }
    return rc ? rc : put_batch(file, var, COLUMN_TEXT, first, n, b);
}

static const struct ds_span *pick_cell(const struct cells *c, size_t row, size_t k)
{
    return &c->cell[row * c->n_params + k];
}

static const struct ds_span *pick_sens(const struct cells *c, size_t row, size_t k)
{
    return &c->sens[row][k];
}

static int put_numeric_param(int file, const char *name, size_t first, size_t n,
                             const struct cells *c, size_t k, union batch *b)
{
    int var = 0;
    int rc = nc_inq_varid(file, name, &var);
    for (size_t i = 0; i < n; i++)
        if (units_parse_double(*pick_cell(c, i, k), &b->real[i], NULL) < 0)
            b->real[i] = NAN;
    return rc ? rc : put_batch(file, var, COLUMN_REAL, first, n, b);
}

/* Rows are decoded once, one batch of them at a time. */
static int put_params(int file, const struct dataset *ds, union batch *b)
{
    ds_auto_arena arena = arena_create((size_t)256 << 20);
    struct cells c = {.arena = arena};
    int rc = NC_NOERR;
    for (size_t first = 0; rc == NC_NOERR && first < ds->n_rows; first += BATCH) {
        size_t n = ds->n_rows - first < BATCH ? ds->n_rows - first : BATCH;
        rc = decode_rows(ds, first, n, &c);
        for (size_t k = 0; rc == NC_NOERR && k < ds->plan->n_params && k < c.n_params; k++) {
            char name[NC_MAX_NAME];
            param_variable(&ds->plan->params[k], name);
            rc = ds->plan->params[k].is_number
                     ? put_numeric_param(file, name, first, n, &c, k, b)
                     : put_texts(file, name, first, n, &c, pick_cell, k, b);
        }
        if (rc == NC_NOERR && ds->design->has_sens) {
            rc = put_texts(file, "sensname", first, n, &c, pick_sens, 0, b);
            rc = rc ? rc : put_texts(file, "senscase", first, n, &c, pick_sens, 1, b);
        }
    }
    return rc;
}

int rows_put(int file, const struct dataset *ds)
{
    union batch *b = malloc(sizeof *b);
    if (!b)
        abort();
    int rc = put_numbers(file, ds, b);
    for (size_t i = 0; rc == NC_NOERR && i < DS_COUNT(COLUMNS); i++)
        rc = put_column(file, ds, &COLUMNS[i], b);
    rc = rc ? rc : put_params(file, ds, b);
    free(b);
    return rc;
}
