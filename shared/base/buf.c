/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM ((size_t)256)

void buf_init(struct ds_buf *b, size_t cap_bytes)
{
    *b = (struct ds_buf){.cap_bytes = cap_bytes};
}

void buf_clear(struct ds_buf *b)
{
    free(b->data);
    *b = (struct ds_buf){.cap_bytes = b->cap_bytes};
}

void buf_reset(struct ds_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

void *buf_reserve(struct ds_buf *b, size_t n)
{
    if (b->failed || n > b->cap_bytes - b->len) {
        b->failed = true;
        return NULL;
    }
    size_t need = b->len + n + 1;
    if (need > b->room) {
        size_t room = b->room ? b->room * 2 : FIRST_ROOM;
        if (room < need)
            room = need;
        if (room > b->cap_bytes + 1)
            room = b->cap_bytes + 1;
        char *data = realloc(b->data, room);
        if (!data)
            abort();
        b->data = data;
        b->room = room;
    }
    return b->data + b->len;
}

int buf_put(struct ds_buf *b, const void *bytes, size_t n)
{
    char *at = buf_reserve(b, n);
    if (!at)
        return DS_ETOOBIG;
    if (n > 0)
        memcpy(at, bytes, n);
    at[n] = '\0';
    b->len += n;
    return 0;
}

int buf_put_span(struct ds_buf *b, struct ds_span s)
{
    return buf_put(b, s.ptr, s.len);
}

int buf_put_text(struct ds_buf *b, const char *text)
{
    return buf_put(b, text, strlen(text));
}

int buf_put_char(struct ds_buf *b, char c)
{
    return buf_put(b, &c, 1);
}

int buf_printf(struct ds_buf *b, const char *format, ...)
{
    char small[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    int rc = DS_ETOOBIG;
    if (len >= 0 && (size_t)len < sizeof small) {
        rc = buf_put(b, small, (size_t)len);
    } else if (len >= 0) {
        char *at = buf_reserve(b, (size_t)len);
        if (at && vsnprintf(at, (size_t)len + 1, format, again) == len) {
            b->len += (size_t)len;
            rc = 0;
        }
    }
    va_end(again);
    return rc;
}

int buf_check(const struct ds_buf *b, const char *what, struct ds_err *err)
{
    if (!b->failed)
        return 0;
    return ds_fail(err, DS_ETOOBIG, "%s: more than %zu bytes", what, b->cap_bytes);
}
