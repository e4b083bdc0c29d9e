/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cmd_plan_text.h"

#include "agent/topology.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/session_io.h"

#include <math.h>

#define TRIMS_SHOWN 6u

struct column_range { /* of one parameter over the design; least > most: no numbers */
    double least, most;
};

/* One pass over the rows for all columns. */
static void find_ranges(const struct design *d, struct column_range *ranges, struct ds_arena *a)
{
    for (size_t i = 0; i < d->n_params; i++)
        ranges[i] = (struct column_range){INFINITY, -INFINITY};
    ds_auto_arena row_arena = arena_create((size_t)64 << 20);
    struct ds_span *cells = ds_new(a, struct ds_span, d->n_params);
    for (uint32_t row = 0; cells && row < d->n_rows; row++) {
        arena_reset(row_arena);
        if (design_row(d, row, row_arena, cells, NULL, NULL) < 0)
            return;
        for (size_t i = 0; i < d->n_params; i++) {
            double value;
            if (units_parse_double(cells[i], &value, NULL) < 0)
                continue;
            ranges[i].least = fmin(ranges[i].least, value);
            ranges[i].most = fmax(ranges[i].most, value);
        }
    }
}

static void put_parameters(const struct session *s, struct ds_buf *out)
{
    const struct plan *p = s->view->plan;
    ds_auto_arena a = arena_create((size_t)1 << 20);
    struct column_range *ranges = ds_new(a, struct column_range, p->n_params + 1);
    if (!ranges)
        return;
    find_ranges(s->view->design, ranges, a);
    for (size_t i = 0; i < p->n_params; i++) {
        struct column_range r = ranges[i];
        char least[UNITS_NUMBER_BYTES], most[UNITS_NUMBER_BYTES];
        (void)buf_printf(out, "%s%-12.*s ", i ? "            " : "parameters  ",
                         DS_FMT(p->params[i].name));
        if (p->params[i].is_number && isfinite(r.least)) {
            (void)units_format_number(r.least, least);
            (void)units_format_number(r.most, most);
            (void)buf_printf(out, "%s .. %s\n", least, most);
        } else {
            (void)buf_printf(out, "%s\n", p->params[i].is_files ? "files" : "text");
        }
    }
}

static void put_cases(const struct session *s, struct ds_buf *out)
{
    const struct census *c = &s->census;
    (void)buf_printf(out, "cases       %u new, %u to be tried again, %u done, %u finally failed",
                     c->n_new, c->n_outstanding, c->n_done, c->n_failed);
    if (c->n_lacking > 0)
        (void)buf_printf(out, ", %u lack files that results.keep asks for (--refill or --accept)",
                         c->n_lacking);
    if (c->n_no_fit > 0)
        (void)buf_printf(out, ", %u do not fit this machine", c->n_no_fit);
    (void)buf_put_char(out, '\n');
    if (c->n_distinct < s->view->plan->n_cases)
        (void)buf_printf(out, "            %u different simulations: equal rows run once\n",
                         c->n_distinct);
    if (c->n_orphaned > 0)
        (void)buf_printf(
            out, "            %u in the store are no longer in the plan (decksweep prune)\n",
            c->n_orphaned);
}

static void put_sizes(const struct session *s, bool explain, struct ds_buf *out)
{
    const struct plan *p = s->view->plan;
    char mem[UNITS_TEXT_BYTES];
    units_format_size(s->sizing.mem_bytes, mem);
    (void)buf_printf(out, "size        %u %s", p->ranks * p->threads,
                     p->ranks * p->threads == 1 ? "core" : "cores");
    if (p->ranks > 1 || p->threads > 1)
        (void)buf_printf(out, " (%u ranks x %u threads)", p->ranks, p->threads);
    (void)buf_printf(out, ", %s a case; %u at once on this machine\n",
                     s->sizing.mem_bytes ? mem : "unknown memory", s->slots.n);
    if (!explain)
        return;
    (void)buf_printf(out, "            memory: %s\n", s->sizing.why);
    if (s->sizing.source == SIZE_MODEL && s->view->model_words.len > 0)
        (void)buf_printf(out, "            %.*s\n", DS_FMT(s->view->model_words));
    (void)buf_put_text(out, "            slots: ");
    slots_why(&s->slots, out);
    (void)buf_put_char(out, '\n');
    for (uint32_t i = 0; i < s->slots.n && i < 16; i++) {
        char cpus[CPUSET_TEXT_BYTES];
        cpuset_format(&s->slots.at[i].cpus, cpus);
        (void)buf_printf(out, "            slot %u: CPUs %s, %.*s\n", i, cpus,
                         DS_FMT(s->slots.at[i].why));
    }
    (void)buf_printf(out, "            machine: %u PUs (%.*s), memory %.*s\n", s->topology.n_pus,
                     DS_FMT(s->topology.cpu_why), DS_FMT(s->topology.mem_why));
    uint32_t left = s->census.n_new + s->census.n_outstanding;
    uint32_t ranks = size_best_ranks(p, left, s->capacity.cores);
    if (ranks != p->ranks)
        (void)buf_printf(
            out, "            ranks: %u would finish sooner than %u (it changes results and ids)\n",
            ranks, p->ranks);
}

