/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.json between text and struct plan, by one table of fields in the order of their keys:
 * what is written is what is read. Texts that are no UTF-8 (a deck's line, a file name) stand
 * as {"hex": "..."}, so that nothing is lost. Documented in docs/store.md. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sha256.h"
#include "contract/plan_parts.h"
#include "decksweep/plan.h"

#include <math.h>

enum field_kind { F_TEXT, F_TEXTS, F_SHA256, F_BOOL, F_U32, F_U64, F_I64, F_DOUBLE, F_OWN };

struct field {
    const char *key;
    enum field_kind kind;
    bool absent_if_none; /* F_TEXTS that older plans lack: an empty list is not written */
    size_t at, n_at;     /* value; count of F_TEXTS */
    uint64_t least, most;
    void (*put)(struct json_writer *w, const struct plan *p);
    int (*take)(const struct json *j, struct plan_reading *r, struct plan *p);
};

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
        "feature_" key, k, AT(features.m), .most = PLAN_WHOLE_MAX                                  \
    }
#define OWN(key, name)                                                                             \
    {                                                                                              \
        key, F_OWN, .put = plan_json_put_##name, .take = plan_json_take_##name                     \
    }

static const struct field FIELDS[] = {
    TEXTS("args", args),
    {"base_digest", F_SHA256, AT(base_digest)},
    {"bundle_key", F_TEXT, AT(bundle_key)},
    {"case_root", F_TEXT, AT(case_root)},
    TEXTS("command", command),
    {"common_files", F_TEXTS, AT(common_files), .n_at = offsetof(struct plan, n_common_files),
     .absent_if_none = true},
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
    WHOLE("memory_bytes", F_U64, memory_bytes, 0, PLAN_WHOLE_MAX),
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
    WHOLE("wall_ms", F_U64, wall_ms, 1, PLAN_WHOLE_MAX),
};

/* ---- encode ---- */

static size_t count_of(const struct field *f, const struct plan *p)
{
    return *(const size_t *)(const void *)((const char *)p + f->n_at);
}

static void put_field(struct json_writer *w, const struct field *f, const struct plan *p)
{
    const void *at = (const char *)p + f->at;
    uint64_t whole;
    if (f->absent_if_none && count_of(f, p) == 0)
        return;
    jw_key(w, f->key);
    switch (f->kind) {
    case F_TEXT:
        plan_json_put_text(w, *(const struct ds_span *)at);
        break;
    case F_TEXTS:
        plan_json_put_texts(w, *(const struct ds_span *const *)at, count_of(f, p));
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
        jw_u64(w, whole < PLAN_WHOLE_MAX ? whole : PLAN_WHOLE_MAX);
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

static int take_sha256(const struct json *j, struct plan_reading *r, char *out)
{
    struct ds_span text;
    if (!json_text(j, &text) || text.len != SHA256_HEX_BYTES - 1)
        return plan_json_wrong(r, "64 hex digits are expected");
    for (size_t i = 0; i < text.len; i++)
        if (plan_json_hex_value(text.ptr[i]) < 0)
            return plan_json_wrong(r, "64 hex digits are expected");
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return 0;
}

static int take_whole(const struct json *j, struct plan_reading *r, const struct field *f, void *at)
{
    uint64_t v;
    uint64_t most = f->kind == F_U32 && f->most > UINT32_MAX ? UINT32_MAX : f->most;
    int rc = plan_json_take_u64(j, r, most, &v);
    if (rc < 0 || v < f->least)
        return rc < 0 ? rc : plan_json_wrong(r, "a larger number is expected");
    if (f->kind == F_U32)
        *(uint32_t *)at = (uint32_t)v;
    else
        *(uint64_t *)at = v;
    return 0;
}

static int take_double(const struct json *j, struct plan_reading *r, double *out)
{
    *out = NAN; /* written as null */
    return json_is_null(j) || json_number(j, out) ? 0 : plan_json_wrong(r, "a number is expected");
}

static int take_field(const struct json *j, const struct field *f, struct plan_reading *r,
                      struct plan *p)
{
    void *at = (char *)p + f->at;
    switch (f->kind) {
    case F_TEXT:
        return plan_json_take_text(j, r, at);
    case F_TEXTS:
        return plan_json_take_texts(j, r, at, (size_t *)(void *)((char *)p + f->n_at));
    case F_SHA256:
        return take_sha256(j, r, at);
    case F_BOOL:
        return json_bool(j, at) ? 0 : plan_json_wrong(r, "true or false is expected");
    case F_U32:
    case F_U64:
        return take_whole(j, r, f, at);
    case F_I64:
        return json_i64(j, at) ? 0 : plan_json_wrong(r, "a whole number is expected");
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
static int check_names(const struct plan *p, struct plan_reading *r)
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
            return plan_json_wrong(r, "not possible");
        }
    for (size_t i = 0; i < p->n_templates; i++)
        if (!path_is_safe_member(p->templates[i])) {
            r->key = "templates";
            return plan_json_wrong(r, "a path leaves the bundle");
        }
    return 0;
}

int plan_decode(struct ds_span text, struct ds_arena *a, struct plan *out, struct ds_err *err)
{
    ds_auto_json j = NULL;
    struct plan p = {0};
    struct plan_reading r = {.a = a, .err = err};
    int rc = json_parse(text, PLAN_MAX_BYTES, &j, err);
    if (rc < 0)
        return err ? ds_wrap(err, "plan") : rc;
    r.key = "the whole";
    if (!json_is_object(j))
        return plan_json_wrong(&r, "an object is expected");
    for (size_t i = 0; i < DS_COUNT(FIELDS); i++) {
        r.key = FIELDS[i].key;
        const struct json *value = json_get(j, r.key);
        if (!value && FIELDS[i].absent_if_none)
            continue;
        if (!value)
            return plan_json_wrong(&r, "missing");
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
