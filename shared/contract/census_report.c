/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A census pod's termination message, and what the controller tells a census about nodes and
 * limits. Messages come from a pod whose image the user chose: hostile. */
#include "contract/census_fields.h"

#include <stdio.h>

static const char *const OUTCOMES[] = {
    [CENSUS_ROUND] = "round",     [CENSUS_FINISHED] = "finished", [CENSUS_DECISION] = "decision",
    [CENSUS_REFUSED] = "refused", [CENSUS_TROUBLE] = "trouble",   [CENSUS_STOPPED] = "stopped",
};

const char *census_outcome_name(enum census_outcome o)
{
    return o >= CENSUS_ROUND && o <= CENSUS_STOPPED ? OUTCOMES[o] : "none";
}

#define SHAPE(kind, member, key) JSON_FIELD(kind, struct census_shape, member, key)
static const struct json_field SHAPE_FIELDS[] = {
    SHAPE(FIELD_U32, n_cases, "cases"),
    SHAPE(FIELD_U32, n_chunks, "chunks"),
    SHAPE(FIELD_U32, pod.cpus, "cpus"),
    SHAPE(FIELD_U32, deadline_s, "deadlineSeconds"),
    SHAPE(FIELD_U32, first_index, "firstIndex"),
    SHAPE(FIELD_U64, pod.mem_bytes, "memoryBytes"),
    SHAPE(FIELD_U64, pod.scratch_bytes, "scratchBytes"),
    SHAPE(FIELD_U64, pod.shm_bytes, "shmBytes"),
    SHAPE(FIELD_U32, pod.slots, "slots"),
};

void census_shape_put(struct json_writer *w, const struct census_shape *s)
{
    json_fields_put(w, SHAPE_FIELDS, DS_COUNT(SHAPE_FIELDS), s);
}

void census_shape_take(const struct json *j, struct census_shape *out)
{
    json_fields_take(j, SHAPE_FIELDS, DS_COUNT(SHAPE_FIELDS), out);
}

#define TOTAL(kind, member, key) JSON_FIELD(kind, struct census_totals, member, key)
#define SHOWN(member, key)       JSON_FIELD_SHOWN(FIELD_U32, struct census_totals, member, key)
static const struct json_field TOTAL_FIELDS[] = {
    TOTAL(FIELD_U32, n_rows, "cases"),
    SHOWN(n_done, "done"), /* columns of kubectl get */
    SHOWN(n_failed, "failed"),
    TOTAL(FIELD_U64, n_keys, "keys"),
    TOTAL(FIELD_U32, n_lacking, "lacking"),
    TOTAL(FIELD_U32, n_no_fit, "noFit"),
    TOTAL(FIELD_U32, n_outstanding, "outstanding"),
    TOTAL(FIELD_U64, stored_bytes, "storedBytes"),
};

void census_totals_put(struct json_writer *w, const struct census_totals *t)
{
    json_fields_put(w, TOTAL_FIELDS, DS_COUNT(TOTAL_FIELDS), t);
    jw_key(w, "verdicts");
    jw_object(w);
    for (int v = VERDICT_NONE + 1; v < VERDICT_COUNT; v++)
        if (t->n_failed_by[v] > 0)
            jw_kv_u64(w, verdict_name((enum verdict)v), t->n_failed_by[v]);
    jw_end_object(w);
}

void census_totals_take(const struct json *j, struct census_totals *out)
{
    uint64_t n;
    memset(out, 0, sizeof *out);
    json_fields_take(j, TOTAL_FIELDS, DS_COUNT(TOTAL_FIELDS), out);
    for (int v = VERDICT_NONE + 1; v < VERDICT_COUNT; v++)
        if (json_u64(json_get(json_get(j, "verdicts"), verdict_name((enum verdict)v)), UINT32_MAX,
                     &n))
            out->n_failed_by[v] = (uint32_t)n;
}

