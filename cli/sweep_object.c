/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/sweep_object.h"

#include "base/json.h"
#include "base/units.h"
#include "decksweep/cluster.h"

#include <math.h>
#include <stdio.h>

#define MAX_PATH 20u /* components; deeper than YAML_MAX_DEPTH */

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(struct ds_span s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && is_digit(s.ptr[at + n]))
        n++;
    return n;
}

/* Digits without leading zeros; "0" when nothing is left. */
static void put_whole(struct ds_buf *out, struct ds_span digits)
{
    while (digits.len > 1 && digits.ptr[0] == '0') {
        digits.ptr++;
        digits.len--;
    }
    (void)buf_put_span(out, digits.len > 0 ? digits : DS_SPAN("0"));
}

bool sweep_object_put_number(struct ds_span text, struct ds_buf *out)
{
    double value;
    if (units_parse_double(text, &value, NULL) < 0)
        return false;
    if (value == floor(value) && fabs(value) < 0x1p53) {
        char plain[UNITS_NUMBER_BYTES];
        size_t n = units_format_number(value == 0 ? 0 : value, plain);
        (void)buf_put(out, plain, n);
        return true;
    }
    size_t at = text.ptr[0] == '+' || text.ptr[0] == '-';
    if (text.ptr[0] == '-')
        (void)buf_put_char(out, '-');
    size_t n = count_digits(text, at);
    put_whole(out, (struct ds_span){text.ptr + at, n});
    at += n;
    if (at < text.len && text.ptr[at] == '.') {
        n = count_digits(text, ++at);
        if (n > 0) {
            (void)buf_put_char(out, '.');
            (void)buf_put(out, text.ptr + at, n);
        }
        at += n;
    }
    return buf_put(out, text.ptr + at, text.len - at) == 0; /* the exponent */
}

/* ---- what stands where ---- */

struct place {
    struct ds_span word[MAX_PATH];
    size_t n;
};

static bool is_at(const struct place *p, size_t i, const char *word)
{
    return i < p->n && ds_span_is(p->word[i], word);
}

static bool is_one_of(struct ds_span word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ds_span_is(word, words[i]))
            return true;
    return false;
}

/* Numbers stand here: docs/sweep-file.md. */
static bool takes_numbers(const struct place *p)
{
    static const char *const design[] = {"samples", "seed"};
    static const char *const resources[] = {"ranks", "threads", "pilot"};
    static const char *const cluster[] = {"maxWorkers", "workerCores", "securityContext"};
    static const char *const texts[] = {"files", "expression", "with"};
    if (p->n < 3 || !is_at(p, 0, "spec"))
        return false;
    if (is_at(p, 1, "parameters"))
        return p->n >= 4 && !is_one_of(p->word[3], texts, DS_COUNT(texts));
    if (is_at(p, 1, "design"))
        return is_one_of(p->word[2], design, DS_COUNT(design));
    if (is_at(p, 1, "resources"))
        return is_one_of(p->word[2], resources, DS_COUNT(resources));
    if (is_at(p, 1, "failure"))
        return is_at(p, 2, "retries");
    if (is_at(p, 1, "results"))
        return is_at(p, 2, "compression");
    return is_at(p, 1, "cluster")
           && (is_one_of(p->word[2], cluster, DS_COUNT(cluster))
               || (is_at(p, 2, "tolerations") && is_at(p, p->n - 1, "tolerationSeconds")));
}

/* A whole number or a text with a unit: the CRD takes both, but no fraction. */
static bool takes_whole_numbers(const struct place *p)
{
    static const struct {
        const char *map, *key;
    } at[] = {{"resources", "memory"},
              {"simulator", "wallTime"},
              {"failure", "maxFailed"},
              {"cluster", "ttl"}};
    for (size_t i = 0; i < DS_COUNT(at); i++)
        if (p->n == 3 && is_at(p, 0, "spec") && is_at(p, 1, at[i].map) && is_at(p, 2, at[i].key))
            return true;
    return false;
}

static void put_scalar(struct json_writer *w, const struct place *p, const struct yaml_node *node)
{
    char room[128];
    bool whole = takes_whole_numbers(p) && node->text.len <= 15
                 && count_digits(node->text, 0) == node->text.len && node->text.len > 0;
    if (!node->quoted && (whole || takes_numbers(p)) && node->text.len < sizeof room - 8) {
        ds_auto_buf number;
        buf_init(&number, sizeof room);
        if (sweep_object_put_number(node->text, &number)) {
            jw_raw(w, buf_span(&number));
            return;
        }
    }
    jw_text(w, node->text);
}

