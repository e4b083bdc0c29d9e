/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result.h - what became of a case: verdicts, result classes, store keys, case.json
 *
 * A contract between worker (writes), census (reads keys only) and collector (reads
 * case.json). Pure and reentrant; keys and case.json come from a store anybody may write
 * to: hostile. Key layout: docs/store.md. */
#ifndef DECKSWEEP_RESULT_H
#define DECKSWEEP_RESULT_H

#include "decksweep/err.h"
#include "decksweep/span.h"

struct ds_arena;
struct ds_buf;

/* The first three letters of the alphabet soup: order is the order of display. */
enum verdict {
    VERDICT_NONE = 0, /* not yet run */
    VERDICT_OK,
    VERDICT_DECK_ERROR,
    VERDICT_NOT_CONVERGED,
    VERDICT_OUT_OF_MEMORY,
    VERDICT_OUT_OF_DISK,
    VERDICT_TIMEOUT,
    VERDICT_CRASHED,
    VERDICT_INCOMPLETE,
    VERDICT_LOST,
    VERDICT_CANCELLED,
    VERDICT_COUNT
};

const char *verdict_name(enum verdict v);            /* "out-of-memory"; "none" for VERDICT_NONE */
enum verdict verdict_from_name(struct ds_span name); /* VERDICT_NONE if unknown */

/* Result classes: which files of a case folder are kept. A mask of bits. */
enum result_class {
    CLASS_SUMMARY = 1u << 0, /* s: SMSPEC UNSMRY ESMRY S* FSMSPEC FUNSMRY A* RSM */
    CLASS_LOG = 1u << 1,     /* l: PRT INFOSTEP ECLEND MSG stdout stderr */
    CLASS_GRID = 1u << 2,    /* g: EGRID GRID (formatted too) */
    CLASS_INIT = 1u << 3,    /* i: INIT FINIT */
    CLASS_RESTART = 1u << 4, /* r: UNRST FUNRST X* F* */
    CLASS_RFT = 1u << 5,     /* f: RFT FRFT */
    CLASS_DEBUG = 1u << 6,   /* d: DBG */
    CLASS_ALL = (1u << 7) - 1,
};

/* What `results.keep` asks for: classes, and globs over file names in the case folder. */
#define KEEP_MAX_GLOBS 32u
struct keep {
    unsigned classes;                     /* mask of enum result_class */
    struct ds_span globs[KEEP_MAX_GLOBS]; /* borrowed, sorted, distinct */
    size_t n_globs;
};

const char *result_class_name(enum result_class one); /* "summary" */
unsigned result_class_from_name(struct ds_span name); /* a bit; CLASS_ALL for "all"; 0 unknown */

/* Class of a file by its name ("SPE1.S0001", "stdout"); 0 if it is of none. Extension is
 * compared without case; S*, A*, X*, F* are a letter and four digits. */
unsigned result_class_of_file(struct ds_span file_name);

/* Is a file of this name kept? (its class is asked for, or a glob matches) */
bool keep_wants(const struct keep *keep, struct ds_span file_name);

/* The key's word for a keep: class letters in the order s l g i r f d, then for globs "x"
 * and 8 hex digits of the SHA-256 of the globs, sorted, each ended by \n: "sl",
 * "slgx0123abcd". "n" when nothing at all is asked for. */
#define KEEP_WORD_BYTES 20u
void keep_word(const struct keep *keep, char out[KEEP_WORD_BYTES]);

/* Does a result stored under word `have` hold what `want` asks for? Letters of want are a
 * subset of have's; an x-part must be equal (or absent in want; 'all' classes do not cover globs). */
bool keep_word_covers(struct ds_span have, struct ds_span want);

/* Does a failed attempt under this limit (struct result_key) use up budget now? One that was ended
 * at less than the present wall time, or at less memory than the user gives (0: nothing given),
 * proves nothing. */
bool verdict_counts(enum verdict v, uint64_t limit, uint64_t wall_ms, uint64_t memory_bytes);

/* 16 lower-case hex digits, not terminated inside design tables. */
#define CASE_ID_CHARS 16u
struct case_id {
    char hex[CASE_ID_CHARS];
};
bool case_id_parse(struct ds_span text, struct case_id *out); /* exactly 16 of [0-9a-f] */
static inline bool case_id_eq(struct case_id a, struct case_id b)
{
    return memcmp(a.hex, b.hex, CASE_ID_CHARS) == 0;
}
uint64_t case_id_hash(struct case_id id);

