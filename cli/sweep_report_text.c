/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `status` of a Sweep in a cluster for people: counts first, then what keeps it from going on. */
#include "base/units.h"
#include "cli/sweep_report.h"
#include "cli/text.h"

#include <stdio.h>

#define LEAST_WRAP     20u /* columns: below, lines are left as they are */
#define MESSAGE_INDENT 2u
#define LIST_MESSAGE   60u /* columns of a message where the width is not known */

void sweep_report_age(int64_t seconds, char out[SWEEP_AGE_BYTES])
{
    int64_t s = seconds < 0 ? 0 : seconds;
    int64_t m = s / 60, h = m / 60, d = h / 24;
    if (s < 120)
        (void)snprintf(out, SWEEP_AGE_BYTES, "%llds", (long long)s);
    else if (m < 10 && s % 60)
        (void)snprintf(out, SWEEP_AGE_BYTES, "%lldm%llds", (long long)m, (long long)(s % 60));
    else if (m < 180)
        (void)snprintf(out, SWEEP_AGE_BYTES, "%lldm", (long long)m);
    else if (h < 8 && m % 60)
        (void)snprintf(out, SWEEP_AGE_BYTES, "%lldh%lldm", (long long)h, (long long)(m % 60));
    else if (h < 48)
        (void)snprintf(out, SWEEP_AGE_BYTES, "%lldh", (long long)h);
    else if (d < 8 && h % 24)
        (void)snprintf(out, SWEEP_AGE_BYTES, "%lldd%lldh", (long long)d, (long long)(h % 24));
    else
        (void)snprintf(out, SWEEP_AGE_BYTES, "%lldd", (long long)d);
}

/* The next word of text and the blanks before it. */
static struct ds_span next_word(struct ds_span *text)
{
    struct ds_span word;
    while (text->len > 0 && (text->ptr[0] == ' ' || text->ptr[0] == '\n' || text->ptr[0] == '\t')) {
        text->ptr++;
        text->len--;
    }
    word = (struct ds_span){text->ptr, 0};
    while (word.len < text->len && word.ptr[word.len] != ' ' && word.ptr[word.len] != '\n'
           && word.ptr[word.len] != '\t')
        word.len++;
    *text = (struct ds_span){text->ptr + word.len, text->len - word.len};
    return word;
}

/* Words from `column` on, further lines indented; ends the line. */
static void put_wrapped(struct ds_buf *out, struct ds_span text, size_t column, size_t indent,
                        unsigned width)
{
    bool wraps = width >= indent + LEAST_WRAP;
    bool begun = false;
    while (text.len > 0) {
        struct ds_span word = next_word(&text);
        size_t columns = text_columns(word);
        if (word.len == 0)
            break;
        if (wraps && begun && column + 1 + columns > width) {
            (void)buf_put_char(out, '\n');
            text_put_repeat(out, ' ', indent);
            column = indent;
        } else if (begun) {
            (void)buf_put_char(out, ' ');
            column++;
        }
        text_put(out, word);
        column += columns;
        begun = true;
    }
    (void)buf_put_char(out, '\n');
}

static void put_head(const struct sweep_report *r, struct ds_buf *out)
{
    const struct sweep_status *s = &r->status;
    (void)buf_put_text(out, r->name);
    (void)buf_printf(out, " in namespace %s: ", r->namespace_);
    if (s->observed_generation == 0)
        (void)buf_put_text(out, "the controller has not looked at it yet");
    else
        (void)buf_put_text(out, sweep_phase_name(s->phase));
    if (s->totals.n_rows > 0)
        (void)buf_printf(out, ", %u %s", s->totals.n_rows,
                         s->totals.n_rows == 1 ? "case" : "cases");
    if (s->plan_digest[0]) {
        (void)buf_put_text(out, ", plan ");
        text_put(out, ds_span_of(s->plan_digest));
    }
    if (r->deleting)
        (void)buf_put_text(out, ", being deleted");
    (void)buf_put_char(out, '\n');
    if (s->observed_generation > 0 && !sweep_report_is_current(r))
        (void)buf_put_text(out, "  an edit waits for the controller; what follows is of before\n");
}