/* ---- trees ---- */

struct level {
    const struct yaml_node *next; /* child to write */
    bool is_map;
};

static void begin_level(struct json_writer *w, struct level *l, const struct yaml_node *node)
{
    l->next = node->first;
    l->is_map = node->kind == YAML_MAP;
    if (l->is_map)
        jw_object(w);
    else
        jw_array(w);
}

static bool is_dropped(const struct yaml_node *child)
{
    return yaml_is_null(child) || child->duplicate;
}

/* node with all below it; p: where it stands, put back at the end. */
static void put_tree(struct json_writer *w, struct place *p, const struct yaml_node *node)
{
    struct level stack[YAML_MAX_DEPTH + 1];
    size_t depth = 0;
    if (node->kind == YAML_SCALAR) {
        put_scalar(w, p, node);
        return;
    }
    begin_level(w, &stack[depth++], node);
    while (depth > 0) {
        struct level *l = &stack[depth - 1];
        const struct yaml_node *child = l->next;
        if (!child) {
            if (l->is_map)
                jw_end_object(w);
            else
                jw_end_array(w);
            depth--;
            if (depth > 0 && stack[depth - 1].is_map)
                p->n--;
            continue;
        }
        l->next = child->next;
        if (l->is_map && is_dropped(child))
            continue;
        if (l->is_map) {
            jw_key_span(w, child->key);
            p->word[p->n++] = child->key;
        }
        if (child->kind != YAML_SCALAR && depth < DS_COUNT(stack)) {
            begin_level(w, &stack[depth++], child);
            continue;
        }
        put_scalar(w, p, child);
        if (l->is_map)
            p->n--;
    }
}

static void put_child(struct json_writer *w, struct place *p, const struct yaml_node *child)
{
    jw_key_span(w, child->key);
    p->word[p->n++] = child->key;
    put_tree(w, p, child);
    p->n--;
}

/* ---- spec with its edits ---- */

static void put_simulator(struct json_writer *w, const struct yaml_node *simulator,
                          const char *image)
{
    struct place p = {.word = {DS_SPAN("spec"), DS_SPAN("simulator")}, .n = 2};
    jw_key(w, "simulator");
    jw_object(w);
    for (const struct yaml_node *c = simulator ? simulator->first : NULL; c; c = c->next)
        if (!is_dropped(c) && !(image && ds_span_is(c->key, "image")))
            put_child(w, &p, c);
    if (image)
        jw_kv_cstr(w, "image", image);
    jw_end_object(w);
}

