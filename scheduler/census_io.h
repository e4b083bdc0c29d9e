/* SPDX-License-Identifier: GPL-3.0-or-later */
/* census_io.h - the shell around the census: list the store, read what was measured, commit
 *
 * One sweep's folder in a store is named by its prefix, "<sweep>/". One thread. */
#ifndef DS_SCHEDULER_CENSUS_IO_H
#define DS_SCHEDULER_CENSUS_IO_H

#include "decksweep/round.h"
#include "scheduler/plan_io.h"
#include "scheduler/size.h"
#include "store/store.h"

#define CENSUS_MAX_REPORTS 2048u

struct report_key { /* rounds/<round>.<index>.json */
    uint32_t round, index;
};

struct sweep_listing {
    const struct listing_key *keys; /* relative to the prefix: cases/, failed/, started/ */
    size_t n_keys;
    uint32_t last_round;              /* highest N of rounds/<N>.json; 0 none */
    const struct report_key *reports; /* of workers, the newest round first */
    size_t n_reports;
};

/* List cases/, failed/, started/ and rounds/. a: keeps. A sweep that is not there yet is an
 * empty listing. Cost: one pass over the folders, 64 bytes a key. */
int census_list(struct store *s, const char *prefix, struct ds_arena *a, struct sweep_listing *out,
                struct ds_err *err) DS_CHECKED;

/* What earlier rounds measured: rounds/<N>.<index>.json of this plan, all indexes, the newest
 * CENSUS_MAX_REPORTS of them (the median of their medians, the largest of their peaks), else case.json of up to
 * 32 done cases with the same base digest, simulator and ranks, of at most SIBLINGS_MAX_LOOKS
 * archives looked at (siblings.h). Fills the sibling_* fields of *e; what cannot be read is
 * passed over. */
void census_measure(struct store *s, const char *prefix, const struct planned_view *v,
                    const struct sweep_listing *listing, struct size_evidence *e);

/* sizing.json: what people see of a size. Not written is a warning. */
void census_write_sizing(struct store *s, const char *prefix, const struct sizing *z,
                         uint32_t n_siblings);

/* Commit rounds/<N>.json. DS_EEXIST: somebody else has taken N; list again and take the next. */
int census_commit_round(struct store *s, const char *prefix, const struct round *r,
                        struct ds_err *err) DS_CHECKED;

/* --retry-failed: failed/<id>.<highest attempt>.granted for each finally failed case of the
 * census that the policy's --only names. *n_granted: how many. */
int census_grant(struct store *s, const char *prefix, const struct census *c,
                 const struct design *d, const struct census_policy *policy, uint32_t *n_granted,
                 struct ds_err *err) DS_CHECKED;

/* --refill: remove narrower case keys of cases that now have a covering one. */
int census_drop_narrower(struct store *s, const char *prefix, const struct sweep_listing *listing,
                         const struct keep *keep, uint32_t *n_removed,
                         struct ds_err *err) DS_CHECKED;

#endif
