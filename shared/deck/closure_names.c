/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"
#include "deck/closure_internal.h"

struct deck_pos scan_pos(const struct scan *s, uint32_t file, uint32_t line, uint32_t column)
{
    return (struct deck_pos){s->files[file].display, line, column};
}

static bool is_alias_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
}

void scan_add_rewrite(struct scan *s, uint32_t file, uint32_t line, size_t offset, size_t length,
                      struct ds_span now)
{
    struct scan_file *f = &s->files[file];
    for (size_t i = 0; i < f->n_rewrites; i++) {
        if (f->rewrites[i].offset == offset)
            return;
    }
    struct rewrite *r = scan_grow(s, f->rewrites, f->n_rewrites, &f->room_rewrites, sizeof(r[0]));
    if (!r)
        return;
    f->rewrites = r;
    r[f->n_rewrites++] = (struct rewrite){offset, length, now, line};
}

static size_t offset_in(const struct scan *s, uint32_t file, struct ds_span part)
{
    return (size_t)(part.ptr - s->files[file].text.ptr);
}

void scan_add_paths(struct scan *s, const struct deck_record *r)
{
    if (r->n_tokens < 2)
        return;
    if (s->n_aliases >= SCAN_MAX_ALIASES) {
        scan_fail(s, DS_ETOOBIG, "PATHS defines more than %u names", SCAN_MAX_ALIASES);
        return;
    }
    struct ds_span name = deck_unquote(r->tokens[0].text);
    struct ds_span value = deck_unquote(r->tokens[1].text);
    for (size_t i = 0; i < s->n_aliases; i++) {
        if (ds_span_eq(s->aliases[i].name, name)) /* the first definition counts */
            return;
    }
    struct alias *list = scan_grow(s, s->aliases, s->n_aliases, &s->room_aliases, sizeof(list[0]));
    if (!list)
        return;
    s->aliases = list;
    list[s->n_aliases++] = (struct alias){.name = name,
                                          .value = value,
                                          .file = r->file,
                                          .line = r->tokens[1].line,
                                          .offset = offset_in(s, r->file, value),
                                          .length = value.len};
}

static struct alias *find_alias(struct scan *s, struct ds_span name)
{
    for (size_t i = 0; i < s->n_aliases; i++) {
        if (ds_span_eq(s->aliases[i].name, name))
            return &s->aliases[i];
    }
    return NULL;
}

static void say_unknown_alias(struct scan *s, const struct name_use *use, struct ds_span name)
{
    struct ds_span nearest = {0};
    size_t best = 4;
    for (size_t i = 0; i < s->n_aliases; i++) {
        size_t d = ds_span_distance(s->aliases[i].name, name, 4);
        if (d < best) {
            best = d;
            nearest = s->aliases[i].name;
        }
    }
    struct deck_pos pos = scan_pos(s, use->file, use->token.line, use->token.column);
    if (nearest.ptr)
        deck_error(s->problems, pos, "%s: PATHS defines no $%.*s; did you mean $%.*s?",
                   use->keyword, DS_FMT(name), DS_FMT(nearest));
    else
        deck_error(s->problems, pos, "%s: PATHS defines no $%.*s; define it in RUNSPEC",
                   use->keyword, DS_FMT(name));
}

/* Replace every $NAME of the first alias in the name, as the simulator does. */
static bool expand_alias(struct scan *s, const struct name_use *use, struct ds_span text,
                         struct ds_span *out, struct alias **used)
{
    const char *dollar = memchr(text.ptr, '$', text.len);
    *out = text;
    *used = NULL;
    if (!dollar)
        return true;
    size_t start = (size_t)(dollar - text.ptr) + 1, end = start;
    while (end < text.len && is_alias_char(text.ptr[end]))
        end++;
    struct ds_span name = {text.ptr + start, end - start};
    struct alias *alias = find_alias(s, name);
    if (!alias) {
        say_unknown_alias(s, use, name);
        return false;
    }
    ds_auto_buf b;
    buf_init(&b, SCAN_NAME_BYTES);
    for (size_t i = 0; i < text.len;) {
        bool here = text.ptr[i] == '$' && text.len - i > name.len
                    && memcmp(text.ptr + i + 1, name.ptr, name.len) == 0;
        if (here)
            buf_put_span(&b, alias->value);
        else
            buf_put_char(&b, text.ptr[i]);
        i += here ? name.len + 1 : 1;
    }
    if (b.failed) {
        deck_error(s->problems, scan_pos(s, use->file, use->token.line, use->token.column),
                   "%s: the name is longer than %u bytes", use->keyword, SCAN_NAME_BYTES);
        return false;
    }
    *used = start == 1 ? alias : NULL;
    *out = scan_copy(s, buf_span(&b));
    return out->ptr != NULL;
}

