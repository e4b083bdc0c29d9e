/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/bundle_paths.h"

#include "base/json.h"
#include "base/path.h"
#include "base/utf8.h"
#include "scheduler/param_name.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_PARAMS    1000u
#define MAX_PATHS     100000u
#define MAX_REWRITTEN 100000u
#define KEY_PREFIX    "deck."
#define KEY_SUFFIX    ".tar.zst"

/* ---- encode ---- */

static int check_path(struct ds_span path, const char *what, struct ds_err *err)
{
    if (!utf8_is_valid(path)) /* JSON has no other texts: the name would change on its way */
        return ds_fail(err, DS_EINPUT,
                       BUNDLE_PATHS_NAME ": %s: '%.*s' is not UTF-8; rename the file", what,
                       (int)(path.len < 200 ? path.len : 200), path.ptr);
    if (path_is_safe_member(path))
        return 0;
    return ds_fail(err, DS_EINPUT,
                   BUNDLE_PATHS_NAME ": %s: '%.*s' leaves the bundle; write a path below it, "
                                     "without '..' and not absolute",
                   what, (int)(path.len < 200 ? path.len : 200), path.ptr);
}

static int check_all(const struct bundle_paths *p, struct ds_err *err)
{
    int rc = check_path(p->deck, "deck", err);
    if (rc == 0 && p->table.len > 0)
        rc = check_path(p->table, "table", err);
    for (size_t i = 0; i < p->n_params && rc == 0; i++)
        for (size_t k = 0; k < p->params[i].n_paths && rc == 0; k++)
            rc = check_path(p->params[i].paths[k], "files", err);
    return rc;
}

static void put_texts(struct json_writer *w, const struct ds_span *texts, size_t n)
{
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_text(w, texts[i]);
    jw_end_array(w);
}

int bundle_paths_encode(const struct bundle_paths *p, struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    int rc = check_all(p, err);
    if (rc < 0)
        return rc;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_text(&w, "deck", p->deck);
    if (p->n_params > 0) {
        jw_key(&w, "files");
        jw_object(&w);
        for (size_t i = 0; i < p->n_params; i++) {
            jw_key_span(&w, p->params[i].name);
            put_texts(&w, p->params[i].paths, p->params[i].n_paths);
        }
        jw_end_object(&w);
    }
    if (p->n_rewritten > 0) {
        jw_key(&w, "rewritten");
        put_texts(&w, p->rewritten, p->n_rewritten);
    }
    if (p->table.len > 0)
        jw_kv_text(&w, "table", p->table);
    jw_kv_u64(&w, "version", BUNDLE_PATHS_VERSION);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
    return buf_check(out, BUNDLE_PATHS_NAME, err);
}

/* ---- decode ---- */

static int bad(struct ds_err *err, const char *what)
{
    return ds_fail(err, DS_EPARSE, BUNDLE_PATHS_NAME ": %s", what);
}

static int full(struct ds_err *err)
{
    return ds_fail(err, DS_ETOOBIG, BUNDLE_PATHS_NAME ": more than fits in memory");
}

static int take_text(const struct json *j, const char *what, struct ds_arena *a,
                     struct ds_span *out, struct ds_err *err)
{
    struct ds_span text;
    if (!json_text(j, &text))
        return ds_fail(err, DS_EPARSE, BUNDLE_PATHS_NAME ": '%s' holds something else than text",
                       what);
    *out = arena_copy(a, text);
    return out->ptr ? 0 : full(err);
}

static int take_texts(const struct json *list, const char *what, size_t max, bool are_paths,
                      struct ds_arena *a, const struct ds_span **out, size_t *n, struct ds_err *err)
{
    size_t room = json_count(list), i = 0;
    if (!json_is_array(list) || room > max)
        return ds_fail(err, DS_EPARSE, BUNDLE_PATHS_NAME ": '%s' is no list of at most %zu", what,
                       max);
    struct ds_span *texts = ds_new(a, struct ds_span, room);
    if (!texts)
        return full(err);
    for (const struct json *c = json_first(list); c; c = json_next(c), i++) {
        int rc = take_text(c, what, a, &texts[i], err);
        if (rc == 0 && are_paths)
            rc = check_path(texts[i], what, err);
        if (rc < 0)
            return rc;
    }
    *out = texts;
    *n = room;
    return 0;
}

static int compare_params(const void *a, const void *b)
{
    const struct bundle_param *x = a, *y = b;
    return ds_span_compare(x->name, y->name);
}

