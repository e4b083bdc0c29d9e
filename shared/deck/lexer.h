/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lexer.h - deck text into lines, keywords, records and tokens, as OPM Flow 2022.10 reads it
 *
 * Lines end at \n only. Separators are blank, tab, \r, comma, \v, \f and byte 1. `--` starts a
 * comment unless a quote ('...' or "...") opened before it on the line is closed after it; an
 * unbalanced quote keeps the rest of the line. A keyword is the first word of a line
 * outside a record: a letter, then letters, digits, `_ + -`, at most 8 count, any case; the rest
 * of its line is ignored. A record ends at the first unquoted '/'; the rest of that line is
 * ignored. TITLE takes the next line as it stands. Pure, reentrant; allocates nothing but
 * what a function with an arena says. */
#ifndef DS_DECK_LEXER_H
#define DS_DECK_LEXER_H

#include "base/arena.h"

enum deck_section {
    DECK_NO_SECTION = 0,
    DECK_RUNSPEC,
    DECK_GRID,
    DECK_EDIT,
    DECK_PROPS,
    DECK_REGIONS,
    DECK_SOLUTION,
    DECK_SUMMARY,
    DECK_SCHEDULE,
};

struct deck_token {
    struct ds_span text;   /* as it stands, quotes included */
    uint32_t line, column; /* 1-based; column in bytes */
};

struct deck_record {
    const struct deck_token *tokens;
    size_t n_tokens;
    uint32_t file;       /* index the caller gave the file its '/' stands in */
    uint32_t first_line; /* of its first token, or of its '/' */
    uint32_t last_line;  /* of its '/' */
};

struct deck_keyword {
    char name[9];        /* upper case, at most 8 characters */
    struct ds_span word; /* as it stands */
    uint32_t line, column;
};

/* How many records a keyword has, by OPM's keyword table. */
enum deck_size_kind {
    DECK_SIZE_UNKNOWN_KEYWORD = 0, /* not in the table */
    DECK_SIZE_FIXED,               /* count records (0: a switch) */
    DECK_SIZE_SLASH,               /* records until an empty one */
    DECK_SIZE_DOUBLE_SLASH,        /* groups of records until an empty group */
    DECK_SIZE_OPEN,                /* until the next keyword */
    DECK_SIZE_OTHER,               /* as many as another keyword says */
    DECK_SIZE_CODE,                /* text until an end word (PYINPUT .. PYEND) */
};

struct deck_size {
    enum deck_size_kind kind;
    uint16_t count;        /* FIXED */
    uint16_t min_count;    /* may end early, at the next keyword, from here on */
    bool raw;              /* records are raw text: the last '/' of a line ends them */
    bool tables;           /* OTHER: count tables, each a list ended by an empty record */
    const char *other;     /* OTHER: keyword that says how many; CODE: the end word */
    uint16_t other_item;   /* its item, 0-based */
    int16_t other_shift;   /* added to it */
    int16_t other_default; /* when it is not given */
    uint16_t factor;       /* OTHER: records a count (alternating keywords); >= 1 */
};

/* Look a keyword up (upper case, at most 8 characters). Includes the SUMMARY families that
 * are matched by pattern. Cost: binary search. */
struct deck_size deck_keyword_size(struct ds_span name);

bool deck_is_separator(char c);

/* One line of text: *at is the offset of the line, moved behind its \n. false at the end. */
bool deck_next_line(struct ds_span text, size_t *at, struct ds_span *line);

/* The line without its comment; not trimmed, so that columns stay. */
struct ds_span deck_strip_comment(struct ds_span line);

/* Offset of the '/' that ends a record in the line without comment, or line.len. raw: of
 * the last '/', quoted or not. */
size_t deck_find_slash(struct ds_span line, bool raw);

/* First word of a line without comment; {ptr, 0} when there is none. */
struct ds_span deck_first_word(struct ds_span line);

/* May this word be a keyword's name? */
bool deck_is_keyword_word(struct ds_span word);

/* Next token of a line from *at on. Quoted text is one token up to its closing quote (to the
 * end of the line if there is none). false at the end. */
bool deck_next_token(struct ds_span line, size_t *at, struct ds_span *token);

/* Without the quotes around it, if any. */
struct ds_span deck_unquote(struct ds_span token);

/* Length of the placeholder "<NAME>" at offset i of text, or 0: NAME is a letter or `_`, then
 * letters, digits or `_`. */
size_t deck_placeholder_length(struct ds_span text, size_t i);

/* "3*0.25" -> repeat 3, value "0.25"; "7*" and "*" -> value "" (default), repeat 7 and 1;
 * no star -> repeat 1. false when what stands before the star is no count. */
bool deck_split_repeat(struct ds_span token, uint64_t *repeat, struct ds_span *value);

/* A number as a deck has it: Fortran D exponents too. */
bool deck_parse_double(struct ds_span token, double *out);
/* An integer as a deck has it: [+-]digits. */
bool deck_parse_int(struct ds_span token, int64_t *out);

#endif
