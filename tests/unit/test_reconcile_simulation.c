/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random histories: two controllers with lagging caches, writes that fail or are done twice, vanished
 * Jobs and pods, dead nodes, edits in mid-flight. When the faults stop, each must end well.
 * DECKSWEEP_SIM_SEED replays one history, DECKSWEEP_SIM_HISTORIES sets how many (20000). */
#include "sim_controller.h"

#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#define HISTORIES 4000u
#else
#define HISTORIES 20000u
#endif

static struct sim_world world;
static struct sim_ctl ctl[2];

/* ---- what users do ---- */

static void touch(struct sim_world *w)
{
    struct sweep_view *v = &w->sweep.view;
    v->generation++;
    w->sweep.version++;
    w->n_changes++;
    snprintf(v->spec_hash, sizeof v->spec_hash, "%08x%08x", w->sweep.spec, w->sweep.spec);
    snprintf(v->edit_hash, sizeof v->edit_hash, "%08x%08x", w->sweep.edit, w->sweep.spec);
}

static void bring_deck(struct sim_world *w)
{
    w->sweep.deck = true;
    w->bundle_stored = false; /* another bundle */
    snprintf(w->sweep.deck_name, sizeof w->sweep.deck_name, "d-%u", ++w->sweep.deck_number);
}

/* With decksweep submit, or with kubectl edit: then the deck is the one that was. */
static void edit_spec(struct sim_world *w)
{
    w->sweep.spec++;
    if (percent(&w->chance, 60))
        bring_deck(w);
    touch(w);
}

static void edit_limits(struct sim_world *w)
{
    w->sweep.edit++;
    w->sweep.max_failed = percent(&w->chance, 70) ? -1 : (int64_t)below(&w->chance, 3);
    w->sweep.view.max_workers = below(&w->chance, 4);
    touch(w);
}

static void give_once(struct sim_world *w)
{
    snprintf(w->sweep.token, sizeof w->sweep.token, "t%u", ++w->sweep.token_number);
    w->sweep.edit++;
    touch(w);
}

static void set_run(struct sim_world *w, enum run_wish run)
{
    w->sweep.view.run = run;
    touch(w);
}

static void user_event(struct sim_world *w)
{
    struct chance *r = &w->chance;
    switch (below(r, 8)) {
    case 0:
        if (w->sweep.spec < 6)
            edit_spec(w);
        break;
    case 1:
        edit_limits(w);
        break;
    case 2:
        w->sweep.needs_once = w->sweep.needs_once || percent(r, 50);
        give_once(w);
        break;
    case 3:
        set_run(w, RUN_SUSPENDED);
        break;
    case 4:
        set_run(w, percent(r, 20) ? RUN_CANCELLED : RUN_SUSPENDED);
        break;
    case 5:
    case 6:
        set_run(w, RUN_ACTIVE);
        break;
    default:
        w->sweep.deck = percent(r, 60);
        break;
    }
}

/* ---- what goes wrong ---- */

static void fault_event(struct sim_world *w)
{
    struct chance *r = &w->chance;
    struct sim_job *j = &w->job[below(r, MAX_JOBS)];
    struct sim_pod *p = &w->pod[below(r, MAX_PODS / 4)];
    switch (below(r, 9)) {
    case 0:
        if (j->used)
            remove_job(w, j);
        break;
    case 1: /* kubectl delete pod, with and without a worker that listens */
        if (p->used) {
            p->killed = percent(r, 50);
            kill_pod(w, p, 5);
        }
        break;
    case 2:
        if (p->used) {
            p->v.disrupted = true;
            kill_pod(w, p, 5);
        }
        break;
    case 3:
        if (p->used && p->v.phase == POD_RUNNING && !w->node_dead[p->node])
            end_pod(w, p, POD_FAILED, percent(r, 20) ? 77 : percent(r, 50) ? 76 : 137);
        break;
    case 4:
        if (percent(r, 40))
            w->node_dead[below(r, 2)] = true;
        break;
    case 5:
        w->quota = percent(r, 50);
        break;
    case 6:
        w->no_room = percent(r, 50);
        break;
    case 7:
        w->bad_image = percent(r, 40);
        break;
    default: /* removed by force: leaves nothing to count */
        if (p->used && percent(r, 30))
            p->used = false;
        break;
    }
}

static void deliver_some(struct sim_world *w, struct sim_ctl *c)
{
    switch (below(&w->chance, 4)) {
    case 0:
        see_sweep(c);
        break;
    case 1:
        for (uint32_t n = 0; n < 6; n++)
            see_job(c, below(&w->chance, MAX_JOBS));
        break;
    case 2:
        for (uint32_t n = 0; n < 12; n++)
            see_pod(c, below(&w->chance, MAX_PODS / 2));
        break;
    default:
        see_all(c);
    }
}

static void cluster_moves(struct sim_world *w, bool all)
{
    for (struct sim_pod *p = w->pod; p < w->pod + MAX_PODS; p++)
        if (p->used && (all || percent(&w->chance, 50)))
            move_pod(w, p);
    for (struct sim_job *j = w->job; j < w->job + MAX_JOBS; j++)
        if (j->used && (all || percent(&w->chance, 60)))
            sync_job(w, j);
    expire_jobs(w);
}

