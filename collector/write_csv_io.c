/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/write_csv_io.h"

#include "base/fs_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#define OUT_BYTES  ((size_t)256 * 1024)
#define GZ_LEVEL   1 /* 300 MB of digits in 3 s; level 6 takes 15 s for a tenth less */
#define ZST_LEVEL  3
#define GZ_WRAPPER 16 /* added to windowBits: a gzip header instead of zlib's */

struct csv_file {
    enum csv_format format;
    char *path;
    int fd;
    z_stream gz;
    ZSTD_CStream *zst;
    unsigned char out[OUT_BYTES];
};

int csv_file_create(const char *path, enum csv_format format, struct csv_file **out,
                    struct ds_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return ds_fail_errno(err, DS_EIO, errno, "%s", path);
    struct csv_file *f = calloc(1, sizeof *f);
    char *copy = strdup(path);
    if (!f || !copy)
        abort();
    f->format = format;
    f->path = copy;
    f->fd = fd;
    if (format == CSV_GZ
        && deflateInit2(&f->gz, GZ_LEVEL, Z_DEFLATED, MAX_WBITS + GZ_WRAPPER, 8, Z_DEFAULT_STRATEGY)
               != Z_OK)
        abort(); /* no memory: the only cause with constant arguments */
    if (format == CSV_ZST) {
        f->zst = ZSTD_createCStream();
        if (!f->zst)
            abort();
        (void)ZSTD_CCtx_setParameter(f->zst, ZSTD_c_compressionLevel, ZST_LEVEL);
        (void)ZSTD_CCtx_setParameter(f->zst, ZSTD_c_checksumFlag, 1);
    }
    *out = f;
    return 0;
}

static int put_gz(struct csv_file *f, const char *text, size_t n, bool end, struct ds_err *err)
{
    do {
        size_t piece = n < ((size_t)1 << 30) ? n : (size_t)1 << 30;
        f->gz.next_in = (const Bytef *)text;
        f->gz.avail_in = (uInt)piece;
        do {
            f->gz.next_out = f->out;
            f->gz.avail_out = OUT_BYTES;
            (void)deflate(&f->gz, end && piece == n ? Z_FINISH : Z_NO_FLUSH);
            int rc = fs_write_all(f->fd, f->out, OUT_BYTES - f->gz.avail_out, err);
            if (rc < 0)
                return rc;
        } while (f->gz.avail_out == 0);
        text += piece;
        n -= piece;
    } while (n > 0);
    return 0;
}

static int put_zst(struct csv_file *f, const char *text, size_t n, bool end, struct ds_err *err)
{
    ZSTD_inBuffer in = {text, n, 0};
    size_t left = 0;
    do {
        ZSTD_outBuffer out = {f->out, OUT_BYTES, 0};
        left = ZSTD_compressStream2(f->zst, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return ds_fail(err, DS_EIO, "zstd: %s", ZSTD_getErrorName(left));
        int rc = fs_write_all(f->fd, f->out, out.pos, err);
        if (rc < 0)
            return rc;
    } while (in.pos < n || (end && left > 0));
    return 0;
}

static int put(struct csv_file *f, const char *text, size_t n, struct ds_err *err)
{
    switch (f->format) {
    case CSV_GZ:
        return put_gz(f, text, n, false, err);
    case CSV_ZST:
        return put_zst(f, text, n, false, err);
    case CSV_PLAIN:
        break;
    }
    return fs_write_all(f->fd, text, n, err);
}

int csv_file_put(struct csv_file *f, const char *text, size_t n, struct ds_err *err)
{
    int rc = n > 0 ? put(f, text, n, err) : 0;
    if (rc < 0)
        (void)ds_wrap(err, "%s", f->path);
    return rc;
}

void csv_file_abandon(struct csv_file *f)
{
    if (!f)
        return;
    if (f->format == CSV_GZ)
        (void)deflateEnd(&f->gz);
    ZSTD_freeCStream(f->zst);
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f->path);
    free(f);
}

int csv_file_close(struct csv_file *f, struct ds_err *err)
{
    int rc = 0;
    if (f->format == CSV_GZ)
        rc = put_gz(f, "", 0, true, err);
    else if (f->format == CSV_ZST)
        rc = put_zst(f, "", 0, true, err);
    if (close(f->fd) < 0 && rc == 0)
        rc = ds_fail_errno(err, DS_EIO, errno, "close");
    f->fd = -1;
    if (rc < 0)
        (void)ds_wrap(err, "%s", f->path);
    csv_file_abandon(f);
    return rc;
}
