/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decksweep show TARGET CASE - all that is known of one case, what went wrong first */
#include "base/json.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/shell_text.h"
#include "cli/target_io.h"
#include "cli/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define OUT_BYTES ((size_t)64 << 20)

struct view {
    struct cli *cli;
    struct target *t;
    uint32_t row;
    const struct case_tally *tally;
    char key[RESULT_KEY_BYTES]; /* "" none */
    bool has_archive;
    struct case_archive archive;
    struct ds_buf *out;
};

static void put_field(const struct view *v, const char *name, struct ds_span value)
{
    if (value.len == 0)
        return;
    (void)buf_printf(v->out, "  %-14s", name);
    text_put(v->out, value);
    (void)buf_put_char(v->out, '\n');
}

static void put_fieldf(const struct view *v, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void put_fieldf(const struct view *v, const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_field(v, name, ds_span_of(text));
}

static void put_duration(const struct view *v, const char *name, int64_t ms)
{
    char text[UNITS_TEXT_BYTES];
    if (ms < 0)
        return;
    units_format_duration(ms, text);
    put_field(v, name, ds_span_of(text));
}

static void put_head(const struct view *v)
{
    const struct design *d = &v->t->design;
    enum verdict verdict = v->tally->last_verdict;
    bool red = verdict != VERDICT_OK && verdict != VERDICT_NONE;
    (void)buf_printf(v->out, "case %u  %.*s  ", d->number[v->row], (int)CASE_ID_CHARS,
                     d->id[v->row].hex);
    if (v->cli->color && verdict != VERDICT_NONE)
        (void)buf_put_text(v->out, red ? "\033[31m" : "\033[32m");
    (void)buf_put_text(v->out, verdict ? verdict_name(verdict) : case_state_name(v->tally->state));
    if (v->cli->color && verdict != VERDICT_NONE)
        (void)buf_put_text(v->out, "\033[0m");
    if (v->tally->state == CASE_OUTSTANDING)
        (void)buf_put_text(v->out, ", to be tried again");
    (void)buf_put_char(v->out, '\n');
}

static void put_why(const struct view *v, const struct case_record *r)
{
    put_field(v, "why", r->reason);
    put_field(v, "message", r->message);
    if (r->deck_file.len > 0 && r->deck_line > 0)
        put_fieldf(v, "deck", "%.*s:%lld", DS_FMT(r->deck_file), (long long)r->deck_line);
    else
        put_field(v, "deck", r->deck_file);
}

static int put_parameters(const struct view *v, struct ds_err *err)
{
    const struct design *d = &v->t->design;
    struct ds_span *cells = ds_new(v->t->arena, struct ds_span, d->n_params + 1);
    if (!cells)
        return ds_fail(err, DS_ETOOBIG, "the case does not fit");
    int rc = design_row(d, v->row, v->t->arena, cells, NULL, err);
    if (rc < 0)
        return rc;
    if (d->n_params > 0)
        (void)buf_put_text(v->out, "parameters\n");
    for (size_t i = 0; i < d->n_params; i++) {
        char *name = arena_cstr(v->t->arena, d->names[i]);
        put_field(v, name ? name : "", cells[i]);
    }
    return 0;
}

static void put_how_far(const struct view *v, const struct case_record *r)
{
    if (r->n_report_steps > 0 && r->last_report_step < 0)
        put_fieldf(v, "report steps", "none of %lld", (long long)r->n_report_steps);
    else if (r->n_report_steps > 0)
        put_fieldf(v, "report steps", "%lld of %lld", (long long)r->last_report_step,
                   (long long)r->n_report_steps);
    if (isfinite(r->last_time_days) && isfinite(r->end_time_days))
        put_fieldf(v, "time", "day %g of %g", r->last_time_days, r->end_time_days);
    if (r->n_errors > 0 || r->n_problems > 0 || r->n_warnings > 0)
        put_fieldf(v, "PRT", "%lld errors, %lld problems, %lld warnings", (long long)r->n_errors,
                   (long long)r->n_problems, (long long)r->n_warnings);
    if (r->n_chops > 0)
        put_fieldf(v, "chops", "%lld time steps", (long long)r->n_chops);
    if (r->signal > 0)
        put_fieldf(v, "signal", "%d", r->signal);
    else
        put_fieldf(v, "exit code", "%d", r->exit_code);
    put_field(v, "ended", r->ended);
}

static void put_machine(const struct view *v, const struct case_record *r)
{
    char peak[UNITS_TEXT_BYTES], limit[UNITS_TEXT_BYTES];
    put_field(v, "started", r->started_utc);
    put_duration(v, "run time", r->wall_ms);
    put_duration(v, "CPU time", r->cpu_ms);
    if (r->peak_mem_bytes >= 0) {
        units_format_size((uint64_t)r->peak_mem_bytes, peak);
        units_format_size(r->limit_mem_bytes > 0 ? (uint64_t)r->limit_mem_bytes : 0, limit);
        put_fieldf(v, "peak memory", "%s%s%s", peak, r->limit_mem_bytes > 0 ? " of " : "",
                   r->limit_mem_bytes > 0 ? limit : "");
    }
    put_field(v, "node", r->node);
    if (r->cpuset.len > 0)
        put_fieldf(v, "cpus", "%.*s%s", DS_FMT(r->cpuset), r->cpubind ? "" : " (not bound)");
    put_fieldf(v, "ranks", "%u x %u thread%s", r->ranks, r->threads, r->threads == 1 ? "" : "s");
    put_fieldf(v, "simulator", "%.*s %.*s", DS_FMT(r->simulator), DS_FMT(r->simulator_version));
    if (r->altered_args)
        put_field(v, "note", DS_SPAN("ran with notConvergedArgs"));
    if (r->trimmed)
        put_field(v, "trim", DS_SPAN("restart output was switched off (results.trim)"));
}

static void put_command(const struct view *v, const struct case_record *r)
{
    ds_auto_buf line;
    buf_init(&line, 1u << 20);
    for (size_t i = 0; i < r->n_argv; i++) {
        if (i > 0)
            (void)buf_put_char(&line, ' ');
        shell_put_word(&line, r->argv[i]);
    }
    put_field(v, "command", buf_span(&line));
    for (size_t i = 0; i < r->n_rewritten; i++)
        put_field(v, i == 0 ? "edited lines" : "", r->rewritten[i]);
}

static void put_files(const struct view *v)
{
    char size[UNITS_TEXT_BYTES];
    units_format_size(v->archive.size_bytes, size);
    (void)buf_printf(v->out, "files (%s, %s)\n", v->key, size);
    for (size_t i = 0; i < v->archive.index.n_members; i++) {
        const struct archive_member *m = &v->archive.index.members[i];
        units_format_size(m->size_bytes, size);
        (void)buf_printf(v->out, "  %12s  ", size);
        text_put(v->out, m->name);
        (void)buf_put_char(v->out, '\n');
    }
}

/* Every attempt of the case that the store knows of. */
static void put_attempts(const struct view *v)
{
    if (v->tally->n_attempts == 0)
        return;
    (void)buf_put_text(v->out, "failed attempts\n");
    for (size_t i = 0; i < v->t->listing.n_keys; i++) {
        struct result_key k = result_key_decode(v->t->listing.keys[i].key);
        if (k.kind != KEY_FAILED || !case_id_eq(k.id, v->t->design.id[v->row]))
            continue;
        char number[16], limit[32] = "";
        (void)snprintf(number, sizeof number, "%u", k.attempt);
        if (k.verdict == VERDICT_TIMEOUT)
            (void)snprintf(limit, sizeof limit, " after %llu s", (unsigned long long)k.limit);
        else if (k.verdict == VERDICT_OUT_OF_MEMORY)
            (void)snprintf(limit, sizeof limit, " with %llu MiB", (unsigned long long)k.limit);
        put_fieldf(v, number, "%s%s", verdict_name(k.verdict), limit);
    }
}

static void put_next(const struct view *v)
{
    unsigned number = v->t->design.number[v->row];
    (void)buf_printf(v->out, "next\n");
    if (v->has_archive) {
        put_fieldf(v, "log", "decksweep logs %.*s %u", DS_FMT(v->t->label), number);
        put_fieldf(v, "files", "decksweep fetch %.*s %u -o DIR", DS_FMT(v->t->label), number);
    }
    put_fieldf(v, "by hand", "decksweep render SWEEP %u -o DIR", number);
    if (v->tally->state == CASE_FAILED && v->t->cluster)
        put_field(v, "again", DS_SPAN("decksweep submit SWEEP --retry-failed"));
    else if (v->tally->state == CASE_FAILED)
        put_fieldf(v, "again", "decksweep run SWEEP --retry-failed --only %u", number);
}

static int put_text(const struct view *v, struct ds_err *err)
{
    const struct case_record *r = &v->archive.record;
    put_head(v);
    if (v->has_archive)
        put_why(v, r);
    int rc = put_parameters(v, err);
    if (rc < 0)
        return rc;
    if (v->has_archive) {
        (void)buf_printf(v->out, "run (attempt %u)\n", r->attempt);
        put_how_far(v, r);
        put_machine(v, r);
        put_command(v, r);
        put_attempts(v);
        put_files(v);
    }
    put_next(v);
    return 0;
}

static int put_json(const struct view *v, struct ds_err *err)
{
    const struct design *d = &v->t->design;
    struct ds_span *cells = ds_new(v->t->arena, struct ds_span, d->n_params + 1);
    int rc = cells ? design_row(d, v->row, v->t->arena, cells, NULL, err)
                   : ds_fail(err, DS_ETOOBIG, "the case does not fit");
    if (rc < 0)
        return rc;
    struct json_writer w;
    jw_init(&w, v->out);
    jw_object(&w);
    jw_kv_u64(&w, "case", d->number[v->row]);
    jw_kv_text(&w, "id", (struct ds_span){d->id[v->row].hex, CASE_ID_CHARS});
    jw_kv_cstr(&w, "state", case_state_name(v->tally->state));
    jw_kv_cstr(&w, "verdict", verdict_name(v->tally->last_verdict));
    jw_kv_u64(&w, "attempts", v->tally->n_attempts + (v->tally->keep[0] != '\0'));
    target_put_params(&w, &v->t->plan, d, cells);
    jw_key(&w, "archive");
    if (!v->has_archive) {
        jw_null(&w);
        jw_key(&w, "record");
        jw_null(&w);
    } else {
        jw_object(&w);
        jw_kv_cstr(&w, "key", v->key);
        jw_kv_u64(&w, "size_bytes", v->archive.size_bytes);
        jw_end_object(&w);
        /* case.json stands here byte for byte: it has been decoded, so it is JSON. */
        (void)buf_put_text(v->out, ",\"record\":");
        (void)buf_put_span(v->out, ds_span_trim(v->archive.case_json));
    }
    jw_end_object(&w);
    (void)buf_put_char(v->out, '\n');
    return 0;
}

static int show(struct view *v, struct ds_err *err)
{
    int rc = target_find_case(&v->t->design, ds_span_of(cli_arg(v->cli, 1)), &v->row, err);
    if (rc < 0)
        return rc;
    v->tally = target_tally(v->t, v->row);
    if (target_archive_key(&v->t->design, v->tally, v->key)) {
        struct archive_reader *reader = archive_reader_create();
        rc = case_archive_open(v->t, v->key, reader, v->t->arena, &v->archive, err);
        archive_reader_destroy(reader);
        if (rc < 0)
            return rc;
        v->has_archive = true;
    }
    ds_auto_buf out;
    buf_init(&out, OUT_BYTES);
    v->out = &out;
    rc = v->cli->json ? put_json(v, err) : put_text(v, err);
    if (v->has_archive)
        case_archive_close(&v->archive);
    if (rc == 0)
        cli_put(v->cli, &out);
    v->out = NULL;
    return rc;
}

static int run(struct cli *cli)
{
    struct target t;
    struct ds_err err = {0};
    struct view v = {.cli = cli, .t = &t};
    int rc = target_open_counted(cli, STORE_READ, &t, &err);
    if (rc == 0)
        rc = show(&v, &err);
    target_close(&t);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static const struct cmd_option OPTIONS[] = {
    TARGET_OPTIONS,
    {NULL, 0, VALUE_NONE, NULL, NULL},
};

static const struct cmd_example EXAMPLES[] = {
    {"decksweep show results/spe1 17", "why case 17 failed, what it ran with, what it left"},
    {NULL, NULL},
};

const struct cmd_entry cmd_show = {
    .name = "show",
    .args = "TARGET CASE",
    .summary = "show all that is known of one case, what went wrong first",
    .text =
        "CASE is a number, an id, or the start of an id. Shown is the finished attempt, else the "
        "last failed one. With --json the field `record` is the archive's case.json.",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .json = true,
    .run = run,
};