static void one_event(struct sim_world *w)
{
    struct chance *r = &w->chance;
    uint32_t n = below(r, 100);
    struct sim_ctl *c = &ctl[percent(r, 85) ? 0 : 1];
    if (n < 25) {
        deliver_some(w, c);
    } else if (n < 50) {
        if (percent(r, 60))
            whole_go(c);
        else
            step_go(c);
    } else if (n < 78) {
        cluster_moves(w, false);
        w->now_s += below(r, 8);
    } else if (n < 84) {
        w->now_s += below(r, 100);
    } else if (n < 92) {
        fault_event(w);
    } else if (n < 96) {
        user_event(w);
    } else {
        restart(c);
    }
}

/* ---- a history ---- */

static void begin(struct sim_world *w, uint64_t seed)
{
    size_t keep = offsetof(struct sim_world, message);
    memset(w, 0, keep);
    memset(&w->bundle_stored, 0, sizeof *w - offsetof(struct sim_world, bundle_stored));
    w->chance.state = seed;
    w->now_s = 1800000000;
    w->api_skew_s = (int64_t)below(&w->chance, 600) - 300;
    for (uint32_t i = 0; i < N_NODES; i++)
        w->node_skew_s[i] = (int64_t)below(&w->chance, 600) - 300;
    for (uint32_t i = 0; i < MAX_CASES; i++)
        w->cases[i].kind = percent(&w->chance, 60) ? C_OK : below(&w->chance, C_KINDS);
    w->sweep.view = (struct sweep_view){.namespace_ = "n",
                                        .name = "s",
                                        .uid = "sweep",
                                        .resource_version = "1",
                                        .deck_source = DECK_CONFIG_MAP,
                                        .deck_name = "d",
                                        .claim = "c",
                                        .claim_path = "",
                                        .ttl_s = JOB_TTL_S};
    w->sweep.view.has_queue = percent(&w->chance, 20);
    w->sweep.view.status.max_failed = -1;
    w->sweep.max_failed = percent(&w->chance, 70) ? -1 : (int64_t)below(&w->chance, 3);
    bring_deck(w);
    touch(w);
    for (int i = 0; i < 2; i++) {
        memset(&ctl[i].limits, 0, sizeof ctl[i].limits);
        ctl[i].w = w;
        ctl[i].skew_s = (int64_t)below(&w->chance, 200) - 100;
        restart(&ctl[i]);
    }
}

/* Faults are over; users mend what waits for them. Returns how often a sweep had to be revived. */
static unsigned mend(struct sim_world *w)
{
    const struct sweep_status *st = &w->sweep.view.status;
    w->quota = w->no_room = w->bad_image = false;
    if (st->cond[COND_BUNDLE_READY].status == 'F' && !w->sweep.deck
        && strcmp(st->bundle, w->sweep.deck_name) != 0) {
        w->sweep.deck = true;
        w->n_changes++;
    }
    if (st->phase == PHASE_REFUSED && spec_is_bad(w->sweep.spec))
        edit_spec(w);
    if (st->cond[COND_DECISION_NEEDED].status == 'T' && strcmp(st->once_done, w->sweep.token) == 0
        && w->sweep.needs_once)
        give_once(w);
    if (st->cond[COND_DECISION_NEEDED].status == 'T' && w->sweep.token[0] == '\0')
        give_once(w);
    if (st->phase == PHASE_STALLED && w->sweep.view.run == RUN_ACTIVE) {
        edit_limits(w);
        return 1;
    }
    return 0;
}

static bool settle(struct sim_world *w)
{
    unsigned quiet = 0, revived = 0;
    w->calm = true;
    if (w->sweep.view.run == RUN_SUSPENDED && percent(&w->chance, 75))
        set_run(w, RUN_ACTIVE);
    for (unsigned i = 0; i < 1500 && quiet < 45 && !w->broken; i++) {
        uint64_t changes = w->n_changes;
        uint32_t writes = w->n_writes;
        revived += mend(w);
        w->now_s += 1 + below(&w->chance, 30);
        cluster_moves(w, true);
        for (int k = 0; k < 2; k++)
            see_all(&ctl[k]);
        whole_go(&ctl[percent(&w->chance, 80) ? 0 : 1]);
        quiet = w->n_changes == changes && w->n_writes == writes ? quiet + 1 : 0;
    }
    claim_holds(w, revived <= 1, "a sweep stalls without faults");
    return quiet >= 45;
}

