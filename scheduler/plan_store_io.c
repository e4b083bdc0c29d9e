/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_write_deck: all that a cluster needs to plan as we did, as one archive.
 *
 * plan_publish: bundle, design and plan first, the two files that point at them last, so that
 * whoever finds plan.json finds everything it names. */
#include "archive/archive.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "base/sha256.h"
#include "scheduler/plan_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUNDLE_LEVEL 3

static int write_to_fd(void *context, const void *data, size_t n, struct ds_err *err)
{
    return fs_write_all(*(int *)context, data, n, err);
}

static int open_temporary(int *fd, struct ds_err *err)
{
    const char *dir = env_temporary_folder(NULL);
    char name[4096];
    *fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return 0;
    int n = snprintf(name, sizeof name, "%s/decksweep-bundle-XXXXXX", dir);
    *fd = n > 0 && (size_t)n < sizeof name ? mkostemp(name, O_CLOEXEC) : -1;
    if (*fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "temporary file in %s", dir);
    (void)unlink(name);
    return 0;
}

static int add_file(struct archive_writer *w, const struct closure_file *f, struct ds_arena *a,
                    struct ds_err *err)
{
    char sha[65];
    char *name = arena_cstr(a, f->bundle_path), *source = arena_cstr(a, f->source);
    if (!name || !source)
        return ds_fail(err, DS_ETOOBIG, "name too long");
    int rc;
    if (f->content.ptr) {
        rc = archive_add_bytes(w, name, ds_bytes_of(f->content), sha, err);
    } else {
        ds_auto_fd fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return ds_fail_errno(err, DS_EIO, errno, "%s", source);
        rc = archive_add_fd(w, name, fd, f->size_bytes, false, sha, err);
    }
    if (rc < 0)
        return ds_wrap(err, "%s", source);
    if (strcmp(sha, f->sha256) != 0)
        return ds_fail(err, DS_EAGAIN, "%s changed while it was read; run the same command again",
                       source);
    return 0;
}

static int add_closure(struct archive_writer *w, const struct closure *c, struct ds_err *err)
{
    ds_auto_arena a = arena_create((size_t)1 << 20);
    int rc = 0;
    for (size_t i = 0; i < c->n_files && rc == 0; i++) {
        arena_reset(a);
        rc = add_file(w, &c->files[i], a, err);
    }
    return rc;
}

static int write_bundle(const struct closure *c, int fd, uint64_t *bytes, struct ds_err *err)
{
    struct archive_writer *w = archive_writer_create(BUNDLE_LEVEL, 0);
    archive_writer_start(w, write_to_fd, &fd);
    int rc = add_closure(w, c, err);
    rc = rc < 0 ? rc : archive_writer_end(w, bytes, err);
    archive_writer_destroy(w);
    return rc;
}

/* ---- the archive that brings a deck into a cluster ---- */

struct hashing {
    int fd;
    struct sha256 *hash;
};

static int write_and_hash(void *context, const void *data, size_t n, struct ds_err *err)
{
    const struct hashing *h = context;
    sha256_add(h->hash, data, n);
    return fs_write_all(h->fd, data, n, err);
}

/* Where each value of the `files` parameters lies in the bundle. */
static int list_params(const struct planned_view *v, struct ds_arena *a, struct bundle_paths *out,
                       struct ds_err *err)
{
    const struct sweep *w = v->sweep;
    struct bundle_param *params = ds_new(a, struct bundle_param, w->n_params + 1);
    bool fits = params != NULL;
    for (size_t i = 0; fits && i < w->n_params; i++) {
        const struct sweep_param *from = &w->params[i];
        if (from->kind != PARAM_FILES)
            continue;
        struct ds_span *paths = ds_new(a, struct ds_span, from->count);
        fits = paths != NULL;
        for (uint32_t k = 0; fits && k < from->count; k++) {
            const struct closure_value *value = &v->closure->values[out->n_params][k];
            struct ds_span joined = path_join(a, v->closure->deck_dir, value->text);
            paths[k] = joined.ptr ? path_normalise(a, joined) : joined;
            fits = paths[k].ptr != NULL;
        }
        params[out->n_params++] = (struct bundle_param){from->name, paths, from->count};
    }
    out->params = params;
    return fits ? 0 : ds_fail(err, DS_ETOOBIG, "%s: more than fits in memory", BUNDLE_PATHS_NAME);
}

static int add_paths(struct archive_writer *w, const struct planned_view *v, struct ds_err *err)
{
    const struct closure *c = v->closure;
    ds_auto_arena a = arena_create((size_t)256 << 20);
    ds_auto_buf text;
    buf_init(&text, BUNDLE_PATHS_MAX_BYTES);
    struct bundle_paths paths = {
        .deck = arena_format(a, "%.*s%.*s", DS_FMT(c->deck_dir), DS_FMT(c->deck_name)),
        .table = v->sweep->table_file.len > 0 ? DS_SPAN(BUNDLE_TABLE_NAME) : DS_SPAN(""),
        .rewritten = c->rewritten,
        .n_rewritten = c->n_rewritten};
    int rc = list_params(v, a, &paths, err);
    rc = rc < 0 ? rc : bundle_paths_encode(&paths, &text, err);
    if (rc == 0 && paths.table.len > 0)
        rc = archive_add_bytes(w, BUNDLE_TABLE_NAME, ds_bytes_of(v->table_text), NULL, err);
    return rc < 0
               ? rc
               : archive_add_bytes(w, BUNDLE_PATHS_NAME, ds_bytes_of(buf_span(&text)), NULL, err);
}

