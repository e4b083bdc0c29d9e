/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain.h - a case that was continued from a restart: the base's history before its own steps
 *
 * A continued case has only its own report steps; SMSPEC names the base (RESTART) and the
 * report step it continues from (DIMENS[5]). The whole history is the base's steps up to
 * and with that report step, then its own; the base may itself be continued. Pure. */
#ifndef DS_SUMMARY_CHAIN_H
#define DS_SUMMARY_CHAIN_H

#include "summary/smspec.h"
#include "summary/unsmry.h"

#define CHAIN_MAX_LINKS 32u

struct chain_link {
    const struct smspec *spec; /* borrowed */
    const struct unsmry *data; /* borrowed */
};

struct chain_step {
    uint32_t link;  /* of links */
    uint32_t step;  /* of that link's steps */
    bool is_report; /* last of its report step */
};

struct chain {
    const struct chain_link *links;
    size_t n_links;           /* used: fewer than given when the rest is not needed */
    struct chain_step *steps; /* in time order */
    size_t n_steps;
    uint32_t *reports; /* indexes of the steps with is_report */
    size_t n_reports;
    const uint32_t *const *columns; /* [link][own vector]: column there, SMSPEC_NONE if none */
    struct ds_span missing_root;    /* the base that would be needed next; "" complete */
    uint32_t n_missing_reports;     /* report steps that a base should have and has not */
};

/* Join.
 *
 * links  links[0] is the case itself, links[1] the base it names, links[2] the base of that..;
 *        1 .. CHAIN_MAX_LINKS; borrowed by out
 * a      keeps
 *
 * A base that is not given is no failure: missing_root and n_missing_reports say so. Steps of a
 * base whose TIME is not before the continuation's first are left out.
 *   DS_ECORRUPT  a base with another START or other units, restart steps that do not go down
 *   DS_ETOOBIG   the arena */
int chain_join(const struct chain_link *links, size_t n_links, struct ds_arena *a,
               struct chain *out, struct ds_err *err) DS_CHECKED;

/* The root of the base a case names, relative to the folder of its SMSPEC; "" none. */
struct ds_span chain_base_root(const struct smspec *spec);

/* Like unsmry_read_columns, over the whole history: vectors are indexes into
 * links[0].spec->vectors; NaN where a base lacks one. steps: indexes of c->steps, or NULL. */
void chain_read_columns(const struct chain *c, const uint32_t *steps, size_t n_steps,
                        const uint32_t *vectors, size_t n_vectors, float *out, size_t stride);

#endif
