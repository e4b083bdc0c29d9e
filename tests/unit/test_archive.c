/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The seekable archive: what goes in comes out, and bytes that lie are refused. */
#include "archive/archive.h"
#include "archive/archive_format.h"
#include "base/sha256.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

TestSuite(archive, .timeout = 120);

#define NAME100                                                                                    \
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "23456789"

struct entry {
    const char *name;
    size_t size;
    unsigned pattern; /* 0 zeros, 1 counts, 2 noise */
};

static unsigned char *content_of(const struct entry *e)
{
    unsigned char *p = malloc(e->size + 1);
    uint64_t x = 88172645463325252u;
    cr_assert_not_null(p);
    for (size_t i = 0; i < e->size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = e->pattern == 0 ? 0 : e->pattern == 1 ? (unsigned char)(i / 7) : (unsigned char)x;
    }
    return p;
}

static int into_buf(void *context, const void *data, size_t n, struct ds_err *err)
{
    (void)err;
    return buf_put(context, data, n);
}

static void pack(struct archive_writer *w, const struct entry *entries, size_t n,
                 struct ds_buf *out)
{
    struct ds_err err = {0};
    uint64_t total = 0;
    buf_init(out, 256u << 20);
    archive_writer_start(w, into_buf, out);
    for (size_t i = 0; i < n; i++) {
        unsigned char *p = content_of(&entries[i]);
        char sha[65], expected[65];
        cr_assert_eq(
            archive_add_bytes(w, entries[i].name, (struct ds_bytes){p, entries[i].size}, sha, &err),
            0, "%s", err.text);
        sha256_of(p, entries[i].size, expected);
        cr_assert_str_eq(sha, expected);
        free(p);
    }
    cr_assert_eq(archive_writer_end(w, &total, &err), 0, "%s", err.text);
    cr_assert_eq(total, out->len);
}

static struct ds_bytes bytes_in(const struct ds_buf *b)
{
    return (struct ds_bytes){(const unsigned char *)b->data, b->len};
}

static void check(const struct ds_buf *archive, const struct entry *entries, size_t n)
{
    ds_auto_arena a = arena_create(512u << 20);
    struct archive_reader *r = archive_reader_create();
    struct archive_index x;
    struct ds_err err = {0};
    struct ds_bytes b = bytes_in(archive);
    cr_assert_eq(archive_read_index(archive_read_from_bytes, &b, b.len, a, &x, &err), 0, "%s",
                 err.text);
    cr_assert_eq(x.n_members, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char *p = content_of(&entries[i]);
        ds_auto_buf streamed = {0};
        struct ds_span out;
        char sha[65], expected[65];
        buf_init(&streamed, 256u << 20);
        const struct archive_member *m = archive_find(&x, ds_span_of(entries[i].name));
        cr_assert_eq(m, &x.members[i], "%s", entries[i].name);
        cr_assert_eq(
            archive_read_member(r, archive_read_from_bytes, &b, m, entries[i].size, a, &out, &err),
            0, "%s", err.text);
        cr_assert_eq(out.len, entries[i].size);
        cr_assert_eq(memcmp(out.ptr, p, out.len), 0, "%s", entries[i].name);
        cr_assert_eq(archive_stream_member(r, archive_read_from_bytes, &b, m, into_buf, &streamed,
                                           sha, &err),
                     0, "%s", err.text);
        cr_assert_eq(streamed.len, entries[i].size);
        cr_assert(streamed.len == 0 || memcmp(streamed.data, p, streamed.len) == 0);
        sha256_of(p, entries[i].size, expected);
        cr_assert_str_eq(sha, expected);
        free(p);
    }
    cr_assert_null(archive_find(&x, DS_SPAN("not/there")));
    archive_reader_destroy(r);
}

static const struct entry SMALL[] = {
    {"case.json", 1200, 1},   {"parameters.json", 90, 1},      {"SPE1.DATA", 9000, 1},
    {"SPE1.SMSPEC", 3000, 1}, {"model/SPE1.UNSMRY", 20000, 2}, {"stdout", 0, 0},
};

