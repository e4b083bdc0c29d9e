/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Archives by hand, for tests and the benchmark:
 *   archtool pack LEVEL THREADS ARCHIVE FILE...       members under their names as given
 *   archtool unpack ARCHIVE FOLDER
 *   archtool list ARCHIVE                              name, size, frames
 *   archtool cat ARCHIVE MEMBER
 *   archtool verify ARCHIVE
 * Exit status 0, or 1 with one line on stderr. */
#include "archive/extract_io.h"
#include "archive/verify.h"
#include "base/fs_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ds_err err;

static int to_fd(void *context, const void *data, size_t n, struct ds_err *e)
{
    return fs_write_all(*(int *)context, data, n, e);
}

static int open_or_say(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0)
        (void)ds_fail_errno(&err, DS_EIO, errno, "%s", path);
    return fd;
}

static int add(struct archive_writer *w, const char *path)
{
    char sha[65];
    struct stat st;
    ds_auto_fd fd = open_or_say(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    while (*path == '/')
        path++;
    return archive_add_fd(w, path, fd, (uint64_t)st.st_size, (st.st_mode & 0100) != 0, sha, &err);
}

static int pack(char **args, int n)
{
    uint64_t total, level = 3, threads = 0;
    ds_auto_fd fd = n < 3 ? -1 : open_or_say(args[2], O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return -1;
    char *end;
    level = strtoull(args[0], &end, 10);
    threads = strtoull(args[1], &end, 10);
    struct archive_writer *w = archive_writer_create((int)level, (unsigned)threads);
    archive_writer_start(w, to_fd, &fd);
    int rc = 0;
    for (int i = 3; i < n && rc == 0; i++)
        rc = add(w, args[i]);
    if (rc == 0)
        rc = archive_writer_end(w, &total, &err);
    archive_writer_destroy(w);
    return rc;
}

struct opened {
    int fd;
    uint64_t bytes;
    struct ds_arena *arena;
    struct archive_reader *reader;
    struct archive_index index;
};

static int list(struct opened *o)
{
    for (size_t i = 0; i < o->index.n_members; i++) {
        const struct archive_member *m = &o->index.members[i];
        (void)printf("%s %llu %u\n", m->name.ptr, (unsigned long long)m->size_bytes, m->n_frames);
    }
    return 0;
}

static int cat(struct opened *o, const char *name)
{
    int out = STDOUT_FILENO;
    const struct archive_member *m = archive_find(&o->index, ds_span_of(name));
    if (!m)
        return ds_fail(&err, DS_ENOTFOUND, "%s: no such member", name);
    return archive_stream_member(o->reader, archive_read_from_fd, &o->fd, m, to_fd, &out, NULL,
                                 &err);
}

static int unpack(struct opened *o, const char *folder)
{
    ds_auto_fd fd = open_or_say(folder, O_RDONLY | O_DIRECTORY);
    return fd < 0 ? -1
                  : archive_extract(o->reader, archive_read_from_fd, &o->fd, &o->index, fd, &err);
}

static int read_archive(const char *verb, char **args, int n)
{
    struct stat st;
    struct opened o = {.fd = open_or_say(args[0], O_RDONLY)};
    if (o.fd < 0 || fstat(o.fd, &st) < 0)
        return -1;
    o.bytes = (uint64_t)st.st_size;
    o.arena = arena_create((size_t)1 << 30);
    o.reader = archive_reader_create();
    struct archive_check check;
    int rc = archive_read_index(archive_read_from_fd, &o.fd, o.bytes, o.arena, &o.index, &err);
    if (rc == 0 && strcmp(verb, "verify") == 0)
        rc = archive_verify(o.reader, archive_read_from_fd, &o.fd, o.bytes, o.arena, &check, &err);
    else if (rc == 0 && strcmp(verb, "list") == 0)
        rc = list(&o);
    else if (rc == 0 && strcmp(verb, "cat") == 0 && n == 2)
        rc = cat(&o, args[1]);
    else if (rc == 0 && strcmp(verb, "unpack") == 0 && n == 2)
        rc = unpack(&o, args[1]);
    else if (rc == 0)
        rc = ds_fail(&err, DS_EINPUT, "unknown verb %s", verb);
    archive_reader_destroy(o.reader);
    arena_destroy(o.arena);
    (void)close(o.fd);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int rc = strcmp(argv[1], "pack") == 0 ? pack(argv + 2, argc - 2)
                                          : read_archive(argv[1], argv + 2, argc - 2);
    if (rc < 0)
        (void)fprintf(stderr, "archtool: %s\n", err.text);
    return rc < 0 ? 1 : 0;
}
