/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decktool - what the deck library makes of a deck, for the tests
 *
 *   decktool check DECK [NAME=PATH,PATH...]    problems; exit 0 accepted, 2 refused
 *   decktool closure DECK [NAME=PATH,...]      files, digests, rewritten strings
 *   decktool features DECK                     key value lines
 *   decktool memory DECK RANKS                 bytes of the model
 *   decktool trim DECK DIR                     the bundle, trimmed, under DIR; edits on stdout
 *   decktool copy DECK DIR                     the bundle, untrimmed
 *   decktool can DECK PATTERN                  yes, no or unknown
 *   decktool vectors DECK                      keywords of SUMMARY
 *   decktool keywords FILE                     every keyword of one file with its line */
#include "base/fs_io.h"
#include "base/path.h"
#include "base/units.h"
#include "deck/deck_files_io.h"
#include "deck/features.h"
#include "deck/template.h"
#include "deck/trim.h"
#include "deck/walk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_PARAMS 16

struct tool {
    struct ds_arena *arena;
    struct deck_files *files;
    struct closure closure;
    struct deck_problems *problems;
    struct deck_files_param params[MAX_PARAMS];
    struct ds_span names[MAX_PARAMS];
    size_t n_params;
    struct ds_err err;
};

static void parse_param(struct tool *t, const char *text)
{
    struct ds_span name, rest = ds_span_cut(ds_span_of(text), '=', &name);
    struct ds_span *paths = ds_new(t->arena, struct ds_span, 64);
    size_t n = 0;
    while (rest.len > 0 && n < 64)
        rest = ds_span_cut(rest, ',', &paths[n++]);
    t->names[t->n_params] = name;
    t->params[t->n_params] = (struct deck_files_param){name, paths, n, (uint32_t)t->n_params};
    t->n_params++;
}

static int scan(struct tool *t, const char *deck)
{
    struct closure_request q = {.deck_path = ds_span_of(deck),
                                .reader = deck_files_reader(t->files),
                                .params = t->params,
                                .n_params = t->n_params,
                                .names = t->names,
                                .n_names = t->n_params,
                                .flow_version = DS_SPAN(DECK_FLOW_VERSION)};
    int rc = closure_scan(&q, t->arena, &t->closure, t->problems, &t->err);
    bool used[MAX_PARAMS];
    if (rc == 0)
        rc = template_check(&t->closure, t->names, t->n_params, used, t->arena, NULL, NULL,
                            t->problems, &t->err);
    return rc == 0 ? deck_problems_check(t->problems, &t->err) : rc;
}

static int features(struct tool *t, struct deck_features *f, struct ds_span *title)
{
    return features_read(&t->closure, t->arena, f, title, t->problems, &t->err);
}

static void print_problems(const struct tool *t)
{
    for (size_t i = 0; i < t->problems->n; i++)
        fprintf(stderr, "%s: %s\n", t->problems->at[i].is_warning ? "warning" : "error",
                t->problems->at[i].text);
}

static void print_closure(const struct tool *t)
{
    const struct closure *c = &t->closure;
    printf("deck %.*s%.*s root %.*s digest %s\n", DS_FMT(c->deck_dir), DS_FMT(c->deck_name),
           DS_FMT(c->case_root), c->base_digest);
    for (size_t i = 0; i < c->n_files; i++) {
        const struct closure_file *f = &c->files[i];
        printf("file %.*s %.*s %s %llu %s %s owners %zu\n", DS_FMT(f->digest_path),
               DS_FMT(f->bundle_path), f->sha256, (unsigned long long)f->size_bytes,
               f->is_text ? "text" : "data", f->is_common ? "common" : "case", f->n_owners);
    }
    for (size_t p = 0; p < t->n_params; p++) {
        for (size_t v = 0; v < t->params[p].n_paths; v++)
            printf("value %.*s %.*s %s\n", DS_FMT(t->names[p]), DS_FMT(c->values[p][v].text),
                   c->values[p][v].sha256);
    }
    for (size_t i = 0; i < c->n_rewritten; i++)
        printf("rewritten %.*s\n", DS_FMT(c->rewritten[i]));
    if (c->restart.present)
        printf("restart %.*s step %u time %.10g\n", DS_FMT(c->restart.root), c->restart.step,
               c->restart.has_time ? c->restart.time_days : -1.0);
}

static int print_features(struct tool *t)
{
    struct deck_features f;
    struct ds_span title;
    int rc = features(t, &f, &title);
    if (rc != 0)
        return rc;
    char start[24];
    units_format_date(f.start_unix_s, start);
    printf("title %.*s\nnx %llu\nny %llu\nnz %llu\nactive %llu\ninactive %llu\nconnections %llu\n",
           DS_FMT(title), (unsigned long long)f.nx, (unsigned long long)f.ny,
           (unsigned long long)f.nz, (unsigned long long)f.active_cells,
           (unsigned long long)f.inactive_cells, (unsigned long long)f.connections);
    printf("phases %u\nheavy %d\nsteps %u\nend_days %.10g\nstart %s\nwrites_restart %d\n"
           "unified %d\nformatted %d\nactionx %d\nrptonly %d\nrestart %d\nrestart_step %u\n"
           "output_bytes %llu\n",
           f.n_phases, f.heavy, f.n_report_steps, f.end_time_days, start, f.writes_restart,
           f.unified, f.formatted, f.has_actionx, f.has_rptonly, f.is_restart, f.restart_step,
           (unsigned long long)f.estimated_output_bytes);
    struct ds_span words = features_memory_words(&f, 1, t->arena);
    printf("memory %llu %.*s\n", (unsigned long long)features_memory_bytes(&f, 1), DS_FMT(words));
    return 0;
}

