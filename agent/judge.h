/* SPDX-License-Identifier: GPL-3.0-or-later */
/* judge.h - what really became of an attempt
 *
 * Pure and reentrant: evidence in, verdict out. Exit status 0 alone is never success and a
 * status other than 0 is not always a failure; docs/worker.md has the table. agent/evidence_io.c
 * gathers the evidence from a case folder. Texts in the evidence are a simulator's: hostile. */
#ifndef DS_AGENT_JUDGE_H
#define DS_AGENT_JUDGE_H

#include "agent/prt.h"
#include "decksweep/result.h"
#include "decksweep/sweep.h"

/* Who ended the simulator. */
enum ending {
    ENDING_ITSELF = 0,
    ENDING_WALL_TIME, /* we: its wall time was up */
    ENDING_MEMORY,    /* we: it outgrew its slot's memory */
    ENDING_DISK,      /* we: it outgrew the scratch space */
    ENDING_STOPPED,   /* we: the worker was told to stop */
};

enum summary_state {
    SUMMARY_ABSENT = 0, /* no UNSMRY (or S0001...) */
    SUMMARY_WHOLE,      /* the last record ends where the file ends */
    SUMMARY_CUT,        /* it ends inside a record */
    SUMMARY_CORRUPT,    /* records contradict each other */
};

struct summary_facts {
    enum summary_state state;
    bool has_spec;          /* SMSPEC is there and readable */
    uint64_t whole_bytes;   /* UNSMRY up to the end of its last whole step */
    int64_t n_report_steps; /* SEQHDR seen with a whole PARAMS; -1 unknown */
    double last_time_days;  /* of the last whole step; NaN none */
};

struct evidence {
    enum judge_kind kind;
    enum ending ending;
    int exit_code;        /* -1 when a signal ended it */
    int signal;           /* 0 none */
    bool oom_kill_rose;   /* the cgroup's oom_kill count rose while it ran */
    bool disk_was_full;   /* free space was seen below DISK_FULL_BYTES while it ran */
    bool empty_output;    /* PRT, INFOSTEP, SMSPEC or UNSMRY is there with 0 bytes */
    struct prt_facts log; /* stdout, stderr, PRT (Eclipse: ECLEND) */
    struct summary_facts summary;

    double end_time_days;   /* of the schedule by the plan; NaN unknown */
    int64_t n_report_steps; /* of the schedule by the plan; 0 unknown */
    bool wants_summary;     /* keep asks for it */
    const char *too_much;   /* its folder cannot be kept whole: why; NULL */
    const char *missing;    /* judge `files`: what keep asks for and is not there; NULL none */
    int64_t wall_limit_ms;
    int64_t mem_limit_bytes; /* -1 unknown */
};

#define JUDGE_REASON_BYTES 480u
struct judgement {
    enum verdict verdict; /* VERDICT_CANCELLED: no attempt, commit nothing */
    const char *ended;    /* "normal", "action", "killed", "signal", "error", "early": static */
    char reason
        [JUDGE_REASON_BYTES]; /* "" when ok; one line: what, its words and place, what to do */
};

#define DISK_FULL_BYTES (UINT64_C(1) << 20)

void evidence_init(struct evidence *e); /* nothing known */
void judge_case(const struct evidence *e, struct judgement *out);

/* Has the last TIME reached the end of the schedule? TIME is float32: within 4 units in its
 * last place, or a second, whichever is more; a half-run last step is not the end. */
bool judge_reached_end(double last_days, double end_days);

#endif
