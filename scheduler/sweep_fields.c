/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single values of a sweep file: texts, numbers, choices, and their appliers. */
#include "base/units.h"
#include "sweep_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct sweep_pos pos_inside(const struct yaml_node *n, size_t offset)
{
    struct sweep_pos pos = pos_of(n);
    bool one_line = !n->block && (n->text.len == 0 || !memchr(n->text.ptr, '\n', n->text.len));
    if (one_line)
        pos.column += (unsigned)offset + n->quoted;
    return pos;
}

void reader_bad(struct sweep_reader *r, struct sweep_pos pos, const char *format, ...)
{
    char text[sizeof r->problems->at[0].text];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n >= (int)sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    sweep_problem_add(r->problems, DS_SPAN(""), pos, "%s", text);
}

void *reader_take(struct sweep_reader *r, size_t n, size_t size)
{
    void *p = arena_take(r->a, n, size);
    r->full |= !p;
    return p;
}

void nearest_word(struct ds_span word, const struct ds_span *names, size_t n,
                  char out[NEAREST_BYTES])
{
    size_t limit = word.len <= 3 ? 2 : word.len <= 6 ? 3 : 4, best = limit;
    const struct ds_span *hit = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = ds_span_distance(word, names[i], limit);
        if (d < best) {
            best = d;
            hit = &names[i];
        }
    }
    for (size_t i = 0; i < n && !hit && word.len >= 3; i++) /* "wall" for "wallTime" */
        if (names[i].len > word.len && memcmp(names[i].ptr, word.ptr, word.len) == 0)
            hit = &names[i];
    out[0] = '\0';
    if (hit)
        (void)snprintf(out, NEAREST_BYTES, " (did you mean '%.*s'?)",
                       (int)(hit->len > 60 ? 60 : hit->len), hit->ptr);
}

size_t word_place(struct ds_span word, const struct ds_span *words, size_t n)
{
    size_t i = 0;
    while (i < n && !ds_span_eq(words[i], word))
        i++;
    return i;
}

void reader_join(char out[READER_PATH_BYTES], const char *path, struct ds_span name)
{
    size_t n = strnlen(path, READER_PATH_BYTES - 1), room = READER_PATH_BYTES - 1 - n;
    memcpy(out, path, n);
    if (room > 0) {
        size_t take = name.len < room - 1 ? name.len : room - 1;
        out[n++] = '.';
        if (take > 0)
            memcpy(out + n, name.ptr, take);
        n += take;
    }
    out[n] = '\0';
}

static const char *kind_word(const struct yaml_node *n)
{
    return n->kind == YAML_MAP ? "a mapping" : n->kind == YAML_LIST ? "a list" : "one value";
}

bool reader_text(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                 struct ds_span *out)
{
    if (node->kind != YAML_SCALAR) {
        reader_bad(r, pos_of(node), "%s: %s stands here; write one text", path, kind_word(node));
        return false;
    }
    if (node->text.len == 0) {
        reader_bad(r, pos_of(node), "%s: empty; write a text or remove it", path);
        return false;
    }
    if (node->text.len > SWEEP_MAX_TEXT_BYTES) {
        reader_bad(r, pos_of(node), "%s: a text of %zu bytes; at most %u are taken", path,
                   node->text.len, SWEEP_MAX_TEXT_BYTES);
        return false;
    }
    for (size_t i = 0; i < node->text.len; i++)
        if ((unsigned char)node->text.ptr[i] < 0x20 || node->text.ptr[i] == 0x7f) {
            reader_bad(r, pos_inside(node, i),
                       "%s: a line end or control byte in the text; write it on one line", path);
            return false;
        }
    *out = node->text;
    return true;
}

bool reader_texts(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                  const struct ds_span **out, size_t *n)
{
    if (node->kind != YAML_LIST) {
        reader_bad(r, pos_of(node), "%s: %s stands here; write a list: [a, b]", path,
                   kind_word(node));
        return false;
    }
    struct ds_span *list = reader_take(r, node->n, sizeof *list);
    bool ok = list != NULL;
    size_t i = 0;
    for (const struct yaml_node *c = node->first; c && list; c = c->next)
        ok &= reader_text(r, path, c, &list[i++]);
    if (!ok)
        return false;
    *out = list;
    *n = i;
    return true;
}

