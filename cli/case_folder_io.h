/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_folder_io.h - the folder of one case, straight from the sweep's own files
 *
 * What `render` shows and the dry run runs in. A worker makes the same from the bundle. */
#ifndef DS_CLI_CASE_FOLDER_IO_H
#define DS_CLI_CASE_FOLDER_IO_H

#include "scheduler/plan_io.h"

/* Write every file of row's case below dir (made when missing; files there are replaced):
 * closure files as in the bundle, placeholders filled in, trims applied when trim. Files of other
 * values of a `files` parameter are left out.
 *
 * DS_EINPUT, DS_ECORRUPT (a trim does not match), DS_ENOSPC, DS_EIO. */
int case_folder_write(const struct planned_view *v, uint32_t row, const char *dir, bool trim,
                      struct ds_err *err) DS_CHECKED;

#endif
