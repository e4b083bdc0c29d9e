/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/case_files_io.h"

#include "base/fs_io.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROW_FROM   32u
#define DENTS_BYTES (32u << 10)
#define MAX_LOADED  ((uint64_t)16 << 20)
#define MAX_PATHS   ((size_t)2 * CASE_FILES_MAX) /* that take memory: files, folders, unsafe names */
#define TOO_MANY    "its folder holds more files than can be kept (100000)"
#define TOO_DEEP    "its folders are nested too deep (32) or too many"

struct dents { /* getdents64's own layout: saves opendir's 32 KiB malloc a folder */
    uint64_t ino;
    int64_t off;
    unsigned short len;
    unsigned char type;
    char name[];
};

struct walk {
    struct case_files *f;
    size_t room;
    const char **dirs; /* folders still to list, "" or "a/b" */
    size_t n_dirs, dir_room, n_paths;
};

static bool push_dir(struct walk *w, const char *path)
{
    if (w->n_dirs == w->dir_room) {
        const char **more = ds_new(w->f->arena, const char *, 2 * w->dir_room);
        if (!more)
            return false;
        memcpy(more, w->dirs, w->n_dirs * sizeof *more);
        w->dirs = more;
        w->dir_room *= 2;
    }
    w->dirs[w->n_dirs++] = path;
    return true;
}

static bool push_entry(struct walk *w, const struct case_entry *e)
{
    if (w->f->n == w->room) {
        struct case_entry *more = ds_new(w->f->arena, struct case_entry, 2 * w->room);
        if (!more)
            return false;
        memcpy(more, w->f->at, w->f->n * sizeof *more);
        w->f->at = more;
        w->room *= 2;
    }
    w->f->at[w->f->n++] = *e;
    return true;
}

static unsigned depth_of(const char *path)
{
    unsigned n = 1;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

static int take_name(struct walk *w, int fd, const char *dir, const char *name, unsigned char type,
                     struct ds_err *err)
{
    struct stat st;
    if (type != DT_REG && type != DT_DIR && type != DT_UNKNOWN)
        return 0;
    if (w->f->n >= CASE_FILES_MAX || w->n_paths++ >= MAX_PATHS) {
        w->f->too_much = TOO_MANY;
        return 0;
    }
    struct ds_span path = *dir ? arena_format(w->f->arena, "%s/%s", dir, name)
                               : arena_copy(w->f->arena, ds_span_of(name));
    if (!path.ptr)
        return ds_fail(err, DS_ETOOBIG, "the case folder holds too much");
    if (!path_is_safe_member(path))
        return 0; /* control bytes in a name: it stays behind */
    if (type != DT_DIR && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : ds_fail_errno(err, DS_EIO, errno, "%s", path.ptr);
    if (type == DT_DIR || (type == DT_UNKNOWN && S_ISDIR(st.st_mode))) {
        if (depth_of(path.ptr) >= CASE_FILES_MAX_DEPTH || w->n_dirs >= CASE_FILES_MAX
            || !push_dir(w, path.ptr))
            w->f->too_much = TOO_DEEP;
        return 0;
    }
    if (!S_ISREG(st.st_mode))
        return 0;
    struct case_entry e = {.path = path.ptr,
                           .dir_len = strlen(dir),
                           .size_bytes = (uint64_t)st.st_size,
                           .executable = (st.st_mode & S_IXUSR) != 0};
    if (!push_entry(w, &e))
        w->f->too_much = TOO_MANY;
    return 0;
}

static int list_dir(struct walk *w, const char *dir, struct ds_err *err)
{
    char block[DENTS_BYTES] __attribute__((aligned(8)));
    ds_auto_fd fd =
        openat(w->f->dir_fd, *dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || errno == EACCES
                   ? 0
                   : ds_fail_errno(err, DS_EIO, errno, "case folder: %s", dir);
    for (;;) {
        ssize_t got = getdents64(fd, block, sizeof block);
        if (got < 0)
            return ds_fail_errno(err, DS_EIO, errno, "case folder: %s", dir);
        if (got == 0)
            return 0;
        for (ssize_t at = 0; at < got;) {
            const struct dents *d = (const struct dents *)(const void *)(block + at);
            at += d->len;
            if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
                continue;
            int rc = take_name(w, fd, dir, d->name, d->type, err);
            if (rc < 0)
                return rc;
        }
    }
}

static int compare_entries(const void *x, const void *y)
{
    const struct case_entry *a = x, *b = y;
    return strcmp(a->path, b->path);
}

int case_files_list(int dir_fd, struct ds_arena *a, struct case_files *out, struct ds_err *err)
{
    struct case_files f = {.dir_fd = dir_fd, .arena = a};
    struct walk w = {.f = &f, .room = GROW_FROM, .dir_room = GROW_FROM};
    f.at = ds_new(a, struct case_entry, GROW_FROM);
    w.dirs = ds_new(a, const char *, GROW_FROM);
    if (!f.at || !w.dirs)
        return ds_fail(err, DS_ETOOBIG, "a list of files does not fit");
    w.dirs[w.n_dirs++] = "";
    for (size_t i = 0; i < w.n_dirs; i++) {
        int rc = list_dir(&w, w.dirs[i], err);
        if (rc < 0)
            return rc;
    }
    if (f.n > 1)
        qsort(f.at, f.n, sizeof *f.at, compare_entries);
    *out = f;
    return 0;
}

struct case_entry *case_files_find(const struct case_files *f, struct ds_span dir, const char *name)
{
    char path[PATH_MAX_BYTES];
    size_t n = strlen(name);
    if (dir.len + n >= sizeof path)
        return NULL;
    if (dir.len > 0)
        memcpy(path, dir.ptr, dir.len);
    memcpy(path + dir.len, name, n + 1);
    struct case_entry key = {.path = path};
    return f->n ? bsearch(&key, f->at, f->n, sizeof key, compare_entries) : NULL;
}

bool case_entry_is_in(const struct case_entry *e, struct ds_span dir)
{
    size_t n = e->dir_len > 0 ? e->dir_len + 1 : 0; /* with its slash */
    return ds_span_eq((struct ds_span){e->path, n}, dir);
}

int case_files_open(const struct case_files *f, const struct case_entry *e, int *fd,
                    struct ds_err *err)
{
    *fd = openat(f->dir_fd, e->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return *fd < 0 ? ds_fail_errno(err, DS_EIO, errno, "%s", e->path) : 0;
}

int case_files_read(struct case_files *f, struct case_entry *e, struct ds_err *err)
{
    if (e->data || e->size_bytes > CASE_FILE_SMALL || f->loaded_bytes > MAX_LOADED)
        return 0;
    if (e->size_bytes == 0) {
        e->data = "";
        return 0;
    }
    ds_auto_fd fd = -1;
    if (case_files_open(f, e, &fd, NULL) < 0)
        return 0;
    size_t room = (size_t)e->size_bytes, n = 0;
    char *data = ds_new(f->arena, char, room + 1);
    if (!data)
        return ds_fail(err, DS_ETOOBIG, "%s: does not fit", e->path);
    while (n < room) {
        ssize_t got = read(fd, data + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ds_fail_errno(err, DS_EIO, errno, "%s", e->path);
        if (got == 0)
            break;
        n += (size_t)got;
    }
    e->data = data;
    e->size_bytes = n;
    f->loaded_bytes += n;
    return 0;
}
