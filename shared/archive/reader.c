/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members out of an archive whose index was believed only as far as its frames agree. */
#include "archive/archive.h"
#include "archive/archive_format.h"
#include "archive/reader_frames.h"
#include "base/sha256.h"

#include <stdlib.h>
#include <zstd.h>

#define WINDOW_BYTES ((size_t)1024 * 1024) /* small neighbouring frames come with one read */

struct archive_reader {
    ZSTD_DCtx *dctx;
    struct sha256 *sha;
    unsigned char *in; /* compressed bytes [in_offset, in_offset + in_len) of the archive */
    size_t in_room, in_len;
    uint64_t in_offset;
    unsigned char *out; /* one decompressed frame */
    size_t out_room;
};

struct archive_reader *archive_reader_create(void)
{
    struct archive_reader *r = calloc(1, sizeof *r);
    if (!r || !(r->dctx = ZSTD_createDCtx()))
        abort();
    r->sha = sha256_create();
    return r;
}

void archive_reader_destroy(struct archive_reader *r)
{
    if (!r)
        return;
    (void)ZSTD_freeDCtx(r->dctx);
    sha256_destroy(r->sha);
    free(r->in);
    free(r->out);
    free(r);
}

/* Old content is not kept. The index bounds n: a frame is at most 64 MiB. */
static void need_room(unsigned char **p, size_t *room, size_t n)
{
    if (n <= *room)
        return;
    free(*p);
    *p = malloc(n);
    if (!*p)
        abort();
    *room = n;
}

static int member_corrupt(struct ds_err *err, const struct archive_member *m, const char *what)
{
    return ds_fail(err, DS_ECORRUPT, "archive: %.200s: %s", m->name.ptr, what);
}

/* Decompressed bytes of a frame; frame < m->n_frames. */
static uint64_t frame_raw(const struct archive_member *m, uint32_t frame)
{
    uint64_t before = (uint64_t)frame * m->frame_raw_bytes;
    uint64_t left = archive_member_raw(m->name, m->size_bytes) - before;
    return left < m->frame_raw_bytes ? left : m->frame_raw_bytes;
}

static int fetch(struct archive_reader *r, archive_read_f read, void *context, uint64_t offset,
                 size_t n, struct ds_err *err)
{
    need_room(&r->in, &r->in_room, n);
    r->in_offset = offset;
    r->in_len = 0;
    int rc = read(context, offset, r->in, n, err);
    if (rc == 0)
        r->in_len = n;
    return rc;
}

/* Frame's compressed bytes, and as many of its followers as fit the window. */
static int fetch_frame(struct archive_reader *r, archive_read_f read, void *context,
                       const struct archive_member *m, uint32_t frame, uint64_t offset,
                       struct ds_err *err)
{
    size_t n = m->frame_sizes[frame];
    if (frame > 0 && offset >= r->in_offset && offset + n <= r->in_offset + r->in_len)
        return 0;
    for (uint32_t i = frame + 1; i < m->n_frames && n + m->frame_sizes[i] <= WINDOW_BYTES; i++)
        n += m->frame_sizes[i];
    int rc = fetch(r, read, context, offset, n, err);
    if (rc < 0)
        (void)ds_wrap(err, "archive: %.200s", m->name.ptr);
    return rc;
}

/* One frame of exactly raw bytes, with a checksum. NULL or what is wrong. */
static const char *decompress(struct archive_reader *r, const unsigned char *in, size_t n,
                              unsigned char *dst, size_t raw)
{
    if (n < 6 || archive_get_u32(in) != ARCHIVE_ZSTD_MAGIC)
        return "no zstd frame where the index says";
    if (!(in[4] & 0x04u))
        return "a frame has no checksum";
    if (ZSTD_getFrameContentSize(in, n) != raw)
        return "a frame holds another size than the index says";
    if (ZSTD_findFrameCompressedSize(in, n) != n)
        return "a frame ends elsewhere than the index says";
    size_t got = ZSTD_decompressDCtx(r->dctx, dst, raw, in, n);
    if (ZSTD_isError(got))
        return ZSTD_getErrorName(got);
    return got == raw ? NULL : "a frame is shorter than it says";
}

