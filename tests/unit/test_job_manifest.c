/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs and the spec's ConfigMap, held to tests/golden/kube (make bless); tests/cluster/manifests.bats
 * shows the same files to an API server. */
#include "base/fs_io.h"
#include "base/json.h"
#include "scheduler/job_manifest.h"
#include "scheduler/limits.h"
#include "scheduler/pod_size.h"
#include "scheduler/views.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define META                                                                                       \
    "\"apiVersion\":\"decksweep.io/v1alpha1\",\"kind\":\"Sweep\",\"metadata\":{\"name\":\"spe1\"," \
    "\"namespace\":\"reservoir\",\"uid\":\"397ea3e3-618c-43ca-9aed-7f6208e258bf\","                \
    "\"resourceVersion\":\"1205\",\"generation\":2,\"creationTimestamp\":\"2026-11-21T17:34:"      \
    "00Z\","                                                                                       \
    "\"managedFields\":[{\"manager\":\"kubectl\"}]}"
#define SPEC                                                                                       \
    "\"deck\":\"SPE1.DATA\",\"design\":{\"method\":\"grid\"},\"parameters\":{\"KX\":{\"values\":"  \
    "[100,250.5,1e5,\"x \\\"y\\\" \\u00e9\\ud83d\\ude00\",1e-7]},\"PORO\":{\"values\":[0.1]}},"    \
    "\"simulator\":{\"image\":\"registry.example/flow:1\",\"wallTime\":\"2h\"}"
#define DECK  ",\"deckFrom\":{\"configMap\":\"spe1-0123456789abcdef\"}"
#define STORE ",\"results\":{\"store\":\"pvc://results/team/north\"}"

