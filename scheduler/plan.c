/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/plan.h"

#include "base/path.h"
#include "base/sha256.h"
#include "deck/features.h"
#include "deck/trim.h"

#include <stdlib.h>

const struct ds_span PLAN_BUILT_IN[3] = {{"IENS", 4}, {"REAL", 4}, {"ITER", 4}};

/* Everything plan_assemble's steps hand on. */
struct assembly {
    const struct plan_input *in;
    struct ds_arena *a;
    struct plan_result *out;
    struct sweep_problems *sweep_problems;
    struct deck_problems *deck_problems;
    const struct ds_span *names; /* parameters, then PLAN_BUILT_IN */
    size_t n_names;
    bool *used; /* by name: stands in the deck */
    struct template_use *uses;
    size_t n_uses;
    struct ds_span *warnings;
};

static int too_big(struct ds_err *err)
{
    return ds_fail(err, DS_ETOOBIG, "the plan does not fit in memory's bound");
}

static void warn(struct assembly *s, struct ds_span text)
{
    if (text.ptr && s->out->n_warnings < PLAN_MAX_WARNINGS)
        s->warnings[s->out->n_warnings++] = text;
}

/* ---- placeholders and parameters ---- */

static bool is_declared(const struct ds_span *names, size_t n, struct ds_span name)
{
    for (size_t i = 0; i < n; i++)
        if (ds_span_eq(names[i], name))
            return true;
    return false;
}

