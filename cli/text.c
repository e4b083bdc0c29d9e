/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/text.h"

#include "base/arena.h"
#include "base/utf8.h"

struct code_range {
    uint32_t first, last;
};

/* After Unicode 15: East Asian Width W and F (blocks, not single holes), and emoji. */
static const struct code_range WIDE[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26a1, 0x26a1},   {0x2705, 0x2705},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2795, 0x2797},
    {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18aff},
    {0x1b000, 0x1b2ff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

/* Combining marks and zero-width characters that occur in names. */
static const struct code_range ZERO[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x0900, 0x0902}, {0x093c, 0x093c}, {0x0941, 0x0948},   {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},   {0x20d0, 0x20ff}, {0x302a, 0x302d},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
};

static bool in_ranges(const struct code_range *r, size_t n, uint32_t code)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (code > r[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && code >= r[low].first;
}

static size_t columns_of(uint32_t code)
{
    if (code < 0x300)
        return 1;
    if (in_ranges(ZERO, DS_COUNT(ZERO), code))
        return 0;
    return in_ranges(WIDE, DS_COUNT(WIDE), code) ? 2 : 1;
}

/* Code as shown on one line. */
static uint32_t flat(struct ds_span s, uint32_t code)
{
    char c = s.ptr[0];
    return code == '?' && (c == '\t' || c == '\n' || c == '\r') ? ' ' : code;
}

static void put_step(struct ds_buf *out, struct ds_span s, size_t n, uint32_t code)
{
    if (code == '?' || code == ' ')
        (void)buf_put_char(out, (char)code);
    else
        (void)buf_put(out, s.ptr, n);
}

size_t text_columns(struct ds_span s)
{
    size_t columns = 0;
    while (s.len > 0) {
        uint32_t code;
        size_t n = utf8_step(s, &code);
        columns += columns_of(code);
        s = (struct ds_span){s.ptr + n, s.len - n};
    }
    return columns;
}

void text_put(struct ds_buf *out, struct ds_span s)
{
    while (s.len > 0) {
        uint32_t code;
        size_t n = utf8_step(s, &code);
        put_step(out, s, n, flat(s, code));
        s = (struct ds_span){s.ptr + n, s.len - n};
    }
}

void text_put_lines(struct ds_buf *out, struct ds_span s)
{
    while (s.len > 0) {
        uint32_t code;
        size_t n = utf8_step(s, &code);
        if (s.ptr[0] == '\n' || s.ptr[0] == '\t')
            (void)buf_put_char(out, s.ptr[0]);
        else if (!(s.ptr[0] == '\r' && s.len > 1 && s.ptr[1] == '\n'))
            put_step(out, s, n, code);
        s = (struct ds_span){s.ptr + n, s.len - n};
    }
}

size_t text_put_fit(struct ds_buf *out, struct ds_span s, size_t columns)
{
    size_t used = 0;
    if (text_columns(s) <= columns) {
        text_put(out, s);
        return text_columns(s);
    }
    size_t dots = columns >= 6 ? 2 : 0;
    while (s.len > 0) {
        uint32_t code;
        size_t n = utf8_step(s, &code), w = columns_of(code);
        if (used + w + dots > columns)
            break;
        put_step(out, s, n, flat(s, code));
        used += w;
        s = (struct ds_span){s.ptr + n, s.len - n};
    }
    text_put_repeat(out, '.', dots);
    return used + dots;
}

void text_put_repeat(struct ds_buf *out, char c, size_t n)
{
    while (n-- > 0)
        (void)buf_put_char(out, c);
}

void table_init(struct table *t, struct ds_arena *a, unsigned n_columns, uint64_t right)
{
    *t = (struct table){.a = a, .n_columns = n_columns, .right = right};
}

void table_add(struct table *t, struct ds_span cell)
{
    if (t->n_cells == t->room) {
        size_t room = t->room ? t->room * 2 : 256;
        struct ds_span *bigger = ds_new(t->a, struct ds_span, room);
        if (!bigger)
            return;
        if (t->n_cells > 0)
            memcpy(bigger, t->cells, t->n_cells * sizeof *bigger);
        t->cells = bigger;
        t->room = room;
    }
    ds_auto_buf clean;
    buf_init(&clean, 1u << 20);
    text_put(&clean, cell);
    size_t columns = text_columns(buf_span(&clean));
    size_t at = t->n_cells % t->n_columns;
    if (columns > t->width[at])
        t->width[at] = columns;
    t->cells[t->n_cells++] = arena_copy(t->a, buf_span(&clean));
}

void table_add_text(struct table *t, const char *cell)
{
    table_add(t, ds_span_of(cell));
}

void table_put(const struct table *t, struct ds_buf *out)
{
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t at = i % t->n_columns;
        bool right = at < 64 && (t->right >> at & 1);
        size_t pad = t->width[at] - text_columns(t->cells[i]);
        if (at > 0)
            text_put_repeat(out, ' ', 2);
        if (right)
            text_put_repeat(out, ' ', pad);
        (void)buf_put_span(out, t->cells[i]);
        if (at + 1 < t->n_columns) {
            if (!right)
                text_put_repeat(out, ' ', pad);
            continue;
        }
        while (out->len > 0 && out->data[out->len - 1] == ' ')
            out->len--;
        (void)buf_put_char(out, '\n');
    }
}
