/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/display.h"

#include "base/units.h"
#include "cli/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define PLAIN_LEAST_MS 10000
#define PLAIN_MOST_MS  600000
#define PLAIN_GAP_MS   1000
#define PLAIN_STEPS    20u /* 5 % each */
#define BAR_LEAST      6u  /* columns */
#define LEAST_LEAPS    3u  /* a worker's cases are counted at its end, all at once */
#define RATE_WINDOW    8u  /* settled cases that make a rate of their own */

int display_state_init(struct display_state *d, const struct display_setup *setup,
                       struct ds_arena *a, struct ds_err *err)
{
    *d = (struct display_state){.setup = *setup, .plain_ms = setup->now_ms};
    (void)snprintf(d->name, sizeof d->name, "%s", setup->name ? setup->name : "");
    d->setup.name = NULL;
    d->slots = ds_new(a, struct display_slot, DISPLAY_MAX_SLOTS);
    if (!d->slots)
        return ds_fail(err, DS_ETOOBIG, "live view: no room for %u slots", DISPLAY_MAX_SLOTS);
    return 0;
}

static uint32_t rows_of(const struct display_state *d, const struct event *e)
{
    uint32_t n = d->setup.rows_of ? d->setup.rows_of(d->setup.context, e) : 1;
    return n == 0 ? 1 : n;
}

static struct display_slot *slot_of(struct display_state *d, const struct event *e)
{
    if (e->slot < 0 || e->slot >= DISPLAY_MAX_SLOTS)
        return NULL;
    if (e->slot >= d->n_slots)
        d->n_slots = (uint32_t)e->slot + 1;
    return &d->slots[e->slot];
}

static void note_settled(struct display_state *d, const struct event *e)
{
    d->settled_ms[d->n_settled_cases++ % DISPLAY_TIMES] = e->at_ms;
    /* The slot may already run its next case: it is free only if it still shows this one. */
    for (uint32_t i = 0; i < d->n_slots; i++)
        if (d->slots[i].number == e->number && d->slots[i].phase == SHOWN_FINISHED)
            d->slots[i].phase = SHOWN_IDLE;
}

static void note_failure(struct display_state *d, const struct event *e)
{
    struct display_reason *r = &d->reasons[d->n_reasons++ % DISPLAY_REASONS];
    enum verdict v = e->verdict < VERDICT_COUNT ? e->verdict : VERDICT_NONE;
    r->number = e->number;
    r->verdict = v;
    r->final = e->final;
    memcpy(r->text, e->text, sizeof r->text);
    r->text[sizeof r->text - 1] = '\0';
    if (!e->final) {
        d->n_retried++;
        return;
    }
    uint32_t rows = rows_of(d, e);
    d->n_failed += rows;
    d->failed_by[v] += rows;
}

static void start_slot(struct display_state *d, const struct event *e, enum display_phase phase)
{
    struct display_slot *s = slot_of(d, e);
    if (!s)
        return;
    if (s->phase == SHOWN_IDLE || s->phase == SHOWN_FINISHED || s->number != e->number)
        *s = (struct display_slot){.step = -1, .n_steps = -1, .time_days = NAN};
    s->phase = phase;
    s->number = e->number;
    s->attempt = e->attempt;
    if (phase == SHOWN_RUNNING)
        s->started_ms = e->at_ms;
    if (e->n_steps > 0)
        s->n_steps = e->n_steps;
}

static void note_progress(struct display_state *d, const struct event *e)
{
    struct display_slot *s = slot_of(d, e);
    if (!s)
        return;
    if (s->phase != SHOWN_RUNNING || s->number != e->number) {
        *s = (struct display_slot){.number = e->number, .started_ms = e->at_ms, .n_steps = -1};
        s->phase = SHOWN_RUNNING;
    }
    s->step = e->step;
    if (e->n_steps > 0)
        s->n_steps = e->n_steps;
    s->time_days = e->time_days;
}

