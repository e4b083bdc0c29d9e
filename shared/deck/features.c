/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/features.h"

#include "base/units.h"
#include "deck/trim.h"

#include <math.h>

#define KIB              1024.0
#define MIB              (1024.0 * 1024.0)
#define MAX_REPORT_STEPS 10000000u

/* ---- items as values ---- */

static bool item_is(const struct closure_item *item, const char *name)
{
    return ds_span_is(ds_span_of(item->keyword.name), name);
}

/* Value number n (0-based) of a record, repeats expanded; {NULL,0} when not given. */
static struct ds_span record_value(const struct deck_record *r, size_t n)
{
    uint64_t at = 0;
    for (size_t i = 0; i < r->n_tokens; i++) {
        uint64_t repeat = 1;
        struct ds_span value;
        if (!deck_split_repeat(r->tokens[i].text, &repeat, &value))
            break;
        if (n < at + repeat)
            return value.len > 0 ? value : (struct ds_span){0};
        at += repeat;
    }
    return (struct ds_span){0};
}

static int64_t record_int(const struct deck_record *r, size_t n, int64_t preset)
{
    int64_t value = preset;
    struct ds_span text = record_value(r, n);
    return text.ptr && deck_parse_int(text, &value) ? value : preset;
}

struct reading { /* while the items are gone through */
    const struct closure *c;
    struct deck_problems *problems;
    struct deck_features *f;
    bool has[3]; /* oil, water, gas */
    bool lab, skiprest;
    uint64_t compdat, compdat_patterns, wells, conns_a_well;
    uint64_t actnum_zero, equals_zero;
    bool actnum_on_again, has_actnum;
    double now_days; /* since START; NaN when it cannot be told */
    uint32_t steps;
    double restart_match; /* smallest distance of a report time to the restart time */
    uint64_t n_vectors;
};

static struct deck_pos item_pos(const struct reading *r, const struct closure_item *item)
{
    return (struct deck_pos){r->c->files[item->file].display, item->keyword.line, 0};
}

/* A record's, which may stand in another file than its keyword. */
static struct deck_pos record_pos(const struct reading *r, const struct deck_record *rec)
{
    return (struct deck_pos){r->c->files[rec->file].display, rec->first_line,
                             rec->tokens[0].column};
}

/* ---- grid ---- */

static void read_dims(struct reading *r, const struct closure_item *item)
{
    if (item->n_records == 0)
        return;
    const struct deck_record *rec = &item->records[0];
    int64_t n[3];
    for (size_t i = 0; i < 3; i++) {
        n[i] = record_int(rec, i, 0);
        if (n[i] < 1 || n[i] > 1000000) {
            deck_warn(r->problems, item_pos(r, item),
                      "%s: the grid's size cannot be read here; memory is sized without it",
                      item->keyword.name);
            return;
        }
    }
    if ((double)n[0] * (double)n[1] * (double)n[2] > 1e12)
        return;
    uint64_t cells = (uint64_t)n[0] * (uint64_t)n[1] * (uint64_t)n[2];
    if (cells <= r->f->nx * r->f->ny * r->f->nz)
        return;
    r->f->nx = (uint64_t)n[0];
    r->f->ny = (uint64_t)n[1];
    r->f->nz = (uint64_t)n[2];
}

/* EQUALS 'ACTNUM' value i1 i2 j1 j2 k1 k2. Only what surely stays off may count: the largest
 * single box, and nothing when anything is switched on again. */
static void read_equals(struct reading *r, const struct closure_item *item)
{
    for (size_t i = 0; i < item->n_records; i++) {
        const struct deck_record *rec = &item->records[i];
        struct ds_span name = record_value(rec, 0);
        if (!name.ptr || !ds_span_eq_nocase(deck_unquote(name), DS_SPAN("ACTNUM")))
            continue;
        uint64_t size = 1;
        uint64_t most[3] = {r->f->nx, r->f->ny, r->f->nz};
        for (size_t d = 0; d < 3; d++) {
            int64_t from = record_int(rec, 2 + 2 * d, 1), to = record_int(rec, 3 + 2 * d, 0);
            bool good = from >= 1 && to >= from && (uint64_t)to <= most[d];
            size *= good ? (uint64_t)(to - from) + 1 : 0;
        }
        double value = 1;
        struct ds_span text = record_value(rec, 1);
        if (!text.ptr || !deck_parse_double(text, &value) || value != 0)
            r->actnum_on_again = true;
        else if (size > r->equals_zero)
            r->equals_zero = size;
    }
}

static void read_actnum(struct reading *r, const struct closure_item *item)
{
    uint64_t cells = r->f->nx * r->f->ny * r->f->nz;
    uint64_t zero = item->n_values == cells ? item->n_zero : 0;
    r->actnum_zero = r->has_actnum && r->actnum_zero < zero ? r->actnum_zero : zero;
    r->has_actnum = true;
}

