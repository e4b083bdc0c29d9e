/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and probing a folder, reading objects, locks. */
#include "base/fs_io.h"
#include "store/dir_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_WORDS_BYTES 256u
#define NEW_LEVELS       4 /* folders above a new store that may be new too */

static const char *advice(int sys)
{
    switch (sys) {
    case ENOSPC:
        return "; the disk of the store is full: free some space there, then run the same command "
               "again";
    case EDQUOT:
        return "; your quota on the store is used up: remove something there or ask for more, then "
               "run the same command again";
    case EROFS:
        return "; the store is mounted read-only: remount it, or give another --store";
    case EACCES:
    case EPERM:
        return "; you may not do that there: look at owner and mode of the folder, or give another "
               "--store";
    case EFBIG:
        return "; the file is larger than the file system or `ulimit -f` allows";
    case EMFILE:
    case ENFILE:
        return "; too many files are open: raise `ulimit -n`";
    case EIO:
    case ESTALE:
    case ENODEV:
        return "; the disk or file server of the store fails: see the system's log, then run the "
               "same command again";
    default:
        return "";
    }
}

int dir_fail(const struct dir_store *s, const char *key, const char *what, int sys,
             struct ds_err *err)
{
    int rc = ds_fail_errno(err, DS_EIO, sys, "store %.200s: %.128s%s%s", s->base.url, key,
                           key[0] ? ": " : "", what);
    if (err) {
        size_t n = strlen(err->text);
        (void)snprintf(err->text + n, sizeof err->text - n, "%s", advice(sys));
    }
    return rc;
}

int dir_sync_folder(int fd)
{
    if (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS || errno == EBADF)
        return 0;
    return errno;
}

/* ---- folders ---- */

/* Open name below folder, creating it (durably) when it is missing. 0 or errno. */
static int open_child(int folder_fd, const char *name, bool create, int *fd)
{
    *fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0 || errno != ENOENT || !create)
        return *fd >= 0 ? 0 : errno;
    if (mkdirat(folder_fd, name, 0777) < 0 && errno != EEXIST)
        return errno;
    int sys = dir_sync_folder(folder_fd);
    if (sys != 0)
        return sys;
    *fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd >= 0 ? 0 : errno;
}

static int create_parents(int root_fd, char *path, int *fd)
{
    ds_auto_fd at = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    char *part = path;
    int sys = at < 0 ? errno : 0;
    while (sys == 0 && part) {
        char *slash = strchr(part, '/');
        int child = -1;
        if (slash)
            *slash = '\0';
        sys = open_child(at, part, true, &child);
        fs_close_at(&at);
        at = child;
        part = slash ? slash + 1 : NULL;
    }
    *fd = ds_take_fd(&at);
    if (sys != 0)
        fs_close_at(fd);
    return sys;
}

int dir_open_parent(struct dir_store *s, const char *key, bool create, const char **leaf, int *fd,
                    struct ds_err *err)
{
    char path[STORE_KEY_BYTES + 1] = ".";
    const char *slash = strrchr(key, '/');
    if (slash) {
        memcpy(path, key, (size_t)(slash - key));
        path[slash - key] = '\0';
    }
    *leaf = slash ? slash + 1 : key;
    int sys = open_child(s->root_fd, path, false, fd);
    if (sys == ENOENT && create)
        sys = create_parents(s->root_fd, path, fd);
    return sys == 0 ? 0 : dir_fail(s, key, "open its folder", sys, err);
}

/* ---- reading ---- */

struct dir_object {
    struct store_object base;
    int fd;
    const struct dir_store *s;
    char key[STORE_KEY_BYTES + 1];
};

