/* SPDX-License-Identifier: GPL-3.0-or-later */
/* closure_restart.c - the files of a RESTART base, and whether the step is in them
 *
 * UNIFIN makes the simulator read BASE.UNRST (FMTIN: BASE.FUNRST), else BASE.X0060 (F0060).
 * The summary files come along so that collectors can join the histories. */
#include "base/big_endian.h"
#include "base/path.h"
#include "deck/closure_internal.h"

#include <stdlib.h>

#define MAX_ARRAYS 20000000u

struct array { /* header of one array of a binary file */
    char name[8], type[4];
    uint32_t count;
    uint64_t data_at, next_at;
};

static uint64_t data_bytes(const char type[4], uint64_t count)
{
    uint64_t size = 4, block = 1000;
    if (memcmp(type, "DOUB", 4) == 0) {
        size = 8;
    } else if (memcmp(type, "CHAR", 4) == 0) {
        size = 8;
        block = 105;
    } else if (memcmp(type, "MESS", 4) == 0) {
        size = 0;
    } else if (type[0] == 'C') {
        size = 0;
        for (int i = 1; i < 4; i++)
            size = size * 10 + (uint64_t)(type[i] >= '0' && type[i] <= '9' ? type[i] - '0' : 0);
        block = 105;
    }
    return size == 0 ? 0 : count * size + (count + block - 1) / block * 8;
}

static bool read_array(struct scan *s, struct ds_span path, uint64_t at, uint64_t size,
                       struct array *out)
{
    unsigned char h[24];
    if (at + sizeof(h) > size
        || s->reader->read_at(s->reader->context, path, at, h, sizeof(h), NULL) != 0)
        return false;
    if (be32_at(h) != 16 || be32_at(h + 20) != 16)
        return false;
    memcpy(out->name, h + 4, 8);
    out->count = be32_at(h + 12);
    memcpy(out->type, h + 16, 4);
    out->data_at = at + 24;
    out->next_at = out->data_at + data_bytes(out->type, out->count);
    return out->next_at <= size;
}

struct steps { /* what a restart file holds */
    bool found, has_time, is_damaged;
    double time_days;
    uint32_t first, last, n;
};

static void note_step(struct steps *out, uint32_t number, uint32_t wanted)
{
    out->first = out->n == 0 ? number : out->first;
    out->last = number;
    out->n++;
    out->found = out->found || number == wanted;
}

/* Walk the arrays of a binary restart file. unified: SEQNUM tells the step; else the whole
 * file is the step. */
static void scan_steps(struct scan *s, struct ds_span path, uint64_t size, bool unified,
                       uint32_t wanted, struct steps *out)
{
    struct array a;
    bool inside = !unified;
    uint64_t at = 0;
    out->found = !unified;
    for (uint32_t i = 0; i < MAX_ARRAYS && at < size; i++, at = a.next_at) {
        unsigned char value[12];
        if (!read_array(s, path, at, size, &a)) {
            out->is_damaged = true;
            return;
        }
        bool is_step = memcmp(a.name, "SEQNUM  ", 8) == 0 && memcmp(a.type, "INTE", 4) == 0;
        bool is_time = memcmp(a.name, "DOUBHEAD", 8) == 0 && memcmp(a.type, "DOUB", 4) == 0;
        if (a.count == 0 || (!is_step && !(is_time && inside)))
            continue;
        size_t n = is_step ? 8 : 12;
        if (s->reader->read_at(s->reader->context, path, a.data_at, value, n, NULL) != 0)
            return;
        if (is_step) {
            inside = be32_at(value + 4) == wanted;
            note_step(out, be32_at(value + 4), wanted);
        } else if (!out->has_time) {
            out->has_time = true;
            out->time_days = be_double_at(value + 4);
        }
    }
}

/* ---- files ---- */

struct base { /* a base run that is being brought in */
    const struct resolved *r;
    struct deck_pos pos;
    uint32_t step;
};

static bool exists(struct scan *s, struct ds_span path, uint64_t *size)
{
    struct deck_stat st = {0};
    if (!path.ptr || s->reader->stat(s->reader->context, path, s->arena, &st, NULL) != 0)
        return false;
    *size = st.size_bytes;
    return st.kind == DECK_ENTRY_FILE;
}

static uint32_t add_base_file(struct scan *s, const struct base *b, const char *extension)
{
    struct ds_span source = arena_format(s->arena, "%.*s.%s", DS_FMT(b->r->source), extension);
    struct ds_span digest = arena_format(s->arena, "%.*s.%s", DS_FMT(b->r->digest_path), extension);
    uint64_t size = 0;
    if (!digest.ptr || !exists(s, source, &size))
        return NO_FILE;
    uint32_t file = scan_add_file(s, digest, source);
    if (file == NO_FILE)
        return NO_FILE;
    scan_note_use(s, file, b->r->param, b->r->value);
    return scan_load_digest(s, file) ? file : NO_FILE;
}

