/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libyaml's events, turned into a tree with an explicit stack. libyaml looks ahead no further
 * than a simple key may reach (1,024 bytes), so a refusal comes as soon as the offending event
 * does, however large the text is. */
#include "base/yaml.h"

#include "base/units.h"

#include <stdlib.h>
#include <yaml.h>

struct level {
    struct yaml_node *node;
    struct yaml_node *last; /* child */
    bool has_key;           /* in a map: the key was read, its value is next */
    bool key_quoted;
    struct ds_span key;
    unsigned key_line, key_column;
};

struct building {
    yaml_parser_t parser;
    struct ds_arena *a;
    struct ds_span text;
    struct yaml_node *root;
    struct level stack[YAML_MAX_DEPTH];
    size_t depth, n_nodes;
    struct yaml_mark mark;
    struct ds_err *err;
};

static void set_mark(struct building *b, yaml_mark_t m)
{
    b->mark = (struct yaml_mark){(unsigned)m.line + 1, (unsigned)m.column + 1};
}

static struct yaml_mark mark_of_offset(struct ds_span text, size_t offset)
{
    struct yaml_mark m = {1, 1};
    for (size_t i = 0; i < text.len && i < offset; i++) {
        bool continues = ((unsigned char)text.ptr[i] & 0xc0) == 0x80;
        m.column += !continues;
        if (text.ptr[i] == '\n')
            m = (struct yaml_mark){m.line + 1, 1};
    }
    return m;
}

static int refuse(struct building *b, const char *what)
{
    return ds_fail(b->err, DS_EUNSUPPORTED, "%s", what);
}

static int too_big(struct building *b)
{
    return ds_fail(b->err, DS_ETOOBIG, "the file holds more than fits (%u values)", YAML_MAX_NODES);
}

/* Before libyaml: what it would take for another encoding, or for the end. */
static int check_bytes(struct building *b)
{
    struct ds_span t = b->text;
    if (ds_span_starts(t, "\xff\xfe") || ds_span_starts(t, "\xfe\xff"))
        return refuse(b, "the file is UTF-16; save it as UTF-8");
    const char *nul = t.len ? memchr(t.ptr, '\0', t.len) : NULL;
    if (!nul)
        return 0;
    b->mark = mark_of_offset(t, (size_t)(nul - t.ptr));
    return refuse(b, "a NUL byte: this is no text file");
}

static int syntax_error(struct building *b)
{
    const yaml_parser_t *p = &b->parser;
    const char *why = p->problem ? p->problem : "cannot be read";
    if (p->error == YAML_READER_ERROR) {
        b->mark = mark_of_offset(b->text, p->problem_offset);
        return ds_fail(b->err, DS_EPARSE, "no YAML: %s; is this a text file in UTF-8?", why);
    }
    if (p->error == YAML_MEMORY_ERROR)
        return ds_fail(b->err, DS_ETOOBIG, "no memory to read the file");
    set_mark(b, p->problem_mark);
    if (!p->context)
        return ds_fail(b->err, DS_EPARSE, "no YAML: %s", why);
    return ds_fail(b->err, DS_EPARSE, "no YAML: %s %s that starts on line %zu", why, p->context,
                   p->context_mark.line + 1);
}

/* A mapping key is known: is it one that we take, and is it new here? */
static int take_key(struct building *b, struct level *l, const yaml_event_t *e)
{
    struct ds_span key = {(const char *)e->data.scalar.value, e->data.scalar.length};
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && ds_span_is(key, "<<"))
        return refuse(b, "merge keys (<<) are not taken here; write the values out");
    l->key = arena_copy(b->a, key);
    if (!l->key.ptr)
        return too_big(b);
    l->has_key = true;
    l->key_quoted = !plain;
    l->key_line = b->mark.line;
    l->key_column = b->mark.column;
    return 0;
}

/* A new value: hang it under the innermost open list or map, or make it the root. */
static int add_node(struct building *b, enum yaml_kind kind, struct yaml_node **out)
{
    struct level *l = b->depth ? &b->stack[b->depth - 1] : NULL;
    if (l && l->node->kind == YAML_MAP && !l->has_key)
        return refuse(b, "a key must be plain text, no list or mapping");
    if (++b->n_nodes > YAML_MAX_NODES)
        return too_big(b);
    struct yaml_node *n = ds_new(b->a, struct yaml_node, 1);
    if (!n)
        return too_big(b);
    *n = (struct yaml_node){.kind = kind, .line = b->mark.line, .column = b->mark.column};
    n->text = n->key = DS_SPAN("");
    if (!l) {
        b->root = n;
    } else {
        if (l->node->kind == YAML_MAP) {
            n->key = l->key;
            n->is_key_quoted = l->key_quoted;
            n->key_line = l->key_line;
            n->key_column = l->key_column;
            l->has_key = false;
        }
        if (l->last)
            l->last->next = n;
        else
            l->node->first = n;
        l->last = n;
        l->node->n++;
    }
    *out = n;
    return 0;
}

static int open_node(struct building *b, enum yaml_kind kind)
{
    struct yaml_node *n = NULL;
    if (b->depth == YAML_MAX_DEPTH)
        return ds_fail(b->err, DS_ETOOBIG, "nested deeper than %u levels", YAML_MAX_DEPTH);
    int rc = add_node(b, kind, &n);
    if (rc == 0)
        b->stack[b->depth++] = (struct level){.node = n};
    return rc;
}

