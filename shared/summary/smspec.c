/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/smspec.h"

#include "base/units.h"
#include "summary/vector_key.h"

#include <assert.h>

#define MAX_PROBES        1000u /* of the table; only made-up names collide that often */
#define RESTART_MAX       64u   /* texts of RESTART: 132 characters need 17 */
#define MAX_RESTART_CHARS 1024u

/* The arrays of a SMSPEC, as records to read from later. */
enum array {
    INTEHEAD,
    RESTART,
    DIMENS,
    KEYWORDS,
    WGNAMES,
    NAMES,
    NUMS,
    LGRS,
    NUMLX,
    NUMLY,
    NUMLZ,
    UNITS,
    STARTDAT,
    N_ARRAYS
};

struct arrays {
    struct ecl_reader reader;
    struct ecl_record record[N_ARRAYS];
    bool has[N_ARRAYS];
};

static void note_array(struct arrays *x, const struct ecl_record *rec)
{
    static const char *const KEYWORD[N_ARRAYS] = {
        "INTEHEAD", "RESTART", "DIMENS", "KEYWORDS", "WGNAMES", "NAMES",   "NUMS",
        "LGRS",     "NUMLX",   "NUMLY",  "NUMLZ",    "UNITS",   "STARTDAT"};
    for (size_t i = 0; i < N_ARRAYS; i++) {
        if (!x->has[i] && ecl_is(rec, KEYWORD[i])) {
            x->record[i] = *rec;
            x->has[i] = true;
        }
    }
}

static bool complete(const struct arrays *x)
{
    return x->has[DIMENS] && x->has[KEYWORDS] && (x->has[WGNAMES] || x->has[NAMES]) && x->has[NUMS]
           && x->has[UNITS] && x->has[STARTDAT];
}

/* Find all arrays. A cut behind everything that is needed does no harm. */
static int find_arrays(struct ds_bytes bytes, bool formatted, struct arrays *x, struct ds_err *err)
{
    ecl_reader_init(&x->reader, bytes, formatted);
    for (;;) {
        struct ecl_record rec;
        int rc = ecl_next(&x->reader, &rec, err);
        if (rc == DS_EAGAIN && complete(x))
            return 0;
        if (rc == DS_ENOTFOUND)
            break;
        if (rc < 0)
            return rc;
        note_array(x, &rec);
    }
    if (!x->has[KEYWORDS] || (!x->has[WGNAMES] && !x->has[NAMES]) || !x->has[UNITS]
        || !x->has[DIMENS] || !x->has[STARTDAT])
        return ds_fail(err, DS_EAGAIN,
                       "KEYWORDS, WGNAMES, UNITS, DIMENS or STARTDAT is not there (yet)");
    return 0;
}

/* ---- the columns ---- */

struct columns {
    size_t n;
    struct ds_span *keyword, *wgname, *unit, *lgr; /* NULL: not there */
    int32_t *num, *local[3];
};

