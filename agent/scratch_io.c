/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/scratch_io.h"

#include "agent/publish_io.h"
#include "base/env_io.h"
#include "base/fs_io.h"
#include "base/log_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAMES 1000 /* pids come again in containers that share a disk */

static int make_folder(int parent, const char *name, mode_t mode, int *fd, struct ds_err *err)
{
    if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: %s", name);
    *fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return *fd < 0 ? ds_fail_errno(err, DS_EIO, errno, "scratch: %s", name) : 0;
}

/* <dir>/decksweep-<uid>: ours alone, or anybody could slip links under our feet. */
static int open_parent(const char *dir, struct scratch *s, struct ds_err *err)
{
    char path[3000];
    struct stat st;
    ds_auto_free char *absolute = NULL;
    dir = env_temporary_folder(dir);
    int rc = fs_make_dirs(dir, err);
    if (rc < 0)
        return ds_wrap(err, "scratch");
    absolute = realpath(dir, NULL);
    int n = absolute ? snprintf(path, sizeof path, "%s/decksweep-%u", absolute, (unsigned)geteuid())
                     : -1;
    if (n < 0 || (size_t)n >= sizeof path)
        return ds_fail_errno(err, DS_EIO, absolute ? ENAMETOOLONG : errno, "scratch: %s", dir);
    rc = make_folder(AT_FDCWD, path, 0700, &s->parent_fd, err);
    if (rc < 0)
        return rc;
    if (fstat(s->parent_fd, &st) < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: %s", path);
    if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
        return ds_fail(err, DS_EDENIED,
                       "scratch: %s is open to others or not yours; remove it or use --scratch",
                       path);
    (void)snprintf(s->path, sizeof s->path, "%s", path);
    return 0;
}

/* Somebody may remove a folder between our mkdir and our flock: it was unlocked. */
static bool lock_is_in_place(int dir_fd, int lock_fd)
{
    struct stat held, there;
    return fstat(lock_fd, &held) == 0 && fstatat(dir_fd, "lock", &there, AT_SYMLINK_NOFOLLOW) == 0
           && held.st_ino == there.st_ino && held.st_dev == there.st_dev && held.st_nlink > 0;
}

/* gives *fd and *lock_fd; DS_EAGAIN: somebody else has it. */
static int claim(int parent_fd, const char *name, int *fd, int *lock_fd, struct ds_err *err)
{
    ds_auto_fd dir = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    ds_auto_fd lock =
        dir < 0 ? -1 : openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0 && errno == ENOENT)
        return ds_fail(err, DS_EAGAIN, "scratch: %s was removed", name);
    if (lock < 0)
        return ds_fail_errno(err, DS_EIO, errno, "scratch: %s", name);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? ds_fail(err, DS_EAGAIN, "scratch: %s is in use", name)
                                    : ds_fail_errno(err, DS_EIO, errno, "scratch: %s/lock", name);
    if (!lock_is_in_place(dir, lock))
        return ds_fail(err, DS_EAGAIN, "scratch: %s was removed", name);
    *fd = ds_take_fd(&dir);
    *lock_fd = ds_take_fd(&lock);
    return 0;
}

static int make_own(struct scratch *s, const char *tag, struct ds_err *err)
{
    for (int i = 0; i < MAX_NAMES; i++) {
        if (i == 0)
            (void)snprintf(s->name, sizeof s->name, "%s-%d", tag, (int)getpid());
        else
            (void)snprintf(s->name, sizeof s->name, "%s-%d.%d", tag, (int)getpid(), i);
        if (mkdirat(s->parent_fd, s->name, 0700) < 0) {
            if (errno == EEXIST)
                continue;
            return ds_fail_errno(err, DS_EIO, errno, "scratch: %s/%s", s->path, s->name);
        }
        int rc = claim(s->parent_fd, s->name, &s->fd, &s->lock_fd, err);
        if (rc != DS_EAGAIN)
            return rc;
    }
    return ds_fail(err, DS_EEXIST, "scratch: %s: no free name for a folder", s->path);
}

static int make_kept(struct scratch *s, const char *tag, struct ds_err *err)
{
    char name[SCRATCH_NAME_BYTES + 8];
    (void)snprintf(name, sizeof name, "kept-%s", tag);
    (void)snprintf(s->kept_path, sizeof s->kept_path, "%.3000s/%s", s->path, name);
    return make_folder(s->parent_fd, name, 0700, &s->kept_fd, err);
}

