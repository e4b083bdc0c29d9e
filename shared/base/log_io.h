/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_io.h - sentences for people on stderr, one line each, whole lines in one write
 *
 * Only shells log, once, where a thing is handled. Prefix is the program's name.
 * What utf8_step does not let through (control codes, bytes that are no UTF-8) is shown as '?',
 * so that no deck can write to a terminal. */
#ifndef DS_BASE_LOG_IO_H
#define DS_BASE_LOG_IO_H

void log_init(const char *program); /* keeps */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* "warning: " */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2))); /* "error: " */

#endif
