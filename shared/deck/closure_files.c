/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"
#include "base/sha256.h"
#include "deck/closure_internal.h"

#include <stdlib.h>

static size_t hash_of(struct ds_span text)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.ptr[i]) * 1099511628211u;
    return (size_t)(h ^ (h >> 29));
}

/* Bucket of the path: the file's, or the empty one where it would go. */
static uint32_t *find_bucket(struct scan *s, struct ds_span digest_path)
{
    size_t i = hash_of(digest_path) % s->n_buckets;
    while (s->buckets[i] != 0 && !ds_span_eq(s->files[s->buckets[i] - 1].digest_path, digest_path))
        i = (i + 1) % s->n_buckets;
    return &s->buckets[i];
}

uint32_t scan_add_file(struct scan *s, struct ds_span digest_path, struct ds_span source)
{
    if (!s->buckets) {
        s->n_buckets = (size_t)DECK_MAX_FILES * 2 + 1;
        s->buckets = ds_new(s->arena, uint32_t, s->n_buckets);
        if (!s->buckets) {
            scan_fail(s, DS_ETOOBIG, "the deck's files need more memory than allowed");
            return NO_FILE;
        }
    }
    uint32_t *bucket = find_bucket(s, digest_path);
    if (*bucket != 0) {
        const struct scan_file *known = &s->files[*bucket - 1];
        if (*bucket != 1 && !ds_span_eq(known->source, source))
            deck_error(s->problems, (struct deck_pos){known->display, 0, 0},
                       "this file and %.*s would get one name in the bundle; rename the folder abs",
                       DS_FMT(source));
        return *bucket - 1;
    }
    if (s->n_files >= DECK_MAX_FILES) {
        scan_fail(s, DS_ETOOBIG, "the deck needs more than %u files", DECK_MAX_FILES);
        return NO_FILE;
    }
    struct scan_file *files =
        scan_grow(s, s->files, s->n_files, &s->room_files, sizeof(s->files[0]));
    if (!files)
        return NO_FILE;
    s->files = files;
    struct scan_file *f = &files[s->n_files];
    f->digest_path = scan_copy(s, digest_path);
    f->source = scan_copy(s, source);
    bool below = f->source.len == s->root_dir.len + 1 + digest_path.len
                 && memcmp(f->source.ptr, s->root_dir.ptr, s->root_dir.len) == 0;
    bool is_absolute = ds_span_starts(digest_path, "abs/") && f->source.len > 0 && !below;
    f->display = is_absolute ? f->source : f->digest_path;
    *bucket = (uint32_t)s->n_files + 1;
    return (uint32_t)s->n_files++;
}

void scan_add_owner(struct scan *s, uint32_t file, uint32_t param, uint32_t value)
{
    if (file == NO_FILE)
        return;
    struct scan_file *f = &s->files[file];
    for (size_t i = 0; i < f->n_owners; i++) {
        if (f->owners[i].param == param && f->owners[i].value == value)
            return;
    }
    struct closure_owner *owners =
        scan_grow(s, f->owners, f->n_owners, &f->room_owners, sizeof(owners[0]));
    if (!owners)
        return;
    f->owners = owners;
    owners[f->n_owners++] = (struct closure_owner){param, value};
}

void scan_note_use(struct scan *s, uint32_t file, int32_t param, uint32_t value)
{
    if (param >= 0)
        scan_add_owner(s, file, (uint32_t)param, value);
    else
        s->files[file].is_common = true;
}

