/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/scratch_io.h"
#include "base/fs_io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAG    "s-01234567"
#define ROUNDS 400

static char dir[] = "/tmp/decksweep-test-scratch-XXXXXX";

static void make(void)
{
    cr_assert_not_null(mkdtemp(dir));
}
static void clear(void)
{
    cr_expect_eq(fs_remove_tree_at(AT_FDCWD, dir, NULL), 0);
}
TestSuite(scratch, .init = make, .fini = clear, .timeout = 60);

/* A worker's start and end, again and again; gives the number of starts that failed. */
static int come_and_go(void)
{
    int n_bad = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct scratch s;
        struct ds_err err = {0};
        unsigned n_committed, n_removed;
        if (scratch_open(dir, TAG, false, &s, &err) < 0) {
            dprintf(2, "%s\n", err.text);
            n_bad++;
            continue;
        }
        n_bad += scratch_inherit(&s, TAG, NULL, "s/", &n_committed, &n_removed, &err) < 0;
        scratch_close(&s, true);
    }
    return n_bad;
}

Test(scratch, workers_that_start_together_do_not_take_each_others_folder_for_a_dead_ones)
{
    pid_t child[4];
    for (size_t i = 0; i < DS_COUNT(child); i++) {
        child[i] = fork();
        if (child[i] == 0)
            _exit(come_and_go() > 0);
    }
    for (size_t i = 0; i < DS_COUNT(child); i++) {
        int status;
        cr_assert_eq(waitpid(child[i], &status, 0), child[i]);
        cr_expect_eq(status, 0, "a start failed");
    }
}

Test(scratch, a_dead_workers_folder_is_removed_unless_its_spool_cannot_be_looked_into)
{
    struct scratch s;
    struct ds_err err = {0};
    unsigned n_committed, n_removed;
    cr_assert_eq(scratch_open(dir, TAG, false, &s, &err), 0, "%s", err.text);
    cr_assert_eq(mkdirat(s.parent_fd, TAG "-1", 0700), 0);
    cr_assert_eq(mkdirat(s.parent_fd, TAG "-2", 0700), 0);
    cr_assert_eq(fs_write_file_at(s.parent_fd, TAG "-2/spool", DS_SPAN("no folder"), &err), 0);
    cr_expect_eq(scratch_inherit(&s, TAG, NULL, "s/", &n_committed, &n_removed, &err), 0);
    cr_expect_eq(n_removed, 1);
    cr_expect_lt(faccessat(s.parent_fd, TAG "-1", F_OK, 0), 0);
    cr_expect_eq(faccessat(s.parent_fd, TAG "-2/spool", F_OK, 0), 0);
    scratch_close(&s, true);
}
