/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of a sweep file with rules of their own. */
#include "base/units.h"
#include "summary/vector_pattern.h"
#include "sweep_reader.h"

#include <stdlib.h>

static bool lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

void apply_name(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    struct ds_span t;
    if (!reader_text(r, k->path, node, &t))
        return;
    bool ok = lower_or_digit(t.ptr[0]) && lower_or_digit(t.ptr[t.len - 1]);
    for (size_t i = 0; i < t.len; i++)
        ok = ok && (lower_or_digit(t.ptr[i]) || t.ptr[i] == '-');
    if (!ok)
        reader_bad(r, pos_of(node),
                   "%s: '%.*s' is no DNS label; use a-z, 0-9 and '-', a letter or digit at both "
                   "ends",
                   k->path, (int)(t.len > 60 ? 60 : t.len), t.ptr);
    else if (t.len > SWEEP_MAX_NAME_BYTES)
        reader_bad(r, pos_of(node), "%s: %zu characters; at most %u are possible", k->path, t.len,
                   SWEEP_MAX_NAME_BYTES);
    else
        r->out->name = t;
}

void apply_path(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    r->out->deck_pos = pos_of(node);
    (void)reader_text(r, k->path, node, &r->out->deck);
}

void apply_table_file(struct sweep_reader *r, const struct sweep_key *k,
                      const struct yaml_node *node)
{
    r->out->table_pos = pos_of(node);
    (void)reader_text(r, k->path, node, &r->out->table_file);
}

static const struct ds_span PLACEHOLDERS[] = {
    {"{deck}", 6},
    {"{output}", 8},
    {"{ranks}", 7},
    {"{threads}", 9},
};

/* "{dekc}" is a mistake, "{print $1}" or "{1..3}" another program's own. */
static void check_placeholders(struct sweep_reader *r, const char *path,
                               const struct yaml_node *node)
{
    struct ds_span t = node->text;
    for (size_t i = 0; i < t.len; i++) {
        const char *end = t.ptr[i] == '{' ? memchr(t.ptr + i, '}', t.len - i) : NULL;
        if (!end)
            continue;
        struct ds_span word = {t.ptr + i, (size_t)(end - t.ptr) - i + 1};
        bool known =
            word_place(word, PLACEHOLDERS, DS_COUNT(PLACEHOLDERS)) < DS_COUNT(PLACEHOLDERS);
        char near[NEAREST_BYTES];
        nearest_word(word, PLACEHOLDERS, DS_COUNT(PLACEHOLDERS), near);
        if (!known && near[0] && word.len <= 20)
            reader_bad(r, pos_inside(node, i), "%s: unknown '%.*s'%s", path, DS_FMT(word), near);
    }
}

void apply_command(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    r->has_command = true;
    r->command_pos = pos_of_key(node);
    if (!reader_texts(r, k->path, node, &r->out->command, &r->out->n_command))
        return;
    if (node->n == 0)
        reader_bad(r, pos_of(node), "%s: empty; write the program and its arguments", k->path);
    for (const struct yaml_node *c = node->first; c; c = c->next)
        check_placeholders(r, k->path, c);
}

void apply_retries(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    static const enum verdict SETTABLE[] = {VERDICT_OUT_OF_MEMORY, VERDICT_LOST, VERDICT_CRASHED};
    struct ds_span names[DS_COUNT(SETTABLE)];
    if (!reader_is_map(r, k->path, node))
        return;
    reader_report_doubles(r, k->path, node);
    for (size_t i = 0; i < DS_COUNT(SETTABLE); i++)
        names[i] = ds_span_of(verdict_name(SETTABLE[i]));
    for (const struct yaml_node *c = node->first; c; c = c->next) {
        size_t i = word_place(c->key, names, DS_COUNT(SETTABLE));
        double v;
        if (i == DS_COUNT(SETTABLE)) {
            char near[NEAREST_BYTES];
            nearest_word(c->key, names, DS_COUNT(SETTABLE), near);
            reader_bad(r, pos_of_key(c),
                       "%s.%.*s: unknown key%s; out-of-memory, lost and crashed can be set",
                       k->path, (int)(c->key.len > 60 ? 60 : c->key.len), c->key.ptr, near);
        } else if (!c->duplicate && reader_whole(r, k->path, c, 0, 100, &v)) {
            r->out->retries[SETTABLE[i]] = (uint32_t)v;
        }
    }
}

