/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contract of store.h, held to by a folder and by the same folder behind a store pod. */
#include "base/fs_io.h"
#include "serve_child.h"
#include "store/pod_store_io.h"

#include <criterion/parameterized.h>
#include <fcntl.h>
#include <sys/stat.h>

static char folder[64], sweep_folder[72];
static struct serve_child child;
static struct http_loop *loop;
static struct ds_arena *arena;

static struct store *open_pod(const char *token, bool (*interrupted)(void))
{
    struct store *s = NULL;
    struct ds_err err = {0};
    struct pod_store_options o = {.loop = loop,
                                  .base_url = child.url,
                                  .token = token,
                                  .sweep = "s",
                                  .label = "pvc://claim/x",
                                  .interrupted = interrupted};
    cr_assert_eq(pod_store_open(&o, &s, &err), 0, "%s", err.text);
    return s;
}

static void start(const char *more)
{
    (void)snprintf(folder, sizeof folder, "/tmp/test_pod_store.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(sweep_folder, sizeof sweep_folder, "%s/s", folder);
    cr_assert_eq(mkdir(sweep_folder, 0755), 0);
    child = serve_child_start(sweep_folder, more);
    loop = http_loop_create(0, "test");
    arena = arena_create(64 << 20);
}

static void set_up(void)
{
    start("--write");
}

static void tear_down(void)
{
    if (child.pid > 0)
        cr_assert_eq(serve_child_stop(&child, SIGTERM), 0);
    http_loop_destroy(loop);
    arena_destroy(arena);
    cr_assert_eq(fs_remove_tree_at(AT_FDCWD, folder, NULL), 0);
}

static struct store_body text_body(const char *text)
{
    return (struct store_body){.data = text, .fd = -1, .len = strlen(text)};
}

/* ---- what every store does ---- */

static void puts_once(struct store *s)
{
    struct ds_err err = {0};
    struct ds_span out;
    bool existed = true;
    uint64_t size = 0;
    cr_assert_eq(store_put_if_absent(s, "s/cases/a", text_body("one"), &existed, &err), 0, "%s",
                 err.text);
    cr_assert_not(existed);
    cr_assert_eq(store_put_if_absent(s, "s/cases/a", text_body("two"), &existed, &err), 0, "%s",
                 err.text);
    cr_assert(existed);
    cr_assert_eq(store_get(s, "s/cases/a", 100, arena, &out, &err), 0, "%s", err.text);
    cr_assert(ds_span_is(out, "one"));
    cr_assert_eq(store_head(s, "s/cases/a", &size, &err), 0);
    cr_assert_eq(size, 3);
}

static void replaces(struct store *s)
{
    struct ds_err err = {0};
    struct ds_span out;
    cr_assert_eq(store_put(s, "s/plan.json", text_body("one"), &err), 0, "%s", err.text);
    cr_assert_eq(store_put(s, "s/plan.json", text_body("three"), &err), 0, "%s", err.text);
    cr_assert_eq(store_get(s, "s/plan.json", 100, arena, &out, &err), 0);
    cr_assert(ds_span_is(out, "three"));
}

static void takes_empty_objects(struct store *s)
{
    struct ds_err err = {0};
    struct ds_span out = {NULL, 9};
    bool existed = true;
    uint64_t size = 9;
    cr_assert_eq(
        store_put_if_absent(s, "s/started/x.1", (struct store_body){.fd = -1}, &existed, &err), 0,
        "%s", err.text);
    cr_assert_not(existed);
    cr_assert_eq(store_get(s, "s/started/x.1", 0, arena, &out, &err), 0, "%s", err.text);
    cr_assert_eq(out.len, 0);
    cr_assert_eq(store_head(s, "s/started/x.1", &size, &err), 0, "%s", err.text);
    cr_assert_eq(size, 0);
}

static char *pattern(size_t n)
{
    char *big = arena_take(arena, n, 1);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)(i * 7 + i / 1000);
    return big;
}

