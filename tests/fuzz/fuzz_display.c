/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of a run's file, decoded and drawn at the size of the first two bytes: whatever they
 * say, no line may be wider than the terminal, and no control byte may reach it. */
#include "cli/display.h"
#include "cli/text.h"

#include <stdlib.h>

#define T0 INT64_C(1763721000000)

static void check_lines(const struct ds_buf *out, unsigned width, unsigned height)
{
    struct ds_span rest = buf_span(out), line;
    unsigned n = 0;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        if (++n > height || text_columns(line) > width)
            abort();
        for (size_t i = 0; i < line.len; i++)
            if ((unsigned char)line.ptr[i] < 0x20 || line.ptr[i] == 0x7f)
                abort();
    }
}

static void check_plain(const struct ds_buf *out)
{
    for (size_t i = 0; i < out->len; i++)
        if (((unsigned char)out->data[i] < 0x20 && out->data[i] != '\n') || out->data[i] == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    unsigned width = 1 + data[0] % 220, height = 1 + data[1] % 60;
    struct ds_span rest = {(const char *)data + 2, size - 2}, line;
    ds_auto_arena a = arena_create(1u << 20);
    ds_auto_buf out, plain;
    struct display_state d;
    struct display_setup setup = {.name = "fuzz \xc3\xb6", .n_total = 40, .now_ms = T0};
    if (display_state_init(&d, &setup, a, NULL) < 0)
        abort();
    buf_init(&out, 8u << 20);
    buf_init(&plain, 8u << 20);
    int64_t now = T0;
    while (rest.len > 0) {
        struct event e;
        rest = ds_span_cut(rest, '\n', &line);
        now += 700;
        if (line.len <= EVENT_LINE_BYTES && event_decode(line, &e, NULL) == 0)
            display_state_event(&d, &e);
        buf_reset(&plain);
        display_plain(&d, now, &plain);
        check_plain(&plain);
    }
    display_render(&d, now, width, height, false, &out);
    check_lines(&out, width, height);
    buf_reset(&out);
    display_put_summary(&d, now, &out);
    return 0;
}
