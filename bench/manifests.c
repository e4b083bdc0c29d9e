/* SPDX-License-Identifier: GPL-3.0-or-later */
/* manifests: render everything that the controller creates for one sweep (census Job, a Job for each
 * of 12 shapes, the spec's ConfigMap) from the object as JSON text. One line a size of sweep. */
#include "base/clock_io.h"
#include "base/json.h"
#include "scheduler/job_manifest.h"
#include "scheduler/limits.h"
#include "scheduler/views.h"

#include <stdio.h>
#include <stdlib.h>

static void need(int rc, const struct ds_err *err)
{
    if (rc < 0) {
        (void)fprintf(stderr, "manifests: %s\n", err->text);
        exit(1);
    }
}

static void put_sweep(struct ds_buf *out, unsigned n_params, unsigned n_values)
{
    (void)buf_put_text(
        out,
        "{\"apiVersion\":\"decksweep.io/v1alpha1\",\"kind\":\"Sweep\",\"metadata\":{\"name\":"
        "\"bench\",\"namespace\":\"bench\",\"uid\":\"u\",\"resourceVersion\":\"1\"},\"spec\":{"
        "\"deck\":\"A.DATA\",\"deckFrom\":{\"configMap\":\"bench-0123456789abcdef\"},"
        "\"design\":{\"method\":\"grid\"},\"simulator\":{\"image\":\"registry.example/sim\"},"
        "\"results\":{\"store\":\"pvc://claim/path\"},\"cluster\":{\"queue\":\"q\",\"labels\":{"
        "\"a\":\"b\"},\"tolerations\":[{\"key\":\"k\",\"operator\":\"Exists\"}]},"
        "\"parameters\":{");
    for (unsigned i = 0; i < n_params; i++) {
        (void)buf_printf(out, "%s\"P%04u\":{\"values\":[", i ? "," : "", i);
        for (unsigned k = 0; k < n_values; k++)
            (void)buf_printf(out, "%s%u.%03u", k ? "," : "", k, i);
        (void)buf_put_text(out, "]}");
    }
    (void)buf_put_text(out, "}}}");
}

static void fill_round(struct sweep_status *st, const char *spec_hash)
{
    st->step.kind = STEP_ROUND;
    st->step.number = 1;
    st->step.n_jobs = CENSUS_MAX_SHAPES;
    memcpy(st->step.plan_digest, "0123456789abcdef", 17);
    for (uint32_t i = 0; i < CENSUS_MAX_SHAPES; i++) {
        reconcile_job_name("bench", spec_hash, &st->step, i, st->step.job[i].name);
        st->step.job[i].shape = (struct census_shape){.n_chunks = 100,
                                                      .n_cases = 1000,
                                                      .pod = {8, 1u << 30, 1u << 30, 1u << 26, 8},
                                                      .deadline_s = 900};
    }
}

struct sizes {
    size_t object, out;
    unsigned n;
};

static void render_all(struct ds_span object, struct ds_buf *out, struct sizes *sizes)
{
    static struct sweep_status st;
    struct cluster_limits limits;
    struct sweep_view view;
    struct ds_err err = {0};
    ds_auto_arena a = arena_create(64u << 20);
    ds_auto_json j = NULL;
    need(json_parse(object, 4u << 20, &j, &err), &err);
    need(sweep_view_decode(j, a, &view, &err), &err);
    limits_default(&limits);
    struct manifest_input in = {.sweep = j,
                                .view = &view,
                                .status = &st,
                                .limits = &limits,
                                .agent_image = "registry.example/decksweep:1",
                                .version = DECKSWEEP_VERSION};
    memset(&st, 0, sizeof st);
    st.step = (struct step){.kind = STEP_CENSUS, .number = 1, .n_jobs = 1, .job = {{"bench-c1"}}};
    sizes->out = sizes->n = 0;
    for (int step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < st.step.n_jobs; i++, sizes->n++) {
            buf_reset(out);
            need(job_manifest(&in, i, out, &err), &err);
            sizes->out += out->len;
        }
        fill_round(&st, view.spec_hash);
    }
    buf_reset(out);
    need(job_manifest_spec(&in, out, &err), &err);
    sizes->out += out->len;
    sizes->n++;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const unsigned SIZES[][2] = {{5, 5}, {40, 100}, {1000, 100}};
    for (size_t s = 0; s < DS_COUNT(SIZES); s++) {
        int64_t us[21];
        struct sizes sizes = {0, 0, 0};
        ds_auto_buf object, out;
        buf_init(&object, 4u << 20);
        buf_init(&out, 4u << 20);
        put_sweep(&object, SIZES[s][0], SIZES[s][1]);
        for (size_t i = 0; i < DS_COUNT(us); i++) {
            int64_t t0 = clock_monotonic_ns();
            render_all(buf_span(&object), &out, &sizes);
            us[i] = (clock_monotonic_ns() - t0) / 1000;
        }
        qsort(us, DS_COUNT(us), sizeof us[0], compare);
        (void)printf("manifests: %u parameters x %u values (%zu KiB): %u objects, %zu KiB: median "
                     "%.2f ms, worst %.2f ms\n",
                     SIZES[s][0], SIZES[s][1], object.len >> 10, sizes.n, sizes.out >> 10,
                     (double)us[DS_COUNT(us) / 2] / 1e3, (double)us[DS_COUNT(us) - 1] / 1e3);
    }
    return 0;
}
