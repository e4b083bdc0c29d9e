/* SPDX-License-Identifier: GPL-3.0-or-later */
/* design.csv: an index of lines made in one pass, cells cut out when a row is asked for. Values
 * hold no line ends (the planner refuses them), so that a row is a line. */
#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/plan.h"

#include <assert.h>

#define MAX_NUMBER 2147483647u

int csv_put_cell(struct ds_buf *out, struct ds_span cell)
{
    bool quote = false;
    for (size_t i = 0; i < cell.len && !quote; i++)
        quote =
            cell.ptr[i] == ',' || cell.ptr[i] == '"' || cell.ptr[i] == '\n' || cell.ptr[i] == '\r';
    if (!quote)
        return buf_put_span(out, cell);
    (void)buf_put_char(out, '"');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            (void)buf_put_char(out, '"');
        (void)buf_put_char(out, cell.ptr[i]);
    }
    return buf_put_char(out, '"');
}

/* One cell from *at of a line; *at then is behind its comma, or line.len + 1 at the end. raw
 * includes the quotes. false: quotes that do not match. */
static bool next_cell(struct ds_span line, size_t *at, struct ds_span *raw)
{
    size_t start = *at, i = start;
    if (i < line.len && line.ptr[i] == '"') {
        for (i++;; i++) {
            const char *q = i < line.len ? memchr(line.ptr + i, '"', line.len - i) : NULL;
            if (!q)
                return false;
            i = (size_t)(q - line.ptr) + 1;
            if (i >= line.len || line.ptr[i] != '"')
                break;
        }
        if (i < line.len && line.ptr[i] != ',')
            return false;
    } else {
        while (i < line.len && line.ptr[i] != ',') {
            if (line.ptr[i] == '"')
                return false;
            i++;
        }
    }
    *raw = (struct ds_span){line.ptr + start, i - start};
    *at = i + 1;
    return true;
}

/* Without quotes; copies into a only where a quote stood inside. */
static int unquote(struct ds_span raw, struct ds_arena *a, struct ds_span *out)
{
    if (raw.len == 0 || raw.ptr[0] != '"') {
        *out = raw;
        return 0;
    }
    struct ds_span in = {raw.ptr + 1, raw.len - 2};
    if (in.len == 0 || !memchr(in.ptr, '"', in.len)) {
        *out = in;
        return 0;
    }
    char *text = ds_new(a, char, in.len + 1);
    size_t n = 0;
    if (!text)
        return DS_ETOOBIG;
    for (size_t i = 0; i < in.len; i++) {
        text[n++] = in.ptr[i];
        i += in.ptr[i] == '"';
    }
    *out = (struct ds_span){text, n};
    return 0;
}

static struct ds_span line_at(struct ds_span text, size_t from)
{
    const char *end = memchr(text.ptr + from, '\n', text.len - from);
    size_t n = end ? (size_t)(end - text.ptr) - from : text.len - from;
    return (struct ds_span){text.ptr + from, n};
}

static int bad(struct ds_err *err, size_t line, const char *what)
{
    return ds_fail(err, DS_EPARSE, "design.csv:%zu: %s", line, what);
}

static int too_big(struct ds_err *err)
{
    return ds_fail(err, DS_ETOOBIG, "design.csv: more than fits");
}

static size_t count_cells(struct ds_span line, bool *ok)
{
    size_t n = 0, at = 0;
    *ok = true;
    while (at <= line.len) {
        struct ds_span raw;
        if (!next_cell(line, &at, &raw)) {
            *ok = false;
            return n;
        }
        n++;
    }
    return n;
}

static int read_header(struct ds_span line, struct ds_arena *a, struct design *d,
                       struct ds_err *err)
{
    bool ok;
    size_t n = count_cells(line, &ok), at = 0;
    struct ds_span *names = ok ? ds_new(a, struct ds_span, n) : NULL;
    if (!ok || n < 2)
        return bad(err, 1, "the header is no design's");
    if (!names)
        return too_big(err);
    for (size_t i = 0; i < n; i++) {
        struct ds_span raw;
        if (!next_cell(line, &at, &raw) || unquote(raw, a, &names[i]) < 0)
            return too_big(err);
    }
    if (!ds_span_is(names[0], "case") || !ds_span_is(names[1], "id"))
        return bad(err, 1, "the header does not start with case,id");
    d->has_sens = n >= 4 && ds_span_is(names[2], "SENSNAME") && ds_span_is(names[3], "SENSCASE");
    size_t fixed = d->has_sens ? 4 : 2;
    d->names = names + fixed;
    d->n_params = n - fixed;
    for (size_t i = 1; i < d->n_params; i++)
        if (ds_span_compare(d->names[i - 1], d->names[i]) >= 0)
            return bad(err, 1, "the names are not in order");
    return 0;
}

