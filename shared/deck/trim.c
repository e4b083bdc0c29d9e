/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/trim.h"

#include <stdlib.h>

enum action { TRIM_COMMENT = 1, TRIM_EMPTY_RPTRST, TRIM_TOKEN };

struct want { /* what is to happen to a line, or to one token of it */
    uint32_t file, line, column;
    enum action action;
    size_t length; /* TOKEN: bytes replaced from column on */
    struct ds_span now;
};

struct wants {
    struct ds_arena *arena;
    struct want *at;
    size_t n, room;
    bool full;
};

static void want_add(struct wants *w, struct want want)
{
    if (w->n == w->room) {
        size_t room = w->room == 0 ? 32 : w->room * 2;
        struct want *grown = ds_new(w->arena, struct want, room);
        if (!grown) {
            w->full = true;
            return;
        }
        if (w->n > 0)
            memcpy(grown, w->at, w->n * sizeof(grown[0]));
        w->at = grown;
        w->room = room;
    }
    w->at[w->n++] = want;
}

static void want_token(struct wants *w, const struct deck_record *r, const struct deck_token *t,
                       size_t skip, size_t length, struct ds_span now)
{
    if (!now.ptr) {
        w->full = true;
        return;
    }
    want_add(w, (struct want){.file = r->file,
                              .line = t->line,
                              .column = t->column + (uint32_t)skip,
                              .action = TRIM_TOKEN,
                              .length = length,
                              .now = now});
}

static void want_lines(struct wants *w, uint32_t file, uint32_t first, uint32_t last)
{
    for (uint32_t line = first; line <= last && !w->full; line++)
        want_add(w, (struct want){.file = file, .line = line, .action = TRIM_COMMENT});
}

/* ---- RPTRST and SAVE ---- */

static void trim_rptrst(struct wants *w, const struct closure_item *item)
{
    for (size_t i = 0; i < item->n_records; i++) {
        const struct deck_record *r = &item->records[i];
        if (r->n_tokens == 0)
            continue;
        if (r->n_tokens == 1
            && ds_span_eq_nocase(deck_unquote(r->tokens[0].text), DS_SPAN("BASIC=0")))
            continue;
        want_lines(w, r->file, r->first_line, r->last_line - 1);
        want_add(w,
                 (struct want){.file = r->file, .line = r->last_line, .action = TRIM_EMPTY_RPTRST});
    }
}

static void trim_save(struct wants *w, const struct closure_item *item)
{
    want_lines(w, item->file, item->keyword.line, item->keyword.line);
    for (size_t i = 0; i < item->n_records; i++)
        want_lines(w, item->records[i].file, item->records[i].first_line,
                   item->records[i].last_line);
}

/* ---- RPTSOL and RPTSCHED ---- */

static bool is_integer_token(const struct deck_token *t)
{
    uint64_t repeat = 1;
    struct ds_span value;
    int64_t number = 0;
    return deck_split_repeat(t->text, &repeat, &value)
           && (value.len == 0 || deck_parse_int(value, &number));
}

static bool all_integers(const struct deck_record *r)
{
    for (size_t i = 0; i < r->n_tokens; i++) {
        if (!is_integer_token(&r->tokens[i]))
            return false;
    }
    return r->n_tokens > 0;
}

/* "9*1" with the 7th item in it: "6*1 0 2*1". */
static struct ds_span split_count(struct ds_arena *a, uint64_t before, uint64_t after,
                                  struct ds_span value)
{
    struct ds_span head =
        before == 0 ? DS_SPAN("")
                    : arena_format(a, "%llu*%.*s ", (unsigned long long)before, DS_FMT(value));
    struct ds_span tail =
        after == 0 ? DS_SPAN("")
                   : arena_format(a, " %llu*%.*s", (unsigned long long)after, DS_FMT(value));
    if (!head.ptr || !tail.ptr)
        return (struct ds_span){0};
    return arena_format(a, "%.*s0%.*s", DS_FMT(head), DS_FMT(tail));
}

static void trim_integers(struct wants *w, const struct deck_record *r)
{
    uint64_t at = 0; /* items before this token */
    for (size_t i = 0; i < r->n_tokens && at < 7; i++) {
        const struct deck_token *t = &r->tokens[i];
        uint64_t repeat = 1;
        struct ds_span value;
        if (!deck_split_repeat(t->text, &repeat, &value))
            return;
        bool seventh = at + repeat >= 7;
        int64_t number = 0;
        if (seventh && value.len > 0 && deck_parse_int(value, &number) && number != 0)
            want_token(w, r, t, 0, t->text.len,
                       split_count(w->arena, 6 - at, at + repeat - 7, value));
        at += repeat;
    }
}

/* Where the value of RESTART stands: in the token ("RESTART=2"), in one of the next two
 * ("RESTART = 2", "RESTART =2"), or nowhere ("RESTART"). */
static void trim_mnemonic(struct wants *w, const struct deck_record *r, size_t i)
{
    const struct deck_token *t = &r->tokens[i];
    struct ds_span name = deck_unquote(t->text), head;
    size_t quote = name.len < t->text.len ? 1 : 0;
    struct ds_span value = ds_span_cut(name, '=', &head);
    bool has_equals = head.len < name.len;
    if (value.len > 0) {
        want_token(w, r, t, quote + head.len + 1, value.len, DS_SPAN("0"));
        return;
    }
    const struct deck_token *next = i + 1 < r->n_tokens ? &r->tokens[i + 1] : NULL;
    if (!has_equals && next && next->text.len > 1 && next->text.ptr[0] == '=') {
        want_token(w, r, next, 1, next->text.len - 1, DS_SPAN("0"));
        return;
    }
    if (!has_equals && next && ds_span_is(next->text, "=") && i + 2 < r->n_tokens) {
        want_token(w, r, &r->tokens[i + 2], 0, r->tokens[i + 2].text.len, DS_SPAN("0"));
        return;
    }
    if (has_equals && next && is_integer_token(next)) {
        want_token(w, r, next, 0, next->text.len, DS_SPAN("0"));
        return;
    }
    want_token(w, r, t, quote + head.len, has_equals ? 1 : 0, DS_SPAN("=0"));
}

