/* SPDX-License-Identifier: GPL-3.0-or-later */
/* makestore_options.h - the command line of makestore, see there; included once */
#ifndef TESTS_SUPPORT_MAKESTORE_OPTIONS_H
#define TESTS_SUPPORT_MAKESTORE_OPTIONS_H

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_FILES   64u
#define MAX_VECTORS 20000u

struct options {
    const char *store, *sweep, *from, *root, *folders;
    const char *files[MAX_FILES], *bundle[MAX_FILES];
    size_t n_files, n_bundle;
    uint32_t cases, vectors, steps, failed, missing, first;
    bool twins, mixed_units, uneven, one_at_a_time, odd, shift, idle;
};

static void must(int rc, const struct ds_err *err)
{
    if (rc >= 0)
        return;
    (void)fprintf(stderr, "makestore: %s\n", err->text);
    exit(3);
}

static uint32_t number(const char *text)
{
    uint64_t value = 0;
    struct ds_err err;
    must(units_parse_u64(ds_span_of(text ? text : ""), 10000000, &value, &err), &err);
    return (uint32_t)value;
}

static bool take_flag(struct options *o, const char *name)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--twins", &o->twins},
                 {"--mixed-units", &o->mixed_units},
                 {"--uneven", &o->uneven},
                 {"--odd", &o->odd},
                 {"--shift", &o->shift},
                 {"--idle", &o->idle},
                 {"--one-at-a-time", &o->one_at_a_time}};
    for (size_t i = 0; i < DS_COUNT(flags); i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static bool take_value(struct options *o, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint32_t *number;
    } numbers[] = {{"--vectors", &o->vectors},
                   {"--steps", &o->steps},
                   {"--failed", &o->failed},
                   {"--missing", &o->missing},
                   {"--first", &o->first}};
    for (size_t i = 0; i < DS_COUNT(numbers); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].number = number(value);
            return true;
        }
    }
    if (strcmp(name, "--from") == 0)
        o->from = value;
    else if (strcmp(name, "--root") == 0)
        o->root = value;
    else if (strcmp(name, "--folders") == 0)
        o->folders = value;
    else if (strcmp(name, "--file") == 0 && o->n_files < MAX_FILES)
        o->files[o->n_files++] = value;
    else if (strcmp(name, "--bundle") == 0 && o->n_bundle < MAX_FILES)
        o->bundle[o->n_bundle++] = value;
    else
        return false;
    return true;
}

static struct options parse(int argc, char **argv)
{
    struct options o = {.vectors = 10, .steps = 90};
    bool ok = argc >= 4;
    if (ok) {
        o.store = argv[1];
        o.sweep = argv[2];
        o.cases = number(argv[3]);
    }
    for (int i = 4; ok && i < argc; i++) {
        if (take_flag(&o, argv[i]))
            continue;
        ok = i + 1 < argc && take_value(&o, argv[i], argv[i + 1]);
        i++;
    }
    if (!ok || o.vectors < 4 || o.vectors >= MAX_VECTORS || o.failed + o.missing > o.cases) {
        (void)fprintf(stderr, "usage: makestore STORE SWEEP CASES [options]; see makestore.c\n");
        exit(2);
    }
    return o;
}

#endif
