/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/parameters.h"
#include "agent/publish_io.h"
#include "base/clock_io.h"
#include "case_fixture.h"

#include <poll.h>
#include <sys/stat.h>

#define N_ATTEMPTS 60u

static const struct member_text members[] = {{"CASE.DATA", "PORO\n 300*<A> /\n"}, {"x.inc", "x\n"}};
static const struct plan_param params[] = {{.name = {"A", 1}, .is_number = true}};
static const struct ds_span templates[] = {{"CASE.DATA", 9}};

static struct fixture f;
static struct stage *stage;
static struct publisher *publisher;
static struct attempt_context context;
static struct publish_setup setup;

static void make(void)
{
    struct ds_err err = {0};
    ds_auto_buf csv;
    buf_init(&csv, 1u << 16);
    (void)buf_put_text(&csv, "case,id,A\n");
    for (unsigned i = 0; i < N_ATTEMPTS; i++)
        (void)buf_printf(&csv, "%u,%016x,%u\n", i, i, i);
    static char text[1 << 16];
    memcpy(text, csv.data, csv.len + 1);
    fixture_make(&f, members, DS_COUNT(members), text);
    f.plan = (struct plan){.deck_name = DS_SPAN("CASE.DATA"),
                           .case_root = DS_SPAN("CASE"),
                           .params = params,
                           .n_params = 1,
                           .templates = templates,
                           .n_templates = 1,
                           .judge = JUDGE_FILES,
                           .keep = {.classes = CLASS_LOG},
                           .compression = 3,
                           .wall_ms = 1000};
    cr_assert_eq(stage_create(f.store, "s/bundle", &f.plan, &f.design, f.scratch_fd, &stage, &err),
                 0, "%s", err.text);
    context = (struct attempt_context){
        .plan = &f.plan, .sweep = DS_SPAN("s"), .plan_digest = DS_SPAN("0123456789abcdef")};
    setup = (struct publish_setup){.context = &context,
                                   .store = f.store,
                                   .prefix = "s/",
                                   .stage = stage,
                                   .cases_fd = f.cases_fd,
                                   .spool_fd = f.spool_fd,
                                   .kept_fd = -1,
                                   .n_archivers = 2};
    cr_assert_eq(publisher_create(&setup, &publisher, &err), 0, "%s", err.text);
}
static void clear(void)
{
    publisher_destroy(publisher);
    publisher = NULL;
    stage_destroy(stage);
    fixture_clear(&f);
}
TestSuite(publish, .init = make, .fini = clear, .timeout = 60);

/* A staged case whose simulator has ended. */
static struct attempt *ended_again(uint32_t row, int exit_code, uint32_t attempt)
{
    struct staged staged;
    struct ds_err err = {0};
    struct attempt *t = calloc(1, sizeof *t);
    static const char *const argv[] = {"sim", NULL};
    t->item = (struct dispatch_item){.row = row, .attempt = attempt};
    t->number = f.design.number[row];
    t->id = f.design.id[row];
    t->arena = arena_create(1u << 20);
    t->argv = argv;
    t->n_argv = 1;
    t->exit_code = exit_code;
    attempt_name(t->number, attempt, t->name);
    cr_assert_eq(stage_case(stage, row, f.cases_fd, t->name, t->arena, &staged, &err), 0, "%s",
                 err.text);
    t->values = staged.values;
    char name[64];
    (void)snprintf(name, sizeof name, "%s/stdout", t->name);
    cr_assert_eq(fs_write_file_at(f.cases_fd, name, DS_SPAN("hello\n"), &err), 0);
    return t;
}

static struct attempt *ended(uint32_t row, int exit_code)
{
    return ended_again(row, exit_code, 1);
}

/* Wait for a note of this kind. */
static struct publish_note wait_for(enum publish_note_kind kind)
{
    struct publish_note n;
    for (int64_t end = clock_monotonic_ms() + 20000; clock_monotonic_ms() < end;) {
        while (publisher_take(publisher, &n))
            if (n.kind == kind)
                return n;
        struct pollfd p = {.fd = publisher_fd(publisher), .events = POLLIN};
        (void)poll(&p, 1, 100);
    }
    cr_assert_fail("no note of kind %d", (int)kind);
    return n;
}

static bool in_store(const char *key)
{
    uint64_t bytes;
    return store_head(f.store, key, &bytes, NULL) == 0;
}

Test(publish, judges_archives_commits_and_removes_the_folder)
{
    struct stat st;
    publisher_submit(publisher, ended(3, 0));
    struct publish_note n = wait_for(NOTE_JUDGED);
    cr_expect_eq(n.verdict, VERDICT_OK, "%s", n.text);
    cr_expect_eq(n.number, 3);
    n = wait_for(NOTE_COMMITTED);
    cr_expect_not(n.existed);
    cr_expect_gt(n.archive_bytes, 0);
    cr_expect(in_store("s/cases/0000000000000003.l.tar.zst"));
    publisher_destroy(publisher);
    publisher = NULL;
    cr_expect_lt(fstatat(f.cases_fd, "3.1", &st, 0), 0);
}

