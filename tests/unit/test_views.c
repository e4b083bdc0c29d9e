/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded objects (tests/data/kube) and written ones, as views. */
#include "scheduler/views.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define DATA "tests/data/kube/"

static struct ds_arena *arena(void)
{
    static struct ds_arena *a;
    if (!a)
        a = arena_create(8u << 20);
    return a;
}

static struct json *parse(const char *text)
{
    struct json *j = NULL;
    struct ds_err err;
    cr_assert_eq(json_parse(ds_span_of(text), 1u << 20, &j, &err), 0, "%s: %s", text, err.text);
    return j;
}

static struct json *load(const char *name)
{
    static char text[1u << 20];
    char path[256];
    snprintf(path, sizeof path, DATA "%s.json", name);
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return parse(text);
}

static struct pod_view pod(const char *name)
{
    struct pod_view p;
    struct ds_err err = {0};
    ds_auto_json j = load(name);
    cr_assert_eq(pod_view_decode(j, arena(), &p, &err), 0, "%s", err.text);
    return p;
}

static struct job_view job(const char *name)
{
    struct job_view v;
    struct ds_err err = {0};
    ds_auto_json j = load(name);
    cr_assert_eq(job_view_decode(j, arena(), &v, &err), 0, "%s", err.text);
    return v;
}

static int64_t at(unsigned hour, unsigned minute, unsigned second)
{
    return 1795219200 + hour * 3600 + minute * 60 + second; /* 2026-11-21 */
}

Test(views, reads_recorded_pods)
{
    static const struct {
        const char *file;
        enum step_kind kind;
        int64_t index;
        enum pod_phase phase;
        int exit_code;
        bool deleting, disrupted, unschedulable, oom;
        const char *waiting, *why; /* why: contained */
        uint32_t n_ok, n_failed, n_rows, n_failures;
    } CASES[] = {
        {"pod-running", STEP_ROUND, 2, POD_RUNNING, -1, 0, 0, 0, 0, "", "", 0, 0, 0, 0},
        {"pod-round-done", STEP_ROUND, 0, POD_SUCCEEDED, 0, 0, 0, 0, 0, "", "", 2, 1, 3, 0},
        {"pod-exit-76", STEP_ROUND, 1, POD_FAILED, 76, 0, 0, 0, 0, "", "", 2, 1, 3, 0},
        {"pod-exit-77", STEP_ROUND, 0, POD_FAILED, 77, 0, 0, 0, 0, "", "", 0, 0, 0, 0},
        {"pod-oom", STEP_ROUND, 0, POD_SUCCEEDED, 0, 0, 0, 0, 1, "", "", 0, 0, 0, 0},
        {"pod-evicted", STEP_ROUND, 2, POD_FAILED, 137, 1, 1, 0, 0, "", "evicting", 2, 1, 3, 0},
        {"pod-evicted-terminating", STEP_ROUND, 2, POD_RUNNING, -1, 1, 1, 0, 0, "", "evicting", 0,
         0, 0, 0},
        {"pod-terminating", STEP_ROUND, 0, POD_RUNNING, -1, 1, 0, 0, 0, "", "", 0, 0, 0, 0},
        {"pod-unschedulable", STEP_ROUND, 0, POD_PENDING, -1, 0, 0, 1, 0, "",
         "0/1 nodes are available: 1 Insufficient cpu", 0, 0, 0, 0},
        {"pod-image-pull", STEP_ROUND, 0, POD_PENDING, -1, 0, 0, 0, 0, "ImagePullBackOff",
         "Back-off pulling image \"localhost/nothing:x\"", 0, 0, 0, 0},
        {"pod-census-done", STEP_CENSUS, 0, POD_SUCCEEDED, 0, 0, 0, 0, 0, "", "", 0, 0, 0, 0},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct pod_view p = pod(CASES[i].file);
        const char *f = CASES[i].file;
        cr_expect_eq(p.kind, CASES[i].kind, "%s", f);
        cr_expect_eq(p.index, CASES[i].index, "%s: %d", f, (int)p.index);
        cr_expect_eq(p.phase, CASES[i].phase, "%s: %d", f, p.phase);
        cr_expect_eq(p.exit_code, CASES[i].exit_code, "%s: %d", f, p.exit_code);
        cr_expect_eq(p.deleting, CASES[i].deleting, "%s", f);
        cr_expect_eq(p.disrupted, CASES[i].disrupted, "%s", f);
        cr_expect_eq(p.unschedulable, CASES[i].unschedulable, "%s", f);
        cr_expect_eq(p.oom_killed, CASES[i].oom, "%s", f);
        cr_expect_str_eq(p.waiting, CASES[i].waiting, "%s", f);
        cr_expect(strstr(p.why, CASES[i].why) && (CASES[i].why[0] || !p.why[0]), "%s: %s", f,
                  p.why);
        cr_expect_eq(p.n_ok, CASES[i].n_ok, "%s", f);
        cr_expect_eq(p.n_failed, CASES[i].n_failed, "%s", f);
        cr_expect_eq(p.n_failed_rows, CASES[i].n_rows, "%s", f);
        cr_expect_eq(p.n_failures, CASES[i].n_failures, "%s", f);
        cr_expect_eq(strlen(p.uid), 36u);
        cr_expect_eq(strlen(p.job_uid), 36u);
        cr_expect_eq(p.created_s, at(17, 28, 43), "%s", f);
    }
}

