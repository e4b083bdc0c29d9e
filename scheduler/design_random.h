/* SPDX-License-Identifier: GPL-3.0-or-later */
/* design_random.h - a random stream of its own for every parameter
 *
 * xoshiro256** (Blackman and Vigna, https://prng.di.unimi.it/, public domain algorithm),
 * started with the 256 bits of a SHA-256 over seed, purpose and name. GSL's generators take 32
 * bits of seed: among 1,000 parameters two would start alike once in 8,600 sweeps, and whoever
 * moved one of them aside would change streams when a parameter is added. Integers only:
 * the same on every machine. */
#ifndef DS_SCHEDULER_DESIGN_RANDOM_H
#define DS_SCHEDULER_DESIGN_RANDOM_H

#include "decksweep/span.h"

struct random_stream {
    uint64_t s[4];
};

/* purpose: "sample", "shift": streams of one name that have nothing in common. */
void random_start(struct random_stream *r, uint64_t seed, const char *purpose, struct ds_span name);
uint64_t random_u64(struct random_stream *r);
/* In the open interval (0, 1), 53 bits. */
double random_uniform(struct random_stream *r);
/* 0 .. n-1, all as likely; n >= 1. */
uint32_t random_below(struct random_stream *r, uint32_t n);
/* 0 .. n-1 in random order. */
void random_permutation(struct random_stream *r, uint32_t *out, uint32_t n);

#endif
