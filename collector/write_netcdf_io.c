/* SPDX-License-Identifier: GPL-3.0-or-later */
/* netCDF defines everything and closes the file; then HDF5 fills it with packed chunks and
 * what stands along case. */
#include "collector/write_netcdf_io.h"

#include "collector/hdf5_io.h"
#include "collector/netcdf_io.h"
#include "collector/pack_io.h"
#include "collector/write_rows_io.h"

#include <math.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>

struct summary_nc {
    const struct dataset *ds;
    char *path;
    int file; /* -1 not open in netCDF */
    struct ds_arena *a;
    const char **names;     /* of each vector's variable, as netCDF took it */
    struct hdf5_file *hdf5; /* NULL before netCDF is done */
    struct pack_pool *pool;
    struct chunk_place *place; /* [vector][block]; NULL once taken */
    size_t n_blocks;
};

static int define(struct summary_nc *w)
{
    const struct dataset *ds = w->ds;
    int dim_case = 0, dim_time = 0, var_time = 0;
    int rc = netcdf_file_attributes(w->file, ds, "Summary vectors of every case");
    rc = rc ? rc : nc_def_dim(w->file, "case", ds->n_rows, &dim_case);
    rc = rc ? rc : netcdf_define_time(w->file, ds, &dim_time, &var_time);
    rc = rc ? rc : rows_define(w->file, dim_case, ds);
    const int dims[2] = {dim_case, dim_time};
    const size_t chunk[2] = {ds->block_rows, ds->axis.n ? ds->axis.n : 1};
    for (size_t v = 0; rc == NC_NOERR && v < ds->n_vectors; v++) {
        char name[NC_MAX_NAME + 1];
        int var = 0;
        rc = netcdf_define_vector(w->file, &ds->vectors[v], NC_FLOAT, dims, chunk, &var);
        rc = rc ? rc : netcdf_int(w->file, var, "cases_with", 0); /* known at the end */
        rc = rc ? rc : nc_inq_varname(w->file, var, name);
        w->names[v] = rc ? NULL : arena_cstr(w->a, ds_span_of(name));
        rc = rc || w->names[v] ? rc : NC_ENOMEM;
    }
    rc = rc ? rc : nc_enddef(w->file);
    return rc ? rc : netcdf_put_time(w->file, var_time, ds);
}

static int close_netcdf(struct summary_nc *w)
{
    int status = w->file >= 0 ? nc_close(w->file) : NC_NOERR;
    w->file = -1;
    return status;
}

static int start_chunks(struct summary_nc *w, struct ds_err *err)
{
    size_t n = w->ds->block_rows * w->ds->axis.n;
    if (n > 0)
        w->pool = pack_pool_create(w->ds->block_rows, w->ds->axis.n);
    w->n_blocks = dataset_blocks(w->ds);
    w->place = calloc(w->ds->n_vectors * w->n_blocks + 1, sizeof *w->place);
    if (!w->place)
        abort();
    return hdf5_file_open(w->path, w->names, w->ds->n_vectors, &w->hdf5, err);
}

static int create(struct summary_nc *w, struct ds_err *err)
{
    int file = -1;
    int status = nc_create(w->path, netcdf_create_mode(w->ds), &file);
    if (status == NC_NOERR) {
        w->file = file;
        status = define(w);
        int closed = close_netcdf(w);
        status = status ? status : closed;
    }
    int rc = netcdf_check(status, w->path, "create", err);
    return rc == 0 ? start_chunks(w, err) : rc;
}

int summary_nc_create(const char *path, const struct dataset *ds, struct summary_nc **out,
                      struct ds_err *err)
{
    struct summary_nc *w = calloc(1, sizeof *w);
    const char **names = calloc(ds->n_vectors + 1, sizeof *names);
    char *copy = strdup(path);
    if (!w || !names || !copy)
        abort();
    *w = (struct summary_nc){
        .ds = ds, .path = copy, .file = -1, .names = names, .a = arena_create((size_t)64 << 20)};
    int rc = create(w, err);
    if (rc < 0) {
        summary_nc_abandon(w);
        return rc;
    }
    *out = w;
    return 0;
}

struct block {
    struct summary_nc *w;
    uint32_t first;
};

static int write_chunk(void *context, size_t v, const unsigned char *packed, size_t bytes,
                       struct ds_err *err)
{
    const struct block *b = context;
    struct summary_nc *w = b->w;
    struct chunk_place *place = &w->place[v * w->n_blocks + b->first / w->ds->block_rows];
    if (bytes == 0)
        return 0;
    int rc = hdf5_write_chunk(w->hdf5, v, b->first, packed, bytes, &place->at, err);
    if (rc == 0)
        place->bytes = (uint32_t)bytes; /* of a chunk of a few MB at most */
    return rc;
}

int summary_nc_put_block(struct summary_nc *w, uint32_t first, uint32_t n, const float *slab,
                         struct ds_err *err)
{
    struct block b = {w, first};
    if (!w->pool) /* no times */
        return 0;
    return pack_pool_run(w->pool, slab, w->ds->n_vectors, n, write_chunk, &b, err);
}

int summary_nc_finish(struct summary_nc *w, struct ds_err *err)
{
    int rc = rows_put(w->hdf5, w->ds, err);
    for (size_t v = 0; rc == 0 && v < w->ds->n_vectors; v++)
        rc = hdf5_set_attribute(w->hdf5, v, "cases_with", (int)w->ds->vectors[v].cases_with, err);
    return rc;
}

struct chunk_place *summary_nc_take_places(struct summary_nc *w)
{
    struct chunk_place *place = w->place;
    w->place = NULL;
    pack_pool_destroy(w->pool);
    w->pool = NULL;
    return place;
}

void summary_nc_abandon(struct summary_nc *w)
{
    if (!w)
        return;
    hdf5_file_abandon(w->hdf5);
    (void)close_netcdf(w);
    pack_pool_destroy(w->pool);
    arena_destroy(w->a);
    free(w->place);
    free(w->names);
    free(w->path);
    free(w);
}

int summary_nc_close(struct summary_nc *w, struct ds_err *err)
{
    struct hdf5_file *hdf5 = w->hdf5;
    w->hdf5 = NULL;
    int rc = hdf5_file_close(hdf5, err);
    summary_nc_abandon(w);
    return rc;
}
