/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.h - is every byte of an archive what its index and its case.json say?
 *
 * Pure apart from the caller's read. Cost: one pass, all frames decompressed and hashed. */
#ifndef DS_ARCHIVE_VERIFY_H
#define DS_ARCHIVE_VERIFY_H

#include "archive/archive.h"
#include "decksweep/result.h"

struct archive_check {
    size_t n_members;
    uint64_t content_bytes;
    bool is_case;              /* the first member is case.json; else a bundle */
    struct case_record record; /* when is_case */
};

/* Every frame (checksum, size), tar header, padding, the end-of-archive frame; of a case also
 * that case.json names every other member and no file that is not there, with its size and
 * SHA-256. DS_ECORRUPT says the first thing wrong. Keeps in a. */
int archive_verify(struct archive_reader *r, archive_read_f read, void *context,
                   uint64_t archive_bytes, struct ds_arena *a, struct archive_check *out,
                   struct ds_err *err) DS_CHECKED;

#endif
