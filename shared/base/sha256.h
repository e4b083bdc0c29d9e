/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sha256.h - SHA-256 through OpenSSL. Pure; a context belongs to one thread. */
#ifndef DS_BASE_SHA256_H
#define DS_BASE_SHA256_H

#include "decksweep/span.h"

struct sha256;
struct sha256 *sha256_create(void); /* aborts without memory */
void sha256_destroy(struct sha256 *h);
void sha256_reset(struct sha256 *h); /* create has done it once */
void sha256_add(struct sha256 *h, const void *bytes, size_t n);
void sha256_end(struct sha256 *h, char hex[65]); /* then reset before the next use */
void sha256_of(const void *bytes, size_t n, char hex[65]);

#endif