static void takes_large_files_and_gives_ranges(struct store *s)
{
    struct ds_err err = {0};
    struct store_object *o = NULL;
    uint64_t size = 0;
    const size_t n = ((size_t)5 << 20) + 17;
    static const struct {
        uint64_t at;
        size_t n;
    } ROWS[] = {{0, 1},         {0, 5242897},       {5242896, 1},   {5242890, 7}, {1048575, 2},
                {1048576, 100}, {3000000, 2000000}, {4194321, 500}, {12, 0},      {5242897, 0}};
    char *big = pattern(n), *got = arena_take(arena, n, 1);
    FILE *source = tmpfile();
    cr_assert_eq(fwrite(big, 1, n, source), n);
    cr_assert_eq(fflush(source), 0);
    cr_assert_eq(
        store_put(s, "s/bundle", (struct store_body){NULL, fileno(source), n, false}, &err), 0,
        "%s", err.text);
    (void)fclose(source);
    cr_assert_eq(store_object_open(s, "s/bundle", &o, &size, &err), 0, "%s", err.text);
    cr_assert_eq(size, n);
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        memset(got, 0, ROWS[i].n);
        cr_assert_eq(store_object_read(o, ROWS[i].at, got, ROWS[i].n, &err), 0, "%zu: %s", i,
                     err.text);
        cr_assert_eq(memcmp(got, big + ROWS[i].at, ROWS[i].n), 0, "%zu", i);
    }
    cr_assert_eq(store_object_read(o, n - 1, got, 2, &err), DS_ECORRUPT);
    cr_assert_eq(store_object_read(o, n + 1, got, 1, &err), DS_ECORRUPT);
    cr_assert_lt(store_object_read(o, UINT64_MAX, got, 1, &err), 0);
    store_object_close(o);
}

static void knows_what_is_not_there(struct store *s)
{
    struct ds_err err = {0};
    struct ds_span out;
    uint64_t size;
    struct store_object *o;
    cr_assert_eq(store_get(s, "s/no/such", 9, arena, &out, &err), DS_ENOTFOUND);
    cr_assert_not_null(strstr(err.text, "no/such"), "%s", err.text);
    cr_assert_eq(store_head(s, "s/no", &size, &err), DS_ENOTFOUND);
    cr_assert_eq(store_object_open(s, "s/no", &o, &size, &err), DS_ENOTFOUND);
    cr_assert_eq(store_remove(s, "s/no", &err), 0, "%s", err.text);
}

static void removes(struct store *s)
{
    struct ds_err err = {0};
    bool existed = true;
    cr_assert_eq(store_put(s, "s/k", text_body("a"), &err), 0);
    cr_assert_eq(store_remove(s, "s/k", &err), 0, "%s", err.text);
    cr_assert_eq(store_put_if_absent(s, "s/k", text_body("b"), &existed, &err), 0);
    cr_assert_not(existed);
}

static void bounds_what_is_read(struct store *s)
{
    struct ds_err err = {0};
    struct ds_span out;
    cr_assert_eq(store_put(s, "s/k", text_body("0123456789"), &err), 0);
    cr_assert_eq(store_get(s, "s/k", 9, arena, &out, &err), DS_ETOOBIG);
    cr_assert_eq(store_get(s, "s/k", 10, arena, &out, &err), 0);
}

static void tells_folders_from_objects(struct store *s)
{
    struct ds_err err = {0};
    struct ds_span out;
    uint64_t size;
    bool existed;
    cr_assert_eq(store_put(s, "s/a/b", text_body("x"), &err), 0);
    cr_assert_lt(store_put_if_absent(s, "s/a/b/c", text_body("x"), &existed, &err), 0);
    cr_assert_lt(store_put(s, "s/a", text_body("x"), &err), 0);
    cr_assert_eq(store_get(s, "s/a", 9, arena, &out, &err), DS_ECORRUPT, "%s", err.text);
    cr_assert_eq(store_head(s, "s/a", &size, &err), DS_ECORRUPT, "%s", err.text);
}

