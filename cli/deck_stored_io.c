/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/deck_stored_io.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_MATCHES 100000u

/* "decks/spe1.data" -> "SPE1.DATA", as bundles call it. */
static bool is_deck(const struct plan *p, struct ds_span given)
{
    struct ds_span stem = path_stem(path_base(given));
    return p->deck_name.len == stem.len + 5
           && ds_span_eq_nocase(stem, (struct ds_span){p->deck_name.ptr, stem.len});
}

int deck_stored_find(const struct deck_request *q, struct ds_arena *a, struct deck_stored *out,
                     struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    struct ds_span text;
    (void)snprintf(key, sizeof key, "%splan.json", q->prefix);
    int rc = store_get(q->store, key, PLAN_MAX_BYTES, a, &text, err);
    if (rc == DS_ENOTFOUND)
        return ds_fail(err, DS_EINPUT,
                       "no deck: nothing was brought, and the store holds no plan of this sweep; "
                       "use `decksweep submit`, or set spec.deckFrom");
    rc = rc < 0 ? rc : plan_decode(text, a, &out->plan, err);
    if (rc < 0)
        return ds_wrap(err, "%s", key);
    if (!is_deck(&out->plan, q->w->deck))
        return ds_fail(err, DS_EINPUT,
                       "no deck: nothing was brought, and the store's plan is of %.*s, not of "
                       "%.*s; use `decksweep submit`, or set spec.deckFrom",
                       DS_FMT(out->plan.deck_name), DS_FMT(q->w->deck));
    if (q->w->method == DESIGN_TABLE)
        return ds_fail(err, DS_EINPUT,
                       "no case table: nothing was brought, and the store's bundle has none; use "
                       "`decksweep submit`, or set spec.deckFrom");
    out->bundle_key = arena_cstr(a, out->plan.bundle_key);
    return out->bundle_key ? 0 : ds_fail(err, DS_ETOOBIG, "no memory");
}

static int by_name(const void *a, const void *b)
{
    return ds_span_compare(ds_span_of(*(char *const *)a), ds_span_of(*(char *const *)b));
}

static int take_matches(const glob_t *found, size_t skip, struct ds_arena *a,
                        struct bundle_param *out, struct ds_err *err)
{
    struct ds_span *paths = ds_new(a, struct ds_span, found->gl_pathc);
    bool fits = paths && found->gl_pathc <= MAX_MATCHES;
    if (fits)
        qsort(found->gl_pathv, found->gl_pathc, sizeof *found->gl_pathv, by_name);
    for (size_t i = 0; fits && i < found->gl_pathc; i++) {
        struct ds_span whole = ds_span_of(found->gl_pathv[i]);
        paths[i] = arena_copy(a, (struct ds_span){whole.ptr + skip, whole.len - skip});
        fits = paths[i].ptr != NULL;
    }
    out->paths = paths;
    out->n_paths = found->gl_pathc;
    return fits ? 0
                : ds_fail(err, DS_ETOOBIG, "%.*s: more than %u files", DS_FMT(out->name),
                          MAX_MATCHES);
}

/* A glob of the sweep file, seen from the bundle's top. The deck is the fixed point: both know
 * where it is. */
static struct ds_span glob_in_bundle(const struct deck_stored *stored, struct ds_span deck,
                                     struct ds_span files, struct ds_arena *a)
{
    struct ds_span from = path_dir(deck), none = {NULL, 0};
    struct ds_span there = path_normalise(a, files);
    if (there.ptr && from.len > 0)
        there = path_relative(a, path_normalise(a, from), there);
    if (!there.ptr)
        return none;
    there = path_normalise(a, path_join(a, stored->plan.deck_dir, there));
    return there.ptr && path_is_safe_member(there) ? there : none;
}

static int match(const struct deck_stored *stored, const struct deck_request *q, const char *root,
                 const struct sweep_param *param, struct ds_arena *a, struct bundle_param *out,
                 struct ds_err *err)
{
    glob_t found = {0};
    bool absolute = q->w->deck.ptr[0] == '/' || param->files.ptr[0] == '/';
    struct ds_span pattern =
        absolute ? (struct ds_span){NULL, 0} : glob_in_bundle(stored, q->w->deck, param->files, a);
    struct ds_span whole = pattern.ptr ? path_join(a, ds_span_of(root), pattern) : pattern;
    out->name = param->name;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): only GLOB_TILDE would be */
    int rc = whole.ptr ? glob(whole.ptr, GLOB_NOSORT, NULL, &found) : GLOB_NOMATCH;
    if (rc != 0 || found.gl_pathc == 0)
        rc = ds_fail(err, DS_EINPUT,
                     "spec.parameters.%.*s.files: nothing was brought, and the store's bundle has "
                     "nothing that matches '%.*s'; use `decksweep submit`, or set spec.deckFrom",
                     DS_FMT(param->name), DS_FMT(param->files));
    else
        rc = take_matches(&found, strlen(root) + 1, a, out, err);
    globfree(&found);
    return rc;
}

int deck_stored_paths(const struct deck_request *q, const struct deck_stored *stored,
                      const char *root, struct ds_arena *a, const struct bundle_paths **out,
                      struct ds_err *err)
{
    const struct plan *p = &stored->plan;
    struct bundle_paths *paths = ds_new(a, struct bundle_paths, 1);
    struct bundle_param *params = ds_new(a, struct bundle_param, q->w->n_params + 1);
    if (!paths || !params)
        return ds_fail(err, DS_ETOOBIG, "no memory");
    paths->deck = arena_format(a, "%.*s%.*s", DS_FMT(p->deck_dir), DS_FMT(p->deck_name));
    paths->table = (struct ds_span){"", 0};
    paths->params = params;
    paths->rewritten = p->rewritten;
    paths->n_rewritten = p->n_rewritten;
    for (size_t i = 0; i < q->w->n_params; i++) { /* sorted by name */
        const struct sweep_param *param = &q->w->params[i];
        if (param->kind != PARAM_FILES)
            continue;
        int rc = match(stored, q, root, param, a, &params[paths->n_params++], err);
        if (rc < 0)
            return rc;
    }
    *out = paths;
    return 0;
}
