/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs_io.h"
#include "cli/sweep_report.h"
#include "cli/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW INT64_C(1795264811) /* 2026-11-21T12:40:11Z */

static void read_object(const char *text, struct sweep_report *r)
{
    ds_auto_json j = NULL;
    struct ds_err err = {0};
    cr_assert_eq(json_parse(ds_span_of(text), 1u << 20, &j, &err), 0, "%s", err.text);
    cr_assert_eq(sweep_report_read(j, NULL, r, &err), 0, "%s", err.text);
}

/* A round under way on a cluster that is too small for one of its shapes. */
static struct sweep_report busy(void)
{
    struct sweep_report r = {.namespace_ = "team", .name = "spe1-lhs", .generation = 3};
    struct sweep_status *s = &r.status;
    (void)snprintf(r.store, sizeof r.store, "pvc://results/studies");
    r.created_s = NOW - 4000;
    s->phase = PHASE_RUNNING;
    s->observed_generation = 3;
    s->max_failed = -1;
    (void)snprintf(s->plan_digest, sizeof s->plan_digest, "00112233445566ff");
    (void)snprintf(s->controller_version, sizeof s->controller_version, "0.1.0");
    (void)snprintf(s->agent_image, sizeof s->agent_image, "registry/decksweep:0.1.0");
    (void)snprintf(s->message, sizeof s->message,
                   "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are "
                   "available: 3 No preemption victims found for incoming pod.");
    s->totals = (struct census_totals){.n_rows = 200,
                                       .n_done = 120,
                                       .n_failed = 4,
                                       .n_outstanding = 75,
                                       .n_no_fit = 1,
                                       .n_keys = 125,
                                       .stored_bytes = UINT64_C(3) << 28};
    s->totals.n_failed_by[VERDICT_TIMEOUT] = 3;
    s->totals.n_failed_by[VERDICT_DECK_ERROR] = 1;
    s->n_running = 16;
    s->live_ok = 24;
    s->live_failed = 1;
    s->core_seconds = 45000;
    s->started_s = NOW - 3990;
    s->n_rounds = 2;
    s->rounds[0] = (struct round_line){.number = 1,
                                       .n_cases = 199,
                                       .n_chunks = 4,
                                       .n_shapes = 1,
                                       .started_s = NOW - 3900,
                                       .ended_s = NOW - 400,
                                       .outcome = "Complete"};
    s->rounds[1] = (struct round_line){
        .number = 2, .n_cases = 75, .n_chunks = 4, .n_shapes = 2, .started_s = NOW - 300};
    s->step = (struct step){.kind = STEP_ROUND, .number = 2, .n_jobs = 2, .started_s = NOW - 300};
    for (unsigned i = 0; i < 2; i++) {
        struct step_job *j = &s->step.job[i];
        (void)snprintf(j->name, sizeof j->name, "spe1-lhs-00112233-r2-%u", i);
        j->outcome = JOB_ACTIVE;
        j->shape = (struct census_shape){.n_chunks = 2,
                                         .n_cases = i ? 5 : 70,
                                         .pod = {.cpus = 8, .mem_bytes = 4ull << 30, .slots = 8}};
    }
    s->cond[COND_BUNDLE_READY] = (struct sweep_condition){.status = 'T',
                                                          .reason = "Stored",
                                                          .message = "the deck is in the store",
                                                          .since_s = NOW - 3900};
    s->cond[COND_SCHEDULABLE] =
        (struct sweep_condition){.status = 'F', .reason = "Unschedulable", .since_s = NOW - 90};
    (void)snprintf(s->cond[COND_SCHEDULABLE].message, STATUS_TEXT_BYTES, "%s", s->message);
    s->cond[COND_PROGRESSING] = (struct sweep_condition){
        .status = 'T', .reason = "Running", .message = "a round runs", .since_s = NOW - 300};
    s->cond[COND_STALLED] =
        (struct sweep_condition){.status = 'F', .reason = "Running", .since_s = NOW - 3990};
    return r;
}

static struct sweep_report ended(enum sweep_phase phase)
{
    struct sweep_report r = busy();
    struct sweep_status *s = &r.status;
    (void)snprintf(r.context, sizeof r.context, "prod");
    s->phase = phase;
    s->totals.n_done = phase == PHASE_SUCCEEDED ? 200 : 196;
    s->totals.n_failed = phase == PHASE_SUCCEEDED ? 0 : 4;
    s->totals.n_outstanding = s->totals.n_no_fit = 0;
    if (phase == PHASE_SUCCEEDED)
        memset(s->totals.n_failed_by, 0, sizeof s->totals.n_failed_by);
    s->message[0] = '\0';
    s->n_running = s->live_ok = s->live_failed = 0;
    s->rounds[1].ended_s = s->step.ended_s = s->ended_s = NOW - 60;
    s->collected = true;
    memset(s->cond, 0, sizeof s->cond);
    s->cond[COND_COMPLETE] = (struct sweep_condition){
        .status = 'T', .reason = "Succeeded", .message = "200 of 200 cases done, 0 failed"};
    return r;
}