static int on_scalar(struct building *b, const yaml_event_t *e)
{
    if (e->data.scalar.anchor)
        return refuse(b, "anchors (&) are not taken here; write the value out");
    if (e->data.scalar.tag)
        return refuse(b, "tags (!) are not taken here; remove it");
    struct level *l = b->depth ? &b->stack[b->depth - 1] : NULL;
    if (l && l->node->kind == YAML_MAP && !l->has_key)
        return take_key(b, l, e);
    struct yaml_node *n = NULL;
    int rc = add_node(b, YAML_SCALAR, &n);
    if (rc < 0 || !n)
        return rc;
    n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    n->block = e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE
               || e->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
    n->text = arena_copy(
        b->a, (struct ds_span){(const char *)e->data.scalar.value, e->data.scalar.length});
    return n->text.ptr ? 0 : too_big(b);
}

static int on_event(struct building *b, const yaml_event_t *e)
{
    set_mark(b, e->start_mark);
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return refuse(b, "aliases (*) are not taken here; write the value out");
    case YAML_SCALAR_EVENT:
        return on_scalar(b, e);
    case YAML_SEQUENCE_START_EVENT:
        if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
            return refuse(b, "anchors (&) and tags (!) are not taken here; write the list out");
        return open_node(b, YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
            return refuse(b, "anchors (&) and tags (!) are not taken here; write the mapping out");
        return open_node(b, YAML_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return 0;
    case YAML_DOCUMENT_START_EVENT:
        return b->root ? refuse(b, "a second document starts here; one file holds one") : 0;
    default:
        return 0;
    }
}

static int read_events(struct building *b)
{
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&b->parser, &e))
            return syntax_error(b);
        yaml_event_type_t type = e.type;
        int rc = on_event(b, &e);
        yaml_event_delete(&e);
        if (rc < 0 || type == YAML_STREAM_END_EVENT)
            return rc;
    }
}

static int compare_keys(const void *x, const void *y)
{
    const struct yaml_node *const *a = x, *const *b = y;
    int c = ds_span_compare((*a)->key, (*b)->key);
    if (c != 0)
        return c;
    c = ((*a)->key_line > (*b)->key_line) - ((*a)->key_line < (*b)->key_line);
    return c != 0 ? c
                  : ((*a)->key_column > (*b)->key_column) - ((*a)->key_column < (*b)->key_column);
}

static int mark_map(struct yaml_node *map, struct ds_arena *a)
{
    struct yaml_node **sorted = ds_new(a, struct yaml_node *, map->n);
    if (!sorted)
        return DS_ETOOBIG;
    size_t n = 0;
    for (struct yaml_node *c = map->first; c; c = c->next)
        sorted[n++] = c;
    qsort(sorted, n, sizeof(struct yaml_node *), compare_keys);
    for (size_t i = 1; i < n; i++)
        sorted[i]->duplicate = ds_span_eq(sorted[i]->key, sorted[i - 1]->key);
    return 0;
}

/* Every map once, depth first, with the stack that building used. */
static int mark_duplicates(struct building *b)
{
    struct yaml_node *path[YAML_MAX_DEPTH + 1];
    size_t depth = 0;
    struct yaml_node *n = b->root;
    while (n) {
        if (n->kind == YAML_MAP && n->n > 1 && mark_map(n, b->a) < 0)
            return too_big(b);
        if (n->first) {
            path[depth++] = n;
            n = n->first;
            continue;
        }
        while (n && !n->next && depth > 0)
            n = path[--depth];
        n = n ? n->next : NULL;
    }
    return 0;
}

int yaml_parse(struct ds_span text, size_t max_bytes, struct ds_arena *a, struct yaml_node **out,
               struct yaml_mark *where, struct ds_err *err)
{
    struct ds_err local;
    struct building b = {.a = a, .text = text, .err = err ? err : &local, .mark = {1, 1}};
    int rc;
    if (ds_span_starts(text, "\xef\xbb\xbf"))
        b.text = text = (struct ds_span){text.ptr + 3, text.len - 3};
    if (text.len > max_bytes) {
        rc = ds_fail(b.err, DS_ETOOBIG, "%zu bytes; at most %zu are read", text.len, max_bytes);
    } else {
        rc = check_bytes(&b);
        if (rc == 0 && !yaml_parser_initialize(&b.parser))
            return ds_fail(b.err, DS_ETOOBIG, "no memory to read the file");
        if (rc == 0) {
            yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
            yaml_parser_set_input_string(&b.parser, (const unsigned char *)text.ptr, text.len);
            rc = read_events(&b);
            yaml_parser_delete(&b.parser);
        }
        if (rc == 0)
            rc = mark_duplicates(&b);
    }
    if (rc < 0 && where)
        *where = b.mark;
    if (rc == 0)
        *out = b.root;
    return rc;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *c = map->first; c; c = c->next)
        if (ds_span_is(c->key, key))
            return c;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    if (!node)
        return true;
    if (node->kind != YAML_SCALAR || node->quoted)
        return false;
    return node->text.len == 0 || ds_span_is(node->text, "~") || ds_span_is(node->text, "null")
           || ds_span_is(node->text, "Null") || ds_span_is(node->text, "NULL");
}

bool yaml_number(const struct yaml_node *node, double *out)
{
    double value;
    if (!node || node->kind != YAML_SCALAR || node->quoted
        || units_parse_double(node->text, &value, NULL) < 0)
        return false;
    if (out)
        *out = value;
    return true;
}
