/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sim_world.h - a model of what surrounds the controller: API objects, the Job controller, kubelets,
 * workers, censuses and the store. Times in objects are by the API server's and the nodes' clocks,
 * which differ from the controllers'. */
#ifndef DS_TESTS_SIM_WORLD_H
#define DS_TESTS_SIM_WORLD_H

#include "base/buf.h"
#include "scheduler/views.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MAX_JOBS     48u
#define MAX_PODS     160u
#define MAX_CASES    12u
#define MAX_ROUNDS   256u
#define MAX_CHUNKS   8u
#define MAX_MESSAGES 256u
#define N_NODES      4u
#define JOB_TTL_S    900
#define LOST_BUDGET  2u

/* ---- chance ---- */
struct chance {
    uint64_t state;
};
static inline uint64_t next64(struct chance *c)
{
    uint64_t z = (c->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
static inline uint32_t below(struct chance *c, uint32_t n)
{
    return (uint32_t)(next64(c) % n);
}
static inline bool percent(struct chance *c, uint32_t p)
{
    return below(c, 100) < p;
}

/* ---- the store ---- */
enum case_kind { C_OK = 0, C_BAD, C_BIG, C_CRASHES_ONCE, C_KILLER, C_KINDS };
struct sim_case {
    enum case_kind kind;
    bool done, failed; /* for good */
    uint32_t keys;     /* under cases/, failed/, started/ */
    uint32_t oom, crashed, lost;
};
struct sim_chunk {
    uint32_t n, at[3];
};
struct sim_round {
    uint32_t n_chunks;
    struct sim_chunk chunk[2 * MAX_CHUNKS];
    bool big[2 * MAX_CHUNKS];
};

/* ---- API objects ---- */
struct sim_job {
    bool used;
    struct job_view v;
    char name[STATUS_NAME_BYTES], uid[24], done_list[40], failed_list[40];
    uint32_t first, fails[MAX_CHUNKS], ignored[MAX_CHUNKS];
    unsigned char index[MAX_CHUNKS]; /* 0 open, 1 done, 2 failed */
    int64_t retry_s[MAX_CHUNKS];
    int64_t finished_s; /* true time */
    uint32_t spec;      /* of the Sweep when it was made */
    int64_t max_failed;
    bool once;
};
struct sim_pod {
    bool used;
    struct pod_view v;
    char uid[24], job_uid[24];
    uint32_t node, round, chunk, at, job; /* at: cases dealt with; job: slot */
    int message;                          /* -1 none */
    bool counted, killed;
    uint32_t spec;
    int64_t max_failed;
    bool once;
};

struct sim_sweep { /* the Sweep in etcd; view.status included */
    struct sweep_view view;
    uint64_t version;
    uint32_t spec, edit, token_number;
    char token[16];
    int64_t max_failed;
    bool needs_once, deck;
    char deck_name[16];
    uint32_t deck_number;
};

struct sim_world {
    struct chance chance;
    int64_t now_s; /* true time */
    int64_t api_skew_s, node_skew_s[N_NODES];
    bool node_dead[N_NODES];
    bool quota, no_room, bad_image, calm; /* calm: faults have stopped */
    struct sim_sweep sweep;
    struct sim_job job[MAX_JOBS];
    struct sim_pod pod[MAX_PODS];
    struct sim_case cases[MAX_CASES];
    struct sim_round round[MAX_ROUNDS];
    uint32_t n_rounds, next_uid, n_writes, n_messages;
    uint64_t n_changes;
    char message[MAX_MESSAGES][1536];
    bool bundle_stored;
    const char *broken;                 /* the first law that did not hold */
    char names[512][STATUS_NAME_BYTES]; /* Jobs that a written status knew as created */
    uint32_t n_names;
};

static inline void claim_holds(struct sim_world *w, bool holds, const char *law)
{
    if (!holds && !w->broken)
        w->broken = law;
}

static inline uint32_t rows_of(uint32_t spec)
{
    uint32_t n = 3 + 2 * spec;
    return n < MAX_CASES ? n : MAX_CASES;
}
static inline bool spec_is_bad(uint32_t spec)
{
    return spec % 5 == 3;
}

/* ---- censuses ---- */
static inline struct census_totals count_store(const struct sim_world *w, uint32_t spec)
{
    struct census_totals t = {.n_rows = rows_of(spec)};
    for (uint32_t i = 0; i < MAX_CASES; i++)
        t.n_keys += w->cases[i].keys;
    for (uint32_t i = 0; i < t.n_rows; i++) {
        t.n_done += w->cases[i].done;
        t.n_failed += w->cases[i].failed;
    }
    t.n_outstanding = t.n_rows - t.n_done - t.n_failed;
    return t;
}

static inline void add_chunks(struct sim_world *w, struct census_report *r, struct sim_round *round,
                              bool big)
{
    uint32_t first = round->n_chunks, n_cases = 0, per_chunk = 1 + below(&w->chance, 3);
    for (uint32_t i = 0; i < rows_of(0) + MAX_CASES && i < r->totals.n_rows; i++) {
        const struct sim_case *c = &w->cases[i];
        if (c->done || c->failed || (c->oom > 0) != big)
            continue;
        bool fresh = round->n_chunks == first || round->chunk[round->n_chunks - 1].n == per_chunk;
        if (fresh && round->n_chunks - first == MAX_CHUNKS)
            break; /* the next round takes the rest */
        if (fresh)
            round->big[round->n_chunks++] = big;
        struct sim_chunk *chunk = &round->chunk[round->n_chunks - 1];
        chunk->at[chunk->n++] = i;
        n_cases++;
    }
    if (n_cases > 0)
        r->shape[r->n_shapes++] =
            (struct census_shape){.first_index = first,
                                  .n_chunks = round->n_chunks - first,
                                  .n_cases = n_cases,
                                  .deadline_s = 1000,
                                  .pod = {.cpus = 1, .mem_bytes = 1u << 30, .slots = 1}};
}

static inline void plan_digest_of(uint32_t spec, char out[PLAN_DIGEST_BYTES])
{
    snprintf(out, PLAN_DIGEST_BYTES, "%08x00000000", spec);
}

static inline struct census_report take_census(struct sim_world *w, const struct sim_pod *p)
{
    struct census_report r = {.max_failed = p->max_failed, .decksweep = "1"};
    if (spec_is_bad(p->spec)) {
        r.outcome = CENSUS_REFUSED;
        snprintf(r.text, sizeof r.text, "bad deck");
        return r;
    }
    if (!w->bundle_stored && !w->sweep.deck) {
        r.outcome = CENSUS_TROUBLE;
        return r;
    }
    plan_digest_of(p->spec, r.plan_digest);
    w->bundle_stored = r.bundle_stored = true;
    r.totals = count_store(w, p->spec);
    if (w->sweep.needs_once && !p->once) {
        r.outcome = CENSUS_DECISION;
        return r;
    }
    if (p->once)
        w->sweep.needs_once = false;
    if (p->max_failed >= 0 && r.totals.n_failed > p->max_failed)
        r.outcome = CENSUS_STOPPED;
    else if (r.totals.n_outstanding == 0 || w->n_rounds + 1 == MAX_ROUNDS)
        r.outcome = CENSUS_FINISHED;
    r.collected = r.outcome != 0;
    if (r.outcome)
        return r;
    r.outcome = CENSUS_ROUND;
    struct sim_round *round = &w->round[++w->n_rounds];
    memset(round, 0, sizeof *round);
    r.round = w->n_rounds;
    add_chunks(w, &r, round, false);
    add_chunks(w, &r, round, true);
    return r;
}

static inline int store_message(struct sim_world *w, const struct census_report *r)
{
    ds_auto_buf text;
    buf_init(&text, CENSUS_REPORT_BYTES);
    if (census_report_encode(r, &text, NULL) < 0 || text.len >= sizeof w->message[0]
        || w->n_messages == MAX_MESSAGES)
        return -1;
    memcpy(w->message[w->n_messages], text.data, text.len + 1);
    return (int)w->n_messages++;
}

/* ---- pods ---- */
static inline void end_pod(struct sim_world *w, struct sim_pod *p, enum pod_phase phase, int exit)
{
    p->v.phase = phase;
    p->v.exit_code = exit;
    p->v.ended_s = w->now_s + w->node_skew_s[p->node];
    p->v.unschedulable = false;
    p->v.waiting = "";
    w->n_changes++;
}

static inline void kill_pod(struct sim_world *w, struct sim_pod *p, int64_t grace_s)
{
    if (p->v.deleting)
        return;
    p->v.deleting = true;
    p->v.grace_s = grace_s;
    p->v.delete_by_s = w->now_s + w->api_skew_s + grace_s;
    w->n_changes++;
}

/* One case; false: the pod is dead. */
static inline bool run_case(struct sim_world *w, struct sim_pod *p, struct sim_case *c, bool big)
{
    if (c->done || c->failed)
        return true;
    if (c->kind == C_KILLER) {
        if (p->v.n_failures > 0) { /* markers */
            c->keys++;
            c->lost++;
            c->failed = c->lost > LOST_BUDGET;
            if (c->failed)
                return true;
        }
        end_pod(w, p, POD_FAILED, 137);
        return false;
    }
    c->keys++;
    if (c->kind == C_BAD || (c->kind == C_CRASHES_ONCE && c->crashed == 0)) {
        c->failed = c->kind == C_BAD;
        c->crashed++;
        p->v.n_failed++;
        p->v.n_failed_rows += c->failed;
    } else if (c->kind == C_BIG && !big) {
        c->oom++;
        p->v.n_failed++;
    } else {
        c->done = true;
        p->v.n_ok++;
    }
    return true;
}

static inline void run_pod(struct sim_world *w, struct sim_pod *p)
{
    if (p->v.kind == STEP_CENSUS) {
        bool trouble = !w->calm && percent(&w->chance, 5),
             mute = !w->calm && percent(&w->chance, 3);
        struct census_report r = {.outcome = CENSUS_TROUBLE, .max_failed = -1};
        if (!trouble)
            r = take_census(w, p);
        p->message = mute ? -1 : store_message(w, &r);
        end_pod(w, p, POD_SUCCEEDED, 0);
        return;
    }
    const struct sim_chunk *chunk = &w->round[p->round].chunk[p->chunk];
    w->n_changes++;
    if (p->at < chunk->n) {
        if (run_case(w, p, &w->cases[chunk->at[p->at]], w->round[p->round].big[p->chunk]))
            p->at++;
        return;
    }
    end_pod(w, p, POD_SUCCEEDED, 0);
}

static inline void move_pod(struct sim_world *w, struct sim_pod *p)
{
    bool ended = p->v.phase == POD_SUCCEEDED || p->v.phase == POD_FAILED;
    if (w->node_dead[p->node] || ended) {
        if (ended && p->v.deleting && (p->counted || !w->job[p->job].used))
            p->used = false;
        else if (!ended && w->node_dead[p->node])
            kill_pod(w, p, 30); /* the taint manager, soon */
        return;
    }
    if (p->v.deleting) {
        bool orphan = !w->job[p->job].used || strcmp(w->job[p->job].uid, p->job_uid) != 0;
        end_pod(w, p, POD_FAILED, p->killed ? 137 : 75);
        p->used = !orphan;
    } else if (p->v.phase == POD_PENDING) {
        p->v.unschedulable = w->no_room;
        p->v.waiting = w->bad_image && !w->no_room ? "ErrImagePull" : "";
        if (w->no_room || w->bad_image)
            return;
        p->v.phase = POD_RUNNING;
        p->v.started_s = w->now_s + w->node_skew_s[p->node];
        w->n_changes++;
    } else {
        run_pod(w, p);
    }
}

/* ---- the Job controller ---- */
static inline void count_ended(struct sim_world *w, struct sim_job *j, struct sim_pod *p)
{
    uint32_t i = (uint32_t)p->v.index;
    p->counted = true;
    w->n_changes++;
    if (p->v.phase == POD_SUCCEEDED) {
        j->index[i] = 1;
        return;
    }
    if (p->v.exit_code == 77)
        j->v.failure_target = true;
    if (p->v.disrupted || p->v.exit_code == 75) {
        uint32_t n = j->ignored[i]++;
        j->retry_s[i] = w->now_s + (10 << (n < 6 ? n : 6));
        return;
    }
    j->retry_s[i] = w->now_s + 10;
    if (++j->fails[i] > 1 && j->index[i] == 0)
        j->index[i] = 2;
}

static inline void list_indexes(const struct sim_job *j, unsigned char what, char out[40])
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < j->v.completions; i++)
        if (j->index[i] == what)
            at += (size_t)snprintf(out + at, 40 - at, "%s%u", at ? "," : "", i);
}

