/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"
#include "base/sha256.h"
#include "deck/closure_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int scan_fail(struct scan *s, int code, const char *format, ...)
{
    if (s->status != 0)
        return s->status;
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s->status = ds_fail(&s->err, (enum ds_code)code, "%s", text);
    return s->status;
}

void *scan_grow(struct scan *s, void *array, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return array;
    size_t wanted = *room == 0 ? 8 : *room * 2;
    void *grown = arena_take(s->arena, wanted, size);
    if (!grown) {
        scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
        return NULL;
    }
    if (n > 0)
        memcpy(grown, array, n * size);
    *room = wanted;
    return grown;
}

struct ds_span scan_copy(struct scan *s, struct ds_span text)
{
    struct ds_span copy = arena_copy(s->arena, text);
    if (!copy.ptr)
        scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
    return copy;
}

/* "dir/spe1.data" -> case root "SPE1", name "SPE1.DATA". */
static bool name_deck(struct scan *s)
{
    struct ds_span base = path_base(s->request->deck_path);
    struct ds_span stem = path_stem(base);
    if (stem.len == 0)
        stem = base;
    char *upper = arena_cstr(s->arena, stem);
    if (!upper || stem.len == 0) {
        scan_fail(s, upper ? DS_EINPUT : DS_ETOOBIG, "%s",
                  upper ? "the deck's path has no file name"
                        : "reading the deck needs more memory than allowed");
        return false;
    }
    for (size_t i = 0; i < stem.len; i++)
        upper[i] = (upper[i] >= 'a' && upper[i] <= 'z') ? (char)(upper[i] - 'a' + 'A') : upper[i];
    s->out->case_root = (struct ds_span){upper, stem.len};
    s->out->deck_name = arena_format(s->arena, "%s.DATA", upper);
    if (!s->out->deck_name.ptr)
        scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
    return s->status == 0;
}

static uint32_t open_root(struct scan *s)
{
    const struct closure_request *q = s->request;
    struct deck_stat st = {0};
    int rc = s->reader->stat(s->reader->context, q->deck_path, s->arena, &st, &s->err);
    if (rc != 0) {
        s->status = rc;
        return NO_FILE;
    }
    if (st.kind != DECK_ENTRY_FILE) {
        scan_fail(s, DS_EINPUT, "%.*s is no regular file", DS_FMT(q->deck_path));
        return NO_FILE;
    }
    if (!name_deck(s))
        return NO_FILE;
    s->root_dir = path_dir(st.canonical);
    s->out->source_dir = s->root_dir;
    uint32_t file = scan_add_file(s, s->out->deck_name, q->deck_path);
    if (file == NO_FILE)
        return NO_FILE;
    struct scan_file *f = &s->files[file];
    f->display = path_base(q->deck_path);
    f->is_common = true;
    return scan_load_text(s, file, (struct deck_pos){f->display, 0, 0}) ? file : NO_FILE;
}

/* ---- the end: contents, digests, order ---- */

static int order_rewrites(const void *a, const void *b)
{
    const struct rewrite *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static struct ds_span rewritten_text(struct scan *s, struct scan_file *f)
{
    if (f->n_rewrites == 0)
        return f->text;
    qsort(f->rewrites, f->n_rewrites, sizeof(f->rewrites[0]), order_rewrites);
    size_t bytes = f->text.len;
    for (size_t i = 0; i < f->n_rewrites; i++)
        bytes += f->rewrites[i].now.len;
    char *text = arena_take(s->arena, bytes + 1, 1);
    if (!text) {
        scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
        return f->text;
    }
    size_t from = 0, at = 0;
    for (size_t i = 0; i < f->n_rewrites; i++) {
        const struct rewrite *r = &f->rewrites[i];
        memcpy(text + at, f->text.ptr + from, r->offset - from);
        at += r->offset - from;
        memcpy(text + at, r->now.ptr, r->now.len);
        at += r->now.len;
        from = r->offset + r->length;
    }
    memcpy(text + at, f->text.ptr + from, f->text.len - from);
    return (struct ds_span){text, at + f->text.len - from};
}

static void list_rewritten(struct scan *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_files; i++)
        n += s->files[i].n_rewrites;
    struct ds_span *list = ds_new(s->arena, struct ds_span, n);
    for (size_t i = 0; list && i < s->n_files; i++) {
        const struct scan_file *f = &s->files[i];
        for (size_t k = 0; k < f->n_rewrites; k++) {
            const struct rewrite *r = &f->rewrites[k];
            list[s->out->n_rewritten++] =
                arena_format(s->arena, "%.*s:%u: '%.*s' -> '%.*s'", DS_FMT(f->display), r->line,
                             (int)r->length, f->text.ptr + r->offset, DS_FMT(r->now));
        }
    }
    s->out->rewritten = list;
}

