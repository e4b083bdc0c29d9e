/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extract_io.h - members of an archive as files below a folder, and nowhere else
 *
 * Folders on the way are opened one by one without following links, files are always new
 * (never written through a link that lies there), names come from an index that was
 * checked. A member that fails leaves no file. */
#ifndef DS_ARCHIVE_EXTRACT_IO_H
#define DS_ARCHIVE_EXTRACT_IO_H

#include "archive/archive.h"

struct case_file;

struct archive_extract {
    int folder_fd; /* below it everything stays; borrowed */
    /* Which members; NULL: all. */
    bool (*wants)(void *context, const struct archive_member *m);
    void *wants_context;
    uint64_t
        max_bytes; /* content of all wanted members; more is DS_ETOOBIG before any is written */
    const struct case_file *files; /* SHA-256 that contents must have; a member that is not
                                      listed is not checked */
    size_t n_files;
    bool replace; /* put the new file in an old one's place; else DS_EEXIST */
};

struct archive_extracted {
    size_t n_files;
    uint64_t bytes;
};

/* out counts what was written, also on failure. DS_EEXIST, DS_ETOOBIG; DS_ENOSPC, DS_EDENIED,
 * DS_EIO with the member's name; DS_ECORRUPT. Modes 0666 or 0777 as the umask says. */
int archive_extract(struct archive_reader *r, archive_read_f read, void *context,
                    const struct archive_index *x, const struct archive_extract *how,
                    struct archive_extracted *out, struct ds_err *err) DS_CHECKED;

#endif
