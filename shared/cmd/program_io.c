/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/program_io.h"

#include "base/env_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX_BYTES  (4u << 20)
#define ARENA_MAX_BYTES ((size_t)8 << 30)

static bool wants_color(int fd)
{
    const char *no_color = env_get("NO_COLOR");
    const char *term = env_get("TERM");
    return isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

/* A program started with 0, 1 or 2 closed would write its messages into the first file it opens. */
static void open_standard_fds(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

int cli_fail(const struct cli *cli, const struct ds_err *err)
{
    (void)cli;
    log_error("%s", err->text);
    return ds_exit_status(err->code);
}

static void say_usage(const struct program *p, const struct cmd_entry *e)
{
    log_info("usage: %s %s [OPTION...]%s%s (`%s %s --help` tells all)", p->name, e->name,
             e->args && *e->args ? " " : "", e->args ? e->args : "", p->name, e->name);
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    char text[DS_ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s", text);
    say_usage(cli->program, cli->line->entry);
    return CLI_INPUT;
}

const char *cli_arg(const struct cli *cli, size_t i)
{
    return i < cli->line->n_args ? cli->line->args[i] : NULL;
}

void cli_put(const struct cli *cli, const struct ds_buf *text)
{
    (void)fwrite(text->data ? text->data : "", 1, text->len, cli->out);
}

/* Output that went nowhere is a failure even of a command that succeeded. */
static int finish_output(int status)
{
    bool bad = ferror(stdout) != 0;
    if (fflush(stdout) != 0 || bad || (close(STDOUT_FILENO) < 0 && errno != EBADF)) {
        if (errno != EPIPE)
            log_error("write standard output: %s", strerrordesc_np(errno ? errno : EIO));
        return status == CLI_OK ? CLI_WORLD : status;
    }
    return status;
}

static int put_text(const struct ds_buf *b)
{
    (void)fwrite(b->data ? b->data : "", 1, b->len, stdout);
    return CLI_OK;
}

static int unknown_command(const struct program *p, const char *name)
{
    const struct cmd_entry *near = cmd_nearest(p, name);
    if (near)
        log_error("unknown command '%s': did you mean '%s'?", name, near->name);
    else
        log_error("unknown command '%s': `%s --help` lists them", name, p->name);
    return CLI_INPUT;
}

static int help_command(const struct program *p, const struct cmd_entry *e)
{
    ds_auto_buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    help_put_command(p, e, &text);
    return put_text(&text);
}

static int run_help(const struct program *p, int argc, char **argv)
{
    ds_auto_buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    if (argc == 0)
        help_put_program(p, &text);
    else if (strcmp(argv[0], "--man") == 0)
        man_put_program(p, &text);
    else if (strcmp(argv[0], "--completion") == 0)
        completion_put_bash(p, &text);
    else if (cmd_find(p, argv[0]))
        return help_command(p, cmd_find(p, argv[0]));
    else
        return unknown_command(p, argv[0]);
    return put_text(&text);
}

static int run_command(const struct program *p, const struct cmd_entry *e, int argc, char **argv)
{
    ds_auto_arena arena = arena_create(ARENA_MAX_BYTES);
    struct cmd_line *line = ds_new(arena, struct cmd_line, 1);
    struct ds_err err = {0};
    if (cmd_parse(e, argc, argv, arena, line, &err) < 0) {
        log_error("%s: %s", e->name, err.text);
        say_usage(p, e);
        return CLI_INPUT;
    }
    if (line->help)
        return help_command(p, e);
    struct cli cli = {
        .program = p,
        .line = line,
        .out = stdout,
        .json = e->json && cmd_has(line, "json"),
        .color = wants_color(STDOUT_FILENO),
        .color_err = wants_color(STDERR_FILENO),
        .arena = arena,
    };
    return e->run(&cli);
}

static int dispatch(const struct program *p, int argc, char **argv)
{
    if (argc < 2) {
        ds_auto_buf text;
        buf_init(&text, TEXT_MAX_BYTES);
        help_put_program(p, &text);
        (void)fwrite(text.data, 1, text.len, stderr);
        return CLI_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return run_help(p, argc - 2, argv + 2);
    if (strcmp(argv[1], "help") == 0)
        return run_help(p, argc - 2, argv + 2);
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const struct cmd_entry *e = cmd_find(p, name);
    if (!e && argv[1][0] == '-') {
        log_error("unknown option %s before the command: options stand behind it", argv[1]);
        return CLI_INPUT;
    }
    if (!e)
        return unknown_command(p, name);
    return run_command(p, e, argc - 2, argv + 2);
}

int program_main(const struct program *p, int argc, char **argv)
{
    open_standard_fds();
    log_init(p->name);
    return finish_output(dispatch(p, argc, argv));
}
