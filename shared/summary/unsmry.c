/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/unsmry.h"

#include "base/big_endian.h"
#include "summary/ecl_text.h"

#include <assert.h>
#include <stdio.h>

#define HEADER_BYTES      24u
#define TEXT_HEADER_BYTES 18u /* least that a formatted record begins with: 'PARAMS  '1 'REAL' */

/* ---- index ---- */

/* Most steps that so many bytes can hold: nothing that a file says about itself is needed. */
static size_t most_steps(const struct ds_bytes *parts, size_t n_parts, bool formatted,
                         uint32_t n_params)
{
    size_t least = formatted ? TEXT_HEADER_BYTES + (size_t)n_params * 2
                             : HEADER_BYTES + (n_params ? 8 + (size_t)n_params * 4 : 0);
    size_t n = 0;
    for (size_t i = 0; i < n_parts; i++)
        n += parts[i].len / least;
    return n;
}

struct indexing {
    struct unsmry *u;
    size_t most; /* steps that there is room for */
    uint32_t part;
    int32_t report, ministep;
    bool open; /* a step of the present report step is there */
};

static void close_report(struct indexing *x)
{
    struct unsmry *u = x->u;
    if (x->open) {
        u->steps[u->n_steps - 1].is_report = true;
        u->reports[u->n_reports++] = (uint32_t)(u->n_steps - 1);
    }
    x->open = false;
}

static int take_record(struct indexing *x, const struct ecl_reader *r, const struct ecl_record *rec,
                       struct ds_err *err)
{
    struct unsmry *u = x->u;
    if (ecl_is(rec, "SEQHDR")) {
        close_report(x);
        x->report = 0;
        x->ministep = -1;
        return rec->count ? ecl_read_i32(r, rec, 0, 1, &x->report, err) : 0;
    }
    if (ecl_is(rec, "MINISTEP"))
        return rec->count ? ecl_read_i32(r, rec, 0, 1, &x->ministep, err) : 0;
    if (!ecl_is(rec, "PARAMS"))
        return 0;
    if (rec->type != ECL_REAL || rec->count != u->n_params)
        return ds_fail(err, DS_ECORRUPT,
                       "PARAMS at offset %zu has %llu values, the summary has %u vectors",
                       rec->begin, (unsigned long long)rec->count, u->n_params);
    assert(u->n_steps < x->most);
    u->steps[u->n_steps++] = (struct unsmry_step){
        .data = rec->data, .part = x->part, .report = x->report, .ministep = x->ministep};
    u->step_bytes = rec->end;
    x->open = true;
    return 0;
}

static void note_trouble(struct unsmry *u, size_t part, int rc, const struct ds_err *err)
{
    enum unsmry_state state = rc == DS_EAGAIN ? UNSMRY_CUT : UNSMRY_CORRUPT;
    if (state > u->state)
        u->state = state;
    if (u->bad_part != u->n_parts)
        return;
    u->bad_part = part;
    if (u->n_parts > 1)
        (void)snprintf(u->trouble, sizeof u->trouble, "part %zu: %.150s", part + 1, err->text);
    else
        (void)snprintf(u->trouble, sizeof u->trouble, "%.180s", err->text);
}

static void index_part(struct indexing *x, size_t part)
{
    struct unsmry *u = x->u;
    struct ecl_reader r;
    struct ecl_record rec;
    struct ds_err err;
    uint64_t before = u->step_bytes;
    int rc;
    ecl_reader_init(&r, u->parts[part], u->formatted);
    x->part = (uint32_t)part;
    u->step_bytes = 0;
    do {
        rc = ecl_next(&r, &rec, &err);
        if (rc == 0)
            rc = take_record(x, &r, &rec, &err);
    } while (rc == 0);
    close_report(x);
    bool told = u->bad_part != u->n_parts;
    if (rc != DS_ENOTFOUND)
        note_trouble(u, part, rc, &err);
    if (told)
        u->step_bytes = before;
}

int unsmry_index(const struct ds_bytes *parts, size_t n_parts, bool formatted, uint32_t n_params,
                 struct ds_arena *a, struct unsmry *out, struct ds_err *err)
{
    size_t most = most_steps(parts, n_parts, formatted, n_params);
    struct unsmry u = {.parts = parts,
                       .n_parts = n_parts,
                       .formatted = formatted,
                       .n_params = n_params,
                       .bad_part = n_parts};
    if (most >= UINT32_MAX || n_parts >= UINT32_MAX || n_params > UINT32_MAX / 64)
        return ds_fail(err, DS_ETOOBIG, "more summary data than can be indexed");
    u.steps = ds_new(a, struct unsmry_step, most);
    u.reports = ds_new(a, uint32_t, most);
    u.batch = ds_new(a, float, (size_t)n_params *UNSMRY_BATCH);
    if (!u.steps || !u.reports || !u.batch)
        return ds_fail(err, DS_ETOOBIG, "no room for the index of %zu summary steps", most);
    struct indexing x = {.u = &u, .most = most, .ministep = -1};
    for (size_t i = 0; i < n_parts; i++)
        index_part(&x, i);
    *out = u;
    return 0;
}

