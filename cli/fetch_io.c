/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/fetch_io.h"

#include "base/fs_io.h"
#include "base/path.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)512 << 20)
#define CHUNK_BYTES ((size_t)128 << 10)
#define PART        ".decksweep-part"

int fetch_open(struct fetch *f, const struct target *t, const char *dir, struct ds_err *err)
{
    int rc = fs_make_dirs(dir, err);
    if (rc < 0)
        return rc;
    f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir_fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "open %s", dir);
    f->t = t;
    f->arena = arena_create(ARENA_BYTES);
    f->reader = archive_reader_create();
    return 0;
}

void fetch_close(struct fetch *f)
{
    archive_reader_destroy(f->reader);
    arena_destroy(f->arena);
    fs_close_at(&f->dir_fd);
}

/* The folder that name lies in, made as needed, never through a link. *base: last component. */
static int open_parent(int dir_fd, struct ds_span name, int *parent, const char **base,
                       struct ds_err *err)
{
    ds_auto_fd fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "open the folder");
    struct ds_span rest = name, head;
    while (memchr(rest.ptr, '/', rest.len)) {
        char part[256];
        rest = ds_span_cut(rest, '/', &head);
        if (head.len >= sizeof part)
            return ds_fail(err, DS_EINPUT, "%.*s: a folder's name is too long", DS_FMT(name));
        (void)snprintf(part, sizeof part, "%.*s", DS_FMT(head));
        if (mkdirat(fd, part, 0777) < 0 && errno != EEXIST)
            return ds_fail_errno(err, DS_EIO, errno, "make folder %s", part);
        int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return ds_fail_errno(err, DS_EIO, errno, "open folder %s", part);
        fs_close_at(&fd);
        fd = next;
    }
    *base = rest.ptr; /* names end where their spans end: arena copies */
    *parent = ds_take_fd(&fd);
    return 0;
}

static int write_sink(void *context, const void *data, size_t n, struct ds_err *err)
{
    return fs_write_all(*(int *)context, data, n, err);
}

/* Does the file have this size and content already? */
static bool is_there(int parent, const char *base, uint64_t size_bytes, const char *sha256)
{
    ds_auto_fd fd = openat(parent, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size_bytes)
        return false;
    char chunk[CHUNK_BYTES];
    struct sha256 *h = sha256_create();
    char hex[65];
    ssize_t n = -1;
    while ((n = read(fd, chunk, CHUNK_BYTES)) > 0)
        sha256_add(h, chunk, (size_t)n);
    sha256_end(h, hex);
    sha256_destroy(h);
    return n == 0 && strcmp(hex, sha256) == 0;
}

/* What puts a file's bytes into fd; sha256 gives their hash. */
typedef int (*fill_f)(void *context, int fd, char sha256[65], struct ds_err *err);

/* Write name below f's folder: part file, content, check, rename. wanted NULL: no check. */
static int put_file(struct fetch *f, struct ds_span name, uint64_t size_bytes, const char *wanted,
                    fill_f fill, void *context, struct ds_err *err)
{
    ds_auto_fd parent = -1;
    const char *base = "";
    char part[300], sha256[65] = "";
    int rc = open_parent(f->dir_fd, name, &parent, &base, err);
    if (rc < 0)
        return rc;
    if (wanted && is_there(parent, base, size_bytes, wanted)) {
        f->sums.n_there++;
        return 0;
    }
    if (strlen(base) + sizeof PART > sizeof part)
        return ds_fail(err, DS_EINPUT, "its name is too long");
    (void)snprintf(part, sizeof part, "%s" PART, base);
    ds_auto_fd fd =
        openat(parent, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "create %s", part);
    rc = fill(context, fd, sha256, err);
    if (rc == 0 && wanted && strcmp(sha256, wanted) != 0)
        rc = ds_fail(err, DS_ECORRUPT,
                     "its SHA-256 is not the one in case.json; `decksweep verify` "
                     "tells what else is bad");
    int closed = close(ds_take_fd(&fd));
    if (rc == 0 && closed < 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "write");
    if (rc == 0 && renameat(parent, part, parent, base) < 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "rename to %s", base);
    if (rc < 0) {
        (void)unlinkat(parent, part, 0);
        return rc;
    }
    f->sums.n_written++;
    f->sums.bytes += size_bytes;
    return 0;
}

struct member_source {
    struct fetch *f;
    struct store_object *object;
    const struct archive_member *member;
};

static int fill_from_member(void *context, int fd, char sha256[65], struct ds_err *err)
{
    struct member_source *s = context;
    return archive_stream_member(s->f->reader, archive_read_from_store, s->object, s->member,
                                 write_sink, &fd, sha256, err);
}

