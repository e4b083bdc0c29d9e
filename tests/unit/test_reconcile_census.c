/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What follows from a census: its outcomes, and when there is none. */
#include "reconcile_fixture.h"

Test(reconcile_census, each_outcome_has_its_phase)
{
    static const struct {
        enum census_outcome outcome;
        uint32_t n_done, n_failed;
        enum sweep_phase phase;
        const char *event;
    } CASES[] = {
        {CENSUS_FINISHED, 10, 0, PHASE_SUCCEEDED, "Succeeded"},
        {CENSUS_FINISHED, 8, 2, PHASE_FAILED, "CasesFailed"},
        {CENSUS_FINISHED, 8, 0, PHASE_FAILED, "CasesFailed"}, /* two do not fit here */
        {CENSUS_STOPPED, 5, 3, PHASE_FAILED, "MaxFailed"},
        {CENSUS_DECISION, 5, 0, PHASE_PENDING, "DecisionNeeded"},
        {CENSUS_REFUSED, 0, 0, PHASE_REFUSED, "Refused"},
        {CENSUS_TROUBLE, 0, 0, PHASE_PLANNING, "CensusFailed"},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct world *w = in_census();
        struct census_report r = report(CASES[i].outcome);
        r.totals.n_done = CASES[i].n_done;
        r.totals.n_failed = CASES[i].n_failed;
        snprintf(r.text, sizeof r.text, "the words");
        add_report(w, &r);
        go(w);
        cr_expect_eq(w->out.status.phase, CASES[i].phase, "%zu: %s", i,
                     sweep_phase_name(w->out.status.phase));
        cr_expect(said(w, CASES[i].event), "%zu", i);
        cr_expect(strstr(w->out.status.message, "the words") != NULL, "%zu: %s", i,
                  w->out.status.message);
        cr_expect(w->out.urgent);
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u, "%zu", i);
        cr_expect_eq(sweep_phase_is_final(w->out.status.phase), w->out.status.ended_s == NOW, "%zu",
                     i);
    }
}

Test(reconcile_census, no_round_is_made_of_a_report_that_passes_the_administrators_limits)
{
    static const struct {
        uint32_t max_chunks, n_chunks[2];
        uint64_t mem_bytes;
        bool good;
    } CASES[] = {
        {100, {60, 40}, 0, true},       {100, {60, 41}, 0, false},
        {0, {4000, 96}, 0, true},       {0, {4000, 97}, 0, false},
        {0, {UINT32_MAX, 1}, 0, false}, {1, {1, 1}, 0, true}, /* one each is the least */
        {100, {1, 1}, 1u << 30, true},  {100, {1, 1}, (1u << 30) - 1, false},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct world *w = in_census();
        struct census_report r = report(CENSUS_ROUND);
        r.round = 1;
        add_shape(&r, CASES[i].n_chunks[0]);
        add_shape(&r, CASES[i].n_chunks[1]);
        w->limits.pods.max_chunks = CASES[i].max_chunks;
        w->limits.pods.worker_mem_bytes = CASES[i].mem_bytes;
        add_report(w, &r);
        go(w);
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), CASES[i].good ? 2u : 0u, "%zu", i);
        cr_expect_eq(w->out.status.census_tries, CASES[i].good ? 0u : 1u, "%zu", i);
        cr_expect_eq(strstr(w->out.status.message, "decksweep-limits") != NULL, !CASES[i].good,
                     "%zu: %s", i, w->out.status.message);
    }
}

Test(reconcile_census, without_report_it_comes_again_later_and_later_and_stalls_at_six)
{
    static const int64_t WAITS[] = {10, 20, 40, 80, 160};
    struct world *w = in_census();
    for (unsigned i = 0; i < 6; i++) {
        struct job_view *j = job_of(w, 0);
        j->failed = true;
        j->reason = "BackoffLimitExceeded";
        j->message = "it failed";
        go(w);
        perform(w);
        cr_expect_eq(w->out.status.census_tries, i + 1);
        if (i == 5)
            break;
        cr_expect_eq(w->out.wake_s, w->now_s + WAITS[i], "%u", i);
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
        cr_expect(strstr(w->out.status.message, "it failed") != NULL);
        w->now_s += WAITS[i] - 1;
        go(w);
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
        w->now_s += 1;
        go(w);
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u, "%u", i);
        perform(w);
        go(w);
    }
    cr_expect_eq(w->sweep.status.phase, PHASE_STALLED);
    cr_expect_eq(w->sweep.status.cond[COND_STALLED].status, 'T');
    cr_expect(strstr(w->sweep.status.message, "it failed") != NULL);
    w->now_s += 10000;
    go(w);
    cr_expect_eq(w->out.n_actions, 0u);
    memset(w->sweep.edit_hash, 'f', 16);
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u, "an edit revives it");
    cr_expect_eq(w->out.status.census_tries, 0u);
}

