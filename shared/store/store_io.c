/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks keys, then leaves the work to the kind of store that the URL names. */
#include "store/store_ops.h"

#include <stdlib.h>

static int check_key(const struct store *s, const char *key, struct ds_err *err)
{
    if (store_key_is_valid(ds_span_of(key)))
        return 0;
    return ds_fail(err, DS_EINPUT,
                   "store %s: '%.100s' is no key: relative, at most %u bytes, no component empty "
                   "or starting with '.'",
                   s->url, key, STORE_KEY_BYTES);
}

static int check_prefix(const struct store *s, const char *prefix, struct ds_err *err)
{
    struct ds_span p = ds_span_of(prefix);
    if (p.len == 0)
        return 0;
    struct ds_span without = {p.ptr, p.len - 1};
    if (ds_span_ends(p, "/") && store_key_is_valid(without))
        return 0;
    return ds_fail(err, DS_EINPUT, "store %s: '%.100s' is no prefix: \"\" or a key and '/'", s->url,
                   prefix);
}

/* "s3" of "s3://bucket"; "" for a path. */
static struct ds_span scheme_of(struct ds_span url)
{
    for (size_t i = 0; i + 3 <= url.len; i++) {
        if (memcmp(url.ptr + i, "://", 3) == 0)
            return (struct ds_span){url.ptr, i};
        if (url.ptr[i] == '/')
            break;
    }
    return (struct ds_span){"", 0};
}

int store_open(const char *url, enum store_mode mode, struct store **out, struct ds_err *err)
{
    struct ds_span scheme = scheme_of(ds_span_of(url));
    if (ds_span_is(scheme, "pvc"))
        return ds_fail(err, DS_EINPUT,
                       "store %.200s: a claim of a cluster cannot be reached from here; give "
                       "--store with a folder",
                       url);
    if (ds_span_is(scheme, "s3"))
        return ds_fail(err, DS_EINPUT,
                       "store %.200s: this build of decksweep has no S3; give --store with a "
                       "folder",
                       url);
    if (scheme.len > 0)
        return ds_fail(err, DS_EINPUT,
                       "store %.200s: unknown kind '%.*s://'; give a folder, as a plain path", url,
                       (int)(scheme.len < 40 ? scheme.len : 40), scheme.ptr);
    if (url[0] == '\0')
        return ds_fail(err, DS_EINPUT, "store: the empty name is no folder; give a path");
    return dir_store_open(url, mode, out, err);
}

void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}

const char *store_url(const struct store *s)
{
    return s->url;
}

bool store_is_dir(const struct store *s)
{
    return s->is_dir;
}

const char *store_note(const struct store *s)
{
    return s->note;
}

static int put_checked(struct store *s, struct store_put_item *items, size_t n, bool replace)
{
    int first = 0;
    for (size_t i = 0; i < n; i++) {
        items[i].existed = false;
        items[i].err = (struct ds_err){0};
        items[i].rc = check_key(s, items[i].key, &items[i].err);
    }
    s->ops->put_many(s, items, n, replace);
    for (size_t i = 0; i < n && first == 0; i++)
        first = items[i].rc;
    return first;
}

int store_put_many_if_absent(struct store *s, struct store_put_item *items, size_t n)
{
    return put_checked(s, items, n, false);
}

int store_put_if_absent(struct store *s, const char *key, struct store_body body, bool *existed,
                        struct ds_err *err)
{
    struct store_put_item item = {.key = key, .body = body};
    int rc = put_checked(s, &item, 1, false);
    if (rc < 0 && err)
        *err = item.err;
    if (rc == 0 && existed)
        *existed = item.existed;
    return rc;
}

int store_put(struct store *s, const char *key, struct store_body body, struct ds_err *err)
{
    struct store_put_item item = {.key = key, .body = body};
    int rc = put_checked(s, &item, 1, true);
    if (rc < 0 && err)
        *err = item.err;
    return rc;
}

int store_object_open(struct store *s, const char *key, struct store_object **out,
                      uint64_t *size_bytes, struct ds_err *err)
{
    int rc = check_key(s, key, err);
    return rc < 0 ? rc : s->ops->object_open(s, key, out, size_bytes, err);
}

int store_object_read(struct store_object *o, uint64_t offset, void *dst, size_t n,
                      struct ds_err *err)
{
    return o->ops->object_read(o, offset, dst, n, err);
}

void store_object_close(struct store_object *o)
{
    if (o)
        o->ops->object_close(o);
}

int store_get_range(struct store *s, const char *key, uint64_t offset, void *dst, size_t n,
                    struct ds_err *err)
{
    struct store_object *o = NULL;
    uint64_t size = 0;
    int rc = store_object_open(s, key, &o, &size, err);
    if (rc == 0)
        rc = store_object_read(o, offset, dst, n, err);
    store_object_close(o);
    return rc;
}

static int get_open(struct store_object *o, uint64_t size, struct ds_arena *a, struct ds_span *out,
                    struct ds_err *err)
{
    char *data = arena_take(a, (size_t)size + 1, 1);
    if (!data)
        return ds_fail(err, DS_ETOOBIG, "%llu bytes do not fit in the memory set aside",
                       (unsigned long long)size);
    int rc = size > 0 ? store_object_read(o, 0, data, (size_t)size, err) : 0;
    if (rc == 0)
        *out = (struct ds_span){data, (size_t)size};
    return rc;
}

int store_get(struct store *s, const char *key, size_t max_bytes, struct ds_arena *a,
              struct ds_span *out, struct ds_err *err)
{
    struct store_object *o = NULL;
    uint64_t size = 0;
    int rc = store_object_open(s, key, &o, &size, err);
    if (rc < 0)
        return rc;
    if (size > max_bytes || size > SIZE_MAX - 1)
        rc = ds_fail(err, DS_ETOOBIG, "store %s: %s: %llu bytes; at most %zu are read", s->url, key,
                     (unsigned long long)size, max_bytes);
    else
        rc = get_open(o, size, a, out, err);
    store_object_close(o);
    return rc;
}

int store_head(struct store *s, const char *key, uint64_t *size_bytes, struct ds_err *err)
{
    int rc = check_key(s, key, err);
    return rc < 0 ? rc : s->ops->head(s, key, size_bytes, err);
}

int store_list(struct store *s, const char *prefix, store_list_f fn, void *context,
               struct ds_err *err)
{
    int rc = check_prefix(s, prefix, err);
    return rc < 0 ? rc : s->ops->list(s, prefix, fn, context, err);
}

int store_remove(struct store *s, const char *key, struct ds_err *err)
{
    int rc = check_key(s, key, err);
    return rc < 0 ? rc : s->ops->remove(s, key, err);
}

int store_sweep_temporaries(struct store *s, const char *prefix, struct ds_err *err)
{
    int rc = check_prefix(s, prefix, err);
    return rc < 0 ? rc : s->ops->sweep_temporaries(s, prefix, err);
}

int store_lock(struct store *s, const char *key, const char *holder, int *fd, struct ds_err *err)
{
    int rc = check_key(s, key, err);
    return rc < 0 ? rc : s->ops->lock(s, key, holder, fd, err);
}

int store_open_append(struct store *s, const char *key, int *fd, struct ds_err *err)
{
    int rc = check_key(s, key, err);
    return rc < 0 ? rc : s->ops->open_append(s, key, fd, err);
}
