/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mem_files.h - a file system in memory for the deck scanner's tests and fuzz target
 *
 * Files are absolute paths with contents; folders are where files lie in them. */
#ifndef DS_TESTS_MEM_FILES_H
#define DS_TESTS_MEM_FILES_H

#include "base/path.h"
#include "base/sha256.h"
#include "deck/reader.h"

#include <stdlib.h>

#define MEM_MAX_FILES 64

struct mem_files {
    struct deck_reader reader;
    struct ds_arena *arena;
    struct ds_span path[MEM_MAX_FILES], text[MEM_MAX_FILES];
    size_t n;
};

static int mem_find(const struct mem_files *m, struct ds_span path)
{
    for (size_t i = 0; i < m->n; i++) {
        if (ds_span_eq(m->path[i], path))
            return (int)i;
    }
    return -1;
}

static bool mem_is_below(struct ds_span path, struct ds_span folder)
{
    bool root = ds_span_is(folder, "/");
    size_t n = root ? 0 : folder.len;
    return path.len > n && memcmp(path.ptr, folder.ptr, n) == 0 && path.ptr[n] == '/';
}

static int mem_stat(void *context, struct ds_span given, struct ds_arena *a, struct deck_stat *out,
                    struct ds_err *err)
{
    struct mem_files *m = context;
    struct ds_span path = path_normalise(a, given);
    int file = path.ptr ? mem_find(m, path) : -1;
    bool folder = path.ptr && ds_span_is(path, "/");
    for (size_t i = 0; i < m->n && path.ptr; i++)
        folder = folder || mem_is_below(m->path[i], path);
    if (file < 0 && !folder)
        return ds_fail(err, DS_ENOTFOUND, "%.*s: No such file or directory", DS_FMT(given));
    *out = (struct deck_stat){.kind = file >= 0 ? DECK_ENTRY_FILE : DECK_ENTRY_FOLDER,
                              .size_bytes = file >= 0 ? m->text[file].len : 0,
                              .canonical = path};
    return DS_OK;
}

static int mem_read(void *context, struct ds_span path, uint64_t max_bytes, struct ds_span *out,
                    struct ds_err *err)
{
    struct mem_files *m = context;
    struct ds_span normal = path_normalise(m->arena, path);
    int file = normal.ptr ? mem_find(m, normal) : -1;
    if (file < 0)
        return ds_fail(err, DS_ENOTFOUND, "%.*s: No such file or directory", DS_FMT(path));
    if (m->text[file].len > max_bytes)
        return ds_fail(err, DS_ETOOBIG, "%.*s is too large", DS_FMT(path));
    *out = m->text[file];
    return DS_OK;
}

static int mem_read_at(void *context, struct ds_span path, uint64_t offset, void *out, size_t n,
                       struct ds_err *err)
{
    struct ds_span text;
    int rc = mem_read(context, path, UINT64_MAX, &text, err);
    if (rc != 0)
        return rc;
    if (offset > text.len || n > text.len - offset)
        return ds_fail(err, DS_ECORRUPT, "ends early");
    memcpy(out, text.ptr + offset, n);
    return DS_OK;
}

static int mem_digest(void *context, struct ds_span path, char hex[65], uint64_t *size_bytes,
                      struct ds_err *err)
{
    struct ds_span text;
    int rc = mem_read(context, path, UINT64_MAX, &text, err);
    if (rc != 0)
        return rc;
    sha256_of(text.ptr, text.len, hex);
    *size_bytes = text.len;
    return DS_OK;
}

static int mem_order(const void *a, const void *b)
{
    const struct deck_entry *x = a, *y = b;
    return ds_span_compare(x->name, y->name);
}

static int mem_list(void *context, struct ds_span given, size_t max_entries, struct ds_arena *a,
                    struct deck_entry **out, size_t *n, struct ds_err *err)
{
    struct mem_files *m = context;
    struct ds_span path = path_normalise(a, given);
    struct deck_entry *list = ds_new(a, struct deck_entry, MEM_MAX_FILES);
    size_t made = 0;
    (void)max_entries;
    if (!path.ptr || !list)
        return ds_fail(err, DS_ETOOBIG, "no memory");
    for (size_t i = 0; i < m->n; i++) {
        size_t skip = ds_span_is(path, "/") ? 1 : path.len + 1;
        if (!mem_is_below(m->path[i], path))
            continue;
        struct ds_span rest = {m->path[i].ptr + skip, m->path[i].len - skip}, head;
        struct ds_span behind = ds_span_cut(rest, '/', &head);
        bool known = false;
        for (size_t k = 0; k < made; k++)
            known = known || ds_span_eq(list[k].name, head);
        if (!known)
            list[made++] =
                (struct deck_entry){head, behind.len > 0 ? DECK_ENTRY_FOLDER : DECK_ENTRY_FILE};
    }
    qsort(list, made, sizeof(list[0]), mem_order);
    *out = list;
    *n = made;
    return DS_OK;
}

static void mem_init(struct mem_files *m, struct ds_arena *a)
{
    *m = (struct mem_files){.arena = a};
    m->reader = (struct deck_reader){.context = m,
                                     .stat = mem_stat,
                                     .read = mem_read,
                                     .read_at = mem_read_at,
                                     .digest = mem_digest,
                                     .list = mem_list};
}

static inline void mem_add(struct mem_files *m, struct ds_span path, struct ds_span text)
{
    struct ds_span normal = path_normalise(m->arena, path);
    int file = normal.ptr ? mem_find(m, normal) : -1;
    if (file >= 0) {
        m->text[file] = text;
        return;
    }
    if (!normal.ptr || m->n >= MEM_MAX_FILES)
        return;
    m->path[m->n] = normal;
    m->text[m->n++] = text;
}

#endif
