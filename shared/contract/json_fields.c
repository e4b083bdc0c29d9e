/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contract/json_fields.h"

#include "base/units.h"

#include <math.h>

#define WHOLE_MAX ((UINT64_C(1) << 53) - 1)

void json_copy_text(char *out, size_t room, struct ds_span text)
{
    memset(out, 0, room);
    if (text.len < room) {
        memcpy(out, text.ptr, text.len);
        return;
    }
    memcpy(out, text.ptr, room - 4);
    memset(out + room - 4, '.', 3);
}

static void put_one(struct json_writer *w, const struct json_field *f, const void *at)
{
    uint64_t u = 0;
    int64_t i = 0;
    double x = 0;
    bool b = false;
    char date[24];
    switch (f->kind) {
    case FIELD_U32:
    case FIELD_U64:
        u = f->kind == FIELD_U32 ? *(const uint32_t *)at : *(const uint64_t *)at;
        if (u != 0 || f->is_shown)
            jw_kv_u64(w, f->key, u);
        break;
    case FIELD_I64:
    case FIELD_TIME:
        memcpy(&i, at, sizeof i);
        if (i != 0 && f->kind == FIELD_I64)
            jw_kv_i64(w, f->key, i);
        if (i != 0 && f->kind == FIELD_TIME) {
            units_format_date(i, date);
            jw_kv_cstr(w, f->key, date);
        }
        break;
    case FIELD_BOOL:
        memcpy(&b, at, sizeof b);
        if (b)
            jw_kv_bool(w, f->key, true);
        break;
    case FIELD_DOUBLE:
        memcpy(&x, at, sizeof x);
        if (x != 0 && isfinite(x))
            jw_kv_double(w, f->key, x);
        break;
    case FIELD_TEXT:
        if (*(const char *)at)
            jw_kv_cstr(w, f->key, at);
        break;
    }
}

void json_fields_put(struct json_writer *w, const struct json_field *fields, size_t n,
                     const void *from)
{
    for (size_t i = 0; i < n; i++)
        put_one(w, &fields[i], (const char *)from + fields[i].offset);
}

static void take_number(const struct json *j, const struct json_field *f, void *at)
{
    uint64_t u;
    int64_t i;
    double x;
    if (f->kind == FIELD_U32 && json_u64(j, UINT32_MAX, &u))
        *(uint32_t *)at = (uint32_t)u;
    else if (f->kind == FIELD_U64 && json_u64(j, WHOLE_MAX, &u))
        memcpy(at, &u, sizeof u);
    else if (f->kind == FIELD_I64 && json_i64(j, &i))
        memcpy(at, &i, sizeof i);
    else if (f->kind == FIELD_DOUBLE && json_number(j, &x))
        memcpy(at, &x, sizeof x);
}

void json_fields_take(const struct json *object, const struct json_field *fields, size_t n,
                      void *to)
{
    for (size_t i = 0; i < n; i++) {
        const struct json_field *f = &fields[i];
        const struct json *j = json_get(object, f->key);
        void *at = (char *)to + f->offset;
        struct ds_span text;
        int64_t seconds;
        bool flag;
        memset(at, 0, f->size);
        if (f->kind == FIELD_TEXT && json_text(j, &text))
            json_copy_text(at, f->size, text);
        else if (f->kind == FIELD_TIME && json_text(j, &text)
                 && units_parse_date(text, &seconds, NULL) == 0)
            memcpy(at, &seconds, sizeof seconds);
        else if (f->kind == FIELD_BOOL && json_bool(j, &flag))
            memcpy(at, &flag, sizeof flag);
        else
            take_number(j, f, at);
    }
}