/* DS_ENOTFOUND without decoration of advice: callers ask for things that may not be there. */
static int open_object(const struct dir_store *s, const char *key, int *fd, uint64_t *size_bytes,
                       struct ds_err *err)
{
    struct stat st;
    *fd = openat(s->root_fd, key, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return dir_fail(s, key, "open", errno, err);
    if (fstat(*fd, &st) < 0)
        return dir_fail(s, key, "look at", errno, err);
    if (!S_ISREG(st.st_mode))
        return ds_fail(err, DS_ECORRUPT, "store %s: %s: is not a regular file", s->base.url, key);
    *size_bytes = (uint64_t)st.st_size;
    return 0;
}

static int dir_object_open(struct store *base, const char *key, struct store_object **out,
                           uint64_t *size_bytes, struct ds_err *err)
{
    const struct dir_store *s = (const struct dir_store *)base;
    ds_auto_fd fd = -1;
    uint64_t size = 0;
    int rc = open_object(s, key, &fd, &size, err);
    if (rc < 0)
        return rc;
    struct dir_object *o = malloc(sizeof *o);
    if (!o)
        abort();
    o->base.ops = base->ops;
    o->fd = ds_take_fd(&fd);
    o->s = s;
    memcpy(o->key, key, strlen(key) + 1);
    *out = &o->base;
    *size_bytes = size;
    return 0;
}

static int dir_object_read(struct store_object *base, uint64_t offset, void *dst, size_t n,
                           struct ds_err *err)
{
    struct dir_object *o = (struct dir_object *)base;
    int rc = fs_pread_all(o->fd, dst, n, offset, err);
    if (rc < 0)
        (void)ds_wrap(err, "store %s: %s", o->s->base.url, o->key);
    return rc;
}

static void dir_object_close(struct store_object *base)
{
    struct dir_object *o = (struct dir_object *)base;
    (void)close(o->fd); /* opened for reading: nothing can be lost */
    free(o);
}

static int dir_head(struct store *base, const char *key, uint64_t *size_bytes, struct ds_err *err)
{
    const struct dir_store *s = (const struct dir_store *)base;
    struct stat st;
    if (fstatat(s->root_fd, key, &st, 0) < 0)
        return dir_fail(s, key, "look at", errno, err);
    if (!S_ISREG(st.st_mode))
        return ds_fail(err, DS_ECORRUPT, "store %s: %s: is not a regular file", base->url, key);
    *size_bytes = (uint64_t)st.st_size;
    return 0;
}

static int dir_remove(struct store *base, const char *key, struct ds_err *err)
{
    const struct dir_store *s = (const struct dir_store *)base;
    if (unlinkat(s->root_fd, key, 0) < 0 && errno != ENOENT)
        return dir_fail(s, key, "remove", errno, err);
    return 0;
}

/* ---- locks and growing files ---- */

/* 0, EAGAIN when another process holds it, or errno. */
static int take_lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return 0;
    if (errno == EACCES || errno == EAGAIN)
        return EAGAIN;
    if (errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP)
        return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    return errno;
}