Test(publish, puts_case_json_first_then_rendered_files_parameters_and_what_is_kept)
{
    static const char *const expected[] = {"case.json", "CASE.DATA", "parameters.json", "stdout"};
    struct archive_index index;
    struct case_record record;
    struct ds_span text;
    struct store_object *o;
    uint64_t bytes;
    publisher_submit(publisher, ended(5, 0));
    (void)wait_for(NOTE_COMMITTED);
    cr_assert_eq(store_object_open(f.store, "s/cases/0000000000000005.l.tar.zst", &o, &bytes, NULL),
                 0);
    cr_assert_eq(archive_read_index(archive_read_from_store, o, bytes, f.arena, &index, NULL), 0);
    cr_assert_eq(index.n_members, DS_COUNT(expected));
    for (size_t i = 0; i < DS_COUNT(expected); i++)
        cr_expect(ds_span_is(index.members[i].name, expected[i]), "%.*s",
                  DS_FMT(index.members[i].name));
    struct archive_reader *r = archive_reader_create();
    cr_assert_eq(archive_read_member(r, archive_read_from_store, o, &index.members[0], 1u << 20,
                                     f.arena, &text, NULL),
                 0);
    cr_assert_eq(case_record_decode(text, f.arena, &record, NULL), 0);
    cr_expect_eq(record.verdict, VERDICT_OK);
    cr_expect_eq(record.n_files, 3);
    cr_expect(ds_span_is(record.files[0].path, "CASE.DATA"));
    cr_expect_eq(record.n_params, 1);
    archive_reader_destroy(r);
    store_object_close(o);
}

Test(publish, a_failed_attempt_goes_under_failed_and_a_stopped_one_nowhere)
{
    struct attempt *stopped = ended(8, 0);
    stopped->exit_code = -1;
    stopped->signal = 15;
    stopped->ending = ENDING_STOPPED;
    publisher_submit(publisher, ended(7, 3));
    (void)wait_for(NOTE_COMMITTED);
    cr_expect(in_store("s/failed/0000000000000007.1.crashed.tar.zst"));
    publisher_submit(publisher, stopped);
    cr_expect_eq(wait_for(NOTE_JUDGED).verdict, VERDICT_CANCELLED);
    cr_expect_eq(publisher_look(publisher).n_busy, 0);
    cr_expect_not(in_store("s/cases/0000000000000008.l.tar.zst"));
}

static void put_output(const struct attempt *t, const char *name, struct ds_span data)
{
    struct ds_err err = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", t->name, name);
    cr_assert_eq(fs_write_file_at(f.cases_fd, path, data, &err), 0, "%s", err.text);
}

Test(publish, a_glob_is_not_answered_by_an_input_file)
{
    f.plan.keep = (struct keep){.globs = {DS_SPAN("*.inc")}, .n_globs = 1};
    publisher_submit(publisher, ended(1, 0));
    struct publish_note n = wait_for(NOTE_JUDGED);
    cr_expect_eq(n.verdict, VERDICT_INCOMPLETE, "x.inc was there before the simulator");
    cr_expect_not_null(strstr(n.text, "*.inc"), "%s", n.text);
    struct attempt *t = ended(2, 0);
    put_output(t, "y.inc", DS_SPAN("made\n"));
    publisher_submit(publisher, t);
    n = wait_for(NOTE_JUDGED);
    cr_expect_eq(n.verdict, VERDICT_OK, "%s", n.text);
}

Test(publish, a_summary_is_there_only_with_a_step)
{
    static const struct {
        const char *name;
        bool data;
        enum verdict verdict;
    } rows[] = {
        {"CASE.UNSMRY", true, VERDICT_OK},      {"CASE.UNSMRY", false, VERDICT_INCOMPLETE},
        {"CASE.S0001", true, VERDICT_OK},       {"CASE.S0001", false, VERDICT_INCOMPLETE},
        {"CASE.RSM", true, VERDICT_INCOMPLETE},
    };
    struct ds_err err = {0};
    struct ds_span spec, data;
    f.plan.keep = (struct keep){.classes = CLASS_SUMMARY};
    cr_assert_eq(fs_read_file("tests/data/summary/spe1case1/SPE1CASE1.SMSPEC", 1u << 20, f.arena,
                              &spec, &err),
                 0, "%s", err.text);
    cr_assert_eq(fs_read_file("tests/data/summary/spe1case1/SPE1CASE1.UNSMRY", 1u << 20, f.arena,
                              &data, &err),
                 0, "%s", err.text);
    for (uint32_t i = 0; i < DS_COUNT(rows); i++) {
        struct attempt *t = ended(10 + i, 0);
        put_output(t, "CASE.SMSPEC", spec);
        put_output(t, rows[i].name, rows[i].data ? data : DS_SPAN(""));
        publisher_submit(publisher, t);
        struct publish_note n = wait_for(NOTE_JUDGED);
        cr_expect_eq(n.verdict, rows[i].verdict, "%s: %s", rows[i].name, n.text);
    }
}

