/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/units.h"
#include "cmd/cmd.h"

#include <assert.h>

#define NEAR_EDITS 3u

const struct cmd_option CMD_OPTION_HELP = {"help", 'h', VALUE_NONE, NULL, "show this help"};
const struct cmd_option CMD_OPTION_JSON = {"json", 0, VALUE_NONE, NULL,
                                           "print JSON (stable, see docs/command-line.md)"};

const struct cmd_option *cmd_option_at(const struct cmd_entry *e, size_t i)
{
    const struct cmd_option *o = e->options;
    for (; o && o->name; o++)
        if (i-- == 0)
            return o;
    if (e->json && i-- == 0)
        return &CMD_OPTION_JSON;
    return i == 0 ? &CMD_OPTION_HELP : NULL;
}

static const struct cmd_option *find_long(const struct cmd_entry *e, struct ds_span name)
{
    const struct cmd_option *o;
    for (size_t i = 0; (o = cmd_option_at(e, i)); i++)
        if (ds_span_is(name, o->name))
            return o;
    return NULL;
}

static const struct cmd_option *find_letter(const struct cmd_entry *e, char letter)
{
    const struct cmd_option *o;
    for (size_t i = 0; (o = cmd_option_at(e, i)); i++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static int fail_unknown(const struct cmd_entry *e, struct ds_span name, struct ds_err *err)
{
    const struct cmd_option *o, *best = NULL;
    size_t best_edits = NEAR_EDITS + 1;
    for (size_t i = 0; (o = cmd_option_at(e, i)); i++) {
        size_t edits = ds_span_distance(name, ds_span_of(o->name), NEAR_EDITS + 1);
        if (name.len >= 3 && strncmp(o->name, name.ptr, name.len) == 0)
            edits = 1;
        if (edits < best_edits && edits < name.len) {
            best_edits = edits;
            best = o;
        }
    }
    if (best)
        return ds_fail(err, DS_EINPUT, "unknown option --%.*s: did you mean --%s?", DS_FMT(name),
                       best->name);
    return ds_fail(err, DS_EINPUT, "unknown option --%.*s", DS_FMT(name));
}

static bool is_choice(const char *words, struct ds_span text)
{
    struct ds_span rest = ds_span_of(words), head;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, '|', &head);
        if (ds_span_eq(head, text))
            return true;
    }
    return false;
}

static int check_value(struct cmd_given *g, struct ds_err *err)
{
    struct ds_span text = ds_span_of(g->text);
    int rc = 0;
    switch (g->option->kind) {
    case VALUE_COUNT:
        rc = units_parse_u64(text, (UINT64_C(1) << 53) - 1, &g->number, err);
        break;
    case VALUE_SIZE:
        rc = units_parse_size(text, &g->number, err);
        break;
    case VALUE_DURATION:
        rc = units_parse_duration(text, &g->number, err);
        break;
    case VALUE_CHOICE:
        if (!is_choice(g->option->value_name, text))
            rc = ds_fail(err, DS_EINPUT, "'%s' is not one of %s", g->text, g->option->value_name);
        break;
    case VALUE_NONE:
    case VALUE_TEXT:
    case VALUE_FILE:
    case VALUE_FOLDER:
        if (text.len == 0)
            rc = ds_fail(err, DS_EINPUT, "the value is empty");
        break;
    }
    if (rc == 0)
        return 0;
    if (err)
        err->code = DS_EINPUT;
    return ds_wrap(err, "--%s", g->option->name);
}

static int add_given(struct cmd_line *l, const struct cmd_option *o, const char *text,
                     struct ds_err *err)
{
    if (o == &CMD_OPTION_HELP)
        l->help = true;
    if (l->n_given == CMD_MAX_GIVEN)
        return ds_fail(err, DS_EINPUT, "more than %u options", CMD_MAX_GIVEN);
    struct cmd_given g = {.option = o, .text = text};
    if (o->kind != VALUE_NONE && check_value(&g, err) < 0)
        return DS_EINPUT;
    l->given[l->n_given++] = g;
    return 0;
}

/* argv[*i] is "--name" or "--name=value"; may consume the next word. */
static int parse_long(struct cmd_line *l, int argc, char *const *argv, int *i, struct ds_err *err)
{
    const char *word = argv[*i] + 2;
    const char *equal = strchr(word, '=');
    struct ds_span name = {word, equal ? (size_t)(equal - word) : strlen(word)};
    const struct cmd_option *o = find_long(l->entry, name);
    if (!o)
        return fail_unknown(l->entry, name, err);
    const char *value = equal ? equal + 1 : NULL;
    if (o->kind == VALUE_NONE && value)
        return ds_fail(err, DS_EINPUT, "--%s takes no value", o->name);
    if (o->kind != VALUE_NONE && !value) {
        if (*i + 1 >= argc)
            return ds_fail(err, DS_EINPUT, "--%s needs a value: --%s %s", o->name, o->name,
                           o->value_name);
        value = argv[++*i];
    }
    return add_given(l, o, value, err);
}

