/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Archives of any bytes. The first byte says how: even, the rest is the archive as it is; odd,
 * its footer gets the right magic, version, length and digest first, so that the table and
 * the frames behind the checksum are reached too. */
#include "archive/archive_format.h"
#include "archive/verify.h"

#include <stdlib.h>

#define MAX_INPUT    ((size_t)1 << 20)
#define ARENA_BYTES  ((size_t)8 << 20)
#define MEMBER_BYTES ((size_t)1 << 20)

static void mend_footer(unsigned char *p, size_t n)
{
    struct archive_footer f;
    unsigned char *foot = p + n - ARCHIVE_FOOTER_BYTES;
    size_t room = n - ARCHIVE_FOOTER_BYTES - ARCHIVE_SKIPPABLE_BYTES;
    memcpy(foot + 48, ARCHIVE_MAGIC, 8);
    archive_put_u32(foot + 20, ARCHIVE_VERSION);
    archive_put_u32(foot + 24, (uint32_t)n);
    archive_put_u32(foot + 28, 0);
    if (archive_footer_read(foot, &f) != FOOTER_OK || f.table_packed > room)
        return;
    unsigned char *table = foot - f.table_packed;
    archive_put_u32(table - 8, ARCHIVE_SKIPPABLE_MAGIC);
    archive_put_u32(table - 4, f.table_packed + ARCHIVE_FOOTER_BYTES);
    archive_footer_write(&f, table, foot);
}

static void read_members(struct archive_reader *r, struct ds_bytes *b,
                         const struct archive_index *x, struct ds_arena *a)
{
    struct ds_err err;
    for (size_t i = 0; i < x->n_members && i < 64; i++) {
        struct ds_span out;
        const struct archive_member *m = &x->members[i];
        if (archive_find(x, m->name) != m || m->frame_offset + m->frame_bytes > b->len)
            abort();
        if (archive_read_member(r, archive_read_from_bytes, b, m, MEMBER_BYTES, a, &out, &err) == 0
            && (out.len != m->size_bytes || out.ptr[out.len] != '\0'))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MAX_INPUT)
        return 0;
    size_t n = size - 1;
    unsigned char *p = malloc(n);
    struct ds_arena *a = arena_create(ARENA_BYTES);
    struct archive_reader *r = archive_reader_create();
    struct archive_index x;
    struct archive_check check;
    struct ds_err err = {0};
    if (!p)
        abort();
    memcpy(p, data + 1, n);
    if ((data[0] & 1) && n >= ARCHIVE_FOOTER_BYTES + ARCHIVE_SKIPPABLE_BYTES)
        mend_footer(p, n);
    struct ds_bytes b = {p, n};
    if (archive_read_index(archive_read_from_bytes, &b, n, a, &x, &err) == 0)
        read_members(r, &b, &x, a);
    else if (err.text[0] == '\0')
        abort();
    arena_reset(a);
    (void)!archive_verify(r, archive_read_from_bytes, &b, n, a, &check, &err);
    archive_reader_destroy(r);
    arena_destroy(a);
    free(p);
    return 0;
}
