/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deck/walk.h"

static const char dims_names[WALK_DIMS_KEYWORDS][9] = {
    "TABDIMS",  "EQLDIMS",  "REGDIMS",  "PEDIMS", "ROCKCOMP", "ENDSCALE", "MISCIBLE", "SCDPDIMS",
    "RIVRDIMS", "PIMTDIMS", "PARTTRAC", "NUMRES", "NNEWTF",   "DISPDIMS", "AQUDIMS"};

static const struct {
    const char *name;
    enum deck_section section;
} sections[] = {
    {"RUNSPEC", DECK_RUNSPEC}, {"GRID", DECK_GRID},         {"EDIT", DECK_EDIT},
    {"PROPS", DECK_PROPS},     {"REGIONS", DECK_REGIONS},   {"SOLUTION", DECK_SOLUTION},
    {"SUMMARY", DECK_SUMMARY}, {"SCHEDULE", DECK_SCHEDULE},
};

int deck_walk_dims_slot(struct ds_span name)
{
    for (size_t i = 0; i < WALK_DIMS_KEYWORDS; i++) {
        if (ds_span_is(name, dims_names[i]))
            return (int)i;
    }
    return -1;
}

void deck_walk_set_dims(struct deck_walk *w, int slot, const struct deck_token *tokens, size_t n)
{
    if (slot < 0 || (size_t)slot >= WALK_DIMS_KEYWORDS)
        return;
    struct walk_dims *d = &w->dims[slot];
    memset(d, 0, sizeof(*d));
    d->present = true;
    size_t at = 0;
    for (size_t i = 0; i < n && at < WALK_DIMS_ITEMS; i++) {
        uint64_t repeat = 1;
        struct ds_span value;
        if (!deck_split_repeat(tokens[i].text, &repeat, &value)) {
            d->unknown = true;
            return;
        }
        for (uint64_t k = 0; k < repeat && at < WALK_DIMS_ITEMS; k++, at++) {
            if (value.len == 0)
                continue;
            d->given[at] = deck_parse_int(value, &d->item[at]);
            if (!d->given[at] && memchr(value.ptr, '<', value.len))
                d->unknown = true;
        }
    }
}

static uint64_t other_target(struct deck_walk *w)
{
    const struct deck_size *size = &w->size;
    int slot = deck_walk_dims_slot(ds_span_of(size->other));
    int64_t count = size->other_default;
    if (slot >= 0 && w->dims[slot].unknown)
        w->target_unknown = true;
    if (slot >= 0 && w->dims[slot].given[size->other_item])
        count = w->dims[slot].item[size->other_item];
    count += size->other_shift;
    if (count < 0 || count > 1000000)
        w->target_unknown = true;
    return w->target_unknown ? UINT64_MAX : (uint64_t)count * size->factor;
}

static void set_section(struct deck_walk *w)
{
    for (size_t i = 0; i < DS_COUNT(sections); i++) {
        if (ds_span_is(ds_span_of(w->keyword.name), sections[i].name))
            w->section = sections[i].section;
    }
}

/* The keyword's table size; also says when a word longer than 8 characters counts. */
static struct deck_size look_up(struct ds_span word, char name[9])
{
    size_t n = word.len > 8 ? 8 : word.len;
    for (size_t i = 0; i < n; i++) {
        char c = word.ptr[i];
        name[i] = (c >= 'a' && c <= 'z') ? (char)(c - 'a' + 'A') : c;
    }
    name[n] = '\0';
    return deck_keyword_size((struct ds_span){name, n});
}

static unsigned keyword_begin(struct deck_walk *w, uint32_t file, uint32_t number,
                              struct ds_span line, struct ds_span word)
{
    struct deck_size size = look_up(word, w->keyword.name);
    if (size.kind == DECK_SIZE_UNKNOWN_KEYWORD) {
        w->after_unknown = true;
        w->keyword.word = word;
        w->keyword.line = number;
        w->keyword.column = (uint32_t)(word.ptr - line.ptr) + 1;
        return WALK_UNKNOWN_KEYWORD;
    }
    unsigned events = WALK_BEGAN | (word.len > 8 ? (unsigned)WALK_LONG_KEYWORD : 0u);
    w->after_unknown = false;
    w->keyword.word = word;
    w->keyword.line = number;
    w->keyword.column = (uint32_t)(word.ptr - line.ptr) + 1;
    w->file = file;
    w->size = size;
    w->n_records = w->n_tables = 0;
    w->target_unknown = w->empty_before = false;
    size_t rest = (size_t)(word.ptr - line.ptr) + word.len;
    struct ds_span behind = {line.ptr + rest, line.len - rest};
    w->rest_had_slash = deck_find_slash(behind, false) < behind.len;
    w->target = size.kind == DECK_SIZE_OTHER ? other_target(w) : size.count;
    w->is_title = ds_span_is(ds_span_of(w->keyword.name), "TITLE");
    set_section(w);
    w->in_record = false;
    bool counted = size.kind == DECK_SIZE_FIXED || (size.kind == DECK_SIZE_OTHER && !size.tables);
    w->in_keyword = !(counted && w->target == 0);
    return events | (w->in_keyword ? 0u : (unsigned)WALK_ENDED);
}

