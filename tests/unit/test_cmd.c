/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static int nothing(struct cli *cli)
{
    (void)cli;
    return 0;
}

static const struct cmd_option OPTIONS[] = {
    {"cores", 'c', VALUE_COUNT, "N", "so many cores"},
    {"memory", 0, VALUE_SIZE, "SIZE", "so much memory"},
    {"wait", 0, VALUE_DURATION, "TIME", "so long"},
    {"failed", 'f', VALUE_NONE, NULL, "only failed ones"},
    {"long", 'l', VALUE_NONE, NULL, "more"},
    {"output", 'o', VALUE_FOLDER, "DIR", "where to"},
    {"keep-scratch", 0, VALUE_CHOICE, "failed|all", "which folders stay"},
    {"member", 'm', VALUE_TEXT, "GLOB", "may come again"},
    {"secret", 's', VALUE_TEXT, "TEXT", NULL},
    {NULL, 0, VALUE_NONE, NULL, NULL},
};
static const struct cmd_example EXAMPLES[] = {
    {"prog get a", "an example of use"},
    {NULL, NULL},
};
static const struct cmd_entry GET = {
    .name = "get",
    .args = "TARGET [CASE...]",
    .summary = "get what is there",
    .text = "A paragraph.\n\n  as it stands\n.not a request\n",
    .options = OPTIONS,
    .examples = EXAMPLES,
    .json = true,
    .run = nothing,
};
static const struct cmd_entry PLAIN = {
    .name = "version", .args = "", .summary = "tell the version", .run = nothing};
static const struct cmd_entry HIDDEN = {
    .name = "inside", .args = "A [B]", .summary = "for pods", .hidden = true, .run = nothing};
static const struct cmd_entry *const COMMANDS[] = {&GET, &PLAIN, &HIDDEN, NULL};
static const struct program PROGRAM = {
    .name = "prog", .summary = "does things", .version = "1.2", .commands = COMMANDS};

struct parsed {
    struct ds_arena *arena;
    struct cmd_line line;
    struct ds_err err;
    int rc;
};

static struct parsed parse(const struct cmd_entry *e, const char *words)
{
    static char copy[4096];
    static char *argv[300];
    int argc = 0;
    (void)snprintf(copy, sizeof copy, "%s", words);
    for (char *c = copy; *c && argc < 299;) {
        argv[argc++] = c;
        while (*c && *c != ' ')
            c++;
        while (*c == ' ')
            *c++ = '\0';
    }
    struct parsed p = {.arena = arena_create(1u << 20)};
    p.rc = cmd_parse(e, argc, argv, p.arena, &p.line, &p.err);
    return p;
}

Test(cmd, options_come_in_every_gnu_form)
{
    static const char *const FORMS[] = {
        "--cores=4 t", "--cores 4 t", "-c4 t", "-c 4 t", "t --cores=4", "-fc4 t", "t -f -c 4 --",
    };
    for (size_t i = 0; i < DS_COUNT(FORMS); i++) {
        struct parsed p = parse(&GET, FORMS[i]);
        cr_assert_eq(p.rc, 0, "%s: %s", FORMS[i], p.err.text);
        cr_expect_eq(cmd_number(&p.line, "cores", 0), 4, "%s", FORMS[i]);
        cr_expect_eq(p.line.n_args, 1, "%s", FORMS[i]);
        cr_expect_str_eq(p.line.args[0], "t");
        arena_destroy(p.arena);
    }
}