static int take_params(const struct json *files, struct ds_arena *a, struct bundle_paths *out,
                       struct ds_err *err)
{
    size_t room = json_count(files), total = 0, i = 0;
    if (json_is_null(files))
        return 0;
    if (!json_is_object(files) || room > MAX_PARAMS)
        return bad(err, "'files' is no mapping of at most 1000 parameters");
    struct bundle_param *params = ds_new(a, struct bundle_param, room);
    if (!params)
        return full(err);
    for (const struct json *c = json_first(files); c; c = json_next(c), i++) {
        struct bundle_param *p = &params[i];
        p->name = arena_copy(a, json_key(c));
        if (!p->name.ptr)
            return full(err);
        if (!param_name_is_word(p->name))
            return bad(err, "'files' names something that is no parameter");
        int rc = take_texts(c, "files", MAX_PATHS - total, true, a, &p->paths, &p->n_paths, err);
        if (rc < 0)
            return rc;
        total += p->n_paths;
        if (p->n_paths == 0)
            return ds_fail(err, DS_EINPUT, BUNDLE_PATHS_NAME ": %.*s has no file at all",
                           DS_FMT(p->name));
    }
    qsort(params, room, sizeof *params, compare_params);
    for (i = 1; i < room; i++)
        if (ds_span_eq(params[i].name, params[i - 1].name))
            return bad(err, "'files' names a parameter twice");
    out->params = params;
    out->n_params = room;
    return 0;
}

static int take_all(const struct json *j, struct ds_arena *a, struct bundle_paths *out,
                    struct ds_err *err)
{
    uint64_t version;
    if (!json_is_object(j) || !json_u64(json_get(j, "version"), UINT32_MAX, &version))
        return bad(err, "no object with a 'version'");
    if (version != BUNDLE_PATHS_VERSION)
        return ds_fail(err, DS_EINPUT,
                       BUNDLE_PATHS_NAME ": version %llu, made by another decksweep; use one "
                                         "version of the command line and the cluster",
                       (unsigned long long)version);
    int rc = take_text(json_get(j, "deck"), "deck", a, &out->deck, err);
    rc = rc < 0 ? rc : check_path(out->deck, "deck", err);
    const struct json *table = json_get(j, "table");
    if (rc == 0 && !json_is_null(table)) {
        rc = take_text(table, "table", a, &out->table, err);
        rc = rc < 0 ? rc : check_path(out->table, "table", err);
    }
    const struct json *rewritten = json_get(j, "rewritten");
    if (rc == 0 && !json_is_null(rewritten))
        rc = take_texts(rewritten, "rewritten", MAX_REWRITTEN, false, a, &out->rewritten,
                        &out->n_rewritten, err);
    return rc < 0 ? rc : take_params(json_get(j, "files"), a, out, err);
}

int bundle_paths_decode(struct ds_span text, struct ds_arena *a, struct bundle_paths *out,
                        struct ds_err *err)
{
    ds_auto_json j = NULL;
    struct bundle_paths p = {.table = {"", 0}};
    int rc = json_parse(text, BUNDLE_PATHS_MAX_BYTES, &j, err);
    if (rc < 0)
        return ds_wrap(err, BUNDLE_PATHS_NAME);
    rc = take_all(j, a, &p, err);
    if (rc == 0)
        *out = p;
    return rc;
}

const struct bundle_param *bundle_paths_find(const struct bundle_paths *p, struct ds_span name)
{
    struct bundle_param want = {.name = name};
    if (p->n_params == 0)
        return NULL;
    return bsearch(&want, p->params, p->n_params, sizeof *p->params, compare_params);
}

/* ---- names that carry a digest ---- */

static bool take_hex(struct ds_span text, char out[BUNDLE_HEX_BYTES])
{
    if (text.len != BUNDLE_HEX_BYTES - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

bool bundle_name_digest(struct ds_span config_map, char out[BUNDLE_HEX_BYTES])
{
    const size_t n = BUNDLE_HEX_BYTES - 1;
    if (config_map.len <= n + 1 || config_map.ptr[config_map.len - n - 1] != '-')
        return false;
    return take_hex((struct ds_span){config_map.ptr + config_map.len - n, n}, out);
}

void bundle_key_of(const char *hex, char out[BUNDLE_KEY_BYTES])
{
    (void)snprintf(out, BUNDLE_KEY_BYTES, KEY_PREFIX "%.16s" KEY_SUFFIX, hex);
}

bool bundle_key_digest(struct ds_span key, char hex[BUNDLE_HEX_BYTES])
{
    const size_t before = sizeof KEY_PREFIX - 1, after = sizeof KEY_SUFFIX - 1;
    if (!ds_span_starts(key, KEY_PREFIX) || !ds_span_ends(key, KEY_SUFFIX)
        || key.len < before + after)
        return false;
    return take_hex((struct ds_span){key.ptr + before, key.len - before - after}, hex);
}

bool bundle_key_from(struct ds_span kind, struct ds_span name, char out[BUNDLE_KEY_BYTES])
{
    char hex[BUNDLE_HEX_BYTES];
    bool is_known = (ds_span_is(kind, "configMap") && bundle_name_digest(name, hex))
                    || (ds_span_is(kind, "store") && bundle_key_digest(name, hex));
    if (is_known)
        bundle_key_of(hex, out);
    return is_known;
}