static void puts_many(struct store *s)
{
    struct ds_err err = {0};
    struct ds_span out;
    struct store_put_item items[] = {{.key = "s/m/1", .body = text_body("1")},
                                     {.key = "../m", .body = text_body("2")},
                                     {.key = "s/m/3", .body = text_body("3")},
                                     {.key = "s/m/1", .body = text_body("4")}};
    cr_assert_eq(store_put_many_if_absent(s, items, DS_COUNT(items)), DS_EINPUT);
    cr_assert_eq(items[0].rc, 0);
    cr_assert_eq(items[1].rc, DS_EINPUT);
    cr_assert_eq(items[2].rc, 0);
    cr_assert_eq(items[3].rc, 0);
    cr_assert(items[3].existed);
    cr_assert_eq(store_get(s, "s/m/1", 9, arena, &out, &err), 0);
    cr_assert(ds_span_is(out, "1"));
}

static int count_key(void *context, struct ds_span key, uint64_t size, int64_t mtime_ms)
{
    struct ds_buf *b = context;
    cr_assert_gt(mtime_ms, 1600000000000);
    (void)buf_printf(b, "%.*s=%llu ", DS_FMT(key), (unsigned long long)size);
    return 0;
}

static int stop_at_once(void *context, struct ds_span key, uint64_t size, int64_t mtime_ms)
{
    (void)key;
    (void)size;
    (void)mtime_ms;
    ++*(int *)context;
    return 7;
}

static size_t list_length(struct store *s, const char *prefix)
{
    struct ds_err err = {0};
    ds_auto_buf seen;
    buf_init(&seen, 1 << 20);
    cr_assert_eq(store_list(s, prefix, count_key, &seen, &err), 0, "%s", err.text);
    return seen.len;
}

static void lists(struct store *s)
{
    struct ds_err err = {0};
    int n = 0;
    cr_assert_eq(list_length(s, "s/"), 0);
    cr_assert_eq(store_put(s, "s/cases/a b%20&c+d", text_body("xyz"), &err), 0, "%s", err.text);
    cr_assert_eq(store_put(s, "s/cases/\xc3\xa4", text_body(""), &err), 0, "%s", err.text);
    cr_assert_eq(store_put(s, "s/x", text_body("1"), &err), 0);
    cr_assert_eq(list_length(s, ""), strlen("s/cases/a b%20&c+d=3 s/cases/\xc3\xa4=0 s/x=1 "));
    cr_assert_eq(list_length(s, "s/cases/"), strlen("s/cases/a b%20&c+d=3 s/cases/\xc3\xa4=0 "));
    cr_assert_eq(list_length(s, "s/none/"), 0);
    cr_assert_eq(list_length(s, "t/"), 0);
    cr_assert_eq(store_list(s, "s/", stop_at_once, &n, &err), 7);
    cr_assert_eq(n, 1);
    cr_assert_eq(store_list(s, "s", count_key, NULL, &err), DS_EINPUT);
}

static void refuses_bad_keys(struct store *s)
{
    static const char *const BAD[] = {"", "/etc/x", "../x", "s/../b", "s//b", "s/", ".x", "s/.b"};
    struct ds_err err = {0};
    struct ds_span out;
    for (size_t i = 0; i < DS_COUNT(BAD); i++) {
        cr_assert_eq(store_put(s, BAD[i], text_body(""), &err), DS_EINPUT);
        cr_assert_eq(store_get(s, BAD[i], 9, arena, &out, &err), DS_EINPUT);
    }
}

static void sweeps_temporaries(struct store *s)
{
    struct ds_err err = {0};
    cr_assert_eq(store_sweep_temporaries(s, "s/", &err), 0, "%s", err.text);
}