static inline void new_pod(struct sim_world *w, struct sim_job *j, uint32_t index)
{
    struct sim_pod *p = w->pod;
    while (p < w->pod + MAX_PODS && p->used)
        p++;
    if (p == w->pod + MAX_PODS)
        return;
    memset(p, 0, sizeof *p);
    p->used = true;
    p->job = (uint32_t)(j - w->job);
    p->node = below(&w->chance, N_NODES);
    while (w->node_dead[p->node])
        p->node = (p->node + 1) % N_NODES;
    p->round = j->v.number;
    p->chunk = j->first + index;
    p->message = -1;
    p->spec = j->spec;
    p->max_failed = j->max_failed;
    p->once = j->once;
    snprintf(p->uid, sizeof p->uid, "p%u", ++w->next_uid);
    memcpy(p->job_uid, j->uid, sizeof p->job_uid);
    p->v = (struct pod_view){.kind = j->v.kind,
                             .index = index,
                             .exit_code = -1,
                             .cpus = 1,
                             .n_failures = j->fails[index],
                             .created_s = w->now_s + w->api_skew_s,
                             .why = "words",
                             .waiting = ""};
    w->n_changes++;
}

static inline void finish_job(struct sim_world *w, struct sim_job *j)
{
    uint32_t open = 0, failed = 0, alive = 0;
    for (uint32_t i = 0; i < j->v.completions; i++) {
        open += j->index[i] == 0;
        failed += j->index[i] == 2;
    }
    for (struct sim_pod *p = w->pod; p < w->pod + MAX_PODS; p++)
        alive += p->used && strcmp(p->job_uid, j->uid) == 0 && p->v.phase != POD_SUCCEEDED
                 && p->v.phase != POD_FAILED;
    if ((open > 0 && !j->v.failure_target) || alive > 0)
        return;
    j->v.complete = !j->v.failure_target && failed == 0;
    j->v.failed = !j->v.complete;
    j->v.reason = j->v.failed ? "FailedIndexes" : "CompletionsReached";
    j->v.ended_s = w->now_s + w->api_skew_s;
    j->finished_s = w->now_s;
    w->n_changes++;
}

