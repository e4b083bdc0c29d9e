/* SPDX-License-Identifier: GPL-3.0-or-later */
/* .status of a Sweep. Field names are those of the CRD in k8s/base. */
#include "decksweep/sweep_status.h"

#include "contract/census_fields.h"

#include <stdio.h>

#define STATUS_MAX_BYTES (256u << 10)

static const char *const PHASES[] = {
    [PHASE_PENDING] = "Pending",     [PHASE_PLANNING] = "Planning",
    [PHASE_RUNNING] = "Running",     [PHASE_SUSPENDED] = "Suspended",
    [PHASE_CANCELLED] = "Cancelled", [PHASE_SUCCEEDED] = "Succeeded",
    [PHASE_FAILED] = "Failed",       [PHASE_REFUSED] = "Refused",
    [PHASE_STALLED] = "Stalled",
};
static const char *const CONDITIONS[COND_COUNT] = {
    [COND_BUNDLE_READY] = "BundleReady",
    [COND_PLANNED] = "Planned",
    [COND_SCHEDULABLE] = "Schedulable",
    [COND_PROGRESSING] = "Progressing",
    [COND_DECISION_NEEDED] = "DecisionNeeded",
    [COND_STALLED] = "Stalled",
    [COND_COMPLETE] = "Complete",
};
static const char *const JOB_OUTCOMES[] = {
    [JOB_PENDING] = "Pending", [JOB_ACTIVE] = "Active",     [JOB_COMPLETE] = "Complete",
    [JOB_ENDED] = "Ended",     [JOB_VANISHED] = "Vanished",
};
static const char *const STEPS[] = {
    [STEP_NONE] = "None", [STEP_CENSUS] = "Census", [STEP_ROUND] = "Round"};
static const struct {
    char letter;
    const char *word;
} TRUTHS[] = {{'T', "True"}, {'F', "False"}, {'U', "Unknown"}};

const char *sweep_phase_name(enum sweep_phase p)
{
    return (unsigned)p < DS_COUNT(PHASES) ? PHASES[p] : "Pending";
}

const char *sweep_condition_name(enum sweep_condition_kind k)
{
    return (unsigned)k < COND_COUNT ? CONDITIONS[k] : "";
}

const char *job_outcome_name(enum job_outcome o)
{
    return (unsigned)o < DS_COUNT(JOB_OUTCOMES) ? JOB_OUTCOMES[o] : "Pending";
}

static unsigned find_word(const char *const *words, size_t n, struct ds_span word)
{
    for (unsigned i = 0; i < n; i++)
        if (ds_span_is(word, words[i]))
            return i;
    return 0;
}

enum sweep_phase sweep_phase_from_name(struct ds_span name)
{
    return (enum sweep_phase)find_word(PHASES, DS_COUNT(PHASES), name);
}

bool sweep_phase_is_final(enum sweep_phase p)
{
    return p == PHASE_CANCELLED || p == PHASE_SUCCEEDED || p == PHASE_FAILED || p == PHASE_REFUSED
           || p == PHASE_STALLED;
}

#define STATUS(kind, member, key) JSON_FIELD(kind, struct sweep_status, member, key)
static const struct json_field STATUS_FIELDS[] = {
    STATUS(FIELD_TEXT, agent_image, "agentImage"),
    STATUS(FIELD_TEXT, bundle, "bundle"),
    STATUS(FIELD_BOOL, bundle_stored, "bundleStored"),
    STATUS(FIELD_U32, census_number, "censusNumber"),
    STATUS(FIELD_U32, census_tries, "censusTries"),
    STATUS(FIELD_BOOL, collected, "collected"),
    STATUS(FIELD_TEXT, controller_version, "controllerVersion"),
    STATUS(FIELD_DOUBLE, core_seconds, "coreSeconds"),
    STATUS(FIELD_TEXT, edit_hash, "editHash"),
    STATUS(FIELD_TIME, ended_s, "ended"),
    STATUS(FIELD_U32, idle_rounds, "idleRounds"),
    STATUS(FIELD_U32, live_failed, "liveFailed"),
    STATUS(FIELD_U32, live_ok, "liveOk"),
    STATUS(FIELD_TEXT, message, "message"),
    STATUS(FIELD_TIME, not_before_s, "notBefore"),
    STATUS(FIELD_I64, observed_generation, "observedGeneration"),
    STATUS(FIELD_TEXT, once_done, "onceDone"),
    STATUS(FIELD_TEXT, plan_digest, "plan"),
    STATUS(FIELD_U32, n_running, "running"),
    STATUS(FIELD_TEXT, spec_hash, "specHash"),
    STATUS(FIELD_TEXT, store_hash, "storeHash"),
    STATUS(FIELD_TIME, started_s, "started"),
    STATUS(FIELD_BOOL, wants_census, "wantsCensus"),
};

