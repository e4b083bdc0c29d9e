/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/take_io.h"

#include "base/fs_io.h"
#include "collector/netcdf_io.h"

#include <fcntl.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COPY_BYTES     ((size_t)1 << 20)
#define MAX_TEXT_BYTES ((size_t)1 << 20)
#define GAP_ROWS       64u /* old rows between two wanted ones that are read along */

struct taken {
    struct dataset *ds;
    char path[4096];
    int file;
    uint32_t n_old; /* rows of the old file */
    uint32_t *from; /* of each row of ds */
    uint32_t n_taken;
    int *var;    /* of each vector */
    float *rows; /* buffer: old rows of one vector */
    size_t room; /* of rows, in values */
    struct ds_arena *a;
};

/* ---- is it the file that we would write? ---- */

static bool text_is(int file, int var, const char *name, struct ds_span want)
{
    size_t n = 0;
    if (nc_inq_attlen(file, var, name, &n) != NC_NOERR || n != want.len || n > MAX_TEXT_BYTES)
        return false;
    char *text = malloc(n + 1);
    if (!text)
        abort();
    bool same = nc_get_att_text(file, var, name, text) == NC_NOERR
                && (n == 0 || memcmp(text, want.ptr, n) == 0);
    free(text);
    return same;
}

static bool same_settings(const struct taken *t)
{
    const struct dataset *ds = t->ds;
    return text_is(t->file, NC_GLOBAL, "collected", ds->what)
           && text_is(t->file, NC_GLOBAL, "decksweep_version", DS_SPAN(DECKSWEEP_VERSION))
           && text_is(t->file, NC_GLOBAL, "unit_system", ds_span_of(unit_system_name(ds->units)));
}

/* A variable of the old file over this dimension alone, or -1: what is read whole has room for so
 * many values and no more. */
static int find_column(const struct taken *t, const char *name, const char *dimension)
{
    int var = 0, n_dims = 0, dim = 0, want = 0;
    bool fits = nc_inq_varid(t->file, name, &var) == NC_NOERR
                && nc_inq_varndims(t->file, var, &n_dims) == NC_NOERR && n_dims == 1
                && nc_inq_vardimid(t->file, var, &dim) == NC_NOERR
                && nc_inq_dimid(t->file, dimension, &want) == NC_NOERR && dim == want;
    return fits ? var : -1;
}

static bool same_axis(const struct taken *t)
{
    const struct dataset *ds = t->ds;
    char units[NETCDF_TIME_UNITS_BYTES];
    int dim = 0, var = find_column(t, "time", "time");
    size_t n = 0;
    netcdf_time_units(ds->epoch_s, units);
    if (var < 0 || nc_inq_dimid(t->file, "time", &dim) != NC_NOERR
        || nc_inq_dimlen(t->file, dim, &n) != NC_NOERR || n != ds->axis.n
        || !text_is(t->file, var, "units", ds_span_of(units)))
        return false;
    long long *at = calloc(n + 1, sizeof *at);
    if (!at)
        abort();
    bool same = nc_get_var_longlong(t->file, var, at) == NC_NOERR;
    for (size_t i = 0; same && i < n; i++)
        same = at[i] == (long long)(ds->axis.at_s[i] - ds->epoch_s);
    free(at);
    return same;
}

/* Exactly ds's vectors, with their dimensions. */
static bool same_vectors(struct taken *t)
{
    const struct dataset *ds = t->ds;
    int dim_case = 0, dim_time = 0, n_vars = 0;
    size_t n_vectors = 0;
    if (nc_inq_dimid(t->file, "case", &dim_case) != NC_NOERR
        || nc_inq_dimid(t->file, "time", &dim_time) != NC_NOERR
        || nc_inq_nvars(t->file, &n_vars) != NC_NOERR)
        return false;
    for (int var = 0; var < n_vars; var++) {
        int n_dims = 0;
        n_vectors += nc_inq_varndims(t->file, var, &n_dims) == NC_NOERR && n_dims == 2;
    }
    if (n_vectors != ds->n_vectors)
        return false;
    for (size_t v = 0; v < ds->n_vectors; v++) {
        int dims[NC_MAX_VAR_DIMS], n_dims = 0;
        nc_type type = NC_NAT;
        if (nc_inq_varid(t->file, ds->vectors[v].name, &t->var[v]) != NC_NOERR
            || nc_inq_varndims(t->file, t->var[v], &n_dims) != NC_NOERR || n_dims != 2
            || nc_inq_var(t->file, t->var[v], NULL, &type, NULL, dims, NULL) != NC_NOERR
            || type != NC_FLOAT || dims[0] != dim_case || dims[1] != dim_time
            || nc_set_var_chunk_cache(t->file, t->var[v], 1, 1, 0.0f) != NC_NOERR)
            return false;
    }
    return true;
}