bool reader_number(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                   double *out)
{
    if (yaml_number(node, out))
        return true;
    if (node->kind != YAML_SCALAR)
        reader_bad(r, pos_of(node), "%s: %s stands here; write a number", path, kind_word(node));
    else if (node->quoted && units_parse_double(node->text, out, NULL) == 0)
        reader_bad(r, pos_of(node), "%s: a text stands here; write the number without quotes",
                   path);
    else
        reader_bad(r, pos_of(node), "%s: '%.*s' is no number; write one like 0.25 or 50e3", path,
                   (int)(node->text.len > 60 ? 60 : node->text.len), node->text.ptr);
    return false;
}

bool reader_whole(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                  double min, double max, double *out)
{
    double v;
    if (!reader_number(r, path, node, &v))
        return false;
    if (v != floor(v) || v < min || v > max) {
        char lo[UNITS_NUMBER_BYTES], hi[UNITS_NUMBER_BYTES];
        (void)units_format_number(min, lo);
        (void)units_format_number(max, hi);
        reader_bad(r, pos_of(node), "%s: %.*s; write a whole number from %s to %s", path,
                   DS_FMT(node->text), lo, hi);
        return false;
    }
    *out = v;
    return true;
}

bool reader_is_map(struct sweep_reader *r, const char *path, const struct yaml_node *node)
{
    if (node->kind == YAML_MAP)
        return true;
    reader_bad(r, pos_of(node), "%s: %s stands here; write a mapping: {key: value}", path,
               kind_word(node));
    return false;
}

void reader_report_doubles(struct sweep_reader *r, const char *path, const struct yaml_node *map)
{
    for (const struct yaml_node *c = map->first; c; c = c->next)
        if (c->duplicate)
            reader_bad(r, pos_of_key(c), "%s%s%.*s: this key stands here twice; keep one", path,
                       path[0] ? "." : "", (int)(c->key.len > 80 ? 80 : c->key.len), c->key.ptr);
}

static void *field(const struct sweep_reader *r, const struct sweep_key *k)
{
    return (char *)r->out + k->offset;
}

void apply_text(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    (void)reader_text(r, k->path, node, field(r, k));
}

void apply_texts(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    struct sweep *s = r->out;
    if (k->offset == offsetof(struct sweep, args))
        (void)reader_texts(r, k->path, node, &s->args, &s->n_args);
    else
        (void)reader_texts(r, k->path, node, &s->not_converged_args, &s->n_not_converged_args);
}

void apply_count(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    double v;
    if (k->offset == offsetof(struct sweep, samples)) {
        r->has_samples = true;
        r->samples_pos = pos_of_key(node);
    } else if (k->offset == offsetof(struct sweep, threads)) {
        r->threads_pos = pos_of_key(node);
    }
    if (reader_whole(r, k->path, node, k->min, k->max, &v))
        *(uint32_t *)field(r, k) = (uint32_t)v;
}

void apply_seed(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    double v;
    if (reader_whole(r, k->path, node, k->min, k->max, &v))
        r->out->seed = (uint64_t)v;
}

#define MAX_WORDS 16u

/* Which of "a|b|c" is it, from 1; 0 after a problem. */
static unsigned choose(struct sweep_reader *r, const struct sweep_key *k,
                       const struct yaml_node *node)
{
    struct ds_span rest = ds_span_of(k->words), words[MAX_WORDS], text;
    size_t n = 0;
    while (rest.len > 0 && n < MAX_WORDS)
        rest = ds_span_cut(rest, '|', &words[n++]);
    if (!reader_text(r, k->path, node, &text))
        return 0;
    size_t which = word_place(text, words, n);
    if (which < n)
        return (unsigned)which + 1;
    char near[NEAREST_BYTES];
    nearest_word(text, words, n, near);
    reader_bad(r, pos_of(node), "%s: '%.*s' is none of %s%s", k->path,
               (int)(text.len > 60 ? 60 : text.len), text.ptr, k->words, near);
    return 0;
}

