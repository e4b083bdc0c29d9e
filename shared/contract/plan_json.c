/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.json between text and struct plan, by one table of fields in the order of their keys:
 * what is written is what is read. Texts that are no UTF-8 (a deck's line, a file name) stand
 * as {"hex": "..."}, so that nothing is lost. Documented in docs/store.md. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sha256.h"
#include "decksweep/plan.h"

#include <math.h>

#define PLAN_FORMAT 1
#define WHOLE_MAX   ((UINT64_C(1) << 53) - 1)

enum field_kind { F_TEXT, F_TEXTS, F_SHA256, F_BOOL, F_U32, F_U64, F_I64, F_DOUBLE, F_OWN };

struct reading {
    struct ds_arena *a;
    const char *key; /* for messages */
    struct ds_err *err;
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t at, n_at; /* value; count of F_TEXTS */
    uint64_t least, most;
    void (*put)(struct json_writer *w, const struct plan *p);
    int (*take)(const struct json *j, struct reading *r, struct plan *p);
};

static int wrong(struct reading *r, const char *what)
{
    return ds_fail(r->err, DS_EPARSE, "plan: %s: %s", r->key, what);
}

static int no_room(struct reading *r)
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

static void put_text(struct json_writer *w, struct ds_span text)
{
    if (json_is_utf8(text))
        jw_text(w, text);
    else
        put_hex(w, text);
}

static void put_texts(struct json_writer *w, const struct ds_span *texts, size_t n)
{
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        put_text(w, texts[i]);
    jw_end_array(w);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(struct ds_span hex, struct reading *r, struct ds_span *out)
{
    char *bytes = ds_new(r->a, char, hex.len / 2 + 1);
    if (!bytes)
        return no_room(r);
    if (hex.len % 2 != 0)
        return wrong(r, "an odd number of hex digits");
    for (size_t i = 0; i < hex.len; i += 2) {
        int hi = hex_value(hex.ptr[i]), lo = hex_value(hex.ptr[i + 1]);
        if (hi < 0 || lo < 0)
            return wrong(r, "not hexadecimal");
        bytes[i / 2] = (char)(unsigned char)(hi * 16 + lo);
    }
    *out = (struct ds_span){bytes, hex.len / 2};
    return 0;
}

static int take_text(const struct json *j, struct reading *r, struct ds_span *out)
{
    struct ds_span text;
    if (json_text(json_get(j, "hex"), &text))
        return take_hex(text, r, out);
    if (!json_text(j, &text))
        return wrong(r, "a text is expected");
    *out = arena_copy(r->a, text);
    return out->ptr ? 0 : no_room(r);
}

static int take_texts(const struct json *j, struct reading *r, const struct ds_span **out,
                      size_t *n)
{
    if (!json_is_array(j))
        return wrong(r, "a list is expected");
    struct ds_span *list = ds_new(r->a, struct ds_span, json_count(j));
    size_t i = 0;
    if (!list)
        return no_room(r);
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        int rc = take_text(c, r, &list[i++]);
        if (rc < 0)
            return rc;
    }
    *out = list;
    *n = i;
    return 0;
}

static int take_u64(const struct json *j, struct reading *r, uint64_t most, uint64_t *out)
{
    return json_u64(j, most, out) ? 0 : wrong(r, "a whole number in range is expected");
}

/* ---- fields of their own form ---- */

static void put_method(struct json_writer *w, const struct plan *p)
{
    jw_cstr(w, design_method_name(p->method));
}

static int take_method(const struct json *j, struct reading *r, struct plan *p)
{
    struct ds_span text;
    p->method = json_text(j, &text) ? design_method_from_name(text) : 0;
    return p->method != 0 ? 0 : wrong(r, "unknown method");
}

static void put_judge(struct json_writer *w, const struct plan *p)
{
    jw_cstr(w, judge_kind_name(p->judge));
}

static int take_judge(const struct json *j, struct reading *r, struct plan *p)
{
    struct ds_span text;
    p->judge = json_text(j, &text) ? judge_kind_from_name(text) : 0;
    return p->judge != 0 ? 0 : wrong(r, "unknown judge");
}

static void put_format(struct json_writer *w, const struct plan *p)
{
    (void)p;
    jw_u64(w, PLAN_FORMAT);
}

static int take_format(const struct json *j, struct reading *r, struct plan *p)
{
    uint64_t v;
    (void)p;
    if (!json_u64(j, WHOLE_MAX, &v))
        return wrong(r, "a whole number is expected");
    if (v != PLAN_FORMAT)
        return ds_fail(r->err, DS_EUNSUPPORTED,
                       "plan: format %llu; this program reads %d: use the one that wrote it",
                       (unsigned long long)v, PLAN_FORMAT);
    return 0;
}

static void put_rule(struct json_writer *w, const struct plan *p)
{
    (void)p;
    jw_u64(w, PLAN_RULE_VERSION);
}

static int take_rule(const struct json *j, struct reading *r, struct plan *p)
{
    uint64_t v;
    (void)p;
    return take_u64(j, r, WHOLE_MAX, &v);
}

static void put_keep(struct json_writer *w, const struct plan *p)
{
    jw_object(w);
    jw_key(w, "classes");
    jw_array(w);
    for (unsigned bit = 1; bit <= CLASS_ALL; bit <<= 1)
        if (p->keep.classes & bit)
            jw_cstr(w, result_class_name((enum result_class)bit));
    jw_end_array(w);
    jw_key(w, "globs");
    put_texts(w, p->keep.globs, p->keep.n_globs);
    jw_end_object(w);
}

static int take_keep(const struct json *j, struct reading *r, struct plan *p)
{
    const struct ds_span *classes, *globs;
    size_t n_classes, n_globs;
    int rc = take_texts(json_get(j, "classes"), r, &classes, &n_classes);
    rc = rc < 0 ? rc : take_texts(json_get(j, "globs"), r, &globs, &n_globs);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n_classes; i++) {
        unsigned bit = result_class_from_name(classes[i]);
        if (bit == 0)
            return wrong(r, "unknown class");
        p->keep.classes |= bit;
    }
    if (n_globs > KEEP_MAX_GLOBS)
        return wrong(r, "too many globs");
    for (size_t i = 0; i < n_globs; i++) {
        if (i > 0 && ds_span_compare(globs[i - 1], globs[i]) >= 0)
            return wrong(r, "globs are not in order");
        p->keep.globs[i] = globs[i];
    }
    p->keep.n_globs = n_globs;
    return 0;
}

