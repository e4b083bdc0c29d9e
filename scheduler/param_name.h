/* SPDX-License-Identifier: GPL-3.0-or-later */
/* param_name.h - what a parameter may be called, in a sweep file and in a case table's header */
#ifndef DS_SCHEDULER_PARAM_NAME_H
#define DS_SCHEDULER_PARAM_NAME_H

#include "decksweep/span.h"

#define PARAM_NAME_MAX_BYTES 64u

/* [A-Za-z_][A-Za-z0-9_]*, of any length. */
bool param_name_is_word(struct ds_span name);

/* Is it one of decksweep's own: built-in placeholders, columns of design.csv and of the dataset,
 * constants of formulas? */
bool param_name_is_reserved(struct ds_span name);

#endif
