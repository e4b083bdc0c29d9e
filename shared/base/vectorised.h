/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vectorised.h - for the few loops over values that are most of a program's time
 *
 * VECTORISED asks GCC for vector code at any optimisation level and, on x86-64, for a second copy of
 * the function that is taken where the processor has AVX2. Results are the same to the last bit: no
 * operation is reordered or fused. Functions marked so cannot be inlined. Sanitizers' builds and other
 * compilers (clang makes vector code at -O2) take the plain function. */
#ifndef DS_BASE_VECTORISED_H
#define DS_BASE_VECTORISED_H

#if !defined(__GNUC__) || defined(__clang__)
#define VECTORISED
#elif defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__)              \
    && !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((optimize("O3"), target_clones("avx2", "default")))
#else
#define VECTORISED __attribute__((optimize("O3")))
#endif

#endif
