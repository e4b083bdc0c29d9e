/* SPDX-License-Identifier: GPL-3.0-or-later */
/* closure_internal.h - what the parts of the closure scan share; for closure*.c only
 *
 * A struct scan is one call of closure_scan. Once `status` is set (arena full, reader
 * broken) every function returns soon and the call fails with `err`. */
#ifndef DS_DECK_CLOSURE_INTERNAL_H
#define DS_DECK_CLOSURE_INTERNAL_H

#include "deck/closure.h"
#include "deck/walk.h"

#define SCAN_MAX_JOBS          400000u
#define SCAN_MAX_ALIASES       1000u
#define SCAN_MAX_INCLUDES      200000u
#define SCAN_MAX_FOLDER_DEPTH  16u
#define SCAN_MAX_RECORD_TOKENS 4000000u
#define SCAN_NAME_BYTES        2048u
#define NO_FILE                UINT32_MAX

struct binding { /* inside a case file: these values are fixed */
    uint32_t group, value;
    const struct binding *outer;
};

struct rewrite { /* of a string in a file's text */
    size_t offset, length;
    struct ds_span now;
    uint32_t line;
};

struct scan_file {
    struct ds_span source, display, digest_path;
    struct ds_span text; /* as read; ptr NULL until loaded */
    uint64_t size_bytes;
    char sha256[65];
    bool is_text, is_common, is_refused;
    struct closure_owner *owners;
    size_t n_owners, room_owners;
    struct rewrite *rewrites;
    size_t n_rewrites, room_rewrites;
    uint32_t end_line;
};

struct frame { /* an open file */
    uint32_t file, line;
    size_t at;
    const struct binding *binding;
};

struct job {                      /* an INCLUDE to be read with another value than the first */
    const struct deck_walk *walk; /* as it stood behind the INCLUDE */
    uint32_t file;
    const struct binding *binding;
};

struct alias {
    struct ds_span name, value;
    uint32_t file, line;
    size_t offset, length; /* of the value's token in the file */
    bool is_rewritten;
};

struct scan {
    const struct closure_request *request;
    const struct deck_reader *reader;
    struct ds_arena *arena;
    struct deck_problems *problems;
    struct closure *out;
    int status;
    struct ds_err err;

    struct ds_span root_dir; /* canonical */
    struct scan_file *files;
    size_t n_files, room_files;
    uint32_t *buckets; /* hash of digest_path -> file + 1 */
    size_t n_buckets;
    uint64_t text_bytes, walked_bytes;
    size_t n_includes;

    struct alias *aliases;
    size_t n_aliases, room_aliases;
    struct job *jobs;
    size_t n_jobs, room_jobs;
    struct closure_item *items;
    size_t n_items, room_items;
    struct closure_value **values;

    /* of the walk that is going on */
    struct deck_walk walk;
    struct frame stack[DECK_MAX_DEPTH];
    size_t depth;
    bool alternative, ended;
    bool collects, counts_actnum, discards;
    struct deck_token *tokens;
    size_t n_tokens, room_tokens;
    struct deck_record *records;
    size_t n_records, room_records;

    bool has_unifin, has_fmtin, has_restart;
};

/* Room for one more in an arena array of n elements; NULL sets status. Doubles. */
void *scan_grow(struct scan *s, void *array, size_t n, size_t *room, size_t size);
int scan_fail(struct scan *s, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct ds_span scan_copy(struct scan *s, struct ds_span text);

/* ---- closure_files.c ---- */

/* The file with this digest path, added when new. source: how the reader opens it. */
uint32_t scan_add_file(struct scan *s, struct ds_span digest_path, struct ds_span source);
void scan_add_owner(struct scan *s, uint32_t file, uint32_t param, uint32_t value);
/* The file is every case's (param -1), or belongs to this value. */
void scan_note_use(struct scan *s, uint32_t file, int32_t param, uint32_t value);
/* Read the text once; false with a problem when it cannot be deck text. */
bool scan_load_text(struct scan *s, uint32_t file, struct deck_pos pos);
/* Bring in a file of which only size and digest are kept. */
bool scan_load_digest(struct scan *s, uint32_t file);
/* Values of `files` parameters: what they render as, and the files of folders. */
void scan_add_values(struct scan *s);
/* Contents, digests, bundle paths, order. */
void scan_finish(struct scan *s);

/* ---- closure_names.c ---- */

struct name_use {
    struct deck_token token;
    uint32_t file;       /* it stands in */
    const char *keyword; /* "INCLUDE" */
    bool uses_aliases;   /* PATHS and backslashes count (INCLUDE, IMPORT) */
    bool is_root;        /* RESTART: a base name, not a file */
    const struct binding *binding;
    struct ds_span glued; /* text right behind the '/' that ended the record */
    bool has_more_tokens;
};

struct resolved {
    struct ds_span digest_path, source;
    struct ds_span shown;          /* the string in the bundle's deck */
    int32_t param;                 /* the `files` parameter that the name begins with, or -1 */
    uint32_t value;                /* its value, when there is one */
    const struct binding *binding; /* for what is read from this file */
};

/* All files that a name stands for: one, or one a value of the parameters in it. The string
 * is noted for rewriting where needed. Returns how many (0: a problem was said). */
size_t scan_resolve(struct scan *s, const struct name_use *use, struct resolved **out);

/* Find where path goes wrong and say what is there instead: " (there is X)" or "". */
struct ds_span scan_missing_hint(struct scan *s, struct ds_span path);

/* Take a file's string for what the bundle needs. */
void scan_add_rewrite(struct scan *s, uint32_t file, uint32_t line, size_t offset, size_t length,
                      struct ds_span now);
void scan_add_paths(struct scan *s, const struct deck_record *r);
struct deck_pos scan_pos(const struct scan *s, uint32_t file, uint32_t line, uint32_t column);

/* ---- closure_walk.c ---- */

void scan_walk(struct scan *s, uint32_t root);

/* ---- closure_restart.c ---- */

void scan_restart(struct scan *s, const struct name_use *use, uint32_t step);

#endif
