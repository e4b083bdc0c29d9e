/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/write_netcdf_io.h"

#include "collector/netcdf_io.h"
#include "collector/write_rows_io.h"

#include <math.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>

struct summary_nc {
    const struct dataset *ds;
    char *path;
    int file; /* -1 closed */
    int dim_case, dim_time, var_time;
    int *var; /* of each vector */
};

static int define(struct summary_nc *w)
{
    const struct dataset *ds = w->ds;
    int rc = netcdf_file_attributes(w->file, ds, "Summary vectors of every case");
    rc = rc ? rc : nc_def_dim(w->file, "case", ds->n_rows, &w->dim_case);
    rc = rc ? rc : netcdf_define_time(w->file, ds, &w->dim_time, &w->var_time);
    rc = rc ? rc : rows_define(w->file, w->dim_case, ds);
    const int dims[2] = {w->dim_case, w->dim_time};
    const size_t chunk[2] = {ds->block_rows, ds->axis.n ? ds->axis.n : 1};
    for (size_t v = 0; rc == NC_NOERR && v < ds->n_vectors; v++) {
        rc = netcdf_define_vector(w->file, &ds->vectors[v], NC_FLOAT, dims, chunk, &w->var[v]);
        rc = rc ? rc : netcdf_int(w->file, w->var[v], "cases_with", 0); /* known at the end */
    }
    rc = rc ? rc : nc_enddef(w->file);
    return rc ? rc : netcdf_put_time(w->file, w->var_time, ds);
}

int summary_nc_create(const char *path, const struct dataset *ds, struct summary_nc **out,
                      struct ds_err *err)
{
    struct summary_nc *w = calloc(1, sizeof *w);
    int *var = calloc(ds->n_vectors + 1, sizeof *var);
    char *copy = strdup(path);
    if (!w || !var || !copy)
        abort();
    *w = (struct summary_nc){.ds = ds, .path = copy, .file = -1, .var = var};
    int file = -1;
    int rc = nc_create(path, netcdf_create_mode(ds), &file);
    if (rc == NC_NOERR) {
        w->file = file;
        rc = define(w);
    }
    rc = netcdf_check(rc, path, "create", err);
    if (rc < 0) {
        summary_nc_abandon(w);
        return rc;
    }
    *out = w;
    return 0;
}

static bool has_value(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            return true;
    return false;
}

int summary_nc_put_block(struct summary_nc *w, uint32_t first, uint32_t n, const float *slab,
                         struct ds_err *err)
{
    size_t n_times = w->ds->axis.n;
    const size_t start[2] = {first, 0}, count[2] = {n, n_times};
    for (size_t v = 0; n_times > 0 && v < w->ds->n_vectors; v++) {
        const float *values = slab + v * n * n_times;
        if (!has_value(values, n * n_times))
            continue;
        int rc = nc_put_vara_float(w->file, w->var[v], start, count, values);
        rc = netcdf_check(rc, w->path, w->ds->vectors[v].name, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int summary_nc_finish(struct summary_nc *w, struct ds_err *err)
{
    int rc = rows_put(w->file, w->ds);
    for (size_t v = 0; rc == NC_NOERR && v < w->ds->n_vectors; v++)
        rc = netcdf_int(w->file, w->var[v], "cases_with", (int)w->ds->vectors[v].cases_with);
    return netcdf_check(rc, w->path, "write what stands along case", err);
}

int summary_nc_read(struct summary_nc *w, size_t vector, size_t first_time, size_t n, float *out,
                    struct ds_err *err)
{
    const size_t start[2] = {0, first_time}, count[2] = {w->ds->n_rows, n};
    int rc = nc_get_vara_float(w->file, w->var[vector], start, count, out);
    return netcdf_check(rc, w->path, w->ds->vectors[vector].name, err);
}

void summary_nc_abandon(struct summary_nc *w)
{
    if (!w)
        return;
    if (w->file >= 0)
        (void)nc_close(w->file);
    free(w->var);
    free(w->path);
    free(w);
}

int summary_nc_close(struct summary_nc *w, struct ds_err *err)
{
    int status = nc_close(w->file);
    w->file = -1;
    int rc = netcdf_check(status, w->path, "close", err);
    summary_nc_abandon(w);
    return rc;
}
