/* SPDX-License-Identifier: GPL-3.0-or-later */
/* size.h - how much memory, disk and time one case takes, and why (DESIGN.md 6)
 *
 * Pure. Better knowledge replaces worse: what the user says; the measured peak of finished
 * sibling cases (max x 1.15); 1.5 x the peak of a dry run; the memory model of the deck; for
 * a simulator without preset nothing is known before a pilot has run. */
#ifndef DS_SCHEDULER_SIZE_H
#define DS_SCHEDULER_SIZE_H

#include "decksweep/plan.h"
#include "decksweep/round.h"

struct size_evidence {        /* zeros where not known */
    uint64_t model_mem_bytes; /* deck/features.h, ranks included; 0 without a model */
    uint64_t dry_run_peak_bytes;
    uint64_t sibling_peak_bytes; /* largest of finished cases */
    uint32_t n_siblings;
    uint64_t sibling_ms_q50, sibling_ms_max;
    uint64_t sibling_archive_bytes; /* mean size of a stored case */
    uint64_t machine_mem_bytes;     /* what one case can have at most here */
};

enum size_source { SIZE_UNKNOWN, SIZE_MODEL, SIZE_DRY_RUN, SIZE_SIBLINGS, SIZE_USER };

struct sizing {
    uint64_t mem_bytes; /* of one case; 0 = unknown: a pilot of one case a worker */
    enum size_source source;
    uint64_t scratch_bytes; /* of one case while it runs */
    uint64_t case_ms;       /* 0 unknown */
    uint64_t store_bytes;   /* of one case, kept and compressed; 0 unknown */
    char why[200];          /* "model: 300 active cells x 6.7 KiB + 69 MiB = 71 MiB" */
    char why_time[120];
};

void size_case(const struct plan *p, const struct size_evidence *e, struct sizing *out);

/* A dry run pays when nothing better is known, the model would keep cores idle or not fit at
 * all, and the deck is large enough for the model to be far off. */
bool size_dry_run_pays(const struct plan *p, const struct size_evidence *e, uint32_t machine_cores,
                       uint64_t machine_mem_bytes);

/* Wall time of a sweep: n cases on `slots` slots. 0 when unknown. */
uint64_t size_sweep_ms(const struct sizing *s, uint64_t n_cases, uint32_t slots);

/* Would more ranks finish the sweep sooner? Efficiency by default: 2 cores 1.5, 4 cores 2.6,
 * 8 cores 3.5 above 20,000 cells a rank, none below. Gives the best number of ranks for n cases on
 * `cores` cores. */
uint32_t size_best_ranks(const struct plan *p, uint64_t n_cases, uint32_t cores);

#endif
