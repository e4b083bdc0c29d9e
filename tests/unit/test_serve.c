/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request to a store pod asks for, and what it may. */
#include "agent/serve.h"
#include "base/json.h"
#include "base/sha256.h"
#include "http/http_target.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct ds_arena *arena;
static struct serve_policy policy;

static void set_up(void)
{
    arena = arena_create(1 << 20);
    policy = (struct serve_policy){.write = true, .max_object_bytes = 1000};
    sha256_of("secret", 6, policy.token_sha256);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

TestSuite(serve, .init = set_up, .fini = tear_down);

static int ask(struct serve_asked asked, struct serve_request *r, int *status)
{
    struct ds_err err = {0};
    *status = 0;
    if (!asked.token.ptr)
        asked.token = DS_SPAN("secret");
    int rc = serve_read(&policy, &asked, arena, r, status, &err);
    if (rc < 0)
        cr_assert_neq(err.text[0], '\0');
    return rc;
}

Test(serve, requests_are_what_they_say)
{
    static const struct {
        enum http_method method;
        const char *target, *if_none_match;
        int64_t length;
        enum serve_what what;
        const char *key, *prefix, *after;
        uint64_t snapshot;
    } ROWS[] = {
        {HTTP_GET, "/v1/ping", "", -1, SERVE_PING, NULL, "", "", 0},
        {HTTP_HEAD, "/v1/ping?x=y", "", -1, SERVE_PING, NULL, "", "", 0},
        {HTTP_GET, "/v1/list", "", -1, SERVE_LIST, NULL, "", "", 0},
        {HTTP_GET, "/v1/list?prefix=cases/&after=cases/a%26b&snapshot=7", "", -1, SERVE_LIST, NULL,
         "cases/", "cases/a&b", 7},
        {HTTP_GET, "/v1/o/plan.json", "", -1, SERVE_GET, "plan.json", "", "", 0},
        {HTTP_HEAD, "/v1/o/cases/a%20b%2523", "", -1, SERVE_GET, "cases/a b%23", "", "", 0},
        {HTTP_GET, "http://pod:8080/v1/o/x", "", -1, SERVE_GET, "x", "", "", 0},
        {HTTP_PUT, "/v1/o/x", "", 0, SERVE_PUT, "x", "", "", 0},
        {HTTP_PUT, "/v1/o/x", "*", 1000, SERVE_PUT, "x", "", "", 0},
        {HTTP_DELETE, "/v1/o/x/y", "", -1, SERVE_DELETE, "x/y", "", "", 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct serve_request r;
        int status;
        struct serve_asked asked = {ROWS[i].method,
                                    ds_span_of(ROWS[i].target),
                                    {NULL, 0},
                                    ds_span_of(ROWS[i].if_none_match),
                                    ROWS[i].length};
        cr_assert_eq(ask(asked, &r, &status), 0, "%s", ROWS[i].target);
        cr_assert_eq(r.what, ROWS[i].what, "%s", ROWS[i].target);
        if (ROWS[i].key)
            cr_assert_str_eq(r.key, ROWS[i].key);
        cr_assert_str_eq(r.prefix, ROWS[i].prefix);
        cr_assert_str_eq(r.after, ROWS[i].after);
        cr_assert_eq(r.snapshot, ROWS[i].snapshot);
        if (r.what == SERVE_PUT) {
            cr_assert_eq(r.length, (uint64_t)ROWS[i].length);
            cr_assert_eq(r.if_absent, ROWS[i].if_none_match[0] == '*');
        }
    }
}

Test(serve, what_is_wrong_has_its_status_and_code)
{
    static const struct {
        enum http_method method;
        const char *target, *if_none_match;
        int64_t length;
        int status;
        enum ds_code code;
    } ROWS[] = {
        {HTTP_GET, "/", "", -1, 404, DS_ENOTFOUND},
        {HTTP_GET, "/v1", "", -1, 404, DS_ENOTFOUND},
        {HTTP_GET, "/v2/ping", "", -1, 404, DS_ENOTFOUND},
        {HTTP_PUT, "/v1/list", "", 0, 404, DS_ENOTFOUND},
        {HTTP_GET, "", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "*", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/../x", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/%2e%2e/x", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/a/%2e%2e/x", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/%2Fetc/passwd", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o//etc/passwd", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/.tmp.x", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/a%00b", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/a%0ab", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/a%", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/a%4", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/o/a%zz", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/list?prefix=cases", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/list?prefix=../", "", -1, 400, DS_EINPUT},
        {HTTP_GET, "/v1/list?snapshot=-1", "", -1, 400, DS_EPARSE},
        {HTTP_GET, "/v1/list?snapshot=99999999999999999999", "", -1, 400, DS_ETOOBIG},
        {HTTP_POST, "/v1/o/x", "", 0, 405, DS_EUNSUPPORTED},
        {HTTP_PATCH, "/v1/o/x", "", 0, 405, DS_EUNSUPPORTED},
        {0, "/v1/o/x", "", 0, 405, DS_EUNSUPPORTED},
        {HTTP_PUT, "/v1/o/x", "", -1, 411, DS_EINPUT},
        {HTTP_PUT, "/v1/o/x", "", 1001, 413, DS_ETOOBIG},
        {HTTP_PUT, "/v1/o/x", "\"etag\"", 1, 400, DS_EINPUT},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct serve_request r = {.what = 77};
        int status;
        struct serve_asked asked = {ROWS[i].method,
                                    ds_span_of(ROWS[i].target),
                                    {NULL, 0},
                                    ds_span_of(ROWS[i].if_none_match),
                                    ROWS[i].length};
        cr_assert_eq(ask(asked, &r, &status), (int)ROWS[i].code, "%zu %s", i, ROWS[i].target);
        cr_assert_eq(status, ROWS[i].status, "%zu %s", i, ROWS[i].target);
        cr_assert_eq(r.what, 77, "outputs are untouched");
    }
}

Test(serve, without_the_token_nothing_else_is_told)
{
    static const char *const TOKENS[] = {"", "Secret", "secret ", "secre", "secrets"};
    static const char *const TARGETS[] = {"/v1/ping", "/v1/o/x", "/v1/o/../x", "", "/v1/nonsense"};
    for (size_t i = 0; i < DS_COUNT(TOKENS); i++)
        for (size_t k = 0; k < DS_COUNT(TARGETS); k++) {
            struct serve_request r;
            int status;
            struct serve_asked asked = {HTTP_GET, ds_span_of(TARGETS[k]), ds_span_of(TOKENS[i]),
                                        DS_SPAN(""), -1};
            cr_assert_eq(ask(asked, &r, &status), DS_EDENIED);
            cr_assert_eq(status, 401);
        }
}

Test(serve, a_reader_cannot_write)
{
    static const enum http_method WRITES[] = {HTTP_PUT, HTTP_DELETE};
    struct serve_request r;
    int status;
    policy.write = false;
    for (size_t i = 0; i < DS_COUNT(WRITES); i++) {
        struct serve_asked asked = {WRITES[i], DS_SPAN("/v1/o/x"), {NULL, 0}, DS_SPAN(""), 1};
        cr_assert_eq(ask(asked, &r, &status), DS_EDENIED);
        cr_assert_eq(status, 403);
    }
    struct serve_asked asked = {HTTP_GET, DS_SPAN("/v1/o/x"), {NULL, 0}, DS_SPAN(""), -1};
    cr_assert_eq(ask(asked, &r, &status), 0);
}

Test(serve, pages_hold_every_object_once)
{
    const size_t n = 2 * SERVE_PAGE_KEYS + 3;
    struct serve_object *objects = calloc(n, sizeof *objects);
    char(*keys)[16] = calloc(n, sizeof *keys), after[16] = "";
    size_t seen = 0, pages = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = (i * 7919) % n; /* in no order */
        (void)snprintf(keys[i], sizeof keys[i], "c/%zu", k);
        objects[i] = (struct serve_object){ds_span_of(keys[i]), k, 5};
    }
    serve_sort(objects, n);
    for (bool more = true; more; pages++) {
        struct ds_err err = {0};
        struct ds_span next;
        ds_auto_buf page;
        ds_auto_json j = NULL;
        buf_init(&page, 1 << 20);
        cr_assert_eq(serve_put_page(objects, n, after, 3, &page), 0);
        cr_assert_eq(json_parse(buf_span(&page), 1 << 20, &j, &err), 0, "%s", err.text);
        for (const struct json *row = json_first(json_get(j, "objects")); row;
             row = json_next(row)) {
            struct ds_span key;
            cr_assert(json_text(json_first(row), &key));
            cr_assert_gt(ds_span_compare(key, ds_span_of(after)), 0);
            (void)snprintf(after, sizeof after, "%.*s", DS_FMT(key));
            seen++;
        }
        more = json_text(json_get(j, "next"), &next);
        if (more)
            cr_assert(ds_span_is(next, after));
    }
    cr_assert_eq(seen, n);
    cr_assert_eq(pages, 3);
    free(objects);
    free(keys);
}

/* ---- ranges and queries ---- */

Test(serve, ranges_as_rfc_9110_has_them)
{
    static const struct {
        const char *value;
        uint64_t size;
        enum http_range range;
        uint64_t offset, len;
    } ROWS[] = {
        {"bytes=0-0", 10, HTTP_RANGE_PART, 0, 1},
        {"bytes=5-", 10, HTTP_RANGE_PART, 5, 5},
        {"bytes=5-100", 10, HTTP_RANGE_PART, 5, 5},
        {"bytes=-3", 10, HTTP_RANGE_PART, 7, 3},
        {"bytes=-30", 10, HTTP_RANGE_PART, 0, 10},
        {"bytes=0-9223372036854775807", 10, HTTP_RANGE_PART, 0, 10},
        {"bytes=10-", 10, HTTP_RANGE_OUTSIDE, 0, 0},
        {"bytes=0-0", 0, HTTP_RANGE_OUTSIDE, 0, 0},
        {"bytes=-0", 10, HTTP_RANGE_OUTSIDE, 0, 0},
        {"bytes=-5", 0, HTTP_RANGE_OUTSIDE, 0, 0},
        {"", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=-", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=5", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=5-4", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-1,3-4", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes= 0-1", 10, HTTP_RANGE_NONE, 0, 0},
        {"lines=0-1", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-99999999999999999999", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=+1-2", 10, HTTP_RANGE_NONE, 0, 0},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        uint64_t offset = 0, len = 0;
        cr_assert_eq(http_range_parse(ds_span_of(ROWS[i].value), ROWS[i].size, &offset, &len),
                     ROWS[i].range, "%s of %llu", ROWS[i].value, (unsigned long long)ROWS[i].size);
        cr_assert_eq(offset, ROWS[i].offset, "%s", ROWS[i].value);
        cr_assert_eq(len, ROWS[i].len, "%s", ROWS[i].value);
    }
}

Test(serve, texts_survive_being_written_into_a_request_line)
{
    static const char *const TEXTS[] = {
        "plain", "a b",         "a%20b", "a+b&c=d?e#f", "\xc3\xa4/\xe2\x82\xac",
        "~-._",  "\"<>\\^`{|}", "x/y/z", "\x7f\x01"};
    for (size_t i = 0; i < DS_COUNT(TEXTS); i++) {
        struct ds_err err = {0};
        struct ds_span path, query, value;
        bool found;
        ds_auto_buf line;
        buf_init(&line, 4096);
        (void)buf_put_char(&line, '/');
        http_put_encoded(&line, ds_span_of(TEXTS[i]), true);
        (void)buf_put_text(&line, "?other=1&q=");
        http_put_encoded(&line, ds_span_of(TEXTS[i]), false);
        for (size_t k = 0; k < line.len; k++)
            cr_assert(line.data[k] > ' ' && line.data[k] < 0x7f);
        cr_assert_eq(http_target_parse(buf_span(&line), arena, &path, &query, &err), 0, "%s",
                     err.text);
        cr_assert_str_eq(path.ptr + 1, TEXTS[i]);
        cr_assert_eq(http_query_get(query, "q", arena, &value, &found, &err), 0);
        cr_assert(found);
        cr_assert_str_eq(value.ptr, TEXTS[i]);
        cr_assert_eq(http_query_get(query, "none", arena, &value, &found, &err), 0);
        cr_assert_not(found);
    }
}
