/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/read_io.h"

#include "archive/archive.h"
#include "collector/base_io.h"
#include "collector/parts.h"
#include "summary/chain.h"
#include "summary/instant.h"
#include "summary/unsmry.h"
#include "summary/vector_pattern.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define SCRATCH_BYTES   ((size_t)4 << 30)
#define LAYOUT_BYTES    ((size_t)1 << 30)
#define CASE_JSON_BYTES ((size_t)8 << 20)
#define LAYOUTS         4u

struct cached { /* one SMSPEC by content */
    struct ds_arena *a;
    struct ds_span bytes;
    bool formatted;
    struct layout layout;
};

struct case_reader {
    struct store *store;
    struct ds_span prefix;
    const struct plan *plan;
    const struct sweep_collect *what;
    struct archive_reader *archive;
    struct ds_arena *scratch; /* of one case */
    struct cached cached[LAYOUTS];
    unsigned next_cached;
    struct base_finder *bases;
};

struct case_reader *case_reader_create(struct store *s, struct ds_span prefix, const struct plan *p,
                                       const struct sweep_collect *what)
{
    struct case_reader *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    *r = (struct case_reader){.store = s,
                              .prefix = prefix,
                              .plan = p,
                              .what = what,
                              .archive = archive_reader_create(),
                              .scratch = arena_create(SCRATCH_BYTES),
                              .bases = base_finder_create(s, prefix, p)};
    for (size_t i = 0; i < LAYOUTS; i++)
        r->cached[i].a = arena_create(LAYOUT_BYTES);
    return r;
}

void case_reader_destroy(struct case_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < LAYOUTS; i++)
        arena_destroy(r->cached[i].a);
    base_finder_destroy(r->bases);
    archive_reader_destroy(r->archive);
    arena_destroy(r->scratch);
    free(r);
}

/* ---- layouts ---- */

static int choose_vectors(struct case_reader *r, struct cached *c, struct ds_err *err)
{
    struct layout *x = &c->layout;
    const struct smspec *spec = &x->spec;
    const struct summary_vector **chosen =
        ds_new(c->a, const struct summary_vector *, spec->n_vectors);
    x->column = ds_new(c->a, uint32_t, spec->n_vectors);
    if (!chosen || !x->column)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu vectors", spec->n_vectors);
    x->n = 0;
    for (size_t i = 0; i < spec->n_vectors; i++)
        if (vector_patterns_match(r->what->vectors, r->what->n_vectors, spec->vectors[i].key))
            chosen[x->n++] = &spec->vectors[i];
    x->vectors = chosen;
    x->start_s = spec->has_start ? spec->start_s : r->plan->features.start_unix_s;
    return values_hash_init(&x->hash, x->vectors, x->n, c->a, err);
}

static int layout_of(struct case_reader *r, struct ds_span bytes, bool formatted,
                     struct layout **out, struct ds_err *err)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        struct cached *c = &r->cached[i];
        if (c->bytes.len > 0 && c->formatted == formatted && ds_span_eq(c->bytes, bytes)) {
            *out = &c->layout;
            return 0;
        }
    }
    struct cached *c = &r->cached[r->next_cached];
    r->next_cached = (r->next_cached + 1) % LAYOUTS;
    c->bytes = (struct ds_span){NULL, 0};
    c->layout = (struct layout){.n = 0};
    arena_reset(c->a);
    int rc = smspec_read(ds_bytes_of(bytes), formatted, c->a, &c->layout.spec, err);
    if (rc < 0)
        return rc;
    if (c->layout.spec.time_place == SMSPEC_NONE)
        return ds_fail(err, DS_ECORRUPT, "SMSPEC has no TIME");
    rc = choose_vectors(r, c, err);
    if (rc < 0)
        return rc;
    struct ds_span copy = arena_copy(c->a, bytes);
    if (copy.ptr) { /* else it works, uncached */
        c->bytes = copy;
        c->formatted = formatted;
    }
    *out = &c->layout;
    return 0;
}

/* ---- one case ---- */

/* What is open while a case is read. */
struct open_case {
    struct case_reader *r;
    struct store_object *object;
    struct archive_index index;
    struct case_data *out;
    bool times_only;
};

static int read_member(struct open_case *o, const struct archive_member *m, struct ds_span *out,
                       struct ds_err *err)
{
    return archive_read_member(o->r->archive, archive_read_from_store, o->object, m,
                               READ_MAX_SUMMARY_BYTES, o->r->scratch, out, err);
}

