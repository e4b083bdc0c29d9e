/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real reader, told to read nothing outside of one folder. */
#include "base/fs_io.h"
#include "base/path.h"
#include "deck/deck_files_io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROOM 4096

struct world { /* top/root/in.inc, top/root/sub/, top/rootless.inc, top/out.inc, links */
    char top[ROOM], root[ROOM];
    struct ds_arena *a;
    struct deck_files *files;
    const struct deck_reader *reader;
};

static const char *at(const struct world *w, const char *name)
{
    struct ds_span path = arena_format(w->a, "%s/%s", w->top, name);
    return path.ptr;
}

static void put(const struct world *w, const char *name)
{
    struct ds_err err = {0};
    cr_assert_eq(fs_write_file_at(AT_FDCWD, at(w, name), DS_SPAN("text"), &err), 0, "%s", err.text);
}

static void build(struct world *w)
{
    struct ds_err err = {0};
    w->a = arena_create(1 << 20);
    cr_assert(getcwd(w->root, sizeof w->root) != NULL);
    (void)snprintf(w->top, sizeof w->top, "%.4000s/build/tmp", w->root);
    cr_assert_eq(fs_make_dirs(w->top, &err), 0, "%s", err.text);
    (void)snprintf(w->top, sizeof w->top, "%.4000s/build/tmp/confine-XXXXXX", w->root);
    cr_assert(mkdtemp(w->top) != NULL);
    (void)snprintf(w->root, sizeof w->root, "%.4000s/root", w->top);
    cr_assert_eq(fs_make_dirs(at(w, "root/sub"), &err), 0, "%s", err.text);
    put(w, "root/in.inc");
    put(w, "out.inc");
    put(w, "rootless.inc");
    cr_assert_eq(symlink("../out.inc", at(w, "root/link.inc")), 0);
    cr_assert_eq(symlink("..", at(w, "root/up")), 0);
    cr_assert_eq(symlink("in.inc", at(w, "root/inside.inc")), 0);
    w->files = deck_files_create();
    w->reader = deck_files_reader(w->files);
    cr_assert(deck_files_confine(w->files, w->root));
}

static void take_down(struct world *w)
{
    deck_files_destroy(w->files);
    cr_assert_eq(fs_remove_tree_at(AT_FDCWD, w->top, NULL), 0);
    arena_destroy(w->a);
}

Test(deck_confine, reads_what_lies_below_its_root_and_nothing_else)
{
    static const struct {
        const char *claim, *name;
        int read, stat;
    } rows[] = {
        {"a file inside", "root/in.inc", 0, 0},
        {"through a folder and back", "root/sub/../in.inc", 0, 0},
        {"a link that stays inside", "root/inside.inc", 0, 0},
        {"nothing there", "root/none.inc", DS_ENOTFOUND, DS_ENOTFOUND},
        {"a file beside the root", "out.inc", DS_EDENIED, DS_EDENIED},
        {"a name that begins like the root", "rootless.inc", DS_EDENIED, DS_EDENIED},
        {"up and out", "root/../out.inc", DS_EDENIED, DS_EDENIED},
        {"up and out, not there", "root/../none.inc", DS_EDENIED, DS_EDENIED},
        {"a link that leaves", "root/link.inc", DS_EDENIED, DS_EDENIED},
        {"through a link that leaves", "root/up/out.inc", DS_EDENIED, DS_EDENIED},
        {"outside and not there", "none.inc", DS_EDENIED, DS_EDENIED},
        {"what leads to the root is seen, not read", "", DS_EDENIED, 0},
    };
    struct world w;
    build(&w);
    for (size_t i = 0; i < DS_COUNT(rows); i++) {
        struct ds_span path = ds_span_of(rows[i].name[0] ? at(&w, rows[i].name) : w.top), text;
        struct deck_stat st;
        struct deck_entry *entries;
        size_t n;
        char hex[65], bytes[4];
        uint64_t size;
        const struct deck_reader *r = w.reader;
        cr_expect_eq(r->read(r->context, path, 100, &text, NULL), rows[i].read, "%s",
                     rows[i].claim);
        cr_expect_eq(r->digest(r->context, path, hex, &size, NULL), rows[i].read, "%s",
                     rows[i].claim);
        cr_expect_eq(r->read_at(r->context, path, 0, bytes, 4, NULL), rows[i].read, "%s",
                     rows[i].claim);
        cr_expect_eq(r->stat(r->context, path, w.a, &st, NULL), rows[i].stat, "%s", rows[i].claim);
        if (rows[i].read == DS_EDENIED)
            cr_expect_eq(r->list(r->context, path, 10, w.a, &entries, &n, NULL), DS_EDENIED, "%s",
                         rows[i].claim);
    }
    take_down(&w);
}

Test(deck_confine, other_files_of_the_machine_are_named_and_not_read)
{
    struct world w;
    build(&w);
    static const char *const names[] = {"/etc/passwd", "/proc/self/environ", "/dev/zero", "/"};
    for (size_t i = 0; i < DS_COUNT(names); i++) {
        struct ds_span text;
        struct ds_err err = {0};
        int rc = w.reader->read(w.reader->context, ds_span_of(names[i]), 100, &text, &err);
        cr_expect_eq(rc, DS_EDENIED);
        cr_expect(strstr(err.text, names[i]) && strstr(err.text, "outside"), "%s", err.text);
    }
    take_down(&w);
}

Test(deck_confine, a_root_that_is_no_absolute_path_is_refused)
{
    ds_auto_deck_files f = deck_files_create();
    cr_assert_not(deck_files_confine(f, "relative"));
    char text[PATH_MAX_BYTES + 10];
    memset(text, '/', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_not(deck_files_confine(f, text));
}
