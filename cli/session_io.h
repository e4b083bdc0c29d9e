/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_io.h - what `plan` and `run` look at before they decide: sweep, machine, store
 *
 * The same look for both, so that `run` does what `plan` said. Nothing is written. */
#ifndef DS_CLI_SESSION_IO_H
#define DS_CLI_SESSION_IO_H

#include "agent/slots.h"
#include "cli/cmd.h"
#include "decksweep/topology.h"
#include "scheduler/census_io.h"
#include "scheduler/plan_io.h"
#include "scheduler/size.h"

struct session_options { /* NULL, 0 and false: as the sweep file and the machine say */
    const char *sweep_path;
    const char *store_url;
    uint32_t cores;
    uint64_t memory_bytes;
    const char *only; /* LIST */
    bool accept, refill;
};

struct session {
    struct planned *planned;
    const struct planned_view *view;
    struct store *store; /* NULL: not there yet (plan) */
    char *store_url;
    char prefix[SWEEP_MAX_NAME_BYTES + 2]; /* "<sweep>/" */

    struct ds_arena *machine; /* keeps topology and slots */
    struct topology topology;
    struct slots_request limits;
    struct capacity capacity;
    struct slots slots;

    struct ds_arena *look; /* keeps listing and census; new with every look */
    struct sweep_listing listing;
    struct census census;
    struct census_policy policy;
    struct size_evidence evidence; /* dry_run_peak_bytes is the caller's to fill */
    struct sizing sizing;
    struct measured measured;
};

/* SWEEP, --store, --cores and --memory of the command line into o. 0, or an exit status (told):
 * nothing can run on no core or in no memory. */
int session_read_options(const struct cli *cli, struct session_options *o) DS_CHECKED;

/* Read and check the sweep; faults go to stderr, one line each. Returns 0 or the code
 * (already told: exit with ds_exit_status). */
int session_load(struct cli *cli, const struct session_options *o, struct session *s,
                 struct ds_err *err) DS_CHECKED;

/* Every fault on stderr, one line each; a deck given for a sweep file is told what to do. */
void session_tell_faults(const char *path, const struct plan_faults *faults);

/* Topology, limits and the largest case this machine can run. */
int session_look_at_machine(const struct session_options *o, struct session *s,
                            struct ds_err *err) DS_CHECKED;

/* Open the store. STORE_READ: a store or sweep that is not there is s->store == NULL, but a
 * place where it could not be made is an error (DS_EDENIED). */
int session_open_store(const struct session_options *o, enum store_mode mode, struct session *s,
                       struct ds_err *err) DS_CHECKED;

/* List, measure, size, take the census, lay out the slots. May be called again. A case that
 * does not fit the machine at all: DS_ENOFIT with the numbers; no slots, and no error, when
 * nothing is left to run. */
int session_look_at_store(struct session *s, struct ds_err *err) DS_CHECKED;

/* Could a case run here, should there be one after all? DS_ENOFIT as above. */
int session_need_slots(const struct session *s, struct ds_err *err) DS_CHECKED;

void session_clear(struct session *s);

#endif
