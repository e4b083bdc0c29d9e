/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rounds/<N>.json and rounds/<N>.<index>.json; the formats are told in docs/store.md. Case
 * numbers stand as text ranges: a round of 100,000 cases is a few bytes. */
#include "base/json.h"
#include "contract/number_list.h"
#include "decksweep/round.h"

#include <stdio.h>

#define ROUND_MAX_SHAPES 1000u
#define ROUND_MAX_CHUNKS 100000u
#define REPORT_MAX_BYTES 65536u
#define WHOLE_MAX        ((UINT64_C(1) << 53) - 1)

static void put_shape(struct json_writer *w, const struct shape *s)
{
    jw_object(w);
    jw_kv_u64(w, "cores", s->cores);
    jw_kv_u64(w, "gpu", s->gpu);
    jw_kv_u64(w, "mem_bytes", s->mem_bytes);
    jw_kv_u64(w, "ranks", s->ranks);
    jw_kv_u64(w, "scratch_bytes", s->scratch_bytes);
    jw_kv_u64(w, "threads", s->threads);
    jw_end_object(w);
}

static int put_chunk(struct json_writer *w, const struct round_chunk *c, struct ds_err *err)
{
    ds_auto_buf list;
    buf_init(&list, ROUND_MAX_BYTES);
    number_list_put(&list, c->ranges, c->n_ranges);
    int rc = buf_check(&list, "chunk", err);
    if (rc < 0)
        return rc;
    jw_object(w);
    jw_kv_text(w, "cases", buf_span(&list));
    jw_kv_u64(w, "shape", c->shape);
    jw_end_object(w);
    return 0;
}

static void put_attempts(struct json_writer *w, const struct round *r)
{
    jw_array(w);
    for (size_t i = 0; i < r->n_attempts; i++) {
        jw_array(w);
        jw_u64(w, r->attempts[i].number);
        jw_u64(w, r->attempts[i].attempt);
        jw_end_array(w);
    }
    jw_end_array(w);
}

int round_encode(const struct round *r, struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "attempts");
    put_attempts(&w, r);
    jw_key(&w, "chunks");
    jw_array(&w);
    for (size_t i = 0; i < r->n_chunks; i++) {
        int rc = put_chunk(&w, &r->chunks[i], err);
        if (rc < 0)
            return rc;
    }
    jw_end_array(&w);
    jw_kv_u64(&w, "n", r->n);
    jw_kv_cstr(&w, "plan", r->plan_digest);
    jw_kv_bool(&w, "reverse", r->reverse);
    jw_key(&w, "shapes");
    jw_array(&w);
    for (size_t i = 0; i < r->n_shapes; i++)
        put_shape(&w, &r->shapes[i]);
    jw_end_array(&w);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
    return buf_check(out, "round", err);
}

static int need_u64(const struct json *j, const char *key, uint64_t max, uint64_t *out,
                    struct ds_err *err)
{
    if (!json_u64(json_get(j, key), max, out))
        return ds_fail(err, DS_EPARSE, "round: '%s' is missing or no number up to %llu", key,
                       (unsigned long long)max);
    return 0;
}

static int need_u32(const struct json *j, const char *key, uint32_t *out, struct ds_err *err)
{
    uint64_t v;
    int rc = need_u64(j, key, UINT32_MAX, &v, err);
    if (rc == 0)
        *out = (uint32_t)v;
    return rc;
}

static int decode_digest(const struct json *j, char out[PLAN_DIGEST_BYTES], struct ds_err *err)
{
    struct ds_span text;
    struct case_id as_id;
    if (!json_text(json_get(j, "plan"), &text) || !case_id_parse(text, &as_id))
        return ds_fail(err, DS_EPARSE, "round: 'plan' is no digest of 16 hex digits");
    memcpy(out, text.ptr, PLAN_DIGEST_BYTES - 1);
    out[PLAN_DIGEST_BYTES - 1] = '\0';
    return 0;
}

