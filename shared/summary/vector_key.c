/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/vector_key.h"

#include <stdio.h>

#define TAIL_BYTES 48u

struct ds_span vector_key_trim(struct ds_span s)
{
    const char *end = s.len ? memchr(s.ptr, '\0', s.len) : NULL;
    if (end)
        s.len = (size_t)(end - s.ptr);
    while (s.len > 0 && s.ptr[s.len - 1] == ' ')
        s.len--;
    while (s.len > 0 && s.ptr[0] == ' ')
        s = (struct ds_span){s.ptr + 1, s.len - 1};
    return s;
}

static bool has_name(enum vector_class c)
{
    return c == VECTOR_WELL || c == VECTOR_GROUP || c == VECTOR_NODE || c == VECTOR_CONNECTION
           || c == VECTOR_COMPLETION || c == VECTOR_SEGMENT || c == VECTOR_LOCAL_WELL
           || c == VECTOR_LOCAL_CONNECTION;
}

static bool is_local(enum vector_class c)
{
    return c == VECTOR_LOCAL_WELL || c == VECTOR_LOCAL_BLOCK || c == VECTOR_LOCAL_CONNECTION;
}

static bool has_number(enum vector_class c, struct ds_span keyword, int32_t num)
{
    switch (c) {
    case VECTOR_CONNECTION:
    case VECTOR_BLOCK:
    case VECTOR_REGION:
    case VECTOR_REGION_PAIR:
    case VECTOR_SEGMENT:
    case VECTOR_AQUIFER:
        return true;
    case VECTOR_COMPLETION: /* WOPRL__1 has it in its keyword */
        return keyword.ptr[0] == 'C' || (keyword.len == 5 && num > 0);
    default:
        return false;
    }
}

static bool is_cell(enum vector_class c, struct ds_span keyword)
{
    return c == VECTOR_BLOCK || c == VECTOR_CONNECTION
           || (c == VECTOR_COMPLETION && keyword.ptr[0] == 'C');
}

static bool is_nobody(struct ds_span name) /* ":+:+:+:+", also of greater width */
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != (i % 2 ? '+' : ':'))
            return false;
    return true;
}

static bool holds_nothing(const struct vector_raw *raw, enum vector_class c)
{
    if (raw->keyword.len == 0)
        return true;
    if (has_name(c) && is_nobody(raw->wgname))
        return true;
    return has_number(c, raw->keyword, raw->num) && raw->num < 0;
}

/* Cell number to i, j, k; false when there is no such cell. */
static bool to_ijk(int32_t num, const int32_t dims[3], int32_t ijk[3])
{
    int64_t plane = (int64_t)dims[0] * dims[1], at = (int64_t)num - 1;
    if (num < 1 || plane == 0 || at / plane >= dims[2])
        return false;
    ijk[0] = (int32_t)(at % dims[0]) + 1;
    ijk[1] = (int32_t)(at % plane / dims[0]) + 1;
    ijk[2] = (int32_t)(at / plane) + 1;
    return true;
}

/* What stands behind the names: ":10,10,3", ":2", ":1-2" or "". */
static void write_tail(const struct vector_raw *raw, struct summary_vector *v, char out[TAIL_BYTES])
{
    out[0] = '\0';
    bool cell = is_cell(v->class, raw->keyword) && to_ijk(raw->num, raw->dims, v->ijk);
    if (is_local(v->class) && raw->local[0] > 0 && raw->local[1] > 0 && raw->local[2] > 0) {
        memcpy(v->ijk, raw->local, sizeof v->ijk);
        cell = true;
    }
    if (v->class == VECTOR_REGION_PAIR) {
        v->pair[0] = raw->num % 32768;
        v->pair[1] = raw->num / 32768 - 10;
    }
    if (cell)
        (void)snprintf(out, TAIL_BYTES, ":%d,%d,%d", (int)v->ijk[0], (int)v->ijk[1],
                       (int)v->ijk[2]);
    else if (v->class == VECTOR_REGION_PAIR && v->pair[1] >= 0)
        (void)snprintf(out, TAIL_BYTES, ":%d-%d", (int)v->pair[0], (int)v->pair[1]);
    else if (v->has_num)
        (void)snprintf(out, TAIL_BYTES, ":%d", (int)raw->num);
}

struct vector_kind vector_kind_of(struct ds_span keyword)
{
    return (struct vector_kind){
        .keyword = keyword,
        .class = vector_class_of(keyword),
        .is_rate = vector_is_rate(keyword),
        .is_total = vector_is_total(keyword),
        .is_history = vector_is_history(keyword),
        .is_state = vector_is_state(keyword),
        .is_time = ds_span_is(keyword, "TIME") || ds_span_is(keyword, "YEARS"),
    };
}

int vector_key_make(const struct vector_raw *raw, const struct vector_kind *kind,
                    struct ds_arena *a, struct summary_vector *out, struct ds_err *err)
{
    struct summary_vector v = {
        .class = kind->class, .key = {"", 0}, .wgname = {"", 0}, .unit = {"", 0}, .lgr = {"", 0}};
    char tail[TAIL_BYTES];
    if (v.class == VECTOR_NODE && raw->keyword.ptr[0] == 'N' && is_nobody(raw->wgname))
        v.class = VECTOR_MISC; /* a counter that only looks like a network vector */
    if (holds_nothing(raw, v.class)) {
        *out = v;
        return 0;
    }
    v.has_num = has_number(v.class, raw->keyword, raw->num);
    v.num = v.has_num ? raw->num : 0;
    write_tail(raw, &v, tail);
    struct ds_span lgr = is_local(v.class) ? raw->lgr : (struct ds_span){"", 0};
    struct ds_span name = has_name(v.class) ? raw->wgname : (struct ds_span){"", 0};
    v.key =
        arena_format(a, "%.*s%s%.*s%s%.*s%s", DS_FMT(raw->keyword), is_local(v.class) ? ":" : "",
                     DS_FMT(lgr), has_name(v.class) ? ":" : "", DS_FMT(name), tail);
    if (!v.key.ptr)
        return ds_fail(err, DS_ETOOBIG, "no room for the vectors' names");
    size_t at = raw->keyword.len;
    v.keyword = (struct ds_span){v.key.ptr, at};
    if (is_local(v.class)) {
        v.lgr = (struct ds_span){v.key.ptr + at + 1, lgr.len};
        at += 1 + lgr.len;
    }
    if (has_name(v.class))
        v.wgname = (struct ds_span){v.key.ptr + at + 1, name.len};
    v.is_rate = kind->is_rate;
    v.is_total = kind->is_total;
    v.is_history = kind->is_history;
    v.is_state = kind->is_state;
    v.is_time = kind->is_time;
    *out = v;
    return 0;
}
