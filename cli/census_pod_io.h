/* SPDX-License-Identifier: GPL-3.0-or-later */
/* census_pod_io.h - `decksweep census`: one look at a sweep from inside a pod
 *
 * Brings the deck, plans, counts what the store holds, runs the pilot where nothing is measured
 * yet, and either commits the next round or collects. The answer is one census_report
 * (decksweep/cluster.h) in the pod's termination message; the controller acts on it. Every step may
 * be cut off at any moment: the next census starts over from the store. */
#ifndef DS_CLI_CENSUS_POD_IO_H
#define DS_CLI_CENSUS_POD_IO_H

#include "cli/cmd.h"
#include "decksweep/cluster.h"

struct census_options {
    const char *sweep_file;
    const char *store_url;
    const char *mount;   /* folder of the deck's ConfigMap; NULL none */
    const char *scratch; /* NULL: $TMPDIR, else /var/tmp */
};

#define CENSUS_INTERRUPTED 75 /* exit status: SIGTERM; nothing was decided */

/* The whole command. 0: a report was written, whatever it says; CENSUS_INTERRUPTED; CLI_WORLD: not
 * even a report could be written. stdout: what happens, a line each. */
int census_pod_run(struct cli *cli, const struct census_options *o);

#endif
