/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies of the controller's writes, byte by byte, and its metrics as a scraper reads them. */
#include "base/json.h"
#include "scheduler/api_write.h"
#include "scheduler/controller_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct sweep_view sweep(void)
{
    return (struct sweep_view){
        .namespace_ = "ns", .name = "spe1", .uid = "u-1", .resource_version = "42"};
}

Test(api_write, a_status_names_the_version_it_is_based_on)
{
    struct sweep_view w = sweep();
    struct sweep_status st;
    ds_auto_buf b;
    ds_auto_json j = NULL;
    struct ds_span text;
    struct ds_err err = {0};
    sweep_status_decode(NULL, &st);
    st.phase = PHASE_RUNNING;
    buf_init(&b, API_STATUS_BYTES);
    cr_assert_eq(api_put_status(&w, &st, &b, &err), 0, "%s", err.text);
    cr_assert_eq(json_parse(buf_span(&b), API_STATUS_BYTES, &j, &err), 0, "%s", err.text);
    cr_assert(json_text(json_get(json_get(j, "metadata"), "resourceVersion"), &text));
    cr_assert(ds_span_is(text, "42"));
    cr_assert(json_text(json_get(json_get(j, "metadata"), "uid"), &text));
    cr_assert(ds_span_is(text, "u-1"));
    cr_assert(json_text(json_get(json_get(j, "status"), "phase"), &text));
    cr_assert(ds_span_is(text, "Running"));
    cr_assert_eq(json_count(j), 4);
}

Test(api_write, deletes_and_patches_hit_one_uid_only)
{
    ds_auto_buf b;
    buf_init(&b, 4096);
    api_put_delete(&b, "u-9");
    cr_assert_str_eq(b.data, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{"
                             "\"uid\":\"u-9\"},\"propagationPolicy\":\"Background\"}");
    buf_reset(&b);
    api_put_ttl(&b, "u-9", 86400);
    cr_assert_str_eq(
        b.data, "{\"metadata\":{\"uid\":\"u-9\"},\"spec\":{\"ttlSecondsAfterFinished\":86400}}");
    buf_reset(&b);
    api_put_parallelism(&b, "u-9", 7);
    cr_assert_str_eq(b.data, "{\"metadata\":{\"uid\":\"u-9\"},\"spec\":{\"parallelism\":7}}");
}

Test(api_write, an_event_is_about_its_sweep_and_its_words_are_cut_between_characters)
{
    struct sweep_view w = sweep();
    struct event_memory m = {.count = 3, .name = "spe1.0001", .combined = true};
    char text[1100];
    ds_auto_buf b;
    ds_auto_json j = NULL;
    struct ds_span got;
    uint64_t count;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text + 959, "\xc3\xa4", 2); /* straddles the cut */
    struct api_event e = {.sweep = &w,
                          .reason = "RoundEnded",
                          .text = text,
                          .warning = true,
                          .memory = &m,
                          .first_s = 1795251234,
                          .now_s = 1795251300,
                          .instance = "pod-1"};
    buf_init(&b, 1 << 14);
    api_put_event(&b, &e);
    cr_assert_eq(json_parse(buf_span(&b), 1 << 14, &j, NULL), 0);
    cr_assert(json_text(json_get(j, "message"), &got));
    cr_assert_lt(got.len, 1024, "the API server refuses longer ones");
    cr_assert(ds_span_starts(got, "(combined from similar events): xxx"));
    cr_assert_eq(got.ptr[got.len - 1], 'x');
    cr_assert(json_text(json_get(json_get(j, "involvedObject"), "uid"), &got));
    cr_assert(ds_span_is(got, "u-1"));
    cr_assert(json_text(json_get(j, "type"), &got));
    cr_assert(ds_span_is(got, "Warning"));
    cr_assert(json_text(json_get(j, "firstTimestamp"), &got));
    cr_assert(ds_span_is(got, "2026-11-21T08:53:54Z"));
    cr_assert(json_u64(json_get(j, "count"), 10, &count));
    cr_assert_eq(count, 3);
}

Test(metrics, text_is_what_prometheus_reads)
{
    static struct metrics m;
    ds_auto_buf b;
    metrics_count_request(&m, "LIST", 200);
    metrics_count_request(&m, "LIST", 200);
    metrics_count_request(&m, "PUT", 409);
    metrics_count_reconcile(&m, 4000);
    metrics_count_reconcile(&m, 250000);
    metrics_count_reconcile(&m, 5000000000);
    metrics_watch(&m, "pods")->relists = 2;
    metrics_watch(&m, "pods")->wanted = 1;
    m.sweeps[PHASE_STALLED] = 3;
    buf_init(&b, 1 << 16);
    metrics_put(&m, "1.2", &b);
    cr_assert_not(b.failed);
    static const char *const lines[] = {
        "\ndecksweep_api_requests_total{verb=\"LIST\",code=\"200\"} 2\n",
        "\ndecksweep_api_requests_total{verb=\"PUT\",code=\"409\"} 1\n",
        "\ndecksweep_reconcile_seconds_bucket{le=\"5e-06\"} 1\n",
        "\ndecksweep_reconcile_seconds_bucket{le=\"0.0002\"} 1\n",
        "\ndecksweep_reconcile_seconds_bucket{le=\"0.0003\"} 2\n",
        "\ndecksweep_reconcile_seconds_bucket{le=\"0.1\"} 2\n",
        "\ndecksweep_reconcile_seconds_bucket{le=\"+Inf\"} 3\n",
        "\ndecksweep_reconcile_seconds_count 3\n",
        "\ndecksweep_watch_relists_total{kind=\"pods\"} 2\n",
        "\ndecksweep_watch_synced{kind=\"pods\"} 0\n",
        "\ndecksweep_sweeps{phase=\"Stalled\"} 3\n",
        "decksweep_build_info{version=\"1.2\"} 1\n",
    };
    for (size_t i = 0; i < DS_COUNT(lines); i++)
        cr_assert_not_null(strstr(b.data, lines[i]), "%s in\n%s", lines[i], b.data);
    /* Every line is a comment or "name{labels} number", and every name was announced before. */
    struct ds_span rest = buf_span(&b), line;
    char known[64] = "";
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        if (ds_span_starts(line, "# TYPE ")) {
            struct ds_span name;
            (void)ds_span_cut((struct ds_span){line.ptr + 7, line.len - 7}, ' ', &name);
            (void)snprintf(known, sizeof known, "%.*s", DS_FMT(name));
        } else if (!ds_span_starts(line, "# HELP ")) {
            cr_assert(ds_span_starts(line, known), "%.*s", DS_FMT(line));
        }
    }
}

Test(metrics, more_kinds_of_answers_than_there_is_room_for_are_left_out)
{
    static struct metrics m;
    for (int code = 0; code < 1000; code++)
        metrics_count_request(&m, "GET", code);
    cr_assert_eq(m.n_requests, DS_COUNT(m.requests));
}