Test(publish, a_formatted_summary_that_cannot_be_read_is_kept_whole)
{
    static const char key[] = "s/failed/0000000000000004.1.incomplete.tar.zst";
    struct archive_index index;
    struct store_object *o;
    uint64_t bytes, kept = 0;
    f.plan.keep = (struct keep){.classes = CLASS_SUMMARY};
    struct attempt *t = ended(4, 0);
    put_output(t, "CASE.FUNSMRY", DS_SPAN("no FSMSPEC beside it\n"));
    publisher_submit(publisher, t);
    cr_expect_eq(wait_for(NOTE_COMMITTED).verdict, VERDICT_INCOMPLETE);
    cr_assert_eq(store_object_open(f.store, key, &o, &bytes, NULL), 0);
    cr_assert_eq(archive_read_index(archive_read_from_store, o, bytes, f.arena, &index, NULL), 0);
    for (size_t i = 0; i < index.n_members; i++)
        if (ds_span_is(index.members[i].name, "CASE.FUNSMRY"))
            kept = index.members[i].size_bytes;
    cr_expect_eq(kept, strlen("no FSMSPEC beside it\n"));
    store_object_close(o);
}

Test(publish, a_second_commit_of_the_same_key_is_a_success_that_changes_nothing)
{
    publisher_submit(publisher, ended(9, 0));
    (void)wait_for(NOTE_COMMITTED);
    publisher_submit(publisher, ended_again(9, 0, 2));
    cr_expect(wait_for(NOTE_COMMITTED).existed);
}

Test(publish, many_attempts_from_many_threads_are_all_committed)
{
    unsigned committed = 0;
    for (uint32_t i = 0; i < N_ATTEMPTS; i++)
        publisher_submit(publisher, ended(i, 0));
    publisher_hurry(publisher);
    for (; committed < N_ATTEMPTS; committed++)
        (void)wait_for(NOTE_COMMITTED);
    cr_expect_eq(publisher_look(publisher).n_busy, 0);
}

Test(publish, a_folder_that_has_vanished_is_told_as_lost)
{
    struct attempt *t = ended(4, 0);
    cr_assert_eq(fs_remove_tree_at(f.cases_fd, "4.1", NULL), 0);
    publisher_submit(publisher, t);
    struct publish_note n = wait_for(NOTE_LOST);
    cr_expect_eq(n.verdict, VERDICT_NONE);
    cr_expect_neq(n.text[0], '\0');
}

Test(publish, what_the_store_refuses_waits_in_the_spool_and_another_worker_commits_it)
{
    unsigned n = 0;
    struct ds_err err = {0};
    char name[] = "cases%0000000000000006.l.tar.zst.archive";
    /* a folder where the object should be: the store cannot take it */
    char path[128];
    (void)snprintf(path, sizeof path, "%s/store/s/cases", f.dir);
    cr_assert_eq(fs_write_file_at(AT_FDCWD, path, DS_SPAN("in the way"), &err), 0, "%s", err.text);
    publisher_submit(publisher, ended(6, 0));
    cr_expect_lt(wait_for(NOTE_STUCK).rc, 0);
    cr_expect_eq(publisher_look(publisher).n_stuck, 1);
    publisher_destroy(publisher);
    publisher = NULL;
    cr_expect_eq(faccessat(f.spool_fd, name, R_OK, 0), 0);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(fs_write_file_at(f.spool_fd, "cases%0000000000000001.l.tar.zst.archive",
                                  DS_SPAN("half an archive"), &err),
                 0);
    cr_assert_eq(publish_spooled(f.store, "s/", f.spool_fd, &n, &err), 0, "%s", err.text);
    cr_expect_eq(n, 1, "only the whole one");
    cr_expect(in_store("s/cases/0000000000000006.l.tar.zst"));
    cr_expect_not(in_store("s/cases/0000000000000001.l.tar.zst"));
}

Test(publish, a_kept_folder_survives_that_the_store_refused_its_archive_at_first)
{
    struct ds_err err = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/store/s/failed", f.dir);
    cr_assert_eq(fs_write_file_at(AT_FDCWD, path, DS_SPAN("in the way"), &err), 0, "%s", err.text);
    cr_assert_eq(mkdirat(f.scratch_fd, "kept", 0700), 0);
    publisher_destroy(publisher);
    setup.kept_fd = openat(f.scratch_fd, "kept", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(publisher_create(&setup, &publisher, &err), 0, "%s", err.text);
    struct attempt *t = ended(7, 3);
    t->keep_folder = true;
    publisher_submit(publisher, t);
    (void)wait_for(NOTE_STUCK);
    cr_assert_eq(unlink(path), 0);
    (void)wait_for(NOTE_COMMITTED);
    publisher_destroy(publisher);
    publisher = NULL;
    cr_expect_eq(faccessat(setup.kept_fd, "7.1/CASE.DATA", R_OK, 0), 0);
    (void)close(setup.kept_fd);
}
