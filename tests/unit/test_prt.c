/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What simulators say, from recordings of Flow and composed texts of Eclipse. */
#include "agent/prt.h"
#include "base/arena.h"
#include "base/fs_io.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DATA "tests/data/judge/"

static void feed_file(struct prt_reader *r, enum prt_stream s, const char *path, size_t piece)
{
    struct ds_arena *a = arena_create((size_t)16 << 20);
    struct ds_span text;
    struct ds_err err;
    cr_assert_eq(fs_read_file(path, 8 << 20, a, &text, &err), 0, "%s", err.text);
    for (size_t at = 0; at < text.len; at += piece)
        prt_feed(r, s, text.ptr + at, text.len - at < piece ? text.len - at : piece);
    arena_destroy(a);
}

static void read_condition(const char *name, size_t piece, struct prt_facts *f)
{
    struct prt_reader r;
    char path[200];
    glob_t g;
    prt_init(&r);
    (void)snprintf(path, sizeof path, DATA "%s/stdout", name);
    feed_file(&r, PRT_STREAM_STDOUT, path, piece);
    (void)snprintf(path, sizeof path, DATA "%s/stderr", name);
    feed_file(&r, PRT_STREAM_STDERR, path, piece);
    (void)snprintf(path, sizeof path, DATA "%s/*.PRT", name);
    if (glob(path, 0, NULL, &g) == 0) {
        feed_file(&r, PRT_STREAM_PRT, g.gl_pathv[0], piece);
        globfree(&g);
    }
    prt_finish(&r, f);
}

enum {
    END = 1,
    OFF = 2,
    SUM = 4,
    MEM = 8,
    CONV = 16,
    OPT = 32,
    DECK = 64,
    READ = 256, /* the place is where reading had come to */
    NOPRT = 512,
};

struct said {
    const char *condition;
    unsigned flags;
    int64_t errors;
    enum prt_rank rank;
    const char *message;
    const char *file;
    int64_t line;
};

