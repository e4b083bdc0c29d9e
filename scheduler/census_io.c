/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/census_io.h"

#include "archive/archive.h"
#include "base/log_io.h"
#include "base/path.h"
#include "base/units.h"
#include "contract/number_list.h"
#include "scheduler/siblings.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_SIBLINGS    32u
#define CASE_JSON_BYTES (8u << 20)
#define REPORT_BYTES    65536u

struct gathering {
    struct ds_arena *a;
    size_t prefix_len;
    struct listing_key *keys;
    size_t n, room;
};

static int gather_key(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    struct gathering *g = context;
    (void)mtime_ms;
    if (g->n == g->room) {
        size_t room = g->room ? g->room * 2 : 1024;
        struct listing_key *more = ds_new(g->a, struct listing_key, room);
        if (!more)
            return DS_ETOOBIG;
        if (g->n > 0)
            memcpy(more, g->keys, g->n * sizeof *more);
        g->keys = more;
        g->room = room;
    }
    struct ds_span inner = {key.ptr + g->prefix_len, key.len - g->prefix_len};
    struct ds_span copy = arena_copy(g->a, inner);
    if (!copy.ptr)
        return DS_ETOOBIG;
    g->keys[g->n++] = (struct listing_key){copy, size_bytes};
    return 0;
}

struct noting { /* what rounds/ holds */
    struct ds_arena *a;
    struct report_key *reports;
    size_t n, room;
    uint32_t last;
};

/* rounds/<N>.json or rounds/<N>.<index>.json. */
static bool parse_round_key(struct ds_span key, struct report_key *out, bool *is_report)
{
    struct ds_span head, middle, rest = ds_span_cut(path_base(key), '.', &head);
    uint64_t round, index = 0;
    if (units_parse_u64(head, UINT32_MAX - 1, &round, NULL) < 0)
        return false;
    *is_report = !ds_span_is(rest, "json");
    if (*is_report
        && (!ds_span_is(ds_span_cut(rest, '.', &middle), "json")
            || units_parse_u64(middle, UINT32_MAX, &index, NULL) < 0))
        return false;
    *out = (struct report_key){(uint32_t)round, (uint32_t)index};
    return true;
}

static int note_round(void *context, struct ds_span key, uint64_t size_bytes, int64_t mtime_ms)
{
    struct noting *t = context;
    struct report_key found;
    bool is_report;
    (void)size_bytes;
    (void)mtime_ms;
    if (!parse_round_key(key, &found, &is_report))
        return 0;
    if (found.round > t->last)
        t->last = found.round;
    if (!is_report)
        return 0;
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 64;
        struct report_key *more = ds_new(t->a, struct report_key, room);
        if (!more)
            return DS_ETOOBIG;
        if (t->n > 0)
            memcpy(more, t->reports, t->n * sizeof *more);
        t->reports = more;
        t->room = room;
    }
    t->reports[t->n++] = found;
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct report_key *x = a, *y = b;
    if (x->round != y->round)
        return x->round > y->round ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int list_folder(struct store *s, const char *prefix, const char *folder, store_list_f fn,
                       void *context, struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s%s/", prefix, folder);
    int rc = store_list(s, key, fn, context, err);
    if (rc == DS_ENOTFOUND)
        return 0;
    if (rc == DS_ETOOBIG)
        return ds_fail(err, DS_ETOOBIG, "%s: too many objects", key);
    return rc;
}

int census_list(struct store *s, const char *prefix, struct ds_arena *a, struct sweep_listing *out,
                struct ds_err *err)
{
    static const char *const FOLDERS[] = {"cases", "failed", "started"};
    struct gathering g = {.a = a, .prefix_len = strlen(prefix)};
    struct noting t = {.a = a};
    for (size_t i = 0; i < DS_COUNT(FOLDERS); i++) {
        int rc = list_folder(s, prefix, FOLDERS[i], gather_key, &g, err);
        if (rc < 0)
            return rc;
    }
    int rc = list_folder(s, prefix, "rounds", note_round, &t, err);
    if (rc < 0)
        return rc;
    if (t.n > 0)
        qsort(t.reports, t.n, sizeof *t.reports, newest_first);
    *out = (struct sweep_listing){.keys = g.keys,
                                  .n_keys = g.n,
                                  .last_round = t.last,
                                  .reports = t.reports,
                                  .n_reports = t.n};
    return 0;
}

