/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extraction stays below its folder; verification finds every disagreement. */
#include "archive/extract_io.h"
#include "archive/verify.h"
#include "base/fs_io.h"
#include "base/sha256.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static int folder_fd;
static struct ds_arena *arena;
static struct archive_reader *reader;

static void set_up(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/test_extract.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    arena = arena_create(16 << 20);
    reader = archive_reader_create();
}

static void tear_down(void)
{
    (void)close(folder_fd);
    arena_destroy(arena);
    archive_reader_destroy(reader);
    cr_assert_eq(fs_remove_tree_at(AT_FDCWD, folder, NULL), 0);
}

TestSuite(extract, .init = set_up, .fini = tear_down, .timeout = 60);

struct file {
    const char *name, *text;
};

static int into_buf(void *context, const void *data, size_t n, struct ds_err *err)
{
    (void)err;
    return buf_put(context, data, n);
}

static void pack(const struct file *files, size_t n, struct ds_buf *out)
{
    struct archive_writer *w = archive_writer_create(3, 0);
    uint64_t total;
    buf_init(out, 16 << 20);
    archive_writer_start(w, into_buf, out);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(
            archive_add_bytes(w, files[i].name, ds_bytes_of(ds_span_of(files[i].text)), NULL, NULL),
            0);
    cr_assert_eq(archive_writer_end(w, &total, NULL), 0);
    archive_writer_destroy(w);
}

static int extract(const struct ds_buf *archive, struct ds_err *err)
{
    struct ds_bytes b = {(const unsigned char *)archive->data, archive->len};
    struct archive_index x;
    cr_assert_eq(archive_read_index(archive_read_from_bytes, &b, b.len, arena, &x, err), 0, "%s",
                 err->text);
    return archive_extract(reader, archive_read_from_bytes, &b, &x, folder_fd, err);
}

static void assert_file(const char *name, const char *text)
{
    struct ds_span out;
    struct ds_err err = {0};
    cr_assert_eq(fs_read_file_at(folder_fd, name, 1 << 20, arena, &out, &err), 0, "%s", err.text);
    cr_assert(ds_span_is(out, text), "%s", name);
}

static const struct file TREE[] = {
    {"SPE1.DATA", "RUNSPEC"}, {"a/b/c.inc", "1"}, {"a/d.inc", "22"}, {"e/f", ""}, {"g", "4444"}};

Test(extract, a_tree_comes_out_as_it_went_in)
{
    struct ds_buf archive;
    struct ds_err err = {0};
    pack(TREE, DS_COUNT(TREE), &archive);
    cr_assert_eq(extract(&archive, &err), 0, "%s", err.text);
    for (size_t i = 0; i < DS_COUNT(TREE); i++)
        assert_file(TREE[i].name, TREE[i].text);
    buf_clear(&archive);
}

Test(extract, existing_files_stay)
{
    struct ds_buf archive;
    struct ds_err err = {0};
    pack(TREE, 1, &archive);
    cr_assert_eq(fs_write_file_at(folder_fd, "SPE1.DATA", DS_SPAN("old"), &err), 0);
    cr_assert_eq(extract(&archive, &err), DS_EEXIST);
    assert_file("SPE1.DATA", "old");
    buf_clear(&archive);
}

Test(extract, nothing_is_written_through_links)
{
    struct ds_buf archive;
    struct ds_err err = {0};
    pack(TREE, DS_COUNT(TREE), &archive);
    cr_assert_eq(mkdirat(folder_fd, "outside", 0777), 0);
    cr_assert_eq(symlinkat("outside", folder_fd, "a"), 0);
    cr_assert_lt(extract(&archive, &err), 0);
    cr_assert_not_null(strstr(err.text, "folder a"), "%s", err.text);
    cr_assert_eq(faccessat(folder_fd, "outside/b", F_OK, 0), -1);
    buf_clear(&archive);
}

Test(extract, a_file_is_not_written_through_a_link_in_its_place)
{
    struct ds_buf archive;
    struct ds_err err = {0};
    pack(TREE, DS_COUNT(TREE), &archive);
    cr_assert_eq(mkdirat(folder_fd, "outside", 0777), 0);
    cr_assert_eq(fs_write_file_at(folder_fd, "outside/victim", DS_SPAN("mine"), &err), 0);
    cr_assert_eq(symlinkat("outside/victim", folder_fd, "g"), 0);
    cr_assert_eq(extract(&archive, &err), DS_EEXIST, "%s", err.text);
    assert_file("outside/victim", "mine");
    buf_clear(&archive);
}

Test(extract, a_file_in_a_folders_place_is_an_error_not_a_disaster)
{
    static const struct file FILES[] = {{"a", "x"}, {"a/b", "y"}};
    struct ds_buf archive;
    struct ds_err err = {0};
    pack(FILES, 2, &archive);
    cr_assert_lt(extract(&archive, &err), 0);
    cr_assert_not_null(strstr(err.text, "folder a"), "%s", err.text);
    assert_file("a", "x");
    buf_clear(&archive);
}

