/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listing with a stack of open folders instead of recursion. Links to folders are not
 * followed: they could lead in circles. */
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "store/dir_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define WALK_MAX_DEPTH 32

struct walk {
    struct dir_store *s;
    bool dots;
    dir_walk_f fn;
    void *context;
    struct ds_err *err;
    char key[STORE_KEY_BYTES + 1];
    size_t depth;
    struct {
        DIR *dir;
        size_t prefix_len;
    } stack[WALK_MAX_DEPTH];
};

static int walk_push(struct walk *w, int fd, size_t prefix_len)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        int sys = errno;
        fs_close_at(&fd);
        return sys == ENOENT || sys == ENOTDIR || sys == ELOOP
                   ? 0 /* nothing there, or gone since */
                   : dir_fail(w->s, w->key, "read folder", sys, w->err);
    }
    w->stack[w->depth].dir = dir;
    w->stack[w->depth].prefix_len = prefix_len;
    w->depth++;
    return 0;
}

static void walk_pop(struct walk *w)
{
    w->depth--;
    (void)closedir(w->stack[w->depth].dir);
}

static int walk_down(struct walk *w, int folder_fd, const char *name, size_t key_len)
{
    if (key_len + 1 > STORE_KEY_BYTES)
        return 0;
    if (w->depth == WALK_MAX_DEPTH)
        return ds_fail(w->err, DS_ETOOBIG, "store %s: %.200s: folders nested deeper than %d",
                       w->s->base.url, w->key, WALK_MAX_DEPTH);
    w->key[key_len] = '/';
    w->key[key_len + 1] = '\0';
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return walk_push(w, fd, key_len + 1);
}

static int walk_entry(struct walk *w, const struct dirent *e)
{
    int folder_fd = dirfd(w->stack[w->depth - 1].dir);
    size_t at = w->stack[w->depth - 1].prefix_len, n = strlen(e->d_name);
    bool dot = e->d_name[0] == '.';
    struct stat st;
    if (at + n > STORE_KEY_BYTES || (dot && !w->dots) || n == 0)
        return 0; /* cannot be a key */
    memcpy(w->key + at, e->d_name, n + 1);
    if (e->d_type == DT_DIR)
        return dot ? 0 : walk_down(w, folder_fd, e->d_name, at + n);
    if (dot != w->dots && e->d_type == DT_REG)
        return 0;
    if (fstatat(folder_fd, e->d_name, &st, w->dots ? AT_SYMLINK_NOFOLLOW : 0) < 0)
        return errno == ENOENT || errno == ELOOP ? 0
                                                 : dir_fail(w->s, w->key, "look at", errno, w->err);
    if (S_ISDIR(st.st_mode))
        return dot || e->d_type == DT_LNK ? 0 : walk_down(w, folder_fd, e->d_name, at + n);
    struct ds_span key = {w->key, at + n};
    if (!S_ISREG(st.st_mode) || dot != w->dots || (!dot && !store_key_is_valid(key)))
        return 0;
    return w->fn(w->context, &(struct dir_found){folder_fd, e->d_name, key, &st});
}

static int walk_all(struct walk *w)
{
    int rc = 0;
    while (rc == 0 && w->depth > 0) {
        errno = 0;
        const struct dirent *e =
            readdir(w->stack[w->depth - 1].dir); // NOLINT(concurrency-mt-unsafe): own DIR
        if (e) {
            rc = walk_entry(w, e);
        } else if (errno != 0) {
            rc = dir_fail(w->s, w->key, "read folder", errno, w->err);
        } else {
            walk_pop(w);
        }
    }
    while (w->depth > 0)
        walk_pop(w);
    return rc;
}

int dir_walk(struct dir_store *s, const char *prefix, bool dots, dir_walk_f fn, void *context,
             struct ds_err *err)
{
    struct walk w = {.s = s, .dots = dots, .fn = fn, .context = context, .err = err};
    size_t n = strlen(prefix);
    memcpy(w.key, prefix, n + 1);
    int fd = openat(s->root_fd, n > 0 ? prefix : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = walk_push(&w, fd, n);
    return rc < 0 ? rc : walk_all(&w);
}

struct listing {
    store_list_f fn;
    void *context;
};

static int list_one(void *context, const struct dir_found *found)
{
    const struct listing *l = context;
    int64_t mtime_ms =
        (int64_t)found->st->st_mtim.tv_sec * 1000 + found->st->st_mtim.tv_nsec / 1000000;
    return l->fn(l->context, found->key, (uint64_t)found->st->st_size, mtime_ms);
}

int dir_list(struct store *s, const char *prefix, store_list_f fn, void *context,
             struct ds_err *err)
{
    struct listing l = {fn, context};
    return dir_walk((struct dir_store *)s, prefix, false, list_one, &l, err);
}

struct sweeping {
    const struct dir_store *s;
    int64_t now_s;
};

static int sweep_one(void *context, const struct dir_found *found)
{
    const struct sweeping *w = context;
    if (dir_temp_is_dead(w->s, found->name, found->st->st_mtim.tv_sec, w->now_s))
        (void)unlinkat(found->folder_fd, found->name, 0); /* the next sweep tries again */
    return 0;
}

int dir_sweep_temporaries(struct store *s, const char *prefix, struct ds_err *err)
{
    struct sweeping w = {(struct dir_store *)s, clock_unix_ms() / 1000};
    return dir_walk((struct dir_store *)s, prefix, true, sweep_one, &w, err);
}
