/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Committing: temporary, fsync, link without replace, fsync of the folder.
 *
 * Many at once go through each stage together: all temporaries are written and their
 * writeback is started before the first fsync, so that one journal commit carries them all;
 * then all are linked, and each folder is synced once. */
#include "base/fs_io.h"
#include "store/dir_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BATCH_ITEMS     128u /* files open at a time */
#define COPY_BYTES      ((size_t)256 * 1024)
#define COMMIT_ATTEMPTS 3

struct folder {
    struct ds_span path; /* in the key of the item that came first */
    int fd;
    bool dirty; /* something was put there, or found there: sync before saying so */
};

struct pending {
    struct store_put_item *item;
    struct folder *folder;
    const char *leaf;
    int fd;
    char temp[DIR_TEMP_BYTES]; /* "" once it is gone */
};

struct batch {
    struct dir_store *s;
    bool replace;
    size_t n, n_folders;
    struct pending pending[BATCH_ITEMS];
    struct folder folders[BATCH_ITEMS];
};

static void fail_item(const struct batch *b, struct pending *p, const char *what, int sys)
{
    p->item->rc = dir_fail(b->s, p->item->key, what, sys, &p->item->err);
}

static bool is_live(const struct pending *p)
{
    return p->item->rc == 0 && p->temp[0] != '\0';
}

/* ---- 1. write ---- */

static struct ds_span folder_of(const char *key)
{
    const char *slash = strrchr(key, '/');
    return (struct ds_span){key, slash ? (size_t)(slash - key) : 0};
}

static int find_folder(struct batch *b, struct pending *p)
{
    struct ds_span path = folder_of(p->item->key);
    for (size_t i = 0; i < b->n_folders; i++)
        if (ds_span_eq(b->folders[i].path, path)) {
            p->folder = &b->folders[i];
            p->leaf = p->item->key + path.len + (path.len > 0);
            return 0;
        }
    struct folder *f = &b->folders[b->n_folders];
    *f = (struct folder){.path = path, .fd = -1};
    int rc = dir_open_parent(b->s, p->item->key, true, &p->leaf, &f->fd, &p->item->err);
    if (rc == 0) {
        p->folder = f;
        b->n_folders++;
    }
    return rc;
}

/* An object, or a link that somebody put for one; a folder of that name is no object. */
static bool is_there(const struct pending *p)
{
    struct stat st;
    return fstatat(p->folder->fd, p->leaf, &st, AT_SYMLINK_NOFOLLOW) == 0
           && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode));
}

static bool copy_unsupported(int sys)
{
    return sys == EXDEV || sys == EINVAL || sys == ENOSYS || sys == EOPNOTSUPP || sys == EBADF
           || sys == EPERM || sys == ETXTBSY;
}

/* Copies what the kernel can copy or share by itself; *done says how far it got. 0 or errno. */
static int copy_in_kernel(int from, int to, uint64_t len, uint64_t *done)
{
    *done = 0;
    while (*done < len) {
        off_t in = (off_t)*done, out = (off_t)*done;
        size_t ask = len - *done < (1u << 30) ? (size_t)(len - *done) : (1u << 30);
        ssize_t got = copy_file_range(from, &in, to, &out, ask, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && !copy_unsupported(errno))
            return errno;
        if (got <= 0)
            return 0; /* the plain way goes on, and tells a file that shrank */
        *done += (uint64_t)got;
    }
    return 0;
}

/* One piece from the body's file to the temporary; false: it failed and said so. */
static bool copy_piece(const struct batch *b, struct pending *p, char *buffer, size_t n,
                       uint64_t done)
{
    p->item->rc = fs_pread_all(p->item->body.fd, buffer, n, done, &p->item->err);
    if (p->item->rc < 0) {
        (void)ds_wrap(&p->item->err, "store %s: %s: the file to be stored", b->s->base.url,
                      p->item->key);
        return false;
    }
    if (fs_write_all(p->fd, buffer, n, NULL) < 0) {
        fail_item(b, p, "write", errno);
        return false;
    }
    return true;
}

static void copy_plainly(const struct batch *b, struct pending *p, uint64_t done)
{
    const uint64_t len = p->item->body.len;
    if (lseek(p->fd, (off_t)done, SEEK_SET) < 0) {
        fail_item(b, p, "seek", errno);
        return;
    }
    char *buffer = malloc(COPY_BYTES);
    if (!buffer)
        abort();
    while (done < len) {
        size_t n = len - done < COPY_BYTES ? (size_t)(len - done) : COPY_BYTES;
        if (!copy_piece(b, p, buffer, n, done))
            break;
        done += n;
    }
    free(buffer);
}

static void write_body(const struct batch *b, struct pending *p)
{
    const struct store_body *body = &p->item->body;
    if (body->data || body->len == 0) {
        if (fs_write_all(p->fd, body->data, (size_t)body->len, NULL) < 0)
            fail_item(b, p, "write", errno);
        return;
    }
    uint64_t done;
    int sys = copy_in_kernel(body->fd, p->fd, body->len, &done);
    if (sys != 0)
        fail_item(b, p, "write", sys);
    else if (done < body->len)
        copy_plainly(b, p, done);
}

/* Would a file that is made in the folder belong to the same group and have no more rights? */
static bool fits_folder(const struct folder *f, const struct stat *file)
{
    struct stat st;
    return fstat(f->fd, &st) == 0 && ((st.st_mode & S_ISGID) == 0 || st.st_gid == file->st_gid)
           && fgetxattr(f->fd, "system.posix_acl_default", NULL, 0) <= 0;
}

/* A file that was given and lies on the same file system becomes the temporary by a second name.
 * false: it has to be copied. */