/* Keys inside a sweep's folder. */
enum key_kind {
    KEY_OTHER = 0, /* not one of ours: ignored, never removed */
    KEY_CASE,      /* cases/<id>.<keep>.tar.zst */
    KEY_FAILED,    /* failed/<id>.<attempt>.<verdict>[-<limit>].tar.zst */
    KEY_GRANTED,   /* failed/<id>.<attempt>.granted: attempts up to it count no longer */
    KEY_STARTED,   /* started/<id>.<attempt> */
};

struct result_key {
    enum key_kind kind;
    struct case_id id;
    char keep[KEEP_WORD_BYTES]; /* KEY_CASE */
    uint32_t attempt;           /* KEY_FAILED, KEY_GRANTED, KEY_STARTED; 1 .. */
    enum verdict verdict;       /* KEY_CASE: VERDICT_OK; KEY_FAILED */
    uint64_t limit;             /* timeout: seconds; out-of-memory: MiB; 0: not known, none */
};

#define RESULT_KEY_BYTES 96u

/* "cases/0123456789abcdef.sl.tar.zst"; asserts that the fields fit the kind. */
void result_key_encode(const struct result_key *key, char out[RESULT_KEY_BYTES]);

/* Never fails: what is not exactly one of ours is KEY_OTHER. */
struct result_key result_key_decode(struct ds_span key);

/* case.json, the first member of every case archive. Strings borrow the arena given to
 * case_record_decode. Bytes and milliseconds; -1 where not known. */
struct case_file {
    struct ds_span path; /* inside the archive, '/'-separated, relative, normalised */
    uint64_t size_bytes;
    char sha256[65];
};

struct case_param {
    struct ds_span name;
    struct ds_span text; /* as it stood in the deck */
};

struct case_record {
    uint32_t number; /* the number it ran under; the present design decides what it is now */
    struct case_id id;
    struct ds_span sweep, plan_digest, base_digest;
    struct ds_span root; /* output base name, "SPE1": files are <dir>/SPE1.SMSPEC */
    struct ds_span dir;  /* folder of the deck inside the archive, "" or "model/" */
    enum verdict verdict;
    uint32_t attempt;
    struct ds_span ended;     /* "normal", "action", "killed", ... */
    struct ds_span reason;    /* one line: what, where in the deck, what to do; "" when ok */
    struct ds_span message;   /* the simulator's own words, first error; may be empty */
    struct ds_span deck_file; /* where it points in the deck; "" unknown */
    int64_t deck_line;        /* 0 unknown */
    int exit_code, signal;
    bool altered_args; /* ran with notConvergedArgs */
    bool membind, cpubind;
    bool trimmed;
    struct ds_span started_utc;                  /* 2026-11-21T09:10:11Z */
    int64_t stage_ms, run_ms, judge_ms, wall_ms; /* wall: from start to end of the simulator */
    int64_t cpu_ms;
    int64_t peak_mem_bytes, limit_mem_bytes;
    int64_t last_report_step, n_report_steps;
    double last_time_days, end_time_days; /* NaN unknown */
    int64_t n_chops, n_problems, n_warnings, n_errors;
    struct ds_span node, cpuset, nodeset;
    struct ds_span simulator, simulator_version, decksweep_version;
    uint32_t ranks, threads;
    const struct ds_span *argv;
    size_t n_argv;
    const struct case_param *params;
    size_t n_params;
    const struct ds_span *rewritten; /* "path:line: what" of absolute paths and trims */
    size_t n_rewritten;
    const struct case_file *files; /* every other member of the archive */
    size_t n_files;
};

/* Append the JSON text (documented in docs/store.md) to out. Fails with DS_ETOOBIG only. */
int case_record_encode(const struct case_record *r, struct ds_buf *out,
                       struct ds_err *err) DS_CHECKED;

/* Decode. Unknown keys are ignored (a newer writer); missing or null: text "", flags false,
 * counts, times and sizes -1 (days NaN), case, attempt, ranks, threads, deck_line and signal 0.
 * DS_EPARSE: no JSON, wrong types, or no id/verdict. DS_ETOOBIG: over the cap of 8 MiB
 * or the arena. */
int case_record_decode(struct ds_span text, struct ds_arena *a, struct case_record *out,
                       struct ds_err *err) DS_CHECKED;

#endif
