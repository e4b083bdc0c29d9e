/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Man page (man(7) macros) and bash completion, from the entries. */
#include "cmd/cmd.h"

/* Text for roff: backslash and leading dot or quote would be requests; hyphens of
 * options must stay ASCII to be copied. */
static void put_roff(struct ds_buf *out, struct ds_span text)
{
    bool line_start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (line_start && (c == '.' || c == '\''))
            (void)buf_put_text(out, "\\&");
        if (c == '\\')
            (void)buf_put_text(out, "\\e");
        else if (c == '-')
            (void)buf_put_text(out, "\\-");
        else
            (void)buf_put_char(out, c);
        line_start = c == '\n';
    }
}

static void put_roff_text(struct ds_buf *out, const char *text)
{
    struct ds_span rest = ds_span_of(text), line;
    bool verbatim = false;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        bool as_is = line.len > 0 && line.ptr[0] == ' ';
        if (as_is != verbatim)
            (void)buf_put_text(out, as_is ? ".nf\n" : ".fi\n");
        verbatim = as_is;
        if (line.len == 0) {
            (void)buf_put_text(out, ".PP\n");
            continue;
        }
        put_roff(out, line);
        (void)buf_put_char(out, '\n');
    }
    if (verbatim)
        (void)buf_put_text(out, ".fi\n");
}

static void put_bold(struct ds_buf *out, const char *text)
{
    (void)buf_put_text(out, "\\fB");
    put_roff(out, ds_span_of(text));
    (void)buf_put_text(out, "\\fR");
}

static void put_option(struct ds_buf *out, const struct cmd_option *o)
{
    (void)buf_put_text(out, ".TP\n");
    if (o->letter)
        (void)buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
    (void)buf_put_text(out, "\\fB\\-\\-");
    put_roff(out, ds_span_of(o->name));
    (void)buf_put_text(out, "\\fR");
    if (o->value_name) {
        (void)buf_put_text(out, "=\\fI");
        put_roff(out, ds_span_of(o->value_name));
        (void)buf_put_text(out, "\\fR");
    }
    (void)buf_put_char(out, '\n');
    put_roff(out, ds_span_of(o->help));
    (void)buf_put_char(out, '\n');
}

static void put_command(struct ds_buf *out, const struct program *p, const struct cmd_entry *e)
{
    (void)buf_put_text(out, ".SS ");
    put_bold(out, p->name);
    (void)buf_put_char(out, ' ');
    put_bold(out, e->name);
    (void)buf_put_text(out, " [\\fIOPTION\\fR...] ");
    put_roff(out, ds_span_of(e->args));
    (void)buf_put_char(out, '\n');
    put_roff(out, ds_span_of(e->summary));
    (void)buf_put_text(out, ".\n");
    if (e->text) {
        (void)buf_put_text(out, ".PP\n");
        put_roff_text(out, e->text);
    }
    const struct cmd_option *o;
    for (size_t i = 0; (o = cmd_option_at(e, i)); i++)
        if (o->help)
            put_option(out, o);
    for (const struct cmd_example *x = e->examples; x && x->command; x++) {
        (void)buf_put_text(out, ".PP\n.nf\n    ");
        put_roff(out, ds_span_of(x->command));
        (void)buf_put_text(out, "\n.fi\n");
        put_roff(out, ds_span_of(x->what));
        (void)buf_put_char(out, '\n');
    }
    if (e->exits) {
        (void)buf_put_text(out, ".PP\nExit status:\n.nf\n");
        put_roff(out, ds_span_of(e->exits));
        (void)buf_put_text(out, ".fi\n");
    }
}

static void put_section(struct ds_buf *out, const char *title, const char *text)
{
    if (!text)
        return;
    (void)buf_printf(out, ".SH %s\n", title);
    put_roff_text(out, text);
}