static const char PLAIN[] = "{" META ",\"spec\":{" SPEC DECK STORE "}}";
static const char FULL[] =
    "{" META ",\"spec\":{" SPEC STORE ",\"deckFrom\":{\"store\":\"deck.0123456789abcdef.tar.zst\"},"
    "\"resources\":{\"ranks\":4},\"once\":{\"token\":\"t1\",\"do\":[\"retry-failed\",\"refill\"]},"
    "\"cluster\":{\"queue\":\"night\",\"priorityClass\":\"batch-low\","
    "\"nodeSelector\":{\"pool\":\"compute\"},\"tolerations\":[{\"key\":\"dedicated\",\"operator\":"
    "\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":7},{\"key\":\"a\",\"value\":\"b\"}],"
    "\"labels\":{\"team\":\"north\",\"decksweep.io/sweep\":\"other\",\"job-name\":\"x\"},"
    "\"annotations\":{\"bill.example/to\":\"4711\",\"karpenter.sh/do-not-disrupt\":\"false\"},"
    "\"imagePullSecrets\":[\"registry-key\"],\"maxWorkers\":3,\"workerCores\":4,"
    "\"serviceAccount\":\"sweeper\",\"securityContext\":{\"runAsUser\":2001,\"runAsGroup\":2002,"
    "\"fsGroup\":2003,\"fsGroupChangePolicy\":\"Always\",\"supplementalGroups\":[10,20]},"
    "\"ttl\":\"1h\"}}}";
/* A CRD of another version might let any of this pass. */
static const char HOSTILE[] =
    "{" META ",\"spec\":{" SPEC DECK STORE ",\"resources\":[1],\"once\":\"x\",\"cluster\":{"
    "\"queue\":7,\"hostNetwork\":true,\"nodeSelector\":[\"a\"],\"tolerations\":{\"a\":{\"key\":1}},"
    "\"labels\":{\"a\":1,\"b\":{\"c\":\"d\"}},\"annotations\":\"x\",\"imagePullSecrets\":{\"a\":"
    "\"b\"},"
    "\"workerCores\":\"many\",\"serviceAccount\":{\"a\":1},\"privileged\":true,"
    "\"securityContext\":{\"runAsUser\":0,\"runAsGroup\":-1,\"fsGroup\":1e99,\"privileged\":true,"
    "\"fsGroupChangePolicy\":\"Never\",\"supplementalGroups\":{\"a\":1},\"seLinuxOptions\":{"
    "\"user\":"
    "\"root\"},\"capabilities\":{\"add\":[\"SYS_ADMIN\"]}}}}}";

static struct scene {
    struct ds_arena *a;
    struct json *object;
    struct sweep_view view;
    struct sweep_status status;
    struct cluster_limits limits;
    struct node_class nodes[2];
    struct manifest_input in;
    struct ds_buf out;
    struct ds_err err;
} s;

static void begin(const char *object)
{
    json_destroy(s.object);
    s.object = NULL;
    cr_assert_eq(json_parse(ds_span_of(object), 1u << 20, &s.object, &s.err), 0, "%s", s.err.text);
    cr_assert_eq(sweep_view_decode(s.object, s.a, &s.view, &s.err), 0, "%s", s.err.text);
    limits_default(&s.limits);
    memset(&s.status, 0, sizeof s.status);
    buf_reset(&s.out);
    s.nodes[0] = (struct node_class){16, 64 * GIB, 100 * GIB, 4};
    s.nodes[1] = (struct node_class){4, 8 * GIB, 20 * GIB, 2};
    s.in = (struct manifest_input){.sweep = s.object,
                                   .view = &s.view,
                                   .status = &s.status,
                                   .limits = &s.limits,
                                   .nodes = s.nodes,
                                   .n_nodes = 2,
                                   .agent_image = "registry.example/decksweep:0.1.0",
                                   .version = "0.1.0"};
}

static void census(void)
{
    s.status.step = (struct step){.kind = STEP_CENSUS, .number = 3, .n_jobs = 1};
    reconcile_job_name("spe1", s.view.spec_hash, &s.status.step, 0, s.status.step.job[0].name);
}

static void a_round(uint32_t n_jobs)
{
    struct step *step = &s.status.step;
    *step = (struct step){
        .kind = STEP_ROUND, .number = 12, .n_jobs = n_jobs, .plan_digest = "fedcba9876543210"};
    for (uint32_t i = 0; i < n_jobs; i++) {
        reconcile_job_name("spe1", s.view.spec_hash, step, i, step->job[i].name);
        step->job[i].shape =
            (struct census_shape){.first_index = 20 * i,
                                  .n_chunks = 20,
                                  .n_cases = 160,
                                  .pod = {8, (4 + i) * GIB, 10 * GIB + 256 * MIB, 64 * MIB, 8},
                                  .deadline_s = 15300};
    }
}

static void setup(void)
{
    memset(&s, 0, sizeof s);
    s.a = arena_create(16u << 20);
    buf_init(&s.out, MANIFEST_MAX_BYTES);
}
static void teardown(void)
{
    json_destroy(s.object);
    buf_clear(&s.out);
    arena_destroy(s.a);
}
TestSuite(job_manifest, .init = setup, .fini = teardown);

/* One member a line, so that a difference can be read. */
static void put_pretty(struct ds_span json, struct ds_buf *out)
{
    int depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i], next = i + 1 < json.len ? json.ptr[i + 1] : '\0';
        bool opens = !in_text && (c == '{' || c == '['),
             closes = !in_text && (c == '}' || c == ']');
        if (c == '"')
            in_text = !in_text;
        depth += opens ? 1 : closes ? -1 : 0;
        if (closes && json.ptr[i - 1] != '{' && json.ptr[i - 1] != '[')
            (void)buf_printf(out, "\n%*s", 2 * depth, "");
        (void)buf_put_char(out, c);
        if (in_text && c == '\\')
            (void)buf_put_char(out, json.ptr[++i]);
        if ((opens && next != '}' && next != ']') || (!in_text && c == ','))
            (void)buf_printf(out, "\n%*s", 2 * depth, "");
        if (!in_text && c == ':')
            (void)buf_put_char(out, ' ');
    }
    (void)buf_put_char(out, '\n');
}

static void expect_golden(const char *name)
{
    char path[256];
    struct ds_span want;
    ds_auto_buf got;
    buf_init(&got, 1u << 20);
    put_pretty(buf_span(&s.out), &got);
    (void)snprintf(path, sizeof path, "tests/golden/kube/%s.json", name);
    if (getenv("BLESS")) {
        cr_assert_eq(fs_make_dirs("tests/golden/kube", &s.err), 0);
        cr_assert_eq(fs_replace_file(path, buf_span(&got), &s.err), 0, "%s", s.err.text);
        return;
    }
    cr_assert_eq(fs_read_file(path, 1u << 20, s.a, &want, &s.err), 0, "%s", s.err.text);
    cr_expect(ds_span_eq(want, buf_span(&got)), "%s is not what is rendered now (make bless):\n%s",
              path, got.data);
}

static void expect_job(uint32_t job, const char *name)
{
    cr_assert_eq(job_manifest(&s.in, job, &s.out, &s.err), 0, "%s", s.err.text);
    expect_golden(name);
}

Test(job_manifest, of_a_first_census_mounts_spec_and_deck)
{
    begin(PLAIN);
    census();
    expect_job(0, "census-first");
}

Test(job_manifest, of_a_later_census_says_what_to_do_and_mounts_no_deck)
{
    begin(FULL);
    census();
    (void)snprintf(s.status.step.once, sizeof s.status.step.once, "t1");
    (void)snprintf(s.status.step.stopped, sizeof s.status.step.stopped, "MaxFailed");
    s.status.bundle_stored = true;
    s.limits.census_deadline_s = 7200;
    s.limits.pods.max_workers = 5;
    expect_job(0, "census-full");
}

