/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"
#include "deck/closure_internal.h"

/* Keywords whose records other modules read. Everything of SUMMARY is kept as well. */
static const char kept_keywords[] =
    "DIMENS  SPECGRIDSTART   OIL     WATER   GAS     DISGAS  VAPOIL  METRIC  FIELD   LAB     "
    "PVT-M   ENDSCALEEHYSTR  SATOPTS TRACERS TRACER  WELLDIMSUNIFOUT MULTOUT FMTOUT  UNIFIN  "
    "MULTIN  FMTIN   THERMAL TEMP    SOLVENT POLYMER POLYMW  FOAM    BRINE   CO2STOREPARALLEL"
    "NOSIM   MESSAGESEQUALS  COPY    BOX     ENDBOX  RESTART RPTSOL  RPTRST  RPTSCHEDSAVE    "
    "TSTEP   DATES   SKIPRESTACTIONX RPTONLY RPTONLYOWELSEGS TABDIMS GDFILE  INIT    GRIDFILE"
    "RPTGRID ACTNUM  RUNSUM  MICP    PRECSALTVAPWAT  DISGASW DIFFUSE PYINPUT ";

/* Keywords of which only counts are kept: there may be very many of them. */
static const char counted_keywords[] = "COMPDAT ";

/* Keywords that make a simulator read a file which decksweep does not bring along. */
static const char foreign_keywords[] = "LOAD    GETDATA GETGLOB USEFLUX RESTARTXSLAVES  ";

static bool is_listed(const char *list, size_t bytes, const char name[9])
{
    char padded[8];
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, name, strlen(name));
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        if (memcmp(list + i, padded, 8) == 0)
            return true;
    }
    return false;
}
#define IS_LISTED(list, name) is_listed((list), sizeof(list) - 1, (name))

static bool is_named(const struct deck_walk *w, const char *name)
{
    return ds_span_is(ds_span_of(w->keyword.name), name);
}

/* Keywords that name files. */
static bool names_files(const struct deck_walk *w)
{
    static const char *const names[] = {"INCLUDE", "IMPORT", "GDFILE", "PYACTION", "PATHS"};
    for (size_t i = 0; i < DS_COUNT(names); i++) {
        if (is_named(w, names[i]))
            return true;
    }
    return is_named(w, "RESTART") && w->section == DECK_SOLUTION;
}

static struct frame *top(struct scan *s)
{
    return &s->stack[s->depth - 1];
}

static struct deck_pos here(const struct scan *s, uint32_t column)
{
    const struct frame *f = &s->stack[s->depth - 1];
    return scan_pos(s, f->file, f->line, column);
}

static struct deck_pos keyword_pos(const struct scan *s)
{
    return scan_pos(s, s->walk.file, s->walk.keyword.line, s->walk.keyword.column);
}

/* ---- opening files ---- */

static void say_cycle(struct scan *s, uint32_t file, struct deck_pos pos)
{
    ds_auto_buf chain;
    buf_init(&chain, 400);
    bool inside = false;
    for (size_t i = 0; i < s->depth; i++) {
        inside = inside || s->stack[i].file == file;
        if (inside)
            buf_printf(&chain, "%.*s -> ", DS_FMT(s->files[s->stack[i].file].display));
    }
    struct ds_span shown = buf_span(&chain);
    deck_error(s->problems, pos, "INCLUDE goes in a circle: %.*s%.*s", DS_FMT(shown),
               DS_FMT(s->files[file].display));
}

static void push_file(struct scan *s, uint32_t file, const struct binding *binding,
                      struct deck_pos pos)
{
    for (size_t i = 0; i < s->depth; i++) {
        if (s->stack[i].file == file) {
            say_cycle(s, file, pos);
            return;
        }
    }
    if (s->depth >= DECK_MAX_DEPTH) {
        deck_error(s->problems, pos, "INCLUDE is nested more than %u files deep", DECK_MAX_DEPTH);
        return;
    }
    s->walked_bytes += s->files[file].text.len;
    if (++s->n_includes > SCAN_MAX_INCLUDES || s->walked_bytes > DECK_MAX_TOTAL_BYTES * 4) {
        scan_fail(s, DS_ETOOBIG,
                  "the deck includes too much text (files included again and again?)");
        return;
    }
    s->stack[s->depth++] = (struct frame){.file = file, .binding = binding};
}