static int decode_shape(const struct json *j, struct shape *s, struct ds_err *err)
{
    int rc = need_u32(j, "ranks", &s->ranks, err);
    rc = rc < 0 ? rc : need_u32(j, "threads", &s->threads, err);
    rc = rc < 0 ? rc : need_u32(j, "cores", &s->cores, err);
    rc = rc < 0 ? rc : need_u64(j, "mem_bytes", WHOLE_MAX, &s->mem_bytes, err);
    rc = rc < 0 ? rc : need_u64(j, "scratch_bytes", WHOLE_MAX, &s->scratch_bytes, err);
    rc = rc < 0 ? rc : need_u64(j, "gpu", WHOLE_MAX, &s->gpu, err);
    if (rc == 0 && (s->ranks == 0 || s->threads == 0 || s->cores == 0))
        return ds_fail(err, DS_EPARSE, "round: a shape has no cores");
    return rc;
}

static int decode_shapes(const struct json *list, struct ds_arena *a, struct round *out,
                         struct ds_err *err)
{
    size_t n = json_count(list), i = 0;
    struct shape *at = n <= ROUND_MAX_SHAPES ? ds_new(a, struct shape, n) : NULL;
    if (!at || !json_is_array(list))
        return ds_fail(err, DS_EPARSE, "round: 'shapes' is no list of at most %u",
                       ROUND_MAX_SHAPES);
    for (const struct json *s = json_first(list); s; s = json_next(s), i++) {
        int rc = decode_shape(s, &at[i], err);
        if (rc < 0)
            return rc;
    }
    out->shapes = at;
    out->n_shapes = n;
    return 0;
}

static int decode_chunks(const struct json *list, struct ds_arena *a, struct round *out,
                         struct ds_err *err)
{
    size_t n = json_count(list), i = 0;
    struct round_chunk *at = n <= ROUND_MAX_CHUNKS ? ds_new(a, struct round_chunk, n) : NULL;
    if (!at || !json_is_array(list))
        return ds_fail(err, DS_EPARSE, "round: 'chunks' is no list of at most %u",
                       ROUND_MAX_CHUNKS);
    for (const struct json *c = json_first(list); c; c = json_next(c), i++) {
        struct ds_span cases;
        int rc = need_u32(c, "shape", &at[i].shape, err);
        if (rc < 0)
            return rc;
        if (at[i].shape >= out->n_shapes)
            return ds_fail(err, DS_EPARSE, "round: chunk %zu names shape %u of %zu", i, at[i].shape,
                           out->n_shapes);
        if (!json_text(json_get(c, "cases"), &cases))
            return ds_fail(err, DS_EPARSE, "round: chunk %zu has no 'cases'", i);
        if (number_list_parse(cases, a, &at[i].ranges, &at[i].n_ranges, err) < 0)
            return ds_wrap(err, "round: chunk %zu", i);
    }
    out->chunks = at;
    out->n_chunks = n;
    return 0;
}

static int decode_attempts(const struct json *list, struct ds_arena *a, struct round *out,
                           struct ds_err *err)
{
    size_t n = json_count(list), i = 0;
    struct round_attempt *at = n <= SWEEP_MAX_CASES ? ds_new(a, struct round_attempt, n) : NULL;
    if (!at || !json_is_array(list))
        return ds_fail(err, DS_EPARSE, "round: 'attempts' is no list of at most %u",
                       SWEEP_MAX_CASES);
    for (const struct json *pair = json_first(list); pair; pair = json_next(pair), i++) {
        const struct json *first = json_first(pair);
        uint64_t number, attempt;
        if (!json_u64(first, UINT32_MAX, &number)
            || !json_u64(json_next(first), UINT32_MAX, &attempt) || attempt == 0
            || (i > 0 && number <= at[i - 1].number))
            return ds_fail(err, DS_EPARSE, "round: attempt %zu is no [number, attempt] in order",
                           i);
        at[i] = (struct round_attempt){(uint32_t)number, (uint32_t)attempt};
    }
    out->attempts = at;
    out->n_attempts = n;
    return 0;
}

int round_decode(struct ds_span text, struct ds_arena *a, struct round *out, struct ds_err *err)
{
    ds_auto_json j = NULL;
    int rc = json_parse(text, ROUND_MAX_BYTES, &j, err);
    if (rc < 0)
        return rc;
    struct round r = {0};
    rc = need_u32(j, "n", &r.n, err);
    rc = rc < 0 ? rc : decode_digest(j, r.plan_digest, err);
    rc = rc < 0 ? rc : decode_shapes(json_get(j, "shapes"), a, &r, err);
    rc = rc < 0 ? rc : decode_chunks(json_get(j, "chunks"), a, &r, err);
    rc = rc < 0 ? rc : decode_attempts(json_get(j, "attempts"), a, &r, err);
    if (rc < 0)
        return rc;
    (void)json_bool(json_get(j, "reverse"), &r.reverse);
    *out = r;
    return 0;
}

