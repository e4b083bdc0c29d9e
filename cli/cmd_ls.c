/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep ls TARGET - one line a case, from the listing and the design */
#include "base/json.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/target_io.h"
#include "cli/text.h"

#include <stdio.h>

#define MAX_REASONS  200u /* read case.json of so many failed cases unless more is asked for */
#define MAX_SHOWN    8u   /* parameters in the table; all of them with --long */
#define RECORD_BYTES ((size_t)64 << 20)
#define OUT_BYTES    ((size_t)1 << 30)
#define FLUSH_BYTES  (1u << 20)

struct listing {
    struct cli *cli;
    struct target *t;
    struct archive_reader *reader;
    struct ds_arena *row_arena; /* reset a row */
    struct ds_span *cells;
    struct ds_span sens[2]; /* of one-at-a-time: the parameter, and low or high */
    bool failed_only, full;
    unsigned n_reasons;
};

/* What is shown of one row. */
struct row {
    uint32_t at;
    const struct case_tally *tally;
    uint32_t n_attempts;
    bool has_record;
    struct case_record record;
};

static bool is_wanted(const struct listing *l, const struct case_tally *t)
{
    if (!l->failed_only)
        return true;
    return t->state == CASE_FAILED || (t->state != CASE_DONE && t->last_failed_attempt > 0);
}

static bool wants_record(struct listing *l, const struct row *r)
{
    if (l->full)
        return true;
    bool failed = r->tally->state != CASE_DONE && r->tally->last_failed_attempt > 0;
    return failed && (l->failed_only || l->n_reasons++ < MAX_REASONS);
}

static int load_row(struct listing *l, uint32_t at, struct row *r, struct ds_err *err)
{
    char key[RESULT_KEY_BYTES];
    *r = (struct row){.at = at, .tally = target_tally(l->t, at)};
    /* A finished case was its last attempt; its key does not say which number that was. */
    r->n_attempts = r->tally->n_attempts + (r->tally->keep[0] != '\0');
    arena_reset(l->row_arena);
    int rc = design_row(&l->t->design, at, l->row_arena, l->cells, l->sens, err);
    if (rc < 0)
        return rc;
    if (!wants_record(l, r) || !target_archive_key(&l->t->design, r->tally, key))
        return 0;
    struct case_archive c;
    struct ds_err ignored; /* `verify` tells about bad archives; a row stands without its record */
    if (case_archive_open(l->t, key, l->reader, l->row_arena, &c, &ignored) < 0)
        return 0;
    r->record = c.record;
    r->has_record = true;
    case_archive_close(&c);
    return 0;
}

/* ---- JSON ---- */

static void put_measured(struct json_writer *w, const struct case_record *c)
{
    jw_kv_i64(w, "wall_ms", c->wall_ms);
    jw_kv_double(w, "wall_s", c->wall_ms < 0 ? -1 : (double)c->wall_ms / 1000);
    jw_kv_i64(w, "peak_mem_bytes", c->peak_mem_bytes);
    jw_kv_text(w, "node", c->node);
    jw_kv_bool(w, "altered_args", c->altered_args);
    jw_kv_text(w, "started", c->started_utc);
    jw_kv_i64(w, "last_report_step", c->last_report_step);
    jw_kv_i64(w, "n_report_steps", c->n_report_steps);
}

static void put_json(const struct listing *l, const struct row *r, struct ds_buf *out)
{
    const struct design *d = &l->t->design;
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_u64(&w, "case", d->number[r->at]);
    jw_kv_text(&w, "id", (struct ds_span){d->id[r->at].hex, CASE_ID_CHARS});
    jw_kv_cstr(&w, "state", case_state_name(r->tally->state));
    jw_kv_cstr(&w, "verdict", verdict_name(r->tally->last_verdict));
    jw_kv_u64(&w, "attempts", r->n_attempts);
    if (d->has_sens) {
        jw_kv_text(&w, "sensname", l->sens[0]);
        jw_kv_text(&w, "senscase", l->sens[1]);
    }
    target_put_params(&w, &l->t->plan, d, l->cells);
    if (r->has_record && r->record.reason.len > 0)
        jw_kv_text(&w, "reason", r->record.reason);
    if (r->has_record && l->full)
        put_measured(&w, &r->record);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
}

static int print_json(struct listing *l, struct ds_err *err)
{
    ds_auto_buf out;
    buf_init(&out, OUT_BYTES);
    for (uint32_t at = 0; at < l->t->design.n_rows; at++) {
        struct row r;
        if (!is_wanted(l, target_tally(l->t, at)))
            continue;
        int rc = load_row(l, at, &r, err);
        if (rc < 0)
            return rc;
        put_json(l, &r, &out);
        if (out.len > FLUSH_BYTES) {
            cli_put(l->cli, &out);
            buf_reset(&out);
        }
    }
    cli_put(l->cli, &out);
    return 0;
}

/* ---- the table ---- */

static size_t shown_params(const struct listing *l)
{
    size_t n = l->t->design.n_params, most = l->full ? TABLE_MAX_COLUMNS - 12 : MAX_SHOWN;
    return n < most ? n : most;
}

static void add_duration(struct table *t, int64_t ms)
{
    char text[UNITS_TEXT_BYTES] = "";
    if (ms >= 0)
        units_format_duration(ms, text);
    table_add_text(t, text);
}