void display_state_event(struct display_state *d, const struct event *e)
{
    struct display_slot *s;
    switch (e->kind) {
    case EVENT_WORKER:
        d->ended = false;
        if (e->n_slots > 0)
            d->n_slots = e->n_slots > DISPLAY_MAX_SLOTS ? DISPLAY_MAX_SLOTS : (uint32_t)e->n_slots;
        memset(d->slots, 0, DISPLAY_MAX_SLOTS * sizeof *d->slots);
        break;
    case EVENT_STAGED:
        start_slot(d, e, SHOWN_STAGED);
        break;
    case EVENT_STARTED:
        start_slot(d, e, SHOWN_RUNNING);
        break;
    case EVENT_PROGRESS:
        note_progress(d, e);
        break;
    case EVENT_FINISHED:
        s = slot_of(d, e);
        if (s && s->number == e->number)
            s->phase = SHOWN_FINISHED;
        break;
    case EVENT_COMMITTED:
        d->n_ok += rows_of(d, e);
        note_settled(d, e);
        break;
    case EVENT_FAILED:
        note_failure(d, e);
        if (e->final)
            note_settled(d, e);
        break;
    case EVENT_NOTE:
        if (strncmp(d->note, e->text, sizeof d->note) != 0)
            d->n_plain_notes = 0; /* a worker's note is news each time */
        memcpy(d->note, e->text, sizeof d->note);
        d->note[sizeof d->note - 1] = '\0';
        break;
    case EVENT_ENDED:
        d->ended = true;
        break;
    case EVENT_NONE:
        break;
    }
}

void display_state_recount(struct display_state *d, uint32_t n_done, uint32_t n_failed)
{
    d->setup.n_done_before = n_done > d->n_ok ? n_done - d->n_ok : 0;
    d->setup.n_failed_before = n_failed > d->n_failed ? n_failed - d->n_failed : 0;
}

void display_state_counts(struct display_state *d, const struct display_counts *c, int64_t now_ms)
{
    uint32_t before = display_settled(d), n_settled = c->n_done + c->n_failed;
    bool first = d->setup.n_total == 0;
    if (first) { /* the first counts are no progress */
        d->waited_ms += now_ms - d->setup.now_ms;
        d->setup.now_ms = now_ms;
        d->plain_settled = n_settled;
    }
    d->counted = true;
    d->n_leaps += n_settled > before && !first;
    for (uint32_t i = before; i < n_settled && !first && i - before < DISPLAY_TIMES; i++)
        d->settled_ms[d->n_settled_cases++ % DISPLAY_TIMES] = now_ms;
    d->setup.n_total = c->n_total;
    d->setup.n_done_before = d->setup.n_failed_before = 0;
    d->n_ok = c->n_done;
    d->n_failed = c->n_failed;
    memcpy(d->failed_by, c->failed_by, sizeof d->failed_by);
    (void)snprintf(d->note, sizeof d->note, "%s", c->note ? c->note : "");
}

uint32_t display_settled(const struct display_state *d)
{
    return d->setup.n_done_before + d->setup.n_failed_before + d->n_ok + d->n_failed;
}

static double fraction_running(const struct display_state *d)
{
    double sum = 0;
    for (uint32_t i = 0; i < d->n_slots; i++) {
        const struct display_slot *s = &d->slots[i];
        if (s->phase == SHOWN_RUNNING && s->n_steps > 0 && s->step > 0)
            sum += s->step >= s->n_steps ? 1 : (double)s->step / (double)s->n_steps;
    }
    return sum;
}

double display_rate_per_s(const struct display_state *d, int64_t now_ms)
{
    int64_t elapsed_ms = now_ms - d->setup.now_ms;
    if (elapsed_ms <= 0 || (d->counted && d->n_leaps < LEAST_LEAPS))
        return -1;
    if (d->n_settled_cases > RATE_WINDOW) {
        uint32_t n = d->n_settled_cases < DISPLAY_TIMES ? d->n_settled_cases : DISPLAY_TIMES;
        int64_t oldest = d->settled_ms[(d->n_settled_cases - n) % DISPLAY_TIMES];
        if (now_ms > oldest)
            return ((double)(n - 1) + fraction_running(d)) * 1000 / (double)(now_ms - oldest);
    }
    double work = d->n_settled_cases + fraction_running(d);
    return work < 0.25 ? -1 : work * 1000 / (double)elapsed_ms;
}