/* Does a name component stand before a ".."? Then the folder before it must exist in the
 * case directory too, so the string is normalised. */
static bool goes_back(struct ds_span path)
{
    bool seen_name = false;
    while (path.len > 0) {
        struct ds_span part;
        path = ds_span_cut(path, '/', &part);
        if (ds_span_is(part, ".."))
            return seen_name;
        if (part.len > 0 && !ds_span_is(part, "."))
            seen_name = true;
    }
    return false;
}

static bool check_token(struct scan *s, const struct name_use *use, struct ds_span name)
{
    struct deck_pos pos = scan_pos(s, use->file, use->token.line, use->token.column);
    struct ds_span token = use->token.text;
    const char *k = use->keyword;
    if (token.ptr[0] == '"') {
        deck_error(s->problems, pos,
                   "%s: double quotes become part of the name; put the name in single quotes", k);
        return false;
    }
    if (token.ptr[0] == '\'' && (token.len < 2 || token.ptr[token.len - 1] != '\'')) {
        deck_error(s->problems, pos, "%s: the quote is not closed on this line", k);
        return false;
    }
    if (token.ptr[0] != '\'' && use->glued.len > 0) {
        deck_error(s->problems, pos,
                   "%s: the name ends at its first '/', because that ends a record; put it in "
                   "single quotes: '%.*s/%.*s'",
                   k, DS_FMT(token), DS_FMT(use->glued));
        return false;
    }
    if (name.len == 0) {
        deck_error(s->problems, pos, "%s: the name is empty", k);
        return false;
    }
    if (name.len > SCAN_NAME_BYTES || memchr(name.ptr, '\0', name.len)) {
        deck_error(s->problems, pos, "%s: this is no file name", k);
        return false;
    }
    return true;
}

/* ---- placeholders in names ---- */

static int32_t find_param(const struct scan *s, struct ds_span name)
{
    for (size_t i = 0; i < s->request->n_params; i++) {
        if (ds_span_eq(s->request->params[i].name, name))
            return (int32_t)i;
    }
    return -1;
}

static bool is_declared(const struct scan *s, struct ds_span name)
{
    for (size_t i = 0; i < s->request->n_names; i++) {
        if (ds_span_eq(s->request->names[i], name))
            return true;
    }
    return false;
}

/* The `files` parameter that the name begins with, or -1 where there is no placeholder. Any other
 * placeholder is an error (false). */
static bool find_slot(struct scan *s, const struct name_use *use, struct ds_span name,
                      int32_t *param)
{
    struct deck_pos pos = scan_pos(s, use->file, use->token.line, use->token.column);
    *param = -1;
    for (size_t i = 0; i < name.len; i++) {
        size_t length = deck_placeholder_length(name, i);
        if (length == 0)
            continue;
        struct ds_span word = {name.ptr + i + 1, length - 2};
        int32_t found = find_param(s, word);
        if (found < 0) {
            deck_error(s->problems, pos,
                       "%s: <%.*s> is no parameter of kind `files`, and only these may stand in a "
                       "file name%s; list the files under spec.parameters: %.*s: {files: \"...\"}",
                       use->keyword, DS_FMT(word),
                       is_declared(s, word) ? "" : " (it is undeclared)", DS_FMT(word));
            return false;
        }
        if (i != 0) {
            deck_error(s->problems, pos,
                       "%s: <%.*s> stands for a path from the deck's folder, so the name must "
                       "start with it",
                       use->keyword, DS_FMT(word));
            return false;
        }
        *param = found;
        i += length - 1;
    }
    return true;
}

