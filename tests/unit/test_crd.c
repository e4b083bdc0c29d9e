/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k8s/base/crd.yaml is written by hand; here it is held to the tables and codecs that it repeats. */
#include "base/fs_io.h"
#include "base/json.h"
#include "base/units.h"
#include "base/yaml.h"
#include "decksweep/sweep_status.h"
#include "scheduler/sweep_schema.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MAX_TEXT (1u << 20)

static struct ds_arena *a;
static struct yaml_node *schema; /* openAPIV3Schema */

/* The part below openAPIV3Schema, moved to the margin: our YAML reader stops at 16 levels. */
static struct ds_span cut_schema(struct ds_span text)
{
    static const char HEAD[] = "        openAPIV3Schema:\n", INDENT[] = "          ";
    const char *at = memmem(text.ptr, text.len, HEAD, sizeof HEAD - 1);
    cr_assert(at, "crd.yaml has no openAPIV3Schema");
    struct ds_span rest = {at + sizeof HEAD - 1,
                           text.len - (size_t)(at - text.ptr) - (sizeof HEAD - 1)};
    char *out = arena_take(a, rest.len + 1, 1);
    size_t n = 0;
    while (rest.len > 0) {
        struct ds_span line;
        rest = ds_span_cut(rest, '\n', &line);
        if (!ds_span_starts(line, INDENT))
            break;
        memcpy(out + n, line.ptr + sizeof INDENT - 1, line.len - (sizeof INDENT - 1));
        n += line.len - (sizeof INDENT - 1);
        out[n++] = '\n';
    }
    return (struct ds_span){out, n};
}

static void setup(void)
{
    struct ds_span text;
    struct ds_err err = {0};
    struct yaml_mark where = {0, 0};
    a = arena_create(64u << 20);
    cr_assert_eq(fs_read_file("k8s/base/crd.yaml", MAX_TEXT, a, &text, &err), 0, "%s", err.text);
    struct yaml_node *whole; /* too deep for us, but no syntax error may come before that */
    int rc = yaml_parse(text, MAX_TEXT, a, &whole, &where, &err);
    cr_assert(rc == 0 || rc == DS_ETOOBIG, "%u: %s", where.line, err.text);
    cr_assert_eq(yaml_parse(cut_schema(text), MAX_TEXT, a, &schema, &where, &err), 0, "%u: %s",
                 where.line, err.text);
}

static void teardown(void)
{
    arena_destroy(a);
}

TestSuite(crd, .init = setup, .fini = teardown);

static const struct yaml_node *get_span(const struct yaml_node *map, struct ds_span key)
{
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", DS_FMT(key));
    return yaml_get(map, name);
}

/* "spec.design.samples" -> its schema; NULL: none. */
static const struct yaml_node *schema_at(const char *path)
{
    struct ds_span rest = ds_span_of(path), word;
    const struct yaml_node *at = schema;
    while (at && rest.len > 0) {
        rest = ds_span_cut(rest, '.', &word);
        at = get_span(yaml_get(at, "properties"), word);
    }
    return at;
}

static const char *text_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *n = yaml_get(map, key);
    return n && n->kind == YAML_SCALAR ? n->text.ptr : "";
}

/* Of a sweep file only: the API server knows these itself. */
static bool is_kubernetes(const char *path)
{
    return strncmp(path, "metadata", 8) == 0 || strcmp(path, "apiVersion") == 0
           || strcmp(path, "kind") == 0;
}

static void join_words(const struct yaml_node *list, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    for (const struct yaml_node *w = list ? list->first : NULL; w && n < room; w = w->next)
        n += (size_t)snprintf(out + n, room - n, "%s%.*s", n ? "|" : "", DS_FMT(w->text));
}

Test(crd, has_every_key_of_a_sweep_file_with_its_words_range_and_help)
{
    size_t n;
    const struct sweep_key *keys = sweep_schema_keys(&n);
    cr_assert_gt(n, 50);
    for (size_t i = 0; i < n; i++) {
        const struct sweep_key *k = &keys[i];
        const struct yaml_node *s = schema_at(k->path);
        char words[400];
        if (is_kubernetes(k->path))
            continue;
        cr_expect(s, "%s is not in crd.yaml", k->path);
        cr_expect_str_eq(text_of(s, "description"), k->help, "%s", k->path);
        join_words(yaml_get(s, "enum"), words, sizeof words);
        cr_expect_str_eq(words, k->words ? k->words : "", "%s", k->path);
        double min = 0, max = 0;
        if (k->max > 0) {
            cr_expect(yaml_number(yaml_get(s, "minimum"), &min) && min == k->min, "%s", k->path);
            cr_expect(yaml_number(yaml_get(s, "maximum"), &max) && max == k->max, "%s", k->path);
        }
    }
}