static const struct entry EDGES[] = {
    {"a", 0, 0},
    {"b", 1, 2},
    {"c", 511, 2},
    {"d", 512, 2},
    {"e", 513, 1},
    {NAME100, 5, 1},
    {NAME100 "x", 5, 1},
    {"folder/" NAME100 "/" NAME100, 600, 1},
    {"z\xc3\xbc"
     "rich/\xe2\x82\xac.inc",
     6, 1},
    {"latin\xfc.inc", 6, 1},
    {"blank name '\"\\", 6, 1},
    {"exact", ARCHIVE_FRAME_RAW - 512, 1},
    {"exact+1", ARCHIVE_FRAME_RAW - 511, 1},
    {"exact-1", ARCHIVE_FRAME_RAW - 513, 2},
    {"two", 2 * ARCHIVE_FRAME_RAW - 512, 0},
    {"many", 5 * ARCHIVE_FRAME_RAW + 12345, 2},
};

Test(archive, what_goes_in_comes_out)
{
    static const struct {
        const struct entry *entries;
        size_t n;
        int level;
        unsigned threads;
    } ROWS[] = {
        {SMALL, DS_COUNT(SMALL), 3, 0},
        {SMALL, 1, 1, 0},
        {SMALL, 0, 3, 0},
        {EDGES, DS_COUNT(EDGES), 1, 0},
        {EDGES, DS_COUNT(EDGES), 3, 2},
        {EDGES, DS_COUNT(EDGES), 3, 7},
        {SMALL, DS_COUNT(SMALL), 19, 2},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_buf out;
        struct archive_writer *w = archive_writer_create(ROWS[i].level, ROWS[i].threads);
        pack(w, ROWS[i].entries, ROWS[i].n, &out);
        check(&out, ROWS[i].entries, ROWS[i].n);
        archive_writer_destroy(w);
        buf_clear(&out);
    }
}

Test(archive, libarchive_reads_what_we_write)
{
    struct ds_buf out;
    struct archive_writer *w = archive_writer_create(3, 0);
    pack(w, EDGES, DS_COUNT(EDGES), &out);
    cr_assert_not_null(setlocale(LC_ALL, "C.UTF-8"));
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    cr_assert_eq(archive_read_support_format_tar(a), ARCHIVE_OK);
    cr_assert_eq(archive_read_support_filter_zstd(a), ARCHIVE_OK);
    cr_assert_eq(archive_read_open_memory(a, out.data, out.len), ARCHIVE_OK);
    for (size_t i = 0; i < DS_COUNT(EDGES); i++) {
        int rc = archive_read_next_header(a, &e);
        cr_assert(rc == ARCHIVE_OK || rc == ARCHIVE_WARN, "%s", archive_error_string(a));
        bool latin = strncmp(EDGES[i].name, "latin", 5) == 0; /* no UTF-8: libarchive warns */
        cr_assert_eq(rc, latin ? ARCHIVE_WARN : ARCHIVE_OK, "%s", EDGES[i].name);
        if (!latin)
            cr_assert_str_eq(archive_entry_pathname(e), EDGES[i].name);
        cr_assert_eq((size_t)archive_entry_size(e), EDGES[i].size);
        cr_assert_eq(archive_entry_mtime(e), 0);
        unsigned char *p = content_of(&EDGES[i]), *q = malloc(EDGES[i].size + 1);
        cr_assert_eq((size_t)archive_read_data(a, q, EDGES[i].size + 1), EDGES[i].size);
        cr_assert_eq(memcmp(p, q, EDGES[i].size), 0);
        free(p);
        free(q);
    }
    cr_assert_eq(archive_read_next_header(a, &e), ARCHIVE_EOF);
    cr_assert_eq(archive_read_free(a), ARCHIVE_OK);
    archive_writer_destroy(w);
    buf_clear(&out);
}

Test(archive, bytes_do_not_depend_on_threads_or_on_what_was_packed_before)
{
    struct ds_buf one, two, three;
    struct archive_writer *w = archive_writer_create(3, 0), *v = archive_writer_create(3, 3);
    pack(w, EDGES, DS_COUNT(EDGES), &one);
    pack(v, SMALL, DS_COUNT(SMALL), &two);
    buf_clear(&two);
    pack(v, EDGES, DS_COUNT(EDGES), &two);
    cr_assert_eq(one.len, two.len);
    cr_assert_eq(memcmp(one.data, two.data, one.len), 0);
    pack(w, SMALL, DS_COUNT(SMALL), &three);
    check(&three, SMALL, DS_COUNT(SMALL));
    archive_writer_destroy(w);
    archive_writer_destroy(v);
    buf_clear(&one);
    buf_clear(&two);
    buf_clear(&three);
}