static const struct said SAID[] = {
    {"success", END | SUM, 0, PRT_RANK_NONE, "", "", 0},
    {"deck_not_found", DECK | NOPRT, -1, PRT_RANK_CAUSE,
     "Cannot find input case 'NOPE.DATA'. Try '--help' for a usage description.", "", 0},
    {"unknown_option", OPT | NOPRT, -1, PRT_RANK_SPECIFIC, "unknown option: FooBar=\"1\"", "", 0},
    {"bad_option_value", OPT | SUM, 0, PRT_RANK_CAUSE,
     "Cannot parse value \"many\" for key \".NewtonMaxIterations\" as a int", "", 0},
    {"output_dir_impossible", NOPRT, -1, PRT_RANK_CAUSE,
     "Creation of output directory '/proc/nope' failed", "", 0},
    {"output_dir_is_file", NOPRT, -1, PRT_RANK_CAUSE, "Creation of output directory 'out' failed",
     "", 0},
    {"missing_include", SUM | READ, 1, PRT_RANK_SPECIFIC, "No such file: /case/nope.inc",
     "CASE.DATA", 87},
    {"unknown_keyword", SUM | READ, 2, PRT_RANK_SPECIFIC, "Unknown keyword: FOOBARXX", "CASE.DATA",
     87},
    {"unknown_vector", SUM | READ, 2, PRT_RANK_SPECIFIC, "Unknown keyword: FQQQ", "CASE.DATA", 283},
    {"malformed_number", SUM, 2, PRT_RANK_SPECIFIC,
     "Problem with keyword PORO: Malformed floating point number '25x'", "CASE.DATA", 91},
    {"placeholder_left", SUM, 2, PRT_RANK_SPECIFIC,
     "Problem with keyword PORO: Malformed floating point number '<PORO>'", "CASE.DATA", 91},
    {"mpi_parse_error", SUM, 2, PRT_RANK_SPECIFIC,
     "Problem with keyword PORO: Malformed floating point number '<PORO>'", "CASE.DATA", 91},
    {"too_few_values", SUM, 2, PRT_RANK_SPECIFIC,
     "Fundamental error with keyword: PORO at: CASE.DATA, line: 91 got 299 elements - expected : "
     "300",
     "CASE.DATA", 91},
    {"too_many_values", SUM, 2, PRT_RANK_SPECIFIC,
     "Fundamental error with keyword: PORO at: CASE.DATA, line: 91 got 301 elements - expected : "
     "300",
     "CASE.DATA", 91},
    {"missing_slash", SUM, 2, PRT_RANK_SPECIFIC,
     "Record contains too many items in keyword DIMENS. Expected 3 items, found 4.", "CASE.DATA",
     26},
    {"truncated_deck", SUM, 1, PRT_RANK_SPECIFIC,
     "Problem with keyword BPR: Keyword is not properly terminated.", "CASE.DATA", 299},
    {"empty_deck", SUM, 2, PRT_RANK_SPECIFIC,
     "Must have either SPECGRID or DIMENS to indicate grid dimensions", "", 0},
    {"bad_date", SUM, 2, PRT_RANK_SPECIFIC,
     "Problem with keyword DATES: Keyword DATES specifies a time 01-Jan-2010 00:00:00 earlier than "
     "the end time of previous report step 01-Jan-2015 00:00:00",
     "CASE.DATA", 421},
    {"unknown_well", SUM, 3, PRT_RANK_SPECIFIC,
     "Problem with keyword WCONPROD: No wells/groups match the pattern: 'NOBODY'", "CASE.DATA",
     404},
    {"illegal_well_name", SUM, 3, PRT_RANK_SPECIFIC,
     "Problem with keyword WELSPECS: Illegal space in INJE1  when defining WELL/GROUP.",
     "SPE9_CP_SHORT.DATA", 403},
    {"restart_without_base", SUM, 2, PRT_RANK_SPECIFIC,
     "Problem with keyword RESTART: The restart file SPE1CASE2.UNRST does not exist",
     "SPE1CASE2_RESTART.DATA", 245},
    {"restart_step_missing", SUM, 2, PRT_RANK_SPECIFIC,
     "Problem with keyword RESTART: Report step 60 not found in restart file SPE1CASE2.UNRST",
     "SPE1CASE2_RESTART.DATA", 245},
    {"restart_no_unifin", SUM, 2, PRT_RANK_SPECIFIC,
     "Problem with keyword RESTART: The restart file SPE1CASE2.X0060 does not exist",
     "SPE1CASE2_RESTART.DATA", 244},
    {"nan_poro", 0, -1, PRT_RANK_CAUSE, "Assertion `pv_sum > 0.' failed.", "", 0},
    {"negative_poro", 0, -1, PRT_RANK_CAUSE, "Assertion `pv_sum > 0.' failed.", "", 0},
    {"zero_poro", 0, -1, PRT_RANK_CAUSE,
     "No active cell in input grid has valid/finite cell geometry: Please check geometry keywords, "
     "especially if grid is imported through GDFILE",
     "", 0},
    {"not_converged", SUM | CONV, 1, PRT_RANK_ERROR,
     "Solver failed to converge after cutting timestep 1 times.", "", 0},
    {"not_converged_minimum", SUM | CONV, 1, PRT_RANK_ERROR,
     "Solver failed to converge after cutting timestep to 432000.000000 which is the minimum "
     "threshold givenby option --solver-min-time-step=",
     "", 0},
    {"little_memory", SUM | MEM, 0, PRT_RANK_CAUSE, "std::bad_alloc", "", 0},
    {"little_memory_early", MEM | NOPRT, -1, PRT_RANK_CAUSE,
     "_PyErr_NoMemory: Out of memory and PyExc_MemoryError is not initialized yet", "", 0},
    {"killed", 0, -1, PRT_RANK_NONE, "", "", 0},
    {"terminated", 0, -1, PRT_RANK_NONE, "", "", 0},
    {"disk_full", END, -1, PRT_RANK_NONE, "", "", 0},
    {"nosim", OFF | SUM, 0, PRT_RANK_NONE, "", "", 0},
    {"dry_run", OFF | SUM, 0, PRT_RANK_NONE, "", "", 0},
    {"end_before_tstep", END | SUM, 0, PRT_RANK_NONE, "", "", 0},
    {"end_in_include", END | SUM, 0, PRT_RANK_NONE, "", "", 0},
    {"action_exit", END | SUM, 0, PRT_RANK_NONE, "", "", 0},
};

static unsigned flags_of(const struct prt_facts *f)
{
    return (f->end_banner ? END : 0u) | (f->simulation_off ? OFF : 0u)
           | (f->has_error_summary ? SUM : 0u) | (f->bad_alloc ? MEM : 0u)
           | (f->not_converged ? CONV : 0u) | (f->bad_option ? OPT : 0u) | (f->no_input ? DECK : 0u)
           | (f->place_is_last_read ? READ : 0u) | (f->has_prt ? 0u : NOPRT);
}

