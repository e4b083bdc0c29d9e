/* SPDX-License-Identifier: GPL-3.0-or-later */
/* census_fields.h - parts that a census report and a Sweep's status share; inside open objects */
#ifndef DS_CONTRACT_CENSUS_FIELDS_H
#define DS_CONTRACT_CENSUS_FIELDS_H

#include "contract/json_fields.h"
#include "decksweep/cluster.h"

void census_shape_put(struct json_writer *w, const struct census_shape *s);
void census_shape_take(const struct json *j, struct census_shape *out);
void census_totals_put(struct json_writer *w, const struct census_totals *t);
void census_totals_take(const struct json *j, struct census_totals *out);

#endif
