/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list cut at its objects gives the same objects as the tree of the whole. */
#include "kube/kube_list.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ds_span text = {(const char *)data, size};
    struct kube_list l;
    struct ds_err err;
    ds_auto_json whole = NULL;
    size_t n = 0;
    int rc = kube_list_open(text, &l, &err);
    if (rc < 0)
        return 0;
    struct json *object;
    while ((rc = kube_list_next(&l, &object, &err)) > 0) {
        json_destroy(object);
        n++;
    }
    kube_list_close(&l);
    /* cJSON takes any control code for a blank, and depth is counted from another level: one may be
     * refused where the other is not. */
    if (rc < 0 || json_parse(text, size, &whole, &err) < 0)
        return 0;
    const struct json *items = json_get(whole, "items");
    if (json_is_array(items) ? json_count(items) != n : n != 0)
        abort();
    return 0;
}