static int write_bundle_file(struct tool *t, const char *dir, const struct closure_file *f,
                             const struct trim_edit *edits, size_t n)
{
    struct ds_span path = arena_format(t->arena, "%s/%.*s", dir, DS_FMT(f->bundle_path));
    struct ds_span folder = path_dir(path), text = f->content;
    char *folder_text = arena_cstr(t->arena, folder);
    int rc = fs_make_dirs(folder_text, &t->err);
    if (rc == 0 && !f->is_text)
        rc = fs_read_file(arena_cstr(t->arena, f->source), 1u << 30, t->arena, &text, &t->err);
    ds_auto_buf b;
    buf_init(&b, 1u << 30);
    if (rc == 0 && f->is_text) {
        rc = trim_apply(f->bundle_path, text, edits, n, &b, &t->err);
        text = buf_span(&b);
    }
    return rc == 0 ? fs_write_file_at(AT_FDCWD, path.ptr, text, &t->err) : rc;
}

static int write_bundle(struct tool *t, const char *dir, bool trim)
{
    struct trim_edit *edits = NULL;
    size_t n = 0;
    int rc = trim ? trim_find(&t->closure, t->arena, &edits, &n, &t->err) : 0;
    for (size_t i = 0; i < n; i++)
        printf("%.*s:%u: %.*s => %.*s\n", DS_FMT(edits[i].path), edits[i].line,
               DS_FMT(edits[i].was), DS_FMT(edits[i].now));
    for (size_t i = 0; i < t->closure.n_files && rc == 0; i++)
        rc = write_bundle_file(t, dir, &t->closure.files[i], edits, n);
    return rc;
}

static int print_memory(struct tool *t, const char *ranks)
{
    struct deck_features f;
    struct ds_span title;
    uint64_t n = 1;
    int rc = features(t, &f, &title);
    if (rc == 0)
        rc = units_parse_u64(ds_span_of(ranks), 100000, &n, &t->err);
    if (rc == 0)
        printf("%llu\n", (unsigned long long)features_memory_bytes(&f, (uint32_t)n));
    return rc;
}

static int print_vectors(struct tool *t)
{
    struct ds_span *list = NULL;
    size_t n = 0;
    int rc = features_summary_keywords(&t->closure, t->arena, &list, &n, &t->err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        printf("%.*s\n", DS_FMT(list[i]));
    return rc;
}

static int run(struct tool *t, const char *mode, const char *argument)
{
    struct deck_features f;
    struct ds_span title, m = ds_span_of(mode);
    if (ds_span_is(m, "check"))
        return features(t, &f, &title);
    if (ds_span_is(m, "closure")) {
        print_closure(t);
        return 0;
    }
    if (ds_span_is(m, "features"))
        return print_features(t);
    if (ds_span_is(m, "vectors"))
        return print_vectors(t);
    if (ds_span_is(m, "memory"))
        return print_memory(t, argument);
    if (ds_span_is(m, "trim") || ds_span_is(m, "copy"))
        return write_bundle(t, argument, ds_span_is(m, "trim"));
    if (ds_span_is(m, "can")) {
        puts(features_summary_can(&t->closure, ds_span_of(argument)) ? "yes" : "no");
        return 0;
    }
    return ds_fail(&t->err, DS_EINPUT, "no such mode: %s", mode);
}

/* Every keyword of one file, INCLUDEs not followed; to be held against Flow's own log. */
static int print_keywords(struct tool *t, const char *path)
{
    struct ds_span text, line, token;
    struct deck_walk *w = ds_new(t->arena, struct deck_walk, 1);
    struct deck_token tokens[64];
    size_t at = 0, n = 0;
    int rc = fs_read_file(path, 1u << 30, t->arena, &text, &t->err);
    for (uint32_t number = 1; rc == 0 && deck_next_line(text, &at, &line); number++) {
        struct walk_step step = deck_walk_line(w, 0, number, line);
        if (step.events & WALK_BEGAN) {
            printf("%s %u\n", w->keyword.name, number);
            n = 0;
            if (ds_span_is(ds_span_of(w->keyword.name), "END"))
                break;
        }
        size_t from = 0;
        while ((step.events & WALK_DATA) && n < 64 && deck_next_token(step.data, &from, &token))
            tokens[n++] = (struct deck_token){token, number, 1};
        if ((step.events & WALK_RECORD) && w->n_records == 1)
            deck_walk_set_dims(w, deck_walk_dims_slot(ds_span_of(w->keyword.name)), tokens, n);
    }
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: decktool MODE DECK [ARGUMENT]\n", stderr);
        return 2;
    }
    struct tool t = {.arena = arena_create((size_t)1 << 30), .files = deck_files_create()};
    t.problems = ds_new(t.arena, struct deck_problems, 1);
    const char *argument = "";
    for (int i = 3; i < argc; i++) {
        if (memchr(argv[i], '=', strlen(argv[i])) && t.n_params < MAX_PARAMS)
            parse_param(&t, argv[i]);
        else
            argument = argv[i];
    }
    bool raw = ds_span_is(ds_span_of(argv[1]), "keywords");
    int rc = raw ? print_keywords(&t, argv[2]) : scan(&t, argv[2]);
    if (rc == 0 && !raw)
        rc = run(&t, argv[1], argument);
    print_problems(&t);
    if (rc != 0 && t.problems->n_errors == 0)
        fprintf(stderr, "error: %s\n", t.err.text);
    deck_files_destroy(t.files);
    arena_destroy(t.arena);
    return rc == 0 ? 0 : ds_exit_status((enum ds_code)rc);
}