static const char *sha_in_record(const struct case_record *r, struct ds_span name)
{
    for (size_t i = 0; i < r->n_files; i++)
        if (ds_span_eq(r->files[i].path, name))
            return r->files[i].sha256;
    return NULL;
}

static int fetch_member(struct fetch *f, uint32_t number, const struct case_archive *a,
                        const struct archive_member *m, struct ds_err *err)
{
    char own[65];
    struct member_source s = {f, a->object, m};
    const char *wanted = sha_in_record(&a->record, m->name);
    if (ds_span_is(m->name, "case.json")) {
        sha256_of(a->case_json.ptr, a->case_json.len, own);
        wanted = own;
    } else if (!wanted) {
        return ds_fail(err, DS_ECORRUPT, "%.*s: case.json does not name it", DS_FMT(m->name));
    }
    struct ds_span name = arena_format(f->arena, "case-%06u/%.*s", number, DS_FMT(m->name));
    if (!name.ptr)
        return ds_fail(err, DS_ETOOBIG, "too many files");
    int rc = put_file(f, name, m->size_bytes, wanted, fill_from_member, &s, err);
    return rc < 0 ? ds_wrap(err, "%.*s", DS_FMT(name)) : 0;
}

/* Is the file wanted? Notes which of the asked members it is. */
static bool wants(struct fetch *f, struct ds_span name)
{
    struct ds_span base = path_base(name);
    if (!f->some_members)
        return true;
    if (!keep_wants(&f->members, base))
        return false;
    f->classes_found |= result_class_of_file(base);
    for (size_t i = 0; i < f->members.n_globs; i++)
        if (ds_span_glob(f->members.globs[i], base))
            f->globs_found[i] = true;
    return true;
}

int fetch_case(struct fetch *f, uint32_t number, const char *inner, struct ds_err *err)
{
    struct case_archive a;
    arena_reset(f->arena);
    int rc = case_archive_open(f->t, inner, f->reader, f->arena, &a, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < a.index.n_members && rc == 0; i++) {
        const struct archive_member *m = &a.index.members[i];
        if (wants(f, m->name))
            rc = fetch_member(f, number, &a, m, err);
    }
    case_archive_close(&a);
    f->sums.n_cases += rc == 0;
    return rc;
}

struct object_source {
    struct fetch *f;
    const char *key;
};

static int fill_from_object(void *context, int fd, char sha256[65], struct ds_err *err)
{
    struct object_source *s = context;
    struct store_object *object;
    uint64_t size;
    sha256[0] = '\0';
    char chunk[CHUNK_BYTES];
    int rc = store_object_open(s->f->t->store, s->key, &object, &size, err);
    if (rc < 0)
        return rc;
    for (uint64_t at = 0; at < size && rc == 0;) {
        size_t n = size - at < CHUNK_BYTES ? (size_t)(size - at) : CHUNK_BYTES;
        rc = store_object_read(object, at, chunk, n, err);
        if (rc == 0)
            rc = fs_write_all(fd, chunk, n, err);
        at += n;
    }
    store_object_close(object);
    return rc;
}

struct dataset_keys {
    struct ds_arena *a;
    struct ds_span keys[64];
    uint64_t sizes[64];
    size_t n;
};

static int note_dataset_key(void *context, struct ds_span key, uint64_t size_bytes,
                            int64_t mtime_ms)
{
    struct dataset_keys *d = context;
    (void)mtime_ms;
    if (d->n < DS_COUNT(d->keys)) {
        d->keys[d->n] = arena_copy(d->a, key);
        d->sizes[d->n++] = size_bytes;
    }
    return 0;
}

int fetch_dataset(struct fetch *f, bool required, struct ds_err *err)
{
    struct dataset_keys found = {.a = f->arena};
    char prefix[STORE_KEY_BYTES];
    arena_reset(f->arena);
    (void)snprintf(prefix, sizeof prefix, "%sdataset/", f->t->prefix);
    int rc = store_list(f->t->store, prefix, note_dataset_key, &found, err);
    if (rc < 0 && rc != DS_ENOTFOUND)
        return rc;
    if (found.n == 0 && required)
        return ds_fail(err, DS_ENOTFOUND, "there is no dataset yet: %s %.*s",
                       f->t->cluster ? "the last census makes it; see decksweep status"
                                     : "decksweep collect",
                       DS_FMT(f->t->label));
    rc = 0;
    for (size_t i = 0; i < found.n && rc == 0; i++) {
        struct object_source s = {f, found.keys[i].ptr};
        struct ds_span name = {found.keys[i].ptr + strlen(f->t->prefix),
                               found.keys[i].len - strlen(f->t->prefix)};
        if (!path_is_safe_member(name))
            continue;
        rc = put_file(f, name, found.sizes[i], NULL, fill_from_object, &s, err);
        if (rc < 0)
            (void)ds_wrap(err, "%.*s", DS_FMT(name));
    }
    return rc;
}
