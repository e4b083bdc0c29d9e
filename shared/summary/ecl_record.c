/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary/ecl_record.h"

#include "base/big_endian.h"
#include "summary/ecl_text.h"

#include <assert.h>

#define HEADER_BYTES 24u
#define X231         (UINT64_C(1) << 31)

void ecl_reader_init(struct ecl_reader *r, struct ds_bytes bytes, bool formatted)
{
    *r = (struct ecl_reader){.bytes = bytes, .formatted = formatted};
}

bool ecl_type_from_name(const char name[4], enum ecl_type *type, uint32_t *size)
{
    static const struct {
        char name[5];
        enum ecl_type type;
        uint32_t size;
    } TYPES[] = {{"INTE", ECL_INTE, 4}, {"REAL", ECL_REAL, 4}, {"DOUB", ECL_DOUB, 8},
                 {"LOGI", ECL_LOGI, 4}, {"CHAR", ECL_CHAR, 8}, {"MESS", ECL_MESS, 0}};
    for (size_t i = 0; i < DS_COUNT(TYPES); i++) {
        if (memcmp(name, TYPES[i].name, 4) == 0) {
            *type = TYPES[i].type;
            *size = TYPES[i].size;
            return true;
        }
    }
    uint32_t width = 0;
    for (size_t i = 1; i < 4; i++) {
        if (name[0] != 'C' || name[i] < '0' || name[i] > '9')
            return false;
        width = width * 10 + (uint32_t)(name[i] - '0');
    }
    *type = ECL_CHAR;
    *size = width;
    return width > 0;
}

bool ecl_is(const struct ecl_record *rec, const char *keyword)
{
    return strcmp(rec->keyword, keyword) == 0;
}

/* ---- unformatted ---- */

static int header_at(struct ds_bytes b, size_t at, const unsigned char **out, struct ds_err *err)
{
    *out = b.data + at;
    static const unsigned char MARK[4] = {0, 0, 0, 16};
    size_t left = b.len - at;
    if (memcmp(b.data + at, MARK, left < 4 ? left : 4) != 0)
        return ds_fail(err, DS_ECORRUPT, "no record begins at offset %zu", at);
    if (left < HEADER_BYTES)
        return ds_fail(err, DS_EAGAIN, "the bytes end inside the header at offset %zu", at);
    if (be32_at(b.data + at + 20) != 16)
        return ds_fail(err, DS_ECORRUPT, "the header at offset %zu does not end", at);
    return 0;
}

static void take_keyword(const unsigned char *header, struct ecl_record *rec)
{
    size_t n = ECL_KEYWORD_CHARS;
    while (n > 0 && (header[4 + n - 1] == ' ' || header[4 + n - 1] == '\0'))
        n--;
    memset(rec->keyword, 0, sizeof rec->keyword);
    memcpy(rec->keyword, header + 4, n);
}

/* Header, with the one of type X231 before it that carries the high part of a large count. */
static int take_header(struct ds_bytes b, size_t at, struct ecl_record *rec, struct ds_err *err)
{
    const unsigned char *header = NULL;
    uint64_t high = 0;
    rec->begin = at;
    int rc = header_at(b, at, &header, err);
    if (rc == 0 && memcmp(header + 16, "X231", 4) == 0) {
        int64_t n = (int32_t)be32_at(header + 12);
        if (n >= 0 || (uint64_t)-n > ECL_MAX_COUNT / X231)
            return ds_fail(err, DS_ECORRUPT, "impossible count at offset %zu", at);
        high = (uint64_t)-n * X231;
        at += HEADER_BYTES;
        if (at == b.len)
            return ds_fail(err, DS_EAGAIN, "the bytes end behind the header at offset %zu",
                           rec->begin);
        rc = header_at(b, at, &header, err);
    }
    if (rc < 0)
        return rc;
    int32_t count = (int32_t)be32_at(header + 12);
    if (count < 0 || !ecl_type_from_name((const char *)header + 16, &rec->type, &rec->size))
        return ds_fail(err, DS_ECORRUPT, "unknown type or impossible count at offset %zu", at);
    take_keyword(header, rec);
    rec->count = rec->type == ECL_MESS ? 0 : high + (uint64_t)count;
    rec->data = at + HEADER_BYTES;
    return 0;
}

