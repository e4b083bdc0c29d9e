/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/shell_text.h"

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c != '\0' && strchr("%+,-./:=@_", c));
}

void shell_put_word(struct ds_buf *out, struct ds_span word)
{
    bool plain = word.len > 0;
    for (size_t i = 0; i < word.len && plain; i++)
        plain = is_plain(word.ptr[i]);
    if (plain) {
        (void)buf_put_span(out, word);
        return;
    }
    (void)buf_put_char(out, '\'');
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == '\'')
            (void)buf_put_text(out, "'\\''");
        else
            (void)buf_put_char(out, word.ptr[i]);
    (void)buf_put_char(out, '\'');
}