/* ---- values ---- */

static void read_text_row(const struct unsmry *u, const struct unsmry_step *step, float *row)
{
    struct ecl_reader r;
    ecl_reader_init(&r, u->parts[step->part], true);
    struct ecl_record rec = {
        .type = ECL_REAL, .size = 4, .count = u->n_params, .data = step->data, .end = r.bytes.len};
    struct ecl_text_items it;
    ecl_text_items_init(&it, &r, &rec);
    for (uint32_t i = 0; i < u->n_params; i++)
        if (!ecl_text_f32(ecl_text_item(&it), &row[i]))
            row[i] = __builtin_nanf("");
}

void unsmry_read_row(const struct unsmry *u, size_t step, float *row)
{
    assert(step < u->n_steps);
    const struct unsmry_step *s = &u->steps[step];
    if (u->formatted) {
        read_text_row(u, s, row);
        return;
    }
    struct ds_bytes b = u->parts[s->part];
    size_t at = s->data;
    /* The index has seen these blocks; the bounds are only against bytes that changed since. */
    for (size_t left = u->n_params; left > 0;) {
        size_t n = b.len - at >= 4 ? be32_at(b.data + at) / 4 : 0;
        if (n == 0 || n > left || b.len - at < n * 4 + 8) {
            for (; left > 0; left--)
                *row++ = __builtin_nanf("");
            return;
        }
        be32_read(row, b.data + at + 4, n);
        row += n;
        left -= n;
        at += n * 4 + 8;
    }
}

/* The values of a step as they stand in the file, big endian; NULL: they are text, or in several
 * blocks. */
static const unsigned char *raw_row(const struct unsmry *u, size_t step)
{
    const struct unsmry_step *s = &u->steps[step];
    struct ds_bytes b = u->parts[s->part];
    size_t n = (size_t)u->n_params * sizeof(float);
    bool single = !u->formatted && b.len - s->data >= 8 && b.len - s->data - 8 >= n
                  && be32_at(b.data + s->data) == n;
    return single ? b.data + s->data + 4 : NULL;
}

/* Where the values of n steps stand; false: not all as raw_row wants them. */
static bool raw_rows(const struct unsmry *u, const uint32_t *steps, size_t first, size_t n,
                     const unsigned char **rows)
{
    for (size_t i = 0; i < n; i++) {
        rows[i] = raw_row(u, steps ? steps[first + i] : first + i);
        if (!rows[i])
            return false;
    }
    return true;
}

static void gather_raw(const unsigned char *const *rows, size_t n, uint32_t place, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = be_float_at(rows[i] + (size_t)place * sizeof *to);
}

/* Rows come in one after the other, columns go out: by batches, so that each column gets a
 * run of values at a time instead of one a cache line. */
void unsmry_read_columns(const struct unsmry *u, const uint32_t *steps, size_t n_steps,
                         const uint32_t *places, size_t n_places, float *out, size_t stride)
{
    const unsigned char *rows[UNSMRY_BATCH];
    assert(stride >= n_steps);
    for (size_t begin = 0; begin < n_steps; begin += UNSMRY_BATCH) {
        size_t n = n_steps - begin < UNSMRY_BATCH ? n_steps - begin : UNSMRY_BATCH;
        bool raw = raw_rows(u, steps, begin, n, rows);
        for (size_t i = 0; !raw && i < n; i++)
            unsmry_read_row(u, steps ? steps[begin + i] : begin + i, u->batch + i * u->n_params);
        for (size_t c = 0; c < n_places; c++) {
            assert(places[c] < u->n_params);
            const float *from = u->batch + places[c];
            float *to = out + c * stride + begin;
            if (raw)
                gather_raw(rows, n, places[c], to);
            for (size_t i = 0; !raw && i < n; i++)
                to[i] = from[i * u->n_params];
        }
    }
}

bool unsmry_part_number(struct ds_span extension, bool *formatted, uint32_t *number)
{
    uint32_t value = 0;
    if (extension.len < 5 || extension.len > 9)
        return false;
    char letter = (char)(extension.ptr[0] & ~0x20);
    for (size_t i = 1; i < extension.len; i++) {
        if (extension.ptr[i] < '0' || extension.ptr[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(extension.ptr[i] - '0');
    }
    if (letter != 'S' && letter != 'A')
        return false;
    *formatted = letter == 'A';
    *number = value;
    return true;
}
