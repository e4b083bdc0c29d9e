/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder as a store: whole objects or none, listing, locks, temporaries. */
#include "base/fs_io.h"
#include "store/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];
static struct store *store;
static struct ds_arena *arena;

static void set_up(void)
{
    struct ds_err err = {0};
    (void)snprintf(folder, sizeof folder, "/tmp/test_store.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(store_open(folder, STORE_WRITE, &store, &err), 0, "%s", err.text);
    arena = arena_create(16 << 20);
}

static void tear_down(void)
{
    store_close(store);
    arena_destroy(arena);
    cr_assert_eq(fs_remove_tree_at(AT_FDCWD, folder, NULL), 0);
}

TestSuite(store, .init = set_up, .fini = tear_down, .timeout = 60);

static struct store_body text_body(const char *text)
{
    return (struct store_body){.data = text, .fd = -1, .len = strlen(text)};
}

static char *path_of(const char *name)
{
    return arena_cstr(arena, arena_format(arena, "%s/%s", folder, name));
}

static int count_key(void *context, struct ds_span key, uint64_t size, int64_t mtime_ms)
{
    struct ds_buf *b = context;
    cr_assert_gt(mtime_ms, 1600000000000);
    (void)buf_printf(b, "%.*s=%llu ", DS_FMT(key), (unsigned long long)size);
    return 0;
}

/* Every file below the folder, dot-files too, as `find -type f` counts them. */
static size_t count_files(void)
{
    size_t n = 0;
    FILE *p = popen(arena_cstr(arena, arena_format(arena, "find %s -type f | wc -l", folder)), "r");
    cr_assert_eq(fscanf(p, "%zu", &n), 1);
    (void)pclose(p);
    return n;
}

Test(store, an_object_is_put_once_and_read_back)
{
    struct ds_err err = {0};
    struct ds_span out;
    bool existed = true;
    uint64_t size = 0;
    cr_assert_eq(store_put_if_absent(store, "s/cases/a", text_body("one"), &existed, &err), 0, "%s",
                 err.text);
    cr_assert_not(existed);
    cr_assert_eq(store_put_if_absent(store, "s/cases/a", text_body("two"), &existed, &err), 0);
    cr_assert(existed);
    cr_assert_eq(store_get(store, "s/cases/a", 100, arena, &out, &err), 0, "%s", err.text);
    cr_assert(ds_span_is(out, "one"));
    cr_assert_eq(store_head(store, "s/cases/a", &size, &err), 0);
    cr_assert_eq(size, 3);
    cr_assert_eq(count_files(), 1);
}

Test(store, put_replaces_what_was_there)
{
    struct ds_err err = {0};
    struct ds_span out;
    cr_assert_eq(store_put(store, "plan.json", text_body("one"), &err), 0, "%s", err.text);
    cr_assert_eq(store_put(store, "plan.json", text_body("three"), &err), 0, "%s", err.text);
    cr_assert_eq(store_get(store, "plan.json", 100, arena, &out, &err), 0);
    cr_assert(ds_span_is(out, "three"));
    cr_assert_eq(count_files(), 1);
}

Test(store, an_empty_object_is_an_object)
{
    struct ds_err err = {0};
    struct ds_span out = {NULL, 9};
    bool existed;
    cr_assert_eq(store_put_if_absent(store, "failed/x.1.granted", (struct store_body){.fd = -1},
                                     &existed, &err),
                 0, "%s", err.text);
    cr_assert_eq(store_get(store, "failed/x.1.granted", 0, arena, &out, &err), 0, "%s", err.text);
    cr_assert_eq(out.len, 0);
}

Test(store, a_body_comes_from_an_open_file_whatever_its_position)
{
    struct ds_err err = {0};
    struct ds_span out;
    bool existed;
    size_t n = (3 << 20) + 17;
    char *big = arena_take(arena, n, 1);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)(i * 7 + i / 1000);
    FILE *source = tmpfile();
    cr_assert_not_null(source);
    int fd = fileno(source);
    cr_assert_eq(write(fd, big, n), (ssize_t)n);
    cr_assert_eq(
        store_put_if_absent(store, "big", (struct store_body){NULL, fd, n}, &existed, &err), 0,
        "%s", err.text);
    cr_assert_eq(store_get(store, "big", n, arena, &out, &err), 0, "%s", err.text);
    cr_assert_eq(memcmp(out.ptr, big, n), 0);
    cr_assert_eq(
        store_put_if_absent(store, "big2", (struct store_body){NULL, fd, n + 1}, &existed, &err),
        DS_ECORRUPT);
    cr_assert_not_null(strstr(err.text, "big2"));
    cr_assert_eq(count_files(), 1);
    (void)fclose(source);
}

