/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulator_io.h - is the simulator there, and which version is it? */
#ifndef DS_SCHEDULER_SIMULATOR_IO_H
#define DS_SCHEDULER_SIMULATOR_IO_H

#include "base/arena.h"

/* The executable a command's first word means: absolute, relative to the working directory
 * when it holds a '/', else searched in PATH. DS_ESIMULATOR with what to install. */
int simulator_find(struct ds_span word, struct ds_arena *a, struct ds_span *path,
                   struct ds_err *err) DS_CHECKED;

/* What `<path> --version` says: "flow 2022.10" gives "2022.10". At most 30 s and 4 KiB of output;
 * DS_ESIMULATOR when it says nothing of the kind. Cost: one start of flow, some 50 ms. */
int simulator_ask_version(struct ds_span path, struct ds_arena *a, struct ds_span *version,
                          struct ds_err *err) DS_CHECKED;

#endif