Test(extract, a_damaged_member_leaves_no_file)
{
    struct ds_buf archive;
    struct ds_err err = {0};
    pack(TREE, 1, &archive);
    archive.data[12] ^= 0x55;
    cr_assert_eq(extract(&archive, &err), DS_ECORRUPT, "%s", err.text);
    cr_assert_not_null(strstr(err.text, "SPE1.DATA"), "%s", err.text);
    cr_assert_eq(faccessat(folder_fd, "SPE1.DATA", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    buf_clear(&archive);
}

Test(extract, executables_stay_executable_as_the_umask_allows)
{
    struct ds_buf archive;
    struct ds_err err = {0};
    struct archive_writer *w = archive_writer_create(3, 0);
    struct stat st;
    uint64_t total;
    mode_t before = umask(027);
    cr_assert_eq(fs_write_file_at(folder_fd, "src", DS_SPAN("#!/bin/sh"), &err), 0);
    int fd = openat(folder_fd, "src", O_RDONLY | O_CLOEXEC);
    buf_init(&archive, 1 << 20);
    archive_writer_start(w, into_buf, &archive);
    cr_assert_eq(archive_add_fd(w, "run.sh", fd, 9, true, NULL, &err), 0);
    cr_assert_eq(archive_add_fd(w, "run.txt", fd, 9, false, NULL, &err), 0);
    cr_assert_eq(archive_writer_end(w, &total, &err), 0);
    cr_assert_eq(extract(&archive, &err), 0, "%s", err.text);
    (void)umask(before);
    cr_assert_eq(fstatat(folder_fd, "run.sh", &st, 0), 0);
    cr_assert_eq(st.st_mode & 0777, 0750);
    cr_assert_eq(fstatat(folder_fd, "run.txt", &st, 0), 0);
    cr_assert_eq(st.st_mode & 0777, 0640);
    (void)close(fd);
    archive_writer_destroy(w);
    buf_clear(&archive);
}

/* ---- verify ---- */

static char *case_json(const char *path, size_t size, const char *of_text, const char *more)
{
    char sha[65];
    sha256_of(of_text, strlen(of_text), sha);
    return arena_cstr(arena, arena_format(arena,
                                          "{\"id\":\"0123456789abcdef\",\"verdict\":\"ok\","
                                          "\"files\":[{\"path\":\"%s\",\"size_bytes\":%zu,"
                                          "\"sha256\":\"%s\"}%s]}",
                                          path, size, sha, more));
}

Test(extract, verify_finds_each_disagreement)
{
    char sha[65];
    sha256_of("x", 1, sha);
    const char *again =
        arena_format(arena, ",{\"path\":\"f\",\"size_bytes\":1,\"sha256\":\"%s\"}", sha).ptr;
    const struct {
        const char *json, *says;
        struct file more;
    } rows[] = {
        {case_json("f", 1, "x", ""), NULL, {"f", "x"}},
        {case_json("f", 1, "y", ""), "SHA-256", {"f", "x"}},
        {case_json("f", 2, "x", ""), "size", {"f", "x"}},
        {case_json("g", 1, "x", ""), "not there", {"f", "x"}},
        {case_json("f", 1, "x", again), "twice", {"f", "x"}},
        {"{\"id\":\"0123456789abcdef\",\"verdict\":\"ok\"}", "does not name it", {"f", "x"}},
        {"{\"verdict\":\"ok\"}", "id", {"f", "x"}},
    };
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct ds_buf archive;
        struct ds_err err = {0};
        struct archive_check check = {0};
        struct file files[2] = {{"case.json", rows[i].json}, rows[i].more};
        pack(files, 2, &archive);
        struct ds_bytes b = {(const unsigned char *)archive.data, archive.len};
        int rc = archive_verify(reader, archive_read_from_bytes, &b, b.len, arena, &check, &err);
        if (rows[i].says) {
            cr_assert_lt(rc, 0, "row %zu", i);
            cr_assert_not_null(strstr(err.text, rows[i].says), "row %zu: %s", i, err.text);
        } else {
            cr_assert_eq(rc, 0, "%s", err.text);
            cr_assert(check.is_case);
            cr_assert_eq(check.n_members, 2);
            cr_assert_eq(check.record.verdict, VERDICT_OK);
        }
        buf_clear(&archive);
    }
}

Test(extract, verify_takes_bundles_and_misses_no_flipped_byte)
{
    struct ds_buf archive;
    struct ds_err err = {0};
    struct archive_check check;
    size_t accepted = 0;
    pack(TREE, DS_COUNT(TREE), &archive);
    struct ds_bytes b = {(const unsigned char *)archive.data, archive.len};
    cr_assert_eq(archive_verify(reader, archive_read_from_bytes, &b, b.len, arena, &check, &err), 0,
                 "%s", err.text);
    cr_assert_not(check.is_case);
    cr_assert_eq(check.content_bytes, 14);
    for (size_t i = 0; i < archive.len; i++) {
        archive.data[i] ^= 0x55;
        accepted +=
            archive_verify(reader, archive_read_from_bytes, &b, b.len, arena, &check, &err) == 0;
        archive.data[i] ^= 0x55;
        arena_reset(arena);
    }
    cr_assert_eq(accepted, 0);
    buf_clear(&archive);
}