static bool parse_number(struct ds_span line, size_t *at, uint32_t *out)
{
    uint64_t v = 0;
    size_t i = 0;
    while (i < line.len && i < 11 && line.ptr[i] >= '0' && line.ptr[i] <= '9')
        v = v * 10 + (uint64_t)(line.ptr[i++] - '0');
    if (i == 0 || v > MAX_NUMBER || i >= line.len || line.ptr[i] != ',')
        return false;
    *out = (uint32_t)v;
    *at = i + 1;
    return true;
}

/* The same as count_cells for lines without quotes, which nearly all are. */
static size_t count_plain(struct ds_span line, bool *ok)
{
    size_t n = 1;
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '"')
            return count_cells(line, ok);
        n += line.ptr[i] == ',';
    }
    *ok = true;
    return n;
}

struct rows {
    uint32_t *number;
    struct case_id *id;
    uint32_t *offset;
};

static int read_row(struct design *d, struct ds_span line, uint32_t row, struct rows *r,
                    struct ds_err *err)
{
    size_t at, n_cells = d->n_params + (d->has_sens ? 4 : 2);
    bool ok;
    if (!parse_number(line, &at, &r->number[row]))
        return bad(err, row + 2, "no case number");
    if (row > 0 && r->number[row] <= r->number[row - 1])
        return bad(err, row + 2, "case numbers do not ascend");
    if (line.len - at < CASE_ID_CHARS
        || !case_id_parse((struct ds_span){line.ptr + at, CASE_ID_CHARS}, &r->id[row]))
        return bad(err, row + 2, "no case id");
    if (count_plain(line, &ok) != n_cells || !ok)
        return bad(err, row + 2, "wrong number of cells, or quotes that do not match");
    size_t end = at + CASE_ID_CHARS;
    if (end < line.len && line.ptr[end] != ',')
        return bad(err, row + 2, "no case id");
    return 0;
}

int design_decode(struct ds_span text, struct ds_arena *a, struct design *out, struct ds_err *err)
{
    struct design d = {.text = text};
    if (text.len > DESIGN_MAX_BYTES)
        return too_big(err);
    if (text.len == 0 || text.ptr[text.len - 1] != '\n' || memchr(text.ptr, '\0', text.len))
        return bad(err, 1, "not a whole design (no line end at its end, or a NUL byte)");
    size_t n_lines = 0;
    for (const char *p = text.ptr; (p = memchr(p, '\n', text.len - (size_t)(p - text.ptr)));) {
        n_lines++;
        if (++p == text.ptr + text.len)
            break;
    }
    if (n_lines - 1 > SWEEP_MAX_CASES)
        return too_big(err);
    struct ds_span line = line_at(text, 0);
    int rc = read_header(line, a, &d, err);
    if (rc < 0)
        return rc;
    size_t n_rows = n_lines - 1, at = line.len + 1;
    struct rows r = {ds_new(a, uint32_t, n_rows), ds_new(a, struct case_id, n_rows),
                     ds_new(a, uint32_t, n_rows)};
    if (!r.number || !r.id || !r.offset)
        return too_big(err);
    for (uint32_t row = 0; row < n_rows; row++) {
        line = line_at(text, at);
        r.offset[row] = (uint32_t)at;
        rc = read_row(&d, line, row, &r, err);
        if (rc < 0)
            return rc;
        at += line.len + 1;
    }
    d.n_rows = (uint32_t)n_rows;
    d.number = r.number;
    d.id = r.id;
    d.offset = r.offset;
    *out = d;
    return 0;
}

int design_row(const struct design *d, uint32_t row, struct ds_arena *a, struct ds_span *cells,
               struct ds_span sens[2], struct ds_err *err)
{
    assert(row < d->n_rows);
    struct ds_span line = line_at(d->text, d->offset[row]);
    size_t at = 0, fixed = d->has_sens ? 4 : 2, n = fixed + d->n_params;
    if (sens)
        sens[0] = sens[1] = DS_SPAN("");
    for (size_t i = 0; i < n; i++) {
        struct ds_span raw, cell;
        if (!next_cell(line, &at, &raw))
            return bad(err, row + 2, "the line changed since it was read");
        if (unquote(raw, a, &cell) < 0)
            return too_big(err);
        if (i >= fixed)
            cells[i - fixed] = cell;
        else if (i >= 2 && sens)
            sens[i - 2] = cell;
    }
    return 0;
}

int64_t design_find_number(const struct design *d, uint32_t number)
{
    uint32_t lo = 0, hi = d->n_rows;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (d->number[mid] < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < d->n_rows && d->number[lo] == number ? (int64_t)lo : -1;
}

int64_t design_find_id(const struct design *d, struct case_id id)
{
    for (uint32_t i = 0; i < d->n_rows; i++)
        if (case_id_eq(d->id[i], id))
            return i;
    return -1;
}