void apply_max_failed(struct sweep_reader *r, const struct sweep_key *k,
                      const struct yaml_node *node)
{
    struct ds_span t;
    double percent;
    uint64_t cases;
    if (!reader_text(r, k->path, node, &t) || ds_span_is(t, "off"))
        return;
    if (t.ptr[t.len - 1] == '%'
        && units_parse_double((struct ds_span){t.ptr, t.len - 1}, &percent, NULL) == 0
        && percent >= 0 && percent <= 100)
        r->out->max_failed_fraction = percent / 100;
    else if (units_parse_u64(t, SWEEP_MAX_CASES, &cases, NULL) == 0)
        r->out->max_failed_cases = (int64_t)cases;
    else
        reader_bad(r, pos_of(node),
                   "%s: '%.*s'; write a whole number of cases, a percentage like 10%%, or off",
                   k->path, (int)(t.len > 60 ? 60 : t.len), t.ptr);
}

/* The text between "<scheme>://" and the first '/', and what stands behind it. */
static bool split_url(struct ds_span url, const char *scheme, struct ds_span *host,
                      struct ds_span *rest)
{
    if (!ds_span_starts(url, scheme))
        return false;
    size_t n = strlen(scheme);
    *rest = ds_span_cut((struct ds_span){url.ptr + n, url.len - n}, '/', host);
    return true;
}

void apply_store(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    struct ds_span t, host, rest;
    if (!reader_text(r, k->path, node, &t))
        return;
    r->out->store_pos = pos_of(node);
    r->out->store = t;
    if (split_url(t, "s3://", &host, &rest)) {
        if (host.len < 3 || host.len > 63)
            reader_bad(r, pos_of(node), "%s: no bucket in '%.*s'; write s3://bucket/prefix",
                       k->path, (int)(t.len > 100 ? 100 : t.len), t.ptr);
    } else if (split_url(t, "pvc://", &host, &rest)) {
        if (host.len == 0 || host.len > 253)
            reader_bad(r, pos_of(node), "%s: no claim in '%.*s'; write pvc://claim/path", k->path,
                       (int)(t.len > 100 ? 100 : t.len), t.ptr);
    } else {
        struct ds_span scheme;
        (void)ds_span_cut(t, ':', &scheme);
        if (scheme.len + 3 <= t.len && memcmp(scheme.ptr + scheme.len, "://", 3) == 0)
            reader_bad(r, pos_of(node),
                       "%s: unknown kind of store '%.*s://'; write a path, s3://bucket/prefix or "
                       "pvc://claim/path",
                       k->path, (int)(scheme.len > 40 ? 40 : scheme.len), scheme.ptr);
    }
}

static bool looks_like_file(struct ds_span t)
{
    static const char SIGNS[] = {'*', '?', '[', '.'};
    for (size_t i = 0; i < t.len; i++)
        if (memchr(SIGNS, t.ptr[i], sizeof SIGNS))
            return true;
    return false;
}

static void bad_class(struct sweep_reader *r, const char *path, const struct yaml_node *node)
{
    struct ds_span names[8] = {DS_SPAN("all")};
    size_t n = 1;
    for (unsigned bit = CLASS_SUMMARY; bit <= CLASS_ALL && n < DS_COUNT(names); bit <<= 1)
        names[n++] = ds_span_of(result_class_name((enum result_class)bit));
    char near[NEAREST_BYTES];
    nearest_word(node->text, names, n, near);
    reader_bad(r, pos_of(node),
               "%s: '%.*s' is no class of results%s; there are summary log grid init restart rft "
               "debug all, and file names like \"*.EGRID\"",
               path, (int)(node->text.len > 60 ? 60 : node->text.len), node->text.ptr, near);
}

static int compare_spans(const void *a, const void *b)
{
    return ds_span_compare(*(const struct ds_span *)a, *(const struct ds_span *)b);
}

static void add_glob(struct sweep_reader *r, const char *path, const struct yaml_node *node,
                     struct keep *keep)
{
    if (memchr(node->text.ptr, '/', node->text.len)) {
        reader_bad(r, pos_of(node), "%s: '/' in a file name; globs match names, not folders", path);
        return;
    }
    for (size_t i = 0; i < keep->n_globs; i++)
        if (ds_span_eq(keep->globs[i], node->text))
            return;
    if (keep->n_globs == KEEP_MAX_GLOBS)
        reader_bad(r, pos_of(node), "%s: more than %u globs; join some with * or keep all", path,
                   KEEP_MAX_GLOBS);
    else
        keep->globs[keep->n_globs++] = node->text;
}