struct timing { /* of one worker */
    uint64_t ms_q50, n_ok, n_all;
};

static int compare_timings(const void *a, const void *b)
{
    const struct timing *x = a, *y = b;
    return (x->ms_q50 > y->ms_q50) - (x->ms_q50 < y->ms_q50);
}

/* The median of the workers' medians, each counted as often as it ran cases; where none ended
 * well, those that did not tell how long a case takes. */
static uint64_t median_of(struct timing *at, size_t n, uint64_t n_ok, uint64_t n_all)
{
    uint64_t seen = 0, all = n_ok > 0 ? n_ok : n_all;
    qsort(at, n, sizeof *at, compare_timings);
    for (size_t i = 0; i < n; i++) {
        seen += n_ok > 0 ? at[i].n_ok : at[i].n_all;
        if (seen * 2 >= all)
            return at[i].ms_q50;
    }
    return 0;
}

static struct timing timing_of(const struct chunk_report *r)
{
    const uint64_t most = 1000000; /* of a hostile report */
    struct timing t = {.ms_q50 = r->run_ms_q50};
    for (unsigned v = VERDICT_NONE + 1; v < VERDICT_COUNT; v++)
        t.n_all += r->attempts[v] < most ? r->attempts[v] : most;
    t.n_ok = r->attempts[VERDICT_OK] < most ? r->attempts[VERDICT_OK] : most;
    return t;
}

static void learn_report(struct size_evidence *e, const struct chunk_report *r)
{
    if (r->peak_mem_bytes > e->sibling_peak_bytes)
        e->sibling_peak_bytes = r->peak_mem_bytes;
    if (r->attempts[VERDICT_OK] > 0 && r->run_ms_max > e->sibling_ms_max)
        e->sibling_ms_max = r->run_ms_max;
}

static void read_reports(struct store *s, const char *prefix, const char *plan_digest,
                         const struct sweep_listing *l, struct size_evidence *e)
{
    size_t most = l->n_reports < CENSUS_MAX_REPORTS ? l->n_reports : CENSUS_MAX_REPORTS, n = 0;
    ds_auto_arena a = arena_create(1u << 20);
    ds_auto_arena timings = arena_create(1u << 20);
    struct timing *at = ds_new(timings, struct timing, most);
    uint64_t n_ok = 0, n_all = 0;
    for (size_t i = 0; at && i < most; i++) {
        char key[STORE_KEY_BYTES];
        struct ds_span text;
        struct chunk_report r;
        arena_reset(a);
        (void)snprintf(key, sizeof key, "%srounds/%u.%u.json", prefix, l->reports[i].round,
                       l->reports[i].index);
        if (store_get(s, key, REPORT_BYTES, a, &text, NULL) < 0
            || chunk_report_decode(text, &r, NULL) < 0 || strcmp(r.plan_digest, plan_digest) != 0)
            continue;
        learn_report(e, &r);
        at[n] = timing_of(&r);
        n_ok += at[n].n_ok;
        n_all += at[n++].n_all;
    }
    if (n_all > 0)
        e->sibling_ms_q50 = median_of(at, n, n_ok, n_all);
    e->n_siblings += (uint32_t)(n_ok < 1000000000 ? n_ok : 1000000000);
}