static int read_texts(const struct arrays *x, enum array which, size_t n, struct ds_arena *a,
                      struct ds_span **out, struct ds_err *err)
{
    if (!x->has[which])
        return 0;
    struct ds_span *texts = ds_new(a, struct ds_span, n);
    if (!texts)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu vectors", n);
    int rc = ecl_read_text(&x->reader, &x->record[which], 0, n, texts, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        texts[i] = vector_key_trim(texts[i]);
    *out = texts;
    return 0;
}

static int read_ints(const struct arrays *x, enum array which, size_t n, struct ds_arena *a,
                     int32_t **out, struct ds_err *err)
{
    if (!x->has[which])
        return 0;
    int32_t *ints = ds_new(a, int32_t, n);
    if (!ints)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu vectors", n);
    int rc = ecl_read_i32(&x->reader, &x->record[which], 0, n, ints, err);
    if (rc < 0)
        return rc;
    *out = ints;
    return 0;
}

static int read_columns(const struct arrays *x, struct ds_arena *a, struct columns *c,
                        struct ds_err *err)
{
    uint64_t n = x->record[KEYWORDS].count;
    if (n > SMSPEC_MAX_VECTORS)
        return ds_fail(err, DS_ETOOBIG, "%llu vectors, at most %u are read", (unsigned long long)n,
                       SMSPEC_MAX_VECTORS);
    c->n = (size_t)n;
    int rc = read_texts(x, KEYWORDS, c->n, a, &c->keyword, err);
    if (rc == 0)
        rc = read_texts(x, x->has[WGNAMES] ? WGNAMES : NAMES, c->n, a, &c->wgname, err);
    if (rc == 0)
        rc = read_ints(x, NUMS, c->n, a, &c->num, err);
    if (rc == 0)
        rc = read_texts(x, UNITS, c->n, a, &c->unit, err);
    if (rc == 0)
        rc = read_texts(x, LGRS, c->n, a, &c->lgr, err);
    for (size_t i = 0; rc == 0 && i < 3; i++)
        rc = read_ints(x, (enum array)(NUMLX + i), c->n, a, &c->local[i], err);
    return rc;
}

/* ---- the table of keys ---- */

static uint64_t hash_key(struct ds_span key, uint32_t occurrence)
{
    uint64_t h = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * UINT64_C(1099511628211);
    h ^= (uint64_t)occurrence * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 32;
    h *= UINT64_C(0xD6E8FEB86659FD93);
    return h ^ (h >> 32);
}

/* Slot that holds (key, occurrence), or the free one where it belongs; mask + 1: none. */
static uint32_t find_slot(const uint32_t *table, uint32_t mask,
                          const struct summary_vector *vectors, struct ds_span key,
                          uint32_t occurrence)
{
    uint32_t at = (uint32_t)hash_key(key, occurrence) & mask;
    for (uint32_t i = 0; i < MAX_PROBES; i++, at = (at + 1) & mask) {
        if (table[at] == 0)
            return at;
        const struct summary_vector *v = &vectors[table[at] - 1];
        if (v->occurrence == occurrence && ds_span_eq(v->key, key))
            return at;
    }
    return mask + 1;
}

static int index_keys(struct smspec *s, struct summary_vector *vectors, struct ds_arena *a,
                      struct ds_err *err)
{
    uint32_t size = 16;
    while (size < s->n_vectors * 2)
        size *= 2;
    uint32_t mask = size - 1;
    uint32_t *table = ds_new(a, uint32_t, size);
    uint32_t *seen = ds_new(a, uint32_t, s->n_vectors); /* occurrences, by the first's index */
    if (!table || !seen)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu vectors", s->n_vectors);
    for (uint32_t i = 0; i < s->n_vectors; i++) {
        struct summary_vector *v = &vectors[i];
        uint32_t at = find_slot(table, mask, vectors, v->key, 1);
        v->occurrence = 1;
        if (at <= mask && table[at] != 0) {
            v->occurrence = ++seen[table[at] - 1] + 1;
            at = find_slot(table, mask, vectors, v->key, v->occurrence);
            if (s->n_doubles++ == 0)
                s->double_key = v->key;
        }
        if (at > mask)
            return ds_fail(err, DS_ECORRUPT, "the names of the vectors are made up");
        table[at] = i + 1;
    }
    s->table = table;
    s->mask = mask;
    return 0;
}

const struct summary_vector *smspec_find(const struct smspec *s, struct ds_span key,
                                         uint32_t occurrence)
{
    if (!s->table)
        return NULL;
    uint32_t at = find_slot(s->table, s->mask, s->vectors, key, occurrence);
    return at <= s->mask && s->table[at] != 0 ? &s->vectors[s->table[at] - 1] : NULL;
}

/* ---- vectors ---- */

static struct ds_span text_at(const struct ds_span *texts, size_t i)
{
    return texts ? texts[i] : (struct ds_span){"", 0};
}

static struct vector_raw column_at(const struct columns *c, size_t i, const int32_t *dims)
{
    struct vector_raw raw = {.keyword = c->keyword[i],
                             .wgname = text_at(c->wgname, i),
                             .lgr = text_at(c->lgr, i),
                             .num = c->num ? c->num[i] : 0,
                             .dims = dims};
    for (size_t d = 0; d < 3; d++)
        raw.local[d] = c->local[d] ? c->local[d][i] : 0;
    return raw;
}

static int make_vectors(const struct columns *c, struct smspec *s, struct ds_arena *a,
                        struct ds_err *err)
{
    struct summary_vector *vectors = ds_new(a, struct summary_vector, c->n);
    if (!vectors)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu vectors", c->n);
    s->vectors = vectors;
    s->time_place = SMSPEC_NONE;
    struct ds_span unit = {"", 0}; /* copied once for a run of equal ones */
    struct vector_kind kind = {.keyword = {"", 0}};
    for (size_t i = 0; i < c->n; i++) {
        struct vector_raw raw = column_at(c, i, s->dims);
        struct summary_vector *v = &vectors[s->n_vectors];
        if (!ds_span_eq(raw.keyword, kind.keyword))
            kind = vector_kind_of(raw.keyword);
        int rc = vector_key_make(&raw, &kind, a, v, err);
        if (rc < 0)
            return rc;
        if (v->key.len == 0)
            continue;
        if (!ds_span_eq(text_at(c->unit, i), unit))
            unit = arena_copy(a, text_at(c->unit, i));
        if (!unit.ptr)
            return ds_fail(err, DS_ETOOBIG, "no room for %zu vectors", c->n);
        v->unit = unit;
        v->place = (uint32_t)i;
        if (s->time_place == SMSPEC_NONE && ds_span_is(v->keyword, "TIME"))
            s->time_place = v->place;
        s->n_vectors++;
    }
    s->n_params = (uint32_t)c->n;
    return index_keys(s, vectors, a, err);
}

/* ---- the rest ---- */

/* Files of older simulators lack INTEHEAD: pressures tell the system. */
static enum summary_units units_from_texts(const struct smspec *s)
{
    for (size_t i = 0; i < s->n_vectors; i++) {
        struct ds_span u = s->vectors[i].unit;
        if (ds_span_is(u, "PSIA") || ds_span_starts(u, "STB"))
            return SUMMARY_FIELD;
        if (ds_span_is(u, "BARSA"))
            return SUMMARY_METRIC;
        if (ds_span_is(u, "ATMA"))
            return s->in_hours ? SUMMARY_LAB : SUMMARY_PVT_M;
    }
    return SUMMARY_UNITS_UNKNOWN;
}

static void take_intehead(const struct arrays *x, struct smspec *s)
{
    int32_t v[2] = {0, -1};
    size_t n = x->record[INTEHEAD].count < 2 ? (size_t)x->record[INTEHEAD].count : 2;
    s->simulator = -1;
    if (x->has[INTEHEAD] && ecl_read_i32(&x->reader, &x->record[INTEHEAD], 0, n, v, NULL) == 0) {
        s->units = v[0] >= 1 && v[0] <= 4 ? (enum summary_units)v[0] : SUMMARY_UNITS_UNKNOWN;
        s->simulator = v[1];
    }
    for (size_t i = 0; i < s->n_vectors; i++)
        if (s->vectors[i].place == s->time_place)
            s->in_hours = ds_span_starts(s->vectors[i].unit, "HOUR")
                          || ds_span_starts(s->vectors[i].unit, "HRS")
                          || (s->vectors[i].unit.len == 0 && s->units == SUMMARY_LAB);
    if (s->units == SUMMARY_UNITS_UNKNOWN)
        s->units = units_from_texts(s);
}

static void take_dimens(const struct arrays *x, struct smspec *s)
{
    int32_t v[6] = {0};
    size_t n = x->record[DIMENS].count < 6 ? (size_t)x->record[DIMENS].count : 6;
    if (!x->has[DIMENS] || ecl_read_i32(&x->reader, &x->record[DIMENS], 0, n, v, NULL) < 0)
        return;
    for (size_t i = 0; i < 3; i++)
        s->dims[i] = v[i + 1] > 0 ? v[i + 1] : 0;
    s->restart_step = v[5] > 0 ? v[5] : 0;
}

static void take_start(const struct arrays *x, struct smspec *s)
{
    int32_t v[6] = {0};
    static const unsigned DAYS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t n = x->record[STARTDAT].count < 6 ? (size_t)x->record[STARTDAT].count : 6;
    if (!x->has[STARTDAT] || n < 3
        || ecl_read_i32(&x->reader, &x->record[STARTDAT], 0, n, v, NULL) < 0)
        return;
    bool date = v[2] >= 1 && v[2] <= 9999 && v[1] >= 1 && v[1] <= 12 && v[0] >= 1
                && v[0] <= (int32_t)DAYS[v[1] - 1];
    bool clock = v[3] >= 0 && v[3] < 24 && v[4] >= 0 && v[4] < 60 && v[5] >= 0 && v[5] < 60000000;
    if (!date || !clock)
        return;
    int64_t days = units_days_from_civil(v[2], (unsigned)v[1], (unsigned)v[0]);
    s->start_s = days * 86400 + INT64_C(3600) * v[3] + INT64_C(60) * v[4] + v[5] / 1000000;
    s->has_start = true;
}

static int take_restart(const struct arrays *x, struct ds_arena *a, struct smspec *s,
                        struct ds_err *err)
{
    struct ds_span piece[RESTART_MAX];
    char root[MAX_RESTART_CHARS];
    size_t n =
        x->record[RESTART].count < RESTART_MAX ? (size_t)x->record[RESTART].count : RESTART_MAX;
    size_t len = 0;
    s->restart_root = (struct ds_span){"", 0};
    if (!x->has[RESTART] || ecl_read_text(&x->reader, &x->record[RESTART], 0, n, piece, NULL) < 0)
        return 0;
    for (size_t i = 0; i < n && len + piece[i].len <= sizeof root; i++) {
        memcpy(root + len, piece[i].ptr, piece[i].len);
        len += piece[i].len;
    }
    struct ds_span trimmed = vector_key_trim((struct ds_span){root, len});
    if (trimmed.len == 0)
        return 0;
    s->restart_root = arena_copy(a, trimmed);
    return s->restart_root.ptr ? 0 : ds_fail(err, DS_ETOOBIG, "no room for a restart's name");
}

int smspec_read(struct ds_bytes bytes, bool formatted, struct ds_arena *a, struct smspec *out,
                struct ds_err *err)
{
    struct arrays x = {0};
    struct columns c = {0};
    struct smspec s = {.double_key = {"", 0}};
    int rc = find_arrays(bytes, formatted, &x, err);
    if (rc < 0)
        return rc;
    take_dimens(&x, &s);
    rc = read_columns(&x, a, &c, err);
    if (rc == 0)
        rc = make_vectors(&c, &s, a, err);
    if (rc == 0)
        rc = take_restart(&x, a, &s, err);
    if (rc < 0)
        return rc;
    take_intehead(&x, &s);
    take_start(&x, &s);
    *out = s;
    return 0;
}
