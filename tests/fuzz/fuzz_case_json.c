/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case.json and store keys of any bytes: what is understood says the same when it is written
 * and read again. */
#include "base/arena.h"
#include "base/buf.h"
#include "decksweep/result.h"

#include <stdlib.h>

#define BYTES ((size_t)4 << 20)

static void check_key(struct ds_span text)
{
    char again[RESULT_KEY_BYTES];
    struct result_key k = result_key_decode(text);
    if (k.kind == KEY_OTHER)
        return;
    result_key_encode(&k, again);
    if (!ds_span_is(text, again))
        abort();
    struct ds_span word = ds_span_of(k.keep);
    if (k.kind == KEY_CASE && !keep_word_covers(word, word))
        abort();
}

static void check_record(struct ds_span text, struct ds_arena *a)
{
    struct case_record r, again;
    struct ds_err err = {0};
    struct ds_buf one, two;
    if (case_record_decode(text, a, &r, &err) < 0) {
        if (err.text[0] == '\0')
            abort();
        return;
    }
    buf_init(&one, BYTES);
    buf_init(&two, BYTES);
    if (case_record_encode(&r, &one, &err) == 0) {
        if (case_record_decode(buf_span(&one), a, &again, &err) < 0
            || case_record_encode(&again, &two, &err) < 0
            || !ds_span_eq(buf_span(&one), buf_span(&two)))
            abort();
    }
    buf_clear(&one);
    buf_clear(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ds_span text = {(const char *)data, size};
    if (size > BYTES / 16)
        return 0;
    struct ds_arena *a = arena_create(4 * BYTES);
    check_key(text);
    check_record(text, a);
    arena_destroy(a);
    return 0;
}
