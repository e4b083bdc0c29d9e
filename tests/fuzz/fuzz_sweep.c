/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sweep file of any bytes: parsed; if it is one, expanded to a few cases, ids, design.csv, and
 * read back. Input: the file; what stands behind a line "%%" is its case table. */
#include "scheduler/design.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ds_span PATHS[] = {{"a/1", 3}, {"a/2", 3}, {"a/3", 3}};
static const struct design_digest DIGESTS[] = {
    {{"a/1", 3}, {"01", 2}}, {{"a/2", 3}, {"02", 2}}, {{"a/3", 3}, {"03", 2}}};

static void need(int ok)
{
    if (!ok)
        abort();
}

static void check_round_trip(const struct design_table *t, struct ds_arena *a)
{
    struct case_identity shared = {.preset_flow = true, .version = {"1", 1}, .ranks = 1};
    struct case_id *ids = ds_new(a, struct case_id, t->n_rows);
    struct ds_span *cells = ds_new(a, struct ds_span, t->n_columns + 1);
    ds_auto_buf csv;
    struct design d;
    struct ds_err err;
    memset(shared.base_digest, '0', 64);
    buf_init(&csv, 64u << 20);
    if (!ids || !cells || design_make_ids(t, &shared, DIGESTS, 3, true, a, ids, &err) < 0
        || design_write_csv(t, ids, &csv, &err) < 0)
        return;
    int rc = design_decode(buf_span(&csv), a, &d, &err);
    if (rc == DS_ETOOBIG)
        return;
    need(rc == 0 && d.n_rows == t->n_rows && d.n_params == t->n_columns);
    for (uint32_t row = 0; row < d.n_rows && row < 64; row++) {
        rc = design_row(&d, row, a, cells, NULL, &err);
        need(rc == 0 || rc == DS_ETOOBIG);
        for (size_t i = 0; i < t->n_columns && rc == 0; i++)
            need(ds_span_eq(cells[i], t->cells[(size_t)row * t->n_columns + i]));
    }
    need(case_id_count_distinct(ids, t->n_rows, a) <= t->n_rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sweep_problems problems;
    ds_auto_arena a = arena_create((size_t)64 << 20);
    struct ds_span text = {(const char *)data, size}, table = {"", 0};
    struct sweep sweep;
    struct ds_err err;
    for (size_t i = 0; i + 4 <= size; i++)
        if (memcmp(data + i, "\n%%\n", 4) == 0) {
            text.len = i + 1;
            table = (struct ds_span){(const char *)data + i + 4, size - i - 4};
            break;
        }
    if (sweep_parse(DS_SPAN("d/s.yaml"), text, a, &sweep, &problems, &err) < 0) {
        need(problems.n > 0 || err.code == DS_ETOOBIG);
        return 0;
    }
    struct design_files *files = ds_new(a, struct design_files, sweep.n_params + 1);
    struct design_inputs in = {.table_text = table, .files = files};
    for (size_t i = 0; files && i < sweep.n_params; i++)
        if (sweep.params[i].kind == PARAM_FILES)
            files[in.n_files++] = (struct design_files){sweep.params[i].name, PATHS, 3};
    sweep.samples = sweep.samples > 50 ? 50 : sweep.samples;
    struct design_table t;
    if (files && design_expand(&sweep, &in, a, &t, &problems, &err) == 0)
        check_round_trip(&t, a);
    return 0;
}