/* How many folders above the root deck's the closure reaches. */
static size_t levels_up(const struct scan *s)
{
    size_t most = 0;
    for (size_t i = 0; i < s->n_files; i++) {
        struct ds_span p = s->files[i].digest_path;
        size_t up = 0;
        while (p.len >= 3 && memcmp(p.ptr, "../", 3) == 0) {
            p = (struct ds_span){p.ptr + 3, p.len - 3};
            up++;
        }
        most = up > most ? up : most;
    }
    return most;
}

static void set_deck_dir(struct scan *s)
{
    size_t up = levels_up(s), at = s->root_dir.len;
    for (size_t i = 0; i < up && at > 0; i++) {
        at--;
        while (at > 0 && s->root_dir.ptr[at] != '/')
            at--;
    }
    struct ds_span tail = {s->root_dir.ptr + at, s->root_dir.len - at};
    while (tail.len > 0 && tail.ptr[0] == '/')
        tail = (struct ds_span){tail.ptr + 1, tail.len - 1};
    s->out->deck_dir = tail.len > 0 ? arena_format(s->arena, "%.*s/", DS_FMT(tail)) : DS_SPAN("");
}

struct sorted {
    struct ds_span path;
    uint32_t file;
};

static int order_sorted(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    return ds_span_compare(x->path, y->path);
}

static void fill_file(struct scan *s, struct scan_file *f, struct closure_file *out)
{
    out->source = f->source;
    out->display = f->display;
    out->digest_path = f->digest_path;
    out->is_text = f->is_text;
    out->is_common = f->is_common;
    out->owners = f->owners;
    out->n_owners = f->n_owners;
    out->end_line = f->end_line;
    out->size_bytes = f->size_bytes;
    if (f->is_text) {
        out->content = rewritten_text(s, f);
        out->size_bytes = out->content.len;
        sha256_of(out->content.ptr, out->content.len, out->sha256);
    } else {
        memcpy(out->sha256, f->sha256, sizeof(out->sha256));
    }
    struct ds_span joined =
        arena_format(s->arena, "%.*s%.*s", DS_FMT(s->out->deck_dir), DS_FMT(f->digest_path));
    out->bundle_path = joined.ptr ? path_normalise(s->arena, joined) : joined;
    if (!out->bundle_path.ptr)
        scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
    else if (!path_is_safe_member(out->bundle_path))
        deck_error(s->problems, (struct deck_pos){f->display, 0, 0},
                   "this name cannot go into the bundle (control bytes, or too long): rename it");
    if (f->is_common)
        s->out->common_bytes += out->size_bytes;
}

static void fill_files(struct scan *s, uint32_t root, uint32_t **new_index)
{
    struct sorted *order = ds_new(s->arena, struct sorted, s->n_files);
    struct closure_file *files = ds_new(s->arena, struct closure_file, s->n_files);
    *new_index = ds_new(s->arena, uint32_t, s->n_files);
    if (!order || !files || !*new_index) {
        scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
        return;
    }
    for (uint32_t i = 0; i < s->n_files; i++)
        order[i] = (struct sorted){s->files[i].digest_path, i};
    qsort(order, s->n_files, sizeof(order[0]), order_sorted);
    for (uint32_t i = 0; i < s->n_files && s->status == 0; i++) {
        (*new_index)[order[i].file] = i;
        fill_file(s, &s->files[order[i].file], &files[i]);
    }
    s->out->files = files;
    s->out->n_files = s->n_files;
    s->out->root = (*new_index)[root];
}

static void digest_base(struct scan *s)
{
    struct sha256 *h = sha256_create();
    for (size_t i = 0; i < s->out->n_files; i++) {
        const struct closure_file *f = &s->out->files[i];
        if (!f->is_common)
            continue;
        sha256_add(h, f->digest_path.ptr, f->digest_path.len);
        sha256_add(h, "\0", 1);
        sha256_add(h, f->sha256, 64);
        sha256_add(h, "\n", 1);
    }
    sha256_end(h, s->out->base_digest);
    sha256_destroy(h);
}

static bool is_owned(const struct closure_file *f, uint32_t param, uint32_t value)
{
    for (size_t i = 0; i < f->n_owners; i++) {
        if (f->owners[i].param == param && f->owners[i].value == value)
            return true;
    }
    return false;
}

/* Digest of one value, and the bytes it brings. Files are sorted by path already. A file that is
 * not the value nor below it ('<GEO>/../x.inc', '<FLT>.more') goes in by its whole path, with a
 * '/' before it, which no path below a folder begins with. */