static int find_placeholders(struct assembly *s, struct ds_err *err)
{
    const struct sweep *w = s->in->sweep;
    const struct ds_span *columns = NULL; /* of a table: need no entry under spec.parameters */
    size_t n_columns =
        w->method == DESIGN_TABLE ? design_table_names(s->in->table_text, s->a, &columns) : 0;
    size_t room = w->n_params + DS_COUNT(PLAN_BUILT_IN) + n_columns;
    struct ds_span *names = ds_new(s->a, struct ds_span, room);
    s->used = ds_new(s->a, bool, room);
    if (!names || !s->used)
        return too_big(err);
    size_t n = 0;
    for (size_t i = 0; i < w->n_params; i++)
        names[n++] = w->params[i].name;
    for (size_t i = 0; i < DS_COUNT(PLAN_BUILT_IN); i++)
        names[n++] = PLAN_BUILT_IN[i];
    for (size_t i = 0; i < n_columns; i++)
        if (!is_declared(names, n, columns[i]))
            names[n++] = columns[i];
    s->names = names;
    s->n_names = n;
    return template_check(s->in->closure, names, n, s->used, s->a, &s->uses, &s->n_uses,
                          s->deck_problems, err);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does name stand as a whole word in text? */
static bool has_word(struct ds_span text, struct ds_span name)
{
    for (size_t i = 0; i + name.len <= text.len; i++) {
        bool left = i == 0 || !is_word_char(text.ptr[i - 1]);
        bool right = i + name.len == text.len || !is_word_char(text.ptr[i + name.len]);
        if (left && right && memcmp(text.ptr + i, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

static bool used_in_args(const struct ds_span *args, size_t n, struct ds_span name,
                         struct ds_arena *a)
{
    struct ds_span slot = arena_format(a, "<%.*s>", DS_FMT(name));
    for (size_t i = 0; i < n && slot.ptr; i++)
        for (size_t k = 0; k + slot.len <= args[i].len; k++)
            if (memcmp(args[i].ptr + k, slot.ptr, slot.len) == 0)
                return true;
    return false;
}

static bool used_elsewhere(const struct assembly *s, struct ds_span name)
{
    const struct sweep *w = s->in->sweep;
    if (has_word(w->where, name) || used_in_args(w->args, w->n_args, name, s->a)
        || used_in_args(w->command, w->n_command, name, s->a)
        || used_in_args(w->not_converged_args, w->n_not_converged_args, name, s->a))
        return true;
    for (size_t i = 0; i < w->n_params; i++)
        if (w->params[i].kind == PARAM_EXPRESSION && has_word(w->params[i].expression, name))
            return true;
    return false;
}

static void check_unused(struct assembly *s)
{
    const struct sweep *w = s->in->sweep;
    for (size_t i = 0; i < w->n_params; i++) {
        const struct sweep_param *p = &w->params[i];
        if (s->used[i] || used_elsewhere(s, p->name))
            continue;
        sweep_problem_add(
            s->sweep_problems, (struct ds_span){"", 0}, p->pos,
            "spec.parameters.%.*s: stands nowhere in the deck; write <%.*s> where its "
            "value belongs (a comment does not count), or remove the parameter",
            DS_FMT(p->name), DS_FMT(p->name));
    }
}

/* ---- what the deck asks for ---- */

static int read_features(struct assembly *s, struct ds_err *err)
{
    struct plan *p = &s->out->plan;
    const struct sweep *w = s->in->sweep;
    int rc =
        features_read(s->in->closure, s->a, &p->features, &s->out->title, s->deck_problems, err);
    if (rc < 0)
        return rc;
    if (w->preset_flow) {
        s->out->model_mem_bytes = features_memory_bytes(&p->features, w->ranks);
        s->out->model_words = features_memory_words(&p->features, w->ranks, s->a);
    }
    struct ds_span restart = arena_format(s->a, "%.*s.UNRST", DS_FMT(s->in->closure->case_root));
    p->trim =
        w->trim == TRIM_AUTO && w->preset_flow && restart.ptr && !keep_wants(&w->keep, restart);
    if (p->trim) {
        struct trim_edit *edits;
        rc = trim_find(s->in->closure, s->a, &edits, &p->n_trims, err);
        if (rc < 0)
            return rc;
        p->trims = edits;
        p->features.writes_restart = false;
    }
    return 0;
}

static void check_vectors(struct assembly *s)
{
    const struct sweep_collect *c = &s->in->sweep->collect;
    for (size_t i = 0; i < c->n_vectors; i++)
        if (!features_summary_can(s->in->closure, c->vectors[i]))
            warn(s, arena_format(
                        s->a,
                        "spec.collect.vectors: the SUMMARY section of %.*s asks for nothing that "
                        "'%.*s' matches; add the keyword there, or no case will have it",
                        DS_FMT(s->in->closure->deck_name), DS_FMT(c->vectors[i])));
}

static int compare_spans(const void *a, const void *b)
{
    const struct ds_span *x = a, *y = b;
    return ds_span_compare(*x, *y);
}

/* Bundle paths of the files that are rendered, sorted, once each. */
static int list_templates(struct assembly *s, struct ds_err *err)
{
    struct ds_span *paths = ds_new(s->a, struct ds_span, s->n_uses + 1);
    size_t n = 0, kept = 0;
    if (!paths)
        return too_big(err);
    for (size_t i = 0; i < s->n_uses; i++)
        if (i == 0 || s->uses[i].file != s->uses[i - 1].file)
            paths[n++] = s->in->closure->files[s->uses[i].file].bundle_path;
    qsort(paths, n, sizeof *paths, compare_spans);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !ds_span_eq(paths[i], paths[kept - 1]))
            paths[kept++] = paths[i];
    s->out->plan.templates = paths;
    s->out->plan.n_templates = kept;
    return 0;
}

static bool is_at_or_below(struct ds_span path, struct ds_span value)
{
    return path.len >= value.len && memcmp(path.ptr, value.ptr, value.len) == 0
           && (path.len == value.len || path.ptr[value.len] == '/');
}

/* A worker knows a value's files by their place: at or below the value's path. That is wrong
 * for a file that the deck also names in another way: by its plain name, or from the files of
 * another value. Such files go into every case, where they harm nobody. */
static bool is_for_all(const struct closure *c, const struct closure_file *f)
{
    bool below = false, elsewhere = f->is_common;
    for (size_t i = 0; i < f->n_owners; i++) {
        struct ds_span value = c->values[f->owners[i].param][f->owners[i].value].text;
        bool hit = is_at_or_below(f->digest_path, value);
        below |= hit;
        elsewhere |= !hit;
    }
    return below && elsewhere;
}

static int list_common_files(struct assembly *s, struct ds_err *err)
{
    const struct closure *c = s->in->closure;
    size_t n = 0;
    for (size_t i = 0; i < c->n_files; i++)
        n += is_for_all(c, &c->files[i]);
    struct ds_span *paths = ds_new(s->a, struct ds_span, n + 1);
    if (!paths)
        return too_big(err);
    s->out->plan.n_common_files = n;
    for (size_t i = 0, k = 0; i < c->n_files; i++)
        if (is_for_all(c, &c->files[i]))
            paths[k++] = c->files[i].bundle_path;
    qsort(paths, n, sizeof *paths, compare_spans);
    s->out->plan.common_files = paths;
    return 0;
}

/* ---- the cases ---- */

static int expand(struct assembly *s, struct ds_err *err)
{
    const struct sweep *w = s->in->sweep;
    struct design_files *files = ds_new(s->a, struct design_files, w->n_params + 1);
    size_t n = 0;
    if (!files)
        return too_big(err);
    for (size_t i = 0; i < w->n_params; i++) {
        if (w->params[i].kind != PARAM_FILES)
            continue;
        /* The closure kept the values in the order it was given them. */
        size_t n_values = w->params[i].count;
        struct ds_span *texts = ds_new(s->a, struct ds_span, n_values + 1);
        if (!texts)
            return too_big(err);
        for (size_t k = 0; k < n_values; k++)
            texts[k] = s->in->closure->values[n][k].text;
        files[n++] =
            (struct design_files){.param = w->params[i].name, .paths = texts, .n = n_values};
    }
    struct design_inputs in = {.table_text = s->in->table_text, .files = files, .n_files = n};
    return design_expand(w, &in, s->a, &s->out->table, s->sweep_problems, err);
}

static int64_t find_column(const struct design_table *t, struct ds_span name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (ds_span_eq(t->columns[i].name, name))
            return (int64_t)i;
    return -1;
}

static struct sweep_pos pos_of(const struct sweep *w, struct ds_span name)
{
    for (size_t i = 0; i < w->n_params; i++)
        if (ds_span_eq(w->params[i].name, name))
            return w->params[i].pos;
    return w->design_pos;
}

/* The first value of a column that may not stand in a slot is told; one is enough to act. */
static void check_use(struct assembly *s, const struct template_use *use)
{
    const struct design_table *t = &s->out->table;
    struct ds_span name = s->names[use->name];
    int64_t column = find_column(t, name);
    struct ds_err why;
    if (column < 0)
        return;
    for (uint32_t row = 0; row < t->n_rows; row++) {
        struct ds_span value = t->cells[row * t->n_columns + (size_t)column];
        if (template_check_value(&use->slot, value, &why) == 0)
            continue;
        struct ds_span file = s->in->closure->files[use->file].display;
        sweep_problem_add(s->sweep_problems, (struct ds_span){"", 0}, pos_of(s->in->sweep, name),
                          "spec.parameters.%.*s: case %u, at %.*s:%u:%u: %s", DS_FMT(name),
                          t->number[row], DS_FMT(file), use->slot.line, use->slot.column, why.text);
        return;
    }
}

static int compare_digests(const void *a, const void *b)
{
    const struct design_digest *x = a, *y = b;
    return ds_span_compare(x->path, y->path);
}

static int make_ids(struct assembly *s, struct case_id *ids, struct ds_err *err)
{
    const struct sweep *w = s->in->sweep;
    const struct closure *c = s->in->closure;
    struct plan *p = &s->out->plan;
    size_t n = 0, file_param = 0, room = 1;
    for (size_t i = 0; i < w->n_params; i++)
        room += w->params[i].kind == PARAM_FILES ? w->params[i].count : 0;
    struct design_digest *digests = ds_new(s->a, struct design_digest, room);
    if (!digests)
        return too_big(err);
    for (size_t i = 0; i < w->n_params; i++) {
        if (w->params[i].kind != PARAM_FILES)
            continue;
        for (size_t k = 0; k < w->params[i].count; k++) {
            const struct closure_value *v = &c->values[file_param][k];
            digests[n++] = (struct design_digest){v->text, ds_span_of(v->sha256)};
        }
        file_param++;
    }
    qsort(digests, n, sizeof *digests, compare_digests);
    struct case_identity shared = {.preset_flow = p->preset_flow,
                                   .command = p->command,
                                   .n_command = p->n_command,
                                   .args = p->args,
                                   .n_args = p->n_args,
                                   .version = p->simulator_version,
                                   .ranks = p->ranks};
    memcpy(shared.base_digest, c->base_digest, sizeof shared.base_digest);
    ds_auto_arena scratch = arena_create((size_t)1 << 30);
    int rc = design_make_ids(&s->out->table, &shared, digests, n, p->uses_case_number, scratch, ids,
                             err);
    if (rc == 0)
        p->n_distinct = case_id_count_distinct(ids, s->out->table.n_rows, scratch);
    return rc;
}

static int write_design(struct assembly *s, struct ds_err *err)
{
    struct plan *p = &s->out->plan;
    struct case_id *ids = ds_new(s->a, struct case_id, s->out->table.n_rows);
    if (!ids)
        return too_big(err);
    int rc = make_ids(s, ids, err);
    rc = rc < 0 ? rc : design_write_csv(&s->out->table, ids, s->out->design_csv, err);
    if (rc < 0)
        return rc;
    sha256_of(s->out->design_csv->data, s->out->design_csv->len, p->design_sha256);
    p->design_key = arena_format(s->a, "design.%.16s.csv", p->design_sha256);
    p->n_cases = s->out->table.n_rows;
    return 0;
}

/* ---- the plan itself ---- */

/* Content of the whole bundle: another compression level or tar gives the same key. */
static void bundle_digest(const struct closure *c, char hex[65])
{
    struct sha256 *h = sha256_create();
    for (size_t i = 0; i < c->n_files; i++) {
        sha256_add(h, c->files[i].bundle_path.ptr, c->files[i].bundle_path.len);
        sha256_add(h, "", 1);
        sha256_add(h, c->files[i].sha256, 64);
        sha256_add(h, "\n", 1);
    }
    sha256_end(h, hex);
    sha256_destroy(h);
}

static int fill_columns(struct assembly *s, struct ds_err *err)
{
    const struct design_table *t = &s->out->table;
    struct plan_param *params = ds_new(s->a, struct plan_param, t->n_columns + 1);
    if (!params)
        return too_big(err);
    for (size_t i = 0; i < t->n_columns; i++)
        params[i] = (struct plan_param){.name = t->columns[i].name,
                                        .is_number = t->columns[i].is_number,
                                        .is_files = t->columns[i].is_files,
                                        .in_id = true};
    s->out->plan.params = params;
    s->out->plan.n_params = t->n_columns;
    return 0;
}

static void fill_from_sweep(struct assembly *s)
{
    const struct sweep *w = s->in->sweep;
    const struct closure *c = s->in->closure;
    struct plan *p = &s->out->plan;
    p->name = w->name;
    p->deck_name = c->deck_name;
    p->deck_dir = c->deck_dir;
    p->case_root = c->case_root;
    memcpy(p->base_digest, c->base_digest, sizeof p->base_digest);
    p->method = w->method;
    p->preset_flow = w->preset_flow;
    p->command = w->command;
    p->n_command = w->n_command;
    p->args = w->args;
    p->n_args = w->n_args;
    p->judge = w->judge;
    p->simulator = s->in->simulator;
    p->simulator_version = s->in->simulator_version;
    p->wall_ms = w->wall_ms;
    p->memory_bytes = w->memory_bytes;
    p->ranks = w->ranks;
    p->threads = w->threads;
    p->pilot = w->pilot;
    memcpy(p->retries, w->retries, sizeof p->retries);
    p->not_converged_args = w->not_converged_args;
    p->n_not_converged_args = w->n_not_converged_args;
    p->keep = w->keep;
    p->compression = w->compression;
    p->rewritten = c->rewritten;
    p->n_rewritten = c->n_rewritten;
    for (size_t i = 0; i < 2; i++) /* IENS, REAL: the number itself */
        p->uses_case_number |= s->used[w->n_params + i] || used_elsewhere(s, PLAN_BUILT_IN[i]);
    char hex[65];
    bundle_digest(c, hex);
    p->bundle_key = arena_format(s->a, "bundle.%.16s.tar.zst", hex);
}

static int check_faults(struct assembly *s, struct ds_err *err)
{
    int rc = deck_problems_check(s->deck_problems, err);
    if (rc < 0)
        return rc;
    if (s->sweep_problems->n > 0)
        return ds_fail(err, DS_EINPUT, "%s", s->sweep_problems->at[0].text);
    return 0;
}

int plan_assemble(const struct plan_input *in, struct ds_arena *a, struct plan_result *out,
                  struct sweep_problems *sweep_problems, struct deck_problems *deck_problems,
                  struct ds_err *err)
{
    struct assembly s = {.in = in,
                         .a = a,
                         .out = out,
                         .sweep_problems = sweep_problems,
                         .deck_problems = deck_problems,
                         .warnings = ds_new(a, struct ds_span, PLAN_MAX_WARNINGS)};
    if (!s.warnings)
        return too_big(err);
    out->plan = (struct plan){0};
    out->warnings = s.warnings;
    out->n_warnings = 0;
    /* Placeholders, features and cases are all looked at before faults are told, so that
     * one run shows them all. */
    int placeholders = find_placeholders(&s, err);
    if (placeholders < 0 && placeholders != DS_EINPUT)
        return placeholders;
    check_unused(&s);
    int rc = read_features(&s, err);
    if (rc < 0 && rc != DS_EINPUT)
        return rc;
    rc = expand(&s, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s.n_uses && placeholders == 0; i++)
        check_use(&s, &s.uses[i]);
    rc = check_faults(&s, err);
    if (rc < 0)
        return rc;
    check_vectors(&s);
    fill_from_sweep(&s);
    rc = list_templates(&s, err);
    rc = rc < 0 ? rc : list_common_files(&s, err);
    rc = rc < 0 ? rc : fill_columns(&s, err);
    rc = rc < 0 ? rc : write_design(&s, err);
    rc = rc < 0 ? rc : plan_encode(&out->plan, out->plan_json, err);
    if (rc == 0)
        plan_digest(buf_span(out->plan_json), out->digest);
    return rc;
}
