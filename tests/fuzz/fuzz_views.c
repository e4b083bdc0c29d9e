/* SPDX-License-Identifier: GPL-3.0-or-later */
/* API objects are written by others. Any JSON may come; views stay within their bounds, packing
 * loses nothing, hashes never depend on what was decoded before. */
#include "scheduler/views.h"

#include <stdint.h>
#include <stdlib.h>

static void try_sweep(const struct json *j, struct ds_arena *a)
{
    struct sweep_view v, again;
    if (sweep_view_decode(j, a, &v, NULL) < 0)
        return;
    if (sweep_view_decode(j, a, &again, NULL) < 0 || strcmp(v.spec_hash, again.spec_hash) != 0
        || strcmp(v.edit_hash, again.edit_hash) != 0 || strlen(v.spec_hash) != 16)
        abort();
    sweep_view_set_deck(&v, j);
    sweep_view_set_claim(&v, j);
    if (v.ttl_s < 0 || strlen(v.once_token) >= STATUS_NAME_BYTES)
        abort();
}

static void try_work(const struct json *j, struct ds_arena *a)
{
    struct job_view v, *job;
    struct pod_view p, *pod;
    if (job_view_decode(j, a, &v, NULL) == 0) {
        job = job_view_pack(&v, malloc(job_view_bytes(&v)));
        if (!job_view_same(&v, job))
            abort();
        free(job);
    }
    if (pod_view_decode(j, a, &p, NULL) == 0) {
        pod = pod_view_pack(&p, malloc(pod_view_bytes(&p)));
        if (!pod_view_same(&p, pod) || p.index < -1 || strlen(p.message) > CENSUS_REPORT_BYTES)
            abort();
        free(pod);
    }
}

static void try_nodes(const struct json *j, struct ds_arena *a)
{
    struct node_view n;
    struct node_load l;
    struct placement p = {0};
    struct node_class out[NODE_CLASSES_MAX];
    bool loaded = node_load_decode(j, a, &l);
    (void)!placement_decode(j, a, &p, NULL);
    if (node_view_decode(j, a, &n, NULL) == 0)
        (void)node_classes_make(&n, 1, &l, loaded, &p, a, out);
    if (strlen(event_list_failed_create(j, "u", 0, a)) > STATUS_TEXT_BYTES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ds_auto_json j = NULL;
    ds_auto_arena a = arena_create(1u << 20);
    struct object_ref r;
    uint64_t n;
    struct ds_span text = {(const char *)data, size};
    if (quantity_parse(text, 1000, &n) && n > UINT64_C(1) << 60)
        abort();
    if (json_parse(text, 1u << 18, &j, NULL) < 0)
        return 0;
    (void)!object_ref_decode(j, a, &r, NULL);
    try_sweep(j, a);
    try_work(j, a);
    try_nodes(j, a);
    return 0;
}
