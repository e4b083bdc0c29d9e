/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool_io.h - frames compressed in order by a few threads, or by the caller's
 *
 * A ring of jobs: the caller fills the newest, hands it over, and takes finished ones back in
 * the order in which it handed them over, so that bytes do not depend on threads. One
 * owner; only shared/archive/ uses it. */
#ifndef DS_ARCHIVE_POOL_IO_H
#define DS_ARCHIVE_POOL_IO_H

#include "decksweep/err.h"
#include "decksweep/span.h"

struct pool;

/* level 1 .. 22; threads 0: the caller's thread. Threads start with the first large frame. */
struct pool *pool_create(int level, unsigned threads);
void pool_destroy(struct pool *p); /* waits for running jobs; NULL is legal */

/* Takes each frame, in order. Called from pool_submit and pool_drain, in the caller's thread. */
typedef int (*pool_done_f)(void *context, const unsigned char *frame, size_t n, struct ds_err *err);

/* The buffer to fill next: at least n bytes; content is kept when it grows. */
unsigned char *pool_buffer(struct pool *p, size_t n);

/* Compress the first n bytes of the buffer into one frame; afterwards the buffer is another. */
int pool_submit(struct pool *p, size_t n, pool_done_f done, void *context,
                struct ds_err *err) DS_CHECKED;
/* Wait for everything handed over. done NULL: throw it away. */
int pool_drain(struct pool *p, pool_done_f done, void *context, struct ds_err *err) DS_CHECKED;

/* Give back buffers above 1 MiB; nothing is running. */
void pool_trim(struct pool *p);

#endif
