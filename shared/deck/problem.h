/* SPDX-License-Identifier: GPL-3.0-or-later */
/* problem.h - what is wrong, or suspicious, in a deck: all of it, not only the first
 *
 * Pure, reentrant. Text is formatted into the problem itself and owned by it. */
#ifndef DS_DECK_PROBLEM_H
#define DS_DECK_PROBLEM_H

#include "decksweep/err.h"
#include "decksweep/span.h"

#define DECK_MAX_PROBLEMS       50u
#define DECK_PROBLEM_TEXT_BYTES 600u

struct deck_pos { /* where in the deck's files */
    struct ds_span
        path;        /* as a person would name the file: from the root deck's folder, or absolute */
    uint32_t line;   /* 1-based; 0 = the file as a whole */
    uint32_t column; /* 1-based byte of the line; 0 = the line as a whole */
};

struct deck_problem {
    bool is_warning;
    struct deck_pos pos;
    char text[DECK_PROBLEM_TEXT_BYTES]; /* "path:line:column: what, and what to do" */
};

/* Large (about 30 KiB): keep it in an arena or static storage of the caller, zeroed. */
struct deck_problems {
    struct deck_problem at[DECK_MAX_PROBLEMS];
    size_t n;        /* kept, errors and warnings, in order of discovery */
    size_t n_errors; /* found, kept or not */
    size_t more;     /* found beyond those kept */
};

/* Add an error or a warning. An error that finds the list full takes the place of the last
 * warning, so that errors never hide behind warnings. pos.path: borrows (arena of the scan). */
void deck_error(struct deck_problems *p, struct deck_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void deck_warn(struct deck_problems *p, struct deck_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 0 when no error is in p; else DS_EINPUT with the first error's text (and "and N more"). */
int deck_problems_check(const struct deck_problems *p, struct ds_err *err) DS_CHECKED;

#endif
