/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/chunk.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* What HDF5 does when it reads: inflate, then unshuffle. */
static void expect_back(const char *claim, const float *values, size_t n, size_t row,
                        size_t most_bytes)
{
    struct chunk_packer *p = chunk_packer_create(n, row);
    unsigned char *planes = malloc(4 * n + 1);
    for (int again = 0; again < 2; again++) { /* a packer is used for many chunks */
        const unsigned char *packed = NULL;
        size_t bytes = chunk_pack(p, values, &packed);
        uLongf got = (uLongf)(4 * n);
        cr_assert_eq(uncompress(planes, &got, packed, (uLong)bytes), Z_OK, "%s", claim);
        cr_assert_eq(got, 4 * n, "%s", claim);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 4; k++)
                cr_assert_eq(planes[k * n + i], ((const unsigned char *)values)[4 * i + k],
                             "%s: value %zu", claim, i);
        float *out = malloc(n * sizeof *out), *scratch = malloc(n * sizeof *scratch);
        cr_expect(chunk_unpack(packed, bytes, n, scratch, out), "%s", claim);
        cr_expect_eq(memcmp(out, values, n * sizeof *out), 0, "%s", claim);
        cr_expect_not(chunk_unpack(packed, bytes / 2, n, scratch, out), "%s: half of it", claim);
        cr_expect_not(chunk_unpack(packed, 0, n, scratch, out));
        free(out);
        free(scratch);
        cr_expect_leq(bytes, most_bytes, "%s: %zu bytes of %zu", claim, bytes, 4 * n);
    }
    free(planes);
    chunk_packer_destroy(p);
}

Test(chunk, is_a_zlib_stream_of_the_shuffled_values)
{
    enum { N = 90 * 244 };
    static float noise[N], smooth[N], same[N], nan_values[N], bits[N];
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < N; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint32_t word = (uint32_t)(x >> 32);
        memcpy(&bits[i], &word, 4);
        noise[i] = (float)(x % 1000003) * 0.37f;
        smooth[i] = 3000.0f - (float)(i % 90);
        same[i] = (float)(i % 90) * 30.4375f;
        nan_values[i] = NAN;
    }
    expect_back("random bits", bits, N, 90, 4 * N + 200);
    expect_back("noise", noise, N, 90, 4 * N * 85 / 100);
    expect_back("smooth", smooth, N, 90, 4 * N / 50);
    expect_back("the same in every case", same, N, 90, 4 * N / 20);
    expect_back("nothing", nan_values, N, 90, 4 * N / 50);
}

Test(chunk, of_any_size_works)
{
    static float values[300000];
    for (size_t i = 0; i < 300000; i++)
        values[i] = (float)i * 1.1f + (float)(i * 2654435761u % 1000) * 0.01f;
    static const size_t SIZES[] = {1, 2, 3, 63, 64, 65535, 65536, 131071, 300000};
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        expect_back("row of 1", values, SIZES[i], 1, SIZES[i] * 4 + 500);
        expect_back("one row", values, SIZES[i], SIZES[i], SIZES[i] * 4 + 500);
    }
}
