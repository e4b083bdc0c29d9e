/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/template.h"

#include "deck/trim.h"

#include <stdlib.h>

#define MAX_SLOTS 1000000u

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '.'
           || c == '+' || c == '-';
}

/* ---- finding ---- */

struct finder {
    struct ds_arena *arena;
    struct template_slot *slots;
    size_t n, room;
    bool full;
};

static struct template_slot *finder_add(struct finder *f)
{
    if (f->n == f->room) {
        size_t room = f->room == 0 ? 16 : f->room * 2;
        struct template_slot *grown =
            f->n < MAX_SLOTS ? ds_new(f->arena, struct template_slot, room) : NULL;
        if (!grown) {
            f->full = true;
            return NULL;
        }
        if (f->n > 0)
            memcpy(grown, f->slots, f->n * sizeof(grown[0]));
        f->slots = grown;
        f->room = room;
    }
    return &f->slots[f->n++];
}

/* Is what stands before offset i "digits*"? */
static bool follows_repeat(struct ds_span line, size_t i)
{
    if (i < 2 || line.ptr[i - 1] != '*')
        return false;
    size_t start = i - 1;
    while (start > 0 && is_digit(line.ptr[start - 1]))
        start--;
    bool digits = start < i - 1;
    return digits && (start == 0 || deck_is_separator(line.ptr[start - 1]));
}

static void find_in_line(struct finder *f, struct ds_span text, struct ds_span raw, uint32_t number)
{
    if (!memchr(raw.ptr, '<', raw.len))
        return;
    struct ds_span line = deck_strip_comment(raw);
    char quote = 0;
    for (size_t i = 0; i < line.len && !f->full; i++) {
        char c = line.ptr[i];
        if (c == '\'' || c == '"') {
            if (quote == 0)
                quote = c;
            else if (quote == c)
                quote = 0;
            continue;
        }
        size_t length = deck_placeholder_length(line, i);
        if (length == 0)
            continue;
        struct template_slot *s = finder_add(f);
        if (!s)
            return;
        size_t end = i + length;
        *s = (struct template_slot){.name = {line.ptr + i + 1, length - 2},
                                    .line = number,
                                    .column = (uint32_t)i + 1,
                                    .offset = (size_t)(line.ptr - text.ptr) + i,
                                    .quote = quote,
                                    .before = i > 0 ? line.ptr[i - 1] : '\n',
                                    .after = end < line.len ? line.ptr[end] : '\n',
                                    .repeats = quote == 0 && follows_repeat(line, i)};
        s->is_count = quote == 0 && s->after == '*';
        i = end - 1;
    }
}

int template_find(struct ds_span text, uint32_t stop_line, struct ds_arena *a,
                  struct template_slot **out, size_t *n, struct ds_err *err)
{
    struct finder f = {.arena = a};
    struct ds_span line;
    size_t at = 0;
    bool is_title = false;
    if (memchr(text.ptr, '<', text.len)) {
        for (uint32_t number = 1; deck_next_line(text, &at, &line); number++) {
            if (stop_line != 0 && number > stop_line)
                break;
            if (!is_title)
                find_in_line(&f, text, line, number);
            is_title =
                !is_title
                && ds_span_eq_nocase(deck_first_word(deck_strip_comment(line)), DS_SPAN("TITLE"));
        }
    }
    if (f.full)
        return ds_fail(err, DS_ETOOBIG, "more than %u placeholders, or no memory for them",
                       MAX_SLOTS);
    *out = f.slots;
    *n = f.n;
    return DS_OK;
}

/* ---- names ---- */

struct name_entry {
    struct ds_span name;
    uint32_t index;
};

static int order_names(const void *a, const void *b)
{
    const struct name_entry *x = a, *y = b;
    return ds_span_compare(x->name, y->name);
}

static struct name_entry *sort_names(const struct ds_span *names, size_t n, struct ds_arena *a)
{
    struct name_entry *sorted = ds_new(a, struct name_entry, n);
    for (size_t i = 0; sorted && i < n; i++)
        sorted[i] = (struct name_entry){names[i], (uint32_t)i};
    if (sorted && n > 0)
        qsort(sorted, n, sizeof(sorted[0]), order_names);
    return sorted;
}

static int64_t find_name(const struct name_entry *sorted, size_t n, struct ds_span name)
{
    struct name_entry key = {name, 0};
    const struct name_entry *found =
        n > 0 ? bsearch(&key, sorted, n, sizeof(sorted[0]), order_names) : NULL;
    return found ? (int64_t)found->index : -1;
}

static void say_undeclared(const struct closure_file *file, const struct template_slot *slot,
                           const struct ds_span *names, size_t n, struct deck_problems *problems)
{
    struct ds_span nearest = {0};
    size_t best = 4;
    for (size_t i = 0; i < n; i++) {
        size_t d = ds_span_distance(names[i], slot->name, 4);
        bool same = ds_span_eq_nocase(names[i], slot->name);
        if (same || d < best) {
            best = same ? 0 : d;
            nearest = names[i];
        }
    }
    struct deck_pos pos = {file->display, slot->line, slot->column};
    if (nearest.ptr)
        deck_error(problems, pos,
                   "<%.*s> is no parameter of the sweep; did you mean <%.*s>? (to keep it as text, "
                   "put it in a comment)",
                   DS_FMT(slot->name), DS_FMT(nearest));
    else
        deck_error(problems, pos,
                   "<%.*s> is no parameter of the sweep; declare it under spec.parameters",
                   DS_FMT(slot->name));
}

