/* SPDX-License-Identifier: GPL-3.0-or-later */
/* program_io.h - the shell around commands: stdout, stderr, exit status
 *
 * Data goes to cli->out, everything else to stderr (base/log_io.h). Exit status: 0 all well,
 * 1 it ended and some cases are not ok, 2 the input is wrong, 3 the world is wrong, 130
 * interrupted. A full disk or closed pipe behind stdout is noticed at the end. */
#ifndef DS_CMD_PROGRAM_IO_H
#define DS_CMD_PROGRAM_IO_H

#include "base/log_io.h"
#include "cmd/cmd.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_CASES = 1,
    CLI_INPUT = 2,
    CLI_WORLD = 3,
    CLI_INTERRUPTED = 130,
};

struct cli {
    const struct program *program;
    const struct cmd_line *line; /* options: cmd_has(cli->line, "watch") */
    FILE *out;                   /* stdout */
    bool json;                   /* --json was given */
    bool color;                  /* stdout is a terminal, NO_COLOR and TERM=dumb are not set */
    bool color_err;              /* the same for stderr */
    struct ds_arena *arena;      /* for the whole command; cap 8 GiB */
};

/* Parse, run, flush; the whole of main(). Also answers --help, --version, help [COMMAND], and the
 * hidden help --man and help --completion. */
int program_main(const struct program *p, int argc, char **argv);

/* "decksweep: error: <text>" on stderr; returns the exit status of err->code. */
int cli_fail(const struct cli *cli, const struct ds_err *err);
/* A wrong use found by the command itself: error, the usage line, where help is; returns 2. */
int cli_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* The argument i, or NULL. */
const char *cli_arg(const struct cli *cli, size_t i);

/* Write a buffer to cli->out (errors are noticed at the end). */
void cli_put(const struct cli *cli, const struct ds_buf *text);

#endif
