/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The controller's cache: records by name, what a decision reads, lists, own writes. */
#include "scheduler/cache.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

static struct cache cache;
static struct cache_now now;
static unsigned n_touched;

static void make(void)
{
    cache_init(&cache);
    now = (struct cache_now){1795251234, 1000};
    n_touched = 0;
}
static void unmake(void)
{
    cache_clear(&cache);
}
TestSuite(cache, .init = make, .fini = unmake);

static void count(void *context, struct sweep_slot *slot)
{
    (void)context;
    (void)slot;
    n_touched++;
}

/* Put an object; the touched slot, or NULL. */
__attribute__((format(printf, 4, 5))) static struct sweep_slot *
put(enum cache_kind kind, unsigned scope, bool own, const char *format, ...)
{
    char text[8192];
    va_list args;
    struct sweep_slot *touched = NULL;
    struct ds_err err = {0};
    ds_auto_json j = NULL;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cr_assert_eq(json_parse(ds_span_of(text), sizeof text, &j, &err), 0, "%s", err.text);
    cr_assert_eq(cache_put(&cache, kind, scope, own, j, &now, &touched, &err), 0, "%s", err.text);
    return touched;
}

static struct sweep_slot *put_sweep(const char *name, int version, bool own)
{
    return put(CACHE_SWEEP, 0, own,
               "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"uid\":\"u-%s\","
               "\"resourceVersion\":\"%d\",\"generation\":%d},"
               "\"spec\":{\"results\":{\"store\":\"pvc://claim/a\"},\"cluster\":{\"nodeSelector\":"
               "{\"pool\":\"big\"},\"tolerations\":[{\"key\":\"only\",\"operator\":\"Exists\"}]}}}",
               name, name, version, version);
}

static struct sweep_slot *put_job(const char *sweep, const char *name, int version, int succeeded,
                                  bool own)
{
    return put(CACHE_JOB, 0, own,
               "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"uid\":\"u-%s\","
               "\"resourceVersion\":\"%d\",\"labels\":{\"decksweep.io/sweep\":\"%s\","
               "\"decksweep.io/kind\":\"round\"},\"ownerReferences\":[{\"apiVersion\":"
               "\"decksweep.io/v1alpha1\",\"kind\":\"Sweep\",\"name\":\"%s\",\"uid\":\"u-%s\","
               "\"controller\":true}]},\"spec\":{\"completions\":8,\"parallelism\":8},"
               "\"status\":{\"succeeded\":%d}}",
               name, name, version, sweep, sweep, sweep, succeeded);
}

static struct sweep_slot *put_pod(const char *sweep, const char *name, const char *phase)
{
    return put(
        CACHE_POD, 0, false,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"uid\":\"u-%s\","
        "\"resourceVersion\":\"9\",\"labels\":{\"decksweep.io/sweep\":\"%s\","
        "\"decksweep.io/kind\":\"round\"},\"ownerReferences\":[{\"apiVersion\":"
        "\"batch/v1\",\"kind\":\"Job\",\"name\":\"j\",\"uid\":\"u-j\",\"controller\":true}]},"
        "\"status\":{\"phase\":\"%s\"}}",
        name, name, sweep, phase);
}

Test(cache, everything_of_a_sweep_hangs_on_its_slot_whatever_comes_first)
{
    struct sweep_slot *s = put_pod("one", "p1", "Running");
    cr_assert_not_null(s);
    cr_assert_null(slot_view(s), "the Sweep itself is not known yet");
    cr_assert_eq(put_job("one", "j", 5, 0, false), s);
    cr_assert_eq(put_sweep("one", 3, false), s);
    cr_assert_str_eq(slot_view(s)->uid, "u-one");
    cr_assert_str_eq(slot_view(s)->claim, "claim");
    cr_assert_eq(slot_job_count(s), 1);
    cr_assert_str_eq(slot_job(s, 0)->owner_uid, "u-one");
    cr_assert_eq(slot_pod_count(s), 1);
    cr_assert_str_eq(slot_pods(s)[0].name, "p1");
    cr_assert_eq(slot_place(s)->n_selector, 1);
    cr_assert_str_eq(slot_place(s)->selector[0].value, "big");
    cr_assert_str_eq(slot_place(s)->tolerations[0].key, "only");
    cr_assert_neq(put_sweep("two", 3, false), s);
}

Test(cache, a_label_that_changes_leaves_nothing_behind)
{
    char name[16];
    struct sweep_slot *one = put_sweep("one", 1, false);
    cr_assert_eq(put_job("one", "j", 1, 0, false), one);
    cr_assert_null(cache.left);
    struct sweep_slot *two = put_job("two", "j", 2, 0, false);
    cr_assert_eq(cache.left, one, "who lost it must be looked at, too");
    cr_assert_eq(slot_job_count(one), 0);
    cr_assert_eq(slot_job_count(two), 1);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        (void)put_job(name, "j", 3 + i, 0, false);
    }
    cr_assert_null(cache.left);
    cr_assert_eq(cache.slots.n, 2, "%zu slots for two names", cache.slots.n);
}

