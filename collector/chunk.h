/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk.h - float32 values as HDF5's filters shuffle and deflate leave them, but quicker
 *
 * A shuffled chunk has four planes: the first bytes of all values, then the second, ... The low
 * planes of simulated values are noise on which deflate only wastes time. Each plane is looked at
 * first, and then stored, Huffman coded, run-length coded, or deflated; the whole is one zlib
 * stream (RFC 1950, RFC 1951) that HDF5 reads like its own. Three to four times as fast as level 1,
 * about as small. Pure; a packer belongs to one thread. */
#ifndef DECKSWEEP_COLLECTOR_CHUNK_H
#define DECKSWEEP_COLLECTOR_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

#define CHUNK_ELEMENT_BYTES 4u

struct chunk_packer;

/* Bytes that the packed form of n values may take at most. */
size_t chunk_most_bytes(size_t n);

/* For chunks of n values in rows of `row` values (a hint: rows that repeat each other are
 * found). gives: chunk_packer_destroy. Aborts without memory. */
struct chunk_packer *chunk_packer_create(size_t n, size_t row);
void chunk_packer_destroy(struct chunk_packer *p); /* NULL is legal */

/* Pack n values; *packed lives until the next call. Never fails. Returns its bytes. */
size_t chunk_pack(struct chunk_packer *p, const float *values, const unsigned char **packed);

/* The n values of a packed chunk; scratch: 4 n bytes. Takes any zlib stream of shuffled values and
 * leaves its checksum alone. false: it is none, or of another length. */
bool chunk_unpack(const void *packed, size_t bytes, size_t n, void *scratch, float *out);

#endif
