/* SPDX-License-Identifier: GPL-3.0-or-later */
/* path.h - file names as text; never looks at a file system. Pure, reentrant. */
#ifndef DS_BASE_PATH_H
#define DS_BASE_PATH_H

#include "base/arena.h"

#define PATH_MAX_BYTES 4096u

/* "a/b" + "c" -> "a/b/c"; name alone when it is absolute or dir is "". {NULL,0}: arena full. */
struct ds_span path_join(struct ds_arena *a, struct ds_span dir, struct ds_span name);

/* Without "." and "//", with ".." taken back where something stands before it (text only).
 * "../x" stays; "/.." is "/". "" becomes ".". */
struct ds_span path_normalise(struct ds_arena *a, struct ds_span path);

struct ds_span path_base(struct ds_span path);      /* after the last '/' */
struct ds_span path_dir(struct ds_span path);       /* before it, without it; "" if none; "/" */
struct ds_span path_extension(struct ds_span path); /* after the last '.' of the base; "" */
struct ds_span path_stem(struct ds_span path);      /* the base without ".ext" */

/* May an archive member or bundle entry have this name? Relative, no empty, "." or ".."
 * component, no control bytes, at most PATH_MAX_BYTES. */
bool path_is_safe_member(struct ds_span path);

/* From folder `from` to `to`, both normalised and both absolute or both relative. */
struct ds_span path_relative(struct ds_arena *a, struct ds_span from, struct ds_span to);

#endif
