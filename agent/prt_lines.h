/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prt_lines.h - what a single line of a simulator's log means; for prt.c
 *
 * Pure. Lines come without their break, colours and control bytes. */
#ifndef DS_AGENT_PRT_LINES_H
#define DS_AGENT_PRT_LINES_H

#include "agent/prt.h"

/* Does `text` stand in the line? Its offset, or SIZE_MAX. */
size_t prt_find(struct ds_span line, const char *text);

/* Take a decimal number at the line's start, off it. False: none there. */
bool prt_take_int(struct ds_span *line, int64_t *out);

/* A place in the deck: "In CASE.DATA line 91.", "In file CASE.DATA at line 26.", "at: CASE.DATA,
 * line: 91", "In file: CASE.DATA, line 107". False: none, or "<memory string>". */
bool prt_place(struct ds_span line, struct ds_span *file, int64_t *number);

/* "   20 Reading PORO     in CASE.DATA line 91" */
bool prt_reading(struct ds_span line, struct ds_span *file, int64_t *number);

/* "Report step  3/90 at day 30/900, date = .." into facts. */
bool prt_report_step(struct ds_span line, struct prt_facts *f);

/* A line of the error summary: "Errors   2". False: something else. */
bool prt_summary_count(struct ds_span line, struct prt_facts *f);

/* "================    End of simulation     ===============": for lines of '='. */
void prt_banner(struct ds_span line, struct prt_facts *f);

/* Flags and figures that a line gives by itself: bad_alloc, no space, an action's exit. */
void prt_flags(struct ds_span line, struct prt_facts *f);

/* Does the line begin a message? Gives its rank, and the line's part that belongs to the text
 * (may be empty: the text is on the next lines). */
enum prt_rank prt_message_start(struct ds_span line, enum prt_stream stream, struct ds_span *text);

/* A continuation line's part that belongs to the text; empty: it says nothing. */
struct ds_span prt_message_more(struct ds_span line);

/* Take "RangeError [get:/usr/include/x.hh:183]: " and its like out of a message. */
void prt_clean(char *text);

/* Does text name what is wrong (keyword, file, option) rather than only that it went wrong? */
bool prt_is_specific(struct ds_span text);

/* Does the text come from reading the deck? */
bool prt_is_parsing(struct ds_span text);

#endif