Test(cache, pods_stay_in_one_array_while_they_come_change_and_go)
{
    struct sweep_slot *s = put_sweep("one", 1, false);
    char name[16];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "p%d", i);
        (void)put_pod("one", name, "Pending");
    }
    for (int i = 0; i < 300; i += 3) {
        (void)snprintf(name, sizeof name, "ns/p%d", i);
        (void)cache_drop(&cache, cache_find(&cache, CACHE_POD, name));
    }
    for (int i = 1; i < 300; i += 3) {
        (void)snprintf(name, sizeof name, "p%d", i);
        cr_assert_eq(put_pod("one", name, "Succeeded"), s, "a new phase matters");
        cr_assert_null(put_pod("one", name, "Succeeded"), "the same again does not");
    }
    cr_assert_eq(slot_pod_count(s), 200);
    unsigned done = 0;
    for (size_t i = 0; i < slot_pod_count(s); i++) {
        int number = -1;
        cr_assert_eq(slot_pods(s)[i].name[0], 'p');
        number = (int)strtol(slot_pods(s)[i].name + 1, NULL, 10);
        cr_assert_neq(number % 3, 0);
        cr_assert_eq(slot_pods(s)[i].phase, number % 3 == 1 ? POD_SUCCEEDED : POD_PENDING);
        done += slot_pods(s)[i].phase == POD_SUCCEEDED;
    }
    cr_assert_eq(done, 100);
}

Test(cache, an_older_version_of_what_we_wrote_is_ignored_for_a_while)
{
    struct sweep_slot *s = put_job("one", "j", 50, 3, true);
    const struct job_view *j = slot_job(s, 0)->packed;
    cr_assert_eq(j->n_succeeded, 3);
    cr_assert_null(put_job("one", "j", 49, 1, false));
    j = slot_job(s, 0)->packed;
    cr_assert_eq(j->n_succeeded, 3, "a watch that lags behind our own write");
    now.mono_ms += CACHE_OWN_MS + 1;
    (void)put_job("one", "j", 49, 1, false);
    j = slot_job(s, 0)->packed;
    cr_assert_eq(j->n_succeeded, 1, "for ever would be wrong: a cluster can be restored");
}

Test(cache, what_a_list_does_not_show_is_gone_unless_we_have_just_written_it)
{
    struct sweep_slot *s = put_sweep("one", 1, false);
    (void)put_job("one", "old", 5, 0, false);
    (void)put_job("one", "listed", 6, 0, false);
    (void)put_job("one", "ours", 7, 0, true);
    cache_list_begins(&cache, CACHE_JOB, 0);
    (void)put_job("one", "listed", 6, 0, false);
    cache_list_ends(&cache, CACHE_JOB, 0, &now, count, NULL);
    cr_assert_null(cache_find(&cache, CACHE_JOB, "ns/old"));
    cr_assert_not_null(cache_find(&cache, CACHE_JOB, "ns/listed"));
    struct cache_object *ours = cache_find(&cache, CACHE_JOB, "ns/ours");
    cr_assert(ours && ours->unsure, "the list may be older: to be asked for");
    cr_assert_eq(n_touched, 2);
    cr_assert_eq(slot_job_count(s), 2);
    cr_assert_not_null(slot_view(s), "a list of Jobs removes no Sweep");
    now.mono_ms += CACHE_OWN_MS + 1;
    cache_list_begins(&cache, CACHE_JOB, 0);
    cache_list_ends(&cache, CACHE_JOB, 0, &now, count, NULL);
    cr_assert_eq(slot_job_count(s), 0);
}

Test(cache, a_list_of_one_namespace_removes_nothing_of_another)
{
    (void)put(CACHE_MAP, 1, false,
              "{\"metadata\":{\"name\":\"m\",\"namespace\":\"other\",\"uid\":\"x\"}}");
    cache_list_begins(&cache, CACHE_MAP, 0);
    cache_list_ends(&cache, CACHE_MAP, 0, &now, count, NULL);
    cr_assert_not_null(cache_find(&cache, CACHE_MAP, "other/m"));
}

Test(cache, a_slot_goes_with_the_last_thing_that_names_it)
{
    struct sweep_slot *s = put_sweep("one", 1, false);
    (void)put_pod("one", "p", "Running");
    (void)cache_drop(&cache, cache_find(&cache, CACHE_SWEEP, "ns/one"));
    cache_slot_tidy(&cache, s);
    cr_assert_not_null(cache_slot(&cache, "ns/one"));
    (void)cache_drop(&cache, cache_find(&cache, CACHE_POD, "ns/p"));
    cache_slot_tidy(&cache, s);
    cr_assert_null(cache_slot(&cache, "ns/one"));
}

