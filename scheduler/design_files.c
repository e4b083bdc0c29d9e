/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells of a case table that name files: by path, or by file name where only one has it. */
#include "base/path.h"
#include "design_build.h"

#include <stdlib.h>

static int compare_names(const void *x, const void *y)
{
    const struct file_name *a = x, *b = y;
    int c = ds_span_compare(a->name, b->name);
    if (c != 0)
        return c;
    if (a->is_path != b->is_path)
        return a->is_path ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

int design_index_files(struct build *b, struct build_column *c)
{
    struct file_name *names = ds_new(b->a, struct file_name, 2 * c->n_files);
    if (!names)
        return build_too_big(b);
    for (size_t i = 0; i < c->n_files; i++) {
        names[2 * i] = (struct file_name){c->files[i], i, true};
        names[2 * i + 1] = (struct file_name){path_base(c->files[i]), i, false};
    }
    qsort(names, 2 * c->n_files, sizeof *names, compare_names);
    c->file_names = names;
    return 0;
}

/* The first name that is not before `cell`; of equal ones a whole path stands first. */
static size_t lower_bound(const struct build_column *c, struct ds_span cell)
{
    size_t lo = 0, hi = 2 * c->n_files;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ds_span_compare(c->file_names[mid].name, cell) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct ds_span cut_to(struct ds_span s, size_t most)
{
    return (struct ds_span){s.ptr, s.len < most ? s.len : most};
}

int design_put_file_cell(struct build *b, uint32_t row, size_t column, struct ds_span cell,
                         struct ds_span file, uint32_t line)
{
    const struct build_column *c = &b->columns[column];
    const struct file_name *at = c->file_names + lower_bound(c, cell);
    const struct file_name *end = c->file_names + 2 * c->n_files;
    struct sweep_pos pos = {line, 1};
    struct ds_span shown = cut_to(cell, 80);
    if (at == end || !ds_span_eq(at->name, cell)) {
        sweep_problem_add(b->problems, file, pos,
                          "column %.*s: '%.*s' is none of the files that '%.*s' matches (%zu, the "
                          "first is '%.*s')",
                          DS_FMT(c->name), DS_FMT(shown), DS_FMT(cut_to(c->param->files, 80)),
                          c->n_files, DS_FMT(cut_to(c->files[0], 80)));
        return DS_EINPUT;
    }
    if (!at->is_path && at + 1 < end && ds_span_eq(at[1].name, cell)) {
        sweep_problem_add(b->problems, file, pos,
                          "column %.*s: '%.*s' is the name of '%.*s' and of '%.*s'; write the path",
                          DS_FMT(c->name), DS_FMT(shown), DS_FMT(cut_to(c->files[at->place], 80)),
                          DS_FMT(cut_to(c->files[at[1].place], 80)));
        return DS_EINPUT;
    }
    build_put_text(b, row, column, c->files[at->place]);
    return 0;
}
