/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.h - how deck code gets at files: four callbacks, so that the scanner stays pure
 *
 * deck/deck_files_io.h is the real file system; tests and fuzzers have theirs in memory.
 * Paths are absolute or relative to whatever the reader is rooted at; the scanner only
 * joins names to the folder of the canonical root deck. */
#ifndef DS_DECK_READER_H
#define DS_DECK_READER_H

#include "base/arena.h"

#define DECK_MAX_TEXT_BYTES  (512u << 20)        /* one text file */
#define DECK_MAX_TOTAL_BYTES (UINT64_C(4) << 30) /* all text files of a closure */
#define DECK_MAX_FILES       20000u              /* files of a closure, all values */
#define DECK_MAX_DEPTH       64u                 /* nested INCLUDEs */

enum deck_entry_kind { DECK_ENTRY_FILE = 1, DECK_ENTRY_FOLDER, DECK_ENTRY_OTHER };

struct deck_entry {
    struct ds_span name; /* one component */
    enum deck_entry_kind kind;
};

struct deck_stat {
    enum deck_entry_kind kind; /* after following links */
    uint64_t size_bytes;
    struct ds_span canonical; /* absolute, no links, no "." or ".."; identity of the file */
};

struct deck_reader {
    void *context;
    /* What path is. DS_ENOTFOUND: nothing is there. a: keeps canonical. */
    int (*stat)(void *context, struct ds_span path, struct ds_arena *a, struct deck_stat *out,
                struct ds_err *err);
    /* The whole of a regular file. The bytes live as long as the reader. DS_ETOOBIG above
     * max_bytes; DS_EINPUT when it is no regular file. */
    int (*read)(void *context, struct ds_span path, uint64_t max_bytes, struct ds_span *out,
                struct ds_err *err);
    /* Exactly n bytes at offset into out; DS_ECORRUPT when the file ends before. */
    int (*read_at)(void *context, struct ds_span path, uint64_t offset, void *out, size_t n,
                   struct ds_err *err);
    /* SHA-256 (65 bytes) and size, streamed: content is not held. */
    int (*digest)(void *context, struct ds_span path, char hex[65], uint64_t *size_bytes,
                  struct ds_err *err);
    /* Entries of a folder, sorted by name, without "." and ".."; a keeps them. DS_ETOOBIG
     * above max_entries. */
    int (*list)(void *context, struct ds_span path, size_t max_entries, struct ds_arena *a,
                struct deck_entry **out, size_t *n, struct ds_err *err);
};

#endif
