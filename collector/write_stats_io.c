/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/netcdf_io.h"
#include "collector/stats.h"
#include "collector/write_netcdf_io.h"

#include <netcdf.h>
#include <stdlib.h>

struct stats_nc {
    const struct dataset *ds;
    const char *path;
    int file, dim_stat, dim_time, var_stat, var_time;
    int *var;
};

static int define(struct stats_nc *w)
{
    const struct dataset *ds = w->ds;
    int rc = netcdf_file_attributes(w->file, ds, "Statistics over the ok cases");
    rc = rc ? rc
            : netcdf_cstr(w->file, NC_GLOBAL, "comment",
                          "quantiles are named as quantiles: q10 is what the oil industry calls "
                          "P90 (low), q90 its P10; std has ddof 0; NaN values do not count");
    rc = rc ? rc : nc_def_dim(w->file, "stat", STAT_KINDS, &w->dim_stat);
    rc = rc ? rc : netcdf_define_time(w->file, ds, &w->dim_time, &w->var_time);
    rc = rc ? rc : nc_def_var(w->file, "stat", NC_STRING, 1, &w->dim_stat, &w->var_stat);
    rc = rc ? rc : netcdf_cstr(w->file, w->var_stat, "long_name", "statistic over the ok cases");
    const int dims[2] = {w->dim_stat, w->dim_time};
    const size_t chunk[2] = {STAT_KINDS, ds->axis.n ? ds->axis.n : 1};
    for (size_t v = 0; rc == NC_NOERR && v < ds->n_vectors; v++)
        rc = netcdf_define_vector(w->file, &ds->vectors[v], NC_DOUBLE, dims, chunk, &w->var[v]);
    return rc ? rc : nc_enddef(w->file);
}

static int put_all(struct stats_nc *w, statistics_next_f next, void *context, double *values,
                   struct ds_err *err)
{
    const struct dataset *ds = w->ds;
    const size_t start[2] = {0, 0}, count[2] = {STAT_KINDS, ds->axis.n};
    for (size_t v = 0; ds->axis.n > 0 && v < ds->n_vectors; v++) {
        int rc = next(context, v, values, err);
        if (rc < 0)
            return rc;
        rc = nc_put_vara_double(w->file, w->var[v], start, count, values);
        rc = netcdf_check(rc, w->path, ds->vectors[v].name, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_open(struct stats_nc *w, statistics_next_f next, void *context, double *values,
                      struct ds_err *err)
{
    int rc = netcdf_check(define(w), w->path, "create", err);
    if (rc < 0)
        return rc;
    const char *names[STAT_KINDS];
    for (size_t k = 0; k < STAT_KINDS; k++)
        names[k] = STAT_NAME[k];
    int status = nc_put_var_string(w->file, w->var_stat, names);
    status = status ? status : netcdf_put_time(w->file, w->var_time, w->ds);
    rc = netcdf_check(status, w->path, "write", err);
    return rc < 0 ? rc : put_all(w, next, context, values, err);
}

int statistics_nc_write(const char *path, const struct dataset *ds, statistics_next_f next,
                        void *context, struct ds_err *err)
{
    struct stats_nc w = {.ds = ds, .path = path, .file = -1};
    int rc = netcdf_check(nc_create(path, netcdf_create_mode(ds), &w.file), path, "create", err);
    if (rc < 0)
        return rc;
    w.var = calloc(ds->n_vectors + 1, sizeof *w.var);
    double *values = calloc(STAT_KINDS * (ds->axis.n + 1), sizeof *values);
    if (!w.var || !values)
        abort();
    rc = write_open(&w, next, context, values, err);
    int status = nc_close(w.file);
    if (rc == 0)
        rc = netcdf_check(status, path, "close", err);
    free(w.var);
    free(values);
    return rc;
}