/* One block at *at of a record with `left` bytes to come: its payload, and *at behind it. */
static int block_at(struct ds_bytes b, size_t *at, uint64_t left, uint32_t size,
                    struct ds_bytes *payload, struct ds_err *err)
{
    if (b.len - *at < 4)
        return ds_fail(err, DS_EAGAIN, "the bytes end at a block, offset %zu", *at);
    uint32_t n = be32_at(b.data + *at);
    if (n == 0 || n > left || n % size != 0)
        return ds_fail(err, DS_ECORRUPT, "a block of %u bytes at offset %zu", n, *at);
    if (b.len - *at < (size_t)n + 8)
        return ds_fail(err, DS_EAGAIN, "the bytes end inside the block at offset %zu", *at);
    if (be32_at(b.data + *at + 4 + n) != n)
        return ds_fail(err, DS_ECORRUPT, "head and tail of the block at offset %zu differ", *at);
    *payload = (struct ds_bytes){b.data + *at + 4, n};
    *at += (size_t)n + 8;
    return 0;
}

int ecl_next(struct ecl_reader *r, struct ecl_record *out, struct ds_err *err)
{
    struct ecl_record rec = {0};
    assert(r->at <= r->bytes.len);
    if (r->formatted) {
        int rc = ecl_text_next(r, &rec, err);
        if (rc < 0)
            return rc;
        *out = rec;
        r->at = rec.end;
        return 0;
    }
    if (r->at == r->bytes.len)
        return ds_fail(err, DS_ENOTFOUND, "no more records");
    int rc = take_header(r->bytes, r->at, &rec, err);
    if (rc < 0)
        return rc;
    size_t at = rec.data;
    uint64_t left = rec.count * rec.size;
    while (left > 0) {
        struct ds_bytes payload = {NULL, 0};
        rc = block_at(r->bytes, &at, left, rec.size, &payload, err);
        if (rc < 0)
            return rc;
        left -= payload.len;
    }
    rec.end = at;
    *out = rec;
    r->at = at;
    return 0;
}

/* ---- values ---- */

static int check_range(const struct ecl_record *rec, bool type_fits, uint64_t from, size_t n,
                       struct ds_err *err)
{
    if (!type_fits)
        return ds_fail(err, DS_ECORRUPT, "%s is of another type than it should be", rec->keyword);
    if (from > rec->count || n > rec->count - from)
        return ds_fail(err, DS_ECORRUPT, "%s has %llu elements, %llu are needed", rec->keyword,
                       (unsigned long long)rec->count, (unsigned long long)from + n);
    return 0;
}

/* Pieces of a record's payload that hold elements [from, from + n), one after the other. */
struct pieces {
    struct ds_bytes bytes;
    size_t at;
    uint32_t size;
    uint64_t skip_bytes, want_bytes;
};

static struct pieces pieces_of(const struct ecl_reader *r, const struct ecl_record *rec,
                               uint64_t from, size_t n)
{
    return (struct pieces){
        {r->bytes.data, rec->end}, rec->data, rec->size, from * rec->size, (uint64_t)n * rec->size};
}

static bool next_piece(struct pieces *p, struct ds_bytes *out)
{
    while (p->want_bytes > 0) {
        struct ds_bytes block = {NULL, 0};
        if (block_at(p->bytes, &p->at, UINT64_MAX, p->size, &block, NULL) < 0)
            return false; /* not of this reader's bytes */
        if (p->skip_bytes >= block.len) {
            p->skip_bytes -= block.len;
            continue;
        }
        size_t n = block.len - (size_t)p->skip_bytes;
        if (n > p->want_bytes)
            n = (size_t)p->want_bytes;
        *out = (struct ds_bytes){block.data + p->skip_bytes, n};
        p->skip_bytes = 0;
        p->want_bytes -= n;
        return true;
    }
    return false;
}

static void read_words(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from,
                       size_t n, void *out)
{
    unsigned char *to = out;
    struct pieces p = pieces_of(r, rec, from, n);
    struct ds_bytes piece;
    while (next_piece(&p, &piece)) {
        be32_read(to, piece.data, piece.len / 4);
        to += piece.len;
    }
}

/* Where the items of a formatted record stand from element `from` on. */
static struct ecl_text_items items_from(const struct ecl_reader *r, const struct ecl_record *rec,
                                        uint64_t from)
{
    struct ecl_text_items it;
    ecl_text_items_init(&it, r, rec);
    for (uint64_t i = 0; i < from; i++)
        (void)ecl_text_item(&it);
    return it;
}

