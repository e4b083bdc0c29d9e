/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster_logs_io.h - what pods of a Sweep say: cases that run, and the census */
#ifndef DS_CLI_CLUSTER_LOGS_IO_H
#define DS_CLI_CLUSTER_LOGS_IO_H

#include "cli/target_io.h"

/* Print the events and the simulator's last lines of a case that runs in a worker of t's Sweep;
 * follow: go on until it ends. *found: it ran (false: nothing printed; the store may have it). text:
 * CASE, a number or the start of an id. Looks at the newest lines of every running pod: some 10 ms
 * each, 16 at a time. */
int cluster_case_log(struct cli *cli, struct target *t, const char *text, bool follow, bool *found,
                     struct ds_err *err) DS_CHECKED;

/* Print the newest census's log as it is; follow: until it ends. DS_ENOTFOUND: there is none any more. */
int cluster_census_log(struct cli *cli, struct target *t, bool follow,
                       struct ds_err *err) DS_CHECKED;

/* Wait until the case runs, or the Sweep rests; says so once. *runs: it does. */
int cluster_wait_case(struct cli *cli, struct target *t, const char *text, bool *runs,
                      struct ds_err *err) DS_CHECKED;

#endif