static int held_by_another(int fd, struct ds_err *err)
{
    char words[LOCK_WORDS_BYTES];
    ssize_t n = pread(fd, words, sizeof words - 1, 0);
    words[n > 0 ? n : 0] = '\0';
    for (char *p = words; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' '; /* anybody may have written it */
    struct ds_span who = ds_span_trim(ds_span_of(words));
    if (who.len == 0)
        who = DS_SPAN("another process that has not said its name yet");
    return ds_fail(err, DS_EAGAIN, "%.*s", DS_FMT(who));
}

static int write_holder(int fd, const char *holder)
{
    size_t n = strlen(holder);
    errno = 0;
    if (ftruncate(fd, 0) < 0 || pwrite(fd, holder, n, 0) != (ssize_t)n)
        return errno ? errno : ENOSPC;
    return 0;
}

int dir_lock(struct store *base, const char *key, const char *holder, int *out, struct ds_err *err)
{
    struct dir_store *s = (struct dir_store *)base;
    const char *leaf;
    ds_auto_fd folder = -1, fd = -1;
    int rc = dir_open_parent(s, key, true, &leaf, &folder, err);
    if (rc < 0)
        return rc;
    fd = openat(folder, leaf, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (fd < 0)
        return dir_fail(s, key, "open the lock file", errno, err);
    int sys = take_lock(fd);
    if (sys == EAGAIN)
        return held_by_another(fd, err);
    if (sys == 0)
        sys = write_holder(fd, holder);
    /* Without lock support there is no holder to meet: commits are safe without it. */
    if (sys != 0 && sys != ENOLCK && sys != EOPNOTSUPP && sys != ENOSYS && sys != EINVAL)
        return dir_fail(s, key, "lock", sys, err);
    *out = ds_take_fd(&fd);
    return 0;
}

int dir_open_append(struct store *base, const char *key, int *out, struct ds_err *err)
{
    struct dir_store *s = (struct dir_store *)base;
    const char *leaf;
    ds_auto_fd folder = -1;
    int rc = dir_open_parent(s, key, true, &leaf, &folder, err);
    if (rc < 0)
        return rc;
    int fd = openat(folder, leaf, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return dir_fail(s, key, "open for appending", errno, err);
    *out = fd;
    return 0;
}

/* ---- opening ---- */

static void dir_close(struct store *base)
{
    struct dir_store *s = (struct dir_store *)base;
    fs_close_at(&s->root_fd);
    free(s);
}

static const struct store_ops DIR_OPS = {
    .close = dir_close,
    .put_many = dir_put_many,
    .object_open = dir_object_open,
    .object_read = dir_object_read,
    .object_close = dir_object_close,
    .head = dir_head,
    .list = dir_list,
    .remove = dir_remove,
    .sweep_temporaries = dir_sweep_temporaries,
    .lock = dir_lock,
    .open_append = dir_open_append,
};

static int absolute_path(const char *path, char out[STORE_URL_BYTES], struct ds_err *err)
{
    ds_auto_free char *real = realpath(path, NULL);
    ds_auto_free char *here = real || path[0] == '/' ? NULL : getcwd(NULL, 0);
    int n = real             ? snprintf(out, STORE_URL_BYTES, "%s", real)
            : path[0] == '/' ? snprintf(out, STORE_URL_BYTES, "%s", path)
            : here           ? snprintf(out, STORE_URL_BYTES, "%s/%s", here, path)
                             : -1;
    if (n < 0 || (size_t)n >= STORE_URL_BYTES)
        return ds_fail(err, DS_EINPUT, "store %.200s: no usable path", path);
    return 0;
}

static bool says_no_link(int sys)
{
    return sys == EPERM || sys == EOPNOTSUPP || sys == ENOSYS || sys == EMLINK || sys == EINVAL;
}

static int probe_link(struct dir_store *s, const char *temp, struct ds_err *err)
{
    char other[DIR_TEMP_BYTES];
    dir_temp_name(s, other);
    int sys = linkat(s->root_fd, temp, s->root_fd, other, 0) < 0 ? errno : 0;
    if (sys == 0)
        (void)unlinkat(s->root_fd, other, 0);
    if (sys != 0 && !says_no_link(sys))
        return dir_fail(s, "", "try link(2)", sys, err);
    if (sys != 0) {
        atomic_store(&s->no_link, true);
        (void)snprintf(s->base.note, sizeof s->base.note,
                       "no link(2) in %.300s: results are renamed into place; two runs over one "
                       "store may then replace each other's equal results",
                       s->base.url);
    }
    return 0;
}

/* Everything a commit needs, once, before hours of computing depend on it. */
static int probe(struct dir_store *s, struct ds_err *err)
{
    char temp[DIR_TEMP_BYTES];
    ds_auto_fd fd = -1;
    int sys = dir_temp_create(s, s->root_fd, temp, &fd);
    if (sys != 0)
        return dir_fail(s, "", "create a file", sys, err);
    const char *what = "write";
    if (fs_write_all(fd, "decksweep\n", 10, NULL) < 0)
        sys = errno;
    if (sys == 0 && fsync(fd) < 0) {
        what = "fsync";
        sys = errno;
    }
    if (close(ds_take_fd(&fd)) < 0 && sys == 0) {
        what = "close";
        sys = errno;
    }
    int rc = sys == 0 ? probe_link(s, temp, err) : dir_fail(s, "", what, sys, err);
    (void)unlinkat(s->root_fd, temp, 0);
    return rc;
}

/* A folder that was just made is as durable as its name in the folder above, and so on. */
static void sync_upwards(int root_fd)
{
    ds_auto_fd at = openat(root_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < NEW_LEVELS && at >= 0; i++) {
        (void)dir_sync_folder(at); /* not ours: a refusal there says nothing about the store */
        int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fs_close_at(&at);
        at = up;
    }
}

int dir_store_open(const char *path, enum store_mode mode, struct store **out, struct ds_err *err)
{
    struct stat st;
    bool is_new = mode == STORE_WRITE && stat(path, &st) < 0;
    if (mode == STORE_WRITE && fs_make_dirs(path, err) < 0) {
        int rc = err ? err->code : DS_EIO;
        (void)ds_wrap(err, "store %.200s", path);
        return rc;
    }
    struct dir_store *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->base.ops = &DIR_OPS;
    s->base.is_dir = true;
    s->root_fd = -1;
    atomic_init(&s->no_link, false);
    dir_temp_host(s->host);
    int rc = absolute_path(path, s->base.url, err);
    if (rc == 0) {
        s->root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = s->root_fd < 0 ? dir_fail(s, "", "open folder", errno, err) : 0;
    }
    if (rc == 0 && mode == STORE_WRITE)
        rc = probe(s, err);
    if (rc == 0 && is_new)
        sync_upwards(s->root_fd);
    if (rc < 0)
        dir_close(&s->base);
    else
        *out = &s->base;
    return rc;
}