static void check_end(struct sim_world *w)
{
    const struct sweep_status *st = &w->sweep.view.status;
    struct census_totals t = count_store(w, w->sweep.spec);
    enum run_wish run = w->sweep.view.run;
    bool ended = st->phase == PHASE_SUCCEEDED || st->phase == PHASE_FAILED;
    if (run == RUN_SUSPENDED)
        claim_holds(w, ended || st->phase == PHASE_SUSPENDED, "suspended, or ended before");
    else if (run == RUN_CANCELLED)
        claim_holds(w, ended || st->phase == PHASE_CANCELLED, "cancelled, or ended before");
    else
        claim_holds(w, ended, "an active sweep ends");
    if (run == RUN_ACTIVE && ended) {
        bool all = t.n_done == t.n_rows;
        bool stopped = w->sweep.max_failed >= 0 && t.n_failed > w->sweep.max_failed;
        claim_holds(w, (st->phase == PHASE_SUCCEEDED) == all, "the phase says what the store says");
        claim_holds(w, all || stopped || t.n_outstanding == 0, "every case is accounted for");
        claim_holds(w, st->totals.n_done == t.n_done && st->totals.n_failed == t.n_failed,
                    "the totals are the store's");
        claim_holds(w, strcmp(st->once_done, w->sweep.token) == 0, "a token is obeyed, and noted");
        claim_holds(w, st->collected, "the last census has collected");
        claim_holds(w, strcmp(st->spec_hash, w->sweep.view.spec_hash) == 0, "of the last spec");
        claim_holds(w, strcmp(st->edit_hash, w->sweep.view.edit_hash) == 0, "of the last edit");
    }
    for (struct sim_job *j = w->job; j < w->job + MAX_JOBS; j++) {
        claim_holds(w, !j->used || j->v.complete || j->v.failed, "no Job is left active");
        claim_holds(w, !j->used || j->v.has_ttl, "finished Jobs expire");
    }
    claim_holds(w, !w->sweep.deck || !st->bundle_stored, "the deck's ConfigMap goes");
}

static const char *run_history(uint64_t seed)
{
    struct sim_world *w = &world;
    begin(w, seed);
    unsigned n_events = 20 + below(&w->chance, 180);
    for (unsigned i = 0; i < n_events && !w->broken; i++)
        one_event(w);
    if (!w->broken && !settle(w))
        claim_holds(w, false, "it comes to rest");
    if (!w->broken)
        check_end(w);
    return w->broken;
}

/* What the API server holds at the end of a history that was asked for. */
static void show(const struct sim_world *w)
{
    const struct sweep_status *st = &w->sweep.view.status;
    cr_log_warn("now %lld, %s, step %d/%u, %u jobs, ended %lld, not before %lld, idle %u, tries %u",
                (long long)w->now_s, sweep_phase_name(st->phase), st->step.kind, st->step.number,
                st->step.n_jobs, (long long)st->step.ended_s, (long long)st->not_before_s,
                st->idle_rounds, st->census_tries);
    for (uint32_t i = 0; i < st->step.n_jobs; i++)
        cr_log_warn("  step: %s %s %s %s", st->step.job[i].name, st->step.job[i].uid,
                    job_outcome_name(st->step.job[i].outcome), st->step.job[i].text);
    for (uint32_t i = 0; i < MAX_JOBS; i++) {
        const struct sim_job *j = &w->job[i];
        if (j->used)
            cr_log_warn("  Job %s %s: done %s failed %s of %u, active %u, %s", j->name, j->uid,
                        j->done_list, j->failed_list, j->v.completions, j->v.n_active,
                        j->v.complete ? "complete"
                        : j->v.failed ? "failed"
                                      : "open");
    }
    for (uint32_t i = 0; i < MAX_PODS; i++) {
        const struct sim_pod *p = &w->pod[i];
        if (p->used)
            cr_log_warn("  pod %s of %s: index %d, phase %d, deleting %d, node %u %s", p->uid,
                        p->job_uid, (int)p->v.index, p->v.phase, p->v.deleting, p->node,
                        w->node_dead[p->node] ? "dead" : "");
    }
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

Test(reconcile_simulation, every_history_ends_well, .timeout = 600)
{
    uint64_t replay = number_of("DECKSWEEP_SIM_SEED", 0);
    uint64_t n = replay ? 1 : number_of("DECKSWEEP_SIM_HISTORIES", HISTORIES);
    unsigned phases[PHASE_STALLED + 1] = {0}, n_bad = 0;
    uint64_t writes = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t seed = replay ? replay : i + 1;
        const char *broken = run_history(seed);
        if (replay)
            show(&world);
        phases[world.sweep.view.status.phase]++;
        writes += world.n_writes;
        if (broken && n_bad++ < 5)
            cr_log_error("DECKSWEEP_SIM_SEED=%llu: %s does not hold (phase %s, %s)",
                         (unsigned long long)seed, broken,
                         sweep_phase_name(world.sweep.view.status.phase),
                         world.sweep.view.status.message);
    }
    cr_log_info("%llu histories: %u succeeded, %u failed, %u suspended, %u cancelled, %llu writes",
                (unsigned long long)n, phases[PHASE_SUCCEEDED], phases[PHASE_FAILED],
                phases[PHASE_SUSPENDED], phases[PHASE_CANCELLED], (unsigned long long)writes);
    cr_expect_eq(n_bad, 0u, "%u of %llu histories end badly", n_bad, (unsigned long long)n);
    cr_expect(replay || (phases[PHASE_SUCCEEDED] > n / 20 && phases[PHASE_FAILED] > n / 20),
              "the histories are of all kinds");
}
