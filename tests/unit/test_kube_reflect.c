/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reflector's decisions: what is asked after what, and how long is waited. */
#include "kube/kube_list.h"
#include "kube/kube_reflect.h"

#include <criterion/criterion.h>

static struct kube_reflector r;
static int64_t now;

static bool asks(const char *query)
{
    ds_auto_buf b;
    buf_init(&b, 20000);
    (void)buf_put_text(&b, "/p");
    if (kube_reflector_wish(&r, now) == KUBE_WISH_NOTHING)
        return false;
    cr_assert_eq(kube_reflector_ask(&r, now, &b), 0);
    bool hit = strncmp(b.data + 2, query, strlen(query)) == 0;
    if (!hit)
        cr_log_error("asked %s", b.data);
    return hit;
}

static void wait_for(int64_t least, int64_t most)
{
    int64_t wait = kube_reflector_due_ms(&r) - now;
    cr_expect(wait >= least && wait <= most, "waits %d, not %d .. %d", (int)wait, (int)least,
              (int)most);
    if (wait > 0)
        cr_expect_eq(kube_reflector_wish(&r, now + wait - 1), KUBE_WISH_NOTHING);
    now += wait;
}

static bool page(const char *version, const char *more)
{
    return kube_reflector_page(&r, ds_span_of(version), ds_span_of(more), now);
}

static void begin(void)
{
    now = 1000000;
    kube_reflector_init(&r, 42);
}

static void begin_watching(void)
{
    begin();
    cr_assert(asks("?limit=500"));
    cr_assert(page("10", ""));
    cr_assert(asks("?watch=1&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds="));
}

Test(kube_reflect, pages_then_a_watch_from_the_first_pages_version)
{
    begin();
    cr_expect(asks("?limit=500"));
    cr_expect_eq(kube_reflector_wish(&r, now), KUBE_WISH_NOTHING, "one at a time");
    cr_expect_eq(kube_reflector_due_ms(&r), INT64_MAX);
    cr_expect(kube_reflector_page_is_first(&r));
    cr_expect(!page("10", "a b/c"));
    cr_expect(!kube_reflector_page_is_first(&r));
    cr_expect(asks("?limit=500&continue=a%20b%2Fc"));
    cr_expect(page("12", ""));
    cr_expect(asks("?watch=1&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds="));
}

Test(kube_reflect, a_watch_goes_on_from_the_last_version_seen)
{
    begin_watching();
    kube_reflector_event(&r, DS_SPAN("11"));
    kube_reflector_event(&r, DS_SPAN("17"));
    now += 5000;
    cr_expect(!kube_reflector_ended(&r, now));
    cr_expect(asks("?watch=1&allowWatchBookmarks=true&resourceVersion=17&"));
    now += 500000; /* nothing happened for the whole time */
    cr_expect(!kube_reflector_ended(&r, now));
    cr_expect(asks("?watch=1&allowWatchBookmarks=true&resourceVersion=17&"));
}

Test(kube_reflect, a_watch_that_ends_at_once_is_a_failure_and_after_some_the_list_comes_anew)
{
    begin_watching();
    for (int i = 0; i < 3; i++) {
        cr_expect(kube_reflector_ended(&r, now + 10));
        now = kube_reflector_due_ms(&r);
        cr_expect(asks("?watch=1"));
    }
    cr_expect(kube_reflector_ended(&r, now + 10));
    now = kube_reflector_due_ms(&r);
    cr_expect(asks("?limit=500"));
}

Test(kube_reflect, a_forgotten_version_means_a_list_at_once_the_first_time)
{
    begin_watching();
    kube_reflector_failed(&r, KUBE_GONE, -1, now);
    wait_for(0, 0);
    cr_expect(asks("?limit=500") && page("20", ""));
    cr_expect(asks("?watch=1"));
    kube_reflector_failed(&r, KUBE_GONE, -1, now);
    wait_for(800, 1600);
    cr_expect(asks("?limit=500") && page("30", ""));
    now += 200000;
    cr_expect(asks("?watch=1"));
    kube_reflector_failed(&r, KUBE_GONE, -1, now);
    wait_for(0, 0);
}

Test(kube_reflect, a_page_too_large_is_asked_for_in_ever_smaller_pieces)
{
    static const char *const ASKED[] = {"?limit=250", "?limit=125", "?limit=62", "?limit=31",
                                        "?limit=15",  "?limit=7",   "?limit=3",  "?limit=1"};
    begin();
    cr_expect(asks("?limit=500"));
    for (size_t i = 0; i < DS_COUNT(ASKED); i++) {
        kube_reflector_failed(&r, KUBE_TOO_BIG, -1, now);
        wait_for(0, 0);
        cr_expect(asks(ASKED[i]), "%s", ASKED[i]);
    }
    kube_reflector_failed(&r, KUBE_TOO_BIG, -1, now);
    wait_for(800, 1600); /* nothing is smaller than one */
    cr_expect(asks("?limit=1") && !page("10", "c"));
    cr_expect(asks("?limit=2&continue=c") && !page("10", "d"));
    kube_reflector_failed(&r, KUBE_AWAY, -1, now);
    now = kube_reflector_due_ms(&r);
    cr_expect(asks("?limit=4&continue=d"), "what was listed is not listed again");
    kube_reflector_failed(&r, KUBE_TOO_BIG, -1, now);
    wait_for(0, 0);
    cr_expect(asks("?limit=2&continue=d") && page("10", ""));
}

