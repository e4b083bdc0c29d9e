/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/evidence_io.h"

#include "base/fs_io.h"
#include "base/path.h"
#include "summary/smspec.h"
#include "summary/unsmry.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define BLOCK_BYTES    (256u << 10)
#define SPEC_MAX_BYTES (64u << 20)
#define FORMATTED_MAX  ((uint64_t)256 << 20)
#define HOURS_A_DAY    24.0

typedef void (*sink_f)(void *context, const char *bytes, size_t n);

/* All bytes of [from, to) of an entry, in pieces. */
static void stream(const struct case_files *f, const struct case_entry *e, uint64_t from,
                   uint64_t to, sink_f sink, void *context)
{
    static _Thread_local char block[BLOCK_BYTES];
    if (e->data) {
        sink(context, e->data + from, (size_t)(to - from));
        return;
    }
    ds_auto_fd fd = -1;
    if (case_files_open(f, e, &fd, NULL) < 0)
        return;
    while (from < to) {
        size_t want = to - from < sizeof block ? (size_t)(to - from) : sizeof block;
        ssize_t got = pread(fd, block, want, (off_t)from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        sink(context, block, (size_t)got);
        from += (uint64_t)got;
    }
}

/* ---- logs ---- */

struct log_feed {
    struct prt_reader reader;
    enum prt_stream stream;
};

static void feed_log(void *context, const char *bytes, size_t n)
{
    struct log_feed *l = context;
    prt_feed(&l->reader, l->stream, bytes, n);
}

static int read_log(struct case_files *f, struct case_entry *e, enum prt_stream which,
                    struct log_feed *l, struct ds_err *err)
{
    if (!e)
        return 0;
    int rc = case_files_read(f, e, err);
    if (rc < 0)
        return rc;
    l->stream = which;
    if (e->size_bytes <= PRT_HEAD_BYTES + PRT_TAIL_BYTES) {
        stream(f, e, 0, e->size_bytes, feed_log, l);
        return 0;
    }
    stream(f, e, 0, PRT_HEAD_BYTES, feed_log, l);
    prt_gap(&l->reader);
    stream(f, e, e->size_bytes - PRT_TAIL_BYTES, e->size_bytes, feed_log, l);
    return 0;
}

static struct case_entry *output(const struct case_files *f, const struct plan *p,
                                 const char *extension)
{
    char name[300];
    int n = snprintf(name, sizeof name, "%.*s.%s", DS_FMT(p->case_root), extension);
    return n > 0 && (size_t)n < sizeof name ? case_files_find(f, p->deck_dir, name) : NULL;
}

/* Flow names included files by absolute paths; people know them from the case's folder. */
static void make_relative(const struct case_files *f, struct prt_facts *log)
{
    char link[64], dir[PATH_MAX_BYTES];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", f->dir_fd);
    ssize_t n = readlink(link, dir, sizeof dir);
    if (n > 1 && (size_t)n < sizeof dir)
        prt_make_relative(log, (struct ds_span){dir, (size_t)n});
}

static int gather_logs(struct case_files *f, const struct plan *p, struct evidence *e,
                       struct ds_err *err)
{
    struct log_feed l;
    prt_init(&l.reader);
    int rc = read_log(f, case_files_find(f, DS_SPAN(""), "stdout"), PRT_STREAM_STDOUT, &l, err);
    struct case_entry *errors = case_files_find(f, DS_SPAN(""), "stderr");
    rc = rc < 0 ? rc : read_log(f, errors, PRT_STREAM_STDERR, &l, err);
    /* Eclipse says its counts in ECLEND; a PRT beside it has more words. */
    struct case_entry *prt = output(f, p, "PRT");
    rc = rc < 0 ? rc : read_log(f, prt, PRT_STREAM_PRT, &l, err);
    if (p->judge == JUDGE_ECLIPSE)
        rc = rc < 0 ? rc : read_log(f, output(f, p, "ECLEND"), PRT_STREAM_PRT, &l, err);
    prt_finish(&l.reader, &e->log);
    make_relative(f, &e->log);
    return rc;
}

/* ---- summaries ---- */

static void feed_scan(void *context, const char *bytes, size_t n)
{
    unsmry_scan_feed(context, bytes, n);
}

static enum summary_state worst(enum summary_state a, enum unsmry_state b)
{
    enum summary_state s = b == UNSMRY_CORRUPT ? SUMMARY_CORRUPT
                           : b == UNSMRY_CUT   ? SUMMARY_CUT
                                               : SUMMARY_WHOLE;
    return s > a ? s : a;
}

struct spec_facts {
    bool found, formatted, in_hours;
    uint32_t n_params, time_place;
};

static void read_spec(struct case_files *f, const struct plan *p, struct spec_facts *out)
{
    struct case_entry *e = output(f, p, "SMSPEC");
    *out = (struct spec_facts){.time_place = 0};
    if (!e) {
        e = output(f, p, "FSMSPEC");
        out->formatted = e != NULL;
    }
    if (!e || e->size_bytes > SPEC_MAX_BYTES)
        return;
    ds_auto_arena a = arena_create((size_t)4 * SPEC_MAX_BYTES);
    struct ds_span text;
    struct smspec spec;
    if (case_files_read(f, e, NULL) < 0)
        return;
    if (e->data)
        text = (struct ds_span){e->data, (size_t)e->size_bytes};
    else if (fs_read_file_at(f->dir_fd, e->path, SPEC_MAX_BYTES, a, &text, NULL) < 0)
        return;
    if (smspec_read(ds_bytes_of(text), out->formatted, a, &spec, NULL) < 0)
        return;
    out->found = true;
    out->in_hours = spec.in_hours;
    out->n_params = spec.n_params;
    out->time_place = spec.time_place == SMSPEC_NONE ? 0 : spec.time_place;
}

/* A whole file without a step (empty, or not readable) is no summary. */
static void note_scan(struct summary_facts *s, const struct unsmry_scan *scan)
{
    if (s->n_report_steps < 0)
        s->n_report_steps = 0;
    s->n_report_steps += scan->n_reports;
    if (scan->n_steps > 0)
        s->last_time_days = (double)scan->time;
    if (scan->n_steps > 0 || scan->state != UNSMRY_WHOLE)
        s->state = worst(s->state, scan->state);
}

static void scan_unified(struct case_files *f, struct case_entry *e, const struct spec_facts *spec,
                         struct summary_facts *s)
{
    struct unsmry_scan scan;
    unsmry_scan_init(&scan, spec->time_place);
    if (case_files_read(f, e, NULL) < 0)
        return;
    stream(f, e, 0, e->size_bytes, feed_scan, &scan);
    s->whole_bytes = scan.step_bytes;
    note_scan(s, &scan);
}

static void scan_formatted(struct case_files *f, struct case_entry *e,
                           const struct spec_facts *spec, struct summary_facts *s)
{
    ds_auto_arena a = arena_create((size_t)4 * FORMATTED_MAX);
    struct ds_span text;
    struct unsmry u;
    s->state = SUMMARY_CORRUPT;
    s->whole_bytes = e->size_bytes; /* not looked into: nothing is known to cut off */
    if (!spec->found || fs_read_file_at(f->dir_fd, e->path, FORMATTED_MAX, a, &text, NULL) < 0)
        return;
    struct ds_bytes bytes = ds_bytes_of(text);
    if (unsmry_index(&bytes, 1, true, spec->n_params, a, &u, NULL) < 0)
        return;
    s->state =
        u.n_steps > 0 || u.state != UNSMRY_WHOLE ? worst(SUMMARY_WHOLE, u.state) : SUMMARY_ABSENT;
    s->whole_bytes = u.step_bytes;
    s->n_report_steps = (int64_t)u.n_reports;
    if (u.n_steps > 0 && spec->time_place < u.n_params) {
        uint32_t step = (uint32_t)(u.n_steps - 1);
        float time;
        unsmry_read_columns(&u, &step, 1, &spec->time_place, 1, &time, 1);
        s->last_time_days = (double)time;
    }
}

/* MULTOUT: BASE.S0001, BASE.S0002, ... are neighbours in the sorted list. */
static void scan_multiple(struct case_files *f, const struct plan *p, const struct spec_facts *spec,
                          struct summary_facts *s)
{
    for (size_t i = 0; i < f->n; i++) {
        struct ds_span path = ds_span_of(f->at[i].path);
        struct unsmry_scan scan;
        bool formatted;
        uint32_t number;
        if (!case_entry_is_in(&f->at[i], p->deck_dir) || !ds_span_eq(path_stem(path), p->case_root)
            || !unsmry_part_number(path_extension(path), &formatted, &number) || formatted)
            continue;
        unsmry_scan_init(&scan, spec->time_place);
        if (case_files_read(f, &f->at[i], NULL) < 0)
            continue;
        stream(f, &f->at[i], 0, f->at[i].size_bytes, feed_scan, &scan);
        note_scan(s, &scan);
    }
}

static void gather_summary(struct case_files *f, const struct plan *p, struct evidence *e)
{
    struct spec_facts spec;
    struct summary_facts *s = &e->summary;
    struct case_entry *file;
    read_spec(f, p, &spec);
    s->has_spec = spec.found;
    if ((file = output(f, p, "UNSMRY")) != NULL)
        scan_unified(f, file, &spec, s);
    else if ((file = output(f, p, "FUNSMRY")) != NULL)
        scan_formatted(f, file, &spec, s);
    else
        scan_multiple(f, p, &spec, s);
    if (spec.in_hours && isfinite(s->last_time_days))
        s->last_time_days /= HOURS_A_DAY;
}

/* ---- what keep asks for: inputs are not kept ---- */

static bool is_made(const struct case_entry *e)
{
    return e->size_bytes > 0 && !e->input;
}

static bool any_of_class(const struct case_files *f, unsigned class)
{
    for (size_t i = 0; i < f->n; i++)
        if (is_made(&f->at[i])
            && result_class_of_file(path_base(ds_span_of(f->at[i].path))) & class)
            return true;
    return false;
}

static bool any_matches(const struct case_files *f, struct ds_span glob)
{
    for (size_t i = 0; i < f->n; i++)
        if (is_made(&f->at[i]) && ds_span_glob(glob, path_base(ds_span_of(f->at[i].path))))
            return true;
    return false;
}

/* `judge: files`: every glob must have its file, and the summary if it is asked for. */
static const char *missing_of(const struct case_files *f, const struct plan *p, struct ds_arena *a)
{
    if (p->keep.classes & CLASS_SUMMARY && !any_of_class(f, CLASS_SUMMARY))
        return "summary";
    for (size_t i = 0; i < p->keep.n_globs; i++)
        if (!any_matches(f, p->keep.globs[i]))
            return arena_cstr(a, p->keep.globs[i]);
    return NULL;
}

static bool has_empty_output(const struct case_files *f, const struct plan *p)
{
    static const char *const must[] = {"PRT", "SMSPEC", "UNSMRY", "INFOSTEP"};
    for (size_t i = 0; i < DS_COUNT(must); i++) {
        const struct case_entry *e = output(f, p, must[i]);
        if (e && e->size_bytes == 0)
            return true;
    }
    return false;
}

int evidence_gather(struct case_files *files, const struct plan *plan, struct ds_arena *a,
                    struct evidence *e, struct ds_err *err)
{
    e->kind = plan->judge;
    e->end_time_days = plan->features.end_time_days;
    e->n_report_steps = plan->features.n_report_steps;
    e->wants_summary = (plan->keep.classes & CLASS_SUMMARY) != 0;
    int rc = gather_logs(files, plan, e, err);
    if (rc < 0)
        return rc;
    gather_summary(files, plan, e);
    e->empty_output = plan->judge == JUDGE_FLOW && has_empty_output(files, plan);
    e->too_much = files->too_much;
    e->missing = plan->judge == JUDGE_FILES ? missing_of(files, plan, a) : NULL;
    return 0;
}