Test(job_manifest, of_a_round_has_an_index_for_each_chunk)
{
    begin(PLAIN);
    a_round(2);
    expect_job(1, "round-plain");
}

Test(job_manifest, of_a_round_takes_over_what_the_sweep_says_of_pods)
{
    begin(FULL);
    a_round(1);
    expect_job(0, "round-full");
}

Test(job_manifest, of_a_claim_for_one_node_keeps_all_pods_on_it)
{
    begin(PLAIN);
    s.view.read_write_once = true;
    a_round(1);
    expect_job(0, "round-one-node");
}

Test(job_manifest, takes_nothing_over_that_is_no_known_field_of_its_type)
{
    begin(HOSTILE);
    a_round(1);
    expect_job(0, "round-hostile");
    cr_expect(!strstr(s.out.data, "hostNetwork"));
    cr_expect(!strstr(s.out.data, "privileged"));
    cr_expect(!strstr(s.out.data, "SYS_ADMIN"));
    cr_expect(!strstr(s.out.data, "\"runAsUser\":0"));
}

Test(job_manifest, of_the_spec_is_a_sweep_file)
{
    begin(PLAIN);
    cr_assert_eq(job_manifest_spec(&s.in, &s.out, &s.err), 0, "%s", s.err.text);
    expect_golden("spec");
}

Test(job_manifest, of_the_spec_keeps_every_value)
{
    static struct sweep_problems problems;
    struct sweep sweep;
    struct ds_span file;
    ds_auto_json map = NULL;
    begin(PLAIN);
    cr_assert_eq(job_manifest_spec(&s.in, &s.out, &s.err), 0, "%s", s.err.text);
    cr_assert_eq(json_parse(buf_span(&s.out), 1u << 20, &map, &s.err), 0);
    cr_assert(json_text(json_get(json_get(map, "data"), "sweep.json"), &file));
    cr_assert_eq(sweep_parse(DS_SPAN("sweep.json"), file, s.a, &sweep, &problems, &s.err), 0, "%s",
                 s.err.text);
    cr_expect(ds_span_is(sweep.name, "spe1"));
    cr_assert_eq(sweep.n_params, 2);
    const struct sweep_value *v = sweep.params[0].values;
    cr_assert_eq(sweep.params[0].n_values, 5);
    cr_expect(ds_span_is(v[0].text, "100") && !v[0].is_text);
    cr_expect(ds_span_is(v[1].text, "250.5") && !v[1].is_text);
    cr_expect(ds_span_is(v[2].text, "100000") && !v[2].is_text);
    cr_expect(ds_span_is(v[3].text, "x \"y\" \xc3\xa9\xf0\x9f\x98\x80") && v[3].is_text);
    cr_expect_eq(v[4].number, 1e-7);
    cr_expect_eq(sweep.wall_ms, 7200000);
    cr_expect(ds_span_is(sweep.store, "pvc://results/team/north"));
}

Test(job_manifest, of_the_spec_has_a_name_of_its_own_for_every_edit)
{
    char x[STATUS_NAME_BYTES], y[STATUS_NAME_BYTES];
    begin(PLAIN);
    job_manifest_spec_name(s.view.name, s.view.edit_hash, x);
    begin(FULL);
    job_manifest_spec_name(s.view.name, s.view.edit_hash, y);
    cr_expect_str_neq(x, y);
    job_manifest_spec_name("a23456789-123456789-123456789-1234567890", "0123456789abcdef", x);
    cr_expect_str_eq(x, "a23456789-123456789-123456789-1234567890-01234567-spec");
}

static void expect_refused(const char *object, enum ds_code code, const char *words)
{
    begin(object);
    a_round(1);
    cr_expect_eq(job_manifest(&s.in, 0, &s.out, &s.err), code, "%s", object);
    cr_expect(strstr(s.err.text, words), "%s", s.err.text);
    cr_expect_eq(s.out.len, 0);
}