/* Mappings whose keys the parser knows by other means than its table. */
static bool is_inside_free(const char *path)
{
    static const char *const FREE[] = {"spec.failure.retries.", "spec.deckFrom.",
                                       "spec.cluster.securityContext.",
                                       "spec.cluster.tolerations."};
    for (size_t i = 0; i < DS_COUNT(FREE); i++)
        if (strncmp(path, FREE[i], strlen(FREE[i])) == 0)
            return true;
    return false;
}

struct walk { /* depth first, the stack is ours */
    struct at {
        const struct yaml_node *schema;
        char path[200];
    } at[400];
    size_t n;
};

static void walk_push(struct walk *w, const struct yaml_node *s, const char *path, const char *name)
{
    if (!s)
        return;
    cr_assert_lt(w->n, DS_COUNT(w->at));
    w->at[w->n].schema = s;
    (void)snprintf(w->at[w->n++].path, sizeof w->at[0].path, "%s%s%s", path,
                   path[0] && name[0] ? "." : "", name);
}

/* The next schema and its path; its children are pushed. */
static bool walk_next(struct walk *w, struct at *out)
{
    if (w->n == 0)
        return false;
    *out = w->at[--w->n];
    const struct yaml_node *props = yaml_get(out->schema, "properties");
    for (const struct yaml_node *p = props ? props->first : NULL; p; p = p->next) {
        char name[100];
        (void)snprintf(name, sizeof name, "%.*s", DS_FMT(p->key));
        walk_push(w, p, out->path, name);
    }
    walk_push(w, yaml_get(out->schema, "items"), out->path, "[]");
    walk_push(w, yaml_get(out->schema, "additionalProperties"), out->path, "{}");
    return true;
}

Test(crd, has_no_key_under_spec_that_a_sweep_file_has_not)
{
    static struct walk w;
    struct at at;
    size_t n, seen = 0;
    const struct sweep_key *keys = sweep_schema_keys(&n);
    w.n = 0;
    walk_push(&w, schema_at("spec"), "spec", "");
    while (walk_next(&w, &at)) {
        size_t i = 0;
        if (is_inside_free(at.path) || strchr(at.path, '{') || strchr(at.path, '['))
            continue;
        while (i < n && strcmp(keys[i].path, at.path) != 0)
            i++;
        cr_expect_lt(i, n, "%s is in crd.yaml only", at.path);
        seen++;
    }
    cr_expect_gt(seen, 50);
}

Test(crd, knows_each_kind_of_values_with_its_numbers)
{
    const struct yaml_node *param = yaml_get(schema_at("spec.parameters"), "additionalProperties");
    const struct yaml_node *props = yaml_get(param, "properties");
    size_t n;
    const struct param_key *keys = sweep_schema_param_keys(&n);
    cr_assert(props);
    cr_expect_eq(props->n, n);
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *s = yaml_get(props, keys[i].name);
        const struct yaml_node *inner = yaml_get(s, "properties");
        size_t named = 0;
        cr_expect(s, "%s is not in crd.yaml", keys[i].name);
        cr_expect_str_eq(text_of(s, "description"), keys[i].help);
        if (keys[i].form[0] != '{')
            continue;
        for (const char *p = keys[i].form; *p;) { /* "{mean, sd} or {q10, q90}" */
            size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");
            struct ds_span word = {p, len};
            p += len > 0 ? len : 1;
            if (len == 0 || ds_span_is(word, "or"))
                continue;
            named++;
            cr_expect(get_span(inner, word), "%s.%.*s is not in crd.yaml", keys[i].name,
                      DS_FMT(word));
        }
        cr_expect_eq(inner ? inner->n : 0, named, "%s", keys[i].name);
    }
}

static bool is_true(const struct yaml_node *map, const char *key)
{
    return strcmp(text_of(map, key), "true") == 0;
}

Test(crd, bounds_every_list_map_and_text)
{
    static struct walk w;
    struct at at;
    size_t seen = 0;
    w.n = 0;
    walk_push(&w, schema_at("spec"), "spec", "");
    walk_push(&w, schema_at("status"), "status", "");
    while (walk_next(&w, &at)) {
        const char *type = text_of(at.schema, "type");
        bool open = is_true(at.schema, "x-kubernetes-preserve-unknown-fields");
        seen++;
        if (strcmp(type, "array") == 0 || open)
            cr_expect(yaml_get(at.schema, "maxItems"), "%s: maxItems", at.path);
        if (yaml_get(at.schema, "additionalProperties") || open)
            cr_expect(yaml_get(at.schema, "maxProperties"), "%s: maxProperties", at.path);
        if (strcmp(type, "string") == 0 || open || is_true(at.schema, "x-kubernetes-int-or-string"))
            cr_expect(yaml_get(at.schema, "maxLength") || yaml_get(at.schema, "enum"),
                      "%s: maxLength", at.path);
        cr_expect(type[0] || open || is_true(at.schema, "x-kubernetes-int-or-string"), "%s: type",
                  at.path);
    }
    cr_expect_gt(seen, 150);
}

