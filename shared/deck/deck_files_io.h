/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deck_files_io.h - the real file system as a struct deck_reader
 *
 * Text that is read is kept until destroy. Only regular files are read: no devices, pipes,
 * sockets. A file that becomes shorter while it is read is an error. One owner. */
#ifndef DS_DECK_DECK_FILES_IO_H
#define DS_DECK_DECK_FILES_IO_H

#include "deck/reader.h"

struct deck_files;

/* Relative paths start at the working directory. gives: deck_files_destroy. */
struct deck_files *deck_files_create(void);
/* From now on read nothing outside of folder root (absolute, without links in it): neither by
 * name nor through a link; DS_EDENIED says so. false: root is too long. */
bool deck_files_confine(struct deck_files *f, const char *root);
void deck_files_destroy(struct deck_files *f); /* NULL is legal; texts go with it */
const struct deck_reader *deck_files_reader(struct deck_files *f); /* lives as long as f */

static inline void deck_files_destroy_at(struct deck_files **f)
{
    deck_files_destroy(*f);
}
#define ds_auto_deck_files __attribute__((cleanup(deck_files_destroy_at))) struct deck_files *

#endif
