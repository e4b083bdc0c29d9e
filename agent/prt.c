/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/prt.h"

#include "agent/prt_lines.h"

#include <math.h>
#include <stdio.h>

#define BLOCK_LINES   8u  /* of one message */
#define SUMMARY_LINES 12u /* of the error summary, blank ones included */

void prt_init(struct prt_reader *r)
{
    memset(r, 0, sizeof *r);
    struct prt_facts *f = &r->facts;
    f->n_warnings = f->n_errors = f->n_bugs = f->n_problems = f->action_status = -1;
    f->last_step = f->n_steps = -1;
    f->end_day = NAN;
}

static void copy_text(char *to, size_t room, struct ds_span s)
{
    size_t n = s.len < room - 1 ? s.len : room - 1;
    memcpy(to, s.ptr, n);
    to[n] = '\0';
}

/* ---- messages of several lines ---- */

static void add_text(struct prt_block *b, struct ds_span more)
{
    size_t n = strlen(b->text);
    struct ds_span have = {b->text, n};
    if (more.len == 0 || prt_find(have, "...") + 3 == sizeof b->text - 1)
        return;
    for (size_t i = 0; i + more.len <= n; i++) /* said already */
        if (memcmp(b->text + i, more.ptr, more.len) == 0)
            return;
    bool goes_on = b->running || (n > 0 && strchr(":.,", b->text[n - 1]))
                   || (more.ptr[0] >= 'a' && more.ptr[0] <= 'z');
    const char *glue = n == 0 ? "" : goes_on ? " " : ": ";
    int wrote = snprintf(b->text + n, sizeof b->text - n, "%s%.*s", glue, DS_FMT(more));
    if (wrote > 0 && (size_t)wrote >= sizeof b->text - n)
        memcpy(b->text + sizeof b->text - 4, "...", 4);
}

static void add_place(struct prt_block *b, struct ds_span line)
{
    struct ds_span file;
    int64_t number;
    if (b->at_place || !prt_place(line, &file, &number))
        return;
    b->at_place = true;
    copy_text(b->file, sizeof b->file, file);
    b->line = number;
}

static void close_block(struct prt_reader *r)
{
    struct prt_block *b = &r->block;
    struct prt_facts *f = &r->facts;
    if (!b->open)
        return;
    b->open = false;
    prt_clean(b->text);
    struct ds_span text = ds_span_trim(ds_span_of(b->text));
    if (text.len == 0)
        return;
    if (b->rank == PRT_RANK_ERROR && (b->at_place || prt_is_specific(text)))
        b->rank = PRT_RANK_SPECIFIC;
    bool better = b->rank > f->rank;
    bool adds_place = b->rank == f->rank && b->at_place && f->place_is_last_read
                      && prt_find(text, f->message) != SIZE_MAX;
    if (!better && !adds_place)
        return;
    f->rank = b->rank;
    copy_text(f->message, sizeof f->message, text);
    f->place_is_last_read = !b->at_place && b->at_reading && r->read_line > 0;
    f->deck_file[0] = '\0';
    f->deck_line = 0;
    if (b->at_place) {
        memcpy(f->deck_file, b->file, sizeof f->deck_file);
        f->deck_line = b->line;
    } else if (f->place_is_last_read) {
        memcpy(f->deck_file, r->read_file, sizeof f->deck_file);
        f->deck_line = r->read_line;
    }
}

static bool open_block(struct prt_reader *r, struct ds_span line)
{
    struct ds_span text = {"", 0};
    enum prt_rank rank = prt_message_start(line, r->stream, &text);
    if (rank == PRT_RANK_NONE)
        return false;
    if (rank == PRT_RANK_NOISE && (r->block.open || r->facts.rank > PRT_RANK_NOISE))
        return false;
    close_block(r);
    r->block = (struct prt_block){.open = true, .rank = rank, .lines_left = BLOCK_LINES};
    r->block.at_reading = prt_is_parsing(line);
    r->block.running = ds_span_starts(ds_span_trim(line), "@--");
    add_text(&r->block, text);
    add_place(&r->block, line);
    if (rank == PRT_RANK_NOISE) { /* one line; the last one says most */
        if (r->facts.rank == PRT_RANK_NOISE)
            r->facts.rank = PRT_RANK_NONE;
        close_block(r);
    }
    return true;
}