/* A file of 5 bytes in a folder, given to the store under key "given"; its inode, or 0. */
static ino_t put_given(const char *in, bool second_name)
{
    struct ds_err err = {0};
    char path[96], other[104];
    struct stat st = {.st_ino = 0};
    (void)snprintf(path, sizeof path, "%s/scratch-XXXXXX", in);
    (void)snprintf(other, sizeof other, "%s.2", path);
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "given", 5), 5);
    if (second_name)
        cr_assert_eq(link(path, other), 0);
    struct store_body body = {.fd = fd, .len = 5, .given = true};
    int rc = store_put(store, "d/given", body, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert_eq(fstat(fd, &st), 0);
    (void)close(fd);
    cr_expect_eq(unlink(path), 0, "its old name is the caller's to remove");
    if (second_name)
        (void)unlink(other);
    return st.st_ino;
}

static bool holds_given(ino_t *inode)
{
    struct ds_err err = {0};
    struct ds_span out;
    struct stat st;
    cr_assert_eq(stat(path_of("d/given"), &st), 0);
    *inode = st.st_ino;
    return store_get(store, "d/given", 100, arena, &out, &err) == 0 && ds_span_is(out, "given")
           && st.st_nlink == 1 && count_files() == 1;
}

Test(store, a_file_that_was_given_is_kept_not_copied)
{
    ino_t inode;
    cr_assert_eq(mkdir(path_of("scratch"), 0755), 0);
    for (int again = 0; again < 2; again++) { /* also over what is there */
        char scratch[96];
        (void)snprintf(scratch, sizeof scratch, "%s", path_of("scratch"));
        ino_t given = put_given(scratch, false);
        cr_expect(holds_given(&inode));
        cr_expect_eq(inode, given);
    }
}

Test(store, a_file_that_somebody_else_has_too_is_copied)
{
    ino_t inode;
    char scratch[96];
    cr_assert_eq(mkdir(path_of("scratch"), 0755), 0);
    (void)snprintf(scratch, sizeof scratch, "%s", path_of("scratch"));
    ino_t given = put_given(scratch, true);
    cr_expect(holds_given(&inode));
    cr_expect_neq(inode, given);
}

Test(store, a_file_of_another_file_system_or_group_is_copied)
{
    ino_t inode;
    struct stat here, there;
    if (stat("/dev/shm", &there) == 0 && stat(folder, &here) == 0 && there.st_dev != here.st_dev
        && access("/dev/shm", W_OK) == 0) {
        (void)put_given("/dev/shm", false);
        cr_expect(holds_given(&inode));
    }
    if (geteuid() != 0) /* only root can give folders to a group that it is not in */
        return;
    char scratch[96];
    cr_assert_eq(mkdir(path_of("scratch"), 0755), 0);
    (void)snprintf(scratch, sizeof scratch, "%s", path_of("scratch"));
    cr_assert_eq(mkdir(path_of("d"), 0755) == 0 || errno == EEXIST, true);
    cr_assert_eq(chown(path_of("d"), 0, 12345), 0);
    cr_assert_eq(chmod(path_of("d"), 02775), 0);
    ino_t given = put_given(scratch, false);
    cr_expect(holds_given(&inode));
    cr_expect_neq(inode, given);
    cr_assert_eq(stat(path_of("d/given"), &here), 0);
    cr_expect_eq(here.st_gid, 12345);
}

