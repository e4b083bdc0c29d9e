/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.h - a plan from a checked sweep and a scanned deck. Pure.
 *
 * Puts together what the parts decide: which files hold placeholders, what is trimmed, what
 * the cases are, which ids they have. Everything that is wrong is collected, with the place in
 * the sweep file or the deck. */
#ifndef DS_SCHEDULER_PLAN_H
#define DS_SCHEDULER_PLAN_H

#include "deck/closure.h"
#include "deck/template.h"
#include "scheduler/design.h"

#define PLAN_MAX_WARNINGS 100u

struct plan_input { /* all borrowed; must outlive the result */
    const struct sweep *sweep;
    const struct closure *closure;
    /* closure params are the sweep's PARAM_FILES in the sweep's order */
    struct ds_span table_text;
    struct ds_span simulator;         /* "flow" or the command's first word, base name */
    struct ds_span simulator_version; /* as reported, or the pin */
};

struct plan_result {
    struct plan plan;
    struct design_table table;
    struct ds_buf *design_csv; /* the caller's */
    struct ds_buf *plan_json;  /* the caller's */
    char digest[PLAN_DIGEST_BYTES];
    struct ds_span title;     /* of the deck */
    uint64_t model_mem_bytes; /* 0 without a model */
    struct ds_span model_words;
    const struct ds_span *warnings; /* sentences */
    size_t n_warnings;
};

/* out->design_csv and out->plan_json are set by the caller (empty buffers with caps); the rest
 * is given and borrows a. sweep_problems and deck_problems collect what is wrong.
 *
 * DS_EINPUT: one of the problem lists holds errors. DS_ETOOBIG: arena or buffers.
 * Cost: design_expand + some us a case. */
int plan_assemble(const struct plan_input *in, struct ds_arena *a, struct plan_result *out,
                  struct sweep_problems *sweep_problems, struct deck_problems *deck_problems,
                  struct ds_err *err) DS_CHECKED;

/* Names that are placeholders besides the parameters: IENS, REAL, ITER. */
extern const struct ds_span PLAN_BUILT_IN[3];

#endif
