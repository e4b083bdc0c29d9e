/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/spool.h"

#include "base/sha256.h"

#include <stdio.h>

#define SUFFIX "archive"

void spool_name_encode(const char *key, char out[SPOOL_NAME_BYTES])
{
    (void)snprintf(out, SPOOL_NAME_BYTES, "%s." SUFFIX, key);
    for (char *p = out; *p; p++)
        if (*p == '/')
            *p = '%';
}

bool spool_name_decode(struct ds_span name, char key[RESULT_KEY_BYTES])
{
    if (!ds_span_ends(name, "." SUFFIX))
        return false;
    size_t n = name.len - sizeof SUFFIX;
    if (n == 0 || n >= RESULT_KEY_BYTES)
        return false;
    memcpy(key, name.ptr, n);
    key[n] = '\0';
    for (char *p = key; *p; p++)
        if (*p == '%')
            *p = '/';
    struct result_key k = result_key_decode(ds_span_of(key));
    return k.kind == KEY_CASE || k.kind == KEY_FAILED;
}

void scratch_tag(struct ds_span sweep, struct ds_span store_url, char out[SCRATCH_NAME_BYTES])
{
    char hex[65];
    struct sha256 *h = sha256_create();
    sha256_add(h, store_url.ptr, store_url.len);
    sha256_end(h, hex);
    sha256_destroy(h);
    (void)snprintf(out, SCRATCH_NAME_BYTES, "%.*s-%.8s", DS_FMT(sweep), hex);
}

static bool is_digits(struct ds_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

bool scratch_is_of_tag(struct ds_span name, const char *tag)
{
    size_t n = strlen(tag);
    if (name.len <= n + 1 || memcmp(name.ptr, tag, n) != 0 || name.ptr[n] != '-')
        return false;
    struct ds_span rest = {name.ptr + n + 1, name.len - n - 1}, pid;
    struct ds_span copy = ds_span_cut(rest, '.', &pid);
    return is_digits(pid) && (pid.len == rest.len || is_digits(copy));
}