Test(kube_reflect, a_whole_list_too_large_is_asked_for_in_pages_again)
{
    begin();
    r.unpaged = true;
    cr_expect(asks(""));
    kube_reflector_failed(&r, KUBE_TOO_BIG, -1, now);
    wait_for(0, 0);
    cr_expect(asks("?limit=250"));
}

Test(kube_reflect, pages_that_keep_expiring_end_in_one_whole_list)
{
    begin();
    for (int i = 0; i < 2; i++) {
        cr_expect(asks("?limit=500"));
        cr_expect(!page("10", "c"));
        cr_expect(asks("?limit=500&continue=c"));
        kube_reflector_failed(&r, KUBE_GONE, -1, now);
        now = kube_reflector_due_ms(&r);
        cr_expect(kube_reflector_page_is_first(&r));
    }
    ds_auto_buf b;
    buf_init(&b, 100);
    (void)buf_put_text(&b, "/p");
    cr_assert_eq(kube_reflector_ask(&r, now, &b), 0);
    cr_expect_str_eq(b.data, "/p");
    cr_expect(page("10", ""));
    cr_expect(asks("?watch=1"));
    kube_reflector_failed(&r, KUBE_ODD, -1, now);
    now = kube_reflector_due_ms(&r);
    cr_expect(asks("?limit=500"), "the next list is in pages again");
}