struct uses {
    struct template_use *at;
    size_t n, room;
};

static int uses_add(struct uses *u, struct ds_arena *a, struct template_use use, struct ds_err *err)
{
    if (u->n == u->room) {
        size_t room = u->room == 0 ? 64 : u->room * 2;
        struct template_use *grown = ds_new(a, struct template_use, room);
        if (!grown)
            return ds_fail(err, DS_ETOOBIG, "the deck's placeholders need too much memory");
        if (u->n > 0)
            memcpy(grown, u->at, u->n * sizeof(grown[0]));
        u->at = grown;
        u->room = room;
    }
    u->at[u->n++] = use;
    return DS_OK;
}

int template_check(const struct closure *c, const struct ds_span *names, size_t n_names, bool *used,
                   struct ds_arena *a, struct template_use **uses, size_t *n_uses,
                   struct deck_problems *problems, struct ds_err *err)
{
    struct uses all = {0};
    struct name_entry *sorted = sort_names(names, n_names, a);
    if (!sorted)
        return ds_fail(err, DS_ETOOBIG, "the deck's placeholders need too much memory");
    int rc = DS_OK;
    for (uint32_t i = 0; i < c->n_files && rc == 0; i++) {
        const struct closure_file *f = &c->files[i];
        struct template_slot *slots = NULL;
        size_t n = 0;
        if (!f->is_text)
            continue;
        rc = template_find(f->content, f->end_line, a, &slots, &n, err);
        for (size_t k = 0; k < n && rc == 0; k++) {
            int64_t name = find_name(sorted, n_names, slots[k].name);
            if (name < 0) {
                say_undeclared(f, &slots[k], names, n_names, problems);
                continue;
            }
            used[name] = true;
            if (uses)
                rc = uses_add(&all, a, (struct template_use){slots[k], i, (uint32_t)name}, err);
        }
    }
    if (rc == 0 && uses) {
        *uses = all.at;
        *n_uses = all.n;
    }
    return rc;
}

/* ---- rendering ---- */

static bool has_trims(struct ds_span path, const struct trim_edit *trims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ds_span_eq(trims[i].path, path))
            return true;
    }
    return false;
}

static int trimmed_text(struct ds_span path, struct ds_span text, const struct trim_edit *trims,
                        size_t n, struct ds_arena *a, struct ds_span *out, struct ds_err *err)
{
    *out = text;
    if (!has_trims(path, trims, n))
        return DS_OK;
    ds_auto_buf b;
    buf_init(&b, DECK_MAX_TEXT_BYTES + (64u << 20));
    int rc = trim_apply(path, text, trims, n, &b, err);
    if (rc != 0)
        return rc;
    struct ds_span copy = arena_copy(a, buf_span(&b));
    if (!copy.ptr)
        return ds_fail(err, DS_ETOOBIG, "%.*s: no memory for the trimmed text", DS_FMT(path));
    *out = copy;
    return DS_OK;
}

int template_prepare(struct ds_span path, struct ds_span text, const struct ds_span *names,
                     size_t n_names, const struct trim_edit *trims, size_t n_trims,
                     struct ds_arena *a, struct template_plan *out, struct ds_err *err)
{
    struct ds_span body;
    struct template_slot *slots = NULL;
    size_t n = 0, at = 0, n_pieces = 0;
    int rc = trimmed_text(path, text, trims, n_trims, a, &body, err);
    if (rc == 0)
        rc = template_find(body, 0, a, &slots, &n, err);
    if (rc != 0)
        return ds_wrap(err, "%.*s", DS_FMT(path));
    struct name_entry *sorted = sort_names(names, n_names, a);
    struct template_piece *pieces = ds_new(a, struct template_piece, n + 1);
    if (!sorted || !pieces)
        return ds_fail(err, DS_ETOOBIG, "%.*s: no memory for its placeholders", DS_FMT(path));
    *out = (struct template_plan){.path = path, .pieces = pieces};
    for (size_t i = 0; i < n; i++) {
        int64_t name = find_name(sorted, n_names, slots[i].name);
        if (name < 0)
            continue;
        struct ds_span literal = {body.ptr + at, slots[i].offset - at};
        pieces[n_pieces++] = (struct template_piece){literal, (int32_t)name};
        out->literal_bytes += literal.len;
        at = slots[i].offset + slots[i].name.len + 2;
    }
    pieces[n_pieces++] = (struct template_piece){{body.ptr + at, body.len - at}, -1};
    out->literal_bytes += body.len - at;
    out->n_pieces = n_pieces;
    return DS_OK;
}

