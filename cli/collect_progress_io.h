/* SPDX-License-Identifier: GPL-3.0-or-later */
/* collect_progress_io.h - collect as people see it: progress, warnings, Ctrl-C */
#ifndef DS_CLI_COLLECT_PROGRESS_IO_H
#define DS_CLI_COLLECT_PROGRESS_IO_H

#include "collector/collect.h"

/* collect_run with progress on stderr (redrawn on a terminal, now and then a line elsewhere),
 * then its warnings. The first SIGINT, SIGTERM or SIGHUP ends it with DS_EINTR: the old dataset
 * stays whole and scratch is removed; a second one does what it always does. */
int collect_with_progress(struct store *s, struct ds_span prefix, const struct plan *p,
                          const struct design *d, struct collect_options o, struct ds_arena *a,
                          struct collect_report *report, struct ds_err *err) DS_CHECKED;

#endif
