/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts of plan.json, and its values that are more than one number or text. */
#include "contract/plan_parts.h"

#include "base/path.h"
#include "base/utf8.h"

int plan_json_wrong(struct plan_reading *r, const char *what)
{
    return ds_fail(r->err, DS_EPARSE, "plan: %s: %s", r->key, what);
}

int plan_json_no_room(struct plan_reading *r)
{
    return ds_fail(r->err, DS_ETOOBIG, "plan: %s: no memory", r->key);
}

/* ---- texts ---- */

static void put_hex(struct json_writer *w, struct ds_span text)
{
    static const char DIGITS[] = "0123456789abcdef";
    ds_auto_buf hex;
    buf_init(&hex, PLAN_MAX_BYTES);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        (void)buf_put_char(&hex, DIGITS[c >> 4]);
        (void)buf_put_char(&hex, DIGITS[c & 15]);
    }
    jw_object(w);
    jw_kv_text(w, "hex", buf_span(&hex));
    jw_end_object(w);
}

void plan_json_put_text(struct json_writer *w, struct ds_span text)
{
    if (utf8_is_valid(text))
        jw_text(w, text);
    else
        put_hex(w, text);
}

void plan_json_put_texts(struct json_writer *w, const struct ds_span *texts, size_t n)
{
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        plan_json_put_text(w, texts[i]);
    jw_end_array(w);
}

int plan_json_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(struct ds_span hex, struct plan_reading *r, struct ds_span *out)
{
    char *bytes = ds_new(r->a, char, hex.len / 2 + 1);
    if (!bytes)
        return plan_json_no_room(r);
    if (hex.len % 2 != 0)
        return plan_json_wrong(r, "an odd number of hex digits");
    for (size_t i = 0; i < hex.len; i += 2) {
        int hi = plan_json_hex_value(hex.ptr[i]), lo = plan_json_hex_value(hex.ptr[i + 1]);
        if (hi < 0 || lo < 0)
            return plan_json_wrong(r, "not hexadecimal");
        bytes[i / 2] = (char)(unsigned char)(hi * 16 + lo);
    }
    *out = (struct ds_span){bytes, hex.len / 2};
    return 0;
}

int plan_json_take_text(const struct json *j, struct plan_reading *r, struct ds_span *out)
{
    struct ds_span text;
    if (json_text(json_get(j, "hex"), &text))
        return take_hex(text, r, out);
    if (!json_text(j, &text))
        return plan_json_wrong(r, "a text is expected");
    *out = arena_copy(r->a, text);
    return out->ptr ? 0 : plan_json_no_room(r);
}

int plan_json_take_texts(const struct json *j, struct plan_reading *r, const struct ds_span **out,
                         size_t *n)
{
    if (!json_is_array(j))
        return plan_json_wrong(r, "a list is expected");
    struct ds_span *list = ds_new(r->a, struct ds_span, json_count(j));
    size_t i = 0;
    if (!list)
        return plan_json_no_room(r);
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        int rc = plan_json_take_text(c, r, &list[i++]);
        if (rc < 0)
            return rc;
    }
    *out = list;
    *n = i;
    return 0;
}

int plan_json_take_u64(const struct json *j, struct plan_reading *r, uint64_t most, uint64_t *out)
{
    return json_u64(j, most, out) ? 0 : plan_json_wrong(r, "a whole number in range is expected");
}

/* ---- fields of their own form ---- */

void plan_json_put_method(struct json_writer *w, const struct plan *p)
{
    jw_cstr(w, design_method_name(p->method));
}

int plan_json_take_method(const struct json *j, struct plan_reading *r, struct plan *p)
{
    struct ds_span text;
    p->method = json_text(j, &text) ? design_method_from_name(text) : 0;
    return p->method != 0 ? 0 : plan_json_wrong(r, "unknown method");
}

void plan_json_put_judge(struct json_writer *w, const struct plan *p)
{
    jw_cstr(w, judge_kind_name(p->judge));
}

int plan_json_take_judge(const struct json *j, struct plan_reading *r, struct plan *p)
{
    struct ds_span text;
    p->judge = json_text(j, &text) ? judge_kind_from_name(text) : 0;
    return p->judge != 0 ? 0 : plan_json_wrong(r, "unknown judge");
}

void plan_json_put_format(struct json_writer *w, const struct plan *p)
{
    (void)p;
    jw_u64(w, PLAN_FORMAT);
}

int plan_json_take_format(const struct json *j, struct plan_reading *r, struct plan *p)
{
    uint64_t v;
    (void)p;
    if (!json_u64(j, PLAN_WHOLE_MAX, &v))
        return plan_json_wrong(r, "a whole number is expected");
    if (v != PLAN_FORMAT)
        return ds_fail(r->err, DS_EUNSUPPORTED,
                       "plan: format %llu; this program reads %d: use the one that wrote it",
                       (unsigned long long)v, PLAN_FORMAT);
    return 0;
}

void plan_json_put_rule(struct json_writer *w, const struct plan *p)
{
    (void)p;
    jw_u64(w, PLAN_RULE_VERSION);
}

int plan_json_take_rule(const struct json *j, struct plan_reading *r, struct plan *p)
{
    uint64_t v;
    (void)p;
    return plan_json_take_u64(j, r, PLAN_WHOLE_MAX, &v);
}

void plan_json_put_keep(struct json_writer *w, const struct plan *p)
{
    jw_object(w);
    jw_key(w, "classes");
    jw_array(w);
    for (unsigned bit = 1; bit <= CLASS_ALL; bit <<= 1)
        if (p->keep.classes & bit)
            jw_cstr(w, result_class_name((enum result_class)bit));
    jw_end_array(w);
    jw_key(w, "globs");
    plan_json_put_texts(w, p->keep.globs, p->keep.n_globs);
    jw_end_object(w);
}