/* argv[*i] is "-abc" or "-oDIR"; may consume the next word. */
static int parse_letters(struct cmd_line *l, int argc, char *const *argv, int *i,
                         struct ds_err *err)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        const struct cmd_option *o = find_letter(l->entry, *c);
        if (!o)
            return ds_fail(err, DS_EINPUT, "unknown option -%c in '%s'", *c, argv[*i]);
        if (o->kind == VALUE_NONE) {
            if (add_given(l, o, NULL, err) < 0)
                return DS_EINPUT;
            continue;
        }
        const char *value = c[1] ? c + 1 : NULL;
        if (!value && *i + 1 >= argc)
            return ds_fail(err, DS_EINPUT, "-%c needs a value: -%c %s", *c, *c, o->value_name);
        return add_given(l, o, value ? value : argv[++*i], err);
    }
    return 0;
}

void cmd_count_args(const struct cmd_entry *e, size_t *least, size_t *most)
{
    struct ds_span rest = ds_span_of(e->args), word;
    *least = *most = 0;
    while (rest.len > 0) {
        rest = ds_span_cut(rest, ' ', &word);
        if (word.len == 0)
            continue;
        if (word.ptr[0] != '[')
            ++*least;
        if (ds_span_ends(word, "...") || ds_span_ends(word, "...]"))
            *most = SIZE_MAX;
        else if (*most != SIZE_MAX)
            ++*most;
    }
}

static int check_args(const struct cmd_line *l, struct ds_err *err)
{
    size_t least, most;
    cmd_count_args(l->entry, &least, &most);
    if (l->n_args > most && most == 0)
        return ds_fail(err, DS_EINPUT, "'%s' takes no arguments, but there is '%s'", l->entry->name,
                       l->args[0]);
    if (l->n_args > most)
        return ds_fail(err, DS_EINPUT, "one argument too many: '%s'", l->args[most]);
    if (l->n_args >= least)
        return 0;
    struct ds_span rest = ds_span_of(l->entry->args), word = {"", 0};
    for (size_t i = 0; i <= l->n_args; i++)
        rest = ds_span_cut(rest, ' ', &word);
    return ds_fail(err, DS_EINPUT, "%.*s is missing", DS_FMT(word));
}

int cmd_parse(const struct cmd_entry *e, int argc, char *const *argv, struct ds_arena *a,
              struct cmd_line *out, struct ds_err *err)
{
    struct cmd_line *l = ds_new(a, struct cmd_line, 1);
    const char **args = ds_new(a, const char *, (size_t)argc);
    if (!l || !args)
        return ds_fail(err, DS_ETOOBIG, "command line: too long");
    l->entry = e;
    l->args = args;
    struct ds_err first = {0};
    int rc = 0;
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        struct ds_err here = {0};
        int step = 0;
        if (options_end || argv[i][0] != '-' || argv[i][1] == '\0')
            args[l->n_args++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            options_end = true;
        else if (argv[i][1] == '-')
            step = parse_long(l, argc, argv, &i, &here);
        else
            step = parse_letters(l, argc, argv, &i, &here);
        if (step < 0 && rc == 0) {
            rc = step;
            first = here;
        }
    }
    if (rc == 0)
        rc = check_args(l, &first);
    if (rc < 0 && !l->help) {
        if (err)
            *err = first;
        return rc;
    }
    *out = *l;
    return 0;
}

static bool has_option(const struct cmd_entry *e, const char *name)
{
    return find_long(e, ds_span_of(name)) != NULL;
}

static const struct cmd_given *last_given(const struct cmd_line *l, const char *name)
{
    assert(has_option(l->entry, name));
    for (size_t i = l->n_given; i-- > 0;)
        if (strcmp(l->given[i].option->name, name) == 0)
            return &l->given[i];
    return NULL;
}

bool cmd_has(const struct cmd_line *l, const char *name)
{
    return last_given(l, name) != NULL;
}

const char *cmd_text(const struct cmd_line *l, const char *name)
{
    const struct cmd_given *g = last_given(l, name);
    return g ? g->text : NULL;
}

uint64_t cmd_number(const struct cmd_line *l, const char *name, uint64_t otherwise)
{
    const struct cmd_given *g = last_given(l, name);
    return g ? g->number : otherwise;
}

const char *cmd_text_at(const struct cmd_line *l, const char *name, size_t i)
{
    assert(has_option(l->entry, name));
    for (size_t k = 0; k < l->n_given; k++)
        if (strcmp(l->given[k].option->name, name) == 0 && i-- == 0)
            return l->given[k].text;
    return NULL;
}

const struct cmd_entry *cmd_find(const struct program *p, const char *name)
{
    for (size_t i = 0; p->commands[i]; i++)
        if (strcmp(p->commands[i]->name, name) == 0)
            return p->commands[i];
    return NULL;
}

const struct cmd_entry *cmd_nearest(const struct program *p, const char *name)
{
    const struct cmd_entry *best = NULL;
    struct ds_span wanted = ds_span_of(name);
    size_t best_edits = NEAR_EDITS + 1;
    for (size_t i = 0; p->commands[i]; i++) {
        if (p->commands[i]->hidden)
            continue;
        size_t edits = ds_span_distance(wanted, ds_span_of(p->commands[i]->name), NEAR_EDITS + 1);
        if (edits < best_edits && edits < wanted.len) {
            best_edits = edits;
            best = p->commands[i];
        }
    }
    return best;
}
