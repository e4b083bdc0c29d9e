/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive/archive_format.h"

#include "archive/archive.h"
#include "base/sha256.h"

#define AT_VERSION  20u
#define AT_TOTAL    24u
#define AT_DIGEST   32u
#define AT_MAGIC    48u
#define DIGEST_HALF 16u

static const char MAGIC[8] = ARCHIVE_MAGIC; /* without a terminator */

void archive_put_u32(unsigned char *at, uint32_t v)
{
    for (size_t i = 0; i < 4; i++, v >>= 8)
        at[i] = (unsigned char)v;
}

uint32_t archive_get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static unsigned hex_value(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void digest_half(const unsigned char *footer, const unsigned char *table, size_t n,
                        unsigned char out[DIGEST_HALF])
{
    char hex[65];
    struct sha256 *h = sha256_create();
    sha256_add(h, table, n);
    sha256_add(h, footer, AT_DIGEST);
    sha256_end(h, hex);
    sha256_destroy(h);
    for (size_t i = 0; i < DIGEST_HALF; i++)
        out[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
}

void archive_footer_write(const struct archive_footer *f, const unsigned char *table,
                          unsigned char out[ARCHIVE_FOOTER_BYTES])
{
    archive_put_u32(out, f->n_members);
    archive_put_u32(out + 4, f->frame_raw);
    archive_put_u32(out + 8, f->table_packed);
    archive_put_u32(out + 12, f->table_raw);
    archive_put_u32(out + 16, f->end_bytes);
    archive_put_u32(out + AT_VERSION, ARCHIVE_VERSION);
    archive_put_u32(out + AT_TOTAL, (uint32_t)f->archive_bytes);
    archive_put_u32(out + AT_TOTAL + 4, (uint32_t)(f->archive_bytes >> 32));
    digest_half(out, table, f->table_packed, out + AT_DIGEST);
    memcpy(out + AT_MAGIC, MAGIC, sizeof MAGIC);
}

enum archive_footer_check archive_footer_read(const unsigned char bytes[ARCHIVE_FOOTER_BYTES],
                                              struct archive_footer *out)
{
    struct archive_footer f = {
        .n_members = archive_get_u32(bytes),
        .frame_raw = archive_get_u32(bytes + 4),
        .table_packed = archive_get_u32(bytes + 8),
        .table_raw = archive_get_u32(bytes + 12),
        .end_bytes = archive_get_u32(bytes + 16),
        .archive_bytes = archive_get_u32(bytes + AT_TOTAL)
                         | (uint64_t)archive_get_u32(bytes + AT_TOTAL + 4) << 32,
    };
    if (memcmp(bytes + AT_MAGIC, MAGIC, sizeof MAGIC) != 0)
        return FOOTER_NO_MAGIC;
    if (archive_get_u32(bytes + AT_VERSION) != ARCHIVE_VERSION)
        return FOOTER_VERSION;
    if (f.n_members > ARCHIVE_MAX_MEMBERS || f.frame_raw < ARCHIVE_FRAME_RAW_MIN
        || f.frame_raw > ARCHIVE_FRAME_RAW_MAX || f.frame_raw % TAR_BLOCK_BYTES != 0
        || f.table_raw > ARCHIVE_MAX_INDEX_BYTES || f.table_packed > f.table_raw || f.end_bytes == 0
        || f.end_bytes > ARCHIVE_END_FRAME_MAX)
        return FOOTER_RANGE;
    *out = f;
    return FOOTER_OK;
}

bool archive_footer_digest_ok(const unsigned char bytes[ARCHIVE_FOOTER_BYTES],
                              const unsigned char *table, size_t table_packed)
{
    unsigned char digest[DIGEST_HALF];
    digest_half(bytes, table, table_packed, digest);
    return memcmp(digest, bytes + AT_DIGEST, DIGEST_HALF) == 0;
}

size_t archive_varint_write(uint64_t v, unsigned char out[ARCHIVE_VARINT_BYTES])
{
    size_t n = 0;
    while (v >= 0x80) {
        out[n++] = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (unsigned char)v;
    return n;
}

bool archive_varint_read(const unsigned char **at, const unsigned char *end, uint64_t max,
                         uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; *at < end && shift < 63; shift += 7) {
        unsigned char c = *(*at)++;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c & 0x80)
            continue;
        *out = v;
        return v <= max && (c != 0 || shift == 0);
    }
    return false;
}
