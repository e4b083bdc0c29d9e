/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pod_io.h - what a worker does only because it is in a pod: bring the programs, leave a message */
#ifndef DS_AGENT_POD_IO_H
#define DS_AGENT_POD_IO_H

#include "decksweep/round.h"

/* Copy bin/ and lib/ from the folder above this program's own into dir, which the simulator's
 * container mounts at POD_PROGRAMS: programs, their loader and their libraries. Files that
 * are there are replaced. DS_EIO, DS_ENOSPC and kin; DS_EINPUT: this program does not stand
 * in a bin/ beside a lib/ (an image that was built otherwise). */
int pod_install(const char *dir, struct ds_err *err) DS_CHECKED;

/* The report as termination message. A file that is not there or cannot be written is passed
 * over: the message is a hint, the truth is in the store. */
void pod_leave_message(const char *path, const struct chunk_report *report);

#endif
