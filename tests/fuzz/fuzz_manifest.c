/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever a Sweep holds and a census reported: a manifest is refused, or it is one JSON value that
 * keeps to what "restricted" pods may have, and the spec's file is one that parses again. */
#include "base/json.h"
#include "scheduler/job_manifest.h"
#include "scheduler/limits.h"
#include "scheduler/views.h"

#include <stdint.h>
#include <stdlib.h>

#define MAX_OUT (4u << 20)

static const struct json *pod_of(const struct json *job)
{
    return json_get(json_get(json_get(job, "spec"), "template"), "spec");
}

static void expect_true(const struct json *object, const char *key, bool want)
{
    bool is = !want;
    if (!json_bool(json_get(object, key), &is) || is != want)
        abort();
}

static void check_containers(const struct json *list)
{
    if (json_count(list) != 1)
        abort();
    const struct json *c = json_first(list), *s = json_get(c, "securityContext");
    expect_true(s, "allowPrivilegeEscalation", false);
    expect_true(s, "readOnlyRootFilesystem", true);
    if (json_count(s) != 3 || json_get(s, "privileged") || json_get(c, "ports"))
        abort();
}

/* Members of a pod's spec that are possible at all. */
static void check_pod(const struct json *pod)
{
    static const char *const KNOWN[] = {"restartPolicy",
                                        "activeDeadlineSeconds",
                                        "terminationGracePeriodSeconds",
                                        "serviceAccountName",
                                        "priorityClassName",
                                        "automountServiceAccountToken",
                                        "nodeSelector",
                                        "tolerations",
                                        "topologySpreadConstraints",
                                        "imagePullSecrets",
                                        "securityContext",
                                        "affinity",
                                        "enableServiceLinks",
                                        "initContainers",
                                        "containers",
                                        "volumes"};
    const struct json *s = json_get(pod, "securityContext");
    int64_t user = 0;
    for (const struct json *m = json_first(pod); m; m = json_next(m)) {
        size_t i = 0;
        while (i < DS_COUNT(KNOWN) && !ds_span_is(json_key(m), KNOWN[i]))
            i++;
        if (i == DS_COUNT(KNOWN))
            abort();
    }
    expect_true(pod, "automountServiceAccountToken", false);
    expect_true(s, "runAsNonRoot", true);
    if (!json_i64(json_get(s, "runAsUser"), &user) || user < 1)
        abort();
    check_containers(json_get(pod, "containers"));
    check_containers(json_get(pod, "initContainers"));
}

static void try_job(const struct manifest_input *in)
{
    ds_auto_buf out;
    struct ds_err err = {0};
    buf_init(&out, MANIFEST_MAX_BYTES);
    for (uint32_t i = 0; i <= in->status->step.n_jobs; i++) {
        ds_auto_json back = NULL;
        buf_reset(&out);
        if (job_manifest(in, i, &out, &err) < 0) {
            if (err.text[0] == '\0')
                abort();
            continue;
        }
        if (json_parse(buf_span(&out), MANIFEST_MAX_BYTES, &back, &err) < 0)
            abort();
        check_pod(pod_of(back));
    }
}

static void try_spec(const struct manifest_input *in, struct ds_arena *a)
{
    static struct sweep_problems problems;
    ds_auto_buf out;
    ds_auto_json map = NULL;
    ds_auto_json file = NULL;
    struct sweep sweep;
    struct ds_span text;
    buf_init(&out, MAX_OUT);
    if (job_manifest_spec(in, &out, NULL) < 0)
        return;
    if (json_parse(buf_span(&out), MAX_OUT, &map, NULL) < 0
        || !json_text(json_get(json_get(map, "data"), "sweep.json"), &text)
        || json_parse(text, MAX_OUT, &file, NULL) < 0)
        abort();
    memset(&problems, 0, sizeof problems);
    if (sweep_parse(DS_SPAN("sweep.json"), text, a, &sweep, &problems, NULL) < 0 && problems.n == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cluster_limits limits;
    static struct limits_problems problems;
    struct sweep_view view;
    struct node_class nodes[] = {{16, UINT64_C(1) << 36, UINT64_C(1) << 37, 2}};
    ds_auto_json j = NULL;
    ds_auto_arena a = arena_create(64u << 20);
    if (json_parse((struct ds_span){(const char *)data, size}, 1u << 20, &j, NULL) < 0
        || sweep_view_decode(j, a, &view, NULL) < 0)
        return 0;
    limits_read(j, &limits, &problems);
    /* The status of the object itself says which Jobs there are. */
    struct manifest_input in = {.sweep = j,
                                .view = &view,
                                .status = &view.status,
                                .limits = &limits,
                                .nodes = nodes,
                                .n_nodes = 1,
                                .agent_image = "agent",
                                .version = "1"};
    view.read_write_once = size % 2;
    try_job(&in);
    try_spec(&in, a);
    return 0;
}