Test(archive, many_members_and_a_long_index_need_two_reads_at_most)
{
    enum { N = 30000 };
    struct ds_buf out;
    struct ds_err err = {0};
    struct archive_index x;
    uint64_t total;
    ds_auto_arena a = arena_create(64u << 20);
    struct archive_writer *w = archive_writer_create(1, 0);
    buf_init(&out, 64u << 20);
    archive_writer_start(w, into_buf, &out);
    for (unsigned i = 0; i < N; i++) {
        char name[64], sha[65];
        (void)snprintf(name, sizeof name, "%u", i);
        sha256_of(name, strlen(name), sha); /* names that do not compress well */
        (void)snprintf(name, sizeof name, "f/%s", sha + 32);
        cr_assert_eq(archive_add_bytes(w, name, (struct ds_bytes){(const unsigned char *)"x", 1},
                                       NULL, &err),
                     0, "%s", err.text);
    }
    cr_assert_eq(archive_writer_end(w, &total, &err), 0, "%s", err.text);
    struct ds_bytes b = bytes_in(&out);
    cr_assert_eq(archive_read_index(archive_read_from_bytes, &b, b.len, a, &x, &err), 0, "%s",
                 err.text);
    cr_assert_eq(x.n_members, N);
    for (size_t i = 0; i < N; i += 997)
        cr_assert_eq(archive_find(&x, x.members[i].name), &x.members[i]);
    archive_writer_destroy(w);
    buf_clear(&out);
}

Test(archive, a_small_archive_costs_little_more_than_its_files)
{
    struct ds_buf out;
    size_t plain = 0;
    struct archive_writer *w = archive_writer_create(3, 0);
    pack(w, SMALL, DS_COUNT(SMALL), &out);
    for (size_t i = 0; i < DS_COUNT(SMALL); i++) {
        unsigned char *p = content_of(&SMALL[i]);
        size_t bound = ZSTD_compressBound(SMALL[i].size);
        unsigned char *z = malloc(bound);
        plain += ZSTD_compress(z, bound, p, SMALL[i].size, 3) + 4; /* the tool's checksum */
        free(z);
        free(p);
    }
    cr_assert_leq(out.len, plain + 512 + 128 * DS_COUNT(SMALL), "%zu over %zu", out.len, plain);
    archive_writer_destroy(w);
    buf_clear(&out);
}

/* Everything of an archive, or the first error: how a careful user reads one. */
static int read_all(struct ds_bytes b, struct ds_buf *out, struct ds_err *err)
{
    ds_auto_arena a = arena_create(4u << 20);
    struct archive_reader *r = archive_reader_create();
    struct archive_index x;
    int rc = archive_read_index(archive_read_from_bytes, &b, b.len, a, &x, err);
    for (size_t i = 0; rc == 0 && i < x.n_members; i++) {
        struct ds_span content;
        rc = archive_read_member(r, archive_read_from_bytes, &b, &x.members[i], 1u << 20, a,
                                 &content, err);
        if (rc == 0) {
            (void)buf_put_span(out, x.members[i].name);
            (void)buf_put_span(out, content);
        }
    }
    archive_reader_destroy(r);
    return rc;
}

static const struct entry TINY[] = {{"case.json", 70, 1}, {"d/b", 900, 2}, {"c", 0, 0}};

Test(archive, a_flipped_bit_is_refused_or_changes_nothing)
{
    struct ds_buf out;
    ds_auto_buf whole = {0}, now = {0};
    struct ds_err err = {0};
    struct archive_writer *w = archive_writer_create(3, 0);
    size_t accepted = 0;
    buf_init(&whole, 1 << 20);
    buf_init(&now, 1 << 20);
    pack(w, TINY, DS_COUNT(TINY), &out);
    cr_assert_eq(read_all(bytes_in(&out), &whole, &err), 0, "%s", err.text);
    for (size_t i = 0; i < out.len * 8; i++) {
        err = (struct ds_err){0};
        buf_reset(&now);
        out.data[i / 8] ^= (char)(1 << i % 8);
        int rc = read_all(bytes_in(&out), &now, &err);
        out.data[i / 8] ^= (char)(1 << i % 8);
        cr_assert(rc == DS_ECORRUPT || rc == DS_EUNSUPPORTED || rc == 0, "%d at bit %zu", rc, i);
        cr_assert(rc == 0 || err.text[0] != '\0');
        if (rc == 0) {
            accepted++;
            cr_assert_eq(now.len, whole.len, "bit %zu", i);
            cr_assert_eq(memcmp(now.data, whole.data, now.len), 0, "bit %zu", i);
        }
    }
    /* What read_all does not look at: the end-of-archive frame, and bits zstd ignores. */
    cr_assert_lt(accepted, 8 * 32);
    archive_writer_destroy(w);
    buf_clear(&out);
}

