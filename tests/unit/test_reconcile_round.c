/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rounds: how they end, index by index, and what pods that do not run have to say. */
#include "base/json.h"
#include "reconcile_fixture.h"

/* ---- how a round ends ---- */

enum what { NOTHING = 0, RUNS, WAITS, DONE, DIED, LEAVES };
struct index_case {
    const char *name;
    enum what index[3]; /* a pod of this index */
    int64_t age_s;      /* since its state was first seen */
    const char *completed, *failed;
    bool complete, job_failed, target;
    uint32_t parallelism, n_active;
    const char *why;
    enum job_outcome outcome;
    const char *says;
};

static const struct index_case ROUNDS[] = {
    {"all run", {RUNS, RUNS, RUNS}, 9999, "", "", 0, 0, 0, 3, 3, "", JOB_ACTIVE, ""},
    {"none started", {0}, 9999, "", "", 0, 0, 0, 3, 0, "", JOB_ACTIVE, ""},
    {"pods say done", {DONE, DONE, DONE}, 0, "", "", 0, 0, 0, 3, 3, "", JOB_COMPLETE, ""},
    {"the Job says done", {0}, 0, "0-2", "", 0, 0, 0, 3, 0, "", JOB_COMPLETE, ""},
    {"both together", {0, 0, DONE}, 0, "0,1", "", 0, 0, 0, 3, 1, "", JOB_COMPLETE, ""},
    {"complete", {0}, 0, "", "", 1, 0, 0, 3, 0, "", JOB_COMPLETE, ""},
    {"an absurd list", {0}, 0, "0-99999999999999999999", "", 0, 0, 0, 3, 0, "", JOB_COMPLETE, ""},
    {"no list", {0}, 0, "x,-,1-", "", 0, 0, 0, 3, 0, "", JOB_ACTIVE, ""},
    {"a failed index, others run", {RUNS, RUNS, 0}, 0, "", "2", 0, 0, 0, 3, 2, "", JOB_ACTIVE, ""},
    {"a failed index, others done",
     {DIED, 0, 0},
     0,
     "1,2",
     "0",
     0,
     0,
     0,
     3,
     0,
     "",
     JOB_ENDED,
     "1 of 3 workers failed twice: killed by a signal"},
    {"exit 77", {DIED, RUNS, RUNS}, 0, "", "", 0, 0, 1, 3, 2, "", JOB_ENDED, "PodFailurePolicy"},
    {"in back-off for a short time",
     {DIED, DONE, DONE},
     59,
     "",
     "",
     0,
     0,
     0,
     3,
     0,
     "",
     JOB_ACTIVE,
     ""},
    {"in back-off for long",
     {DIED, DONE, DONE},
     60,
     "",
     "",
     0,
     0,
     0,
     3,
     0,
     "",
     JOB_ENDED,
     "1 of 3 workers were given up"},
    {"in back-off for long, one runs",
     {DIED, RUNS, DONE},
     600,
     "",
     "",
     0,
     0,
     0,
     3,
     1,
     "",
     JOB_ACTIVE,
     ""},
    {"in back-off for long, one never began",
     {DIED, 0, DONE},
     600,
     "",
     "",
     0,
     0,
     0,
     3,
     1,
     "",
     JOB_ACTIVE,
     ""},
    {"leaves in time", {LEAVES, DONE, DONE}, 89, "", "", 0, 0, 0, 3, 1, "", JOB_ACTIVE, ""},
    {"node gone", {LEAVES, DONE, DONE}, 90, "", "", 0, 0, 0, 3, 1, "", JOB_ENDED, "given up"},
    {"node gone, one runs", {LEAVES, RUNS, DONE}, 600, "", "", 0, 0, 0, 3, 2, "", JOB_ACTIVE, ""},
    {"dead nodes have all places",
     {LEAVES, 0, 0},
     90,
     "",
     "",
     0,
     0,
     0,
     1,
     1,
     "",
     JOB_ENDED,
     "3 of 3 workers were given up"},
    {"its pods were deleted, back-off",
     {DONE, 0, 0},
     59,
     "",
     "",
     0,
     0,
     0,
     3,
     0,
     "",
     JOB_ACTIVE,
     ""},
    {"its pods were deleted, long",
     {DONE, 0, 0},
     60,
     "",
     "",
     0,
     0,
     0,
     3,
     0,
     "",
     JOB_ENDED,
     "2 of 3 workers were given up"},
    {"no quota for the rest",
     {DONE, 0, 0},
     600,
     "",
     "",
     0,
     0,
     0,
     3,
     0,
     "exceeded quota",
     JOB_ACTIVE,
     ""},
};