/* ---- time ---- */

static const char months[12][4] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

static unsigned month_of(struct ds_span name)
{
    for (unsigned i = 0; i < 12; i++) {
        if (ds_span_eq_nocase(name, ds_span_of(months[i])))
            return i + 1;
    }
    return ds_span_eq_nocase(name, DS_SPAN("JLY")) ? 7 : 0;
}

/* "12:30:15.5" -> seconds of the day. */
static bool parse_clock(struct ds_span text, double *seconds)
{
    double scale = 3600, sum = 0;
    for (int i = 0; i < 3 && text.len > 0; i++, scale /= 60) {
        struct ds_span part;
        double value = 0;
        text = ds_span_cut(text, ':', &part);
        if (!deck_parse_double(part, &value) || value < 0 || value >= 86400)
            return false;
        sum += value * scale;
    }
    *seconds = sum;
    return true;
}

/* A record of START or DATES as seconds since 1970. */
static bool parse_date(const struct deck_record *rec, double *unix_s)
{
    int64_t day = record_int(rec, 0, 0), year = record_int(rec, 2, 0);
    struct ds_span month_text = record_value(rec, 1), clock = record_value(rec, 3);
    unsigned month = month_text.ptr ? month_of(deck_unquote(month_text)) : 0;
    double seconds = 0;
    if (day < 1 || day > 31 || month == 0 || year < 1 || year > 9999)
        return false;
    if (clock.ptr && !parse_clock(deck_unquote(clock), &seconds))
        return false;
    *unix_s = (double)units_days_from_civil(year, month, (unsigned)day) * 86400.0 + seconds;
    return true;
}

static void read_start(struct reading *r, const struct closure_item *item)
{
    double unix_s = 0;
    if (item->n_records > 0 && parse_date(&item->records[0], &unix_s))
        r->f->start_unix_s = (int64_t)unix_s;
    else
        deck_warn(r->problems, item_pos(r, item),
                  "START: this date cannot be read; dates are counted from 1 Jan 1983");
}

static void note_time(struct reading *r)
{
    if (!r->c->restart.has_time || isnan(r->now_days))
        return;
    double distance = fabs(r->now_days - r->c->restart.time_days);
    r->restart_match = distance < r->restart_match ? distance : r->restart_match;
}

static void add_steps(struct reading *r, uint64_t n)
{
    r->steps = n > MAX_REPORT_STEPS - r->steps ? MAX_REPORT_STEPS : r->steps + (uint32_t)n;
}

static void read_tstep(struct reading *r, const struct closure_item *item)
{
    double unit = r->lab ? 1.0 / 24.0 : 1.0;
    for (size_t k = 0; k < item->n_records; k++) {
        const struct deck_record *rec = &item->records[k];
        for (size_t i = 0; i < rec->n_tokens; i++) {
            uint64_t repeat = 1;
            struct ds_span value;
            double days = 0;
            bool good = deck_split_repeat(rec->tokens[i].text, &repeat, &value)
                        && deck_parse_double(value, &days) && days >= 0;
            repeat = good ? repeat : 1;
            if (!good || repeat > MAX_REPORT_STEPS - r->steps) /* more are not followed */
                r->now_days = NAN;
            add_steps(r, repeat);
            for (uint64_t n = 0; n < repeat && !isnan(r->now_days); n++) {
                r->now_days += days * unit;
                note_time(r);
            }
        }
    }
}

static void read_dates(struct reading *r, const struct closure_item *item)
{
    for (size_t k = 0; k < item->n_records; k++) {
        const struct deck_record *rec = &item->records[k];
        double unix_s = 0;
        if (rec->n_tokens == 0)
            continue;
        add_steps(r, 1);
        if (!parse_date(rec, &unix_s)) {
            r->now_days = NAN;
            continue;
        }
        double days = (unix_s - (double)r->f->start_unix_s) / 86400.0;
        /* the simulator takes an equal date (a step of no length) but none before the last */
        if (!isnan(r->now_days) && days < r->now_days - 1.0 / 86400 && !r->f->is_restart)
            deck_error(r->problems, record_pos(r, rec),
                       "DATES: this date lies before the one reached already; dates must increase");
        r->now_days = days;
        note_time(r);
    }
}

/* ---- switches ---- */

