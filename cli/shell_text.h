/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell_text.h - words as a POSIX shell takes them back. Pure. */
#ifndef DS_CLI_SHELL_TEXT_H
#define DS_CLI_SHELL_TEXT_H

#include "base/buf.h"

/* Append word: as it is when no shell would change it, else in single quotes. */
void shell_put_word(struct ds_buf *out, struct ds_span word);

#endif
