/* SPDX-License-Identifier: GPL-3.0-or-later */
/* walk.h - the state in which OPM Flow reads a deck, fed line by line over all its files
 *
 * A plain value: copying it forks the reading, which is how the other values of a `files`
 * parameter are tried. Pure; never allocates. */
#ifndef DS_DECK_WALK_H
#define DS_DECK_WALK_H

#include "deck/lexer.h"

#define WALK_DIMS_ITEMS    12u
#define WALK_DIMS_KEYWORDS 15u

struct walk_dims { /* record 0 of a keyword that others take their size from */
    bool present, unknown;
    bool given[WALK_DIMS_ITEMS];
    int64_t item[WALK_DIMS_ITEMS];
};

enum walk_event {                            /* what one line did; several at once */
                  WALK_BEGAN = 1,            /* a keyword began: walk.keyword */
                  WALK_DATA = 2,             /* the line has data of the record: step.data */
                  WALK_RECORD = 4,           /* a record ended on this line */
                  WALK_ENDED = 8,            /* the keyword in walk.keyword is complete */
                  WALK_UNKNOWN_KEYWORD = 16, /* a keyword word that is not in the table */
                  WALK_RANDOM_TEXT = 32,     /* neither keyword nor data */
                  WALK_TITLE = 64,           /* this line is the title: step.data */
                  WALK_LONG_KEYWORD = 128,   /* more than 8 characters, the first 8 are one */
                  WALK_SUSPICIOUS_DATA =
                      256,              /* a record starts with a keyword although the keyword's own
                                   line had data behind it: "PORO 300*0.2 /" */
                  WALK_SWALLOWED = 512, /* a line of data is INCLUDE or a section: a '/' is
                                   missing before it */
};

struct walk_step {
    unsigned events;
    struct ds_span data; /* part of the line that is data, without '/' */
    bool glued_slash;    /* the '/' that ended the record has text right behind it */
};

struct deck_walk {
    bool in_keyword, in_record, is_title, after_unknown;
    bool rest_had_slash; /* behind the keyword's name stood a '/' */
    bool target_unknown; /* its count is a placeholder: ends at the next keyword */
    bool empty_before;   /* DOUBLE_SLASH: the record before was empty */
    struct deck_keyword keyword;
    struct deck_size size;
    uint64_t n_records, target, n_tables;
    uint32_t file;        /* index the caller gave, of the keyword */
    uint32_t record_line; /* first line of the open record */
    enum deck_section section;
    struct walk_dims dims[WALK_DIMS_KEYWORDS];
};

/* Feed one raw line (without \n), number 1-based, of the file with this index. */
struct walk_step deck_walk_line(struct deck_walk *w, uint32_t file, uint32_t number,
                                struct ds_span raw);

/* Slot of a keyword whose record 0 gives sizes, or -1; then its items. */
int deck_walk_dims_slot(struct ds_span name);
void deck_walk_set_dims(struct deck_walk *w, int slot, const struct deck_token *tokens, size_t n);

/* At the end of all input: is the open keyword complete (or none open)? */
bool deck_walk_may_end(const struct deck_walk *w);

#endif
