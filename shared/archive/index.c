/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the index: footer, then table, then every bound before anything is believed. */
#include "archive/archive.h"
#include "archive/archive_format.h"
#include "base/path.h"

#include <stdlib.h>
#include <zstd.h>

#define TAIL_BYTES ((size_t)64 * 1024) /* most indices come with the first read */

static int corrupt(struct ds_err *err, const char *what)
{
    return ds_fail(err, DS_ECORRUPT, "archive: %s", what);
}

static int no_room(struct ds_err *err)
{
    return ds_fail(err, DS_ETOOBIG, "archive: its index does not fit the memory set aside");
}

struct tail {
    archive_read_f read;
    void *context;
    struct ds_arena *a;
    unsigned char *bytes; /* the last len bytes of the archive */
    size_t len;
    uint64_t archive_bytes;
};

static int read_tail(struct tail *t, size_t len, struct ds_err *err)
{
    t->bytes = arena_take(t->a, len, 1);
    t->len = len;
    if (!t->bytes)
        return no_room(err);
    return t->read(t->context, t->archive_bytes - len, t->bytes, len, err);
}

static int check_footer(const struct tail *t, struct archive_footer *f, struct ds_err *err)
{
    switch (archive_footer_read(t->bytes + t->len - ARCHIVE_FOOTER_BYTES, f)) {
    case FOOTER_OK:
        break;
    case FOOTER_NO_MAGIC:
        return corrupt(err, "cut short, or no archive of decksweep: no index at its end");
    case FOOTER_VERSION:
        return ds_fail(err, DS_EUNSUPPORTED,
                       "archive: written by a newer decksweep: index of version %u, this one "
                       "reads %u",
                       archive_get_u32(t->bytes + t->len - ARCHIVE_FOOTER_BYTES + 20),
                       ARCHIVE_VERSION);
    case FOOTER_RANGE:
        return corrupt(err, "its index has a number out of range");
    }
    if (f->archive_bytes != t->archive_bytes)
        return ds_fail(err, DS_ECORRUPT, "archive: %llu bytes long, but its index says %llu",
                       (unsigned long long)t->archive_bytes, (unsigned long long)f->archive_bytes);
    if ((uint64_t)f->table_packed + ARCHIVE_FOOTER_BYTES + ARCHIVE_SKIPPABLE_BYTES + f->end_bytes
        > t->archive_bytes)
        return corrupt(err, "its index is longer than the archive");
    return 0;
}

/* The packed table, digest checked; a second read when the first tail was too short. */
static int find_table(struct tail *t, const struct archive_footer *f, const unsigned char **packed,
                      struct ds_err *err)
{
    size_t need = (size_t)f->table_packed + ARCHIVE_FOOTER_BYTES + ARCHIVE_SKIPPABLE_BYTES;
    if (need > t->len) {
        int rc = read_tail(t, need, err);
        if (rc < 0)
            return rc;
    }
    const unsigned char *frame = t->bytes + t->len - need;
    *packed = frame + ARCHIVE_SKIPPABLE_BYTES;
    if (!archive_footer_digest_ok(t->bytes + t->len - ARCHIVE_FOOTER_BYTES, *packed,
                                  f->table_packed))
        return corrupt(err, "its index is damaged: checksum differs");
    if (archive_get_u32(frame) != ARCHIVE_SKIPPABLE_MAGIC
        || archive_get_u32(frame + 4) != f->table_packed + ARCHIVE_FOOTER_BYTES)
        return corrupt(err, "its index does not stand in a skippable frame");
    return 0;
}

static int unpack_table(const struct archive_footer *f, const unsigned char *packed,
                        struct ds_arena *a, const unsigned char **table, struct ds_err *err)
{
    *table = packed;
    if (f->table_packed == f->table_raw)
        return 0;
    unsigned char *raw = arena_take(a, f->table_raw, 1);
    if (!raw)
        return no_room(err);
    *table = raw;
    if (f->table_packed < 4 || archive_get_u32(packed) != ARCHIVE_ZSTD_MAGIC
        || ZSTD_decompress(raw, f->table_raw, packed, f->table_packed) != f->table_raw)
        return corrupt(err, "its index does not decompress to the size it says");
    return 0;
}

static int parse_head(const unsigned char **at, const unsigned char *end, struct ds_arena *a,
                      struct archive_member *m, struct ds_err *err)
{
    uint64_t len;
    if (!archive_varint_read(at, end, PATH_MAX_BYTES, &len) || len > (uint64_t)(end - *at))
        return corrupt(err, "a name in its index ends early");
    struct ds_span name = {(const char *)*at, (size_t)len};
    *at += len;
    if (!path_is_safe_member(name))
        return ds_fail(err, DS_ECORRUPT, "archive: unsafe member name '%.*s'",
                       (int)(len < 80 ? len : 80), name.ptr);
    if (!archive_varint_read(at, end, ARCHIVE_MAX_MEMBER_BYTES, &m->size_bytes))
        return corrupt(err, "a size in its index is cut or too large");
    m->name = arena_copy(a, name);
    if (!m->name.ptr)
        return no_room(err);
    m->header_bytes = (uint32_t)tar_header_bytes(name, m->size_bytes);
    return 0;
}

