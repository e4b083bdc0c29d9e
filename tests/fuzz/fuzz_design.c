/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as design.csv (each row read, found and unquoted), and as a user's case table. */
#include "scheduler/design_build.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_design(struct ds_span text)
{
    ds_auto_arena a = arena_create(32u << 20);
    struct design d;
    struct ds_err err;
    if (design_decode(text, a, &d, &err) < 0)
        return;
    struct ds_span *cells = ds_new(a, struct ds_span, d.n_params + 1), sens[2];
    for (uint32_t row = 0; cells && row < d.n_rows && row < 200; row++) {
        int rc = design_row(&d, row, a, cells, sens, &err);
        if ((rc < 0 && rc != DS_ETOOBIG) || design_find_number(&d, d.number[row]) != row
            || design_find_id(&d, d.id[row]) > row)
            abort();
    }
}

static void check_table(struct ds_span text)
{
    static struct sweep_problems problems;
    ds_auto_arena a = arena_create(32u << 20);
    struct case_table t = {0};
    struct ds_err err;
    problems.n = problems.more = 0;
    int rc = case_table_read(text, DS_SPAN("c.csv"), 0, a, &t, &problems, &err);
    if (rc == DS_EINPUT && problems.n == 0)
        abort();
    for (uint32_t row = 0; rc == 0 && row < t.n_rows; row++) {
        if (row > 0 && t.number[row] <= t.number[row - 1])
            abort();
        for (size_t i = 0; i < t.n_names; i++)
            if (t.cells[(size_t)row * t.n_names + i].len == 0)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ds_span text = {(const char *)data, size};
    check_design(text);
    check_table(text);
    return 0;
}