/* Summary files of the base: unified, or one a report step. */
static void add_summary(struct scan *s, const struct base *b)
{
    const char *formatted = s->has_fmtin ? "FSMSPEC" : "SMSPEC";
    bool spec = add_base_file(s, b, formatted) != NO_FILE;
    if (!spec && s->has_fmtin)
        spec = add_base_file(s, b, "SMSPEC") != NO_FILE;
    bool data = add_base_file(s, b, "UNSMRY") != NO_FILE;
    data = add_base_file(s, b, "FUNSMRY") != NO_FILE || data;
    for (uint32_t i = 1; i <= b->step && i <= 9999 && !data && s->status == 0; i++) {
        char extension[8] = {'S', (char)('0' + i / 1000), (char)('0' + i / 100 % 10),
                             (char)('0' + i / 10 % 10), (char)('0' + i % 10)};
        bool one = add_base_file(s, b, extension) != NO_FILE;
        extension[0] = 'A';
        one = (!one && add_base_file(s, b, extension) != NO_FILE) || one;
        if (!one && i > 8)
            break;
        if (i == b->step)
            data = one;
    }
    if (!spec || !data)
        deck_warn(s->problems, b->pos,
                  "RESTART: %.*s has no %s: the collected vectors will start at the restart date",
                  DS_FMT(b->r->source), spec ? "UNSMRY" : "SMSPEC and UNSMRY");
}

static void say_missing_base(struct scan *s, const struct base *b, const char *wanted)
{
    uint64_t size = 0;
    struct ds_span unified =
        arena_format(s->arena, "%.*s.%s", DS_FMT(b->r->source), s->has_fmtin ? "FUNRST" : "UNRST");
    struct ds_span path = arena_format(s->arena, "%.*s.%s", DS_FMT(b->r->source), wanted);
    if (!s->has_unifin && exists(s, unified, &size)) {
        deck_error(s->problems, b->pos,
                   "RESTART: without UNIFIN in RUNSPEC the simulator reads %.*s, which does not "
                   "exist; there is a unified %.*s: add UNIFIN",
                   DS_FMT(path), DS_FMT(unified));
        return;
    }
    struct ds_span hint = path.ptr ? scan_missing_hint(s, path) : DS_SPAN("");
    deck_error(s->problems, b->pos,
               "RESTART: the base's restart file %.*s does not exist; run the base case first%.*s",
               DS_FMT(path), DS_FMT(hint));
}

static void check_steps(struct scan *s, const struct base *b, struct ds_span path, uint64_t size)
{
    struct steps steps = {0};
    if (s->has_fmtin)
        return; /* formatted: the simulator will tell */
    scan_steps(s, path, size, s->has_unifin, b->step, &steps);
    if (!steps.found)
        deck_error(s->problems, b->pos,
                   "RESTART: report step %u is not in %.*s, which holds %u steps from %u to %u%s",
                   b->step, DS_FMT(path), steps.n, steps.first, steps.last,
                   steps.is_damaged ? " and is damaged" : " (RPTRST of the base chose them)");
    else if (steps.is_damaged)
        deck_warn(s->problems, b->pos, "RESTART: %.*s ends early or is damaged", DS_FMT(path));
    if (steps.found && steps.has_time && steps.time_days >= 0 && steps.time_days < 1e7
        && !s->out->restart.has_time) {
        s->out->restart.has_time = true;
        s->out->restart.time_days = steps.time_days;
    }
}

static void add_base(struct scan *s, const struct base *b)
{
    char single[8] = {s->has_fmtin ? 'F' : 'X', (char)('0' + b->step / 1000 % 10),
                      (char)('0' + b->step / 100 % 10), (char)('0' + b->step / 10 % 10),
                      (char)('0' + b->step % 10)};
    const char *unified = s->has_fmtin ? "FUNRST" : "UNRST";
    const char *wanted = s->has_unifin ? unified : single;
    if (b->step > 9999 && !s->has_unifin) {
        deck_error(s->problems, b->pos, "RESTART: report steps above 9999 need UNIFIN");
        return;
    }
    uint32_t file = add_base_file(s, b, wanted);
    if (file == NO_FILE) {
        if (s->status == 0)
            say_missing_base(s, b, wanted);
        return;
    }
    check_steps(s, b, s->files[file].source, s->files[file].size_bytes);
    add_summary(s, b);
}

void scan_restart(struct scan *s, const struct name_use *use, uint32_t step)
{
    struct closure_restart *restart = &s->out->restart;
    struct resolved *list = NULL;
    size_t n = scan_resolve(s, use, &list);
    restart->present = true;
    for (size_t i = 0; i < n && s->status == 0; i++) {
        struct base b = {&list[i], restart->pos, step};
        struct ds_span root = list[i].shown;
        if (i == 0)
            restart->root = root;
        if (root.len > 72)
            deck_error(s->problems, restart->pos,
                       "RESTART: the base's name is %zu characters long in the case's folder "
                       "(%.*s); the summary file has room for 72: move the base nearer to the deck",
                       root.len, DS_FMT(root));
        add_base(s, &b);
    }
}
