/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/preview.h"

#include "base/float_text.h"

#include <math.h>
#include <stdio.h>

#define WIDTH 12

static bool chosen(const struct preview *p, uint32_t v)
{
    for (size_t i = 0; i < p->n_columns; i++)
        if (p->column[i] == v)
            return true;
    return false;
}

void preview_choose(struct preview *p, const struct dataset *ds)
{
    static const char *const WANTED[] = {"FOPT", "FOPR", "FGPR",   "FWPR", "FPR",
                                         "FWCT", "FGOR", "WBHP:*", "W*",   "*"};
    *p = (struct preview){.n_columns = 0};
    for (size_t i = 0; i < DS_COUNT(WANTED); i++) {
        for (uint32_t v = 0; v < ds->n_vectors && p->n_columns < PREVIEW_COLUMNS; v++) {
            struct ds_span key = ds->vectors[v].key;
            if (!ds_span_is(key, "TIME") && !ds_span_is(key, "YEARS") && !chosen(p, v)
                && ds_span_glob(ds_span_of(WANTED[i]), key))
                p->column[p->n_columns++] = v;
        }
    }
}

void preview_take(struct preview *p, const struct dataset *ds, uint32_t first, uint32_t n,
                  const float *slab)
{
    size_t n_times = ds->axis.n;
    for (uint32_t i = 0; i < n; i++) {
        if (ds->rows[first + i].verdict == VERDICT_NONE)
            continue;
        if (p->n_rows == PREVIEW_ROWS) {
            p->n_more++;
            continue;
        }
        p->row[p->n_rows] = first + i;
        for (size_t c = 0; c < p->n_columns; c++)
            p->last[p->n_rows][c] =
                dataset_last_value(slab + ((size_t)p->column[c] * n + i) * n_times, n_times);
        p->n_rows++;
    }
}

static void put_cell(struct ds_buf *out, struct ds_span text)
{
    int len = text.len > 24 ? 24 : (int)text.len;
    (void)buf_printf(out, "  %*.*s", WIDTH, len, text.ptr);
}

int preview_put(const struct preview *p, const struct dataset *ds, struct ds_arena *a,
                struct ds_buf *out, struct ds_err *err)
{
    const struct design *d = ds->design;
    size_t n_params = d->n_params < PREVIEW_PARAMS ? d->n_params : PREVIEW_PARAMS;
    (void)buf_printf(out, "%6s  %-13s", "case", "verdict");
    for (size_t k = 0; k < n_params; k++)
        put_cell(out, d->names[k]);
    for (size_t c = 0; c < p->n_columns; c++)
        put_cell(out, ds->vectors[p->column[c]].key);
    (void)buf_put_char(out, '\n');
    for (size_t i = 0; i < p->n_rows; i++) {
        struct ds_span *cells = ds_new(a, struct ds_span, d->n_params + 1);
        if (!cells)
            return ds_fail(err, DS_ETOOBIG, "no room for a preview");
        int rc = design_row(d, p->row[i], a, cells, NULL, err);
        if (rc < 0)
            return rc;
        (void)buf_printf(out, "%6u  %-13s", d->number[p->row[i]],
                         verdict_name(ds->rows[p->row[i]].verdict));
        for (size_t k = 0; k < n_params; k++)
            put_cell(out, cells[k]);
        for (size_t c = 0; c < p->n_columns; c++) {
            char text[FLOAT_TEXT_BYTES];
            put_cell(out, (struct ds_span){text, float_text_put(p->last[i][c], text)});
        }
        (void)buf_put_char(out, '\n');
    }
    if (p->n_more > 0)
        (void)buf_printf(out, "%6s  and %u more; vectors have their last values\n", "", p->n_more);
    return buf_check(out, "preview", err);
}
