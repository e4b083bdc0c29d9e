/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_canonical.h"

#include <stdlib.h>

#define MAX_DEPTH 48u

struct level { /* an object or array being written */
    const struct json **members;
    size_t n, next;
    bool is_object;
};

struct canonical {
    struct level level[MAX_DEPTH];
    unsigned depth;
    const struct json_skip *skip;
    size_t n_skip;
    struct ds_arena *scratch;
    struct json_writer w;
};

static int compare_keys(const void *x, const void *y)
{
    const struct json *const *a = x, *const *b = y;
    return ds_span_compare(json_key(*a), json_key(*b));
}

/* outer: key of the member of the top object that we are in; {NULL, 0}: of the top itself. */
static bool is_skipped(const struct canonical *c, struct ds_span outer, const struct json *member)
{
    for (size_t i = 0; i < c->n_skip; i++) {
        const struct json_skip *s = &c->skip[i];
        struct ds_span key = json_key(member);
        if (outer.ptr ? s->inner && ds_span_is(outer, s->outer) && ds_span_is(key, s->inner)
                      : !s->inner && ds_span_is(key, s->outer))
            return true;
    }
    return false;
}

static bool loses_all(const struct canonical *c, const struct json *member)
{
    bool skipped = false;
    if (!json_is_object(member))
        return false;
    for (const struct json *m = json_first(member); m; m = json_next(m)) {
        bool here = is_skipped(c, json_key(member), m);
        if (!here && !json_is_null(m))
            return false;
        skipped = skipped || here;
    }
    return skipped;
}

static bool is_wanted(const struct canonical *c, const struct json *member)
{
    if (json_is_null(member))
        return false;
    if (c->depth == 0)
        return !is_skipped(c, (struct ds_span){NULL, 0}, member) && !loses_all(c, member);
    if (c->depth == 1 && c->level[0].is_object) {
        const struct level *top = &c->level[0];
        return !is_skipped(c, json_key(top->members[top->next - 1]), member);
    }
    return true;
}

static int open_level(struct canonical *c, const struct json *value, struct ds_err *err)
{
    bool is_object = json_is_object(value);
    const struct json **members;
    size_t n = 0;
    if (c->depth == MAX_DEPTH)
        return ds_fail(err, DS_ETOOBIG, "nested deeper than %u", MAX_DEPTH);
    members = ds_new(c->scratch, const struct json *, json_count(value));
    if (!members)
        return ds_fail(err, DS_ETOOBIG, "too many members");
    for (const struct json *m = json_first(value); m; m = json_next(m))
        if (!is_object || is_wanted(c, m))
            members[n++] = m;
    if (is_object) {
        qsort(members, n, sizeof(void *), compare_keys);
        jw_object(&c->w);
    } else {
        jw_array(&c->w);
    }
    c->level[c->depth++] = (struct level){members, n, 0, is_object};
    return 0;
}

static void put_plain(struct json_writer *w, const struct json *value)
{
    struct ds_span text;
    double x;
    bool b;
    if (json_text(value, &text))
        jw_text(w, text);
    else if (json_number(value, &x))
        jw_double(w, x);
    else if (json_bool(value, &b))
        jw_bool(w, b);
    else
        jw_null(w);
}

int json_put_canonical(const struct json *value, const struct json_skip *skip, size_t n_skip,
                       struct ds_arena *scratch, struct ds_buf *out, struct ds_err *err)
{
    struct canonical c = {.skip = skip, .n_skip = n_skip, .scratch = scratch};
    const struct json *at = value;
    int rc = 0;
    jw_init(&c.w, out);
    do {
        if (json_is_object(at) || json_is_array(at))
            rc = open_level(&c, at, err);
        else
            put_plain(&c.w, at);
        if (rc < 0)
            return rc;
        while (c.depth > 0 && c.level[c.depth - 1].next == c.level[c.depth - 1].n) {
            if (c.level[--c.depth].is_object)
                jw_end_object(&c.w);
            else
                jw_end_array(&c.w);
        }
        if (c.depth > 0) {
            struct level *l = &c.level[c.depth - 1];
            at = l->members[l->next++];
            if (l->is_object)
                jw_key_span(&c.w, json_key(at));
        }
    } while (c.depth > 0);
    return buf_check(out, "canonical JSON", err);
}
