/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/case_folder_io.h"

#include "agent/parameters.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "deck/template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FOLDER_ARENA_BYTES ((size_t)1 << 30)
#define COPY_BYTES         ((size_t)1 << 20)

struct folder {
    const struct planned_view *v;
    struct ds_arena *a;
    const char *dir;
    bool trim;
    const struct ds_span *names, *values; /* of all placeholders, built-in ones last */
    size_t n_names;
};

static int fill_values(struct folder *f, uint32_t row, struct ds_err *err)
{
    const struct plan *p = f->v->plan;
    f->n_names = p->n_params + PARAMETERS_BUILT_IN;
    f->names = parameters_names(p, f->a);
    if (!f->names)
        return ds_fail(err, DS_ETOOBIG, "the values of a case do not fit");
    return parameters_values(p, f->v->design, row, f->a, &f->values, err);
}

/* Does the file belong to this case: to all of them, or to the value this one has? */
static bool belongs(const struct folder *f, const struct closure_file *file)
{
    const struct sweep *w = f->v->sweep;
    if (file->is_common)
        return true;
    for (size_t o = 0; o < file->n_owners; o++) {
        uint32_t at = 0; /* the owner's parameter is the at-th of kind files */
        for (size_t i = 0; i < w->n_params; i++) {
            if (w->params[i].kind != PARAM_FILES || at++ != file->owners[o].param)
                continue;
            struct ds_span text =
                f->v->closure->values[file->owners[o].param][file->owners[o].value].text;
            for (size_t k = 0; k < f->n_names; k++)
                if (ds_span_eq(f->names[k], w->params[i].name) && ds_span_eq(f->values[k], text))
                    return true;
        }
    }
    return false;
}

static int copy_streamed(const struct closure_file *file, const char *to, struct ds_arena *a,
                         struct ds_err *err)
{
    char *source = arena_cstr(a, file->source), *bytes = arena_take(a, COPY_BYTES, 1);
    if (!source || !bytes)
        return ds_fail(err, DS_ETOOBIG, "%.*s does not fit", DS_FMT(file->source));
    ds_auto_fd in = open(source, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", source);
    ds_auto_fd out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", to);
    for (uint64_t at = 0; at < file->size_bytes;) {
        uint64_t left = file->size_bytes - at;
        size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        int rc = fs_pread_all(in, bytes, n, at, err);
        rc = rc < 0 ? rc : fs_write_all(out, bytes, n, err);
        if (rc < 0)
            return ds_wrap(err, "%s", to);
        at += n;
    }
    return 0;
}

static int write_text(const struct folder *f, const struct closure_file *file, const char *to,
                      struct ds_err *err)
{
    const struct plan *p = f->v->plan;
    ds_auto_buf rendered;
    buf_init(&rendered, (size_t)2 << 30);
    struct template_plan t;
    ds_auto_arena a = arena_create(FOLDER_ARENA_BYTES);
    int rc = template_prepare(file->bundle_path, file->content, f->names, f->n_names,
                              f->trim ? p->trims : NULL, f->trim ? p->n_trims : 0, a, &t, err);
    rc = rc < 0 ? rc : template_render(&t, f->values, f->n_names, &rendered, err);
    rc = rc < 0 ? rc : fs_write_file_at(AT_FDCWD, to, buf_span(&rendered), err);
    return rc;
}

static bool is_rendered(const struct folder *f, const struct closure_file *file)
{
    const struct plan *p = f->v->plan;
    for (size_t i = 0; i < p->n_templates; i++)
        if (ds_span_eq(p->templates[i], file->bundle_path))
            return true;
    for (size_t i = 0; f->trim && i < p->n_trims; i++)
        if (ds_span_eq(p->trims[i].path, file->bundle_path))
            return true;
    return false;
}

static int write_file(const struct folder *f, const struct closure_file *file, struct ds_err *err)
{
    struct ds_span to = path_join(f->a, ds_span_of(f->dir), file->bundle_path);
    char *parent = to.ptr ? arena_cstr(f->a, path_dir(to)) : NULL;
    if (!parent)
        return ds_fail(err, DS_ETOOBIG, "name too long");
    int rc = fs_make_dirs(parent, err);
    if (rc < 0)
        return rc;
    if (!file->content.ptr)
        return copy_streamed(file, to.ptr, f->a, err);
    if (is_rendered(f, file))
        return write_text(f, file, to.ptr, err);
    return fs_write_file_at(AT_FDCWD, to.ptr, file->content, err);
}

int case_folder_write(const struct planned_view *v, uint32_t row, const char *dir, bool trim,
                      struct ds_err *err)
{
    ds_auto_arena a = arena_create(FOLDER_ARENA_BYTES);
    struct folder f = {.v = v, .a = a, .dir = dir, .trim = trim};
    int rc = fill_values(&f, row, err);
    rc = rc < 0 ? rc : fs_make_dirs(dir, err);
    for (size_t i = 0; i < v->closure->n_files && rc == 0; i++)
        if (belongs(&f, &v->closure->files[i]))
            rc = write_file(&f, &v->closure->files[i], err);
    return rc;
}