Test(views, reads_the_times_of_a_pod)
{
    struct pod_view done = pod("pod-round-done"), evicted = pod("pod-evicted"),
                    terminating = pod("pod-terminating"), running = pod("pod-running");
    cr_expect_eq(done.started_s, at(17, 28, 43));
    cr_expect(done.ended_s >= at(17, 28, 44) && done.ended_s <= at(17, 28, 55));
    cr_expect_eq(evicted.ended_s, at(17, 30, 4));
    cr_expect_eq(terminating.delete_by_s, at(17, 40, 12));
    cr_expect_eq(terminating.grace_s, 600);
    cr_expect_eq(terminating.ended_s, 0);
    cr_expect_eq(running.ended_s, 0, "its init container has ended, it has not");
    cr_expect_eq(running.cpus, 1u);
    cr_expect_str_eq(running.node, "localhost");
}

Test(views, gives_a_census_message_that_decodes)
{
    struct pod_view p = pod("pod-census-done");
    struct census_report r;
    cr_assert_eq(census_report_decode(ds_span_of(p.message), &r, NULL), 0, "%s", p.message);
    cr_expect_eq(r.outcome, CENSUS_ROUND);
    cr_expect_eq(r.shape[0].n_chunks, 3u);
}

Test(views, a_pod_without_containers_ended_when_its_conditions_last_changed)
{
    struct pod_view p;
    ds_auto_json j =
        parse("{\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"status\":{\"phase\":\"Failed\","
              "\"reason\":\"OutOfcpu\",\"conditions\":[{\"type\":\"DisruptionTarget\","
              "\"status\":\"True\",\"lastTransitionTime\":\"2026-11-21T01:00:00Z\"}]}}");
    cr_assert_eq(pod_view_decode(j, arena(), &p, NULL), 0);
    cr_expect_eq(p.ended_s, at(1, 0, 0));
    cr_expect_str_eq(p.why, "OutOfcpu");
    cr_expect_eq(p.index, -1);
    cr_expect_eq(p.kind, STEP_NONE);
}

Test(views, reads_recorded_jobs)
{
    struct job_view census = job("job-census"), r1 = job("job-r1"), r2 = job("job-r2"),
                    r7 = job("job-r7"), quota = job("job-quota");
    cr_expect(census.complete && !census.failed && census.kind == STEP_CENSUS);
    cr_expect_eq(census.ended_s, at(17, 28, 50));
    cr_expect_str_eq(census.completed_indexes, "0");
    cr_expect_str_eq(census.name, "spe1-01234567-c1");
    cr_expect_str_eq(census.spec_hash, "0123456789abcdef");
    cr_expect(!r1.complete && !r1.failed && !r1.failure_target);
    cr_expect_eq(r1.completions, 3u);
    cr_expect_eq(r1.number, 1u);
    cr_expect_eq(r1.n_failed_pods, 2u);
    cr_expect_str_eq(r1.failed_indexes, "1");
    cr_expect(r2.failed && r2.failure_target && !r2.complete);
    cr_expect_str_eq(r2.reason, "PodFailurePolicy");
    cr_expect(strstr(r2.message, "exit code 77") != NULL);
    cr_expect_eq(r2.ended_s, at(17, 28, 50), "a failed Job has no completionTime");
    cr_expect(r7.complete);
    cr_expect_str_eq(r7.completed_indexes, "0,1");
    cr_expect_eq(quota.n_active, 1u);
    cr_expect_not(quota.has_ttl);
    cr_expect_str_eq(quota.why, "");
}

