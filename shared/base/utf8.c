/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

size_t utf8_length(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

bool utf8_is_valid(struct ds_span text)
{
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_length((const unsigned char *)text.ptr + i, text.len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f)
           || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t utf8_step(struct ds_span s, uint32_t *code)
{
    static const unsigned char LEAD_BITS[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *b = (const unsigned char *)s.ptr;
    size_t n = utf8_length(b, s.len);
    *code = '?';
    if (n == 0)
        return 1;
    uint32_t c = b[0] & LEAD_BITS[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (b[i] & 0x3fu);
    if (!is_unsafe(c))
        *code = c;
    return n;
}
