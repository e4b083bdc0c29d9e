/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define REMOVE_MAX_DEPTH 128

void fs_close_at(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void fs_free_ptr(void *p)
{
    free(*(void **)p);
}

int fs_write_all(int fd, const void *data, size_t n, struct ds_err *err)
{
    const char *p = data;
    while (n > 0) {
        ssize_t wrote = write(fd, p, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return ds_fail_errno(err, DS_EIO, errno, "write");
        p += wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

int fs_pread_all(int fd, void *data, size_t n, uint64_t offset, struct ds_err *err)
{
    char *p = data;
    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ds_fail_errno(err, DS_EIO, errno, "read");
        if (got == 0)
            return ds_fail(err, DS_ECORRUPT, "ends early: %zu bytes are missing at offset %llu", n,
                           (unsigned long long)offset);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

static int read_open_file(int fd, const char *name, size_t max_bytes, struct ds_arena *a,
                          struct ds_span *out, struct ds_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    if (!S_ISREG(st.st_mode))
        return ds_fail(err, DS_EINPUT, "%s: is not a regular file", name);
    if ((uint64_t)st.st_size > max_bytes)
        return ds_fail(err, DS_ETOOBIG, "%s: %lld bytes; at most %zu are read", name,
                       (long long)st.st_size, max_bytes);
    size_t n = (size_t)st.st_size;
    char *data = arena_take(a, n + 1, 1);
    if (!data)
        return ds_fail(err, DS_ETOOBIG, "%s: %zu bytes do not fit in memory's bound", name, n);
    if (fs_pread_all(fd, data, n, 0, err) < 0)
        return ds_wrap(err, "%s", name);
    *out = (struct ds_span){data, n};
    return 0;
}

int fs_read_file_at(int dir_fd, const char *name, size_t max_bytes, struct ds_arena *a,
                    struct ds_span *out, struct ds_err *err)
{
    ds_auto_fd fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    return read_open_file(fd, name, max_bytes, a, out, err);
}

int fs_read_file(const char *path, size_t max_bytes, struct ds_arena *a, struct ds_span *out,
                 struct ds_err *err)
{
    return fs_read_file_at(AT_FDCWD, path, max_bytes, a, out, err);
}

int fs_write_file_at(int dir_fd, const char *name, struct ds_span data, struct ds_err *err)
{
    ds_auto_fd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    if (fs_write_all(fd, data.ptr, data.len, err) < 0)
        return ds_wrap(err, "%s", name);
    if (close(ds_take_fd(&fd)) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s: close", name);
    return 0;
}

static int write_durably(const char *path, struct ds_span data, struct ds_err *err)
{
    ds_auto_fd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    if (fs_write_all(fd, data.ptr, data.len, err) < 0)
        return ds_wrap(err, "%s", path);
    if (fsync(fd) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s: fsync", path);
    if (close(ds_take_fd(&fd)) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s: close", path);
    return 0;
}

static void sync_folder_of(const char *path)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    int n =
        snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    ds_auto_fd fd =
        n > 0 && (size_t)n < sizeof dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0)
        (void)fsync(fd); /* not supported everywhere; the rename itself has happened */
}

int fs_replace_file(const char *path, struct ds_span data, struct ds_err *err)
{
    char temp[4096];
    int n = snprintf(temp, sizeof temp, "%s.%d.tmp", path, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof temp)
        return ds_fail(err, DS_ETOOBIG, "%s: name too long", path);
    (void)unlink(temp);
    if (write_durably(temp, data, err) < 0 || rename(temp, path) < 0) {
        int rc = err && err->code ? err->code : ds_fail_errno(err, DS_EIO, errno, "%s", path);
        (void)unlink(temp);
        return rc;
    }
    sync_folder_of(path);
    return 0;
}

int fs_make_dirs(const char *path, struct ds_err *err)
{
    char copy[4096];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof copy)
        return ds_fail(err, DS_EINPUT, "'%s' is no folder name", path);
    memcpy(copy, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (copy[i] != '/' && copy[i] != '\0')
            continue;
        char kept = copy[i];
        copy[i] = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST) {
            int sys = errno;
            struct stat st; /* EROFS, EACCES on a parent that exists is no failure */
            if (stat(copy, &st) < 0 || !S_ISDIR(st.st_mode))
                return ds_fail_errno(err, DS_EIO, sys, "create folder %s", copy);
        }
        copy[i] = kept;
    }
    struct stat st;
    if (stat(path, &st) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    if (!S_ISDIR(st.st_mode))
        return ds_fail_errno(err, DS_EIO, ENOTDIR, "%s", path);
    return 0;
}

static int note_first(int first, int rc)
{
    return first < 0 ? first : rc;
}

/* Recursion is bounded by REMOVE_MAX_DEPTH; the depth comes from a simulator's folders. */
static int remove_at(int dir_fd, const char *name, dev_t device, int depth, struct ds_err *err);

// NOLINTNEXTLINE(misc-no-recursion)
static int remove_children(int fd, dev_t device, int depth, struct ds_err *err)
{
    DIR *dir = fdopendir(fd);
    int first = 0;
    if (!dir) {
        (void)close(fd);
        return ds_fail_errno(err, DS_EIO, errno, "read folder");
    }
    const struct dirent *e;
    while ((e = readdir(dir)) != NULL) { // NOLINT(concurrency-mt-unsafe): own DIR
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        struct ds_err inner = {0};
        int rc = remove_at(dirfd(dir), e->d_name, device, depth + 1, &inner);
        if (rc < 0 && first == 0 && err)
            *err = inner;
        first = note_first(first, rc);
    }
    (void)closedir(dir);
    return first;
}

// NOLINTNEXTLINE(misc-no-recursion)
static int remove_at(int dir_fd, const char *name, dev_t device, int depth, struct ds_err *err)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return ds_fail_errno(err, DS_EIO, errno, "remove %s", name);
    if (depth > REMOVE_MAX_DEPTH)
        return ds_fail(err, DS_ETOOBIG, "remove %s: nested deeper than %d", name, REMOVE_MAX_DEPTH);
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "remove %s", name);
    if (fstat(fd, &st) < 0 || (device != 0 && st.st_dev != device)) {
        (void)close(fd);
        return ds_fail(err, DS_EIO, "remove %s: another file system is mounted there", name);
    }
    if (remove_children(fd, st.st_dev, depth, err) < 0)
        return ds_wrap(err, "%s", name);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return ds_fail_errno(err, DS_EIO, errno, "remove %s", name);
    return 0;
}

int fs_remove_tree_at(int dir_fd, const char *name, struct ds_err *err)
{
    return remove_at(dir_fd, name, 0, 0, err);
}

int fs_free_bytes(const char *path, uint64_t *bytes, struct ds_err *err)
{
    struct statvfs st;
    if (statvfs(path, &st) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    *bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}
