/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.h - what a vector is called in the dataset
 *
 * A vector's key ("WOPR:PROD", "WBHP:A/1 H") with the bytes that netCDF forbids written
 * %XX, so that xarray shows every vector and nothing becomes a group: '/' is %2F, '%' %25. Keys
 * come from hostile files. Pure. */
#ifndef DECKSWEEP_COLLECTOR_NAMES_H
#define DECKSWEEP_COLLECTOR_NAMES_H

#include "decksweep/span.h"

#define NAMES_BYTES 200u /* terminator included; netCDF's own limit is 256 */

/* Write the netCDF name of the `occurrence`-th (1 ..) vector with this key: from the second on
 * with "#2", "#3" behind it. Escaped: '/', '%', control bytes, DEL, bytes that are no
 * UTF-8, a first byte other than letter, digit or '_', a last blank, and "" becomes "%". A
 * name that would not fit is cut and ends in "~" and 8 hex digits of a hash. Different
 * (key, occurrence) give different names, a key that itself ends in "#2" apart. */
void names_of_vector(struct ds_span key, unsigned occurrence, char out[NAMES_BYTES]);

/* Text for readers that take it for UTF-8: bytes that are none, and control bytes, become '?'.
 * In place. */
void names_clean(char *text, size_t n);
bool names_are_clean(struct ds_span text); /* nothing of it would change */

#endif
