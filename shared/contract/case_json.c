/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case.json between text and struct case_record, by one table of fields: what is written is
 * what is read, in the same order. Documented in docs/store.md. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/path.h"
#include "decksweep/result.h"

#include <math.h>
#include <stdlib.h>

#define CASE_JSON_FORMAT    1
#define CASE_JSON_MAX_BYTES (8u << 20)

enum field_kind { F_TEXT, F_U32, F_I64, F_INT, F_BOOL, F_DOUBLE };

struct field {
    const char *key;
    enum field_kind kind;
    size_t at;
    int64_t missing; /* numbers: what an absent or null value becomes */
};

#define FIELD(key, kind, member, missing)                                                          \
    {                                                                                              \
        key, kind, offsetof(struct case_record, member), missing                                   \
    }

/* Strings, numbers and flags; id, verdict and the lists are handled by hand. */
static const struct field FIELDS[] = {
    FIELD("case", F_U32, number, 0),
    FIELD("attempt", F_U32, attempt, 0),
    FIELD("ended", F_TEXT, ended, 0),
    FIELD("reason", F_TEXT, reason, 0),
    FIELD("message", F_TEXT, message, 0),
    FIELD("deck_file", F_TEXT, deck_file, 0),
    FIELD("deck_line", F_I64, deck_line, 0),
    FIELD("sweep", F_TEXT, sweep, 0),
    FIELD("plan_digest", F_TEXT, plan_digest, 0),
    FIELD("base_digest", F_TEXT, base_digest, 0),
    FIELD("dir", F_TEXT, dir, 0),
    FIELD("root", F_TEXT, root, 0),
    FIELD("exit_code", F_INT, exit_code, -1),
    FIELD("signal", F_INT, signal, 0),
    FIELD("altered_args", F_BOOL, altered_args, 0),
    FIELD("trimmed", F_BOOL, trimmed, 0),
    FIELD("cpubind", F_BOOL, cpubind, 0),
    FIELD("membind", F_BOOL, membind, 0),
    FIELD("started_utc", F_TEXT, started_utc, 0),
    FIELD("stage_ms", F_I64, stage_ms, -1),
    FIELD("run_ms", F_I64, run_ms, -1),
    FIELD("judge_ms", F_I64, judge_ms, -1),
    FIELD("wall_ms", F_I64, wall_ms, -1),
    FIELD("cpu_ms", F_I64, cpu_ms, -1),
    FIELD("peak_mem_bytes", F_I64, peak_mem_bytes, -1),
    FIELD("limit_mem_bytes", F_I64, limit_mem_bytes, -1),
    FIELD("last_report_step", F_I64, last_report_step, -1),
    FIELD("n_report_steps", F_I64, n_report_steps, -1),
    FIELD("last_time_days", F_DOUBLE, last_time_days, 0),
    FIELD("end_time_days", F_DOUBLE, end_time_days, 0),
    FIELD("n_chops", F_I64, n_chops, -1),
    FIELD("n_problems", F_I64, n_problems, -1),
    FIELD("n_warnings", F_I64, n_warnings, -1),
    FIELD("n_errors", F_I64, n_errors, -1),
    FIELD("node", F_TEXT, node, 0),
    FIELD("cpuset", F_TEXT, cpuset, 0),
    FIELD("nodeset", F_TEXT, nodeset, 0),
    FIELD("simulator", F_TEXT, simulator, 0),
    FIELD("simulator_version", F_TEXT, simulator_version, 0),
    FIELD("decksweep_version", F_TEXT, decksweep_version, 0),
    FIELD("ranks", F_U32, ranks, 0),
    FIELD("threads", F_U32, threads, 0),
};

/* ---- encode ---- */

static void put_field(struct json_writer *w, const struct field *f, const struct case_record *r)
{
    const void *at = (const char *)r + f->at;
    jw_key(w, f->key);
    switch (f->kind) {
    case F_TEXT:
        jw_text(w, *(const struct ds_span *)at);
        break;
    case F_U32:
        jw_u64(w, *(const uint32_t *)at);
        break;
    case F_I64:
        jw_i64(w, *(const int64_t *)at);
        break;
    case F_INT:
        jw_i64(w, *(const int *)at);
        break;
    case F_BOOL:
        jw_bool(w, *(const bool *)at);
        break;
    case F_DOUBLE:
        jw_double(w, *(const double *)at);
        break;
    }
}

static void put_texts(struct json_writer *w, const char *key, const struct ds_span *texts, size_t n)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_text(w, texts[i]);
    jw_end_array(w);
}

static void put_params(struct json_writer *w, const struct case_record *r)
{
    jw_key(w, "parameters");
    jw_object(w);
    for (size_t i = 0; i < r->n_params; i++) {
        jw_key_span(w, r->params[i].name);
        jw_text(w, r->params[i].text);
    }
    jw_end_object(w);
}

