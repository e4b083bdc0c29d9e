/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Flow 2022.10 really said and left (tests/data/judge), through the log reader and the judge. */
#include "agent/judge.h"
#include "base/fs_io.h"
#include "base/units.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DATA "tests/data/judge"

enum left { NOTHING, WHOLE, HALF, CUT }; /* what became of the summary */

static void feed(struct prt_reader *r, enum prt_stream stream, const char *folder, const char *name,
                 struct ds_arena *a)
{
    char path[300];
    struct ds_span text;
    (void)snprintf(path, sizeof path, DATA "/%s/%s", folder, name);
    if (fs_read_file(path, 4u << 20, a, &text, NULL) == 0)
        prt_feed(r, stream, text.ptr, text.len);
}

static void read_status(const char *folder, struct evidence *e, struct ds_arena *a)
{
    char path[300];
    struct ds_span text;
    uint64_t status;
    (void)snprintf(path, sizeof path, DATA "/%s/status", folder);
    cr_assert_eq(fs_read_file(path, 100, a, &text, NULL), 0, "%s", path);
    cr_assert_eq(units_parse_u64(ds_span_trim(text), 255, &status, NULL), 0, "%s", path);
    e->exit_code = (int)status;
}

static struct evidence recorded(const char *folder, enum left left, struct ds_arena *a)
{
    struct evidence e;
    struct prt_reader r;
    evidence_init(&e);
    prt_init(&r);
    feed(&r, PRT_STREAM_STDOUT, folder, "stdout", a);
    feed(&r, PRT_STREAM_STDERR, folder, "stderr", a);
    feed(&r, PRT_STREAM_PRT, folder, "CASE.PRT", a);
    feed(&r, PRT_STREAM_PRT, folder, "SPE9.PRT", a);
    prt_finish(&r, &e.log);
    read_status(folder, &e, a);
    e.kind = JUDGE_FLOW;
    e.wants_summary = true;
    e.end_time_days = isfinite(e.log.end_day) ? e.log.end_day : 3650;
    e.empty_output = left == CUT;
    if (left == NOTHING)
        return e;
    e.summary.state = left == CUT ? SUMMARY_CUT : SUMMARY_WHOLE;
    e.summary.has_spec = true;
    e.summary.n_report_steps = left == WHOLE ? e.log.n_steps : 3;
    e.summary.last_time_days = left == WHOLE ? e.end_time_days : e.end_time_days / 2;
    return e;
}

