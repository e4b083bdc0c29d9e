/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/sweep_report.h"

#include "base/units.h"
#include "contract/json_fields.h"

#include <stdio.h>

/* DESIGN.md 12: what an exit status means. */
enum { ENDED_WELL = 0, SOME_NOT_OK = 1, INPUT_IS_WRONG = 2, WORLD_IS_WRONG = 3 };

static const char *const WISHES[] = {
    [RUN_ACTIVE] = "Active", [RUN_SUSPENDED] = "Suspended", [RUN_CANCELLED] = "Cancelled"};

const char *run_wish_name(enum run_wish w)
{
    return (unsigned)w < DS_COUNT(WISHES) ? WISHES[w] : WISHES[RUN_ACTIVE];
}

static void take_text(const struct json *object, const char *key, char *out, size_t room)
{
    struct ds_span text;
    if (json_text(json_get(object, key), &text))
        json_copy_text(out, room, text);
}

/* What the API server allows for names; they are shown and typed again as they are. */
static bool is_name(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '.'))
            return false;
    return true;
}

static enum run_wish wish_of(const struct json *spec)
{
    struct ds_span text;
    if (json_text(json_get(spec, "run"), &text))
        for (unsigned i = 0; i < DS_COUNT(WISHES); i++)
            if (ds_span_is(text, WISHES[i]))
                return (enum run_wish)i;
    return RUN_ACTIVE;
}

int sweep_report_read(const struct json *object, const char *context, struct sweep_report *out,
                      struct ds_err *err)
{
    struct sweep_report r = {0};
    struct ds_span kind, version, name, created;
    const struct json *meta = json_get(object, "metadata"), *spec = json_get(object, "spec");
    if (!json_is_object(meta) || !json_is_object(spec))
        return ds_fail(err, DS_EPARSE, "the API server's answer is no " SWEEP_KIND);
    if (json_text(json_get(object, "kind"), &kind) && !ds_span_is(kind, SWEEP_KIND))
        return ds_fail(err, DS_EPARSE, "the API server's answer is a %.*s, no " SWEEP_KIND,
                       DS_FMT(kind));
    if (json_text(json_get(object, "apiVersion"), &version)
        && !ds_span_is(version, SWEEP_API_VERSION))
        return ds_fail(err, DS_EPARSE,
                       "the cluster's Sweeps are of version %.*s, this program knows "
                       "%s: take the decksweep that belongs to the cluster's controller",
                       DS_FMT(version), SWEEP_API_VERSION);
    if (!json_text(json_get(meta, "name"), &name) || name.len == 0)
        return ds_fail(err, DS_EPARSE, "the API server's answer is a Sweep without a name");
    json_copy_text(r.name, sizeof r.name, name);
    take_text(meta, "namespace", r.namespace_, sizeof r.namespace_);
    if (!is_name(r.name) || !is_name(r.namespace_))
        return ds_fail(err, DS_EPARSE,
                       "the API server's answer is a Sweep with a name that cannot be one");
    take_text(meta, "uid", r.uid, sizeof r.uid);
    take_text(meta, "resourceVersion", r.resource_version, sizeof r.resource_version);
    take_text(json_get(spec, "results"), "store", r.store, sizeof r.store);
    json_copy_text(r.context, sizeof r.context, ds_span_of(context));
    (void)json_i64(json_get(meta, "generation"), &r.generation);
    if (json_text(json_get(meta, "creationTimestamp"), &created)
        && units_parse_date(created, &r.created_s, NULL) < 0)
        r.created_s = 0;
    r.deleting = !json_is_null(json_get(meta, "deletionTimestamp"));
    r.run = wish_of(spec);
    sweep_status_decode(json_get(object, "status"), &r.status);
    *out = r;
    return 0;
}

void sweep_report_label(const struct sweep_report *r, struct ds_buf *out)
{
    (void)buf_printf(out, "%s -n %s", r->name, r->namespace_);
    if (r->context[0])
        (void)buf_printf(out, " --context %s", r->context);
}

bool sweep_report_is_current(const struct sweep_report *r)
{
    return r->status.observed_generation >= r->generation && r->status.observed_generation > 0;
}

bool sweep_report_is_final(const struct sweep_report *r)
{
    return sweep_report_is_current(r) && sweep_phase_is_final(r->status.phase);
}

static bool has_all(const struct sweep_report *r)
{
    return r->status.totals.n_rows > 0 && r->status.totals.n_done == r->status.totals.n_rows;
}

int sweep_report_exit(const struct sweep_report *r)
{
    if (!sweep_report_is_final(r))
        return ENDED_WELL;
    switch (r->status.phase) {
    case PHASE_FAILED:
        return SOME_NOT_OK;
    case PHASE_CANCELLED:
        return has_all(r) ? ENDED_WELL : SOME_NOT_OK;
    case PHASE_REFUSED:
        return INPUT_IS_WRONG;
    case PHASE_STALLED:
        return WORLD_IS_WRONG;
    default:
        return ENDED_WELL;
    }
}

static bool round_runs(const struct sweep_status *s)
{
    return s->step.kind == STEP_ROUND && s->step.ended_s == 0;
}

double sweep_report_rate(const struct sweep_report *r, int64_t now_s)
{
    const struct sweep_status *s = &r->status;
    uint32_t settled = s->live_ok + s->live_failed;
    int64_t seconds = now_s - s->step.started_s;
    if (!round_runs(s) || s->step.started_s <= 0 || seconds <= 0 || settled == 0)
        return -1;
    return (double)settled / (double)seconds;
}