static void put_files(struct json_writer *w, const struct case_record *r)
{
    jw_key(w, "files");
    jw_array(w);
    for (size_t i = 0; i < r->n_files; i++) {
        jw_object(w);
        jw_kv_text(w, "path", r->files[i].path);
        jw_kv_u64(w, "size_bytes", r->files[i].size_bytes);
        jw_kv_cstr(w, "sha256", r->files[i].sha256);
        jw_end_object(w);
    }
    jw_end_array(w);
}

int case_record_encode(const struct case_record *r, struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_u64(&w, "format", CASE_JSON_FORMAT);
    jw_kv_text(&w, "id", (struct ds_span){r->id.hex, CASE_ID_CHARS});
    jw_kv_cstr(&w, "verdict", verdict_name(r->verdict));
    for (size_t i = 0; i < DS_COUNT(FIELDS); i++)
        put_field(&w, &FIELDS[i], r);
    put_params(&w, r);
    put_texts(&w, "argv", r->argv, r->n_argv);
    put_texts(&w, "rewritten", r->rewritten, r->n_rewritten);
    put_files(&w, r);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
    return buf_check(out, "case.json", err);
}

/* ---- decode ---- */

static int wrong(struct ds_err *err, const char *key, const char *expected)
{
    return ds_fail(err, DS_EPARSE, "case.json: %s: %s expected", key, expected);
}

static int too_big(struct ds_err *err)
{
    return ds_fail(err, DS_ETOOBIG, "case.json: more than fits the memory set aside for it");
}

static int take_text(const struct json *j, const char *key, struct ds_arena *a, struct ds_span *out,
                     struct ds_err *err)
{
    struct ds_span text;
    if (!json_text(j, &text))
        return wrong(err, key, "text");
    struct ds_span copy = arena_copy(a, text);
    if (!copy.ptr)
        return too_big(err);
    *out = copy;
    return 0;
}

static int take_whole(const struct json *j, const char *key, int64_t lowest, int64_t highest,
                      int64_t *out, struct ds_err *err)
{
    int64_t v;
    if (!json_i64(j, &v) || v < lowest || v > highest)
        return wrong(err, key, "a whole number in range");
    *out = v;
    return 0;
}

static int take_number(const struct json *j, const struct field *f, struct case_record *r,
                       struct ds_err *err)
{
    void *at = (char *)r + f->at;
    int64_t v = f->missing;
    int64_t lowest = f->kind == F_I64 ? INT64_MIN : f->kind == F_INT ? INT32_MIN : 0;
    int64_t highest = f->kind == F_I64 ? INT64_MAX : f->kind == F_INT ? INT32_MAX : UINT32_MAX;
    if (!json_is_null(j) && take_whole(j, f->key, lowest, highest, &v, err) < 0)
        return err ? err->code : DS_EPARSE;
    if (f->kind == F_I64)
        *(int64_t *)at = v;
    else if (f->kind == F_INT)
        *(int *)at = (int)v;
    else
        *(uint32_t *)at = (uint32_t)v;
    return 0;
}

static int take_field(const struct json *j, const struct field *f, struct ds_arena *a,
                      struct case_record *r, struct ds_err *err)
{
    void *at = (char *)r + f->at;
    switch (f->kind) {
    case F_TEXT:
        return json_is_null(j) ? 0 : take_text(j, f->key, a, at, err);
    case F_BOOL:
        return json_is_null(j) || json_bool(j, at) ? 0 : wrong(err, f->key, "true or false");
    case F_DOUBLE:
        return json_is_null(j) || json_number(j, at) ? 0 : wrong(err, f->key, "a number");
    default:
        return take_number(j, f, r, err);
    }
}

static int take_texts(const struct json *j, const char *key, struct ds_arena *a,
                      const struct ds_span **out, size_t *n_out, struct ds_err *err)
{
    if (!json_is_array(j))
        return wrong(err, key, "a list of texts");
    size_t n = 0;
    struct ds_span *texts = ds_new(a, struct ds_span, json_count(j));
    if (!texts)
        return too_big(err);
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        int rc = take_text(c, key, a, &texts[n++], err);
        if (rc < 0)
            return rc;
    }
    *out = texts;
    *n_out = n;
    return 0;
}

static int take_params(const struct json *j, struct ds_arena *a, struct case_record *r,
                       struct ds_err *err)
{
    if (!json_is_object(j))
        return wrong(err, "parameters", "an object of texts");
    size_t n = 0;
    struct case_param *params = ds_new(a, struct case_param, json_count(j));
    if (!params)
        return too_big(err);
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        params[n].name = arena_copy(a, json_key(c));
        if (!params[n].name.ptr)
            return too_big(err);
        int rc = take_text(c, "parameters", a, &params[n++].text, err);
        if (rc < 0)
            return rc;
    }
    r->params = params;
    r->n_params = n;
    return 0;
}

static bool is_sha256(struct ds_span s)
{
    struct case_id id;
    if (s.len != 64)
        return false;
    for (size_t i = 0; i < 64; i += CASE_ID_CHARS)
        if (!case_id_parse((struct ds_span){s.ptr + i, CASE_ID_CHARS}, &id))
            return false;
    return true;
}

