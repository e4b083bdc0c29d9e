/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/netcdf_io.h"

#include "base/units.h"
#include "collector/hdf5_io.h"
#include "collector/names.h"

#include <errno.h>
#include <math.h>
#include <netcdf.h>
#include <stdio.h>

/* HDF5 keeps in each dimension scale the list of the variables it is attached to, and rewrites it
 * for each: 2,500 vectors waste 92 MB and double the time. netCDF and h5netcdf read files
 * without as well; so only small ones get the scales, for other readers' sake. */
#define MOST_ATTACHED 512u

int netcdf_create_mode(const struct dataset *ds)
{
    return NC_NETCDF4 | NC_CLOBBER | (ds->n_vectors > MOST_ATTACHED ? NC_NODIMSCALE_ATTACH : 0);
}

int netcdf_check(int status, const char *path, const char *what, struct ds_err *err)
{
    if (status == NC_NOERR)
        return 0;
    if (status == NC_EHDFERR && hdf5_disk_is_full(path))
        return ds_fail_errno(err, DS_ENOSPC, ENOSPC, "%s: %s", path, what);
    if (status > 0)
        return ds_fail_errno(err, DS_EIO, status, "%s: %s", path, what);
    return ds_fail(err, DS_EIO, "%s: %s: %s", path, what, nc_strerror(status));
}

int netcdf_text(int file, int var, const char *name, struct ds_span text)
{
    char clean[256];
    if (text.len == 0 || text.len > sizeof clean) /* long ones are our own */
        return nc_put_att_text(file, var, name, text.len, text.len ? text.ptr : "");
    memcpy(clean, text.ptr, text.len);
    names_clean(clean, text.len);
    return nc_put_att_text(file, var, name, text.len, clean);
}

int netcdf_cstr(int file, int var, const char *name, const char *text)
{
    return netcdf_text(file, var, name, ds_span_of(text));
}

int netcdf_int(int file, int var, const char *name, int value)
{
    return nc_put_att_int(file, var, name, NC_INT, 1, &value);
}

void netcdf_time_units(int64_t epoch_s, char out[NETCDF_TIME_UNITS_BYTES])
{
    char date[24];
    units_format_date(epoch_s, date);
    (void)snprintf(out, NETCDF_TIME_UNITS_BYTES, "seconds since %.10s %.8s", date, date + 11);
}

int netcdf_define_time(int file, const struct dataset *ds, int *dim, int *var)
{
    char units[NETCDF_TIME_UNITS_BYTES];
    netcdf_time_units(ds->epoch_s, units);
    /* netCDF knows no fixed dimension of length 0: an axis without times is unlimited */
    int rc = nc_def_dim(file, "time", ds->axis.n ? ds->axis.n : NC_UNLIMITED, dim);
    if (rc == NC_NOERR)
        rc = nc_def_var(file, "time", NC_INT64, 1, dim, var);
    if (rc == NC_NOERR)
        rc = netcdf_cstr(file, *var, "units", units);
    if (rc == NC_NOERR)
        rc = netcdf_cstr(file, *var, "calendar", "proleptic_gregorian");
    if (rc == NC_NOERR)
        rc = netcdf_cstr(file, *var, "standard_name", "time");
    if (rc == NC_NOERR)
        rc = netcdf_cstr(file, *var, "long_name", "simulated time");
    if (rc == NC_NOERR)
        rc = netcdf_cstr(file, *var, "axis", "T");
    return rc;
}

int netcdf_put_time(int file, int var, const struct dataset *ds)
{
    size_t start = 0, n = ds->axis.n;
    if (n == 0)
        return NC_NOERR;
    long long at[256];
    for (int rc = NC_NOERR; start < ds->axis.n; start += n) {
        n = ds->axis.n - start < DS_COUNT(at) ? ds->axis.n - start : DS_COUNT(at);
        for (size_t i = 0; i < n; i++)
            at[i] = (long long)(ds->axis.at_s[start + i] - ds->epoch_s);
        rc = nc_put_vara_longlong(file, var, &start, &n, at);
        if (rc != NC_NOERR)
            return rc;
    }
    return NC_NOERR;
}