/* May the keyword end here because another begins? */
static bool may_complete(const struct deck_walk *w)
{
    if (w->size.kind == DECK_SIZE_OPEN || w->target_unknown)
        return true;
    return w->size.kind == DECK_SIZE_FIXED && w->n_records >= w->size.min_count;
}

bool deck_walk_may_end(const struct deck_walk *w)
{
    return !w->in_keyword || (may_complete(w) && !w->in_record);
}

static bool record_ends_keyword(struct deck_walk *w, bool empty)
{
    w->n_records++;
    switch (w->size.kind) {
    case DECK_SIZE_FIXED:
        return w->n_records >= w->target;
    case DECK_SIZE_SLASH:
    case DECK_SIZE_OPEN:
        return empty;
    case DECK_SIZE_DOUBLE_SLASH:
        if (empty && w->empty_before)
            return true;
        w->empty_before = empty;
        return false;
    case DECK_SIZE_OTHER:
        if (!w->size.tables)
            return w->n_records >= w->target;
        w->n_tables += empty ? 1 : 0;
        return w->n_tables >= w->target;
    case DECK_SIZE_CODE:
    case DECK_SIZE_UNKNOWN_KEYWORD:
        break;
    }
    return true;
}

static struct walk_step code_line(struct deck_walk *w, struct ds_span line)
{
    struct walk_step step = {.events = WALK_DATA, .data = line};
    if (memmem(line.ptr, line.len, w->size.other, strlen(w->size.other))) {
        step.events |= WALK_RECORD | WALK_ENDED;
        w->in_keyword = false;
    }
    return step;
}

/* Is this word the name of a keyword (the whole of it, as Flow asks inside a keyword)? */
static bool is_known_word(struct ds_span word)
{
    char name[9];
    return word.len <= 8 && deck_is_keyword_word(word)
           && look_up(word, name).kind != DECK_SIZE_UNKNOWN_KEYWORD;
}

/* INCLUDE or a section keyword, alone on its line. */
static bool is_structure_line(struct ds_span line, struct ds_span word)
{
    char name[9];
    size_t behind = (size_t)(word.ptr - line.ptr) + word.len;
    if (!is_known_word(word)
        || deck_first_word((struct ds_span){line.ptr + behind, line.len - behind}).len > 0)
        return false;
    look_up(word, name);
    for (size_t i = 0; i < DS_COUNT(sections); i++) {
        if (ds_span_is(ds_span_of(name), sections[i].name))
            return true;
    }
    return ds_span_is(ds_span_of(name), "INCLUDE");
}

static struct walk_step data_line(struct deck_walk *w, uint32_t number, struct ds_span line)
{
    struct walk_step step = {.events = WALK_DATA};
    size_t slash = deck_find_slash(line, w->size.raw);
    step.data = (struct ds_span){line.ptr, slash};
    bool blank = deck_first_word(step.data).len == 0;
    if (!w->in_record) {
        w->record_line = number;
        if (w->rest_had_slash && w->n_records == 0 && is_known_word(deck_first_word(line)))
            step.events |= WALK_SUSPICIOUS_DATA;
    }
    if (!(step.events & WALK_SUSPICIOUS_DATA) && is_structure_line(line, deck_first_word(line)))
        step.events |= WALK_SWALLOWED;
    if (slash == line.len) {
        w->in_record = true;
        return step;
    }
    step.events |= WALK_RECORD;
    step.glued_slash = slash + 1 < line.len && !deck_is_separator(line.ptr[slash + 1]);
    bool empty = blank && !w->in_record;
    w->in_record = false;
    if (record_ends_keyword(w, empty)) {
        step.events |= WALK_ENDED;
        w->in_keyword = false;
    }
    return step;
}

struct walk_step deck_walk_line(struct deck_walk *w, uint32_t file, uint32_t number,
                                struct ds_span raw)
{
    struct walk_step step = {0};
    if (w->in_keyword && w->size.kind == DECK_SIZE_CODE)
        return code_line(w, raw);
    struct ds_span line = deck_strip_comment(raw);
    if (w->in_keyword && w->is_title) {
        w->in_keyword = w->is_title = false;
        step.events = WALK_TITLE | WALK_ENDED;
        step.data = ds_span_trim(line);
        return step;
    }
    struct ds_span word = deck_first_word(line);
    if (word.len == 0)
        return step;
    if (w->in_keyword && may_complete(w) && is_known_word(word))
        w->in_keyword = w->in_record = false;
    if (w->in_keyword)
        return data_line(w, number, line);
    if (deck_is_keyword_word(word))
        step.events |= keyword_begin(w, file, number, line, word);
    else if (!w->after_unknown && !ds_span_is(word, "/"))
        step.events |= WALK_RANDOM_TEXT;
    return step;
}