static bool set_switch(struct reading *r, const struct closure_item *item)
{
    struct deck_features *f = r->f;
    static const char heavy[] = "ENDSCALEEHYSTR  TRACER  TRACERS SOLVENT POLYMER POLYMW  FOAM    "
                                "BRINE   THERMAL TEMP    MICP    CO2STOREPRECSALT";
    char padded[9] = "        ";
    memcpy(padded, item->keyword.name, strlen(item->keyword.name));
    for (size_t i = 0; i + 8 <= sizeof(heavy) - 1; i += 8)
        f->heavy = f->heavy || memcmp(heavy + i, padded, 8) == 0;
    r->has[0] = r->has[0] || item_is(item, "OIL");
    r->has[1] = r->has[1] || item_is(item, "WATER");
    r->has[2] = r->has[2] || item_is(item, "GAS");
    r->lab = r->lab || item_is(item, "LAB");
    if (item_is(item, "UNIFOUT"))
        f->unified = true;
    else if (item_is(item, "MULTOUT"))
        f->unified = false;
    else if (item_is(item, "FMTOUT"))
        f->formatted = true;
    else
        return false;
    return true;
}

static void read_satopts(struct reading *r, const struct closure_item *item)
{
    for (size_t k = 0; k < item->n_records; k++) {
        for (size_t i = 0; i < item->records[k].n_tokens; i++) {
            struct ds_span t = deck_unquote(item->records[k].tokens[i].text);
            r->f->heavy = r->f->heavy || ds_span_eq_nocase(t, DS_SPAN("HYSTER"));
        }
    }
}

static void read_item(struct reading *r, const struct closure_item *item)
{
    bool runspec = item->section == DECK_RUNSPEC || item->section == DECK_NO_SECTION;
    if (runspec && set_switch(r, item))
        return;
    if (item_is(item, "EHYSTR"))
        r->f->heavy = true;
    if (item_is(item, "DIMENS") || item_is(item, "SPECGRID"))
        read_dims(r, item);
    else if (item_is(item, "START") && runspec)
        read_start(r, item);
    else if (item_is(item, "SATOPTS"))
        read_satopts(r, item);
    else if (item_is(item, "WELLDIMS") && item->n_records > 0) {
        r->wells = (uint64_t)record_int(&item->records[0], 0, 0);
        r->conns_a_well = (uint64_t)record_int(&item->records[0], 1, 0);
    } else if (item_is(item, "ACTNUM"))
        read_actnum(r, item);
    else if (item_is(item, "EQUALS"))
        read_equals(r, item);
    else if (item_is(item, "COMPDAT")) {
        r->compdat += item->n_values;
        r->compdat_patterns += item->n_zero;
    }
}

static void read_schedule_item(struct reading *r, const struct closure_item *item)
{
    if (item_is(item, "RPTONLY") || item_is(item, "RPTONLYO"))
        r->f->has_rptonly = item_is(item, "RPTONLY");
    if (item->section != DECK_SCHEDULE || item->alternative)
        return;
    if (item_is(item, "TSTEP"))
        read_tstep(r, item);
    else if (item_is(item, "DATES"))
        read_dates(r, item);
    else if (item_is(item, "SKIPREST"))
        r->skiprest = true;
    else if (item_is(item, "ACTIONX"))
        r->f->has_actionx = true;
}

/* ---- putting it together ---- */

static uint64_t connections_of(const struct reading *r)
{
    uint64_t wells = r->wells > 0 && r->wells < 1000000 ? r->wells : 1;
    uint64_t counted = r->compdat + r->compdat_patterns * wells;
    uint64_t dims = r->conns_a_well < 1000000 ? wells * r->conns_a_well : 0;
    return counted > 0 ? counted : dims;
}

static void finish_schedule(struct reading *r)
{
    const struct closure_restart *restart = &r->c->restart;
    struct deck_features *f = r->f;
    f->n_report_steps = r->steps;
    f->end_time_days = r->now_days;
    if (!restart->present)
        return;
    f->is_restart = true;
    f->restart_step = restart->step;
    if (!r->skiprest)
        return;
    f->n_report_steps = r->steps > restart->step ? r->steps - restart->step : 0;
    if (restart->has_time && !isnan(r->now_days) && r->restart_match > 1.0 / 86400.0)
        deck_warn(r->problems, restart->pos,
                  "RESTART with SKIPREST: no report step falls on the restart time, day %.9g, to "
                  "the second; the simulator will stop (add it with DATES)",
                  restart->time_days);
}

static void estimate_output(struct reading *r)
{
    struct deck_features *f = r->f;
    uint64_t steps = (uint64_t)f->n_report_steps + f->n_report_steps / 2 + 10;
    uint64_t vectors = r->n_vectors * (r->wells > 4 && r->wells < 100000 ? r->wells : 4) + 16;
    f->estimated_output_bytes = steps * (vectors * 4 + 24000) + f->active_cells * 300 + (1u << 20);
    if (f->writes_restart)
        f->estimated_output_bytes += (uint64_t)f->n_report_steps * (f->active_cells * 40 + 20000);
}

