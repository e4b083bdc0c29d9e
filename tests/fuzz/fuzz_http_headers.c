/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header lines of any server: names that are names, values without control bytes, all bounded. */
#include "base/base64.h"
#include "http/http_head.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head h;
    struct ds_span rest = {(const char *)data, size}, line, out;
    struct ds_err err;
    ds_auto_arena a = arena_create(HTTP_HEAD_KEEP_BYTES);
    ds_auto_arena b = arena_create(size * 2 + 4096);
    http_head_init(&h, a);
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        int64_t after = http_retry_after_parse(line, 784111767);
        if (after < -1 || after > 86400000)
            abort();
        if (http_date_parse(line) < 0 || http_head_line(&h, line, &err) < 0)
            break;
    }
    if (h.n > HTTP_MAX_HEADERS)
        abort();
    for (size_t i = 0; i < h.n; i++)
        if (!http_is_field_name(h.header[i].name) || !http_is_field_value(h.header[i].value)
            || http_head_get(h.header, h.n, h.header[i].name.ptr).ptr == NULL)
            abort();
    if (base64_decode((struct ds_span){(const char *)data, size}, b, &out, &err) == 0) {
        ds_auto_buf again;
        struct ds_span back;
        buf_init(&again, size * 2 + 16);
        if (base64_put(&again, out.ptr, out.len) < 0
            || base64_decode(buf_span(&again), b, &back, &err) < 0)
            return 0; /* the arena may be full */
        if (!ds_span_eq(out, back))
            abort();
    }
    return 0;
}