Test(archive, an_archive_cut_anywhere_is_refused)
{
    struct ds_buf out;
    ds_auto_buf now = {0};
    struct archive_writer *w = archive_writer_create(3, 0);
    buf_init(&now, 1 << 20);
    pack(w, TINY, DS_COUNT(TINY), &out);
    for (size_t n = 0; n < out.len; n++) {
        struct ds_err err = {0};
        cr_assert_eq(read_all((struct ds_bytes){(unsigned char *)out.data, n}, &now, &err),
                     DS_ECORRUPT, "%zu of %zu", n, out.len);
        cr_assert_not_null(strstr(err.text, "archive: "));
        err = (struct ds_err){0};
        cr_assert_eq(read_all((struct ds_bytes){(unsigned char *)out.data + n + 1, out.len - n - 1},
                              &now, &err),
                     DS_ECORRUPT, "without the first %zu", n + 1);
    }
    archive_writer_destroy(w);
    buf_clear(&out);
}

/* ---- archives made to lie, each with a correct checksum ---- */

struct lie {
    const char *what, *says;
    const char *name;     /* in the index */
    uint64_t size;        /* in the index */
    const char *tar_name; /* in the tar header */
    uint64_t tar_size;
    size_t raw;          /* bytes in the frame */
    int64_t frame_delta; /* added to the frame's bytes in the index */
    bool no_checksum, twice, extra_byte, overflow;
};

static void put_lie(const struct lie *l, struct ds_buf *out)
{
    static unsigned char raw[1 << 20];
    unsigned char packed[1 << 16], table[1 << 12], foot[ARCHIVE_FOOTER_BYTES], head[8];
    ZSTD_CCtx *c = ZSTD_createCCtx();
    memset(raw, 0, sizeof raw);
    size_t h = tar_header_write(ds_span_of(l->tar_name), l->tar_size, false, raw);
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, !l->no_checksum);
    memset(raw + h, 'x', (size_t)l->tar_size + (l->overflow ? 1 : 0));
    size_t n = ZSTD_compress2(c, packed, sizeof packed, raw, l->raw);
    cr_assert_not(ZSTD_isError(n));
    (void)buf_put(out, packed, n);
    size_t at = 0;
    for (int i = 0; i < (l->twice ? 2 : 1); i++) {
        at += archive_varint_write(strlen(l->name), table + at);
        memcpy(table + at, l->name, strlen(l->name));
        at += strlen(l->name);
        at += archive_varint_write(l->size, table + at);
    }
    at += archive_varint_write((uint64_t)((int64_t)n + l->frame_delta), table + at);
    if (l->twice)
        at += archive_varint_write(n, table + at);
    if (l->twice)
        (void)buf_put(out, packed, n);
    if (l->extra_byte)
        table[at++] = 1;
    memset(raw, 0, TAR_END_BYTES);
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    size_t e = ZSTD_compress2(c, packed, sizeof packed, raw, TAR_END_BYTES);
    (void)buf_put(out, packed, e);
    struct archive_footer f = {l->twice ? 2 : 1, ARCHIVE_FRAME_RAW,
                               (uint32_t)at,     (uint32_t)at,
                               (uint32_t)e,      out->len + 8 + at + sizeof foot};
    archive_footer_write(&f, table, foot);
    archive_put_u32(head, ARCHIVE_SKIPPABLE_MAGIC);
    archive_put_u32(head + 4, (uint32_t)(at + sizeof foot));
    (void)buf_put(out, head, 8);
    (void)buf_put(out, table, at);
    (void)buf_put(out, foot, sizeof foot);
    (void)ZSTD_freeCCtx(c);
}