static void put_pods(struct world *w, const struct index_case *c)
{
    static const enum pod_phase PHASES[] = {0,          POD_RUNNING, POD_PENDING, POD_SUCCEEDED,
                                            POD_FAILED, POD_RUNNING};
    for (int64_t i = 0; i < 3; i++) {
        if (!c->index[i])
            continue;
        struct pod_view *p = add_pod(w, job_of(w, 0), i, PHASES[c->index[i]]);
        p->deleting = c->index[i] == LEAVES;
        p->grace_s = 30;
        p->delete_by_s = p->deleting ? NOW + 30 : 0;
        if (c->index[i] == DIED)
            p->exit_code = 137;
        p->seen_s = NOW;
        /* Clocks of nodes and API server are of no use: an hour behind, a day ahead. */
        p->ended_s = p->ended_s ? NOW - 3600 : 0;
        p->created_s = NOW + 86400;
    }
}

Test(reconcile_round, ends_when_every_index_is_settled_or_given_up)
{
    for (size_t i = 0; i < DS_COUNT(ROUNDS); i++) {
        const struct index_case *c = &ROUNDS[i];
        struct world *w = in_round(3);
        struct job_view *j = job_of(w, 0);
        put_pods(w, c);
        j->completed_indexes = c->completed;
        j->failed_indexes = c->failed;
        j->complete = c->complete;
        j->failed = c->job_failed;
        j->failure_target = c->target;
        j->reason = c->target ? "PodFailurePolicy" : "";
        j->n_active = c->n_active;
        j->parallelism = c->parallelism;
        j->why = c->why;
        w->sweep.has_queue = true; /* parallelism stays */
        w->now_s = NOW + c->age_s;
        go(w);
        bool over = w->out.status.step.kind == STEP_CENSUS;
        const struct round_line *line = &w->out.status.rounds[0];
        cr_expect_eq(over, c->outcome != JOB_ACTIVE, "%s", c->name);
        cr_expect_eq(line->ended_s != 0, over, "%s", c->name);
        if (over)
            cr_expect_str_eq(line->outcome, job_outcome_name(c->outcome), "%s", c->name);
        cr_expect(strstr(line->text, c->says) != NULL, "%s: %s", c->name, line->text);
        bool given_up = strstr(c->says, "given up") != NULL;
        cr_expect_eq(count_actions(w, ACT_DELETE_JOB), given_up, "%s", c->name);
    }
}

Test(reconcile_round, wakes_when_patience_ends)
{
    struct world *w = in_round(2);
    add_pod(w, job_of(w, 0), 0, POD_FAILED);
    add_pod(w, job_of(w, 0), 1, POD_SUCCEEDED);
    w->now_s = NOW + 5;
    go(w);
    cr_expect_eq(w->out.wake_s, NOW + 60);
}

Test(reconcile_round, without_seen_times_the_objects_own_times_serve)
{
    struct world *w = in_round(1);
    struct pod_view *p = add_pod(w, job_of(w, 0), 0, POD_FAILED);
    p->seen_s = 0;
    w->now_s = NOW + 61;
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
}

Test(reconcile_round, a_retry_that_runs_is_waited_for)
{
    struct world *w = in_round(1);
    add_pod(w, job_of(w, 0), 0, POD_FAILED);
    add_pod(w, job_of(w, 0), 0, POD_PENDING);
    w->now_s = NOW + 1000;
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_ROUND);
}

/* ---- Jobs that vanish ---- */

