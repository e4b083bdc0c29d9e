/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/csv.h"

#include "base/float_text.h"
#include "base/units.h"
#include "collector/names.h"

#include <math.h>
#include <stdio.h>

#define DAY_S INT64_C(86400)

int csv_put_summary_header(const struct dataset *ds, struct ds_buf *out, struct ds_err *err)
{
    (void)buf_put_text(out, "DATE,REAL");
    for (size_t v = 0; v < ds->n_vectors; v++) {
        char key[256];
        struct ds_span k = ds->vectors[v].key;
        if (!names_are_clean(k)) {
            k = ds_span_of(ds->vectors[v].name); /* readers of CSV take it for UTF-8 */
        } else if (ds->vectors[v].occurrence > 1) {
            int n = snprintf(key, sizeof key, "%.*s#%u", (int)(k.len < 200 ? k.len : 200), k.ptr,
                             ds->vectors[v].occurrence);
            k = (struct ds_span){key, (size_t)n};
        }
        (void)buf_put_char(out, ',');
        (void)csv_put_cell(out, k);
    }
    (void)buf_put_char(out, '\n');
    return buf_check(out, "summary.csv", err);
}

char *csv_dates(const struct align_times *axis, struct ds_arena *a)
{
    bool midnights = true;
    for (size_t i = 0; i < axis->n; i++)
        midnights = midnights && axis->at_s[i] % DAY_S == 0;
    char *dates = arena_take(a, axis->n + 1, CSV_DATE_BYTES);
    for (size_t i = 0; dates && i < axis->n; i++) {
        char text[24], *date = dates + i * CSV_DATE_BYTES;
        units_format_date(axis->at_s[i], text);
        memcpy(date, text, 10);
        if (!midnights) {
            date[10] = ' ';
            memcpy(date + 11, text + 11, 8);
        }
    }
    return dates;
}

size_t csv_case_bytes(size_t n_vectors, size_t n_times)
{
    return n_times * (CSV_DATE_BYTES + 12 + n_vectors * 17) + FLOAT_TEXT_BYTES;
}

size_t csv_put_case(uint32_t number, const float *values, size_t n_vectors, size_t stride,
                    size_t n_times, const char *dates, char *at)
{
    char real[16];
    size_t real_len = (size_t)snprintf(real, sizeof real, ",%u", number);
    char *p = at;
    for (size_t t = 0; t < n_times; t++) {
        const char *date = dates + t * CSV_DATE_BYTES;
        size_t date_len = strnlen(date, CSV_DATE_BYTES);
        char *line = p;
        bool any = false;
        memcpy(p, date, date_len);
        p += date_len;
        memcpy(p, real, real_len);
        p += real_len;
        for (size_t v = 0; v < n_vectors; v++) {
            float value = values[v * stride + t];
            *p++ = ',';
            if (!isnan(value)) {
                p += float_text_put(value, p);
                any = true;
            }
        }
        *p++ = '\n';
        if (!any)
            p = line;
    }
    return (size_t)(p - at);
}

static void put_parameter_header(const struct dataset *ds, struct ds_buf *out)
{
    (void)buf_put_text(out, "REAL,case_id,verdict,attempts");
    if (ds->design->has_sens)
        (void)buf_put_text(out, ",SENSNAME,SENSCASE");
    for (size_t k = 0; k < ds->design->n_params; k++) {
        (void)buf_put_char(out, ',');
        (void)csv_put_cell(out, ds->design->names[k]);
    }
    (void)buf_put_char(out, '\n');
}

int csv_put_parameters(const struct dataset *ds, uint32_t first, uint32_t n,
                       struct ds_arena *scratch, struct ds_buf *out, struct ds_err *err)
{
    const struct design *d = ds->design;
    struct ds_span *cells = ds_new(scratch, struct ds_span, d->n_params + 1);
    struct ds_span sens[2];
    if (!cells)
        return ds_fail(err, DS_ETOOBIG, "no room for %zu parameters", d->n_params);
    if (first == 0)
        put_parameter_header(ds, out);
    for (uint32_t row = first; row < first + n; row++) {
        int rc = design_row(d, row, scratch, cells, d->has_sens ? sens : NULL, err);
        if (rc < 0)
            return rc;
        (void)buf_printf(out, "%u,%.16s,%s,%u", d->number[row], d->id[row].hex,
                         verdict_name(ds->rows[row].verdict), ds->rows[row].attempts);
        for (size_t k = 0; d->has_sens && k < 2; k++) {
            (void)buf_put_char(out, ',');
            (void)csv_put_cell(out, sens[k]);
        }
        for (size_t k = 0; k < d->n_params; k++) {
            (void)buf_put_char(out, ',');
            (void)csv_put_cell(out, cells[k]);
        }
        (void)buf_put_char(out, '\n');
    }
    return buf_check(out, "parameters.csv", err);
}
