/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/plan_io.h"

#include "base/fs_io.h"
#include "base/path.h"
#include "deck/deck_files_io.h"
#include "scheduler/plan.h"
#include "scheduler/simulator_io.h"

#include <glob.h>
#include <stdlib.h>

#define PLAN_ARENA_BYTES ((size_t)8 << 30)
#define MAX_FILE_MATCHES 100000u

struct planned {
    struct ds_arena *a;
    struct deck_files *files;
    struct sweep sweep;
    struct sweep_param *params; /* the sweep's, with the counts of files filled in */
    struct closure closure;
    struct plan_result result;
    struct design design;
    struct ds_buf design_csv, plan_json;
    struct sweep_problems sweep_problems;
    struct deck_problems deck_problems;
    struct planned_view view;
    struct ds_span path;
    struct ds_span root;              /* of an unpacked bundle; "" none */
    const struct bundle_paths *paths; /* what the sweep file means there; NULL: its own paths */
    bool unasked;                     /* the simulator is elsewhere */
    int asked;                        /* of the simulator: name and version, or why not */
    struct ds_err asked_err;
    struct ds_span simulator, simulator_version;
};

void planned_destroy(struct planned *p)
{
    if (!p)
        return;
    buf_clear(&p->design_csv);
    buf_clear(&p->plan_json);
    deck_files_destroy(p->files);
    arena_destroy(p->a);
    free(p);
}

const struct planned_view *planned_view(const struct planned *p)
{
    return &p->view;
}

/* ---- files that the sweep names ---- */

static int compare_texts(const void *a, const void *b)
{
    return ds_span_compare(ds_span_of(*(char *const *)a), ds_span_of(*(char *const *)b));
}

/* A folder's name as glob takes it: [ and its like stand for themselves. */
static struct ds_span quote_for_glob(struct ds_arena *a, struct ds_span folder)
{
    static const char SIGNS[] = {'*', '?', '[', '\\'};
    char *out = ds_new(a, char, 2 * folder.len + 1);
    size_t n = 0;
    if (!out)
        return (struct ds_span){NULL, 0};
    for (size_t i = 0; i < folder.len; i++) {
        if (memchr(SIGNS, folder.ptr[i], sizeof SIGNS))
            out[n++] = '\\';
        out[n++] = folder.ptr[i];
    }
    return (struct ds_span){out, n};
}

static int take_bundled(struct planned *p, const struct sweep_param *param,
                        struct deck_files_param *out, struct ds_err *err)
{
    const struct bundle_param *found = bundle_paths_find(p->paths, param->name);
    if (!found) {
        sweep_problem_add(&p->sweep_problems, (struct ds_span){"", 0}, param->pos,
                          "spec.parameters.%.*s.files: the deck that was brought has no files for "
                          "it; submit the sweep again",
                          DS_FMT(param->name));
        return DS_EINPUT;
    }
    struct ds_span *paths = ds_new(p->a, struct ds_span, found->n_paths);
    for (size_t i = 0; paths && i < found->n_paths; i++) {
        paths[i] = path_join(p->a, p->root, found->paths[i]);
        if (!paths[i].ptr)
            paths = NULL;
    }
    if (!paths)
        return ds_fail(err, DS_ETOOBIG, "%.*s: its files do not fit", DS_FMT(param->name));
    *out =
        (struct deck_files_param){.name = param->name, .paths = paths, .n_paths = found->n_paths};
    return 0;
}

