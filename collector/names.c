/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/names.h"

#include "base/utf8.h"

#include <stdio.h>

static bool is_word(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* How many bytes at key[i] stand as they are; 0: the byte must be escaped. */
static size_t plain_length(struct ds_span key, size_t i)
{
    const unsigned char *p = (const unsigned char *)key.ptr + i;
    if (*p >= 0x80)
        return utf8_length(p, key.len - i);
    if (i == 0)
        return is_word(*p);
    if (*p == ' ')
        return i + 1 < key.len;
    return *p > ' ' && *p < 0x7f && *p != '/' && *p != '%';
}

void names_of_vector(struct ds_span key, unsigned occurrence, char out[NAMES_BYTES])
{
    static const char HEX[] = "0123456789ABCDEF";
    const size_t room = NAMES_BYTES - 24; /* for "~hhhhhhhh" and "#4294967295" */
    size_t n = 0, i = 0;
    while (i < key.len && n + 4 <= room) {
        size_t plain = plain_length(key, i);
        if (plain > 0) {
            memcpy(out + n, key.ptr + i, plain);
            n += plain;
            i += plain;
        } else {
            unsigned char c = (unsigned char)key.ptr[i++];
            out[n++] = '%';
            out[n++] = HEX[c >> 4];
            out[n++] = HEX[c & 15];
        }
    }
    if (key.len == 0)
        out[n++] = '%';
    out[n] = '\0';
    if (i < key.len)
        n += (size_t)snprintf(out + n, NAMES_BYTES - n, "~%08x", ds_span_hash(key));
    if (occurrence > 1)
        (void)snprintf(out + n, NAMES_BYTES - n, "#%u", occurrence);
}

/* Length of what may stay at text[i], 0 for a byte that may not. */
static size_t clean_length(const char *text, size_t i, size_t n)
{
    unsigned char c = (unsigned char)text[i];
    if (c >= 0x80)
        return utf8_length((const unsigned char *)text + i, n - i);
    return c >= ' ' && c != 0x7f;
}

void names_clean(char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t plain = clean_length(text, i, n);
        if (plain == 0)
            text[i] = '?';
        i += plain ? plain : 1;
    }
}

bool names_are_clean(struct ds_span text)
{
    for (size_t i = 0; i < text.len;) {
        size_t plain = clean_length(text.ptr, i, text.len);
        if (plain == 0)
            return false;
        i += plain;
    }
    return true;
}