static int take_file(const struct json *j, struct ds_arena *a, struct case_file *out,
                     struct ds_err *err)
{
    struct ds_span sha;
    int rc = take_text(json_get(j, "path"), "files: path", a, &out->path, err);
    if (rc < 0)
        return rc;
    if (!path_is_safe_member(out->path))
        return wrong(err, "files: path", "a relative path without '..'");
    if (!json_u64(json_get(j, "size_bytes"), (UINT64_C(1) << 53) - 1, &out->size_bytes))
        return wrong(err, "files: size_bytes", "a whole number");
    if (!json_text(json_get(j, "sha256"), &sha) || !is_sha256(sha))
        return wrong(err, "files: sha256", "64 hex digits");
    memcpy(out->sha256, sha.ptr, 64);
    out->sha256[64] = '\0';
    return 0;
}

static int take_files(const struct json *j, struct ds_arena *a, struct case_record *r,
                      struct ds_err *err)
{
    if (!json_is_array(j))
        return wrong(err, "files", "a list");
    size_t n = 0;
    struct case_file *files = ds_new(a, struct case_file, json_count(j));
    if (!files)
        return too_big(err);
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        int rc = take_file(c, a, &files[n++], err);
        if (rc < 0)
            return rc;
    }
    r->files = files;
    r->n_files = n;
    return 0;
}

static int take_id(const struct json *j, struct case_record *r, struct ds_err *err)
{
    struct ds_span text;
    if (!json_text(j, &text) || !case_id_parse(text, &r->id))
        return wrong(err, "id", "16 lower-case hex digits");
    return 0;
}

static int take_verdict(const struct json *j, struct case_record *r, struct ds_err *err)
{
    struct ds_span text;
    if (!json_text(j, &text) || (r->verdict = verdict_from_name(text)) == VERDICT_NONE)
        return wrong(err, "verdict", "the name of a verdict");
    return 0;
}

/* Keys normally come in the table's order, so the search goes on where it last ended. */
static const struct field *find_field(struct ds_span key, size_t *hint)
{
    for (size_t i = 0; i < DS_COUNT(FIELDS); i++) {
        size_t at = (*hint + i) % DS_COUNT(FIELDS);
        if (ds_span_is(key, FIELDS[at].key)) {
            *hint = at + 1;
            return &FIELDS[at];
        }
    }
    return NULL;
}

static int take_member(const struct json *c, size_t *hint, struct ds_arena *a,
                       struct case_record *r, struct ds_err *err)
{
    struct ds_span key = json_key(c);
    const struct field *f = find_field(key, hint);
    if (f)
        return take_field(c, f, a, r, err);
    if (ds_span_is(key, "id"))
        return take_id(c, r, err);
    if (ds_span_is(key, "verdict"))
        return take_verdict(c, r, err);
    if (ds_span_is(key, "parameters"))
        return take_params(c, a, r, err);
    if (ds_span_is(key, "argv"))
        return take_texts(c, "argv", a, &r->argv, &r->n_argv, err);
    if (ds_span_is(key, "rewritten"))
        return take_texts(c, "rewritten", a, &r->rewritten, &r->n_rewritten, err);
    if (ds_span_is(key, "files"))
        return take_files(c, a, r, err);
    return 0;
}

static void set_missing(struct case_record *r)
{
    static const struct ds_span NOTHING = {"", 0};
    *r = (struct case_record){.verdict = VERDICT_NONE};
    for (size_t i = 0; i < DS_COUNT(FIELDS); i++) {
        void *at = (char *)r + FIELDS[i].at;
        switch (FIELDS[i].kind) {
        case F_TEXT:
            *(struct ds_span *)at = NOTHING;
            break;
        case F_I64:
            *(int64_t *)at = FIELDS[i].missing;
            break;
        case F_INT:
            *(int *)at = (int)FIELDS[i].missing;
            break;
        case F_DOUBLE:
            *(double *)at = NAN;
            break;
        case F_U32:
        case F_BOOL:
            break;
        }
    }
}

int case_record_decode(struct ds_span text, struct ds_arena *a, struct case_record *out,
                       struct ds_err *err)
{
    ds_auto_json root = NULL;
    struct case_record r;
    size_t hint = 0;
    int rc = json_parse(text, CASE_JSON_MAX_BYTES, &root, err);
    if (rc < 0) {
        (void)ds_wrap(err, "case.json");
        return rc;
    }
    if (!json_is_object(root))
        return wrong(err, "the whole", "an object");
    set_missing(&r);
    for (const struct json *c = json_first(root); c; c = json_next(c)) {
        rc = take_member(c, &hint, a, &r, err);
        if (rc < 0)
            return rc;
    }
    if (r.id.hex[0] == '\0')
        return wrong(err, "id", "16 lower-case hex digits");
    if (r.verdict == VERDICT_NONE)
        return wrong(err, "verdict", "the name of a verdict");
    *out = r;
    return 0;
}
