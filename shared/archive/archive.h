/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive.h - the seekable .tar.zst: written by workers and planner, read by ranges
 *
 * A tar (pax where needed, fixed UTF-8) in which every member is one or more own zstd frames with
 * content size and checksum, the end-of-archive blocks a frame of their own, followed by one
 * skippable frame that holds the index: `tar --zstd -xf` and `zstd -t` read it, and a
 * reader that knows the tail fetches one member with one range. Format: docs/archive.md, after
 * RFC 8878 and POSIX.1-2001 pax. Same members in the same order with the same options and
 * the same libzstd give the same bytes (mtime, uid, gid are 0, mode 0644 or 0755).
 *
 * Readers take hostile bytes. A writer or reader belongs to one thread at a time. */
#ifndef DS_ARCHIVE_ARCHIVE_H
#define DS_ARCHIVE_ARCHIVE_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

#define ARCHIVE_MAX_MEMBERS      200000u
#define ARCHIVE_MAX_MEMBER_BYTES (UINT64_C(1) << 42)
#define ARCHIVE_MAX_INDEX_BYTES  (64u << 20)

/* ---- writing ---- */

/* Where compressed bytes go, in order. 0 or negative ds_code (then the writer fails with it). */
typedef int (*archive_sink_f)(void *context, const void *data, size_t n, struct ds_err *err);

struct archive_writer;

/* level 1 .. 22; threads 0 = compress in the caller's thread. The zstd context is kept
 * and reused over archive_writer_reset: cheap for thousands of small archives. */
struct archive_writer *archive_writer_create(int level, unsigned threads);
void archive_writer_destroy(struct archive_writer *w);
void archive_writer_start(struct archive_writer *w, archive_sink_f sink, void *context);

/* One member from memory. name: safe member name. sha256: NULL, or 65 bytes for its hex
 * (computed on the way). */
int archive_add_bytes(struct archive_writer *w, const char *name, struct ds_bytes data,
                      char sha256[65], struct ds_err *err) DS_CHECKED;
/* One member from an open file, exactly size_bytes from its start; a file that is shorter by
 * then is DS_ECORRUPT "shrank while it was read". */
int archive_add_fd(struct archive_writer *w, const char *name, int fd, uint64_t size_bytes,
                   bool executable, char sha256[65], struct ds_err *err) DS_CHECKED;
/* End blocks and index. *total_bytes: what went to the sink. */
int archive_writer_end(struct archive_writer *w, uint64_t *total_bytes,
                       struct ds_err *err) DS_CHECKED;

/* ---- reading ---- */

/* Bytes [offset, offset+n) of the archive; n > 0. */
typedef int (*archive_read_f)(void *context, uint64_t offset, void *dst, size_t n,
                              struct ds_err *err);

struct archive_member {
    struct ds_span name;         /* safe, terminated */
    uint64_t size_bytes;         /* content */
    uint64_t frame_offset;       /* its first frame (tar header included) in the archive */
    uint64_t frame_bytes;        /* all its frames */
    uint32_t header_bytes;       /* tar (and pax) header at the start of the decompressed frames */
    uint32_t n_frames;           /* 1 .. */
    uint32_t frame_raw_bytes;    /* decompressed bytes of every frame but the last */
    const uint32_t *frame_sizes; /* bytes of each frame in the archive */
};

struct archive_index {
    const struct archive_member *members; /* in the order of the archive */
    size_t n_members;
    const uint32_t *by_name; /* n_members: places in members, sorted by name */
    uint64_t end_offset;     /* of the end-of-archive frame */
    uint32_t end_bytes;
};

/* Read the index at the tail: at most two reads. DS_ECORRUPT says what is wrong: cut, no
 * index, checksum, names unsafe or double, offsets outside or overlapping. Keeps in a. */
int archive_read_index(archive_read_f read, void *context, uint64_t archive_bytes,
                       struct ds_arena *a, struct archive_index *out,
                       struct ds_err *err) DS_CHECKED;
const struct archive_member *archive_find(const struct archive_index *x,
                                          struct ds_span name); /* NULL */

struct archive_reader; /* keeps a zstd context and buffers between members */
struct archive_reader *archive_reader_create(void);
void archive_reader_destroy(struct archive_reader *r);

/* One whole member into out (size known from the index; above max_bytes DS_ETOOBIG). The
 * tar header must agree with the index (name, size). */
int archive_read_member(struct archive_reader *r, archive_read_f read, void *context,
                        const struct archive_member *m, size_t max_bytes, struct ds_arena *a,
                        struct ds_span *out, struct ds_err *err) DS_CHECKED;
/* The same, streamed in pieces; *sha256 (may be NULL) of the content. */
int archive_stream_member(struct archive_reader *r, archive_read_f read, void *context,
                          const struct archive_member *m, archive_sink_f sink, void *sink_context,
                          char sha256[65], struct ds_err *err) DS_CHECKED;

/* Read adapters. */
int archive_read_from_fd(void *context /* int* */, uint64_t offset, void *dst, size_t n,
                         struct ds_err *err);
int archive_read_from_bytes(void *context /* struct ds_bytes* */, uint64_t offset, void *dst,
                            size_t n, struct ds_err *err);
int archive_read_from_store(void *context /* struct store_object* */, uint64_t offset, void *dst,
                            size_t n, struct ds_err *err);

#endif
