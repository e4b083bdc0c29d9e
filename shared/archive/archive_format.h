/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive_format.h - the bytes of the index, shared by writer and reader (docs/archive.md)
 *
 *     frames of member 0 | ... | end-of-archive frame | skippable frame:
 *         8 bytes   magic 0x184D2A5D, size of what follows (little-endian, as all numbers)
 *         P bytes   table, as it is (P == R) or one zstd frame
 *         56 bytes  footer
 *
 * Table: for each member varint(name length), name, varint(size); then for each frame of each
 * member varint(its bytes in the archive). Frames follow each other from offset 0 without
 * gaps, so offsets need not be said and cannot lie. All frames of a member but its last hold
 * frame_raw bytes of its tar header, content and padding. Pure. */
#ifndef DS_ARCHIVE_ARCHIVE_FORMAT_H
#define DS_ARCHIVE_ARCHIVE_FORMAT_H

#include "archive/tar_header.h"

#define ARCHIVE_ZSTD_MAGIC      0xFD2FB528u
#define ARCHIVE_SKIPPABLE_MAGIC 0x184D2A5Du
#define ARCHIVE_SKIPPABLE_BYTES 8u
#define ARCHIVE_VERSION         1u
#define ARCHIVE_MAGIC           "DSWPINDX"
#define ARCHIVE_FOOTER_BYTES    56u
#define ARCHIVE_FRAME_RAW       (2u << 20) /* what the writer uses; a multiple of 512 */
#define ARCHIVE_FRAME_RAW_MIN   (64u << 10)
#define ARCHIVE_FRAME_RAW_MAX   (64u << 20)
#define ARCHIVE_END_FRAME_MAX   64u /* compressed bytes of the 1024 zeros */

struct archive_footer {
    uint32_t n_members;
    uint32_t frame_raw;     /* content of a full frame */
    uint32_t table_packed;  /* P */
    uint32_t table_raw;     /* R */
    uint32_t end_bytes;     /* of the end-of-archive frame */
    uint64_t archive_bytes; /* whole, footer included */
};

/* Offsets in the footer: n_members 0, frame_raw 4, table_packed 8, table_raw 12, end_bytes
 * 16, version 20, archive_bytes 24, digest 32 (16 bytes: first half of SHA-256 over the packed
 * table and footer bytes 0 .. 31), magic 48. */
void archive_footer_write(const struct archive_footer *f, const unsigned char *table,
                          unsigned char out[ARCHIVE_FOOTER_BYTES]);

enum archive_footer_check {
    FOOTER_OK,
    FOOTER_NO_MAGIC,
    FOOTER_VERSION,
    FOOTER_RANGE, /* a number outside its bounds */
};
/* Bounds only; the digest needs the table. */
enum archive_footer_check archive_footer_read(const unsigned char bytes[ARCHIVE_FOOTER_BYTES],
                                              struct archive_footer *out);
bool archive_footer_digest_ok(const unsigned char bytes[ARCHIVE_FOOTER_BYTES],
                              const unsigned char *table, size_t table_packed);

void archive_put_u32(unsigned char *at, uint32_t v);
uint32_t archive_get_u32(const unsigned char *at);

#define ARCHIVE_VARINT_BYTES 10u
/* LEB128; returns the bytes written. */
size_t archive_varint_write(uint64_t v, unsigned char out[ARCHIVE_VARINT_BYTES]);
/* Advances *at; false when it ends early, is longer than needed or above max. */
bool archive_varint_read(const unsigned char **at, const unsigned char *end, uint64_t max,
                         uint64_t *out);

/* Decompressed bytes of a member: header, content, padding. */
static inline uint64_t archive_member_raw(struct ds_span name, uint64_t size_bytes)
{
    return tar_header_bytes(name, size_bytes) + size_bytes + tar_padding(size_bytes);
}

#endif
