/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/attempt.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>

#define MIB (UINT64_C(1) << 20)

void attempt_name(uint32_t number, uint32_t attempt, char out[ATTEMPT_NAME_BYTES])
{
    (void)snprintf(out, ATTEMPT_NAME_BYTES, "%u.%u", number, attempt);
}

static int64_t or_unknown(uint64_t bytes)
{
    return bytes > 0 && bytes <= INT64_MAX ? (int64_t)bytes : -1;
}

void attempt_to_evidence(const struct attempt *t, const struct plan *p, struct evidence *e)
{
    evidence_init(e);
    e->ending = t->ending;
    e->exit_code = t->exit_code;
    e->signal = t->signal;
    e->oom_kill_rose = t->oom_kill_rose;
    e->disk_was_full = t->disk_was_full;
    e->wall_limit_ms = (int64_t)p->wall_ms;
    e->mem_limit_bytes = or_unknown(t->limit_bytes);
}

/* Out of memory without a limit of ours: what it had is what did not suffice. */
static uint64_t limit_of(const struct attempt *t, const struct plan *p, enum verdict verdict)
{
    if (verdict == VERDICT_TIMEOUT)
        return (p->wall_ms + 999) / 1000;
    if (verdict != VERDICT_OUT_OF_MEMORY)
        return 0;
    uint64_t had = t->limit_bytes > 0 ? t->limit_bytes : t->peak_mem_bytes;
    return had < MIB ? 1 : had / MIB;
}

void attempt_key(const struct attempt *t, const struct plan *p, enum verdict verdict,
                 char out[RESULT_KEY_BYTES])
{
    struct result_key key = {.kind = verdict == VERDICT_OK ? KEY_CASE : KEY_FAILED,
                             .id = t->id,
                             .attempt = t->item.attempt,
                             .verdict = verdict,
                             .limit = limit_of(t, p, verdict)};
    if (key.kind == KEY_CASE) {
        key.attempt = 0;
        keep_word(&p->keep, key.keep);
    }
    result_key_encode(&key, out);
}

static int put_argv(const struct attempt *t, struct ds_arena *a, struct case_record *out)
{
    struct ds_span *words = ds_new(a, struct ds_span, t->n_argv);
    if (!words)
        return DS_ETOOBIG;
    for (size_t i = 0; i < t->n_argv; i++)
        words[i] = ds_span_of(t->argv[i]);
    out->argv = words;
    out->n_argv = t->n_argv;
    return 0;
}

static int put_params(const struct attempt *t, const struct plan *p, struct ds_arena *a,
                      struct case_record *out)
{
    struct case_param *params = ds_new(a, struct case_param, p->n_params);
    if (!params)
        return DS_ETOOBIG;
    for (size_t i = 0; i < p->n_params; i++)
        params[i] = (struct case_param){p->params[i].name, t->values[i]};
    out->params = params;
    out->n_params = p->n_params;
    return 0;
}

/* Absolute paths and trims: what the staged deck differs in from the user's. */
static int put_rewritten(const struct plan *p, struct ds_arena *a, struct case_record *out)
{
    struct ds_span *lines = ds_new(a, struct ds_span, p->n_rewritten + p->n_trims);
    if (!lines)
        return DS_ETOOBIG;
    for (size_t i = 0; i < p->n_rewritten; i++)
        lines[i] = p->rewritten[i];
    for (size_t i = 0; i < p->n_trims; i++) {
        const struct trim_edit *t = &p->trims[i];
        lines[p->n_rewritten + i] =
            arena_format(a, "%.*s:%u: trimmed '%.*s' to '%.*s'", DS_FMT(t->path), t->line,
                         DS_FMT(t->was), DS_FMT(t->now));
        if (!lines[p->n_rewritten + i].ptr)
            return DS_ETOOBIG;
    }
    out->rewritten = lines;
    out->n_rewritten = p->n_rewritten + p->n_trims;
    return 0;
}

static void put_facts(const struct evidence *e, const struct plan *p, struct case_record *out)
{
    const struct prt_facts *l = &e->log;
    out->last_report_step = e->summary.n_report_steps;
    out->n_report_steps = p->features.n_report_steps ? (int64_t)p->features.n_report_steps : -1;
    out->last_time_days = e->summary.last_time_days;
    out->end_time_days = isfinite(e->end_time_days) ? e->end_time_days : l->end_day;
    out->n_chops = l->n_chops;
    out->n_problems = l->n_problems;
    out->n_warnings = l->n_warnings;
    out->n_errors = l->n_errors;
    out->message = ds_span_of(l->message);
    out->deck_file = ds_span_of(l->deck_file);
    out->deck_line = l->deck_line;
}

int attempt_to_record(const struct attempt *t, const struct attempt_context *c,
                      const struct evidence *e, const struct judgement *j, struct ds_arena *a,
                      struct case_record *out, struct ds_err *err)
{
    const struct plan *p = c->plan;
    char *started = ds_new(a, char, 24);
    struct case_record r = {
        .number = t->number,
        .id = t->id,
        .sweep = c->sweep,
        .plan_digest = c->plan_digest,
        .base_digest = ds_span_of(p->base_digest),
        .root = p->case_root,
        .dir = p->deck_dir,
        .verdict = j->verdict,
        .attempt = t->item.attempt,
        .ended = ds_span_of(j->ended),
        .reason = ds_span_of(j->reason),
        .exit_code = t->exit_code,
        .signal = t->signal,
        .altered_args = t->item.altered_args,
        .membind = t->membind,
        .cpubind = t->cpubind,
        .trimmed = p->trim && p->n_trims > 0,
        .stage_ms = t->stage_ms,
        .run_ms = t->run_ms,
        .judge_ms = -1,
        .wall_ms = t->run_ms,
        .cpu_ms = t->cpu_ms,
        .peak_mem_bytes = or_unknown(t->peak_mem_bytes),
        .limit_mem_bytes = or_unknown(t->limit_bytes),
        .node = c->node,
        .cpuset = t->cpuset,
        .nodeset = t->nodeset,
        .simulator = p->simulator,
        .simulator_version = p->simulator_version,
        .decksweep_version = DS_SPAN(DECKSWEEP_VERSION),
        .ranks = p->ranks,
        .threads = p->threads,
    };
    if (!started || put_argv(t, a, &r) < 0 || put_params(t, p, a, &r) < 0
        || put_rewritten(p, a, &r) < 0)
        return ds_fail(err, DS_ETOOBIG, "case.json of case %u does not fit", t->number);
    units_format_date(t->started_unix_ms / 1000, started);
    r.started_utc = ds_span_of(started);
    put_facts(e, p, &r);
    *out = r;
    return 0;
}