void apply_choice(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    unsigned which = choose(r, k, node);
    struct sweep *s = r->out;
    if (which == 0)
        return;
    switch (k->offset) {
    case offsetof(struct sweep, method):
        s->method = (enum design_method)which;
        break;
    case offsetof(struct sweep, judge):
        s->judge = (enum judge_kind)which;
        r->has_judge = true;
        break;
    case offsetof(struct sweep, trim):
        s->trim = (enum trim_mode)which;
        break;
    case offsetof(struct sweep, preset_flow):
        r->has_preset = true;
        break;
    default:
        s->run = node->text;
    }
}

void apply_exact(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    (void)choose(r, k, node);
}

void apply_wall_time(struct sweep_reader *r, const struct sweep_key *k,
                     const struct yaml_node *node)
{
    struct ds_span text;
    struct ds_err err;
    uint64_t ms;
    if (!reader_text(r, k->path, node, &text))
        return;
    if (units_parse_duration(text, &ms, &err) < 0)
        reader_bad(r, pos_of(node), "%s: %s", k->path, err.text);
    else if (ms < 1000)
        reader_bad(r, pos_of(node), "%s: %.*s; write at least 1s", k->path, DS_FMT(text));
    else
        r->out->wall_ms = ms;
}

void apply_memory(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    struct ds_span text;
    struct ds_err err;
    uint64_t bytes;
    if (!reader_text(r, k->path, node, &text))
        return;
    if (ds_span_is(text, "auto"))
        r->out->memory_bytes = 0;
    else if (units_parse_size(text, &bytes, &err) < 0)
        reader_bad(r, pos_of(node), "%s: %s, or auto", k->path, err.text);
    else if (bytes < (1u << 20))
        reader_bad(r, pos_of(node), "%s: %.*s; write at least 1MiB (a bare number is bytes)",
                   k->path, DS_FMT(text));
    else
        r->out->memory_bytes = bytes;
}

void apply_checked_text(struct sweep_reader *r, const struct sweep_key *k,
                        const struct yaml_node *node)
{
    struct ds_span text;
    (void)reader_text(r, k->path, node, &text);
}

void apply_checked_texts(struct sweep_reader *r, const struct sweep_key *k,
                         const struct yaml_node *node)
{
    const struct ds_span *list;
    size_t n;
    (void)reader_texts(r, k->path, node, &list, &n);
}

void apply_checked_text_map(struct sweep_reader *r, const struct sweep_key *k,
                            const struct yaml_node *node)
{
    if (!reader_is_map(r, k->path, node))
        return;
    reader_report_doubles(r, k->path, node);
    for (const struct yaml_node *c = node->first; c; c = c->next)
        if (c->kind != YAML_SCALAR)
            reader_bad(r, pos_of(c), "%s.%.*s: %s stands here; write one text", k->path,
                       (int)(c->key.len > 80 ? 80 : c->key.len), c->key.ptr, kind_word(c));
}

void apply_checked_map(struct sweep_reader *r, const struct sweep_key *k,
                       const struct yaml_node *node)
{
    if (reader_is_map(r, k->path, node))
        reader_report_doubles(r, k->path, node);
}

void apply_checked_maps(struct sweep_reader *r, const struct sweep_key *k,
                        const struct yaml_node *node)
{
    if (node->kind != YAML_LIST) {
        reader_bad(r, pos_of(node), "%s: %s stands here; write a list of mappings", k->path,
                   kind_word(node));
        return;
    }
    for (const struct yaml_node *c = node->first; c; c = c->next)
        apply_checked_map(r, k, c);
}

void apply_checked_count(struct sweep_reader *r, const struct sweep_key *k,
                         const struct yaml_node *node)
{
    double v;
    (void)reader_whole(r, k->path, node, k->min, k->max, &v);
}

void apply_checked_duration(struct sweep_reader *r, const struct sweep_key *k,
                            const struct yaml_node *node)
{
    struct ds_span text;
    struct ds_err err;
    uint64_t ms;
    if (reader_text(r, k->path, node, &text) && units_parse_duration(text, &ms, &err) < 0)
        reader_bad(r, pos_of(node), "%s: %s", k->path, err.text);
}
