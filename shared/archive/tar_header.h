/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tar_header.h - the tar header of a regular file, a function of name, size and mode only
 *
 * POSIX.1-2001 ustar; where it cannot say the name (over 100 bytes, or not ASCII) or the size
 * (8 GiB and more) a pax extended header stands before it. Same input, same bytes: a reader
 * checks a header by making it again. mtime, uid and gid are 0. Pure, reentrant. */
#ifndef DS_ARCHIVE_TAR_HEADER_H
#define DS_ARCHIVE_TAR_HEADER_H

#include "decksweep/span.h"

#define TAR_BLOCK_BYTES      512u
#define TAR_END_BYTES        1024u
#define TAR_HEADER_MAX_BYTES 8192u

/* Bytes of the header(s): a multiple of 512, at most TAR_HEADER_MAX_BYTES. name: at most
 * PATH_MAX_BYTES (asserted). */
size_t tar_header_bytes(struct ds_span name, uint64_t size_bytes);

/* Write exactly tar_header_bytes to out; returns them. */
size_t tar_header_write(struct ds_span name, uint64_t size_bytes, bool executable,
                        unsigned char out[TAR_HEADER_MAX_BYTES]);

/* Is that what stands at bytes (tar_header_bytes of them)? *executable: its mode is 0755. */
bool tar_header_matches(const unsigned char *bytes, struct ds_span name, uint64_t size_bytes,
                        bool *executable);

/* Zero bytes after a content of this size. */
static inline size_t tar_padding(uint64_t size_bytes)
{
    return (size_t)(-size_bytes & (TAR_BLOCK_BYTES - 1));
}

#endif
