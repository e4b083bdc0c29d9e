/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"
#include "decksweep/sweep_status.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct sweep_status full_status(void)
{
    struct sweep_status s;
    memset(&s, 0, sizeof s);
    s.phase = PHASE_RUNNING;
    s.observed_generation = 7;
    strcpy(s.spec_hash, "0123456789abcdef");
    strcpy(s.edit_hash, "fedcba9876543210");
    strcpy(s.once_done, "a1");
    strcpy(s.plan_digest, "00112233445566ff");
    strcpy(s.message, "waits for \"room\"\n");
    s.totals = (struct census_totals){.n_rows = 200,
                                      .n_done = 12,
                                      .n_failed = 3,
                                      .n_keys = 17,
                                      .n_outstanding = 185,
                                      .stored_bytes = 1u << 30};
    s.totals.n_failed_by[VERDICT_TIMEOUT] = 3;
    s.max_failed = 0;
    s.step.kind = STEP_ROUND;
    s.step.number = 4;
    s.step.n_jobs = 2;
    s.step.started_s = 1795264211;
    for (int i = 0; i < 2; i++) {
        snprintf(s.step.job[i].name, sizeof s.step.job[i].name, "spe1-00112233-r4-%d", i);
        s.step.job[i].outcome = i ? JOB_ACTIVE : JOB_VANISHED;
        s.step.job[i].shape = (struct census_shape){.first_index = (uint32_t)i * 3,
                                                    .n_chunks = 3,
                                                    .n_cases = 90,
                                                    .deadline_s = 9000,
                                                    .pod = {.cpus = 8,
                                                            .mem_bytes = 4ull << 30,
                                                            .scratch_bytes = 1u << 30,
                                                            .slots = 8,
                                                            .shm_bytes = 1u << 26}};
    }
    s.n_rounds = 1;
    s.rounds[0] = (struct round_line){.number = 4,
                                      .n_cases = 180,
                                      .n_chunks = 6,
                                      .n_shapes = 2,
                                      .keys_before = 17,
                                      .started_s = 1795264211};
    s.cond[COND_SCHEDULABLE] = (struct sweep_condition){
        .status = 'F', .reason = "Unschedulable", .message = "0/1 nodes", .since_s = 1795264212};
    s.core_seconds = 1234.5;
    s.wants_census = true;
    return s;
}

Test(sweep_status, comes_back_as_it_was_written)
{
    struct sweep_status was = full_status(), is;
    struct ds_err err;
    ds_auto_buf text;
    buf_init(&text, 1u << 20);
    cr_assert_eq(sweep_status_encode(&was, &text, &err), 0, "%s", err.text);
    ds_auto_json j = NULL;
    cr_assert_eq(json_parse(buf_span(&text), 1u << 20, &j, &err), 0, "%s", err.text);
    sweep_status_decode(j, &is);
    cr_assert_eq(memcmp(&was, &is, sizeof is), 0, "%s", text.data);
}

Test(sweep_status, shows_progress_and_leaves_out_what_is_not_known)
{
    struct sweep_status s = full_status();
    ds_auto_buf text;
    buf_init(&text, 1u << 20);
    cr_assert_eq(sweep_status_encode(&s, &text, NULL), 0);
    cr_assert_not_null(strstr(text.data, "\"progress\":\"12/200\""));
    cr_assert_null(strstr(text.data, "ended"));
}

Test(sweep_status, of_a_sweep_without_one_is_pending_without_a_bound_on_failures)
{
    struct sweep_status s;
    sweep_status_decode(NULL, &s);
    cr_assert_eq(s.phase, PHASE_PENDING);
    cr_assert_eq(s.max_failed, -1);
}

static struct census_report round_report(void)
{
    struct census_report r;
    memset(&r, 0, sizeof r);
    r.outcome = CENSUS_ROUND;
    r.round = 3;
    r.max_failed = -1;
    r.n_shapes = CENSUS_MAX_SHAPES;
    strcpy(r.plan_digest, "00112233445566ff");
    strcpy(r.decksweep, "0.1.0");
    for (uint32_t i = 0; i < r.n_shapes; i++)
        r.shape[i] = (struct census_shape){.first_index = i * 2000,
                                           .n_chunks = 2000,
                                           .n_cases = 4000000000u,
                                           .deadline_s = 4000000000u,
                                           .pod = {.cpus = 4096,
                                                   .mem_bytes = 1ull << 50,
                                                   .scratch_bytes = 1ull << 50,
                                                   .shm_bytes = 1ull << 40,
                                                   .slots = 4096}};
    return r;
}

Test(census_report, the_largest_round_fits_a_termination_message)
{
    struct census_report was = round_report(), is;
    struct ds_err err;
    ds_auto_buf text;
    buf_init(&text, 1u << 20);
    memset(was.text, '\n', sizeof was.text - 1); /* JSON doubles it */
    cr_assert_eq(census_report_encode(&was, &text, &err), 0, "%s", err.text);
    cr_assert_leq(text.len, CENSUS_REPORT_BYTES);
    cr_assert_eq(census_report_decode(buf_span(&text), &is, &err), 0, "%s", err.text);
    cr_assert_eq(is.n_shapes, CENSUS_MAX_SHAPES);
    cr_assert_eq(memcmp(was.shape, is.shape, sizeof is.shape), 0);
}

Test(census_report, refuses_what_no_census_writes)
{
    static const char *const BAD[] = {
        "",
        "{}",
        "[]",
        "{\"outcome\":\"else\"}",
        "{\"outcome\":\"round\"}",
        "{\"outcome\":\"round\",\"round\":1,\"shapes\":[{}]}",
        "{\"outcome\":\"finished\",\"plan\":\"../../etc\"}",
        "{\"outcome\":\"round\",\"round\":1,\"shapes\":[{\"chunks\":1,\"cpus\":1,\"memoryBytes\":1,"
        "\"firstIndex\":5}]}",
        "simulator died\n",
    };
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        struct census_report r;
        struct ds_err err;
        cr_assert_lt(census_report_decode(ds_span_of(BAD[i]), &r, &err), 0, "%s", BAD[i]);
    }
}