static const struct row {
    const char *claim;
    void (*holds)(struct store *s);
} CONTRACT[] = {
    {"an object is put once", puts_once},
    {"put replaces", replaces},
    {"empty objects", takes_empty_objects},
    {"large files, exact ranges", takes_large_files_and_gives_ranges},
    {"what is not there", knows_what_is_not_there},
    {"removed objects", removes},
    {"reads are bounded", bounds_what_is_read},
    {"folders are no objects", tells_folders_from_objects},
    {"many at once", puts_many},
    {"listing", lists},
    {"bad keys", refuses_bad_keys},
    {"temporaries", sweeps_temporaries},
};

static size_t places[DS_COUNT(CONTRACT)];

ParameterizedTestParameters(pod_store, both_kinds_hold_to_the_contract)
{
    for (size_t i = 0; i < DS_COUNT(places); i++)
        places[i] = i; /* another process may have the functions elsewhere */
    return cr_make_param_array(size_t, places, DS_COUNT(places));
}

ParameterizedTest(size_t *place, pod_store, both_kinds_hold_to_the_contract, .init = set_up,
                  .fini = tear_down, .timeout = 60)
{
    struct ds_err err = {0};
    struct store *dir = NULL, *pod = open_pod(SERVE_TOKEN, NULL);
    char other[72];
    (void)snprintf(other, sizeof other, "%s/other", folder);
    cr_assert_eq(store_open(other, STORE_WRITE, &dir, &err), 0, "%s", err.text);
    CONTRACT[*place].holds(dir);
    CONTRACT[*place].holds(pod);
    store_close(dir);
    store_close(pod);
}

/* ---- what only the pod does ---- */

TestSuite(pod, .init = set_up, .fini = tear_down, .timeout = 60);

Test(pod, a_ping_tells_who_is_there)
{
    struct ds_err err = {0};
    struct store *s = open_pod(SERVE_TOKEN, NULL), *stranger = open_pod("wrong", NULL);
    cr_assert_eq(pod_store_ping(s, &err), 0, "%s", err.text);
    cr_assert_eq(pod_store_ping(stranger, &err), DS_EDENIED, "%s", err.text);
    cr_assert_eq(serve_child_stop(&child, SIGTERM), 0);
    child.pid = 0;
    cr_assert_eq(pod_store_ping(s, &err), DS_EAGAIN, "%s", err.text);
    cr_assert_eq(err.code, DS_EAGAIN);
    store_close(s);
    store_close(stranger);
}

Test(pod, a_wrong_token_opens_nothing)
{
    struct ds_err err = {0};
    struct ds_span out;
    struct store *s = open_pod(SERVE_TOKEN, NULL), *stranger = open_pod("let-me-im", NULL);
    cr_assert_eq(store_put(s, "s/k", text_body("x"), &err), 0, "%s", err.text);
    cr_assert_eq(store_get(stranger, "s/k", 9, arena, &out, &err), DS_EDENIED);
    cr_assert_eq(store_put(stranger, "s/k", text_body("y"), &err), DS_EDENIED);
    cr_assert_eq(store_remove(stranger, "s/k", &err), DS_EDENIED);
    cr_assert_eq(store_list(stranger, "s/", count_key, NULL, &err), DS_EDENIED);
    cr_assert_eq(store_get(s, "s/k", 9, arena, &out, &err), 0);
    cr_assert(ds_span_is(out, "x"));
    store_close(s);
    store_close(stranger);
}

Test(pod, other_sweeps_are_out_of_reach)
{
    struct ds_err err = {0};
    struct ds_span out;
    uint64_t size;
    struct store *s = open_pod(SERVE_TOKEN, NULL);
    cr_assert_eq(store_get(s, "t/k", 9, arena, &out, &err), DS_ENOTFOUND);
    cr_assert_eq(store_head(s, "st/k", &size, &err), DS_ENOTFOUND);
    cr_assert_eq(store_put(s, "t/k", text_body("x"), &err), DS_EINPUT);
    cr_assert_eq(store_remove(s, "t/k", &err), DS_EINPUT);
    store_close(s);
}