int64_t sweep_report_eta_ms(const struct sweep_report *r, int64_t now_s)
{
    double rate = sweep_report_rate(r, now_s);
    uint32_t settled = r->status.live_ok + r->status.live_failed;
    uint32_t left = r->status.totals.n_outstanding;
    left = left > settled ? left - settled : 0;
    if (rate <= 0 || left == 0)
        return -1;
    double ms = left / rate * 1000;
    return ms > 3e14 ? -1 : (int64_t)ms;
}

/* Done by the last census, and what pods that ended since then say, which the next will count. */
static uint32_t done_by_now(const struct sweep_status *s)
{
    uint64_t done = (uint64_t)s->totals.n_done + s->live_ok;
    return done < s->totals.n_rows ? (uint32_t)done : s->totals.n_rows;
}

void sweep_report_counts(const struct sweep_report *r, char note[EVENT_TEXT_BYTES],
                         struct display_counts *out)
{
    const struct sweep_status *s = &r->status;
    const char *phase = sweep_report_is_current(r) ? sweep_phase_name(s->phase) : "Pending";
    *out = (struct display_counts){
        .n_total = s->totals.n_rows,
        .n_done = done_by_now(s),
        .n_failed = s->totals.n_failed,
        .note = note,
    };
    memcpy(out->failed_by, s->totals.n_failed_by, sizeof out->failed_by);
    if (s->message[0])
        (void)snprintf(note, EVENT_TEXT_BYTES, "%s: %.480s", phase, s->message);
    else if (round_runs(s))
        (void)snprintf(note, EVENT_TEXT_BYTES, "%s: round %u", phase, s->step.number);
    else if (!sweep_report_is_current(r))
        (void)snprintf(note, EVENT_TEXT_BYTES, "%s: the controller has not looked at it yet",
                       phase);
    else
        (void)snprintf(note, EVENT_TEXT_BYTES, "%s", phase);
}

/* ---- cancel, suspend, resume ---- */

static bool phase_obeys(enum sweep_phase phase, enum run_wish wish)
{
    bool over = phase == PHASE_SUCCEEDED || phase == PHASE_FAILED;
    switch (wish) {
    case RUN_SUSPENDED:
        return phase == PHASE_SUSPENDED || over;
    case RUN_CANCELLED:
        return phase == PHASE_CANCELLED || over;
    default:
        return phase != PHASE_SUSPENDED && phase != PHASE_CANCELLED;
    }
}

bool sweep_report_obeys(const struct sweep_report *r, enum run_wish wish)
{
    return sweep_report_is_current(r) && phase_obeys(r->status.phase, wish);
}

static void put_kept(const struct sweep_report *r, struct ds_buf *out)
{
    const struct census_totals *t = &r->status.totals;
    if (t->n_rows == 0)
        return;
    uint32_t done = done_by_now(&r->status);
    (void)buf_printf(out, "; what is stored stays, at least %u of %u cases", done, t->n_rows);
}

static void put_workers(const struct sweep_report *r, struct ds_buf *out)
{
    if (round_runs(&r->status) && r->status.n_running > 0)
        (void)buf_put_text(out, "its workers end, and the cases that they have not finished wait");
    else
        (void)buf_put_text(out, "nothing new is started");
    put_kept(r, out);
}

static bool plan_stop(const struct sweep_report *r, enum run_wish wish, struct ds_buf *out)
{
    bool cancel = wish == RUN_CANCELLED;
    enum sweep_phase phase = r->status.phase;
    if (r->run == wish && sweep_report_obeys(r, wish)) {
        (void)buf_printf(out, " is %s already", cancel ? "cancelled" : "suspended");
        return false;
    }
    if (r->run == wish) {
        (void)buf_printf(out, " is being %s already", cancel ? "cancelled" : "suspended");
        return false;
    }
    if (sweep_report_is_final(r) && (phase == PHASE_SUCCEEDED || phase == PHASE_FAILED)) {
        (void)buf_printf(out, " has ended (%s): there is nothing to %s", sweep_phase_name(phase),
                         cancel ? "cancel" : "suspend");
        return false;
    }
    (void)buf_printf(out, " will be %s: ", cancel ? "cancelled" : "suspended");
    put_workers(r, out);
    (void)buf_put_text(out, ". `decksweep resume ");
    sweep_report_label(r, out);
    (void)buf_put_text(out, cancel ? "` would take it up again" : "` goes on");
    return true;
}

static bool plan_resume(const struct sweep_report *r, struct ds_buf *out)
{
    const struct census_totals *t = &r->status.totals;
    if (r->run == RUN_ACTIVE) {
        (void)buf_printf(out,
                         " is neither suspended nor cancelled (%s): there is nothing to resume",
                         sweep_phase_name(r->status.phase));
        return false;
    }
    (void)buf_put_text(out, " goes on: a census looks at what is there");
    if (t->n_outstanding > 0)
        (void)buf_printf(out, ", then %u of %u cases run", t->n_outstanding, t->n_rows);
    return true;
}

bool sweep_report_plan_wish(const struct sweep_report *r, enum run_wish wish, struct ds_buf *out)
{
    sweep_report_label(r, out);
    return wish == RUN_ACTIVE ? plan_resume(r, out) : plan_stop(r, wish, out);
}