Test(views, finds_the_words_of_the_newest_failed_create_event_in_both_kinds_of_event)
{
    struct job_view quota = job("job-quota");
    static const char *const FILES[] = {"events-quota", "events-quota-v1"};
    for (size_t i = 0; i < 2; i++) {
        ds_auto_json j = load(FILES[i]);
        const char *why = event_list_failed_create(j, quota.uid, at(17, 0, 0), arena());
        cr_expect(strstr(why, "exceeded quota: tight, requested: requests.cpu=100m") != NULL,
                  "%s: %s", FILES[i], why);
        cr_expect_str_eq(event_list_failed_create(j, quota.uid, at(18, 0, 0), arena()), "");
        cr_expect_str_eq(event_list_failed_create(j, "other", at(17, 0, 0), arena()), "");
    }
}

Test(views, knows_whose_object_it_is)
{
    struct object_ref r;
    ds_auto_json j = load("pod-running");
    cr_assert_eq(object_ref_decode(j, arena(), &r, NULL), 0);
    cr_expect_str_eq(r.kind, "Pod");
    cr_expect_str_eq(r.sweep, "spe1");
    cr_expect_str_eq(r.sweep_kind, "round");
    cr_expect_str_eq(r.owner_kind, "Job");
    cr_expect_str_eq(r.owner_name, "spe1-00112233-r1-0");
    cr_expect(r.resource_version[0] && !r.deleting);
}

/* ---- Sweeps ---- */

#define SWEEP_HEAD                                                                                 \
    "{\"metadata\":{\"name\":\"spe1\",\"namespace\":\"n\",\"uid\":\"u1\",\"generation\":3,"        \
    "\"creationTimestamp\":\"2026-11-21T01:00:00Z\",\"resourceVersion\":\"77\"},\"spec\":"

static struct sweep_view sweep(const char *spec)
{
    struct sweep_view v;
    struct ds_err err = {0};
    char text[4096];
    snprintf(text, sizeof text, "%s%s}", SWEEP_HEAD, spec);
    ds_auto_json j = parse(text);
    cr_assert_eq(sweep_view_decode(j, arena(), &v, &err), 0, "%s", err.text);
    return v;
}

Test(views, reads_a_sweep)
{
    struct sweep_view v =
        sweep("{\"run\":\"Suspended\",\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":"
              "\"pvc://results/a/b/\"},\"deckFrom\":{\"configMap\":\"spe1-0123456789abcdef\"},"
              "\"once\":{\"token\":\"t1\"},\"cluster\":{\"queue\":\"q\",\"maxWorkers\":7,\"ttl\":"
              "\"2h\"}}");
    cr_expect_null(v.refused);
    cr_expect_eq(v.run, RUN_SUSPENDED);
    cr_expect_str_eq(v.claim, "results");
    cr_expect_str_eq(v.claim_path, "a/b");
    cr_expect_eq(v.deck_source, DECK_CONFIG_MAP);
    cr_expect_str_eq(v.once_token, "t1");
    cr_expect(v.has_queue);
    cr_expect_eq(v.max_workers, 7u);
    cr_expect_eq(v.ttl_s, 7200);
    cr_expect_eq(v.generation, 3);
    cr_expect_eq(v.created_s, at(1, 0, 0));
    cr_expect_str_eq(v.resource_version, "77");
    cr_expect_eq(v.status.max_failed, -1);
}

