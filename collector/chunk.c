/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/chunk.h"

#include "base/vectorised.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#define PLANES       CHUNK_ELEMENT_BYTES
#define STORED_BYTES 65535u /* most that one stored block holds */
#define FIXED_BYTES  32u    /* zlib header, last block, checksum, and some */
#define NOISE_BITS   7.4    /* a byte; above it Huffman codes win too little */
#define SAMPLE_STEP  23u    /* one byte in so many is looked at */

enum method { HUFFMAN, REPEAT, DEFLATE, STORE };
#define STREAMS 3u /* zlib ones: HUFFMAN .. DEFLATE */

struct chunk_packer {
    size_t n, row;
    unsigned char *planes; /* PLANES * n */
    unsigned char *out;
    size_t room;
    z_stream deflate[STREAMS];
};

static void start_stream(z_stream *z, int strategy)
{
    /* raw deflate: the zlib wrapper around all blocks is ours */
    if (deflateInit2(z, 1, Z_DEFLATED, -MAX_WBITS, 8, strategy) != Z_OK)
        abort();
}

size_t chunk_most_bytes(size_t n)
{
    /* raw deflate at level 1 stores what it cannot pack: 5 bytes in 16 KiB, and its flush */
    return PLANES * (n + n / 1024 * 5 + 128) + FIXED_BYTES;
}

struct chunk_packer *chunk_packer_create(size_t n, size_t row)
{
    struct chunk_packer *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->n = n;
    p->row = row;
    start_stream(&p->deflate[HUFFMAN], Z_HUFFMAN_ONLY);
    start_stream(&p->deflate[REPEAT], Z_RLE);
    start_stream(&p->deflate[DEFLATE], Z_DEFAULT_STRATEGY);
    p->room = chunk_most_bytes(n);
    p->planes = malloc(PLANES * n + 1);
    p->out = malloc(p->room);
    if (!p->planes || !p->out)
        abort();
    return p;
}

void chunk_packer_destroy(struct chunk_packer *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < STREAMS; i++)
        (void)deflateEnd(&p->deflate[i]);
    free(p->planes);
    free(p->out);
    free(p);
}

/* Written so that compilers make vector code of it. */
VECTORISED static void shuffle(const float *values, size_t n, unsigned char *planes)
{
    unsigned char *restrict p0 = planes, *restrict p1 = p0 + n, *restrict p2 = p1 + n,
                            *restrict p3 = p2 + n;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        p0[i] = (unsigned char)bits;
        p1[i] = (unsigned char)(bits >> 8);
        p2[i] = (unsigned char)(bits >> 16);
        p3[i] = (unsigned char)(bits >> 24);
    }
}