static bool link_given(const struct batch *b, struct pending *p)
{
    const struct store_body *body = &p->item->body;
    char name[32];
    struct stat st;
    if (!b->replace || !body->given || body->data || fstat(body->fd, &st) < 0
        || !S_ISREG(st.st_mode) || st.st_nlink != 1 || (uint64_t)st.st_size != body->len
        || !fits_folder(p->folder, &st))
        return false;
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", body->fd);
    dir_temp_name(b->s, p->temp);
    p->fd = fcntl(body->fd, F_DUPFD_CLOEXEC, 0);
    if (p->fd >= 0 && linkat(AT_FDCWD, name, p->folder->fd, p->temp, AT_SYMLINK_FOLLOW) == 0)
        return true;
    fs_close_at(&p->fd);
    p->temp[0] = '\0';
    return false;
}

static void write_temporary(struct batch *b, struct pending *p)
{
    p->item->rc = find_folder(b, p);
    if (p->item->rc < 0)
        return;
    if (!b->replace && is_there(p)) {
        p->item->existed = true;
        p->folder->dirty = true;
        return;
    }
    if (!link_given(b, p)) {
        int sys = dir_temp_create(b->s, p->folder->fd, p->temp, &p->fd);
        if (sys != 0) {
            p->temp[0] = '\0';
            fail_item(b, p, "create", sys);
            return;
        }
        write_body(b, p);
    }
    if (p->item->rc == 0) /* only a start: fsync waits and has the last word */
        (void)sync_file_range(p->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* ---- 2. make durable ---- */

static void sync_temporary(const struct batch *b, struct pending *p)
{
    if (is_live(p) && fsync(p->fd) < 0)
        fail_item(b, p, "fsync", errno);
    if (p->fd >= 0 && close(ds_take_fd(&p->fd)) < 0 && p->item->rc == 0)
        fail_item(b, p, "close", errno);
}

/* ---- 3. give it its name ---- */

static void drop_temporary(struct pending *p)
{
    if (p->temp[0] != '\0')
        (void)unlinkat(p->folder->fd, p->temp, 0);
    p->temp[0] = '\0';
}

/* An NFS client that repeats a link it had no answer to is told EEXIST, or an error, though
 * the link is there: the link count of our own temporary knows. */
static bool was_linked(const struct pending *p)
{
    struct stat st;
    return fstatat(p->folder->fd, p->temp, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 2;
}

static bool says_no_link(int sys)
{
    return sys == EPERM || sys == EOPNOTSUPP || sys == ENOSYS || sys == EMLINK || sys == EINVAL;
}

/* Look, then rename: the kernel does both at once where it can. 0 or errno. */
static int rename_into_place(const struct batch *b, struct pending *p)
{
    int fd = p->folder->fd;
    if (!b->replace) {
        if (renameat2(fd, p->temp, fd, p->leaf, RENAME_NOREPLACE) == 0) {
            p->temp[0] = '\0';
            return 0;
        }
        int sys = errno;
        if (sys == EEXIST || is_there(p))
            return EEXIST;
        if (sys != EINVAL && sys != ENOSYS && sys != EOPNOTSUPP)
            return sys;
    }
    if (renameat(fd, p->temp, fd, p->leaf) < 0)
        return errno;
    p->temp[0] = '\0';
    return 0;
}

static int link_into_place(const struct batch *b, struct pending *p)
{
    int fd = p->folder->fd;
    if (b->replace || atomic_load(&b->s->no_link))
        return rename_into_place(b, p);
    if (linkat(fd, p->temp, fd, p->leaf, 0) == 0)
        return 0;
    int sys = errno;
    if (was_linked(p))
        return 0;
    if (!says_no_link(sys))
        return sys;
    atomic_store(&b->s->no_link, true);
    return rename_into_place(b, p);
}

static void commit_temporary(const struct batch *b, struct pending *p)
{
    if (is_live(p)) {
        int sys = EEXIST;
        for (int i = 0; i < COMMIT_ATTEMPTS && sys == EEXIST; i++) {
            sys = link_into_place(b, p);
            if (sys == EEXIST && is_there(p)) {
                p->item->existed = true;
                sys = 0;
            }
        }
        if (sys != 0)
            fail_item(b, p, b->replace ? "rename" : "link", sys);
        else
            p->folder->dirty = true;
    }
    drop_temporary(p);
}

/* ---- 4. make the names durable ---- */

static void sync_folder(const struct batch *b, struct folder *f)
{
    int sys = f->dirty ? dir_sync_folder(f->fd) : 0;
    for (size_t i = 0; sys != 0 && i < b->n; i++)
        if (b->pending[i].folder == f && b->pending[i].item->rc == 0)
            fail_item(b, (struct pending *)&b->pending[i], "fsync of its folder", sys);
    fs_close_at(&f->fd);
}

static void run_batch(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->pending[i].item->rc == 0)
            write_temporary(b, &b->pending[i]);
    for (size_t i = 0; i < b->n; i++)
        sync_temporary(b, &b->pending[i]);
    for (size_t i = 0; i < b->n; i++)
        commit_temporary(b, &b->pending[i]);
    for (size_t i = 0; i < b->n_folders; i++)
        sync_folder(b, &b->folders[i]);
}

void dir_put_many(struct store *base, struct store_put_item *items, size_t n, bool replace)
{
    struct batch *b = malloc(sizeof *b);
    if (!b)
        abort();
    for (size_t at = 0; at < n; at += BATCH_ITEMS) {
        b->s = (struct dir_store *)base;
        b->replace = replace;
        b->n_folders = 0;
        b->n = n - at < BATCH_ITEMS ? n - at : BATCH_ITEMS;
        for (size_t i = 0; i < b->n; i++)
            b->pending[i] = (struct pending){.item = &items[at + i], .fd = -1};
        run_batch(b);
    }
    free(b);
}