#define STEP(kind, member, key) JSON_FIELD(kind, struct step, member, key)
static const struct json_field STEP_FIELDS[] = {
    STEP(FIELD_TIME, ended_s, "ended"),     STEP(FIELD_U32, number, "number"),
    STEP(FIELD_TEXT, once, "once"),         STEP(FIELD_TEXT, plan_digest, "plan"),
    STEP(FIELD_TIME, started_s, "started"), STEP(FIELD_TEXT, stopped, "stopped"),
};

#define JOB(kind, member, key) JSON_FIELD(kind, struct step_job, member, key)
static const struct json_field JOB_FIELDS[] = {
    JOB(FIELD_TIME, missing_s, "missing"),
    JOB(FIELD_TEXT, name, "name"),
    JOB(FIELD_TEXT, text, "text"),
    JOB(FIELD_TEXT, uid, "uid"),
};

#define ROUND(kind, member, key) JSON_FIELD(kind, struct round_line, member, key)
static const struct json_field ROUND_FIELDS[] = {
    ROUND(FIELD_U32, n_cases, "cases"),
    ROUND(FIELD_TIME, ended_s, "ended"),
    ROUND(FIELD_U64, keys_before, "keysBefore"),
    ROUND(FIELD_U32, number, "number"),
    ROUND(FIELD_TEXT, outcome, "outcome"),
    ROUND(FIELD_TEXT, plan_digest, "plan"),
    ROUND(FIELD_U32, n_shapes, "shapes"),
    ROUND(FIELD_TIME, started_s, "started"),
    ROUND(FIELD_TEXT, text, "text"),
    ROUND(FIELD_U32, n_chunks, "workers"),
};

#define COND(kind, member, key) JSON_FIELD(kind, struct sweep_condition, member, key)
static const struct json_field COND_FIELDS[] = {
    COND(FIELD_TIME, since_s, "lastTransitionTime"),
    COND(FIELD_TEXT, message, "message"),
    COND(FIELD_I64, observed_generation, "observedGeneration"),
    COND(FIELD_TEXT, reason, "reason"),
};

/* ---- writing ---- */