static void put_count(struct ds_buf *out, const char *name, uint32_t n)
{
    if (n > 0)
        (void)buf_printf(out, "  %-24s %9u\n", name, n);
}

/* "round 2: 75 cases in 4 workers", "census 3": lines of their own say that and more. */
static bool message_is_step(const struct sweep_status *s)
{
    const char *start = s->step.kind == STEP_ROUND ? "round " : "census ";
    return s->step.kind != STEP_NONE && s->step.ended_s == 0
           && strncmp(s->message, start, strlen(start)) == 0;
}

static void put_counts(const struct sweep_report *r, struct ds_buf *out)
{
    const struct sweep_status *s = &r->status;
    const struct census_totals *t = &s->totals;
    put_count(out, "ok", t->n_done);
    for (unsigned v = VERDICT_DECK_ERROR; v < VERDICT_COUNT; v++)
        put_count(out, verdict_name((enum verdict)v), t->n_failed_by[v]);
    put_count(out, "to be run, or run again", t->n_outstanding);
    put_count(out, "lacking a kept class", t->n_lacking);
    put_count(out, "fits no node", t->n_no_fit);
    if (t->stored_bytes > 0 || s->core_seconds > 0) {
        char size[UNITS_TEXT_BYTES];
        units_format_size(t->stored_bytes, size);
        bool small = s->core_seconds < 3600, medium = s->core_seconds < 36000;
        (void)buf_printf(out, "  %s of results stored, %.*f core-%s used\n", size,
                         !small && medium ? 1 : 0, small ? s->core_seconds : s->core_seconds / 3600,
                         small ? "seconds" : "hours");
    }
}

static uint32_t workers_of(const struct step *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        n += s->job[i].shape.n_chunks;
    return n;
}

static uint32_t cases_of(const struct step *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_jobs && i < CENSUS_MAX_SHAPES; i++)
        n += s->job[i].shape.n_cases;
    return n;
}

static void put_round(const struct sweep_report *r, int64_t now_s, unsigned width,
                      struct ds_buf *out)
{
    const struct sweep_status *s = &r->status;
    uint32_t cases = cases_of(&s->step), chunks = workers_of(&s->step);
    ds_auto_buf line = {0};
    buf_init(&line, 4096);
    (void)buf_printf(&line, "round %u: %u %s in %u %s", s->step.number, cases,
                     cases == 1 ? "case" : "cases", chunks, chunks == 1 ? "worker" : "workers");
    if (s->n_running > 0)
        (void)buf_printf(&line, ", room for %u at a time", s->n_running);
    else
        (void)buf_put_text(&line, ", none runs");
    if (s->live_ok > 0 || s->live_failed > 0)
        (void)buf_printf(&line, "; those that ended report %u ok, %u failed", s->live_ok,
                         s->live_failed);
    put_wrapped(out, buf_span(&line), 0, MESSAGE_INDENT, width);
    double rate = sweep_report_rate(r, now_s);
    int64_t eta_ms = sweep_report_eta_ms(r, now_s);
    if (rate > 0 && eta_ms > 0) {
        char eta[UNITS_TEXT_BYTES];
        units_format_duration(eta_ms, eta);
        (void)buf_printf(out, "  %.1f cases a minute, about %s left\n", rate * 60, eta);
    }
}

static void put_step(const struct sweep_report *r, int64_t now_s, unsigned width,
                     struct ds_buf *out)
{
    const struct step *s = &r->status.step;
    char took[SWEEP_AGE_BYTES];
    if (s->kind == STEP_NONE || s->ended_s != 0)
        return;
    if (s->kind == STEP_ROUND) {
        put_round(r, now_s, width, out);
        return;
    }
    sweep_report_age(now_s - s->started_s, took);
    (void)buf_printf(out, "census %u runs for %s: it %s\n", s->number, took,
                     r->status.plan_digest[0]
                         ? "counts what is stored and plans the next round"
                         : "reads the deck, makes the plan and runs the first cases");
}