/* ---- rows ---- */

static const char *keep_text(struct taken *t, const char *text)
{
    if (!text || !*text)
        return "";
    char *kept = arena_cstr(t->a, ds_span_of(text));
    return kept ? kept : "";
}

/* One column of text of the old file, n_old pointers; NULL: it is not there. nc_free_string. */
static char **read_texts(const struct taken *t, const char *name)
{
    int var = find_column(t, name, "case");
    nc_type type = NC_NAT;
    if (var < 0 || nc_inq_vartype(t->file, var, &type) != NC_NOERR || type != NC_STRING)
        return NULL;
    char **texts = calloc(t->n_old + 1, sizeof *texts);
    if (!texts)
        abort();
    if (nc_get_var_string(t->file, var, texts) != NC_NOERR) {
        free(texts);
        return NULL;
    }
    return texts;
}

static void free_texts(const struct taken *t, char **texts)
{
    if (texts)
        (void)nc_free_string(t->n_old, texts);
    free(texts);
}

static uint32_t hash_text(const char *text)
{
    uint32_t h = ds_span_hash(ds_span_of(text));
    return h ^ h >> 15;
}

/* One column of whole numbers of the old file; NULL: it is not there. gives: free. */
static long long *read_wholes(const struct taken *t, const char *name)
{
    int var = find_column(t, name, "case");
    if (var < 0)
        return NULL;
    long long *wholes = calloc(t->n_old + 1, sizeof *wholes);
    if (!wholes)
        abort();
    if (nc_get_var_longlong(t->file, var, wholes) == NC_NOERR)
        return wholes;
    free(wholes);
    return NULL;
}

/* Leave out rows whose archive was torn, replaced or touched since. */
static bool drop_changed(struct taken *t)
{
    long long *bytes = read_wholes(t, "source_bytes"), *mtime = read_wholes(t, "source_mtime_ms");
    for (uint32_t row = 0; bytes && mtime && row < t->ds->n_rows; row++) {
        const struct dataset_row *now = &t->ds->rows[row];
        uint32_t old = t->from[row];
        if (old == MERGE_NOT_TAKEN
            || (bytes[old] == now->source_bytes && mtime[old] == now->source_mtime_ms))
            continue;
        t->from[row] = MERGE_NOT_TAKEN;
        t->n_taken--;
    }
    bool known = bytes && mtime;
    free(bytes);
    free(mtime);
    return known && t->n_taken > 0;
}

/* Match rows by source_key: open addressing over the old file's keys. */
static bool match_rows(struct taken *t)
{
    char **keys = read_texts(t, "source_key");
    uint32_t size = 16;
    while (size < 2 * t->n_old)
        size *= 2;
    uint32_t *table = calloc(size, sizeof *table);
    if (!table)
        abort();
    for (uint32_t i = 0; keys && i < t->n_old; i++) {
        if (!keys[i] || !*keys[i])
            continue;
        uint32_t at = hash_text(keys[i]) & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = i + 1;
    }
    for (uint32_t row = 0; row < t->ds->n_rows; row++) {
        const char *want = t->ds->rows[row].source;
        t->from[row] = MERGE_NOT_TAKEN;
        if (!keys || !*want)
            continue;
        uint32_t at = hash_text(want) & (size - 1);
        while (table[at] && strcmp(keys[table[at] - 1], want) != 0)
            at = (at + 1) & (size - 1);
        if (table[at]) {
            t->from[row] = table[at] - 1;
            t->n_taken++;
        }
    }
    free(table);
    free_texts(t, keys);
    return t->n_taken > 0;
}

