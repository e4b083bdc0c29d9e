/* SPDX-License-Identifier: GPL-3.0-or-later */
/* units.h - numbers, sizes, durations and dates between text and plain values
 *
 * Pure, reentrant, independent of the locale. Parsers take the whole span or fail with
 * DS_EPARSE and what was expected. */
#ifndef DS_BASE_UNITS_H
#define DS_BASE_UNITS_H

#include "decksweep/err.h"
#include "decksweep/span.h"

/* Decimal digits only; value <= max. DS_EPARSE, or DS_ETOOBIG above max. */
int units_parse_u64(struct ds_span text, uint64_t max, uint64_t *out,
                    struct ds_err *err) DS_CHECKED;

/* [+-]digits[.digits][(e|E)[+-]digits]; no hex, no inf, no nan, no blanks; finite result. */
int units_parse_double(struct ds_span text, double *out, struct ds_err *err) DS_CHECKED;

/* "512MiB", "8 GiB", "2GB", "1.5TiB", "4096" (bytes), "8G" = GiB as ulimit users expect:
 * K M G T are powers of 1024, KB MB GB TB powers of 1000. Whole bytes, < 2^60. */
int units_parse_size(struct ds_span text, uint64_t *bytes, struct ds_err *err) DS_CHECKED;

/* "90s", "15m", "2h", "1d", "1h30m", "250ms"; a bare number is seconds. At most 10 years. */
int units_parse_duration(struct ds_span text, uint64_t *ms, struct ds_err *err) DS_CHECKED;

/* "2015-01-01", "2015-01-01T12:30:15", with optional Z. Seconds since 1970, proleptic
 * Gregorian, years 1 .. 9999. */
int units_parse_date(struct ds_span text, int64_t *unix_s, struct ds_err *err) DS_CHECKED;
void units_format_date(int64_t unix_s, char out[24]); /* 2015-01-01T12:30:15Z */
int64_t units_days_from_civil(int64_t year, unsigned month, unsigned day);
void units_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#define UNITS_TEXT_BYTES 40u
void units_format_size(uint64_t bytes, char out[UNITS_TEXT_BYTES]); /* "1.5 GiB" */
void units_format_duration(int64_t ms, char out[UNITS_TEXT_BYTES]); /* "2h05m", "13.2s" */

/* Rounded to 10 significant digits (decimals < 0) or to that many decimals: the value that
 * deck, id, `where` and dataset see (DESIGN.md 4, Numbers). -0 becomes 0. */
double units_round(double value, int decimals);

/* As a deck reads it: whole numbers below 2^53 as plain digits (1e5 -> "100000"), others
 * as the shortest text that reads back equal. value is finite (asserted). */
#define UNITS_NUMBER_BYTES 32u
size_t units_format_number(double value, char out[UNITS_NUMBER_BYTES]);

/* The same for numbers of at most ten digits without an exponent, without snprintf; 0: another. */
size_t units_format_fast(double value, char out[UNITS_NUMBER_BYTES]);

/* units_round, and the text of the result as units_format_number writes it, in one step (about
 * 30 ns). value is finite (asserted). text: UNITS_NUMBER_BYTES, terminated; *len: its length. */
double units_round_text(double value, int decimals, char text[UNITS_NUMBER_BYTES], size_t *len);

/* Shortest digits that read back as the same float32 ("0.1", "-0", "1e+20", "nan"). */
size_t units_format_float(float value, char out[UNITS_NUMBER_BYTES]);

#endif