/* ---- one resolved name ---- */

static bool check_links(struct scan *s, const struct name_use *use, struct ds_span raw,
                        struct ds_span normal)
{
    if (!goes_back(raw) || use->is_root)
        return true;
    struct deck_stat a = {0}, b = {0};
    const struct deck_reader *r = s->reader;
    int rc_a = r->stat(r->context, path_join(s->arena, s->root_dir, raw), s->arena, &a, NULL);
    int rc_b = r->stat(r->context, normal, s->arena, &b, NULL);
    if (rc_a != 0 || (rc_b == 0 && ds_span_eq(a.canonical, b.canonical)))
        return true;
    deck_error(s->problems, scan_pos(s, use->file, use->token.line, use->token.column),
               "%s: this name goes through a symbolic link and back with '..'; name the file "
               "without '..' behind the link",
               use->keyword);
    return false;
}

/* Note what of the string must change for the bundle. resolved: the name, alias filled in. */
static void note_rewrite(struct scan *s, const struct name_use *use, struct ds_span resolved,
                         struct alias *alias, struct resolved *r)
{
    bool absolute = resolved.len > 0 && resolved.ptr[0] == '/';
    struct ds_span name = deck_unquote(use->token.text);
    r->shown = name;
    if (!goes_back(resolved) && !absolute)
        return;
    if (absolute && alias && !goes_back(resolved)) {
        if (alias->is_rewritten)
            return;
        alias->is_rewritten = true;
        struct ds_span normal = path_normalise(s->arena, alias->value);
        struct ds_span now = arena_format(s->arena, "abs%.*s", DS_FMT(normal));
        scan_add_rewrite(s, alias->file, alias->line, alias->offset, alias->length, now);
        return;
    }
    r->shown = r->digest_path;
    scan_add_rewrite(s, use->file, use->token.line, offset_in(s, use->file, name), name.len,
                     r->digest_path);
}

static bool resolve_one(struct scan *s, const struct name_use *use, struct ds_span path,
                        struct resolved *out)
{
    struct ds_span joined = path_join(s->arena, s->root_dir, path);
    struct ds_span normal = joined.ptr ? path_normalise(s->arena, joined) : joined;
    if (!normal.ptr) {
        scan_fail(s, DS_ETOOBIG, "the deck's file names need more memory than allowed");
        return false;
    }
    if (!check_links(s, use, path, normal))
        return false;
    out->source = normal;
    out->digest_path = path.ptr[0] == '/' ? arena_format(s->arena, "abs%.*s", DS_FMT(normal))
                                          : path_relative(s->arena, s->root_dir, normal);
    if (!out->digest_path.ptr)
        scan_fail(s, DS_ETOOBIG, "the deck's file names need more memory than allowed");
    return out->digest_path.ptr != NULL;
}

static bool bound_value(const struct binding *b, uint32_t group, uint32_t *value)
{
    for (; b; b = b->outer) {
        if (b->group == group) {
            *value = b->value;
            return true;
        }
    }
    return false;
}

/* One name a value of the parameter that it begins with; only the value that the file around it
 * is read with, if there is one. */
static size_t resolve_values(struct scan *s, const struct name_use *use, struct ds_span path,
                             int32_t param, struct resolved **out)
{
    const struct deck_files_param *p = &s->request->params[param];
    struct ds_span behind = {path.ptr + p->name.len + 2, path.len - p->name.len - 2};
    uint32_t fixed = 0;
    bool is_fixed = bound_value(use->binding, p->group, &fixed);
    if (is_fixed && fixed >= p->n_paths) {
        deck_error(
            s->problems, scan_pos(s, use->file, use->token.line, use->token.column),
            "%s: <%.*s> has too few values (%zu): the parameter that it moves with has more; "
            "both need as many",
            use->keyword, DS_FMT(p->name), p->n_paths);
        return 0;
    }
    size_t n = is_fixed ? 1 : p->n_paths, done = 0;
    struct resolved *list = ds_new(s->arena, struct resolved, n);
    if (!list)
        scan_fail(s, DS_ETOOBIG, "the deck's file names need more memory than allowed");
    for (size_t i = 0; list && i < n; i++) {
        struct resolved *r = &list[done];
        *r = (struct resolved){.param = param, .value = is_fixed ? fixed : (uint32_t)i};
        struct ds_span text = s->values[param][r->value].text;
        if (text.len == 0)
            continue; /* the value itself is wrong, and said */
        struct binding *b = ds_new(s->arena, struct binding, 1);
        struct ds_span full = arena_format(s->arena, "%.*s%.*s", DS_FMT(text), DS_FMT(behind));
        if (!b || !full.ptr) {
            scan_fail(s, DS_ETOOBIG, "the deck's file names need more memory than allowed");
            break;
        }
        if (!resolve_one(s, use, full, r))
            continue;
        *b = (struct binding){p->group, r->value, use->binding};
        r->binding = b;
        r->shown = r->digest_path;
        done++;
    }
    *out = list;
    return done;
}

