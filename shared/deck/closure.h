/* SPDX-License-Identifier: GPL-3.0-or-later */
/* closure.h - every file a deck needs, where each goes in the bundle, and the base digest
 *
 * Starts at the root deck and follows INCLUDE, IMPORT, GDFILE, PYACTION, PATHS and the
 * RESTART base, as OPM Flow 2022.10 reads them (docs/decks.md; the format facts are from
 * opm-common's parser and from runs). Names are relative to the canonical folder of the
 * root deck, also inside INCLUDEs. Everything that Flow would stumble over later is said
 * now, with file, line and column. Pure: files come through a struct deck_reader. Files are
 * hostile input: length, count, depth and memory are bounded. Reentrant. */
#ifndef DS_DECK_CLOSURE_H
#define DS_DECK_CLOSURE_H

#include "base/buf.h"
#include "deck/lexer.h"
#include "deck/problem.h"
#include "deck/reader.h"

#define DECK_FLOW_VERSION "2022.10" /* whose reading of decks this library follows */

/* A parameter of kind `files`: its values are paths of files or folders. */
struct deck_files_param {
    struct ds_span name;
    const struct ds_span *paths; /* of the values, as the reader opens them (absolute best) */
    size_t n_paths;              /* >= 1 */
    uint32_t group;              /* parameters with one number move together (`with`): same index */
};

struct closure_request {
    struct ds_span deck_path; /* root deck, as the reader opens it */
    const struct deck_reader *reader;
    const struct deck_files_param *params; /* kind `files` only */
    size_t n_params;
    /* Names of all placeholders that are legal (parameters of every kind, IENS, REAL, ITER),
     * to tell a foreign <WORD> in a file name from a parameter. */
    const struct ds_span *names;
    size_t n_names;
    /* Version of Flow that will run: with DECK_FLOW_VERSION a keyword that it does not know is
     * an error; else ("" unknown, or no Flow) a warning. */
    struct ds_span flow_version;
};

struct closure_owner { /* a case file belongs to a value of a `files` parameter */
    uint32_t param;    /* index into request.params */
    uint32_t value;    /* index into its paths */
};

struct closure_file {
    struct ds_span source;      /* as the reader opens it */
    struct ds_span display;     /* for people: from the root deck's folder, or absolute */
    struct ds_span digest_path; /* from the root deck's folder ("../x" possible), or "abs/..." */
    struct ds_span bundle_path; /* in the bundle: a safe member name */
    uint64_t size_bytes;        /* of the content in the bundle */
    char sha256[65];            /* of the content in the bundle */
    struct ds_span content;     /* as in the bundle; ptr NULL: stream it from source */
    bool is_text;               /* read as deck text (INCLUDE, root): placeholders are filled in */
    bool is_common;             /* in the base digest, in every case */
    const struct closure_owner *owners; /* whose case file it is; with is_common also legal */
    size_t n_owners;
    uint32_t end_line; /* line at which END or ENDINC stopped the reading; 0 none */
};

struct closure_value {   /* one value of a `files` parameter */
    struct ds_span text; /* what <NAME> renders as: path from the root deck's folder */
    char sha256[65];     /* of a file: its content; of a folder: over sorted "relpath\0sha\n".
                            Files elsewhere that names with the value reach are in it too. */
    bool is_folder;
};

struct closure_restart { /* the RESTART keyword of SOLUTION */
    bool present;
    struct ds_span root; /* as in the bundle's deck */
    uint32_t step;
    struct deck_pos pos;
    bool has_time;    /* the base's UNRST gave the elapsed days of that step */
    double time_days; /* elapsed since START at that step */
};

/* A keyword that other modules want to know more of, in the order Flow reads them. */
struct closure_item {
    struct deck_keyword keyword;
    enum deck_section section;
    uint32_t file;                     /* index into files */
    const struct deck_record *records; /* tokens kept */
    size_t n_records;
    uint64_t n_all_records;    /* seen, also where tokens are not kept (COMPDAT) */
    uint64_t n_values, n_zero; /* ACTNUM: values and zeros among them; COMPDAT: connections
                                  of named wells and of well patterns */
    bool alternative;          /* stands in a case file of a value other than the first */
};

struct closure {
    struct ds_span deck_name;         /* root file name in the bundle: "SPE1.DATA" */
    struct ds_span deck_dir;          /* its folder in the bundle: "" or "model/" (ends in '/') */
    struct ds_span case_root;         /* "SPE1" */
    struct ds_span source_dir;        /* canonical folder of the root deck */
    const struct closure_file *files; /* sorted by digest_path; the root deck is files[root] */
    size_t n_files;
    uint32_t root;
    const struct closure_value *const *values; /* values[param][value] */
    const struct ds_span *rewritten;           /* "path:line: '/x/y' -> 'abs/x/y'" */
    size_t n_rewritten;
    const struct closure_item *items;
    size_t n_items;
    struct closure_restart restart;
    char base_digest[65];
    uint64_t common_bytes; /* sum of size_bytes over common files */
    uint64_t case_bytes;   /* largest sum over the case files of one value a parameter */
};

/* Scan.
 *
 * request   borrows for the call; reader and what it read must outlive out
 * a         keeps everything out refers to (32 MiB and up: a cap of 1 GiB is sensible)
 * problems  gives errors and warnings, up to DECK_MAX_PROBLEMS; zeroed by the caller
 *
 * Returns 0 when no error was found (warnings possible), else DS_EINPUT with the first
 * error in err; also DS_ETOOBIG (arena), DS_EIO and kin from the reader for the root deck.
 * Cost: every text file is read once and lexed once for each value that includes it. */
int closure_scan(const struct closure_request *request, struct ds_arena *a, struct closure *out,
                 struct deck_problems *problems, struct ds_err *err) DS_CHECKED;

/* The file with this bundle path, or NULL. */
const struct closure_file *closure_find(const struct closure *c, struct ds_span bundle_path);

#endif