static int match_files(struct planned *p, const struct sweep_param *param,
                       struct deck_files_param *out, struct ds_err *err)
{
    if (p->paths)
        return take_bundled(p, param, out, err);
    struct ds_span folder = quote_for_glob(p->a, p->sweep.dir), pattern = {NULL, 0};
    glob_t found = {0};
    if (folder.ptr)
        pattern = path_join(p->a, folder, param->files);
    if (!pattern.ptr)
        return ds_fail(err, DS_ETOOBIG, "%.*s: name too long", DS_FMT(param->files));
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): only GLOB_TILDE would be */
    int rc = glob(pattern.ptr, GLOB_NOSORT, NULL, &found);
    if (rc == GLOB_NOMATCH || found.gl_pathc == 0) {
        globfree(&found);
        sweep_problem_add(&p->sweep_problems, (struct ds_span){"", 0}, param->pos,
                          "spec.parameters.%.*s.files: nothing matches '%.*s'", DS_FMT(param->name),
                          DS_FMT(pattern));
        return DS_EINPUT;
    }
    struct ds_span *paths = ds_new(p->a, struct ds_span, found.gl_pathc);
    bool fits = rc == 0 && paths && found.gl_pathc <= MAX_FILE_MATCHES;
    if (fits)
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_texts);
    for (size_t i = 0; fits && i < found.gl_pathc; i++) {
        paths[i] = arena_copy(p->a, ds_span_of(found.gl_pathv[i]));
        fits = paths[i].ptr != NULL;
    }
    size_t n = found.gl_pathc;
    globfree(&found);
    if (!fits)
        return ds_fail(err, DS_EIO, "%.*s: cannot list its matches (at most %u)", DS_FMT(pattern),
                       MAX_FILE_MATCHES);
    *out = (struct deck_files_param){.name = param->name, .paths = paths, .n_paths = n};
    return 0;
}

/* Parameters that move together have the number of the one they move with. */
static uint32_t group_of(const struct sweep *w, size_t at)
{
    for (size_t hops = 0; hops < w->n_params && w->params[at].with.len > 0; hops++)
        for (size_t k = 0; k < w->n_params; k++)
            if (ds_span_eq(w->params[k].name, w->params[at].with)) {
                at = k;
                break;
            }
    return (uint32_t)at;
}

static int match_all_files(struct planned *p, struct deck_files_param *files, size_t *n_files,
                           struct ds_err *err)
{
    int result = 0;
    size_t n = 0;
    for (size_t i = 0; i < p->sweep.n_params; i++) {
        struct sweep_param *param = &p->params[i];
        if (param->kind != PARAM_FILES)
            continue;
        int rc = match_files(p, param, &files[n], err);
        if (rc < 0 && rc != DS_EINPUT)
            return rc;
        if (rc < 0) {
            result = rc;
            continue;
        }
        files[n].group = group_of(&p->sweep, i);
        param->count = (uint32_t)files[n].n_paths;
        n++;
    }
    *n_files = n;
    return result;
}

static int read_table(struct planned *p, struct ds_span *text, struct ds_err *err)
{
    *text = (struct ds_span){"", 0};
    if (p->sweep.table_file.len == 0)
        return 0;
    struct ds_span path = path_join(p->a, p->sweep.dir, p->sweep.table_file);
    struct ds_err why = {0};
    if (!path.ptr)
        return ds_fail(err, DS_ETOOBIG, "name too long");
    if (fs_read_file(path.ptr, DESIGN_MAX_TABLE_BYTES, p->a, text, &why) == 0)
        return 0;
    sweep_problem_add(&p->sweep_problems, (struct ds_span){"", 0}, p->sweep.table_pos,
                      "spec.design.file: %s", why.text);
    return DS_EINPUT;
}

/* ---- the simulator ---- */

static int ask_simulator(struct planned *p, struct ds_span *name, struct ds_span *version,
                         struct ds_err *err)
{
    const struct sweep *w = &p->sweep;
    struct ds_span word = w->preset_flow ? DS_SPAN("flow") : w->command[0];
    if (p->unasked) {
        *name = w->preset_flow ? word : path_base(word);
        *version = w->version_pin;
        return 0;
    }
    int rc = simulator_find(word, p->a, &p->view.simulator_path, err);
    if (rc < 0)
        return rc;
    *name = w->preset_flow ? word : path_base(word);
    *version = w->version_pin;
    if (!w->preset_flow)
        return 0;
    rc = simulator_ask_version(p->view.simulator_path, p->a, version, err);
    if (rc == 0 && w->version_pin.len > 0 && !ds_span_eq(*version, w->version_pin))
        return ds_fail(
            err, DS_ESIMULATOR,
            "spec.simulator.version asks for %.*s, but %.*s is %.*s; install that version or "
            "change the pin (its cases get new ids)",
            DS_FMT(w->version_pin), DS_FMT(p->view.simulator_path), DS_FMT(*version));
    return rc;
}

