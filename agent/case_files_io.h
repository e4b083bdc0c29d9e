/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_files_io.h - what a simulator left in a case folder
 *
 * Lists the tree below a folder without following links and reads small files once, so that
 * judging, hashing and archiving share the bytes. A case folder is hostile: depth, count and
 * names are bounded; what is no regular file is passed over; FIFOs are never opened. */
#ifndef DS_AGENT_CASE_FILES_IO_H
#define DS_AGENT_CASE_FILES_IO_H

#include "base/arena.h"

#include <stdint.h>

#define CASE_FILES_MAX       100000u
#define CASE_FILES_MAX_DEPTH 32u
#define CASE_FILE_SMALL      ((uint64_t)1 << 20) /* read whole; larger ones are streamed */

struct case_entry {
    const char *path; /* from the case folder; safe member name */
    size_t dir_len;   /* length of its folder's part, without '/' */
    uint64_t size_bytes;
    bool executable;
    bool input;       /* set by the caller: staged as it is in the bundle, never kept */
    const char *data; /* after case_files_read; NULL: not read, or larger than CASE_FILE_SMALL */
};

struct case_files {
    int dir_fd;            /* borrowed: the case folder */
    struct case_entry *at; /* by path */
    size_t n;
    uint64_t loaded_bytes;
    const char *too_much;   /* why the list is not whole, static text; NULL: it is */
    struct ds_arena *arena; /* keeps everything */
};

/* More than CASE_FILES_MAX entries, or folders deeper than CASE_FILES_MAX_DEPTH: what a case made
 * is no error of the worker; the list holds what it may and too_much says so. DS_ETOOBIG, DS_EIO. */
int case_files_list(int dir_fd, struct ds_arena *a, struct case_files *out,
                    struct ds_err *err) DS_CHECKED;

/* <dir><name> (dir "" or ending in '/'), or NULL. Binary search. */
struct case_entry *case_files_find(const struct case_files *f, struct ds_span dir,
                                   const char *name);

/* Does it stand right in the folder dir ("" or ending in '/')? */
bool case_entry_is_in(const struct case_entry *e, struct ds_span dir);

/* Fill entry->data of a file not larger than CASE_FILE_SMALL (size_bytes becomes what was
 * read). Larger ones and those that cannot be read keep data NULL: 0 all the same. */
int case_files_read(struct case_files *f, struct case_entry *e, struct ds_err *err) DS_CHECKED;

/* Open for streaming. gives *fd. */
int case_files_open(const struct case_files *f, const struct case_entry *e, int *fd,
                    struct ds_err *err) DS_CHECKED;

#endif
