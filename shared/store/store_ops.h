/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_ops.h - what a kind of store must do; only shared/store/ includes it
 *
 * store_io.c checks keys and dispatches; each kind embeds struct store as its first member.
 * Keys that arrive here are valid. Contracts are those of store.h. */
#ifndef DS_STORE_STORE_OPS_H
#define DS_STORE_STORE_OPS_H

#include "store/store.h"

#define STORE_URL_BYTES  4096u
#define STORE_NOTE_BYTES 512u

struct store_ops {
    void (*close)(struct store *s); /* frees s */
    /* Fills rc, err and existed of every item whose rc is 0 on entry; replace: overwrite. */
    void (*put_many)(struct store *s, struct store_put_item *items, size_t n, bool replace);
    int (*object_open)(struct store *s, const char *key, struct store_object **out,
                       uint64_t *size_bytes, struct ds_err *err);
    int (*object_read)(struct store_object *o, uint64_t offset, void *dst, size_t n,
                       struct ds_err *err);
    void (*object_close)(struct store_object *o);
    int (*head)(struct store *s, const char *key, uint64_t *size_bytes, struct ds_err *err);
    int (*list)(struct store *s, const char *prefix, store_list_f fn, void *context,
                struct ds_err *err);
    int (*remove)(struct store *s, const char *key, struct ds_err *err);
    int (*sweep_temporaries)(struct store *s, const char *prefix, struct ds_err *err);
    int (*lock)(struct store *s, const char *key, const char *holder, int *fd, struct ds_err *err);
    int (*open_append)(struct store *s, const char *key, int *fd, struct ds_err *err);
};

struct store {
    const struct store_ops *ops;
    bool is_dir;
    char url[STORE_URL_BYTES];
    char note[STORE_NOTE_BYTES];
};

struct store_object {
    const struct store_ops *ops;
};

/* A folder as store. The path is not a URL. */
int dir_store_open(const char *path, enum store_mode mode, struct store **out,
                   struct ds_err *err) DS_CHECKED;

#endif