static void add_job(struct scan *s, uint32_t file, const struct binding *binding,
                    const struct deck_walk *walk)
{
    if (s->n_jobs >= SCAN_MAX_JOBS) {
        scan_fail(s, DS_ETOOBIG, "`files` parameters stand in too many INCLUDEs");
        return;
    }
    struct job *jobs = scan_grow(s, s->jobs, s->n_jobs, &s->room_jobs, sizeof(jobs[0]));
    if (!jobs)
        return;
    s->jobs = jobs;
    jobs[s->n_jobs++] = (struct job){.walk = walk, .file = file, .binding = binding};
}

/* Bring in what a name resolved to. Text is read, other files only digested. */
static uint32_t take_file(struct scan *s, const struct name_use *use, const struct resolved *r,
                          bool is_text)
{
    struct deck_pos pos = scan_pos(s, use->file, use->token.line, use->token.column);
    struct deck_stat st = {0};
    struct ds_err err = {0};
    int rc = s->reader->stat(s->reader->context, r->source, s->arena, &st, &err);
    if (rc != 0 && rc != DS_ENOTFOUND) {
        deck_error(s->problems, pos, "%s: %s", use->keyword, err.text);
        return NO_FILE;
    }
    if (rc != 0) {
        struct ds_span hint = scan_missing_hint(s, r->source);
        deck_error(s->problems, pos, "%s: no such file: %.*s%.*s%s", use->keyword,
                   DS_FMT(r->source), DS_FMT(hint),
                   use->has_more_tokens ? " (a name with blanks needs single quotes)" : "");
        return NO_FILE;
    }
    if (st.kind != DECK_ENTRY_FILE) {
        deck_error(s->problems, pos, "%s: %.*s is %s", use->keyword, DS_FMT(r->source),
                   st.kind == DECK_ENTRY_FOLDER ? "a folder" : "no regular file");
        return NO_FILE;
    }
    uint32_t file = scan_add_file(s, r->digest_path, r->source);
    if (file == NO_FILE)
        return NO_FILE;
    scan_note_use(s, file, r->param, r->value);
    bool ok = is_text ? scan_load_text(s, file, pos) : scan_load_digest(s, file);
    return ok && s->status == 0 ? file : NO_FILE;
}

static struct ds_span text_behind(const struct scan *s, struct ds_span data)
{
    const struct scan_file *f = &s->files[s->stack[s->depth - 1].file];
    size_t at = (size_t)(data.ptr - f->text.ptr) + data.len + 1;
    size_t end = at;
    while (end < f->text.len && !deck_is_separator(f->text.ptr[end]))
        end++;
    return at < f->text.len ? (struct ds_span){f->text.ptr + at, end - at} : (struct ds_span){0};
}

static void open_include(struct scan *s, const struct name_use *use)
{
    struct resolved *list = NULL;
    size_t n = scan_resolve(s, use, &list);
    struct deck_pos pos = scan_pos(s, use->file, use->token.line, use->token.column);
    struct deck_walk *behind = n > 1 ? ds_new(s->arena, struct deck_walk, 1) : NULL;
    if (behind) {
        *behind = s->walk;
        behind->in_keyword = false;
    } else if (n > 1) {
        scan_fail(s, DS_ETOOBIG, "reading the deck needs more memory than allowed");
    }
    for (size_t i = 0; i < n && s->status == 0; i++) {
        uint32_t file = take_file(s, use, &list[i], true);
        if (file == NO_FILE)
            continue;
        if (i == 0)
            push_file(s, file, list[i].binding, pos);
        else
            add_job(s, file, list[i].binding, behind);
    }
}

