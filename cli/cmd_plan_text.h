/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_plan_text.h - a session's plan in words, and as JSON (format: docs/command-line.md) */
#ifndef DS_CLI_CMD_PLAN_TEXT_H
#define DS_CLI_CMD_PLAN_TEXT_H

#include "base/buf.h"

struct session;

/* Append; nothing fails but out's cap. */
void plan_show_text(const struct session *s, bool explain, struct ds_buf *out);
void plan_show_json(const struct session *s, struct ds_buf *out);

#endif