Test(job_manifest, refuses_what_cannot_run_and_names_the_key)
{
    expect_refused("{" META ",\"spec\":{" SPEC "}}", DS_EINPUT, "results.store");
    expect_refused("{" META ",\"spec\":{" SPEC ",\"results\":{\"store\":\"pvc://c/../x\"}}}",
                   DS_EINPUT, "results.store");
    expect_refused("{" META ",\"spec\":{\"deck\":\"x\"" STORE DECK ",\"simulator\":{}}}", DS_EINPUT,
                   "simulator.image");
    begin(PLAIN);
    cr_expect_eq(job_manifest(&s.in, 0, &s.out, &s.err), DS_ENOTFOUND);
    a_round(2);
    cr_expect_eq(job_manifest(&s.in, 2, &s.out, &s.err), DS_ENOTFOUND);
    s.status.step.job[0].shape.n_chunks = 0;
    cr_expect_eq(job_manifest(&s.in, 0, &s.out, &s.err), DS_EINPUT);
    a_round(1);
    memset(s.status.step.job[0].name, 'x', 62);
    cr_expect_eq(job_manifest(&s.in, 0, &s.out, &s.err), DS_ETOOBIG);
    a_round(1);
    s.out.cap_bytes = 1000;
    cr_expect_eq(job_manifest(&s.in, 0, &s.out, &s.err), DS_ETOOBIG);
}

Test(job_manifest, of_the_spec_refuses_an_object_without_one)
{
    begin("{" META ",\"spec\":[]}");
    cr_expect_eq(job_manifest_spec(&s.in, &s.out, &s.err), DS_EINPUT);
    begin(PLAIN);
    s.out.cap_bytes = 300;
    cr_expect_eq(job_manifest_spec(&s.in, &s.out, &s.err), DS_ETOOBIG);
}

Test(job_manifest, sizes_a_census_by_limits_and_by_the_largest_node)
{
    begin(PLAIN);
    census();
    s.limits.census_cpus = 3;
    s.limits.census_mem_bytes = GIB;
    s.limits.census_scratch_bytes = 500 * GIB;
    cr_assert_eq(job_manifest(&s.in, 0, &s.out, &s.err), 0);
    cr_expect(strstr(s.out.data, "{\"cpu\":\"3\",\"memory\":\"1073741824\",\"ephemeral-storage\":"
                                 "\"107374182400\"}"),
              "%s", s.out.data);
    cr_expect(!strstr(s.out.data, "activeDeadlineSeconds"));
    buf_reset(&s.out);
    s.in.n_nodes = 0; /* nothing known: as the limits say */
    cr_assert_eq(job_manifest(&s.in, 0, &s.out, &s.err), 0);
    cr_expect(strstr(s.out.data, "\"ephemeral-storage\":\"536870912000\""));
}

Test(job_manifest, gives_zero_sizes_of_a_report_a_floor)
{
    begin(PLAIN);
    a_round(1);
    s.status.step.job[0].shape.pod.shm_bytes = s.status.step.job[0].shape.pod.scratch_bytes = 0;
    cr_assert_eq(job_manifest(&s.in, 0, &s.out, &s.err), 0);
    cr_expect(strstr(s.out.data, "\"sizeLimit\":\"67108864\""));
    cr_expect(strstr(s.out.data, "\"ephemeral-storage\":\"268435456\""));
}

Test(job_manifest, parses_claims_and_shortens_their_label)
{
    static const struct {
        const char *url, *claim, *path;
    } CASES[] = {
        {"pvc://results", "results", ""},
        {"pvc://results/", "results", ""},
        {"pvc://a.b-c/x/y//", "a.b-c", "x/y"},
        {"pvc://", NULL, NULL},
        {"pvc:///x", NULL, NULL},
        {"pvc://A/x", NULL, NULL},
        {"pvc://a./x", NULL, NULL},
        {"pvc://a..b/x", NULL, NULL},
        {"pvc://-a/x", NULL, NULL},
        {"pvc://a/../x", NULL, NULL},
        {"pvc://a//x", NULL, NULL},
        {"pvc://a/./x", NULL, NULL},
        {"pvc://a/x\ny", NULL, NULL},
        {"./results", NULL, NULL},
        {"s3://bucket/x", NULL, NULL},
        {"", NULL, NULL},
    };
    char label[CLAIM_LABEL_BYTES], longer[200];
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct ds_span claim, path;
        int rc = manifest_claim_parse(ds_span_of(CASES[i].url), &claim, &path, &s.err);
        cr_expect_eq(rc, CASES[i].claim ? 0 : DS_EINPUT, "%s", CASES[i].url);
        if (rc == 0)
            cr_expect(ds_span_is(claim, CASES[i].claim) && ds_span_is(path, CASES[i].path), "%s",
                      CASES[i].url);
    }
    manifest_claim_label("results", label);
    cr_expect_str_eq(label, "results");
    memset(longer, 'a', sizeof longer);
    longer[199] = '\0';
    manifest_claim_label(longer, label);
    cr_expect_eq(strlen(label), 59);
    longer[198] = 'b';
    char other[CLAIM_LABEL_BYTES];
    manifest_claim_label(longer, other);
    cr_expect_str_neq(label, other);
}