static void open_other(struct scan *s, const struct name_use *use)
{
    struct resolved *list = NULL;
    size_t n = scan_resolve(s, use, &list);
    for (size_t i = 0; i < n && s->status == 0; i++)
        take_file(s, use, &list[i], false);
}

static void open_restart(struct scan *s, const struct name_use *use, const struct deck_record *r)
{
    int64_t step = 0;
    struct deck_token at = use->token;
    if (r->n_tokens < 2 || !deck_parse_int(r->tokens[1].text, &step) || step < 0
        || step > INT32_MAX) {
        deck_error(s->problems, scan_pos(s, use->file, at.line, at.column),
                   "RESTART: the second item must be the report step to start from%s",
                   use->token.text.ptr[0] != '\'' ? " (a name with '/' needs single quotes)" : "");
        return;
    }
    if (s->has_restart) {
        if (!s->alternative)
            deck_warn(s->problems, scan_pos(s, use->file, at.line, at.column),
                      "RESTART stands a second time");
        return;
    }
    s->has_restart = true;
    s->out->restart.step = (uint32_t)step;
    s->out->restart.pos = scan_pos(s, use->file, at.line, at.column);
    scan_restart(s, use, (uint32_t)step);
}

/* ---- records ---- */

static void record_of_names(struct scan *s, const struct deck_record *r, struct ds_span data,
                            bool glued)
{
    struct name_use use = {.file = r->file,
                           .keyword = s->walk.keyword.name,
                           .binding = top(s)->binding,
                           .has_more_tokens = r->n_tokens > 1};
    if (is_named(&s->walk, "PATHS")) {
        scan_add_paths(s, r);
        return;
    }
    if (is_named(&s->walk, "PYACTION") && s->walk.n_records != 2)
        return;
    if (r->n_tokens == 0) {
        deck_error(s->problems, here(s, 0), "%s: the file name is missing", s->walk.keyword.name);
        return;
    }
    use.token = r->tokens[0];
    if (glued && r->n_tokens == 1)
        use.glued = text_behind(s, data);
    if (is_named(&s->walk, "INCLUDE")) {
        use.uses_aliases = true;
        open_include(s, &use);
    } else if (is_named(&s->walk, "RESTART")) {
        use.is_root = true;
        open_restart(s, &use, r);
    } else {
        use.uses_aliases = is_named(&s->walk, "IMPORT");
        open_other(s, &use);
    }
}

static void add_token(struct scan *s, struct ds_span token, struct ds_span line_start)
{
    if (s->n_tokens >= SCAN_MAX_RECORD_TOKENS) {
        scan_fail(s, DS_ETOOBIG, "a record of %s has more than %u items", s->walk.keyword.name,
                  SCAN_MAX_RECORD_TOKENS);
        return;
    }
    struct deck_token *list =
        scan_grow(s, s->tokens, s->n_tokens, &s->room_tokens, sizeof(list[0]));
    if (!list)
        return;
    s->tokens = list;
    uint32_t column = (uint32_t)(token.ptr - line_start.ptr) + 1;
    list[s->n_tokens++] = (struct deck_token){token, top(s)->line, column};
}

static void count_actnum(struct closure_item *item, struct ds_span token)
{
    uint64_t repeat = 1;
    struct ds_span value;
    if (!deck_split_repeat(token, &repeat, &value))
        return;
    item->n_values += repeat;
    if (ds_span_is(value, "0"))
        item->n_zero += repeat;
}

static void take_data(struct scan *s, struct ds_span line, struct ds_span data)
{
    if (!s->collects && !s->counts_actnum)
        return;
    size_t at = 0;
    struct ds_span token;
    while (s->status == 0 && deck_next_token(data, &at, &token)) {
        if (s->counts_actnum)
            count_actnum(&s->items[s->n_items - 1], token);
        else
            add_token(s, token, line);
    }
}

