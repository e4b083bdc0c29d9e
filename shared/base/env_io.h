/* SPDX-License-Identifier: GPL-3.0-or-later */
/* env_io.h - what the environment says. Nobody here ever changes it while threads run. */
#ifndef DS_BASE_ENV_IO_H
#define DS_BASE_ENV_IO_H

#include <stdbool.h>
#include <stddef.h>

const char *env_get(const char *name); /* NULL: not set. Borrows the environment */

/* Where temporary files go: given (NULL or "": not given), else $TMPDIR, else /var/tmp. */
const char *env_temporary_folder(const char *given);

/* The first folder of PATH that holds an executable file of that name, as "folder/name" in
 * path. false: none, or none whose path fits room. */
bool env_find_program(const char *name, char *path, size_t room);

/* A regular file that we may execute? */
bool env_is_program(const char *path);

#endif