static void put_report(struct json_writer *w, const struct census_report *r, size_t text_bytes)
{
    jw_object(w);
    jw_kv_bool(w, "bundleStored", r->bundle_stored);
    jw_kv_bool(w, "collected", r->collected);
    jw_kv_cstr(w, "decksweep", r->decksweep);
    if (r->max_failed >= 0)
        jw_kv_i64(w, "maxFailed", r->max_failed);
    jw_kv_cstr(w, "outcome", census_outcome_name(r->outcome));
    jw_kv_cstr(w, "plan", r->plan_digest);
    jw_kv_u64(w, "round", r->round);
    jw_key(w, "shapes");
    jw_array(w);
    for (uint32_t i = 0; i < r->n_shapes && i < CENSUS_MAX_SHAPES; i++) {
        jw_object(w);
        census_shape_put(w, &r->shape[i]);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_kv_text(w, "text", (struct ds_span){r->text, text_bytes});
    jw_key(w, "totals");
    jw_object(w);
    census_totals_put(w, &r->totals);
    jw_end_object(w);
    jw_end_object(w);
    (void)buf_put_char(w->out, '\n');
}

int census_report_encode(const struct census_report *r, struct ds_buf *out, struct ds_err *err)
{
    size_t text_bytes = strlen(r->text), before = out->len;
    struct json_writer w;
    for (;;) {
        jw_init(&w, out);
        put_report(&w, r, text_bytes);
        if (out->failed || out->len - before <= CENSUS_REPORT_BYTES || text_bytes == 0)
            break;
        text_bytes /= 2; /* bytes that JSON escapes count sixfold: cut until it fits */
        out->len = before;
    }
    if (!out->failed && out->len - before > CENSUS_REPORT_BYTES)
        return ds_fail(err, DS_ETOOBIG, "census report: more than %u bytes", CENSUS_REPORT_BYTES);
    return buf_check(out, "census report", err);
}

static enum census_outcome outcome_of(const struct json *j)
{
    struct ds_span name;
    if (json_text(json_get(j, "outcome"), &name))
        for (int o = CENSUS_ROUND; o <= CENSUS_STOPPED; o++)
            if (ds_span_is(name, OUTCOMES[o]))
                return (enum census_outcome)o;
    return 0;
}

static int take_plan(const struct json *j, struct census_report *r, struct ds_err *err)
{
    struct ds_span text = {"", 0};
    struct case_id as_id;
    (void)json_text(json_get(j, "plan"), &text);
    if (text.len > 0 && !case_id_parse(text, &as_id))
        return ds_fail(err, DS_EPARSE, "census report: 'plan' is no digest");
    json_copy_text(r->plan_digest, sizeof r->plan_digest, text);
    return 0;
}

static int take_shapes(const struct json *list, struct census_report *r, struct ds_err *err)
{
    uint64_t next = 0;
    if (json_count(list) > CENSUS_MAX_SHAPES)
        return ds_fail(err, DS_EPARSE, "census report: more than %u shapes", CENSUS_MAX_SHAPES);
    for (const struct json *s = json_first(list); s; s = json_next(s)) {
        struct census_shape *at = &r->shape[r->n_shapes++];
        census_shape_take(s, at);
        if (at->n_chunks == 0 || at->pod.cpus == 0 || at->pod.mem_bytes == 0
            || at->first_index != next)
            return ds_fail(err, DS_EPARSE, "census report: a shape without chunks, CPUs or memory");
        next += at->n_chunks;
    }
    return 0;
}

int census_report_decode(struct ds_span text, struct census_report *out, struct ds_err *err)
{
    ds_auto_json j = NULL;
    struct census_report r = {.max_failed = -1};
    struct ds_span word;
    uint64_t n;
    int rc = json_parse(text, CENSUS_REPORT_BYTES + 1u, &j, err);
    if (rc < 0)
        return ds_wrap(err, "census report");
    r.outcome = outcome_of(j);
    if (r.outcome == 0)
        return ds_fail(err, DS_EPARSE, "census report: 'outcome' is missing or unknown");
    (void)json_bool(json_get(j, "bundleStored"), &r.bundle_stored);
    (void)json_bool(json_get(j, "collected"), &r.collected);
    if (json_u64(json_get(j, "maxFailed"), UINT32_MAX, &n))
        r.max_failed = (int64_t)n;
    if (json_u64(json_get(j, "round"), UINT32_MAX, &n))
        r.round = (uint32_t)n;
    if (json_text(json_get(j, "decksweep"), &word))
        json_copy_text(r.decksweep, sizeof r.decksweep, word);
    if (json_text(json_get(j, "text"), &word))
        json_copy_text(r.text, sizeof r.text, word);
    census_totals_take(json_get(j, "totals"), &r.totals);
    rc = take_plan(j, &r, err);
    rc = rc < 0 ? rc : take_shapes(json_get(j, "shapes"), &r, err);
    if (rc == 0 && r.outcome == CENSUS_ROUND && (r.round == 0 || r.n_shapes == 0))
        rc = ds_fail(err, DS_EPARSE, "census report: a round without number or shapes");
    if (rc == 0)
        *out = r;
    return rc;
}

/* ---- node classes and limits ---- */

static const struct json_field CLASS_FIELDS[] = {
    JSON_FIELD(FIELD_U32, struct node_class, cpus, "cpus"),
    JSON_FIELD(FIELD_U64, struct node_class, mem_bytes, "memoryBytes"),
    JSON_FIELD(FIELD_U32, struct node_class, n_nodes, "nodes"),
    JSON_FIELD(FIELD_U64, struct node_class, scratch_bytes, "scratchBytes"),
};

int node_classes_encode(const struct node_class *at, size_t n, struct ds_buf *out)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_array(&w);
    for (size_t i = 0; i < n; i++) {
        jw_object(&w);
        json_fields_put(&w, CLASS_FIELDS, DS_COUNT(CLASS_FIELDS), &at[i]);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    return buf_check(out, "node classes", NULL);
}

int node_classes_decode(struct ds_span text, struct node_class *at, size_t *n, struct ds_err *err)
{
    ds_auto_json j = NULL;
    size_t i = 0;
    int rc = json_parse(text, 65536, &j, err);
    if (rc == 0 && (!json_is_array(j) || json_count(j) > *n))
        rc = ds_fail(err, DS_EPARSE, "no list of at most %zu", *n);
    if (rc < 0)
        return ds_wrap(err, ENV_NODE_CLASSES);
    for (const struct json *c = json_first(j); c; c = json_next(c))
        json_fields_take(c, CLASS_FIELDS, DS_COUNT(CLASS_FIELDS), &at[i++]);
    *n = i;
    return 0;
}

static const struct json_field LIMIT_FIELDS[] = {
    JSON_FIELD(FIELD_U32, struct pod_limits, chunk_s, "chunkSeconds"),
    JSON_FIELD(FIELD_U32, struct pod_limits, max_chunks, "maxChunks"),
    JSON_FIELD(FIELD_U32, struct pod_limits, max_workers, "maxWorkers"),
    JSON_FIELD(FIELD_U32, struct pod_limits, worker_cores, "workerCores"),
    JSON_FIELD(FIELD_U64, struct pod_limits, worker_mem_bytes, "workerMemoryBytes"),
};

int pod_limits_encode(const struct pod_limits *l, struct ds_buf *out)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    json_fields_put(&w, LIMIT_FIELDS, DS_COUNT(LIMIT_FIELDS), l);
    jw_end_object(&w);
    return buf_check(out, "limits", NULL);
}

int pod_limits_decode(struct ds_span text, struct pod_limits *out, struct ds_err *err)
{
    ds_auto_json j = NULL;
    int rc = json_parse(text, 65536, &j, err);
    if (rc < 0)
        return ds_wrap(err, ENV_LIMITS);
    json_fields_take(j, LIMIT_FIELDS, DS_COUNT(LIMIT_FIELDS), out);
    return 0;
}