static uint64_t digest_value(struct scan *s, uint32_t param, uint32_t value, struct sha256 *h)
{
    struct closure_value *v = &s->values[param][value];
    uint64_t bytes = 0;
    size_t n_outside = 0;
    sha256_reset(h);
    for (size_t i = 0; i < s->out->n_files; i++) {
        const struct closure_file *f = &s->out->files[i];
        if (!is_owned(f, param, value))
            continue;
        bytes += f->is_common ? 0 : f->size_bytes;
        bool is_value = !v->is_folder && ds_span_eq(f->digest_path, v->text);
        bool inside = v->is_folder && f->digest_path.len > v->text.len
                      && memcmp(f->digest_path.ptr, v->text.ptr, v->text.len) == 0;
        if (is_value)
            memcpy(v->sha256, f->sha256, sizeof(v->sha256));
        if (!is_value && !inside && f->is_common)
            continue; /* in the base digest */
        struct ds_span rest = f->digest_path;
        if (inside || is_value)
            rest = (struct ds_span){rest.ptr + v->text.len, rest.len - v->text.len};
        while (inside && rest.len > 0 && rest.ptr[0] == '/')
            rest = (struct ds_span){rest.ptr + 1, rest.len - 1};
        if (!is_value && !inside) {
            sha256_add(h, "/", 1);
            n_outside++;
        }
        sha256_add(h, rest.ptr, rest.len);
        sha256_add(h, "\0", 1);
        sha256_add(h, f->sha256, 64);
        sha256_add(h, "\n", 1);
    }
    if (v->is_folder || n_outside > 0)
        sha256_end(h, v->sha256);
    return bytes;
}

static void digest_values(struct scan *s)
{
    struct sha256 *h = sha256_create();
    for (uint32_t p = 0; p < s->request->n_params; p++) {
        uint64_t most = 0;
        for (uint32_t v = 0; v < s->request->params[p].n_paths; v++) {
            uint64_t bytes = digest_value(s, p, v, h);
            most = bytes > most ? bytes : most;
        }
        s->out->case_bytes += most;
    }
    sha256_destroy(h);
    s->out->values = (const struct closure_value *const *)s->values;
}

/* Item and record indexes after the files were sorted. */
static void renumber_items(struct scan *s, const uint32_t *new_index)
{
    for (size_t i = 0; i < s->n_items; i++) {
        s->items[i].file = new_index[s->items[i].file];
        size_t n = s->items[i].n_records;
        struct deck_record *records = ds_new(s->arena, struct deck_record, n);
        if (!records) {
            scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
            return;
        }
        for (size_t k = 0; k < n; k++) {
            records[k] = s->items[i].records[k];
            records[k].file = new_index[records[k].file];
        }
        s->items[i].records = records;
    }
    s->out->items = s->items;
    s->out->n_items = s->n_items;
}

/* Root and an included file may not become one name: spe1.data beside SPE1.DATA. */
static void check_root_name(struct scan *s, uint32_t root)
{
    struct ds_span given = path_base(s->request->deck_path);
    if (ds_span_eq(given, s->out->deck_name))
        return;
    struct ds_span other = path_join(s->arena, s->root_dir, s->out->deck_name);
    for (uint32_t i = 0; i < s->n_files; i++) {
        const struct scan_file *f = &s->files[i];
        if (i == root || !ds_span_eq(f->source, other))
            continue;
        deck_error(s->problems, (struct deck_pos){f->display, 0, 0},
                   "the deck itself is named %.*s in a case's folder; rename this file",
                   DS_FMT(s->out->deck_name));
    }
}

int closure_scan(const struct closure_request *request, struct ds_arena *a, struct closure *out,
                 struct deck_problems *problems, struct ds_err *err)
{
    struct scan *s = ds_new(a, struct scan, 1);
    if (!s)
        return ds_fail(err, DS_ETOOBIG, "reading the deck needs more memory than allowed");
    struct closure made = {0};
    s->request = request;
    s->reader = request->reader;
    s->arena = a;
    s->problems = problems;
    s->out = &made;
    uint32_t root = open_root(s);
    if (root != NO_FILE && s->status == 0) {
        scan_add_values(s);
        scan_walk(s, root);
    }
    uint32_t *new_index = NULL;
    if (root != NO_FILE && s->status == 0) {
        check_root_name(s, root);
        set_deck_dir(s);
        list_rewritten(s);
        fill_files(s, root, &new_index);
    }
    if (new_index && s->status == 0)
        renumber_items(s, new_index);
    if (new_index && s->status == 0) {
        digest_base(s);
        digest_values(s);
    }
    if (s->status != 0)
        return ds_fail(err, (enum ds_code)s->status, "%s", s->err.text);
    int rc = deck_problems_check(problems, err);
    if (rc == 0)
        *out = made;
    return rc;
}

const struct closure_file *closure_find(const struct closure *c, struct ds_span bundle_path)
{
    for (size_t i = 0; i < c->n_files; i++) {
        if (ds_span_eq(c->files[i].bundle_path, bundle_path))
            return &c->files[i];
    }
    return NULL;
}
