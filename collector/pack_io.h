/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack_io.h - pack the chunks of a block of rows, with a second thread's help
 *
 * Packing is the longer half of a merge: the thread that writes shares it with a helper. Chunks come
 * back in the order of the vectors whoever packed them, so files do not depend on the threads. */
#ifndef DECKSWEEP_COLLECTOR_PACK_IO_H
#define DECKSWEEP_COLLECTOR_PACK_IO_H

#include "decksweep/err.h"

#include <stddef.h>

struct pack_pool;

/* For chunks of rows * row_values values. gives: pack_pool_destroy. Without a second thread the
 * caller packs alone. Memory: about 1.2 MB + 40 bytes a value of a chunk. */
struct pack_pool *pack_pool_create(size_t rows, size_t row_values);
void pack_pool_destroy(struct pack_pool *p); /* NULL is legal */

/* The packed chunk of vector v; bytes 0: it has no value. Lives until it returns; negative ends. */
typedef int (*pack_ready_f)(void *context, size_t v, const unsigned char *packed, size_t bytes,
                            struct ds_err *err);

/* slab: [n_vectors][rows][row_values], of which rows may be fewer than a chunk has: NaN fills the
 * rest. Calls ready for each vector in order, in the caller's thread. */
int pack_pool_run(struct pack_pool *p, const float *slab, size_t n_vectors, size_t rows,
                  pack_ready_f ready, void *context, struct ds_err *err) DS_CHECKED;

#endif