Test(store, many_objects_have_each_their_own_outcome)
{
    static char keys[300][32];
    static struct store_put_item items[300];
    struct ds_err err = {0};
    bool existed;
    cr_assert_eq(store_put_if_absent(store, "d1/k7", text_body("old"), &existed, &err), 0);
    for (size_t i = 0; i < 300; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "d%zu/k%zu", i % 3, i);
        items[i] = (struct store_put_item){.key = keys[i], .body = text_body("body")};
    }
    items[5].key = "../escape";
    items[6].key = "d0/.hidden";
    cr_assert_eq(store_put_many_if_absent(store, items, 300), DS_EINPUT);
    for (size_t i = 0; i < 300; i++) {
        cr_assert_eq(items[i].rc, i == 5 || i == 6 ? DS_EINPUT : 0, "%zu: %s", i,
                     items[i].err.text);
        cr_assert_eq(items[i].existed, i == 7);
    }
    cr_assert_eq(count_files(), 298);
}

Test(store, listing_sees_keys_below_a_prefix_and_no_temporaries)
{
    ds_auto_buf seen = {0};
    struct ds_err err = {0};
    static const char *const KEYS[] = {"a/b/c", "a/d", "e"};
    buf_init(&seen, 4096);
    for (size_t i = 0; i < DS_COUNT(KEYS); i++)
        cr_assert_eq(store_put(store, KEYS[i], text_body("xy"), &err), 0);
    cr_assert_eq(fs_write_file_at(AT_FDCWD, path_of("a/.tmp.h.1.2.3"), DS_SPAN("x"), &err), 0);
    cr_assert_eq(symlink(folder, path_of("a/loop")), 0);
    cr_assert_eq(store_list(store, "a/", count_key, &seen, &err), 0, "%s", err.text);
    cr_assert_not_null(strstr(seen.data, "a/b/c=2 "));
    cr_assert_not_null(strstr(seen.data, "a/d=2 "));
    cr_assert_eq(seen.len, strlen("a/b/c=2 a/d=2 "));
    buf_reset(&seen);
    cr_assert_eq(store_list(store, "", count_key, &seen, &err), 0);
    cr_assert_eq(seen.len, strlen("a/b/c=2 a/d=2 e=2 "));
    buf_reset(&seen);
    cr_assert_eq(store_list(store, "none/", count_key, &seen, &err), 0);
    cr_assert_eq(seen.len, 0);
    cr_assert_eq(store_list(store, "a", count_key, &seen, &err), DS_EINPUT);
}

static int stop_at_once(void *context, struct ds_span key, uint64_t size, int64_t mtime_ms)
{
    (void)key;
    (void)size;
    (void)mtime_ms;
    return ++*(int *)context == 2 ? 77 : 0;
}

Test(store, listing_stops_when_asked_to)
{
    struct ds_err err = {0};
    int n = 0;
    for (int i = 0; i < 5; i++)
        cr_assert_eq(store_put(store, (char[]){(char)('a' + i), 0}, text_body(""), &err), 0);
    cr_assert_eq(store_list(store, "", stop_at_once, &n, &err), 77);
    cr_assert_eq(n, 2);
}

Test(store, ranges_are_read_exactly_or_refused)
{
    struct ds_err err = {0};
    struct store_object *o = NULL;
    uint64_t size;
    char dst[8] = "";
    cr_assert_eq(store_put(store, "k", text_body("0123456789"), &err), 0);
    cr_assert_eq(store_get_range(store, "k", 3, dst, 4, &err), 0);
    cr_assert_str_eq(dst, "3456");
    cr_assert_eq(store_get_range(store, "k", 8, dst, 4, &err), DS_ECORRUPT);
    cr_assert_eq(store_object_open(store, "k", &o, &size, &err), 0);
    cr_assert_eq(size, 10);
    cr_assert_eq(store_object_read(o, 0, dst, 2, &err), 0);
    cr_assert_eq(store_object_read(o, 9, dst, 2, &err), DS_ECORRUPT);
    store_object_close(o);
}

