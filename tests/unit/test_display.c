/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs_io.h"
#include "cli/display.h"
#include "cli/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define T0 INT64_C(1763721000000)

struct scene {
    struct ds_arena *arena;
    struct display_state d;
};

static void start(struct scene *s, const char *name, uint32_t total, uint32_t done, uint32_t failed)
{
    s->arena = arena_create(1u << 20);
    struct display_setup setup = {.name = name,
                                  .n_total = total,
                                  .n_done_before = done,
                                  .n_failed_before = failed,
                                  .now_ms = T0};
    cr_assert_eq(display_state_init(&s->d, &setup, s->arena, NULL), 0);
}

static struct event make(enum event_kind kind, int64_t at_s, int64_t number, int64_t slot)
{
    struct event e;
    event_init(&e, kind, T0 + at_s * 1000);
    e.number = number;
    e.slot = slot;
    e.attempt = 1;
    return e;
}

static void say(struct scene *s, enum event_kind kind, int64_t at_s, int64_t number, int64_t slot)
{
    struct event e = make(kind, at_s, number, slot);
    display_state_event(&s->d, &e);
}

static void worker(struct scene *s, int64_t n_slots)
{
    struct event e = make(EVENT_WORKER, 0, -1, -1);
    e.n_slots = n_slots;
    display_state_event(&s->d, &e);
}

static void progress(struct scene *s, int64_t at_s, int64_t number, int64_t slot, int64_t step,
                     int64_t n)
{
    struct event e = make(EVENT_PROGRESS, at_s, number, slot);
    e.step = step;
    e.n_steps = n;
    e.time_days = (double)step * 30.5;
    display_state_event(&s->d, &e);
}

static void fail(struct scene *s, int64_t at_s, int64_t number, enum verdict v, bool final,
                 const char *why)
{
    struct event e = make(EVENT_FAILED, at_s, number, 0);
    e.verdict = v;
    e.final = final;
    (void)snprintf(e.text, sizeof e.text, "%s", why);
    display_state_event(&s->d, &e);
}

static void note(struct scene *s, int64_t at_s, const char *text)
{
    struct event e = make(EVENT_NOTE, at_s, -1, -1);
    (void)snprintf(e.text, sizeof e.text, "%s", text);
    display_state_event(&s->d, &e);
}

static void commit(struct scene *s, int64_t at_s, int64_t number, int64_t slot)
{
    say(s, EVENT_FINISHED, at_s, number, slot);
    say(s, EVENT_COMMITTED, at_s, number, slot);
}

/* Four slots in different phases, failures, a retry, words with escapes and UTF-8. */
static void play_busy(struct scene *s)
{
    start(s, "spe1-injection", 48, 10, 1);
    worker(s, 4);
    for (int64_t i = 0; i < 12; i++) {
        say(s, EVENT_STAGED, i * 5, 11 + i, i % 4);
        say(s, EVENT_STARTED, i * 5, 11 + i, i % 4);
        commit(s, i * 5 + 5, 11 + i, i % 4);
    }
    fail(s, 61, 23, VERDICT_DECK_ERROR, true,
         "PORO: \033[31mred\033[0m ist zu gro\xc3\x9f in SPE1.DATA:120; correct the value");
    fail(s, 62, 24, VERDICT_OUT_OF_MEMORY, false, "needed more than 96 MiB");
    fail(s, 63, 25, VERDICT_TIMEOUT, true, "ran longer than \xe6\xb0\xb4 2h\r\nand more");
    note(s, 64, "disk below the watermark:\tnew cases wait");
    say(s, EVENT_STAGED, 65, 26, 0);
    say(s, EVENT_STARTED, 60, 27, 1);
    progress(s, 65, 27, 1, 60, 120);
    say(s, EVENT_STARTED, 60, 1028, 2);
    say(s, EVENT_STARTED, 50, 29, 3);
    progress(s, 65, 29, 3, 120, 120);
    say(s, EVENT_FINISHED, 66, 29, 3);
}

static void play_crowd(struct scene *s)
{
    start(s, "crowd", 5000, 0, 0);
    worker(s, 64);
    for (int64_t i = 0; i < 64; i++) {
        say(s, EVENT_STARTED, 0, i, i);
        progress(s, 10, i, i, i, 100);
    }
}

static void play_start(struct scene *s)
{
    start(s, "gro\xc3\x9f", 24, 0, 0);
}