Test(prt, every_recorded_failure_gives_its_first_error_with_deck_file_and_line)
{
    for (size_t i = 0; i < DS_COUNT(SAID); i++) {
        const struct said *s = &SAID[i];
        struct prt_facts f;
        read_condition(s->condition, 4096, &f);
        cr_expect_str_eq(f.message, s->message, "%s: '%s'", s->condition, f.message);
        cr_expect_str_eq(f.deck_file, s->file, "%s: '%s'", s->condition, f.deck_file);
        cr_expect_eq(f.deck_line, s->line, "%s: %d", s->condition, (int)f.deck_line);
        cr_expect_eq(f.rank, s->rank, "%s: rank %d", s->condition, (int)f.rank);
        cr_expect_eq(f.n_errors, s->errors, "%s: %d errors", s->condition, (int)f.n_errors);
        cr_expect_eq(flags_of(&f), s->flags, "%s: flags %u", s->condition, flags_of(&f));
        cr_expect_not(f.no_space);
        cr_expect_not(f.eclipse);
    }
}

Test(prt, every_condition_that_is_recorded_is_in_the_table)
{
    glob_t g;
    cr_assert_eq(glob(DATA "*/status", 0, NULL, &g), 0);
    cr_expect_eq(g.gl_pathc, DS_COUNT(SAID));
    globfree(&g);
}

Test(prt, pieces_of_any_size_say_the_same)
{
    for (size_t i = 0; i < DS_COUNT(SAID); i++) {
        struct prt_facts whole, bytewise;
        memset(&whole, 0, sizeof whole);
        read_condition(SAID[i].condition, 1 << 20, &whole);
        read_condition(SAID[i].condition, 1, &bytewise);
        cr_expect_str_eq(whole.message, bytewise.message);
        cr_expect_eq(flags_of(&whole), flags_of(&bytewise));
        cr_expect_eq(whole.n_chops, bytewise.n_chops);
        cr_expect_eq(whole.last_step, bytewise.last_step);
    }
}

static struct prt_facts read_text(enum prt_stream stream, const char *text)
{
    struct prt_reader r;
    struct prt_facts f;
    prt_init(&r);
    prt_feed(&r, stream, text, strlen(text));
    prt_finish(&r, &f);
    return f;
}

Test(prt, an_actions_exit_names_its_status)
{
    struct prt_facts f;
    read_condition("action_exit", 4096, &f);
    cr_expect_eq(f.action_status, 7);
    cr_expect_eq(f.last_step, 22);
    cr_expect_eq(f.n_steps, 120);
    read_condition("success", 4096, &f);
    cr_expect_eq(f.action_status, -1);
}

Test(prt, progress_is_the_last_report_step)
{
    struct prt_facts f;
    read_condition("killed", 4096, &f);
    cr_expect_eq(f.last_step, 3);
    cr_expect_eq(f.n_steps, 90);
    cr_expect_eq(f.end_day, 900.0);
    f = read_text(PRT_STREAM_STDOUT, "Report step  3/12 at day 1.5e+06/1.2e+06\n"
                                     "Report step x/12 at day 1/2\nReport step 4/12\n");
    cr_expect_eq(f.last_step, 3);
    cr_expect_eq(f.end_day, 1.2e6);
    f = read_text(PRT_STREAM_STDOUT, "nothing\n");
    cr_expect_eq(f.last_step, -1);
    cr_expect(isnan(f.end_day));
}

Test(prt, chopped_steps_are_counted_once_although_both_streams_tell_them)
{
    struct prt_facts f;
    read_condition("not_converged", 4096, &f);
    cr_expect_eq(f.n_chops, 4);
    cr_expect_eq(f.n_problems, 4);
}

Test(prt, eclipses_messages_and_summary_are_read)
{
    struct prt_reader r;
    struct prt_facts f;
    prt_init(&r);
    feed_file(&r, PRT_STREAM_PRT, DATA "eclipse/failed.PRT", 100);
    prt_finish(&r, &f);
    cr_expect(f.eclipse && f.has_error_summary && !f.end_banner);
    cr_expect_str_eq(f.message, "UNRECOGNISED KEYWORD FOOBARXX WHEN EXPECTING A GRID KEYWORD");
    cr_expect_eq(f.n_errors, 2);
    cr_expect_eq(f.n_warnings, 1);
    cr_expect_eq(f.n_bugs, 0);
    prt_init(&r);
    feed_file(&r, PRT_STREAM_PRT, DATA "eclipse/good.PRT", 100);
    prt_finish(&r, &f);
    cr_expect(f.eclipse && f.has_error_summary);
    cr_expect_str_eq(f.message, "");
    cr_expect_eq(f.n_errors, 0);
    cr_expect_eq(f.n_problems, 1);
}

