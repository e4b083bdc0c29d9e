/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "design_random.h"

#include "base/sha256.h"

#include <stdio.h>

static unsigned hex_value(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void random_start(struct random_stream *r, uint64_t seed, const char *purpose, struct ds_span name)
{
    char head[96], hex[65];
    int n = snprintf(head, sizeof head, "decksweep-stream 1\n%llu\n%s\n", (unsigned long long)seed,
                     purpose);
    struct sha256 *h = sha256_create();
    sha256_add(h, head, (size_t)n);
    sha256_add(h, name.ptr, name.len);
    sha256_end(h, hex);
    sha256_destroy(h);
    for (size_t i = 0; i < 4; i++) {
        r->s[i] = 0;
        for (size_t j = 0; j < 16; j++)
            r->s[i] = r->s[i] << 4 | hex_value(hex[16 * i + j]);
    }
    r->s[0] |= (r->s[0] | r->s[1] | r->s[2] | r->s[3]) == 0; /* all zeros would stay so */
}

static uint64_t rotate(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

uint64_t random_u64(struct random_stream *r)
{
    uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

double random_uniform(struct random_stream *r)
{
    return ((double)(random_u64(r) >> 12) + 0.5) * 0x1p-52;
}

uint32_t random_below(struct random_stream *r, uint32_t n)
{
    uint32_t limit = UINT32_MAX - UINT32_MAX % n; /* a multiple of n: no value is favoured */
    uint32_t v;
    do {
        v = (uint32_t)(random_u64(r) >> 32);
    } while (v >= limit);
    return v % n;
}

void random_permutation(struct random_stream *r, uint32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = random_below(r, i), swap = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swap;
    }
}