/* ext4 looks for a free inode from the start of its block group and passes over those
 * deleted in the last minute one by one. Case folders come and go in the same group: at a
 * thousand files a second every creation costs a quarter of a millisecond. Told that its
 * folders have nothing to do with each other, ext4 spreads them over the disk. */
static void spread_folders(int fd)
{
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return;
    flags |= FS_TOPDIR_FL;
    (void)ioctl(fd, FS_IOC_SETFLAGS, &flags); /* other file systems refuse: fine */
}

int scratch_open(const char *dir, const char *tag, bool keep_failed, struct scratch *out,
                 struct ds_err *err)
{
    struct scratch s = {
        .parent_fd = -1, .fd = -1, .lock_fd = -1, .cases_fd = -1, .spool_fd = -1, .kept_fd = -1};
    int rc = open_parent(dir, &s, err);
    rc = rc < 0 ? rc : make_own(&s, tag, err);
    rc = rc < 0 ? rc : make_folder(s.fd, "cases", 0700, &s.cases_fd, err);
    if (rc == 0)
        spread_folders(s.cases_fd);
    rc = rc < 0 ? rc : make_folder(s.fd, "spool", 0700, &s.spool_fd, err);
    if (rc == 0 && keep_failed)
        rc = make_kept(&s, tag, err);
    size_t n = strlen(s.path);
    if (rc == 0 && n + strlen(s.name) + 2 > sizeof s.path)
        rc = ds_fail(err, DS_ETOOBIG, "scratch: %s: name too long", s.path);
    if (rc < 0) {
        scratch_close(&s, false);
        return rc;
    }
    (void)snprintf(s.path + n, sizeof s.path - n, "/%s", s.name);
    *out = s;
    return 0;
}

static int inherit_one(const struct scratch *s, const char *name, struct store *store,
                       const char *prefix, unsigned *n_committed, unsigned *n_removed,
                       struct ds_err *err)
{
    ds_auto_fd fd = -1, lock = -1, spool = -1;
    if (claim(s->parent_fd, name, &fd, &lock, NULL) < 0)
        return 0; /* alive, or not to be had */
    spool = openat(fd, "spool", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (spool < 0 && errno != ENOENT)
        return 0; /* what it holds is not known: not removed */
    unsigned n = 0;
    int rc = spool < 0 ? 0 : publish_spooled(store, prefix, spool, &n, err);
    *n_committed += n;
    if (rc == 0 && fs_remove_tree_at(s->parent_fd, name, NULL) == 0)
        ++*n_removed;
    return rc;
}

int scratch_inherit(const struct scratch *s, const char *tag, struct store *store,
                    const char *prefix, unsigned *n_committed, unsigned *n_removed,
                    struct ds_err *err)
{
    int fd = openat(s->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    *n_committed = *n_removed = 0;
    if (!dir) {
        fs_close_at(&fd);
        return ds_fail_errno(err, DS_EIO, errno, "scratch");
    }
    const struct dirent *e;
    while (rc == 0 && (e = readdir(dir)) != NULL) // NOLINT(concurrency-mt-unsafe)
        if (scratch_is_of_tag(ds_span_of(e->d_name), tag) && strcmp(e->d_name, s->name) != 0)
            rc = inherit_one(s, e->d_name, store, prefix, n_committed, n_removed, err);
    (void)closedir(dir);
    return rc;
}

/* What cannot be looked into is not empty. */
static bool is_empty(int fd)
{
    int own = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    bool empty = true;
    if (!dir) {
        fs_close_at(&own);
        return fd < 0;
    }
    const struct dirent *e;
    while ((e = readdir(dir)) != NULL) // NOLINT(concurrency-mt-unsafe)
        empty &= strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    (void)closedir(dir);
    return empty;
}

void scratch_close(struct scratch *s, bool keep_spool)
{
    /* What cannot be removed here, the next worker removes. */
    if (s->fd >= 0 && keep_spool && !is_empty(s->spool_fd)) {
        if (fs_remove_tree_at(s->fd, "bundle", NULL) < 0
            || fs_remove_tree_at(s->fd, "cases", NULL) < 0)
            log_warn("%s: could not be emptied", s->name);
    } else if (s->fd >= 0 && fs_remove_tree_at(s->parent_fd, s->name, NULL) < 0) {
        log_warn("%s: could not be removed", s->name);
    }
    fs_close_at(&s->kept_fd);
    fs_close_at(&s->cases_fd);
    fs_close_at(&s->spool_fd);
    fs_close_at(&s->fd);
    fs_close_at(&s->lock_fd);
    fs_close_at(&s->parent_fd);
}
