/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_collect_io.h - collect at the end of a run, and say where the dataset is */
#ifndef DS_CLI_RUN_COLLECT_IO_H
#define DS_CLI_RUN_COLLECT_IO_H

#include "cli/session_io.h"

/* Collect the sweep of this session. Warnings to stderr, the dataset's place to stdout.
 * Returns 0, also when there is nothing to collect yet, or an exit status (already told). */
int run_collect(struct cli *cli, struct session *s);

#endif
