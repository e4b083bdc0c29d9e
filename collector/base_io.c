/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/base_io.h"

#include "collector/parts.h"
#include "summary/smspec.h"
#include "summary/unsmry.h"

#include <stdlib.h>

#define BASE_BYTES ((size_t)2 << 30)
#define KEPT       CHAIN_MAX_LINKS

struct kept { /* a base out of the bundle */
    struct ds_span dir, root;
    struct smspec spec;
    struct unsmry data;
    bool readable;
};

struct base_finder {
    struct store *store;
    struct ds_span prefix;
    const struct plan *plan;
    struct ds_arena *a;
    struct archive_reader *reader;
    bool tried;
    struct store_object *object; /* NULL: no bundle that can be read */
    struct archive_index index;
    struct kept *kept[KEPT];
    size_t n_kept;
};

struct base_finder *base_finder_create(struct store *s, struct ds_span prefix, const struct plan *p)
{
    struct base_finder *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    *f = (struct base_finder){.store = s, .prefix = prefix, .plan = p};
    return f;
}

void base_finder_destroy(struct base_finder *f)
{
    if (!f)
        return;
    store_object_close(f->object);
    archive_reader_destroy(f->reader);
    arena_destroy(f->a);
    free(f);
}

static void open_bundle(struct base_finder *f)
{
    uint64_t size = 0;
    f->tried = true;
    f->a = arena_create(BASE_BYTES);
    f->reader = archive_reader_create();
    struct ds_span key =
        arena_format(f->a, "%.*s%.*s", DS_FMT(f->prefix), DS_FMT(f->plan->bundle_key));
    if (!key.ptr || store_object_open(f->store, key.ptr, &f->object, &size, NULL) < 0)
        return;
    if (archive_read_index(archive_read_from_store, f->object, size, f->a, &f->index, NULL) < 0) {
        store_object_close(f->object);
        f->object = NULL;
    }
}

static bool load(const struct base_source *from, struct ds_span dir, struct ds_span root,
                 struct ds_arena *a, struct smspec *spec, struct unsmry *data)
{
    struct parts parts;
    struct ds_span text;
    if (parts_find(from->index, dir, root, a, &parts, NULL) < 0 || !parts.spec
        || archive_read_member(from->reader, from->read, from->context, parts.spec, BASE_BYTES / 4,
                               a, &text, NULL)
               < 0
        || smspec_read(ds_bytes_of(text), parts.formatted, a, spec, NULL) < 0)
        return false;
    struct ds_bytes *bytes = ds_new(a, struct ds_bytes, parts.n_data);
    for (size_t i = 0; bytes && i < parts.n_data; i++) {
        if (archive_read_member(from->reader, from->read, from->context, parts.data[i],
                                BASE_BYTES / 4, a, &text, NULL)
            < 0)
            return false;
        bytes[i] = ds_bytes_of(text);
    }
    return bytes
           && unsmry_index(bytes, parts.n_data, parts.formatted, spec->n_params, a, data, NULL)
                  == 0;
}

/* Base `root` of a run in dir out of the bundle, read once. NULL: not there. a: scratch. */
static struct kept *from_bundle(struct base_finder *f, struct ds_span dir, struct ds_span root,
                                struct ds_arena *a)
{
    struct ds_span base_dir, base_root;
    if (!f->object || !parts_locate_base(&f->index, dir, root, a, &base_dir, &base_root))
        return NULL;
    for (size_t i = 0; i < f->n_kept; i++)
        if (ds_span_eq(f->kept[i]->dir, base_dir) && ds_span_eq(f->kept[i]->root, base_root))
            return f->kept[i]->readable ? f->kept[i] : NULL;
    struct kept *k = f->n_kept < KEPT ? ds_new(f->a, struct kept, 1) : NULL;
    if (!k)
        return NULL;
    struct base_source bundle = {f->reader, archive_read_from_store, f->object, &f->index};
    k->dir = base_dir;
    k->root = base_root;
    k->readable = load(&bundle, base_dir, base_root, f->a, &k->spec, &k->data);
    f->kept[f->n_kept++] = k;
    return k->readable ? k : NULL;
}

static bool from_own(const struct base_source *own, struct ds_span dir, struct ds_span root,
                     struct ds_arena *a, struct ds_span *base_dir, struct chain_link *link)
{
    struct ds_span base_root;
    struct smspec *spec = ds_new(a, struct smspec, 1);
    struct unsmry *data = ds_new(a, struct unsmry, 1);
    if (!spec || !data || root.len == 0
        || !parts_locate_base(own->index, dir, root, a, base_dir, &base_root)
        || !load(own, *base_dir, base_root, a, spec, data))
        return false;
    *link = (struct chain_link){spec, data};
    return true;
}

size_t base_finder_find(struct base_finder *f, const struct base_source *own, struct ds_span dir,
                        struct ds_arena *a, struct chain_link links[CHAIN_MAX_LINKS])
{
    size_t n = 1;
    if (!f->tried)
        open_bundle(f);
    while (n < CHAIN_MAX_LINKS) {
        const struct smspec *spec = links[n - 1].spec;
        struct ds_span root = chain_base_root(spec), base_dir;
        if (spec->restart_step <= 0 && root.len == 0)
            break;
        struct kept *k = from_bundle(f, dir, root, a);
        if (k) {
            links[n] = (struct chain_link){&k->spec, &k->data};
            base_dir = k->dir;
        } else if (!from_own(own, dir, root, a, &base_dir, &links[n])) {
            break;
        }
        if (links[n].spec == links[n - 1].spec) /* a base that names itself */
            break;
        dir = base_dir;
        n++;
    }
    return n;
}
