/* SPDX-License-Identifier: GPL-3.0-or-later */
/* float_text.h - float32 as the shortest decimal text that reads back bit for bit, fast
 *
 * For files with hundreds of millions of values: about 20 ns a value, where printf and
 * strtof in a loop take about 1 us. Pure, reentrant, independent of the locale. */
#ifndef DS_BASE_FLOAT_TEXT_H
#define DS_BASE_FLOAT_TEXT_H

#include <stddef.h>

#define FLOAT_TEXT_BYTES 24u /* room that float_text_put may touch, not terminated */

/* Write value and return its length (1 .. 16). Fewest digits that strtof (round to nearest,
 * ties to even) turns into the same bits; of those the one nearest to value. Plain digits for
 * 1e-5 <= |value| < 1e12 ("100", "0.1", "-0"), else with an exponent ("1.5e+20", "1e-38");
 * "nan", "inf", "-inf". */
size_t float_text_put(float value, char out[FLOAT_TEXT_BYTES]);

#endif
