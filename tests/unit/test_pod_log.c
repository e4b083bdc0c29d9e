/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/pod_log.h"
#include "cli/pod_seen.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define T0 INT64_C(1795264211000)

static void put_event(struct ds_buf *log, enum event_kind kind, int64_t at_s, int64_t number,
                      int64_t step, const char *tail)
{
    struct event e;
    event_init(&e, kind, T0 + at_s * 1000);
    e.number = number;
    char id[32];
    (void)snprintf(id, sizeof id, "abcd%012lld", (long long)number);
    memcpy(e.id.hex, id, CASE_ID_CHARS);
    e.slot = number % 4;
    e.attempt = 1;
    e.step = step;
    e.n_steps = step >= 0 ? 120 : -1;
    (void)snprintf(e.tail, sizeof e.tail, "%s", tail);
    if (kind == EVENT_FAILED || kind == EVENT_FINISHED)
        e.verdict = VERDICT_TIMEOUT;
    cr_assert_eq(event_encode(&e, log, NULL), 0);
}

static void put_worker_log(struct ds_buf *log)
{
    buf_init(log, 1u << 20);
    (void)buf_put_text(log, "half an event, cut off by tailLines\"}\n");
    put_event(log, EVENT_WORKER, 0, -1, -1, "");
    put_event(log, EVENT_STAGED, 1, 3, -1, "");
    put_event(log, EVENT_STARTED, 2, 3, -1, "");
    put_event(log, EVENT_STARTED, 2, 4, -1, "");
    (void)buf_put_text(log, "decksweep-agent: warning: membind refused\n");
    put_event(log, EVENT_PROGRESS, 12, 3, 10, "line 1\nline 2");
    put_event(log, EVENT_PROGRESS, 12, 4, 77, "of another case");
    put_event(log, EVENT_PROGRESS, 22, 3, 20, "line 2\nline 3\n");
    put_event(log, EVENT_PROGRESS, 32, 3, 20, "line 3\nline 4");
}

Test(pod_log, tells_one_case_from_what_a_worker_says_of_many)
{
    ds_auto_buf log, out;
    struct pod_log l;
    put_worker_log(&log);
    buf_init(&out, 1u << 20);
    cr_assert_eq(pod_log_init(&l, DS_SPAN("3"), false, NULL), 0);
    pod_log_feed(&l, buf_span(&log), NULL);
    cr_expect_eq(l.state, POD_CASE_RUNNING);
    pod_log_put_state(&l, &out);
    cr_expect(ds_span_is(buf_span(&out), "[2026-11-21T12:30:13Z] case 3 started, slot 3\n"
                                         "[2026-11-21T12:30:43Z] report step 20 of 120\n"
                                         "line 3\nline 4\n"),
              "%s", out.data);
}

Test(pod_log, shows_each_line_of_the_simulator_once_however_the_bytes_come)
{
    static const char WANT[] = "[2026-11-21T12:30:13Z] case 3 started, slot 3\n"
                               "[2026-11-21T12:30:23Z] report step 10 of 120\n"
                               "line 1\nline 2\n"
                               "[2026-11-21T12:30:33Z] report step 20 of 120\n"
                               "line 3\nline 4\n";
    ds_auto_buf log;
    put_worker_log(&log);
    for (size_t piece = 1; piece <= 4096; piece = piece * 2 + 1) {
        ds_auto_buf out;
        struct pod_log l;
        buf_init(&out, 1u << 20);
        cr_assert_eq(pod_log_init(&l, DS_SPAN("3"), false, NULL), 0);
        for (size_t at = 0; at < log.len; at += piece) {
            size_t n = log.len - at < piece ? log.len - at : piece;
            pod_log_feed(&l, (struct ds_span){log.data + at, n}, &out);
        }
        cr_expect(ds_span_is(buf_span(&out), WANT), "pieces of %zu:\n%s", piece, out.data);
    }
}

Test(pod_log, what_was_read_before_is_not_told_again)
{
    ds_auto_buf log, out;
    struct pod_log l;
    put_worker_log(&log);
    buf_init(&out, 1u << 20);
    cr_assert_eq(pod_log_init(&l, DS_SPAN("3"), false, NULL), 0);
    pod_log_feed(&l, buf_span(&log), NULL);
    pod_log_put_state(&l, &out);
    buf_reset(&out);
    put_event(&log, EVENT_COMMITTED, 40, 3, -1, "");
    pod_log_feed(&l, buf_span(&log), &out); /* asked for from an earlier second on */
    cr_expect(ds_span_is(buf_span(&out), "[2026-11-21T12:30:51Z] case 3 is stored\n"), "%s",
              out.data);
    cr_expect_eq(l.state, POD_CASE_ENDED);
    cr_expect_eq(l.verdict, VERDICT_OK);
}

