/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/merge_io.h"

#include "collector/names.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERNED        1024u
#define MOST_TEXT_BYTES 1000u /* of a reason, a node, ...: one line */

/* What the reading side learned besides values. */
enum outcome { OUTCOME_READ, OUTCOME_SURPRISE };

void merge_warn(struct merge *m, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct collect_report *r = m->report;
    for (size_t i = 0; i < r->n_warnings; i++)
        if (ds_span_is(r->warnings[i], text))
            return;
    struct ds_span kept = {NULL, 0};
    if (r->n_warnings < COLLECT_MAX_WARNINGS)
        kept = arena_copy(m->a, ds_span_of(text));
    if (kept.ptr)
        r->warnings[r->n_warnings++] = kept;
    else
        r->n_more_warnings++;
}

int merge_start(struct merge *m, struct ds_err *err)
{
    m->row_of_slot = ds_new(m->a, uint32_t, m->index->n_slots);
    m->interned = arena_take(m->a, 1, sizeof *m->interned);
    if (!m->row_of_slot || !m->interned)
        return ds_fail(err, DS_ETOOBIG, "no room for %u cases", m->index->n_slots);
    return 0;
}

/* Texts along case are few and repeat: one copy of each recent one. "" when the arena is full. */
static const char *intern(struct merge *m, struct ds_span text)
{
    if (text.len == 0)
        return "";
    if (text.len > MOST_TEXT_BYTES)
        text.len = MOST_TEXT_BYTES;
    uint32_t h = ds_span_hash(text);
    struct ds_span *at = &(*m->interned)[(h ^ h >> 16) % INTERNED];
    if (!at->ptr || !ds_span_eq(*at, text)) {
        char *kept = arena_cstr(m->a, text);
        if (!kept)
            return "";
        names_clean(kept, text.len);
        *at = (struct ds_span){kept, text.len};
    }
    return at->ptr;
}

static uint32_t number_of(const struct merge *m, uint32_t row)
{
    return m->ds->design->number[row];
}

static struct dataset_vector describe(const struct summary_vector *v)
{
    return (struct dataset_vector){.key = v->key,
                                   .unit = v->unit,
                                   .keyword = v->keyword,
                                   .wgname = v->wgname,
                                   .lgr = v->lgr,
                                   .kind = vector_class_name(v->class),
                                   .num = v->num,
                                   .has_num = v->has_num,
                                   .is_rate = v->is_rate,
                                   .is_total = v->is_total,
                                   .is_history = v->is_history,
                                   .interpolates = summary_vector_interpolates(v),
                                   .occurrence = v->occurrence};
}

/* Columns of a layout's vectors; *all false: the schema lacks one that is wanted. */
static int bind_layout(struct merge *m, struct layout *x, bool add, bool *all, struct ds_err *err)
{
    *all = true;
    if (x->bound)
        return 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct summary_vector *v = x->vectors[i];
        x->column[i] = schema_find(m->schema, v->key, v->occurrence);
        if (x->column[i] != SCHEMA_NONE)
            continue;
        *all = false;
        if (!add)
            continue;
        struct dataset_vector described = describe(v);
        int rc = schema_add(m->schema, &described, &x->column[i], err);
        if (rc < 0)
            return rc;
    }
    *all = *all || add;
    x->bound = *all;
    return 0;
}

static int check_units(struct merge *m, const struct layout *x, uint32_t row, struct ds_err *err)
{
    enum summary_units units = x->spec.units;
    if (units == SUMMARY_UNITS_UNKNOWN || units == m->units)
        return 0;
    if (m->units == SUMMARY_UNITS_UNKNOWN) {
        m->units = units;
        m->units_number = number_of(m, row);
        return 0;
    }
    return ds_fail(err, DS_EINPUT,
                   "case %u is in %s units, case %u in %s: one dataset cannot hold both; collect "
                   "decks of one unit system",
                   m->units_number, unit_system_name(m->units), number_of(m, row),
                   unit_system_name(units));
}

