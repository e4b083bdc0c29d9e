/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json_fields.h - a struct as a JSON object, its fields named once for both directions. Pure. */
#ifndef DS_CONTRACT_JSON_FIELDS_H
#define DS_CONTRACT_JSON_FIELDS_H

#include "base/json.h"

enum field_kind {
    FIELD_U32 = 1,
    FIELD_U64, /* below 2^53 */
    FIELD_I64, /* |x| below 2^53 */
    FIELD_BOOL,
    FIELD_DOUBLE,
    FIELD_TEXT, /* char[size], terminated; longer texts are cut with "..." */
    FIELD_TIME, /* int64_t Unix seconds as "2026-11-21T09:10:11Z"; 0: left out */
};

struct json_field {
    const char *key;
    size_t offset, size;
    enum field_kind kind;
    bool is_shown; /* numbers: a zero too, for who reads it in a table */
};
#define JSON_FIELD(kind, type, member, key)                                                        \
    {                                                                                              \
        key, offsetof(type, member), sizeof(((type *)0)->member), kind, false                      \
    }
#define JSON_FIELD_SHOWN(kind, type, member, key)                                                  \
    {                                                                                              \
        key, offsetof(type, member), sizeof(((type *)0)->member), kind, true                       \
    }

/* Put key and value of every field; zeros, false and "" are left out. Inside an open object. */
void json_fields_put(struct json_writer *w, const struct json_field *fields, size_t n,
                     const void *from);
/* Take what is there; what is absent, of another type or out of range is zeroed. */
void json_fields_take(const struct json *object, const struct json_field *fields, size_t n,
                      void *to);

/* A text into char[room], zero-filled to its end, cut with "...". */
void json_copy_text(char *out, size_t room, struct ds_span text);

#endif
