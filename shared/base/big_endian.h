/* SPDX-License-Identifier: GPL-3.0-or-later */
/* big_endian.h - numbers of Eclipse's unformatted files, at any alignment; the caller has looked
 * that their bytes are there. Pure. */
#ifndef DS_BASE_BIG_ENDIAN_H
#define DS_BASE_BIG_ENDIAN_H

#include <stdint.h>
#include <string.h>

static inline uint32_t be32_at(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

static inline float be_float_at(const unsigned char *p)
{
    uint32_t bits = be32_at(p);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline double be_double_at(const unsigned char *p)
{
    uint64_t bits = (uint64_t)be32_at(p) << 32 | be32_at(p + 4);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* n numbers of 4 bytes each to out, in host order. */
static inline void be32_read(void *out, const unsigned char *from, size_t n)
{
    unsigned char *to = out;
    for (size_t i = 0; i < n; i++) {
        uint32_t v = be32_at(from + i * sizeof v);
        memcpy(to + i * sizeof v, &v, sizeof v);
    }
}

#endif
