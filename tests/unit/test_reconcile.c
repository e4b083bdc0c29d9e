/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of a sweep, and what users do to it. */
#include "reconcile_fixture.h"

Test(reconcile, a_sweep_goes_census_round_census_and_succeeds)
{
    struct world *w = new_world();
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_PLANNING);
    cr_expect(w->out.status_changed && w->out.urgent && w->out.fence);
    cr_assert_eq(count_actions(w, ACT_CREATE_JOB), 1u);
    cr_expect_str_eq(action_of(w, ACT_CREATE_JOB, 0)->name, "spe1-aaaaaaaa-c1");
    perform(w);
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
    cr_expect_str_eq(w->sweep.status.step.job[0].uid, "uid-1");
    struct census_report r = report(CENSUS_ROUND);
    r.round = 1;
    add_shape(&r, 3);
    add_shape(&r, 2);
    add_report(w, &r);
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_RUNNING);
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 0u, "the census Job ends by itself");
    cr_assert_eq(count_actions(w, ACT_CREATE_JOB), 2u);
    cr_expect_str_eq(action_of(w, ACT_CREATE_JOB, 1)->name, "spe1-00112233-r1-1");
    cr_expect_eq(action_of(w, ACT_CREATE_JOB, 1)->job, 1u);
    cr_expect(said(w, "RoundStarted"));
    perform(w);
    go(w);
    for (int64_t i = 0; i < 3; i++)
        add_pod(w, job_of(w, 0), i, POD_SUCCEEDED);
    go(w);
    cr_expect_eq(w->sweep.status.step.job[0].outcome, JOB_COMPLETE);
    cr_expect_eq(w->sweep.status.step.kind, STEP_ROUND, "the other shape is not done");
    job_of(w, 1)->completed_indexes = "0,1";
    go(w);
    cr_expect_eq(w->sweep.status.step.kind, STEP_CENSUS);
    cr_expect_eq(w->sweep.status.rounds[0].ended_s, NOW);
    cr_expect_str_eq(w->sweep.status.rounds[0].outcome, "Complete");
    cr_expect_str_eq(action_of(w, ACT_CREATE_JOB, 0)->name, "spe1-aaaaaaaa-c2");
    perform(w);
    go(w);
    struct census_report f = report(CENSUS_FINISHED);
    add_report(w, &f);
    go(w);
    cr_expect_eq(w->sweep.status.phase, PHASE_SUCCEEDED);
    cr_expect_eq(w->sweep.status.cond[COND_COMPLETE].status, 'T');
    cr_expect(w->sweep.status.collected);
    cr_expect(said(w, "Succeeded"));
}

Test(reconcile, a_quiet_sweep_causes_nothing)
{
    struct world *w = in_round(3);
    add_pod(w, job_of(w, 0), 0, POD_RUNNING);
    go(w);
    for (int i = 0; i < 3; i++) {
        w->now_s += 1000;
        go(w);
        cr_expect_not(w->out.status_changed);
        cr_expect_not(w->out.fence);
        cr_expect_eq(w->out.n_actions, 0u);
    }
}

/* ---- edits ---- */

Test(reconcile, another_spec_in_mid_round_deletes_its_jobs_and_plans_again)
{
    struct world *w = in_round(3);
    struct pod_view *p = add_pod(w, job_of(w, 0), 0, POD_RUNNING);
    p->started_s = NOW - 100;
    memset(w->sweep.spec_hash, 'b', 16);
    w->sweep.generation = 2;
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
    cr_expect_eq(w->out.status.phase, PHASE_PLANNING);
    cr_expect_str_eq(action_of(w, ACT_DELETE_JOB, 0)->name, "spe1-00112233-r1-0");
    cr_expect_str_eq(action_of(w, ACT_CREATE_JOB, 0)->name, "spe1-bbbbbbbb-c2");
    cr_expect_str_eq(w->out.status.plan_digest, "");
    cr_expect_str_eq(w->out.status.rounds[0].outcome, "Edited");
    cr_expect_eq(w->out.status.core_seconds, 200.0, "what the old pods used is not forgotten");
    cr_expect_eq(w->out.status.observed_generation, 2);
    cr_expect(said(w, "Edited"));
}

