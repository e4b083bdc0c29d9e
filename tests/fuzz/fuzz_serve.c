/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Request lines, tokens and ranges come from whoever reaches a store pod. Input: method, then lines
 * target, token, If-None-Match, Content-Length, Range. What is accepted stays in the folder. */
#include "agent/serve.h"
#include "base/arena.h"
#include "base/sha256.h"
#include "http/http_target.h"
#include "store/store.h"

#include <stdlib.h>

static void need(bool holds)
{
    if (!holds)
        abort();
}

static void check_range(struct ds_span value, uint64_t size)
{
    uint64_t offset = 0, len = 0;
    if (http_range_parse(value, size, &offset, &len) == HTTP_RANGE_PART)
        need(len > 0 && offset < size && len <= size - offset);
}

static void check_request(const struct serve_request *r, const struct serve_asked *asked)
{
    bool writes = r->what == SERVE_PUT || r->what == SERVE_DELETE;
    need(ds_span_is(asked->token, "t"));
    need((r->key != NULL) == (writes || r->what == SERVE_GET));
    if (r->key)
        need(store_key_is_valid(ds_span_of(r->key)));
    if (r->prefix[0] != '\0')
        need(r->prefix[strlen(r->prefix) - 1] == '/');
    if (r->what == SERVE_PUT)
        need(r->length <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct serve_policy policy = {.write = data[0] & 1, .max_object_bytes = 100};
    struct ds_span rest = {(const char *)data + 1, size - 1}, length, range;
    struct serve_asked asked = {.method = (enum http_method)(data[0] >> 1 & 7)};
    struct serve_request r = {0};
    struct ds_err err = {0};
    int status = 0;
    sha256_of("t", 1, policy.token_sha256);
    rest = ds_span_cut(rest, '\n', &asked.target);
    rest = ds_span_cut(rest, '\n', &asked.token);
    rest = ds_span_cut(rest, '\n', &asked.if_none_match);
    rest = ds_span_cut(rest, '\n', &length);
    (void)ds_span_cut(rest, '\n', &range);
    asked.length = length.len > 0 ? length.ptr[0] - '0' : -1;
    struct ds_arena *a = arena_create(1 << 20);
    if (serve_read(&policy, &asked, a, &r, &status, &err) == 0) {
        check_request(&r, &asked);
        need(policy.write || (r.what != SERVE_PUT && r.what != SERVE_DELETE));
    } else {
        need(status >= 400 && status < 500 && err.text[0] != '\0');
    }
    check_range(range, 0);
    check_range(range, 1);
    check_range(range, UINT64_MAX / 2);
    arena_destroy(a);
    return 0;
}
