/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf.h - the only thing that grows: bytes with a ceiling given at birth
 *
 * Writers may ignore single results and look at buf_failed once at the end: after the
 * first refusal nothing more is appended. data is always terminated by a NUL that len does
 * not count. Not thread-safe: one owner. */
#ifndef DS_BASE_BUF_H
#define DS_BASE_BUF_H

#include "decksweep/err.h"
#include "decksweep/span.h"

struct ds_buf {
    char *data; /* NULL until the first byte */
    size_t len, room, cap_bytes;
    bool failed;
};

void buf_init(struct ds_buf *b, size_t cap_bytes);
void buf_clear(struct ds_buf *b); /* frees; legal on a zeroed or cleared buffer */
void buf_reset(struct ds_buf *b); /* empty, memory kept, failure forgotten */

/* 0 or DS_ETOOBIG. */
int buf_put(struct ds_buf *b, const void *bytes, size_t n);
int buf_put_span(struct ds_buf *b, struct ds_span s);
int buf_put_text(struct ds_buf *b, const char *text);
int buf_put_char(struct ds_buf *b, char c);
int buf_printf(struct ds_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for n more bytes at the end, or NULL; the caller then adds what it wrote to len. */
void *buf_reserve(struct ds_buf *b, size_t n);

/* DS_ETOOBIG with "<what>: more than <cap>" if any append was refused, else 0. */
int buf_check(const struct ds_buf *b, const char *what, struct ds_err *err) DS_CHECKED;

static inline struct ds_span buf_span(const struct ds_buf *b)
{
    return (struct ds_span){b->data ? b->data : "", b->len};
}

#define ds_auto_buf __attribute__((cleanup(buf_clear))) struct ds_buf

#endif