Test(cmd, values_are_checked_and_converted)
{
    struct parsed p = parse(&GET, "t --memory 2GiB --wait=90s --keep-scratch failed -m a -m b -fl");
    cr_assert_eq(p.rc, 0, "%s", p.err.text);
    cr_expect_eq(cmd_number(&p.line, "memory", 0), UINT64_C(2) << 30);
    cr_expect_eq(cmd_number(&p.line, "wait", 0), 90000);
    cr_expect_str_eq(cmd_text(&p.line, "keep-scratch"), "failed");
    cr_expect_str_eq(cmd_text_at(&p.line, "member", 0), "a");
    cr_expect_str_eq(cmd_text_at(&p.line, "member", 1), "b");
    cr_expect_null(cmd_text_at(&p.line, "member", 2));
    cr_expect(cmd_has(&p.line, "failed") && cmd_has(&p.line, "long"));
    cr_expect(!cmd_has(&p.line, "json"));
    cr_expect_eq(cmd_number(&p.line, "cores", 7), 7, "what is not given is what the caller says");
    arena_destroy(p.arena);
}

Test(cmd, two_dashes_end_the_options_and_one_is_an_argument)
{
    struct parsed p = parse(&GET, "-- -f - --json");
    cr_assert_eq(p.rc, 0, "%s", p.err.text);
    cr_assert_eq(p.line.n_args, 3);
    cr_expect_str_eq(p.line.args[0], "-f");
    cr_expect_str_eq(p.line.args[1], "-");
    cr_expect_str_eq(p.line.args[2], "--json");
    cr_expect_eq(p.line.n_given, 0);
    arena_destroy(p.arena);
}

Test(cmd, what_is_wrong_is_said_with_what_to_do)
{
    static const struct {
        const char *words, *says;
    } ROWS[] = {
        {"t --core 4", "did you mean --cores?"},
        {"t --outptu=x", "did you mean --output?"},
        {"t --jsn", "did you mean --json?"},
        {"t --zzzzzz", "unknown option --zzzzzz"},
        {"t -x", "unknown option -x"},
        {"t -fx", "unknown option -x in '-fx'"},
        {"t --failed=yes", "--failed takes no value"},
        {"t --cores", "--cores needs a value: --cores N"},
        {"t -o", "-o needs a value: -o DIR"},
        {"t --cores=four", "--cores: "},
        {"t --cores=-1", "--cores: "},
        {"t --cores=99999999999999999999", "--cores: "},
        {"t --memory=2XB", "--memory: "},
        {"t --wait=soon", "--wait: "},
        {"t --keep-scratch=some", "'some' is not one of failed|all"},
        {"t --output=", "--output: the value is empty"},
        {"", "TARGET is missing"},
        {"-f", "TARGET is missing"},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct parsed p = parse(&GET, ROWS[i].words);
        cr_expect_eq(p.rc, DS_EINPUT, "%s", ROWS[i].words);
        cr_expect(strstr(p.err.text, ROWS[i].says), "'%s' says: %s", ROWS[i].words, p.err.text);
        arena_destroy(p.arena);
    }
    struct parsed p = parse(&PLAIN, "x");
    cr_expect(strstr(p.err.text, "takes no arguments"));
    arena_destroy(p.arena);
    p = parse(&HIDDEN, "x y z");
    cr_expect(strstr(p.err.text, "one argument too many: 'z'"));
    arena_destroy(p.arena);
}

Test(cmd, help_wins_over_every_other_mistake)
{
    static const char *const LINES[] = {"--help", "-h", "--nonsense --help", "t -x -h",
                                        "a b --cores=x --help"};
    for (size_t i = 0; i < DS_COUNT(LINES); i++) {
        struct parsed p = parse(&GET, LINES[i]);
        cr_expect_eq(p.rc, 0, "%s: %s", LINES[i], p.err.text);
        cr_expect(p.line.help, "%s", LINES[i]);
        arena_destroy(p.arena);
    }
}

Test(cmd, more_options_than_there_is_room_for_are_refused)
{
    ds_auto_buf words;
    buf_init(&words, 4096);
    (void)buf_put_text(&words, "t");
    for (int i = 0; i < 257; i++)
        (void)buf_put_text(&words, " -f");
    struct parsed p = parse(&GET, words.data);
    cr_expect_eq(p.rc, DS_EINPUT);
    cr_expect(strstr(p.err.text, "more than 256 options"), "%s", p.err.text);
    arena_destroy(p.arena);
}

