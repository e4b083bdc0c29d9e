/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members go into frames of at most ARCHIVE_FRAME_RAW bytes; names and sizes, and the sizes of
 * finished frames, are noted in two columns that become the index. */
#include "archive/archive.h"
#include "archive/archive_format.h"
#include "archive/pool_io.h"
#include "base/fs_io.h"
#include "base/path.h"
#include "base/sha256.h"

#include <assert.h>
#include <stdlib.h>
#include <zstd.h>

#define READ_BYTES        ((size_t)256 * 1024)
#define STORE_TABLE_BYTES 256u /* a table this short is not worth a zstd context */

struct archive_writer {
    struct pool *pool;
    struct sha256 *sha;
    archive_sink_f sink;
    void *context;
    uint64_t offset;     /* bytes given to the sink */
    uint32_t last_frame; /* bytes of the newest finished frame */
    uint32_t n_members;
    size_t staged; /* bytes in the pool's buffer */
    struct ds_buf heads, sizes;
    int rc; /* first failure: sticks until the next start */
    struct ds_err failure;
    int level;
};

struct archive_writer *archive_writer_create(int level, unsigned threads)
{
    assert(level >= 1 && level <= ZSTD_maxCLevel());
    struct archive_writer *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->level = level;
    w->pool = pool_create(level, threads);
    w->sha = sha256_create();
    buf_init(&w->heads, ARCHIVE_MAX_INDEX_BYTES);
    buf_init(&w->sizes, ARCHIVE_MAX_INDEX_BYTES);
    return w;
}

void archive_writer_destroy(struct archive_writer *w)
{
    if (!w)
        return;
    pool_destroy(w->pool);
    sha256_destroy(w->sha);
    buf_clear(&w->heads);
    buf_clear(&w->sizes);
    free(w);
}

void archive_writer_start(struct archive_writer *w, archive_sink_f sink, void *context)
{
    int rc = pool_drain(w->pool, NULL, NULL, NULL); /* of an archive that was given up */
    assert(rc == 0);
    (void)rc;
    w->sink = sink;
    w->context = context;
    w->offset = 0;
    w->n_members = 0;
    w->staged = 0;
    w->rc = 0;
    buf_reset(&w->heads);
    buf_reset(&w->sizes);
}

/* Remember the first failure, so that an archive with a hole is never ended. */
static int stick(struct archive_writer *w, int rc, struct ds_err *err)
{
    if (rc < 0 && w->rc == 0) {
        w->rc = rc;
        w->failure = err ? *err : (struct ds_err){.code = (enum ds_code)rc};
    }
    return rc;
}

static int again(const struct archive_writer *w, struct ds_err *err)
{
    if (err)
        *err = w->failure;
    return w->rc;
}

static int give(struct archive_writer *w, const void *bytes, size_t n, struct ds_err *err)
{
    int rc = w->sink(w->context, bytes, n, err);
    if (rc == 0)
        w->offset += n;
    return rc;
}

static void put_varint(struct ds_buf *b, uint64_t v)
{
    unsigned char bytes[ARCHIVE_VARINT_BYTES];
    (void)buf_put(b, bytes, archive_varint_write(v, bytes));
}

static int on_frame(void *context, const unsigned char *frame, size_t n, struct ds_err *err)
{
    struct archive_writer *w = context;
    put_varint(&w->sizes, n);
    return give(w, frame, n, err);
}

static int flush_frame(struct archive_writer *w, struct ds_err *err)
{
    size_t n = w->staged;
    w->staged = 0;
    return pool_submit(w->pool, n, on_frame, w, err);
}

static int stage_header(struct archive_writer *w, struct ds_span name, uint64_t size,
                        bool executable, struct ds_err *err)
{
    if (!path_is_safe_member(name))
        return ds_fail(err, DS_EINPUT, "archive: '%.*s' is no member name",
                       (int)(name.len < 200 ? name.len : 200), name.ptr);
    if (size > ARCHIVE_MAX_MEMBER_BYTES || w->n_members == ARCHIVE_MAX_MEMBERS)
        return ds_fail(err, DS_ETOOBIG, "archive: %.200s: too large, or more than %u members",
                       name.ptr, ARCHIVE_MAX_MEMBERS);
    put_varint(&w->heads, name.len);
    (void)buf_put_span(&w->heads, name);
    put_varint(&w->heads, size);
    w->n_members++;
    w->staged =
        tar_header_write(name, size, executable, pool_buffer(w->pool, TAR_HEADER_MAX_BYTES));
    return 0;
}