VECTORISED static void unshuffle(const unsigned char *planes, size_t n, float *restrict out)
{
    const unsigned char *p0 = planes, *p1 = p0 + n, *p2 = p1 + n, *p3 = p2 + n;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits =
            (uint32_t)p0[i] | (uint32_t)p1[i] << 8 | (uint32_t)p2[i] << 16 | (uint32_t)p3[i] << 24;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

static double bits_of(const uint32_t count[256], size_t n)
{
    double sum = 0;
    for (unsigned i = 0; i < 256; i++)
        if (count[i] > 0)
            sum -= (double)count[i] * log2((double)count[i] / (double)n);
    return n > 0 ? sum / (double)n : 0;
}

/* Repeats of the byte before, or of the row before, are what deflate finds quickly. */
static enum method choose(const unsigned char *plane, size_t n, size_t row)
{
    uint32_t count[256] = {0};
    size_t looked = 0, repeats = 0, rows = 0;
    for (size_t i = row; i < n; i += SAMPLE_STEP, looked++) {
        count[plane[i]]++;
        repeats += plane[i] == plane[i - 1];
        rows += plane[i] == plane[i - row];
    }
    if (looked < 64)
        return DEFLATE;
    if (repeats > looked / 2 && repeats + looked / 50 >= rows)
        return REPEAT; /* looking further back finds nothing better */
    double bits = bits_of(count, looked);
    if (repeats > looked / 4 || rows > looked / 4 || bits < 4.0)
        return DEFLATE;
    return bits > NOISE_BITS ? STORE : HUFFMAN;
}

static size_t put_stored(const unsigned char *data, size_t n, unsigned char *out)
{
    size_t at = 0;
    while (n > 0) {
        size_t piece = n < STORED_BYTES ? n : STORED_BYTES;
        out[at++] = 0; /* not the last block, stored */
        out[at++] = (unsigned char)(piece & 0xff);
        out[at++] = (unsigned char)(piece >> 8);
        out[at++] = (unsigned char)(~piece & 0xff);
        out[at++] = (unsigned char)(~piece >> 8 & 0xff);
        memcpy(out + at, data, piece);
        at += piece;
        data += piece;
        n -= piece;
    }
    return at;
}

/* Blocks up to a byte boundary, none of them the last. */
static size_t put_deflated(z_stream *z, const unsigned char *data, size_t n, unsigned char *out,
                           size_t room)
{
    (void)deflateReset(z);
    z->next_in = data;
    z->avail_in = (uInt)n;
    z->next_out = out;
    z->avail_out = (uInt)room;
    int rc = deflate(z, Z_SYNC_FLUSH);
    assert(rc == Z_OK && z->avail_in == 0 && z->avail_out > 0);
    (void)rc;
    return room - z->avail_out;
}

#define ADLER_MOD   65521u
#define ADLER_LANES 32u
#define ADLER_RUNS  128u /* sums of so many times 32 bytes fit 32 bits */

/* RFC 1950's checksum, summed in lanes so that compilers make vector code of it. */
VECTORISED static uint32_t adler(const unsigned char *data, size_t n)
{
    uint32_t a = 1, b = 0;
    while (n >= ADLER_LANES) {
        uint32_t sum[ADLER_LANES] = {0}, sums[ADLER_LANES] = {0};
        uint32_t runs = n / ADLER_LANES < ADLER_RUNS ? (uint32_t)(n / ADLER_LANES) : ADLER_RUNS;
        for (uint32_t r = 0; r < runs; r++, data += ADLER_LANES)
            for (uint32_t k = 0; k < ADLER_LANES; k++) {
                sums[k] += sum[k];
                sum[k] += data[k];
            }
        uint32_t bytes = 0, weighted = 0;
        for (uint32_t k = 0; k < ADLER_LANES; k++) {
            bytes += sum[k];
            weighted += ADLER_LANES * sums[k] + (ADLER_LANES - k) * sum[k];
        }
        b = (b + a * (runs * ADLER_LANES) + weighted) % ADLER_MOD;
        a = (a + bytes) % ADLER_MOD;
        n -= (size_t)runs * ADLER_LANES;
    }
    for (; n > 0; n--) {
        a = (a + *data++) % ADLER_MOD;
        b = (b + a) % ADLER_MOD;
    }
    return b << 16 | a;
}

size_t chunk_pack(struct chunk_packer *p, const float *values, const unsigned char **packed)
{
    size_t at = 0;
    shuffle(values, p->n, p->planes);
    p->out[at++] = 0x78; /* deflate, window of 32 KiB */
    p->out[at++] = 0x01; /* check bits */
    for (size_t k = 0; k < PLANES; k++) {
        const unsigned char *plane = p->planes + k * p->n;
        enum method method = choose(plane, p->n, p->row);
        if (method == STORE)
            at += put_stored(plane, p->n, p->out + at);
        else
            at += put_deflated(&p->deflate[method], plane, p->n, p->out + at, p->room - at);
    }
    static const unsigned char LAST[5] = {1, 0, 0, 0xff, 0xff}; /* a last, empty, stored block */
    memcpy(p->out + at, LAST, sizeof LAST);
    at += sizeof LAST;
    uint32_t check = adler(p->planes, PLANES * p->n);
    for (int shift = 24; shift >= 0; shift -= 8)
        p->out[at++] = (unsigned char)(check >> shift & 0xff);
    *packed = p->out;
    return at;
}

bool chunk_unpack(const void *packed, size_t bytes, size_t n, void *scratch, float *out)
{
    /* what we packed ourselves a moment ago needs no checksum: raw, behind the header */
    z_stream z = {.next_in = (const unsigned char *)packed + 2,
                  .avail_in = bytes > 2 ? (uInt)(bytes - 2) : 0,
                  .next_out = scratch,
                  .avail_out = (uInt)(PLANES * n)};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return false;
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 0;
    (void)inflateEnd(&z);
    if (whole)
        unshuffle(scratch, n, out);
    return whole;
}