Test(reconcile_census, a_wait_written_by_a_clock_that_was_wrong_is_no_wait)
{
    struct world *w = new_world();
    w->sweep.status.not_before_s = NOW + 86400;
    memcpy(w->sweep.status.spec_hash, w->sweep.spec_hash, 17);
    memcpy(w->sweep.status.edit_hash, w->sweep.edit_hash, 17);
    w->sweep.status.wants_census = true;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u);
}

Test(reconcile_census, the_report_counts_before_the_job_says_complete)
{
    struct world *w = in_census();
    struct census_report f = report(CENSUS_FINISHED);
    add_report(w, &f);
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_SUCCEEDED);
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 0u);
    cr_expect_eq(count_actions(w, ACT_SET_TTL), 0u);
    w->job[0].complete = true;
    go(w);
    cr_assert_eq(count_actions(w, ACT_SET_TTL), 1u, "its outcome is in the status");
    cr_expect_eq(action_of(w, ACT_SET_TTL, 0)->number, 3600);
    perform(w);
    go(w);
    cr_expect_eq(w->out.n_actions, 0u);
}

Test(reconcile_census, a_complete_job_whose_pod_is_not_seen_waits_half_a_minute)
{
    struct world *w = in_census();
    job_of(w, 0)->complete = true;
    job_of(w, 0)->completed_indexes = "0";
    go(w);
    cr_expect_eq(w->out.status.step.ended_s, 0);
    cr_expect_eq(w->out.wake_s, NOW + 30);
    w->now_s += 30;
    go(w);
    cr_expect_eq(w->out.status.census_tries, 1u);
    cr_expect(strstr(w->out.status.message, "went away") != NULL);
}

Test(reconcile_census, a_pod_that_left_no_report_or_a_broken_one_is_no_report)
{
    static const char *const MESSAGES[] = {"", "not JSON", "{\"outcome\":\"round\"}"};
    for (size_t i = 0; i < DS_COUNT(MESSAGES); i++) {
        struct world *w = in_census();
        add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED)->message = MESSAGES[i];
        go(w);
        cr_expect_eq(w->out.status.census_tries, 1u, "%zu", i);
        cr_expect(strstr(w->out.status.message, "report") != NULL, "%s", w->out.status.message);
    }
}

Test(reconcile_census, words_tell_why_its_pods_died)
{
    static const struct {
        int exit_code;
        bool oom;
        const char *why, *says;
    } CASES[] = {
        {137, true, "", "out of memory"},
        {76, false, "", "store"},
        {77, false, "", "simulator"},
        {1, false, "The node was low on resource: ephemeral-storage", "ephemeral-storage"},
        {139, false, "", "signal"},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct world *w = in_census();
        struct pod_view *p = add_pod(w, job_of(w, 0), 0, POD_FAILED);
        p->exit_code = CASES[i].exit_code;
        p->oom_killed = CASES[i].oom;
        p->why = CASES[i].why;
        job_of(w, 0)->failed = true;
        go(w);
        cr_expect(strstr(w->out.status.message, CASES[i].says) != NULL, "%s",
                  w->out.status.message);
    }
}

Test(reconcile_census, one_whose_node_is_gone_is_given_up)
{
    struct world *w = in_census();
    struct pod_view *p = add_pod(w, job_of(w, 0), 0, POD_RUNNING);
    p->deleting = true;
    p->grace_s = 30;
    go(w);
    cr_expect_eq(w->out.wake_s, NOW + 90);
    w->now_s += 90;
    go(w);
    cr_expect_eq(w->out.status.census_tries, 1u);
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 1u);
}

