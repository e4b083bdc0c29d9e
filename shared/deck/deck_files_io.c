/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/deck_files_io.h"

#include "base/fs_io.h"
#include "base/path.h"
#include "base/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES (1u << 20)
#define FILES_ARENA ((size_t)6 << 30) /* a ceiling, taken only as files are read */

struct deck_files {
    struct deck_reader reader;
    struct ds_arena *texts;
    char root[PATH_MAX_BYTES]; /* nothing outside is read; "" no bound */
};

/* The path terminated, on the caller's stack. */
static int path_text(struct ds_span path, char out[PATH_MAX_BYTES], struct ds_err *err)
{
    if (path.len == 0 || path.len >= PATH_MAX_BYTES || memchr(path.ptr, '\0', path.len))
        return ds_fail(err, DS_EINPUT, "'%.*s' is no file name",
                       (int)(path.len < 60 ? path.len : 60), path.ptr);
    memcpy(out, path.ptr, path.len);
    out[path.len] = '\0';
    return DS_OK;
}

static bool is_below(const char *path, const char *root)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int refuse_outside(const char *name, struct ds_err *err)
{
    return ds_fail(err, DS_EDENIED,
                   "%s lies outside of the deck's bundle, and nothing there is read; bring the "
                   "file along (decksweep submit packs all that a deck names)",
                   name);
}

/* path terminated, if it may be read. What leads to the root may be looked at (is_stat), so that
 * people can be told what is missing. */
static int admit(const struct deck_files *f, struct ds_span path, bool is_stat,
                 char name[PATH_MAX_BYTES], struct ds_err *err)
{
    int rc = path_text(path, name, err);
    if (rc != 0 || f->root[0] == '\0')
        return rc;
    bool goes_back = strstr(name, "/..") != NULL; /* then only the file system can tell */
    if (!goes_back && !is_below(name, f->root) && !(is_stat && is_below(f->root, name)))
        return refuse_outside(name, err);
    char *real ds_auto_free = realpath(name, NULL);
    if (!real)
        return goes_back ? refuse_outside(name, err) : DS_OK; /* the caller says why */
    if (is_below(real, f->root) || (is_stat && is_below(f->root, real)))
        return DS_OK;
    return refuse_outside(name, err);
}

bool deck_files_confine(struct deck_files *f, const char *root)
{
    if (root[0] != '/' || strlen(root) >= sizeof f->root)
        return false;
    (void)snprintf(f->root, sizeof f->root, "%s", root);
    return true;
}

static int files_stat(void *context, struct ds_span path, struct ds_arena *a, struct deck_stat *out,
                      struct ds_err *err)
{
    char name[PATH_MAX_BYTES];
    struct stat st;
    int rc = admit(context, path, true, name, err);
    if (rc != 0)
        return rc;
    if (stat(name, &st) != 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    char *real ds_auto_free = realpath(name, NULL);
    if (!real)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    struct ds_span canonical = arena_copy(a, ds_span_of(real));
    if (!canonical.ptr)
        return ds_fail(err, DS_ETOOBIG, "%s: reading the deck needs more memory than allowed",
                       name);
    out->canonical = canonical;
    out->size_bytes = (uint64_t)st.st_size;
    out->kind = S_ISREG(st.st_mode)   ? DECK_ENTRY_FILE
                : S_ISDIR(st.st_mode) ? DECK_ENTRY_FOLDER
                                      : DECK_ENTRY_OTHER;
    return DS_OK;
}

/* Open a regular file without ever blocking on a pipe or device. name: gives the path terminated;
 * fd: the caller closes it, whatever comes back. */
static int open_regular(const struct deck_files *f, struct ds_span path, char name[PATH_MAX_BYTES],
                        int *fd, struct stat *st, struct ds_err *err)
{
    int rc = admit(f, path, false, name, err);
    if (rc != 0)
        return rc;
    *fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 || fstat(*fd, st) != 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    if (!S_ISREG(st->st_mode))
        return ds_fail(err, DS_EINPUT, "%s is no regular file", name);
    return DS_OK;
}

static int files_read(void *context, struct ds_span path, uint64_t max_bytes, struct ds_span *out,
                      struct ds_err *err)
{
    struct deck_files *f = context;
    char name[PATH_MAX_BYTES];
    struct stat st = {0};
    ds_auto_fd fd = -1;
    int rc = open_regular(context, path, name, &fd, &st, err);
    if (rc != 0)
        return rc;
    if ((uint64_t)st.st_size > max_bytes)
        return ds_fail(err, DS_ETOOBIG, "%s is larger than %llu MiB", name,
                       (unsigned long long)(max_bytes >> 20));
    size_t size = (size_t)st.st_size;
    char *text = arena_take(f->texts, size + 1, 1);
    if (!text)
        return ds_fail(err, DS_ETOOBIG, "%s: the deck's files are too large together", name);
    rc = fs_pread_all(fd, text, size, 0, err);
    if (rc != 0)
        return ds_wrap(err, rc == DS_ECORRUPT ? "%s changed while it was read" : "%s", name);
    *out = (struct ds_span){text, size};
    return DS_OK;
}

static int files_read_at(void *context, struct ds_span path, uint64_t offset, void *out, size_t n,
                         struct ds_err *err)
{
    char name[PATH_MAX_BYTES];
    struct stat st = {0};
    ds_auto_fd fd = -1;
    int rc = open_regular(context, path, name, &fd, &st, err);
    if (rc == 0)
        rc = fs_pread_all(fd, out, n, offset, err);
    return rc;
}

static int files_digest(void *context, struct ds_span path, char hex[65], uint64_t *size_bytes,
                        struct ds_err *err)
{
    char name[PATH_MAX_BYTES];
    struct stat st = {0};
    ds_auto_fd fd = -1;
    int rc = open_regular(context, path, name, &fd, &st, err);
    if (rc != 0)
        return rc;
    unsigned char *chunk ds_auto_free = malloc(CHUNK_BYTES);
    if (!chunk)
        return ds_fail(err, DS_EIO, "out of memory");
    struct sha256 *h = sha256_create();
    uint64_t total = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = ds_fail_errno(err, DS_EIO, errno, "%s", name);
        if (n <= 0)
            break;
        sha256_add(h, chunk, (size_t)n);
        total += (uint64_t)n;
    }
    if (rc == 0 && total != (uint64_t)st.st_size)
        rc = ds_fail(err, DS_EIO, "%s changed while it was read", name);
    char digest[65];
    sha256_end(h, digest);
    sha256_destroy(h);
    if (rc == 0) {
        memcpy(hex, digest, sizeof(digest));
        *size_bytes = total;
    }
    return rc;
}

