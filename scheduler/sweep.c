/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sweep file from text to struct: a walk over the table of keys, then the checks that
 * need several of them. Mappings wait in a queue, so that nothing recurses. */
#include "base/path.h"
#include "sweep_reader.h"

#include <stdio.h>

#define MAX_KEYS 100u

struct walk {
    struct sweep_reader *r;
    const struct sweep_key *keys;
    size_t n_keys;
    const struct yaml_node *seen[MAX_KEYS]; /* by key; null values count as absent */
};

/* Is `path` a child of `parent` ("" for the top)? Its last word, or {NULL, 0}. */
static struct ds_span child_word(const char *path, const char *parent)
{
    size_t n = strlen(parent);
    if (n > 0 && (strncmp(path, parent, n) != 0 || path[n] != '.'))
        return (struct ds_span){NULL, 0};
    const char *word = path + (n > 0 ? n + 1 : 0);
    return strchr(word, '.') ? (struct ds_span){NULL, 0} : ds_span_of(word);
}

/* What an API server adds to an object of its own: `kubectl get sweep NAME -o yaml` is a sweep file
 * too. Nothing of it is looked at. */
static bool is_api_server_s(const char *parent, struct ds_span key)
{
    static const char *const OF_METADATA[] = {
        "uid",          "resourceVersion",   "generation",
        "selfLink",     "creationTimestamp", "deletionTimestamp",
        "finalizers",   "ownerReferences",   "deletionGracePeriodSeconds",
        "generateName", "managedFields",
    };
    if (parent[0] == '\0')
        return ds_span_is(key, "status");
    for (size_t i = 0; strcmp(parent, "metadata") == 0 && i < DS_COUNT(OF_METADATA); i++)
        if (ds_span_is(key, OF_METADATA[i]))
            return true;
    return false;
}

static void unknown_key(const struct walk *w, const char *parent, const struct yaml_node *c)
{
    struct ds_span names[MAX_KEYS];
    size_t n = 0;
    for (size_t i = 0; i < w->n_keys; i++) {
        names[n] = child_word(w->keys[i].path, parent);
        n += names[n].ptr != NULL;
    }
    char near[NEAREST_BYTES];
    nearest_word(c->key, names, n, near);
    const char *home = NULL;
    for (size_t i = 0; i < w->n_keys && !near[0]; i++) {
        const char *last = strrchr(w->keys[i].path, '.');
        if (last && ds_span_is(c->key, last + 1))
            home = w->keys[i].path;
    }
    reader_bad(w->r, pos_of_key(c), "%s%s%.*s: unknown key%s%s%s%s", parent, parent[0] ? "." : "",
               (int)(c->key.len > 80 ? 80 : c->key.len), c->key.ptr, near,
               home ? " here; there is " : "", home ? home : "",
               near[0] || home ? "" : "; docs/sweep-file.md lists all keys");
}

static void walk_map(struct walk *w, const char *parent, const struct yaml_node *map)
{
    if (!reader_is_map(w->r, parent[0] ? parent : "the sweep file", map))
        return;
    reader_report_doubles(w->r, parent, map);
    for (const struct yaml_node *c = map->first; c; c = c->next) {
        size_t i = 0;
        while (i < w->n_keys) {
            struct ds_span word = child_word(w->keys[i].path, parent);
            if (word.ptr && ds_span_eq(word, c->key))
                break;
            i++;
        }
        bool known = i < w->n_keys;
        if (known && !c->duplicate && !yaml_is_null(c))
            w->seen[i] = c;
        else if (!known && !is_api_server_s(parent, c->key))
            unknown_key(w, parent, c);
    }
}

static void report_missing(struct walk *w, const struct yaml_node *root)
{
    for (size_t i = 0; i < w->n_keys; i++) {
        const struct sweep_key *k = &w->keys[i];
        const struct yaml_node *parent = root;
        if (w->seen[i] || strcmp(k->fallback, "required") != 0)
            continue;
        for (size_t j = 0; j < i; j++)
            if (child_word(k->path, w->keys[j].path).ptr)
                parent = w->seen[j];
        if (parent && parent->kind == YAML_MAP)
            reader_bad(w->r, pos_of_key(parent), "%s: missing; write it, for example %s", k->path,
                       k->example);
    }
}

