/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What submit decides and writes; the store pod's manifest and what is said about it. */
#include "base/arena.h"
#include "base/base64.h"
#include "cli/store_pod.h"
#include "cli/submit.h"
#include "decksweep/cluster.h"

#include <criterion/criterion.h>

static struct ds_arena *arena;

static void set_up(void)
{
    arena = arena_create(16 << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

TestSuite(submit, .init = set_up, .fini = tear_down);

static struct json *parse(const char *text)
{
    struct json *j = NULL;
    struct ds_err err = {0};
    cr_assert_eq(json_parse(ds_span_of(text), 1 << 22, &j, &err), 0, "%s: %s", err.text, text);
    return j;
}

static struct ds_span text_at(const struct json *j, const char *path)
{
    struct ds_span rest = ds_span_of(path), word, text = DS_SPAN("(none)");
    while (rest.len > 0 && j) {
        rest = ds_span_cut(rest, '/', &word);
        j = json_is_array(j) ? json_first(j) : json_get(j, arena_cstr(arena, word));
    }
    (void)json_text(j, &text);
    return text;
}

#define ASSERT_TEXT(j, path, wanted)                                                               \
    cr_assert(ds_span_is(text_at(j, path), wanted), "%s: '%.*s'", path, DS_FMT(text_at(j, path)))

Test(submit, versions_fit_when_what_they_exchange_is_the_same)
{
    static const struct {
        const char *ours, *theirs;
        enum submit_skew skew;
    } ROWS[] = {
        {"0.1.0", "0.1.0", SKEW_NONE},    {"0.1.0", "", SKEW_NONE},
        {"0.1.0", "0.1.9", SKEW_TELL},    {"0.1.0", "0.2.0", SKEW_REFUSE},
        {"0.1.0", "1.1.0", SKEW_REFUSE},  {"1.1.0", "1.9.3", SKEW_TELL},
        {"1.1.0", "2.1.0", SKEW_REFUSE},  {"0.1.0", "nonsense", SKEW_REFUSE},
        {"0.1", "0.1.5", SKEW_TELL},      {"0.1.0", "0", SKEW_REFUSE},
        {"0.1.0", "0.10.0", SKEW_REFUSE},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++)
        cr_assert_eq(submit_skew(ds_span_of(ROWS[i].ours), ds_span_of(ROWS[i].theirs)),
                     ROWS[i].skew, "%s and %s", ROWS[i].ours, ROWS[i].theirs);
}

Test(submit, a_name_of_another_deck_is_taken)
{
    static const struct {
        const char *object, *deck;
        int rc;
    } ROWS[] = {
        {"{\"spec\":{\"deck\":\"A.DATA\"}}", "A.DATA", 0},
        {"{\"spec\":{\"deck\":\"x/A.DATA\"}}", "../y/A.DATA", 0},
        {"{\"spec\":{\"deck\":\"A.DATA\"}}", "B.DATA", DS_EINPUT},
        {"{\"spec\":{}}", "B.DATA", 0},
        {"{}", "B.DATA", 0},
        {"{\"spec\":{\"deck\":5}}", "B.DATA", 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_err err = {0};
        ds_auto_json j = parse(ROWS[i].object);
        cr_assert_eq(submit_check_deck(j, ds_span_of(ROWS[i].deck), &err), ROWS[i].rc, "%zu", i);
        if (ROWS[i].rc < 0)
            cr_assert(strstr(err.text, "--replace") && strstr(err.text, "A.DATA")
                      && strstr(err.text, "B.DATA"));
    }
}

Test(submit, a_deck_travels_in_an_immutable_owned_config_map)
{
    struct ds_err err = {0};
    struct ds_span bytes;
    bool immutable = false;
    char deck[1000];
    ds_auto_buf out;
    buf_init(&out, SUBMIT_MANIFEST_BYTES);
    for (size_t i = 0; i < sizeof deck; i++)
        deck[i] = (char)(i * 31);
    cr_assert_eq(submit_config_map("s-0123", "team", "s", "u-1",
                                   (struct ds_span){deck, sizeof deck}, &out, &err),
                 0);
    ds_auto_json j = parse(out.data);
    ASSERT_TEXT(j, "metadata/name", "s-0123");
    ASSERT_TEXT(j, "metadata/namespace", "team");
    ASSERT_TEXT(j, "metadata/ownerReferences/0/uid", "u-1");
    ASSERT_TEXT(j, "metadata/ownerReferences/0/kind", "Sweep");
    const struct json *owner = json_first(json_get(json_get(j, "metadata"), "ownerReferences"));
    cr_assert(json_bool(json_get(owner, "controller"), &immutable) && immutable);
    cr_assert(json_bool(json_get(j, "immutable"), &immutable) && immutable);
    cr_assert(json_text(json_get(json_get(j, "binaryData"), POD_BUNDLE), &bytes));
    cr_assert_eq(base64_decode(bytes, arena, &bytes, &err), 0);
    cr_assert_eq(bytes.len, sizeof deck);
    cr_assert_eq(memcmp(bytes.ptr, deck, sizeof deck), 0);
    cr_assert(submit_owns(j, "u-1"));
    cr_assert_not(submit_owns(j, "u-2"));
}

Test(submit, the_largest_deck_of_a_config_map_fits_and_one_byte_more_does_not)
{
    struct ds_err err = {0};
    char *deck = arena_take(arena, SUBMIT_CONFIG_MAP_BYTES + 1, 1);
    ds_auto_buf out;
    buf_init(&out, SUBMIT_MANIFEST_BYTES);
    struct ds_span bytes = {deck, SUBMIT_CONFIG_MAP_BYTES};
    cr_assert_eq(submit_config_map("n", "n", "n", "u", bytes, &out, &err), 0);
    bytes.len++;
    buf_reset(&out);
    cr_assert_eq(submit_config_map("n", "n", "n", "u", bytes, &out, &err), DS_ETOOBIG);
}

/* ---- the store pod ---- */

static struct json *manifest(const char *sweep, struct store_pod_plan p)
{
    struct ds_err err = {0};
    ds_auto_buf out;
    ds_auto_json object = parse(sweep);
    buf_init(&out, STORE_POD_MAX_BYTES);
    cr_assert_eq(store_pod_manifest(&p, object, &out, &err), 0, "%s", err.text);
    return parse(out.data);
}

static const struct store_pod_plan PLAN = {.name = "s-store-1",
                                           .namespace_ = "team",
                                           .sweep = "s",
                                           .sweep_uid = "u-1",
                                           .image = "decksweep:1",
                                           .claim = DS_SPAN("results"),
                                           .path = DS_SPAN("a/b"),
                                           .token_sha256 = "00ff"};

Test(submit, a_store_pod_sees_the_sweeps_folder_alone)
{
    bool read_only = false, flag = true;
    double n = 0;
    ds_auto_json pod = manifest("{}", PLAN);
    const struct json *spec = json_get(pod, "spec"), *c = json_first(json_get(spec, "containers"));
    ASSERT_TEXT(c, "volumeMounts/0/subPath", "a/b/s");
    ASSERT_TEXT(c, "volumeMounts/0/mountPath", "/store/s");
    ASSERT_TEXT(spec, "volumes/0/persistentVolumeClaim/claimName", "results");
    cr_assert_eq(json_count(json_get(spec, "volumes")), 1);
    cr_assert(json_bool(json_get(json_first(json_get(c, "volumeMounts")), "readOnly"), &read_only));
    cr_assert(read_only);
    cr_assert(json_bool(json_get(spec, "automountServiceAccountToken"), &flag) && !flag);
    cr_assert(json_number(json_get(spec, "activeDeadlineSeconds"), &n) && n > 0);
    ASSERT_TEXT(c, "resources/requests/cpu", "0");
    ASSERT_TEXT(pod, "metadata/ownerReferences/0/uid", "u-1");
    ASSERT_TEXT(spec, "restartPolicy", "Never");
    cr_assert_null(json_get(spec, "affinity"));
    cr_assert_eq(json_count(json_get(c, "command")), 4);
}

Test(submit, a_store_pod_passes_the_restricted_standard)
{
    bool flag = false;
    double user = 0;
    ds_auto_json pod =
        manifest("{\"spec\":{\"cluster\":{\"securityContext\":{\"runAsUser\":7}}}}", PLAN);
    const struct json *spec = json_get(pod, "spec"), *c = json_first(json_get(spec, "containers"));
    const struct json *security = json_get(c, "securityContext");
    cr_assert(json_bool(json_get(json_get(spec, "securityContext"), "runAsNonRoot"), &flag)
              && flag);
    cr_assert(json_number(json_get(json_get(spec, "securityContext"), "runAsUser"), &user)
              && user == 7);
    ASSERT_TEXT(spec, "securityContext/seccompProfile/type", "RuntimeDefault");
    cr_assert(json_bool(json_get(security, "allowPrivilegeEscalation"), &flag) && !flag);
    cr_assert(json_bool(json_get(security, "readOnlyRootFilesystem"), &flag) && flag);
    ASSERT_TEXT(security, "capabilities/drop/0", "ALL");
}

Test(submit, what_the_sweep_says_of_pods_goes_with_the_store_pod)
{
    struct store_pod_plan p = PLAN;
    p.write = p.one_node = true;
    ds_auto_json pod = manifest(
        "{\"spec\":{\"cluster\":{\"labels\":{\"team\":\"north\",\"decksweep.io/kind\":\"evil\"},"
        "\"annotations\":{\"a\":\"b\"},\"nodeSelector\":{\"pool\":\"x\"},\"imagePullSecrets\":"
        "[\"key\",5],\"tolerations\":[{\"key\":\"k\",\"operator\":\"Exists\",\"tolerationSeconds\":"
        "5}],"
        "\"serviceAccount\":\"sweeper\"}}}",
        p);
    const struct json *spec = json_get(pod, "spec"), *c = json_first(json_get(spec, "containers"));
    bool read_only = true;
    double n = 0;
    ASSERT_TEXT(pod, "metadata/labels/team", "north");
    ASSERT_TEXT(pod, "metadata/annotations/a", "b");
    ASSERT_TEXT(spec, "nodeSelector/pool", "x");
    ASSERT_TEXT(spec, "imagePullSecrets/0/name", "key");
    cr_assert_eq(json_count(json_get(spec, "imagePullSecrets")), 1);
    ASSERT_TEXT(spec, "serviceAccountName", "sweeper");
    ASSERT_TEXT(spec, "tolerations/0/key", "k");
    cr_assert(
        json_number(json_get(json_first(json_get(spec, "tolerations")), "tolerationSeconds"), &n)
        && n == 5);
    const struct json *labels = json_get(json_get(pod, "metadata"), "labels");
    struct ds_span kind;
    cr_assert(json_text(json_get(labels, LABEL_KIND), &kind));
    cr_assert(ds_span_is(kind, "store"));
    cr_assert(json_is_object(json_get(json_get(spec, "affinity"), "podAffinity")));
    cr_assert(json_bool(json_get(json_first(json_get(c, "volumeMounts")), "readOnly"), &read_only));
    cr_assert_not(read_only);
    cr_assert_eq(json_count(json_get(c, "command")), 5);
}

Test(submit, a_claim_for_one_node_is_told_by_its_modes)
{
    static const struct {
        const char *claim;
        bool one;
    } ROWS[] = {
        {"{\"spec\":{\"accessModes\":[\"ReadWriteMany\"]}}", false},
        {"{\"spec\":{\"accessModes\":[\"ReadWriteOnce\"]}}", true},
        {"{\"spec\":{\"accessModes\":[\"ReadWriteOnce\",\"ReadWriteMany\"]}}", false},
        {"{\"spec\":{\"accessModes\":[\"ReadWriteOncePod\"]}}", true},
        {"{\"spec\":{}}", true},
        {"{}", true},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_json claim = parse(ROWS[i].claim);
        cr_assert_eq(claim_is_one_node(claim), ROWS[i].one, "%s", ROWS[i].claim);
    }
}

Test(submit, what_keeps_a_store_pod_is_said_in_the_clusters_words)
{
    static const struct {
        const char *status;
        enum store_pod_phase phase;
        const char *says;
    } ROWS[] = {
        {"{}", STORE_POD_WAITS, ""},
        {"{\"phase\":\"Pending\"}", STORE_POD_WAITS, ""},
        {"{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":"
         "\"Unschedulable\",\"message\":\"0/3 nodes are available\"}]}",
         STORE_POD_WAITS, "Unschedulable: 0/3 nodes are available"},
        {"{\"containerStatuses\":[{\"image\":\"i:1\",\"state\":{\"waiting\":{\"reason\":"
         "\"ContainerCreating\"}}}]}",
         STORE_POD_WAITS, "ContainerCreating"},
        {"{\"containerStatuses\":[{\"image\":\"i:1\",\"state\":{\"waiting\":{\"reason\":"
         "\"ErrImagePull\",\"message\":\"not found\"}}}]}",
         STORE_POD_WAITS, "image i:1: ErrImagePull: not found"},
        {"{\"containerStatuses\":[{\"image\":\"i:1\",\"state\":{\"waiting\":{\"reason\":"
         "\"ImagePullBackOff\",\"message\":\"Back-off\"}}}]}",
         STORE_POD_NEVER, "image i:1: ImagePullBackOff: Back-off"},
        {"{\"phase\":\"Running\",\"containerStatuses\":[{\"state\":{\"running\":{\"startedAt\":"
         "\"x\"}}}]}",
         STORE_POD_RUNS, ""},
        {"{\"phase\":\"Failed\",\"containerStatuses\":[{\"state\":{\"terminated\":{\"reason\":"
         "\"Error\",\"message\":\"no such folder\\n\"}}}]}",
         STORE_POD_NEVER, "its program ended: Error: no such folder"},
        {"{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"The node was low\"}",
         STORE_POD_NEVER, "Evicted: The node was low"},
        {"{\"containerStatuses\":5,\"conditions\":{}}", STORE_POD_WAITS, ""},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_span words;
        ds_auto_json pod = parse(arena_format(arena, "{\"status\":%s}", ROWS[i].status).ptr);
        cr_assert_eq(store_pod_look(pod, arena, &words), ROWS[i].phase, "%s", ROWS[i].status);
        cr_assert(ds_span_is(words, ROWS[i].says), "%zu: '%.*s'", i, DS_FMT(words));
    }
}

Test(submit, the_newest_warning_of_a_pods_events_is_told)
{
    ds_auto_json list = parse(
        "{\"items\":[{\"type\":\"Warning\",\"reason\":\"FailedMount\",\"message\":\"old\","
        "\"lastTimestamp\":\"2026-11-21T10:00:00Z\"},{\"type\":\"Warning\",\"reason\":"
        "\"FailedMount\",\"message\":\"new\",\"lastTimestamp\":\"2026-11-21T11:00:00Z\"},"
        "{\"type\":\"Normal\",\"reason\":\"Pulled\",\"lastTimestamp\":\"2026-11-21T12:00:00Z\"}]}");
    ds_auto_json none = parse("{\"items\":[]}");
    cr_assert(ds_span_is(event_list_newest_warning(list, arena), "FailedMount: new"));
    cr_assert_eq(event_list_newest_warning(none, arena).len, 0);
}