static bool take_texts(struct taken *t, const char *name, size_t offset)
{
    char **texts = read_texts(t, name);
    for (uint32_t row = 0; texts && row < t->ds->n_rows; row++)
        if (t->from[row] != MERGE_NOT_TAKEN) {
            const char *kept = keep_text(t, texts[t->from[row]]);
            memcpy((char *)&t->ds->rows[row] + offset, &kept, sizeof kept);
        }
    free_texts(t, texts);
    return texts != NULL;
}

/* Of fields of 64 bits without a fraction. */
static bool take_wholes(struct taken *t, const char *name, size_t offset)
{
    long long *wholes = read_wholes(t, name);
    for (uint32_t row = 0; wholes && row < t->ds->n_rows; row++)
        if (t->from[row] != MERGE_NOT_TAKEN)
            memcpy((char *)&t->ds->rows[row] + offset, &wholes[t->from[row]], sizeof *wholes);
    bool known = wholes != NULL;
    free(wholes);
    return known;
}

static bool take_attempts(struct taken *t)
{
    long long *attempt = read_wholes(t, "attempt"), *altered = read_wholes(t, "altered_args");
    for (uint32_t row = 0; attempt && altered && row < t->ds->n_rows; row++) {
        uint32_t old = t->from[row];
        if (old == MERGE_NOT_TAKEN)
            continue;
        bool fits = attempt[old] > 0 && attempt[old] < UINT32_MAX;
        t->ds->rows[row].attempt = fits ? (uint32_t)attempt[old] : 0;
        t->ds->rows[row].altered_args = altered[old] != 0;
    }
    bool known = attempt && altered;
    free(attempt);
    free(altered);
    return known;
}

static bool take_walls(struct taken *t)
{
    int var = find_column(t, "wall_s", "case");
    if (var < 0)
        return false;
    double *walls = calloc(t->n_old + 1, sizeof *walls);
    if (!walls)
        abort();
    bool known = nc_get_var_double(t->file, var, walls) == NC_NOERR;
    for (uint32_t row = 0; known && row < t->ds->n_rows; row++)
        if (t->from[row] != MERGE_NOT_TAKEN)
            t->ds->rows[row].wall_s = walls[t->from[row]];
    free(walls);
    return known;
}

#define FIELD(name) #name, offsetof(struct dataset_row, name)

static bool take_columns(struct taken *t)
{
    return take_texts(t, FIELD(reason)) && take_texts(t, FIELD(ended)) && take_texts(t, FIELD(node))
           && take_texts(t, FIELD(simulator_version)) && take_attempts(t) && take_walls(t)
           && take_wholes(t, FIELD(peak_mem_bytes)) && take_wholes(t, FIELD(last_report_step))
           && take_wholes(t, FIELD(n_chops)) && take_wholes(t, FIELD(n_problems))
           && take_wholes(t, FIELD(values_hash));
}

/* ---- the file ---- */

static int copy_object(struct store *s, const char *key, const char *path, struct ds_err *err)
{
    struct store_object *o = NULL;
    uint64_t size = 0;
    int rc = store_object_open(s, key, &o, &size, err);
    if (rc < 0)
        return rc;
    ds_auto_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char *buffer = malloc(COPY_BYTES);
    if (!buffer)
        abort();
    rc = fd < 0 ? ds_fail(err, DS_EIO, "%s", path) : 0;
    for (uint64_t at = 0; rc == 0 && at < size; at += COPY_BYTES) {
        size_t n = size - at < COPY_BYTES ? (size_t)(size - at) : COPY_BYTES;
        rc = store_object_read(o, at, buffer, n, err);
        if (rc == 0)
            rc = fs_write_all(fd, buffer, n, err);
    }
    free(buffer);
    store_object_close(o);
    return rc;
}

static bool find_file(struct store *s, struct ds_span prefix, const char *scratch, struct taken *t)
{
    char key[STORE_KEY_BYTES];
    uint64_t size = 0;
    int n = snprintf(key, sizeof key, "%.*sdataset/summary.nc", DS_FMT(prefix));
    if (n < 0 || (size_t)n >= sizeof key || store_head(s, key, &size, NULL) < 0)
        return false;
    if (store_is_dir(s)) {
        n = snprintf(t->path, sizeof t->path, "%s/%s", store_url(s), key);
        return n > 0 && (size_t)n < sizeof t->path;
    }
    n = snprintf(t->path, sizeof t->path, "%s/present.nc", scratch);
    return n > 0 && (size_t)n < sizeof t->path && copy_object(s, key, t->path, NULL) == 0;
}

