/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch_use_io.h - measure folders as a kubelet does: allocated blocks, links once */
#ifndef DS_AGENT_SCRATCH_USE_IO_H
#define DS_AGENT_SCRATCH_USE_IO_H

#include <stdint.h>

/* Allocated bytes of path and all below it on its file system. A file with n links counts with the nth
 * part. What vanishes meanwhile is passed over; 0 when nothing is there. Cost: one stat a file. */
uint64_t scratch_used_bytes(const char *path);

#endif