Test(archive, an_index_that_lies_is_refused_with_what_is_wrong)
{
    static const struct lie ROWS[] = {
        {"honest", NULL, "a", 10, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"traversal", "unsafe", "../a", 10, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"absolute", "unsafe", "/etc/x", 10, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"dots inside", "unsafe", "a/../../b", 10, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"control byte", "unsafe", "a\nb", 10, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"empty name", "unsafe", "", 10, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"two of one name", "two members", "a", 10, "a", 10, 1024, 0, 0, 1, 0, 0},
        {"other name in tar", "tar header", "a", 10, "b", 10, 1024, 0, 0, 0, 0, 0},
        {"traversal in tar", "tar header", "a", 10, "../a", 10, 1024, 0, 0, 0, 0, 0},
        {"other size in tar", "tar header", "a", 10, "a", 11, 1024, 0, 0, 0, 0, 0},
        {"bomb: more inside", "size", "a", 10, "a", 10, 1 << 20, 0, 0, 0, 0, 0},
        {"less inside", "size", "a", 10, "a", 10, 512, 0, 0, 0, 0, 0},
        {"huge size", "fewer frames", "a", UINT64_C(1) << 41, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"absurd size", "too large", "a", UINT64_C(1) << 60, "a", 10, 1024, 0, 0, 0, 0, 0},
        {"frame too long", "fill", "a", 10, "a", 10, 1024, 5, 0, 0, 0, 0},
        {"frame too short", "fill", "a", 10, "a", 10, 1024, -5, 0, 0, 0, 0},
        {"frame far too long", "too large", "a", 10, "a", 10, 1024, 1 << 24, 0, 0, 0, 0},
        {"no checksum", "checksum", "a", 10, "a", 10, 1024, 0, 1, 0, 0, 0},
        {"left over", "left over", "a", 10, "a", 10, 1024, 0, 0, 0, 1, 0},
        {"content in the padding", "padding", "a", 10, "a", 10, 1024, 0, 0, 0, 0, 1},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        ds_auto_buf lie = {0}, content = {0};
        struct ds_err err = {0};
        struct lie row = ROWS[i];
        buf_init(&lie, 1 << 20);
        buf_init(&content, 1 << 20);
        put_lie(&row, &lie);
        int rc = read_all(bytes_in(&lie), &content, &err);
        if (row.says == NULL) {
            cr_assert_eq(rc, 0, "%s: %s", row.what, err.text);
            continue;
        }
        cr_assert_eq(rc, DS_ECORRUPT, "%s: %s", row.what, err.text);
        cr_assert_not_null(strstr(err.text, row.says), "%s: %s", row.what, err.text);
    }
}

Test(archive, the_writer_refuses_what_no_reader_would_take)
{
    struct ds_buf out;
    struct ds_err err = {0};
    uint64_t total;
    struct ds_bytes x = {(const unsigned char *)"x", 1};
    struct archive_writer *w = archive_writer_create(3, 0);
    buf_init(&out, 1 << 20);
    archive_writer_start(w, into_buf, &out);
    cr_assert_eq(archive_add_bytes(w, "../a", x, NULL, &err), DS_EINPUT);
    cr_assert_eq(archive_writer_end(w, &total, &err), DS_EINPUT);
    archive_writer_start(w, into_buf, &out);
    cr_assert_eq(archive_add_bytes(w, "a", x, NULL, &err), 0);
    cr_assert_eq(archive_add_bytes(w, "a", x, NULL, &err), 0);
    cr_assert_eq(archive_writer_end(w, &total, &err), DS_EINPUT);
    archive_writer_start(w, into_buf, &out);
    cr_assert_eq(archive_writer_end(w, &total, &err), 0);
    archive_writer_destroy(w);
    buf_clear(&out);
}

