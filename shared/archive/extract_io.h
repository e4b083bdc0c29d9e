/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extract_io.h - members of an archive as files below a folder, and nowhere else
 *
 * Folders on the way are opened one by one without following links, files are always new
 * (never written through a link that lies there), names come from an index that was
 * checked. A member that fails leaves no file. */
#ifndef DS_ARCHIVE_EXTRACT_IO_H
#define DS_ARCHIVE_EXTRACT_IO_H

#include "archive/archive.h"

/* All members below folder_fd (borrowed), which must not hold them yet. A failure leaves what came
 * before it. DS_EEXIST; DS_ENOSPC, DS_EDENIED, DS_EIO with the member's name; DS_ECORRUPT. Modes
 * 0666 or 0777 as the umask says. */
int archive_extract(struct archive_reader *r, archive_read_f read, void *context,
                    const struct archive_index *x, int folder_fd, struct ds_err *err) DS_CHECKED;

#endif