static void warn_of_case(struct merge *m, const struct case_data *c, uint32_t row)
{
    if (c->trouble.len > 0)
        merge_warn(m, "case %u: %.*s", number_of(m, row), DS_FMT(c->trouble));
    if (c->n_dropped > 0)
        merge_warn(m, "case %u: %zu report steps are left out: TIME does not grow or is no time",
                   number_of(m, row), c->n_dropped);
    if (c->note.len > 0)
        merge_warn(m, "%.*s", DS_FMT(c->note));
    if (c->layout && c->layout->spec.n_doubles > 0 && !m->said_doubles) {
        m->said_doubles = true;
        merge_warn(m,
                   "%.*s occurs twice: SMSPEC holds 8 characters of a name; the second is "
                   "called %.*s#2",
                   DS_FMT(c->layout->spec.double_key), DS_FMT(c->layout->spec.double_key));
    }
}

/* ---- expectation and scan ---- */

static int absorb(struct merge *m, const struct case_data *c, uint32_t row,
                  struct align_times *times, size_t n_reports, struct ds_err *err)
{
    bool all;
    int rc = check_units(m, c->layout, row, err);
    if (rc == 0)
        rc = bind_layout(m, c->layout, true, &all, err);
    if (rc < 0)
        return rc;
    m->ds->units = m->units;
    if (c->layout->start_s < m->ds->epoch_s)
        m->ds->epoch_s = c->layout->start_s;
    return align_unite(times, c->instants_s, n_reports, m->a, err);
}

int merge_expect_first(struct merge *m, bool *found, struct ds_err *err)
{
    *found = false;
    m->ds->epoch_s = INT64_MAX;
    for (uint32_t i = 0; i < m->index->n_slots && !*found; i++) {
        const struct index_slot *slot = &m->index->slots[i];
        struct case_data c;
        if (slot->verdict != VERDICT_OK
            || case_reader_read(m->reader, slot->key, true, &c, NULL) < 0 || !c.layout)
            continue;
        int rc = absorb(m, &c, slot->first_row, &m->ds->reports, c.n_reports, err);
        if (rc < 0)
            return rc;
        *found = true;
    }
    return 0;
}

int merge_scan(struct merge *m, struct ds_err *err)
{
    struct align_times failed = {NULL, 0};
    for (uint32_t i = 0; i < m->index->n_slots; i++) {
        const struct index_slot *slot = &m->index->slots[i];
        struct case_data c;
        if (slot->key.len == 0 || case_reader_read(m->reader, slot->key, true, &c, NULL) < 0
            || !c.layout)
            continue;
        bool ok = slot->verdict == VERDICT_OK;
        size_t ended = ok || c.n_reports == 0 ? c.n_reports : c.n_reports - 1;
        int rc = absorb(m, &c, slot->first_row, ok ? &m->ds->reports : &failed, ended, err);
        if (rc < 0)
            return rc;
    }
    if (m->ds->reports.n == 0)
        m->ds->reports = failed;
    m->final = true;
    return 0;
}

/* ---- values ---- */

static void fill_row(struct merge *m, const struct case_data *c, const struct index_slot *slot,
                     uint32_t row)
{
    struct dataset_row *out = &m->ds->rows[row];
    const struct case_record *r = &c->record;
    bool ok = slot->verdict == VERDICT_OK;
    out->attempt = r->attempt;
    out->altered_args = r->altered_args;
    out->ended = intern(m, r->ended);
    out->reason = ok ? "" : intern(m, r->reason.len ? r->reason : r->message);
    out->node = intern(m, r->node);
    out->simulator_version = intern(m, r->simulator_version);
    out->wall_s = r->wall_ms < 0 ? NAN : (double)r->wall_ms / 1000.0;
    out->peak_mem_bytes = r->peak_mem_bytes;
    out->last_report_step = r->last_report_step;
    out->n_chops = r->n_chops;
    out->n_problems = r->n_problems;
    out->values_hash = ok && c->layout ? values_hash_of(&c->layout->hash, c->instants_s,
                                                        c->n_reports, c->values, c->stride)
                                       : 0;
}

/* Does an ok case bring times, or any case vectors or an earlier START, that are not expected? */
static int check_surprise(struct merge *m, const struct case_data *c, bool ok,
                          enum outcome *outcome, struct ds_err *err)
{
    bool all = true, known = true;
    int rc = bind_layout(m, c->layout, false, &all, err);
    if (rc < 0)
        return rc;
    for (size_t r = 0; ok && known && r < c->n_reports; r++)
        known = align_has(&m->ds->reports, c->instants_s[r]);
    if (!all || !known || c->layout->start_s < m->ds->epoch_s) {
        *outcome = OUTCOME_SURPRISE;
        if (m->final)
            return ds_fail(err, DS_ECORRUPT,
                           "an archive changed while it was collected; collect again");
    }
    return 0;
}