Test(reconcile_round, a_job_that_is_not_seen_for_five_seconds_is_gone)
{
    struct world *w = in_round_of(2, 2, -1);
    w->job[2] = w->job[--w->n_jobs];
    go(w);
    cr_expect_eq(w->out.status.step.job[0].outcome, JOB_ACTIVE);
    cr_expect_eq(w->out.status.step.job[1].missing_s, NOW);
    cr_expect_eq(w->out.wake_s, NOW + 5);
    w->now_s += 5;
    go(w);
    cr_expect_eq(w->out.status.step.job[1].outcome, JOB_VANISHED);
    cr_expect_eq(w->out.status.step.kind, STEP_ROUND, "the other one runs on");
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u, "rounds only go forward");
    job_of(w, 0)->complete = true;
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
    cr_expect_str_eq(w->out.status.rounds[0].outcome, "Vanished");
}

Test(reconcile_round, a_view_that_is_behind_for_a_moment_ends_nothing)
{
    struct world *w = in_round(2);
    size_t n = w->n_jobs;
    w->n_jobs = 0;
    go(w);
    w->n_jobs = n;
    w->now_s += 4;
    go(w);
    cr_expect_eq(w->out.status.step.job[0].missing_s, 0);
    w->now_s += 100;
    go(w);
    cr_expect_eq(w->out.status.step.job[0].outcome, JOB_ACTIVE);
}

Test(reconcile_round, a_job_under_deletion_or_of_another_uid_is_gone)
{
    struct world *w = in_round(2);
    job_of(w, 0)->deleting = true;
    go(w);
    cr_expect_str_eq(w->out.status.rounds[0].outcome, "Vanished");
    w = in_round(2);
    job_of(w, 0)->uid = "another";
    go(w);
    cr_expect_str_eq(w->out.status.rounds[0].outcome, "Vanished");
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 1u);
}

Test(reconcile_round, a_finished_job_of_a_former_life_makes_room_for_its_namesake)
{
    struct world *w = new_world();
    struct job_view *old = add_job(w, "spe1-aaaaaaaa-c1", STEP_CENSUS, 1);
    old->complete = old->has_ttl = true;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 0u);
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 1u);
    cr_expect_eq(w->out.wake_s, NOW + 2);
    old->deleting = true;
    go(w);
    cr_expect_eq(w->out.n_actions, 0u);
    w->n_jobs = 0;
    go(w);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u);
}

Test(reconcile_round, jobs_that_nobody_waits_for_are_deleted_or_expire)
{
    struct world *w = in_round(2);
    struct job_view *open = add_job(w, "stray-open", STEP_ROUND, 2);
    struct job_view *done = add_job(w, "stray-done", STEP_ROUND, 2);
    struct job_view *settled = add_job(w, "stray-settled", STEP_ROUND, 2);
    struct job_view *failing = add_job(w, "stray-failing", STEP_ROUND, 2);
    struct job_view *stuck = add_job(w, "stray-stuck", STEP_ROUND, 2);
    open->completed_indexes = "0";
    done->failed = true;
    settled->completed_indexes = "0,1";
    failing->failure_target = stuck->failure_target = true;
    struct pod_view *p = add_pod(w, stuck, 0, POD_RUNNING);
    p->deleting = true;
    w->now_s = NOW + 60;
    go(w);
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 2u);
    cr_expect_str_eq(action_of(w, ACT_DELETE_JOB, 0)->name, "stray-open");
    cr_expect_str_eq(action_of(w, ACT_DELETE_JOB, 1)->name, "stray-stuck");
    cr_expect_str_eq(action_of(w, ACT_SET_TTL, 0)->name, "stray-done");
    cr_expect_eq(count_actions(w, ACT_SET_TTL), 1u);
    cr_expect(w->out.fence, "an old view must not delete");
}

Test(reconcile_round, more_strays_than_actions_are_left_to_the_next_go)
{
    static struct world big;
    struct job_view jobs[100];
    struct reconcile_input in;
    static struct reconciled out;
    big = *new_world();
    for (size_t i = 0; i < 100; i++) {
        jobs[i] = *add_job(&big, "stray", STEP_ROUND, 2);
        big.n_jobs = big.n_texts = 0;
    }
    in = (struct reconcile_input){
        .sweep = &big.sweep, .jobs = jobs, .n_jobs = 100, .limits = &big.limits, .now_s = NOW};
    reconcile(&in, &out);
    cr_expect_eq(out.n_actions, RECONCILE_MAX_ACTIONS);
    cr_expect_eq(out.wake_s, NOW);
}