static enum deck_entry_kind entry_kind(int dir_fd, const char *name)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, 0) != 0)
        return DECK_ENTRY_OTHER;
    if (S_ISREG(st.st_mode))
        return DECK_ENTRY_FILE;
    return S_ISDIR(st.st_mode) ? DECK_ENTRY_FOLDER : DECK_ENTRY_OTHER;
}

static int order_entries(const void *a, const void *b)
{
    const struct deck_entry *x = a, *y = b;
    return ds_span_compare(x->name, y->name);
}

/* Entries so far; doubles its array in the arena. */
struct listing {
    struct deck_entry *at;
    size_t n, room;
};

static bool listing_add(struct listing *l, struct ds_arena *a, struct ds_span name,
                        enum deck_entry_kind kind)
{
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 64 : l->room * 2;
        struct deck_entry *grown = ds_new(a, struct deck_entry, room);
        if (!grown)
            return false;
        if (l->n > 0)
            memcpy(grown, l->at, l->n * sizeof(grown[0]));
        l->at = grown;
        l->room = room;
    }
    struct ds_span copy = arena_copy(a, name);
    if (copy.ptr)
        l->at[l->n++] = (struct deck_entry){copy, kind};
    return copy.ptr != NULL;
}

static int files_list(void *context, struct ds_span path, size_t max_entries, struct ds_arena *a,
                      struct deck_entry **out, size_t *n, struct ds_err *err)
{
    char name[PATH_MAX_BYTES];
    int rc = admit(context, path, false, name, err);
    if (rc != 0)
        return rc;
    DIR *dir = opendir(name);
    if (!dir)
        return ds_fail_errno(err, DS_EIO, errno, "%s", name);
    struct listing l = {0};
    struct dirent *e;
    errno = 0;
    while (rc == 0 && (e = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): own DIR */
        struct ds_span entry = ds_span_of(e->d_name);
        if (ds_span_is(entry, ".") || ds_span_is(entry, ".."))
            continue;
        if (l.n >= max_entries)
            rc = ds_fail(err, DS_ETOOBIG, "%s holds more than %zu entries", name, max_entries);
        else if (!listing_add(&l, a, entry, entry_kind(dirfd(dir), e->d_name)))
            rc = ds_fail(err, DS_ETOOBIG, "%s: too many entries", name);
    }
    closedir(dir);
    if (rc != 0)
        return rc;
    if (l.n > 0)
        qsort(l.at, l.n, sizeof(l.at[0]), order_entries);
    *out = l.at;
    *n = l.n;
    return DS_OK;
}

struct deck_files *deck_files_create(void)
{
    struct deck_files *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->texts = arena_create(FILES_ARENA);
    f->reader = (struct deck_reader){.context = f,
                                     .stat = files_stat,
                                     .read = files_read,
                                     .read_at = files_read_at,
                                     .digest = files_digest,
                                     .list = files_list};
    return f;
}

void deck_files_destroy(struct deck_files *f)
{
    if (!f)
        return;
    arena_destroy(f->texts);
    free(f);
}

const struct deck_reader *deck_files_reader(struct deck_files *f)
{
    return &f->reader;
}
