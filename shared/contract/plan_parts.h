/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_parts.h - parts of plan.json; private to the files that read and write it */
#ifndef DS_CONTRACT_PLAN_PARTS_H
#define DS_CONTRACT_PLAN_PARTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "decksweep/plan.h"

#define PLAN_FORMAT    1
#define PLAN_WHOLE_MAX ((UINT64_C(1) << 53) - 1)

struct plan_reading {
    struct ds_arena *a;
    const char *key; /* for messages */
    struct ds_err *err;
};

/* "plan: <key>: <what>" as DS_EPARSE; "no memory" as DS_ETOOBIG. */
int plan_json_wrong(struct plan_reading *r, const char *what);
int plan_json_no_room(struct plan_reading *r);

/* A text, or {"hex": "..."} where it is no UTF-8. */
void plan_json_put_text(struct json_writer *w, struct ds_span text);
void plan_json_put_texts(struct json_writer *w, const struct ds_span *texts, size_t n);
int plan_json_take_text(const struct json *j, struct plan_reading *r, struct ds_span *out);
int plan_json_take_texts(const struct json *j, struct plan_reading *r, const struct ds_span **out,
                         size_t *n);
int plan_json_take_u64(const struct json *j, struct plan_reading *r, uint64_t most, uint64_t *out);
int plan_json_hex_value(char c); /* 0 .. 15; -1 */

void plan_json_put_method(struct json_writer *w, const struct plan *p);
int plan_json_take_method(const struct json *j, struct plan_reading *r, struct plan *p);
void plan_json_put_judge(struct json_writer *w, const struct plan *p);
int plan_json_take_judge(const struct json *j, struct plan_reading *r, struct plan *p);
void plan_json_put_format(struct json_writer *w, const struct plan *p);
int plan_json_take_format(const struct json *j, struct plan_reading *r, struct plan *p);
void plan_json_put_rule(struct json_writer *w, const struct plan *p);
int plan_json_take_rule(const struct json *j, struct plan_reading *r, struct plan *p);
void plan_json_put_keep(struct json_writer *w, const struct plan *p);
int plan_json_take_keep(const struct json *j, struct plan_reading *r, struct plan *p);
void plan_json_put_retries(struct json_writer *w, const struct plan *p);
int plan_json_take_retries(const struct json *j, struct plan_reading *r, struct plan *p);
void plan_json_put_params(struct json_writer *w, const struct plan *p);
int plan_json_take_params(const struct json *j, struct plan_reading *r, struct plan *p);
void plan_json_put_trims(struct json_writer *w, const struct plan *p);
int plan_json_take_trims(const struct json *j, struct plan_reading *r, struct plan *p);

#endif