/* ---- maxFailed ---- */

Test(reconcile_round, stops_as_soon_as_more_rows_failed_than_allowed)
{
    struct world *w = in_round_of(1, 3, 2);
    add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED)->n_failed_rows = 2;
    struct pod_view *old = add_pod(w, &w->job[0], 0, POD_SUCCEEDED);
    old->kind = STEP_ROUND;
    old->n_failed_rows = 100; /* of an earlier round: in the totals already */
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_ROUND);
    add_pod(w, job_of(w, 0), 1, POD_RUNNING)->n_failed_rows = 1;
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
    cr_expect_str_eq(w->out.status.step.stopped, "MaxFailed");
    cr_expect_str_eq(w->out.status.rounds[0].outcome, "MaxFailed");
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 1u);
    perform(w);
    go(w);
    job_of(w, 0)->failed = true; /* the census fails: its successor is told as well */
    go(w);
    w->now_s += 10;
    go(w);
    cr_expect_str_eq(w->out.status.step.stopped, "MaxFailed");
}

Test(reconcile_round, without_max_failed_nothing_stops_it)
{
    struct world *w = in_round(3);
    add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED)->n_failed_rows = 1000;
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_ROUND);
}

/* ---- pods at a time ---- */

static uint32_t at_a_time(struct world *w, uint32_t job)
{
    return reconcile_parallelism(&w->sweep, &w->sweep.status, job, &w->limits, w->node, w->n_nodes);
}

Test(reconcile_round, parallelism_is_bounded_by_limits_claims_and_nodes)
{
    static const struct {
        uint32_t of_sweep, of_limits;
        bool one_node, one_pod;
        uint32_t first, second;
    } CASES[] = {
        {0, 0, 0, 0, 9, 9},   {5, 0, 0, 0, 4, 1}, {0, 12, 0, 0, 9, 3},
        {20, 12, 0, 0, 9, 3}, {1, 0, 0, 0, 1, 1}, {0, 0, 1, 0, 4, 4},
        {3, 0, 1, 0, 2, 1},   {0, 0, 1, 1, 1, 1}, {18, 0, 0, 0, 9, 9},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct world *w = in_round_of(2, 9, -1);
        w->node[0] = (struct node_class){.cpus = 16, .mem_bytes = 4ull << 30, .n_nodes = 9};
        w->node[1] = (struct node_class){.cpus = 4, .mem_bytes = 64ull << 30, .n_nodes = 1};
        w->n_nodes = 2;
        w->sweep.max_workers = CASES[i].of_sweep;
        w->limits.pods.max_workers = CASES[i].of_limits;
        w->sweep.read_write_once = CASES[i].one_node;
        w->sweep.read_write_once_pod = CASES[i].one_pod;
        cr_expect_eq(at_a_time(w, 0), CASES[i].first, "%zu: %u", i, at_a_time(w, 0));
        cr_expect_eq(at_a_time(w, 1), CASES[i].second, "%zu: %u", i, at_a_time(w, 1));
        go(w);
        bool said_so = strcmp(w->out.status.cond[COND_SCHEDULABLE].reason, "OneNode") == 0;
        cr_expect_eq(said_so, CASES[i].one_node, "%zu", i);
    }
}

