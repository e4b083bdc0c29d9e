/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sweep file that passes is sent to an API server as JSON: which must be JSON, pass as a sweep
 * file itself, and be the same sweep. */
#include "base/json.h"
#include "cli/sweep_object.h"
#include "decksweep/sweep.h"

#include <stdlib.h>

static void need(bool holds)
{
    if (!holds)
        abort();
}

static bool same(double x, double y)
{
    return x == y || (x != x && y != y);
}

static void compare(const struct sweep *x, const struct sweep *y)
{
    need(ds_span_eq(x->name, y->name) && ds_span_eq(x->deck, y->deck));
    need(x->n_params == y->n_params && x->method == y->method && x->samples == y->samples);
    need(x->seed == y->seed && x->wall_ms == y->wall_ms && x->memory_bytes == y->memory_bytes);
    need(ds_span_eq(x->where, y->where) && ds_span_eq(x->version_pin, y->version_pin));
    need(x->ranks == y->ranks && x->trim == y->trim && x->compression == y->compression);
    for (size_t i = 0; i < x->n_params; i++) {
        const struct sweep_param *p = &x->params[i], *q = &y->params[i];
        need(ds_span_eq(p->name, q->name) && p->kind == q->kind && p->n_values == q->n_values);
        need(same(p->min, q->min) && same(p->max, q->max) && same(p->mean, q->mean));
        need(same(p->from, q->from) && same(p->to, q->to) && p->decimals == q->decimals);
        for (size_t k = 0; k < p->n_values; k++)
            need(ds_span_eq(p->values[k].text, q->values[k].text)
                 && p->values[k].is_text == q->values[k].is_text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ds_span text = {(const char *)data, size};
    struct ds_arena *a = arena_create((size_t)64 << 20);
    struct sweep_problems *problems = ds_new(a, struct sweep_problems, 1);
    struct sweep before, after;
    struct yaml_node *root = NULL;
    struct sweep_edit as_it_is = {.keep_once = true};
    struct ds_err err = {0};
    ds_auto_json j = NULL;
    ds_auto_buf out;
    buf_init(&out, SWEEP_OBJECT_BYTES);
    bool fits = size <= 65536
                && sweep_parse(DS_SPAN("s.yaml"), text, a, &before, problems, &err) == 0
                && yaml_parse(text, SWEEP_MAX_FILE_BYTES, a, &root, NULL, &err) == 0;
    if (fits) {
        need(sweep_object_put(root, &as_it_is, "n", &out, &err) == 0);
        need(json_parse(buf_span(&out), SWEEP_OBJECT_BYTES, &j, &err) == 0);
        need(sweep_parse(DS_SPAN("s.yaml"), buf_span(&out), a, &after, problems, &err) == 0);
        compare(&before, &after);
    }
    arena_destroy(a);
    return 0;
}
