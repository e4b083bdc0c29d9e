/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd.h - what a command is: one table that parsing, --help, man pages and completion read
 *
 * A program is a list of commands (struct program); a command is one constant struct
 * cmd_entry with its options, its words for people and its run function. Whatever people
 * read about a command comes from its entry, so it cannot disagree with what is parsed.
 *
 * Options follow GNU habit: --key=value, --key value, -kvalue, -k value, flags bundle
 * (-ab), options and arguments mix, "--" ends the options, "-" is an argument. Everything
 * in this header is pure; program_io.h acts. */
#ifndef DS_CMD_CMD_H
#define DS_CMD_CMD_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>

struct cli;

/* What an option's value is: checked when parsed, and completed by the shell. */
enum cmd_value {
    VALUE_NONE = 0, /* a flag */
    VALUE_TEXT,
    VALUE_COUNT,    /* a whole number, 0 .. 2^53-1 */
    VALUE_SIZE,     /* 8GiB, 512M, ...: bytes */
    VALUE_DURATION, /* 2h, 15m, ...: milliseconds */
    VALUE_FILE,
    VALUE_FOLDER,
    VALUE_CHOICE, /* one of the words of value_name: "failed|all" */
};

struct cmd_option {
    const char *name; /* long name without "--"; NULL ends the table */
    char letter;      /* 0: none */
    enum cmd_value kind;
    const char *value_name; /* "DIR"; NULL for a flag */
    const char *help;       /* one sentence, no full stop; NULL: understood, but not shown */
};

struct cmd_example {
    const char *command; /* NULL ends the table */
    const char *what;
};

struct cmd_entry {
    const char *name;
    /* Words of the arguments: "SWEEP", "TARGET [CASE...]". [] is optional, ... repeats; the
     * parser counts by it and completion knows DECK, SWEEP, TARGET. */
    const char *args;
    const char *summary;              /* one line, lower case, no full stop */
    const char *text;                 /* paragraphs, an empty line between; NULL */
    const struct cmd_option *options; /* NULL: none; --help (and --json) come by themselves */
    const struct cmd_example *examples;
    const char *exits; /* "0 done\n2 ...\n"; NULL: the usual ones */
    bool json;         /* has --json */
    bool hidden;       /* runs and has --help, but is not listed */
    /* Do it; returns the exit status. */
    int (*run)(struct cli *cli);
};

struct program {
    const char *name;
    const char *summary;
    const char *text; /* for the man page; NULL */
    const char *version;
    const struct cmd_entry *const *commands; /* NULL ends */
    const char *files;                       /* man page section FILES; NULL */
    const char *environment;                 /* man page section ENVIRONMENT; NULL */
    const char *see_also;                    /* "decksweep-agent(1)"; NULL */
};

/* Options every command has, behind its own. */
extern const struct cmd_option CMD_OPTION_HELP, CMD_OPTION_JSON;

/* Option i of a command with the common ones appended, or NULL behind the last. */
const struct cmd_option *cmd_option_at(const struct cmd_entry *e, size_t i);

#define CMD_MAX_GIVEN 256u

struct cmd_given {
    const struct cmd_option *option;
    const char *text; /* NULL for a flag */
    uint64_t number;  /* VALUE_COUNT, VALUE_SIZE (bytes), VALUE_DURATION (ms) */
};

/* A command line, taken apart. Text borrows argv. */
struct cmd_line {
    const struct cmd_entry *entry;
    struct cmd_given given[CMD_MAX_GIVEN];
    size_t n_given;
    const char **args;
    size_t n_args;
    bool help;
};

/* Least and most arguments by entry->args; *most is SIZE_MAX when the last one repeats. */
void cmd_count_args(const struct cmd_entry *e, size_t *least, size_t *most);

/* Take argv[0 .. argc-1] apart (without program and command name). DS_EINPUT with what is wrong
 * and the nearest name: unknown option, missing or unwanted value, bad number, too few or
 * many arguments. With --help nothing else is an error. a: keeps args. */
int cmd_parse(const struct cmd_entry *e, int argc, char *const *argv, struct ds_arena *a,
              struct cmd_line *out, struct ds_err *err) DS_CHECKED;

/* What was given; the name must be in the table (asserted). The last one wins. */
bool cmd_has(const struct cmd_line *l, const char *name);
const char *cmd_text(const struct cmd_line *l, const char *name);                    /* NULL */
uint64_t cmd_number(const struct cmd_line *l, const char *name, uint64_t otherwise); /* see kind */
/* The i-th occurrence, or NULL: for options that may come more than once. */
const char *cmd_text_at(const struct cmd_line *l, const char *name, size_t i);

const struct cmd_entry *cmd_find(const struct program *p, const char *name); /* NULL */
/* The nearest known command within 3 edits, or NULL. */
const struct cmd_entry *cmd_nearest(const struct program *p, const char *name);

/* ---- texts, all from the entries ---- */
void help_put_program(const struct program *p, struct ds_buf *out);
void help_put_command(const struct program *p, const struct cmd_entry *e, struct ds_buf *out);
void man_put_program(const struct program *p, struct ds_buf *out); /* roff, man(7) macros */
void completion_put_bash(const struct program *p, struct ds_buf *out);

/* "0 every case is ok\n1 ...": what `exits` or the usual text says. */
const char *cmd_exits(const struct cmd_entry *e);

#endif
