/* SPDX-License-Identifier: GPL-3.0-or-later */
/* submit_io.h - bring a sweep into a cluster, and wait for it */
#ifndef DS_CLI_SUBMIT_IO_H
#define DS_CLI_SUBMIT_IO_H

#include "cmd/program_io.h"

struct submit_options {
    const char *sweep_path;
    const char *image; /* DECKSWEEP_SIMULATOR_IMAGE; NULL: as the file says */
    bool retry_failed, refill, accept, replace;
    bool wait;
    bool dry_run; /* show the object, send nothing */
};

/* Check as plan does, create or update the Sweep, bring its deck. Returns the exit status; all that
 * is wrong was told. With wait: 0 Succeeded, 1 Failed, 2 Refused, 3 Stalled or the world,
 * 130 when interrupted (the sweep goes on). */
int submit_sweep(struct cli *cli, const struct submit_options *o);

#endif