static inline void sync_job(struct sim_world *w, struct sim_job *j)
{
    uint32_t active = 0;
    bool busy[MAX_CHUNKS] = {false};
    if (j->v.complete || j->v.failed)
        return;
    for (struct sim_pod *p = w->pod; p < w->pod + MAX_PODS; p++) {
        if (!p->used || strcmp(p->job_uid, j->uid) != 0)
            continue;
        bool ended = p->v.phase == POD_SUCCEEDED || p->v.phase == POD_FAILED;
        if (ended && !p->counted)
            count_ended(w, j, p);
        if (!ended) {
            busy[p->v.index] = true;
            active++;
            if (j->v.failure_target)
                kill_pod(w, p, 5);
        }
    }
    for (uint32_t i = 0; i < j->v.completions && !w->quota && !j->v.failure_target; i++)
        if (j->index[i] == 0 && !busy[i] && w->now_s >= j->retry_s[i]
            && active < j->v.parallelism) {
            new_pod(w, j, i);
            active++;
        }
    j->v.n_active = active;
    j->v.n_succeeded = 0;
    for (uint32_t i = 0; i < j->v.completions; i++)
        j->v.n_succeeded += j->index[i] == 1;
    list_indexes(j, 1, j->done_list);
    list_indexes(j, 2, j->failed_list);
    finish_job(w, j);
}

static inline void remove_job(struct sim_world *w, struct sim_job *j)
{
    j->used = false;
    w->n_changes++;
    for (struct sim_pod *p = w->pod; p < w->pod + MAX_PODS; p++) {
        if (!p->used || strcmp(p->job_uid, j->uid) != 0)
            continue;
        if (p->v.phase == POD_SUCCEEDED || p->v.phase == POD_FAILED)
            p->used = false;
        else
            kill_pod(w, p, 30);
    }
}

static inline void expire_jobs(struct sim_world *w)
{
    for (struct sim_job *j = w->job; j < w->job + MAX_JOBS; j++)
        if (j->used && j->v.has_ttl && (j->v.complete || j->v.failed)
            && w->now_s >= j->finished_s + JOB_TTL_S)
            remove_job(w, j);
}

static inline struct sim_job *find_sim_job(struct sim_world *w, const char *name)
{
    for (struct sim_job *j = w->job; j < w->job + MAX_JOBS; j++)
        if (j->used && strcmp(j->name, name) == 0)
            return j;
    return NULL;
}

#endif