Test(prt, a_counted_word_outside_the_summary_counts_nothing)
{
    struct prt_facts f = read_text(PRT_STREAM_PRT, "Errors 5\nError summary:\nErrors 0\nBugs 0\n");
    cr_expect_eq(f.n_errors, 0);
    f = read_text(PRT_STREAM_PRT, "Errors 5\nBugs 7\n");
    cr_expect_eq(f.n_errors, -1);
    cr_expect_not(f.has_error_summary);
    f = read_text(PRT_STREAM_PRT, "Error summary:\nnothing here\n");
    cr_expect_not(f.has_error_summary);
}

Test(prt, a_gap_forgets_the_line_that_it_cuts)
{
    struct prt_reader r;
    struct prt_facts f;
    prt_init(&r);
    prt_feed(&r, PRT_STREAM_PRT, "Report step 1/9 at day 1/", 25);
    prt_gap(&r);
    prt_feed(&r, PRT_STREAM_PRT, "9\nError summary:\nErrors 3\n", 26);
    prt_finish(&r, &f);
    cr_expect_eq(f.last_step, -1);
    cr_expect_eq(f.n_errors, 3);
}

Test(prt, a_full_disk_and_words_of_unknown_simulators_are_heard)
{
    struct prt_facts f = read_text(PRT_STREAM_STDERR, "cp: write error: No space left on device\n");
    cr_expect(f.no_space);
    f = read_text(PRT_STREAM_STDERR, "loading\n./sim: line 3: foo: command not found\n");
    cr_expect_str_eq(f.message, "./sim: line 3: foo: command not found");
    cr_expect_eq(f.rank, PRT_RANK_NOISE);
    f = read_text(PRT_STREAM_STDERR, "mpirun noticed that process rank 1 with PID 0 on node node "
                                     "exited on signal 9 (Killed).\n");
    cr_expect(f.rank == PRT_RANK_CAUSE && strstr(f.message, "signal 9"));
}

Test(prt, hostile_text_neither_overflows_nor_colours_the_message)
{
    struct prt_reader r;
    struct prt_facts f;
    static char big[100000];
    memset(big, 'A', sizeof big);
    prt_init(&r);
    prt_feed(&r, PRT_STREAM_STDOUT, "\033[31;1mError: \033]0;title\a", 25);
    for (int i = 0; i < 50; i++)
        prt_feed(&r, PRT_STREAM_STDOUT, big, sizeof big);
    prt_feed(&r, PRT_STREAM_STDOUT, "\nIn ", 4);
    prt_feed(&r, PRT_STREAM_STDOUT, big, sizeof big);
    prt_feed(&r, PRT_STREAM_STDOUT, " line 99999999999999999999\n\n", 28);
    prt_finish(&r, &f);
    cr_expect_lt(strlen(f.message), sizeof f.message);
    cr_expect(strlen(f.message) == 300 && strcmp(f.message + 297, "...") == 0, "%s", f.message);
    for (const char *p = f.message; *p; p++)
        cr_expect(*p >= ' ' && *p != 0x7f);
}

Test(prt, places_in_included_files_are_told_from_the_cases_folder)
{
    struct prt_facts f = read_text(
        PRT_STREAM_STDOUT, "Error: Problem with keyword PORO\n"
                           "In /scratch/a/inc/p.inc line 12.\n"
                           "Internal error: Cannot open /scratch/a/x and /scratch/ab/y\n\n");
    cr_expect_str_eq(f.deck_file, "/scratch/a/inc/p.inc");
    prt_make_relative(&f, DS_SPAN(""));
    cr_expect_str_eq(f.deck_file, "/scratch/a/inc/p.inc");
    prt_make_relative(&f, DS_SPAN("/scratch/a"));
    cr_expect_str_eq(f.deck_file, "inc/p.inc");
    cr_expect_eq(f.deck_line, 12);
    cr_expect_str_eq(f.message, "Problem with keyword PORO: Cannot open x and "
                                "/scratch/ab/y");
}