uint32_t round_attempt_of(const struct round *r, uint32_t number)
{
    size_t lo = 0, hi = r->n_attempts;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->attempts[mid].number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < r->n_attempts && r->attempts[lo].number == number ? r->attempts[lo].attempt : 1;
}

static void put_counts(struct json_writer *w, const uint64_t counts[VERDICT_COUNT])
{
    jw_object(w);
    for (unsigned v = VERDICT_OK; v < VERDICT_COUNT; v++)
        if (counts[v] > 0)
            jw_kv_u64(w, verdict_name((enum verdict)v), counts[v]);
    jw_end_object(w);
}

int chunk_report_encode(const struct chunk_report *r, struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "attempts");
    put_counts(&w, r->attempts);
    jw_kv_i64(&w, "cpu_ms", r->cpu_ms);
    jw_kv_i64(&w, "exit_status", r->exit_status);
    jw_kv_u64(&w, "failed_rows", r->failed_rows);
    jw_kv_u64(&w, "index", r->index);
    jw_kv_cstr(&w, "node", r->node);
    jw_kv_u64(&w, "peak_mem_bytes", r->peak_mem_bytes);
    jw_kv_cstr(&w, "plan", r->plan_digest);
    jw_kv_u64(&w, "round", r->round);
    jw_kv_u64(&w, "run_ms_max", r->run_ms_max);
    jw_kv_u64(&w, "run_ms_q50", r->run_ms_q50);
    jw_kv_u64(&w, "run_ms_q90", r->run_ms_q90);
    jw_kv_u64(&w, "skipped", r->skipped);
    if (r->text[0])
        jw_kv_cstr(&w, "text", r->text);
    jw_kv_i64(&w, "wall_ms", r->wall_ms);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
    return buf_check(out, "chunk report", err);
}

static uint64_t u64_or_zero(const struct json *j, const char *key)
{
    uint64_t v = 0;
    (void)json_u64(json_get(j, key), WHOLE_MAX, &v);
    return v;
}

int chunk_report_decode(struct ds_span text, struct chunk_report *out, struct ds_err *err)
{
    ds_auto_json j = NULL;
    int rc = json_parse(text, REPORT_MAX_BYTES, &j, err);
    if (rc < 0)
        return rc;
    struct chunk_report r = {0};
    rc = decode_digest(j, r.plan_digest, err);
    rc = rc < 0 ? rc : need_u32(j, "round", &r.round, err);
    rc = rc < 0 ? rc : need_u32(j, "index", &r.index, err);
    if (rc < 0)
        return rc;
    const struct json *attempts = json_get(j, "attempts");
    for (unsigned v = VERDICT_OK; v < VERDICT_COUNT; v++)
        r.attempts[v] = u64_or_zero(attempts, verdict_name((enum verdict)v));
    r.skipped = u64_or_zero(j, "skipped");
    r.failed_rows = u64_or_zero(j, "failed_rows");
    r.peak_mem_bytes = u64_or_zero(j, "peak_mem_bytes");
    r.run_ms_q50 = u64_or_zero(j, "run_ms_q50");
    r.run_ms_q90 = u64_or_zero(j, "run_ms_q90");
    r.run_ms_max = u64_or_zero(j, "run_ms_max");
    (void)json_i64(json_get(j, "wall_ms"), &r.wall_ms);
    (void)json_i64(json_get(j, "cpu_ms"), &r.cpu_ms);
    uint64_t status = u64_or_zero(j, "exit_status");
    r.exit_status = status <= 255 ? (int)status : 255;
    struct ds_span node;
    if (json_text(json_get(j, "node"), &node))
        (void)snprintf(r.node, sizeof r.node, "%.*s", DS_FMT(node));
    if (json_text(json_get(j, "text"), &node))
        (void)snprintf(r.text, sizeof r.text, "%.*s", DS_FMT(node));
    *out = r;
    return 0;
}