static void play_end(struct scene *s)
{
    start(s, "spe1", 24, 0, 0);
    worker(s, 2);
    for (int64_t i = 0; i < 23; i++)
        commit(s, i, i, i % 2);
    fail(s, 24, 23, VERDICT_CRASHED, true, "signal 11");
    say(s, EVENT_ENDED, 25, -1, -1);
}

static void expect_golden(const char *name, const struct ds_buf *got)
{
    char path[256];
    struct ds_span want;
    struct ds_err err = {0};
    (void)snprintf(path, sizeof path, "tests/golden/display/%s.txt", name);
    if (getenv("BLESS")) {
        cr_assert_eq(fs_make_dirs("tests/golden/display", &err), 0);
        cr_assert_eq(fs_replace_file(path, buf_span(got), &err), 0, "%s", err.text);
        return;
    }
    ds_auto_arena a = arena_create(4u << 20);
    cr_assert_eq(fs_read_file(path, 1u << 20, a, &want, &err), 0, "%s", err.text);
    cr_expect(ds_span_eq(want, buf_span(got)), "%s is not what is drawn now (make bless):\n%s",
              path, got->data);
}

struct play {
    const char *name;
    void (*play)(struct scene *s);
    int64_t now_s;
};
static const struct play PLAYS[] = {
    {"start", play_start, 0},
    {"busy", play_busy, 70},
    {"crowd", play_crowd, 30},
    {"end", play_end, 26},
};

Test(display, every_width_has_its_picture)
{
    static const unsigned WIDTHS[] = {20, 40, 80, 200};
    for (size_t i = 0; i < DS_COUNT(PLAYS); i++) {
        struct scene s;
        ds_auto_buf out;
        buf_init(&out, 1u << 20);
        PLAYS[i].play(&s);
        for (size_t w = 0; w < DS_COUNT(WIDTHS); w++) {
            (void)buf_printf(&out, "== %u columns, 14 lines\n", WIDTHS[w]);
            display_render(&s.d, T0 + PLAYS[i].now_s * 1000, WIDTHS[w], 14, false, &out);
        }
        expect_golden(PLAYS[i].name, &out);
        arena_destroy(s.arena);
    }
}

static void expect_fits(const struct ds_buf *out, unsigned width, unsigned height, const char *name)
{
    struct ds_span rest = buf_span(out), line;
    unsigned n = 0;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        n++;
        cr_assert_leq(text_columns(line), width, "%s at %ux%u: '%.*s'", name, width, height,
                      DS_FMT(line));
        for (size_t i = 0; i < line.len; i++)
            cr_assert((unsigned char)line.ptr[i] >= 0x20 && line.ptr[i] != 0x7f, "control byte");
    }
    cr_assert(n >= 1 && n <= height, "%s at %ux%u: %u lines", name, width, height, n);
}

Test(display, no_line_is_wider_and_no_picture_higher_than_the_terminal)
{
    for (size_t i = 0; i < DS_COUNT(PLAYS); i++) {
        struct scene s;
        ds_auto_buf out;
        buf_init(&out, 1u << 20);
        PLAYS[i].play(&s);
        for (unsigned width = 1; width <= 210; width++)
            for (unsigned height = 1; height <= 30; height++) {
                buf_reset(&out);
                display_render(&s.d, T0 + PLAYS[i].now_s * 1000, width, height, false, &out);
                expect_fits(&out, width, height, PLAYS[i].name);
            }
        arena_destroy(s.arena);
    }
}

Test(display, colour_adds_escapes_and_nothing_else)
{
    struct scene s;
    ds_auto_buf plain, color, stripped;
    buf_init(&plain, 1u << 20);
    buf_init(&color, 1u << 20);
    buf_init(&stripped, 1u << 20);
    play_busy(&s);
    display_render(&s.d, T0 + 70000, 80, 14, false, &plain);
    display_render(&s.d, T0 + 70000, 80, 14, true, &color);
    for (size_t i = 0; i < color.len; i++) {
        if (color.data[i] != '\033') {
            (void)buf_put_char(&stripped, color.data[i]);
            continue;
        }
        while (color.data[i] != 'm')
            i++;
    }
    cr_expect_str_eq(stripped.data, plain.data);
    cr_expect_gt(color.len, plain.len);
    arena_destroy(s.arena);
}