Test(reconcile_round, parallelism_follows_edits_but_never_a_queue_or_a_lost_node)
{
    struct world *w = in_round(9);
    w->sweep.max_workers = 4;
    go(w);
    cr_assert_eq(count_actions(w, ACT_SET_PARALLELISM), 1u);
    cr_expect_eq(action_of(w, ACT_SET_PARALLELISM, 0)->number, 4);
    perform(w);
    go(w);
    cr_expect_eq(count_actions(w, ACT_SET_PARALLELISM), 0u);
    w->sweep.has_queue = true;
    w->sweep.max_workers = 2;
    go(w);
    cr_expect_eq(count_actions(w, ACT_SET_PARALLELISM), 0u);
    w->sweep.has_queue = false;
    w->sweep.max_workers = 0;
    w->sweep.read_write_once = true;
    w->node[0] = (struct node_class){.cpus = 4, .mem_bytes = 64ull << 30, .n_nodes = 1};
    w->n_nodes = 1;
    go(w);
    cr_expect_eq(count_actions(w, ACT_SET_PARALLELISM), 0u, "two fit now, but four run");
    w->node[0].cpus = 100;
    go(w);
    cr_expect_eq(action_of(w, ACT_SET_PARALLELISM, 0)->number, 9);
}

Test(reconcile_round, the_last_shape_gets_the_places_of_those_that_are_done)
{
    struct world *w = in_round_of(2, 9, -1);
    w->sweep.max_workers = 10;
    go(w);
    perform(w);
    cr_expect_eq(job_of(w, 1)->parallelism, 1u);
    job_of(w, 0)->complete = true;
    go(w);
    cr_expect_eq(action_of(w, ACT_SET_PARALLELISM, 0)->number, 9);
}

/* ---- pods that do not run ---- */

Test(reconcile_round, says_why_pods_do_not_run)
{
    static const struct {
        bool unschedulable;
        const char *waiting, *why, *job_why;
        bool suspended;
        int64_t age_s;
        const char *reason; /* NULL: nothing to say */
    } CASES[] = {
        {1, "", "0/5 nodes are available: 5 Insufficient cpu.", "", 0, 5, "Unschedulable"},
        {1, "", "0/5 nodes are available", "", 0, 4, NULL},
        {0, "ImagePullBackOff", "Back-off pulling image \"x\"", "", 0, 0, "ImagePullBackOff"},
        {0, "ErrImagePull", "manifest unknown", "", 0, 0, "ErrImagePull"},
        {0, "CreateContainerConfigError", "secret \"x\" not found", "", 0, 0,
         "CreateContainerConfigError"},
        {0, "", "", "pods \"x\" is forbidden: exceeded quota: tight", 0, 0, "FailedCreate"},
        {0, "", "", "", 1, 0, "Queued"},
        {0, "", "", "", 0, 0, NULL},
    };
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct world *w = in_round(2);
        struct pod_view *p = add_pod(w, job_of(w, 0), 0, POD_PENDING);
        p->unschedulable = CASES[i].unschedulable;
        p->node = p->unschedulable ? "" : "node";
        p->waiting = CASES[i].waiting;
        p->why = CASES[i].why;
        job_of(w, 0)->why = CASES[i].job_why;
        job_of(w, 0)->suspended = CASES[i].suspended;
        w->now_s += CASES[i].age_s;
        go(w);
        const struct sweep_condition *c = &w->out.status.cond[COND_SCHEDULABLE];
        if (!CASES[i].reason) {
            cr_expect_eq(c->status, 'T', "%zu", i);
            continue;
        }
        const char *words = CASES[i].why[0] ? CASES[i].why : CASES[i].job_why;
        cr_expect_eq(c->status, 'F', "%zu", i);
        cr_expect_str_eq(c->reason, CASES[i].reason, "%zu", i);
        cr_expect(strstr(c->message, words) != NULL, "%zu: %s", i, c->message);
        cr_expect_str_eq(w->out.status.message, c->message);
        cr_expect(said(w, CASES[i].reason) && w->out.urgent, "%zu", i);
        go(w);
        cr_expect_not(w->out.status_changed, "%zu: said once", i);
        p->phase = POD_RUNNING; /* freed: it goes on */
        p->unschedulable = false;
        p->waiting = job_of(w, 0)->why = "";
        job_of(w, 0)->suspended = false;
        go(w);
        cr_expect_eq(c->status, 'T', "%zu", i);
    }
}

Test(reconcile_round, pods_that_wait_for_room_beside_running_ones_are_the_usual_thing)
{
    struct world *w = in_round(2);
    add_pod(w, job_of(w, 0), 0, POD_PENDING)->unschedulable = true;
    add_pod(w, job_of(w, 0), 1, POD_RUNNING);
    w->now_s += 100;
    go(w);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'T');
}

