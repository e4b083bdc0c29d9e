/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.h - where results live: named objects that exist completely or not at all
 *
 * One interface for a directory (also a mounted PersistentVolume) and, in its own issue, an S3
 * prefix. Keys are relative, '/'-separated, at most STORE_KEY_BYTES, safe member names
 * (path_is_safe_member), and no component starts with '.'; others are DS_EINPUT.
 *
 * A store may be used from several threads at once. Nothing here retries for ever: transient
 * errors of a remote store are retried inside, within a budget. */
#ifndef DS_STORE_STORE_H
#define DS_STORE_STORE_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

#define STORE_KEY_BYTES 512u

struct store;

bool store_key_is_valid(struct ds_span key); /* pure */

enum store_mode {
    STORE_READ,  /* nothing is created; a missing folder is DS_ENOTFOUND */
    STORE_WRITE, /* created when missing; probed once for write, link and fsync */
};

/* Open <url>: a path (relative to the working directory) or s3://bucket/prefix.
 *
 * DS_EINPUT: a URL of a kind not built in ("pvc://": names --store). DS_ENOTFOUND, DS_EDENIED,
 * DS_ENOSPC, DS_EIO. gives: store_close. */
int store_open(const char *url, enum store_mode mode, struct store **out,
               struct ds_err *err) DS_CHECKED;
void store_close(struct store *s);            /* NULL is legal */
const char *store_url(const struct store *s); /* absolute path or s3://..., for messages */
bool store_is_dir(const struct store *s);     /* a directory: locks and tail -f work */

/* Something the probe found that users should hear once ("no link(2) in ..."); "" if none. */
const char *store_note(const struct store *s);

/* What an object is made of: bytes in memory, or an open file from 0 to len. */
struct store_body {
    const void *data; /* NULL: from fd */
    int fd;
    uint64_t len;
    bool given; /* the file is nobody else's any more: store_put may keep it, with its mode, instead
                 * of a copy; its old name stays for the caller to remove */
};

struct store_put_item {
    const char *key;
    struct store_body body;
    bool existed;      /* out: somebody had committed it; ours was dropped: a success */
    int rc;            /* out: 0 or negative ds_code of this item */
    struct ds_err err; /* out: set when rc < 0 */
};

/* Commit: the object appears completely and durably under its key, or not at all. Loses the
 * race gracefully (existed). Full disk, quota, read-only: DS_ENOSPC / DS_EDENIED, also when
 * first seen at fsync or close; nothing of it stays behind. */
int store_put_if_absent(struct store *s, const char *key, struct store_body body, bool *existed,
                        struct ds_err *err) DS_CHECKED;

/* The same for many at once, sharing the cost of durability (one journal commit). Each item has
 * its own result; returns 0 when all went well, else the first item's code. */
int store_put_many_if_absent(struct store *s, struct store_put_item *items, size_t n) DS_CHECKED;

/* Create or replace, atomically and durably. */
int store_put(struct store *s, const char *key, struct store_body body,
              struct ds_err *err) DS_CHECKED;

/* The whole object into the arena (terminated); DS_ENOTFOUND, DS_ETOOBIG above max_bytes. */
int store_get(struct store *s, const char *key, size_t max_bytes, struct ds_arena *a,
              struct ds_span *out, struct ds_err *err) DS_CHECKED;

/* Exactly [offset, offset+n) into dst. DS_ECORRUPT when the object ends before. */
int store_get_range(struct store *s, const char *key, uint64_t offset, void *dst, size_t n,
                    struct ds_err *err) DS_CHECKED;

/* Several ranges of one object kept open between calls: cheaper than store_get_range. */
struct store_object;
int store_object_open(struct store *s, const char *key, struct store_object **out,
                      uint64_t *size_bytes, struct ds_err *err) DS_CHECKED;
int store_object_read(struct store_object *o, uint64_t offset, void *dst, size_t n,
                      struct ds_err *err) DS_CHECKED;
void store_object_close(struct store_object *o); /* NULL is legal */

int store_head(struct store *s, const char *key, uint64_t *size_bytes,
               struct ds_err *err) DS_CHECKED;

/* Every key that starts with prefix ("", or ending in '/'), in no order; dot-files
 * (temporaries) are not listed. Return non-zero from fn to stop; it becomes the result. */
typedef int (*store_list_f)(void *context, struct ds_span key, uint64_t size_bytes,
                            int64_t mtime_ms);
int store_list(struct store *s, const char *prefix, store_list_f fn, void *context,
               struct ds_err *err) DS_CHECKED;

/* Remove one object; absent is success. */
int store_remove(struct store *s, const char *key, struct ds_err *err) DS_CHECKED;

/* Remove temporaries of crashed writers: older than a day, or of this host with a dead pid. */
int store_sweep_temporaries(struct store *s, const char *prefix, struct ds_err *err) DS_CHECKED;

/* Advisory lock file <key> of a local run (directory store only; a remote one always
 * succeeds with *fd = -1). The holder's words are in the file. DS_EAGAIN: held; err's text is
 * the holder ("pid 12 on host since ..."). Released by closing *fd, also when the process dies. */
int store_lock(struct store *s, const char *key, const char *holder, int *fd,
               struct ds_err *err) DS_CHECKED;

/* Append lines to a growing, non-authoritative object (runs/<utc>-<host>-<pid>.jsonl): directory
 * store only, DS_EUNSUPPORTED elsewhere. gives fd. */
int store_open_append(struct store *s, const char *key, int *fd, struct ds_err *err) DS_CHECKED;

#endif
