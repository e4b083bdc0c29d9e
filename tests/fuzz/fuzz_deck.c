/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decks are hostile: lexer, closure, templates, features and trim over a file system that the
 * input describes. "=== path\n" begins a file; what stands before the first is /w/CASE.DATA. A
 * `files` parameter GEO has the values /w/geo/a and /w/geo/b.inc. */
#include "../support/mem_files.h"
#include "deck/features.h"
#include "deck/template.h"
#include "deck/trim.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split_files(struct mem_files *m, struct ds_span input)
{
    struct ds_span path = DS_SPAN("/w/CASE.DATA");
    size_t start = 0, at = 0, before = 0;
    struct ds_span line;
    while (deck_next_line(input, &at, &line)) {
        if (ds_span_starts(line, "=== /")) {
            mem_add(m, path, (struct ds_span){input.ptr + start, before - start});
            path = (struct ds_span){line.ptr + 4, line.len - 4};
            start = at;
        }
        before = at;
    }
    mem_add(m, path, (struct ds_span){input.ptr + start, input.len - start});
}

static void check_files(const struct closure *c)
{
    for (size_t i = 0; i < c->n_files; i++) {
        const struct closure_file *f = &c->files[i];
        assert(path_is_safe_member(f->bundle_path));
        assert(strlen(f->sha256) == 64);
        assert(f->is_common || f->n_owners > 0);
        assert(f->is_text == (f->content.ptr != NULL));
        assert(i == 0 || ds_span_compare(c->files[i - 1].digest_path, f->digest_path) < 0);
    }
    assert(c->files[c->root].is_common);
}

static size_t count_lines(struct ds_span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

/* Trimmed and rendered text keeps its lines; what is rendered has no declared slot left. */
static void check_render(const struct closure *c, const struct trim_edit *edits, size_t n,
                         struct ds_arena *a)
{
    static const struct ds_span names[] = {{"A", 1}, {"GEO", 3}};
    static const struct ds_span values[] = {{"0.25", 4}, {"geo/a", 5}};
    for (size_t i = 0; i < c->n_files; i++) {
        const struct closure_file *f = &c->files[i];
        struct template_plan plan;
        struct template_slot *slots;
        size_t n_slots = 0;
        ds_auto_buf b;
        buf_init(&b, 64u << 20);
        if (!f->is_text)
            continue;
        if (template_prepare(f->bundle_path, f->content, names, 2, edits, n, a, &plan, NULL) != 0)
            continue;
        if (template_render(&plan, values, 2, &b, NULL) != 0)
            continue;
        assert(count_lines(buf_span(&b)) == count_lines(f->content));
        if (template_find(f->content, 0, a, &slots, &n_slots, NULL) == 0) {
            for (size_t k = 0; k < n_slots; k++) {
                int rc = template_check_value(&slots[k], values[k % 2], NULL);
                assert(rc == 0 || rc == DS_EINPUT);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ds_span geo[] = {{"/w/geo/a", 8}, {"/w/geo/b.inc", 12}};
    static const struct deck_files_param param = {{"GEO", 3}, geo, 2, 0};
    static const struct ds_span names[] = {{"A", 1}, {"GEO", 3}};
    struct ds_arena *a = arena_create((size_t)256 << 20);
    struct mem_files m;
    mem_init(&m, a);
    split_files(&m, (struct ds_span){(const char *)data, size});
    struct deck_problems *problems = ds_new(a, struct deck_problems, 1);
    bool has_geo = mem_find(&m, geo[1]) >= 0;
    struct closure_request q = {.deck_path = DS_SPAN("/w/CASE.DATA"),
                                .reader = &m.reader,
                                .params = &param,
                                .n_params = has_geo ? 1 : 0,
                                .names = names,
                                .n_names = 2};
    struct closure c;
    struct deck_features f;
    struct ds_span title;
    struct ds_err err = {0};
    struct trim_edit *edits = NULL;
    size_t n_edits = 0;
    bool used[2] = {0};
    if (closure_scan(&q, a, &c, problems, &err) == 0) {
        check_files(&c);
        (void)!template_check(&c, names, 2, used, a, NULL, NULL, problems, &err);
        if (features_read(&c, a, &f, &title, problems, &err) == 0)
            assert(features_memory_bytes(&f, 1) > (64u << 20));
        (void)features_summary_can(&c, DS_SPAN("W*:PROD"));
        if (trim_find(&c, a, &edits, &n_edits, &err) == 0)
            check_render(&c, edits, n_edits, a);
    } else {
        assert(err.code != 0 && err.text[0] != '\0');
    }
    arena_destroy(a);
    return 0;
}