/* Values of one case into row i of a slab of n rows. */
static void fill_values(struct merge *m, const struct case_data *c, bool ok, uint32_t i, uint32_t n,
                        struct align_source *map, float *slab)
{
    const struct dataset *ds = m->ds;
    size_t n_reports = c->n_reports, n_times = ds->axis.n;
    bool on_grid = m->what->times != TIMES_REPORT;
    if (!ok && n_reports > 0 && !align_has(&ds->reports, c->instants_s[n_reports - 1]))
        n_reports--; /* it ended inside this report step */
    align_map(&ds->axis, c->instants_s, n_reports, on_grid, c->layout->start_s, map);
    bool straight = align_is_straight(map, n_times);
    for (size_t v = 0; v < c->layout->n; v++) {
        uint32_t column = c->layout->column[v];
        if (column == SCHEMA_NONE)
            continue;
        const float *values = c->values + v * c->stride;
        float *to = slab + ((size_t)column * n + i) * n_times;
        if (straight)
            memcpy(to, values, n_times * sizeof *to);
        else
            align_fill(values, map, n_times, ds->vectors[column].interpolates, to);
    }
}

struct block {
    uint32_t first, n;
    float *slab;
    struct align_source *map; /* axis.n */
};

static void copy_row(struct merge *m, const struct block *b, uint32_t from, uint32_t to)
{
    size_t n_times = m->ds->axis.n;
    for (size_t v = 0; v < m->ds->n_vectors; v++) {
        float *column = b->slab + v * b->n * n_times;
        memcpy(column + (to - b->first) * n_times, column + (from - b->first) * n_times,
               n_times * sizeof(float));
    }
    m->ds->rows[to] = m->ds->rows[from];
}

static void clear_row(const struct merge *m, const struct block *b, uint32_t row)
{
    size_t n_times = m->ds->axis.n;
    for (size_t v = 0; v < m->ds->n_vectors; v++) {
        float *values = b->slab + (v * b->n + (row - b->first)) * n_times;
        for (size_t t = 0; t < n_times; t++)
            values[t] = NAN;
    }
}

static int read_row(struct merge *m, const struct block *b, uint32_t row, enum outcome *outcome,
                    struct ds_err *err)
{
    uint32_t s = m->index->slot_of_row[row];
    const struct index_slot *slot = &m->index->slots[s];
    struct ds_err why;
    struct case_data c;
    if (slot->key.len == 0) {
        clear_row(m, b, row);
        return 0;
    }
    if (m->row_of_slot[s] > b->first && m->row_of_slot[s] <= row) { /* same id, same block */
        copy_row(m, b, m->row_of_slot[s] - 1, row);
        return 0;
    }
    if (case_reader_read(m->reader, slot->key, false, &c, &why) < 0) {
        merge_warn(m, "case %u: %.*s: %s", number_of(m, row), DS_FMT(slot->key), why.text);
        m->ds->rows[row].reason = intern(m, ds_span_of("its archive cannot be read"));
        m->ds->rows[row].source = "";
        m->ds->rows[row].source_bytes = m->ds->rows[row].source_mtime_ms = -1;
        clear_row(m, b, row);
        return 0;
    }
    if (!c.layout || c.layout->n != m->ds->n_vectors) /* else every vector is written over */
        clear_row(m, b, row);
    warn_of_case(m, &c, row);
    fill_row(m, &c, slot, row);
    m->report->n_archives++;
    m->row_of_slot[s] = row + 1;
    if (!c.layout)
        return 0;
    bool ok = slot->verdict == VERDICT_OK;
    int rc = check_units(m, c.layout, row, err);
    if (rc == 0)
        rc = check_surprise(m, &c, ok, outcome, err);
    if (rc < 0 || *outcome == OUTCOME_SURPRISE)
        return rc;
    fill_values(m, &c, ok, row - b->first, b->n, b->map, b->slab);
    return 0;
}

static int read_block(struct merge *m, const struct block *b, enum outcome *outcome,
                      struct ds_err *err)
{
    for (uint32_t row = b->first; row < b->first + b->n; row++) {
        if (m->taken_from && m->taken_from[row] != MERGE_NOT_TAKEN)
            continue;
        int rc = read_row(m, b, row, outcome, err);
        if (rc < 0 || *outcome == OUTCOME_SURPRISE)
            return rc;
    }
    return 0;
}