static bool is_bad(enum sweep_condition_kind k, const struct sweep_condition *c)
{
    switch (k) {
    case COND_BUNDLE_READY:
    case COND_PLANNED:
    case COND_SCHEDULABLE:
        return c->status == 'F';
    case COND_DECISION_NEEDED:
    case COND_STALLED:
        return c->status == 'T';
    default:
        return false;
    }
}

/* Not stalled, no decision to be made, not at its end: nothing to tell. */
static bool is_silent(enum sweep_condition_kind k, const struct sweep_condition *c)
{
    return (k == COND_DECISION_NEEDED || k == COND_STALLED || k == COND_COMPLETE)
           && c->status != 'T';
}

/* Bad ones are marked: a dozen lines are read by their first column. */
static void put_conditions(const struct sweep_report *r, int64_t now_s, unsigned width,
                           struct ds_buf *out)
{
    bool first = true;
    for (unsigned k = 0; k < COND_COUNT; k++) {
        const struct sweep_condition *c = &r->status.cond[k];
        ds_auto_buf line = {0};
        char age[SWEEP_AGE_BYTES];
        if (c->status == 0 || is_silent((enum sweep_condition_kind)k, c))
            continue;
        if (first)
            (void)buf_put_text(out, "conditions\n");
        first = false;
        sweep_report_age(now_s - c->since_s, age);
        buf_init(&line, 8192);
        (void)buf_printf(&line, "%c %-14s  %-7s  %5s  ",
                         is_bad((enum sweep_condition_kind)k, c) ? '!' : ' ',
                         sweep_condition_name((enum sweep_condition_kind)k),
                         c->status == 'T'   ? "True"
                         : c->status == 'F' ? "False"
                                            : "Unknown",
                         c->since_s > 0 ? age : "");
        size_t column = line.len;
        (void)buf_put_span(out, buf_span(&line));
        buf_reset(&line);
        (void)buf_put_text(&line, c->reason);
        bool said = strcmp(c->message, r->status.message) == 0 && !message_is_step(&r->status);
        if (c->message[0] && said)
            (void)buf_put_text(&line, " (see above)");
        else if (c->message[0] && strcmp(c->message, c->reason) != 0)
            (void)buf_printf(&line, "%s%s", c->reason[0] ? ": " : "", c->message);
        put_wrapped(out, buf_span(&line), column, column, width);
    }
}

static void put_rounds(const struct sweep_report *r, struct ds_buf *out)
{
    const struct sweep_status *s = &r->status;
    for (uint32_t i = 0; i < s->n_rounds && i < STATUS_MAX_ROUNDS; i++) {
        const struct round_line *l = &s->rounds[i];
        char took[UNITS_TEXT_BYTES];
        if (l->ended_s <= 0)
            continue;
        units_format_duration((l->ended_s - l->started_s) * 1000, took);
        (void)buf_printf(out, "round %u: %u %s in %u %s, ended after %s", l->number, l->n_cases,
                         l->n_cases == 1 ? "case" : "cases", l->n_chunks,
                         l->n_chunks == 1 ? "worker" : "workers", took);
        if (l->outcome[0]) {
            (void)buf_put_text(out, " (");
            text_put(out, ds_span_of(l->outcome));
            (void)buf_put_char(out, ')');
        }
        (void)buf_put_char(out, '\n');
    }
}

static void put_hint(const struct sweep_report *r, const char *what, const char *command,
                     const char *options, struct ds_buf *out)
{
    (void)buf_printf(out, "%s: decksweep %s ", what, command);
    sweep_report_label(r, out);
    (void)buf_printf(out, "%s\n", options);
}

