/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecl_text.h - the formatted half of ecl_record.h; for ecl_record.c only
 *
 * Items are taken by blanks and quotes, not by columns, so other writers' widths do as well. A
 * record is whole when the line break behind its last item is there. */
#ifndef DS_SUMMARY_ECL_TEXT_H
#define DS_SUMMARY_ECL_TEXT_H

#include "summary/ecl_record.h"

int ecl_text_next(const struct ecl_reader *r, struct ecl_record *out, struct ds_err *err);

/* Walks the items of a record that ecl_text_next gave. */
struct ecl_text_items {
    const struct ecl_reader *reader;
    const struct ecl_record *record;
    size_t at;
};

void ecl_text_items_init(struct ecl_text_items *it, const struct ecl_reader *r,
                         const struct ecl_record *rec);

/* The next item: a text without its quotes, anything else as it stands. {NULL, 0}: no more. */
struct ds_span ecl_text_item(struct ecl_text_items *it);

bool ecl_text_i32(struct ds_span item, int32_t *out);
bool ecl_text_f32(struct ds_span item, float *out);
bool ecl_text_f64(struct ds_span item, double *out);
bool ecl_text_logi(struct ds_span item, bool *out);

/* Fill type and size from the 4 characters of a type; false: unknown. */
bool ecl_type_from_name(const char name[4], enum ecl_type *type, uint32_t *size);

#endif