/* ---- two threads, two slabs ---- */

struct pipe {
    struct merge *m;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    float *slab[2];
    bool full[2];
    bool stop;  /* the writing side gave up */
    bool ended; /* the reading side has: rc, err, outcome */
    int rc;
    enum outcome outcome;
    struct ds_err err;
    struct align_source *map;
};

static void set_and_tell(struct pipe *p, bool *flag, bool value)
{
    (void)pthread_mutex_lock(&p->lock);
    *flag = value;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
}

/* Wait until slab k may be filled; false: no more is wanted. */
static bool wait_empty(struct pipe *p, unsigned k)
{
    (void)pthread_mutex_lock(&p->lock);
    while (p->full[k] && !p->stop)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    bool go_on = !p->stop;
    (void)pthread_mutex_unlock(&p->lock);
    return go_on;
}

static bool wait_full(struct pipe *p, unsigned k)
{
    (void)pthread_mutex_lock(&p->lock);
    while (!p->full[k] && !p->ended)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    bool full = p->full[k];
    (void)pthread_mutex_unlock(&p->lock);
    return full;
}

static void *read_all(void *context)
{
    struct pipe *p = context;
    const struct dataset *ds = p->m->ds;
    unsigned k = 0;
    for (uint32_t first = 0; first < ds->n_rows; k ^= 1) {
        struct block b = {first, dataset_rows_from(ds, first), p->slab[k], p->map};
        if (!wait_empty(p, k))
            break;
        p->rc = read_block(p->m, &b, &p->outcome, &p->err);
        if (p->rc < 0 || p->outcome == OUTCOME_SURPRISE)
            break;
        first += b.n;
        set_and_tell(p, &p->full[k], true);
    }
    set_and_tell(p, &p->ended, true);
    return NULL;
}

static int write_all(struct pipe *p, merge_begin_f begin, merge_block_f ready, void *context,
                     struct ds_err *err)
{
    const struct dataset *ds = p->m->ds;
    unsigned k = 0;
    int rc = begin(context, err);
    for (uint32_t first = 0; rc == 0 && first < ds->n_rows; k ^= 1) {
        if (!wait_full(p, k))
            break;
        uint32_t n = dataset_rows_from(ds, first);
        rc = ready(context, first, n, p->slab[k], err);
        first += n;
        set_and_tell(p, &p->full[k], false);
    }
    set_and_tell(p, &p->stop, true);
    return rc;
}

static int run_pipe(struct pipe *p, merge_begin_f begin, merge_block_f ready, void *context,
                    struct ds_err *err)
{
    pthread_t thread;
    int sys = pthread_create(&thread, NULL, read_all, p);
    if (sys != 0)
        return ds_fail_errno(err, DS_EIO, sys, "start a thread");
    int rc = write_all(p, begin, ready, context, err);
    (void)pthread_join(thread, NULL);
    if (rc == 0 && p->rc < 0) {
        if (err)
            *err = p->err;
        rc = p->rc;
    }
    return rc;
}

int merge_run(struct merge *m, merge_begin_f begin, merge_block_f ready, void *context,
              bool *surprised, struct ds_err *err)
{
    const struct dataset *ds = m->ds;
    size_t n = ds->n_vectors * ds->block_rows * ds->axis.n;
    struct pipe p = {
        .m = m, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    p.slab[0] = malloc(n * sizeof(float) + 1);
    p.slab[1] = malloc(n * sizeof(float) + 1);
    p.map = calloc(ds->axis.n + 1, sizeof *p.map);
    if (!p.slab[0] || !p.slab[1] || !p.map)
        abort();
    memset(m->row_of_slot, 0, m->index->n_slots * sizeof *m->row_of_slot);
    m->report->n_archives = 0;
    int rc = run_pipe(&p, begin, ready, context, err);
    m->ds->units = m->units;
    *surprised = rc == 0 && p.outcome == OUTCOME_SURPRISE;
    free(p.slab[0]);
    free(p.slab[1]);
    free(p.map);
    (void)pthread_cond_destroy(&p.changed);
    (void)pthread_mutex_destroy(&p.lock);
    return rc;
}
