/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --help, from the entries. */
#include "cmd/cmd.h"

#define LINE_COLUMNS 80u
#define HELP_COLUMN  30u

const char *cmd_exits(const struct cmd_entry *e)
{
    return e->exits ? e->exits
                    : "0 done\n"
                      "2 the input is wrong: usage, sweep file, deck\n"
                      "3 the world is wrong: store, disk, simulator missing\n"
                      "130 interrupted\n";
}

static void put_blanks(struct ds_buf *out, size_t n)
{
    while (n-- > 0)
        (void)buf_put_char(out, ' ');
}

/* Words of one paragraph from column `at` on, wrapped, continued at `indent`. */
static void put_wrapped(struct ds_buf *out, struct ds_span text, size_t at, size_t indent)
{
    struct ds_span word;
    bool first = true;
    while (text.len > 0) {
        text = ds_span_cut(text, ' ', &word);
        if (word.len == 0)
            continue;
        if (!first && at + 1 + word.len > LINE_COLUMNS) {
            (void)buf_put_char(out, '\n');
            put_blanks(out, indent);
            at = indent;
            first = true;
        }
        if (!first) {
            (void)buf_put_char(out, ' ');
            at++;
        }
        (void)buf_put_span(out, word);
        at += word.len;
        first = false;
    }
    (void)buf_put_char(out, '\n');
}

/* Paragraphs; a line that starts with a blank stands as it is. */
static void put_text(struct ds_buf *out, const char *text)
{
    struct ds_span rest = ds_span_of(text), line;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        if (line.len == 0 || line.ptr[0] == ' ')
            (void)buf_printf(out, "%.*s\n", DS_FMT(line));
        else
            put_wrapped(out, line, 0, 0);
    }
}

static void put_two_columns(struct ds_buf *out, size_t left_len, const char *right)
{
    if (left_len + 2 > HELP_COLUMN) {
        (void)buf_put_char(out, '\n');
        left_len = 0;
    }
    put_blanks(out, HELP_COLUMN - left_len);
    put_wrapped(out, ds_span_of(right), HELP_COLUMN, HELP_COLUMN);
}

static void put_option(struct ds_buf *out, const struct cmd_option *o)
{
    size_t start = out->len;
    if (o->letter)
        (void)buf_printf(out, "  -%c, --%s", o->letter, o->name);
    else
        (void)buf_printf(out, "      --%s", o->name);
    if (o->value_name)
        (void)buf_printf(out, "=%s", o->value_name);
    put_two_columns(out, out->len - start, o->help);
}

static void put_exits(struct ds_buf *out, const char *exits)
{
    struct ds_span rest = ds_span_of(exits), line, code;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        struct ds_span what = ds_span_cut(line, ' ', &code);
        (void)buf_printf(out, "  %-4.*s", DS_FMT(code));
        put_wrapped(out, what, 6, 6);
    }
}

void help_put_command(const struct program *p, const struct cmd_entry *e, struct ds_buf *out)
{
    size_t start = out->len;
    (void)buf_printf(out, "%s %s - ", p->name, e->name);
    put_wrapped(out, ds_span_of(e->summary), out->len - start, out->len - start);
    (void)buf_printf(out, "\nUsage: %s %s [OPTION...]%s%s\n", p->name, e->name,
                     e->args && *e->args ? " " : "", e->args ? e->args : "");
    if (e->text) {
        (void)buf_put_char(out, '\n');
        put_text(out, e->text);
    }
    (void)buf_put_text(out, "\nOptions:\n");
    const struct cmd_option *o;
    for (size_t i = 0; (o = cmd_option_at(e, i)); i++)
        if (o->help)
            put_option(out, o);
    if (e->examples && e->examples[0].command)
        (void)buf_put_text(out, "\nExamples:\n");
    for (const struct cmd_example *x = e->examples; x && x->command; x++)
        (void)buf_printf(out, "  %s\n      %s\n", x->command, x->what);
    (void)buf_put_text(out, "\nExit status:\n");
    put_exits(out, cmd_exits(e));
}

void help_put_program(const struct program *p, struct ds_buf *out)
{
    (void)buf_printf(out, "%s - %s\n\nUsage: %s COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n",
                     p->name, p->summary, p->name);
    for (size_t i = 0; p->commands[i]; i++) {
        const struct cmd_entry *e = p->commands[i];
        if (e->hidden)
            continue;
        size_t start = out->len;
        (void)buf_printf(out, "  %s %s", e->name, e->args ? e->args : "");
        put_two_columns(out, out->len - start, e->summary);
    }
    (void)buf_printf(out, "\n%s COMMAND --help tells all about a command.\n", p->name);
}