Test(views, refuses_with_what_to_write)
{
    static const struct {
        const char *spec, *says;
    } CASES[] = {
        {"{\"simulator\":{\"image\":\"x\"}}", "results.store is missing"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"s3://b/p\"}}", "S3 support"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"./results\"}}",
         "pvc://CLAIM/PATH"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://\"}}", "no claim"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://A_b/x\"}}", "no claim"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://a/../x\"}}", "leaves"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://a//x\"}}", "leaves"},
        {"{\"results\":{\"store\":\"pvc://a/x\"}}", "DECKSWEEP_SIMULATOR_IMAGE"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://a\"},\"deckFrom\":"
         "{\"url\":\"s3://b/k\"}}",
         "S3 support"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://a\"},\"deckFrom\":"
         "{\"configMap\":\"a\",\"store\":\"k\"}}",
         "not both"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://a\"},\"deckFrom\":"
         "{\"store\":\"../k\"}}",
         "no key"},
        {"{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://a\"},\"deckFrom\":"
         "{\"configMap\":\"a b\"}}",
         "ConfigMap"},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct sweep_view v = sweep(CASES[i].spec);
        cr_expect(v.refused && strstr(v.refused, CASES[i].says), "%s: %s", CASES[i].spec,
                  v.refused ? v.refused : "not refused");
    }
    cr_expect_null(
        sweep("{\"simulator\":{\"image\":\"x\"},\"results\":{\"store\":\"pvc://a\"}}").refused);
}

Test(views, refuses_a_sweep_whose_name_is_too_long_for_its_pods)
{
    struct sweep_view v;
    ds_auto_json j = parse("{\"metadata\":{\"name\":\"a234567890123456789012345678901234567890x\","
                           "\"namespace\":\"n\",\"uid\":\"u\"},\"spec\":{}}");
    cr_assert_eq(sweep_view_decode(j, arena(), &v, NULL), 0);
    cr_expect(v.refused && strstr(v.refused, "40 characters"));
}

Test(views, knows_the_deck_and_who_owns_it)
{
    struct sweep_view v = sweep("{\"deckFrom\":{\"configMap\":\"d\"}}");
    ds_auto_json own = parse("{\"metadata\":{\"name\":\"d\",\"labels\":{\"decksweep.io/kind\":"
                             "\"bundle\"},\"ownerReferences\":[{\"uid\":\"u1\"}]}}");
    ds_auto_json foreign = parse("{\"metadata\":{\"name\":\"d\"}}");
    ds_auto_json other = parse("{\"metadata\":{\"name\":\"e\"}}");
    sweep_view_set_deck(&v, own);
    cr_expect(v.deck_present && v.deck_owned);
    sweep_view_set_deck(&v, foreign);
    cr_expect(v.deck_present && !v.deck_owned);
    sweep_view_set_deck(&v, other);
    cr_expect(!v.deck_present && !v.deck_owned);
    sweep_view_set_deck(&v, NULL);
    cr_expect(!v.deck_present);
}

Test(views, knows_what_a_claim_allows)
{
    static const struct {
        const char *claim;
        bool missing, one, one_pod;
    } CASES[] = {
        {"{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteMany\"]}}", 0, 0, 0},
        {"{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"]}}", 0, 1, 0},
        {"{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOncePod\"]}}", 0, 1,
         1},
        {"{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"]},"
         "\"status\":{\"accessModes\":[\"ReadWriteOnce\",\"ReadWriteMany\"]}}",
         0, 0, 0},
        {"{\"metadata\":{\"name\":\"d\"}}", 1, 0, 0},
    };
    struct sweep_view v = sweep("{\"results\":{\"store\":\"pvc://c/x\"}}");
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        ds_auto_json j = parse(CASES[i].claim);
        sweep_view_set_claim(&v, j);
        cr_expect_eq(v.claim_missing, CASES[i].missing, "%zu", i);
        cr_expect_eq(v.read_write_once, CASES[i].one, "%zu", i);
        cr_expect_eq(v.read_write_once_pod, CASES[i].one_pod, "%zu", i);
    }
    ds_auto_json real = load("claim");
    v.claim = "results";
    sweep_view_set_claim(&v, real);
    cr_expect(!v.claim_missing && v.read_write_once && !v.read_write_once_pod);
}

/* ---- hashes ---- */

static void hash(const char *spec, char spec_hash[17], char edit_hash[17])
{
    ds_auto_json j = parse(spec);
    cr_assert_eq(sweep_spec_hash(j, arena(), spec_hash, NULL), 0);
    cr_assert_eq(sweep_edit_hash(j, arena(), edit_hash, NULL), 0);
}