int64_t display_eta_ms(const struct display_state *d, int64_t now_ms)
{
    uint32_t settled = display_settled(d);
    if (settled >= d->setup.n_total)
        return 0;
    double rate = display_rate_per_s(d, now_ms);
    if (rate <= 0)
        return -1;
    double left = d->setup.n_total - settled - fraction_running(d);
    double ms = (left < 0 ? 0 : left) / rate * 1000;
    return ms > 3e14 ? -1 : (int64_t)ms;
}

/* ---- drawing ---- */

struct canvas {
    struct ds_buf *out;
    unsigned width, left; /* lines still free */
    bool color;
};

static void put_color(const struct canvas *c, const char *sgr)
{
    if (c->color)
        (void)buf_printf(c->out, "\033[%sm", sgr);
}

/* One line of cleaned text cut to the width; sgr NULL: plain. */
static void put_line(struct canvas *c, struct ds_span text, const char *sgr)
{
    if (c->left == 0)
        return;
    c->left--;
    if (sgr)
        put_color(c, sgr);
    (void)text_put_fit(c->out, text, c->width);
    if (sgr)
        put_color(c, "0");
    (void)buf_put_char(c->out, '\n');
}

static void put_bar(struct ds_buf *out, double fraction, size_t columns)
{
    if (columns < BAR_LEAST)
        return;
    size_t inside = columns - 2;
    size_t full = (size_t)(fraction * (double)inside + 0.5);
    full = full > inside ? inside : full;
    (void)buf_put_char(out, '[');
    text_put_repeat(out, '=', full == inside || full == 0 ? full : full - 1);
    if (full > 0 && full < inside)
        (void)buf_put_char(out, '>');
    text_put_repeat(out, ' ', inside - full);
    (void)buf_put_char(out, ']');
}

static void put_failed_by(const struct display_state *d, struct ds_buf *out)
{
    const char *between = "";
    for (unsigned v = 0; v < VERDICT_COUNT; v++) {
        if (d->failed_by[v] == 0)
            continue;
        (void)buf_printf(out, "%s%s %u", between, v ? verdict_name((enum verdict)v) : "unknown",
                         d->failed_by[v]);
        between = ", ";
    }
}

#define PART_BYTES 96u

static void put_rate(char *part, double per_s)
{
    double per_min = per_s * 60;
    if (per_s < 0)
        part[0] = '\0';
    else if (per_min >= 100)
        (void)snprintf(part, PART_BYTES, "%.1f/s", per_s);
    else if (per_min >= 1)
        (void)snprintf(part, PART_BYTES, "%.1f/min", per_min);
    else
        (void)snprintf(part, PART_BYTES, "%.1f/h", per_min * 60);
}