Test(display, plain_lines_tell_failures_and_notes_at_once_and_progress_now_and_then)
{
    struct scene s;
    ds_auto_buf out;
    buf_init(&out, 1u << 20);
    start(&s, "spe1", 100, 0, 0);
    worker(&s, 2);
    for (int64_t t = 0; t < 400; t++) {
        if (t % 8 == 7) {
            say(&s, EVENT_STARTED, t, t / 8, t % 2);
            commit(&s, t, t / 8, t % 2);
        }
        if (t == 30)
            fail(&s, t, 90, VERDICT_DECK_ERROR, true, "bad \033[1mvalue");
        if (t == 31)
            note(&s, t, "one worker was lost");
        display_plain(&s.d, T0 + t * 1000, &out);
    }
    expect_golden("plain", &out);
    arena_destroy(s.arena);
}

Test(display, a_burst_of_failures_is_counted_when_it_is_not_told)
{
    struct scene s;
    ds_auto_buf out;
    buf_init(&out, 1u << 20);
    start(&s, "x", 100, 0, 0);
    for (int64_t i = 0; i < 10; i++)
        fail(&s, 1, i, VERDICT_CRASHED, true, "why");
    display_plain(&s.d, T0 + 1000, &out);
    cr_expect(strstr(out.data, "4 more cases failed"), "%s", out.data);
    cr_expect(strstr(out.data, "case 9: crashed: why"), "%s", out.data);
    cr_expect_null(strstr(out.data, "case 3:"), "%s", out.data);
    arena_destroy(s.arena);
}

Test(display, settled_rate_and_remaining_time_follow_the_events)
{
    struct scene s;
    start(&s, "x", 101, 0, 1);
    cr_expect_eq(display_eta_ms(&s.d, T0 + 1000), -1, "nothing known yet");
    worker(&s, 1);
    for (int64_t i = 0; i < 20; i++)
        commit(&s, 10 * (i + 1), i, 0);
    cr_expect_eq(display_settled(&s.d), 21);
    double rate = display_rate_per_s(&s.d, T0 + 200000);
    cr_expect_float_eq(rate, 0.1, 0.001, "%g", rate);
    int64_t eta = display_eta_ms(&s.d, T0 + 200000);
    cr_expect(eta > 790000 && eta < 810000, "%lld", (long long)eta);
    for (int64_t i = 20; i < 100; i++)
        commit(&s, 201, i, 0);
    cr_expect_eq(display_eta_ms(&s.d, T0 + 201000), 0);
    arena_destroy(s.arena);
}

static uint32_t three_rows(void *context, const struct event *e)
{
    (void)context;
    return e->number == 0 ? 3 : 1;
}

Test(display, rows_that_share_a_case_are_counted)
{
    struct scene s;
    start(&s, "x", 6, 0, 0);
    s.d.setup.rows_of = three_rows;
    commit(&s, 1, 0, 0);
    commit(&s, 2, 3, 0);
    fail(&s, 3, 4, VERDICT_TIMEOUT, true, "");
    cr_expect_eq(s.d.n_ok, 4);
    cr_expect_eq(s.d.n_failed, 1);
    cr_expect_eq(display_settled(&s.d), 5);
    arena_destroy(s.arena);
}

Test(display, a_slot_taken_again_before_the_commit_keeps_its_new_case)
{
    struct scene s;
    start(&s, "x", 6, 0, 0);
    worker(&s, 1);
    say(&s, EVENT_STARTED, 1, 0, 0);
    say(&s, EVENT_FINISHED, 2, 0, 0);
    say(&s, EVENT_STARTED, 2, 1, 0);
    say(&s, EVENT_COMMITTED, 3, 0, 0);
    cr_expect_eq(s.d.slots[0].phase, SHOWN_RUNNING);
    cr_expect_eq(s.d.slots[0].number, 1);
    arena_destroy(s.arena);
}

