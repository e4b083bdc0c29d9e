/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fs_io.h - files and folders, with errors that name the path */
#ifndef DS_BASE_FS_IO_H
#define DS_BASE_FS_IO_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

/* Write all of it, through EINTR and short writes. err names nothing: the caller wraps. */
int fs_write_all(int fd, const void *data, size_t n, struct ds_err *err) DS_CHECKED;
/* Exactly n bytes at offset; DS_ECORRUPT "ends early" when the file is shorter. */
int fs_pread_all(int fd, void *data, size_t n, uint64_t offset, struct ds_err *err) DS_CHECKED;

/* The whole of a regular file into the arena (terminated). DS_ETOOBIG above max_bytes;
 * DS_EINPUT for directories, devices, pipes. */
int fs_read_file(const char *path, size_t max_bytes, struct ds_arena *a, struct ds_span *out,
                 struct ds_err *err) DS_CHECKED;
int fs_read_file_at(int dir_fd, const char *name, size_t max_bytes, struct ds_arena *a,
                    struct ds_span *out, struct ds_err *err) DS_CHECKED;

/* Create or truncate, write, close; no fsync: for scratch. */
int fs_write_file_at(int dir_fd, const char *name, struct ds_span data,
                     struct ds_err *err) DS_CHECKED;

/* Temporary, fsync, rename, fsync of the folder: the old file or the new, never half. */
int fs_replace_file(const char *path, struct ds_span data, struct ds_err *err) DS_CHECKED;

/* mkdir -p with mode 0777 & ~umask; an existing directory is fine. */
int fs_make_dirs(const char *path, struct ds_err *err) DS_CHECKED;

/* rm -rf below and including name; never follows links, never crosses into another file
 * system; ENOENT is fine. Goes on after an error and reports the first. */
int fs_remove_tree_at(int dir_fd, const char *name, struct ds_err *err) DS_CHECKED;

/* Bytes a non-root user may still write where path is. */
int fs_free_bytes(const char *path, uint64_t *bytes, struct ds_err *err) DS_CHECKED;

void fs_close_at(int *fd); /* for ds_auto_fd */
#define ds_auto_fd __attribute__((cleanup(fs_close_at))) int
static inline int ds_take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
void fs_free_ptr(void *p);
#define ds_auto_free __attribute__((cleanup(fs_free_ptr)))

#endif