static void put_retries(struct json_writer *w, const struct plan *p)
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

static int take_retries(const struct json *j, struct reading *r, struct plan *p)
{
    if (!json_is_array(j))
        return wrong(r, "a list is expected");
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        struct ds_span name;
        uint64_t n;
        enum verdict v = json_text(json_first(c), &name) ? verdict_from_name(name) : VERDICT_NONE;
        if (v == VERDICT_NONE || !json_u64(json_next(json_first(c)), 1000, &n))
            return wrong(r, "pairs of verdict and number are expected");
        p->retries[v] = (uint32_t)n;
    }
    return 0;
}

static void put_params(struct json_writer *w, const struct plan *p)
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

static int take_params(const struct json *j, struct reading *r, struct plan *p)
{
    if (!json_is_array(j))
        return wrong(r, "a list is expected");
    struct plan_param *list = ds_new(r->a, struct plan_param, json_count(j));
    size_t n = 0;
    if (!list)
        return no_room(r);
    for (const struct json *c = json_first(j); c; c = json_next(c), n++) {
        struct plan_param *x = &list[n];
        int rc = take_text(json_get(c, "name"), r, &x->name);
        if (rc < 0)
            return rc;
        if (!json_bool(json_get(c, "files"), &x->is_files)
            || !json_bool(json_get(c, "in_id"), &x->in_id)
            || !json_bool(json_get(c, "number"), &x->is_number) || x->name.len == 0)
            return wrong(r, "name, files, in_id and number are expected");
        if (n > 0 && ds_span_compare(list[n - 1].name, x->name) >= 0)
            return wrong(r, "names are not in order");
    }
    p->params = list;
    p->n_params = n;
    return 0;
}