/* What is refused at the end may still be with the threads then. */
Test(archive, two_members_of_one_name_are_refused_while_threads_pack_them)
{
    const struct entry *large = &EDGES[DS_COUNT(EDGES) - 1];
    struct archive_writer *w = archive_writer_create(9, 4);
    struct ds_bytes x = {content_of(large), large->size};
    struct ds_err err = {0};
    struct ds_buf out;
    uint64_t total;
    buf_init(&out, 64u << 20);
    archive_writer_start(w, into_buf, &out);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(archive_add_bytes(w, "a", x, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(archive_writer_end(w, &total, &err), DS_EINPUT);
    cr_assert_not_null(strstr(err.text, "two members are called 'a'"), "%s", err.text);
    buf_clear(&out);
    pack(w, EDGES, DS_COUNT(EDGES), &out);
    check(&out, EDGES, DS_COUNT(EDGES));
    archive_writer_destroy(w);
    buf_clear(&out);
    free((void *)(uintptr_t)x.data);
}

static int fail_after(void *context, const void *data, size_t n, struct ds_err *err)
{
    (void)data;
    size_t *left = context;
    if (n > *left)
        return ds_fail(err, DS_ENOSPC, "sink is full");
    *left -= n;
    return 0;
}

Test(archive, a_failing_sink_fails_the_archive_and_the_writer_goes_on_with_the_next)
{
    struct archive_writer *w = archive_writer_create(1, 2);
    struct ds_buf out;
    for (size_t room = 0; room < 3000000; room += 999999) {
        struct ds_err err = {0};
        size_t left = room;
        uint64_t total;
        unsigned char *p = content_of(&EDGES[DS_COUNT(EDGES) - 1]);
        archive_writer_start(w, fail_after, &left);
        int rc = archive_add_bytes(w, "x", (struct ds_bytes){p, EDGES[DS_COUNT(EDGES) - 1].size},
                                   NULL, &err);
        if (rc == 0)
            rc = archive_writer_end(w, &total, &err);
        cr_assert_eq(rc, DS_ENOSPC);
        cr_assert_str_eq(err.text, "sink is full");
        err = (struct ds_err){0};
        cr_assert_eq(archive_writer_end(w, &total, &err), DS_ENOSPC);
        cr_assert_str_eq(err.text, "sink is full");
        free(p);
    }
    pack(w, SMALL, DS_COUNT(SMALL), &out);
    check(&out, SMALL, DS_COUNT(SMALL));
    archive_writer_destroy(w);
    buf_clear(&out);
}

Test(archive, a_file_goes_in_from_its_descriptor_and_a_shrinking_one_is_refused)
{
    struct ds_err err = {0};
    struct ds_buf out;
    ds_auto_buf all = {0};
    char sha[65], expected[65];
    uint64_t total;
    struct archive_writer *w = archive_writer_create(3, 0);
    FILE *f = tmpfile();
    cr_assert_eq(fwrite("0123456789", 1, 10, f), 10);
    cr_assert_eq(fflush(f), 0);
    buf_init(&out, 1 << 20);
    buf_init(&all, 1 << 20);
    archive_writer_start(w, into_buf, &out);
    cr_assert_eq(archive_add_fd(w, "run.sh", fileno(f), 7, true, sha, &err), 0, "%s", err.text);
    cr_assert_eq(archive_writer_end(w, &total, &err), 0);
    sha256_of("0123456", 7, expected);
    cr_assert_str_eq(sha, expected);
    cr_assert_eq(read_all(bytes_in(&out), &all, &err), 0, "%s", err.text);
    cr_assert_str_eq(all.data, "run.sh0123456");
    archive_writer_start(w, into_buf, &out);
    cr_assert_eq(archive_add_fd(w, "b", fileno(f), 11, false, sha, &err), DS_ECORRUPT);
    cr_assert_not_null(strstr(err.text, "b: shrank while it was read"), "%s", err.text);
    (void)fclose(f);
    archive_writer_destroy(w);
    buf_clear(&out);
}

Test(archive, members_above_the_callers_bound_are_refused)
{
    struct ds_buf out;
    struct ds_err err = {0};
    struct ds_span content;
    struct archive_index x;
    ds_auto_arena a = arena_create(1 << 20);
    struct archive_writer *w = archive_writer_create(3, 0);
    struct archive_reader *r = archive_reader_create();
    pack(w, TINY, DS_COUNT(TINY), &out);
    struct ds_bytes b = bytes_in(&out);
    cr_assert_eq(archive_read_index(archive_read_from_bytes, &b, b.len, a, &x, &err), 0);
    cr_assert_eq(
        archive_read_member(r, archive_read_from_bytes, &b, &x.members[1], 899, a, &content, &err),
        DS_ETOOBIG);
    ds_auto_arena small = arena_create(4096);
    (void)arena_take(small, 3500, 1);
    cr_assert_eq(archive_read_member(r, archive_read_from_bytes, &b, &x.members[1], 900, small,
                                     &content, &err),
                 DS_ETOOBIG);
    archive_reader_destroy(r);
    archive_writer_destroy(w);
    buf_clear(&out);
}