Test(reconcile_round, pods_that_wait_for_room_beside_one_that_starts_are_the_usual_thing)
{
    struct world *w = in_round(2);
    struct pod_view *waits = add_pod(w, job_of(w, 0), 0, POD_PENDING);
    waits->unschedulable = true;
    waits->node = "";
    struct pod_view *starts = add_pod(w, job_of(w, 0), 1, POD_PENDING);
    w->now_s += 100;
    go(w);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'T');
    starts->waiting = "ErrImagePull"; /* that is something else */
    go(w);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'F');
}

Test(reconcile_round, old_jobs_go_before_new_ones_come)
{
    struct world *w = in_round(2);
    add_pod(w, job_of(w, 0), 0, POD_FAILED);
    add_pod(w, job_of(w, 0), 1, POD_FAILED);
    w->now_s += 1000; /* given up: Kubernetes holds the Job's pods as long as it is there */
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
    cr_expect_eq(count_actions(w, ACT_CREATE_JOB), 1u);
    cr_expect_eq(count_actions(w, ACT_DELETE_JOB), 1u);
    cr_expect_lt(action_of(w, ACT_DELETE_JOB, 0), action_of(w, ACT_CREATE_JOB, 0),
                 "a create that is refused must not keep them");
}

Test(reconcile_round, a_shape_that_fits_nowhere_is_said_although_another_runs)
{
    struct world *w = in_round_of(2, 1, -1);
    add_pod(w, job_of(w, 0), 0, POD_RUNNING);
    struct pod_view *p = add_pod(w, job_of(w, 1), 0, POD_PENDING);
    p->unschedulable = true;
    p->node = "";
    p->why = "0/1 nodes are available: 1 Insufficient memory.";
    w->now_s += 100;
    go(w);
    cr_expect_eq(w->out.status.cond[COND_SCHEDULABLE].status, 'F');
}

/* ---- hints ---- */

Test(reconcile_round, live_hints_count_only_this_round_and_stay_until_the_census_counts)
{
    struct world *w = in_round(2);
    struct pod_view *a = add_pod(w, job_of(w, 0), 0, POD_SUCCEEDED);
    struct pod_view *b = add_pod(w, &w->job[0], 0, POD_SUCCEEDED);
    a->n_ok = 7;
    a->n_failed = 2;
    b->n_ok = 100;
    add_pod(w, job_of(w, 0), 1, POD_RUNNING);
    go(w);
    cr_expect_eq(w->out.status.live_ok, 7u);
    cr_expect_eq(w->out.status.live_failed, 2u);
    cr_expect_eq(w->out.status.n_running, 2u, "one pod with two slots");
    w->pod[w->n_pods - 1].phase = POD_SUCCEEDED;
    go(w);
    cr_expect_eq(w->out.status.step.kind, STEP_CENSUS);
    cr_expect_eq(w->out.status.live_ok, 7u);
    perform(w);
    go(w);
    struct census_report f = report(CENSUS_FINISHED);
    add_report(w, &f);
    go(w);
    cr_expect_eq(w->out.status.live_ok, 0u);
}

Test(reconcile_round, every_status_on_the_way_comes_back_from_json_as_it_was)
{
    struct world *w = in_round_of(3, 2, 5);
    add_pod(w, job_of(w, 0), 0, POD_FAILED)->why = "Evicted \xff\xfe";
    job_of(w, 1)->failure_target = true;
    job_of(w, 1)->message = "\"quoted\"\n\x01 words";
    w->n_jobs -= 1;
    w->now_s += 3;
    go(w);
    struct sweep_status back;
    ds_auto_json j = NULL;
    ds_auto_buf text;
    buf_init(&text, 1u << 18);
    cr_assert_eq(sweep_status_encode(&w->out.status, &text, NULL), 0);
    cr_assert_eq(json_parse(buf_span(&text), 1u << 18, &j, NULL), 0);
    sweep_status_decode(j, &back);
    cr_expect_eq(memcmp(&back, &w->out.status, sizeof back), 0, "%s", text.data);
}