/* ---- faults and warnings for people ---- */

/* A copy without the folder that a bundle was unpacked in: nobody knows that. */
static struct ds_span fault_text(struct planned *p, struct ds_span text)
{
    char *out = arena_cstr(p->a, text);
    size_t n = 0;
    if (!out)
        return DS_SPAN("(no memory for this fault)");
    for (size_t i = 0; i < text.len;) {
        bool here = p->root.len > 0 && text.len - i > p->root.len
                    && memcmp(text.ptr + i, p->root.ptr, p->root.len) == 0
                    && text.ptr[i + p->root.len] == '/';
        if (here)
            i += p->root.len + 1;
        else
            out[n++] = text.ptr[i++];
    }
    return (struct ds_span){out, n};
}

static int give_faults(struct planned *p, struct plan_faults *faults, struct ds_err *err)
{
    size_t n = 0, room = p->sweep_problems.n + p->deck_problems.n + 1;
    struct ds_span *texts = ds_new(p->a, struct ds_span, room);
    for (size_t i = 0; texts && i < p->sweep_problems.n; i++) {
        const struct sweep_problem *problem = &p->sweep_problems.at[i];
        char text[SWEEP_PROBLEM_BYTES];
        sweep_problem_format(p->path, problem, text);
        /* lines of the API server's object are nobody's */
        bool placed = p->root.len == 0 || problem->file.len > 0;
        texts[n++] = fault_text(p, ds_span_of(placed ? text : problem->text));
    }
    for (size_t i = 0; texts && i < p->deck_problems.n; i++)
        if (!p->deck_problems.at[i].is_warning)
            texts[n++] = fault_text(p, ds_span_of(p->deck_problems.at[i].text));
    *faults = (struct plan_faults){texts, n, p->sweep_problems.more + p->deck_problems.more};
    if (n == 0)
        return DS_EINPUT; /* err says it */
    return ds_fail(err, DS_EINPUT, "%.*s", DS_FMT(texts[0]));
}

static void give_warnings(struct planned *p)
{
    const struct plan_result *r = &p->result;
    struct ds_span *texts = ds_new(p->a, struct ds_span, r->n_warnings + p->deck_problems.n + 1);
    size_t n = 0;
    for (size_t i = 0; texts && i < p->deck_problems.n; i++)
        if (p->deck_problems.at[i].is_warning)
            texts[n++] = ds_span_of(p->deck_problems.at[i].text);
    for (size_t i = 0; texts && i < r->n_warnings; i++)
        texts[n++] = r->warnings[i];
    p->view.warnings = texts;
    p->view.n_warnings = n;
}

/* ---- the way from file to plan ---- */

static int scan_deck(struct planned *p, const struct deck_files_param *files, size_t n_files,
                     struct ds_err *err)
{
    size_t n = 0;
    struct ds_span *names =
        ds_new(p->a, struct ds_span, p->sweep.n_params + DS_COUNT(PLAN_BUILT_IN));
    if (!names)
        return ds_fail(err, DS_ETOOBIG, "names do not fit");
    for (size_t i = 0; i < p->sweep.n_params; i++)
        names[n++] = p->sweep.params[i].name;
    for (size_t i = 0; i < DS_COUNT(PLAN_BUILT_IN); i++)
        names[n++] = PLAN_BUILT_IN[i];
    /* asked before the deck is read, because it decides what a deck may hold; what is wrong
     * with the simulator is told when the deck is right */
    p->asked = ask_simulator(p, &p->simulator, &p->simulator_version, &p->asked_err);
    struct ds_span flow =
        p->asked == 0 && p->sweep.preset_flow ? p->simulator_version : (struct ds_span){"", 0};
    struct closure_request request = {.deck_path = path_join(p->a, p->sweep.dir, p->sweep.deck),
                                      .flow_version = flow,
                                      .reader = deck_files_reader(p->files),
                                      .params = files,
                                      .n_params = n_files,
                                      .names = names,
                                      .n_names = n};
    int rc = closure_scan(&request, p->a, &p->closure, &p->deck_problems, err);
    if ((rc == DS_ENOTFOUND || rc == DS_EDENIED || rc == DS_EIO)
        && p->deck_problems.n_errors == 0) {
        sweep_problem_add(&p->sweep_problems, (struct ds_span){"", 0}, p->sweep.deck_pos,
                          "spec.deck: %s", err ? err->text : "cannot be read");
        return DS_EINPUT;
    }
    return rc;
}

