/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every row of docs/worker.md's table of verdicts is a row here. */
#include "agent/judge.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>

/* A run of 120 steps and 3650 days that went well. */
static struct evidence good(enum judge_kind kind)
{
    struct evidence e;
    evidence_init(&e);
    e.kind = kind;
    e.exit_code = 0;
    e.log.end_banner = kind == JUDGE_FLOW;
    e.log.has_error_summary = e.log.has_prt = true;
    e.log.n_errors = e.log.n_bugs = 0;
    e.summary.state = SUMMARY_WHOLE;
    e.summary.has_spec = true;
    e.summary.n_report_steps = 120;
    e.summary.last_time_days = 3650;
    e.end_time_days = 3650;
    e.n_report_steps = 120;
    e.wants_summary = true;
    e.wall_limit_ms = 7200000;
    e.mem_limit_bytes = (int64_t)100 << 20;
    return e;
}

static void words(struct evidence *e, const char *message, const char *file, int64_t line)
{
    (void)snprintf(e->log.message, sizeof e->log.message, "%s", message);
    (void)snprintf(e->log.deck_file, sizeof e->log.deck_file, "%s", file);
    e->log.deck_line = line;
}

/* ---- what befalls a Flow run ---- */

static void nothing(struct evidence *e)
{
    (void)e;
}
static void deck_not_found(struct evidence *e)
{
    e->exit_code = 1;
    e->log.no_input = true;
    e->log.end_banner = e->log.has_prt = e->log.has_error_summary = false;
    e->summary = (struct summary_facts){.n_report_steps = -1, .last_time_days = NAN};
    words(e, "Cannot find input case 'NOPE.DATA'", "", 0);
}
static void unknown_option(struct evidence *e)
{
    deck_not_found(e);
    e->log.no_input = false;
    e->log.bad_option = true;
    words(e, "unknown option FooBar=\"1\"", "", 0);
}
static void bad_option_value(struct evidence *e)
{
    unknown_option(e);
    e->exit_code = -1;
    e->signal = SIGABRT;
    e->log.bad_option = false;
    words(e, "Creation of output directory '/proc/x' failed", "", 0);
}
static void missing_include(struct evidence *e)
{
    deck_not_found(e);
    e->log.no_input = false;
    words(e, "No such file: /abs/nope.inc", "", 0);
}
static void unknown_keyword(struct evidence *e)
{
    missing_include(e);
    words(e, "Unknown keyword: FOOBARXX", "CASE.DATA", 88);
    e->log.place_is_last_read = true;
}
static void malformed_number(struct evidence *e)
{
    missing_include(e);
    words(e, "Problem with keyword PORO: Malformed floating point number '<PORO>'", "CASE.DATA",
          91);
}
static void nan_poro(struct evidence *e)
{
    missing_include(e);
    e->exit_code = -1;
    e->signal = SIGABRT;
    words(e, "Assertion `poro >= 0' failed", "", 0);
}
static void zero_poro(struct evidence *e)
{
    missing_include(e);
    words(e, "Failed to create valid EclipseState object.", "", 0);
}
static void no_convergence(struct evidence *e)
{
    e->exit_code = 1;
    e->log.end_banner = false;
    e->log.not_converged = true;
    e->log.n_errors = 1;
    e->summary.n_report_steps = 32;
    e->summary.last_time_days = 970.45;
    words(e, "Solver failed to converge after cutting timestep 10 times.", "", 0);
}
static void bad_alloc(struct evidence *e)
{
    missing_include(e);
    e->log.bad_alloc = true;
    words(e, "Could not initialize the problem: std::bad_alloc", "", 0);
}
static void bad_alloc_aborts(struct evidence *e)
{
    bad_alloc(e);
    e->exit_code = -1;
    e->signal = SIGABRT;
}
static void killed(struct evidence *e)
{
    e->exit_code = -1;
    e->signal = SIGKILL;
    e->log.end_banner = e->log.has_error_summary = false;
    e->summary.n_report_steps = 10;
    e->summary.last_time_days = 300;
}
static void killed_for_memory(struct evidence *e)
{
    killed(e);
    e->oom_kill_rose = true;
}
static void killed_under_mpirun(struct evidence *e)
{
    killed(e);
    e->exit_code = 137;
    e->signal = 0;
}
static void terminated(struct evidence *e)
{
    killed(e);
    e->signal = SIGTERM;
}
static void crashed(struct evidence *e)
{
    killed(e);
    e->signal = SIGSEGV;
}
static void crashed_on_full_disk(struct evidence *e)
{
    killed(e);
    e->signal = SIGBUS;
    e->disk_was_full = true;
}
static void crashed_through_shell(struct evidence *e)
{
    killed(e);
    e->signal = 0;
    e->exit_code = 139;
}
static void full_disk(struct evidence *e) /* rc 0, banner, UNSMRY cut, INFOSTEP empty */
{
    e->summary.state = SUMMARY_CUT;
    e->summary.n_report_steps = 50;
    e->summary.last_time_days = 1500;
    e->empty_output = true;
}
static void full_disk_cut_only(struct evidence *e)
{
    full_disk(e);
    e->empty_output = false;
}
static void full_disk_at_record(struct evidence *e)
{
    full_disk(e);
    e->summary.state = SUMMARY_WHOLE;
}
static void full_disk_seen(struct evidence *e)
{
    full_disk_at_record(e);
    e->empty_output = false;
    e->disk_was_full = true;
}
static void full_disk_said(struct evidence *e)
{
    killed(e);
    e->signal = 0;
    e->exit_code = 1;
    e->log.no_space = true;
    words(e, "No space left on device", "", 0);
}
static void nosim(struct evidence *e)
{
    e->log.end_banner = false;
    e->log.simulation_off = true;
    e->summary = (struct summary_facts){.n_report_steps = -1, .last_time_days = NAN};
}
static void end_before_schedule(struct evidence *e)
{
    e->summary = (struct summary_facts){.n_report_steps = -1, .last_time_days = NAN};
}
static void end_in_schedule(struct evidence *e)
{
    e->summary.n_report_steps = 60;
    e->summary.last_time_days = 1800;
}
static void half_a_step(struct evidence *e) /* the last SEQHDR alone would accept it */
{
    e->summary.last_time_days = 3634.5;
}
static void action_ends(struct evidence *e)
{
    e->exit_code = 7;
    e->log.action_status = 7;
    e->summary.n_report_steps = 41;
    e->summary.last_time_days = 1250;
}
static void action_ends_with_zero(struct evidence *e)
{
    action_ends(e);
    e->exit_code = 0;
    e->log.action_status = 0;
}
static void action_says_137(struct evidence *e)
{
    action_ends(e);
    e->exit_code = 137;
    e->log.action_status = 137;
}
static void action_and_crash(struct evidence *e)
{
    action_ends(e);
    e->exit_code = 1;
}
static void action_with_cut_summary(struct evidence *e)
{
    action_ends(e);
    e->summary.state = SUMMARY_CUT;
}
static void errors_counted(struct evidence *e)
{
    e->log.n_errors = 2;
    words(e, "Something was wrong", "", 0);
}
static void bugs_counted(struct evidence *e)
{
    e->log.n_bugs = 1;
}
static void lost_output(struct evidence *e) /* "Trying to continue.", status 0, all else well */
{
    e->log.lost_output = true;
    words(e, "tasklet: disk on fire", "", 0);
}
static void lost_output_for_memory(struct evidence *e)
{
    lost_output(e);
    e->log.bad_alloc = true;
}
static void no_banner(struct evidence *e)
{
    e->log.end_banner = false;
}
static void prt_cut(struct evidence *e)
{
    e->log.has_error_summary = false;
    e->log.n_errors = e->log.n_bugs = -1;
}
static void no_prt_at_all(struct evidence *e) /* --output-mode=none */
{
    prt_cut(e);
    e->log.has_prt = false;
}
static void no_spec(struct evidence *e)
{
    e->summary.has_spec = false;
}
static void corrupt(struct evidence *e)
{
    e->summary.state = SUMMARY_CORRUPT;
}
static void status_without_words(struct evidence *e)
{
    e->exit_code = 3;
    e->log.end_banner = false;
}
static void wall_time(struct evidence *e)
{
    terminated(e);
    e->ending = ENDING_WALL_TIME;
}
static void
wall_time_but_done(struct evidence *e) /* it ended well while our SIGTERM was on its way */
{
    e->ending = ENDING_WALL_TIME;
}
static void our_memory_limit(struct evidence *e)
{
    killed(e);
    e->ending = ENDING_MEMORY;
}
static void our_disk_limit(struct evidence *e)
{
    killed(e);
    e->ending = ENDING_DISK;
}
static void stopped(struct evidence *e)
{
    terminated(e);
    e->ending = ENDING_STOPPED;
}
static void stopped_but_done(struct evidence *e)
{
    e->ending = ENDING_STOPPED;
}
static void six_digit_end(struct evidence *e) /* only Flow's own words tell the end */
{
    e->end_time_days = NAN;
    e->log.end_day = 1.23457e6;
    e->summary.last_time_days = 1234567;
}
static void unknown_end(struct evidence *e)
{
    e->end_time_days = NAN;
    e->summary.last_time_days = 12;
}