static bool read_sibling(struct store *s, const char *key, const struct plan *p,
                         struct archive_reader *reader, struct ds_arena *a, struct case_record *out)
{
    struct store_object *o;
    uint64_t size;
    struct archive_index index;
    struct ds_span text;
    if (store_object_open(s, key, &o, &size, NULL) < 0)
        return false;
    const struct archive_member *m = NULL;
    if (archive_read_index(archive_read_from_store, o, size, a, &index, NULL) == 0)
        m = archive_find(&index, DS_SPAN("case.json"));
    bool ok = m
              && archive_read_member(reader, archive_read_from_store, o, m, CASE_JSON_BYTES, a,
                                     &text, NULL)
                     == 0
              && case_record_decode(text, a, out, NULL) == 0;
    store_object_close(o);
    return ok && ds_span_is(out->base_digest, p->base_digest) && out->ranks == p->ranks
           && ds_span_eq(out->simulator_version, p->simulator_version);
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void read_siblings(struct store *s, const char *prefix, const struct planned_view *v,
                          const struct sweep_listing *l, struct size_evidence *e)
{
    uint64_t times[MAX_SIBLINGS];
    uint32_t picked[SIBLINGS_MAX_LOOKS], n = 0;
    ds_auto_arena scratch = arena_create(SIBLINGS_ARENA_BYTES(v->design->n_rows));
    size_t n_picked =
        siblings_pick(v->design, l->keys, l->n_keys, scratch, picked, SIBLINGS_MAX_LOOKS);
    struct archive_reader *reader = archive_reader_create();
    ds_auto_arena a = arena_create((size_t)CASE_JSON_BYTES * 4);
    for (size_t i = 0; i < n_picked && n < MAX_SIBLINGS; i++) {
        char key[STORE_KEY_BYTES];
        struct case_record r;
        arena_reset(a);
        (void)snprintf(key, sizeof key, "%s%.*s", prefix, DS_FMT(l->keys[picked[i]].key));
        if (!read_sibling(s, key, v->plan, reader, a, &r))
            continue;
        if (r.peak_mem_bytes > 0 && (uint64_t)r.peak_mem_bytes > e->sibling_peak_bytes)
            e->sibling_peak_bytes = (uint64_t)r.peak_mem_bytes;
        times[n++] = r.wall_ms > 0 ? (uint64_t)r.wall_ms : 0;
    }
    archive_reader_destroy(reader);
    if (n == 0)
        return;
    qsort(times, n, sizeof *times, compare_u64);
    e->sibling_ms_q50 = times[n / 2];
    e->sibling_ms_max = times[n - 1];
    e->n_siblings = n;
}

void census_measure(struct store *s, const char *prefix, const struct planned_view *v,
                    const struct sweep_listing *listing, struct size_evidence *e)
{
    uint64_t bytes = 0, n_cases = 0;
    for (size_t i = 0; i < listing->n_keys; i++)
        if (ds_span_starts(listing->keys[i].key, "cases/")) {
            bytes += listing->keys[i].size_bytes;
            n_cases++;
        }
    if (n_cases > 0)
        e->sibling_archive_bytes = bytes / n_cases;
    read_reports(s, prefix, v->digest, listing, e);
    if (e->sibling_peak_bytes == 0 && n_cases > 0)
        read_siblings(s, prefix, v, listing, e);
}

void census_write_sizing(struct store *s, const char *prefix, const struct sizing *z,
                         uint32_t n_siblings)
{
    char key[STORE_KEY_BYTES], text[1024];
    int n = snprintf(text, sizeof text,
                     "{\"case_ms\":%llu,\"mem_bytes\":%llu,\"scratch_bytes\":%llu,\"siblings\":%u,"
                     "\"store_bytes\":%llu}\n",
                     (unsigned long long)z->case_ms, (unsigned long long)z->mem_bytes,
                     (unsigned long long)z->scratch_bytes, n_siblings,
                     (unsigned long long)z->store_bytes);
    (void)snprintf(key, sizeof key, "%ssizing.json", prefix);
    struct store_body body = {.data = text, .fd = -1, .len = (uint64_t)n};
    struct ds_err err;
    if (store_put(s, key, body, &err) < 0)
        log_warn("%s", err.text);
}

int census_commit_round(struct store *s, const char *prefix, const struct round *r,
                        struct ds_err *err)
{
    char key[STORE_KEY_BYTES];
    bool existed;
    ds_auto_buf text;
    buf_init(&text, ROUND_MAX_BYTES);
    int rc = round_encode(r, &text, err);
    if (rc < 0)
        return rc;
    (void)snprintf(key, sizeof key, "%srounds/%u.json", prefix, r->n);
    struct store_body body = {.data = text.data, .fd = -1, .len = text.len};
    rc = store_put_if_absent(s, key, body, &existed, err);
    if (rc == 0 && existed)
        return ds_fail(err, DS_EEXIST, "%s is taken", key);
    return rc;
}

int census_grant(struct store *s, const char *prefix, const struct census *c,
                 const struct design *d, const struct census_policy *policy, uint32_t *n_granted,
                 struct ds_err *err)
{
    uint32_t granted = 0;
    for (uint32_t row = 0; row < d->n_rows; row++) {
        const struct case_tally *tally = &c->tally[c->tally_of_row[row]];
        char key[STORE_KEY_BYTES], inner[RESULT_KEY_BYTES];
        bool existed;
        if (tally->state != CASE_FAILED
            || (policy->n_only > 0
                && !number_list_has(policy->only, policy->n_only, d->number[row])))
            continue;
        struct result_key k = {
            .kind = KEY_GRANTED, .id = d->id[row], .attempt = tally->next_attempt - 1};
        result_key_encode(&k, inner);
        (void)snprintf(key, sizeof key, "%s%s", prefix, inner);
        struct store_body empty = {.data = "", .fd = -1, .len = 0};
        int rc = store_put_if_absent(s, key, empty, &existed, err);
        if (rc < 0)
            return rc;
        granted += !existed; /* rows with equal ids are one case */
    }
    *n_granted = granted;
    return 0;
}

struct covering { /* distinct ids with a covering key, sorted */
    struct case_id *ids;
    size_t n;
};

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct case_id));
}