Test(reconcile, another_edit_in_mid_round_waits_for_its_end)
{
    struct world *w = in_round(1);
    memset(w->sweep.edit_hash, 'f', 16);
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_ROUND);
    cr_expect(w->out.status.wants_census);
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 0u);
    add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED);
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
    cr_expect_not(w->out.status.wants_census);
}

static struct world *ended(enum census_outcome outcome)
{
    struct world *w = in_census();
    struct census_report r = report(outcome);
    snprintf(r.text, sizeof r.text, "the words");
    add_report(w, &r);
    go(w);
    perform(w);
    return w;
}

Test(reconcile, an_edit_of_what_has_ended_looks_again_at_once)
{
    static const enum census_outcome ENDS[] = {CENSUS_FINISHED, CENSUS_STOPPED, CENSUS_REFUSED,
                                               CENSUS_DECISION};
    for (size_t i = 0; i < DS_COUNT(ENDS); i++) {
        struct world *w = ended(ENDS[i]);
        w->now_s += 100;
        go(w);
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
        memset(w->sweep.edit_hash, 'f', 16);
        go(w);
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u, "%d", ENDS[i]);
        cr_expect_str_eq(w->out.status.step.job[0].name, "spe1-aaaaaaaa-c2");
        cr_expect_eq(w->out.status.ended_s, 0);
        cr_expect_eq(w->out.status.cond[COND_COMPLETE].status, 'F');
    }
}

Test(reconcile, a_stored_bundle_stays_stored_when_an_edit_keeps_it)
{
    struct world *w = new_world();
    w->sweep.deck_owned = true;
    go(w);
    perform(w);
    go(w);
    struct census_report f = report(CENSUS_FINISHED);
    add_report(w, &f);
    go(w);
    cr_expect_eq(count_actions(w, ACT_DELETE_BUNDLE), 1u);
    cr_expect_str_eq(action_of(w, ACT_DELETE_BUNDLE, 0)->name, "spe1-0123456789abcdef");
    w->sweep.deck_present = w->sweep.deck_owned = false;
    go(w);
    cr_expect_eq(count_actions(w, ACT_DELETE_BUNDLE), 0u);
    memset(w->sweep.spec_hash, 'b', 16);
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u, "kubectl edit brings no bundle");
    w->sweep.deck_name = "spe1-ffffffffffffffff";
    memset(w->sweep.spec_hash, 'c', 16);
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u, "another deck must come first");
    cr_expect_eq(w->out.status.cond[COND_BUNDLE_READY].status, 'F');
    cr_expect(strstr(w->out.status.message, "spe1-ffffffffffffffff") != NULL);
}

Test(reconcile, another_store_needs_the_deck_again_and_begins_anew)
{
    struct world *w = ended(CENSUS_FINISHED);
    memset(w->sweep.status.store_hash, 'd', 16);
    memset(w->sweep.store_hash, 'e', 16);
    memset(w->sweep.edit_hash, 'f', 16);
    w->sweep.deck_present = false;
    go(w);
    cr_expect_not(w->out.status.bundle_stored, "the old store has it, the new one has not");
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
    cr_expect_eq(w->out.status.cond[COND_BUNDLE_READY].status, 'F');
    w->sweep.deck_present = true;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u);
    cr_expect_eq(count_actions(w, ACT_DELETE_BUNDLE), 0u);
    cr_expect_eq(w->out.status.totals.n_done, 0u);
}

