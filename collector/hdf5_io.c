/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/hdf5_io.h"

#include "base/fs_io.h"

#include <errno.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#define FULL_DISK_BYTES ((uint64_t)1 << 20)

struct hdf5_chunks {
    char *path;
    hid_t file;
    hid_t *set;
    size_t n;
};

/* HDF5 does not say that a disk is full: look. */
static int fail(const char *path, const char *what, struct ds_err *err)
{
    uint64_t free_bytes = UINT64_MAX;
    if (fs_free_bytes(path, &free_bytes, NULL) == 0 && free_bytes < FULL_DISK_BYTES)
        return ds_fail_errno(err, DS_ENOSPC, ENOSPC, "%s: %s", path, what);
    return ds_fail(err, DS_EIO, "%s: %s: HDF5 error", path, what);
}

static bool open_all(struct hdf5_chunks *c, const char *const *names)
{
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    /* chunks pass by: no cache, no table for one */
    bool ok = access >= 0 && H5Pset_chunk_cache(access, 1, 0, 0.0) >= 0;
    for (size_t i = 0; ok && i < c->n; i++) {
        c->set[i] = H5Dopen2(c->file, names[i], access);
        ok = c->set[i] >= 0;
    }
    if (access >= 0)
        (void)H5Pclose(access);
    return ok;
}

int hdf5_chunks_open(const char *path, const char *const *names, size_t n, struct hdf5_chunks **out,
                     struct ds_err *err)
{
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* errors are ours to tell */
    struct hdf5_chunks *c = calloc(1, sizeof *c);
    char *copy = strdup(path);
    hid_t *set = calloc(n + 1, sizeof *set);
    if (!c || !copy || !set)
        abort();
    *c = (struct hdf5_chunks){.path = copy, .set = set, .n = n};
    for (size_t i = 0; i < n; i++)
        set[i] = H5I_INVALID_HID;
    c->file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    if (c->file < 0 || !open_all(c, names)) {
        int rc = fail(path, "open", err);
        hdf5_chunks_abandon(c);
        return rc;
    }
    *out = c;
    return 0;
}

int hdf5_chunks_write(struct hdf5_chunks *c, size_t i, uint64_t row, const void *packed,
                      size_t bytes, struct ds_err *err)
{
    const hsize_t offset[2] = {row, 0};
    if (H5Dwrite_chunk(c->set[i], H5P_DEFAULT, 0, offset, bytes, packed) < 0)
        return fail(c->path, "write", err);
    return 0;
}

static bool close_all(struct hdf5_chunks *c)
{
    bool ok = true;
    for (size_t i = 0; i < c->n; i++)
        if (c->set[i] >= 0)
            ok = H5Dclose(c->set[i]) >= 0 && ok;
    if (c->file >= 0)
        ok = H5Fclose(c->file) >= 0 && ok;
    return ok;
}

static void forget(struct hdf5_chunks *c)
{
    free(c->path);
    free(c->set);
    free(c);
}

int hdf5_chunks_close(struct hdf5_chunks *c, struct ds_err *err)
{
    int rc = close_all(c) ? 0 : fail(c->path, "close", err);
    forget(c);
    return rc;
}

void hdf5_chunks_abandon(struct hdf5_chunks *c)
{
    if (!c)
        return;
    (void)close_all(c);
    forget(c);
}