static void begin_item(struct scan *s)
{
    const char *name = s->walk.keyword.name;
    bool summary = s->walk.section == DECK_SUMMARY && !is_named(&s->walk, "SUMMARY")
                   && !is_named(&s->walk, "INCLUDE");
    bool kept = summary || IS_LISTED(kept_keywords, name) || IS_LISTED(counted_keywords, name)
                || is_named(&s->walk, "TITLE");
    s->counts_actnum = is_named(&s->walk, "ACTNUM");
    s->discards = IS_LISTED(counted_keywords, name);
    s->collects = !s->counts_actnum
                  && (kept || names_files(&s->walk) || deck_walk_dims_slot(ds_span_of(name)) >= 0);
    s->records = NULL;
    s->tokens = NULL;
    s->n_records = s->room_records = s->n_tokens = s->room_tokens = 0;
    if (!kept && !names_files(&s->walk))
        return;
    struct closure_item *items =
        scan_grow(s, s->items, s->n_items, &s->room_items, sizeof(items[0]));
    if (!items)
        return;
    s->items = items;
    items[s->n_items++] = (struct closure_item){.keyword = s->walk.keyword,
                                                .section = s->walk.section,
                                                .file = s->walk.file,
                                                .alternative = s->alternative};
}

/* Is the last item that of the keyword being read? */
static struct closure_item *present_item(struct scan *s)
{
    if (s->n_items == 0)
        return NULL;
    struct closure_item *item = &s->items[s->n_items - 1];
    bool same = item->keyword.word.ptr == s->walk.keyword.word.ptr;
    return same ? item : NULL;
}

/* Connections of one COMPDAT record: K1 to K2; of a well pattern apart. */
static void count_connections(struct scan *s, struct closure_item *item)
{
    int64_t k[2] = {0, 0};
    size_t at = 0;
    for (size_t i = 0; i < s->n_tokens && at < 5; i++) {
        uint64_t repeat = 1;
        struct ds_span value;
        if (!deck_split_repeat(s->tokens[i].text, &repeat, &value))
            return;
        for (uint64_t n = 0; n < repeat && at < 5; n++, at++) {
            if (at >= 3 && !deck_parse_int(value, &k[at - 3]))
                k[at - 3] = 0;
        }
    }
    uint64_t count = k[1] > k[0] && k[0] > 0 && k[1] < 100000 ? (uint64_t)(k[1] - k[0]) + 1 : 1;
    struct ds_span well = s->n_tokens > 0 ? deck_unquote(s->tokens[0].text) : DS_SPAN("");
    if (memchr(well.ptr, '*', well.len))
        item->n_zero += count;
    else if (well.len > 0)
        item->n_values += count;
}

static void end_record(struct scan *s, const struct walk_step *step)
{
    struct closure_item *item = present_item(s);
    if (item)
        item->n_all_records++;
    if (!s->collects)
        return;
    if (s->discards) {
        if (item)
            count_connections(s, item);
        s->n_tokens = 0;
        return;
    }
    uint32_t last = top(s)->line;
    struct deck_record r = {.tokens = s->tokens,
                            .n_tokens = s->n_tokens,
                            .file = top(s)->file,
                            .first_line = s->n_tokens > 0 ? s->tokens[0].line : last,
                            .last_line = last};
    s->tokens = NULL;
    s->n_tokens = s->room_tokens = 0;
    int slot = deck_walk_dims_slot(ds_span_of(s->walk.keyword.name));
    if (slot >= 0 && s->n_records == 0)
        deck_walk_set_dims(&s->walk, slot, r.tokens, r.n_tokens);
    struct deck_record *list =
        scan_grow(s, s->records, s->n_records, &s->room_records, sizeof(list[0]));
    if (!list)
        return;
    s->records = list;
    list[s->n_records++] = r;
    if (item) {
        item->records = list;
        item->n_records = s->n_records;
    }
    if (names_files(&s->walk))
        record_of_names(s, &list[s->n_records - 1], step->data, step->glued_slash);
}