Test(kube_reflect, a_server_that_is_away_is_asked_the_same_again_ever_more_slowly)
{
    static const int64_t BACKOFF[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
    begin_watching();
    for (size_t i = 0; i < DS_COUNT(BACKOFF); i++) {
        kube_reflector_failed(&r, KUBE_AWAY, -1, now);
        wait_for(BACKOFF[i], BACKOFF[i] * 2);
        cr_expect(asks("?watch=1&allowWatchBookmarks=true&resourceVersion=10&"));
    }
    kube_reflector_failed(&r, KUBE_AWAY, 90000, now);
    wait_for(90000, 90000);
    cr_expect(asks("?watch=1"));
    now += 130000; /* quiet for long: as if it were the first */
    kube_reflector_failed(&r, KUBE_AWAY, -1, now);
    wait_for(800, 1600);
    cr_expect(asks("?watch=1"));
    kube_reflector_event(&r, DS_SPAN("11")); /* it is well */
    kube_reflector_failed(&r, KUBE_AWAY, -1, now);
    wait_for(800, 1600);
}

Test(kube_reflect, what_is_not_understood_means_a_new_list)
{
    begin_watching();
    kube_reflector_failed(&r, KUBE_ODD, -1, now);
    now = kube_reflector_due_ms(&r);
    cr_expect(asks("?limit=500"));
    cr_expect(!page("", ""), "a list without version");
    cr_expect(kube_reflector_due_ms(&r) > now);
    now = kube_reflector_due_ms(&r);
    cr_expect(asks("?limit=500"));
    static char big[KUBE_CONTINUE_BYTES + 1];
    memset(big, 'x', KUBE_CONTINUE_BYTES);
    cr_expect(!page("7", big));
    cr_expect(kube_reflector_page_is_first(&r));
}

Test(kube_reflect, kinds_of_failures)
{
    static const struct {
        int status;
        const char *body;
        enum kube_failure f;
    } CASES[] = {{0, "", KUBE_AWAY},
                 {429, "", KUBE_AWAY},
                 {410, "", KUBE_GONE},
                 {200, "{\"kind\":\"Status\",\"reason\":\"Expired\"}", KUBE_GONE},
                 {504,
                  "{\"kind\":\"Status\",\"message\":\"Timeout: Too large resource version: 9\"}",
                  KUBE_GONE},
                 {504, "", KUBE_SICK},
                 {500, "", KUBE_SICK},
                 {403, "", KUBE_ODD},
                 {404, "", KUBE_ODD},
                 {302, "", KUBE_ODD}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct kube_status s;
        kube_status_read(ds_span_of(CASES[i].body), &s);
        cr_expect_eq(kube_failure_of(CASES[i].status, &s), CASES[i].f, "%zu", i);
    }
}

Test(kube_reflect, lines_of_a_watch)
{
#define META(x) "{\"metadata\":{" x "}}"
    static const struct {
        const char *line;
        int code, type;
        const char *version;
    } CASES[] = {
        {"{\"type\":\"ADDED\",\"object\":" META("\"name\":\"a\",\"resourceVersion\":\"5\"") "}", 0,
         KUBE_ADDED, "5"},
        {"{\"type\":\"DELETED\",\"object\":" META("\"name\":\"a\",\"resourceVersion\":\"5\"") "}\r",
         0, KUBE_DELETED, "5"},
        {"{\"type\":\"BOOKMARK\",\"object\":" META("\"resourceVersion\":\"6\"") "}", 0,
         KUBE_BOOKMARK, "6"},
        {"{\"type\":\"ERROR\",\"object\":{\"code\":410}}", 0, KUBE_ERROR, ""},
        {"{\"type\":\"ADDED\",\"object\":" META("\"resourceVersion\":\"5\"") "}", DS_EINPUT, 0, ""},
        {"{\"type\":\"ADDED\",\"object\":" META("\"name\":\"a\"") "}", DS_EINPUT, 0, ""},
        {"{\"type\":\"ADDED\",\"object\":" META("\"name\":\"\",\"resourceVersion\":\"5\"") "}",
         DS_EINPUT, 0, ""},
        {"{\"type\":\"ADDED\",\"object\":" META("\"name\":\"a\",\"resourceVersion\":5") "}",
         DS_EINPUT, 0, ""},
        {"{\"type\":\"BOOKMARK\",\"object\":{}}", DS_EINPUT, 0, ""},
        {"{\"type\":\"OTHER\",\"object\":" META("\"name\":\"a\",\"resourceVersion\":\"5\"") "}",
         DS_EINPUT, 0, ""},
        {"{\"type\":\"ADDED\"}", DS_EINPUT, 0, ""},
        {"{\"object\":{}}", DS_EINPUT, 0, ""},
        {"{\"type\":\"ADDED\",\"object\":[]}", DS_EINPUT, 0, ""},
        {"[]", DS_EINPUT, 0, ""},
        {"{\"type\":\"ADDED\",\"obj", DS_EPARSE, 0, ""},
        {"<html>", DS_EPARSE, 0, ""},
        {"", DS_EPARSE, 0, ""}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct kube_event e;
        struct ds_err err = {0};
        int rc = kube_event_read(ds_span_of(CASES[i].line), &e, &err);
        cr_expect_eq(rc, CASES[i].code, "%zu: %d %s", i, rc, err.text);
        if (rc < 0)
            continue;
        cr_expect(e.type == (enum kube_event_type)CASES[i].type
                  && ds_span_is(e.version, CASES[i].version) && json_is_object(e.object));
        kube_event_clear(&e);
    }
}

Test(kube_list, objects_come_one_by_one_whatever_stands_in_their_texts)
{
    static const struct {
        const char *text;
        int open, end; /* code of opening; what the last next gave */
        size_t n;
        const char *version, *more;
    } CASES[] = {
        {"{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"x\"},\"items\":["
         "{\"a\":\"]}\\\"[{\"},\n{\"b\":[1,{\"c\":2}]} , {} ]}",
         0, 0, 3, "7", "x"},
        {"{\"items\":[],\"metadata\":{\"resourceVersion\":\"8\"}}", 0, 0, 0, "8", ""},
        {" {\"items\" : null , \"metadata\" : {} } ", 0, 0, 0, "", ""},
        {"{\"items\":[{\"a\":1},],\"metadata\":{}}", 0, DS_EPARSE, 1, "", ""},
        {"{\"items\":[{\"a\":1} {}],\"metadata\":{}}", 0, DS_EPARSE, 1, "", ""},
        {"{\"items\":[{\"a\":},{}],\"metadata\":{}}", 0, DS_EPARSE, 0, "", ""},
        {"{\"items\":{},\"metadata\":{}}", DS_EPARSE, 0, 0, "", ""},
        {"{\"items\":[],\"metadata\":[]}", DS_EINPUT, 0, 0, "", ""},
        {"{\"items\":[]}", DS_EPARSE, 0, 0, "", ""},
        {"{\"metadata\":{}}", DS_EPARSE, 0, 0, "", ""},
        {"{\"metadata\":{},\"items\":[{}", DS_EPARSE, 0, 0, "", ""},
        {"{\"metadata\":{},\"items\":[]} more", DS_EPARSE, 0, 0, "", ""},
        {"{\"metadata\":{},\"items\":[]", DS_EPARSE, 0, 0, "", ""},
        {"[]", DS_EPARSE, 0, 0, "", ""},
        {"<html>", DS_EPARSE, 0, 0, "", ""},
        {"", DS_EPARSE, 0, 0, "", ""}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct kube_list l;
        struct ds_err err = {0};
        struct json *object = NULL;
        size_t n = 0;
        int rc = kube_list_open(ds_span_of(CASES[i].text), &l, &err);
        cr_expect_eq(rc, CASES[i].open, "%zu: %d %s", i, rc, err.text);
        if (rc < 0)
            continue;
        cr_expect(ds_span_is(kube_list_version(&l), CASES[i].version)
                  && ds_span_is(kube_list_more(&l), CASES[i].more));
        while ((rc = kube_list_next(&l, &object, &err)) > 0) {
            json_destroy(object);
            n++;
        }
        kube_list_close(&l);
        cr_expect(rc == CASES[i].end && n == CASES[i].n, "%zu: %zu objects, %d %s", i, n, rc,
                  err.text);
    }
}
