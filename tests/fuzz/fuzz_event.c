/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Event lines come from a pipe another program writes. What is read can be written and read again. */
#include "base/buf.h"
#include "decksweep/event.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event e, again;
    ds_auto_buf out;
    buf_init(&out, 1u << 20);
    if (event_decode((struct ds_span){(const char *)data, size}, &e, NULL) < 0
        || e.kind == EVENT_NONE)
        return 0;
    if (event_encode(&e, &out, NULL) < 0)
        abort();
    if (out.len > EVENT_LINE_BYTES + 1
        || event_decode((struct ds_span){out.data, out.len - 1}, &again, NULL) < 0
        || again.kind != e.kind || again.number != e.number || again.verdict != e.verdict)
        abort();
    return 0;
}