static int parse_frames(const unsigned char **at, const unsigned char *end, uint32_t *sizes,
                        uint64_t *offset, struct archive_member *m, struct ds_err *err)
{
    uint64_t left = archive_member_raw(m->name, m->size_bytes);
    m->frame_offset = *offset;
    m->frame_sizes = sizes;
    for (uint32_t i = 0; i < m->n_frames; i++) {
        uint64_t raw = left < m->frame_raw_bytes ? left : m->frame_raw_bytes, bytes;
        if (!archive_varint_read(at, end, ZSTD_COMPRESSBOUND(raw) + 32, &bytes) || bytes == 0)
            return corrupt(err, "a frame in its index is cut or too large");
        sizes[i] = (uint32_t)bytes;
        m->frame_bytes += bytes;
        left -= raw;
    }
    *offset += m->frame_bytes;
    return 0;
}

static int parse_all_frames(const unsigned char *at, const unsigned char *end,
                            const struct archive_footer *f, struct archive_member *members,
                            struct ds_arena *a, struct ds_err *err)
{
    uint64_t n_frames = 0, offset = 0;
    for (size_t i = 0; i < f->n_members; i++) {
        uint64_t raw = archive_member_raw(members[i].name, members[i].size_bytes);
        members[i].frame_raw_bytes = f->frame_raw;
        members[i].n_frames = (uint32_t)((raw + f->frame_raw - 1) / f->frame_raw);
        n_frames += members[i].n_frames;
    }
    if (n_frames > (uint64_t)(end - at))
        return corrupt(err, "its index lists fewer frames than its sizes need");
    uint32_t *sizes = ds_new(a, uint32_t, (size_t)n_frames);
    if (!sizes)
        return no_room(err);
    for (size_t i = 0; i < f->n_members; i++) {
        int rc = parse_frames(&at, end, sizes, &offset, &members[i], err);
        if (rc < 0)
            return rc;
        sizes += members[i].n_frames;
    }
    if (at != end)
        return corrupt(err, "its index has bytes left over");
    uint64_t expected = f->archive_bytes - ARCHIVE_FOOTER_BYTES - f->table_packed
                        - ARCHIVE_SKIPPABLE_BYTES - f->end_bytes;
    if (offset != expected)
        return corrupt(err, "the frames of its index do not fill it exactly");
    return 0;
}

static int compare_places(const void *x, const void *y, void *members)
{
    const struct archive_member *m = members;
    return ds_span_compare(m[*(const uint32_t *)x].name, m[*(const uint32_t *)y].name);
}

static int sort_names(struct archive_member *members, size_t n, struct ds_arena *a,
                      const uint32_t **out, struct ds_err *err)
{
    uint32_t *places = ds_new(a, uint32_t, n);
    if (!places)
        return no_room(err);
    for (size_t i = 0; i < n; i++)
        places[i] = (uint32_t)i;
    qsort_r(places, n, sizeof *places, compare_places, members);
    for (size_t i = 1; i < n; i++)
        if (ds_span_eq(members[places[i - 1]].name, members[places[i]].name))
            return ds_fail(err, DS_ECORRUPT, "archive: two members are called '%.200s'",
                           members[places[i]].name.ptr);
    *out = places;
    return 0;
}

static int parse_table(const unsigned char *table, const struct archive_footer *f,
                       struct ds_arena *a, struct archive_index *out, struct ds_err *err)
{
    const unsigned char *at = table, *end = table + f->table_raw;
    if (f->n_members > f->table_raw)
        return corrupt(err, "its index lists fewer members than it counts");
    struct archive_member *members = ds_new(a, struct archive_member, f->n_members);
    if (!members)
        return no_room(err);
    for (size_t i = 0; i < f->n_members; i++) {
        int rc = parse_head(&at, end, a, &members[i], err);
        if (rc < 0)
            return rc;
    }
    int rc = parse_all_frames(at, end, f, members, a, err);
    if (rc == 0)
        rc = sort_names(members, f->n_members, a, &out->by_name, err);
    out->members = members;
    out->n_members = f->n_members;
    return rc;
}

int archive_read_index(archive_read_f read, void *context, uint64_t archive_bytes,
                       struct ds_arena *a, struct archive_index *out, struct ds_err *err)
{
    struct tail t = {.read = read, .context = context, .a = a, .archive_bytes = archive_bytes};
    struct archive_footer f = {0};
    struct archive_index x = {0};
    const unsigned char *packed = NULL, *table = NULL;
    if (archive_bytes < ARCHIVE_FOOTER_BYTES + ARCHIVE_SKIPPABLE_BYTES)
        return corrupt(err, "cut short: too short to hold an index");
    int rc = read_tail(&t, archive_bytes < TAIL_BYTES ? (size_t)archive_bytes : TAIL_BYTES, err);
    if (rc == 0)
        rc = check_footer(&t, &f, err);
    if (rc == 0)
        rc = find_table(&t, &f, &packed, err);
    if (rc == 0)
        rc = unpack_table(&f, packed, a, &table, err);
    if (rc == 0)
        rc = parse_table(table, &f, a, &x, err);
    if (rc < 0)
        return rc;
    x.end_bytes = f.end_bytes;
    x.end_offset = archive_bytes - ARCHIVE_FOOTER_BYTES - f.table_packed - ARCHIVE_SKIPPABLE_BYTES
                   - f.end_bytes;
    *out = x;
    return 0;
}

const struct archive_member *archive_find(const struct archive_index *x, struct ds_span name)
{
    size_t lo = 0, hi = x->n_members;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct archive_member *m = &x->members[x->by_name[mid]];
        int order = ds_span_compare(m->name, name);
        if (order == 0)
            return m;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
