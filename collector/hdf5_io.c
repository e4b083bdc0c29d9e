/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/hdf5_io.h"

#include "base/fs_io.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define FULL_DISK_BYTES ((uint64_t)1 << 20)
#define END_BYTES       16u

struct hdf5_file {
    char *path;
    hid_t file;
    int fd; /* the same file, to look at */
    hid_t *set;
    size_t n;
};

bool hdf5_disk_is_full(const char *path)
{
    uint64_t free_bytes = UINT64_MAX;
    return fs_free_bytes(path, &free_bytes, NULL) == 0 && free_bytes < FULL_DISK_BYTES;
}

static int fail(const char *path, const char *what, struct ds_err *err)
{
    (void)H5Eclear2(H5E_DEFAULT);
    if (hdf5_disk_is_full(path))
        return ds_fail_errno(err, DS_ENOSPC, ENOSPC, "%s: %s", path, what);
    return ds_fail(err, DS_EIO, "%s: %s: HDF5 error", path, what);
}

static bool open_all(struct hdf5_file *f, const char *const *names)
{
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    /* chunks pass by: no cache, no table for one */
    bool ok = access >= 0 && H5Pset_chunk_cache(access, 1, 0, 0.0) >= 0;
    for (size_t i = 0; ok && i < f->n; i++) {
        f->set[i] = H5Dopen2(f->file, names[i], access);
        ok = f->set[i] >= 0;
    }
    if (access >= 0)
        (void)H5Pclose(access);
    return ok;
}

int hdf5_file_open(const char *path, const char *const *names, size_t n, struct hdf5_file **out,
                   struct ds_err *err)
{
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* errors are ours to tell */
    (void)H5garbage_collect();                   /* what netCDF needed to define the file */
    (void)malloc_trim(0);
    struct hdf5_file *f = calloc(1, sizeof *f);
    char *copy = strdup(path);
    hid_t *set = calloc(n + 1, sizeof *set);
    if (!f || !copy || !set)
        abort();
    *f = (struct hdf5_file){.path = copy, .fd = -1, .set = set, .n = n};
    for (size_t i = 0; i < n; i++)
        set[i] = H5I_INVALID_HID;
    f->file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->file < 0 || f->fd < 0 || !open_all(f, names)) {
        int rc = fail(path, "open", err);
        hdf5_file_abandon(f);
        return rc;
    }
    *out = f;
    return 0;
}

/* Do both ends of a chunk (its last bytes are a checksum) stand there? */
static bool stands_at(const struct hdf5_file *f, uint64_t at, const void *packed, size_t bytes)
{
    unsigned char seen[END_BYTES];
    const unsigned char *last = (const unsigned char *)packed + bytes - END_BYTES;
    return bytes >= END_BYTES && fs_pread_all(f->fd, seen, END_BYTES, at, NULL) == 0
           && memcmp(seen, packed, END_BYTES) == 0
           && fs_pread_all(f->fd, seen, END_BYTES, at + bytes - END_BYTES, NULL) == 0
           && memcmp(seen, last, END_BYTES) == 0;
}

/* A new chunk goes to the end of the file, unless it is small; HDF5's own answer looks at every
 * chunk of the dataset. */
int hdf5_write_chunk(struct hdf5_file *f, size_t i, uint64_t row, const void *packed, size_t bytes,
                     uint64_t *at, struct ds_err *err)
{
    const hsize_t offset[2] = {row, 0};
    haddr_t place = HADDR_UNDEF;
    hsize_t stored = 0;
    unsigned skipped = 0; /* filters that were not applied */
    bool guessed = H5Fget_eoa(f->file, &place) >= 0;
    if (H5Dwrite_chunk(f->set[i], H5P_DEFAULT, 0, offset, bytes, packed) < 0)
        return fail(f->path, "write", err);
    if ((!guessed || !stands_at(f, place, packed, bytes))
        && (H5Dget_chunk_info_by_coord(f->set[i], offset, &skipped, &place, &stored) < 0
            || stored != bytes || place == HADDR_UNDEF))
        return fail(f->path, "find what was written", err);
    *at = place;
    return 0;
}

static hid_t memory_type(hid_t set, enum hdf5_type type)
{
    switch (type) {
    case HDF5_WHOLE:
        return H5Tcopy(H5T_NATIVE_LLONG);
    case HDF5_REAL:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case HDF5_TEXT:
        break;
    }
    return H5Dget_type(set); /* text of any length; HDF5 does not convert between code sets */
}

int hdf5_write_rows(struct hdf5_file *f, const char *name, enum hdf5_type type, uint64_t first,
                    uint64_t n, const void *values, struct ds_err *err)
{
    const hsize_t start = first, count = n;
    hid_t set = H5Dopen2(f->file, name, H5P_DEFAULT);
    hid_t there = set >= 0 ? H5Dget_space(set) : -1;
    hid_t here = H5Screate_simple(1, &count, NULL);
    hid_t what = set >= 0 ? memory_type(set, type) : -1;
    bool ok = set >= 0 && there >= 0 && here >= 0 && what >= 0
              && H5Sselect_hyperslab(there, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0
              && H5Dwrite(set, what, here, there, H5P_DEFAULT, values) >= 0;
    if (what >= 0)
        (void)H5Tclose(what);
    if (here >= 0)
        (void)H5Sclose(here);
    if (there >= 0)
        (void)H5Sclose(there);
    if (set >= 0)
        ok = H5Dclose(set) >= 0 && ok;
    return ok ? 0 : fail(f->path, name, err);
}

int hdf5_set_attribute(struct hdf5_file *f, size_t i, const char *name, int value,
                       struct ds_err *err)
{
    hid_t attribute = H5Aopen(f->set[i], name, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, &value) >= 0;
    if (attribute >= 0)
        ok = H5Aclose(attribute) >= 0 && ok;
    return ok ? 0 : fail(f->path, name, err);
}

static bool close_all(struct hdf5_file *f)
{
    bool ok = true;
    for (size_t i = 0; i < f->n; i++)
        if (f->set[i] >= 0)
            ok = H5Dclose(f->set[i]) >= 0 && ok;
    if (f->file >= 0)
        ok = H5Fclose(f->file) >= 0 && ok;
    return ok;
}

static void forget(struct hdf5_file *f)
{
    fs_close_at(&f->fd);
    free(f->path);
    free(f->set);
    free(f);
}

int hdf5_file_close(struct hdf5_file *f, struct ds_err *err)
{
    int rc = close_all(f) ? 0 : fail(f->path, "close", err);
    forget(f);
    return rc;
}

void hdf5_file_abandon(struct hdf5_file *f)
{
    if (!f)
        return;
    (void)close_all(f);
    forget(f);
}