static int assemble(struct planned *p, struct ds_span table, struct ds_err *err)
{
    if (p->asked < 0)
        return ds_fail(err, (enum ds_code)p->asked, "%s", p->asked_err.text);
    struct plan_input in = {.sweep = &p->sweep,
                            .closure = &p->closure,
                            .table_text = table,
                            .simulator = p->simulator,
                            .simulator_version = p->simulator_version};
    p->result.design_csv = &p->design_csv;
    p->result.plan_json = &p->plan_json;
    int rc = plan_assemble(&in, p->a, &p->result, &p->sweep_problems, &p->deck_problems, err);
    if (rc < 0)
        return rc;
    return design_decode(buf_span(&p->design_csv), p->a, &p->design, err);
}

/* A path of the sweep file that starts at an unpacked bundle must stay there. */
static void check_inside(struct planned *p, struct ds_span path, struct sweep_pos pos,
                         const char *key, struct ds_span param)
{
    struct ds_span normal = path_normalise(p->a, path);
    if (!normal.ptr || !path_is_safe_member(normal))
        sweep_problem_add(
            &p->sweep_problems, (struct ds_span){"", 0}, pos,
            "%s%.*s: '%.*s' leaves the deck's bundle; in a cluster paths start there, "
            "and only what was brought is read",
            key, DS_FMT(param), (int)(path.len < 200 ? path.len : 200), path.ptr);
}

/* Deck, table and files from the bundle instead of the sweep file's folder. */
static int place_in_bundle(struct planned *p, struct ds_err *err)
{
    struct sweep *w = &p->sweep;
    if (p->root.len == 0)
        return 0;
    if (!deck_files_confine(p->files, p->root.ptr))
        return ds_fail(err, DS_ETOOBIG, "%.*s: name too long", DS_FMT(p->root));
    w->dir = p->root;
    if (p->paths) {
        w->deck = arena_copy(p->a, p->paths->deck);
        if (w->table_file.len > 0 && p->paths->table.len == 0)
            sweep_problem_add(&p->sweep_problems, (struct ds_span){"", 0}, w->table_pos,
                              "spec.design.file: the deck that was brought has no table; submit "
                              "the sweep again");
        if (w->table_file.len > 0)
            w->table_file = arena_copy(p->a, p->paths->table);
        if (!w->deck.ptr || !w->table_file.ptr)
            return ds_fail(err, DS_ETOOBIG, "names do not fit");
    } else {
        check_inside(p, w->deck, w->deck_pos, "spec.deck", DS_SPAN(""));
        if (w->table_file.len > 0)
            check_inside(p, w->table_file, w->table_pos, "spec.design.file", DS_SPAN(""));
        for (size_t i = 0; i < w->n_params; i++)
            if (w->params[i].kind == PARAM_FILES)
                check_inside(p, w->params[i].files, w->params[i].pos, "spec.parameters.",
                             w->params[i].name);
    }
    return p->sweep_problems.n > 0 ? DS_EINPUT : 0;
}

/* What was rewritten when the bundle was made stands in the plan. */
static int add_rewritten(struct planned *p, struct ds_err *err)
{
    struct closure *c = &p->closure;
    size_t n = p->paths ? p->paths->n_rewritten : 0;
    if (n == 0)
        return 0;
    struct ds_span *all = ds_new(p->a, struct ds_span, n + c->n_rewritten);
    for (size_t i = 0; all && i < n; i++)
        all[i] = arena_copy(p->a, p->paths->rewritten[i]);
    if (!all || !all[n - 1].ptr)
        return ds_fail(err, DS_ETOOBIG, "the plan does not fit in memory's bound");
    if (c->n_rewritten > 0)
        memcpy(all + n, c->rewritten, c->n_rewritten * sizeof *all);
    c->rewritten = all;
    c->n_rewritten += n;
    return 0;
}

