/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/files_values.h"

#include "agent/parameters.h"
#include "base/path.h"

#include <stdlib.h>

#define MAX_VALUES 1000000u
#define FIRST_ROOM 4096u

struct value_list {
    struct ds_span *at;
    size_t n, room;
};

static int compare_paths(const void *x, const void *y)
{
    const struct ds_span *a = x, *b = y;
    return ds_span_compare(*a, *b);
}

static size_t make_distinct(struct ds_span *v, size_t n)
{
    size_t kept = 0;
    if (n > 1)
        qsort(v, n, sizeof *v, compare_paths);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !ds_span_eq(v[kept - 1], v[i]))
            v[kept++] = v[i];
    return kept;
}

static bool has_files_params(const struct plan *p)
{
    for (size_t i = 0; i < p->n_params; i++)
        if (p->params[i].is_files)
            return true;
    return false;
}

/* Room for one more: thin the list, and double it when that did not help. */
static int make_room(struct value_list *l, struct ds_arena *a, struct ds_err *err)
{
    if (l->n < l->room || (l->n = make_distinct(l->at, l->n)) <= l->room / 2)
        return 0;
    struct ds_span *more =
        l->room < (size_t)MAX_VALUES * 2 ? ds_new(a, struct ds_span, 2 * l->room) : NULL;
    if (!more)
        return ds_fail(err, DS_ETOOBIG, "too many different files as values");
    memcpy(more, l->at, l->n * sizeof *more);
    l->at = more;
    l->room *= 2;
    return 0;
}

struct ds_span files_values_path(const struct plan *p, struct ds_span value, struct ds_arena *a)
{
    return path_normalise(a, path_join(a, p->deck_dir, value));
}

static int add_row(const struct plan *p, const struct ds_span *cells, struct value_list *v,
                   struct ds_arena *a, struct ds_arena *row_arena, struct ds_err *err)
{
    for (size_t i = 0; i < p->n_params; i++) {
        if (!p->params[i].is_files)
            continue;
        struct ds_span path = files_values_path(p, cells[i], row_arena);
        if (v->n > 0 && ds_span_eq(v->at[v->n - 1], path))
            continue;
        int rc = make_room(v, a, err);
        if (rc < 0)
            return rc;
        v->at[v->n] = arena_copy(a, path);
        if (!v->at[v->n++].ptr)
            return ds_fail(err, DS_ETOOBIG, "values of files parameters do not fit");
    }
    return 0;
}

static int find_above(struct files_values *v, struct ds_arena *a, struct ds_err *err)
{
    v->above = ds_new(a, int32_t, v->n);
    if (!v->above)
        return ds_fail(err, DS_ETOOBIG, "values of files parameters do not fit");
    for (size_t i = 0; i < v->n; i++)
        v->above[i] = files_values_owner(v, path_dir(v->paths[i]));
    return 0;
}

int files_values_find(const struct plan *p, const struct design *d, struct ds_arena *a,
                      struct files_values *out, struct ds_err *err)
{
    struct value_list v = {.room = FIRST_ROOM};
    *out = (struct files_values){0};
    if (!has_files_params(p))
        return 0;
    v.at = ds_new(a, struct ds_span, v.room);
    if (!v.at)
        return ds_fail(err, DS_ETOOBIG, "values of files parameters do not fit");
    ds_auto_arena row_arena = arena_create((size_t)64 << 20);
    for (uint32_t row = 0; row < d->n_rows; row++) {
        const struct ds_span *cells;
        arena_reset(row_arena);
        int rc = parameters_values(p, d, row, row_arena, &cells, err);
        rc = rc < 0 ? rc : add_row(p, cells, &v, a, row_arena, err);
        if (rc < 0)
            return rc;
    }
    out->n = make_distinct(v.at, v.n);
    out->paths = v.at;
    return find_above(out, a, err);
}

int32_t files_values_index(const struct files_values *v, struct ds_span path)
{
    const struct ds_span *hit =
        v->n ? bsearch(&path, v->paths, v->n, sizeof path, compare_paths) : NULL;
    return hit ? (int32_t)(hit - v->paths) : FILES_VALUES_COMMON;
}

int32_t files_values_owner(const struct files_values *v, struct ds_span path)
{
    for (size_t len = path.len; len > 0; len--) {
        if (len < path.len && path.ptr[len] != '/')
            continue;
        int32_t hit = files_values_index(v, (struct ds_span){path.ptr, len});
        if (hit != FILES_VALUES_COMMON)
            return hit;
    }
    return FILES_VALUES_COMMON;
}

bool files_values_has(const struct files_values *v, int32_t owner, const int32_t *values, size_t n)
{
    bool has = owner == FILES_VALUES_COMMON;
    for (int32_t o = owner; o != FILES_VALUES_COMMON && !has; o = v->above[o])
        for (size_t i = 0; i < n && !has; i++)
            has = values[i] == o;
    return has;
}
