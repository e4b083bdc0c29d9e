/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/parts.h"

#include "base/path.h"
#include "summary/unsmry.h"

#include <stdlib.h>

struct part { /* for sorting */
    const struct archive_member *member;
    uint32_t number;
};

static int by_number(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* The folder of a path with its '/', or "". */
static struct ds_span folder_of(struct ds_span path)
{
    struct ds_span base = path_base(path);
    return (struct ds_span){path.ptr, path.len - base.len};
}

static bool is_of(const struct archive_member *m, struct ds_span dir, struct ds_span root,
                  struct ds_span *extension)
{
    *extension = path_extension(m->name);
    return ds_span_eq(folder_of(m->name), dir) && ds_span_eq_nocase(path_stem(m->name), root);
}

struct found { /* members of one summary by extension */
    const struct archive_member *smspec, *fsmspec, *unsmry, *funsmry;
    size_t n_parts, n_text_parts;
};

static void note_member(struct found *f, const struct archive_member *m, struct ds_span extension)
{
    bool formatted = false;
    uint32_t number = 0;
    if (ds_span_eq_nocase(extension, DS_SPAN("SMSPEC")))
        f->smspec = m;
    else if (ds_span_eq_nocase(extension, DS_SPAN("FSMSPEC")))
        f->fsmspec = m;
    else if (ds_span_eq_nocase(extension, DS_SPAN("UNSMRY")))
        f->unsmry = m;
    else if (ds_span_eq_nocase(extension, DS_SPAN("FUNSMRY")))
        f->funsmry = m;
    else if (unsmry_part_number(extension, &formatted, &number))
        *(formatted ? &f->n_text_parts : &f->n_parts) += 1;
}

static int gather_parts(const struct archive_index *x, struct ds_span dir, struct ds_span root,
                        bool formatted, size_t n, struct ds_arena *a, struct parts *out,
                        struct ds_err *err)
{
    struct part *parts = ds_new(a, struct part, n);
    const struct archive_member **members = ds_new(a, const struct archive_member *, n);
    if (!parts || !members)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu summary files", n);
    size_t k = 0;
    for (size_t i = 0; i < x->n_members && k < n; i++) {
        struct ds_span extension;
        bool text = false;
        uint32_t number = 0;
        if (is_of(&x->members[i], dir, root, &extension)
            && unsmry_part_number(extension, &text, &number) && text == formatted)
            parts[k++] = (struct part){&x->members[i], number};
    }
    qsort(parts, k, sizeof *parts, by_number);
    for (size_t i = 0; i < k; i++)
        members[i] = parts[i].member;
    out->data = members;
    out->n_data = k;
    return 0;
}

int parts_find(const struct archive_index *x, struct ds_span dir, struct ds_span root,
               struct ds_arena *a, struct parts *out, struct ds_err *err)
{
    struct found f = {.smspec = NULL};
    for (size_t i = 0; i < x->n_members; i++) {
        struct ds_span extension;
        if (is_of(&x->members[i], dir, root, &extension))
            note_member(&f, &x->members[i], extension);
    }
    bool formatted = !(f.smspec && (f.unsmry || f.n_parts > 0)) && f.fsmspec;
    *out = (struct parts){.spec = formatted ? f.fsmspec : f.smspec, .formatted = formatted};
    const struct archive_member *whole = formatted ? f.funsmry : f.unsmry;
    size_t n_parts = formatted ? f.n_text_parts : f.n_parts;
    if (!whole)
        return n_parts ? gather_parts(x, dir, root, formatted, n_parts, a, out, err) : 0;
    const struct archive_member **one = ds_new(a, const struct archive_member *, 1);
    if (!one)
        return ds_fail(err, DS_ETOOBIG, "no room");
    one[0] = whole;
    out->data = one;
    out->n_data = 1;
    return 0;
}

static bool is_spec(const struct archive_member *m)
{
    struct ds_span e = path_extension(m->name);
    return ds_span_eq_nocase(e, DS_SPAN("SMSPEC")) || ds_span_eq_nocase(e, DS_SPAN("FSMSPEC"));
}

static bool take(const struct archive_member *m, struct ds_span *dir, struct ds_span *root)
{
    *dir = folder_of(m->name);
    *root = path_stem(m->name);
    return true;
}

bool parts_locate_base(const struct archive_index *x, struct ds_span dir, struct ds_span root,
                       struct ds_arena *a, struct ds_span *base_dir, struct ds_span *base_root)
{
    struct ds_span full = path_join(a, dir, root);
    if (full.ptr)
        full = path_normalise(a, full);
    if (!full.ptr)
        return false;
    size_t n = 0;
    const struct archive_member *only = NULL;
    for (size_t i = 0; i < x->n_members; i++) {
        const struct archive_member *m = &x->members[i];
        if (!is_spec(m))
            continue;
        struct ds_span stem = path_stem(m->name), folder = folder_of(m->name);
        if (root.len > 0 && full.len == folder.len + stem.len
            && memcmp(full.ptr, folder.ptr, folder.len) == 0
            && ds_span_eq_nocase((struct ds_span){full.ptr + folder.len, stem.len}, stem))
            return take(m, base_dir, base_root);
        if (root.len == 0 || ds_span_eq_nocase(stem, path_base(root))) {
            /* formatted and unformatted of one run are one base */
            if (!only || !ds_span_eq(folder_of(only->name), folder)
                || !ds_span_eq_nocase(path_stem(only->name), stem))
                n++;
            only = m;
        }
    }
    return n == 1 && take(only, base_dir, base_root);
}