/* Room for up to want bytes of content in the frame being filled; flushes a full one. */
static int stage_room(struct archive_writer *w, uint64_t want, unsigned char **at, size_t *n,
                      struct ds_err *err)
{
    if (w->staged == ARCHIVE_FRAME_RAW) {
        int rc = flush_frame(w, err);
        if (rc < 0)
            return rc;
    }
    size_t room = ARCHIVE_FRAME_RAW - w->staged;
    *n = want < room ? (size_t)want : room;
    *at = pool_buffer(w->pool, w->staged + *n) + w->staged;
    return 0;
}

static int end_member(struct archive_writer *w, uint64_t size, char hex[65], struct ds_err *err)
{
    size_t pad = tar_padding(size);
    unsigned char *at = NULL;
    if (pad > 0) { /* never splits: frames and blocks are multiples of 512 */
        int rc = stage_room(w, pad, &at, &pad, err);
        if (rc < 0)
            return rc;
        memset(at, 0, pad);
        w->staged += pad;
    }
    if (hex)
        sha256_end(w->sha, hex);
    return flush_frame(w, err);
}

static int add_bytes(struct archive_writer *w, struct ds_span name, struct ds_bytes data,
                     char hex[65], struct ds_err *err)
{
    int rc = stage_header(w, name, data.len, false, err);
    if (hex)
        sha256_reset(w->sha);
    for (size_t done = 0; rc == 0 && done < data.len;) {
        unsigned char *at = NULL;
        size_t n = 0;
        rc = stage_room(w, data.len - done, &at, &n, err);
        if (rc < 0)
            break;
        memcpy(at, data.data + done, n);
        if (hex)
            sha256_add(w->sha, at, n);
        w->staged += n;
        done += n;
    }
    return rc < 0 ? rc : end_member(w, data.len, hex, err);
}

int archive_add_bytes(struct archive_writer *w, const char *name, struct ds_bytes data,
                      char sha256[65], struct ds_err *err)
{
    return w->rc < 0 ? again(w, err)
                     : stick(w, add_bytes(w, ds_span_of(name), data, sha256, err), err);
}

/* Read straight into the frame, in pieces that are hashed while they are in the cache. */
static int stage_from_fd(struct archive_writer *w, int fd, uint64_t offset, uint64_t want,
                         bool hash, size_t *n, struct ds_err *err)
{
    unsigned char *at = NULL;
    int rc = stage_room(w, want < READ_BYTES ? want : READ_BYTES, &at, n, err);
    if (rc == 0)
        rc = fs_pread_all(fd, at, *n, offset, err);
    if (rc == DS_ECORRUPT)
        return ds_fail(err, DS_ECORRUPT, "shrank while it was read");
    if (rc == 0 && hash)
        sha256_add(w->sha, at, *n);
    if (rc == 0)
        w->staged += *n;
    return rc;
}

static int add_fd(struct archive_writer *w, struct ds_span name, int fd, uint64_t size,
                  bool executable, char hex[65], struct ds_err *err)
{
    int rc = stage_header(w, name, size, executable, err);
    if (rc < 0)
        return rc;
    if (hex)
        sha256_reset(w->sha);
    for (uint64_t done = 0; done < size;) {
        size_t n = 0;
        rc = stage_from_fd(w, fd, done, size - done, hex != NULL, &n, err);
        if (rc < 0) {
            (void)ds_wrap(err, "%.200s", name.ptr);
            return rc;
        }
        done += n;
    }
    return end_member(w, size, hex, err);
}

int archive_add_fd(struct archive_writer *w, const char *name, int fd, uint64_t size_bytes,
                   bool executable, char sha256[65], struct ds_err *err)
{
    return w->rc < 0
               ? again(w, err)
               : stick(w, add_fd(w, ds_span_of(name), fd, size_bytes, executable, sha256, err),
                       err);
}

/* ---- the end ---- */

static int on_end_frame(void *context, const unsigned char *frame, size_t n, struct ds_err *err)
{
    struct archive_writer *w = context;
    assert(n <= ARCHIVE_END_FRAME_MAX);
    w->last_frame = (uint32_t)n;
    return give(w, frame, n, err);
}