/* Nothing stands in the way: the message is the step's. */
static struct sweep_report calm(void)
{
    struct sweep_report r = busy();
    (void)snprintf(r.status.message, STATUS_TEXT_BYTES, "round 2: 75 cases in 4 workers");
    (void)snprintf(r.status.cond[COND_PROGRESSING].message, STATUS_TEXT_BYTES, "%s",
                   r.status.message);
    r.status.cond[COND_SCHEDULABLE] = (struct sweep_condition){
        .status = 'T', .reason = "Fits", .message = "pods find room", .since_s = NOW - 300};
    return r;
}

static struct sweep_report fresh(void)
{
    struct sweep_report r;
    read_object("{\"apiVersion\":\"decksweep.io/v1alpha1\",\"kind\":\"Sweep\",\"metadata\":"
                "{\"name\":\"new\",\"namespace\":\"team\",\"generation\":1,\"creationTimestamp\":"
                "\"2026-11-21T12:40:08Z\"},\"spec\":{\"deck\":\"A.DATA\"}}",
                &r);
    return r;
}

/* Words of others that would move a cursor. */
static struct sweep_report hostile(void)
{
    struct sweep_report r = busy();
    (void)snprintf(r.status.message, sizeof r.status.message, "\033[2Jgone \xff\xfe %s a\nb\tc",
                   "wordwordwordwordwordwordwordwordwordword");
    (void)snprintf(r.status.cond[COND_SCHEDULABLE].reason, STATUS_REASON_BYTES, "\r\033[31mRed");
    (void)snprintf(r.status.rounds[0].outcome, STATUS_REASON_BYTES, "\007bell");
    return r;
}

static void expect_golden(const char *name, const struct ds_buf *got)
{
    char path[256];
    struct ds_span want;
    struct ds_err err = {0};
    (void)snprintf(path, sizeof path, "tests/golden/cluster/%s", name);
    if (getenv("BLESS")) {
        cr_assert_eq(fs_make_dirs("tests/golden/cluster", &err), 0);
        cr_assert_eq(fs_replace_file(path, buf_span(got), &err), 0, "%s", err.text);
        return;
    }
    ds_auto_arena a = arena_create(4u << 20);
    cr_assert_eq(fs_read_file(path, 1u << 20, a, &want, &err), 0, "%s", err.text);
    cr_expect(ds_span_eq(want, buf_span(got)), "%s is not what is said now (make bless):\n%s", path,
              got->data);
}

static void expect_within(const struct ds_buf *text, unsigned width, const char *what)
{
    struct ds_span rest = buf_span(text), line;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        cr_expect(text_columns(line) <= width, "%s: wider than %u: %.*s", what, width,
                  DS_FMT(line));
    }
}

Test(sweep_report, status_is_told_as_the_golden_texts_have_it_at_every_width)
{
    static const unsigned WIDTHS[] = {0, 60, 80, 160};
    const struct {
        const char *name;
        struct sweep_report r;
    } ROWS[] = {
        {"busy", busy()},
        {"calm", calm()},
        {"succeeded", ended(PHASE_SUCCEEDED)},
        {"failed", ended(PHASE_FAILED)},
        {"fresh", fresh()},
        {"hostile", hostile()},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        for (size_t w = 0; w < DS_COUNT(WIDTHS); w++) {
            char name[64];
            ds_auto_buf out;
            buf_init(&out, 1u << 20);
            sweep_report_put_text(&ROWS[i].r, NOW, WIDTHS[w], &out);
            (void)snprintf(name, sizeof name, "%s-%u.txt", ROWS[i].name, WIDTHS[w]);
            expect_golden(name, &out);
            cr_expect_null(memchr(out.data, '\033', out.len), "%s", name);
            if (WIDTHS[w] >= 80 && i < 5)
                expect_within(&out, WIDTHS[w], name);
        }
    }
}

Test(sweep_report, json_is_as_documented_and_parses)
{
    const struct sweep_report rows[] = {busy(), ended(PHASE_FAILED), fresh(), hostile()};
    static const char *const NAMES[] = {"busy.json", "failed.json", "fresh.json", "hostile.json"};
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        ds_auto_buf out;
        ds_auto_json j = NULL;
        buf_init(&out, 1u << 20);
        sweep_report_put_json(&rows[i], NOW, &out);
        expect_golden(NAMES[i], &out);
        cr_assert_eq(json_parse(buf_span(&out), 1u << 20, &j, NULL), 0, "%s", out.data);
        cr_expect_eq(memchr(out.data, '\n', out.len), out.data + out.len - 1, "one line");
    }
}