static void put_conditions(struct json_writer *w, const struct sweep_status *s)
{
    jw_key(w, "conditions");
    jw_array(w);
    for (unsigned k = 0; k < COND_COUNT; k++) {
        const struct sweep_condition *c = &s->cond[k];
        if (c->status == 0)
            continue;
        jw_object(w);
        json_fields_put(w, COND_FIELDS, DS_COUNT(COND_FIELDS), c);
        if (c->message[0] == '\0') /* required by metav1.Condition */
            jw_kv_cstr(w, "message", "");
        for (size_t i = 0; i < DS_COUNT(TRUTHS); i++)
            if (TRUTHS[i].letter == c->status)
                jw_kv_cstr(w, "status", TRUTHS[i].word);
        jw_kv_cstr(w, "type", CONDITIONS[k]);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void put_step(struct json_writer *w, const struct step *s)
{
    jw_key(w, "step");
    jw_object(w);
    json_fields_put(w, STEP_FIELDS, DS_COUNT(STEP_FIELDS), s);
    jw_kv_cstr(w, "kind", STEPS[s->kind]);
    jw_key(w, "jobs");
    jw_array(w);
    for (uint32_t i = 0; i < s->n_jobs && i < CENSUS_MAX_SHAPES; i++) {
        jw_object(w);
        json_fields_put(w, JOB_FIELDS, DS_COUNT(JOB_FIELDS), &s->job[i]);
        jw_kv_cstr(w, "outcome", job_outcome_name(s->job[i].outcome));
        if (s->kind == STEP_ROUND) {
            jw_key(w, "shape");
            jw_object(w);
            census_shape_put(w, &s->job[i].shape);
            jw_end_object(w);
        }
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

static void put_rounds(struct json_writer *w, const struct sweep_status *s)
{
    jw_key(w, "rounds");
    jw_array(w);
    for (uint32_t i = 0; i < s->n_rounds && i < STATUS_MAX_ROUNDS; i++) {
        jw_object(w);
        json_fields_put(w, ROUND_FIELDS, DS_COUNT(ROUND_FIELDS), &s->rounds[i]);
        jw_end_object(w);
    }
    jw_end_array(w);
}

int sweep_status_encode(const struct sweep_status *s, struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    char progress[32];
    jw_init(&w, out);
    jw_object(&w);
    json_fields_put(&w, STATUS_FIELDS, DS_COUNT(STATUS_FIELDS), s);
    put_conditions(&w, s);
    if (s->max_failed >= 0)
        jw_kv_i64(&w, "maxFailed", s->max_failed);
    jw_kv_cstr(&w, "phase", sweep_phase_name(s->phase));
    if (s->totals.n_rows > 0) {
        uint32_t done = s->totals.n_done + s->live_ok;
        (void)snprintf(progress, sizeof progress, "%u/%u",
                       done < s->totals.n_rows ? done : s->totals.n_rows, s->totals.n_rows);
        jw_kv_cstr(&w, "progress", progress);
    }
    put_rounds(&w, s);
    put_step(&w, &s->step);
    jw_key(&w, "totals");
    jw_object(&w);
    census_totals_put(&w, &s->totals);
    jw_end_object(&w);
    jw_end_object(&w);
    return buf_check(out, "status", err);
}

/* ---- reading ---- */

static void take_step(const struct json *j, struct step *s)
{
    struct ds_span word;
    json_fields_take(j, STEP_FIELDS, DS_COUNT(STEP_FIELDS), s);
    if (json_text(json_get(j, "kind"), &word))
        s->kind = (enum step_kind)find_word(STEPS, DS_COUNT(STEPS), word);
    for (const struct json *at = json_first(json_get(j, "jobs"));
         at && s->n_jobs < CENSUS_MAX_SHAPES; at = json_next(at)) {
        struct step_job *job = &s->job[s->n_jobs++];
        json_fields_take(at, JOB_FIELDS, DS_COUNT(JOB_FIELDS), job);
        if (json_text(json_get(at, "outcome"), &word))
            job->outcome = (enum job_outcome)find_word(JOB_OUTCOMES, DS_COUNT(JOB_OUTCOMES), word);
        census_shape_take(json_get(at, "shape"), &job->shape);
    }
}

static void take_conditions(const struct json *list, struct sweep_status *s)
{
    for (const struct json *at = json_first(list); at; at = json_next(at)) {
        struct ds_span type, truth;
        if (!json_text(json_get(at, "type"), &type) || !json_text(json_get(at, "status"), &truth))
            continue;
        unsigned k = 0;
        while (k < COND_COUNT && !ds_span_is(type, CONDITIONS[k]))
            k++;
        if (k == COND_COUNT)
            continue;
        json_fields_take(at, COND_FIELDS, DS_COUNT(COND_FIELDS), &s->cond[k]);
        for (size_t i = 0; i < DS_COUNT(TRUTHS); i++)
            if (ds_span_is(truth, TRUTHS[i].word))
                s->cond[k].status = TRUTHS[i].letter;
    }
}

void sweep_status_decode(const struct json *status, struct sweep_status *out)
{
    struct ds_span word;
    uint64_t n;
    memset(out, 0, sizeof *out);
    out->max_failed = -1;
    json_fields_take(status, STATUS_FIELDS, DS_COUNT(STATUS_FIELDS), out);
    if (json_text(json_get(status, "phase"), &word))
        out->phase = sweep_phase_from_name(word);
    if (json_u64(json_get(status, "maxFailed"), UINT32_MAX, &n))
        out->max_failed = (int64_t)n;
    census_totals_take(json_get(status, "totals"), &out->totals);
    take_step(json_get(status, "step"), &out->step);
    take_conditions(json_get(status, "conditions"), out);
    for (const struct json *at = json_first(json_get(status, "rounds"));
         at && out->n_rounds < STATUS_MAX_ROUNDS; at = json_next(at))
        json_fields_take(at, ROUND_FIELDS, DS_COUNT(ROUND_FIELDS), &out->rounds[out->n_rounds++]);
}
