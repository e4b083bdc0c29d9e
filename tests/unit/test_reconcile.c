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