/* ---- keywords ---- */

static void say_skip(struct scan *s)
{
    deck_warn(s->problems, keyword_pos(s),
              "%s is not obeyed by Flow 2022.10: what follows is read (newer versions skip it)",
              s->walk.keyword.name);
}

static void end_all(struct scan *s)
{
    if (s->depth > 1)
        deck_warn(s->problems, keyword_pos(s),
                  "END in an included file ends the whole deck here; ENDINC ends the file only");
    for (size_t i = 0; i < s->depth; i++)
        s->files[s->stack[i].file].end_line = s->stack[i].line;
    s->ended = true;
}

static void begin_keyword(struct scan *s)
{
    const struct deck_walk *w = &s->walk;
    begin_item(s);
    if (is_named(w, "UNIFIN"))
        s->has_unifin = true;
    else if (is_named(w, "FMTIN"))
        s->has_fmtin = true;
    else if (is_named(w, "SKIP") || is_named(w, "SKIP100") || is_named(w, "SKIP300"))
        say_skip(s);
    else if (IS_LISTED(foreign_keywords, w->keyword.name))
        deck_warn(s->problems, keyword_pos(s),
                  "%s reads a file that is not brought along to the cases", w->keyword.name);
}

static void end_keyword(struct scan *s)
{
    if (is_named(&s->walk, "END"))
        end_all(s);
    if (is_named(&s->walk, "ENDINC") && s->depth > 0) {
        s->files[top(s)->file].end_line = top(s)->line;
        top(s)->at = s->files[top(s)->file].text.len;
    }
    s->collects = s->counts_actnum = s->discards = false;
}

static void say_trouble(struct scan *s, struct ds_span line, const struct walk_step *step)
{
    struct ds_span word = deck_first_word(line);
    uint32_t column = (uint32_t)(word.ptr - line.ptr) + 1;
    bool is_slot = word.len > 2 && word.ptr[0] == '<' && word.ptr[word.len - 1] == '>';
    word.len = word.len > 40 ? 40 : word.len;
    if ((step->events & WALK_UNKNOWN_KEYWORD)
        && ds_span_is(s->request->flow_version, DECK_FLOW_VERSION))
        deck_error(s->problems, here(s, column),
                   "%.*s is no keyword that Flow " DECK_FLOW_VERSION " knows; it would stop here",
                   DS_FMT(word));
    else if (step->events & WALK_UNKNOWN_KEYWORD)
        deck_warn(s->problems, here(s, column),
                  "%.*s is no keyword that Flow " DECK_FLOW_VERSION " knows", DS_FMT(word));
    if (step->events & WALK_LONG_KEYWORD)
        deck_warn(s->problems, here(s, column), "%.*s: only the first 8 characters count",
                  DS_FMT(word));
    if ((step->events & WALK_RANDOM_TEXT) && is_slot)
        deck_error(s->problems, here(s, column),
                   "%.*s stands where a keyword is expected; placeholders can only stand for data",
                   DS_FMT(word));
    else if (step->events & WALK_RANDOM_TEXT)
        deck_error(s->problems, here(s, column),
                   "a keyword is expected here, and '%.*s' is none (too many records, or a '/' too "
                   "early, in %s before?)",
                   DS_FMT(word), s->walk.keyword.name[0] ? s->walk.keyword.name : "the text");
    if ((step->events & WALK_SWALLOWED) && s->walk.record_line == top(s)->line)
        deck_error(s->problems, here(s, column),
                   "%.*s is read as data of %s (line %u), because no '/' ends that before it",
                   DS_FMT(word), s->walk.keyword.name, s->walk.keyword.line);
    else if (step->events & WALK_SWALLOWED)
        deck_error(s->problems, here(s, column),
                   "%.*s is read as data of %s, whose record (from line %u on) is not ended by '/'",
                   DS_FMT(word), s->walk.keyword.name, s->walk.record_line);
    if (step->events & WALK_SUSPICIOUS_DATA)
        deck_error(s->problems, keyword_pos(s),
                   "%s: what follows a keyword on its own line is ignored; put it on the next line",
                   s->walk.keyword.name);
}

