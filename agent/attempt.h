/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attempt.h - one attempt of a case on its way from the loop to the store, and its record
 *
 * Pure and reentrant. */
#ifndef DS_AGENT_ATTEMPT_H
#define DS_AGENT_ATTEMPT_H

#include "agent/dispatch.h"
#include "agent/judge.h"
#include "decksweep/plan.h"
#include "decksweep/result.h"

#define ATTEMPT_NAME_BYTES 32u

/* What the worker is and runs; the same for all its attempts. Borrowed throughout. */
struct attempt_context {
    const struct plan *plan;
    struct ds_span sweep, plan_digest;
    struct ds_span node; /* host name */
};

/* Filled by the loop; belongs to whoever holds it. Texts borrow arena. */
struct attempt {
    struct dispatch_item item;
    uint32_t number;
    struct case_id id;
    char name[ATTEMPT_NAME_BYTES]; /* folder below cases/: "17.1" */
    struct ds_arena *arena;
    const struct ds_span *values; /* plan->n_params at least */
    const char *const *argv;      /* NULL-ended */
    size_t n_argv;
    int64_t started_unix_ms, stage_ms;
    uint64_t limit_bytes; /* memory; 0 none */
    struct ds_span cpuset, nodeset;
    /* when it has ended */
    enum ending ending;
    int exit_code, signal;
    int64_t run_ms, cpu_ms;
    uint64_t peak_mem_bytes; /* 0 unknown */
    bool cpubind, membind;
    bool oom_kill_rose, disk_was_full;
    bool keep_folder; /* --keep-scratch failed */
};

/* "17.1": number and attempt. */
void attempt_name(uint32_t number, uint32_t attempt, char out[ATTEMPT_NAME_BYTES]);

/* What the loop knows as evidence; files are added by evidence_gather. */
void attempt_to_evidence(const struct attempt *t, const struct plan *p, struct evidence *e);

/* The key it is committed under (inside the sweep's folder). verdict is not CANCELLED. */
void attempt_key(const struct attempt *t, const struct plan *p, enum verdict verdict,
                 char out[RESULT_KEY_BYTES]);

/* Everything but files and judge_ms. a keeps. DS_ETOOBIG: the arena. */
int attempt_to_record(const struct attempt *t, const struct attempt_context *c,
                      const struct evidence *e, const struct judgement *j, struct ds_arena *a,
                      struct case_record *out, struct ds_err *err) DS_CHECKED;

#endif