static void add_size(struct table *t, int64_t bytes)
{
    char text[UNITS_TEXT_BYTES] = "";
    if (bytes >= 0)
        units_format_size((uint64_t)bytes, text);
    table_add_text(t, text);
}

static void add_header(const struct listing *l, struct table *t)
{
    table_add_text(t, "CASE");
    table_add_text(t, "ID");
    table_add_text(t, "VERDICT");
    table_add_text(t, "ATTEMPTS");
    if (l->t->design.has_sens) {
        table_add_text(t, "SENSNAME");
        table_add_text(t, "SENSCASE");
    }
    for (size_t i = 0; i < shown_params(l); i++)
        table_add(t, l->t->design.names[i]);
    if (l->full) {
        table_add_text(t, "WALL");
        table_add_text(t, "PEAK");
        table_add_text(t, "NODE");
        table_add_text(t, "ARGS");
    }
    table_add_text(t, "REASON");
}

static void add_row(const struct listing *l, const struct row *r, struct table *t)
{
    const struct design *d = &l->t->design;
    char text[64];
    (void)snprintf(text, sizeof text, "%u", d->number[r->at]);
    table_add_text(t, text);
    table_add(t, (struct ds_span){d->id[r->at].hex, CASE_ID_CHARS});
    bool tried = r->tally->last_verdict != VERDICT_NONE;
    bool again = r->tally->state == CASE_OUTSTANDING;
    (void)snprintf(text, sizeof text, "%s%s",
                   tried ? verdict_name(r->tally->last_verdict) : case_state_name(r->tally->state),
                   r->tally->state == CASE_LACKING ? " (lacking)"
                   : again                         ? " (again)"
                                                   : "");
    table_add_text(t, text);
    (void)snprintf(text, sizeof text, "%u", r->n_attempts);
    table_add_text(t, text);
    if (d->has_sens) {
        table_add(t, l->sens[0]);
        table_add(t, l->sens[1]);
    }
    for (size_t i = 0; i < shown_params(l); i++)
        table_add(t, l->cells[i]);
    if (l->full) {
        add_duration(t, r->has_record ? r->record.wall_ms : -1);
        add_size(t, r->has_record ? r->record.peak_mem_bytes : -1);
        table_add(t, r->has_record ? r->record.node : ds_span_of(""));
        table_add_text(t, r->has_record && r->record.altered_args ? "altered" : "");
    }
    table_add(t, r->has_record ? r->record.reason : ds_span_of(""));
}

static int print_table(struct listing *l, struct ds_err *err)
{
    struct table table;
    unsigned fixed = l->t->design.has_sens ? 6 : 4; /* before the parameters */
    unsigned columns = fixed + (unsigned)shown_params(l) + (l->full ? 5 : 1);
    uint64_t right = 1u | 1u << 3;
    for (size_t i = 0; i < shown_params(l); i++)
        if (i < l->t->plan.n_params && l->t->plan.params[i].is_number)
            right |= UINT64_C(1) << (fixed + i);
    if (l->full)
        right |= UINT64_C(3) << (fixed + shown_params(l));
    table_init(&table, l->cli->arena, columns, right);
    add_header(l, &table);
    for (uint32_t at = 0; at < l->t->design.n_rows; at++) {
        struct row r;
        if (!is_wanted(l, target_tally(l->t, at)))
            continue;
        int rc = load_row(l, at, &r, err);
        if (rc < 0)
            return rc;
        add_row(l, &r, &table);
    }
    ds_auto_buf out;
    buf_init(&out, OUT_BYTES);
    if (table.n_cells > columns)
        table_put(&table, &out);
    else
        log_info(l->failed_only ? "no case has failed" : "no cases");
    cli_put(l->cli, &out);
    if (shown_params(l) < l->t->design.n_params)
        log_info("%zu of %zu parameters shown: --json has all", shown_params(l),
                 l->t->design.n_params);
    return buf_check(&out, "the table (use --json)", err);
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    struct listing l = {
        .cli = cli,
        .t = &t,
        .failed_only = cmd_has(cli->line, "failed"),
        .full = cmd_has(cli->line, "long"),
    };
    int rc = target_open_counted(cli, STORE_READ, &t, &err);
    if (rc == 0) {
        ds_auto_arena row_arena = arena_create(RECORD_BYTES);
        l.row_arena = row_arena;
        l.reader = archive_reader_create();
        l.cells = ds_new(cli->arena, struct ds_span, t.design.n_params + 1);
        rc = cli->json ? print_json(&l, &err) : print_table(&l, &err);
        archive_reader_destroy(l.reader);
    }
    target_close(&t);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    {"failed", 0, VALUE_NONE, NULL, "only cases whose last attempt failed, each with its reason"},
    {"long", 'l', VALUE_NONE, NULL, "also run time, peak memory, node and altered arguments"},
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep ls results/spe1 --failed", "what went wrong, and why"},
    {"decksweep ls results/spe1 --json | jq -r 'select(.verdict==\"timeout\").case'",
     "numbers of the cases that ran out of time"},
    {NULL, NULL},
};

const struct cmd_entry cmd_ls = {
    .name = "ls",
    .args = "TARGET",
    .summary = "list the cases with verdict, attempts and parameters",
    .text = "Reads the store's listing and the design; the archives of failed cases (with --long, "
            "of all cases) only for what stands in them. With --json each line is one object.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .json = true,
    .run = run,
};