Test(store, what_is_not_there_is_not_found)
{
    struct ds_err err = {0};
    struct ds_span out;
    uint64_t size;
    struct store_object *o;
    cr_assert_eq(store_get(store, "no/such", 9, arena, &out, &err), DS_ENOTFOUND);
    cr_assert_not_null(strstr(err.text, "no/such"));
    cr_assert_eq(store_head(store, "no", &size, &err), DS_ENOTFOUND);
    cr_assert_eq(store_object_open(store, "no", &o, &size, &err), DS_ENOTFOUND);
    cr_assert_eq(store_remove(store, "no", &err), 0);
}

Test(store, an_object_above_the_bound_is_refused)
{
    struct ds_err err = {0};
    struct ds_span out;
    cr_assert_eq(store_put(store, "k", text_body("0123456789"), &err), 0);
    cr_assert_eq(store_get(store, "k", 9, arena, &out, &err), DS_ETOOBIG);
    cr_assert_eq(store_get(store, "k", 10, arena, &out, &err), 0);
}

Test(store, a_removed_object_can_be_put_again)
{
    struct ds_err err = {0};
    bool existed = true;
    cr_assert_eq(store_put(store, "k", text_body("a"), &err), 0);
    cr_assert_eq(store_remove(store, "k", &err), 0);
    cr_assert_eq(store_put_if_absent(store, "k", text_body("b"), &existed, &err), 0);
    cr_assert_not(existed);
}

Test(store, a_folder_in_an_objects_place_is_an_error_and_no_object)
{
    struct ds_err err = {0};
    struct ds_span out;
    uint64_t size;
    bool existed;
    cr_assert_eq(store_put(store, "a/b", text_body("x"), &err), 0);
    cr_assert_eq(store_put_if_absent(store, "a", text_body("x"), &existed, &err), DS_EEXIST);
    cr_assert_not_null(strstr(err.text, "File exists"), "%s", err.text);
    cr_assert_lt(store_put(store, "a", text_body("x"), &err), 0);
    cr_assert_lt(store_put(store, "a/b/c", text_body("x"), &err), 0);
    cr_assert_eq(store_get(store, "a", 9, arena, &out, &err), DS_ECORRUPT);
    cr_assert_eq(store_head(store, "a", &size, &err), DS_ECORRUPT);
    cr_assert_eq(count_files(), 1);
}

Test(store, keys_are_checked_everywhere)
{
    static const char *const BAD[] = {"",   "/etc/x", "../x", "a/../b", "a//b", "a/",
                                      ".x", "a/.b",   "a\nb", ".",      "a/./b"};
    struct ds_err err = {0};
    struct ds_span out;
    uint64_t size;
    int fd;
    bool existed;
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        cr_assert_not(store_key_is_valid(ds_span_of(BAD[i])), "%s", BAD[i]);
        cr_assert_eq(store_put(store, BAD[i], text_body(""), &err), DS_EINPUT);
        cr_assert_eq(store_put_if_absent(store, BAD[i], text_body(""), &existed, &err), DS_EINPUT);
        cr_assert_eq(store_get(store, BAD[i], 9, arena, &out, &err), DS_EINPUT);
        cr_assert_eq(store_head(store, BAD[i], &size, &err), DS_EINPUT);
        cr_assert_eq(store_remove(store, BAD[i], &err), DS_EINPUT);
        cr_assert_eq(store_lock(store, BAD[i], "me", &fd, &err), DS_EINPUT);
        cr_assert_eq(store_open_append(store, BAD[i], &fd, &err), DS_EINPUT);
    }
    char *long_key = arena_take(arena, STORE_KEY_BYTES + 2, 1);
    memset(long_key, 'a', STORE_KEY_BYTES + 1);
    cr_assert_not(store_key_is_valid(ds_span_of(long_key)));
}

