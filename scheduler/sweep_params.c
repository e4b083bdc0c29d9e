/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec.parameters: one name, one kind of values, a few keys that all kinds share. */
#include "base/units.h"
#include "param_name.h"
#include "sweep_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void take_kind(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                      struct sweep_param *p, size_t index)
{
    char sub[READER_PATH_BYTES];
    reader_join(sub, path, ds_span_of(param_kind_name(p->kind)));
    switch (p->kind) {
    case PARAM_DISCRETE:
        reader_discrete(r, sub, node, p);
        break;
    case PARAM_VALUES:
        (void)reader_values(r, sub, node, p);
        break;
    case PARAM_FILES:
        (void)reader_text(r, sub, node, &p->files);
        break;
    case PARAM_EXPRESSION:
        if (reader_text(r, sub, node, &p->expression))
            r->expression[index] = node;
        break;
    default:
        reader_numbers(r, sub, node, p);
    }
}

static const struct param_key *find_param_key(struct ds_span name)
{
    size_t n;
    const struct param_key *keys = sweep_schema_param_keys(&n);
    for (size_t i = 0; i < n; i++)
        if (ds_span_is(name, keys[i].name))
            return &keys[i];
    return NULL;
}

static void unknown_param_key(struct sweep_reader *r, const char *path, const struct yaml_node *c)
{
    struct ds_span names[32];
    size_t n;
    const struct param_key *keys = sweep_schema_param_keys(&n);
    for (size_t i = 0; i < n && i < DS_COUNT(names); i++)
        names[i] = ds_span_of(keys[i].name);
    char near[NEAREST_BYTES];
    nearest_word(c->key, names, n, near);
    reader_bad(r, pos_of_key(c),
               "%s.%.*s: unknown key%s; kinds of values are uniform, normal, values, files, ... "
               "(docs/sweep-file.md)",
               path, (int)(c->key.len > 60 ? 60 : c->key.len), c->key.ptr, near);
}

static void take_common(struct sweep_reader *r, const char *path, const struct yaml_node *c,
                        struct sweep_param *p)
{
    char sub[READER_PATH_BYTES];
    double v;
    reader_join(sub, path, c->key);
    if (ds_span_is(c->key, "decimals")) {
        if (reader_whole(r, sub, c, 0, 15, &v))
            p->decimals = (int)v;
    } else if (ds_span_is(c->key, "with")) {
        (void)reader_text(r, sub, c, &p->with);
    } else if (ds_span_is(c->key, "low")) {
        (void)reader_number(r, sub, c, &p->low);
    } else if (ds_span_is(c->key, "base")) {
        (void)reader_number(r, sub, c, &p->base);
    } else {
        (void)reader_number(r, sub, c, &p->high);
    }
}

/* PORO: {uniform: {...}, decimals: 2} */
static void take_param(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                       struct sweep_param *p, size_t index)
{
    const struct yaml_node *kind = NULL;
    size_t before = r->problems->n + r->problems->more;
    if (node->kind != YAML_MAP) {
        reader_bad(r, pos_of(node),
                   "%s: write a kind of values: {uniform: {min: 0.2, max: 0.35}}, or {values: "
                   "[5]} for a fixed one",
                   path);
        return;
    }
    reader_report_doubles(r, path, node);
    for (const struct yaml_node *c = node->first; c; c = c->next) {
        const struct param_key *key = find_param_key(c->key);
        if (!key) {
            unknown_param_key(r, path, c);
        } else if (key->kind == 0) {
            if (!c->duplicate && !yaml_is_null(c))
                take_common(r, path, c, p);
        } else if (kind && !c->duplicate) {
            reader_bad(r, pos_of_key(c), "%s: both %.*s and %.*s; keep one", path,
                       DS_FMT(kind->key), DS_FMT(c->key));
        } else if (!kind) {
            kind = c;
            p->kind = key->kind;
        }
    }
    if (kind)
        take_kind(r, path, kind, p, index);
    else if (r->problems->n + r->problems->more == before)
        p->kind = PARAM_TABLE; /* a column of the table; sweep_check says when there is none */
}

static void check_name(struct sweep_reader *r, const struct yaml_node *c)
{
    struct ds_span t = c->key;
    if (!param_name_is_word(t))
        reader_bad(r, pos_of_key(c),
                   "spec.parameters: '%.*s' is no name; use letters, digits and _, no digit first",
                   (int)(t.len > 60 ? 60 : t.len), t.ptr);
    else if (t.len > PARAM_NAME_MAX_BYTES)
        reader_bad(r, pos_of_key(c), "spec.parameters: a name of %zu characters; at most %u", t.len,
                   PARAM_NAME_MAX_BYTES);
    else if (param_name_is_reserved(t))
        reader_bad(r, pos_of_key(c),
                   "spec.parameters.%.*s: this name is decksweep's own; choose another", DS_FMT(t));
}

static int compare_params(const void *a, const void *b)
{
    return ds_span_compare((*(const struct yaml_node *const *)a)->key,
                           (*(const struct yaml_node *const *)b)->key);
}

void apply_parameters(struct sweep_reader *r, const struct sweep_key *k,
                      const struct yaml_node *node)
{
    if (!reader_is_map(r, k->path, node))
        return;
    reader_report_doubles(r, k->path, node);
    if (node->n > SWEEP_MAX_PARAMETERS) {
        reader_bad(r, pos_of(node), "%s: %zu parameters; at most %u are possible", k->path, node->n,
                   SWEEP_MAX_PARAMETERS);
        return;
    }
    const struct yaml_node **sorted = reader_take(r, node->n, sizeof(struct yaml_node *));
    struct sweep_param *params = reader_take(r, node->n, sizeof *params);
    r->expression = reader_take(r, node->n, sizeof(struct yaml_node *));
    if (!sorted || !params || !r->expression)
        return;
    size_t n = 0;
    for (const struct yaml_node *c = node->first; c; c = c->next)
        if (!c->duplicate)
            sorted[n++] = c;
    qsort(sorted, n, sizeof(const struct yaml_node *), compare_params);
    for (size_t i = 0; i < n; i++) {
        char path[READER_PATH_BYTES];
        check_name(r, sorted[i]);
        reader_join(path, k->path, sorted[i]->key);
        params[i] = (struct sweep_param){.name = sorted[i]->key,
                                         .pos = pos_of_key(sorted[i]),
                                         .decimals = -1,
                                         .low = NAN,
                                         .base = NAN,
                                         .high = NAN};
        take_param(r, path, sorted[i], &params[i], i);
    }
    r->out->params = params;
    r->out->n_params = n;
}