Test(sweep_report, the_list_shows_a_line_a_sweep_and_cuts_messages_only)
{
    static const unsigned WIDTHS[] = {0, 80, 120};
    const struct sweep_report a = busy(), b = ended(PHASE_SUCCEEDED), c = fresh(), d = hostile();
    const struct sweep_report *const list[] = {&a, &b, &c, &d};
    for (unsigned all = 0; all < 2; all++) {
        for (size_t w = 0; w < DS_COUNT(WIDTHS); w++) {
            char name[64];
            ds_auto_buf out;
            ds_auto_arena arena = arena_create(1u << 20);
            buf_init(&out, 1u << 20);
            sweep_report_put_list(list, 4, all, NOW, WIDTHS[w], arena, &out);
            (void)snprintf(name, sizeof name, "list-%u%s.txt", WIDTHS[w], all ? "-all" : "");
            expect_golden(name, &out);
            if (WIDTHS[w] > 0)
                expect_within(&out, WIDTHS[w], name);
        }
    }
}

Test(sweep_report, ages_are_as_kubectl_prints_them)
{
    static const struct {
        int64_t s;
        const char *text;
    } ROWS[] = {{-5, "0s"},
                {0, "0s"},
                {119, "119s"},
                {120, "2m"},
                {155, "2m35s"},
                {599, "9m59s"},
                {600, "10m"},
                {3599, "59m"},
                {10799, "179m"},
                {10800, "3h"},
                {12000, "3h20m"},
                {30000, "8h"},
                {86400, "24h"},
                {172800, "2d"},
                {180000, "2d2h"},
                {864000, "10d"},
                {INT64_C(40000000), "462d"}};
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        char age[SWEEP_AGE_BYTES];
        sweep_report_age(ROWS[i].s, age);
        cr_expect_str_eq(age, ROWS[i].text, "%lld: %s", (long long)ROWS[i].s, age);
    }
}

Test(sweep_report, an_object_of_another_kind_or_version_is_refused_with_what_to_do)
{
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"{}", "no Sweep"},
        {"[]", "no Sweep"},
        {"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"x\"},\"spec\":{}}", "is a Pod"},
        {"{\"kind\":\"Sweep\",\"apiVersion\":\"decksweep.io/v2\",\"metadata\":{\"name\":\"x\"},"
         "\"spec\":{}}",
         "version decksweep.io/v2"},
        {"{\"kind\":\"Sweep\",\"metadata\":{},\"spec\":{}}", "without a name"},
        {"{\"kind\":\"Sweep\",\"metadata\":{\"name\":7},\"spec\":{}}", "without a name"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_json j = NULL;
        struct sweep_report r;
        struct ds_err err = {0};
        cr_assert_eq(json_parse(ds_span_of(ROWS[i].text), 1u << 16, &j, NULL), 0);
        cr_expect_eq(sweep_report_read(j, NULL, &r, &err), DS_EPARSE, "%s", ROWS[i].text);
        cr_expect(strstr(err.text, ROWS[i].says), "%s", err.text);
    }
}

Test(sweep_report, an_edit_that_the_controller_has_not_seen_is_no_end)
{
    struct sweep_report r = ended(PHASE_FAILED);
    cr_expect(sweep_report_is_final(&r));
    cr_expect_eq(sweep_report_exit(&r), 1);
    r.generation++;
    cr_expect_not(sweep_report_is_final(&r));
    cr_expect_eq(sweep_report_exit(&r), 0);
    struct sweep_report new = fresh();
    cr_expect_not(sweep_report_is_current(&new));
}

