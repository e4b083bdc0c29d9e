/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base64.h"

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_put(struct ds_buf *out, const void *bytes, size_t n)
{
    const unsigned char *in = bytes;
    if (n > SIZE_MAX / 2)
        return DS_ETOOBIG;
    size_t len = (n + 2) / 3 * 4;
    char *to = buf_reserve(out, len);
    if (!to)
        return DS_ETOOBIG;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0)
                     | (left > 2 ? in[i + 2] : 0);
        *to++ = LETTERS[v >> 18];
        *to++ = LETTERS[v >> 12 & 63];
        *to++ = '=';
        *to++ = '=';
        if (left > 1)
            to[-2] = LETTERS[v >> 6 & 63];
        if (left > 2)
            to[-1] = LETTERS[v & 63];
    }
    *to = '\0';
    out->len += len;
    return 0;
}

/* 0 .. 63; -1 none. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int base64_decode(struct ds_span text, struct ds_arena *a, struct ds_span *out, struct ds_err *err)
{
    unsigned char *to = arena_take(a, text.len / 4 * 3 + 4, 1);
    if (!to)
        return ds_fail(err, DS_ETOOBIG, "base64: too long");
    size_t n = 0, letters = 0, pads = 0;
    uint32_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_space(c))
            continue;
        int six = value_of(c);
        if (c == '=' && pads < 2) {
            pads++;
            continue;
        }
        if (six < 0 || pads > 0)
            return ds_fail(err, DS_EPARSE, "no base64: an unexpected character at offset %zu", i);
        v = v << 6 | (uint32_t)six;
        if (++letters % 4 == 0) {
            to[n++] = (unsigned char)(v >> 16);
            to[n++] = (unsigned char)(v >> 8);
            to[n++] = (unsigned char)v;
        }
    }
    size_t rest = letters % 4;
    uint32_t unused = rest == 2 ? v & 15 : rest == 3 ? v & 3 : 0;
    if (rest == 1 || unused != 0 || (pads > 0 && rest + pads != 4))
        return ds_fail(err, DS_EPARSE, "no base64: it ends early");
    if (rest >= 2)
        to[n++] = (unsigned char)(rest == 2 ? v >> 4 : v >> 10);
    if (rest == 3)
        to[n++] = (unsigned char)(v >> 2);
    *out = (struct ds_span){(char *)to, n};
    return 0;
}