/* ---- status ---- */

#define FILL(array) memset(array, 'x', sizeof(array) - 1)

static void fill_step(struct step *s)
{
    s->kind = STEP_ROUND;
    s->number = 7;
    s->n_jobs = CENSUS_MAX_SHAPES;
    s->started_s = s->ended_s = 1;
    FILL(s->plan_digest);
    FILL(s->stopped);
    FILL(s->once);
    for (size_t i = 0; i < CENSUS_MAX_SHAPES; i++) {
        struct step_job *j = &s->job[i];
        FILL(j->name);
        FILL(j->uid);
        FILL(j->text);
        j->missing_s = 8;
        j->outcome = (enum job_outcome)(i % (JOB_VANISHED + 1));
        j->shape = (struct census_shape){
            .first_index = 1, .n_chunks = 2, .n_cases = 3, .pod = {4, 5, 6, 7, 8}, .deadline_s = 9};
    }
}

/* No member is zero, no text shorter than it can be. */
static void fill_status(struct sweep_status *s)
{
    memset(s, 0, sizeof *s);
    s->phase = PHASE_RUNNING;
    s->observed_generation = s->max_failed = s->not_before_s = s->started_s = s->ended_s = 5;
    s->n_running = s->live_ok = s->live_failed = s->census_number = s->census_tries = 3;
    s->idle_rounds = 2;
    s->bundle_stored = s->collected = s->wants_census = true;
    s->core_seconds = 1.5;
    FILL(s->spec_hash);
    FILL(s->store_hash);
    FILL(s->edit_hash);
    FILL(s->once_done);
    FILL(s->plan_digest);
    FILL(s->controller_version);
    FILL(s->agent_image);
    FILL(s->bundle);
    FILL(s->message);
    s->totals = (struct census_totals){1, 2, 3, 4, 5, 6, {0}, 7, 8};
    for (int v = 0; v < VERDICT_COUNT; v++)
        s->totals.n_failed_by[v] = 1;
    fill_step(&s->step);
    s->n_rounds = STATUS_MAX_ROUNDS;
    for (size_t i = 0; i < STATUS_MAX_ROUNDS; i++) {
        s->rounds[i] = (struct round_line){.number = 1,
                                           .n_shapes = 2,
                                           .n_chunks = 3,
                                           .n_cases = 4,
                                           .keys_before = 5,
                                           .started_s = 6,
                                           .ended_s = 7};
        FILL(s->rounds[i].plan_digest);
        FILL(s->rounds[i].outcome);
        FILL(s->rounds[i].text);
    }
    for (size_t i = 0; i < COND_COUNT; i++) {
        s->cond[i] = (struct sweep_condition){
            .status = "TFU"[i % 3], .since_s = 1, .observed_generation = 2};
        FILL(s->cond[i].reason);
        FILL(s->cond[i].message);
    }
}

struct pair { /* a value and the schema that it must fit */
    const struct json *value;
    const struct yaml_node *schema;
    char path[200];
};

static bool fits_type(const struct json *v, const char *type)
{
    struct ds_span text;
    double x;
    bool b;
    return (strcmp(type, "object") == 0 && json_is_object(v))
           || (strcmp(type, "array") == 0 && json_is_array(v))
           || (strcmp(type, "string") == 0 && json_text(v, &text))
           || ((strcmp(type, "integer") == 0 || strcmp(type, "number") == 0) && json_number(v, &x))
           || (strcmp(type, "boolean") == 0 && json_bool(v, &b));
}

static void expect_fits(const struct pair *p)
{
    struct ds_span text = {"", 0};
    double most;
    cr_expect(fits_type(p->value, text_of(p->schema, "type")), "%s: is of another type", p->path);
    if (yaml_number(yaml_get(p->schema, "maxItems"), &most))
        cr_expect_leq((double)json_count(p->value), most, "%s", p->path);
    if (yaml_number(yaml_get(p->schema, "maxProperties"), &most))
        cr_expect_leq((double)json_count(p->value), most, "%s", p->path);
    if (!json_text(p->value, &text))
        return;
    if (yaml_number(yaml_get(p->schema, "maxLength"), &most))
        cr_expect_leq((double)text.len, most, "%s: longer than its bound", p->path);
    const struct yaml_node *words = yaml_get(p->schema, "enum");
    bool found = words == NULL;
    for (const struct yaml_node *w = words ? words->first : NULL; w; w = w->next)
        found = found || ds_span_eq(w->text, text);
    cr_expect(found, "%s: %.*s is no word of it", p->path, DS_FMT(text));
}