Test(judge_recorded, every_recording_gets_its_verdict)
{
    static const struct {
        const char *folder;
        enum left left;
        enum verdict verdict;
    } rows[] = {
        {"success", WHOLE, VERDICT_OK},
        {"action_exit", HALF, VERDICT_OK},
        {"deck_not_found", NOTHING, VERDICT_DECK_ERROR},
        {"unknown_option", NOTHING, VERDICT_DECK_ERROR},
        {"bad_option_value", NOTHING, VERDICT_DECK_ERROR},
        {"output_dir_impossible", NOTHING, VERDICT_CRASHED},
        {"output_dir_is_file", NOTHING, VERDICT_CRASHED},
        {"missing_include", NOTHING, VERDICT_DECK_ERROR},
        {"unknown_keyword", NOTHING, VERDICT_DECK_ERROR},
        {"malformed_number", NOTHING, VERDICT_DECK_ERROR},
        {"placeholder_left", NOTHING, VERDICT_DECK_ERROR},
        {"too_few_values", NOTHING, VERDICT_DECK_ERROR},
        {"too_many_values", NOTHING, VERDICT_DECK_ERROR},
        {"missing_slash", NOTHING, VERDICT_DECK_ERROR},
        {"truncated_deck", NOTHING, VERDICT_DECK_ERROR},
        {"empty_deck", NOTHING, VERDICT_DECK_ERROR},
        {"bad_date", NOTHING, VERDICT_DECK_ERROR},
        {"illegal_well_name", NOTHING, VERDICT_DECK_ERROR},
        {"restart_without_base", NOTHING, VERDICT_DECK_ERROR},
        {"restart_no_unifin", NOTHING, VERDICT_DECK_ERROR},
        {"restart_step_missing", NOTHING, VERDICT_DECK_ERROR},
        {"mpi_parse_error", NOTHING, VERDICT_DECK_ERROR},
        {"zero_poro", NOTHING, VERDICT_DECK_ERROR},
        {"nan_poro", NOTHING, VERDICT_CRASHED},
        {"negative_poro", NOTHING, VERDICT_CRASHED},
        {"not_converged", HALF, VERDICT_NOT_CONVERGED},
        {"not_converged_minimum", HALF, VERDICT_NOT_CONVERGED},
        {"little_memory", NOTHING, VERDICT_OUT_OF_MEMORY},
        {"killed", HALF, VERDICT_CRASHED},
        {"terminated", HALF, VERDICT_CRASHED},
        {"disk_full", CUT, VERDICT_OUT_OF_DISK},
        {"nosim", NOTHING, VERDICT_DECK_ERROR},
        {"dry_run", NOTHING, VERDICT_DECK_ERROR},
        {"end_before_tstep", NOTHING, VERDICT_INCOMPLETE},
        {"end_in_include", HALF, VERDICT_INCOMPLETE},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        ds_auto_arena a = arena_create(16u << 20);
        struct evidence e = recorded(rows[i].folder, rows[i].left, a);
        struct judgement j;
        judge_case(&e, &j);
        cr_expect_eq(j.verdict, rows[i].verdict, "%s: %s: %s", rows[i].folder,
                     verdict_name(j.verdict), j.reason);
        cr_expect(j.verdict == VERDICT_OK || j.reason[0] != '\0', "%s", rows[i].folder);
        if (getenv("SHOW_REASONS"))
            (void)fprintf(stderr, "%-22s %-14s %s\n", rows[i].folder, verdict_name(j.verdict),
                          j.reason);
    }
}

Test(judge_recorded, reasons_hold_the_place_in_the_deck_and_the_simulators_words)
{
    static const struct {
        const char *folder, *says, *place;
    } rows[] = {
        {"malformed_number", "Malformed floating point number", "line "},
        {"placeholder_left", "<PORO>", "line "},
        {"unknown_keyword", "Unknown keyword", ""},
        {"missing_include", "No such file", ""},
        {"unknown_option", "simulator.args", ""},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        ds_auto_arena a = arena_create(16u << 20);
        struct evidence e = recorded(rows[i].folder, NOTHING, a);
        struct judgement j;
        judge_case(&e, &j);
        cr_expect_not_null(strstr(j.reason, rows[i].says), "%s: %s", rows[i].folder, j.reason);
        cr_expect_not_null(strstr(j.reason, rows[i].place), "%s: %s", rows[i].folder, j.reason);
    }
}

Test(judge_recorded, eclipse_texts_are_judged_by_their_counts)
{
    static const struct {
        const char *file;
        enum verdict verdict;
    } rows[] = {{"good.PRT", VERDICT_OK}, {"failed.PRT", VERDICT_DECK_ERROR}};
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        ds_auto_arena a = arena_create(16u << 20);
        struct evidence e;
        struct prt_reader r;
        struct judgement j;
        evidence_init(&e);
        prt_init(&r);
        feed(&r, PRT_STREAM_PRT, "eclipse", rows[i].file, a);
        prt_finish(&r, &e.log);
        e.kind = JUDGE_ECLIPSE;
        e.exit_code = 0; /* Eclipse says 0 in either case */
        e.end_time_days = 100;
        if (rows[i].verdict == VERDICT_OK) {
            e.summary = (struct summary_facts){.state = SUMMARY_WHOLE,
                                               .has_spec = true,
                                               .n_report_steps = 10,
                                               .last_time_days = 100};
        }
        judge_case(&e, &j);
        cr_expect_eq(j.verdict, rows[i].verdict, "%s: %s: %s", rows[i].file,
                     verdict_name(j.verdict), j.reason);
    }
}
