/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive/extract_io.h"

#include "archive/reader_frames.h"
#include "base/fs_io.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct extract {
    struct archive_reader *r;
    archive_read_f read;
    void *context;
    int root_fd;
    struct ds_span folder; /* of the last member: "" is root_fd */
    int folder_fd;         /* its descriptor, -1 none */
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
    ds_auto_fd at = fcntl(e->root_fd, F_DUPFD_CLOEXEC, 0);
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

/* Content and mode of one member into an open new file. */
static int fill_file(struct extract *e, const struct archive_member *m, int fd, struct ds_err *err)
{
    bool executable = false;
    int rc = archive_stream_member_mode(e->r, e->read, e->context, m, write_piece, &fd, NULL,
                                        &executable, err);
    if (rc < 0)
        return rc;
    struct stat st;
    if (executable && (fstat(fd, &st) < 0 || fchmod(fd, st.st_mode | (st.st_mode & 0444) >> 2) < 0))
        return ds_fail_errno(err, DS_EIO, errno, "set mode");
    return 0;
}

static int extract_member(struct extract *e, const struct archive_member *m, struct ds_err *err)
{
    struct ds_span dir = path_dir(m->name);
    const char *leaf = m->name.ptr + dir.len + (dir.len > 0);
    int rc = enter_folder(e, dir, err);
    if (rc < 0)
        return rc;
    ds_auto_fd fd =
        openat(e->folder_fd, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "extract: %s", m->name.ptr);
    rc = fill_file(e, m, fd, err);
    if (close(ds_take_fd(&fd)) < 0 && rc == 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "close");
    if (rc < 0) {
        (void)unlinkat(e->folder_fd, leaf, 0);
        (void)ds_wrap(err, "extract: %.200s", m->name.ptr);
    }
    return rc;
}

int archive_extract(struct archive_reader *r, archive_read_f read, void *context,
                    const struct archive_index *x, int folder_fd, struct ds_err *err)
{
    struct extract e = {r, read, context, folder_fd, {"", 0}, -1};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < x->n_members; i++)
        rc = extract_member(&e, &x->members[i], err);
    fs_close_at(&e.folder_fd);
    return rc;
}