static void put_trims(struct json_writer *w, const struct plan *p)
{
    jw_array(w);
    for (size_t i = 0; i < p->n_trims; i++) {
        jw_object(w);
        jw_kv_u64(w, "line", p->trims[i].line);
        jw_key(w, "now");
        put_text(w, p->trims[i].now);
        jw_key(w, "path");
        put_text(w, p->trims[i].path);
        jw_key(w, "was");
        put_text(w, p->trims[i].was);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static int take_trims(const struct json *j, struct reading *r, struct plan *p)
{
    if (!json_is_array(j))
        return wrong(r, "a list is expected");
    struct trim_edit *list = ds_new(r->a, struct trim_edit, json_count(j));
    size_t n = 0;
    if (!list)
        return no_room(r);
    for (const struct json *c = json_first(j); c; c = json_next(c), n++) {
        uint64_t line;
        int rc = take_text(json_get(c, "now"), r, &list[n].now);
        rc = rc < 0 ? rc : take_text(json_get(c, "path"), r, &list[n].path);
        rc = rc < 0 ? rc : take_text(json_get(c, "was"), r, &list[n].was);
        if (rc < 0)
            return rc;
        if (!json_u64(json_get(c, "line"), UINT32_MAX, &line) || line == 0
            || !path_is_safe_member(list[n].path))
            return wrong(r, "a line number and a path inside the bundle are expected");
        list[n].line = (uint32_t)line;
    }
    p->trims = list;
    p->n_trims = n;
    return 0;
}

/* ---- the table ---- */

#define AT(member) .at = offsetof(struct plan, member)
#define WHOLE(key, k, m, lo, hi)                                                                   \
    {                                                                                              \
        key, k, AT(m), .least = (lo), .most = (hi)                                                 \
    }
#define TEXTS(key, m)                                                                              \
    {                                                                                              \
        key, F_TEXTS, AT(m), .n_at = offsetof(struct plan, n_##m)                                  \
    }
#define FEATURE(key, k, m)                                                                         \
    {                                                                                              \
        "feature_" key, k, AT(features.m), .most = WHOLE_MAX                                       \
    }
#define OWN(key, name)                                                                             \
    {                                                                                              \
        key, F_OWN, .put = put_##name, .take = take_##name                                         \
    }

static const struct field FIELDS[] = {
    TEXTS("args", args),
    {"base_digest", F_SHA256, AT(base_digest)},
    {"bundle_key", F_TEXT, AT(bundle_key)},
    {"case_root", F_TEXT, AT(case_root)},
    TEXTS("command", command),
    WHOLE("compression", F_U32, compression, 1, 22),
    {"deck_dir", F_TEXT, AT(deck_dir)},
    {"deck_name", F_TEXT, AT(deck_name)},
    {"design_key", F_TEXT, AT(design_key)},
    {"design_sha256", F_SHA256, AT(design_sha256)},
    FEATURE("active_cells", F_U64, active_cells),
    FEATURE("connections", F_U64, connections),
    FEATURE("end_time_days", F_DOUBLE, end_time_days),
    FEATURE("estimated_output_bytes", F_U64, estimated_output_bytes),
    FEATURE("formatted", F_BOOL, formatted),
    FEATURE("has_actionx", F_BOOL, has_actionx),
    FEATURE("has_rptonly", F_BOOL, has_rptonly),
    FEATURE("heavy", F_BOOL, heavy),
    FEATURE("inactive_cells", F_U64, inactive_cells),
    FEATURE("is_restart", F_BOOL, is_restart),
    FEATURE("n_phases", F_U32, n_phases),
    FEATURE("n_report_steps", F_U32, n_report_steps),
    FEATURE("nx", F_U64, nx),
    FEATURE("ny", F_U64, ny),
    FEATURE("nz", F_U64, nz),
    FEATURE("restart_step", F_U32, restart_step),
    FEATURE("start_unix_s", F_I64, start_unix_s),
    FEATURE("unified", F_BOOL, unified),
    FEATURE("writes_restart", F_BOOL, writes_restart),
    OWN("format", format),
    OWN("judge", judge),
    OWN("keep", keep),
    WHOLE("memory_bytes", F_U64, memory_bytes, 0, WHOLE_MAX),
    OWN("method", method),
    WHOLE("n_cases", F_U32, n_cases, 1, SWEEP_MAX_CASES),
    WHOLE("n_distinct", F_U32, n_distinct, 1, SWEEP_MAX_CASES),
    {"name", F_TEXT, AT(name)},
    TEXTS("not_converged_args", not_converged_args),
    OWN("params", params),
    WHOLE("pilot", F_U32, pilot, 0, UINT32_MAX),
    {"preset_flow", F_BOOL, AT(preset_flow)},
    WHOLE("ranks", F_U32, ranks, 1, 4096),
    OWN("retries", retries),
    TEXTS("rewritten", rewritten),
    OWN("rule", rule),
    {"simulator", F_TEXT, AT(simulator)},
    {"simulator_version", F_TEXT, AT(simulator_version)},
    TEXTS("templates", templates),
    WHOLE("threads", F_U32, threads, 1, 4096),
    {"trim", F_BOOL, AT(trim)},
    OWN("trims", trims),
    {"uses_case_number", F_BOOL, AT(uses_case_number)},
    WHOLE("wall_ms", F_U64, wall_ms, 1, WHOLE_MAX),
};

/* ---- encode ---- */

static void put_field(struct json_writer *w, const struct field *f, const struct plan *p)
{
    const void *at = (const char *)p + f->at;
    uint64_t whole;
    jw_key(w, f->key);
    switch (f->kind) {
    case F_TEXT:
        put_text(w, *(const struct ds_span *)at);
        break;
    case F_TEXTS:
        put_texts(w, *(const struct ds_span *const *)at,
                  *(const size_t *)(const void *)((const char *)p + f->n_at));
        break;
    case F_SHA256:
        jw_cstr(w, at);
        break;
    case F_BOOL:
        jw_bool(w, *(const bool *)at);
        break;
    case F_U32:
        jw_u64(w, *(const uint32_t *)at);
        break;
    case F_U64: /* larger ones are guesses out of all proportion */
        whole = *(const uint64_t *)at;
        jw_u64(w, whole < WHOLE_MAX ? whole : WHOLE_MAX);
        break;
    case F_I64:
        jw_i64(w, *(const int64_t *)at);
        break;
    case F_DOUBLE:
        jw_double(w, *(const double *)at);
        break;
    default:
        f->put(w, p);
    }
}

int plan_encode(const struct plan *p, struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    for (size_t i = 0; i < DS_COUNT(FIELDS); i++)
        put_field(&w, &FIELDS[i], p);
    jw_end_object(&w);
    return buf_check(out, "plan.json", err);
}

/* ---- decode ---- */

static int take_sha256(const struct json *j, struct reading *r, char *out)
{
    struct ds_span text;
    if (!json_text(j, &text) || text.len != SHA256_HEX_BYTES - 1)
        return wrong(r, "64 hex digits are expected");
    for (size_t i = 0; i < text.len; i++)
        if (hex_value(text.ptr[i]) < 0)
            return wrong(r, "64 hex digits are expected");
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return 0;
}

static int take_whole(const struct json *j, struct reading *r, const struct field *f, void *at)
{
    uint64_t v;
    uint64_t most = f->kind == F_U32 && f->most > UINT32_MAX ? UINT32_MAX : f->most;
    int rc = take_u64(j, r, most, &v);
    if (rc < 0 || v < f->least)
        return rc < 0 ? rc : wrong(r, "a larger number is expected");
    if (f->kind == F_U32)
        *(uint32_t *)at = (uint32_t)v;
    else
        *(uint64_t *)at = v;
    return 0;
}

static int take_double(const struct json *j, struct reading *r, double *out)
{
    *out = NAN; /* written as null */
    return json_number(j, out) || j ? 0 : wrong(r, "a number is expected");
}

static int take_field(const struct json *j, const struct field *f, struct reading *r,
                      struct plan *p)
{
    void *at = (char *)p + f->at;
    switch (f->kind) {
    case F_TEXT:
        return take_text(j, r, at);
    case F_TEXTS:
        return take_texts(j, r, at, (size_t *)(void *)((char *)p + f->n_at));
    case F_SHA256:
        return take_sha256(j, r, at);
    case F_BOOL:
        return json_bool(j, at) ? 0 : wrong(r, "true or false is expected");
    case F_U32:
    case F_U64:
        return take_whole(j, r, f, at);
    case F_I64:
        return json_i64(j, at) ? 0 : wrong(r, "a whole number is expected");
    case F_DOUBLE:
        return take_double(j, r, at);
    default:
        return f->take(j, r, p);
    }
}

static bool is_plain_name(struct ds_span s)
{
    return path_is_safe_member(s) && s.ptr[0] != '.' && !memchr(s.ptr, '/', s.len);
}

/* Texts that become names of files and keys. */
static int check_names(const struct plan *p, struct reading *r)
{
    struct ds_span dir = p->deck_dir;
    const struct {
        const char *key;
        bool ok;
    } RULES[] = {
        {"name", is_plain_name(p->name) && p->name.len <= SWEEP_MAX_NAME_BYTES},
        {"deck_name",
         path_is_safe_member(p->deck_name) && !memchr(p->deck_name.ptr, '/', p->deck_name.len)},
        {"case_root",
         path_is_safe_member(p->case_root) && !memchr(p->case_root.ptr, '/', p->case_root.len)},
        {"bundle_key", is_plain_name(p->bundle_key)},
        {"design_key", is_plain_name(p->design_key)},
        {"deck_dir", dir.len == 0
                         || (dir.ptr[dir.len - 1] == '/'
                             && path_is_safe_member((struct ds_span){dir.ptr, dir.len - 1}))},
        {"n_distinct", p->n_distinct <= p->n_cases},
        {"command", p->preset_flow || p->n_command > 0},
    };
    for (size_t i = 0; i < DS_COUNT(RULES); i++)
        if (!RULES[i].ok) {
            r->key = RULES[i].key;
            return wrong(r, "not possible");
        }
    for (size_t i = 0; i < p->n_templates; i++)
        if (!path_is_safe_member(p->templates[i])) {
            r->key = "templates";
            return wrong(r, "a path leaves the bundle");
        }
    return 0;
}

int plan_decode(struct ds_span text, struct ds_arena *a, struct plan *out, struct ds_err *err)
{
    ds_auto_json j = NULL;
    struct plan p = {0};
    struct reading r = {.a = a, .err = err};
    int rc = json_parse(text, PLAN_MAX_BYTES, &j, err);
    if (rc < 0)
        return err ? ds_wrap(err, "plan") : rc;
    r.key = "the whole";
    if (!json_is_object(j))
        return wrong(&r, "an object is expected");
    for (size_t i = 0; i < DS_COUNT(FIELDS); i++) {
        r.key = FIELDS[i].key;
        const struct json *value = json_get(j, r.key);
        if (!value)
            return wrong(&r, "missing");
        rc = take_field(value, &FIELDS[i], &r, &p);
        if (rc < 0)
            return rc;
    }
    rc = check_names(&p, &r);
    if (rc == 0)
        *out = p;
    return rc;
}

void plan_digest(struct ds_span plan_json, char out[PLAN_DIGEST_BYTES])
{
    char hex[SHA256_HEX_BYTES];
    sha256_of(plan_json.ptr, plan_json.len, hex);
    memcpy(out, hex, PLAN_DIGEST_BYTES - 1);
    out[PLAN_DIGEST_BYTES - 1] = '\0';
}
