/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary_fuzz.h - what fuzz_summary and fuzz_summary_text do with a SMSPEC and an UNSMRY
 *
 * An input is a length (4 bytes, little-endian), so many bytes of SMSPEC, and UNSMRY. Beyond "no
 * crash" it checks that the two ways to read UNSMRY agree. */
#ifndef DS_TESTS_SUMMARY_FUZZ_H
#define DS_TESTS_SUMMARY_FUZZ_H

#include "summary/chain.h"
#include "summary/instant.h"
#include "summary/vector_pattern.h"

#include <stdlib.h>

#define FUZZ_CHECK(x) ((x) ? (void)0 : abort())

static void fuzz_records(struct ds_bytes b, bool formatted, struct ds_arena *a)
{
    struct ecl_reader r;
    struct ecl_record rec;
    ecl_reader_init(&r, b, formatted);
    while (ecl_next(&r, &rec, NULL) == 0) {
        FUZZ_CHECK(rec.end > rec.begin && rec.end <= b.len && r.at == rec.end);
        size_t n = rec.count < 3000 ? (size_t)rec.count : 3000, from = (size_t)rec.count / 2;
        size_t rest = (size_t)rec.count - from < 3000 ? (size_t)rec.count - from : 3000;
        double *d = ds_new(a, double, n + rest + 1);
        struct ds_span *t = ds_new(a, struct ds_span, n + rest + 1);
        if (!d || !t)
            return;
        (void)!ecl_read_i32(&r, &rec, 0, n, (int32_t *)d, NULL);
        (void)!ecl_read_i32(&r, &rec, from, rest, (int32_t *)d, NULL);
        (void)!ecl_read_f32(&r, &rec, 0, n, (float *)d, NULL);
        (void)!ecl_read_f64(&r, &rec, from, rest, d, NULL);
        (void)!ecl_read_logi(&r, &rec, 0, n, (bool *)d, NULL);
        if (ecl_read_text(&r, &rec, 0, n, t, NULL) == 0)
            for (size_t i = 0; i < n; i++)
                FUZZ_CHECK(t[i].len == rec.size);
    }
}

static void fuzz_spec(const struct smspec *s)
{
    for (size_t i = 0; i < s->n_vectors; i++) {
        const struct summary_vector *v = &s->vectors[i];
        FUZZ_CHECK(v->place < s->n_params && v->key.len > 0 && v->occurrence >= 1);
        FUZZ_CHECK(v->key.ptr[v->key.len] == '\0');
        FUZZ_CHECK(smspec_find(s, v->key, v->occurrence) == v);
        (void)vector_pattern_matches(DS_SPAN("W*:P[a-z]*"), v->key);
        (void)vector_pattern_matches(v->key, v->key);
    }
}

static void fuzz_data(struct ds_bytes b, bool formatted, const struct smspec *s, struct ds_arena *a)
{
    struct unsmry u;
    if (s->n_params > 20000 || unsmry_index(&b, 1, formatted, s->n_params, a, &u, NULL) < 0)
        return;
    FUZZ_CHECK(u.n_reports <= u.n_steps && u.step_bytes <= b.len);
    FUZZ_CHECK((u.state == UNSMRY_WHOLE) == (u.trouble[0] == '\0'));
    size_t n = u.n_steps < 50 ? u.n_steps : 50;
    float *row = ds_new(a, float, s->n_params + 1), *columns = ds_new(a, float, n * 3 + 1);
    if (!row || !columns)
        return;
    uint32_t places[3] = {0, s->n_params / 2, s->n_params ? s->n_params - 1 : 0};
    if (s->n_params > 0)
        unsmry_read_columns(&u, NULL, n, places, 3, columns, n);
    for (size_t i = 0; i < n; i++) {
        unsmry_read_row(&u, i, row);
        for (size_t c = 0; s->n_params > 0 && c < 3; c++)
            FUZZ_CHECK(memcmp(&row[places[c]], &columns[c * n + i], sizeof(float)) == 0);
        int64_t at;
        if (s->n_params > 0)
            (void)summary_instant(s->start_s, row[0], s->in_hours, &at);
    }
    struct chain_link links[2] = {{s, &u}, {s, &u}};
    struct chain c;
    if (chain_join(links, 2, a, &c, NULL) == 0 && s->n_vectors > 0 && c.n_steps > 0) {
        uint32_t vector = (uint32_t)s->n_vectors - 1;
        chain_read_columns(&c, NULL, c.n_steps < n ? c.n_steps : n, &vector, 1, columns, n);
    }
    if (formatted)
        return;
    for (size_t piece = 1; piece < 200; piece = piece * 5 + 2) {
        struct unsmry_scan scan;
        unsmry_scan_init(&scan, s->time_place == SMSPEC_NONE ? 0 : s->time_place);
        for (size_t at = 0; at < b.len; at += piece)
            unsmry_scan_feed(&scan, b.data + at, b.len - at < piece ? b.len - at : piece);
        /* the scan knows no widths, so it may take steps that the index refuses */
        FUZZ_CHECK(scan.fed_bytes == b.len && scan.step_bytes <= scan.record_bytes);
        FUZZ_CHECK(scan.n_steps >= u.n_steps && scan.n_reports <= scan.n_seqhdr);
        if (u.state == UNSMRY_WHOLE)
            FUZZ_CHECK(scan.state == UNSMRY_WHOLE && scan.step_bytes >= u.step_bytes);
    }
}

static int fuzz_summary(const uint8_t *data, size_t size, bool formatted)
{
    if (size < 4)
        return 0;
    size_t n = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
    data += 4;
    size -= 4;
    n = n < size ? n : size;
    /* own copies, so that a read past the end is seen */
    unsigned char *spec_bytes = malloc(n + 1), *data_bytes = malloc(size - n + 1);
    struct ds_arena *a = arena_create((size_t)64 << 20);
    struct smspec s;
    if (!spec_bytes || !data_bytes)
        abort();
    spec_bytes = realloc(spec_bytes, n ? n : 1);
    data_bytes = realloc(data_bytes, size - n ? size - n : 1);
    memcpy(spec_bytes, data, n);
    memcpy(data_bytes, data + n, size - n);
    struct ds_bytes spec = {spec_bytes, n}, values = {data_bytes, size - n};
    fuzz_records(spec, formatted, a);
    fuzz_records(values, formatted, a);
    arena_reset(a);
    if (smspec_read(spec, formatted, a, &s, NULL) == 0) {
        fuzz_spec(&s);
        fuzz_data(values, formatted, &s, a);
    }
    arena_destroy(a);
    free(spec_bytes);
    free(data_bytes);
    return 0;
}

#endif
