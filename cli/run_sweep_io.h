/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_sweep_io.h - `decksweep run`: census, round, worker, and again, until nothing is left */
#ifndef DS_CLI_RUN_SWEEP_IO_H
#define DS_CLI_RUN_SWEEP_IO_H

#include "cli/session_io.h"

struct run_options {
    struct session_options look;
    const char *scratch;
    bool retry_failed, replace, no_collect, join, keep_failed;
};

/* The whole command; returns its exit status. Everything is told on stderr; stdout gets the
 * place of the dataset. */
int run_sweep(struct cli *cli, const struct run_options *o);

#endif
