/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where an archive's bytes come from. */
#include "archive/archive.h"
#include "base/fs_io.h"
#include "store/store.h"

int archive_read_from_fd(void *context, uint64_t offset, void *dst, size_t n, struct ds_err *err)
{
    return fs_pread_all(*(const int *)context, dst, n, offset, err);
}

int archive_read_from_bytes(void *context, uint64_t offset, void *dst, size_t n, struct ds_err *err)
{
    const struct ds_bytes *b = context;
    if (offset > b->len || n > b->len - offset)
        return ds_fail(err, DS_ECORRUPT, "ends early: %zu bytes at offset %llu of %zu", n,
                       (unsigned long long)offset, b->len);
    memcpy(dst, b->data + offset, n);
    return 0;
}

int archive_read_from_store(void *context, uint64_t offset, void *dst, size_t n, struct ds_err *err)
{
    return store_object_read(context, offset, dst, n, err);
}
