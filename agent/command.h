/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command.h - the words and the environment a case is started with. Pure, reentrant. */
#ifndef DECKSWEEP_AGENT_COMMAND_H
#define DECKSWEEP_AGENT_COMMAND_H

#include "base/arena.h"
#include "decksweep/plan.h"

struct command_case {
    struct ds_span deck;   /* {deck}: root deck's file name in the case's working folder */
    struct ds_span output; /* {output}: output folder, "." usually */
    bool altered_args;     /* append the plan's not_converged_args */
    bool as_root;          /* mpirun wants --allow-run-as-root */
    struct ds_span flow;   /* program for the preset; "" = "flow" */
};

/* The NULL-ended argv of one case.
 *
 *   preset flow, 1 rank   flow DECK --output-dir=OUT --threads-per-process=T args...
 *   preset flow, N ranks  mpirun --bind-to none -np N --host localhost:N [--allow-run-as-root]
 *                         flow DECK ...
 *   command               its words with {deck} {output} {ranks} {threads} replaced, args...
 *                         ({{ and }} are not special; an unknown {word} stays as it is)
 *
 * A command starts its own ranks: it must hold {ranks} when the plan has ranks > 1, else
 * DS_EINPUT. DS_ETOOBIG: arena, or more than COMMAND_MAX_WORDS. a keeps. */
#define COMMAND_MAX_WORDS 1000u
int command_build(const struct plan *p, const struct command_case *c, struct ds_arena *a,
                  const char *const **argv, size_t *n, struct ds_err *err) DS_CHECKED;

/* The NULL-ended environment of one case: `inherited` (NULL-ended, borrows) without what
 * would tell a simulator that it is inside another MPI job (OMPI_COMM_WORLD_*, PMIX_*, PMI_*,
 * OMPI_MCA_ess_*), then OMP_NUM_THREADS=T, for 1 rank of the preset flow
 * OMPI_MCA_ess_singleton_isolated=1, then `extra` (NULL-ended or NULL), the last word of a
 * name counting. a keeps the new strings and the array, borrows the rest. */
int command_environment(const char *const *inherited, const struct plan *p,
                        const char *const *extra, struct ds_arena *a, const char *const **env,
                        struct ds_err *err) DS_CHECKED;

/* The same for `flow --version`, which nobody starts with mpirun, however many ranks a case has: as a
 * lone process that is not told so it would start a daemon (orted), which an image may lack. */
int command_version_environment(const char *const *inherited, const struct plan *p,
                                struct ds_arena *a, const char *const **env,
                                struct ds_err *err) DS_CHECKED;

/* Words for `extra` that keep Open MPI's session folders and shared memory files in dir (an
 * existing folder on a local disk, absolute, removed by the caller at the end): ranks that
 * are killed leave 4 MiB each, which would else stay in /dev/shm and /tmp for ever. And for preset flow
 * that mpirun starts ranks itself: else it wants ssh, even for localhost, which an image may lack.
 * NULL-ended; for 1 rank it is empty. NULL: arena full. */
const char *const *command_mpi_words(const struct plan *p, struct ds_span dir, struct ds_arena *a);

#endif
