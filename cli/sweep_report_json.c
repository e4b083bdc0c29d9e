/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON of `status` for a Sweep in a cluster: keys that a local sweep has too mean the same. */
#include "base/units.h"
#include "cli/sweep_report.h"

#include <math.h>

static void put_date(struct json_writer *w, const char *key, int64_t unix_s)
{
    char text[24];
    jw_key(w, key);
    if (unix_s <= 0) {
        jw_null(w);
        return;
    }
    units_format_date(unix_s, text);
    jw_cstr(w, text);
}

static void put_states(struct json_writer *w, const struct census_totals *t)
{
    jw_key(w, "states");
    jw_object(w);
    jw_key(w, "new"); /* a census counts them with the outstanding ones */
    jw_null(w);
    jw_kv_u64(w, "outstanding", t->n_outstanding);
    jw_kv_u64(w, "done", t->n_done);
    jw_kv_u64(w, "lacking", t->n_lacking);
    jw_kv_u64(w, "failed", t->n_failed);
    jw_kv_u64(w, "no_fit", t->n_no_fit);
    jw_end_object(w);
    jw_key(w, "failed_by");
    jw_object(w);
    for (unsigned v = VERDICT_DECK_ERROR; v < VERDICT_COUNT; v++)
        if (t->n_failed_by[v] > 0)
            jw_kv_u64(w, verdict_name((enum verdict)v), t->n_failed_by[v]);
    jw_end_object(w);
    jw_kv_u64(w, "stored_bytes", t->stored_bytes);
}

static void put_shape(struct json_writer *w, const struct step_job *job)
{
    const struct census_shape *s = &job->shape;
    jw_object(w);
    jw_kv_cstr(w, "job", job->name);
    jw_kv_cstr(w, "outcome", job_outcome_name(job->outcome));
    if (job->text[0])
        jw_kv_cstr(w, "text", job->text);
    jw_kv_u64(w, "workers", s->n_chunks);
    jw_kv_u64(w, "cases", s->n_cases);
    jw_kv_u64(w, "cpus", s->pod.cpus);
    jw_kv_u64(w, "mem_bytes", s->pod.mem_bytes);
    jw_kv_u64(w, "slots", s->pod.slots);
    jw_end_object(w);
}

static void put_step(struct json_writer *w, const struct step *s)
{
    jw_key(w, "step");
    if (s->kind == STEP_NONE) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kv_cstr(w, "kind", s->kind == STEP_ROUND ? "round" : "census");
    jw_kv_u64(w, "number", s->number);
    put_date(w, "started", s->started_s);
    put_date(w, "ended", s->ended_s);
    if (s->stopped[0])
        jw_kv_cstr(w, "stopped", s->stopped);
    jw_key(w, "jobs");
    jw_array(w);
    for (uint32_t i = 0; i < s->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        put_shape(w, &s->job[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static void put_rounds(struct json_writer *w, const struct sweep_status *s)
{
    jw_kv_u64(w, "round", s->n_rounds > 0 ? s->rounds[s->n_rounds - 1].number : 0);
    jw_key(w, "rounds");
    jw_array(w);
    for (uint32_t i = 0; i < s->n_rounds && i < STATUS_MAX_ROUNDS; i++) {
        const struct round_line *r = &s->rounds[i];
        jw_object(w);
        jw_kv_u64(w, "number", r->number);
        jw_kv_u64(w, "cases", r->n_cases);
        jw_kv_u64(w, "workers", r->n_chunks);
        jw_kv_u64(w, "shapes", r->n_shapes);
        jw_kv_cstr(w, "outcome", r->outcome);
        put_date(w, "started", r->started_s);
        put_date(w, "ended", r->ended_s);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void put_conditions(struct json_writer *w, const struct sweep_status *s)
{
    jw_key(w, "conditions");
    jw_array(w);
    for (unsigned k = 0; k < COND_COUNT; k++) {
        const struct sweep_condition *c = &s->cond[k];
        if (c->status == 0)
            continue;
        jw_object(w);
        jw_kv_cstr(w, "type", sweep_condition_name((enum sweep_condition_kind)k));
        jw_kv_cstr(w, "status", c->status == 'T' ? "True" : c->status == 'F' ? "False" : "Unknown");
        jw_kv_cstr(w, "reason", c->reason);
        jw_kv_cstr(w, "message", c->message);
        put_date(w, "since", c->since_s);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void put_speed(struct json_writer *w, const struct sweep_report *r, int64_t now_s)
{
    const struct sweep_status *s = &r->status;
    double rate = sweep_report_rate(r, now_s);
    int64_t eta_ms = sweep_report_eta_ms(r, now_s);
    jw_kv_bool(w, "alive", s->step.kind != STEP_NONE && s->step.ended_s == 0);
    jw_key(w, "live"); /* hints from pods that the next census counts */
    jw_object(w);
    jw_kv_u64(w, "slots", s->n_running);
    jw_kv_u64(w, "ok", s->live_ok);
    jw_kv_u64(w, "failed_attempts", s->live_failed);
    jw_end_object(w);
    jw_kv_double(w, "cases_per_s", rate < 0 ? NAN : rate);
    if (eta_ms >= 0)
        jw_kv_i64(w, "eta_ms", eta_ms);
}

void sweep_report_put_json(const struct sweep_report *r, int64_t now_s, struct ds_buf *out)
{
    const struct sweep_status *s = &r->status;
    ds_auto_buf label = {0};
    struct json_writer w;
    buf_init(&label, 4096);
    sweep_report_label(r, &label);
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "sweep", r->name);
    jw_kv_text(&w, "target", buf_span(&label));
    jw_kv_cstr(&w, "namespace", r->namespace_);
    jw_kv_cstr(&w, "store", r->store);
    jw_kv_cstr(&w, "run", run_wish_name(r->run));
    jw_kv_cstr(&w, "phase", sweep_phase_name(s->phase));
    jw_kv_bool(&w, "current", sweep_report_is_current(r));
    jw_kv_bool(&w, "final", sweep_report_is_final(r));
    jw_kv_cstr(&w, "message", s->message);
    jw_kv_cstr(&w, "plan", s->plan_digest);
    jw_kv_u64(&w, "cases", s->totals.n_rows);
    put_states(&w, &s->totals);
    put_speed(&w, r, now_s);
    jw_kv_bool(&w, "dataset", s->collected);
    put_rounds(&w, s);
    put_step(&w, &s->step);
    put_conditions(&w, s);
    jw_kv_double(&w, "core_hours", s->core_seconds / 3600);
    put_date(&w, "created", r->created_s);
    put_date(&w, "started", s->started_s);
    put_date(&w, "ended", s->ended_s);
    jw_kv_cstr(&w, "controller", s->controller_version);
    jw_kv_cstr(&w, "agent_image", s->agent_image);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
}
