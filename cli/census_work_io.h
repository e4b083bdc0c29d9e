/* SPDX-License-Identifier: GPL-3.0-or-later */
/* census_work_io.h - what the files of a census pod share; private to them
 *
 * census_pod_io.c: from environment and deck to the report; census_look_io.c: what the store
 * holds; census_round_io.c: the pilot and the next round. */
#ifndef DS_CLI_CENSUS_WORK_IO_H
#define DS_CLI_CENSUS_WORK_IO_H

#include "cli/census_pod_io.h"
#include "cli/deck_bring_io.h"
#include "scheduler/census_io.h"
#include "scheduler/pod_size.h"

struct census_once { /* spec.once.do of a token that is not obeyed yet */
    bool retry_failed, refill, accept, replace;
};

struct census_work {
    struct cli *cli;
    const struct census_options *o;
    const char *scratch;
    struct census_report report;

    struct node_class nodes[NODE_CLASSES_MAX];
    size_t n_nodes;
    struct pod_limits limits;
    struct census_once once;
    const char *stopped; /* why the last round was ended early; "" */

    struct ds_arena *arena; /* sweep, deck paths */
    struct sweep sweep;     /* as a first look at the file gives it */
    char prefix[SWEEP_MAX_NAME_BYTES + 2];
    struct store *store;
    struct deck_here deck;
    struct planned *planned;
    const struct planned_view *view;

    struct ds_arena *look; /* keeps listing and census; new with every look */
    struct sweep_listing listing;
    struct census census;
    struct census_policy policy;
    struct size_evidence evidence;
    struct sizing sizing;
    struct measured measured;
    struct capacity capacity;
};

/* A line on stdout, at once. */
void census_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* List, measure, size, count; totals into the report. May be called again. */
int census_look(struct census_work *w, struct ds_err *err) DS_CHECKED;
/* Is nothing known of this plan's cases yet? */
bool census_is_unmeasured(const struct census_work *w);
/* Rows that a round would run. */
uint32_t census_left(const struct census_work *w);
/* What the cases of one need ask of a pod. */
struct pod_need census_pod_need(const struct census_work *w, uint64_t mem_bytes, uint32_t n_cases);

/* Run the pilot here, if there is one to run and it fits this pod. *ran: look again. DS_EINTR: told
 * to stop; DS_ESIMULATOR, DS_EIO: the worker could not work, with its last words. */
int census_pilot(struct census_work *w, bool *ran, struct ds_err *err) DS_CHECKED;

/* Commit the next round and describe it in the report. pilot: of the pilot cases alone, one
 * a pod. */
int census_next_round(struct census_work *w, bool pilot, struct ds_err *err) DS_CHECKED;

#endif
