/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/case_files_io.h"
#include "base/fs_io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static int fd;

static void make(void)
{
    (void)snprintf(dir, sizeof dir, "build/test-case-files-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
}
static void clear(void)
{
    fs_close_at(&fd);
    cr_expect_eq(fs_remove_tree_at(AT_FDCWD, dir, NULL), 0);
}
TestSuite(case_files, .init = make, .fini = clear, .timeout = 60);

static void put(const char *path, const char *text)
{
    cr_assert_eq(fs_write_file_at(fd, path, ds_span_of(text), NULL), 0, "%s", path);
}

Test(case_files, are_the_regular_files_of_the_tree_by_path)
{
    static const char *const want[] = {"a", "model/CASE.DATA", "model/sub/x", "other/CASE.DATA"};
    struct case_files f;
    ds_auto_arena a = arena_create(1u << 20);
    cr_assert_eq(mkdirat(fd, "model", 0700), 0);
    cr_assert_eq(mkdirat(fd, "model/sub", 0700), 0);
    cr_assert_eq(mkdirat(fd, "other", 0700), 0);
    put("model/sub/x", "");
    put("other/CASE.DATA", "1");
    put("model/CASE.DATA", "12");
    put("a", "123");
    put("bad\nname", "");
    cr_assert_eq(symlinkat("/etc/passwd", fd, "link"), 0);
    cr_assert_eq(mkfifoat(fd, "fifo", 0600), 0);
    cr_assert_eq(case_files_list(fd, a, &f, NULL), 0);
    cr_assert_eq(f.n, DS_COUNT(want));
    cr_expect_null(f.too_much);
    for (size_t i = 0; i < f.n; i++)
        cr_expect_str_eq(f.at[i].path, want[i]);
    cr_expect_eq(f.at[1].size_bytes, 2);
    cr_expect_eq(case_files_find(&f, DS_SPAN("model/"), "CASE.DATA"), &f.at[1]);
    cr_expect_null(case_files_find(&f, DS_SPAN("model/"), "x"));
}

Test(case_files, stand_right_in_their_own_folder_and_in_no_other)
{
    static const struct {
        struct case_entry entry;
        const char *dir;
        bool is_in;
    } rows[] = {
        {{.path = "a"}, "", true},
        {{.path = "a"}, "model/", false},
        {{.path = "model/a", .dir_len = 5}, "model/", true},
        {{.path = "other/a", .dir_len = 5}, "model/", false},
        {{.path = "model/a", .dir_len = 5}, "", false},
        {{.path = "model/b/a", .dir_len = 7}, "model/", false},
        {{.path = "model/b/a", .dir_len = 7}, "model/b/", true},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++)
        cr_expect_eq(case_entry_is_in(&rows[i].entry, ds_span_of(rows[i].dir)), rows[i].is_in,
                     "%s in %s", rows[i].entry.path, rows[i].dir);
}

Test(case_files, what_is_no_file_takes_no_memory_however_much_there_is_of_it)
{
    struct case_files f;
    ds_auto_arena a = arena_create(64u << 10);
    for (unsigned i = 0; i < 1000; i++) {
        char name[240];
        (void)snprintf(name, sizeof name, "%0200u", i);
        cr_assert_eq(symlinkat("x", fd, name), 0);
    }
    put("x", "1");
    cr_assert_eq(case_files_list(fd, a, &f, NULL), 0, "1000 links of 200 bytes in 64 KiB");
    cr_expect_eq(f.n, 1);
    cr_expect_null(f.too_much);
}