static int put_end_frame(struct archive_writer *w, struct ds_err *err)
{
    memset(pool_buffer(w->pool, TAR_END_BYTES), 0, TAR_END_BYTES);
    return pool_submit(w->pool, TAR_END_BYTES, on_end_frame, w, err);
}

static int compare_names(const void *x, const void *y)
{
    return ds_span_compare(*(const struct ds_span *)x, *(const struct ds_span *)y);
}

/* An archive with two members of one name could be written but not read. */
static int check_names(const struct archive_writer *w, struct ds_err *err)
{
    ds_auto_free struct ds_span *names = calloc((size_t)w->n_members + 1, sizeof *names);
    const unsigned char *at = (const unsigned char *)w->heads.data, *end = at + w->heads.len;
    uint64_t len = 0, size;
    if (!names)
        abort();
    for (uint32_t i = 0; i < w->n_members; i++) {
        bool ok = archive_varint_read(&at, end, PATH_MAX_BYTES, &len);
        names[i] = (struct ds_span){(const char *)at, (size_t)len};
        at += len;
        ok = ok && archive_varint_read(&at, end, UINT64_MAX, &size);
        assert(ok);
        (void)ok;
    }
    qsort(names, w->n_members, sizeof *names, compare_names);
    for (uint32_t i = 1; i < w->n_members; i++)
        if (ds_span_eq(names[i - 1], names[i]))
            return ds_fail(err, DS_EINPUT, "archive: two members are called '%.*s'",
                           (int)(names[i].len < 200 ? names[i].len : 200), names[i].ptr);
    return 0;
}

/* The table as it goes into the archive: w->heads with the sizes behind them, or packed. */
static struct ds_span pack_table(const struct archive_writer *w, struct ds_buf *packed)
{
    struct ds_span raw = buf_span(&w->heads);
    if (raw.len <= STORE_TABLE_BYTES)
        return raw;
    size_t bound = ZSTD_compressBound(raw.len);
    buf_init(packed, bound);
    void *at = buf_reserve(packed, bound);
    size_t n = at ? ZSTD_compress(at, bound, raw.ptr, raw.len, w->level) : 0;
    if (n == 0 || ZSTD_isError(n) || n >= raw.len)
        return raw;
    packed->len = n;
    return buf_span(packed);
}

static int put_index(struct archive_writer *w, struct ds_err *err)
{
    ds_auto_buf packed = {0};
    unsigned char head[ARCHIVE_SKIPPABLE_BYTES], foot[ARCHIVE_FOOTER_BYTES];
    (void)buf_put_span(&w->heads, buf_span(&w->sizes));
    if (w->heads.failed || w->sizes.failed)
        return ds_fail(err, DS_ETOOBIG, "archive: more than %u bytes of index",
                       ARCHIVE_MAX_INDEX_BYTES);
    struct ds_span table = pack_table(w, &packed);
    struct archive_footer f = {.n_members = w->n_members,
                               .frame_raw = ARCHIVE_FRAME_RAW,
                               .table_packed = (uint32_t)table.len,
                               .table_raw = (uint32_t)w->heads.len,
                               .end_bytes = w->last_frame};
    f.archive_bytes = w->offset + sizeof head + table.len + sizeof foot;
    archive_put_u32(head, ARCHIVE_SKIPPABLE_MAGIC);
    archive_put_u32(head + 4, (uint32_t)(table.len + sizeof foot));
    archive_footer_write(&f, (const unsigned char *)table.ptr, foot);
    int rc = give(w, head, sizeof head, err);
    if (rc == 0 && table.len > 0)
        rc = give(w, table.ptr, table.len, err);
    return rc < 0 ? rc : give(w, foot, sizeof foot, err);
}

int archive_writer_end(struct archive_writer *w, uint64_t *total_bytes, struct ds_err *err)
{
    if (w->rc < 0)
        return again(w, err);
    int rc = pool_drain(w->pool, on_frame, w, err);
    if (rc == 0)
        rc = check_names(w, err);
    if (rc == 0)
        rc = put_end_frame(w, err);
    if (rc == 0)
        rc = put_index(w, err);
    pool_trim(w->pool);
    if (rc < 0)
        return stick(w, rc, err);
    *total_bytes = w->offset;
    return 0;
}