Test(pod, an_object_replaced_between_two_pieces_is_not_mixed)
{
    struct ds_err err = {0};
    struct store_object *o;
    uint64_t size;
    const size_t n = (size_t)3 << 20;
    char *big = pattern(n), byte;
    struct store *s = open_pod(SERVE_TOKEN, NULL);
    struct store_body body = {.data = big, .fd = -1, .len = n};
    cr_assert_eq(store_put(s, "s/big", body, &err), 0, "%s", err.text);
    cr_assert_eq(store_object_open(s, "s/big", &o, &size, &err), 0, "%s", err.text);
    big[n - 1]++;
    cr_assert_eq(store_put(s, "s/big", body, &err), 0, "%s", err.text);
    cr_assert_eq(store_object_read(o, n - 1, &byte, 1, &err), DS_EAGAIN, "%s", err.text);
    store_object_close(o);
    store_close(s);
}

Test(pod, long_listings_come_in_pages)
{
    struct ds_err err = {0};
    char path[128];
    struct store *s = open_pod(SERVE_TOKEN, NULL);
    size_t length = 0;
    (void)snprintf(path, sizeof path, "%s/cases", sweep_folder);
    cr_assert_eq(mkdir(path, 0755), 0);
    for (unsigned i = 0; i < 12001; i++) {
        (void)snprintf(path, sizeof path, "%s/cases/%u", sweep_folder, i);
        int fd = open(path, O_WRONLY | O_CREAT, 0644);
        cr_assert_geq(fd, 0);
        (void)close(fd);
        length += (size_t)snprintf(path, sizeof path, "s/cases/%u=0 ", i);
    }
    cr_assert_eq(list_length(s, "s/cases/"), length);
    (void)err;
    store_close(s);
}

static bool is_told_to_stop;
static bool told_to_stop(void)
{
    return is_told_to_stop;
}

Test(pod, an_interruption_ends_the_next_request)
{
    struct ds_err err = {0};
    struct store *s = open_pod(SERVE_TOKEN, told_to_stop);
    cr_assert_eq(store_put(s, "s/k", text_body("x"), &err), 0, "%s", err.text);
    is_told_to_stop = true;
    cr_assert_eq(store_put(s, "s/k", text_body("y"), &err), DS_EINTR);
    store_close(s);
}

Test(pod, only_a_folder_has_locks_and_growing_objects)
{
    struct ds_err err = {0};
    int fd = 5;
    struct store *s = open_pod(SERVE_TOKEN, NULL);
    cr_assert_eq(store_lock(s, "s/lock", "me", &fd, &err), 0);
    cr_assert_eq(fd, -1);
    cr_assert_eq(store_open_append(s, "s/runs/x", &fd, &err), DS_EUNSUPPORTED);
    cr_assert_not(store_is_dir(s));
    cr_assert_str_eq(store_url(s), "pvc://claim/x");
    store_close(s);
}

static void set_up_read_only(void)
{
    tear_down(); /* of the suite, which came first */
    start(NULL);
}

Test(pod, one_that_only_reads_writes_nothing, .init = set_up_read_only)
{
    struct ds_err err = {0};
    struct ds_span out;
    char path[128];
    struct store *s = open_pod(SERVE_TOKEN, NULL);
    (void)snprintf(path, sizeof path, "%s/k", sweep_folder);
    cr_assert_eq(fs_write_file_at(AT_FDCWD, path, DS_SPAN("x"), &err), 0);
    cr_assert_eq(store_put(s, "s/k", text_body("y"), &err), DS_EDENIED);
    cr_assert_eq(store_remove(s, "s/k", &err), DS_EDENIED);
    cr_assert_eq(store_get(s, "s/k", 9, arena, &out, &err), 0, "%s", err.text);
    cr_assert(ds_span_is(out, "x"));
    store_close(s);
}