/* Parts by how much they matter; as many as the width takes, the bar fills the rest. */
static void put_head(struct canvas *c, const struct display_state *d, int64_t now_ms)
{
    char parts[5][PART_BYTES], eta[UNITS_TEXT_BYTES];
    uint32_t settled = display_settled(d), total = d->setup.n_total;
    double fraction = total == 0 || settled >= total ? 1 : (double)settled / total;
    int64_t eta_ms = display_eta_ms(d, now_ms);
    uint32_t failed = d->setup.n_failed_before + d->n_failed;
    (void)snprintf(parts[0], PART_BYTES, "%u/%u", settled, total);
    (void)snprintf(parts[1], PART_BYTES, "%.0f%%", floor(fraction * 100));
    parts[2][0] = parts[3][0] = '\0';
    if (total == 0) { /* of a cluster's sweep before its first census */
        (void)snprintf(parts[0], PART_BYTES, "not planned yet");
        parts[1][0] = '\0';
        fraction = 0;
    }
    if (failed > 0)
        (void)snprintf(parts[2], PART_BYTES, "%u failed", failed);
    if (eta_ms > 0) {
        units_format_duration(eta_ms < 1000 ? 1000 : eta_ms / 1000 * 1000, eta);
        (void)snprintf(parts[3], PART_BYTES, "ETA %s", eta);
    }
    put_rate(parts[4], display_rate_per_s(d, now_ms));

    struct ds_buf line;
    buf_init(&line, 1u << 16);
    size_t used = 0;
    for (unsigned i = 0; i < DS_COUNT(parts); i++) {
        size_t n = strlen(parts[i]);
        if (n == 0 || used + n + 2 > c->width + (i == 0 ? 2 : 0))
            continue;
        (void)buf_printf(&line, "%s%s", used ? "  " : "", parts[i]);
        used += n + (used ? 2 : 0);
    }
    size_t room = c->width > used ? c->width - used : 0;
    struct ds_buf full;
    buf_init(&full, 1u << 16);
    size_t name = text_columns(ds_span_of(d->name));
    if (name > 0 && room >= name + 2 && room - name >= 14) {
        text_put(&full, ds_span_of(d->name));
        text_put_repeat(&full, ' ', 2);
        room -= name + 2;
    }
    if (room >= 10) {
        put_bar(&full, fraction, room - 2 > 42 ? 42 : room - 2);
        text_put_repeat(&full, ' ', 2);
    }
    (void)buf_put_span(&full, buf_span(&line));
    put_line(c, buf_span(&full), "1");
    buf_clear(&line);
    buf_clear(&full);
}

static void put_slot_words(struct ds_buf *left, struct ds_buf *right, const struct display_slot *s,
                           uint32_t index, int64_t now_ms, unsigned width)
{
    if (width >= 36)
        (void)buf_printf(left, "  slot %-3u ", index);
    (void)buf_printf(left, width >= 36 ? "case %-7lld" : "%-5lld", (long long)s->number);
    if (s->attempt > 1 && width >= 60)
        (void)buf_printf(left, "attempt %lld  ", (long long)s->attempt);
    char took[UNITS_TEXT_BYTES];
    units_format_duration(now_ms > s->started_ms ? (now_ms - s->started_ms) / 1000 * 1000 : 0,
                          took);
    if (s->phase == SHOWN_STAGED)
        (void)buf_put_text(right, "staging");
    else if (s->phase == SHOWN_FINISHED)
        (void)buf_put_text(right, "saving");
    else if (s->step >= 0 && s->n_steps > 0)
        (void)buf_printf(right, "%lld/%lld", (long long)s->step, (long long)s->n_steps);
    else if (s->step >= 0)
        (void)buf_printf(right, "step %lld", (long long)s->step);
    else
        (void)buf_put_text(right, width >= 30 ? "running" : "run");
    if (s->phase == SHOWN_RUNNING && width >= 30)
        (void)buf_printf(right, "  %s", took);
    if (s->phase == SHOWN_RUNNING && width >= 70 && isfinite(s->time_days) && s->step >= 0)
        (void)buf_printf(right, "  day %.0f", s->time_days);
}

static void put_slot(struct canvas *c, const struct display_slot *s, uint32_t index, int64_t now_ms)
{
    struct ds_buf left, right;
    buf_init(&left, 4096);
    buf_init(&right, 4096);
    put_slot_words(&left, &right, s, index, now_ms, c->width);
    size_t used = left.len + right.len + 2;
    if (s->n_steps > 0 && c->width > used + 1) {
        double fraction = s->step < 0 ? 0 : (double)s->step / (double)s->n_steps;
        if (s->phase == SHOWN_FINISHED)
            fraction = 1;
        size_t room = c->width - used;
        /* Bars of one width stand below each other whatever is right of them. */
        size_t most = c->width / 3 > 32 ? 32 : c->width / 3;
        room = room > most ? most : room;
        put_bar(&left, fraction > 1 ? 1 : fraction, room);
        if (room >= BAR_LEAST)
            (void)buf_put_text(&left, "  ");
    }
    (void)buf_put_span(&left, buf_span(&right));
    put_line(c, buf_span(&left), NULL);
    buf_clear(&left);
    buf_clear(&right);
}