struct row {
    const char *name;
    void (*befall)(struct evidence *e);
    enum verdict verdict;
    const char *ended;
    const char *says; /* in the reason; NULL: the reason is empty */
};

static void check(enum judge_kind kind, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct evidence e = good(kind);
        struct judgement j;
        rows[i].befall(&e);
        judge_case(&e, &j);
        cr_expect_eq(j.verdict, rows[i].verdict, "%s: %s (%s)", rows[i].name,
                     verdict_name(j.verdict), j.reason);
        cr_expect_str_eq(j.ended, rows[i].ended, "%s: %s", rows[i].name, j.ended);
        if (rows[i].says)
            cr_expect_not_null(strstr(j.reason, rows[i].says), "%s: %s", rows[i].name, j.reason);
        else
            cr_expect_str_eq(j.reason, "", "%s: %s", rows[i].name, j.reason);
        cr_expect_null(strchr(j.reason, '\n'), "%s: one line", rows[i].name);
    }
}

Test(judge, of_flow_gives_the_verdict_of_every_row_of_the_table)
{
    static const struct row rows[] = {
        {"good", nothing, VERDICT_OK, "normal", NULL},
        {"deck not found", deck_not_found, VERDICT_DECK_ERROR, "error", "did not find its deck"},
        {"unknown option", unknown_option, VERDICT_DECK_ERROR, "error", "simulator.args"},
        {"bad option value", bad_option_value, VERDICT_CRASHED, "signal", "Creation of output"},
        {"missing include", missing_include, VERDICT_DECK_ERROR, "error", "No such file"},
        {"unknown keyword", unknown_keyword, VERDICT_DECK_ERROR, "error",
         "FOOBARXX (read up to CASE.DATA line 88)"},
        {"malformed number", malformed_number, VERDICT_DECK_ERROR, "error", "(CASE.DATA line 91)"},
        {"NaN porosity", nan_poro, VERDICT_CRASHED, "signal", "SIGABRT"},
        {"zero porosity", zero_poro, VERDICT_DECK_ERROR, "error", "EclipseState"},
        {"no convergence", no_convergence, VERDICT_NOT_CONVERGED, "error",
         "in report step 33 of 120"},
        {"bad_alloc", bad_alloc, VERDICT_OUT_OF_MEMORY, "error", "resources.memory"},
        {"bad_alloc aborts", bad_alloc_aborts, VERDICT_OUT_OF_MEMORY, "signal", "bad_alloc"},
        {"SIGKILL", killed, VERDICT_CRASHED, "signal", "SIGKILL from outside"},
        {"SIGKILL, oom_kill rose", killed_for_memory, VERDICT_OUT_OF_MEMORY, "signal",
         "out-of-memory killer"},
        {"137 of mpirun", killed_under_mpirun, VERDICT_CRASHED, "signal", "SIGKILL"},
        {"SIGTERM from outside", terminated, VERDICT_CRASHED, "signal", "SIGTERM"},
        {"SIGSEGV", crashed, VERDICT_CRASHED, "signal", "SIGSEGV"},
        {"SIGBUS, disk full", crashed_on_full_disk, VERDICT_OUT_OF_DISK, "signal", "disk full"},
        {"139 of a shell", crashed_through_shell, VERDICT_CRASHED, "signal", "SIGSEGV"},
        {"disk full, all signs", full_disk, VERDICT_OUT_OF_DISK, "error", "disk was full"},
        {"disk full, cut only", full_disk_cut_only, VERDICT_OUT_OF_DISK, "error", "UNSMRY is cut"},
        {"disk full, INFOSTEP empty", full_disk_at_record, VERDICT_OUT_OF_DISK, "error", "disk"},
        {"disk full, seen by us", full_disk_seen, VERDICT_OUT_OF_DISK, "error", "disk"},
        {"disk full, said", full_disk_said, VERDICT_OUT_OF_DISK, "error", "No space left"},
        {"NOSIM", nosim, VERDICT_DECK_ERROR, "early", "NOSIM"},
        {"END before TSTEP", end_before_schedule, VERDICT_INCOMPLETE, "early", "END before"},
        {"END in the schedule", end_in_schedule, VERDICT_INCOMPLETE, "early", "1800 of 3650"},
        {"half a last step", half_a_step, VERDICT_INCOMPLETE, "early", "3634.5 of 3650"},
        {"ACTIONX EXIT 7", action_ends, VERDICT_OK, "action", NULL},
        {"ACTIONX EXIT 0", action_ends_with_zero, VERDICT_OK, "action", NULL},
        {"ACTIONX EXIT 137", action_says_137, VERDICT_OK, "action", NULL},
        {"ACTIONX, other status", action_and_crash, VERDICT_CRASHED, "error", "exit status 1"},
        {"ACTIONX, cut summary", action_with_cut_summary, VERDICT_OUT_OF_DISK, "error", "cut"},
        {"errors counted", errors_counted, VERDICT_INCOMPLETE, "error", "2 errors"},
        {"bugs counted", bugs_counted, VERDICT_INCOMPLETE, "error", "1 bugs"},
        {"output thread failed", lost_output, VERDICT_INCOMPLETE, "error", "may lack steps"},
        {"output thread, bad_alloc", lost_output_for_memory, VERDICT_OUT_OF_MEMORY, "error",
         "memory"},
        {"no banner", no_banner, VERDICT_INCOMPLETE, "early", "End of simulation"},
        {"PRT cut", prt_cut, VERDICT_INCOMPLETE, "early", "error summary"},
        {"no PRT at all", no_prt_at_all, VERDICT_OK, "normal", NULL},
        {"no SMSPEC", no_spec, VERDICT_INCOMPLETE, "early", "SMSPEC"},
        {"corrupt summary", corrupt, VERDICT_INCOMPLETE, "early", "corrupt"},
        {"status without words", status_without_words, VERDICT_CRASHED, "error", "exit status 3"},
        {"wall time", wall_time, VERDICT_TIMEOUT, "killed", "2h"},
        {"wall time, ended well", wall_time_but_done, VERDICT_OK, "normal", NULL},
        {"our memory limit", our_memory_limit, VERDICT_OUT_OF_MEMORY, "killed", "100 MiB"},
        {"our disk limit", our_disk_limit, VERDICT_OUT_OF_DISK, "killed", "--scratch"},
        {"stopped", stopped, VERDICT_CANCELLED, "stopped", "told to stop"},
        {"stopped, ended well", stopped_but_done, VERDICT_OK, "normal", NULL},
        {"end known by Flow's words", six_digit_end, VERDICT_OK, "normal", NULL},
        {"end known to nobody", unknown_end, VERDICT_OK, "normal", NULL},
    };
    check(JUDGE_FLOW, rows, DS_COUNT(rows));
}