static void finish(struct reading *r)
{
    struct deck_features *f = r->f;
    uint64_t cells = f->nx * f->ny * f->nz;
    uint64_t off = r->actnum_on_again                ? 0
                   : r->actnum_zero > r->equals_zero ? r->actnum_zero
                                                     : r->equals_zero;
    f->inactive_cells = off < cells ? off : cells;
    f->active_cells = cells - f->inactive_cells;
    f->connections = connections_of(r);
    f->n_phases = (r->has[0] && r->has[1] && r->has[2]) ? 3 : 2;
    finish_schedule(r);
    estimate_output(r);
}

int features_read(const struct closure *c, struct ds_arena *a, struct deck_features *out,
                  struct ds_span *title, struct deck_problems *problems, struct ds_err *err)
{
    struct deck_features f = {.start_unix_s = units_days_from_civil(1983, 1, 1) * 86400};
    struct reading r = {.c = c, .problems = problems, .f = &f, .restart_match = INFINITY};
    struct trim_edit *edits = NULL;
    size_t n_edits = 0, errors_before = problems->n_errors;
    int rc = trim_find(c, a, &edits, &n_edits, err);
    if (rc != 0)
        return rc;
    f.writes_restart = n_edits > 0;
    f.is_restart = c->restart.present;
    *title = DS_SPAN("");
    for (size_t i = 0; i < c->n_items; i++) {
        const struct closure_item *item = &c->items[i];
        if (item_is(item, "TITLE") && item->n_records > 0 && item->records[0].n_tokens > 0) {
            const struct deck_record *rec = &item->records[0];
            const struct deck_token *last = &rec->tokens[rec->n_tokens - 1];
            const char *from = rec->tokens[0].text.ptr;
            *title = (struct ds_span){from, (size_t)(last->text.ptr + last->text.len - from)};
        }
        r.n_vectors += item->section == DECK_SUMMARY ? 1 : 0;
        read_item(&r, item);
    }
    /* without SKIPREST the schedule of a restarted deck begins at the restart time */
    for (size_t i = 0; i < c->n_items; i++)
        r.skiprest = r.skiprest || item_is(&c->items[i], "SKIPREST");
    if (c->restart.present && !r.skiprest)
        r.now_days = c->restart.has_time ? c->restart.time_days : NAN;
    for (size_t i = 0; i < c->n_items; i++)
        read_schedule_item(&r, &c->items[i]);
    finish(&r);
    if (problems->n_errors > errors_before)
        return deck_problems_check(problems, err);
    *out = f;
    return DS_OK;
}

/* ---- memory ---- */

struct memory_parts {
    double per_cell_kib, cells_mib, inactive_mib, connections_mib, rank_factor;
};

#define BASE_MIB     69.0
#define MEMORY_GUARD 1.1 /* the fit's residuals are below 7 % upwards: SPE9, SPE10 */

static struct memory_parts memory_parts(const struct deck_features *f, uint32_t ranks)
{
    struct memory_parts p = {0};
    p.per_cell_kib = f->heavy ? 12.0 : f->n_phases <= 2 ? 5.6 : 6.7;
    p.cells_mib = p.per_cell_kib * (double)f->active_cells / KIB;
    p.inactive_mib = 0.13 * (double)f->inactive_cells / KIB;
    p.connections_mib = 22.0 * (double)f->connections / KIB;
    p.rank_factor = ranks > 1 ? 1.0 + 0.6 : 1.0;
    return p;
}

uint64_t features_memory_bytes(const struct deck_features *f, uint32_t ranks)
{
    struct memory_parts p = memory_parts(f, ranks);
    double mib = BASE_MIB + p.cells_mib + p.inactive_mib + p.connections_mib;
    if (ranks > 1) /* each rank brings the program; the fields are shared out with overlap */
        mib = (double)ranks * BASE_MIB
              + (p.cells_mib + p.inactive_mib + p.connections_mib) * p.rank_factor;
    double bytes = mib * MEMORY_GUARD * MIB;
    return bytes < 1e18 ? (uint64_t)bytes : UINT64_C(1000000000000000000);
}

struct ds_span features_memory_words(const struct deck_features *f, uint32_t ranks,
                                     struct ds_arena *a)
{
    struct memory_parts p = memory_parts(f, ranks);
    return arena_format(
        a,
        "model: (%u x %.0f MiB + %llu active cells x %.1f KiB%s%s + %llu inactive x "
        "0.13 KiB + %llu connections x 22 KiB) x %.1f",
        ranks > 1 ? ranks : 1, BASE_MIB, (unsigned long long)f->active_cells, p.per_cell_kib,
        f->heavy ? " (end points, hysteresis, tracers or more)" : "", ranks > 1 ? " x 1.6" : "",
        (unsigned long long)f->inactive_cells, (unsigned long long)f->connections, MEMORY_GUARD);
}
