/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"
#include "decksweep/event.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static struct event full(void)
{
    struct event e;
    event_init(&e, EVENT_PROGRESS, 1763721000123);
    e.number = 17;
    memcpy(e.id.hex, "0123456789abcdef", CASE_ID_CHARS);
    e.slot = 1;
    e.n_slots = 2;
    e.pid = 4711;
    e.attempt = 3;
    e.step = 12;
    e.n_steps = 120;
    e.time_days = 365.25;
    e.verdict = VERDICT_TIMEOUT;
    e.final = true;
    e.wall_ms = 1500;
    e.peak_mem_bytes = 73400320;
    e.limit_mem_bytes = 104857600;
    (void)snprintf(e.cpuset, sizeof e.cpuset, "0-1");
    (void)snprintf(e.text, sizeof e.text, "says \"no\" and \\ more");
    (void)snprintf(e.tail, sizeof e.tail, "one\ntwo\n\ttabbed");
    return e;
}

static struct ds_span line_of(const struct event *e, struct ds_buf *out)
{
    buf_init(out, 4 * EVENT_LINE_BYTES);
    cr_assert_eq(event_encode(e, out, NULL), 0);
    struct ds_span s = buf_span(out);
    cr_assert_eq(s.ptr[s.len - 1], '\n');
    return (struct ds_span){s.ptr, s.len - 1};
}

Test(event, every_field_survives_the_way_through_a_line)
{
    struct event e = full(), back;
    ds_auto_buf out;
    struct ds_span line = line_of(&e, &out);
    cr_assert_null(memchr(line.ptr, '\n', line.len), "one line");
    cr_assert_eq(event_decode(line, &back, NULL), 0);
    cr_expect_eq(back.kind, e.kind);
    cr_expect_eq(back.at_ms, e.at_ms);
    cr_expect_eq(back.number, 17);
    cr_expect(case_id_eq(back.id, e.id));
    cr_expect_eq(back.slot, 1);
    cr_expect_eq(back.n_slots, 2);
    cr_expect_eq(back.pid, 4711);
    cr_expect_eq(back.attempt, 3);
    cr_expect_eq(back.step, 12);
    cr_expect_eq(back.n_steps, 120);
    cr_expect_eq(back.time_days, 365.25);
    cr_expect_eq(back.verdict, VERDICT_TIMEOUT);
    cr_expect(back.final);
    cr_expect_eq(back.wall_ms, 1500);
    cr_expect_eq(back.peak_mem_bytes, 73400320);
    cr_expect_eq(back.limit_mem_bytes, 104857600);
    cr_expect_str_eq(back.cpuset, e.cpuset);
    cr_expect_str_eq(back.text, e.text);
    cr_expect_str_eq(back.tail, e.tail);
}

Test(event, what_does_not_apply_is_left_out_and_comes_back_as_unknown)
{
    struct event e, back;
    event_init(&e, EVENT_NOTE, 5);
    ds_auto_buf out;
    struct ds_span line = line_of(&e, &out);
    cr_expect(ds_span_is(line, "{\"event\":\"note\",\"at_ms\":5}"), "%.*s", DS_FMT(line));
    cr_assert_eq(event_decode(line, &back, NULL), 0);
    cr_expect_eq(back.number, -1);
    cr_expect_eq(back.slot, -1);
    cr_expect(isnan(back.time_days));
    cr_expect_eq(back.verdict, VERDICT_NONE);
    cr_expect_not(back.final);
    cr_expect_eq(back.text[0], '\0');
}

Test(event, the_longest_texts_still_fit_a_line)
{
    struct event e = full(), back;
    memset(e.cpuset, '\\', sizeof e.cpuset - 1);
    static const unsigned char worst[] = {1, '"', '\n', 0xff, 'a'};
    for (size_t i = 0; i < sizeof worst; i++) {
        memset(e.text, worst[i], sizeof e.text - 1);
        memset(e.tail, worst[i], sizeof e.tail - 1);
        ds_auto_buf out;
        struct ds_span line = line_of(&e, &out);
        cr_assert_leq(line.len, EVENT_LINE_BYTES, "byte %d", worst[i]);
        cr_assert_eq(event_decode(line, &back, NULL), 0);
        if (worst[i] == '"')
            cr_expect_str_eq(back.tail, e.tail);
    }
}

Test(event, unknown_kinds_and_fields_are_read_without_complaint)
{
    struct event e;
    struct ds_span line = DS_SPAN("{\"event\":\"levitated\",\"at_ms\":1,\"height\":{\"m\":[1]}}");
    cr_assert_eq(event_decode(line, &e, NULL), 0);
    cr_expect_eq(e.kind, EVENT_NONE);
}

Test(event, lines_that_are_no_events_are_refused)
{
    static const char *const bad[] = {
        "",
        "flow 2022.10",
        "{}",
        "[]",
        "{\"event\":3,\"at_ms\":1}",
        "{\"event\":\"note\"}",
        "{\"event\":\"note\",\"at_ms\":1.5}",
        "{\"event\":\"note\",\"at_ms\":1,\"id\":\"XYZ\"}",
        "{\"event\":\"note\",\"at_ms\":1}{",
        "{\"event\":\"note\",\"at_ms\":1",
    };
    for (size_t i = 0; i < DS_COUNT(bad); i++) {
        struct event e;
        struct ds_err err = {0};
        cr_expect_lt(event_decode(ds_span_of(bad[i]), &e, &err), 0, "%s", bad[i]);
        cr_expect_neq(err.text[0], '\0', "%s", bad[i]);
    }
}

Test(event, an_event_without_kind_is_not_written)
{
    struct event e;
    event_init(&e, EVENT_NONE, 0);
    ds_auto_buf out;
    buf_init(&out, 1000);
    cr_expect_eq(event_encode(&e, &out, NULL), DS_EINPUT);
}