static void put_estimate(const struct session *s, struct ds_buf *out)
{
    uint32_t left = s->census.n_new + s->census.n_outstanding;
    uint64_t ms = size_sweep_ms(&s->sizing, left, s->slots.n);
    char time[UNITS_TEXT_BYTES], disk[UNITS_TEXT_BYTES], scratch[UNITS_TEXT_BYTES];
    units_format_duration((int64_t)ms, time);
    units_format_size(s->sizing.store_bytes * left, disk);
    units_format_size(s->sizing.scratch_bytes * s->slots.n, scratch);
    const char *cases = left == 1 ? "case" : "cases";
    (void)buf_put_text(out, "estimate    ");
    if (left == 0) {
        (void)buf_put_text(out, "nothing is left to run\n");
        return;
    }
    if (ms > 0)
        (void)buf_printf(out, "about %s for %u %s (%s)", time, left, cases, s->sizing.why_time);
    else
        (void)buf_printf(out, "%u %s, time unknown until some have run", left, cases);
    if (s->sizing.store_bytes > 0)
        (void)buf_printf(out, "; about %s in the store", disk);
    (void)buf_printf(out, ", %s of scratch\n", scratch);
}

static void put_trims(const struct session *s, bool explain, struct ds_buf *out)
{
    const struct plan *p = s->view->plan;
    if (p->n_trims == 0)
        return;
    (void)buf_printf(
        out, "trim        %zu %s only for restart files, which results.keep does not keep\n",
        p->n_trims, p->n_trims == 1 ? "line asks" : "lines ask");
    size_t shown = explain || p->n_trims <= TRIMS_SHOWN ? p->n_trims : TRIMS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        (void)buf_printf(out, "            %.*s:%u: %.*s\n", DS_FMT(p->trims[i].path),
                         p->trims[i].line, DS_FMT(ds_span_trim(p->trims[i].was)));
    if (shown < p->n_trims)
        (void)buf_printf(out, "            and %zu more (--explain)\n", p->n_trims - shown);
}

static void put_deck(const struct session *s, bool explain, struct ds_buf *out)
{
    const struct plan *p = s->view->plan;
    const struct closure *c = s->view->closure;
    char bytes[UNITS_TEXT_BYTES];
    units_format_size(s->view->bundle_bytes, bytes);
    (void)buf_printf(out, "deck        %.*s%.*s, %zu %s, %s; %llu active cells, %u report steps\n",
                     DS_FMT(p->deck_dir), DS_FMT(p->deck_name), c->n_files,
                     c->n_files == 1 ? "file" : "files", bytes,
                     (unsigned long long)p->features.active_cells, p->features.n_report_steps);
    for (size_t i = 0; i < p->n_rewritten; i++)
        (void)buf_printf(out, "            rewritten %.*s\n", DS_FMT(p->rewritten[i]));
    for (size_t i = 0; explain && i < c->n_files; i++)
        (void)buf_printf(out, "            %.*s (%.12s)\n", DS_FMT(c->files[i].bundle_path),
                         c->files[i].sha256);
}

