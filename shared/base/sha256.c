/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sha256.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD_CTX *ctx;
};

static void need(int ok)
{
    if (ok != 1) /* OpenSSL without SHA-256 or without memory: nothing to continue with */
        abort();
}

struct sha256 *sha256_create(void)
{
    struct sha256 *h = malloc(sizeof *h);
    if (!h)
        abort();
    h->ctx = EVP_MD_CTX_new();
    need(h->ctx != NULL);
    sha256_reset(h);
    return h;
}

void sha256_destroy(struct sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void sha256_reset(struct sha256 *h)
{
    need(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
}

void sha256_add(struct sha256 *h, const void *bytes, size_t n)
{
    need(EVP_DigestUpdate(h->ctx, bytes, n));
}

static void to_hex(const unsigned char *digest, char hex[65])
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hex[2 * i] = DIGITS[digest[i] >> 4];
        hex[2 * i + 1] = DIGITS[digest[i] & 15];
    }
    hex[64] = '\0';
}

void sha256_end(struct sha256 *h, char hex[65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    need(EVP_DigestFinal_ex(h->ctx, digest, NULL));
    to_hex(digest, hex);
}

void sha256_of(const void *bytes, size_t n, char hex[65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    (void)SHA256(bytes, n, digest);
    to_hex(digest, hex);
}