void apply_keep(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    const struct ds_span *list;
    struct keep keep = {0};
    size_t n;
    if (!reader_texts(r, k->path, node, &list, &n))
        return;
    if (n == 0)
        reader_bad(r, pos_of(node), "%s: empty; keep at least summary", k->path);
    for (const struct yaml_node *c = node->first; c; c = c->next) {
        unsigned class = result_class_from_name(c->text);
        keep.classes |= class;
        if (class == 0 && looks_like_file(c->text))
            add_glob(r, k->path, c, &keep);
        else if (class == 0)
            bad_class(r, k->path, c);
    }
    qsort(keep.globs, keep.n_globs, sizeof keep.globs[0], compare_spans);
    r->out->keep = keep;
}

void apply_vectors(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    struct sweep_collect *c = &r->out->collect;
    if (!reader_texts(r, k->path, node, &c->vectors, &c->n_vectors))
        return;
    if (node->n == 0)
        reader_bad(r, pos_of(node), "%s: empty; write [\"*\"] for all vectors", k->path);
    for (const struct yaml_node *one = node->first; one; one = one->next) {
        struct ds_err err;
        if (vector_pattern_check(one->text, &err) < 0)
            reader_bad(r, pos_of(one), "%s: %s", k->path, err.text);
    }
}

void apply_formats(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    static const struct ds_span NAMES[] = {
        {"netcdf", 6}, {"csv", 3}, {"csv.gz", 6}, {"csv.zst", 7}};
    struct sweep_collect *c = &r->out->collect;
    bool *flags[] = {&c->netcdf, &c->csv, &c->csv_gz, &c->csv_zst};
    const struct ds_span *list;
    size_t n;
    if (!reader_texts(r, k->path, node, &list, &n))
        return;
    if (n == 0)
        reader_bad(r, pos_of(node), "%s: empty; write at least one of netcdf csv csv.gz csv.zst",
                   k->path);
    c->netcdf = c->csv = c->csv_gz = c->csv_zst = false;
    for (const struct yaml_node *at = node->first; at; at = at->next) {
        size_t i = word_place(at->text, NAMES, DS_COUNT(NAMES));
        if (i < DS_COUNT(NAMES)) {
            *flags[i] = true;
            continue;
        }
        char near[NEAREST_BYTES];
        nearest_word(at->text, NAMES, DS_COUNT(NAMES), near);
        reader_bad(r, pos_of(at), "%s: '%.*s' is none of netcdf csv csv.gz csv.zst%s", k->path,
                   (int)(at->text.len > 60 ? 60 : at->text.len), at->text.ptr, near);
    }
}

void apply_deck_from(struct sweep_reader *r, const struct sweep_key *k,
                     const struct yaml_node *node)
{
    static const struct ds_span KINDS[] = {{"configMap", 9}, {"store", 5}, {"url", 3}};
    if (!reader_is_map(r, k->path, node))
        return;
    reader_report_doubles(r, k->path, node);
    if (node->n != 1)
        reader_bad(r, pos_of(node), "%s: write exactly one of configMap, store and url", k->path);
    for (const struct yaml_node *c = node->first; c; c = c->next) {
        size_t i = word_place(c->key, KINDS, DS_COUNT(KINDS));
        char near[NEAREST_BYTES];
        nearest_word(c->key, KINDS, DS_COUNT(KINDS), near);
        if (i == DS_COUNT(KINDS))
            reader_bad(r, pos_of_key(c), "%s.%.*s: unknown key%s", k->path,
                       (int)(c->key.len > 60 ? 60 : c->key.len), c->key.ptr, near);
        else if (reader_text(r, k->path, c, &r->out->deck_from))
            r->out->deck_from_kind = KINDS[i];
    }
}

void apply_once_do(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    static const struct ds_span WORDS[] = {
        {"retry-failed", 12}, {"refill", 6}, {"accept", 6}, {"replace", 7}};
    const struct ds_span *list;
    size_t n;
    if (!reader_texts(r, k->path, node, &list, &n))
        return;
    for (const struct yaml_node *c = node->first; c; c = c->next) {
        size_t i = word_place(c->text, WORDS, DS_COUNT(WORDS));
        char near[NEAREST_BYTES];
        nearest_word(c->text, WORDS, DS_COUNT(WORDS), near);
        if (i == DS_COUNT(WORDS))
            reader_bad(r, pos_of(c), "%s: '%.*s' is none of retry-failed refill accept replace%s",
                       k->path, (int)(c->text.len > 60 ? 60 : c->text.len), c->text.ptr, near);
    }
}

void apply_where(struct sweep_reader *r, const struct sweep_key *k, const struct yaml_node *node)
{
    if (!reader_text(r, k->path, node, &r->out->where))
        return;
    r->out->where_pos = pos_of(node);
    r->where_node = node;
}