static void eclipse_errors(struct evidence *e) /* status 0, and yet */
{
    e->log.n_errors = 3;
    e->summary.n_report_steps = 0;
    words(e, "AN UNKNOWN KEYWORD HAS BEEN INPUT: FOO", "", 0);
}
static void eclipse_late_error(struct evidence *e)
{
    e->log.n_errors = 1;
    e->summary.n_report_steps = 40;
    e->summary.last_time_days = 900;
}
static void eclipse_converge(struct evidence *e)
{
    eclipse_late_error(e);
    e->log.not_converged = true;
}

Test(judge, of_eclipse_trusts_counts_and_time_not_the_exit_status)
{
    static const struct row rows[] = {
        {"good", nothing, VERDICT_OK, "normal", NULL},
        {"errors at the start", eclipse_errors, VERDICT_DECK_ERROR, "error", "3 errors"},
        {"error later", eclipse_late_error, VERDICT_INCOMPLETE, "error", "in report step 41"},
        {"no convergence", eclipse_converge, VERDICT_NOT_CONVERGED, "error", "solver"},
        {"PRT cut", prt_cut, VERDICT_INCOMPLETE, "early", "error summary"},
        {"no PRT at all", no_prt_at_all, VERDICT_INCOMPLETE, "early", "error summary"},
        {"ended early", end_in_schedule, VERDICT_INCOMPLETE, "early", "1800 of 3650"},
        {"SIGKILL", killed, VERDICT_CRASHED, "signal", "SIGKILL"},
        {"cut summary", full_disk_cut_only, VERDICT_INCOMPLETE, "early", "inside a record"},
        {"wall time", wall_time, VERDICT_TIMEOUT, "killed", "wall time"},
    };
    check(JUDGE_ECLIPSE, rows, DS_COUNT(rows));
}

