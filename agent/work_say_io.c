/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/worker.h"
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "base/log_io.h"
#include "base/path.h"
#include "summary/smspec.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE_BYTES    4096u /* a pipe that polls writable takes so much without blocking */
#define LAST_WAIT_MS   3000
#define TAIL_LINES     5u
#define SUMMARY_BYTES  (64u << 10) /* read at once */
#define SUMMARY_ROUNDS 64u         /* 4 MiB a look: the rest next time */
#define SPEC_BYTES     (16u << 20)
#define HOURS_A_DAY    24.0

void worker_init_event(struct event *e, enum event_kind kind)
{
    event_init(e, kind, clock_unix_ms());
}

void worker_say(struct worker *w, const struct event *e)
{
    int rc = w->out_closed ? 0 : event_encode(e, &w->out, NULL);
    (void)rc; /* a view only: what does not fit is not shown */
}

void worker_note(struct worker *w, const char *format, ...)
{
    struct event e;
    va_list args;
    worker_init_event(&e, EVENT_NOTE);
    va_start(args, format);
    (void)vsnprintf(e.text, sizeof e.text, format, args);
    va_end(args);
    worker_say(w, &e);
}

void worker_error(struct worker *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(w->why, sizeof w->why, format, args);
    va_end(args);
    log_error("%s", w->why);
}

static bool is_writable(int timeout_ms)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&p, 1, timeout_ms) > 0;
}