int plan_write_deck(const struct planned *p, int fd, uint64_t *bytes, char sha256[SHA256_HEX_BYTES],
                    struct ds_err *err)
{
    const struct planned_view *v = planned_view(p);
    if (closure_find(v->closure, DS_SPAN(BUNDLE_PATHS_NAME))
        || closure_find(v->closure, DS_SPAN(BUNDLE_TABLE_NAME)))
        return ds_fail(err, DS_EINPUT,
                       "the deck names a file %s or %s, which are decksweep's own; rename it",
                       BUNDLE_PATHS_NAME, BUNDLE_TABLE_NAME);
    struct hashing h = {fd, sha256_create()};
    struct archive_writer *w = archive_writer_create(BUNDLE_LEVEL, 0);
    archive_writer_start(w, write_and_hash, &h);
    int rc = add_closure(w, v->closure, err);
    rc = rc < 0 ? rc : add_paths(w, v, err);
    rc = rc < 0 ? rc : archive_writer_end(w, bytes, err);
    if (rc == 0)
        sha256_end(h.hash, sha256);
    archive_writer_destroy(w);
    sha256_destroy(h.hash);
    return rc < 0 ? ds_wrap(err, "deck") : 0;
}

/* ---- into a store ---- */

static int put_bundle(const struct planned_view *v, struct store *s, const char *key,
                      struct ds_err *err)
{
    uint64_t bytes;
    bool existed;
    if (store_head(s, key, &bytes, NULL) == 0)
        return 0;
    ds_auto_fd fd = -1;
    int rc = open_temporary(&fd, err);
    rc = rc < 0 ? rc : write_bundle(v->closure, fd, &bytes, err);
    if (rc < 0)
        return ds_wrap(err, "bundle");
    struct store_body body = {.data = NULL, .fd = fd, .len = bytes};
    return store_put_if_absent(s, key, body, &existed, err);
}

static int put_text(struct store *s, const char *prefix, const char *name, struct ds_span text,
                    bool replace, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    bool existed;
    uint64_t bytes;
    struct store_body body = {.data = text.ptr, .fd = -1, .len = text.len};
    (void)snprintf(key, sizeof key, "%s%s", prefix, name);
    if (!replace)
        return store_head(s, key, &bytes, NULL) == 0
                   ? 0
                   : store_put_if_absent(s, key, body, &existed, err);
    ds_auto_arena a = arena_create(text.len + 65536);
    struct ds_span there;
    bool same = store_head(s, key, &bytes, NULL) == 0 && bytes == text.len
                && store_get(s, key, text.len, a, &there, NULL) == 0 && ds_span_eq(there, text);
    return same ? 0 : store_put(s, key, body, err);
}

int plan_check_deck(const struct planned *p, struct store *s, const char *prefix,
                    struct ds_err *err)
{
    const struct planned_view *v = planned_view(p);
    char key[STORE_KEY_BYTES];
    struct ds_span text;
    struct plan stored;
    ds_auto_arena a = arena_create((size_t)4 * PLAN_MAX_BYTES);
    (void)snprintf(key, sizeof key, "%splan.json", prefix);
    int rc = store_get(s, key, PLAN_MAX_BYTES, a, &text, err);
    if (rc == DS_ENOTFOUND)
        return 0;
    rc = rc < 0 ? rc : plan_decode(text, a, &stored, err);
    if (rc < 0)
        return ds_wrap(err, "%s", key);
    if (!ds_span_eq(stored.deck_name, v->plan->deck_name))
        return ds_fail(err, DS_EINPUT,
                       "%s/%s holds a sweep of %.*s, this one is of %.*s; give it another "
                       "metadata.name or results.store, or go on with --replace (removes nothing)",
                       store_url(s), prefix, DS_FMT(stored.deck_name), DS_FMT(v->plan->deck_name));
    return 0;
}

int plan_publish(const struct planned *p, struct store *s, const char *prefix, bool replace,
                 struct ds_err *err)
{
    const struct planned_view *v = planned_view(p);
    char key[STORE_KEY_BYTES], design_key[64], plan_key[64];
    int rc = replace ? 0 : plan_check_deck(p, s, prefix, err);
    if (rc < 0)
        return rc;
    (void)snprintf(key, sizeof key, "%s%.*s", prefix, DS_FMT(v->plan->bundle_key));
    (void)snprintf(design_key, sizeof design_key, "%.*s", DS_FMT(v->plan->design_key));
    (void)snprintf(plan_key, sizeof plan_key, "plan.%s.json", v->digest);
    rc = put_bundle(v, s, key, err);
    rc = rc < 0 ? rc : put_text(s, prefix, design_key, v->design_csv, false, err);
    rc = rc < 0 ? rc : put_text(s, prefix, plan_key, v->plan_json, false, err);
    rc = rc < 0 ? rc : put_text(s, prefix, "plan.json", v->plan_json, true, err);
    rc = rc < 0 ? rc : put_text(s, prefix, "sweep.yaml", v->sweep_text, true, err);
    return rc;
}
