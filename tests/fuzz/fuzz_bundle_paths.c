/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep-bundle.json comes in a ConfigMap that anybody may have made. What is taken stays inside
 * the bundle and can be written and read again, with equal bytes. */
#include "base/path.h"
#include "scheduler/bundle_paths.h"

#include <stdlib.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_inside(const struct bundle_paths *p)
{
    check(path_is_safe_member(p->deck));
    check(p->table.len == 0 || path_is_safe_member(p->table));
    for (size_t i = 0; i < p->n_params; i++) {
        check(p->params[i].n_paths > 0);
        check(bundle_paths_find(p, p->params[i].name) == &p->params[i]);
        for (size_t k = 0; k < p->params[i].n_paths; k++)
            check(path_is_safe_member(p->params[i].paths[k]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ds_span text = {(const char *)data, size};
    char hex[BUNDLE_HEX_BYTES], key[BUNDLE_KEY_BYTES];
    struct bundle_paths p, again;
    ds_auto_arena a = arena_create(16u << 20);
    ds_auto_buf out;
    ds_auto_buf twice;
    buf_init(&out, BUNDLE_PATHS_MAX_BYTES);
    buf_init(&twice, BUNDLE_PATHS_MAX_BYTES);
    if (bundle_name_digest(text, hex)) {
        bundle_key_of(hex, key);
        check(bundle_key_digest(ds_span_of(key), hex));
    }
    (void)bundle_key_digest(text, hex);
    if (bundle_paths_decode(text, a, &p, NULL) < 0)
        return 0;
    check_inside(&p);
    check(bundle_paths_encode(&p, &out, NULL) == 0);
    check(bundle_paths_decode(buf_span(&out), a, &again, NULL) == 0);
    check(bundle_paths_encode(&again, &twice, NULL) == 0);
    check(ds_span_eq(buf_span(&out), buf_span(&twice)));
    return 0;
}