Test(cmd, the_number_of_arguments_follows_from_their_words)
{
    static const struct {
        const char *args;
        size_t least, most;
    } ROWS[] = {
        {"", 0, 0},
        {"SWEEP", 1, 1},
        {"SWEEP CASE", 2, 2},
        {"TARGET [CASE]", 1, 2},
        {"[NAME]", 0, 1},
        {"TARGET [CASE...]", 1, SIZE_MAX},
        {"FILE...", 1, SIZE_MAX},
    };
    for (size_t i = 0; i < DS_COUNT(ROWS); i++) {
        struct cmd_entry e = {.name = "x", .args = ROWS[i].args};
        size_t least, most;
        cmd_count_args(&e, &least, &most);
        cr_expect_eq(least, ROWS[i].least, "%s", ROWS[i].args);
        cr_expect_eq(most, ROWS[i].most, "%s", ROWS[i].args);
    }
}

Test(cmd, a_misspelt_command_is_answered_with_the_nearest)
{
    cr_expect_eq(cmd_nearest(&PROGRAM, "verison"), &PLAIN);
    cr_expect_eq(cmd_nearest(&PROGRAM, "gte"), &GET);
    cr_expect_null(cmd_nearest(&PROGRAM, "banana"));
    cr_expect_null(cmd_nearest(&PROGRAM, "insid"), "hidden commands are not offered");
    cr_expect_eq(cmd_find(&PROGRAM, "inside"), &HIDDEN);
}

static void expect_all(const struct ds_buf *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_expect(strstr(text->data, words[i]), "'%s' is missing in:\n%s", words[i], text->data);
}

Test(cmd, help_man_page_and_completion_name_every_option_but_hidden_ones)
{
    static const char *const OF_HELP[] = {"Usage: prog get [OPTION...] TARGET [CASE...]",
                                          "-c, --cores=N",
                                          "--keep-scratch=failed|all",
                                          "prog get a",
                                          "--json",
                                          "-h, --help",
                                          "Exit status"};
    static const char *const OF_MAN[] = {".TH PROG 1", "\\-\\-keep\\-scratch", "\\-\\-cores",
                                         "\\&.not a request", "decksweep 1.2"};
    static const char *const OF_BASH[] = {"--cores= --memory= ", "--failed ", "'failed all'",
                                          "complete -F _prog prog", "compgen -d"};
    ds_auto_buf help, man, bash, all;
    buf_init(&help, 1u << 16);
    buf_init(&man, 1u << 16);
    buf_init(&bash, 1u << 16);
    buf_init(&all, 1u << 16);
    help_put_command(&PROGRAM, &GET, &help);
    help_put_program(&PROGRAM, &all);
    man_put_program(&PROGRAM, &man);
    completion_put_bash(&PROGRAM, &bash);
    expect_all(&help, OF_HELP, DS_COUNT(OF_HELP));
    expect_all(&man, OF_MAN, DS_COUNT(OF_MAN));
    expect_all(&bash, OF_BASH, DS_COUNT(OF_BASH));
    const struct ds_buf *texts[] = {&help, &man, &bash, &all};
    for (size_t i = 0; i < DS_COUNT(texts); i++) {
        cr_expect_null(strstr(texts[i]->data, "secret"), "%s", texts[i]->data);
        cr_expect(i == 0 || !strstr(texts[i]->data, "inside"), "%s", texts[i]->data);
    }
}

Test(cmd, help_keeps_to_eighty_columns)
{
    ds_auto_buf out;
    buf_init(&out, 1u << 16);
    help_put_command(&PROGRAM, &GET, &out);
    struct ds_span rest = buf_span(&out), line;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '\n', &line);
        cr_expect_leq(line.len, 80, "%.*s", DS_FMT(line));
    }
}