void plan_show_text(const struct session *s, bool explain, struct ds_buf *out)
{
    const struct plan *p = s->view->plan;
    const struct sweep *w = s->view->sweep;
    (void)buf_printf(out, "sweep       %.*s: %u %s by %s", DS_FMT(p->name), p->n_cases,
                     p->n_cases == 1 ? "case" : "cases", design_method_name(p->method));
    bool sampled = p->method == DESIGN_LATIN_HYPERCUBE || p->method == DESIGN_SOBOL
                   || p->method == DESIGN_MONTE_CARLO;
    if (sampled)
        (void)buf_printf(out, ", seed %llu", (unsigned long long)w->seed);
    if (sampled && w->where.len > 0 && w->samples > p->n_cases)
        (void)buf_printf(out, "; `where` leaves out %u of %u", w->samples - p->n_cases, w->samples);
    (void)buf_put_char(out, '\n');
    put_deck(s, explain, out);
    (void)buf_printf(out, "simulator   %.*s %.*s, judged as %s\n", DS_FMT(p->simulator),
                     DS_FMT(p->simulator_version), judge_kind_name(p->judge));
    put_parameters(s, out);
    (void)buf_printf(out, "store       %s/%s\n", s->store_url, s->prefix);
    put_cases(s, out);
    put_sizes(s, explain, out);
    put_estimate(s, out);
    put_trims(s, explain, out);
    if (p->method == DESIGN_LATIN_HYPERCUBE && s->census.n_orphaned > 0)
        (void)buf_put_text(
            out,
            "note        latin-hypercube samples anew when samples changes: no case of the old "
            "number is reused (sobol and monte-carlo keep theirs)\n");
    if (explain)
        (void)buf_printf(out, "identity    base %.16s, plan %s\n", p->base_digest, s->view->digest);
}

static void put_json_trims(const struct plan *p, struct json_writer *w)
{
    jw_key(w, "trim");
    jw_array(w);
    for (size_t i = 0; i < p->n_trims; i++) {
        jw_object(w);
        jw_kv_u64(w, "line", p->trims[i].line);
        jw_kv_text(w, "path", p->trims[i].path);
        jw_kv_text(w, "was", p->trims[i].was);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void put_json_list(struct json_writer *w, const char *key, const struct ds_span *texts,
                          size_t n)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_text(w, texts[i]);
    jw_end_array(w);
}

static void put_json_counts(const struct census *c, struct json_writer *w)
{
    jw_key(w, "counts");
    jw_object(w);
    jw_kv_u64(w, "does_not_fit", c->n_no_fit);
    jw_kv_u64(w, "done", c->n_done);
    jw_kv_u64(w, "failed", c->n_failed);
    jw_kv_u64(w, "lacking", c->n_lacking);
    jw_kv_u64(w, "new", c->n_new);
    jw_kv_u64(w, "orphaned", c->n_orphaned);
    jw_kv_u64(w, "outstanding", c->n_outstanding);
    jw_end_object(w);
}

void plan_show_json(const struct session *s, struct ds_buf *out)
{
    const struct plan *p = s->view->plan;
    uint32_t left = s->census.n_new + s->census.n_outstanding;
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "base_digest", p->base_digest);
    jw_kv_u64(&w, "cases", p->n_cases);
    put_json_counts(&s->census, &w);
    jw_kv_text(&w, "deck", p->deck_name);
    jw_kv_u64(&w, "distinct", s->census.n_distinct);
    jw_kv_u64(&w, "estimate_disk_bytes", s->sizing.store_bytes * left);
    jw_kv_u64(&w, "estimate_ms", size_sweep_ms(&s->sizing, left, s->slots.n));
    jw_kv_u64(&w, "mem_bytes", s->sizing.mem_bytes);
    jw_kv_cstr(&w, "mem_why", s->sizing.why);
    put_json_list(&w, "notes", p->rewritten, p->n_rewritten);
    jw_key(&w, "parameters");
    jw_array(&w);
    for (size_t i = 0; i < p->n_params; i++)
        jw_text(&w, p->params[i].name);
    jw_end_array(&w);
    jw_kv_cstr(&w, "plan", s->view->digest);
    jw_kv_u64(&w, "scratch_bytes", s->sizing.scratch_bytes * s->slots.n);
    jw_kv_text(&w, "simulator", p->simulator);
    jw_kv_text(&w, "simulator_version", p->simulator_version);
    jw_kv_u64(&w, "slots", s->slots.n);
    jw_kv_text(&w, "sweep", p->name);
    put_json_trims(p, &w);
    put_json_list(&w, "warnings", s->view->warnings, s->view->n_warnings);
    jw_end_object(&w);
    (void)buf_put_char(out, '\n');
}
