/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster_status_io.h - `status` of Sweeps in a cluster, and waiting for them with a view */
#ifndef DS_CLI_CLUSTER_STATUS_IO_H
#define DS_CLI_CLUSTER_STATUS_IO_H

#include "cli/target_io.h"

/* Print how the Sweep of t stands; watch: first show it live on stderr until nothing goes on any
 * more. *status: exit status of the sweep (sweep_report_exit). */
int cluster_status(struct cli *cli, struct target *t, bool watch, int *status,
                   struct ds_err *err) DS_CHECKED;

/* Print a line (with --json: an object) a Sweep of the namespace, or of all. */
int cluster_status_list(struct cli *cli, bool all_namespaces, struct ds_err *err) DS_CHECKED;

/* Show a Sweep live on stderr until done says so; *r: as seen last. done NULL: until it has ended or is
 * suspended. For `status --watch` and `submit --wait`. */
int cluster_watch(const struct cli *cli, struct cluster *c, const char *name,
                  bool (*done)(void *context, const struct sweep_report *r), void *context,
                  struct sweep_report *r, struct ds_err *err) DS_CHECKED;

/* Columns of the terminal behind stdout; 0: it is none. */
unsigned cluster_output_width(const struct cli *cli);

#endif