static void say_not_ended(struct scan *s, const char *where)
{
    deck_error(s->problems, keyword_pos(s), "%s is not ended by '/' before %s",
               s->walk.keyword.name, where);
}

static void take_line(struct scan *s, struct ds_span line)
{
    struct frame *f = top(s);
    bool was_unknown = s->walk.after_unknown;
    struct walk_step step = deck_walk_line(&s->walk, f->file, f->line, line);
    if (step.events == 0)
        return;
    if (was_unknown) /* its data, most likely: said once */
        step.events &= ~(unsigned)WALK_UNKNOWN_KEYWORD;
    if (step.events & (WALK_UNKNOWN_KEYWORD | WALK_LONG_KEYWORD | WALK_RANDOM_TEXT))
        say_trouble(s, line, &step);
    if (step.events & (WALK_SUSPICIOUS_DATA | WALK_SWALLOWED)) {
        say_trouble(s, line, &step);
        s->walk.in_keyword = false; /* read this line as the keyword it is */
        s->walk.in_record = false;
        step = deck_walk_line(&s->walk, f->file, f->line, line);
    }
    if (step.events & WALK_BEGAN)
        begin_keyword(s);
    if (step.events & (WALK_DATA | WALK_TITLE))
        take_data(s, line, step.data);
    if (step.events & (WALK_RECORD | WALK_TITLE))
        end_record(s, &step);
    if (step.events & WALK_ENDED)
        end_keyword(s);
}

static void close_file(struct scan *s)
{
    if (s->walk.in_record) {
        say_not_ended(s, "the end of the file");
        s->walk.in_record = s->walk.in_keyword = false;
    }
    s->depth--;
}

/* A NUL outside comments: no text. Looked at a line at a time, cheap where there is none. */
static bool is_binary_line(struct ds_span line)
{
    return memchr(line.ptr, '\0', line.len) && memchr(line.ptr, '\0', deck_strip_comment(line).len);
}

static void read_lines(struct scan *s)
{
    while (s->depth > 0 && s->status == 0 && !s->ended) {
        struct frame *f = top(s);
        struct ds_span line, text = s->files[f->file].text;
        if (!deck_next_line(text, &f->at, &line)) {
            close_file(s);
            continue;
        }
        f->line++;
        if (is_binary_line(line)) {
            deck_error(s->problems, here(s, 0),
                       "is a binary file or has NUL bytes; INCLUDE reads text only (IMPORT reads "
                       "binary files)");
            f->at = text.len;
            continue;
        }
        take_line(s, line);
    }
}

void scan_walk(struct scan *s, uint32_t root)
{
    push_file(s, root, NULL, scan_pos(s, root, 0, 0));
    read_lines(s);
    if (s->status == 0 && !s->ended && !deck_walk_may_end(&s->walk))
        say_not_ended(s, "the end of the deck");
    if (s->status == 0 && s->n_items == 0 && s->problems->n_errors == 0)
        deck_error(s->problems, scan_pos(s, root, 0, 0),
                   "holds no keyword of a deck (DIMENS, OIL, TSTEP, ...): is it one?");
    for (size_t i = 0; i < s->n_jobs && s->status == 0; i++) {
        s->walk = *s->jobs[i].walk;
        s->depth = 0;
        s->alternative = true;
        s->ended = s->collects = s->counts_actnum = s->discards = false;
        push_file(s, s->jobs[i].file, s->jobs[i].binding, scan_pos(s, s->jobs[i].file, 0, 0));
        read_lines(s);
    }
}