Test(views, hashes_do_not_depend_on_order_or_spelling)
{
    char a[17], b[17], c[17], d[17];
    hash("{\"deck\":\"A\",\"parameters\":{\"X\":{\"values\":[1e5,0.5,true]},\"B\":{\"n\":null}}}",
         a, b);
    hash("{ \"parameters\":{\"B\":{},\"X\":{\"values\":[100000,5e-1,true]}},\"deck\":\"\\u0041\"}",
         c, d);
    cr_expect_str_eq(a, c);
    cr_expect_str_eq(b, d);
    cr_expect_eq(strspn(a, "0123456789abcdef"), 16u);
}

Test(views, hashes_tell_edits_apart)
{
    static const struct {
        const char *spec;
        bool same_spec, same_edit;
    } CASES[] = {
        {"{\"deck\":\"A\",\"run\":\"Suspended\"}", true, true},
        {"{\"deck\":\"A\",\"once\":{\"token\":\"x\"}}", true, false},
        {"{\"deck\":\"A\",\"cluster\":{\"maxWorkers\":3}}", true, false},
        {"{\"deck\":\"A\",\"collect\":{\"times\":\"report\"}}", true, false},
        {"{\"deck\":\"A\",\"results\":{\"store\":\"pvc://a\"}}", true, false},
        {"{\"deck\":\"A\",\"failure\":{\"maxFailed\":\"10%\"}}", true, false},
        {"{\"deck\":\"A\",\"failure\":{\"retries\":{\"lost\":1}}}", false, false},
        {"{\"deck\":\"A\",\"results\":{\"keep\":[\"grid\"]}}", false, false},
        {"{\"deck\":\"A\",\"deckFrom\":{\"configMap\":\"x\"}}", false, false},
        {"{\"deck\":\"B\"}", false, false},
        {"{\"deck\":[\"A\"]}", false, false},
        {"{\"deck\":\"A\",\"x\":{\"run\":1}}", false, false},
    };
    char a[17], b[17], c[17], d[17];
    hash("{\"deck\":\"A\"}", a, b);
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        hash(CASES[i].spec, c, d);
        cr_expect_eq(strcmp(a, c) == 0, CASES[i].same_spec, "%s", CASES[i].spec);
        cr_expect_eq(strcmp(b, d) == 0, CASES[i].same_edit, "%s", CASES[i].spec);
    }
}

Test(views, a_spec_too_deep_to_hash_is_an_error)
{
    char text[256] = "";
    char h[17];
    for (int i = 0; i < 60; i++)
        strcat(text, "[");
    for (int i = 0; i < 60; i++)
        strcat(text, "]");
    ds_auto_json j = parse(text);
    struct ds_err err = {0};
    cr_expect_eq(sweep_spec_hash(j, arena(), h, &err), DS_ETOOBIG);
}

/* ---- caches ---- */

Test(views, packed_views_are_equal_and_stand_alone)
{
    struct ds_arena *a = arena_create(1u << 20);
    struct pod_view p, *packed;
    struct job_view v, *kept;
    ds_auto_json jp = load("pod-image-pull");
    ds_auto_json jj = load("job-r2");
    cr_assert_eq(pod_view_decode(jp, a, &p, NULL), 0);
    cr_assert_eq(job_view_decode(jj, a, &v, NULL), 0);
    packed = pod_view_pack(&p, malloc(pod_view_bytes(&p)));
    kept = job_view_pack(&v, malloc(job_view_bytes(&v)));
    cr_expect(pod_view_same(&p, packed) && job_view_same(&v, kept));
    cr_expect_lt(pod_view_bytes(&p), 1024u);
    arena_destroy(a);
    cr_expect_str_eq(packed->waiting, "ImagePullBackOff");
    cr_expect_str_eq(kept->reason, "PodFailurePolicy");
    free(packed);
    free(kept);
}

Test(views, a_difference_that_matters_is_seen)
{
    struct pod_view p = pod("pod-running"), q = pod("pod-running");
    struct job_view v = job("job-r1"), w = job("job-r1");
    q.seen_s = 99;
    w.seen_s = 99;
    cr_expect(pod_view_same(&p, &q) && job_view_same(&v, &w));
    q.phase = POD_SUCCEEDED;
    cr_expect_not(pod_view_same(&p, &q));
    q = p;
    q.why = "else";
    cr_expect_not(pod_view_same(&p, &q));
    q = p;
    q.n_failed_rows = 7; /* the last member */
    cr_expect_not(pod_view_same(&p, &q));
    w.completed_indexes = "0,2";
    cr_expect_not(job_view_same(&v, &w));
    w = v;
    w.ended_s++;
    cr_expect_not(job_view_same(&v, &w));
}