int census_drop_narrower(struct store *s, const char *prefix, const struct sweep_listing *listing,
                         const struct keep *keep, uint32_t *n_removed, struct ds_err *err)
{
    ds_auto_arena a = arena_create(sizeof(struct case_id) * (listing->n_keys + 256) + 65536);
    struct covering c = {.ids = ds_new(a, struct case_id, listing->n_keys)};
    char want[KEEP_WORD_BYTES];
    uint32_t removed = 0;
    if (!c.ids)
        return ds_fail(err, DS_ETOOBIG, "%zu keys do not fit", listing->n_keys);
    keep_word(keep, want);
    for (size_t i = 0; i < listing->n_keys; i++) {
        struct result_key k = result_key_decode(listing->keys[i].key);
        if (k.kind == KEY_CASE && keep_word_covers(ds_span_of(k.keep), ds_span_of(want)))
            c.ids[c.n++] = k.id;
    }
    qsort(c.ids, c.n, sizeof *c.ids, compare_ids);
    for (size_t i = 0; i < listing->n_keys; i++) {
        struct result_key k = result_key_decode(listing->keys[i].key);
        char key[STORE_KEY_BYTES];
        /* A word that is not narrower, only other, names files that nothing else holds. */
        if (k.kind != KEY_CASE || keep_word_covers(ds_span_of(k.keep), ds_span_of(want))
            || !keep_word_covers(ds_span_of(want), ds_span_of(k.keep))
            || !bsearch(&k.id, c.ids, c.n, sizeof *c.ids, compare_ids))
            continue;
        (void)snprintf(key, sizeof key, "%s%.*s", prefix, DS_FMT(listing->keys[i].key));
        int rc = store_remove(s, key, err);
        if (rc < 0)
            return rc;
        removed++;
    }
    *n_removed = removed;
    return 0;
}
