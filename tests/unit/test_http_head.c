/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Headers and dates of hostile servers; when another try is worth it. */
#include "http/http_head.h"
#include "http/http_retry.h"

#include <criterion/criterion.h>

Test(http_head, lines_become_lower_case_fields_and_an_interim_answer_is_forgotten)
{
    static const char *const LINES[] = {"HTTP/1.1 100 Continue\r\n",
                                        "X-Old: gone\r\n",
                                        "\r\n",
                                        "HTTP/1.1 200 OK\r\n",
                                        "Content-Type:text/plain \r\n",
                                        "X-Two:  a\tb \x01 c\r\n",
                                        "no colon\r\n",
                                        " folded: line\r\n",
                                        "bad name: x\r\n",
                                        ": empty\r\n",
                                        "Empty:\r\n",
                                        "\r\n"};
    struct http_head h;
    ds_auto_arena a = arena_create(HTTP_HEAD_KEEP_BYTES);
    http_head_init(&h, a);
    for (size_t i = 0; i < DS_COUNT(LINES); i++)
        cr_assert_eq(http_head_line(&h, ds_span_of(LINES[i]), NULL), 0);
    cr_assert_eq(h.n, 3);
    cr_expect(ds_span_is(http_head_get(h.header, h.n, "content-type"), "text/plain"));
    cr_expect(ds_span_is(http_head_get(h.header, h.n, "x-two"), "a b   c"));
    cr_expect(ds_span_is(http_head_get(h.header, h.n, "empty"), ""));
    cr_expect(ds_span_is(http_head_get(h.header, h.n, "x-old"), ""));
}

Test(http_head, fields_and_bytes_are_bounded_interim_answers_included)
{
    struct http_head h;
    struct ds_err err;
    ds_auto_arena a = arena_create(HTTP_HEAD_KEEP_BYTES);
    http_head_init(&h, a);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(http_head_line(&h, DS_SPAN("A: b\r\n"), &err), 0);
    cr_expect_eq(h.n, HTTP_MAX_HEADERS);
    int rc = 0, n = 0;
    http_head_init(&h, a);
    for (; n < 100000 && rc == 0; n++)
        rc = http_head_line(&h, DS_SPAN("HTTP/1.1 100 Continue\r\n"), &err);
    cr_expect(rc == DS_ETOOBIG && n < 20000, "%d after %d", rc, n);
}

Test(http_head, the_three_forms_of_dates_are_read)
{
    static const struct {
        const char *text;
        int64_t unix_s;
    } DATES[] = {{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
                 {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
                 {"Sun Nov  6 08:49:37 1994", 784111777},
                 {"Sat, 21 Nov 2026 17:36:18 GMT", 1795282578},
                 {"Monday, 01-Jan-01 00:00:00 GMT", 978307200},
                 {"Thu, 29 Feb 2024 23:59:60 GMT", 1709251200},
                 {"", 0},
                 {"yesterday", 0},
                 {"Sun, 06 Nov 1994", 0},
                 {"Sun, 06 Nov 1994 25:49:37 GMT", 0},
                 {"Sun, 00 Nov 1994 05:49:37 GMT", 0},
                 {"Sun, 06 Foo 1994 05:49:37 GMT", 0},
                 {"Sun, 06 Nov 99999999999999999999 05:49:37 GMT", 0},
                 {"1 2 3 4 5 Nov 6", 0},
                 {"Sun, 06 Nov 1994 08:49:37 GMT and much, much more that is no date at all", 0}};
    for (size_t i = 0; i < DS_COUNT(DATES); i++)
        cr_expect_eq(http_date_parse(ds_span_of(DATES[i].text)), DATES[i].unix_s, "%s",
                     DATES[i].text);
}

Test(http_head, retry_after_is_seconds_or_a_date)
{
    static const struct {
        const char *text;
        int64_t ms;
    } CASES[] = {{"3", 3000},
                 {" 0 ", 0},
                 {"120", 120000},
                 {"99999999999999999999999", 86400000},
                 {"Sun, 06 Nov 1994 08:49:37 GMT", 10000},
                 {"Sun, 06 Nov 1994 08:49:17 GMT", 0},
                 {"Sun, 06 Nov 2094 08:49:37 GMT", 86400000},
                 {"-1", -1},
                 {"1.5", -1},
                 {"soon", -1},
                 {"", -1}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++)
        cr_expect_eq(http_retry_after_parse(ds_span_of(CASES[i].text), 784111767), CASES[i].ms,
                     "%s", CASES[i].text);
}

struct retry {
    enum http_trouble trouble;
    int status;
    bool idempotent, again;
};

Test(http_retry, what_is_tried_again)
{
    static const struct retry CASES[] = {
        {HTTP_ANSWERED, 200, true, false},    {HTTP_ANSWERED, 404, true, false},
        {HTTP_ANSWERED, 409, true, false},    {HTTP_ANSWERED, 429, true, true},
        {HTTP_ANSWERED, 429, false, true},    {HTTP_ANSWERED, 500, true, true},
        {HTTP_ANSWERED, 500, false, false},   {HTTP_ANSWERED, 501, true, false},
        {HTTP_ANSWERED, 502, true, true},     {HTTP_ANSWERED, 503, true, true},
        {HTTP_ANSWERED, 503, false, false},   {HTTP_ANSWERED, 504, true, true},
        {HTTP_NO_CONNECTION, 0, false, true}, {HTTP_NO_CONNECTION, 0, true, true},
        {HTTP_BROKEN, 0, true, true},         {HTTP_BROKEN, 0, false, false},
        {HTTP_TLS, 0, true, false},           {HTTP_OURS, 0, true, false}};
    for (size_t i = 0; i < DS_COUNT(CASES); i++) {
        struct http_try t = {.trouble = CASES[i].trouble,
                             .status = CASES[i].status,
                             .idempotent = CASES[i].idempotent,
                             .retry_after_ms = -1,
                             .tries = 1,
                             .max_tries = 2};
        cr_expect_eq(http_retry_wait_ms(&t) >= 0, CASES[i].again, "%zu", i);
        t.tries = 2;
        cr_expect_eq(http_retry_wait_ms(&t), -1, "%zu: no more tries", i);
    }
}

Test(http_retry, waits_double_with_jitter_up_to_20_s_and_keep_what_the_server_asks)
{
    struct http_try t = {.status = 429, .retry_after_ms = -1, .max_tries = 1000};
    static const int64_t WHOLE[] = {250, 500, 1000, 2000, 4000, 8000, 16000, 20000, 20000};
    for (unsigned i = 0; i < DS_COUNT(WHOLE); i++) {
        t.tries = i + 1;
        t.random = 0;
        cr_expect_eq(http_retry_wait_ms(&t), WHOLE[i] / 2);
        t.random = UINT32_MAX;
        cr_expect_eq(http_retry_wait_ms(&t), WHOLE[i] - 1);
    }
    t.tries = 999;
    cr_expect_lt(http_retry_wait_ms(&t), 20000);
    t.retry_after_ms = 45000;
    cr_expect_eq(http_retry_wait_ms(&t), 45000);
    t.retry_after_ms = 86400000;
    cr_expect_eq(http_retry_wait_ms(&t), 120000);
    t.deadline_ms = 130000;
    t.elapsed_ms = 9999;
    cr_expect_eq(http_retry_wait_ms(&t), 120000);
    t.elapsed_ms = 10000;
    cr_expect_eq(http_retry_wait_ms(&t), -1, "it would come too late");
}