static void no_words_no_summary(struct evidence *e)
{
    end_before_schedule(e);
    e->wants_summary = false;
}
static void folder_too_deep(struct evidence *e)
{
    e->too_much = "its folders are nested too deep";
}
static void glob_missing(struct evidence *e)
{
    no_words_no_summary(e);
    e->missing = "*.vtu";
}
static void files_status(struct evidence *e)
{
    no_words_no_summary(e);
    e->exit_code = 2;
    words(e, "boom", "", 0);
}

Test(judge, of_files_asks_for_status_zero_and_what_keep_names)
{
    static const struct row rows[] = {
        {"good", nothing, VERDICT_OK, "normal", NULL},
        {"no summary wanted", no_words_no_summary, VERDICT_OK, "normal", NULL},
        {"a folder that cannot be kept", folder_too_deep, VERDICT_INCOMPLETE, "early", "too deep"},
        {"a glob without a file", glob_missing, VERDICT_INCOMPLETE, "early", "*.vtu"},
        {"no summary but wanted", end_before_schedule, VERDICT_INCOMPLETE, "early", "no summary"},
        {"cut summary", full_disk_at_record, VERDICT_OUT_OF_DISK, "error", "disk"},
        {"status 2", files_status, VERDICT_CRASHED, "error", "exit status 2: boom"},
        {"SIGSEGV", crashed, VERDICT_CRASHED, "signal", "SIGSEGV"},
        {"our memory limit", our_memory_limit, VERDICT_OUT_OF_MEMORY, "killed", "memory"},
    };
    check(JUDGE_FILES, rows, DS_COUNT(rows));
}

Test(judge, accepts_the_end_within_float32_and_no_further)
{
    static const struct {
        double last, end;
        bool reached;
    } rows[] = {
        {3650, 3650, true},
        {(double)(float)3652.333333, 3652.333333, true},
        {(double)(float)30.7, 30.7, true},
        {970.45, 973, false},
        {3649.9, 3650, false},
        {0.999, 1, false},
        {3651, 3650, true},
        {NAN, 3650, false},
        {3650, NAN, false},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++)
        cr_expect_eq(judge_reached_end(rows[i].last, rows[i].end), rows[i].reached, "%g of %g",
                     rows[i].last, rows[i].end);
}

Test(judge, keeps_control_bytes_of_a_simulator_out_of_the_reason)
{
    struct evidence e = good(JUDGE_FLOW);
    struct judgement j;
    missing_include(&e);
    words(&e, "evil\x1b[31m\nred", "", 0);
    judge_case(&e, &j);
    for (const char *p = j.reason; *p; p++)
        cr_expect((unsigned char)*p >= 0x20);
}