static struct pair pairs[4000];
static size_t n_pairs;

static void push_pair(const struct json *v, const struct yaml_node *s, const char *path,
                      struct ds_span name)
{
    struct pair *p = &pairs[n_pairs++];
    cr_assert_lt(n_pairs, DS_COUNT(pairs));
    p->value = v;
    p->schema = s;
    (void)snprintf(p->path, sizeof p->path, "%s.%.*s", path, DS_FMT(name));
}

static void push_members(const struct pair *p)
{
    const struct yaml_node *props = yaml_get(p->schema, "properties");
    const struct yaml_node *any = yaml_get(p->schema, "additionalProperties");
    for (const struct json *m = json_first(p->value); m; m = json_next(m)) {
        bool is_item = json_is_array(p->value);
        const struct yaml_node *s = is_item ? yaml_get(p->schema, "items")
                                    : any   ? any
                                            : get_span(props, json_key(m));
        cr_expect(s, "%s.%.*s is written and not in crd.yaml", p->path, DS_FMT(json_key(m)));
        if (s)
            push_pair(m, s, p->path, is_item ? DS_SPAN("[]") : json_key(m));
    }
    for (const struct yaml_node *k = props ? props->first : NULL; k; k = k->next) {
        char name[100];
        (void)snprintf(name, sizeof name, "%.*s", DS_FMT(k->key));
        cr_expect(json_get(p->value, name), "%s.%s is in crd.yaml and never written", p->path,
                  name);
    }
}

Test(crd, has_the_status_that_the_controller_writes_at_its_largest)
{
    static struct sweep_status s;
    struct ds_err err = {0};
    ds_auto_buf out;
    ds_auto_json j = NULL;
    buf_init(&out, MAX_TEXT);
    fill_status(&s);
    cr_assert_eq(sweep_status_encode(&s, &out, &err), 0, "%s", err.text);
    cr_assert_eq(json_parse(buf_span(&out), MAX_TEXT, &j, &err), 0, "%s", err.text);
    n_pairs = 0;
    push_pair(j, schema_at("status"), "", DS_SPAN("status"));
    size_t seen = 0;
    for (; n_pairs > 0; seen++) {
        struct pair p = pairs[--n_pairs];
        expect_fits(&p);
        if (json_is_object(p.value) || json_is_array(p.value))
            push_members(&p);
    }
    cr_expect_gt(seen, 300);
}

Test(crd, names_every_phase_condition_and_outcome)
{
    const struct yaml_node *phases = yaml_get(schema_at("status.phase"), "enum");
    const struct yaml_node *cond = yaml_get(schema_at("status.conditions"), "items");
    const struct yaml_node *types =
        yaml_get(yaml_get(yaml_get(cond, "properties"), "type"), "enum");
    size_t i = 0;
    cr_expect_eq(phases->n, PHASE_STALLED + 1);
    for (const struct yaml_node *w = phases->first; w; w = w->next, i++)
        cr_expect(ds_span_is(w->text, sweep_phase_name((enum sweep_phase)i)), "%.*s",
                  DS_FMT(w->text));
    cr_expect_eq(types->n, COND_COUNT);
    i = 0;
    for (const struct yaml_node *w = types->first; w; w = w->next, i++)
        cr_expect(ds_span_is(w->text, sweep_condition_name((enum sweep_condition_kind)i)), "%.*s",
                  DS_FMT(w->text));
}

Test(crd, kustomizations_name_the_image_of_this_version)
{
    static const char *const FILES[] = {"k8s/base/kustomization.yaml",
                                        "k8s/overlays/example/kustomization.yaml"};
    for (size_t i = 0; i < DS_COUNT(FILES); i++) {
        struct ds_span text;
        struct ds_err err = {0};
        cr_assert_eq(fs_read_file(FILES[i], MAX_TEXT, a, &text, &err), 0, "%s", err.text);
        cr_expect(memmem(text.ptr, text.len, "newTag: " DECKSWEEP_VERSION "}",
                         strlen("newTag: " DECKSWEEP_VERSION "}")),
                  "%s: newTag is not " DECKSWEEP_VERSION, FILES[i]);
    }
}