Test(views, notes_when_a_state_was_first_seen)
{
    struct pod_view before = pod("pod-running"), now = before;
    pod_view_note_seen(&before, NULL, 100);
    pod_view_note_seen(&now, &before, 200);
    cr_expect_eq(now.seen_s, 100);
    now.deleting = true;
    pod_view_note_seen(&now, &before, 300);
    cr_expect_eq(now.seen_s, 300);
}

/* ---- nodes ---- */

Test(views, reads_quantities)
{
    static const struct {
        const char *text;
        uint64_t per_unit, is;
        bool good;
    } CASES[] = {
        {"2", 1000, 2000, 1},
        {"250m", 1000, 250, 1},
        {"0.1", 1000, 100, 1},
        {"1500u", 1000, 2, 1},
        {"64Mi", 1, 64 << 20, 1},
        {"1M", 1, 1000000, 1},
        {"1e3", 1, 1000, 1},
        {"1E3", 1, 1000, 1},
        {"1.5Gi", 1, 3ull << 29, 1},
        {"24632884Ki", 1, 24632884ull << 10, 1},
        {"1E", 1, 1000000000000000000ull, 1},
        {"", 1, 0, 0},
        {"-1", 1, 0, 0},
        {"1x", 1, 0, 0},
        {"Mi", 1, 0, 0},
        {"1e30", 1, 0, 0},
        {"nan", 1, 0, 0},
        {"0x10", 1, 0, 0},
        {"1 Mi", 1, 0, 0},
        {"+5", 1, 5, 1},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        uint64_t n = 0;
        cr_expect_eq(quantity_parse(ds_span_of(CASES[i].text), CASES[i].per_unit, &n),
                     CASES[i].good, "%s", CASES[i].text);
        cr_expect_eq(n, CASES[i].is, "%s: %llu", CASES[i].text, (unsigned long long)n);
    }
}

Test(views, a_real_node_has_the_room_that_daemon_sets_leave)
{
    struct node_view n;
    struct node_load l;
    struct node_class out[NODE_CLASSES_MAX];
    struct placement p = {0};
    ds_auto_json node = load("node");
    ds_auto_json daemon = load("pod-daemonset");
    ds_auto_json job_pod = load("pod-running");
    cr_assert_eq(node_view_decode(node, arena(), &n, NULL), 0);
    cr_assert(node_load_decode(daemon, arena(), &l));
    struct node_load none;
    cr_expect_not(node_load_decode(job_pod, arena(), &none));
    cr_expect_eq(l.cpu_milli, 30u, "an init container of 30m beside 10m + 10m + a sidecar of 5m");
    cr_expect_eq(l.mem_bytes, 64u << 20);
    cr_expect_eq(l.scratch_bytes, 10u << 20);
    cr_assert_eq(node_classes_make(&n, 1, &l, 1, &p, arena(), out), 1u);
    cr_expect_eq(out[0].cpus, 1u, "2 CPUs less 30m");
    cr_expect_eq(out[0].mem_bytes, (24632884ull << 10) - (64u << 20));
    cr_expect_eq(out[0].n_nodes, 1u);
    cr_assert_eq(node_classes_make(&n, 1, NULL, 0, &p, arena(), out), 1u);
    cr_expect_eq(out[0].cpus, 2u);
}

static struct node_view plain(const char *name, uint64_t cpus)
{
    return (struct node_view){
        .name = name, .ready = true, .cpu_milli = cpus * 1000, .mem_bytes = cpus << 30};
}

