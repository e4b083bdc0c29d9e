/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as JSON, and as a plan: what decodes must encode to something that decodes to the same
 * bytes again. */
#include "base/arena.h"
#include "base/json.h"
#include "decksweep/plan.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct json *j)
{
    size_t n = 0;
    for (const struct json *c = json_first(j); c && n < 10000; c = json_next(c)) {
        struct ds_span text = json_key(c);
        uint64_t u;
        int64_t i;
        double d;
        bool b;
        n += text.len + json_text(c, &text) + json_u64(c, 1000, &u) + json_i64(c, &i)
             + json_number(c, &d) + json_bool(c, &b) + json_count(c);
    }
    return n;
}

static void check_plan(struct ds_span text)
{
    ds_auto_arena a = arena_create(32u << 20);
    ds_auto_buf one, two;
    struct ds_err err;
    struct plan p, q;
    buf_init(&one, PLAN_MAX_BYTES);
    buf_init(&two, PLAN_MAX_BYTES);
    if (plan_decode(text, a, &p, &err) < 0)
        return;
    if (plan_encode(&p, &one, &err) < 0)
        return;
    if (plan_decode(buf_span(&one), a, &q, &err) < 0 || plan_encode(&q, &two, &err) < 0)
        abort();
    if (!ds_span_eq(buf_span(&one), buf_span(&two)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ds_auto_json j = NULL;
    struct ds_span text = {(const char *)data, size};
    if (json_parse(text, 1u << 20, &j, NULL) == 0)
        (void)walk(j);
    check_plan(text);
    return 0;
}
