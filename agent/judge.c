/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Order matters: first what proves a good run (a case that ended well within its last second
 * is good whatever we were about to do), then what we did to it, then how it died, then what
 * it said, then what its files lack. */
#include "agent/judge.h"

#include "base/units.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#define SECOND_IN_DAYS (1.0 / 86400.0)
#define SIGNAL_STATUS  128 /* shells and mpirun say 128 + n for "ended by signal n" */
#define LAST_SIGNAL    31

void evidence_init(struct evidence *e)
{
    memset(e, 0, sizeof *e);
    e->exit_code = -1;
    struct prt_reader nothing;
    prt_init(&nothing);
    prt_finish(&nothing, &e->log);
    e->summary.n_report_steps = -1;
    e->summary.last_time_days = NAN;
    e->end_time_days = NAN;
    e->mem_limit_bytes = -1;
}

bool judge_reached_end(double last_days, double end_days)
{
    if (!isfinite(last_days) || !isfinite(end_days))
        return false;
    double slack = 4.0 * (double)FLT_EPSILON * fabs(end_days);
    if (slack < SECOND_IN_DAYS)
        slack = SECOND_IN_DAYS;
    return last_days >= end_days - slack;
}

static void set(struct judgement *out, enum verdict v, const char *ended, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void set(struct judgement *out, enum verdict v, const char *ended, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    out->verdict = v;
    out->ended = ended;
    (void)vsnprintf(out->reason, sizeof out->reason, format, args);
    va_end(args);
    for (char *p = out->reason; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

/* ": its words (FILE line N)" or as much of it as is known. */
static const char *words(const struct evidence *e, char *text, size_t room)
{
    const struct prt_facts *l = &e->log;
    int n = 0;
    text[0] = '\0';
    if (l->message[0])
        n = snprintf(text, room, ": %s", l->message);
    if (l->deck_file[0] && n >= 0 && (size_t)n < room) {
        if (l->deck_line > 0 && l->place_is_last_read)
            (void)snprintf(text + n, room - (size_t)n, " (read up to %s line %lld)", l->deck_file,
                           (long long)l->deck_line);
        else if (l->deck_line > 0)
            (void)snprintf(text + n, room - (size_t)n, " (%s line %lld)", l->deck_file,
                           (long long)l->deck_line);
        else
            (void)snprintf(text + n, room - (size_t)n, " (%s)", l->deck_file);
    }
    return text;
}
#define WORDS_BYTES (PRT_MESSAGE_BYTES + PRT_FILE_BYTES + 40u)

/* Where it stood, for people: "after 31 of 120 report steps" or "before the first report step". */
static const char *where(const struct evidence *e, char *text, size_t room)
{
    int64_t done = e->summary.n_report_steps;
    int64_t all = e->n_report_steps > 0 ? e->n_report_steps : e->log.n_steps;
    if (done < 0 && e->log.last_step >= 0)
        done = e->log.last_step;
    if (done <= 0)
        (void)snprintf(text, room, "before the first report step was done");
    else if (all > 0)
        (void)snprintf(text, room, "in report step %lld of %lld",
                       (long long)(done < all ? done + 1 : all), (long long)all);
    else
        (void)snprintf(text, room, "after %lld report steps", (long long)done);
    return text;
}

/* 137 of a shell or of mpirun is a signal too, unless the deck asked for that status. */
static int signal_of(const struct evidence *e)
{
    if (e->signal > 0)
        return e->signal;
    int n = e->exit_code - SIGNAL_STATUS;
    bool asked = e->log.action_status >= 0 && e->log.action_status == e->exit_code;
    return n >= 1 && n <= LAST_SIGNAL && !asked ? n : 0;
}

static double end_of(const struct evidence *e, bool *rounded)
{
    *rounded = !isfinite(e->end_time_days);
    return *rounded ? e->log.end_day : e->end_time_days;
}

/* Does TIME stop before the end? A schedule whose end nobody could tell is not held against it. */
static bool time_is_short(const struct evidence *e, double *last, double *end)
{
    bool rounded;
    *end = end_of(e, &rounded);
    *last = e->summary.last_time_days;
    if (!isfinite(*end))
        return false;
    /* Flow prints T with six digits. */
    double aim = rounded ? *end * (1.0 - 1e-5) : *end;
    return !judge_reached_end(*last, aim);
}

static bool is_simulator_log_clean(const struct evidence *e)
{
    const struct prt_facts *l = &e->log;
    if (e->kind == JUDGE_FLOW && !l->end_banner)
        return false;
    if (l->simulation_off || l->bad_alloc || l->no_space || l->lost_output)
        return false;
    if (e->kind == JUDGE_ECLIPSE && !l->has_error_summary)
        return false;
    if (l->has_prt && !l->has_error_summary)
        return false;
    return l->n_errors <= 0 && l->n_bugs <= 0;
}

static bool is_summary_good(const struct evidence *e, bool action)
{
    double last, end;
    if (e->summary.state != SUMMARY_WHOLE || !e->summary.has_spec)
        return false;
    return action || !time_is_short(e, &last, &end);
}

static bool is_good_files(const struct evidence *e)
{
    if (e->exit_code != 0 || e->missing)
        return false;
    if (e->summary.state == SUMMARY_ABSENT && !e->wants_summary)
        return true;
    return e->summary.state == SUMMARY_WHOLE && e->summary.has_spec;
}

static bool is_good(const struct evidence *e, bool *action)
{
    const struct prt_facts *l = &e->log;
    *action = false;
    if (e->signal != 0 || e->empty_output || e->too_much)
        return false;
    if (e->kind == JUDGE_FILES)
        return is_good_files(e);
    *action = l->action_status >= 0 && l->action_status == e->exit_code;
    if (e->exit_code != 0 && !*action)
        return false;
    return is_simulator_log_clean(e) && is_summary_good(e, *action);
}

static bool judge_our_doing(const struct evidence *e, struct judgement *out)
{
    char limit[UNITS_TEXT_BYTES], at[80];
    switch (e->ending) {
    case ENDING_WALL_TIME:
        units_format_duration(e->wall_limit_ms, limit);
        set(out, VERDICT_TIMEOUT, "killed",
            "wall time of %s was up %s; raise simulator.wallTime or look why it is slow", limit,
            where(e, at, sizeof at));
        return true;
    case ENDING_MEMORY:
        units_format_size((uint64_t)(e->mem_limit_bytes > 0 ? e->mem_limit_bytes : 0), limit);
        set(out, VERDICT_OUT_OF_MEMORY, "killed",
            "used more than its %s of memory %s; it needs a bigger resources.memory", limit,
            where(e, at, sizeof at));
        return true;
    case ENDING_DISK:
        set(out, VERDICT_OUT_OF_DISK, "killed",
            "scratch space ran out %s; use a larger --scratch, fewer slots or keep less",
            where(e, at, sizeof at));
        return true;
    case ENDING_STOPPED:
        set(out, VERDICT_CANCELLED, "stopped", "the worker was told to stop");
        return true;
    case ENDING_ITSELF:
        break;
    }
    return false;
}

static void judge_signal(const struct evidence *e, int n, struct judgement *out)
{
    char text[WORDS_BYTES], at[80];
    const char *name = sigabbrev_np(n);
    (void)words(e, text, sizeof text);
    (void)where(e, at, sizeof at);
    if (e->log.bad_alloc)
        set(out, VERDICT_OUT_OF_MEMORY, "signal",
            "could not get memory %s%s; it needs a bigger resources.memory", at, text);
    else if (n == SIGKILL && e->oom_kill_rose)
        set(out, VERDICT_OUT_OF_MEMORY, "signal",
            "the kernel's out-of-memory killer ended it %s; it needs a bigger resources.memory",
            at);
    else if (e->disk_was_full || e->log.no_space)
        set(out, VERDICT_OUT_OF_DISK, "signal",
            "ended by SIG%s %s with the disk full; make room or use another --scratch",
            name ? name : "?", at);
    else if (n == SIGKILL || n == SIGTERM || n == SIGHUP || n == SIGINT)
        set(out, VERDICT_CRASHED, "signal", "ended by SIG%s from outside %s", name ? name : "?",
            at);
    else
        set(out, VERDICT_CRASHED, "signal",
            "crashed by SIG%s %s%s; see its stderr: decksweep logs --file stderr",
            name ? name : "?", at, text);
}

/* Said so itself: words weigh more than the number it returned. */
static bool judge_words(const struct evidence *e, struct judgement *out)
{
    const struct prt_facts *l = &e->log;
    char text[WORDS_BYTES], at[80];
    (void)words(e, text, sizeof text);
    (void)where(e, at, sizeof at);
    if (l->bad_alloc) {
        set(out, VERDICT_OUT_OF_MEMORY, "error",
            "could not get memory %s%s; it needs a bigger resources.memory", at, text);
        return true;
    }
    if (e->disk_was_full || l->no_space || (e->exit_code == 0 && e->empty_output)) {
        set(out, VERDICT_OUT_OF_DISK, "error",
            "the disk was full %s%s; make room or use another --scratch", at,
            l->no_space ? text : "");
        return true;
    }
    if (l->not_converged) {
        set(out, VERDICT_NOT_CONVERGED, "error",
            "the solver gave up %s%s; see failure.notConvergedArgs", at, text);
        return true;
    }
    if (l->bad_option) {
        set(out, VERDICT_DECK_ERROR, "error",
            "the simulator does not take an option%s; see simulator.args", text);
        return true;
    }
    if (l->no_input) {
        set(out, VERDICT_DECK_ERROR, "error", "the simulator did not find its deck%s", text);
        return true;
    }
    if (l->simulation_off) {
        set(out, VERDICT_DECK_ERROR, "early",
            "nothing was simulated: NOSIM in the deck or a dry run; remove it");
        return true;
    }
    return false;
}

static void judge_status(const struct evidence *e, struct judgement *out)
{
    char text[WORDS_BYTES], at[80];
    (void)words(e, text, sizeof text);
    (void)where(e, at, sizeof at);
    if (e->kind == JUDGE_FILES)
        set(out, VERDICT_CRASHED, "error",
            "exit status %d%s; see its stderr: decksweep logs --file stderr", e->exit_code, text);
    else if (e->log.deck_file[0] || (e->log.message[0] && e->summary.n_report_steps <= 0))
        set(out, VERDICT_DECK_ERROR, "error", "the simulator refused the deck%s; correct it", text);
    else if (e->log.n_errors > 0)
        set(out, VERDICT_DECK_ERROR, "error", "exit status %d with %lld errors %s%s; see its PRT",
            e->exit_code, (long long)e->log.n_errors, at, text);
    else
        set(out, VERDICT_CRASHED, "error",
            "exit status %d %s%s; see its stderr: decksweep logs --file stderr", e->exit_code, at,
            text);
}

/* Status 0, and yet: which of the proofs of success is missing. */
static bool judge_log_gap(const struct evidence *e, struct judgement *out)
{
    const struct prt_facts *l = &e->log;
    char text[WORDS_BYTES], at[80];
    (void)where(e, at, sizeof at);
    if (l->lost_output) {
        set(out, VERDICT_INCOMPLETE, "error",
            "its output thread failed %s and it went on without: files may lack steps%s", at,
            words(e, text, sizeof text));
        return true;
    }
    if (l->n_errors > 0 || l->n_bugs > 0) {
        bool deck = l->deck_file[0] || e->summary.n_report_steps <= 0;
        set(out, deck ? VERDICT_DECK_ERROR : VERDICT_INCOMPLETE, "error",
            "PRT counts %lld errors and %lld bugs %s%s",
            (long long)(l->n_errors > 0 ? l->n_errors : 0),
            (long long)(l->n_bugs > 0 ? l->n_bugs : 0), at, words(e, text, sizeof text));
        return true;
    }
    if (e->kind == JUDGE_FLOW && !l->end_banner) {
        set(out, VERDICT_INCOMPLETE, "early", "exit status 0 without 'End of simulation' %s%s", at,
            words(e, text, sizeof text));
        return true;
    }
    if ((e->kind == JUDGE_ECLIPSE || l->has_prt) && !l->has_error_summary) {
        set(out, VERDICT_INCOMPLETE, "early", "PRT does not end with its error summary: cut %s",
            at);
        return true;
    }
    return false;
}

static void judge_files_gap(const struct evidence *e, struct judgement *out)
{
    const struct summary_facts *s = &e->summary;
    double last, end;
    if (s->state == SUMMARY_CUT && e->log.end_banner)
        set(out, VERDICT_OUT_OF_DISK, "error",
            "UNSMRY is cut although the simulator says it ended well: the disk was full while it "
            "ran");
    else if (s->state == SUMMARY_CUT || s->state == SUMMARY_CORRUPT)
        set(out, VERDICT_INCOMPLETE, "early", "UNSMRY %s",
            s->state == SUMMARY_CUT ? "ends inside a record" : "is corrupt: its records disagree");
    else if (e->missing)
        set(out, VERDICT_INCOMPLETE, "early",
            "no output file is there for %s, which results.keep asks for", e->missing);
    else if (s->state == SUMMARY_ABSENT)
        set(out, VERDICT_INCOMPLETE, "early",
            "no summary was written: END before the first TSTEP, or no SUMMARY section?");
    else if (!s->has_spec)
        set(out, VERDICT_INCOMPLETE, "early", "SMSPEC is missing or not readable");
    else if (time_is_short(e, &last, &end) && isfinite(last))
        set(out, VERDICT_INCOMPLETE, "early",
            "stopped at day %.10g of %.10g with exit status 0: END inside the schedule?", last,
            end);
    else
        set(out, VERDICT_INCOMPLETE, "early", "no time step was simulated");
}

void judge_case(const struct evidence *e, struct judgement *out)
{
    bool action;
    if (is_good(e, &action)) {
        set(out, VERDICT_OK, action ? "action" : "normal", "%s", "");
        return;
    }
    if (judge_our_doing(e, out))
        return;
    int n = signal_of(e);
    if (n > 0) {
        judge_signal(e, n, out);
        return;
    }
    if (judge_words(e, out))
        return;
    if (e->exit_code != 0 && !action) {
        judge_status(e, out);
        return;
    }
    if (e->kind != JUDGE_FILES && judge_log_gap(e, out))
        return;
    if (e->too_much) {
        set(out, VERDICT_INCOMPLETE, "early", "%s; make the simulator write less", e->too_much);
        return;
    }
    judge_files_gap(e, out);
}