Test(reconcile_census, three_rounds_without_a_new_key_stall_with_the_last_words)
{
    struct world *w = in_round(1);
    for (unsigned i = 1; i <= 3; i++) {
        struct job_view *j = job_of(w, 0);
        j->failed = j->failure_target = true;
        j->reason = "PodFailurePolicy";
        j->message = "exit code 77";
        go(w);
        cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
        perform(w);
        go(w);
        w->n_pods = w->n_messages = 0;
        struct census_report r = report(CENSUS_ROUND);
        r.round = i + 1;
        add_shape(&r, 1);
        add_report(w, &r);
        go(w);
        perform(w);
        cr_expect_eq(w->out.status.idle_rounds, i);
        cr_expect_eq(w->out.status.phase, i < 3 ? PHASE_RUNNING : PHASE_STALLED);
        go(w);
        perform(w);
    }
    cr_expect(strstr(w->sweep.status.message, "exit code 77") != NULL, "%s",
              w->sweep.status.message);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
}

Test(reconcile_census, rounds_that_bring_something_or_were_stopped_are_not_idle)
{
    static const struct {
        uint64_t keys;
        const char *outcome;
        uint32_t idle;
    } CASES[] = {{5, "Complete", 0}, {0, "Complete", 3}, {0, "Suspended", 0}, {0, "Edited", 0}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct world *w = in_census();
        w->sweep.status.idle_rounds = 2;
        w->sweep.status.n_rounds = 1;
        snprintf(w->sweep.status.rounds[0].plan_digest, PLAN_DIGEST_BYTES, "%s", PLAN);
        snprintf(w->sweep.status.rounds[0].outcome, STATUS_REASON_BYTES, "%s", CASES[i].outcome);
        struct census_report r = report(CENSUS_ROUND);
        r.round = 2;
        r.totals.n_keys = CASES[i].keys;
        add_shape(&r, 1);
        add_report(w, &r);
        go(w);
        cr_expect_eq(w->out.status.idle_rounds, CASES[i].idle, "%zu", i);
    }
}

Test(reconcile_census, another_version_in_the_agent_image_is_said)
{
    struct world *w = in_census();
    struct census_report r = report(CENSUS_FINISHED);
    snprintf(r.decksweep, sizeof r.decksweep, "0.3.9");
    add_report(w, &r);
    go(w);
    cr_expect(said(w, "VersionSkew"));
}

Test(reconcile_census, only_the_newest_rounds_are_remembered)
{
    struct world *w = in_round(1);
    for (uint32_t i = 2; i < 12; i++) {
        add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED);
        go(w);
        w->n_jobs = w->n_texts = w->n_pods = w->n_messages = 0;
        perform(w);
        go(w);
        struct census_report r = report(CENSUS_ROUND);
        r.round = i;
        r.totals.n_keys = i;
        add_shape(&r, 1);
        add_report(w, &r);
        go(w);
        perform(w);
        go(w);
    }
    cr_expect_eq(w->sweep.status.n_rounds, STATUS_MAX_ROUNDS);
    cr_expect_eq(w->sweep.status.rounds[0].number, 4u);
    cr_expect_eq(w->sweep.status.rounds[7].number, 11u);
}

Test(reconcile_census, texts_are_cut_at_whole_characters_and_never_differ_when_they_come_back)
{
    struct world *w = in_census();
    struct census_report r = report(CENSUS_REFUSED);
    size_t n = 0;
    while (n + 3 < sizeof r.text) {
        memcpy(r.text + n, "\xe2\x82\xac", 3);
        n += 3;
    }
    struct pod_view *p = add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED);
    ds_auto_buf text;
    buf_init(&text, 8192);
    cr_assert_eq(census_report_encode(&r, &text, NULL), 0);
    p->message = text.data;
    go(w);
    const char *m = w->out.status.message;
    cr_assert_leq(strlen(m), STATUS_TEXT_BYTES - 1);
    cr_expect_eq((strlen(m) - 3) % 3, 0u);
    cr_expect_str_eq(m + strlen(m) - 3, "...");
}