/* Encodings and line ends that no simulator reads. */
static bool check_encoding(struct scan *s, const struct scan_file *f)
{
    struct deck_pos pos = {f->display, 1, 1};
    struct ds_span t = f->text;
    if (ds_span_starts(t, "\xef\xbb\xbf")) {
        deck_error(s->problems, pos,
                   "starts with a UTF-8 byte order mark, which the simulator takes for text; save "
                   "the file without BOM");
        return false;
    }
    if (ds_span_starts(t, "\xff\xfe") || ds_span_starts(t, "\xfe\xff")) {
        deck_error(s->problems, pos, "is UTF-16 text; save the file as plain ASCII or UTF-8");
        return false;
    }
    size_t head = t.len < 1u << 20 ? t.len : 1u << 20;
    if (memchr(t.ptr, '\r', head) && !memchr(t.ptr, '\n', head)) {
        deck_error(s->problems, pos,
                   "has only carriage returns as line ends, so that the simulator sees one line; "
                   "convert it (tr '\\r' '\\n')");
        return false;
    }
    return true;
}

bool scan_load_text(struct scan *s, uint32_t file, struct deck_pos pos)
{
    struct scan_file *f = &s->files[file];
    if (f->is_text || f->is_refused)
        return f->is_text;
    struct ds_err err = {0};
    struct ds_span text = {0};
    int rc = s->reader->read(s->reader->context, f->source, DECK_MAX_TEXT_BYTES, &text, &err);
    if (rc != 0) {
        f->is_refused = true;
        deck_error(s->problems, pos, "%s", err.text);
        return false;
    }
    s->text_bytes += text.len;
    if (s->text_bytes > DECK_MAX_TOTAL_BYTES) {
        scan_fail(s, DS_ETOOBIG, "the deck's text files together are larger than %llu bytes",
                  (unsigned long long)DECK_MAX_TOTAL_BYTES);
        return false;
    }
    f->text = text.ptr ? text : (struct ds_span){"", 0};
    f->size_bytes = text.len;
    if (!check_encoding(s, f)) {
        f->is_refused = true;
        return false;
    }
    f->is_text = true;
    return true;
}

bool scan_load_digest(struct scan *s, uint32_t file)
{
    struct scan_file *f = &s->files[file];
    if (f->is_text || f->sha256[0] != '\0')
        return true;
    struct ds_err err = {0};
    uint64_t size = 0;
    if (s->reader->digest(s->reader->context, f->source, f->sha256, &size, &err) != 0) {
        f->is_refused = true;
        deck_error(s->problems, (struct deck_pos){f->display, 0, 0}, "%s", err.text);
        return false;
    }
    f->size_bytes = size;
    return true;
}

/* ---- values of `files` parameters ---- */

struct folder { /* one that is still to be listed */
    struct ds_span path;
    size_t depth;
};

static void add_value_file(struct scan *s, struct ds_span path, uint32_t param, uint32_t value)
{
    struct ds_span digest_path = path_relative(s->arena, s->root_dir, path);
    if (!digest_path.ptr) {
        scan_fail(s, DS_ETOOBIG, "the files of the sweep need more memory than allowed");
        return;
    }
    uint32_t file = scan_add_file(s, digest_path, path);
    scan_add_owner(s, file, param, value);
    if (file != NO_FILE)
        scan_load_digest(s, file);
}

static void add_folder_entries(struct scan *s, struct folder at, uint32_t param, uint32_t value,
                               struct folder **todo, size_t *n_todo, size_t *room)
{
    struct deck_entry *entries = NULL;
    size_t n = 0;
    struct ds_err err = {0};
    struct deck_pos pos = {at.path, 0, 0};
    if (s->reader->list(s->reader->context, at.path, DECK_MAX_FILES, s->arena, &entries, &n, &err)
        != 0) {
        deck_error(s->problems, pos, "%s", err.text);
        return;
    }
    for (size_t i = 0; i < n && s->status == 0; i++) {
        struct ds_span path = path_join(s->arena, at.path, entries[i].name);
        if (entries[i].kind == DECK_ENTRY_FILE) {
            add_value_file(s, path, param, value);
        } else if (entries[i].kind == DECK_ENTRY_FOLDER) {
            if (at.depth >= SCAN_MAX_FOLDER_DEPTH) {
                deck_error(s->problems, pos, "holds folders more than %u deep",
                           SCAN_MAX_FOLDER_DEPTH);
                return;
            }
            struct folder *more = scan_grow(s, *todo, *n_todo, room, sizeof(*more));
            if (!more)
                return;
            *todo = more;
            more[(*n_todo)++] = (struct folder){path, at.depth + 1};
        } else {
            deck_warn(s->problems, (struct deck_pos){path, 0, 0},
                      "is neither file nor folder and is left out");
        }
    }
}