static uint32_t count_active(const struct display_state *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_slots; i++)
        n += d->slots[i].phase != SHOWN_IDLE;
    return n;
}

static void put_slots(struct canvas *c, const struct display_state *d, int64_t now_ms,
                      unsigned room)
{
    uint32_t active = count_active(d);
    uint32_t shown = active <= room ? active : room > 0 ? room - 1 : 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_slots && n < shown; i++) {
        if (d->slots[i].phase == SHOWN_IDLE)
            continue;
        put_slot(c, &d->slots[i], i, now_ms);
        n++;
    }
    if (shown < active && room > 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "  and %u more running", active - shown);
        put_line(c, ds_span_of(text), "2");
    }
}

static void put_reason_text(const struct display_reason *r, struct ds_buf *out)
{
    (void)buf_printf(out, "case %lld: %s%s", (long long)r->number,
                     r->verdict ? verdict_name(r->verdict) : "failed",
                     r->final ? "" : ", tried again");
    if (r->text[0])
        (void)buf_printf(out, ": %s", r->text);
}

static void put_failures(struct canvas *c, const struct display_state *d, unsigned reasons)
{
    struct ds_buf line;
    buf_init(&line, 1u << 16);
    if (d->n_failed > 0 || d->n_retried > 0) {
        put_failed_by(d, &line);
        if (d->n_retried > 0)
            (void)buf_printf(&line, "%s%u tried again", d->n_failed ? "; " : "", d->n_retried);
        put_line(c, buf_span(&line), "33");
    }
    uint32_t kept = d->n_reasons < DISPLAY_REASONS ? d->n_reasons : DISPLAY_REASONS;
    kept = kept < reasons ? kept : reasons;
    for (uint32_t i = 0; i < kept; i++) {
        const struct display_reason *r = &d->reasons[(d->n_reasons - kept + i) % DISPLAY_REASONS];
        buf_reset(&line);
        (void)buf_put_text(&line, "  ");
        put_reason_text(r, &line);
        put_line(c, buf_span(&line), r->final ? "31" : "33");
    }
    buf_clear(&line);
}

void display_render(const struct display_state *d, int64_t now_ms, unsigned width, unsigned height,
                    bool color, struct ds_buf *out)
{
    assert(width >= 1 && height >= 1);
    struct canvas c = {.out = out, .width = width, .left = height, .color = color};
    put_head(&c, d, now_ms);
    bool counted = d->n_failed > 0 || d->n_retried > 0;
    unsigned reasons = d->n_reasons < DISPLAY_REASONS ? d->n_reasons : DISPLAY_REASONS;
    unsigned note = d->note[0] != '\0', active = count_active(d);
    /* Slots and reasons share what is left; each gets at least a third of a small screen. */
    unsigned room = c.left > counted + note ? c.left - counted - note : 0;
    unsigned for_reasons = reasons;
    if (active + reasons > room) {
        unsigned third = room / 3;
        for_reasons = room > active && room - active > third ? room - active : third;
        for_reasons = for_reasons > reasons ? reasons : for_reasons;
    }
    put_slots(&c, d, now_ms, room - for_reasons);
    if (note)
        put_line(&c, ds_span_of(d->note), "36");
    put_failures(&c, d, for_reasons); /* a view that began late has reasons it did not count */
}

/* ---- plain lines ---- */

static void put_clean_line(struct ds_buf *out, struct ds_buf *line)
{
    text_put(out, buf_span(line));
    (void)buf_put_char(out, '\n');
    buf_reset(line);
}