/* Decompress one frame at offset into dst (frame_raw bytes). */
static int read_frame(struct archive_reader *r, archive_read_f read, void *context,
                      const struct archive_member *m, uint32_t frame, uint64_t offset,
                      unsigned char *dst, struct ds_err *err)
{
    int rc = fetch_frame(r, read, context, m, frame, offset, err);
    if (rc < 0)
        return rc;
    const char *wrong = decompress(r, r->in + (offset - r->in_offset), m->frame_sizes[frame], dst,
                                   (size_t)frame_raw(m, frame));
    return wrong ? member_corrupt(err, m, wrong) : 0;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

int archive_read_end(struct archive_reader *r, archive_read_f read, void *context,
                     const struct archive_index *x, struct ds_err *err)
{
    unsigned char zeros[TAR_END_BYTES];
    int rc = fetch(r, read, context, x->end_offset, x->end_bytes, err);
    if (rc < 0)
        return rc;
    const char *wrong = decompress(r, r->in, x->end_bytes, zeros, sizeof zeros);
    r->in_len = 0;
    if (!wrong && !is_zero(zeros, sizeof zeros))
        wrong = "is not 1024 zeros";
    return wrong ? ds_fail(err, DS_ECORRUPT, "archive: its end-of-archive frame: %s", wrong) : 0;
}

int archive_read_member(struct archive_reader *r, archive_read_f read, void *context,
                        const struct archive_member *m, size_t max_bytes, struct ds_arena *a,
                        struct ds_span *out, struct ds_err *err)
{
    uint64_t raw = archive_member_raw(m->name, m->size_bytes), offset = m->frame_offset;
    bool executable;
    if (m->size_bytes > max_bytes)
        return ds_fail(err, DS_ETOOBIG, "archive: %.200s: %llu bytes; at most %zu are read",
                       m->name.ptr, (unsigned long long)m->size_bytes, max_bytes);
    unsigned char *dst = raw < SIZE_MAX ? arena_take(a, (size_t)raw + 1, 1) : NULL;
    if (!dst)
        return ds_fail(err, DS_ETOOBIG,
                       "archive: %.200s: %llu bytes do not fit the memory set aside", m->name.ptr,
                       (unsigned long long)raw);
    for (uint32_t i = 0; i < m->n_frames; i++) {
        int rc =
            read_frame(r, read, context, m, i, offset, dst + (size_t)i * m->frame_raw_bytes, err);
        if (rc < 0)
            return rc;
        offset += m->frame_sizes[i];
    }
    if (!tar_header_matches(dst, m->name, m->size_bytes, &executable))
        return member_corrupt(err, m, "its tar header does not agree with the index");
    unsigned char *content = dst + m->header_bytes;
    if (!is_zero(content + m->size_bytes, tar_padding(m->size_bytes)))
        return member_corrupt(err, m, "its padding is not zero");
    *out = (struct ds_span){(const char *)content, (size_t)m->size_bytes};
    content[m->size_bytes] = '\0'; /* also where there is no padding */
    return 0;
}

/* ---- streaming ---- */

struct stream {
    struct archive_reader *r;
    const struct archive_member *m;
    archive_sink_f sink;
    void *sink_context;
    uint64_t left; /* content bytes to come */
    bool hash;
    bool executable;
};

/* Content of one decompressed frame to the sink; header and padding are checked. */
static int pass_on(struct stream *s, uint32_t frame, const unsigned char *p, size_t n,
                   struct ds_err *err)
{
    if (frame == 0) {
        if (!tar_header_matches(p, s->m->name, s->m->size_bytes, &s->executable))
            return member_corrupt(err, s->m, "its tar header does not agree with the index");
        p += s->m->header_bytes;
        n -= s->m->header_bytes;
    }
    size_t content = n < s->left ? n : (size_t)s->left;
    if (!is_zero(p + content, n - content))
        return member_corrupt(err, s->m, "its padding is not zero");
    s->left -= content;
    if (s->hash)
        sha256_add(s->r->sha, p, content);
    return content > 0 && s->sink ? s->sink(s->sink_context, p, content, err) : 0;
}

int archive_stream_member_mode(struct archive_reader *r, archive_read_f read, void *context,
                               const struct archive_member *m, archive_sink_f sink,
                               void *sink_context, char sha256[65], bool *executable,
                               struct ds_err *err)
{
    struct stream s = {r, m, sink, sink_context, m->size_bytes, sha256 != NULL, false};
    uint64_t offset = m->frame_offset;
    if (sha256)
        sha256_reset(r->sha);
    need_room(&r->out, &r->out_room, (size_t)frame_raw(m, 0));
    for (uint32_t i = 0; i < m->n_frames; i++) {
        int rc = read_frame(r, read, context, m, i, offset, r->out, err);
        if (rc == 0)
            rc = pass_on(&s, i, r->out, (size_t)frame_raw(m, i), err);
        if (rc < 0)
            return rc;
        offset += m->frame_sizes[i];
    }
    if (sha256)
        sha256_end(r->sha, sha256);
    if (executable)
        *executable = s.executable;
    return 0;
}

int archive_stream_member(struct archive_reader *r, archive_read_f read, void *context,
                          const struct archive_member *m, archive_sink_f sink, void *sink_context,
                          char sha256[65], struct ds_err *err)
{
    return archive_stream_member_mode(r, read, context, m, sink, sink_context, sha256, NULL, err);
}