Test(display, events_with_wild_numbers_change_nothing)
{
    struct scene s;
    ds_auto_buf out;
    buf_init(&out, 1u << 20);
    start(&s, "x", 3, 0, 0);
    worker(&s, INT64_C(1) << 40);
    cr_expect_eq(s.d.n_slots, DISPLAY_MAX_SLOTS);
    progress(&s, 1, -5, INT64_C(1) << 40, 3, 2);
    progress(&s, 1, 5, -7, 3, 2);
    progress(&s, 1, INT64_MAX, 0, INT64_MAX, 1);
    progress(&s, 1, INT64_MIN, 1, -9, -9);
    struct event e = make(EVENT_FAILED, 1, 3, 0);
    e.verdict = (enum verdict)99;
    e.final = true;
    memset(e.text, 'x', sizeof e.text);
    display_state_event(&s.d, &e);
    for (unsigned width = 1; width < 100; width++) {
        buf_reset(&out);
        display_render(&s.d, T0 - 5000, width, 9, false, &out);
        expect_fits(&out, width, 9, "wild");
    }
    arena_destroy(s.arena);
}

Test(display, the_closing_sentence_counts_verdicts)
{
    struct scene s;
    ds_auto_buf out;
    buf_init(&out, 4096);
    play_end(&s);
    display_put_summary(&s.d, T0 + 26000, &out);
    cr_expect_str_eq(out.data, "24 cases: 23 ok, 1 failed (crashed 1) in 26.0s");
    arena_destroy(s.arena);
}

Test(display, counts_of_a_cluster_replace_events_and_make_rates_of_their_growth)
{
    struct scene s;
    ds_auto_buf out;
    buf_init(&out, 1u << 16);
    start(&s, "spe1", 0, 0, 0);
    s.d.setup.now_ms = T0;
    display_render(&s.d, T0, 80, 5, false, &out);
    cr_expect(strstr(out.data, "not planned yet"), "%s", out.data);
    struct display_counts c = {.n_total = 200, .n_done = 100, .note = "Running: round 2"};
    display_state_counts(&s.d, &c, T0 + 1000);
    cr_expect_lt(display_rate_per_s(&s.d, T0 + 2000), 0, "what was done before is no progress");
    c.n_done = 110;
    display_state_counts(&s.d, &c, T0 + 5000);
    cr_expect_lt(display_rate_per_s(&s.d, T0 + 6000), 0, "one worker's end is no rate");
    c.n_done = 115;
    display_state_counts(&s.d, &c, T0 + 8000);
    c.n_done = 120;
    c.n_failed = 5;
    c.failed_by[VERDICT_TIMEOUT] = 5;
    display_state_counts(&s.d, &c, T0 + 11000);
    cr_expect_eq(display_settled(&s.d), 125);
    cr_expect_gt(display_eta_ms(&s.d, T0 + 12000), 0);
    buf_reset(&out);
    display_render(&s.d, T0 + 12000, 80, 8, false, &out);
    cr_expect(strstr(out.data, "125/200") && strstr(out.data, "Running: round 2")
                  && strstr(out.data, "timeout 5"),
              "%s", out.data);
    c.n_done = 110;  /* hints of pods that a census did not confirm */
    c.n_total = 150; /* an edit */
    display_state_counts(&s.d, &c, T0 + 13000);
    cr_expect_eq(display_settled(&s.d), 115);
    buf_reset(&out);
    display_put_summary(&s.d, T0 + 13000, &out);
    cr_expect(strstr(out.data, "150 cases: 110 ok, 5 failed (timeout 5), 35 to do"), "%s",
              out.data);
    arena_destroy(s.arena);
}

Test(display, plain_lines_about_a_cluster_say_each_note_once_and_no_progress_before_a_plan)
{
    struct scene s;
    ds_auto_buf out;
    buf_init(&out, 1u << 16);
    start(&s, "spe1", 0, 0, 0);
    struct display_counts c = {.note = "Pending: waits for ConfigMap x"};
    for (int i = 0; i < 5; i++) {
        display_state_counts(&s.d, &c, T0 + i * 20000);
        display_plain(&s.d, T0 + i * 20000, &out);
    }
    cr_expect(ds_span_is(buf_span(&out), "Pending: waits for ConfigMap x\n"), "%s", out.data);
    buf_reset(&out);
    c = (struct display_counts){.n_total = 100, .n_done = 50, .note = "Running"};
    display_state_counts(&s.d, &c, T0 + 100000);
    display_plain(&s.d, T0 + 100000, &out);
    c.n_done = 60;
    display_state_counts(&s.d, &c, T0 + 120000);
    display_plain(&s.d, T0 + 120000, &out);
    cr_expect(strstr(out.data, "60/100 cases (60%)"), "%s", out.data);
    arena_destroy(s.arena);
}
