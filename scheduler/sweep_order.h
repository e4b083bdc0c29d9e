/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_order.h - expressions after what they depend on */
#ifndef DS_SCHEDULER_SWEEP_ORDER_H
#define DS_SCHEDULER_SWEEP_ORDER_H

#include "decksweep/sweep.h"

/* Indexes of the PARAM_EXPRESSION parameters, each after those it uses; among equals by name.
 * order: room for n_params, gives *n of them. DS_EINPUT: a circle, *stuck is one of it. Names
 * that are no parameter, and the own one (sweep_check refuses it), do not count. Formulas have passed expr_scan. */
int sweep_order_expressions(const struct sweep *s, size_t *order, size_t *n,
                            size_t *stuck) DS_CHECKED;

#endif