Test(pod_log, a_failed_attempt_ends_the_case_here_and_a_new_start_begins_it_again)
{
    ds_auto_buf log, out;
    struct pod_log l;
    buf_init(&log, 1u << 20);
    buf_init(&out, 1u << 20);
    put_event(&log, EVENT_STARTED, 1, 5, -1, "");
    put_event(&log, EVENT_FAILED, 2, 5, -1, "");
    cr_assert_eq(pod_log_init(&l, DS_SPAN("abcd00000"), false, NULL), 0);
    pod_log_feed(&l, buf_span(&log), &out);
    cr_expect_eq(l.state, POD_CASE_ENDED);
    cr_expect(strstr(out.data, "case 5: timeout, to be tried again"), "%s", out.data);
    buf_reset(&log);
    put_event(&log, EVENT_STARTED, 3, 5, -1, "");
    pod_log_feed(&l, buf_span(&log), &out);
    cr_expect_eq(l.state, POD_CASE_RUNNING);
}

Test(pod_log, case_is_a_number_or_the_start_of_an_id)
{
    static const struct {
        const char *text;
        bool by_id;
        int rc;
        int64_t number;
    } ROWS[] = {
        {"17", false, 0, 17},          {"0", false, 0, 0},
        {"abcd", false, 0, -1},        {"1234", true, 0, -1},
        {"123", true, DS_EINPUT, 0},   {"xyzw", false, DS_EINPUT, 0},
        {"", false, DS_EINPUT, 0},     {"abcd000000000001f", false, DS_EINPUT, 0},
        {"99999999999", false, 0, -1},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct pod_log l;
        int rc = pod_log_init(&l, ds_span_of(ROWS[i].text), ROWS[i].by_id, NULL);
        cr_expect_eq(rc, ROWS[i].rc, "%s: %d", ROWS[i].text, rc);
        if (rc == 0)
            cr_expect_eq(l.number, ROWS[i].number, "%s", ROWS[i].text);
    }
}

Test(pod_log, a_line_longer_than_any_event_is_passed_over_and_the_next_is_read)
{
    ds_auto_buf log, out;
    struct pod_log l;
    buf_init(&log, 1u << 20);
    buf_init(&out, 1u << 20);
    for (int i = 0; i < 3 * (int)EVENT_LINE_BYTES; i++)
        (void)buf_put_char(&log, '{');
    (void)buf_put_char(&log, '\n');
    put_event(&log, EVENT_STARTED, 1, 3, -1, "");
    cr_assert_eq(pod_log_init(&l, DS_SPAN("3"), false, NULL), 0);
    pod_log_feed(&l, buf_span(&log), &out);
    cr_expect_eq(l.state, POD_CASE_RUNNING);
}

Test(pod_log, the_new_part_of_last_lines_is_what_follows_the_longest_overlap)
{
    static const struct {
        const char *before, *now, *want;
    } ROWS[] = {
        {"", "a\nb", "a\nb"},
        {"a\nb", "a\nb", ""},
        {"a\nb\n", "a\nb", ""},
        {"a\nb", "b\nc", "c"},
        {"a\nb\nc", "c\nd\ne", "d\ne"},
        {"a\nb", "c\nd", "c\nd"},                           /* so much came that nothing is left */
        {"a\nTime st", "Time step 4\nx", "Time step 4\nx"}, /* the last line grew */
        {"x\na\nTime st", "a\nTime step 4", "Time step 4"},
        {"ing 7\nb", "b\ncc", "cc"},    /* tails are cut by bytes */
        {"b\nb\nb", "b\nb\nb\nb", "b"}, /* at least what surely is new */
        {"a\nb", "", ""},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_span got = pod_log_new_part(ds_span_of(ROWS[i].before), ds_span_of(ROWS[i].now));
        cr_expect(ds_span_is(got, ROWS[i].want), "%zu: '%.*s'", i, DS_FMT(got));
    }
}

static const char PODS[] =
    "{\"items\":["
    "{\"metadata\":{\"name\":\"c1\",\"creationTimestamp\":\"2026-11-21T12:00:00Z\"},"
    "\"spec\":{\"nodeName\":\"n1\"},\"status\":{\"phase\":\"Succeeded\"}},"
    "{\"metadata\":{\"name\":\"c3\",\"creationTimestamp\":\"2026-11-21T12:05:00Z\"},\"status\":"
    "{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
    "\"reason\":\"Unschedulable\",\"message\":\"0/1 nodes are available\"}]}},"
    "{\"metadata\":{\"name\":\"c2\",\"creationTimestamp\":\"2026-11-21T12:05:00Z\"},\"status\":"
    "{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"state\":{\"terminated\":{}}},{\"state\":"
    "{\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"no such image\"}}}]}},"
    "{\"metadata\":{}},7,null]}";

Test(pod_seen, the_newest_pod_and_why_it_waits)
{
    ds_auto_json list = NULL;
    ds_auto_arena a = arena_create(1u << 20);
    struct pod_seen *pods;
    size_t n;
    cr_assert_eq(json_parse(ds_span_of(PODS), 1u << 20, &list, NULL), 0);
    cr_assert_eq(pod_seen_list(list, a, &pods, &n, NULL), 0);
    cr_assert_eq(n, 3);
    cr_expect_str_eq(pods[0].waiting, "");
    cr_expect_str_eq(pods[1].waiting, "Unschedulable: 0/1 nodes are available");
    cr_expect_str_eq(pods[2].waiting, "ImagePullBackOff: no such image");
    cr_expect_str_eq(pod_seen_newest(pods, n)->name, "c3");
    cr_expect_null(pod_seen_newest(pods, 0));
}