int plan_json_take_keep(const struct json *j, struct plan_reading *r, struct plan *p)
{
    const struct ds_span *classes = NULL, *globs = NULL;
    size_t n_classes = 0, n_globs = 0;
    int rc = plan_json_take_texts(json_get(j, "classes"), r, &classes, &n_classes);
    rc = rc < 0 ? rc : plan_json_take_texts(json_get(j, "globs"), r, &globs, &n_globs);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n_classes; i++) {
        unsigned bit = result_class_from_name(classes[i]);
        if (bit == 0)
            return plan_json_wrong(r, "unknown class");
        p->keep.classes |= bit;
    }
    if (n_globs > KEEP_MAX_GLOBS)
        return plan_json_wrong(r, "too many globs");
    for (size_t i = 0; i < n_globs; i++) {
        if (i > 0 && ds_span_compare(globs[i - 1], globs[i]) >= 0)
            return plan_json_wrong(r, "globs are not in order");
        p->keep.globs[i] = globs[i];
    }
    p->keep.n_globs = n_globs;
    return 0;
}

void plan_json_put_retries(struct json_writer *w, const struct plan *p)
{
    jw_array(w); /* by number of the verdict: names would not be in order */
    for (int v = VERDICT_OK; v < VERDICT_COUNT; v++)
        if (p->retries[v] > 0) {
            jw_array(w);
            jw_cstr(w, verdict_name((enum verdict)v));
            jw_u64(w, p->retries[v]);
            jw_end_array(w);
        }
    jw_end_array(w);
}

int plan_json_take_retries(const struct json *j, struct plan_reading *r, struct plan *p)
{
    if (!json_is_array(j))
        return plan_json_wrong(r, "a list is expected");
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        struct ds_span name;
        uint64_t n;
        enum verdict v = json_text(json_first(c), &name) ? verdict_from_name(name) : VERDICT_NONE;
        if (v == VERDICT_NONE || !json_u64(json_next(json_first(c)), 1000, &n))
            return plan_json_wrong(r, "pairs of verdict and number are expected");
        p->retries[v] = (uint32_t)n;
    }
    return 0;
}

void plan_json_put_params(struct json_writer *w, const struct plan *p)
{
    jw_array(w);
    for (size_t i = 0; i < p->n_params; i++) {
        jw_object(w);
        jw_kv_bool(w, "files", p->params[i].is_files);
        jw_kv_bool(w, "in_id", p->params[i].in_id);
        jw_kv_text(w, "name", p->params[i].name);
        jw_kv_bool(w, "number", p->params[i].is_number);
        jw_end_object(w);
    }
    jw_end_array(w);
}

int plan_json_take_params(const struct json *j, struct plan_reading *r, struct plan *p)
{
    if (!json_is_array(j))
        return plan_json_wrong(r, "a list is expected");
    struct plan_param *list = ds_new(r->a, struct plan_param, json_count(j));
    size_t n = 0;
    if (!list)
        return plan_json_no_room(r);
    for (const struct json *c = json_first(j); c; c = json_next(c), n++) {
        struct plan_param *x = &list[n];
        int rc = plan_json_take_text(json_get(c, "name"), r, &x->name);
        if (rc < 0)
            return rc;
        if (!json_bool(json_get(c, "files"), &x->is_files)
            || !json_bool(json_get(c, "in_id"), &x->in_id)
            || !json_bool(json_get(c, "number"), &x->is_number) || x->name.len == 0)
            return plan_json_wrong(r, "name, files, in_id and number are expected");
        if (n > 0 && ds_span_compare(list[n - 1].name, x->name) >= 0)
            return plan_json_wrong(r, "names are not in order");
    }
    p->params = list;
    p->n_params = n;
    return 0;
}

void plan_json_put_trims(struct json_writer *w, const struct plan *p)
{
    jw_array(w);
    for (size_t i = 0; i < p->n_trims; i++) {
        jw_object(w);
        jw_kv_u64(w, "line", p->trims[i].line);
        jw_key(w, "now");
        plan_json_put_text(w, p->trims[i].now);
        jw_key(w, "path");
        plan_json_put_text(w, p->trims[i].path);
        jw_key(w, "was");
        plan_json_put_text(w, p->trims[i].was);
        jw_end_object(w);
    }
    jw_end_array(w);
}

int plan_json_take_trims(const struct json *j, struct plan_reading *r, struct plan *p)
{
    if (!json_is_array(j))
        return plan_json_wrong(r, "a list is expected");
    struct trim_edit *list = ds_new(r->a, struct trim_edit, json_count(j));
    size_t n = 0;
    if (!list)
        return plan_json_no_room(r);
    for (const struct json *c = json_first(j); c; c = json_next(c), n++) {
        uint64_t line;
        int rc = plan_json_take_text(json_get(c, "now"), r, &list[n].now);
        rc = rc < 0 ? rc : plan_json_take_text(json_get(c, "path"), r, &list[n].path);
        rc = rc < 0 ? rc : plan_json_take_text(json_get(c, "was"), r, &list[n].was);
        if (rc < 0)
            return rc;
        if (!json_u64(json_get(c, "line"), UINT32_MAX, &line) || line == 0
            || !path_is_safe_member(list[n].path))
            return plan_json_wrong(r, "a line number and a path inside the bundle are expected");
        list[n].line = (uint32_t)line;
    }
    p->trims = list;
    p->n_trims = n;
    return 0;
}