static void walk_all(struct walk *w, const struct yaml_node *root)
{
    struct sweep *s = w->r->out;
    walk_map(w, "", root);
    for (size_t i = 0; i < w->n_keys; i++) { /* parents stand before their children */
        const struct sweep_key *k = &w->keys[i];
        if (!w->seen[i])
            continue;
        if (strcmp(k->path, "spec.design") == 0)
            s->design_pos = pos_of_key(w->seen[i]);
        else if (strcmp(k->path, "spec.cluster") == 0)
            s->cluster = w->seen[i];
        else if (strcmp(k->path, "spec.once") == 0)
            s->once = w->seen[i];
        if (k->apply)
            k->apply(w->r, k, w->seen[i]);
        else
            walk_map(w, k->path, w->seen[i]);
    }
    report_missing(w, root);
}

static void set_defaults(struct sweep *s, struct ds_span path)
{
    static const struct ds_span ALL[] = {{"*", 1}};
    *s = (struct sweep){
        .path = path,
        .dir = path_dir(path),
        .seed = 1,
        .preset_flow = true,
        .judge = JUDGE_FLOW,
        .wall_ms = UINT64_C(24) * 3600 * 1000,
        .ranks = 1,
        .threads = 1,
        .pilot = 4,
        .max_failed_fraction = -1,
        .max_failed_cases = -1,
        .store = DS_SPAN("./results"),
        .keep = {.classes = CLASS_SUMMARY | CLASS_LOG},
        .trim = TRIM_AUTO,
        .compression = 3,
        .collect = {.vectors = ALL, .n_vectors = 1, .times = TIMES_REPORT, .netcdf = true},
        .run = DS_SPAN("Active"),
    };
    s->where = s->table_file = s->version_pin = s->image = DS_SPAN("");
    s->deck = s->name = s->deck_from_kind = s->deck_from = DS_SPAN("");
    s->retries[VERDICT_OUT_OF_MEMORY] = 2;
    s->retries[VERDICT_LOST] = 3;
    s->retries[VERDICT_CRASHED] = 1;
    s->retries[VERDICT_OUT_OF_DISK] = 1;
    s->retries[VERDICT_INCOMPLETE] = 1;
}

static int fail_with_first(struct ds_span path, const struct sweep_problems *all,
                           struct ds_err *err)
{
    char text[SWEEP_PROBLEM_BYTES];
    sweep_problem_format(path, &all->at[0], text);
    return ds_fail(err, DS_EINPUT, "%s", text);
}

int sweep_parse(struct ds_span path, struct ds_span text, struct ds_arena *a, struct sweep *out,
                struct sweep_problems *problems, struct ds_err *err)
{
    struct yaml_node *root = NULL;
    struct yaml_mark mark = {0};
    struct ds_err why;
    struct sweep result;
    *problems = (struct sweep_problems){0};
    path = arena_copy(a, path);
    if (!path.ptr)
        return ds_fail(err, DS_ETOOBIG, "no memory for the sweep file");
    if (yaml_parse(text, SWEEP_MAX_FILE_BYTES, a, &root, &mark, &why) < 0) {
        sweep_problem_add(problems, DS_SPAN(""), (struct sweep_pos){mark.line, mark.column}, "%s",
                          why.text);
        return fail_with_first(path, problems, err);
    }
    set_defaults(&result, path);
    struct sweep_reader r = {.a = a, .out = &result, .problems = problems};
    struct walk w = {.r = &r};
    w.keys = sweep_schema_keys(&w.n_keys);
    if (!root)
        reader_bad(&r, (struct sweep_pos){1, 1},
                   "the file is empty; `decksweep init DECK` writes one to start from");
    else
        walk_all(&w, root);
    if (root && root->kind == YAML_MAP)
        sweep_check_all(&r);
    if (r.full)
        return ds_fail(err, DS_ETOOBIG, "%.*s: more than fits in memory", DS_FMT(path));
    if (problems->n > 0)
        return fail_with_first(path, problems, err);
    *out = result;
    return 0;
}

int64_t sweep_max_failed(const struct sweep *w, uint32_t n_rows)
{
    if (w->max_failed_cases >= 0)
        return w->max_failed_cases;
    if (w->max_failed_fraction >= 0)
        return (int64_t)(w->max_failed_fraction * n_rows);
    return -1;
}
