/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive/extract_io.h"

#include "archive/reader_frames.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "decksweep/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct extract {
    struct archive_reader *r;
    archive_read_f read;
    void *context;
    const struct archive_extract *how;
    const struct case_file **file_of; /* by place in the index; NULL without files */
    struct ds_span folder;            /* of the last member: "" is how->folder_fd */
    int folder_fd;                    /* its descriptor, -1 none */
};

/* 0 or errno. A link where a folder should be is ELOOP or ENOTDIR. */
static int open_or_make(int at, const char *name, int *fd)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    *fd = openat(at, name, flags);
    if (*fd < 0 && errno == ENOENT && mkdirat(at, name, 0777) < 0 && errno != EEXIST)
        return errno;
    if (*fd < 0)
        *fd = openat(at, name, flags);
    return *fd < 0 ? errno : 0;
}

/* The folder of a member, made where missing; stays open for the next member. */
static int enter_folder(struct extract *e, struct ds_span dir, struct ds_err *err)
{
    char part[PATH_MAX_BYTES + 1];
    struct ds_span rest = dir, head;
    if (e->folder_fd >= 0 && ds_span_eq(e->folder, dir))
        return 0;
    ds_auto_fd at = fcntl(e->how->folder_fd, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return ds_fail_errno(err, DS_EIO, errno, "extract");
    while (rest.len > 0) {
        int next = -1;
        rest = ds_span_cut(rest, '/', &head);
        memcpy(part, head.ptr, head.len);
        part[head.len] = '\0';
        int sys = open_or_make(at, part, &next);
        if (sys != 0)
            return ds_fail_errno(err, DS_EIO, sys, "extract: folder %.*s", DS_FMT(dir));
        fs_close_at(&at);
        at = next;
    }
    fs_close_at(&e->folder_fd);
    e->folder_fd = ds_take_fd(&at);
    e->folder = dir;
    return 0;
}

static int write_piece(void *context, const void *data, size_t n, struct ds_err *err)
{
    return fs_write_all(*(int *)context, data, n, err);
}

/* Content, mode, SHA-256 of one member into an open new file. */
static int fill_file(struct extract *e, const struct archive_member *m,
                     const struct case_file *expected, int fd, struct ds_err *err)
{
    char sha256[65];
    bool executable = false;
    int rc = archive_stream_member_mode(e->r, e->read, e->context, m, write_piece, &fd,
                                        expected ? sha256 : NULL, &executable, err);
    if (rc < 0)
        return rc;
    if (expected
        && (expected->size_bytes != m->size_bytes || strcmp(expected->sha256, sha256) != 0))
        return ds_fail(err, DS_ECORRUPT, "its SHA-256 is not the one in case.json");
    struct stat st;
    if (executable && (fstat(fd, &st) < 0 || fchmod(fd, st.st_mode | (st.st_mode & 0444) >> 2) < 0))
        return ds_fail_errno(err, DS_EIO, errno, "set mode");
    return 0;
}

static int extract_member(struct extract *e, const struct archive_member *m,
                          const struct case_file *expected, struct ds_err *err)
{
    struct ds_span dir = path_dir(m->name);
    const char *leaf = m->name.ptr + dir.len + (dir.len > 0);
    int rc = enter_folder(e, dir, err);
    if (rc < 0)
        return rc;
    if (e->how->replace && unlinkat(e->folder_fd, leaf, 0) < 0 && errno != ENOENT)
        return ds_fail_errno(err, DS_EIO, errno, "extract: replace %s", m->name.ptr);
    ds_auto_fd fd =
        openat(e->folder_fd, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "extract: %s", m->name.ptr);
    rc = fill_file(e, m, expected, fd, err);
    if (close(ds_take_fd(&fd)) < 0 && rc == 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "close");
    if (rc < 0) {
        (void)unlinkat(e->folder_fd, leaf, 0);
        (void)ds_wrap(err, "extract: %.200s", m->name.ptr);
    }
    return rc;
}

static bool is_wanted(const struct archive_extract *how, const struct archive_member *m)
{
    return !how->wants || how->wants(how->wants_context, m);
}

static int check_total(const struct archive_index *x, const struct archive_extract *how,
                       struct ds_err *err)
{
    uint64_t total = 0; /* at most 200,000 times 4 TiB: no overflow */
    for (size_t i = 0; i < x->n_members; i++)
        if (is_wanted(how, &x->members[i]))
            total += x->members[i].size_bytes;
    if (total > how->max_bytes)
        return ds_fail(err, DS_ETOOBIG, "extract: %llu bytes; at most %llu are taken",
                       (unsigned long long)total, (unsigned long long)how->max_bytes);
    return 0;
}

static const struct case_file **match_files(const struct archive_index *x,
                                            const struct archive_extract *how)
{
    if (how->n_files == 0)
        return NULL;
    const struct case_file **of = calloc(x->n_members + 1, sizeof(struct case_file *));
    if (!of)
        abort();
    for (size_t i = 0; i < how->n_files; i++) {
        const struct archive_member *m = archive_find(x, how->files[i].path);
        if (m)
            of[m - x->members] = &how->files[i];
    }
    return of;
}

int archive_extract(struct archive_reader *r, archive_read_f read, void *context,
                    const struct archive_index *x, const struct archive_extract *how,
                    struct archive_extracted *out, struct ds_err *err)
{
    struct extract e = {r, read, context, how, NULL, {"", 0}, -1};
    *out = (struct archive_extracted){0};
    int rc = check_total(x, how, err);
    if (rc < 0)
        return rc;
    e.file_of = match_files(x, how);
    for (size_t i = 0; rc == 0 && i < x->n_members; i++) {
        const struct archive_member *m = &x->members[i];
        if (!is_wanted(how, m))
            continue;
        rc = extract_member(&e, m, e.file_of ? e.file_of[i] : NULL, err);
        if (rc == 0) {
            out->n_files++;
            out->bytes += m->size_bytes;
        }
    }
    fs_close_at(&e.folder_fd);
    free((void *)e.file_of);
    return rc;
}