static int bad_item(const struct ecl_record *rec, struct ds_span item, struct ds_err *err)
{
    return ds_fail(err, DS_ECORRUPT, "'%.*s' in %s is not of its type",
                   (int)(item.len > 40 ? 40 : item.len), item.ptr ? item.ptr : "", rec->keyword);
}

int ecl_read_i32(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                 int32_t *out, struct ds_err *err)
{
    int rc = check_range(rec, rec->type == ECL_INTE, from, n, err);
    if (rc < 0)
        return rc;
    if (!r->formatted) {
        read_words(r, rec, from, n, out);
        return 0;
    }
    struct ecl_text_items it = items_from(r, rec, from);
    for (size_t i = 0; i < n; i++) {
        struct ds_span item = ecl_text_item(&it);
        if (!ecl_text_i32(item, &out[i]))
            return bad_item(rec, item, err);
    }
    return 0;
}

int ecl_read_f32(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                 float *out, struct ds_err *err)
{
    int rc = check_range(rec, rec->type == ECL_REAL || rec->type == ECL_DOUB, from, n, err);
    if (rc < 0)
        return rc;
    if (r->formatted) {
        struct ecl_text_items it = items_from(r, rec, from);
        for (size_t i = 0; i < n; i++) {
            struct ds_span item = ecl_text_item(&it);
            if (!ecl_text_f32(item, &out[i]))
                return bad_item(rec, item, err);
        }
        return 0;
    }
    if (rec->type == ECL_REAL) {
        read_words(r, rec, from, n, out);
        return 0;
    }
    struct pieces p = pieces_of(r, rec, from, n);
    struct ds_bytes piece;
    while (next_piece(&p, &piece))
        for (size_t i = 0; i < piece.len; i += 8)
            *out++ = (float)be_double_at(piece.data + i);
    return 0;
}

int ecl_read_f64(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                 double *out, struct ds_err *err)
{
    int rc = check_range(rec, rec->type == ECL_REAL || rec->type == ECL_DOUB, from, n, err);
    if (rc < 0)
        return rc;
    if (r->formatted) {
        struct ecl_text_items it = items_from(r, rec, from);
        for (size_t i = 0; i < n; i++) {
            struct ds_span item = ecl_text_item(&it);
            if (!ecl_text_f64(item, &out[i]))
                return bad_item(rec, item, err);
        }
        return 0;
    }
    struct pieces p = pieces_of(r, rec, from, n);
    struct ds_bytes piece;
    while (next_piece(&p, &piece))
        for (size_t i = 0; i < piece.len; i += rec->size)
            *out++ = rec->type == ECL_DOUB ? be_double_at(piece.data + i)
                                           : (double)be_float_at(piece.data + i);
    return 0;
}

int ecl_read_logi(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                  bool *out, struct ds_err *err)
{
    int rc = check_range(rec, rec->type == ECL_LOGI, from, n, err);
    if (rc < 0)
        return rc;
    if (r->formatted) {
        struct ecl_text_items it = items_from(r, rec, from);
        for (size_t i = 0; i < n; i++) {
            struct ds_span item = ecl_text_item(&it);
            if (!ecl_text_logi(item, &out[i]))
                return bad_item(rec, item, err);
        }
        return 0;
    }
    struct pieces p = pieces_of(r, rec, from, n);
    struct ds_bytes piece;
    while (next_piece(&p, &piece))
        for (size_t i = 0; i < piece.len; i += 4)
            *out++ = be32_at(piece.data + i) != 0;
    return 0;
}

int ecl_read_text(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                  struct ds_span *out, struct ds_err *err)
{
    int rc = check_range(rec, rec->type == ECL_CHAR, from, n, err);
    if (rc < 0)
        return rc;
    if (r->formatted) {
        struct ecl_text_items it = items_from(r, rec, from);
        for (size_t i = 0; i < n; i++) {
            out[i] = ecl_text_item(&it);
            if (!out[i].ptr)
                return bad_item(rec, out[i], err);
        }
        return 0;
    }
    struct pieces p = pieces_of(r, rec, from, n);
    struct ds_bytes piece;
    while (next_piece(&p, &piece))
        for (size_t i = 0; i < piece.len; i += rec->size)
            *out++ = (struct ds_span){(const char *)piece.data + i, rec->size};
    return 0;
}