Test(reconcile, the_status_of_an_older_controller_which_knew_no_store_hash_is_no_edit)
{
    struct world *w = ended(CENSUS_FINISHED);
    memset(w->sweep.store_hash, 'e', 16);
    memset(w->sweep.status.store_hash, 0, sizeof w->sweep.status.store_hash);
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_SUCCEEDED);
    cr_expect(w->out.status.bundle_stored);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
    cr_expect_str_eq(w->out.status.store_hash, w->sweep.store_hash, "known from now on");
    memset(w->sweep.store_hash, 'f', 16);
    go(w);
    cr_expect_not(w->out.status.bundle_stored, "now it is another one");
}

Test(reconcile, a_deck_that_somebody_wrote_by_hand_is_never_deleted)
{
    struct world *w = ended(CENSUS_FINISHED);
    cr_expect(w->sweep.status.bundle_stored);
    go(w);
    cr_expect_eq(count_actions(w, ACT_DELETE_BUNDLE), 0u);
}

/* ---- run, once, deletion ---- */

Test(reconcile, suspended_and_cancelled_delete_jobs_and_active_again_is_a_census)
{
    static const struct {
        enum run_wish wish;
        enum sweep_phase phase;
        const char *outcome;
    } CASES[] = {{RUN_SUSPENDED, PHASE_SUSPENDED, "Suspended"},
                 {RUN_CANCELLED, PHASE_CANCELLED, "Cancelled"}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct world *w = in_round(3);
        w->sweep.run = CASES[i].wish;
        go(w);
        cr_expect_eq(w->out.status.phase, CASES[i].phase);
        cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 1u);
        cr_expect_str_eq(w->out.status.rounds[0].outcome, CASES[i].outcome);
        cr_expect(said(w, CASES[i].outcome));
        perform(w);
        go(w);
        cr_expect_eq(w->out.n_actions, 0u);
        w->sweep.run = RUN_ACTIVE;
        go(w);
        cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
        cr_expect_str_eq(w->out.status.step.stopped, "", "the census is not told to stop");
        cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u);
        cr_expect(said(w, "Resumed"));
    }
}

Test(reconcile, a_sweep_that_was_born_suspended_starts_nothing)
{
    struct world *w = new_world();
    w->sweep.run = RUN_SUSPENDED;
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_SUSPENDED);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
    w->sweep.run = RUN_CANCELLED;
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_CANCELLED);
}

Test(reconcile, what_has_ended_stays_so_under_suspend_and_cancel)
{
    struct world *w = ended(CENSUS_FINISHED);
    w->sweep.run = RUN_CANCELLED;
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_SUCCEEDED);
    w->sweep.run = RUN_ACTIVE;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
}

Test(reconcile, a_once_token_is_obeyed_by_one_census_that_reports)
{
    struct world *w = ended(CENSUS_DECISION);
    cr_expect_eq(w->sweep.status.phase, PHASE_PENDING);
    cr_expect_eq(w->sweep.status.cond[COND_DECISION_NEEDED].status, 'T');
    cr_expect_str_eq(w->sweep.status.cond[COND_DECISION_NEEDED].message, "the words");
    w->sweep.once_token = "t1";
    memset(w->sweep.edit_hash, 'f', 16);
    go(w);
    cr_expect_str_eq(w->out.status.step.once, "t1");
    cr_expect_eq(w->out.status.cond[COND_DECISION_NEEDED].status, 'F');
    perform(w);
    go(w);
    struct census_report trouble = report(CENSUS_TROUBLE), good = report(CENSUS_FINISHED);
    add_report(w, &trouble);
    go(w);
    cr_expect_str_eq(w->out.status.once_done, "", "not yet: it could not do it");
    w->now_s += 100;
    go(w);
    perform(w);
    go(w);
    cr_expect_str_eq(w->out.status.step.once, "t1");
    add_report(w, &good);
    go(w);
    cr_expect_str_eq(w->out.status.once_done, "t1");
    memset(w->sweep.edit_hash, 'g', 16);
    go(w);
    cr_expect_str_eq(w->out.status.step.once, "", "once a token");
}