static int read_record(struct open_case *o, struct ds_err *err)
{
    const struct archive_member *m = archive_find(&o->index, DS_SPAN("case.json"));
    struct ds_span text;
    if (!m)
        return ds_fail(err, DS_ECORRUPT, "no case.json");
    int rc = archive_read_member(o->r->archive, archive_read_from_store, o->object, m,
                                 CASE_JSON_BYTES, o->r->scratch, &text, err);
    return rc == 0 ? case_record_decode(text, o->r->scratch, &o->out->record, err) : rc;
}

static int read_data(struct open_case *o, const struct parts *parts, uint32_t n_params,
                     struct unsmry *u, struct ds_err *err)
{
    struct ds_bytes *bytes = ds_new(o->r->scratch, struct ds_bytes, parts->n_data);
    if (!bytes)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu files", parts->n_data);
    for (size_t i = 0; i < parts->n_data; i++) {
        struct ds_span text;
        int rc = read_member(o, parts->data[i], &text, err);
        if (rc < 0)
            return rc;
        bytes[i] = ds_bytes_of(text);
    }
    return unsmry_index(bytes, parts->n_data, parts->formatted, n_params, o->r->scratch, u, err);
}

/* The reports of a case, its history before a restart included. */
struct history {
    const struct layout *layout;
    const struct unsmry *own;
    struct chain chain; /* when joined */
    bool joined;
    size_t n_reports;
};

static void read_columns(const struct history *h, const uint32_t *places, const uint32_t *vectors,
                         size_t n, float *out)
{
    if (h->joined)
        chain_read_columns(&h->chain, h->chain.reports, h->n_reports, vectors, n, out,
                           h->n_reports);
    else
        unsmry_read_columns(h->own, h->own->reports, h->n_reports, places, n, out, h->n_reports);
}

/* Strictly ascending instants; *keep[i] is the report of the i-th. */
static size_t take_instants(const struct layout *x, const float *time, size_t n, int64_t *instants,
                            uint32_t *keep)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t at = 0;
        if (!summary_instant(x->start_s, time[i], x->spec.in_hours, &at)
            || (k > 0 && at <= instants[k - 1]))
            continue;
        instants[k] = at;
        keep[k++] = (uint32_t)i;
    }
    return k;
}

static int read_times(struct open_case *o, const struct history *h, uint32_t *keep,
                      struct ds_err *err)
{
    const struct layout *x = h->layout;
    float *time = ds_new(o->r->scratch, float, h->n_reports);
    int64_t *instants = ds_new(o->r->scratch, int64_t, h->n_reports);
    if (!time || !instants)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu report steps", h->n_reports);
    uint32_t vector = 0;
    while (vector < x->spec.n_vectors && x->spec.vectors[vector].place != x->spec.time_place)
        vector++;
    if (vector == x->spec.n_vectors)
        return ds_fail(err, DS_ECORRUPT, "SMSPEC has no TIME");
    read_columns(h, &x->spec.time_place, &vector, 1, time);
    o->out->n_reports = take_instants(x, time, h->n_reports, instants, keep);
    o->out->n_dropped = h->n_reports - o->out->n_reports;
    o->out->instants_s = instants;
    return 0;
}

static int read_values(struct open_case *o, const struct history *h, const uint32_t *keep,
                       struct ds_err *err)
{
    const struct layout *x = h->layout;
    struct ds_arena *a = o->r->scratch;
    if (x->n > 0 && h->n_reports > READ_MAX_SUMMARY_BYTES / sizeof(float) / x->n)
        return ds_fail(err, DS_ETOOBIG, "more values than %zu bytes", READ_MAX_SUMMARY_BYTES);
    float *values = ds_new(a, float, x->n * h->n_reports);
    uint32_t *places = ds_new(a, uint32_t, x->n), *vectors = ds_new(a, uint32_t, x->n);
    if (!values || !places || !vectors)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu values", x->n * h->n_reports);
    for (size_t i = 0; i < x->n; i++) {
        places[i] = x->vectors[i]->place;
        vectors[i] = (uint32_t)(x->vectors[i] - x->spec.vectors);
    }
    read_columns(h, places, vectors, x->n, values);
    for (size_t i = 0; o->out->n_dropped > 0 && i < x->n; i++)
        for (size_t k = 0; k < o->out->n_reports; k++)
            values[i * h->n_reports + k] = values[i * h->n_reports + keep[k]];
    o->out->values = values;
    o->out->stride = h->n_reports;
    return 0;
}

