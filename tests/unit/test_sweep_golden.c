/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sweep files in tests/golden/sweeps with the design.csv or the complaints they must give.
 * BLESS=1 rewrites what is expected: review the difference. A `files` pattern finds three files here,
 * its star replaced by 1, 2, 3; the digest of a file is the SHA-256 of its name. */
#include "base/fs_io.h"
#include "base/path.h"
#include "base/sha256.h"
#include "sweep_help.h"

#include <dirent.h>

#define FOLDER "tests/golden/sweeps"

struct found {
    struct design_files files[8];
    struct design_digest digests[24];
    size_t n_files, n_digests;
};

static int compare_digests(const void *a, const void *b)
{
    return ds_span_compare(((const struct design_digest *)a)->path,
                           ((const struct design_digest *)b)->path);
}

static void find_files(struct sweep_case *c, struct found *f)
{
    for (size_t i = 0; i < c->sweep.n_params && f->n_files < 8; i++) {
        const struct sweep_param *p = &c->sweep.params[i];
        struct ds_span head, tail = ds_span_cut(p->files, '*', &head);
        if (p->kind != PARAM_FILES)
            continue;
        struct ds_span *paths = ds_new(c->a, struct ds_span, 3);
        for (int k = 0; k < 3; k++) {
            char *hex = ds_new(c->a, char, 65);
            paths[k] = arena_format(c->a, "%.*s%d%.*s", DS_FMT(head), k + 1, DS_FMT(tail));
            sha256_of(paths[k].ptr, paths[k].len, hex);
            f->digests[f->n_digests++] = (struct design_digest){paths[k], ds_span_of(hex)};
        }
        f->files[f->n_files++] = (struct design_files){p->name, paths, 3};
    }
    qsort(f->digests, f->n_digests, sizeof f->digests[0], compare_digests);
}

static void put_problems(const struct sweep_case *c, struct ds_span path, struct ds_buf *out)
{
    char text[SWEEP_PROBLEM_BYTES];
    for (size_t i = 0; i < c->problems.n; i++) {
        sweep_problem_format(path, &c->problems.at[i], text);
        (void)buf_printf(out, "%s\n", text);
    }
}

static void make_result(const char *name, struct ds_buf *out)
{
    auto_case c = {.a = arena_create((size_t)1 << 28)};
    struct ds_span text, path = arena_format(c.a, FOLDER "/%s", name);
    struct found found = {.n_files = 0};
    struct design_inputs in = {.files = found.files};
    cr_assert_eq(fs_read_file(path.ptr, 1 << 20, c.a, &text, &c.err), 0, "%s", c.err.text);
    c.rc = sweep_parse(path, text, c.a, &c.sweep, &c.problems, &c.err);
    if (c.rc == 0) {
        find_files(&c, &found);
        in.n_files = found.n_files;
        struct ds_span table = path_join(c.a, c.sweep.dir, c.sweep.table_file);
        if (c.sweep.table_file.len > 0)
            cr_assert_eq(fs_read_file(table.ptr, 1 << 20, c.a, &in.table_text, &c.err), 0, "%s",
                         c.err.text);
        c.rc = design_expand(&c.sweep, &in, c.a, &c.t, &c.problems, &c.err);
    }
    put_problems(&c, path, out);
    if (c.rc < 0)
        return;
    struct case_identity shared = {.preset_flow = true, .version = DS_SPAN("2022.10"), .ranks = 1};
    struct case_id *ids = ds_new(c.a, struct case_id, c.t.n_rows);
    memset(shared.base_digest, '0', 64);
    cr_assert_eq(
        design_make_ids(&c.t, &shared, found.digests, found.n_digests, false, c.a, ids, &c.err), 0);
    cr_assert_eq(design_write_csv(&c.t, ids, out, &c.err), 0);
}

static int is_sweep(const struct dirent *e)
{
    return ds_span_ends(ds_span_of(e->d_name), ".yaml");
}

Test(sweep_golden, sweeps_give_the_design_or_the_complaints_they_gave)
{
    struct dirent **names;
    int n = scandir(FOLDER, &names, is_sweep, alphasort);
    cr_assert_geq(n, 12);
    for (int i = 0; i < n; i++) {
        ds_auto_buf out;
        ds_auto_arena a = arena_create(8u << 20);
        struct ds_err err;
        struct ds_span want;
        struct ds_span path = arena_format(a, FOLDER "/%.*s.expected",
                                           (int)strlen(names[i]->d_name) - 5, names[i]->d_name);
        buf_init(&out, 4u << 20);
        make_result(names[i]->d_name, &out);
        if (getenv("BLESS"))
            cr_assert_eq(fs_replace_file(path.ptr, buf_span(&out), &err), 0, "%s", err.text);
        cr_assert_eq(fs_read_file(path.ptr, 4u << 20, a, &want, &err), 0, "%s: make bless",
                     err.text);
        cr_expect_str_eq(out.data, want.ptr, "%s differs; see it with BLESS=1 and git diff",
                         names[i]->d_name);
        free(names[i]);
    }
    free(names);
}