int netcdf_file_attributes(int file, const struct dataset *ds, const char *title)
{
    const struct plan *p = ds->plan;
    char created[24], text[512];
    units_format_date(ds->created_unix_s, created);
    int rc = netcdf_cstr(file, NC_GLOBAL, "Conventions", "CF-1.10");
    (void)snprintf(text, sizeof text, "%s of sweep %.*s", title, DS_FMT(p->name));
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "title", text);
    (void)snprintf(text, sizeof text, "%.*s %.*s", DS_FMT(p->simulator),
                   DS_FMT(p->simulator_version));
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "source", text);
    (void)snprintf(text, sizeof text, "%s decksweep %s collect %.*s", created, DECKSWEEP_VERSION,
                   (int)(ds->what.len < 300 ? ds->what.len : 300), ds->what.ptr);
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "history", text);
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "created", created);
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "decksweep_version", DECKSWEEP_VERSION);
    rc = rc ? rc : netcdf_text(file, NC_GLOBAL, "sweep", p->name);
    rc = rc ? rc : netcdf_text(file, NC_GLOBAL, "deck", p->deck_name);
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "plan_digest", ds->plan_digest);
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "base_digest", p->base_digest);
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "design_method", design_method_name(p->method));
    rc = rc ? rc : netcdf_cstr(file, NC_GLOBAL, "unit_system", unit_system_name(ds->units));
    rc = rc ? rc : netcdf_text(file, NC_GLOBAL, "collected", ds->what);
    return rc;
}

/* A units text that xarray would take for a time or a duration is not written as it is. */
static struct ds_span harmless_units(struct ds_span unit, char upper[16])
{
    static const char *const DURATIONS[] = {"days", "hours", "minutes", "seconds"};
    for (size_t i = 0; i + 5 <= unit.len; i++)
        if (memcmp(unit.ptr + i, "since", 5) == 0)
            return DS_SPAN("");
    for (size_t i = 0; i < DS_COUNT(DURATIONS); i++) {
        if (!ds_span_is(unit, DURATIONS[i]))
            continue;
        for (size_t k = 0; k < unit.len; k++)
            upper[k] = (char)(unit.ptr[k] - 'a' + 'A');
        return (struct ds_span){upper, unit.len};
    }
    return unit;
}

/* "WBHP of well PROD", "BPR of block 10,10,3": the keyword, what kind, and the rest of the key */
static void long_name(const struct dataset_vector *v, char out[320])
{
    struct ds_span keyword, rest = ds_span_cut(v->key, ':', &keyword);
    const char *number = v->occurrence > 1 ? " (again)" : "";
    if (rest.len == 0)
        (void)snprintf(out, 320, "%.*s (%s)", (int)(keyword.len < 100 ? keyword.len : 100),
                       keyword.ptr, v->kind);
    else
        (void)snprintf(out, 320, "%.*s of %s %.*s%s", (int)(keyword.len < 100 ? keyword.len : 100),
                       keyword.ptr, v->kind, (int)(rest.len < 100 ? rest.len : 100), rest.ptr,
                       number);
}

static int vector_attributes(int file, int var, const struct dataset_vector *v)
{
    char upper[16];
    int rc = netcdf_text(file, var, "units", harmless_units(v->unit, upper));
    char name[320];
    long_name(v, name);
    rc = rc ? rc : netcdf_cstr(file, var, "long_name", name);
    rc = rc ? rc : netcdf_text(file, var, "keyword", v->keyword);
    if (v->wgname.len > 0)
        rc = rc ? rc : netcdf_text(file, var, "wgname", v->wgname);
    if (v->has_num)
        rc = rc ? rc : netcdf_int(file, var, "num", v->num);
    if (v->lgr.len > 0)
        rc = rc ? rc : netcdf_text(file, var, "lgr", v->lgr);
    rc = rc ? rc : netcdf_int(file, var, "is_rate", v->is_rate);
    rc = rc ? rc : netcdf_int(file, var, "is_total", v->is_total);
    rc = rc ? rc : netcdf_int(file, var, "is_history", v->is_history);
    return rc;
}

static int define_free_name(int file, const char *name, int type, const int dims[2], int *var)
{
    int rc = nc_def_var(file, name, type, 2, dims, var);
    for (unsigned i = 2; rc == NC_ENAMEINUSE && i < 1000; i++) {
        char other[NC_MAX_NAME + 1];
        (void)snprintf(other, sizeof other, "%.200s~%u", name, i);
        rc = nc_def_var(file, other, type, 2, dims, var);
    }
    return rc;
}

int netcdf_define_vector(int file, const struct dataset_vector *v, int type, const int dims[2],
                         const size_t chunk[2], int *var)
{
    const float none = NAN;
    const double none_double = NAN;
    int rc = define_free_name(file, v->name, type, dims, var);
    rc = rc ? rc : nc_def_var_chunking(file, *var, NC_CHUNKED, chunk);
    rc = rc ? rc : nc_set_var_chunk_cache(file, *var, 1, 1, 0.0f);
    rc = rc ? rc : nc_def_var_deflate(file, *var, 1, 1, NETCDF_DEFLATE_LEVEL);
    rc = rc ? rc
            : nc_def_var_fill(file, *var, NC_FILL,
                              type == NC_FLOAT ? (const void *)&none : (const void *)&none_double);
    return rc ? rc : vector_attributes(file, *var, v);
}