static void trim_report(struct wants *w, const struct closure_item *item)
{
    for (size_t k = 0; k < item->n_records; k++) {
        const struct deck_record *r = &item->records[k];
        if (all_integers(r)) {
            trim_integers(w, r);
            continue;
        }
        for (size_t i = 0; i < r->n_tokens; i++) {
            struct ds_span head;
            ds_span_cut(deck_unquote(r->tokens[i].text), '=', &head);
            if (ds_span_eq_nocase(head, DS_SPAN("RESTART")))
                trim_mnemonic(w, r, i);
        }
    }
}

/* ---- from wants to edits ---- */

static int order_wants(const void *a, const void *b)
{
    const struct want *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static struct ds_span without_return(struct ds_span line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* The new line: n wants on it, in column order. */
static struct ds_span edited_line(struct ds_arena *a, struct ds_span was, const struct want *wants,
                                  size_t n)
{
    if (wants[0].action == TRIM_EMPTY_RPTRST)
        return DS_SPAN("  BASIC=0 /");
    if (wants[0].action == TRIM_COMMENT)
        return deck_first_word(deck_strip_comment(was)).len == 0
                   ? was
                   : arena_format(a, "-- %.*s", DS_FMT(was));
    size_t from = 0, most = was.len;
    for (size_t i = 0; i < n; i++)
        most += wants[i].now.len;
    ds_auto_buf b;
    buf_init(&b, most);
    for (size_t i = 0; i < n; i++) {
        size_t at = wants[i].column - 1;
        if (at < from || at + wants[i].length > was.len)
            continue; /* the same token again: a file included twice */
        buf_put(&b, was.ptr + from, at - from);
        buf_put_span(&b, wants[i].now);
        from = at + wants[i].length;
    }
    buf_put(&b, was.ptr + from, was.len - from);
    return b.failed ? (struct ds_span){0} : arena_copy(a, buf_span(&b));
}

/* The wants of one file, lines ascending. */
static bool edit_file(const struct closure_file *f, const struct want *wants, size_t n,
                      struct ds_arena *a, struct trim_edit *out, size_t *n_out)
{
    size_t at = 0, i = 0;
    struct ds_span line;
    for (uint32_t number = 1; i < n && deck_next_line(f->content, &at, &line); number++) {
        size_t first = i;
        while (i < n && wants[i].line == number)
            i++;
        if (i == first)
            continue;
        struct ds_span was = without_return(line);
        struct ds_span now = edited_line(a, was, &wants[first], i - first);
        if (!now.ptr)
            return false;
        if (!ds_span_eq(was, now))
            out[(*n_out)++] = (struct trim_edit){f->bundle_path, number, was, now};
    }
    return true;
}

int trim_find(const struct closure *c, struct ds_arena *a, struct trim_edit **out, size_t *n,
              struct ds_err *err)
{
    struct wants w = {.arena = a};
    for (size_t i = 0; i < c->n_items; i++) {
        const struct closure_item *item = &c->items[i];
        struct ds_span name = ds_span_of(item->keyword.name);
        if (ds_span_is(name, "RPTRST"))
            trim_rptrst(&w, item);
        else if (ds_span_is(name, "SAVE"))
            trim_save(&w, item);
        else if (ds_span_is(name, "RPTSOL") || ds_span_is(name, "RPTSCHED"))
            trim_report(&w, item);
    }
    struct trim_edit *edits = ds_new(a, struct trim_edit, w.n);
    size_t made = 0;
    bool ok = edits && !w.full;
    if (ok && w.n > 0)
        qsort(w.at, w.n, sizeof(w.at[0]), order_wants);
    for (size_t i = 0; ok && i < w.n;) {
        size_t end = i;
        while (end < w.n && w.at[end].file == w.at[i].file)
            end++;
        ok = edit_file(&c->files[w.at[i].file], &w.at[i], end - i, a, edits, &made);
        i = end;
    }
    if (!ok)
        return ds_fail(err, DS_ETOOBIG, "trimming restart output needs more memory than allowed");
    *out = edits;
    *n = made;
    return DS_OK;
}

int trim_apply(struct ds_span path, struct ds_span text, const struct trim_edit *edits, size_t n,
               struct ds_buf *out, struct ds_err *err)
{
    size_t at = 0, next = 0;
    uint32_t number = 1;
    struct ds_span line;
    while (next < n && !ds_span_eq(edits[next].path, path))
        next++;
    for (size_t start = 0; deck_next_line(text, &at, &line); start = at, number++) {
        struct ds_span was = without_return(line), whole = {text.ptr + start, at - start};
        if (next >= n || edits[next].line != number || !ds_span_eq(edits[next].path, path)) {
            buf_put_span(out, whole);
            continue;
        }
        if (!ds_span_eq(was, edits[next].was))
            return ds_fail(err, DS_ECORRUPT, "%.*s:%u: not the line that the plan trims",
                           DS_FMT(path), number);
        buf_put_span(out, edits[next].now);
        buf_put(out, whole.ptr + was.len, whole.len - was.len);
        next++;
    }
    if (next < n && ds_span_eq(edits[next].path, path))
        return ds_fail(err, DS_ECORRUPT, "%.*s: has no line %u, which the plan trims", DS_FMT(path),
                       edits[next].line);
    return buf_check(out, "trimmed deck", err);
}
