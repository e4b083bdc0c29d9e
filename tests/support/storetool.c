/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store by hand, for the fault tests and for measuring:
 *   storetool put    URL KEY TEXT         put_if_absent: prints "committed" or "existed"
 *   storetool file   URL KEY PATH         the same from an open file
 *   storetool set    URL KEY TEXT         create or replace
 *   storetool many   URL N BYTES          N objects in one batch
 *   storetool single URL N BYTES          N objects one after the other; both print their time
 *   storetool get    URL KEY
 *   storetool list   URL
 *   storetool sweep  URL
 *   storetool hammer URL                  writes objects whose content tells their length until
 *                                         it is killed
 *   storetool check  URL                  each object is whole; prints how many there are
 * After "open ok" on stderr the store was opened: tests inject their faults behind it.
 * Exit status 0, or 1 with one line on stderr. */
#include "base/clock_io.h"
#include "base/fs_io.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET_BYTES ((size_t)256 << 20)

static struct ds_err err;

static unsigned long number(const char *text)
{
    char *end;
    return strtoul(text, &end, 10);
}

static int put(struct store *s, const char *key, struct store_body body)
{
    bool existed = false;
    int rc = store_put_if_absent(s, key, body, &existed, &err);
    if (rc == 0)
        (void)puts(existed ? "existed" : "committed");
    return rc;
}

static int put_file(struct store *s, const char *key, const char *path)
{
    struct stat st;
    ds_auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return ds_fail_errno(&err, DS_EIO, errno, "%s", path);
    return put(s, key, (struct store_body){.fd = fd, .len = (uint64_t)st.st_size});
}

static int put_n(struct store *s, size_t n, size_t bytes, bool batch)
{
    struct store_put_item *items = calloc(n, sizeof *items);
    char(*keys)[64] = calloc(n, sizeof *keys);
    char *body = calloc(bytes + 1, 1);
    int rc = items && keys && body ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "cases/%d.%d.%zu", (int)getpid(), batch, i);
        items[i] = (struct store_put_item){.key = keys[i], .body = {body, -1, bytes}};
    }
    int64_t began = clock_monotonic_ns();
    if (rc == 0 && batch)
        rc = store_put_many_if_absent(s, items, n);
    for (size_t i = 0; rc == 0 && !batch && i < n; i++)
        rc = store_put_many_if_absent(s, &items[i], 1);
    (void)printf("%s: %zu objects of %zu bytes in %.3f ms\n", batch ? "batch" : "single", n, bytes,
                 (double)(clock_monotonic_ns() - began) / 1e6);
    for (size_t i = 0; items && i < n; i++)
        if (items[i].rc < 0)
            err = items[i].err;
    free(items);
    free(keys);
    free(body);
    return rc;
}

static int get(struct store *s, const char *key)
{
    ds_auto_arena a = arena_create(GET_BYTES + 4096);
    struct ds_span out;
    int rc = store_get(s, key, GET_BYTES, a, &out, &err);
    if (rc == 0)
        (void)fwrite(out.ptr, 1, out.len, stdout);
    return rc;
}

static int print_key(void *context, struct ds_span key, uint64_t size, int64_t mtime_ms)
{
    (void)context;
    (void)mtime_ms;
    (void)printf("%.*s %llu\n", DS_FMT(key), (unsigned long long)size);
    return 0;
}

/* Objects "<length>\n" followed by that many bytes: a reader sees whether one is whole. */
static int hammer(struct store *s)
{
    static char body[1 << 20];
    for (unsigned i = 0;; i++) {
        struct store_put_item items[8];
        char keys[8][64];
        size_t len = (i * 7919u) % 200000u;
        int head = snprintf(body, 32, "%zu\n", len);
        memset(body + head, 'x', len);
        for (int k = 0; k < 8; k++) {
            (void)snprintf(keys[k], sizeof keys[k], "cases/%d.%u.%d", (int)getpid(), i, k);
            items[k] =
                (struct store_put_item){.key = keys[k], .body = {body, -1, len + (size_t)head}};
        }
        if (store_put_many_if_absent(s, items, 8) < 0)
            return -1;
    }
}

struct checking {
    struct store *s;
    struct ds_arena *arena;
    size_t n;
};

static int check_object(void *context, struct ds_span key, uint64_t size, int64_t mtime_ms)
{
    struct checking *c = context;
    struct ds_span text, head;
    char *name = arena_cstr(c->arena, key), *end;
    (void)mtime_ms;
    int rc = store_get(c->s, name, GET_BYTES, c->arena, &text, &err);
    if (rc < 0)
        return rc;
    struct ds_span rest = ds_span_cut(text, '\n', &head);
    if (text.len != size || head.len == 0 || rest.len != strtoul(head.ptr, &end, 10))
        return ds_fail(&err, DS_ECORRUPT, "%s is not whole", name);
    c->n++;
    arena_reset(c->arena);
    return 0;
}

static int check(struct store *s)
{
    ds_auto_arena a = arena_create(GET_BYTES + 4096);
    struct checking c = {s, a, 0};
    int rc = store_list(s, "", check_object, &c, &err);
    if (rc == 0)
        (void)printf("%zu\n", c.n);
    return rc;
}

static int run(struct store *s, int argc, char **argv)
{
    const char *verb = argv[1];
    if (argc == 5 && strcmp(verb, "put") == 0)
        return put(s, argv[3],
                   (struct store_body){.data = argv[4], .fd = -1, .len = strlen(argv[4])});
    if (argc == 5 && strcmp(verb, "file") == 0)
        return put_file(s, argv[3], argv[4]);
    if (argc == 5 && strcmp(verb, "set") == 0)
        return store_put(s, argv[3],
                         (struct store_body){.data = argv[4], .fd = -1, .len = strlen(argv[4])},
                         &err);
    if (argc == 5 && strcmp(verb, "many") == 0)
        return put_n(s, number(argv[3]), number(argv[4]), true);
    if (argc == 5 && strcmp(verb, "single") == 0)
        return put_n(s, number(argv[3]), number(argv[4]), false);
    if (argc == 4 && strcmp(verb, "get") == 0)
        return get(s, argv[3]);
    if (argc == 3 && strcmp(verb, "list") == 0)
        return store_list(s, "", print_key, NULL, &err);
    if (argc == 3 && strcmp(verb, "sweep") == 0)
        return store_sweep_temporaries(s, "", &err);
    if (argc == 3 && strcmp(verb, "hammer") == 0)
        return hammer(s);
    if (argc == 3 && strcmp(verb, "check") == 0)
        return check(s);
    return ds_fail(&err, DS_EINPUT, "usage: see tests/support/storetool.c");
}

int main(int argc, char **argv)
{
    struct store *s = NULL;
    if (argc < 3)
        return 2;
    bool reads = strcmp(argv[1], "get") == 0 || strcmp(argv[1], "list") == 0
                 || strcmp(argv[1], "check") == 0;
    int rc = store_open(argv[2], reads ? STORE_READ : STORE_WRITE, &s, &err);
    if (rc == 0) {
        (void)fprintf(stderr, "open ok%s%s\n", store_note(s)[0] ? ": " : "", store_note(s));
        rc = run(s, argc, argv);
    }
    store_close(s);
    if (rc < 0)
        (void)fprintf(stderr, "storetool: %s\n", err.text);
    return rc < 0 ? 1 : 0;
}