Test(reconcile, a_deleted_sweep_is_left_to_the_garbage_collector)
{
    struct world *w = in_round(3);
    w->sweep.deleting = true;
    w->sweep.run = RUN_SUSPENDED;
    go(w);
    cr_expect(w->out.n_actions == 0 && !w->out.status_changed && !w->out.fence);
}

/* ---- what keeps it from starting ---- */

Test(reconcile, waits_for_deck_claim_and_turn_and_says_so)
{
    struct world *w = new_world();
    w->sweep.deck_present = false;
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_PENDING);
    cr_expect_eq(w->out.status.cond[COND_BUNDLE_READY].status, 'F');
    cr_expect_str_eq(w->out.status.message, "waits for ConfigMap spe1-0123456789abcdef");
    w->sweep.deck_present = true;
    w->sweep.claim_missing = true;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
    cr_expect_str_eq(w->out.status.cond[COND_SCHEDULABLE].reason, "NoClaim");
    w->sweep.claim_missing = false;
    w->limits.max_sweeps_active = 2;
    w->sweeps_ahead = 2;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
    cr_expect_str_eq(w->out.status.cond[COND_SCHEDULABLE].reason, "TooManySweeps");
    cr_expect_gt(w->out.wake_s, NOW);
    w->sweeps_ahead = 1;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'T');
    w->sweeps_ahead = 5;
    perform(w);
    go(w);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'T', "it has its turn until it ends");
}

Test(reconcile, a_sweep_without_deck_from_says_who_writes_it)
{
    struct world *w = new_world();
    w->sweep.deck_source = DECK_NONE;
    go(w);
    cr_expect(strstr(w->out.status.message, "decksweep submit") != NULL);
}

Test(reconcile, turns_go_to_the_active_and_then_to_the_oldest)
{
    struct sweep_view v[4];
    const struct sweep_view *all[4] = {&v[0], &v[1], &v[2], &v[3]};
    for (int i = 0; i < 4; i++) {
        v[i] = new_world()->sweep;
        v[i].created_s = 100 + i;
        v[i].uid = "u";
    }
    v[0].status.phase = PHASE_RUNNING;
    v[1].deck_present = false; /* it could not use its turn */
    cr_expect_eq(reconcile_sweeps_ahead(all, 4, 2), 1u);
    cr_expect_eq(reconcile_sweeps_ahead(all, 4, 3), 2u);
    v[2].run = RUN_SUSPENDED;
    cr_expect_eq(reconcile_sweeps_ahead(all, 4, 3), 1u);
    v[0].status.phase = PHASE_SUCCEEDED;
    memcpy(v[0].status.spec_hash, v[0].spec_hash, sizeof v[0].spec_hash);
    cr_expect_eq(reconcile_sweeps_ahead(all, 4, 3), 0u);
}

Test(reconcile, what_cannot_be_used_is_refused_until_an_edit_mends_it)
{
    struct world *w = in_round(2);
    w->sweep.refused = "results.store: write pvc://CLAIM/PATH";
    memset(w->sweep.edit_hash, 'f', 16);
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_REFUSED);
    cr_expect_str_eq(w->out.status.message, w->sweep.refused);
    cr_expect_eq(w->out.status.cond[COND_PLANNED].status, 'F');
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 1u);
    cr_expect(said(w, "Refused"));
    perform(w);
    go(w);
    cr_expect_eq(w->out.n_actions, 0u, "said once");
    w->sweep.refused = NULL;
    memset(w->sweep.edit_hash, 'e', 16);
    go(w);
    cr_expect_eq(w->out.status.phase, PHASE_RUNNING);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u);
}

Test(reconcile, words_of_a_refused_write_are_shown_until_it_is_good)
{
    struct world *w = new_world();
    go(w);
    w->trouble = "jobs.batch is forbidden: exceeded quota";
    go(w);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'F');
    cr_expect_str_eq(w->out.status.message, w->trouble);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u, "it is tried again");
    cr_expect(w->out.fence, "but not by an old view of the Sweep");
    perform(w);
    w->trouble = NULL;
    go(w);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'T');
}