Test(store, urls_of_other_kinds_say_what_to_do)
{
    static const struct {
        const char *url, *says;
    } ROWS[] = {{"pvc://claim/path", "--store"},
                {"s3://bucket/x", "--store"},
                {"ftp://x", "ftp"},
                {"", "path"}};
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct ds_err err = {0};
        struct store *s;
        cr_assert_eq(store_open(ROWS[i].url, STORE_WRITE, &s, &err), DS_EINPUT);
        cr_assert_not_null(strstr(err.text, ROWS[i].says), "%s", err.text);
    }
}

Test(store, reading_creates_nothing_and_writing_creates_the_folder)
{
    struct ds_err err = {0};
    struct store *s = NULL;
    cr_assert_eq(store_open(path_of("new/deep"), STORE_READ, &s, &err), DS_ENOTFOUND);
    cr_assert_neq(access(path_of("new"), F_OK), 0);
    cr_assert_eq(store_open(path_of("new/deep"), STORE_WRITE, &s, &err), 0, "%s", err.text);
    cr_assert(store_is_dir(s));
    cr_assert_str_eq(store_note(s), "");
    cr_assert_str_eq(store_url(s), path_of("new/deep"));
    store_close(s);
    cr_assert_eq(count_files(), 0);
    cr_assert_eq(fs_write_file_at(AT_FDCWD, path_of("file"), DS_SPAN("x"), &err), 0);
    cr_assert_neq(store_open(path_of("file"), STORE_WRITE, &s, &err), 0);
    cr_assert_neq(store_open(path_of("file"), STORE_READ, &s, &err), 0);
}

Test(store, a_relative_path_is_made_absolute)
{
    struct ds_err err = {0};
    struct store *s = NULL;
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(store_open("./here", STORE_WRITE, &s, &err), 0, "%s", err.text);
    cr_assert_str_eq(store_url(s), path_of("here"));
    store_close(s);
    cr_assert_eq(chdir("/"), 0);
}

Test(store, a_lock_is_held_by_one_and_names_its_holder)
{
    struct ds_err err = {0};
    int mine = -1, theirs = -1;
    cr_assert_eq(store_lock(store, "s/lock", "pid 12 on a since noon\n", &mine, &err), 0, "%s",
                 err.text);
    cr_assert_eq(store_lock(store, "s/lock", "second", &theirs, &err), DS_EAGAIN);
    cr_assert_str_eq(err.text, "pid 12 on a since noon");
    (void)close(mine);
    cr_assert_eq(store_lock(store, "s/lock", "second", &theirs, &err), 0);
    (void)close(theirs);
}

Test(store, a_lock_ends_with_its_process)
{
    struct ds_err err = {0};
    int fd = -1;
    pid_t child = fork();
    if (child == 0) {
        bool ok = store_lock(store, "lock", "child", &fd, NULL) == 0;
        _exit(ok ? 0 : 1); /* the descriptor is never closed */
    }
    int status = 1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(store_lock(store, "lock", "parent", &fd, &err), 0, "%s", err.text);
    (void)close(fd);
}

Test(store, lines_are_appended)
{
    struct ds_err err = {0};
    struct ds_span out;
    for (int i = 0; i < 2; i++) {
        int fd = -1;
        cr_assert_eq(store_open_append(store, "runs/x.jsonl", &fd, &err), 0, "%s", err.text);
        cr_assert_eq(write(fd, "{}\n", 3), 3);
        (void)close(fd);
    }
    cr_assert_eq(store_get(store, "runs/x.jsonl", 99, arena, &out, &err), 0);
    cr_assert(ds_span_is(out, "{}\n{}\n"));
}

