/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log_io.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 1024

static const char *program_name = "decksweep";

void log_init(const char *program)
{
    program_name = program;
}

/* In place: what must not reach a terminal becomes one '?' each. Returns the new length. */
static size_t clean(char *line, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t n = utf8_step((struct ds_span){line + i, len - i}, &code);
        if (code == '?' && line[i] != '\n')
            line[to++] = '?';
        else
            for (size_t k = 0; k < n; k++)
                line[to++] = line[i + k];
        i += n;
    }
    return to;
}

__attribute__((format(printf, 2, 0))) static void say(const char *level, const char *format,
                                                      va_list args)
{
    char line[LINE_BYTES + 2];
    int n = snprintf(line, LINE_BYTES, "%s: %s", program_name, level);
    int m = vsnprintf(line + n, (size_t)(LINE_BYTES - n), format, args);
    size_t len = (size_t)n + (m < 0 ? 0 : (size_t)m);
    if (len >= LINE_BYTES)
        len = LINE_BYTES - 1;
    len = clean(line, len);
    line[len++] = '\n';
    ssize_t wrote = write(STDERR_FILENO, line, len);
    (void)wrote; /* nobody is left to tell */
}

#define SAY(level)                                                                                 \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    say(level, format, args);                                                                      \
    va_end(args)

void log_info(const char *format, ...)
{
    SAY("");
}

void log_warn(const char *format, ...)
{
    SAY("warning: ");
}

void log_error(const char *format, ...)
{
    SAY("error: ");
}