Test(views, nodes_that_cannot_take_the_pods_are_left_out)
{
    static const struct node_taint GPU = {"gpu", "yes", false}, GONE = {"gone", "", true};
    static const struct node_label FAKE = {LABEL_FAKE_NODE, "true"}, FAST = {"disk", "fast"};
    static const struct node_toleration ALL = {"", "", "", true}, ONLY_GPU = {"gpu", "yes", "", 0},
                                        FAKES = {LABEL_FAKE_NODE, "", "NoSchedule", true};
    static const struct placement ANY = {0}, TOLERANT = {.tolerations = &ALL, .n_tolerations = 1},
                                  FOR_GPU = {.tolerations = &ONLY_GPU, .n_tolerations = 1},
                                  FOR_FAKE = {.tolerations = &FAKES, .n_tolerations = 1},
                                  FOR_FAST = {.selector = &FAST, .n_selector = 1};
    struct node_view nodes[7];
    struct node_class out[NODE_CLASSES_MAX];
    for (size_t i = 0; i < 7; i++)
        nodes[i] = plain("n", i + 1);
    nodes[0].ready = false;
    nodes[1].unschedulable = true;
    nodes[2].taints = &GPU;
    nodes[2].n_taints = 1;
    nodes[3].taints = &GONE;
    nodes[3].n_taints = 1;
    nodes[4].labels = &FAKE;
    nodes[4].n_labels = 1;
    nodes[5].labels = &FAST;
    nodes[5].n_labels = 1;
    cr_expect_eq(node_classes_make(nodes, 7, NULL, 0, &ANY, arena(), out), 2u);
    cr_expect(out[0].cpus == 7 && out[1].cpus == 6);
    cr_expect_eq(node_classes_make(nodes, 7, NULL, 0, &TOLERANT, arena(), out), 5u);
    cr_expect_eq(node_classes_make(nodes, 7, NULL, 0, &FOR_GPU, arena(), out), 3u);
    cr_expect_eq(node_classes_make(nodes, 7, NULL, 0, &FOR_FAKE, arena(), out), 3u);
    cr_expect_eq(node_classes_make(nodes, 7, NULL, 0, &FOR_FAST, arena(), out), 1u);
    cr_expect_eq(out[0].cpus, 6u);
}

Test(views, equal_rooms_are_one_class_and_the_largest_classes_stay)
{
    struct node_view nodes[60];
    struct node_class out[NODE_CLASSES_MAX];
    struct placement p = {0};
    for (size_t i = 0; i < 60; i++)
        nodes[i] = plain("n", i / 2 + 1);
    cr_assert_eq(node_classes_make(nodes, 60, NULL, 0, &p, arena(), out), NODE_CLASSES_MAX);
    cr_expect_eq(out[0].cpus, 30u);
    for (size_t i = 0; i < NODE_CLASSES_MAX; i++)
        cr_expect(out[i].n_nodes == 2 && out[i].cpus == 30 - i);
}

Test(views, absurd_objects_give_errors_or_empty_views)
{
    static const char *const TEXTS[] = {
        "{}",
        "[]",
        "null",
        "{\"metadata\":[]}",
        "{\"metadata\":{\"name\":1,\"uid\":{}}}",
        "{\"metadata\":{\"name\":\"a\",\"uid\":\"b\",\"namespace\":\"n\",\"labels\":7},"
        "\"spec\":[],\"status\":\"x\"}",
        "{\"metadata\":{\"name\":\"a\",\"uid\":\"b\",\"namespace\":\"n\",\"generation\":1e300},"
        "\"spec\":{\"completions\":-1,\"containers\":{},\"taints\":[1,null]},\"status\":{"
        "\"conditions\":[3],\"containerStatuses\":[{\"name\":\"simulator\",\"state\":{"
        "\"terminated\":{\"exitCode\":-5,\"message\":[1]}}}],\"succeeded\":1e99}}",
    };
    for (size_t i = 0; i < DS_COUNT(TEXTS); i++) {
        ds_auto_json j = parse(TEXTS[i]);
        struct sweep_view s;
        struct job_view v;
        struct pod_view p;
        struct node_view n;
        struct object_ref r;
        int expect = i < 5 ? DS_EPARSE : 0;
        cr_expect_eq(sweep_view_decode(j, arena(), &s, NULL), expect, "%s", TEXTS[i]);
        cr_expect_eq(job_view_decode(j, arena(), &v, NULL), expect, "%s", TEXTS[i]);
        cr_expect_eq(pod_view_decode(j, arena(), &p, NULL), expect, "%s", TEXTS[i]);
        cr_expect_eq(node_view_decode(j, arena(), &n, NULL), expect, "%s", TEXTS[i]);
        cr_expect_eq(object_ref_decode(j, arena(), &r, NULL), expect, "%s", TEXTS[i]);
    }
}