static void replace_backslashes(struct scan *s, const struct name_use *use, struct ds_span *path)
{
    if (!memchr(path->ptr, '\\', path->len))
        return;
    char *copy = arena_cstr(s->arena, *path);
    for (size_t i = 0; copy && i < path->len; i++)
        copy[i] = copy[i] == '\\' ? '/' : copy[i];
    deck_warn(s->problems, scan_pos(s, use->file, use->token.line, use->token.column),
              "%s: backslashes are read as '/'", use->keyword);
    if (copy)
        path->ptr = copy;
}

size_t scan_resolve(struct scan *s, const struct name_use *use, struct resolved **out)
{
    struct ds_span name = deck_unquote(use->token.text), path = name;
    struct alias *alias = NULL;
    int32_t param = -1;
    if (!check_token(s, use, name))
        return 0;
    if (use->uses_aliases && !expand_alias(s, use, name, &path, &alias))
        return 0;
    if (use->uses_aliases)
        replace_backslashes(s, use, &path);
    if (!find_slot(s, use, path, &param) || s->status != 0)
        return 0;
    if (param >= 0)
        return resolve_values(s, use, path, param, out);
    struct resolved *one = ds_new(s->arena, struct resolved, 1);
    if (!one)
        scan_fail(s, DS_ETOOBIG, "the deck's file names need more memory than allowed");
    if (!one || !resolve_one(s, use, path, one))
        return 0;
    one->param = -1;
    one->binding = use->binding;
    note_rewrite(s, use, path, alias, one);
    *out = one;
    return 1;
}

/* ---- what is there instead of a missing file ---- */

static struct ds_span nearest_entry(struct scan *s, struct ds_span dir, struct ds_span name)
{
    struct deck_entry *entries = NULL;
    size_t n = 0, best = 4;
    struct ds_span nearest = {0};
    if (s->reader->list(s->reader->context, dir, DECK_MAX_FILES, s->arena, &entries, &n, NULL) != 0)
        return nearest;
    for (size_t i = 0; i < n; i++) {
        if (ds_span_eq_nocase(entries[i].name, name))
            return entries[i].name;
        size_t d = ds_span_distance(entries[i].name, name, 4);
        if (d < best && d < name.len) {
            best = d;
            nearest = entries[i].name;
        }
    }
    return nearest;
}

struct ds_span scan_missing_hint(struct scan *s, struct ds_span path)
{
    struct ds_span at = DS_SPAN("/"), rest = path;
    while (rest.len > 0) {
        struct ds_span part;
        rest = ds_span_cut(rest, '/', &part);
        if (part.len == 0)
            continue;
        struct ds_span next = path_join(s->arena, at, part);
        struct deck_stat st = {0};
        if (!next.ptr)
            break;
        if (s->reader->stat(s->reader->context, next, s->arena, &st, NULL) == 0) {
            at = next;
            continue;
        }
        struct ds_span found = nearest_entry(s, at, part);
        if (!found.ptr)
            return arena_format(s->arena, "; there is no %.*s in %.*s", DS_FMT(part), DS_FMT(at));
        return arena_format(s->arena, "; in %.*s there is %.*s%s", DS_FMT(at), DS_FMT(found),
                            ds_span_eq_nocase(found, part) ? " (upper and lower case count)" : "");
    }
    return DS_SPAN("");
}
