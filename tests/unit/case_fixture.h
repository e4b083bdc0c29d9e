/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store with a bundle and a scratch folder, made by hand, for tests of staging and publishing. */
#ifndef TESTS_CASE_FIXTURE_H
#define TESTS_CASE_FIXTURE_H

#include "agent/stage_io.h"
#include "archive/archive.h"
#include "base/fs_io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG_BYTES 100000u /* above what is simply copied */

struct member_text {
    const char *path, *text;
};

struct fixture {
    char dir[64];
    int dir_fd, scratch_fd, cases_fd, spool_fd;
    struct store *store;
    struct ds_arena *arena;
    struct plan plan;
    struct design design;
};

static int to_buf(void *context, const void *data, size_t n, struct ds_err *err)
{
    (void)err;
    return buf_put(context, data, n);
}

static inline void fixture_make(struct fixture *f, const struct member_text *members, size_t n,
                                const char *design_csv)
{
    struct ds_err err = {0};
    *f = (struct fixture){.arena = arena_create((size_t)64 << 20)};
    (void)snprintf(f->dir, sizeof f->dir, "build/test-case-XXXXXX");
    cr_assert_not_null(mkdtemp(f->dir));
    f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(mkdirat(f->dir_fd, "scratch", 0700), 0);
    cr_assert_eq(mkdirat(f->dir_fd, "scratch/cases", 0700), 0);
    cr_assert_eq(mkdirat(f->dir_fd, "scratch/spool", 0700), 0);
    f->scratch_fd = openat(f->dir_fd, "scratch", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->cases_fd = openat(f->scratch_fd, "cases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->spool_fd = openat(f->scratch_fd, "spool", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char url[80];
    (void)snprintf(url, sizeof url, "%s/store", f->dir);
    cr_assert_eq(store_open(url, STORE_WRITE, &f->store, &err), 0, "%s", err.text);
    ds_auto_buf bundle;
    buf_init(&bundle, 16u << 20);
    struct archive_writer *w = archive_writer_create(3, 0);
    uint64_t total;
    bool existed;
    archive_writer_start(w, to_buf, &bundle);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(archive_add_bytes(w, members[i].path, ds_bytes_of(ds_span_of(members[i].text)),
                                       NULL, &err),
                     0, "%s", err.text);
    cr_assert_eq(archive_writer_end(w, &total, &err), 0);
    archive_writer_destroy(w);
    struct store_body body = {.data = bundle.data, .fd = -1, .len = bundle.len};
    cr_assert_eq(store_put_if_absent(f->store, "s/bundle", body, &existed, &err), 0, "%s",
                 err.text);
    cr_assert_eq(design_decode(ds_span_of(design_csv), f->arena, &f->design, &err), 0, "%s",
                 err.text);
}

static inline void fixture_clear(struct fixture *f)
{
    store_close(f->store);
    arena_destroy(f->arena);
    fs_close_at(&f->spool_fd);
    fs_close_at(&f->cases_fd);
    fs_close_at(&f->scratch_fd);
    fs_close_at(&f->dir_fd);
    cr_expect_eq(fs_remove_tree_at(AT_FDCWD, f->dir, NULL), 0);
}

/* The text of a file below the case's folder, or "(none)". */
static inline const char *text_of(struct fixture *f, const char *path)
{
    struct ds_span text;
    return fs_read_file_at(f->cases_fd, path, 16u << 20, f->arena, &text, NULL) < 0 ? "(none)"
                                                                                    : text.ptr;
}

#endif
