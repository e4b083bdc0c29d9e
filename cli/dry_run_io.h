/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dry_run_io.h - measure what the simulator needs before it simulates */
#ifndef DS_CLI_DRY_RUN_IO_H
#define DS_CLI_DRY_RUN_IO_H

#include "cli/session_io.h"

/* Run the first case with --enable-dry-run=true below scratch (NULL: $TMPDIR, /var/tmp) and set
 * s->evidence.dry_run_peak_bytes to its peak. Preset flow only (asserted). DS_ETIMEOUT: more than
 * 10 minutes; DS_EINTR: SIGINT, SIGTERM or SIGHUP came; DS_EINPUT: the simulator does not load the
 * deck. Leaves nothing behind. */
int dry_run_measure(struct session *s, const char *scratch, struct ds_err *err) DS_CHECKED;

#endif
