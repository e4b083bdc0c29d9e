/* SPDX-License-Identifier: GPL-3.0-or-later */
/* views_parts.h - small readers that views*.c share. Pure. */
#ifndef DS_SCHEDULER_VIEWS_PARTS_H
#define DS_SCHEDULER_VIEWS_PARTS_H

#include "scheduler/views.h"

#define VIEW_NAME_BYTES    ((size_t)254) /* names, uids, labels */
#define VIEW_INDEXES_BYTES (64u << 10)

struct taking { /* texts into an arena; full is looked at once at the end */
    struct ds_arena *a;
    bool full;
};
/* A copy, cut to max bytes at a whole character; "" when it is no text. */
const char *take_span(struct taking *t, struct ds_span text, size_t max);
const char *take_text(struct taking *t, const struct json *j, size_t max);
int take_check(const struct taking *t, const char *what, struct ds_err *err) DS_CHECKED;

const struct json *json_at2(const struct json *j, const char *outer, const char *inner);
struct ds_span json_span(const struct json *j); /* "" when it is no text */
bool json_says(const struct json *j, const char *key, const char *text);
int64_t json_time(const struct json *j); /* RFC 3339, fractions cut off; 0 when it is none */
uint32_t json_count_of(const struct json *j, const char *key);
uint32_t json_digits(const struct json *j); /* "12" as 12, for labels; 0 when it is none */
/* The member of a list of objects whose `key` is that text; NULL. */
const struct json *json_find(const struct json *list, const char *key, const char *text);

#endif