static void continue_block(struct prt_reader *r, struct ds_span line)
{
    struct prt_block *b = &r->block;
    struct ds_span s = ds_span_trim(line);
    bool eclipse_ends = r->facts.eclipse && (s.len == 0 || s.ptr[0] != '@');
    bool machinery = s.len > 0 && s.ptr[0] == '['; /* Open MPI, a stack trace */
    /* "Error: \nAn error .." : the text may begin on the next line, never behind a blank one */
    if (s.len == 0 || eclipse_ends || machinery || b->lines_left == 0) {
        close_block(r);
        return;
    }
    b->lines_left--;
    b->at_reading |= prt_is_parsing(s);
    add_place(b, s);
    add_text(b, prt_message_more(s));
}

/* ---- lines ---- */

static void take_reading(struct prt_reader *r, struct ds_span line)
{
    struct ds_span file;
    int64_t number;
    if (!prt_reading(line, &file, &number))
        return;
    copy_text(r->read_file, sizeof r->read_file, file);
    r->read_line = number;
}

static bool take_summary(struct prt_reader *r, struct ds_span s)
{
    if (ds_span_starts(s, "Error summary")) {
        r->summary_left = SUMMARY_LINES;
        return true;
    }
    if (r->summary_left == 0)
        return false;
    r->summary_left--;
    if (!prt_summary_count(s, &r->facts))
        return s.len == 0;
    r->facts.has_error_summary = true;
    return true;
}

/* Tables and rules are most of a log and say nothing here. */
static bool is_table(struct ds_span s)
{
    return s.len > 0 && (s.ptr[0] == ':' || s.ptr[0] == '*');
}

/* What every time step says; nearly all of the other lines. */
static bool is_chatter(struct ds_span s)
{
    static const char *const CHATTER[] = {"Newton its=",
                                          "Starting time step",
                                          "Restart file written",
                                          "Complete report step",
                                          "Initializing report step",
                                          "Report step",
                                          "Field total pressure",
                                          "FIPNUM report"};
    for (size_t i = 0; i < DS_COUNT(CHATTER); i++)
        if (ds_span_starts(s, CHATTER[i]))
            return true;
    return false;
}

static void take_line(struct prt_reader *r, struct ds_span line)
{
    struct ds_span s = ds_span_trim(line);
    if (!r->block.open && is_table(s))
        return;
    if (ds_span_starts(s, "====")) {
        close_block(r);
        prt_banner(s, &r->facts);
        return;
    }
    if (!r->block.open && is_chatter(s)) {
        (void)prt_report_step(s, &r->facts);
        return;
    }
    if (s.len > 0)
        prt_flags(s, &r->facts);
    if (ds_span_starts(s, "Timestep chopped"))
        r->chops[r->stream]++;
    if (ds_span_starts(s, "@--"))
        r->facts.eclipse = true;
    if (s.len > 0 && open_block(r, line))
        return;
    if (r->block.open) {
        continue_block(r, line);
        return;
    }
    if (take_summary(r, s) || prt_report_step(s, &r->facts))
        return;
    take_reading(r, s);
}

static void take_gathered(struct prt_reader *r)
{
    struct ds_span line = {r->line, r->n_line};
    r->n_line = 0;
    take_line(r, line);
}

/* ---- bytes ---- */

enum { ESCAPE_NONE = 0, ESCAPE_SEEN, ESCAPE_CSI };

