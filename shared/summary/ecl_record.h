/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecl_record.h - the records that Eclipse-format files are made of
 *
 * SMSPEC, UNSMRY, S0001, UNRST, ... are one array after the other: a keyword of 8 characters, a
 * count, a type, the values. Unformatted files are big-endian Fortran records; formatted
 * ones are text. One reader serves both, over bytes in memory, and never copies. Layout
 * and public sources: docs/formats.md.
 *
 * Bytes are hostile. A reader tells a file that ends early (being written, or cut) from one
 * that contradicts the format. Any split into blocks is taken that does not cut an element;
 * unknown keywords are records like others. Pure, reentrant, nothing is allocated except into
 * the arena given. */
#ifndef DS_SUMMARY_ECL_RECORD_H
#define DS_SUMMARY_ECL_RECORD_H

#include "base/arena.h"

#include <stdint.h>

enum ecl_type {
    ECL_INTE = 1, /* 4 bytes */
    ECL_REAL,     /* 4 bytes */
    ECL_DOUB,     /* 8 bytes */
    ECL_LOGI,     /* 4 bytes */
    ECL_CHAR,     /* 8 bytes, or nn for type C0nn */
    ECL_MESS,     /* no data */
};

#define ECL_KEYWORD_CHARS 8u
#define ECL_MAX_COUNT     (UINT64_C(1) << 40)

struct ecl_record {
    char keyword[ECL_KEYWORD_CHARS + 1]; /* as stored, trailing blanks cut; any byte may occur */
    enum ecl_type type;
    uint32_t size;  /* bytes of one element in unformatted files; characters of a CHAR */
    uint64_t count; /* elements */
    size_t begin;   /* offset of the record in the bytes */
    size_t data;    /* offset of what follows its header */
    size_t end;     /* offset behind it: where the next one begins */
};

struct ecl_reader {
    struct ds_bytes bytes; /* borrowed */
    size_t at;             /* where the next record begins; may be set to any record's begin */
    bool formatted;
};

void ecl_reader_init(struct ecl_reader *r, struct ds_bytes bytes, bool formatted);

/* The next record; r->at moves behind it. On failure r->at stays at the record's begin.
 *   DS_ENOTFOUND  no more: the bytes end exactly behind a record
 *   DS_EAGAIN     the bytes end inside the record
 *   DS_ECORRUPT   not this format; the text names the offset
 * Cost: O(blocks) unformatted, O(bytes) formatted. */
int ecl_next(struct ecl_reader *r, struct ecl_record *out, struct ds_err *err) DS_CHECKED;

bool ecl_is(const struct ecl_record *rec, const char *keyword);

/* Elements [from, from + n) of a record that ecl_next gave over the same bytes, in host order.
 *   DS_ECORRUPT  another type, or fewer elements; text that is no number of this type
 * Formatted numbers are rounded to nearest; DOUB is also read by ecl_read_f32 and ecl_read_f64
 * reads REAL. Cost: O(n + blocks); formatted O(from + n). */
int ecl_read_i32(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                 int32_t *out, struct ds_err *err) DS_CHECKED;
int ecl_read_f32(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                 float *out, struct ds_err *err) DS_CHECKED;
int ecl_read_f64(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                 double *out, struct ds_err *err) DS_CHECKED;
/* Any non-zero word is true (0xFFFFFFFF by Eclipse, 0x01000000 by Intersect); T or F in text. */
int ecl_read_logi(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                  bool *out, struct ds_err *err) DS_CHECKED;

/* Elements of a CHAR (C0nn) record, borrowed from the bytes, each exactly rec->size long with its
 * blanks: out[0 .. n). Same failures. */
int ecl_read_text(const struct ecl_reader *r, const struct ecl_record *rec, uint64_t from, size_t n,
                  struct ds_span *out, struct ds_err *err) DS_CHECKED;

#endif