void man_put_program(const struct program *p, struct ds_buf *out)
{
    static const struct cmd_entry usual = {.name = ""};
    (void)buf_put_text(out, ".TH ");
    for (const char *c = p->name; *c; c++)
        (void)buf_put_char(out, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
    (void)buf_printf(out, " 1 \"\" \"decksweep %s\" \"User Commands\"\n.SH NAME\n", p->version);
    put_roff(out, ds_span_of(p->name));
    (void)buf_put_text(out, " \\- ");
    put_roff(out, ds_span_of(p->summary));
    (void)buf_put_text(out, "\n.SH SYNOPSIS\n");
    put_bold(out, p->name);
    (void)buf_put_text(out, " \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n");
    put_section(out, "DESCRIPTION", p->text);
    (void)buf_put_text(out, ".SH COMMANDS\n");
    for (size_t i = 0; p->commands[i]; i++)
        if (!p->commands[i]->hidden)
            put_command(out, p, p->commands[i]);
    (void)buf_put_text(out, ".SH EXIT STATUS\n.nf\n");
    put_roff(out, ds_span_of(cmd_exits(&usual)));
    (void)buf_put_text(out, ".fi\n");
    put_section(out, "ENVIRONMENT", p->environment);
    put_section(out, "FILES", p->files);
    put_section(out, "SEE ALSO", p->see_also);
}

/* ---- bash ---- */

/* Which files the arguments of a command name, as an extglob; NULL: any; "" : none. */
static const char *args_pattern(const char *args)
{
    struct ds_span word;
    (void)ds_span_cut(ds_span_of(args), ' ', &word);
    if (ds_span_is(word, "DECK"))
        return "@(DATA|data)";
    if (ds_span_is(word, "SWEEP"))
        return "@(yaml|yml)";
    if (ds_span_is(word, "TARGET"))
        return "@(yaml|yml)";
    return "";
}

static void put_value_case(struct ds_buf *out, const struct cmd_entry *e,
                           const struct cmd_option *o)
{
    (void)buf_printf(out, "    %s:--%s", e->name, o->name);
    if (o->letter)
        (void)buf_printf(out, "|%s:-%c", e->name, o->letter);
    if (o->kind == VALUE_FILE) {
        (void)buf_put_text(out, ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
    } else if (o->kind == VALUE_FOLDER) {
        (void)buf_put_text(out, ") COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n");
    } else if (o->kind == VALUE_CHOICE) {
        (void)buf_put_text(out, ") COMPREPLY=($(compgen -W '");
        for (const char *c = o->value_name; *c; c++)
            (void)buf_put_char(out, *c == '|' ? ' ' : *c);
        (void)buf_put_text(out, "' -- \"$cur\")); return ;;\n");
    } else {
        (void)buf_put_text(out, ") return ;;\n");
    }
}

static void put_identifier(struct ds_buf *out, const char *name)
{
    (void)buf_put_char(out, '_');
    for (const char *c = name; *c; c++)
        (void)buf_put_char(out, *c == '-' ? '_' : *c);
}

static void put_command_names(const struct program *p, struct ds_buf *out)
{
    for (size_t i = 0; p->commands[i]; i++)
        if (!p->commands[i]->hidden)
            (void)buf_printf(out, "%s ", p->commands[i]->name);
}

static void put_option_names(const struct cmd_entry *e, struct ds_buf *out)
{
    const struct cmd_option *o;
    for (size_t i = 0; (o = cmd_option_at(e, i)); i++)
        if (o->help)
            (void)buf_printf(out, "--%s%s ", o->name, o->kind == VALUE_NONE ? "" : "=");
}

static void put_values(const struct cmd_entry *e, struct ds_buf *out)
{
    const struct cmd_option *o;
    for (size_t i = 0; (o = cmd_option_at(e, i)); i++)
        if (o->help && o->kind != VALUE_NONE)
            put_value_case(out, e, o);
}

void completion_put_bash(const struct program *p, struct ds_buf *out)
{
    (void)buf_printf(out, "# bash completion for %s; made from its option tables\n", p->name);
    put_identifier(out, p->name);
    (void)buf_put_text(out,
                       "() {\n"
                       "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                       "  local command=${COMP_WORDS[1]} options='' files=''\n"
                       "  COMPREPLY=()\n"
                       "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                       "    COMPREPLY=($(compgen -W '");
    put_command_names(p, out);
    (void)buf_put_text(out, "help --help --version' -- \"$cur\"))\n"
                            "    return\n"
                            "  fi\n"
                            "  if [ \"$cur\" = '=' ]; then cur=''; fi\n"
                            "  if [ \"$prev\" = '=' ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
                            "  case \"$command:$prev\" in\n");
    for (size_t i = 0; p->commands[i]; i++)
        if (!p->commands[i]->hidden)
            put_values(p->commands[i], out);
    (void)buf_put_text(out, "  esac\n  case \"$command\" in\n    help) COMPREPLY=($(compgen -W '");
    put_command_names(p, out);
    (void)buf_put_text(out, "' -- \"$cur\")); return ;;\n");
    for (size_t i = 0; p->commands[i]; i++) {
        if (p->commands[i]->hidden)
            continue;
        (void)buf_printf(out, "    %s) options='", p->commands[i]->name);
        put_option_names(p->commands[i], out);
        (void)buf_printf(out, "' files='%s' ;;\n", args_pattern(p->commands[i]->args));
    }
    (void)buf_put_text(out, "  esac\n"
                            "  if [[ $cur == -* ]]; then\n"
                            "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                            "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
                            "  elif [ -n \"$files\" ]; then\n"
                            "    compopt -o filenames\n"
                            "    COMPREPLY=($(shopt -s extglob; compgen -f -X \"!*.$files\" -- "
                            "\"$cur\") $(compgen -d -- \"$cur\"))\n"
                            "  fi\n"
                            "}\ncomplete -F ");
    put_identifier(out, p->name);
    (void)buf_printf(out, " %s\n", p->name);
}