int template_render(const struct template_plan *t, const struct ds_span *values, size_t n_values,
                    struct ds_buf *out, struct ds_err *err)
{
    for (size_t i = 0; i < t->n_pieces; i++) {
        const struct template_piece *p = &t->pieces[i];
        buf_put_span(out, p->text);
        if (p->name >= 0 && (size_t)p->name < n_values)
            buf_put_span(out, values[p->name]);
    }
    int rc = buf_check(out, "rendered deck", err);
    return rc == 0 ? DS_OK : ds_wrap(err, "%.*s", DS_FMT(t->path));
}

/* ---- values ---- */

#define VALUE_FMT(v) (int)((v).len > 80 ? 80 : (v).len), (v).ptr

static int check_quoted(const struct template_slot *slot, struct ds_span value, struct ds_err *err)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\'' || c == '"')
            return ds_fail(err, DS_EINPUT, "'%.*s' cannot stand in quotes: it holds a quote",
                           VALUE_FMT(value));
        if (slot->quote == '"' && deck_is_separator(c))
            return ds_fail(err, DS_EINPUT,
                           "'%.*s' cannot stand in double quotes: the simulator splits them at "
                           "blanks and commas; use single quotes in the deck",
                           VALUE_FMT(value));
    }
    return DS_OK;
}

static bool is_not_finite_word(struct ds_span value)
{
    while (value.len > 0 && (value.ptr[0] == '+' || value.ptr[0] == '-'))
        value = (struct ds_span){value.ptr + 1, value.len - 1};
    return ds_span_eq_nocase(value, DS_SPAN("nan")) || ds_span_eq_nocase(value, DS_SPAN("inf"))
           || ds_span_eq_nocase(value, DS_SPAN("infinity"));
}

/* A sign or dash that joins a neighbour: comments, "-+5", "1-5". */
static int check_neighbours(const struct template_slot *slot, struct ds_span value,
                            struct ds_err *err)
{
    char first = value.ptr[0], last = value.ptr[value.len - 1];
    bool sign_first = first == '-' || first == '+';
    if (memmem(value.ptr, value.len, "--", 2) || (first == '-' && slot->before == '-')
        || (last == '-' && slot->after == '-'))
        return ds_fail(err, DS_EINPUT,
                       "'%.*s' cannot stand here: `--` would begin a comment; put quotes around "
                       "the placeholder",
                       VALUE_FMT(value));
    bool after_number = is_digit(slot->before) || slot->before == '.' || slot->before == '-'
                        || slot->before == '+' || slot->before == '>';
    if (sign_first && after_number)
        return ds_fail(err, DS_EINPUT, "'%.*s' cannot stand right behind '%c': its sign would join",
                       VALUE_FMT(value), slot->before);
    if (last == '-' && slot->after == '<')
        return ds_fail(err, DS_EINPUT, "'%.*s' cannot stand right before another placeholder",
                       VALUE_FMT(value));
    return DS_OK;
}

static int check_repeat(const struct template_slot *slot, struct ds_span value, struct ds_err *err)
{
    double number = 0;
    int64_t count = 0;
    if (slot->repeats && !deck_parse_double(value, &number))
        return ds_fail(err, DS_EINPUT, "'%.*s' cannot stand behind a repeat count: no number",
                       VALUE_FMT(value));
    if (slot->is_count && (!deck_parse_int(value, &count) || count < 1 || !is_digit(value.ptr[0])))
        return ds_fail(err, DS_EINPUT,
                       "'%.*s' cannot stand before '*': a repeat count is a whole number from 1",
                       VALUE_FMT(value));
    return DS_OK;
}

static int check_bare(const struct template_slot *slot, struct ds_span value, struct ds_err *err)
{
    if (value.len == 0)
        return ds_fail(err, DS_EINPUT,
                       "an empty value cannot stand outside quotes: the items behind it would "
                       "move up");
    for (size_t i = 0; i < value.len; i++) {
        if (!is_word_char(value.ptr[i]))
            return ds_fail(err, DS_EINPUT,
                           "'%.*s' cannot stand outside quotes: only a number or a bare word can; "
                           "put single quotes around the placeholder in the deck",
                           VALUE_FMT(value));
    }
    if (is_not_finite_word(value))
        return ds_fail(err, DS_EINPUT, "'%.*s' cannot stand here: it is no finite number",
                       VALUE_FMT(value));
    int rc = check_neighbours(slot, value, err);
    return rc != 0 ? rc : check_repeat(slot, value, err);
}

int template_check_value(const struct template_slot *slot, struct ds_span value, struct ds_err *err)
{
    if (value.len > TEMPLATE_MAX_VALUE_BYTES)
        return ds_fail(err, DS_EINPUT, "'%.*s...' is longer than %u bytes", VALUE_FMT(value),
                       TEMPLATE_MAX_VALUE_BYTES);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return ds_fail(err, DS_EINPUT, "a value holds a newline or control byte (0x%02x)", c);
    }
    return slot->quote ? check_quoted(slot, value, err) : check_bare(slot, value, err);
}