static void add_value_folder(struct scan *s, struct ds_span path, uint32_t param, uint32_t value)
{
    struct folder *todo = NULL;
    size_t n_todo = 0, room = 0;
    struct folder at = {path, 0};
    for (size_t next = 0; s->status == 0; next++) {
        add_folder_entries(s, at, param, value, &todo, &n_todo, &room);
        if (next >= n_todo)
            return;
        at = todo[next];
    }
}

/* Canonical folder of the value, its own name kept: a link beside the others stays one. */
static bool value_path(struct scan *s, struct ds_span given, struct ds_span *path, bool *is_folder)
{
    struct deck_stat st = {0}, parent = {0};
    struct ds_err err = {0};
    struct deck_pos pos = {given, 0, 0};
    if (s->reader->stat(s->reader->context, given, s->arena, &st, &err) != 0) {
        deck_error(s->problems, pos, "%s", err.text);
        return false;
    }
    struct ds_span dir = path_dir(given);
    if (dir.len == 0)
        dir = DS_SPAN(".");
    if (s->reader->stat(s->reader->context, dir, s->arena, &parent, &err) != 0) {
        deck_error(s->problems, pos, "%s", err.text);
        return false;
    }
    if (st.kind == DECK_ENTRY_OTHER) {
        deck_error(s->problems, pos, "is neither a file nor a folder");
        return false;
    }
    struct ds_span base = path_base(given);
    bool named = base.len > 0 && !ds_span_is(base, ".") && !ds_span_is(base, "..");
    *path = named ? path_join(s->arena, parent.canonical, base) : st.canonical;
    *is_folder = st.kind == DECK_ENTRY_FOLDER;
    return true;
}

static bool value_text_is_safe(struct ds_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\'' || c == '"' || c == '$' || c == '\\' || (unsigned char)c < 0x20)
            return false;
    }
    return true;
}

static void add_value(struct scan *s, uint32_t param, uint32_t value)
{
    const struct deck_files_param *p = &s->request->params[param];
    struct closure_value *v = &s->values[param][value];
    struct ds_span path;
    if (!value_path(s, p->paths[value], &path, &v->is_folder))
        return;
    v->text = path_relative(s->arena, s->root_dir, path);
    if (!path.ptr || !v->text.ptr) {
        scan_fail(s, DS_ETOOBIG, "the files of the sweep need more memory than allowed");
        return;
    }
    if (!value_text_is_safe(v->text))
        deck_error(s->problems, (struct deck_pos){v->text, 0, 0},
                   "a quote, $, backslash or control byte in this name would change what the "
                   "deck reads; rename the file or folder (parameter %.*s)",
                   DS_FMT(p->name));
    else if (v->is_folder)
        add_value_folder(s, path, param, value);
    else
        add_value_file(s, path, param, value);
}

void scan_add_values(struct scan *s)
{
    size_t n = s->request->n_params;
    s->values = ds_new(s->arena, struct closure_value *, n);
    if (!s->values) {
        scan_fail(s, DS_ETOOBIG, "the files of the sweep need more memory than allowed");
        return;
    }
    for (uint32_t p = 0; p < n && s->status == 0; p++) {
        size_t n_paths = s->request->params[p].n_paths;
        s->values[p] = ds_new(s->arena, struct closure_value, n_paths);
        if (!s->values[p]) {
            scan_fail(s, DS_ETOOBIG, "the files of the sweep need more memory than allowed");
            return;
        }
        for (uint32_t v = 0; v < n_paths && s->status == 0; v++)
            add_value(s, p, v);
    }
}