Test(cache, words_of_a_failed_create_stay_until_there_are_pods)
{
    struct sweep_slot *s = put_job("one", "j", 5, 0, false);
    cr_assert(cache_set_why(slot_job(s, 0), "exceeded quota: tight"));
    cr_assert_not(cache_set_why(slot_job(s, 0), "exceeded quota: tight"), "no news");
    (void)put_job("one", "j", 6, 1, false);
    const struct job_view *j = slot_job(s, 0)->packed;
    cr_assert_str_eq(j->why, "exceeded quota: tight");
    cr_assert_str_eq(slot_job(s, 0)->owner_uid, "u-one");
    (void)put(CACHE_JOB, 0, false,
              "{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\",\"uid\":\"u-j\","
              "\"resourceVersion\":\"7\",\"labels\":{\"decksweep.io/sweep\":\"one\"}},"
              "\"status\":{\"active\":1}}");
    j = slot_job(s, 0)->packed;
    cr_assert_str_eq(j->why, "");
}

Test(cache, what_cannot_be_used_is_an_error_and_what_was_known_stays)
{
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "7",
                                      "{\"metadata\":7}",
                                      "{\"metadata\":{\"name\":{},\"namespace\":\"ns\"}}",
                                      "{\"metadata\":{\"name\":\"\",\"uid\":\"u\"}}"};
    (void)put_sweep("one", 1, false);
    for (unsigned kind = 0; kind < CACHE_KINDS; kind++) {
        for (size_t i = 0; i < DS_COUNT(bad); i++) {
            ds_auto_json j = NULL;
            struct sweep_slot *touched = NULL;
            struct ds_err err = {0};
            cr_assert_eq(json_parse(ds_span_of(bad[i]), 1000, &j, NULL), 0);
            cr_assert_lt(
                cache_put(&cache, (enum cache_kind)kind, 0, false, j, &now, &touched, &err), 0,
                "kind %u: %s", kind, bad[i]);
            cr_assert_null(touched);
            cr_assert_null(cache_remove(&cache, (enum cache_kind)kind, j));
        }
    }
    cr_assert_not_null(cache_find(&cache, CACHE_SWEEP, "ns/one"));
}

Test(cache, nodes_count_a_change_only_when_their_room_changes)
{
    static const char node[] =
        "{\"metadata\":{\"name\":\"n\",\"uid\":\"un\",\"resourceVersion\":\"%d\",\"labels\":"
        "{\"pool\":\"big\"}},\"spec\":{\"taints\":[{\"key\":\"only\",\"value\":\"x\",\"effect\":"
        "\"NoSchedule\"}]},\"status\":{\"allocatable\":{\"cpu\":\"%d\",\"memory\":\"8Gi\","
        "\"ephemeral-storage\":\"100Gi\"},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]"
        "}}";
    struct node_class class[NODE_CLASSES_MAX];
    struct sweep_slot *s = put_sweep("one", 1, false);
    (void)put(CACHE_NODE, 0, false, node, 1, 16);
    uint64_t version = cache.nodes_version;
    (void)put(CACHE_NODE, 0, false, node, 2, 16);
    cr_assert_eq(cache.nodes_version, version, "a heartbeat");
    cr_assert_eq(cache_node_classes(&cache, slot_place(s), class), 1);
    cr_assert_eq(class[0].cpus, 16);
    (void)put(CACHE_LOAD, 0, false,
              "{\"metadata\":{\"name\":\"d\",\"namespace\":\"kube-system\",\"uid\":\"ud\","
              "\"ownerReferences\":[{\"kind\":\"DaemonSet\",\"name\":\"d\",\"uid\":\"y\","
              "\"controller\":true,\"apiVersion\":\"apps/v1\"}]},\"spec\":{\"nodeName\":\"n\","
              "\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"1500m\"}}}]},"
              "\"status\":{\"phase\":\"Running\"}}");
    cr_assert_gt(cache.nodes_version, version);
    cr_assert_eq(cache_node_classes(&cache, slot_place(s), class), 1);
    cr_assert_eq(class[0].cpus, 14);
    version = cache.nodes_version;
    (void)put(CACHE_NODE, 0, false, node, 3, 32);
    cr_assert_gt(cache.nodes_version, version);
    (void)cache_drop(&cache, cache_find(&cache, CACHE_NODE, "n"));
    cr_assert_eq(cache_node_classes(&cache, slot_place(s), class), 0);
}
