/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"

struct ds_span path_join(struct ds_arena *a, struct ds_span dir, struct ds_span name)
{
    if (dir.len == 0 || (name.len > 0 && name.ptr[0] == '/'))
        return arena_copy(a, name);
    bool slash = dir.ptr[dir.len - 1] == '/';
    return arena_format(a, "%.*s%s%.*s", DS_FMT(dir), slash ? "" : "/", DS_FMT(name));
}

/* Where the last component of out[0..len) starts; components never hold '/'. */
static size_t last_start(const char *out, size_t len)
{
    while (len > 0 && out[len - 1] != '/')
        len--;
    return len;
}

struct ds_span path_normalise(struct ds_arena *a, struct ds_span path)
{
    char *out = arena_take(a, path.len + 2, 1);
    if (!out)
        return (struct ds_span){NULL, 0};
    bool absolute = path.len > 0 && path.ptr[0] == '/';
    size_t root = absolute ? 1 : 0, n = root;
    if (absolute)
        out[0] = '/';
    while (path.len > 0) {
        struct ds_span part;
        path = ds_span_cut(path, '/', &part);
        if (part.len == 0 || ds_span_is(part, "."))
            continue;
        if (ds_span_is(part, "..")) {
            size_t at = last_start(out, n);
            struct ds_span last = {out + at, n - at};
            if (n > root && !ds_span_is(last, "..")) {
                n = at > root ? at - 1 : root;
                continue;
            }
            if (absolute)
                continue;
        }
        if (n > root)
            out[n++] = '/';
        memcpy(out + n, part.ptr, part.len);
        n += part.len;
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = '\0';
    return (struct ds_span){out, n};
}

struct ds_span path_base(struct ds_span path)
{
    for (size_t i = path.len; i > 0; i--)
        if (path.ptr[i - 1] == '/')
            return (struct ds_span){path.ptr + i, path.len - i};
    return path;
}

struct ds_span path_dir(struct ds_span path)
{
    for (size_t i = path.len; i > 0; i--)
        if (path.ptr[i - 1] == '/')
            return (struct ds_span){path.ptr, i == 1 ? 1 : i - 1};
    return (struct ds_span){path.ptr, 0};
}

struct ds_span path_extension(struct ds_span path)
{
    struct ds_span base = path_base(path);
    for (size_t i = base.len; i > 1; i--)
        if (base.ptr[i - 1] == '.')
            return (struct ds_span){base.ptr + i, base.len - i};
    return (struct ds_span){base.ptr + base.len, 0};
}

struct ds_span path_stem(struct ds_span path)
{
    struct ds_span base = path_base(path);
    size_t ext = path_extension(path).len;
    bool dotted = ext > 0 || (base.len > 1 && base.ptr[base.len - 1] == '.');
    return (struct ds_span){base.ptr, base.len - ext - (dotted ? 1 : 0)};
}

bool path_is_safe_member(struct ds_span path)
{
    if (path.len == 0 || path.len > PATH_MAX_BYTES || path.ptr[0] == '/')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.ptr[i] < 0x20 || path.ptr[i] == 0x7f)
            return false;
    if (path.ptr[path.len - 1] == '/')
        return false;
    while (path.len > 0) {
        struct ds_span part;
        path = ds_span_cut(path, '/', &part);
        if (part.len == 0 || ds_span_is(part, ".") || ds_span_is(part, ".."))
            return false;
    }
    return true;
}

static struct ds_span skip_slash(struct ds_span s)
{
    if (s.len > 0 && s.ptr[0] == '/')
        return (struct ds_span){s.ptr + 1, s.len - 1};
    return s;
}

struct ds_span path_relative(struct ds_arena *a, struct ds_span from, struct ds_span to)
{
    struct ds_span f = skip_slash(from), t = skip_slash(to);
    if (ds_span_is(f, "."))
        f.len = 0;
    for (;;) {
        struct ds_span fh, th;
        struct ds_span fr = ds_span_cut(f, '/', &fh), tr = ds_span_cut(t, '/', &th);
        if (fh.len == 0 || th.len == 0 || !ds_span_eq(fh, th))
            break;
        f = fr;
        t = tr;
    }
    size_t ups = 0;
    while (f.len > 0) {
        struct ds_span head;
        f = ds_span_cut(f, '/', &head);
        ups += head.len > 0;
    }
    char *out = arena_take(a, ups * 3 + t.len + 2, 1);
    if (!out)
        return (struct ds_span){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < ups; i++, n += 3)
        memcpy(out + n, "../", 3);
    if (t.len > 0)
        memcpy(out + n, t.ptr, t.len);
    n += t.len;
    if (t.len == 0 && n == 0)
        out[n++] = '.';
    else if (t.len == 0)
        n--; /* the slash behind the last ".." */
    out[n] = '\0';
    return (struct ds_span){out, n};
}