void worker_flush(struct worker *w, bool all)
{
    size_t at = 0;
    while (at < w->out.len && !w->out_closed && is_writable(all ? LAST_WAIT_MS : 0)) {
        size_t n = w->out.len - at < PIECE_BYTES ? w->out.len - at : PIECE_BYTES;
        ssize_t wrote = write(STDOUT_FILENO, w->out.data + at, n);
        if (wrote < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (wrote < 0) {
            w->out_closed = true; /* the parent is gone: the loop ends */
            break;
        }
        at += (size_t)wrote;
    }
    if (at == w->out.len || w->out_closed) {
        buf_reset(&w->out);
    } else if (at > 0) {
        memmove(w->out.data, w->out.data + at, w->out.len - at);
        w->out.len -= at;
    }
}

void worker_say_worker(struct worker *w)
{
    struct event e;
    worker_init_event(&e, EVENT_WORKER);
    e.n_slots = w->slots.n;
    e.pid = getpid();
    e.limit_mem_bytes = w->slots.mem_bytes ? (int64_t)w->slots.mem_bytes : -1;
    (void)snprintf(e.text, sizeof e.text, "%.500s", w->scratch.path);
    worker_say(w, &e);
    const char *theirs = w->options->their_version;
    if (theirs && theirs[0] && strcmp(theirs, DECKSWEEP_VERSION) != 0)
        worker_note(w, "this worker is decksweep %s, the controller %s", DECKSWEEP_VERSION, theirs);
    if (w->n_inherited > 0)
        worker_note(w, "committed %u results that an earlier worker had left in scratch",
                    w->n_inherited);
    struct dispatch_counts c = dispatch_count(w->dispatch);
    ds_auto_buf why;
    buf_init(&why, EVENT_TEXT_BYTES / 2);
    slots_why(&w->slots, &why);
    worker_note(w, "%llu %s to run, %u done before; %u at once: %.*s", (unsigned long long)c.left,
                c.left == 1 ? "case" : "cases", w->chunk.n_done, w->slots.n,
                DS_FMT(buf_span(&why)));
}

void worker_say_ended(struct worker *w)
{
    struct event e;
    struct dispatch_counts c = dispatch_count(w->dispatch);
    if (w->scratch.kept_path[0] && c.failed + c.postponed > 0)
        worker_note(w, "folders of failed attempts are kept in %s", w->scratch.kept_path);
    worker_init_event(&e, EVENT_ENDED);
    e.wall_ms = clock_monotonic_ms() - w->began_ms;
    e.peak_mem_bytes = c.peak_mem_bytes ? (int64_t)c.peak_mem_bytes : -1;
    (void)snprintf(e.text, sizeof e.text,
                   "%llu ok, %llu failed, %llu skipped, %llu too large for this worker, %llu not "
                   "run; exit status %d",
                   (unsigned long long)c.done, (unsigned long long)c.failed,
                   (unsigned long long)c.skipped, (unsigned long long)c.postponed,
                   (unsigned long long)c.left + c.waiting + c.attempts[VERDICT_CANCELLED],
                   w->exit_status);
    worker_say(w, &e);
}

/* ---- progress ---- */

void worker_watch_start(struct watch *watch, int64_t now_ms)
{
    *watch = (struct watch){.next_ms = now_ms + WORKER_PROGRESS_MS, .summary_fd = -1};
}

void worker_watch_end(struct watch *watch)
{
    fs_close_at(&watch->summary_fd);
}

static int open_output(const struct worker *w, const struct attempt *t, const char *extension)
{
    char path[PATH_MAX_BYTES];
    int n = snprintf(path, sizeof path, "%s/%.*s%.*s.%s", t->name, DS_FMT(w->plan.deck_dir),
                     DS_FMT(w->plan.case_root), extension);
    if (n < 0 || (size_t)n >= sizeof path)
        return -1;
    return openat(w->scratch.cases_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* SMSPEC is written before the first step: whether TIME is in days, and its column. */
static bool read_spec(const struct worker *w, const struct attempt *t, struct watch *watch)
{
    struct smspec spec;
    struct ds_span text;
    char path[PATH_MAX_BYTES];
    ds_auto_arena a = arena_create((size_t)4 * SPEC_BYTES);
    int n = snprintf(path, sizeof path, "%s/%.*s%.*s.SMSPEC", t->name, DS_FMT(w->plan.deck_dir),
                     DS_FMT(w->plan.case_root));
    if (n < 0 || (size_t)n >= sizeof path
        || fs_read_file_at(w->scratch.cases_fd, path, SPEC_BYTES, a, &text, NULL) < 0
        || smspec_read(ds_bytes_of(text), false, a, &spec, NULL) < 0)
        return false;
    unsmry_scan_init(&watch->scan, spec.time_place == SMSPEC_NONE ? 0 : spec.time_place);
    watch->days_a_unit = spec.in_hours ? 1.0 / HOURS_A_DAY : 1.0;
    return true;
}

static void read_summary(const struct worker *w, const struct attempt *t, struct watch *watch)
{
    static char block[SUMMARY_BYTES];
    if (watch->summary_fd < 0)
        watch->summary_fd = open_output(w, t, "UNSMRY");
    if (watch->summary_fd < 0 || (watch->days_a_unit <= 0 && !read_spec(w, t, watch)))
        return;
    for (unsigned i = 0; i < SUMMARY_ROUNDS; i++) {
        ssize_t got = pread(watch->summary_fd, block, sizeof block, (off_t)watch->offset);
        if (got <= 0)
            return;
        unsmry_scan_feed(&watch->scan, block, (size_t)got);
        watch->offset += (uint64_t)got;
    }
}

/* The last lines of stdout, at most what an event holds. */
static void read_tail(const struct worker *w, const struct attempt *t, struct event *e)
{
    char path[ATTEMPT_NAME_BYTES + 8];
    (void)snprintf(path, sizeof path, "%s/stdout", t->name);
    ds_auto_fd fd =
        openat(w->scratch.cases_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (end <= 0)
        return;
    size_t want = end < (off_t)sizeof e->tail - 1 ? (size_t)end : sizeof e->tail - 1;
    char text[EVENT_TAIL_BYTES];
    ssize_t got = pread(fd, text, want, end - (off_t)want);
    if (got <= 0)
        return;
    size_t n = (size_t)got, from, lines = 0;
    while (n > 0 && text[n - 1] == '\n')
        n--;
    for (from = n; from > 0 && lines < TAIL_LINES; from--)
        lines += text[from - 1] == '\n';
    from += lines == TAIL_LINES ? 1 : 0;
    memcpy(e->tail, text + from, n - from);
    e->tail[n - from] = '\0';
}

static void say_progress(struct worker *w, struct running *r)
{
    struct event e;
    struct run_usage usage = {0};
    const struct attempt *t = r->attempt;
    read_summary(w, t, &r->watch);
    (void)run_look(w->host, r->run_id, &usage);
    worker_init_event(&e, EVENT_PROGRESS);
    e.number = t->number;
    e.id = t->id;
    e.attempt = t->item.attempt;
    e.slot = r->place;
    e.wall_ms = usage.wall_ms;
    e.peak_mem_bytes = usage.peak_mem_bytes ? (int64_t)usage.peak_mem_bytes : -1;
    e.n_steps = w->plan.features.n_report_steps ? (int64_t)w->plan.features.n_report_steps : -1;
    if (r->watch.days_a_unit > 0) {
        e.step = r->watch.scan.n_reports;
        e.time_days = (double)r->watch.scan.time * r->watch.days_a_unit;
    }
    read_tail(w, t, &e);
    worker_say(w, &e);
}

void worker_say_progress(struct worker *w, int64_t now_ms)
{
    for (uint32_t i = 0; i < w->slots.n_max; i++) {
        struct running *r = &w->running[i];
        if (r->run_id == 0 || r->watch.next_ms > now_ms)
            continue;
        r->watch.next_ms = now_ms + WORKER_PROGRESS_MS;
        say_progress(w, r);
    }
}