static bool open_file(struct taken *t)
{
    int dim = 0;
    size_t n = 0;
    if (nc_open(t->path, NC_NOWRITE, &t->file) != NC_NOERR) {
        t->file = -1;
        return false;
    }
    if (!same_settings(t) || !same_axis(t) || !same_vectors(t)
        || nc_inq_dimid(t->file, "case", &dim) != NC_NOERR
        || nc_inq_dimlen(t->file, dim, &n) != NC_NOERR || n > SWEEP_MAX_CASES)
        return false;
    t->n_old = (uint32_t)n;
    return true;
}

void taken_open(struct store *s, struct ds_span prefix, const char *scratch, struct dataset *ds,
                struct taken **out)
{
    *out = NULL;
    struct taken *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    *t = (struct taken){.ds = ds, .file = -1, .a = arena_create((size_t)1 << 30)};
    t->var = calloc(ds->n_vectors + 1, sizeof *t->var);
    t->from = calloc(ds->n_rows + 1, sizeof *t->from);
    if (!t->var || !t->from)
        abort();
    if (find_file(s, prefix, scratch, t) && open_file(t) && match_rows(t) && drop_changed(t)
        && take_columns(t))
        *out = t;
    else
        taken_close(t);
}

void taken_close(struct taken *t)
{
    if (!t)
        return;
    if (t->file >= 0)
        (void)nc_close(t->file);
    arena_destroy(t->a);
    free(t->var);
    free(t->from);
    free(t->rows);
    free(t);
}

const uint32_t *taken_from(const struct taken *t)
{
    return t ? t->from : NULL;
}

uint32_t taken_count(const struct taken *t)
{
    return t ? t->n_taken : 0;
}

/* ---- values ---- */

/* Rows row .. end of the block whose old rows ascend closely: one read covers them. */
static uint32_t run_end(const struct taken *t, uint32_t row, uint32_t end)
{
    uint32_t last = t->from[row], next = row + 1;
    for (; next < end; next++) {
        if (t->from[next] == MERGE_NOT_TAKEN)
            continue;
        if (t->from[next] < last || t->from[next] - last > GAP_ROWS)
            break;
        last = t->from[next];
    }
    return next;
}

static void make_room(struct taken *t, size_t values)
{
    if (values <= t->room)
        return;
    free(t->rows);
    t->rows = malloc(values * sizeof *t->rows);
    if (!t->rows)
        abort();
    t->room = values;
}

/* Old rows low .. high of every vector, scattered to the block's rows row .. end. */
static int fill_run(struct taken *t, uint32_t first, uint32_t n, uint32_t row, uint32_t end,
                    float *slab, struct ds_err *err)
{
    size_t n_times = t->ds->axis.n;
    uint32_t low = t->from[row], high = low;
    for (uint32_t r = row; r < end; r++)
        if (t->from[r] != MERGE_NOT_TAKEN)
            high = t->from[r];
    const size_t start[2] = {low, 0}, count[2] = {high - low + 1, n_times};
    make_room(t, count[0] * n_times);
    for (size_t v = 0; v < t->ds->n_vectors; v++) {
        int rc = nc_get_vara_float(t->file, t->var[v], start, count, t->rows);
        rc = netcdf_check(rc, t->path, t->ds->vectors[v].name, err);
        if (rc < 0)
            return rc;
        for (uint32_t r = row; r < end; r++)
            if (t->from[r] != MERGE_NOT_TAKEN)
                memcpy(slab + (v * n + (r - first)) * n_times,
                       t->rows + (t->from[r] - low) * n_times, n_times * sizeof(float));
    }
    return 0;
}

int taken_fill(struct taken *t, uint32_t first, uint32_t n, float *slab, struct ds_err *err)
{
    if (!t || t->ds->axis.n == 0)
        return 0;
    for (uint32_t row = first; row < first + n;) {
        if (t->from[row] == MERGE_NOT_TAKEN) {
            row++;
            continue;
        }
        uint32_t end = run_end(t, row, first + n);
        int rc = fill_run(t, first, n, row, end, slab, err);
        if (rc < 0)
            return rc;
        row = end;
    }
    return 0;
}