/* ANSI colours go: ESC [ parameters letter, or ESC and one byte. True: the byte is part of one. */
static bool in_escape(struct prt_reader *r, unsigned char c)
{
    if (r->escape == ESCAPE_NONE && c != 0x1b)
        return false;
    if (r->escape == ESCAPE_NONE)
        r->escape = ESCAPE_SEEN;
    else if (r->escape == ESCAPE_SEEN)
        r->escape = c == '[' ? ESCAPE_CSI : ESCAPE_NONE;
    else if (c >= 0x40 && c <= 0x7e)
        r->escape = ESCAPE_NONE;
    return true;
}

static void begin_stream(struct prt_reader *r, enum prt_stream stream)
{
    if (r->n_line > 0)
        take_gathered(r);
    close_block(r);
    r->escape = ESCAPE_NONE;
    r->summary_left = 0;
    r->stream = stream;
}

/* No control bytes: such a line needs no copy. Eight bytes at a time; the classical tests for "a
 * byte below 0x20" and "a byte equal to 0x7f" in a word. */
static bool is_plain(const char *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t bad = 0, w;
    for (; n >= sizeof w; p += sizeof w, n -= sizeof w) {
        memcpy(&w, p, sizeof w);
        uint64_t del = w ^ (ones * 0x7f);
        bad |= ((w - ones * 0x20) & ~w) | ((del - ones) & ~del);
    }
    for (; n > 0; p++, n--)
        bad |= (unsigned char)*p < 0x20 || *p == 0x7f ? high : 0;
    return (bad & high) == 0;
}

static void gather(struct prt_reader *r, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (!in_escape(r, c) && c != '\r' && r->n_line < PRT_LINE_BYTES)
            r->line[r->n_line++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
}

void prt_feed(struct prt_reader *r, enum prt_stream stream, const char *bytes, size_t n)
{
    if (stream != r->stream)
        begin_stream(r, stream);
    if (stream == PRT_STREAM_PRT && n > 0)
        r->facts.has_prt = true;
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t len = end ? (size_t)(end - bytes) : n;
        bool fresh = r->n_line == 0 && r->escape == ESCAPE_NONE;
        if (end && fresh && len <= PRT_LINE_BYTES && is_plain(bytes, len)) {
            take_line(r, (struct ds_span){bytes, len});
        } else {
            gather(r, bytes, len);
            if (end) {
                r->escape = ESCAPE_NONE; /* also of a sequence that was never closed */
                take_gathered(r);
            }
        }
        bytes += len + (end != NULL);
        n -= len + (end != NULL);
    }
}

void prt_gap(struct prt_reader *r)
{
    close_block(r);
    r->n_line = 0;
    r->escape = ESCAPE_NONE;
    r->summary_left = 0;
}

void prt_finish(struct prt_reader *r, struct prt_facts *out)
{
    begin_stream(r, r->stream);
    struct prt_facts *f = &r->facts;
    for (size_t i = 0; i < DS_COUNT(r->chops); i++)
        if (r->chops[i] > f->n_chops)
            f->n_chops = r->chops[i];
    *out = *f;
}

static size_t find_span(struct ds_span in, struct ds_span what)
{
    const char *at = in.len ? memmem(in.ptr, in.len, what.ptr, what.len) : NULL;
    return at ? (size_t)(at - in.ptr) : SIZE_MAX;
}

static void cut_all(char *text, struct ds_span dir)
{
    struct ds_span rest = ds_span_of(text);
    size_t at;
    while ((at = find_span(rest, dir)) != SIZE_MAX) {
        char *begin = text + (rest.ptr - text) + at;
        const char *end = begin + dir.len;
        if (*end == '/')
            memmove(begin, end + 1, strlen(end + 1) + 1);
        else
            begin++;
        rest = ds_span_of(begin);
    }
}

void prt_make_relative(struct prt_facts *f, struct ds_span dir)
{
    if (dir.len == 0)
        return;
    cut_all(f->deck_file, dir);
    cut_all(f->message, dir);
}