static int load(struct planned *p, const char *path, struct ds_err *err)
{
    struct ds_span text, table;
    int rc = fs_read_file(path, SWEEP_MAX_FILE_BYTES, p->a, &text, err);
    if (rc < 0)
        return rc == DS_ETOOBIG
                   ? ds_fail(err, DS_EINPUT, "%s: more than 4 MiB is no sweep file", path)
                   : rc;
    p->view.sweep_text = text;
    rc = sweep_parse(ds_span_of(path), text, p->a, &p->sweep, &p->sweep_problems, err);
    if (rc < 0)
        return rc;
    p->params = ds_new(p->a, struct sweep_param, p->sweep.n_params + 1);
    struct deck_files_param *files = ds_new(p->a, struct deck_files_param, p->sweep.n_params + 1);
    if (!p->params || !files)
        return ds_fail(err, DS_ETOOBIG, "parameters do not fit");
    if (p->sweep.n_params > 0)
        memcpy(p->params, p->sweep.params, p->sweep.n_params * sizeof *p->params);
    p->sweep.params = p->params;
    rc = place_in_bundle(p, err);
    if (rc < 0)
        return rc;
    size_t n_files = 0;
    int matched = match_all_files(p, files, &n_files, err);
    int tabled = read_table(p, &table, err);
    if (matched < 0 || tabled < 0)
        return matched < 0 ? matched : tabled;
    p->view.table_text = table;
    rc = scan_deck(p, files, n_files, err);
    rc = rc < 0 ? rc : add_rewritten(p, err);
    return rc < 0 ? rc : assemble(p, table, err);
}

static void fill_view(struct planned *p)
{
    struct planned_view *v = &p->view;
    v->sweep = &p->sweep;
    v->closure = &p->closure;
    v->plan = &p->result.plan;
    v->plan_json = buf_span(&p->plan_json);
    memcpy(v->digest, p->result.digest, sizeof v->digest);
    v->design = &p->design;
    v->design_csv = buf_span(&p->design_csv);
    v->model_mem_bytes = p->result.model_mem_bytes;
    v->model_words = p->result.model_words;
    for (size_t i = 0; i < p->closure.n_files; i++)
        v->bundle_bytes += p->closure.files[i].size_bytes;
    give_warnings(p);
}

static int load_from(const char *path, const char *root, const struct bundle_paths *paths,
                     bool unasked, struct planned **out, struct plan_faults *faults,
                     struct ds_err *err)
{
    struct planned *p = calloc(1, sizeof *p);
    struct ds_err local = {0};
    if (!p)
        abort();
    p->a = arena_create(PLAN_ARENA_BYTES);
    p->files = deck_files_create();
    buf_init(&p->design_csv, DESIGN_MAX_BYTES);
    buf_init(&p->plan_json, PLAN_MAX_BYTES);
    p->path = arena_copy(p->a, ds_span_of(path));
    p->root = arena_copy(p->a, ds_span_of(root));
    p->paths = paths;
    p->unasked = unasked;
    *faults = (struct plan_faults){0};
    int rc = load(p, path, &local);
    if (rc == DS_EINPUT || (rc < 0 && p->sweep_problems.n + p->deck_problems.n_errors > 0)) {
        rc = give_faults(p, faults, &local);
        *out = p;
    } else if (rc < 0) {
        planned_destroy(p);
        *out = NULL;
    } else {
        fill_view(p);
        *out = p;
    }
    if (rc < 0 && err)
        *err = local;
    return rc;
}

int plan_load(const char *path, struct planned **out, struct plan_faults *faults,
              struct ds_err *err)
{
    return load_from(path, "", NULL, false, out, faults, err);
}

int plan_load_unasked(const char *path, struct planned **out, struct plan_faults *faults,
                      struct ds_err *err)
{
    return load_from(path, "", NULL, true, out, faults, err);
}

int plan_load_bundle(const char *path, const char *root, const struct bundle_paths *paths,
                     struct planned **out, struct plan_faults *faults, struct ds_err *err)
{
    return load_from(path, root, paths, false, out, faults, err);
}
