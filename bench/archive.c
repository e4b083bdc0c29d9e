/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPU and size of small case archives, as the worker makes them by the thousand: one writer
 * kept, six members (case.json, the deck, summary files, output), SHA-256 of each.
 *
 * Called by archive.sh; alone: build/gcc/bench/archive [repeats]. One line a size.
 * build/gcc/bench/archive --data FOLDER writes files like those of a large case instead. */
#include "archive/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#define N_MEMBERS 6

static const char *const NAMES[N_MEMBERS] = {"case.json",   "parameters.json", "SPE1.DATA",
                                             "SPE1.SMSPEC", "SPE1.UNSMRY",     "stdout"};
/* Shares of the whole in per cent, as in an SPE1 case. */
static const unsigned SHARES[N_MEMBERS] = {5, 1, 18, 8, 40, 28};

static int64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Deck-like text and big-endian floats that drift, without any file. */
static void fill(unsigned char *p, size_t n, bool floats)
{
    uint32_t x = 2463534242u;
    float v = 4000.0f;
    for (size_t i = 0; i < n; i++) {
        if (!floats) {
            static const char WORDS[] = "PORO 0.3 1* / -- EQUALS WCONPROD 'PROD' ORAT 20000 4* ";
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            p[i] = i % 9 == 0 ? (unsigned char)('0' + x % 10)
                              : (unsigned char)WORDS[(i + x % 3) % (sizeof WORDS - 1)];
        } else if (i % 4 == 0) {
            uint32_t bits;
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            v += (float)(x % 1000) * 0.001f - 0.4f;
            memcpy(&bits, &v, 4);
            for (size_t k = 0; k < 4 && i + k < n; k++)
                p[i + k] = (unsigned char)(bits >> (24 - 8 * k));
        }
    }
}

static int count(void *context, const void *data, size_t n, struct ds_err *err)
{
    (void)data;
    (void)err;
    *(size_t *)context += n;
    return 0;
}

static size_t pack_one(struct archive_writer *w, unsigned char *const *content, const size_t *sizes)
{
    struct ds_err err = {0};
    char sha[65];
    size_t out = 0;
    uint64_t total;
    archive_writer_start(w, count, &out);
    for (int i = 0; i < N_MEMBERS; i++)
        if (archive_add_bytes(w, NAMES[i], (struct ds_bytes){content[i], sizes[i]}, sha, &err) < 0)
            exit(1);
    if (archive_writer_end(w, &total, &err) < 0)
        exit(1);
    return out;
}

/* What the zstd tool makes of each file: the same level, with its checksum. */
static size_t plain_size(unsigned char *const *content, const size_t *sizes)
{
    size_t sum = 0;
    for (int i = 0; i < N_MEMBERS; i++) {
        size_t bound = ZSTD_compressBound(sizes[i]);
        void *z = malloc(bound);
        sum += z ? ZSTD_compress(z, bound, content[i], sizes[i], 3) + 4 : 0;
        free(z);
    }
    return sum;
}

static void measure(size_t whole, unsigned repeats)
{
    unsigned char *content[N_MEMBERS];
    size_t sizes[N_MEMBERS], packed = 0;
    for (int i = 0; i < N_MEMBERS; i++) {
        sizes[i] = whole * SHARES[i] / 100;
        content[i] = malloc(sizes[i] + 1);
        if (!content[i])
            exit(1);
        fill(content[i], sizes[i], i == 4);
    }
    struct archive_writer *w = archive_writer_create(3, 0);
    (void)pack_one(w, content, sizes);
    int64_t began = cpu_ns();
    for (unsigned i = 0; i < repeats; i++)
        packed = pack_one(w, content, sizes);
    double us = (double)(cpu_ns() - began) / 1e3 / repeats;
    size_t plain = plain_size(content, sizes);
    (void)printf("bench/archive: small case of %zu bytes: %.0f us CPU; %zu bytes against %zu as "
                 "single zstd files: %ld over, %d allowed\n",
                 whole, us, packed, plain, (long)packed - (long)plain, 512 + 128 * N_MEMBERS);
    archive_writer_destroy(w);
    for (int i = 0; i < N_MEMBERS; i++)
        free(content[i]);
}

static int write_data(const char *folder)
{
    static const struct {
        const char *name;
        size_t bytes;
        bool floats;
    } FILES[] = {{"CASE.UNRST", 24u << 20, true},
                 {"CASE.INIT", 700u << 10, true},
                 {"CASE.UNSMRY", 110u << 10, true},
                 {"CASE.PRT", 4u << 20, false},
                 {"stdout", 34u << 10, false}};
    for (size_t i = 0; i < DS_COUNT(FILES); i++) {
        char path[4096];
        unsigned char *p = malloc(FILES[i].bytes);
        int n = snprintf(path, sizeof path, "%s/%s", folder, FILES[i].name);
        FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "wbe") : NULL;
        if (!p || !f)
            return 1;
        fill(p, FILES[i].bytes, FILES[i].floats);
        bool ok = fwrite(p, 1, FILES[i].bytes, f) == FILES[i].bytes;
        free(p);
        if (fclose(f) != 0 || !ok)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char *end;
    if (argc == 3 && strcmp(argv[1], "--data") == 0)
        return write_data(argv[2]);
    unsigned long repeats = argc > 1 ? strtoul(argv[1], &end, 10) : 2000;
    if (repeats == 0 || repeats > 1000000)
        return 2;
    measure(4000, (unsigned)repeats);
    measure(40000, (unsigned)repeats);
    measure(400000, (unsigned)(repeats + 9) / 10);
    return 0;
}