static void put_once(struct json_writer *w, const struct sweep_edit *e)
{
    jw_key(w, "once");
    jw_object(w);
    jw_kv_cstr(w, "token", e->once_token);
    jw_key(w, "do");
    jw_array(w);
    for (size_t i = 0; i < DS_COUNT(e->once_do) && e->once_do[i]; i++)
        jw_cstr(w, e->once_do[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static bool is_edited(const struct sweep_edit *e, struct ds_span key)
{
    if (ds_span_is(key, "simulator"))
        return e->image != NULL;
    if (ds_span_is(key, "deckFrom"))
        return e->config_map || e->store_key;
    if (ds_span_is(key, "run"))
        return e->run != NULL;
    return ds_span_is(key, "once") && !e->keep_once;
}

static void put_spec(struct json_writer *w, const struct yaml_node *spec,
                     const struct sweep_edit *e)
{
    struct place p = {.word = {DS_SPAN("spec")}, .n = 1};
    jw_object(w);
    for (const struct yaml_node *c = spec->first; c; c = c->next)
        if (!is_dropped(c) && !is_edited(e, c->key))
            put_child(w, &p, c);
    if (e->image) {
        const struct yaml_node *simulator = yaml_get(spec, "simulator");
        put_simulator(w, yaml_is_null(simulator) ? NULL : simulator, e->image);
    }
    if (e->config_map || e->store_key) {
        jw_key(w, "deckFrom");
        jw_object(w);
        jw_kv_cstr(w, e->config_map ? "configMap" : "store",
                   e->config_map ? e->config_map : e->store_key);
        jw_end_object(w);
    }
    if (e->run)
        jw_kv_cstr(w, "run", e->run);
    if (e->once_token)
        put_once(w, e);
    jw_end_object(w);
}

static int find_spec(const struct yaml_node *root, const struct yaml_node **spec,
                     struct ds_err *err)
{
    *spec = yaml_get(root, "spec");
    if (!*spec || (*spec)->kind != YAML_MAP)
        return ds_fail(err, DS_EINPUT, "the sweep file has no spec");
    return 0;
}

int sweep_object_put_spec(const struct yaml_node *root, const struct sweep_edit *e,
                          struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    const struct yaml_node *spec;
    int rc = find_spec(root, &spec, err);
    if (rc < 0)
        return rc;
    jw_init(&w, out);
    put_spec(&w, spec, e);
    return buf_check(out, "the Sweep", err);
}

/* ---- the object ---- */

int sweep_object_put(const struct yaml_node *root, const struct sweep_edit *e,
                     const char *namespace_, struct ds_buf *out, struct ds_err *err)
{
    static const char *const kept[] = {"name", "labels", "annotations"};
    struct place p = {.word = {DS_SPAN("metadata")}, .n = 1};
    struct json_writer w;
    const struct yaml_node *spec, *meta = yaml_get(root, "metadata");
    int rc = find_spec(root, &spec, err);
    if (rc < 0)
        return rc;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_cstr(&w, "apiVersion", SWEEP_API_VERSION);
    jw_kv_cstr(&w, "kind", SWEEP_KIND);
    jw_key(&w, "metadata");
    jw_object(&w);
    for (size_t i = 0; i < DS_COUNT(kept); i++) {
        const struct yaml_node *c = yaml_get(meta, kept[i]);
        if (!yaml_is_null(c))
            put_child(&w, &p, c);
    }
    jw_kv_cstr(&w, "namespace", namespace_);
    jw_end_object(&w);
    jw_key(&w, "spec");
    put_spec(&w, spec, e);
    jw_end_object(&w);
    return buf_check(out, "the Sweep", err);
}

/* ---- the patch ---- */

static void begin_op(struct json_writer *w, const char *op, const char *path)
{
    jw_object(w);
    jw_kv_cstr(w, "op", op);
    jw_kv_cstr(w, "path", path);
    jw_key(w, "value");
}

/* '~' and '/' of a key in a JSON pointer (RFC 6901). */
static void put_pointer(struct ds_buf *out, const char *parent, struct ds_span key)
{
    (void)buf_printf(out, "/metadata/%s/", parent);
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '~')
            (void)buf_put_text(out, "~0");
        else if (key.ptr[i] == '/')
            (void)buf_put_text(out, "~1");
        else
            (void)buf_put_char(out, key.ptr[i]);
    }
}

static void put_texts_patch(struct json_writer *w, const struct yaml_node *root, const char *name,
                            bool there)
{
    const struct yaml_node *map = yaml_get(yaml_get(root, "metadata"), name);
    struct place p = {.word = {DS_SPAN("metadata")}, .n = 1};
    ds_auto_buf path;
    buf_init(&path, 4096);
    if (yaml_is_null(map) || map->kind != YAML_MAP || map->n == 0)
        return;
    if (!there) {
        (void)buf_printf(&path, "/metadata/%s", name);
        begin_op(w, "add", path.data);
        put_tree(w, &p, map);
        jw_end_object(w);
        return;
    }
    for (const struct yaml_node *c = map->first; c; c = c->next) {
        if (is_dropped(c))
            continue;
        buf_reset(&path);
        put_pointer(&path, name, c->key);
        begin_op(w, "add", path.data);
        jw_text(w, c->text);
        jw_end_object(w);
    }
}

int sweep_object_put_patch(const struct yaml_node *root, const struct sweep_edit *e,
                           const char *resource_version, bool has_labels, bool has_annotations,
                           struct ds_buf *out, struct ds_err *err)
{
    struct json_writer w;
    const struct yaml_node *spec;
    int rc = find_spec(root, &spec, err);
    if (rc < 0)
        return rc;
    jw_init(&w, out);
    jw_array(&w);
    begin_op(&w, "replace", "/metadata/resourceVersion"); /* another one: 409, not lost edits */
    jw_cstr(&w, resource_version);
    jw_end_object(&w);
    put_texts_patch(&w, root, "labels", has_labels);
    put_texts_patch(&w, root, "annotations", has_annotations);
    begin_op(&w, "replace", "/spec");
    put_spec(&w, spec, e);
    jw_end_object(&w);
    jw_end_array(&w);
    return buf_check(out, "the Sweep", err);
}