static void age(const char *path, int64_t seconds)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec -= seconds;
    struct timespec times[2] = {now, now};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

Test(store, temporaries_of_the_dead_and_the_old_are_swept)
{
    struct ds_err err = {0};
    char host[65] = "", space[65] = "";
    (void)gethostname(host, 41);
    for (char *p = host; *p; p++)
        if (*p == '.' || *p == '_')
            *p = '-';
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    cr_assert_gt(n, 6);
    space[n - 1] = '\0'; /* pid:[NUMBER] */
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    (void)waitpid(dead, NULL, 0);
    const struct {
        const char *name;
        int64_t age_s;
        bool stays;
    } rows[] = {
        {arena_format(arena, ".tmp.%s.%s.%d.1", host, space + 5, (int)dead).ptr, 0, false},
        {arena_format(arena, ".tmp.%s.%s.%d.2", host, space + 5, (int)getpid()).ptr, 0, true},
        {arena_format(arena, ".tmp.%s.%s.%d.3", host, space + 5, (int)getpid()).ptr, 90000, false},
        {arena_format(arena, ".tmp.elsewhere.1.%d.4", (int)dead).ptr, 0, true},
        {".tmp.elsewhere.1.5.5", 90000, false},
        {arena_format(arena, ".tmp.%s.1.%d.6", host, (int)dead).ptr, 0, true},
        {".tmp.users-own", 900000, true},
        {".bashrc", 900000, true},
        {"tmp.h.1.2.3", 900000, true},
    };
    cr_assert_eq(store_put(store, "c/k", text_body("x"), &err), 0);
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        char *path = path_of(arena_format(arena, "c/%s", rows[i].name).ptr);
        cr_assert_eq(fs_write_file_at(AT_FDCWD, path, DS_SPAN("x"), &err), 0);
        age(path, rows[i].age_s);
    }
    cr_assert_eq(store_sweep_temporaries(store, "", &err), 0, "%s", err.text);
    for (size_t i = 0; i < DS_COUNT(rows); i++)
        cr_assert_eq(access(path_of(arena_format(arena, "c/%s", rows[i].name).ptr), F_OK) == 0,
                     rows[i].stays, "%s", rows[i].name);
    cr_assert_eq(access(path_of("c/k"), F_OK), 0);
}

Test(store, modes_follow_the_umask)
{
    struct ds_err err = {0};
    struct stat st;
    mode_t before = umask(027);
    cr_assert_eq(store_put(store, "m/k", text_body("x"), &err), 0);
    (void)umask(before);
    cr_assert_eq(stat(path_of("m/k"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0640);
    cr_assert_eq(stat(path_of("m"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0750);
}

Test(store, of_many_racing_writers_exactly_one_commits)
{
    enum { WRITERS = 8, KEYS = 20 };
    struct ds_err err = {0};
    struct ds_span out;
    pid_t children[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        children[w] = fork();
        if (children[w] == 0) {
            int won = 0;
            for (int k = 0; k < KEYS; k++) {
                char key[16], body[16];
                bool existed = false;
                (void)snprintf(key, sizeof key, "r/k%d", k);
                (void)snprintf(body, sizeof body, "writer %d", w);
                if (store_put_if_absent(store, key, text_body(body), &existed, NULL) < 0)
                    _exit(255);
                won += !existed;
            }
            _exit(won);
        }
    }
    int total = 0, status;
    for (int w = 0; w < WRITERS; w++) {
        (void)waitpid(children[w], &status, 0);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) != 255);
        total += WEXITSTATUS(status);
    }
    cr_assert_eq(total, KEYS);
    cr_assert_eq(count_files(), KEYS);
    cr_assert_eq(store_get(store, "r/k0", 99, arena, &out, &err), 0);
    cr_assert_eq(out.len, strlen("writer 0"));
}
