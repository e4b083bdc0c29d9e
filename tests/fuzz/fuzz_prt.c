/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First byte: the stream, and whether a gap comes in the middle; the rest: its text, in two ways. */
#include "agent/prt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
    size_t n = strnlen(text, room);
    if (n >= room)
        abort();
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prt_reader r;
    struct prt_facts whole, bytewise;
    if (size < 1)
        return 0;
    enum prt_stream stream = (enum prt_stream)(1 + data[0] % 3);
    bool gap = data[0] & 0x80;
    const char *text = (const char *)data + 1;
    size_t n = size - 1, half = gap ? n / 2 : n;
    prt_init(&r);
    prt_feed(&r, stream, text, half);
    if (gap)
        prt_gap(&r);
    prt_feed(&r, stream, text + half, n - half);
    prt_finish(&r, &whole);
    prt_init(&r);
    for (size_t i = 0; i < n; i++) {
        if (gap && i == half)
            prt_gap(&r);
        prt_feed(&r, stream, text + i, 1);
    }
    prt_finish(&r, &bytewise);
    check_text(whole.message, sizeof whole.message);
    check_text(whole.deck_file, sizeof whole.deck_file);
    if (whole.rank != bytewise.rank || strcmp(whole.message, bytewise.message) != 0
        || strcmp(whole.deck_file, bytewise.deck_file) != 0 || whole.n_errors != bytewise.n_errors
        || whole.last_step != bytewise.last_step || whole.n_chops != bytewise.n_chops)
        abort();
    return 0;
}
