/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dir_store.h - the folder as a store, in four files that share this struct
 *
 * dir_store_io.c opens, probes, reads; dir_put_io.c commits; dir_temp_io.c names and removes
 * temporaries; dir_walk_io.c lists. Only shared/store/ includes it. */
#ifndef DS_STORE_DIR_STORE_H
#define DS_STORE_DIR_STORE_H

#include "store/store_ops.h"

#include <stdatomic.h>
#include <sys/stat.h>

#define DIR_HOST_BYTES 64u
#define DIR_TEMP_BYTES 160u

struct dir_store {
    struct store base;
    int root_fd;
    atomic_bool no_link;       /* link(2) is not supported: look, then rename */
    char host[DIR_HOST_BYTES]; /* as it stands in names of temporaries */
};

/* "store <url>: <key>: <what>: <system's words>; <what to do>". Always fails. */
int dir_fail(const struct dir_store *s, const char *key, const char *what, int sys,
             struct ds_err *err) __attribute__((cold));

/* The folder that holds key, open for *at calls; created when missing and asked for. *leaf:
 * key's last component (points into key). gives *fd. */
int dir_open_parent(struct dir_store *s, const char *key, bool create, const char **leaf, int *fd,
                    struct ds_err *err) DS_CHECKED;

/* fsync of a folder; "not supported" is no error. 0 or errno. */
int dir_sync_folder(int fd);

/* Temporaries: ".tmp.<host>.<pid namespace>.<pid>.<n>". */
void dir_temp_host(char out[DIR_HOST_BYTES]);
void dir_temp_name(const struct dir_store *s, char out[DIR_TEMP_BYTES]); /* new at each call */
/* Is this the name of a temporary whose writer is surely gone? now_s: Unix time. */
bool dir_temp_is_dead(const struct dir_store *s, const char *name, int64_t mtime_s, int64_t now_s);
/* A new temporary in folder; gives *fd. 0 or errno. */
int dir_temp_create(const struct dir_store *s, int folder_fd, char name[DIR_TEMP_BYTES], int *fd);

/* Every file below prefix (see store_list); dots: only names that start with '.', else only
 * others. Return non-zero from fn to stop. */
struct dir_found {
    int folder_fd;
    const char *name;
    struct ds_span key;
    const struct stat *st;
};
typedef int (*dir_walk_f)(void *context, const struct dir_found *found);
int dir_walk(struct dir_store *s, const char *prefix, bool dots, dir_walk_f fn, void *context,
             struct ds_err *err) DS_CHECKED;

/* Operations that store_ops points at. */
void dir_put_many(struct store *base, struct store_put_item *items, size_t n, bool replace);
int dir_list(struct store *s, const char *prefix, store_list_f fn, void *context,
             struct ds_err *err) DS_CHECKED;
int dir_sweep_temporaries(struct store *s, const char *prefix, struct ds_err *err) DS_CHECKED;
int dir_lock(struct store *base, const char *key, const char *holder, int *out,
             struct ds_err *err) DS_CHECKED;
int dir_open_append(struct store *base, const char *key, int *out, struct ds_err *err) DS_CHECKED;

#endif
