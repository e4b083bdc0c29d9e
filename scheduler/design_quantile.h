/* SPDX-License-Identifier: GPL-3.0-or-later */
/* design_quantile.h - the inverse distribution functions, and lists by place
 *
 * Formulas: docs/designs.md. Pure. */
#ifndef DS_SCHEDULER_DESIGN_QUANTILE_H
#define DS_SCHEDULER_DESIGN_QUANTILE_H

#include "decksweep/sweep.h"

/* Is it drawn from a continuous distribution? Else it is a list (or computed). */
bool quantile_is_continuous(enum param_kind kind);

/* The value below which the part p (0 < p < 1) of a continuous distribution lies; not rounded. */
double quantile_of(const struct sweep_param *p, double at);

/* Is it a list with texts in it (values, discrete), or of files? */
bool quantile_lists_texts(const struct sweep_param *p);
/* Number of listed values (values, discrete, integers, linspace, logspace); n_files for files. */
uint64_t quantile_list_length(const struct sweep_param *p, size_t n_files);
/* Place in the list of the part p; by weights for discrete. */
uint64_t quantile_place(const struct sweep_param *p, size_t n_files, double at);
/* The number at a place, not rounded; values, discrete: of that value (NaN if it is a text). */
double quantile_listed(const struct sweep_param *p, uint64_t place);

#endif