static void put_next(const struct sweep_report *r, struct ds_buf *out)
{
    const struct sweep_status *s = &r->status;
    if (s->phase == PHASE_SUSPENDED || s->phase == PHASE_CANCELLED)
        put_hint(r, "to go on", "resume", "", out);
    if (s->cond[COND_DECISION_NEEDED].status == 'T')
        (void)buf_put_text(out, "to decide: decksweep submit SWEEP --refill, --accept, --replace "
                                "or --retry-failed\n");
    if (s->step.kind == STEP_CENSUS && s->step.ended_s == 0)
        put_hint(r, "its log", "logs", " --census", out);
    if (s->totals.n_failed > 0)
        put_hint(r, "why cases failed", "ls", " --failed", out);
    if (s->collected)
        put_hint(r, "dataset", "fetch", " --dataset -o DIR", out);
}

void sweep_report_put_text(const struct sweep_report *r, int64_t now_s, unsigned width,
                           struct ds_buf *out)
{
    const struct sweep_status *s = &r->status;
    put_head(r, out);
    if (s->message[0] && !message_is_step(s)) {
        text_put_repeat(out, ' ', MESSAGE_INDENT);
        put_wrapped(out, ds_span_of(s->message), MESSAGE_INDENT, MESSAGE_INDENT, width);
    }
    put_counts(r, out);
    put_rounds(r, out);
    put_step(r, now_s, width, out);
    put_conditions(r, now_s, width, out);
    put_next(r, out);
}

/* ---- the list ---- */

static void add_number(struct table *t, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    table_add_text(t, text);
}

static void add_row(struct table *t, const struct sweep_report *r, bool with_namespace,
                    int64_t now_s)
{
    const struct sweep_status *s = &r->status;
    struct display_counts counts;
    char text[64], note[EVENT_TEXT_BYTES], age[SWEEP_AGE_BYTES];
    sweep_report_counts(r, note, &counts);
    if (with_namespace)
        table_add_text(t, r->namespace_);
    table_add_text(t, r->name);
    table_add_text(t, sweep_phase_name(s->phase));
    (void)snprintf(text, sizeof text, "%u/%u", counts.n_done, counts.n_total);
    table_add_text(t, counts.n_total > 0 ? text : "");
    add_number(t, s->totals.n_failed);
    add_number(t, s->n_running);
    add_number(t, s->n_rounds > 0 ? s->rounds[s->n_rounds - 1].number : 0);
    sweep_report_age(now_s - r->created_s, age);
    table_add_text(t, r->created_s > 0 ? age : "");
}

void sweep_report_put_list(const struct sweep_report *const *list, size_t n, bool all_namespaces,
                           int64_t now_s, unsigned width, struct ds_arena *a, struct ds_buf *out)
{
    static const char *const HEADER[] = {"NAMESPACE", "NAME",    "PHASE", "DONE",
                                         "FAILED",    "RUNNING", "ROUND", "AGE"};
    unsigned skip = all_namespaces ? 0 : 1;
    unsigned columns = (unsigned)DS_COUNT(HEADER) - skip + 1;
    struct table t;
    size_t used = 0;
    table_init(&t, a, columns, (UINT64_C(0x3c) << 1) >> skip);
    for (unsigned i = skip; i < DS_COUNT(HEADER); i++)
        table_add_text(&t, HEADER[i]);
    table_add_text(&t, "MESSAGE");
    /* Columns before the message: known once every row has been measured. */
    for (size_t i = 0; i < n; i++) {
        add_row(&t, list[i], all_namespaces, now_s);
        table_add_text(&t, "");
    }
    for (unsigned c = 0; c + 1 < columns; c++)
        used += t.width[c] + 2;
    size_t room = width == 0 ? LIST_MESSAGE : width > used ? width - used : 0;
    for (size_t i = 0; i < n && t.n_cells == (n + 1) * columns; i++) {
        ds_auto_buf cut = {0};
        buf_init(&cut, 4096);
        (void)text_put_fit(&cut, ds_span_of(list[i]->status.message), room);
        t.cells[(i + 2) * columns - 1] = arena_copy(a, buf_span(&cut));
    }
    table_put(&t, out);
}