/* Put the base's history before a continued case, as far as it can be found. */
static int join_bases(struct open_case *o, struct ds_span dir, struct history *h,
                      struct ds_err *err)
{
    struct chain_link links[CHAIN_MAX_LINKS] = {{&h->layout->spec, h->own}};
    struct base_source here = {o->r->archive, archive_read_from_store, o->object, &o->index};
    size_t n = base_finder_find(o->r->bases, &here, dir, o->r->scratch, links);
    struct chain_link *kept = ds_new(o->r->scratch, struct chain_link, n);
    if (!kept)
        return ds_fail(err, DS_ETOOBIG, "no room for a restart chain");
    memcpy(kept, links, n * sizeof *kept);
    struct ds_err why;
    if (chain_join(kept, n, o->r->scratch, &h->chain, &why) < 0) {
        o->out->note =
            arena_format(o->r->scratch, "the history before the restart is left out: %s", why.text);
        return 0;
    }
    h->joined = true;
    h->n_reports = h->chain.n_reports;
    if (h->chain.missing_root.len > 0 || h->chain.n_missing_reports > 0)
        o->out->note = arena_format(o->r->scratch,
                                    "the history before the restart is not whole: the summary of "
                                    "%.*s lacks %u report steps%s; put its SMSPEC and UNSMRY "
                                    "beside its UNRST",
                                    DS_FMT(h->chain.missing_root), h->chain.n_missing_reports,
                                    n == 1 ? " (not found)" : "");
    return 0;
}

static int read_reports(struct open_case *o, struct ds_span dir, const struct layout *x,
                        const struct unsmry *u, struct ds_err *err)
{
    struct history h = {.layout = x, .own = u, .n_reports = u->n_reports};
    if (x->spec.restart_step > 0 || x->spec.restart_root.len > 0) {
        int rc = join_bases(o, dir, &h, err);
        if (rc < 0)
            return rc;
    }
    uint32_t *keep = ds_new(o->r->scratch, uint32_t, h.n_reports);
    if (!keep)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu report steps", h.n_reports);
    int rc = read_times(o, &h, keep, err);
    return rc == 0 && !o->times_only ? read_values(o, &h, keep, err) : rc;
}

/* "model" -> "model/": writers should, readers need not insist. */
static struct ds_span with_slash(struct ds_span dir, struct ds_arena *a)
{
    if (dir.len == 0 || dir.ptr[dir.len - 1] == '/')
        return dir;
    struct ds_span whole = arena_format(a, "%.*s/", DS_FMT(dir));
    return whole.ptr ? whole : dir;
}

static int read_summary(struct open_case *o, struct ds_err *err)
{
    struct case_reader *r = o->r;
    const struct case_record *record = &o->out->record;
    struct ds_span root = record->root.len ? record->root : r->plan->case_root;
    struct ds_span dir = with_slash(record->dir, r->scratch);
    struct parts parts = {.spec = NULL};
    struct ds_span spec = {NULL, 0};
    struct layout *x = NULL;
    int rc = parts_find(&o->index, dir, root, r->scratch, &parts, err);
    if (rc < 0)
        return rc;
    if (!parts.spec && record->verdict != VERDICT_OK)
        return 0; /* why it failed is told with its row: often before there was a summary */
    if (!parts.spec)
        return ds_fail(err, DS_ENOTFOUND, "no summary in its archive");
    rc = read_member(o, parts.spec, &spec, err);
    if (rc == 0)
        rc = layout_of(r, spec, parts.formatted, &x, err);
    if (rc < 0 || !x)
        return rc;
    struct unsmry u = {.n_steps = 0};
    rc = read_data(o, &parts, x->spec.n_params, &u, err);
    if (rc == 0)
        rc = read_reports(o, dir, x, &u, err);
    if (rc < 0)
        return rc;
    if (u.state != UNSMRY_WHOLE && record->verdict == VERDICT_OK)
        o->out->trouble = arena_copy(r->scratch, ds_span_of(u.trouble));
    o->out->layout = x;
    return 0;
}

int case_reader_read(struct case_reader *r, struct ds_span key, bool times_only,
                     struct case_data *out, struct ds_err *err)
{
    uint64_t size = 0;
    struct ds_err why;
    arena_reset(r->scratch);
    struct ds_span full = arena_format(r->scratch, "%.*s%.*s", DS_FMT(r->prefix), DS_FMT(key));
    if (!full.ptr)
        return ds_fail(err, DS_ETOOBIG, "no room");
    struct open_case o = {.r = r, .out = out, .times_only = times_only};
    *out = (struct case_data){.trouble = DS_SPAN(""), .note = DS_SPAN("")};
    int rc = store_object_open(r->store, full.ptr, &o.object, &size, err);
    if (rc < 0)
        return rc;
    rc = archive_read_index(archive_read_from_store, o.object, size, r->scratch, &o.index, err);
    if (rc == 0)
        rc = read_record(&o, err);
    if (rc == 0 && read_summary(&o, &why) < 0) {
        out->trouble = arena_copy(r->scratch, ds_span_of(why.text));
        out->n_reports = 0;
        out->layout = NULL;
    }
    store_object_close(o.object);
    return rc;
}