static void put_progress(const struct display_state *d, int64_t now_ms, struct ds_buf *line)
{
    char eta[UNITS_TEXT_BYTES];
    uint32_t failed = d->setup.n_failed_before + d->n_failed, total = d->setup.n_total;
    uint32_t settled = display_settled(d);
    (void)buf_printf(line, "%u/%u cases (%u%%)", settled, total,
                     total ? (unsigned)((uint64_t)settled * 100 / total) : 100u);
    if (failed > 0)
        (void)buf_printf(line, ", %u failed", failed);
    uint32_t active = count_active(d), open = total > settled ? total - settled : 0;
    if (active > 0 && open > 0) /* a slot may still show the case that it has just ended */
        (void)buf_printf(line, ", %u running", active < open ? active : open);
    int64_t eta_ms = display_eta_ms(d, now_ms);
    if (eta_ms > 0) {
        units_format_duration(eta_ms, eta);
        (void)buf_printf(line, ", about %s left", eta);
    }
}

static bool progress_is_due(const struct display_state *d, int64_t now_ms)
{
    uint32_t settled = display_settled(d), total = d->setup.n_total;
    int64_t since = now_ms - d->plain_ms;
    int64_t gap = (now_ms - d->setup.now_ms) / 10;
    gap = gap < PLAIN_LEAST_MS ? PLAIN_LEAST_MS : gap > PLAIN_MOST_MS ? PLAIN_MOST_MS : gap;
    if (since >= gap)
        return true;
    if (total == 0 || since < PLAIN_GAP_MS)
        return false;
    return (uint64_t)settled * PLAIN_STEPS / total
           > (uint64_t)d->plain_settled * PLAIN_STEPS / total;
}

/* A kubelet that cannot pull an image says two things by turns, for hours. */
static bool note_is_new(struct display_state *d)
{
    uint32_t hash = ds_span_hash(ds_span_of(d->note));
    uint32_t n = d->n_plain_notes < DISPLAY_NOTES ? d->n_plain_notes : DISPLAY_NOTES;
    for (uint32_t i = 0; i < n; i++)
        if (d->plain_notes[i] == hash)
            return false;
    d->plain_notes[d->n_plain_notes++ % DISPLAY_NOTES] = hash;
    return true;
}

void display_plain(struct display_state *d, int64_t now_ms, struct ds_buf *out)
{
    struct ds_buf line;
    buf_init(&line, 1u << 16);
    if (d->plain_settled == 0)
        d->plain_settled = d->setup.n_done_before + d->setup.n_failed_before;
    if (d->note[0] && note_is_new(d)) {
        (void)buf_put_text(&line, d->note);
        put_clean_line(out, &line);
    }
    uint32_t missed = d->n_reasons - d->plain_reasons;
    if (missed > DISPLAY_REASONS) {
        (void)buf_printf(&line, "%u more cases failed", missed - DISPLAY_REASONS);
        put_clean_line(out, &line);
        d->plain_reasons = d->n_reasons - DISPLAY_REASONS;
    }
    for (; d->plain_reasons < d->n_reasons; d->plain_reasons++) {
        put_reason_text(&d->reasons[d->plain_reasons % DISPLAY_REASONS], &line);
        put_clean_line(out, &line);
    }
    if (d->setup.n_total > 0 && progress_is_due(d, now_ms)) {
        put_progress(d, now_ms, &line);
        put_clean_line(out, &line);
        d->plain_ms = now_ms;
        d->plain_settled = display_settled(d);
    }
    buf_clear(&line);
}

void display_put_summary(const struct display_state *d, int64_t now_ms, struct ds_buf *out)
{
    char took[UNITS_TEXT_BYTES];
    uint32_t settled = display_settled(d), total = d->setup.n_total;
    uint32_t failed = d->setup.n_failed_before + d->n_failed;
    (void)buf_printf(out, "%u case%s: %u ok", total, total == 1 ? "" : "s",
                     d->setup.n_done_before + d->n_ok);
    if (failed > 0)
        (void)buf_printf(out, ", %u failed", failed);
    if (d->n_failed > 0) {
        (void)buf_put_text(out, " (");
        put_failed_by(d, out);
        (void)buf_put_char(out, ')');
    }
    if (settled < total)
        (void)buf_printf(out, ", %u to do", total - settled);
    units_format_duration(now_ms - d->setup.now_ms + d->waited_ms, took);
    (void)buf_printf(out, " in %s", took);
}