Test(sweep_report, the_exit_status_says_how_it_ended)
{
    static const struct {
        enum sweep_phase phase;
        uint32_t n_done;
        int status;
    } ROWS[] = {
        {PHASE_SUCCEEDED, 200, 0}, {PHASE_FAILED, 199, 1},   {PHASE_CANCELLED, 199, 1},
        {PHASE_CANCELLED, 200, 0}, {PHASE_REFUSED, 0, 2},    {PHASE_STALLED, 10, 3},
        {PHASE_RUNNING, 10, 0},    {PHASE_SUSPENDED, 10, 0}, {PHASE_PENDING, 0, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct sweep_report r = busy();
        r.status.phase = ROWS[i].phase;
        r.status.totals.n_done = ROWS[i].n_done;
        cr_expect_eq(sweep_report_exit(&r), ROWS[i].status, "%zu", i);
    }
}

Test(sweep_report, wishes_say_what_will_happen_and_patch_only_what_changes_something)
{
    static const struct {
        enum run_wish now, wish;
        enum sweep_phase phase;
        bool change;
        const char *says;
    } ROWS[] = {
        {RUN_ACTIVE, RUN_SUSPENDED, PHASE_RUNNING, true,
         "spe1-lhs -n team will be suspended: its workers end, and the cases that they have not "
         "finished wait; what is stored stays, at least 144 of 200 cases. `decksweep resume "
         "spe1-lhs -n "
         "team` goes on"},
        {RUN_ACTIVE, RUN_CANCELLED, PHASE_RUNNING, true, "will be cancelled"},
        {RUN_ACTIVE, RUN_ACTIVE, PHASE_RUNNING, false, "neither suspended nor cancelled (Running)"},
        {RUN_SUSPENDED, RUN_SUSPENDED, PHASE_SUSPENDED, false, "is suspended already"},
        {RUN_SUSPENDED, RUN_SUSPENDED, PHASE_RUNNING, false, "is being suspended already"},
        {RUN_SUSPENDED, RUN_CANCELLED, PHASE_SUSPENDED, true, "will be cancelled"},
        {RUN_SUSPENDED, RUN_ACTIVE, PHASE_SUSPENDED, true,
         "spe1-lhs -n team goes on: a census looks at what is there, then 75 of 200 cases run"},
        {RUN_CANCELLED, RUN_ACTIVE, PHASE_CANCELLED, true, "goes on"},
        {RUN_CANCELLED, RUN_CANCELLED, PHASE_CANCELLED, false, "is cancelled already"},
        {RUN_ACTIVE, RUN_CANCELLED, PHASE_SUCCEEDED, false,
         "has ended (Succeeded): there is nothing to cancel"},
        {RUN_ACTIVE, RUN_SUSPENDED, PHASE_FAILED, false, "there is nothing to suspend"},
        {RUN_ACTIVE, RUN_SUSPENDED, PHASE_STALLED, true, "nothing new is started"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct sweep_report r = busy();
        ds_auto_buf out;
        buf_init(&out, 4096);
        r.run = ROWS[i].now;
        r.status.phase = ROWS[i].phase;
        if (ROWS[i].phase != PHASE_RUNNING)
            r.status.step.kind = STEP_NONE;
        cr_expect_eq(sweep_report_plan_wish(&r, ROWS[i].wish, &out), ROWS[i].change, "%zu", i);
        cr_expect(strstr(out.data, ROWS[i].says), "%zu: %s", i, out.data);
    }
}

Test(sweep_report, a_wish_is_obeyed_when_the_controller_has_seen_it_and_acted)
{
    struct sweep_report r = busy();
    cr_expect(sweep_report_obeys(&r, RUN_ACTIVE));
    cr_expect_not(sweep_report_obeys(&r, RUN_SUSPENDED));
    r.status.phase = PHASE_SUSPENDED;
    cr_expect(sweep_report_obeys(&r, RUN_SUSPENDED));
    cr_expect_not(sweep_report_obeys(&r, RUN_ACTIVE));
    cr_expect_not(sweep_report_obeys(&r, RUN_CANCELLED));
    r.generation++; /* the patch, before the controller saw it */
    cr_expect_not(sweep_report_obeys(&r, RUN_SUSPENDED));
    r.generation--;
    r.status.phase = PHASE_SUCCEEDED; /* it ended first */
    cr_expect(sweep_report_obeys(&r, RUN_CANCELLED));
}

Test(sweep_report, rate_and_time_left_come_from_the_round_under_way)
{
    struct sweep_report r = busy();
    cr_expect_float_eq(sweep_report_rate(&r, NOW), 25.0 / 300, 1e-9);
    cr_expect_eq(sweep_report_eta_ms(&r, NOW), 600000);
    r.status.live_ok = r.status.live_failed = 0;
    cr_expect_lt(sweep_report_rate(&r, NOW), 0);
    cr_expect_eq(sweep_report_eta_ms(&r, NOW), -1);
    r = busy();
    r.status.step.started_s = NOW + 5; /* clocks differ */
    cr_expect_lt(sweep_report_rate(&r, NOW), 0);
    r = busy();
    r.status.step.ended_s = NOW;
    cr_expect_lt(sweep_report_rate(&r, NOW), 0);
}

Test(sweep_report, the_live_view_takes_counts_and_never_more_than_there_are)
{
    struct sweep_report r = busy();
    struct display_counts c;
    char note[EVENT_TEXT_BYTES];
    r.status.live_ok = 5000;
    sweep_report_counts(&r, note, &c);
    cr_expect_eq(c.n_total, 200);
    cr_expect_eq(c.n_done, 200);
    cr_expect_eq(c.n_failed, 4);
    cr_expect(strstr(note, "Running: 0/3 nodes"), "%s", note);
    struct sweep_report new = fresh();
    sweep_report_counts(&new, note, &c);
    cr_expect_eq(c.n_total, 0);
    cr_expect(strstr(note, "has not looked at it yet"), "%s", note);
}
